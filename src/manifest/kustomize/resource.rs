//! Resources on their way through a build: objects with the names that they had, and what is still to be done to them.

use super::{Outcome, Problem, select::Selector};
use crate::api::{GroupVersion, GroupVersionKind, Map, Object, ObjectExt, Value};
use crate::schema;
use crate::yaml::{self, Reader};
use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::sync::LazyLock;

/// What tells resources apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub gvk: GroupVersionKind,
    pub name: String,
    /// As it is written in the object; empty when it is not.
    pub namespace: String,
}

/// Stands for the namespace of what belongs to the whole cluster.
const NO_NAMESPACE: &str = "_non_namespaceable_";

static CLUSTER_SCOPED: LazyLock<HashSet<GroupVersionKind>> = LazyLock::new(|| {
    let whole = schema::resources().iter().filter(|resource| !resource.namespaced());
    whole.map(schema::Resource::group_version_kind).collect()
});

impl Id {
    /// Whether it is of a built-in kind that belongs to the whole cluster.
    pub fn is_cluster_scoped(&self) -> bool {
        self.namespace == NO_NAMESPACE || CLUSTER_SCOPED.contains(&self.gvk)
    }

    /// The namespace that it is in: an object that says none is in `default`.
    pub fn effective_namespace(&self) -> &str {
        match self.namespace.as_str() {
            _ if self.is_cluster_scoped() => NO_NAMESPACE,
            "" => "default",
            namespace => namespace,
        }
    }

    /// Whether both name the same resource.
    pub fn is_same(&self, other: &Id) -> bool {
        self.gvk == other.gvk && self.name == other.name && self.effective_namespace() == other.effective_namespace()
    }
}

/// As messages show it: `ConfigMap.v1.[noGrp]/name.[noNs]`.
impl Display for Id {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let or = |text: &str, missing: &str| if text.is_empty() { missing.to_string() } else { text.to_string() };
        write!(f, "{}/{}.{}", shown(&self.gvk), or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }
}

/// A kind as messages show it.
pub(super) fn shown(gvk: &GroupVersionKind) -> String {
    let or = |text: &str, missing: &str| if text.is_empty() { missing.to_string() } else { text.to_string() };
    format!("{}.{}.{}", or(&gvk.kind, "[noKind]"), or(&gvk.version, "[noVer]"), or(&gvk.group, "[noGrp]"))
}

/// What a generated resource does to one of the same name that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub fn parse(text: &str) -> Self {
        match text {
            "create" => Behavior::Create,
            "replace" => Behavior::Replace,
            "merge" => Behavior::Merge,
            _ => Behavior::Unspecified,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Behavior::Unspecified => "unspecified",
            Behavior::Create => "create",
            Behavior::Replace => "replace",
            Behavior::Merge => "merge",
        }
    }
}

/// One resource.
#[derive(Clone, Debug, Default)]
pub(super) struct Resource {
    pub object: Object,
    /// The kinds, names and namespaces that it had, the first one first.
    previous: Vec<(String, String, String)>,
    pub prefixes: Vec<String>,
    pub suffixes: Vec<String>,
    /// Whether its name gets the hash of its content.
    pub is_hashed: bool,
    pub behavior: Behavior,
    /// The vars that read from it.
    pub vars: Vec<String>,
    /// A patch may change names and kinds.
    pub may_change_name: bool,
    pub may_change_kind: bool,
}

impl Resource {
    pub fn new(object: Object) -> Self {
        Resource { object, ..Resource::default() }
    }

    /// What it is called now.
    pub fn id(&self) -> Id {
        let (name, namespace) = (self.object.name().to_string(), self.object.namespace().to_string());
        Id { gvk: self.object.group_version_kind(), name, namespace }
    }

    /// What it was called before, the first name first.
    pub fn previous_ids(&self) -> impl Iterator<Item = Id> + '_ {
        let version = GroupVersion::parse(self.object.api_version());
        self.previous.iter().map(move |(kind, name, namespace)| Id {
            gvk: version.with_kind(kind),
            name: name.clone(),
            namespace: namespace.clone(),
        })
    }

    /// What it was called where it was read.
    pub fn original_id(&self) -> Id {
        self.previous_ids().next().unwrap_or_else(|| self.id())
    }

    /// Everything that it is or was called.
    pub fn ids(&self) -> impl Iterator<Item = Id> + '_ {
        self.previous_ids().chain([self.id()])
    }

    /// Keeps what it is called now, before that changes.
    pub fn store_id(&mut self) {
        let id = self.id();
        let namespace = id.effective_namespace().to_string();
        self.previous.push((id.gvk.kind, id.name, namespace));
    }

    /// Takes the name, the labels and the annotations of the resource that it replaces.
    fn take_over(&mut self, old: &Resource) {
        for field in ["labels", "annotations"] {
            let mut merged = old.object.map_at(&["metadata", field]).cloned().unwrap_or_default();
            merged.extend(self.object.map_at(&["metadata", field]).cloned().unwrap_or_default());
            if !merged.is_empty() {
                self.object.put(&["metadata", field], merged);
            }
        }
        self.object.put(&["metadata", "name"], old.object.name());
        match old.object.namespace() {
            "" => drop(self.object.take_at(&["metadata", "namespace"])),
            namespace => self.object.put(&["metadata", "namespace"], namespace),
        }
        self.previous.clone_from(&old.previous);
        self.prefixes.clone_from(&old.prefixes);
        self.suffixes.clone_from(&old.suffixes);
        self.vars.clone_from(&old.vars);
        self.is_hashed &= old.is_hashed;
        self.behavior = old.behavior;
    }

    fn merge_data(&mut self, old: &Resource) {
        for field in ["data", "binaryData"] {
            let mut merged = old.object.map_at(&[field]).cloned().unwrap_or_default();
            merged.extend(self.object.map_at(&[field]).cloned().unwrap_or_default());
            if !merged.is_empty() {
                self.object.put(&[field], merged);
            }
        }
    }
}

/// The resources of a text. Lists are opened, documents without content passed over.
pub(super) fn parse(bytes: &[u8]) -> Outcome<Vec<Resource>> {
    let mut queue = Vec::new();
    for document in yaml::documents_as(bytes, Reader::Kustomize) {
        let document = document.map_err(|error| Problem(format!("MalformedYAMLError: {}", error.reason())))?;
        queue.push(document.value);
    }
    queue.reverse();
    let mut resources = Vec::new();
    while let Some(object) = queue.pop() {
        if object.as_object().is_none_or(Map::is_empty) && !matches!(object, Value::String(_) | Value::Array(_)) {
            continue;
        }
        check(&object)?;
        match object.get("items") {
            Some(Value::Array(items)) if object.kind().ends_with("List") => {
                // What a list has comes behind everything else, as the reference has it.
                let mut items = items.clone();
                items.reverse();
                queue.splice(0..0, items);
            }
            Some(Value::Null) if object.kind().ends_with("List") => {}
            _ => resources.push(Resource::new(object)),
        }
    }
    Ok(resources)
}

/// An object must say its kind and name, and its lists may have no empty items.
fn check(object: &Value) -> Outcome<()> {
    if !object.is_object() {
        return Err(Problem("missing Resource metadata".into()));
    }
    let meta = shown_meta(object);
    if object.kind().is_empty() {
        return Err(Problem(format!("missing kind in object {meta}")));
    }
    if !object.kind().ends_with("List") && object.name().is_empty() {
        return Err(Problem(format!("missing metadata.name in object {meta}")));
    }
    match empty_item(object) {
        Some(path) => Err(Problem(format!("empty item at {path} in object {}", object.kind()))),
        None => Ok(()),
    }
}

/// Where a list has an empty item.
fn empty_item(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| Some(format!("{name}/{}", empty_item(value)?))),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| match item {
            Value::Null => Some(String::new()),
            item => Some(format!("[{index}]/{}", empty_item(item)?)),
        }),
        _ => None,
    }
}

/// What an object says of itself, as Go prints it.
fn shown_meta(object: &Value) -> String {
    let map = |field: &str| {
        let entries = object.map_at(&["metadata", field]);
        let shown: Vec<String> = entries
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}:{}", value.as_str().unwrap_or("")))
            .collect();
        format!("map[{}]", shown.join(" "))
    };
    format!(
        "{{{{{} {}}} {{{{{} {}}} {} {}}}}}",
        object.api_version(),
        object.kind(),
        object.name(),
        object.namespace(),
        map("labels"),
        map("annotations")
    )
}

/// The resources of a kustomization, in their order; no two have the same name.
#[derive(Clone, Debug, Default)]
pub(super) struct Resources(pub Vec<Resource>);

impl Resources {
    pub fn append(&mut self, resource: Resource) -> Outcome<()> {
        let id = resource.id();
        if self.0.iter().any(|known| known.id().is_same(&id)) {
            return Err(Problem(format!("may not add resource with an already registered id: {id}")));
        }
        self.0.push(resource);
        Ok(())
    }

    pub fn append_all(&mut self, resources: impl IntoIterator<Item = Resource>) -> Outcome<()> {
        resources.into_iter().try_for_each(|resource| self.append(resource))
    }

    /// Adds a generated resource, or does with it what it says to the one that is there.
    pub fn absorb(&mut self, mut resource: Resource) -> Outcome<()> {
        let id = resource.id();
        let found: Vec<usize> =
            (0..self.0.len()).filter(|&at| self.0[at].ids().any(|known| known.is_same(&id))).collect();
        let &[at] = found.as_slice() else {
            if found.len() > 1 {
                return Err(Problem(format!("found multiple objects that could accept merge of {id}")));
            }
            return match resource.behavior {
                Behavior::Merge | Behavior::Replace => {
                    Err(Problem(format!("id {} does not exist; cannot merge or replace", go_syntax(&id))))
                }
                _ => self.append(resource),
            };
        };
        let behavior = resource.behavior;
        match behavior {
            Behavior::Replace => resource.take_over(&self.0[at]),
            Behavior::Merge => {
                resource.take_over(&self.0[at]);
                resource.merge_data(&self.0[at]);
            }
            _ => {
                let (id, word) = (go_syntax(&id), behavior.word());
                return Err(Problem(format!(
                    "id {id} exists; can not use behavior: '{word}', behavior must be merge or replace"
                )));
            }
        }
        self.0[at] = resource;
        Ok(())
    }

    /// The one resource that is or was called this.
    pub fn by_id(&mut self, id: &Id) -> Outcome<&mut Resource> {
        let found: Vec<usize> =
            (0..self.0.len()).filter(|&at| self.0[at].ids().any(|known| known.is_same(id))).collect();
        let problem = match found.as_slice() {
            &[at] => return Ok(&mut self.0[at]),
            [] => "no matches",
            _ => "multiple matches",
        };
        Err(Problem(format!("{problem} for Id {id}; failed to find unique target for patch {id}")))
    }

    /// The places of those that a selector means.
    pub fn select(&self, selector: &Selector) -> Outcome<Vec<usize>> {
        let mut selected = Vec::new();
        for (at, resource) in self.0.iter().enumerate() {
            if selector.selects(resource)? {
                selected.push(at);
            }
        }
        Ok(selected)
    }
}

/// An identity as Go's `%#v` prints it.
fn go_syntax(id: &Id) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group,
        id.gvk.version,
        id.gvk.kind,
        id.is_cluster_scoped(),
        id.name,
        id.namespace
    )
}

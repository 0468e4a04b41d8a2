//! The resources that the server has, each with all that the generic code needs to know of it.

use super::custom::Custom;
use super::encoding::{Encoded, Verbatim};
use super::errors::About;
use super::kinds::field::Errors;
use super::kinds::{self, Kind};
use super::request::{Resource as Target, Verb};
use super::respond::Shown;
use crate::api::group::qualified;
use crate::api::{GroupVersion, GroupVersionKind, ObjectExt, TypeRef, Value};
use crate::schema::{self, DecodeError, Resource, Subresource, TableColumn};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

/// A resource in one version.
pub struct Served {
    /// What discovery says of it.
    pub info: Cow<'static, Resource>,
    /// The full name of its kind.
    pub kind: GroupVersionKind,
    /// The rules of its kind.
    pub rules: Kind,
    /// The collection of the store that holds its objects; the versions of a resource share one.
    pub collection: Arc<str>,
    /// `"kind":"Pod","apiVersion":"v1",`: how its encoded objects begin.
    pub head: String,
    /// The columns of its table.
    pub columns: Cow<'static, [TableColumn]>,
    /// The version in which its objects are kept, where that differs in more than its name.
    kept: Option<&'static str>,
    /// What a CustomResourceDefinition says of it; none for what is built in.
    pub custom: Option<Custom>,
    schema: Option<TypeRef<'static>>,
    kinds: Arc<HashSet<GroupVersionKind>>,
}

impl Served {
    /// How errors speak of an object by its resource.
    pub fn about<'a>(&'a self, name: &'a str) -> About<'a> {
        About { group: &self.kind.group, kind: &self.info.resource, name }
    }

    /// How errors speak of an object by its kind.
    pub fn about_kind<'a>(&'a self, name: &'a str) -> About<'a> {
        About { group: storage_group(&self.info), kind: &self.kind.kind, name }
    }

    /// `resource.group`.
    pub fn group_resource(&self) -> String {
        qualified(&self.info.resource, &self.kind.group)
    }

    /// Whether a URL is one of a custom resource's; those of built-in ones are told apart later.
    pub fn is_at(&self, target: &Target) -> bool {
        let across = target.namespace.is_empty();
        let lists = matches!(target.verb(), Verb::List | Verb::Watch) && target.name.is_empty();
        self.custom.is_none() || if self.info.namespaced() { !across || lists } else { across }
    }

    /// What Go calls the type in which kube-apiserver holds its objects; none for custom ones.
    pub fn go_type(&self) -> Option<String> {
        // The packages are called `core`, or as the group's first part.
        let package = match storage_group(&self.info) {
            "" => "core",
            group => group.split('.').next().unwrap_or(group),
        };
        self.custom.is_none().then(|| format!("{package}.{}", self.kind.kind))
    }

    /// The kind of lists of its objects.
    pub fn list_kind(&self) -> Cow<'_, str> {
        match &self.custom {
            Some(custom) => custom.list_kind.as_str().into(),
            None => format!("{}List", self.kind.kind).into(),
        }
    }

    /// Whether an object may be replaced only by somebody who says which state of it he saw.
    pub fn needs_version(&self) -> bool {
        self.custom.is_some() || *self.collection == *super::custom::COLLECTION
    }

    /// The verbs that discovery tells of: those that make or change objects are still answered, but no longer shown,
    /// when the definition is being deleted.
    pub fn shown_verbs(&self) -> Vec<&str> {
        let writing: &[&str] = match &self.custom {
            Some(custom) if custom.terminating => &["patch", "create", "update"],
            _ => &[],
        };
        self.info.verbs.iter().map(String::as_str).filter(|verb| !writing.contains(verb)).collect()
    }

    /// Whether it has a verb.
    pub fn allows(&self, verb: &str) -> bool {
        self.info.verbs.iter().any(|v| v == verb)
    }

    /// What lies below its objects, by name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.info.subresources.iter().find(|s| s.name == name)
    }

    /// What is below its objects, as a resource of its own kind: so its bodies are decoded.
    pub fn part(&self, kind: GroupVersionKind) -> Served {
        Served {
            info: self.info.clone(),
            rules: self.rules,
            collection: self.collection.clone(),
            head: String::new(),
            columns: Cow::Borrowed(&[]),
            kept: None,
            custom: None,
            schema: schema::builtin().kind(&kind),
            kinds: self.kinds.clone(),
            kind,
        }
    }

    /// Whether the server has this kind.
    pub fn knows_kind(&self, kind: &GroupVersionKind) -> bool {
        self.kinds.contains(kind)
    }

    /// The type of its objects.
    pub fn schema(&self) -> Option<TypeRef<'_>> {
        match &self.custom {
            Some(custom) => custom.object_type(),
            None => self.schema,
        }
    }

    /// Brings a decoded object into the form of its type: unknown fields go, and are complained about.
    pub fn normalise(&self, object: &mut Value) -> Result<Vec<String>, DecodeError> {
        match (&self.custom, self.schema) {
            (Some(custom), _) => custom.normalise(object),
            (None, Some(schema)) => schema::normalise(object, schema),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// What clients of an old resource are told.
    pub fn deprecation(&self) -> Option<String> {
        if let Some(custom) = &self.custom {
            return custom.deprecation.clone();
        }
        match (self.info.group.as_str(), self.info.version.as_str(), self.info.resource.as_str()) {
            ("", "v1", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+".into()),
            ("", "v1", "endpoints") => {
                Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".into())
            }
            _ => None,
        }
    }

    /// Fills in what was left out.
    pub fn default(&self, object: &mut Value) {
        match &self.custom {
            Some(custom) => custom.default(object),
            None => (self.rules.default)(object),
        }
    }

    /// Brings an object that an apply made into the form in which it is stored.
    ///
    /// # Errors
    /// When an object within it is none.
    pub fn tidy(&self, object: &mut Value) -> Result<(), DecodeError> {
        match &self.custom {
            Some(custom) => custom.normalise(object).map(drop),
            None => Ok(()),
        }
    }

    /// Complains about an object; `old` is the one that it takes the place of.
    pub fn validate(&self, object: &Value, old: Option<&Value>, errors: &mut Errors) {
        match (&self.custom, old) {
            (Some(custom), old) => custom.validate(object, old, errors),
            (None, Some(old)) => (self.rules.validate_update)(object, old, errors),
            (None, None) => (self.rules.validate)(object, errors),
        }
    }

    /// Complains about a change of an object's status.
    pub fn validate_status(&self, object: &Value, old: &Value, errors: &mut Errors) {
        match &self.custom {
            Some(custom) => custom.validate_status(object, old, errors),
            None => (self.rules.validate_status_update)(object, old, errors),
        }
    }

    /// The value of a field that a selector names; none when it may not be named.
    pub fn selected(&self, object: &Value, field: &str) -> Option<String> {
        match &self.custom {
            Some(custom) => custom.selected(object, field),
            None => {
                self.rules.selectable_fields.iter().find(|(known, _)| *known == field).map(|(_, read)| read(object))
            }
        }
    }

    /// An encoded object as a value of this version, with `apiVersion`, `kind` and resourceVersion.
    pub fn value(&self, object: &Encoded, version: u64) -> Value {
        let mut value = self.as_shown(object, version);
        if let Some(kept) = self.kept {
            value.put(&["apiVersion"], kept);
            (self.rules.convert)(&mut value, &self.kind.api_version());
        }
        if let Some(custom) = self.custom.as_ref().filter(|custom| custom.is_stale(version)) {
            custom.renew(&mut value);
        }
        value
    }

    /// An object that is encoded in this version already as a value.
    pub fn as_shown(&self, object: &Encoded, version: u64) -> Value {
        self.named(object.value(version))
    }

    /// As [`Served::as_shown`], with what the columns of a table may show: the managed fields only of custom resources.
    pub fn as_row(&self, object: &Encoded, version: u64) -> Value {
        self.named(if self.custom.is_some() { object.value(version) } else { object.lean_value(version) })
    }

    fn named(&self, mut value: Value) -> Value {
        value.put(&["apiVersion"], self.kind.api_version());
        value.put(&["kind"], self.kind.kind.as_str());
        value
    }

    /// Encodes an object of this version as it is kept.
    pub fn encode(&self, object: &Value) -> Encoded {
        self.encode_with(object, None)
    }

    /// As [`Served::encode`], with a field that is kept as it was sent.
    pub fn encode_with(&self, object: &Value, verbatim: Option<&Verbatim>) -> Encoded {
        if let Some(kept) = self.custom.as_ref().and_then(|custom| custom.as_kept(object)) {
            return Encoded::with(&kept, verbatim);
        }
        let Some(kept) = self.kept else { return Encoded::with(object, verbatim) };
        let mut object = object.clone();
        (self.rules.convert)(&mut object, kept);
        Encoded::with(&object, verbatim)
    }

    /// A kept object as this version shows it.
    pub fn show(&self, object: &Encoded, version: Option<u64>) -> Shown {
        let is_stale = self.custom.as_ref().is_some_and(|custom| version.is_some_and(|v| custom.is_stale(v)));
        let object = if self.kept.is_some() || is_stale {
            Encoded::new(&self.value(object, version.unwrap_or(0)))
        } else {
            object.clone()
        };
        Shown { object, version }
    }

    /// The version in which its objects are kept, where that differs in more than its name.
    pub fn kept_in(&self) -> Option<&'static str> {
        self.kept
    }

    /// The place of an object in the collection.
    pub fn place(&self, namespace: &str, name: &str) -> Box<str> {
        if self.info.namespaced() { format!("{namespace}/{name}").into() } else { name.into() }
    }
}

/// All resources: the built-in ones, which never change, and custom ones, which come and go.
pub struct Registry {
    served: Vec<Arc<Served>>,
    by_name: HashMap<(String, String, String), usize>,
    versions: HashSet<GroupVersion>,
    kinds: Arc<HashSet<GroupVersionKind>>,
    custom: RwLock<Arc<[Arc<Served>]>>,
}

impl Registry {
    /// The resources that every server has.
    pub fn builtin() -> Self {
        let resources = schema::resources();
        let kinds: HashSet<GroupVersionKind> = schema::builtin()
            .types()
            .values()
            .flat_map(|node| node.gvk.iter().map(|g| GroupVersionKind::new(&g.group, &g.version, &g.kind)))
            .chain(resources.iter().map(Resource::group_version_kind))
            .collect();
        let kinds = Arc::new(kinds);
        let mut registry = Self {
            served: Vec::new(),
            by_name: HashMap::new(),
            versions: HashSet::new(),
            kinds: kinds.clone(),
            custom: RwLock::default(),
        };
        for info in resources {
            let kind = info.group_version_kind();
            let served = Served {
                rules: kinds::rules(storage_group(info), &info.resource),
                collection: collection(info).into(),
                head: format!(r#""kind":"{}","apiVersion":"{}","#, kind.kind, kind.api_version()),
                columns: schema::table_columns(&info.group_version_resource()).unwrap_or(default_columns()).into(),
                kept: kept(info),
                schema: schema::builtin().kind(&kind),
                kinds: kinds.clone(),
                custom: None,
                kind,
                info: Cow::Borrowed(info),
            };
            let key = (info.group.clone(), info.version.clone(), info.resource.clone());
            registry.versions.insert(served.kind.group_version());
            registry.by_name.insert(key, registry.served.len());
            registry.served.push(Arc::new(served));
        }
        registry
    }

    /// The built-in resources, in the order of discovery.
    pub fn built_in(&self) -> &[Arc<Served>] {
        &self.served
    }

    /// The custom resources, in the order of discovery.
    pub fn custom(&self) -> Arc<[Arc<Served>]> {
        self.custom.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All resources, in the order of discovery.
    pub fn all(&self) -> Vec<Arc<Served>> {
        self.served.iter().chain(self.custom().iter()).cloned().collect()
    }

    /// Puts other custom resources in the place of those that there are.
    pub fn set_custom(&self, custom: Vec<Arc<Served>>) {
        *self.custom.write().unwrap_or_else(PoisonError::into_inner) = custom.into();
    }

    /// A custom resource in one version.
    pub fn make_custom(&self, info: Resource, columns: Vec<TableColumn>, rules: Kind, custom: Custom) -> Served {
        let kind = info.group_version_kind();
        Served {
            rules,
            collection: format!("/registry/{}/{}/", info.group, info.resource).into(),
            head: format!(r#""apiVersion":"{}","kind":"{}","#, kind.api_version(), kind.kind),
            columns: columns.into(),
            kept: None,
            schema: None,
            custom: Some(custom),
            kinds: self.kinds.clone(),
            kind,
            info: Cow::Owned(info),
        }
    }

    /// A resource by its full name, built in or custom.
    pub fn lookup(&self, group: &str, version: &str, resource: &str) -> Option<Arc<Served>> {
        self.find(group, version, resource).cloned().or_else(|| {
            let is_it =
                |s: &&Arc<Served>| s.kind.group == group && s.kind.version == version && s.info.resource == resource;
            self.custom().iter().find(is_it).cloned()
        })
    }

    /// A built-in resource by its full name.
    pub fn find(&self, group: &str, version: &str, resource: &str) -> Option<&Arc<Served>> {
        let key = (group.to_string(), version.to_string(), resource.to_string());
        self.by_name.get(&key).map(|i| &self.served[*i])
    }

    /// A resource of the core group.
    pub fn core(&self, resource: &str) -> Option<&Arc<Served>> {
        self.find("", "v1", resource)
    }

    /// A resource, built in or custom, by the full name of its objects' kind.
    pub fn by_kind(&self, kind: &GroupVersionKind) -> Option<Arc<Served>> {
        let is_it = |served: &&Arc<Served>| served.kind == *kind;
        self.served.iter().find(is_it).cloned().or_else(|| self.custom().iter().find(is_it).cloned())
    }

    /// A built-in resource by the kind of its objects.
    pub fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Served>> {
        self.served
            .iter()
            .find(|s| s.kind.kind == kind && s.kind.group == group && s.kind.version == version && s.allows("get"))
    }

    /// Whether a group is built in.
    pub fn has_group(&self, group: &str) -> bool {
        self.served.iter().any(|served| served.kind.group == group)
    }
}

/// Events of `events.k8s.io` are the core group's, in another form.
fn storage_group(info: &Resource) -> &str {
    if info.group == "events.k8s.io" { "" } else { &info.group }
}

/// The version in which the objects of a resource's version are kept; none for that version itself.
fn kept(info: &Resource) -> Option<&'static str> {
    match (info.group.as_str(), info.version.as_str(), info.resource.as_str()) {
        ("events.k8s.io", _, "events") => Some("v1"),
        ("autoscaling", "v1", "horizontalpodautoscalers") => Some("autoscaling/v2"),
        _ => None,
    }
}

/// Where kube-apiserver keeps a resource in etcd, below its prefix.
fn collection(info: &Resource) -> String {
    match (info.group.as_str(), info.resource.as_str()) {
        ("", "nodes") => "/registry/minions/".into(),
        ("", "services") => "/registry/services/specs/".into(),
        ("", "endpoints") => "/registry/services/endpoints/".into(),
        ("", "replicationcontrollers") => "/registry/controllers/".into(),
        ("networking.k8s.io", "ingresses") => "/registry/ingress/".into(),
        ("apiregistration.k8s.io" | "apiextensions.k8s.io", resource) => {
            format!("/registry/{}/{resource}/", info.group)
        }
        (_, resource) => format!("/registry/{resource}/"),
    }
}

/// NAME and AGE, for kinds without columns of their own.
fn default_columns() -> &'static [TableColumn] {
    static COLUMNS: std::sync::LazyLock<[TableColumn; 2]> = std::sync::LazyLock::new(|| {
        let column = |name: &str, kind: &str, format: &str| TableColumn {
            name: name.into(),
            kind: kind.into(),
            format: format.into(),
            ..TableColumn::default()
        };
        [column("Name", "string", "name"), column("Created At", "date", "")]
    });
    &*COLUMNS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_found_and_has_a_type() {
        let registry = Registry::builtin();
        for served in registry.built_in() {
            let info = &served.info;
            let found = registry.find(&info.group, &info.version, &info.resource).unwrap();
            assert_eq!(found.kind, served.kind);
            assert!(served.schema().is_some(), "{} has no type", info.resource);
        }
        let events: Vec<&str> =
            registry.built_in().iter().filter(|s| s.info.resource == "events").map(|s| &*s.collection).collect();
        assert_eq!(events, ["/registry/events/", "/registry/events/"]);
    }
}

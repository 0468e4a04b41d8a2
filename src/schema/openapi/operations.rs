//! The operations of resources: which paths there are, and what each method takes and gives. How a document writes
//! them is another matter.

use crate::api::{GroupVersion, GroupVersionKind};
use crate::schema::{Resource, Subresource};

/// A query or path parameter: its name and JSON type.
pub type Parameter = (&'static str, &'static str);

/// What can be done at one path.
pub struct PathItem {
    /// The path, with `{name}` and `{namespace}` in it.
    pub path: String,
    /// What all its operations take: what is in the path, and `pretty`.
    pub parameters: Vec<Parameter>,
    /// Its operations.
    pub operations: Vec<Operation>,
}

/// What one method does at a path.
pub struct Operation {
    /// `get`, `put`, `post`, `delete` or `patch`.
    pub method: &'static str,
    /// Its name among all operations.
    pub id: String,
    /// What Kubernetes calls it: `list`, `watchlist`, `deletecollection`, ...; empty for what is about no kind.
    pub action: &'static str,
    /// The kind that it is about.
    pub kind: Option<GroupVersionKind>,
    /// What it takes besides what its path takes.
    pub parameters: Vec<Parameter>,
    /// What it reads.
    pub body: Body,
    /// What it gives.
    pub answer: Answer,
    /// With which status codes it succeeds.
    pub codes: &'static [u16],
}

/// What a request carries.
pub enum Body {
    /// Nothing.
    None,
    /// An object of a kind, and whether it must.
    Kind(GroupVersionKind, bool),
    /// A patch.
    Patch,
}

/// What an answer carries.
#[derive(Clone)]
pub enum Answer {
    /// An object of a kind.
    Kind(GroupVersionKind),
    /// A list of a kind, or a watch.
    List(GroupVersionKind),
    /// An object of a type that is no kind.
    Type(&'static str),
    /// Text.
    Text,
    /// Whatever is at the other end.
    Stream,
}

const LIST: [Parameter; 11] = [
    ("allowWatchBookmarks", "boolean"),
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("shardSelector", "string"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
];
const WRITE: [Parameter; 3] = [("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")];
const DELETE: [Parameter; 5] = [
    ("dryRun", "string"),
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
];
const PRETTY: Parameter = ("pretty", "string");
const NAME: Parameter = ("name", "string");
const NAMESPACE: Parameter = ("namespace", "string");
const CONNECTIONS: &[(&str, &[Parameter])] = &[
    (
        "attach",
        &[
            ("container", "string"),
            ("stderr", "boolean"),
            ("stdin", "boolean"),
            ("stdout", "boolean"),
            ("tty", "boolean"),
        ],
    ),
    (
        "exec",
        &[
            ("command", "string"),
            ("container", "string"),
            ("stderr", "boolean"),
            ("stdin", "boolean"),
            ("stdout", "boolean"),
            ("tty", "boolean"),
        ],
    ),
    ("portforward", &[("ports", "integer")]),
    ("proxy", &[("path", "string")]),
];
const LOG: [Parameter; 9] = [
    ("container", "string"),
    ("follow", "boolean"),
    ("insecureSkipTLSVerifyBackend", "boolean"),
    ("limitBytes", "integer"),
    ("previous", "boolean"),
    ("sinceSeconds", "integer"),
    ("stream", "string"),
    ("tailLines", "integer"),
    ("timestamps", "boolean"),
];

/// A group as names of operations spell it: `Policy`, `RbacAuthorization`, `Core`.
pub fn group_name(group: &str) -> String {
    let group = if group.is_empty() { "core" } else { group.trim_end_matches(".k8s.io") };
    group.split('.').map(capitalised).collect()
}

/// The tag of a version's operations: `policy_v1`, `rbacAuthorization_v1`.
pub fn tag(version: &GroupVersion) -> String {
    let name = group_name(&version.group);
    format!("{}{}_{}", name[..1].to_ascii_lowercase(), &name[1..], version.version)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn meta(kind: &str) -> GroupVersionKind {
    GroupVersionKind::new("", "v1", kind)
}

/// An operation that only reads, about no kind: discovery, the version, keys.
pub fn plain(path: &str, id: String, answer: Answer) -> PathItem {
    let operation = Operation {
        method: "get",
        id,
        action: "",
        kind: None,
        parameters: Vec::new(),
        body: Body::None,
        answer,
        codes: &[200],
    };
    PathItem { path: path.into(), parameters: Vec::new(), operations: vec![operation] }
}

/// The paths of a resource.
pub fn of_resource(resource: &Resource) -> Vec<PathItem> {
    let version = resource.group_version_resource().group_version();
    let scope = if resource.namespaced() { "Namespaced" } else { "" };
    let name = |verb: &str, rest: &str| {
        let group = group_name(&version.group);
        format!("{verb}{group}{}{rest}", capitalised(&version.version))
    };
    let maker = Maker { resource, kind: resource.group_version_kind() };
    let (root, plural, kind) = (version.root(), &resource.resource, &resource.kind);
    let within = if resource.namespaced() { "/namespaces/{namespace}" } else { "" };
    let in_path = |item: bool| {
        let named = [(item, NAME), (resource.namespaced(), NAMESPACE), (true, PRETTY)];
        named.into_iter().filter(|(is_there, _)| *is_there).map(|(_, parameter)| parameter).collect::<Vec<_>>()
    };
    let mut items = Vec::new();
    let mut add = |path: String, parameters: Vec<Parameter>, operations: Vec<Option<Operation>>| {
        let operations: Vec<Operation> = operations.into_iter().flatten().collect();
        if !operations.is_empty() {
            items.push(PathItem { path, parameters, operations });
        }
    };
    add(
        format!("{root}{within}/{plural}"),
        in_path(false),
        vec![
            maker.list("list", "list", name("list", &format!("{scope}{kind}")), LIST.to_vec()),
            maker.create(name("create", &format!("{scope}{kind}"))),
            maker.delete_collection(name("delete", &format!("Collection{scope}{kind}"))),
        ],
    );
    add(
        format!("{root}{within}/{plural}/{{name}}"),
        in_path(true),
        vec![
            maker.get(name("read", &format!("{scope}{kind}"))),
            maker.update(name("replace", &format!("{scope}{kind}"))),
            maker.delete(name("delete", &format!("{scope}{kind}"))),
            maker.patch(name("patch", &format!("{scope}{kind}"))),
        ],
    );
    for subresource in &resource.subresources {
        let below = capitalised(&subresource.name);
        let rest = format!("{scope}{kind}{below}");
        let path = format!("{root}{within}/{plural}/{{name}}/{}", subresource.name);
        let operations = maker.of_subresource(subresource, &|verb| match verb.strip_prefix("connect") {
            Some(method) => name("connect", &format!("{method}{rest}")),
            None => name(verb, &rest),
        });
        add(path, in_path(true), operations);
    }
    let listed = |more: &[Parameter]| {
        let mut parameters: Vec<Parameter> = LIST.iter().chain(more).copied().collect();
        parameters.sort_by_key(|(name, _)| *name);
        parameters
    };
    if resource.namespaced() {
        add(
            format!("{root}/{plural}"),
            listed(&[PRETTY]),
            vec![maker.list("list", "list", name("list", &format!("{kind}ForAllNamespaces")), Vec::new())],
        );
    }
    let watch = |action, id| maker.list("watch", action, id, Vec::new());
    add(
        format!("{root}/watch{within}/{plural}"),
        listed(&in_path(false)),
        vec![watch("watchlist", name("watch", &format!("{scope}{kind}List")))],
    );
    add(
        format!("{root}/watch{within}/{plural}/{{name}}"),
        listed(&in_path(true)),
        vec![watch("watch", name("watch", &format!("{scope}{kind}")))],
    );
    if resource.namespaced() {
        add(
            format!("{root}/watch/{plural}"),
            listed(&[PRETTY]),
            vec![watch("watchlist", name("watch", &format!("{kind}ListForAllNamespaces")))],
        );
    }
    items
}

/// Makes the operations of one resource, as far as it has their verbs.
struct Maker<'a> {
    resource: &'a Resource,
    kind: GroupVersionKind,
}

impl Maker<'_> {
    fn has(&self, verb: &str) -> bool {
        self.resource.verbs.iter().any(|other| other == verb)
    }

    fn operation(&self, method: &'static str, action: &'static str, id: String) -> Operation {
        Operation {
            method,
            id,
            action,
            kind: Some(self.kind.clone()),
            parameters: Vec::new(),
            body: Body::None,
            answer: Answer::Kind(self.kind.clone()),
            codes: &[200],
        }
    }

    fn list(&self, verb: &str, action: &'static str, id: String, parameters: Vec<Parameter>) -> Option<Operation> {
        let answer = match verb {
            "watch" => Answer::List(meta("WatchEvent")),
            _ => Answer::List(GroupVersionKind { kind: format!("{}List", self.kind.kind), ..self.kind.clone() }),
        };
        self.has(verb).then(|| Operation { parameters, answer, ..self.operation("get", action, id) })
    }

    fn get(&self, id: String) -> Option<Operation> {
        self.has("get").then(|| self.operation("get", "get", id))
    }

    fn create(&self, id: String) -> Option<Operation> {
        self.has("create").then(|| self.write("post", "post", id, &[200, 201, 202]))
    }

    fn update(&self, id: String) -> Option<Operation> {
        self.has("update").then(|| self.write("put", "put", id, &[200, 201]))
    }

    fn write(&self, method: &'static str, action: &'static str, id: String, codes: &'static [u16]) -> Operation {
        let body = Body::Kind(self.kind.clone(), true);
        Operation { parameters: WRITE.to_vec(), body, codes, ..self.operation(method, action, id) }
    }

    fn patch(&self, id: String) -> Option<Operation> {
        self.has("patch").then(|| self.patch_operation(id))
    }

    fn patch_operation(&self, id: String) -> Operation {
        let parameters = WRITE.into_iter().chain([("force", "boolean")]).collect();
        Operation { parameters, body: Body::Patch, codes: &[200, 201], ..self.operation("patch", "patch", id) }
    }

    fn delete(&self, id: String) -> Option<Operation> {
        let body = Body::Kind(meta("DeleteOptions"), false);
        let answer = Answer::Kind(meta("Status"));
        let operation = || self.operation("delete", "delete", id);
        self.has("delete").then(|| Operation {
            parameters: DELETE.to_vec(),
            body,
            answer,
            codes: &[200, 202],
            ..operation()
        })
    }

    fn delete_collection(&self, id: String) -> Option<Operation> {
        let of_list = LIST.iter().filter(|(name, _)| !["allowWatchBookmarks", "watch"].contains(name));
        let mut parameters: Vec<Parameter> = of_list.chain(&DELETE).copied().collect();
        parameters.sort_by_key(|(name, _)| *name);
        let body = Body::Kind(meta("DeleteOptions"), false);
        let answer = Answer::Kind(meta("Status"));
        let operation = || self.operation("delete", "deletecollection", id);
        self.has("deletecollection").then(|| Operation { parameters, body, answer, ..operation() })
    }

    fn of_subresource(&self, subresource: &Subresource, id: &dyn Fn(&str) -> String) -> Vec<Option<Operation>> {
        let kind = match subresource.kind.version.as_str() {
            "" => GroupVersionKind { kind: subresource.kind.kind.clone(), ..self.kind.clone() },
            version => GroupVersionKind::new(&subresource.kind.group, version, &subresource.kind.kind),
        };
        let maker = Maker { resource: self.resource, kind };
        let verbs = subresource.verbs.iter().map(String::as_str);
        if let Some((_, parameters)) = CONNECTIONS.iter().find(|(name, _)| *name == subresource.name) {
            return verbs.map(|verb| maker.connect(verb, parameters.to_vec(), id)).collect();
        }
        let operation = |verb| match verb {
            "get" if subresource.name == "log" => {
                let operation = maker.operation("get", "get", id("read"));
                Some(Operation { parameters: LOG.to_vec(), answer: Answer::Text, ..operation })
            }
            "get" => Some(maker.operation("get", "get", id("read"))),
            "create" => Some(maker.write("post", "post", id("create"), &[200, 201, 202])),
            "update" => Some(maker.write("put", "put", id("replace"), &[200, 201])),
            "patch" => Some(maker.patch_operation(id("patch"))),
            _ => None,
        };
        verbs.map(operation).collect()
    }

    fn connect(&self, verb: &str, parameters: Vec<Parameter>, id: &dyn Fn(&str) -> String) -> Option<Operation> {
        let method = match verb {
            "create" => "post",
            "update" => "put",
            "get" => "get",
            "patch" => "patch",
            "delete" => "delete",
            _ => return None,
        };
        let id = id(&format!("connect{}", capitalised(method)));
        Some(Operation { parameters, answer: Answer::Stream, ..self.operation(method, "connect", id) })
    }
}

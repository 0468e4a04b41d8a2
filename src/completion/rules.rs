//! What the words of each command are. Flags and commands come from the command table; this is what it does not say.

/// What a command's words are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Words {
    /// Unknown: the shell may offer files.
    Anything,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// The name of one object of a type.
    Name(&'static str),
    /// The name of one entry of the kubeconfig's section.
    Kubeconfig(&'static str),
    /// `TYPE NAME...` or `TYPE/NAME...`.
    Objects,
    /// The same, with these types alone.
    ObjectsOf(&'static [&'static str]),
    /// A pod, or `TYPE/NAME` of something with pods; then perhaps one of its containers.
    Pod {
        /// Whether a container may follow.
        containers: bool,
    },
    /// `POD:PATH` or a path.
    Copy,
}

/// What is known of a command.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its words.
    pub words: Words,
    /// The flags that it cannot do without.
    pub required: &'static [&'static str],
}

/// The values of `get --output`.
pub const FORMATS: [&str; 14] = [
    "json",
    "yaml",
    "kyaml",
    "name",
    "go-template",
    "go-template-file",
    "template",
    "templatefile",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "custom-columns",
    "custom-columns-file",
    "wide",
];
/// The values of `--color`.
pub const COLOURS: [&str; 3] = ["auto", "always", "never"];
/// The values of `--subresource`.
pub const SUBRESOURCES: [&str; 3] = ["status", "scale", "resize"];
/// The values of `kustomize --load-restrictor`.
pub const RESTRICTORS: [&str; 2] = ["LoadRestrictionsNone", "LoadRestrictionsRootOnly"];
/// The endings of files with manifests.
pub const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];
/// The types that stand for their pods.
pub const WITH_PODS: [&str; 8] =
    ["daemonsets", "deployments", "pods", "jobs", "replicasets", "replicationcontrollers", "services", "statefulsets"];

const ROLLED: Words = Words::ObjectsOf(&["deployment", "daemonset", "statefulset"]);
const PAUSED: Words = Words::ObjectsOf(&["deployment"]);
const SCALED: Words = Words::ObjectsOf(&["deployment", "replicaset", "replicationcontroller", "statefulset"]);
const EXPOSED: Words = Words::ObjectsOf(&["pod", "service", "replicationcontroller", "deployment", "replicaset"]);
const WITH_IMAGES: Words = Words::ObjectsOf(&[
    "daemonsets",
    "deployments",
    "pods",
    "cronjobs",
    "replicasets",
    "replicationcontrollers",
    "statefulsets",
]);
const POD: Words = Words::Pod { containers: false };

const RULES: [(&str, Words, &[&str]); 45] = [
    ("annotate", Words::Objects, &[]),
    ("apply edit-last-applied", Words::Objects, &[]),
    ("apply view-last-applied", Words::Objects, &[]),
    ("attach", POD, &[]),
    ("autoscale", SCALED, &["max"]),
    ("completion", Words::OneOf(&["bash", "zsh", "fish", "powershell"]), &[]),
    ("config delete-cluster", Words::Kubeconfig("clusters"), &[]),
    ("config delete-context", Words::Kubeconfig("contexts"), &[]),
    ("config delete-user", Words::Kubeconfig("users"), &[]),
    ("config rename-context", Words::Kubeconfig("contexts"), &[]),
    ("config set-context", Words::Kubeconfig("contexts"), &[]),
    ("config use-context", Words::Kubeconfig("contexts"), &[]),
    ("cordon", Words::Name("nodes"), &[]),
    ("cp", Words::Copy, &[]),
    ("create clusterrolebinding", Words::Anything, &["clusterrole"]),
    ("create cronjob", Words::Anything, &["image", "schedule"]),
    ("create deployment", Words::Anything, &["image"]),
    ("create service externalname", Words::Anything, &["external-name"]),
    ("create token", Words::Name("serviceaccounts"), &[]),
    ("debug", Words::Objects, &[]),
    ("delete", Words::Objects, &[]),
    ("describe", Words::Objects, &[]),
    ("drain", Words::Name("nodes"), &[]),
    ("edit", Words::Objects, &[]),
    ("exec", POD, &[]),
    ("expose", EXPOSED, &[]),
    ("get", Words::Objects, &[]),
    ("kuberc set", Words::Anything, &["section"]),
    ("label", Words::Objects, &[]),
    ("logs", Words::Pod { containers: true }, &[]),
    ("patch", Words::Objects, &[]),
    ("port-forward", POD, &[]),
    ("rollout history", ROLLED, &[]),
    ("rollout pause", PAUSED, &[]),
    ("rollout restart", ROLLED, &[]),
    ("rollout resume", PAUSED, &[]),
    ("rollout status", ROLLED, &[]),
    ("rollout undo", ROLLED, &[]),
    ("run", Words::Anything, &["image"]),
    ("scale", SCALED, &["replicas"]),
    ("set image", WITH_IMAGES, &[]),
    ("taint", Words::ObjectsOf(&["node"]), &[]),
    ("top node", Words::Name("nodes"), &[]),
    ("top pod", Words::Name("pods"), &[]),
    ("uncordon", Words::Name("nodes"), &[]),
];

/// What is known of the command at `path`.
pub fn of(path: &[String]) -> Rule {
    let path = path.join(" ");
    let found = RULES.iter().find(|(command, ..)| *command == path);
    found
        .map_or(Rule { words: Words::Anything, required: &[] }, |(_, words, required)| Rule { words: *words, required })
}

//! What is allowed in pods but should be done otherwise.

use super::super::field::{Field, quoted};
use super::super::node::{deprecated_label, selector_warnings};
use super::super::persistentvolumeclaim::fraction_warnings;
use super::super::resources::quantity;
use super::container::each;
use crate::api::{Object, ObjectExt, names};

type Warnings = Vec<String>;

/// Kinds of volumes that are going away or gone, with the names in their paths.
pub(in super::super) const VOLUMES: [(&str, &str, &str); 9] = [
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

const ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
];

/// The warnings of a new pod.
pub(super) fn of_pod(pod: &Object, old: Option<&Object>) -> Warnings {
    let mut warnings = Vec::new();
    if old.is_some() {
        // Nearly all changes are made by nodes.
        return warnings;
    }
    let complaints = names::dns1123_label(pod.name());
    if !complaints.is_empty() {
        let text = "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS \
                    label is recommended";
        warnings.push(format!("{text}: [{}]", complaints.join(" ")));
    }
    warnings.extend(of(&Field::new("", pod)));
    warnings
}

/// The warnings of the template that lies at `path` of an object.
pub(in super::super) fn of_template(object: &Object, path: &str) -> Warnings {
    let root = Field::new("", object);
    let template = root.get(path);
    if !template.is_set() {
        return Vec::new();
    }
    let mut warnings = of(&template);
    warnings.extend(super::prepare::warnings(&template));
    warnings
}

fn of(pod: &Field) -> Warnings {
    let (metadata, spec) = (pod.get("metadata"), pod.get("spec"));
    let mut warnings = Vec::new();
    labels_of_nodes(&spec, &mut warnings);
    let annotations = metadata.get("annotations");
    for (key, message) in ANNOTATIONS.iter().filter(|(key, _)| annotations.entry(key).is_set()) {
        warnings.push(format!("{}: {message}", annotations.entry(key)));
    }
    for volume in spec.get("volumes").items() {
        for (name, path, message) in VOLUMES.iter().filter(|(name, ..)| volume.get(name).is_set()) {
            warnings.push(format!("{}: {message}", volume.get(if name == path { name } else { path })));
        }
        let claim = volume.get("ephemeral.volumeClaimTemplate.spec");
        warnings.extend(fraction_warnings(&claim.get("resources")));
    }
    for volume in spec.get("volumes").items() {
        overlapping_paths(&volume, &mut warnings);
    }
    twice(&spec.get("hostAliases"), "ip", &mut warnings);
    twice(&spec.get("imagePullSecrets"), "name", &mut warnings);
    for secret in spec.get("imagePullSecrets").items().filter(|secret| secret.get("name").is_empty()) {
        warnings.push(format!("{}: invalid empty name \"\"", secret.get("name")));
    }
    fractions(&spec.get("overhead"), &mut warnings);
    each(&spec, &mut |container| {
        for list in ["limits", "requests"] {
            let resources = container.get("resources");
            fractions(&resources.get(list), &mut warnings);
        }
        hidden_variables(&container.get("env"), &mut warnings);
    });
    ports(&spec, &mut warnings);
    let grace = spec.get("terminationGracePeriodSeconds");
    if grace.number() < 0 {
        warnings.push(format!("{grace}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    for kind in ["affinity.podAffinity", "affinity.podAntiAffinity"] {
        let affinity = spec.get(kind);
        for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution").items() {
            null_selector(&term, &mut warnings);
        }
        for term in affinity.get("preferredDuringSchedulingIgnoredDuringExecution").items() {
            null_selector(&term.get("podAffinityTerm"), &mut warnings);
        }
    }
    warnings
}

fn null_selector(term: &Field, warnings: &mut Warnings) {
    if !term.get("labelSelector").is_set() {
        warnings.push(format!("{}: a null labelSelector results in matching no pod", term.get("labelSelector")));
    }
}

fn labels_of_nodes(spec: &Field, warnings: &mut Warnings) {
    for (key, value) in spec.get("nodeSelector").entries() {
        if let Some(message) = deprecated_label(key) {
            warnings.push(format!("{value}: {message}"));
        }
    }
    let affinity = spec.get("affinity.nodeAffinity");
    let required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    for term in required.items() {
        warnings.extend(selector_warnings(&term, false));
    }
    for term in affinity.get("preferredDuringSchedulingIgnoredDuringExecution").items() {
        warnings.extend(selector_warnings(&term.get("preference"), true));
    }
    for constraint in spec.get("topologySpreadConstraints").items() {
        let key = constraint.get("topologyKey");
        if let Some(message) = deprecated_label(key.text()) {
            warnings.push(format!("{key}: {} is {message}", key.text()));
        }
        null_selector(&constraint, warnings);
    }
}

fn twice(list: &Field, name: &str, warnings: &mut Warnings) {
    for (index, item) in list.items().enumerate() {
        let text = item.get(name).text();
        if (0..index).any(|before| list.item(before).get(name).text() == text) {
            warnings.push(format!("{}: duplicate {name} {}", item.get(name), quoted(text)));
        }
    }
}

fn fractions(list: &Field, warnings: &mut Warnings) {
    for name in ["memory", "ephemeral-storage"] {
        let amount = list.entry(name);
        if quantity(&amount).milli_value() % 1000 != 0 {
            let value = quoted(amount.text());
            warnings.push(format!("{amount}: fractional byte value {value} is invalid, must be an integer"));
        }
    }
}

fn hidden_variables(env: &Field, warnings: &mut Warnings) {
    for (index, variable) in env.items().enumerate() {
        let (name, value) = (variable.get("name").text(), variable.get("value").text());
        if !(0..index).any(|before| env.item(before).get("name").text() == name) {
            continue;
        }
        let reference = format!("$({name})");
        if variable.get("valueFrom").is_set() || value == reference || !value.contains(&reference) {
            warnings.push(format!(
                "{variable}: hides previous definition of {}, which may be dropped when using apply",
                quoted(name)
            ));
        }
    }
}

/// A port of a container, with its place.
struct Port {
    place: String,
    number: i64,
    protocol: String,
    host_ip: String,
    host_port: i64,
    name: String,
}

fn ports(spec: &Field, warnings: &mut Warnings) {
    let mut seen: Vec<Port> = Vec::new();
    each(spec, &mut |container| {
        for port in container.get("ports").items() {
            let text = |name: &str| port.get(name).text().to_owned();
            let own = Port {
                place: port.to_string(),
                number: port.get("containerPort").number(),
                protocol: text("protocol"),
                host_ip: text("hostIP"),
                host_port: port.get("hostPort").number(),
                name: text("name"),
            };
            if !own.host_ip.is_empty() && own.host_port == 0 {
                warnings.push(format!(
                    "{}: hostIP set without hostPort: {{Name:{} HostPort:0 ContainerPort:{} Protocol:{} HostIP:{}}}",
                    own.place, own.name, own.number, own.protocol, own.host_ip
                ));
            }
            let same = |other: &&Port| other.number == own.number && other.protocol == own.protocol;
            for other in seen.iter().filter(same) {
                let one_ip = own.host_ip.is_empty() != other.host_ip.is_empty();
                let kind = if own.host_ip == other.host_ip && own.host_port == other.host_port {
                    "duplicate"
                } else if own.host_port == 0 || other.host_port == 0 {
                    "overlapping"
                } else if own.host_port == other.host_port && one_ip {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                warnings.push(format!("{}: {kind} port definition with {}", own.place, other.place));
            }
            seen.push(own);
        }
    });
    for (index, port) in seen.iter().enumerate().filter(|(_, port)| !port.name.is_empty()) {
        if let Some(other) = seen[..index].iter().find(|other| other.name == port.name) {
            let (place, name, other) = (&port.place, quoted(&port.name), &other.place);
            warnings.push(format!(
                "{place}: duplicate port name {name} with {other}, services and probes that select ports by name will \
                 use {other}"
            ));
        }
    }
}

/// Files of one volume in each other's place.
fn overlapping_paths(volume: &Field, warnings: &mut Warnings) {
    let name = quoted(volume.get("name").text());
    let paths = |files: &Field, source: &str| -> Vec<(String, String)> {
        files.items().map(|file| (file.get("path").text().trim_end_matches('/').to_owned(), source.into())).collect()
    };
    let (map, secret) = (volume.get("configMap"), volume.get("secret"));
    let whole = [
        (paths(&map.get("items"), ""), format!("ConfigMap {}", quoted(map.get("name").text()))),
        (paths(&secret.get("items"), ""), format!("Secret {}", quoted(secret.get("secretName").text()))),
        (paths(&volume.get("downwardAPI.items"), ""), "DownwardAPI".into()),
    ];
    let mut all: Vec<(Vec<(String, String)>, String)> = whole.into();
    let mut gathered = Vec::new();
    for source in volume.get("projected.sources").items() {
        if source.is_empty() {
            warnings.push(format!("volume {name} (Projected) has no sources provided"));
        }
        let (map, secret) = (source.get("configMap"), source.get("secret"));
        let named = |kind: &str, source: &Field| format!("{kind} {}", quoted(source.get("name").text()));
        gathered.extend(paths(&map.get("items"), &named("ConfigMap", &map)));
        gathered.extend(paths(&secret.get("items"), &named("Secret", &secret)));
        gathered.extend(paths(&source.get("downwardAPI.items"), "DownwardAPI"));
        let token = source.get("serviceAccountToken");
        if token.is_set() {
            gathered.push((token.get("path").text().trim_end_matches('/').into(), "ServiceAccountToken".into()));
        }
    }
    all.push((gathered, "Projected".into()));
    for (paths, description) in all {
        for (index, (path, source)) in paths.iter().enumerate().filter(|(_, (path, _))| !path.is_empty()) {
            let within = |inner: &str, outer: &str| format!("{inner}/").starts_with(&format!("{outer}/"));
            let shown = |path: &str, source: &str| match source {
                "" => quoted(path),
                source => format!("{} ({source})", quoted(path)),
            };
            for (other, other_source) in paths[..index].iter().filter(|(other, _)| !other.is_empty()) {
                if within(path, other) || within(other, path) {
                    let (own, other) = (shown(path, source), shown(other, other_source));
                    warnings.push(format!("volume {name} ({description}): overlapping paths: {own} with {other}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_warned_of() {
        let pod = json!({"metadata": {"name": "a.b"}, "spec": {
            "nodeSelector": {"beta.kubernetes.io/os": "linux"},
            "volumes": [{"name": "v", "gitRepo": {}}, {"name": "w", "configMap": {"name": "c", "items": [
                {"key": "a", "path": "x"}, {"key": "b", "path": "x/y"}]}}],
            "imagePullSecrets": [{"name": "s"}, {"name": "s"}],
            "containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
                "ports": [{"containerPort": 80, "protocol": "TCP", "name": "p"},
                    {"containerPort": 80, "protocol": "TCP", "name": "p"}],
                "resources": {"limits": {"memory": "1500m"}}}]}});
        assert_eq!(
            of_pod(&pod, None),
            [
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS \
                 label is recommended: [must not contain dots]",
                "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
                "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                "volume \"w\" (ConfigMap \"c\"): overlapping paths: \"x/y\" with \"x\"",
                "spec.imagePullSecrets[1].name: duplicate name \"s\"",
                "spec.containers[0].resources.limits[memory]: fractional byte value \"1500m\" is invalid, must be an \
                 integer",
                "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
                "spec.containers[0].ports[1]: duplicate port name \"p\" with spec.containers[0].ports[0], services and \
                 probes that select ports by name will use spec.containers[0].ports[0]",
            ]
        );
        assert_eq!(of_pod(&json!({"metadata": {"name": "a"}, "spec": {}}), None), Vec::<String>::new());
    }
}

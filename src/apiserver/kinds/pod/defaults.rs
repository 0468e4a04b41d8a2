//! What a pod, or the template of one, has when nobody says otherwise.

use super::super::addresses::agree;
use super::super::fill::fill;
use crate::api::{Object, ObjectExt, Quantity, Value};
use serde_json::{Value as Json, json};
use std::sync::LazyLock;

const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// What is the same in pods and in templates of pods.
static SPEC: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "containers": [container()],
        "initContainers": [container()],
        "ephemeralContainers": [container()],
        "volumes": [volume()],
    })
});

/// What pods have besides; a new default belongs here, since templates must not change under their owners.
static POD: LazyLock<Value> = LazyLock::new(|| json!({"spec": {"enableServiceLinks": true}, "status": {}}));

fn container() -> Json {
    let http_get = json!({"path": "/", "scheme": "HTTP"});
    let probe = json!({
        "timeoutSeconds|0": 1,
        "periodSeconds|0": 10,
        "successThreshold|0": 1,
        "failureThreshold|0": 3,
        "httpGet?": http_get,
        "grpc?": {"service": ""},
    });
    json!({
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "ports": [{"protocol": "TCP"}],
        "env": [{"valueFrom?": {
            "fieldRef?": {"apiVersion": "v1"},
            "resourceFieldRef?": {"divisor": "0"},
            "fileKeyRef?": {"optional": false},
        }}],
        "livenessProbe?": probe,
        "readinessProbe?": probe,
        "startupProbe?": probe,
        "lifecycle?": {"postStart?": {"httpGet?": http_get}, "preStop?": {"httpGet?": http_get}},
    })
}

/// A volume; the sources of persistent volumes have the same defaults.
pub fn volume() -> Json {
    let downward = json!({"fieldRef?": {"apiVersion": "v1"}, "resourceFieldRef?": {"divisor": "0"}});
    json!({
        "hostPath?": {"type": ""},
        "secret?": {"defaultMode": 420},
        "configMap?": {"defaultMode": 420},
        "downwardAPI?": {"defaultMode": 420, "items": [downward]},
        "projected?": {"defaultMode": 420, "sources": [{
            "downwardAPI?": {"items": [downward]},
            "serviceAccountToken?": {"expirationSeconds": 3600},
        }]},
        "ephemeral?": {"volumeClaimTemplate?": {"metadata": {}, "spec": {"resources": {}, "volumeMode*": "Filesystem"}}},
        "iscsi?": {"iscsiInterface": "default"},
        "rbd?": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
        "azureDisk?": {"cachingMode*": "ReadWrite", "fsType*": "ext4", "readOnly": false, "kind*": "Shared"},
        "scaleIO?": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
    })
}

/// Fills in a pod template's `spec`, a pod's too.
pub fn spec(spec: &mut Value) {
    fill(spec, &SPEC);
    name_account(spec);
    for list in CONTAINERS {
        for container in items(spec, list) {
            default_pull_policy(container, "image", "imagePullPolicy");
            round_resources(container.at_mut(&["resources"]));
        }
    }
    for volume in items(spec, "volumes") {
        if volume.as_object().is_some_and(|sources| sources.keys().all(|key| key == "name")) {
            volume.put(&["emptyDir"], json!({}));
        }
        if let Some(image) = volume.get_mut("image") {
            default_pull_policy(image, "reference", "pullPolicy");
        }
        if let Some(claim) = volume.get_mut("ephemeral").and_then(|e| e.get_mut("volumeClaimTemplate")) {
            round_resources(claim.at_mut(&["spec", "resources"]));
        }
    }
    round_list(spec, "overhead");
}

/// The service account has two names: the older is read when the newer says nothing, and always says the same.
fn name_account(spec: &mut Value) {
    const NAMES: [&str; 2] = ["serviceAccountName", "serviceAccount"];
    if let Some(name) = NAMES.into_iter().map(|field| spec.text(&[field])).find(|name| !name.is_empty()) {
        let name = name.to_owned();
        for field in NAMES {
            spec.put(&[field], name.as_str());
        }
    }
}

/// Fills in a template: its `metadata` and `spec`.
pub fn template(template: &mut Value) {
    fill(template, &json!({"metadata": {}, "spec": {}}));
    spec(template.at_mut(&["spec"]));
}

/// Fills in a pod.
pub fn pod(pod: &mut Object) {
    fill(pod, &json!({"spec": {}}));
    let spec = pod.at_mut(&["spec"]);
    let host_network = spec.at(&["hostNetwork"]) == Some(&true.into());
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            requests_from_limits(container.at_mut(&["resources"]));
            for port in items(container, "ports").filter(|_| host_network) {
                if port.integer(&["hostPort"]).unwrap_or(0) == 0 {
                    let number = port.integer(&["containerPort"]).unwrap_or(0);
                    port.put(&["hostPort"], number);
                }
            }
        }
    }
    if let Some(resources) = spec.get_mut("resources") {
        requests_from_limits(resources);
        round_resources(resources);
    }
    self::spec(spec);
    if spec.integer(&["terminationGracePeriodSeconds"]).is_some_and(|seconds| seconds < 0) {
        spec.put(&["terminationGracePeriodSeconds"], 1);
    }
    fill(pod, &POD);
    agree(pod, &["status", "podIP"], &["status", "podIPs"], "ip");
}

fn items<'a>(value: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

fn requests_from_limits(resources: &mut Value) {
    let Some(limits) = resources.get("limits").cloned() else { return };
    fill(resources, &json!({"requests": limits}));
}

/// Quantities of resources are kept in thousandths, rounded up.
fn round_resources(resources: &mut Value) {
    round_list(resources, "limits");
    round_list(resources, "requests");
}

/// Rounds the quantities of the map `name` up to thousandths.
pub fn round_list(owner: &mut Value, name: &str) {
    for amount in owner.get_mut(name).and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        if let Some(quantity) = amount.as_str().and_then(|text| text.parse::<Quantity>().ok()) {
            *amount = quantity.rounded_to_milli().to_string().into();
        }
    }
}

fn default_pull_policy(owner: &mut Value, image: &str, policy: &str) {
    if owner.text(&[policy]).is_empty() {
        let latest = tag_of(owner.text(&[image])) == "latest";
        owner.put(&[policy], if latest { "Always" } else { "IfNotPresent" });
    }
}

/// The tag of an image's name: `latest` when it names neither a tag nor a digest, empty when it is no name.
fn tag_of(image: &str) -> &str {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let path = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[path..].split_once(':') {
        Some((last, tag)) => (&name[..path + last.len()], tag),
        None => (name, if digest { "" } else { "latest" }),
    };
    // The first part is a host when it could not be part of a path; only hosts may have upper-case letters.
    let (first, rest) = repository.split_once('/').unwrap_or(("", repository));
    let is_host = first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase());
    let path = if is_host { rest } else { repository };
    if path.split('/').all(is_path_part) { tag } else { "" }
}

/// Letters and digits, with a dot, one or two underscores or some hyphens between them.
fn is_path_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let between = |separator: &str| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
    part.starts_with(word) && part.ends_with(word) && part.split(word).all(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_images() {
        for (image, tag) in [
            ("nginx", "latest"),
            ("nginx:1.25", "1.25"),
            ("nginx:latest", "latest"),
            ("localhost:5000/nginx", "latest"),
            ("localhost:5000/nginx:1", "1"),
            ("nginx@sha256:abc", ""),
            ("nginx:1@sha256:abc", "1"),
            ("Nginx", ""),
            ("-1", ""),
            ("a--b/c__d.e:x", "x"),
            ("a..b", ""),
            ("", ""),
        ] {
            assert_eq!(tag_of(image), tag, "{image}");
        }
    }

    #[test]
    fn the_names_of_service_accounts_agree() {
        for (given, name) in [
            (json!({"serviceAccountName": "a"}), "a"),
            (json!({"serviceAccount": "b"}), "b"),
            (json!({"serviceAccountName": "a", "serviceAccount": "b"}), "a"),
        ] {
            let mut template = given.clone();
            spec(&mut template);
            assert_eq!((template.text(&["serviceAccountName"]), template.text(&["serviceAccount"])), (name, name));
        }
        let mut template = json!({});
        spec(&mut template);
        assert_eq!(template.get("serviceAccount"), None);
    }

    #[test]
    fn pods_get_more_than_templates() {
        let bare = json!({"containers": [{"name": "c", "image": "i:1", "ports": [{"containerPort": 80}],
            "resources": {"limits": {"cpu": "1"}}}], "hostNetwork": true, "volumes": [{"name": "v"}]});
        let mut template = bare.clone();
        spec(&mut template);
        let mut pod_object = json!({"spec": bare});
        pod(&mut pod_object);
        assert_eq!(template["containers"][0]["resources"], json!({"limits": {"cpu": "1"}}));
        assert_eq!(template["containers"][0]["ports"], json!([{"containerPort": 80, "protocol": "TCP"}]));
        assert_eq!(template["volumes"], json!([{"name": "v", "emptyDir": {}}]));
        let container = &pod_object["spec"]["containers"][0];
        assert_eq!(container["resources"], json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}));
        assert_eq!(container["ports"], json!([{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]));
        assert_eq!(pod_object["spec"]["enableServiceLinks"], json!(true));
    }
}

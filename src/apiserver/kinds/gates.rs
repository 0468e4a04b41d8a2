//! Fields of features that are off by default in kube-apiserver 1.36: it takes them, and drops them.

use super::Kind;
use crate::api::{Object, ObjectExt, Value};

/// Those in the spec of a pod.
const OF_PODS: [&str; 3] = [
    "schedulingGroup",
    "volumes[].projected.sources[].clusterTrustBundle",
    "volumes[].projected.sources[].podCertificate",
];

/// Drops them from an object that a client wrote.
pub(in super::super) fn drop_disabled(object: &mut Object, rules: &Kind) {
    rules.disabled.iter().for_each(|path| drop_at(object, path));
    let mut spec = Some(object).filter(|_| !rules.pod_spec.is_empty());
    for name in rules.pod_spec {
        spec = spec.and_then(|value| value.get_mut(*name));
    }
    if let Some(spec) = spec {
        OF_PODS.iter().for_each(|path| drop_at(spec, path));
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            containers.for_each(drop_stop_signal);
        }
    }
}

/// The signal goes, and the whole life cycle when there is nothing else in it.
fn drop_stop_signal(container: &mut Value) {
    let Some(lifecycle) = container.get_mut("lifecycle") else { return };
    if lifecycle.take_at(&["stopSignal"]).is_some() && lifecycle.as_object().is_some_and(|map| map.is_empty()) {
        container.take_at(&["lifecycle"]);
    }
}

/// Takes away what is at a path, `name[]` being each item of a list and `name{}` each value of a map.
fn drop_at(value: &mut Value, path: &str) {
    let Some((name, rest)) = path.split_once('.') else {
        if let Some(map) = value.as_object_mut() {
            map.remove(path);
        }
        return;
    };
    if let Some(list) = name.strip_suffix("[]") {
        let items = value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        items.for_each(|item| drop_at(item, rest));
    } else if let Some(map) = name.strip_suffix("{}") {
        let values = value.get_mut(map).and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut());
        values.for_each(|item| drop_at(item, rest));
    } else if let Some(below) = value.get_mut(name) {
        drop_at(below, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_off_is_dropped() {
        let spec = json!({"containers": [{"name": "c", "lifecycle": {"stopSignal": "SIGTERM", "preStop": {}}},
            {"lifecycle": {"stopSignal": "SIGTERM"}}]});
        let left = json!({"containers": [{"name": "c", "lifecycle": {"preStop": {}}}, {}]});
        let pods = super::super::rules("", "pods");
        let deployments = super::super::rules("apps", "deployments");
        let slices = super::super::rules("resource.k8s.io", "resourceslices");
        for (rules, object, expected) in [
            (pods, json!({"spec": spec}), json!({"spec": left})),
            (deployments, json!({"spec": {"template": {"spec": spec}}}), json!({"spec": {"template": {"spec": left}}})),
            (
                slices,
                json!({"spec": {"devices": [{"attributes": {"a": {"ints": [1]}, "b": {"int": 1}}}]}}),
                json!({"spec": {"devices": [{"attributes": {"a": {}, "b": {"int": 1}}}]}}),
            ),
            (deployments, json!({"spec": null}), json!({"spec": null})),
        ] {
            let mut object = object;
            drop_disabled(&mut object, &rules);
            assert_eq!(object, expected);
        }
    }
}

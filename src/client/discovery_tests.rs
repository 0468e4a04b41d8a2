use super::*;
use crate::schema;
use serde_json::json;

fn resource(name: &str, kind: &str, singular: &str, short: &[&str], categories: &[&str]) -> Value {
    json!({"resource": name, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": "Namespaced",
        "singularResource": singular, "verbs": ["get", "list"], "shortNames": short, "categories": categories})
}

fn version(name: &str, freshness: &str, resources: Vec<Value>) -> Value {
    json!({"version": name, "freshness": freshness, "resources": resources})
}

/// The aggregated documents of a server with all built-in resources, and some of its own that look alike.
pub(crate) fn documents() -> [Value; 2] {
    type Named<T> = Vec<(String, T)>;
    let mut groups: Named<Named<Vec<Value>>> = Vec::new();
    for r in schema::resources() {
        if groups.last().is_none_or(|(group, _)| *group != r.group) {
            groups.push((r.group.clone(), Vec::new()));
        }
        let (_, versions) = groups.last_mut().unwrap();
        if versions.last().is_none_or(|(version, _)| *version != r.version) {
            versions.push((r.version.clone(), Vec::new()));
        }
        let subresources: Vec<Value> = r
            .subresources
            .iter()
            .map(|s| {
                json!({"subresource": s.name, "verbs": s.verbs,
                    "responseKind": {"group": s.kind.group, "version": s.kind.version, "kind": s.kind.kind}})
            })
            .collect();
        versions.last_mut().unwrap().1.push(json!({"resource": r.resource, "scope": r.scope, "verbs": r.verbs,
            "responseKind": {"group": "", "version": "", "kind": r.kind}, "singularResource": r.singular,
            "shortNames": r.short_names, "categories": r.categories, "subresources": subresources}));
    }
    let mut items: Vec<Value> = groups
        .into_iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions.into_iter().map(|(v, r)| version(&v, "Current", r)).collect();
            json!({"metadata": {"name": group}, "versions": versions})
        })
        .collect();
    let core = json!({"items": [items.remove(0)]});
    let foo = |short: &[&str]| resource("foos", "Foo", "foo", short, &["all"]);
    items.push(
        json!({"metadata": {"name": "example"}, "versions": [version("v1", "Current", vec![foo(&["po", "f"])])]}),
    );
    items.push(json!({"metadata": {"name": "example.com"}, "versions": [
        version("v2", "Current", vec![foo(&["f"]), resource("bars", "Bar", "bar", &["b"], &[])]),
        version("v1", "Current", vec![
            foo(&["f", "fv1"]),
            resource("olds", "Old", "old", &["o"], &[]),
            resource("gizmos", "Widget", "gadget", &[], &[]),
            resource("pods", "Pod", "", &[], &[]),
        ]),
        version("v1beta1", "Stale", vec![resource("stales", "Stale", "stale", &[], &[])]),
    ]}));
    items.push(json!({"metadata": {"name": "zed.io"}, "versions": [
        version("v1", "Current", vec![resource("dups", "Dup", "dup", &[], &[]), resource("dups2", "Dup", "dup", &[], &[])]),
    ]}));
    [core, json!({"items": items})]
}

/// What such a server serves.
pub(crate) fn sample() -> Discovery {
    let groups = documents().map(|document| serde_json::from_value::<AggregatedList>(document).unwrap().items);
    Discovery { groups: groups.into_iter().flatten().map(Group::from).collect(), ..Discovery::default() }
}

#[test]
fn aggregated_documents_read() {
    let discovery = sample();
    let autoscaling = discovery.groups.iter().find(|group| group.name == "autoscaling").unwrap();
    assert_eq!((autoscaling.preferred.as_str(), autoscaling.versions[1].version.as_str()), ("v2", "v1"));
    let apps = discovery.groups.iter().find(|group| group.name == "apps").unwrap();
    let deployments = apps.versions[0].resources.iter().find(|r| r.name == "deployments").unwrap();
    assert_eq!(deployments.short_names, ["deploy"]);
    let gv = GroupVersion::parse("apps/v1");
    let mapping = Discovery::mapping(&gv, deployments);
    let scale = mapping.subresource("scale").unwrap();
    assert_eq!(scale.gvk, GroupVersionKind::new("autoscaling", "v1", "Scale"));
    assert_eq!(mapping.subresource("status").unwrap().gvk, gv.with_kind("Deployment"));
    let example = discovery.groups.iter().find(|group| group.name == "example.com").unwrap();
    assert_eq!((example.versions[2].version.as_str(), example.versions[2].resources.len()), ("v1beta1", 0));
}

#[test]
fn the_older_documents_say_the_same() {
    let list = json!({"resources": [
        {"name": "deployments", "singularName": "deployment", "namespaced": true, "kind": "Deployment", "verbs": ["get"], "shortNames": ["deploy"], "categories": ["all"]},
        {"name": "deployments/scale", "singularName": "", "namespaced": true, "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch"]},
        {"name": "deployments/status", "singularName": "", "namespaced": true, "kind": "Deployment", "verbs": null},
    ]});
    let found = resources(serde_json::from_value(list).unwrap());
    let [deployments] = found.as_slice() else { panic!("{found:?}") };
    assert!(deployments.namespaced && deployments.categories == ["all"]);
    let names: Vec<&str> = deployments.subresources.iter().map(|sub| sub.name.as_str()).collect();
    assert_eq!(names, ["scale", "status"]);
    let groups = json!({"groups": [{"name": "g", "versions": [{"version": "v2"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}}]});
    let group = Group::from(serde_json::from_value::<GroupList>(groups).unwrap().groups.remove(0));
    assert_eq!((group.preferred.as_str(), group.versions.len()), ("v1", 2));
    let core = Group::from(OldGroup::from(CoreVersions { versions: vec!["v1".into()] }));
    assert_eq!((core.name.as_str(), core.preferred.as_str()), ("", "v1"));
}

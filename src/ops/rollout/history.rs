//! What was rolled out before: the ReplicaSets of a Deployment, the ControllerRevisions of the others.

use super::{REVISION, Workload, number};
use crate::api::{GroupVersionResource, Object, ObjectExt, Value};
use crate::client::Mapping;
use crate::expr::label_selector;
use crate::merge::strategic;
use crate::ops::infos::Info;
use crate::ops::lists::{self, Query};
use crate::ops::record::CHANGE_CAUSE as CAUSE;
use crate::ops::{Cluster, Failure, edit};
use crate::output::tabwriter::{Layout, TabWriter};
use crate::schema;
use std::collections::BTreeMap;

/// The label that a Deployment's controller adds to templates.
const HASH: [&str; 3] = ["metadata", "labels", "pod-template-hash"];

/// A controller and what it keeps of its past.
#[derive(Debug)]
pub struct History {
    /// What the controller is.
    pub workload: Workload,
    /// The controller.
    pub object: Object,
    /// The revisions, with the ReplicaSets or ControllerRevisions that hold them, in the order in which they are looked at.
    pub revisions: Vec<(i64, Object)>,
}

/// What there is to show of a history.
#[derive(Debug, PartialEq)]
pub enum Shown {
    /// Lines.
    Text(String),
    /// A template of pods, to be described.
    Template(Value),
}

impl History {
    /// Reads the history of a controller.
    pub async fn read(cluster: &Cluster, info: &Info, workload: Workload) -> Result<Self, Failure> {
        let (what, name) = (workload.kind(), &info.name);
        let labels = label_selector::text(info.object.at(&["spec", "selector"]));
        let (resource, kind) = match workload {
            Workload::Deployment => ("replicasets", "ReplicaSet"),
            _ => ("controllerrevisions", "ControllerRevision"),
        };
        let unread = |problem: &str| {
            Failure::message(match workload {
                Workload::Deployment => {
                    format!("failed to retrieve replica sets from deployment {name}: {problem}")
                }
                _ => format!("unable to find history controlled by {what} {name}: {problem}"),
            })
        };
        let labels = labels.map_err(|error| match workload {
            Workload::Deployment => unread(&error.to_string()),
            _ => Failure::message(format!("failed to create selector for {what} {name}: {error}")),
        })?;
        let mapping =
            Mapping { gvr: GroupVersionResource::new("apps", "v1", resource), namespaced: true, ..Mapping::default() };
        let mut kept = Vec::new();
        let query = Query { labels, chunk: 500, ..Query::default() };
        let pages = query.pages(cluster, &mapping, &info.namespace, |page| {
            kept.extend(lists::items(page));
            Ok(())
        });
        pages.await.map_err(|failure| unread(&failure.words()))?;
        kept.retain(|object| object.is_controlled_by(info.object.uid()));
        for object in &mut kept {
            lists::name_kind(object, "apps/v1", kind);
            *object = edit::typed(object, "")?;
        }
        let revisions = match workload {
            Workload::Deployment => of_replica_sets(kept, &info.object),
            _ => kept.into_iter().map(|kept| (kept.integer(&["revision"]).unwrap_or_default(), kept)).collect(),
        };
        Ok(History { workload, object: info.object.clone(), revisions })
    }

    /// The revisions by number. Where two have the same, the last counts.
    pub fn by_number(&self) -> BTreeMap<i64, &Object> {
        self.revisions.iter().map(|(number, object)| (*number, object)).collect()
    }

    /// The template of a revision.
    pub fn template(&self, kept: &Object) -> Result<Value, Failure> {
        Ok(self.restored(kept)?.at(&["spec", "template"]).cloned().unwrap_or_default())
    }

    /// The object as it was then; of a Deployment, the ReplicaSet.
    pub fn restored(&self, kept: &Object) -> Result<Object, Failure> {
        if self.workload == Workload::Deployment {
            return Ok(kept.clone());
        }
        let failed = |error: &dyn std::error::Error| Failure::message(error.to_string());
        let kind = self.object.group_version_kind();
        let schema = schema::builtin().kind(&kind).ok_or_else(|| Failure::message(format!("no schema for {kind}")))?;
        let data = kept.at(&["data"]).unwrap_or(&Value::Null);
        let restored = strategic::apply(&self.object, data, schema).map_err(|error| failed(&error))?;
        edit::typed(&restored, "")
    }

    /// The revisions as a table, or one of them in detail.
    pub fn shown(&self, revision: i64) -> Result<Shown, Failure> {
        let revisions = self.by_number();
        if revisions.is_empty() {
            return Ok(Shown::Text("No rollout history found.".into()));
        }
        if revision > 0 {
            let kept = revisions.get(&revision).ok_or_else(no_such_revision)?;
            let unread = |_| Failure::message(format!("unable to parse history {}", kept.name()));
            let mut template = self.template(kept).map_err(unread)?;
            if self.workload == Workload::Deployment
                && let Some(cause) = cause(kept)
            {
                template.put(&["metadata", "annotations", CAUSE], cause);
            }
            return Ok(Shown::Template(template));
        }
        let mut table = String::from("REVISION\tCHANGE-CAUSE\n");
        for (number, kept) in &revisions {
            table.push_str(&format!("{number}\t{}\n", self.cause(kept).unwrap_or("<none>")));
        }
        let mut out = Vec::new();
        let mut tabs = TabWriter::new(&mut out, Layout::DESCRIPTION);
        tabs.push(&table).and_then(|()| tabs.flush())?;
        Ok(Shown::Text(String::from_utf8_lossy(&out).into_owned()))
    }

    fn cause<'a>(&self, kept: &'a Object) -> Option<&'a str> {
        let of_template = || match self.workload {
            Workload::Deployment => kept
                .at(&["spec", "template"])
                .and_then(|template| template.annotation(CAUSE))
                .filter(|cause| !cause.is_empty()),
            _ => None,
        };
        cause(kept).or_else(of_template)
    }
}

/// What is said when there is none with the number that was asked for.
pub fn no_such_revision() -> Failure {
    Failure::message("unable to find the specified revision")
}

fn cause(kept: &Object) -> Option<&str> {
    kept.annotation(CAUSE).filter(|cause| !cause.is_empty())
}

/// ReplicaSets from the oldest to the newest, the one that has the Deployment's template last.
fn of_replica_sets(mut sets: Vec<Object>, deployment: &Object) -> Vec<(i64, Object)> {
    sets.sort_by_cached_key(|set| (set.text(&["metadata", "creationTimestamp"]).to_string(), set.name().to_string()));
    let template = |object: &Object| object.at(&["spec", "template"]).cloned().map(without_hash);
    if let Some(current) = sets.iter().position(|set| template(set) == template(deployment)) {
        let current = sets.remove(current);
        sets.push(current);
    }
    let numbered = |set: Object| Some((set.annotation(REVISION).map_or(Ok(0), number).ok()?, set));
    sets.into_iter().filter_map(numbered).collect()
}

/// A template without the label that a Deployment's controller adds to it.
pub fn without_hash(mut template: Value) -> Value {
    template.take_at(&HASH);
    if template.map_at(&HASH[..2]).is_some_and(serde_json::Map::is_empty) {
        template.take_at(&HASH[..2]);
    }
    template
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(name: &str, created: &str, revision: &str, image: &str) -> Object {
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": name, "creationTimestamp": created, "annotations": {REVISION: revision}},
            "spec": {"template": {
                "metadata": {"labels": {"app": "x", "pod-template-hash": name}},
                "spec": {"containers": [{"name": "c", "image": image}]}}},
        })
    }

    fn deployment(image: &str) -> Object {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "1"},
            "spec": {"template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "c", "image": image}]}}},
        })
    }

    #[test]
    fn replica_sets_are_in_order() {
        let sets = vec![
            set("c", "2026-01-03T00:00:00Z", "2", "three"),
            set("a", "2026-01-01T00:00:00Z", "3", "one"),
            set("b", "2026-01-02T00:00:00Z", "nan", "two"),
        ];
        let numbers = |revisions: Vec<(i64, Object)>| {
            revisions.iter().map(|(n, set)| format!("{n}{}", set.name())).collect::<Vec<_>>()
        };
        assert_eq!(numbers(of_replica_sets(sets.clone(), &deployment("one"))), ["2c", "3a"]);
        assert_eq!(numbers(of_replica_sets(sets, &deployment("other"))), ["3a", "2c"]);
    }

    #[test]
    fn revisions_are_shown() {
        let mut second = set("b", "2026-01-02T00:00:00Z", "12", "two");
        second.put(&["metadata", "annotations", CAUSE], "kubectl apply");
        let revisions = of_replica_sets(vec![set("a", "2026-01-01T00:00:00Z", "2", "one"), second], &deployment("two"));
        let history = History { workload: Workload::Deployment, object: deployment("two"), revisions };
        let table = "REVISION  CHANGE-CAUSE\n2         <none>\n12        kubectl apply\n";
        assert_eq!(history.shown(0).unwrap(), Shown::Text(table.into()));
        let Shown::Template(one) = history.shown(12).unwrap() else { panic!("no template") };
        assert_eq!((one.label("pod-template-hash"), one.annotation(CAUSE)), (Some("b"), Some("kubectl apply")));
        assert!(history.shown(3).unwrap_err().words().contains("unable to find the specified revision"));
        let none = History { workload: Workload::DaemonSet, object: Value::Null, revisions: Vec::new() };
        assert_eq!(none.shown(3).unwrap(), Shown::Text("No rollout history found.".into()));
    }

    #[test]
    fn revisions_of_other_controllers_are_patches() {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d"},
            "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "two"}], "nodeName": "n"}}},
        });
        let data = json!({"spec": {"template": {"$patch": "replace", "spec": {"containers": [{"name": "c", "image": "one"}]}}}});
        let kept = json!({"metadata": {"name": "d-1"}, "revision": 1, "data": data});
        let history = History { workload: Workload::DaemonSet, object, revisions: vec![(1, kept)] };
        let template = history.template(history.by_number()[&1]).unwrap();
        assert_eq!(
            template.at(&["spec", "containers"]),
            Some(&json!([{"name": "c", "image": "one", "resources": {}}]))
        );
        assert_eq!(template.at(&["spec", "nodeName"]), None);
    }
}

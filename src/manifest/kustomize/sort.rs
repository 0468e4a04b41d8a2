//! The order in which resources come out.

use super::file::texts;
use super::resource::{Id, Resources, shown};
use super::{Outcome, Problem};
use crate::api::{GroupVersionKind, ObjectExt, Value};
use std::cmp::Ordering;

/// What others need comes first.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// What stands in the way of others comes last.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Orders the resources as the file says; where it says nothing, what others need comes first.
pub(super) fn sort(resources: &mut Resources, file: &Value) -> Outcome<()> {
    let order = file.text(&["sortOptions", "order"]);
    let lists = file.at(&["sortOptions", "legacySortOptions"]);
    let (first, last): (Vec<&str>, Vec<&str>) = match (file.get("sortOptions").is_some(), order, lists) {
        (false, ..) | (true, "legacy", None) => (FIRST.to_vec(), LAST.to_vec()),
        (true, "legacy", Some(lists)) => (texts(lists, "orderFirst").collect(), texts(lists, "orderLast").collect()),
        (true, "fifo", None) => return Ok(()),
        (true, "fifo", Some(_)) => {
            return Err(Problem(
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"
                    .into(),
            ));
        }
        _ => return Err(Problem("the field 'sortOptions.order' must be one of [fifo, legacy]".into())),
    };
    let rank = |kind: &str| {
        let of = |list: &[&str]| list.iter().position(|known| *known == kind);
        match (of(&last), of(&first)) {
            (Some(at), _) => 1 + i64::try_from(at).unwrap_or(i64::MAX),
            (None, Some(at)) => i64::try_from(at).unwrap_or(0) - i64::try_from(first.len()).unwrap_or(0),
            (None, None) => 0,
        }
    };
    resources.0.sort_by(|a, b| compare(&a.id(), &b.id(), rank));
    Ok(())
}

fn or(text: &str, missing: &str) -> String {
    if text.is_empty() { missing.into() } else { text.into() }
}

fn kind(gvk: &GroupVersionKind) -> String {
    format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"))
}

/// The order of kinds where nobody chose one.
pub(super) fn compare_kinds(a: &GroupVersionKind, b: &GroupVersionKind) -> Ordering {
    let rank = |gvk: &GroupVersionKind| FIRST.iter().position(|known| *known == gvk.kind).unwrap_or(FIRST.len());
    rank(a).cmp(&rank(b)).then_with(|| kind(a).cmp(&kind(b)))
}

fn compare(a: &Id, b: &Id, rank: impl Fn(&str) -> i64) -> Ordering {
    let whole = |id: &Id| format!("{}|{}|{}", shown(&id.gvk), or(&id.namespace, "~X"), or(&id.name, "~N"));
    let kinds = || {
        let order = kind(&a.gvk).cmp(&kind(&b.gvk));
        let are_namespaces = a.gvk.kind == "Namespace" && (a.gvk.group.is_empty() || b.gvk.group.is_empty());
        if are_namespaces { order.reverse() } else { order }
    };
    rank(&a.gvk.kind).cmp(&rank(&b.gvk.kind)).then_with(kinds).then_with(|| whole(a).cmp(&whole(b)))
}

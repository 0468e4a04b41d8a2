//! The conflicts of a server-side apply, so that a person can decide: which fields, who manages them, what they are and
//! what they would become.

use super::diff::MASK;
use super::infos::Info;
use super::{Cluster, Failure, last_applied, lists};
use crate::api::{Cause, Object, Status, Value, time};
use crate::client::Request;
use crate::merge::managed_fields::{Owner, owners, value_at};
use crate::output::terminal::fitting;

/// How many fields are listed at the most.
const FIELDS: usize = 50;

/// A field that others manage.
#[derive(Debug, PartialEq)]
struct Conflict<'a> {
    field: &'a str,
    /// The managers, with how and when they wrote.
    owners: Vec<String>,
    /// The value that is there and the one in the manifest, as JSON; none where there is none.
    values: [Option<String>; 2],
}

/// Lists the conflicts that an apply failed with, if that is what it failed with. The object is read to tell what is
/// there; when it cannot be, there is nothing to list.
pub async fn explained(
    cluster: &Cluster,
    info: &Info,
    subresource: &str,
    failure: &Failure,
    columns: usize,
) -> Option<String> {
    let status = failure.status().filter(|status| causes(status).next().is_some())?;
    let request = Request::get(&info.mapping, &info.namespace, &info.name).subresource(subresource);
    let live = cluster.client.json(&request).await.ok()?;
    Some(listed(info, &live, status, jiff::Timestamp::now().as_second(), columns))
}

/// The fields that a refusal names because others manage them.
fn causes(status: &Status) -> impl Iterator<Item = &Cause> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.filter(|cause| cause.reason == "FieldManagerConflict")
}

/// The conflicts as text of at most this width.
fn listed(info: &Info, live: &Object, status: &Status, now: i64, columns: usize) -> String {
    let conflicts = conflicts(info, live, status, now);
    let mut lines = vec![format!("Fields of {}/{} that others manage:", lists::prefix(&info.mapping.gvk), info.name)];
    for Conflict { field, owners, values: [there, wanted] } in conflicts.iter().take(FIELDS) {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        lines.push(format!("  {field}"));
        lines.push(format!("    owner     {}", owners.join(", ")));
        lines.push(format!("    there     {}", value(there)));
        lines.push(format!("    manifest  {}", value(wanted)));
    }
    if conflicts.len() > FIELDS {
        lines.push(format!("  and {} more", conflicts.len() - FIELDS));
    }
    // A field's name is what was looked for, and stays whole.
    let is_name = |line: &str| line.starts_with("  .");
    lines
        .into_iter()
        .map(|line| if is_name(&line) { line } else { fitting(&line, columns) })
        .collect::<Vec<_>>()
        .join("\n")
}

fn conflicts<'a>(info: &Info, live: &Object, status: &'a Status, now: i64) -> Vec<Conflict<'a>> {
    let mut conflicts: Vec<Conflict> = Vec::new();
    for cause in causes(status) {
        let named = cause.message.strip_prefix("conflict with ").unwrap_or(&cause.message);
        let found = owners(live, &cause.field);
        let of_cause = |owner: &&Owner| named.starts_with(&format!("{:?}", owner.manager()));
        let owner = found.as_ref().and_then(|(owners, _)| owners.iter().find(of_cause));
        // What has changed since it was refused is told in the server's words.
        let owner = owner.map_or_else(|| named.to_string(), |owner| described(owner, now));
        match conflicts.iter_mut().find(|known| known.field == cause.field) {
            Some(known) => known.owners.push(owner),
            None => {
                let path = found.map(|(_, path)| path);
                let values = path.map_or([None, None], |path| values(info, live, &path));
                conflicts.push(Conflict { field: &cause.field, owners: vec![owner], values });
            }
        }
    }
    conflicts
}

/// The value that is there, and the one in the manifest. Those of a secret are masked.
fn values(info: &Info, live: &Object, path: &[&str]) -> [Option<String>; 2] {
    let (kind, group) = (info.mapping.gvk.kind.as_str(), info.mapping.gvk.group.as_str());
    let annotation = path.last().and_then(|part| part.strip_prefix("f:")) == Some(last_applied::ANNOTATION);
    let is_secret = kind == "Secret" && group.is_empty() && (annotation || matches!(path, ["f:data", ..]));
    let shown = |value: &Value| if is_secret { MASK.into() } else { value.to_string() };
    let mut wanted = value_at(&info.object, path);
    if let ["f:data", rest @ ..] = path
        && is_secret
    {
        // What is not encoded yet is the same field.
        let plain: Vec<&str> = ["f:stringData"].iter().chain(rest).copied().collect();
        wanted = value_at(&info.object, &plain).or(wanted);
    }
    [value_at(live, path).map(shown), wanted.map(shown)]
}

/// `kubectl-scale (Update of scale, 3m ago)`
fn described(owner: &Owner, now: i64) -> String {
    let mut how = owner.operation().to_string();
    if !owner.subresource().is_empty() {
        how += &format!(" of {}", owner.subresource());
    }
    if let Some(then) = time::unix_seconds(owner.time()) {
        how += &format!(", {} ago", time::human_duration(now - then));
    }
    format!("{} ({how})", owner.manager())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GroupVersionKind;
    use crate::api::status::Details;
    use crate::client::Mapping;
    use serde_json::json;

    fn info(kind: &str, group: &str, object: Object) -> Info {
        let mapping = Mapping { gvk: GroupVersionKind::new(group, "v1", kind), ..Mapping::default() };
        let (namespace, name) = ("default".into(), "web".into());
        Info { mapping, namespace, name, object, source: String::new(), list: None }
    }

    fn refused(causes: &[(&str, &str)]) -> Status {
        let cause = |(manager, field): &(&str, &str)| Cause {
            reason: "FieldManagerConflict".into(),
            message: format!("conflict with {manager}"),
            field: (*field).into(),
        };
        let causes = causes.iter().map(cause).collect();
        Status::failure(409, "Conflict", "x").about(Details { causes, ..Details::default() })
    }

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "time": "2026-11-21T10:00:00Z", "fieldsV1": fields})
    }

    #[test]
    fn conflicts_are_listed_with_owners_and_both_values() {
        let template =
            |fields: Value| json!({"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": fields}}}});
        let mut scale = entry("scaler", "Update", json!({"f:spec": {"f:replicas": {}}}));
        scale["subresource"] = "scale".into();
        let live = json!({
            "metadata": {"managedFields": [
                entry("me", "Apply", json!({"f:spec": {"f:replicas": {}}})), scale,
                entry("images", "Update", json!({"f:spec": template(json!({"f:image": {}}))}))]},
            "spec": {"replicas": 5, "template": {"spec": {"containers": [
                {"name": "side", "image": "s"}, {"name": "web", "image": "nginx:1.29"}]}}},
        });
        let manifest = json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.31"}]}}}});
        let status = refused(&[
            ("\"images\" using apps/v1", ".spec.template.spec.containers[name=\"web\"].image"),
            ("\"scaler\" with subresource \"scale\" using apps/v1", ".spec.replicas"),
            ("\"gone\" using apps/v1", ".spec.paused"),
        ]);
        let info = info("Deployment", "apps", manifest);
        let now = time::unix_seconds("2026-11-21T10:03:05Z").unwrap();
        let want = "\
Fields of deployment.apps/web that others manage:
  .spec.template.spec.containers[name=\"web\"].image
    owner     images (Update, 3m5s ago)
    there     \"nginx:1.29\"
    manifest  \"nginx:1.31\"
  .spec.replicas
    owner     scaler (Update of scale, 3m5s ago)
    there     5
    manifest  3
  .spec.paused
    owner     \"gone\" using apps/v1
    there     nothing
    manifest  nothing";
        assert_eq!(listed(&info, &live, &status, now, 80), want);
        let narrow = listed(&info, &live, &status, now, 20);
        assert!(narrow.contains("\n    there     \"ngin…\n") && narrow.contains("[name=\"web\"].image\n"), "{narrow}");
        let many: Vec<(String, String)> = (0..60).map(|i| ("\"m\"".to_string(), format!(".f{i}"))).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(m, f)| (m.as_str(), f.as_str())).collect();
        assert!(listed(&info, &live, &refused(&many), now, 80).ends_with("\n  and 10 more"));
    }

    #[test]
    fn one_field_may_have_several_owners() {
        let live = json!({
            "metadata": {"managedFields": [
                entry("a", "Apply", json!({"f:data": {"f:x": {}}})), entry("b", "Apply", json!({"f:data": {"f:x": {}}}))]},
            "data": {"x": "1"},
        });
        let info = info("ConfigMap", "", json!({"data": {"x": "2"}}));
        let status = refused(&[("\"a\"", ".data.x"), ("\"b\"", ".data.x")]);
        let found = conflicts(&info, &live, &status, time::unix_seconds("2026-11-21T10:00:09Z").unwrap());
        let owners = vec!["a (Apply, 9s ago)".to_string(), "b (Apply, 9s ago)".into()];
        assert_eq!(
            found,
            [Conflict { field: ".data.x", owners, values: [Some("\"1\"".into()), Some("\"2\"".into())] }]
        );
    }

    #[test]
    fn values_of_secrets_are_masked() {
        let annotation = format!("f:{}", last_applied::ANNOTATION);
        let live = json!({"metadata": {"labels": {"a": "b"}, "annotations": {last_applied::ANNOTATION: "c2VjcmV0"}},
            "data": {"k": "c2VjcmV0", "l": "x"}});
        let manifest = json!({"metadata": {"labels": {"a": "c"}}, "stringData": {"k": "secret"}});
        let secret = info("Secret", "", manifest.clone());
        let mask = || Some(MASK.to_string());
        for (path, want) in [
            (vec!["f:data", "f:k"], [mask(), mask()]),
            (vec!["f:data", "f:l"], [mask(), None]),
            (vec!["f:data"], [mask(), mask()]),
            (vec!["f:metadata", "f:annotations", annotation.as_str()], [mask(), None]),
            (vec!["f:metadata", "f:labels", "f:a"], [Some("\"b\"".into()), Some("\"c\"".into())]),
        ] {
            assert_eq!(values(&secret, &live, &path), want, "{path:?}");
        }
        let config = info("ConfigMap", "", manifest);
        assert_eq!(values(&config, &live, &["f:data", "f:l"]), [Some("\"x\"".into()), None]);
    }

    #[test]
    fn other_conflicts_are_none_of_these() {
        assert_eq!(causes(&Status::failure(409, "Conflict", "the object has been modified")).count(), 0);
        assert_eq!(causes(&refused(&[("\"a\"", ".data.x")])).count(), 1);
    }
}

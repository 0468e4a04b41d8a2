//! What a webhook is asked and what it answers (admission.k8s.io, v1 and v1beta1).

use super::super::super::errors::Failure;
use super::super::super::registry::Served;
use super::super::Asked;
use super::{Verdict, word};
use crate::api::{GroupVersionKind, ObjectExt, Status, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The forms of reviews that are known, as webhooks name them.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// What a webhook is asked.
pub(in super::super) fn review(
    hook: &Value,
    asked: &Asked<'_>,
    seen: &Served,
    object: Option<Value>,
    old: Option<Value>,
) -> Value {
    let kind = |served: &Served| {
        let GroupVersionKind { group, version, kind } = &served.kind;
        match served.subresource(asked.subresource).map(|part| &part.kind).filter(|own| !own.version.is_empty()) {
            Some(own) => json!({"group": own.group, "version": own.version, "kind": own.kind}),
            None => json!({"group": group, "version": version, "kind": kind}),
        }
    };
    let resource = |served: &Served| json!({"group": served.kind.group, "version": served.kind.version, "resource": served.info.resource});
    let any = object.as_ref().or(old.as_ref());
    let name = any.map_or("", |object| object.name());
    let namespace = if asked.is_for("", "namespaces") { name } else { asked.namespace };
    let mut request = json!({
        "uid": uuid::Uuid::new_v4().to_string(),
        "kind": kind(seen),
        "resource": resource(seen),
        "requestKind": kind(asked.served),
        "requestResource": resource(asked.served),
        "operation": word(asked.operation),
        "userInfo": {},
        "object": object,
        "oldObject": old,
        "dryRun": asked.dry_run,
        "options": {
            "kind": match word(asked.operation) {
                "CREATE" => "CreateOptions",
                "UPDATE" => "UpdateOptions",
                _ => "DeleteOptions",
            },
            "apiVersion": "meta.k8s.io/v1"
        }
    });
    if asked.dry_run {
        request.put(&["options", "dryRun"], json!(["All"]));
    }
    for (field, text) in [
        ("name", name),
        ("namespace", namespace),
        ("subResource", asked.subresource),
        ("requestSubResource", asked.subresource),
    ] {
        if !text.is_empty() {
            request.put(&[field], text);
        }
    }
    if let Some(user) = asked.user {
        request.put(&["userInfo", "username"], user.name.as_str());
        if !user.uid.is_empty() {
            request.put(&["userInfo", "uid"], user.uid.as_str());
        }
        if !user.groups.is_empty() {
            request.put(&["userInfo", "groups"], json!(user.groups));
        }
        if !user.extra.is_empty() {
            request.put(&["userInfo", "extra"], json!(user.extra));
        }
    }
    let wanted = hook.items_at(&["admissionReviewVersions"]).iter().filter_map(Value::as_str);
    let version = wanted.into_iter().find(|version| VERSIONS.contains(version)).unwrap_or(VERSIONS[0]);
    json!({"kind": "AdmissionReview", "apiVersion": format!("admission.k8s.io/{version}"), "request": request})
}

/// Reads what a webhook answered to a review.
pub(super) fn read(review: &Value, request: &Value, mutates: bool) -> Result<Verdict, String> {
    let response =
        review.get("response").filter(|response| response.is_object()).ok_or("webhook response was absent")?;
    let (uid, own) = (request.text(&["request", "uid"]), response.text(&["uid"]));
    // The older form promised neither of the two.
    let is_strict = request.api_version() == "admission.k8s.io/v1";
    if is_strict && own != uid {
        return Err(format!("expected response.uid={uid:?}, got {own:?}"));
    }
    if is_strict && (review.api_version(), review.kind()) != (request.api_version(), request.kind()) {
        let form = |review: &Value| match review.api_version() {
            "" => format!("/, Kind={}", review.kind()),
            version => format!("{version}, Kind={}", review.kind()),
        };
        return Err(format!("expected webhook response of {}, got {}", form(request), form(review)));
    }
    let (patch, kind) = (response.text(&["patch"]), response.get("patchType").and_then(Value::as_str));
    if !mutates && !patch.is_empty() {
        return Err("validating webhook may not return response.patch".into());
    }
    if !mutates && kind.is_some() {
        return Err("validating webhook may not return response.patchType".into());
    }
    let patch = match (patch, kind) {
        ("", _) if !is_strict => None,
        ("", None) => None,
        (_, None) if is_strict => return Err("webhook returned response.patch but not response.patchType".into()),
        ("", Some(_)) => return Err("webhook returned response.patchType but not response.patch".into()),
        (text, None | Some("JSONPatch")) => {
            let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
            Some(serde_json::from_slice(&bytes).map_err(|error| error.to_string())?)
        }
        (_, Some(other)) => return Err(format!("unsupported patch type {other:?}")),
    };
    let texts = response.items_at(&["warnings"]).iter().filter_map(Value::as_str);
    Ok(Verdict {
        allowed: response.get("allowed") == Some(&Value::Bool(true)),
        status: response.get("status").and_then(|status| serde_json::from_value(status.clone()).ok()),
        warnings: texts.map(String::from).collect(),
        patch,
    })
}

/// The failure that a webhook's no becomes.
pub(super) fn denied(name: &str, status: Option<Status>) -> Failure {
    let mut status = status.unwrap_or_default();
    status.code = status.code.max(400);
    if status.status.is_empty() || status.status == "Success" {
        status.status = "Failure".into();
    }
    let by = format!("admission webhook {name:?} denied the request");
    status.message = match (status.message.as_str(), status.reason.as_str()) {
        ("", "") => format!("{by} without explanation"),
        ("", reason) => format!("{by}: {reason}"),
        (message, _) => format!("{by}: {message}"),
    };
    Box::new(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_checked() {
        let review = |response: Value| json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
        let asked = |version: &str| json!({"apiVersion": format!("admission.k8s.io/{version}"), "kind": "AdmissionReview", "request": {"uid": "u"}});
        for (review, mutates, expected) in [
            (review(Value::Null), true, "webhook response was absent"),
            (review(json!({"uid": "v"})), true, r#"expected response.uid="u", got "v""#),
            (
                review(json!({"uid": "u", "patch": "W10="})),
                true,
                "webhook returned response.patch but not response.patchType",
            ),
            (review(json!({"uid": "u", "patch": "W10="})), false, "validating webhook may not return response.patch"),
            (
                json!({"response": {"uid": "u"}}),
                true,
                "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
            ),
        ] {
            assert_eq!(read(&review, &asked("v1"), mutates).unwrap_err(), expected);
        }
        let answer = json!({"uid": "u", "allowed": true, "patchType": "JSONPatch", "patch": "W10="});
        assert_eq!(read(&review(answer), &asked("v1"), true).unwrap().patch, Some(json!([])));
        let old = json!({"response": {"allowed": true, "patch": "W10="}});
        assert_eq!(read(&old, &asked("v1beta1"), true).unwrap().patch, Some(json!([])));
    }

    #[test]
    fn refusals_say_who_refused() {
        let status = |message: &str| Status { message: message.into(), code: 200, ..Status::default() };
        let failure = denied("a.b", Some(status("no")));
        assert_eq!(
            (failure.code, failure.message.as_str()),
            (400, r#"admission webhook "a.b" denied the request: no"#)
        );
        let failure = denied("a.b", None);
        assert_eq!(failure.message, r#"admission webhook "a.b" denied the request without explanation"#);
    }
}

//! Webhooks that admission asks.

use super::super::apiservice::port;
use super::super::cells::age;
use super::super::field::{Errors, Field, quoted};
use super::super::fill::fill;
use super::super::labels::validate_selector;
use super::super::{GENERIC, Kind};
use super::{GROUP, rule};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::{Value as Json, json};

const WEBHOOKS: Kind = Kind {
    group: GROUP,
    has_generation: true,
    validate: |configuration, errors| validate(configuration, None, errors),
    validate_update: |new, old, errors| validate(new, Some(old), errors),
    cells: |configuration, now| {
        vec![configuration.name().into(), configuration.items_at(&["webhooks"]).len().into(), age(configuration, now)]
    },
    ..GENERIC
};

pub(in super::super) const VALIDATING_WEBHOOKS: Kind = Kind {
    resource: "validatingwebhookconfigurations",
    default: |configuration| fill(configuration, &json!({"webhooks": [webhook()]})),
    ..WEBHOOKS
};

pub(in super::super) const MUTATING_WEBHOOKS: Kind = Kind {
    resource: "mutatingwebhookconfigurations",
    default: |configuration| {
        fill(configuration, &json!({"webhooks": [webhook()]}));
        fill(configuration, &json!({"webhooks": [{"reinvocationPolicy*": "Never"}]}));
    },
    ..WEBHOOKS
};

fn webhook() -> Json {
    json!({
        "clientConfig": {"service?": {"port": 443}},
        "failurePolicy*": "Fail",
        "matchPolicy*": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
        "rules": [{"scope*": "*"}],
    })
}

const HARMLESS: [&str; 2] = ["None", "NoneOnDryRun"];
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// What was wrong with the old object may stay so.
struct Leniency {
    side_effects: bool,
    versions: bool,
    names: bool,
}

impl Leniency {
    fn of(old: Option<&Object>) -> Self {
        let hooks = old.map_or(&[][..], |old| old.items_at(&["webhooks"]));
        let known = |hook: &Value| {
            let versions = hook.items_at(&["admissionReviewVersions"]);
            versions.is_empty() || versions.iter().any(|version| VERSIONS.iter().any(|known| version == known))
        };
        let doubled = |index: usize, hook: &Value| hooks[..index].iter().any(|b| b.get("name") == hook.get("name"));
        Self {
            side_effects: hooks.iter().any(|hook| !HARMLESS.contains(&hook.text(&["sideEffects"]))),
            versions: !hooks.iter().all(known),
            names: hooks.iter().enumerate().any(|(index, hook)| doubled(index, hook)),
        }
    }
}

fn validate(configuration: &Object, old: Option<&Object>, errors: &mut Errors) {
    let lenient = Leniency::of(old);
    let root = Field::new("", configuration);
    let hooks = root.get("webhooks");
    let mutating = configuration.kind() == "MutatingWebhookConfiguration";
    for (index, hook) in hooks.items().enumerate() {
        self::hook(&hook, mutating, &lenient, errors);
        review_versions(&hook.get("admissionReviewVersions"), &lenient, errors);
        let name = hook.get("name");
        let doubled = (0..index).any(|before| hooks.item(before).get("name").text() == name.text());
        if doubled && !name.is_empty() && !lenient.names {
            errors.duplicate(name, name.value());
        }
    }
}

fn hook(hook: &Field, mutating: bool, lenient: &Leniency, errors: &mut Errors) {
    full_name(&hook.get("name"), errors);
    hook.get("rules").items().for_each(|rule| rule::rule(&rule, errors));
    let [failure, matching, effects, timeout] =
        ["failurePolicy", "matchPolicy", "sideEffects", "timeoutSeconds"].map(|name| hook.get(name));
    if failure.is_set() {
        errors.one_of(&failure, &["Fail", "Ignore"]);
    }
    if matching.is_set() {
        errors.one_of(&matching, &["Equivalent", "Exact"]);
    }
    let allowed: &[&str] = if lenient.side_effects { &["None", "NoneOnDryRun", "Some", "Unknown"] } else { &HARMLESS };
    if effects.is_set() {
        errors.one_of(&effects, allowed);
    } else {
        errors.required(effects, &format!("must specify one of {}", allowed.join(", ")));
    }
    if timeout.integer().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        errors.reject(&timeout, "the timeout value must be between 1 and 30 seconds");
    }
    for selector in [hook.get("namespaceSelector"), hook.get("objectSelector")] {
        validate_selector(&selector, errors);
    }
    if mutating && hook.get("reinvocationPolicy").is_set() {
        errors.one_of(&hook.get("reinvocationPolicy"), &["IfNeeded", "Never"]);
    }
    client(&hook.get("clientConfig"), errors);
    rule::match_conditions(&hook.get("matchConditions"), false, errors);
}

fn full_name(name: &Field, errors: &mut Errors) {
    if !errors.need(name) {
        return;
    }
    let complaints = names::dns1123_subdomain(name.text());
    if !complaints.is_empty() {
        errors.reject(name, &complaints.join(","));
    } else if name.text().split('.').count() < 3 {
        errors.reject(name, "should be a domain with at least three segments separated by dots");
    }
}

fn review_versions(versions: &Field, lenient: &Leniency, errors: &mut Errors) {
    if versions.is_empty() {
        return errors.required(versions, &format!("must specify one of {}", VERSIONS.join(", ")));
    }
    for (index, version) in versions.items().enumerate() {
        if (0..index).any(|before| versions.item(before).text() == version.text()) {
            errors.reject(&version, "duplicate version");
        } else {
            errors.name(&version, names::dns1035_label);
        }
    }
    if !lenient.versions && !versions.items().any(|version| VERSIONS.contains(&version.text())) {
        errors.reject(versions, &format!("must include at least one of {}", VERSIONS.join(", ")));
    }
}

/// Complains about how a webhook is reached: by a URL or as a service.
pub(in super::super) fn client(config: &Field, errors: &mut Errors) {
    let (url, service) = (config.get("url"), config.get("service"));
    match (url.is_set(), service.is_set()) {
        (true, false) => self::url(&url, errors),
        (false, true) => self::service(&service, errors),
        _ => errors.required(config, "exactly one of url or service is required"),
    }
}

/// Complains about the URL of a webhook.
fn url(url: &Field, errors: &mut Errors) {
    const FORM: &str = "; desired format: https://host[/path]";
    let text = url.text();
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let authority = rest.strip_prefix("//").map_or("", |rest| rest.split('/').next().unwrap_or(""));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let mut complain = |shown: &str, complaint: &str| errors.invalid_as(url, &quoted(shown), complaint);
    let scheme = scheme.to_lowercase();
    if scheme != "https" {
        complain(&scheme, &format!("'https' is the only allowed URL scheme{FORM}"));
    }
    if host.is_empty() {
        complain("", &format!("host must be specified{FORM}"));
    }
    if let Some(user) = user {
        complain(user, "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        complain(fragment, "fragments are not permitted in the URL");
    }
    if !query.is_empty() {
        complain(query, "query parameters are not permitted in the URL");
    }
}

fn service(service: &Field, errors: &mut Errors) {
    // kube-apiserver takes one for the other here.
    for (name, place) in [("namespace", "name"), ("name", "namespace")] {
        if service.get(name).is_empty() {
            errors.required(service.get(place), "");
        }
    }
    port(&service.get("port"), errors);
    let path = service.get("path");
    let text = path.text();
    if matches!(text, "" | "/") {
        return;
    }
    if text == "//" {
        return errors.reject(&path, "segment[0] may not be empty");
    }
    if !text.starts_with('/') {
        errors.reject(&path, "must start with a '/'");
    }
    let inner = text.get(1..).unwrap_or("");
    for (index, step) in inner.strip_suffix('/').unwrap_or(inner).split('/').enumerate() {
        if step.is_empty() {
            errors.reject(&path, &format!("segment[{index}] may not be empty"));
            continue;
        }
        for complaint in names::dns1123_subdomain(step) {
            errors.reject(&path, &format!("segment[{index}]: {complaint}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(hooks: Json) -> Vec<String> {
        let mut object = json!({"webhooks": hooks});
        (VALIDATING_WEBHOOKS.default)(&mut object);
        let mut errors = Errors::default();
        validate(&object, None, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_is_wrong_with_webhooks() {
        let rule = json!({"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]});
        let hook = json!({"name": "a.example.com", "clientConfig": {"url": "https://a/b"}, "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "rules": [rule]});
        assert_eq!(complaints(json!([hook])), Vec::<String>::new());
        assert_eq!(
            complaints(json!([{"name": "a.b", "clientConfig": {"url": "http://u@/x?q"}, "rules": [
                {"operations": ["*", "GET"], "resources": ["pods/*", "pods/status"]}]}])),
            [
                r#"webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots"#,
                r#"webhooks[0].rules[0].operations: Invalid value: ["*","GET"]: if '*' is present, must not specify other operations"#,
                r#"webhooks[0].rules[0].operations[1]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE""#,
                "webhooks[0].rules[0].apiGroups: Required value",
                "webhooks[0].rules[0].apiVersions: Required value",
                r#"webhooks[0].rules[0].resources[1]: Invalid value: "pods/status": if 'pods/*' is present, must not specify pods/status"#,
                "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
                r#"webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]"#,
                r#"webhooks[0].clientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path]"#,
                r#"webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL"#,
                r#"webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL"#,
                "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
            ]
        );
    }
}

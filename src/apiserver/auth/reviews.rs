//! Questions about users and what they may do, asked as objects that are never stored.

use super::rbac::{Authorization, Decision, singular};
use super::token::{ISSUER, Known};
use super::{Attributes, User};
use crate::api::time::rfc3339;
use crate::api::{ObjectExt, Value, names};
use crate::apiserver::codec::{self, Decoded};
use crate::apiserver::create::check_namespace;
use crate::apiserver::errors::{About, Answer, bad_request, invalid, quoted};
use crate::apiserver::kinds::field::{Errors, Field};
use crate::apiserver::options::Write as Options;
use crate::apiserver::ownership;
use crate::apiserver::pipeline::{Call, Server};
use crate::apiserver::respond::{self, Body};
use crate::expr::selector;
use http::{Response, StatusCode};
use serde_json::json;

impl Server {
    /// Answers a review; none when the resource is no review.
    pub(in crate::apiserver) async fn review(&self, call: &Call<'_>) -> Option<Answer<Response<Body>>> {
        let known = matches!(call.served.kind.group.as_str(), "authentication.k8s.io" | "authorization.k8s.io");
        if known { Some(self.answer_review(call).await) } else { None }
    }

    async fn answer_review(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let options = Options::parse(call.query, "CreateOptions")?;
        let Decoded { mut object, warnings } =
            codec::decode(call.body, call.media()?, call.served, options.validation)?;
        if object.at(&["metadata"]).is_none() {
            object.put(&["metadata"], json!({}));
        }
        if call.served.info.namespaced() {
            check_namespace(&object, &call.target.namespace)?;
            object.put(&["metadata", "namespace"], call.target.namespace.as_str());
        }
        let manager = call.manager(&options);
        ownership::note_request(&mut object, &call.served.kind, &manager, call.now);
        let status = match call.served.info.resource.as_str() {
            "selfsubjectreviews" => {
                object.put(&["metadata", "creationTimestamp"], rfc3339(call.now.seconds));
                json!({"userInfo": user_info(call.user)})
            }
            "tokenreviews" => self.review_token(&object).await?,
            "selfsubjectrulesreviews" => {
                let status = self.rules_review(call.user, object.text(&["spec", "namespace"])).await?;
                // The answer does not repeat what was asked.
                object.put(&["metadata"], json!({}));
                object.put(&["spec"], json!({}));
                status
            }
            resource => {
                check(&object, resource)?;
                let attributes = attributes(&object);
                let mut status = if resource == "selfsubjectaccessreviews" {
                    access(&self.authorize(call.user, &attributes).await?)
                } else {
                    access(&self.authorize(&subject(&object), &attributes).await?)
                };
                let ignored = ignored_selectors(&object["spec"]["resourceAttributes"]);
                if !ignored.is_empty() {
                    status.put(&["evaluationError"], ignored.join("; "));
                }
                status
            }
        };
        object.put(&["status"], status);
        call.warn(warnings);
        Ok(respond::value(StatusCode::CREATED, &object, call.accepted))
    }

    async fn review_token(&self, review: &Value) -> Answer<Value> {
        let token = review.text(&["spec", "token"]);
        if token.is_empty() {
            return Err(bad_request("token is required for TokenReview in authentication"));
        }
        let audiences = match texts(review.at(&["spec", "audiences"])) {
            none if none.is_empty() => vec![ISSUER.to_string()],
            asked => asked,
        };
        Ok(match self.token_user(token, &audiences).await? {
            Known::As(user, audiences) => {
                json!({"authenticated": true, "user": user_info(&user), "audiences": audiences})
            }
            Known::No(None) => json!({"user": {}, "error": "invalid bearer token"}),
            Known::No(Some(why)) => json!({"user": {}, "error": format!("[invalid bearer token, {why}]")}),
        })
    }

    async fn rules_review(&self, user: &User, namespace: &str) -> Answer<Value> {
        if namespace.is_empty() {
            return Err(bad_request("no namespace on request"));
        }
        let granted = self.rules_of(user, namespace).await?;
        let mut rules: Vec<Value> = Vec::new();
        if self.authorization == Authorization::AlwaysAllow {
            rules.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
            rules.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
        }
        let problem = granted.problem(singular);
        if self.authorization == Authorization::Rbac {
            rules.extend(granted.rules.into_iter().map(|(rule, _)| rule));
        }
        let (paths, resources): (Vec<Value>, Vec<Value>) =
            rules.into_iter().partition(|rule| !rule.items_at(&["nonResourceURLs"]).is_empty());
        let mut status = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
        if let Some(problem) = problem {
            status.put(&["evaluationError"], problem);
        }
        Ok(status)
    }
}

fn access(decision: &Decision) -> Value {
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status.put(&["reason"], decision.reason.as_str());
    }
    status
}

fn user_info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info.put(&["uid"], user.uid.as_str());
    }
    if !user.extra.is_empty() {
        info.put(&["extra"], json!(user.extra));
    }
    info
}

/// Whom an access review asks about.
fn subject(review: &Value) -> User {
    let extra = review.map_at(&["spec", "extra"]).into_iter().flatten();
    User {
        name: review.text(&["spec", "user"]).into(),
        uid: review.text(&["spec", "uid"]).into(),
        groups: texts(review.at(&["spec", "groups"])),
        extra: extra.map(|(key, values)| (key.clone(), texts(Some(values)))).collect(),
    }
}

/// What an access review asks about.
fn attributes(review: &Value) -> Attributes {
    let part = |part: &str| review.at(&["spec", part]).filter(|value| !value.is_null());
    let text = |asked: &Value, field: &str| asked.text(&[field]).to_string();
    match (part("resourceAttributes"), part("nonResourceAttributes")) {
        (Some(asked), _) => Attributes {
            verb: text(asked, "verb"),
            group: text(asked, "group"),
            resource: text(asked, "resource"),
            subresource: text(asked, "subresource"),
            namespace: text(asked, "namespace"),
            name: text(asked, "name"),
            path: String::new(),
        },
        (None, asked) => Attributes {
            verb: asked.map(|asked| text(asked, "verb")).unwrap_or_default(),
            path: asked.map(|asked| text(asked, "path")).unwrap_or_default(),
            ..Attributes::default()
        },
    }
}

/// Refuses an access review that makes no sense.
fn check(review: &Value, resource: &str) -> Answer<()> {
    let part = |part: &str| review.at(&["spec", part]).filter(|value| !value.is_null());
    let mut errors = Errors::default();
    match (part("resourceAttributes"), part("nonResourceAttributes")) {
        (Some(_), Some(asked)) => {
            let why = "cannot be specified in combination with resourceAttributes";
            errors.invalid_as("spec.nonResourceAttributes", &path_text(asked), why);
        }
        (None, None) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            errors.invalid("spec.resourceAttributes", &Value::Null, why);
        }
        _ => {}
    }
    if resource != "selfsubjectaccessreviews" {
        let user = subject(review);
        if user.name.is_empty() && user.groups.is_empty() {
            errors.invalid("spec.user", &"".into(), "at least one of user or group must be specified");
        }
    }
    if let Some(asked) = part("resourceAttributes") {
        let asked = Field::new("spec.resourceAttributes", asked);
        for (selector, fields) in [("fieldSelector", true), ("labelSelector", false)] {
            check_selector(&asked.get(selector), fields, &mut errors);
        }
    }
    let mut metadata = review["metadata"].clone();
    metadata.take_at(&["managedFields"]);
    let local = resource == "localsubjectaccessreviews";
    let namespace = metadata.take_at(&["namespace"]).filter(|_| local).unwrap_or_else(|| "".into());
    if metadata.as_object().is_some_and(|metadata| !metadata.is_empty()) || !local && !review.namespace().is_empty() {
        let why = if local { "must be empty except for namespace" } else { "must be empty" };
        errors.invalid("metadata", &review["metadata"], why);
    }
    if local {
        if let Some(asked) = part("resourceAttributes")
            && namespace != asked.text(&["namespace"])
        {
            let asked = asked.text(&["namespace"]).into();
            errors.invalid("spec.resourceAttributes.namespace", &asked, "must match metadata.namespace");
        }
        if let Some(asked) = part("nonResourceAttributes") {
            let why = "disallowed on this kind of request";
            errors.invalid_as("spec.nonResourceAttributes", &path_text(asked), why);
        }
    }
    if errors.causes.is_empty() {
        return Ok(());
    }
    Err(invalid(About { group: "authorization.k8s.io", kind: "", name: "" }, errors))
}

/// Complains about a selector that narrows what is asked about. Operators that nobody knows may be those of a later
/// version.
fn check_selector(selector: &Field, fields: bool, errors: &mut Errors) {
    if !selector.is_set() {
        return;
    }
    let (raw, requirements) = (selector.get("rawSelector"), selector.get("requirements"));
    match (raw.is_empty(), requirements.is_empty()) {
        (false, false) => errors.reject(&raw, "may not specified at the same time as requirements"),
        (true, true) => {
            let why = format!("when {selector} is specified, requirements or rawSelector is required");
            errors.required(requirements, &why);
        }
        _ => {}
    }
    for requirement in requirements.items() {
        let (key, operator, values) = (requirement.get("key"), requirement.get("operator"), requirement.get("values"));
        if fields && key.is_empty() {
            errors.required(key, "must be specified");
        }
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            _ => {}
        }
        if !fields {
            errors.name(&key, names::qualified_name);
            for value in values.items() {
                errors.name(&value, names::label_value);
            }
        }
    }
}

/// The selectors of an access review that nobody understands, wholly or in part: they narrow nothing then.
fn ignored_selectors(asked: &Value) -> Vec<String> {
    let mut ignored = Vec::new();
    for (name, fields) in [("fieldSelector", true), ("labelSelector", false)] {
        let selector = asked.get(name).unwrap_or(&Value::Null);
        let requirements = selector.items_at(&["requirements"]);
        let understood = requirements.iter().filter(|requirement| is_understood(requirement, fields)).count();
        let raw = selector.text(&["rawSelector"]);
        let parses = match fields {
            true => selector::parse_fields(raw).is_ok(),
            false => selector::parse_labels(raw).is_ok(),
        };
        let how = match requirements.len() {
            0 if parses => continue,
            all if all > 0 && all == understood => continue,
            _ if understood > 0 => "partially ignored",
            _ => "ignored",
        };
        ignored.push(format!("spec.resourceAttributes.{name} {how} due to parse error"));
    }
    ignored
}

/// Whether a requirement is of a kind that authorizers know.
fn is_understood(requirement: &Value, of_fields: bool) -> bool {
    let values = requirement.items_at(&["values"]).len();
    match requirement.text(&["operator"]) {
        "In" | "NotIn" => !of_fields || values == 1,
        "Exists" | "DoesNotExist" => !of_fields,
        _ => false,
    }
}

/// Attributes of a path as kube-apiserver's own type shows them.
fn path_text(asked: &Value) -> String {
    format!("{{\"Path\":{},\"Verb\":{}}}", quoted(asked.text(&["path"])), quoted(asked.text(&["verb"])))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_are_checked() {
        let both = "spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"get\"}: cannot be specified in combination with resourceAttributes";
        let (resource, path) = (json!({"verb": "get", "namespace": "n"}), json!({"path": "/x", "verb": "get"}));
        for (kind, review, message) in [
            (
                "selfsubjectaccessreviews",
                json!({"spec": {"resourceAttributes": resource, "nonResourceAttributes": path}}),
                both,
            ),
            (
                "subjectaccessreviews",
                json!({"spec": {"resourceAttributes": resource}}),
                "spec.user: Invalid value: \"\": at least one of user or group must be specified",
            ),
            (
                "localsubjectaccessreviews",
                json!({"metadata": {"namespace": "m"}, "spec": {"user": "u", "resourceAttributes": resource}}),
                "spec.resourceAttributes.namespace: Invalid value: \"n\": must match metadata.namespace",
            ),
            (
                "localsubjectaccessreviews",
                json!({"metadata": {"namespace": "m"}, "spec": {"user": "u", "nonResourceAttributes": path}}),
                "spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"get\"}: disallowed on this kind of request",
            ),
            (
                "subjectaccessreviews",
                json!({"metadata": {"name": "x"}, "spec": {"user": "u", "resourceAttributes": resource}}),
                "metadata: Invalid value: {\"name\":\"x\"}: must be empty",
            ),
            (
                "selfsubjectaccessreviews",
                json!({"metadata": {"namespace": "n"}, "spec": {"resourceAttributes": resource}}),
                "metadata: Invalid value: {\"namespace\":\"n\"}: must be empty",
            ),
            (
                "selfsubjectaccessreviews",
                json!({"spec": {"resourceAttributes": {"fieldSelector": {}}}}),
                "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
            ),
            (
                "selfsubjectaccessreviews",
                json!({"spec": {"resourceAttributes": {"labelSelector": {"requirements": [{"key": "a", "operator": "In"}]}}}}),
                "spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            ),
        ] {
            let failure = check(&review, kind).unwrap_err().message;
            assert_eq!(failure, format!(".authorization.k8s.io \"\" is invalid: {message}"), "{review}");
        }
        let fine = json!({"metadata": {"namespace": "n"}, "spec": {"groups": ["g"], "resourceAttributes": resource}});
        assert!(check(&fine, "localsubjectaccessreviews").is_ok());
    }

    #[test]
    fn selectors_that_nobody_understands_are_told_of() {
        for (asked, told) in [
            (json!({"labelSelector": {"rawSelector": "a=b"}, "fieldSelector": {"rawSelector": "a=b"}}), vec![]),
            (json!({"labelSelector": {"rawSelector": "a in b"}}), vec!["labelSelector ignored"]),
            (
                json!({"fieldSelector": {"requirements": [{"key": "a", "operator": "Exists"}]}}),
                vec!["fieldSelector ignored"],
            ),
            (
                json!({"labelSelector": {"requirements": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Like"}]}}),
                vec!["labelSelector partially ignored"],
            ),
        ] {
            let expected: Vec<_> =
                told.iter().map(|told| format!("spec.resourceAttributes.{told} due to parse error")).collect();
            assert_eq!(ignored_selectors(&asked), expected, "{asked}");
        }
    }

    #[test]
    fn reviews_say_what_they_ask() {
        let spec = json!({"user": "u", "extra": {"a": ["b"]}, "nonResourceAttributes": {"path": "/x", "verb": "get"}});
        let review = json!({"spec": spec});
        assert_eq!((attributes(&review).path, attributes(&review).verb), ("/x".to_string(), "get".to_string()));
        assert_eq!(subject(&review).extra["a"], ["b"]);
    }
}

//! Questions about users and what they may do, asked as objects that are never stored.

use super::rbac::Decision;
use super::{Attributes, User};
use crate::api::time::rfc3339;
use crate::api::{ObjectExt, Value};
use crate::apiserver::codec::{self, Decoded};
use crate::apiserver::errors::{About, Answer, bad_request, invalid};
use crate::apiserver::kinds::field::Errors;
use crate::apiserver::options::Write as Options;
use crate::apiserver::ownership;
use crate::apiserver::pipeline::{Call, Server};
use crate::apiserver::respond::{self, Body};
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
        let manager = call.manager(&options);
        ownership::note_request(&mut object, &call.served.kind, &manager, call.now);
        let status = match call.served.info.resource.as_str() {
            "selfsubjectreviews" => {
                object.put(&["metadata", "creationTimestamp"], rfc3339(call.now.seconds));
                json!({"userInfo": user_info(call.user)})
            }
            "tokenreviews" => self.review_token(&object).await?,
            "selfsubjectrulesreviews" => self.rules_review(call.user, object.text(&["spec", "namespace"])).await?,
            "selfsubjectaccessreviews" => {
                let attributes = attributes(&object)?;
                access(&self.authorize(call.user, &attributes).await?)
            }
            _ => {
                let attributes = attributes(&object)?;
                if call.served.info.namespaced() && attributes.namespace != call.target.namespace {
                    let why = format!("must match metadata.namespace ({})", call.target.namespace);
                    return Err(bad_request(format!("spec.resourceAttributes.namespace {why}")));
                }
                let texts = |value: Option<&Value>| -> Vec<String> {
                    let items = value.and_then(Value::as_array).into_iter().flatten();
                    items.filter_map(Value::as_str).map(String::from).collect()
                };
                let user = User {
                    name: object.text(&["spec", "user"]).into(),
                    uid: object.text(&["spec", "uid"]).into(),
                    groups: texts(object.at(&["spec", "groups"])),
                    ..User::default()
                };
                if user.name.is_empty() && user.groups.is_empty() {
                    let why = "at least one of user or group must be specified";
                    return Err(wrong("spec.user", &"".into(), why));
                }
                access(&self.authorize(&user, &attributes).await?)
            }
        };
        object.put(&["status"], status);
        call.warn(warnings);
        Ok(respond::value(StatusCode::CREATED, &object, call.accepted))
    }

    async fn review_token(&self, review: &Value) -> Answer<Value> {
        let token = review.text(&["spec", "token"]);
        if token.is_empty() {
            let mut errors = Errors::default();
            errors.required("spec.token", "token is required for TokenReview in authentication");
            let about = About { group: "authentication.k8s.io", kind: "TokenReview", name: "" };
            return Err(invalid(about, errors));
        }
        Ok(match self.token_user(token).await? {
            Some(user) => json!({"authenticated": true, "user": user_info(&user)}),
            None => json!({"user": {}, "error": "[invalid bearer token, token lookup failed]"}),
        })
    }

    async fn rules_review(&self, user: &User, namespace: &str) -> Answer<Value> {
        let everything = user.is_in(super::MASTERS);
        let mut rules: Vec<Value> = if everything {
            vec![
                json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
                json!({"verbs": ["*"], "nonResourceURLs": ["*"]}),
            ]
        } else {
            Vec::new()
        };
        rules.extend(self.rules_of(user, namespace).await?.into_iter().map(|(rule, _)| rule));
        let (paths, resources): (Vec<Value>, Vec<Value>) =
            rules.into_iter().partition(|rule| !rule.items_at(&["nonResourceURLs"]).is_empty());
        Ok(json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false}))
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

/// What an access review asks about.
fn attributes(review: &Value) -> Answer<Attributes> {
    let part = |part: &str| review.at(&["spec", part]).filter(|value| !value.is_null());
    match (part("resourceAttributes"), part("nonResourceAttributes")) {
        (Some(asked), None) => Ok(Attributes {
            verb: asked.text(&["verb"]).into(),
            group: asked.text(&["group"]).into(),
            resource: asked.text(&["resource"]).into(),
            subresource: asked.text(&["subresource"]).into(),
            namespace: asked.text(&["namespace"]).into(),
            name: asked.text(&["name"]).into(),
            path: String::new(),
        }),
        (None, Some(asked)) => Ok(Attributes {
            verb: asked.text(&["verb"]).into(),
            path: asked.text(&["path"]).into(),
            ..Attributes::default()
        }),
        (found, _) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            Err(wrong("spec.resourceAttributes", found.unwrap_or(&Value::Null), why))
        }
    }
}

fn wrong(field: &str, value: &Value, why: &str) -> crate::apiserver::errors::Failure {
    let mut errors = Errors::default();
    errors.invalid(field, value, why);
    invalid(About { group: "authorization.k8s.io", kind: "", name: "" }, errors)
}

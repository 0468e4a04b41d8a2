//! Policies of admission: expressions that say which requests are refused, or warned of (ValidatingAdmissionPolicy), or
//! how objects are changed (MutatingAdmissionPolicy).

mod access;
mod compiled;
mod evaluation;
mod mutating;
mod params;

pub(in crate::apiserver) use compiled::Cache;
pub(super) use compiled::Conditions;
pub(super) use evaluation::{Evaluation, hold};
pub(super) use mutating::Changes;

use super::super::errors::{Answer, Failure, internal};
use super::super::expressions;
use super::super::pipeline::Server;
use super::super::registry::Served;
use super::Asked;
use super::webhooks::{matching, review, shown};
use crate::api::{Cause, ObjectExt, Value};
use crate::expr::cel::{Val, Variables};
use compiled::Policy;
use serde_json::json;
use std::sync::Arc;

const GROUP: &str = "admissionregistration.k8s.io";
/// How long a message may be that an expression gives.
const LONGEST_MESSAGE: usize = 5 * 1024;

/// A refusal, before anybody says it.
struct Denial {
    message: String,
    reason: String,
}

/// What came of a policy.
#[derive(Default)]
struct Verdict {
    /// What was denied, which a binding may turn into warnings.
    denials: Vec<Denial>,
    /// What went wrong with notes for audits: a refusal whatever the binding says.
    broken: Vec<String>,
}

impl Server {
    /// Has policies say whether they approve of a write.
    pub(super) async fn apply_policies(
        &self,
        asked: &Asked<'_>,
        object: Option<&Value>,
        warnings: &mut Vec<String>,
    ) -> Answer<()> {
        if asked.user.is_none() || is_policy(asked) {
            return Ok(());
        }
        let policies = self.objects(GROUP, "validatingadmissionpolicies", "").await?;
        if policies.is_empty() {
            return Ok(());
        }
        let bindings = self.objects(GROUP, "validatingadmissionpolicybindings", "").await?;
        let mut refusal: Option<(String, String)> = None;
        for policy in &policies {
            let name = policy.name();
            let own: Vec<&Value> =
                bindings.iter().filter(|binding| binding.text(&["spec", "policyName"]) == name).collect();
            let Some(constraints) = policy.at(&["spec", "matchConstraints"]).filter(|_| !own.is_empty()) else {
                continue;
            };
            let Some(seen) = self.constrained(constraints, asked, object).await? else { continue };
            let compiled = self.policies.get(policy);
            let mut refuse = |binding: Option<&Value>, message: &str, reason: &str| {
                let by = binding.map_or(String::new(), |binding| format!(" with binding '{}'", binding.name()));
                let why = format!("ValidatingAdmissionPolicy '{name}'{by} denied request: {message}");
                refusal.get_or_insert((why, reason.to_owned()));
            };
            let kind = compiled.spec.get("paramKind");
            let param_kind = kind.and_then(|kind| Some((kind, self.param_kind(kind)?)));
            if let (Some(kind), None) = (kind, &param_kind) {
                if compiled.conditions.insists {
                    let (version, kind) = (kind.text(&["apiVersion"]), kind.text(&["kind"]));
                    let why = format!("failed to find resource referenced by paramKind: '{version}, Kind={kind}'");
                    refuse(None, &format!("failed to configure policy: {why}"), "Invalid");
                }
                continue;
            }
            for binding in own {
                if let Some(also) = binding.at(&["spec", "matchResources"])
                    && self.constrained(also, asked, object).await?.is_none()
                {
                    continue;
                }
                let kind = param_kind.as_ref().map(|(kind, served)| (*kind, &**served));
                let params = match self.params(kind, binding, asked.namespace).await? {
                    Ok(params) => params,
                    Err(_) if !compiled.conditions.insists => continue,
                    Err(why) => {
                        refuse(Some(binding), &format!("failed to configure binding: {why}"), "Invalid");
                        continue;
                    }
                };
                for param in params {
                    let verdict = self.verdict_of(&compiled, asked, &seen, object, param.as_ref()).await?;
                    for denial in verdict.denials {
                        let actions = binding.items_at(&["spec", "validationActions"]).iter();
                        for action in actions.filter_map(Value::as_str) {
                            match action {
                                "Deny" => refuse(Some(binding), &denial.message, &denial.reason),
                                "Warn" => warnings.push(format!(
                                    "Validation failed for ValidatingAdmissionPolicy '{name}' with binding '{}': {}",
                                    binding.name(),
                                    denial.message
                                )),
                                // There is no audit log to note it in.
                                _ => {}
                            }
                        }
                    }
                    verdict.broken.iter().for_each(|why| refuse(Some(binding), why, "Invalid"));
                }
            }
        }
        match refusal {
            None => Ok(()),
            Some((why, reason)) => Err(refused(asked, object, why, &reason)),
        }
    }

    /// The form of a resource in which constraints want to see it; none when they do not choose the request.
    async fn constrained(
        &self,
        constraints: &Value,
        asked: &Asked<'_>,
        object: Option<&Value>,
    ) -> Answer<Option<Arc<Served>>> {
        if !self.selected(constraints, asked, object).await? {
            return Ok(None);
        }
        let chosen = |list: &str| {
            let rules = json!({
                "rules": constraints.items_at(&[list]),
                "matchPolicy": constraints.text(&["matchPolicy"]),
            });
            let name = object.or(asked.old).map_or("", |object| object.name());
            self.seen_as(&rules, asked.served)
                .filter(|seen| matching::Rules::of(&rules).apply_to(asked, seen, Some(name)))
        };
        if chosen("excludeResourceRules").is_some() {
            return Ok(None);
        }
        if constraints.items_at(&["resourceRules"]).is_empty() {
            let all = self.registry.all();
            return Ok(all.into_iter().find(|served| served.kind == asked.served.kind));
        }
        Ok(chosen("resourceRules"))
    }

    /// The values of what expressions about a request speak of, without the namespace.
    pub(super) async fn request_values(
        &self,
        asked: &Asked<'_>,
        seen: &Served,
        object: Option<&Value>,
        with_namespace: bool,
    ) -> Answer<Variables> {
        let show = |object: Option<&Value>| object.map(|object| shown(asked, seen, object)).transpose();
        let (new, old) = (show(object)?, show(asked.old)?);
        let review = review::review(&Value::Null, asked, seen, None, None);
        let mut request = review.get("request").cloned().unwrap_or_default();
        for hidden in ["uid", "object", "oldObject"] {
            request.take_at(&[hidden]);
        }
        let any = object.or(asked.old);
        if let Some(name) = any.map(|object| object.name()).filter(|name| !name.is_empty()) {
            request.put(&["name"], name);
            if asked.is_for("", "namespaces") {
                request.put(&["namespace"], name);
            }
        }
        let namespace = match asked.namespace {
            _ if !with_namespace => None,
            "" => None,
            name => self.get_core("namespaces", "", name).await?,
        };
        let namespace = namespace.map(|entry| entry.object.value(entry.revision));
        Ok(expressions::values(new.as_ref(), old.as_ref(), &request, namespace.as_ref()))
    }

    async fn verdict_of(
        &self,
        policy: &Policy,
        asked: &Asked<'_>,
        seen: &Served,
        object: Option<&Value>,
        param: Option<&Value>,
    ) -> Answer<Verdict> {
        let params = param.map_or(Val::Null, Val::json);
        let bare = self.request_values(asked, seen, object, false).await?.with("params", params.clone());
        let name = object.or(asked.old).map_or("", |object| object.name());
        let applies = |values: &Variables| {
            hold(&policy.conditions, |budget| Evaluation::new(values, Some(&policy.variables), budget))
        };
        match self.with_authorizer(asked, name, &bare, applies).await? {
            Ok(true) => {}
            Ok(false) => return Ok(Verdict::default()),
            Err(message) => {
                let denials = vec![Denial { message, reason: "Invalid".into() }];
                return Ok(Verdict { denials, ..Verdict::default() });
            }
        }
        let values = self.request_values(asked, seen, object, true).await?.with("params", params);
        self.with_authorizer(asked, name, &values, |values| evaluate(policy, values)).await
    }
}

/// Whether a request is about policies, which have no say in themselves.
fn is_policy(asked: &Asked<'_>) -> bool {
    let resource = asked.served.info.resource.as_str();
    asked.served.kind.group == GROUP && (resource.ends_with("policies") || resource.ends_with("policybindings"))
}

/// Evaluates what a policy validates.
fn evaluate(policy: &Policy, values: &Variables) -> Verdict {
    let insists = policy.conditions.insists;
    let failed = |message: String| Denial { message, reason: "Invalid".into() };
    let mut verdict = Verdict::default();
    let mut evaluation = Evaluation::new(values, Some(&policy.variables), evaluation::BUDGET);
    let mut results = Vec::with_capacity(policy.validations.len());
    for validation in &policy.validations {
        match evaluation.eval(&validation.expression) {
            Ok(result) => results.push(result),
            Err(exhausted) => {
                verdict.denials.extend(insists.then(|| failed(exhausted.to_string())));
                return verdict;
            }
        }
    }
    // What messages cost is taken from what the validations left.
    let mut no_messages = None;
    let mut messages = Vec::with_capacity(policy.validations.len());
    for validation in &policy.validations {
        let message = match &validation.message_expression {
            Some(expression) if no_messages.is_none() => evaluation.eval(expression),
            _ => Ok(Ok(Val::Null)),
        };
        match message {
            Ok(message) => messages.push(message),
            Err(exhausted) => no_messages = Some(exhausted),
        }
    }
    for (index, (validation, result)) in policy.validations.iter().zip(results).enumerate() {
        match result {
            Err(why) => verdict.denials.extend(insists.then(|| failed(why))),
            Ok(_) if no_messages.is_some() => {
                let why = no_messages.as_ref().map_or(String::new(), |why| format!("failed messageExpression: {why}"));
                verdict.denials.extend(insists.then(|| failed(why)));
            }
            Ok(Val::Bool(true)) => {}
            Ok(_) => {
                let made = match messages.get(index) {
                    Some(Ok(Val::String(text))) => Some(text.trim().to_owned()),
                    _ => None,
                };
                let made =
                    made.filter(|text| !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n'));
                let own = Some(validation.message.clone()).filter(|text| !text.is_empty());
                let message =
                    made.or(own).unwrap_or_else(|| format!("failed expression: {}", validation.expression.text.trim()));
                verdict.denials.push(Denial { message, reason: validation.reason.clone() });
            }
        }
    }
    let mut evaluation = Evaluation::new(values, Some(&policy.variables), evaluation::BUDGET);
    for (_, note) in &policy.notes {
        match evaluation.eval(note) {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => verdict.broken.extend(insists.then_some(why)),
            Err(exhausted) => {
                verdict.denials = insists.then(|| failed(exhausted.to_string())).into_iter().collect();
                return verdict;
            }
        }
    }
    verdict
}

/// The refusal of a policy.
fn refused(asked: &Asked<'_>, object: Option<&Value>, why: String, reason: &str) -> Failure {
    let Some(any) = object.or(asked.old) else { return internal(why) };
    let mut status = asked.refuse(any, &why);
    status.code = match reason {
        "Forbidden" => 403,
        "Unauthorized" => 401,
        "RequestEntityTooLarge" => 413,
        _ => 422,
    };
    status.reason = reason.to_owned();
    if let Some(details) = &mut status.details {
        details.causes.push(Cause { message: why, ..Cause::default() });
    }
    status
}

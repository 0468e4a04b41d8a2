//! Policies that change what is written (MutatingAdmissionPolicy).

use super::super::super::errors::{Answer, Failure};
use super::super::super::pipeline::Server;
use super::super::super::registry::Served;
use super::super::Asked;
use super::super::webhooks::{put_back, shown};
use super::compiled::{Mutation, Policy};
use super::evaluation::{BUDGET, Evaluation, Expression, hold};
use super::{GROUP, is_policy};
use crate::api::{Cause, ObjectExt, Value};
use crate::expr::cel::{Made, Val, Variables};
use crate::merge::json_patch;
use crate::merge::managed_fields::configure;
use serde_json::json;
use std::sync::Arc;

/// A policy that is to change an object, as a binding and a parameter have it.
struct Invocation {
    policy: Arc<Policy>,
    name: String,
    binding: String,
    seen: Arc<Served>,
    param: Option<Value>,
    /// Whether it has changed the object since others did, and wants to be asked again then.
    asked: bool,
    /// Whether it is to be asked again.
    again: bool,
}

/// The policies that may change one object.
pub(in super::super) struct Changes {
    all: Vec<Invocation>,
    errors: Vec<String>,
    /// The object as they left it.
    left: Option<Value>,
}

impl Changes {
    fn ask_again(&mut self) {
        for one in &mut self.all {
            one.again |= std::mem::take(&mut one.asked);
        }
    }
}

impl Server {
    /// The policies that may change an object.
    pub(in super::super) async fn changes(&self, asked: &Asked<'_>, object: &Value) -> Answer<Changes> {
        let mut changes = Changes { all: Vec::new(), errors: Vec::new(), left: None };
        if asked.user.is_none() || is_policy(asked) {
            return Ok(changes);
        }
        let policies = self.objects(GROUP, "mutatingadmissionpolicies", "").await?;
        if policies.is_empty() {
            return Ok(changes);
        }
        let bindings = self.objects(GROUP, "mutatingadmissionpolicybindings", "").await?;
        for policy in &policies {
            let name = policy.name();
            let own = bindings.iter().filter(|binding| binding.text(&["spec", "policyName"]) == name);
            let own: Vec<&Value> = own.collect();
            let Some(constraints) = policy.at(&["spec", "matchConstraints"]).filter(|_| !own.is_empty()) else {
                continue;
            };
            let Some(seen) = self.constrained(constraints, asked, Some(object)).await? else { continue };
            let compiled = self.policies.get(policy);
            let insists = compiled.conditions.insists;
            let kind = compiled.spec.get("paramKind");
            let param_kind = kind.and_then(|kind| Some((kind, self.param_kind(kind)?)));
            if let (Some(kind), None) = (kind, &param_kind) {
                let (version, kind) = (kind.text(&["apiVersion"]), kind.text(&["kind"]));
                let why = format!("failed to find resource referenced by paramKind: '{version}, Kind={kind}'");
                changes.errors.extend(insists.then(|| format!("policy {name:?} denied request: {why}")));
                continue;
            }
            for binding in own {
                if let Some(also) = binding.at(&["spec", "matchResources"])
                    && self.constrained(also, asked, Some(object)).await?.is_none()
                {
                    continue;
                }
                let kind = param_kind.as_ref().map(|(kind, served)| (*kind, &**served));
                match self.params(kind, binding, asked.namespace).await? {
                    Ok(params) => changes.all.extend(params.into_iter().map(|param| Invocation {
                        policy: compiled.clone(),
                        name: name.to_owned(),
                        binding: binding.name().to_owned(),
                        seen: seen.clone(),
                        param,
                        asked: false,
                        again: false,
                    })),
                    Err(why) => {
                        changes.errors.extend(insists.then(|| denied(name, binding.name(), &why)));
                    }
                }
            }
        }
        Ok(changes)
    }

    /// Has policies change an object, and tells whether they did. The second time only those are asked that want to know
    /// of what others changed.
    pub(in super::super) async fn change_by_policies(
        &self,
        asked: &Asked<'_>,
        changes: &mut Changes,
        object: &mut Value,
    ) -> Answer<bool> {
        let is_first = changes.left.is_none();
        if changes.left.as_ref().is_some_and(|left| left != object) {
            changes.ask_again();
        }
        let mut changed = false;
        for index in 0..changes.all.len() {
            let one = &changes.all[index];
            if !is_first && !one.again {
                continue;
            }
            let policy = one.policy.clone();
            let before = object.clone();
            let (applied, errors) = self.change_by(one, asked, object).await?;
            changes.errors.extend(errors.into_iter().filter(|_| policy.conditions.insists));
            if *object != before {
                changed = true;
                changes.ask_again();
            }
            changes.all[index].asked = applied && policy.spec.text(&["reinvocationPolicy"]) == "IfNeeded";
        }
        changes.left = Some(object.clone());
        match changes.errors.is_empty() {
            true => Ok(changed),
            false => Err(refused(asked, object, &changes.errors)),
        }
    }

    /// Whether a policy applied, and what went wrong with it.
    async fn change_by(&self, one: &Invocation, asked: &Asked<'_>, object: &mut Value) -> Answer<(bool, Vec<String>)> {
        let (policy, seen) = (&one.policy, &one.seen);
        let params = one.param.as_ref().map_or(Val::Null, Val::json);
        let name = object.name().to_owned();
        let bare = self.request_values(asked, seen, Some(object), false).await?.with("params", params.clone());
        let applies = |values: &Variables| {
            hold(&policy.conditions, |budget| Evaluation::new(values, Some(&policy.variables), budget))
        };
        match self.with_authorizer(asked, &name, &bare, applies).await? {
            Ok(true) => {}
            Ok(false) => return Ok((false, Vec::new())),
            Err(why) => return Ok((false, vec![denied(&one.name, &one.binding, &why)])),
        }
        let mut errors = Vec::new();
        for mutation in &policy.mutations {
            let values = self.request_values(asked, seen, Some(object), true).await?.with("params", params.clone());
            let given = |values: &Variables| {
                let mut evaluation = Evaluation::new(values, Some(&policy.variables), BUDGET);
                match &mutation.expression() {
                    Expression { program: Err(why), .. } => Err(why.clone()),
                    expression => evaluation.eval(expression).unwrap_or_else(|exhausted| Err(exhausted.to_string())),
                }
            };
            let given = self.with_authorizer(asked, &name, &values, given).await?;
            let current = shown(asked, seen, object)?;
            let patched = given.and_then(|given| match mutation {
                Mutation::Apply(_) => applied(&current, &given, seen),
                Mutation::Patch(_) => patch(&current, &given),
            });
            match patched {
                Ok(Some(patched)) => put_back(asked, seen, object, patched)?,
                Ok(None) => {}
                Err(why) => errors.push(denied(&one.name, &one.binding, &why)),
            }
        }
        Ok((true, errors))
    }
}

/// An object with a configuration applied to it that an expression made.
fn applied(object: &Value, given: &Val, seen: &Served) -> Result<Option<Value>, String> {
    let Val::Made(made) = given else {
        return Err(format!("unsupported return type from ApplyConfiguration expression: {}", given.type_name()));
    };
    fits(made)?;
    let mut config = given.to_json()?;
    for field in ["apiVersion", "kind"] {
        config.put(&[field], object.text(&[field]));
    }
    let merged = configure(object, &config, seen.schema()).map_err(|why| format!("error applying patch: {why}"))?;
    Ok(Some(merged))
}

/// An object with a patch applied to it that an expression made; none when a test of it fails.
fn patch(object: &Value, given: &Val) -> Result<Option<Value>, String> {
    let Val::List(operations) = given else {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array".into());
    };
    let mut patch = Vec::with_capacity(operations.items.len());
    for operation in &operations.items {
        let Val::Made(made) = operation else {
            return Err("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch".into());
        };
        if let Some(Val::Made(value)) = made.fields.get("value") {
            fits(value)?;
        }
        patch.push(operation.to_json().map_err(|why| {
            format!("JSONPath valueExpression evaluated to a type that could not marshal to JSON: {why}")
        })?);
    }
    match json_patch::apply(object, &json!(patch)) {
        Ok(patched) => Ok(Some(patched)),
        Err(error) if error.to_string().contains("test failed") => Ok(None),
        Err(error) => Err(format!("JSON Patch: {error}")),
    }
}

/// Complains about objects whose types are not those of the fields that they are in.
fn fits(made: &Made) -> Result<(), String> {
    let mut wrong = Vec::new();
    walk(&Val::made(&made.name, made.fields.clone()), &made.name, &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(format!("type mismatch: {}", wrong.join("\n"))) }
}

fn walk(value: &Val, path: &str, wrong: &mut Vec<String>) {
    match value {
        Val::Made(made) => {
            if made.name != path {
                let (name, wanted) = (&made.name, "which matches field name path from root Object type");
                wrong.push(format!("unexpected type name {name:?}, expected {path:?}, {wanted}"));
            }
            made.fields.iter().for_each(|(name, value)| walk(value, &format!("{path}.{name}"), wrong));
        }
        Val::List(list) => list.items.iter().for_each(|item| walk(item, path, wrong)),
        Val::Map(map) => map.entries.values().for_each(|value| walk(value, path, wrong)),
        _ => {}
    }
}

fn denied(policy: &str, binding: &str, why: &str) -> String {
    format!("policy '{policy}' with binding '{binding}' denied request: {why}")
}

/// The refusal of policies that could not change an object.
fn refused(asked: &Asked<'_>, object: &Value, errors: &[String]) -> Failure {
    let mut status = asked.refuse(object, "");
    status.message = errors.first().cloned().unwrap_or_default();
    status.reason = "Invalid".into();
    if let Some(details) = &mut status.details {
        details.causes.extend(errors.iter().map(|why| Cause { message: why.clone(), ..Cause::default() }));
    }
    status
}

//! Webhooks that change what is written, or say yes or no to it (MutatingAdmissionWebhook, ValidatingAdmissionWebhook).

mod call;
pub(super) mod matching;
pub(super) mod review;
mod trust;

use super::super::codec;
use super::super::errors::{Answer, Failure, bad_request, internal};
use super::super::expressions::Names;
use super::super::meta;
use super::super::options::FieldValidation;
use super::super::pipeline::Server;
use super::super::registry::Served;
use super::super::scale;
use super::policies::{Conditions, Evaluation, hold};
use super::{Asked, Operation};
use crate::api::{ObjectExt, Status, Value};
use crate::expr::cel::Variables;
use crate::merge::json_patch;
use call::Caller;
use futures_util::future::join_all;
use matching::Rules;
use std::sync::Arc;

const GROUP: &str = "admissionregistration.k8s.io";

/// What a webhook answered.
#[derive(Debug, Default)]
struct Verdict {
    allowed: bool,
    status: Option<Status>,
    warnings: Vec<String>,
    patch: Option<Value>,
}

/// Why a webhook's answer does not count.
enum Trouble {
    /// It could not be asked, or its answer is none.
    Call(String),
    /// It says no.
    Denied(Failure),
    /// It may not be asked.
    Refused(Failure),
}

/// The mutating webhooks that have a say in one write.
pub(super) struct Mutators {
    hooks: Vec<Value>,
    /// Those that want to be asked again, and have been asked since something changed.
    asked: Vec<bool>,
    /// Those that are to be asked again.
    again: Vec<bool>,
    /// The object as they left it.
    left: Option<Value>,
}

impl Mutators {
    /// Notes that the object has changed.
    fn ask_again(&mut self) {
        for (asked, again) in self.asked.iter_mut().zip(&mut self.again) {
            *again |= std::mem::take(asked);
        }
    }
}

impl Server {
    /// The webhooks that may change an object.
    pub(super) async fn mutators(&self, asked: &Asked<'_>) -> Answer<Mutators> {
        let hooks = self.webhooks(asked, "mutatingwebhookconfigurations").await?;
        let none = vec![false; hooks.len()];
        Ok(Mutators { hooks, asked: none.clone(), again: none, left: None })
    }

    /// Has webhooks change an object, and tells whether they did. The second time, when others had a chance to change
    /// what these made, only those are asked that want to know of it.
    pub(super) async fn mutate(
        &self,
        asked: &Asked<'_>,
        mutators: &mut Mutators,
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Answer<bool> {
        let is_first = mutators.left.is_none();
        if mutators.left.as_ref().is_some_and(|left| left != object) {
            mutators.ask_again();
        }
        let mut changed = false;
        for index in 0..mutators.hooks.len() {
            let hook = mutators.hooks[index].clone();
            if !is_first && !mutators.again[index] || !self.wants(&hook, asked, Some(&*object)).await? {
                continue;
            }
            let before = object.clone();
            self.mutate_by(&hook, asked, object, warnings).await?;
            if *object != before {
                changed = true;
                mutators.ask_again();
            }
            mutators.asked[index] = hook.text(&["reinvocationPolicy"]) == "IfNeeded";
        }
        mutators.left = Some(object.clone());
        Ok(changed)
    }

    /// Has mutating webhooks say yes or no to a delete, which leaves nothing to change.
    pub(super) async fn mutate_delete(&self, asked: &Asked<'_>, warnings: &mut Vec<String>) -> Answer<()> {
        for hook in self.webhooks(asked, "mutatingwebhookconfigurations").await? {
            if !self.wants(&hook, asked, None).await? {
                continue;
            }
            let Some(verdict) = self.ask(&hook, asked, None).await? else { continue };
            warnings.extend(verdict.warnings);
            if verdict.patch.is_some() {
                let name = hook.text(&["name"]);
                let what = "attempted to modify the object, which is not supported for this operation";
                return Err(internal(format!("admission webhook {name:?} {what}")));
            }
        }
        Ok(())
    }

    async fn mutate_by(
        &self,
        hook: &Value,
        asked: &Asked<'_>,
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Answer<()> {
        let Some(verdict) = self.ask(hook, asked, Some(&*object)).await? else { return Ok(()) };
        warnings.extend(verdict.warnings);
        let Some(patch) = verdict.patch else { return Ok(()) };
        let Some(seen) = self.seen_as(hook, asked.served) else { return Ok(()) };
        let patched = json_patch::apply(&shown(asked, &seen, object)?, &patch);
        let patched = patched.map_err(|error| internal(error.to_string()))?;
        put_back(asked, &seen, object, patched)
    }

    /// Asks all webhooks that have a say whether they approve.
    pub(super) async fn validate(
        &self,
        asked: &Asked<'_>,
        object: Option<&Value>,
        warnings: &mut Vec<String>,
    ) -> Answer<()> {
        let hooks = self.webhooks(asked, "validatingwebhookconfigurations").await?;
        let answers = hooks.iter().map(|hook| async move {
            match self.wants(hook, asked, object).await? {
                true => self.ask(hook, asked, object).await,
                false => Ok(None),
            }
        });
        // All are asked at once, and the first refusal is told.
        let mut refusal = Ok(());
        for answer in join_all(answers).await {
            match answer {
                Ok(verdict) => warnings.extend(verdict.into_iter().flat_map(|verdict| verdict.warnings)),
                Err(failure) => refusal = refusal.and(Err(failure)),
            }
        }
        refusal
    }

    /// The webhooks whose rules name the request, in the order in which they are asked.
    async fn webhooks(&self, asked: &Asked<'_>, resource: &str) -> Answer<Vec<Value>> {
        // The server's own writes, and those of what admission is configured by, are nobody's business.
        if asked.user.is_none() || asked.served.kind.group == GROUP {
            return Ok(Vec::new());
        }
        let mut hooks = Vec::new();
        for configuration in self.objects(GROUP, resource, "").await? {
            hooks.extend(configuration.items_at(&["webhooks"]).iter().cloned());
        }
        hooks.retain(|hook| self.seen_as(hook, asked.served).is_some_and(|seen| Rules::of(hook).apply(asked, &seen)));
        Ok(hooks)
    }

    /// The version of a resource in which a webhook wants to see it: its own, or an equivalent one.
    pub(super) fn seen_as(&self, hook: &Value, served: &Served) -> Option<Arc<Served>> {
        let rules = Rules::of(hook);
        let mut all = self.registry.all();
        all.retain(|other| other.collection == served.collection && rules.name(other));
        let own = all.iter().position(|other| other.kind == served.kind);
        let equivalent = hook.text(&["matchPolicy"]) != "Exact" && !all.is_empty();
        own.or(equivalent.then_some(0)).map(|index| all.swap_remove(index))
    }

    /// Whether a webhook is to be asked: its selectors choose the object and its namespace, and its conditions hold.
    async fn wants(&self, hook: &Value, asked: &Asked<'_>, object: Option<&Value>) -> Answer<bool> {
        if !self.selected(hook, asked, object).await? {
            return Ok(false);
        }
        let conditions = Conditions::of(hook, &Names { authorizer: true, ..Names::default() });
        let Some(seen) = self.seen_as(hook, asked.served).filter(|_| !conditions.expressions.is_empty()) else {
            return Ok(true);
        };
        let Some(any) = object.or(asked.old) else { return Ok(true) };
        let values = self.request_values(asked, &seen, object, false).await?;
        let applies = |values: &Variables| hold(&conditions, |budget| Evaluation::new(values, None, budget));
        let answer = self.with_authorizer(asked, any.name(), &values, applies).await?;
        answer.map_err(|why| asked.refuse(any, &why))
    }

    /// Whether the selectors of a webhook or a policy choose the object and its namespace.
    pub(super) async fn selected(&self, hook: &Value, asked: &Asked<'_>, object: Option<&Value>) -> Answer<bool> {
        if !matching::selects_object(hook, object, asked.old) {
            return Ok(false);
        }
        let is_namespace = asked.is_for("", "namespaces");
        if asked.namespace.is_empty() && !is_namespace || matching::selects_all(hook, "namespaceSelector") {
            return Ok(true);
        }
        let labels = match object.or(asked.old).filter(|_| is_namespace) {
            Some(namespace) => namespace.at(&["metadata", "labels"]).cloned(),
            None => {
                let found = self.get_core("namespaces", "", asked.namespace).await?;
                found.and_then(|entry| entry.object.value(entry.revision).at(&["metadata", "labels"]).cloned())
            }
        };
        Ok(matching::selects(hook, "namespaceSelector", labels.as_ref()))
    }

    /// Asks one webhook. None when it could not be asked and does not insist.
    async fn ask(&self, hook: &Value, asked: &Asked<'_>, object: Option<&Value>) -> Answer<Option<Verdict>> {
        let name = hook.text(&["name"]);
        match self.verdict(hook, asked, object).await {
            Ok(verdict) => Ok(Some(verdict)),
            Err(Trouble::Denied(failure) | Trouble::Refused(failure)) => Err(failure),
            Err(Trouble::Call(_)) if hook.text(&["failurePolicy"]) == "Ignore" => Ok(None),
            Err(Trouble::Call(why)) => Err(internal(format!("failed calling webhook {name:?}: {why}"))),
        }
    }

    async fn verdict(&self, hook: &Value, asked: &Asked<'_>, object: Option<&Value>) -> Result<Verdict, Trouble> {
        let name = hook.text(&["name"]);
        if asked.dry_run && !["None", "NoneOnDryRun"].contains(&hook.text(&["sideEffects"])) {
            let why = format!("admission webhook {name:?} does not support dry run");
            return Err(Trouble::Refused(bad_request(why)));
        }
        let seen = self.seen_as(hook, asked.served).ok_or_else(|| Trouble::Call("no such resource".into()))?;
        let show = |object: Option<&Value>| object.map(|object| shown(asked, &seen, object)).transpose();
        let [new, old] = [show(object), show(asked.old)].map(|shown| shown.map_err(Trouble::Refused));
        let request = review::review(hook, asked, &seen, new?, old?);
        let caller = Caller::new(self, hook).await.map_err(Trouble::Call)?;
        let answer =
            caller.post(&request).await.map_err(|why| Trouble::Call(format!("failed to call webhook: {why}")))?;
        let verdict = review::read(&answer, &request, hook.get("reinvocationPolicy").is_some())
            .map_err(|why| Trouble::Call(format!("received invalid webhook response: {why}")))?;
        if verdict.allowed { Ok(verdict) } else { Err(Trouble::Denied(review::denied(name, verdict.status))) }
    }
}

/// An object as a webhook sees it.
pub(super) fn shown(asked: &Asked<'_>, seen: &Served, object: &Value) -> Answer<Value> {
    match asked.subresource {
        "scale" => scale::scale_of(object, asked.served),
        _ if asked.is_request() => Ok(object.clone()),
        _ => Ok(converted(asked.served, seen, object)),
    }
}

/// Takes over an object as it was shown, and was changed.
pub(super) fn put_back(asked: &Asked<'_>, seen: &Served, object: &mut Value, patched: Value) -> Answer<()> {
    if asked.subresource == "scale" {
        scale::take(asked.served, object, &patched);
    } else if asked.is_request() {
        *object = patched;
    } else {
        let mut new = codec::check(patched, seen, FieldValidation::Ignore)?.object;
        seen.default(&mut new);
        meta::prune(&mut new);
        *object = converted(seen, asked.served, &new);
    }
    Ok(())
}

/// An object of one version in another.
fn converted(from: &Served, to: &Served, object: &Value) -> Value {
    if from.kind == to.kind {
        return object.clone();
    }
    let version = object.resource_version().parse().unwrap_or(0);
    let mut new = to.value(&from.encode(object), version);
    if object.resource_version().is_empty() {
        new.take_at(&["metadata", "resourceVersion"]);
    }
    new
}

/// The word for an operation.
fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
    }
}

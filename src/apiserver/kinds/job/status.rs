//! The status of a Job: conditions that go together, counts that only grow.

use super::super::field::{Errors, Field, IMMUTABLE};
use super::super::internal;
use super::indexes;
use crate::api::{Object, ObjectExt, time};

/// Whether a condition is true.
pub(super) fn is(job: &Object, condition: &str) -> bool {
    let conditions = job.items_at(&["status", "conditions"]);
    conditions.iter().any(|c| c.text(&["type"]) == condition && c.text(&["status"]) == "True")
}

/// Complains about a change of the status. What was wrong before may stay so.
pub(super) fn validate(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (status, old_status, spec) = (root.get("status"), old_root.get("status"), root.get("spec"));
    for name in ["active", "succeeded", "failed", "ready", "terminating"] {
        errors.non_negative(&status.get(name));
    }
    uncounted_pods(&status.get("uncountedTerminatedPods"), errors);
    let changed = |name: &'static str| status.get(name).value() != old_status.get(name).value();
    let turned = |condition: &'static str| is(new, condition) != is(old, condition);
    if changed("conditions") || changed("completionTime") || changed("startTime") {
        conditions(new, &status, &turned, &changed, errors);
    }
    finished(new, &status, &turned, &changed, errors);
    indexes_of(&status, &spec, &changed, errors);
    let ready = status.get("ready").integer();
    if (changed("ready") || changed("active")) && ready.is_some_and(|ready| ready > status.get("active").number()) {
        errors.reject(&status.get("ready"), "cannot set more ready pods than active");
    }
    let conditions = status.get("conditions");
    for other in ["Failed", "FailureTarget"].into_iter().filter(|other| is(new, "SuccessCriteriaMet") && is(new, other))
    {
        errors.wrong(conditions, &format!("cannot set SuccessCriteriaMet=True and {other}=true conditions"));
    }
    if spec.get("successPolicy").is_set() && is(new, "Complete") && !is(new, "SuccessCriteriaMet") {
        let complaint = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
        errors.wrong(conditions, complaint);
    }
    for last in ["Failed", "Complete", "FailureTarget"].into_iter().filter(|last| is(old, last) && !is(new, last)) {
        errors.wrong(conditions, &format!("cannot disable the terminal {last}=True condition"));
    }
    never_less(&status, &old_status, &spec, errors);
    let (start, done) = (status.get("startTime"), status.get("completionTime"));
    if done.is_set() && old_status.get("completionTime").is_set() && changed("completionTime") {
        errors.reject(&done, IMMUTABLE);
    }
    if old_status.get("startTime").is_set() && changed("startTime") && !spec.get("suspend").is_true() {
        errors.required(start, "startTime cannot be removed for unsuspended job");
    }
    if is(old, "SuccessCriteriaMet") && !is(new, "SuccessCriteriaMet") {
        errors.wrong(conditions, "cannot disable the SuccessCriteriaMet=True condition");
    }
    if is(old, "Complete") && !is(old, "SuccessCriteriaMet") && is(new, "SuccessCriteriaMet") {
        let complaint = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
        errors.wrong(conditions, complaint);
    }
}

fn uncounted_pods(pods: &Field, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for list in [pods.get("succeeded"), pods.get("failed")] {
        for uid in list.items() {
            if uid.is_empty() {
                errors.reject(&uid, "must not be empty");
            } else if seen.contains(&uid.text()) {
                errors.duplicate(uid, uid.value());
            } else {
                seen.push(uid.text());
            }
        }
    }
}

fn conditions(
    new: &Object,
    status: &Field,
    turned: &dyn Fn(&'static str) -> bool,
    changed: &dyn Fn(&'static str) -> bool,
    errors: &mut Errors,
) {
    let (start, done) = (status.get("startTime"), status.get("completionTime"));
    let list = status.get("conditions");
    for other in ["Failed", "FailureTarget"] {
        if (turned("Complete") || turned(other)) && is(new, "Complete") && is(new, other) {
            errors.wrong(list, &format!("cannot set Complete=True and {other}=true conditions"));
        }
    }
    if turned("Complete") || changed("completionTime") {
        match (done.is_set(), is(new, "Complete")) {
            (true, false) => errors.reject(&done, "cannot set completionTime when there is no Complete=True condition"),
            (false, true) => errors.required(done, "completionTime is required for Complete jobs"),
            _ => {}
        }
    }
    let seconds = |field: &Field| time::unix_seconds(field.text());
    if (changed("startTime") || changed("completionTime"))
        && seconds(&done).zip(seconds(&start)).is_some_and(|(done, start)| done < start)
    {
        errors.reject(&done, "must be equal to or after `startTime`");
    }
    for (last, first) in [("Failed", "FailureTarget"), ("Complete", "SuccessCriteriaMet")] {
        if (turned(last) || turned(first)) && is(new, last) && !is(new, first) {
            errors.wrong(list, &format!("cannot set {last}=True condition without the {first}=true condition"));
        }
    }
}

fn finished(
    new: &Object,
    status: &Field,
    turned: &dyn Fn(&'static str) -> bool,
    changed: &dyn Fn(&'static str) -> bool,
    errors: &mut Errors,
) {
    if !is(new, "Complete") && !is(new, "Failed") {
        return;
    }
    let asked = |name: &'static str| turned("Complete") || turned("Failed") || changed(name);
    let [active, start, pods, ending] =
        ["active", "startTime", "uncountedTerminatedPods", "terminating"].map(|name| status.get(name));
    if asked("active") && active.number() > 0 {
        errors.reject(&active, "active>0 is invalid for finished job");
    }
    if asked("startTime") && !start.is_set() {
        errors.required(start, "startTime is required for finished job");
    }
    if asked("uncountedTerminatedPods") && pods.get("failed").count() + pods.get("succeeded").count() > 0 {
        let whole = internal::print("UncountedTerminatedPods", pods.value());
        errors.invalid_as(pods, &whole, "must be empty for finished job");
    }
    if asked("terminating") && ending.number() > 0 {
        errors.reject(&ending, "terminating>0 is invalid for finished job");
    }
}

fn indexes_of(status: &Field, spec: &Field, changed: &dyn Fn(&'static str) -> bool, errors: &mut Errors) {
    let (done, failed) = (status.get("completedIndexes"), status.get("failedIndexes"));
    let (completions, per_index) = (spec.get("completions"), spec.get("backoffLimitPerIndex"));
    for (field, name, counts) in [(&done, "completedIndexes", true), (&failed, "failedIndexes", per_index.is_set())] {
        let wrong = indexes::count(field.text(), completions.number()).err();
        if let Some(why) = wrong.filter(|_| changed(name) && completions.is_set() && counts) {
            errors.reject(field, &format!("error parsing {name}: {why}"));
        }
    }
    if changed("completedIndexes") && !done.is_empty() && !super::is_indexed(spec) {
        errors.reject(&done, "cannot set non-empty completedIndexes when non-indexed completion mode");
    }
    if changed("failedIndexes") && failed.is_set() && !per_index.is_set() {
        errors.reject(&failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    }
    let shared = indexes::overlap(done.text(), failed.text(), completions.number());
    if let Some(index) = shared.filter(|_| changed("failedIndexes") || changed("completedIndexes")) {
        errors.reject(&failed, &format!("failedIndexes and completedIndexes overlap at index: {index}"));
    }
}

fn never_less(status: &Field, old: &Field, spec: &Field, errors: &mut Errors) {
    // An Indexed Job with as many pods at once as in all can be made smaller.
    let elastic = super::is_indexed(spec) && spec.get("completions").value() == spec.get("parallelism").value();
    for name in ["failed", "succeeded"].into_iter().filter(|name| *name == "failed" || !elastic) {
        if status.get(name).number() < old.get(name).number() {
            let count = status.get(name).number();
            errors.invalid(status.get(name), &count.into(), &format!("cannot decrease the {name} counter"));
        }
    }
}

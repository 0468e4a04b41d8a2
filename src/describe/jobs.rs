//! Jobs and CronJobs.

use super::context::Context;
use super::read::{Scalar, int, some, text, title};
use super::writer::Writer;
use super::{labels, pod, selector};
use crate::api::{ObjectExt, Value, time};

/// Describes a Job.
pub fn job(w: &mut Writer, object: &Value, context: &Context) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.field(0, "Selector", selector::or_failure(object.at(&["spec", "selector"])));
    labels::labels_and_annotations(w, object);
    if let Some(controller) = pod::controller(object) {
        w.field(0, "Controlled By", controller);
    }
    if let Some(parallelism) = object.integer(&["spec", "parallelism"]) {
        w.field(0, "Parallelism", parallelism);
    }
    w.field(0, "Completions", or_unset(object, &["spec", "completions"]));
    for (heading, key) in [
        ("Completion Mode", "completionMode"),
        ("Suspend", "suspend"),
        ("Backoff Limit", "backoffLimit"),
        ("TTL Seconds After Finished", "ttlSecondsAfterFinished"),
    ] {
        some(object, &["spec", key]).into_iter().for_each(|value| w.field(0, heading, Scalar(value)));
    }
    let times = ["startTime", "completionTime"].map(|key| text(object, &["status", key]));
    for (heading, time) in ["Start Time", "Completed At"].iter().zip(times) {
        time.into_iter().for_each(|time| w.field(0, heading, context.time(time)));
    }
    if let [Some(start), Some(end)] = times.map(|time| time.and_then(time::unix_seconds)) {
        w.field(0, "Duration", time::human_duration(end - start));
    }
    if let Some(seconds) = object.integer(&["spec", "activeDeadlineSeconds"]) {
        w.field(0, "Active Deadline Seconds", format_args!("{seconds}s"));
    }
    let count = |key| int(object, &["status", key]);
    let ready = object.integer(&["status", "ready"]).map(|ready| format!(" ({ready} Ready)")).unwrap_or_default();
    let (active, succeeded, failed) = (count("active"), count("succeeded"), count("failed"));
    w.field(0, "Pods Statuses", format_args!("{active} Active{ready} / {succeeded} Succeeded / {failed} Failed"));
    if object.text(&["spec", "completionMode"]) == "Indexed" {
        w.field(0, "Completed Indexes", indexes(object.text(&["status", "completedIndexes"])));
    }
    pod::template(w, object.at(&["spec", "template"]));
}

/// The completed indexes, cut after a comma when there are many.
fn indexes(indexes: &str) -> String {
    const SOFT_LIMIT: usize = 50;
    match indexes.get(SOFT_LIMIT..).and_then(|rest| rest.find(',')) {
        _ if indexes.is_empty() => "<none>".into(),
        Some(comma) => format!("{}...", &indexes[..=SOFT_LIMIT + comma]),
        None => indexes.into(),
    }
}

fn or_unset(object: &Value, path: &[&str]) -> String {
    some(object, path).map_or_else(|| "<unset>".into(), |value| Scalar(value).to_string())
}

/// Describes a CronJob.
pub fn cron_job(w: &mut Writer, object: &Value, context: &Context) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    w.field(0, "Schedule", object.text(&["spec", "schedule"]));
    w.field(0, "Concurrency Policy", object.text(&["spec", "concurrencyPolicy"]));
    let suspend = object.at(&["spec", "suspend"]).and_then(Value::as_bool);
    w.field(0, "Suspend", suspend.map_or("<unset>", title));
    w.field(0, "Time Zone", or_unset(object, &["spec", "timeZone"]));
    w.field(0, "Successful Job History Limit", or_unset(object, &["spec", "successfulJobsHistoryLimit"]));
    w.field(0, "Failed Job History Limit", or_unset(object, &["spec", "failedJobsHistoryLimit"]));
    let seconds = object.integer(&["spec", "startingDeadlineSeconds"]).map(|seconds| format!("{seconds}s"));
    w.field(0, "Starting Deadline Seconds", seconds.unwrap_or_else(|| "<unset>".into()));
    let job = object.at(&["spec", "jobTemplate", "spec"]).unwrap_or(&Value::Null);
    let selector = some(job, &["selector"]).map(|selector| selector::or_failure(Some(selector)));
    w.field(0, "Selector", selector.unwrap_or_else(|| "<unset>".into()));
    w.field(0, "Parallelism", or_unset(job, &["parallelism"]));
    w.field(0, "Completions", or_unset(job, &["completions"]));
    if let Some(seconds) = job.integer(&["activeDeadlineSeconds"]) {
        w.field(0, "Active Deadline Seconds", format_args!("{seconds}s"));
    }
    pod::template(w, job.at(&["template"]));
    let last = text(object, &["status", "lastScheduleTime"]).map(|last| context.time(last));
    w.field(0, "Last Schedule Time", last.unwrap_or_else(|| "<unset>".into()));
    let active = object.items_at(&["status", "active"]).iter().map(|job| job.text(&["name"]));
    let active = active.collect::<Vec<_>>().join(", ");
    let none = object.items_at(&["status", "active"]).is_empty();
    w.field(0, "Active Jobs", if none { "<none>" } else { &active });
}

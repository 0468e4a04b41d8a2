//! CronJobs.

use super::cells::{age, selector};
use super::field::{Errors, Field, quoted};
use super::fill::fill;
use super::workload::{name_warning, wide_cells};
use super::{GENERIC, Kind, cron, job};
use crate::api::{Object, ObjectExt, Value, time};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "batch",
    resource: "cronjobs",
    pod_spec: &["spec", "jobTemplate", "spec", "template", "spec"],
    default: |cron| {
        fill(
            cron,
            &json!({
                "spec": {
                    "concurrencyPolicy": "Allow",
                    "suspend": false,
                    "successfulJobsHistoryLimit": 3,
                    "failedJobsHistoryLimit": 1,
                    "jobTemplate": {"metadata": {}, "spec": {}},
                },
                "status": {},
            }),
        );
        job::template_defaults(cron.at_mut(&["spec", "jobTemplate", "spec"]));
    },
    has_generation: true,
    prepare_for_create: |cron| cron.put(&["status"], json!({})),
    validate: |cron, errors| {
        validate(cron, None, errors);
        if cron.name().len() > LONGEST {
            errors.reject(
                &Field::new("", cron).get("metadata.name"),
                &format!("must be no more than {LONGEST} characters"),
            );
        }
    },
    validate_update: |new, old, errors| validate(new, Some(old), errors),
    warnings: |cron, old| {
        let mut warnings = if old.is_none() { name_warning(cron) } else { Vec::new() };
        if old.is_none_or(|old| old.at(&["metadata", "generation"]) != cron.at(&["metadata", "generation"])) {
            warnings.extend(job::spec_warnings(cron, "spec.jobTemplate.spec"));
        }
        if cron.text(&["spec", "schedule"]).contains("TZ") {
            let advice = if old.is_some() {
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            } else {
                "CRON_TZ or TZ used in spec.schedule is not officially supported, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            };
            warnings.push(advice.into());
        }
        warnings
    },
    cells: row,
    ..GENERIC
};

/// The names of Jobs are labels, and end in a time.
const LONGEST: usize = 63 - 11;

fn validate(cron: &Object, old: Option<&Object>, errors: &mut Errors) {
    let root = Field::new("", cron);
    let spec = root.get("spec");
    let (schedule, zone) = (spec.get("schedule"), spec.get("timeZone"));
    if errors.need(&schedule) {
        if let Some(why) = cron::complaint(schedule.text()) {
            errors.reject(&schedule, &why);
        }
        let allowed = old.is_some_and(|old| old.text(&["spec", "schedule"]).contains("TZ"));
        if schedule.text().contains("TZ") && !allowed {
            errors.reject(&schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        } else if schedule.text().contains("TZ") && zone.is_set() {
            errors.reject(&schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
        }
    }
    errors.non_negative(&spec.get("startingDeadlineSeconds"));
    if zone.is_set() && old.is_none_or(|old| old.at(&["spec", "timeZone"]) != Some(zone.value())) {
        time_zone(&zone, errors);
    }
    errors.need_one_of(&spec.get("concurrencyPolicy"), &["Allow", "Forbid", "Replace"]);
    job::validate_template(&spec.get("jobTemplate"), errors);
    errors.non_negative(&spec.get("successfulJobsHistoryLimit"));
    errors.non_negative(&spec.get("failedJobsHistoryLimit"));
}

fn time_zone(zone: &Field, errors: &mut Errors) {
    let name = zone.text();
    if name.is_empty() {
        return errors.reject(zone, "timeZone must be nil or non-empty string");
    }
    let sound = |part: &str| {
        let bytes =
            (1..=14).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_+".contains(&b));
        bytes && part != "." && part != ".." && !part.starts_with('-')
    };
    let unknown = format!("unknown time zone {name}");
    if !name.split('/').all(sound) {
        return errors.invalid_as(zone, &quoted(name), &unknown);
    }
    if name.eq_ignore_ascii_case("Local") {
        errors.reject(zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    }
    if !cron::is_zone(name) {
        errors.reject(zone, &unknown);
    }
}

fn row(cron: &Object, now: i64) -> Vec<Value> {
    let spec = |name: &str| cron.at(&["spec", name]);
    let suspended = match spec("suspend").and_then(Value::as_bool) {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let last = cron.text(&["status", "lastScheduleTime"]);
    let mut row = vec![
        cron.name().into(),
        cron.text(&["spec", "schedule"]).into(),
        spec("timeZone").cloned().unwrap_or_else(|| "<none>".into()),
        suspended.into(),
        cron.items_at(&["status", "active"]).len().into(),
        if last.is_empty() { "<none>".into() } else { time::age(last, now).into() },
        age(cron, now),
    ];
    let template = ["spec", "jobTemplate", "spec"];
    let pod = cron.at(&template).and_then(|job| job.at(&["template", "spec"]));
    row.extend(wide_cells(pod, selector(cron.at(&template).and_then(|job| job.get("selector")))));
    row
}

//! Jobs, and the templates of them in CronJobs.

mod indexes;
mod policies;
mod status;
mod update;

use super::cells::{age, selector};
use super::field::{Errors, Field};
use super::fill::fill;
use super::labels::{selects, validate_selector};
use super::naming::domain_prefixed_path;
use super::workload::{name_warning, pod_spec, wide_cells};
use super::{GENERIC, Kind, pod};
use crate::api::{Object, ObjectExt, Value, names, time};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "batch",
    resource: "jobs",
    pod_spec: &["spec", "template", "spec"],
    default: defaults,
    has_generation: true,
    shares_labels: true,
    prepare_for_create: |job| {
        job.put(&["status"], json!({}));
        if job.at(&["spec", "manualSelector"]) != Some(&true.into()) {
            generate_selector(job);
        }
    },
    validate,
    validate_update: |new, old, errors| {
        validate(new, errors);
        update::validate(new, old, errors);
    },
    validate_status_update: |new, old, errors| status::validate(new, old, errors),
    warnings: |job, old| {
        let mut warnings = if old.is_none() { name_warning(job) } else { Vec::new() };
        if old.is_none_or(|old| old.at(&["metadata", "generation"]) != job.at(&["metadata", "generation"])) {
            warnings.extend(spec_warnings(job, "spec"));
        }
        warnings
    },
    cells: row,
    selectable_fields: &[("status.successful", |job| job.integer(&["status", "succeeded"]).unwrap_or(0).to_string())],
    ..GENERIC
};

/// The labels of a Job's pods: what they are, and whether they name the Job or its uid.
const LABELS: [(&str, bool); 4] = [
    ("controller-uid", false),
    ("job-name", true),
    ("batch.kubernetes.io/controller-uid", false),
    ("batch.kubernetes.io/job-name", true),
];

fn defaults(job: &mut Object) {
    fill(job, &json!({"spec": {"template": {}}, "status": {}}));
    let spec = job.at_mut(&["spec"]);
    pod::defaults::template(spec.at_mut(&["template"]));
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        spec.put(&["completions"], 1);
    }
    let backoff = if spec.get("backoffLimitPerIndex").is_some() { i32::MAX } else { 6 };
    let replacement = if spec.get("podFailurePolicy").is_some() { "Failed" } else { "TerminatingOrFailed" };
    fill(
        spec,
        &json!({
            "parallelism": 1,
            "backoffLimit": backoff,
            "completionMode*": "NonIndexed",
            "suspend": false,
            "manualSelector": false,
            "podReplacementPolicy*": replacement,
            "podFailurePolicy?": {"rules": [{"onPodConditions": [{"status": "True"}]}]},
        }),
    );
    let labels = spec.at(&["template", "metadata", "labels"]).cloned();
    if let Some(labels) = labels.filter(|_| job.map_at(&["metadata", "labels"]).is_none_or(|map| map.is_empty())) {
        job.put(&["metadata", "labels"], labels);
    }
}

/// What a Job in a CronJob has when nobody says otherwise: less, since its defaults come when it is made.
pub(super) fn template_defaults(spec: &mut Value) {
    fill(spec, &json!({"template": {}}));
    pod::defaults::template(spec.at_mut(&["template"]));
    fill(spec, &json!({"podFailurePolicy?": {"rules": [{"onPodConditions": [{"status": "True"}]}]}}));
}

fn validate(job: &Object, errors: &mut Errors) {
    let root = Field::new("", job);
    let spec = root.get("spec");
    generated_selector(job, &spec, errors);
    validate_spec(&spec, errors);
    let (completions, name) = (spec.get("completions").number(), job.name());
    if is_indexed(&spec) && completions > 0 {
        let longest = format!("{name}-{}", completions - 1);
        if !names::dns1123_label(&longest).is_empty() {
            let complaint = format!("will not able to create pod with invalid DNS label: {longest}");
            errors.reject(&root.get("metadata.name"), &complaint);
        }
    }
}

fn generate_selector(job: &mut Object) {
    let (name, uid) = (job.name().to_owned(), job.uid().to_owned());
    let labels = LABELS.map(|(label, is_name)| (label.into(), if is_name { name.as_str() } else { &uid }.into()));
    let labels: crate::api::Map<String, Value> = labels.into_iter().collect();
    fill(job, &json!({"spec": {"template": {"metadata": {"labels": labels}}, "selector": {}}}));
    fill(job.at_mut(&["spec", "selector"]), &json!({"matchLabels": {LABELS[2].0: uid}}));
}

fn generated_selector(job: &Object, spec: &Field, errors: &mut Errors) {
    let selector = spec.get("selector");
    if spec.get("manualSelector").is_true() || !selector.is_set() {
        return;
    }
    if job.uid().is_empty() {
        errors.required("metadata.uid", "");
    }
    let metadata = spec.get("template.metadata");
    let labels = metadata.get("labels");
    let expected = |is_name| if is_name { job.name() } else { job.uid() };
    for (key, is_name) in LABELS {
        let (place, wanted) = (labels.entry(key), expected(is_name));
        if !place.is_set() {
            errors.required(place, &format!("must be '{wanted}'"));
        } else if place.text() != wanted {
            errors.invalid(place, labels.value(), &format!("must be '{wanted}'"));
        }
    }
    let labels = LABELS.map(|(key, is_name)| (key.to_string(), Value::from(expected(is_name))));
    if selects(selector.value(), Some(&labels.into_iter().collect())) == Some(false) {
        errors.reject(&selector, "`selector` not auto-generated");
    }
}

fn is_indexed(spec: &Field) -> bool {
    spec.get("completionMode").text() == "Indexed"
}

/// Complains about the `spec` of a Job.
fn validate_spec(spec: &Field, errors: &mut Errors) {
    without_selector(spec, errors);
    let selector = spec.get("selector");
    if selector.is_set() {
        validate_selector(&selector, errors);
    } else {
        errors.required(selector, "");
    }
    let labels = spec.get("template.metadata.labels");
    if selects(selector.value(), labels.value().as_object()) == Some(false) {
        errors.reject(&labels, "`selector` does not match template `labels`");
    }
}

/// Complains about the template of a Job at `template`.
pub(super) fn validate_template(template: &Field, errors: &mut Errors) {
    let spec = template.get("spec");
    without_selector(&spec, errors);
    let (selector, manual) = (spec.get("selector"), spec.get("manualSelector"));
    if selector.is_set() {
        errors.reject(&selector, "`selector` will be auto-generated");
    }
    if manual.is_true() {
        errors.unsupported(manual, "true", &["nil", "false"]);
    }
}

fn without_selector(spec: &Field, errors: &mut Errors) {
    for name in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        errors.non_negative(&spec.get(name));
    }
    let (failed, per_index) = (spec.get("maxFailedIndexes"), spec.get("backoffLimitPerIndex"));
    if failed.is_set() && !per_index.is_set() {
        errors.required(per_index, "when maxFailedIndexes is specified");
    }
    let manager = spec.get("managedBy");
    if manager.is_set() {
        domain_prefixed_path(&manager, errors);
        errors.at_most_bytes(&manager, 63);
    }
    let mode = spec.get("completionMode");
    if mode.is_set() {
        errors.one_of(&mode, &["NonIndexed", "Indexed"]);
    }
    if is_indexed(spec) {
        indexed(spec, errors);
    } else if !mode.is_set() || mode.text() == "NonIndexed" {
        for field in [per_index, failed].iter().filter(|field| field.is_set()) {
            errors.reject(field, "requires indexed completion mode");
        }
    }
    policies::failure(spec, errors);
    policies::success(spec, errors);
    policies::replacement(spec, errors);
    pod::validate::template(&spec.get("template"), errors);
    let restart = spec.get("template.spec.restartPolicy");
    match restart.text() {
        "Always" | "" => errors.required(restart, r#"valid values: "OnFailure", "Never""#),
        "OnFailure" if spec.get("podFailurePolicy").is_set() => {
            errors.reject(&restart, r#"only "Never" is supported when podFailurePolicy is specified"#);
        }
        _ => errors.one_of(&restart, &["OnFailure", "Never"]),
    }
}

fn indexed(spec: &Field, errors: &mut Errors) {
    const MANY: i64 = 100_000;
    const LESS: i64 = 10_000;
    let [completions, parallelism, failed] = ["completions", "parallelism", "maxFailedIndexes"].map(|n| spec.get(n));
    if !completions.is_set() {
        errors.required(completions, "when completion mode is Indexed");
    }
    if parallelism.number() > MANY {
        let complaint = format!("must be less than or equal to {MANY} when completion mode is Indexed");
        errors.reject(&parallelism, &complaint);
    }
    if completions.is_set() && failed.number() > completions.number() {
        errors.reject(&failed, "must be less than or equal to completions");
    }
    if failed.number() > MANY {
        errors.reject(&failed, &format!("must be less than or equal to {MANY}"));
    }
    if completions.number() > MANY && spec.get("backoffLimitPerIndex").is_set() {
        if !failed.is_set() {
            errors.required(failed, &format!("must be specified when completions is above {MANY}"));
        }
        let complaint = format!(
            "must be less than or equal to {LESS} when completions are above {MANY} and used with backoff limit per index"
        );
        for field in [parallelism, failed].iter().filter(|field| field.number() > LESS) {
            errors.reject(field, &complaint);
        }
    }
}

/// Advice about the `spec` of a Job that lies at `path`.
pub(super) fn spec_warnings(object: &Object, path: &str) -> Vec<String> {
    let root = Field::new("", object);
    let spec = root.get(path);
    let mut warnings = Vec::new();
    if is_indexed(&spec) && spec.get("completions").number() > 100_000 && spec.get("parallelism").number() > 10_000 {
        let text = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, \
                    Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
        warnings.push(text.into());
    }
    warnings.extend(pod::warnings::of_template(object, &format!("{path}.template")));
    warnings
}

fn row(job: &Object, now: i64) -> Vec<Value> {
    let number = |path: &[&str]| job.integer(path);
    let succeeded = number(&["status", "succeeded"]).unwrap_or(0);
    let completions = match (number(&["spec", "completions"]), number(&["spec", "parallelism"]).unwrap_or(0)) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, 2..) => format!("{succeeded}/1 of {}", number(&["spec", "parallelism"]).unwrap_or(0)),
        (None, _) => format!("{succeeded}/1"),
    };
    let time = |name| time::unix_seconds(job.text(&["status", name]));
    let duration = time("startTime").map(|start| time::human_duration(time("completionTime").unwrap_or(now) - start));
    let state = if status::is(job, "Complete") {
        "Complete"
    } else if status::is(job, "Failed") {
        "Failed"
    } else if !job.text(&["metadata", "deletionTimestamp"]).is_empty() {
        "Terminating"
    } else {
        let states = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
        states.into_iter().find(|state| status::is(job, state)).unwrap_or("Running")
    };
    let mut row =
        vec![job.name().into(), state.into(), completions.into(), duration.unwrap_or_default().into(), age(job, now)];
    row.extend(wide_cells(pod_spec(job), selector(job.at(&["spec", "selector"]))));
    row
}

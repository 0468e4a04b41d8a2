//! Events: one resource in two groups. The rules work on the core group's form, and take the other one too.

use super::cells::age_of;
use super::field::{Errors, Field, IMMUTABLE, printed, quoted};
use super::{GENERIC, Kind, internal};
use crate::api::{Object, ObjectExt, Value, names, time};
use std::borrow::Cow;

pub(super) const KIND: Kind = Kind {
    resource: "events",
    name_complaints: names::path_segment,
    validate: |event, errors| {
        let core = as_core(event);
        legacy(event, &core, errors);
        if is_new(event) {
            strict(&core, errors);
        }
    },
    validate_update: |new, old, errors| {
        let (core, old_core) = (as_core(new), as_core(old));
        legacy(new, &core, errors);
        if is_new(new) {
            unchanged(&core, &old_core, errors);
        }
    },
    convert,
    cells: row,
    selectable_fields: &[
        ("involvedObject.kind", |event| involved(event, "kind")),
        ("involvedObject.namespace", |event| involved(event, "namespace")),
        ("involvedObject.name", |event| involved(event, "name")),
        ("involvedObject.uid", |event| involved(event, "uid")),
        ("involvedObject.apiVersion", |event| involved(event, "apiVersion")),
        ("involvedObject.resourceVersion", |event| involved(event, "resourceVersion")),
        ("involvedObject.fieldPath", |event| involved(event, "fieldPath")),
        ("regarding.kind", |event| involved(event, "kind")),
        ("regarding.namespace", |event| involved(event, "namespace")),
        ("regarding.name", |event| involved(event, "name")),
        ("regarding.uid", |event| involved(event, "uid")),
        ("regarding.apiVersion", |event| involved(event, "apiVersion")),
        ("regarding.resourceVersion", |event| involved(event, "resourceVersion")),
        ("regarding.fieldPath", |event| involved(event, "fieldPath")),
        ("reason", |event| event.text(&["reason"]).into()),
        ("reportingComponent", |event| as_core(event).text(&["reportingComponent"]).into()),
        ("reportingController", |event| as_core(event).text(&["reportingComponent"]).into()),
        ("source", |event| {
            let core = as_core(event);
            first_of([core.text(&["source", "component"]), core.text(&["reportingComponent"])]).into()
        }),
        ("type", |event| event.text(&["type"]).into()),
    ],
    ..GENERIC
};

/// The group with the other form.
const NEW: &str = "events.k8s.io/v1";

/// Fields of the core group, and of the other one.
const FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn is_new(event: &Object) -> bool {
    event.api_version() == NEW
}

fn as_core(event: &Object) -> Cow<'_, Object> {
    if !is_new(event) {
        return Cow::Borrowed(event);
    }
    let mut core = event.clone();
    convert(&mut core, "v1");
    Cow::Owned(core)
}

fn convert(event: &mut Object, version: &str) {
    let (from, to) = (is_new(event), version == NEW);
    let Some(fields) = event.as_object_mut() else { return };
    for (core, new) in FIELDS.into_iter().filter(|_| from != to) {
        let (before, after) = if to { (core, new) } else { (new, core) };
        if let Some(value) = fields.remove(before) {
            fields.insert(after.into(), value);
        }
    }
    for name in ["reportingController", "reportingComponent", "reportingInstance"] {
        // Texts that the core group writes always, and the other one when there is something.
        let core = name != "reportingController";
        if to && fields.get(name).is_some_and(|text| text == "") {
            fields.remove(name);
        } else if from && !to && core {
            fields.entry(name).or_insert_with(|| "".into());
        }
    }
    fields.insert("apiVersion".into(), version.into());
}

fn involved(event: &Object, name: &str) -> String {
    as_core(event).text(&["involvedObject", name]).into()
}

fn first_of<const N: usize>(texts: [&str; N]) -> &str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or("")
}

fn legacy(event: &Object, core: &Object, errors: &mut Errors) {
    let root = Field::new("", core);
    let (namespace, time) = (core.namespace(), root.get("eventTime"));
    let involved = root.get("involvedObject.namespace");
    let at_home: &[&str] = if time.is_set() { &["default", "kube-system"] } else { &["", "default"] };
    let matches = match involved.text() {
        "" => at_home.contains(&namespace),
        other => time.is_set() || other == namespace,
    };
    if !matches {
        errors.invalid_as(involved, &quoted(involved.text()), "does not match event.namespace");
    }
    if time.is_set() {
        let component = root.get("reportingComponent");
        let place = if is_new(event) { "reportingController" } else { "reportingComponent" };
        let component = component.named(place);
        errors.need(&component);
        errors.name(&component, names::qualified_name);
        for (name, most, needed) in
            [("reportingInstance", 128, true), ("action", 128, true), ("reason", 128, true), ("message", 1024, false)]
        {
            let field = root.get(name);
            if needed {
                errors.need(&field);
            }
            if field.text().len() > most {
                errors.invalid_as(field, "\"\"", &format!("can have at most {most} characters"));
            }
        }
    }
    for complaint in names::dns1123_subdomain(namespace) {
        errors.invalid_as("namespace", &quoted(namespace), &complaint);
    }
}

fn strict(core: &Object, errors: &mut Errors) {
    let root = Field::new("", core);
    errors.name(&root.get("metadata.name"), names::dns1123_subdomain);
    series(&root.get("series"), errors);
    if !root.get("eventTime").is_set() {
        errors.required("eventTime", "");
    }
    let kind = root.get("type").text();
    if !["Normal", "Warning"].contains(&kind) {
        errors.invalid_as("type", "\"\"", &format!("has invalid value: {kind}"));
    }
    for name in ["firstTimestamp", "lastTimestamp", "count", "source"] {
        let field = root.get(name);
        if !field.is_empty() && field.integer() != Some(0) {
            errors.invalid_as(field, "\"\"", "needs to be unset");
        }
    }
}

fn series(series: &Field, errors: &mut Errors) {
    if !series.is_set() {
        return;
    }
    if series.get("count").number() < 2 {
        errors.invalid_as(series.get("count"), "\"\"", "should be at least 2");
    }
    if !series.get("lastObservedTime").is_set() {
        errors.required(series.get("lastObservedTime"), "");
    }
}

fn unchanged(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    if root.get("series").value() != old_root.get("series").value() {
        series(&root.get("series"), errors);
    }
    for (name, place) in [
        ("involvedObject", "involvedObject"),
        ("reason", "reason"),
        ("message", "message"),
        ("source", "source"),
        ("firstTimestamp", "firstTimestamp"),
        ("lastTimestamp", "lastTimestamp"),
        ("count", "count"),
        ("reason", "reason"),
        ("type", "type"),
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("related", "related"),
        ("reportingComponent", "reportingController"),
        ("reportingInstance", "reportingInstance"),
    ] {
        let (field, before) = (root.get(name), old_root.get(name));
        if field.value() == before.value() {
            continue;
        }
        let shown = match name {
            "involvedObject" => internal::print("ObjectReference", field.value()),
            "related" => internal::print("*ObjectReference", field.value()),
            "source" => {
                let part = |name: &str| quoted(field.get(name).text());
                format!(r#"{{"Component":{},"Host":{}}}"#, part("component"), part("host"))
            }
            "count" => field.number().to_string(),
            "firstTimestamp" | "lastTimestamp" | "eventTime" => printed(field.value()),
            _ => quoted(field.text()),
        };
        errors.invalid_as(place, &shown, IMMUTABLE);
    }
}

fn row(event: &Object, now: i64) -> Vec<Value> {
    let core = as_core(event);
    let since = |path: &[&str]| time::unix_seconds(core.text(path)).map(|_| age_of(core.text(path), now));
    let first = since(&["firstTimestamp"]).or_else(|| since(&["eventTime"])).unwrap_or_else(|| "<unknown>".into());
    let mut last = since(&["lastTimestamp"]).unwrap_or_else(|| first.clone());
    let mut count = core.integer(&["count"]).filter(|count| *count != 0).unwrap_or(1);
    if core.at(&["series"]).is_some() {
        last = since(&["series", "lastObservedTime"]).unwrap_or_else(|| "<unknown>".into());
        count = core.integer(&["series", "count"]).unwrap_or(0);
    }
    let (kind, name) = (core.text(&["involvedObject", "kind"]).to_lowercase(), core.text(&["involvedObject", "name"]));
    let component = first_of([core.text(&["source", "component"]), core.text(&["reportingComponent"])]);
    let instance = first_of([core.text(&["source", "host"]), core.text(&["reportingInstance"])]);
    vec![
        last,
        core.text(&["type"]).into(),
        core.text(&["reason"]).into(),
        if name.is_empty() { kind } else { format!("{kind}/{name}") }.into(),
        core.text(&["involvedObject", "fieldPath"]).into(),
        if instance.is_empty() { component.into() } else { format!("{component}, {instance}") }.into(),
        core.text(&["message"]).trim().into(),
        first,
        count.into(),
        core.name().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_has_two_forms() {
        let core = json!({"apiVersion": "v1", "kind": "Event", "involvedObject": {"name": "p"}, "message": "m",
            "source": {}, "firstTimestamp": null, "eventTime": null, "reportingComponent": "", "reportingInstance": ""});
        let mut event = core.clone();
        convert(&mut event, NEW);
        assert_eq!(
            event,
            json!({"apiVersion": NEW, "kind": "Event", "regarding": {"name": "p"}, "note": "m", "deprecatedSource": {},
                "deprecatedFirstTimestamp": null, "eventTime": null})
        );
        assert_eq!((event.text(&["regarding", "name"]), involved(&event, "name").as_str()), ("p", "p"));
        convert(&mut event, "v1");
        assert_eq!(event, core);
    }
}

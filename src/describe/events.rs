//! The events of an object: what to ask for, and the table at the end of most descriptions.

use super::context::{Context, Lookup};
use super::labels::sorted;
use super::read::{int, some, text};
use super::writer::Writer;
use crate::api::{ObjectExt, Value, time};

/// Where kubelet keeps the hash of the file that a static pod comes from: its events carry it for the uid.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// The lookups for an object's events.
pub fn lookups(object: &Value) -> Vec<Lookup> {
    match object.group_version_kind().group_kind().as_str() {
        "Pod" => vec![lookup(object, "", object.annotation(MIRROR).unwrap_or(object.uid()))],
        // The kubelet reports events by the node's name, others by its uid.
        "Node" => vec![lookup(object, "Node", object.uid()), lookup(object, "Node", object.name())],
        _ => vec![lookup(object, object.kind(), object.uid())],
    }
}

fn lookup(object: &Value, kind: &str, uid: &str) -> Lookup {
    let mut fields = Vec::new();
    let mut require = |field: &str, value: &str| fields.push(format!("involvedObject.{field}={}", escaped(value)));
    if !kind.is_empty() {
        require("kind", kind);
    }
    require("name", object.name());
    require("namespace", object.namespace());
    if !uid.is_empty() {
        require("uid", uid);
    }
    Lookup::list("", "v1", "events", object.namespace(), "", &fields.join(","))
}

/// A value in a field selector.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

/// Writes the events that were found; nothing when they could not be listed.
pub fn write(w: &mut Writer, object: &Value, context: &Context) {
    let mut events = Vec::new();
    for lookup in lookups(object) {
        match context.found(&lookup) {
            Ok(found) => events.extend(found.iter().cloned()),
            Err(_) => return,
        }
    }
    if events.is_empty() {
        return w.field(0, "Events", "<none>");
    }
    w.line(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage");
    w.line(1, "----\t------\t----\t----\t-------");
    for event in sorted(&events, |event| time::parse(event.text(&["lastTimestamp"]))) {
        let source = text(event, &["source", "component"]).unwrap_or(event.text(&["reportingComponent"]));
        let message = event.text(&["message"]).trim();
        let message = match text(event, &["involvedObject", "fieldPath"]) {
            Some(path) => format!("{path}: {message}"),
            None => message.into(),
        };
        let (kind, reason) = (event.text(&["type"]), event.text(&["reason"]));
        w.line(1, format_args!("{kind}\t{reason}\t{}\t{source}\t{message}", interval(event, context)));
    }
}

/// When an event was, and how often.
fn interval(event: &Value, context: &Context) -> String {
    let first = text(event, &["eventTime"]).unwrap_or(event.text(&["firstTimestamp"]));
    let first = context.age(first);
    let repeated = |last: &str, count: i64| format!("{} (x{count} over {first})", context.age(last));
    match (some(event, &["series"]), int(event, &["count"])) {
        (Some(series), _) => repeated(series.text(&["lastObservedTime"]), int(series, &["count"])),
        (None, count) if count > 1 => repeated(event.text(&["lastTimestamp"]), count),
        _ => first,
    }
}

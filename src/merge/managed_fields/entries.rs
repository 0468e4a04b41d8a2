//! The entries of `metadata.managedFields`: which manager owns what.

use super::set::{self, Fields};
use super::{Operation, Writer};
use serde_json::{Value, json};
use std::mem::take;

/// How many managers that update are kept apart; the oldest of more become one.
const MAX_UPDATERS: usize = 10;
const OLD_UPDATERS: &str = "ancient-changes";

/// What one manager owns through one operation.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Id,
    /// The version at which the fields are named.
    pub api_version: String,
    /// When the set changed last, as RFC 3339.
    pub time: Option<String>,
    pub fields: Fields,
}

/// What tells one entry from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// The version for updates; an applier is the same at every version.
    version: String,
    pub manager: String,
    pub operation: Operation,
    pub subresource: String,
}

impl Id {
    /// The id of a manager's entry at this version.
    pub fn new(manager: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let version = match operation {
            Operation::Apply => String::new(),
            Operation::Update => api_version.into(),
        };
        let manager = if manager.is_empty() { "unknown" } else { manager };
        Self { version, manager: manager.into(), operation, subresource: subresource.into() }
    }

    /// The id of what `writer` does.
    pub fn of(writer: &Writer, operation: Operation) -> Self {
        Self::new(writer.manager, operation, writer.api_version, writer.subresource)
    }

    /// The manager, as the text of a conflict names it.
    pub fn display(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text += &format!(" with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            text += &format!(" using {}", self.version);
        }
        text
    }
}

/// Reads the entries of `metadata.managedFields`: none when they are not valid. Sets that the server itself wrote are
/// `trusted` and taken as they are.
pub fn read(list: Value, trusted: bool) -> Option<Vec<Entry>> {
    let Value::Array(list) = list else { return None };
    let mut entries: Vec<Entry> = Vec::with_capacity(list.len());
    for item in list {
        let entry = read_entry(item, trusted)?;
        entries.retain(|other| other.id != entry.id);
        entries.push(entry);
    }
    Some(entries)
}

fn read_entry(mut item: Value, trusted: bool) -> Option<Entry> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return None,
    };
    let api_version = text("apiVersion").to_owned();
    if api_version.is_empty() || text("fieldsType") != "FieldsV1" {
        return None;
    }
    let id = Id { manager: text("manager").into(), ..Id::new("", operation, &api_version, text("subresource")) };
    let time = item.get("time").and_then(Value::as_str).map(str::to_owned);
    let fields = match item.get_mut("fieldsV1").map(take) {
        None | Some(Value::Null) => Fields::new(),
        Some(Value::Object(fields)) if trusted => fields,
        Some(other) => set::read(&other)?,
    };
    Some(Entry { id, api_version, time, fields })
}

/// Writes the entries in their order: appliers first, then by time, manager, version and subresource. Nothing when
/// there are none.
pub fn write(mut entries: Vec<Entry>) -> Option<Value> {
    if entries.is_empty() {
        return None;
    }
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| (entry.id.operation == Operation::Update, entry.time.clone());
        let rest = |entry: &Entry| (entry.id.manager.clone(), entry.api_version.clone(), entry.id.subresource.clone());
        key(a).cmp(&key(b)).then_with(|| rest(a).cmp(&rest(b)))
    });
    Some(entries.into_iter().map(write_entry).collect())
}

fn write_entry(entry: Entry) -> Value {
    let operation = match entry.id.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    let mut item = json!({"operation": operation, "fieldsType": "FieldsV1"});
    let mut put = |key: &str, value: Value| item[key] = value;
    put("apiVersion", entry.api_version.into());
    put("fieldsV1", entry.fields.into());
    if !entry.id.manager.is_empty() {
        put("manager", entry.id.manager.into());
    }
    if let Some(time) = entry.time {
        put("time", time.into());
    }
    if !entry.id.subresource.is_empty() {
        put("subresource", entry.id.subresource.into());
    }
    item
}

/// Joins the oldest updaters into one for each version, until there are few enough.
pub fn cap(entries: &mut Vec<Entry>) {
    let is_updater = |entry: &Entry| entry.id.operation == Operation::Update;
    let mut count = entries.iter().filter(|entry| is_updater(entry)).count();
    if count <= MAX_UPDATERS {
        return;
    }
    entries.sort_by(|a, b| (&a.time, &a.id).cmp(&(&b.time, &b.id)));
    // The first of each version only makes room once there is a second to join.
    let mut first: Vec<Entry> = Vec::new();
    let mut kept = Vec::with_capacity(entries.len());
    for mut entry in take(entries) {
        if count <= MAX_UPDATERS || !is_updater(&entry) {
            kept.push(entry);
        } else if let Some(bucket) = first.iter_mut().find(|bucket| bucket.api_version == entry.api_version) {
            set::unite(&mut bucket.fields, take(&mut entry.fields));
            bucket.id = Id::new(OLD_UPDATERS, Operation::Update, &entry.api_version, "");
            bucket.time = entry.time;
            count -= 1;
        } else {
            first.push(entry);
        }
    }
    for bucket in first {
        match kept.iter_mut().find(|entry: &&mut Entry| entry.id == bucket.id) {
            Some(entry) => set::unite(&mut entry.fields, bucket.fields),
            None => kept.push(bucket),
        }
    }
    *entries = kept;
}

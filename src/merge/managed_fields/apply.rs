//! Server-side apply.

use super::compare::{changes, fields_of};
use super::entries::{self, Entry, Id};
use super::set::{self, Fields};
use super::structured::{self, merge, with_named, without};
use super::{Changes, Operation, PATH, STRIPPED, Writer, record, validate, write};
use crate::api::status::Details;
use crate::api::{Cause, GroupVersionKind, ObjectExt, Status, TypeRef, Value, json};
use thiserror::Error;

/// Under this manager, kubectl goes on with what it applied client-side.
const KUBECTL: &str = "kubectl";
const LAST_APPLIED: [&str; 3] = ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"];
/// How long all annotations of an object may be together, in bytes.
const MAX_ANNOTATIONS: usize = 256 << 10;
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Why a configuration was not applied.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ApplyError {
    /// The request is not one to apply.
    #[error("{0}")]
    BadRequest(String),
    /// The configuration does not fit the type, or does not merge.
    #[error("{0}")]
    Failed(String),
    /// Others own fields that the configuration would change.
    #[error("{}", conflict_message(.0))]
    Conflicts(Vec<Conflict>),
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The manager, as messages name it: `"kubectl" using apps/v1`.
    pub manager: String,
    /// The field's path: `.spec.replicas`.
    pub field: String,
}

impl ApplyError {
    /// The answer of kube-apiserver.
    pub fn status(&self) -> Status {
        match self {
            ApplyError::BadRequest(message) => Status::failure(400, "BadRequest", message),
            ApplyError::Failed(message) => Status::failure(500, "", message),
            ApplyError::Conflicts(conflicts) => {
                let cause = |conflict: &Conflict| Cause {
                    reason: "FieldManagerConflict".into(),
                    message: format!("conflict with {}", conflict.manager),
                    field: conflict.field.clone(),
                };
                let causes = conflicts.iter().map(cause).collect();
                Status::failure(409, "Conflict", self.to_string()).about(Details { causes, ..Details::default() })
            }
        }
    }
}

fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", one.manager, one.field);
    }
    let of_managers = conflicts.chunk_by(|a, b| a.manager == b.manager).map(|chunk| {
        let fields: String = chunk.iter().map(|conflict| format!("\n- {}", conflict.field)).collect();
        format!("conflicts with {}:{fields}", chunk[0].manager)
    });
    let text: Vec<String> = of_managers.collect();
    format!("Apply failed with {} conflicts: {}", conflicts.len(), text.join("\n"))
}

/// Applies `config` to `live` (nothing, when the object is new) and returns the object with its record: what the
/// configuration says is set, and what the same manager applied before and now does not say is taken away where nobody
/// else owns it. With `force`, fields that others own are taken from them. Without a schema, lists are set as a whole.
///
/// The object comes back as it was merged, without defaults; when nothing changed it is the live one, with its times.
pub fn apply(
    live: Option<&Value>,
    config: &Value,
    writer: &Writer,
    force: bool,
    schema: Option<TypeRef>,
) -> Result<Value, ApplyError> {
    check(live, config, writer, schema)?;
    if let Some(complaints) = validate::complaints(config, schema) {
        let (namespace, name, kind) = (config.namespace(), config.name(), kind_text(&config.group_version_kind()));
        return Err(ApplyError::Failed(format!(
            "failed to create typed patch object ({namespace}/{name}; {kind}): {complaints}"
        )));
    }
    let empty = schema.map_or_else(|| Value::Object(Fields::new()), TypeRef::empty);
    let mut record = record_of(live, &empty, writer, schema)?;
    let request =
        Request { live: live.unwrap_or(&empty), config, writer, schema, id: Id::of(writer, Operation::Apply) };
    let applied = match request.run(&record, force) {
        Err(ApplyError::Conflicts(conflicts)) if writer.manager == KUBECTL => {
            match request.conflicts_beyond_last_applied(conflicts) {
                conflicts if conflicts.is_empty() => request.run(&record, true),
                conflicts => Err(ApplyError::Conflicts(conflicts)),
            }
        }
        other => other,
    };
    let Applied { mut object, entries } = applied?;
    record = entries;
    if live != Some(&object) {
        for entry in record.iter_mut().filter(|entry| entry.id == request.id) {
            entry.time = Some(writer.time.into());
        }
    }
    if writer.manager == KUBECTL && !object.text(&LAST_APPLIED).is_empty() {
        set_last_applied(&mut object, config);
    }
    write(&mut object, record);
    Ok(object)
}

/// `group/version, Kind=kind`, as Go prints a kind's full name.
fn kind_text(kind: &GroupVersionKind) -> String {
    format!("{}/{}, Kind={}", kind.group, kind.version, kind.kind)
}

fn check(live: Option<&Value>, config: &Value, writer: &Writer, schema: Option<TypeRef>) -> Result<(), ApplyError> {
    let given = config.group_version_kind();
    let of_live = live.map(ObjectExt::kind).filter(|kind| !kind.is_empty());
    let fits = match (of_live, schema) {
        (Some(kind), _) => kind == given.kind,
        (None, Some(schema)) => {
            schema.node().gvk.is_empty() || schema.node().gvk.iter().any(|gvk| gvk.kind == given.kind)
        }
        (None, None) => !given.kind.is_empty(),
    };
    if !fits || config.api_version() != writer.api_version {
        return Err(ApplyError::BadRequest(format!("invalid object type: {}", kind_text(&given))));
    }
    if config.at(&PATH).is_some_and(|list| !list.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".into()));
    }
    Ok(())
}

/// The record of the live object. Where there is none, all that it has belongs to those who wrote before.
fn record_of(
    live: Option<&Value>,
    empty: &Value,
    writer: &Writer,
    schema: Option<TypeRef>,
) -> Result<Vec<Entry>, ApplyError> {
    let Some(live) = live else { return Ok(Vec::new()) };
    let mut entries = match live.at(&PATH) {
        Some(list) => entries::read(list.clone(), true)
            .ok_or_else(|| ApplyError::Failed("failed to decode managed fields: the entries are not valid".into()))?,
        None => Vec::new(),
    };
    if entries.is_empty() {
        let before = Writer { manager: BEFORE_FIRST_APPLY, ..*writer };
        let found = changes(empty, live, schema)
            .map_err(|reason| ApplyError::Failed(format!("failed to create manager for existing fields: {reason}")))?;
        record(&mut entries, Id::of(&before, Operation::Update), found, &before, schema, (empty, live));
    }
    for entry in &mut entries {
        let other = (entry.api_version != writer.api_version).then(|| (writer.in_version)(live, &entry.api_version));
        let ty = other.flatten().map_or(schema, |(_, ty)| Some(ty));
        structured::collapse(&mut entry.fields, ty);
    }
    Ok(entries)
}

/// An object and its record.
struct Applied {
    object: Value,
    entries: Vec<Entry>,
}

/// Takes away the nulls that stand for what lost all it had.
fn drop_emptied(pruned: &mut Value, merged: &Value) {
    let Value::Object(map) = pruned else { return };
    map.retain(|name, value| {
        let before = merged.get(name).unwrap_or(&Value::Null);
        drop_emptied(value, before);
        !value.is_null() || before.is_null()
    });
}

struct Request<'a> {
    live: &'a Value,
    config: &'a Value,
    writer: &'a Writer<'a>,
    schema: Option<TypeRef<'a>>,
    id: Id,
}

impl Request<'_> {
    fn run(&self, record: &[Entry], force: bool) -> Result<Applied, ApplyError> {
        let mut entries = record.to_vec();
        let failed = |what: &str| {
            let what = what.to_owned();
            move |reason: String| ApplyError::Failed(format!("{what}: {reason}"))
        };
        let merged =
            merge(Some(self.live), Some(self.config), self.schema).map_err(failed("failed to merge config"))?;
        let ignored = set::of_paths(self.writer.ignored);
        let mut mine = fields_of(self.config, self.schema);
        set::subtract_whole(&mut mine, &ignored);
        let last = self.put(&mut entries, mine);
        let object = self.prune(merged.unwrap_or_default(), &entries, &last);

        let Changes { mut changed, mut removed } =
            changes(self.live, &object, self.schema).map_err(failed("failed to compare objects"))?;
        set::subtract_whole(&mut changed, &ignored);
        set::subtract_whole(&mut removed, &ignored);
        let mut conflicts = Vec::new();
        for entry in entries.iter_mut().filter(|entry| entry.id != self.id) {
            let taken = set::intersection(&entry.fields, &changed);
            let conflict = |field| Conflict { manager: entry.id.display(), field };
            conflicts.extend(set::paths(&taken).into_iter().map(conflict));
            set::subtract(&mut entry.fields, &taken);
            set::subtract(&mut entry.fields, &removed);
        }
        if !force && !conflicts.is_empty() {
            conflicts.sort_by(|a, b| a.manager.cmp(&b.manager));
            return Err(ApplyError::Conflicts(conflicts));
        }
        for entry in entries.iter_mut().filter(|entry| entry.id == self.id) {
            set::subtract(&mut entry.fields, &STRIPPED);
        }
        entries.retain(|entry| !entry.fields.is_empty());
        Ok(Applied { object, entries })
    }

    /// Makes `mine` what this manager owns, and returns what it owned before.
    fn put(&self, entries: &mut Vec<Entry>, mine: Fields) -> Fields {
        let api_version = self.writer.api_version.to_owned();
        match entries.iter_mut().find(|entry| entry.id == self.id) {
            Some(entry) => {
                entry.api_version = api_version;
                std::mem::replace(&mut entry.fields, mine)
            }
            None => {
                entries.push(Entry { id: self.id.clone(), api_version, time: None, fields: mine });
                Fields::new()
            }
        }
    }

    /// Takes from the merged object what this manager owned before, unless somebody owns it now.
    fn prune(&self, merged: Value, entries: &[Entry], last: &Fields) -> Value {
        if last.is_empty() {
            return merged;
        }
        let named = |fields: &Fields| with_named(fields, self.schema);
        let fields_in = |object: &Value| named(&fields_of(object, self.schema));
        let last = named(last);
        let pruned = without(&merged, &last, self.schema);

        // What was only below something pruned comes back when somebody owns it ...
        let mut owned = Fields::new();
        entries.iter().for_each(|entry| set::unite(&mut owned, entry.fields.clone()));
        let in_merged = fields_in(&merged);
        let mut gone = in_merged.clone();
        set::subtract(&mut gone, &fields_in(&pruned));
        set::subtract(&mut gone, &named(&owned));
        let pruned = without(&merged, &gone, self.schema);

        // ... and when nobody does, unless this manager owned it itself.
        let mut gone = in_merged;
        set::subtract(&mut gone, &fields_in(&pruned));
        let mut pruned = without(&merged, &set::intersection(&gone, &last), self.schema);
        drop_emptied(&mut pruned, &merged);
        pruned
    }

    /// Those conflicts that are not about what kubectl itself applied client-side and nobody has changed since.
    fn conflicts_beyond_last_applied(&self, mut conflicts: Vec<Conflict>) -> Vec<Conflict> {
        let allowed = self.last_applied().unwrap_or_default();
        let allowed = set::paths(&allowed);
        conflicts.retain(|conflict| !allowed.contains(&conflict.field));
        conflicts
    }

    fn last_applied(&self) -> Option<Fields> {
        let last: Value = serde_json::from_str(self.live.text(&LAST_APPLIED)).ok()?;
        if last.api_version() != self.writer.api_version {
            return None;
        }
        let mut fields = fields_of(&last, self.schema);
        let since = changes(&last, self.live, self.schema).ok()?;
        set::subtract(&mut fields, &since.changed);
        set::subtract(&mut fields, &since.removed);
        Some(fields)
    }
}

/// Puts the configuration into the annotation by which kubectl applies client-side, if it is not too long.
fn set_last_applied(object: &mut Value, config: &Value) {
    let mut config = config.clone();
    config.take_at(&LAST_APPLIED);
    let text = json::to_string(&config) + "\n";
    let others = object.map_at(&LAST_APPLIED[..2]).into_iter().flatten().filter(|(key, _)| *key != LAST_APPLIED[2]);
    let size: usize = others.map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size + LAST_APPLIED[2].len() + text.len() > MAX_ANNOTATIONS {
        object.take_at(&LAST_APPLIED);
    } else {
        object.put(&LAST_APPLIED, text);
    }
}

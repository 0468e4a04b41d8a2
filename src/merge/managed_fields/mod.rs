//! Who set which field: `metadata.managedFields`, and server-side apply (KEP-555, "Server-Side Apply").
//!
//! Each write is compared with the live object. The writer owns what it changed; the others lose what has changed or
//! is gone. Sets that name fields at another version of the kind are compared in that version, where it is known, and
//! else taken to name the same fields.

mod apply;
mod compare;
mod configure;
mod element;
mod entries;
mod owners;
mod scale;
mod set;
mod shape;
mod structured;
mod validate;

pub use apply::{ApplyError, Conflict, apply};
pub use configure::configure;
pub use owners::{Owner, owners, value_at};
pub use scale::{from_scale, to_scale};

use crate::api::{ObjectExt, TypeRef, Value};
use compare::{Changes, changes};
use entries::{Entry, Id, cap};
use set::Fields;
use std::sync::LazyLock;

const PATH: [&str; 2] = ["metadata", "managedFields"];

/// How a manager came to own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

/// An object in another version of its kind, and the types of that version.
pub type InVersion<'a> = &'a dyn Fn(&Value, &str) -> Option<(Value, TypeRef<'static>)>;

/// Who writes, and how.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    /// The field manager's name; empty becomes `unknown`.
    pub manager: &'a str,
    /// The apiVersion of the request.
    pub api_version: &'a str,
    /// The subresource that is written to; empty for the object itself.
    pub subresource: &'a str,
    /// Now, as RFC 3339 in whole seconds.
    pub time: &'a str,
    /// The fields that such a request cannot set, whatever it says, as paths of names: `status` on a resource whose
    /// status is a subresource, `spec` on that subresource.
    pub ignored: &'a [&'a [&'a str]],
    /// Knows the object in other versions.
    pub in_version: InVersion<'a>,
}

impl Writer<'_> {
    /// What a write changes as another version sees it.
    fn seen_by<'t>(&self, version: &str, old: &Value, new: &Value) -> Option<(Changes, TypeRef<'t>)> {
        if version == self.api_version {
            return None;
        }
        let (old, _) = (self.in_version)(old, version)?;
        let (new, ty) = (self.in_version)(new, version)?;
        Some((changes(&old, &new, Some(ty)).ok()?, ty))
    }
}

/// The fields that nobody owns.
static STRIPPED: LazyLock<Fields> = LazyLock::new(|| {
    let of_metadata = ["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation"];
    let mut stripped =
        set::of_paths(&[&["apiVersion"], &["kind"], &["metadata"], &PATH, &["metadata", "resourceVersion"]]);
    of_metadata.iter().for_each(|name| set::unite(&mut stripped, set::of_paths(&[&["metadata", name]])));
    stripped
});

/// Records in `new` who owns its fields, after a create (without `live`), an update or a patch that is no apply. What
/// `new` brings in `metadata.managedFields` counts as what was recorded before, so that clients may change it: an
/// empty list, or a list of one empty entry, ends the record.
pub fn update(live: Option<&Value>, new: &mut Value, writer: &Writer, schema: Option<TypeRef>) {
    let given = new.take_at(&PATH);
    let recorded = live.and_then(|live| live.at(&PATH));
    let mut entries = entries_before(given, recorded, writer);
    if entries.is_empty() && live.is_some() {
        return;
    }
    let empty;
    let live = match live {
        Some(live) => live,
        None => {
            empty = schema.map_or_else(|| Value::Object(Fields::new()), TypeRef::empty);
            &empty
        }
    };
    // An object that cannot be compared loses its record.
    if let Ok(changes) = changes(live, new, schema) {
        record(&mut entries, Id::of(writer, Operation::Update), changes, writer, schema, (live, new));
        write(new, entries);
    }
}

/// The entries to start from: those of the new object, else those of the live one.
fn entries_before(given: Option<Value>, recorded: Option<&Value>, writer: &Writer) -> Vec<Entry> {
    let of_live = || recorded.cloned().and_then(|list| entries::read(list, true)).unwrap_or_default();
    let Some(given) = given.filter(|_| writer.subresource.is_empty()) else { return of_live() };
    match given.as_array().map(Vec::as_slice) {
        Some([]) => return Vec::new(),
        Some([one]) if is_blank(one) => return Vec::new(),
        _ => {}
    }
    let trusted = recorded == Some(&given);
    entries::read(given, trusted).filter(|entries| !entries.is_empty()).unwrap_or_else(of_live)
}

fn is_blank(entry: &Value) -> bool {
    let blank = |value: &Value| value.is_null() || value.as_str() == Some("");
    entry.as_object().is_some_and(|map| map.values().all(blank))
}

/// Writes the changes of an update, from one object to another, into the entries.
fn record(
    entries: &mut Vec<Entry>,
    id: Id,
    changes: Changes,
    writer: &Writer,
    schema: Option<TypeRef>,
    (old, new): (&Value, &Value),
) {
    let Changes { mut changed, mut removed } = changes;
    let ignored = set::of_paths(writer.ignored);
    set::subtract_whole(&mut changed, &ignored);
    set::subtract_whole(&mut removed, &ignored);
    for entry in entries.iter_mut() {
        if let Some((Changes { mut changed, mut removed }, ty)) = writer.seen_by(&entry.api_version, old, new) {
            structured::collapse(&mut entry.fields, Some(ty));
            for fields in [&mut changed, &mut removed] {
                set::subtract_whole(fields, &ignored);
                set::subtract(&mut entry.fields, fields);
            }
            continue;
        }
        structured::collapse(&mut entry.fields, schema);
        set::subtract(&mut entry.fields, &changed);
        set::subtract(&mut entry.fields, &removed);
    }
    entries.retain(|entry| !entry.fields.is_empty());
    set::subtract(&mut changed, &STRIPPED);
    if !changed.is_empty() {
        let time = Some(writer.time.to_owned());
        match entries.iter_mut().find(|entry| entry.id == id) {
            Some(entry) => {
                set::unite(&mut entry.fields, changed);
                entry.time = time;
            }
            None => entries.push(Entry { id, api_version: writer.api_version.into(), time, fields: changed }),
        }
    }
    cap(entries);
}

fn write(object: &mut Value, entries: Vec<Entry>) {
    match entries::write(entries) {
        Some(list) => object.put(&PATH, list),
        None => {
            object.take_at(&PATH);
        }
    }
}

/// Gives the entries of `new` their old times where nothing but the times differs between the objects, so that a write
/// that changes nothing is none.
pub fn keep_times(new: &mut Value, old: &Value) {
    let Some(recorded) = old.at(&PATH) else { return };
    let timeless = |list: &Value| {
        let mut list = list.clone();
        for entry in list.as_array_mut().into_iter().flatten() {
            entry.take_at(&["time"]);
        }
        list
    };
    if new.at(&PATH).is_none_or(|list| timeless(list) != timeless(recorded)) {
        return;
    }
    let mine = new.take_at(&PATH);
    new.put(&PATH, recorded.clone());
    if new != old {
        new.put(&PATH, mine.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;

//! The record of an object as its scale subresource sees it: who set the number of replicas.

use super::entries::{self, Entry, Id};
use super::set;
use serde_json::Value;

const SCALE: &str = "autoscaling/v1";
const REPLICAS: &[&str] = &["spec", "replicas"];

/// The entries of an object's `managedFields` that own the replicas, at the path of names `replicas`, as entries of
/// its scale.
pub fn to_scale(parent: Option<&Value>, replicas: &[&str]) -> Option<Value> {
    let scaled = |entry: Entry| {
        let fields = set::of_paths(&[REPLICAS]);
        set::has(&entry.fields, replicas).then(|| Entry { api_version: SCALE.into(), fields, ..entry })
    };
    entries::write(read(parent).into_iter().filter_map(scaled).collect())
}

/// The entries of an object after its scale was written: `scale` are the entries of the scale then. Those that own the
/// replicas no more lose them, and those that own them now get them.
pub fn from_scale(
    parent: Option<&Value>,
    scale: Option<&Value>,
    api_version: &str,
    replicas: &[&str],
) -> Option<Value> {
    let mut owners = read(scale);
    let mut kept = Vec::new();
    for mut entry in read(parent) {
        if set::has(&entry.fields, replicas) {
            match owners.iter().position(|owner| owner.id == entry.id) {
                Some(place) => drop(owners.remove(place)),
                // An updater's entry is another one at the version of the scale: it loses the replicas, and gets them
                // back as an entry of its own.
                None => set::subtract(&mut entry.fields, &set::of_paths(&[replicas])),
            }
        }
        if !entry.fields.is_empty() {
            kept.push(entry);
        }
    }
    for owner in owners.into_iter().filter(|owner| set::has(&owner.fields, REPLICAS)) {
        let id = Id::new(&owner.id.manager, owner.id.operation, api_version, &owner.id.subresource);
        let fields = set::of_paths(&[replicas]);
        kept.push(Entry { id, api_version: api_version.into(), time: None, fields });
    }
    entries::write(kept)
}

fn read(list: Option<&Value>) -> Vec<Entry> {
    list.cloned().and_then(|list| entries::read(list, true)).unwrap_or_default()
}

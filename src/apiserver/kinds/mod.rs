//! What the server knows of each kind: one file per kind, and one record that says which of its rules differ from
//! the generic ones.
//!
//! Defaults are data (see [`fill`]), complaints are made along [`field::Field`]s, cells of tables are plain values.

pub mod amounts;
pub mod cells;
pub mod field;
pub mod fill;
pub mod labels;

mod addresses;
mod admission;
mod apiservice;
mod autoscaler;
mod certificates;
mod componentstatus;
mod conditions;
mod configmap;
mod cron;
mod cronjob;
mod customresource;
mod daemonset;
mod deployment;
mod devices;
mod endpoints;
mod endpointslice;
mod event;
mod flowcontrol;
pub(super) mod gates;
mod ingress;
pub(super) mod internal;
mod job;
mod lease;
mod limitrange;
mod namespace;
mod naming;
mod networkpolicy;
mod node;
mod persistentvolume;
mod persistentvolumeclaim;
mod pod;
mod poddisruptionbudget;
mod podtemplate;
mod priorityclass;
mod rbac;
mod replicaset;
mod resourcequota;
pub mod resources;
mod runtimeclass;
mod secret;
mod service;
mod serviceaccount;
mod servicecidr;
mod statefulset;
mod storage;
mod workload;

#[cfg(test)]
mod recorded;

use crate::api::{Object, ObjectExt, Value};
use field::Errors;
use naming::{label, subdomain};
pub(super) use service::has_sound_addresses;

/// Reads a field as text.
pub type Reader = fn(&Object) -> String;

/// The rules of one resource, in all its versions. [`GENERIC`] holds what most kinds share; a kind's file says
/// `Kind { default: defaults, ..GENERIC }`.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The plural name.
    pub resource: &'static str,
    /// Fills in what a client left out, in nested parts too. Runs on each decoded object, before admission.
    pub default: fn(&mut Object),
    /// Where an object has the spec of a pod, as names; empty where it has none.
    pub pod_spec: &'static [&'static str],
    /// A field at the top that is kept as the JSON that was sent, and may not change (`runtime.RawExtension`).
    pub verbatim: Option<&'static str>,
    /// Other fields whose features are off: see [`gates`].
    pub disabled: &'static [&'static str],
    /// What is wrong with a name, each complaint by itself; the flag says that it is a `generateName` prefix.
    pub name_complaints: fn(&str, bool) -> Vec<String>,
    /// Whether `metadata.generation` counts changes; a new object has generation 1 then.
    pub has_generation: bool,
    /// Whether a change, `(new, old)`, counts for the generation: by default one of anything but metadata and status.
    pub changes_generation: fn(&Object, &Object) -> bool,
    /// Sets what only the server may set on a new object: drops status, sets phases, adds finalizers and what
    /// admission adds without asking anybody; allocates nothing. Runs when name, uid and creationTimestamp are set.
    pub prepare_for_create: fn(&mut Object),
    /// Whether an object without labels shares those of its pod template, as Go's defaults make it: what
    /// `prepare_for_create` adds there, the object has too.
    pub shares_labels: bool,
    /// The texts of `Warning` headers for what is settled in `prepare_for_create`, which it sees before.
    pub early_warnings: fn(&Object) -> Vec<String>,
    /// Sets what a client may not change on the main resource; `old` is the stored object. Status has been kept
    /// from `old` already where the kind has a status subresource.
    pub prepare_for_update: fn(&mut Object, &Object),
    /// Sets what a client may not change through the status subresource, `(new, old)`. By default all but the status
    /// and the metadata that every client may change stays as it was.
    pub prepare_for_status_update: fn(&mut Object, &Object),
    /// Says when things happened where a client has not, `(new, old, now)`, the time in Unix seconds; after a change of
    /// any part.
    pub stamp: fn(&mut Object, &Object, i64),
    /// Turns an object into the form of another version of the resource, which it is given; for those whose versions
    /// differ in more than `apiVersion`. All other functions take objects in any version.
    pub convert: fn(&mut Object, &str),
    /// Complaints about a defaulted new object, without its metadata.
    pub validate: fn(&Object, &mut Errors),
    /// Complaints about a change of the main resource, `(new, old)`, without its metadata.
    pub validate_update: fn(&Object, &Object, &mut Errors),
    /// Complaints about a change of the status, `(new, old)`.
    pub validate_status_update: fn(&Object, &Object, &mut Errors),
    /// Complaints about a change through another subresource, which is named, `(subresource, new, old)`.
    pub validate_part_update: fn(&str, &Object, &Object, &mut Errors),
    /// The annotations that kube-apiserver keeps as a field of its own: who asks for metadata alone does not see them.
    pub internal_annotations: &'static [&'static str],
    /// The texts of `Warning` headers for an object that is created or, with the old one, changed.
    pub warnings: fn(&Object, Option<&Object>) -> Vec<String>,
    /// The cells of a table row, in the order of the facts' columns. The time is Unix seconds.
    pub cells: fn(&Object, i64) -> Vec<Value>,
    /// The conditions of a table row, which say that an object is done.
    pub row_conditions: fn(&Object) -> Vec<Value>,
    /// The fields that a field selector may name besides metadata.name and metadata.namespace, with their readers.
    pub selectable_fields: &'static [(&'static str, Reader)],
}

/// The rules that hold where a kind has none of its own; those of custom resources, too.
pub const GENERIC: Kind = Kind {
    group: "",
    resource: "",
    default: |_| {},
    pod_spec: &[],
    verbatim: None,
    disabled: &[],
    name_complaints: subdomain,
    has_generation: false,
    changes_generation: changed_beyond_metadata,
    prepare_for_create: |_| {},
    shares_labels: false,
    early_warnings: |_| Vec::new(),
    prepare_for_update: |_, _| {},
    prepare_for_status_update: keep_all_but_status,
    stamp: |_, _, _| {},
    convert: |object, version| object.put(&["apiVersion"], version),
    validate: |_, _| {},
    validate_update: |_, _, _| {},
    validate_status_update: |_, _, _| {},
    validate_part_update: |_, _, _, _| {},
    internal_annotations: &[],
    warnings: |_, _| Vec::new(),
    cells: |object, now| vec![object.name().into(), cells::age(object, now)],
    row_conditions: |_| Vec::new(),
    selectable_fields: &[],
};

/// The rules of a built-in resource; the generic ones where it has none of its own.
pub fn rules(group: &str, resource: &str) -> Kind {
    KINDS.iter().find(|k| k.group == group && k.resource == resource).copied().unwrap_or(GENERIC)
}

const KINDS: &[Kind] = &[
    admission::MUTATING_BINDINGS,
    admission::MUTATING_POLICIES,
    admission::MUTATING_WEBHOOKS,
    admission::VALIDATING_BINDINGS,
    admission::VALIDATING_POLICIES,
    admission::VALIDATING_WEBHOOKS,
    apiservice::KIND,
    autoscaler::KIND,
    certificates::REQUESTS,
    componentstatus::BINDINGS,
    componentstatus::STATUSES,
    configmap::KIND,
    cronjob::KIND,
    customresource::KIND,
    daemonset::KIND,
    deployment::KIND,
    devices::CLAIMS,
    devices::CLASSES,
    devices::SLICES,
    devices::TEMPLATES,
    endpoints::KIND,
    endpointslice::KIND,
    event::KIND,
    flowcontrol::LEVELS,
    flowcontrol::SCHEMAS,
    ingress::CLASSES,
    ingress::INGRESSES,
    job::KIND,
    lease::KIND,
    limitrange::KIND,
    namespace::KIND,
    networkpolicy::KIND,
    node::KIND,
    persistentvolume::KIND,
    persistentvolumeclaim::KIND,
    pod::KIND,
    poddisruptionbudget::KIND,
    podtemplate::REVISIONS,
    podtemplate::TEMPLATES,
    priorityclass::KIND,
    rbac::CLUSTER_ROLES,
    rbac::CLUSTER_ROLE_BINDINGS,
    rbac::ROLES,
    rbac::ROLE_BINDINGS,
    replicaset::REPLICATION_CONTROLLERS,
    replicaset::REPLICA_SETS,
    resourcequota::KIND,
    runtimeclass::KIND,
    secret::KIND,
    service::KIND,
    serviceaccount::KIND,
    servicecidr::ADDRESSES,
    servicecidr::CIDRS,
    statefulset::KIND,
    storage::ATTACHMENTS,
    storage::ATTRIBUTES,
    storage::CAPACITIES,
    storage::CLASSES,
    storage::DRIVERS,
    storage::NODES,
];

/// Whether anything but `metadata` and `status` differs.
fn changed_beyond_metadata(new: &Object, old: &Object) -> bool {
    fn rest(object: &Object) -> impl Iterator<Item = (&String, &Value)> {
        object.as_object().into_iter().flatten().filter(|(key, _)| *key != "metadata" && *key != "status")
    }
    rest(new).ne(rest(old))
}

/// Puts back everything but `status` and `metadata`.
fn keep_all_but_status(new: &mut Object, old: &Object) {
    for (key, value) in old.as_object().into_iter().flatten() {
        if key != "metadata" && key != "status" {
            new.put(&[key], value.clone());
        }
    }
    let Some(map) = new.as_object_mut() else { return };
    map.retain(|key, _| key == "metadata" || key == "status" || old.get(key).is_some());
}

/// Puts back what clients may change in metadata, too.
fn keep_all_but_the_status_itself(new: &mut Object, old: &Object) {
    keep_all_but_status(new, old);
    keep_metadata_of_clients(new, old);
}

/// Puts back what clients may change in metadata.
pub(super) fn keep_metadata_of_clients(new: &mut Object, old: &Object) {
    keep_metadata(new, old, &["labels", "annotations", "finalizers", "ownerReferences", "selfLink"]);
}

/// Puts back fields of metadata.
fn keep_metadata(new: &mut Object, old: &Object, fields: &[&str]) {
    for field in fields {
        let path = ["metadata", field];
        match old.at(&path) {
            Some(value) => new.put(&path, value.clone()),
            None => drop(new.take_at(&path)),
        }
    }
}

//! Changes of objects, of all of them or of one part.

use super::admission::{Asked, Operation};
use super::auth::devices::Wanted;
use super::auth::{Attributes, User};
use super::codec::{self, Decoded};
use super::create::{ATTEMPTS, New, check_namespace};
use super::encoding::Verbatim;
use super::errors::{Answer, Failure, bad_request, conflict, internal_plain, invalid, modified, not_found};
use super::kinds::field::{Errors, IMMUTABLE};
use super::kinds::{gates, keep_metadata_of_clients};
use super::meta;
use super::options::Write as Options;
use super::ownership::{self, Manager};
use super::pipeline::{Call, Server, store_failure};
use super::registry::Served;
use super::respond::{self, Body, Shown};
use super::store::{self, Entry, Expect, Key, StoreError, Write};
use super::verbatim::{self, Source};
use crate::api::{ObjectExt, Value, json};
use crate::merge::managed_fields;
use http::{Response, StatusCode};

/// Which part of an object a request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All but the status.
    Main,
    /// The status.
    Status,
    /// A pod's ephemeral containers.
    EphemeralContainers,
    /// The resources of a pod's containers.
    Resize,
    /// The conditions of a certificate signing request.
    Approval,
    /// A namespace's finalizers.
    Finalize,
}

impl Part {
    /// The part that a subresource is.
    pub fn of(subresource: &str) -> Option<Self> {
        Some(match subresource {
            "" => Self::Main,
            "status" => Self::Status,
            "ephemeralcontainers" => Self::EphemeralContainers,
            "resize" => Self::Resize,
            "approval" => Self::Approval,
            "finalize" => Self::Finalize,
            _ => return None,
        })
    }

    /// Puts back what is not of this part.
    fn keep(self, served: &Served, new: &mut Value, live: &Value) {
        let rules = &served.rules;
        match self {
            Self::Main => {
                if served.has_status() {
                    copy(new, live, &["status"]);
                }
                (rules.prepare_for_update)(new, live);
            }
            Self::Status => (rules.prepare_for_status_update)(new, live),
            Self::EphemeralContainers => {
                only(new, live, &["spec", "ephemeralContainers"]);
                keep_metadata_of_clients(new, live);
            }
            Self::Approval => only(new, live, &["status", "conditions"]),
            Self::Finalize => only(new, live, &["spec", "finalizers"]),
            Self::Resize => {
                only_resources(new, live);
                keep_metadata_of_clients(new, live);
            }
        }
    }
}

/// Copies a field from the live object, or takes it away.
fn copy(new: &mut Value, live: &Value, path: &[&str]) {
    match live.at(path) {
        Some(value) => new.put(path, value.clone()),
        None => drop(new.take_at(path)),
    }
}

/// Puts back everything but metadata and one field.
fn only(new: &mut Value, live: &Value, path: &[&str]) {
    let mut kept = live.clone();
    copy(&mut kept, new, &["metadata"]);
    copy(&mut kept, new, path);
    *new = kept;
}

fn only_resources(new: &mut Value, live: &Value) {
    let mut kept = live.clone();
    copy(&mut kept, new, &["metadata"]);
    copy(&mut kept, new, &["spec", "resources"]);
    for list in ["containers", "initContainers"] {
        let Some(containers) = kept.at_mut(&["spec"]).get_mut(list).and_then(Value::as_array_mut) else { continue };
        for container in containers {
            let name = container.text(&["name"]).to_string();
            let wanted = new.items_at(&["spec", list]).iter().find(|c| c.text(&["name"]) == name);
            if let Some(wanted) = wanted {
                copy(container, wanted, &["resources"]);
                copy(container, wanted, &["resizePolicy"]);
            }
        }
    }
    *new = kept;
}

/// What a change does, given the live object.
pub(super) type Change<'a> = dyn Fn(&Value) -> Answer<Decoded> + Send + Sync + 'a;

/// A change that is to be made.
pub(super) struct Edit<'a> {
    /// The resource.
    pub served: &'a Served,
    /// Where the object is.
    pub key: Key,
    /// Which part changes.
    pub part: Part,
    /// Who changes it.
    pub manager: Manager<'a>,
    /// The user, whose rights bound what it may give; none for the server itself.
    pub user: Option<&'a User>,
    /// What the user asks: `update` or `patch`.
    pub verb: &'a str,
    /// Whether this is an apply: its managed fields are made already.
    pub applied: bool,
    /// Where the changed object comes from.
    pub source: Source,
    /// Do all but store it.
    pub dry_run: bool,
}

impl Server {
    /// Replaces an object, or a part of it, by a request's body.
    pub(super) async fn update(&self, call: &Call<'_>, part: Part) -> Answer<Response<Body>> {
        let media = call.media()?;
        let options = Options::parse(call.query, "UpdateOptions")?;
        let Decoded { mut object, warnings } = codec::decode(call.body, media, call.served, options.validation)?;
        call.warn(warnings);
        let verbatim = verbatim::sent(call.body, media, &call.served.rules);
        check_name(call, &object)?;
        call.warn(meta::doubled_owners(&meta::dedup_owners(&mut object), ""));
        let mut warnings = Vec::new();
        let live = self.store.get(&call.key()).await.map_err(store_failure)?;
        if live.is_none() && object.uid().is_empty() && part == Part::Main && puts_make(call.served) {
            let (served, namespace, manager) = (call.served, &call.target.namespace, call.manager(&options));
            let (user, dry_run) = (Some(call.user), options.dry_run);
            object.take_at(&["metadata", "resourceVersion"]);
            let new = New { served, namespace, manager, user, applied: false, verbatim, dry_run };
            self.require(call.user, &Attributes::of(served, "create", namespace, &call.target.name)).await?;
            let shown = self.make(&new, object, &mut warnings).await;
            call.warn(warnings);
            return Ok(respond::object(StatusCode::CREATED, &shown?, served, call.accepted, call.now.seconds));
        }
        let uid = live.map(|entry| entry.object.value(entry.revision).uid().to_owned()).unwrap_or_default();
        check_uid(call, &object, &uid)?;
        let change = |live: &Value| {
            check_uid(call, &object, live.uid())?;
            Ok(Decoded { object: object.clone(), warnings: Vec::new() })
        };
        let edit = Edit { source: Source::Body(verbatim), ..call.edit(part, &options) };
        let shown = self.change(&edit, &mut warnings, &change).await;
        call.warn(warnings);
        Ok(respond::object(StatusCode::OK, &shown?, call.served, call.accepted, call.now.seconds))
    }

    /// Changes an object. A race that was lost is run again, unless the change insists on a resourceVersion.
    pub(super) async fn change(
        &self,
        edit: &Edit<'_>,
        warnings: &mut Vec<String>,
        change: &Change<'_>,
    ) -> Answer<Shown> {
        let served = edit.served;
        let name = edit.key.name.rsplit('/').next().unwrap_or("");
        let told = warnings.len();
        for attempt in 1..=ATTEMPTS {
            warnings.truncate(told);
            let entry = self.store.get(&edit.key).await.map_err(store_failure)?;
            let entry = entry.ok_or_else(|| not_found(served.about(name)))?;
            let live = served.value(&entry.object, entry.revision);
            let Decoded { object: new, warnings: more } = change(&live)?;
            if new.resource_version().is_empty() && served.needs_version() {
                let mut errors = Errors::default();
                errors.invalid("metadata.resourceVersion", &0.into(), "must be specified for an update");
                return Err(invalid(served.about(name), errors));
            }
            if !new.resource_version().is_empty() && new.resource_version() != live.resource_version() {
                return Err(modified(served.about(name)));
            }
            match self.replace(edit, &entry, &live, new, warnings).await {
                Ok(shown) => {
                    warnings.extend(more);
                    return Ok(shown);
                }
                Err(Refused::Race) if attempt < ATTEMPTS => {}
                Err(Refused::Race) => break,
                Err(Refused::Failure(failure)) => return Err(failure),
            }
        }
        Err(modified(served.about(name)))
    }

    async fn replace(
        &self,
        edit: &Edit<'_>,
        entry: &Entry,
        live: &Value,
        mut new: Value,
        warnings: &mut Vec<String>,
    ) -> Result<Shown, Refused> {
        let (served, now) = (edit.served, (self.clock)());
        let rules = &served.rules;
        keep_metadata(&mut new, live);
        served.default(&mut new);
        meta::prune(&mut new);
        if !edit.applied {
            ownership::note_update(Some(live), &mut new, served, &edit.manager, now);
        }
        let namespace = live.namespace().to_string();
        let subresource = edit.manager.subresource;
        let asked = Asked {
            served,
            operation: Operation::Update,
            subresource,
            namespace: &namespace,
            old: Some(live),
            user: edit.user,
            dry_run: edit.dry_run,
        };
        self.admit(&asked, &mut new, warnings).await?;
        warnings.extend(meta::doubled_owners(&meta::dedup_owners(&mut new), meta::AFTER_ADMISSION));
        gates::drop_disabled(&mut new, rules);
        edit.part.keep(served, &mut new, live);
        (rules.stamp)(&mut new, live, now.seconds);
        if rules.has_generation && (rules.changes_generation)(&new, live) {
            let generation = live.integer(&["metadata", "generation"]).unwrap_or(0) + 1;
            new.put(&["metadata", "generation"], generation);
        }
        meta::prune(&mut new);
        managed_fields::keep_times(&mut new, live);
        self.confirm_grant(edit.user, served, live.namespace(), Some(live), &new).await?;
        let mut claims = self.claims(served, Some(live), Some(&mut new), edit.dry_run).await?;
        let mut errors = Errors::default();
        meta::validate_update(&new, live, served, &mut errors);
        let devices = Wanted {
            served,
            is_status: edit.part == Part::Status,
            user: edit.user,
            verb: edit.verb,
            namespace: &namespace,
            old: Some(live),
        };
        self.confirm_devices(&devices, &new, &mut errors).await?;
        meta::validate_again(&new, live, served, edit.part == Part::Main, &mut errors);
        match edit.part {
            Part::Main => served.validate(&new, Some(live), &mut errors),
            Part::Status => served.validate_status(&new, live, &mut errors),
            _ => (rules.validate_part_update)(edit.manager.subresource, &new, live, &mut errors),
        }
        let verbatim = edit.source.text(rules, &new, live, &entry.object);
        if let Some(Verbatim { field, text }) = &verbatim
            && edit.part == Part::Main
            && entry.object.text(field).is_none_or(|old| old != *text)
        {
            errors.invalid_as(*field, &json::compact(text), IMMUTABLE);
        }
        warnings.append(&mut errors.warnings);
        if !errors.causes.is_empty() {
            return Err(Refused::Failure(invalid(served.about_kind(live.name()), errors)));
        }
        if edit.part == Part::Main {
            warnings.extend((rules.warnings)(&new, Some(live)));
        }
        claims.extend(self.approve(&asked, &new, warnings).await?);
        if edit.applied {
            served.tidy(&mut new).map_err(|error| Refused::Failure(internal_plain(error.message)))?;
        }
        let encoded = served.encode_with(&new, verbatim.as_ref());
        if edit.dry_run || encoded.same_as(&entry.object) {
            return Ok(served.show(&encoded, Some(entry.revision)));
        }
        let gone = is_finished(&new);
        let mut writes = vec![Write {
            key: edit.key.clone(),
            expect: Expect::At(entry.revision),
            change: if gone { store::Change::Delete } else { store::Change::Put(encoded.clone()) },
        }];
        writes.extend(claims);
        match self.store.commit(writes).await {
            Ok(revision) => {
                if gone || meta::is_deleting(&new) {
                    self.collector.deleted(&new, served, gone);
                }
                if edit.part == Part::Main {
                    self.note_availability(served, new.name()).await?;
                }
                let version = if gone { entry.revision } else { revision };
                Ok(served.show(&encoded, Some(version)))
            }
            Err(StoreError::Conflict(0, None)) => Err(Refused::Failure(not_found(served.about(live.name())))),
            Err(StoreError::Conflict(..)) => Err(Refused::Race),
            Err(other) => Err(Refused::Failure(store_failure(other))),
        }
    }
}

/// Why a change was not made.
enum Refused {
    /// Somebody else was faster.
    Race,
    /// It is wrong.
    Failure(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Whether an object that is being deleted has nothing left to wait for.
pub(super) fn is_finished(object: &Value) -> bool {
    meta::is_deleting(object)
        && meta::finalizers(object).is_empty()
        && object.integer(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0) == 0
        && (object.kind() != "Namespace" || object.items_at(&["spec", "finalizers"]).is_empty())
}

/// Whether a PUT makes an object that is not there (AllowCreateOnUpdate).
fn puts_make(served: &Served) -> bool {
    const KINDS: [(&str, &[&str]); 5] = [
        ("", &["endpoints", "events", "limitranges", "services"]),
        ("coordination.k8s.io", &["leasecandidates", "leases"]),
        ("events.k8s.io", &["events"]),
        ("rbac.authorization.k8s.io", &["clusterrolebindings", "clusterroles", "rolebindings", "roles"]),
        ("scheduling.k8s.io", &["priorityclasses"]),
    ];
    let group = KINDS.iter().find(|(group, _)| served.kind.group == *group);
    group.is_some_and(|(_, resources)| resources.contains(&served.info.resource.as_str()))
}

/// A PUT that names a uid is about that object alone; without an object, `uid` is empty.
fn check_uid(call: &Call<'_>, object: &Value, uid: &str) -> Answer<()> {
    let wanted = object.uid();
    if wanted.is_empty() || wanted == uid {
        return Ok(());
    }
    let Key { collection, name } = call.key();
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {collection}{name}, ResourceVersion: 0, AdditionalErrorMsg: \
         Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}"
    );
    Err(conflict(call.served.about(&call.target.name), &why))
}

/// Checks that a body is about the object that the URL names.
pub(super) fn check_name(call: &Call<'_>, object: &Value) -> Answer<()> {
    let name = &call.target.name;
    if call.served.info.namespaced() {
        check_namespace(object, &call.target.namespace)?;
    }
    if object.name().is_empty() {
        let why = "name must be provided";
        return Err(bad_request(format!("the name of the object ({name} based on URL) was undeterminable: {why}")));
    }
    if object.name() != name {
        let found = object.name();
        let why = format!("the name of the object ({found}) does not match the name on the URL ({name})");
        return Err(bad_request(why));
    }
    Ok(())
}

/// Keeps what only the server sets. A uid that differs stays, to be complained about.
fn keep_metadata(new: &mut Value, live: &Value) {
    for field in ["creationTimestamp", "generation", "namespace"] {
        copy(new, live, &["metadata", field]);
    }
    // What is being deleted stays so; what is not cannot be marked by hand, which is complained about.
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        if live.at(&["metadata", field]).is_some() {
            copy(new, live, &["metadata", field]);
        }
    }
    if new.uid().is_empty() {
        copy(new, live, &["metadata", "uid"]);
    }
}

//! New objects.

use super::admission::{self, Asked, Operation};
use super::auth::devices::Wanted;
use super::auth::{Attributes, User};
use super::claims;
use super::codec::{self, Decoded};
use super::encoding::Verbatim;
use super::errors::{Answer, already_exists, bad_request, internal_plain, invalid};
use super::kinds::field::Errors;
use super::kinds::gates;
use super::meta;
use super::options::Write as Options;
use super::ownership::{self, Manager};
use super::pipeline::{Call, Server, store_failure};
use super::registry::Served;
use super::respond::{self, Body, Shown};
use super::store::{Change, Expect, Key, StoreError, Write};
use super::verbatim;
use crate::api::time::Moment;
use crate::api::{Map, ObjectExt, Value};
use http::{Response, StatusCode};

/// How often a write that lost a race, or a generated name that was taken, is tried again.
pub(super) const ATTEMPTS: usize = 8;

const LABELS: &[&str] = &["metadata", "labels"];

/// An object that is to be made.
pub(super) struct New<'a> {
    /// Its resource.
    pub served: &'a Served,
    /// Its namespace; empty for what belongs to the cluster.
    pub namespace: &'a str,
    /// Who makes it.
    pub manager: Manager<'a>,
    /// The user, whose rights bound what it may give; none for the server itself.
    pub user: Option<&'a User>,
    /// Whether this is an apply: its managed fields are made already.
    pub applied: bool,
    /// The field that is kept as it was sent.
    pub verbatim: Option<Verbatim>,
    /// Do all but store it.
    pub dry_run: bool,
}

impl Server {
    /// Makes an object from a request's body.
    pub(super) async fn create(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        if let Some(answer) = self.review(call).await {
            return answer;
        }
        if &*call.served.collection == "/registry/bindings/" {
            return self.bind_by_name(call).await;
        }
        let media = call.media()?;
        let options = Options::parse(call.query, "CreateOptions")?;
        let Decoded { mut object, warnings } = codec::decode(call.body, media, call.served, options.validation)?;
        call.warn(warnings);
        let namespace = &call.target.namespace;
        if !call.served.info.namespaced() {
            object.take_at(&["metadata", "namespace"]);
        }
        check_namespace(&object, namespace)?;
        let manager = call.manager(&options);
        let (user, dry_run) = (Some(call.user), options.dry_run);
        let verbatim = verbatim::sent(call.body, media, &call.served.rules);
        let new = New { served: call.served, namespace, manager, user, applied: false, verbatim, dry_run };
        let mut warnings = Vec::new();
        let shown = self.make(&new, object, &mut warnings).await;
        call.warn(warnings);
        Ok(respond::object(StatusCode::CREATED, &shown?, call.served, call.accepted, call.now.seconds))
    }

    /// Makes an object.
    pub(super) async fn make(&self, new: &New<'_>, mut object: Value, warnings: &mut Vec<String>) -> Answer<Shown> {
        let New { served, namespace, .. } = *new;
        let rules = &served.rules;
        let now = (self.clock)();
        // The store says so, which a dry run does not come to.
        if !object.resource_version().is_empty() && !new.dry_run {
            return Err(internal_plain("resourceVersion should not be set on objects to be created"));
        }
        let shares_labels = rules.shares_labels && object.map_at(LABELS).is_none_or(Map::is_empty);
        served.default(&mut object);
        meta::prune(&mut object);
        if !new.applied {
            warnings.extend(meta::doubled_owners(&meta::dedup_owners(&mut object), ""));
            ownership::note_update(None, &mut object, served, &new.manager, now);
        }
        let asked = Asked {
            served,
            operation: Operation::Create,
            subresource: "",
            namespace,
            old: None,
            user: new.user,
            dry_run: new.dry_run,
        };
        self.admit(&asked, &mut object, warnings).await?;
        warnings.extend(meta::doubled_owners(&meta::dedup_owners(&mut object), meta::AFTER_ADMISSION));
        self.confirm_grant(new.user, served, namespace, None, &object).await?;
        let generated = object.name().is_empty();
        if claims::concern(served) {
            // What it cannot have is said before all else.
            let mut trial = object.clone();
            (rules.prepare_for_create)(&mut trial);
            self.claims(served, None, Some(&mut trial), new.dry_run).await?;
        }
        let mut errors = Errors::default();
        let devices = Wanted { served, is_status: false, user: new.user, verb: "create", namespace, old: None };
        self.confirm_devices(&devices, &object, &mut errors).await?;
        served.complete(&mut object, namespace, new.user, now, errors, warnings)?;
        if let Some(labels) = object.at(&["spec", "template", "metadata", "labels"]).filter(|_| shares_labels).cloned()
        {
            object.put(LABELS, labels);
        }
        if let Some(user) = new.user.filter(|_| new.applied) {
            self.require(user, &Attributes::of(served, "create", namespace, object.name())).await?;
        }
        warnings.extend((rules.warnings)(&object, None));
        // kube-apiserver defaults what it reads back from its store, which sees what was prepared above.
        (rules.default)(&mut object);
        let mut attempts = ATTEMPTS;
        loop {
            let name = object.name().to_string();
            let key = Key { collection: served.collection.clone(), name: served.place(namespace, &name) };
            let mut complete = object.clone();
            let mut claims = self.claims(served, None, Some(&mut complete), new.dry_run).await?;
            let mut advice = Vec::new();
            let approved = self.approve(&asked, &complete, &mut advice).await;
            if approved.is_err() {
                warnings.append(&mut advice);
            }
            claims.extend(approved?);
            if new.applied {
                served.tidy(&mut complete).map_err(|error| internal_plain(error.message))?;
            }
            let encoded = served.encode_with(&complete, new.verbatim.as_ref());
            if new.dry_run {
                if self.store.get(&key).await.map_err(store_failure)?.is_some() {
                    return Err(already_exists(served.about(&name)));
                }
                warnings.extend(advice);
                return Ok(served.show(&encoded, None));
            }
            let mut writes = vec![Write { key, expect: Expect::Absent, change: Change::Put(encoded.clone()) }];
            writes.extend(claims);
            writes.extend(self.home(&asked, &complete).await?);
            match self.store.commit(writes).await {
                Ok(revision) => {
                    warnings.extend(advice);
                    self.note_availability(served, &name).await?;
                    return Ok(served.show(&encoded, Some(revision)));
                }
                Err(StoreError::Conflict(0, _)) if !generated || attempts == 0 => {
                    return Err(already_exists(served.about(&name)));
                }
                Err(StoreError::Conflict(0, _)) => {
                    attempts -= 1;
                    let metadata = meta::metadata_mut(&mut object);
                    metadata.remove("name");
                    meta::generate_name(metadata);
                }
                // Somebody else took the address or what was left of the quota, and got on: what is left is looked at again.
                Err(StoreError::Conflict(..)) => {}
                Err(other) => return Err(store_failure(other)),
            }
        }
    }
}

/// Checks that a body is for the namespace that the URL names.
pub(super) fn check_namespace(object: &Value, namespace: &str) -> Answer<()> {
    if object.namespace().is_empty() || object.namespace() == namespace {
        return Ok(());
    }
    Err(bad_request("the namespace of the provided object does not match the namespace sent on the request"))
}

impl Served {
    /// Gives a new object what the server alone sets, and refuses it when it is not valid then, or there are `errors`.
    pub(super) fn complete(
        &self,
        object: &mut Value,
        namespace: &str,
        user: Option<&User>,
        now: Moment,
        mut errors: Errors,
        warnings: &mut Vec<String>,
    ) -> Answer<()> {
        meta::prepare_new(object, self, namespace, now);
        gates::drop_disabled(object, &self.rules);
        warnings.extend((self.rules.early_warnings)(object));
        (self.rules.prepare_for_create)(object);
        admission::note_requester(self, user, object);
        meta::prune(object);
        meta::validate_of(self, object, &mut errors);
        self.validate(object, None, &mut errors);
        if errors.causes.is_empty() { Ok(()) } else { Err(invalid(self.about_kind(object.name()), errors)) }
    }

    /// Whether the status is a subresource, and so not part of the main one.
    pub(super) fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }
}

//! What lies below objects: the status, the scale, and the verbs of pods that are written as resources.

use super::codec::{Decoded, decode};
use super::errors::{About, Answer, bad_request, conflict, invalid, method_not_allowed, no_such_resource, unavailable};
use super::kinds::field::{Errors, quoted};
use super::options::Write as Options;
use super::pipeline::{Call, Server, store_failure};
use super::request::{Resource, Verb};
use super::respond::{self, Body};
use super::store::{Change, Expect, StoreError, Write};
use super::update::Part;
use crate::api::time::rfc3339;
use crate::api::{GroupVersionKind, ObjectExt, Value};
use http::{Response, StatusCode};
use serde_json::json;

impl Server {
    /// Does what a request about a part of an object asks for.
    pub(super) async fn subresource(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let name = call.target.subresource.as_str();
        match (name, call.target.verb()) {
            ("scale", Verb::Get) => self.get_scale(call).await,
            ("scale", Verb::Update) => self.put_scale(call).await,
            ("scale", Verb::Patch) => self.patch_scale(call).await,
            ("binding", Verb::Create) => self.bind(call, &call.target.name).await,
            ("eviction", Verb::Create) => self.evict(call).await,
            ("token", Verb::Create) => self.request_token(call).await,
            ("log", Verb::Get) => self.log(call).await,
            ("attach" | "exec" | "portforward" | "proxy", _) => self.connect(call).await,
            (part, verb) => {
                let part = Part::of(part).ok_or_else(no_such_resource)?;
                match verb {
                    Verb::Get => self.get(call).await,
                    Verb::Update => self.update(call, part).await,
                    Verb::Patch => self.patch(call, part).await,
                    _ => Err(method_not_allowed()),
                }
            }
        }
    }

    /// Changes the object that a request names without noting who did it, as the server itself does.
    pub(super) async fn touch(&self, call: &Call<'_>, change: impl Fn(&mut Value) -> Answer<()>) -> Answer<()> {
        loop {
            let entry = self.entry(call).await?;
            let mut object = call.served.value(&entry.object, entry.revision);
            change(&mut object)?;
            let change = Change::Put(call.served.encode(&object));
            let write = Write { key: call.key(), expect: Expect::At(entry.revision), change };
            match self.store.commit(vec![write]).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict(..)) => {}
                Err(other) => return Err(store_failure(other)),
            }
        }
    }

    /// Binds the pod that a binding names, as clients of old do.
    pub(super) async fn bind_by_name(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let Some(pods) = self.registry.core("pods") else { return Err(no_such_resource()) };
        let options = Options::parse(call.query, "CreateOptions")?;
        let name = body(call, "", "v1", "Binding", &options)?.name().to_owned();
        let target = Resource { resource: "pods".into(), name, subresource: "binding".into(), ..call.target.clone() };
        self.bind(&call.redirected(&target, pods), &target.name).await
    }

    /// Binds a pod to a node.
    pub(super) async fn bind(&self, call: &Call<'_>, name: &str) -> Answer<Response<Body>> {
        let options = Options::parse(call.query, "CreateOptions")?;
        let mut binding = body(call, "", "v1", "Binding", &options)?;
        self.admit_request(call, &mut binding, options.dry_run).await?;
        check_binding(&binding, name)?;
        let node = binding.text(&["target", "name"]).to_string();
        let bind = |pod: &mut Value| {
            let about = About { group: "", kind: "pods/binding", name };
            if super::meta::is_deleting(pod) {
                let why = format!("pod {name} is being deleted, cannot be assigned to a host");
                return Err(conflict(about, &why));
            }
            let bound = pod.text(&["spec", "nodeName"]);
            if !bound.is_empty() {
                return Err(conflict(about, &format!("pod {name} is already assigned to node {bound:?}")));
            }
            pod.put(&["spec", "nodeName"], node.as_str());
            for field in ["annotations", "labels"] {
                for (key, value) in binding.map_at(&["metadata", field]).into_iter().flatten() {
                    pod.put(&["metadata", field, key], value.clone());
                }
            }
            set_condition(
                pod,
                json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null}),
                call.now.seconds,
            );
            Ok(())
        };
        if options.dry_run {
            let entry = self.entry(call).await?;
            bind(&mut call.served.value(&entry.object, entry.revision))?;
        } else {
            self.touch(call, bind).await?;
        }
        Ok(respond::value(StatusCode::CREATED, &success(StatusCode::CREATED), call.accepted))
    }

    /// The log of a pod that no node runs is empty.
    async fn log(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        self.entry(call).await?;
        Ok(respond::empty(StatusCode::NO_CONTENT))
    }

    /// Nobody can be connected with a pod that no node runs.
    async fn connect(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let entry = self.entry(call).await?;
        let object = call.served.value(&entry.object, entry.revision);
        let name = &call.target.name;
        if object.kind() == "Service" {
            return Err(unavailable(&format!("no endpoints available for service {name:?}")));
        }
        if object.text(&["spec", "nodeName"]).is_empty() {
            return Err(bad_request(format!("pod {name} does not have a host assigned")));
        }
        Err(super::errors::internal(format!("error dialing backend: no node runs pod {name}")))
    }
}

/// Refuses a binding of another pod, or to something that is no node.
fn check_binding(binding: &Value, name: &str) -> Answer<()> {
    if !binding.name().is_empty() && binding.name() != name {
        return Err(bad_request("name in URL does not match name in Binding object"));
    }
    let mut errors = Errors::default();
    let target = binding.text(&["target", "kind"]);
    if !["", "Node"].contains(&target) {
        errors.unsupported("target.kind", &quoted(target), &["Node", "<empty>"]);
    }
    if binding.text(&["target", "name"]).is_empty() {
        errors.required("target.name", "");
    }
    if errors.causes.is_empty() { Ok(()) } else { Err(invalid(About { group: "", kind: "Binding", name }, errors)) }
}

/// The body of a request, of a kind that is no resource's.
pub(super) fn body(call: &Call<'_>, group: &str, version: &str, kind: &str, options: &Options) -> Answer<Value> {
    let part = call.served.part(GroupVersionKind::new(group, version, kind));
    let Decoded { object, warnings } = decode(call.body, call.media()?, &part, options.validation)?;
    call.warn(warnings);
    Ok(object)
}

/// Sets a condition of a status. The time of the transition stays when the status does.
pub(super) fn set_condition(object: &mut Value, mut condition: Value, now: i64) {
    condition.put(&["lastTransitionTime"], rfc3339(now));
    let conditions = object.at_mut(&["status", "conditions"]);
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else { return };
    match conditions.iter_mut().find(|known| known.text(&["type"]) == condition.text(&["type"])) {
        Some(known) => {
            if known.text(&["status"]) == condition.text(&["status"])
                && let Some(since) = known.get("lastTransitionTime")
            {
                condition.put(&["lastTransitionTime"], since.clone());
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
}

/// A success that is no object.
pub(super) fn success(code: StatusCode) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code.as_u16()})
}

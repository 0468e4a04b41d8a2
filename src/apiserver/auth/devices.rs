//! Who may claim devices with an administrator's rights, and who may tell what a claim was given.

use super::authenticate::service_account_name;
use super::impersonation::own_node;
use super::{Attributes, User};
use crate::api::{ObjectExt, Value};
use crate::apiserver::errors::{Answer, forbidden};
use crate::apiserver::kinds::field::Errors;
use crate::apiserver::pipeline::{Server, store_failure};
use crate::apiserver::registry::Served;
use crate::apiserver::store::Key;
use std::collections::BTreeSet;

const LABEL: &str = "resource.kubernetes.io/admin-access";

/// A write that is about devices.
pub(in crate::apiserver) struct Wanted<'a> {
    /// The resource.
    pub served: &'a Served,
    /// Whether it is about the status.
    pub is_status: bool,
    /// Who asks; none for the server itself.
    pub user: Option<&'a User>,
    /// What they ask: `update` or `patch`.
    pub verb: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The object before.
    pub old: Option<&'a Value>,
}

impl Server {
    /// Complains about devices that a claim asks for with an administrator's rights where the namespace does not allow
    /// it, and about changes of a claim's status by who may not make them.
    pub(in crate::apiserver) async fn confirm_devices(
        &self,
        wanted: &Wanted<'_>,
        new: &Value,
        errors: &mut Errors,
    ) -> Answer<()> {
        let Wanted { served, is_status, old, .. } = *wanted;
        if served.kind.group != "resource.k8s.io" || !is_status && old.is_some() {
            return Ok(());
        }
        let asked = match (served.info.resource.as_str(), is_status) {
            ("resourceclaims", false) => at_requests(new.items_at(&["spec", "devices", "requests"])),
            ("resourceclaimtemplates", false) => at_requests(new.items_at(&["spec", "spec", "devices", "requests"])),
            ("resourceclaims", true) if old.and_then(at_results).is_none() => at_results(new),
            _ => None,
        };
        if let Some(path) = asked {
            let key = Key { collection: "/registry/namespaces/".into(), name: wanted.namespace.into() };
            let entry = self.store.get(&key).await.map_err(store_failure)?;
            let label =
                entry.map(|entry| entry.object.value(entry.revision).text(&["metadata", "labels", LABEL]) == "true");
            if label == Some(false) {
                let complaint =
                    format!("admin access to devices requires the `{LABEL}: true` label on the containing namespace");
                errors.forbidden(path, &complaint);
            }
        }
        if let (true, Some(user), Some(old)) = (is_status, wanted.user, old) {
            self.confirm_binding(wanted, user, old, new, errors).await?;
            self.confirm_drivers(wanted, user, old, new, errors).await?;
        }
        Ok(())
    }

    async fn confirm_binding(
        &self,
        wanted: &Wanted<'_>,
        user: &User,
        old: &Value,
        new: &Value,
        errors: &mut Errors,
    ) -> Answer<()> {
        if ["allocation", "reservedFor"].iter().all(|part| new.at(&["status", part]) == old.at(&["status", part])) {
            return Ok(());
        }
        let attributes =
            Attributes { subresource: "binding".into(), ..Attributes::of(wanted.served, wanted.verb, "", "") };
        if let Some(why) = self.refusal(user, &attributes).await? {
            let complaint = format!(
                "changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", \
                 verb=\"{}\" permission: {why}",
                wanted.verb
            );
            errors.forbidden("status.allocation", &complaint);
        }
        Ok(())
    }

    async fn confirm_drivers(
        &self,
        wanted: &Wanted<'_>,
        user: &User,
        old: &Value,
        new: &Value,
        errors: &mut Errors,
    ) -> Answer<()> {
        if new.at(&["status", "allocation"]).is_none() {
            return Ok(());
        }
        let node = allocated_node(new);
        let is_there = service_account_name(&user.name).is_some() && node.is_some() && own_node(user) == node;
        let mut verbs = vec![format!("arbitrary-node:{}", wanted.verb)];
        if is_there {
            verbs.insert(0, format!("associated-node:{}", wanted.verb));
        }
        for driver in changed_drivers(old, new) {
            let mut first = None;
            let mut allowed = false;
            for verb in &verbs {
                let attributes = Attributes {
                    subresource: "driver".into(),
                    ..Attributes::of(wanted.served, verb, wanted.namespace, &driver)
                };
                match self.refusal(user, &attributes).await? {
                    None => allowed = true,
                    Some(why) => first = first.or(Some(why)),
                }
            }
            if let Some(why) = first.filter(|_| !allowed) {
                let complaint = format!(
                    "changing status.devices requires resource=\"resourceclaims/driver\", verb=\"[{}]\" permission: {why}",
                    verbs.join(" ")
                );
                errors.forbidden("status.devices", &complaint);
            }
        }
        Ok(())
    }

    /// Why a user may not do something; none when they may.
    async fn refusal(&self, user: &User, attributes: &Attributes) -> Answer<Option<String>> {
        let decision = self.authorize(user, attributes).await?;
        let about = crate::apiserver::errors::About {
            group: &attributes.group,
            kind: &attributes.resource,
            name: &attributes.name,
        };
        let why = || forbidden(about, &attributes.denied(user, &decision.reason)).message;
        Ok((!decision.allowed).then(why))
    }
}

/// Where the first of a claim's requests asks for an administrator's rights.
fn at_requests(requests: &[Value]) -> Option<String> {
    let index = requests.iter().position(|request| is_true(request, &["exactly", "adminAccess"]))?;
    Some(format!("spec.devices.requests[{index}].adminAccess"))
}

/// Where the first device was given with an administrator's rights.
fn at_results(claim: &Value) -> Option<String> {
    let results = claim.items_at(&["status", "allocation", "devices", "results"]);
    let index = results.iter().position(|result| is_true(result, &["adminAccess"]))?;
    Some(format!("status.allocation.devices.results[{index}].adminAccess"))
}

fn is_true(value: &Value, path: &[&str]) -> bool {
    value.at(path).and_then(Value::as_bool) == Some(true)
}

/// The one node whose devices a claim was given.
fn allocated_node(claim: &Value) -> Option<&str> {
    let [term] = claim.items_at(&["status", "allocation", "nodeSelector", "nodeSelectorTerms"]) else { return None };
    let [field] = term.items_at(&["matchFields"]) else { return None };
    let [name] = field.items_at(&["values"]) else { return None };
    let is_name = field.text(&["key"]) == "metadata.name" && field.text(&["operator"]) == "In";
    name.as_str().filter(|_| is_name && term.items_at(&["matchExpressions"]).is_empty())
}

/// The drivers of whose devices something else is told than before.
fn changed_drivers(old: &Value, new: &Value) -> BTreeSet<String> {
    let devices = |claim: &Value| claim.items_at(&["status", "devices"]).to_vec();
    let (before, now) = (devices(old), devices(new));
    let changed = now.iter().filter(|device| !before.contains(device));
    let gone = before.iter().filter(|device| !now.contains(device));
    changed.chain(gone).map(|device| device.text(&["driver"]).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_and_where() {
        let device =
            |driver: &str, note: &str| json!({"driver": driver, "pool": "p", "device": "d", "data": {"n": note}});
        let claim = |devices: Value| json!({"status": {"devices": devices}});
        let old = claim(json!([device("a", "1"), device("b", "1"), device("c", "1")]));
        let new = claim(json!([device("a", "1"), device("b", "2"), device("d", "1")]));
        assert_eq!(changed_drivers(&old, &new).into_iter().collect::<Vec<_>>(), ["b", "c", "d"]);

        let selector =
            |field: Value| json!({"status": {"allocation": {"nodeSelector": {"nodeSelectorTerms": [field]}}}});
        let field = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]});
        assert_eq!(allocated_node(&selector(field)), Some("n"));
        let other = json!({"matchExpressions": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]});
        assert_eq!(allocated_node(&selector(other)), None);

        let requests = [json!({"exactly": {}}), json!({"exactly": {"adminAccess": true}})];
        assert_eq!(at_requests(&requests).as_deref(), Some("spec.devices.requests[1].adminAccess"));
        assert_eq!(at_requests(&requests[..1]), None);
    }
}

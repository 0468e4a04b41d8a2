//! Parameters of policies: objects that bindings name.

use super::super::super::errors::Answer;
use super::super::super::pipeline::{Server, store_failure};
use super::super::super::registry::Served;
use super::super::super::store::Key;
use super::super::webhooks::matching;
use crate::api::{ObjectExt, Value};
use std::sync::Arc;

impl Server {
    /// The resource of a kind of parameters.
    pub(super) fn param_kind(&self, kind: &Value) -> Option<Arc<Served>> {
        let (version, kind) = (kind.text(&["apiVersion"]), kind.text(&["kind"]));
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let all = self.registry.all();
        all.into_iter()
            .find(|served| served.kind.group == group && served.kind.version == version && served.kind.kind == kind)
    }

    /// The parameters that a binding gives a policy; one that is none, where there are no parameters. The inner result
    /// is why they cannot be had.
    pub(super) async fn params(
        &self,
        kind: Option<(&Value, &Served)>,
        binding: &Value,
        namespace: &str,
    ) -> Answer<Result<Vec<Option<Value>>, String>> {
        let (Some((kind, served)), Some(reference)) = (kind, binding.at(&["spec", "paramRef"])) else {
            return Ok(Ok(vec![None]));
        };
        let wanted = reference.text(&["namespace"]);
        let namespace = match (served.info.namespaced(), wanted) {
            (true, "") if namespace.is_empty() => {
                let why = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
                return Ok(Err(why.into()));
            }
            (true, "") => namespace,
            (true, wanted) => wanted,
            (false, "") => "",
            (false, _) => {
                let why = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`";
                return Ok(Err(why.into()));
            }
        };
        let mut found: Vec<Value> = match reference.text(&["name"]) {
            "" => {
                let all = self.all(served, namespace).await?;
                let all = all.iter().map(|entry| served.value(&entry.object, entry.revision));
                all.filter(|object| matching::selects(reference, "selector", object.at(&["metadata", "labels"])))
                    .collect()
            }
            name => {
                let key = Key { collection: served.collection.clone(), name: served.place(namespace, name) };
                let entry = self.store.get(&key).await.map_err(store_failure)?;
                entry.into_iter().map(|entry| served.value(&entry.object, entry.revision)).collect()
            }
        };
        for object in &mut found {
            for field in ["apiVersion", "kind"] {
                object.put(&[field], kind.text(&[field]));
            }
        }
        if found.is_empty() && reference.text(&["parameterNotFoundAction"]) == "Deny" {
            return Ok(Err("no params found for policy binding with `Deny` parameterNotFoundAction".into()));
        }
        Ok(Ok(found.into_iter().map(Some).collect()))
    }
}

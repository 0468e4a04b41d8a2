//! Pods get what their RuntimeClass costs, and go where it is (RuntimeClass).

use super::super::errors::Answer;
use super::super::pipeline::{Server, store_failure};
use super::super::store::Key;
use super::{Asked, Operation};
use crate::api::{ObjectExt, Value};

impl Asked<'_> {
    fn is_new_pod(&self) -> bool {
        self.operation == Operation::Create && self.subresource.is_empty() && self.is_for("", "pods")
    }
}

impl Server {
    /// Gives a pod the overhead and the scheduling rules of its class.
    pub(super) async fn follow_runtime_class(&self, asked: &Asked<'_>, pod: &mut Value) -> Answer<()> {
        let name = pod.text(&["spec", "runtimeClassName"]).to_string();
        if !asked.is_new_pod() || name.is_empty() {
            return Ok(());
        }
        let Some(classes) = self.registry.find("node.k8s.io", "v1", "runtimeclasses") else { return Ok(()) };
        let key = Key { collection: classes.collection.clone(), name: name.as_str().into() };
        let Some(entry) = self.store.get(&key).await.map_err(store_failure)? else {
            return Err(asked.refuse(pod, &format!("pod rejected: RuntimeClass {name:?} not found")));
        };
        let class = classes.value(&entry.object, entry.revision);
        if let Some(cost) = class.at(&["overhead", "podFixed"]) {
            if pod.at(&["spec", "overhead"]).is_some_and(|own| own != cost) {
                let why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
                return Err(asked.refuse(pod, why));
            }
            pod.put(&["spec", "overhead"], cost.clone());
        }
        for (key, value) in class.map_at(&["scheduling", "nodeSelector"]).into_iter().flatten() {
            match pod.at(&["spec", "nodeSelector", key]) {
                Some(own) if own != value => {
                    let [value, own] = [value, own].map(|value| value.as_str().unwrap_or_default().to_string());
                    let why = format!(
                        "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {own}"
                    );
                    return Err(asked.refuse(pod, &why));
                }
                _ => pod.put(&["spec", "nodeSelector", key], value.clone()),
            }
        }
        let mut tolerations = pod.items_at(&["spec", "tolerations"]).to_vec();
        for toleration in class.items_at(&["scheduling", "tolerations"]) {
            if !tolerations.contains(toleration) {
                tolerations.push(toleration.clone());
            }
        }
        if !tolerations.is_empty() {
            pod.put(&["spec", "tolerations"], tolerations);
        }
        Ok(())
    }
}

/// Refuses a pod that brings an overhead without a class.
pub(super) fn check_overhead(asked: &Asked<'_>, pod: &Value) -> Answer<()> {
    let has_class = !pod.text(&["spec", "runtimeClassName"]).is_empty();
    if asked.is_new_pod() && !has_class && pod.at(&["spec", "overhead"]).is_some() {
        let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        return Err(asked.refuse(pod, why));
    }
    Ok(())
}

//! Pods get the priority of their class (Priority).

use super::super::errors::{About, Answer, forbidden};
use super::super::pipeline::{Server, store_failure};
use super::super::registry::Served;
use super::super::store::Key;
use crate::api::{ObjectExt, Value};

impl Server {
    /// Gives a pod the priority of its class.
    pub(super) async fn prioritise(&self, pod: &mut Value) -> Answer<()> {
        let class = pod.text(&["spec", "priorityClassName"]).to_string();
        let Some(classes) = self.registry.find("scheduling.k8s.io", "v1", "priorityclasses") else { return Ok(()) };
        let found = if class.is_empty() {
            self.default_priority_class(classes).await?
        } else {
            let key = Key { collection: classes.collection.clone(), name: class.as_str().into() };
            let Some(entry) = self.store.get(&key).await.map_err(store_failure)? else {
                let why = format!("no PriorityClass with name {class} was found");
                return Err(forbidden(About { group: "", kind: "pods", name: pod.name() }, &why));
            };
            Some(classes.value(&entry.object, entry.revision))
        };
        let value = found.as_ref().and_then(|class| class.integer(&["value"])).unwrap_or(0);
        let policy = found.as_ref().map_or("", |class| class.text(&["preemptionPolicy"]));
        let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
        if let Some(given) = pod.integer(&["spec", "priority"])
            && given != value
        {
            let why = format!(
                "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
                 computed {value} from the given PriorityClass name"
            );
            return Err(forbidden(About { group: "", kind: "pods", name: pod.name() }, &why));
        }
        let given = pod.text(&["spec", "preemptionPolicy"]);
        if !given.is_empty() && given != policy {
            let why = format!(
                "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
                 controller computed {policy} from the given PriorityClass name"
            );
            return Err(forbidden(About { group: "", kind: "pods", name: pod.name() }, &why));
        }
        pod.put(&["spec", "priority"], value);
        pod.put(&["spec", "preemptionPolicy"], policy);
        if let Some(class) = found.as_ref().filter(|_| class.is_empty()) {
            pod.put(&["spec", "priorityClassName"], class.name());
        }
        Ok(())
    }

    async fn default_priority_class(&self, classes: &Served) -> Answer<Option<Value>> {
        let all = self.all(classes, "").await?;
        let values = all.iter().map(|entry| classes.value(&entry.object, entry.revision));
        let defaults = values.filter(|class| class.get("globalDefault") == Some(&true.into()));
        Ok(defaults.min_by_key(|class| class.integer(&["value"])))
    }
}

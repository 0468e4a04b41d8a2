//! Objects that a command makes from its flags, and how they are created.

use super::options::{DryRun, Validation};
use super::{Cluster, Failure, last_applied};
use crate::api::{Object, ObjectExt};
use crate::client::{Mapping, Request};
use crate::schema;

/// An object of a built-in kind made from flags, and how it is to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// The object.
    pub object: Object,
    /// Whether it is stored.
    pub dry_run: DryRun,
    /// Whether its configuration is kept in its annotation.
    pub save_config: bool,
    /// The field manager.
    pub manager: String,
    /// What happens about unknown fields; none where the command leaves it to the server.
    pub validation: Option<Validation>,
    /// What kubectl puts before a failure, such as `failed to create configmap: `.
    pub complaint: &'static str,
}

impl Creation {
    /// Puts the object into a namespace that was asked for by name, when it lives in one.
    pub fn put_into(&mut self, namespace: &str) {
        if self.mapping().namespaced {
            self.object.put(&["metadata", "namespace"], namespace);
        }
    }

    /// The object as it is sent: with the fields that Go always writes, and its configuration where it is to be kept.
    pub fn prepared(mut self) -> Self {
        if let Some(Ok(object)) = schema::as_go_type(&self.object) {
            self.object = object;
        }
        if self.save_config {
            last_applied::write_typed(&mut self.object);
        }
        self
    }

    /// Creates the prepared object.
    pub async fn run(self, cluster: &Cluster) -> Result<Object, Failure> {
        let mapping = self.mapping();
        let namespace = match self.object.namespace() {
            "" => cluster.namespace.as_str(),
            namespace => namespace,
        };
        let mut request = Request::create(&mapping, if mapping.namespaced { namespace } else { "" }, &self.object)
            .query("fieldManager", &self.manager)
            .query_if("fieldValidation", self.validation.map_or("", Validation::parameter));
        if self.dry_run == DryRun::Server {
            request = request.query("dryRun", "All");
        }
        cluster.client.json(&request).await.map_err(|error| match self.complaint {
            "" => error.into(),
            // Generators hide the kind of failure behind words of their own, where they have any.
            complaint => Failure::message(format!("{complaint}{error}")),
        })
    }

    /// Where objects of this kind are.
    fn mapping(&self) -> Mapping {
        let kind = self.object.group_version_kind();
        match schema::resources().iter().find(|resource| resource.group_version_kind() == kind) {
            Some(resource) => Mapping {
                gvr: resource.group_version_resource(),
                gvk: kind,
                namespaced: resource.namespaced(),
                ..Mapping::default()
            },
            None => Mapping::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn creation(object: Object, save_config: bool) -> Creation {
        Creation {
            object,
            dry_run: DryRun::None,
            save_config,
            manager: String::new(),
            validation: Some(Validation::Strict),
            complaint: "",
        }
    }

    #[test]
    fn objects_are_sent_as_go_writes_them() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
        let mut sent = creation(namespace, false);
        sent.put_into("foo");
        assert_eq!(
            sent.prepared().object,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}, "spec": {}, "status": {}})
        );
        let mut sent = creation(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}), true);
        sent.put_into("foo");
        let object = sent.prepared().object;
        assert_eq!(object.namespace(), "foo");
        let text =
            "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"c\",\"namespace\":\"foo\"}}\n";
        assert_eq!(last_applied::read(&object), Some(text));
    }
}

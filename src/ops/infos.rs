//! Objects from manifests, with where they live on the server.

use super::faults::ListPlace;
use super::{Cluster, Failure};
use crate::api::{Object, ObjectExt};
use crate::client::Mapping;
use crate::manifest::Item;

/// An object from a manifest and its place on the server.
#[derive(Clone, Debug)]
pub struct Info {
    /// The resource and its kind.
    pub mapping: Mapping,
    /// The namespace; empty for what belongs to the whole cluster.
    pub namespace: String,
    /// The name; empty when the manifest has none.
    pub name: String,
    /// What the manifest says.
    pub object: Object,
    /// The file, URL or `STDIN` that it is from; empty when it is from no manifest.
    pub source: String,
    /// The document of the list that it was in, if it was in one.
    pub list: Option<usize>,
}

impl Info {
    /// Finds an object's place: its resource, and the command's namespace where it says none.
    pub fn within(item: Item, mapping: Mapping, namespace: &str) -> Self {
        let Item { mut object, source, place, .. } = item;
        let namespace = if mapping.namespaced {
            let own = object.namespace().to_string();
            if own.is_empty() {
                // What has no metadata is sent as it is, for the server to say so.
                if object.get("metadata").is_none_or(|metadata| metadata.is_object() || metadata.is_null()) {
                    object.put(&["metadata", "namespace"], namespace);
                }
                namespace.to_owned()
            } else {
                own
            }
        } else {
            // A namespace means nothing to what belongs to the whole cluster.
            object.take_at(&["metadata", "namespace"]);
            String::new()
        };
        let name = object.name().to_string();
        Info { mapping, namespace, name, object, source, list: place.item.map(|_| place.document) }
    }

    /// Refuses an object of another namespace than the one that was asked for by name.
    pub fn required(self, cluster: &Cluster) -> Result<Self, Failure> {
        if cluster.enforced { self.required_in(&cluster.namespace) } else { Ok(self) }
    }

    /// Refuses an object of another namespace than this one.
    pub fn required_in(self, namespace: &str) -> Result<Self, Failure> {
        if self.mapping.namespaced && self.namespace != namespace {
            return Err(Self::other_namespace(&self.namespace, namespace));
        }
        Ok(self)
    }

    /// An object that is worked on without a server, in the namespace that it says, if any.
    pub fn local(item: Item, enforced: Option<&str>) -> Result<Self, Failure> {
        let Item { object, source, .. } = item;
        let (namespace, name) = (object.namespace().to_string(), object.name().to_string());
        if let Some(enforced) = enforced
            && !namespace.is_empty()
            && namespace != enforced
        {
            return Err(Self::other_namespace(&namespace, enforced));
        }
        let mapping = Mapping { gvk: object.group_version_kind(), ..Mapping::default() };
        Ok(Info { mapping, namespace, name, object, source, list: None })
    }

    /// The object as errors name it.
    pub fn describe(&self) -> String {
        let (gvr, gvk) = (&self.mapping.gvr, &self.mapping.gvk);
        format!(
            "Resource: \"{gvr}\", GroupVersionKind: \"{gvk}\"\nName: {:?}, Namespace: {:?}",
            self.name, self.namespace
        )
    }

    /// The object as some errors name it: by its resource, or by its kind where no server was asked.
    pub fn short(&self) -> String {
        match (self.mapping.gvr.resource.as_str(), self.mapping.gvk.group.as_str()) {
            ("", "") => format!("{}/{}", self.mapping.gvk.kind.to_lowercase(), self.name),
            ("", group) => format!("{}.{group}/{}\n", self.mapping.gvk.kind.to_lowercase(), self.name),
            (resource, _) => format!("{resource}/{}", self.name),
        }
    }

    /// What is said of an object that belongs to another namespace than the one to work in.
    pub fn other_namespace(own: &str, enforced: &str) -> Failure {
        Failure::message(format!(
            "the namespace from the provided object {own:?} does not match the namespace {enforced:?}. You must pass '--namespace={own}' to perform this operation."
        ))
    }

    /// The list that it was in, if it was in one.
    pub fn list_place(&self) -> Option<ListPlace> {
        self.list.map(|document| (self.source.clone(), document))
    }

    /// What tells this object from others.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.mapping.gvr.group_resource(), self.namespace, self.name)
    }
}

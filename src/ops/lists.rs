//! Reading lists page by page, as objects or as tables.

use super::{Cluster, Failure};
use crate::api::table::Table;
use crate::api::{GroupVersionKind, Object, ObjectExt, Status, Value};
use crate::client::{Mapping, Request};

/// What a server is asked for when a person is to read the answer (KEP-555); what cannot make tables answers with
/// objects.
pub const TABLE: &str =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

/// Which objects of a type are read, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// `labelSelector`.
    pub labels: String,
    /// `fieldSelector`.
    pub fields: String,
    /// The page size; 0 for all at once.
    pub chunk: i64,
    /// The subresource of each single object; empty for the object itself.
    pub subresource: String,
    /// What is asked for.
    pub form: Form,
}

/// In which form objects are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    #[default]
    Objects,
    /// As a table, with this of each object beside its row: `Object`, `Metadata` or `None`.
    Table(&'static str),
}

impl Query {
    /// The request for a list.
    pub fn list(&self, mapping: &Mapping, namespace: &str) -> Request {
        let namespace = if mapping.namespaced { namespace } else { "" };
        let mut request = self.formed(Request::list(mapping, namespace));
        if self.chunk > 0 {
            request = request.query("limit", &self.chunk.to_string());
        }
        for (name, value) in [("labelSelector", &self.labels), ("fieldSelector", &self.fields)] {
            if !value.is_empty() {
                request = request.query(name, value);
            }
        }
        request
    }

    /// The request for one object.
    pub fn object(&self, mapping: &Mapping, namespace: &str, name: &str) -> Request {
        let request = self.formed(Request::get(mapping, namespace, name));
        if self.subresource.is_empty() { request } else { request.subresource(&self.subresource) }
    }

    /// Asks for a table where one is wanted.
    pub fn formed(&self, request: Request) -> Request {
        match self.form {
            Form::Objects => request,
            // Metadata is what a server adds unless it is told otherwise.
            Form::Table("Metadata") => request.accept(TABLE),
            Form::Table(include) => request.accept(TABLE).query("includeObject", include),
        }
    }

    /// Reads all pages of a list, each handed to `page` as it comes. The result is the list's version.
    ///
    /// # Errors
    /// What went wrong while reading, and what `page` says.
    pub async fn pages(
        &self,
        cluster: &Cluster,
        mapping: &Mapping,
        namespace: &str,
        mut page: impl FnMut(Value) -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        self.each_page(mapping, namespace, async |request| {
            let list = cluster.client.json(&request).await?;
            let next = Next::after(&list);
            page(list)?;
            Ok(next)
        })
        .await
    }

    /// Reads all objects of a list, each handed to `object` before the next one is decoded: no more of a page is in
    /// memory than its text. Each says what it is.
    ///
    /// # Errors
    /// As of [`Query::pages`].
    pub async fn objects(
        &self,
        cluster: &Cluster,
        mapping: &Mapping,
        namespace: &str,
        mut object: impl FnMut(Object) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (api_version, kind) = (mapping.gvk.api_version(), &mapping.gvk.kind);
        let mut named = |mut item: Object| {
            name_kind(&mut item, &api_version, kind);
            object(item)
        };
        let end = self.each_page(mapping, namespace, async |request| {
            let mut any = false;
            let rest = cluster.client.items(&request, |item| {
                any = true;
                named(item)
            });
            let rest = rest.await?;
            let next = Next::after(&rest);
            // What is no list is its only item.
            if !any && !rest.kind().ends_with("List") {
                named(rest)?;
            }
            Ok(next)
        });
        end.await.map(drop)
    }

    /// Asks for page after page.
    ///
    /// A list that changed so much that its next page is gone (410) goes on from a fresh look, as the server offers.
    async fn each_page(
        &self,
        mapping: &Mapping,
        namespace: &str,
        mut read: impl AsyncFnMut(Request) -> Result<Next, Failure>,
    ) -> Result<String, Failure> {
        let first = self.list(mapping, namespace);
        let mut token = String::new();
        loop {
            let request = if token.is_empty() { first.clone() } else { first.clone().query("continue", &token) };
            let next = match read(request).await {
                Ok(next) => next,
                Err(failure) => match failure.status().map(|status| (status.code, status.continue_token())) {
                    Some((410, Some(next))) if !token.is_empty() => {
                        token = next;
                        continue;
                    }
                    _ => return Err(explained(failure, mapping, &self.labels, &self.fields)),
                },
            };
            if next.token.is_empty() {
                return Ok(next.version);
            }
            token = next.token;
        }
    }
}

/// Says what a list was to hold, where the server refuses the question or does not know the resource.
pub fn explained(failure: Failure, mapping: &Mapping, labels: &str, fields: &str) -> Failure {
    let explains = |status: &Status| matches!(status.reason.as_str(), "BadRequest" | "NotFound");
    if !failure.status().is_some_and(explains) {
        return failure;
    }
    let gvr = &mapping.gvr;
    failure.within(&match (labels, fields) {
        ("", "") => format!("Unable to list \"{gvr}\""),
        _ => format!("Unable to find \"{gvr}\" that match label selector {labels:?}, field selector {fields:?}"),
    })
}

/// What a page says of the list that it is of.
struct Next {
    /// Where the next page begins; empty after the last.
    token: String,
    version: String,
}

impl Next {
    fn after(list: &Value) -> Self {
        let text = |name| list.text(&["metadata", name]).to_string();
        Self { token: text("continue"), version: text("resourceVersion") }
    }
}

/// Whether the answer is a table.
pub fn is_table(answer: &Value) -> bool {
    answer.kind() == "Table" && answer.api_version().starts_with("meta.k8s.io/")
}

/// The answer as a table.
pub fn table(answer: Value) -> Result<Table, Failure> {
    serde_json::from_value(answer)
        .map_err(|error| Failure::message(format!("the server's table cannot be read: {error}")))
}

/// The items of a list, each saying what it is: servers leave that out of the items of their own kinds. An answer that
/// is no list is its only item.
pub fn items(mut answer: Value) -> Vec<Object> {
    if !answer.get("items").is_some_and(Value::is_array) {
        return vec![answer];
    }
    let kind = answer.kind().strip_suffix("List").unwrap_or_default().to_string();
    let api_version = answer.api_version().to_string();
    let Some(Value::Array(mut items)) = answer.take_at(&["items"]) else { return Vec::new() };
    for item in &mut items {
        name_kind(item, &api_version, &kind);
    }
    items
}

/// Makes an object say what it is, when it does not.
pub fn name_kind(object: &mut Object, api_version: &str, kind: &str) {
    if object.kind().is_empty() && !kind.is_empty() {
        object.put(&["kind"], kind);
        object.put(&["apiVersion"], api_version);
    }
}

/// The kind as it stands before names in tables: `deployment.apps`.
pub fn prefix(kind: &GroupVersionKind) -> String {
    crate::api::group::qualified(&kind.kind.to_lowercase(), &kind.group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_say_what_they_are() {
        let list = json!({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]});
        assert_eq!(items(list), [json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}})]);
        let mixed = json!({"kind": "List", "apiVersion": "v1", "items": [{"kind": "Pod", "apiVersion": "v1"}]});
        assert_eq!(items(mixed)[0].kind(), "Pod");
        assert_eq!(items(json!({"kind": "Pod"})).len(), 1);
    }
}

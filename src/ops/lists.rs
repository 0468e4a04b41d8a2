//! Reading lists page by page, as objects or as tables.

use super::{Cluster, Failure};
use crate::api::table::Table;
use crate::api::{GroupVersionKind, Object, ObjectExt, Status, Value};
use crate::client::{List, Mapping, Request, TABLE};

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

    /// The pages of a list, of which none is asked for yet.
    pub fn read<'a>(&'a self, cluster: &'a Cluster, mapping: &Mapping, namespace: &str) -> Pages<'a> {
        Pages {
            query: self,
            cluster,
            mapping: mapping.clone(),
            first: self.list(mapping, namespace),
            next: Some(String::new()),
            version: String::new(),
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
        let mut pages = self.read(cluster, mapping, namespace);
        while let Some(value) = pages.next_value().await? {
            page(value)?;
        }
        Ok(pages.version)
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

/// The pages of a list, which are asked for one after the other.
pub struct Pages<'a> {
    query: &'a Query,
    cluster: &'a Cluster,
    mapping: Mapping,
    first: Request,
    /// Where the next page begins: empty for the first, none after the last.
    next: Option<String>,
    version: String,
}

impl Pages<'_> {
    /// The next page. After a failure there is none.
    ///
    /// # Errors
    /// What went wrong while reading.
    pub async fn next(&mut self) -> Result<Option<List>, Failure> {
        let cluster = self.cluster;
        let read = async |request: Request| {
            let list = cluster.client.list(&request).await?;
            let at = Place::after(list.head());
            Ok((list, at))
        };
        self.read(read).await
    }

    async fn next_value(&mut self) -> Result<Option<Value>, Failure> {
        let cluster = self.cluster;
        let read = async |request: Request| {
            let list = cluster.client.json(&request).await?;
            let at = Place::after(&list);
            Ok((list, at))
        };
        self.read(read).await
    }

    /// A list that changed so much that its next page is gone (410) goes on from a fresh look, as the server offers.
    async fn read<T>(
        &mut self,
        read: impl AsyncFn(Request) -> Result<(T, Place), Failure>,
    ) -> Result<Option<T>, Failure> {
        while let Some(token) = self.next.take() {
            let first = self.first.clone();
            let request = if token.is_empty() { first } else { first.query("continue", &token) };
            match read(request).await {
                Ok((page, Place { next, version })) => {
                    (self.next, self.version) = (next, version);
                    return Ok(Some(page));
                }
                Err(failure) => match failure.status().map(|status| (status.code, status.continue_token())) {
                    Some((410, Some(next))) if !token.is_empty() => self.next = Some(next),
                    _ => return Err(explained(failure, &self.mapping, &self.query.labels, &self.query.fields)),
                },
            }
        }
        Ok(None)
    }
}

/// What a page says of the list that it is of.
struct Place {
    /// Where the next page begins; none after the last.
    next: Option<String>,
    version: String,
}

impl Place {
    fn after(list: &Value) -> Self {
        let text = |name| list.text(&["metadata", name]).to_string();
        Self { next: Some(text("continue")).filter(|token| !token.is_empty()), version: text("resourceVersion") }
    }
}

/// The objects of a page or the one object of an answer, with their managed fields or without, each saying what it is.
pub fn objects<'a>(
    list: &'a List,
    mapping: &'a Mapping,
    managed_fields: bool,
) -> impl Iterator<Item = Result<Object, Failure>> + 'a {
    let api_version = mapping.gvk.api_version();
    list.objects(managed_fields).map(move |object| {
        let mut object = object?;
        name_kind(&mut object, &api_version, &mapping.gvk.kind);
        Ok(object)
    })
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

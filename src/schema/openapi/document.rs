//! Whole OpenAPI documents.

use super::operations::{Answer, Body, Operation, Parameter, PathItem, of_resource, plain, tag};
use super::types::{Dialect, schema};
use crate::api::types::Gvk;
use crate::api::{Catalog, GroupVersion, GroupVersionKind, Map, TypeNode, Value};
use crate::schema::Resource;
use serde_json::json;
use std::collections::BTreeSet;

const FORMATS: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const STREAMS: [&str; 2] = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];
const STRATEGIC: &str = PATCHES[2];

/// What a document is about.
pub struct Contents<'a> {
    /// The types.
    pub catalog: &'a Catalog,
    /// Whether objects take strategic merge patches: the built-in ones do.
    pub strategic: bool,
}

impl Contents<'_> {
    /// The OpenAPI 3 document of one version: its paths, and the types that they need.
    pub fn v3(&self, version: &GroupVersion, resources: &[&Resource]) -> Value {
        let is_named = |gvk: &Gvk| {
            gvk.group.is_empty() && gvk.version == "v1" || gvk.group == version.group && gvk.version == version.version
        };
        let writer = Writer { contents: self, dialect: Dialect::V3, tag: Some(tag(version)) };
        writer.v3(of_version(version, resources), &is_named)
    }

    /// The OpenAPI 3 document of paths that are about no kind.
    pub fn v3_plain(&self, items: Vec<PathItem>) -> Value {
        Writer { contents: self, dialect: Dialect::V3, tag: None }.v3(items, &|gvk| gvk.group.is_empty())
    }

    /// The Swagger 2 document of several versions: their paths, and all types.
    pub fn v2(&self, versions: &[(GroupVersion, Vec<&Resource>)]) -> Value {
        let mut paths = Map::new();
        for (version, resources) in versions {
            let writer = Writer { contents: self, dialect: Dialect::V2, tag: Some(tag(version)) };
            let items = of_version(version, resources);
            paths.extend(items.iter().map(|item| (item.path.clone(), writer.path(item))));
        }
        let types = self.catalog.types().keys();
        let definitions: Map<String, Value> =
            types.map(|name| (name.clone(), schema(self.catalog, name, Dialect::V2, &|_| true))).collect();
        json!({
            "swagger": "2.0",
            "info": info(),
            "securityDefinitions": {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}},
            "security": [{"BearerToken": []}],
            "paths": paths,
            "definitions": definitions,
        })
    }
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "1.36"})
}

fn of_version(version: &GroupVersion, resources: &[&Resource]) -> Vec<PathItem> {
    let id = super::operations::group_name(&version.group);
    let version_name = format!("{}{}", version.version[..1].to_ascii_uppercase(), &version.version[1..]);
    let discovery = Answer::Type("io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList");
    let root = plain(&format!("{}/", version.root()), format!("get{id}{version_name}APIResources"), discovery);
    std::iter::once(root).chain(resources.iter().flat_map(|resource| of_resource(resource))).collect()
}

struct Writer<'a> {
    contents: &'a Contents<'a>,
    dialect: Dialect,
    tag: Option<String>,
}

impl Writer<'_> {
    fn v3(&self, items: Vec<PathItem>, is_named: &dyn Fn(&Gvk) -> bool) -> Value {
        let paths: Map<String, Value> = items.iter().map(|item| (item.path.clone(), self.path(item))).collect();
        let mut needed = BTreeSet::new();
        for item in &items {
            for operation in &item.operations {
                let of_answer = self.type_of_answer(&operation.answer);
                of_answer
                    .into_iter()
                    .chain(self.type_of_body(&operation.body))
                    .for_each(|name| self.need(name, &mut needed));
            }
        }
        let schemas: Map<String, Value> = needed
            .into_iter()
            .map(|name| (name.to_owned(), schema(self.contents.catalog, name, self.dialect, is_named)))
            .collect();
        json!({
            "openapi": "3.0.0",
            "info": info(),
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}},
            },
        })
    }

    /// Adds a type and all that it refers to.
    fn need<'t>(&'t self, name: &'t str, needed: &mut BTreeSet<&'t str>) {
        fn references<'t>(node: &'t TypeNode, found: &mut Vec<&'t str>) {
            found.extend(node.reference.as_deref());
            let parts =
                node.fields.values().map(Box::as_ref).chain(node.values.as_deref()).chain(node.items.as_deref());
            parts.for_each(|part| references(part, found));
        }
        let Some(node) = self.contents.catalog.types().get(name) else { return };
        if needed.insert(name) {
            let mut found = Vec::new();
            references(node, &mut found);
            found.into_iter().for_each(|name| self.need(name, needed));
        }
    }

    /// The name of the type of a kind; kinds without one are not described.
    fn type_of(&self, kind: &GroupVersionKind) -> Option<&str> {
        self.contents.catalog.kind_name(kind)
    }

    fn type_of_answer<'t>(&'t self, answer: &'t Answer) -> Option<&'t str> {
        match answer {
            Answer::Kind(kind) | Answer::List(kind) => self.type_of(kind),
            Answer::Type(name) => Some(name),
            Answer::Text | Answer::Stream => None,
        }
    }

    fn type_of_body<'t>(&'t self, body: &'t Body) -> Option<&'t str> {
        match body {
            Body::None => None,
            Body::Kind(kind, _) => self.type_of(kind),
            Body::Patch => Some("io.k8s.apimachinery.pkg.apis.meta.v1.Patch"),
        }
    }

    fn path(&self, item: &PathItem) -> Value {
        let mut path: Map<String, Value> =
            item.operations.iter().map(|operation| (operation.method.to_owned(), self.operation(operation))).collect();
        if !item.parameters.is_empty() {
            let parameters = item.parameters.iter().map(|parameter| self.parameter(parameter));
            path.insert("parameters".into(), parameters.collect());
        }
        Value::Object(path)
    }

    fn parameter(&self, (name, kind): &Parameter) -> Value {
        let in_path = ["name", "namespace"].contains(name);
        let place = if in_path { "path" } else { "query" };
        let mut parameter = match self.dialect {
            Dialect::V2 => json!({"name": name, "in": place, "type": kind, "uniqueItems": true}),
            Dialect::V3 => json!({"name": name, "in": place, "schema": {"type": kind, "uniqueItems": true}}),
        };
        if in_path {
            parameter["required"] = true.into();
        }
        parameter
    }

    fn operation(&self, operation: &Operation) -> Value {
        let mut parameters: Vec<Value> =
            operation.parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        let mut value = json!({"operationId": operation.id, "responses": self.responses(operation)});
        if let Some(tag) = &self.tag {
            value["tags"] = json!([tag]);
        }
        match self.dialect {
            Dialect::V3 => {
                if let Some(body) = self.v3_body(&operation.body) {
                    value["requestBody"] = body;
                }
            }
            Dialect::V2 => {
                value["schemes"] = json!(["https"]);
                value["produces"] = json!(media_types(&operation.answer, Dialect::V2));
                value["consumes"] = match &operation.body {
                    Body::Patch => json!(self.patches()),
                    _ if operation.kind.is_none() => json!(FORMATS),
                    _ => json!(["*/*"]),
                };
                parameters.splice(0..0, self.v2_body(&operation.body));
            }
        }
        if !parameters.is_empty() {
            value["parameters"] = parameters.into();
        }
        if let Some(kind) = &operation.kind {
            value["x-kubernetes-action"] = operation.action.into();
            value["x-kubernetes-group-version-kind"] =
                json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
        }
        value
    }

    fn responses(&self, operation: &Operation) -> Value {
        let schema = match self.type_of_answer(&operation.answer) {
            Some(name) => self.dialect.reference(name),
            None => json!({"type": "string"}),
        };
        let answer = match self.dialect {
            Dialect::V2 => json!({"schema": schema}),
            Dialect::V3 => {
                let types = media_types(&operation.answer, Dialect::V3).into_iter();
                let content: Map<String, Value> =
                    types.map(|media| (media.into(), json!({"schema": schema}))).collect();
                json!({"content": content})
            }
        };
        let answers = operation.codes.iter().map(|code| (code.to_string(), answer.clone()));
        Value::Object(answers.chain([("401".into(), json!({}))]).collect())
    }

    fn patches(&self) -> Vec<&'static str> {
        PATCHES.into_iter().filter(|patch| self.contents.strategic || *patch != STRATEGIC).collect()
    }

    fn v3_body(&self, body: &Body) -> Option<Value> {
        let schema = json!({"schema": self.dialect.reference(self.type_of_body(body)?)});
        Some(match body {
            Body::Patch => {
                let content: Map<String, Value> =
                    self.patches().into_iter().map(|patch| (patch.into(), schema.clone())).collect();
                json!({"content": content, "required": true})
            }
            Body::Kind(_, true) => json!({"content": {"*/*": schema}, "required": true}),
            _ => json!({"content": {"*/*": schema}}),
        })
    }

    fn v2_body(&self, body: &Body) -> Option<Value> {
        let mut value =
            json!({"name": "body", "in": "body", "schema": self.dialect.reference(self.type_of_body(body)?)});
        if !matches!(body, Body::Kind(_, false)) {
            value["required"] = true.into();
        }
        Some(value)
    }
}

/// In which formats an answer comes.
fn media_types(answer: &Answer, dialect: Dialect) -> Vec<&'static str> {
    match answer {
        Answer::List(_) => FORMATS.into_iter().chain(STREAMS).collect(),
        Answer::Text if dialect == Dialect::V2 => ["text/plain"].into_iter().chain(FORMATS).collect(),
        Answer::Text => vec!["text/plain"],
        Answer::Stream => vec!["*/*"],
        Answer::Kind(_) | Answer::Type(_) => FORMATS.to_vec(),
    }
}

/// The documents about no version: discovery, the server's version, the keys of service accounts.
pub fn plain_items(path: &str) -> Option<Vec<PathItem>> {
    let (id, answer) = match path {
        "api" => ("getCoreAPIVersions".into(), Answer::Type("io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions")),
        "apis" => ("getAPIVersions".into(), Answer::Type("io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList")),
        "version" => ("getCodeVersion".into(), Answer::Type("io.k8s.apimachinery.pkg.version.Info")),
        ".well-known/openid-configuration" => ("getServiceAccountIssuerOpenIDConfiguration".into(), Answer::Text),
        "openid/v1/jwks" => ("getServiceAccountIssuerOpenIDKeyset".into(), Answer::Text),
        group => {
            let group = group.strip_prefix("apis/").filter(|group| !group.contains('/'))?;
            let id = format!("get{}APIGroup", super::operations::group_name(group));
            (id, Answer::Type("io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup"))
        }
    };
    Some(vec![plain(&format!("/{path}/"), id, answer)])
}

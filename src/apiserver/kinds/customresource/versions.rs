//! The versions of a custom resource. What all of them share, kube-apiserver keeps in one place above them, and its
//! complaints say so.

use super::super::super::custom::rules::resolve;
use super::super::super::custom::schema::Schema;
use super::super::field::{Errors, Field};
use super::super::internal;
use super::schema;
use crate::api::names::dns1035_label;
use crate::api::{ObjectExt, Value, gotext, json};

/// What may be shared, with the names of both places.
const SHARED: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

fn is_shared(spec: &Field, name: &str) -> bool {
    let list = spec.get("versions");
    let mut versions = list.value().as_array().into_iter().flatten();
    let first = versions.next().and_then(|version| version.get(name));
    versions.all(|version| version.get(name) == first)
}

/// Complains about versions without a schema.
pub(super) fn have_schemas(spec: &Field, errors: &mut Errors) {
    for version in spec.get("versions").items() {
        if !version.get("schema.openAPIV3Schema").is_set() {
            errors.required(version.get("schema.openAPIV3Schema"), "");
        }
    }
}

/// Whether any schema has a default.
pub(super) fn have_defaults(spec: &Field) -> bool {
    fn has(value: &Value) -> bool {
        match value {
            Value::Object(map) => {
                map.contains_key("default") || map.iter().any(|(name, inner)| name != "example" && has(inner))
            }
            Value::Array(list) => list.iter().any(has),
            _ => false,
        }
    }
    spec.get("versions").items().any(|version| has(version.get("schema").value()))
}

/// Complains about the versions.
pub(super) fn validate(spec: &Field, errors: &mut Errors) {
    let versions = spec.get("versions");
    for version in versions.items() {
        let name = version.get("name");
        let complaints = dns1035_label(name.text());
        if !complaints.is_empty() {
            errors.invalid(name, &name.text().into(), &complaints.join(","));
        }
        deprecation(&version, errors);
        for (part, _) in SHARED.iter().filter(|(part, _)| !is_shared(spec, part)) {
            self::part(part, &version.get(part), &version, errors);
        }
    }
    let names: Vec<&str> = versions.items().map(|version| version.get("name").text()).collect();
    let mut whole = |complaint: &str| {
        errors.invalid_as(versions, &internal(spec), complaint);
    };
    if names.iter().enumerate().any(|(index, name)| names[..index].contains(name)) {
        whole("must contain unique version names");
    }
    if versions.items().filter(|version| version.get("storage").is_true()).count() != 1 {
        whole("must have exactly one version marked as storage version");
    }
    if let Some(first) = versions.items().next() {
        let complaints = dns1035_label(first.get("name").text());
        if !complaints.is_empty() && !first.get("name").is_empty() {
            errors.invalid("spec.version", first.get("name").value(), &complaints.join(","));
        }
    }
}

/// Complains about what all versions share.
pub(super) fn validate_shared(spec: &Field, errors: &mut Errors) {
    let list = spec.get("versions");
    let Some(first) = list.items().next() else { return };
    for (part, place) in SHARED.iter().filter(|(part, _)| is_shared(spec, part)) {
        let (value, place) = (first.get(part), spec.get(place));
        self::part(part, &place.with(value.value()), &first, errors);
    }
}

fn part(name: &str, part: &Field, version: &Field, errors: &mut Errors) {
    match name {
        "schema" => schema::validate(&part.get("openAPIV3Schema"), version.get("subresources.status").is_set(), errors),
        "subresources" => subresources(part, errors),
        "additionalPrinterColumns" => part.items().for_each(|column| self::column(&column, errors)),
        _ => {
            let owner = version.get("schema.openAPIV3Schema");
            selectable_fields(part, owner.value(), errors);
        }
    }
}

fn deprecation(version: &Field, errors: &mut Errors) {
    let warning = version.get("deprecationWarning");
    if !warning.is_set() {
        return;
    }
    // A text that may be missing prints as JSON.
    let printed = json::to_string(warning.value());
    let mut reject = |complaint: &str| errors.invalid_as(warning, &printed, complaint);
    if !version.get("deprecated").is_true() {
        return reject("can only be set for deprecated versions");
    }
    if warning.text().len() > 256 {
        reject("must be <= 256 characters long");
    }
    if warning.is_empty() {
        reject("must not be an empty string");
    }
    if let Some((index, _)) = warning.text().char_indices().find(|(_, c)| c.is_control() || !gotext::is_printable(*c)) {
        let complaint =
            format!("must only contain printable UTF-8 characters; non-printable character found at index {index}");
        reject(&complaint);
    }
}

fn column(column: &Field, errors: &mut Errors) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    const FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    let [name, kind, format] = ["name", "type", "format"].map(|name| column.get(name));
    errors.need(&name);
    let types = format!("must be one of {}", TYPES.join(","));
    if kind.is_empty() {
        errors.required(kind, &types);
    } else if !TYPES.contains(&kind.text()) {
        errors.reject(&kind, &types);
    }
    if !format.is_empty() && !FORMATS.contains(&format.text()) {
        errors.reject(&format, &format!("must be one of {}", FORMATS.join(",")));
    }
    let (path, place) = (column.get("jsonPath"), column.get("JSONPath"));
    let path = place.with(path.value());
    if errors.need(&path) {
        simple_path(&path, errors);
    }
}

/// Complains about a path that is not like `.spec.replicas`; says whether it is.
fn simple_path(path: &Field, errors: &mut Errors) -> bool {
    if !path.text().starts_with('.') {
        errors.reject(path, "must be a simple json path starting with .");
    }
    path.text().starts_with('.')
}

fn subresources(subresources: &Field, errors: &mut Errors) {
    let scale = subresources.get("scale");
    if !scale.is_set() {
        return;
    }
    for (name, below, where_) in [
        ("specReplicasPath", &[".spec."][..], "under .spec"),
        ("statusReplicasPath", &[".status."], "under .status"),
        ("labelSelectorPath", &[".spec.", ".status."], "under either .spec or .status"),
    ] {
        let path = scale.get(name);
        if path.is_empty() {
            if name != "labelSelectorPath" {
                errors.required(path, "");
            }
        } else if simple_path(&path, errors) && !below.iter().any(|start| path.text().starts_with(start)) {
            errors.reject(&path, &format!("should be a json path {where_}"));
        }
    }
}

fn selectable_fields(fields: &Field, schema: &Value, errors: &mut Errors) {
    const MOST: usize = 8;
    let schema = Schema::compile(schema);
    let mut seen: Vec<String> = Vec::new();
    for field in fields.items() {
        let path = field.get("jsonPath");
        if !errors.need(&path) {
            continue;
        }
        let (place, found) = match resolve(path.text(), &schema, false) {
            Ok(found) => found,
            Err(why) => {
                errors.reject(&path, &format!("is an invalid path: {why}"));
                continue;
            }
        };
        if place.split(['.', '[']).next() == Some("metadata") {
            errors.reject(&path, "must not point to fields in metadata");
        }
        if !["string", "boolean", "integer"].contains(&found.kind.as_str()) {
            let complaint = "must point to a field of type string, boolean or integer. Enum string fields and strings \
                             with formats are allowed.";
            errors.reject(&path, complaint);
        }
        if seen.contains(&place) {
            errors.duplicate(path, path.value());
        } else {
            seen.push(place);
        }
    }
    if seen.len() > MOST {
        errors.too_many(fields, seen.len(), MOST);
    }
}

/// The versions as kube-apiserver's internal type prints them, without what they share.
fn internal(spec: &Field) -> String {
    let mut versions = spec.get("versions").value().clone();
    for version in versions.as_array_mut().into_iter().flatten() {
        for (part, _) in SHARED.iter().filter(|(part, _)| is_shared(spec, part)) {
            version.take_at(&[part]);
        }
    }
    internal::print("[]CustomResourceDefinitionVersion", &versions)
}

//! From the text of a manifest to objects: documents are parted, lists opened.

use super::{Error, Item, Place, metadata};
use crate::api::{Map, Object, ObjectExt, Value, gotext, json};
use crate::schema;
use crate::yaml::{self, Document};

/// Whether objects are checked before they are decoded: what is checked is told in other words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// They are, and the items of a `List` are held against the types of their kinds, since no server does that for
    /// the list. After one that is wrong no more are read.
    Strict,
    /// They are. After one that is wrong no more are read.
    Kinds,
    /// They are, each of them.
    Each,
    /// They are not.
    No,
}

/// Why there is no object, and where.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{error}")]
pub struct Fault {
    /// Why.
    pub error: Error,
    /// Where.
    pub place: Place,
}

/// The objects in a text. A document that cannot be parsed is the last that is read.
pub fn items(source: &str, text: &[u8], check: Check) -> Vec<Result<Item, Fault>> {
    let mut found = Vec::new();
    for document in yaml::documents(text) {
        let document = match document {
            Ok(document) if document.value.is_null() => continue,
            Ok(document) => document,
            Err(error) => {
                let place = Place { document: error.document, line: error.line, ..Place::default() };
                found.push(Err(Fault { error: Error::Syntax(source.into(), error.to_string()), place }));
                return found;
            }
        };
        let (index, line, bytes) = (document.index, document.line, document.bytes.clone());
        let place = |item| Place { document: index, line, bytes: bytes.clone(), item };
        if check != Check::No
            && let Some(complaint) = checked(&document.value, check)
        {
            found.push(Err(Fault { error: Error::Invalid(source.into(), complaint), place: place(None) }));
            if check != Check::Each {
                return found;
            }
            continue;
        }
        let has_doubled = document.has_doubled;
        let mut add = |object: Result<Object, Error>, item| {
            let place = place(item);
            found.push(match object {
                Ok(object) => Ok(Item { object, source: source.into(), place, has_doubled }),
                Err(error) => Err(Fault { error, place }),
            });
        };
        match objects(document, source, text) {
            Ok(Objects::One(object)) => add(Ok(object), None),
            Ok(Objects::List(objects)) => {
                objects.into_iter().enumerate().for_each(|(index, object)| add(object, Some(index)));
            }
            Err(error) => add(Err(error), None),
        }
    }
    found
}

/// What is wrong with how an object, or each item of a `List`, says what it is.
pub fn complaint(value: &Value) -> Option<String> {
    checked(value, Check::Each)
}

fn checked(value: &Value, check: Check) -> Option<String> {
    let mut complaints = kind_complaints(value);
    if complaints.is_empty() && check != Check::Kinds && value.kind() == "List" && value.api_version() == "v1" {
        let of_item = |item| match kind_complaints(item) {
            none if none.is_empty() && check == Check::Strict => type_complaints(item),
            complaints => complaints,
        };
        complaints = match value.get("items") {
            Some(Value::Array(items)) => items.iter().flat_map(of_item).collect(),
            _ => vec![NO_OBJECT.into()],
        };
    }
    let mut told = Vec::new();
    for complaint in complaints {
        if !told.contains(&complaint) {
            told.push(complaint);
        }
    }
    match told.len() {
        0 => None,
        1 => told.pop(),
        _ => Some(format!("[{}]", told.join(", "))),
    }
}

const NO_OBJECT: &str = "invalid object to validate";

fn kind_complaints(value: &Value) -> Vec<String> {
    if !value.is_object() {
        return vec![NO_OBJECT.into()];
    }
    let complaint = |field: &str| match value.get(field) {
        None | Some(Value::Null) => Some(format!("{field} not set")),
        Some(Value::String(_)) => None,
        Some(_) => Some(format!("{field} isn't string type")),
    };
    let complaints: Vec<String> = ["apiVersion", "kind"].into_iter().filter_map(complaint).collect();
    match value.api_version() {
        version if complaints.is_empty() && is_no_version(version) => {
            vec![format!("unexpected GroupVersion string: {version}")]
        }
        _ => complaints,
    }
}

/// What is wrong with an object of a built-in kind; what is of another kind is the server's to judge.
fn type_complaints(object: &Value) -> Vec<String> {
    let ty = schema::builtin().kind(&object.group_version_kind());
    ty.map_or_else(Vec::new, |ty| schema::validate(object, ty))
}

/// Whether an apiVersion has more parts than group and version. What says so is of no kind at all.
fn is_no_version(version: &str) -> bool {
    version.matches('/').count() > 1
}

/// What a document holds.
enum Objects {
    One(Object),
    List(Vec<Result<Object, Error>>),
}

/// Decodes a document by the rules of Kubernetes' unstructured decoder: whatever has `items` is a list.
fn objects(document: Document, source: &str, text: &[u8]) -> Result<Objects, Error> {
    let undecodable = |problem| Error::Decode(source.into(), problem);
    let Value::Object(mut fields) = document.value else {
        return Err(undecodable(cannot(&document.value, "Go value of type unstructured.detector")));
    };
    let items = fields.remove("items");
    items.as_ref().map_or(Ok(()), check_items).map_err(undecodable)?;
    if string(&fields, "kind").is_empty() || is_no_version(string(&fields, "apiVersion")) {
        let shown = if document.json {
            String::from_utf8_lossy(text.get(document.bytes).unwrap_or_default()).trim().to_owned()
        } else {
            fields.extend(items.map(|items| ("items".to_owned(), items)));
            json::to_string(&Value::Object(fields))
        };
        return Err(undecodable(format!("Object 'Kind' is missing in '{shown}'")));
    }
    metadata::check(&fields).map_err(undecodable)?;
    let items = match items {
        None => return Ok(Objects::One(Value::Object(fields))),
        Some(Value::Array(items)) => items,
        Some(_) => Vec::new(),
    };
    if items.iter().any(|item| item.get("items").is_some_and(Value::is_array)) {
        return Err(Error::NestedList);
    }
    Ok(Objects::List(items.into_iter().map(|item| list_item(item, &fields)).collect()))
}

fn cannot(value: &Value, into: &str) -> String {
    format!("json: cannot unmarshal {} into {into}", gotext::json_kind(value))
}

/// Checks that the items of a list are objects, or null for an empty one.
fn check_items(items: &Value) -> Result<(), String> {
    let items = match items {
        Value::Null => return Ok(()),
        Value::Array(items) => items,
        _ => return Err(cannot(items, "Go struct field decodeList.items of type []json.RawMessage")),
    };
    match items.iter().find(|item| !item.is_object() && !item.is_null()) {
        Some(item) => Err(cannot(item, "Go value of type map[string]interface {}")),
        None => Ok(()),
    }
}

/// An item of `list`, which gives it its kind and version when it has neither.
fn list_item(mut item: Value, list: &Map<String, Value>) -> Result<Object, Error> {
    if item.kind().is_empty() && item.api_version().is_empty() {
        let kind = string(list, "kind");
        item.put(&["kind"], kind.strip_suffix("List").unwrap_or(kind));
        item.put(&["apiVersion"], string(list, "apiVersion"));
    }
    let missing = |what: &str| {
        let problem = format!("unable to get type info from the object \"*unstructured.Unstructured\": {what}");
        Err(Error::Listed(problem))
    };
    if item.kind().is_empty() || is_no_version(item.api_version()) {
        return missing("Object 'Kind' is missing in 'object has no kind field '");
    }
    if item.api_version().is_empty() {
        return missing("Object 'apiVersion' is missing in 'object has no apiVersion field'");
    }
    Ok(item)
}

fn string<'a>(fields: &'a Map<String, Value>, key: &str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

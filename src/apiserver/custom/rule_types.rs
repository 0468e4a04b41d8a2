//! Values and types of objects as rules see them.

use super::schema::{Additional, Schema};
use crate::api::time::parse;
use crate::api::{GoDuration, Map, ObjectExt, Value};
use crate::expr::cel::WORDS;
use crate::expr::cel::{Key, List, ListKind, Type, Val};
use base64::Engine;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A field's name as rules write it; none when they cannot.
fn escaped(name: &str) -> Option<String> {
    if WORDS.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    let name = name.replace("__", "__underscores__");
    Some(name.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__"))
}

fn optional_text(value: &Value, name: &str) -> Option<(Key, Val)> {
    Some((Key::String(name.into()), value.get(name)?.as_str()?.into()))
}

/// The most bytes that a request may have, from which follows how much there can be of anything.
const REQUEST: u64 = 3 << 20;

/// What is known of values of a schema before there are any.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The type.
    pub ty: Type,
    /// The most items, entries, characters or bytes.
    most: u64,
    /// The fewest bytes that it takes as JSON.
    bytes: u64,
    /// The items or the values.
    item: Option<Box<Declared>>,
    /// The fields, with the names that rules use.
    fields: BTreeMap<String, Declared>,
}

impl Declared {
    fn simple(ty: Type, bytes: u64, most: u64) -> Self {
        Self { ty, most, bytes, item: None, fields: BTreeMap::new() }
    }

    /// How large what lies at a path may be; none where nothing lies.
    pub fn size_at(&self, path: &[String]) -> Option<u64> {
        let Some((step, below)) = path.split_first() else { return Some(self.most) };
        match (step.as_str(), &self.ty) {
            ("@items" | "@values", _) => self.item.as_ref()?.size_at(below),
            // Nothing is said about the length of keys.
            ("@keys", Type::Map(..)) => below.is_empty().then_some(0),
            (field, _) => self.fields.get(field)?.size_at(below),
        }
    }

    /// How many of such values there can be in a request.
    pub fn most_in_request(&self) -> u64 {
        REQUEST / (self.bytes + 1)
    }
}

/// What is known of values of a schema; none when rules cannot speak of them. `name` is the name of its type, should it
/// be an object.
pub fn declared(schema: &Schema, whole: bool, name: &str) -> Option<Declared> {
    let checks = &schema.checks;
    let characters = |length: u64| length.saturating_mul(4);
    if schema.int_or_string {
        let most = checks.max_length.map_or(REQUEST - 2, characters);
        return Some(Declared::simple(Type::Dyn, 1, most));
    }
    Some(match schema.kind.as_str() {
        "boolean" => Declared::simple(Type::Bool, 4, 0),
        "integer" => Declared::simple(Type::Int, 1, 0),
        "number" => Declared::simple(Type::Double, 1, 0),
        "string" => match checks.format.as_str() {
            "byte" => Declared::simple(Type::Bytes, 2, checks.max_length.unwrap_or(REQUEST - 2)),
            "duration" => Declared::simple(Type::Duration, 3, 32),
            "date" => Declared::simple(Type::Timestamp, 12, 12),
            "date-time" | "datetime" => Declared::simple(Type::Timestamp, 21, 32),
            _ => {
                let longest = checks.allowed.iter().filter_map(Value::as_str).map(|text| text.len() as u64).max();
                let most = checks.max_length.map(characters);
                let unbounded = if checks.allowed.is_empty() { REQUEST - 2 } else { longest.unwrap_or(0) };
                Declared::simple(Type::String, 2, most.unwrap_or(unbounded))
            }
        },
        "array" => {
            let items = schema.items.as_deref()?;
            let item = declared(items, items.embedded, &format!("{name}.@idx"))?;
            let most = checks.max_items.unwrap_or((REQUEST - 2) / (item.bytes + 1));
            let ty = Type::list(item.ty.clone());
            Declared { item: Some(Box::new(item)), ..Declared::simple(ty, 2, most) }
        }
        "object" => match &schema.additional {
            Additional::Of(values) => {
                let item = declared(values, values.embedded, &format!("{name}.@elem"))?;
                let most = checks.max_properties.unwrap_or((REQUEST - 2) / (item.bytes + 6));
                let ty = Type::map(Type::String, item.ty.clone());
                Declared { item: Some(Box::new(item)), ..Declared::simple(ty, 2, most) }
            }
            _ => object(schema, whole || schema.embedded, name),
        },
        _ => return None,
    })
}

fn object(schema: &Schema, whole: bool, name: &str) -> Declared {
    let mut bytes = 2;
    let mut fields = BTreeMap::new();
    for (own, field) in &schema.properties {
        let escaped = escaped(own);
        let of_field = format!("{name}.{}", escaped.as_deref().unwrap_or(own));
        let Some(declared) = declared(field, field.embedded, &of_field) else { continue };
        if schema.checks.required.contains(own) && field.default.is_none() {
            bytes += own.len() as u64 + declared.bytes + 4;
        }
        fields.extend(escaped.map(|escaped| (escaped, declared)));
    }
    if whole {
        let text = || Declared::simple(Type::String, 2, REQUEST - 2);
        let texts = |names: [&str; 2]| names.map(|name| (name.to_owned(), text()));
        fields.extend(texts(["apiVersion", "kind"]));
        let metadata = of_fields(&format!("{name}.metadata"), texts(["name", "generateName"]).into(), 2);
        fields.insert("metadata".into(), metadata);
    }
    of_fields(name, fields, bytes)
}

fn of_fields(name: &str, fields: BTreeMap<String, Declared>, bytes: u64) -> Declared {
    let types = fields.iter().map(|(name, field)| (name.clone(), field.ty.clone())).collect();
    Declared { fields, ..Declared::simple(Type::object(name, types), bytes, 0) }
}

/// A value of a schema.
pub fn value(json: &Value, schema: &Schema, whole: bool) -> Val {
    match json {
        Value::Null => Val::Null,
        Value::Bool(value) => Val::Bool(*value),
        Value::Number(number) => match (number.as_i64(), schema.kind.as_str()) {
            (Some(whole), kind) if kind != "number" => Val::Int(whole),
            (None, "integer") => Val::Int(number.as_f64().unwrap_or(0.0) as i64),
            _ => Val::Double(number.as_f64().unwrap_or(0.0)),
        },
        Value::String(text) => of_text(text, &schema.checks.format),
        Value::Array(list) => {
            let any = Schema::default();
            let of_items = schema.items.as_deref().unwrap_or(&any);
            let kind = match schema.list_type.as_str() {
                "set" => ListKind::Set,
                "map" => ListKind::Map(schema.list_map_keys.iter().filter_map(|key| escaped(key)).collect()),
                _ => ListKind::Atomic,
            };
            let items = list.iter().map(|item| value(item, of_items, of_items.embedded)).collect();
            Val::List(Arc::new(List::new(items, kind)))
        }
        Value::Object(map) => of_map(map, json, schema, whole),
    }
}

fn of_map(map: &Map<String, Value>, json: &Value, schema: &Schema, whole: bool) -> Val {
    if let Additional::Of(of_values) = &schema.additional {
        let entry = |(key, inner): (&String, &Value)| {
            (Key::String(key.as_str().into()), value(inner, of_values, of_values.embedded))
        };
        return Val::map(map.iter().map(entry).collect());
    }
    let of_field = |(name, inner): (&String, &Value)| {
        let field = schema.properties.get(name)?;
        Some((Key::String(escaped(name)?.into()), value(inner, field, field.embedded)))
    };
    let mut entries: BTreeMap<Key, Val> = map.iter().filter_map(of_field).collect();
    if whole || schema.embedded {
        entries.extend(["apiVersion", "kind"].iter().filter_map(|name| optional_text(json, name)));
        if let Some(metadata) = json.at(&["metadata"]) {
            let names = ["name", "generateName"].iter().filter_map(|name| optional_text(metadata, name));
            entries.insert(Key::String("metadata".into()), Val::map(names.collect()));
        }
    }
    Val::map(entries)
}

fn of_text(text: &str, format: &str) -> Val {
    let made = match format {
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).ok().map(|bytes| Val::Bytes(bytes.into())),
        "duration" => GoDuration::parse(text).map(Val::Duration),
        "date" => parse(&format!("{text}T00:00:00Z")).map(Val::Timestamp),
        "date-time" => parse(&text.to_uppercase()).map(Val::Timestamp),
        _ => None,
    };
    made.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::super::rules::Compiler;
    use super::*;
    use serde_json::json;

    /// Kubernetes' own tests hold the same figures.
    #[test]
    fn costs_are_estimated_as_kube_apiserver_does() {
        let of = |kind: &str| match kind {
            "int-or-string" => json!({"x-kubernetes-int-or-string": true}),
            "duration" | "date" | "date-time" | "byte" => json!({"type": "string", "format": kind}),
            "array" => json!({"type": "array", "items": {"type": "number"}}),
            kind => json!({"type": kind}),
        };
        let array = |kind: &str| json!({"type": "array", "items": of(kind)});
        let map = |kind: &str| json!({"type": "object", "additionalProperties": of(kind)});
        for (schema, bound, rule, unbounded, bounded) in [
            (array("number"), ("maxItems", 10), "self.all(x, true)", 4_718_591, 32),
            (array("string"), ("maxItems", 20), "self.all(x, true)", 3_145_727, 62),
            (array("boolean"), ("maxItems", 5), "self.all(x, true)", 1_887_437, 17),
            (array("array"), ("maxItems", 100), "self.all(x, true)", 3_145_727, 302),
            (map("number"), ("maxProperties", 10), "self.all(x, true)", 1_348_169, 32),
            (map("string"), ("maxProperties", 3), "self.all(x, true)", 1_179_647, 11),
            (of("string"), ("maxLength", 10), "self.contains('test')", 314_574, 5),
            (of("string"), ("maxLength", 15), "self.startsWith('test')", 2, 2),
            (of("string"), ("maxLength", 4), "size(self + \"hello\") > size(\"hello\")", 314_578, 7),
            // The name of a type is as large as the value.
            (of("int-or-string"), ("maxLength", 10), "type(self) == int", 314_576, 7),
            (array("number"), ("maxItems", 5000), "self[1] == 0.0", 2, 2),
            (array("string"), ("maxItems", 8), "self[1] == self[1]", 314_577, 314_577),
            (
                array("number"),
                ("maxItems", 10),
                "self.all(x, self.all(y, self.all(z, true)))",
                11_673_320_338_545_967_103,
                3552,
            ),
            (of("string"), ("maxLength", 50), "self.matches(\"x\")", 314_574, 22),
            (of("string"), ("maxLength", 10), "\"\".matches(\"(((((((((())))))))))[0-9]\")", 7, 7),
            (of("string"), ("maxLength", 100), "self.matches(\"\")", 1, 1),
            (of("string"), ("maxLength", 0), "self == \"x\"", 2, 1),
            (of("byte"), ("maxLength", 0), "self == b\"x\"", 2, 1),
            (array("number"), ("maxItems", 3 * 1024 * 2048), "self.all(x, x == 0.0)", 6_291_454, 25_165_826),
            (array("int-or-string"), ("maxItems", 10), "self[0] == 5", 3, 3),
            (array("array"), ("maxItems", 51), "self[0][0] == -1.0", 3, 3),
            (array("duration"), ("maxItems", 525), "self[0].getHours() == 2", 4, 4),
            (array("date-time"), ("maxItems", 25), "self.all(x, true)", 428_963, 77),
            (map("date"), ("maxProperties", 10), "self.all(x, true)", 524_288, 32),
            (of("string"), ("maxLength", 10), "self.find('[0-9]+') == ''", 629_147, 11),
            (of("string"), ("maxLength", 10), "self.lowerAscii() == 'lower!'", 314_575, 6),
            (map("integer"), ("maxProperties", 10), "oldSelf.size() == self.size()", 5, 5),
            (map("date-time"), ("maxProperties", 7), "self[\"a\"] == self[\"b\"]", 8, 8),
            (of("int-or-string"), ("maxLength", 20), "isQuantity(self)", 314_574, 9),
            (
                json!({"type": "string", "enum": ["A", "B", "C", "LongValue"]}),
                ("maxLength", 1000),
                "self.contains('A')",
                2,
                401,
            ),
        ] {
            let cost = |schema: &Value| {
                let compiler = Compiler::new(&Schema::compile(schema), false).unwrap();
                let report = compiler.compile(&json!({"rule": rule})).1;
                assert!(report.complaints.is_empty(), "{rule}: {:?}", report.complaints);
                report.cost
            };
            assert_eq!(cost(&schema), unbounded, "{rule} on {schema}");
            let mut schema = schema;
            schema[bound.0] = bound.1.into();
            assert_eq!(cost(&schema), bounded, "{rule} on {schema}");
        }
        let mut texts = array("string");
        texts["items"]["maxLength"] = 10.into();
        texts["maxItems"] = 10.into();
        for (rule, want) in [("self.join(' ') == 'aa bb'", 43), ("self.isSorted() == true", 52)] {
            let compiler = Compiler::new(&Schema::compile(&texts), false).unwrap();
            assert_eq!(compiler.compile(&json!({"rule": rule})).1.cost, want, "{rule}");
        }
    }
}

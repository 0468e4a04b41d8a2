//! Objects without `metadata.managedFields`, which few look at and which are often the greater part of an object.

use super::super::{Map, Value};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads an object, and skips its managed fields.
///
/// # Errors
/// When the text is no JSON.
pub fn without_managed_fields(text: &[u8]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Without(&["metadata", "managedFields"]).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// A value without what is at this path.
struct Without(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Without {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Without {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match self.0 {
                [name, rest @ ..] if key == *name => {
                    if rest.is_empty() {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        fields.insert(key, map.next_value_seed(Without(rest))?);
                    }
                }
                _ => {
                    fields.insert(key, map.next_value()?);
                }
            }
        }
        Ok(Value::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn managed_fields_are_skipped() {
        for (text, want) in [
            (r#"{"metadata":{"managedFields":[{"a":{}}],"name":"x"}}"#, json!({"metadata": {"name": "x"}})),
            // Only there.
            (
                r#"{"managedFields":1,"spec":{"metadata":{"managedFields":[]}}}"#,
                json!({"managedFields": 1, "spec": {"metadata": {"managedFields": []}}}),
            ),
            (r#"{"metadata":null}"#, json!({"metadata": null})),
            (r#"{"metadata":[1,-2,1.5,"x",true,null]}"#, json!({"metadata": [1, -2, 1.5, "x", true, null]})),
            ("[1]", json!([1])),
        ] {
            assert_eq!(without_managed_fields(text.as_bytes()).unwrap(), want, "{text}");
        }
        for text in ["", "{", "{}x", r#"{"metadata":{"managedFields":[}}"#] {
            assert!(without_managed_fields(text.as_bytes()).is_err(), "{text}");
        }
    }
}

//! A list's items, one by one out of the text of an answer: a list of many objects takes many times more memory as a
//! value than as text.

use crate::api::{Map, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads a list and hands its items on. The result is the list without them; of an answer that has no items, all of it.
///
/// # Errors
/// When the text is no JSON object, or `each` said no (by false), after which nothing is read.
pub(super) fn each_item(text: &[u8], each: &mut dyn FnMut(Value) -> bool) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let rest = List(each).deserialize(&mut reader)?;
    reader.end()?;
    Ok(Value::Object(rest))
}

struct List<'f>(&'f mut dyn FnMut(Value) -> bool);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rest = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                map.next_value_seed(Items(&mut *self.0))?;
            } else {
                rest.insert(key, map.next_value()?);
            }
        }
        Ok(rest)
    }
}

struct Items<'f>(&'f mut dyn FnMut(Value) -> bool);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if !(self.0)(item) {
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_come_one_by_one() {
        for (text, items, rest) in [
            (
                r#"{"kind":"L","items":[{"a":1},2],"metadata":{}}"#,
                vec![json!({"a": 1}), json!(2)],
                json!({"kind": "L", "metadata": {}}),
            ),
            (r#"{"items":null}"#, vec![], json!({})),
            (r#"{"items":[]} "#, vec![], json!({})),
            (r#"{"kind":"X"}"#, vec![], json!({"kind": "X"})),
        ] {
            let mut found = Vec::new();
            let mut each = |item| {
                found.push(item);
                true
            };
            assert_eq!(each_item(text.as_bytes(), &mut each).unwrap(), rest, "{text}");
            assert_eq!(found, items);
        }
        for text in ["", "[]", r#"{"items":3}"#, r#"{"items":[1,}"#, "{} x"] {
            assert!(each_item(text.as_bytes(), &mut |_| true).is_err(), "{text}");
        }
        let mut seen = 0;
        let mut once = |_| {
            seen += 1;
            false
        };
        assert!(each_item(br#"{"items":[1,2"#, &mut once).is_err());
        assert_eq!(seen, 1);
    }
}

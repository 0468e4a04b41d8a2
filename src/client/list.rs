//! A list as a server sent it: its items are decoded one by one, for as values they take many times the memory of their
//! text.

use super::{Error, answer};
use crate::api::table::{Row, Table, is_table};
use crate::api::{Map, Object, ObjectExt, Value, json};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// A list, a table, or an object that is neither.
#[derive(Clone, Debug)]
pub struct List {
    text: Bytes,
    head: Object,
    /// The field that holds the items, and where each of them is in the text; none when it is no list.
    items: Option<(Field, Vec<Range<usize>>)>,
}

/// A field of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Of lists.
    Items,
    /// Of tables.
    Rows,
}

impl List {
    /// Reads the text of an answer.
    ///
    /// # Errors
    /// When it is no JSON, or says nothing of what it is, or that something failed.
    pub(super) fn read(text: Bytes) -> Result<Self, Error> {
        let (text, read) = match parts(&text) {
            Ok(parts) => (text, Ok(parts)),
            // It is written anew where only Go's rules can read it.
            Err(_) => {
                let value = super::value(&text)?;
                let text = Bytes::from(json::to_string(&value));
                let read = parts(&text).map_err(|_| value);
                (text, read)
            }
        };
        let (head, items) = match read {
            // What is called rows where there is no table.
            Ok((head, Some((Field::Rows, _)))) if !is_table(&head) => (super::value(&text)?, None),
            Ok(parts) => parts,
            // No object, or one whose items are something else.
            Err(value) => (value, None),
        };
        answer::require_object(&head, &text)?;
        Ok(Self { text, head, items })
    }

    /// All but the items or rows; of an object that is no list, all.
    pub fn head(&self) -> &Object {
        &self.head
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        is_table(&self.head)
    }

    /// The table that this is, without its rows.
    ///
    /// # Errors
    /// When its columns are no columns.
    pub fn table(&self) -> Result<Table, Error> {
        Table::deserialize(&self.head).map_err(|error| unreadable(&error))
    }

    /// The rows of a table, decoded as they are asked for.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, Error>> + '_ {
        self.texts(Field::Rows).map(|text| serde_json::from_slice(text).map_err(|error| unreadable(&error)))
    }

    /// The objects of a list, decoded as they are asked for, or the one object that this is; with their managed fields
    /// or without.
    pub fn objects(&self, managed_fields: bool) -> impl Iterator<Item = Result<Object, Error>> + '_ {
        let decode = move |text: &[u8]| {
            // What only Go's rules can read keeps its managed fields, which harms nobody: printers leave them out.
            let lean = if managed_fields { None } else { json::without_managed_fields(text).ok() };
            lean.map_or_else(|| super::value(text), Ok)
        };
        let alone = self.items.is_none() && !self.head.kind().ends_with("List");
        alone.then_some(&self.text[..]).into_iter().chain(self.texts(Field::Items)).map(decode)
    }

    fn texts(&self, wanted: Field) -> impl Iterator<Item = &[u8]> {
        let ranges = self.items.iter().filter(move |(field, _)| *field == wanted).flat_map(|(_, ranges)| ranges);
        ranges.map(|range| &self.text[range.clone()])
    }
}

impl From<Object> for List {
    /// An object that no server sent.
    fn from(object: Object) -> Self {
        Self { text: json::to_string(&object).into(), head: object, items: None }
    }
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::Message(format!("the server's table cannot be read: {error}"))
}

type Parts = (Value, Option<(Field, Vec<Range<usize>>)>);

/// An object's fields, and where the values of the one with many are.
fn parts(text: &[u8]) -> serde_json::Result<Parts> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let parts = Reader(text).deserialize(&mut reader)?;
    reader.end()?;
    Ok(parts)
}

struct Reader<'a>(&'a [u8]);

impl<'de> DeserializeSeed<'de> for Reader<'de> {
    type Value = Parts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader<'de> {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
        let (mut head, mut items) = (Map::new(), None);
        while let Some(key) = map.next_key::<String>()? {
            let field = match key.as_str() {
                "items" => Field::Items,
                "rows" => Field::Rows,
                _ => {
                    head.insert(key, map.next_value()?);
                    continue;
                }
            };
            let texts: Option<Vec<&'de RawValue>> = map.next_value()?;
            let place = |text: &RawValue| {
                let start = text.get().as_ptr() as usize - self.0.as_ptr() as usize;
                start..start + text.get().len()
            };
            items = Some((field, texts.unwrap_or_default().into_iter().map(place).collect()));
        }
        Ok((Value::Object(head), items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<List, Error> {
        List::read(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn items_are_decoded_one_by_one() {
        for (text, head, items) in [
            (
                r#"{"kind":"L", "items":[ {"a":"é\n", "metadata":{"managedFields":[]}},2 ],"metadata":{"continue":"x"}} "#,
                json!({"kind": "L", "metadata": {"continue": "x"}}),
                vec![json!({"a": "é\n", "metadata": {}}), json!(2)],
            ),
            (r#"{"kind":"PodList","items":null}"#, json!({"kind": "PodList"}), vec![]),
            (r#"{"kind":"PodList"}"#, json!({"kind": "PodList"}), vec![]),
            (r#"{"kind":"Pod","a":[]}"#, json!({"kind": "Pod", "a": []}), vec![json!({"kind": "Pod", "a": []})]),
            // What is called rows where there is no table, and items that are none.
            (r#"{"kind":"X","rows":[1]}"#, json!({"kind": "X", "rows": [1]}), vec![json!({"kind": "X", "rows": [1]})]),
            (r#"{"kind":"X","items":{}}"#, json!({"kind": "X", "items": {}}), vec![json!({"kind": "X", "items": {}})]),
            // Half a surrogate, which Go takes.
            (r#"{"kind":"L","items":["\ud800"]}"#, json!({"kind": "L"}), vec![json!("\u{fffd}")]),
        ] {
            let list = read(text).unwrap();
            assert_eq!((list.head(), list.is_table()), (&head, false), "{text}");
            assert_eq!(list.objects(false).collect::<Result<Vec<_>, _>>().unwrap(), items, "{text}");
        }
        let list = List::read(Bytes::from_static(b"{\"kind\":\"L\",\"items\":[\"a\xff\"]}")).unwrap();
        assert_eq!(list.objects(true).next().unwrap().unwrap(), json!("a\u{fffd}"));
        for (text, says) in [
            ("", "unexpected end of JSON input"),
            ("[1]", "json: cannot unmarshal array into Go value of type unstructured.detector"),
            (r#"{"kind":"L","items":[1,}"#, "invalid character '}' looking for beginning of value"),
            (r#"{"kind":"L","items":[{"a":1}]"#, "unexpected end of JSON input"),
            ("{} x", "invalid character 'x' after top-level value"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), says, "{text}");
        }
    }

    #[test]
    fn tables_have_rows() {
        let text = |rows: &str| {
            format!(
                r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{{"name":"A"}}],"rows":{rows}}}"#
            )
        };
        let list = read(&text(r#"[{"cells":["x",1],"object":null},{"cells":[]}]"#)).unwrap();
        assert!(list.is_table());
        assert_eq!(list.table().unwrap().column_definitions[0].name, "A");
        let rows: Vec<Row> = list.rows().collect::<Result<_, _>>().unwrap();
        assert_eq!((&rows[0].cells[..], rows.len()), (&[json!("x"), json!(1)][..], 2));
        assert_eq!((list.objects(true).count(), read(&text("null")).unwrap().rows().count()), (0, 0));
        let odd = read(&text(r#"[{"cells":3}]"#)).unwrap().rows().next().unwrap().unwrap_err().to_string();
        assert!(odd.starts_with("the server's table cannot be read: "), "{odd}");
    }
}

//! What a strict decoder complains about in the text of an object, in the order of the text.

use crate::api::TypeRef;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// How many complaints are kept at the most.
const MOST: usize = 100;

/// The fields that an object in JSON has and its type does not (`unknown field "spec.x"`), and those that it has twice
/// (`duplicate field "metadata.name"`), each once. A text that is no JSON is not this function's matter: what comes
/// before its fault is reported.
pub fn complaints(text: &[u8], ty: TypeRef) -> Vec<String> {
    let mut found = Vec::new();
    let mut path = String::new();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let _ = Scan { ty, path: &mut path, found: &mut found }.deserialize(&mut reader);
    found
}

/// Scans one value of a type.
struct Scan<'a, 's> {
    ty: TypeRef<'a>,
    path: &'s mut String,
    found: &'s mut Vec<String>,
}

impl Scan<'_, '_> {
    fn complain(&mut self, what: &str) {
        let complaint = format!("{what} field {:?}", self.path);
        if self.found.len() < MOST && !self.found.contains(&complaint) {
            self.found.push(complaint);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Scan<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let node = self.ty.node();
        let is_raw = node.kind == "object" && node.fields.is_empty() && node.values.is_none();
        if node.kind.is_empty() || is_raw {
            return IgnoredAny::deserialize(deserializer).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        let length = self.path.len();
        while let Some(name) = map.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            match self.ty.field(&name) {
                Some(ty) => {
                    if !seen.insert(name) {
                        self.complain("duplicate");
                    }
                    map.next_value_seed(Scan { ty, path: self.path, found: self.found })?;
                }
                None => {
                    if !self.ty.node().preserve_unknown {
                        self.complain("unknown");
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let length = self.path.len();
        let Some(ty) = self.ty.items() else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        for index in 0.. {
            self.path.push_str(&format!("[{index}]"));
            let more = list.next_element_seed(Scan { ty, path: self.path, found: self.found })?;
            self.path.truncate(length);
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GroupVersionKind;
    use crate::schema::builtin;

    #[test]
    fn complaints_come_in_the_order_of_the_text() {
        for (text, want) in [
            (r#"{"metadata":{"name":"a","name":"b"},"kind":"Pod"}"#, &[r#"duplicate field "metadata.name""#][..]),
            (
                r#"{"zzz":1,"spec":{"containers":[{"name":"c"},{"imge":{"imge":1,"imge":2},"imge":1}],"nosuch":null},"Kind":1}"#,
                &[
                    r#"unknown field "zzz""#,
                    r#"unknown field "spec.containers[1].imge""#,
                    r#"unknown field "spec.nosuch""#,
                    r#"unknown field "Kind""#,
                ],
            ),
            (
                r#"{"metadata":{"labels":{"a":"1","a":"2","a":"3"}},"spec":{"x":1,"nodeName":"a","nodeName":null}}"#,
                &[
                    r#"duplicate field "metadata.labels.a""#,
                    r#"unknown field "spec.x""#,
                    r#"duplicate field "spec.nodeName""#,
                ],
            ),
            (r#"{"x":1, not JSON"#, &[r#"unknown field "x""#]),
            ("[1]", &[]),
        ] {
            let pod = builtin().kind(&GroupVersionKind::new("", "v1", "Pod")).unwrap();
            assert_eq!(complaints(text.as_bytes(), pod), want, "{text}");
        }
        let many: String = (0..150).map(|n| format!("\"x{n}\":1,")).collect();
        let pod = builtin().kind(&GroupVersionKind::new("", "v1", "Pod")).unwrap();
        assert_eq!(complaints(format!("{{{many}\"kind\":\"Pod\"}}").as_bytes(), pod).len(), MOST);
    }
}

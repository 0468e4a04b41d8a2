//! A Swagger 2 document in protobuf (gnostic's `openapi.v2.Document`): the form in which client-go asks for it. It has
//! the document's heading, its types, and of its paths what kubectl reads.

use crate::api::{ObjectExt, Value, json};

/// The numbers of the fields of a schema.
const REFERENCE: u32 = 1;
const DEFAULT: u32 = 5;
const REQUIRED: u32 = 19;
const ENUM: u32 = 20;
const VALUES: u32 = 21;
const TYPE: u32 = 22;
const ITEMS: u32 = 23;
const ALL_OF: u32 = 24;
const PROPERTIES: u32 = 25;
const EXTENSION: u32 = 31;
const METHODS: [(&str, u32); 7] =
    [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("options", 6), ("head", 7), ("patch", 8)];
const TEXTS: [(&str, u32); 4] = [("format", 2), ("title", 3), ("description", 4), ("pattern", 13)];

/// Writes a document.
pub fn protobuf(document: &Value) -> Vec<u8> {
    let info =
        Message::default().text(1, document.text(&["info", "title"])).text(2, document.text(&["info", "version"]));
    let paths = document.map_at(&["paths"]).into_iter().flatten().fold(Message::default(), |message, (path, item)| {
        message.message(2, Message::default().text(1, path).message(2, path_item(item)))
    });
    let definitions = named(document, "definitions");
    Message::default().text(1, document.text(&["swagger"])).message(2, info).message(8, paths).message(9, definitions).0
}

/// What kubectl reads of a path: which types its operations are about, and in which forms they take and give them.
fn path_item(item: &Value) -> Message {
    METHODS.iter().filter_map(|(method, field)| Some((item.get(method)?, *field))).fold(
        Message::default(),
        |message, (operation, field)| {
            let mut said = Message::default().text(5, operation.text(&["operationId"]));
            for (key, field) in [("produces", 6), ("consumes", 7)] {
                let types = operation.items_at(&[key]).iter().filter_map(Value::as_str);
                said = types.fold(said, |said, kind| said.text(field, kind));
            }
            message.message(field, extensions(operation, 13, said))
        },
    )
}

/// Adds the extensions of a schema or an operation.
fn extensions(value: &Value, field: u32, message: Message) -> Message {
    let extensions = value.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-"));
    extensions
        .fold(message, |message, (key, value)| message.message(field, Message::default().text(1, key).any(2, value)))
}

/// What is encoded so far of one message.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.varint(u64::from(field << 3 | 2));
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, field: u32, text: &str) -> Self {
        if text.is_empty() { self } else { self.bytes(field, text.as_bytes()) }
    }

    fn message(self, field: u32, message: Message) -> Self {
        self.bytes(field, &message.0)
    }

    fn switch(mut self, field: u32, on: bool) -> Self {
        self.varint(u64::from(field << 3));
        self.varint(u64::from(on));
        self
    }

    /// Any value, as text that YAML reads.
    fn any(self, field: u32, value: &Value) -> Self {
        self.message(field, Message::default().text(2, &json::to_string(value)))
    }
}

/// The schemas of a map, each with its name.
fn named(value: &Value, key: &str) -> Message {
    let schemas = value.map_at(&[key]).into_iter().flatten();
    schemas.fold(Message::default(), |message, (name, value)| {
        message.message(1, Message::default().text(1, name).message(2, schema(value)))
    })
}

fn schema(value: &Value) -> Message {
    let mut message = Message::default().text(REFERENCE, value.text(&["$ref"]));
    for (key, field) in TEXTS {
        message = message.text(field, value.text(&[key]));
    }
    if let Some(default) = value.get("default") {
        message = message.any(DEFAULT, default);
    }
    for name in value.items_at(&["required"]).iter().filter_map(Value::as_str) {
        message = message.text(REQUIRED, name);
    }
    for allowed in value.items_at(&["enum"]) {
        message = message.any(ENUM, allowed);
    }
    message = match value.get("additionalProperties") {
        Some(Value::Bool(on)) => message.message(VALUES, Message::default().switch(2, *on)),
        Some(values) => message.message(VALUES, Message::default().message(1, schema(values))),
        None => message,
    };
    if !value.text(&["type"]).is_empty() {
        message = message.message(TYPE, Message::default().text(1, value.text(&["type"])));
    }
    if let Some(items) = value.get("items") {
        message = message.message(ITEMS, Message::default().message(1, schema(items)));
    }
    for one in value.items_at(&["allOf"]) {
        message = message.message(ALL_OF, schema(one));
    }
    if value.get("properties").is_some() {
        message = message.message(PROPERTIES, named(value, "properties"));
    }
    extensions(value, EXTENSION, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_have_their_numbers() {
        let document = json!({
            "swagger": "2.0",
            "info": {"title": "K", "version": "1"},
            "paths": {"/v": {"patch": {"operationId": "p", "consumes": ["c", "d"], "x-a": 1, "responses": {}}}},
            "definitions": {"A": {"type": "array", "items": {"$ref": "#/definitions/B"}, "x-y": ["z"]}},
        });
        let schema = b"\xb2\x01\x07\x0a\x05array\xba\x01\x13\x0a\x11\x0a\x0f#/definitions/B\xfa\x01\x0e\x0a\x03x-y\x12\x07\x12\x05[\"z\"]";
        let mut wanted = b"\x0a\x032.0\x12\x06\x0a\x01K\x12\x011".to_vec();
        wanted.extend(b"\x42\x1f\x12\x1d\x0a\x02/v\x12\x17\x42\x15\x2a\x01p\x3a\x01c\x3a\x01d\x6a\x0a\x0a\x03x-a\x12\x03\x12\x011\x4a");
        wanted.extend([schema.len() as u8 + 7, 0x0a, schema.len() as u8 + 5, 0x0a, 1, b'A', 0x12, schema.len() as u8]);
        wanted.extend(schema);
        assert_eq!(protobuf(&document), wanted);
        for (value, wanted) in [
            (json!({}), &b""[..]),
            (
                json!({"enum": ["", 1], "default": {}}),
                b"\x2a\x04\x12\x02{}\xa2\x01\x04\x12\x02\"\"\xa2\x01\x03\x12\x011",
            ),
            (json!({"additionalProperties": true}), b"\xaa\x01\x02\x10\x01"),
            (json!({"additionalProperties": {}}), b"\xaa\x01\x02\x0a\x00"),
            (json!({"properties": {}, "required": ["a"]}), b"\x9a\x01\x01a\xca\x01\x00"),
        ] {
            assert_eq!(super::schema(&value).0, wanted, "{value}");
        }
    }
}

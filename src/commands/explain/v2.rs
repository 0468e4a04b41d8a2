//! A resource's documentation from a Swagger 2 document, in kubectl's older format (`plaintext-openapiv2`).

use super::wrap::fill;
use super::{Asked, Depth};
use crate::api::{GroupVersionKind, ObjectExt, Value};

/// How wide a line may be.
const WIDTH: usize = 80;
/// How many references lead from one to the next, at the most: a document may lead around in a circle.
const MAX_REFERENCES: usize = 8;
const PREFIX: &str = "#/definitions/";

/// Writes the documentation of a kind.
pub fn render(document: &Value, gvk: &GroupVersionKind, asked: &Asked, out: &mut String) -> Result<(), String> {
    let names = |schema: &Value| {
        let kinds = schema.items_at(&["x-kubernetes-group-version-kind"]).iter();
        let kinds = kinds.map(|kind| ["group", "version", "kind"].map(|key| kind.text(&[key])));
        kinds.into_iter().any(|kind| kind == [&gvk.group, &gvk.version, &gvk.kind])
    };
    let definitions = document.map_at(&["definitions"]).into_iter().flatten();
    let Some((_, schema)) = definitions.into_iter().find(|(_, schema)| names(schema)) else {
        return Err(format!("couldn't find resource for \"{gvk}\""));
    };
    let explainer = Explainer { document, depth: asked.depth };
    let found = explainer.at_path(schema, &asked.fields)?;
    let name = asked.fields.last().map_or("", String::as_str);
    explainer.model(name, gvk, found, out);
    Ok(())
}

/// What a schema is.
#[derive(Clone, Copy)]
enum Shape<'a> {
    /// Another one, by name.
    Reference(&'a Value),
    /// An object with fields.
    Kind,
    /// A map; of values of a schema, unless they can be anything.
    Map(Option<&'a Value>),
    /// A list.
    List(&'a Value),
    /// Text, a number or a truth value.
    Scalar(&'a str),
    /// Anything.
    Anything,
}

struct Explainer<'a> {
    document: &'a Value,
    depth: Depth,
}

impl<'a> Explainer<'a> {
    fn shape(&self, schema: &'a Value) -> Shape<'a> {
        let has_fields = schema.get("properties").is_some();
        let reference = schema.text(&["$ref"]).strip_prefix(PREFIX);
        if let Some(found) = reference.and_then(|name| self.document.at(&["definitions", name])) {
            return Shape::Reference(found);
        }
        match (schema.text(&["type"]), schema.get("items")) {
            ("" | "object", _) if has_fields => Shape::Kind,
            ("object", _) => Shape::Map(schema.get("additionalProperties").filter(|values| values.is_object())),
            ("array", Some(items)) => Shape::List(items),
            ("" | "array", _) => Shape::Anything,
            (scalar, _) => Shape::Scalar(scalar),
        }
    }

    /// Follows references.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let next = |schema: &&'a Value| match self.shape(schema) {
            Shape::Reference(found) => Some(found),
            _ => None,
        };
        std::iter::successors(Some(schema), next).take(MAX_REFERENCES).last().unwrap_or(schema)
    }

    fn at_path(&self, schema: &'a Value, path: &[String]) -> Result<&'a Value, String> {
        let Some((field, rest)) = path.split_first() else { return Ok(schema) };
        match self.shape(schema) {
            Shape::Reference(_) => self.at_path(self.resolved(schema), path),
            Shape::List(inner) | Shape::Map(Some(inner)) => self.at_path(inner, path),
            Shape::Kind => match schema.at(&["properties", field]) {
                Some(below) => self.at_path(below, rest),
                None => Err(format!("field {field:?} does not exist")),
            },
            // What has no fields is what is explained, whatever more is asked for.
            Shape::Scalar(_) | Shape::Anything | Shape::Map(None) => Ok(schema),
        }
    }

    fn type_name(&self, schema: &'a Value) -> String {
        match self.shape(self.resolved(schema)) {
            Shape::List(items) => format!("[]{}", self.type_name(items)),
            Shape::Map(values) => format!("map[string]{}", values.map_or(String::new(), |v| self.type_name(v))),
            Shape::Kind => "Object".into(),
            Shape::Scalar(name) => name.into(),
            Shape::Reference(_) | Shape::Anything => String::new(),
        }
    }

    /// Adds what is known of a schema. What lists, maps and references on the way say of themselves is told too.
    fn model(&self, name: &str, gvk: &GroupVersionKind, schema: &'a Value, out: &mut String) {
        let (mut descriptions, mut type_name, mut schema) = (Vec::new(), String::new(), schema);
        loop {
            let shape = self.shape(schema);
            if type_name.is_empty() && !matches!(shape, Shape::Reference(_) | Shape::Anything) {
                type_name = self.type_name(schema);
            }
            let inner = match shape {
                Shape::Reference(inner) | Shape::List(inner) | Shape::Map(Some(inner)) => inner,
                _ => break,
            };
            descriptions.push(schema.text(&["description"]));
            if descriptions.len() > MAX_REFERENCES {
                break;
            }
            schema = inner;
        }
        let shape = self.shape(schema);
        descriptions.push(schema.text(&["description"]));
        if let Shape::Map(None) = shape {
            // Values that may be anything are described as their map is.
            descriptions.push(schema.text(&["description"]));
        }
        out.push_str(&format!("KIND:     {}\nVERSION:  {}\n\n", gvk.kind, gvk.group_version()));
        match shape {
            Shape::Scalar(_) => out.push_str(&format!("FIELD:    {name} <{type_name}>\n\n")),
            Shape::Kind if !name.is_empty() => out.push_str(&format!("RESOURCE: {name} <{type_name}>\n\n")),
            _ => {}
        }
        describe(&descriptions, out);
        if let Shape::Kind = shape {
            out.push_str("\nFIELDS:\n");
            self.fields(schema, 3, 1, &mut Vec::new(), out);
        }
    }

    /// Adds the fields of what a schema is, or its items or values are.
    fn fields(&self, schema: &'a Value, margin: usize, level: usize, seen: &mut Vec<&'a str>, out: &mut String) {
        match self.shape(schema) {
            Shape::Kind => {}
            Shape::List(inner) | Shape::Map(Some(inner)) => return self.fields(inner, margin, level, seen, out),
            Shape::Reference(found) => {
                let reference = schema.text(&["$ref"]);
                if !seen.contains(&reference) {
                    seen.push(reference);
                    self.fields(found, margin, level, seen, out);
                    seen.pop();
                }
                return;
            }
            Shape::Map(None) | Shape::Scalar(_) | Shape::Anything => return,
        }
        for (name, field) in schema.map_at(&["properties"]).into_iter().flatten() {
            let line = format!("{}{name}\t<{}>", " ".repeat(margin), self.type_name(field));
            out.push_str(&line);
            if self.depth != Depth::Flat {
                out.push('\n');
                if self.depth.goes_below(level) {
                    self.fields(field, margin + 3, level + 1, seen, out);
                }
                continue;
            }
            let is_required = schema.items_at(&["required"]).iter().any(|required| required == name);
            out.push_str(if is_required { " -required-\n" } else { "\n" });
            paragraph(field.text(&["description"]), margin + 2, out);
            out.push('\n');
        }
    }
}

fn describe(descriptions: &[&str], out: &mut String) {
    out.push_str("DESCRIPTION:\n");
    if descriptions.iter().all(|text| text.is_empty()) {
        return paragraph("<empty>", 5, out);
    }
    for (index, text) in descriptions.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
        if index > 0 {
            out.push('\n');
        }
        paragraph(text, 5, out);
    }
}

fn paragraph(text: &str, margin: usize, out: &mut String) {
    for line in fill(text, WIDTH - margin) {
        if !line.is_empty() {
            out.push_str(&" ".repeat(margin));
            out.push_str(&line);
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_and_fields_are_explained() {
        let document = json!({"definitions": {
            "Train": {
                "description": "A train:\nof wagons.",
                "required": ["wagons"],
                "properties": {
                    "any": {},
                    "next": {"$ref": "#/definitions/Train", "description": "the train behind"},
                    "wagons": {"type": "array", "description": "All wagons.", "items": {"$ref": "#/definitions/Wagon"}},
                },
                "x-kubernetes-group-version-kind": [{"group": "toys.example", "kind": "Train", "version": "v1"}],
            },
            "Wagon": {"type": "object", "description": "A wagon.", "properties": {
                "load": {"type": "object", "additionalProperties": {"type": "string"}},
                "marks": {"type": "object", "description": "Paint."},
            }},
        }});
        let heading = "KIND:     Train\nVERSION:  toys.example/v1\n\n";
        for (path, depth, want) in [
            (
                "",
                Depth::Flat,
                "DESCRIPTION:\n     A train:\n     of wagons.\n\nFIELDS:\n   any\t<>\n\n   next\t<Object>\n     the train behind\n\n   wagons\t<[]Object> -required-\n     All wagons.\n\n",
            ),
            (
                "",
                Depth::Levels(2),
                "DESCRIPTION:\n     A train:\n     of wagons.\n\nFIELDS:\n   any\t<>\n   next\t<Object>\n      any\t<>\n      next\t<Object>\n      wagons\t<[]Object>\n   wagons\t<[]Object>\n      load\t<map[string]string>\n      marks\t<map[string]>\n",
            ),
            (
                "wagons",
                Depth::Levels(1),
                "RESOURCE: wagons <[]Object>\n\nDESCRIPTION:\n     All wagons.\n\n     A wagon.\n\nFIELDS:\n   load\t<map[string]string>\n   marks\t<map[string]>\n",
            ),
            ("next.wagons.load", Depth::Flat, "FIELD:    load <map[string]string>\n\nDESCRIPTION:\n     <empty>\n"),
            ("wagons.marks", Depth::Flat, "DESCRIPTION:\n     Paint.\n\n     Paint.\n"),
            ("any.thing", Depth::Flat, "DESCRIPTION:\n     <empty>\n"),
        ] {
            let fields = path.split('.').filter(|field| !field.is_empty()).map(str::to_owned).collect();
            let mut text = String::new();
            let gvk = GroupVersionKind::new("toys.example", "v1", "Train");
            render(&document, &gvk, &Asked { fields, depth }, &mut text).unwrap();
            assert_eq!(text.strip_prefix(heading), Some(want), "{path}");
        }
        let none = GroupVersionKind::new("", "v1", "Train");
        let asked = Asked { fields: vec!["x".into()], depth: Depth::Flat };
        assert_eq!(
            render(&document, &none, &asked, &mut String::new()).unwrap_err(),
            "couldn't find resource for \"/v1, Kind=Train\""
        );
        let train = GroupVersionKind::new("toys.example", "v1", "Train");
        let missing = render(&document, &train, &asked, &mut String::new()).unwrap_err();
        assert_eq!(missing, "field \"x\" does not exist");
    }
}

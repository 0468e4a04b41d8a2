//! A resource's documentation from an OpenAPI 3 document, in kubectl's `plaintext` format.

use super::wrap::wrap;
use super::{Asked, Depth};
use crate::api::{GroupVersionResource, ObjectExt, Value};
use crate::expr::go_value::{GoNumber, Plain};
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const KINDS: &str = "x-kubernetes-group-version-kind";
/// How many values of an enum a field in a list shows.
const SHOWN_VALUES: usize = 4;
/// How deep descriptions are looked for: a document whose lists hold themselves has no end.
const MAX_DEPTH: usize = 100;
/// Writes the documentation of what is asked for. When there is none, what was found so far is written all the same.
pub fn render(document: &Value, gvr: &GroupVersionResource, asked: &Asked, out: &mut String) -> Result<(), String> {
    let Some(kind) = kind_of(document, gvr) else {
        return Err(format!("error: GVR ({gvr}) not found in OpenAPI schema"));
    };
    let group = kind.text(&["group"]);
    if !group.is_empty() {
        out.push_str(&format!("GROUP:      {group}\n"));
    }
    out.push_str(&format!("KIND:       {}\nVERSION:    {}\n\n", kind.text(&["kind"]), kind.text(&["version"])));
    let schemas = document.map_at(&["components", "schemas"]).into_iter().flatten();
    let Some((_, schema)) = schemas.into_iter().find(|(_, schema)| schema.items_at(&[KINDS]).contains(kind)) else {
        return Err(format!("error: GVK {} not found in OpenAPI schema", Plain(kind)));
    };
    let text = Explainer { document, depth: asked.depth }.at_path(schema, &asked.fields, &Seen::default());
    if text.is_empty() {
        let field = asked.fields.last().map_or("", String::as_str);
        return Err(format!("error: field \"{field}\" does not exist"));
    }
    out.push_str(&text);
    out.push('\n');
    Ok(())
}

/// The kind of a resource, as the operations on it say it. Of the paths to it the last that is there counts.
fn kind_of<'a>(document: &'a Value, gvr: &GroupVersionResource) -> Option<&'a Value> {
    let (root, name) = (gvr.group_version().root(), &gvr.resource);
    let mut kind = None;
    for path in [
        format!("{root}/{name}"),
        format!("{root}/{name}/{{name}}"),
        format!("{root}/namespaces/{{namespace}}/{name}"),
        format!("{root}/namespaces/{{namespace}}/{name}/{{name}}"),
    ] {
        let operations = METHODS.iter().filter_map(|method| document.at(&["paths", &path, method]));
        for operation in operations.filter(|operation| is_said(operation)) {
            kind = operation.get(KINDS).filter(|kind| is_said(kind));
            if kind.is_some() {
                break;
            }
        }
    }
    kind
}

/// Whether a value counts as one to a template of Go's.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(holds) => *holds,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// A part of a schema, unless it says nothing.
fn part<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema.get(key).filter(|value| is_said(value))
}

/// The schema of a map's values, where it is one.
fn of_values(schema: &Value) -> Option<&Value> {
    part(schema, "additionalProperties").filter(|values| !values.is_boolean())
}

/// The types on the way to here: one that holds itself is not gone into again.
type Seen<'a> = BTreeSet<&'a str>;

struct Explainer<'a> {
    document: &'a Value,
    depth: Depth,
}

impl<'a> Explainer<'a> {
    /// The schema that a reference means.
    fn resolve(&self, schema: &'a Value) -> Option<&'a Value> {
        let path = schema.text(&["$ref"]).strip_prefix('#')?;
        let keys: Vec<&str> = path.split('/').filter(|key| !key.is_empty()).collect();
        self.document.at(&keys).filter(|found| found.is_object() && is_said(found))
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        self.resolve(schema).unwrap_or(schema)
    }

    /// What is below `path`; nothing where it leads nowhere.
    fn at_path(&self, schema: &'a Value, path: &[String], seen: &Seen<'a>) -> String {
        let reference = schema.text(&["$ref"]);
        let resolved = self.resolved(schema);
        let Some((field, rest)) = path.split_first() else { return self.whole(resolved) };
        if !reference.is_empty() && seen.contains(reference) {
            return String::new();
        }
        let mut seen = seen.clone();
        seen.insert(reference);
        if let Some(below) = resolved.get("properties").and_then(|fields| part(fields, field)) {
            let mut text = String::new();
            if rest.is_empty() {
                text = format!("FIELD: {field} <{}>\n", self.type_name(below));
                let values = below.items_at(&["enum"]).iter().map(|value| format!("\n    {}", shown(value)));
                if !below.items_at(&["enum"]).is_empty() {
                    text.push_str("ENUM:");
                    text.extend(values);
                }
                text.push_str("\n\n");
            }
            return text + &self.at_path(below, rest, &Seen::default());
        }
        if let Some(inner) = part(resolved, "items").or_else(|| of_values(resolved)) {
            return self.at_path(inner, path, &seen);
        }
        let alternatives = resolved.items_at(&["allOf"]).iter().map(|one| self.at_path(one, path, &seen));
        alternatives.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// A schema's description and fields.
    fn whole(&self, schema: &'a Value) -> String {
        let mut description = String::new();
        self.describe(schema, 0, &mut description);
        if description.is_empty() {
            description.push_str("<empty>");
        }
        let mut text = format!("DESCRIPTION:\n{}\n", indent(&wrap(&description, 76), 4));
        if let Some(link) = part(schema, "externalDocs") {
            text.push('\n');
            external(link, [0, 4], 76, &mut text);
        }
        let mut fields = String::new();
        self.fields(schema, 1, &Seen::default(), &mut fields);
        if !fields.is_empty() {
            text.push_str("FIELDS:\n");
            text.push_str(&fields);
        }
        text
    }

    /// Adds all that a schema and those that it is made of say of themselves.
    fn describe(&self, schema: &'a Value, depth: usize, text: &mut String) {
        if depth > MAX_DEPTH {
            return;
        }
        let resolved = self.resolved(schema);
        if let Some(description) = part(resolved, "description") {
            text.push_str(&format!("{}\n", Plain(description)));
        }
        for one in inner(resolved) {
            self.describe(one, depth + 1, text);
        }
    }

    fn fields(&self, schema: &'a Value, level: usize, seen: &Seen<'a>, text: &mut String) {
        let reference = schema.text(&["$ref"]);
        if !reference.is_empty() && seen.contains(reference) {
            return;
        }
        let mut seen = seen.clone();
        seen.insert(reference);
        let resolved = self.resolved(schema);
        for (name, field) in resolved.map_at(&["properties"]).into_iter().flatten() {
            let is_required = resolved.items_at(&["required"]).iter().any(|required| required == name);
            self.field(name, field, is_required, level, text);
            if self.depth.goes_below(level) {
                self.fields(field, level + 1, &seen, text);
            }
        }
        inner(resolved).for_each(|one| self.fields(one, level, &seen, text))
    }

    fn field(&self, name: &str, field: &'a Value, is_required: bool, level: usize, text: &mut String) {
        let margin = level * 2;
        let required = if is_required { " -required-" } else { "" };
        let line = indent(name, margin);
        text.push_str(&format!("{line}\t<{}>{required}", self.type_name(field)));
        let values = field.items_at(&["enum"]);
        if !values.is_empty() {
            let mut few: Vec<String> = values.iter().take(SHOWN_VALUES).map(shown).collect();
            few.extend((values.len() > SHOWN_VALUES).then(|| "....".to_owned()));
            text.push_str(&format!("\n{}enum: {}", " ".repeat(margin), few.join(", ")));
        }
        text.push('\n');
        if self.depth == Depth::Flat {
            let description =
                part(field, "description").map_or("<no description>".into(), |said| Plain(said).to_string());
            text.push_str(&indent(&wrap(&description, 78usize.saturating_sub(margin)), margin + 2));
            text.push('\n');
            if let Some(link) = part(field, "externalDocs") {
                text.push('\n');
                external(link, [margin + 2, margin + 4], 76usize.saturating_sub(margin), text);
            }
            text.push('\n');
        }
    }

    /// What a schema's type is called: `string`, `Object`, `[]Container`, `map[string]string`, ...
    fn type_name(&self, schema: &'a Value) -> String {
        let own = |schema: &Value| match part(schema, "type") {
            Some(name) if name != "object" => Plain(name).to_string(),
            _ => "Object".into(),
        };
        if let Some(items) = part(schema, "items") {
            return format!("[]{}", self.type_name(items));
        }
        if let Some(values) = of_values(schema) {
            return format!("map[string]{}", self.type_name(values));
        }
        if let ([one], None) = (schema.items_at(&["allOf"]), part(schema, "properties")) {
            return self.type_name(one);
        }
        let reference = schema.text(&["$ref"]);
        match self.resolve(schema) {
            _ if reference.is_empty() => own(schema),
            Some(found) if !matches!(found.text(&["type"]), "" | "object") => own(found),
            _ => match reference.rsplit(['/', '.']).next() {
                Some(name) if !name.is_empty() => name.to_owned(),
                _ => "Object".into(),
            },
        }
    }
}

/// What a schema is made of: all that it is, its items, a map's values.
fn inner(schema: &Value) -> impl Iterator<Item = &Value> {
    schema.items_at(&["allOf"]).iter().chain(part(schema, "items")).chain(of_values(schema))
}

/// Adds where more is to be read; the heading and what is below it have margins of their own.
fn external(link: &Value, [heading, below]: [usize; 2], width: usize, text: &mut String) {
    text.push_str(&format!("{}\n", indent("EXTERNAL DOCS:", heading)));
    if let Some(description) = part(link, "description") {
        text.push_str(&format!("{}\n", indent(&wrap(&Plain(description).to_string(), width), below)));
    }
    if let Some(url) = part(link, "url") {
        text.push_str(&format!("{}\n", indent(&format!("URL: {}", Plain(url)), below)));
    }
}

/// A value of an enum. Go reads all numbers as floats here.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::Number(number) => GoNumber::Float(number.as_f64().unwrap_or(f64::NAN)).to_string(),
        Value::Null => "<no value>".into(),
        other => Plain(other).to_string(),
    }
}

/// Puts blanks before each line, empty or not.
fn indent(text: &str, margin: usize) -> String {
    let blanks = " ".repeat(margin);
    format!("{blanks}{}", text.replace('\n', &format!("\n{blanks}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        let kind = json!({"group": "toys.example", "kind": "Train", "version": "v1"});
        let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        json!({
            "paths": {"/apis/toys.example/v1/namespaces/{namespace}/trains/{name}": {
                "parameters": [],
                "patch": {"x-kubernetes-group-version-kind": kind},
            }},
            "components": {"schemas": {
                "toys.Train": {
                    "description": "A train of wagons.\n\nIt runs on rails.",
                    "externalDocs": {"url": "http://toys.example"},
                    "required": ["wagons"],
                    "properties": {
                        "gauge": {"type": "integer", "enum": [10_000_000, "", null, 2.5, true]},
                        "next": {"allOf": [reference("toys.Train")], "description": "the train behind"},
                        "wagons": {"type": "array", "items": reference("toys.Wagon")},
                    },
                    "x-kubernetes-group-version-kind": [kind],
                },
                "toys.Wagon": {"type": "object", "properties": {
                    "load": {"type": "object", "additionalProperties": reference("toys.Weight")},
                    "name": {"type": "string", "description": "what is painted on both of its sides, in letters that can be read from far away"},
                }},
                "toys.Weight": {"type": "string", "description": "Kilograms."},
            }},
        })
    }

    fn explained(path: &str, depth: Depth) -> String {
        let fields = path.split('.').filter(|field| !field.is_empty()).map(str::to_owned).collect();
        let gvr = GroupVersionResource::new("toys.example", "v1", "trains");
        let mut text = String::new();
        let end = render(&document(), &gvr, &Asked { fields, depth }, &mut text);
        let heading = "GROUP:      toys.example\nKIND:       Train\nVERSION:    v1\n\n";
        text.strip_prefix(heading).unwrap_or(&text).to_owned() + &end.err().unwrap_or_default()
    }

    #[test]
    fn types_and_fields_are_explained() {
        let train = concat!(
            "DESCRIPTION:\n    A train of wagons.\n    \n    It runs on rails.\n    \n",
            "\nEXTERNAL DOCS:\n    URL: http://toys.example\n",
        );
        let whole = concat!(
            "FIELDS:\n  gauge\t<integer>\n  enum: 1e+07, \"\", <no value>, 2.5, ....\n    <no description>\n\n",
            "  next\t<Train>\n    the train behind\n\n",
            "  wagons\t<[]Wagon> -required-\n    <no description>\n\n\n",
        );
        let levels = concat!(
            "FIELDS:\n  gauge\t<integer>\n  enum: 1e+07, \"\", <no value>, 2.5, ....\n",
            "  next\t<Train>\n    gauge\t<integer>\n    enum: 1e+07, \"\", <no value>, 2.5, ....\n",
            "    next\t<Train>\n    wagons\t<[]Wagon> -required-\n",
            "  wagons\t<[]Wagon> -required-\n    load\t<map[string]string>\n    name\t<string>\n\n",
        );
        let wagons = concat!(
            "FIELD: wagons <[]Wagon>\n\n\nDESCRIPTION:\n    <empty>\nFIELDS:\n",
            "  load\t<map[string]string>\n    <no description>\n\n",
            "  name\t<string>\n    what is painted on both of its sides, in letters that can be read from far\n    away\n\n\n",
        );
        let gauge = "FIELD: gauge <integer>\nENUM:\n    1e+07\n    \"\"\n    <no value>\n    2.5\n    true\n\nDESCRIPTION:\n    <empty>\n\n";
        for (path, depth, text) in [
            ("", Depth::Flat, format!("{train}{whole}")),
            ("", Depth::Levels(2), format!("{train}{levels}")),
            ("wagons", Depth::Flat, wagons.into()),
            ("next.next.gauge", Depth::Flat, gauge.into()),
            (
                "wagons.load",
                Depth::Flat,
                "FIELD: load <map[string]string>\n\n\nDESCRIPTION:\n    Kilograms.\n    \n\n".into(),
            ),
            ("wagons.colour", Depth::Flat, "error: field \"colour\" does not exist".into()),
        ] {
            assert_eq!(explained(path, depth), text, "{path}");
        }
    }

    #[test]
    fn what_holds_itself_ends() {
        let circle = json!({"items": {"$ref": "#/components/schemas/Circle"}});
        let document = json!({"components": {"schemas": {"Circle": circle}}});
        let explainer = Explainer { document: &document, depth: Depth::Levels(0) };
        let schema = &document["components"]["schemas"]["Circle"];
        assert_eq!(explainer.at_path(schema, &["x".into()], &Seen::default()), "");
        assert_eq!(explainer.at_path(schema, &[], &Seen::default()), "DESCRIPTION:\n    <empty>\n");
        let train = GroupVersionResource::new("", "v1", "trains");
        let asked = Asked { fields: Vec::new(), depth: Depth::Flat };
        let missing = "error: GVR (/v1, Resource=trains) not found in OpenAPI schema";
        assert_eq!(render(&document, &train, &asked, &mut String::new()).unwrap_err(), missing);
    }
}

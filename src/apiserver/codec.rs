//! Bodies of requests: JSON or YAML to an object of the kind that is expected.

use super::errors::{About, Answer, Failure, bad_request, invalid, unsupported_media_type};
use super::kinds::field::Errors;
use super::options::FieldValidation;
use super::protobuf;
use super::registry::Served;
use crate::api::{GroupVersion, GroupVersionKind, Map, ObjectExt, Value, json};
use crate::schema;
use crate::yaml;

/// What a body can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`; also what no content type means.
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

const ACCEPTED: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

impl MediaType {
    /// Reads a `Content-Type`.
    pub fn parse(content_type: &str) -> Answer<Self> {
        match essence(content_type).as_str() {
            "" | "application/json" => Ok(Self::Json),
            "application/yaml" => Ok(Self::Yaml),
            "application/vnd.kubernetes.protobuf" => Ok(Self::Protobuf),
            _ => Err(unsupported_media_type(&ACCEPTED)),
        }
    }
}

/// A content type without its parameters.
pub fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// A decoded body.
#[derive(Debug)]
pub struct Decoded {
    /// The object, with `apiVersion` and `kind`.
    pub object: Value,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
}

/// Decodes a body into the kind of a resource.
pub fn decode(body: &[u8], media: MediaType, served: &Served, validation: FieldValidation) -> Answer<Decoded> {
    let kind = &served.kind;
    let unrecognized = |why: String| {
        let summary = summary(body);
        bad_request(format!("the object provided is unrecognized (must be of type {}): {why} ({summary})", kind.kind))
    };
    let (mut object, doubled) = match media {
        MediaType::Json => parse_json(body)
            .map_err(|why| unrecognized(format!("couldn't get version/kind; json parse error: {why}")))?,
        MediaType::Yaml => (parse_yaml(body).map_err(unrecognized)?, Vec::new()),
        MediaType::Protobuf => (protobuf::decode(body, kind, schema::builtin()).map_err(unrecognized)?, Vec::new()),
    };
    if object.is_null() {
        object = Value::Object(Map::new());
    }
    if !object.is_object() {
        let found = match &object {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        // The Go type that kube-apiserver reads kind and version with is part of its message.
        let go_type =
            r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
        let why = format!("json: cannot unmarshal {found} into Go value of type {go_type}");
        return Err(unrecognized(format!("couldn't get version/kind; json parse error: {why}")));
    }
    if served.custom.is_some() && object.kind().is_empty() {
        return Err(unrecognized(format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(body))));
    }
    check_kind(&object, served)?;
    normalise(object, served, validation, |unknown| match (media, served.schema()) {
        _ if served.custom.is_some() => {
            let doubled = doubled.iter().map(|path| format!("duplicate field {path:?}"));
            doubled.chain(unknown).collect()
        }
        // In the order in which they stand in the body.
        (MediaType::Json, Some(schema)) if !unknown.is_empty() || !doubled.is_empty() => {
            schema::complaints(body, schema)
        }
        _ => unknown,
    })
}

/// Brings an object into the form of its type, as a decoder would have.
pub fn check(object: Value, served: &Served, validation: FieldValidation) -> Answer<Decoded> {
    check_kind(&object, served)?;
    normalise(object, served, validation, |unknown| unknown)
}

fn normalise(
    mut object: Value,
    served: &Served,
    validation: FieldValidation,
    complaints: impl FnOnce(Vec<String>) -> Vec<String>,
) -> Answer<Decoded> {
    let kind = &served.kind;
    object.put(&["apiVersion"], kind.api_version());
    object.put(&["kind"], kind.kind.as_str());
    let cannot = |why: String| cannot_handle(&kind.kind, &kind.version, &kind.kind, &why);
    let unknown = served.normalise(&mut object).map_err(cannot)?;
    if validation == FieldValidation::Ignore {
        return Ok(Decoded { object, warnings: Vec::new() });
    }
    let warnings = complaints(unknown);
    if validation == FieldValidation::Strict && !warnings.is_empty() {
        return Err(cannot(format!("strict decoding error: {}", warnings.join(", "))));
    }
    Ok(Decoded { object, warnings })
}

/// Checks that the body's kind is the resource's. A missing kind or version means the resource's own.
fn check_kind(object: &Value, served: &Served) -> Answer<()> {
    let expected = &served.kind;
    if served.custom.is_some() {
        return check_custom_kind(object, expected);
    }
    let or = |text: &str, default: &str| if text.is_empty() { default.to_string() } else { text.to_string() };
    let version = GroupVersion::parse(&or(object.api_version(), &expected.api_version()));
    let found = version.with_kind(&or(object.kind(), &expected.kind));
    if found == *expected {
        return Ok(());
    }
    if !served.knows_kind(&found) {
        let scheme = "in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
        let why = format!("no kind {:?} is registered for version {:?} {scheme}", found.kind, version.to_string());
        return Err(cannot_handle(&found.kind, &found.version, &expected.kind, &why));
    }
    if found.kind == expected.kind && found.group == expected.group {
        return Err(bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            expected.api_version()
        )));
    }
    // Go names types by package; the internal one is called `core` or as the group's first part.
    let package = if expected.group.is_empty() { "core" } else { expected.group.split('.').next().unwrap_or("") };
    let why =
        format!("converting ({}.{}) to ({package}.{}): unknown conversion", found.version, found.kind, expected.kind);
    Err(cannot_handle(&found.kind, &found.version, &expected.kind, &why))
}

/// Checks that a custom object says of itself what it is.
fn check_custom_kind(object: &Value, expected: &GroupVersionKind) -> Answer<()> {
    let (version, wanted) = (object.api_version(), expected.api_version());
    if version != wanted {
        let why = format!("the API version in the data ({version}) does not match the expected API version ({wanted})");
        return Err(bad_request(why));
    }
    if object.kind() == expected.kind {
        return Ok(());
    }
    let mut errors = Errors::default();
    errors.invalid("kind", &object.kind().into(), &format!("must be {}", expected.kind));
    Err(invalid(About { group: &expected.group, kind: object.kind(), name: object.name() }, errors))
}

fn cannot_handle(kind: &str, version: &str, expected: &str, why: &str) -> Failure {
    bad_request(format!("{kind} in version {version:?} cannot be handled as a {expected}: {why}"))
}

/// What an error shows of a body.
fn summary(body: &[u8]) -> String {
    const MOST: usize = 30;
    let shown = &body[..body.len().min(MOST)];
    let text = match body.first() {
        None => "<empty>".into(),
        Some(b'{') => String::from_utf8_lossy(shown).into_owned(),
        Some(_) => shown.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if body.len() > MOST { format!("{text} ...") } else { text }
}

/// Decodes a body of a kind that is no resource's, as it is.
pub fn decode_plain(body: &[u8], media: MediaType, expected: &GroupVersionKind) -> Answer<Value> {
    let decoded = match media {
        MediaType::Json => parse_json(body)
            .map(|(value, _)| value)
            .map_err(|why| format!("couldn't get version/kind; json parse error: {why}")),
        MediaType::Yaml => parse_yaml(body),
        MediaType::Protobuf => protobuf::decode(body, expected, schema::builtin()),
    };
    decoded.map_err(bad_request)
}

/// Reads JSON, and the paths of the fields that are there twice (the last one counts).
pub fn parse_json(body: &[u8]) -> Result<(Value, Vec<String>), String> {
    json::from_slice_strict(body).map_err(|error| error.to_string())
}

/// Reads YAML.
pub fn parse_yaml(body: &[u8]) -> Result<Value, String> {
    yaml::from_slice(body).map_err(|error| format!("error converting YAML to JSON: {}", error.reason()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apiserver::registry::Registry;

    fn pods(body: &str, validation: FieldValidation) -> Answer<Decoded> {
        let registry = Registry::builtin();
        let served = registry.find("", "v1", "pods").unwrap();
        decode(body.as_bytes(), MediaType::Json, served, validation)
    }

    #[test]
    fn what_is_no_pod_is_refused() {
        let unmarshal =
            r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
        let unrecognized =
            "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error:";
        for (body, message) in [
            ("{not json", format!("{unrecognized} invalid character 'n' looking for beginning of object key string ({{not json)")),
            ("", format!("{unrecognized} unexpected end of JSON input (<empty>)")),
            ("[]", format!("{unrecognized} json: cannot unmarshal array into Go value of type {unmarshal} (5b5d)")),
            ("\"s\"", format!("{unrecognized} json: cannot unmarshal string into Go value of type {unmarshal} (227322)")),
            (r#"{"apiVersion":"v1","kind":"ConfigMap"}"#, r#"ConfigMap in version "v1" cannot be handled as a Pod: converting (v1.ConfigMap) to (core.Pod): unknown conversion"#.into()),
            (r#"{"apiVersion":"v2","kind":"Pod"}"#, r#"Pod in version "v2" cannot be handled as a Pod: no kind "Pod" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30""#.into()),
        ] {
            assert_eq!(pods(body, FieldValidation::Warn).unwrap_err().message, message);
        }
        for body in ["null", "{}", r#"{"kind":"Pod"}"#] {
            let object = pods(body, FieldValidation::Warn).unwrap().object;
            assert_eq!((object.api_version(), object.kind()), ("v1", "Pod"), "{body}");
        }
    }

    #[test]
    fn doubled_fields_are_noticed() {
        let body = r#"{"metadata":{"name":"a","name":"b"},"spec":{"containers":[{"name":"c","image":"x"},{"image":"y","image":"z"}]}}"#;
        let decoded = pods(body, FieldValidation::Warn).unwrap();
        assert_eq!(decoded.object.name(), "b");
        assert_eq!(
            decoded.warnings,
            [r#"duplicate field "metadata.name""#, r#"duplicate field "spec.containers[1].image""#]
        );
        assert_eq!(pods(body, FieldValidation::Ignore).unwrap().warnings, Vec::<String>::new());
        assert!(
            pods(body, FieldValidation::Strict).unwrap_err().message.contains("strict decoding error: duplicate field")
        );
    }
}

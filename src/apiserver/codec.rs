//! Bodies of requests: JSON or YAML to an object of the kind that is expected.

use super::errors::{About, Answer, Failure, bad_request, invalid, unsupported_media_type};
use super::kinds::field::Errors;
use super::options::FieldValidation;
use super::protobuf;
use super::registry::Served;
use crate::api::gotext::json_kind;
use crate::api::{GroupVersion, GroupVersionKind, Map, ObjectExt, Value, json};
use crate::schema::{self, DecodeError};
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
        if content_type.is_empty() {
            return Ok(Self::Json);
        }
        match media_type(content_type).as_deref() {
            Some("application/json") => Ok(Self::Json),
            Some("application/yaml") => Ok(Self::Yaml),
            Some("application/vnd.kubernetes.protobuf") => Ok(Self::Protobuf),
            _ => Err(unsupported_media_type(&ACCEPTED)),
        }
    }
}

/// The type that a header names; none when the header is not well-formed (RFC 2045), as Go judges it.
fn media_type(text: &str) -> Option<String> {
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    let (media, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let media = media.trim().to_ascii_lowercase();
    if !media.split('/').all(is_token) || media.matches('/').count() > 1 {
        return None;
    }
    let mut known = Vec::new();
    while !rest.trim_start().is_empty() {
        let parameter = rest.trim_start().strip_prefix(';')?.trim_start();
        if parameter.is_empty() {
            return Some(media);
        }
        let (name, value) = parameter.split_once('=')?;
        let end = match value.strip_prefix('"') {
            // The quote that ends it is one that no backslash is before.
            Some(quoted) => {
                let mut escaped = false;
                let end = quoted.bytes().position(|byte| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                });
                end? + 2
            }
            None => value.bytes().position(|byte| !is_token_byte(byte)).unwrap_or(value.len()),
        };
        let name = name.to_ascii_lowercase();
        if end == 0 || !is_token(&name) || known.contains(&name) {
            return None;
        }
        known.push(name);
        rest = &value[end..];
    }
    Some(media)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
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
        MediaType::Yaml => parse_yaml(body).map_err(unrecognized)?,
        MediaType::Protobuf => (protobuf::decode(body, kind, schema::builtin()).map_err(unrecognized)?, Vec::new()),
    };
    if object.is_null() {
        object = Value::Object(Map::new());
    }
    check_type_meta(&object).map_err(unrecognized)?;
    if served.custom.is_some() && object.kind().is_empty() {
        return Err(unrecognized(format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(body))));
    }
    if served.custom.is_some() && object.api_version() != kind.api_version() {
        let (version, wanted) = (object.api_version(), kind.api_version());
        let why = format!("the API version in the data ({version}) does not match the expected API version ({wanted})");
        return Err(bad_request(why));
    }
    let (object, unknown) = reshape(object, served).map_err(|misfit| misfit.failure(&kind.kind))?;
    let odd = match (media, served.schema()) {
        (MediaType::Yaml, _) => yaml_complaint(&doubled).into_iter().chain(unknown).collect(),
        _ if served.custom.is_some() => {
            let doubled = doubled.iter().map(|path| format!("duplicate field {path:?}"));
            doubled.chain(unknown).collect()
        }
        // In the order in which they stand in the body.
        (MediaType::Json, Some(schema)) if !unknown.is_empty() || !doubled.is_empty() => {
            schema::complaints(body, schema)
        }
        _ => unknown,
    };
    judge(object, odd, served, validation)
}

/// Complains of a body that does not say well what it is.
fn check_type_meta(object: &Value) -> Result<(), String> {
    let complain = |why: String| Err(format!("couldn't get version/kind; json parse error: {why}"));
    if !object.is_object() {
        let found = json_kind(object);
        // The Go type that kube-apiserver reads kind and version with is part of its message.
        let go_type =
            r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
        return complain(format!("json: cannot unmarshal {found} into Go value of type {go_type}"));
    }
    for field in ["apiVersion", "kind"] {
        let odd = object.get(field).filter(|value| !value.is_string() && !value.is_null());
        if let Some(found) = odd.map(json_kind) {
            return complain(format!("json: cannot unmarshal {found} into Go struct field .{field} of type string"));
        }
    }
    if object.api_version().matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {}", object.api_version()));
    }
    Ok(())
}

/// Brings an object that an apply made into the form of its type, as a decoder would have. A custom resource stays as it
/// is until it is stored: nobody decodes it before.
pub fn check(object: Value, served: &Served, validation: FieldValidation) -> Answer<Decoded> {
    if served.custom.is_some() {
        check_kind(&object, served).map_err(|misfit| misfit.failure(&served.kind.kind))?;
        return Ok(Decoded { object, warnings: Vec::new() });
    }
    let (object, unknown) = reshape(object, served).map_err(|misfit| misfit.failure(&served.kind.kind))?;
    judge(object, unknown, served, validation)
}

/// Why a value is no object of a resource.
pub enum Misfit {
    /// In a decoder's words, and which kind and version it took it for.
    Undecodable {
        /// The kind.
        kind: String,
        /// The version.
        version: String,
        /// The decoder's words.
        why: String,
        /// The field that has the value; empty where it is not known, or the whole.
        field: String,
    },
    /// It is refused for another reason.
    Refused(Failure),
}

impl Misfit {
    pub(super) fn failure(self, expected: &str) -> Failure {
        match self {
            Self::Undecodable { kind, version, why, .. } => cannot_handle(&kind, &version, expected, &why),
            Self::Refused(failure) => failure,
        }
    }
}

/// Brings an object into the form of its type, and says which fields it does not have.
pub fn reshape(mut object: Value, served: &Served) -> Result<(Value, Vec<String>), Misfit> {
    check_kind(&object, served)?;
    let GroupVersionKind { kind, version, .. } = &served.kind;
    object.put(&["apiVersion"], served.kind.api_version());
    object.put(&["kind"], kind.as_str());
    match served.normalise(&mut object) {
        Ok(unknown) => Ok((object, unknown)),
        Err(DecodeError { message: why, field }) => {
            Err(Misfit::Undecodable { kind: kind.clone(), version: version.clone(), why, field })
        }
    }
}

/// Warns of what is odd about an object, or refuses it for that, as the request wants it.
fn judge(object: Value, odd: Vec<String>, served: &Served, validation: FieldValidation) -> Answer<Decoded> {
    let kind = &served.kind;
    match validation {
        FieldValidation::Ignore => Ok(Decoded { object, warnings: Vec::new() }),
        FieldValidation::Strict if !odd.is_empty() => Err(not_strict(kind, &odd)),
        _ => Ok(Decoded { object, warnings: odd.iter().flat_map(|odd| warnings(odd)).collect() }),
    }
}

/// What the YAML reader says of keys that are there twice, in one text.
pub fn yaml_complaint(doubled: &[String]) -> Option<String> {
    (!doubled.is_empty()).then(|| format!("{YAML_ERRORS}  {}", doubled.join("\n  ")))
}

/// How such a text begins.
const YAML_ERRORS: &str = "yaml: unmarshal errors:\n";

/// A complaint as warnings: one for each line of those about YAML.
pub fn warnings(complaint: &str) -> impl Iterator<Item = String> + use<> {
    let lines = complaint.strip_prefix(YAML_ERRORS).map(|lines| lines.lines().map(|line| line.trim().to_owned()));
    let lines: Vec<String> = lines.map_or_else(|| vec![complaint.to_owned()], Iterator::collect);
    lines.into_iter()
}

/// Checks that the body's kind is the resource's. A missing kind or version means the resource's own.
fn check_kind(object: &Value, served: &Served) -> Result<(), Misfit> {
    let expected = &served.kind;
    if served.custom.is_some() {
        return check_custom_kind(object, expected).map_err(Misfit::Refused);
    }
    let or = |text: &str, default: &str| if text.is_empty() { default.to_string() } else { text.to_string() };
    let version = GroupVersion::parse(&or(object.api_version(), &expected.api_version()));
    let found = version.with_kind(&or(object.kind(), &expected.kind));
    if found == *expected {
        return Ok(());
    }
    let undecodable = |why| {
        let (kind, version) = (found.kind.clone(), found.version.clone());
        Err(Misfit::Undecodable { kind, version, why, field: String::new() })
    };
    if !served.knows_kind(&found) {
        let scheme = "in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
        let (kind, version) = (&found.kind, version.to_string());
        return undecodable(format!("no kind {kind:?} is registered for version {version:?} {scheme}"));
    }
    if found.kind == expected.kind && found.group == expected.group {
        return Err(Misfit::Refused(bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            expected.api_version()
        ))));
    }
    // Go names types by package; the internal one is called `core` or as the group's first part.
    let package = if expected.group.is_empty() { "core" } else { expected.group.split('.').next().unwrap_or("") };
    let (from, to) = (format!("{}.{}", found.version, found.kind), format!("{package}.{}", expected.kind));
    undecodable(format!("converting ({from}) to ({to}): unknown conversion"))
}

/// Checks that a custom object says of itself what it is.
fn check_custom_kind(object: &Value, expected: &GroupVersionKind) -> Answer<()> {
    let wanted = expected.api_version();
    let mut errors = Errors::default();
    if object.kind() != expected.kind {
        errors.invalid("kind", &object.kind().into(), &format!("must be {}", expected.kind));
    }
    if object.api_version() != wanted {
        errors.invalid("apiVersion", &object.api_version().into(), &format!("must be {wanted}"));
    }
    if errors.causes.is_empty() {
        return Ok(());
    }
    let group = GroupVersion::parse(object.api_version()).group;
    Err(invalid(About { group: &group, kind: object.kind(), name: object.name() }, errors))
}

/// Refuses an object for its unknown and doubled fields.
pub(super) fn not_strict(kind: &GroupVersionKind, odd: &[String]) -> Failure {
    let why = format!("strict decoding error: {}", odd.join(", "));
    cannot_handle(&kind.kind, &kind.version, &kind.kind, &why)
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

/// Decodes the options of a delete.
pub fn decode_options(body: &[u8], media: MediaType) -> Answer<Value> {
    const KIND: &str = "DeleteOptions";
    let expected = &GroupVersionKind::new("", "v1", KIND);
    let decoded = match media {
        MediaType::Json => parse_json(body)
            .map(|(value, _)| value)
            .map_err(|why| format!("couldn't get version/kind; json parse error: {why}")),
        MediaType::Yaml => parse_yaml(body).map(|(value, _)| value),
        MediaType::Protobuf => protobuf::decode(body, expected, schema::builtin()),
    };
    let mut value = decoded.map_err(bad_request)?;
    if value.is_null() {
        value = Value::Object(Map::new());
    }
    check_type_meta(&value).map_err(bad_request)?;
    let version = GroupVersion::parse(if value.api_version().is_empty() { "v1" } else { value.api_version() });
    let kind = if value.kind().is_empty() { KIND } else { value.kind() };
    // Clients write them in the version of whatever they delete: any will do.
    if kind != KIND {
        let is_meta = schema::builtin().named(&format!("io.k8s.apimachinery.pkg.apis.meta.v1.{kind}")).is_some();
        return Err(bad_request(if is_meta && version.version == "v1" && version.group.is_empty() {
            format!("converting (v1.{kind}) to (v1.DeleteOptions): unknown conversion")
        } else {
            let scheme = "in scheme \"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\"";
            format!("no kind {kind:?} is registered for version {:?} {scheme}", version.to_string())
        }));
    }
    let checked = schema::builtin().kind(expected).map(|schema| schema::normalise(&mut value.clone(), schema));
    match checked {
        Some(Err(error)) => Err(bad_request(error.to_string())),
        _ => Ok(value),
    }
}

/// Reads JSON, and the paths of the fields that are there twice (the last one counts).
pub fn parse_json(body: &[u8]) -> Result<(Value, Vec<String>), String> {
    json::from_slice_strict(body).map_err(|error| error.to_string())
}

/// Reads YAML, and what is to be said of keys that are there twice (the last one counts).
pub fn parse_yaml(body: &[u8]) -> Result<(Value, Vec<String>), String> {
    yaml::from_slice_strict(body).map_err(|error| error.reason().to_string())
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
    fn options_of_deletes_are_of_any_version() {
        let decode = |body: &str| decode_options(body.as_bytes(), MediaType::Json).map_err(|failure| failure.message);
        for version in ["", "v1", "meta.k8s.io/v1", "apps/v1", "example.com/v1alpha1"] {
            assert!(decode(&format!(r#"{{"apiVersion":"{version}","kind":"DeleteOptions"}}"#)).is_ok(), "{version}");
        }
        let scheme = r#"in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27""#;
        for (body, message) in [
            (
                r#"{"apiVersion":"v1","kind":"Pod"}"#,
                format!(r#"no kind "Pod" is registered for version "v1" {scheme}"#),
            ),
            (r#"{"kind":"Status"}"#, "converting (v1.Status) to (v1.DeleteOptions): unknown conversion".into()),
            ("", "couldn't get version/kind; json parse error: unexpected end of JSON input".into()),
        ] {
            assert_eq!(decode(body).unwrap_err(), message);
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

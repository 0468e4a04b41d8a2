//! Objects as kube-apiserver decodes them: checked against the Go types of the API, and written as those are written.

use super::scalar;
use crate::api::{Map, ObjectExt, Presence, TypeNode, TypeRef, Value, gotext};
use std::fmt::Write;
use thiserror::Error;

/// Why a value is no object of its type, in the words of Go's JSON decoder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct DecodeError {
    /// The words.
    pub message: String,
    /// The field that has the value, such as `spec.containers[0].ports`; empty for the whole.
    pub field: String,
}

/// Brings a value into the form of its type, as decoding and encoding do: fields that the type does not have are taken
/// away, null and empty fields that are not written go, fields that are always written come, and quantities, times and
/// bytes get their canonical form. Returns a complaint for each field that was taken away (`unknown field "spec.x"`).
///
/// Lists are as they come back from the store, where nothing tells an empty one from none: always written, it is null.
pub fn normalise(value: &mut Value, ty: TypeRef) -> Result<Vec<String>, DecodeError> {
    walk(value, ty, Walk::default())
}

fn walk<'a>(value: &mut Value, ty: TypeRef<'a>, mut walk: Walk<'a>) -> Result<Vec<String>, DecodeError> {
    match value {
        Value::Null => *value = ty.empty(),
        Value::Object(map) => walk.fields(map, ty)?,
        other => return Err(walk.wrong_kind(other, ty, None)),
    }
    Ok(walk.unknown.into_iter().map(|path| format!("unknown field {path:?}")).collect())
}

/// The object as the Go type of its kind holds it, empty lists too; none when its kind is not built in.
pub fn as_go_type(object: &Value) -> Option<Result<Value, DecodeError>> {
    let ty = super::builtin().kind(&object.group_version_kind())?;
    let mut object = object.clone();
    Some(walk(&mut object, ty, Walk { keeps_empty: true, ..Walk::default() }).map(|_| object))
}

/// Where the walk is, and what it has found.
#[derive(Default)]
struct Walk<'a> {
    /// The path with indices and keys: `spec.containers[0]`.
    path: String,
    /// The names of fields alone: `spec.containers`, and where each begins.
    fields: String,
    /// The name of the Go struct that the last field is of.
    structs: Vec<&'a str>,
    unknown: Vec<String>,
    /// Whether an empty list stays one.
    keeps_empty: bool,
}

impl<'a> Walk<'a> {
    fn fields(&mut self, map: &mut Map<String, Value>, ty: TypeRef<'a>) -> Result<(), DecodeError> {
        let node = ty.node();
        self.structs.push(struct_name(ty));
        let mut failed = None;
        map.retain(|name, value| {
            if failed.is_some() {
                return true;
            }
            match ty.declared(name) {
                Some(of_field) => self.within(name, |walk| walk.field(value, of_field)).unwrap_or_else(|error| {
                    failed = Some(error);
                    true
                }),
                None if node.preserve_unknown => true,
                None => {
                    let dot = if self.path.is_empty() { "" } else { "." };
                    self.unknown.push(format!("{}{dot}{name}", self.path));
                    false
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        self.structs.pop();
        for (name, usage) in &node.fields {
            let is_written = matches!(usage.presence, Presence::Always | Presence::AlwaysOrNull);
            if is_written
                && !map.contains_key(name)
                && let Some(unset) = ty.field(name).and_then(TypeRef::unset)
            {
                map.insert(name.clone(), unset);
            }
        }
        Ok(())
    }

    /// Does `step` at the field `name`.
    fn within<T>(&mut self, name: &str, step: impl FnOnce(&mut Self) -> T) -> T {
        let (path, fields) = (self.path.len(), self.fields.len());
        for text in [&mut self.path, &mut self.fields] {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(name);
        }
        let result = step(self);
        self.path.truncate(path);
        self.fields.truncate(fields);
        result
    }

    /// Does `step` at an item or a key.
    fn at<T>(&mut self, part: std::fmt::Arguments, step: impl FnOnce(&mut Self) -> T) -> T {
        let path = self.path.len();
        // Writing to a string does not fail.
        let _ = self.path.write_fmt(part);
        let result = step(self);
        self.path.truncate(path);
        result
    }

    /// Brings the value of a field into its form; whether it is written.
    fn field(&mut self, value: &mut Value, ty: TypeRef<'a>) -> Result<bool, DecodeError> {
        let presence = ty.usage().presence;
        if value.is_null() {
            return Ok(match presence {
                Presence::Always => {
                    *value = ty.zero();
                    true
                }
                Presence::AlwaysOrNull | Presence::AsGiven => true,
                Presence::Filled | Presence::Set => false,
            });
        }
        let go_type = (presence != Presence::AsGiven).then_some(ty.usage().go_type.as_str());
        self.value(value, ty, go_type)?;
        if value.is_null() && matches!(presence, Presence::Filled | Presence::Set) {
            return Ok(false);
        }
        if !self.keeps_empty && presence == Presence::Always && value.as_array().is_some_and(Vec::is_empty) {
            *value = Value::Null;
        }
        Ok(presence != Presence::Filled || !is_zero(value))
    }

    /// Brings a value that is not null into its form. `go_type` is the name of its Go type: empty for a plain one, none
    /// where there is no Go type.
    fn value(&mut self, value: &mut Value, ty: TypeRef<'a>, go_type: Option<&str>) -> Result<(), DecodeError> {
        let node = ty.node();
        match (node.kind.as_str(), &mut *value) {
            ("", _) => match Union::of(ty) {
                Some((union, of_object)) => self.union(value, union, of_object),
                None => Ok(()),
            },
            ("object", Value::Object(map)) if !node.fields.is_empty() => self.fields(map, ty),
            ("object", Value::Object(map)) => {
                let Some(of_value) = ty.values() else { return Ok(()) };
                let of_go = go_type.map(|name| name.split_once(']').map_or("", |(_, of_value)| of_value));
                map.iter_mut().try_for_each(|(key, value)| {
                    self.at(format_args!(".{key}"), |walk| walk.item(value, of_value, of_go))
                })
            }
            // Raw JSON.
            ("object", _) if node.fields.is_empty() && node.values.is_none() => Ok(()),
            ("array", Value::Array(list)) => {
                let Some(of_item) = ty.items() else { return Ok(()) };
                let of_go = go_type.map(|name| name.strip_prefix("[]").unwrap_or(""));
                list.iter_mut().enumerate().try_for_each(|(index, item)| {
                    self.at(format_args!("[{index}]"), |walk| walk.item(item, of_item, of_go))
                })
            }
            ("object" | "array", other) => Err(self.wrong_kind(other, ty, go_type)),
            _ => match scalar::normalise(value, ty) {
                Ok(()) => Ok(()),
                Err(Some(message)) => Err(DecodeError { message, field: self.path.clone() }),
                Err(None) => Err(self.wrong_kind(value, ty, go_type)),
            },
        }
    }

    /// Brings what is an object or something else into its form; null is what it cannot be.
    fn union(&mut self, value: &mut Value, union: Union, of_object: TypeRef<'a>) -> Result<(), DecodeError> {
        // What decodes itself does so without a complaint about unknown fields.
        let unknown = self.unknown.len();
        let result = match (union, &mut *value) {
            (_, Value::Object(map)) => self.fields(map, of_object),
            (Union::Truth, Value::Bool(_)) => Ok(()),
            (Union::Truth, _) => {
                Err(DecodeError { message: "boolean or JSON schema expected".into(), field: self.path.clone() })
            }
            (Union::List, Value::Array(list)) if !list.is_empty() => {
                list.iter_mut().enumerate().try_for_each(|(index, item)| {
                    self.at(format_args!("[{index}]"), |walk| walk.item(item, of_object, Some("")))
                })
            }
            (Union::Texts, Value::Array(list)) => match list.iter().find(|item| !item.is_string()) {
                Some(item) => {
                    let kind = gotext::json_kind(item);
                    let message = format!("json: cannot unmarshal {kind} into Go value of type string");
                    Err(DecodeError { message, field: self.path.clone() })
                }
                None => Ok(()),
            },
            _ => {
                *value = Value::Null;
                Ok(())
            }
        };
        self.unknown.truncate(unknown);
        result
    }

    fn item(&mut self, item: &mut Value, ty: TypeRef<'a>, go_type: Option<&str>) -> Result<(), DecodeError> {
        if item.is_null() {
            // Go has no nulls among values.
            if go_type.is_some() {
                // Bytes that are none come back from the store as empty ones.
                *item = if ty.node().format == "byte" { "".into() } else { ty.zero() };
            }
            return Ok(());
        }
        self.value(item, ty, go_type)
    }

    fn wrong_kind(&self, value: &Value, ty: TypeRef<'a>, go_type: Option<&str>) -> DecodeError {
        let found = match value {
            // Numbers are named where a number was wanted.
            Value::Number(number) if ["integer", "number"].contains(&ty.node().kind.as_str()) => {
                format!("number {number}")
            }
            _ => gotext::json_kind(value).into(),
        };
        let go_type = go_type.filter(|name| !name.is_empty()).map_or_else(|| plain_go_type(ty), str::to_owned);
        let place = match self.structs.last() {
            Some(name) => format!("Go struct field {name}.{}", self.fields),
            None => "Go value".into(),
        };
        let message = format!("json: cannot unmarshal {found} into {place} of type {go_type}");
        DecodeError { message, field: self.path.clone() }
    }
}

/// What a value may be besides an object: types that have their own ways with JSON.
#[derive(Clone, Copy)]
enum Union {
    List,
    Truth,
    Texts,
}

impl Union {
    /// What a type is besides the object whose type comes with it.
    fn of(ty: TypeRef<'_>) -> Option<(Self, TypeRef<'_>)> {
        let (object, other) = ty.name()?.rsplit_once("Or")?;
        let union = match other {
            "Array" => Self::List,
            "Bool" => Self::Truth,
            "StringArray" => Self::Texts,
            _ => return None,
        };
        Some((union, ty.other(object)?))
    }
}

/// Whether Go leaves a value out that is marked `omitempty`.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// The name of a type's Go struct: `PodSpec`.
fn struct_name(ty: TypeRef<'_>) -> &str {
    ty.name().and_then(|name| name.rsplit('.').next()).unwrap_or_default()
}

/// What Go calls the type, when it has no name of its own: `[]v1.Container`, `map[string]string`, `int32`.
fn plain_go_type(ty: TypeRef) -> String {
    if let Some(name) = ty.name() {
        let mut parts = name.rsplit('.');
        let name = parts.next().unwrap_or_default();
        return format!("{}.{name}", parts.next().unwrap_or_default());
    }
    let node: &TypeNode = ty.node();
    let of = |inner: Option<TypeRef>| inner.map_or_else(|| "interface {}".into(), plain_go_type);
    match (node.kind.as_str(), node.format.as_str()) {
        ("array", _) => format!("[]{}", of(ty.items())),
        ("object", _) => format!("map[string]{}", of(ty.values())),
        ("string", "byte") => "[]uint8".into(),
        ("integer", "") => "int".into(),
        ("integer", format) => format.into(),
        ("number", _) => "float64".into(),
        ("boolean", _) => "bool".into(),
        (kind, _) => kind.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{GroupVersionKind, ObjectExt};
    use crate::schema::builtin;
    use proptest::prelude::*;
    use serde_json::json;
    use std::path::{Path, PathBuf};

    fn kind(group: &str, kind: &str) -> TypeRef<'static> {
        builtin().kind(&GroupVersionKind::new(group, "v1", kind)).unwrap()
    }

    #[test]
    fn only_what_is_stored_loses_its_empty_lists() {
        let mut role =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {}, "rules": []});
        assert_eq!(as_go_type(&role).unwrap().unwrap()["rules"], json!([]));
        normalise(&mut role, kind("rbac.authorization.k8s.io", "Role")).unwrap();
        assert_eq!(role["rules"], Value::Null);
    }

    #[test]
    fn objects_get_the_form_of_their_type() {
        for (ty, given, want) in [
            (kind("", "ConfigMap"), json!(null), json!({"metadata": {}})),
            (kind("", "Secret"), json!({"data": {"a": null}}), json!({"metadata": {}, "data": {"a": ""}})),
            (
                kind("", "ConfigMap"),
                json!({"metadata": {"name": "x", "labels": {}, "annotations": null, "creationTimestamp": null}, "data": {"a": null},
                    "immutable": false}),
                json!({"metadata": {"name": "x"}, "data": {"a": ""}, "immutable": false}),
            ),
            (
                kind("", "Pod"),
                json!({"spec": {
                    "hostNetwork": false, "priority": 0, "hostname": "", "nodeSelector": {}, "tolerations": [], "securityContext": {},
                    "containers": [
                        {"name": "a", "image": "i", "stdin": false, "resources": {"limits": {"cpu": "0.5", "memory": 1024}}},
                        {"image": "i", "args": [null], "ports": [{}], "livenessProbe": {"httpGet": {"port": 80}}}
                    ]
                }}),
                json!({"metadata": {}, "status": {}, "spec": {
                    "priority": 0, "securityContext": {},
                    "containers": [
                        {"name": "a", "image": "i", "resources": {"limits": {"cpu": "500m", "memory": "1024"}}},
                        {"name": "", "image": "i", "resources": {}, "args": [""], "ports": [{"containerPort": 0}],
                            "livenessProbe": {"httpGet": {"port": 80}}}
                    ]
                }}),
            ),
            (
                kind("apps", "Deployment"),
                json!({"metadata": {"creationTimestamp": "2026-01-01T01:00:00+01:00"}, "spec": null}),
                json!({
                    "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
                    "spec": {"selector": null, "strategy": {}, "template": {"metadata": {}, "spec": {"containers": null}}},
                    "status": {}
                }),
            ),
            (kind("", "Secret"), json!({"data": {"a": "YQ==\n"}}), json!({"metadata": {}, "data": {"a": "YQ=="}})),
        ] {
            let mut value = given.clone();
            assert_eq!(normalise(&mut value, ty), Ok(Vec::new()), "{given}");
            assert_eq!(value, want, "{given}");
            assert_eq!(normalise(&mut value, ty), Ok(Vec::new()));
            assert_eq!(value, want, "twice: {given}");
        }
    }

    /// What differs between two values, as paths.
    fn differences(a: &Value, b: &Value, path: &str, found: &mut Vec<String>) {
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => {
                let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    let absent = Value::from("(absent)");
                    let (a, b) = (a.get(key).unwrap_or(&absent), b.get(key).unwrap_or(&absent));
                    differences(a, b, &format!("{path}.{key}"), found);
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).enumerate().for_each(|(i, (a, b))| differences(a, b, &format!("{path}[{i}]"), found));
            }
            _ if a == b => {}
            _ => found.push(format!("{path}: {a} {b}")),
        }
    }

    fn assert_normal(object: &Value, place: &str) -> bool {
        let Some(ty) = builtin().kind(&object.group_version_kind()) else { return false };
        let mut normal = object.clone();
        let complaints = normalise(&mut normal, ty).unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut found = Vec::new();
        differences(object, &normal, "", &mut found);
        assert!(found.is_empty() && complaints.is_empty(), "{place}: {found:#?} {complaints:#?}");
        true
    }

    fn json_files(dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "json")).collect()
    }

    #[test]
    fn what_kube_apiserver_answers_is_normal() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchanges");
        let mut seen = 0;
        for file in json_files(&fixtures).into_iter().chain(json_files(&fixtures.join("kinds"))) {
            let exchanges: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            for (index, exchange) in exchanges.iter().enumerate() {
                let body = &exchange["response"]["body"];
                let is_object = body.at(&["metadata", "creationTimestamp"]).is_some();
                seen += usize::from(is_object && assert_normal(body, &format!("{} #{index}", file.display())));
            }
        }
        assert!(seen > 400, "only {seen}");
    }

    #[test]
    fn objects_with_every_field_are_normal() {
        let shared = std::env::var("STEER_SHARED").unwrap_or_else(|_| "../shared".into());
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(shared).join("reference/roundtrip");
        let files = json_files(&dir);
        if files.is_empty() {
            eprintln!("skipped: {} is not there", dir.display());
            return;
        }
        let read = |file: &PathBuf| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let seen = files.iter().filter(|file| assert_normal(&read(file), &file.display().to_string())).count();
        assert!(seen > 50, "only {seen}");
    }

    #[test]
    fn unknown_fields_go_with_a_complaint() {
        let mut pod = json!({"odd": 1, "spec": {"containers": [{"name": "c", "Image": "x", "imge": "x"}], "nosuch": 1},
            "metadata": {"labels": {"any": "1"}, "x": {}}});
        let complaints = [
            "unknown field \"metadata.x\"",
            "unknown field \"odd\"",
            "unknown field \"spec.containers[0].Image\"",
            "unknown field \"spec.containers[0].imge\"",
            "unknown field \"spec.nosuch\"",
        ];
        assert_eq!(normalise(&mut pod, kind("", "Pod")), Ok(complaints.map(str::to_owned).to_vec()));
        assert_eq!(pod["spec"], json!({"containers": [{"name": "c", "resources": {}}]}));
    }

    #[test]
    fn wrong_types_are_refused_in_the_words_of_go() {
        for (spec, want) in [
            (json!("x"), "json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec"),
            (
                json!({"containers": "notalist"}),
                "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
            ),
            (
                json!({"containers": [{"ports": [{"containerPort": "80"}]}]}),
                "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
            ),
            (
                json!({"containers": [{"ports": [{"containerPort": 1.5}]}]}),
                "json: cannot unmarshal number 1.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
            ),
            (
                json!({"nodeSelector": {"x": 1}}),
                "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeSelector of type string",
            ),
            (
                json!({"restartPolicy": true}),
                "json: cannot unmarshal bool into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
            ),
            (
                json!({"overhead": []}),
                "json: cannot unmarshal array into Go struct field PodSpec.spec.overhead of type v1.ResourceList",
            ),
            (
                json!({"hostNetwork": "yes"}),
                "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
            ),
            (
                json!({"containers": [{"command": "ls"}]}),
                "json: cannot unmarshal string into Go struct field Container.spec.containers.command of type []string",
            ),
            (
                json!({"containers": [{"resources": {"limits": {"cpu": "abc"}}}]}),
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
            (
                json!({"containers": [{"livenessProbe": {"tcpSocket": {"port": true}}}]}),
                "json: cannot unmarshal bool into Go value of type int32",
            ),
        ] {
            let mut pod = json!({"spec": spec});
            let error = normalise(&mut pod, kind("", "Pod")).unwrap_err();
            assert_eq!(error.message, want, "{spec}");
            // The way to the value, in the words of complaints about valid objects.
            assert!(pod.pointer(&format!("/{}", error.field.replace(['.', '['], "/").replace(']', ""))).is_some());
        }
        let error = normalise(&mut json!([]), kind("", "Pod")).unwrap_err();
        assert_eq!(error.to_string(), "json: cannot unmarshal array into Go value of type v1.Pod");
    }

    /// JSON with the names of real fields in real and unreal places.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f32>().prop_map(|number| json!(number)),
            prop_oneof!["0.5", "1Gi", "YQ==", "2026-01-01T01:00:00+01:00", "x", ""].prop_map(Value::from),
        ];
        let name = prop_oneof![
            "metadata",
            "spec",
            "status",
            "labels",
            "creationTimestamp",
            "containers",
            "resources",
            "limits",
            "cpu",
            "ports",
            "containerPort",
            "livenessProbe",
            "httpGet",
            "port",
            "managedFields",
            "fieldsV1",
            "startTime",
            "odd"
        ];
        leaf.prop_recursive(6, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(name.clone(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_as_it_is(value in any_json()) {
            let mut once = value;
            if normalise(&mut once, kind("", "Pod")).is_ok() {
                let mut twice = once.clone();
                prop_assert_eq!(normalise(&mut twice, kind("", "Pod")), Ok(Vec::new()));
                prop_assert_eq!(twice, once);
            }
        }
    }
}

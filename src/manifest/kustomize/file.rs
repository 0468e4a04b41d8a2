//! The file that says what to build: its fields are found whatever the case of their letters, and are all known.

use super::{Outcome, Problem};
use crate::api::gotext::{self, quote};
use crate::api::{Map, ObjectExt, Value};
use crate::yaml;

/// The types of the file, as the reference has them in Go: a field and its type, where `[]` is a list, `{}` a map of
/// texts, and a name with a capital another of these types.
const TYPES: &[(&str, &[(&str, &str)])] = &[
    (
        "Kustomization",
        &[
            ("apiVersion", "string"),
            ("kind", "string"),
            ("metadata", "ObjectMeta"),
            ("openapi", "{}"),
            ("namePrefix", "string"),
            ("nameSuffix", "string"),
            ("namespace", "string"),
            ("commonLabels", "{}"),
            ("labels", "[]Label"),
            ("commonAnnotations", "{}"),
            ("patchesStrategicMerge", "[]string"),
            ("patchesJson6902", "[]Patch"),
            ("patches", "[]Patch"),
            ("images", "[]Image"),
            ("imageTags", "[]Image"),
            ("replacements", "[]ReplacementField"),
            ("replicas", "[]Replica"),
            ("vars", "[]Var"),
            ("sortOptions", "SortOptions"),
            ("resources", "[]string"),
            ("components", "[]string"),
            ("crds", "[]string"),
            ("bases", "[]string"),
            ("configMapGenerator", "[]ConfigMapArgs"),
            ("secretGenerator", "[]SecretArgs"),
            ("helmGlobals", "any"),
            ("helmCharts", "[]any"),
            ("helmChartInflationGenerator", "[]any"),
            ("generatorOptions", "GeneratorOptions"),
            ("configurations", "[]string"),
            ("generators", "[]string"),
            ("transformers", "[]string"),
            ("validators", "[]string"),
            ("buildMetadata", "[]string"),
        ],
    ),
    ("ObjectMeta", &[("name", "string"), ("namespace", "string"), ("labels", "{}"), ("annotations", "{}")]),
    (
        "Label",
        &[("pairs", "{}"), ("includeSelectors", "bool"), ("includeTemplates", "bool"), ("fields", "[]FieldSpec")],
    ),
    (
        "FieldSpec",
        &[("group", "string"), ("version", "string"), ("kind", "string"), ("path", "string"), ("create", "bool")],
    ),
    ("Patch", &[("path", "string"), ("patch", "string"), ("target", "Selector"), ("options", "PatchArgs")]),
    ("PatchArgs", &[("allowNameChange", "bool"), ("allowKindChange", "bool")]),
    (
        "Selector",
        &[
            ("group", "string"),
            ("version", "string"),
            ("kind", "string"),
            ("name", "string"),
            ("namespace", "string"),
            ("annotationSelector", "string"),
            ("labelSelector", "string"),
        ],
    ),
    (
        "Image",
        &[
            ("name", "string"),
            ("newName", "string"),
            ("tagSuffix", "string"),
            ("newTag", "string"),
            ("digest", "string"),
        ],
    ),
    (
        "ReplacementField",
        &[("source", "SourceSelector"), ("targets", "[]TargetSelector"), ("sourceValue", "string"), ("path", "string")],
    ),
    (
        "SourceSelector",
        &[
            ("group", "string"),
            ("version", "string"),
            ("kind", "string"),
            ("name", "string"),
            ("namespace", "string"),
            ("fieldPath", "string"),
            ("options", "FieldOptions"),
        ],
    ),
    (
        "TargetSelector",
        &[("select", "Selector"), ("reject", "[]Selector"), ("fieldPaths", "[]string"), ("options", "FieldOptions")],
    ),
    ("FieldOptions", &[("delimiter", "string"), ("index", "int"), ("encoding", "string"), ("create", "bool")]),
    ("Replica", &[("name", "string"), ("count", "int")]),
    ("Var", &[("name", "string"), ("objref", "Target"), ("fieldref", "FieldSelector")]),
    (
        "Target",
        &[
            ("apiVersion", "string"),
            ("group", "string"),
            ("version", "string"),
            ("kind", "string"),
            ("name", "string"),
            ("namespace", "string"),
        ],
    ),
    ("FieldSelector", &[("fieldPath", "string")]),
    ("SortOptions", &[("order", "string"), ("legacySortOptions", "LegacySortOptions")]),
    ("LegacySortOptions", &[("orderFirst", "[]string"), ("orderLast", "[]string")]),
    ("ConfigMapArgs", GENERATOR_ARGS),
    ("SecretArgs", GENERATOR_ARGS),
    (
        "GeneratorOptions",
        &[("labels", "{}"), ("annotations", "{}"), ("disableNameSuffixHash", "bool"), ("immutable", "bool")],
    ),
];

/// What both generators have; `type` is for secrets alone.
const GENERATOR_ARGS: &[(&str, &str)] = &[
    ("namespace", "string"),
    ("name", "string"),
    ("behavior", "string"),
    ("literals", "[]string"),
    ("files", "[]string"),
    ("envs", "[]string"),
    ("env", "string"),
    ("options", "GeneratorOptions"),
    ("type", "string"),
];

/// What is said instead of a field that is going away, and where both are read.
const DEPRECATED: [(&str, &str, &str); 6] = [
    ("bases", "resources", ""),
    ("commonLabels", "labels", ""),
    ("imageTags", "images", ""),
    ("patchesJson6902", "patches", ""),
    ("patchesStrategicMerge", "patches", ""),
    ("vars", "replacements", "[EXPERIMENTAL] "),
];

/// Reads the file. Its warnings are added to `warnings`.
pub(super) fn read(bytes: &[u8], warnings: &mut Vec<String>) -> Outcome<Value> {
    let invalid = |problem: String| Problem(format!("invalid Kustomization: {problem}"));
    let value = yaml::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    let mut file = match value {
        Value::Null => Value::Object(Map::new()),
        value => value,
    };
    fit(&mut file, "Kustomization", "Kustomization", "").map_err(|problem| invalid(format!("json: {problem}")))?;
    for (old, new, mark) in DEPRECATED {
        if file.get(old).is_some_and(|value| !value.is_null()) {
            warnings.push(format!(
                "# Warning: '{old}' is deprecated. Please use '{new}' instead. {mark}Run 'kustomize edit fix' to update \
                 your Kustomization automatically."
            ));
        }
    }
    for (old, new) in [("bases", "resources"), ("imageTags", "images")] {
        if let Some(Value::Array(added)) = file.take_at(&[old]) {
            let mut all = file.items_at(&[new]).to_vec();
            all.extend(added);
            file.put(&[new], all);
        }
    }
    Ok(file)
}

/// Makes the names of the fields those of the type, and refuses what does not fit it.
fn fit(value: &mut Value, ty: &str, holder: &str, path: &str) -> Result<(), String> {
    let go_type = |ty: &str| match ty {
        "{}" => "map[string]string".to_string(),
        "string" | "bool" | "int" => ty.to_string(),
        _ if ty.starts_with('[') && !ty.ends_with("string") => format!("[]types.{}", &ty[2..]),
        _ if ty.starts_with('[') => ty.to_string(),
        _ => format!("types.{ty}"),
    };
    let misfit = |found: &str, ty: &str| {
        let field = if path.is_empty() {
            format!("value of type {}", go_type(ty))
        } else {
            format!("struct field {holder}.{path} of type {}", go_type(ty))
        };
        format!("cannot unmarshal {found} into Go {field}")
    };
    if value.is_null() {
        return Ok(());
    }
    let found = gotext::json_kind(value);
    match (ty, value) {
        ("any", _) | ("string", Value::String(_)) | ("bool", Value::Bool(_)) => Ok(()),
        ("int", Value::Number(number)) if number.is_i64() => Ok(()),
        ("{}", Value::Object(fields)) => fields.values_mut().try_for_each(|value| fit(value, "string", holder, path)),
        (list, Value::Array(items)) if list.starts_with('[') => {
            items.iter_mut().try_for_each(|item| fit(item, &list[2..], holder, path))
        }
        (ty, Value::Object(fields)) if ty.starts_with(|c: char| c.is_ascii_uppercase()) => {
            let known = TYPES.iter().find(|(name, _)| *name == ty).map_or(&[][..], |(_, fields)| fields);
            for (name, mut value) in std::mem::take(fields) {
                let Some((known, ty)) = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) else {
                    return Err(format!("unknown field {}", quote(&name)));
                };
                let path = if path.is_empty() { (*known).to_string() } else { format!("{path}.{known}") };
                fit(&mut value, ty, holder, &path)?;
                if !value.is_null() {
                    fields.insert((*known).into(), value);
                }
            }
            Ok(())
        }
        (ty, _) => Err(misfit(found, ty)),
    }
}

/// The texts of a list.
pub(super) fn texts<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    value.items_at(&[field]).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_fields_are_found_in_any_case() {
        let mut warnings = Vec::new();
        let file = read(b"nameprefix: a-\nBases: [old]\nresources: [new]\n", &mut warnings).unwrap();
        assert_eq!(file, json!({"namePrefix": "a-", "resources": ["new", "old"]}));
        assert!(warnings[0].starts_with("# Warning: 'bases' is deprecated. Please use 'resources' instead. Run"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, words) in [
            ("a: 1", r#"json: unknown field "a""#),
            (
                "namePrefix: 1",
                "json: cannot unmarshal number into Go struct field Kustomization.namePrefix of type string",
            ),
            (
                "resources: x",
                "json: cannot unmarshal string into Go struct field Kustomization.resources of type []string",
            ),
            (
                "images: [{name: 1}]",
                "json: cannot unmarshal number into Go struct field Kustomization.images.name of type string",
            ),
        ] {
            let said = read(text.as_bytes(), &mut Vec::new()).unwrap_err().0;
            assert_eq!(said, format!("invalid Kustomization: {words}"));
        }
    }
}

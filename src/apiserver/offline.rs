//! What the server would say of new objects, asked without one: they are decoded, filled in and validated as those of a
//! request are, but neither admitted nor stored. Nothing but the object and the definitions that are known counts.

use super::codec::{self, Misfit};
use super::errors::{Failure, method_not_allowed};
use super::kinds::field::Errors;
use super::meta;
use super::options::FieldValidation;
use super::registry::{Registry, Served};
use super::{clock, custom};
use crate::api::{GroupVersionKind, ObjectExt, Value};
use std::sync::Arc;

/// The group of CustomResourceDefinitions.
const EXTENSIONS: &str = "apiextensions.k8s.io";

/// The built-in resources, and those that definitions in the input define.
pub struct Offline {
    registry: Registry,
    /// Group and kind of what sound definitions define, in whatever version.
    defined: Vec<(String, String)>,
}

/// What is known of a kind.
pub enum Known {
    /// It is that of a resource.
    Resource(Arc<Served>),
    /// There is no such kind: its group is built in, or defined without it.
    Absent,
    /// Only a cluster can tell.
    Elsewhere,
}

/// What is wrong, or odd, about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The field, such as `spec.containers[0].image`; empty for the object as a whole.
    pub field: String,
    /// The server's words, the field among them where it names it.
    pub text: String,
}

/// What the server would say of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it would refuse it; nothing for a valid object.
    pub complaints: Vec<Complaint>,
    /// What it would warn of.
    pub warnings: Vec<Complaint>,
}

/// Whether an object is a definition of a custom resource.
pub fn is_definition(object: &Value) -> bool {
    object.kind() == "CustomResourceDefinition" && object.group_version_kind().group == EXTENSIONS
}

impl Offline {
    /// The resources that every server has.
    pub fn new() -> Self {
        Self { registry: Registry::builtin(), defined: Vec::new() }
    }

    /// Adds the resources of CustomResourceDefinitions. Those that are not valid define nothing.
    pub fn define<'a>(&mut self, definitions: impl Iterator<Item = &'a Value>) {
        let mut all = Vec::new();
        for definition in definitions.filter(|object| is_definition(object)) {
            let Some(served) = self.registry.by_kind(&definition.group_version_kind()) else { continue };
            let Ok((mut definition, _)) = codec::reshape(definition.clone(), &served) else { continue };
            if finish(&mut definition, &served, "", &mut Vec::new()).is_ok() {
                let (group, kind) = (definition.text(&["spec", "group"]), definition.text(&["spec", "names", "kind"]));
                self.defined.push((group.into(), kind.into()));
                all.extend(custom::foresee(&definition, &self.registry));
            }
        }
        self.registry.set_custom(all);
    }

    /// What is known of a kind. A group of the server, and any without a dot, has no other kinds than the server's own.
    pub fn known(&self, kind: &GroupVersionKind) -> Known {
        if let Some(served) = self.registry.by_kind(kind) {
            return Known::Resource(served);
        }
        let is_built_in = self.registry.built_in().iter().any(|served| served.kind.group == kind.group);
        let is_defined = self.defined.iter().any(|(group, name)| *group == kind.group && *name == kind.kind);
        if is_built_in || is_defined || !kind.group.contains('.') { Known::Absent } else { Known::Elsewhere }
    }

    /// What the server would say of a new object. `doubled` are the fields that its text has more than once.
    pub fn check(
        &self,
        served: &Served,
        object: &Value,
        namespace: &str,
        doubled: &[String],
        validation: FieldValidation,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        if !served.allows("create") {
            verdict.refuse(method_not_allowed(), "");
            return verdict;
        }
        let (mut object, unknown) = match codec::reshape(object.clone(), served) {
            Ok(reshaped) => reshaped,
            Err(misfit) => {
                let field = match &misfit {
                    Misfit::Undecodable { field, .. } => field.clone(),
                    Misfit::Refused(_) => String::new(),
                };
                verdict.refuse(misfit.failure(&served.kind.kind), &field);
                return verdict;
            }
        };
        let odd = doubled.iter().map(|field| format!("duplicate field {field:?}")).chain(unknown);
        let odd: Vec<(String, String)> = odd.map(|text| (named_field(&text), text)).collect();
        match validation {
            FieldValidation::Ignore => {}
            FieldValidation::Warn => {
                verdict.warnings.extend(odd.into_iter().map(|(field, text)| Complaint { field, text }))
            }
            FieldValidation::Strict if odd.is_empty() => {}
            FieldValidation::Strict => {
                for (field, text) in odd {
                    verdict.refuse(codec::not_strict(&served.kind, &[text]), &field);
                }
                return verdict;
            }
        }
        verdict.warn(served.deprecation());
        // What answers at once, such as a review, is not kept.
        if served.allows("get") {
            object.take_at(&["metadata", "resourceVersion"]);
            let mut warnings = Vec::new();
            match finish(&mut object, served, namespace, &mut warnings) {
                Ok(()) => warnings.extend((served.rules.warnings)(&object, None)),
                Err(failure) => verdict.refuse(failure, ""),
            }
            verdict.warn(warnings);
        }
        verdict
    }
}

impl Default for Offline {
    fn default() -> Self {
        Self::new()
    }
}

impl Verdict {
    /// Adds a refusal; one for several reasons as one for each.
    fn refuse(&mut self, failure: Failure, field: &str) {
        let (prefix, causes) = match failure.details {
            Some(details) if !details.causes.is_empty() => {
                let (prefix, _) = failure.message.split_once(" is invalid: ").unwrap_or((&failure.message, ""));
                (format!("{prefix} is invalid: "), details.causes)
            }
            _ => {
                self.complaints.push(Complaint { field: field.into(), text: failure.message });
                return;
            }
        };
        for cause in causes {
            let path = if cause.field.is_empty() { String::new() } else { format!("{}: ", cause.field) };
            let complaint = Complaint { text: format!("{prefix}{path}{}", cause.message), field: cause.field };
            if !self.complaints.contains(&complaint) {
                self.complaints.push(complaint);
            }
        }
    }

    fn warn(&mut self, texts: impl IntoIterator<Item = String>) {
        // Most begin with the field that they are about.
        let field = |text: &str| match text.split_once(": ") {
            Some((field, _)) if !field.contains(' ') => field.trim_start_matches('.').to_owned(),
            _ => String::new(),
        };
        self.warnings.extend(texts.into_iter().map(|text| Complaint { field: field(&text), text }));
    }
}

/// The field in quotes in a complaint.
fn named_field(text: &str) -> String {
    text.split('"').nth(1).unwrap_or_default().to_owned()
}

/// Does with a decoded object what is done with one that is made, but for what asks other objects.
fn finish(object: &mut Value, served: &Served, namespace: &str, warnings: &mut Vec<String>) -> Result<(), Failure> {
    served.default(object);
    meta::prune(object);
    warnings.extend(meta::doubled_owners(&meta::dedup_owners(object), ""));
    served.complete(object, namespace, None, clock::system(), Errors::default(), warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(offline: &Offline, object: Value) -> Result<Vec<String>, &'static str> {
        match offline.known(&object.group_version_kind()) {
            Known::Resource(served) => {
                let verdict = offline.check(&served, &object, "default", &[], FieldValidation::Strict);
                let shown = |c: Complaint| format!("{} | {}", c.field, c.text);
                Ok(verdict.complaints.into_iter().chain(verdict.warnings).map(shown).collect())
            }
            Known::Absent => Err("absent"),
            Known::Elsewhere => Err("elsewhere"),
        }
    }

    fn definition(version: &str) -> Value {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
                "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {"spec": {
                        "type": "object", "required": ["size"],
                        "properties": {"size": {"type": "integer", "minimum": 1}, "colour": {"enum": ["red"], "type": "string"}},
                        "x-kubernetes-validations": [{"rule": "self.size < 10", "message": "too large"}]
                    }}
                }}}]
            }
        })
    }

    #[test]
    fn objects_are_judged_as_the_server_does() {
        let mut offline = Offline::new();
        offline.define([definition("v1")].iter());
        let widget = |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec});
        let pod = |spec: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec});
        for (object, said) in [
            (pod(json!({"containers": [{"name": "c", "image": "x"}]})), vec![]),
            (
                // Neither the class nor the account need be there.
                pod(
                    json!({"priorityClassName": "x", "serviceAccountName": "y", "containers": [{"name": "c", "image": "x"}]}),
                ),
                vec![],
            ),
            (
                pod(json!({"containers": [{"name": "c", "imge": "x"}], "x": 1})),
                vec![
                    r#"spec.containers[0].imge | Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imge""#,
                    r#"spec.x | Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.x""#,
                ],
            ),
            (
                pod(json!({"containers": [{"name": "c", "resources": {"limits": {"cpu": "much"}}}]})),
                vec![
                    r#"spec.containers[0].resources.limits.cpu | Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"#,
                ],
            ),
            (
                pod(json!({"containers": [{"name": "C"}]})),
                vec![
                    r#"spec.containers[0].name | Pod "p" is invalid: spec.containers[0].name: Invalid value: "C": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"#,
                    r#"spec.containers[0].image | Pod "p" is invalid: spec.containers[0].image: Required value"#,
                ],
            ),
            (widget(json!({"size": 3, "colour": "red"})), vec![]),
            (
                widget(json!({"size": 0, "colour": "blue"})),
                vec![
                    r#"spec.colour | Widget.example.com "w" is invalid: spec.colour: Unsupported value: "blue": supported values: "red""#,
                    r#"spec.size | Widget.example.com "w" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"#,
                    r#"<nil> | Widget.example.com "w" is invalid: <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"#,
                ],
            ),
            (
                widget(json!({"size": 11})),
                vec![r#"spec | Widget.example.com "w" is invalid: spec: Invalid value: too large"#],
            ),
            (
                json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "e"}}),
                vec![" | v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"],
            ),
            (
                json!({"apiVersion": "v1", "kind": "ComponentStatus", "metadata": {"name": "e"}}),
                vec![" | the server does not allow this method on the requested resource"],
            ),
        ] {
            assert_eq!(check(&offline, object.clone()), Ok(said.into_iter().map(String::from).collect()), "{object}");
        }
    }

    #[test]
    fn kinds_are_known_absent_or_elsewhere() {
        let mut offline = Offline::new();
        let mut spoilt = definition("v1");
        spoilt["spec"]["group"] = "example.org".into();
        offline.define([definition("v1"), spoilt].iter());
        for (version, kind, known) in [
            ("example.com/v1", "Widget", Ok(())),
            ("example.com/v2", "Widget", Err("absent")),
            ("example.com/v1", "Gadget", Err("elsewhere")),
            // Its name is not the one that its group and its plural make.
            ("example.org/v1", "Widget", Err("elsewhere")),
            ("apps/v1", "Deploymnt", Err("absent")),
            ("policy/v1beta1", "PodDisruptionBudget", Err("absent")),
            ("extensions/v1beta1", "Ingress", Err("absent")),
            ("gateway.networking.k8s.io/v1", "Gateway", Err("elsewhere")),
            ("", "Pod", Err("absent")),
        ] {
            let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": {"size": 1}});
            assert_eq!(check(&offline, object).map(drop), known, "{version} {kind}");
        }
    }
}

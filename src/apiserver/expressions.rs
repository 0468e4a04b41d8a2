//! Expressions of admission, in policies and in the conditions of webhooks: what they may speak of, and what they must
//! give.

use crate::api::ObjectExt;
use crate::api::Value;
use crate::expr::cel::{Program, Type, Val, Variables};
use std::collections::BTreeMap;

/// What an expression must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Yes or no.
    Bool,
    /// A text.
    Text,
    /// A text, or nothing.
    TextOrNull,
    /// Whatever it is.
    Anything,
    /// A configuration to apply.
    Object,
    /// A JSON patch.
    Patches,
}

impl Gives {
    fn accepts(self, ty: &Type) -> Result<(), String> {
        let wanted = match self {
            Gives::Bool if *ty == Type::Bool => return Ok(()),
            Gives::Text if *ty == Type::String => return Ok(()),
            Gives::TextOrNull if [Type::String, Type::Null].contains(ty) => return Ok(()),
            Gives::Anything => return Ok(()),
            Gives::Object if *ty == dynamic() => return Ok(()),
            Gives::Patches if *ty == Type::list(operation()) => return Ok(()),
            Gives::Bool => "bool",
            Gives::Text => "string",
            Gives::TextOrNull => "one of [string null_type]",
            Gives::Object => "Object",
            Gives::Patches => "list(JSONPatch)",
        };
        Err(format!("must evaluate to {wanted} but got {}", ty.declared()))
    }
}

/// What expressions may speak of besides the request and its objects.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Parameters.
    pub params: bool,
    /// Who may do what.
    pub authorizer: bool,
    /// Objects to apply, and operations of patches.
    pub patches: bool,
    /// The variables of a policy, by their types; none where there are no variables.
    pub variables: Option<BTreeMap<String, Type>>,
}

impl Names {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, in kube-apiserver's words.
    pub fn compile(&self, text: &str, gives: Gives) -> Result<Program, String> {
        let mut variables = vec![
            ("object", Type::Dyn),
            ("oldObject", Type::Dyn),
            ("namespaceObject", namespace_type()),
            ("request", request_type()),
        ];
        if self.params {
            variables.push(("params", Type::Dyn));
        }
        if self.authorizer {
            variables.push(("authorizer", Type::Opaque("kubernetes.authorization.Authorizer")));
            let resource = Type::Opaque("kubernetes.authorization.ResourceCheck");
            variables.push(("authorizer.requestResource", resource));
        }
        if self.patches {
            variables.push(("Object", Type::Type(dynamic().into())));
            variables.push(("JSONPatch", Type::Type(operation().into())));
        }
        if let Some(own) = &self.variables {
            variables.push(("variables", Type::object("kubernetes.variables", own.clone())));
        }
        let program = Program::compile(text, &variables).map_err(|issues| format!("compilation failed: {issues}"))?;
        gives.accepts(&program.result)?;
        Ok(program)
    }

    /// Compiles a variable, which later expressions may then speak of.
    ///
    /// # Errors
    /// As for `compile`.
    pub fn compile_variable(&mut self, name: &str, text: &str) -> Result<Program, String> {
        let program = self.compile(text, Gives::Anything);
        let ty = program.as_ref().map_or(Type::Dyn, |program| kept(&program.result));
        self.variables.get_or_insert_default().insert(name.to_owned(), ty);
        program
    }
}

/// What is known of a variable's type where it is used: objects and the types of libraries are not kept.
fn kept(ty: &Type) -> Type {
    match ty {
        Type::Object(_) | Type::Opaque(_) | Type::Optional(_) | Type::Type(_) => Type::Dyn,
        other => other.with(&mut kept),
    }
}

fn object(name: &str, fields: &[(&str, Type)]) -> Type {
    Type::object(name, fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect())
}

fn texts(names: &[&str]) -> Vec<(String, Type)> {
    names.iter().map(|name| ((*name).to_owned(), Type::String)).collect()
}

/// The type of configurations, whose fields are not known.
fn dynamic() -> Type {
    object("Object", &[])
}

fn operation() -> Type {
    let mut fields: BTreeMap<String, Type> = texts(&["op", "path", "from"]).into_iter().collect();
    fields.insert("value".into(), Type::Dyn);
    Type::object("JSONPatch", fields)
}

fn request_type() -> Type {
    let kind = |name: &str, last: &str| Type::object(name, texts(&["group", "version", last]).into_iter().collect());
    let kind_type = kind("kubernetes.GroupVersionKind", "kind");
    let resource_type = kind("kubernetes.GroupVersionResource", "resource");
    let user = object(
        "kubernetes.UserInfo",
        &[
            ("username", Type::String),
            ("uid", Type::String),
            ("groups", Type::list(Type::String)),
            ("extra", Type::map(Type::String, Type::list(Type::String))),
        ],
    );
    object(
        "kubernetes.AdmissionRequest",
        &[
            ("kind", kind_type.clone()),
            ("resource", resource_type.clone()),
            ("subResource", Type::String),
            ("requestKind", kind_type),
            ("requestResource", resource_type),
            ("requestSubResource", Type::String),
            ("name", Type::String),
            ("namespace", Type::String),
            ("operation", Type::String),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

fn namespace_type() -> Type {
    let map = || Type::map(Type::String, Type::String);
    let mut metadata: BTreeMap<String, Type> =
        texts(&["name", "generateName", "namespace", "UID", "resourceVersion"]).into_iter().collect();
    for (name, ty) in [
        ("labels", map()),
        ("annotations", map()),
        ("creationTimestamp", Type::Timestamp),
        ("deletionTimestamp", Type::Timestamp),
        ("deletionGracePeriodSeconds", Type::Int),
        ("generation", Type::Int),
        ("finalizers", Type::list(Type::String)),
    ] {
        metadata.insert(name.into(), ty);
    }
    let mut condition: BTreeMap<String, Type> = texts(&["status", "type", "message", "reason"]).into_iter().collect();
    condition.insert("lastTransitionTime".into(), Type::Timestamp);
    let condition = Type::object("kubernetes.NamespaceCondition", condition);
    let spec = object("kubernetes.NamespaceSpec", &[("finalizers", Type::list(Type::String))]);
    let status =
        object("kubernetes.NamespaceStatus", &[("conditions", Type::list(condition)), ("phase", Type::String)]);
    object(
        "kubernetes.Namespace",
        &[("metadata", Type::object("kubernetes.NamespaceMetadata", metadata)), ("spec", spec), ("status", status)],
    )
}

/// The values of what all expressions of admission may speak of.
pub fn values(object: Option<&Value>, old: Option<&Value>, request: &Value, namespace: Option<&Value>) -> Variables {
    let value = |value: Option<&Value>| value.map_or(Val::Null, Val::json);
    let namespace = namespace.map(|namespace| {
        let mut shown = namespace.clone();
        for hidden in ["managedFields", "ownerReferences", "selfLink"] {
            shown.take_at(&["metadata", hidden]);
        }
        for typed in ["apiVersion", "kind"] {
            shown.take_at(&[typed]);
        }
        shown
    });
    Variables::default()
        .with("object", value(object))
        .with("oldObject", value(old))
        .with("request", Val::json(request))
        .with("namespaceObject", value(namespace.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_give_what_is_wanted() {
        let mut names = Names { params: true, authorizer: true, ..Names::default() };
        names.compile_variable("limit", "params.limit").unwrap();
        names.compile_variable("names", "object.spec.containers.map(c, string(c.name))").unwrap();
        for (text, gives, want) in [
            ("object.spec.replicas <= variables.limit", Gives::Bool, Ok(())),
            ("variables.names.all(n, n.startsWith('a'))", Gives::Bool, Ok(())),
            ("authorizer.group('').resource('pods').check('get').allowed()", Gives::Bool, Ok(())),
            ("authorizer.requestResource.check('custom').allowed()", Gives::Bool, Ok(())),
            ("request.userInfo.groups.exists(g, g == 'a') && !request.dryRun", Gives::Bool, Ok(())),
            ("has(namespaceObject.metadata.labels) && namespaceObject.metadata.name == 'x'", Gives::Bool, Ok(())),
            ("object.spec", Gives::Bool, Err("must evaluate to bool but got dyn")),
            ("request.operation", Gives::Bool, Err("must evaluate to bool but got string")),
            (
                "timestamp('2024-01-01T00:00:00Z')",
                Gives::Text,
                Err("must evaluate to string but got google.protobuf.Timestamp"),
            ),
            ("1", Gives::TextOrNull, Err("must evaluate to one of [string null_type] but got int")),
            ("null", Gives::TextOrNull, Ok(())),
            (
                "request.uid == ''",
                Gives::Bool,
                Err("compilation failed: ERROR: <input>:1:8: undefined field 'uid'\n | request.uid == ''\n | .......^"),
            ),
            (
                "variables.foo == 1",
                Gives::Bool,
                Err(
                    "compilation failed: ERROR: <input>:1:10: undefined field 'foo'\n | variables.foo == 1\n | .........^",
                ),
            ),
        ] {
            let found = names.compile(text, gives).map(|_| ());
            assert_eq!(found, want.map_err(String::from), "{text}");
        }
        let patches = Names { patches: true, ..Names::default() };
        for (text, gives, want) in [
            ("Object{spec: Object.spec{replicas: 1, ?x: optional.none()}}", Gives::Object, Ok(())),
            (
                "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: Object{a: 1}}]",
                Gives::Patches,
                Ok(()),
            ),
            ("object.x ? [JSONPatch{op: 'test', path: '/a'}] : []", Gives::Patches, Ok(())),
            ("Object.spec{}", Gives::Object, Err("must evaluate to Object but got Object.spec")),
            ("[]", Gives::Patches, Err("must evaluate to list(JSONPatch) but got list(dyn)")),
            (
                "JSONPatch{op: 1}",
                Gives::Patches,
                Err(
                    "compilation failed: ERROR: <input>:1:13: expected type of field 'op' is 'string' but provided type is 'int'\n | JSONPatch{op: 1}\n | ............^",
                ),
            ),
            (
                "Foo{}",
                Gives::Object,
                Err(
                    "compilation failed: ERROR: <input>:1:4: undeclared reference to 'Foo' (in container '')\n | Foo{}\n | ...^",
                ),
            ),
        ] {
            let found = patches.compile(text, gives).map(|_| ());
            assert_eq!(found, want.map_err(String::from), "{text}");
        }
        let none = Names::default();
        let wrong = none.compile("params.x == authorizer", Gives::Bool).unwrap_err();
        assert!(wrong.contains("undeclared reference to 'params'") && wrong.contains("'authorizer'"), "{wrong}");
    }
}

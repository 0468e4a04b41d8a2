//! Policies as they are evaluated: their expressions, compiled.

use super::super::super::expressions::{Gives, Names};
use super::evaluation::{Compiled, Expression};
use crate::api::{ObjectExt, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many policies are kept compiled.
const KEPT: usize = 500;

/// Conditions that must hold for something to be evaluated.
#[derive(Debug)]
pub struct Conditions {
    /// The expressions.
    pub expressions: Vec<Expression>,
    /// Whether a condition that cannot be evaluated is a failure.
    pub insists: bool,
}

impl Conditions {
    /// Compiles the conditions of a policy or a webhook.
    pub fn of(spec: &Value, names: &Names) -> Self {
        let expressions = spec.items_at(&["matchConditions"]).iter();
        Self {
            expressions: expressions.map(|one| compile(one.text(&["expression"]), names, Gives::Bool)).collect(),
            insists: insists(spec),
        }
    }
}

/// Whether what cannot be evaluated is a failure.
pub fn insists(spec: &Value) -> bool {
    spec.text(&["failurePolicy"]) != "Ignore"
}

/// A validation of a policy.
#[derive(Debug)]
pub struct Validation {
    /// What must be true.
    pub expression: Expression,
    /// What is said when it is not.
    pub message: String,
    /// What makes up what is said.
    pub message_expression: Option<Expression>,
    /// The reason of the refusal.
    pub reason: String,
}

/// A change that a policy makes.
#[derive(Debug)]
pub enum Mutation {
    /// By applying a configuration.
    Apply(Expression),
    /// By a JSON patch.
    Patch(Expression),
}

impl Mutation {
    fn of(mutation: &Value, names: &Names) -> Self {
        let text = |kind: &str| mutation.text(&[kind, "expression"]);
        match mutation.text(&["patchType"]) {
            "JSONPatch" => Self::Patch(compile(text("jsonPatch"), names, Gives::Patches)),
            _ => Self::Apply(compile(text("applyConfiguration"), names, Gives::Object)),
        }
    }

    /// What gives the configuration or the patch.
    pub fn expression(&self) -> &Expression {
        match self {
            Self::Apply(expression) | Self::Patch(expression) => expression,
        }
    }
}

/// A policy.
#[derive(Debug)]
pub struct Policy {
    /// Its `spec`.
    pub spec: Value,
    /// What must hold for it to be evaluated.
    pub conditions: Conditions,
    /// Its variables, in order.
    pub variables: Arc<Vec<(String, Compiled)>>,
    /// What it validates.
    pub validations: Vec<Validation>,
    /// What it changes.
    pub mutations: Vec<Mutation>,
    /// What it notes for audits, by keys.
    pub notes: Vec<(String, Expression)>,
}

impl Policy {
    fn of(policy: &Value) -> Self {
        let spec = policy.get("spec").cloned().unwrap_or_default();
        let params = spec.get("paramKind").is_some();
        let mut names = Names { params, authorizer: true, variables: Some(BTreeMap::new()), ..Names::default() };
        let mut variables = Vec::new();
        for variable in spec.items_at(&["variables"]) {
            let (name, text) = (variable.text(&["name"]), variable.text(&["expression"]));
            variables.push((name.to_owned(), names.compile_variable(name, text)));
        }
        let unprivileged = Names { authorizer: false, ..names.clone() };
        let patching = Names { patches: true, ..names.clone() };
        let mutations = spec.items_at(&["mutations"]).iter().map(|mutation| Mutation::of(mutation, &patching));
        let validations = spec.items_at(&["validations"]).iter().map(|validation| {
            let text = |key: &str| validation.text(&[key]);
            Validation {
                expression: compile(text("expression"), &names, Gives::Bool),
                message: text("message").trim().to_owned(),
                message_expression: (!text("messageExpression").is_empty())
                    .then(|| compile(text("messageExpression"), &unprivileged, Gives::Text)),
                reason: match text("reason") {
                    "" => "Invalid".to_owned(),
                    reason => reason.to_owned(),
                },
            }
        });
        let notes = spec.items_at(&["auditAnnotations"]).iter().map(|note| {
            let expression = compile(note.text(&["valueExpression"]), &names, Gives::TextOrNull);
            (note.text(&["key"]).to_owned(), expression)
        });
        Self {
            conditions: Conditions::of(&spec, &names),
            variables: Arc::new(variables),
            validations: validations.collect(),
            mutations: mutations.collect(),
            notes: notes.collect(),
            spec,
        }
    }
}

fn compile(text: &str, names: &Names, gives: Gives) -> Expression {
    Expression { text: text.to_owned(), program: names.compile(text, gives) }
}

/// Policies that were compiled, by uid and generation.
#[derive(Debug, Default)]
pub struct Cache(Mutex<BTreeMap<(String, i64), Arc<Policy>>>);

impl Cache {
    /// A policy, compiled.
    pub fn get(&self, policy: &Value) -> Arc<Policy> {
        let generation = policy.at(&["metadata", "generation"]).and_then(Value::as_i64).unwrap_or(0);
        let key = (policy.text(&["metadata", "uid"]).to_owned(), generation);
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return known.clone();
        }
        let compiled = Arc::new(Policy::of(policy));
        let mut all = lock();
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, compiled.clone());
        compiled
    }
}

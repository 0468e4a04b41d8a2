//! Rules of schemas (x-kubernetes-validations, KEP-2876): expressions in CEL over a value and, for transitions, over
//! the value that it takes the place of.

mod evaluate;
mod field_path;

pub use evaluate::{validate, validate_default};
pub use field_path::resolve;

use super::rule_types::{Declared, declared};
use super::schema::Schema;
use crate::api::{ObjectExt, Value};
use crate::expr::cel::{Program, Type};

/// A rule.
#[derive(Debug)]
pub struct Rule {
    text: String,
    program: Result<Program, String>,
    message: String,
    message_expression: Option<(String, Program)>,
    reason: String,
    field_path: String,
    optional_old: bool,
}

/// What is found out about a rule before it is evaluated.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong with it: the field of the rule, and why.
    pub complaints: Vec<(&'static str, String)>,
    /// What evaluating it once may cost at most.
    pub cost: u64,
    /// What evaluating its message's expression may cost at most.
    pub message_cost: Option<u64>,
    /// Whether it speaks of the value before.
    pub uses_old: bool,
}

/// What rules of a schema are compiled with.
#[derive(Debug)]
pub struct Compiler {
    declared: Declared,
}

impl Compiler {
    /// For a schema; none when rules cannot speak of its values. `whole` says that the schema is of a whole object.
    pub fn new(schema: &Schema, whole: bool) -> Option<Self> {
        Some(Self { declared: declared(schema, whole, "selfType")? })
    }

    /// How many values of the schema there can be in an object at most, when nothing around it is bounded.
    pub fn most(&self) -> u64 {
        self.declared.most_in_request()
    }

    /// Compiles a rule.
    pub fn compile(&self, rule: &Value) -> (Rule, Report) {
        Rule::compile(rule, Some(&self.declared))
    }
}

/// Compiles the rules of a schema. `whole` says that the schema is of a whole object.
pub fn compile(source: &Value, schema: &Schema, whole: bool) -> Vec<Rule> {
    let rules = source.items_at(&["x-kubernetes-validations"]);
    if rules.is_empty() {
        return Vec::new();
    }
    let declared = declared(schema, whole, "selfType");
    let one = |rule| Rule::compile(rule, declared.as_ref()).0.about(rule.text(&["fieldPath"]), schema);
    rules.iter().map(one).collect()
}

impl Rule {
    fn compile(rule: &Value, declared: Option<&Declared>) -> (Self, Report) {
        let text = |key: &str| rule.text(&[key]).trim().to_owned();
        let mut report = Report::default();
        let optional_old = rule.get("optionalOldSelf") == Some(&true.into());
        let of_self = declared.map_or(Type::Dyn, |declared| declared.ty.clone());
        let of_old = if optional_old { Type::optional(of_self.clone()) } else { of_self.clone() };
        let variables = [("self", of_self), ("oldSelf", of_old)];
        // Whatever a path begins with stands for the value: kube-apiserver takes names of types for it, too.
        let size_at = |path: &[String]| declared.and_then(|declared| declared.size_at(path.get(1..)?));
        let source = rule.text(&["rule"]);
        let program = Program::estimate(source, &variables, &size_at)
            .map_err(|issues| format!("compilation failed: {issues}"))
            .and_then(|(program, cost)| match program.result {
                Type::Bool => Ok((program, cost)),
                _ => Err("cel expression must evaluate to a bool".into()),
            });
        match &program {
            Ok((program, cost)) => {
                report.cost = *cost;
                report.uses_old = program.uses("oldSelf");
            }
            Err(why) => report.complaints.push(("rule", why.clone())),
        }
        let expression = rule.text(&["messageExpression"]);
        let mut message_expression = None;
        if !expression.is_empty() && program.is_ok() {
            let why = match Program::estimate(expression, &variables, &size_at) {
                Ok((program, cost)) if program.result == Type::String => {
                    report.message_cost = Some(cost);
                    message_expression = Some((expression.to_owned(), program));
                    None
                }
                Ok(_) => Some("messageExpression must evaluate to a string".to_owned()),
                Err(issues) => Some(format!("messageExpression compilation failed: {issues}")),
            };
            report.complaints.extend(why.map(|why| ("messageExpression", why)));
        }
        let made = Self {
            text: source.trim().to_owned(),
            program: program.map(|(program, _)| program),
            message: text("message"),
            message_expression,
            reason: text("reason"),
            field_path: String::new(),
            optional_old,
        };
        (made, report)
    }

    /// The rule with the path of a field of its schema, which complaints are about.
    fn about(mut self, path: &str, schema: &Schema) -> Self {
        self.field_path = resolve(path, schema, true).map(|(path, _)| path).unwrap_or_default();
        self
    }

    /// What the rule is called in errors.
    fn name(&self) -> &str {
        if self.message.is_empty() { &self.text } else { &self.message }
    }

    fn default_message(&self) -> String {
        if self.message.is_empty() { format!("failed rule: {}", self.text) } else { self.message.clone() }
    }
}

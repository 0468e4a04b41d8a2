//! Evaluation of the expressions of policies: within a budget, and with variables that are found when they are needed.

use super::super::joined;
use super::compiled::Conditions;
use crate::expr::cel::{Failure, Late, Program, Val, Variables};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What one expression may cost.
const MOST: u64 = 1_000_000;
/// What all expressions of a policy may cost together.
pub const BUDGET: u64 = 10_000_000;
/// What all conditions may.
const CONDITIONS: u64 = 2_500_000;

/// An expression, or why it is none.
pub type Compiled = Result<Program, String>;

/// An expression with its text.
#[derive(Debug)]
pub struct Expression {
    /// The text.
    pub text: String,
    /// What it was compiled to.
    pub program: Compiled,
}

/// Evaluates expressions about one request.
pub struct Evaluation {
    values: Variables,
    spent: Arc<AtomicU64>,
    left: u64,
}

/// The budget is used up.
#[derive(Debug, PartialEq, Eq)]
pub struct Exhausted;

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("validation failed due to running out of cost budget, no further validation rules will be run")
    }
}

impl Evaluation {
    /// With these values, and with the variables of a policy.
    pub fn new(values: &Variables, variables: Option<&Arc<Vec<(String, Compiled)>>>, budget: u64) -> Self {
        let spent = Arc::new(AtomicU64::new(0));
        let mut own = values.clone();
        if let Some(compiled) = variables {
            let composed = Composed {
                compiled: compiled.clone(),
                values: own.clone(),
                found: Arc::default(),
                spent: spent.clone(),
            };
            own = own.with("variables", Val::Late(Arc::new(composed)));
        }
        Self { values: own, spent, left: budget }
    }

    /// Evaluates an expression; the inner result is its value, or what went wrong with it.
    pub fn eval(&mut self, expression: &Expression) -> Result<Result<Val, String>, Exhausted> {
        let program = match &expression.program {
            Ok(program) => program,
            Err(why) => return Ok(Err(format!("compilation error: {why}"))),
        };
        let mut own = MOST;
        let result = program.eval(&self.values, &mut own);
        let cost = (MOST - own).saturating_add(self.spent.swap(0, Ordering::Relaxed));
        self.left = self.left.checked_sub(cost).ok_or(Exhausted)?;
        Ok(result.map_err(|failure| format!("expression '{}' resulted in error: {failure}", expression.text)))
    }
}

/// Whether conditions hold.
///
/// # Errors
/// When that cannot be said, and they insist on it.
pub fn hold(conditions: &Conditions, evaluation_of: impl FnOnce(u64) -> Evaluation) -> Result<bool, String> {
    if conditions.expressions.is_empty() {
        return Ok(true);
    }
    let mut evaluation = evaluation_of(CONDITIONS);
    let mut wrong = Vec::new();
    for condition in &conditions.expressions {
        match evaluation.eval(condition) {
            Ok(Ok(Val::Bool(false))) => return Ok(false),
            Ok(Ok(_)) => {}
            Ok(Err(why)) => wrong.push(why),
            Err(exhausted) => {
                return if conditions.insists { Err(exhausted.to_string()) } else { Ok(false) };
            }
        }
    }
    match (wrong.is_empty(), conditions.insists) {
        (true, _) => Ok(true),
        (false, true) => Err(joined(&wrong)),
        (false, false) => Ok(false),
    }
}

/// The variables of a policy.
#[derive(Debug)]
struct Composed {
    compiled: Arc<Vec<(String, Compiled)>>,
    values: Variables,
    found: Arc<Mutex<BTreeMap<String, Result<Val, Failure>>>>,
    spent: Arc<AtomicU64>,
}

impl Late for Composed {
    fn field(&self, name: &str, _: &mut u64) -> Result<Val, Failure> {
        let lock = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(name) {
            return known.clone();
        }
        let Some((_, compiled)) = self.compiled.iter().rev().find(|(known, _)| known == name) else {
            return Err(format!("no such key: {name}").into());
        };
        let result = match compiled {
            Err(why) => Err(format!("composited variable {name:?} fails to compile: {why}").into()),
            Ok(program) => {
                let own = Composed {
                    compiled: self.compiled.clone(),
                    values: self.values.clone(),
                    found: self.found.clone(),
                    spent: self.spent.clone(),
                };
                let mut budget = MOST;
                let values = self.values.clone().with("variables", Val::Late(Arc::new(own)));
                let result = program.eval(&values, &mut budget);
                self.spent.fetch_add(MOST - budget, Ordering::Relaxed);
                result.map_err(|why| format!("composited variable {name:?} fails to evaluate: {why}").into())
            }
        };
        lock().insert(name.to_owned(), result.clone());
        result
    }
}

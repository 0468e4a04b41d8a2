//! Evaluation.

use super::functions;
use super::operators;
use super::signatures;
use super::syntax::{Expr, Kind, Loop};
use super::value::{Key, Map, Val};
use super::{Failure, Val as Value};
use std::collections::BTreeMap;

/// The values of variables.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    values: Vec<(String, Val)>,
    /// Whether a name has a dot.
    dotted: bool,
}

impl Variables {
    /// The variables with one more.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.dotted |= name.contains('.');
        self.values.push((name.into(), value));
        self
    }
}

impl Variables {
    fn get(&self, name: &str) -> Option<&Val> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

type Outcome = Result<Val, Failure>;

/// How many parts of values one evaluation may look at, whatever it costs: costs do not tell how deep values are.
const WORK: usize = 20_000_000;
/// How many parts a value may have. Those of which there is one that is in many places count as often.
const LARGEST: usize = 4_000_000;

/// Evaluates an expression.
pub fn run(expr: &Expr, variables: &Variables, budget: &mut u64) -> Outcome {
    let mut run = Run { outer: variables, scope: Vec::new(), budget, work: WORK };
    run.of(expr)
}

struct Run<'a> {
    outer: &'a Variables,
    scope: Vec<(&'a str, Val)>,
    budget: &'a mut u64,
    work: usize,
}

fn no_overload() -> Failure {
    "no such overload".into()
}

impl<'a> Run<'a> {
    /// Pays; costs are cel-go's.
    fn pay(&mut self, cost: u64) -> Result<(), Failure> {
        match self.budget.checked_sub(cost) {
            Some(left) => {
                *self.budget = left;
                Ok(())
            }
            None => {
                *self.budget = 0;
                Err(Failure::TooMuch)
            }
        }
    }

    fn work(&mut self, parts: usize) -> Result<(), Failure> {
        self.work = self.work.checked_sub(parts).ok_or(Failure::TooMuch)?;
        Ok(())
    }

    /// A list or a map that was made.
    fn made(&mut self, value: Val, cost: u64) -> Outcome {
        self.pay(cost)?;
        if value.parts() > LARGEST { Err(Failure::TooMuch) } else { Ok(value) }
    }

    fn of(&mut self, expr: &'a Expr) -> Outcome {
        match &expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Ident(name) => {
                self.pay(1)?;
                self.name(name)
            }
            Kind::Select { operand, field, optional } => {
                if self.outer.dotted
                    && let Some(value) = expr.qualified().and_then(|name| self.outer.get(&name))
                {
                    self.pay(1)?;
                    return Ok(value.clone());
                }
                let operand = self.of(operand)?;
                self.pay(1)?;
                match &operand {
                    Val::Late(late) => late.field(field, self.budget),
                    operand => select(operand, field, *optional),
                }
            }
            Kind::Has { operand, field } => match self.of(operand)? {
                Val::Optional(None) => Ok(Val::Bool(false)),
                Val::Optional(Some(value)) => Ok(Val::Bool(holds(&value, field)?)),
                value => Ok(Val::Bool(holds(&value, field)?)),
            },
            Kind::Call { target, function, args } => self.call(target.as_deref(), function, args),
            Kind::Choice(parts) => {
                let [cond, yes, no] = &**parts;
                match self.of(cond)? {
                    Val::Bool(true) => self.of(yes),
                    Val::Bool(false) => self.of(no),
                    _ => Err(no_overload()),
                }
            }
            Kind::And(parts) => self.logic(&parts[0], &parts[1], false),
            Kind::Or(parts) => self.logic(&parts[0], &parts[1], true),
            Kind::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (optional, item) in items {
                    match (self.of(item)?, optional) {
                        (Val::Optional(value), true) => list.extend(value.map(|value| (*value).clone())),
                        (value, _) => list.push(value),
                    }
                }
                self.made(Val::list(list), 10)
            }
            Kind::Map(entries) => {
                let mut map = BTreeMap::new();
                for (optional, key, value) in entries {
                    let key = Key::of(&self.of(key)?).ok_or_else(|| Failure::from("unsupported key type"))?;
                    let value = match (self.of(value)?, optional) {
                        (Val::Optional(None), true) => continue,
                        (Val::Optional(Some(value)), true) => (*value).clone(),
                        (value, _) => value,
                    };
                    if map.insert(key, value).is_some() {
                        return Err("Failed with repeated key".into());
                    }
                }
                self.made(Val::map(map), 30)
            }
            Kind::Struct { name, fields } => {
                let mut made = BTreeMap::new();
                for field in fields {
                    let value = match (self.of(&field.value)?, field.optional) {
                        (Val::Optional(None), true) => continue,
                        (Val::Optional(Some(value)), true) => (*value).clone(),
                        (value, _) => value,
                    };
                    made.insert(field.name.clone(), value);
                }
                self.made(Val::made(name, made), 40)
            }
            Kind::Loop { range, what, variables, body } => self.over(range, *what, variables, body),
            Kind::Bind { variable, value, body } => {
                let value = self.of(value)?;
                self.within(&[(variable, value)], body)
            }
            Kind::OptMap { target, variable, body, flat } => match self.of(target)? {
                Val::Optional(None) => Ok(Val::NONE),
                Val::Optional(Some(value)) => {
                    let result = self.within(&[(variable, (*value).clone())], body)?;
                    Ok(if *flat { result } else { Val::some(result) })
                }
                _ => Err(no_overload()),
            },
        }
    }

    fn name(&mut self, name: &str) -> Outcome {
        let inner = self.scope.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value);
        let found = inner.or_else(|| self.outer.get(name));
        match (found, name) {
            (Some(value), _) => Ok(value.clone()),
            (None, "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "null_type" | "type") => {
                Ok(Val::Type(name.into()))
            }
            (None, _) => Err(format!("no such attribute(s): {name}").into()),
        }
    }

    fn within(&mut self, names: &[(&'a String, Val)], body: &'a Expr) -> Outcome {
        let length = self.scope.len();
        self.scope.extend(names.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let result = self.of(body);
        self.scope.truncate(length);
        result
    }

    /// `&&` and `||`: what one side settles, the other cannot spoil.
    fn logic(&mut self, left: &'a Expr, right: &'a Expr, settles: bool) -> Outcome {
        let first = self.of(left);
        match &first {
            Ok(Val::Bool(value)) if *value == settles => return first,
            Err(Failure::TooMuch) => return first,
            _ => {}
        }
        let second = self.of(right);
        match (first, second) {
            (_, Err(Failure::TooMuch)) => Err(Failure::TooMuch),
            (_, Ok(Val::Bool(value))) if value == settles => Ok(Val::Bool(value)),
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
            (Ok(Val::Bool(_)), Ok(Val::Bool(value))) => Ok(Val::Bool(value)),
            _ => Err(no_overload()),
        }
    }

    fn call(&mut self, target: Option<&'a Expr>, function: &str, args: &'a [Expr]) -> Outcome {
        let spaced = target.and_then(Expr::qualified).map(|space| format!("{space}.{function}"));
        let (function, target) = match &spaced {
            Some(name) if signatures::has(name) => (name.as_str(), None),
            _ => (function, target.map(|target| self.of(target)).transpose()?),
        };
        let args = self.all(args)?;
        let operands: Vec<&Val> = target.iter().chain(&args).collect();
        if !["size", "_[_]", "_[?_]", "value", "hasValue", "orValue", "type", "dyn"].contains(&function) {
            self.work(operands.iter().fold(1, |sum: usize, value| sum.saturating_add(value.parts())))?;
        }
        let early = functions::cost(function, &operands, None);
        if let Some(cost) = early {
            self.pay(cost)?;
        }
        let outcome = match operators::apply(function, &args) {
            Some(result) if target.is_none() => result,
            _ => functions::call(function, target.as_ref(), &args),
        }?;
        if early.is_none() {
            self.pay(functions::cost(function, &operands, Some(&outcome)).unwrap_or(1))?;
        }
        if outcome.parts() > LARGEST { Err(Failure::TooMuch) } else { Ok(outcome) }
    }

    fn all(&mut self, args: &'a [Expr]) -> Result<Vec<Val>, Failure> {
        args.iter().map(|arg| self.of(arg)).collect()
    }

    fn over(&mut self, range: &'a Expr, what: Loop, names: &'a [String], body: &'a [Expr]) -> Outcome {
        let items: Vec<Vec<Val>> = match self.of(range)? {
            Val::List(list) if names.len() == 2 => {
                let indexed = list.items.iter().enumerate();
                indexed
                    .map(|(index, item)| vec![Val::Int(i64::try_from(index).unwrap_or(i64::MAX)), item.clone()])
                    .collect()
            }
            Val::List(list) => list.items.iter().map(|item| vec![item.clone()]).collect(),
            Val::Map(map) => {
                let entry = |(key, value): (&Key, &Val)| match names.len() {
                    2 => vec![key.value(), value.clone()],
                    _ => vec![key.value()],
                };
                map.entries.iter().map(entry).collect()
            }
            _ => return Err(no_overload()),
        };
        let mut made = Vec::new();
        let mut entries = BTreeMap::new();
        let (mut count, mut failed) = (0, None);
        // What comes around the bodies in the loops that macros stand for: names, literals, operators.
        self.pay(match what {
            Loop::All | Loop::Exists => 1,
            Loop::ExistsOne => 2,
            Loop::Filter | Loop::Map | Loop::TransformList => 11,
            Loop::TransformMap | Loop::TransformMapEntry => 31,
        })?;
        for item in items {
            self.pay(match what {
                Loop::All => 3,
                Loop::Exists => 4,
                Loop::ExistsOne | Loop::Filter => 1,
                Loop::Map | Loop::TransformList => 12,
                Loop::TransformMap => 3,
                Loop::TransformMapEntry => 2,
            })?;
            let bound: Vec<(&String, Val)> = names.iter().zip(item.iter().cloned()).collect();
            let condition = |run: &mut Self| match run.within(&bound, &body[0]) {
                Ok(Val::Bool(value)) => Ok(value),
                Ok(_) => Err(no_overload()),
                Err(failure) => Err(failure),
            };
            match what {
                Loop::All | Loop::Exists => match condition(self) {
                    Err(Failure::TooMuch) => return Err(Failure::TooMuch),
                    Err(failure) => failed = failed.or(Some(failure)),
                    Ok(value) if value == (what == Loop::Exists) => return Ok(Val::Bool(value)),
                    Ok(_) => {}
                },
                Loop::ExistsOne => count += usize::from(condition(self)?),
                Loop::Filter => {
                    if condition(self)? {
                        self.pay(12)?;
                        made.extend(item.first().cloned());
                    }
                }
                Loop::Map | Loop::TransformList | Loop::TransformMap | Loop::TransformMapEntry => {
                    if body.len() == 2 && !condition(self)? {
                        continue;
                    }
                    let last = &body[body.len() - 1];
                    let value = self.within(&bound, last)?;
                    match (what, value) {
                        (Loop::TransformMap, value) => {
                            entries.extend(Key::of(&item[0]).map(|key| (key, value)));
                        }
                        (Loop::TransformMapEntry, Val::Map(map)) => {
                            for (key, value) in &map.entries {
                                if entries.insert(key.clone(), value.clone()).is_some() {
                                    return Err("insert failed: key already exists".into());
                                }
                            }
                        }
                        (Loop::TransformMapEntry, _) => return Err(no_overload()),
                        (_, value) => made.push(value),
                    }
                }
            }
        }
        match what {
            Loop::All | Loop::Exists => failed.map_or(Ok(Val::Bool(what == Loop::All)), Err),
            Loop::ExistsOne => Ok(Val::Bool(count == 1)),
            Loop::TransformMap | Loop::TransformMapEntry => self.made(Val::map(entries), 0),
            Loop::Filter | Loop::Map | Loop::TransformList => self.made(Val::list(made), 0),
        }
    }
}

fn field<'v>(map: &'v Map, name: &str) -> Option<&'v Val> {
    map.entries.get(&Key::String(name.into()))
}

fn holds(value: &Val, name: &str) -> Result<bool, Failure> {
    match value {
        Val::Map(map) => Ok(field(map, name).is_some()),
        Val::Made(made) => Ok(made.fields.contains_key(name)),
        _ => Err(no_overload()),
    }
}

fn select(operand: &Val, name: &str, optional: bool) -> Outcome {
    match operand {
        Val::Map(map) => match (field(map, name), optional) {
            (Some(value), false) => Ok(value.clone()),
            (Some(value), true) => Ok(Val::some(value.clone())),
            (None, true) => Ok(Val::NONE),
            (None, false) => Err(format!("no such key: {name}").into()),
        },
        Val::Made(made) => match (made.fields.get(name), optional) {
            (Some(value), false) => Ok(value.clone()),
            (Some(value), true) => Ok(Val::some(value.clone())),
            (None, true) => Ok(Val::NONE),
            (None, false) => Err(format!("no such key: {name}").into()),
        },
        Val::Optional(None) => Ok(Val::NONE),
        Val::Optional(Some(value)) => select(value, name, true),
        _ => Err(no_overload()),
    }
}

//! Nodes and a value to results.

use super::{Bound, Node, Slice};
use crate::api::Value;
use crate::expr::go_value::{GoNumber, Plain};
use std::cmp::Ordering;
use std::sync::LazyLock;
use thiserror::Error;

/// Why a template does not fit a value, in kubectl's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct EvalError(pub(super) String);

type Found<'a> = Vec<&'a Value>;

/// An error, and whether a filter that asks for existence takes it as a yes.
struct Failure {
    error: EvalError,
    exists: bool,
}

fn fail<T>(message: impl Into<String>, exists: bool) -> Result<T, Failure> {
    Err(Failure { error: EvalError(message.into()), exists })
}

/// The bytes of texts: `*` takes a text apart into them.
static BYTES: LazyLock<Vec<Value>> = LazyLock::new(|| (0..=u8::MAX).map(Value::from).collect());
static NOTHING: Value = Value::Null;

/// Walks the nodes of one template over one value.
pub(super) struct Walk<'a> {
    nodes: &'a [Node],
    allow_missing: bool,
    ranges_begun: usize,
    ranges_open: usize,
    ends_met: usize,
    last_end: Option<usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(nodes: &'a [Node], allow_missing: bool) -> Self {
        Self { nodes, allow_missing, ranges_begun: 0, ranges_open: 0, ends_met: 0, last_end: None }
    }

    /// Evaluates all nodes, each on its own: the results of each, in order.
    pub(super) fn run(mut self, value: &'a Value) -> Result<Vec<Found<'a>>, EvalError> {
        let mut all = Vec::with_capacity(self.nodes.len());
        self.block(0, value, &mut all).map_err(|failure| failure.error)?;
        Ok(all)
    }

    /// Evaluates the nodes from one on, to the end of the range that they are in.
    fn block(&mut self, from: usize, value: &'a Value, all: &mut Vec<Found<'a>>) -> Result<(), Failure> {
        let nodes = self.nodes;
        let mut index = from;
        while let Some(node) = nodes.get(index) {
            let found = self.node(node, vec![value])?;
            if self.ends_met > 0 && self.ends_met <= self.ranges_open {
                self.ends_met -= 1;
                self.last_end = Some(index);
                return Ok(());
            }
            if self.ranges_begun > 0 {
                self.ranges_begun -= 1;
                self.ranges_open += 1;
                if found.is_empty() {
                    // Only to find the end.
                    self.block(index + 1, &NOTHING, &mut Vec::new())?;
                }
                for value in found {
                    self.block(index + 1, value, all)?;
                }
                self.ranges_open -= 1;
                index = self.last_end.filter(|end| *end > index).unwrap_or(index);
            } else {
                all.push(found);
            }
            index += 1;
        }
        Ok(())
    }

    fn list(&mut self, nodes: &'a [Node], input: Found<'a>) -> Result<Found<'a>, Failure> {
        nodes.iter().try_fold(input, |input, node| self.node(node, input))
    }

    fn node(&mut self, node: &'a Node, input: Found<'a>) -> Result<Found<'a>, Failure> {
        match node {
            Node::Text(text) => Ok(vec![text]),
            Node::Literal(value) => Ok(vec![value; input.len()]),
            Node::List(nodes) => self.list(nodes, input),
            Node::Field(name) => self.field(name, &input),
            Node::Slice(slice) => slice.of(&input),
            Node::Wildcard => Ok(input.into_iter().flat_map(children).collect()),
            Node::Recursive => {
                let mut found = Vec::new();
                descend(input, &mut found);
                Ok(found)
            }
            Node::Union(several) => {
                let mut found = Vec::new();
                for nodes in several {
                    let part = self.list(nodes, input.clone());
                    found.extend(part.map_err(|f| Failure { exists: !input.is_empty(), ..f })?);
                }
                Ok(found)
            }
            Node::Exists(nodes) => self.filter(&input, |walk, item, _| match walk.list(nodes, vec![item]) {
                Ok(found) => Ok(!found.is_empty()),
                Err(failure) => Ok(failure.exists),
            }),
            Node::Filter { left, operator, right } => {
                self.filter(&input, |walk, item, kept| walk.compare(item, left, operator, right, kept))
            }
            Node::Range => {
                self.ranges_begun += 1;
                Ok(input)
            }
            Node::End if self.ranges_open > 0 => {
                self.ends_met += 1;
                Ok(Vec::new())
            }
            Node::End => fail("not in range, nothing to end", false),
            Node::Unknown(name) => fail(format!("unrecognized identifier {name}"), !input.is_empty()),
        }
    }

    fn field(&self, name: &str, input: &[&'a Value]) -> Result<Found<'a>, Failure> {
        let found: Found<'a> = input.iter().filter_map(|value| value.as_object()?.get(name)).collect();
        if found.is_empty() && !input.is_empty() && !self.allow_missing {
            return fail(format!("{name} is not found"), false);
        }
        Ok(found)
    }

    fn filter(
        &mut self,
        input: &[&'a Value],
        mut keep: impl FnMut(&mut Self, &'a Value, bool) -> Result<bool, Failure>,
    ) -> Result<Found<'a>, Failure> {
        let mut kept = Vec::new();
        for value in input {
            let Some(items) = value.as_array() else {
                let shown: &dyn std::fmt::Display =
                    if std::ptr::eq(*value, &NOTHING) { &"<invalid reflect.Value>" } else { &Plain(value) };
                return fail(format!("{shown} is not array or slice and cannot be filtered"), true);
            };
            for item in items {
                if keep(self, item, !kept.is_empty())? {
                    kept.push(item);
                }
            }
        }
        Ok(kept)
    }

    fn compare(
        &mut self,
        item: &'a Value,
        left: &'a [Node],
        operator: &str,
        right: &'a [Node],
        kept: bool,
    ) -> Result<bool, Failure> {
        let mut sides = [&NOTHING; 2];
        for (side, nodes) in sides.iter_mut().zip([left, right]) {
            match self.list(nodes, vec![item]).map_err(|f| Failure { exists: true, ..f })?[..] {
                [] => return Ok(false),
                [one] => *side = one,
                _ => return fail("can only compare one element at a time", true),
            }
        }
        compare(sides[0], operator, sides[1]).or_else(|message| fail(message, kept))
    }
}

impl Slice {
    fn of<'a>(&self, input: &[&'a Value]) -> Result<Found<'a>, Failure> {
        let mut found = Vec::new();
        for value in input {
            let items = match value {
                Value::Null => continue,
                Value::Array(items) => items,
                other => return fail(format!("{} is not array or slice", type_name(other)), true),
            };
            let Some(range) = self.range(items.len()).or_else(|message| fail(message, true))? else {
                return Ok(found);
            };
            let step = match self.step.map(usize::try_from) {
                None => 1,
                Some(Ok(step)) if step > 0 => step,
                Some(_) => return fail("step must be > 0", true),
            };
            found.extend(items[range].iter().step_by(step));
        }
        Ok(found)
    }

    /// The items that are meant, of a list of this length; none for a slice of no items, wherever it is.
    fn range(&self, length: usize) -> Result<Option<std::ops::Range<usize>>, String> {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let from_end = |at: i64| if at < 0 { at + length } else { at };
        let start = from_end(self.start.unwrap_or(0));
        let end = match self.end {
            Bound::Open => length,
            Bound::At(end) => from_end(end),
            Bound::Next(-1) => length,
            Bound::Next(start) => from_end(start.saturating_add(1)),
        };
        let out_of_bounds = |index: i64| format!("array index out of bounds: index {index}, length {length}");
        if start == end {
            Ok(None)
        } else if start >= length || start < 0 {
            Err(out_of_bounds(start))
        } else if end > length || end < 0 {
            Err(out_of_bounds(end.saturating_sub(1)))
        } else if start > end {
            Err(format!("starting index {start} is greater than ending index {end}"))
        } else {
            let at = |index: i64| usize::try_from(index).map_err(|_| out_of_bounds(index));
            Ok(Some(at(start)?..at(end)?))
        }
    }
}

fn children<'a>(value: &'a Value) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
    match value {
        Value::Object(map) => Box::new(map.values()),
        Value::Array(items) => Box::new(items.iter()),
        Value::String(text) => Box::new(text.bytes().map(|byte| &BYTES[usize::from(byte)])),
        _ => Box::new(std::iter::empty()),
    }
}

/// Every value that has values in it, texts among them, from the outside in.
fn descend<'a>(values: impl IntoIterator<Item = &'a Value>, found: &mut Found<'a>) {
    for value in values {
        match value {
            Value::Object(map) if !map.is_empty() => {
                found.push(value);
                descend(map.values(), found);
            }
            Value::Array(items) if !items.is_empty() => {
                found.push(value);
                descend(items, found);
            }
            Value::String(text) if !text.is_empty() => found.push(value),
            _ => {}
        }
    }
}

/// The Go type that kubectl has for a value.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if matches!(number.into(), GoNumber::Int(_)) => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

const WRONG_TYPE: &str = "invalid type for comparison";
const DIFFERENT_TYPES: &str = "incompatible types for comparison";

fn compare(left: &Value, operator: &str, right: &Value) -> Result<bool, String> {
    let equal = || equal(left, right).map_err(String::from);
    let order = || order(left, right).map_err(String::from);
    match operator {
        "==" => equal(),
        "!=" => equal().map(|equal| !equal),
        "<" => order().map(Ordering::is_lt),
        "<=" => order().map(Ordering::is_le),
        ">" => order().map(Ordering::is_gt),
        ">=" => order().map(Ordering::is_ge),
        _ => Err(format!("unrecognized filter operator {operator}")),
    }
}

fn equal(left: &Value, right: &Value) -> Result<bool, &'static str> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

fn order(left: &Value, right: &Value) -> Result<Ordering, &'static str> {
    use Value::{Array, Bool, Null, Number, Object, String};
    match (left, right) {
        (String(a), String(b)) => Ok(a.cmp(b)),
        (Number(a), Number(b)) => match (a.into(), b.into()) {
            (GoNumber::Int(a), GoNumber::Int(b)) => Ok(a.cmp(&b)),
            (GoNumber::Float(a), GoNumber::Float(b)) => Ok(a.total_cmp(&b)),
            _ => Err(DIFFERENT_TYPES),
        },
        (Bool(_), Bool(_)) | (Null | Array(_) | Object(_), _) | (_, Null | Array(_) | Object(_)) => Err(WRONG_TYPE),
        _ => Err(DIFFERENT_TYPES),
    }
}

//! What evaluating an expression may cost, at least and at most, in the units of cel-go's estimator. A rule whose
//! estimate is too high is refused before it is ever evaluated, so the figures are part of what is promised.

use super::call_cost::estimated;
use super::check::Checked;
use super::signatures::Signature;
use super::tree::{Fold, Node, Part, RESULT};
use super::types::Type;
use super::value::Val;

/// A range of costs or of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: u64,
}

/// What looking at one character of a text costs.
pub const PER_CHARACTER: f64 = 0.1;
/// What a character of a pattern costs.
pub const PER_PATTERN_CHARACTER: f64 = 0.25;
const LIST: u64 = 10;
const MAP: u64 = 30;
const STRUCT: u64 = 40;

impl Range {
    /// Nothing is known.
    pub const UNKNOWN: Range = Range { min: 0, max: u64::MAX };

    /// Exactly this.
    pub const fn of(exact: u64) -> Self {
        Self { min: exact, max: exact }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    /// One as often as the other says.
    pub fn times(self, other: Self) -> Self {
        Self { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    /// Scaled and rounded up.
    pub fn scaled(self, factor: f64) -> Self {
        // Casts of floats saturate.
        let scale = |n: u64| (n as f64 * factor).ceil() as u64;
        Self { min: scale(self.min), max: scale(self.max) }
    }

    /// One or the other.
    pub fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// The sizes of what is in a list or a map.
#[derive(Clone, Copy, Debug)]
struct Entries {
    is_list: bool,
    key: Range,
    value: Range,
}

#[derive(Clone, Debug)]
struct Local {
    name: String,
    path: Vec<String>,
    size: Option<Range>,
    entries: Option<Entries>,
}

/// How large the value at a path below a variable may be; none where that is not known.
pub type SizeAt<'a> = &'a dyn Fn(&[String]) -> Option<u64>;

/// Estimates what an expression costs.
pub fn estimate(node: &Node, checked: &Checked, size_at: SizeAt) -> Range {
    let count = checked.types.len();
    let mut coster = Coster {
        checked,
        size_at,
        locals: Vec::new(),
        paths: vec![Vec::new(); count],
        sizes: vec![None; count],
        entries: vec![None; count],
        costs: vec![Range::of(0); count],
    };
    coster.cost(node)
}

/// Adds up costs.
pub struct Coster<'a> {
    checked: &'a Checked,
    size_at: SizeAt<'a>,
    locals: Vec<Local>,
    paths: Vec<Vec<String>>,
    sizes: Vec<Option<Range>>,
    entries: Vec<Option<Entries>>,
    costs: Vec<Range>,
}

impl Coster<'_> {
    /// The type of a part.
    pub fn ty(&self, node: &Node) -> &Type {
        &self.checked.types[node.id]
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, node: &Node) -> Vec<String> {
        match &node.part {
            Part::Ident(name) if self.local(name).is_some() => {
                self.local(name).map(|local| local.path.clone()).unwrap_or_default()
            }
            Part::Again(earlier) => self.paths[*earlier].clone(),
            _ => self.paths[node.id].clone(),
        }
    }

    fn step(&mut self, node: &Node, from: &Node, step: &str) {
        let mut path = self.path(from);
        path.push(step.to_owned());
        self.paths[node.id] = path;
    }

    fn declared(&self, path: &[String]) -> Option<Range> {
        if path.is_empty() {
            return None;
        }
        (self.size_at)(path).map(|max| Range { min: 0, max })
    }

    /// How large the value of a part is, when that is known.
    pub fn size(&mut self, node: &Node) -> Option<Range> {
        if let Part::Again(earlier) = &node.part {
            return self.sizes[*earlier];
        }
        if let Some(size) = self.sizes[node.id].or_else(|| own_size(node)) {
            return Some(size);
        }
        if let Some(size) = self.declared(&self.path(node)) {
            self.sizes[node.id] = Some(size);
            return Some(size);
        }
        if self.ty(node).is_scalar() {
            return Some(Range::of(1));
        }
        match &node.part {
            Part::Ident(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }

    /// How large the value of a part may be.
    pub fn size_or_unknown(&mut self, node: &Node) -> Range {
        self.size(node).unwrap_or(Range::UNKNOWN)
    }

    /// The type of a list's items, and how large they may be.
    pub fn item(&self, list: &Node) -> Option<(Type, Range)> {
        let of = (*self.ty(list).parts().first()?).clone();
        let mut path = self.path(list);
        if path.is_empty() || path[0] == RESULT {
            return Some((of, Range::UNKNOWN));
        }
        path.push("@items".into());
        Some((of, self.declared(&path).unwrap_or(Range::UNKNOWN)))
    }

    fn entries(&self, node: &Node) -> Option<Entries> {
        let own = match &node.part {
            Part::Again(earlier) => self.entries[*earlier],
            _ => self.entries[node.id],
        };
        own.or_else(|| match &node.part {
            Part::Ident(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        })
    }

    fn cost(&mut self, node: &Node) -> Range {
        let cost = match &node.part {
            Part::Literal(_) => Range::of(0),
            Part::Ident(name) => {
                self.paths[node.id] = self.local(name).map_or_else(|| vec![name.clone()], |local| local.path.clone());
                Range::of(1)
            }
            Part::Select { operand, test: true, .. } => self.cost(operand),
            Part::Select { operand, field, test: false } => {
                let cost = self.cost(operand);
                self.step(node, operand, field);
                match self.ty(operand) {
                    Type::Map(..) | Type::Object(_) | Type::Param(_) => cost.plus(Range::of(1)),
                    _ => cost,
                }
            }
            Part::Call { target, function, args } => self.call(node, target.as_deref(), function, args),
            Part::List(items) => {
                let mut value = Range { min: if items.is_empty() { 0 } else { u64::MAX }, max: 0 };
                let mut sum = Range::of(LIST);
                for (_, item) in items {
                    sum = sum.plus(self.cost(item));
                    value = value.or(self.size_or_unknown(item));
                }
                self.entries[node.id] = Some(Entries { is_list: true, key: Range::of(1), value });
                sum
            }
            Part::Map(entries) => {
                let none = Range { min: if entries.is_empty() { 0 } else { u64::MAX }, max: 0 };
                let (mut keys, mut values, mut sum) = (none, none, Range::of(MAP));
                for (_, key, value) in entries {
                    sum = sum.plus(self.cost(key)).plus(self.cost(value));
                    keys = keys.or(self.size_or_unknown(key));
                    values = values.or(self.size_or_unknown(value));
                }
                self.entries[node.id] = Some(Entries { is_list: false, key: keys, value: values });
                sum
            }
            Part::Struct(_, fields) => {
                fields.iter().fold(Range::of(STRUCT), |sum, (.., value)| sum.plus(self.cost(value)))
            }
            Part::Fold(fold) => self.fold(node, fold),
            Part::Again(earlier) => self.costs[*earlier],
        };
        self.costs[node.id] = cost;
        cost
    }

    fn fold(&mut self, node: &Node, fold: &Fold) -> Range {
        let start = self.cost(&fold.range).plus(self.cost(&fold.init));
        let collected = Local {
            name: fold.result_name.clone(),
            path: self.path(&fold.init),
            size: self.size(&fold.init),
            entries: self.entries(&fold.init),
        };
        let length = self.locals.len();
        self.locals.push(collected);
        if fold.result_name != RESULT {
            // A name for a value: nothing is gone through.
            let cost = start.plus(self.cost(&fold.result));
            self.sizes[node.id] = self.size(&fold.result).or(self.sizes[node.id]);
            self.entries[node.id] = self.entries(&fold.result).or(self.entries[node.id]);
            self.locals.truncate(length);
            return cost;
        }
        let entries = self.entries(&fold.range);
        let is_list = entries.map_or(matches!(self.ty(&fold.range), Type::List(_)), |entries| entries.is_list);
        let path = self.path(&fold.range);
        let mut variable = |name: &String, step: &str, size: Option<Range>| {
            let path = path.iter().cloned().chain([step.to_owned()]).collect();
            self.locals.push(Local { name: name.clone(), path, size, entries: None });
        };
        let (keys, values) = (entries.map(|entries| entries.key), entries.map(|entries| entries.value));
        match (&fold.variables[..], is_list) {
            ([item], true) => variable(item, "@items", values),
            ([key], false) => variable(key, "@keys", keys),
            ([key, value], true) => {
                variable(key, "@indices", keys);
                variable(value, "@items", values);
            }
            ([key, value], false) => {
                variable(key, "@keys", keys);
                variable(value, "@values", values);
            }
            _ => {}
        }
        let each = self.cost(&fold.condition).plus(self.cost(&fold.step));
        self.locals.truncate(length + 1);
        let result = self.cost(&fold.result);
        self.locals.truncate(length);
        let count = self.size_or_unknown(&fold.range);
        match &fold.init.part {
            Part::Literal(_) => self.sizes[node.id] = self.size(&fold.init),
            Part::List(_) | Part::Map(_) => {
                self.sizes[node.id] = Some(count);
                self.entries[node.id] = self.entries(&fold.step);
            }
            _ => {}
        }
        start.plus(result).plus(count.times(each))
    }

    fn call(&mut self, node: &Node, target: Option<&Node>, function: &str, args: &[Node]) -> Range {
        if let ("dyn", None, [arg]) = (function, target, args) {
            let cost = self.cost(arg).plus(Range::of(1));
            self.sizes[node.id] = self.size(arg);
            self.entries[node.id] = self.entries(arg);
            return cost;
        }
        let costs: Vec<Range> = args.iter().map(|arg| self.cost(arg)).collect();
        let checked = self.checked;
        let signatures = &checked.calls[node.id];
        let qualified = target.is_some() && signatures.iter().all(|signature| !signature.member);
        let target = target.filter(|_| !qualified);
        if function == "_?._" {
            // Selecting a field that may be missing is a call for types, and nothing more.
            return costs.first().copied().unwrap_or(Range::of(0)).plus(Range::of(1));
        }
        if signatures.is_empty() {
            return Range::of(0);
        }
        let sum = target.map_or(Range::of(0), |target| self.cost(target));
        let mut total = Range { min: u64::MAX, max: 0 };
        let mut size: Option<Range> = None;
        for signature in signatures {
            let (cost, found) = self.one_call(node, function, signature, target, args, &costs);
            total = total.or(cost);
            if let Some(found) = found {
                size = Some(size.map_or(found, |size| size.or(found)));
            }
            if function == "_[_]" && !matches!(signature.args[0], Type::Optional(_)) {
                size = self.entries(&args[0]).map(|entries| entries.value);
                self.step(
                    node,
                    &args[0],
                    if matches!(signature.args[0], Type::List(_)) { "@items" } else { "@values" },
                );
            }
            if size.is_none() {
                size = self.size(node);
            }
        }
        self.sizes[node.id] = size.or(self.sizes[node.id]);
        sum.plus(total)
    }

    fn one_call(
        &mut self,
        node: &Node,
        function: &str,
        signature: &Signature,
        target: Option<&Node>,
        args: &[Node],
        costs: &[Range],
    ) -> (Range, Option<Range>) {
        let all = costs.iter().fold(Range::of(0), |sum, cost| sum.plus(*cost));
        if let Some((cost, size)) = estimated(self, function, signature, target, args) {
            return (cost.plus(all), size);
        }
        match (function, args) {
            ("_&&_" | "_||_", [_, _]) => (Range { min: costs[0].min, max: costs[0].plus(costs[1]).max }, None),
            ("_?_:_", [_, yes, no]) => {
                let size = self.size_or_unknown(yes).or(self.size_or_unknown(no));
                self.entries[node.id] = self.both_entries(yes, no).or(self.entries[node.id]);
                (costs[0].plus(costs[1].or(costs[2])), Some(size))
            }
            ("_+_", [a, b]) if matches!(signature.args[0], Type::String | Type::Bytes | Type::List(_)) => {
                let size = self.size_or_unknown(a).plus(self.size_or_unknown(b));
                self.entries[node.id] = self.both_entries(a, b).or(self.entries[node.id]);
                let own = match signature.args[0] {
                    Type::List(_) => Range::of(1),
                    _ => size.scaled(PER_CHARACTER),
                };
                (own.plus(all), Some(size))
            }
            _ => (Range::of(1).plus(all), None),
        }
    }

    fn both_entries(&self, a: &Node, b: &Node) -> Option<Entries> {
        let (a, b) = (self.entries(a)?, self.entries(b)?);
        Some(Entries { is_list: a.is_list, key: a.key.or(b.key), value: a.value.or(b.value) })
    }
}

/// How large a value is that is written out.
fn own_size(node: &Node) -> Option<Range> {
    let size = match &node.part {
        Part::Literal(Val::String(text)) => text.chars().count(),
        Part::Literal(Val::Bytes(bytes)) => bytes.len(),
        Part::Literal(_) => 1,
        Part::List(items) => items.len(),
        Part::Map(entries) => entries.len(),
        _ => return None,
    };
    Some(Range::of(size as u64))
}

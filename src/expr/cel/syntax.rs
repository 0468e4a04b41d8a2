//! Expressions as trees.

use super::value::Val;

/// An expression, and where it is in the text: at its operator, its dot or its parenthesis where it has one.
#[derive(Clone, Debug)]
pub struct Expr {
    /// In characters from the start.
    pub at: usize,
    /// What it is.
    pub kind: Kind,
    /// How deep the tree is.
    pub depth: usize,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A value.
    Literal(Val),
    /// A name.
    Ident(String),
    /// `operand.field`, or `operand.?field`.
    Select { operand: Box<Expr>, field: String, optional: bool },
    /// `has(operand.field)`.
    Has { operand: Box<Expr>, field: String },
    /// `function(args)`, `target.function(args)`, or an operator with the name that cel-go gives it: `_+_`.
    Call { target: Option<Box<Expr>>, function: String, args: Vec<Expr> },
    /// `cond ? yes : no`.
    Choice(Box<[Expr; 3]>),
    /// `a && b`.
    And(Box<[Expr; 2]>),
    /// `a || b`.
    Or(Box<[Expr; 2]>),
    /// `[a, ?b]`; the flag is the question mark's.
    List(Vec<(bool, Expr)>),
    /// `{k: v, ?k: v}`.
    Map(Vec<(bool, Expr, Expr)>),
    /// `Type{field: value, ?field: value}`, with the places of the colons.
    Struct { name: String, fields: Vec<Field> },
    /// A macro over the items of a list or the entries of a map.
    Loop { range: Box<Expr>, what: Loop, variables: Vec<String>, body: Vec<Expr> },
    /// `cel.bind(v, value, e)`.
    Bind { variable: String, value: Box<Expr>, body: Box<Expr> },
    /// `optional.optMap(v, e)`, and with the flag `optFlatMap`.
    OptMap { target: Box<Expr>, variable: String, body: Box<Expr>, flat: bool },
}

/// A field of an object that is made.
#[derive(Clone, Debug)]
pub struct Field {
    /// Where its colon is.
    pub at: usize,
    /// Whether it is left out when it has no value.
    pub optional: bool,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Expr,
}

/// What a macro makes of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// Whether all of them.
    All,
    /// Whether any of them.
    Exists,
    /// Whether exactly one of them.
    ExistsOne,
    /// Something of each, perhaps only of some.
    Map,
    /// Some of them.
    Filter,
    /// A list, from indexes or keys and values.
    TransformList,
    /// A map with the same keys.
    TransformMap,
    /// A map with other entries.
    TransformMapEntry,
}

impl Expr {
    /// The name that the expression is, perhaps with dots.
    pub fn qualified(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident(name) => Some(name.clone()),
            Kind::Select { operand, field, optional: false } => Some(format!("{}.{field}", operand.qualified()?)),
            _ => None,
        }
    }

    /// An expression, and how deep it is.
    pub fn new(at: usize, kind: Kind) -> Self {
        let deepest = |exprs: &[Expr]| exprs.iter().map(|expr| expr.depth).max().unwrap_or(0);
        let depth = match &kind {
            Kind::Literal(_) | Kind::Ident(_) => 0,
            Kind::Select { operand, .. } | Kind::Has { operand, .. } => operand.depth,
            Kind::Call { target, args, .. } => deepest(args).max(target.as_ref().map_or(0, |target| target.depth)),
            Kind::Choice(parts) => deepest(&parts[..]),
            Kind::And(parts) | Kind::Or(parts) => deepest(&parts[..]),
            Kind::List(items) => items.iter().map(|(_, item)| item.depth).max().unwrap_or(0),
            Kind::Map(entries) => entries.iter().map(|(_, key, value)| key.depth.max(value.depth)).max().unwrap_or(0),
            Kind::Struct { fields, .. } => fields.iter().map(|field| field.value.depth).max().unwrap_or(0),
            Kind::Loop { range, body, .. } => deepest(body).max(range.depth),
            Kind::Bind { value, body, .. } => value.depth.max(body.depth),
            Kind::OptMap { target, body, .. } => target.depth.max(body.depth),
        };
        Self { at, depth: depth.saturating_add(1), kind }
    }
}

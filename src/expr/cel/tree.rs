//! Expressions without macros: what they stand for, as types and costs are found for it.

use super::syntax::{Expr, Kind, Loop};
use super::value::Val;

/// What collects the result of a loop.
pub const RESULT: &str = "@result";

/// A part of an expression.
#[derive(Debug)]
pub struct Node {
    /// Its number, from zero.
    pub id: usize,
    /// Where it is, in characters from the start.
    pub at: usize,
    /// What it is.
    pub part: Part,
}

/// What a part of an expression is.
#[derive(Debug)]
pub enum Part {
    /// A value.
    Literal(Val),
    /// A name.
    Ident(String),
    /// `operand.field`, or whether there is one.
    Select { operand: Box<Node>, field: String, test: bool },
    /// `target.function(args)`, or an operator.
    Call { target: Option<Box<Node>>, function: String, args: Vec<Node> },
    /// A list; the flags are the question marks'.
    List(Vec<(bool, Node)>),
    /// A map.
    Map(Vec<(bool, Node, Node)>),
    /// An object that is made: for each field the place, the question mark, the name and the value.
    Struct(String, Vec<(usize, bool, String, Node)>),
    /// A loop.
    Fold(Box<Fold>),
    /// The part with this number once more.
    Again(usize),
}

/// A loop over the items of a list or the entries of a map.
#[derive(Debug)]
pub struct Fold {
    /// What is gone through.
    pub range: Node,
    /// The names of an item, or of a key and a value.
    pub variables: Vec<String>,
    /// The name of what is collected.
    pub result_name: String,
    /// What it is at first.
    pub init: Node,
    /// Whether to go on.
    pub condition: Node,
    /// What it is after an item.
    pub step: Node,
    /// What comes out at last.
    pub result: Node,
}

/// Expands the macros of an expression; gives the number of parts too.
pub fn expand(expr: &Expr) -> (Node, usize) {
    let mut builder = Builder { next: 0 };
    let node = builder.node(expr);
    (node, builder.next)
}

struct Builder {
    next: usize,
}

impl Builder {
    fn make(&mut self, at: usize, part: Part) -> Node {
        let id = self.next;
        self.next += 1;
        Node { id, at, part }
    }

    fn call(&mut self, at: usize, function: &str, args: Vec<Node>) -> Node {
        self.make(at, Part::Call { target: None, function: function.into(), args })
    }

    fn on(&mut self, at: usize, target: Node, function: &str) -> Node {
        self.make(at, Part::Call { target: Some(Box::new(target)), function: function.into(), args: Vec::new() })
    }

    fn literal(&mut self, at: usize, value: Val) -> Node {
        self.make(at, Part::Literal(value))
    }

    fn ident(&mut self, at: usize, name: &str) -> Node {
        self.make(at, Part::Ident(name.into()))
    }

    fn all(&mut self, exprs: &[Expr]) -> Vec<Node> {
        exprs.iter().map(|expr| self.node(expr)).collect()
    }

    fn node(&mut self, expr: &Expr) -> Node {
        let at = expr.at;
        let part = match &expr.kind {
            Kind::Literal(value) => Part::Literal(value.clone()),
            Kind::Ident(name) => Part::Ident(name.clone()),
            Kind::Select { operand, field, optional: false } => {
                Part::Select { operand: Box::new(self.node(operand)), field: field.clone(), test: false }
            }
            Kind::Select { operand, field, optional: true } => {
                let operand = self.node(operand);
                let field = self.literal(at, field.as_str().into());
                return self.call(at, "_?._", vec![operand, field]);
            }
            Kind::Has { operand, field } => {
                Part::Select { operand: Box::new(self.node(operand)), field: field.clone(), test: true }
            }
            Kind::Call { target, function, args } => {
                let target = target.as_deref().map(|target| Box::new(self.node(target)));
                Part::Call { target, function: function.clone(), args: self.all(args) }
            }
            Kind::Choice(parts) => {
                let args = self.all(&parts[..]);
                return self.call(at, "_?_:_", args);
            }
            Kind::And(parts) => {
                let args = self.all(&parts[..]);
                return self.call(at, "_&&_", args);
            }
            Kind::Or(parts) => {
                let args = self.all(&parts[..]);
                return self.call(at, "_||_", args);
            }
            Kind::List(items) => Part::List(items.iter().map(|(mark, item)| (*mark, self.node(item))).collect()),
            Kind::Map(entries) => {
                Part::Map(entries.iter().map(|(mark, key, value)| (*mark, self.node(key), self.node(value))).collect())
            }
            Kind::Struct { name, fields } => {
                let fields =
                    fields.iter().map(|field| (field.at, field.optional, field.name.clone(), self.node(&field.value)));
                Part::Struct(name.clone(), fields.collect())
            }
            Kind::Loop { range, what, variables, body } => return self.fold(at, range, *what, variables, body),
            Kind::Bind { variable, value, body } => {
                let (value, body) = (self.node(value), self.node(body));
                return self.bind(at, variable, value, body);
            }
            Kind::OptMap { target, variable, body, flat } => return self.opt_map(at, target, variable, body, *flat),
        };
        self.make(at, part)
    }

    fn fold(&mut self, at: usize, range: &Expr, what: Loop, variables: &[String], body: &[Expr]) -> Node {
        let range = self.node(range);
        let yes = |value: bool| Val::Bool(value);
        let (init, condition, step, result) = match what {
            Loop::All | Loop::Exists => {
                let exists = what == Loop::Exists;
                let init = self.literal(at, yes(!exists));
                let mut so_far = self.ident(at, RESULT);
                if exists {
                    so_far = self.call(at, "!_", vec![so_far]);
                }
                let condition = self.call(at, "@not_strictly_false", vec![so_far]);
                let args = vec![self.ident(at, RESULT), self.node(&body[0])];
                let step = self.call(at, if exists { "_||_" } else { "_&&_" }, args);
                (init, condition, step, self.ident(at, RESULT))
            }
            Loop::ExistsOne => {
                let init = self.literal(at, Val::Int(0));
                let condition = self.literal(at, yes(true));
                let args = vec![self.ident(at, RESULT), self.literal(at, Val::Int(1))];
                let one_more = self.call(at, "_+_", args);
                let args = vec![self.node(&body[0]), one_more, self.ident(at, RESULT)];
                let step = self.call(at, "_?_:_", args);
                let args = vec![self.ident(at, RESULT), self.literal(at, Val::Int(1))];
                (init, condition, step, self.call(at, "_==_", args))
            }
            Loop::Filter | Loop::Map | Loop::TransformList => {
                let init = self.make(at, Part::List(Vec::new()));
                let condition = self.literal(at, yes(true));
                let item = match body.last() {
                    Some(body) if what != Loop::Filter => self.node(body),
                    _ => self.ident(at, variables.first().map_or("", String::as_str)),
                };
                let item = self.make(at, Part::List(vec![(false, item)]));
                let args = vec![self.ident(at, RESULT), item];
                let step = self.call(at, "_+_", args);
                let chosen = (what == Loop::Filter || body.len() == 2).then(|| &body[0]);
                (init, condition, self.chosen(at, chosen, step), self.ident(at, RESULT))
            }
            Loop::TransformMap | Loop::TransformMapEntry => {
                let init = self.make(at, Part::Map(Vec::new()));
                let condition = self.literal(at, yes(true));
                let mut args = vec![self.ident(at, RESULT)];
                if what == Loop::TransformMap {
                    args.push(self.ident(at, &variables[0]));
                }
                args.extend(body.last().map(|body| self.node(body)));
                let step = self.call(at, "cel.@mapInsert", args);
                let chosen = (body.len() == 2).then(|| &body[0]);
                (init, condition, self.chosen(at, chosen, step), self.ident(at, RESULT))
            }
        };
        let (variables, result_name) = (variables.to_vec(), RESULT.to_owned());
        self.make(at, Part::Fold(Box::new(Fold { range, variables, result_name, init, condition, step, result })))
    }

    /// A step that is only taken for some items.
    fn chosen(&mut self, at: usize, condition: Option<&Expr>, step: Node) -> Node {
        let Some(condition) = condition else { return step };
        let args = vec![self.node(condition), step, self.ident(at, RESULT)];
        self.call(at, "_?_:_", args)
    }

    /// A name for a value: a loop over nothing.
    fn bind(&mut self, at: usize, variable: &str, value: Node, body: Node) -> Node {
        let fold = Fold {
            range: self.make(at, Part::List(Vec::new())),
            variables: vec!["#unused".into()],
            result_name: variable.to_owned(),
            init: value,
            condition: self.literal(at, Val::Bool(false)),
            step: self.ident(at, variable),
            result: body,
        };
        self.make(at, Part::Fold(Box::new(fold)))
    }

    fn opt_map(&mut self, at: usize, target: &Expr, variable: &str, body: &Expr, flat: bool) -> Node {
        let target = self.node(target);
        // A copy would double a chain of such macros at each link.
        let again = self.make(at, Part::Again(target.id));
        let has = self.on(at, target, "hasValue");
        let (value, body) = (self.on(at, again, "value"), self.node(body));
        let mut mapped = self.bind(at, variable, value, body);
        if !flat {
            mapped = self.call(at, "optional.of", vec![mapped]);
        }
        let none = self.call(at, "optional.none", Vec::new());
        self.call(at, "_?_:_", vec![has, mapped, none])
    }
}

impl Node {
    /// The parts of which it is made.
    pub fn below(&self) -> Vec<&Node> {
        match &self.part {
            Part::Literal(_) | Part::Ident(_) | Part::Again(_) => Vec::new(),
            Part::Select { operand, .. } => vec![operand],
            Part::Call { target, args, .. } => target.as_deref().into_iter().chain(args).collect(),
            Part::List(items) => items.iter().map(|(_, item)| item).collect(),
            Part::Map(entries) => entries.iter().flat_map(|(_, key, value)| [key, value]).collect(),
            Part::Struct(_, fields) => fields.iter().map(|(.., value)| value).collect(),
            Part::Fold(fold) => vec![&fold.range, &fold.init, &fold.condition, &fold.step, &fold.result],
        }
    }
}

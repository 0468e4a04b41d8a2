//! Templates and a value to text.

use super::functions::{self, Function, Parameter};
use super::node::{Call, Command, Control, Located, Node, Number, Operand, OperandKind, Pipe};
use super::parse::Templates;
use super::value::{Held, Val};
use crate::api::Value;
use crate::expr::go_value::Quoted;
use std::io::{self, Write};
use thiserror::Error;

/// Why a template was not carried out.
#[derive(Debug, Error)]
pub enum ExecError {
    /// The template does not fit the value; in Go's words.
    #[error("{0}")]
    Template(String),
    /// The writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How deep templates may use each other. Go allows more, which no stack of ours would.
const DEEPEST: usize = 100;

/// Carries out the template that has this name.
pub(super) fn run(
    templates: &Templates,
    name: &str,
    text: &str,
    data: &Value,
    missing_is_error: bool,
    out: &mut dyn Write,
) -> Result<(), ExecError> {
    let value: Val<'_> = Held::from(data).into();
    let nodes = templates.get(name).map_or(&[][..], Vec::as_slice);
    let mut machine = Machine {
        templates,
        root: name,
        text,
        out,
        template: name,
        variables: vec![("$", value.clone())],
        at: None,
        depth: 0,
        missing_is_error,
    };
    match machine.walk(&value, nodes) {
        Err(Stop::Error(error)) => Err(error),
        Ok(()) | Err(Stop::Break | Stop::Continue) => Ok(()),
    }
}

/// Why a list of nodes is left.
enum Stop {
    Error(ExecError),
    Break,
    Continue,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Error(error.into())
    }
}

type Result_<T> = Result<T, Stop>;

struct Machine<'a, 'w> {
    templates: &'a Templates,
    /// The name of the whole text.
    root: &'a str,
    text: &'a str,
    out: &'w mut dyn Write,
    /// The name of the template that is carried out.
    template: &'a str,
    variables: Vec<(&'a str, Val<'a>)>,
    /// What is being evaluated, for errors.
    at: Option<&'a dyn Located>,
    depth: usize,
    missing_is_error: bool,
}

impl<'a> Machine<'a, '_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result_<T> {
        let (root, message) = (self.root, message.into());
        let message = match self.at {
            None => format!("template: {root}: {message}"),
            Some(node) => {
                let before = &self.text[..node.at()];
                let line = 1 + before.matches('\n').count();
                let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
                let template = Quoted(self.template);
                format!("template: {root}:{line}:{column}: executing {template} at <{node}>: {message}")
            }
        };
        Err(Stop::Error(ExecError::Template(message)))
    }

    fn walk(&mut self, dot: &Val<'a>, nodes: &'a [Node]) -> Result_<()> {
        for node in nodes {
            match node {
                Node::Text(text) => self.out.write_all(text.as_bytes())?,
                Node::Action(pipe) => {
                    let value = self.pipe(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        match value.held {
                            Held::Missing => self.out.write_all(b"<no value>")?,
                            held => write!(self.out, "{held}")?,
                        }
                    }
                }
                Node::If(control) => self.choose(dot, control, false)?,
                Node::With(control) => self.choose(dot, control, true)?,
                Node::Range(control) => self.range(dot, control)?,
                Node::Template(call) => self.call_template(dot, call)?,
                Node::Break => return Err(Stop::Break),
                Node::Continue => return Err(Stop::Continue),
            }
        }
        Ok(())
    }

    fn choose(&mut self, dot: &Val<'a>, control: &'a Control, with: bool) -> Result_<()> {
        let known = self.variables.len();
        let value = self.pipe(dot, &control.pipe)?;
        let result = if !value.is_true() {
            self.walk(dot, &control.otherwise)
        } else if with {
            self.walk(&value, &control.list)
        } else {
            self.walk(dot, &control.list)
        };
        self.variables.truncate(known);
        result
    }

    fn range(&mut self, dot: &Val<'a>, control: &'a Control) -> Result_<()> {
        let known = self.variables.len();
        let value = self.pipe(dot, &control.pipe)?;
        let mut items: Box<dyn Iterator<Item = (Val<'a>, Val<'a>)> + 'a> = match value.held {
            Held::Missing | Held::Nil => Box::new(std::iter::empty()),
            Held::List(items) => {
                let numbered = items.iter().enumerate();
                Box::new(numbered.map(|(index, item)| (Held::Int(index as i64).into(), Val::boxed(item))))
            }
            Held::Map(map) => Box::new(map.iter().map(|(key, item)| (Val::text(key.as_str()), Val::boxed(item)))),
            Held::Int(_) | Held::Int64(_) | Held::Byte(_) if control.pipe.variables.len() > 1 => {
                return self.fail(format!("can't use {} to iterate over more than one variable", value.held));
            }
            Held::Int(count) => Box::new((0..count).map(|n| (Val::MISSING, Held::Int(n).into()))),
            Held::Int64(count) => Box::new((0..count).map(|n| (Val::MISSING, Held::Int64(n).into()))),
            Held::Byte(count) => Box::new((0..count).map(|n| (Val::MISSING, Held::Byte(n).into()))),
            other => return self.fail(format!("range can't iterate over {other}")),
        };
        let mark = self.variables.len();
        let mut any = false;
        let mut result = Ok(());
        for (index, item) in &mut items {
            any = true;
            self.loop_variables(&control.pipe, index, item.clone())?;
            let walked = self.walk(&item, &control.list);
            self.variables.truncate(mark);
            match walked {
                Ok(()) | Err(Stop::Continue) => {}
                Err(Stop::Break) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if !any {
            result = self.walk(dot, &control.otherwise);
        }
        self.variables.truncate(known);
        result
    }

    /// Sets a range's variables: the item, or the index and the item.
    fn loop_variables(&mut self, pipe: &'a Pipe, index: Val<'a>, item: Val<'a>) -> Result_<()> {
        let values = if pipe.variables.len() > 1 { vec![index, item] } else { vec![item] };
        let first = self.variables.len() - if pipe.assigns { 0 } else { pipe.variables.len() };
        for (offset, (name, value)) in pipe.variables.iter().zip(values).enumerate() {
            if pipe.assigns {
                self.assign(name, value)?;
            } else {
                self.variables[first + offset].1 = value;
            }
        }
        Ok(())
    }

    fn assign(&mut self, name: &str, value: Val<'a>) -> Result_<()> {
        match self.variables.iter_mut().rfind(|(known, _)| *known == name) {
            Some(variable) => {
                variable.1 = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn call_template(&mut self, dot: &Val<'a>, call: &'a Call) -> Result_<()> {
        self.at = Some(call);
        let Some((name, nodes)) = self.templates.get_key_value(&call.name) else {
            return self.fail(format!("template {} not defined", Quoted(&call.name)));
        };
        if self.depth == DEEPEST {
            return self.fail(format!("exceeded maximum template depth ({DEEPEST})"));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Val::MISSING,
        };
        let outer = (self.template, std::mem::replace(&mut self.variables, vec![("$", dot.clone())]));
        self.template = name;
        self.depth += 1;
        let result = self.walk(&dot, nodes);
        self.depth -= 1;
        (self.template, self.variables) = outer;
        result
    }

    fn pipe(&mut self, dot: &Val<'a>, pipe: &'a Pipe) -> Result_<Val<'a>> {
        self.at = Some(pipe);
        let mut value: Option<Val<'a>> = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value)?.unboxed());
        }
        let value = value.unwrap_or(Val::MISSING);
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// Evaluates a command; `last` is the value of the command before it, which becomes its last argument.
    fn command(&mut self, dot: &Val<'a>, command: &'a Command, last: Option<Val<'a>>) -> Result_<Val<'a>> {
        let first = &command.operands[0];
        let arguments = &command.operands[1..];
        let has_arguments = !arguments.is_empty() || last.is_some();
        if let OperandKind::Function(name) = &first.kind {
            self.at = Some(first);
            return self.call(dot, name, command, arguments, last);
        }
        if let OperandKind::Field(names) = &first.kind {
            self.at = Some(first);
            return self.fields(dot.clone(), names, has_arguments);
        }
        if let OperandKind::Chain(operand, names) = &first.kind {
            self.at = Some(first);
            let value = self.chained(dot, first, operand)?;
            return self.fields(value, names, has_arguments);
        }
        if let OperandKind::Variable(names) = &first.kind
            && has_arguments
            && names.len() > 1
        {
            self.at = Some(first);
            let value = self.variable(&names[0])?;
            return self.fields(value, &names[1..], true);
        }
        if !matches!(first.kind, OperandKind::Pipe(_)) {
            self.at = Some(first);
        }
        if has_arguments {
            return self.fail(format!("can't give argument to non-function {first}"));
        }
        match &first.kind {
            OperandKind::Nil => self.fail("nil is not a command"),
            _ => self.operand(dot, first),
        }
    }

    /// The value of an operand that is no function with arguments.
    fn operand(&mut self, dot: &Val<'a>, operand: &'a Operand) -> Result_<Val<'a>> {
        match &operand.kind {
            OperandKind::Pipe(pipe) => self.pipe(dot, pipe),
            kind => {
                self.at = Some(operand);
                match kind {
                    OperandKind::Dot => Ok(dot.clone()),
                    OperandKind::Bool(value) => Ok(Held::Bool(*value).into()),
                    OperandKind::Number(_, Number::Int(int)) => Ok(Held::Int(*int).into()),
                    OperandKind::Number(_, Number::Float(float)) => Ok(Held::Float(*float).into()),
                    OperandKind::Number(text, Number::Uint) => self.fail(format!("{text} overflows int")),
                    OperandKind::String(_, text) => Ok(Val::text(text.as_str())),
                    OperandKind::Field(names) => self.fields(dot.clone(), names, false),
                    OperandKind::Variable(names) => {
                        let value = self.variable(&names[0])?;
                        self.fields(value, &names[1..], false)
                    }
                    OperandKind::Function(name) => self.call(dot, name, operand, &[], None),
                    OperandKind::Chain(inner, names) => {
                        let value = self.chained(dot, operand, inner)?;
                        self.fields(value, names, false)
                    }
                    OperandKind::Nil | OperandKind::Pipe(_) => Ok(Val::MISSING),
                }
            }
        }
    }

    fn chained(&mut self, dot: &Val<'a>, chain: &'a Operand, inner: &'a Operand) -> Result_<Val<'a>> {
        if inner.kind == OperandKind::Nil {
            return self.fail(format!("indirection through explicit nil in {chain}"));
        }
        self.operand(dot, inner)
    }

    fn variable(&self, name: &str) -> Result_<Val<'a>> {
        match self.variables.iter().rfind(|(known, _)| *known == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn fields(&self, mut value: Val<'a>, names: &'a [String], has_arguments: bool) -> Result_<Val<'a>> {
        for (index, name) in names.iter().enumerate() {
            let has_arguments = has_arguments && index + 1 == names.len();
            value = self.field(value, name, has_arguments)?;
        }
        Ok(value)
    }

    fn field(&self, value: Val<'a>, name: &str, has_arguments: bool) -> Result_<Val<'a>> {
        match &value.held {
            Held::Missing if self.missing_is_error => self.fail(format!("nil data; no entry for key {}", Quoted(name))),
            Held::Missing => Ok(Val::MISSING),
            Held::Nil => self.fail(format!("nil pointer evaluating {}.{name}", value.type_name())),
            Held::Map(_) if has_arguments => self.fail(format!("{name} is not a method but has arguments")),
            Held::Map(map) => match map.get(name) {
                Some(item) => Ok(Val::boxed(item)),
                None if self.missing_is_error => self.fail(format!("map has no entry for key {}", Quoted(name))),
                None => Ok(Val::MISSING),
            },
            _ => self.fail(format!("can't evaluate field {name} in type {}", value.type_name())),
        }
    }

    fn call(
        &mut self,
        dot: &Val<'a>,
        name: &str,
        node: &'a dyn Located,
        operands: &'a [Operand],
        last: Option<Val<'a>>,
    ) -> Result_<Val<'a>> {
        let Some(function) = functions::find(name) else {
            return self.fail(format!("{} is not a defined function", Quoted(name)));
        };
        let count = operands.len() + usize::from(last.is_some());
        let fixed = function.fixed.len();
        if function.more.is_some() && count < fixed {
            let given = operands.len();
            return self.fail(format!("wrong number of args for {name}: want at least {fixed} got {given}"));
        }
        if function.more.is_none() && count != fixed {
            return self.fail(format!("wrong number of args for {name}: want {fixed} got {count}"));
        }
        let mut arguments = Vec::with_capacity(count);
        for (index, operand) in operands.iter().enumerate() {
            let argument = self.argument(dot, parameter(&function, index), operand)?;
            // These two stop at the first argument that decides.
            if matches!(name, "and" | "or") && argument.is_true() == (name == "or") {
                return Ok(argument);
            }
            arguments.push(argument);
        }
        if let Some(last) = last {
            arguments.push(self.fitting(last, parameter(&function, operands.len()))?);
        }
        // No value is a function.
        let callee = arguments.first().filter(|_| name == "call").cloned().map(Val::unboxed);
        if let Some(callee) = callee.filter(|callee| !callee.is_missing()) {
            self.at = Some(node);
            let shown = operands.first().map_or_else(|| callee.held.to_string(), ToString::to_string);
            let kind = callee.type_name();
            return self.fail(format!("error calling call: non-function {shown} of type {kind}"));
        }
        (function.call)(arguments).or_else(|error| {
            self.at = Some(node);
            self.fail(format!("error calling {name}: {error}"))
        })
    }

    /// The value of an argument, fit for the parameter.
    fn argument(&mut self, dot: &Val<'a>, parameter: Parameter, operand: &'a Operand) -> Result_<Val<'a>> {
        self.at = Some(operand);
        match (&operand.kind, parameter) {
            (OperandKind::Nil, Parameter::String) => self.fail("cannot assign nil to string"),
            (OperandKind::Nil, Parameter::Any) => Ok(Val { held: Held::Nil, boxed: true }),
            (OperandKind::Nil, Parameter::Value) => Ok(Val::MISSING),
            (OperandKind::Bool(_) | OperandKind::Number(..), Parameter::String) => {
                self.fail(format!("expected string; found {operand}"))
            }
            _ => {
                let value = self.operand(dot, operand)?;
                self.fitting(value, parameter)
            }
        }
    }

    fn fitting(&self, value: Val<'a>, parameter: Parameter) -> Result_<Val<'a>> {
        match (parameter, &value.held) {
            (Parameter::Any, Held::Missing) => Ok(Val { held: Held::Nil, boxed: true }),
            (Parameter::Any | Parameter::Value, _) | (_, Held::Text(_)) => Ok(value),
            (Parameter::String, Held::Missing) => self.fail("invalid value; expected string"),
            (Parameter::String, Held::Nil) => self.fail("wrong type for value; expected string; got interface {}"),
            (Parameter::String, held) => {
                self.fail(format!("wrong type for value; expected string; got {}", held.type_name()))
            }
        }
    }
}

/// What the argument in this place must be.
fn parameter(function: &Function, index: usize) -> Parameter {
    function.fixed.get(index).copied().or(function.more).unwrap_or(Parameter::Value)
}

//! What a template is made of. Everything that an error can point to has a place and a text.

use crate::expr::go_value::Quoted;
use std::fmt::{self, Display, Formatter};

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If(Control),
    Range(Control),
    With(Control),
    Template(Call),
    Break,
    Continue,
}

/// A pipeline, what is done by it, and what is done otherwise.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Control {
    pub pipe: Pipe,
    pub list: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// The use of another template.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub at: usize,
    pub name: String,
    pub pipe: Option<Pipe>,
}

/// Commands that each pass their value to the next, and the variables that get the last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pipe {
    pub at: usize,
    /// Whether the variables exist already.
    pub assigns: bool,
    pub variables: Vec<String>,
    pub commands: Vec<Command>,
}

/// An operand, or a function and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Command {
    pub at: usize,
    pub operands: Vec<Operand>,
}

/// A value or a function's name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    pub at: usize,
    pub kind: OperandKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum OperandKind {
    Dot,
    Nil,
    Bool(bool),
    /// The text, and what it is.
    Number(String, Number),
    /// The text with its quotes, and without.
    String(String, String),
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`
    Variable(Vec<String>),
    Function(String),
    /// `(...).a.b`
    Chain(Box<Operand>, Vec<String>),
    /// `(...)`
    Pipe(Box<Pipe>),
}

/// A constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    /// Too large for a sign.
    Uint,
    Float(f64),
}

/// What an error can point to.
pub(super) trait Located: Display {
    /// The byte offset in the template.
    fn at(&self) -> usize;
}

macro_rules! located {
    ($($type:ty),*) => {
        $(impl Located for $type {
            fn at(&self) -> usize {
                self.at
            }
        })*
    };
}

located!(Pipe, Command, Operand, Call);

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if index > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, operand) in self.operands.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            match &operand.kind {
                OperandKind::Pipe(pipe) => write!(f, "{space}({pipe})")?,
                _ => write!(f, "{space}{operand}")?,
            }
        }
        Ok(())
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OperandKind::Dot => f.write_str("."),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Bool(value) => write!(f, "{value}"),
            OperandKind::Number(text, _) | OperandKind::String(text, _) => f.write_str(text),
            OperandKind::Field(names) => write!(f, ".{}", names.join(".")),
            OperandKind::Variable(names) => f.write_str(&names.join(".")),
            OperandKind::Function(name) => f.write_str(name),
            OperandKind::Chain(operand, names) => {
                match &operand.kind {
                    OperandKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{operand}")?,
                }
                write!(f, ".{}", names.join("."))
            }
            OperandKind::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", Quoted(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

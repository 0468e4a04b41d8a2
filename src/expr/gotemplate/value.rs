//! The values that a template works with: those of JSON, and Go's that come from constants and functions.

use crate::api::{Map, Value, json};
use crate::expr::go_value::{GoNumber, Plain};
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

/// A value. What is in a list or map is `boxed` there: in Go, it is in an interface, and only its use takes it out.
#[derive(Clone, Debug)]
pub(super) struct Val<'a> {
    pub held: Held<'a>,
    pub boxed: bool,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Held<'a> {
    /// No value at all: a missing field.
    Missing,
    /// A box with nothing in it: null in a list or map.
    Nil,
    Bool(bool),
    /// Go's `int`, of constants and counts.
    Int(i64),
    /// Go's `int64`, of JSON.
    Int64(i64),
    /// A byte of a text.
    Byte(u8),
    Float(f64),
    Text(Cow<'a, str>),
    List(&'a [Value]),
    Map(&'a Map<String, Value>),
}

impl<'a> From<Held<'a>> for Val<'a> {
    fn from(held: Held<'a>) -> Self {
        Self { held, boxed: false }
    }
}

impl<'a> From<&'a Value> for Held<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.into() {
                GoNumber::Int(int) => Self::Int64(int),
                GoNumber::Float(float) => Self::Float(float),
            },
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(items) => Self::List(items),
            Value::Object(map) => Self::Map(map),
        }
    }
}

impl<'a> Val<'a> {
    pub const MISSING: Val<'static> = Val { held: Held::Missing, boxed: false };

    /// A value in a list or map.
    pub fn boxed(value: &'a Value) -> Self {
        Self { held: value.into(), boxed: true }
    }

    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Held::Text(text.into()).into()
    }

    /// The value out of its box; an empty box is no value.
    pub fn unboxed(self) -> Self {
        match self.held {
            Held::Nil => Self::MISSING,
            held => held.into(),
        }
    }

    pub fn is_missing(&self) -> bool {
        matches!(self.held, Held::Missing)
    }

    /// Whether `if` takes it for true: anything but nothing, zero and what is empty.
    pub fn is_true(&self) -> bool {
        match &self.held {
            Held::Missing | Held::Nil => false,
            Held::Bool(value) => *value,
            Held::Int(int) | Held::Int64(int) => *int != 0,
            Held::Byte(byte) => *byte != 0,
            Held::Float(float) => *float != 0.0,
            Held::Text(text) => !text.is_empty(),
            Held::List(items) => !items.is_empty(),
            Held::Map(map) => !map.is_empty(),
        }
    }

    /// The name of its Go type.
    pub fn type_name(&self) -> &'static str {
        if self.boxed { "interface {}" } else { self.held.type_name() }
    }
}

impl Held<'_> {
    pub fn type_name(&self) -> &'static str {
        match self {
            Held::Missing | Held::Nil => "<nil>",
            Held::Bool(_) => "bool",
            Held::Int(_) => "int",
            Held::Int64(_) => "int64",
            Held::Byte(_) => "uint8",
            Held::Float(_) => "float64",
            Held::Text(_) => "string",
            Held::List(_) => "[]interface {}",
            Held::Map(_) => "map[string]interface {}",
        }
    }

    /// The integer that it is.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Held::Int(int) | Held::Int64(int) => Some(*int),
            Held::Byte(byte) => Some(i64::from(*byte)),
            _ => None,
        }
    }
}

/// As `%v` prints it.
impl Display for Held<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Held::Missing | Held::Nil => f.write_str("<nil>"),
            Held::Bool(value) => write!(f, "{value}"),
            Held::Int(int) | Held::Int64(int) => write!(f, "{int}"),
            Held::Byte(byte) => write!(f, "{byte}"),
            Held::Float(float) => f.write_str(&json::float_g(*float)),
            Held::Text(text) => f.write_str(text),
            Held::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if index > 0 { " " } else { "" }, Plain(item))?;
                }
                f.write_str("]")
            }
            Held::Map(map) => {
                f.write_str("map[")?;
                for (index, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key}:{}", if index > 0 { " " } else { "" }, Plain(value))?;
                }
                f.write_str("]")
            }
        }
    }
}

//! Types of values, as far as they are known before anything is evaluated.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Not known before.
    Dyn,
    /// Not known before either; a value that is declared like that is neither a list nor a map, though.
    Any,
    /// What was complained about.
    Error,
    /// `null`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `duration`
    Duration,
    /// `timestamp`
    Timestamp,
    /// `list(T)`
    List(Arc<Type>),
    /// `map(K, V)`
    Map(Arc<Type>, Arc<Type>),
    /// An object with fields.
    Object(Arc<Fields>),
    /// `optional_type(T)`
    Optional(Arc<Type>),
    /// A type of a library, by name: `kubernetes.URL`.
    Opaque(&'static str),
    /// The type of types.
    Type(Arc<Type>),
    /// What is found out later, by its number.
    Param(usize),
    /// A letter of a signature, which stands for any type.
    Letter(char),
}

/// The fields of an object type.
#[derive(Debug)]
pub struct Fields {
    /// The name of the type, which no other type has.
    pub name: String,
    /// The fields, with the names that expressions use.
    pub fields: BTreeMap<String, Type>,
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn => f.write_str("dyn"),
            Type::Any => f.write_str("any"),
            Type::Error => f.write_str("!error!"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Duration => f.write_str("duration"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::List(of) => write!(f, "list({of})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Object(fields) => f.write_str(&fields.name),
            Type::Optional(of) => write!(f, "optional_type({of})"),
            Type::Opaque(name) => f.write_str(name),
            Type::Type(of) => write!(f, "type({of})"),
            Type::Param(number) => write!(f, "_var{number}"),
            Type::Letter(letter) => write!(f, "{letter}"),
        }
    }
}

impl Type {
    /// A list of items of a type.
    pub fn list(of: Type) -> Self {
        Self::List(Arc::new(of))
    }

    /// A map.
    pub fn map(key: Type, value: Type) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    /// An optional of a type.
    pub fn optional(of: Type) -> Self {
        Self::Optional(Arc::new(of))
    }

    /// An object type.
    pub fn object(name: impl Into<String>, fields: BTreeMap<String, Type>) -> Self {
        Self::Object(Arc::new(Fields { name: name.into(), fields }))
    }

    /// The type as it is declared, which messages about results say.
    pub fn declared(&self) -> String {
        match self {
            Type::Null => "null_type".into(),
            Type::Any => "google.protobuf.Any".into(),
            Type::Duration => "google.protobuf.Duration".into(),
            Type::Timestamp => "google.protobuf.Timestamp".into(),
            Type::List(of) => format!("list({})", of.declared()),
            Type::Map(key, value) => format!("map({}, {})", key.declared(), value.declared()),
            Type::Optional(of) => format!("optional_type({})", of.declared()),
            Type::Type(of) => format!("type({})", of.declared()),
            other => other.to_string(),
        }
    }

    /// Whether nothing is to be said against a value of this type.
    pub fn is_any(&self) -> bool {
        self.is_dyn() || *self == Type::Error
    }

    /// Whether the type is found out when a value is there.
    pub fn is_dyn(&self) -> bool {
        matches!(self, Type::Dyn | Type::Any)
    }

    /// Whether null is a value of the type too.
    pub fn is_nullable(&self) -> bool {
        use Type::{Duration, Null, Object, Opaque, Optional, Timestamp};
        matches!(self, Null | Object(_) | Opaque(_) | Optional(_) | Duration | Timestamp)
    }

    /// Whether values of the type have a size that is known.
    pub fn is_scalar(&self) -> bool {
        match self {
            Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
            Type::Optional(of) => of.is_scalar(),
            _ => false,
        }
    }

    /// The types that it is made of.
    pub fn parts(&self) -> Vec<&Type> {
        match self {
            Type::List(of) | Type::Optional(of) | Type::Type(of) => vec![of],
            Type::Map(key, value) => vec![key, value],
            _ => Vec::new(),
        }
    }

    /// The type with its parts changed.
    pub fn with(&self, change: &mut dyn FnMut(&Type) -> Type) -> Type {
        match self {
            Type::List(of) => Type::list(change(of)),
            Type::Optional(of) => Type::optional(change(of)),
            Type::Type(of) => Type::Type(Arc::new(change(of))),
            Type::Map(key, value) => {
                let key = change(key);
                Type::map(key, change(value))
            }
            other => other.clone(),
        }
    }

    /// Whether the type is the other one, or the other with less known of it.
    pub fn is_less_specific(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Dyn | Type::Any | Type::Param(_), _) => true,
            (_, Type::Dyn | Type::Any | Type::Param(_)) => false,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => a.is_less_specific(b),
            (Type::Map(k, v), Type::Map(ok, ov)) => k.is_less_specific(ok) && v.is_less_specific(ov),
            (Type::Type(_), Type::Type(_)) => true,
            _ => self == other,
        }
    }
}

//! Values of expressions.

use crate::api::{GoDuration, Quantity, time::Moment};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A value. Cheap to copy.
#[derive(Clone, Debug)]
pub enum Val {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that is not negative.
    Uint(u64),
    /// A number.
    Double(f64),
    /// A text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<List>),
    /// A map, or an object.
    Map(Arc<Map>),
    /// A span of time.
    Duration(GoDuration),
    /// A point in time.
    Timestamp(Moment),
    /// Something or nothing.
    Optional(Option<Arc<Val>>),
    /// A type, by its name.
    Type(Arc<str>),
    /// A quantity.
    Quantity(Arc<Quantity>),
    /// A URL, in its parts.
    Url(Arc<super::functions::Url>),
    /// An IP address.
    Ip(IpAddr),
    /// A range of IP addresses.
    Cidr(IpAddr, u8),
    /// One of Kubernetes' named formats.
    Format(&'static str),
    /// A semantic version.
    Version(Arc<super::functions::Version>),
    /// An object that an expression makes.
    Made(Arc<Made>),
    /// An object whose fields are found when they are asked for.
    Late(Arc<dyn Late>),
    /// A question to an authorizer, or what it said.
    Access(Arc<super::access::Access>),
}

/// An object that an expression makes.
#[derive(Clone, Debug)]
pub struct Made {
    /// The name of its type.
    pub name: String,
    /// Its fields.
    pub fields: BTreeMap<String, Val>,
    parts: usize,
}

/// An object whose fields are found when they are asked for.
pub trait Late: std::fmt::Debug + Send + Sync {
    /// The value of a field; what finding it costs is taken off the budget.
    ///
    /// # Errors
    /// When it cannot be found.
    fn field(&self, name: &str, budget: &mut u64) -> Result<Val, super::Failure>;
}

/// A list, and how it is compared and added to.
#[derive(Clone, Debug)]
pub struct List {
    /// The items.
    pub items: Vec<Val>,
    /// What makes two such lists equal.
    pub kind: ListKind,
    parts: usize,
}

/// What makes two lists equal, and what adding them gives (x-kubernetes-list-type).
#[derive(Clone, Debug, PartialEq)]
pub enum ListKind {
    /// The same items in the same order; adding appends.
    Atomic,
    /// The same items; adding gives each once.
    Set,
    /// The same items by these keys; adding replaces those with the same keys.
    Map(Vec<String>),
}

/// A map, or an object.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The entries.
    pub entries: BTreeMap<Key, Val>,
    parts: usize,
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A boolean.
    Bool(bool),
    /// A whole number, of either kind.
    Int(i128),
    /// A text.
    String(Arc<str>),
}

impl Key {
    /// A value as a key; none when it cannot be one.
    pub fn of(value: &Val) -> Option<Self> {
        match value {
            Val::Bool(value) => Some(Self::Bool(*value)),
            Val::Int(value) => Some(Self::Int((*value).into())),
            Val::Uint(value) => Some(Self::Int((*value).into())),
            Val::Double(value) if value.fract() == 0.0 => Some(Self::Int(*value as i128)),
            Val::String(text) => Some(Self::String(text.clone())),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn value(&self) -> Val {
        match self {
            Self::Bool(value) => Val::Bool(*value),
            Self::Int(value) => match i64::try_from(*value) {
                Ok(value) => Val::Int(value),
                Err(_) => Val::Uint(u64::try_from(*value).unwrap_or(u64::MAX)),
            },
            Self::String(text) => Val::String(text.clone()),
        }
    }
}

impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Val::String(text.into())
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Val::String(text.into())
    }
}

impl Val {
    /// A list that is compared item by item.
    pub fn list(items: Vec<Val>) -> Self {
        Val::List(Arc::new(List::new(items, ListKind::Atomic)))
    }

    /// A map.
    pub fn map(entries: BTreeMap<Key, Val>) -> Self {
        let parts = entries.values().fold(1, |sum: usize, value| sum.saturating_add(value.parts()));
        Val::Map(Arc::new(Map { entries, parts }))
    }

    /// An object of a type.
    pub fn made(name: &str, fields: BTreeMap<String, Val>) -> Self {
        let parts = fields.values().fold(1, |sum: usize, value| sum.saturating_add(value.parts()));
        Val::Made(Arc::new(Made { name: name.into(), fields, parts }))
    }

    /// How many values it is made of.
    pub fn parts(&self) -> usize {
        match self {
            Val::List(list) => list.parts,
            Val::Map(map) => map.parts,
            Val::Made(made) => made.parts,
            Val::Optional(Some(value)) => value.parts(),
            Val::String(text) => 1 + text.len() / 64,
            Val::Bytes(bytes) => 1 + bytes.len() / 64,
            _ => 1,
        }
    }

    /// What JSON says.
    pub fn json(json: &crate::api::Value) -> Self {
        use crate::api::Value;
        match json {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Val::Int(whole),
                None => Val::Double(number.as_f64().unwrap_or(0.0)),
            },
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => Val::list(items.iter().map(Val::json).collect()),
            Value::Object(map) => {
                Val::map(map.iter().map(|(key, value)| (Key::String(key.as_str().into()), Val::json(value))).collect())
            }
        }
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// When it has no such form.
    pub fn to_json(&self) -> Result<crate::api::Value, String> {
        use crate::api::Value;
        Ok(match self {
            Val::Null => Value::Null,
            Val::Bool(value) => (*value).into(),
            Val::Int(number) => (*number).into(),
            Val::Uint(number) => (*number).into(),
            Val::Double(number) => (*number).into(),
            Val::List(list) => list.items.iter().map(Val::to_json).collect::<Result<Vec<Value>, String>>()?.into(),
            Val::Map(map) => {
                let entries = map.entries.iter().map(|(key, value)| match key {
                    Key::String(key) => Ok((key.to_string(), value.to_json()?)),
                    key => Err(format!("map key {:?} is not string", key.value())),
                });
                Value::Object(entries.collect::<Result<_, String>>()?)
            }
            Val::Made(made) => {
                let fields = made.fields.iter().map(|(name, value)| Ok((name.clone(), value.to_json()?)));
                Value::Object(fields.collect::<Result<_, String>>()?)
            }
            Val::Bytes(bytes) => {
                use base64::Engine;
                base64::engine::general_purpose::STANDARD.encode(bytes).into()
            }
            Val::String(_) | Val::Duration(_) | Val::Timestamp(_) => {
                super::functions::text(self).unwrap_or_default().into()
            }
            other => return Err(format!("unsupported type {}", other.type_name())),
        })
    }

    /// Something.
    pub fn some(value: Val) -> Self {
        Val::Optional(Some(Arc::new(value)))
    }

    /// Nothing.
    pub const NONE: Val = Val::Optional(None);

    /// The name of its type.
    pub fn type_name(&self) -> &str {
        match self {
            Val::Null => "null_type",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int",
            Val::Uint(_) => "uint",
            Val::Double(_) => "double",
            Val::String(_) => "string",
            Val::Bytes(_) => "bytes",
            Val::List(_) => "list",
            Val::Map(_) => "map",
            Val::Duration(_) => "google.protobuf.Duration",
            Val::Timestamp(_) => "google.protobuf.Timestamp",
            Val::Optional(_) => "optional_type",
            Val::Type(_) => "type",
            Val::Quantity(_) => "kubernetes.Quantity",
            Val::Url(_) => "kubernetes.URL",
            Val::Ip(_) => "net.IP",
            Val::Cidr(..) => "net.CIDR",
            Val::Format(_) => "kubernetes.NamedFormat",
            Val::Version(_) => "kubernetes.Semver",
            Val::Made(made) => &made.name,
            Val::Late(_) => "object",
            Val::Access(access) => access.type_name(),
        }
    }

    /// Whether two values are equal. Numbers of different kinds are when they mean the same; values of different types
    /// never are.
    pub fn equals(&self, other: &Val) -> bool {
        match (self, other) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::String(a), Val::String(b)) | (Val::Type(a), Val::Type(b)) => a == b,
            (Val::Bytes(a), Val::Bytes(b)) => a == b,
            (Val::List(a), Val::List(b)) => a.equals(b),
            (Val::Map(a), Val::Map(b)) => {
                a.entries.len() == b.entries.len()
                    && a.entries.iter().all(|(key, value)| b.entries.get(key).is_some_and(|other| value.equals(other)))
            }
            (Val::Made(a), Val::Made(b)) => {
                a.name == b.name
                    && a.fields.len() == b.fields.len()
                    && a.fields.iter().all(|(name, value)| b.fields.get(name).is_some_and(|other| value.equals(other)))
            }
            (Val::Optional(a), Val::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equals(b),
                (a, b) => a.is_none() && b.is_none(),
            },
            (Val::Ip(a), Val::Ip(b)) => a == b,
            (Val::Cidr(a, n), Val::Cidr(b, m)) => a == b && n == m,
            (Val::Quantity(a), Val::Quantity(b)) => a.minus(b).is_zero(),
            (Val::Url(a), Val::Url(b)) => a == b,
            (Val::Format(a), Val::Format(b)) => a == b,
            _ => self.order(other) == Some(Ordering::Equal),
        }
    }

    /// Which of two values comes first; none when that cannot be said.
    pub fn order(&self, other: &Val) -> Option<Ordering> {
        Some(match (self, other) {
            (Val::Int(a), Val::Int(b)) => a.cmp(b),
            (Val::Uint(a), Val::Uint(b)) => a.cmp(b),
            (Val::Int(a), Val::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Val::Uint(a), Val::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Val::Double(a), Val::Double(b)) => return a.partial_cmp(b),
            (Val::Double(a), Val::Int(b)) => return a.partial_cmp(&(*b as f64)),
            (Val::Double(a), Val::Uint(b)) => return a.partial_cmp(&(*b as f64)),
            (Val::Int(a), Val::Double(b)) => return (*a as f64).partial_cmp(b),
            (Val::Uint(a), Val::Double(b)) => return (*a as f64).partial_cmp(b),
            (Val::String(a), Val::String(b)) => a.cmp(b),
            (Val::Bytes(a), Val::Bytes(b)) => a.cmp(b),
            (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
            (Val::Duration(a), Val::Duration(b)) => a.cmp(b),
            (Val::Timestamp(a), Val::Timestamp(b)) => a.cmp(b),
            (Val::Version(a), Val::Version(b)) => a.cmp(b),
            _ => return None,
        })
    }

    /// Whether it is what nothing was put into.
    pub fn is_zero(&self) -> bool {
        match self {
            Val::Null => true,
            Val::Bool(value) => !value,
            Val::Int(value) => *value == 0,
            Val::Uint(value) => *value == 0,
            Val::Double(value) => *value == 0.0,
            Val::String(text) => text.is_empty(),
            Val::Bytes(bytes) => bytes.is_empty(),
            Val::List(list) => list.items.is_empty(),
            Val::Map(map) => map.entries.is_empty(),
            Val::Made(made) => made.fields.is_empty(),
            Val::Duration(span) => span.0 == 0,
            Val::Optional(value) => value.is_none(),
            _ => false,
        }
    }
}

impl List {
    /// A list of items.
    pub fn new(items: Vec<Val>, kind: ListKind) -> Self {
        let parts = items.iter().fold(1, |sum: usize, item| sum.saturating_add(item.parts()));
        Self { items, kind, parts }
    }

    fn equals(&self, other: &List) -> bool {
        if self.items.len() != other.items.len() {
            return false;
        }
        match &self.kind {
            ListKind::Atomic => self.items.iter().zip(&other.items).all(|(a, b)| a.equals(b)),
            _ => self.items.iter().all(|item| other.items.iter().any(|other| item.equals(other))),
        }
    }

    /// The list with another one added.
    pub fn plus(&self, other: &List) -> List {
        let mut items = self.items.clone();
        for item in &other.items {
            let place = match &self.kind {
                ListKind::Atomic => None,
                ListKind::Set => items.iter().position(|known| known.equals(item)),
                ListKind::Map(keys) => items.iter().position(|known| same_keys(known, item, keys)),
            };
            match place {
                Some(place) => items[place] = item.clone(),
                None => items.push(item.clone()),
            }
        }
        List::new(items, self.kind.clone())
    }
}

fn same_keys(a: &Val, b: &Val, keys: &[String]) -> bool {
    let (Val::Map(a), Val::Map(b)) = (a, b) else { return false };
    keys.iter().all(|key| {
        let key = Key::String(key.as_str().into());
        match (a.entries.get(&key), b.entries.get(&key)) {
            (Some(a), Some(b)) => a.equals(b),
            (a, b) => a.is_none() && b.is_none(),
        }
    })
}

//! Types of objects as data: fields, formats, defaults, and how lists and maps merge.
//!
//! The same shape serves the built-in facts, a server's OpenAPI documents and custom resources' schemas, so that
//! merges, validation and `explain` need to know only this one.

use super::{GroupVersionKind, Map, Value};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// A type, or the use of a type by a field, an item or a map's value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TypeNode {
    /// `object`, `array`, `string`, `integer`, `number` or `boolean`; empty for anything.
    #[serde(rename = "type")]
    pub kind: String,
    /// OpenAPI's format: `int32`, `int64`, `date-time`, `byte`, `int-or-string`, ...
    pub format: String,
    /// The name of another type, which says all but the merge rules.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The fields of an object. Boxed: most maps have few entries, and a map keeps room for many.
    pub fields: BTreeMap<String, Box<TypeNode>>,
    /// The type of a map's values.
    pub values: Option<Box<TypeNode>>,
    /// The type of a list's items.
    pub items: Option<Box<TypeNode>>,
    /// The fields that must be there.
    pub required: Vec<String>,
    /// The values that are allowed.
    #[serde(rename = "enum")]
    pub allowed: Vec<Value>,
    /// What a missing field becomes.
    pub default: Option<Value>,
    /// `atomic`, `set` or `map` (KEP-555, x-kubernetes-list-type); empty for none said, which means atomic.
    pub list_type: String,
    /// The fields that together name an item of a list of type `map`.
    pub list_map_keys: Vec<String>,
    /// `atomic` or `granular`; empty means granular.
    pub map_type: String,
    /// Strategic merge: `merge`, `replace`, `retainKeys`, or two with a comma between.
    pub patch_strategy: String,
    /// Strategic merge: the field that names an item.
    pub patch_merge_key: String,
    /// The kinds that this type is the type of.
    pub gvk: Vec<Gvk>,
    /// Fields that exclude each other.
    pub unions: Value,
    /// Unknown fields are kept (x-kubernetes-preserve-unknown-fields).
    pub preserve_unknown: bool,
    /// The value is a whole object with its own apiVersion and kind (x-kubernetes-embedded-resource).
    pub embedded: bool,
    /// The documentation, where there is any.
    pub description: String,
    /// When the field is written; said of the built-in types only.
    #[serde(skip)]
    pub presence: Presence,
    /// The Go type of a field, where it has a name of its own: `v1.PullPolicy`.
    #[serde(skip)]
    pub go_type: String,
}

/// When a field is written, as the Go type of the API has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// As it was given: nothing is known of the Go type.
    #[default]
    AsGiven,
    /// Unless it is zero or empty (a value with `omitempty`).
    Filled,
    /// Unless it is not set or null (a pointer with `omitempty`).
    Set,
    /// Always; with its zero value where it is not set (a value without `omitempty`, or a struct).
    Always,
    /// Always; as null where it is not set (a pointer without `omitempty`).
    AlwaysOrNull,
}

/// A kind's name as the facts and OpenAPI documents spell it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Gvk {
    /// The group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// How many references lead from the use of a type to what it is, at the most.
const MAX_REFERENCES: usize = 8;

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/// Types by name and by kind.
#[derive(Debug, Default)]
pub struct Catalog {
    types: BTreeMap<String, TypeNode>,
    kinds: HashMap<GroupVersionKind, String>,
    order: Option<FieldOrder>,
}

/// The fields of a type in the order in which Go writes them; none where that is the order of the alphabet.
pub type FieldOrder = fn(&str) -> Option<&'static [&'static str]>;

impl Catalog {
    /// A catalog of these types, found by name and by the kinds that they say they are.
    pub fn new(types: BTreeMap<String, TypeNode>) -> Self {
        let kinds = types
            .iter()
            .flat_map(|(name, node)| {
                node.gvk.iter().map(|g| (GroupVersionKind::new(&g.group, &g.version, &g.kind), name.clone()))
            })
            .collect();
        Self { types, kinds, order: None }
    }

    /// The catalog, with an order of the fields of its types.
    pub fn ordered_by(self, order: FieldOrder) -> Self {
        Self { order: Some(order), ..self }
    }

    /// Adds or replaces one type, and the kinds that it says it is.
    pub fn insert(&mut self, name: &str, node: TypeNode) {
        for g in &node.gvk {
            self.kinds.insert(GroupVersionKind::new(&g.group, &g.version, &g.kind), name.into());
        }
        self.types.insert(name.into(), node);
    }

    /// The type with this name.
    pub fn named(&self, name: &str) -> Option<TypeRef<'_>> {
        let (name, node) = self.types.get_key_value(name)?;
        Some(TypeRef { name: Some(name), ..self.used(node) })
    }

    /// The type that `usage` is a use of.
    fn used<'a>(&'a self, usage: &'a TypeNode) -> TypeRef<'a> {
        let next = |node: &TypeNode| self.types.get(node.reference.as_ref()?);
        // A foreign document may lead around in a circle.
        let node = std::iter::successors(Some(usage), |node| next(node)).take(MAX_REFERENCES).last().unwrap_or(usage);
        TypeRef { catalog: self, name: usage.reference.as_deref(), usage, node }
    }

    /// The name of the type of this kind.
    pub fn kind_name(&self, kind: &GroupVersionKind) -> Option<&str> {
        self.kinds.get(kind).map(String::as_str)
    }

    /// The type of this kind.
    pub fn kind(&self, kind: &GroupVersionKind) -> Option<TypeRef<'_>> {
        self.named(self.kinds.get(kind)?)
    }

    /// All types, by name.
    pub fn types(&self) -> &BTreeMap<String, TypeNode> {
        &self.types
    }
}

/// A type as it is used in one place. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct TypeRef<'a> {
    catalog: &'a Catalog,
    name: Option<&'a str>,
    usage: &'a TypeNode,
    node: &'a TypeNode,
}

impl<'a> TypeRef<'a> {
    /// The node where the type is used: it has the merge rules and the default.
    pub fn usage(self) -> &'a TypeNode {
        self.usage
    }

    /// The node that says what the type is, after following references.
    pub fn node(self) -> &'a TypeNode {
        self.node
    }

    /// The type's name, when it has one.
    pub fn name(self) -> Option<&'a str> {
        self.name
    }

    /// Another type of the same catalog.
    pub fn other(self, name: &str) -> Option<TypeRef<'a>> {
        self.catalog.named(name)
    }

    /// The type of a field of an object, or of a value of a map.
    pub fn field(self, name: &str) -> Option<TypeRef<'a>> {
        let usage = self.node.fields.get(name).or(self.node.values.as_ref())?;
        Some(self.catalog.used(usage))
    }

    /// The type of a field of an object, by name (a map's values do not count).
    pub fn declared(self, name: &str) -> Option<TypeRef<'a>> {
        Some(self.catalog.used(self.node.fields.get(name)?))
    }

    /// The entries of a value of this type, in the order in which Go writes them: a map's keys are a user's, only a
    /// type's fields have an order of their own.
    pub fn in_order(self, map: &Map<String, Value>) -> Vec<(&String, &Value)> {
        let mut entries: Vec<_> = map.iter().collect();
        let order = self.catalog.order.zip(self.name()).and_then(|(order, name)| order(name));
        if let Some(order) = order {
            entries.sort_by_key(|(key, _)| order.iter().position(|field| field == key).unwrap_or(order.len()));
        }
        entries
    }

    /// Whether the object has this field by name (a map's values do not count).
    pub fn has_field(self, name: &str) -> bool {
        self.node().fields.contains_key(name)
    }

    /// The type of a list's items.
    pub fn items(self) -> Option<TypeRef<'a>> {
        Some(self.catalog.used(self.node.items.as_deref()?))
    }

    /// The type of a map's values.
    pub fn values(self) -> Option<TypeRef<'a>> {
        Some(self.catalog.used(self.node.values.as_deref()?))
    }

    /// `atomic`, `set` or `map`.
    pub fn list_type(self) -> &'a str {
        match self.of(|node| &node.list_type) {
            "" => "atomic",
            text => text,
        }
    }

    /// The keys of a list of type `map`.
    pub fn list_map_keys(self) -> &'a [String] {
        if self.usage.list_map_keys.is_empty() { &self.node().list_map_keys } else { &self.usage.list_map_keys }
    }

    /// Whether a map or object is one value as a whole to server-side apply.
    pub fn is_atomic_map(self) -> bool {
        self.of(|node| &node.map_type) == "atomic"
    }

    /// Whether strategic merge follows `strategy` here.
    pub fn has_patch_strategy(self, strategy: &str) -> bool {
        self.usage.patch_strategy.split(',').any(|s| s == strategy)
    }

    /// Strategic merge's key of this list; empty when the list is of scalars or is replaced.
    pub fn patch_merge_key(self) -> &'a str {
        &self.usage.patch_merge_key
    }

    /// Whether this is the type of quantities, which are written as text and read from numbers too.
    pub fn is_quantity(self) -> bool {
        self.name() == Some(QUANTITY)
    }

    /// An object of this type in which nothing is set, as Kubernetes writes it: `{}` but for the fields that are
    /// always written.
    pub fn empty(self) -> Value {
        let fields = self.node().fields.iter();
        fields.filter_map(|(name, usage)| Some((name.clone(), self.catalog.used(usage).unset()?))).collect()
    }

    /// What is written for a field of this type and usage that is not set, when anything is.
    pub fn unset(self) -> Option<Value> {
        match self.usage.presence {
            Presence::Always => Some(self.zero()),
            Presence::AlwaysOrNull => Some(Value::Null),
            Presence::AsGiven | Presence::Filled | Presence::Set => None,
        }
    }

    /// The zero value, as Go writes it: null for lists, maps, times and raw JSON.
    pub fn zero(self) -> Value {
        let node = self.node();
        match (node.kind.as_str(), node.format.as_str()) {
            ("object", _) if !node.fields.is_empty() => self.empty(),
            ("boolean", _) => false.into(),
            ("integer" | "number", _) | ("string", "int-or-string") => 0.into(),
            ("string", "date-time" | "byte") => Value::Null,
            ("string", _) if self.is_quantity() => "0".into(),
            ("string", _) => "".into(),
            _ => Value::Null,
        }
    }

    fn of(self, text: impl Fn(&'a TypeNode) -> &'a String) -> &'a str {
        let usage = text(self.usage);
        if usage.is_empty() { text(self.node()) } else { usage }
    }
}

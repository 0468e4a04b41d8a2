//! Types of objects as data: fields, formats, defaults, and how lists and maps merge.
//!
//! The same shape serves the built-in facts, a server's OpenAPI documents and custom resources' schemas, so that
//! merges, validation and `explain` need to know only this one.

use super::{GroupVersionKind, Value};
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
    /// The fields of an object.
    pub fields: BTreeMap<String, TypeNode>,
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

/// Types by name and by kind.
#[derive(Debug, Default)]
pub struct Catalog {
    types: BTreeMap<String, TypeNode>,
    kinds: HashMap<GroupVersionKind, String>,
}

impl Catalog {
    /// A catalog of these types, found by name and by the kinds that they say they are.
    pub fn new(types: BTreeMap<String, TypeNode>) -> Self {
        let kinds = types
            .iter()
            .flat_map(|(name, node)| {
                node.gvk.iter().map(|g| (GroupVersionKind::new(&g.group, &g.version, &g.kind), name.clone()))
            })
            .collect();
        Self { types, kinds }
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
        Some(TypeRef { catalog: self, usage: self.types.get(name)? })
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
    usage: &'a TypeNode,
}

impl<'a> TypeRef<'a> {
    /// The node where the type is used: it has the merge rules and the default.
    pub fn usage(self) -> &'a TypeNode {
        self.usage
    }

    /// The node that says what the type is, after following references.
    pub fn node(self) -> &'a TypeNode {
        let mut node = self.usage;
        while let Some(next) = node.reference.as_ref().and_then(|name| self.catalog.types.get(name)) {
            node = next;
        }
        node
    }

    /// The type's name, when it has one.
    pub fn name(self) -> Option<&'a str> {
        self.usage.reference.as_deref()
    }

    /// The type of a field of an object, or of a value of a map.
    pub fn field(self, name: &str) -> Option<TypeRef<'a>> {
        let node = self.node();
        let usage = node.fields.get(name).or(node.values.as_deref())?;
        Some(TypeRef { catalog: self.catalog, usage })
    }

    /// Whether the object has this field by name (a map's values do not count).
    pub fn has_field(self, name: &str) -> bool {
        self.node().fields.contains_key(name)
    }

    /// The type of a list's items.
    pub fn items(self) -> Option<TypeRef<'a>> {
        Some(TypeRef { catalog: self.catalog, usage: self.node().items.as_deref()? })
    }

    /// The type of a map's values.
    pub fn values(self) -> Option<TypeRef<'a>> {
        Some(TypeRef { catalog: self.catalog, usage: self.node().values.as_deref()? })
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

    fn of(self, text: impl Fn(&'a TypeNode) -> &'a String) -> &'a str {
        let usage = text(self.usage);
        if usage.is_empty() { text(self.node()) } else { usage }
    }
}

//! Whether the parts of an expression fit together: names are known, objects have the fields, functions take what
//! they are given. What is not known before evaluation is not complained about.

use super::Issue;
use super::signatures::{self, Signature};
use super::tree::{Fold, Node, Part};
use super::types::Type;
use super::unify::Unifier;
use super::value::Val;

/// What was found out about an expression, by the numbers of its parts.
pub struct Checked {
    /// The types.
    pub types: Vec<Type>,
    /// The forms of the functions that may be called.
    pub calls: Vec<Vec<&'static Signature>>,
    /// The variables that it speaks of.
    pub names: Vec<String>,
}

/// Checks an expression of `count` parts.
pub fn check(node: &Node, count: usize, variables: &[(&str, Type)]) -> Result<Checked, Vec<Issue>> {
    let found = Checked { types: vec![Type::Error; count], calls: vec![Vec::new(); count], names: Vec::new() };
    let mut checker = Checker { variables, scope: Vec::new(), unifier: Unifier::default(), found, issues: Vec::new() };
    checker.check(node);
    let Checker { unifier, mut found, mut issues, .. } = checker;
    found.types.iter_mut().for_each(|ty| *ty = unifier.settled(ty));
    if issues.is_empty() {
        literals(node, &mut issues);
        mixed(node, &found.types, &mut issues);
        super::patterns::patterns(node, &found.types, &mut issues);
    }
    if issues.is_empty() { Ok(found) } else { Err(issues) }
}

struct Checker<'a> {
    variables: &'a [(&'a str, Type)],
    scope: Vec<(&'a str, Type)>,
    unifier: Unifier,
    found: Checked,
    issues: Vec<Issue>,
}

/// The name of a part that is a name, perhaps with dots.
pub fn qualified(node: &Node) -> Option<String> {
    match &node.part {
        Part::Ident(name) => Some(name.clone()),
        Part::Select { operand, field, test: false } => Some(format!("{}.{field}", qualified(operand)?)),
        _ => None,
    }
}

impl<'a> Checker<'a> {
    fn complain(&mut self, at: usize, text: String) -> Type {
        self.issues.push(Issue { at, text });
        Type::Error
    }

    fn mismatch(&mut self, at: usize, wanted: &Type, found: &Type) -> Type {
        self.complain(at, format!("expected type '{wanted}' but found '{found}'"))
    }

    fn check(&mut self, node: &'a Node) -> Type {
        let ty = match &node.part {
            Part::Literal(value) => of_literal(value),
            Part::Ident(name) => self.name(node.at, name),
            Part::Select { test: false, .. } if self.dotted(node).is_some() => {
                let name = self.dotted(node).unwrap_or_default();
                self.name(node.at, &name)
            }
            Part::Select { operand, field, test } => {
                let ty = self.select(node.at, operand, field, false);
                if *test { Type::Bool } else { ty }
            }
            Part::Call { target, function, args } => self.call(node, target.as_deref(), function, args),
            Part::List(items) => self.list(items),
            Part::Map(entries) => self.map(entries),
            Part::Struct(name, fields) => self.made(node.at, name, fields),
            Part::Fold(fold) => self.fold(fold),
            Part::Again(earlier) => self.found.types[*earlier].clone(),
        };
        let ty = self.unifier.known(&ty);
        self.found.types[node.id] = ty.clone();
        ty
    }

    /// The name of a variable with a dot in its name.
    fn dotted(&self, node: &Node) -> Option<String> {
        if !self.variables.iter().any(|(known, _)| known.contains('.')) {
            return None;
        }
        qualified(node).filter(|name| self.variables.iter().any(|(known, _)| known == name))
    }

    fn name(&mut self, at: usize, name: &str) -> Type {
        if let Some((_, ty)) = self.scope.iter().rev().find(|(known, _)| *known == name) {
            return ty.clone();
        }
        if let Some((_, ty)) = self.variables.iter().find(|(known, _)| *known == name) {
            self.found.names.push(name.to_owned());
            return ty.clone();
        }
        match type_named(name) {
            Some(ty) => Type::Type(ty.into()),
            None => self.complain(at, format!("undeclared reference to '{name}' (in container '')")),
        }
    }

    fn select(&mut self, at: usize, operand: &'a Node, field: &str, optional: bool) -> Type {
        let operand = self.check(operand);
        let (target, optional) = match &operand {
            Type::Optional(of) => ((**of).clone(), true),
            other => (other.clone(), optional),
        };
        let result = match &target {
            Type::Map(_, value) => (**value).clone(),
            Type::Object(object) => match object.fields.get(field) {
                Some(ty) => ty.clone(),
                None => self.complain(at, format!("undefined field '{field}'")),
            },
            Type::Opaque(name) if name.starts_with("kubernetes.") => {
                self.complain(at, format!("unexpected failed resolution of '{name}'"))
            }
            Type::Param(_) => {
                self.unifier.assign(&[Type::Dyn], &[target]);
                Type::Dyn
            }
            any if any.is_any() => Type::Dyn,
            other => {
                self.complain(at, format!("type '{other}' does not support field selection"));
                Type::Dyn
            }
        };
        if optional { Type::optional(result) } else { result }
    }

    fn call(&mut self, node: &'a Node, target: Option<&'a Node>, function: &str, args: &'a [Node]) -> Type {
        if let ("_?._", [operand, Node { part: Part::Literal(Val::String(field)), .. }]) = (function, args) {
            return self.select(node.at, operand, field, true);
        }
        let mut types: Vec<Type> = args.iter().map(|arg| self.check(arg)).collect();
        let undeclared = |name: &str| format!("undeclared reference to '{name}' (in container '')");
        let Some(target) = target else {
            if !signatures::has(function) {
                return self.complain(node.at, undeclared(function));
            }
            return self.overload(node, function, false, args, types);
        };
        // A library's function may have a dot in its name: `sets.contains`.
        if let Some(name) = qualified(target).map(|space| format!("{space}.{function}"))
            && signatures::has(&name)
        {
            return self.overload(node, &name, false, args, types);
        }
        types.insert(0, self.check(target));
        if !signatures::has(function) {
            return self.complain(node.at, undeclared(function));
        }
        self.overload(node, function, true, args, types)
    }

    fn overload(&mut self, node: &Node, function: &str, member: bool, args: &[Node], types: Vec<Type>) -> Type {
        if ["_&&_", "_||_"].contains(&function) {
            let mut result = Type::Bool;
            for (arg, ty) in args.iter().zip(&types) {
                if !self.unifier.assign(std::slice::from_ref(ty), &[Type::Bool]) {
                    result = self.mismatch(arg.at, &Type::Bool, ty);
                }
            }
            self.found.calls[node.id].extend(signatures::of(function));
            return result;
        }
        let mut result: Option<Type> = None;
        for signature in signatures::of(function).iter().filter(|signature| signature.member == member) {
            if signature.args.len() != types.len() {
                continue;
            }
            let mut letters = Vec::new();
            let wanted: Vec<Type> =
                signature.args.iter().map(|arg| instance(arg, &mut letters, &mut self.unifier)).collect();
            if !self.unifier.assign(&types, &wanted) {
                continue;
            }
            self.found.calls[node.id].push(signature);
            let found = instance(&signature.result, &mut letters, &mut self.unifier);
            let found = self.unifier.known(&found);
            result = Some(match result {
                Some(before) if !before.is_dyn() && before != found => Type::Dyn,
                Some(before) => before,
                None => found,
            });
        }
        if let Some(result) = result {
            return result;
        }
        let mut shown: Vec<String> = types.iter().map(|ty| self.unifier.settled(ty).to_string()).collect();
        let target = if member { format!("{}.", shown.remove(0)) } else { String::new() };
        let applied = format!("{target}({})", shown.join(", "));
        self.complain(node.at, format!("found no matching overload for '{function}' applied to '{applied}'"))
    }

    /// The type of an item that may be left out.
    fn item(&mut self, node: &'a Node, optional: bool) -> Type {
        match self.check(node) {
            Type::Optional(of) if optional => (*of).clone(),
            ty if optional && !ty.is_dyn() => {
                self.mismatch(node.at, &Type::optional(ty.clone()), &ty);
                ty
            }
            ty => ty,
        }
    }

    /// One type for what should be of one: whether it has to be is found out when all else is known.
    fn join(&mut self, before: Option<Type>, ty: Type) -> Option<Type> {
        let Some(before) = before else { return Some(ty) };
        if self.unifier.assign(std::slice::from_ref(&before), std::slice::from_ref(&ty)) {
            return Some(if before.is_less_specific(&ty) { before } else { ty });
        }
        Some(Type::Dyn)
    }

    fn list(&mut self, items: &'a [(bool, Node)]) -> Type {
        let mut of = None;
        for (optional, item) in items {
            let ty = self.item(item, *optional);
            of = self.join(of, ty);
        }
        Type::list(of.unwrap_or_else(|| self.unifier.fresh()))
    }

    fn map(&mut self, entries: &'a [(bool, Node, Node)]) -> Type {
        let (mut keys, mut values) = (None, None);
        for (optional, key, value) in entries {
            let ty = self.check(key);
            keys = self.join(keys, ty);
            let ty = self.item(value, *optional);
            values = self.join(values, ty);
        }
        let keys = keys.unwrap_or_else(|| self.unifier.fresh());
        Type::map(keys, values.unwrap_or_else(|| self.unifier.fresh()))
    }

    fn made(&mut self, at: usize, name: &str, fields: &'a [(usize, bool, String, Node)]) -> Type {
        let known = |name: &str| self.variables.iter().find(|(known, _)| *known == name).map(|(_, ty)| ty.clone());
        // The types below `Object` are those of its fields.
        let found = known(name).or_else(|| {
            let below = name.strip_prefix(DYNAMIC).is_some_and(|rest| rest.starts_with('.'));
            below.then(|| known(DYNAMIC)).flatten()
        });
        let Some(Type::Type(of)) = found else {
            self.complain(at, format!("undeclared reference to '{name}' (in container '')"));
            return Type::Error;
        };
        for (place, optional, field, value) in fields {
            let given = self.item(value, *optional);
            let wanted = match &*of {
                Type::Object(object) if !object.fields.is_empty() => match object.fields.get(field) {
                    Some(ty) => ty.clone(),
                    None => self.complain(*place, format!("undefined field '{field}'")),
                },
                _ => Type::Dyn,
            };
            if !self.unifier.assign(std::slice::from_ref(&wanted), std::slice::from_ref(&given)) {
                let text = format!("expected type of field '{field}' is '{wanted}' but provided type is '{given}'");
                self.complain(*place, text);
            }
        }
        match &*of {
            Type::Object(object) if object.name == DYNAMIC => Type::object(name, Default::default()),
            ty => ty.clone(),
        }
    }

    fn fold(&mut self, fold: &'a Fold) -> Type {
        let range = self.check(&fold.range);
        let collected = self.check(&fold.init);
        let length = self.scope.len();
        self.scope.push((&fold.result_name, collected.clone()));
        let (first, second) = match &range {
            Type::List(of) if fold.variables.len() == 1 => ((**of).clone(), Type::Dyn),
            Type::List(of) => (Type::Int, (**of).clone()),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Param(_) => {
                self.unifier.assign(&[Type::Dyn], &[range]);
                (Type::Dyn, Type::Dyn)
            }
            Type::Dyn | Type::Error => (Type::Dyn, Type::Dyn),
            other => {
                let text = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.complain(fold.range.at, text);
                (Type::Error, Type::Error)
            }
        };
        self.scope.extend(fold.variables.iter().map(String::as_str).zip([first, second]));
        for (part, wanted) in [(&fold.condition, Type::Bool), (&fold.step, collected)] {
            let found = self.check(part);
            if !self.unifier.assign(std::slice::from_ref(&wanted), std::slice::from_ref(&found)) {
                self.mismatch(part.at, &wanted, &found);
            }
        }
        self.scope.truncate(length + 1);
        let result = self.check(&fold.result);
        self.scope.truncate(length);
        result
    }
}

/// The type whose fields are not known, and neither are theirs.
const DYNAMIC: &str = "Object";

/// A type of a signature, with an unknown type for each letter.
fn instance(ty: &Type, letters: &mut Vec<(char, Type)>, unifier: &mut Unifier) -> Type {
    let Type::Letter(letter) = ty else { return ty.with(&mut |part| instance(part, letters, unifier)) };
    if let Some((_, known)) = letters.iter().find(|(known, _)| known == letter) {
        return known.clone();
    }
    let fresh = unifier.fresh();
    letters.push((*letter, fresh.clone()));
    fresh
}

/// The type that a name is.
pub fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "null_type" => Type::Null,
        "type" => Type::Type(Type::Dyn.into()),
        "optional_type" => Type::optional(Type::Dyn),
        _ => return None,
    })
}

fn of_literal(value: &Val) -> Type {
    match value {
        Val::Null => Type::Null,
        Val::Bool(_) => Type::Bool,
        Val::Int(_) => Type::Int,
        Val::Uint(_) => Type::Uint,
        Val::Double(_) => Type::Double,
        Val::String(_) => Type::String,
        Val::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}

/// Complains about texts that are no durations, times or patterns, where they are written out.
fn literals(node: &Node, issues: &mut Vec<Issue>) {
    if let Part::Call { function, args, .. } = &node.part
        && let Some(Node { part: Part::Literal(value @ Val::String(text)), at, .. }) = args.first()
    {
        let fits = match function.as_str() {
            "duration" | "timestamp" => super::functions::call(function, None, std::slice::from_ref(value)).is_ok(),
            "matches" if args.len() == 1 => crate::expr::regexp::compile(text).is_ok(),
            _ => true,
        };
        if !fits {
            issues.push(Issue { at: *at, text: format!("invalid {function} argument") });
        }
    }
    node.below().into_iter().for_each(|part| literals(part, issues));
}

/// Complains about lists and maps that are written out with items of several types.
fn mixed(node: &Node, types: &[Type], issues: &mut Vec<Issue>) {
    let ty = |optional: bool, node: &Node| match &types[node.id] {
        Type::Optional(of) if optional => (**of).clone(),
        ty => ty.clone(),
    };
    let mut differs = |first: &Type, found: &Type, at: usize| {
        let differs = first != found;
        if differs {
            issues.push(Issue { at, text: format!("expected type '{first}' but found '{found}'") });
        }
        differs
    };
    match &node.part {
        // Texts are formatted from whatever there is.
        Part::Call { function, .. } if function == "format" => return,
        Part::List(items) => {
            if let Some(((optional, first), rest)) = items.split_first() {
                let first = ty(*optional, first);
                // One complaint is enough.
                rest.iter().any(|(optional, item)| differs(&first, &ty(*optional, item), item.at));
            }
        }
        Part::Map(entries) => {
            if let Some(((optional, key, value), rest)) = entries.split_first() {
                let (of_keys, of_values) = (ty(false, key), ty(*optional, value));
                for (optional, key, value) in rest {
                    differs(&of_keys, &ty(false, key), key.at);
                    differs(&of_values, &ty(*optional, value), value.at);
                }
            }
        }
        _ => {}
    }
    node.below().into_iter().for_each(|part| mixed(part, types, issues));
}

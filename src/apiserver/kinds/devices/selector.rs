//! Expressions that select devices: what they may speak of, and what they may cost.

use super::super::field::{Errors, Field};
use super::each;
use crate::expr::cel::{Program, Type};

/// The most that one expression may be estimated to cost.
const MOST_COST: u64 = 1_000_000;
/// The most bytes that one may have.
const LONGEST: usize = 10 * 1024;
/// How long names of drivers and domains may be.
const DOMAIN: u64 = 63;
/// How long names of attributes and capacities may be, and how many of them a device may have.
const ID: u64 = 32;
const ENTRIES: u64 = 32;
/// How long the text of an attribute may be.
pub(super) const ATTRIBUTE: usize = 64;

/// Complains about expressions that select devices.
pub(super) fn selectors(list: &Field, errors: &mut Errors) {
    each(list, 32, errors, |selector, errors| {
        let cel = selector.get("cel");
        if !cel.is_set() {
            return errors.required(cel, "");
        }
        let expression = cel.get("expression");
        if expression.text().len() > LONGEST {
            return errors.too_long(expression, LONGEST);
        }
        match cost(expression.text()) {
            Ok(cost) if cost > MOST_COST => errors.forbidden(expression, "too complex, exceeds cost limit"),
            Ok(_) => {}
            Err(why) => errors.invalid(expression, &expression.text().into(), &why),
        }
    });
}

/// What an expression costs at most.
fn cost(text: &str) -> Result<u64, String> {
    let (program, cost) = Program::estimate_with_bindings(text, &[("device", device())], &size_at)
        .map_err(|issues| format!("compilation failed: {issues}"))?;
    match &program.result {
        Type::Bool | Type::Any => Ok(cost),
        other => Err(format!("must evaluate to bool or the unknown type, not {}", other.declared())),
    }
}

fn device() -> Type {
    let by_domain = |value: Type| Type::map(Type::String, Type::map(Type::String, value));
    let fields = [
        ("allowMultipleAllocations", Type::Bool),
        ("attributes", by_domain(Type::Any)),
        ("capacity", by_domain(Type::Opaque("kubernetes.Quantity"))),
        ("driver", Type::String),
    ];
    Type::object("kubernetes.DRADevice", fields.map(|(name, ty)| (name.to_owned(), ty)).into())
}

/// How large what lies at a path may be, when that is one of a device's.
fn size_at(path: &[String]) -> Option<u64> {
    let (_, below) = path.split_first().filter(|(root, _)| *root == "device")?;
    let path: Vec<&str> = below.iter().map(String::as_str).collect();
    match path[..] {
        [] | ["capacity", "@values" | "@items", "@values" | "@items"] => Some(0),
        ["driver"] => Some(DOMAIN),
        ["allowMultipleAllocations"] => Some(1),
        ["attributes" | "capacity"] | ["attributes" | "capacity", "@values" | "@items"] => Some(ENTRIES),
        ["attributes" | "capacity", "@keys"] => Some(DOMAIN),
        ["attributes" | "capacity", "@values" | "@items", "@keys"] => Some(ID),
        ["attributes", "@values" | "@items", _] => Some(ATTRIBUTE as u64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaint(expression: &str) -> String {
        let object = json!({"selectors": [{"cel": {"expression": expression}}]});
        let mut errors = Errors::default();
        selectors(&Field::new("", &object).get("selectors"), &mut errors);
        errors.causes.pop().map(|cause| cause.message).unwrap_or_default()
    }

    #[test]
    fn expressions_select_devices() {
        for text in [
            "true",
            "device.driver == 'x' && device.allowMultipleAllocations",
            "device.attributes['a'].b",
            "device.attributes['a'].b > 1 || has(device.attributes['a'].c)",
            "device.capacity['a'].b.isGreaterThan(quantity('1Gi'))",
            "cel.bind(a, device.attributes['a'], a.b == 'x' && a.c == 1)",
            "device.attributes.all(d, device.attributes[d].all(i, device.attributes[d][i] == 'x'))",
        ] {
            assert_eq!(complaint(text), "", "{text}");
        }
        for (text, wanted) in [
            ("1", "must evaluate to bool or the unknown type, not int"),
            ("device.attributes['a'].b.c", "must evaluate to bool or the unknown type, not dyn"),
            ("device.attributes['a']", "unknown type, not map(string, google.protobuf.Any)"),
            ("device.nope", "compilation failed: ERROR: <input>:1:7: undefined field 'nope'"),
            ("[device.attributes['a'].b, 1].size() == 2", "expected type 'any' but found 'int'"),
            ("device.attributes['a'].b.exists(x, x == 1)", "expression of type 'any' cannot be range"),
            ("cel.bind('a', 1, true)", "cel.bind() variable names must be simple identifiers"),
            (
                "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, a.startsWith(b) || c.matches(a))))",
                "Forbidden: too complex, exceeds cost limit",
            ),
        ] {
            let found = complaint(text);
            assert!(found.contains(wanted), "{text}: {found}");
        }
        assert_eq!(complaint(&"a".repeat(LONGEST + 1)), "Too long: may not be more than 10240 bytes");
    }
}

//! Whether texts that are formatted fit what they are given, where both are written out.

use super::Issue;
use super::tree::{Node, Part};
use super::types::Type;
use super::value::Val;

/// What is wrong, and with which part, if not with the whole.
type Wrong = (Option<usize>, String);

/// Complains about calls of `format` that cannot succeed.
pub fn patterns(node: &Node, types: &[Type], issues: &mut Vec<Issue>) {
    if let Part::Call { target: Some(target), function, args } = &node.part
        && function == "format"
        && let (Part::Literal(Val::String(pattern)), [Node { part: Part::List(items), .. }]) = (&target.part, &args[..])
    {
        match asked(pattern, items, types) {
            Ok(count) if items.len() > count => {
                let given = items.len();
                let text = format!("too many arguments supplied to string.format (expected {count}, got {given})");
                issues.push(Issue { at: node.at, text });
            }
            Ok(_) => {}
            Err((at, text)) => issues.push(Issue { at: at.unwrap_or(node.at), text }),
        }
    }
    node.below().into_iter().for_each(|part| patterns(part, types, issues));
}

/// How many arguments a pattern asks for.
fn asked(pattern: &str, items: &[(bool, Node)], types: &[Type]) -> Result<usize, Wrong> {
    let mut chars = pattern.chars().peekable();
    let mut count = 0;
    while let Some(c) = chars.next() {
        if c != '%' || chars.next_if_eq(&'%').is_some() {
            continue;
        }
        let unread = |why: String| (None, format!("could not parse formatting clause: {why}"));
        if chars.peek().is_none() {
            return Err((None, "unexpected end of string".into()));
        }
        let Some((_, item)) = items.get(count) else {
            return Err((None, format!("index {count} out of range")));
        };
        count += 1;
        if chars.next_if_eq(&'.').is_some() {
            while chars.next_if(char::is_ascii_digit).is_some() {}
            if chars.peek().is_none() {
                let why = "error while parsing precision: could not find end of precision specifier";
                return Err(unread(why.into()));
            }
        }
        let verb = chars.next().unwrap_or('%');
        fits(verb, item, types).map_err(|(at, text)| match at {
            Some(_) => (at, format!("error during formatting: {text}")),
            None => unread(text),
        })?;
    }
    Ok(count)
}

fn fits(verb: char, item: &Node, types: &[Type]) -> Result<(), Wrong> {
    let ty = &types[item.id];
    let (fits, wanted) = match verb {
        's' => return shows(item, types),
        'd' => (matches!(ty, Type::Int | Type::Uint), "decimal clause can only be used on integers"),
        'f' => (matches!(ty, Type::Double | Type::String), "fixed-point clause can only be used on doubles"),
        'e' => (matches!(ty, Type::Double | Type::String), "scientific clause can only be used on doubles"),
        'b' => {
            let fits = matches!(ty, Type::Int | Type::Uint | Type::Bool);
            (fits, "only integers and bools can be formatted as binary")
        }
        'x' | 'X' => {
            let fits = matches!(ty, Type::Int | Type::Uint | Type::String | Type::Bytes);
            (fits, "only integers, byte buffers, and strings can be formatted as hex")
        }
        'o' => (matches!(ty, Type::Int | Type::Uint), "octal clause can only be used on integers"),
        other => return Err((None, format!("unrecognized formatting clause \"{other}\""))),
    };
    if fits || *ty == Type::Dyn {
        return Ok(());
    }
    Err((Some(item.at), format!("{wanted}, was given {}", plain_name(ty))))
}

/// Whether a value, and all that is in it, can be shown.
fn shows(item: &Node, types: &[Type]) -> Result<(), Wrong> {
    let ty = &types[item.id];
    if matches!(ty, Type::Object(_) | Type::Opaque(_) | Type::Optional(_) | Type::Any | Type::Error) {
        let wanted = "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, \
                      durations, and timestamps";
        return Err((Some(item.at), format!("{wanted}, was given {}", plain_name(ty))));
    }
    match &item.part {
        Part::List(items) => items.iter().try_for_each(|(_, item)| shows(item, types)),
        Part::Map(entries) => {
            entries.iter().try_for_each(|(_, key, value)| shows(key, types).and_then(|()| shows(value, types)))
        }
        _ => Ok(()),
    }
}

/// The name of a type without the types of its parts.
fn plain_name(ty: &Type) -> String {
    let name = ty.declared();
    name.split('(').next().unwrap_or_default().to_owned()
}

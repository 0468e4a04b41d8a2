//! Functions of texts, and regular expressions.

use super::super::Failure;
use super::super::value::Val;
use super::{Outcome, count, formatting};
use crate::expr::regexp;

/// How long a text may become.
const LONGEST: usize = 64 << 20;

/// Whether a text would become too long.
fn is_too_long(text: &str, old: &str, new: &str) -> bool {
    let most = if old.is_empty() { text.len() + 1 } else { text.len() / old.len() };
    text.len().saturating_add(most.saturating_mul(new.len())) > LONGEST
}

pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Option<Outcome> {
    let Some(target) = target else {
        return match (name, args) {
            ("matches", [Val::String(text), Val::String(pattern)]) => Some(matches(text, pattern)),
            ("strings.quote", [Val::String(text)]) => Some(Ok(crate::api::gotext::quote(text).into())),
            ("jsonpatch.escapeKey", [Val::String(text)]) => Some(Ok(text.replace('~', "~0").replace('/', "~1").into())),
            _ => None,
        };
    };
    if let Val::List(list) = target {
        let separator = match args {
            [] => "",
            [Val::String(separator)] => separator,
            _ => return None,
        };
        if name != "join" {
            return None;
        }
        let texts: Option<Vec<&str>> = list
            .items
            .iter()
            .map(|item| match item {
                Val::String(text) => Some(&**text),
                _ => None,
            })
            .collect();
        let Some(texts) = texts else { return Some(Err("no such overload".into())) };
        let length = texts.iter().map(|text| text.len()).sum::<usize>() + separator.len().saturating_mul(texts.len());
        return Some(if length > LONGEST { Err(Failure::TooMuch) } else { Ok(texts.join(separator).into()) });
    }
    let Val::String(text) = target else { return None };
    Some(match (name, args) {
        ("contains", [Val::String(part)]) => Ok(Val::Bool(text.contains(&**part))),
        ("startsWith", [Val::String(part)]) => Ok(Val::Bool(text.starts_with(&**part))),
        ("endsWith", [Val::String(part)]) => Ok(Val::Bool(text.ends_with(&**part))),
        ("matches", [Val::String(pattern)]) => matches(text, pattern),
        ("find", [Val::String(pattern)]) => {
            regex(pattern).map(|regex| regex.find(text).map_or("", |found| found.as_str()).into())
        }
        ("findAll", [Val::String(pattern)]) => find_all(text, pattern, -1),
        ("findAll", [Val::String(pattern), Val::Int(most)]) => find_all(text, pattern, *most),
        ("lowerAscii", []) => Ok(text.to_ascii_lowercase().into()),
        ("upperAscii", []) => Ok(text.to_ascii_uppercase().into()),
        ("trim", []) => Ok(text.trim().into()),
        ("reverse", []) => Ok(text.chars().rev().collect::<String>().into()),
        ("charAt", [Val::Int(at)]) => char_at(text, *at),
        ("substring", [Val::Int(from)]) => substring(text, *from, text.chars().count() as i64),
        ("substring", [Val::Int(from), Val::Int(to)]) => substring(text, *from, *to),
        ("indexOf", [Val::String(part)]) => index_of(text, part, 0),
        ("indexOf", [Val::String(part), Val::Int(from)]) => index_of(text, part, *from),
        ("lastIndexOf", [Val::String(part)]) => last_index_of(text, part, None),
        ("lastIndexOf", [Val::String(part), Val::Int(from)]) => last_index_of(text, part, Some(*from)),
        ("replace", [Val::String(old), Val::String(new), ..]) if is_too_long(text, old, new) => Err(Failure::TooMuch),
        ("replace", [Val::String(old), Val::String(new)]) => Ok(text.replace(&**old, new).into()),
        ("replace", [Val::String(old), Val::String(new), Val::Int(most)]) => Ok(match usize::try_from(*most) {
            Ok(most) => text.replacen(&**old, new, most).into(),
            Err(_) => text.replace(&**old, new).into(),
        }),
        ("split", [Val::String(separator)]) => Ok(split(text, separator, -1)),
        ("split", [Val::String(separator), Val::Int(most)]) => Ok(split(text, separator, *most)),
        ("format", [Val::List(args)]) => formatting::format(text, &args.items).map(Val::from),
        ("size", []) => Ok(count(text.chars().count())),
        _ => return None,
    })
}

fn regex(pattern: &str) -> Result<regex::Regex, Failure> {
    regexp::compile(pattern).map_err(Failure::from)
}

fn matches(text: &str, pattern: &str) -> Outcome {
    regex(pattern).map(|regex| Val::Bool(regex.is_match(text)))
}

fn find_all(text: &str, pattern: &str, most: i64) -> Outcome {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let regex = regex(pattern)?;
    Ok(Val::list(regex.find_iter(text).take(most).map(|found| found.as_str().into()).collect()))
}

fn out_of_range(at: i64) -> Failure {
    format!("index out of range: {at}").into()
}

fn char_at(text: &str, at: i64) -> Outcome {
    let length = text.chars().count();
    match usize::try_from(at) {
        Ok(index) if index == length => Ok("".into()),
        Ok(index) if index < length => Ok(text.chars().skip(index).take(1).collect::<String>().into()),
        _ => Err(out_of_range(at)),
    }
}

fn substring(text: &str, from: i64, to: i64) -> Outcome {
    let length = text.chars().count();
    let place = |at: i64| usize::try_from(at).ok().filter(|at| *at <= length).ok_or_else(|| out_of_range(at));
    let (start, end) = (place(from)?, place(to)?);
    if start > end {
        return Err(format!("invalid substring range. start: {from}, end: {to}").into());
    }
    Ok(text.chars().skip(start).take(end - start).collect::<String>().into())
}

fn index_of(text: &str, part: &str, from: i64) -> Outcome {
    let chars: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    if part.is_empty() {
        return Ok(Val::Int(from));
    }
    let start = usize::try_from(from).ok().filter(|start| *start <= chars.len()).ok_or_else(|| out_of_range(from))?;
    let found = chars[start..].windows(part.len()).position(|window| window == part);
    Ok(found.map_or(Val::Int(-1), |found| count(start + found)))
}

fn last_index_of(text: &str, part: &str, from: Option<i64>) -> Outcome {
    let chars: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    let from = match from {
        None => chars.len(),
        Some(at) => usize::try_from(at).ok().filter(|at| *at <= chars.len()).ok_or_else(|| out_of_range(at))?,
    };
    if part.is_empty() {
        return Ok(count(from));
    }
    let found = chars.windows(part.len()).enumerate().rev().find(|(index, window)| *index <= from && *window == part);
    Ok(found.map_or(Val::Int(-1), |(index, _)| count(index)))
}

fn split(text: &str, separator: &str, most: i64) -> Val {
    let parts: Vec<String> = match (most, separator) {
        (0, _) => Vec::new(),
        (_, "") => text.chars().map(String::from).collect(),
        (1.., _) => text.splitn(usize::try_from(most).unwrap_or(1), separator).map(str::to_owned).collect(),
        _ => text.split(separator).map(str::to_owned).collect(),
    };
    Val::list(parts.into_iter().map(Val::from).collect())
}

//! Templates over a list that look at its items one by one: such a template makes of the list what it makes of lists
//! with one item each, put together.

use super::{Bound, JsonPath, Node, PrintError, Slice, print};
use crate::api::Value;
use std::io::Write;

/// A part of a template: a text, a path, or a range to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    path: JsonPath,
    /// Whether it looks at items; else it is the same for any list.
    pub of_items: bool,
    /// Whether something was printed, from which the next result is parted.
    any: bool,
}

impl JsonPath {
    /// The template's parts, when none of them looks at more than one item of `items` at once.
    pub fn by_items(&self) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        let mut index = 0;
        while let Some(node) = self.nodes.get(index) {
            let (of_items, end) = match node {
                Node::Text(_) => (false, index + 1),
                Node::List(nodes) => match nodes.as_slice() {
                    [Node::Text(_) | Node::Literal(_)] => (false, index + 1),
                    [Node::Field(name), ..] if matches!(name.as_str(), "kind" | "apiVersion" | "metadata") => {
                        (false, index + 1)
                    }
                    [Node::Range, path @ ..] if one_by_one(path) => (true, self.end_of_range(index)?),
                    path if one_by_one(path) => (true, index + 1),
                    _ => return None,
                },
                _ => return None,
            };
            let path = JsonPath { nodes: self.nodes[index..end].to_vec() };
            parts.push(Part { path, of_items, any: false });
            index = end;
        }
        Some(parts)
    }

    /// Where the range that begins at a node is over.
    fn end_of_range(&self, from: usize) -> Option<usize> {
        let mut open = 0;
        for (index, node) in self.nodes.iter().enumerate().skip(from) {
            let Node::List(nodes) = node else { continue };
            match nodes.as_slice() {
                [Node::Range, ..] => open += 1,
                [Node::End] => open -= 1,
                nodes if nodes.iter().any(|node| matches!(node, Node::Range | Node::End)) => return None,
                _ => {}
            }
            if open == 0 {
                return Some(index + 1);
            }
        }
        None
    }
}

/// Whether a path goes through all items, or those that a filter keeps.
fn one_by_one(path: &[Node]) -> bool {
    // `[*]` is the slice from end to end.
    const ALL: Slice = Slice { start: None, end: Bound::Open, step: None };
    let [Node::Field(items), each, rest @ ..] = path else { return false };
    let each = matches!(each, Node::Wildcard | Node::Slice(ALL) | Node::Exists(_) | Node::Filter { .. });
    // A union takes each of its parts of all values, before it takes the next.
    let at_once =
        |node: &Node| matches!(node, Node::Union(_) | Node::Range | Node::End | Node::Literal(_) | Node::Text(_));
    each && items == "items" && !rest.iter().any(at_once)
}

impl Part {
    /// Prints what the part makes of a list with one item, after what it made of those before.
    ///
    /// # Errors
    /// As of [`JsonPath::print`].
    pub fn print(&mut self, list: &Value, out: &mut dyn Write, allow_missing: bool) -> Result<(), PrintError> {
        // A range prints the results of each of its actions by themselves, a path those of all items together.
        if !self.of_items || self.path.nodes.len() > 1 {
            return self.path.print(list, out, allow_missing);
        }
        for value in self.path.find(list, allow_missing)?.into_iter().flatten() {
            if std::mem::replace(&mut self.any, true) {
                out.write_all(b" ")?;
            }
            print(value, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_make_what_the_whole_makes() {
        let item = |n: i64| json!({"n": n, "name": if n == 2 { "" } else { "x" }, "l": [{"a": n}, {"a": n + 1}]});
        let list = |items: Vec<Value>| json!({"kind": "List", "items": items, "metadata": {"resourceVersion": ""}});
        for text in [
            "{range .items[*]}{.n}{\"\\t\"}{.l[*].a}{\"\\n\"}{end}",
            "a {.kind} {.items[*].name} b {.items[*].n}{\"!\"}",
            "{range .items[*]}{range .l[*]}{.a},{end};{end}{.metadata}",
            "{.items[?(@.n>1)].n}|{range .items[?(@.name)]}{.name}.{end}",
            "{range .items[*]}{['n','name']}{end}{.items[*].nosuch}{.items[*]..a}{.items[*].l[?(@.a>2)].a}",
        ] {
            let path = JsonPath::parse(text).unwrap();
            let whole = |path: &JsonPath| {
                let mut out = Vec::new();
                path.print(&list((1..4).map(item).collect()), &mut out, true).unwrap();
                String::from_utf8(out).unwrap()
            };
            let mut parts: Vec<(Part, Vec<u8>)> = path
                .by_items()
                .unwrap_or_else(|| panic!("{text}"))
                .into_iter()
                .map(|part| (part, Vec::new()))
                .collect();
            for n in 1..4 {
                for (part, out) in parts.iter_mut().filter(|(part, _)| part.of_items || n == 1) {
                    part.print(&list(vec![item(n)]), out, true).unwrap();
                }
            }
            let made: Vec<u8> = parts.into_iter().flat_map(|(_, out)| out).collect();
            assert_eq!(String::from_utf8(made).unwrap(), whole(&path), "{text}");
        }
        for text in [
            "{.items[0].n}",
            "{.items[1:].n}",
            "{..n}",
            "{.items}",
            "{@}",
            "{range .items[*]}{.n}",
            "{end}",
            "{.*}",
            "{.items[*]['n','name']}",
            "{.items[-1:]}",
        ] {
            assert_eq!(JsonPath::parse(text).unwrap().by_items(), None, "{text}");
        }
    }
}

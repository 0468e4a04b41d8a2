//! Where the fields of an object are in the text that it was read from: what a message about a field can point at.

use super::compose::{after, is_merge, merged};
use super::parse::{Node, NodeKind, parse};
use std::collections::HashSet;

/// The places of a document's nodes. JSON has them as well: nearly all of it is YAML.
#[derive(Debug)]
pub struct Marks<'a> {
    nodes: Vec<Node<'a>>,
}

/// A step down from a node: the line that shows it, where it leads, and how much of the path it took.
struct Step {
    line: usize,
    to: usize,
    length: usize,
}

impl<'a> Marks<'a> {
    /// The places in the first document of a text; none when it cannot be read.
    pub fn read(text: &'a str) -> Option<Self> {
        let nodes = parse(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
        (!nodes.is_empty()).then_some(Self { nodes })
    }

    /// The line, counted from 0, of a field as complaints name it: `spec.containers[0].image`, `data[a.b]`. Where the
    /// path leads out of the document, it is the line of the last part that is there.
    pub fn line(&self, path: &str) -> usize {
        let (mut at, mut line, mut rest) = (0, self.nodes[0].line, path);
        while !rest.is_empty()
            && let Some(step) = self.step(at, rest)
        {
            (at, line, rest) = (step.to, step.line, rest[step.length..].trim_start_matches('.'));
        }
        line
    }

    /// The fields that are given more than once: each is named again where it comes again.
    pub fn doubled(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.find_doubled(0, "", &mut found);
        found
    }

    /// The step that a path's beginning means. Of keys that are given more than once the last counts.
    fn step(&self, at: usize, path: &str) -> Option<Step> {
        match self.nodes[at].kind {
            NodeKind::Alias { target, within: false, .. } => self.step(target, path),
            NodeKind::Sequence { end } => {
                let (index, _) = path.strip_prefix('[')?.split_once(']')?;
                let item = children(&self.nodes, at + 1, end).nth(index.parse().ok()?)?;
                Some(Step { line: self.nodes[item].line, to: item, length: index.len() + 2 })
            }
            NodeKind::Mapping { .. } => {
                let own = self.entries(at).filter_map(|(key, name, value)| {
                    Some(Step { line: self.nodes[key].line, to: value, length: taken(name, path)? })
                });
                own.max_by_key(|step| step.length).or_else(|| {
                    let mut parts = self.merges(at).flat_map(|value| merged(&self.nodes, value));
                    parts.find_map(|part| self.step(part, path))
                })
            }
            _ => None,
        }
    }

    /// A mapping's keys, their texts, and their values.
    fn entries(&self, at: usize) -> impl Iterator<Item = (usize, &str, usize)> {
        self.pairs(at).filter_map(|(key, value)| match &self.nodes[key].kind {
            NodeKind::Scalar { text, .. } if !is_merge(&self.nodes[key]) => Some((key, &**text, value)),
            _ => None,
        })
    }

    /// What the merge keys of a mapping merge.
    fn merges(&self, at: usize) -> impl Iterator<Item = usize> {
        self.pairs(at).filter(|(key, _)| is_merge(&self.nodes[*key])).map(|(_, value)| value)
    }

    fn pairs(&self, at: usize) -> impl Iterator<Item = (usize, usize)> {
        children(&self.nodes, at + 1, after(&self.nodes, at)).step_by(2).map(|key| (key, after(&self.nodes, key)))
    }

    fn find_doubled(&self, at: usize, path: &str, found: &mut Vec<String>) {
        match self.nodes[at].kind {
            NodeKind::Mapping { .. } => {
                let mut seen = HashSet::new();
                for (_, name, value) in self.entries(at) {
                    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    if !seen.insert(name) && !found.contains(&path) {
                        found.push(path.clone());
                    }
                    self.find_doubled(value, &path, found);
                }
            }
            NodeKind::Sequence { end } => {
                for (index, item) in children(&self.nodes, at + 1, end).enumerate() {
                    self.find_doubled(item, &format!("{path}[{index}]"), found);
                }
            }
            _ => {}
        }
    }
}

/// The nodes side by side from one index to another.
fn children<'n>(nodes: &'n [Node<'_>], start: usize, end: usize) -> impl Iterator<Item = usize> + 'n {
    let first = (start < end).then_some(start);
    std::iter::successors(first, move |&at| Some(after(nodes, at)).filter(|&next| next < end))
}

/// How much of a path a key takes: `key`, or `[key]`.
fn taken(key: &str, path: &str) -> Option<usize> {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    match path.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_prefix(key)?.starts_with(']').then_some(key.len() + 2),
        None => ends(path.strip_prefix(key)?).then_some(key.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# a comment
apiVersion: v1
metadata:
  name: a
  annotations:
    a.b/c: x
    a.b: y
spec:
  base: &base
    image: x
  containers:
  - name: one

    <<: *base
  - name: two
    env: [{name: A},
      {name: B}]
  size: 1
  size: 2
  containers.x: 3
";

    #[test]
    fn fields_are_found_by_their_paths() {
        let marks = Marks::read(TEXT).unwrap();
        for (path, line) in [
            ("", 1),
            ("apiVersion", 1),
            ("metadata.name", 3),
            ("metadata.labels", 2),
            ("metadata.annotations[a.b/c]", 5),
            ("metadata.annotations.a.b", 6),
            ("spec.containers[0]", 11),
            ("spec.containers[0].image", 9),
            ("spec.containers[0].command", 11),
            ("spec.containers[1].name", 14),
            ("spec.containers[1].env[1].name", 16),
            ("spec.containers[7].name", 10),
            ("spec.containers[x]", 10),
            ("spec.size", 18),
            ("spec.containers.x", 19),
            ("spec.", 7),
            ("nosuch.field", 1),
            ("<nil>", 1),
        ] {
            assert_eq!(marks.line(path), line, "{path}");
        }
        let json = Marks::read("{\n\t\"a\": [\n\t\t{\"b\": 1}\n\t]\n}\n").unwrap();
        assert_eq!(json.line("a[0].b"), 2);
        assert!(Marks::read("a: [").is_none());
        assert!(Marks::read("").is_none());
        // An anchor in its own value.
        assert_eq!(Marks::read("a: &x\n  b: *x\n").unwrap().line("a.b.b.b"), 1);
    }

    #[test]
    fn doubled_fields_are_found() {
        for (text, doubled) in [
            (TEXT, &["spec.size"][..]),
            ("a: 1\na: 2\na: 3\nb: [{c: 1, c: 2}]\n", &["a", "b[0].c"]),
            // What a merge brings may be overridden.
            ("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n", &[]),
            ("[1]", &[]),
        ] {
            assert_eq!(Marks::read(text).unwrap().doubled(), doubled, "{text}");
        }
    }
}

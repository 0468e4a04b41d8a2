//! Templates over a list that look at its items one by one: text, and one `{{range .items}}` that sees nothing else.

use super::node::{Command, Control, Node, Operand, OperandKind, Pipe};
use super::{GoTemplate, NAME};

impl GoTemplate {
    /// The template's parts, each with whether it is the range over `.items`; all others are text. None when the template
    /// looks at more than one item at once, or at the list itself.
    pub fn by_items(&self) -> Option<Vec<(bool, GoTemplate)>> {
        let nodes = self.templates.get(NAME)?;
        let ranges = nodes.iter().filter(|node| matches!(node, Node::Range(_))).count();
        let each = |node: &Node| match node {
            Node::Text(_) => Some((false, self.only(node))),
            Node::Range(range) if ranges == 1 && over_items(range) => Some((true, self.only(node))),
            _ => None,
        };
        nodes.iter().map(each).collect()
    }

    fn only(&self, node: &Node) -> GoTemplate {
        let mut part = self.clone();
        part.templates.insert(NAME.into(), vec![node.clone()]);
        part
    }
}

/// Whether a range goes over `.items` without variables, and from item to item nothing is carried over.
fn over_items(range: &Control) -> bool {
    let Pipe { variables, commands, .. } = &range.pipe;
    let [Command { operands, .. }] = commands.as_slice() else { return false };
    let [Operand { kind: OperandKind::Field(names), .. }] = operands.as_slice() else { return false };
    variables.is_empty() && *names == ["items"] && range.otherwise.is_empty() && range.list.iter().all(is_local)
}

/// Whether a node looks at the dot alone, and leaves no range.
fn is_local(node: &Node) -> bool {
    let control = |c: &Control| local_pipe(&c.pipe) && c.list.iter().chain(&c.otherwise).all(is_local);
    match node {
        Node::Text(_) => true,
        Node::Action(pipe) => local_pipe(pipe),
        Node::If(inner) | Node::Range(inner) | Node::With(inner) => control(inner),
        Node::Template(call) => call.pipe.as_ref().is_none_or(local_pipe),
        Node::Break | Node::Continue => false,
    }
}

fn local_pipe(pipe: &Pipe) -> bool {
    pipe.commands.iter().flat_map(|command| &command.operands).all(local_operand)
}

fn local_operand(operand: &Operand) -> bool {
    match &operand.kind {
        OperandKind::Variable(names) => names.first().is_none_or(|name| name != "$"),
        OperandKind::Chain(inner, _) => local_operand(inner),
        OperandKind::Pipe(pipe) => local_pipe(pipe),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_make_what_the_whole_makes() {
        for text in [
            "{{range .items}}{{.n}} {{end}}",
            "a{{range .items}}{{$x := .n}}{{range .l}}{{if gt . $x}}{{.}}{{else}}-{{end}}{{end}}\n{{end}}b",
            "{{define `t`}}<{{$.n}}>{{end}}{{range .items}}{{template `t` .}}{{end}}",
        ] {
            let template = GoTemplate::parse(text).unwrap();
            let item = |n: i64| json!({"n": n, "l": [n, n + 1]});
            let mut whole = Vec::new();
            template.execute(&json!({"items": [item(1), item(2)]}), true, &mut whole).unwrap();
            let mut made = Vec::new();
            for (of_items, part) in template.by_items().unwrap_or_else(|| panic!("{text}")) {
                for n in if of_items { 1..3 } else { 1..2 } {
                    part.execute(&json!({"items": [item(n)]}), true, &mut made).unwrap();
                }
            }
            assert_eq!(String::from_utf8(made).unwrap(), String::from_utf8(whole).unwrap(), "{text}");
        }
        for text in [
            "{{.kind}}",
            "{{range .items}}{{$.kind}}{{end}}",
            "{{range $i, $x := .items}}{{$i}}{{end}}",
            "{{range .items}}{{break}}{{end}}",
            "{{range .items}}x{{else}}none{{end}}",
            "{{range .items}}{{(index $ `kind`).x}}{{end}}",
            "{{range .items}}{{end}}{{range .items}}{{end}}",
        ] {
            assert_eq!(GoTemplate::parse(text).unwrap().by_items(), None, "{text}");
        }
    }
}

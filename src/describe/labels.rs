//! Maps and lists that take one line for each entry, all in the second column.

use super::read::{pairs, text};
use super::writer::Writer;
use crate::api::{ObjectExt, Value};
use crate::output::sort::go_order;

/// Annotations longer than this begin on a line of their own, and each of their lines is cut here.
const LONGEST: usize = 140;

/// What `apply` keeps of the last manifest, which nobody wants to read here.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Writes `title:` and, in the second column, each line; `<none>` when there are none.
pub fn lines(w: &mut Writer, title: &str, lines: impl IntoIterator<Item = String>) {
    lines_indented(w, "", title, lines);
}

fn lines_indented(w: &mut Writer, indent: &str, title: &str, lines: impl IntoIterator<Item = String>) {
    w.put(0, format_args!("{indent}{title}:\t"));
    let mut first = true;
    for line in lines {
        if !std::mem::take(&mut first) {
            w.put(0, indent);
            w.put(0, "\t");
        }
        w.line(0, line);
    }
    if first {
        w.line(0, "<none>");
    }
}

/// Writes a map as `key=value` lines.
pub fn labels(w: &mut Writer, title: &str, value: &Value, path: &[&str]) {
    labels_indented(w, "", title, value, path);
}

/// Writes a map as `key=value` lines, with blanks before each.
pub fn labels_indented(w: &mut Writer, indent: &str, title: &str, value: &Value, path: &[&str]) {
    let pairs = pairs(value, path).into_iter().map(|(key, value)| format!("{key}={value}"));
    lines_indented(w, indent, title, pairs);
}

/// Writes an object's `metadata.labels` and `metadata.annotations`.
pub fn labels_and_annotations(w: &mut Writer, object: &Value) {
    labels(w, "Labels", object, &["metadata", "labels"]);
    annotations(w, "Annotations", object, &["metadata", "annotations"]);
}

/// Writes annotations, except for what `apply` keeps in one.
pub fn annotations(w: &mut Writer, title: &str, value: &Value, path: &[&str]) {
    w.put(0, format_args!("{title}:\t"));
    let mut first = true;
    for (key, value) in pairs(value, path).into_iter().filter(|(key, _)| *key != LAST_APPLIED) {
        if !std::mem::take(&mut first) {
            w.put(0, "\t");
        }
        let value = value.strip_suffix('\n').unwrap_or(value);
        if key.len() + 2 + value.len() <= LONGEST && !value.contains('\n') {
            w.line(0, format_args!("{key}: {value}"));
            continue;
        }
        w.line(0, format_args!("{key}:"));
        for line in value.split('\n') {
            w.line(0, format_args!("\t  {}", shortened(line, LONGEST - 2)));
        }
    }
    if first {
        w.line(0, "<none>");
    }
}

/// A text of at most so many bytes, with `...` for the rest.
pub fn shortened(text: &str, longest: usize) -> String {
    if text.len() <= longest { text.into() } else { format!("{}...", &text[..text.floor_char_boundary(longest)]) }
}

/// Writes the taints of a node.
pub fn taints(w: &mut Writer, node: &Value) {
    let taints = node.items_at(&["spec", "taints"]);
    let key = |taint: &Value| format!("{},{}", taint.text(&["effect"]), taint.text(&["key"]));
    lines(
        w,
        "Taints",
        sorted(taints, key).map(|taint| {
            let value = text(taint, &["value"]).map(|value| format!("={value}")).unwrap_or_default();
            let effect = text(taint, &["effect"]).map(|effect| format!(":{effect}")).unwrap_or_default();
            format!("{}{value}{effect}", taint.text(&["key"]))
        }),
    );
}

/// Writes the tolerations of a pod.
pub fn tolerations(w: &mut Writer, title: &str, tolerations: &[Value]) {
    lines(
        w,
        title,
        sorted(tolerations, |toleration| toleration.text(&["key"]).to_owned()).map(|toleration| {
            let mut line = toleration.text(&["key"]).to_owned();
            line.extend(text(toleration, &["value"]).into_iter().flat_map(|value| ["=", value]));
            line.extend(text(toleration, &["effect"]).into_iter().flat_map(|effect| [":", effect]));
            if toleration.text(&["operator"]) == "Exists" && text(toleration, &["value"]).is_none() {
                // A toleration of everything has nothing before.
                line.push_str(if line.is_empty() { "op=Exists" } else { " op=Exists" });
            }
            let seconds = toleration.integer(&["tolerationSeconds"]).map(|seconds| format!(" for {seconds}s"));
            line + &seconds.unwrap_or_default()
        }),
    );
}

/// The items in the order in which kubectl leaves them.
pub fn sorted<K: Ord>(items: &[Value], key: impl Fn(&Value) -> K) -> impl Iterator<Item = &Value> {
    let keys: Vec<K> = items.iter().map(key).collect();
    go_order(items.len(), |a, b| keys[a] < keys[b]).into_iter().map(|place| &items[place])
}

//! Where in its file a complaint points.

use crate::manifest::Place;
use crate::yaml::Marks;

/// The text of a document, in which fields are looked up.
pub struct Pointer<'a> {
    /// The file.
    source: &'a str,
    /// The text; empty when it is not known.
    text: String,
    place: &'a Place,
    /// Whether the text is what a kustomization is built to.
    built: bool,
}

impl<'a> Pointer<'a> {
    /// A pointer into the document at a place of a file's text.
    pub fn new(source: &'a str, text: &[u8], place: &'a Place, built: bool) -> Self {
        let text = text.get(place.bytes.clone()).unwrap_or_default();
        // Lines end as they do for the reader.
        let text = String::from_utf8_lossy(text).replace("\r\n", "\n");
        Self { source, text, place, built }
    }

    /// The fields of the object that its text has more than once.
    pub fn doubled(&self) -> Vec<String> {
        let all = Marks::read(&self.text).map_or_else(Vec::new, |marks| marks.doubled());
        match self.item() {
            prefix if prefix.is_empty() => all,
            prefix => {
                let own = |path: &String| Some(path.strip_prefix(&prefix)?.strip_prefix('.')?.to_owned());
                all.iter().filter_map(own).collect()
            }
        }
    }

    /// A complaint about a field with its document and line, and with what it does not say itself: the file, the field.
    pub fn pointed(&self, field: &str, text: &str) -> String {
        let text = text.trim_end();
        let mut parts = Vec::new();
        if !text.contains(self.source) {
            parts.push(format!("{:?}", self.source));
        }
        if !text.contains(field) {
            parts.push(field.to_owned());
        }
        let field = if field.is_empty() { go_field(text) } else { field };
        parts.push(format!("document {}", self.place.document + 1));
        if self.place.line > 0 {
            let dot = if self.place.item.is_some() && !field.is_empty() { "." } else { "" };
            let path = format!("{}{dot}{field}", self.item());
            let below = Marks::read(&self.text).map_or(0, |marks| marks.line(&path));
            parts.push(format!("line {}", self.place.line + below));
        }
        let built = if self.built { " of its build" } else { "" };
        format!("{text} ({}{built})", parts.join(", "))
    }

    /// The way to the object in its document.
    fn item(&self) -> String {
        self.place.item.map(|index| format!("items[{index}]")).unwrap_or_default()
    }
}

/// The field that Go's JSON decoder names: what follows the name of the struct.
fn go_field(text: &str) -> &str {
    let named = text.split_once("Go struct field ").and_then(|(_, rest)| rest.split(' ').next());
    named.and_then(|named| Some(named.split_once('.')?.1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_point_at_lines() {
        const TEXT: &str =
            "kind: A\n---\n# b\nkind: List\r\nitems:\r\n- kind: B\r\n  spec: {size: 1}\n- kind: C\n  a: 1\n  a: 2\n";
        let place = |item| Place { document: 1, line: 3, bytes: 12..TEXT.len(), item };
        for (item, field, text, want) in [
            (None, "", "in f.yaml", "in f.yaml (document 2, line 4)"),
            (None, "items", "items: x\n", "items: x (\"f.yaml\", document 2, line 5)"),
            (Some(0), "", "in f.yaml", "in f.yaml (document 2, line 6)"),
            (Some(0), "spec.size", "f.yaml: spec.size: x", "f.yaml: spec.size: x (document 2, line 7)"),
            (Some(0), "spec.size", "f.yaml: wrong", "f.yaml: wrong (spec.size, document 2, line 7)"),
            (
                Some(0),
                "",
                "f.yaml: Go struct field Spec.spec.size of type x",
                "f.yaml: Go struct field Spec.spec.size of type x (document 2, line 7)",
            ),
            (Some(1), "a", "f.yaml: a", "f.yaml: a (document 2, line 10)"),
        ] {
            let place = place(item);
            assert_eq!(Pointer::new("f.yaml", TEXT.as_bytes(), &place, false).pointed(field, text), want);
        }
        let (first, second) = (place(Some(0)), place(Some(1)));
        assert_eq!(Pointer::new("f", TEXT.as_bytes(), &first, false).doubled(), Vec::<String>::new());
        assert_eq!(Pointer::new("f", TEXT.as_bytes(), &second, false).doubled(), ["a"]);
        let unread = Place { document: 2, line: 0, ..Place::default() };
        assert_eq!(Pointer::new("f", b"a: [", &unread, true).pointed("", "f: x"), "f: x (document 3 of its build)");
    }
}

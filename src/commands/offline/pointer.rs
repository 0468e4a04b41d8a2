//! Where in its file a complaint points.

use crate::manifest::Place;
use crate::yaml::Marks;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// A file, in which fields are looked up. Its documents are read again only where something is wrong, and once each
/// when complaints come in their order.
pub struct Pages<'a> {
    source: &'a str,
    text: &'a [u8],
    /// Whether the text is what a kustomization is built to.
    built: bool,
    last: RefCell<Option<Rc<Page<'a>>>>,
}

/// A document.
struct Page<'a> {
    document: usize,
    /// Where its fields are; none when it cannot be read.
    marks: Option<Marks<'a>>,
    doubled: OnceCell<Vec<String>>,
}

impl<'a> Pages<'a> {
    /// The documents of a file.
    pub fn new(source: &'a str, text: &'a [u8], built: bool) -> Self {
        Self { source, text, built, last: RefCell::new(None) }
    }

    fn page(&self, place: &Place) -> Rc<Page<'a>> {
        let mut last = self.last.borrow_mut();
        if let Some(page) = last.as_ref().filter(|page| page.document == place.document) {
            return page.clone();
        }
        let text = self.text.get(place.bytes.clone()).and_then(|text| str::from_utf8(text).ok());
        let page = Page { document: place.document, marks: text.and_then(Marks::read), doubled: OnceCell::new() };
        last.insert(Rc::new(page)).clone()
    }

    /// The fields that the object at a place has more than once in its text.
    pub fn doubled(&self, place: &Place) -> Vec<String> {
        let page = self.page(place);
        let all = page.doubled.get_or_init(|| page.marks.as_ref().map_or_else(Vec::new, Marks::doubled));
        match place.item {
            None => all.clone(),
            Some(index) => {
                let prefix = format!("items[{index}].");
                all.iter().filter_map(|path| path.strip_prefix(&prefix)).map(str::to_owned).collect()
            }
        }
    }

    /// A complaint about a field of the object at a place, with its document and line, and with what it does not say
    /// itself: the file, the field.
    pub fn pointed(&self, place: &Place, field: &str, text: &str) -> String {
        let text = text.trim_end();
        let mut parts = Vec::new();
        if !text.contains(self.source) {
            parts.push(format!("{:?}", self.source));
        }
        if !text.contains(field) {
            parts.push(field.to_owned());
        }
        parts.push(format!("document {}", place.document + 1));
        if place.line > 0 {
            let field = if field.is_empty() { go_field(text) } else { field };
            let path = match place.item {
                None => field.to_owned(),
                Some(index) if field.is_empty() => format!("items[{index}]"),
                Some(index) => format!("items[{index}].{field}"),
            };
            let below = self.page(place).marks.as_ref().map_or(0, |marks| marks.line(&path));
            parts.push(format!("line {}", place.line + below));
        }
        let built = if self.built { " of its build" } else { "" };
        format!("{text} ({}{built})", parts.join(", "))
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
            "kind: A\n---\n# b\nkind: List\r\nitems:\r\n- kind: B\r\n  spec: {size: 1}\n- kind: C\n  a: 1\n  a: 2";
        let pages = Pages::new("f.yaml", TEXT.as_bytes(), false);
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
            assert_eq!(pages.pointed(&place(item), field, text), want);
        }
        let first = Place { document: 0, line: 1, bytes: 0..8, item: None };
        assert_eq!(pages.pointed(&first, "kind", "f.yaml: kind"), "f.yaml: kind (document 1, line 1)");
        assert_eq!(pages.doubled(&place(Some(0))), Vec::<String>::new());
        assert_eq!(pages.doubled(&place(Some(1))), ["a"]);
        let unread = Place { document: 2, line: 0, ..Place::default() };
        assert_eq!(Pages::new("f", b"a: [", true).pointed(&unread, "", "f: x"), "f: x (document 3 of its build)");
    }
}

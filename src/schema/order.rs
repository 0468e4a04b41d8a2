//! In which order Go writes the fields of the built-in types.

use std::collections::HashMap;
use std::sync::LazyLock;

const ORDER: &str = include_str!("field-order.txt");

static PARSED: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let lines = ORDER.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(name, fields)| (name, fields.split(' ').collect())).collect()
});

/// The fields of a built-in type in the order in which Go writes them; none where that is the order of the alphabet.
pub fn field_order(name: &str) -> Option<&'static [&'static str]> {
    PARSED.get(name).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_all_fields_of_its_type() {
        for (name, order) in PARSED.iter() {
            let mut known: Vec<&str> =
                super::super::builtin().types()[*name].fields.keys().map(String::as_str).collect();
            let mut listed = order.clone();
            known.sort_unstable();
            listed.sort_unstable();
            assert_eq!(listed, known, "{name}");
        }
        assert_eq!(field_order("io.k8s.api.core.v1.Container").unwrap()[..2], ["name", "image"]);
    }
}

//! Defaults as data: a template is laid under an object and fills in what is missing.
//!
//! A template is the JSON of an object with its defaults. Five forms have a meaning of their own:
//! - `"name?": {...}` fills in below `name` only where there already is a `name`;
//! - `"name|0": 1` takes a zero for missing (Go's number that is no pointer);
//! - `"name*": "text"` takes an empty text for one that somebody meant (Go's pointer to a text);
//! - `"name": [{...}]` (a list of one object) fills in each item of the list `name`, where there is one;
//! - everything else that is missing is put in, whole.

use crate::api::Value;

/// Fills in what `template` has and `object` has not. A null counts as missing, and an empty text where the template
/// has a text.
pub fn fill(object: &mut Value, template: &Value) {
    match (object, template) {
        (Value::Object(object), Value::Object(template)) => {
            for (name, default) in template {
                let (name, only_below) = name.strip_suffix('?').map_or((name.as_str(), false), |name| (name, true));
                let (name, zero) = name.strip_suffix("|0").map_or((name, false), |name| (name, true));
                let (name, pointer) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
                let missing = |value: &Value| {
                    value.is_null()
                        || value == "" && default.is_string() && !pointer
                        || zero && value.as_i64() == Some(0)
                };
                match object.get_mut(name) {
                    Some(value) if !missing(value) => fill(value, default),
                    _ if only_below || is_item_template(default) => {}
                    _ => {
                        object.insert(name.into(), whole(default));
                    }
                }
            }
        }
        (Value::Array(items), Value::Array(template)) if is_item_template_list(template) => {
            items.iter_mut().for_each(|item| fill(item, &template[0]));
        }
        _ => {}
    }
}

fn is_item_template(template: &Value) -> bool {
    template.as_array().is_some_and(|list| is_item_template_list(list))
}

fn is_item_template_list(list: &[Value]) -> bool {
    matches!(list, [Value::Object(_)])
}

/// What a template puts in where nothing is: itself, without the parts that only fill in.
fn whole(template: &Value) -> Value {
    let Some(map) = template.as_object() else { return template.clone() };
    let parts = map.iter().filter(|(name, part)| !name.ends_with('?') && !is_item_template(part));
    parts.map(|(name, part)| (name.trim_end_matches("|0").trim_end_matches('*').to_owned(), whole(part))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates_fill_in_what_is_missing() {
        let template = json!({
            "spec": {"type": "A", "modes": ["x"], "probe?": {"seconds|0": 1}, "ports": [{"protocol": "TCP"}]},
            "status": {"load": {}}
        });
        for (object, filled) in [
            (json!({}), json!({"spec": {"type": "A", "modes": ["x"]}, "status": {"load": {}}})),
            (
                json!({"spec": {"type": "", "modes": [], "probe": {"seconds": 0}, "ports": [{}, {"protocol": "UDP"}]}}),
                json!({"spec": {"type": "A", "modes": [], "probe": {"seconds": 1},
                    "ports": [{"protocol": "TCP"}, {"protocol": "UDP"}]}, "status": {"load": {}}}),
            ),
        ] {
            let mut object = object;
            fill(&mut object, &template);
            assert_eq!(object, filled);
            let once = object.clone();
            fill(&mut object, &template);
            assert_eq!(object, once);
        }
    }
}

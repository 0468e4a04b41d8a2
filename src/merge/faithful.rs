//! Whether a strategic merge patch does what a manifest asks for, where its lists have several items with the same key.
//!
//! Strategic merge tells the items of a list apart by one field: ports by their number, whatever their protocol, and
//! environment variables by their name. Where that is not unique, a patch changes, drops or keeps the wrong items, and
//! nobody is told (kubernetes/kubernetes#39188, #58477, #105610). So the patch is applied here first, and its result is
//! compared with what it must be.

use crate::api::TypeRef;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A list that the patch would make wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// The list, such as `spec.ports`.
    pub list: String,
    /// The field that ought to tell its items apart, and its value that several have: `port 53`.
    pub key: String,
    /// Whether the manifest has items that nothing tells apart.
    pub alike: bool,
}

/// The four states of a value: as it was applied last, as the manifest has it, as it is, and as the patch makes it.
#[derive(Clone, Copy)]
struct States<'a> {
    last: &'a Value,
    wanted: &'a Value,
    live: &'a Value,
    result: &'a Value,
}

const NOTHING: &Value = &Value::Null;

impl<'a> States<'a> {
    fn all(self) -> [&'a Value; 4] {
        [self.last, self.wanted, self.live, self.result]
    }

    /// The states of a field.
    fn field(self, name: &str) -> Self {
        let field = |value: &'a Value| value.get(name).unwrap_or(NOTHING);
        States {
            last: field(self.last),
            wanted: field(self.wanted),
            live: field(self.live),
            result: field(self.result),
        }
    }
}

/// The first list of an object that came out wrong; none when all is as the manifest says. Lists whose items are told
/// apart by their key are right.
pub fn corruption(last: &Value, wanted: &Value, live: &Value, result: &Value, schema: TypeRef) -> Option<Corruption> {
    in_map(States { last, wanted, live, result }, schema, "")
}

fn in_map(states: States, ty: TypeRef, path: &str) -> Option<Corruption> {
    let wanted = states.wanted.as_object()?;
    wanted.keys().find_map(|name| {
        let field = ty.field(name)?;
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match &wanted[name] {
            Value::Object(_) => in_map(states.field(name), field, &path),
            Value::Array(_) => in_list(states.field(name), field, &path),
            _ => None,
        }
    })
}

fn in_list(states: States, list: TypeRef, path: &str) -> Option<Corruption> {
    let key = list.patch_merge_key();
    if key.is_empty() || !list.has_patch_strategy("merge") {
        return None;
    }
    let items = list.items()?;
    if let Some(repeated) = states.all().into_iter().find_map(|state| repeated(state, key)) {
        let alike = identified(states.wanted, list, items).iter().any(|((_, count), _)| *count > 1);
        let right = is_right(states, list, items);
        return (!right).then(|| Corruption { list: path.into(), key: format!("{key} {repeated}"), alike });
    }
    states.wanted.as_array()?.iter().find_map(|wanted| {
        let id = wanted.get(key)?;
        let same = |state: &'_ Value| state.as_array()?.iter().find(|item| item.get(key) == Some(id)).cloned();
        let same = |state: &Value| same(state).unwrap_or_default();
        let (last, live, result) = (same(states.last), same(states.live), same(states.result));
        let states = States { last: &last, wanted, live: &live, result: &result };
        in_map(states, items, &format!("{path}[{}]", plain(id)))
    })
}

/// The value of the key that several items have.
fn repeated(list: &Value, key: &str) -> Option<String> {
    let mut seen = Vec::new();
    list.as_array()?.iter().filter_map(|item| item.get(key)).find_map(|id| match seen.contains(&id) {
        true => Some(plain(id)),
        false => {
            seen.push(id);
            None
        }
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// What tells the items of a list apart: all the fields that name an item to server-side apply, and which of several
/// alike it is.
type Identity = (Vec<Value>, usize);

fn identified<'a>(list: &'a Value, ty: TypeRef, items: TypeRef) -> Vec<(Identity, &'a Value)> {
    let own = [ty.patch_merge_key().to_string()];
    let keys = match ty.list_map_keys() {
        [] => &own[..],
        keys => keys,
    };
    let mut counted: HashMap<String, usize> = HashMap::new();
    let identity = |item: &'a Value| {
        let values: Vec<Value> = keys
            .iter()
            .map(|key| {
                let default = || items.field(key).and_then(|field| field.node().default.clone()).unwrap_or_default();
                item.get(key).cloned().unwrap_or_else(default)
            })
            .collect();
        let count = counted.entry(Value::from(values.clone()).to_string()).or_default();
        *count += 1;
        ((values, *count), item)
    };
    list.as_array().into_iter().flatten().map(identity).collect()
}

/// Whether each item that is wanted is there as it is wanted, each that only others have as they have it, and none that
/// was applied before and is not wanted any more.
fn is_right(states: States, list: TypeRef, items: TypeRef) -> bool {
    let [last, wanted, live, result] = states.all().map(|state| identified(state, list, items));
    let find = |items: &[(Identity, &Value)], id: &Identity| {
        items.iter().find(|(other, _)| other == id).map(|(_, item)| (*item).clone())
    };
    let kept = wanted.iter().all(|(id, item)| find(&result, id).is_some_and(|result| covers(&result, item)));
    let untouched = live
        .iter()
        .filter(|(id, _)| find(&wanted, id).is_none() && find(&last, id).is_none())
        .all(|(id, item)| find(&result, id).as_ref() == Some(*item));
    let gone = last.iter().filter(|(id, _)| find(&wanted, id).is_none()).all(|(id, _)| find(&result, id).is_none());
    // Nor may there be any that nobody asked for.
    let known = result.iter().all(|(id, _)| find(&wanted, id).is_some() || find(&live, id).is_some());
    kept && untouched && gone && known
}

/// Whether a value says all that another says. Lists say the same when their items do, one by one; or when each is
/// somewhere among others.
fn covers(value: &Value, wanted: &Value) -> bool {
    let empty = Map::new();
    match (value, wanted) {
        (_, Value::Null) => true,
        (Value::Object(value), Value::Object(wanted)) => wanted.iter().all(|(key, wanted)| {
            covers(value.get(key).unwrap_or(NOTHING), wanted) || wanted.as_object() == Some(&empty)
        }),
        (Value::Array(value), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| value.iter().any(|value| covers(value, wanted)))
        }
        _ => value == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GroupVersionKind;
    use crate::merge::{strategic, three_way};
    use crate::schema::builtin;
    use serde_json::json;

    /// What is said of the patch that apply makes of these lists.
    fn said(kind: &str, last: Value, wanted: Value, live: Value) -> Option<Corruption> {
        let schema = builtin().kind(&GroupVersionKind::new("", "v1", kind)).unwrap();
        let patch = three_way::strategic(&last, &wanted, &live, schema, true).unwrap();
        let result = strategic::apply(&live, &patch, schema).unwrap();
        corruption(&last, &wanted, &live, &result, schema)
    }

    #[test]
    fn ports_of_two_protocols_are_not_mixed_up() {
        let service = |ports: Value| json!({"spec": {"ports": ports}});
        let (tcp, udp) = (json!({"name": "t", "port": 53}), json!({"name": "u", "port": 53, "protocol": "UDP"}));
        let live_tcp = json!({"name": "t", "port": 53, "protocol": "TCP", "targetPort": 53});
        let live_udp = json!({"name": "u", "port": 53, "protocol": "UDP", "targetPort": 53});
        let web = json!({"name": "web", "port": 80});
        let wrong = Some(Corruption { list: "spec.ports".into(), key: "port 53".into(), alike: false });
        for (case, last, wanted, live, want) in [
            ("unchanged", vec![&tcp, &udp], vec![&tcp, &udp], vec![&live_tcp, &live_udp], None),
            ("the second is new", vec![&tcp], vec![&tcp, &udp], vec![&live_tcp], wrong.clone()),
            ("the second goes", vec![&tcp, &udp], vec![&tcp], vec![&live_tcp, &live_udp], wrong.clone()),
            ("another port is new", vec![&tcp, &udp], vec![&tcp, &udp, &web], vec![&live_tcp, &live_udp], None),
            ("no two alike", vec![&tcp], vec![&tcp, &web], vec![&live_tcp], None),
        ] {
            let [last, wanted, live] = [last, wanted, live].map(|list| service(json!(list)));
            assert_eq!(said("Service", last, wanted, live), want, "{case}");
        }
    }

    #[test]
    fn variables_that_are_there_twice_are_not_mixed_up() {
        let pod = |env: Value| json!({"spec": {"containers": [{"name": "c", "env": env}]}});
        let (one, two) = (json!({"name": "A", "value": "1"}), json!({"name": "A", "value": "2"}));
        let other = json!({"name": "A", "value": "3"});
        let list = String::from("spec.containers[c].env");
        let wrong = Some(Corruption { list, key: "name A".into(), alike: true });
        for (case, last, wanted, live, want) in [
            ("unchanged", vec![&one, &two], vec![&one, &two], vec![&one, &two], None),
            ("one changes", vec![&one, &two], vec![&one, &other], vec![&one, &two], wrong.clone()),
            ("one is new", vec![&one], vec![&one, &two], vec![&one], wrong.clone()),
        ] {
            let [last, wanted, live] = [last, wanted, live].map(|list| pod(json!(list)));
            assert_eq!(said("Pod", last, wanted, live), want, "{case}");
        }
    }

    #[test]
    fn what_others_put_there_stays() {
        let service = |ports: Value| json!({"spec": {"ports": ports}});
        let last = service(json!([{"port": 53, "targetPort": 1}]));
        let wanted = service(json!([{"port": 53, "targetPort": 2}]));
        let ours = json!({"port": 53, "protocol": "TCP", "targetPort": 1});
        let theirs = json!({"port": 53, "protocol": "UDP", "targetPort": 1});
        // The patch would change whichever comes first.
        let live = service(json!([theirs, ours]));
        assert!(said("Service", last.clone(), wanted.clone(), live).is_some());
        let live = service(json!([ours, {"port": 54, "protocol": "UDP", "targetPort": 1}]));
        assert_eq!(said("Service", last, wanted, live), None);
    }

    #[test]
    fn one_value_covers_another() {
        for (value, wanted, covered) in [
            (json!({"a": 1, "b": 2}), json!({"a": 1}), true),
            (json!({"a": 1}), json!({"a": 1, "b": null, "c": {}}), true),
            (json!({"a": 1}), json!({"a": 2}), false),
            (json!({"a": [1, 2, {"x": 1, "y": 2}]}), json!({"a": [{"x": 1}]}), true),
            (json!({"a": [1]}), json!({"a": [2]}), false),
        ] {
            assert_eq!(covers(&value, &wanted), covered, "{value} {wanted}");
        }
    }
}

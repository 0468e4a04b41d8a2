//! Devices that pods claim (dynamic resource allocation): classes of them, claims, and what there is on nodes.

mod claim;
mod device;
mod selector;
mod slice;
mod status;

use super::cells::age;
use super::field::{Errors, Field, IMMUTABLE, quoted};
use super::fill::fill;
use super::labels::{validate_annotations, validate_labels};
use super::pod::sources::driver_name;
use super::resources::is_extended;
use super::{GENERIC, Kind, internal, keep_all_but_the_status_itself};
use crate::api::{Object, ObjectExt, Value, names, time};
use selector::selectors;
use serde_json::json;
use std::collections::HashSet;

const GROUP: &str = "resource.k8s.io";

pub(super) const CLASSES: Kind = Kind {
    group: GROUP,
    resource: "deviceclasses",
    default: |class| fill(class, &json!({"spec": {}})),
    has_generation: true,
    validate: class,
    validate_update: |new, _, errors| class(new, errors),
    cells: |class, now| vec![class.name().into(), age(class, now)],
    ..GENERIC
};

pub(super) const CLAIMS: Kind = Kind {
    group: GROUP,
    resource: "resourceclaims",
    default: |claim| {
        let given = json!({"devices": {"results": [{"tolerations": tolerations()}]}});
        fill(claim, &json!({"spec": claim_defaults(), "status": {"allocation?": given}}));
        count_one(claim.at_mut(&["spec"]));
    },
    prepare_for_create: |claim| claim.put(&["status"], json!({})),
    validate: |claim, errors| claim::spec(&Field::new("", claim).get("spec"), errors),
    validate_update: |new, old, errors| same_spec(new, old, "ResourceClaimSpec", errors),
    prepare_for_status_update: |new, old| {
        keep_all_but_the_status_itself(new, old);
        status::forget_given_back(new, old);
    },
    validate_status_update: status::change,
    cells: |claim, now| {
        let going = claim.at(&["metadata", "deletionTimestamp"]).is_some();
        let allocated = claim.at(&["status", "allocation"]).is_some();
        let reserved = !claim.items_at(&["status", "reservedFor"]).is_empty();
        let states = [
            ("deleted", going),
            ("pending", !allocated && !going),
            ("allocated", allocated),
            ("reserved", allocated && reserved),
        ];
        let states: Vec<&str> = states.iter().filter(|(_, holds)| *holds).map(|(state, _)| *state).collect();
        vec![claim.name().into(), states.join(",").into(), age(claim, now)]
    },
    ..GENERIC
};

pub(super) const TEMPLATES: Kind = Kind {
    group: GROUP,
    resource: "resourceclaimtemplates",
    default: |template| {
        fill(template, &json!({"spec": {"metadata": {}, "spec": claim_defaults()}}));
        count_one(template.at_mut(&["spec", "spec"]));
    },
    validate: template,
    validate_update: |new, old, errors| {
        template(new, errors);
        same_spec(new, old, "ResourceClaimTemplateSpec", errors);
    },
    cells: |template, now| vec![template.name().into(), age(template, now)],
    ..GENERIC
};

fn template(template: &Object, errors: &mut Errors) {
    let root = Field::new("", template);
    let metadata = root.get("spec.metadata");
    validate_annotations(&metadata.get("annotations"), errors);
    validate_labels(&metadata.get("labels"), errors);
    claim::spec(&root.get("spec.spec"), errors);
}

pub(super) const SLICES: Kind = Kind {
    group: GROUP,
    resource: "resourceslices",
    default: |slice| {
        let pool = json!({"name": "", "generation": 0, "resourceSliceCount": 0});
        fill(slice, &json!({"spec": {"driver": "", "pool": pool}}));
    },
    disabled: &[
        "spec.devices[].nodeAllocatableResourceMappings",
        "spec.devices[].attributes{}.bools",
        "spec.devices[].attributes{}.ints",
        "spec.devices[].attributes{}.strings",
        "spec.devices[].attributes{}.versions",
    ],
    has_generation: true,
    prepare_for_create: |slice| {
        let now = slice.text(&["metadata", "creationTimestamp"]).to_owned();
        stamp_taints(slice, &now);
    },
    stamp: |slice, _, now| stamp_taints(slice, &time::rfc3339(now)),
    validate: |slice, errors| slice::spec(&Field::new("", slice).get("spec"), None, errors),
    validate_update: |new, old, errors| {
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        slice::spec(&root.get("spec"), Some(&old_root.get("spec")), errors);
    },
    warnings: |slice, _| {
        let driver = slice.text(&["spec", "driver"]);
        let advice = || {
            let shown = quoted(driver);
            format!("spec.driver: driver names should be lowercase; {shown} contains uppercase characters")
        };
        (driver != driver.to_lowercase()).then(advice).into_iter().collect()
    },
    cells: |slice, now| {
        let text = |path: &[&str]| -> Value { slice.text(path).into() };
        vec![
            slice.name().into(),
            text(&["spec", "nodeName"]),
            text(&["spec", "driver"]),
            text(&["spec", "pool", "name"]),
            age(slice, now),
        ]
    },
    selectable_fields: &[
        ("spec.nodeName", |slice| slice.text(&["spec", "nodeName"]).into()),
        ("spec.driver", |slice| slice.text(&["spec", "driver"]).into()),
    ],
    ..GENERIC
};

fn claim_defaults() -> Value {
    let request = json!({"allocationMode": "ExactCount", "tolerations": tolerations()});
    json!({"devices": {"requests": [{"exactly?": request, "firstAvailable": [request]}]}})
}

fn tolerations() -> Value {
    json!([{"operator": "Equal"}])
}

/// One device is asked for where nobody says how many.
fn count_one(spec: &mut Value) {
    let requests = spec.at_mut(&["devices"]).get_mut("requests").and_then(Value::as_array_mut);
    for request in requests.into_iter().flatten() {
        let exactly = request.get("exactly").is_some();
        let one = |request: &mut Value| {
            if request.text(&["allocationMode"]) == "ExactCount" {
                fill(request, &json!({"count|0": 1}));
            }
        };
        if exactly {
            one(request.at_mut(&["exactly"]));
        }
        request.get_mut("firstAvailable").and_then(Value::as_array_mut).into_iter().flatten().for_each(one);
    }
}

fn same_spec(new: &Object, old: &Object, kind: &str, errors: &mut Errors) {
    if new.get("spec") != old.get("spec") {
        let whole = internal::print(kind, new.get("spec").unwrap_or(&Value::Null));
        errors.invalid_as("spec", &whole, IMMUTABLE);
    }
}

fn class(class: &Object, errors: &mut Errors) {
    let root = Field::new("", class);
    let spec = root.get("spec");
    let (config, resource) = (spec.get("config"), spec.get("extendedResourceName"));
    selectors(&spec.get("selectors"), errors);
    each(&config, 32, errors, opaque);
    if resource.is_set() && !is_extended(resource.text()) {
        errors.reject(&resource, "must be a valid extended resource name");
    }
}

/// The effects that a taint of a device may have.
const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];

/// Complains about each item, unless there are more than `most`.
fn each(list: &Field, most: usize, errors: &mut Errors, mut check: impl FnMut(&Field, &mut Errors)) {
    if list.count() > most {
        return errors.too_many(list, list.count(), most);
    }
    list.items().for_each(|item| check(&item, errors));
}

/// The same; then complains about items that have the key of an earlier one, which is given as it is printed.
fn set(
    list: &Field,
    most: usize,
    key: impl Fn(&Field) -> String,
    errors: &mut Errors,
    check: impl FnMut(&Field, &mut Errors),
) {
    each(list, most, errors, check);
    let mut known = HashSet::new();
    for item in list.items().take_while(|_| list.count() <= most) {
        let key = key(&item);
        if known.contains(&key) {
            errors.duplicate_as(item, &key);
        }
        known.insert(key);
    }
}

/// Complains about configuration that only a driver understands.
fn opaque(config: &Field, errors: &mut Errors) {
    let opaque = config.get("opaque");
    if !opaque.is_set() {
        return errors.required(opaque, "");
    }
    driver_name(&opaque.get("driver"), errors);
    object(&opaque.get("parameters"), errors);
}

/// Complains about what is no object, or is too long.
fn object(data: &Field, errors: &mut Errors) {
    const LONGEST: usize = 10 * 1024;
    if !data.is_set() {
        errors.required(data, "");
    } else if data.value().to_string().len() > LONGEST {
        errors.too_long(data, LONGEST);
    } else if !data.value().is_object() {
        errors.invalid_as(data, "\"<value omitted>\"", "must be a valid JSON object");
    }
}

/// Complains about a name that is a C identifier, after a domain if there is a slash.
fn qualified_name(name: &str, field: &Field, errors: &mut Errors) {
    let identifier = |id: &str, errors: &mut Errors| {
        if id.len() > 32 {
            errors.too_long(field, 32);
        }
        for complaint in names::c_identifier(id) {
            errors.invalid_as(field, &quoted(id), &complaint);
        }
    };
    match name.split('/').collect::<Vec<_>>()[..] {
        [id] => identifier(id, errors),
        [domain, id] => {
            match domain {
                "" => errors.invalid_as(field, "\"\"", "the domain must not be empty"),
                _ => driver_name(&field.with(&domain.into()), errors),
            }
            match id {
                "" => errors.invalid_as(field, "\"\"", "the name must not be empty"),
                _ => identifier(id, errors),
            }
        }
        // kube-apiserver takes anything else.
        _ => {}
    }
}

/// The same for a name that needs a domain.
fn fully_qualified_name(name: &Field, errors: &mut Errors) {
    qualified_name(name.text(), name, errors);
    if !name.text().contains('/') {
        errors.reject(name, "a fully qualified name must be a domain and a name separated by a slash");
    }
}

/// Complains about the conditions that must hold, and must not, before a device is bound.
fn binding_conditions(owner: &Field, errors: &mut Errors) {
    let (wanted, failures) = (owner.get("bindingConditions"), owner.get("bindingFailureConditions"));
    for list in [&wanted, &failures] {
        each(list, 4, errors, |name, errors| errors.name(name, names::qualified_name));
    }
    let text = |list: &Field| -> Vec<String> { list.items().map(|item| item.text().to_owned()).collect() };
    let (all, bad) = (text(&wanted), text(&failures));
    for (index, name) in wanted.items().enumerate() {
        if all[..index].contains(&all[index]) {
            errors.duplicate(name, name.value());
        }
    }
    for (index, name) in failures.items().enumerate() {
        if bad[..index].contains(&bad[index]) {
            errors.duplicate(name, name.value());
        }
        if all.contains(&bad[index]) {
            errors.reject(&name, "bindingFailureConditions must not overlap with bindingConditions");
        }
    }
    if all.is_empty() && !bad.is_empty() {
        errors.reject(&wanted, "bindingConditions are required to use bindingFailureConditions");
    }
    if bad.is_empty() && !all.is_empty() {
        errors.reject(&failures, "bindingFailureConditions are required to use bindingConditions");
    }
}

/// Says since when devices are tainted, where nobody has.
fn stamp_taints(slice: &mut Object, time: &str) {
    let devices = slice.at_mut(&["spec"]).get_mut("devices").and_then(Value::as_array_mut);
    for device in devices.into_iter().flatten() {
        fill(device, &json!({"taints": [{"timeAdded": time}]}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(kind: &Kind, spec: Value) -> Vec<String> {
        let mut object = json!({"metadata": {"name": "x"}, "spec": spec});
        (kind.default)(&mut object);
        let mut errors = Errors::default();
        (kind.validate)(&object, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_is_wrong_with_claims() {
        let of = |requests: Value| complaints(&CLAIMS, json!({"devices": {"requests": requests}}));
        assert_eq!(of(json!([{"name": "a", "exactly": {"deviceClassName": "c"}}])), Vec::<String>::new());
        assert_eq!(
            of(json!([{"name": "a"}, {"name": "a", "firstAvailable": [{"name": "b", "deviceClassName": "c"}]}])),
            [
                "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
                r#"spec.devices.requests[1]: Duplicate value: "a""#,
            ]
        );
        assert_eq!(
            of(json!([{"name": "a", "exactly": {"allocationMode": "Some"}}])),
            [
                "spec.devices.requests[0].exactly.deviceClassName: Required value",
                r#"spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount""#,
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_slices() {
        let slice = |device: Value| {
            let pool = json!({"name": "p", "resourceSliceCount": 1});
            complaints(&SLICES, json!({"driver": "d.example.com", "nodeName": "n", "pool": pool, "devices": [device]}))
        };
        assert_eq!(slice(json!({"name": "d"})), Vec::<String>::new());
        assert_eq!(
            slice(
                json!({"name": "d", "attributes": {"a": {"int": 1, "bool": true}, "b": {"version": "1"}}, "nodeName": "n"})
            ),
            [
                r#"spec.devices[0].attributes[a]: Invalid value: {"IntValue":1,"BoolValue":true,"StringValue":null,"VersionValue":null,"IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified"#,
                r#"spec.devices[0].attributes[b].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0"#,
                "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if \
                 `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
            ]
        );
    }
}

//! Devices that pods claim (dynamic resource allocation): classes of them, claims, and what there is on nodes.

mod claim;
mod slice;

use super::cells::age;
use super::field::{Errors, Field, IMMUTABLE};
use super::fill::fill;
use super::labels::{validate_annotations, validate_labels};
use super::pod::sources::driver_name;
use super::resources::is_extended;
use super::{GENERIC, Kind, internal};
use crate::api::{Object, ObjectExt, Value};
use serde_json::{Value as Json, json};

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
        fill(claim, &json!({"spec": claim_defaults(), "status": {}}));
        count_one(claim.at_mut(&["spec"]));
    },
    prepare_for_create: |claim| claim.put(&["status"], json!({})),
    validate: |claim, errors| claim::spec(&Field::new("", claim).get("spec"), errors),
    validate_update: |new, old, errors| same_spec(new, old, "ResourceClaimSpec", errors),
    validate_status_update: |new, old, errors| claim::status(new, old, errors),
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
    has_generation: true,
    validate: |slice, errors| slice::spec(&Field::new("", slice).get("spec"), errors),
    validate_update: |new, old, errors| {
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        let (spec, before) = (root.get("spec"), old_root.get("spec"));
        slice::spec(&spec, errors);
        errors.all_immutable(&spec, &before, &["pool.name", "driver", "nodeName"]);
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

fn claim_defaults() -> Json {
    let request = json!({"allocationMode": "ExactCount"});
    json!({"devices": {"requests": [{"exactly?": request, "firstAvailable": [request]}]}})
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
    errors.at_most_items(&config, 32);
    config.items().for_each(|config| opaque(&config, errors));
    if resource.is_set() && !is_extended(resource.text()) {
        errors.reject(&resource, "must be a valid extended resource name");
    }
}

/// Complains about expressions that select devices.
fn selectors(list: &Field, errors: &mut Errors) {
    errors.at_most_items(list, 32);
    for selector in list.items() {
        let cel = selector.get("cel");
        if cel.is_set() {
            errors.at_most_bytes(&cel.get("expression"), 10 * 1024);
        } else {
            errors.required(cel, "");
        }
    }
}

/// Complains about configuration that only a driver understands.
fn opaque(config: &Field, errors: &mut Errors) {
    let opaque = config.get("opaque");
    if !opaque.is_set() {
        return errors.required(opaque, "");
    }
    driver_name(&opaque.get("driver"), errors);
    if !opaque.get("parameters").is_set() {
        errors.required(opaque.get("parameters"), "");
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
                r#"spec.devices[0].attributes[a]: Invalid value: {"bool":true,"int":1}: exactly one value must be specified"#,
                r#"spec.devices[0].attributes[b].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0"#,
                "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if \
                 `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
            ]
        );
    }
}

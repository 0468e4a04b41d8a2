//! Flow control of requests: FlowSchemas and PriorityLevelConfigurations.

use super::cells::{age, number};
use super::field::{Errors, Field, quoted};
use super::fill::fill;
use super::{GENERIC, Kind, keep_all_but_the_status_itself, keep_metadata};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

/// Puts back all but the status.
fn keep_all_metadata(new: &mut Object, old: &Object) {
    keep_all_but_the_status_itself(new, old);
    keep_metadata(new, old, &["uid", "generateName"]);
}

const GROUP: &str = "flowcontrol.apiserver.k8s.io";

pub(super) const SCHEMAS: Kind = Kind {
    group: GROUP,
    resource: "flowschemas",
    default: |schema| {
        let spec = json!({"matchingPrecedence|0": 1000, "priorityLevelConfiguration": {"name": ""}});
        fill(schema, &json!({"spec": spec, "status": {}}));
    },
    has_generation: true,
    prepare_for_create: |schema| schema.put(&["status"], json!({})),
    validate: schema,
    validate_update: |new, _, errors| schema(new, errors),
    prepare_for_status_update: keep_all_metadata,
    validate_status_update: |new, _, errors| conditions(new, errors),
    cells: |schema, now| {
        let method = schema.text(&["spec", "distinguisherMethod", "type"]);
        let conditions = schema.items_at(&["status", "conditions"]);
        let dangling = conditions.iter().find(|condition| condition.text(&["type"]) == "Dangling");
        vec![
            schema.name().into(),
            schema.text(&["spec", "priorityLevelConfiguration", "name"]).into(),
            number(schema, &["spec", "matchingPrecedence"]),
            if schema.at(&["spec", "distinguisherMethod"]).is_some() { method } else { "<none>" }.into(),
            age(schema, now),
            dangling.map_or("?", |condition| condition.text(&["status"])).into(),
        ]
    },
    ..GENERIC
};

pub(super) const LEVELS: Kind = Kind {
    group: GROUP,
    resource: "prioritylevelconfigurations",
    default: |level| {
        let queuing = json!({"queues|0": 64, "handSize|0": 8, "queueLengthLimit|0": 50});
        fill(
            level,
            &json!({
                "spec": {
                    "type": "",
                    "exempt?": {"nominalConcurrencyShares": 0, "lendablePercent": 0},
                    "limited?": {
                        "nominalConcurrencyShares": 30,
                        "lendablePercent": 0,
                        "limitResponse": {"type": "", "queuing?": queuing},
                    },
                },
                "status": {},
            }),
        );
    },
    has_generation: true,
    prepare_for_create: |level| level.put(&["status"], json!({})),
    validate: level,
    validate_update: |new, _, errors| level(new, errors),
    prepare_for_status_update: keep_all_metadata,
    validate_status_update: |new, _, errors| conditions(new, errors),
    cells: |level, now| {
        let limited: &[&str] = &["spec", "limited"];
        let queuing = level.at(limited).and_then(|limited| limited.at(&["limitResponse", "queuing"]));
        let or_none = |object: Option<&Value>, name: &str| -> Value {
            object.map_or_else(|| "<none>".into(), |object| object.integer(&[name]).unwrap_or(0).into())
        };
        vec![
            level.name().into(),
            level.text(&["spec", "type"]).into(),
            or_none(level.at(limited), "nominalConcurrencyShares"),
            or_none(queuing, "queues"),
            or_none(queuing, "handSize"),
            or_none(queuing, "queueLengthLimit"),
            age(level, now),
        ]
    },
    ..GENERIC
};

fn conditions(object: &Object, errors: &mut Errors) {
    let root = Field::new("", object);
    let conditions = root.get("status.conditions");
    for (index, condition) in conditions.items().enumerate() {
        let kind = condition.get("type");
        if (0..index).any(|before| conditions.item(before).get("type").text() == kind.text()) {
            errors.duplicate(kind, kind.value());
        }
        errors.need(&kind);
    }
}

fn schema(schema: &Object, errors: &mut Errors) {
    const MOST: i64 = 10_000;
    let root = Field::new("", schema);
    let spec = root.get("spec");
    let [precedence, method, level] =
        ["matchingPrecedence", "distinguisherMethod", "priorityLevelConfiguration.name"].map(|name| spec.get(name));
    match precedence.number() {
        ..=0 => errors.reject(&precedence, "must be a positive value"),
        1 if schema.name() != "exempt" => {
            errors.reject(&precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
        }
        number if number > MOST => errors.reject(&precedence, &format!("must not be greater than {MOST}")),
        _ => {}
    }
    if method.is_set() && !["ByNamespace", "ByUser"].contains(&method.get("type").text()) {
        let shown = format!(r#"{{"Type":{}}}"#, quoted(method.get("type").text()));
        errors.unsupported(method.get("type"), &shown, &["ByNamespace", "ByUser"]);
    }
    if level.is_empty() {
        errors.required(level, "must reference a priority level");
    } else {
        errors.name(&level, names::dns1123_subdomain);
    }
    for rule in spec.get("rules").items() {
        let (subjects, resources, urls) =
            (rule.get("subjects"), rule.get("resourceRules"), rule.get("nonResourceRules"));
        if subjects.is_empty() {
            errors.required(subjects, "subjects must contain at least one value");
        }
        subjects.items().for_each(|subject| self::subject(&subject, errors));
        if resources.is_empty() && urls.is_empty() {
            errors.required(rule, "at least one of resourceRules and nonResourceRules has to be non-empty");
        }
        resources.items().for_each(|rule| resource_rule(&rule, errors));
        urls.items().for_each(|rule| url_rule(&rule, errors));
    }
    conditions(schema, errors);
}

fn subject(subject: &Field, errors: &mut Errors) {
    const KINDS: [(&str, &str); 3] = [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = subject.get("kind").text();
    let Some((_, own)) = KINDS.iter().find(|(word, _)| *word == kind) else {
        return errors.one_of(&subject.get("kind"), &["Group", "ServiceAccount", "User"]);
    };
    let part = subject.get(own);
    let (name, namespace) = (part.get("name"), part.get("namespace"));
    if !part.is_set() {
        errors.required(part, &format!("{own} is required when subject kind is '{kind}'"));
    } else {
        errors.need(&name);
        if *own == "serviceAccount" {
            if !["", "*"].contains(&name.text()) {
                errors.name(&name, names::dns1123_subdomain);
            }
            if namespace.is_empty() {
                errors.required(namespace, "must specify namespace for service account");
            } else {
                errors.name(&namespace, names::dns1123_label);
            }
        }
    }
    for (word, other) in KINDS.iter().filter(|(_, other)| other != own && subject.get(other).is_set()) {
        errors.forbidden(subject.get(other), &format!("{other} is forbidden when subject kind is not '{word}'"));
    }
}

const VERBS: [&str; 9] = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

fn is_wild(list: &Field) -> bool {
    list.items().any(|item| item.text() == "*")
}

/// Complains about others beside a wildcard.
fn lonely(list: &Field, others: &str, errors: &mut Errors) {
    if list.count() > 1 && is_wild(list) {
        errors.reject(list, &format!("if '*' is present, must not specify other {others}"));
    }
}

fn verbs(verbs: &Field, errors: &mut Errors) {
    if verbs.is_empty() {
        errors.required(verbs, "verbs must contain at least one value");
    }
    lonely(verbs, "verbs", errors);
    if !is_wild(verbs) && !verbs.items().all(|verb| VERBS.contains(&verb.text())) {
        errors.unsupported(verbs, &super::field::printed(verbs.value()), &VERBS);
    }
}

fn resource_rule(rule: &Field, errors: &mut Errors) {
    let [groups, resources, namespaces] = ["apiGroups", "resources", "namespaces"].map(|name| rule.get(name));
    verbs(&rule.get("verbs"), errors);
    for (list, one, many) in [(groups, "api group", "api groups"), (resources, "resource", "resources")] {
        if list.is_empty() {
            errors.required(list, &format!("resource rules must supply at least one {one}"));
        }
        lonely(&list, many, errors);
    }
    if namespaces.is_empty() && !rule.get("clusterScope").is_true() {
        let complaint = "resource rules that are not cluster scoped must supply at least one namespace";
        errors.required(namespaces, complaint);
    }
    lonely(&namespaces, "namespaces", errors);
    for namespace in namespaces.items().filter(|_| !is_wild(&namespaces)) {
        for complaint in names::dns1123_label(namespace.text()) {
            let start = "each member of this list must be '*' or a DNS-1123 label; ";
            errors.reject(&namespace, &format!("{start}{complaint}"));
        }
    }
}

fn url_rule(rule: &Field, errors: &mut Errors) {
    let urls = rule.get("nonResourceURLs");
    verbs(&rule.get("verbs"), errors);
    if urls.is_empty() {
        errors.required(urls, "nonResourceURLs must contain at least one value");
    }
    lonely(&urls, "non-resource URLs", errors);
    for url in urls.items().filter(|_| !is_wild(&urls)) {
        let text = url.text();
        let stars = text.matches('*').count();
        let complaint = if text.is_empty() {
            "must not be empty"
        } else if !text.starts_with('/') {
            "must start with slash"
        } else if text.contains(' ') {
            "must not contain white-space"
        } else if text.contains("//") {
            "must not contain double slash"
        } else if stars > 1 || stars == 1 && !text.ends_with("/*") {
            "wildcard can only do suffix matching"
        } else {
            continue;
        };
        errors.reject(&url, complaint);
    }
}

fn level(level: &Object, errors: &mut Errors) {
    let root = Field::new("", level);
    let spec = root.get("spec");
    let [kind, exempt, limited] = ["type", "exempt", "limited"].map(|name| spec.get(name));
    if (level.name() == "exempt") != (kind.text() == "Exempt") {
        errors.invalid_as(kind, &quoted(kind.text()), "must be 'Exempt' if and only if `name` is 'exempt'");
    }
    match kind.text() {
        "Exempt" => {
            if limited.is_set() {
                errors.forbidden(limited, "must be nil if the type is not Limited");
            }
            shares(&exempt, errors);
        }
        "Limited" => {
            if exempt.is_set() {
                errors.forbidden(exempt, "must be nil if the type is Limited");
            }
            if limited.is_set() {
                self::limited(&limited, errors);
            } else {
                errors.required(limited, "must not be empty when type is Limited");
            }
        }
        _ => errors.one_of(&kind, &["Exempt", "Limited"]),
    }
    conditions(level, errors);
}

fn shares(part: &Field, errors: &mut Errors) {
    if part.get("nominalConcurrencyShares").number() < 0 {
        errors.reject(&part.get("nominalConcurrencyShares"), "must be a non-negative integer");
    }
    lendable(part, errors);
}

fn lendable(part: &Field, errors: &mut Errors) {
    if part.get("lendablePercent").is_set() {
        errors.within(&part.get("lendablePercent"), 0, 100);
    }
}

fn limited(limited: &Field, errors: &mut Errors) {
    if limited.get("nominalConcurrencyShares").number() < 0 {
        errors.reject(&limited.get("nominalConcurrencyShares"), "must be a non-negative integer");
    }
    let response = limited.get("limitResponse");
    let (kind, queuing) = (response.get("type"), response.get("queuing"));
    match kind.text() {
        "Reject" => {
            if queuing.is_set() {
                errors.forbidden(queuing, "must be nil if limited.limitResponse.type is not Limited");
            }
        }
        "Queue" if queuing.is_set() => self::queuing(&queuing, errors),
        "Queue" => errors.required(queuing, "must not be empty if limited.limitResponse.type is Limited"),
        _ => errors.one_of(&kind, &["Queue", "Reject"]),
    }
    lendable(limited, errors);
    if limited.get("borrowingLimitPercent").number() < 0 {
        errors.reject(&limited.get("borrowingLimitPercent"), "if specified, must be a non-negative integer");
    }
}

fn queuing(queuing: &Field, errors: &mut Errors) {
    const MOST_QUEUES: i64 = 10_000_000;
    const HASH_BITS: i64 = 60;
    let [length, queues, hand] = ["queueLengthLimit", "queues", "handSize"].map(|name| queuing.get(name));
    if length.number() <= 0 {
        errors.reject(&length, "must be positive");
    }
    let (deck, cards) = (queues.number(), hand.number());
    if deck <= 0 {
        errors.reject(&queues, "must be positive");
    } else if deck > MOST_QUEUES {
        errors.reject(&queues, &format!("must not be greater than {MOST_QUEUES}"));
    }
    if cards <= 0 {
        errors.reject(&hand, "must be positive");
    } else if cards > deck {
        errors.reject(&hand, &format!("should not be greater than queues ({deck})"));
    } else {
        // How many bits it takes to number all hands that can be dealt.
        let bits: f64 = (0..cards).map(|card| ((deck - card) as f64).log2()).sum();
        if bits.ceil() as i64 > HASH_BITS {
            let complaint = format!(
                "required entropy bits of deckSize {deck} and handSize {cards} should not be greater than {HASH_BITS}"
            );
            errors.reject(&hand, &complaint);
        }
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
    fn what_is_wrong_with_flows() {
        let level = json!({"name": "l"});
        let rule = json!({"verbs": ["*"], "nonResourceURLs": ["/a*", "*b"]});
        let rules = json!([{"subjects": [{"kind": "User", "group": {"name": "g"}}], "nonResourceRules": [rule]}]);
        assert_eq!(
            complaints(&SCHEMAS, json!({"priorityLevelConfiguration": level, "rules": rules})),
            [
                "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
                "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
                r#"spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching"#,
                r#"spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "*b": must start with slash"#,
            ]
        );
        let queue =
            |queuing| json!({"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": queuing}}});
        assert_eq!(complaints(&LEVELS, queue(json!({}))), Vec::<String>::new());
        assert_eq!(
            complaints(&LEVELS, queue(json!({"queues": 100_000, "handSize": 8}))),
            ["spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize \
                 100000 and handSize 8 should not be greater than 60"]
        );
    }
}

//! Ingresses, and the classes that they are of.

use super::cells::{age, none_if_empty};
use super::field::{Errors, Field, quoted};
use super::fill::fill;
use super::naming::domain_prefixed_path;
use super::service::{load_balancer_points, load_balancer_status};
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const INGRESSES: Kind = Kind {
    group: "networking.k8s.io",
    resource: "ingresses",
    default: |ingress| fill(ingress, &json!({"spec": {}, "status": {"loadBalancer": {}}})),
    has_generation: true,
    prepare_for_create: |ingress| ingress.put(&["status"], json!({"loadBalancer": {}})),
    validate: |ingress, errors| {
        let root = Field::new("", ingress);
        validate(&root.get("spec"), None, errors);
        let class = root.get("spec.ingressClassName");
        if let Some(class) = ingress.annotation(CLASS).filter(|text| class.is_set() && *text != class.text()) {
            let complaint = "must match `ingressClassName` when both are specified";
            errors.invalid_as(format!("annotations.{CLASS}"), &quoted(class), complaint);
        }
    },
    validate_update: |new, old, errors| validate(&Field::new("", new).get("spec"), Some(old), errors),
    validate_status_update: |new, old, errors| {
        load_balancer_status(&Field::new("", new).get("status.loadBalancer.ingress"), old, errors);
    },
    warnings: |ingress, old| {
        let advice = format!("annotation {} is deprecated, please use 'spec.ingressClassName' instead", quoted(CLASS));
        (old.is_none() && ingress.annotation(CLASS).is_some()).then_some(advice).into_iter().collect()
    },
    cells: |ingress, now| {
        let class = ingress.at(&["spec", "ingressClassName"]).and_then(Value::as_str).unwrap_or("<none>");
        let ports = if ingress.items_at(&["spec", "tls"]).is_empty() { "80" } else { "80, 443" };
        vec![
            ingress.name().into(),
            class.into(),
            hosts(ingress.items_at(&["spec", "rules"])).into(),
            load_balancer_points(ingress).join(",").into(),
            ports.into(),
            age(ingress, now),
        ]
    },
    ..GENERIC
};

pub(super) const CLASSES: Kind = Kind {
    group: "networking.k8s.io",
    resource: "ingressclasses",
    default: |class| fill(class, &json!({"spec": {"parameters?": {"scope*": "Cluster"}}})),
    has_generation: true,
    validate: class,
    validate_update: |new, old, errors| {
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        errors.immutable(&root.get("spec.controller"), &old_root.get("spec.controller"));
        class(new, errors);
    },
    cells: |class, now| {
        let text = |name: &str| class.text(&["spec", "parameters", name]);
        let group = class.at(&["spec", "parameters", "apiGroup"]).map(|_| format!(".{}", text("apiGroup")));
        let parameters = class.at(&["spec", "parameters"]);
        let parameters = parameters.map(|_| format!("{}{}/{}", text("kind"), group.unwrap_or_default(), text("name")));
        vec![
            class.name().into(),
            class.text(&["spec", "controller"]).into(),
            none_if_empty(&parameters.unwrap_or_default()),
            age(class, now),
        ]
    },
    ..GENERIC
};

/// The annotation from before there was `ingressClassName`.
const CLASS: &str = "kubernetes.io/ingress.class";

fn validate(spec: &Field, old: Option<&Object>, errors: &mut Errors) {
    let [rules, backend, class, tls] =
        ["rules", "defaultBackend", "ingressClassName", "tls"].map(|name| spec.get(name));
    if rules.count() == 0 && !backend.is_set() {
        errors.invalid(spec, rules.value(), "either `defaultBackend` or `rules` must be specified");
    }
    if backend.is_set() {
        self::backend(&backend, errors);
    }
    for rule in rules.items() {
        self::rule(&rule, errors);
    }
    let secrets = |object: &Object| {
        let names = object.items_at(&["spec", "tls"]).iter().map(|tls| tls.text(&["secretName"]).to_string());
        names.filter(|name| !name.is_empty() && !names::dns1123_subdomain(name).is_empty()).count() > 0
    };
    let lenient = old.is_some_and(secrets);
    for entry in tls.items() {
        entry.get("hosts").items().for_each(|host| host_name(&host, errors));
        if !entry.get("secretName").is_empty() && !lenient {
            errors.name(&entry.get("secretName"), names::dns1123_subdomain);
        }
    }
    if class.is_set() {
        errors.name(&class, names::dns1123_subdomain);
    }
}

fn host_name(host: &Field, errors: &mut Errors) {
    let wild = host.text().contains('*');
    errors.name(host, if wild { names::wildcard_dns1123_subdomain } else { names::dns1123_subdomain });
}

fn rule(rule: &Field, errors: &mut Errors) {
    let (host, http) = (rule.get("host"), rule.get("http"));
    if !host.is_empty() {
        if names::parse_ip(host.text()).is_some() {
            errors.reject(&host, "must be a DNS name, not an IP address");
        }
        host_name(&host, errors);
    }
    if http.is_set() {
        errors.need(&http.get("paths"));
    }
    for entry in http.get("paths").items() {
        path(&entry, errors);
        if entry.get("pathType").is_set() {
            backend(&entry.get("backend"), errors);
        }
    }
}

fn path(entry: &Field, errors: &mut Errors) {
    let (kind, path) = (entry.get("pathType"), entry.get("path"));
    if !kind.is_set() {
        return errors.required(kind, "pathType must be specified");
    }
    let exact = ["Exact", "Prefix"].contains(&kind.text());
    if !exact {
        errors.one_of(&kind, &["Exact", "ImplementationSpecific", "Prefix"]);
    }
    let mut complain = |complaint: String| errors.invalid_as(path, &quoted(path.text()), &complaint);
    if (exact || kind.text() == "ImplementationSpecific" && !path.is_empty()) && !path.text().starts_with('/') {
        complain("must be an absolute path".into());
    }
    for part in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| exact && path.text().contains(**part)) {
        complain(format!("must not contain '{part}'"));
    }
    for end in ["/..", "/."].iter().filter(|end| exact && path.text().ends_with(**end)) {
        complain(format!("cannot end with '{end}'"));
    }
}

fn backend(backend: &Field, errors: &mut Errors) {
    let (service, resource) = (backend.get("service"), backend.get("resource"));
    let mut whole = |complaint: &str| errors.invalid_as(backend, "\"\"", complaint);
    match (service.is_set(), resource.is_set()) {
        (true, true) => return whole("cannot set both resource and service backends"),
        (false, false) => return whole("resource or service backend is required"),
        (false, true) => return reference(&resource, errors),
        (true, false) => {}
    }
    errors.need_name(&service.get("name"), names::dns1123_label);
    let (name, number) = (service.get("port.name"), service.get("port.number"));
    match (!name.is_empty(), number.number() != 0) {
        (true, true) => errors.invalid_as(backend, "\"\"", "cannot set both port name & port number"),
        (true, false) => errors.name(&name, names::port_name),
        (false, true) => errors.within(&number, 1, 65535),
        (false, false) => errors.required(backend, "port name or number is required"),
    }
}

fn path_segment(text: &str) -> Vec<String> {
    names::path_segment(text, false)
}

/// Complains about a reference to an object: `apiGroup`, `kind` and `name`.
fn reference(reference: &Field, errors: &mut Errors) {
    if reference.get("apiGroup").is_set() {
        errors.name(&reference.get("apiGroup"), names::dns1123_subdomain);
    }
    for name in ["kind", "name"] {
        errors.need_name(&reference.get(name), path_segment);
    }
}

fn class(class: &Object, errors: &mut Errors) {
    let root = Field::new("", class);
    let (controller, parameters) = (root.get("spec.controller"), root.get("spec.parameters"));
    errors.at_most_bytes(&controller, 250);
    domain_prefixed_path(&controller, errors);
    if !parameters.is_set() {
        return;
    }
    reference(&parameters, errors);
    let (scope, namespace) = (parameters.get("scope"), parameters.get("namespace"));
    match scope.text() {
        _ if !scope.is_set() => errors.required(scope, ""),
        "Namespace" if !namespace.is_set() => {
            errors.required(namespace, "`parameters.scope` is set to 'Namespace'");
        }
        "Namespace" => errors.name(&namespace, names::dns1123_label),
        "Cluster" if namespace.is_set() => {
            errors.forbidden(namespace, "`parameters.scope` is set to 'Cluster'");
        }
        _ => errors.one_of(&scope, &["Cluster", "Namespace"]),
    }
}

/// The first three hosts, and how many more rules there are.
fn hosts(rules: &[Value]) -> String {
    let with_host = rules.iter().enumerate().map(|(index, rule)| (index, rule.text(&["host"])));
    let shown: Vec<(usize, &str)> = with_host.filter(|(_, host)| !host.is_empty()).take(3).collect();
    let text = shown.iter().map(|(_, host)| *host).collect::<Vec<_>>().join(",");
    match shown.as_slice() {
        [] => "*".into(),
        [_, _, (last, _)] if last + 1 < rules.len() => format!("{text} + {} more...", rules.len() - 3),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(spec: Value) -> Vec<String> {
        let object = json!({"metadata": {"name": "x"}, "spec": spec});
        let mut errors = Errors::default();
        (INGRESSES.validate)(&object, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_is_wrong_with_ingresses() {
        let service = json!({"service": {"name": "s", "port": {"number": 80}}});
        let rule = |path: Value| json!({"rules": [{"host": "a.example.com", "http": {"paths": [path]}}]});
        for (spec, expected) in [
            (json!({"defaultBackend": service}), vec![]),
            (rule(json!({"path": "/", "pathType": "Prefix", "backend": service})), vec![]),
            (json!({}), vec!["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]),
            (
                json!({"rules": [{"host": "1.2.3.4", "http": {}}]}),
                vec![
                    r#"spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address"#,
                    "spec.rules[0].http.paths: Required value",
                ],
            ),
            (
                rule(json!({"path": "a//b/..", "pathType": "Exact", "backend": {"service": {"name": "s"}}})),
                vec![
                    r#"spec.rules[0].http.paths[0].path: Invalid value: "a//b/..": must be an absolute path"#,
                    r#"spec.rules[0].http.paths[0].path: Invalid value: "a//b/..": must not contain '//'"#,
                    r#"spec.rules[0].http.paths[0].path: Invalid value: "a//b/..": cannot end with '/..'"#,
                    "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
                ],
            ),
            (
                rule(json!({"path": "/"})),
                vec!["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
            ),
            (
                json!({"defaultBackend": {}}),
                vec![r#"spec.defaultBackend: Invalid value: "": resource or service backend is required"#],
            ),
        ] {
            assert_eq!(complaints(spec), expected);
        }
    }

    #[test]
    fn hosts_of_rules() {
        let hosts = |hosts: &[&str]| hosts_of(hosts);
        assert_eq!(hosts(&[]), "*");
        assert_eq!(hosts(&[""]), "*");
        assert_eq!(hosts(&["a", "b"]), "a,b");
        assert_eq!(hosts(&["a", "b", "c"]), "a,b,c");
        assert_eq!(hosts(&["a", "b", "c", "d"]), "a,b,c + 1 more...");
        assert_eq!(hosts(&["", "b", "c", "d"]), "b,c,d");
    }

    fn hosts_of(hosts: &[&str]) -> String {
        let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
        super::hosts(&rules)
    }
}

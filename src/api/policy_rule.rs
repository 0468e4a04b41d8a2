//! The rules of roles (rbac.authorization.k8s.io): taken apart, and compared by what they allow.

use super::{ObjectExt, Value};
use serde_json::Map;
use std::fmt;

/// One rule: what may be done with resources, or with paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyRule {
    /// What may be done; `*` is everything.
    pub verbs: Vec<String>,
    /// The groups of the resources; `*` is any.
    pub groups: Vec<String>,
    /// The resources, which may have subresources; `*` is any, `*/scale` the scale of any.
    pub resources: Vec<String>,
    /// The only objects that it is about; none for all.
    pub names: Vec<String>,
    /// Paths; one that ends with `*` is about all that begin with the rest.
    pub paths: Vec<String>,
}

impl PolicyRule {
    /// Reads a rule.
    pub fn from_value(rule: &Value) -> Self {
        let texts = |field: &str| -> Vec<String> {
            rule.items_at(&[field]).iter().filter_map(Value::as_str).map(String::from).collect()
        };
        Self {
            verbs: texts("verbs"),
            groups: texts("apiGroups"),
            resources: texts("resources"),
            names: texts("resourceNames"),
            paths: texts("nonResourceURLs"),
        }
    }

    /// The rules of a role.
    pub fn all_of(role: &Value) -> Vec<Self> {
        role.items_at(&["rules"]).iter().map(Self::from_value).collect()
    }

    /// The rule as objects have it, without the lists that are empty.
    pub fn to_value(&self) -> Value {
        let fields = [
            ("apiGroups", &self.groups),
            ("nonResourceURLs", &self.paths),
            ("resourceNames", &self.names),
            ("resources", &self.resources),
            ("verbs", &self.verbs),
        ];
        let filled = fields.into_iter().filter(|(_, texts)| !texts.is_empty());
        Value::Object(filled.map(|(name, texts)| (name.to_string(), texts.clone().into())).collect::<Map<_, _>>())
    }

    /// The rule in rules of one verb, and one resource (of one name) or one path.
    fn atoms(&self) -> Vec<Self> {
        let mut atoms = Vec::new();
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let names = self.names.iter().map(|name| vec![name.clone()]);
                    let names = names.chain(self.names.is_empty().then(Vec::new));
                    atoms.extend(names.map(|names| Self {
                        verbs: vec![verb.clone()],
                        groups: vec![group.clone()],
                        resources: vec![resource.clone()],
                        names,
                        paths: Vec::new(),
                    }));
                }
            }
        }
        for path in &self.paths {
            let one = |verb: &String| Self { verbs: vec![verb.clone()], paths: vec![path.clone()], ..Self::default() };
            atoms.extend(self.verbs.iter().map(one));
        }
        atoms
    }

    /// Whether this rule allows all that an atom does.
    fn covers(&self, atom: &Self) -> bool {
        let resource = |wanted: &String| {
            let below = wanted.split_once('/').map(|(_, below)| format!("*/{below}"));
            self.resources.iter().any(|own| own == "*" || own == wanted || below.as_ref() == Some(own))
        };
        let path = |wanted: &String| {
            let begins = |own: &str| own.ends_with('*') && wanted.starts_with(own.trim_end_matches('*'));
            self.paths.iter().any(|own| own == wanted || begins(own))
        };
        has_all(&self.verbs, &atom.verbs)
            && has_all(&self.groups, &atom.groups)
            && atom.resources.iter().all(resource)
            && atom.paths.iter().all(path)
            // What is allowed for all objects is allowed for some, and not the other way round.
            && (self.names.is_empty()
                || !atom.names.is_empty() && atom.names.iter().all(|name| self.names.contains(name)))
    }
}

fn has_all(own: &[String], wanted: &[String]) -> bool {
    own.iter().any(|text| text == "*") || wanted.iter().all(|text| own.contains(text))
}

/// What `wanted` allows and `owned` does not, one verb and resource or path at a time.
pub fn uncovered(owned: &[PolicyRule], wanted: &[PolicyRule]) -> Vec<PolicyRule> {
    let atoms = wanted.iter().flat_map(PolicyRule::atoms);
    atoms.filter(|atom| !owned.iter().any(|rule| rule.covers(atom))).collect()
}

/// As Go's `%+v` shows it.
impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |texts: &[String]| texts.join(" ");
        write!(
            f,
            "{{Verbs:[{}] APIGroups:[{}] Resources:[{}] ResourceNames:[{}] NonResourceURLs:[{}]}}",
            list(&self.verbs),
            list(&self.groups),
            list(&self.resources),
            list(&self.names),
            list(&self.paths)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_rules_do_not_cover() {
        let pods = |verbs: Value| json!({"apiGroups": [""], "resources": ["pods"], "verbs": verbs});
        for (owned, wanted, missing) in [
            (json!([pods(json!(["get", "list"]))]), pods(json!(["list"])), ""),
            (json!([pods(json!(["get"])), pods(json!(["list"]))]), pods(json!(["get", "list"])), ""),
            (
                json!([pods(json!(["get"]))]),
                pods(json!(["get", "watch"])),
                "{Verbs:[watch] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}",
            ),
            (json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]), pods(json!(["*"])), ""),
            (
                json!([{"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["*"]}]),
                json!({"apiGroups": ["apps"], "resources": ["deployments/scale", "deployments"], "verbs": ["get"]}),
                "{Verbs:[get] APIGroups:[apps] Resources:[deployments] ResourceNames:[] NonResourceURLs:[]}",
            ),
            (
                json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}]),
                json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a", "b"]}),
                "{Verbs:[get] APIGroups:[] Resources:[pods] ResourceNames:[b] NonResourceURLs:[]}",
            ),
            (
                json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}]),
                pods(json!(["get"])),
                "{Verbs:[get] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}",
            ),
            (
                json!([{"nonResourceURLs": ["/api/*", "/x"], "verbs": ["get"]}]),
                json!({"nonResourceURLs": ["/api/v1", "/x", "/y"], "verbs": ["get"]}),
                "{Verbs:[get] APIGroups:[] Resources:[] ResourceNames:[] NonResourceURLs:[/y]}",
            ),
        ] {
            let owned: Vec<PolicyRule> = PolicyRule::all_of(&json!({"rules": owned}));
            let found = uncovered(&owned, &[PolicyRule::from_value(&wanted)]);
            assert_eq!(found.iter().map(ToString::to_string).collect::<String>(), missing, "{wanted}");
        }
    }

    #[test]
    fn rules_are_written_as_they_were_read() {
        let rule = json!({"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]});
        assert_eq!(PolicyRule::from_value(&rule).to_value(), rule);
    }
}

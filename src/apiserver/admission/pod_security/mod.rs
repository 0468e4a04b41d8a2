//! The Pod Security Standards: labels of a namespace say how much its pods may ask for (KEP-2579).

mod baseline;
mod containers;
mod restricted;

use super::super::errors::{Answer, invalid};
use super::super::kinds::field::{Errors, quoted};
use super::super::pipeline::Server;
use super::{Asked, Operation};
use crate::api::{ObjectExt, Value};
use containers::Pod;
use std::collections::BTreeMap;
use std::fmt;

/// What the labels start with.
const LABEL: &str = "pod-security.kubernetes.io/";

/// How strict a policy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[default]
    Privileged,
    Baseline,
    Restricted,
}

/// The minor version of Kubernetes that a policy is pinned to; by default the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version(Option<u32>);

impl Version {
    /// Whether a rule that came with a minor version counts.
    fn since(self, minor: u32) -> bool {
        self.0.is_none_or(|own| own >= minor)
    }
}

/// A level as of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standard {
    level: Level,
    version: Version,
}

impl Default for Standard {
    fn default() -> Self {
        Self { level: Level::Privileged, version: Version(None) }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        })?;
        match self.version.0 {
            None => f.write_str(":latest"),
            Some(minor) => write!(f, ":v1.{minor}"),
        }
    }
}

/// What the labels of a namespace say.
#[derive(Debug, Default, PartialEq)]
struct Policy {
    enforce: Standard,
    warn: Standard,
}

/// Why a pod does not meet a standard: a reason in a few words, and what exactly is wrong.
type Violation = (&'static str, String);

fn parse_level(text: &str) -> Result<Level, &'static str> {
    match text {
        "privileged" => Ok(Level::Privileged),
        "baseline" => Ok(Level::Baseline),
        "restricted" => Ok(Level::Restricted),
        _ => Err("must be one of privileged, baseline, restricted"),
    }
}

fn parse_version(text: &str) -> Result<Version, &'static str> {
    let minor = |text: &str| {
        let minor = text.strip_prefix("v1.")?;
        let canonical = minor == "0" || !minor.starts_with('0') && minor.bytes().all(|b| b.is_ascii_digit());
        if canonical { minor.parse().ok() } else { None }
    };
    match text {
        "latest" => Ok(Version(None)),
        _ => minor(text).map(|minor| Version(Some(minor))).ok_or(r#"must be "latest" or "v1.x""#),
    }
}

impl Policy {
    /// Reads labels; what is wrong with them is complained about, and counts as the strictest for what is enforced.
    fn read<'a>(label: impl Fn(&str) -> Option<&'a str>, errors: &mut Errors) -> Self {
        let standard = |mode: &str, or_else: Level, errors: &mut Errors| {
            let mut standard = Standard::default();
            let (key, version_key) = (format!("{LABEL}{mode}"), format!("{LABEL}{mode}-version"));
            let mut complain = |key: &str, value: &str, why: &str| {
                errors.invalid_as(format!("metadata.labels[{key}]"), &quoted(value), why);
            };
            let mut said = false;
            if let Some(value) = label(&key) {
                said = true;
                standard.level = parse_level(value).unwrap_or_else(|why| {
                    complain(&key, value, why);
                    said = false;
                    or_else
                });
            }
            let mut said_version = false;
            if let Some(value) = label(&version_key) {
                said_version = true;
                standard.version = parse_version(value).unwrap_or_else(|why| {
                    complain(&version_key, value, why);
                    Version(None)
                });
            }
            (standard, said, said_version)
        };
        let (enforce, is_enforced, _) = standard("enforce", Level::Restricted, errors);
        standard("audit", Level::Privileged, errors);
        let (mut warn, _, says_version) = standard("warn", Level::Privileged, errors);
        // Who is told what is refused should be warned where nothing can be refused: of Deployments and the like.
        if label(&format!("{LABEL}warn")).is_none() && is_enforced && enforce.level > warn.level {
            warn.level = enforce.level;
            if !says_version {
                warn.version = enforce.version;
            }
        }
        Self { enforce, warn }
    }

    fn of(namespace: &Value, errors: &mut Errors) -> Self {
        Self::read(|key| namespace.at(&["metadata", "labels", key]).and_then(Value::as_str), errors)
    }
}

/// What is wrong with a pod by a standard.
fn violations(standard: Standard, pod: &Pod<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if standard.level >= Level::Baseline {
        baseline::check(pod, standard, &mut found);
    }
    if standard.level == Level::Restricted {
        restricted::check(pod, standard.version, &mut found);
    }
    found
}

/// `reason (detail), reason (detail)`
fn described(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(|(reason, detail)| format!("{reason} ({detail})")).collect();
    lines.join(", ")
}

/// The template of the pods that an object makes: where its metadata and its spec are.
fn template<'a>(asked: &Asked<'_>, object: &'a Value) -> Option<&'a Value> {
    let path: &[&str] = match (asked.served.kind.group.as_str(), asked.served.info.resource.as_str()) {
        ("", "podtemplates") => &["template"],
        ("batch", "cronjobs") => &["spec", "jobTemplate", "spec", "template"],
        ("", "replicationcontrollers")
        | ("apps", "replicasets" | "deployments" | "statefulsets" | "daemonsets")
        | ("batch", "jobs") => &["spec", "template"],
        _ => return None,
    };
    object.at(path)
}

impl Server {
    /// Refuses pods that do not meet what their namespace enforces, and warns of what does not meet the rest.
    pub(super) async fn secure(&self, asked: &Asked<'_>, object: &Value, warnings: &mut Vec<String>) -> Answer<()> {
        if asked.is_for("", "namespaces") {
            return if asked.subresource.is_empty() {
                self.secure_namespace(asked, object, warnings).await
            } else {
                Ok(())
            };
        }
        let is_pod = asked.is_for("", "pods");
        let pod = match (is_pod, asked.subresource) {
            (true, "" | "ephemeralcontainers" | "resize") if is_significant(asked, object) => Pod::new(object),
            (false, "") => match template(asked, object) {
                Some(template) => Pod::new(template),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let Some(namespace) = self.get_core("namespaces", "", asked.namespace).await? else { return Ok(()) };
        let policy = Policy::read(|key| namespace.object.label(key), &mut Errors::default());
        if is_pod {
            let found = violations(policy.enforce, &pod);
            if !found.is_empty() {
                let why = format!("violates PodSecurity {:?}: {}", policy.enforce.to_string(), described(&found));
                return Err(asked.refuse(object, &why));
            }
        }
        let found = violations(policy.warn, &pod);
        if !found.is_empty() {
            warnings.push(format!("would violate PodSecurity {:?}: {}", policy.warn.to_string(), described(&found)));
        }
        Ok(())
    }

    /// Checks the labels of a namespace, and warns of pods in it that do not meet what is new in them.
    async fn secure_namespace(&self, asked: &Asked<'_>, namespace: &Value, warnings: &mut Vec<String>) -> Answer<()> {
        let (mut errors, mut old_errors) = (Errors::default(), Errors::default());
        let new = Policy::of(namespace, &mut errors);
        let old = asked.old.map(|old| Policy::of(old, &mut old_errors));
        if !errors.causes.is_empty() && (old.is_none() || errors.causes != old_errors.causes) {
            return Err(invalid(asked.served.about_kind(namespace.name()), errors));
        }
        let Some(old) = old else { return Ok(()) };
        let relaxed = new.enforce.version == old.enforce.version && new.enforce.level <= old.enforce.level;
        if relaxed || new.enforce.level == Level::Privileged {
            return Ok(());
        }
        // The pods with the same violations, by the first of their names.
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pod in self.objects("", "pods", namespace.name()).await? {
            let violations = violations(new.enforce, &Pod::new(&pod));
            if !violations.is_empty() {
                let reasons: Vec<&str> = violations.iter().map(|(reason, _)| *reason).collect();
                found.entry(reasons.join(", ")).or_default().push(pod.name().to_string());
            }
        }
        if !found.is_empty() {
            let (name, standard) = (namespace.name(), new.enforce.to_string());
            warnings.push(format!(
                "existing pods in namespace {name:?} violate the new PodSecurity enforce level {standard:?}"
            ));
        }
        let mut lines: Vec<String> = found
            .into_iter()
            .map(|(reasons, pods)| match (pods.iter().min(), pods.len() - 1) {
                (Some(first), 0) => format!("{first}: {reasons}"),
                (Some(first), 1) => format!("{first} (and 1 other pod): {reasons}"),
                (first, others) => format!("{} (and {others} other pods): {reasons}", first.map_or("", String::as_str)),
            })
            .collect();
        lines.sort();
        warnings.extend(lines);
        Ok(())
    }
}

/// Whether a change of a pod can change what its standard says: one of its images or lists of containers.
fn is_significant(asked: &Asked<'_>, pod: &Value) -> bool {
    let Some(old) = asked.old.filter(|_| asked.operation == Operation::Update) else { return true };
    ["containers", "initContainers", "ephemeralContainers"].iter().any(|list| {
        let images = |pod: &Value| -> BTreeMap<String, String> {
            let containers = pod.items_at(&["spec", list]).iter();
            containers.map(|c| (c.text(&["name"]).to_string(), c.text(&["image"]).to_string())).collect()
        };
        images(pod) != images(old)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn standard(level: Level) -> Standard {
        Standard { level, version: Version(None) }
    }

    #[test]
    fn labels_say_what_holds() {
        for (labels, enforce, warn, complaints) in [
            (json!({}), "privileged:latest", "privileged:latest", 0),
            (json!({"enforce": "baseline"}), "baseline:latest", "baseline:latest", 0),
            (json!({"enforce": "baseline", "warn": "restricted"}), "baseline:latest", "restricted:latest", 0),
            (json!({"enforce": "restricted", "enforce-version": "v1.30"}), "restricted:v1.30", "restricted:v1.30", 0),
            (json!({"enforce": "none", "warn-version": "v1.x"}), "restricted:latest", "privileged:latest", 2),
        ] {
            let mut errors = Errors::default();
            let label = |key: &str| labels.get(key.strip_prefix(LABEL)?)?.as_str();
            let policy = Policy::read(label, &mut errors);
            let read = (policy.enforce.to_string(), policy.warn.to_string(), errors.causes.len());
            assert_eq!(read, (enforce.into(), warn.into(), complaints), "{labels}");
        }
    }

    #[test]
    fn standards_are_worded_like_kubernetes() {
        let plain = json!({"metadata": {}, "spec": {"containers": [{"name": "c"}]}});
        let found = violations(standard(Level::Restricted), &Pod::new(&plain));
        assert_eq!(
            described(&found),
            "allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false), \
             unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), \
             runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), \
             seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \
             \"Localhost\")"
        );
        assert!(violations(standard(Level::Baseline), &Pod::new(&plain)).is_empty());
        let open = json!({"metadata": {}, "spec": {
            "hostNetwork": true, "hostPID": true, "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
            "securityContext": {"sysctls": [{"name": "kernel.x"}]},
            "containers": [
                {"name": "a", "securityContext": {"privileged": true, "capabilities": {"add": ["NET_RAW"]}},
                    "ports": [{"hostPort": 80}, {"hostPort": 81}]},
                {"name": "b", "securityContext": {"privileged": true}}
            ]
        }});
        assert_eq!(
            described(&violations(standard(Level::Baseline), &Pod::new(&open))),
            "non-default capabilities (container \"a\" must not include \"NET_RAW\" in securityContext.capabilities.add), \
             host namespaces (hostNetwork=true, hostPID=true), hostPath volumes (volume \"v\"), \
             hostPort (container \"a\" uses hostPorts 80, 81), \
             privileged (containers \"a\", \"b\" must not set securityContext.privileged=true), \
             forbidden sysctls (kernel.x)"
        );
        let good = json!({"metadata": {}, "spec": {
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "c", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
            }}]
        }});
        assert!(violations(standard(Level::Restricted), &Pod::new(&good)).is_empty());
    }
}

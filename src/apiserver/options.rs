//! The options of a request: what its query says, read and checked as kube-apiserver does.

use super::errors::{About, Answer, bad_request, invalid, invalid_options};
use super::kinds::field::Errors;
use super::request::{Query, flag, value};
use crate::api::{ObjectExt, Value};

/// How unknown and doubled fields are met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// Silently.
    Ignore,
    /// With a warning.
    #[default]
    Warn,
    /// With a failure.
    Strict,
}

/// The options of a list or a watch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// The label selector's text.
    pub labels: String,
    /// The field selector's text.
    pub fields: String,
    /// The resourceVersion; none when it was not said. 0 means "any".
    pub version: Option<u64>,
    /// `Exact`, `NotOlderThan` or empty.
    pub version_match: String,
    /// After how many seconds a watch ends; 0 for when the server likes.
    pub timeout: i64,
    /// The most items wanted; 0 for all.
    pub limit: usize,
    /// Where to go on.
    pub continues: String,
    /// Whether a watch wants bookmarks.
    pub bookmarks: bool,
    /// Whether a watch starts with what is there, and says where that ends.
    pub initial_events: Option<bool>,
}

/// The options of a write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    /// Do all but store it.
    pub dry_run: bool,
    /// Who writes.
    pub manager: String,
    /// How unknown fields are met.
    pub validation: FieldValidation,
    /// Whether an apply takes fields that others own.
    pub force: bool,
}

/// What happens to an object's dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They go after it.
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// The options of a delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delete {
    /// Do all but store it.
    pub dry_run: bool,
    /// The seconds that the object may take to end; none for the kind's own.
    pub grace: Option<i64>,
    /// What happens to dependents; none for the kind's own.
    pub propagation: Option<Propagation>,
    /// Whether the old option for this asked that dependents go.
    pub cascades: bool,
    /// The uid that the object must have.
    pub uid: Option<String>,
    /// The resourceVersion that the object must have.
    pub version: Option<String>,
}

impl List {
    /// Reads a query.
    pub fn parse(query: &Query, watch: bool) -> Answer<Self> {
        let text = |name| value(query, name).unwrap_or("").to_string();
        let version_text = text("resourceVersion");
        let version = match version_text.as_str() {
            "" => None,
            digits => Some(parse_version(digits)?),
        };
        let options = Self {
            labels: text("labelSelector"),
            fields: text("fieldSelector"),
            version,
            version_match: text("resourceVersionMatch"),
            timeout: integer(query, "timeoutSeconds")?.unwrap_or(0),
            limit: integer(query, "limit")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
            continues: text("continue"),
            bookmarks: flag(query, "allowWatchBookmarks"),
            initial_events: value(query, "sendInitialEvents").map(|_| flag(query, "sendInitialEvents")),
        };
        options.check(watch)?;
        Ok(options)
    }

    fn check(&self, watch: bool) -> Answer<()> {
        let mut errors = Errors::default();
        let forbidden = |errors: &mut Errors, field: &str, why: &str| {
            errors.push("FieldValueForbidden", field, format!("Forbidden: {why}"));
        };
        let field = "resourceVersionMatch";
        let version_match = self.version_match.as_str();
        let known: &[&str] = if watch { &["NotOlderThan"] } else { &["Exact", "NotOlderThan"] };
        if watch && self.initial_events.is_some() && version_match != "NotOlderThan" {
            forbidden(&mut errors, field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        if !version_match.is_empty() {
            if watch && self.initial_events.is_none() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                forbidden(&mut errors, field, why);
            }
            if !watch && self.version.is_none() {
                forbidden(&mut errors, field, "resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if !watch && !self.continues.is_empty() {
                forbidden(&mut errors, field, "resourceVersionMatch is forbidden when continue is provided");
            }
            if !known.contains(&version_match) {
                let names: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
                let nothing = if watch { "" } else { ", \"\"" };
                let supported = format!("supported values: {}{nothing}", names.join(", "));
                let message = format!("Unsupported value: {version_match:?}: {supported}");
                errors.push("FieldValueNotSupported", field, message);
            }
            if watch && !self.continues.is_empty() {
                forbidden(&mut errors, field, "resourceVersionMatch is forbidden when continue is provided");
            }
            if !watch && version_match == "Exact" && self.version == Some(0) {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                forbidden(&mut errors, field, why);
            }
        }
        if !watch && self.initial_events.is_some() {
            forbidden(&mut errors, "sendInitialEvents", "sendInitialEvents is forbidden for list");
        }
        if errors.causes.is_empty() { Ok(()) } else { Err(invalid(meta("ListOptions"), errors)) }
    }
}

fn meta(kind: &str) -> About<'_> {
    About { group: "meta.k8s.io", kind, name: "" }
}

/// Reads a resourceVersion.
pub fn parse_version(text: &str) -> Answer<u64> {
    text.parse().map_err(|_| {
        bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })
}

fn integer(query: &Query, name: &str) -> Answer<Option<i64>> {
    match value(query, name) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            let why = if text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit()) {
                "value out of range"
            } else {
                "invalid syntax"
            };
            bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
        }),
    }
}

impl Write {
    /// Reads the query of a write; `kind` is the name of the options in complaints: `CreateOptions`, ...
    pub fn parse(query: &Query, kind: &str) -> Answer<Self> {
        let mut errors = Errors::default();
        let dry_run = dry_run(query.iter().filter(|(k, _)| k == "dryRun").map(|(_, v)| v.as_str()), &mut errors);
        let validation = match value(query, "fieldValidation").unwrap_or("") {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let supported = "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"";
                errors.push(
                    "FieldValueNotSupported",
                    "fieldValidation",
                    format!("Unsupported value: {other:?}: {supported}"),
                );
                FieldValidation::Warn
            }
        };
        let manager = value(query, "fieldManager").unwrap_or("").to_string();
        if manager.len() > 128 {
            errors.push("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes".into());
        }
        if let Some(odd) = manager.chars().find(|c| c.is_control()) {
            let detail = format!("should only contain printable characters; found {odd:?}");
            errors.invalid("fieldManager", &manager.as_str().into(), &detail);
        }
        if errors.causes.is_empty() {
            Ok(Self { dry_run, manager, validation, force: flag(query, "force") })
        } else {
            Err(invalid(meta(kind), errors))
        }
    }

    /// What an apply needs besides.
    pub fn check_apply(&self) -> Answer<()> {
        if self.manager.is_empty() {
            let message = "Required value: is required for apply patch".into();
            return Err(invalid_options("PatchOptions", "FieldValueRequired", "fieldManager", message));
        }
        Ok(())
    }

    /// What a patch that is no apply must not say.
    pub fn check_patch(&self) -> Answer<()> {
        if self.force {
            let message = "Forbidden: may not be specified for non-apply patch".into();
            return Err(invalid_options("PatchOptions", "FieldValueForbidden", "force", message));
        }
        Ok(())
    }
}

fn dry_run<'a>(values: impl Iterator<Item = &'a str>, errors: &mut Errors) -> bool {
    let values: Vec<&str> = values.filter(|v| !v.is_empty()).collect();
    if values.iter().any(|v| *v != "All") {
        let shown = Value::from(values.clone());
        errors.push(
            "FieldValueNotSupported",
            "dryRun",
            format!("Unsupported value: {shown}: supported values: \"All\""),
        );
    }
    !values.is_empty()
}

impl Delete {
    /// Reads the query of a delete, and its body when it has one. The body wins as a whole, as in kube-apiserver.
    pub fn parse(query: &Query, body: Option<&Value>) -> Answer<Self> {
        let mut errors = Errors::default();
        let (grace, orphan, propagation, dry) = match body {
            Some(body) => (
                body.integer(&["gracePeriodSeconds"]),
                body.get("orphanDependents").and_then(Value::as_bool),
                body.text(&["propagationPolicy"]).to_string(),
                dry_run(body.items_at(&["dryRun"]).iter().filter_map(Value::as_str), &mut errors),
            ),
            None => (
                integer(query, "gracePeriodSeconds")?,
                value(query, "orphanDependents").map(|_| flag(query, "orphanDependents")),
                value(query, "propagationPolicy").unwrap_or("").to_string(),
                dry_run(query.iter().filter(|(k, _)| k == "dryRun").map(|(_, v)| v.as_str()), &mut errors),
            ),
        };
        let named = match propagation.as_str() {
            "" => None,
            "Background" => Some(Propagation::Background),
            "Foreground" => Some(Propagation::Foreground),
            "Orphan" => Some(Propagation::Orphan),
            other => {
                let supported = r#"supported values: "Foreground", "Background", "Orphan", "nil""#;
                errors.push(
                    "FieldValueNotSupported",
                    "propagationPolicy",
                    format!("Unsupported value: {other:?}: {supported}"),
                );
                None
            }
        };
        if orphan.is_some() && !propagation.is_empty() {
            let value = Value::from(propagation);
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.invalid("propagationPolicy", &value, detail);
        }
        if !errors.causes.is_empty() {
            return Err(invalid(meta("DeleteOptions"), errors));
        }
        let precondition = |name: &str| {
            let text = body?.at(&["preconditions", name])?.as_str()?;
            Some(text.to_string())
        };
        let cascades = orphan == Some(false);
        let orphan = orphan.map(|yes| if yes { Propagation::Orphan } else { Propagation::Background });
        Ok(Self {
            dry_run: dry,
            grace,
            propagation: named.or(orphan),
            cascades,
            uid: precondition("uid"),
            version: precondition("resourceVersion"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query(pairs: &[(&str, &str)]) -> Query {
        pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    #[test]
    fn lists_are_checked() {
        for (pairs, watch, message) in [
            (&[("limit", "abc")][..], false, r#"strconv.ParseInt: parsing "abc": invalid syntax"#),
            (
                &[("resourceVersion", "abc")],
                false,
                r#"invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax"#,
            ),
            (
                &[("resourceVersionMatch", "Exact")],
                false,
                r#"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"#,
            ),
            (
                &[("sendInitialEvents", "true")],
                false,
                r#"ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"#,
            ),
            (
                &[("sendInitialEvents", "true")],
                true,
                r#"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"#,
            ),
        ] {
            assert_eq!(List::parse(&query(pairs), watch).unwrap_err().message, message);
        }
        let good = List::parse(&query(&[("limit", "-1"), ("timeoutSeconds", "3"), ("watch", "1")]), true).unwrap();
        assert_eq!((good.limit, good.timeout), (0, 3));
    }

    #[test]
    fn writes_are_checked() {
        for (pairs, message) in [
            (
                &[("dryRun", "Some")][..],
                r#"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All""#,
            ),
            (
                &[("fieldValidation", "Bogus")],
                r#"CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Bogus": supported values: "", "Ignore", "Strict", "Warn""#,
            ),
            (
                &[("fieldManager", &"m".repeat(129))],
                r#"CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes"#,
            ),
        ] {
            assert_eq!(Write::parse(&query(pairs), "CreateOptions").unwrap_err().message, message);
        }
        let good = Write::parse(&query(&[("dryRun", "All"), ("fieldManager", "m")]), "CreateOptions").unwrap();
        assert!(good.dry_run && good.manager == "m" && good.check_apply().is_ok());
    }

    #[test]
    fn a_deletes_body_wins() {
        let query = query(&[("gracePeriodSeconds", "5"), ("propagationPolicy", "Orphan")]);
        let from_query = Delete::parse(&query, None).unwrap();
        assert_eq!((from_query.grace, from_query.propagation), (Some(5), Some(Propagation::Orphan)));
        let body = json!({"preconditions": {"uid": "u"}, "propagationPolicy": "Foreground", "dryRun": ["All"]});
        let from_body = Delete::parse(&query, Some(&body)).unwrap();
        assert_eq!((from_body.grace, from_body.propagation), (None, Some(Propagation::Foreground)));
        assert_eq!((from_body.uid.as_deref(), from_body.dry_run), (Some("u"), true));
        assert!(Delete::parse(&query, Some(&json!({"propagationPolicy": "Bogus"}))).is_err());
    }
}

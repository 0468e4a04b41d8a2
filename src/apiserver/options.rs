//! The options of a request: what its query says, read and checked as kube-apiserver does.

use super::errors::{About, Answer, bad_request, internal_plain, invalid};
use super::kinds::field::Errors;
use super::request::{Query, flag, value};
use crate::api::duration::GoDuration;
use crate::api::{ObjectExt, Value};
use crate::expr::go_value::{code_point, is_printable};

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
        let mut options = Self {
            labels: text("labelSelector"),
            fields: text("fieldSelector"),
            version: None,
            version_match: text("resourceVersionMatch"),
            timeout: integer(query, "timeoutSeconds")?.unwrap_or(0),
            limit: integer(query, "limit")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
            continues: text("continue"),
            bookmarks: flag(query, "allowWatchBookmarks"),
            initial_events: value(query, "sendInitialEvents").map(|_| flag(query, "sendInitialEvents")),
        };
        let version = text("resourceVersion");
        options.check(watch, &version)?;
        options.version = match version.as_str() {
            "" => None,
            "0" => Some(0),
            // With it a list goes nowhere, whatever it is.
            _ if !watch && !options.continues.is_empty() => Some(u64::MAX),
            digits if watch => Some(read_version(digits).map_err(internal_plain)?),
            digits => Some(parse_version(digits)?),
        };
        Ok(options)
    }

    fn check(&self, watch: bool, version: &str) -> Answer<()> {
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
            if !watch && version.is_empty() {
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
            if !watch && version_match == "Exact" && version == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                forbidden(&mut errors, field, why);
            }
        }
        // A watch from any version starts with what is there, as if it had asked for that.
        let starts_anywhere = self.initial_events.is_none() && version_match.is_empty() && matches!(version, "" | "0");
        if watch && !self.continues.is_empty() && (starts_anywhere || !version_match.is_empty()) {
            forbidden(&mut errors, field, "resourceVersionMatch is forbidden when continue is provided");
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
    read_version(text).map_err(|why| bad_request(format!("invalid resource version: {why}")))
}

fn read_version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        let why = go_problem(text, text);
        format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: {why}")
    })
}

fn integer(query: &Query, name: &str) -> Answer<Option<i64>> {
    let Some(text) = value(query, name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let why = go_problem(text, text.strip_prefix(['+', '-']).unwrap_or(text));
        bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
    })
}

/// Why Go reads no number from a text that has these digits.
fn go_problem(text: &str, digits: &str) -> &'static str {
    let is_number = !text.is_empty() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { "value out of range" } else { "invalid syntax" }
}

/// Refuses a time for the whole request that is none. Nothing takes so long here that it would have to be kept.
pub fn check_timeout(query: &Query) -> Answer<()> {
    let Some(text) = value(query, "timeout").filter(|text| !text.is_empty()) else { return Ok(()) };
    let read = GoDuration::read(text).map(|_| ());
    read.map_err(|why| bad_request(format!("invalid timeout specified in the request URL - {why}")))
}

impl Write {
    /// Reads the query of a write; `kind` is the name of the options in complaints: `CreateOptions`, ...
    pub fn parse(query: &Query, kind: &str) -> Answer<Self> {
        Self::read(query, kind, Errors::default())
    }

    /// Reads the query of a patch, or of an apply, which needs and allows more.
    pub fn parse_patch(query: &Query, is_apply: bool) -> Answer<Self> {
        let mut errors = Errors::default();
        if is_apply && value(query, "fieldManager").unwrap_or("").is_empty() {
            errors.required("fieldManager", "is required for apply patch");
        } else if !is_apply && value(query, "force").is_some() {
            let message = "Forbidden: may not be specified for non-apply patch";
            errors.push("FieldValueForbidden", "force", message.into());
        }
        Self::read(query, "PatchOptions", errors)
    }

    fn read(query: &Query, kind: &str, mut errors: Errors) -> Answer<Self> {
        let manager = value(query, "fieldManager").unwrap_or("").to_string();
        if manager.len() > 128 {
            errors.push("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes".into());
        }
        for (at, odd) in manager.char_indices().filter(|(_, c)| !is_printable(*c)) {
            let detail = format!("invalid character {} (at position {at})", code_point(odd));
            errors.invalid("fieldManager", &manager.as_str().into(), &detail);
        }
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
        if errors.causes.is_empty() {
            Ok(Self { dry_run, manager, validation, force: flag(query, "force") })
        } else {
            Err(invalid(meta(kind), errors))
        }
    }
}

fn dry_run<'a>(values: impl Iterator<Item = &'a str>, errors: &mut Errors) -> bool {
    let values: Vec<&str> = values.collect();
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
        let text = |at: &[&str]| body.and_then(|body| body.at(at)?.as_str()).map(str::to_string);
        let asked = |name: &str| value(query, name).map(str::to_string);
        let (grace, orphan, propagation) = match body {
            Some(body) => (
                body.integer(&["gracePeriodSeconds"]),
                body.get("orphanDependents").and_then(Value::as_bool),
                text(&["propagationPolicy"]),
            ),
            None => (
                integer(query, "gracePeriodSeconds")?,
                value(query, "orphanDependents").map(|_| flag(query, "orphanDependents")),
                asked("propagationPolicy"),
            ),
        };
        // In a query what must be true of the object is said without more ado, and not at all when it is empty.
        let precondition = |name: &str| match body {
            Some(_) => text(&["preconditions", name]),
            None => asked(name).filter(|wanted| !wanted.is_empty()),
        };
        let mut errors = Errors::default();
        if orphan.is_some()
            && let Some(policy) = &propagation
        {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.invalid("propagationPolicy", &policy.as_str().into(), detail);
        }
        let named = match propagation.as_deref() {
            None => None,
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let supported = r#"supported values: "Foreground", "Background", "Orphan", "nil""#;
                errors.push(
                    "FieldValueNotSupported",
                    "propagationPolicy",
                    format!("Unsupported value: {other:?}: {supported}"),
                );
                None
            }
        };
        let dry = match body {
            Some(body) => dry_run(body.items_at(&["dryRun"]).iter().filter_map(Value::as_str), &mut errors),
            None => dry_run(query.iter().filter(|(k, _)| k == "dryRun").map(|(_, v)| v.as_str()), &mut errors),
        };
        if !errors.causes.is_empty() {
            return Err(invalid(meta("DeleteOptions"), errors));
        }
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
            (&[("limit", "")][..], false, r#"strconv.ParseInt: parsing "": invalid syntax"#),
            (
                &[("timeoutSeconds", "99999999999999999999")],
                true,
                r#"strconv.ParseInt: parsing "99999999999999999999": value out of range"#,
            ),
            (
                &[("continue", "x"), ("watch", "1")],
                true,
                r#"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided"#,
            ),
            (
                &[("resourceVersion", "x")],
                true,
                r#"resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax"#,
            ),
            (&[("limit", "abc")], false, r#"strconv.ParseInt: parsing "abc": invalid syntax"#),
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
        assert!(good.dry_run && good.manager == "m");
        for (pairs, is_apply, message) in [
            (
                &[("force", "false")][..],
                false,
                r#"PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch"#,
            ),
            (
                &[("dryRun", "")],
                true,
                r#"PatchOptions.meta.k8s.io "" is invalid: [fieldManager: Required value: is required for apply patch, dryRun: Unsupported value: [""]: supported values: "All"]"#,
            ),
            (
                &[("fieldManager", "a\n\u{200b}")],
                true,
                r#"PatchOptions.meta.k8s.io "" is invalid: [fieldManager: Invalid value: "a\n\u200b": invalid character U+000A (at position 1), fieldManager: Invalid value: "a\n\u200b": invalid character U+200B (at position 2)]"#,
            ),
        ] {
            assert_eq!(Write::parse_patch(&query(pairs), is_apply).unwrap_err().message, message);
        }
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

    #[test]
    fn a_deletes_query_is_checked() {
        let sure = Delete::parse(&query(&[("uid", "u"), ("resourceVersion", "7")]), None).unwrap();
        assert_eq!((sure.uid.as_deref(), sure.version.as_deref()), (Some("u"), Some("7")));
        let both = Delete::parse(&query(&[("propagationPolicy", ""), ("orphanDependents", ""), ("dryRun", "x")]), None);
        let message = r#"DeleteOptions.meta.k8s.io "" is invalid: [propagationPolicy: Invalid value: "": orphanDependents and deletionPropagation cannot be both set, propagationPolicy: Unsupported value: "": supported values: "Foreground", "Background", "Orphan", "nil", dryRun: Unsupported value: ["x"]: supported values: "All"]"#;
        assert_eq!(both.unwrap_err().message, message);
    }

    #[test]
    fn times_are_durations() {
        for (text, complaint) in [
            ("", None),
            ("1m", None),
            ("-1s", None),
            ("x", Some(r#"invalid timeout specified in the request URL - time: invalid duration "x""#)),
            ("1", Some(r#"invalid timeout specified in the request URL - time: missing unit in duration "1""#)),
        ] {
            let said = check_timeout(&query(&[("timeout", text)])).err().map(|failure| failure.message);
            assert_eq!(said.as_deref(), complaint);
        }
    }
}

//! Namespaces, and the quotas and limit ranges that are in them.

use super::context::{Context, Lookup};
use super::labels::{self, sorted};
use super::read::{canonical, entries, number, quantity, some, texts};
use super::writer::Writer;
use super::{Error, conditions};
use crate::api::{ObjectExt, Value};

/// What a namespace's description needs: its quotas and limit ranges.
pub fn needs(namespace: &Value) -> Vec<Lookup> {
    ["resourcequotas", "limitranges"].map(|resource| lookup(namespace, resource)).to_vec()
}

fn lookup(namespace: &Value, resource: &str) -> Lookup {
    Lookup::list("", "v1", resource, namespace.name(), "", "")
}

/// Describes a Namespace.
pub fn namespace(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    // A server may have no such thing.
    let found = |resource| match context.found(&lookup(object, resource)) {
        Ok(objects) => Ok(Some(objects)),
        Err(status) if status.reason == "NotFound" => Ok(None),
        Err(status) => Err(Error::from(status)),
    };
    let (quotas, ranges) = (found("resourcequotas")?, found("limitranges")?);
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    w.field(0, "Status", object.text(&["status", "phase"]));
    conditions::write(w, object, conditions::CHANGES, context);
    if let Some(quotas) = quotas {
        w.line(0, "");
        namespace_quotas(w, quotas);
    }
    if let Some(ranges) = ranges {
        w.line(0, "");
        namespace_limits(w, ranges);
    }
    Ok(())
}

fn namespace_quotas(w: &mut Writer, quotas: &[Value]) {
    if quotas.is_empty() {
        return w.line(0, "No resource quota.");
    }
    w.line(0, "Resource Quotas");
    for quota in sorted(quotas, |quota| quota.name().to_owned()) {
        w.field(1, "Name", quota.name());
        scopes(w, 1, "* ", quota);
        w.line(1, "Resource\tUsed\tHard");
        w.line(1, "--------\t---\t---");
        for (resource, hard) in entries(quota, &["status", "hard"]) {
            let used = quantity(quota, &["status", "used", resource]);
            w.line(1, format_args!("{resource}\t{used}\t{}", canonical(hard)));
        }
    }
}

/// Describes a ResourceQuota.
pub fn resource_quota(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    scopes(w, 0, " * ", object);
    w.line(0, "Resource\tUsed\tHard");
    w.line(0, "--------\t----\t----");
    for (resource, hard) in entries(object, &["status", "hard"]) {
        let used = some(object, &["status", "used", resource]).and_then(number);
        let used = match (used, number(hard)) {
            (Some(used), Some(hard)) => used.in_notation_of(&hard).to_string(),
            _ => quantity(object, &["status", "used", resource]),
        };
        w.line(0, format_args!("{resource}\t{used}\t{}", canonical(hard)));
    }
}

fn scopes(w: &mut Writer, level: usize, bullet: &str, quota: &Value) {
    let mut scopes = texts(quota, &["spec", "scopes"]);
    if scopes.is_empty() {
        return;
    }
    scopes.sort_unstable();
    w.field(level, "Scopes", scopes.join(", "));
    for help in scopes.iter().filter_map(|scope| scope_help(scope)) {
        w.line(level, format_args!("{bullet}{help}"));
    }
}

fn scope_help(scope: &str) -> Option<&'static str> {
    Some(match scope {
        "Terminating" => {
            "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being \
             actively terminated by the system."
        }
        "NotTerminating" => {
            "Matches all pods that do not have an active deadline. These pods usually include long running pods whose \
             container command is not expected to terminate."
        }
        "BestEffort" => {
            "Matches all pods that do not have resource requirements set. These pods have a best effort quality of \
             service."
        }
        "NotBestEffort" => {
            "Matches all pods that have at least one resource requirement set. These pods have a burstable or \
             guaranteed quality of service."
        }
        _ => return None,
    })
}

fn namespace_limits(w: &mut Writer, ranges: &[Value]) {
    if ranges.is_empty() {
        return w.line(0, "No LimitRange resource.");
    }
    w.line(0, "Resource Limits");
    w.line(0, " Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    w.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    ranges.iter().for_each(|range| limits(w, range, " "));
}

/// Describes a LimitRange.
pub fn limit_range(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    w.line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    limits(w, object, "");
}

fn limits(w: &mut Writer, range: &Value, space: &str) {
    const AMOUNTS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
    for limit in range.items_at(&["spec", "limits"]) {
        let mut resources: Vec<&String> =
            AMOUNTS.iter().flat_map(|key| entries(limit, &[key])).map(|(name, _)| name).collect();
        resources.sort_unstable();
        resources.dedup();
        for resource in resources {
            let amounts = AMOUNTS.map(|key| some(limit, &[key, resource]).map_or_else(|| "-".into(), canonical));
            w.line(0, format_args!("{space}{}\t{resource}\t{}", limit.text(&["type"]), amounts.join("\t")));
        }
    }
}

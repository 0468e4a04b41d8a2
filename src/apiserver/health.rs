//! Whether the server is well: `/healthz`, `/livez`, `/readyz`, and each of their checks.
//!
//! A server that answers at all has everything in place, so all checks succeed but two: `etcd`, which is the store
//! whatever it is, and `shutdown`. The names are kube-apiserver's, because monitors ask for them.

use super::discovery::not_found;
use super::errors::quoted;
use super::pipeline::Server;
use super::request::{Query, value};
use super::respond::{self, Body};
use http::{Response, StatusCode};
use std::collections::BTreeSet;

/// The checks, in the order in which they are listed. `etcd` and `loopback-serving-certificate` are not part of
/// readiness, which has `informer-sync` and `shutdown` instead.
const CHECKS: [&str; 37] = [
    "ping",
    "log",
    "loopback-serving-certificate",
    "etcd",
    "informer-sync",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/peer-endpoint-reconciler-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/storage-readiness",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-wait-for-first-sync",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
    "shutdown",
];

/// The checks of an endpoint.
pub fn checks(endpoint: &str) -> impl Iterator<Item = &'static str> {
    let left_out: [&str; 2] =
        if endpoint == "readyz" { ["etcd", "loopback-serving-certificate"] } else { ["informer-sync", "shutdown"] };
    CHECKS.into_iter().filter(move |check| !left_out.contains(check))
}

/// A check that fails, and why.
type Failing = (&'static str, String);

impl Server {
    /// Answers for an endpoint, or one of its checks.
    pub(super) async fn health(&self, endpoint: &str, check: &str, query: &Query) -> Response<Body> {
        let mut failing = Vec::new();
        if let Err(error) = self.store.check().await {
            failing.push(("etcd", error.to_string()));
        }
        if *self.stopping.borrow() && endpoint == "readyz" {
            failing.push(("shutdown", "process is shutting down".into()));
        }
        answer(endpoint, check, query, &failing)
    }
}

fn answer(endpoint: &str, check: &str, query: &Query, failing: &[Failing]) -> Response<Body> {
    if !check.is_empty() {
        if let Some((_, why)) = failing.iter().find(|(name, _)| *name == check) {
            return respond::text(StatusCode::INTERNAL_SERVER_ERROR, format!("internal server error: {why}\n"));
        }
        return if checks(endpoint).any(|known| known == check) {
            respond::whole(StatusCode::OK, respond::TEXT, b"ok".to_vec(), false)
        } else {
            not_found()
        };
    }
    let excluded: Vec<&str> = query.iter().filter(|(key, _)| key == "exclude").map(|(_, v)| v.as_str()).collect();
    let fails = |check: &str| failing.iter().any(|(name, _)| *name == check) && !excluded.contains(&check);
    let failed = failing.iter().any(|(name, _)| fails(name));
    if value(query, "verbose").is_none() && !failed {
        return respond::text(StatusCode::OK, "ok");
    }
    let mut text = String::new();
    // A store that fails matters to all of them.
    for check in CHECKS.into_iter().filter(|check| fails(check) || checks(endpoint).any(|known| known == *check)) {
        if fails(check) {
            text.push_str(&format!("[-]{check} failed: reason withheld\n"));
        } else {
            let result = if excluded.contains(&check) { "excluded: ok" } else { "ok" };
            text.push_str(&format!("[+]{check} {result}\n"));
        }
    }
    let unknown = excluded.iter().filter(|check| !checks(endpoint).any(|known| known == **check));
    let unknown: BTreeSet<String> = unknown.map(|check| quoted(check)).collect();
    if !unknown.is_empty() {
        let unknown = unknown.into_iter().collect::<Vec<_>>().join(",");
        text.push_str(&format!("warn: some health checks cannot be excluded: no matches for {unknown}\n"));
    }
    if failed {
        text.push_str(&format!("{endpoint} check failed\n"));
        return respond::text(StatusCode::INTERNAL_SERVER_ERROR, text);
    }
    text.push_str(&format!("{endpoint} check passed\n"));
    respond::text(StatusCode::OK, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(endpoint: &str, check: &str, query: &[(&str, &str)], failing: &[Failing]) -> (u16, String) {
        let query: Query = query.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let (parts, body) = answer(endpoint, check, &query, failing).into_parts();
        let Body::Whole(bytes) = body else { panic!("not a whole body") };
        (parts.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn failing_checks_are_named() {
        let failing = [("etcd", "gone".to_string())];
        for endpoint in ["healthz", "livez", "readyz"] {
            assert_eq!(said(endpoint, "", &[], &[]), (200, "ok".into()));
            let (code, text) = said(endpoint, "", &[], &failing);
            assert_eq!(code, 500);
            assert!(text.contains("\n[-]etcd failed: reason withheld\n[+]"), "{text}");
            assert!(text.ends_with(&format!("\n{endpoint} check failed\n")), "{text}");
            assert_eq!(said(endpoint, "", &[("exclude", "etcd")], &failing).0, 200);
        }
        assert_eq!(said("healthz", "etcd", &[], &failing), (500, "internal server error: gone\n".into()));
        assert_eq!(said("healthz", "ping", &[], &failing), (200, "ok".into()));
    }
}

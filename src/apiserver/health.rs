//! Whether the server is well: `/healthz`, `/livez`, `/readyz`, and each of their checks.
//!
//! A server that answers at all has everything in place, so all checks succeed; their names are kube-apiserver's,
//! because monitors ask for them.

use super::discovery::not_found;
use super::request::{Query, value};
use super::respond::{self, Body};
use http::{Response, StatusCode};

/// The checks, in the order in which they are listed. `etcd` and `loopback-serving-certificate` are not part of
/// readiness, which has `informer-sync` and `shutdown` instead.
const CHECKS: [&str; 37] = [
    "ping",
    "log",
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
    "loopback-serving-certificate",
    "shutdown",
];

/// The checks of an endpoint.
pub fn checks(endpoint: &str) -> impl Iterator<Item = &'static str> {
    let left_out: [&str; 2] =
        if endpoint == "readyz" { ["etcd", "loopback-serving-certificate"] } else { ["informer-sync", "shutdown"] };
    CHECKS.into_iter().filter(move |check| !left_out.contains(check))
}

/// Answers for an endpoint, or one of its checks.
pub fn answer(endpoint: &str, check: &str, query: &Query) -> Response<Body> {
    if !check.is_empty() {
        return if checks(endpoint).any(|known| known == check) {
            respond::text(StatusCode::OK, "ok")
        } else {
            not_found()
        };
    }
    if value(query, "verbose").is_none() {
        return respond::text(StatusCode::OK, "ok");
    }
    let excluded: Vec<&str> = query.iter().filter(|(key, _)| key == "exclude").map(|(_, v)| v.as_str()).collect();
    let mut text = String::new();
    for check in checks(endpoint) {
        let result = if excluded.contains(&check) { "excluded: ok" } else { "ok" };
        text.push_str(&format!("[+]{check} {result}\n"));
    }
    text.push_str(&format!("{endpoint} check passed\n"));
    respond::text(StatusCode::OK, text)
}

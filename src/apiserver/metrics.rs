//! What the server counts, for monitors: `/metrics` and `/metrics/slis`, in Prometheus' text form.

use super::clock::http_date;
use super::errors::Answer;
use super::health;
use super::pipeline::{Server, store_failure};
use super::request::{Query, Resource, Target, Verb, value};
use super::respond::{self, Body};
use super::store::Range;
use super::version;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
/// The header that says since when the counters count.
const SINCE: HeaderName = HeaderName::from_static("process-start-time-unix");

/// How often what was asked, since the server started.
#[derive(Default)]
pub struct Metrics {
    /// When the server started, in seconds.
    started: i64,
    /// By the labels of the metric. Only what is served is counted, so that nobody can make it grow.
    requests: Mutex<BTreeMap<String, u64>>,
}

impl Metrics {
    /// Counters of a server that starts now.
    pub fn since(started: i64) -> Self {
        Self { started, ..Self::default() }
    }
}

impl Server {
    /// Counts a request that was answered.
    pub(super) fn count_request(&self, target: &Target, query: &Query, is_apply: bool, code: StatusCode) {
        let Target::Resource(target) = target else { return };
        let Some(served) = self.registry.lookup(&target.group, &target.version, &target.resource) else { return };
        if !target.subresource.is_empty() && served.subresource(&target.subresource).is_none() {
            return;
        }
        let scope = match (target.name.is_empty(), target.namespace.is_empty()) {
            (false, _) => "resource",
            (true, false) => "namespace",
            (true, true) => "cluster",
        };
        let dry_run = if value(query, "dryRun") == Some("All") { "All" } else { "" };
        let Resource { group, version, resource, subresource, .. } = target;
        let (code, verb) = (code.as_u16(), verb(target, is_apply));
        let labels = format!(
            r#"code="{code}",component="apiserver",dry_run="{dry_run}",group="{group}",resource="{resource}",scope="{scope}",subresource="{subresource}",verb="{verb}",version="{version}""#
        );
        *self.metrics.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(labels).or_default() += 1;
    }

    /// Answers with all that is counted.
    pub(super) async fn show_metrics(&self) -> Answer<Response<Body>> {
        let mut text = String::new();
        head(&mut text, "apiserver_request_total", "counter", "Requests that were answered.");
        for (labels, count) in self.metrics.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            line(&mut text, "apiserver_request_total", labels, *count);
        }
        head(&mut text, "apiserver_resource_objects", "gauge", "Objects that are stored.");
        let mut seen = Vec::new();
        for served in self.registry.all() {
            if !served.allows("list") || seen.contains(&served.collection) {
                continue;
            }
            let all = Range { collection: &served.collection, prefix: "", start: "", limit: 1, at: None };
            let page = self.store.range(all).await.map_err(store_failure)?;
            let labels = format!(r#"group="{}",resource="{}""#, served.kind.group, served.info.resource);
            line(&mut text, "apiserver_resource_objects", &labels, page.entries.len() + page.remaining);
            seen.push(served.collection.clone());
        }
        head(&mut text, "kubernetes_build_info", "gauge", "The version that the server answers like.");
        let (major, minor, git) = (version::MAJOR, version::MINOR, version::VERSION);
        let labels = format!(r#"git_version="{git}",major="{major}",minor="{minor}""#);
        line(&mut text, "kubernetes_build_info", &labels, 1);
        head(&mut text, "process_start_time_seconds", "gauge", "When the server started.");
        line(&mut text, "process_start_time_seconds", "", self.metrics.started);
        Ok(self.metrics_answer(text))
    }

    /// Answers with how each check of its health went.
    pub(super) async fn show_checks(&self) -> Response<Body> {
        let mut text = String::new();
        head(&mut text, "kubernetes_healthcheck", "gauge", "Whether a check of the server's health succeeds.");
        let is_well = self.store.check().await.is_ok();
        let endpoints = ["healthz", "livez", "readyz"];
        let checks = endpoints.iter().flat_map(|endpoint| health::checks(endpoint).map(move |check| (check, endpoint)));
        let checks: BTreeMap<_, _> = checks.map(|pair| (pair, u8::from(pair.0 != "etcd" || is_well))).collect();
        for ((check, endpoint), well) in checks {
            line(&mut text, "kubernetes_healthcheck", &format!(r#"name="{check}",type="{endpoint}""#), well);
        }
        self.metrics_answer(text)
    }

    /// Answers with what the server is and since when.
    pub(super) fn show_status(&self) -> Response<Body> {
        let started = http_date(self.metrics.started);
        let seconds = (self.clock)().seconds - self.metrics.started;
        let version = version::VERSION.trim_start_matches('v');
        let text = format!("\napiserver statusz\n\nStarted= {started}\nUp= {seconds} sec\nBinary version= {version}\n");
        respond::text(StatusCode::OK, text)
    }

    fn metrics_answer(&self, text: String) -> Response<Body> {
        let mut response = respond::whole(StatusCode::OK, MEDIA, text.into_bytes(), false);
        response.headers_mut().insert(SINCE, HeaderValue::from(self.metrics.started));
        response
    }
}

/// The verb, as metrics spell it.
fn verb(target: &Resource, is_apply: bool) -> &'static str {
    match target.verb() {
        _ if matches!(target.subresource.as_str(), "attach" | "exec" | "portforward" | "proxy") => "CONNECT",
        Verb::Get => "GET",
        Verb::List => "LIST",
        Verb::Watch => "WATCH",
        Verb::Create => "POST",
        Verb::Update => "PUT",
        Verb::Patch if is_apply => "APPLY",
        Verb::Patch => "PATCH",
        Verb::Delete | Verb::DeleteCollection => "DELETE",
        Verb::Other => "other",
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing into memory cannot fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    let _ = writeln!(text, "{name}{labels} {value}");
}

//! Reading a manifest from a URL: a plain GET that has nothing to do with the cluster.

use super::Error;
use super::cause::{self, Circumstances};
use super::dial::Resolver;
use super::error::ConnectionError;
use crate::kubeconfig::Tls;
use std::sync::Arc;
use std::time::Duration;

/// How often a server that has a fault is asked, and how long to wait between.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The body that a URL answers.
///
/// # Errors
/// In kubectl's words, when there is no answer or none with the code 200.
pub async fn download(url: &str) -> Result<Vec<u8>, Error> {
    let failed = |error: String| Error::Message(format!("Get {url:?}: {error}"));
    let config =
        super::tls::config(&Tls::default(), None, Arc::default()).map_err(|fault| failed(fault.to_string()))?;
    let resolver = Resolver::default();
    let client =
        reqwest::Client::builder().tls_backend_preconfigured(config).dns_resolver(Arc::new(resolver.clone())).build();
    let client = client.map_err(|error| Error::Message(format!("Get {url:?}: {error}")))?;
    let mut attempt = 1;
    loop {
        let again = match client.get(url).send().await {
            Ok(answer) if answer.status().as_u16() == 200 => {
                let body = answer.bytes().await;
                return Ok(body.map_err(|error| Error::Message(format!("Get {url:?}: {error}")))?.into());
            }
            Ok(answer) => {
                let status = answer.status();
                let reason = status.canonical_reason().unwrap_or_default();
                let code = status.as_u16();
                let text = format!("unable to read URL {url:?}, server reported {code} {reason}, status code={code}");
                (Error::Message(text), status.is_server_error())
            }
            Err(error) => (unreached(url, &error, &resolver), true),
        };
        match again {
            (_, true) if attempt < ATTEMPTS => attempt += 1,
            (error, _) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The error of a server that did not answer.
fn unreached(url: &str, error: &reqwest::Error, resolver: &Resolver) -> Error {
    let parsed = reqwest::Url::parse(url).ok();
    let parsed = parsed.as_ref();
    let name = parsed.and_then(|url| url.host_str()).unwrap_or_default();
    let port = parsed.and_then(|url| url.port_or_known_default()).unwrap_or_default().to_string();
    let host = match parsed.and_then(|url| url.port()) {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    let dialled = resolver.dialled(name, &port);
    let about = Circumstances { through: String::new(), dialled, connecting: error.is_connect() };
    let cause = cause::of_request(error, &about);
    Error::Connection(Box::new(ConnectionError { operation: "Get".into(), url: url.to_owned(), host, cause }))
}

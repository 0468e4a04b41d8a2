//! Reading a manifest from a URL: a plain GET that has nothing to do with the cluster.

use super::Error;
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
    let client = reqwest::Client::builder().tls_backend_preconfigured(config).build();
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
            Err(error) => (Error::Message(format!("Get {url:?}: {error}")), true),
        };
        match again {
            (_, true) if attempt < ATTEMPTS => attempt += 1,
            (error, _) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

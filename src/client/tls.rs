//! The TLS side of a connection: which servers are trusted, and as whom the client connects. Built only for `https`;
//! the system's authorities are read only when no others are given.

use crate::kubeconfig::Tls;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore, SignatureScheme,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a handshake may take (Go's `TLSHandshakeTimeout`).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is known of the handshakes of a client, so that one that hangs can be told from a slow answer.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    begun: AtomicUsize,
    done: AtomicUsize,
    change: Notify,
}

impl Handshakes {
    fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.change.notify_waiters();
    }

    fn finish(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a handshake is going on.
    pub(super) fn is_open(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > self.done.load(Ordering::Relaxed)
    }

    /// Waits until a handshake has got nowhere for too long; forever when that does not happen.
    pub(super) async fn stalled(&self) {
        loop {
            let change = self.change.notified();
            if self.is_open() {
                let done = self.done.load(Ordering::Relaxed);
                tokio::time::sleep(HANDSHAKE_TIMEOUT).await;
                if self.is_open() && self.done.load(Ordering::Relaxed) == done {
                    return;
                }
            } else {
                change.await;
            }
        }
    }
}

/// What is wrong with certificates or keys, in Go's words.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Fault {
    /// With the authorities' certificates.
    #[error("{0}")]
    Authorities(String),
    /// With the client's certificate or its key.
    #[error("{0}")]
    Client(String),
}

/// Makes the configuration. `client` is a certificate and its key, as PEM text.
pub(super) fn config(
    tls: &Tls,
    client: Option<(&[u8], &[u8])>,
    handshakes: Arc<Handshakes>,
) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if tls.insecure {
        Arc::new(Unverified { provider: provider.clone(), handshakes })
    } else {
        Arc::new(Verified::new(tls, provider.clone(), handshakes).map_err(Fault::Authorities)?)
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Client(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let (chain, key) = (chain(certificate).map_err(Fault::Client)?, private_key(key).map_err(Fault::Client)?);
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    Fault::Client("tls: private key does not match public key".to_owned())
                }
                error => Fault::Client(format!("tls: {error}")),
            })?
        }
    };
    // Without tickets every handshake shows its certificate, which is how its end is noticed.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// A configuration that trusts nobody, for clients that only speak plain HTTP: it costs next to nothing.
pub(super) fn unused() -> Result<ClientConfig, String> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// The certificates in a PEM text, and what else is in it.
fn certificates(text: &[u8]) -> (Vec<CertificateDer<'static>>, Vec<SectionKind>) {
    let (mut certificates, mut others) = (Vec::new(), Vec::new());
    for (kind, content) in <(SectionKind, Vec<u8>)>::pem_slice_iter(text).flatten() {
        match kind {
            SectionKind::Certificate => certificates.push(content.into()),
            other => others.push(other),
        }
    }
    (certificates, others)
}

/// The authorities in a PEM text.
fn authorities(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let fault = |why: &str| Err(format!("unable to load root certificates: {why}"));
    match certificates(text) {
        (none, others) if none.is_empty() && others.is_empty() => fault("unable to parse bytes as PEM block"),
        (none, _) if none.is_empty() => fault("no valid certificate authority data seen"),
        (found, _) => Ok(found),
    }
}

/// The certificates of a client.
fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    match certificates(text) {
        (none, others) if none.is_empty() && others.is_empty() => {
            Err("tls: failed to find any PEM data in certificate input".into())
        }
        (none, _) if none.is_empty() => {
            Err("tls: failed to find certificate PEM data in certificate input, but did find a \
                                             private key; PEM inputs may have been switched"
                .into())
        }
        (found, _) => Ok(found),
    }
}

fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text).map_err(|_| match certificates(text) {
        (none, _) if none.is_empty() => "tls: failed to find any PEM data in key input".to_owned(),
        _ => "tls: found a certificate rather than a key in the PEM for the private key".to_owned(),
    })
}

/// Trusts servers whose certificates an authority has signed, and those whose own certificate is one of the
/// authorities (as Go does, and as many small clusters are set up).
#[derive(Debug)]
struct Verified {
    inner: Arc<WebPkiServerVerifier>,
    authorities: Vec<CertificateDer<'static>>,
    /// The name to check in place of the connection's.
    name: Option<ServerName<'static>>,
    handshakes: Arc<Handshakes>,
}

impl Verified {
    fn new(tls: &Tls, provider: Arc<CryptoProvider>, handshakes: Arc<Handshakes>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let trusted: Vec<CertificateDer<'static>> = match &tls.authorities {
            Some(pem) => authorities(&pem.read()?)?,
            // Errors of single files leave the others; without any, no server can be trusted, which is then told.
            None => rustls_native_certs::load_native_certs().certs,
        };
        roots.add_parsable_certificates(trusted.iter().cloned());
        let name = match tls.server_name.as_str() {
            "" => None,
            name => {
                Some(ServerName::try_from(name.to_owned()).map_err(|_| format!("tls: invalid server name {name}"))?)
            }
        };
        if roots.is_empty() && tls.authorities.is_some() {
            return Err(
                "unable to load root certificates: failed to parse certificate: x509: malformed certificate".into()
            );
        }
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| error.to_string())?;
        let authorities = if tls.authorities.is_some() { trusted } else { Vec::new() };
        Ok(Self { inner, authorities, name, handshakes })
    }
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.handshakes.finish();
        let name = self.name.as_ref().unwrap_or(name);
        let fault = match self.inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(fault)) => fault,
            other => return other,
        };
        // The first is said of an authority's certificate, after its dates have been checked. The name goes before
        // the question who signed.
        if matches!(fault, CertificateError::Other(_) | CertificateError::UnknownIssuer) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            if self.authorities.iter().any(|authority| authority == certificate) {
                return Ok(ServerCertVerified::assertion());
            }
            return Err(CertificateError::UnknownIssuer.into());
        }
        Err(fault.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // Asked for when a handshake begins.
        self.handshakes.begin();
        self.inner.supported_verify_schemes()
    }
}

/// Trusts any server, for `insecure-skip-tls-verify`.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
    handshakes: Arc<Handshakes>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.handshakes.finish();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.handshakes.begin();
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[cfg(feature = "apiserver")]
#[path = "tls_tests.rs"]
mod tests;

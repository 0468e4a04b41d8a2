//! Which webhooks are believed to be who they say: certificates, and Go's words for those that are not trusted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InvalidMessage, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// A configuration that trusts the authorities in a `caBundle`, or those of the system when there is none.
pub(super) fn config(bundle: &str) -> Result<ClientConfig, String> {
    let authorities: Vec<CertificateDer<'static>> = match bundle {
        // Errors of single files leave the others; without any, nobody can be trusted, which is then told.
        "" => rustls_native_certs::load_native_certs().certs,
        bundle => {
            let pem = STANDARD.decode(bundle).map_err(|error| error.to_string())?;
            CertificateDer::pem_slice_iter(&pem).flatten().collect()
        }
    };
    let provider = Arc::new(ring::default_provider());
    let verifier = Trusted::new(authorities, provider.clone())?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Trusts those whose certificates an authority has signed, and those whose own certificate is one of the authorities,
/// as Go does: webhooks are often set up with one certificate for both.
#[derive(Debug)]
struct Trusted {
    inner: Arc<WebPkiServerVerifier>,
    authorities: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn new(authorities: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities.iter().cloned());
        if roots.is_empty() {
            return Err("unable to load root certificates: unable to parse bytes as PEM block".into());
        }
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(Self { inner: inner.build().map_err(|error| error.to_string())?, authorities })
    }
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The first is said of an authority's certificate, after its dates have been checked.
            Err(Error::InvalidCertificate(CertificateError::Other(_) | CertificateError::UnknownIssuer)) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                match self.authorities.iter().any(|authority| authority == certificate) {
                    true => Ok(ServerCertVerified::assertion()),
                    false => Err(CertificateError::UnknownIssuer.into()),
                }
            }
            other => other,
        }
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
        self.inner.supported_verify_schemes()
    }
}

/// Go's words for a handshake that failed.
pub(super) fn fault(error: &std::io::Error) -> String {
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match fault {
        Some(Error::InvalidCertificate(why)) => {
            format!("tls: failed to verify certificate: x509: {}", certificate(why))
        }
        // What a server of plain HTTP answers is no handshake.
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "http: server gave HTTP response to HTTPS client".into()
        }
        Some(other) => format!("tls: {other}"),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => "EOF".into(),
        None => error.to_string(),
    }
}

fn certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "certificate has expired or is not yet valid".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            // `DnsName("a")`, `IpAddress(127.0.0.1)`
            let bare = |name: &String| name.split_once('(').map_or(name.as_str(), |(_, name)| name).to_owned();
            let names: Vec<String> =
                presented.iter().map(|name| bare(name).trim_matches(['"', ')']).to_owned()).collect();
            match names.is_empty() {
                true => format!("certificate is not valid for any names, but wanted to match {}", expected.to_str()),
                false => format!("certificate is valid for {}, not {}", names.join(", "), expected.to_str()),
            }
        }
        _ => "certificate signed by unknown authority".into(),
    }
}

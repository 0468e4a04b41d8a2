//! The server's own certificates: an authority that is made once and kept, and a certificate for this server.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// The name of HTTP/2 in TLS handshakes.
pub const HTTP2: &[u8] = b"h2";

/// The names that a server inside a cluster has, besides its addresses.
const NAMES: [&str; 5] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

/// An authority and the server's own certificate, as PEM texts.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate: what clients trust.
    pub authority: String,
    certificate: String,
    key: String,
}

impl Certificates {
    /// Makes a certificate for these addresses. The authority is that of `folder`, and is made there when there is
    /// none; without a folder it lives as long as the server.
    ///
    /// # Errors
    /// Files that cannot be read or written, and an authority's key that cannot be used.
    pub fn make(addresses: &[IpAddr], folder: Option<&Path>) -> io::Result<Self> {
        let kept = |name: &str| folder.map(|folder| folder.join(name)).filter(|file| file.exists());
        let (authority_key, authority) = match (kept("ca.key"), kept("ca.crt")) {
            (Some(key), Some(certificate)) => {
                let key = KeyPair::from_pem(&std::fs::read_to_string(key)?).map_err(io::Error::other)?;
                (key, std::fs::read_to_string(certificate)?)
            }
            _ => {
                let key = KeyPair::generate().map_err(io::Error::other)?;
                let authority = authority().self_signed(&key).map_err(io::Error::other)?;
                (key, authority.pem())
            }
        };
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let own = own(addresses)?;
        let signed = own.signed_by(&key, &Issuer::new(self::authority(), &authority_key)).map_err(io::Error::other)?;
        let made = Certificates { authority, certificate: signed.pem(), key: key.serialize_pem() };
        if let Some(folder) = folder {
            private_folder(folder)?;
            write_private(&folder.join("ca.key"), &authority_key.serialize_pem())?;
            write_private(&folder.join("ca.crt"), &made.authority)?;
            write_private(&folder.join("apiserver.key"), &made.key)?;
            write_private(&folder.join("apiserver.crt"), &made.certificate)?;
        }
        Ok(made)
    }

    /// What TLS connections are made with. With `clients`, the PEM text of authorities, clients may show a certificate
    /// of theirs.
    ///
    /// # Errors
    /// Certificates that cannot be used.
    pub fn tls(&self, clients: Option<&str>) -> io::Result<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain: Vec<CertificateDer> = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .chain(CertificateDer::pem_slice_iter(self.authority.as_bytes()))
            .collect::<Result<_, _>>()
            .map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(io::Error::other)?;
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(text) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                    roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(io::Error::other)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(io::Error::other)?;
        config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "steersman-ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn own(addresses: &[IpAddr]) -> io::Result<CertificateParams> {
    let names = NAMES.iter().map(|name| (*name).to_owned()).chain(addresses.iter().map(IpAddr::to_string));
    let mut params = CertificateParams::new(names.collect::<Vec<_>>()).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Makes a folder that only its owner may look into, where there is none.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only its owner may read.
pub fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(file)?, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_kept() {
        let folder = std::env::temp_dir().join(format!("steer-certificates-{}", std::process::id()));
        let addresses = [IpAddr::from([127, 0, 0, 1])];
        let first = Certificates::make(&addresses, Some(&folder)).unwrap();
        let second = Certificates::make(&addresses, Some(&folder)).unwrap();
        assert_eq!(first.authority, second.authority);
        assert_ne!(first.certificate, second.certificate);
        assert!(second.tls(None).is_ok() && second.tls(Some(&second.authority)).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(folder.join("ca.key")).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

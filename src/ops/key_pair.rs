//! Whether a certificate and a private key, both as PEM text, belong together.

use super::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::server::ParsedCertificate;

/// A block of PEM text (RFC 7468): its label and what it holds.
struct Block {
    label: String,
    bytes: Vec<u8>,
}

/// Refuses what is no certificate, no key, or no pair of both, in the words of Go's `tls.X509KeyPair`.
pub fn check(certificate: &[u8], key: &[u8]) -> Result<(), Failure> {
    let fail = |text: String| Err(Failure::Message(text));
    let (found, skipped) = choose(blocks(certificate), |label| label == "CERTIFICATE");
    let Some(certificate) = found else {
        return fail(match skipped.as_slice() {
            [] => "tls: failed to find any PEM data in certificate input".into(),
            [one] if one.ends_with("PRIVATE KEY") => "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched".into(),
            labels => format!("tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]", labels.join(" ")),
        });
    };
    let (found, skipped) = choose(blocks(key), |label| label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY"));
    let Some(key) = found else {
        return fail(match skipped.as_slice() {
            [] => "tls: failed to find any PEM data in key input".into(),
            [one] if one == "CERTIFICATE" => {
                "tls: found a certificate rather than a key in the PEM for the private key".into()
            }
            labels => format!(
                "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
                labels.join(" ")
            ),
        });
    };
    let certificate = CertificateDer::from(certificate);
    let Ok(parsed) = ParsedCertificate::try_from(&certificate) else {
        return fail("x509: malformed certificate".into());
    };
    let Ok(key) = PrivateKeyDer::try_from(key) else { return fail("tls: failed to parse private key".into()) };
    // A kind of key that cannot be computed with here is left to the server to judge.
    let Ok(signer) = any_supported_type(&key) else { return Ok(()) };
    let public = parsed.subject_public_key_info();
    match signer.public_key() {
        Some(own) if own == public => Ok(()),
        Some(own) if algorithm(&own) != algorithm(&public) => {
            fail("tls: private key type does not match public key type".into())
        }
        Some(_) => fail("tls: private key does not match public key".into()),
        None => Ok(()),
    }
}

/// What the first block with such a label holds, and the labels of those before it.
fn choose(blocks: Vec<Block>, wanted: impl Fn(&str) -> bool) -> (Option<Vec<u8>>, Vec<String>) {
    let mut skipped = Vec::new();
    for block in blocks {
        if wanted(&block.label) {
            return (Some(block.bytes), skipped);
        }
        skipped.push(block.label);
    }
    (None, skipped)
}

fn blocks(text: &[u8]) -> Vec<Block> {
    let text = String::from_utf8_lossy(text);
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(label) = line.trim_end().strip_prefix("-----BEGIN ").and_then(|l| l.strip_suffix("-----")) else {
            continue;
        };
        let end = format!("-----END {label}-----");
        // Lines with a colon are headers, which old encrypted keys have.
        let body: String = lines
            .by_ref()
            .take_while(|line| line.trim_end() != end)
            .filter(|line| !line.contains(':'))
            .flat_map(|line| line.split_whitespace())
            .collect();
        if let Ok(bytes) = STANDARD.decode(body) {
            blocks.push(Block { label: label.into(), bytes });
        }
    }
    blocks
}

/// The object identifier of the key's algorithm: the first item of the first item of the structure (RFC 5280).
fn algorithm<'a>(key: &'a SubjectPublicKeyInfoDer<'_>) -> Option<&'a [u8]> {
    let content = |der: &'a [u8]| -> Option<&'a [u8]> {
        match *der.get(1)? {
            short if short < 0x80 => der.get(2..),
            long => der.get(2 + usize::from(long & 0x7f)..),
        }
    };
    let identifier = content(content(key.as_ref())?)?;
    identifier.get(..2 + usize::from(*identifier.get(1)?))
}

#[cfg(all(test, feature = "apiserver"))]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    fn said(certificate: &str, key: &str) -> String {
        match check(certificate.as_bytes(), key.as_bytes()) {
            Ok(()) => "good".into(),
            Err(Failure::Message(text)) => text,
            Err(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn pairs_are_judged_in_gos_words() {
        let pair = |algorithm| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = CertificateParams::new(vec!["a.example".to_string()]).unwrap().self_signed(&key).unwrap();
            (certificate.pem(), key.serialize_pem())
        };
        let (certificate, key) = pair(&PKCS_ECDSA_P256_SHA256);
        let other = pair(&PKCS_ECDSA_P256_SHA256).1;
        let unlike = pair(&PKCS_ED25519).1;
        let odd = "-----BEGIN X-----\nAAAA\n-----END X-----\n";
        for (certificate, key, want) in [
            (certificate.as_str(), key.as_str(), "good"),
            (&format!("{odd}{certificate}"), &format!("{odd}{key}"), "good"),
            (&certificate, &other, "tls: private key does not match public key"),
            (&certificate, &unlike, "tls: private key type does not match public key type"),
            ("nothing", &key, "tls: failed to find any PEM data in certificate input"),
            (&certificate, "", "tls: failed to find any PEM data in key input"),
            (
                &key,
                &certificate,
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
            ),
            (&certificate, &certificate, "tls: found a certificate rather than a key in the PEM for the private key"),
            (
                odd,
                &key,
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [X]",
            ),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key, "x509: malformed certificate"),
            (
                &certificate,
                "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
                "tls: failed to parse private key",
            ),
        ] {
            assert_eq!(said(certificate, key), want);
        }
    }
}

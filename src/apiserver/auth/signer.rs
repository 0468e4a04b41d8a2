//! The key that signs service accounts' tokens (RFC 7515), and how others get to know it (RFC 7517, OpenID discovery).

use crate::api::Value;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKey, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use std::fmt;

/// What stands before a point of P-256 in a SubjectPublicKeyInfo (RFC 5480).
const EC_INFO: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The algorithm rsaEncryption in a SubjectPublicKeyInfo (RFC 3279).
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

enum Key {
    /// On the curve P-256.
    Ec(EcdsaKeyPair),
    Rsa(RsaKey),
}

/// The key that signs tokens.
pub struct Signer {
    key: Key,
    id: String,
    random: SystemRandom,
}

/// The key itself is nobody's business.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.id)
    }
}

impl Signer {
    /// A signer with a key of its own.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, String> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        Self::from_der(&PrivateKeyDer::Pkcs8(key.map_err(|error| error.to_string())?.as_ref().into()))
    }

    /// A signer with the key of a PEM text: RSA of 2,048 bits at least, or EC on the curve P-256 in PKCS #8.
    ///
    /// # Errors
    /// The text has no such key.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        Self::from_der(&PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| error.to_string())?)
    }

    fn from_der(der: &PrivateKeyDer) -> Result<Self, String> {
        let random = SystemRandom::new();
        let key = match der {
            PrivateKeyDer::Pkcs1(der) => {
                Key::Rsa(RsaKey::from_der(der.secret_pkcs1_der()).map_err(|error| error.to_string())?)
            }
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                match EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random) {
                    Ok(key) => Key::Ec(key),
                    Err(_) => Key::Rsa(RsaKey::from_pkcs8(der).map_err(|error| error.to_string())?),
                }
            }
            _ => return Err("an EC key must be in PKCS #8 (openssl pkcs8 -topk8 -nocrypt makes it so)".into()),
        };
        // kube-apiserver names its keys so.
        let id = BASE64.encode(digest(&SHA256, &key_info(&key)));
        Ok(Self { key, id, random })
    }

    fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Ec(_) => "ES256",
            Key::Rsa(_) => "RS256",
        }
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn sign(&self, claims: &Value) -> Result<String, String> {
        let header = json!({"alg": self.algorithm(), "kid": self.id});
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = match &self.key {
            Key::Ec(key) => key.sign(&self.random, signed.as_bytes()).map(|signature| signature.as_ref().to_vec()),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &self.random, signed.as_bytes(), &mut signature).map(|()| signature)
            }
        };
        let signature = signature.map_err(|_| "the token could not be signed".to_string())?;
        Ok(format!("{signed}.{}", BASE64.encode(signature)))
    }

    /// Whether this key signed a token.
    pub fn signed(&self, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = BASE64.decode(signature) else { return false };
        let verified = match &self.key {
            Key::Ec(key) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
                key.verify(signed.as_bytes(), &signature)
            }
            Key::Rsa(key) => {
                let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
                key.verify(signed.as_bytes(), &signature)
            }
        };
        verified.is_ok()
    }

    /// The public key, as `/openid/v1/jwks` tells it.
    pub fn key_set(&self) -> Value {
        let mut key = json!({"use": "sig", "kid": self.id, "alg": self.algorithm()});
        let numbers: [(&str, Vec<u8>); 2] = match &self.key {
            Key::Ec(pair) => {
                key["crv"] = "P-256".into();
                // A byte that says how the point is written, and its two coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = point.split_at(1).1.split_at((point.len() - 1) / 2);
                [("x", x.to_vec()), ("y", y.to_vec())]
            }
            Key::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                [("n", n), ("e", e)]
            }
        };
        key["kty"] = if matches!(self.key, Key::Ec(_)) { "EC" } else { "RSA" }.into();
        for (name, number) in numbers {
            key[name] = BASE64.encode(number).into();
        }
        json!({"keys": [key]})
    }

    /// Who signs, and where its key is: `/.well-known/openid-configuration`.
    pub fn configuration(&self, issuer: &str, keys: &str) -> Value {
        json!({
            "issuer": issuer,
            "jwks_uri": keys,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm()]
        })
    }
}

/// The claims of a token that nobody has checked yet.
pub fn unverified(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
}

/// The SubjectPublicKeyInfo of a key, in DER.
fn key_info(key: &Key) -> Vec<u8> {
    match key {
        Key::Ec(key) => [&EC_INFO[..], key.public_key().as_ref()].concat(),
        Key::Rsa(key) => {
            let bits = [&[0][..], key.public_key().as_ref()].concat();
            element(0x30, &[&RSA_ALGORITHM[..], &element(0x03, &bits)].concat())
        }
    }
}

/// A DER element (X.690).
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        out.push(0x80 | length.len() as u8);
    }
    out.extend_from_slice(length);
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_tokens_are_taken_back() {
        let signer = Signer::generate().unwrap();
        let token = signer.sign(&json!({"sub": "x"})).unwrap();
        assert!(signer.signed(&token));
        assert_eq!(unverified(&token), Some(json!({"sub": "x"})));
        assert!(!Signer::generate().unwrap().signed(&token));
        let (head, signature) = token.rsplit_once('.').unwrap();
        assert!(!signer.signed(&format!("{head}x.{signature}")));
        for nonsense in ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", "e30.e30.x"] {
            assert!(!signer.signed(nonsense), "{nonsense}");
        }
    }

    #[test]
    fn keys_are_told() {
        let signer = Signer::generate().unwrap();
        let set = signer.key_set();
        let key = &set["keys"][0];
        assert_eq!(
            (key["kty"].as_str(), key["crv"].as_str(), key["alg"].as_str()),
            (Some("EC"), Some("P-256"), Some("ES256"))
        );
        assert_eq!(key["x"].as_str().map(str::len), Some(43));
        assert_eq!(key["kid"].as_str(), Some(&*signer.id));
    }

    #[test]
    fn a_key_may_be_given() {
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let signer = Signer::from_pem(&pem).unwrap();
        assert_eq!(Signer::from_pem(&pem).unwrap().id, signer.id);
        assert!(Signer::from_pem(&pem).unwrap().signed(&signer.sign(&json!({})).unwrap()));
        assert!(Signer::from_pem("nonsense").is_err());
    }

    #[test]
    fn lengths_are_written_as_der_has_them() {
        assert_eq!(element(4, &[1, 2]), [4, 2, 1, 2]);
        assert_eq!(element(4, &[7; 200])[..3], [4, 0x81, 200]);
        assert_eq!(element(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
    }
}

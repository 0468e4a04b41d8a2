//! Tokens of service accounts (KEP-1205): JSON web tokens that the server signs, and takes back.

use super::User;
use super::authenticate::service_account_groups;
use crate::api::time::rfc3339;
use crate::api::{GroupVersionKind, ObjectExt, Value};
use crate::apiserver::errors::{About, Answer, bad_request, internal, invalid};
use crate::apiserver::kinds::field::Errors;
use crate::apiserver::ownership::{self, Manager};
use crate::apiserver::pipeline::{Call, Server};
use crate::apiserver::respond::{self, Body};
use crate::apiserver::subresources::body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::{Response, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::json;

/// Who gives the tokens out, and whom they are for when nothing else is said.
const ISSUER: &str = "https://kubernetes.default.svc";
/// How long tokens last when nothing else is said, and at least.
const DEFAULT_SECONDS: i64 = 3600;
const LEAST_SECONDS: i64 = 600;

/// The key that signs tokens.
pub struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    /// A signer with a key of its own.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, ring::error::Unspecified> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        Ok(Self { key: key.map_err(|_| ring::error::Unspecified)?, random })
    }

    fn sign(&self, claims: &Value) -> Result<String, ring::error::Unspecified> {
        let header = json!({"alg": "ES256", "typ": "JWT"});
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.key.sign(&self.random, signed.as_bytes())?;
        Ok(format!("{signed}.{}", BASE64.encode(signature)))
    }

    /// The claims of a token that this key signed.
    fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref());
        key.verify(signed.as_bytes(), &BASE64.decode(signature).ok()?).ok()?;
        serde_json::from_slice(&BASE64.decode(signed.split_once('.')?.1).ok()?).ok()
    }
}

impl Server {
    fn signer(&self) -> Answer<&Signer> {
        if let Some(signer) = self.signer.get() {
            return Ok(signer);
        }
        let made = Signer::generate().map_err(|_| internal("no key to sign tokens with"))?;
        Ok(self.signer.get_or_init(|| made))
    }

    /// The user of a service account's token, if the server gave it out, it has not expired, and the account is there.
    pub(super) async fn service_account(&self, token: &str) -> Answer<Option<User>> {
        if token.split('.').count() != 3 {
            return Ok(None);
        }
        let Some(claims) = self.signer()?.verify(token) else { return Ok(None) };
        let account = |field: &str| claims.text(&["kubernetes.io", "serviceaccount", field]).to_string();
        let namespace = claims.text(&["kubernetes.io", "namespace"]);
        let (name, uid) = (account("name"), account("uid"));
        if claims.integer(&["exp"]).unwrap_or(0) <= (self.clock)().seconds {
            return Ok(None);
        }
        let found = self.get_core("serviceaccounts", namespace, &name).await?;
        let same = found.is_some_and(|entry| entry.object.value(0).uid() == uid);
        let mut user = User { name: format!("system:serviceaccount:{namespace}:{name}"), uid, ..User::default() };
        user.groups = service_account_groups(namespace);
        Ok(same.then_some(user))
    }

    /// Gives out a token for a service account.
    pub(in crate::apiserver) async fn request_token(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let entry = self.entry(call).await?;
        let account = call.served.value(&entry.object, entry.revision);
        let options = crate::apiserver::options::Write::parse(call.query, "CreateOptions")?;
        let mut request = body(call, "authentication.k8s.io", "v1", "TokenRequest")?;
        let name = &call.target.name;
        if !request.name().is_empty() && request.name() != name {
            let found = request.name();
            return Err(bad_request(format!("name in URL does not match name in TokenRequest object: {found} {name}")));
        }
        let now = call.now.seconds;
        if request.at(&["spec", "expirationSeconds"]).is_none() {
            request.put(&["spec", "expirationSeconds"], DEFAULT_SECONDS);
        }
        let mut noted = request.clone();
        noted.put(&["metadata", "name"], name.as_str());
        noted.put(&["metadata", "namespace"], call.target.namespace.as_str());
        noted.put(&["metadata", "uid"], account.uid());
        noted.put(&["metadata", "creationTimestamp"], rfc3339(now));
        let manager = Manager { subresource: "token", ..call.manager(&options) };
        let kind = GroupVersionKind::new("authentication.k8s.io", "v1", "TokenRequest");
        ownership::note_request(&mut noted, &kind, &manager, call.now);
        let seconds = request.integer(&["spec", "expirationSeconds"]).unwrap_or(DEFAULT_SECONDS);
        check_seconds(seconds)?;
        let audiences = match request.items_at(&["spec", "audiences"]) {
            [] => json!([ISSUER]),
            asked => json!(asked),
        };
        let claims = json!({
            "aud": audiences, "exp": now + seconds, "iat": now, "nbf": now, "iss": ISSUER,
            "jti": uuid::Uuid::new_v4().to_string(),
            "kubernetes.io": {
                "namespace": call.target.namespace,
                "serviceaccount": {"name": name, "uid": account.uid()}
            },
            "sub": format!("system:serviceaccount:{}:{name}", call.target.namespace)
        });
        let token = self.signer()?.sign(&claims).map_err(|_| internal("the token could not be signed"))?;
        let bound = request.at(&["spec", "boundObjectRef"]).cloned().unwrap_or_default();
        let answer = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": noted["metadata"],
            "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": bound},
            "status": {"token": token, "expirationTimestamp": rfc3339(now + seconds)}
        });
        Ok(respond::value(StatusCode::CREATED, &answer, call.accepted))
    }
}

fn check_seconds(seconds: i64) -> Answer<()> {
    let mut errors = Errors::default();
    if seconds < LEAST_SECONDS {
        let why = "may not specify a duration less than 10 minutes";
        errors.invalid("spec.expirationSeconds", &seconds.into(), why);
    } else if seconds > 1 << 32 {
        errors.invalid(
            "spec.expirationSeconds",
            &seconds.into(),
            "may not specify a duration larger than 2^32 seconds",
        );
    } else {
        return Ok(());
    }
    Err(invalid(About { group: "authentication.k8s.io", kind: "TokenRequest", name: "" }, errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_tokens_are_taken_back() {
        let signer = Signer::generate().unwrap();
        let token = signer.sign(&json!({"sub": "x"})).unwrap();
        assert_eq!(signer.verify(&token), Some(json!({"sub": "x"})));
        assert_eq!(Signer::generate().unwrap().verify(&token), None);
        let (head, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(signer.verify(&format!("{head}x.{signature}")), None);
    }
}

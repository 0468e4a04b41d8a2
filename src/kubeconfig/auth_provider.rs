//! Providers of old, which were built into the client: only OpenID Connect is left, the others are refused.

use super::Error;
use super::model::AuthProvider;
use super::resolve::Credentials;
use crate::api::{Value, gotext};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::{SystemTime, UNIX_EPOCH};

const REMOVED: [(&str, &str, &str); 2] = [
    (
        "azure",
        "https://github.com/Azure/kubelogin",
        "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins",
    ),
    (
        "gcp",
        "\"gke-gcloud-auth-plugin\"",
        "https://cloud.google.com/blog/products/containers-kubernetes/kubectl-auth-changes-in-gke",
    ),
];

/// The credentials of a provider. An identity token that is valid is used as it is; one that has expired would have to
/// be renewed with the issuer, which a credential plugin does better.
pub(super) fn credentials(provider: &AuthProvider) -> Result<Credentials, Error> {
    if let Some((name, instead, link)) = REMOVED.iter().find(|(name, ..)| *name == provider.name) {
        return Err(Error::Message(format!(
            "The {name} auth plugin has been removed.\nPlease use the {instead} kubectl/client-go credential plugin \
             instead.\nSee {link} for further details"
        )));
    }
    if provider.name != "oidc" {
        return Err(Error::Message(format!("no Auth Provider found for name {}", gotext::quote(&provider.name))));
    }
    let setting = |key: &str| provider.config.as_ref().and_then(|config| config.get(key)).map_or("", String::as_str);
    for key in ["idp-issuer-url", "client-id"] {
        if setting(key).is_empty() {
            return Err(Error::Message(format!("Must provide {key}")));
        }
    }
    let token = setting("id-token");
    let expires = if token.is_empty() { Ok(0.0) } else { expiry(token) };
    Ok(match (expires.map(|at| at <= now() + EXPIRY_MARGIN), setting("refresh-token")) {
        (Err(fault), _) => Credentials::Unusable(fault),
        (Ok(false), _) => Credentials::Token(token.to_owned()),
        (Ok(true), "") => Credentials::Unusable("No valid id-token, and cannot refresh without refresh-token".into()),
        (Ok(true), _) => Credentials::Unusable(
            "the id-token has expired, and the oidc auth provider does not refresh it; use a credential plugin".into(),
        ),
    })
}

/// Seconds before its end from which a token no longer counts.
const EXPIRY_MARGIN: f64 = 10.0;

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// When a token (RFC 7519) expires, in Unix seconds.
fn expiry(token: &str) -> Result<f64, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, claims, _] = parts.as_slice() else {
        return Err("ID Token is not a valid JWT".into());
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| "illegal base64 data at input byte 0".to_owned())?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|error| format!("parsing claims: {error}"))?;
    Ok(claims.get("exp").and_then(Value::as_f64).unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(name: &str, config: &[(&str, &str)]) -> AuthProvider {
        let config = config.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        AuthProvider { name: name.into(), config: Some(config) }
    }

    #[test]
    fn only_a_valid_identity_token_is_taken() {
        let token = |exp: u64| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}")));
        let oidc = |token: &str| provider("oidc", &[("idp-issuer-url", "u"), ("client-id", "c"), ("id-token", token)]);
        let good = token(40_000_000_000);
        assert_eq!(credentials(&oidc(&good)), Ok(Credentials::Token(good.clone())));
        let fault = Credentials::Unusable("No valid id-token, and cannot refresh without refresh-token".into());
        assert_eq!(credentials(&oidc(&token(1))), Ok(fault));
        for (provider, fault) in [
            (provider("foo", &[]), "no Auth Provider found for name \"foo\""),
            (provider("oidc", &[]), "Must provide idp-issuer-url"),
            (
                provider("gcp", &[]),
                "The gcp auth plugin has been removed.\nPlease use the \"gke-gcloud-auth-plugin\" kubectl/client-go credential plugin instead.\nSee https://cloud.google.com/blog/products/containers-kubernetes/kubectl-auth-changes-in-gke for further details",
            ),
        ] {
            assert_eq!(credentials(&provider), Err(Error::Message(fault.into())));
        }
    }
}

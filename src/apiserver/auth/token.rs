//! Tokens of service accounts (KEP-1205, bound tokens): JSON web tokens that the server signs, and takes back.

use super::User;
use super::authenticate::service_account_groups;
use super::signer::{Signer, unverified};
use crate::api::time::{rfc3339, unix_seconds};
use crate::api::{GroupVersionKind, ObjectExt, Value};
use crate::apiserver::create::check_namespace;
use crate::apiserver::errors::{About, Answer, bad_request, conflict, internal, invalid, not_found, quoted};
use crate::apiserver::kinds::field::Errors;
use crate::apiserver::ownership::{self, Manager};
use crate::apiserver::pipeline::{Call, Server};
use crate::apiserver::respond::{self, Body};
use crate::apiserver::subresources::body;
use http::{Response, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// Who gives the tokens out, and whom they are for when nothing else is said.
pub(in crate::apiserver) const ISSUER: &str = "https://kubernetes.default.svc";
/// How long tokens last when nothing else is said, and at least.
const DEFAULT_SECONDS: i64 = 3600;
const LEAST_SECONDS: i64 = 600;
/// How far clocks may be apart.
const LEEWAY: i64 = 60;
const INVALIDATED: &str = "service account token has been invalidated";
/// What a user's `extra` tells of the credential.
pub(in crate::apiserver) const CREDENTIAL: &str = "authentication.kubernetes.io/credential-id";
/// What a token speaks of, and the resources that these are.
const BOUND: [(&str, &str); 4] =
    [("serviceaccount", "serviceaccounts"), ("pod", "pods"), ("secret", "secrets"), ("node", "nodes")];

impl Server {
    /// What signs tokens, made when the first is asked for.
    pub(in crate::apiserver) fn signer(&self) -> Answer<&Signer> {
        if let Some(signer) = self.signer.get() {
            return Ok(signer);
        }
        let made = Signer::generate().map_err(internal)?;
        Ok(self.signer.get_or_init(|| Arc::new(made)))
    }

    /// The user of a service account's token that the server gave out, for one of the audiences that are asked for.
    pub(super) async fn service_account(&self, token: &str, audiences: &[String]) -> Answer<Known> {
        let Some(claims) = unverified(token).filter(|claims| claims.text(&["iss"]) == ISSUER) else {
            return Ok(Known::No(None));
        };
        let no = |why: String| Ok(Known::No(Some(why)));
        if !self.signer()?.signed(token) {
            return no("go-jose/go-jose: error in cryptographic primitive".into());
        }
        let now = (self.clock)().seconds;
        if claims.integer(&["exp"]).unwrap_or(0) < now - LEEWAY {
            return no("service account token has expired".into());
        }
        if claims.integer(&["nbf"]).unwrap_or(0) > now + LEEWAY {
            return no("service account token is not valid yet".into());
        }
        let given: Vec<String> = texts(&claims["aud"]);
        let shared: Vec<String> = audiences.iter().filter(|audience| given.contains(audience)).cloned().collect();
        if shared.is_empty() {
            let (given, wanted) = (quoted_list(&given), quoted_list(audiences));
            return no(format!("token audiences {given} is invalid for the target audiences {wanted}"));
        }
        let text = |path: &[&str]| claims.text(path).to_string();
        let namespace = text(&["kubernetes.io", "namespace"]);
        let mut user =
            User { extra: [(CREDENTIAL.into(), vec![format!("JTI={}", text(&["jti"]))])].into(), ..User::default() };
        for (field, resource) in BOUND {
            let (name, uid) = (text(&["kubernetes.io", field, "name"]), text(&["kubernetes.io", field, "uid"]));
            if name.is_empty() {
                continue;
            }
            // The node of a pod is told, but the token does not end with it.
            let binds = field != "node" || claims.at(&["kubernetes.io", "pod"]).is_none();
            if binds && let Some(why) = self.why_unbound(field, resource, &namespace, &name, &uid).await? {
                return no(why);
            }
            match field {
                "serviceaccount" => (user.name, user.uid) = (format!("system:serviceaccount:{namespace}:{name}"), uid),
                "pod" | "node" => {
                    user.extra.insert(format!("authentication.kubernetes.io/{field}-name"), vec![name]);
                    if !uid.is_empty() {
                        user.extra.insert(format!("authentication.kubernetes.io/{field}-uid"), vec![uid]);
                    }
                }
                _ => {}
            }
        }
        user.groups = service_account_groups(&namespace);
        Ok(Known::As(user, shared))
    }

    /// Why a token is not good any more that was bound to an object; none when that very object is there.
    async fn why_unbound(
        &self,
        field: &str,
        resource: &str,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Answer<Option<String>> {
        let account = field == "serviceaccount";
        let place = if resource == "nodes" { "" } else { namespace };
        let Some(entry) = self.get_core(resource, place, name).await? else {
            let gone = || not_found(About { group: "", kind: resource, name }).message;
            return Ok(Some(if account { gone() } else { INVALIDATED.into() }));
        };
        let object = entry.object.value(0);
        // What is being deleted is good for the time that it was given.
        let deleted = object.at(&["metadata", "deletionTimestamp"]).and_then(Value::as_str).and_then(unix_seconds);
        if deleted.is_some_and(|at| at < (self.clock)().seconds - LEEWAY) {
            let gone = || format!("service account {namespace}/{name} has been deleted");
            return Ok(Some(if account { gone() } else { INVALIDATED.into() }));
        }
        let found = object.uid();
        Ok((found != uid).then(|| match field {
            "serviceaccount" => format!("service account UID ({found}) does not match claim ({uid})"),
            _ => format!("{field} UID ({found}) does not match service account {field} ref claim ({uid})"),
        }))
    }

    /// Gives out a token for a service account.
    pub(in crate::apiserver) async fn request_token(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let options = crate::apiserver::options::Write::parse(call.query, "CreateOptions")?;
        let mut request = body(call, "authentication.k8s.io", "v1", "TokenRequest", &options)?;
        self.admit_request(call, &mut request, options.dry_run).await?;
        let entry = self.entry(call).await?;
        let account = call.served.value(&entry.object, entry.revision);
        let (name, namespace) = (&call.target.name, &call.target.namespace);
        let about = About { group: "authentication.k8s.io", kind: "TokenRequest", name };
        check_namespace(&request, namespace)?;
        if !request.name().is_empty() && request.name() != name {
            let mut errors = Errors::default();
            let why = "must match the service account name if specified";
            errors.invalid("metadata.name", &request.name().into(), why);
            return Err(invalid(about, errors));
        }
        if !request.uid().is_empty() && request.uid() != account.uid() {
            let (asked, found) = (request.uid(), account.uid());
            let why = format!(
                "the UID in the token request ({asked}) does not match the UID of the service account ({found})"
            );
            return Err(conflict(about, &why));
        }
        let now = call.now.seconds;
        if request.at(&["spec", "expirationSeconds"]).is_none() {
            request.put(&["spec", "expirationSeconds"], DEFAULT_SECONDS);
        }
        let mut noted = request.clone();
        noted.put(&["metadata", "name"], name.as_str());
        noted.put(&["metadata", "namespace"], namespace.as_str());
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
        let mut private = json!({"namespace": namespace, "serviceaccount": {"name": name, "uid": account.uid()}});
        let bound = request.at(&["spec", "boundObjectRef"]).cloned().unwrap_or_default();
        if !bound.is_null() {
            self.bind_token(call, &bound, &mut private).await?;
        }
        let claims = json!({
            "aud": audiences, "exp": now + seconds, "iat": now, "nbf": now, "iss": ISSUER,
            "jti": uuid::Uuid::new_v4().to_string(),
            "kubernetes.io": private,
            "sub": format!("system:serviceaccount:{namespace}:{name}")
        });
        let token = self.signer()?.sign(&claims).map_err(internal)?;
        let answer = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": noted["metadata"],
            "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": bound},
            "status": {"token": token, "expirationTimestamp": rfc3339(now + seconds)}
        });
        Ok(respond::value(StatusCode::CREATED, &answer, call.accepted))
    }

    /// Binds a token to the object that the request names: it is good as long as that is there.
    async fn bind_token(&self, call: &Call<'_>, bound: &Value, private: &mut Value) -> Answer<()> {
        let GroupVersionKind { group, version, kind } = bound.group_version_kind();
        let (field, resource) = match (group.as_str(), kind.as_str()) {
            ("", "Pod") => ("pod", "pods"),
            ("", "Secret") => ("secret", "secrets"),
            ("", "Node") => ("node", "nodes"),
            _ => {
                let shown = format!("{group}/{version}, Kind={kind}");
                return Err(bad_request(format!("cannot bind token to object of type {shown}")));
            }
        };
        let name = bound.text(&["name"]);
        let namespace = if field == "node" { "" } else { &call.target.namespace };
        let found = self.get_core(resource, namespace, name).await?;
        let entry = found.ok_or_else(|| not_found(About { group: "", kind: resource, name }))?;
        let object = entry.object.value(0);
        if field == "pod" {
            let account = &call.target.name;
            if object.text(&["spec", "serviceAccountName"]) != account {
                return Err(bad_request(format!(
                    "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
                )));
            }
            let node = object.text(&["spec", "nodeName"]);
            if !node.is_empty() {
                private.put(&["node", "name"], node);
                if let Some(entry) = self.get_core("nodes", "", node).await? {
                    private.put(&["node", "uid"], entry.object.value(0).uid());
                }
            }
        }
        let wanted = bound.text(&["uid"]);
        if !wanted.is_empty() && wanted != object.uid() {
            return Err(conflict(
                About { group: "", kind: &kind, name },
                &format!(
                    "the UID in the bound object reference ({wanted}) does not match the UID in record. The object might have been deleted and then recreated"
                ),
            ));
        }
        private.put(&[field], json!({"name": name, "uid": object.uid()}));
        Ok(())
    }
}

/// What the server makes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is this user's, and for these audiences.
    As(User, Vec<String>),
    /// It is good for nothing; why, when the server gave it out or somebody pretends that it did.
    No(Option<String>),
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from).collect()
}

fn quoted_list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(" "))
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

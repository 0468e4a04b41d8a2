//! Who may approve and sign requests for certificates, and what may be asked for (CertificateApproval,
//! CertificateSigning, CertificateSubjectRestriction).

use super::super::auth::subject::requested_groups;
use super::super::auth::{Attributes, MASTERS, User};
use super::super::errors::Answer;
use super::super::pipeline::Server;
use super::super::registry::Served;
use super::{Asked, Operation};
use crate::api::{ObjectExt, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

const GROUP: &str = "certificates.k8s.io";
const REQUESTS: &str = "certificatesigningrequests";
/// The signer whose certificates this server takes for its users.
const CLIENTS: &str = "kubernetes.io/kube-apiserver-client";

impl Server {
    /// Checks what is asked of a signer.
    pub(super) async fn check_signer(&self, asked: &Asked<'_>, request: &Value) -> Answer<()> {
        if !asked.is_for(GROUP, REQUESTS) {
            return Ok(());
        }
        let signer = asked.old.unwrap_or(request).text(&["spec", "signerName"]);
        let verb = match (asked.operation, asked.subresource) {
            (Operation::Create, "") if signer == CLIENTS => return check_groups(asked, request),
            (Operation::Update, "approval") => "approve",
            (Operation::Update, "status") if issues(asked.old, request) => "sign",
            _ => return Ok(()),
        };
        let Some(user) = asked.user else { return Ok(()) };
        // Who may do it for all signers of a domain may do it for this one.
        let domain = signer.split('/').next().unwrap_or("");
        for name in [signer.to_string(), format!("{domain}/*")] {
            let attributes = Attributes {
                verb: verb.into(),
                group: GROUP.into(),
                resource: "signers".into(),
                name,
                ..Attributes::default()
            };
            if self.authorize(user, &attributes).await?.allowed {
                return Ok(());
            }
        }
        Err(asked.refuse(request, &format!("user not permitted to {verb} requests with signerName {signer:?}")))
    }
}

/// Whether a change issues a certificate, or says why there will be none.
fn issues(old: Option<&Value>, request: &Value) -> bool {
    let part = |object: Option<&Value>, field: &str| object.and_then(|o| o.at(&["status", field])).cloned();
    ["certificate", "conditions"].iter().any(|field| part(old, field) != part(Some(request), field))
}

/// Nobody gets a certificate for everything.
fn check_groups(asked: &Asked<'_>, request: &Value) -> Answer<()> {
    let pem = STANDARD.decode(request.text(&["spec", "request"])).unwrap_or_default();
    let der = CertificateSigningRequestDer::from_pem_slice(&pem).ok();
    let Some(groups) = der.and_then(|der| requested_groups(&der)) else {
        return Err(asked.refuse(request, "failed to parse CSR: it is not one"));
    };
    if groups.iter().any(|group| group == MASTERS) {
        let why = format!("use of {CLIENTS} signer with {MASTERS} group is not allowed");
        return Err(asked.refuse(request, &why));
    }
    Ok(())
}

/// Writes into a new request for a certificate who asks for it.
pub(in super::super) fn note_requester(served: &Served, user: Option<&User>, request: &mut Value) {
    if served.kind.group != GROUP || served.info.resource != REQUESTS {
        return;
    }
    for field in ["username", "uid", "groups", "extra"] {
        request.take_at(&["spec", field]);
    }
    let Some(user) = user else { return };
    request.put(&["spec", "username"], user.name.as_str());
    if !user.uid.is_empty() {
        request.put(&["spec", "uid"], user.uid.as_str());
    }
    if !user.groups.is_empty() {
        request.put(&["spec", "groups"], user.groups.clone());
    }
    if !user.extra.is_empty() {
        request.put(&["spec", "extra"], json!(user.extra));
    }
}

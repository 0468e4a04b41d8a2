//! CertificateSigningRequests, with what the request itself says (PKCS #10, RFC 2986).

use super::context::Context;
use super::read::{joined, pairs, some, text};
use super::writer::Writer;
use super::{Error, der};
use crate::api::{ObjectExt, Value, time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Describes a CertificateSigningRequest.
pub fn write(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    let request = STANDARD.decode(object.text(&["spec", "request"])).unwrap_or_default();
    let request = decode(&request).map_err(|reason| Error::Object(format!("Error parsing CSR: {reason}")))?;
    w.field(0, "Name", object.name());
    w.field(0, "Labels", joined(&pairs(object, &["metadata", "labels"])));
    w.field(0, "Annotations", joined(&pairs(object, &["metadata", "annotations"])));
    w.field(0, "CreationTimestamp", context.time(object.text(&["metadata", "creationTimestamp"])));
    w.field(0, "Requesting User", object.text(&["spec", "username"]));
    if let Some(signer) = text(object, &["spec", "signerName"]) {
        w.field(0, "Signer", signer);
    }
    if let Some(seconds) = object.integer(&["spec", "expirationSeconds"]) {
        w.field(0, "Requested Duration", time::human_duration(seconds));
    }
    w.field(0, "Status", status(object));
    w.line(0, "Subject:");
    for (heading, kind) in [("Common Name", 3), ("Serial Number", 5)] {
        let last = request.subject.iter().rfind(|(k, _)| *k == kind).map_or("", |(_, value)| value);
        w.field(0, format_args!("\t{heading}"), last);
    }
    for (heading, kind) in [
        ("Organization", 10),
        ("Organizational Unit", 11),
        ("Country", 6),
        ("Locality", 7),
        ("Province", 8),
        ("StreetAddress", 9),
        ("PostalCode", 17),
    ] {
        list(w, heading, request.subject.iter().filter(|(k, _)| *k == kind).map(|(_, value)| value));
    }
    if !request.names.is_empty() {
        w.line(0, "Subject Alternative Names:");
        for (heading, kind) in [("DNS Names", 2), ("Email Addresses", 1), ("URIs", 6), ("IP Addresses", 7)] {
            list(w, heading, request.names.iter().filter(|(k, _)| *k == kind).map(|(_, value)| value));
        }
    }
    Ok(())
}

fn list<'a>(w: &mut Writer, heading: &str, values: impl Iterator<Item = &'a String>) {
    let values: Vec<&str> = values.map(String::as_str).collect();
    if !values.is_empty() {
        w.field(0, format_args!("\t{heading}"), values.join("\n\t\t"));
    }
}

/// `Approved,Issued`: what was decided, and what became of it.
fn status(object: &Value) -> String {
    let has = |kind| object.items_at(&["status", "conditions"]).iter().any(|c| c.text(&["type"]) == kind);
    let decided = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    };
    let failed = if has("Failed") { ",Failed" } else { "" };
    let issued = some(object, &["status", "certificate"]).and_then(Value::as_str).is_some_and(|c| !c.is_empty());
    format!("{decided}{failed}{}", if issued { ",Issued" } else { "" })
}

/// What is read of a request.
struct Request {
    /// The parts of the subject's name: the last number of their object identifier (2.5.4.x), and their value.
    subject: Vec<(u8, String)>,
    /// The other names: what they are (RFC 5280, GeneralName), and their value.
    names: Vec<(u8, String)>,
}

const SUBJECT_ATTRIBUTE: &[u8] = &[0x55, 0x04];
/// 1.2.840.113549.1.9.14
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
/// 2.5.29.17
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

fn decode(pem: &[u8]) -> Result<Request, &'static str> {
    const WRONG_BLOCK: &str = "PEM block type must be CERTIFICATE REQUEST";
    let text = std::str::from_utf8(pem).map_err(|_| WRONG_BLOCK)?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE REQUEST-----").ok_or(WRONG_BLOCK)?;
    let (body, _) = rest.split_once("-----END CERTIFICATE REQUEST-----").ok_or(WRONG_BLOCK)?;
    let body: String = body.split_whitespace().collect();
    let bytes = STANDARD.decode(body).map_err(|_| WRONG_BLOCK)?;
    read(&bytes).ok_or("asn1: structure error: malformed certificate request")
}

fn read(bytes: &[u8]) -> Option<Request> {
    let request = der::items(bytes).next()?.children();
    let info: Vec<der::Item<'_>> = request.into_iter().next()?.children().collect();
    let [_version, subject, _key, attributes @ ..] = info.as_slice() else { return None };
    let mut found = Request { subject: Vec::new(), names: Vec::new() };
    for part in subject.children().flat_map(|set| set.children()) {
        let [kind, value] = part.children().collect::<Vec<_>>().try_into().ok()?;
        if let Some([kind]) = kind.content.strip_prefix(SUBJECT_ATTRIBUTE) {
            found.subject.push((*kind, value.text()));
        }
    }
    for attribute in attributes.iter().flat_map(der::Item::children) {
        let mut parts = attribute.children();
        if parts.next().is_none_or(|kind| kind.content != EXTENSION_REQUEST) {
            continue;
        }
        let extensions = parts.flat_map(|set| set.children()).flat_map(|list| list.children());
        for extension in extensions {
            let parts: Vec<der::Item<'_>> = extension.children().collect();
            if parts.first()?.content == ALTERNATIVE_NAMES {
                for name in der::items(parts.last()?.content).flat_map(|list| list.children()) {
                    // Context-specific tags 0 to 8.
                    let kind = name.tag & 0x1f;
                    let value = if kind == 7 { address(name.content)? } else { name.text() };
                    found.names.push((kind, value));
                }
            }
        }
    }
    found.names.retain(|(kind, _)| matches!(kind, 1 | 2 | 6 | 7));
    Some(found)
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
}

//! Why a connection failed, in the words of Go's network packages.

use super::dial::LookupError;
use crate::api::gotext;
use jiff::Timestamp;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError};
use std::error::Error as StdError;
use std::io;

/// What the words depend on besides the error itself.
pub(super) struct Circumstances {
    /// What is said first when the connection goes through a proxy.
    pub through: String,
    /// The address that was dialled.
    pub dialled: String,
    /// Whether a connection was still being made.
    pub connecting: bool,
}

/// The cause of a request's failure.
pub(super) fn of_request(error: &reqwest::Error, about: &Circumstances) -> String {
    let chain = chain(error);
    let dial = format!("{}dial tcp", about.through);
    if let Some(lookup) = chain.iter().find_map(|e| e.downcast_ref::<LookupError>()) {
        return format!("{dial}: {lookup}");
    }
    if let Some(fault) = chain.iter().find_map(|e| tls_fault(*e)) {
        return tls(fault);
    }
    if error.is_timeout() {
        return match (error.is_connect(), about.connecting) {
            (true, _) => format!("{dial} {}: i/o timeout", about.dialled),
            (false, true) => "net/http: request canceled while waiting for connection (Client.Timeout exceeded while \
                              awaiting headers)"
                .into(),
            (false, false) => "net/http: request canceled (Client.Timeout exceeded while awaiting headers)".into(),
        };
    }
    if let Some(io) =
        chain.iter().rev().find_map(|e| e.downcast_ref::<io::Error>()).filter(|e| e.raw_os_error().is_some())
    {
        return match error.is_connect() {
            true => format!("{dial} {}: connect: {}", about.dialled, gotext::errno(io)),
            false => format!("read tcp {}: read: {}", about.dialled, gotext::errno(io)),
        };
    }
    if let Some(io) = hidden_system_error(error).filter(|_| error.is_connect()) {
        return format!("{dial} {}: connect: {}", about.dialled, gotext::errno(&io));
    }
    let texts: Vec<String> = chain.iter().map(|e| e.to_string()).collect();
    let says = |part: &str| texts.iter().any(|text| text.contains(part));
    if says("before message completed") || says("connection closed") || says("unexpected EOF") {
        return "EOF".into();
    }
    if error.is_redirect() {
        return "stopped after 10 redirects".into();
    }
    if says("message head is too large") {
        return "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 10485760 bytes; \
                aborted"
            .into();
    }
    if says("invalid content-length parsed") {
        return "net/http: HTTP/1.x transport connection broken: bad Content-Length".into();
    }
    if says("invalid HTTP version parsed") || says("invalid HTTP status-code parsed") || says("invalid HTTP") {
        return "net/http: HTTP/1.x transport connection broken: malformed HTTP response".into();
    }
    texts.into_iter().next_back().unwrap_or_default()
}

/// Why the body of an answer ended too early.
pub(super) fn of_body(error: &reqwest::Error) -> String {
    let chain = chain(error);
    if error.is_timeout() {
        return "net/http: request canceled (Client.Timeout or context cancellation while reading body)".into();
    }
    if let Some(io) =
        chain.iter().rev().find_map(|e| e.downcast_ref::<io::Error>()).filter(|e| e.raw_os_error().is_some())
    {
        return gotext::errno(io);
    }
    let ended = |e: &&(dyn StdError + 'static)| {
        let text = e.to_string();
        text.contains("end of file") || text.contains("before message completed") || text.contains("unexpected EOF")
    };
    if chain.iter().any(|e| e.to_string().contains("Invalid gzip header")) {
        return "gzip: invalid header".into();
    }
    match chain.iter().any(ended) {
        true => "unexpected EOF".into(),
        false => chain.last().map(|e| e.to_string()).unwrap_or_default(),
    }
}

/// Whether the connection was closed by the other side before an answer came, so that a read may be tried again.
pub(super) fn is_passing(cause: &str) -> bool {
    cause == "EOF" || cause.ends_with("connection reset by peer")
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut chain = vec![error];
    let mut next = error.source();
    while let Some(source) = next {
        chain.push(source);
        next = source.source();
    }
    chain
}

/// The system's error in one that does not give its source: connectors for SOCKS only show it in their debug text.
fn hidden_system_error(error: &reqwest::Error) -> Option<io::Error> {
    let text = format!("{error:?}");
    let code = text.split("Os { code: ").nth(1)?.split(',').next()?.parse().ok()?;
    Some(io::Error::from_raw_os_error(code))
}

/// The fault of a handshake in an error, which may be wrapped in errors of input and output.
fn tls_fault<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(fault) = error.downcast_ref::<rustls::Error>() {
        return Some(fault);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    tls_fault(inner)
}

/// A fault of the handshake.
fn tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(fault) => {
            format!("tls: failed to verify certificate: x509: {}", certificate(fault))
        }
        // What a server of plain HTTP answers is no handshake.
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            "http: server gave HTTP response to HTTPS client".into()
        }
        rustls::Error::InvalidMessage(_) => "tls: first record does not look like a TLS handshake".into(),
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {}", alert_text(*alert)),
        rustls::Error::PeerIncompatible(_) => "remote error: tls: protocol version not supported".into(),
        other => format!("tls: {other}"),
    }
}

fn certificate(fault: &CertificateError) -> String {
    match fault {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("{EXPIRED}: current time {} is after {}", date(*time), date(*not_after))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("{EXPIRED}: current time {} is before {}", date(*time), date(*not_before))
        }
        CertificateError::Expired | CertificateError::NotValidYet => EXPIRED.into(),
        CertificateError::NotValidForNameContext { expected, presented } => wrong_name(expected, presented),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate specifies an incompatible key usage".into()
        }
        CertificateError::BadEncoding => "malformed certificate".into(),
        _ => "certificate signed by unknown authority".into(),
    }
}

const EXPIRED: &str = "certificate has expired or is not yet valid";

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

fn wrong_name(expected: &ServerName, presented: &[String]) -> String {
    let names = |kind: &str| -> Vec<&str> {
        let inner = |name: &'_ str| name.len() > kind.len() + 1 && name.starts_with(kind);
        presented
            .iter()
            .filter(|name| inner(name))
            .map(|name| name[kind.len() + 1..name.len() - 1].trim_matches('"'))
            .collect()
    };
    let host = expected.to_str();
    match expected {
        ServerName::IpAddress(_) => match names("IpAddress") {
            none if none.is_empty() => {
                format!("cannot validate certificate for {host} because it doesn't contain any IP SANs")
            }
            addresses => format!("certificate is valid for {}, not {host}", addresses.join(", ")),
        },
        _ => match names("DnsName") {
            none if none.is_empty() => {
                format!("certificate is not valid for any names, but wanted to match {host}")
            }
            names => format!("certificate is valid for {}, not {host}", names.join(", ")),
        },
    }
}

fn alert_text(alert: AlertDescription) -> String {
    let text = match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::RecordOverflow => "record overflow",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "error decoding message",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        other => return format!("alert({})", u8::from(other)),
    };
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn faults_of_certificates_are_told_as_go_tells_them() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let name = |expected: &str, presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from(expected.to_owned()).unwrap(),
            presented: presented.iter().map(|p| p.to_string()).collect(),
        };
        for (fault, text) in [
            (CertificateError::UnknownIssuer, "certificate signed by unknown authority"),
            (
                CertificateError::ExpiredContext { time: at(1_800_000_000), not_after: at(1_600_000_000) },
                "certificate has expired or is not yet valid: current time 2027-01-15T08:00:00Z is after 2020-09-13T12:26:40Z",
            ),
            (
                name("127.0.0.1", &["DnsName(\"kubernetes\")"]),
                "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
            ),
            (
                name("127.0.0.1", &["DnsName(\"k\")", "IpAddress(10.0.0.1)", "IpAddress(10.0.0.2)"]),
                "certificate is valid for 10.0.0.1, 10.0.0.2, not 127.0.0.1",
            ),
            (
                name("localhost", &["DnsName(\"kubernetes\")", "DnsName(\"b\")"]),
                "certificate is valid for kubernetes, b, not localhost",
            ),
            (name("localhost", &[]), "certificate is not valid for any names, but wanted to match localhost"),
        ] {
            let text = format!("tls: failed to verify certificate: x509: {text}");
            assert_eq!(tls(&rustls::Error::InvalidCertificate(fault)), text);
        }
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(tls(&alert), "remote error: tls: certificate required");
    }
}

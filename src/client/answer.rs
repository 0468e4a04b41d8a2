//! Answers that say no: a `Status` from the server, or the words that apimachinery finds for a bare HTTP code.

use super::Error;
use super::request::Request;
use crate::api::status::{Cause, Details};
use crate::api::{Status, Value, gotext};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method};

/// The `Status` of an answer that says no.
pub(super) fn failure(request: &Request, code: u16, headers: &HeaderMap, body: &[u8]) -> Status {
    let said = serde_json::from_slice::<Value>(body).ok().and_then(|value| Status::from_value(&value));
    match said {
        Some(status) if status.status != "Success" => status,
        _ => generic(request, code, headers, body),
    }
}

/// Refuses a successful answer that holds no object, or a failure.
pub(super) fn require_object(answer: &Value, body: &[u8]) -> Result<(), Error> {
    let go_type = match answer {
        Value::Object(fields) if fields.get("kind").is_some_and(|kind| kind.as_str() != Some("")) => {
            return match Status::from_value(answer).filter(|status| status.status != "Success") {
                Some(status) => Err(status.into()),
                None => Ok(()),
            };
        }
        Value::Object(_) | Value::Null => {
            let body = String::from_utf8_lossy(body);
            return Err(Error::Message(format!("Object 'Kind' is missing in '{}'", body.trim())));
        }
        other => gotext::json_kind(other),
    };
    Err(Error::Message(format!("json: cannot unmarshal {go_type} into Go value of type unstructured.detector")))
}

/// The words for a code, when the body has no `Status` or nobody looks at it.
pub(super) fn generic(request: &Request, code: u16, headers: &HeaderMap, body: &[u8]) -> Status {
    let said = if is_text(headers) { String::from_utf8_lossy(body).trim().to_owned() } else { "unknown".into() };
    let (reason, mut message) = words(&request.method, code, &said);
    message.push_str(&request.about_text());
    let (resource, name) = request.subject.split_once(' ').unwrap_or((&request.subject, ""));
    let (kind, group) = resource.split_once('.').unwrap_or((resource, ""));
    let retry_after_seconds = retry_after(headers).and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0);
    Status::failure(code, reason, message).about(Details {
        name: name.into(),
        group: group.into(),
        kind: kind.into(),
        causes: vec![Cause { reason: "UnexpectedServerResponse".into(), message: said, field: String::new() }],
        retry_after_seconds,
        ..Details::default()
    })
}

/// How long the server asks to wait, in seconds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

fn is_text(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_none_or(|text| text.is_empty() || text.starts_with("text/"))
}

fn words(method: &Method, code: u16, said: &str) -> (&'static str, String) {
    let (reason, message) = match code {
        400 => ("BadRequest", "the server rejected our request for an unknown reason"),
        401 => ("Unauthorized", "the server has asked for the client to provide credentials"),
        403 => ("Forbidden", said),
        404 => ("NotFound", "the server could not find the requested resource"),
        405 => ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
        406 if matches!(said, "" | "unknown") => {
            ("NotAcceptable", "the server was unable to respond with a content type that the client supports")
        }
        406 => ("NotAcceptable", said),
        409 if method == Method::POST => ("AlreadyExists", "the server reported a conflict"),
        409 => ("Conflict", "the server reported a conflict"),
        415 => ("UnsupportedMediaType", said),
        422 => ("Invalid", "the server rejected our request due to an error in our request"),
        429 => ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request",
        ),
        500.. => {
            let said = gotext::quote(said);
            return (
                "InternalError",
                format!("an error on the server ({said}) has prevented the request from succeeding"),
            );
        }
        _ => {
            return (
                "",
                format!("the server responded with the status code {code} but did not return more information"),
            );
        }
    };
    (reason, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_must_be_an_object() {
        for (body, words) in [
            ("{\"kind\":\"Pod\"}", None),
            (r#"{"kind":"Status","apiVersion":"v1","status":"Success"}"#, None),
            (r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no"}"#, Some("no")),
            ("{\"a\":1}\n", Some("Object 'Kind' is missing in '{\"a\":1}'")),
            ("[1]", Some("json: cannot unmarshal array into Go value of type unstructured.detector")),
        ] {
            let answer = serde_json::from_str(body).unwrap();
            let error = require_object(&answer, body.as_bytes()).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), words, "{body}");
        }
    }

    #[test]
    fn codes_get_words() {
        let mut request = Request::new(Method::GET, "/x");
        request.subject = "deployments.apps x".into();
        let mut text = HeaderMap::new();
        text.insert(CONTENT_TYPE, "text/plain; charset=utf-8".parse().unwrap());
        let mut json = HeaderMap::new();
        json.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        for (code, headers, body, reason, message) in [
            (404, &text, "404 page not found\n", "NotFound", "the server could not find the requested resource"),
            (403, &text, "no\n", "Forbidden", "no"),
            (403, &json, "{}", "Forbidden", "unknown"),
            (
                500,
                &text,
                "a \"b\"",
                "InternalError",
                "an error on the server (\"a \\\"b\\\"\") has prevented the request from succeeding",
            ),
            (418, &json, "", "", "the server responded with the status code 418 but did not return more information"),
        ] {
            let status = failure(&request, code, headers, body.as_bytes());
            assert_eq!(status.message, format!("{message} (get deployments.apps x)"));
            assert_eq!((status.reason.as_str(), status.code), (reason, code));
            let details = status.details.unwrap();
            assert_eq!(
                (details.kind.as_str(), details.group.as_str(), details.name.as_str()),
                ("deployments", "apps", "x")
            );
        }
        let body = br#"{"kind":"Status","status":"Failure","message":"m","reason":"NotFound","code":404}"#;
        assert_eq!(failure(&request, 404, &json, body).message, "m");
        assert_eq!(generic(&request, 409, &json, body).reason, "Conflict");
    }
}

//! What `-v=6` and more show of requests and answers (client-go's round trippers). Credentials, and the bodies of
//! requests about secrets, are never shown.

use super::log::{Log, klog_value};
use super::request::Request;
use crate::api::gotext;
use http::HeaderMap;
use std::time::Instant;

const PLACE_REQUEST: &str = "round_trippers.go:527";
const PLACE_RESPONSE: &str = "round_trippers.go:632";
const PLACE_BODY: &str = "helper.go:113";
const MASKED: &str = "<masked>";

/// One request being traced.
pub(super) struct Trace<'a> {
    log: &'a Log,
    verb: &'a str,
    url: &'a str,
    begun: Instant,
}

impl<'a> Trace<'a> {
    /// Shows the request.
    pub(super) fn begin(log: &'a Log, request: &'a Request, url: &'a str, headers: &HeaderMap) -> Self {
        let trace = Self { log, verb: request.method.as_str(), url, begun: Instant::now() };
        body(log, "Request Body", request.secret, &request.body);
        let (verb, quoted_url) = (trace.verb, gotext::quote(url));
        if log.is_at(9) {
            let shown = headers_shown(headers)
                .map(|(name, value)| format!(" -H {}", gotext::quote(&format!("{name}: {value}"))));
            let command = format!("curl -v -X{verb} {} '{url}'\n", shown.collect::<String>());
            log.info(9, PLACE_REQUEST, &format!("\"Request\" curlCommand={}", klog_value(&command)));
        } else {
            let headers = header_lines(headers);
            log.info(7, PLACE_REQUEST, &format!("\"Request\" verb=\"{verb}\" url={quoted_url} headers={headers}"));
        }
        trace
    }

    /// Shows the answer's head; an empty status for no answer.
    pub(super) fn head(&self, status: &str, headers: &HeaderMap) {
        if !self.log.is_at(6) {
            return;
        }
        let mut text = String::from("\"Response\"");
        if !self.log.is_at(7) || self.log.is_at(9) {
            text.push_str(&format!(" verb=\"{}\" url={}", self.verb, gotext::quote(self.url)));
        }
        text.push_str(&format!(" status=\"{status}\""));
        if self.log.is_at(8) {
            text.push_str(&format!(" headers={}", header_lines(headers)));
        }
        text.push_str(&format!(" milliseconds={}", self.begun.elapsed().as_millis()));
        self.log.info(6, PLACE_RESPONSE, &text);
    }
}

/// Shows the body of a request or an answer, from level 8 on; longer ones whole only from level 10 on.
pub(super) fn body(log: &Log, what: &str, secret: bool, body: &[u8]) {
    if !log.is_at(8) {
        return;
    }
    let text = if secret && !body.is_empty() { MASKED.into() } else { String::from_utf8_lossy(body) };
    let limit = match (log.is_at(10), log.is_at(9)) {
        (true, _) => usize::MAX,
        (false, true) => 10240,
        (false, false) => 1024,
    };
    let end = (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut shown = text[..end].to_owned();
    if end < text.len() {
        shown.push_str(&format!(" [truncated {} chars]", text.len() - end));
    }
    log.info(8, PLACE_BODY, &format!("\"{what}\" body={}", klog_value(&shown)));
}

/// The headers by name, with credentials masked, and without those that the trace's own tools add.
fn headers_shown(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    let mut shown: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !name.as_str().starts_with("kubectl-"))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let value = match (name.as_str(), value.split_once(' ')) {
                ("authorization" | "proxy-authorization", Some((scheme, _))) => format!("{scheme} {MASKED}"),
                ("authorization" | "proxy-authorization" | "cookie" | "set-cookie", _) => MASKED.to_owned(),
                _ => value,
            };
            (canonical(name.as_str()), value)
        })
        .collect();
    shown.sort();
    shown.into_iter()
}

fn header_lines(headers: &HeaderMap) -> String {
    let lines: String = headers_shown(headers).map(|(name, value)| format!("{name}: {value}\n")).collect();
    if lines.is_empty() { "\"\"".into() } else { klog_value(&lines) }
}

/// `content-type` as `Content-Type`.
fn canonical(name: &str) -> String {
    let mut upper = true;
    let mut letter = |c: char| {
        let out = if upper { c.to_ascii_uppercase() } else { c };
        upper = c == '-';
        out
    };
    name.chars().map(&mut letter).collect()
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::Written;
    use super::*;
    use http::Method;

    fn lines(level: u8, secret: bool) -> String {
        let written = Written::default();
        let log = Log::new(level, written.clone());
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer topsecret".parse().unwrap());
        headers.insert("accept", "a/b".parse().unwrap());
        headers.insert("kubectl-session", "x".parse().unwrap());
        let mut request = Request::new(Method::POST, "/x").content("t", b"{\"password\":1}".to_vec());
        request.secret = secret;
        let trace = Trace::begin(&log, &request, "http://h/x", &headers);
        trace.head("200 OK", &headers);
        body(&log, "Response Body", secret, b"{\"token\":1}");
        let tail = |line: &str| line.split_once("] ").map_or(line.to_owned(), |(_, tail)| tail.to_owned());
        let text: Vec<String> = written.text().lines().map(tail).collect();
        let text = text.join("\n");
        text.split(" milliseconds=").map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit())).collect()
    }

    #[test]
    fn each_level_shows_more() {
        assert_eq!(lines(5, false), "");
        assert_eq!(lines(6, false), "\"Response\" verb=\"POST\" url=\"http://h/x\" status=\"200 OK\"");
        assert_eq!(
            lines(7, false),
            "\"Request\" verb=\"POST\" url=\"http://h/x\" headers=<\n\tAccept: a/b\n\tAuthorization: Bearer <masked>\n >\n\
             \"Response\" status=\"200 OK\""
        );
        assert!(lines(8, false).contains("\"Request Body\" body=\"{\\\"password\\\":1}\""));
        assert!(
            lines(9, false)
                .contains("\tcurl -v -XPOST  -H \"Accept: a/b\" -H \"Authorization: Bearer <masked>\" 'http://h/x'\n")
        );
    }

    #[test]
    fn no_level_shows_a_secret() {
        for level in 0..=10 {
            let text = lines(level, true);
            assert!(!["topsecret", "password", "token"].iter().any(|word| text.contains(word)), "{text}");
        }
    }
}

//! Failures, as the `Status` that kube-apiserver answers with. What goes wrong anywhere in the server becomes one of
//! these; `respond` writes them.

use super::kinds::field::Errors;
pub use crate::api::gotext::quote as quoted;
use crate::api::group::qualified;
use crate::api::status::Details;
use crate::api::{Cause, Status, Value};

/// A request that failed. Boxed, because failures are rare and results are moved often.
pub type Failure = Box<Status>;

/// What a step of the pipeline gives.
pub type Answer<T> = Result<T, Failure>;

/// What a failure is about: a resource or a kind, with its group.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The group.
    pub group: &'a str,
    /// The resource or kind.
    pub kind: &'a str,
    /// The object's name; may be empty.
    pub name: &'a str,
}

impl About<'_> {
    fn details(self) -> Details {
        let Self { group, kind, name } = self;
        Details { name: name.into(), group: group.into(), kind: kind.into(), ..Details::default() }
    }

    /// `kind.group`.
    pub(super) fn qualified(self) -> String {
        qualified(self.kind, self.group)
    }
}

fn failure(code: u16, reason: &str, message: impl Into<String>) -> Status {
    Status::failure(code, reason, message)
}

/// 400: the request makes no sense.
pub fn bad_request(message: impl Into<String>) -> Failure {
    Box::new(failure(400, "BadRequest", message))
}

/// 401.
pub fn unauthorized() -> Failure {
    Box::new(failure(401, "Unauthorized", "Unauthorized"))
}

/// 403, with the reason after the words "is forbidden".
pub fn forbidden(about: About<'_>, why: &str) -> Failure {
    let what = about.qualified();
    let message = match (what.is_empty(), about.name.is_empty()) {
        (true, _) => format!("forbidden: {why}"),
        (false, true) => format!("{what} is forbidden: {why}"),
        (false, false) => format!("{what} {} is forbidden: {why}", quoted(about.name)),
    };
    Box::new(failure(403, "Forbidden", message).about(about.details()))
}

/// 404: there is no such object.
pub fn not_found(about: About<'_>) -> Failure {
    let message = format!("{} {} not found", about.qualified(), quoted(about.name));
    Box::new(failure(404, "NotFound", message).about(about.details()))
}

/// 404: there is no such resource.
pub fn no_such_resource() -> Failure {
    let message = "the server could not find the requested resource";
    Box::new(failure(404, "NotFound", message).about(Details::default()))
}

/// 405.
pub fn method_not_allowed() -> Failure {
    let message = "the server does not allow this method on the requested resource";
    Box::new(failure(405, "MethodNotAllowed", message).about(Details::default()))
}

/// 405 for a resource that does not know the verb at all.
pub fn method_not_supported(about: About<'_>, verb: &str) -> Failure {
    let message = format!("{verb} is not supported on resources of kind {:?}", about.qualified());
    Box::new(failure(405, "MethodNotAllowed", message).about(about.details()))
}

/// 406: none of what is accepted can be written, or not in the shape that is asked for.
pub fn not_acceptable(accepted: &[&str]) -> Failure {
    not_acceptable_because(format!("only the following media types are accepted: {}", accepted.join(", ")))
}

/// 406, with the reason.
pub fn not_acceptable_because(why: String) -> Failure {
    Box::new(failure(406, "NotAcceptable", why))
}

/// 406 of a route that writes none of the types that are accepted.
pub fn no_such_representation(available: &[&str]) -> Failure {
    let message = format!("406: Not Acceptable\n\nAvailable representations: {}", available.join(", "));
    Box::new(failure(406, "NotAcceptable", message).about(Details::default()))
}

/// 409: the name is taken.
pub fn already_exists(about: About<'_>) -> Failure {
    let message = format!("{} {} already exists", about.qualified(), quoted(about.name));
    Box::new(failure(409, "AlreadyExists", message).about(about.details()))
}

/// 409: the object is not as the request wants it.
pub fn conflict(about: About<'_>, why: &str) -> Failure {
    let message = format!("Operation cannot be fulfilled on {} {:?}: {why}", about.qualified(), about.name);
    Box::new(failure(409, "Conflict", message).about(about.details()))
}

/// 409: somebody else was faster.
pub fn modified(about: About<'_>) -> Failure {
    conflict(about, "the object has been modified; please apply your changes to the latest version and try again")
}

/// 410: the history that the request needs is gone.
pub fn expired(message: impl Into<String>) -> Failure {
    Box::new(failure(410, "Expired", message))
}

/// 413.
pub fn too_large(limit: usize) -> Failure {
    too_large_because(&format!("limit is {limit}"))
}

/// 413, with the reason.
pub fn too_large_because(why: &str) -> Failure {
    let message = format!("Request entity too large: {why}");
    Box::new(failure(413, "RequestEntityTooLarge", message))
}

/// 415 for a body that is no object.
pub fn unsupported_media_type(accepted: &[&str]) -> Failure {
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {}",
        accepted.join(", ")
    );
    Box::new(failure(415, "UnsupportedMediaType", message))
}

/// 415 for a body that is no patch.
pub fn unsupported_patch_type() -> Failure {
    let message = "415: Unsupported Media Type";
    Box::new(failure(415, "UnsupportedMediaType", message).about(Details::default()))
}

/// 422: all that is wrong with an object. The message names each complaint once, the causes as often as it was made.
pub fn invalid(about: About<'_>, errors: Errors) -> Failure {
    let mut said: Vec<String> = Vec::new();
    for cause in &errors.causes {
        let text =
            if cause.field.is_empty() { cause.message.clone() } else { format!("{}: {}", cause.field, cause.message) };
        if !said.contains(&text) {
            said.push(text);
        }
    }
    let complaints = match said.as_slice() {
        [one] => one.clone(),
        all => format!("[{}]", all.join(", ")),
    };
    let message = format!("{} {} is invalid: {complaints}", about.qualified(), quoted(about.name));
    let details = Details { causes: errors.causes, ..about.details() };
    Box::new(failure(422, "Invalid", message).about(details))
}

/// 422: the request cannot be done, and kube-apiserver says no more.
pub fn unprocessable() -> Failure {
    let message = "the server rejected our request due to an error in our request";
    Box::new(failure(422, "Invalid", message).about(Details::default()))
}

/// 422: what a patch makes of an object is none. The patch, or the object, is shown.
pub fn invalid_patch(shown: &str, why: &str) -> Failure {
    let mut errors = Errors::default();
    errors.invalid("patch", &shown.into(), why);
    invalid(About { group: "", kind: "", name: "" }, errors)
}

/// 500 without a reason: an error of Go that kube-apiserver passes on.
pub fn internal_plain(message: impl Into<String>) -> Failure {
    Box::new(failure(500, "", message))
}

/// 500.
pub fn internal(message: impl Into<String>) -> Failure {
    let message = message.into();
    let cause = Cause { message: message.clone(), ..Cause::default() };
    let details = Details { causes: vec![cause], ..Details::default() };
    Box::new(failure(500, "InternalError", format!("Internal error occurred: {message}")).about(details))
}

/// 503.
pub fn unavailable(message: &str) -> Failure {
    Box::new(failure(503, "ServiceUnavailable", message))
}

/// 504: the request took too long.
pub fn timed_out() -> Failure {
    let message = "Timeout: request did not complete within the allotted timeout";
    Box::new(failure(504, "Timeout", message).about(Details::default()))
}

/// 504: the revision that the request asks for has not happened yet.
pub fn revision_in_the_future(wanted: u64, current: u64) -> Failure {
    let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
    let cause = Cause {
        reason: "ResourceVersionTooLarge".into(),
        message: "Too large resource version".into(),
        field: String::new(),
    };
    let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
    Box::new(failure(504, "Timeout", message).about(details))
}

/// A complaint about one of the server's own option objects.
pub fn invalid_options(kind: &str, reason: &str, field: &str, message: String) -> Failure {
    let mut errors = Errors::default();
    errors.push(reason, field, message);
    invalid(About { group: "meta.k8s.io", kind, name: "" }, errors)
}

/// What a value looks like in a complaint.
pub fn shown(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_kube_apiservers() {
        let pod = About { group: "", kind: "pods", name: "x" };
        let deployment = About { group: "apps", kind: "deployments", name: "d" };
        for (failure, code, message) in [
            (not_found(pod), 404, r#"pods "x" not found"#),
            (already_exists(deployment), 409, r#"deployments.apps "d" already exists"#),
            (forbidden(pod, "no"), 403, r#"pods "x" is forbidden: no"#),
            (forbidden(About { name: "", ..pod }, "no"), 403, "pods is forbidden: no"),
            (forbidden(About { kind: "", name: "", group: "" }, "no"), 403, "forbidden: no"),
            (conflict(pod, "why"), 409, r#"Operation cannot be fulfilled on pods "x": why"#),
        ] {
            assert_eq!((failure.code, failure.message.as_str()), (code, message));
        }
    }

    #[test]
    fn a_complaint_made_twice_is_said_once() {
        let mut errors = Errors::default();
        errors.required("a", "");
        errors.required("a", "");
        let failure = invalid(About { group: "", kind: "Pod", name: "x" }, errors);
        assert_eq!(failure.message, r#"Pod "x" is invalid: a: Required value"#);
        assert_eq!(failure.details.unwrap().causes.len(), 2);
    }
}

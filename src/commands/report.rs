//! What kubectl says of a failure, and the exit code: pure, so that every line can be tested.

use crate::api::Status;
use crate::client;
use crate::ops::Failure;

/// What goes to stderr and how the process ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The text, with its newline.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

/// Words a failure as kubectl does. `program` is the name that the binary was called by.
pub fn report(failure: &Failure, program: &str) -> Report {
    let code = match failure {
        Failure::Code(code, _) | Failure::Quiet(code) => *code,
        _ => 1,
    };
    let mut stderr = text(failure, program);
    if !stderr.is_empty() && !stderr.ends_with('\n') {
        stderr.push('\n');
    }
    Report { stderr, code }
}

fn text(failure: &Failure, program: &str) -> String {
    let at = |command: &str| if command.is_empty() { program.to_string() } else { format!("{program} {command}") };
    match failure {
        Failure::Flags { message, command } => {
            format!("error: {message}\nSee '{} --help' for usage.", at(command))
        }
        Failure::Usage { message, command } => {
            format!("{}\nSee '{} -h' for help and examples", prefixed(message), at(command))
        }
        Failure::Message(message) => prefixed(message),
        Failure::Plain(text) => text.clone(),
        Failure::Status(status) => refusal(status),
        Failure::Client(client::Error::Status(status)) => refusal(status),
        Failure::Client(error) => match error.standard_message() {
            Some(line) => line,
            None => prefixed(&error.to_string()),
        },
        Failure::Many(list) => match list.as_slice() {
            [Failure::Many(list)] => lines(list, program),
            [one] => text(one, program),
            many => lines(many, program),
        },
        Failure::Quiet(_) => String::new(),
        Failure::Code(_, failure) => text(failure, program),
    }
}

/// Each failure gets its newline, though it ends in one already.
fn lines(failures: &[Failure], program: &str) -> String {
    failures.iter().map(|failure| one_of_many(failure, program) + "\n").collect()
}

/// A failure among others: without `error:`, what is invalid not taken apart, and several of one object in brackets.
fn one_of_many(failure: &Failure, program: &str) -> String {
    match failure {
        Failure::Message(message) => message.clone(),
        Failure::Status(status) | Failure::Client(client::Error::Status(status)) => standard(status),
        Failure::Client(error) => error.standard_message().unwrap_or_else(|| error.to_string()),
        Failure::Many(_) => failure.words(),
        Failure::Code(_, failure) => one_of_many(failure, program),
        other => text(other, program),
    }
}

fn prefixed(message: &str) -> String {
    if message.starts_with("error: ") { message.to_string() } else { format!("error: {message}") }
}

/// A refusal: what is invalid is named field by field, all else is the server's message with its reason.
fn refusal(status: &Status) -> String {
    if status.reason == "Invalid" {
        let Some(details) = &status.details else { return "The request is invalid".into() };
        let mut what = "The request is invalid".to_string();
        if !details.kind.is_empty() {
            what = format!("The {} {:?} is invalid", details.kind, details.name);
        }
        let mut causes: Vec<String> = Vec::new();
        for cause in details.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        return match causes.as_slice() {
            [] if status.message.is_empty() => what,
            [] if details.kind.is_empty() => format!("{what}: {}", status.message),
            [] => what,
            // Whatever a cause ends with, its line is ended.
            [one] => format!("{what}: {one}\n"),
            many => many.iter().fold(format!("{what}: \n"), |text, cause| format!("{text}* {cause}\n")),
        };
    }
    standard(status)
}

fn standard(status: &Status) -> String {
    if status.reason == "Unauthorized" {
        return format!("error: You must be logged in to the server ({})", status.message);
    }
    if status.reason.is_empty() {
        return format!("Error from server: {}", status.message);
    }
    format!("Error from server ({}): {}", status.reason, status.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Cause;
    use crate::api::status::Details;

    fn invalid(causes: Vec<Cause>) -> Failure {
        Failure::Status(Box::new(Status::failure(422, "Invalid", "Pod \"p\" is invalid: ...").about(Details {
            name: "p".into(),
            kind: "Pod".into(),
            causes,
            ..Details::default()
        })))
    }

    fn cause(field: &str) -> Cause {
        Cause { field: field.into(), message: "Required value".into(), ..Cause::default() }
    }

    #[test]
    fn failures_are_worded_as_kubectl_words_them() {
        let not_found = || Failure::Status(Box::new(Status::failure(404, "NotFound", "pods \"x\" not found")));
        for (failure, text, code) in [
            (
                Failure::Flags { message: "unknown flag: --x".into(), command: "get".into() },
                "error: unknown flag: --x\nSee 'kubectl get --help' for usage.\n",
                1,
            ),
            (
                Failure::Usage { message: "Unexpected args: [a]".into(), command: "apply".into() },
                "error: Unexpected args: [a]\nSee 'kubectl apply -h' for help and examples\n",
                1,
            ),
            (
                Failure::Usage { message: "error: no".into(), command: "cordon".into() },
                "error: no\nSee 'kubectl cordon -h' for help and examples\n",
                1,
            ),
            (not_found(), "Error from server (NotFound): pods \"x\" not found\n", 1),
            (
                not_found().when("deleting", "a.yaml"),
                "Error from server (NotFound): error when deleting \"a.yaml\": pods \"x\" not found\n",
                1,
            ),
            (
                Failure::Many(vec![not_found(), Failure::message("b")]),
                "Error from server (NotFound): pods \"x\" not found\nb\n",
                1,
            ),
            (
                Failure::Many(vec![
                    invalid(vec![cause("a")]),
                    Failure::Many(vec![Failure::message("b"), Failure::message("c")]),
                    Failure::Many(vec![Failure::message("d"), Failure::message("d")]),
                ]),
                "Error from server (Invalid): Pod \"p\" is invalid: ...\n[b, c]\nd\n",
                1,
            ),
            (Failure::Many(vec![Failure::Many(vec![Failure::message("b"), Failure::message("c")])]), "b\nc\n", 1),
            (Failure::Many(vec![Failure::Many(vec![Failure::message("b")])]), "b\n", 1),
            (invalid(vec![cause("spec.containers")]), "The Pod \"p\" is invalid: spec.containers: Required value\n", 1),
            (
                invalid(vec![cause("a"), cause("b")]),
                "The Pod \"p\" is invalid: \n* a: Required value\n* b: Required value\n",
                1,
            ),
            (
                Failure::Status(Box::new(Status::failure(401, "Unauthorized", "Unauthorized"))),
                "error: You must be logged in to the server (Unauthorized)\n",
                1,
            ),
            (Failure::Code(2, Box::new(Failure::message("trouble"))), "error: trouble\n", 2),
            (Failure::Quiet(3), "", 3),
        ] {
            assert_eq!(report(&failure, "kubectl"), Report { stderr: text.into(), code });
        }
    }
}

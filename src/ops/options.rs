//! What the shared flags mean: dry runs, field validation, cascades. The words of complaints are kubectl's.

use super::Failure;
pub use crate::output::name::DryRun;

/// What `--dry-run` means without a value.
pub const DRY_RUN_ALONE: &str = "unchanged";

/// Reads `--dry-run`. Without a value, and with `true`, it means client, as it did before there was server.
pub fn dry_run(text: &str) -> Result<DryRun, Failure> {
    match text {
        "none" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(DryRun::None),
        "client" | DRY_RUN_ALONE | "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        _ => Err(Failure::message(format!(
            "Invalid dry-run value ({text}). Must be \"none\", \"server\", or \"client\"."
        ))),
    }
}

/// Where and how kubectl warns of an old spelling of `--dry-run`.
pub fn old_dry_run(text: &str) -> Option<(&'static str, String)> {
    match (text, dry_run(text).ok()?) {
        ("" | "none" | "client" | "server", _) => None,
        (DRY_RUN_ALONE, _) => {
            Some(("helpers.go:714", "--dry-run is deprecated and can be replaced with --dry-run=client.".into()))
        }
        (_, meant) => {
            let (place, meant) =
                if meant == DryRun::None { ("helpers.go:731", "none") } else { ("helpers.go:728", "client") };
            Some((
                place,
                format!("--dry-run={text} is deprecated (boolean value) and can be replaced with --dry-run={meant}."),
            ))
        }
    }
}

/// What happens about unknown and repeated fields (KEP-2885).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// They are an error.
    #[default]
    Strict,
    /// They are warned about.
    Warn,
    /// They are dropped.
    Ignore,
}

impl Validation {
    /// Reads `--validate`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        match text {
            "strict" | "true" => Ok(Validation::Strict),
            "warn" => Ok(Validation::Warn),
            "ignore" | "false" => Ok(Validation::Ignore),
            _ => Err(Failure::message(format!(
                "invalid - validate option {text:?}; must be one of: strict (or true), warn, ignore (or false)"
            ))),
        }
    }

    /// The value of the request's `fieldValidation`.
    pub fn parameter(self) -> &'static str {
        match self {
            Validation::Strict => "Strict",
            Validation::Warn => "Warn",
            Validation::Ignore => "Ignore",
        }
    }
}

/// What happens to what a deleted object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cascade {
    /// It is deleted afterwards.
    #[default]
    Background,
    /// It is deleted first.
    Foreground,
    /// It stays, without an owner.
    Orphan,
}

impl Cascade {
    /// Reads `--cascade`. `true` and `false` are old words for background and orphan.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        match text {
            "background" | "true" => Ok(Cascade::Background),
            "foreground" => Ok(Cascade::Foreground),
            "orphan" | "false" => Ok(Cascade::Orphan),
            _ => Err(Failure::message(format!(
                "invalid cascade value ({text}). Must be \"background\", \"foreground\", or \"orphan\""
            ))),
        }
    }

    /// What is said of an old spelling of `--cascade`.
    pub fn old_spelling(text: &str) -> Option<String> {
        let meant = match text {
            "true" => "background",
            "false" => "orphan",
            _ => return None,
        };
        Some(format!(
            "warning: --cascade={text} is deprecated (boolean value) and can be replaced with --cascade={meant}.\n"
        ))
    }

    /// The value of `propagationPolicy`.
    pub fn policy(self) -> &'static str {
        match self {
            Cascade::Background => "Background",
            Cascade::Foreground => "Foreground",
            Cascade::Orphan => "Orphan",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_spellings_of_dry_run_are_warned_of() {
        for (text, meant, words) in [
            ("client", Some(DryRun::Client), ""),
            (DRY_RUN_ALONE, Some(DryRun::Client), "--dry-run is deprecated and can be"),
            (
                "true",
                Some(DryRun::Client),
                "--dry-run=true is deprecated (boolean value) and can be replaced with --dry-run=client.",
            ),
            (
                "F",
                Some(DryRun::None),
                "--dry-run=F is deprecated (boolean value) and can be replaced with --dry-run=none.",
            ),
            ("bogus", None, ""),
        ] {
            assert_eq!(dry_run(text).ok(), meant, "{text}");
            assert!(old_dry_run(text).map(|(_, said)| said).unwrap_or_default().starts_with(words), "{text}");
            assert_eq!(old_dry_run(text).is_none(), words.is_empty(), "{text}");
        }
    }

    #[test]
    fn words_read_and_are_refused() {
        assert_eq!(dry_run("server").unwrap().suffix(), " (server dry run)");
        assert_eq!(Validation::parse("true").unwrap().parameter(), "Strict");
        assert_eq!(Cascade::parse("orphan").unwrap().policy(), "Orphan");
        assert!(Cascade::old_spelling("false").unwrap().ends_with("--cascade=orphan.\n"));
        assert_eq!(Cascade::old_spelling("orphan"), None);
        assert!(dry_run("bogus").is_err());
        assert!(Validation::parse("bogus").is_err());
        assert!(Cascade::parse("bogus").is_err());
    }
}

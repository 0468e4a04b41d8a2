//! `-o name`, and the line that says what was done to an object: `deployment.apps/web created (dry run)`.

use super::{PrintError, Printer, require_kind};
use crate::api::group::qualified;
use crate::api::{ObjectExt, Value};
use std::io::Write;

/// Whether something was only tried, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    /// It was done.
    #[default]
    None,
    /// `--dry-run=client`: nothing was sent.
    Client,
    /// `--dry-run=server`: it was sent, and the server did not keep it.
    Server,
}

impl DryRun {
    /// What follows the name of an operation.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

/// Prints `kind.group/name`, and the operation unless only names are wanted.
#[derive(Debug)]
pub struct NamePrinter {
    operation: String,
}

impl NamePrinter {
    /// A printer of names only.
    pub fn names() -> Self {
        Self { operation: String::new() }
    }

    /// A printer of what was done, such as `created`.
    pub fn operation(operation: &str, dry_run: DryRun) -> Self {
        Self { operation: format!(" {operation}{}", dry_run.suffix()) }
    }
}

/// An object's `kind.group/name`, in small letters: `configmap/alpha`, `deployment.apps/web`.
pub fn reference(object: &Value) -> String {
    let name = match object.name() {
        "" => "<unknown>",
        name => name,
    };
    let kind = match object.kind() {
        "" => "<unknown>".into(),
        _ => {
            let kind = object.group_version_kind();
            qualified(&kind.kind.to_lowercase(), &kind.group)
        }
    };
    format!("{kind}/{name}")
}

impl Printer for NamePrinter {
    fn object(&mut self, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        require_kind(&object)?;
        Ok(writeln!(out, "{}{}", reference(&object), self.operation)?)
    }

    fn event(&mut self, _: &str, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        self.object(object, out)
    }

    fn shows_managed_fields(&self) -> bool {
        false
    }

    fn list_start(&mut self, _: &mut dyn Write) -> Result<(), PrintError> {
        Ok(())
    }

    fn list_item(&mut self, item: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        self.object(item, out)
    }

    fn list_end(&mut self, _: &mut dyn Write) -> Result<(), PrintError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_and_operations() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}});
        let config = json!({"apiVersion": "v1", "kind": "Config"});
        for (mut printer, object, want) in [
            (NamePrinter::names(), &deployment, "deployment.apps/web\n"),
            (NamePrinter::operation("created", DryRun::None), &deployment, "deployment.apps/web created\n"),
            (NamePrinter::operation("created", DryRun::Client), &deployment, "deployment.apps/web created (dry run)\n"),
            (NamePrinter::operation("x", DryRun::Server), &deployment, "deployment.apps/web x (server dry run)\n"),
            (NamePrinter::names(), &config, "config/<unknown>\n"),
        ] {
            let mut out = Vec::new();
            printer.object(object.clone(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }
}

//! How commands that do something to objects print them: a line that says what was done, or the objects.

use super::Failure;
use crate::api::Object;
use crate::ops::options::DryRun;
use crate::output::Printer;
use crate::output::format::Chosen;
use crate::output::name::NamePrinter;
use std::cell::RefCell;
use std::io::Write;

/// A printer for objects that something was done to.
pub struct Printing {
    chosen: RefCell<Chosen>,
    operation: &'static str,
    dry_run: DryRun,
}

impl Printing {
    /// A printer for this operation, such as `created`.
    pub fn new(chosen: Chosen, operation: &'static str, dry_run: DryRun) -> Self {
        Printing { chosen: RefCell::new(chosen), operation, dry_run }
    }

    /// Prints an object that the operation was done to.
    pub fn print(&self, object: &Object, out: &mut dyn Write) -> Result<(), Failure> {
        self.print_as(object, self.operation, out)
    }

    /// Prints an object that another operation was done to.
    pub fn print_as(&self, object: &Object, operation: &str, out: &mut dyn Write) -> Result<(), Failure> {
        match &mut *self.chosen.borrow_mut() {
            Chosen::Human { .. } => {
                NamePrinter::operation(operation, self.dry_run).object(object.clone(), out)?;
            }
            Chosen::Name(printer) => printer.object(object.clone(), out)?,
            Chosen::Objects(printer) => printer.object(object.clone(), out)?,
        }
        Ok(())
    }

    /// Prints several objects as one list; one by itself.
    pub fn print_all(&self, mut objects: Vec<Object>, out: &mut dyn Write) -> Result<(), Failure> {
        if let Chosen::Objects(printer) = &mut *self.chosen.borrow_mut() {
            match objects.len() {
                1 => printer.object(objects.remove(0), out)?,
                _ => printer.typed_list(objects, out)?,
            }
        }
        Ok(())
    }
}

impl From<crate::output::PrintError> for Failure {
    fn from(error: crate::output::PrintError) -> Self {
        match error {
            crate::output::PrintError::Io(error) => error.into(),
            error => Failure::Message(error.to_string()),
        }
    }
}

//! Templates over lists whose items they look at one by one: what they make of each is kept, not the items.

use super::{PrintError, list_of};
use crate::api::Value;
use std::io::{self, Write};

/// How much is kept before it is written, although an error may follow that shows the whole list.
const KEPT: usize = 8 << 20;

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Part<T> {
    /// What is the same for any list.
    Once(T),
    /// What is made of each item.
    Each(T),
}

/// The parts of a template, and what they made of the items so far.
#[derive(Debug)]
pub(super) struct ByItems<T> {
    parts: Vec<(Part<T>, Vec<u8>)>,
    items: usize,
    /// Why the template does not fit an item.
    failed: Option<PrintError>,
    /// Whether something was written already.
    written: bool,
}

/// Adds what a part of a template makes of a list with one item to what it made of those before.
pub(super) type Make<'a, T> = &'a dyn Fn(&mut T, &Value, &mut Vec<u8>) -> Result<(), PrintError>;

impl<T> ByItems<T> {
    pub(super) fn new(parts: Vec<Part<T>>) -> Self {
        let parts = parts.into_iter().map(|part| (part, Vec::new())).collect();
        Self { parts, items: 0, failed: None, written: false }
    }

    /// Takes an item.
    pub(super) fn item(&mut self, item: Value, make: Make<T>, out: &mut dyn Write) -> io::Result<()> {
        if self.failed.is_some() {
            return Ok(());
        }
        let list = list_of(vec![item]);
        let first = self.items == 0;
        self.items += 1;
        for (part, made) in &mut self.parts {
            let done = match part {
                Part::Once(_) if !first => Ok(()),
                Part::Once(part) | Part::Each(part) => make(part, &list, made),
            };
            if let Err(error) = done {
                self.failed = Some(error);
                return Ok(());
            }
        }
        if self.parts.iter().map(|(_, made)| made.len()).sum::<usize>() > KEPT {
            self.write(out)?;
        }
        Ok(())
    }

    /// Writes what will not change any more: all up to the first part that grows, and what there is of that.
    fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.written = true;
        for (part, made) in &mut self.parts {
            out.write_all(made)?;
            made.clear();
            if matches!(part, Part::Each(_)) {
                break;
            }
        }
        Ok(())
    }

    /// Whether no item came, so that the list is to be looked at by itself.
    pub(super) fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Writes all. Where something failed, the list is needed as a whole, unless a part of it was written already.
    pub(super) fn end(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        match self.failed.take() {
            Some(error) if self.written => return Err(error),
            Some(_) => return Err(PrintError::Whole),
            None => {}
        }
        Ok(self.parts.iter().try_for_each(|(_, made)| out.write_all(made))?)
    }
}

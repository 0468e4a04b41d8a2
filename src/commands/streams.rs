//! Handles on the program's outputs, for whoever keeps one.

use crate::client::Lines;
use crate::output::terminal::{Screen, Style, Surface};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// A handle on an output.
#[derive(Clone)]
pub struct Out(Rc<RefCell<Screen>>);

impl Out {
    /// A handle on this screen.
    pub fn new(screen: Screen) -> Self {
        Self(Rc::new(RefCell::new(screen)))
    }

    /// Whether a person reads it, and not a file or another program.
    pub fn is_terminal(&self) -> bool {
        self.0.borrow().is_terminal()
    }

    /// Uses colours, or no longer.
    pub fn set_coloured(&self, coloured: bool) {
        self.0.borrow_mut().set_coloured(coloured);
    }
}

impl Surface for Out {
    fn is_coloured(&self) -> bool {
        self.0.borrow().is_coloured()
    }
    fn style(&mut self, style: Style) -> io::Result<()> {
        self.0.borrow_mut().style(style)
    }
    fn back(&mut self, lines: usize) -> io::Result<()> {
        self.0.borrow_mut().back(lines)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// Stderr, which is written to after what stdout was told.
#[derive(Clone)]
pub(super) struct Complaints {
    /// What is to be written out first.
    pub stdout: Out,
    /// Where to write.
    pub stderr: Out,
}

impl Write for Complaints {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdout.flush()?;
        self.stderr.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stderr.flush()
    }
}

impl Lines for Complaints {
    fn warning(&mut self) -> io::Result<()> {
        self.stdout.flush()?;
        self.stderr.styled(Style::Warning, "Warning:")
    }
}

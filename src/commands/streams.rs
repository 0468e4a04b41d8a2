//! Handles on the program's outputs, for whoever keeps one.

use crate::client::Lines;
use crate::output::terminal::{self, Screen, Status, Style, Surface};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Both outputs, and what a terminal says below them of what goes on.
struct Streams {
    stdout: Screen,
    stderr: Screen,
    status: Status,
    /// Whether what comes next begins a line of the terminal.
    at_start: bool,
}

impl Streams {
    fn screen(&mut self, stream: Stream) -> &mut Screen {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Takes away what is below the output.
    fn make_way(&mut self) -> io::Result<()> {
        if !self.status.is_shown() {
            return Ok(());
        }
        self.status.erase(terminal::size().map_or(usize::MAX, |(columns, _)| columns), &mut self.stderr)
    }
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// A handle on an output.
#[derive(Clone)]
pub struct Out {
    streams: Rc<RefCell<Streams>>,
    stream: Stream,
}

impl Out {
    /// Handles on both outputs.
    pub fn both(stdout: Screen, stderr: Screen) -> (Self, Self) {
        let streams = Streams { stdout, stderr, status: Status::default(), at_start: true };
        let streams = Rc::new(RefCell::new(streams));
        (Self { streams: streams.clone(), stream: Stream::Stdout }, Self { streams, stream: Stream::Stderr })
    }

    /// Whether a person reads it, and not a file or another program.
    pub fn is_terminal(&self) -> bool {
        self.on(|screen| screen.is_terminal())
    }

    /// Uses colours, or no longer.
    pub fn set_coloured(&self, coloured: bool) {
        self.on(|screen| screen.set_coloured(coloured));
    }

    /// Says below all output what goes on, in these lines, until something else is written. That the terminal is gone
    /// can be told to nobody.
    pub fn say_below(&self, lines: &[String]) {
        let Streams { stdout, stderr, status, at_start } = &mut *self.streams.borrow_mut();
        if let Some(size) = terminal::size().filter(|_| *at_start) {
            let _ = stdout.flush().and_then(|()| status.show(lines, size, stderr));
        }
    }

    /// Says nothing more below the output.
    pub fn make_way(&self) {
        let _ = self.streams.borrow_mut().make_way();
    }

    fn on<T>(&self, does: impl FnOnce(&mut Screen) -> T) -> T {
        does(self.streams.borrow_mut().screen(self.stream))
    }
}

impl Surface for Out {
    fn is_coloured(&self) -> bool {
        self.on(|screen| screen.is_coloured())
    }
    fn style(&mut self, style: Style) -> io::Result<()> {
        self.on(|screen| screen.style(style))
    }
    fn back(&mut self, lines: usize) -> io::Result<()> {
        self.on(|screen| screen.back(lines))
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut streams = self.streams.borrow_mut();
        if streams.screen(self.stream).is_terminal() {
            // Stdout may still have a reader when stderr has none.
            let _ = streams.make_way();
            streams.at_start = bytes.last().map_or(streams.at_start, |last| *last == b'\n');
        }
        streams.screen(self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.on(|screen| screen.flush())
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

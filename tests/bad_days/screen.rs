//! A terminal for a program, as a person would see it.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};

/// The end of a terminal that a person would look at, and the one for a program.
fn ends() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let path = ptsname(&person, Vec::new()).unwrap();
    let program = OpenOptions::new().read(true).write(true).open(std::ffi::OsStr::from_bytes(path.to_bytes())).unwrap();
    let mut modes = tcgetattr(&program).unwrap();
    modes.make_raw();
    tcsetattr(&program, OptionalActions::Now, &modes).unwrap();
    tcsetwinsize(&program, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (person.into(), program)
}

/// A program on a terminal of 24 lines with 80 columns.
pub struct Terminal {
    person: File,
    child: Child,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Runs a program with both streams on the terminal.
    pub fn run(command: Command) -> Self {
        Self::with(command, |command, program| {
            command.stdout(program.try_clone().unwrap()).stderr(program);
        })
    }

    /// Runs a program that prints into a pipe and complains on the terminal. What it prints is lost.
    pub fn run_piped(command: Command) -> Self {
        Self::with(command, |command, program| {
            command.stdout(Stdio::piped()).stderr(program);
        })
    }

    fn with(mut command: Command, connect: impl FnOnce(&mut Command, File)) -> Self {
        let (person, program) = ends();
        connect(command.stdin(Stdio::null()), program);
        // The program's end of the terminal must be open nowhere else, for its end to be seen: `command` goes here.
        Self { person, child: command.spawn().unwrap(), bytes: Vec::new() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Reads on; false at the end, which is an error on Linux.
    fn read(&mut self) -> bool {
        let mut piece = [0; 4096];
        let count = self.person.read(&mut piece).unwrap_or_default();
        self.bytes.extend_from_slice(&piece[..count]);
        count > 0
    }

    /// Waits until all that was written is so.
    pub fn until(&mut self, is_so: impl Fn(&str) -> bool) {
        while !is_so(&self.text()) {
            assert!(self.read(), "it ended:\n{}", self.text());
        }
    }

    /// Waits until the screen shows this.
    pub fn until_seen(&mut self, words: &str) {
        self.until(|text| seen(text).contains(words));
    }

    /// What was written until the program ended.
    pub fn rest(mut self) -> String {
        while self.read() {}
        self.child.wait().unwrap();
        String::from_utf8(self.bytes).unwrap()
    }

    /// What was written until now; the program is ended.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        String::from_utf8(self.bytes).unwrap()
    }

    /// Ends the program by a signal that is not ignored in the background either, as that of Ctrl-C may be.
    pub fn terminate(&self) {
        let child = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(child, rustix::process::Signal::TERM).unwrap();
    }
}

/// What the screen shows after all this was written: colours do not count.
pub fn seen(written: &str) -> String {
    let mut lines = vec![String::new()];
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\x1b' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                let (arguments, command) = (rest[1..end].parse().unwrap_or(0), &rest[end..=end]);
                rest = &rest[end + 1..];
                match command {
                    // The cursor is always in the last line, so that all below and behind it goes.
                    "F" => lines.truncate(lines.len() - arguments),
                    "J" => lines.last_mut().unwrap().clear(),
                    "m" => {}
                    other => panic!("{other:?}"),
                }
            }
            '\n' => lines.push(String::new()),
            c => lines.last_mut().unwrap().push(c),
        }
    }
    lines.join("\n")
}

#[test]
fn screens_take_lines_back() {
    assert_eq!(seen("a\n\x1b[2mbc\x1b[0m\nd\n\x1b[2F\x1b[Je"), "a\ne");
}

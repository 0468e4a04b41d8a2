//! The editor that a person chose, and the file that it is given.

use crate::api::gotext;
use crate::commands::{Context, Failure};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;

/// The variables that name the editor, the first that is set.
const VARIABLES: [&str; 2] = ["KUBE_EDITOR", "EDITOR"];
#[cfg(not(windows))]
const DEFAULTS: (&str, &str, &str) = ("vi", "/bin/bash", "-c");
#[cfg(windows)]
const DEFAULTS: (&str, &str, &str) = ("notepad", "cmd", "/C");

/// How the editor is started.
#[derive(Debug, PartialEq)]
pub(super) struct Editor {
    words: Vec<String>,
    /// Whether the last word is a line for a shell, to which the file is added.
    shell: bool,
}

/// A text that came back from the editor.
#[derive(Debug)]
pub(super) struct Edited {
    /// The text.
    pub text: Vec<u8>,
    /// The file that it is in. It stays until somebody removes it.
    pub file: String,
}

impl Editor {
    /// The editor that the environment names. A line with quotes is left to the shell.
    pub fn from_environment(cx: &Context) -> Self {
        let (editor, shell, flag) = DEFAULTS;
        let line = VARIABLES.iter().find_map(|name| cx.env(name)).unwrap_or(editor);
        if line.contains(' ') && line.contains(['"', '\'', '\\']) {
            let shell = cx.env("SHELL").unwrap_or(shell);
            return Editor { words: vec![shell.into(), flag.into(), line.into()], shell: true };
        }
        Editor { words: line.split(' ').map(String::from).collect(), shell: false }
    }

    /// The words to start, with the file.
    fn line(&self, file: &str) -> Vec<String> {
        let mut words = self.words.clone();
        match words.last_mut() {
            Some(last) if self.shell => *last = format!("{last} {}", gotext::quote(file)),
            _ => words.push(file.into()),
        }
        words
    }

    /// Has a person edit the text in a file of its own.
    pub fn edit(&self, text: &str, ending: &str, cx: &mut Context) -> Result<Edited, Failure> {
        let file = write(text, ending, cx)?;
        cx.finish()?;
        let line = self.line(&file);
        let words = self.words.join(" ");
        let troubled = || Failure::message(format!("there was a problem with the editor {}", gotext::quote(&words)));
        let status = Command::new(&line[0]).args(&line[1..]).status().map_err(|error| match error.kind() {
            // With a slash it is a file, and not looked for.
            ErrorKind::NotFound if !line[0].contains('/') => {
                Failure::message(format!("unable to launch the editor {}", gotext::quote(&words)))
            }
            _ => troubled(),
        })?;
        if !status.success() {
            return Err(troubled());
        }
        let text = std::fs::read(&file).map_err(|error| Failure::message(gotext::unread(&file, &error)))?;
        Ok(Edited { text, file })
    }
}

/// Writes the text to a new file that only its owner can read.
fn write(text: &str, ending: &str, cx: &Context) -> Result<String, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    loop {
        let name = format!("{}-edit-{}{ending}", cx.program.name(), cx.random_number());
        let path = std::env::temp_dir().join(name).display().to_string();
        match options.open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::message(gotext::unread(&path, &error))),
        }
    }
}

/// Removes a file that nobody needs any more. One that is gone already is as good.
pub(super) fn remove(file: &str) {
    let _ = std::fs::remove_file(file);
}

/// Says where the text is kept, if it still is.
pub(super) fn preserved(failure: Failure, file: &str, cx: &mut Context) -> Failure {
    if !file.is_empty() && Path::new(file).exists() {
        cx.complain(&format!("A copy of your changes has been stored to {}\n", gotext::quote(file)));
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Program;
    use crate::output::terminal::Screen;
    use std::collections::BTreeMap;

    fn line(variables: &[(&str, &str)]) -> Vec<String> {
        let env: BTreeMap<_, _> = variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let (stdin, out) = (Box::new(std::io::empty()), || Screen::new(Box::new(std::io::sink()), false));
        let cx = Context::new(Program::from_argv0("kubectl"), stdin, out(), out(), env);
        Editor::from_environment(&cx).line("/tmp/x")
    }

    #[cfg(unix)]
    #[test]
    fn the_environment_names_the_editor() {
        for (variables, words) in [
            (&[][..], &["vi", "/tmp/x"][..]),
            (&[("EDITOR", "nano")], &["nano", "/tmp/x"]),
            (&[("EDITOR", "nano"), ("KUBE_EDITOR", "code -w")], &["code", "-w", "/tmp/x"]),
            (&[("EDITOR", "nano"), ("KUBE_EDITOR", "")], &["nano", "/tmp/x"]),
            (&[("EDITOR", "sed -i 's/a/b/'")], &["/bin/bash", "-c", "sed -i 's/a/b/' \"/tmp/x\""]),
            (&[("EDITOR", "a \"b\""), ("SHELL", "/bin/sh")], &["/bin/sh", "-c", "a \"b\" \"/tmp/x\""]),
        ] {
            assert_eq!(line(variables), words, "{variables:?}");
        }
    }
}

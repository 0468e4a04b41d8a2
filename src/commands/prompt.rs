//! Asking for a name and a password when no file and no flag says who the user is.

use crate::kubeconfig::Prompt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::Command;

/// The terminal, or what stands in for it.
pub(super) struct Asking<'a> {
    /// Where answers come from.
    pub stdin: &'a mut dyn BufRead,
    /// Where questions go.
    pub stdout: &'a mut dyn Write,
}

impl Prompt for Asking<'_> {
    fn ask(&mut self, prompt: &str, secret: bool) -> io::Result<String> {
        self.stdout.write_all(prompt.as_bytes())?;
        self.stdout.flush()?;
        if secret {
            if !io::stdin().is_terminal() {
                return Err(io::Error::other("error reading input for Password"));
            }
            return without_echo(|| line(self.stdin));
        }
        loop {
            if let Some(word) = line(self.stdin)?.split_whitespace().next() {
                return Ok(word.to_string());
            }
        }
    }
}

fn line(stdin: &mut dyn BufRead) -> io::Result<String> {
    let mut line = String::new();
    match stdin.read_line(&mut line)? {
        0 => Err(io::Error::other("EOF")),
        _ => Ok(line.trim_end_matches(['\n', '\r']).to_string()),
    }
}

/// Does something while the terminal does not show what is typed.
fn without_echo<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let echo = |state: &str| Command::new("stty").arg(state).status();
    echo("-echo")?;
    let answer = read();
    echo("echo")?;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_after_the_question() {
        for (input, answer) in [("a b\n", Ok("a")), ("\n \n c\n", Ok("c")), ("", Err("EOF")), ("\n", Err("EOF"))] {
            let mut shown = Vec::new();
            let mut asking = Asking { stdin: &mut input.as_bytes(), stdout: &mut shown };
            let got = asking.ask("Name: ", false).map_err(|error| error.to_string());
            assert_eq!(got, answer.map(str::to_string).map_err(str::to_string), "{input:?}");
            assert_eq!(shown, b"Name: ");
        }
    }
}

//! The binary: argv, streams, environment and exit code; nothing else.

use std::io::{BufReader, BufWriter, IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;
use steersman::commands::{self, Context, Program};
use steersman::output::terminal::Screen;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let argv0 = arguments.first().map(|a| a.to_string_lossy().into_owned()).unwrap_or_default();
    let mut cx = Context::new(
        Program::from_argv0(&argv0),
        Box::new(BufReader::new(stdin())),
        Screen::new(Box::new(BufWriter::with_capacity(64 * 1024, stdout())), stdout().is_terminal()),
        Screen::new(Box::new(stderr()), stderr().is_terminal()),
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect(),
    );
    let code = commands::main(arguments, &mut cx);
    let _ = cx.stdout().flush();
    ExitCode::from(code)
}

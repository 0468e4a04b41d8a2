//! The real binary before servers that mean no good, or do badly: what they say cannot command a terminal, and what they
//! fail to say is told in one line.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[cfg(target_os = "linux")]
mod memory;
mod offline;
mod progress;
mod screen;
mod server;
mod terminal;
mod transport;
mod watch;

use std::path::PathBuf;
use std::process::Command;

/// A folder of these tests' own: other test binaries share the one that cargo gives, at the same time.
fn home() -> PathBuf {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bad-days");
    std::fs::create_dir_all(&home).unwrap();
    home
}

/// The binary on a server, with a home and an environment of its own.
fn steer(server: &str, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steer"));
    command
        .arg(format!("--server={server}"))
        .args(arguments.split(' '))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home())
        .env("TERM", "xterm");
    command
}

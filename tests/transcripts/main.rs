//! The real binary in a sandbox: what is typed and what it prints, as a person would see it.
//!
//! Each file here that ends in `.txt` is a script: a line that starts with `$ ` is run by sh, below it stands what it
//! prints (both streams) and, in brackets, an exit code that is not 0. With STEER_GENERATE=1 in the environment the
//! files are written anew; with STEER_REFERENCE=/path/to/kubectl too, by what the reference prints in our place.

#![allow(clippy::unwrap_used)]

mod marks;
mod tour;

use marks::marked;
use std::path::Path;
use std::process::Command;

const GENERATE: &str = "STEER_GENERATE";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command in a sandbox, and gives what it prints. Of the caller's environment only the PATH gets in.
fn sandbox(name: &str, command: &[&str]) -> (String, String) {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transcripts").join(name);
    let _ = std::fs::remove_dir_all(&home);
    std::fs::create_dir_all(&home).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_steer"))
        .args(["sandbox", "--"])
        .args(command)
        .current_dir(root())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", &home)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    (stdout, stderr)
}

/// A shell script that shows and runs the lines of a transcript.
fn script(transcript: &str, reference: Option<String>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let mut script = String::from("cd \"$HOME\"\n");
    if let Some(reference) = reference {
        script.push_str(&format!("mkdir bin; ln -s {} bin/kubectl; PATH=$HOME/bin:$PATH\n", quoted(&reference)));
    }
    for line in transcript.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let line = quoted(line);
        script.push_str(&format!(
            "printf '$ %s\\n' {line}; sh -c {line} 2>&1; code=$?; [ $code = 0 ] || echo \"[$code]\"\n"
        ));
    }
    script
}

fn run(name: &str) {
    let file = root().join("tests/transcripts").join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(&file).unwrap();
    let generate = std::env::var_os(GENERATE).is_some();
    let reference = if generate { std::env::var("STEER_REFERENCE").ok() } else { None };
    let script = script(&expected, reference) + "true\n";
    let (printed, complaints) = sandbox(name, &["sh", "-c", &script]);
    assert_eq!(complaints, "");
    if generate {
        std::fs::write(&file, printed).unwrap();
    } else {
        assert_eq!(marked(&printed), marked(&expected), "{}", file.display());
    }
}

/// One test for each file, so that they run side by side and fail by name.
macro_rules! transcripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        #[test]
        fn every_transcript_is_run() {
            let mut files: Vec<String> = std::fs::read_dir(root().join("tests/transcripts"))
                .unwrap()
                .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".txt")?.to_string()))
                .collect();
            files.sort();
            assert_eq!(files, [$(stringify!($name)),*]);
        }
    };
}

transcripts! { completion config discovery generators objects offline }

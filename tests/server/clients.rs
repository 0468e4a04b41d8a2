//! Clients that nobody here wrote, against a sandbox: helm, the Python client, kube-rs. Each is fetched where that is
//! possible; a test that cannot have its client says why it skips, or fails where `STEER_NEED_CLIENTS` is set.

use std::path::{Path, PathBuf};
use std::process::Command;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a command prints; why it could not be run otherwise.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_string());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Says why a test skips.
fn skip(why: &str) {
    assert!(std::env::var_os("STEER_NEED_CLIENTS").is_none(), "{why}");
    eprintln!("skipped: {why}");
}

/// Runs a client in a sandbox.
fn try_in_sandbox(client: &mut Command) {
    let mut sandbox = Command::new(env!("CARGO_BIN_EXE_steer"));
    sandbox.args(["sandbox", "--"]).arg(client.get_program()).args(client.get_args());
    let output = sandbox.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{client:?}: {}\n{said}", output.status);
    assert!(said.contains(": all as expected"), "{said}");
}

#[test]
fn helm() {
    let shared = std::env::var_os("STEER_SHARED").map_or_else(|| top().with_file_name("shared"), PathBuf::from);
    match output(&mut Command::new(shared.join("tools").join("reference-helm"))) {
        Ok(helm) => {
            let script = top().join("tests/clients/helm.sh");
            try_in_sandbox(Command::new(script).arg(helm).arg(env!("CARGO_BIN_EXE_steer")));
        }
        Err(why) => skip(&why),
    }
}

/// A Python that has the official client.
fn python() -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let python = home.join("bin").join("python3");
    let has_client = |python: &Path| output(Command::new(python).args(["-c", "import kubernetes"])).is_ok();
    let own = Path::new("python3");
    if has_client(own) {
        return Ok(own.into());
    }
    if !has_client(&python) {
        output(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "kubernetes>=35"];
        output(Command::new(&python).args(pip))?;
    }
    Ok(python)
}

#[test]
fn the_python_client() {
    match python() {
        Ok(python) => try_in_sandbox(Command::new(python).arg(top().join("tests/clients/python_client.py"))),
        Err(why) => skip(&why),
    }
}

/// Its build takes a minute or two: only where it is asked for.
#[test]
fn kube_rs() {
    if std::env::var_os("STEER_KUBE_RS").is_none() {
        return skip("STEER_KUBE_RS is not set, and building kube-rs takes a minute or two");
    }
    let folder = top().join("tests/clients/kube-rs");
    let target = top().join("target").join("kube-rs");
    let cargo = |command: &str, arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([command, "--quiet", "--locked"]).args(arguments).env("CARGO_TARGET_DIR", &target);
        output(cargo.current_dir(&folder))
    };
    if let Err(why) = cargo("fetch", &[]) {
        return skip(&why);
    }
    cargo("build", &["--offline"]).unwrap();
    try_in_sandbox(&mut Command::new(target.join("debug").join("try-kube-rs")));
}

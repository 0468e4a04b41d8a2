//! A throw-away server around a command: it lives as long as the command does, and leaves nothing behind.

use crate::apiserver::serve::{self, Bound, Options, private_folder, write_private};
use crate::yaml;
use serde_json::json;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long a command may take to end after it was told to.
const PATIENCE: Duration = Duration::from_secs(5);

/// What runs in a sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The program and its arguments; empty for a shell.
    pub command: Vec<OsString>,
    /// The user's shell.
    pub shell: OsString,
    /// The PATH to put the sandbox's own programs before.
    pub path: OsString,
    /// Whether a person sits at the terminal: then signals of the keyboard are the command's.
    pub interactive: bool,
    /// Whether the server speaks TLS and asks who is there.
    pub secure: bool,
}

/// Runs a command against a server of its own. The result is the command's exit code; 128 and the signal's number when
/// a signal ended it.
///
/// # Errors
/// A server that cannot be started, and a command that cannot be run.
pub async fn run(sandbox: Sandbox) -> io::Result<u8> {
    let token = sandbox.secure.then(|| uuid::Uuid::new_v4().simple().to_string());
    let options = Options {
        secure_port: sandbox.secure.then_some(0),
        insecure_port: (!sandbox.secure).then_some(0),
        admin_token: token.clone(),
        strict: sandbox.secure,
        ..Options::default()
    };
    let server = serve::bind(&options).await?;
    let folder = Folder::new()?;
    write_private(&folder.path("kubeconfig"), &kubeconfig(&server, token.as_deref()))?;
    folder.link_programs()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async {
        // A sender that is gone says the same as one that spoke.
        let _ = stopped.await;
    }));
    let code = command(&sandbox, &folder).await;
    drop(stop);
    // What the server has to say does not matter any more; that it has let go of its connections does.
    let _ = serving.await;
    code
}

/// Runs the command to its end. Signals that would end this process are handed to it.
async fn command(sandbox: &Sandbox, folder: &Folder) -> io::Result<u8> {
    let shell = [sandbox.shell.clone()];
    let (program, arguments) = match sandbox.command.split_first() {
        Some(parts) => parts,
        None => (&shell[0], &shell[1..]),
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("KUBECONFIG", folder.path("kubeconfig"))
        .env("KUBECACHEDIR", folder.path("cache"))
        .env("PATH", folder.search_path(&sandbox.path)?)
        .stdin(Stdio::inherit())
        .kill_on_drop(true);
    if !sandbox.interactive {
        command.process_group(0);
    }
    let mut signals =
        [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?, signal(SignalKind::interrupt())?];
    let mut child = command.spawn().map_err(|error| {
        let name = program.to_string_lossy();
        io::Error::new(error.kind(), format!("{name}: {}", crate::api::gotext::errno(&error)))
    })?;
    let group = child.id().filter(|_| !sandbox.interactive);
    let [terminate, hangup, interrupt] = &mut signals;
    let status = loop {
        let number = tokio::select! {
            status = child.wait() => break status?,
            _ = terminate.recv() => libc::SIGTERM,
            _ = hangup.recv() => libc::SIGHUP,
            // At a terminal the command has the signal already, and decides what it means.
            _ = interrupt.recv() => if sandbox.interactive { continue } else { libc::SIGINT },
        };
        break end(&mut child, group, number).await?;
    };
    if let Some(group) = group {
        // What the command left running in the background has no server any more.
        signal_group(group, libc::SIGTERM);
    }
    Ok(code(status))
}

/// Hands a signal to the command, and kills it when it does not end.
async fn end(child: &mut Child, group: Option<u32>, number: i32) -> io::Result<ExitStatus> {
    match (group, child.id()) {
        (Some(group), _) => signal_group(group, number),
        (None, Some(process)) => send(process.cast_signed(), number),
        (None, None) => {}
    }
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            if let Some(group) = group {
                signal_group(group, libc::SIGKILL);
            }
            child.kill().await?;
            child.wait().await
        }
    }
}

fn signal_group(group: u32, number: i32) {
    send(-group.cast_signed(), number);
}

fn send(process: i32, number: i32) {
    // SAFETY: kill takes two integers and touches no memory of this process.
    let _ = unsafe { libc::kill(process, number) };
}

/// The exit code that a shell would give.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let number = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(number).unwrap_or(1)
}

/// A kubeconfig for the server, as YAML. With a token, its bearer is the user.
pub fn kubeconfig(server: &Bound, token: Option<&str>) -> String {
    use base64::Engine;
    let mut cluster = json!({"server": server.url});
    if let Some(authority) = &server.authority {
        cluster["certificate-authority-data"] = base64::engine::general_purpose::STANDARD.encode(authority).into();
    }
    let user = token.map_or_else(|| json!({}), |token| json!({"token": token}));
    yaml::to_string(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "steer", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "steer", "context": {"cluster": "steer", "user": "admin"}}],
        "current-context": "steer",
    }))
}

/// A folder that goes when this does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("steer-sandbox-{}", uuid::Uuid::new_v4().simple()));
        private_folder(&folder)?;
        Ok(Folder(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Puts this program there under both of its names.
    fn link_programs(&self) -> io::Result<()> {
        let folder = self.path("bin");
        std::fs::create_dir(&folder)?;
        let program = std::env::current_exe()?;
        for name in ["kubectl", "steer"] {
            std::os::unix::fs::symlink(&program, folder.join(name))?;
        }
        Ok(())
    }

    fn search_path(&self, path: &OsString) -> io::Result<OsString> {
        let folders = std::iter::once(self.path("bin")).chain(std::env::split_paths(path));
        std::env::join_paths(folders).map_err(io::Error::other)
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // There is nobody left to tell when a temporary folder cannot be removed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

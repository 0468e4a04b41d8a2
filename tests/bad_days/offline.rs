//! A dry run that asks no server connects to nothing and runs no plugin, whatever the kubeconfig names.

use crate::home;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

fn steer(home: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steer"));
    command
        .args(arguments.split(' '))
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("KUBECONFIG", home.join("kubeconfig"));
    command
}

#[test]
fn nobody_is_asked() {
    let home = home().join("offline");
    std::fs::create_dir_all(&home).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = listener.local_addr().unwrap();
    let kubeconfig = format!(
        "clusters: [{{name: c, cluster: {{server: 'http://{server}', certificate-authority: nosuch}}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, user: u, namespace: far}}}}]\n\
         users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: touch, args: [ran], interactiveMode: Never}}}}}}]\n\
         current-context: x\n"
    );
    std::fs::write(home.join("kubeconfig"), kubeconfig).unwrap();
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: example.com/v1\nkind: B\nmetadata: {name: b}\n";
    std::fs::write(home.join("a.yaml"), manifest).unwrap();
    for (command, done) in [("apply", "created"), ("create", "created"), ("replace", "replaced")] {
        let output = steer(&home, &format!("{command} -f a.yaml --dry-run=client --offline")).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stdout, format!("configmap/a {done} (dry run)\nb.example.com/b {done} (dry run)\n"), "{command}");
        assert!(output.status.success());
    }
    let output = steer(&home, "create -f a.yaml --dry-run=client --offline -o jsonpath={.metadata.namespace}").output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "far");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(!home.join("ran").exists());
    // It is the flag that keeps it from asking.
    std::fs::write(home.join("kubeconfig"), format!("clusters: [{{name: c, cluster: {{server: 'http://{server}'}}}}]\ncontexts: [{{name: x, context: {{cluster: c}}}}]\ncurrent-context: x\n")).unwrap();
    listener.set_nonblocking(false).unwrap();
    let mut asking = steer(&home, "apply -f a.yaml --dry-run=client").stderr(Stdio::null()).spawn().unwrap();
    let asked = listener.accept();
    asking.kill().unwrap();
    asking.wait().unwrap();
    asked.unwrap();
}

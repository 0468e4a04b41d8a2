//! A real etcd of a test's own, over TLS, that knows its clients by their certificates.

use crate::connection::{Folder, free_port};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::process::{Child, Command, Stdio};

pub struct Etcd {
    child: Option<Child>,
    arguments: Vec<String>,
    folder: Folder,
    port: u16,
}

impl Etcd {
    /// Starts an etcd; none where there is none.
    pub fn start(name: &str) -> Option<Self> {
        let found = Command::new("etcd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            assert!(std::env::var_os("STEER_NEED_ETCD").is_none(), "there is no etcd on the PATH");
            eprintln!("skipped: there is no etcd on the PATH (apt-get install etcd-server)");
            return None;
        }
        let folder = Folder::new(name);
        certificates(&folder);
        let (port, peers) = (free_port(), free_port());
        let file = |name: &str| folder.0.join(name).display().to_string();
        let arguments = [
            ("data-dir", file("data")),
            ("listen-client-urls", format!("https://127.0.0.1:{port}")),
            ("advertise-client-urls", format!("https://127.0.0.1:{port}")),
            ("listen-peer-urls", format!("http://127.0.0.1:{peers}")),
            ("initial-advertise-peer-urls", format!("http://127.0.0.1:{peers}")),
            ("initial-cluster", format!("default=http://127.0.0.1:{peers}")),
            ("trusted-ca-file", file("ca")),
            ("cert-file", file("cert")),
            ("key-file", file("key")),
            ("client-cert-auth", "true".into()),
            ("log-level", "error".into()),
        ];
        let arguments = arguments.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        let mut etcd = Self { child: None, arguments, folder, port };
        etcd.again();
        Some(etcd)
    }

    /// Starts it again over the same data.
    pub fn again(&mut self) {
        let log = std::fs::File::create(self.folder.0.join("log")).unwrap();
        self.child =
            Some(Command::new("etcd").args(&self.arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The flags of a server over it.
    pub fn flags(&self) -> Vec<String> {
        let file = |name: &str| self.folder.0.join(name).display().to_string();
        vec![
            format!("--etcd-servers=https://127.0.0.1:{}", self.port),
            format!("--etcd-cafile={}", file("ca")),
            format!("--etcd-certfile={}", file("cert")),
            format!("--etcd-keyfile={}", file("key")),
        ]
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An authority, and one certificate of it for both sides.
fn certificates(folder: &Folder) {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    for (name, text) in [("ca", root.pem()), ("cert", leaf.pem()), ("key", key.serialize_pem())] {
        std::fs::write(folder.0.join(name), text).unwrap();
    }
}

//! Where the server is and who asks: kubeconfig files (client-go's `clientcmd`), flags, and the service account of a
//! pod, resolved to a [`ClientConfig`].

mod auth_provider;
mod decode;
mod edit;
mod error;
mod exec;
mod in_cluster;
mod model;
mod paths;
mod resolve;
mod server;
mod sources;
mod validate;

pub use edit::{modify, write};
pub use error::Error;
pub use exec::{ExecCredential, ExecPlugin};
pub use model::{AuthProvider, Cluster, Config, Context, Entry, Exec, ExecEnv, Preferences, User};
pub use resolve::{ClientConfig, Credentials, Impersonate, Kubeconfig, Overrides, Pem, Prompt, Tls};
pub use server::Server;
pub use sources::{Environment, Sources, home};

/// A folder for one test, taken away when the test is over.
#[cfg(test)]
pub(crate) struct TestFolder(std::path::PathBuf);

#[cfg(test)]
pub(crate) fn test_folder(name: &str) -> TestFolder {
    let path = std::env::temp_dir().join(format!("steersman-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    TestFolder(path)
}

#[cfg(test)]
impl TestFolder {
    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
impl Drop for TestFolder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

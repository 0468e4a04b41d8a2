//! Who the client says it is, request by request.

use crate::kubeconfig::{Credentials, ExecCredential, ExecPlugin};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use std::fs;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The credentials, and what a plugin gave last. A plugin runs once, however many requests wait for it.
pub(super) struct Identity {
    credentials: Credentials,
    stdin_taken: Option<String>,
    given: Mutex<Option<Arc<ExecCredential>>>,
}

impl Identity {
    pub(super) fn new(credentials: Credentials, stdin_taken: Option<String>) -> Self {
        Self { credentials, stdin_taken, given: Mutex::new(None) }
    }

    /// What the plugin gave, if there is a plugin; it is run when it has not been, or when that has expired.
    pub(super) async fn given(&self) -> Result<Option<Arc<ExecCredential>>, String> {
        let Credentials::Exec(plugin) = &self.credentials else { return Ok(None) };
        let mut given = self.given.lock().await;
        if let Some(credential) = given.as_ref()
            && credential.expires.is_none_or(|end| Timestamp::now() <= end)
        {
            return Ok(Some(credential.clone()));
        }
        self.run(plugin, &mut given).await.map(Some)
    }

    /// Runs the plugin again because the server did not accept `refused`, unless that has been replaced already.
    /// Gives whether there is something new to try.
    pub(super) async fn renew(&self, refused: &Arc<ExecCredential>) -> Result<bool, String> {
        let Credentials::Exec(plugin) = &self.credentials else { return Ok(false) };
        let mut given = self.given.lock().await;
        if given.as_ref().is_none_or(|current| Arc::ptr_eq(current, refused)) {
            self.run(plugin, &mut given).await?;
        }
        Ok(given.as_ref().is_some_and(|current| **current != **refused))
    }

    async fn run(
        &self,
        plugin: &ExecPlugin,
        given: &mut Option<Arc<ExecCredential>>,
    ) -> Result<Arc<ExecCredential>, String> {
        let credential = plugin
            .run(self.stdin_taken.as_deref())
            .await
            .map(Arc::new)
            .map_err(|fault| format!("getting credentials: {fault}"))?;
        *given = Some(credential.clone());
        Ok(credential)
    }

    /// The value of the `Authorization` header; none for no header.
    pub(super) fn authorization(&self, given: Option<&ExecCredential>) -> Result<Option<String>, String> {
        let bearer = |token: &str| (!token.is_empty()).then(|| format!("Bearer {token}"));
        Ok(match &self.credentials {
            Credentials::None => None,
            Credentials::Token(token) => bearer(token),
            Credentials::TokenFile(file, first) => {
                let current = fs::read_to_string(file).ok().map(|text| text.trim().to_owned());
                bearer(current.as_deref().filter(|token| !token.is_empty()).unwrap_or(first.trim()))
            }
            Credentials::Basic(name, password) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
            }
            Credentials::Exec(_) => given.and_then(|credential| bearer(&credential.token)),
            Credentials::Unusable(fault) => return Err(fault.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::{Cluster, Exec, test_folder};

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    /// A plugin that appends a line to `log` and gives a token named by how often it ran.
    fn plugin(log: &str, expires: &str) -> Identity {
        let script = format!(
            r#"echo run >> {log}; n=$(wc -l < {log}); echo '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"t'$((n))'"{expires}}}}}'"#
        );
        let exec = Exec {
            command: "sh".into(),
            args: Some(vec!["-c".into(), script]),
            api_version: "client.authentication.k8s.io/v1".into(),
            interactive_mode: "Never".into(),
            ..Exec::default()
        };
        let plugin = ExecPlugin::new(&exec, &Cluster::default()).unwrap();
        Identity::new(Credentials::Exec(Box::new(plugin)), None)
    }

    async fn token(identity: &Identity) -> String {
        let given = identity.given().await.unwrap();
        identity.authorization(given.as_deref()).unwrap().unwrap()
    }

    #[test]
    fn a_plugin_runs_once_for_many_requests() {
        let folder = test_folder("exec-once");
        let identity = plugin(&folder.file("log"), "");
        let tokens = block(async { tokio::join!(token(&identity), token(&identity), token(&identity)) });
        assert_eq!(tokens, ("Bearer t1".into(), "Bearer t1".into(), "Bearer t1".into()));
        let renewed = block(async {
            let refused = identity.given().await.unwrap().unwrap();
            let both = tokio::join!(identity.renew(&refused), identity.renew(&refused));
            (both, token(&identity).await)
        });
        assert_eq!(renewed, ((Ok(true), Ok(true)), "Bearer t2".into()));
    }

    #[test]
    fn an_expired_credential_is_replaced() {
        let folder = test_folder("exec-expired");
        let identity = plugin(&folder.file("log"), r#","expirationTimestamp":"2020-01-01T00:00:00Z""#);
        assert_eq!(
            block(async { (token(&identity).await, token(&identity).await) }),
            ("Bearer t1".into(), "Bearer t2".into())
        );
    }

    #[test]
    fn a_token_file_is_read_each_time() {
        let folder = test_folder("token-file");
        let file = folder.file("token");
        let identity = Identity::new(Credentials::TokenFile(file.clone(), "first\n".into()), None);
        let header = || identity.authorization(None).unwrap().unwrap();
        assert_eq!(header(), "Bearer first");
        fs::write(&file, "second\n").unwrap();
        assert_eq!(header(), "Bearer second");
        let basic = Identity::new(Credentials::Basic("a".into(), "b".into()), None);
        assert_eq!(basic.authorization(None).unwrap().unwrap(), "Basic YTpi");
    }
}

//! The client against the bundled server, over TLS, with nothing between them but a kubeconfig file.

#![cfg(feature = "apiserver")]
#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use http::Method;
use serde_json::json;
use std::cell::RefCell;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use steersman::api::{GroupVersionKind, ObjectExt, Value};
use steersman::apiserver::serve::{self, Options};
use steersman::client::{Client, ClientOptions, Error, Log, PatchKind, Proxies, Request, user_agent};
use steersman::kubeconfig::{Kubeconfig, Overrides, Sources};
use steersman::sandbox;

/// What the client logged.
#[derive(Clone, Default)]
struct Lines(Rc<RefCell<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl steersman::client::Lines for Lines {}

impl Lines {
    /// How many answers were traced since the last time.
    fn answers(&self) -> usize {
        String::from_utf8(self.0.take()).unwrap().matches("] \"Response\" ").count()
    }
}

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("steersman-client-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn client(kubeconfig: &Path, cache: &Path) -> (Client, Lines) {
    let nothing: &dyn Fn(&str) -> Option<String> = &|_| None;
    let sources = Sources::new(&kubeconfig.to_string_lossy(), nothing);
    let config = Kubeconfig::load(&sources, Overrides::default(), nothing).unwrap().client_config(None).unwrap();
    let lines = Lines::default();
    let options = ClientOptions {
        log: Log::new(6, lines.clone()),
        user_agent: user_agent("v1.37.1"),
        command: String::new(),
        cache_dir: Some(cache.into()),
        proxies: Proxies::default(),
        stdin_taken: None,
    };
    (Client::new(config, options).unwrap(), lines)
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}})
}

async fn work(kubeconfig: &Path, cache: &Path) -> Result<(), Error> {
    let (cold, lines) = client(kubeconfig, cache);
    let maps = cold.resource("cm").await?;
    cold.json(&Request::list(&maps, "default")).await?;
    assert_eq!(lines.answers(), 3);

    let (warm, lines) = client(kubeconfig, cache);
    let maps = warm.resource("configmap").await?;
    for name in ["a", "b", "c"] {
        warm.json(&Request::create(&maps, "default", &config_map(name))).await?;
    }
    assert_eq!(lines.answers(), 3);

    let page = warm.json(&Request::list(&maps, "default").query("limit", "2")).await?;
    assert_eq!(page.items_at(&["items"]).len(), 2);
    let rest =
        Request::list(&maps, "default").query("limit", "2").query("continue", page.text(&["metadata", "continue"]));
    let rest = warm.json(&rest).await?;
    assert!(rest.items_at(&["items"]).iter().any(|item| item.name() == "c"));

    let request = Request::watch(&maps, "default", rest.text(&["metadata", "resourceVersion"]));
    let mut events = warm.watch(&request).await?;
    let patch = Request::patch(&maps, "default", "a", PatchKind::Merge, br#"{"data":{"a":"2"}}"#.to_vec());
    assert_eq!(warm.json(&patch).await?.text(&["data", "a"]), "2");
    warm.send(&Request::delete(&maps, "default", "b", &Value::Null)).await?;
    for (kind, name) in [("MODIFIED", "a"), ("DELETED", "b")] {
        let event = events.next().await?.unwrap();
        assert_eq!((event.kind.as_str(), event.object.name()), (kind, name));
    }

    let gone = warm.json(&Request::get(&maps, "default", "b")).await.unwrap_err();
    assert!(gone.has_reason("NotFound"));
    assert_eq!(gone.to_string(), "configmaps \"b\" not found");
    let kind = GroupVersionKind::new("apps", "v1", "Deployment");
    assert_eq!(warm.kind(&kind).await?.gvr.resource, "deployments");
    let health = warm.send(&Request::new(Method::GET, "/healthz")).await?;
    assert_eq!(&health.body[..], b"ok");
    Ok(())
}

#[test]
fn the_client_works_with_the_bundled_server() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = Options {
            bind_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            secure_port: Some(0),
            insecure_port: None,
            cert_dir: Some(folder.0.join("certs")),
            admin_token: Some("token-of-the-test".into()),
            ..Options::default()
        };
        let server = serve::bind(&options).await.unwrap();
        let kubeconfig = folder.0.join("kubeconfig");
        std::fs::write(&kubeconfig, sandbox::kubeconfig(&server, options.admin_token.as_deref())).unwrap();
        let cache = folder.0.join("cache");
        tokio::select! {
            ended = server.serve(std::future::pending()) => panic!("the server ended: {ended:?}"),
            done = work(&kubeconfig, &cache) => done.unwrap(),
        }
    });
}

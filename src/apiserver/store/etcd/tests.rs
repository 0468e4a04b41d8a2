//! Against a real etcd. Debian's package etcd-server has it; without one on the PATH these tests say that they skip, or
//! fail where `STEER_NEED_ETCD` is set.

use super::*;
use crate::apiserver::encoding::Encoded;
use crate::apiserver::store::Memory;
use proptest::prelude::*;
use serde_json::json;
use std::collections::HashMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// An etcd of a test's own.
pub(crate) struct Process {
    child: Option<Child>,
    arguments: Vec<String>,
    scheme: &'static str,
    port: u16,
    pub folder: PathBuf,
}

impl Process {
    /// Starts an etcd; none where there is none.
    pub fn start() -> Option<Self> {
        Self::start_with("http", |_| Vec::new())
    }

    fn start_with(scheme: &'static str, more: impl FnOnce(&PathBuf) -> Vec<String>) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let found = Command::new("etcd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            assert!(std::env::var_os("STEER_NEED_ETCD").is_none(), "there is no etcd on the PATH");
            eprintln!("skipped: there is no etcd on the PATH (apt-get install etcd-server)");
            return None;
        }
        let name = format!("steersman-etcd-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (port, peers) = (free_port(), free_port());
        let mut arguments: Vec<String> = [
            ("data-dir", folder.join("data").display().to_string()),
            ("listen-client-urls", format!("{scheme}://127.0.0.1:{port}")),
            ("advertise-client-urls", format!("{scheme}://127.0.0.1:{port}")),
            ("listen-peer-urls", format!("http://127.0.0.1:{peers}")),
            ("initial-advertise-peer-urls", format!("http://127.0.0.1:{peers}")),
            ("initial-cluster", format!("default=http://127.0.0.1:{peers}")),
            ("log-level", "error".into()),
        ]
        .iter()
        .map(|(name, value)| format!("--{name}={value}"))
        .collect();
        arguments.extend(more(&folder));
        let mut process = Self { child: None, arguments, scheme, port, folder };
        process.again();
        Some(process)
    }

    /// Starts three that are one.
    fn cluster() -> Option<Vec<Self>> {
        let peers = [free_port(), free_port(), free_port()];
        let url = |n: usize| format!("http://127.0.0.1:{}", peers[n]);
        let all: Vec<String> = (0..3).map(|n| format!("m{n}={}", url(n))).collect();
        let member = |n: usize| {
            Self::start_with("http", |_| {
                let own = [("name", format!("m{n}")), ("initial-cluster", all.join(","))];
                let urls = ["listen-peer-urls", "initial-advertise-peer-urls"].map(|flag| (flag, url(n)));
                own.iter().chain(&urls).map(|(flag, value)| format!("--{flag}={value}")).collect()
            })
        };
        (0..3).map(member).collect()
    }

    /// Starts it again over the same data.
    fn again(&mut self) {
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        let command = Command::new("etcd").args(&self.arguments).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(command.unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn options(&self, prefix: &str) -> EtcdOptions {
        EtcdOptions {
            servers: vec![format!("{}://127.0.0.1:{}", self.scheme, self.port).parse().unwrap()],
            prefix: prefix.into(),
            cafile: None,
            certfile: None,
            keyfile: None,
            compaction_interval: Duration::ZERO,
        }
    }

    pub async fn store(&self, prefix: &str) -> Etcd {
        Self::connect(&self.options(prefix)).await
    }

    /// Connects, once etcd is ready.
    async fn connect(options: &EtcdOptions) -> Etcd {
        for _ in 0..10 {
            if let Ok(store) = Etcd::open(options).await {
                return store;
            }
        }
        Etcd::open(options).await.unwrap()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn key(name: &str) -> Key {
    Key { collection: "/registry/configmaps/".into(), name: name.into() }
}

fn put(name: &str, expect: Expect, value: &str) -> Write {
    let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": {"v": value}});
    Write { key: key(name), expect, change: Change::Put(Encoded::new(&object)) }
}

fn all(at: Option<Revision>) -> Range<'static> {
    Range { collection: "/registry/configmaps/", prefix: "", start: "", limit: 0, at }
}

async fn content(store: &dyn Store, at: Option<Revision>) -> Vec<(String, Revision, String)> {
    let shown =
        |e: &Arc<Entry>| (e.name.to_string(), e.revision, String::from_utf8_lossy(e.object.kept()).into_owned());
    store.range(all(at)).await.unwrap().entries.iter().map(shown).collect()
}

#[test]
fn two_servers_agree() {
    let Some(etcd) = Process::start() else { return };
    run(async {
        let stores = [Arc::new(etcd.store("/registry").await), Arc::new(etcd.store("/registry").await)];
        let mut feed = stores[1].watch(&key("").collection, None).await.unwrap();
        let first = stores[0].commit(vec![put("n", Expect::Absent, "0")]).await.unwrap();
        assert_eq!(stores[1].get(&key("n")).await.unwrap().unwrap().revision, first);
        let mut counters = JoinSet::new();
        for counter in 0..6 {
            let store = stores[counter % 2].clone();
            counters.spawn(async move {
                let mut done = 0;
                while done < 20 {
                    let entry = store.get(&key("n")).await.unwrap().unwrap();
                    let number: u32 = entry.object.value(0)["data"]["v"].as_str().unwrap().parse().unwrap();
                    let write = put("n", Expect::At(entry.revision), &(number + 1).to_string());
                    match store.commit(vec![write]).await {
                        Ok(_) => done += 1,
                        Err(StoreError::Conflict(0, Some(found))) => assert!(found.revision > entry.revision),
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        counters.join_all().await;
        for store in &stores {
            assert_eq!(store.get(&key("n")).await.unwrap().unwrap().object.value(0)["data"]["v"], "120");
        }
        let mut seen = Vec::new();
        while seen.len() < 121 {
            seen.extend(feed.next().await.unwrap().into_iter().map(|event| event.current.unwrap()));
        }
        let values: Vec<String> =
            seen.iter().map(|e| e.object.value(0)["data"]["v"].as_str().unwrap().into()).collect();
        assert!(values.iter().map(|v| v.parse::<u32>().unwrap()).eq(0..=120), "{values:?}");
        assert!(seen.is_sorted_by(|a, b| a.revision < b.revision));
    });
}

#[test]
fn etcd_goes_away_and_comes_back() {
    let Some(mut etcd) = Process::start() else { return };
    run(async {
        let store = etcd.store("/registry").await;
        let first = store.commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
        let mut feed = store.watch(&key("").collection, Some(first)).await.unwrap();
        for round in 0..3 {
            etcd.kill();
            let error = store.get(&key("a")).await.err().unwrap().to_string();
            assert!(error.starts_with("rpc error: code = Unavailable desc = "), "{error}");
            assert!(matches!(store.commit(vec![put("x", Expect::Absent, "")]).await, Err(StoreError::Unavailable(_))));
            assert!(store.check().await.is_err());
            etcd.again();
            // Somebody else is faster.
            let other = etcd.store("/registry").await;
            let revision = other.commit(vec![put(&format!("b{round}"), Expect::Absent, "1")]).await.unwrap();
            let events = feed.next().await.unwrap();
            assert_eq!(events.iter().map(|e| e.revision).collect::<Vec<_>>(), [revision]);
            store.check().await.unwrap();
            assert_eq!(content(&store, None).await, content(&other, None).await);
            assert_eq!(content(&store, Some(first)).await.len(), 1, "history is still there");
        }
    });
}

#[test]
fn a_member_that_hangs_is_left() {
    let Some(members) = Process::cluster() else { return };
    run(async {
        let servers = members.iter().flat_map(|member| member.options("").servers).collect();
        let store = Process::connect(&EtcdOptions { servers, ..members[0].options("/registry") }).await;
        let first = store.commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
        let mut feed = store.watch(&key("").collection, Some(first)).await.unwrap();
        let hanging = members[0].child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", "STOP", &hanging]).status().unwrap().success());
        let mut made = 0;
        for n in 0..60 {
            match store.commit(vec![put(&format!("b{n}"), Expect::Absent, "1")]).await {
                Ok(revision) => {
                    made = revision;
                    break;
                }
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
            }
        }
        while feed.next().await.unwrap().last().unwrap().revision < made {}
        assert!(store.get(&key("a")).await.unwrap().is_some());
    });
}

#[test]
fn what_is_compacted_is_gone() {
    let Some(etcd) = Process::start() else { return };
    run(async {
        let store = etcd.store("/registry").await;
        let mut revisions = vec![store.commit(vec![put("a", Expect::Absent, "0")]).await.unwrap()];
        for n in 1..5 {
            let write = put("a", Expect::At(revisions[n - 1]), &n.to_string());
            revisions.push(store.commit(vec![write]).await.unwrap());
        }
        // A server that starts now was not there, but etcd still knows.
        let second = etcd.store("/registry").await;
        assert_eq!(content(&second, Some(revisions[2])).await[0].1, revisions[2]);
        assert!(matches!(second.watch(&key("").collection, Some(revisions[2])).await, Err(StoreError::Compacted)));
        // One that fell so far behind that etcd has forgotten what it has not seen begins anew, and its watches end.
        let (late, cluster) = Mirror::load(second.mirror.channel.clone(), Layout::new("/registry")).await.unwrap();
        let mut feed = late.memory.watch(&key("").collection, Some(revisions[4])).await.unwrap();
        let last = store.commit(vec![put("b", Expect::Absent, "1")]).await.unwrap();
        let last = store.commit(vec![put("b", Expect::At(last), "2")]).await.unwrap();
        let message = proto::compaction(last).finish();
        store.mirror.channel.call(COMPACT, message).await.unwrap();
        late.follow_once(&mut cluster.clone()).await.unwrap();
        assert_eq!(late.memory.revision(), last);
        assert!(matches!(feed.next().await, Err(StoreError::Compacted)));
        let third = etcd.store("/registry").await;
        assert!(matches!(third.range(all(Some(revisions[2]))).await, Err(StoreError::Compacted)));
        assert!(matches!(third.range(all(Some(last + 9))).await, Err(StoreError::Future(..))));
    });
}

#[test]
fn servers_take_turns_at_compacting() {
    let Some(etcd) = Process::start() else { return };
    run(async {
        let options = EtcdOptions { compaction_interval: Duration::from_millis(50), ..etcd.options("/registry") };
        let stores = [Process::connect(&options).await, Process::connect(&options).await];
        let first = stores[0].commit(vec![put("a", Expect::Absent, "0")]).await.unwrap();
        loop {
            // What a new server is asked for, etcd has to answer.
            let new = etcd.store("/registry").await;
            match new.range(all(Some(first))).await {
                Err(StoreError::Compacted) => break,
                Err(error) => panic!("{error}"),
                Ok(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        assert_eq!(content(&stores[1], None).await.len(), 1);
    });
}

#[test]
fn many_objects_are_read_page_by_page() {
    let Some(etcd) = Process::start() else { return };
    run(async {
        let store = etcd.store("/registry").await;
        let commits = (0..1203).map(|n| store.commit(vec![put(&format!("n{n:05}"), Expect::Absent, "x")]));
        for done in futures_util::future::join_all(commits).await {
            done.unwrap();
        }
        // What is beside the prefix is not ours.
        let message = proto::transaction(
            vec![],
            vec![proto::put(b"/registry0/configmaps/x", b"{}"), proto::put(b"/registry/health", b"x")],
            vec![],
        );
        store.mirror.channel.call(TXN, message.finish()).await.unwrap();
        let second = etcd.store("/registry").await;
        assert_eq!(content(&second, None).await, content(&store, None).await);
        let range = Range { limit: 500, start: "n00100", ..all(None) };
        let page = second.past(&range, second.mirror.memory.revision()).await.unwrap();
        assert_eq!((page.entries.len(), page.remaining, &*page.entries[0].name), (500, 603, "n00100"));
    });
}

#[test]
fn over_tls_with_a_certificate() {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap();
    let issuer = rcgen::Issuer::new(params, authority);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    leaf.extended_key_usages =
        vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let started = Process::start_with("https", |folder| {
        for (name, text) in [("ca", root.pem()), ("cert", leaf.pem()), ("key", key.serialize_pem())] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
        let files = [("trusted-ca-file", "ca"), ("cert-file", "cert"), ("key-file", "key")];
        let files = files.iter().map(|(flag, name)| file(flag, name));
        files.chain(["--client-cert-auth".to_string()]).collect()
    });
    let Some(etcd) = started else { return };
    run(async {
        let file = |name: &str| Some(etcd.folder.join(name));
        let plain = etcd.options("/registry");
        let trusting = EtcdOptions { cafile: file("ca"), ..plain.clone() };
        let full = EtcdOptions { certfile: file("cert"), keyfile: file("key"), ..trusting.clone() };
        let store = Process::connect(&full).await;
        store.commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
        assert!(Etcd::open(&trusting).await.is_err(), "without a certificate");
        assert!(Etcd::open(&plain).await.is_err(), "without its authority");
    });
}

/// Names of objects, each with whether to delete it and whether to expect something wrong.
type Step = Vec<(u8, bool, bool)>;

#[test]
fn as_a_store_in_memory() {
    let Some(etcd) = Process::start() else { return };
    let count = AtomicUsize::new(0);
    let steps = proptest::collection::vec(
        proptest::collection::btree_map(0..6u8, (any::<bool>(), proptest::bool::weighted(0.1)), 1..4),
        1..25,
    );
    let steps = steps.prop_map(|steps: Vec<_>| -> Vec<Step> {
        steps.into_iter().map(|step| step.into_iter().map(|(name, (d, w))| (name, d, w)).collect()).collect()
    });
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let checked = runner.run(&steps, |steps| {
        run(async {
            let prefix = format!("/case{}", count.fetch_add(1, Ordering::Relaxed));
            let (store, model) = (etcd.store(&prefix).await, Memory::new());
            // The model counts its revisions from 1, etcd does not.
            let mut ours: HashMap<Revision, Revision> = HashMap::new();
            for (number, step) in steps.iter().enumerate() {
                let (mut writes, mut models) = (Vec::new(), Vec::new());
                for (name, delete, wrong) in step {
                    let name = format!("n{name}");
                    let there = model.get(&key(&name)).await.unwrap().map(|entry| entry.revision);
                    let expect = |revision: Option<Revision>| match revision {
                        Some(revision) => Expect::At(revision + u64::from(*wrong) * 1000),
                        None if *wrong => Expect::At(1),
                        None => Expect::Absent,
                    };
                    let write = |expect: Expect| {
                        let mut write = put(&name, expect, &number.to_string());
                        if *delete && there.is_some() {
                            write.change = Change::Delete;
                        }
                        write
                    };
                    writes.push(write(expect(there.map(|revision| ours[&revision]))));
                    models.push(write(expect(there)));
                }
                let said = |result: &Result<Revision, StoreError>| match result {
                    Ok(_) => None,
                    Err(StoreError::Conflict(index, entry)) => Some((
                        *index,
                        entry.as_ref().map(|entry| String::from_utf8_lossy(entry.object.kept()).into_owned()),
                    )),
                    Err(error) => panic!("{error}"),
                };
                let (done, expected) = (store.commit(writes).await, model.commit(models).await);
                prop_assert_eq!(said(&done), said(&expected));
                if let (Ok(revision), Ok(expected)) = (done, expected) {
                    ours.insert(expected, revision);
                }
                let translated: Vec<_> =
                    content(&model, None).await.into_iter().map(|(name, r, object)| (name, ours[&r], object)).collect();
                prop_assert_eq!(content(&store, None).await, translated);
            }
            for (theirs, revision) in ours {
                let translated = content(&model, Some(theirs)).await.len();
                prop_assert_eq!(content(&store, Some(revision)).await.len(), translated);
            }
            Ok(())
        })
    });
    checked.unwrap();
}

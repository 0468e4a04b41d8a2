//! A store in etcd, which several servers may share: etcd's revisions are theirs, and etcd decides which of two writes
//! came first.
//!
//! A write is a transaction of etcd that compares the revisions of the keys it writes. Reads and watches are answered
//! from a [`Mirror`] in memory that follows etcd; before a read, etcd is asked for its revision, so that what any server
//! acknowledged before is seen. What cannot be answered while etcd is away fails after a little while, and works again
//! when etcd does.

mod grpc;
mod layout;
mod mirror;
mod proto;
mod tls;

#[cfg(test)]
pub(crate) mod tests;

pub use grpc::Endpoint;

use super::{Change, Entry, Expect, Feed, Key, Later, Page, Range, Revision, Store, StoreError, Write};
use grpc::{Channel, OUT_OF_RANGE, Status};
use layout::{Layout, after};
use mirror::{Mirror, RANGE};
use proto::{RangeRequest, RangeResponse, TxnResponse};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const TXN: &str = "/etcdserverpb.KV/Txn";
const COMPACT: &str = "/etcdserverpb.KV/Compact";

/// How long etcd may be away before requests fail.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });
/// How long it is until etcd is tried again.
const AGAIN: Duration = Duration::from_millis(100);
/// The key by which servers agree who compacts; it is kube-apiserver's.
const COMPACTION: &[u8] = b"compact_rev_key";

/// Where etcd is, and how it is used. The names are those of kube-apiserver's flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdOptions {
    /// The servers of one cluster.
    pub servers: Vec<Endpoint>,
    /// What all keys begin with.
    pub prefix: String,
    /// A file with the authorities of the servers' certificates.
    pub cafile: Option<PathBuf>,
    /// A file with a certificate to show them.
    pub certfile: Option<PathBuf>,
    /// The file with its key.
    pub keyfile: Option<PathBuf>,
    /// How often old revisions are forgotten; zero for never.
    pub compaction_interval: Duration,
}

/// A store in etcd.
pub struct Etcd {
    mirror: Arc<Mirror>,
    /// Those who want to read what is there now.
    readers: mpsc::UnboundedSender<oneshot::Sender<Result<(), StoreError>>>,
    /// Ends with the store.
    _tasks: JoinSet<()>,
}

impl Etcd {
    /// Connects, and reads what is there.
    ///
    /// # Errors
    /// No server can be reached, or files cannot be read.
    pub async fn open(options: &EtcdOptions) -> io::Result<Self> {
        let tls = tls::connector(options)?;
        let channel = Channel::new(options.servers.clone(), tls);
        let deadline = Instant::now() + PATIENCE;
        let (mirror, cluster) = loop {
            match Mirror::load(channel.clone(), Layout::new(&options.prefix)).await {
                Ok(loaded) => break loaded,
                Err(status) if status.is_passing() && Instant::now() < deadline => sleep(AGAIN).await,
                Err(status) => return Err(io::Error::other(format!("etcd: {status}"))),
            }
        };
        let mirror = Arc::new(mirror);
        let (readers, waiting) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let follower = mirror.clone();
        tasks.spawn(async move { follower.follow(cluster).await });
        tasks.spawn(synchronise(mirror.clone(), waiting));
        if !options.compaction_interval.is_zero() {
            tasks.spawn(compact(mirror.clone(), options.compaction_interval));
        }
        Ok(Self { mirror, readers, _tasks: tasks })
    }

    /// Waits until the mirror has all that etcd has now.
    async fn synchronise(&self) -> Result<(), StoreError> {
        let ended = || StoreError::Unavailable("the store was closed".into());
        let (reply, answer) = oneshot::channel();
        self.readers.send(reply).map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Does a transaction. `Err(None)`: not all was as expected.
    async fn transact(&self, keys: &[Vec<u8>], writes: &[Write]) -> Result<Revision, StoreError> {
        let expected = |write: &Write| match write.expect {
            Expect::Absent => 0,
            Expect::At(revision) => revision,
        };
        let compare = keys.iter().zip(writes).map(|(key, write)| proto::written_by(key, expected(write)));
        let change = keys.iter().zip(writes).filter_map(|(key, write)| match &write.change {
            Change::Put(object) => Some(proto::put(key, &layout::write(object))),
            Change::Delete => Some(proto::delete(key)),
            Change::Keep => None,
        });
        let read = keys.iter().map(|key| proto::read(key));
        let message = proto::transaction(compare.collect(), change.collect(), read.collect()).finish();
        // A write that etcd may have done is not sent again: it would run into itself.
        let answer = patient(|status| !status.sent, || self.mirror.channel.call(TXN, message.clone())).await?;
        let answer = TxnResponse::parse(&answer).map_err(|error| unavailable(error.into()))?;
        if answer.succeeded {
            return Ok(answer.header.revision);
        }
        for (index, (write, found)) in writes.iter().zip(&answer.read).enumerate() {
            let found = found.pairs.first();
            if found.map_or(0, |pair| pair.revision) != expected(write) {
                let entry = found.and_then(|pair| {
                    let object = layout::object(pair.value)?;
                    Some(Arc::new(Entry { name: write.key.name.clone(), revision: pair.revision, object }))
                });
                return Err(StoreError::Conflict(index, entry));
            }
        }
        Err(unavailable(Status::internal("a transaction failed without a reason")))
    }

    /// Reads a range as it was before the mirror began.
    async fn past(&self, range: &Range<'_>, revision: Revision) -> Result<Page, StoreError> {
        let layout = &self.mirror.layout;
        let key = layout.place(range.collection, range.start.max(range.prefix));
        let end = after(&layout.place(range.collection, range.prefix));
        let limit = range.limit as u64;
        let request = RangeRequest { key: &key, end: &end, limit, revision, count_only: false };
        let message = request.message().finish();
        let answer = patient(Status::is_passing, || self.mirror.channel.call(RANGE, message.clone())).await?;
        let answer = RangeResponse::parse(&answer).map_err(|error| unavailable(error.into()))?;
        let remaining = (answer.count as usize).saturating_sub(answer.pairs.len());
        let entry = |pair: &proto::KeyValue<'_>| {
            let name = layout.read(pair.key)?.name;
            Some(Arc::new(Entry { name, revision: pair.revision, object: layout::object(pair.value)? }))
        };
        Ok(Page { entries: answer.pairs.iter().filter_map(entry).collect(), revision, remaining })
    }
}

/// Calls etcd, again for a while as long as the failure is such that this may help.
async fn patient<T, F: Future<Output = Result<T, Status>>>(
    again: impl Fn(&Status) -> bool,
    call: impl Fn() -> F,
) -> Result<T, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(status) if status.is_passing() && again(&status) && Instant::now() < deadline => sleep(AGAIN).await,
            Err(status) => return Err(unavailable(status)),
        }
    }
}

fn unavailable(status: Status) -> StoreError {
    if status.code == OUT_OF_RANGE && status.message.contains("compacted") {
        return StoreError::Compacted;
    }
    StoreError::Unavailable(status.to_string())
}

/// Lets readers wait for the mirror: those who come while one question to etcd is under way share the next.
async fn synchronise(
    mirror: Arc<Mirror>,
    mut waiting: mpsc::UnboundedReceiver<oneshot::Sender<Result<(), StoreError>>>,
) {
    while let Some(first) = waiting.recv().await {
        let mut readers = vec![first];
        while let Ok(reader) = waiting.try_recv() {
            readers.push(reader);
        }
        let reached = async {
            let header = patient(Status::is_passing, || mirror.header()).await.map_err(|error| error.to_string())?;
            let reached = timeout(PATIENCE, mirror.reach(header.revision)).await;
            reached.map_err(|_| "context deadline exceeded".to_string())
        };
        let reached = reached.await;
        for reader in readers {
            // Who asked may have gone.
            let _ = reader.send(reached.clone().map_err(StoreError::Unavailable));
        }
    }
}

/// Lets etcd forget, each time, what was old the time before. One of the servers does it, whichever comes first: each
/// counts how often the key was written, and writes it only if it knows the last time.
async fn compact(mirror: Arc<Mirror>, interval: Duration) {
    let (mut times, mut old) = (0, 0);
    loop {
        sleep(interval).await;
        let value = old.to_string();
        let message = proto::transaction(
            vec![proto::written_times(COMPACTION, times)],
            vec![proto::put(COMPACTION, value.as_bytes())],
            vec![proto::read(COMPACTION)],
        );
        // What fails is tried again the next time.
        let Ok(answer) = mirror.channel.call(TXN, message.finish()).await else { continue };
        let Ok(answer) = TxnResponse::parse(&answer) else { continue };
        if answer.succeeded {
            times += 1;
            if old > 0 {
                let _ = mirror.channel.call(COMPACT, proto::compaction(old).finish()).await;
            }
        } else {
            times = answer.read.first().and_then(|range| range.pairs.first()).map_or(0, |pair| pair.times);
        }
        old = answer.header.revision;
    }
}

impl Store for Etcd {
    fn get<'a>(&'a self, key: &'a Key) -> Later<'a, Option<Arc<Entry>>> {
        Box::pin(async {
            self.synchronise().await?;
            self.mirror.memory.get(key).await
        })
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Later<'a, Page> {
        Box::pin(async move {
            if range.at.is_none_or(|revision| revision > self.mirror.memory.revision()) {
                self.synchronise().await?;
            }
            match (self.mirror.memory.range(range).await, range.at) {
                (Err(StoreError::Compacted), Some(revision)) => self.past(&range, revision).await,
                (page, _) => page,
            }
        })
    }

    fn commit(&self, writes: Vec<Write>) -> Later<'_, Revision> {
        Box::pin(async move {
            let keys: Vec<Vec<u8>> = writes.iter().map(|write| self.mirror.layout.key(&write.key)).collect();
            self.transact(&keys, &writes).await
        })
    }

    fn watch<'a>(&'a self, collection: &'a Arc<str>, from: Option<Revision>) -> Later<'a, Box<dyn Feed>> {
        Box::pin(async move {
            if from.is_none_or(|revision| revision > self.mirror.memory.revision()) {
                self.synchronise().await?;
            }
            self.mirror.memory.watch(collection, from).await
        })
    }

    fn check(&self) -> Later<'_, ()> {
        Box::pin(self.synchronise())
    }

    fn is_shared(&self) -> bool {
        true
    }
}

//! A copy of what etcd has, in memory, that follows etcd's watch. It is what reads and watches are answered from, so that
//! thousands of them cost etcd one.
//!
//! The watch is for all keys, not only ours: each transaction in etcd has the next revision, so once an event of
//! revision n has come, everything up to n is here. A reader who must see what was written before asks etcd for its
//! revision, and waits until the mirror has come that far.

use super::super::{Entry, Key, Memory, Revision};
use super::grpc::{Channel, Status, Stream};
use super::layout::{self, Layout};
use super::proto::{Header, Malformed, RangeRequest, RangeResponse, WatchResponse, watch_everything};
use crate::apiserver::encoding::Encoded;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// How many objects are asked for at once.
const PAGE: u64 = 500;
/// How long it is until etcd is tried again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The paths of etcd's methods.
pub const RANGE: &str = "/etcdserverpb.KV/Range";
const WATCH: &str = "/etcdserverpb.Watch/Watch";

/// The copy, and how far it has come.
pub struct Mirror {
    pub channel: Arc<Channel>,
    pub layout: Layout,
    pub memory: Memory,
    /// The revision up to which everything is here.
    reached: watch::Sender<Revision>,
}

impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        Status::internal("etcd's answer is malformed")
    }
}

impl Mirror {
    /// A copy of what is there now.
    pub async fn load(channel: Arc<Channel>, layout: Layout) -> Result<(Self, u64), Status> {
        let mirror = Self { channel, layout, memory: Memory::new(), reached: watch::Sender::new(0) };
        let cluster = mirror.reload().await?;
        Ok((mirror, cluster))
    }

    /// What etcd says of itself now.
    pub async fn header(&self) -> Result<Header, Status> {
        let nothing = RangeRequest { key: b"/", count_only: true, ..RangeRequest::default() };
        let answer = self.channel.call(RANGE, nothing.message().finish()).await?;
        Ok(RangeResponse::parse(&answer)?.header)
    }

    /// Waits until everything up to a revision is here.
    pub async fn reach(&self, revision: Revision) {
        // The sender is ours.
        let _ = self.reached.subscribe().wait_for(|reached| *reached >= revision).await;
    }

    /// Reads everything anew, and forgets the history. Gives the cluster that it comes from.
    async fn reload(&self) -> Result<u64, Status> {
        let (mut key, end) = self.layout.everything();
        let mut header = Header::default();
        let mut entries = Vec::new();
        loop {
            let range =
                RangeRequest { key: &key, end: &end, limit: PAGE, revision: header.revision, count_only: false };
            let answer = self.channel.call(RANGE, range.message().finish()).await?;
            let page = RangeResponse::parse(&answer)?;
            if header.revision == 0 {
                header = page.header;
            }
            for pair in &page.pairs {
                if let Some((Key { collection, name }, object)) = self.understood(pair.key, pair.value) {
                    entries.push((collection, Entry { name, revision: pair.revision, object }));
                }
            }
            match page.pairs.last() {
                // The key behind the last one.
                Some(last) if page.count > page.pairs.len() as u64 => key = [last.key, &[0]].concat(),
                _ => break,
            }
        }
        self.memory.restore(header.revision, entries);
        self.reached.send_replace(header.revision);
        Ok(header.cluster)
    }

    fn understood(&self, key: &[u8], value: &[u8]) -> Option<(Key, Encoded)> {
        let place = self.layout.read(key)?;
        let object = layout::object(value);
        if object.is_none() {
            eprintln!("etcd: the value of {} is no object that can be read: left out", String::from_utf8_lossy(key));
        }
        Some((place, object?))
    }

    /// Follows etcd for ever: when it goes away, until it is back.
    pub async fn follow(&self, mut cluster: u64) {
        let mut pause = AGAIN.0;
        loop {
            let before = self.memory.revision();
            if let Err(status) = self.follow_once(&mut cluster).await
                && !status.is_passing()
            {
                eprintln!("etcd: {status}");
            }
            pause = if self.memory.revision() > before { AGAIN.0 } else { AGAIN.1.min(pause * 2) };
            sleep(pause).await;
        }
    }

    /// Follows etcd until the watch ends.
    pub async fn follow_once(&self, cluster: &mut u64) -> Result<(), Status> {
        let header = self.header().await?;
        if header.cluster != *cluster || header.revision < self.memory.revision() {
            // Another etcd, or an older state of it.
            *cluster = self.reload().await?;
        }
        let from = watch_everything(self.memory.revision() + 1);
        let mut stream = self.channel.stream(WATCH, from.finish(), false).await?;
        loop {
            let Some(compacted) = self.take(&mut stream).await? else { continue };
            if compacted == 0 {
                return Ok(());
            }
            *cluster = self.reload().await?;
            return Ok(());
        }
    }

    /// Takes the next events. At the end of the watch gives the revision before which nothing is there any more, or 0.
    async fn take(&self, stream: &mut Stream) -> Result<Option<Revision>, Status> {
        let Some(message) = stream.next().await? else { return Ok(Some(0)) };
        let response = WatchResponse::parse(&message)?;
        if response.canceled {
            return if response.compacted > 0 {
                Ok(Some(response.compacted))
            } else {
                Err(Status::internal(&format!("the watch was canceled: {}", response.reason)))
            };
        }
        for transaction in response.events.chunk_by(|(a, _), (b, _)| a.revision == b.revision) {
            let revision = transaction[0].0.revision;
            let changes = transaction.iter().filter_map(|(pair, deleted)| {
                if *deleted {
                    return Some((self.layout.read(pair.key)?, None));
                }
                self.understood(pair.key, pair.value).map(|(key, object)| (key, Some(object)))
            });
            self.memory.replay(revision, changes.collect());
            self.reached.send_replace(revision);
        }
        Ok(None)
    }
}

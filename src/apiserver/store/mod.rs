//! Where objects are kept: one revision counter, compare-and-swap on keys, range reads, and watches.
//!
//! There are three stores behind one trait: memory, a folder, and etcd. Keys are a collection and a name in it: `namespace/name`
//! or `name`, ordered by bytes.

pub(super) mod etcd;
mod file;
mod memory;

pub use etcd::{Endpoint, Etcd, EtcdOptions};
pub use file::{File, OpenError};
pub use memory::{LOG_EVENTS, Memory};

use super::encoding::Encoded;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A point in the store's history. Every transaction makes a new one; objects show it as resourceVersion.
pub type Revision = u64;

/// What a store's method gives later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where one object is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The collection: one for each resource.
    pub collection: Arc<str>,
    /// The place in it: `namespace/name`, or `name` for what belongs to the cluster.
    pub name: Box<str>,
}

/// An object that is kept.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the collection.
    pub name: Box<str>,
    /// The revision that wrote it.
    pub revision: Revision,
    /// The object.
    pub object: Encoded,
}

/// What must be at a key for a transaction to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// What this revision wrote.
    At(Revision),
}

/// One write of a transaction.
#[derive(Debug)]
pub struct Write {
    /// Where.
    pub key: Key,
    /// What must be there.
    pub expect: Expect,
    /// What becomes of it.
    pub change: Change,
}

impl Write {
    /// Writes nothing, but lets the transaction happen only while this is what is there.
    pub fn hold(key: Key, revision: Revision) -> Self {
        Self { key, expect: Expect::At(revision), change: Change::Keep }
    }
}

/// What a write makes of what is there.
#[derive(Debug)]
pub enum Change {
    /// This.
    Put(Encoded),
    /// Nothing.
    Delete,
    /// The same.
    Keep,
}

impl Change {
    /// The new object.
    pub fn object(&self) -> Option<&Encoded> {
        match self {
            Self::Put(object) => Some(object),
            Self::Delete | Self::Keep => None,
        }
    }
}

/// A range of a collection.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// The collection.
    pub collection: &'a str,
    /// What names must start with: `namespace/`, or nothing.
    pub prefix: &'a str,
    /// Names must not be smaller than this.
    pub start: &'a str,
    /// The most entries wanted; 0 for all.
    pub limit: usize,
    /// The revision to read at; none for now.
    pub at: Option<Revision>,
}

/// What a range held.
#[derive(Debug, Default)]
pub struct Page {
    /// The entries, in order.
    pub entries: Vec<Arc<Entry>>,
    /// The revision that was read.
    pub revision: Revision,
    /// How many more there are behind the limit.
    pub remaining: usize,
}

/// A change of one key.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub revision: Revision,
    /// What is there now; none when it was deleted.
    pub current: Option<Arc<Entry>>,
    /// What was there before; none when it is new.
    pub previous: Option<Arc<Entry>>,
}

/// Why a store said no.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The write with this index did not find what it expected, but this.
    #[error("another write came first")]
    Conflict(usize, Option<Arc<Entry>>),
    /// The revision is older than the history that is kept.
    #[error("required revision has been compacted")]
    Compacted,
    /// The revision has not happened yet.
    #[error("required revision {0} is in the future, current is {1}")]
    Future(Revision, Revision),
    /// What keeps the objects cannot be reached, or does not work.
    #[error("{0}")]
    Unavailable(String),
}

/// A store of objects.
pub trait Store: Send + Sync + 'static {
    /// Reads one object.
    fn get<'a>(&'a self, key: &'a Key) -> Later<'a, Option<Arc<Entry>>>;

    /// Reads a range at one revision.
    fn range<'a>(&'a self, range: Range<'a>) -> Later<'a, Page>;

    /// Does all the writes, at one new revision, or none of them.
    fn commit(&self, writes: Vec<Write>) -> Later<'_, Revision>;

    /// The changes of a collection after a revision; none for those from now on.
    fn watch<'a>(&'a self, collection: &'a Arc<str>, after: Option<Revision>) -> Later<'a, Box<dyn Feed>>;

    /// Whether it can be written to and read.
    fn check(&self) -> Later<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether others may write to it too.
    fn is_shared(&self) -> bool {
        false
    }
}

/// Changes of a collection, one after the other. A feed holds no changes itself: one whose reader is too slow finds
/// them gone.
pub trait Feed: Send {
    /// The next changes, at least one, in order. Waits for them; giving up waiting loses nothing.
    fn next(&mut self) -> Later<'_, Vec<Event>>;

    /// The revision up to which everything has been given.
    fn revision(&self) -> Revision;
}

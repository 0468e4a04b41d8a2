//! A store in a folder: what was acknowledged is on disk, and is there again after a crash or a loss of power.
//!
//! All objects are in memory too, in a [`Memory`], which answers all reads. One thread writes: it takes all transactions
//! that wait, checks them one after the other, brings them to disk with one write and one fdatasync, lets them happen in
//! memory, and only then answers. Nobody sees what is not on disk. `format` describes the files.

mod folder;
mod format;
mod writer;

#[cfg(test)]
mod tests;

pub use folder::OpenError;

use super::{Entry, Feed, Key, Later, Memory, Page, Range, Revision, Store, StoreError, Write};
use folder::Folder;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use writer::{Job, Writer};

/// When logs are replaced by a snapshot: when they have more bytes than this, and than the last snapshot.
const COMPACT_AT: u64 = 8 << 20;

/// A store that outlasts its process.
pub struct File {
    memory: Memory,
    /// None only while it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl File {
    /// Opens a folder, or makes it. Also gives what somebody should know about the last crash.
    ///
    /// # Errors
    /// A folder that another process has, that is damaged, or that cannot be read and written.
    pub fn open(path: &Path) -> Result<(Self, Option<String>), OpenError> {
        Self::open_compacting(path, COMPACT_AT)
    }

    fn open_compacting(path: &Path, compact_at: u64) -> Result<(Self, Option<String>), OpenError> {
        let folder = Arc::new(Folder::lock(path)?);
        let memory = Memory::new();
        let recovered = folder.recover(&memory)?;
        let notice = recovered.notice.clone();
        let (jobs, waiting) = mpsc::channel();
        let writer = Writer::new(memory.clone(), folder, recovered, compact_at);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || writer.run(&waiting))
            .map_err(|error| OpenError::Io(path.to_path_buf(), error))?;
        Ok((Self { memory, jobs: Some(jobs), thread: Some(thread) }, notice))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // The thread ends when it has written what waits.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Store for File {
    fn get<'a>(&'a self, key: &'a Key) -> Later<'a, Option<Arc<Entry>>> {
        self.memory.get(key)
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Later<'a, Page> {
        self.memory.range(range)
    }

    fn commit(&self, writes: Vec<Write>) -> Later<'_, Revision> {
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { writes, reply }).is_ok());
        Box::pin(async move {
            let ended = || StoreError::Unavailable("the store was closed".into());
            if sent { answer.await.unwrap_or_else(|_| Err(ended())) } else { Err(ended()) }
        })
    }

    fn watch<'a>(&'a self, collection: &'a Arc<str>, after: Option<Revision>) -> Later<'a, Box<dyn Feed>> {
        self.memory.watch(collection, after)
    }

    fn check(&self) -> Later<'_, ()> {
        // A transaction without writes only learns whether others would be written.
        let done = self.commit(Vec::new());
        Box::pin(async move { done.await.map(drop) })
    }
}

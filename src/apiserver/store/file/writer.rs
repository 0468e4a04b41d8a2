//! The thread that writes.

use super::super::memory::Staged;
use super::super::{Memory, Revision, StoreError, Write};
use super::folder::{Folder, Log, OpenError, Recovered};
use super::format::{Frame, HEADER};
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The most bytes of objects that are brought to disk at once.
const BATCH_BYTES: usize = 4 << 20;

/// A transaction that somebody waits for.
pub(super) struct Job {
    pub writes: Vec<Write>,
    pub reply: oneshot::Sender<Result<Revision, StoreError>>,
}

/// Writes transactions to the log, and now and then a snapshot.
pub(super) struct Writer {
    memory: Memory,
    folder: Arc<Folder>,
    log: Log,
    /// How many bytes of logs there are behind the last snapshot.
    logs: u64,
    /// How many bytes the last snapshot has.
    snapshot: u64,
    compact_at: u64,
    /// The snapshot that is being written.
    compaction: Option<JoinHandle<Result<u64, OpenError>>>,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

impl Writer {
    pub fn new(memory: Memory, folder: Arc<Folder>, recovered: Recovered, compact_at: u64) -> Self {
        let Recovered { log, snapshot, logs, .. } = recovered;
        Self { memory, folder, log, logs, snapshot, compact_at, compaction: None, broken: None }
    }

    /// Writes until nobody can give it jobs any more.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut bytes = size(&first);
            let mut batch = vec![first];
            while bytes < BATCH_BYTES {
                match jobs.try_recv() {
                    Ok(job) => {
                        bytes += size(&job);
                        batch.push(job);
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.commit(batch);
            if let Err(error) = self.compact() {
                // Nothing is lost, but the log grows. It is tried again when it has grown as much once more.
                self.logs = 0;
                eprintln!("{error}: the log could not be compacted");
            }
        }
        if let Some(compaction) = self.compaction.take() {
            let _ = compaction.join();
        }
    }

    /// Lets all the transactions that fit happen, on disk first. All are answered when it is known what became of them,
    /// those that did not fit too: what they ran into may not be on disk before.
    fn commit(&mut self, batch: Vec<Job>) {
        let mut staged = Staged::default();
        let mut answers = Vec::with_capacity(batch.len());
        for Job { writes, reply } in batch {
            answers.push((reply, self.memory.stage(&mut staged, writes)));
        }
        let written = match &self.broken {
            Some(problem) => Err(problem.clone()),
            None if staged.changes().is_empty() => Ok(()),
            None => self.write(&staged),
        };
        if written.is_ok() {
            self.memory.apply(staged);
        }
        for (reply, mut answer) in answers {
            if let Err(problem) = &written {
                answer = Err(StoreError::Unavailable(problem.clone()));
            }
            // Who asked may have gone.
            let _ = reply.send(answer);
        }
    }

    fn write(&mut self, staged: &Staged) -> Result<(), String> {
        let mut frame = Frame::default();
        for (key, event) in staged.changes() {
            let object = event.current.as_ref().map(|entry| &entry.object);
            frame.change(event.revision, &key.collection, &key.name, object);
        }
        let bytes = frame.finish();
        let path = self.log.path.display();
        if let Err(error) = self.log.file.write_all(&bytes) {
            let problem = format!("{path}: {error}");
            // A full disk may have room later, if what was written of the frame can be taken back.
            if let Err(error) = self.log.file.set_len(self.log.length).and_then(|()| self.log.file.sync_all()) {
                self.broken = Some(format!("{path}: {error}"));
            }
            return Err(problem);
        }
        if let Err(error) = self.log.file.sync_data() {
            // Nobody knows what is on disk now, and asking again would not tell (fsync forgets errors).
            let problem = format!("{path}: {error}; nothing more is written until the server is started again");
            self.broken = Some(problem.clone());
            return Err(problem);
        }
        self.log.length += bytes.len() as u64;
        self.logs += bytes.len() as u64;
        Ok(())
    }

    /// Begins a new log and writes a snapshot beside it when the logs have grown too long.
    fn compact(&mut self) -> Result<(), OpenError> {
        if let Some(done) = self.compaction.take_if(|running| running.is_finished()) {
            match done.join() {
                Ok(Ok(length)) => {
                    self.snapshot = length;
                    self.logs = self.log.length;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(OpenError::Io(self.log.path.clone(), io::Error::other("panic"))),
            }
        }
        if self.compaction.is_some() || self.broken.is_some() || self.logs < self.compact_at.max(self.snapshot) {
            return Ok(());
        }
        let (revision, objects) = self.memory.everything();
        if self.log.length > HEADER as u64 {
            self.log = self.folder.new_log(revision)?;
        }
        let folder = self.folder.clone();
        let thread = std::thread::Builder::new().name("snapshot".into());
        let running = thread.spawn(move || folder.write_snapshot(revision, objects));
        self.compaction = Some(running.map_err(super::folder::at(&self.log.path))?);
        Ok(())
    }
}

fn size(job: &Job) -> usize {
    job.writes.iter().map(|write| write.change.object().map_or(0, |object| object.size())).sum()
}

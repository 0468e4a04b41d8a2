//! The folder of a file store: who has it, which files are in it, and how they become objects again.

use super::super::memory::Placed;
use super::super::{Entry, Key, Memory, Revision};
use super::format::{self, HEADER, Record, What};
use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A snapshot that is being written.
const UNFINISHED: &str = "snapshot.unfinished";

/// Why a folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by another server{}", .0.display(), .1)]
    InUse(PathBuf, String),
    /// A file is not as it was written.
    #[error(
        "{} is damaged at byte {offset}: {problem}. Nothing was changed; bring the folder back from a copy, or name another one",
        .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A file that must be there is not.
    #[error("{} is missing. Nothing was changed; bring the folder back from a copy, or name another one", .0.display())]
    Missing(PathBuf),
    /// The disk says no.
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] io::Error),
}

/// Names the path in an error of the disk.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_path_buf();
    move |error| OpenError::Io(path, error)
}

/// A folder that this process has to itself.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Keeps others out for as long as it is open.
    _lock: File,
}

/// A log to append to.
#[derive(Debug)]
pub(super) struct Log {
    /// Where it is.
    pub path: PathBuf,
    /// The open file.
    pub file: File,
    /// How long it is.
    pub length: u64,
}

/// What a folder held.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The last log.
    pub log: Log,
    /// How many bytes the snapshot has.
    pub snapshot: u64,
    /// How many bytes all logs have.
    pub logs: u64,
    /// What somebody should know about it.
    pub notice: Option<String>,
}

impl Folder {
    /// Makes the folder if need be, and keeps others out of it.
    pub fn lock(path: &Path) -> Result<Self, OpenError> {
        if !path.is_dir() {
            // Secrets are among the objects.
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))?;
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            sync_folder(parent)?;
        }
        let name = path.join("lock");
        let mut lock = private().read(true).write(true).create(true).open(&name).map_err(at(&name))?;
        // A process that is just ending, or starting another, may have the lock for a moment longer.
        let mut locked = lock.try_lock();
        for _ in 0..20 {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
            locked = lock.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = fs::read_to_string(&name).unwrap_or_default();
                let owner = if owner.is_empty() { owner } else { format!(" (process {})", owner.trim()) };
                return Err(OpenError::InUse(path.to_path_buf(), owner));
            }
            Err(TryLockError::Error(error)) => return Err(OpenError::Io(name, error)),
        }
        // The number only helps people; the lock is what counts.
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(at(&name))?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    fn file(&self, kind: &str, revision: Revision) -> PathBuf {
        self.path.join(format!("{kind}-{revision:020}"))
    }

    /// The revisions of a kind of files, in order.
    fn revisions(&self, kind: &str) -> Result<Vec<Revision>, OpenError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let name = entry.map_err(at(&self.path))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(kind)?.strip_prefix('-'));
            found.extend(number.filter(|n| n.len() == 20).and_then(|n| n.parse::<Revision>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Reads everything into a store, cuts off what a crash left unfinished, and gives the log to go on with.
    pub fn recover(&self, memory: &Memory) -> Result<Recovered, OpenError> {
        let mut snapshot = 0;
        let begin = self.revisions("snapshot")?.last().copied();
        if let Some(revision) = begin {
            snapshot = self.read_snapshot(memory, revision)?;
        }
        let begin = begin.unwrap_or(0);
        let mut logs = self.revisions("log")?;
        logs.retain(|revision| *revision >= begin);
        if begin > 0 && logs.is_empty() {
            return Err(OpenError::Missing(self.file("log", begin)));
        }
        let mut notice = None;
        let mut last = None;
        let mut length = 0;
        for (index, revision) in logs.iter().enumerate() {
            if *revision != memory.revision() {
                return Err(OpenError::Missing(self.file("log", memory.revision())));
            }
            let path = self.file("log", *revision);
            let bytes = fs::read(&path).map_err(at(&path))?;
            let newest = index + 1 == logs.len();
            // A crash while this log was begun: nothing was written to it yet, and the one before it goes on.
            if newest && (index > 0 || *revision == 0) && format::is_torn_header(&bytes) {
                fs::remove_file(&path).map_err(at(&path))?;
                sync_folder(&self.path)?;
                break;
            }
            let whole = replay(memory, &path, &bytes, *revision, newest)?;
            if whole < bytes.len() {
                notice = Some(format!(
                    "{}: cut off {} bytes at byte {whole}: a write that was not finished, and so never acknowledged",
                    path.display(),
                    bytes.len() - whole
                ));
                let file = OpenOptions::new().write(true).open(&path).map_err(at(&path))?;
                file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(at(&path))?;
            }
            length += whole as u64;
            last = Some((path, whole as u64));
        }
        let log = match last {
            Some((path, length)) => {
                let file = OpenOptions::new().append(true).open(&path).map_err(at(&path))?;
                Log { path, file, length }
            }
            None => self.new_log(memory.revision())?,
        };
        self.clean(begin)?;
        Ok(Recovered { log, logs: length, snapshot, notice })
    }

    fn read_snapshot(&self, memory: &Memory, revision: Revision) -> Result<u64, OpenError> {
        let path = self.file("snapshot", revision);
        let bytes = fs::read(&path).map_err(at(&path))?;
        let damaged =
            |offset: usize, problem: &str| OpenError::Damaged { file: path.clone(), offset, problem: problem.into() };
        format::check_header(&bytes, What::Snapshot, revision).map_err(|problem| damaged(0, &problem))?;
        let mut collections = HashSet::new();
        let mut entries = Vec::new();
        let mut offset = HEADER;
        loop {
            let mut records = format::frame_at(&bytes, offset).map_err(|problem| damaged(offset, problem))?;
            let next = offset + format::FRAME + records.len();
            while !records.is_empty() {
                match format::next_record(&mut records).map_err(|problem| damaged(offset, problem))? {
                    Record::Change { revision, collection, name, object: Some(object) } => {
                        let collection = interned(&mut collections, collection);
                        entries.push((collection, Entry { name: name.into(), revision, object }));
                    }
                    Record::End(count) if count == entries.len() as u64 && next == bytes.len() => {
                        memory.restore(revision, entries);
                        return Ok(bytes.len() as u64);
                    }
                    _ => return Err(damaged(offset, "this record does not belong into a snapshot")),
                }
            }
            offset = next;
        }
    }

    /// Begins a log behind a revision. It is on disk when this returns.
    pub fn new_log(&self, revision: Revision) -> Result<Log, OpenError> {
        let path = self.file("log", revision);
        let mut file = private().append(true).create_new(true).open(&path).map_err(at(&path))?;
        file.write_all(&format::header(What::Log, revision)).and_then(|()| file.sync_all()).map_err(at(&path))?;
        sync_folder(&self.path)?;
        Ok(Log { path, file, length: HEADER as u64 })
    }

    /// Writes a snapshot, and removes what it replaces. Gives its length.
    pub fn write_snapshot(&self, revision: Revision, objects: Vec<Placed>) -> Result<u64, OpenError> {
        /// How much is written at once.
        const PIECE: usize = 1 << 20;
        let unfinished = self.path.join(UNFINISHED);
        let mut file = private().write(true).create(true).truncate(true).open(&unfinished).map_err(at(&unfinished))?;
        let mut length = HEADER;
        file.write_all(&format::header(What::Snapshot, revision)).map_err(at(&unfinished))?;
        let mut write = |frame: &mut format::Frame| {
            let bytes = std::mem::take(frame).finish();
            length += bytes.len();
            file.write_all(&bytes).map_err(at(&unfinished))
        };
        let mut frame = format::Frame::default();
        for (collection, entry) in &objects {
            frame.change(entry.revision, collection, &entry.name, Some(&entry.object));
            if frame.size() > PIECE {
                write(&mut frame)?;
            }
        }
        frame.end(objects.len() as u64);
        write(&mut frame)?;
        file.sync_all().map_err(at(&unfinished))?;
        let path = self.file("snapshot", revision);
        fs::rename(&unfinished, &path).map_err(at(&path))?;
        sync_folder(&self.path)?;
        self.clean(revision)?;
        Ok(length as u64)
    }

    /// Removes what a snapshot of this revision has replaced.
    fn clean(&self, snapshot: Revision) -> Result<(), OpenError> {
        for kind in ["log", "snapshot"] {
            for old in self.revisions(kind)?.into_iter().filter(|revision| *revision < snapshot) {
                let path = self.file(kind, old);
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        match fs::remove_file(self.path.join(UNFINISHED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(OpenError::Io(self.path.join(UNFINISHED), error))
            }
            _ => Ok(()),
        }
    }
}

/// Does again what a log says, and gives how many of its bytes are whole. Only the newest log may end in a torn frame.
fn replay(memory: &Memory, path: &Path, bytes: &[u8], begin: Revision, newest: bool) -> Result<usize, OpenError> {
    let damaged =
        |offset: usize, problem: &str| OpenError::Damaged { file: path.to_path_buf(), offset, problem: problem.into() };
    format::check_header(bytes, What::Log, begin).map_err(|problem| damaged(0, &problem))?;
    let mut collections = HashSet::new();
    let mut offset = HEADER;
    let mut revision = begin;
    while offset < bytes.len() {
        let mut records = match format::frame_at(bytes, offset) {
            Ok(records) => records,
            Err(problem) => match format::next_frame(bytes, offset) {
                Some(next) => return Err(damaged(offset, &format!("{problem}, and whole ones follow at {next}"))),
                None if newest => return Ok(offset),
                None => return Err(damaged(offset, &format!("{problem}, and a newer log follows"))),
            },
        };
        let next = offset + format::FRAME + records.len();
        while !records.is_empty() {
            match format::next_record(&mut records).map_err(|problem| damaged(offset, problem))? {
                Record::Change { revision: at, collection, name, object } if at == revision || at == revision + 1 => {
                    revision = at;
                    let collection = interned(&mut collections, collection);
                    memory.replay(revision, vec![(Key { collection, name: name.into() }, object)]);
                }
                _ => return Err(damaged(offset, "this record does not follow the one before it")),
            }
        }
        offset = next;
    }
    Ok(offset)
}

/// One copy of each collection's name.
fn interned(known: &mut HashSet<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(found) = known.get(name) {
        return found.clone();
    }
    let name: Arc<str> = name.into();
    known.insert(name.clone());
    name
}

/// A file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn sync_folder(path: &Path) -> Result<(), OpenError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(at(path))
}

//! A store in memory. Each collection has a log of its last changes: watches read it at their own pace, and reads at
//! an older revision undo it. What has left the log is gone (compacted).

use super::{Change, Entry, Event, Expect, Feed, Key, Later, Page, Range, Revision, Store, StoreError, Write};
use crate::apiserver::encoding::Encoded;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The most changes a collection's log keeps (tests fill it), and the most bytes of objects that only the log keeps.
pub const LOG_EVENTS: usize = if cfg!(test) { 1024 } else { 16 * 1024 };
const LOG_BYTES: usize = 32 << 20;

/// A store that is gone with the process.
#[derive(Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    revision: Revision,
    /// The revision at which the history begins: 0, or that of the snapshot that was restored.
    begin: Revision,
    collections: HashMap<Arc<str>, Collection>,
}

/// An object, and the collection that it is in.
pub(super) type Placed = (Arc<str>, Arc<Entry>);

/// Transactions that were checked but have not happened yet: each was checked as if those before it had happened.
#[derive(Default)]
pub(super) struct Staged {
    /// The revision of the last of them; 0 when there is none.
    revision: Revision,
    changes: Vec<(Key, Event)>,
    latest: HashMap<Key, Option<Arc<Entry>>>,
}

impl Staged {
    /// The changes, in order. Those of one transaction have the same revision.
    pub fn changes(&self) -> &[(Key, Event)] {
        &self.changes
    }
}

struct Collection {
    entries: BTreeMap<Box<str>, Arc<Entry>>,
    log: VecDeque<Event>,
    /// The bytes of the objects that are no longer current but in the log.
    log_bytes: usize,
    /// The revision of the last change that has left the log.
    compacted: Revision,
    /// Tells feeds that there is something new.
    changed: watch::Sender<Revision>,
}

impl Default for Collection {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            log: VecDeque::new(),
            log_bytes: 0,
            compacted: 0,
            changed: watch::Sender::new(0),
        }
    }
}

impl Collection {
    fn append(&mut self, event: Event) {
        self.log_bytes += replaced_bytes(&event);
        self.log.push_back(event);
        while self.log.len() > LOG_EVENTS || self.log_bytes > LOG_BYTES {
            let Some(old) = self.log.pop_front() else { break };
            self.log_bytes -= replaced_bytes(&old);
            self.compacted = old.revision;
        }
    }

    /// The changes after a revision.
    fn since(&self, after: Revision) -> impl DoubleEndedIterator<Item = &Event> {
        self.log.range(self.log.partition_point(|event| event.revision <= after)..)
    }

    /// The entries as they were at a revision that is not compacted.
    fn at(&self, range: &Range<'_>, revision: Revision) -> BTreeMap<&str, Arc<Entry>> {
        let wanted = |name: &str| name.starts_with(range.prefix) && name >= range.start;
        let mut then: BTreeMap<&str, Arc<Entry>> =
            self.entries.iter().filter(|(name, _)| wanted(name)).map(|(name, e)| (&**name, e.clone())).collect();
        for event in self.since(revision).rev() {
            match (&event.current, &event.previous) {
                (_, Some(previous)) if wanted(&previous.name) => {
                    then.insert(&previous.name, previous.clone());
                }
                (Some(current), None) => {
                    then.remove(&*current.name);
                }
                _ => {}
            }
        }
        then
    }
}

fn replaced_bytes(event: &Event) -> usize {
    event.previous.as_ref().map_or(0, |entry| entry.object.size())
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks a transaction, and puts it behind those that are staged already. Nobody else may apply meanwhile.
    pub(super) fn stage(&self, staged: &mut Staged, writes: Vec<Write>) -> Result<Revision, StoreError> {
        self.state().stage(staged, writes)
    }

    /// Lets staged transactions happen.
    pub(super) fn apply(&self, staged: Staged) {
        self.state().apply(staged);
    }

    /// The last revision.
    pub(super) fn revision(&self) -> Revision {
        self.state().revision
    }

    /// Begins with these objects, and no history before a revision.
    pub(super) fn restore(&self, revision: Revision, entries: Vec<(Arc<str>, Entry)>) {
        let mut state = self.state();
        *state = State { revision, begin: revision, ..State::default() };
        for (collection, entry) in entries {
            state.collection(collection).entries.insert(entry.name.clone(), Arc::new(entry));
        }
    }

    /// A transaction that has happened already, elsewhere or before.
    pub(super) fn replay(&self, revision: Revision, changes: Vec<(Key, Option<Encoded>)>) {
        let mut state = self.state();
        let nothing = Staged::default();
        let changes = changes.into_iter().map(|(key, object)| {
            let previous = state.current(&nothing, &key).cloned();
            let current = object.map(|object| Arc::new(Entry { name: key.name.clone(), revision, object }));
            (key, Event { revision, current, previous })
        });
        // What was deleted without having been here was never seen.
        let changes = changes.filter(|(_, event)| event.current.is_some() || event.previous.is_some()).collect();
        state.apply(Staged { revision, changes, latest: HashMap::new() });
    }

    /// All objects with their collections, and the revision at which they are so.
    pub(super) fn everything(&self) -> (Revision, Vec<Placed>) {
        let state = self.state();
        let all = state.collections.iter().flat_map(|(name, c)| c.entries.values().map(|e| (name.clone(), e.clone())));
        (state.revision, all.collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held cannot leave a half-done transaction: checks come before changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn range(&self, range: &Range<'_>) -> Result<Page, StoreError> {
        let revision = range.at.unwrap_or(self.revision);
        if revision > self.revision {
            return Err(StoreError::Future(revision, self.revision));
        }
        let Some(collection) = self.collections.get(range.collection) else {
            return if revision < self.begin {
                Err(StoreError::Compacted)
            } else {
                Ok(Page { revision, ..Page::default() })
            };
        };
        if revision < collection.compacted {
            return Err(StoreError::Compacted);
        }
        let limit = if range.limit == 0 { usize::MAX } else { range.limit };
        let start = if range.start > range.prefix { range.start } else { range.prefix };
        let mut page = Page { revision, ..Page::default() };
        if collection.log.back().is_none_or(|last| last.revision <= revision) {
            let mut rest = collection
                .entries
                .range::<str, _>((Bound::Included(start), Bound::Unbounded))
                .take_while(|(name, _)| name.starts_with(range.prefix))
                .map(|(_, entry)| entry.clone());
            page.entries = rest.by_ref().take(limit).collect();
            page.remaining = rest.count();
        } else {
            let then = collection.at(range, revision);
            page.remaining = then.len().saturating_sub(limit);
            page.entries = then.into_values().take(limit).collect();
        }
        Ok(page)
    }

    /// Checks a transaction, and puts it behind those that are staged already.
    fn stage(&self, staged: &mut Staged, writes: Vec<Write>) -> Result<Revision, StoreError> {
        for (index, write) in writes.iter().enumerate() {
            let found = self.current(staged, &write.key);
            let as_expected = match write.expect {
                Expect::Absent => found.is_none(),
                Expect::At(revision) => found.is_some_and(|entry| entry.revision == revision),
            };
            if !as_expected {
                return Err(StoreError::Conflict(index, found.cloned()));
            }
        }
        let last = self.revision.max(staged.revision);
        if writes.iter().all(|write| matches!(write.change, Change::Keep)) {
            return Ok(last);
        }
        staged.revision = last + 1;
        let revision = staged.revision;
        for Write { key, change, .. } in writes {
            let current = match change {
                Change::Put(object) => Some(Arc::new(Entry { name: key.name.clone(), revision, object })),
                Change::Delete => None,
                Change::Keep => continue,
            };
            let previous = self.current(staged, &key).cloned();
            staged.latest.insert(key.clone(), current.clone());
            staged.changes.push((key, Event { revision, current, previous }));
        }
        Ok(revision)
    }

    /// What is at a key when all that is staged has happened.
    fn current<'a>(&'a self, staged: &'a Staged, key: &Key) -> Option<&'a Arc<Entry>> {
        match staged.latest.get(key) {
            Some(latest) => latest.as_ref(),
            None => self.collections.get(&key.collection)?.entries.get(&key.name),
        }
    }

    fn apply(&mut self, staged: Staged) {
        for (key, event) in staged.changes {
            let revision = event.revision;
            let collection = self.collection(key.collection);
            match &event.current {
                Some(current) => drop(collection.entries.insert(key.name, current.clone())),
                None => drop(collection.entries.remove(&key.name)),
            }
            collection.append(event);
            collection.changed.send_replace(revision);
        }
        self.revision = self.revision.max(staged.revision);
    }

    fn collection(&mut self, name: Arc<str>) -> &mut Collection {
        let begin = self.begin;
        self.collections.entry(name).or_insert_with(|| Collection { compacted: begin, ..Collection::default() })
    }
}

impl Store for Memory {
    fn get<'a>(&'a self, key: &'a Key) -> Later<'a, Option<Arc<Entry>>> {
        let state = self.state();
        let found = state.collections.get(&key.collection).and_then(|c| c.entries.get(&key.name)).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Later<'a, Page> {
        Box::pin(std::future::ready(self.state().range(&range)))
    }

    fn commit(&self, writes: Vec<Write>) -> Later<'_, Revision> {
        let mut state = self.state();
        let mut staged = Staged::default();
        let done = state.stage(&mut staged, writes);
        if done.is_ok() {
            state.apply(staged);
        }
        Box::pin(std::future::ready(done))
    }

    fn watch<'a>(&'a self, collection: &'a Arc<str>, after: Option<Revision>) -> Later<'a, Box<dyn Feed>> {
        let mut state = self.state();
        let now = state.revision;
        let kept = state.collection(collection.clone());
        let after = after.unwrap_or(now);
        let feed = if after > now {
            Err(StoreError::Future(after, now))
        } else if after < kept.compacted {
            Err(StoreError::Compacted)
        } else {
            let changed = kept.changed.subscribe();
            let feed = MemoryFeed { store: self.clone(), collection: collection.clone(), after, changed };
            Ok(Box::new(feed) as Box<dyn Feed>)
        };
        Box::pin(std::future::ready(feed))
    }
}

struct MemoryFeed {
    store: Memory,
    collection: Arc<str>,
    after: Revision,
    changed: watch::Receiver<Revision>,
}

impl MemoryFeed {
    /// The most changes that one call gives, so that a feed that is far behind does not take all at once.
    const BATCH: usize = 256;

    fn read(&mut self) -> Result<Vec<Event>, StoreError> {
        let state = self.store.state();
        let Some(collection) = state.collections.get(&self.collection) else { return Ok(Vec::new()) };
        if self.after < collection.compacted {
            return Err(StoreError::Compacted);
        }
        let mut events: Vec<Event> = collection.since(self.after).take(Self::BATCH).cloned().collect();
        // A transaction is given as a whole, because the place in the log is a revision.
        if let Some(last) = events.last().map(|event| event.revision) {
            let rest = collection.since(self.after).skip(events.len());
            let rest: Vec<Event> = rest.take_while(|event| event.revision == last).cloned().collect();
            events.extend(rest);
            self.after = last;
        } else {
            self.after = state.revision;
        }
        Ok(events)
    }
}

impl Feed for MemoryFeed {
    fn next(&mut self) -> Later<'_, Vec<Event>> {
        Box::pin(async {
            loop {
                self.changed.mark_unchanged();
                let events = self.read()?;
                if !events.is_empty() {
                    return Ok(events);
                }
                // The sender lives as long as the collection, and collections are never dropped.
                if self.changed.changed().await.is_err() {
                    return Err(StoreError::Compacted);
                }
            }
        })
    }

    fn revision(&self) -> Revision {
        let state = self.store.state();
        // Where nothing has changed since, everything up to now has been given.
        let waits = state.collections.get(&self.collection).is_none_or(|c| c.since(self.after).next().is_some());
        if waits { self.after } else { state.revision.max(self.after) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn put(name: &str, expect: Expect) -> Write {
        let object = json!({"metadata": {"name": name}});
        Write { key: key(name), expect, change: Change::Put(Encoded::new(&object)) }
    }

    fn key(name: &str) -> Key {
        Key { collection: "c".into(), name: name.into() }
    }

    async fn names(store: &Memory, prefix: &str, at: Option<Revision>) -> Vec<String> {
        let range = Range { collection: "c", prefix, start: "", limit: 0, at };
        store.range(range).await.unwrap().entries.iter().map(|e| e.name.to_string()).collect()
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn writes_happen_only_as_expected() {
        run(async {
            let store = Memory::new();
            let first = store.commit(vec![put("a", Expect::Absent)]).await.unwrap();
            assert!(matches!(
                store.commit(vec![put("a", Expect::Absent)]).await,
                Err(StoreError::Conflict(0, Some(_)))
            ));
            let both = vec![put("b", Expect::Absent), put("a", Expect::At(first + 7))];
            assert!(matches!(store.commit(both).await, Err(StoreError::Conflict(1, _))));
            assert!(store.get(&key("b")).await.unwrap().is_none(), "none of a failed transaction happens");
            let held = |revision| vec![put("c", Expect::Absent), Write::hold(key("a"), revision)];
            assert!(matches!(store.commit(held(first + 7)).await, Err(StoreError::Conflict(1, _))));
            assert_eq!(store.commit(vec![Write::hold(key("a"), first)]).await.unwrap(), first);
            assert_eq!(store.commit(held(first)).await.unwrap(), first + 1);
            assert_eq!(store.get(&key("a")).await.unwrap().unwrap().revision, first, "what is held is not written");
            assert_eq!(store.commit(vec![put("a", Expect::At(first))]).await.unwrap(), first + 2);
        });
    }

    #[test]
    fn ranges_read_the_past() {
        run(async {
            let store = Memory::new();
            let a = store.commit(vec![put("n/a", Expect::Absent)]).await.unwrap();
            let b = store.commit(vec![put("n/b", Expect::Absent), put("m/z", Expect::Absent)]).await.unwrap();
            let delete = Write { key: key("n/a"), expect: Expect::At(a), change: Change::Delete };
            let c = store.commit(vec![delete]).await.unwrap();
            store.commit(vec![put("n/b", Expect::At(b))]).await.unwrap();
            assert_eq!(names(&store, "n/", None).await, ["n/b"]);
            assert_eq!(names(&store, "n/", Some(a)).await, ["n/a"]);
            assert_eq!(names(&store, "n/", Some(b)).await, ["n/a", "n/b"]);
            assert_eq!(names(&store, "", Some(c)).await, ["m/z", "n/b"]);
            let first = Range { collection: "c", prefix: "", start: "", limit: 1, at: None };
            let page = store.range(first).await.unwrap();
            assert_eq!((page.entries.len(), page.remaining), (1, 1));
            let future = Range { at: Some(c + 9), ..first };
            assert!(matches!(store.range(future).await, Err(StoreError::Future(_, _))));
        });
    }

    #[test]
    fn a_feed_gives_all_changes_or_says_that_they_are_gone() {
        run(async {
            let store = Memory::new();
            let collection: Arc<str> = "c".into();
            let mut slow = store.watch(&collection, None).await.unwrap();
            let mut last = store.commit(vec![put("a", Expect::Absent)]).await.unwrap();
            let mut feed = store.watch(&collection, Some(0)).await.unwrap();
            assert_eq!(feed.next().await.unwrap().len(), 1);
            for _ in 0..LOG_EVENTS {
                last = store.commit(vec![put("a", Expect::At(last))]).await.unwrap();
            }
            let mut seen = 0;
            while seen < LOG_EVENTS {
                seen += feed.next().await.unwrap().len();
            }
            assert_eq!(feed.revision(), last);
            assert!(matches!(slow.next().await, Err(StoreError::Compacted)));
            assert!(matches!(store.watch(&collection, Some(0)).await, Err(StoreError::Compacted)));
        });
    }

    #[test]
    fn a_quiet_collection_keeps_its_feeds() {
        run(async {
            let store = Memory::new();
            let quiet: Arc<str> = "quiet".into();
            let mut feed = store.watch(&quiet, None).await.unwrap();
            let mut last = store.commit(vec![put("a", Expect::Absent)]).await.unwrap();
            for _ in 0..LOG_EVENTS + 1 {
                last = store.commit(vec![put("a", Expect::At(last))]).await.unwrap();
            }
            assert_eq!(feed.revision(), last, "a bookmark tells how far everything has come");
            let write = Write { key: Key { collection: quiet, name: "q".into() }, ..put("q", Expect::Absent) };
            store.commit(vec![write]).await.unwrap();
            assert!(feed.revision() <= last, "what waits has not been given");
            assert_eq!(feed.next().await.unwrap().len(), 1);
            assert_eq!(feed.revision(), last + 1);
        });
    }
}

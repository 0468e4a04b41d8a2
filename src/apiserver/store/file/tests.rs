use super::format::{FRAME, HEADER};
use super::*;
use crate::apiserver::encoding::Encoded;
use crate::apiserver::store::{Change, Expect};
use proptest::prelude::*;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder of a test's own, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("steersman-store-{}-{count}", std::process::id())))
    }

    fn open(&self) -> File {
        File::open(&self.0).unwrap().0
    }

    /// The files of a kind, in order.
    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = all.filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with(kind)).collect();
        files.sort();
        files
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn key(name: &str) -> Key {
    Key { collection: "/registry/configmaps/".into(), name: name.into() }
}

fn put(name: &str, expect: Expect, value: &str) -> Write {
    let object = json!({"metadata": {"name": name, "uid": "u", "labels": {"l": value}}, "data": {"v": value}});
    Write { key: key(name), expect, change: Change::Put(Encoded::new(&object)) }
}

/// All that a store has: place, revision, bytes.
async fn content(
    store: &dyn Store,
    at: Option<Revision>,
) -> Result<(Revision, Vec<(String, Revision, String)>), String> {
    let range = Range { collection: "/registry/configmaps/", prefix: "", start: "", limit: 0, at };
    let page = store.range(range).await.map_err(|error| error.to_string())?;
    let shown =
        |e: &Arc<Entry>| (e.name.to_string(), e.revision, String::from_utf8_lossy(e.object.kept()).into_owned());
    Ok((page.revision, page.entries.iter().map(shown).collect()))
}

#[test]
fn what_was_written_is_there_again_and_so_is_the_history() {
    let place = Place::new();
    run(async {
        let (a, before);
        {
            let store = place.open();
            a = store.commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
            store.commit(vec![put("b", Expect::Absent, "1"), put("c", Expect::Absent, "é<\"")]).await.unwrap();
            store.commit(vec![put("a", Expect::At(a), "2")]).await.unwrap();
            store
                .commit(vec![Write { key: key("b"), expect: Expect::At(a + 1), change: Change::Delete }])
                .await
                .unwrap();
            before = content(&store, None).await;
        }
        let store = place.open();
        assert_eq!(content(&store, None).await, before);
        assert_eq!(before.unwrap().0, a + 3);
        assert_eq!(store.get(&key("c")).await.unwrap().unwrap().object.label("l"), Some("é<\""));
        assert_eq!(content(&store, Some(a + 1)).await.unwrap().1.len(), 3);
        let mut feed = store.watch(&key("").collection, Some(a)).await.unwrap();
        let events = feed.next().await.unwrap();
        let seen: Vec<_> = events.iter().map(|e| (e.revision, e.previous.is_some(), e.current.is_some())).collect();
        assert_eq!(seen, [(a + 1, false, true), (a + 1, false, true), (a + 2, true, true), (a + 3, true, false)]);
    });
}

#[test]
fn one_process_at_a_time() {
    let place = Place::new();
    let first = place.open();
    let error = File::open(&place.0).err().unwrap().to_string();
    assert_eq!(error, format!("{} is in use by another server (process {})", place.0.display(), std::process::id()));
    drop(first);
    place.open();
}

/// A log cut off at any byte begins with what was acknowledged up to there, and goes on from there.
#[test]
fn a_torn_tail_costs_nothing_that_was_acknowledged() {
    let place = Place::new();
    let (log, ends) = run(async {
        let store = place.open();
        let log = place.files("log").remove(0);
        let mut ends = vec![fs::metadata(&log).unwrap().len()];
        for n in 0..4 {
            store.commit(vec![put(&format!("n{n}"), Expect::Absent, "x"), put("y", expected_y(n), "y")]).await.unwrap();
            ends.push(fs::metadata(&log).unwrap().len());
        }
        (log, ends)
    });
    let whole = fs::read(&log).unwrap();
    for length in 0..=whole.len() {
        // What is behind the cut never came to disk; or the file has its length already, but not yet the bytes.
        for zeros in [0, 1, 50] {
            if zeros > 0 && length < HEADER {
                // Frames follow only a header that is on disk.
                continue;
            }
            let mut torn = whole[..length].to_vec();
            torn.resize(length + zeros, 0);
            fs::write(&log, &torn).unwrap();
            let (store, notice) = File::open(&place.0).unwrap();
            let acknowledged = ends.iter().filter(|end| **end <= length as u64).count().saturating_sub(1);
            run(async {
                let (revision, entries) = content(&store, None).await.unwrap();
                assert_eq!(revision, acknowledged as u64, "cut at {length}");
                assert_eq!(entries.len(), if acknowledged == 0 { 0 } else { acknowledged + 1 });
                let clean = zeros == 0 && (ends.contains(&(length as u64)) || length < HEADER);
                assert_eq!(notice.is_none(), clean, "cut at {length} {zeros}: {notice:?}");
                store.commit(vec![put("after", Expect::Absent, "z")]).await.unwrap();
            });
            drop(store);
            let (store, notice) = File::open(&place.0).unwrap();
            assert_eq!((run(content(&store, None)).unwrap().0, notice), (acknowledged as u64 + 1, None));
        }
    }
}

/// What the object `y` was written by before the `n`th transaction.
fn expected_y(n: u64) -> Expect {
    if n == 0 { Expect::Absent } else { Expect::At(n) }
}

#[test]
fn damage_is_named_and_nothing_is_changed() {
    let place = Place::new();
    run(async {
        let store = place.open();
        for n in 0..3 {
            store.commit(vec![put(&format!("n{n}"), Expect::Absent, "x")]).await.unwrap();
        }
    });
    let log = place.files("log").remove(0);
    let whole = fs::read(&log).unwrap();
    // Any bit of the header and of the first frames; only the last frame could be a torn one.
    let last = (HEADER..whole.len()).rfind(|at| format::frame_at(&whole, *at).is_ok()).unwrap();
    for at in 0..last {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&log, &damaged).unwrap();
        let Err(error) = File::open(&place.0) else { panic!("a changed byte {at} went unseen") };
        let OpenError::Damaged { file, offset, .. } = &error else { panic!("{error}") };
        let frame = (HEADER..=at).rfind(|at| format::frame_at(&whole, *at).is_ok()).unwrap_or(0);
        assert_eq!((file, *offset), (&log, frame), "byte {at}: {error}");
        assert!(error.to_string().contains(&format!("{} is damaged at byte {frame}: ", log.display())), "{error}");
        assert!(fs::read(&log).unwrap() == damaged);
    }
    let newer = [&whole[..8], &9u32.to_le_bytes(), &whole[12..]].concat();
    fs::write(&log, newer).unwrap();
    let error = File::open(&place.0).err().unwrap().to_string();
    assert!(error.contains("format version 9 is newer than this program's (1)"), "{error}");
}

#[test]
fn logs_become_a_snapshot() {
    let place = Place::new();
    run(async {
        let open = || File::open_compacting(&place.0, 2000).unwrap().0;
        let mut last = [0; 5];
        for round in 0..8 {
            let store = open();
            for n in 0..40 {
                let slot = n % last.len();
                let expect = if last[slot] == 0 { Expect::Absent } else { Expect::At(last[slot]) };
                last[slot] = store.commit(vec![put(&format!("n{slot}"), expect, &n.to_string())]).await.unwrap();
            }
            let before = content(&store, None).await;
            drop(store);
            assert_eq!(place.files("snapshot").len(), 1, "round {round}");
            let size: u64 = place.files("log").iter().map(|log| fs::metadata(log).unwrap().len()).sum();
            assert!(size < 40 * 200, "{size} bytes of logs are left");
            let store = open();
            assert_eq!(content(&store, None).await, before);
            // The history begins at the snapshot.
            let collection: Arc<str> = "/registry/pods/".into();
            assert!(matches!(store.watch(&collection, Some(1)).await, Err(StoreError::Compacted)));
            assert!(content(&store, Some(1)).await.is_err());
        }
    });
    let snapshot = place.files("snapshot").remove(0);
    let whole = fs::read(&snapshot).unwrap();
    for length in 0..whole.len() {
        fs::write(&snapshot, &whole[..length]).unwrap();
        assert!(matches!(File::open(&place.0), Err(OpenError::Damaged { file, .. }) if file == snapshot));
    }
    fs::write(&snapshot, &whole).unwrap();
    let log = place.files("log").remove(0);
    fs::remove_file(&log).unwrap();
    assert!(matches!(File::open(&place.0), Err(OpenError::Missing(file)) if file == log));
}

/// Wherever a compaction is interrupted, what lies there is enough.
#[test]
fn an_interrupted_compaction_is_made_good() {
    let place = Place::new();
    run(async {
        let store = place.open();
        store.commit(vec![put("a", Expect::Absent, "1")]).await.unwrap();
        let before = content(&store, None).await;
        drop(store);
        let files = ["log-00000000000000000001", "snapshot.unfinished", "snapshot-00000000000000000001"];
        let header = format::header(format::What::Log, 1);
        // A log that was begun, with none, half and all of its header.
        for length in [0, HEADER / 2, HEADER] {
            fs::write(place.0.join(files[0]), &header[..length]).unwrap();
            assert_eq!(content(&place.open(), None).await, before);
        }
        fs::write(place.0.join(files[1]), "half a snap").unwrap();
        let store = place.open();
        assert_eq!(content(&store, None).await, before);
        assert!(place.files("snapshot").is_empty());
        store.commit(vec![put("b", Expect::Absent, "1")]).await.unwrap();
        let before = content(&store, None).await;
        drop(store);
        // A snapshot that is there while the logs it replaces are still there too.
        let memory = Memory::new();
        let object = put("a", Expect::Absent, "1").change.object().unwrap().clone();
        memory.replay(1, vec![(key("a"), Some(object))]);
        let old = fs::read(&place.files("log")[0]).unwrap();
        let folder = Folder::lock(&place.0).unwrap();
        folder.write_snapshot(1, memory.everything().1).unwrap();
        drop(folder);
        fs::write(place.0.join("log-00000000000000000000"), old).unwrap();
        assert_eq!(content(&place.open(), None).await, before);
        assert_eq!(place.files("log").len(), 1);
    });
}

#[test]
fn many_writers_share_a_write_to_disk() {
    let place = Place::new();
    let store = Arc::new(place.open());
    run(async {
        let commits = (0..500).map(|n| store.commit(vec![put(&format!("n{n}"), Expect::Absent, "x")]));
        let mut revisions = futures_util::future::join_all(commits).await.into_iter().map(Result::unwrap);
        assert!(revisions.by_ref().eq(1..=500));
    });
    let log = fs::read(&place.files("log")[0]).unwrap();
    let mut offset = HEADER;
    let mut frames = 0;
    while offset < log.len() {
        offset += FRAME + format::frame_at(&log, offset).unwrap().len();
        frames += 1;
    }
    assert!(frames < 500, "{frames} frames");
}

#[derive(Clone, Debug)]
enum Step {
    /// Writes these objects in one transaction; every one has to be as expected, or deliberately not.
    Write(Vec<(u8, bool, bool)>),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = proptest::collection::vec((0..6u8, any::<bool>(), proptest::bool::weighted(0.1)), 1..4);
    let step = prop_oneof![8 => write.prop_map(Step::Write), 1 => Just(Step::Reopen)];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is written, and whenever it is closed and opened: it says the same as a store in memory.
    #[test]
    fn as_a_store_in_memory(steps in steps(), compact_at in prop_oneof![Just(500u64), Just(u64::MAX)]) {
        let place = Place::new();
        run(async {
            let open = || File::open_compacting(&place.0, compact_at).unwrap().0;
            let (mut store, model) = (open(), Memory::new());
            for (number, step) in steps.iter().enumerate() {
                let Step::Write(writes) = step else {
                    drop(store);
                    store = open();
                    continue;
                };
                let mut transactions = [Vec::new(), Vec::new()];
                for (name, delete, wrong) in writes {
                    let name = format!("n{name}");
                    let there = model.get(&key(&name)).await.unwrap().map(|entry| entry.revision);
                    let expect = match there {
                        Some(revision) => Expect::At(revision + u64::from(*wrong)),
                        None if *wrong => Expect::At(1),
                        None => Expect::Absent,
                    };
                    for transaction in &mut transactions {
                        let mut write = put(&name, expect, &number.to_string());
                        if *delete && there.is_some() {
                            write.change = Change::Delete;
                        }
                        transaction.push(write);
                    }
                }
                let [ours, models] = transactions;
                let said = |result: Result<Revision, StoreError>| result.map_err(|error| error.to_string());
                prop_assert_eq!(said(store.commit(ours).await), said(model.commit(models).await));
                prop_assert_eq!(content(&store, None).await, content(&model, None).await);
            }
            drop(store);
            let store = open();
            let (last, _) = content(&model, None).await.unwrap();
            for at in 0..=last {
                // After a compaction less of the past is there, but what is there is right.
                match content(&store, Some(at)).await {
                    Ok(then) => prop_assert_eq!(Ok(then), content(&model, Some(at)).await),
                    Err(_) => prop_assert_ne!(compact_at, u64::MAX),
                }
            }
            Ok(())
        })?;
    }
}

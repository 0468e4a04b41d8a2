//! Watches: events of a collection as they happen, selected, shaped, and ended in time.

use super::encoding::{Encoded, write_object};
use super::errors::{Answer, Failure, bad_request, expired, revision_in_the_future};
use super::negotiate::{Accepted, Shape};
use super::options::List;
use super::pipeline::{Call, Server, store_failure};
use super::read::{Selection, prefix};
use super::registry::Served;
use super::respond::{self, Body, Shown};
use super::store::{Entry, Event, Feed, Range, Revision, StoreError};
use super::table;
use crate::api::ObjectExt;
use http::Response;
use hyper::body::Bytes;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval_at, sleep_until};

/// How many pieces wait for a slow reader before the watch waits too. Each has about 32 KiB, or one object.
const PIECES: usize = 2;
/// How often a watch that wants bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// How long before its end a watch that wants bookmarks gets the last one.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// How long a watch lasts when it does not say; kube-apiserver takes 30 to 60 minutes.
const USUAL: Duration = Duration::from_secs(45 * 60);
/// The longest that a watch may ask for. The end of time is no moment that can be reckoned with.
const LONGEST: u64 = 365 * 24 * 60 * 60;

/// A watch, when it is on its way.
struct Watch {
    server: Arc<Server>,
    served: Arc<Served>,
    accepted: Accepted,
    selection: Selection,
    prefix: String,
    bookmarks: bool,
    /// Whether the table's columns have been sent.
    columns_sent: bool,
    out: mpsc::Sender<Bytes>,
    /// When it ends.
    ends: Instant,
    /// Tells that the server stops.
    stop: watch::Receiver<bool>,
}

/// The reader has gone.
struct Gone;

/// How long a watch lasts that asks for so many seconds: less than none have passed already.
fn lasts(seconds: i64) -> Duration {
    if seconds == 0 { USUAL } else { Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(LONGEST)) }
}

/// Waits until the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

impl Server {
    /// Answers with events.
    pub(super) async fn watch(self: &Arc<Self>, call: &Call<'_>) -> Answer<Response<Body>> {
        let mut options = List::parse(call.query, true)?;
        let mut selection = Selection::parse(&options, call.served)?;
        if !call.target.name.is_empty() {
            // The old form of a watch on one object.
            if !selection.may_name(&call.target.name) {
                return Err(bad_request("fieldSelector metadata.name doesn't match requested name"));
            }
            options.fields = format!("metadata.name={}", call.target.name);
            selection = Selection::parse(&options, call.served)?;
        }
        let (out, receiver) = mpsc::channel(PIECES);
        let watch = Watch {
            server: self.clone(),
            served: call.served.clone(),
            accepted: call.accepted,
            selection,
            prefix: prefix(call),
            bookmarks: options.bookmarks,
            columns_sent: false,
            out,
            ends: Instant::now() + lasts(options.timeout),
            stop: self.stopping.subscribe(),
        };
        tokio::spawn(async move {
            // The reader may go at any time: then there is nothing left to do.
            let _ = watch.run(&options).await;
        });
        Ok(respond::stream(receiver))
    }
}

impl Watch {
    async fn run(mut self, options: &List) -> Result<(), Gone> {
        let mut feed = match self.start(options).await? {
            Ok(feed) => feed,
            Err(failure) => return self.fail(&failure).await,
        };
        let mut bookmark = interval_at(Instant::now() + BOOKMARK_EVERY, BOOKMARK_EVERY);
        // So that whoever watches on begins near to where this watch ends; not in one that is over at once.
        let last = self.ends.checked_sub(LAST_BOOKMARK).filter(|last| *last > Instant::now());
        let mut last = std::pin::pin!(sleep_until(last.unwrap_or(self.ends)));
        let mut before_end = self.bookmarks;
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                // There may be events all the time.
                biased;
                () = stopped(&mut stop) => return Ok(()),
                () = sleep_until(self.ends) => return Ok(()),
                events = feed.next() => match events {
                    Ok(events) => self.events(&events).await?,
                    Err(StoreError::Compacted) => {
                        return self.fail(&expired(format!("too old resource version: {}", feed.revision()))).await;
                    }
                    Err(other) => return self.fail(&store_failure(other)).await,
                },
                _ = bookmark.tick(), if self.bookmarks => self.bookmark(feed.revision(), false).await?,
                () = last.as_mut(), if before_end => {
                    before_end = false;
                    self.bookmark(feed.revision(), false).await?;
                }
                () = self.out.closed() => return Err(Gone),
            }
        }
    }

    /// Opens the feed, after what is there already when the request wants that first.
    async fn start(&mut self, options: &List) -> Result<Result<Box<dyn Feed>, Failure>, Gone> {
        let store = self.server.store.clone();
        let collection = self.served.collection.clone();
        let initial = options.initial_events.unwrap_or(options.version.unwrap_or(0) == 0);
        let after = if initial {
            let all = Range { collection: &collection, prefix: &self.prefix, start: "", limit: 0, at: None };
            let page = match store.range(all).await {
                Ok(page) => page,
                Err(error) => return Ok(Err(store_failure(error))),
            };
            if let Some(version) = options.version.filter(|version| *version > page.revision) {
                return Ok(Err(revision_in_the_future(version, page.revision)));
            }
            let mut piece = Vec::new();
            for entry in page.entries {
                if self.selection.matches(&entry, &self.served) {
                    self.write("ADDED", &entry, entry.revision, &mut piece);
                }
                self.send_when_full(&mut piece).await?;
            }
            self.send(piece).await?;
            if self.bookmarks {
                self.bookmark(page.revision, true).await?;
            }
            Some(page.revision)
        } else {
            options.version.filter(|version| *version > 0)
        };
        Ok(store.watch(&collection, after).await.map_err(|error| match error {
            StoreError::Compacted => {
                let version = after.unwrap_or(0);
                expired(format!("too old resource version: {version} ({version})"))
            }
            other => store_failure(other),
        }))
    }

    async fn events(&mut self, events: &[Event]) -> Result<(), Gone> {
        let mut piece = Vec::new();
        for event in events {
            let selected = |entry: &&Arc<Entry>| {
                entry.name.starts_with(&self.prefix) && self.selection.matches(entry, &self.served)
            };
            let before = event.previous.as_ref().filter(selected);
            let after = event.current.as_ref().filter(selected);
            match (before, after) {
                (None, Some(entry)) => self.write("ADDED", entry, event.revision, &mut piece),
                (Some(_), Some(entry)) => self.write("MODIFIED", entry, event.revision, &mut piece),
                (Some(entry), None) => self.write("DELETED", entry, event.revision, &mut piece),
                (None, None) => {}
            }
            self.send_when_full(&mut piece).await?;
        }
        self.send(piece).await
    }

    fn write(&mut self, kind: &str, entry: &Entry, revision: Revision, piece: &mut Vec<u8>) {
        self.write_shown(kind, &self.served.show(&entry.object, Some(revision)), revision, piece);
    }

    fn write_shown(&mut self, kind: &str, shown: &Shown, revision: Revision, piece: &mut Vec<u8>) {
        piece.extend_from_slice(format!(r#"{{"type":"{kind}","object":"#).as_bytes());
        match self.accepted.shape {
            Shape::Whole | Shape::MetadataList(_) => shown.object.write(&self.served.head, shown.version, piece),
            Shape::Metadata(version) => respond::write_partial(version, shown, &self.served, piece),
            Shape::Table(version) => {
                self.open_table(version, revision, piece);
                let now = (self.server.clock)().seconds;
                table::write_row(&self.served, shown, self.accepted.include, now, piece);
                piece.extend_from_slice(b"]}");
            }
        }
        piece.extend_from_slice(b"}\n");
    }

    /// Writes a table up to its rows. Only the first one has columns.
    fn open_table(&mut self, version: &str, revision: Revision, piece: &mut Vec<u8>) {
        let metadata = format!(r#"{{"resourceVersion":"{revision}"}}"#);
        let head = format!(r#"{{"kind":"Table","apiVersion":"{version}","metadata":{metadata},"columnDefinitions":"#);
        piece.extend_from_slice(head.as_bytes());
        if std::mem::replace(&mut self.columns_sent, true) {
            piece.extend_from_slice(b"null");
        } else {
            table::write_columns(&self.served.columns, piece);
        }
        piece.extend_from_slice(br#","rows":["#);
    }

    /// Sends how far the watch has come, as an object that has nothing but that; `initial` says that what was there has been sent.
    async fn bookmark(&mut self, revision: Revision, initial: bool) -> Result<(), Gone> {
        let mut object = match (&self.served.custom, self.served.schema()) {
            (None, Some(schema)) => schema.zero(),
            _ => json!({}),
        };
        object.put(&["kind"], self.served.kind.kind.as_str());
        object.put(&["apiVersion"], self.served.kind.api_version());
        object.put(&["metadata"], json!({}));
        if initial {
            object.put(&["metadata", "annotations"], json!({"k8s.io/initial-events-end": "true"}));
        }
        let mut piece = Vec::new();
        let shown = Shown { object: Encoded::new(&object), version: Some(revision) };
        self.write_shown("BOOKMARK", &shown, revision, &mut piece);
        self.send(piece).await
    }

    async fn fail(&mut self, failure: &Failure) -> Result<(), Gone> {
        let mut piece = br#"{"type":"ERROR","object":"#.to_vec();
        write_object(&mut piece, &failure.to_value());
        piece.extend_from_slice(b"}\n");
        self.send(piece).await
    }

    async fn send_when_full(&mut self, piece: &mut Vec<u8>) -> Result<(), Gone> {
        if piece.len() < 32 * 1024 { Ok(()) } else { self.send(std::mem::take(piece)).await }
    }

    async fn send(&mut self, piece: Vec<u8>) -> Result<(), Gone> {
        if piece.is_empty() {
            return Ok(());
        }
        // A reader that does not read does not keep the watch for ever.
        tokio::select! {
            biased;
            sent = self.out.send(piece.into()) => sent.map_err(|_| Gone),
            () = sleep_until(self.ends) => Err(Gone),
            () = stopped(&mut self.stop) => Err(Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_seconds_is_a_time_that_can_be_waited_for() {
        for (seconds, expected) in
            [(0, USUAL), (7, Duration::from_secs(7)), (-1, Duration::ZERO), (i64::MIN, Duration::ZERO)]
        {
            assert_eq!(lasts(seconds), expected);
        }
        assert!(Instant::now().checked_add(lasts(i64::MAX)).is_some());
    }
}

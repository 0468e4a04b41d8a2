//! Following one object until something is so: what it is now, then each change. A watch that ends is opened again
//! where it was; when the server has forgotten that place, a fresh look shows what changed meanwhile.

use super::infos::Info;
use super::lists;
use super::{Cluster, Failure};
use crate::api::{Object, ObjectExt, Status};
use crate::client::{self, Request};
use std::time::Duration;

/// How long to wait before a closed watch is opened anew, so that a server that closes at once is not pressed.
const PAUSE: Duration = Duration::from_millis(250);

/// What is seen of the object.
#[derive(Debug)]
pub enum Seen<'a> {
    /// It is so now.
    There(&'a Object),
    /// It was there, and is not any more.
    Gone,
    /// It is not there, and was not before.
    Missing,
}

/// Looks at an object until there is something to tell; none when the time is over. Without a limit there is no end.
pub async fn until<T>(
    cluster: &Cluster,
    info: &Info,
    limit: Option<Duration>,
    look: impl FnMut(Seen) -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    let observer = Observer { cluster, info, look, last: None };
    match limit {
        None => observer.run().await.map(Some),
        Some(limit) => match tokio::time::timeout(limit, observer.run()).await {
            Ok(told) => told.map(Some),
            Err(_) => Ok(None),
        },
    }
}

struct Observer<'a, F> {
    cluster: &'a Cluster,
    info: &'a Info,
    look: F,
    /// The version that was seen last; none while the object is not there.
    last: Option<String>,
}

/// How following ended.
enum End<T> {
    Told(T),
    /// The server closed the watch.
    Closed,
    /// The server no longer knows what happened since.
    Forgotten,
}

impl<T, F: FnMut(Seen) -> Result<Option<T>, Failure>> Observer<'_, F> {
    async fn run(mut self) -> Result<T, Failure> {
        loop {
            let list = match self.cluster.client.json(&self.request("")).await {
                Ok(list) => list,
                Err(error) if self.last.is_some() && is_passing(&error) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut version = list.text(&["metadata", "resourceVersion"]).to_string();
            let told = match lists::items(list).first() {
                Some(object) => self.there(object)?,
                None => self.away()?,
            };
            if let Some(told) = told {
                return Ok(told);
            }
            loop {
                match self.follow(&mut version).await? {
                    End::Told(told) => return Ok(told),
                    End::Closed => tokio::time::sleep(PAUSE).await,
                    End::Forgotten => break,
                }
            }
        }
    }

    fn request(&self, version: &str) -> Request {
        let (mapping, namespace) = (&self.info.mapping, &self.info.namespace);
        let request = match version {
            "" => Request::list(mapping, namespace),
            version => Request::watch(mapping, namespace, version).query("allowWatchBookmarks", "true"),
        };
        request.query("fieldSelector", &format!("metadata.name={}", self.info.name))
    }

    async fn follow(&mut self, version: &mut String) -> Result<End<T>, Failure> {
        let mut events = match self.cluster.client.watch(&self.request(version)).await {
            Ok(events) => events,
            Err(error) if error.status().is_some_and(|status| status.code == 410) => return Ok(End::Forgotten),
            Err(error) if is_passing(&error) => return Ok(End::Closed),
            Err(error) => return Err(error.into()),
        };
        while let Some(event) = events.next().await? {
            let told = match event.kind.as_str() {
                "ADDED" | "MODIFIED" => self.there(&event.object)?,
                "DELETED" => self.away()?,
                "ERROR" => return Ok(End::Forgotten),
                _ => None,
            };
            if let Some(told) = told {
                return Ok(End::Told(told));
            }
            *version = event.object.resource_version().to_string();
        }
        Ok(End::Closed)
    }

    fn there(&mut self, object: &Object) -> Result<Option<T>, Failure> {
        if self.last.as_deref() == Some(object.resource_version()) {
            return Ok(None);
        }
        self.last = Some(object.resource_version().to_string());
        (self.look)(Seen::There(object))
    }

    fn away(&mut self) -> Result<Option<T>, Failure> {
        let was_there = self.last.take().is_some();
        (self.look)(if was_there { Seen::Gone } else { Seen::Missing })
    }
}

/// Whether trying again may help: the connection broke, or the server is busy or starting.
fn is_passing(error: &client::Error) -> bool {
    let busy = |status: &Status| status.code == 429 || status.code >= 500;
    matches!(error, client::Error::Connection(_)) || error.status().is_some_and(busy)
}

//! What a description needs besides the object: the time, and what else is in the cluster.

use crate::api::{GroupVersionResource, Status, Value, time};
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Something to fetch before an object can be described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The resource.
    pub resource: GroupVersionResource,
    /// The namespace; empty for all, or for what belongs to the whole cluster.
    pub namespace: String,
    /// Which of its objects.
    pub wanted: Wanted,
}

/// Which objects a [`Lookup`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The one with this name.
    Name(String),
    /// All that these selectors select; all pages of the list.
    All {
        /// The label selector.
        labels: String,
        /// The field selector.
        fields: String,
    },
}

impl Lookup {
    /// Asks for one object.
    pub fn one(group: &str, version: &str, resource: &str, namespace: &str, name: &str) -> Self {
        let resource = GroupVersionResource::new(group, version, resource);
        Self { resource, namespace: namespace.into(), wanted: Wanted::Name(name.into()) }
    }

    /// Asks for a list.
    pub fn list(group: &str, version: &str, resource: &str, namespace: &str, labels: &str, fields: &str) -> Self {
        let wanted = Wanted::All { labels: labels.into(), fields: fields.into() };
        Self { resource: GroupVersionResource::new(group, version, resource), namespace: namespace.into(), wanted }
    }
}

/// What a lookup found: the objects, which is one for a lookup by name, or why there are none.
pub type Found = Result<Vec<Value>, Status>;

/// What a description needs besides the object.
#[derive(Clone, Debug)]
pub struct Context {
    /// The time, in Unix seconds, from which ages are counted.
    pub now: i64,
    /// The zone in which times are shown: kubectl shows them in the machine's.
    pub zone: TimeZone,
    /// Whether events are shown: `--show-events`.
    pub show_events: bool,
    /// What was found for each lookup of [`super::needs`].
    pub found: Vec<(Lookup, Found)>,
}

impl Context {
    /// What was found for a lookup. What was not looked up is an empty list.
    pub(super) fn found(&self, lookup: &Lookup) -> Result<&[Value], &Status> {
        match self.found.iter().find(|(asked, _)| asked == lookup) {
            Some((_, Ok(objects))) => Ok(objects),
            Some((_, Err(status))) => Err(status),
            None => Ok(&[]),
        }
    }

    /// A time for a person: `Thu, 01 Jan 2026 00:00:00 +0000`. What is no time is the year 1, as in kubectl.
    pub(super) fn time(&self, text: &str) -> String {
        self.formatted("%a, %d %b %Y %H:%M:%S %z", text).unwrap_or_else(|| "Mon, 01 Jan 0001 00:00:00 +0000".into())
    }

    /// A time as Go prints it by default: `2026-01-01 00:00:00 +0000 UTC`.
    pub(super) fn plain_time(&self, text: &str) -> String {
        self.formatted("%Y-%m-%d %H:%M:%S %z %Z", text).unwrap_or_else(|| "0001-01-01 00:00:00 +0000 UTC".into())
    }

    fn formatted(&self, format: &str, text: &str) -> Option<String> {
        let time = Timestamp::from_second(time::unix_seconds(text)?).ok()?;
        strtime::format(format, &time.to_zoned(self.zone.clone())).ok()
    }

    /// How long ago a time was; `<unknown>` for what is no time.
    pub(super) fn age(&self, text: &str) -> String {
        time::age(text, self.now)
    }
}

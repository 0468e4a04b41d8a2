//! Tables of conditions: each kind of object has its own columns.

use super::context::Context;
use super::writer::Writer;
use crate::api::{ObjectExt, Value};

/// How a column of conditions is shown.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    /// The field as it is.
    Text(&'static str),
    /// The field as it is, and a blank.
    Blank(&'static str),
    /// The field as a time.
    Time(&'static str),
    /// The field as a time, and a blank.
    TimeBlank(&'static str),
}

/// A table of conditions: its first lines, and its columns.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The headings, with the line below them where there is one.
    headings: &'static [&'static str],
    columns: &'static [Column],
}

use Column::{Blank, Text, Time, TimeBlank};

/// Of pods.
pub const POD: Table = Table { headings: &["Type\tStatus"], columns: &[Blank("type"), Blank("status")] };
/// Of Deployments, ReplicaSets and ReplicationControllers.
pub const CONTROLLER: Table = Table {
    headings: &["Type\tStatus\tReason", "----\t------\t------"],
    columns: &[Blank("type"), Text("status"), Text("reason")],
};
/// Of HorizontalPodAutoscalers.
pub const AUTOSCALER: Table = Table {
    headings: &["Type\tStatus\tReason\tMessage", "----\t------\t------\t-------"],
    columns: &[Text("type"), Text("status"), Text("reason"), Text("message")],
};
/// Of namespaces and ServiceCIDRs.
pub const CHANGES: Table = Table {
    headings: &[
        "Type\tStatus\tLastTransitionTime\tReason\tMessage",
        "----\t------\t------------------\t------\t-------",
    ],
    columns: &[Text("type"), Text("status"), Time("lastTransitionTime"), Text("reason"), Text("message")],
};
/// Of PersistentVolumeClaims.
pub const CLAIM: Table = Table {
    headings: &[
        "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage",
        "----\t------\t-----------------\t------------------\t------\t-------",
    ],
    columns: &[
        Blank("type"),
        Blank("status"),
        TimeBlank("lastProbeTime"),
        TimeBlank("lastTransitionTime"),
        Blank("reason"),
        Text("message"),
    ],
};
/// Of nodes.
pub const NODE: Table = Table {
    headings: &[
        "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage",
        "----\t------\t-----------------\t------------------\t------\t-------",
    ],
    columns: &[
        Blank("type"),
        Blank("status"),
        TimeBlank("lastHeartbeatTime"),
        TimeBlank("lastTransitionTime"),
        Blank("reason"),
        Text("message"),
    ],
};

/// Writes an object's `status.conditions`, if there are any.
pub fn write(w: &mut Writer, object: &Value, table: Table, context: &Context) {
    let conditions = object.items_at(&["status", "conditions"]);
    if conditions.is_empty() {
        return;
    }
    w.line(0, "Conditions:");
    for heading in table.headings {
        w.line(1, heading);
    }
    for condition in conditions {
        let cells = table.columns.iter().map(|column| match column {
            Text(key) => condition.text(&[key]).to_owned(),
            Blank(key) => format!("{} ", condition.text(&[key])),
            Time(key) => context.time(condition.text(&[key])),
            TimeBlank(key) => format!("{} ", context.time(condition.text(&[key]))),
        });
        w.line(1, cells.collect::<Vec<_>>().join("\t"));
    }
}

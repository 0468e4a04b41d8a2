//! The annotation that says why an object was changed last, which the history of rollouts shows.

use crate::api::{Object, ObjectExt};

/// The annotation's name.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

/// Notes the cause, where there is one to note.
pub fn note(object: &mut Object, cause: Option<&str>) {
    if let Some(cause) = cause {
        object.put(&["metadata", "annotations", CHANGE_CAUSE], cause);
    }
}

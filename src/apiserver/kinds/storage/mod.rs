//! What provisions, attaches and measures volumes.

mod class;
mod csi;

pub(super) use class::{ATTRIBUTES, CLASSES};
pub(super) use csi::{ATTACHMENTS, CAPACITIES, DRIVERS, NODES};

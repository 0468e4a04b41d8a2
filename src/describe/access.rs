//! Roles and what binds them to subjects.

use super::writer::Writer;
use super::{labels, rules};
use crate::api::{ObjectExt, Value};

/// Describes a Role or a ClusterRole.
pub fn role(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    w.line(0, "PolicyRule:");
    w.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    w.line(1, "---------\t-----------------\t--------------\t-----");
    for rule in rules::compact(object.items_at(&["rules"])) {
        w.line(1, rule);
    }
}

/// Describes a RoleBinding or a ClusterRoleBinding.
pub fn role_binding(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    w.line(0, "Role:");
    w.field(1, "Kind", object.text(&["roleRef", "kind"]));
    w.field(1, "Name", object.text(&["roleRef", "name"]));
    w.line(0, "Subjects:");
    w.line(1, "Kind\tName\tNamespace");
    w.line(1, "----\t----\t---------");
    for subject in object.items_at(&["subjects"]) {
        let [kind, name, namespace] = ["kind", "name", "namespace"].map(|key| subject.text(&[key]));
        w.line(1, format_args!("{kind}\t{name}\t{namespace}"));
    }
}

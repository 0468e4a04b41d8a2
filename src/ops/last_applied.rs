//! The annotation in which client-side apply keeps what was applied last.

use crate::api::{Object, ObjectExt, Value, json};
use crate::merge::merge_patch;
use crate::output::typed;

/// The annotation's name.
pub const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
const ANNOTATIONS: &[&str] = &["metadata", "annotations"];

/// What was applied last; none when the object was never applied. The text is the annotation's.
pub fn read(object: &Object) -> Option<&str> {
    object.annotation(ANNOTATION)
}

/// The configuration that the annotation keeps: all but the annotation itself.
pub fn configuration(object: &Object) -> Object {
    let mut configuration = object.clone();
    configuration.take_at(&["metadata", "annotations", ANNOTATION]);
    if configuration.at(&["metadata", "annotations"]).is_none_or(Value::is_null) {
        configuration.put(&["metadata", "annotations"], Value::Object(Default::default()));
    }
    configuration.make_texts(ANNOTATIONS);
    configuration
}

/// The configuration as the annotation keeps it: compact JSON with a newline.
pub fn encode(object: &Object) -> String {
    json::to_string(&configuration(object)) + "\n"
}

/// Puts the object's own configuration into its annotation.
pub fn write(object: &mut Object) {
    let text = encode(object);
    object.make_texts(ANNOTATIONS);
    object.put(&["metadata", "annotations", ANNOTATION], text);
}

/// As [`write`], for objects that kubectl holds as Go types: in the order of their fields, and without an empty
/// `annotations`.
pub fn write_typed(object: &mut Object) {
    let mut configuration = object.clone();
    configuration.take_at(&["metadata", "annotations", ANNOTATION]);
    let text = typed::to_string(&configuration) + "\n";
    object.put(&["metadata", "annotations", ANNOTATION], text);
}

/// The merge patch that has the annotation of a live object say that this one was applied last.
pub fn patch(object: &Object) -> Value {
    let mut annotated = object.clone();
    annotated.make_texts(ANNOTATIONS);
    annotated.put(&["metadata", "annotations", ANNOTATION], json::to_string(object) + "\n");
    merge_patch::diff(object, &annotated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_annotation_holds_all_but_itself() {
        let mut object = json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "<1>"}});
        write(&mut object);
        let text = r#"{"data":{"a":"\u003c1\u003e"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"c"}}"#;
        assert_eq!(read(&object), Some(format!("{text}\n").as_str()));
        write(&mut object);
        assert_eq!(read(&object), Some(format!("{text}\n").as_str()));
    }

    #[test]
    fn an_annotation_that_is_null_is_empty() {
        let mut object = json!({"metadata": {"annotations": {"a": null}, "labels": {"b": null}}});
        write(&mut object);
        let text = r#"{"metadata":{"annotations":{"a":""},"labels":{"b":null}}}"#;
        assert_eq!(read(&object), Some(format!("{text}\n").as_str()));
        assert_eq!(object["metadata"]["annotations"]["a"], "");
    }
}

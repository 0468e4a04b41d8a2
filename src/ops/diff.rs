//! Two versions of objects beside each other: what is masked, and the unified diff that `diff -u -N` would print.

use crate::api::{Object, ObjectExt, Value};
use similar::{ChangeTag, TextDiff};

/// What stands for a value that nobody should read.
pub(super) const MASK: &str = "***";
const MASK_BEFORE: &str = "*** (before)";
const MASK_AFTER: &str = "*** (after)";

/// One object before and after; none where it does not exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Versions {
    /// The name of the file that holds each version, as kubectl names it: `apps.v1.Deployment.default.web`.
    pub file: String,
    /// What is on the server.
    pub live: Option<Object>,
    /// What would be there afterwards.
    pub merged: Option<Object>,
}

/// `group.version.Kind.namespace.name`; the core group has no name.
pub fn file_name(object: &Object, namespace: &str) -> String {
    let kind = object.group_version_kind();
    let group = if kind.group.is_empty() { String::new() } else { format!("{}.", kind.group) };
    format!("{group}{}.{}.{namespace}.{}", kind.version, kind.kind, object.name())
}

impl Versions {
    /// Takes managedFields away from both versions.
    pub fn without_managed_fields(&mut self) {
        for object in [&mut self.live, &mut self.merged].into_iter().flatten() {
            object.take_at(&["metadata", "managedFields"]);
        }
    }

    /// Replaces the values of a Secret by marks that still show which of them differ. What the annotation of
    /// client-side apply repeats of them is masked as well.
    pub fn mask_secrets(&mut self) {
        let is_secret = |object: &Object| object.kind() == "Secret" && object.api_version() == "v1";
        if !self.merged.as_ref().or(self.live.as_ref()).is_some_and(is_secret) {
            return;
        }
        // kubectl masks what is not there as well, which makes a null of it.
        self.live.get_or_insert(Value::Null);
        let entries = |object: &Option<Object>| object.as_ref().and_then(|o| o.map_at(&["data"])).cloned();
        let (live, merged) = (entries(&self.live).unwrap_or_default(), entries(&self.merged).unwrap_or_default());
        for (object, own, other, differing) in
            [(&mut self.live, &live, &merged, MASK_BEFORE), (&mut self.merged, &merged, &live, MASK_AFTER)]
        {
            let Some(object) = object else { continue };
            for (key, value) in own {
                let changed = other.get(key).is_some_and(|there| there != value);
                object.put(&["data", key], if changed { differing } else { MASK });
            }
        }
        let annotation =
            |object: &Option<Object>| object.as_ref().and_then(super::last_applied::read).map(String::from);
        let (before, after) = (annotation(&self.live), annotation(&self.merged));
        for (object, text, differing) in
            [(&mut self.live, &before, MASK_BEFORE), (&mut self.merged, &after, MASK_AFTER)]
        {
            if let (Some(object), Some(text)) = (object, text) {
                let mark = if before.is_some() && after.is_some() && before != after { differing } else { MASK };
                object.put(
                    &["metadata", "annotations", super::last_applied::ANNOTATION],
                    masked_configuration(text, mark),
                );
            }
        }
    }
}

/// A last-applied configuration with the values of `data` and `stringData` masked.
fn masked_configuration(text: &str, mark: &str) -> String {
    let Ok(mut configuration) = serde_json::from_str::<Value>(text) else { return mark.to_string() };
    for part in ["data", "stringData"] {
        if let Some(values) = configuration.get_mut(part).and_then(Value::as_object_mut) {
            values.values_mut().for_each(|value| *value = Value::from(mark));
        }
    }
    crate::api::json::to_string(&configuration) + "\n"
}

/// The hunks of a unified diff with three lines around each change, as GNU diff prints them, without the two lines
/// that name the files; empty when the texts are equal.
pub fn unified(before: &str, after: &str) -> String {
    let diff = TextDiff::configure().algorithm(similar::Algorithm::Myers).diff_lines(before, after);
    let mut out = String::new();
    for group in diff.grouped_ops(3) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old = first.old_range().start..last.old_range().end;
        let new = first.new_range().start..last.new_range().end;
        out.push_str(&format!("@@ -{} +{} @@\n", range(&old), range(&new)));
        for op in &group {
            for change in diff.iter_changes(op) {
                out.push(match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                });
                out.push_str(change.value());
                if change.missing_newline() {
                    out.push_str("\n\\ No newline at end of file\n");
                }
            }
        }
    }
    out
}

/// A range of lines as diff numbers it: from 1, the length left out when it is 1, the line before when it is 0.
fn range(lines: &std::ops::Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hunks_look_like_gnu_diffs() {
        for (before, after, hunks) in [
            ("a\n", "a\n", ""),
            ("", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"),
            ("a\n", "", "@@ -1 +0,0 @@\n-a\n"),
            ("1\n2\n3\n4\n5\n", "1\n2\n3\n4\nx\n", "@@ -2,4 +2,4 @@\n 2\n 3\n 4\n-5\n+x\n"),
            ("a", "b", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"),
        ] {
            assert_eq!(unified(before, after), hunks);
        }
    }

    #[test]
    fn secrets_are_masked_and_still_differ() {
        let secret = |data: Value| Some(json!({"apiVersion": "v1", "kind": "Secret", "data": data}));
        let mut versions = Versions {
            live: secret(json!({"same": "cw==", "k": "djE=", "gone": "Z28="})),
            merged: secret(json!({"same": "cw==", "k": "djI=", "new": "bmV3"})),
            ..Versions::default()
        };
        versions.mask_secrets();
        assert_eq!(versions.live.unwrap()["data"], json!({"same": MASK, "k": MASK_BEFORE, "gone": MASK}));
        assert_eq!(versions.merged.unwrap()["data"], json!({"same": MASK, "k": MASK_AFTER, "new": MASK}));
    }

    #[test]
    fn a_new_secret_is_compared_with_null() {
        let merged = Some(json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "djE="}}));
        let mut versions = Versions { merged, ..Versions::default() };
        versions.mask_secrets();
        assert_eq!(versions.live, Some(Value::Null));
        assert_eq!(versions.merged.unwrap()["data"], json!({"k": MASK}));
    }

    #[test]
    fn the_annotation_of_a_secret_is_masked_too() {
        let with = |text: &str| {
            Some(json!({"apiVersion": "v1", "kind": "Secret",
                "metadata": {"annotations": {super::super::last_applied::ANNOTATION: text}}}))
        };
        let mut versions = Versions {
            live: with("{\"stringData\":{\"k\":\"secret-one\"}}\n"),
            merged: with("{\"stringData\":{\"k\":\"secret-two\"}}\n"),
            ..Versions::default()
        };
        versions.mask_secrets();
        let text = format!("{versions:?}");
        assert!(!text.contains("secret-one") && !text.contains("secret-two") && text.contains(MASK_AFTER), "{text}");
    }

    #[test]
    fn files_are_named_after_their_objects() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}});
        assert_eq!(file_name(&object, "default"), "apps.v1.Deployment.default.web");
        assert_eq!(
            file_name(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}), ""),
            "v1.Node..n"
        );
    }
}

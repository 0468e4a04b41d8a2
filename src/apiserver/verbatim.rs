//! Fields that kube-apiserver keeps as the bytes that came, not as the value that they are (`runtime.RawExtension`): the
//! data of ControllerRevisions. They are shown without white space, but with their keys in the order that they had, and
//! bytes that differ are a change, though the value is the same.

use super::codec::MediaType;
use super::encoding::{Encoded, Verbatim, text_of};
use super::kinds::Kind;
use super::patching::Form;
use crate::api::{Value, json};

/// Where the object that a request asks for comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From the body, with this text where the kind has such a field and the body is JSON.
    Body(Option<Verbatim>),
    /// From the old object's JSON, of which a patch leaves alone what it does not name.
    Patched,
    /// From values, which are written anew.
    Values,
}

impl Source {
    /// What an object comes from that is changed by a patch of this form.
    pub fn of_patch(form: Form) -> Self {
        match form {
            Form::Json | Form::Merge => Self::Patched,
            Form::Strategic | Form::Apply => Self::Values,
        }
    }

    /// The text that the changed object has, when its kind has a field that is kept as its text.
    pub fn text(&self, kind: &Kind, new: &Value, live: &Value, kept: &Encoded) -> Option<Verbatim> {
        let field = kind.verbatim?;
        match self {
            Self::Body(Some(sent)) => return Some(sent.clone()),
            Self::Patched if new.get(field) == live.get(field) => {
                let old = kept.text(field)?;
                return Some(Verbatim { field, text: json::compact(&old) });
            }
            _ => {}
        }
        Some(Verbatim { field, text: json::to_string(new.get(field).unwrap_or(&Value::Null)) })
    }
}

/// The text in a body of the field that its kind keeps as it came; none when there is no such field in it. What is not
/// JSON is turned into it before it is decoded.
pub(super) fn sent(body: &[u8], media: MediaType, kind: &Kind) -> Option<Verbatim> {
    let field = kind.verbatim.filter(|_| media == MediaType::Json)?;
    let text = text_of(body, field)?;
    (text != "null").then_some(Verbatim { field, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apiserver::kinds::GENERIC;
    use serde_json::json;

    #[test]
    fn a_text_is_that_of_where_the_object_comes_from() {
        let kind = Kind { verbatim: Some("data"), ..GENERIC };
        let spaced = Verbatim { field: "data", text: r#"{"b": 1.0, "a": "<"}"#.into() };
        let live = json!({"metadata": {"name": "x"}, "data": {"a": "<", "b": 1.0}});
        let kept = Encoded::with(&live, Some(&spaced));
        let changed = json!({"data": {"b": 2, "a": "<"}});
        for (source, new, want) in [
            (Source::Body(Some(spaced.clone())), &live, r#"{"b": 1.0, "a": "<"}"#),
            (Source::Body(None), &live, r#"{"a":"\u003c","b":1}"#),
            (Source::of_patch(Form::Merge), &live, r#"{"b":1.0,"a":"\u003c"}"#),
            (Source::of_patch(Form::Json), &changed, r#"{"a":"\u003c","b":2}"#),
            (Source::of_patch(Form::Strategic), &live, r#"{"a":"\u003c","b":1}"#),
            (Source::of_patch(Form::Apply), &json!({}), "null"),
        ] {
            assert_eq!(source.text(&kind, new, &live, &kept).unwrap().text, want, "{source:?}");
            assert_eq!(source.text(&GENERIC, new, &live, &kept), None);
        }
    }

    #[test]
    fn only_json_that_has_the_field_is_taken_as_it_came() {
        let kind = Kind { verbatim: Some("data"), ..GENERIC };
        let text = |body: &str, media, kind| sent(body.as_bytes(), media, kind).map(|sent| sent.text);
        let body = r#"{"data": 1, "x": {"data": 2}, "data":  {"a": [ ]} }"#;
        assert_eq!(text(body, MediaType::Json, &kind).as_deref(), Some(r#"{"a": [ ]}"#));
        assert_eq!(text(body, MediaType::Yaml, &kind), None);
        assert_eq!(text(body, MediaType::Json, &GENERIC), None);
        assert_eq!(text(r#"{"data": null}"#, MediaType::Json, &kind), None);
        assert_eq!(text("{}", MediaType::Json, &kind), None);
    }
}

//! What patches make of values, and what is wrong with them.

use super::codec::{self, Decoded, Misfit, essence, parse_json};
use super::errors::{
    Answer, bad_request, internal_plain, invalid_patch, too_large_because, unprocessable, unsupported_media_type,
    unsupported_patch_type,
};
use super::options::FieldValidation;
use super::registry::Served;
use crate::api::gotext::json_kind;
use crate::api::{GroupVersionKind, ObjectExt, TypeRef, Value};
use crate::merge::go_print::GoPrint;
use crate::merge::{json_patch, merge_patch, strategic};
use crate::schema;

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, which knows the keys of lists.
    Strategic,
    /// Server-side apply (KEP-555).
    Apply,
}

/// The content type of an apply.
pub(super) const APPLY: &str = "application/apply-patch+yaml";
/// What objects of custom resources take: nobody knows the keys of their lists.
const OF_CUSTOM: [&str; 3] = ["application/json-patch+json", "application/merge-patch+json", APPLY];

impl Form {
    /// Reads a `Content-Type`.
    pub fn parse(content_type: &str, served: &Served) -> Answer<Self> {
        match essence(content_type).as_str() {
            other if served.custom.is_some() && !OF_CUSTOM.contains(&other) => Err(unsupported_media_type(&OF_CUSTOM)),
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            APPLY => Ok(Self::Apply),
            _ => Err(unsupported_patch_type()),
        }
    }
}

/// How many operations a JSON patch may have.
const MOST_OPERATIONS: usize = 10_000;

/// The fields of an operation; another one is odd.
const OPERATION: [&str; 4] = ["op", "path", "from", "value"];

/// Reads a patch, and says what is odd about it.
pub(super) fn read(body: &[u8], form: Form, validation: FieldValidation) -> Answer<(Value, Vec<String>)> {
    let unreadable = |why: String| match form {
        Form::Strategic => bad_request(why),
        _ if validation != FieldValidation::Ignore => bad_request(format!("error decoding patch: {why}")),
        Form::Merge => bad_request("Invalid JSON Patch"),
        _ => bad_request(why),
    };
    let (patch, doubled) = parse_json(body).map_err(unreadable)?;
    let mut odd: Vec<String> = doubled.iter().map(|path| format!("duplicate field {path:?}")).collect();
    if form == Form::Json {
        odd.extend(check_operations(&patch).map_err(unreadable)?);
        for odd in &mut odd {
            odd.insert_str(0, "json patch ");
        }
        let count = patch.as_array().map_or(0, Vec::len);
        if count > MOST_OPERATIONS {
            let most = MOST_OPERATIONS;
            return Err(too_large_because(&format!(
                "The allowed maximum operations in a JSON patch is {most}, got {count}"
            )));
        }
    } else if !patch.is_object() && !patch.is_null() {
        return Err(unreadable(not_go(&patch, "map[string]interface {}")));
    }
    Ok((patch, odd))
}

/// Checks that a JSON patch is a list of operations, and says which fields of them are unknown.
fn check_operations(patch: &Value) -> Result<Vec<String>, String> {
    if !patch.is_array() && !patch.is_null() {
        return Err(not_go(patch, "[]handlers.jsonPatchOp"));
    }
    let mut odd = Vec::new();
    for (index, operation) in patch.as_array().into_iter().flatten().enumerate() {
        let Some(fields) = operation.as_object() else {
            if operation.is_null() {
                continue;
            }
            return Err(not_go(operation, "handlers.jsonPatchOp"));
        };
        for (name, value) in fields {
            if !OPERATION.contains(&name.as_str()) {
                odd.push(format!("unknown field \"[{index}].{name}\""));
            } else if name != "value" && !value.is_string() && !value.is_null() {
                let found = json_kind(value);
                return Err(format!(
                    "json: cannot unmarshal {found} into Go struct field jsonPatchOp.{name} of type string"
                ));
            }
        }
    }
    Ok(odd)
}

/// Go's complaint about JSON that is of another kind.
pub(super) fn not_go(value: &Value, wanted: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {wanted}", json_kind(value))
}

/// What is patched: its type, and how a decoder brings a value into the form of it.
pub(super) struct Target<'a> {
    schema: Option<TypeRef<'a>>,
    reshape: &'a (dyn Fn(Value) -> Result<(Value, Vec<String>), Misfit> + Sync),
}

/// What a patch makes of an object of a resource; `odd` is what was odd about the patch already.
pub(super) fn patched(
    live: &Value,
    (patch, odd): &(Value, Vec<String>),
    form: Form,
    served: &Served,
    validation: FieldValidation,
) -> Answer<Decoded> {
    let target = Target { schema: served.schema(), reshape: &|new| codec::reshape(new, served) };
    target.patched(live, (patch, odd), form, validation)
}

/// What a patch makes of a scale.
pub(super) fn patched_scale(
    scale: &Value,
    (patch, odd): &(Value, Vec<String>),
    form: Form,
    validation: FieldValidation,
) -> Answer<Decoded> {
    let kind = GroupVersionKind::new("autoscaling", "v1", "Scale");
    let schema = schema::builtin().kind(&kind);
    let reshape = |new: Value| {
        let undecodable = |why| {
            let (kind, version) = (kind.kind.clone(), kind.version.clone());
            Misfit::Undecodable { kind, version, why, field: String::new() }
        };
        let of = schema.ok_or_else(|| undecodable("no such type".into()))?;
        // Only its fields are looked at; what has been left out stays so.
        let unknown = schema::normalise(&mut new.clone(), of).map_err(|error| undecodable(error.to_string()))?;
        Ok((new, unknown))
    };
    Target { schema, reshape: &reshape }.patched(scale, (patch, odd), form, validation)
}

impl Target<'_> {
    fn patched(
        &self,
        live: &Value,
        (patch, odd): (&Value, &[String]),
        form: Form,
        validation: FieldValidation,
    ) -> Answer<Decoded> {
        let mut new = self.apply(live, patch, form)?;
        if form == Form::Strategic {
            // Its result is never decoded, so that nobody asks what it says it is.
            new.put(&["apiVersion"], live.api_version());
            new.put(&["kind"], live.kind());
        }
        // What failures show is made again for them, because they are rare.
        let invalid = |why: &str| match form {
            Form::Strategic => invalid_patch(&GoPrint(patch).to_string(), why),
            _ => match self.apply(live, patch, form) {
                Ok(new) => invalid_patch(&crate::api::json::to_string(&new), why),
                Err(failure) => failure,
            },
        };
        let misfit = |why: String| match (form, self.schema) {
            (Form::Strategic, Some(schema)) => self
                .apply(live, patch, form)
                .map_or_else(|failure| failure, |new| invalid(&schema::misfit(&new, schema).unwrap_or(why))),
            _ => invalid(&why),
        };
        let (object, unknown) = (self.reshape)(new).map_err(|fault| match fault {
            Misfit::Undecodable { why, .. } => misfit(why),
            Misfit::Refused(failure) => failure,
        })?;
        let odd = odd.iter().cloned().chain(unknown);
        match validation {
            FieldValidation::Ignore => Ok(Decoded { object, warnings: Vec::new() }),
            FieldValidation::Warn => Ok(Decoded { object, warnings: odd.collect() }),
            FieldValidation::Strict => match odd.collect::<Vec<_>>().as_slice() {
                [] => Ok(Decoded { object, warnings: Vec::new() }),
                odd => Err(invalid(&format!("strict decoding error: {}", odd.join(", ")))),
            },
        }
    }

    fn apply(&self, live: &Value, patch: &Value, form: Form) -> Answer<Value> {
        match form {
            _ if patch.is_null() => Ok(live.clone()),
            Form::Json => json_patch::apply(live, patch).map_err(|error| match error {
                json_patch::Error::Malformed(why) => bad_request(why),
                json_patch::Error::Failed(_) => unprocessable(),
            }),
            Form::Merge => {
                let mut new = live.clone();
                merge_patch::apply(&mut new, patch);
                Ok(new)
            }
            Form::Strategic | Form::Apply => {
                let schema = self.schema.ok_or_else(unsupported_patch_type)?;
                strategic::apply(live, patch, schema).map_err(|error| match error {
                    strategic::Error::Malformed(why) => bad_request(why),
                    strategic::Error::ListOfLists => unprocessable(),
                    other => internal_plain(other.to_string()),
                })
            }
        }
    }
}

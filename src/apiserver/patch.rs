//! Patches: three kinds that change what is there, and apply, which says what should be there.

use super::codec::{self, Decoded, Misfit, essence, parse_json, parse_yaml};
use super::create::{New, check_namespace};
use super::errors::{
    Answer, bad_request, conflict, internal_plain, invalid_patch, modified, too_large_because, unprocessable,
    unsupported_media_type, unsupported_patch_type,
};
use super::options::{FieldValidation, Write as Options};
use super::ownership;
use super::pipeline::{Call, Server, store_failure};
use super::registry::Served;
use super::respond::{self, Body};
use super::update::{Edit, Part, check_name};
use crate::api::{ObjectExt, Value};
use crate::merge::go_print::GoPrint;
use crate::merge::{json_patch, merge_patch, strategic};
use crate::schema;
use http::{Response, StatusCode};

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, which knows the keys of lists.
    Strategic,
    /// Server-side apply (KEP-555).
    Apply,
}

/// What objects of custom resources take: nobody knows the keys of their lists.
const OF_CUSTOM: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

impl Form {
    fn parse(content_type: &str, served: &Served) -> Answer<Self> {
        match essence(content_type).as_str() {
            other if served.custom.is_some() && !OF_CUSTOM.contains(&other) => Err(unsupported_media_type(&OF_CUSTOM)),
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            _ => Err(unsupported_patch_type()),
        }
    }
}

impl Server {
    /// Changes an object by a patch.
    pub(super) async fn patch(&self, call: &Call<'_>, part: Part) -> Answer<Response<Body>> {
        let form = Form::parse(call.content_type(), call.served)?;
        let options = Options::parse(call.query, "PatchOptions")?;
        if form == Form::Apply {
            options.check_apply()?;
            return self.apply(call, part, &options).await;
        }
        options.check_patch()?;
        let (patch, odd) = read(call.body, form, options.validation)?;
        let mut warnings = Vec::new();
        let change = |live: &Value| -> Answer<Decoded> {
            let decoded = patched(live, &patch, form, &odd, call.served, options.validation)?;
            check_name(call, &decoded.object)?;
            Ok(decoded)
        };
        let shown = self.change(&call.edit(part, &options), &mut warnings, &change).await;
        call.warn(warnings);
        Ok(respond::object(StatusCode::OK, &shown?, call.served, call.accepted, call.now.seconds))
    }

    /// Applies a configuration: makes the object, or changes what it says of it.
    async fn apply(&self, call: &Call<'_>, part: Part, options: &Options) -> Answer<Response<Body>> {
        let (config, doubled) =
            parse_yaml(call.body).map_err(|why| bad_request(format!("error decoding YAML: {why}")))?;
        if !config.is_object() && !config.is_null() {
            let why =
                format!("error unmarshaling JSON: while decoding JSON: {}", not_go(&config, "map[string]interface {}"));
            return Err(bad_request(format!("error decoding YAML: {why}")));
        }
        if !config.name().is_empty() {
            check_name(call, &config)?;
        }
        let manager = call.manager(options);
        let apply = |live: Option<&Value>| {
            let applied = ownership::apply(live, &config, call.served, &manager, options.force, call.now);
            applied.map_err(|error| Box::new(error.status()))
        };
        let mut warnings = Vec::new();
        let found = self.store.get(&call.key()).await.map_err(store_failure)?;
        let (status, shown) = match found {
            None if part == Part::Main => {
                let Decoded { mut object, .. } = codec::check(apply(None)?, call.served, options.validation)?;
                check_doubled(&doubled, options.validation)?;
                if !object.uid().is_empty() {
                    let uid = object.uid();
                    let why = format!(
                        "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                    );
                    return Err(conflict(call.served.about(&call.target.name), &why));
                }
                check_namespace(&object, &call.target.namespace)?;
                object.put(&["metadata", "name"], call.target.name.as_str());
                let (served, namespace) = (call.served, &call.target.namespace);
                let (user, dry_run) = (Some(call.user), options.dry_run);
                let new = New { served, namespace, manager, user, applied: true, dry_run };
                (StatusCode::CREATED, self.make(&new, object, &mut warnings).await)
            }
            _ => {
                let edit = Edit { applied: true, ..call.edit(part, options) };
                let change = |live: &Value| {
                    let version = config.resource_version();
                    if !version.is_empty() && version != live.resource_version() {
                        return Err(modified(call.served.about(&call.target.name)));
                    }
                    let decoded = codec::check(apply(Some(live))?, call.served, options.validation)?;
                    check_doubled(&doubled, options.validation)?;
                    check_name(call, &decoded.object)?;
                    Ok(decoded)
                };
                (StatusCode::OK, self.change(&edit, &mut warnings, &change).await)
            }
        };
        call.warn(warnings);
        if options.validation == FieldValidation::Warn {
            call.warn(doubled);
        }
        Ok(respond::object(status, &shown?, call.served, call.accepted, call.now.seconds))
    }
}

/// Refuses a configuration with keys that are there twice, when such are not allowed.
fn check_doubled(doubled: &[String], validation: FieldValidation) -> Answer<()> {
    match codec::yaml_complaint(doubled).filter(|_| validation == FieldValidation::Strict) {
        Some(why) => Err(bad_request(format!("error strict decoding YAML: error converting YAML to JSON: {why}"))),
        None => Ok(()),
    }
}

/// How many operations a JSON patch may have.
const MOST_OPERATIONS: usize = 10_000;

/// The fields of an operation; another one is odd.
const OPERATION: [&str; 4] = ["op", "path", "from", "value"];

/// Reads a patch, and says what is odd about it.
fn read(body: &[u8], form: Form, validation: FieldValidation) -> Answer<(Value, Vec<String>)> {
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
                let found = go_kind(value);
                return Err(format!(
                    "json: cannot unmarshal {found} into Go struct field jsonPatchOp.{name} of type string"
                ));
            }
        }
    }
    Ok(odd)
}

/// Go's complaint about JSON that is of another kind.
fn not_go(value: &Value, wanted: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {wanted}", go_kind(value))
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What a patch makes of an object; `odd` is what was odd about the patch already.
fn patched(
    live: &Value,
    patch: &Value,
    form: Form,
    odd: &[String],
    served: &Served,
    validation: FieldValidation,
) -> Answer<Decoded> {
    let mut new = apply_patch(live, patch, form, served)?;
    if form == Form::Strategic {
        // Its result is never decoded, so that nobody asks what it says it is.
        new.put(&["apiVersion"], live.api_version());
        new.put(&["kind"], live.kind());
    }
    // What failures show is made again for them, because they are rare.
    let invalid = |why: &str| match form {
        Form::Strategic => invalid_patch(&GoPrint(patch).to_string(), why),
        _ => match apply_patch(live, patch, form, served) {
            Ok(new) => invalid_patch(&crate::api::json::to_string(&new), why),
            Err(failure) => failure,
        },
    };
    let misfit = |why: String| match (form, served.schema()) {
        (Form::Strategic, Some(schema)) => apply_patch(live, patch, form, served)
            .map_or_else(|failure| failure, |new| invalid(&schema::misfit(&new, schema).unwrap_or(why))),
        _ => invalid(&why),
    };
    let (object, unknown) = codec::reshape(new, served).map_err(|fault| match fault {
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

fn apply_patch(live: &Value, patch: &Value, form: Form, served: &Served) -> Answer<Value> {
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
            let schema = served.schema().ok_or_else(unsupported_patch_type)?;
            strategic::apply(live, patch, schema).map_err(|error| match error {
                strategic::Error::Malformed(why) => bad_request(why),
                strategic::Error::ListOfLists => unprocessable(),
                other => internal_plain(other.to_string()),
            })
        }
    }
}

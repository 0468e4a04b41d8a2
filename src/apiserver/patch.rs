//! Patches: three kinds that change what is there, and apply, which says what should be there.

use super::codec::{self, Decoded, parse_yaml};
use super::create::{New, check_namespace};
use super::errors::{Answer, bad_request, conflict, modified};
use super::options::{FieldValidation, Write as Options};
use super::ownership;
use super::patching::{self, Form};
use super::pipeline::{Call, Server, store_failure};
use super::respond::{self, Body};
use super::update::{Edit, Part, check_name};
use super::verbatim::Source;
use crate::api::{ObjectExt, Value};
use http::{Response, StatusCode};

impl Server {
    /// Changes an object by a patch.
    pub(super) async fn patch(&self, call: &Call<'_>, part: Part) -> Answer<Response<Body>> {
        let form = Form::parse(call.content_type(), call.served)?;
        let options = Options::parse_patch(call.query, form == Form::Apply)?;
        if form == Form::Apply {
            return self.apply(call, part, &options).await;
        }
        // What is wrong with the patch is said only of an object that is there.
        let patch = patching::read(call.body, form, options.validation);
        let mut warnings = Vec::new();
        let change = |live: &Value| -> Answer<Decoded> {
            let patch = patch.as_ref().map_err(Clone::clone)?;
            let decoded = patching::patched(live, patch, form, call.served, options.validation)?;
            check_name(call, &decoded.object)?;
            Ok(decoded)
        };
        let edit = Edit { source: Source::of_patch(form), ..call.edit(part, &options) };
        let shown = self.change(&edit, &mut warnings, &change).await;
        call.warn(warnings);
        Ok(respond::object(StatusCode::OK, &shown?, call.served, call.accepted, call.now.seconds))
    }

    /// Applies a configuration: makes the object, or changes what it says of it.
    async fn apply(&self, call: &Call<'_>, part: Part, options: &Options) -> Answer<Response<Body>> {
        let (config, doubled) = read_config(call)?;
        if options.validation == FieldValidation::Warn {
            call.warn(doubled.iter().cloned());
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
                if !object.name().is_empty() {
                    check_name(call, &object)?;
                }
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
                let new = New { served, namespace, manager, user, applied: true, verbatim: None, dry_run };
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
        Ok(respond::object(status, &shown?, call.served, call.accepted, call.now.seconds))
    }
}

/// The configuration in a request's body, and which of its keys are there twice.
pub(super) fn read_config(call: &Call<'_>) -> Answer<(Value, Vec<String>)> {
    let (config, doubled) = parse_yaml(call.body)
        .map_err(|why| bad_request(format!("error decoding YAML: error converting YAML to JSON: {why}")))?;
    if !config.is_object() && !config.is_null() {
        let why = format!(
            "error unmarshaling JSON: while decoding JSON: {}",
            patching::not_go(&config, "map[string]interface {}")
        );
        return Err(bad_request(format!("error decoding YAML: {why}")));
    }
    Ok((config, doubled))
}

/// Refuses a configuration with keys that are there twice, when such are not allowed.
pub(super) fn check_doubled(doubled: &[String], validation: FieldValidation) -> Answer<()> {
    match codec::yaml_complaint(doubled).filter(|_| validation == FieldValidation::Strict) {
        Some(why) => Err(bad_request(format!("error strict decoding YAML: error converting YAML to JSON: {why}"))),
        None => Ok(()),
    }
}

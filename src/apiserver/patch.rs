//! Patches: three kinds that change what is there, and apply, which says what should be there.

use super::codec::{self, Decoded, essence, parse_json, parse_yaml};
use super::create::{New, check_namespace};
use super::errors::{
    Answer, bad_request, internal_plain, modified, unprocessable, unsupported_media_type, unsupported_patch_type,
};
use super::options::{FieldValidation, Write as Options};
use super::ownership;
use super::pipeline::{Call, Server, store_failure};
use super::registry::Served;
use super::respond::{self, Body};
use super::update::{Edit, Part, check_name};
use crate::api::{ObjectExt, Value};
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
        let unreadable = |why: String| match form {
            Form::Strategic => bad_request(why),
            _ => bad_request(format!("error decoding patch: {why}")),
        };
        let (patch, doubled) = parse_json(call.body).map_err(unreadable)?;
        let mut warnings = Vec::new();
        let doubled: Vec<String> = doubled.iter().map(|path| format!("duplicate field {path:?}")).collect();
        if !doubled.is_empty() && options.validation == FieldValidation::Strict {
            return Err(bad_request(format!("strict decoding error: {}", doubled.join(", "))));
        }
        if options.validation == FieldValidation::Warn {
            call.warn(doubled);
        }
        let change = |live: &Value| -> Answer<Decoded> {
            let mut new = live.clone();
            match form {
                Form::Json => {
                    new = crate::merge::json_patch::apply(live, &patch).map_err(|_| unprocessable())?;
                }
                Form::Merge => crate::merge::merge_patch::apply(&mut new, &patch),
                Form::Strategic | Form::Apply => {
                    let schema = call.served.schema().ok_or_else(unsupported_patch_type)?;
                    new = crate::merge::strategic::apply(live, &patch, schema)
                        .map_err(|error| internal_plain(error.to_string()))?;
                }
            }
            let decoded = codec::check(new, call.served, options.validation)?;
            check_name(call, &decoded.object)?;
            Ok(decoded)
        };
        let shown = self.change(&call.edit(part, &options), &mut warnings, &change).await;
        call.warn(warnings);
        Ok(respond::object(StatusCode::OK, &shown?, call.served, call.accepted, call.now.seconds))
    }

    /// Applies a configuration: makes the object, or changes what it says of it.
    async fn apply(&self, call: &Call<'_>, part: Part, options: &Options) -> Answer<Response<Body>> {
        let config = parse_yaml(call.body).map_err(|why| bad_request(format!("error decoding YAML: {why}")))?;
        if !config.name().is_empty() && config.name() != call.target.name {
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

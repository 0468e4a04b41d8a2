//! The scale of what has replicas (autoscaling/v1 Scale), read from and written to the object itself.

use super::codec::Decoded;
use super::custom::names;
use super::errors::{Answer, bad_request, invalid};
use super::kinds::field::Errors;
use super::negotiate::Shape;
use super::options::Write as Options;
use super::ownership;
use super::patch::{check_doubled, read_config};
use super::patching::{self, Form};
use super::pipeline::{Call, Server};
use super::registry::Served;
use super::respond::{self, Body};
use super::subresources::body;
use super::update::{Change, Edit, Part};
use crate::api::time::age;
use crate::api::{ObjectExt, Value};
use crate::expr::label_selector;
use crate::schema::TableColumn;
use http::{Response, StatusCode};
use serde_json::json;

impl Server {
    /// Answers with the scale of an object.
    pub(super) async fn get_scale(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let entry = self.entry(call).await?;
        let object = call.served.value(&entry.object, entry.revision);
        Ok(answer(&scale_of(&object, call.served)?, call))
    }

    /// Sets the scale of an object from a request's body.
    pub(super) async fn put_scale(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let options = Options::parse(call.query, "UpdateOptions")?;
        let scale = body(call, "autoscaling", "v1", "Scale", &options)?;
        let manager = call.manager(&options);
        let change = |before: &Value| {
            let mut object = scale.clone();
            ownership::note_scale(before, &mut object, &manager, call.now);
            Ok(Decoded { object, warnings: Vec::new() })
        };
        self.set_scale(call, &options, &change).await
    }

    /// Changes the scale of an object by a patch.
    pub(super) async fn patch_scale(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let form = Form::parse(call.content_type(), call.served)?;
        let options = Options::parse_patch(call.query, form == Form::Apply)?;
        if form == Form::Apply {
            return self.apply_scale(call, &options).await;
        }
        let patch = patching::read(call.body, form, options.validation);
        let manager = call.manager(&options);
        let change = |before: &Value| {
            let patch = patch.as_ref().map_err(Clone::clone)?;
            let mut decoded = patching::patched_scale(before, patch, form, options.validation)?;
            ownership::note_scale(before, &mut decoded.object, &manager, call.now);
            Ok(decoded)
        };
        self.set_scale(call, &options, &change).await
    }

    /// Applies a configuration of a scale.
    async fn apply_scale(&self, call: &Call<'_>, options: &Options) -> Answer<Response<Body>> {
        let (config, doubled) = read_config(call)?;
        let manager = call.manager(options);
        let change = |before: &Value| {
            let object = ownership::apply_scale(before, &config, &manager, options.force, call.now)
                .map_err(|error| Box::new(error.status()))?;
            check_doubled(&doubled, options.validation)?;
            Ok(Decoded { object, warnings: Vec::new() })
        };
        self.set_scale(call, options, &change).await
    }

    /// Gives an object the replicas of the scale that `change` makes of the one it has; both have the managed fields
    /// of a scale.
    async fn set_scale(&self, call: &Call<'_>, options: &Options, change: &Change<'_>) -> Answer<Response<Body>> {
        let name = call.target.name.as_str();
        let path = replicas_path(call.served);
        let edit = |live: &Value| {
            let custom = call.served.custom.is_some();
            let mut before = read(live, call.served)?;
            let unset = i64::from(i32::MIN);
            if custom && before.wanted.is_none() {
                before.wanted = Some(unset);
            }
            let mut before = before.scale(live);
            ownership::lend_to_scale(&mut before, live, &path);
            let Decoded { object: scale, warnings } = change(&before)?;
            if scale.name() != name {
                let found = scale.name();
                let why = format!("the name of the object ({found}) does not match the name on the URL ({name})");
                return Err(bad_request(why));
            }
            let replicas = scale.integer(&["spec", "replicas"]).unwrap_or(0);
            if custom && replicas == unset {
                let why = format!("the spec replicas field {:?} cannot be empty", format!(".{}", path.join(".")));
                return Err(bad_request(why));
            }
            // A custom resource says itself what its replicas may be.
            if replicas < 0 && !custom {
                let mut errors = Errors::default();
                errors.invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0");
                let about = super::errors::About { group: "autoscaling", kind: "Scale", name };
                return Err(invalid(about, errors));
            }
            let mut object = live.clone();
            object.put(&path, replicas);
            ownership::take_from_scale(&mut object, &scale, &path);
            let version = scale.resource_version();
            if !version.is_empty() {
                object.put(&["metadata", "resourceVersion"], version);
            }
            Ok(Decoded { object, warnings })
        };
        let mut warnings = Vec::new();
        let edit_scale = Edit { applied: true, ..call.edit(Part::Main, options) };
        let shown = self.change(&edit_scale, &mut warnings, &edit).await;
        call.warn(warnings);
        let shown = shown?;
        let object = call.served.as_shown(&shown.object, shown.version.unwrap_or(0));
        Ok(answer(&read(&object, call.served)?.scale(&object), call))
    }
}

/// Where an object says how many replicas it wants.
fn replicas_path(served: &Served) -> Vec<&str> {
    let paths = served.custom.as_ref().and_then(|custom| custom.scale.as_ref());
    paths.map_or(vec!["spec", "replicas"], |paths| names(&paths.spec))
}

/// Gives an object the replicas that a scale says.
pub(super) fn take(served: &Served, object: &mut Value, scale: &Value) {
    object.put(&replicas_path(served), scale.integer(&["spec", "replicas"]).unwrap_or(0));
}

/// Answers with a scale, as a table where that is wanted.
fn answer(scale: &Value, call: &Call<'_>) -> Response<Body> {
    let Shape::Table(version) = call.accepted.shape else {
        return respond::value(StatusCode::OK, scale, call.accepted);
    };
    let column = |name: &str, kind: &str, format: &str| TableColumn {
        name: name.into(),
        kind: kind.into(),
        format: format.into(),
        ..TableColumn::default()
    };
    let columns = [
        column("Name", "string", ""),
        column("Desired", "integer", ""),
        column("Available", "integer", ""),
        column("Age", "string", ""),
    ];
    let replicas = |part: &str| scale.integer(&[part, "replicas"]).unwrap_or(0).into();
    let age = age(scale.text(&["metadata", "creationTimestamp"]), call.now.seconds);
    let cells = vec![scale.name().into(), replicas("spec"), replicas("status"), age.into()];
    respond::row(&columns, cells, scale, call.accepted, version)
}

/// The scale of an object; for one of a custom resource, at the paths that its definition says.
pub(super) fn scale_of(object: &Value, served: &Served) -> Answer<Value> {
    let found = read(object, served)?;
    if found.wanted.is_none() && served.custom.is_some() {
        let why = format!("the spec replicas field \".{}\" does not exist", replicas_path(served).join("."));
        return Err(super::errors::internal(why));
    }
    Ok(found.scale(object))
}

/// What an object says of its scale.
struct Found {
    wanted: Option<i64>,
    there: i64,
    selector: String,
}

impl Found {
    fn scale(self, object: &Value) -> Value {
        scale(object, self.wanted.unwrap_or(0), self.there, self.selector)
    }
}

fn read(object: &Value, served: &Served) -> Answer<Found> {
    let Some(paths) = served.custom.as_ref().and_then(|custom| custom.scale.as_ref()) else {
        let replicas = |part: &str| object.integer(&[part, "replicas"]);
        let selector = selector_text(object.at(&["spec", "selector"]));
        return Ok(Found { wanted: replicas("spec"), there: replicas("status").unwrap_or(0), selector });
    };
    let (wanted, there, selector) = paths.read(object).map_err(super::errors::internal_plain)?;
    Ok(Found { wanted, there: there.unwrap_or(0), selector })
}

fn scale(object: &Value, wanted: i64, there: i64, selector: String) -> Value {
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {}, "spec": {}, "status": {"replicas": there}
    });
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.at(&["metadata", field]) {
            scale.put(&["metadata", field], value.clone());
        }
    }
    if wanted != 0 {
        scale.put(&["spec", "replicas"], wanted);
    }
    if !selector.is_empty() {
        scale.put(&["status", "selector"], selector);
    }
    scale
}

/// A selector as text: both the map of a replication controller and a LabelSelector.
fn selector_text(selector: Option<&Value>) -> String {
    let Some(selector) = selector else { return String::new() };
    let is_map = selector.as_object().is_some_and(|map| map.values().all(Value::is_string));
    let labels = if is_map { &json!({"matchLabels": selector}) } else { selector };
    // What was stored is valid.
    label_selector::text(Some(labels)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_read_from_objects() {
        let deployment = json!({
            "metadata": {"name": "d", "labels": {"a": "b"}},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"b": "2", "a": "1"},
                "matchExpressions": [{"key": "c", "operator": "In", "values": ["y", "x"]}]}},
            "status": {"replicas": 2}
        });
        let registry = crate::apiserver::registry::Registry::builtin();
        let scale_of = |object: &Value| scale_of(object, registry.find("apps", "v1", "deployments").unwrap()).unwrap();
        let scale = scale_of(&deployment);
        assert_eq!(scale["status"], json!({"replicas": 2, "selector": "a=1,b=2,c in (x,y)"}));
        assert_eq!((&scale["spec"], &scale["metadata"]), (&json!({"replicas": 3}), &json!({"name": "d"})));
        let controller = json!({"spec": {"selector": {"a": "1"}}});
        assert_eq!(scale_of(&controller)["status"]["selector"], "a=1");
    }
}

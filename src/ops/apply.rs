//! Client-side apply of one object: what was applied last, what is to be, and what is there become one patch.

use super::options::{DryRun, Validation};
use super::{Cluster, Failure, delete, infos::Info, last_applied};
use crate::api::{Object, ObjectExt, Value, json};
use crate::client::{Client, PatchKind, Request};
use crate::merge::faithful::{self, Corruption};
use crate::merge::{merge_patch, strategic, three_way};
use crate::schema;
use http::Method;
use std::time::Duration;

/// How often a patch is tried again after somebody else was quicker, and from which try on it waits before.
const RETRIES: usize = 5;
const RETRIES_AT_ONCE: usize = 1;
const PAUSE: Duration = Duration::from_secs(1);

/// How objects are applied.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether anything is stored.
    pub dry_run: DryRun,
    /// What happens about unknown fields.
    pub validation: Validation,
    /// The field manager.
    pub manager: String,
    /// Whether the manifest wins over changes that others made to the same fields.
    pub overwrite: bool,
    /// Delete and create anew when a patch is refused.
    pub force: bool,
    /// The program's name, for warnings.
    pub program: &'static str,
}

/// What became of an object.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The object as it is now, or would be.
    pub object: Object,
    /// `created`, `configured`, `unchanged` or `serverside-applied`.
    pub operation: &'static str,
}

/// Lines for stderr, which are there whatever becomes of the object.
pub type Warnings = Vec<String>;

/// Applies one object. `tell` hears what is waited for.
pub async fn client_side(
    cluster: &Cluster,
    info: &Info,
    options: &Options,
    warnings: &mut Warnings,
    tell: &dyn Fn(String),
) -> Result<Applied, Failure> {
    let retrieving = |failure: Failure| {
        failure
            .when(&format!("retrieving current configuration of:\n{}\nfrom server for:", info.describe()), &info.source)
    };
    check_name(info)?;
    if info.name.is_empty() {
        return Err(retrieving(Failure::message("resource name may not be empty")));
    }
    let live = match get(cluster, info).await {
        Ok(live) => live,
        Err(failure) if failure.is_not_found() => return create(cluster, info, options).await,
        Err(failure) => return Err(retrieving(failure)),
    };
    if last_applied::read(&live).is_none() {
        warnings.push(format!(
            "Warning: resource {}/{} is missing the {} annotation which is required by {program} apply. {program} apply should only be used on resources created declaratively by either {program} create --save-config or {program} apply. The missing annotation will be patched automatically.\n",
            info.mapping.gvr.resource, info.name, last_applied::ANNOTATION, program = options.program
        ));
    }
    let mut modified = info.object.clone();
    last_applied::write(&mut modified);
    let (patch, object) = patch_until_accepted(cluster, info, &modified, live, options, warnings, tell).await?;
    if !object.text(&["metadata", "deletionTimestamp"]).is_empty() {
        warnings.push(format!(
            "Warning: Detected changes to resource {} which is currently being deleted.\n",
            object.name()
        ));
    }
    let operation = if is_empty(&patch) { "unchanged" } else { "configured" };
    Ok(Applied { object, operation })
}

async fn get(cluster: &Cluster, info: &Info) -> Result<Object, Failure> {
    Ok(cluster.client.json(&Request::get(&info.mapping, &info.namespace, &info.name)).await?)
}

fn is_empty(patch: &Value) -> bool {
    patch.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Refuses an object that gets another name each time.
fn check_name(info: &Info) -> Result<(), Failure> {
    match info.object.text(&["metadata", "generateName"]) {
        prefix if info.name.is_empty() && !prefix.is_empty() => {
            Err(Failure::message(format!("from {prefix}: cannot use generate name with apply")))
        }
        _ => Ok(()),
    }
}

/// What is sent of an object that is not there yet.
pub fn as_new(info: &Info) -> Result<Object, Failure> {
    check_name(info)?;
    let mut object = info.object.clone();
    last_applied::write(&mut object);
    without_nulls(&mut object);
    Ok(object)
}

async fn create(cluster: &Cluster, info: &Info, options: &Options) -> Result<Applied, Failure> {
    let mut object = as_new(info)?;
    if options.dry_run != DryRun::Client {
        let request = Request::create(&info.mapping, &info.namespace, &object);
        object = cluster
            .client
            .json(&with_options(request, options))
            .await
            .map_err(|error| Failure::from(error).when("creating", &info.source))?;
    }
    Ok(Applied { object, operation: "created" })
}

/// A null in a manifest asks for a field to be away: in a new object there is nothing to take away.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn with_options(request: Request, options: &Options) -> Request {
    let request =
        request.query("fieldManager", &options.manager).query("fieldValidation", options.validation.parameter());
    if options.dry_run == DryRun::Server { request.query("dryRun", "All") } else { request }
}

async fn patch_until_accepted(
    cluster: &Cluster,
    info: &Info,
    modified: &Object,
    mut live: Object,
    options: &Options,
    warnings: &mut Warnings,
    tell: &dyn Fn(String),
) -> Result<(Value, Object), Failure> {
    let failed = |patch: &str, failure: Failure| {
        failure.when(&format!("applying patch:\n{patch}\nto:\n{}\nfor:", info.describe()), &info.source)
    };
    let mut tries = 0;
    loop {
        let (patch, kind) = patch(&cluster.client, info, modified, &live, options.overwrite, warnings)
            .await
            .map_err(|failure| failed("", failure))?;
        check(info, modified, &live, &patch, kind, options)?;
        if is_empty(&patch) {
            return Ok((patch, live));
        }
        if options.dry_run == DryRun::Client {
            let object = patched(info, &live, &patch, kind)?;
            return Ok((patch, object));
        }
        let request =
            Request::patch(&info.mapping, &info.namespace, &info.name, kind, json::to_string(&patch).into_bytes());
        let failure = match cluster.client.json(&with_options(request, options)).await {
            Ok(object) => return Ok((patch, object)),
            Err(error) => Failure::from(error),
        };
        if failure.is_conflict() && tries < RETRIES {
            tries += 1;
            if tries > RETRIES_AT_ONCE {
                tell("was changed by somebody else, and is tried again".into());
                tokio::time::sleep(PAUSE).await;
            }
            live = get(cluster, info).await?;
            continue;
        }
        let refused = failure.status().is_some_and(|status| matches!(status.reason.as_str(), "Conflict" | "Invalid"));
        if options.force && refused {
            return Ok((patch, replace(cluster, info, modified, options, tell).await?));
        }
        return Err(failed(&json::to_string(&patch), failure.when("patching", &info.source)));
    }
}

/// The patch that makes the live object what the manifest says, and how it is to be read. The client is asked only when
/// there is none: for what kubectl says of it.
pub async fn patch(
    client: &Client,
    info: &Info,
    modified: &Object,
    live: &Object,
    overwrite: bool,
    warnings: &mut Warnings,
) -> Result<(Value, PatchKind), Failure> {
    let last = last_applied::read(live).unwrap_or_default();
    let original = match last {
        "" => Value::Null,
        // What is no JSON is no object either, which is complained of below.
        text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    };
    let kind = schema::builtin().kind(&info.mapping.gvk);
    let made = match kind {
        Some(kind) => {
            three_way::strategic(&original, modified, live, kind, overwrite).map(|patch| (patch, PatchKind::Strategic))
        }
        None => three_way::json(&original, modified, live).map(|patch| (patch, PatchKind::Merge)),
    };
    if let Err(problem) = &made
        && kind.is_some()
    {
        warnings.push(format!("warning: error calculating patch from openapi v3 spec: {problem}\n"));
        // kubectl tries the same types once more in their older form, where the server has it.
        if client.stream(&Request::new(Method::GET, "/openapi/v2")).await.is_ok() {
            warnings.push(format!("warning: error calculating patch from openapi spec: {problem}\n"));
        }
    }
    made.map_err(|problem| {
        let (modified, live) = (json::to_string(modified), json::to_string(live));
        Failure::message(format!(
            "creating patch with:\noriginal:\n{last}\nmodified:\n{modified}\n\ncurrent:\n{live}\n\nfor: {problem}"
        ))
        .when("patching", &info.source)
    })
}

/// Refuses a patch that would make something else of the object than the manifest says.
fn check(
    info: &Info,
    modified: &Object,
    live: &Object,
    patch: &Value,
    kind: PatchKind,
    options: &Options,
) -> Result<(), Failure> {
    let (PatchKind::Strategic, Some(schema)) = (kind, schema::builtin().kind(&info.mapping.gvk)) else { return Ok(()) };
    let last = last_applied::read(live).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let patched = (!is_empty(patch)).then(|| strategic::apply(live, patch, schema));
    let result = match &patched {
        None => live,
        Some(Ok(result)) => result,
        // A patch that cannot be applied here is the server's to refuse.
        Some(Err(_)) => return Ok(()),
    };
    let Some(Corruption { list, key, alike }) = faithful::corruption(&last, modified, live, result, schema) else {
        return Ok(());
    };
    let program = options.program;
    let way_out = match alike {
        true => format!("Give each item of {list} a key of its own."),
        false => format!(
            "{program} apply --server-side tells them apart, and {program} replace puts the whole object in the place of the one that is there."
        ),
    };
    let text = format!(
        "refusing to patch {} {:?}: several items of {list} have {key}, and a patch cannot tell them apart, so that others than those that are meant would be changed, dropped or kept. Nothing was sent. {way_out}",
        info.mapping.gvk.kind, info.name
    );
    Err(Failure::message(text).when("applying", &info.source))
}

/// The live object with the patch applied here.
fn patched(info: &Info, live: &Object, patch: &Value, kind: PatchKind) -> Result<Object, Failure> {
    let locally = |error: String| Failure::message(format!("applying patch locally: {error}"));
    match (kind, schema::builtin().kind(&info.mapping.gvk)) {
        (PatchKind::Strategic, Some(schema)) => {
            strategic::apply(live, patch, schema).map_err(|error| locally(error.to_string()))
        }
        _ => {
            let mut object = live.clone();
            merge_patch::apply(&mut object, patch);
            Ok(object)
        }
    }
}

/// Deletes the object, waits until it is gone, and creates it anew.
async fn replace(
    cluster: &Cluster,
    info: &Info,
    modified: &Object,
    options: &Options,
    tell: &dyn Fn(String),
) -> Result<Object, Failure> {
    let gone = Request::delete(&info.mapping, &info.namespace, &info.name, &Value::Null);
    cluster.client.send(&gone).await?;
    loop {
        match get(cluster, info).await {
            Err(failure) if failure.is_not_found() => break,
            Err(failure) => return Err(failure),
            Ok(object) => {
                tell(format!("was deleted to be created anew, and {}", delete::why_there(&object)));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let request = Request::create(&info.mapping, &info.namespace, modified);
    Ok(cluster.client.json(&with_options(request, options)).await?)
}

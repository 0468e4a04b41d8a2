//! Config maps and secrets made from literals, files and files of variables.

use super::file::texts;
use super::load::Root;
use super::resource::{Behavior, Resource, Resources};
use super::{Outcome, Problem};
use crate::api::gotext::quote;
use crate::api::{Map, ObjectExt, Value, content_hash, names};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// How long a line of a secret's data is.
const LINE: usize = 70;

/// Generates what the file says. Options of all generators are `options`.
pub(super) fn generate(resources: &mut Resources, file: &Value, root: &Root) -> Outcome<()> {
    let global = file.get("generatorOptions");
    for (field, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
        for entry in file.items_at(&[field]) {
            let resource = make(entry, kind, global, root)?;
            resources.absorb(resource).map_err(|problem| problem.within(&format!("merging from generator {kind}")))?;
        }
    }
    Ok(())
}

fn make(entry: &Value, kind: &str, global: Option<&Value>, root: &Root) -> Outcome<Resource> {
    let name = entry.text(&["name"]);
    if name.is_empty() {
        return Err(Problem("a configmap must have a name".into()));
    }
    let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
    if !entry.text(&["namespace"]).is_empty() {
        object.put(&["metadata", "namespace"], entry.text(&["namespace"]));
    }
    if kind == "Secret" {
        let ty = entry.text(&["type"]);
        object.put(&["type"], if ty.is_empty() { "Opaque" } else { ty });
    }
    let pairs = pairs(entry, root).map_err(|problem| problem.within("loading KV pairs"))?;
    let mut known = Vec::new();
    for (key, value) in pairs {
        if let Some(complaint) = names::config_map_key(&key).into_iter().next() {
            return Err(Problem(format!("{} is not a valid key name: {complaint}", quote(&key))));
        }
        if known.contains(&key) {
            return Err(Problem(format!("configmap {name} illegally repeats the key `{key}`")));
        }
        enter(&mut object, kind, &key, value);
        known.push(key);
    }
    // What an entry says counts before what is said for all.
    let options: Vec<&Value> = [entry.get("options"), global].into_iter().flatten().collect();
    for field in ["labels", "annotations"] {
        let mut merged = Map::new();
        for (key, value) in options.iter().filter_map(|options| options.map_at(&[field])).flatten() {
            merged.entry(key).or_insert_with(|| value.clone());
        }
        if !merged.is_empty() {
            object.put(&["metadata", field], merged);
        }
    }
    let is_on = |field: &str| options.iter().any(|options| options.get(field) == Some(&Value::Bool(true)));
    if is_on("immutable") {
        object.put(&["immutable"], true);
    }
    let behavior = Behavior::parse(entry.text(&["behavior"]));
    let mut resource = Resource::new(object);
    resource.is_hashed = !is_on("disableNameSuffixHash");
    resource.behavior = behavior;
    Ok(resource)
}

/// Enters a value as the kind holds it: in base 64 unless it is text.
fn enter(object: &mut Value, kind: &str, key: &str, value: Vec<u8>) {
    match (kind, String::from_utf8(value)) {
        ("ConfigMap", Ok(text)) => object.put(&["data", key], text),
        ("ConfigMap", Err(error)) => object.put(&["binaryData", key], in_lines(error.as_bytes())),
        (_, value) => {
            let bytes = value.map_or_else(|error| error.into_bytes(), String::into_bytes);
            object.put(&["data", key], in_lines(&bytes));
        }
    }
}

/// Base 64, in lines when it is long.
fn in_lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    if text.len() <= LINE {
        return text;
    }
    let lines = text.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    lines.collect()
}

fn pairs(entry: &Value, root: &Root) -> Outcome<Vec<(String, Vec<u8>)>> {
    let list = |field: &str| {
        let items: Vec<&str> = texts(entry, field).collect();
        format!("[{}]", items.join(" "))
    };
    let mut pairs = Vec::new();
    let env = Some(entry.text(&["env"])).filter(|env| !env.is_empty());
    for path in texts(entry, "envs").chain(env) {
        let lines = root.load(path).and_then(|content| variables(&content));
        pairs.extend(lines.map_err(|problem| problem.within(&format!("env source files: {}", list("envs"))))?);
    }
    for literal in texts(entry, "literals") {
        let (key, value) = literal.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
            let problem = format!("invalid literal source {literal}, expected key=value");
            Problem(problem).within(&format!("literal sources {}", list("literals")))
        })?;
        pairs.push((key.to_string(), unquoted(value).as_bytes().to_vec()));
    }
    for source in texts(entry, "files") {
        let pair = file_source(source).and_then(|(key, path)| Ok((key, root.load(path)?)));
        pairs.push(pair.map_err(|problem| problem.within(&format!("file sources: {}", list("files"))))?);
    }
    Ok(pairs)
}

/// A text without the quotes around it.
fn unquoted(text: &str) -> &str {
    let inner = |mark: char| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// The key and the path of a file.
fn file_source(source: &str) -> Outcome<(String, &str)> {
    let base = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_string();
    match source.split('=').collect::<Vec<_>>()[..] {
        [path] => Ok((base(path), path)),
        ["", path] => {
            Err(Problem(format!("missing key name for file path {} in source {}", quote(path), quote(source))))
        }
        [key, ""] => Err(Problem(format!("missing file path for key name {} in source {}", quote(key), quote(source)))),
        [key, path] => Ok((key.into(), path)),
        _ => Err(Problem(format!("source {} key name or file path contains '='", quote(source)))),
    }
}

/// The variables of a file: `NAME=value` lines, empty ones, and comments.
fn variables(content: &[u8]) -> Outcome<Vec<(String, Vec<u8>)>> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut pairs = Vec::new();
    for line in content.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = str::from_utf8(line) else {
            return Err(Problem(format!("line {line:?} has invalid utf8 bytes : {}", String::from_utf8_lossy(line))));
        };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        if let Some(complaint) = names::plain_env_var_name(name).into_iter().next() {
            return Err(Problem(format!("{} is not a valid key name: {complaint}", quote(name))));
        }
        pairs.push((name.to_string(), value.as_bytes().to_vec()));
    }
    Ok(pairs)
}

/// Puts the hash of their content behind the names of those that want it.
pub(super) fn add_hashes(resources: &mut Resources) {
    for resource in resources.0.iter_mut().filter(|resource| resource.is_hashed) {
        let hash = match resource.object.kind() {
            "Secret" => content_hash::secret(&hashed(&resource.object)),
            _ => content_hash::config_map(&hashed(&resource.object)),
        };
        resource.store_id();
        let name = format!("{}-{hash}", resource.object.name());
        resource.object.put(&["metadata", "name"], name);
    }
}

/// What is hashed: not the name, and data that is missing counts as an empty text.
fn hashed(object: &Value) -> Value {
    let mut object = object.clone();
    object.put(&["metadata", "name"], "");
    if object.get("data").is_none() {
        object.put(&["data"], "");
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_parted() {
        assert_eq!(file_source("a/b.txt").unwrap(), ("b.txt".into(), "a/b.txt"));
        assert_eq!(file_source("k=a/b").unwrap(), ("k".into(), "a/b"));
        for source in ["=a", "a=", "a=b=c"] {
            assert!(file_source(source).is_err(), "{source}");
        }
        assert_eq!(unquoted("'a'"), "a");
        assert_eq!(unquoted("\"a'"), "\"a'");
    }

    #[test]
    fn variables_are_read() {
        let pairs = variables(b"\xef\xbb\xbfA=1\n# no\n\n  B= 2 \r\nC\n").unwrap();
        let pairs: Vec<(&str, &[u8])> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        assert_eq!(pairs, [("A", &b"1"[..]), ("B", b" 2 "), ("C", b"")]);
        assert!(variables(b"1A=2").unwrap_err().0.contains("is not a valid key name"));
    }
}

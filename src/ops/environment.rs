//! Environment variables of containers: how they are written on the command line, changed and listed.

use super::Failure;
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

/// Parts the words that name objects from the variables behind them.
pub fn split(words: &[String]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let is_variable = |word: &String| word.ends_with('-') || word.chars().skip(1).any(|c| c == '=');
    let first = words.iter().position(is_variable).unwrap_or(words.len());
    if !words[first..].iter().all(is_variable) {
        return Err(Failure::message(format!(
            "all resources must be specified before environment changes: {}",
            words.join(" ")
        )));
    }
    Ok((words[..first].to_vec(), words[first..].to_vec()))
}

/// What becomes of a container's variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Variables to set.
    pub set: Vec<Value>,
    /// Names of variables that go.
    pub remove: Vec<String>,
}

impl Changes {
    /// Reads `KEY=value` and `KEY-`; `-` stands for the lines of standard input, which `stdin` reads.
    pub fn read(texts: &[String], stdin: &mut dyn FnMut() -> Result<Vec<u8>, Failure>) -> Result<Self, Failure> {
        let mut changes = Self::default();
        let mut given: Vec<&str> = Vec::new();
        for text in texts {
            if text == "-" {
                changes.set.extend(lines(&String::from_utf8_lossy(&stdin()?)));
            } else if let Some((name, value)) = text.split_once('=') {
                let complaints = names::plain_env_var_name(name);
                if !complaints.is_empty() {
                    let complaints = complaints.join(";");
                    return Err(Failure::message(format!("{name:?} is not a valid key name: {complaints}")));
                }
                given.push(name);
                changes.set.push(json!({"name": name, "value": value}));
            } else if let Some(name) = text.strip_suffix('-') {
                changes.remove.push(name.into());
            } else {
                return Err(Failure::message(format!("unknown environment variable: {text}")));
            }
        }
        if changes.remove.iter().any(|name| given.contains(&name.as_str())) {
            return Err(Failure::message(
                "can not both modify and remove the same environment variable in the same command",
            ));
        }
        Ok(changes)
    }

    /// Puts a text before the names of the variables that are set.
    pub fn prefix(&mut self, prefix: &str) {
        for variable in &mut self.set {
            let name = format!("{prefix}{}", variable.text(&["name"]));
            variable.put(&["name"], name);
        }
    }

    /// Refuses to change a variable that has another value already.
    pub fn check(&self, container: &Value) -> Result<(), String> {
        let known = container.items_at(&["env"]);
        for new in &self.set {
            let name = new.text(&["name"]);
            let Some(old) = known.iter().find(|old| old.text(&["name"]) == name) else { continue };
            let value = old.text(&["value"]);
            if value != new.text(&["value"]) {
                return Err(format!("'{name}' already has a value ({value}), and --overwrite is false"));
            }
        }
        Ok(())
    }

    /// Changes a container's variables. A variable that is set takes the place of the first of that name, others of
    /// that name go; what is both set and taken away goes.
    pub fn apply(&self, container: &mut Value) {
        let mut done: Vec<&str> = self.remove.iter().map(String::as_str).collect();
        let mut kept: Vec<Value> = Vec::new();
        for old in container.items_at(&["env"]) {
            let name = old.text(&["name"]);
            if done.contains(&name) {
                continue;
            }
            match self.set.iter().find(|new| new.text(&["name"]) == name) {
                Some(new) => {
                    done.push(new.text(&["name"]));
                    kept.push(new.clone());
                }
                None => kept.push(old.clone()),
            }
        }
        for new in &self.set {
            let name = new.text(&["name"]);
            if !done.contains(&name) {
                done.push(name);
                kept.push(new.clone());
            }
        }
        container.put(&["env"], kept);
    }
}

/// The variables in lines of text; what follows a `#` does not count, nor do lines without `=`.
fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

/// A key of a config map or secret as the name of a variable.
pub fn name_of_key(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// A variable for each key of a config map or secret, or for those of `keys` when there are any; and which keys could
/// not be the names of their variables.
pub fn from_object(object: &Object, keys: &[String]) -> Result<(Vec<Value>, Vec<String>), Failure> {
    let reference = match (object.api_version(), object.kind()) {
        ("v1", "Secret") => "secretKeyRef",
        ("v1", "ConfigMap") => "configMapKeyRef",
        _ => return Err(Failure::message("unsupported resource specified in --from")),
    };
    let mut changed = Vec::new();
    let wanted = |key: &&String| keys.is_empty() || keys.contains(key);
    let variables = object.map_at(&["data"]).into_iter().flatten().map(|(key, _)| key).filter(wanted).map(|key| {
        let name = name_of_key(key);
        if name != *key {
            changed.push(format!("key {key} transferred to {name}"));
        }
        json!({"name": name, "valueFrom": {reference: {"name": object.name(), "key": key}}})
    });
    Ok((variables.collect(), changed))
}

/// Where a variable's value is from, in words.
pub fn origin(variable: &Value) -> String {
    let part = |kind: &str, field: &str| variable.text(&["valueFrom", kind, field]).to_string();
    let has = |kind: &str| variable.at(&["valueFrom", kind]).is_some();
    match () {
        () if has("configMapKeyRef") => {
            format!("configmap {}, key {}", part("configMapKeyRef", "name"), part("configMapKeyRef", "key"))
        }
        () if has("secretKeyRef") => {
            format!("secret {}, key {}", part("secretKeyRef", "name"), part("secretKeyRef", "key"))
        }
        () if has("fieldRef") => format!("field path {}", part("fieldRef", "fieldPath")),
        () if has("resourceFieldRef") => {
            let container = part("resourceFieldRef", "containerName");
            let container = if container.is_empty() { container } else { format!("{container}/") };
            format!("resource field {container}{}", part("resourceFieldRef", "resource"))
        }
        () => "invalid valueFrom".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    fn read(text: &str) -> Result<Changes, Failure> {
        Changes::read(&list(text), &mut || Ok(b"A=1\n#x=y\nB=2#c\nC\n".to_vec()))
    }

    #[test]
    fn variables_come_behind_objects() {
        assert_eq!(split(&list("deploy/d A=1 B-")).unwrap(), (list("deploy/d"), list("A=1 B-")));
        assert_eq!(split(&list("=1 -")).unwrap(), (list("=1"), list("-")));
        assert!(split(&list("A=1 B")).is_err());
    }

    #[test]
    fn texts_are_read() {
        let changes = read("X=a=b - Y-").unwrap();
        assert_eq!(
            changes.set,
            [
                json!({"name": "X", "value": "a=b"}),
                json!({"name": "A", "value": "1"}),
                json!({"name": "B", "value": "2"})
            ]
        );
        assert_eq!(changes.remove, ["Y"]);
        for bad in ["1A=1", "A", "A=1 A-", "=1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn variables_change() {
        let mut container =
            json!({"env": [{"name": "X", "value": "1"}, {"name": "Y"}, {"name": "X", "value": "2"}, {"name": "Z"}]});
        assert!(read("X=2").unwrap().check(&container).unwrap_err().starts_with("'X' already has a value (1)"));
        read("X=9 N=1 Y-").unwrap().apply(&mut container);
        assert_eq!(container["env"], json!([{"name": "X", "value": "9"}, {"name": "Z"}, {"name": "N", "value": "1"}]));
    }

    #[test]
    fn keys_become_variables() {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a.b": "1", "K": "2"}});
        let (variables, changed) = from_object(&object, &[]).unwrap();
        assert_eq!(variables[1], json!({"name": "A_B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a.b"}}}));
        assert_eq!(
            (origin(&variables[1]), changed),
            ("configmap c, key a.b".to_string(), list_of("key a.b transferred to A_B"))
        );
        assert_eq!(from_object(&object, &list("K")).unwrap().0.len(), 1);
        assert!(from_object(&json!({"apiVersion": "v1", "kind": "Pod"}), &[]).is_err());
    }

    fn list_of(text: &str) -> Vec<String> {
        vec![text.to_string()]
    }
}

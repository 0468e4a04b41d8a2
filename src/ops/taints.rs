//! Taints of nodes: `key=value:effect` words, and what they make of the taints that are there.

use super::Failure;
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

/// One taint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; may be empty.
    pub value: String,
    /// What it does; empty for all effects, where taints are taken away.
    pub effect: String,
}

/// The taints to put on nodes, and those to take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taints {
    /// To put on.
    pub add: Vec<Taint>,
    /// To take away.
    pub remove: Vec<Taint>,
}

/// Parts the words that name nodes from the taints behind them.
pub fn split(words: &[String]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let is_taint = |word: &str| word.contains(['=', ':']) || word.ends_with('-');
    let first = words.iter().position(|word| is_taint(word)).unwrap_or(words.len());
    match words[first..].iter().find(|word| !is_taint(word)) {
        Some(late) => Err(Failure::message(format!("all resources must be specified before taint changes: {late}"))),
        None => Ok((words[..first].to_vec(), words[first..].to_vec())),
    }
}

impl Taint {
    fn read(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid taint spec: {text}");
        let because = |complaints: Vec<String>| match complaints.is_empty() {
            true => Ok(()),
            false => Err(format!("{}, {}", invalid(), complaints.join("; "))),
        };
        let (key, value, effect) = match text.split(':').collect::<Vec<_>>()[..] {
            [key] => (key, "", ""),
            [pair, effect] => {
                if !matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
                    return Err(format!("invalid taint effect: {effect}, unsupported taint effect"));
                }
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                if value.contains('=') {
                    return Err(invalid());
                }
                because(names::label_value(value))?;
                (key, value, effect)
            }
            _ => return Err(invalid()),
        };
        because(names::qualified_name(key))?;
        Ok(Taint { key: key.into(), value: value.into(), effect: effect.into() })
    }

    /// Whether it has the key and effect of a taint on a node.
    fn is_like(&self, taint: &Value) -> bool {
        self.key == taint.text(&["key"]) && self.effect == taint.text(&["effect"])
    }

    /// As words of the user.
    fn words(&self) -> String {
        match (self.value.as_str(), self.effect.as_str()) {
            ("", "") => self.key.clone(),
            ("", effect) => format!("{}:{effect}", self.key),
            (value, effect) => format!("{}={value}:{effect}", self.key),
        }
    }
}

impl Taints {
    /// Reads the words.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(words: &[String]) -> Result<Self, String> {
        let mut taints = Taints::default();
        for word in words {
            if let Some(word) = word.strip_suffix('-') {
                taints.remove.push(Taint { value: String::new(), ..Taint::read(word)? });
                continue;
            }
            let taint = Taint::read(word)?;
            if taint.effect.is_empty() {
                return Err(format!("invalid taint spec: {word}"));
            }
            if taints.add.iter().any(|known| (&known.key, &known.effect) == (&taint.key, &taint.effect)) {
                let Taint { key, value, effect } = taint;
                return Err(format!(
                    "duplicated taints with the same key and effect: {{{key} {value} {effect} <nil>}}"
                ));
            }
            taints.add.push(taint);
        }
        Ok(taints)
    }

    /// Refuses taints that are both put on and taken away.
    pub fn check(&self) -> Result<(), Failure> {
        let both = |add: &Taint, remove: &Taint| {
            add.key == remove.key && (remove.effect.is_empty() || add.effect == remove.effect)
        };
        let removed = self.add.iter().flat_map(|add| self.remove.iter().filter(move |remove| both(add, remove)));
        let twice: Vec<String> = removed.map(|remove| format!("{}={}", remove.key, remove.effect)).collect();
        match twice.is_empty() {
            true => Ok(()),
            false => Err(Failure::message(format!(
                "can not both modify and remove the following taint(s) in the same command: {}",
                twice.join(", ")
            ))),
        }
    }

    /// Changes a node's taints. The result is a word for what was done.
    pub fn apply(&self, node: &mut Object, overwrite: bool) -> Result<&'static str, Failure> {
        let old = node.items_at(&["spec", "taints"]).to_vec();
        if !overwrite {
            let again = self.add.iter().flat_map(|add| old.iter().filter(|taint| add.is_like(taint)));
            let again: Vec<&str> = again.map(|taint| taint.text(&["key"])).collect();
            if !again.is_empty() {
                return Err(Failure::message(format!(
                    "node {} already has {} taint(s) with same effect(s) and --overwrite is false",
                    node.name(),
                    again.join(",")
                )));
            }
        }
        let as_object = |taint: &Taint| match taint.value.as_str() {
            "" => json!({"key": taint.key, "effect": taint.effect}),
            value => json!({"key": taint.key, "value": value, "effect": taint.effect}),
        };
        let mut taints: Vec<Value> = self.add.iter().map(as_object).collect();
        taints.extend(old.iter().filter(|taint| !self.add.iter().any(|add| add.is_like(taint))).cloned());
        let is_added = taints.len() != old.len();
        let mut is_removed = false;
        let mut failures = Vec::new();
        for remove in &self.remove {
            let before = taints.len();
            taints.retain(|taint| match remove.effect.as_str() {
                "" => taint.text(&["key"]) != remove.key,
                _ => !remove.is_like(taint),
            });
            is_removed = taints.len() != before;
            if !is_removed {
                failures.push(Failure::message(format!("taint {:?} not found", remove.words())));
            }
        }
        Failure::collect(failures)?;
        node.put(&["spec", "taints"], taints);
        Ok(match (is_added, is_removed) {
            _ if overwrite => "modified",
            (true, true) => "modified",
            (true, false) => "tainted",
            (false, _) => "untainted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Taints, String> {
        Taints::read(&words.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_read() {
        let taint = |key: &str, value: &str, effect: &str| Taint {
            key: key.into(),
            value: value.into(),
            effect: effect.into(),
        };
        let taints = read("a=b:NoSchedule a:NoExecute x.y/z:PreferNoSchedule c- d:NoExecute- e=f:NoExecute-").unwrap();
        assert_eq!(
            taints.add,
            [taint("a", "b", "NoSchedule"), taint("a", "", "NoExecute"), taint("x.y/z", "", "PreferNoSchedule")]
        );
        assert_eq!(taints.remove, [taint("c", "", ""), taint("d", "", "NoExecute"), taint("e", "", "NoExecute")]);
        for (words, problem) in [
            ("a=b", "invalid taint spec: a=b, name part must consist of"),
            ("a", "invalid taint spec: a"),
            ("a:b:c", "invalid taint spec: a:b:c"),
            ("a=b=c:NoSchedule", "invalid taint spec: a=b=c:NoSchedule"),
            ("a=-:NoSchedule", "invalid taint spec: a=-:NoSchedule, a valid label must be"),
            ("a:Bogus", "invalid taint effect: Bogus, unsupported taint effect"),
            ("a=1:NoSchedule a=2:NoSchedule", "duplicated taints with the same key and effect: {a 2 NoSchedule <nil>}"),
        ] {
            let said = read(words).unwrap_err();
            assert!(said.starts_with(problem), "{words}: {said}");
        }
    }

    #[test]
    fn nodes_come_before_taints() {
        let words = |line: &str| line.split(' ').map(String::from).collect::<Vec<_>>();
        assert_eq!(split(&words("nodes n a=b:NoSchedule c-")).unwrap(), (words("nodes n"), words("a=b:NoSchedule c-")));
        assert!(split(&words("nodes c- n")).unwrap_err().words().ends_with("taint changes: n"));
    }

    #[test]
    fn nothing_is_both_added_and_removed() {
        assert!(read("a:NoSchedule a:NoExecute-").unwrap().check().is_ok());
        let said = read("a:NoSchedule a- b:NoExecute b:NoExecute-").unwrap().check().unwrap_err().words();
        assert!(said.ends_with("in the same command: a=, b=NoExecute"), "{said}");
    }

    #[test]
    fn taints_of_nodes_change() {
        let node = || {
            json!({"metadata": {"name": "n"}, "spec": {"taints": [
                {"key": "a", "value": "1", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}]}})
        };
        for (words, overwrite, outcome, left) in [
            ("b:NoSchedule", false, "tainted", "b a a"),
            ("b:NoSchedule a:NoExecute-", false, "modified", "b a"),
            ("a-", false, "untainted", ""),
            ("a=2:NoSchedule", true, "modified", "a a"),
            ("a=2:NoSchedule", false, "node n already has a taint(s) with same effect(s) and --overwrite is false", ""),
            ("x:NoExecute- y-", false, "[taint \"x:NoExecute\" not found, taint \"y\" not found]", ""),
        ] {
            let mut node = node();
            match read(words).unwrap().apply(&mut node, overwrite) {
                Ok(operation) => {
                    let keys: Vec<&str> = node.items_at(&["spec", "taints"]).iter().map(|t| t.text(&["key"])).collect();
                    assert_eq!((operation, keys.join(" ").as_str()), (outcome, left), "{words}");
                }
                Err(failure) => assert_eq!(failure.words(), outcome, "{words}"),
            }
        }
    }
}

//! Which objects a command's words and flags mean: `pods`, `pods web-1 web-2`, `pods,services`, `pod/web-1 svc/web`,
//! `-f`, `-l`. Pure; what the types are called on the server is asked later.

use super::Failure;
use crate::manifest::Sources;

/// What is said when no object is named and one is needed.
pub const NOTHING_NAMED: &str = "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/// The objects that are meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Those in these files.
    Files(Sources),
    /// Those of these types that the selectors match; all when they are empty.
    Types(Vec<String>),
    /// Those with these names, each with its type.
    Names {
        /// Types and names, in the order in which they were given.
        pairs: Vec<(String, String)>,
        /// Whether the pairs stand for themselves, as `type/name` words do: their types are no categories.
        combined: bool,
    },
}

impl Targets {
    /// The objects with these names; a name may bring its own type: `type/name`.
    pub fn named(kind: &str, names: &[String]) -> Result<Self, Failure> {
        let pair = |name: &String| match name.contains('/') {
            true => pair(name),
            false => Ok((kind.to_string(), name.clone())),
        };
        Ok(Targets::Names { pairs: names.iter().map(pair).collect::<Result<_, _>>()?, combined: true })
    }
}

/// The words and flags that say which objects are meant.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The words that are no flags.
    pub words: Vec<String>,
    /// `-f`, `-k`, `-R`.
    pub sources: Sources,
    /// `-l`.
    pub labels: String,
    /// `--field-selector`.
    pub fields: String,
    /// `--all`.
    pub all: bool,
    /// `-A`.
    pub all_namespaces: bool,
    /// Whether a type alone means all of its objects.
    pub type_means_all: bool,
}

impl Selection {
    /// Says which objects are meant; `program` is the name to say in messages. None when nothing is named.
    pub fn targets(&self, program: &str) -> Result<Option<Targets>, Failure> {
        let selecting = !self.labels.is_empty() || !self.fields.is_empty();
        if self.all && selecting {
            return fail("setting 'all' parameter but found a non empty selector. ");
        }
        let words = crossed(&self.words);
        let pairs = combined(&words, program)?;
        if !self.sources.is_empty() {
            return match (pairs, words.len()) {
                (Some(_), _) => fail("resource/name arguments cannot be provided when a path is specified"),
                (None, 0) => Ok(Some(Targets::Files(self.sources.clone()))),
                _ => fail(
                    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
                ),
            };
        }
        if let Some(pairs) = pairs {
            if selecting || self.all {
                return fail("selectors and the all flag cannot be used when passing resource/name arguments");
            }
            return Ok(Some(Targets::Names { pairs, combined: true }));
        }
        let Some((types, names)) = words.split_first() else {
            return match selecting || self.all {
                true => fail("at least one resource must be specified to use a selector"),
                false => Ok(None),
            };
        };
        let types = split_unique(types);
        if !names.is_empty() {
            if selecting || self.all {
                return fail("name cannot be provided when a selector is specified");
            }
            let kind = types.first().cloned().unwrap_or_default();
            let pairs = names.iter().map(|name| (kind.clone(), name.clone())).collect();
            return Ok(Some(Targets::Names { pairs, combined: false }));
        }
        Ok(Some(Targets::Types(types)))
    }

    /// Whether types without names are enough here.
    pub fn takes_types(&self) -> bool {
        self.type_means_all || self.all || !self.labels.is_empty() || !self.fields.is_empty()
    }
}

fn fail<T>(message: &str) -> Result<T, Failure> {
    Err(Failure::message(message))
}

/// `a,b c d` means a/c, a/d, b/c, b/d.
fn crossed(words: &[String]) -> Vec<String> {
    if let [types, names @ ..] = words
        && !names.is_empty()
    {
        let types = split_unique(types);
        if types.len() > 1 {
            return types.iter().flat_map(|t| names.iter().map(move |name| format!("{t}/{name}"))).collect();
        }
    }
    words.to_vec()
}

/// The pairs of `type/name` words; none when no word has a slash.
fn combined(words: &[String], program: &str) -> Result<Option<Vec<(String, String)>>, Failure> {
    let slashes = words.iter().filter(|word| word.contains('/')).count();
    if slashes == 0 {
        return Ok(None);
    }
    if slashes != words.len() {
        return Err(Failure::message(format!(
            "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. '{program} get resource/<resource_name>' instead of '{program} get resource resource/<resource_name>'"
        )));
    }
    words.iter().map(|word| pair(word)).collect::<Result<_, _>>().map(Some)
}

/// The type and the name of a `type/name` word.
fn pair(word: &str) -> Result<(String, String), Failure> {
    match word.split('/').collect::<Vec<_>>()[..] {
        [kind, name] if !kind.is_empty() && !name.is_empty() && !kind.contains(',') => {
            Ok((kind.to_string(), name.to_string()))
        }
        [_, _] => fail("arguments in resource/name form must have a single resource and name"),
        _ => fail("arguments in resource/name form may not have more than one slash"),
    }
}

/// The parts between commas, each once, in order.
fn split_unique(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(',') {
        if !parts.iter().any(|known| known == part) {
            parts.push(part.to_string());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Selection {
        Selection { words: text.split_whitespace().map(String::from).collect(), ..Selection::default() }
    }

    fn names(pairs: &[(&str, &str)], combined: bool) -> Option<Targets> {
        let pairs = pairs.iter().map(|(t, n)| (t.to_string(), n.to_string())).collect();
        Some(Targets::Names { pairs, combined })
    }

    #[test]
    fn words_mean_types_or_names() {
        for (text, targets) in [
            ("", None),
            ("pods", Some(Targets::Types(vec!["pods".into()]))),
            ("pods,svc,pods", Some(Targets::Types(vec!["pods".into(), "svc".into()]))),
            ("pods a b", names(&[("pods", "a"), ("pods", "b")], false)),
            ("pods,svc a", names(&[("pods", "a"), ("svc", "a")], true)),
            ("pod/a svc/b", names(&[("pod", "a"), ("svc", "b")], true)),
        ] {
            assert_eq!(words(text).targets("kubectl").unwrap(), targets, "{text}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let labelled = |text: &str| Selection { labels: "a=b".into(), ..words(text) };
        for (selection, part) in [
            (words("pods pod/a"), "there is no need to specify"),
            (words("pod/a/b"), "more than one slash"),
            (words("pod/"), "a single resource and name"),
            (labelled("pods a"), "name cannot be provided"),
            (labelled("pod/a"), "selectors and the all flag"),
            (labelled(""), "at least one resource"),
            (Selection { all: true, ..labelled("pods") }, "setting 'all'"),
        ] {
            let failure = selection.targets("kubectl").unwrap_err();
            assert!(format!("{failure:?}").contains(part), "{failure:?}");
        }
    }
}

//! Manifests before the rules of the bundled server.

use super::Trial;
use super::pointer::Pages;
use crate::api::{GroupVersionKind, Object, ObjectExt};
use crate::apiserver::offline::{Complaint, Known, Offline, Verdict};
use crate::apiserver::options::FieldValidation;
use crate::apiserver::registry::Served;
use crate::apiserver::version;
use crate::client::{MapError, Mapping};
use crate::commands::manifests::{inputs, selector};
use crate::commands::{Context, Failure};
use crate::manifest::{Check, Fault, Input, Item, items};
use crate::ops::infos::Info;
use crate::ops::options::Validation;

/// A file, folder or stream, and what is in it.
struct Source {
    name: String,
    text: Vec<u8>,
    /// Whether the text is what a kustomization is built to.
    built: bool,
    items: Vec<Result<Item, Fault>>,
    /// Why it could not be read.
    failure: Option<Failure>,
}

/// Judges the objects one after the other. `prepare` makes of each what would be sent, `done` gets those that nothing is
/// wrong with. What is wrong with one hides nothing of the others.
pub fn run(
    trial: &Trial,
    cx: &mut Context,
    prepare: impl Fn(&Info) -> Result<Object, Failure>,
    mut done: impl FnMut(&mut Context, Object) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let selector = selector(trial.labels)?;
    let sources = read(trial, cx)?;
    let (namespace, enforced) = cx.namespace_offline()?;
    let mut rules = Offline::new();
    rules.define(sources.iter().flat_map(|source| &source.items).flatten().map(|item| &item.object));
    let mut court = Court { trial, rules, namespace, enforced, elsewhere: Vec::new(), said: Said::default() };
    let mut tried = 0;
    for Source { name, text, built, items, failure } in sources {
        court.said.errors.extend(failure.map(|failure| failure.words()));
        let pages = Pages::new(&name, &text, built);
        for item in items {
            match item {
                Err(Fault { error, place }) => {
                    court.said.errors.push(pages.pointed(&place, "", &error.to_string()));
                }
                Ok(item) if !selector.as_ref().is_none_or(|s| s.matches(|key| item.object.label(key))) => {}
                Ok(item) => {
                    tried += 1;
                    if let Some(object) = court.try_one(&name, item, &pages, &prepare) {
                        done(cx, object)?;
                    }
                }
            }
        }
    }
    let Court { said, elsewhere, .. } = court;
    if tried == 0 && said.errors.is_empty() && !trial.nothing.is_empty() {
        return Err(Failure::message(trial.nothing));
    }
    said.warnings.iter().for_each(|warning| cx.warn_as_server(warning));
    for kind in elsewhere {
        let (kind, version) = (&kind.kind, kind.api_version());
        cx.complain(&format!(
            "Not checked: {kind} of {version}, which is neither built in nor defined in the input.\n"
        ));
    }
    if tried > 0 {
        cx.complain(&note(trial.unknown));
    }
    said.verdict()
}

/// What no dry run without a server can tell.
fn note(unknown: &str) -> String {
    let (major, minor) = (version::MAJOR, version::MINOR);
    format!(
        "Checked without a server, by the rules of Kubernetes {major}.{minor}. \
         Not checked: {unknown}, what it refers to, permissions, quotas and other admission.\n"
    )
}

fn strictness(validation: Validation) -> FieldValidation {
    match validation {
        Validation::Strict => FieldValidation::Strict,
        Validation::Warn => FieldValidation::Warn,
        Validation::Ignore => FieldValidation::Ignore,
    }
}

/// Reads all sources.
fn read(trial: &Trial, cx: &mut Context) -> Result<Vec<Source>, Failure> {
    let inputs = inputs(trial.sources)?;
    if let Some(Input::Url(url)) = inputs.iter().find(|input| matches!(input, Input::Url(_))) {
        return Err(Failure::message(format!("--offline reads nothing from the network; download {url} before")));
    }
    let check = if trial.validation == Validation::Ignore { Check::No } else { Check::Each };
    let runtime = cx.runtime()?;
    let read = |input: Input| {
        let (text, failure) = match runtime.block_on(cx.read_input(&input)) {
            Ok(text) => (text, None),
            Err(failure) => (Vec::new(), Some(failure)),
        };
        let name = input.name().to_owned();
        let items = items(&name, &text, check);
        Source { name, text, built: matches!(input, Input::Kustomization(_)), items, failure }
    };
    Ok(inputs.into_iter().map(read).collect())
}

/// The rules, and what they have brought to light.
struct Court<'a> {
    trial: &'a Trial<'a>,
    rules: Offline,
    namespace: String,
    enforced: bool,
    /// The kinds that cannot be judged here, each once.
    elsewhere: Vec<GroupVersionKind>,
    said: Said,
}

impl Court<'_> {
    /// Tries an object; gives it as it would be sent when nothing is wrong with it.
    fn try_one(
        &mut self,
        source: &str,
        item: Item,
        pages: &Pages,
        prepare: &impl Fn(&Info) -> Result<Object, Failure>,
    ) -> Option<Object> {
        let kind = item.object.group_version_kind();
        let (has_doubled, place) = (item.has_doubled, item.place.clone());
        let fault = |failure: Failure| (failure.words(), String::new());
        let info = match self.rules.known(&kind) {
            Known::Resource(served) => self.placed(item, &served).map(|info| (info, Some(served))).map_err(fault),
            Known::Elsewhere => {
                let enforced = self.enforced.then_some(self.namespace.as_str());
                Info::local(item, enforced).map(|info| (info, None)).map_err(fault)
            }
            Known::Absent => Err((unmapped(&item.object, source, kind.clone()), "kind".to_owned())),
        };
        let found = info.and_then(|(info, served)| prepare(&info).map(|object| (info, object, served)).map_err(fault));
        let (info, object, served) = match found {
            Ok(found) => found,
            Err((text, field)) => {
                self.said.errors.push(pages.pointed(&place, &field, &text));
                return None;
            }
        };
        let Some(served) = served else {
            if !self.elsewhere.contains(&kind) {
                self.elsewhere.push(kind);
            }
            return Some(object);
        };
        let doubled = if has_doubled { pages.doubled(&place) } else { Vec::new() };
        let validation = strictness(self.trial.validation);
        let Verdict { complaints, warnings } =
            self.rules.check(&served, &object, &info.namespace, &doubled, validation);
        for Complaint { field, text } in warnings {
            self.said.warnings.push(pages.pointed(&place, &field, &text));
        }
        let refused = !complaints.is_empty();
        for Complaint { field, text } in complaints {
            let text = format!("error when {} {source:?}: {text}", self.trial.doing);
            self.said.errors.push(pages.pointed(&place, &field, &text));
        }
        (!refused).then_some(object)
    }

    fn placed(&self, item: Item, served: &Served) -> Result<Info, Failure> {
        let mapping = Mapping {
            gvr: served.info.group_version_resource(),
            gvk: served.kind.clone(),
            namespaced: served.info.namespaced(),
            ..Mapping::default()
        };
        let info = Info::within(item, mapping, &self.namespace);
        if self.enforced { info.required_in(&self.namespace) } else { Ok(info) }
    }
}

/// What is said of an object whose kind there is not.
fn unmapped(object: &Object, source: &str, kind: GroupVersionKind) -> String {
    let (name, namespace) = (object.name(), object.namespace());
    let problem = MapError::Kind(kind);
    format!("resource mapping not found for name: {name:?} namespace: {namespace:?} from {source:?}: {problem}")
}

/// What is wrong or odd, in the order of the input.
#[derive(Default)]
struct Said {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Said {
    /// All errors, each with its line.
    fn verdict(self) -> Result<(), Failure> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Failure::Plain(self.errors.iter().map(|text| format!("error: {text}\n")).collect()))
    }
}

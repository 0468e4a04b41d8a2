//! The objects that a command works on: chosen by words, files and selectors, read from the server or only from
//! files, and worked on side by side.

use super::flags::Flags;
use super::manifests::{self, Reading};
use super::{Context, Failure, interrupted};
use crate::api::{Object, ObjectExt, Value};
use crate::client::Mapping;
use crate::expr::selector::{LabelSelector, parse_labels};
use crate::manifest::{self, Sources};
use crate::ops::faults::{Fault, Faults, apart, of_first_document};
use crate::ops::infos::Info;
use crate::ops::lists::{self, Query};
use crate::ops::options::DryRun;
use crate::ops::targets::{NOTHING_NAMED, Selection, Targets};
use crate::ops::{Cluster, edit, find, waves};
use clap::ArgMatches;
use std::cell::Cell;

/// Which objects a command works on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// What is named.
    pub targets: Option<Targets>,
    /// `-l`.
    pub labels: String,
    /// `--field-selector`.
    pub fields: String,
    /// `-A`.
    pub all_namespaces: bool,
    /// Whether types without names are enough.
    pub takes_types: bool,
    /// The subresource that is worked on; empty for the object itself.
    pub subresource: String,
    /// Whether objects that files name are read from the server.
    pub latest: bool,
    /// Whether all is done here, without a server.
    pub local: bool,
    /// Whether objects in files are decoded into the Go types of their kinds.
    pub typed: bool,
    /// Whether the command knows of no namespace: it is about what belongs to the cluster.
    pub homeless: bool,
}

/// What the flags say about which objects are meant: `-l`, `--field-selector`, `-A`.
pub fn selection(matches: &ArgMatches) -> Selection {
    Selection {
        labels: matches.text("selector").into(),
        fields: matches.text("field-selector").into(),
        all_namespaces: matches.on("all-namespaces"),
        ..Selection::default()
    }
}

/// The entries of an object's map, a line each; with the object's name above them unless it is the only one.
pub fn listing(what: &str, object: &Object, path: &[&str], single: bool) -> String {
    let mut text = String::new();
    let indent = if single { "" } else { " " };
    if !single {
        let kind = object.group_version_kind();
        text.push_str(&format!("Listing {what} for {}.{}/{}:\n", kind.kind, kind.group, object.name()));
    }
    for (key, value) in object.map_at(path).into_iter().flatten() {
        text.push_str(&format!("{indent}{key}={}\n", value.as_str().unwrap_or_default()));
    }
    text
}

impl Wanted {
    /// What a selection means; `program` is the name to say in messages.
    pub fn new(selection: &Selection, program: &str) -> Result<Self, Failure> {
        Ok(Wanted {
            targets: selection.targets(program)?,
            labels: selection.labels.clone(),
            fields: selection.fields.clone(),
            all_namespaces: selection.all_namespaces,
            takes_types: selection.takes_types(),
            ..Wanted::default()
        })
    }

    /// Has objects that files name read from the server.
    pub fn latest(self) -> Self {
        Wanted { latest: true, ..self }
    }

    /// Has objects in files decoded into the Go types of their kinds.
    pub fn typed(self) -> Self {
        Wanted { typed: true, ..self }
    }

    /// The objects in files, without a server.
    pub fn local(sources: Sources) -> Self {
        let targets = (!sources.is_empty()).then_some(Targets::Files(sources));
        Wanted { targets, local: true, ..Wanted::default() }
    }
}

/// The objects that were found. Those that a server has are read when it is their turn.
pub struct Selected {
    items: Vec<Result<Info, Fault>>,
    cluster: Option<Cluster>,
    keep: Option<LabelSelector>,
    subresource: String,
    /// Whether exactly one object was named, so that what is said of it needs no name.
    pub single: bool,
}

impl Context {
    /// Finds the objects.
    pub fn select(&mut self, wanted: &Wanted) -> Result<Selected, Failure> {
        let targets = wanted.targets.as_ref().ok_or_else(|| Failure::message(NOTHING_NAMED))?;
        let single = match targets {
            Targets::Files(sources) => sources.is_one_file(),
            Targets::Types(_) => false,
            Targets::Names { pairs, .. } => pairs.len() == 1,
        };
        let (mut items, cluster) = match targets {
            Targets::Files(sources) if wanted.local => (self.local_infos(sources, wanted.typed)?, None),
            _ => {
                let mut cluster = self.cluster()?;
                if wanted.homeless {
                    cluster.namespace.clear();
                    cluster.enforced = false;
                }
                let runtime = self.runtime()?;
                (runtime.block_on(self.found(&cluster, targets, wanted))?, Some(cluster))
            }
        };
        let mut keep = None;
        if wanted.latest && matches!(targets, Targets::Files(_)) {
            if !wanted.labels.is_empty() {
                keep = Some(parse_labels(&wanted.labels).map_err(|error| Failure::message(error.to_string()))?);
            }
            for info in items.iter_mut().flatten().filter(|info| !info.name.is_empty()) {
                info.object = Value::Null;
            }
        }
        Ok(Selected { items, cluster, keep, subresource: wanted.subresource.clone(), single })
    }

    async fn found(
        &mut self,
        cluster: &Cluster,
        targets: &Targets,
        wanted: &Wanted,
    ) -> Result<Vec<Result<Info, Fault>>, Failure> {
        match targets {
            Targets::Files(sources) => {
                let reading = Reading { typed: wanted.typed, ..Reading::default() };
                // An object of another namespace is refused after it was read, if it is there at all.
                let infos = match wanted.latest {
                    true => self.infos(&cluster.unenforced(), sources, reading).await?,
                    false => self.infos(cluster, sources, Reading { labels: &wanted.labels, ..reading }).await?,
                };
                let placed = |info: Info| match is_lost(&info) {
                    true => {
                        let (resource, name) = (&info.mapping.gvr, &info.name);
                        let lost = Failure::message(format!("no namespace set on resource {resource} {name:?}"));
                        Err(Fault::unread(info.list_place(), lost))
                    }
                    false => Ok(info),
                };
                Ok(infos.into_iter().map(|info| info.and_then(placed)).collect())
            }
            Targets::Names { pairs, combined } => {
                let infos = find::named(cluster, pairs, *combined, wanted.all_namespaces).await?;
                if infos.iter().any(is_lost) {
                    return Err(Failure::message("namespace may not be empty when retrieving a resource by name"));
                }
                Ok(infos.into_iter().map(Ok).collect())
            }
            Targets::Types(types) => {
                let mappings = find::types(cluster, types).await?;
                if !wanted.takes_types {
                    return Err(Failure::message("resource(s) were provided, but no name was specified"));
                }
                if !wanted.subresource.is_empty() {
                    return Err(Failure::message("subresource cannot be used when bulk resources are specified"));
                }
                let namespace = if wanted.all_namespaces { "" } else { cluster.namespace.as_str() };
                let mut items = Vec::new();
                for mapping in mappings {
                    listed(cluster, &mapping, namespace, wanted, &mut items).await;
                }
                Ok(items)
            }
        }
    }

    /// The objects in files, as far as that can be said without a server.
    fn local_infos(&mut self, sources: &Sources, typed: bool) -> Result<Vec<Result<Info, Fault>>, Failure> {
        let enforced = self.enforced_namespace().map(String::from);
        let runtime = self.runtime()?;
        let mut items = runtime.block_on(self.items(sources, manifest::Check::No))?;
        if typed {
            items = manifests::typed(items);
        }
        let info = |item| Info::local(item, enforced.as_deref()).map_err(Fault::own);
        Ok(items.into_iter().map(|item| item.and_then(info)).collect())
    }
}

/// The objects that `label` and `annotate` are to change: those of `words`, or of the files alone with `--local`.
/// `example` is the file that the complaints show.
pub fn wanted(
    matches: &ArgMatches,
    program: &str,
    words: Vec<String>,
    dry_run: DryRun,
    example: &str,
) -> Result<Wanted, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let (all, local) = (matches.on("all"), matches.on("local"));
    let sources = super::sources(matches)?;
    match () {
        () if all && !matches.text("selector").is_empty() => fail("cannot set --all and --selector at the same time"),
        () if all && !matches.text("field-selector").is_empty() => {
            fail("cannot set --all and --field-selector at the same time")
        }
        () if !local && words.is_empty() && sources.is_empty() => {
            fail("one or more resources must be specified as <resource> <name> or <resource>/<name>")
        }
        () if !local => {
            let selection = Selection { words, sources, type_means_all: all, ..selection(matches) };
            Ok(Wanted::new(&selection, program)?.latest())
        }
        () if dry_run == DryRun::Server => {
            fail("cannot specify --local and --dry-run=server - did you mean --dry-run=client?")
        }
        () if !words.is_empty() => Err(Failure::message(format!(
            "can only use local files by -f {example}.yaml or --filename={example}.json when --local=true is set"
        ))),
        () if sources.is_empty() => Err(Failure::message(format!(
            "one or more files must be specified as -f {example}.yaml or --filename={example}.json"
        ))),
        () => Ok(Wanted::local(sources)),
    }
}

/// Whether an object lies in a namespace, and nobody has said in which.
fn is_lost(info: &Info) -> bool {
    info.mapping.namespaced && info.namespace.is_empty()
}

/// The objects of a type that the selectors match.
async fn listed(
    cluster: &Cluster,
    mapping: &Mapping,
    namespace: &str,
    wanted: &Wanted,
    items: &mut Vec<Result<Info, Fault>>,
) {
    let query = Query { labels: wanted.labels.clone(), fields: wanted.fields.clone(), chunk: 500, ..Query::default() };
    let end = query.pages(cluster, mapping, namespace, |page| {
        items.extend(lists::items(page).into_iter().map(|object| {
            Ok(Info {
                mapping: mapping.clone(),
                namespace: object.namespace().to_string(),
                name: object.name().to_string(),
                object,
                source: String::new(),
                list: None,
            })
        }));
        Ok(())
    });
    let end = end.await;
    items.extend(end.err().map(|failure| Err(failure.into())));
}

impl Selected {
    /// Whether no object was found, nor anything that is wrong.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Reads all objects, side by side. What cannot be read is in its place among them.
    pub fn results(self, cx: &mut Context) -> Result<Vec<Result<Info, Fault>>, Failure> {
        let Selected { items, cluster, keep, subresource, .. } = self;
        let mut results = Vec::new();
        side_by_side_until(
            cx,
            items.into_iter().map(Ok).collect(),
            |item| item.as_ref().map_or_else(|_| "/".into(), Info::key),
            async |item: Result<Info, Fault>| match item {
                Ok(info) => Ok(latest(cluster.as_ref(), info, keep.as_ref(), &subresource).await.transpose()),
                Err(fault) => Ok(Some(Err(fault))),
            },
            |_, result| {
                results.extend(result);
                Ok(())
            },
            summed_up,
            std::future::pending,
        )?;
        Ok(results)
    }

    /// Reads all objects, side by side: those that are there, and what is wrong with the others.
    ///
    /// # Errors
    /// When none was read: a signal came, or the output is gone.
    pub fn read(self, cx: &mut Context) -> Result<(Vec<Info>, Faults), Failure> {
        self.results(cx).map(apart)
    }

    /// Reads all objects, where nothing is done when one cannot be read.
    ///
    /// # Errors
    /// What is wrong with the first document that anything is wrong with.
    pub fn read_all(self, cx: &mut Context) -> Result<Vec<Info>, Failure> {
        let (infos, faults): (Vec<_>, Vec<_>) = self.results(cx)?.into_iter().partition(Result::is_ok);
        match of_first_document(faults.into_iter().filter_map(Result::err).collect()) {
            Some(failure) => Err(failure),
            None => Ok(infos.into_iter().flatten().collect()),
        }
    }

    /// Reads all objects as the Go types of their kinds hold them. None is worked on when one cannot be read.
    pub fn typed(self, cx: &mut Context) -> Result<Typed, Failure> {
        let (typed, faults) = self.typed_found(cx)?;
        faults.sum().map(|()| typed)
    }

    /// As [`Selected::typed`], for who works on those that can be read whatever is wrong with others.
    pub fn typed_found(self, cx: &mut Context) -> Result<(Typed, Faults), Failure> {
        let cluster = self.cluster.clone();
        let typed = |info: Info| match edit::typed(&info.object, &info.source) {
            Ok(object) => Ok(Info { object, ..info }),
            Err(failure) => Err(Fault::unread(info.list_place(), failure)),
        };
        let results = self.results(cx)?.into_iter().map(|result| result.and_then(typed)).collect();
        let (infos, faults) = apart(results);
        Ok((Typed { infos, cluster }, faults))
    }

    /// Changes the objects side by side, reading those first that were not read yet. `done` gets what came of each in
    /// the order in which they were named; what goes wrong with one keeps none of the others from being worked on.
    pub fn each<T>(
        self,
        cx: &mut Context,
        work: impl AsyncFn(Option<&Cluster>, Info) -> Result<T, Failure>,
        done: impl FnMut(&mut Context, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.work(cx, work, done, summed_up)
    }

    /// As [`Selected::each`], where the first document with which anything is wrong is the last that counts.
    pub fn each_until_fault<T>(
        self,
        cx: &mut Context,
        work: impl AsyncFn(Option<&Cluster>, Info) -> Result<T, Failure>,
        done: impl FnMut(&mut Context, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.work(cx, work, done, |faults| of_first_document(faults).into_iter().collect())
    }

    fn work<T>(
        self,
        cx: &mut Context,
        work: impl AsyncFn(Option<&Cluster>, Info) -> Result<T, Failure>,
        mut done: impl FnMut(&mut Context, T) -> Result<(), Failure>,
        told: impl FnOnce(Vec<Fault>) -> Vec<Failure>,
    ) -> Result<(), Failure> {
        let (cluster, keep, subresource) = (self.cluster.as_ref(), &self.keep, &self.subresource);
        side_by_side_until(
            cx,
            self.items,
            Info::key,
            async |info: Info| match latest(cluster, info, keep.as_ref(), subresource).await? {
                Some(info) => {
                    let list = info.list_place();
                    work(cluster, info).await.map(Some).map_err(|failure| Fault::of_item(list, failure))
                }
                None => Ok(None),
            },
            |cx, outcome| outcome.map_or(Ok(()), |outcome| done(cx, outcome)),
            told,
            waves::interruption,
        )
    }
}

/// The object as the server has it, unless it was read already; none when the selector leaves it out.
async fn latest(
    cluster: Option<&Cluster>,
    mut info: Info,
    keep: Option<&LabelSelector>,
    subresource: &str,
) -> Result<Option<Info>, Fault> {
    if let Some(cluster) = cluster
        && info.object.is_null()
    {
        let (list, in_file) = (info.list_place(), !info.source.is_empty());
        info.object = match find::retrieve(cluster, &info, subresource).await {
            Ok(object) => object,
            Err(failure) if in_file => return Err(Fault::unread(list, failure)),
            Err(failure) => return Err(Fault::own(failure)),
        };
        info = info.required(cluster).map_err(|failure| Fault::of_item(list, failure))?;
    }
    let is_meant = keep.is_none_or(|labels| labels.matches(|key| info.object.label(key)));
    Ok(is_meant.then_some(info))
}

/// Objects as Go types hold them, and the cluster that they are from; none when they are only from files.
pub struct Typed {
    /// The objects.
    pub infos: Vec<Info>,
    /// Where they are.
    pub cluster: Option<Cluster>,
}

/// Changes items side by side. Items with the same key are worked on one after the other; a key that ends with a slash
/// is that of an object without a name, and like no other. `done` gets what came of each in the order of the items.
/// Ctrl-C leaves each item done or untouched.
pub fn side_by_side<I, T>(
    cx: &mut Context,
    items: Vec<Result<I, Fault>>,
    key: impl Fn(&I) -> String,
    work: impl AsyncFn(I) -> Result<T, Failure>,
    done: impl FnMut(&mut Context, T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let work = async |item| work(item).await.map_err(Fault::own);
    side_by_side_until(cx, items, key, work, done, summed_up, waves::interruption)
}

/// What is told of all that is wrong, where one object keeps none of the others from being worked on.
fn summed_up(faults: Vec<Fault>) -> Vec<Failure> {
    faults.into_iter().collect::<Faults>().told()
}

/// As [`side_by_side`], until `interruption` says that it is enough. `told` says what is told of all that is wrong.
fn side_by_side_until<I, T, S: Future<Output = ()>>(
    cx: &mut Context,
    items: Vec<Result<I, Fault>>,
    key: impl Fn(&I) -> String,
    work: impl AsyncFn(I) -> Result<T, Fault>,
    mut done: impl FnMut(&mut Context, T) -> Result<(), Failure>,
    told: impl FnOnce(Vec<Fault>) -> Vec<Failure>,
    interruption: impl Fn() -> S,
) -> Result<(), Failure> {
    let runtime = cx.runtime()?;
    let key = |index: usize, item: &Result<I, Fault>| match item.as_ref().map(&key) {
        Ok(key) if !key.ends_with('/') => key,
        _ => index.to_string(),
    };
    let names: Vec<String> = items.iter().enumerate().map(|(i, item)| key(i, item)).collect();
    let keys: Vec<_> = names.iter().map(|name| (&Value::Null, name.clone())).collect();
    let slots: Vec<Cell<Option<Result<I, Fault>>>> = items.into_iter().map(|item| Cell::new(Some(item))).collect();
    let (work, progress) = (&work, cx.progress());
    let one = |index: usize| {
        let slot = slots[index].take();
        async move {
            match slot {
                Some(item) => work(item?).await.map(Some),
                None => Ok(None),
            }
        }
    };
    let mut faults: Vec<Fault> = Vec::new();
    let mut printing = Ok(());
    let done = |_, result| match result {
        Ok(Some(outcome)) if printing.is_ok() => match done(cx, outcome) {
            // A reader that went away ends all quietly.
            Err(quiet @ Failure::Quiet(_)) => printing = Err(quiet),
            Err(failure) => faults.push(Fault::own(failure)),
            Ok(()) => {}
        },
        Ok(_) => {}
        Err(fault) => faults.push(fault),
    };
    let left = runtime.block_on(progress.side_by_side(&names, &waves::waves(&keys), one, done, interruption));
    printing?;
    let mut failures = told(faults);
    interrupted::check(&left, &names, &mut failures)?;
    Failure::collect(failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_are_listed() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "labels": {"b": "2", "a": "1"}}});
        assert_eq!(listing("labels", &object, &["metadata", "labels"], true), "a=1\nb=2\n");
        let several = "Listing labels for Deployment.apps/d:\n a=1\n b=2\n";
        assert_eq!(listing("labels", &object, &["metadata", "labels"], false), several);
        assert_eq!(listing("annotations", &object, &["metadata", "annotations"], true), "");
    }
}

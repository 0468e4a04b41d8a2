//! The objects that `-f`, `-k` and standard input name, each with its place on the server.

use super::{Context, Failure, log_line};
use crate::api::{Object, ObjectExt};
use crate::client::{self, Mapping};
use crate::expr::selector::{LabelSelector, parse_labels};
use crate::manifest::kustomize::{self, Restriction};
use crate::manifest::{self, Input, Item, Place, Sources};
use crate::ops::faults::{Fault, ListPlace};
use crate::ops::infos::Info;
use crate::ops::options::Validation;
use crate::ops::{Cluster, definitions, edit};
use std::collections::BTreeSet;

/// Finds an object's place on the server, or among what is defined in the same input.
async fn placed(cluster: &Cluster, item: Item, defined: &[Mapping]) -> Result<Info, Failure> {
    let kind = item.object.group_version_kind();
    let mapping = match cluster.client.kind(&kind).await {
        // What does not say its version has none, and a server has nothing at such a place.
        Ok(mut mapping) if kind.version.is_empty() => {
            mapping.gvr.version.clear();
            mapping
        }
        Ok(mapping) => mapping,
        Err(client::Error::Map(error)) => match defined.iter().find(|mapping| mapping.gvk == kind) {
            Some(mapping) => mapping.clone(),
            None if item.place.item.is_some() => return Err(Failure::message(format!("unable to recognize {error}"))),
            None => return Err(definitions::unmapped(&item.object, &item.source, &error)),
        },
        Err(error) => return Err(error.into()),
    };
    Ok(Info::within(item, mapping, &cluster.namespace))
}

/// The list that an object was in, if it was in one.
fn list(source: &str, place: &Place) -> Option<ListPlace> {
    place.item.map(|_| (source.to_string(), place.document))
}

/// What the sources name.
pub fn inputs(sources: &Sources) -> Result<Vec<Input>, Failure> {
    sources
        .inputs()
        .map_err(|errors| Failure::Many(errors.into_iter().map(|error| Failure::message(error.to_string())).collect()))
}

/// How objects are read from manifests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// Only objects with such labels are meant.
    pub labels: &'a str,
    /// What an object says it is is checked before it is decoded, unless the validation is off.
    pub validation: Option<Validation>,
    /// Custom resources may be of kinds that the same manifests define: for who creates what is there.
    pub defining: bool,
    /// Objects are decoded into the Go types of their kinds, and must have one.
    pub typed: bool,
}

/// What is said of each list where fields are to be warned of: that is the server's to do, and it is sent no lists.
const UNCHECKED: (&str, &str) = (
    "schema.go:145",
    "cannot perform warn validation if server-side field validation is unsupported, skipping validation",
);

/// Reads `-l`.
pub fn selector(labels: &str) -> Result<Option<LabelSelector>, Failure> {
    (!labels.is_empty())
        .then(|| parse_labels(labels))
        .transpose()
        .map_err(|error| Failure::message(format!("the provided selector {labels:?} is not valid: {error}")))
}

impl Context {
    /// The objects in the manifests that are meant, each with its place on the server, or why there is none.
    pub async fn infos(
        &mut self,
        cluster: &Cluster,
        sources: &Sources,
        reading: Reading<'_>,
    ) -> Result<Vec<Result<Info, Fault>>, Failure> {
        let selector = selector(reading.labels)?;
        let is_meant = |object: &Object| selector.as_ref().is_none_or(|s| s.matches(|key| object.label(key)));
        let check = match reading.validation {
            None | Some(Validation::Ignore) => manifest::Check::No,
            Some(Validation::Warn) => manifest::Check::Kinds,
            Some(Validation::Strict) => manifest::Check::Strict,
        };
        let mut items = self.items(sources, check).await?;
        if reading.validation == Some(Validation::Warn) {
            let lists: BTreeSet<_> = items.iter().flatten().filter_map(|i| list(&i.source, &i.place)).collect();
            lists.iter().for_each(|_| self.complain(&log_line('W', UNCHECKED.0, UNCHECKED.1)));
        }
        if reading.typed {
            items = typed(items);
        }
        let meant = items.iter().flatten().filter(|item| reading.defining && is_meant(&item.object));
        let defined: Vec<Mapping> = meant.flat_map(|item| definitions::defined(&item.object)).collect();
        let mut infos = Vec::new();
        for item in items {
            let info = match item {
                Ok(item) => {
                    let list = list(&item.source, &item.place);
                    placed(cluster, item, &defined).await.map_err(|failure| Fault::unread(list, failure))
                }
                Err(fault) => Err(fault),
            };
            match info {
                Ok(info) if !is_meant(&info.object) => {}
                Ok(info) => {
                    let list = info.list_place();
                    infos.push(info.required(cluster).map_err(|failure| Fault::of_item(list, failure)));
                }
                Err(fault) => infos.push(Err(fault)),
            }
        }
        Ok(infos)
    }

    /// The objects in a text that is from no file, each with its place on the server. `source` is what messages call
    /// the text.
    pub async fn infos_in(&mut self, cluster: &Cluster, source: &str, text: &[u8]) -> Result<Vec<Info>, Failure> {
        let mut infos = Vec::new();
        for item in manifest::items(source, text, manifest::Check::No) {
            infos.push(placed(cluster, item.map_err(|fault| Failure::message(fault.to_string()))?, &[]).await?);
        }
        Ok(infos)
    }

    /// The objects in the manifests, wherever they belong, and what could not be read, in their order.
    pub async fn items(
        &mut self,
        sources: &Sources,
        check: manifest::Check,
    ) -> Result<Vec<Result<Item, Fault>>, Failure> {
        let mut items = Vec::new();
        for input in inputs(sources)? {
            match self.read_input(&input).await {
                Ok(text) => {
                    let unread = |fault: manifest::Fault| {
                        Fault::unread(list(input.name(), &fault.place), Failure::message(fault.to_string()))
                    };
                    let found = manifest::items(input.name(), &text, check).into_iter();
                    items.extend(found.map(|item| item.map_err(unread)));
                }
                Err(failure) => items.push(Err(failure.into())),
            }
        }
        Ok(items)
    }

    /// The text of an input.
    pub async fn read_input(&mut self, input: &Input) -> Result<Vec<u8>, Failure> {
        match input {
            Input::Stdin => self.read_stdin().map(manifest::as_utf8),
            Input::File(path) => Input::read_file(path).map_err(|error| Failure::message(error.to_string())),
            Input::Url(url) => Ok(client::download(url).await?),
            Input::Kustomization(folder) => {
                let objects = self.build(folder, Restriction::RootOnly)?;
                Ok(kustomize::text(&objects).into_bytes())
            }
        }
    }

    /// Builds a kustomization, and says what the user should know of it.
    pub fn build(&mut self, folder: &str, restriction: Restriction) -> Result<Vec<Object>, Failure> {
        let built = kustomize::build(folder, restriction);
        built.warnings.iter().for_each(|warning| self.complain(&format!("{warning}\n")));
        built.log.iter().for_each(|line| self.log().info(0, "log.go:244", line));
        built.objects.map_err(Failure::message)
    }
}

/// The objects as the Go types of their kinds hold them. A list is not read at all when one of its items cannot be; those
/// of kinds that nobody knows are wrong by themselves.
pub(super) fn typed(items: Vec<Result<Item, Fault>>) -> Vec<Result<Item, Fault>> {
    let mut all: Vec<Result<Item, Fault>> = Vec::new();
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        let in_list = |item: &Result<Item, Fault>| match item {
            Ok(item) => list(&item.source, &item.place),
            Err(fault) => fault.list.clone(),
        };
        let Some(list) = in_list(&item) else {
            all.push(item.and_then(|item| {
                if edit::is_of_old_version(&item.object) {
                    return Ok(item);
                }
                let object = edit::typed(&item.object, &item.source)?;
                Ok(Item { object, ..item })
            }));
            continue;
        };
        let mut of_list = vec![item];
        while let Some(item) = items.next_if(|item| in_list(item).as_ref() == Some(&list)) {
            of_list.push(item);
        }
        all.extend(typed_list(of_list, &list));
    }
    all
}

fn typed_list(items: Vec<Result<Item, Fault>>, list: &ListPlace) -> Vec<Result<Item, Fault>> {
    let mut undecodable = Vec::new();
    let decoded = |item: Result<Item, Fault>| {
        let item = item?;
        if edit::is_of_old_version(&item.object) {
            return Ok(item);
        }
        if !edit::is_registered(&item.object) {
            return Err(Fault::unread(Some(list.clone()), Failure::message(edit::UNKNOWN_ITEM)));
        }
        let object = edit::typed(&item.object, "").map_err(|failure| undecodable.push(failure));
        Ok(Item { object: object.unwrap_or_default(), ..item })
    };
    let decoded: Vec<_> = items.into_iter().map(decoded).collect();
    match Failure::together(undecodable) {
        Some(failure) => vec![Err(failure.into())],
        None => decoded,
    }
}

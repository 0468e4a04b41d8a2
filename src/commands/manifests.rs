//! The objects that `-f`, `-k` and standard input name, each with its place on the server.

use super::{Context, Failure};
use crate::api::{Object, ObjectExt};
use crate::client::{self, Mapping};
use crate::expr::selector::{LabelSelector, parse_labels};
use crate::manifest::kustomize::{self, Restriction};
use crate::manifest::{self, Input, Item, Sources};
use crate::ops::infos::Info;
use crate::ops::options::Validation;
use crate::ops::{Cluster, definitions};

/// Finds an object's place on the server, or among what is defined in the same input.
async fn place(cluster: &Cluster, item: Item, defined: &[Mapping]) -> Result<Info, Failure> {
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
    Info::from_item(item, mapping, cluster)
}

/// Finds the place of an object that was read, if it was.
async fn placed(cluster: &Cluster, item: Result<Item, Failure>, defined: &[Mapping]) -> Result<Info, Failure> {
    match item {
        // What is wrong with an item is told as one of several, even when it is the only one.
        Ok(item) if item.place.item.is_some() => {
            place(cluster, item, defined).await.map_err(|failure| Failure::Many(vec![failure]))
        }
        Ok(item) => place(cluster, item, defined).await,
        Err(failure) => Err(failure),
    }
}

pub(super) fn unread(error: manifest::Error) -> Failure {
    match error {
        manifest::Error::Listed(text) => Failure::Plain(text),
        _ => Failure::Message(error.to_string()),
    }
}

/// What the sources name.
pub fn inputs(sources: &Sources) -> Result<Vec<Input>, Failure> {
    sources.inputs().map_err(|errors| Failure::Many(errors.into_iter().map(unread).collect()))
}

/// Reads `-l`.
pub fn selector(labels: &str) -> Result<Option<LabelSelector>, Failure> {
    (!labels.is_empty())
        .then(|| parse_labels(labels))
        .transpose()
        .map_err(|error| Failure::message(format!("the provided selector {labels:?} is not valid: {error}")))
}

impl Context {
    /// The objects in the manifests, each with its place on the server, or why it could not be read or placed. With
    /// `validation`, what an object says it is is checked before it is decoded.
    pub async fn infos(
        &mut self,
        cluster: &Cluster,
        sources: &Sources,
        labels: &str,
        validation: Option<Validation>,
    ) -> Result<Vec<Result<Info, Failure>>, Failure> {
        self.all_infos(cluster, sources, labels, validation, false).await
    }

    /// As [`Context::infos`], for who creates what is there: custom resources may be of kinds that the same manifests
    /// define.
    pub async fn infos_to_create(
        &mut self,
        cluster: &Cluster,
        sources: &Sources,
        labels: &str,
        validation: Validation,
    ) -> Result<Vec<Result<Info, Failure>>, Failure> {
        self.all_infos(cluster, sources, labels, Some(validation), true).await
    }

    async fn all_infos(
        &mut self,
        cluster: &Cluster,
        sources: &Sources,
        labels: &str,
        validation: Option<Validation>,
        defining: bool,
    ) -> Result<Vec<Result<Info, Failure>>, Failure> {
        let selector = selector(labels)?;
        let is_meant = |object: &Object| selector.as_ref().is_none_or(|s| s.matches(|key| object.label(key)));
        let check = match validation {
            None | Some(Validation::Ignore) => manifest::Check::No,
            Some(_) => manifest::Check::Yes,
        };
        let items = self.items(sources, check).await?;
        let meant = items.iter().flatten().filter(|item| defining && is_meant(&item.object));
        let defined: Vec<Mapping> = meant.flat_map(|item| definitions::defined(&item.object)).collect();
        let mut infos = Vec::new();
        for item in items {
            match placed(cluster, item, &defined).await {
                Ok(info) if is_meant(&info.object) => infos.push(Ok(info)),
                Ok(_) => {}
                Err(failure) => infos.push(Err(failure)),
            }
        }
        Ok(infos)
    }

    /// The objects in a text that is from no file, each with its place on the server. `source` is what messages call
    /// the text.
    pub async fn infos_in(&mut self, cluster: &Cluster, source: &str, text: &[u8]) -> Vec<Result<Info, Failure>> {
        let mut infos = Vec::new();
        for item in manifest::items(source, text, manifest::Check::No) {
            infos.push(placed(cluster, item.map_err(|fault| unread(fault.error)), &[]).await);
        }
        infos
    }

    /// The objects in the manifests, wherever they belong, and what could not be read, in their order.
    pub async fn items(
        &mut self,
        sources: &Sources,
        check: manifest::Check,
    ) -> Result<Vec<Result<Item, Failure>>, Failure> {
        let mut items = Vec::new();
        for input in inputs(sources)? {
            match self.read_input(&input).await {
                Ok(text) => {
                    let found = manifest::items(input.name(), &text, check).into_iter();
                    items.extend(found.map(|item| item.map_err(|fault| unread(fault.error))));
                }
                Err(failure) => items.push(Err(failure)),
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

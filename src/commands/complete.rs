//! `__complete WORD...`: what may come next on a line, asked by the shells' scripts (see [`crate::completion`]).

use super::context::Settings;
use super::{Context, Exit, Failure, table};
use crate::api::{GroupVersionResource, ObjectExt, Value};
use crate::client::Request;
use crate::completion::{Answer, Line, World, read};
use crate::ops::Cluster;
use std::ffi::OsString;

/// How long the server may take; whoever waits for a completion waits with a finger on the key.
const PATIENCE: &str = "2s";

/// Whether the word asks for candidates; if so, whether with their meanings.
pub fn asked(word: &str) -> Option<bool> {
    match word {
        "__complete" => Some(true),
        "__completeNoDesc" => Some(false),
        _ => None,
    }
}

/// Prints the candidates for a line, whose last word is the one that is being typed.
pub fn run(words: &[OsString], meanings: bool, cx: &mut Context) -> Result<Exit, Failure> {
    if words.is_empty() {
        return Err(Failure::message("requires at least 1 arg(s), only received 0"));
    }
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let answer = match read(&table(cx.program.name()), &words) {
        Ok(line) => {
            connect_as(&line, cx);
            Answer::to(&line, &mut Around { cx })
        }
        Err(problem) => {
            cx.complain(&format!("[Debug] {problem}\n"));
            Answer::none()
        }
    };
    cx.print(&answer.stdout(meanings))?;
    cx.complain(&answer.stderr());
    Ok(0)
}

/// Takes over the global flags that are on the line.
fn connect_as(line: &Line, cx: &mut Context) {
    let program = cx.program.name().to_string();
    let arguments = std::iter::once(program).chain(line.global_arguments());
    // A value that is not valid is refused when the line is run; until then there are just no candidates from a server.
    let mut table = table(cx.program.name());
    if let Ok(matches) = table.try_get_matches_from_mut(arguments) {
        cx.settings = Settings::from_matches(&matches, &table);
    }
    cx.settings.request_timeout = PATIENCE.into();
}

/// The kubeconfig and the server. That one of them cannot be had only means that there are no candidates.
struct Around<'a> {
    cx: &'a mut Context,
}

/// Only what completion needs of each object, where the server can leave out the rest.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

async fn names(cluster: &Cluster, types: &str) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for mapping in cluster.client.resources(types).await? {
        let namespace = if mapping.namespaced { cluster.namespace.as_str() } else { "" };
        let list = cluster.client.json(&Request::list(&mapping, namespace).accept(METADATA)).await?;
        let items = list.get("items").and_then(Value::as_array);
        names.extend(items.into_iter().flatten().map(|item| item.name().to_string()));
    }
    Ok(names)
}

async fn containers(cluster: &Cluster, pod: &str) -> Result<Vec<String>, Failure> {
    let mapping = cluster.client.resource("pods").await?;
    let pod = cluster.client.json(&Request::get(&mapping, &cluster.namespace, pod)).await?;
    let of = |field: &str| pod.pointer(&format!("/spec/{field}")).and_then(Value::as_array).into_iter().flatten();
    let all = of("initContainers").chain(of("containers")).chain(of("ephemeralContainers"));
    Ok(all.filter_map(|container| Some(container.get("name")?.as_str()?.to_string())).collect())
}

impl Around<'_> {
    fn types(&mut self) -> Result<Vec<String>, Failure> {
        let client = self.cx.client()?;
        let mapper = self.cx.block_on(async { client.mapper().await })?;
        let mut types: Vec<_> = mapper.preferred().into_iter().filter(|m| m.has_verb("get")).map(|m| m.gvr).collect();
        types.sort_by(|a, b| (&a.group, &a.resource).cmp(&(&b.group, &b.resource)));
        Ok(types.iter().map(GroupVersionResource::group_resource).collect())
    }

    fn ask<T>(&mut self, work: impl AsyncFnOnce(&Cluster) -> Result<T, Failure>) -> Result<T, Failure> {
        let cluster = self.cx.cluster()?;
        self.cx.block_on(work(&cluster))
    }
}

impl World for Around<'_> {
    fn types(&mut self) -> Vec<String> {
        Around::types(self).unwrap_or_default()
    }

    fn names(&mut self, types: &str) -> Vec<String> {
        self.ask(async |cluster| names(cluster, types).await).unwrap_or_default()
    }

    fn containers(&mut self, pod: &str) -> Vec<String> {
        self.ask(async |cluster| containers(cluster, pod).await).unwrap_or_default()
    }

    fn kubeconfig(&mut self, section: &str) -> Vec<String> {
        let config = self.cx.kubeconfig_sources().load().unwrap_or_default();
        match section {
            "clusters" => config.clusters.into_keys().collect(),
            "contexts" => config.contexts.into_keys().collect(),
            _ => config.users.into_keys().collect(),
        }
    }
}

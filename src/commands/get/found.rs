//! What `get` was asked for, as the server answers it: pages of lists, and single objects.

use super::Plan;
use crate::client::{List, Mapping};
use crate::commands::manifests::Reading;
use crate::commands::{Context, Failure};
use crate::ops::faults::{Fault, Faults};
use crate::ops::lists::Pages;
use crate::ops::targets::Targets;
use crate::ops::{Cluster, find, infos::Info, waves};

/// What is meant, of which the first pages and single objects are there.
pub(super) struct Found<'a> {
    parts: Vec<Part<'a>>,
    faults: Faults,
}

/// A list of one type, or one object of it.
struct Part<'a> {
    mapping: Mapping,
    first: List,
    /// The pages that follow.
    rest: Option<Pages<'a>>,
}

impl<'a> Found<'a> {
    /// Asks for all that is meant, side by side.
    pub async fn ask(cx: &mut Context, cluster: &'a Cluster, plan: &'a Plan) -> Result<Self, Failure> {
        // What could not be read, each with the number of objects before it.
        let mut misread: Vec<(usize, Fault)> = Vec::new();
        let infos = match &plan.targets {
            None => Vec::new(),
            Some(Targets::Types(types)) => return Self::types(cluster, plan, types).await,
            Some(Targets::Names { pairs, combined }) => {
                find::named(cluster, pairs, *combined, plan.all_namespaces).await?
            }
            Some(Targets::Files(sources)) => {
                let mut infos = Vec::new();
                let reading = Reading { labels: &plan.labels, ..Reading::default() };
                for item in cx.infos(&places(cluster, plan), sources, reading).await? {
                    match item {
                        Ok(info) => infos.push(info),
                        Err(fault) => misread.push((infos.len(), fault)),
                    }
                }
                infos
            }
        };
        let mut parts = Vec::new();
        waves::run(
            &vec![0; infos.len()],
            |index| one(cluster, plan, &infos[index]),
            |index, answer| match answer {
                Ok(first) => parts.push(Part { mapping: infos[index].mapping.clone(), first, rest: None }),
                Err(failure) if plan.ignore_not_found && failure.is_not_found() => {}
                Err(failure) => {
                    let info = &infos[index];
                    // What is named is told by itself.
                    let is_own = info.source.is_empty();
                    misread.push((index, Fault { list: info.list_place(), failure, is_own }));
                }
            },
        )
        .await;
        // What could not be read stands before the object that came after it.
        misread.sort_by_key(|(index, _)| *index);
        let faults = misread.into_iter().map(|(_, fault)| fault).collect();
        Ok(Self { parts, faults })
    }

    async fn types(cluster: &'a Cluster, plan: &'a Plan, types: &[String]) -> Result<Self, Failure> {
        let namespace = if plan.all_namespaces { "" } else { cluster.namespace.as_str() };
        let mappings = find::types(cluster, types).await?;
        if !plan.query.subresource.is_empty() {
            return Err(Failure::message("subresource cannot be used when bulk resources are specified"));
        }
        let first = |index: usize| {
            let mut pages = plan.query.read(cluster, &mappings[index], namespace);
            async move { (pages.next().await, pages) }
        };
        let mut found = Self { parts: Vec::new(), faults: Faults::default() };
        waves::run(&vec![0; mappings.len()], first, |index, (first, pages)| match first {
            Ok(Some(first)) => {
                found.parts.push(Part { mapping: mappings[index].clone(), first, rest: Some(pages) });
            }
            Ok(None) => {}
            Err(failure) => found.faults.push(failure.into()),
        })
        .await;
        Ok(found)
    }

    /// Whether there is more than one kind.
    pub fn is_mixed(&self) -> bool {
        self.parts.windows(2).any(|pair| pair[0].mapping.gvk != pair[1].mapping.gvk)
    }

    /// Hands on page after page and object after object, in order, until `each` says no. The result is all that went
    /// wrong: first while reading.
    pub async fn each(self, mut each: impl FnMut(&Mapping, List) -> Result<(), Failure>) -> Faults {
        let mut faults = self.faults;
        for Part { mapping, first, mut rest } in self.parts {
            let mut page = Ok(Some(first));
            while let Ok(Some(list)) = page {
                if let Err(failure) = each(&mapping, list) {
                    faults.add(failure);
                    return faults;
                }
                page = match &mut rest {
                    Some(pages) => pages.next().await,
                    None => Ok(None),
                };
            }
            if let Err(failure) = page {
                faults.push(failure.into());
            }
        }
        faults
    }
}

/// Where objects of files are looked for: in the namespace that they say, or the command's.
pub(super) fn places(cluster: &Cluster, plan: &Plan) -> Cluster {
    match plan.all_namespaces {
        true => Cluster { namespace: String::new(), ..cluster.unenforced() },
        false => cluster.unenforced(),
    }
}

/// Reads one object. One that has no name in its file is shown as it is there.
async fn one(cluster: &Cluster, plan: &Plan, info: &Info) -> Result<List, Failure> {
    if info.name.is_empty() && !info.object.is_null() {
        return Ok(info.object.clone().into());
    }
    if info.mapping.namespaced && info.namespace.is_empty() {
        return Err(Failure::Message(format!("no namespace set on resource {} {:?}", info.mapping.gvr, info.name)));
    }
    let request = plan.query.object(&info.mapping, &info.namespace, &info.name);
    let answer = find::answer(cluster, info, cluster.client.list(&request)).await?;
    match plan.all_namespaces {
        true => Ok(answer),
        false => info.clone().required(cluster).map(|_| answer),
    }
}

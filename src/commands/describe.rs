//! `describe`: objects in words, with what belongs to them.

use super::flags::{Flags, switch, words};
use super::{Context, Exit, Failure, sets};
use crate::api::{Object, ObjectExt, Status};
use crate::client::{Error, Mapping, Request};
use crate::commands::manifests::Reading;
use crate::describe::{self, Found, Lookup, Wanted};
use crate::ops::faults::apart;
use crate::ops::lists::{self, Query};
use crate::ops::targets::{Selection, Targets};
use crate::ops::{Cluster, find, waves};
use clap::{ArgMatches, Command};
use jiff::tz::TimeZone;

/// How the command is called.
pub fn command() -> Command {
    Command::new("describe")
        .about("Show details of a specific resource or group of resources")
        .long_about(
            "Tell about objects in words: what they are, how they are doing, what happened to them, and what belongs to \
             them.\n\n A name that no object has is taken as the beginning of names.",
        )
        .after_help(
            "# One object\nkubectl describe node worker-1\nkubectl describe pod/web-1\n\n# What a file lists\nkubectl describe -f pod.json\n\n\
             # All whose names begin so, or with these labels\nkubectl describe pods web\nkubectl describe pods -l app=web",
        )
        .before_help("(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to describe."))
                .args([
                    sets::all_namespaces(),
                    sets::chunk_size(),
                    sets::selector(),
                    switch("show-events", None, true, "Tell what happened, too; off for several objects unless asked for."),
                ])
                .arg(words())
        })
}

#[derive(Debug)]
struct Plan {
    targets: Targets,
    /// The type and the beginning of names, when there are just these two words.
    prefix: Option<(String, String)>,
    labels: String,
    all_namespaces: bool,
    query: Query,
    show_events: bool,
    events_asked: bool,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let selection = Selection {
        words: matches.words(),
        sources: super::sources(matches)?,
        labels: matches.text("selector").into(),
        all_namespaces: matches.on("all-namespaces"),
        type_means_all: true,
        ..Selection::default()
    };
    let Some(targets) = selection.targets(program)? else {
        return Err(Failure::message(format!(
            "You must specify the type of resource to describe. Use \"{program} api-resources\" for a complete list of supported resources.\n"
        )));
    };
    let prefix = match selection.words.as_slice() {
        [kind, prefix] if !kind.contains('/') => Some((kind.clone(), prefix.clone())),
        _ => None,
    };
    Ok(Plan {
        targets,
        prefix,
        query: Query { labels: selection.labels.clone(), chunk: matches.integer("chunk-size"), ..Query::default() },
        labels: selection.labels,
        all_namespaces: selection.all_namespaces,
        show_events: matches.on("show-events"),
        events_asked: matches.given("show-events"),
    })
}

/// Describes them, in the order in which they were named or listed.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let cluster = cx.cluster()?;
    let runtime = cx.runtime()?;
    runtime.block_on(all(&plan, &cluster, cx))
}

async fn all(plan: &Plan, cluster: &Cluster, cx: &mut Context) -> Result<Exit, Failure> {
    let (objects, mut failures) = objects(plan, cluster, cx).await?;
    if let ([failure], Some((kind, prefix))) = (failures.as_slice(), &plan.prefix)
        && failure.is_not_found()
    {
        let showing = plan.show_events && plan.events_asked;
        let (all, problems) = listed(plan, cluster, std::slice::from_ref(kind)).await?;
        Failure::collect(problems)?;
        let matching: Vec<Object> = all.into_iter().filter(|object| object.name().starts_with(prefix)).collect();
        if matching.is_empty() {
            return Failure::collect(failures).map(|()| 0);
        }
        for text in texts(&matching, showing, cluster, cx).await {
            cx.print(&(text? + "\n"))?;
        }
        return Ok(0);
    }
    let several = objects.len() > 1 || !failures.is_empty();
    let showing = plan.show_events && (plan.events_asked || !several);
    let mut first = true;
    for text in texts(&objects, showing, cluster, cx).await {
        match text {
            Ok(text) => {
                if !std::mem::take(&mut first) {
                    cx.print("\n\n")?;
                }
                cx.print(&text)?;
            }
            Err(failure) => failures.push(failure),
        }
    }
    if objects.is_empty() && failures.is_empty() {
        let place = match plan.all_namespaces {
            true => "No resources found\n".to_owned(),
            false => format!("No resources found in {} namespace.\n", cluster.namespace),
        };
        cx.complain(&place);
    }
    Failure::together(failures).map_or(Ok(0), Err)
}

/// The objects that are meant.
async fn objects(plan: &Plan, cluster: &Cluster, cx: &mut Context) -> Result<(Vec<Object>, Vec<Failure>), Failure> {
    let (infos, mut failures) = match &plan.targets {
        Targets::Types(types) => return listed(plan, cluster, types).await,
        Targets::Names { pairs, combined } => {
            (find::named(cluster, pairs, *combined, plan.all_namespaces).await?, Vec::new())
        }
        Targets::Files(sources) => {
            let reading = Reading { labels: &plan.labels, ..Reading::default() };
            let (mut infos, faults) = apart(cx.infos(cluster, sources, reading).await?);
            // kubectl asks by the kind's own version, whatever a file says.
            infos.iter_mut().for_each(|info| info.mapping.gvr.version.clone_from(&info.mapping.gvk.version));
            (infos, faults.sum().err().into_iter().collect())
        }
    };
    let mut objects = Vec::new();
    waves::run(
        &vec![0; infos.len()],
        |index| {
            let info = &infos[index];
            let request = plan.query.object(&info.mapping, &info.namespace, &info.name);
            // Only what no file says is looked for before it is described.
            async move {
                match info.object.is_null() {
                    true => find::answer(cluster, info, cluster.client.json(&request)).await,
                    false => Ok(cluster.client.json(&request).await?),
                }
            }
        },
        |_, result| match result {
            Ok(object) => objects.push(object),
            Err(failure) => failures.push(failure),
        },
    )
    .await;
    Ok((objects, failures))
}

async fn listed(plan: &Plan, cluster: &Cluster, types: &[String]) -> Result<(Vec<Object>, Vec<Failure>), Failure> {
    let namespace = if plan.all_namespaces { "" } else { cluster.namespace.as_str() };
    let (mut objects, mut failures) = (Vec::new(), Vec::new());
    for mapping in find::types(cluster, types).await? {
        let mut take = |page| {
            let mut found = lists::items(page);
            found.iter_mut().for_each(|o| lists::name_kind(o, &mapping.gvk.api_version(), &mapping.gvk.kind));
            objects.extend(found);
            Ok(())
        };
        failures.extend(plan.query.pages(cluster, &mapping, namespace, &mut take).await.err());
    }
    Ok((objects, failures))
}

/// The description of each object, with what it needs fetched side by side.
async fn texts(
    objects: &[Object],
    show_events: bool,
    cluster: &Cluster,
    cx: &mut Context,
) -> Vec<Result<String, Failure>> {
    let now = cx.now().timestamp().as_second();
    let mut texts = Vec::new();
    waves::run(
        &vec![0; objects.len()],
        |index| {
            let object = &objects[index];
            async move {
                let lookups = describe::needs(object, show_events);
                let mut found = Vec::new();
                for lookup in lookups {
                    let answer = look_up(&lookup, cluster).await?;
                    found.push((lookup, answer));
                }
                let context = describe::Context { now, zone: TimeZone::system(), show_events, found };
                describe::describe(object, &context).map_err(|error| match error {
                    describe::Error::Status(status) => Failure::Status(status),
                    describe::Error::Object(text) => Failure::Message(text),
                })
            }
        },
        |_, text| texts.push(text),
    )
    .await;
    texts
}

/// Fetches what a description asks for. A refusal is something to describe; no answer at all is a failure.
async fn look_up(lookup: &Lookup, cluster: &Cluster) -> Result<Found, Failure> {
    let mapping =
        Mapping { gvr: lookup.resource.clone(), namespaced: !lookup.namespace.is_empty(), ..Mapping::default() };
    let refused = |status: &Status| Ok(Err(status.clone()));
    match &lookup.wanted {
        Wanted::Name(name) => match cluster.client.json(&Request::get(&mapping, &lookup.namespace, name)).await {
            Ok(object) => Ok(Ok(vec![object])),
            Err(Error::Status(status)) => refused(&status),
            Err(error) => Err(error.into()),
        },
        Wanted::All { labels, fields } => {
            let query = Query { labels: labels.clone(), fields: fields.clone(), chunk: 500, ..Query::default() };
            let mut objects = Vec::new();
            let end = query.pages(cluster, &mapping, &lookup.namespace, |page| {
                objects.extend(lists::items(page));
                Ok(())
            });
            match end.await {
                Ok(_) => Ok(Ok(objects)),
                Err(failure) => match failure.status() {
                    Some(status) => refused(status),
                    None => Err(failure),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')), "kubectl");
        assert!(planned("describe").is_err());
        assert_eq!(planned("describe pod web").unwrap().prefix, Some(("pod".into(), "web".into())));
        assert_eq!(planned("describe pod/web").unwrap().prefix, None);
        assert!(planned("describe pod web -l a=b").is_err());
        let plan = planned("describe pods --show-events=false").unwrap();
        assert!(!plan.show_events && plan.events_asked);
    }
}

//! Pruning after an apply: by allowlist, or what an ApplySet remembers.

use super::Plan;
use crate::api::{GroupVersionKind, Object, ObjectExt};
use crate::client::Mapping;
use crate::commands::{Context, Failure, KUBERNETES, log_line};
use crate::ops::applyset::{ApplySet, Extent, Parent, group_kind};
use crate::ops::infos::Info;
use crate::ops::prune::{self, Place};
use crate::ops::{Cluster, waves};
use clap::ArgMatches;
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;

/// What is to be pruned.
#[derive(Debug)]
pub(super) enum Prune {
    /// Objects of these kinds, or of kubectl's when it names none, that the selector matches.
    Listed {
        /// `--prune-allowlist`.
        allowlist: Vec<GroupVersionKind>,
        /// `-l`.
        labels: String,
    },
    /// The members of the set of this parent.
    Set(String),
}

/// What was applied, or would have been.
pub(super) struct Visited {
    pub uids: BTreeSet<String>,
    pub namespaces: BTreeSet<String>,
}

/// What prunes.
pub(super) enum Pruner {
    Listed { allowlist: Vec<Mapping>, labels: String },
    Set(Box<ApplySet>),
}

impl Pruner {
    /// Finds out what the server calls what is to be pruned.
    pub async fn new(cluster: &Cluster, prune: &Prune) -> Result<Self, Failure> {
        Ok(match prune {
            Prune::Listed { allowlist, labels } => {
                Pruner::Listed { allowlist: prune::resources(cluster, allowlist).await?, labels: labels.clone() }
            }
            Prune::Set(reference) => {
                let parent = Parent::find(cluster, reference).await?;
                parent.check(cluster).await?;
                Pruner::Set(Box::new(ApplySet::new(parent, KUBERNETES)))
            }
        })
    }

    /// Makes the objects members of the set, if there is one.
    pub fn adopt(&self, infos: &mut [Info]) -> Result<(), Failure> {
        match self {
            Pruner::Listed { .. } => Ok(()),
            Pruner::Set(set) => set.label(infos),
        }
    }

    /// Has the set's parent remember where the objects will be. The result is a warning to show.
    pub async fn prepare(&mut self, cluster: &Cluster, infos: &[Info], plan: &Plan) -> Result<Option<String>, Failure> {
        let Pruner::Set(set) = self else { return Ok(None) };
        let warning = set.prepare(cluster, infos, plan.options.dry_run, plan.options.validation).await?;
        Ok(warning.map(|words| warned(&words)))
    }

    /// Deletes what was not applied any more, and says so.
    pub fn prune(
        &self,
        cluster: &Cluster,
        visited: &Visited,
        plan: &Plan,
        matches: &ArgMatches,
        cx: &mut Context,
    ) -> Result<(), Failure> {
        let runtime = cx.runtime()?;
        let printer = |cx: &Context| cx.printer(matches, "pruned", plan.options.dry_run);
        let (places, labels) = match self {
            Pruner::Set(set) => (set.places(), set.selector()),
            Pruner::Listed { allowlist, labels } if allowlist.is_empty() => {
                let (place, words) = prune::WARNING;
                cx.complain(&log_line('W', place, words));
                let resources = runtime.block_on(prune::default_resources(cluster))?;
                (Place::of(&resources, &visited.namespaces), labels.clone())
            }
            Pruner::Listed { allowlist, labels } => (Place::of(allowlist, &visited.namespaces), labels.clone()),
        };
        let stale = |object: &Object| match self {
            Pruner::Listed { .. } => prune::is_stale(object, &visited.uids),
            Pruner::Set(_) => !visited.uids.contains(object.uid()),
        };
        let together = printer(cx)?;
        let progress = cx.progress();
        let (mut pruned, mut looked) = (0, 0);
        let search = prune::search(cluster, &places, &labels, stale, async |place, found| {
            let objects = found.map_err(|failure| self.unlisted(place, failure))?;
            let delete = |object| place.delete(cluster, object, &plan.deletion);
            let deleted: Vec<_> = stream::iter(&objects).map(delete).buffered(waves::CONCURRENCY).collect().await;
            for (object, deleted) in objects.iter().zip(deleted) {
                deleted.map_err(|failure| self.undeleted(place, object, failure))?;
                match self {
                    Pruner::Set(_) => together.print(object, cx.stdout())?,
                    // Each object has a printer of its own: no line parts them.
                    Pruner::Listed { .. } => printer(cx)?.print(object, cx.stdout())?,
                }
            }
            (pruned, looked) = (pruned + objects.len(), looked + 1);
            progress.say(format!("{pruned} pruned, {looked} of {} places looked through", places.len()), "");
            Ok(())
        });
        runtime.block_on(progress.during(async {
            tokio::select! {
                searched = search => searched,
                () = waves::interruption() => Err(Failure::Quiet(crate::commands::interrupted::INTERRUPTED)),
            }
        }))?;
        let Pruner::Set(set) = self else { return Ok(()) };
        let (dry_run, validation) = (plan.options.dry_run, plan.options.validation);
        let remembered = runtime.block_on(set.remember(cluster, Extent::Latest, dry_run, validation));
        let warning = remembered.map_err(|failure| {
            let words = failure.words();
            Failure::message(format!("apply and prune succeeded, but ApplySet update failed: {words}"))
        })?;
        warning.iter().for_each(|warning| cx.complain(&warned(warning)));
        Ok(())
    }

    fn unlisted(&self, place: &Place, failure: Failure) -> Failure {
        match self {
            Pruner::Listed { .. } => place.failed(&failure),
            Pruner::Set(_) => {
                let words = failure.words();
                Failure::message(format!("listing {} objects for pruning: {words}", place.mapping.gvk))
            }
        }
    }

    fn undeleted(&self, place: &Place, object: &Object, failure: Failure) -> Failure {
        let (kind, words) = (group_kind(&place.mapping), failure.words());
        match (self, place.namespace.as_str()) {
            (Pruner::Listed { .. }, _) => place.failed(&failure),
            (Pruner::Set(_), "") => Failure::message(format!("pruning {kind} {}: {words}", object.name())),
            (Pruner::Set(_), namespace) => {
                Failure::message(format!("pruning {kind} {namespace}/{}: {words}", object.name()))
            }
        }
    }
}

fn warned(words: &str) -> String {
    log_line('W', "applyset.go:447", words)
}

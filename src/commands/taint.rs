//! `taint`: what keeps pods away from nodes.

use super::flags::{Flags, switch, words};
use super::objects::Wanted;
use super::{Context, Exit, Failure, sets};
use crate::api::Object;
use crate::client;
use crate::ops::Cluster;
use crate::ops::edit::{self, Sending};
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, Validation, dry_run};
use crate::ops::pod_template::go_type;
use crate::ops::taints::{Taints, split};
use crate::ops::targets::Targets;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("taint")
        .about("Update the taints on one or more nodes")
        .long_about(
            "Put taints on nodes, and take them away. A taint is KEY=VALUE:EFFECT; the value may be left out. The effect is \
             NoSchedule, PreferNoSchedule or NoExecute. KEY- takes away all taints with that key, KEY:EFFECT- one.",
        )
        .after_help(
            "# Only pods that tolerate it\nkubectl taint nodes one dedicated=db:NoSchedule\n\n\
             # All pods again\nkubectl taint nodes one dedicated-",
        )
        .before_help("NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N")
        .defer(|c| {
            c.args(sets::output()).args([
                switch("all", None, false, "Take all nodes."),
                sets::dry_run(),
                sets::field_manager("kubectl-taint"),
                switch("overwrite", None, false, "Change taints that are there already."),
                sets::selector(),
                sets::validate(),
                words(),
            ])
        })
}

#[derive(Debug)]
struct Plan {
    /// The type that was named; only nodes have taints.
    kind: String,
    wanted: Wanted,
    taints: Taints,
    overwrite: bool,
    sending: Sending,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let sending = Sending {
        dry_run: dry_run(matches.text("dry-run"))?,
        manager: matches.text("field-manager").into(),
        validation: Some(Validation::parse(matches.text("validate"))?),
        ..Sending::default()
    };
    let (resources, taints) = split(&matches.words())?;
    let Some((kind, names)) = resources.split_first() else {
        return fail("one or more resources must be specified as <resource> <name>");
    };
    if taints.is_empty() {
        return fail("at least one taint update is required");
    }
    let taints = Taints::read(&taints).map_err(|message| Failure::Usage { message, command: "taint".into() })?;
    let (all, labels) = (matches.on("all"), matches.text("selector").to_string());
    let targets = match all || !labels.is_empty() {
        true => Some(Targets::Types(vec!["node".into()])),
        false if names.is_empty() => None,
        false => Some(Targets::named("node", names)?),
    };
    let wanted = Wanted { targets, labels, takes_types: true, ..Wanted::default() };
    Ok(Plan { kind: kind.to_lowercase(), wanted, taints, overwrite: matches.on("overwrite"), sending })
}

/// Refuses what cannot be.
fn check(plan: &Plan, matches: &ArgMatches, cluster: &Cluster, cx: &mut Context) -> Result<(), Failure> {
    let resource = plan.kind.split('.').next().unwrap_or_default();
    // No command but this shows the mapper's own words.
    let unknown = |failure| match failure {
        Failure::Client(client::Error::Map(error)) => Failure::Plain(error.to_string()),
        other => other,
    };
    let mapping = cx.block_on(cluster.client.resource(resource)).map_err(unknown)?;
    if mapping.gvk.kind != "Node" {
        let message = format!("invalid resource type {}, only node types are supported", plan.kind);
        return Err(Failure::message(message));
    }
    plan.taints.check()?;
    if matches.on("all") && !plan.wanted.labels.is_empty() {
        return Err(Failure::message("setting 'all' parameter with a non empty selector is prohibited"));
    }
    if plan.wanted.targets.is_none() {
        return Err(Failure::message("at least one resource name must be specified since 'all' parameter is not set"));
    }
    Ok(())
}

/// Taints the nodes side by side.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let cluster = cx.cluster()?;
    check(&plan, matches, &cluster, cx)?;
    let is_here = plan.sending.dry_run == DryRun::Client;
    cx.select(&plan.wanted)?.each(
        cx,
        async |_, info| tainted(&cluster, info, &plan).await,
        |cx, (object, operation)| {
            // Each node is printed by itself, as if it were the only one.
            let printer = match is_here {
                true => cx.printer(matches, operation, DryRun::None)?,
                false => cx.typed_printer(matches, operation, DryRun::None)?,
            };
            printer.print(&object, cx.stdout())
        },
    )?;
    Ok(0)
}

async fn tainted(cluster: &Cluster, info: Info, plan: &Plan) -> Result<(Object, &'static str), Failure> {
    let before = edit::typed(&info.object, "")?;
    if info.mapping.gvk.kind != "Node" {
        return Err(Failure::message(format!("unexpected type {}, expected Node", go_type(&before))));
    }
    let mut after = before.clone();
    let operation = plan.taints.apply(&mut after, plan.overwrite)?;
    let after = edit::typed(&after, "")?;
    if plan.sending.dry_run == DryRun::Client {
        return Ok((after, operation));
    }
    let patch = edit::strategic_difference(&before, &after)?;
    let object = plan.sending.strategic(cluster, &info, &patch).await?;
    Ok((edit::typed(&object, "")?, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let planned =
            |line: &str| plan(&command().get_matches_from(line.split(' '))).map_err(|failure| failure.words());
        for (line, words) in [
            ("taint", "one or more resources must be specified as <resource> <name>"),
            ("taint a:NoSchedule", "one or more resources must be specified as <resource> <name>"),
            ("taint nodes n", "at least one taint update is required"),
            ("taint nodes n a", "at least one taint update is required"),
            ("taint nodes n a:Bogus", "invalid taint effect: Bogus, unsupported taint effect"),
            ("taint nodes a- n", "all resources must be specified before taint changes: n"),
        ] {
            assert_eq!(planned(line).unwrap_err(), words, "{line}");
        }
        let named = planned("taint no one node/two a-").unwrap();
        let pairs = [("node", "one"), ("node", "two")].map(|(kind, name)| (kind.into(), name.into())).to_vec();
        assert_eq!(named.wanted.targets, Some(Targets::Names { pairs, combined: true }));
        let all = planned("taint nodes --all a-").unwrap();
        assert_eq!(all.wanted.targets, Some(Targets::Types(vec!["node".into()])));
        assert_eq!(planned("taint nodes a-").unwrap().wanted.targets, None);
    }
}

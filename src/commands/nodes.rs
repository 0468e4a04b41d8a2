//! What commands about nodes share: which nodes are meant, and marking them.

use super::flags::{Flags, words};
use super::objects::Wanted;
use super::{Context, Exit, Failure, sets};
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::schedulable;
use crate::ops::targets::Targets;
use clap::{Arg, ArgMatches};

/// The flags of all of them.
pub fn flags() -> [Arg; 3] {
    [sets::dry_run(), sets::selector(), words()]
}

/// Which nodes are meant, and whether anything is done to them.
#[derive(Debug)]
pub struct Nodes {
    wanted: Wanted,
    /// Whether what is done is kept.
    pub dry_run: DryRun,
}

/// Reads the nodes that are meant; `command` is the name to say in complaints.
pub fn nodes(matches: &ArgMatches, command: &str) -> Result<Nodes, Failure> {
    let misused = |message: String| Err(Failure::Usage { message, command: command.into() });
    let (names, labels) = (matches.words(), matches.text("selector").to_string());
    if names.is_empty() && !matches.given("selector") {
        return misused(format!("USAGE: {command} NODE [flags]"));
    }
    if !names.is_empty() && !labels.is_empty() {
        return misused("error: cannot specify both a node name and a --selector option".into());
    }
    let dry_run = dry_run(matches.text("dry-run"))?;
    let targets = match (names.as_slice(), labels.as_str()) {
        ([], "") => None,
        ([], _) => Some(Targets::Types(vec!["nodes".into()])),
        (names, _) => Some(Targets::named("nodes", names)?),
    };
    Ok(Nodes { wanted: Wanted { targets, labels, takes_types: true, ..Wanted::default() }, dry_run })
}

/// `cordon` and `uncordon`.
pub fn run(matches: &ArgMatches, cx: &mut Context, command: &str, schedulable: bool) -> Result<Exit, Failure> {
    let plan = nodes(matches, command)?;
    let infos = plan.find(cx)?;
    plan.mark(&infos, schedulable, matches, cx)?;
    Ok(0)
}

impl Nodes {
    /// Reads the nodes. When one of them cannot be read, all stay as they are.
    pub fn find(&self, cx: &mut Context) -> Result<Vec<Info>, Failure> {
        let infos = cx.select(&self.wanted)?.read_all(cx)?;
        match infos.iter().find(|info| info.mapping.gvr.group_resource() != "nodes") {
            None => Ok(infos),
            Some(Info { mapping, .. }) => {
                Err(Failure::message(format!("error: expected resource of type node, got \"{}\"", mapping.gvr)))
            }
        }
    }

    /// Has nodes take new pods, or none. One that cannot be marked is only told of.
    pub fn mark(
        &self,
        infos: &[Info],
        schedulable: bool,
        matches: &ArgMatches,
        cx: &mut Context,
    ) -> Result<(), Failure> {
        let (verb, done, already) = match schedulable {
            true => ("uncordon", "uncordoned", "already uncordoned"),
            false => ("cordon", "cordoned", "already cordoned"),
        };
        let printer = cx.printer(matches, done, self.dry_run)?;
        let cluster = cx.cluster()?;
        for info in infos {
            match cx.block_on(schedulable::set(&cluster, info, schedulable, self.dry_run)) {
                Ok(true) => printer.print_as(&info.object, done, cx.stdout())?,
                Ok(false) => printer.print_as(&info.object, already, cx.stdout())?,
                Err(failure) => {
                    cx.complain(&format!("error: unable to {verb} node {:?}: {}\n", info.name, failure.words()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;

    #[test]
    fn nodes_are_named_or_selected() {
        let planned = |line: &str| {
            let matches = Command::new("cordon").args(flags()).get_matches_from(line.split(' '));
            nodes(&matches, "cordon").map_err(|failure| failure.words())
        };
        let types = || Some(Targets::Types(vec!["nodes".into()]));
        let one = |kind: &str| Some(Targets::Names { pairs: vec![(kind.into(), "n".into())], combined: true });
        for (line, targets) in [
            ("cordon", Err("USAGE: cordon NODE [flags]")),
            ("cordon n -l a=b", Err("error: cannot specify both a node name and a --selector option")),
            (
                "cordon n --dry-run=maybe",
                Err("Invalid dry-run value (maybe). Must be \"none\", \"server\", or \"client\"."),
            ),
            ("cordon a/b/c", Err("arguments in resource/name form may not have more than one slash")),
            ("cordon -l a=b", Ok(types())),
            ("cordon --selector=", Ok(None)),
            ("cordon n", Ok(one("nodes"))),
            ("cordon no/n", Ok(one("no"))),
        ] {
            assert_eq!(planned(line).map(|plan| plan.wanted.targets), targets.map_err(String::from), "{line}");
        }
        assert_eq!(planned("cordon n --dry-run=client").unwrap().dry_run, DryRun::Client);
    }
}

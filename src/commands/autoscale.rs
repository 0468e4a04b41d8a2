//! `autoscale`: have the number of replicas follow the load.

use super::flags::{Flags, deprecated, integer32, required, text, words};
use super::objects::{Wanted, selection};
use super::{Context, Exit, Failure, sets};
use crate::api::quantity::Quantity;
use crate::api::{Object, ObjectExt, Value, json};
use crate::client::Mapping;
use crate::ops::generate::Creation;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::targets::Selection;
use crate::ops::{Cluster, record};
use clap::{ArgMatches, Command};
use serde_json::json;
use std::str::FromStr;

/// How the command is called.
pub fn command() -> Command {
    Command::new("autoscale")
        .about("Auto-scale a deployment, replica set, stateful set, or replication controller")
        .long_about("Create a horizontal pod autoscaler, which sets how many replicas there are as the load of the pods asks for.")
        .after_help(
            "# Two to ten replicas, as many as the default says\nkubectl autoscale deployment web --min=2 --max=10\n\n\
             # So that each pod uses four fifths of the processor time it asks for\nkubectl autoscale deployment web --max=5 --cpu=80%\n\n\
             # So that each pod uses half a processor and 200 MiB\nkubectl autoscale deployment web --max=5 --cpu=500m --memory=200Mi",
        )
        .before_help("(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to scale."))
                .args(sets::output())
                .args([
                    sets::dry_run(),
                    sets::field_manager("kubectl-autoscale"),
                    sets::record(),
                    sets::save_config(),
                    text("cpu", None, "", "The load to aim at: a part of what pods ask for such as 70%, or an amount for each such as 500m; m is meant without a unit."),
                    deprecated(
                        integer32("cpu-percent", None, "-1", "The part of the processor time that pods ask for to aim at."),
                        "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
                    ),
                    integer32("max", None, "-1", "The most replicas. Required."),
                    text("memory", None, "", "As --cpu, for memory; Mi is meant without a unit."),
                    integer32("min", None, "-1", "The fewest replicas; below 0 leaves it to the server."),
                    text("name", None, "", "The autoscaler's name; that of the object without it."),
                ])
                .arg(words())
        })
}

/// What is aimed at: a percentage of what pods ask for, or an amount for each.
#[derive(Clone, Debug, PartialEq)]
enum Aim {
    Percentage(i64),
    Amount(String),
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    name: String,
    min: i64,
    max: i64,
    cpu: Option<Aim>,
    /// The old flag's number, below 0 when it was not given.
    cpu_percent: i64,
    memory: Option<Aim>,
    dry_run: DryRun,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    required(matches, &["max"])?;
    let dry_run = dry_run(matches.text("dry-run"))?;
    let (min, max, cpu_percent) = (matches.integer("min"), matches.integer("max"), matches.integer("cpu-percent"));
    if max < 1 {
        return Err(Failure::message(format!("--max=MAXPODS is required and must be at least 1, max: {max}")));
    }
    if max < min {
        return Err(Failure::message(format!(
            "--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}"
        )));
    }
    let aimed = |name: &str, unit: &str| match matches.text(name) {
        "" => Ok(None),
        text => aim(text, name, unit).map(Some),
    };
    if cpu_percent > 0 && !matches.text("cpu").is_empty() {
        return Err(Failure::message("--cpu-percent and --cpu are mutually exclusive"));
    }
    let (cpu, memory) = (aimed("cpu", "m")?, aimed("memory", "Mi")?);
    let selection = Selection { words: matches.words(), sources: super::sources(matches)?, ..selection(matches) };
    Ok(Plan {
        wanted: Wanted::new(&selection, program)?,
        name: matches.text("name").into(),
        min,
        max,
        cpu,
        cpu_percent,
        memory,
        dry_run,
    })
}

fn aim(text: &str, resource: &str, unit: &str) -> Result<Aim, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::message("empty input"));
    }
    if let Some(number) = text.strip_suffix('%') {
        return match number.parse::<i32>() {
            Ok(percentage) if percentage >= 0 => Ok(Aim::Percentage(percentage.into())),
            _ => Err(Failure::message(format!("invalid percentage value: {number}"))),
        };
    }
    let quantity = match text.parse::<f64>() {
        // What is too large for a number is still a quantity.
        Ok(number) if number.is_finite() => Quantity::from_str(&format!("{}{unit}", json::float_g(number)))
            .map_err(|error| Failure::message(error.to_string()))?,
        _ => Quantity::from_str(text)
            .map_err(|_| Failure::message(format!("invalid resource {resource} value: {text}")))?,
    };
    Ok(Aim::Amount(quantity.to_string()))
}

/// The autoscaler in version 2 of its API.
fn autoscaler(plan: &Plan, name: &str, target: &Mapping) -> Object {
    let metric = |resource: &str, aim: &Aim| {
        let target = match aim {
            Aim::Percentage(percentage) => json!({"type": "Utilization", "averageUtilization": percentage}),
            Aim::Amount(amount) => json!({"type": "AverageValue", "averageValue": amount}),
        };
        json!({"type": "Resource", "resource": {"name": resource, "target": target}})
    };
    let old = (plan.cpu_percent > 0).then_some(Aim::Percentage(plan.cpu_percent));
    let metrics: Vec<Value> = old
        .iter()
        .chain(&plan.cpu)
        .map(|aim| metric("cpu", aim))
        .chain(plan.memory.iter().map(|aim| metric("memory", aim)))
        .collect();
    let mut object = frame(plan, "autoscaling/v2", name, target);
    if !metrics.is_empty() {
        object.put(&["spec", "metrics"], metrics);
    }
    object
}

/// What both versions have.
fn frame(plan: &Plan, version: &str, name: &str, target: &Mapping) -> Object {
    let own = if plan.name.is_empty() { name } else { &plan.name };
    let mut object = json!({
        "apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": {"name": own},
        "spec": {
            "scaleTargetRef": {"apiVersion": target.gvk.api_version(), "kind": target.gvk.kind, "name": name},
            "maxReplicas": plan.max,
        },
    });
    if plan.min > 0 {
        object.put(&["spec", "minReplicas"], plan.min);
    }
    object
}

/// The autoscaler in version 1, which knows only the old flag's number; why there is none where it says too little.
fn old_autoscaler(plan: &Plan, name: &str, target: &Mapping) -> Result<Object, Failure> {
    let fits = match &plan.cpu {
        None => Err("empty input"),
        Some(_) if plan.memory.is_some() => Err("%!w(<nil>)"),
        Some(Aim::Amount(_)) if plan.cpu_percent < 0 => Err("%!w(<nil>)"),
        Some(_) => Ok(()),
    };
    fits.map_err(|reason| {
        Failure::message(format!(
            "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: {reason}"
        ))
    })?;
    let mut object = frame(plan, "autoscaling/v1", name, target);
    if plan.cpu_percent >= 0 {
        object.put(&["spec", "targetCPUUtilizationPercentage"], plan.cpu_percent);
    }
    Ok(object)
}

/// Creates the autoscalers side by side.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let operation = if plan.dry_run == DryRun::Client { "created" } else { "autoscaled" };
    cx.typed_printer(matches, operation, plan.dry_run)?;
    let (cause, enforced) = (cx.change_cause.clone(), cx.enforced_namespace().map(String::from));
    let creation = |mut object: Object| {
        record::note(&mut object, cause.as_deref());
        let mut creation = Creation {
            object,
            dry_run: plan.dry_run,
            save_config: matches.on("save-config") && plan.dry_run != DryRun::Client,
            manager: matches.text("field-manager").to_string(),
            validation: None,
            complaint: "",
        };
        if let Some(namespace) = &enforced {
            creation.put_into(namespace);
        }
        creation.prepared()
    };
    let mut count = 0;
    cx.select(&plan.wanted)?.each(
        cx,
        async |cluster, info| create(cluster, &info, &plan, &creation).await,
        |cx, object| {
            count += 1;
            // Each object has a printer of its own: no line parts them.
            cx.typed_printer(matches, operation, plan.dry_run)?.print(&object, cx.stdout())
        },
    )?;
    if count == 0 { Err(Failure::message("no objects passed to autoscale")) } else { Ok(0) }
}

async fn create(
    cluster: Option<&Cluster>,
    info: &Info,
    plan: &Plan,
    creation: &impl Fn(Object) -> Creation,
) -> Result<Object, Failure> {
    if info.mapping.subresource("scale").is_none() {
        return Err(Failure::message(format!(
            "cannot autoscale a {}: could not find scale subresource for {} in discovery information",
            info.mapping.gvk.kind, info.mapping.gvr
        )));
    }
    let first = creation(autoscaler(plan, &info.name, &info.mapping));
    let Some(cluster) = cluster.filter(|_| plan.dry_run != DryRun::Client) else { return Ok(first.object) };
    match first.run(cluster).await {
        Ok(object) => Ok(object),
        Err(_) => creation(old_autoscaler(plan, &info.name, &info.mapping)?).run(cluster).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GroupVersionKind;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')), "kubectl")
    }

    #[test]
    fn numbers_must_make_sense() {
        for (line, words) in [
            ("autoscale deploy d", "required flag(s) \\\"max\\\" not set"),
            ("autoscale deploy d --max=0", "must be at least 1, max: 0"),
            ("autoscale deploy d --max=2 --min=3", "max: 2, min: 3"),
            ("autoscale deploy d --max=2 --cpu=1% --cpu-percent=3", "--cpu-percent and --cpu are mutually exclusive"),
            ("autoscale deploy d --max=2 --cpu=x%", "invalid percentage value: x"),
            ("autoscale deploy d --max=2 --memory=x", "invalid resource memory value: x"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
    }

    #[test]
    fn loads_are_read() {
        for (text, unit, want) in [
            ("70%", "m", Aim::Percentage(70)),
            ("500m", "m", Aim::Amount("500m".into())),
            ("500", "m", Aim::Amount("500m".into())),
            ("0.5", "Mi", Aim::Amount("512Ki".into())),
            ("1Gi", "Mi", Aim::Amount("1Gi".into())),
        ] {
            assert_eq!(aim(text, "x", unit).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn flags_become_an_autoscaler() {
        let target = Mapping { gvk: GroupVersionKind::new("apps", "v1", "Deployment"), ..Mapping::default() };
        let plan = planned("autoscale deploy d --min=1 --max=5 --cpu=80% --memory=200").unwrap();
        let spec = autoscaler(&plan, "d", &target)["spec"].clone();
        assert_eq!(
            (&spec["minReplicas"], &spec["metrics"][1]["resource"]["target"]["averageValue"]),
            (&json!(1), &json!("200Mi"))
        );
        assert!(old_autoscaler(&plan, "d", &target).is_err());
        let plan = planned("autoscale deploy d --max=5 --cpu=80%").unwrap();
        assert!(old_autoscaler(&plan, "d", &target).unwrap()["spec"].get("targetCPUUtilizationPercentage").is_none());
    }
}

//! `expose`: a service for what serves.

use super::flags::{Flags, text, words};
use super::objects::{Wanted, selection};
use super::{Context, Exit, Failure, sets};
use crate::api::ObjectExt;
use crate::ops::expose::{Service, check};
use crate::ops::generate::Creation;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::targets::Selection;
use crate::ops::{edit, overrides, record};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("expose")
        .about("Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service")
        .long_about(
            "Create a service for the pods of a deployment, replica set, replication controller or service, or for one pod. \
             Labels, selector and ports are taken from it unless they are given.",
        )
        .after_help(
            "# A deployment that serves on port 8000, on port 80\nkubectl expose deployment web --port=80 --target-port=8000\n\n\
             # One pod, under another name\nkubectl expose pod web --port=444 --name=front\n\n\
             # The pods of another service, on another port\nkubectl expose service web --port=443 --target-port=8443 --name=web-https",
        )
        .before_help("(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to expose."))
                .args(sets::output())
                .args([
                    sets::dry_run(),
                    sets::field_manager("kubectl-expose"),
                    sets::record(),
                    sets::save_config(),
                    text("cluster-ip", None, "", "The service's address; None for a service without one."),
                    text("external-ip", None, "", "An address that leads to the cluster."),
                    text("labels", Some('l'), "", "KEY=value,... for the service's labels."),
                    text("load-balancer-ip", None, "", "The address of the load balancer."),
                    text("name", None, "", "The service's name; that of the object without it."),
                    text("override-type", None, "merge", "How --overrides is put in: json, merge or strategic."),
                    text("overrides", None, "", "JSON that is put over the generated service."),
                    text("port", None, "", "The service's port; those of the object without it."),
                    text("protocol", None, "", "TCP, UDP or SCTP; TCP unless the object says otherwise."),
                    text("selector", None, "", "KEY=value,... of the pods; taken from the object without it."),
                    text("session-affinity", None, "", "None or ClientIP."),
                    text("target-port", None, "", "The pods' port, or its name."),
                    text("type", None, "", "ClusterIP, NodePort, LoadBalancer or ExternalName."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    service: Service,
    dry_run: DryRun,
    overrides: (String, String),
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let text = |name: &str| matches.text(name).to_string();
    // What -l and --selector say is about the service, not about the objects.
    let selection = Selection {
        words: matches.words(),
        sources: super::sources(matches)?,
        labels: String::new(),
        ..selection(matches)
    };
    Ok(Plan {
        dry_run: dry_run(matches.text("dry-run"))?,
        wanted: Wanted::new(&selection, program)?.typed(),
        service: Service {
            name: text("name"),
            selector: text("selector"),
            labels: text("labels"),
            port: text("port"),
            protocol: text("protocol"),
            target_port: text("target-port"),
            kind: text("type"),
            external_ip: text("external-ip"),
            load_balancer_ip: text("load-balancer-ip"),
            session_affinity: text("session-affinity"),
            cluster_ip: text("cluster-ip"),
            ..Service::default()
        },
        overrides: (text("overrides"), text("override-type")),
    })
}

/// Creates a service for each object, one after the other: what was found out for one is kept for the next.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut plan = plan(matches, cx.program.name())?;
    let printer = cx.typed_printer(matches, "exposed", plan.dry_run)?;
    let (infos, mut faults) = cx.select(&plan.wanted)?.read(cx)?;
    for (index, info) in infos.into_iter().enumerate() {
        let made = check(&info.object)
            .and_then(|()| edit::typed(&info.object, &info.source))
            .and_then(|object| plan.service.complete(&object).map(|()| object))
            .and_then(|object| plan.service.object(object.name()))
            .and_then(|service| overrides::apply(service, &plan.overrides.0, &plan.overrides.1));
        let printed = made.and_then(|mut service| {
            record::note(&mut service, cx.change_cause.as_deref());
            let service = create(service, &plan, matches, cx)?;
            printer.print(&service, cx.stdout())
        });
        if let Err(failure) = printed {
            faults.add_at(index, failure);
        }
    }
    faults.sum().map(|()| 0)
}

fn create(
    service: crate::api::Object,
    plan: &Plan,
    matches: &ArgMatches,
    cx: &mut Context,
) -> Result<crate::api::Object, Failure> {
    let mut creation = Creation {
        object: service,
        dry_run: plan.dry_run,
        save_config: matches.on("save-config") && plan.dry_run != DryRun::Client,
        manager: matches.text("field-manager").to_string(),
        validation: None,
        complaint: "",
    };
    if plan.dry_run == DryRun::Client {
        if let Some(namespace) = cx.enforced_namespace() {
            creation.put_into(namespace);
        }
        return Ok(creation.prepared().object);
    }
    let cluster = cx.cluster()?;
    cx.block_on(creation.prepared().run(&cluster))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_about_the_service() {
        let line = "expose deploy d --selector=a=b -l c=d --port=80";
        let plan = plan(&command().get_matches_from(line.split(' ')), "kubectl").unwrap();
        assert_eq!((plan.service.selector.as_str(), plan.service.labels.as_str()), ("a=b", "c=d"));
        assert!(plan.wanted.labels.is_empty());
    }
}

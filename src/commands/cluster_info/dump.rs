//! `cluster-info dump`: all that helps to find out what is wrong with a cluster, on stdout or in files.

use crate::api::{GoDuration, GroupVersionResource, ObjectExt, Value, gotext};
use crate::client::{Client, Mapping, Request};
use crate::commands::flags::{Flags, list, span, switch, text, words};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::edit;
use crate::ops::logs::pods;
use crate::output::format::{self, Chosen};
use clap::{ArgMatches, Command};
use futures_util::{StreamExt, stream};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How the command is called.
pub fn command() -> Command {
    Command::new("dump")
        .about("Dump relevant information for debugging and diagnosis")
        .long_about(
            "Print the nodes, and of each namespace the events, controllers, services and pods with their logs.\n\n \
             Without --namespaces or -A they are those of the context's namespace and of kube-system.",
        )
        .after_help(
            "# All on stdout\nkubectl cluster-info dump\n\n# In files, of all namespaces\nkubectl cluster-info dump -A --output-directory=state",
        )
        .before_help("[flags]")
        .defer(|c| {
            let output = sets::output().into_iter();
            c.args(output.map(|flag| if flag.get_id() == "output" { flag.default_value("json") } else { flag })).args([
                switch("all-namespaces", Some('A'), false, "Dump all namespaces; --namespaces does not count then."),
                list("namespaces", None, "The namespaces to dump."),
                text("output-directory", None, "", "The folder for the files; without it, or with -, stdout."),
                span("pod-running-timeout", "20s", "Accepted for compatibility; nothing is waited for."),
                words(),
            ])
        })
}

/// What is dumped of each namespace: the file, the group and the resource.
const LISTS: [(&str, &str, &str); 7] = [
    ("events", "", "events"),
    ("replication-controllers", "", "replicationcontrollers"),
    ("services", "", "services"),
    ("daemonsets", "apps", "daemonsets"),
    ("deployments", "apps", "deployments"),
    ("replicasets", "apps", "replicasets"),
    ("pods", "", "pods"),
];
/// How many questions are open at once.
const AT_ONCE: usize = 16;

struct Plan {
    all_namespaces: bool,
    namespaces: Vec<String>,
    /// Where the files go; none for stdout.
    folder: Option<PathBuf>,
    ending: &'static str,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    if matches.span("pod-running-timeout") <= GoDuration(0) {
        return Err(Failure::message("--pod-running-timeout must be higher than zero"));
    }
    Ok(Plan {
        all_namespaces: matches.on("all-namespaces"),
        namespaces: matches.list("namespaces"),
        folder: Some(matches.text("output-directory")).filter(|folder| !["", "-"].contains(folder)).map(PathBuf::from),
        ending: match matches.text("output") {
            "json" => ".json",
            "yaml" => ".yaml",
            _ => ".txt",
        },
    })
}

/// Reads all and writes it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let chosen = cx.typed_chosen(matches, format::COMMON)?;
    let cluster = cx.cluster()?;
    let plan = plan(matches)?;
    let runtime = cx.runtime()?;
    let folder = plan.folder.clone();
    let mut dump = Dump { cx, client: &cluster.client, plan, chosen };
    runtime.block_on(dump.all(&cluster.namespace))?;
    if let Some(folder) = folder {
        cx.print(&format!("Cluster info dumped to {}\n", folder.display()))?;
    }
    Ok(0)
}

struct Dump<'a> {
    cx: &'a mut Context,
    client: &'a Client,
    plan: Plan,
    chosen: Chosen,
}

impl Dump<'_> {
    async fn all(&mut self, own: &str) -> Result<(), Failure> {
        let nodes = read(self.client, "", "", "nodes").await?;
        self.list("nodes", nodes)?;
        let mut namespaces = self.plan.namespaces.clone();
        if self.plan.all_namespaces {
            let found = read(self.client, "", "", "namespaces").await?;
            namespaces = found.items_at(&["items"]).iter().map(|namespace| namespace.name().to_owned()).collect();
        } else if namespaces.is_empty() {
            namespaces = vec!["kube-system".into(), own.into()];
        }
        for namespace in &namespaces {
            self.namespace(namespace).await?;
        }
        Ok(())
    }

    async fn namespace(&mut self, namespace: &str) -> Result<(), Failure> {
        let client = self.client;
        let mut lists = stream::iter(LISTS)
            .map(|(file, group, resource)| async move { (file, read(client, namespace, group, resource).await) })
            .buffered(LISTS.len());
        let mut pods = Value::Null;
        while let Some((file, answer)) = lists.next().await {
            let answer = answer?;
            if file == "pods" {
                pods = answer.clone();
            }
            self.list(&format!("{namespace}/{file}"), answer)?;
        }
        let pods = pods.items_at(&["items"]);
        let mut logs =
            stream::iter(pods).map(|pod| async move { (pod.name(), logs(client, pod).await) }).buffered(AT_ONCE);
        while let Some((name, text)) = logs.next().await {
            self.write(&format!("{namespace}/{name}/logs.txt"), &text)?;
        }
        Ok(())
    }

    /// Prints a list in the format that was asked for.
    fn list(&mut self, file: &str, list: Value) -> Result<(), Failure> {
        let mut text = Vec::new();
        let mut list = edit::typed(&list, "")?;
        if list.items_at(&["items"]).is_empty() {
            // kubectl asks for these lists in protobuf, in which one without items is the same as none.
            list.put(&["items"], Value::Null);
        }
        match &mut self.chosen {
            Chosen::Objects(printer) => printer.object(list, &mut text)?,
            Chosen::Human { .. } | Chosen::Name(_) => {
                let kind = list.group_version_kind();
                return Err(Failure::Message(format!(
                    "list types are not supported by name printing: *{}.{}",
                    kind.version, kind.kind
                )));
            }
        }
        let ending = self.plan.ending;
        self.write(&format!("{file}{ending}"), &text)
    }

    fn write(&mut self, file: &str, text: &[u8]) -> Result<(), Failure> {
        match &self.plan.folder {
            None => Ok(self.cx.stdout().write_all(text)?),
            Some(folder) => write_private(&folder.join(file), text),
        }
    }
}

/// Writes a file that nobody else may read: what it holds may be secret.
fn write_private(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let failed = |verb: &str, path: &Path, why: &str| Failure::Message(format!("{verb} {}: {why}", path.display()));
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| {
            // Go names the first folder on the way that cannot be made.
            let way = folder.ancestors().collect::<Vec<_>>();
            let first = way.into_iter().rev().find(|path| !path.is_dir()).unwrap_or(folder);
            failed("mkdir", first, &if first.exists() { "not a directory".into() } else { gotext::errno(&error) })
        })?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| failed("open", path, &gotext::errno(&error)))?;
    file.write_all(text).map_err(|error| failed("write", path, &gotext::errno(&error)))
}

async fn read(client: &Client, namespace: &str, group: &str, resource: &str) -> Result<Value, Failure> {
    let gvr = GroupVersionResource::new(group, "v1", resource);
    let mapping = Mapping { gvr, namespaced: !namespace.is_empty(), ..Mapping::default() };
    Ok(client.json(&Request::list(&mapping, namespace)).await?)
}

/// The logs of a pod's containers, or why there are none.
async fn logs(client: &Client, pod: &Value) -> Vec<u8> {
    let (namespace, name) = (pod.namespace(), pod.name());
    let mapping = pods();
    let mut text = Vec::new();
    let containers = ["initContainers", "containers"].into_iter().flat_map(|key| pod.items_at(&["spec", key]));
    for container in containers.map(|container| container.text(&["name"])) {
        text.extend(format!("==== START logs for container {container} of pod {namespace}/{name} ====\n").bytes());
        let request = Request::get(&mapping, namespace, name).subresource("log").query("container", container);
        match client.send(&request).await {
            Ok(answer) => text.extend(answer.body),
            Err(error) => text.extend(format!("Request log error: {}\n", Failure::from(error).words()).bytes()),
        }
        text.extend(format!("==== END logs for container {container} of pod {namespace}/{name} ====\n").bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let planned = |line: &str| {
            let matches = command().try_get_matches_from(line.split(' ')).unwrap();
            plan(&matches).map_err(|failure| failure.words())
        };
        let usual = planned("dump").unwrap();
        assert_eq!((usual.folder, usual.ending), (None, ".json"));
        assert_eq!(planned("dump --output-directory=-").unwrap().folder, None);
        let files = planned("dump -o kyaml --output-directory=a --namespaces=x,y").unwrap();
        assert_eq!((files.folder, files.ending), (Some("a".into()), ".txt"));
        assert_eq!(files.namespaces, ["x", "y"]);
        let complaint = "--pod-running-timeout must be higher than zero";
        assert_eq!(planned("dump --pod-running-timeout=0s").err().as_deref(), Some(complaint));
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private() {
        let folder = crate::kubeconfig::test_folder("dump");
        let path = PathBuf::from(folder.file("a/b/c.json"));
        write_private(&path, b"x").unwrap();
        let mode =
            |path: &Path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let error = write_private(&path.join("d"), b"x").unwrap_err().words();
        assert!(error.starts_with("mkdir ") && error.ends_with("not a directory"), "{error}");
    }
}

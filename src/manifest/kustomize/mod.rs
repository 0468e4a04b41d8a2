//! Kustomizations: folders that say which manifests to take, and what to change in them
//! (https://kubectl.docs.kubernetes.io/references/kustomize/, version 5.8).
//!
//! A build reads the folder's file, gathers the resources that it names (from files, from other folders, from
//! generators), and carries out what it says on them in a fixed order. References by name, hashes and vars come last,
//! once, when all names are known.

mod config;
mod fields;
mod file;
mod generate;
mod load;
mod merge;
mod names;
mod patch;
mod replace;
mod resource;
mod select;
mod sort;
mod transform;
mod vars;

pub use load::Restriction;

use crate::api::gotext::errno;
use crate::api::{Object, ObjectExt, Value};
use crate::yaml;
use config::Config;
use file::texts;
use load::Root;
use resource::{Resource, Resources};
use std::fs;
use std::path::Path;
use vars::Vars;

/// The kustomize whose builds these are.
const VERSION: &str = "v5.8.1";

/// An annotation of objects that are of use only to other tools.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// Why something cannot be built, in kustomize's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem(pub String);

type Outcome<T> = Result<T, Problem>;

impl Problem {
    fn within(self, place: &str) -> Self {
        Problem(format!("{place}: {}", self.0))
    }

    /// Says which part of the file is wrong.
    fn configuring(self, part: &str, config: &Value) -> Self {
        let config = yaml::to_string(config);
        Problem(format!("trouble configuring builtin {part} with config: `\n{config}`: {}", self.0))
    }

    /// Says the file of a text that is no YAML.
    fn of_file(self, path: &str) -> Self {
        if self.is_malformed() { Problem(format!("{} in File: {path}", self.0)) } else { self }
    }

    fn is_malformed(&self) -> bool {
        self.0.contains("MalformedYAMLError")
    }
}

/// What a build gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The objects, in their order; or why there are none, in kustomize's words.
    pub objects: Result<Vec<Object>, String>,
    /// What the user should know in any case.
    pub warnings: Vec<String>,
    /// What is logged.
    pub log: Vec<String>,
}

/// Builds the kustomization in a folder. What others need comes first, unless the file has another order.
pub fn build(folder: &str, restriction: Restriction) -> Built {
    let mut build = Build::default();
    let objects = match build.run(folder, restriction) {
        Ok(resources) => Ok(resources.0.into_iter().map(|resource| resource.object).collect()),
        Err(Problem(words)) => Err(words),
    };
    Built { objects, warnings: build.warnings, log: build.log }
}

/// The objects as one text, with `---` between them.
pub fn text(objects: &[Object]) -> String {
    let texts: Vec<String> = objects.iter().map(yaml::to_string).collect();
    texts.join("---\n")
}

/// Writes the objects to a file.
///
/// # Errors
/// When the file cannot be written, in the words of the system.
pub fn write(path: &Path, objects: &[Object]) -> Result<(), String> {
    fs::write(path, text(objects)).map_err(|error| format!("open {}: {}", path.display(), errno(&error)))
}

#[derive(Debug, Default)]
struct Build {
    warnings: Vec<String>,
    log: Vec<String>,
}

/// What has been gathered.
#[derive(Debug, Default)]
struct Gathered {
    resources: Resources,
    config: Config,
    vars: Vars,
}

impl Gathered {
    fn new() -> Self {
        Gathered { config: Config::built_in(), ..Gathered::default() }
    }

    fn merge(&mut self, other: Gathered) -> Outcome<()> {
        self.resources.append_all(other.resources.0)?;
        self.config.merge(other.config)?;
        self.vars.merge(other.vars)
    }
}

impl Build {
    fn run(&mut self, folder: &str, restriction: Restriction) -> Outcome<Resources> {
        let root = Root::new(folder, restriction)?;
        let file = self.read(&root)?;
        let Gathered { mut resources, config, vars } = self.target(&file, &root, Gathered::new())?;
        generate::add_hashes(&mut resources);
        names::follow(&mut resources, &config)?;
        vars.resolve(&mut resources, &config, &mut self.log)?;
        resources.0.retain(|resource| matches!(resource.object.annotation(LOCAL), None | Some("false")));
        sort::sort(&mut resources, &file)?;
        if texts(&file, "buildMetadata").any(|option| option == "managedByLabel") {
            for resource in &mut resources.0 {
                resource
                    .object
                    .put(&["metadata", "labels", "app.kubernetes.io/managed-by"], format!("kustomize-{VERSION}"));
            }
        }
        for resource in &mut resources.0 {
            let annotations = resource.object.at(&["metadata", "annotations"]);
            if annotations.and_then(Value::as_object).is_some_and(|annotations| annotations.is_empty()) {
                resource.object.take_at(&["metadata", "annotations"]);
            }
        }
        Ok(resources)
    }

    /// Reads the file of a folder, and refuses what cannot be.
    fn read(&mut self, root: &Root) -> Outcome<Value> {
        let (_, content) = root.kustomization()?;
        let file = file::read(&content, &mut self.warnings)?;
        let is_empty = file.as_object().is_none_or(|file| file.keys().all(|key| key == "apiVersion" || key == "kind"));
        if is_empty {
            return Err(Problem("kustomization.yaml is empty".into()));
        }
        let kind = if file.kind().is_empty() { "Kustomization" } else { file.kind() };
        let version = match kind {
            "Component" => "kustomize.config.k8s.io/v1alpha1",
            _ => "kustomize.config.k8s.io/v1beta1",
        };
        let mut wrong = Vec::new();
        if !matches!(kind, "Kustomization" | "Component") {
            wrong.push("kind should be Kustomization or Component".to_string());
        }
        if !file.api_version().is_empty() && file.api_version() != version {
            wrong.push(format!("apiVersion for {kind} should be {version}"));
        }
        if !wrong.is_empty() {
            let (path, wrong) = (root.path.display(), wrong.join("\n"));
            return Err(Problem(format!("Failed to read kustomization file under {path}:\n{wrong}")));
        }
        if let Some(chart) = file.items_at(&["helmCharts"]).first() {
            let problem = Problem("must specify --enable-helm".into());
            return Err(problem.configuring("HelmChartInflationGenerator", chart));
        }
        for field in ["openapi", "crds", "helmChartInflationGenerator", "generators", "transformers", "validators"] {
            if file.get(field).is_some() {
                return Err(Problem(format!("'{field}' is not supported yet, in {}", root.path.display())));
            }
        }
        if texts(&file, "buildMetadata").any(|option| option != "managedByLabel") {
            return Err(Problem(format!("'buildMetadata' knows only managedByLabel yet, in {}", root.path.display())));
        }
        Ok(file)
    }

    /// Gathers what a file names, and carries out what it says.
    fn target(&mut self, file: &Value, root: &Root, mut gathered: Gathered) -> Outcome<Gathered> {
        for path in texts(file, "resources") {
            self.resource(path, root, &mut gathered).map_err(|problem| problem.within("accumulating resources"))?;
        }
        for path in texts(file, "configurations") {
            let content = root.load(path)?;
            gathered.config.add(&yaml::from_slice(&content).map_err(|error| Problem(error.to_string()))?)?;
        }
        generate::generate(&mut gathered.resources, file, root)?;
        for path in texts(file, "components") {
            gathered =
                self.component(path, root, gathered).map_err(|problem| problem.within("accumulating components"))?;
        }
        transform(file, root, &mut gathered)?;
        let Gathered { resources, vars, .. } = &mut gathered;
        vars.add(file.items_at(&["vars"]), resources).map_err(|problem| problem.within("merging vars"))?;
        Ok(gathered)
    }

    /// What `resources` names is a file or, when it cannot be read as one, a folder.
    fn resource(&mut self, path: &str, root: &Root, gathered: &mut Gathered) -> Outcome<()> {
        let as_file = read_file(path, root)
            .map_err(|problem| problem.within(&format!("accumulating resources from '{path}'")))
            .and_then(|found| {
                let added = gathered.resources.append_all(found);
                added.map_err(|problem| problem.within(&format!("merging resources from '{path}'")))
            });
        let Err(reason) = as_file else { return Ok(()) };
        let place = format!("accumulation err='{}'", reason.0);
        let inner = match root.below(path) {
            Ok(inner) => inner,
            Err(_) if reason.is_malformed() => return Err(reason),
            Err(problem) => return Err(problem.within(&place)),
        };
        self.folder(&inner, gathered).map_err(|problem| problem.within(&place))
    }

    fn folder(&mut self, root: &Root, gathered: &mut Gathered) -> Outcome<()> {
        let shown = root.path.display();
        let file = self.read_below(root)?;
        if file.kind() == "Component" {
            return Err(Problem(format!("expected kind != 'Component' for path '{shown}'")));
        }
        let inner = self
            .target(&file, root, Gathered::new())
            .map_err(|problem| problem.within(&format!("recursed accumulation of path '{shown}'")))?;
        gathered.merge(inner).map_err(|problem| problem.within(&format!("recursed merging from path '{shown}'")))
    }

    /// A component changes what the kustomization that names it has gathered.
    fn component(&mut self, path: &str, root: &Root, gathered: Gathered) -> Outcome<Gathered> {
        let quoted = |call: &'static str| move |problem: Problem| Problem(format!("{call}{:?}", problem.0));
        let root = root.below(path).map_err(quoted("loader.New "))?;
        let shown = root.path.display();
        let run = |this: &mut Self| {
            let file = this.read_below(&root)?;
            if file.kind() != "Component" {
                let found = if file.kind().is_empty() { "Kustomization" } else { file.kind() };
                return Err(Problem(format!("expected kind 'Component' for path '{shown}' but got '{found}'")));
            }
            this.target(&file, &root, gathered)
                .map_err(|problem| problem.within(&format!("recursed accumulation of path '{shown}'")))
        };
        run(self).map_err(quoted("accumulateDirectory: "))
    }

    fn read_below(&mut self, root: &Root) -> Outcome<Value> {
        let place = format!("couldn't make target for path '{}'", root.path.display());
        self.read(root).map_err(|problem| problem.within(&place))
    }
}

fn read_file(path: &str, root: &Root) -> Outcome<Vec<Resource>> {
    resource::parse(&root.load(path)?).map_err(|problem| problem.of_file(path))
}

/// Carries out what a file says of all resources, in kustomize's order.
fn transform(file: &Value, root: &Root, gathered: &mut Gathered) -> Outcome<()> {
    let Gathered { resources, config, .. } = gathered;
    patch::strategic(resources, file, root)?;
    for entry in file.items_at(&["patches"]) {
        patch::patch(resources, entry, root)?;
    }
    if !file.text(&["namespace"]).is_empty() {
        transform::namespace(resources, file.text(&["namespace"]), &config.namespace)?;
    }
    for (field, is_prefix, fields) in
        [("namePrefix", true, &config.name_prefix), ("nameSuffix", false, &config.name_suffix)]
    {
        if !file.text(&[field]).is_empty() {
            transform::rename(resources, file.text(&[field]), is_prefix, fields)?;
        }
    }
    for entry in file.items_at(&["labels"]) {
        transform::labels(resources, entry, config)?;
    }
    transform::enter_all(resources, file.get("commonLabels"), &config.common_labels)?;
    transform::enter_all(resources, file.get("commonAnnotations"), &config.common_annotations)?;
    for entry in file.items_at(&["patchesJson6902"]) {
        patch::json6902(resources, entry, root)?;
    }
    for entry in file.items_at(&["replicas"]) {
        transform::replicas(resources, entry, &config.replicas)?;
    }
    for entry in file.items_at(&["images"]) {
        transform::image(resources, entry, &config.images)?;
    }
    for entry in file.items_at(&["replacements"]) {
        replace::replace(resources, entry, root)?;
    }
    Ok(())
}

//! What the commands that make an object from flags share: their flags, and how the object is created and printed.

use crate::api::Object;
use crate::commands::flags::{Flags, lines, list, switch};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::generate::Creation;
use crate::ops::options::{DryRun, Validation, dry_run};
use crate::ops::pairs::PairSources;
use clap::{Arg, ArgMatches};

/// The flags of a generator.
pub fn flags() -> Vec<Arg> {
    let mut all = sets::output();
    all.extend([sets::save_config(), sets::validate(), sets::dry_run(), sets::field_manager("kubectl-create")]);
    all
}

/// The flags that say where keys and values come from.
pub fn source_flags() -> Vec<Arg> {
    vec![
        list("from-file", None, "A file, or KEY=file, or a folder of files."),
        lines("from-literal", None, "KEY=value; may be repeated."),
        list("from-env-file", None, "A file with KEY=value lines."),
        switch("append-hash", None, false, "Put a hash of the contents behind the name."),
    ]
}

/// The flags that say whom a role is bound to. They are there from the start, not only when the command is built:
/// --user stands in for the global flag.
pub fn subject_flags() -> [Arg; 3] {
    [
        lines("group", None, "A group's name; may be repeated."),
        lines("serviceaccount", None, "A service account, as NAMESPACE:NAME; may be repeated."),
        lines("user", None, "A user's name; may be repeated."),
    ]
}

/// Reads the flags that say where keys and values come from.
pub fn sources(matches: &ArgMatches) -> Result<PairSources, Failure> {
    let sources = PairSources {
        literals: matches.list("from-literal"),
        files: matches.list("from-file"),
        env_files: matches.list("from-env-file"),
    };
    sources.check()?;
    Ok(sources)
}

/// The one name that a generator takes, which says something.
pub fn name(matches: &ArgMatches, command: &str) -> Result<String, Failure> {
    match any_name(matches, command)? {
        name if name.is_empty() => Err(Failure::message("name must be specified")),
        name => Ok(name),
    }
}

/// The one name that a generator takes, where an empty one is for the server to refuse.
pub fn any_name(matches: &ArgMatches, command: &str) -> Result<String, Failure> {
    match matches.words().as_slice() {
        [name] => Ok(name.clone()),
        words => Err(Failure::Usage {
            message: format!("exactly one NAME is required, got {}", words.len()),
            command: command.into(),
        }),
    }
}

/// Makes the object as the shared flags say, and prints it. `complaint` is what kubectl puts before a failure.
pub fn create(
    object: Object,
    complaint: &'static str,
    matches: &ArgMatches,
    cx: &mut Context,
) -> Result<Exit, Failure> {
    make(object, complaint, matches.on("save-config"), matches, cx)
}

/// As [`create`], without keeping the configuration whatever the flags say.
pub fn create_without_config(
    object: Object,
    complaint: &'static str,
    matches: &ArgMatches,
    cx: &mut Context,
) -> Result<Exit, Failure> {
    make(object, complaint, false, matches, cx)
}

fn make(
    object: Object,
    complaint: &'static str,
    save_config: bool,
    matches: &ArgMatches,
    cx: &mut Context,
) -> Result<Exit, Failure> {
    let dry_run = dry_run(matches.text("dry-run"))?;
    let printer = cx.typed_printer(matches, "created", dry_run)?;
    let mut creation = Creation {
        object,
        dry_run,
        save_config,
        manager: matches.text("field-manager").to_string(),
        validation: Some(Validation::parse(matches.text("validate"))?),
        complaint,
    };
    if let Some(namespace) = cx.enforced_namespace() {
        creation.put_into(namespace);
    }
    let creation = creation.prepared();
    let object = match dry_run {
        DryRun::Client => creation.object,
        _ => {
            let cluster = cx.cluster()?;
            cx.block_on(creation.run(&cluster))?
        }
    };
    printer.print(&object, cx.stdout())?;
    Ok(0)
}

//! `config`: what kubeconfig files say, and changes to them.

mod current_context;
mod delete_cluster;
mod delete_context;
mod delete_user;
mod get_clusters;
mod get_contexts;
mod get_users;
mod property;
mod rename_context;
mod set;
mod set_cluster;
mod set_context;
mod set_credentials;
mod unset;
mod use_context;
mod view;

use super::flags::Flags;
use super::{Context, Entry, Failure, leaf};
use crate::kubeconfig::{self, Config, Sources};
use clap::{ArgMatches, Command};

/// The commands below it.
pub static BELOW: &[Entry] = &[
    leaf(current_context::command, current_context::run),
    leaf(delete_cluster::command, delete_cluster::run),
    leaf(delete_context::command, delete_context::run),
    leaf(delete_user::command, delete_user::run),
    leaf(get_clusters::command, get_clusters::run),
    leaf(get_contexts::command, get_contexts::run),
    leaf(get_users::command, get_users::run),
    leaf(rename_context::command, rename_context::run),
    leaf(set::command, set::run),
    leaf(set_cluster::command, set_cluster::run),
    leaf(set_context::command, set_context::run),
    leaf(set_credentials::command, set_credentials::run),
    leaf(unset::command, unset::run),
    leaf(use_context::command, use_context::run),
    leaf(view::command, view::run),
];

/// How the group is called.
pub fn command() -> Command {
    Command::new("config")
        .about("Modify kubeconfig files")
        .long_about(
            "Show and change kubeconfig files.\n\n \
             With --kubeconfig that file alone counts. Otherwise the files in $KUBECONFIG are read as one: the first to \
             say something wins, a change goes to the file that had the entry, and a new entry to the first file that \
             exists. Without $KUBECONFIG it is ~/.kube/config.",
        )
        .before_help("SUBCOMMAND")
        .defer(|c| c.arg(super::flags::words()))
}

/// The kubeconfig files that a command works on, and what they say together.
struct Files {
    sources: Sources,
    config: Config,
}

impl Files {
    /// Reads them.
    fn load(cx: &Context) -> Result<Self, Failure> {
        let sources = cx.kubeconfig_sources();
        let config = sources.load_for_editing().map_err(failed)?;
        Ok(Files { sources, config })
    }

    /// Writes them back; `relative` says that paths may be written relative to the file's folder.
    fn save(&self, relative: bool) -> Result<(), Failure> {
        kubeconfig::modify(&self.sources, &self.config, relative).map_err(failed)
    }

    /// The file that messages name.
    fn name(&self) -> &str {
        self.sources.default_file()
    }
}

fn failed(error: kubeconfig::Error) -> Failure {
    Failure::from(crate::client::Error::from(error))
}

/// The words of a command that takes exactly `COUNT` of them; else its help, and what was wrong.
fn words<const COUNT: usize>(matches: &ArgMatches, cx: &mut Context) -> Result<[String; COUNT], Failure> {
    let words = matches.words();
    match <[String; COUNT]>::try_from(words) {
        Ok(words) => Ok(words),
        Err(words) => {
            let path: Vec<String> = cx.command_path.split(' ').map(String::from).collect();
            let help = super::help::text(&path, cx.program.name());
            cx.print(&help)?;
            Err(Failure::message(format!("Unexpected args: [{}]", words.join(" "))))
        }
    }
}

/// The name that a deletion is about; none when the help was shown instead.
fn only_word(matches: &ArgMatches, cx: &mut Context, what: &str) -> Result<Option<String>, Failure> {
    match matches.words().as_slice() {
        [name] => Ok(Some(name.clone())),
        _ if what == "user" => {
            Err(Failure::Usage { message: "user to delete is required".into(), command: cx.command_path.clone() })
        }
        _ => {
            let path: Vec<String> = cx.command_path.split(' ').map(String::from).collect();
            super::help::print(&path, cx)?;
            Ok(None)
        }
    }
}

/// Refuses a file that is not there.
fn must_exist(flag: &str, path: &str) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::message(format!(
            "could not stat {flag} file {path}: stat {path}: {}",
            crate::api::gotext::errno(&error)
        ))),
    }
}

/// Reads a file that is to be copied into the kubeconfig.
fn read(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::message(crate::api::gotext::unread(path, &error)))
}

/// A path that does not depend on the working folder.
fn absolute(path: &str) -> Result<String, Failure> {
    Ok(std::path::absolute(path)?.to_string_lossy().into_owned())
}

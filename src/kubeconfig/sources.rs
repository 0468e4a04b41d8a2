//! Which files there are, what they say together, and which of them a change goes to.

use super::model::Config;
use super::{Error, decode, paths};
use crate::api::gotext;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// How a program's environment is asked for a variable. Tests give their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The kubeconfig files: the one of `--kubeconfig`, else those of `$KUBECONFIG`, else `~/.kube/config`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sources {
    explicit: bool,
    files: Vec<String>,
}

impl Sources {
    /// The files that the flag (empty for none) and the environment name.
    pub fn new(flag: &str, env: Environment) -> Self {
        if !flag.is_empty() {
            return Self { explicit: true, files: vec![flag.into()] };
        }
        let mut files: Vec<String> = Vec::new();
        for path in std::env::split_paths(&env("KUBECONFIG").unwrap_or_default()) {
            let file = path.to_string_lossy().into_owned();
            if !file.is_empty() && !files.contains(&file) {
                files.push(file);
            }
        }
        if files.is_empty() {
            let home = home(env).unwrap_or_default();
            files.push(home.join(".kube").join("config").to_string_lossy().into_owned());
        }
        Self { explicit: false, files }
    }

    /// Whether the file was named by `--kubeconfig`.
    pub fn is_explicit(&self) -> bool {
        self.explicit
    }

    /// The files, the first of which goes before the others.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The file that new entries go to: the first that exists, else the last.
    pub fn default_file(&self) -> &str {
        let existing = self.files.iter().find(|file| fs::metadata(file).is_ok());
        existing.or(self.files.last()).map_or("", String::as_str)
    }

    /// Reads and merges the files: of entries of one name, the first counts, as does the first current context. Files
    /// of a list that are not there are passed over. Paths stay as they are written.
    ///
    /// # Errors
    /// [`Error::Missing`] for the file of `--kubeconfig`, and everything that is wrong with the others.
    pub fn load(&self) -> Result<Config, Error> {
        let mut merged = Config::default();
        let mut faults: Vec<String> = Vec::new();
        for file in &self.files {
            match read(file) {
                Ok(Some(config)) => merge(&mut merged, config),
                Ok(None) if self.explicit => return Err(Error::Missing(file.clone())),
                Ok(None) => {}
                Err(fault) => {
                    let fault = format!("error loading config file \"{file}\": {fault}");
                    if !faults.contains(&fault) {
                        faults.push(fault);
                    }
                }
            }
        }
        match faults.len() {
            0 => Ok(merged),
            1 => Err(Error::Message(faults.swap_remove(0))),
            _ => Err(Error::Several(faults)),
        }
    }

    /// Like [`Sources::load`], for commands that work on the files themselves: there, a file of `--kubeconfig` may
    /// still be missing.
    pub fn load_for_editing(&self) -> Result<Config, Error> {
        match self.load() {
            Err(Error::Missing(_)) => Ok(Config::default()),
            other => other,
        }
    }

    /// Like [`Sources::load`], with paths resolved against the folder of the file that has them.
    pub fn load_resolved(&self) -> Result<Config, Error> {
        let mut config = self.load()?;
        config.each_entry(|entry| {
            let folder = paths::folder_of(entry.origin());
            entry.paths().into_iter().for_each(|path| paths::resolve(path, &folder));
        });
        Ok(config)
    }
}

/// The user's home.
pub fn home(env: Environment) -> Option<PathBuf> {
    env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from).or_else(dirs::home_dir)
}

/// Reads one file; none when it is not there. Entries remember the file.
pub(super) fn read(file: &str) -> Result<Option<Config>, String> {
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            return Err(format!("read {file}: {}", gotext::errno(&error)));
        }
        Err(error) => return Err(format!("open {file}: {}", gotext::errno(&error))),
    };
    let mut config = decode::config(&text)?;
    config.each_entry(|entry| entry.set_origin(file));
    Ok(Some(config))
}

fn merge(into: &mut Config, from: Config) {
    fn add<T>(into: &mut BTreeMap<String, T>, from: BTreeMap<String, T>) {
        for (name, value) in from {
            into.entry(name).or_insert(value);
        }
    }
    add(&mut into.clusters, from.clusters);
    add(&mut into.users, from.users);
    add(&mut into.contexts, from.contexts);
    add(&mut into.extensions, from.extensions);
    add(&mut into.preferences.extensions, from.preferences.extensions);
    into.preferences.colors |= from.preferences.colors;
    if into.current_context.is_empty() {
        into.current_context = from.current_context;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::test_folder;

    #[test]
    fn files_come_from_the_flag_the_environment_or_the_home() {
        for (flag, list, files, explicit) in [
            ("f", "a:b", vec!["f"], true),
            ("", "a::b:a", vec!["a", "b"], false),
            ("", "", vec!["/home/x/.kube/config"], false),
        ] {
            let env = |name: &str| match name {
                "KUBECONFIG" => Some(list.to_owned()),
                "HOME" => Some("/home/x".to_owned()),
                _ => None,
            };
            let sources = Sources::new(flag, &env);
            assert_eq!(
                (sources.files(), sources.is_explicit()),
                (&files.iter().map(|f| f.to_string()).collect::<Vec<_>>()[..], explicit)
            );
        }
    }

    #[test]
    fn the_first_entry_of_a_name_counts_whole() {
        let folder = test_folder("merge");
        let (one, two) = (folder.file("one"), folder.file("two"));
        fs::write(&one, "clusters: [{name: c, cluster: {server: a, certificate-authority: ca}}]\nusers: [{name: u, user: {exec: {command: ./x}}}]").unwrap();
        fs::write(&two, "current-context: x\nclusters: [{name: c, cluster: {server: b, proxy-url: p}}, {name: d}]")
            .unwrap();
        let list = format!("{one}:{}:{two}", folder.file("nosuch"));
        let sources = Sources::new("", &|name| (name == "KUBECONFIG").then(|| list.clone()));
        let config = sources.load().unwrap();
        assert_eq!((config.clusters["c"].server.as_str(), config.clusters["c"].proxy_url.as_str()), ("a", ""));
        assert_eq!((config.clusters["d"].origin.as_str(), config.current_context.as_str()), (two.as_str(), "x"));
        let resolved = sources.load_resolved().unwrap();
        assert_eq!(resolved.clusters["c"].certificate_authority, folder.file("ca"));
        assert_eq!(resolved.users["u"].exec.as_ref().unwrap().command, folder.file("x"));
        assert_eq!(sources.default_file(), one);
    }

    #[test]
    fn what_cannot_be_read_is_told_for_each_file() {
        let folder = test_folder("faults");
        let (bad, worse) = (folder.file("bad"), folder.file("worse"));
        fs::write(&bad, "clusters: foo").unwrap();
        fs::create_dir(&worse).unwrap();
        let sources = |list: String| Sources::new("", &move |name| (name == "KUBECONFIG").then(|| list.clone()));
        let one = "json: cannot unmarshal string into Go struct field Config.clusters of type []v1.NamedCluster";
        let first = format!("error loading config file \"{bad}\": {one}");
        assert_eq!(sources(format!("{bad}:{bad}")).load(), Err(Error::Message(first.clone())));
        let second = format!("error loading config file \"{worse}\": read {worse}: is a directory");
        assert_eq!(sources(format!("{bad}:{worse}")).load(), Err(Error::Several(vec![first, second])));
        let missing = Sources::new(&folder.file("nosuch"), &|_| None);
        assert_eq!(missing.load(), Err(Error::Missing(folder.file("nosuch"))));
        assert_eq!(missing.load_for_editing(), Ok(Config::default()));
    }
}

//! Writing a changed configuration back: each entry to the file that it came from, new ones to the default file.

use super::model::{Config, Entry};
use super::sources::{Sources, read};
use super::{Error, decode, paths};
use crate::api::gotext;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes the files say what `new` says. With `relative`, paths of changed entries that lie in their file's folder are
/// written relative to it.
///
/// The files are locked while this works: `FILE.lock` must not exist.
///
/// # Errors
/// What the file system says, in Go's words.
pub fn modify(sources: &Sources, new: &Config, relative: bool) -> Result<(), Error> {
    let _locks = Locks::take(sources.files())?;
    let old = sources.load_for_editing()?;
    let mut files = Files::default();
    if old.current_context != new.current_context {
        let file = current_context_file(sources, &new.current_context)?;
        files.open(&file)?.current_context = new.current_context.clone();
    }
    let default = sources.default_file();
    if old.preferences != new.preferences {
        files.open(default)?.preferences = new.preferences.clone();
    }
    files.put(&old.clusters, &new.clusters, default, relative, |config| &mut config.clusters)?;
    files.put(&old.contexts, &new.contexts, default, relative, |config| &mut config.contexts)?;
    files.put(&old.users, &new.users, default, relative, |config| &mut config.users)?;
    files.write()
}

/// A new current context goes to the default file; an unset one is taken from the first file that has one.
fn current_context_file(sources: &Sources, name: &str) -> Result<String, Error> {
    if sources.is_explicit() || !name.is_empty() {
        return Ok(sources.default_file().to_owned());
    }
    for file in sources.files() {
        if open(file)?.is_some_and(|config| !config.current_context.is_empty()) {
            return Ok(file.clone());
        }
    }
    Err(Error::Message("no config found to write context".into()))
}

fn open(file: &str) -> Result<Option<Config>, Error> {
    read(file).map_err(Error::Message)
}

/// The files that change, with what they will say.
#[derive(Default)]
struct Files(BTreeMap<String, Config>);

impl Files {
    fn open(&mut self, file: &str) -> Result<&mut Config, Error> {
        if !self.0.contains_key(file) {
            self.0.insert(file.to_owned(), open(file)?.unwrap_or_default());
        }
        // The entry was put there above if it was missing.
        Ok(self.0.entry(file.to_owned()).or_default())
    }

    fn put<T: Entry + Clone + PartialEq>(
        &mut self,
        old: &BTreeMap<String, T>,
        new: &BTreeMap<String, T>,
        default: &str,
        relative: bool,
        part: impl Fn(&mut Config) -> &mut BTreeMap<String, T>,
    ) -> Result<(), Error> {
        let home = |entry: &T| if entry.origin().is_empty() { default.to_owned() } else { entry.origin().to_owned() };
        for (name, entry) in new.iter().filter(|(name, entry)| old.get(*name) != Some(*entry)) {
            let file = home(entry);
            let mut entry = entry.clone();
            if relative {
                let folder = paths::folder_of(&file);
                entry.paths().into_iter().for_each(|path| paths::relativize(path, &folder));
            }
            part(self.open(&file)?).insert(name.clone(), entry);
        }
        for (name, entry) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
            part(self.open(&home(entry))?).remove(name);
        }
        Ok(())
    }

    fn write(self) -> Result<(), Error> {
        self.0.iter().try_for_each(|(file, config)| {
            write(file, config).map_err(|error| Error::Message(format!("open {file}: {}", gotext::errno(&error))))
        })
    }
}

/// Writes one file. A new one is for its owner alone; one that exists keeps its mode, and stays a link if it is one.
pub fn write(file: &str, config: &Config) -> io::Result<()> {
    if let Some(folder) = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(&decode::to_yaml(config))
}

/// Lock files, taken away again when this is dropped.
struct Locks(Vec<PathBuf>);

impl Locks {
    /// Locks in the order of names, so that two programs cannot wait for each other.
    fn take(files: &[String]) -> Result<Self, Error> {
        let mut names = files.to_vec();
        names.sort();
        let mut locks = Self(Vec::new());
        for name in names {
            let lock = format!("{name}.lock");
            let fault = |error: io::Error| Error::Message(format!("open {lock}: {}", gotext::errno(&error)));
            if let Some(folder) = Path::new(&name).parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::create_dir_all(folder).map_err(fault)?;
            }
            OpenOptions::new().write(true).create_new(true).open(&lock).map_err(fault)?;
            locks.0.push(lock.into());
        }
        Ok(locks)
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        for lock in &self.0 {
            // Nothing can be done about a lock that has gone, and the work itself is over.
            let _ = fs::remove_file(lock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::{Cluster, test_folder};

    fn sources(files: &[&String]) -> Sources {
        let list = files.iter().map(|f| f.as_str()).collect::<Vec<_>>().join(":");
        Sources::new("", &move |name| (name == "KUBECONFIG").then(|| list.clone()))
    }

    #[test]
    fn each_change_goes_to_its_file() {
        let folder = test_folder("edit");
        let (one, two, new) = (folder.file("one"), folder.file("two"), folder.file("sub/new"));
        fs::write(&one, "clusters: [{name: a, cluster: {server: a}}]").unwrap();
        fs::write(&two, "current-context: x\nclusters: [{name: b, cluster: {server: b}}, {name: gone}]").unwrap();
        let files = sources(&[&new, &one, &two]);
        let mut config = files.load().unwrap();
        config.clusters.get_mut("b").unwrap().certificate_authority = folder.file("ca");
        config.clusters.remove("gone");
        config.clusters.insert("c".into(), Cluster { server: "c".into(), ..Cluster::default() });
        config.current_context = "y".into();
        modify(&files, &config, true).unwrap();
        let (first, second) = (read(&one).unwrap().unwrap(), read(&two).unwrap().unwrap());
        assert_eq!(first.clusters.keys().collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((first.current_context.as_str(), second.current_context.as_str()), ("y", "x"));
        assert_eq!(second.clusters.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(second.clusters["b"].certificate_authority, "ca");
        assert!(!Path::new(&new).exists() && !Path::new(&format!("{one}.lock")).exists());
    }

    #[test]
    fn an_unset_context_is_taken_from_where_it_was_set() {
        let folder = test_folder("unset");
        let (one, two) = (folder.file("one"), folder.file("two"));
        fs::write(&one, "kind: Config").unwrap();
        fs::write(&two, "current-context: x").unwrap();
        let files = sources(&[&one, &two]);
        modify(&files, &Config::default(), true).unwrap();
        assert_eq!(read(&two).unwrap().unwrap().current_context, "");
    }

    #[test]
    fn a_new_file_is_private_and_a_lock_is_respected() {
        let folder = test_folder("private");
        let file = folder.file("sub/new");
        let files = sources(&[&file]);
        let config = Config { current_context: "x".into(), ..Config::default() };
        modify(&files, &config, true).unwrap();
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions()) & 0o777, 0o600);
        fs::write(format!("{file}.lock"), "").unwrap();
        let fault = Err(Error::Message(format!("open {file}.lock: file exists")));
        assert_eq!(modify(&files, &Config::default(), true), fault);
    }
}

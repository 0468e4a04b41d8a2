//! What servers serve, kept on disk between runs: one private file for each server.

use super::discovery::Discovery;
use crate::kubeconfig::Server;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long a file counts (kubectl's).
const LIFETIME: Duration = Duration::from_secs(6 * 60 * 60);
/// The shape of the files; one of another shape does not count.
const FORMAT: u32 = 1;

/// The file of one server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cache {
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Content<T> {
    format: u32,
    discovery: T,
}

impl Cache {
    /// The file of a server, below the cache folder.
    pub(super) fn new(folder: &Path, server: &Server) -> Self {
        let name = format!("{}{}", server.host, server.path);
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || "(/)-.".contains(c) { c } else { '_' }).collect();
        Self { file: folder.join("steer").join("discovery").join(format!("{}.json", name.replace('/', "_"))) }
    }

    /// What the file says, when it is there, young enough and whole.
    pub(super) fn load(&self) -> Option<Discovery> {
        let written = fs::metadata(&self.file).and_then(|data| data.modified()).ok()?;
        // A file from the future was written under another clock: its age cannot be told.
        if SystemTime::now().duration_since(written).ok()? > LIFETIME {
            return None;
        }
        let content: Content<Discovery> = serde_json::from_slice(&fs::read(&self.file).ok()?).ok()?;
        (content.format == FORMAT).then_some(content.discovery)
    }

    /// Writes the file, whole or not at all, for its owner alone.
    ///
    /// # Errors
    /// What the file system says. Nothing depends on the file, so that the error may be passed over.
    pub(super) fn store(&self, discovery: &Discovery) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        create_private_folder(folder)?;
        let new = folder.join(format!(
            ".{}.{}",
            std::process::id(),
            self.file.file_name().unwrap_or_default().to_string_lossy()
        ));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_vec(&Content { format: FORMAT, discovery })?;
        let written =
            options.open(&new).and_then(|mut file| file.write_all(&text)).and_then(|()| fs::rename(&new, &self.file));
        if written.is_err() {
            // What is left of the attempt is of no use; that it may stay is no further error.
            let _ = fs::remove_file(&new);
        }
        written
    }
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::discovery::tests::sample;
    use crate::kubeconfig::test_folder;

    #[test]
    fn what_is_written_is_read_while_it_is_young() {
        let folder = test_folder("cache");
        let server = Server::parse("https://h:6443/prefix").unwrap();
        let cache = Cache::new(Path::new(&folder.file("")), &server);
        assert!(cache.file.ends_with("steer/discovery/h_6443_prefix.json"));
        assert_eq!(cache.load(), None);
        cache.store(&sample()).unwrap();
        assert_eq!(cache.load(), Some(sample()));
        #[cfg(unix)]
        for (path, mode) in [(cache.file.as_path(), 0o600), (cache.file.parent().unwrap(), 0o700)] {
            let found = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
            assert_eq!(found & 0o777, mode);
        }
        assert_eq!(fs::read_dir(cache.file.parent().unwrap()).unwrap().count(), 1);
        let old = SystemTime::now() - LIFETIME - Duration::from_secs(1);
        OpenOptions::new().write(true).open(&cache.file).unwrap().set_modified(old).unwrap();
        assert_eq!(cache.load(), None);
        fs::write(&cache.file, r#"{"format":0,"discovery":{"groups":[]}}"#).unwrap();
        assert_eq!(cache.load(), None);
    }
}

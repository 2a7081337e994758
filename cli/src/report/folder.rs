//! A folder in place of a bucket: the same keys, as paths beneath it.
//!
//! Symbolic links within the folder are left out: a key never leads out of it, nor in a circle.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use banto_ports::{ErrorKind, NewObject, Object, Objects, PortError, ReportStore};
use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;

use crate::files;

const LIST: &str = "folder:List";
const READ: &str = "folder:Read";
const WRITE: &str = "folder:Write";

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at a path; it need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the path of a key.
    ///
    /// # Errors
    /// If the key has parts that would lead elsewhere, or that no file can be named by.
    pub fn path(&self, call: &'static str, key: &str) -> Result<PathBuf, PortError> {
        let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
        if key.split('/').all(is_name) {
            Ok(self.root.join(key))
        } else {
            let message = format!("{key:?} is no path beneath {}", self.root.display());
            Err(PortError::new(ErrorKind::Invalid, call, message))
        }
    }

    /// The folder that a prefix names up to its last slash.
    fn base<'p>(&self, prefix: &'p str) -> Result<(PathBuf, &'p str), PortError> {
        match prefix.rsplit_once('/') {
            None => Ok((self.root.clone(), "")),
            Some((folder, _)) => {
                let before = prefix.get(..=folder.len()).unwrap_or_default();
                Ok((self.path(LIST, folder)?, before))
            }
        }
    }

    /// Writes beside the file and moves it there, so that nobody finds half of it.
    fn write(&self, object: &NewObject, only_if_new: bool) -> Result<(), PortError> {
        let path = self.path(WRITE, &object.key)?;
        let failed = |error: io::Error| failure(WRITE, &path, &error);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = files::unfinished(folder).map_err(failed)?;
        write_body(&mut file, object).map_err(failed)?;
        let persisted = if only_if_new {
            file.persist_noclobber(&path)
        } else {
            file.persist(&path)
        };
        persisted.map(drop).map_err(|error| failed(error.error))
    }
}

/// Writes a body as whoever reads the object sees it. What is compressed on its way alone is
/// compressed no more, for a file has no header that says so; one whose name says it stays.
fn write_body(file: &mut NamedTempFile, object: &NewObject) -> io::Result<()> {
    if object.encoding == Some("gzip") && !object.key.ends_with(".gz") {
        return io::copy(&mut MultiGzDecoder::new(object.body.as_slice()), file).map(drop);
    }
    file.write_all(&object.body)
}

#[async_trait]
impl Objects for Folder {
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        let (base, before) = self.base(prefix)?;
        let mut folders = Vec::new();
        for (name, entry) in entries(&base)? {
            let key = format!("{before}{name}/");
            if entry.is_dir() && key.starts_with(prefix) {
                folders.push(key);
            }
        }
        folders.sort();
        Ok(folders)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>, PortError> {
        let (base, before) = self.base(prefix)?;
        let mut objects = Vec::new();
        let mut folders = vec![(base, before.to_owned())];
        while let Some((folder, before)) = folders.pop() {
            for (name, entry) in entries(&folder)? {
                let key = format!("{before}{name}");
                let may_hold = format!("{key}/");
                if entry.is_dir() && may_hold.starts_with(prefix) {
                    folders.push((folder.join(&name), may_hold));
                } else if entry.is_file() && key.starts_with(prefix) {
                    let size = entry.len();
                    objects.push(Object { key, size });
                }
            }
        }
        objects.sort();
        Ok(objects)
    }

    async fn read(&self, key: &str, from: u64, most: usize) -> Result<Vec<u8>, PortError> {
        let path = self.path(READ, key)?;
        let failed = |error: io::Error| failure(READ, &path, &error);
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut bytes = Vec::new();
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

#[async_trait]
impl ReportStore for Folder {
    async fn put(&self, object: NewObject) -> Result<(), PortError> {
        self.write(&object, false)
    }

    async fn create(&self, object: NewObject) -> Result<(), PortError> {
        self.write(&object, true)
    }
}

/// What a folder has, links aside; nothing if it is not there. A name that is not UTF-8 can't be
/// part of a key.
fn entries(folder: &Path) -> Result<Vec<(String, fs::Metadata)>, PortError> {
    let failed = |error: io::Error| failure(LIST, folder, &error);
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(failed)?,
    };
    let mut entries = Vec::new();
    for entry in listed {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string() {
            entries.push((name, entry.metadata().map_err(failed)?));
        }
    }
    Ok(entries)
}

fn failure(call: &'static str, path: &Path, error: &io::Error) -> PortError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::Missing,
        io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Unavailable,
    };
    PortError::new(kind, call, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, body: &str) -> NewObject {
        NewObject {
            key: key.into(),
            media_type: "text/plain",
            encoding: None,
            body: body.into(),
        }
    }

    /// A folder with these objects.
    async fn folder_of(keys: &[&str]) -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path());
        for key in keys {
            folder.put(object(key, key)).await.unwrap();
        }
        (root, folder)
    }

    fn keys(objects: &[Object]) -> Vec<&str> {
        objects.iter().map(|object| object.key.as_str()).collect()
    }

    #[tokio::test]
    async fn a_folder_lists_what_a_bucket_of_the_same_keys_would() {
        let (_root, folder) = folder_of(&["a/b/1", "a/b/2", "a/bc/3", "a/d", "e"]).await;
        for (prefix, expected) in [
            ("", vec!["a/b/1", "a/b/2", "a/bc/3", "a/d", "e"]),
            ("a/", vec!["a/b/1", "a/b/2", "a/bc/3", "a/d"]),
            ("a/b", vec!["a/b/1", "a/b/2", "a/bc/3"]),
            ("a/b/", vec!["a/b/1", "a/b/2"]),
            ("a/b/2", vec!["a/b/2"]),
            ("x/", vec![]),
        ] {
            let found = folder.list(prefix).await.unwrap();
            assert_eq!(keys(&found), expected, "{prefix}");
        }
        for (prefix, expected) in [
            ("", vec!["a/"]),
            ("a/", vec!["a/b/", "a/bc/"]),
            ("a/bc", vec!["a/bc/"]),
            ("a/d", vec![]),
        ] {
            assert_eq!(folder.folders(prefix).await.unwrap(), expected, "{prefix}");
        }
        assert_eq!(folder.list("e").await.unwrap()[0].size, 1);
    }

    #[tokio::test]
    async fn a_file_is_read_in_parts_and_behind_its_end_is_nothing() {
        let (_root, folder) = folder_of(&["abcdef"]).await;
        assert_eq!(folder.read("abcdef", 0, 4).await.unwrap(), b"abcd");
        assert_eq!(folder.read("abcdef", 4, 4).await.unwrap(), b"ef");
        assert_eq!(folder.read("abcdef", 9, 4).await.unwrap(), b"");
        for missing in ["x", "x/y", "abcdef/y"] {
            let error = folder.read(missing, 0, 1).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Missing, "{missing}");
        }
    }

    #[tokio::test]
    async fn a_file_is_written_over_and_created_once() {
        let (root, folder) = folder_of(&["a/b"]).await;
        folder.put(object("a/b", "new")).await.unwrap();
        let error = folder.create(object("a/b", "other")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(folder.read("a/b", 0, 9).await.unwrap(), b"new");
        folder.create(object("a/c", "")).await.unwrap();
        // Nothing is left of what was written beside them.
        let found = folder.list("").await.unwrap();
        assert_eq!(keys(&found), ["a/b", "a/c"]);
        drop(root);
    }

    #[tokio::test]
    async fn what_is_compressed_is_so_as_a_file_only_if_its_name_says_so() {
        let (_root, folder) = folder_of(&[]).await;
        let zipped = report_compliance::store::codec::compressed(b"a,b\n").unwrap();
        for (key, expected) in [("a.csv", b"a,b\n".as_slice()), ("a.csv.gz", &zipped)] {
            let csv = NewObject {
                encoding: Some("gzip"),
                body: zipped.clone(),
                ..object(key, "")
            };
            folder.put(csv).await.unwrap();
            assert_eq!(folder.read(key, 0, 99).await.unwrap(), expected, "{key}");
        }
    }

    #[tokio::test]
    async fn no_key_leads_out_of_the_folder() {
        let (root, folder) = folder_of(&["in/a"]).await;
        for key in [
            "../x",
            "in/../../x",
            "/etc/passwd",
            "in//a",
            "in/./a",
            "",
            "a\\b",
        ] {
            let errors = [
                folder.read(key, 0, 1).await.unwrap_err(),
                folder.put(object(key, "")).await.unwrap_err(),
                folder.create(object(key, "")).await.unwrap_err(),
            ];
            assert!(
                errors.iter().all(|error| error.kind == ErrorKind::Invalid),
                "{key}"
            );
        }
        assert!(folder.list("../").await.is_err() && folder.folders("../").await.is_err());
        std::os::unix::fs::symlink("/", root.path().join("in/out")).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("in/circle")).unwrap();
        assert_eq!(keys(&folder.list("").await.unwrap()), ["in/a"]);
        assert_eq!(folder.folders("in/").await.unwrap(), Vec::<String>::new());
    }
}

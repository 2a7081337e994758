//! The archive as files.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use crate::archive::Archive;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Objects.
    pub objects: u64,
    /// Bytes of all objects.
    pub bytes: u64,
}

impl Archive {
    /// Writes every object to a file below a directory, at the path that its key is, and the list
    /// of accounts to `accounts.json` there. Each processor writes accounts of its own.
    ///
    /// # Errors
    /// If a file or directory can't be written.
    pub fn write_to(&self, directory: &Path) -> io::Result<Written> {
        fs::create_dir_all(directory)?;
        fs::write(directory.join("accounts.json"), self.accounts())?;
        let writers = thread::available_parallelism()?.get();
        thread::scope(|scope| {
            let started: Vec<_> = (0..writers)
                .map(|first| scope.spawn(move || self.write_each(first, writers, directory)))
                .collect();
            let mut written = Written::default();
            for writer in started {
                let part = writer.join().map_err(|_| io::Error::other("a panic"))??;
                written.objects += part.objects;
                written.bytes += part.bytes;
            }
            Ok(written)
        })
    }

    /// Writes the account at this place in the list, and each that is so many further.
    fn write_each(&self, first: usize, step: usize, directory: &Path) -> io::Result<Written> {
        let mut written = Written::default();
        for account in (first..self.shape.accounts.len()).step_by(step) {
            for object in self.objects_of(account) {
                let path = directory.join(&object.key);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::write(&path, &object.bytes)?;
                written.objects += 1;
                written.bytes += object.bytes.len() as u64;
            }
        }
        Ok(written)
    }
}

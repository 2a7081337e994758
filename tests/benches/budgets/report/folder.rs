//! A folder in place of a bucket, as far away as a bucket.

use std::fs;
use std::io::{ErrorKind as IoErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{ErrorKind, NewObject, Object, Objects, PortError, ReportStore};

/// A folder in place of a bucket.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// What each call waits, as one of S3 would.
    wait: Duration,
}

impl Folder {
    pub fn new(root: &Path, wait: Duration) -> Self {
        Self {
            root: root.to_owned(),
            wait,
        }
    }

    async fn come_and_go(&self) {
        if !self.wait.is_zero() {
            tokio::time::sleep(self.wait).await;
        }
    }

    /// Adds what lies below a prefix, which ends in a slash.
    fn add(&self, prefix: &str, objects: &mut Vec<Object>) {
        let Ok(entries) = fs::read_dir(self.root.join(prefix)) else {
            return;
        };
        for entry in entries {
            let entry = entry.unwrap();
            let key = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                self.add(&format!("{key}/"), objects);
            } else {
                let size = metadata.len();
                objects.push(Object { key, size });
            }
        }
    }
}

#[async_trait]
impl Objects for Folder {
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        self.come_and_go().await;
        let mut folders = Vec::new();
        if let Ok(entries) = fs::read_dir(self.root.join(prefix)) {
            for entry in entries {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    let name = entry.file_name().into_string().unwrap();
                    folders.push(format!("{prefix}{name}/"));
                }
            }
        }
        folders.sort();
        Ok(folders)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>, PortError> {
        self.come_and_go().await;
        let mut objects = Vec::new();
        self.add(prefix, &mut objects);
        objects.sort();
        Ok(objects)
    }

    async fn read(&self, key: &str, from: u64, most: usize) -> Result<Vec<u8>, PortError> {
        self.come_and_go().await;
        let mut file = match fs::File::open(self.root.join(key)) {
            Ok(file) => file,
            Err(error) if error.kind() == IoErrorKind::NotFound => {
                return Err(PortError::new(ErrorKind::Missing, "s3:GetObject", key));
            }
            Err(error) => panic!("{key}: {error}"),
        };
        file.seek(SeekFrom::Start(from)).unwrap();
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes).unwrap();
        Ok(bytes)
    }
}

#[async_trait]
impl ReportStore for Folder {
    async fn put(&self, object: NewObject) -> Result<(), PortError> {
        self.come_and_go().await;
        let path = self.root.join(&object.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, object.body).unwrap();
        Ok(())
    }

    async fn create(&self, object: NewObject) -> Result<(), PortError> {
        if self.root.join(&object.key).exists() {
            return Err(PortError::new(
                ErrorKind::Conflict,
                "s3:PutObject",
                object.key,
            ));
        }
        self.put(object).await
    }
}

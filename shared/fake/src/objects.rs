//! Buckets, as the monthly report reads and writes them. S3 is strongly consistent: what was
//! written is there at once. (S3 user guide, "Amazon S3 data consistency model".)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use banto_ports::{ErrorKind, NewObject, Object, Objects, PortError, ReportStore};

use crate::requests::objects as requests;
use crate::run::Run;
use crate::world::{State, World};

/// The buckets' objects, by bucket and key.
pub(crate) type Buckets = BTreeMap<String, BTreeMap<String, NewObject>>;

/// A bucket, on one run's view of the world.
#[derive(Debug, Clone)]
pub struct FakeBucket {
    run: Arc<Run>,
    name: String,
}

impl FakeBucket {
    /// A bucket by its name.
    pub fn new(run: Arc<Run>, name: &str) -> Self {
        Self {
            run,
            name: name.to_owned(),
        }
    }

    /// Writes an object, on a condition.
    async fn write(&self, object: NewObject, is_new: bool) -> Result<(), PortError> {
        const CALL: &str = "s3:PutObject";
        let request = requests::put(&self.name, &object, is_new);
        let subject = format!("{}/{}", self.name, object.key);
        self.run
            .ask(CALL, subject, request, |state| {
                let objects = state.buckets.entry(self.name.clone()).or_default();
                if is_new && objects.contains_key(&object.key) {
                    let code = "PreconditionFailed";
                    return Err(PortError::new(ErrorKind::Conflict, CALL, code));
                }
                objects.insert(object.key.clone(), object);
                Ok(())
            })
            .await
    }

    async fn keys<T>(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        list: impl FnOnce(&BTreeMap<String, NewObject>) -> T,
    ) -> Result<T, PortError> {
        let request = requests::list(&self.name, prefix, delimiter);
        let subject = format!("{}/{prefix}", self.name);
        self.run
            .ask("s3:ListBucket", subject, request, |state| {
                Ok(list(state.bucket(&self.name)))
            })
            .await
    }
}

#[async_trait]
impl Objects for FakeBucket {
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        let folder = |key: &String| {
            let rest = key.strip_prefix(prefix)?;
            let (name, _) = rest.split_once('/')?;
            Some(format!("{prefix}{name}/"))
        };
        self.keys(prefix, Some("/"), |objects| {
            let folders: BTreeSet<String> = objects.keys().filter_map(folder).collect();
            folders.into_iter().collect()
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>, PortError> {
        self.keys(prefix, None, |objects| {
            let found = objects
                .values()
                .filter(|object| object.key.starts_with(prefix));
            let object = |object: &NewObject| Object {
                key: object.key.clone(),
                size: object.body.len() as u64,
            };
            found.map(object).collect()
        })
        .await
    }

    async fn read(&self, key: &str, from: u64, most: usize) -> Result<Vec<u8>, PortError> {
        const CALL: &str = "s3:GetObject";
        let request = requests::get(&self.name, key, from, most);
        let subject = format!("{}/{key}", self.name);
        let read = self
            .run
            .ask(CALL, subject, request, |state| {
                let missing = || PortError::new(ErrorKind::Missing, CALL, "NoSuchKey");
                let object = state.bucket(&self.name).get(key).ok_or_else(missing)?;
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                let bytes = object.body.iter().skip(from).take(most);
                Ok(bytes.copied().collect())
            })
            .await;
        if let Err(PortError {
            kind: ErrorKind::Missing,
            ..
        }) = &read
        {
            self.run.absent(CALL, &self.name)?;
        }
        read
    }
}

#[async_trait]
impl ReportStore for FakeBucket {
    async fn put(&self, object: NewObject) -> Result<(), PortError> {
        self.write(object, false).await
    }

    async fn create(&self, object: NewObject) -> Result<(), PortError> {
        self.write(object, true).await
    }
}

impl State {
    fn bucket(&self, name: &str) -> &BTreeMap<String, NewObject> {
        const EMPTY: &BTreeMap<String, NewObject> = &BTreeMap::new();
        self.buckets.get(name).unwrap_or(EMPTY)
    }
}

/// Buckets, as tests see and change them.
impl World {
    /// Puts an object into a bucket, as AWS Config or a person would.
    pub fn put_object(&self, bucket: &str, key: &str, body: Vec<u8>) {
        let object = NewObject {
            key: key.to_owned(),
            media_type: "application/octet-stream",
            encoding: None,
            body,
        };
        let mut state = self.state();
        let objects = state.buckets.entry(bucket.to_owned()).or_default();
        objects.insert(key.to_owned(), object);
    }

    /// Deletes an object, as a person would.
    pub fn delete_object(&self, bucket: &str, key: &str) {
        let mut state = self.state();
        let objects = state.buckets.get_mut(bucket);
        drop(objects.and_then(|objects| objects.remove(key)));
    }

    /// The objects of a bucket, by key.
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, NewObject> {
        self.state().bucket(bucket).clone()
    }
}

//! The bucket of certificates: every version of each, and what owners signed with them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::UserName;
use banto_ports::{CertificateVersion, Certificates, PortError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::run::Run;
use crate::world::{State, World};

/// The bucket of certificates.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// The versions of each user's certificate, the earliest first.
    certificates: BTreeMap<UserName, Vec<Stored>>,
    acknowledgements: BTreeMap<UserName, Vec<u8>>,
}

/// A version of an object.
#[derive(Debug, Clone)]
struct Stored {
    at: Timestamp,
    /// `None` if the object was deleted then.
    bytes: Option<Vec<u8>>,
}

impl Bucket {
    fn versions(&self, user: &UserName) -> &[Stored] {
        self.certificates.get(user).map_or(&[], Vec::as_slice)
    }

    fn store(&mut self, user: &UserName, stored: Stored) {
        let versions = self.certificates.entry(user.clone()).or_default();
        versions.push(stored);
        versions.sort_by_key(|version| version.at);
    }
}

/// The version's id, by its place: the first has the number 1.
fn version_id(index: usize) -> String {
    format!("version-{}", index + 1)
}

/// The bucket of certificates.
const BUCKET: &str = "certificates";

fn object(user: &UserName, extension: &str) -> Value {
    json!({ "Bucket": BUCKET, "Key": format!("{user}.{extension}") })
}

#[async_trait]
impl Certificates for Run {
    async fn versions(&self, user: &UserName) -> Result<Vec<CertificateVersion>, PortError> {
        let request = json!({ "Bucket": BUCKET, "Prefix": format!("{user}.asc") });
        self.ask("s3:ListObjectVersions", user, request, |state| {
            Ok(listed(state, user))
        })
        .await
    }

    async fn read_version(
        &self,
        user: &UserName,
        version: &str,
    ) -> Result<Option<Vec<u8>>, PortError> {
        let key = format!("{user}.asc");
        let request = json!({ "Bucket": BUCKET, "Key": key, "VersionId": version });
        self.ask("s3:GetObject", user, request, |state| {
            let mut versions = (0..).map(version_id).zip(state.bucket.versions(user));
            let found = versions.find(|(id, _)| id == version);
            Ok(found.and_then(|(_, stored)| stored.bytes.clone()))
        })
        .await
    }

    async fn acknowledgement(&self, user: &UserName) -> Result<Option<Vec<u8>>, PortError> {
        const CALL: &str = "s3:GetObject";
        let request = object(user, "acknowledged");
        let found = self.ask(CALL, user, request, |state| {
            Ok(state.bucket.acknowledgements.get(user).cloned())
        });
        let found = found.await?;
        if found.is_none() {
            self.absent(CALL, BUCKET)?;
        }
        Ok(found)
    }
}

fn listed(state: &State, user: &UserName) -> Vec<CertificateVersion> {
    let mut versions = Vec::new();
    for (index, stored) in state.bucket.versions(user).iter().enumerate() {
        versions.push(CertificateVersion {
            id: stored.bytes.is_some().then(|| version_id(index)),
            stored_at: stored.at,
        });
    }
    versions.reverse();
    versions
}

impl World {
    /// Stores a user's certificate.
    pub fn put_certificate(&self, user: &UserName, certificate: &[u8]) {
        self.put_certificate_before(user, certificate, SignedDuration::ZERO);
    }

    /// Stores a user's certificate so long ago.
    pub fn put_certificate_before(&self, user: &UserName, certificate: &[u8], age: SignedDuration) {
        let mut state = self.state();
        let at = state.now - age;
        let bytes = Some(certificate.to_vec());
        state.bucket.store(user, Stored { at, bytes });
    }

    /// Deletes a user's certificate.
    pub fn delete_certificate(&self, user: &UserName) {
        let mut state = self.state();
        let at = state.now;
        state.bucket.store(user, Stored { at, bytes: None });
    }

    /// Stores the text by which a user acknowledges a key.
    pub fn put_acknowledgement(&self, user: &UserName, signed: &[u8]) {
        let mut state = self.state();
        let acknowledgements = &mut state.bucket.acknowledgements;
        acknowledgements.insert(user.clone(), signed.to_vec());
    }
}

//! What a developer asks of AWS, in memory, with faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use banto_domain::{AccessKeyId, Fingerprint};
use banto_ports::{ErrorKind, LastUse, LiveKey, LiveUser, PortError, StoredText};
use jiff::Timestamp;
use rotate_access_keys::snapshot::PIN_TAG;

use super::cloud::{Cloud, Object, Stored};

/// Tags, certificate and acknowledgement, as they are.
pub(super) type State = (BTreeMap<String, String>, Option<Vec<u8>>, Option<Vec<u8>>);

#[derive(Debug, Default)]
struct Inside {
    tags: BTreeMap<String, String>,
    certificate: Option<Vec<u8>>,
    acknowledgement: Option<Vec<u8>>,
    calls: Vec<&'static str>,
    /// The number of the call that fails, and whether it does its work all the same.
    failing: Option<(usize, bool)>,
    devices: Vec<String>,
    wants_mfa: bool,
    keys: Vec<LiveKey>,
    record: Option<StoredText>,
    /// Since when the certificate has been stored.
    since: Option<Timestamp>,
}

/// One user of alice's name.
#[derive(Debug, Clone)]
pub(super) struct InMemory {
    inside: Arc<Mutex<Inside>>,
    has_mfa: bool,
}

impl InMemory {
    pub(super) fn new() -> Self {
        Self {
            inside: Arc::default(),
            has_mfa: false,
        }
    }

    pub(super) fn fail(&self, call: usize, has_effect: bool) {
        self.inside.lock().unwrap().failing = Some((call, has_effect));
    }

    pub(super) fn wants_mfa(&self, devices: &[&str]) {
        let mut inside = self.inside.lock().unwrap();
        inside.wants_mfa = true;
        inside.devices = devices.iter().map(|device| (*device).to_owned()).collect();
    }

    /// A user with these keys, this record, and a certificate that is pinned.
    pub(super) fn with(
        keys: Vec<LiveKey>,
        record: Option<StoredText>,
        pin: &Fingerprint,
        stored: Stored,
    ) -> Self {
        let cloud = Self::new();
        *cloud.inside.lock().unwrap() = Inside {
            keys,
            record,
            tags: BTreeMap::from([(PIN_TAG.to_owned(), pin.to_string())]),
            certificate: Some(stored.bytes),
            since: stored.since,
            ..Inside::default()
        };
        cloud
    }

    pub(super) fn calls(&self) -> Vec<&'static str> {
        self.inside.lock().unwrap().calls.clone()
    }

    pub(super) fn state(&self) -> State {
        let inside = self.inside.lock().unwrap();
        (
            inside.tags.clone(),
            inside.certificate.clone(),
            inside.acknowledgement.clone(),
        )
    }

    /// A call that changes something: fails if it is its turn.
    fn change(
        &self,
        name: &'static str,
        change: impl FnOnce(&mut Inside),
    ) -> Result<(), PortError> {
        let mut inside = self.inside.lock().unwrap();
        let number = inside.calls.len();
        inside.calls.push(name);
        let failing = inside.failing.filter(|(failing, _)| *failing == number);
        if failing.is_none_or(|(_, has_effect)| has_effect) {
            change(&mut inside);
        }
        match failing {
            Some(_) => Err(PortError::new(
                ErrorKind::Unavailable,
                name,
                "no answer in time",
            )),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Cloud for InMemory {
    async fn user(&self) -> Result<LiveUser, PortError> {
        Ok(LiveUser {
            name: "alice".parse().unwrap(),
            id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            arn: "arn:aws:iam::111122223333:user/alice".parse().unwrap(),
            path: "/".to_owned(),
            tags: self.inside.lock().unwrap().tags.clone(),
        })
    }

    async fn keys(&self) -> Result<Vec<LiveKey>, PortError> {
        Ok(self.inside.lock().unwrap().keys.clone())
    }

    async fn last_use(&self, _key: &AccessKeyId) -> Result<Option<LastUse>, PortError> {
        Ok(None)
    }

    async fn record(&self) -> Result<Option<StoredText>, PortError> {
        Ok(self.inside.lock().unwrap().record.clone())
    }

    async fn stored(&self, object: Object) -> Result<Option<Stored>, PortError> {
        let inside = self.inside.lock().unwrap();
        let (bytes, since) = match object {
            Object::Certificate => (inside.certificate.clone(), inside.since),
            Object::Acknowledgement => (inside.acknowledgement.clone(), None),
        };
        Ok(bytes.map(|bytes| Stored { bytes, since }))
    }

    async fn store(&self, object: Object, bytes: &[u8]) -> Result<(), PortError> {
        let bytes = Some(bytes.to_vec());
        self.change("store", |inside| match object {
            Object::Certificate => inside.certificate = bytes,
            Object::Acknowledgement => inside.acknowledgement = bytes,
        })
    }

    async fn tag(&self, key: &str, value: &str) -> Result<(), PortError> {
        let is_allowed = self.has_mfa || !self.inside.lock().unwrap().wants_mfa;
        self.change("tag", |inside| {
            if is_allowed {
                inside.tags.insert(key.to_owned(), value.to_owned());
            }
        })?;
        if is_allowed {
            return Ok(());
        }
        Err(PortError::new(
            ErrorKind::Denied,
            "iam:TagUser",
            "AccessDenied",
        ))
    }

    async fn mfa_devices(&self) -> Result<Vec<String>, PortError> {
        Ok(self.inside.lock().unwrap().devices.clone())
    }

    async fn with_mfa(&self, serial: &str, code: &str) -> Result<Box<dyn Cloud>, PortError> {
        assert_eq!(code, "123456");
        assert!(
            self.inside
                .lock()
                .unwrap()
                .devices
                .iter()
                .any(|one| one == serial)
        );
        self.change("with_mfa", |_| {})?;
        Ok(Box::new(Self {
            has_mfa: true,
            ..self.clone()
        }))
    }
}

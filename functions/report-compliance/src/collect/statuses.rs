//! What onboard-accounts says of accounts, in the document that it publishes for its dashboard.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use banto_domain::policy::onboarding::Dashboard;
use banto_domain::status::{AccountStatus, Condition};
use banto_ports::{Objects, PortError};
use serde::Deserialize;

/// Most bytes of the document: some kilobytes for each of the 10,000 accounts that an Organization
/// may have.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Bytes that are read at once.
const CHUNK: usize = 1024 * 1024;

/// The document, as far as it matters here.
#[derive(Deserialize)]
struct Document {
    accounts: Vec<AccountStatus>,
}

/// Reads, of each account in which something is not in place, what that is. No report fails for
/// want of it: a document that is not there, or can't be read or understood, says nothing.
pub async fn read(objects: &dyn Objects, place: &Dashboard) -> BTreeMap<AccountId, String> {
    let said = match bytes(objects, &place.key).await {
        Ok(bytes) => serde_json::from_slice::<Document>(&bytes).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match said {
        Ok(document) => document.accounts.iter().filter_map(words).collect(),
        Err(error) => {
            tracing::warn!(key = place.key, error, "status of accounts not known");
            BTreeMap::new()
        }
    }
}

async fn bytes(objects: &dyn Objects, key: &str) -> Result<Vec<u8>, PortError> {
    let mut bytes = Vec::new();
    loop {
        let chunk = objects.read(key, bytes.len() as u64, CHUNK).await?;
        let is_last = chunk.len() < CHUNK;
        bytes.extend(chunk);
        if is_last || bytes.len() > MAX_BYTES {
            return Ok(bytes);
        }
    }
}

/// The account, and why it is not in place: the account as a whole before its regions.
fn words(status: &AccountStatus) -> Option<(AccountId, String)> {
    let reason = |condition: &Condition| match condition {
        Condition::NotReady(reason) | Condition::Failed(reason) => Some(reason.to_string()),
        Condition::InPlace | Condition::LeftAlone { .. } | Condition::Drifted { .. } => None,
    };
    let account = reason(&status.conditions.account);
    let regions = status.conditions.regions.iter();
    let mut regions =
        regions.filter_map(|(region, condition)| Some(format!("{region}: {}", reason(condition)?)));
    let words = account.or_else(|| regions.next())?;
    Some((status.account.clone(), words))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use banto_domain::PerPlace;
    use banto_domain::status::{Reason, ReasonKind};
    use banto_ports::{ErrorKind, Object};

    use super::*;

    #[test]
    fn an_account_is_named_with_its_first_reason_and_one_in_place_is_not() {
        let failed = Reason::new(ReasonKind::BucketMissing, "config-logs").condition();
        let status = |account: Condition, region: Condition| AccountStatus {
            account: "111122223333".parse().unwrap(),
            name: "payments".to_owned(),
            checked_at: "2026-11-01T00:00:00Z".parse().unwrap(),
            conditions: PerPlace {
                account,
                regions: [("eu-west-1".parse().unwrap(), region)].into(),
            },
        };
        let drifted = Condition::Drifted {
            items: vec!["a role".to_owned()],
        };
        let said = |account, region| words(&status(account, region)).map(|(_, words)| words);
        assert_eq!(said(Condition::InPlace, drifted), None);
        let of_region = said(Condition::InPlace, failed.clone()).unwrap();
        assert_eq!(
            of_region,
            "eu-west-1: log archive bucket does not exist: config-logs"
        );
        let of_account = said(failed.clone(), failed).unwrap();
        assert_eq!(of_account, "log archive bucket does not exist: config-logs");
    }

    /// A bucket that answers every call so.
    struct Answering(Result<Vec<u8>, ErrorKind>);

    impl Answering {
        fn answer<T>(&self, of: impl FnOnce(&[u8]) -> T) -> Result<T, PortError> {
            let error = |kind: &ErrorKind| PortError::new(*kind, "s3:GetObject", "in words");
            self.0.as_ref().map(|bytes| of(bytes)).map_err(error)
        }
    }

    #[async_trait]
    impl Objects for Answering {
        async fn folders(&self, _: &str) -> Result<Vec<String>, PortError> {
            self.answer(|_| Vec::new())
        }

        async fn list(&self, _: &str) -> Result<Vec<Object>, PortError> {
            self.answer(|_| Vec::new())
        }

        async fn read(&self, _: &str, from: u64, _: usize) -> Result<Vec<u8>, PortError> {
            let from = usize::try_from(from).unwrap();
            self.answer(|bytes| bytes.get(from..).unwrap_or_default().to_vec())
        }
    }

    #[tokio::test]
    async fn no_report_fails_for_want_of_statuses() {
        let place = Dashboard {
            bucket: "status".to_owned(),
            key: "accounts.json".to_owned(),
        };
        for answer in [
            Err(ErrorKind::Denied),
            Err(ErrorKind::Missing),
            Err(ErrorKind::Unavailable),
            Ok(b"torn".to_vec()),
            Ok(br#"{"accounts": []}"#.to_vec()),
        ] {
            assert_eq!(read(&Answering(answer), &place).await, BTreeMap::new());
        }
    }
}

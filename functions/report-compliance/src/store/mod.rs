//! The store, which is the only state: which key has what, and how it is read and written.
//!
//! ```text
//! months/2026-10/accounts/111122223333.json       AccountMonth
//! findings/month=2026-10/111122223333.csv.gz      its FindingRows, for people and for QuickSight
//! months/2026-10/report.json                      MonthReport
//! months/2026-10/notice.json                      the notice of what was made
//! months/2026-10/summary.json                     MonthSummary, which makes the month whole
//! months/2026-10/again.json                       the month made anew, and whether that is done
//! dashboard/2026-10/index.html                    the month's page, with rows/ beside it
//! dashboard/2026-10/findings-<name>.csv           the CSV of a mail that is too large for it
//! dashboard/index.html                            leads to the newest month's page
//! mails/2026-10/<name>.claimed, .settled          who gets which mail, and what became of it
//! mails/2026-10/resent/<request>/...              the same of mails that a request sends again
//! notices/2026-10/<id>                            what operators were told
//! ```
//!
//! The store has no locks. Two runs side by side write the same objects, each one whole: whoever
//! writes last wins, and both mean the same, for both read the same archive. Just a mail must not
//! be sent by both: its claim is created on condition that there is none yet.

use std::sync::Arc;

use banto_domain::compliance::short_hash;
use banto_domain::{AccountId, Month};
use banto_ports::{ErrorKind, NewObject, PortError, ReportStore};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod codec;

use crate::model::{AccountMonth, FindingRow, VERSION};

/// Bytes that are read at once: a request for so many is answered within the few seconds that one
/// attempt may take.
const CHUNK: usize = 1024 * 1024;

/// Most bytes of an object of the store. The largest are reports: some 20 MB at 1,000 accounts and
/// 150 rules, and a function has 1 GB.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// Most characters of a mail's name that stand in its key; keys have 1,024 bytes. (S3 user guide,
/// "Naming Amazon S3 objects".)
const MAX_NAME: usize = 100;

/// Objects of accounts that are read or written at once: one by one, some 30 ms each, three of a
/// thousand accounts would take a tenth of a function's time. Of as many accounts the findings are
/// in memory, some 10 MB of one with 10,000 of them.
pub const AT_ONCE: usize = 16;

/// The words on an object that its month should have.
const GONE: &str = "it is gone";

/// The key of what an account is in a month.
pub fn account_key(month: Month, account: &AccountId) -> String {
    format!("months/{month}/accounts/{account}.json")
}

/// The key of an account's findings in a month.
pub fn findings_key(month: Month, account: &AccountId) -> String {
    format!("findings/month={month}/{account}.csv.gz")
}

/// The key of a month's report.
pub fn report_key(month: Month) -> String {
    format!("months/{month}/report.json")
}

/// The key of a month's summary, which makes the month whole.
pub fn summary_key(month: Month) -> String {
    format!("months/{month}/summary.json")
}

/// The key of the notice that tells operators of a month's report.
pub fn made_key(month: Month) -> String {
    format!("months/{month}/notice.json")
}

/// The key of how a month is made anew.
pub fn remake_key(month: Month) -> String {
    format!("months/{month}/again.json")
}

/// The key of the page that leads to the newest month's.
pub const NEWEST_PAGE: &str = "dashboard/index.html";

/// The key of a month's page, or of a file beside it.
pub fn page_key(month: Month, file: &str) -> String {
    format!("dashboard/{month}/{file}")
}

/// The key of the CSV of a mail that is too large to come with it.
pub fn csv_key(month: Month, mail: &str) -> String {
    page_key(month, &format!("findings-{}.csv", safe(mail)))
}

/// A mail, as its claim and what became of it are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailKeys<'a> {
    pub month: Month,
    pub mail: &'a str,
    /// The request that sends it again; `None` of the mail as the month has it.
    pub request: Option<&'a str>,
}

impl MailKeys<'_> {
    /// The key of its claim.
    pub fn claim(self) -> String {
        self.key("claimed")
    }

    /// The key of what became of it.
    pub fn settled(self) -> String {
        self.key("settled")
    }

    fn key(self, what: &str) -> String {
        let Self { month, mail, .. } = self;
        let mail = safe(mail);
        match self.request {
            None => format!("mails/{month}/{mail}.{what}"),
            Some(request) => format!("mails/{month}/resent/{}/{mail}.{what}", safe(request)),
        }
    }
}

/// The key of a notice that operators were sent.
pub fn notice_key(month: Month, id: &str) -> String {
    format!("notices/{month}/{id}")
}

/// A name as part of a key: itself where it is short and plain, else a hash. An owner's tag may
/// have any text.
fn safe(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.');
    let is_short = (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('.');
    if is_short && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("~{}", short_hash(&[name]))
    }
}

/// The store of reports, by the keys above.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ReportStore>,
    /// Empty, or with a slash at its end.
    prefix: String,
}

impl Store {
    /// The store whose keys begin with a prefix.
    pub fn new(objects: Arc<dyn ReportStore>, prefix: String) -> Self {
        Self { objects, prefix }
    }

    /// Returns an object's bytes; `None` if there is no such object.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        let key = self.key(key);
        let mut bytes = Vec::new();
        loop {
            let chunk = match self.objects.read(&key, bytes.len() as u64, CHUNK).await {
                Ok(chunk) => chunk,
                Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
                Err(error) => return Err(error),
            };
            let is_last = chunk.len() < CHUNK;
            bytes.extend(chunk);
            if is_last {
                return Ok(Some(bytes));
            }
            if bytes.len() > MAX_BYTES {
                return Err(unreadable(&key, "it is too large"));
            }
        }
    }

    /// Returns an object of JSON; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be read, or means something else.
    pub async fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, PortError> {
        let Some(bytes) = self.get(key).await? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes);
        value.map(Some).map_err(|error| unreadable(key, error))
    }

    /// Returns an object of JSON of this release's [`VERSION`]; `None` if
    /// there is none, or one of an earlier version, which is then made anew.
    ///
    /// # Errors
    /// If it can't be read, means something else, or is a later release's: that is left alone.
    pub async fn get_current<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, PortError> {
        #[derive(serde::Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Some(bytes) = self.get(key).await? else {
            return Ok(None);
        };
        let found = serde_json::from_slice(&bytes);
        let found: Versioned = found.map_err(|error| unreadable(key, error))?;
        if found.version > VERSION {
            return Err(of_a_later_release(key, found.version));
        }
        if found.version < VERSION {
            tracing::warn!(key, version = found.version, "object of an earlier version");
            return Ok(None);
        }
        let value = serde_json::from_slice(&bytes);
        value.map(Some).map_err(|error| unreadable(key, error))
    }

    /// Returns an account in a month that has it.
    ///
    /// # Errors
    /// If it is not there, or can't be read.
    pub async fn account(
        &self,
        month: Month,
        account: &AccountId,
    ) -> Result<AccountMonth, PortError> {
        let key = account_key(month, account);
        let known = self.get_current(&key).await?;
        known.ok_or_else(|| unreadable(&key, GONE))
    }

    /// Returns an account's findings in a month that has the account.
    ///
    /// # Errors
    /// If they are not there, or can't be read.
    pub async fn findings(
        &self,
        month: Month,
        account: &AccountId,
    ) -> Result<Vec<FindingRow>, PortError> {
        let csv = self.findings_csv(month, account).await?;
        let rows = codec::read_findings(&csv);
        rows.map_err(|error| unreadable(&findings_key(month, account), error))
    }

    /// Returns the same as they lie there: as compressed CSV.
    ///
    /// # Errors
    /// If they are not there.
    pub async fn findings_csv(
        &self,
        month: Month,
        account: &AccountId,
    ) -> Result<Vec<u8>, PortError> {
        let key = findings_key(month, account);
        let csv = self.get(&key).await?;
        csv.ok_or_else(|| unreadable(&key, GONE))
    }

    /// Writes an object in place of whatever has its key.
    pub async fn put(&self, object: NewObject) -> Result<(), PortError> {
        self.objects.put(self.placed(object)).await
    }

    /// Writes an object if none has its key; [`Conflict`](ErrorKind::Conflict) if one has.
    pub async fn create(&self, object: NewObject) -> Result<(), PortError> {
        self.objects.create(self.placed(object)).await
    }

    /// Returns the months of which the store has anything, in ascending order.
    pub async fn months(&self) -> Result<Vec<Month>, PortError> {
        let prefix = self.key("months/");
        let folders = self.objects.folders(&prefix).await?;
        let names = folders.iter().filter_map(|folder| {
            let name = folder.strip_prefix(&prefix)?.strip_suffix('/')?;
            name.parse().ok()
        });
        let mut months: Vec<Month> = names.collect();
        months.sort_unstable();
        Ok(months)
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn placed(&self, object: NewObject) -> NewObject {
        NewObject {
            key: self.key(&object.key),
            ..object
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// An object of JSON.
///
/// # Errors
/// If the value has no JSON.
pub fn json(key: String, value: &impl Serialize) -> Result<NewObject, PortError> {
    let body = serde_json::to_vec(value);
    let body = body.map_err(|error| unreadable(&key, error))?;
    Ok(NewObject {
        key,
        media_type: "application/json",
        encoding: None,
        body,
    })
}

/// The error of an object that this release can't make sense of. Whoever reads it can delete the
/// object, or have its month made anew.
pub fn unreadable(key: &str, why: impl std::fmt::Display) -> PortError {
    let message = format!("{key}: {why}; have the month made anew with \"again\"");
    PortError::new(ErrorKind::Invalid, "store", message)
}

/// The error of an object that a later release wrote. To have its month made anew would lose what
/// only that one knows.
fn of_a_later_release(key: &str, version: u32) -> PortError {
    let message = format!(
        "{key}: it has version {version}; this Banto knows version {VERSION}, and leaves alone what \
         a later release wrote: have that release make the report"
    );
    PortError::new(ErrorKind::Invalid, "store", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_owner_stays_within_its_folder_and_has_a_key_of_its_own() {
        let month: Month = "2026-10".parse().unwrap();
        for plain in ["payments", "alice@example.com", "team-a_1.x"] {
            let keys = MailKeys {
                month,
                mail: plain,
                request: None,
            };
            assert_eq!(keys.claim(), format!("mails/2026-10/{plain}.claimed"));
        }
        let long = "x".repeat(MAX_NAME + 1);
        let hostile = ["../all", "", ".", "a/b", "a b", "päyments", long.as_str()];
        let keys = hostile.map(|mail| MailKeys {
            month,
            mail,
            request: None,
        });
        let keys = keys.map(MailKeys::settled);
        for key in &keys {
            let name = key.strip_prefix("mails/2026-10/~").unwrap();
            assert_eq!(name.len(), 32 + ".settled".len(), "{key}");
        }
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), hostile.len());
    }
}

//! A file with the accounts of an Organization, as `aws organizations list-accounts` prints them,
//! in place of Organizations.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use banto_domain::{AccountId, OuId};
use banto_ports::{AccountState, ErrorKind, OrgAccount, OrgPolicyKind, Organization, PortError};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The accounts of a file.
#[derive(Debug)]
pub struct AccountsFile {
    accounts: Vec<OrgAccount>,
    tags: BTreeMap<AccountId, BTreeMap<String, String>>,
}

/// What `aws organizations list-accounts` prints.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    accounts: Vec<PrintedAccount>,
}

/// An account, with its tags where somebody has added them, and its place in the Organization: the
/// newer AWS CLI prints it, and for an older one somebody may have added it as `Path`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedAccount {
    id: AccountId,
    name: String,
    state: Option<String>,
    status: Option<String>,
    joined_timestamp: Option<Value>,
    #[serde(default)]
    tags: PrintedTags,
    #[serde(default)]
    paths: Vec<String>,
    path: Option<String>,
}

/// Tags: as `aws organizations list-tags-for-resource` prints them, or by key.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PrintedTags {
    List(Vec<PrintedTag>),
    ByKey(BTreeMap<String, String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedTag {
    key: String,
    value: String,
}

impl Default for PrintedTags {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl AccountsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// If it can't be read, or is something else.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("can't read {}", path.display()))?;
        Self::parse(&text).with_context(|| {
            format!(
                "{} is not what `aws organizations list-accounts` prints",
                path.display()
            )
        })
    }

    fn parse(text: &str) -> Result<Self> {
        let printed: Printed = serde_json::from_str(text)?;
        let mut file = Self {
            accounts: Vec::new(),
            tags: BTreeMap::new(),
        };
        for account in printed.accounts {
            let path = account.paths.first().or(account.path.as_ref());
            let path = path.map_or_else(Vec::new, |path| units(path));
            file.tags.insert(account.id.clone(), account.tags.by_key());
            file.accounts.push(OrgAccount {
                state: state(account.state.as_deref().or(account.status.as_deref())),
                joined_at: account.joined_timestamp.as_ref().and_then(moment),
                id: account.id,
                name: account.name,
                path,
                was_created: false,
            });
        }
        file.accounts.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(file)
    }
}

impl PrintedTags {
    fn by_key(self) -> BTreeMap<String, String> {
        match self {
            Self::ByKey(tags) => tags,
            Self::List(tags) => tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        }
    }
}

/// The root and the units of `o-exampleorgid/r-ab12/ou-ab12-cdef3456/444455556666/`, without the
/// Organization and the account. (Organizations API reference, `Account`, field `Paths`.)
fn units(path: &str) -> Vec<OuId> {
    path.split('/').filter_map(|id| id.parse().ok()).collect()
}

/// The state of an account, of which a file that says none is taken for one of active ones.
/// (Organizations API reference, `Account`, fields `State` and `Status`.)
fn state(found: Option<&str>) -> AccountState {
    match found {
        None | Some("ACTIVE") => AccountState::Active,
        Some("PENDING_ACTIVATION") => AccountState::PendingActivation,
        Some("PENDING_CLOSURE") => AccountState::PendingClosure,
        Some("SUSPENDED") => AccountState::Suspended,
        Some("CLOSED") => AccountState::Closed,
        Some(_) => AccountState::Unknown,
    }
}

/// A moment as version 2 of the AWS CLI prints it, or the seconds that version 1 prints.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(seconds) => seconds
            .as_f64()
            .and_then(|seconds| jiff::SignedDuration::try_from_secs_f64(seconds).ok())
            .and_then(|since| Timestamp::UNIX_EPOCH.checked_add(since).ok()),
        _ => None,
    }
}

fn refused(kind: ErrorKind, call: &'static str, why: &str) -> PortError {
    PortError::new(kind, call, why.to_owned())
}

#[async_trait]
impl Organization for AccountsFile {
    async fn accounts(&self) -> Result<Vec<OrgAccount>, PortError> {
        Ok(self.accounts.clone())
    }

    async fn account(&self, account: &AccountId) -> Result<OrgAccount, PortError> {
        let found = self.accounts.iter().find(|found| found.id == *account);
        found.cloned().ok_or_else(|| {
            refused(
                ErrorKind::Missing,
                "file:Account",
                "the file has no such account",
            )
        })
    }

    /// A file tells the path with the account, or nobody knows it.
    async fn parent(&self, _child: &str) -> Result<Option<OuId>, PortError> {
        Ok(None)
    }

    async fn tags(&self, account: &AccountId) -> Result<BTreeMap<String, String>, PortError> {
        Ok(self.tags.get(account).cloned().unwrap_or_default())
    }

    async fn tag(
        &self,
        _account: &AccountId,
        _tags: &BTreeMap<String, String>,
    ) -> Result<(), PortError> {
        Err(refused(
            ErrorKind::Denied,
            "file:Tag",
            "a file is only read",
        ))
    }

    async fn move_to(
        &self,
        _account: &AccountId,
        _from: &OuId,
        _to: &OuId,
    ) -> Result<(), PortError> {
        Err(refused(
            ErrorKind::Denied,
            "file:Move",
            "a file is only read",
        ))
    }

    async fn effective_policy(
        &self,
        _account: &AccountId,
        _kind: OrgPolicyKind,
    ) -> Result<Option<Value>, PortError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 2 of the AWS CLI prints an account, and with more in the second.
    const FILE: &str = r#"{ "Accounts": [
        { "Id": "444455556666", "Arn": "arn:aws:organizations::111122223333:account/o-exampleorgid/444455556666",
          "Email": "payments@example.com", "Name": "payments", "Status": "ACTIVE", "State": "ACTIVE",
          "JoinedMethod": "CREATED", "JoinedTimestamp": "2026-01-09T10:11:12.345000+09:00",
          "Tags": [{ "Key": "owner", "Value": "alice" }],
          "Paths": ["o-exampleorgid/r-ab12/ou-ab12-cdef3456/444455556666/"] },
        { "Id": "111122223333", "Name": "management", "Status": "SUSPENDED", "JoinedTimestamp": 1767921072.5,
          "Tags": { "owner": "sre" }, "Path": "r-ab12" },
        { "Id": "222233334444", "Name": "bare" }
    ] }"#;

    #[tokio::test]
    async fn a_list_is_read_as_the_cli_prints_it_with_tags_and_path_where_they_were_added() {
        let file = AccountsFile::parse(FILE).unwrap();
        let accounts = file.accounts().await.unwrap();
        let names: Vec<&str> = accounts.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["management", "bare", "payments"]);
        let states: Vec<AccountState> = accounts.iter().map(|found| found.state).collect();
        let active = AccountState::Active;
        assert_eq!(states, [AccountState::Suspended, active, active]);
        let payments = file.account(&accounts[2].id).await.unwrap();
        assert_eq!(payments.path.len(), 2);
        let joined = "2026-01-09T01:11:12.345Z".parse().ok();
        assert_eq!(payments.joined_at, joined);
        assert!(accounts[0].joined_at.is_some() && accounts[0].path.len() == 1);
        for (account, owner) in [
            (&accounts[0], Some("sre")),
            (&accounts[1], None),
            (&accounts[2], Some("alice")),
        ] {
            let tags = file.tags(&account.id).await.unwrap();
            assert_eq!(tags.get("owner").map(String::as_str), owner);
        }
    }

    #[tokio::test]
    async fn an_account_that_the_file_lacks_is_missing() {
        let file = AccountsFile::parse(FILE).unwrap();
        let error = file.account(&"999988887777".parse().unwrap()).await;
        assert_eq!(error.unwrap_err().kind, ErrorKind::Missing);
    }

    #[test]
    fn a_file_of_something_else_is_refused_with_what_is_wrong() {
        for (text, says) in [
            ("{}", "missing field `Accounts`"),
            (
                r#"{ "Accounts": [{ "Id": "1", "Name": "a" }] }"#,
                "is not an AWS account id",
            ),
        ] {
            let error = format!("{:#}", AccountsFile::parse(text).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}

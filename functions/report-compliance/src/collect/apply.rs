//! Keeps what an account is in a month: its findings first, so that an account that is there has
//! them.

use banto_domain::policy::ReportPolicy;
use banto_lambda::InvocationError;
use banto_ports::NewObject;

use super::plan::Collected;
use crate::failure;
use crate::store::codec::write_findings;
use crate::store::{Store, account_key, findings_key, json};

/// Writes an account's month and its findings.
///
/// # Errors
/// If one of them can't be written.
pub async fn save(
    store: &Store,
    collected: &Collected,
    policy: &ReportPolicy,
) -> Result<(), InvocationError> {
    let account = &collected.account;
    let month = account.period.month;
    let key = findings_key(month, &account.account);
    let unit = policy.unit_of(&account.path);
    let body = write_findings(account, &collected.findings, &unit);
    let body = body.map_err(|error| failure::object(&key, error))?;
    let findings = NewObject {
        key,
        media_type: "text/csv; charset=utf-8",
        encoding: Some("gzip"),
        body,
    };
    store.put(findings).await.map_err(failure::port)?;
    let key = account_key(month, &account.account);
    let account = json(key, account).map_err(failure::port)?;
    store.put(account).await.map_err(failure::port)
}

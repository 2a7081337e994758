//! Counts of open and resolved findings.

use banto_domain::compliance::{Compliance, Digest, OutboxEntry, Tally};

/// Open and resolved, after an entry. What is resolved is counted off only if its finding was told
/// before.
pub(super) fn counted((open, resolved): (u32, u32), entry: &OutboxEntry) -> (u32, u32) {
    match entry.compliance {
        Compliance::Noncompliant => (open + 1, resolved),
        Compliance::Compliant => {
            let told = u32::from(entry.was_notified);
            (open.saturating_sub(told), resolved + 1)
        }
    }
}

/// Counts an entry in a digest.
pub(super) fn count_in_digest(digest: &mut Digest, entry: &OutboxEntry, is_new_account: bool) {
    let rule = entry.key.rule.clone();
    let tally = digest.rules.entry(rule).or_insert(Tally {
        severity: entry.severity,
        accounts: 0,
        open: 0,
        resolved: 0,
    });
    tally.accounts += u32::from(is_new_account);
    (tally.open, tally.resolved) = counted((tally.open, tally.resolved), entry);
}

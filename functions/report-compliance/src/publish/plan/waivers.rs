//! The waivers in a report.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::compliance::Waiver;

use super::lines::AccountEntry;
use crate::evidence::Period;
use crate::model::{WaiverLine, WaiverNote, waiver_id};

/// Returns the policy's waivers, with what each accepts. An owner, whose accounts are given, sees
/// those that accept something of theirs or name one of their accounts.
pub(super) fn lines(
    policy: &ReportPolicy,
    period: Period,
    waived: &BTreeMap<String, u64>,
    of_owner: Option<&BTreeMap<AccountId, AccountEntry>>,
) -> Vec<WaiverLine> {
    let lines = policy.findings.waivers.iter().map(|waiver| {
        let accepts = waived.get(&waiver_id(waiver)).copied().unwrap_or(0);
        line(waiver, period, accepts)
    });
    let is_shown = |line: &WaiverLine| {
        let is_theirs = |accounts: &BTreeMap<AccountId, AccountEntry>| {
            let names = line.account.as_ref();
            line.accepts > 0 || names.is_some_and(|account| accounts.contains_key(account))
        };
        of_owner.is_none_or(is_theirs)
    };
    lines.filter(is_shown).collect()
}

fn line(waiver: &Waiver, period: Period, accepts: u64) -> WaiverLine {
    WaiverLine {
        rule: waiver.rule.clone(),
        account: waiver.account.clone(),
        resource: waiver.resource.clone(),
        note: WaiverNote {
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
            until: waiver.until,
        },
        accepts,
        has_ended: waiver.until > period.month.start() && waiver.until <= period.end,
    }
}

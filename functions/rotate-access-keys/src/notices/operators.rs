//! What operators read: the summary of a run, its findings and failures, and who waits for what.

use banto_domain::UserName;
use banto_notice::text::{day, joined};
use banto_notice::{Audience, Notice, Section, Urgency};

use crate::outcome::{AccountOutcome, ApplyError, ChainOutcome};
use crate::plan::{Action, FindingKind, OwnerNotice, WaitReason};

/// Returns the operators' summary of a run; `None` if there is nothing new to tell.
pub fn summary(outcome: &AccountOutcome, run: &str) -> Option<Notice> {
    let failures = failures(outcome);
    let findings = finding_lines(outcome);
    let done = done_lines(outcome);
    if failures.is_empty() && findings.is_empty() && done.is_empty() {
        return None;
    }
    let id = format!("rotate-access-keys:{}:summary:{run}", outcome.account);
    let counts = counts(outcome, findings.len(), failures.len());
    let headline = format!("Access keys in {}: {counts}", outcome.account);
    let urgency = match (failures.is_empty(), findings.is_empty()) {
        (false, _) => Urgency::Alarm,
        (true, false) => Urgency::Action,
        (true, true) => Urgency::Information,
    };
    let mut sections = vec![
        section("Failed", failures),
        section("To look at", findings),
        section("Done", done),
    ];
    sections.retain(|section| !section.lines.is_empty());
    Some(Notice {
        facts: facts(outcome),
        sections,
        ..Notice::new(id, Audience::Operators, urgency, headline)
    })
}

fn section(title: &str, lines: Vec<String>) -> Section {
    Section {
        title: title.to_owned(),
        lines,
    }
}

fn facts(outcome: &AccountOutcome) -> Vec<(String, String)> {
    let mut facts = vec![("Account".to_owned(), outcome.account.to_string())];
    if outcome.left() > 0 {
        let left = format!("{} actions", outcome.left());
        facts.push(("Left for the next run".to_owned(), left));
    }
    facts
}

/// The counts of a run, as in "2 issued, 1 failed".
fn counts(outcome: &AccountOutcome, findings: usize, failures: usize) -> String {
    let counts = [
        (outcome.count_done(Action::is_issue), "issued"),
        (outcome.count_done(Action::is_disabling), "disabled"),
        (outcome.count_done(Action::is_deletion), "deleted"),
        (findings, "to look at"),
        (failures, "failed"),
    ];
    let mut words = Vec::new();
    for (count, what) in counts {
        if count > 0 {
            words.push(format!("{count} {what}"));
        }
    }
    if words.is_empty() {
        "owners were told".to_owned()
    } else {
        words.join(", ")
    }
}

/// Returns one line for everything that went wrong.
pub fn failures(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = outcome.errors.clone();
    for chain in &outcome.chains {
        if let Some(failed) = &chain.failed {
            lines.push(failed_action(chain, failed));
        }
    }
    for not_observed in outcome.not_observed() {
        lines.push(format!(
            "{}: not looked at: {}",
            not_observed.subject, not_observed.why
        ));
    }
    lines
}

fn failed_action(chain: &ChainOutcome, (action, error): &(Action, ApplyError)) -> String {
    format!("{}: {} failed: {error}", chain.user, action.kind())
}

fn finding_lines(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for new in outcome.new_findings() {
        lines.push(format!("{} {}", new.user, finding(&new.kind)));
    }
    lines
}

fn done_lines(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for (user, action) in outcome.done() {
        lines.extend(done_line(user, action));
    }
    lines
}

/// An action that was done, in one line. A notice of a deed gets no line beside the deed's own.
fn done_line(user: &UserName, action: &Action) -> Option<String> {
    let what = match action {
        Action::DisableExposed { key } => format!("exposed key {key} disabled"),
        Action::DiscardOrphan { key } => format!("key {key}, lost in a crash, discarded"),
        Action::Issue { recipient, .. } => format!("new key issued, sealed to {recipient}"),
        Action::Disable { key } => format!("old key {key} disabled"),
        Action::Delete { key } => format!("disabled key {key} deleted"),
        Action::SaveRestored { key } => format!("key {key} was restored by a person"),
        Action::NotifyOwner(notice) => notice_line(notice)?,
    };
    Some(format!("{user}: {what}"))
}

fn notice_line(notice: &OwnerNotice) -> Option<String> {
    match notice {
        OwnerNotice::Warning { key, .. } => Some(format!("warned that {key} nears its end")),
        OwnerNotice::WillBeDisabled { key, .. } => {
            Some(format!("reminded that {key} will be disabled"))
        }
        OwnerNotice::WillBeDeleted { key, .. } => {
            Some(format!("reminded that {key} will be deleted"))
        }
        OwnerNotice::CertificateProblem { .. } => Some("asked for a usable certificate".to_owned()),
        OwnerNotice::Issued { .. }
        | OwnerNotice::Disabling { .. }
        | OwnerNotice::Exposed { .. }
        | OwnerNotice::Deleting { .. } => None,
    }
}

/// Returns a finding in one line for operators.
pub fn finding(kind: &FindingKind) -> String {
    match kind {
        FindingKind::TwoActiveKeys { keys } => {
            format!(
                "has two active keys ({}) that Banto did not make; delete the one that is not needed",
                joined(keys, ", ")
            )
        }
        FindingKind::InactiveKeyInTheWay { key } => {
            format!(
                "is due, but the inactive key {key} takes the second place; delete it if it is not needed"
            )
        }
        FindingKind::NoCertificate { reason, .. } => format!("can't be given a key: {reason}"),
        FindingKind::Restored { key } => {
            format!("has {key} back, which Banto had disabled; it is left alone from now on")
        }
        FindingKind::NewKeyInactive { key } => {
            format!(
                "has the new key {key} switched off before the old one was retired; the old one is kept"
            )
        }
        FindingKind::NewKeyUnused { key } => {
            format!("has not used the new key {key} for two weeks; the old one is kept")
        }
        FindingKind::NoRoomForNewKey { keys } => {
            format!(
                "has no working key, and {} take both places; restore or delete one",
                joined(keys, ", ")
            )
        }
        FindingKind::AmbiguousOrphan { keys } => {
            format!(
                "has keys ({}) of which one was lost in a crash; delete the one nobody has",
                joined(keys, ", ")
            )
        }
        FindingKind::UnreadableRecord { why } => format!("is left alone: {why}"),
    }
}

/// Returns what someone waits for, in words.
pub fn waiting(reason: &WaitReason) -> String {
    match reason {
        WaitReason::KillSwitch => {
            "rotation is switched off in the policy (rotation.enabled)".to_owned()
        }
        WaitReason::ChangeWindow => "outside the change windows".to_owned(),
        WaitReason::ExemptionEnds { at, reason } => format!("exempt until {}: {reason}", day(*at)),
        WaitReason::OtherRun => "another run may be issuing a key".to_owned(),
        WaitReason::NextRun => "this run has issued as many keys as the policy allows".to_owned(),
        WaitReason::Canaries => "the canaries' new keys come first".to_owned(),
        WaitReason::Proof { key } => {
            format!("the new key {key} must be used, and its grace be over")
        }
        WaitReason::Deletion { key } => format!("the disabled key {key} must be deleted first"),
        WaitReason::Usage { key } => format!("IAM does not tell whether {key} was used"),
        WaitReason::CertificateStore { why } => {
            format!("the certificate could not be fetched: {why}")
        }
    }
}

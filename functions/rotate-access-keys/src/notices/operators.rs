//! What operators read: the summary of a run, its findings and failures, and who waits for what.

use banto_domain::UserName;
use banto_notice::text::{day, joined};
use banto_notice::{Audience, Notice, Section, Urgency};

use crate::outcome::{AccountOutcome, ApplyError};
use crate::plan::{Action, FindingKind, OwnerNotice, WaitReason, Waiting};

/// Returns the operators' summary of a run; `None` if there is nothing new to tell.
pub fn summary(outcome: &AccountOutcome, run: &str) -> Option<Notice> {
    let mut failures = refusals(outcome);
    failures.extend(self::failures(outcome));
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
        (outcome.count_done(Action::is_discard), "discarded"),
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

/// Returns a line for every promise that the plan would break, and is refused for.
pub fn refusals(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for breach in &outcome.breaches {
        lines.push(format!("refused: the plan would break {breach}"));
    }
    lines
}

/// Returns a line for everything that went wrong.
pub fn failures(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = Vec::from_iter(outcome.observe_error.clone());
    for chain in &outcome.chains {
        if let Some((action, error)) = &chain.failed {
            lines.push(failed_line(&chain.user, action, error));
        }
    }
    for not_observed in outcome.subjects_not_observed() {
        lines.push(format!(
            "{}: not looked at: {}",
            not_observed.subject, not_observed.why
        ));
    }
    lines
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

/// An action that failed, in one line.
fn failed_line(user: &UserName, action: &Action, error: &ApplyError) -> String {
    let what = match action {
        Action::DisableExposed { key } => format!("disabling the exposed key {key}"),
        Action::DiscardOrphan { key } => format!("discarding the key {key}, lost in a crash,"),
        Action::Issue { .. } => "issuing a new key".to_owned(),
        Action::Disable { key } => format!("disabling the old key {key}"),
        Action::Delete { key } => format!("deleting the disabled key {key}"),
        Action::SaveRestored { key } => format!("recording that a person restored {key}"),
        Action::NotifyOwner(notice) => notifying(notice),
    };
    format!("{user}: {what} failed: {error}")
}

fn notifying(notice: &OwnerNotice) -> String {
    match notice {
        OwnerNotice::Warning { key, .. } => format!("warning the owner that {key} nears its end"),
        OwnerNotice::CertificateProblem { .. } => {
            "asking the owner for a usable certificate".to_owned()
        }
        OwnerNotice::Issued { .. } => "telling the owner of the new key".to_owned(),
        OwnerNotice::WillBeDisabled { key, .. } => {
            format!("reminding the owner that {key} will be disabled")
        }
        OwnerNotice::Disabling { key, .. } => {
            format!("telling the owner that {key} is being disabled")
        }
        OwnerNotice::Exposed { .. } => "telling the owner of the exposure".to_owned(),
        OwnerNotice::WillBeDeleted { key, .. } => {
            format!("reminding the owner that {key} will be deleted")
        }
        OwnerNotice::Deleting { key } => format!("telling the owner that {key} is being deleted"),
    }
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

/// Returns a line for everyone who waits.
pub fn waiting_lines(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for Waiting { user, reason } in outcome.waiting() {
        let who = user.as_ref().map_or("everyone", UserName::as_str);
        lines.push(format!("{who}: {}", waiting(reason)));
    }
    lines
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

#[cfg(test)]
mod tests {
    use banto_ports::{ErrorKind, PortError};

    use super::*;
    use crate::outcome::ChainOutcome;
    use crate::plan::Plan;
    use crate::snapshot::StoredRecord;

    /// The outcome of a chain that came to nothing but a discarded orphan.
    fn discarded(failed: Option<(Action, ApplyError)>) -> AccountOutcome {
        let key = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
        let chain = ChainOutcome {
            user: "alice".parse().unwrap(),
            done: vec![Action::DiscardOrphan { key }],
            failed,
            left: Vec::new(),
            record: StoredRecord::Absent,
        };
        AccountOutcome {
            chains: vec![chain],
            ..AccountOutcome::waits(Plan::empty("111122223333".parse().unwrap()))
        }
    }

    #[test]
    fn a_summary_of_nothing_but_a_discarded_key_says_so() {
        let notice = summary(&discarded(None), "run").unwrap();
        assert_eq!(notice.headline, "Access keys in 111122223333: 1 discarded");
    }

    #[test]
    fn an_action_that_failed_is_told_in_plain_words() {
        let key = "AKIAI44QH8DHBEXAMPLE".parse().unwrap();
        let error = PortError::new(ErrorKind::Denied, "iam:UpdateAccessKey", "denied");
        let outcome = discarded(Some((Action::DisableExposed { key }, error.into())));
        let [line] = failures(&outcome).try_into().unwrap();
        let begins = "alice: disabling the exposed key AKIAI44QH8DHBEXAMPLE failed: ";
        assert!(line.starts_with(begins), "{line}");
    }
}

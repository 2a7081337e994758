//! The words for operators: the summary of a run, its findings and failures, and who waits for
//! what.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, Fingerprint, RoleArn, UserName};
use banto_notice::text::{day, day_and_time, joined};
use banto_notice::{Audience, Notice, Section, Urgency};

use jiff::Timestamp;

use super::uses::used;
use super::{commands, leavers};
use crate::event::Mode;
use crate::outcome::{AccountOutcome, ApplyError, Failures};
use crate::plan::{
    Action, DisableReason, FindingKind, OrphanProof, OwnerNotice, WaitReason, Waiting,
};
use crate::snapshot::SLACK_TAG;

/// The advice that follows a finding about a machine.
const KEYLESS: &str = "; it is a machine, which needs no access key: use OIDC, an instance role or IAM Roles Anywhere";

/// Returns the operators' summary of a run; `None` if there is nothing new to tell.
pub fn summary(outcome: &AccountOutcome, reported: Failures, run: &str) -> Option<Notice> {
    let failures = failures_to_tell(outcome, reported);
    let findings = finding_lines(outcome, reported, Told::First);
    let late = finding_lines(outcome, reported, Told::Again);
    let (leavers, left) = leavers::lines(outcome);
    let done = done_lines(outcome);
    let left_alone = left_alone_lines(outcome);
    let is_silent = failures.is_empty() && left_alone.is_empty();
    let nothing_to_look_at = findings.is_empty() && late.is_empty() && left.is_empty();
    if is_silent && nothing_to_look_at && done.is_empty() {
        return None;
    }
    let id = format!("rotate-access-keys:{}:summary:{run}", outcome.account);
    let told = [
        (leavers, "gone"),
        (findings.len(), "to look at"),
        (late.len(), "still late"),
        (left_alone.len(), "not done"),
        (failures.len(), "failed"),
    ];
    let counts = counts(outcome, told);
    let headline = format!("Access keys in {}: {counts}", outcome.account);
    let urgency = match (
        failures.is_empty(),
        nothing_to_look_at && left_alone.is_empty(),
    ) {
        (false, _) => Urgency::Alarm,
        (true, false) => Urgency::Action,
        (true, true) => Urgency::Information,
    };
    let mut sections = vec![
        section("Failed", failures),
        section("Left", left),
        section("To look at", findings),
        section("Still late this week", late),
        section("Not done", left_alone),
        section("Done", done),
    ];
    sections.retain(|section| !section.lines.is_empty());
    Some(Notice {
        facts: facts(outcome),
        sections,
        ..Notice::new(id, Audience::Operators, urgency, headline)
    })
}

/// The failures, and whatever keeps a request from its goal, as far as they are told in this run.
fn failures_to_tell(outcome: &AccountOutcome, reported: Failures) -> Vec<String> {
    let mut lines = refusals(outcome);
    if reported == Failures::Told {
        lines.extend(self::failures(outcome));
        lines.extend(hindrances_to_tell(outcome));
    }
    lines
}

/// The lines about what keeps a request from its goal. Of a scheduled run only faults are told: all
/// else passes by the next one.
fn hindrances_to_tell(outcome: &AccountOutcome) -> Vec<String> {
    if outcome.mode == Mode::Due {
        user_waits(outcome, WaitReason::is_fault)
    } else {
        // Every fault hinders.
        hindrances(outcome)
    }
}

/// The lines about what was asked for and is not done, though nothing failed: whoever asked is to
/// know why.
fn left_alone_lines(outcome: &AccountOutcome) -> Vec<String> {
    let was_asked = matches!(
        outcome.mode,
        Mode::Force | Mode::Restore | Mode::Discard | Mode::Approve
    );
    let mut lines = Vec::new();
    for waiting in outcome.waiting() {
        if was_asked && waiting.reason.answers_a_request() {
            let user = waiting.user.as_ref();
            let who = user.map_or("everyone", UserName::as_str);
            lines.push(format!("{who}: {}", waiting_of(waiting)));
        }
    }
    lines
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
fn counts(outcome: &AccountOutcome, told: [(usize, &str); 5]) -> String {
    let done = [
        (outcome.count_done(Action::is_issue), "issued"),
        (outcome.keys_disabled(), "disabled"),
        (outcome.count_done(Action::is_deletion), "deleted"),
        (outcome.count_done(Action::is_discard), "discarded"),
    ];
    let mut words = Vec::new();
    for (count, what) in done.into_iter().chain(told) {
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
        lines.push(format!("Refused: the plan would break {breach}"));
    }
    lines
}

/// Returns a line for everything that went wrong.
pub fn failures(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(error) = &outcome.observe_error {
        lines.push(format!("The account could not be looked at: {error}"));
    }
    for (key, error) in outcome.not_contained() {
        lines.push(format!(
            "{key} is exposed and could not be disabled: {error}"
        ));
    }
    for chain in &outcome.chains {
        for (action, error) in &chain.failed {
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

/// Returns a line for everyone who waits for something that keeps a request from its goal.
pub fn hindrances(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = user_waits(outcome, WaitReason::hinders);
    // Whoever left has keys that work as long as the whole run waits.
    for Waiting { user, reason } in outcome.waiting() {
        if user.is_none() && outcome.mode == Mode::Leave {
            lines.push(format!("nobody's leave is done: {}", waiting(reason)));
        }
    }
    lines
}

/// A line for every user who waits for a reason of this kind.
fn user_waits(outcome: &AccountOutcome, is: fn(&WaitReason) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    for waiting in outcome.waiting() {
        if let Some(user) = &waiting.user
            && is(&waiting.reason)
        {
            lines.push(format!("{user} waits: {}", waiting_of(waiting)));
        }
    }
    lines
}

/// Tells if operators hear of findings for the first time, or again since a week has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    First,
    Again,
}

fn finding_lines(outcome: &AccountOutcome, reported: Failures, told: Told) -> Vec<String> {
    let mut lines = Vec::new();
    for new in outcome.new_findings() {
        let is_of_leaver = matches!(new.kind, FindingKind::Left { .. });
        if is_of_leaver || new.again != (told == Told::Again) {
            continue;
        }
        // It can't be recorded as told, and a request that comes again would tell it each time.
        let is_unrecorded = matches!(new.kind, FindingKind::UnreadableRecord { .. });
        if is_unrecorded && reported == Failures::Withheld {
            continue;
        }
        let advice = if new.machine && new.kind.is_about_rotation() {
            KEYLESS
        } else {
            ""
        };
        lines.push(format!(
            "{} {}{advice}",
            new.user,
            finding(&new.user, &new.kind)
        ));
    }
    if told == Told::Again {
        return lines;
    }
    for gone in outcome.gone() {
        lines.push(format!(
            "{gone} is gone, and their record was open: it is followed no more"
        ));
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
        Action::FollowRename { from } => format!("their record follows them from the name {from}"),
        Action::DisableExposed(exposed) if exposed.is_beside => format!(
            "{} disabled: made beside an exposed key, and not by Banto",
            named(&exposed.keys)
        ),
        Action::DisableExposed(exposed) => {
            format!("exposed {} disabled", named(&exposed.keys))
        }
        Action::DenySessions { .. } => "sessions denied for 36 hours".to_owned(),
        Action::Revoke => {
            "the end of their sessions in roles handed to onboard-accounts".to_owned()
        }
        Action::AllowSessions => "sessions allowed again: the emergency is over".to_owned(),
        Action::Leave(leave) if leave.keys().is_empty() => "recorded as left".to_owned(),
        Action::Leave(leave) => format!("{} disabled: the user left", named(&leave.keys())),
        Action::DenyLeaver => "sessions denied until the leave is taken back".to_owned(),
        Action::TakeBack {
            keys,
            allows_sessions,
        } => taken_back(keys, *allows_sessions),
        Action::DeleteExposed { key } => {
            format!("exposed key {key} deleted to make room for the new one")
        }
        Action::DiscardOrphan {
            key,
            proof: OrphanProof::Replaced,
        } => format!("key {key}, sealed to a former certificate, discarded"),
        Action::DiscardOrphan { key, .. } => format!("key {key}, lost in a crash, discarded"),
        Action::Issue { recipient, .. } => format!("new key issued, sealed to {recipient}"),
        Action::Owe { .. } => "gets a new key as soon as that is possible".to_owned(),
        Action::Disable {
            key,
            stand_in: None,
            reason,
        } => retired(key, *reason),
        Action::Disable { key, .. } => format!("old key {key} disabled"),
        Action::Delete { key } => format!("disabled key {key} deleted"),
        Action::SaveRestored { key } => format!("key {key} was restored by a person"),
        Action::Restore { key } => format!("key {key} restored, as asked"),
        Action::NotifyOwner(notice) => notice_line(notice)?,
        // The record's own affairs.
        Action::Approve { certificate } => format!("certificate {certificate} approved, as asked"),
        Action::Reprotect
        | Action::SaveLook
        | Action::DropIntent
        | Action::SaveCertificate
        | Action::Withdraw { .. }
        | Action::ForgetNews { .. }
        | Action::SaveProof { .. }
        | Action::SaveDisabled { .. }
        | Action::Close
        | Action::CloseEarlier { .. } => return None,
    };
    Some(format!("{user}: {what}"))
}

/// A key that was disabled without another one in its place.
fn retired(key: &AccessKeyId, reason: DisableReason) -> String {
    match reason {
        DisableReason::Unregistered => {
            format!("overdue key {key} disabled, since no usable certificate is registered")
        }
        DisableReason::Replaced => {
            format!("new key {key} withdrawn, since its certificate was replaced")
        }
        _ => format!("unused key {key} disabled"),
    }
}

/// What a leave that is taken back gives back.
fn taken_back(keys: &BTreeSet<AccessKeyId>, allows_sessions: bool) -> String {
    let keys = if keys.is_empty() {
        "no key works again".to_owned()
    } else {
        format!("{} restored", named(keys))
    };
    let sessions = if allows_sessions {
        "sessions allowed"
    } else {
        "sessions stay denied until an emergency is over"
    };
    format!("leave taken back, as asked: {keys}, {sessions}")
}

/// The keys by name, as in "keys AKIA… and AKIA…".
fn named(keys: &BTreeSet<AccessKeyId>) -> String {
    let noun = if keys.len() == 1 { "key" } else { "keys" };
    format!("{noun} {}", joined(keys, " and "))
}

/// An action that failed, in one line.
fn failed_line(user: &UserName, action: &Action, error: &ApplyError) -> String {
    let what = match action {
        Action::FollowRename { from } => format!("taking the record over from the name {from}"),
        Action::Reprotect => "setting who may read the record".to_owned(),
        Action::DisableExposed(exposed) => {
            format!("disabling the exposed {}", named(&exposed.keys))
        }
        Action::DenySessions { .. } => "ending the sessions".to_owned(),
        Action::Revoke => "handing on the end of sessions in roles".to_owned(),
        Action::AllowSessions => "allowing sessions again".to_owned(),
        Action::Leave(leave) if leave.keys().is_empty() => {
            "recording that the user left".to_owned()
        }
        Action::Leave(leave) => {
            format!("disabling {}, since the user left,", named(&leave.keys()))
        }
        Action::DenyLeaver => "ending the sessions of the user, who left,".to_owned(),
        Action::TakeBack { .. } => "taking the leave back".to_owned(),
        Action::SaveLook => "recording the look at CloudTrail".to_owned(),
        Action::DeleteExposed { key } => format!("deleting the exposed key {key} to make room"),
        Action::DiscardOrphan {
            key,
            proof: OrphanProof::Replaced,
        } => format!("discarding the key {key}, sealed to a former certificate,"),
        Action::DiscardOrphan { key, .. } => format!("discarding the key {key}, lost in a crash,"),
        Action::DropIntent => "dropping the intent of an interrupted issue".to_owned(),
        Action::SaveCertificate => "recording what the certificate says".to_owned(),
        Action::ForgetNews { .. } => "recording that a certificate is pinned no more".to_owned(),
        Action::Approve { certificate } => format!("approving the certificate {certificate}"),
        Action::Owe { .. } => "recording that a new key is owed".to_owned(),
        Action::Withdraw { .. } => "recording that the new key is withdrawn".to_owned(),
        Action::Issue { .. } => "issuing a new key".to_owned(),
        Action::SaveProof { .. } => "recording the use of the new key".to_owned(),
        Action::Disable { key, .. } => format!("disabling the old key {key}"),
        Action::Delete { key } => format!("deleting the disabled key {key}"),
        Action::SaveDisabled { key } => format!("recording that {key} is disabled"),
        Action::SaveRestored { key } => format!("recording that a person restored {key}"),
        Action::Restore { key } => format!("restoring {key}"),
        Action::Close | Action::CloseEarlier { .. } => "closing the record".to_owned(),
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
        OwnerNotice::NotFetched { key, .. } => {
            format!("reminding the owner that the new key {key} waits")
        }
        OwnerNotice::NewCertificate { .. } => "telling the owner of a new certificate".to_owned(),
        OwnerNotice::CertificateApproved { .. } => {
            "telling the owner that a certificate was approved".to_owned()
        }
        OwnerNotice::WillEndUnregistered { key, .. } => {
            format!("reminding the owner that {key} ends without a certificate")
        }
        OwnerNotice::WillBeDisabled { key, .. } => {
            format!("reminding the owner that {key} will be disabled")
        }
        OwnerNotice::WillBeRetired { key, .. } => {
            format!("reminding the owner that the unused key {key} will be disabled")
        }
        OwnerNotice::SessionExposed { .. } => "telling the owner of the exposed session".to_owned(),
        OwnerNotice::Restored { key } => format!("telling the owner that {key} works again"),
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
        OwnerNotice::WillBeRetired { key, .. } => Some(format!(
            "reminded that the unused key {key} will be disabled"
        )),
        OwnerNotice::WillBeDeleted { key, .. } => {
            Some(format!("reminded that {key} will be deleted"))
        }
        OwnerNotice::WillEndUnregistered { key, .. } => Some(format!(
            "reminded that {key} will be disabled unless a certificate is registered"
        )),
        OwnerNotice::CertificateProblem { .. } => Some("asked for a usable certificate".to_owned()),
        OwnerNotice::NotFetched { key, .. } => Some(format!("reminded that {key} waits")),
        OwnerNotice::Issued { .. }
        | OwnerNotice::NewCertificate { .. }
        | OwnerNotice::CertificateApproved { .. }
        | OwnerNotice::Disabling { .. }
        | OwnerNotice::Exposed { .. }
        | OwnerNotice::SessionExposed { .. }
        | OwnerNotice::Restored { .. }
        | OwnerNotice::Deleting { .. } => None,
    }
}

/// Returns a finding about a user in one line for operators.
pub fn finding(user: &UserName, kind: &FindingKind) -> String {
    match kind {
        FindingKind::TwoActiveKeys { keys } => two_active_keys(keys),
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
                "has the new key {key} switched off before the old one was retired; the old one is kept: \
                 switch the new one on again"
            )
        }
        FindingKind::NewKeyUnused {
            key,
            has_old_key,
            old_key_ends,
            reached,
        } => {
            let old = if *has_old_key {
                old_key(*old_key_ends)
            } else {
                "no other key of theirs works".to_owned()
            };
            new_key_unused(user, key, &old, *reached)
        }
        FindingKind::NewCertificate {
            certificate,
            replaces,
            counts_from,
            ..
        } => new_certificate(user, certificate, replaces.as_ref(), *counts_from),
        FindingKind::NothingToApprove { certificate, why } => {
            format!("was to have the certificate {certificate} approved, but: {why}")
        }
        FindingKind::NoRoomForNewKey { keys } => no_room(keys),
        FindingKind::UnprovenOrphan { keys } => unproven_orphan(user, keys),
        FindingKind::OrphanInUse { key } => orphan_in_use(user, key),
        FindingKind::OldKeyInUse { key, last_use } => {
            format!(
                "has the new key in use, but still uses the old one, {key}: {}",
                used(last_use)
            )
        }
        FindingKind::ExposedKey { key } => format!(
            "had {key} exposed, which is disabled; find out where it was readable, and in CloudTrail what was done with it"
        ),
        FindingKind::RolesAssumed { roles, is_complete } => {
            roles_assumed(user, roles, *is_complete)
        }
        FindingKind::ExposedNotRestored { key } => {
            format!("was to get {key} back, but it is exposed, and stays disabled")
        }
        FindingKind::NothingToRestore { key } => {
            format!("was to get {key} back, but Banto did not disable such a key")
        }
        FindingKind::NothingToDiscard { key } => {
            format!(
                "was to have {key} discarded, but no interrupted issue explains it; it is left alone"
            )
        }
        FindingKind::Left { .. } => "left".to_owned(),
        FindingKind::UnreadableRecord { why } => format!("is left alone: {why}"),
    }
}

fn orphan_in_use(user: &UserName, key: &AccessKeyId) -> String {
    format!(
        "has {key} in use, whose secret was lost in a crash; find out who has it, and if nobody should, end it: `{}`",
        commands::operators("rotate --emergency", user)
    )
}

fn two_active_keys(keys: &BTreeSet<AccessKeyId>) -> String {
    format!(
        "has two active keys ({}) that Banto did not make; delete the one that is not needed",
        joined(keys, ", ")
    )
}

fn no_room(keys: &BTreeSet<AccessKeyId>) -> String {
    format!(
        "has no working key, and {} take both places; restore or delete one",
        joined(keys, ", ")
    )
}

fn unproven_orphan(user: &UserName, keys: &BTreeSet<AccessKeyId>) -> String {
    format!(
        "has keys ({}) that appeared when an issue was interrupted, and CloudTrail does not show that Banto made \
         them; ask who made them, and discard the one that nobody has: `{}`",
        joined(keys, ", "),
        commands::operators("discard --key KEY-ID", user)
    )
}

fn old_key(ends: Option<Timestamp>) -> String {
    match ends {
        Some(at) => format!("the old one ends on {}", day(at)),
        None => "the old one is kept until then".to_owned(),
    }
}

fn new_key_unused(user: &UserName, key: &AccessKeyId, old: &str, reached: bool) -> String {
    if reached {
        return format!(
            "has not used the new key {key} for two weeks; {old}: ask them to fetch the new one"
        );
    }
    format!(
        "has not used the new key {key} for two weeks, and nothing shows that they were reached; {old}: ask them in \
         person to fetch the new one, or put their Slack member id into the tag {SLACK_TAG} and approve their certificate: \
         `{} FINGERPRINT`",
        commands::operators("approve", user)
    )
}

fn new_certificate(
    user: &UserName,
    certificate: &Fingerprint,
    replaces: Option<&Fingerprint>,
    counts_from: Timestamp,
) -> String {
    let instead = replaces.map_or(String::new(), |replaces| format!(" instead of {replaces}"));
    format!(
        "has pinned the certificate {certificate}{instead}, which counts from {} on; ask them in person whether it is \
         theirs. If so, this lets it count at once: `{}`. If not, somebody has their key: `{}`",
        day(counts_from),
        commands::approve(user, certificate),
        commands::operators("rotate --emergency", user)
    )
}

/// The roles that were assumed with an exposed key, and how to end their sessions.
fn roles_assumed(user: &UserName, roles: &BTreeSet<RoleArn>, is_complete: bool) -> String {
    if roles.is_empty() {
        return "had an exposed key with which more was done than was read from CloudTrail; look there for roles that \
                were assumed with it"
            .to_owned();
    }
    let roles: Vec<String> = roles.iter().map(role_and_account).collect();
    let more = if is_complete {
        ""
    } else {
        "; CloudTrail has more than was read"
    };
    format!(
        "had an exposed key with which roles were assumed: {}. Their sessions live on: end those of Banto's \
         roles by `{}`, and others with IAM's \"Revoke sessions\" on the role{more}",
        roles.join(", "),
        commands::revoke(user)
    )
}

fn role_and_account(role: &RoleArn) -> String {
    format!("{role} in {}", role.account())
}

/// Returns a line for everyone who waits.
pub fn waiting_lines(outcome: &AccountOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for waiting in outcome.waiting() {
        let user = waiting.user.as_ref();
        let who = user.map_or("everyone", UserName::as_str);
        lines.push(format!("{who}: {}", waiting_of(waiting)));
    }
    lines
}

/// Returns what someone waits for, in words, and the command that ends it, if there is one.
pub fn waiting_of(waiting: &Waiting) -> String {
    let words = self::waiting(&waiting.reason);
    match command(waiting) {
        Some(command) => format!("{words}: `{command}`"),
        None => words,
    }
}

/// Returns the operators' command that ends what someone waits for, if there is one.
pub fn command(Waiting { user, reason }: &Waiting) -> Option<String> {
    let user = user.as_ref()?;
    match reason {
        WaitReason::PinGrace { certificate, .. } => Some(commands::approve(user, certificate)),
        WaitReason::Left { .. } => Some(commands::operators("restore", user)),
        _ => None,
    }
}

/// Returns what someone waits for, in words.
pub fn waiting(reason: &WaitReason) -> String {
    match reason {
        WaitReason::KillSwitch => {
            "rotation is switched off in the policy (rotation.enabled)".to_owned()
        }
        WaitReason::EmergencySwitch => {
            "emergencies are switched off in the policy (rotation.emergencies)".to_owned()
        }
        WaitReason::ChangeWindow => "outside the change windows".to_owned(),
        WaitReason::ExemptionEnds { at, reason } => format!("exempt until {}: {reason}", day(*at)),
        WaitReason::NotCovered => {
            "the policy leaves this user out (rotation.include, rotation.exclude)".to_owned()
        }
        WaitReason::Iam { key } => format!("IAM does not show {key} yet"),
        WaitReason::Trail { why } => format!("CloudTrail could not be asked: {why}"),
        WaitReason::Creation { keys } => format!(
            "CloudTrail does not show yet who created {}",
            joined(keys, ", ")
        ),
        WaitReason::MadeKeys { keys } => format!(
            "{} were made with an exposed key, and must have ended",
            joined(keys, ", ")
        ),
        WaitReason::SecondLook { at } => format!(
            "CloudTrail shows all that was done with the exposed keys from {} on",
            day_and_time(*at)
        ),
        WaitReason::SessionsEnd { at } => {
            format!("sessions stay denied until {}", day_and_time(*at))
        }
        WaitReason::Rest { key, last_use } => match last_use {
            Some(last_use) => format!(
                "the old key {key} must rest; it was last used for {}",
                used(last_use)
            ),
            None => format!("the old key {key} must rest"),
        },
        WaitReason::Reminded { key, at } => {
            format!(
                "{key} ends on {}, of which its owner was reminded",
                day(*at)
            )
        }
        WaitReason::EarlierRotation { key } => {
            format!("the rotation to {key} must come to its end first")
        }
        WaitReason::OtherRun => "another run may be issuing a key".to_owned(),
        WaitReason::NextRun => "this run has issued as many keys as the policy allows".to_owned(),
        WaitReason::Canaries => "the canaries' new keys come first".to_owned(),
        WaitReason::Proof { key } => {
            format!("the new key {key} must be used, and its grace be over")
        }
        WaitReason::Deletion { key } => format!("the disabled key {key} must be deleted first"),
        WaitReason::Usage { key } => format!("IAM does not tell whether {key} was used"),
        WaitReason::Withdrawn { key } => format!(
            "the new key {key} was withdrawn, since its certificate was replaced; another follows"
        ),
        WaitReason::PinGrace { certificate, until } => format!(
            "the new certificate {certificate} counts from {} on, or once it is approved",
            day(*until)
        ),
        WaitReason::CertificateStore { why } => {
            format!("the certificate could not be fetched: {why}")
        }
        WaitReason::Left { at } => gone(*at),
        WaitReason::Record { why } => {
            format!("Banto may not read the record, whose readers are set anew: {why}")
        }
    }
}

/// The answer to whoever asks for a key of a user who left.
fn gone(at: Timestamp) -> String {
    let at = day(at);
    format!("left on {at}, and gets no key until that is taken back")
}

#[cfg(test)]
mod tests {
    use banto_ports::{ErrorKind, PortError};

    use super::*;
    use crate::outcome::ChainOutcome;
    use crate::plan::{OrphanProof, Plan};
    use crate::snapshot::StoredRecord;

    /// The outcome of a chain that came to nothing but a discarded orphan.
    fn discarded(failed: Vec<(Action, ApplyError)>) -> AccountOutcome {
        let proof = OrphanProof::Trail;
        let key = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
        let chain = ChainOutcome {
            user: "alice".parse().unwrap(),
            done: vec![Action::DiscardOrphan { key, proof }],
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
        let notice = summary(&discarded(Vec::new()), Failures::Told, "run").unwrap();
        assert_eq!(notice.headline, "Access keys in 111122223333: 1 discarded");
    }

    #[test]
    fn an_action_that_failed_is_told_in_plain_words() {
        let key = "AKIAI44QH8DHBEXAMPLE".parse().unwrap();
        let error = PortError::new(ErrorKind::Denied, "iam:UpdateAccessKey", "denied");
        let delete = Action::DeleteExposed { key };
        let outcome = discarded(vec![(delete, error.into())]);
        let [line] = failures(&outcome).try_into().unwrap();
        let begins = "alice: deleting the exposed key AKIAI44QH8DHBEXAMPLE to make room failed: ";
        assert!(line.starts_with(begins), "{line}");
    }
}

//! What happens next: the rotator's own planner is asked what it would do on each day to come.

use std::collections::BTreeSet;

use banto_domain::policy::{IdentityAccount, RotationPolicy};
use banto_domain::record::{Record, Rotation};
use banto_ports::LastUse;
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::notices;
use rotate_access_keys::plan::{Action, FindingKind, OwnerNotice, WaitReason};
use rotate_access_keys::snapshot::{Certificate, StoredRecord, Used, User};

use super::super::counts::{Counts, Planner, days};

/// Something that will happen, unless somebody does something before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Next {
    pub(super) at: Timestamp,
    pub(super) what: String,
}

/// All that the planner says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    /// What happens, each once, the earliest first.
    pub(super) next: Vec<Next>,
    /// Since when the pinned certificate counts, if it is usable.
    pub(super) counts: Counts,
    /// What is waited for now, in the words that operators read.
    pub(super) waits: Vec<String>,
}

/// Days that are looked ahead: a year and a month, longer than people let a key live.
const DAYS: i64 = 400;

/// Most events that are told: what comes after these depends on them.
const MOST: usize = 4;

/// Looks ahead.
pub(super) fn outlook(
    identity: &IdentityAccount,
    user: &User,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Outlook {
    let mut planner = Planner::of(identity, policy, now);
    let mut outlook = Outlook {
        counts: planner.counts(user, now),
        next: Vec::new(),
        waits: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    let counting = counting(&outlook.counts, now);
    outlook.next.extend(counting.clone());
    for waiting in planner.plan(user.clone(), now).waiting {
        match &waiting.reason {
            // The rotator may ask IAM for uses, and the certificate has its own line.
            WaitReason::Usage { .. } | WaitReason::PinGrace { .. } => {}
            reason => outlook.waits.push(notices::waiting(reason)),
        }
    }
    let user = match outlook.counts {
        Counts::AfterTold(_) => told(user, now),
        _ => user.clone(),
    };
    let mut events = |seconds| events(&mut planner, &user, now, seconds);
    for day in 0..=DAYS {
        for (kind, next) in events(day * SECONDS_OF_A_DAY) {
            if seen.insert(kind.clone()) {
                let mut first = first_moment(day, next, |at| {
                    events(at).into_iter().find(|(other, _)| *other == kind)
                });
                // A run that comes an hour early may seal to the certificate already.
                if let Some(counting) = counting.as_ref().filter(|_| kind == ISSUE) {
                    first.at = first.at.max(counting.at);
                }
                outlook.next.push(first);
            }
        }
    }
    outlook.next.sort();
    outlook.next.truncate(MOST);
    outlook
}

/// The kind of the event that a new key is made.
const ISSUE: &str = "issue";

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// What a run would do so many seconds from now.
fn events(planner: &mut Planner, user: &User, now: Timestamp, seconds: i64) -> Vec<(String, Next)> {
    let ahead = SignedDuration::from_secs(seconds);
    let Ok(at) = now.checked_add(ahead) else {
        return Vec::new();
    };
    let planned = planner.plan(later(user, ahead), at);
    let actions = planned.chains.iter().flat_map(|chain| &chain.actions);
    actions.filter_map(|action| event(action, at)).collect()
}

/// The first moment of what a run would do on a day and not a day before: what operators are told
/// is no whole number of days from now.
fn first_moment(
    day: i64,
    on_the_day: Next,
    mut at: impl FnMut(i64) -> Option<(String, Next)>,
) -> Next {
    let (mut before, mut after) = ((day - 1) * SECONDS_OF_A_DAY, day * SECONDS_OF_A_DAY);
    let mut first = on_the_day;
    while day > 0 && after - before > 1 {
        let middle = i64::midpoint(before, after);
        match at(middle) {
            Some((_, next)) => (after, first) = (middle, next),
            None => before = middle,
        }
    }
    first
}

/// The user once people were told of the certificate, which is now at the earliest.
fn told(user: &User, now: Timestamp) -> User {
    let mut user = user.clone();
    let Certificate::Usable { fingerprint, .. } = &user.certificate else {
        return user;
    };
    let ids = [OwnerNotice::NEW_CERTIFICATE, FindingKind::NEW_CERTIFICATE];
    let ids = ids.map(|prefix| (format!("{prefix}{fingerprint}"), now));
    let mut record = match &user.record {
        StoredRecord::Own(record) => record.clone(),
        _ => Record::first(user.id.clone()),
    };
    record.notified.extend(ids);
    user.record = StoredRecord::Own(record);
    user
}

/// The user so much later, if they go on as before: a key that is not being replaced is used.
fn later(user: &User, ahead: SignedDuration) -> User {
    let mut user = user.clone();
    let rotation = user.rotation().cloned();
    let is_old = |rotation: &Rotation, key| rotation.intent.existing_keys.contains(key);
    for key in &mut user.keys {
        let is_replaced = rotation
            .as_ref()
            .is_some_and(|rotation| is_old(rotation, &key.id));
        if let Used::Last(last) = &key.used
            && !is_replaced
        {
            key.used = Used::Last(LastUse {
                at: last.at.checked_add(ahead).unwrap_or(last.at),
                ..last.clone()
            });
        }
    }
    user
}

/// An action that its owner wants to know of, and what tells it from others.
fn event(action: &Action, at: Timestamp) -> Option<(String, Next)> {
    let told = |kind: String, at, what: String| Some((kind, Next { at, what }));
    match action {
        Action::Issue { .. } => told(
            ISSUE.to_owned(),
            at,
            "a new key is made for you; then call `banto keys fetch`".to_owned(),
        ),
        Action::Disable { key, .. } => {
            told(format!("disable {key}"), at, format!("{key} is disabled"))
        }
        Action::Delete { key } => told(format!("delete {key}"), at, format!("{key} is deleted")),
        Action::Withdraw { .. } => told(
            "withdraw".to_owned(),
            at,
            "the new key is withdrawn, and replaced by one for your new certificate".to_owned(),
        ),
        Action::AllowSessions => told(
            "sessions".to_owned(),
            at,
            "you may begin sessions again: the emergency is over".to_owned(),
        ),
        Action::NotifyOwner(notice) => of_notice(notice, at),
        _ => None,
    }
}

/// A notice, or what it announces.
fn of_notice(notice: &OwnerNotice, at: Timestamp) -> Option<(String, Next)> {
    let told = |kind: String, at, what: String| Some((kind, Next { at, what }));
    match notice {
        OwnerNotice::Warning { key, .. } => told(
            format!("warning {key}"),
            at,
            format!("you are told that {key} is replaced soon"),
        ),
        OwnerNotice::CertificateProblem { .. } => told(
            "certificate".to_owned(),
            at,
            "a new key is due, and can't be made: `banto keys register`".to_owned(),
        ),
        OwnerNotice::WillBeDisabled { key, at, .. } => told(
            format!("disable {key}"),
            *at,
            format!("{key} is disabled, whoever still uses it"),
        ),
        OwnerNotice::WillBeRetired { key, at, .. } => told(
            format!("disable {key}"),
            *at,
            format!("{key} is disabled, if nobody uses it until then"),
        ),
        OwnerNotice::WillEndUnregistered { key, at, .. } => told(
            format!("disable {key}"),
            *at,
            format!("{key} is disabled, unless you register a certificate"),
        ),
        OwnerNotice::WillBeDeleted { key, at, .. } => {
            told(format!("delete {key}"), *at, format!("{key} is deleted"))
        }
        _ => None,
    }
}

/// The day on which the certificate counts, if that is still to come.
fn counting(counts: &Counts, now: Timestamp) -> Option<Next> {
    let (at, what) = match counts {
        Counts::Now | Counts::Unknown(_) => return None,
        Counts::From(at) => (*at, "your new certificate counts".to_owned()),
        Counts::AfterTold(grace) => (
            now.checked_add(*grace).ok()?,
            format!(
                "your new certificate counts at the earliest: {} after you and the operators were \
                 told",
                days(*grace)
            ),
        ),
    };
    Some(Next { at, what })
}

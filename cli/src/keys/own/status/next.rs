//! What happens next: the rotator's own planner is asked what it would do on each day to come.

use std::collections::BTreeSet;

use banto_domain::policy::RotationPolicy;
use banto_domain::record::Rotation;
use banto_ports::LastUse;
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::event::{Asked, Mode};
use rotate_access_keys::notices;
use rotate_access_keys::plan::{self, Action, OwnerNotice, WaitReason};
use rotate_access_keys::snapshot::{Snapshot, Used, User};

/// Something that will happen, unless somebody does something before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Next {
    pub(super) at: Timestamp,
    pub(super) what: String,
}

/// All that the planner says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outlook {
    /// What happens, each once, the earliest first.
    pub(super) next: Vec<Next>,
    /// When the pinned certificate counts, if it does not yet.
    pub(super) counts_from: Option<Timestamp>,
    /// What is waited for now, in the words that operators read.
    pub(super) waits: Vec<String>,
}

/// Days that are looked ahead: a year and a month, longer than people let a key live.
const DAYS: i64 = 400;

/// Most events that are told: what comes after these depends on them.
const MOST: usize = 4;

/// Looks ahead.
pub(super) fn outlook(
    account: &banto_domain::AccountId,
    identity: &banto_domain::policy::IdentityAccount,
    user: &User,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Outlook {
    let asked = Asked {
        id: String::new(),
        at: now,
    };
    let mut snapshot = Snapshot::empty(account.clone(), identity.role.clone(), asked);
    snapshot.mode = Mode::Due;
    // Windows, canaries and the cap depend on the day and on others.
    let policy = RotationPolicy {
        windows: Vec::new(),
        canaries: BTreeSet::new(),
        max_users_per_run: usize::MAX,
        ..policy.clone()
    };
    let mut seen = BTreeSet::new();
    let mut outlook = Outlook::default();
    for day in 0..=DAYS {
        let ahead = SignedDuration::from_hours(24 * day);
        let Ok(at) = now.checked_add(ahead) else {
            break;
        };
        snapshot.users = vec![later(user, ahead)];
        let planned = plan::plan(&snapshot, &policy, at);
        if day == 0 {
            for waiting in &planned.waiting {
                match &waiting.reason {
                    // The rotator may ask IAM for uses.
                    WaitReason::Usage { .. } => {}
                    WaitReason::PinGrace { until, .. } => {
                        let (kind, next) = counts(*until);
                        seen.insert(kind);
                        outlook.next.push(next);
                        outlook.counts_from = Some(*until);
                    }
                    reason => outlook.waits.push(notices::waiting(reason)),
                }
            }
        }
        for action in planned.chains.iter().flat_map(|chain| &chain.actions) {
            let Some((kind, next)) = event(action, at) else {
                continue;
            };
            if seen.insert(kind) {
                outlook.next.push(next);
            }
        }
    }
    outlook.next.sort();
    outlook.next.truncate(MOST);
    outlook
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
            "issue".to_owned(),
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
        OwnerNotice::NewCertificate { counts_from, .. } => Some(counts(*counts_from)),
        _ => None,
    }
}

fn counts(at: Timestamp) -> (String, Next) {
    let what = "your new certificate counts, unless an operator approves it before".to_owned();
    ("counts".to_owned(), Next { at, what })
}

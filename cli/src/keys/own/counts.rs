//! Since when a certificate counts. The rotator's own planner is asked, so that what `register` and
//! `status` say is what the notices say.

use std::collections::BTreeSet;

use banto_domain::policy::{IdentityAccount, RotationPolicy};
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::event::{Asked, Mode};
use rotate_access_keys::plan::{self, Plan, WaitReason};
use rotate_access_keys::snapshot::{Snapshot, StoredRecord, User};

use crate::dates::day;

/// Since when a usable certificate counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Counts {
    /// Keys are sealed to it already.
    Now,
    /// From a date on.
    From(Timestamp),
    /// So long after owner and operators were both told of it, which was not done yet.
    AfterTold(SignedDuration),
    /// The planner can't be asked; why.
    Unknown(String),
}

/// The rotator's planner, asked about one user.
pub(super) struct Planner {
    snapshot: Snapshot,
    policy: RotationPolicy,
}

impl Planner {
    pub(super) fn of(identity: &IdentityAccount, policy: &RotationPolicy, now: Timestamp) -> Self {
        let asked = Asked {
            id: String::new(),
            at: now,
        };
        let mut snapshot = Snapshot::empty(identity.id.clone(), identity.role.clone(), asked);
        snapshot.mode = Mode::Due;
        // Windows, canaries and the cap depend on the day and on others.
        let policy = RotationPolicy {
            windows: Vec::new(),
            canaries: BTreeSet::new(),
            max_users_per_run: usize::MAX,
            ..policy.clone()
        };
        Self { snapshot, policy }
    }

    /// The plan of a run at that moment.
    pub(super) fn plan(&mut self, user: User, at: Timestamp) -> Plan {
        self.snapshot.users = vec![user];
        plan::plan(&self.snapshot, &self.policy, at)
    }

    /// Since when the user's certificate counts, if it is usable.
    pub(super) fn counts(&mut self, user: &User, now: Timestamp) -> Counts {
        if let Some(why) = not_asked(user) {
            return Counts::Unknown(why);
        }
        // What a switch stops is what would be done, and not what counts.
        let enabled = std::mem::replace(&mut self.policy.enabled, true);
        let mut until = |at| {
            let mut waiting = self.plan(user.clone(), at).waiting.into_iter();
            waiting.find_map(|waiting| match waiting.reason {
                WaitReason::PinGrace { until, .. } => Some(until),
                _ => None,
            })
        };
        let tomorrow = now.checked_add(DAY).unwrap_or(now);
        let (first, later) = (until(now), until(tomorrow));
        self.policy.enabled = enabled;
        match (first, later) {
            (None, _) => Counts::Now,
            // A date that moves with the day: people must be told first.
            (Some(first), Some(later)) if later != first => {
                Counts::AfterTold(first.duration_since(now))
            }
            (Some(first), _) => Counts::From(first),
        }
    }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Why the planner says nothing of a user's certificate, if it does not.
fn not_asked(user: &User) -> Option<String> {
    if let StoredRecord::Unreadable(why) = &user.record {
        return Some(format!("your record is not believed ({why})"));
    }
    if let StoredRecord::FormerUser(_) = &user.record {
        let why = "the record is of a former user of this name, which Banto ends first";
        return Some(why.to_owned());
    }
    let has_left = user.record().is_some_and(|record| record.left.is_some());
    has_left.then(|| "you are recorded as having left".to_owned())
}

impl Counts {
    /// What follows "counts", as the notices say it.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Now => "already".to_owned(),
            Self::From(at) => format!(
                "from {} on, unless an operator approves it before",
                day(*at)
            ),
            Self::AfterTold(grace) => format!(
                "{} after Banto has told you and the operators of it, unless an operator approves \
                 it before",
                days(*grace)
            ),
            Self::Unknown(why) => format!("from a day on that can't be told here: {why}"),
        }
    }
}

pub(super) fn days(time: SignedDuration) -> String {
    match time.as_hours() / 24 {
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    }
}

//! Chooses by the credential report who needs a closer look.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::UserName;
use banto_domain::policy::{RotationPolicy, Selector, UserAttributes};
use jiff::{SignedDuration, Timestamp};

use super::look::earliest;
use crate::credential_report::Row;
use crate::snapshot::Snapshot;
use crate::trail_times::shifted;

/// Days in which each user gets a closer look, whatever the report says: `last_rotated` moves when
/// a key is made inactive and active again, so a key of any age can be made to look young. A month
/// is short beside the 90 days of a key, and costs a thirtieth of all users a day.
const CIRCLE_DAYS: i64 = 30;

const SECONDS_A_DAY: i64 = 86_400;

/// Most days without a run that are made up for. Windows are of the week, so that six is the most
/// that lie between two.
const MOST_MISSED: i64 = 6;

/// The users whom the report leads to.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Those who need a closer look.
    pub(super) users: BTreeSet<UserName>,
    /// Those of the others whose keys' true age is looked at on this day.
    pub(super) slice: BTreeSet<UserName>,
}

/// Chooses the users who need a closer look; the others are in order, as far as the report shows.
pub(super) fn choose(
    rows: &[Row],
    policy: &RotationPolicy,
    now: Timestamp,
    snapshot: &mut Snapshot,
) -> Choice {
    let earliest_warning = policy.earliest_warning();
    let missed_days = missed_days(policy, now);
    let mut choice = Choice::default();
    for row in rows {
        if !may_be_covered(row, policy) {
            continue;
        }
        if row.needs_a_look(earliest_warning, now) {
            choice.users.insert(row.user.clone());
            continue;
        }
        if row.oldest_active().is_some() && is_in_slice(&row.user, now, missed_days) {
            choice.slice.insert(row.user.clone());
        }
        snapshot.users_in_order += 1;
        snapshot.oldest_key = earliest(snapshot.oldest_key, row.oldest_active());
    }
    choice
}

/// The number of days right before this one on which no scheduled run could act, at this hour.
fn missed_days(policy: &RotationPolicy, now: Timestamp) -> i64 {
    let mut days = 0;
    while days < MOST_MISSED {
        let earlier = shifted(now, SignedDuration::from_hours(-24 * (days + 1)));
        if policy.in_window(earlier) {
            return days;
        }
        days += 1;
    }
    days
}

/// True if the user belongs to the slice of all users that is looked at on this day, or on one of
/// the missed days before it.
fn is_in_slice(user: &UserName, now: Timestamp, missed_days: i64) -> bool {
    let day = now.as_second().div_euclid(SECONDS_A_DAY);
    let number = i64::from(number_of(user));
    (number + day).rem_euclid(CIRCLE_DAYS) <= missed_days
}

/// A number that a name always has, and that is spread evenly over names that differ in a digit:
/// FNV-1a, of which the low half is enough. (IETF draft "The FNV Non-Cryptographic Hash
/// Algorithm".)
fn number_of(user: &UserName) -> u32 {
    user.as_str().bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// False if the policy leaves the user out by name or path. Tags and groups are known only by a
/// closer look.
fn may_be_covered(row: &Row, policy: &RotationPolicy) -> bool {
    let (tags, groups) = (BTreeMap::new(), BTreeSet::new());
    let attributes = UserAttributes {
        user: &row.user,
        path: &row.path,
        tags: &tags,
        groups: &groups,
    };
    let may_match = |who: &Selector| match who {
        Selector::Tag { .. } | Selector::Group(_) => true,
        Selector::User(_) | Selector::Path(_) => who.matches(attributes),
    };
    let is_excluded = policy.exclude.iter().any(|who| who.matches(attributes));
    let may_be_included = policy.include.is_empty() || policy.include.iter().any(may_match);
    may_be_included && !is_excluded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_one_day_in_every_thirty() {
        let start: Timestamp = "2026-06-01T01:00:00Z".parse().unwrap();
        let mut sizes = Vec::new();
        for day in 0..60 {
            let now = start + SignedDuration::from_hours(24 * day);
            let names = (0..3_000).map(|number| format!("user-{number}").parse().unwrap());
            sizes.push(names.filter(|name| is_in_slice(name, now, 0)).count());
        }
        assert_eq!(sizes.iter().take(30).sum::<usize>(), 3_000);
        assert_eq!(sizes[..30], sizes[30..]);
        assert!(
            sizes.iter().all(|size| (60..140).contains(size)),
            "{sizes:?}"
        );
    }
}

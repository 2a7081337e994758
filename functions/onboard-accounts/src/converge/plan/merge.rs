//! Merges what the baseline wants with what was there before: the stricter and the more stays, and
//! so does what the baseline does not speak of.

use banto_domain::policy::onboarding::{PasswordPolicy, SnapshotFrequency};
use banto_ports::{Channel, LivePasswordPolicy};

/// The password policy that an account is to have: in each part the stricter of the baseline's and
/// the account's own. A write replaces every part, so that those of which the baseline says nothing
/// are kept; a new policy lets users change their own passwords.
pub(super) fn password_policy(
    wanted: &PasswordPolicy,
    live: Option<&LivePasswordPolicy>,
) -> LivePasswordPolicy {
    let kinds = wanted.all_character_kinds;
    let Some(live) = live else {
        return LivePasswordPolicy {
            minimum_length: wanted.minimum_length,
            lowercase: kinds,
            uppercase: kinds,
            numbers: kinds,
            symbols: kinds,
            max_age_days: wanted.max_age_days,
            reuse_prevention: wanted.reuse_prevention,
            users_may_change: true,
            hard_expiry: false,
        };
    };
    LivePasswordPolicy {
        minimum_length: wanted.minimum_length.max(live.minimum_length),
        lowercase: kinds || live.lowercase,
        uppercase: kinds || live.uppercase,
        numbers: kinds || live.numbers,
        symbols: kinds || live.symbols,
        max_age_days: least(wanted.max_age_days, live.max_age_days),
        reuse_prevention: wanted.reuse_prevention.max(live.reuse_prevention),
        users_may_change: live.users_may_change,
        hard_expiry: live.hard_expiry,
    }
}

/// The lesser of two numbers; a password that never ends is the laxest.
fn least(one: Option<i32>, other: Option<i32>) -> Option<i32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The delivery channel of others, with what the baseline wants. It delivers at least as often as
/// before, and to the topic that it had where the baseline names none. Prefix and key belong to a
/// bucket: where the bucket changes they are the baseline's.
pub(super) fn channel(wanted: &Channel, existing: &Channel) -> Channel {
    let keeps_bucket = wanted.bucket == existing.bucket;
    let of_bucket = |wanted: &Option<String>, existing: &Option<String>| {
        let kept = existing.clone().filter(|_| keeps_bucket);
        wanted.clone().or(kept)
    };
    Channel {
        name: existing.name.clone(),
        bucket: wanted.bucket.clone(),
        prefix: of_bucket(&wanted.prefix, &existing.prefix),
        kms_key: of_bucket(&wanted.kms_key, &existing.kms_key),
        topic: wanted.topic.clone().or_else(|| existing.topic.clone()),
        snapshots: more_often(wanted.snapshots.as_ref(), existing.snapshots.as_ref()),
    }
}

/// The more frequent of two deliveries, as AWS Config writes it.
fn more_often(one: Option<&String>, other: Option<&String>) -> Option<String> {
    let frequency = |text: &&String| SnapshotFrequency::from_aws(text);
    let given = [one, other].into_iter().flatten();
    given.min_by_key(frequency).cloned()
}

//! Warns operators of waivers that end soon: once a week before, and once a day before.

use banto_domain::compliance::short_hash;
use banto_domain::policy::compliance::Waiver;
use banto_lambda::Invocation;
use banto_notice::Notice;
use jiff::{SignedDuration, Timestamp};

use crate::notices;
use crate::relay::Relay;

/// Times before a waiver's end at which operators are warned, the longest first: a week to put the
/// finding right or to have the waiver renewed, and a day as the last call.
const WARNINGS: [SignedDuration; 2] = [
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(24),
];

/// Sends the warnings that are due. One that fails is logged, and sent by the next day's schedule.
pub(crate) async fn warn(relay: &Relay, waivers: &[Waiver], invocation: &Invocation) {
    let now = relay.clock.now();
    for waiver in waivers {
        let Some(notice) = warning(waiver, now) else {
            continue;
        };
        if let Err(error) = relay.relay(&notice, invocation).await {
            tracing::error!(rule.name = waiver.rule, %error, "warning of a waiver's end was not sent");
        }
    }
}

/// The warning that is due now, if one is; it has the same id and words until the next one is due.
fn warning(waiver: &Waiver, now: Timestamp) -> Option<Notice> {
    let left = waiver.until.duration_since(now);
    if left <= SignedDuration::ZERO {
        return None;
    }
    let before = WARNINGS.iter().rfind(|before| left <= **before)?;
    let id = short_hash(&[
        &waiver.rule,
        waiver
            .account
            .as_ref()
            .map_or("", |account| account.as_str()),
        &waiver.resource,
        &waiver.until.to_string(),
        &before.as_hours().to_string(),
    ]);
    let id = format!("notify-compliance:waiver:{id}");
    Some(notices::waiver_ends(id, waiver))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_stays_the_same_until_the_next_one_is_due() {
        let waiver = Waiver {
            rule: "s3-bucket-public-read-prohibited".into(),
            account: None,
            resource: "website-*".into(),
            owner: "alice".into(),
            reason: "a public website".into(),
            until: "2027-03-31T00:00:00Z".parse().unwrap(),
        };
        let before = |hours| warning(&waiver, waiver.until - SignedDuration::from_hours(hours));
        assert_eq!(before(7 * 24 + 1), None);
        let week = before(7 * 24).unwrap();
        assert_eq!(before(25).as_ref(), Some(&week));
        let day = before(24).unwrap();
        assert_ne!(day.id, week.id);
        assert_eq!(before(1), Some(day));
        assert_eq!(before(0), None);
    }
}

//! What operators are told of users who left: what they had, and what becomes of it.

use banto_domain::record::secret_name;
use banto_domain::{Fingerprint, UserName};
use banto_notice::text::{day, joined};
use jiff::Timestamp;

use super::commands;
use super::uses::used;
use crate::outcome::AccountOutcome;
use crate::plan::{FindingKind, LeftKey};
use crate::snapshot::Used;

/// The number of users who left, and the lines about what they had.
pub(super) fn lines(outcome: &AccountOutcome) -> (usize, Vec<String>) {
    let mut leavers = 0;
    let mut lines = Vec::new();
    for new in outcome.new_findings() {
        if let FindingKind::Left {
            at,
            keys,
            groups,
            certificate,
            revokes,
        } = &new.kind
        {
            leavers += 1;
            let user = &new.user;
            lines.push(format!("{user} left: {}", ended_sessions(*revokes)));
            if keys.is_empty() {
                lines.push(format!("{user} has no access key"));
            }
            for key in keys {
                lines.push(format!("{user} has {}", left_key(key, *at)));
            }
            if !groups.is_empty() {
                let groups = joined(groups, ", ");
                lines.push(format!(
                    "{user} is in groups that the policy names: {groups}"
                ));
            }
            lines.push(format!("{user}: {}", archive(user, certificate.as_ref())));
            lines.push(format!(
                "{user}: to take it back, keys with it until they are deleted: `{}`",
                commands::operators("restore", user)
            ));
        }
    }
    (leavers, lines)
}

fn ended_sessions(revokes: bool) -> String {
    let roles = if revokes {
        "those in roles are handed to onboard-accounts to end"
    } else {
        "those in roles go on until they are over, since `rotation.revocations` names no queue"
    };
    format!("no new key is issued; the user's own sessions are denied for good, and {roles}")
}

/// A key of a user who left, with its age, its last use and its end.
fn left_key(key: &LeftKey, at: Timestamp) -> String {
    let LeftKey {
        key,
        created_at,
        used: use_of_key,
        worked,
        deleted_at,
    } = key;
    let age = at.duration_since(*created_at).as_hours() / 24;
    let use_of_key = match use_of_key {
        Used::Last(last_use) => format!("last used for {}", used(last_use)),
        Used::Never => "never used, as far as IAM shows".to_owned(),
        Used::Unknown => "whose use IAM did not tell".to_owned(),
    };
    let state = if *worked {
        "disabled now"
    } else {
        "inactive before"
    };
    format!(
        "{key}, {age} days old, {use_of_key}: {state}, deleted from {} on",
        day(*deleted_at)
    )
}

/// The places where the record and the certificate of a user stay.
fn archive(user: &UserName, certificate: Option<&(Fingerprint, String)>) -> String {
    let record = format!("the record stays, as the secret {}", secret_name(user));
    match certificate {
        Some((fingerprint, place)) => {
            format!("{record}, and the pinned certificate {fingerprint}, at {place}")
        }
        None => format!("{record}; no certificate was pinned"),
    }
}

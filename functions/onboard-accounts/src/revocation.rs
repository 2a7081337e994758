//! The inline policies that end sessions of a role: one denies everything to sessions that bear a
//! user's name and were issued before a moment, and another to all sessions from before a moment.
//!
//! Roles of the baseline that people assume ask for a session's name to be the user's. A session's
//! `aws:userid` is the role's unique id, a colon and that name. (IAM user guide, "IAM JSON policy
//! elements: Variables and tags", table of principal values.)

use banto_domain::UserName;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use serde_json::{Value, json};

/// The beginning of the names of policies that end one user's sessions. The rest is the user's
/// name.
const PREFIX: &str = "banto-revoked-";

/// The name of the policy that ends everybody's sessions of a role. Operators write it where
/// sessions may bear other names than their user's; Banto keeps it until those are over.
pub const EVERYBODY: &str = "banto-revoked";

/// The longest session of a role. (IAM API reference, `UpdateRole`, `MaxSessionDuration`: at most
/// 43,200 seconds.)
pub const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(12);

/// The time by which a clock may be fast. A denial of sessions that are yet to be issued would lock
/// its user out.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The name of the policy that ends a user's sessions.
pub fn policy_name(user: &UserName) -> String {
    format!("{PREFIX}{user}")
}

/// The policy that denies everything to sessions of a user that were issued before a moment.
pub fn policy(user: &UserName, before: Timestamp) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "StringLike": { "aws:userid": format!("*:{user}") },
                "DateLessThan": { "aws:TokenIssueTime": before },
            },
        }],
    })
}

/// The policy that denies everything to all sessions that were issued before a moment.
pub fn policy_for_everybody(before: Timestamp) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": { "DateLessThan": { "aws:TokenIssueTime": before } },
        }],
    })
}

/// The moment before which the sessions that a policy denies were issued; `None` of a policy that
/// is not one of these.
pub fn issued_before(name: &str, policy: &Value) -> Option<Timestamp> {
    let path = "/Statement/0/Condition/DateLessThan/aws:TokenIssueTime";
    let before: Timestamp = policy.pointer(path)?.as_str()?.parse().ok()?;
    let own = if name == EVERYBODY {
        policy_for_everybody(before)
    } else {
        let user: UserName = name.strip_prefix(PREFIX)?.parse().ok()?;
        self::policy(&user, before)
    };
    (*policy == own).then_some(before)
}

/// A moment, or the next whole second after it: `aws:TokenIssueTime` has no parts of a second, and
/// IAM's documentation shows no date with nanoseconds.
pub fn whole_second(moment: Timestamp) -> Timestamp {
    let round = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Ceil);
    moment.round(round).unwrap_or(moment)
}

/// True if a role's trust policy lets IAM users assume it under their own names only: so says each
/// of its statements that allows `sts:AssumeRole`, and there is one.
pub fn names_users(trust: &Value) -> bool {
    let mut statements = list(trust.get("Statement"));
    statements.retain(|statement| may_assume(statement));
    !statements.is_empty() && statements.iter().all(|it| asks_for_user_name(it))
}

/// True if a statement allows `sts:AssumeRole`. A wildcard is taken to mean it.
fn may_assume(statement: &Value) -> bool {
    let actions = list(statement.get("Action"));
    let is_meant =
        statement.get("NotAction").is_some() || actions.iter().any(|action| is_assume_role(action));
    is_meant && statement.get("Effect") != Some(&json!("Deny"))
}

fn is_assume_role(action: &Value) -> bool {
    let action = action.as_str().unwrap_or("*");
    action.contains(['*', '?']) || action.eq_ignore_ascii_case("sts:AssumeRole")
}

fn asks_for_user_name(statement: &Value) -> bool {
    let condition = statement.pointer("/Condition/StringEquals");
    let fields = condition.and_then(Value::as_object);
    let mut fields = fields.into_iter().flatten();
    // Keys of conditions are the same in any case of their letters. (IAM user guide, "IAM JSON
    // policy elements: Condition".)
    let asked = fields.find(|(key, _)| key.eq_ignore_ascii_case("sts:RoleSessionName"));
    asked.is_some_and(|(_, names)| list(Some(names)) == [&json!("${aws:username}")])
}

/// The elements of a list; a single value stands for a list of one.
fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(elements)) => elements.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

/// True once the longest session that a policy denies has ended by itself. A role's own limit does
/// not count: a longer one may have been in force when a session began.
pub fn has_ended(before: Timestamp, now: Timestamp) -> bool {
    now.duration_since(before) > LONGEST_SESSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bantos_own_denial_counts_as_a_revocation() {
        let alice: UserName = "alice".parse().unwrap();
        let before: Timestamp = "2026-11-27T01:00:00Z".parse().unwrap();
        let denial = policy(&alice, before);
        let name = policy_name(&alice);
        assert_eq!(issued_before(&name, &denial), Some(before));
        assert_eq!(issued_before("banto-revoked-bob", &denial), None);
        assert_eq!(issued_before("no-secrets", &denial), None);
        let mut wider = denial.clone();
        wider["Statement"][0]["Effect"] = json!("Allow");
        assert_eq!(issued_before(&name, &wider), None);
        let everybody = policy_for_everybody(before);
        assert_eq!(issued_before(EVERYBODY, &everybody), Some(before));
        assert_eq!(issued_before(&name, &everybody), None);
        assert_eq!(issued_before(EVERYBODY, &denial), None);
    }

    fn trust(statements: &[Value]) -> Value {
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    /// A statement that lets a user assume the role under this name.
    fn under(name: &Value) -> Value {
        json!({
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:RoleSessionName": name } },
        })
    }

    #[test]
    fn sessions_bear_their_users_names_only_if_every_way_into_the_role_asks_for_it() {
        let user = json!("${aws:username}");
        let mut tagging = json!({ "Effect": "Allow", "Action": "sts:TagSession" });
        let mut single = trust(&[]);
        single["Statement"] = under(&json!(["${aws:username}"]));
        for asks in [trust(&[under(&user), tagging.clone()]), single] {
            assert!(names_users(&asks), "{asks}");
        }
        let no_name = json!({ "Effect": "Allow", "Action": ["sts:*"] });
        let two_names = under(&json!(["${aws:username}", "x"]));
        let mut if_it_exists = under(&user);
        let condition = if_it_exists["Condition"]["StringEquals"].take();
        if_it_exists["Condition"] = json!({ "StringEqualsIfExists": condition });
        tagging["NotAction"] = tagging["Action"].take();
        let others = [
            no_name,
            two_names,
            if_it_exists,
            tagging,
            under(&json!("x")),
        ];
        for other in others {
            let trust = trust(&[under(&user), other]);
            assert!(!names_users(&trust), "{trust}");
        }
        assert!(
            !names_users(&trust(&[])),
            "nothing is known of earlier sessions"
        );
    }

    #[test]
    fn a_revocation_lasts_as_long_as_the_longest_session() {
        let before: Timestamp = "2026-11-27T01:00:00Z".parse().unwrap();
        assert!(!has_ended(before, before + LONGEST_SESSION));
        let later = before + LONGEST_SESSION + SignedDuration::from_secs(1);
        assert!(has_ended(before, later));
    }
}

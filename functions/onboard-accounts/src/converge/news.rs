//! Decides what is new of an account, by what people were told last: pure.

use banto_domain::status::{AccountStatus, Condition};
use banto_ports::{AccountRow, Held, LastNotified, OrgAccount};
use jiff::{SignedDuration, Timestamp};

use super::expected::{is_in_its_first_day, is_new};
use super::outcome::NewsKind;
use super::retry::has_timed_out;
use crate::message::ConvergeRequest;

/// The mark of an account that people know to be in order.
pub(super) const READY: &str = "ready";

/// The beginning of the mark of an account that people know to be stuck.
const STUCK: &str = "stuck";

/// The time until people are reminded of an account that is stuck in its first day: five hours
/// after it joined, since they were told after one. AWS Config gives its organization rules up
/// after seven.
const FIRST_REMINDER: SignedDuration = SignedDuration::from_hours(4);

/// The time until people are told of other reasons that may pass. What they mended is to show soon,
/// and reasons that come and go are no alarm each time.
const CHANGE: SignedDuration = SignedDuration::from_hours(1);

/// The time until people are reminded of any other account that is stuck. Somewhat less than a day,
/// so that each daily run reminds.
const REMINDER: SignedDuration = SignedDuration::from_hours(20);

/// The time until people are reminded of what differs and is only reported.
const DRIFT_REMINDER: SignedDuration = SignedDuration::from_hours(7 * 24 - 4);

/// The news of an account and its mark; `None` if people know already.
pub fn news(
    status: &AccountStatus,
    request: &ConvergeRequest,
    last: Option<&LastNotified>,
    now: Timestamp,
) -> Option<(NewsKind, String)> {
    if is_left_alone(status) {
        return None;
    }
    let account = &request.account;
    match status.worst() {
        Condition::InPlace | Condition::LeftAlone { .. } => {
            Some((in_place(account, last, now)?, READY.to_owned()))
        }
        Condition::Drifted { .. } => drifted(status, account, last, now),
        Condition::Failed(_) => stuck(status, account, last, now),
        Condition::NotReady(_) if has_timed_out(request, now) => stuck(status, account, last, now),
        Condition::NotReady(_) => None,
    }
}

/// The mark of an account that is in order and of which people are told nothing: it was part of the
/// Organization for long when it came to its baseline. `None` if there is a mark, or news.
pub fn quiet_mark(
    status: &AccountStatus,
    request: &ConvergeRequest,
    last: Option<&LastNotified>,
    now: Timestamp,
) -> Option<LastNotified> {
    let is_in_order = matches!(
        status.worst(),
        Condition::InPlace | Condition::LeftAlone { .. }
    );
    let is_quiet = last.is_none() && is_in_order && !is_left_alone(status);
    (is_quiet && !is_new(&request.account, now)).then(|| LastNotified {
        mark: READY.to_owned(),
        at: now,
    })
}

/// The condition of an account that is not in order and since when, where that is not saved yet.
/// `before` is its item as it was before this status: one of an earlier release, or of a run that
/// ended early, lacks the moment, and then the last look is the earliest that is known.
pub fn held(status: &AccountStatus, before: &AccountRow) -> Option<Held> {
    let worst = status.worst();
    if matches!(worst, Condition::InPlace | Condition::LeftAlone { .. }) {
        return None;
    }
    let condition = worst.as_str();
    let last = before.status.as_ref();
    let Some(same) = last.filter(|last| last.worst().as_str() == condition) else {
        return Some(Held {
            condition: condition.to_owned(),
            since: status.checked_at,
        });
    };
    before.held_since().is_none().then(|| Held {
        condition: condition.to_owned(),
        since: same.checked_at,
    })
}

/// True of an account that is left alone altogether, which is neither ready nor in trouble.
fn is_left_alone(status: &AccountStatus) -> bool {
    let conditions = &status.conditions;
    conditions.regions.is_empty() && matches!(conditions.account, Condition::LeftAlone { .. })
}

/// A new account is ready once; any other one was known, or is in order again.
fn in_place(account: &OrgAccount, last: Option<&LastNotified>, now: Timestamp) -> Option<NewsKind> {
    let is_new = is_new(account, now);
    match last.map(|last| last.mark.as_str()) {
        None => is_new.then_some(NewsKind::Ready),
        Some(READY) => None,
        Some(mark) if is_new && mark.starts_with(STUCK) => Some(NewsKind::Ready),
        Some(_) => Some(NewsKind::InOrderAgain),
    }
}

fn stuck(
    status: &AccountStatus,
    account: &OrgAccount,
    last: Option<&LastNotified>,
    now: Timestamp,
) -> Option<(NewsKind, String)> {
    let mark = stuck_mark(status);
    let Some(last) = last.filter(|last| last.mark == mark || is_passing_change(status, last, now))
    else {
        return Some((NewsKind::Stuck, mark));
    };
    let reminder = match is_in_its_first_day(account, now) {
        true => FIRST_REMINDER,
        false => REMINDER,
    };
    is_due(last, reminder, now).then_some((NewsKind::StillStuck, mark))
}

/// True if people were told lately that the account is stuck, and all that holds it up now may pass:
/// such reasons may differ from look to look, while new accounts are looked at every 15 minutes.
fn is_passing_change(status: &AccountStatus, last: &LastNotified, now: Timestamp) -> bool {
    let may_pass = matches!(status.worst(), Condition::NotReady(_));
    may_pass && last.mark.starts_with(STUCK) && !is_due(last, CHANGE, now)
}

/// A new account with drift that is only reported is ready, and the notice says what differs.
fn drifted(
    status: &AccountStatus,
    account: &OrgAccount,
    last: Option<&LastNotified>,
    now: Timestamp,
) -> Option<(NewsKind, String)> {
    let mark = drifted_mark(status);
    let was_ready = last.is_some_and(|last| !last.mark.starts_with(STUCK));
    if is_new(account, now) && !was_ready {
        return Some((NewsKind::Ready, mark));
    }
    let is_known = last.is_some_and(|last| last.mark == mark && !is_due(last, DRIFT_REMINDER, now));
    (!is_known).then_some((NewsKind::Drifted, mark))
}

fn is_due(last: &LastNotified, reminder: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(last.at) >= reminder
}

/// The mark of an account that differs: each difference with its place.
fn drifted_mark(status: &AccountStatus) -> String {
    let mut differences = Vec::new();
    for (place, condition) in status.conditions.iter() {
        if let Condition::Drifted { items } = condition {
            differences.push(format!("{place} {}", items.join(", ")));
        }
    }
    format!("drifted: {}", differences.join("; "))
}

/// The mark of an account that is stuck: each kind of reason with its places, without the details,
/// which differ from call to call.
fn stuck_mark(status: &AccountStatus) -> String {
    let mut kinds = Vec::new();
    for (kind, places) in status.reasons() {
        let places: Vec<String> = places.iter().map(|(place, _)| place.to_string()).collect();
        kinds.push(format!("{} {}", kind.as_str(), places.join(" ")));
    }
    format!("{STUCK}: {}", kinds.join("; "))
}

#[cfg(test)]
mod tests {
    use banto_domain::PerPlace;
    use banto_domain::status::{Reason, ReasonKind};
    use banto_ports::AccountState;

    use super::*;
    use crate::message::Cause;

    fn now() -> Timestamp {
        "2026-11-24T01:00:00Z".parse().unwrap()
    }

    /// The news of an account that is stuck for such a reason, two hours after it joined.
    fn news_of(kind: ReasonKind, last: &LastNotified) -> Option<(NewsKind, String)> {
        let account = OrgAccount {
            id: "444455556666".parse().unwrap(),
            name: "payments".into(),
            state: AccountState::Active,
            path: Vec::new(),
            joined_at: Some(now() - SignedDuration::from_hours(2)),
            was_created: true,
        };
        let status = AccountStatus {
            account: account.id.clone(),
            name: account.name.clone(),
            checked_at: now(),
            conditions: PerPlace::of_account(Reason::new(kind, "").condition()),
        };
        let request = ConvergeRequest {
            account,
            cause: Cause::Joined,
            requested_at: now() - SignedDuration::from_hours(2),
            attempt: 9,
        };
        news(&status, &request, Some(last), now())
    }

    fn status_at(hour: i64, condition: Condition) -> AccountStatus {
        AccountStatus {
            account: "444455556666".parse().unwrap(),
            name: "payments".into(),
            checked_at: now() + SignedDuration::from_hours(hour),
            conditions: PerPlace::of_account(condition),
        }
    }

    #[test]
    fn an_account_keeps_the_moment_since_which_its_condition_holds() {
        let denied = || Reason::new(ReasonKind::Denied, "iam:CreateRole").condition();
        let foreign = || Reason::new(ReasonKind::ForeignRole, "admin").condition();
        let row = |last, held: Option<(&str, i64)>| AccountRow {
            status: last,
            held: held.map(|(condition, hour)| Held {
                condition: condition.to_owned(),
                since: now() + SignedDuration::from_hours(hour),
            }),
            ..AccountRow::default()
        };
        let in_place = || Some(status_at(4, Condition::InPlace));
        let not_ready = || Some(status_at(4, denied()));
        for (after, before, saved) in [
            // It begins: for the first time, after it was in order, or after another condition.
            (denied(), row(None, None), Some(("not ready", 5))),
            (denied(), row(in_place(), None), Some(("not ready", 5))),
            // Its item is of a release that kept the moment of an earlier trouble.
            (
                denied(),
                row(in_place(), Some(("not ready", 1))),
                Some(("not ready", 5)),
            ),
            (
                foreign(),
                row(not_ready(), Some(("not ready", 1))),
                Some(("failed", 5)),
            ),
            // It goes on.
            (denied(), row(not_ready(), Some(("not ready", 1))), None),
            // It goes on, and nothing says since when: it was in order after an earlier trouble, and
            // the run that saw this one begin ended early.
            (denied(), row(not_ready(), None), Some(("not ready", 4))),
            (
                denied(),
                row(not_ready(), Some(("failed", 1))),
                Some(("not ready", 4)),
            ),
            // It is in order.
            (
                Condition::InPlace,
                row(not_ready(), Some(("not ready", 1))),
                None,
            ),
        ] {
            let expected = row(None, saved).held;
            assert_eq!(held(&status_at(5, after), &before), expected, "{before:?}");
        }
    }

    #[test]
    fn reasons_that_come_and_go_are_told_once_an_hour_and_what_needs_people_at_once() {
        let told = |minutes| LastNotified {
            mark: "stuck: NotAssumable account".to_owned(),
            at: now() - SignedDuration::from_mins(minutes),
        };
        assert_eq!(news_of(ReasonKind::Throttled, &told(15)), None);
        assert_eq!(news_of(ReasonKind::NotAssumable, &told(60)), None);
        for (kind, minutes) in [(ReasonKind::Throttled, 60), (ReasonKind::ForeignRole, 15)] {
            let news = news_of(kind, &told(minutes)).map(|(kind, _)| kind);
            assert_eq!(news, Some(NewsKind::Stuck), "{kind:?}");
        }
    }
}

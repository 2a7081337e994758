//! The notices of the fan-out: a request to Organizations or Control Tower that failed, and an
//! account that does not show.

use banto_notice::text::{day, fact};
use banto_notice::{Audience, Notice, Step, Urgency};

use crate::message::{Cause, FailedRequest, FailedStep, FindRequest};

/// A request to Organizations or Control Tower failed.
pub fn failed(failed: &FailedRequest) -> Notice {
    let FailedRequest {
        step,
        event,
        subject,
        reason,
    } = failed;
    let (kind, headline, remedy) = match step {
        FailedStep::Creation => (
            "creation",
            "An account could not be created".to_owned(),
            creation_remedy(reason),
        ),
        FailedStep::Enrolment => (
            "enrolment",
            format!("Control Tower could not enrol {subject}"),
            ENROL_AGAIN,
        ),
        FailedStep::Update => (
            "update",
            format!("Control Tower could not update {subject}"),
            UPDATE_AGAIN,
        ),
    };
    let id = format!("onboard-accounts:{kind}-failed:{event}");
    let mut notice = alarm(id, headline);
    if *step == FailedStep::Creation {
        notice.facts.push(fact("Request", subject));
    }
    notice.facts.push(fact("AWS says", reason));
    notice.steps = vec![step_of(remedy)];
    notice
}

/// The remedy where Control Tower could not enrol an account.
const ENROL_AGAIN: &str = "Look at the account in Control Tower's Account Factory, correct what AWS \
                           names, then enrol it again.";

/// The remedy where Control Tower could not update an account.
const UPDATE_AGAIN: &str = "The account exists. Look at it in Control Tower's Account Factory, \
                            correct what AWS names, then update it again or re-register its \
                            organizational unit.";

/// An account that an event named, and that Organizations has not shown for an hour. Several events
/// of a day about one account share an id.
pub fn not_shown(request: &FindRequest) -> Notice {
    let account = &request.account;
    // A subject of SNS has 100 characters.
    let headline = match request.cause {
        Cause::Drift => {
            format!("Control Tower found drift in {account}, but AWS Organizations doesn't show it")
        }
        Cause::ControlTower => {
            format!("Control Tower enrolled {account}, but AWS Organizations doesn't show it")
        }
        _ => format!("Account {account} joined, but AWS Organizations doesn't show it"),
    };
    let mut notice = alarm(
        format!(
            "onboard-accounts:{account}:not-shown:{}",
            day(request.requested_at)
        ),
        headline,
    );
    notice
        .paragraphs
        .push("Banto has looked for it for an hour, and has done nothing in it.".to_owned());
    let command = format!("aws organizations describe-account --account-id {account}");
    notice.steps = vec![
        Step {
            text: "See whether the account is in the Organization:".to_owned(),
            command: Some(command),
        },
        Step {
            text:
                "If it is, the next daily run sets it up, and this does it at once. If it has left \
                   again, there is nothing to do:"
                    .to_owned(),
            command: Some(format!("banto accounts apply {account} --wait")),
        },
    ];
    notice
}

fn alarm(id: String, headline: String) -> Notice {
    Notice::new(id, Audience::Operators, Urgency::Alarm, headline)
}

fn step_of(text: &str) -> Step {
    Step {
        text: text.to_owned(),
        command: None,
    }
}

/// Returns what an operator does about a failed creation. (Organizations API reference,
/// `CreateAccountStatus`.)
fn creation_remedy(reason: &str) -> &'static str {
    match reason {
        "ACCOUNT_LIMIT_EXCEEDED" => "Ask for more accounts in Service Quotas (AWS Organizations).",
        "EMAIL_ALREADY_EXISTS" | "INVALID_EMAIL" => {
            "Create it again with a mail address that no other account has."
        }
        "INVALID_ADDRESS" | "INVALID_PAYMENT_INSTRUMENT" | "MISSING_PAYMENT_INSTRUMENT" => {
            "Correct the management account's address or means of payment, then create it again."
        }
        "CONCURRENT_ACCOUNT_MODIFICATION" | "INTERNAL_FAILURE" => {
            "Create it again in a few minutes."
        }
        _ => "Look at the reason, then create it again; AWS Support helps if it lasts.",
    }
}

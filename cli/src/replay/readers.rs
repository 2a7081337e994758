//! Which function an event is for: the one whose own decoder reads it.

use banto_lambda::event::Invoked;
use clap::ValueEnum;
use notify_compliance::event::Item;
use serde_json::Value;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Function {
    /// Rotates access keys.
    RotateAccessKeys,
    /// Brings accounts to their baseline.
    OnboardAccounts,
    /// Tells people of noncompliance.
    NotifyCompliance,
    /// Makes the month's report.
    ReportCompliance,
}

/// The functions, in the order in which they are tried.
pub(crate) const ALL: [Function; 4] = [
    Function::RotateAccessKeys,
    Function::OnboardAccounts,
    Function::NotifyCompliance,
    Function::ReportCompliance,
];

/// What a function's decoder says of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It asks for something.
    Asks,
    /// It is read, and asks for nothing.
    Nothing(String),
    /// It can't be read, and why.
    Refused(String),
}

impl Function {
    /// The function's name, as its folder and its program have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RotateAccessKeys => "rotate-access-keys",
            Self::OnboardAccounts => "onboard-accounts",
            Self::NotifyCompliance => "notify-compliance",
            Self::ReportCompliance => "report-compliance",
        }
    }

    /// The verdict of the function's own decoder.
    pub(crate) fn reads(self, event: &Value) -> Reading {
        let bytes = event.to_string().into_bytes();
        match self {
            Self::RotateAccessKeys => {
                use rotate_access_keys::event::{Trigger, decode};
                reading(decode(&bytes), |trigger| match trigger {
                    Trigger::Nothing { reason } => Some(reason.clone()),
                    Trigger::Rotate(_) => None,
                })
            }
            Self::OnboardAccounts => {
                use onboard_accounts::event::{Trigger, decode};
                reading(decode(&bytes), |trigger| match trigger {
                    Trigger::Nothing { reason } => Some(reason.clone()),
                    _ => None,
                })
            }
            Self::NotifyCompliance => {
                use notify_compliance::event::{Trigger, decode};
                reading(decode(&bytes), |trigger| match trigger {
                    Trigger::Item(Item::Irrelevant) => {
                        Some("it says nothing about compliance".to_owned())
                    }
                    _ => None,
                })
            }
            Self::ReportCompliance => match report_compliance::event::decode(&bytes) {
                Ok(_) => Reading::Asks,
                Err(error) => Reading::Refused(error.to_string()),
            },
        }
    }
}

/// A batch is read if each of its records is.
fn reading<T, E: ToString>(
    decoded: Result<Invoked<T>, E>,
    nothing: impl Fn(&T) -> Option<String>,
) -> Reading {
    let triggers = match decoded {
        Err(error) => return Reading::Refused(error.to_string()),
        Ok(Invoked::Direct(trigger)) => vec![Ok(trigger)],
        Ok(Invoked::Batch(records)) => records.into_iter().map(|one| one.payload).collect(),
    };
    let mut reasons = Vec::new();
    let mut asks = false;
    for trigger in triggers {
        match trigger {
            Err(error) => return Reading::Refused(error),
            Ok(trigger) => match nothing(&trigger) {
                Some(reason) => reasons.push(reason),
                None => asks = true,
            },
        }
    }
    if asks {
        Reading::Asks
    } else if reasons.is_empty() {
        Reading::Nothing("no record is in it".to_owned())
    } else {
        Reading::Nothing(reasons.join("; "))
    }
}

/// The function that an event is for, or who says what of it.
pub(crate) fn only(event: &Value) -> Result<Function, String> {
    let readings: Vec<(Function, Reading)> = ALL
        .into_iter()
        .map(|function| (function, function.reads(event)))
        .collect();
    let mut asked = readings
        .iter()
        .filter(|(_, reading)| *reading == Reading::Asks)
        .map(|(function, _)| *function);
    match (asked.next(), asked.next()) {
        (Some(only), None) => Ok(only),
        (Some(one), Some(other)) => {
            let mut names = vec![one.name(), other.name()];
            names.extend(asked.map(Function::name));
            Err(format!(
                "several functions read this event: say which one is meant: --function {}",
                names.join(" | ")
            ))
        }
        (None, _) => {
            let lines: Vec<String> = readings.iter().map(said).collect();
            Err(format!(
                "no function does anything for this event:\n{}",
                lines.join("\n")
            ))
        }
    }
}

fn said((function, reading): &(Function, Reading)) -> String {
    let why = match reading {
        Reading::Asks => "it is for it",
        Reading::Nothing(why) | Reading::Refused(why) => why,
    };
    format!("  {}: {why}", function.name())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    /// The event as a record of SQS.
    fn queued(event: &Value) -> Value {
        json!({ "Records": [
            { "messageId": "1", "eventSource": "aws:sqs", "body": event.to_string() }
        ] })
    }

    #[test]
    fn an_event_is_for_the_function_that_reads_it_in_whatever_wrapping() {
        let health = event(include_str!(
            "../../../functions/rotate-access-keys/tests/events/health-credentials-exposed.json"
        ));
        let change = event(include_str!(
            "../../../functions/notify-compliance/tests/events/compliance-change.json"
        ));
        let created = json!({
            "source": "aws.organizations", "detail-type": "AWS Service Event via CloudTrail",
            "account": "999988887777", "detail": { "eventName": "CreateAccountResult",
                "serviceEventDetails": { "createAccountStatus":
                    { "state": "SUCCEEDED", "accountId": "444455556666" } } },
        });
        for (event, function) in [
            (health, Function::RotateAccessKeys),
            (
                json!({ "users": ["alice"], "mode": "force" }),
                Function::RotateAccessKeys,
            ),
            (created, Function::OnboardAccounts),
            (json!({ "revoke": "alice" }), Function::OnboardAccounts),
            (change, Function::NotifyCompliance),
            (
                json!({ "version": 1, "kind": "remind", "route": "platform" }),
                Function::NotifyCompliance,
            ),
        ] {
            assert_eq!(only(&event), Ok(function), "{event}");
            assert_eq!(only(&queued(&event)), Ok(function), "{event}");
        }
        let month = json!({ "month": "2026-10" });
        assert_eq!(only(&month), Ok(Function::ReportCompliance));
    }

    #[test]
    fn what_several_functions_read_is_told_with_the_option_that_decides() {
        let error = only(&json!({})).unwrap_err();
        let all = "rotate-access-keys | onboard-accounts | notify-compliance | report-compliance";
        assert!(error.contains(&format!("--function {all}")), "{error}");
        let error = only(&json!({ "accounts": ["444455556666"] })).unwrap_err();
        assert!(
            error.ends_with("--function onboard-accounts | notify-compliance"),
            "{error}"
        );
    }

    #[test]
    fn what_no_function_reads_is_told_with_what_each_says() {
        let foreign = json!({ "source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {} });
        let error = only(&foreign).unwrap_err();
        for function in ALL {
            let says = format!("{}: can't handle \"EC2 Spot\"", function.name());
            assert!(error.contains(&says), "{error}");
        }
        let news = json!({
            "Type": "SubscriptionConfirmation",
            "TopicArn": "arn:aws:sns:eu-west-1:111122223333:x",
        });
        assert!(only(&queued(&news)).is_ok(), "one function tells of it");
    }
}

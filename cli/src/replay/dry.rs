//! What a dry run asks of a function: its own request with `dryRun`, about the same things as the
//! event.
//!
//! The rotator is not among them: it plans for its own triggers, whatever they came by.

use std::collections::BTreeSet;

use banto_domain::AccountId;
use banto_lambda::event::Invoked;
use banto_notice::QueueMessage;
use notify_compliance::event::{Item, Scope};
use onboard_accounts::event::{FanOutRequest, Trigger};
use onboard_accounts::message::Message;
use serde_json::{Value, json};

use super::readers::Function;

/// The requests, or what can't be planned beforehand and why.
pub(crate) type Requests = Vec<Result<Value, String>>;

/// The dry runs that an event of this function comes to.
pub(crate) fn requests(function: Function, event: &Value) -> Result<Requests, String> {
    let bytes = event.to_string().into_bytes();
    match function {
        Function::RotateAccessKeys => Err("the rotator plans for events themselves".to_owned()),
        Function::OnboardAccounts => {
            let decoded = onboard_accounts::event::decode(&bytes);
            let decoded = decoded.map_err(|error| error.to_string())?;
            Ok(each(decoded, event, |trigger, _| of_onboarding(trigger)))
        }
        Function::NotifyCompliance => {
            let decoded = notify_compliance::event::decode(&bytes);
            let decoded = decoded.map_err(|error| error.to_string())?;
            Ok(each(decoded, event, of_notification))
        }
        Function::ReportCompliance => {
            let request = report_compliance::event::decode(&bytes);
            let request = request.map_err(|error| error.to_string())?;
            let month = request.month.map(|month| month.to_string());
            let dry = json!({ "dryRun": true, "again": request.again, "month": month });
            Ok(vec![Ok(dry)])
        }
    }
}

/// Asks for each trigger, beside the payload that it was read from.
fn each<T>(
    decoded: Invoked<T>,
    event: &Value,
    ask: impl Fn(T, &Value) -> Result<Value, String>,
) -> Requests {
    match decoded {
        Invoked::Direct(trigger) => vec![ask(trigger, &without_topic(event))],
        Invoked::Batch(records) => {
            let mut requests = Vec::new();
            for record in records {
                let body = serde_json::from_str(&record.body).unwrap_or(Value::Null);
                requests.push(record.payload.and_then(|trigger| ask(trigger, &body)));
            }
            requests
        }
    }
}

/// The event that a topic hands a function, without the topic's wrapping.
fn without_topic(event: &Value) -> Value {
    let message = event.pointer("/Records/0/Sns/Message");
    let message = message.and_then(Value::as_str);
    let message = message.and_then(|text| serde_json::from_str(text).ok());
    message.unwrap_or_else(|| event.clone())
}

fn of_onboarding(trigger: Trigger) -> Result<Value, String> {
    match trigger {
        Trigger::FanOut(request) => Ok(fan_out(&request)),
        Trigger::Revoke(asked) => Ok(json!({
            "revoke": asked.user,
            "account": asked.account,
            "before": asked.before,
            "dryRun": true,
        })),
        Trigger::Message(Message::Converge(request)) => Ok(accounts(&[request.account.id])),
        Trigger::Message(Message::Find(request)) => Ok(accounts(&[request.account])),
        Trigger::Message(Message::Revoke(revocation)) => Ok(json!({
            "revoke": revocation.user,
            "account": revocation.account,
            "before": revocation.before,
            "dryRun": true,
        })),
        Trigger::Failed(failed) | Trigger::Message(Message::Failed(failed)) => Err(format!(
            "operators would be told that a request about {} failed: {}",
            failed.subject, failed.reason
        )),
        Trigger::Message(Message::PublishDashboard) => {
            Err("the dashboard would be published".to_owned())
        }
        Trigger::Message(Message::RevocationBegun(_)) => {
            Err("operators would be told that a revocation has begun".to_owned())
        }
        Trigger::Message(Message::RevokeIn(_)) => {
            Err("a user's sessions would end in one account, by a policy on each role".to_owned())
        }
        Trigger::Nothing { reason } => Err(format!("nothing would be done: {reason}")),
    }
}

fn fan_out(request: &FanOutRequest) -> Value {
    let accounts = match &request.scope {
        onboard_accounts::event::Scope::AllAccounts => None,
        onboard_accounts::event::Scope::Accounts(named) => Some(named),
    };
    json!({
        "accounts": accounts,
        "tags": request.edits.tags,
        "ou": request.edits.ou,
        "dryRun": true,
    })
}

fn accounts(accounts: &[AccountId]) -> Value {
    json!({ "accounts": accounts, "dryRun": true })
}

fn of_notification(
    trigger: notify_compliance::event::Trigger,
    payload: &Value,
) -> Result<Value, String> {
    use notify_compliance::event::Trigger;
    match trigger {
        Trigger::Item(item) => of_item(item, payload),
        Trigger::Items(_) => Ok(json!({ "events": payload.get("events"), "dryRun": true })),
        Trigger::FanOut(scope) => Ok(compared(&scope)),
        Trigger::DryRun { .. } => Ok(payload.clone()),
    }
}

fn compared(scope: &Scope) -> Value {
    match scope {
        Scope::Accounts(named) => accounts(&named.iter().cloned().collect::<Vec<_>>()),
        Scope::AllAccounts | Scope::NoAccount => json!({ "dryRun": true }),
    }
}

fn of_item(item: Item, payload: &Value) -> Result<Value, String> {
    match item {
        Item::Observation(_) => Ok(json!({ "events": [payload], "dryRun": true })),
        Item::Message(QueueMessage::Reconcile { account, .. }) => {
            Ok(compared(&Scope::Accounts(BTreeSet::from([account]))))
        }
        Item::Message(QueueMessage::Deliver { route, .. }) => Err(format!(
            "what waits on the route {route} would be delivered"
        )),
        Item::Message(QueueMessage::Remind { route }) => Err(format!(
            "the route {route} would be reminded of what stays open"
        )),
        Item::Message(QueueMessage::RelayNotice { notice }) => {
            Err(format!("this notice would be sent: {}", notice.headline))
        }
        Item::Subscription(subscription) => Err(subscription.to_string()),
        Item::Irrelevant => Err("nothing would be done: it says nothing about compliance".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(bodies: &[Value]) -> Value {
        let record = |(number, body): (usize, &Value)| {
            json!({ "messageId": number.to_string(), "eventSource": "aws:sqs",
                    "body": body.to_string() })
        };
        let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
        json!({ "Records": records })
    }

    fn by_topic(event: &Value) -> Value {
        let sns = json!({ "MessageId": "1", "Message": event.to_string() });
        json!({ "Records": [{ "EventSource": "aws:sns", "Sns": sns }] })
    }

    /// Each dry run is one by the function's own word.
    #[test]
    fn each_dry_run_is_read_as_one_by_its_function() {
        let change: Value = serde_json::from_str(include_str!(
            "../../../functions/notify-compliance/tests/events/compliance-change.json"
        ))
        .unwrap();
        let account = json!({ "accounts": ["444455556666"] });
        let cases = [
            (Function::OnboardAccounts, json!({})),
            (Function::OnboardAccounts, account.clone()),
            (Function::OnboardAccounts, json!({ "revoke": "alice" })),
            (Function::NotifyCompliance, change.clone()),
            (Function::NotifyCompliance, by_topic(&change)),
            (
                Function::NotifyCompliance,
                queued(&[change, account.clone()]),
            ),
            (Function::NotifyCompliance, account),
            (Function::NotifyCompliance, json!({})),
            (
                Function::NotifyCompliance,
                json!({ "version": 1, "kind": "reconcile", "account": "444455556666" }),
            ),
            (
                Function::ReportCompliance,
                json!({ "month": "2026-10", "again": true }),
            ),
        ];
        for (function, event) in cases {
            for request in requests(function, &event).unwrap() {
                let bytes = request.unwrap().to_string().into_bytes();
                assert!(is_dry(function, &bytes), "{function:?}: {event}");
            }
        }
    }

    fn is_dry(function: Function, bytes: &[u8]) -> bool {
        match function {
            Function::RotateAccessKeys => false,
            Function::OnboardAccounts => match onboard_accounts::event::decode(bytes).unwrap() {
                Invoked::Direct(Trigger::FanOut(request)) => request.dry_run,
                Invoked::Direct(Trigger::Revoke(asked)) => asked.dry_run,
                _ => false,
            },
            Function::NotifyCompliance => matches!(
                notify_compliance::event::decode(bytes).unwrap(),
                Invoked::Direct(notify_compliance::event::Trigger::DryRun { .. })
            ),
            Function::ReportCompliance => report_compliance::event::decode(bytes).unwrap().dry_run,
        }
    }

    #[test]
    fn what_has_no_dry_run_is_said_in_words() {
        let deliver = json!({ "version": 1, "kind": "deliver", "route": "platform" });
        let said = requests(Function::NotifyCompliance, &queued(&[deliver])).unwrap();
        let words = "what waits on the route platform would be delivered";
        assert_eq!(said, [Err(words.to_owned())]);
    }
}

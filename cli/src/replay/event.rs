//! Finds the event in whatever a person has of it.
//!
//! An event may come as the function got it; as a message of a queue, printed by `aws sqs
//! receive-message`; as what Lambda keeps of an invocation that failed for good; or as a line of a
//! log, printed by `aws logs`. (AWS CLI command reference; Lambda developer guide, "Capturing records
//! of Lambda asynchronous invocations".)

use serde_json::{Map, Value, json};

/// An event as a function takes it, and what it was wrapped in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) event: Value,
    pub(crate) came_as: &'static str,
}

/// Finds the event in a text.
pub(crate) fn find(text: &str) -> Result<Found, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("there is nothing: expected an event as JSON".to_owned());
    }
    match serde_json::from_str(text) {
        Ok(value) => in_value(value),
        Err(error) => in_line(text).ok_or_else(|| format!("the event is not JSON: {error}"))?,
    }
}

/// A log's line has words before what was logged.
fn in_line(text: &str) -> Option<Result<Found, String>> {
    let (_, logged) = text.split_at(text.find('{')?);
    let value = serde_json::from_str(logged).ok()?;
    let found = in_value(value);
    Some(found.map(|found| Found {
        came_as: "a line of a log",
        ..found
    }))
}

fn in_value(value: Value) -> Result<Found, String> {
    let Value::Object(fields) = value else {
        return Err("the event is no JSON object".to_owned());
    };
    if let Some(Value::Array(messages)) = fields.get("Messages") {
        return in_messages(messages);
    }
    if fields.contains_key("MessageId") && fields.contains_key("Body") {
        return in_messages(&[Value::Object(fields)]);
    }
    if let Some(event) = fields.get("requestPayload") {
        return Ok(Found {
            event: event.clone(),
            came_as: "an invocation that failed",
        });
    }
    if let Some(logged) = in_log_events(&fields) {
        return logged;
    }
    Ok(Found {
        event: Value::Object(fields),
        came_as: "an event",
    })
}

/// Messages as SQS hands them to a person, which Lambda would hand on in another spelling.
fn in_messages(messages: &[Value]) -> Result<Found, String> {
    if let [message] = messages
        && let Some(event) = in_failed_invocation(message)
    {
        return Ok(Found {
            event,
            came_as: "a message about an invocation that failed",
        });
    }
    if messages.is_empty() {
        return Err("no message is in it: the queue had none that was visible".to_owned());
    }
    let records: Vec<Value> = messages.iter().map(record).collect();
    Ok(Found {
        event: json!({ "Records": records }),
        came_as: "messages of a queue",
    })
}

/// What a destination or a dead letter queue of Lambda keeps is about an invocation: the event
/// itself is in it, and no function has to know of that.
fn in_failed_invocation(message: &Value) -> Option<Value> {
    let body = message.get("Body")?.as_str()?;
    let mut body: Value = serde_json::from_str(body).ok()?;
    body.get_mut("requestPayload").map(Value::take)
}

fn record(message: &Value) -> Value {
    let field = |name: &str| message.get(name).cloned().unwrap_or(Value::Null);
    json!({
        "messageId": field("MessageId"),
        "receiptHandle": field("ReceiptHandle"),
        "body": field("Body"),
        "attributes": field("Attributes"),
        "eventSource": "aws:sqs",
    })
}

/// The event of a log's entry, as `aws logs filter-log-events` prints entries.
fn in_log_events(fields: &Map<String, Value>) -> Option<Result<Found, String>> {
    let entries = fields.get("events")?.as_array()?;
    let message = |entry: &Value| entry.get("message")?.as_str().map(str::to_owned);
    let messages: Vec<String> = entries.iter().filter_map(message).collect();
    if messages.is_empty() || messages.len() != entries.len() {
        return None;
    }
    Some(match messages.as_slice() {
        [only] => find(only).map(|found| Found {
            came_as: "an entry of a log",
            ..found
        }),
        several => Err(format!(
            "there are {} entries of a log: give one of them",
            several.len()
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Value, &'static str) {
        let found = find(text).unwrap();
        (found.event, found.came_as)
    }

    #[test]
    fn an_event_is_taken_as_it_is() {
        let event = json!({ "users": ["alice"], "mode": "force" });
        assert_eq!(found(&event.to_string()), (event, "an event"));
        // A request of notify-compliance has events, too.
        let event = json!({ "events": [{ "detail-type": "x" }], "dryRun": true });
        assert_eq!(found(&event.to_string()), (event, "an event"));
    }

    #[test]
    fn a_message_that_the_aws_cli_printed_is_one_that_lambda_would_hand_over() {
        let printed = json!({ "Messages": [{
            "MessageId": "1", "ReceiptHandle": "handle", "MD5OfBody": "0", "Body": "{}",
            "Attributes": { "SentTimestamp": "1545082649183" },
        }] });
        let expected = json!({ "Records": [{
            "messageId": "1", "receiptHandle": "handle", "body": "{}",
            "attributes": { "SentTimestamp": "1545082649183" }, "eventSource": "aws:sqs",
        }] });
        let one = &printed["Messages"][0];
        for text in [printed.to_string(), one.to_string()] {
            assert_eq!(found(&text), (expected.clone(), "messages of a queue"));
        }
    }

    #[test]
    fn of_an_invocation_that_failed_its_event_is_taken() {
        let event = json!({ "month": "2026-10" });
        let failed = json!({
            "version": "1.0", "requestContext": { "condition": "RetriesExhausted" },
            "requestPayload": event, "responsePayload": { "errorType": "OutOfTime" },
        });
        let message = json!({ "MessageId": "1", "Body": failed.to_string() });
        assert_eq!(found(&failed.to_string()).0, event);
        assert_eq!(
            found(&json!({ "Messages": [message] }).to_string()).0,
            event
        );
    }

    #[test]
    fn a_line_of_a_log_is_read_from_its_first_brace_on() {
        let event = json!({ "source": "aws.health" });
        let line = format!("2026-11-27T01:00:00.000000+00:00 stream {event}");
        assert_eq!(found(&line), (event.clone(), "a line of a log"));
        let printed = json!({ "events": [{ "message": event.to_string(), "timestamp": 1 }] });
        let expected = (event, "an entry of a log");
        assert_eq!(found(&printed.to_string()), expected);
    }

    #[test]
    fn what_holds_no_event_is_refused_with_a_reason() {
        for (text, says) in [
            ("", "there is nothing"),
            ("nonsense", "not JSON"),
            ("[1]", "no JSON object"),
            (r#"{"Messages": []}"#, "no message"),
            (
                r#"{"events": [{"message": "{}"}, {"message": "{}"}]}"#,
                "2 entries",
            ),
        ] {
            assert!(find(text).unwrap_err().contains(says), "{text}");
        }
    }
}

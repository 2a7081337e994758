//! Foreign bytes become our own [`Request`]; a shape that nobody expects is an error that says what
//! came.

use std::collections::BTreeSet;

use banto_domain::Month;
use banto_lambda::event::{EnvelopeError, Invoked, Payload};
use serde::Deserialize;

/// A report that is asked for. The schedule asks for the last full month's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The month; the last full one, if none is given.
    pub month: Option<Month>,
    /// True if nothing is written and nobody told: the response says what would be.
    #[serde(default)]
    pub dry_run: bool,
    /// True if the month is read and published anew. Mails that were sent are not sent again.
    #[serde(default)]
    pub again: bool,
    /// The mails that are sent whatever was sent before: owners, or `all` for the mail with
    /// everything.
    #[serde(default)]
    pub resend: BTreeSet<String>,
}

/// An event that is none of ours, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The wrapping can't be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// An event of EventBridge that this function does not handle.
    #[error(
        "can't handle {detail_type:?} from {source_name:?}: expected the schedule (aws.events, aws.scheduler)"
    )]
    Foreign {
        /// `detail-type` of the event.
        detail_type: String,
        /// `source` of the event. (`thiserror` takes a field `source` for the cause of the error.)
        source_name: String,
    },
    /// News of a subscription, of which this function has none.
    #[error("nothing is to be done about a subscription: {0}")]
    Subscription(String),
    /// Records of SQS. A report takes up to 15 minutes, and no queue is in front of it.
    #[error("a batch of SQS: expected the schedule, or a request")]
    Batch,
    /// A request with something wrong in it.
    #[error(
        "{0}; expected {{\"month\": \"2026-10\", \"dryRun\": true | false, \"again\": true | false, \"resend\": [\"all\", \"<owner>\"]}}"
    )]
    Request(String),
}

/// Reads an event, whatever it is wrapped in.
///
/// ```
/// use report_compliance::event::decode;
/// let request = decode(br#"{"month": "2026-10", "again": true}"#).unwrap();
/// assert_eq!(request.month.unwrap().to_string(), "2026-10");
/// assert!(request.again && !request.dry_run);
/// ```
///
/// # Errors
/// If it is something else.
pub fn decode(event: &[u8]) -> Result<Request, EventError> {
    match banto_lambda::event::decode(event, request)? {
        Invoked::Direct(request) => Ok(request),
        Invoked::Batch(_) => Err(EventError::Batch),
    }
}

fn request(payload: Payload) -> Result<Request, EventError> {
    match payload {
        Payload::EventBridge(event) => {
            if matches!(event.source.as_str(), "aws.events" | "aws.scheduler") {
                return Ok(Request::default());
            }
            Err(EventError::Foreign {
                detail_type: event.detail_type,
                source_name: event.source,
            })
        }
        Payload::Object(request) => {
            let request: Request = serde_json::from_value(request)
                .map_err(|error| EventError::Request(error.to_string()))?;
            if request.dry_run && !request.resend.is_empty() {
                let why = "\"dryRun\" and \"resend\" exclude each other";
                return Err(EventError::Request(why.to_owned()));
            }
            Ok(request)
        }
        Payload::Text => Err(EnvelopeError::text().into()),
        Payload::Subscription(news) => Err(EventError::Subscription(news.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_schedule_asks_for_the_last_full_month_in_every_wrapping() {
        for source in ["aws.events", "aws.scheduler"] {
            let event = json!({ "source": source, "detail-type": "Scheduled Event", "detail": {} });
            let sns = json!({ "Records": [
                { "EventSource": "aws:sns", "Sns": { "Message": event.to_string() } }
            ] });
            for event in [event, sns, json!({})] {
                let request = decode(event.to_string().as_bytes());
                assert_eq!(request, Ok(Request::default()), "{event}");
            }
        }
    }

    #[test]
    fn a_request_is_read_to_its_last_word() {
        let request = decode(
            br#"{"month": "2026-10", "again": true, "resend": ["all", "payments"]}"#.as_slice(),
        );
        let expected = Request {
            month: Some("2026-10".parse().unwrap()),
            dry_run: false,
            again: true,
            resend: ["all".to_owned(), "payments".to_owned()].into(),
        };
        assert_eq!(request, Ok(expected));
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_came() {
        for (event, says) in [
            ("nonsense", "not JSON"),
            ("[]", "the event is an array"),
            (r#"{"month": "October"}"#, "\"October\" is not a month"),
            (r#"{"moth": "2026-10"}"#, "unknown field `moth`"),
            (
                r#"{"dryRun": true, "resend": ["all"]}"#,
                "exclude each other",
            ),
            (
                r#"{"source": "aws.config", "detail-type": "Config Rules Compliance Change", "detail": {}}"#,
                "can't handle \"Config Rules Compliance Change\"",
            ),
            (
                r#"{"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": "{}"}]}"#,
                "a batch of SQS",
            ),
            (
                r#"{"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:111122223333:x"}"#,
                "about a subscription",
            ),
        ] {
            let error = decode(event.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{event}: {error}");
        }
    }
}

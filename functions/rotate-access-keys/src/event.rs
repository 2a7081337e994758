//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what
//! came.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, AccountId, NameError, UserName};
use banto_lambda::event::{EnvelopeError, Event, Invoked, Payload};
use serde::Deserialize;
use serde_json::Value;

/// The meaning of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Keys are to be looked at, and rotated where they must be.
    Rotate(Request),
    /// Nothing is to be done.
    Nothing { reason: String },
}

/// A run that somebody or something asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The identity account that the named users or keys are in. `None` means every account if the
    /// run is about everyone, and else the only one that the policy has.
    pub account: Option<AccountId>,
    pub scope: Scope,
    /// True if the run ends after the plan was checked.
    pub dry_run: bool,
}

/// The users that a run looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every user, by the policy's timings.
    Everyone,
    /// These users; never empty.
    Users {
        users: BTreeSet<UserName>,
        mode: Mode,
    },
    /// The owners of these keys, which AWS found exposed; never empty.
    ExposedKeys(BTreeSet<AccessKeyId>),
}

/// The urgency of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By the policy's timings.
    #[default]
    Due,
    /// Rotate now, whatever the key's age; the old key keeps its grace.
    Force,
    /// The keys are exposed: disable them now, then issue a new one.
    Emergency,
}

/// An event that is none of ours, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The wrapping can't be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// An event of EventBridge that this function does not handle.
    #[error(
        "can't handle {detail_type:?} from {source_name:?}{what}: expected a \"Scheduled Event\", or an \"AWS Health Event\" \
         with the event type code AWS_RISK_CREDENTIALS_EXPOSED"
    )]
    Foreign {
        /// `detail-type` of the event.
        detail_type: String,
        /// `source` of the event.
        source_name: String,
        /// More that identifies the event; empty if there is nothing.
        what: String,
    },
    /// A request of our own shape with something wrong in it.
    #[error(
        "{0}; expected {{\"account\": \"111122223333\", \"users\": [\"alice\"], \"mode\": \"due\" | \"force\" | \"emergency\", \
         \"dryRun\": true | false}}"
    )]
    Request(String),
    /// A Health event that names no usable key.
    #[error("the AWS Health event AWS_RISK_CREDENTIALS_EXPOSED can't be acted on: {0}")]
    Health(String),
}

/// The detail of an AWS Health event. (AWS Health user guide, "AWS Health event schema".)
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthDetail {
    event_type_code: String,
    affected_account: Option<AccountId>,
    #[serde(default)]
    affected_entities: Vec<AffectedEntity>,
}

/// The subject of an AWS Health event: for exposed credentials, the access key's id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AffectedEntity {
    entity_value: String,
}

/// The JSON that people and other programs send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestFields {
    account: Option<AccountId>,
    users: Option<BTreeSet<UserName>>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    dry_run: bool,
}

/// Reads an event, whatever it is wrapped in.
///
/// ```
/// use banto_lambda::event::Invoked;
/// use rotate_access_keys::event::{Request, Scope, Trigger, decode};
/// let request = Request { account: None, scope: Scope::Everyone, dry_run: true };
/// assert_eq!(decode(br#"{"dryRun": true}"#), Ok(Invoked::Direct(Trigger::Rotate(request))));
/// ```
pub fn decode(event: &[u8]) -> Result<Invoked<Trigger>, EventError> {
    banto_lambda::event::decode(event, decode_payload)
}

fn decode_payload(payload: Payload) -> Result<Trigger, EventError> {
    match payload {
        Payload::EventBridge(event) => decode_eventbridge(event),
        Payload::Object(request) => decode_request(request),
        Payload::Text => Err(EnvelopeError::text().into()),
        Payload::Subscription(subscription) => Ok(Trigger::Nothing {
            reason: subscription.to_string(),
        }),
    }
}

fn decode_eventbridge(event: Event) -> Result<Trigger, EventError> {
    match (event.source.as_str(), event.detail_type.as_str()) {
        // From an EventBridge rule, and from EventBridge Scheduler.
        ("aws.events" | "aws.scheduler", "Scheduled Event") => Ok(Trigger::Rotate(Request {
            account: None,
            scope: Scope::Everyone,
            dry_run: false,
        })),
        ("aws.health", "AWS Health Event") => decode_health(event),
        _ => Err(EventError::Foreign {
            detail_type: event.detail_type,
            source_name: event.source,
            what: String::new(),
        }),
    }
}

fn decode_health(event: Event) -> Result<Trigger, EventError> {
    let detail: HealthDetail = serde_json::from_value(event.detail)
        .map_err(|error| EventError::Health(error.to_string()))?;
    if detail.event_type_code != "AWS_RISK_CREDENTIALS_EXPOSED" {
        return Err(EventError::Foreign {
            detail_type: "AWS Health Event".into(),
            source_name: "aws.health".into(),
            what: format!(" with the event type code {:?}", detail.event_type_code),
        });
    }
    Ok(Trigger::Rotate(Request {
        scope: Scope::ExposedKeys(exposed_keys(&detail.affected_entities)?),
        account: Some(exposed_account(detail.affected_account, event.account)?),
        dry_run: false,
    }))
}

fn exposed_keys(entities: &[AffectedEntity]) -> Result<BTreeSet<AccessKeyId>, EventError> {
    let mut keys = BTreeSet::new();
    for entity in entities {
        keys.insert(entity.entity_value.parse().map_err(unusable)?);
    }
    if keys.is_empty() {
        return Err(EventError::Health("it names no affected entity".into()));
    }
    Ok(keys)
}

/// The account that the keys belong to. An event that reached an organization's delegated
/// administrator names it in its detail; the event's own account is the administrator's then.
fn exposed_account(
    affected: Option<AccountId>,
    event: Option<String>,
) -> Result<AccountId, EventError> {
    match (affected, event) {
        (Some(account), _) => Ok(account),
        (None, Some(account)) => account.parse().map_err(unusable),
        (None, None) => Err(EventError::Health("it names no account".into())),
    }
}

fn unusable(error: NameError) -> EventError {
    EventError::Health(error.to_string())
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    let fields: RequestFields =
        serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    let scope = match fields.users {
        Some(users) if users.is_empty() => return Err(refused("\"users\" is empty")),
        Some(users) => Scope::Users {
            users,
            mode: fields.mode,
        },
        None if fields.mode != Mode::Due => return Err(refused("this mode needs \"users\"")),
        None if fields.account.is_some() => return Err(refused("\"account\" needs \"users\"")),
        None => Scope::Everyone,
    };
    Ok(Trigger::Rotate(Request {
        account: fields.account,
        scope,
        dry_run: fields.dry_run,
    }))
}

fn refused(why: &str) -> EventError {
    EventError::Request(why.to_owned())
}

impl Scope {
    /// The urgency of the run.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Everyone => Mode::Due,
            Self::Users { mode, .. } => *mode,
            Self::ExposedKeys(_) => Mode::Emergency,
        }
    }

    /// The keys that the event named as exposed; empty if it named users, or nobody.
    pub fn exposed_keys(&self) -> BTreeSet<AccessKeyId> {
        match self {
            Self::Everyone | Self::Users { .. } => BTreeSet::new(),
            Self::ExposedKeys(keys) => keys.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCHEDULED: &str = include_str!("../tests/events/scheduled.json");
    const EXPOSED: &str = include_str!("../tests/events/health-credentials-exposed.json");
    const THROUGH_SNS: &str = include_str!("../tests/events/health-through-sns.json");

    fn request(account: Option<&str>, scope: Scope, dry_run: bool) -> Trigger {
        let account = account.map(|account| account.parse().unwrap());
        Trigger::Rotate(Request {
            account,
            scope,
            dry_run,
        })
    }

    fn exposed() -> Trigger {
        let keys = BTreeSet::from(["AKIAIOSFODNN7EXAMPLE".parse().unwrap()]);
        request(Some("111122223333"), Scope::ExposedKeys(keys), false)
    }

    fn refusal(event: &str) -> String {
        decode(event.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_scheduled_event_is_about_everyone() {
        assert_eq!(
            decode(SCHEDULED.as_bytes()),
            Ok(Invoked::Direct(request(None, Scope::Everyone, false)))
        );
    }

    #[test]
    fn an_exposed_key_is_taken_from_the_health_event() {
        assert_eq!(decode(EXPOSED.as_bytes()), Ok(Invoked::Direct(exposed())));
    }

    #[test]
    fn an_exposed_key_is_the_same_in_every_wrapping() {
        let envelope = json!({ "Type": "Notification", "Message": EXPOSED }).to_string();
        let bodies = [
            EXPOSED,
            &envelope,
            r#"{"users": ["alice"], "mode": "emergency"}"#,
        ];
        let records =
            bodies.map(|body| json!({ "messageId": "1", "eventSource": "aws:sqs", "body": body }));
        let Invoked::Batch(records) =
            decode(json!({ "Records": records }).to_string().as_bytes()).unwrap()
        else {
            panic!("no batch")
        };
        let users = BTreeSet::from(["alice".parse().unwrap()]);
        let mode = Mode::Emergency;
        let asked = request(None, Scope::Users { users, mode }, false);
        for (record, trigger) in records.into_iter().zip([exposed(), exposed(), asked]) {
            assert_eq!(record.payload, Ok(trigger));
        }
        assert_eq!(
            decode(THROUGH_SNS.as_bytes()),
            Ok(Invoked::Direct(exposed()))
        );
    }

    #[test]
    fn a_subscription_to_confirm_asks_for_nothing() {
        let confirmation = json!({ "Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:111122223333:health" });
        let decoded = decode(confirmation.to_string().as_bytes());
        assert!(
            matches!(decoded, Ok(Invoked::Direct(Trigger::Nothing { reason })) if reason.contains(":health asks"))
        );
    }

    #[test]
    fn another_health_event_is_an_error_that_names_it() {
        let event = EXPOSED.replace("AWS_RISK_CREDENTIALS_EXPOSED", "AWS_EC2_OPERATIONAL_ISSUE");
        assert!(refusal(&event).contains("AWS_EC2_OPERATIONAL_ISSUE"));
    }

    #[test]
    fn a_health_event_without_a_key_or_an_account_is_an_error_that_says_so() {
        let event = EXPOSED.replace("AKIAIOSFODNN7EXAMPLE", "alice");
        assert!(refusal(&event).contains("\"alice\" is not an access key id"));
        let event = EXPOSED.replace("111122223333", "alice");
        assert!(
            refusal(&event).contains("\"alice\" is not an AWS account id"),
            "{}",
            refusal(&event)
        );
        let event = EXPOSED.replace("\"account\"", "\"accounts\"");
        assert!(refusal(&event).contains("it names no account"));
    }

    #[test]
    fn named_users_may_be_forced_and_dry() {
        let trigger = decode(br#"{"users": ["alice"], "mode": "force", "dryRun": true}"#);
        let users = BTreeSet::from(["alice".parse().unwrap()]);
        let mode = Mode::Force;
        assert_eq!(
            trigger,
            Ok(Invoked::Direct(request(
                None,
                Scope::Users { users, mode },
                true
            )))
        );
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_came() {
        for (event, says) in [
            ("nonsense", "not JSON"),
            ("[]", "the event is an array, not an object"),
            (r#"{"users": []}"#, "\"users\" is empty"),
            (r#"{"mode": "force"}"#, "this mode needs \"users\""),
            (r#"{"mode": "force"}"#, "expected {\"account\": "),
            (
                r#"{"mode": "sometimes", "users": ["alice"]}"#,
                "unknown variant `sometimes`",
            ),
            (r#"{"user": "alice"}"#, "unknown field `user`"),
            (r#"{"users": ["alice bob"]}"#, "is not an IAM user name"),
            (
                r#"{"Records": [{"eventSource": "aws:s3"}]}"#,
                "records of \"aws:s3\" are of neither SQS nor SNS",
            ),
            (
                r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change", "account": "111122223333"}"#,
                "can't handle \"EC2 Instance State-change\" from \"aws.ec2\"",
            ),
        ] {
            assert!(refusal(event).contains(says), "{event}: {}", refusal(event));
        }
    }
}

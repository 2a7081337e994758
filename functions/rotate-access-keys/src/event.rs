//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what came.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, AccountId, UserName};
use serde::Deserialize;
use serde_json::Value;

/// What a run was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Whom it is about.
    pub scope: Scope,
    /// Whether to stop at the plan.
    pub dry_run: bool,
}

/// Whom a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every user of every identity account, by the policy's pace.
    Everyone,
    /// These users.
    Users {
        /// The account that they live in; may be left out where the policy has one only.
        account: Option<AccountId>,
        /// The users; never empty.
        users: BTreeSet<UserName>,
        /// How pressing it is.
        mode: Mode,
    },
    /// The owners of these keys, which AWS found exposed.
    Exposed {
        /// The account that the keys belong to.
        account: AccountId,
        /// The keys; never empty.
        keys: BTreeSet<AccessKeyId>,
    },
}

/// How pressing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By the policy's pace.
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
    /// Not JSON at all.
    #[error("the event is not JSON: {0}")]
    NotJson(String),
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
        /// What else tells the event apart.
        what: String,
    },
    /// A request of our own shape with something wrong in it.
    #[error(
        "{0}; expected {{\"users\": [\"alice\"], \"mode\": \"due\" | \"force\" | \"emergency\", \"dryRun\": true | false}}"
    )]
    Request(String),
    /// A Health event that names no usable key.
    #[error("the AWS Health event AWS_RISK_CREDENTIALS_EXPOSED can't be acted on: {0}")]
    Health(String),
}

/// The envelope of every EventBridge event, as far as it matters here.
/// (EventBridge user guide, "AWS service event structure".)
#[derive(Deserialize)]
struct Envelope {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    account: AccountId,
    #[serde(default)]
    detail: Value,
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

/// What an AWS Health event is about: for exposed credentials, the access key's id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AffectedEntity {
    entity_value: String,
}

/// What people and other programs send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    account: Option<AccountId>,
    users: Option<BTreeSet<UserName>>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    dry_run: bool,
}

/// Reads an event.
///
/// ```
/// use rotate_access_keys::event::{Scope, decode};
/// let trigger = decode(br#"{"dryRun": true}"#).unwrap();
/// assert_eq!((trigger.scope, trigger.dry_run), (Scope::Everyone, true));
/// ```
pub fn decode(event: &[u8]) -> Result<Trigger, EventError> {
    let event: Value = serde_json::from_slice(event).map_err(|error| EventError::NotJson(error.to_string()))?;
    if event.get("detail-type").is_some() { decode_eventbridge(event) } else { decode_request(event) }
}

fn decode_eventbridge(event: Value) -> Result<Trigger, EventError> {
    let Envelope { source, detail_type, account, detail } =
        serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    match (source.as_str(), detail_type.as_str()) {
        // From an EventBridge rule, and from EventBridge Scheduler.
        ("aws.events" | "aws.scheduler", "Scheduled Event") => Ok(Trigger { scope: Scope::Everyone, dry_run: false }),
        ("aws.health", "AWS Health Event") => decode_health(account, detail),
        _ => Err(EventError::Foreign { detail_type, source_name: source, what: String::new() }),
    }
}

fn decode_health(account: AccountId, detail: Value) -> Result<Trigger, EventError> {
    let detail: HealthDetail = serde_json::from_value(detail).map_err(|error| EventError::Health(error.to_string()))?;
    if detail.event_type_code != "AWS_RISK_CREDENTIALS_EXPOSED" {
        return Err(EventError::Foreign {
            detail_type: "AWS Health Event".into(),
            source_name: "aws.health".into(),
            what: format!(" with the event type code {:?}", detail.event_type_code),
        });
    }
    let parsed = detail.affected_entities.iter().map(|entity| entity.entity_value.parse::<AccessKeyId>());
    let (keys, refused): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
    if let Some(Err(error)) = refused.into_iter().next() {
        return Err(EventError::Health(error.to_string()));
    }
    let keys: BTreeSet<AccessKeyId> = keys.into_iter().flatten().collect();
    if keys.is_empty() {
        return Err(EventError::Health("it names no affected entity".into()));
    }
    // An event that reached an organization's delegated administrator names the account it is about.
    let account = detail.affected_account.unwrap_or(account);
    Ok(Trigger { scope: Scope::Exposed { account, keys }, dry_run: false })
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    if !event.is_object() {
        return Err(EventError::Request(format!("the event is {}, not an object", kind_of(&event))));
    }
    let Request { account, users, mode, dry_run } =
        serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    let scope = match users {
        Some(users) if users.is_empty() => return Err(EventError::Request("\"users\" is empty".into())),
        Some(users) => Scope::Users { account, users, mode },
        None if mode != Mode::Due => return Err(EventError::Request("this mode needs \"users\"".into())),
        None if account.is_some() => return Err(EventError::Request("\"account\" needs \"users\"".into())),
        None => Scope::Everyone,
    };
    Ok(Trigger { scope, dry_run })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULED: &str = include_str!("../tests/events/scheduled.json");
    const EXPOSED: &str = include_str!("../tests/events/health-credentials-exposed.json");

    fn refusal(event: &str) -> String {
        decode(event.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_scheduled_event_is_about_everyone() {
        assert_eq!(decode(SCHEDULED.as_bytes()), Ok(Trigger { scope: Scope::Everyone, dry_run: false }));
    }

    #[test]
    fn an_exposed_key_is_taken_from_the_health_event() {
        let keys = BTreeSet::from(["AKIAIOSFODNN7EXAMPLE".parse().unwrap()]);
        let scope = Scope::Exposed { account: "111122223333".parse().unwrap(), keys };
        assert_eq!(decode(EXPOSED.as_bytes()), Ok(Trigger { scope, dry_run: false }));
    }

    #[test]
    fn another_health_event_is_an_error_that_names_it() {
        let event = EXPOSED.replace("AWS_RISK_CREDENTIALS_EXPOSED", "AWS_EC2_OPERATIONAL_ISSUE");
        assert!(refusal(&event).contains("AWS_EC2_OPERATIONAL_ISSUE"));
    }

    #[test]
    fn a_health_event_without_a_key_is_an_error_that_says_so() {
        let event = EXPOSED.replace("AKIAIOSFODNN7EXAMPLE", "alice");
        assert!(refusal(&event).contains("\"alice\" is not an access key id"));
    }

    #[test]
    fn named_users_may_be_forced_and_dry() {
        let trigger = decode(br#"{"users": ["alice"], "mode": "force", "dryRun": true}"#).unwrap();
        let users = BTreeSet::from(["alice".parse().unwrap()]);
        assert_eq!(trigger, Trigger { scope: Scope::Users { account: None, users, mode: Mode::Force }, dry_run: true });
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_came() {
        for (event, says) in [
            ("nonsense", "not JSON"),
            ("[]", "the event is an array, not an object"),
            (r#"{"users": []}"#, "\"users\" is empty"),
            (r#"{"mode": "force"}"#, "this mode needs \"users\""),
            (r#"{"mode": "sometimes", "users": ["alice"]}"#, "unknown variant `sometimes`"),
            (r#"{"user": "alice"}"#, "unknown field `user`"),
            (r#"{"users": ["alice bob"]}"#, "is not an IAM user name"),
            (r#"{"Records": []}"#, "unknown field `Records`"),
            (
                r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change", "account": "111122223333"}"#,
                "can't handle \"EC2 Instance State-change\" from \"aws.ec2\"",
            ),
        ] {
            assert!(refusal(event).contains(says), "{event}: {}", refusal(event));
        }
    }
}

//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what
//! came.
//!
//! AWS Config tells of a change as an event of EventBridge, or as a notification of its own with
//! the same fields. Both may come in any wrapping.

use std::collections::BTreeSet;
use std::str::FromStr;

use banto_domain::compliance::{Compliance, FindingKey, Source};
use banto_domain::{AccountId, NameError, Region, TopicArn};
use banto_lambda::event::{EnvelopeError, Event, Invoked, Payload, Subscription};
use banto_notice::QueueMessage;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Most characters of an annotation that are kept: all that AWS Config takes, 256, and some to
/// spare. (AWS Config API reference, `PutEvaluations`.) It must fit a line of a message.
const MAX_ANNOTATION: usize = 300;

/// Most bytes of a resource's type, and of its id: AWS Config's 768 characters (AWS Config API
/// reference, `ResourceIdentifier`) and a third to spare. A longer one is none of AWS Config's.
const MAX_RESOURCE: usize = 1_024;

#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// The item of an event or a message.
    Item(Item),
    /// The items of a request that brings events.
    Items(Vec<Item>),
    /// Accounts to be compared with the aggregator, each by a message of its own.
    FanOut(Scope),
    /// A plan of what would change, which is not carried out.
    DryRun {
        observations: Vec<Observation>,
        /// The accounts to compare besides.
        scope: Scope,
    },
}

impl Trigger {
    /// Returns what the queue of events may ask for: events of AWS Config, and comparisons of
    /// accounts, which only cost calls. Roles of every account send to that queue, and the
    /// administrators of an account can make such a role. So it brings nothing that tells people
    /// words of the sender's own, or that works a route.
    ///
    /// # Errors
    /// If it is anything else.
    pub(crate) fn taken_from_events_queue(self) -> Result<Self, EventError> {
        let refused = match &self {
            Self::Item(Item::Message(message)) => match message {
                QueueMessage::Reconcile { .. } => return Ok(self),
                QueueMessage::Deliver { .. } => "the message \"deliver\"",
                QueueMessage::Remind { .. } => "the message \"remind\"",
                QueueMessage::RelayNotice { .. } => "the message \"relayNotice\"",
            },
            Self::Items(_) => "a request with \"events\"",
            Self::DryRun { .. } => "a request with \"dryRun\"",
            Self::FanOut(_)
            | Self::Item(Item::Observation(_) | Item::Subscription(_) | Item::Irrelevant) => {
                return Ok(self);
            }
        };
        Err(EventError::NotFromHere(refused))
    }
}

/// The accounts that a comparison is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All active accounts of the Organization.
    AllAccounts,
    Accounts(BTreeSet<AccountId>),
    /// No account: a dry run of events alone looks at those alone.
    NoAccount,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Observation(Observation),
    /// A message of our own.
    Message(QueueMessage),
    /// What SNS says of the queue's subscription to a topic.
    Subscription(Subscription),
    /// An event of AWS Config that says nothing about compliance.
    Irrelevant,
}

/// A resource under a rule, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub key: FindingKey,
    /// The region in which the rule looked at the resource.
    pub evaluated_in: Region,
    pub verdict: Verdict,
    /// The compliance before, where the event says so.
    pub was: Option<Compliance>,
    /// The time at which AWS Config recorded it; of [`Verdict::Absent`], at which Banto noticed it.
    pub recorded_at: Timestamp,
    pub source: Source,
    /// The rule's own words about the resource.
    pub annotation: Option<String>,
}

/// The verdict of an observation on a resource under a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Noncompliant,
    Compliant,
    /// The rule no longer evaluates it, most often since the resource was deleted.
    NotEvaluated,
    /// AWS Config can't tell, which is not the same as compliant: it changes nothing.
    Unknown,
    /// The daily check: the aggregator does not list it.
    Absent,
    /// Nothing new. Only the routes that it belongs on may differ from those that were told.
    AsKnown,
}

/// An event that is none of ours, and what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The wrapping can't be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// An event of EventBridge that this function does not handle.
    #[error(
        "can't handle {detail_type:?} from {source_name:?}: expected the schedule (aws.events, aws.scheduler) or aws.config"
    )]
    Foreign {
        /// `detail-type` of the event.
        detail_type: String,
        /// `source` of the event. (`thiserror` takes a field `source` for the cause of the error.)
        source_name: String,
    },
    /// Something that the queue of events is not for.
    #[error(
        "{0} is not taken from here: it counts from the queue compliance.deliveries, or as a direct invocation; any other queue has events of AWS Config and requests to compare accounts only"
    )]
    NotFromHere(&'static str),
    /// SNS tells of a topic whose name no topic has.
    #[error("a subscription to {0:?}, which is no topic's ARN")]
    Topic(String),
    /// A message of our own that this release can't read.
    #[error("the message can't be read: {0}")]
    Message(String),
    /// A change of compliance that lacks what it must have.
    #[error("the compliance change can't be read: {0}")]
    Change(String),
    /// A request of our own shape with something wrong in it.
    #[error(
        "{0}; expected {{\"accounts\": [\"111122223333\"], \"events\": [...], \"dryRun\": true | false}}"
    )]
    Request(String),
}

/// AWS Config's `ComplianceChangeNotification`. (AWS Config developer guide, "Example compliance
/// change".)
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeNotification {
    aws_account_id: String,
    aws_region: String,
    config_rule_name: String,
    resource_type: String,
    resource_id: String,
    new_evaluation_result: Option<EvaluationResult>,
    old_evaluation_result: Option<EvaluationResult>,
    notification_creation_time: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EvaluationResult {
    compliance_type: Option<String>,
    result_recorded_time: Option<Timestamp>,
    annotation: Option<String>,
}

/// What people and other programs send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    accounts: Option<BTreeSet<AccountId>>,
    #[serde(default)]
    events: Vec<Value>,
    #[serde(default)]
    dry_run: bool,
}

/// Reads an event, whatever it is wrapped in.
///
/// ```
/// use banto_lambda::event::Invoked;
/// use notify_compliance::event::{Scope, Trigger, decode};
/// let invoked = decode(br#"{"accounts": ["111122223333"]}"#).unwrap();
/// let accounts = ["111122223333".parse().unwrap()].into();
/// assert_eq!(invoked, Invoked::Direct(Trigger::FanOut(Scope::Accounts(accounts))));
/// ```
pub fn decode(event: &[u8]) -> Result<Invoked<Trigger>, EventError> {
    banto_lambda::event::decode(event, trigger)
}

fn trigger(payload: Payload) -> Result<Trigger, EventError> {
    match payload {
        Payload::EventBridge(event)
            if matches!(event.source.as_str(), "aws.events" | "aws.scheduler") =>
        {
            Ok(Trigger::FanOut(Scope::AllAccounts))
        }
        Payload::Object(request)
            if request.get("kind").is_none() && request.get("messageType").is_none() =>
        {
            decode_request(request)
        }
        payload => Ok(Trigger::Item(item(payload)?)),
    }
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    let request: Request =
        serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    let scope = scope(request.accounts, &request.events)?;
    let mut items = Vec::new();
    for event in request.events {
        items.push(item(banto_lambda::event::payload(event)?)?);
    }
    if request.dry_run {
        let observations = observations(items)?;
        return Ok(Trigger::DryRun {
            observations,
            scope,
        });
    }
    match (items.is_empty(), scope) {
        (true, scope) => Ok(Trigger::FanOut(scope)),
        (false, Scope::NoAccount) => Ok(Trigger::Items(items)),
        (false, _) => Err(EventError::Request(
            "\"accounts\" and \"events\" go together in a dry run only".to_owned(),
        )),
    }
}

/// A request of events alone is about no account, and one of nothing about all.
fn scope(accounts: Option<BTreeSet<AccountId>>, events: &[Value]) -> Result<Scope, EventError> {
    match accounts {
        Some(accounts) if accounts.is_empty() => {
            Err(EventError::Request("\"accounts\" is empty".to_owned()))
        }
        Some(accounts) => Ok(Scope::Accounts(accounts)),
        None if events.is_empty() => Ok(Scope::AllAccounts),
        None => Ok(Scope::NoAccount),
    }
}

/// The observations of a dry run, which can't plan what a message of our own would do.
fn observations(items: Vec<Item>) -> Result<Vec<Observation>, EventError> {
    let mut observations = Vec::new();
    for item in items {
        match item {
            Item::Observation(observation) => observations.push(observation),
            Item::Message(_) => {
                return Err(EventError::Request(
                    "a dry run takes events of AWS Config, and no message of the queue".to_owned(),
                ));
            }
            Item::Subscription(_) | Item::Irrelevant => {}
        }
    }
    Ok(observations)
}

fn item(payload: Payload) -> Result<Item, EventError> {
    match payload {
        Payload::EventBridge(event) if event.source == "aws.config" => change(event.detail),
        Payload::EventBridge(Event {
            source,
            detail_type,
            ..
        }) => Err(EventError::Foreign {
            detail_type,
            source_name: source,
        }),
        Payload::Object(notification) if notification.get("messageType").is_some() => {
            change(notification)
        }
        Payload::Object(message) => {
            let message = serde_json::from_value(message)
                .map_err(|error| EventError::Message(error.to_string()))?;
            Ok(Item::Message(message))
        }
        // AWS Config's notes on oversized items are prose, and say nothing about compliance.
        Payload::Text => Ok(Item::Irrelevant),
        Payload::Subscription(subscription) if is_topic(&subscription.topic) => {
            Ok(Item::Subscription(subscription))
        }
        Payload::Subscription(subscription) => Err(EventError::Topic(subscription.topic)),
    }
}

/// True of what may stand in a command for operators. A topic's name is made of letters, digits,
/// hyphens and underscores, and may end with `.fifo`. (SNS API reference, `CreateTopic`.)
fn is_topic(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.".contains(&byte);
    text.parse::<TopicArn>().is_ok() && text.bytes().all(is_plain)
}

fn change(detail: Value) -> Result<Item, EventError> {
    let is_change = detail
        .get("messageType")
        .is_some_and(|kind| kind == "ComplianceChangeNotification");
    if !is_change {
        return Ok(Item::Irrelevant);
    }
    let change: ChangeNotification =
        serde_json::from_value(detail).map_err(|error| EventError::Change(error.to_string()))?;
    check_size("resourceType", &change.resource_type)?;
    check_size("resourceId", &change.resource_id)?;
    Ok(Item::Observation(observation(change)?))
}

fn check_size(name: &str, text: &str) -> Result<(), EventError> {
    if (1..=MAX_RESOURCE).contains(&text.len()) {
        return Ok(());
    }
    Err(EventError::Change(format!(
        "`{name}` has {} bytes, not 1 to {MAX_RESOURCE}",
        text.len()
    )))
}

fn observation(change: ChangeNotification) -> Result<Observation, EventError> {
    let new = change.new_evaluation_result.unwrap_or_default();
    let old = change.old_evaluation_result.unwrap_or_default();
    let recorded_at = new
        .result_recorded_time
        .or(change.notification_creation_time)
        .ok_or_else(|| EventError::Change("it has no time".to_owned()))?;
    let evaluated_in: Region = name(&change.aws_region)?;
    Ok(Observation {
        key: FindingKey::new(
            name(&change.aws_account_id)?,
            &evaluated_in,
            name(&change.config_rule_name)?,
            change.resource_type,
            change.resource_id,
        ),
        evaluated_in,
        verdict: verdict(new.compliance_type.as_deref()),
        was: compliance_before(old.compliance_type.as_deref()),
        recorded_at,
        source: Source::Event,
        annotation: new
            .annotation
            .map(|text| text.chars().take(MAX_ANNOTATION).collect()),
    })
}

/// The meaning of a new `complianceType`. (AWS Config API reference, `Evaluation`.)
fn verdict(compliance_type: Option<&str>) -> Verdict {
    match compliance_type {
        Some("NON_COMPLIANT") => Verdict::Noncompliant,
        Some("COMPLIANT") => Verdict::Compliant,
        Some("NOT_APPLICABLE") | None => Verdict::NotEvaluated,
        // `INSUFFICIENT_DATA`, and whatever AWS adds.
        Some(_) => Verdict::Unknown,
    }
}

/// The meaning of an old `complianceType`. Whatever is not `NON_COMPLIANT` counts as compliant: if
/// the state says otherwise, the event of a change between is still to come.
fn compliance_before(compliance_type: Option<&str>) -> Option<Compliance> {
    match compliance_type? {
        "NON_COMPLIANT" => Some(Compliance::Noncompliant),
        _ => Some(Compliance::Compliant),
    }
}

fn name<T: FromStr<Err = NameError>>(text: &str) -> Result<T, EventError> {
    text.parse()
        .map_err(|error: NameError| EventError::Change(error.to_string()))
}

#[cfg(test)]
mod tests;

//! Foreign bytes become our own [`Trigger`]; a shape that nobody expects is an error that says what
//! came.

use std::collections::BTreeSet;

use banto_domain::{AccessKeyId, AccountId, Fingerprint, SessionKeyId, UserName};
use banto_lambda::event::{EnvelopeError, Event, Invoked, Payload};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
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
    /// run is about everyone or about exposed keys, and else the only one that the policy has.
    pub account: Option<AccountId>,
    pub scope: Scope,
    /// True if the run ends after the plan was checked.
    pub dry_run: bool,
    /// The moment that the event itself names, if it names one.
    pub asked_at: Option<Timestamp>,
}

/// The mark of a request, which tells it from all others: one that comes again has the same id, and
/// one that was made later is another, be it in the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub id: String,
    pub at: Timestamp,
}

impl Asked {
    pub fn by(id: &str, at: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            at,
        }
    }
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
        /// The keys that are to be restored or discarded; empty in all other modes, and where
        /// everything that Banto disabled is to be restored.
        keys: BTreeSet<AccessKeyId>,
        /// The certificate that is approved; `None` in all modes but that.
        certificate: Option<Fingerprint>,
    },
    /// The owners of credentials that AWS found exposed.
    Exposed(Exposure),
}

/// Credentials that AWS found exposed, each by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The event's ARN, the same in each region that sends it.
    pub event: String,
    /// AWS Health's word for it, as in `AWS_RISK_CREDENTIALS_EXPOSED`.
    pub code: String,
    /// The beginning of the exposure, as far as AWS knows.
    pub since: Option<Timestamp>,
    pub keys: BTreeSet<AccessKeyId>,
    pub sessions: BTreeSet<SessionKeyId>,
    /// All else that the event names, shortened.
    pub others: BTreeSet<String>,
}

/// The urgency of a run, or what it is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By the policy's timings.
    #[default]
    Due,
    /// Rotate now, whatever the key's age; the old key keeps its grace.
    Force,
    /// The keys are exposed: disable them now, then issue a new one.
    Emergency,
    /// Make keys active again that Banto disabled.
    Restore,
    /// Delete keys whose secret was lost when an issue was interrupted.
    Discard,
    /// Let a new certificate count at once.
    Approve,
    /// The users left: disable all that they have, and issue nothing any more.
    Leave,
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
         with an event type code that begins with {EXPOSURES}, or is {QUARANTINE}"
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
        "{0}; expected {{\"account\": \"111122223333\", \"users\": [\"alice\"], \
         \"mode\": \"due\" | \"force\" | \"emergency\" | \"restore\" | \"discard\" | \"approve\" | \"leave\", \
         \"keys\": [\"AKIAIOSFODNN7EXAMPLE\"], \"certificate\": \"FINGERPRINT\", \"dryRun\": true | false}}"
    )]
    Request(String),
    /// A Health event that can't be read.
    #[error("the AWS Health event about exposed credentials can't be read: {0}")]
    Health(String),
}

/// The beginning of the codes of AWS Health's events about exposed credentials: `_EXPOSED`,
/// `_EXPOSURE_SUSPECTED`, `_COMPROMISED` and `_COMPROMISE_SUSPECTED` are known.
const EXPOSURES: &str = "AWS_RISK_CREDENTIALS_";

/// AWS Health's code for a user on whom AWS put a quarantine policy, since a key was exposed.
const QUARANTINE: &str = "AWS_RISK_IAM_QUARANTINE";

/// Most characters of something unknown that people are told: it may be anything.
const SHOWN_CHARS: usize = 64;

/// The detail of an AWS Health event. (AWS Health user guide, "AWS Health event schema".)
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthDetail {
    event_type_code: String,
    #[serde(default)]
    event_arn: String,
    /// Free text to us: a date that can't be read must not keep a key active.
    start_time: Option<String>,
    affected_account: Option<AccountId>,
    #[serde(default)]
    affected_entities: Vec<AffectedEntity>,
}

/// The subject of an AWS Health event: for exposed credentials, the access key's id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AffectedEntity {
    #[serde(default)]
    entity_value: Value,
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
    keys: BTreeSet<AccessKeyId>,
    certificate: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// Reads an event, whatever it is wrapped in.
///
/// ```
/// use banto_lambda::event::Invoked;
/// use rotate_access_keys::event::{Request, Scope, Trigger, decode};
/// let request = Request { account: None, scope: Scope::Everyone, dry_run: true, asked_at: None };
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
            asked_at: event.time,
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
    let code = detail.event_type_code;
    if !code.starts_with(EXPOSURES) && code != QUARANTINE {
        return Err(EventError::Foreign {
            detail_type: "AWS Health Event".into(),
            source_name: "aws.health".into(),
            what: format!(" with the event type code {code:?}"),
        });
    }
    let start_time = detail.start_time.as_deref();
    let mut exposure = Exposure {
        event: detail.event_arn,
        code,
        since: start_time.and_then(date).or(event.time),
        keys: BTreeSet::new(),
        sessions: BTreeSet::new(),
        others: BTreeSet::new(),
    };
    for entity in detail.affected_entities {
        exposure.add(&entity.entity_value);
    }
    Ok(Trigger::Rotate(Request {
        account: exposed_account(detail.affected_account, event.account),
        scope: Scope::Exposed(exposure),
        dry_run: false,
        asked_at: event.time,
    }))
}

/// The account that the keys belong to. An event that reached an organization's delegated
/// administrator names it in its detail; the event's own account is the administrator's then.
fn exposed_account(affected: Option<AccountId>, event: Option<String>) -> Option<AccountId> {
    affected.or_else(|| event?.parse().ok())
}

/// A date as AWS Health writes it, as in `Fri, 27 Nov 2026 00:50:00 GMT`, or as AWS writes most.
fn date(text: &str) -> Option<Timestamp> {
    let rfc_2822 = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    rfc_2822.ok().or_else(|| text.parse().ok())
}

fn decode_request(event: Value) -> Result<Trigger, EventError> {
    let fields: RequestFields =
        serde_json::from_value(event).map_err(|error| EventError::Request(error.to_string()))?;
    let takes_keys = matches!(fields.mode, Mode::Restore | Mode::Discard);
    if !takes_keys && !fields.keys.is_empty() {
        return Err(refused("\"keys\" needs the mode restore or discard"));
    }
    if fields.mode == Mode::Discard && fields.keys.is_empty() {
        return Err(refused("this mode needs \"keys\""));
    }
    let certificate = approved(&fields)?;
    let scope = match fields.users {
        Some(users) if users.is_empty() => return Err(refused("\"users\" is empty")),
        Some(users) => Scope::Users {
            users,
            mode: fields.mode,
            keys: fields.keys,
            certificate,
        },
        None if fields.mode != Mode::Due => return Err(refused("this mode needs \"users\"")),
        None if fields.account.is_some() => return Err(refused("\"account\" needs \"users\"")),
        None => Scope::Everyone,
    };
    Ok(Trigger::Rotate(Request {
        account: fields.account,
        scope,
        dry_run: fields.dry_run,
        asked_at: None,
    }))
}

/// The certificate that is approved, as people write fingerprints.
fn approved(fields: &RequestFields) -> Result<Option<Fingerprint>, EventError> {
    match (fields.mode, &fields.certificate) {
        (Mode::Approve, None) => Err(refused("this mode needs \"certificate\"")),
        (Mode::Approve, Some(text)) => Fingerprint::from_human(text)
            .map(Some)
            .map_err(|error| EventError::Request(format!("\"certificate\": {error}"))),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(refused("\"certificate\" needs the mode approve")),
    }
}

fn refused(why: &str) -> EventError {
    EventError::Request(why.to_owned())
}

impl Exposure {
    /// True if the event names nothing.
    pub fn is_nameless(&self) -> bool {
        self.keys.is_empty() && self.sessions.is_empty() && self.others.is_empty()
    }

    /// The beginning of the exposure, as far as AWS knows; at the latest when it was told.
    pub fn began(&self, asked_at: Timestamp) -> Timestamp {
        self.since.unwrap_or(asked_at).min(asked_at)
    }

    /// Adds an entity, whatever it turns out to be.
    fn add(&mut self, entity: &Value) {
        let text = entity.as_str().map_or(entity.to_string(), str::to_owned);
        let text = text.trim();
        if let Ok(key) = text.parse() {
            self.keys.insert(key);
        } else if let Ok(session) = text.parse() {
            self.sessions.insert(session);
        } else {
            self.others.insert(text.chars().take(SHOWN_CHARS).collect());
        }
    }
}

impl Scope {
    /// The urgency of the run.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Everyone => Mode::Due,
            Self::Users { mode, .. } => *mode,
            Self::Exposed(_) => Mode::Emergency,
        }
    }

    /// The certificate that is approved.
    pub fn approved(&self) -> Option<&Fingerprint> {
        match self {
            Self::Users { certificate, .. } => certificate.as_ref(),
            Self::Everyone | Self::Exposed(_) => None,
        }
    }

    /// The exposure that AWS told of, if it is one.
    pub fn exposure(&self) -> Option<&Exposure> {
        match self {
            Self::Everyone | Self::Users { .. } => None,
            Self::Exposed(exposure) => Some(exposure),
        }
    }

    /// The keys that are to be restored or discarded.
    pub fn named_keys(&self) -> BTreeSet<AccessKeyId> {
        match self {
            Self::Users { keys, .. } => keys.clone(),
            Self::Everyone | Self::Exposed(_) => BTreeSet::new(),
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

    fn request(scope: Scope, dry_run: bool) -> Trigger {
        Trigger::Rotate(Request {
            account: None,
            scope,
            dry_run,
            asked_at: None,
        })
    }

    /// The exposure that an event is about, and its account.
    fn exposure(trigger: Trigger) -> (Option<AccountId>, Exposure) {
        match trigger {
            Trigger::Rotate(Request {
                account,
                scope: Scope::Exposed(exposure),
                ..
            }) => (account, exposure),
            other => panic!("{other:?}"),
        }
    }

    fn exposed() -> Trigger {
        match decode(EXPOSED.as_bytes()) {
            Ok(Invoked::Direct(trigger)) => trigger,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(event: &str) -> String {
        decode(event.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_scheduled_event_is_about_everyone() {
        let Ok(Invoked::Direct(Trigger::Rotate(request))) = decode(SCHEDULED.as_bytes()) else {
            panic!("no request")
        };
        assert_eq!((request.scope, request.dry_run), (Scope::Everyone, false));
    }

    #[test]
    fn an_exposed_key_is_taken_from_the_health_event_with_its_date() {
        let (account, exposure) = exposure(exposed());
        assert_eq!(account.unwrap().as_str(), "111122223333");
        assert_eq!(
            exposure.keys,
            BTreeSet::from(["AKIAIOSFODNN7EXAMPLE".parse().unwrap()])
        );
        assert_eq!(
            exposure.since,
            Some("2026-11-24T04:20:00Z".parse().unwrap())
        );
        assert!(exposure.event.ends_with("_XYZ"), "{exposure:?}");
    }

    #[test]
    fn every_code_of_the_family_ends_a_key() {
        for (event, code) in [
            (
                include_str!("../tests/events/health-exposure-suspected.json"),
                "AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED",
            ),
            (
                include_str!("../tests/events/health-compromised.json"),
                "AWS_RISK_CREDENTIALS_COMPROMISED",
            ),
            (
                include_str!("../tests/events/health-iam-quarantine.json"),
                "AWS_RISK_IAM_QUARANTINE",
            ),
        ] {
            let Ok(Invoked::Direct(trigger)) = decode(event.as_bytes()) else {
                panic!("{code}")
            };
            let (_, exposure) = exposure(trigger);
            assert_eq!((exposure.code.as_str(), exposure.keys.len()), (code, 1));
        }
    }

    #[test]
    fn the_affected_account_is_the_keys_not_the_administrators() {
        let event = include_str!("../tests/events/health-other-account.json");
        let Ok(Invoked::Direct(trigger)) = decode(event.as_bytes()) else {
            panic!("no request")
        };
        assert_eq!(exposure(trigger).0.unwrap().as_str(), "444455556666");
    }

    #[test]
    fn an_odd_entity_stands_in_no_other_ones_way() {
        let event = include_str!("../tests/events/health-odd-entity.json");
        let odd: Value = json!([
            {"entityValue": "AKIAIOSFODNN7EXAMPLE"}, {"entityValue": "ASIAIOSFODNN7EXAMPLE"},
            {"entityValue": "alice"}, {"entityValue": 7}, {}, {"entityValue": "x".repeat(200)},
        ]);
        let mut event: Value = serde_json::from_str(event).unwrap();
        event["detail"]["affectedEntities"] = odd;
        event["detail"]["startTime"] = json!("yesterday");
        let Ok(Invoked::Direct(trigger)) = decode(event.to_string().as_bytes()) else {
            panic!("no request")
        };
        let (_, exposure) = exposure(trigger);
        assert_eq!((exposure.keys.len(), exposure.sessions.len()), (1, 1));
        assert!(exposure.others.contains("alice") && exposure.others.contains("7"));
        assert!(exposure.others.iter().all(|other| other.len() <= 64));
        assert_eq!(
            exposure.since,
            Some("2026-11-27T01:00:00Z".parse().unwrap())
        );
    }

    #[test]
    fn an_exposed_key_is_the_same_in_every_wrapping() {
        let envelope = json!({ "Type": "Notification", "Message": EXPOSED }).to_string();
        let records = [EXPOSED, &envelope]
            .map(|body| json!({ "messageId": "1", "eventSource": "aws:sqs", "body": body }));
        let Invoked::Batch(records) =
            decode(json!({ "Records": records }).to_string().as_bytes()).unwrap()
        else {
            panic!("no batch")
        };
        for record in records {
            assert_eq!(record.payload, Ok(exposed()));
        }
        let Ok(Invoked::Direct(through_sns)) = decode(THROUGH_SNS.as_bytes()) else {
            panic!("no request")
        };
        assert_eq!(exposure(through_sns).1.keys, exposure(exposed()).1.keys);
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
    fn a_health_event_without_a_key_or_an_account_is_an_exposure_nonetheless() {
        for odd in [
            EXPOSED.replace("affectedEntities", "entities"),
            EXPOSED.replace("111122223333", "alice"),
            EXPOSED.replace("\"account\"", "\"accounts\""),
        ] {
            let decoded = decode(odd.as_bytes());
            assert!(
                matches!(
                    &decoded,
                    Ok(Invoked::Direct(Trigger::Rotate(Request {
                        scope: Scope::Exposed(_),
                        ..
                    })))
                ),
                "{decoded:?}"
            );
        }
    }

    #[test]
    fn named_users_may_be_forced_and_dry() {
        let trigger = decode(br#"{"users": ["alice"], "mode": "force", "dryRun": true}"#);
        let users = BTreeSet::from(["alice".parse().unwrap()]);
        let (mode, keys) = (Mode::Force, BTreeSet::new());
        assert_eq!(
            trigger,
            Ok(Invoked::Direct(request(
                Scope::Users {
                    users,
                    mode,
                    keys,
                    certificate: None
                },
                true
            )))
        );
    }

    #[test]
    fn a_certificate_is_approved_by_its_fingerprint_however_that_is_written() {
        const FINGERPRINT: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";
        let approve = |certificate: &str| json!({ "users": ["alice"], "mode": "approve", "certificate": certificate });
        for certificate in [FINGERPRINT, "0xd1a66e1a23b182c9980f788cfbfcc82a015e7330"] {
            let decoded = decode(approve(certificate).to_string().as_bytes());
            let Ok(Invoked::Direct(Trigger::Rotate(request))) = decoded else {
                panic!("{decoded:?}")
            };
            assert_eq!(request.scope.mode(), Mode::Approve);
            assert_eq!(request.scope.approved().unwrap().as_str(), FINGERPRINT);
        }
        for (event, says) in [
            (
                json!({ "users": ["alice"], "mode": "approve" }),
                "this mode needs \"certificate\"",
            ),
            (
                json!({ "users": ["alice"], "mode": "force", "certificate": FINGERPRINT }),
                "\"certificate\" needs the mode approve",
            ),
            (approve("alice"), "\"certificate\": "),
        ] {
            let error = decode(event.to_string().as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(says), "{error}");
        }
    }

    #[test]
    fn keys_are_named_to_be_restored_or_discarded() {
        for (mode, name) in [(Mode::Restore, "restore"), (Mode::Discard, "discard")] {
            let event = json!({"users": ["alice"], "mode": name, "keys": ["AKIAIOSFODNN7EXAMPLE"]});
            let Ok(Invoked::Direct(Trigger::Rotate(request))) =
                decode(event.to_string().as_bytes())
            else {
                panic!("{name}")
            };
            assert_eq!(request.scope.mode(), mode);
            assert_eq!(request.scope.named_keys().len(), 1);
        }
    }

    /// The very payload that docs/rotation.md and Terraform have.
    #[test]
    fn users_leave_by_name_and_nothing_else_is_asked_for() {
        let event = br#"{"account": "111122223333", "users": ["alice"], "mode": "leave"}"#;
        let Ok(Invoked::Direct(Trigger::Rotate(request))) = decode(event) else {
            panic!("no request")
        };
        assert_eq!(request.account.unwrap().as_str(), "111122223333");
        assert_eq!(request.scope.mode(), Mode::Leave);
        assert!(request.scope.named_keys().is_empty() && request.scope.approved().is_none());
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
            (
                r#"{"mode": "discard", "users": ["alice"]}"#,
                "this mode needs \"keys\"",
            ),
            (
                r#"{"mode": "force", "users": ["alice"], "keys": ["AKIAIOSFODNN7EXAMPLE"]}"#,
                "\"keys\" needs the mode restore or discard",
            ),
            (r#"{"mode": "leave"}"#, "this mode needs \"users\""),
            (
                r#"{"mode": "leave", "users": ["alice"], "keys": ["AKIAIOSFODNN7EXAMPLE"]}"#,
                "\"keys\" needs the mode restore or discard",
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

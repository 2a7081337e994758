//! CloudTrail's history of events: which access keys were created, and what was done with a
//! credential. (CloudTrail API reference, version 2013-11-01, `LookupEvents`, in AWS's JSON 1.1
//! protocol.)
//!
//! Only the region of IAM's own events is asked. A role that was assumed at an STS endpoint of
//! another region is in that region's history. (IAM user guide, "Logging IAM and AWS STS API calls
//! with AWS CloudTrail".)

use std::collections::BTreeSet;

use async_trait::async_trait;
use banto_domain::policy::IdentityAccount;
use banto_domain::{AccessKeyId, CredentialId, RoleArn, UserName};
use banto_ports::{Activity, ErrorKind, KeyCreation, PortError, Trail};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::caller::{Caller, Request};
use crate::config::Aws;
use crate::errors::lacking;
use crate::service::Service;
use crate::token_bucket::TokenBucket;

const CALL: &str = "cloudtrail:LookupEvents";

/// The operation in AWS's JSON 1.1 protocol.
const TARGET: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

/// CloudTrail answers two requests a second per account and region, to all who ask there.
/// (CloudTrail API reference, `LookupEvents`.)
const CALLS_PER_SECOND: u32 = 2;

/// Events of a page: the most that CloudTrail allows.
const PAGE: u32 = 50;

/// Most pages that are read of one look-up. At CloudTrail's rate they take five seconds, in which
/// nobody else of the account can be looked at, and whoever holds a credential can make any number
/// of events with it.
const MAX_PAGES: u32 = 10;

/// Time for which CloudTrail keeps events: 90 days (CloudTrail API reference, `LookupEvents`); an
/// hour less, so that a clock that is behind its own asks for nothing before them.
const HISTORY: SignedDuration = SignedDuration::from_hours(90 * 24 - 1);

/// The event of a new access key.
const KEY_CREATED: &str = "CreateAccessKey";

/// The region of IAM's own events, by partition. (IAM user guide, "Logging IAM and AWS STS API
/// calls with AWS CloudTrail": US East (N. Virginia). In other partitions it is the region that
/// requests to IAM are signed for, by the endpoint rules of the SDK's IAM crate.)
const REGIONS: [(&str, &str); 8] = [
    ("aws", "us-east-1"),
    ("aws-cn", "cn-north-1"),
    ("aws-us-gov", "us-gov-west-1"),
    ("aws-eusc", "eusc-de-east-1"),
    ("aws-iso", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-south-1"),
];

/// CloudTrail's history of one identity account.
#[derive(Debug)]
pub struct CloudTrail {
    caller: Caller,
    calls: TokenBucket,
}

/// A look-up. Moments are whole seconds, as an event's own is.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    lookup_attributes: [Attribute; 1],
    start_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The one attribute that a look-up may have.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_key: &'static str,
    attribute_value: String,
}

/// The events of a look-up, the latest first.
struct Found {
    events: Vec<Entry>,
    /// False if there were more pages than are read.
    is_complete: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    events: Vec<Entry>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    /// The event itself, as a text of JSON.
    cloud_trail_event: Option<String>,
}

/// An event, as far as it matters here. (CloudTrail user guide, "CloudTrail record contents".)
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_name: String,
    event_time: Timestamp,
    /// The reason why the request was refused; absent if it was not.
    error_code: Option<String>,
    #[serde(default)]
    user_identity: Identity,
    #[serde(default)]
    request_parameters: Value,
    #[serde(default)]
    response_elements: Value,
}

/// (CloudTrail user guide, "CloudTrail userIdentity element".)
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Identity {
    #[serde(rename = "type")]
    kind: Option<String>,
    user_name: Option<String>,
    access_key_id: Option<String>,
    session_context: Option<SessionContext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext {
    session_issuer: Option<SessionIssuer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer {
    #[serde(rename = "type")]
    kind: Option<String>,
    arn: Option<String>,
    user_name: Option<String>,
}

impl CloudTrail {
    pub(crate) fn new(aws: &Aws, identity: &IdentityAccount) -> Self {
        Self {
            caller: aws.caller_in(Service::CloudTrail, region(&identity.role)),
            calls: TokenBucket::per_second(CALLS_PER_SECOND, CALLS_PER_SECOND),
        }
    }

    /// Looks up the events of one attribute, page by page.
    async fn look_up(&self, mut query: Query) -> Result<Found, PortError> {
        let mut events = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.page(&query).await?;
            events.extend(page.events);
            query.next_token = page.next_token;
            if query.next_token.is_none() {
                return Ok(Found {
                    events,
                    is_complete: true,
                });
            }
        }
        Ok(Found {
            events,
            is_complete: false,
        })
    }

    async fn page(&self, query: &Query) -> Result<Page, PortError> {
        self.calls.acquire().await;
        let request = Request::aws_json(CALL, "1.1", TARGET, &json!(query));
        let answer = self.caller.ask(request).await?;
        serde_json::from_slice(&answer).map_err(|_| lacking(CALL, "events that can be read"))
    }
}

/// The first moment that is asked for.
fn oldest(now: Timestamp) -> Timestamp {
    now.checked_sub(HISTORY).unwrap_or(Timestamp::MIN)
}

/// The region of IAM's own events, in the partition of Banto's role.
fn region(role: &RoleArn) -> &'static str {
    let partition = role.as_str().split(':').nth(1);
    let known = REGIONS.iter().find(|(known, _)| partition == Some(*known));
    known.map_or("us-east-1", |(_, region)| region)
}

impl Query {
    fn new(key: &'static str, value: &str, from: Timestamp) -> Self {
        let attribute = Attribute {
            attribute_key: key,
            attribute_value: value.to_owned(),
        };
        Self {
            lookup_attributes: [attribute],
            start_time: from.as_second(),
            end_time: None,
            max_results: PAGE,
            next_token: None,
        }
    }
}

#[async_trait]
impl Trail for CloudTrail {
    async fn key_creations(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<KeyCreation>, PortError> {
        // What CloudTrail has forgotten would be taken for what never was.
        if from < oldest(Timestamp::now()) {
            let message = format!("{from} is before the 90 days that CloudTrail remembers");
            return Err(PortError::new(ErrorKind::Missing, CALL, message));
        }
        let query = Query {
            end_time: Some(until.as_second()),
            ..Query::new("EventName", KEY_CREATED, from)
        };
        let found = self.look_up(query).await?;
        // A key that was not seen would be taken for one that nobody created.
        if !found.is_complete {
            let message = format!(
                "more than the {} events that are read",
                MAX_PAGES.saturating_mul(PAGE)
            );
            return Err(PortError::new(ErrorKind::LimitExceeded, CALL, message));
        }
        let mut creations = Vec::new();
        for entry in &found.events {
            let event = entry.read().ok_or_else(|| lacking(CALL, "a whole event"))?;
            creations.extend(event.key_creation());
        }
        Ok(creations)
    }

    async fn activity(
        &self,
        credential: &CredentialId,
        since: Timestamp,
    ) -> Result<Activity, PortError> {
        let oldest = oldest(Timestamp::now());
        let query = Query::new("AccessKeyId", credential.as_str(), since.max(oldest));
        let found = self.look_up(query).await?;
        let mut activity = Activity {
            is_complete: found.is_complete && since >= oldest,
            ..Activity::default()
        };
        let mut roles = BTreeSet::new();
        for entry in &found.events {
            match entry.read() {
                Some(event) if event.is_signed_by(credential) => {
                    add(&mut activity, &mut roles, &event);
                }
                Some(_) => {}
                // Whoever used the credential may have made it so; the rest still counts.
                None => activity.is_complete = false,
            }
        }
        Ok(activity)
    }
}

/// Adds an event to what is known of a credential; `roles` are those that were assumed with it.
fn add(activity: &mut Activity, roles: &mut BTreeSet<RoleArn>, event: &Event) {
    let identity = &event.user_identity;
    activity.user = activity.user.take().or_else(|| identity.user());
    activity.role = activity.role.take().or_else(|| identity.role());
    activity.created.extend(event.key_creation());
    let assumed = event.assumed_role();
    activity
        .assumed
        .extend(assumed.filter(|role| roles.insert(role.clone())));
}

impl Entry {
    /// The event; `None` if it can't be read.
    fn read(&self) -> Option<Event> {
        serde_json::from_str(self.cloud_trail_event.as_deref()?).ok()
    }
}

impl Event {
    /// True if the request was signed with this credential: a look-up by key also finds an event
    /// that only names it.
    fn is_signed_by(&self, credential: &CredentialId) -> bool {
        let signer = self.user_identity.access_key_id.as_deref();
        signer.is_none_or(|signer| signer == credential.as_str())
    }

    /// The key of a user that was created; `None` if the event is another one, was refused, or was
    /// about a key of the root user.
    fn key_creation(&self) -> Option<KeyCreation> {
        if self.event_name != KEY_CREATED || self.error_code.is_some() {
            return None;
        }
        let created = self.response_elements.get("accessKey")?;
        let key: AccessKeyId = created.get("accessKeyId")?.as_str()?.parse().ok()?;
        let user: UserName = created.get("userName")?.as_str()?.parse().ok()?;
        Some(KeyCreation {
            key,
            user,
            at: self.event_time,
            by_role: self.user_identity.role(),
        })
    }

    /// The role that was assumed; `None` if the event is another one or was refused.
    fn assumed_role(&self) -> Option<RoleArn> {
        if !self.event_name.starts_with("AssumeRole") || self.error_code.is_some() {
            return None;
        }
        let role = self.request_parameters.get("roleArn")?;
        role.as_str()?.parse().ok()
    }
}

impl Identity {
    /// The role whose session signed the request.
    fn role(&self) -> Option<RoleArn> {
        let issuer = self.session_context.as_ref()?.session_issuer.as_ref()?;
        match issuer.kind.as_deref() {
            Some("Role") => issuer.arn.as_deref()?.parse().ok(),
            _ => None,
        }
    }

    /// The IAM user who signed the request, or whose federated session did.
    fn user(&self) -> Option<UserName> {
        let issuer = || self.session_context.as_ref()?.session_issuer.as_ref();
        let name = match self.kind.as_deref()? {
            "IAMUser" => self.user_name.as_deref(),
            "FederatedUser" => {
                let issuer = issuer().filter(|issuer| issuer.kind.as_deref() == Some("IAMUser"))?;
                issuer.user_name.as_deref()
            }
            _ => None,
        };
        name?.parse().ok()
    }
}

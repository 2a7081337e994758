//! Slack by a bot token, mail, and the state behind the ports of compliance.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, FindingState, MessageRef, OutboxEntry,
    RouteState,
};
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{
    AggregatedFinding, Chat, ErrorKind, Mail, Mailer, MemberState, PortError, RouteLease,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

use crate::members::channel_with;
use crate::requests;
use crate::run::Run;
use crate::view::Sent;
use crate::world::{State, World};

/// Slack takes one message a second in a channel.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// The table, the aggregator and Slack.
#[derive(Debug, Default)]
pub(crate) struct ComplianceState {
    pub(crate) known: BTreeMap<FindingKey, FindingState>,
    pub(crate) accounts: BTreeMap<AccountId, AccountInfo>,
    pub(crate) routes: BTreeMap<String, RouteItems>,
    pub(crate) said: BTreeMap<String, Timestamp>,
    pub(crate) aggregated:
        BTreeMap<AccountId, BTreeMap<(Region, RuleName), Vec<AggregatedFinding>>>,
    pub(crate) names: BTreeMap<FindingKey, String>,
    pub(crate) messages: Vec<SlackMessage>,
    pub(crate) slack_fails: Option<PortError>,
}

/// What is kept of a route.
#[derive(Debug, Default)]
pub(crate) struct RouteItems {
    pub(crate) state: RouteState,
    pub(crate) claim: Option<(String, Timestamp)>,
    pub(crate) due: Option<Timestamp>,
    pub(crate) entries: BTreeMap<String, OutboxEntry>,
    pub(crate) groups: BTreeMap<String, FindingGroup>,
    pub(crate) digests: BTreeMap<String, Digest>,
}

/// A message in a Slack channel.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackMessage {
    /// Where it is.
    pub message: MessageRef,
    /// The message above it, if it is in a thread.
    pub thread: Option<String>,
    /// Whether the channel sees it, too.
    pub broadcast: bool,
    /// The id that it carries.
    pub id: String,
    /// When it was posted.
    pub at: Timestamp,
    /// As it looks now, and as it looked before: the last is how it looks now.
    pub bodies: Vec<Value>,
}

impl SlackMessage {
    /// As it looks now.
    pub fn body(&self) -> &Value {
        self.bodies.last().unwrap_or(&Value::Null)
    }

    /// What a lock screen shows of it, as it looks now.
    pub fn text(&self) -> &str {
        self.body()
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl ComplianceState {
    /// The items of a route; there are none of a new one.
    pub(crate) fn route(&mut self, name: &str) -> &mut RouteItems {
        self.routes.entry(name.to_owned()).or_default()
    }

    /// The items of a route that the lease's holder holds; a conflict if another run does.
    pub(crate) fn held_route(
        &mut self,
        lease: &RouteLease,
        call: &'static str,
    ) -> Result<&mut RouteItems, PortError> {
        let items = self.route(&lease.route);
        match &items.claim {
            Some((run, _)) if *run == lease.holder => Ok(items),
            Some(_) | None => Err(conflict(call)),
        }
    }

    /// Posts a message into a channel, unless it comes too soon after another one there.
    fn post(
        &mut self,
        id: &str,
        channel: String,
        body: &Value,
        now: Timestamp,
    ) -> Result<MessageRef, PortError> {
        const CALL: &str = "slack:chat.postMessage";
        let last = self
            .messages
            .iter()
            .rev()
            .find(|message| message.message.channel == channel);
        if last.is_some_and(|last| now.duration_since(last.at) < PACE) {
            let again = Some(Duration::from_secs(1));
            return Err(
                PortError::new(ErrorKind::Throttled, CALL, "ratelimited").retry_after(again)
            );
        }
        let message = MessageRef {
            channel,
            ts: format!("{}.{:06}", now.as_second(), self.messages.len()),
        };
        self.messages.push(SlackMessage {
            message: message.clone(),
            thread: text_of(body, "thread_ts"),
            broadcast: body.get("reply_broadcast") == Some(&Value::Bool(true)),
            id: id.to_owned(),
            at: now,
            bodies: vec![body.clone()],
        });
        Ok(message)
    }
}

fn text_of(body: &Value, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Posts a message where its body says: into a channel, or to a member.
fn post(state: &mut State, id: &str, body: &Value) -> Result<MessageRef, PortError> {
    const CALL: &str = "slack:chat.postMessage";
    if let Some(error) = &state.compliance.slack_fails {
        return Err(error.clone());
    }
    let channel = text_of(body, "channel")
        .ok_or_else(|| PortError::new(ErrorKind::Invalid, CALL, "invalid_arguments"))?;
    let Some(member) = state.members.addressed(&channel)? else {
        return state.compliance.post(id, channel, body, state.now);
    };
    let channel = channel_with(&member);
    let message = state.compliance.post(id, channel, body, state.now)?;
    state.sent.push(Sent::Direct(member, body.to_string()));
    Ok(message)
}

#[async_trait]
impl Chat for Run {
    async fn post(
        &self,
        _token: &SecretString,
        id: &str,
        body: &Value,
    ) -> Result<MessageRef, PortError> {
        self.ask_slack("slack:chat.postMessage", id, |state| post(state, id, body))
            .await
    }

    async fn update(
        &self,
        _token: &SecretString,
        message: &MessageRef,
        body: &Value,
    ) -> Result<(), PortError> {
        const CALL: &str = "slack:chat.update";
        self.ask_slack(CALL, &message.ts, |state| {
            if let Some(error) = &state.compliance.slack_fails {
                return Err(error.clone());
            }
            let found = state
                .compliance
                .messages
                .iter_mut()
                .find(|known| known.message == *message);
            let found = found
                .ok_or_else(|| PortError::new(ErrorKind::Missing, CALL, "message_not_found"))?;
            found.bodies.push(body.clone());
            Ok(())
        })
        .await
    }

    async fn find(
        &self,
        _token: &SecretString,
        channel: &str,
        thread: Option<&MessageRef>,
        id: &str,
        since: Timestamp,
    ) -> Result<Option<MessageRef>, PortError> {
        self.ask_slack("slack:conversations.history", id, |state| {
            if let Some(error) = &state.compliance.slack_fails {
                return Err(error.clone());
            }
            let found = state.compliance.messages.iter().find(|message| {
                let is_there = message.message.channel == channel
                    && message.thread.as_deref() == thread.map(|above| above.ts.as_str());
                is_there && message.id == id && message.at >= since
            });
            Ok(found.map(|found| found.message.clone()))
        })
        .await
    }

    async fn member(&self, _token: &SecretString, id: &str) -> Result<MemberState, PortError> {
        self.ask_slack("slack:users.info", id, |state| {
            match &state.compliance.slack_fails {
                Some(error) => Err(error.clone()),
                None => state.members.state_of(id),
            }
        })
        .await
    }
}

#[async_trait]
impl Mailer for Run {
    async fn send(&self, mail: &Mail) -> Result<(), PortError> {
        let request = requests::mail(mail);
        self.ask("ses:SendEmail", &mail.subject, request, |state| {
            state.sent.push(Sent::Mail(mail.clone()));
            Ok(())
        })
        .await
    }
}

pub(crate) fn conflict(call: &'static str) -> PortError {
    PortError::new(ErrorKind::Conflict, call, "ConditionalCheckFailed")
}

/// Compliance, as tests see and change it.
impl World {
    /// Lets the bot's Slack refuse everything from now on; `None` lets it accept again.
    pub fn fail_slack(&self, error: Option<PortError>) {
        self.state().compliance.slack_fails = error;
    }

    /// Every message that the bot posted, in order.
    pub fn slack_messages(&self) -> Vec<SlackMessage> {
        self.state().compliance.messages.clone()
    }

    /// The state of a finding.
    pub fn finding_state(&self, key: &FindingKey) -> Option<FindingState> {
        self.state().compliance.known.get(key).cloned()
    }

    /// What waits on a route.
    pub fn outbox(&self, route: &str) -> Vec<OutboxEntry> {
        let state = self.state();
        let items = state.compliance.routes.get(route);
        items
            .map(|items| items.entries.values().cloned().collect())
            .unwrap_or_default()
    }

    /// A group of a route.
    pub fn finding_group(
        &self,
        route: &str,
        account: &AccountId,
        rule: &RuleName,
    ) -> Option<FindingGroup> {
        let state = self.state();
        state
            .compliance
            .routes
            .get(route)?
            .groups
            .get(&FindingGroup::id_of(account, rule))
            .cloned()
    }

    /// Every digest of a route.
    pub fn digests_of(&self, route: &str) -> Vec<Digest> {
        let state = self.state();
        let items = state.compliance.routes.get(route);
        items
            .map(|items| items.digests.values().cloned().collect())
            .unwrap_or_default()
    }

    /// What the aggregator knows of a rule in an account: what it finds there, which may be
    /// nothing.
    pub fn aggregate(
        &self,
        account: &AccountId,
        region: &Region,
        rule: &RuleName,
        found: Vec<AggregatedFinding>,
    ) {
        let mut state = self.state();
        let rules = state
            .compliance
            .aggregated
            .entry(account.clone())
            .or_default();
        rules.insert((region.clone(), rule.clone()), found);
    }

    /// The name of a resource, as AWS Config knows it.
    pub fn name_resource(&self, key: &FindingKey, name: &str) {
        self.state()
            .compliance
            .names
            .insert(key.clone(), name.to_owned());
    }
}

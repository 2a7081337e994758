//! Slack by a bot token, mail, and the state behind the ports of compliance.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, FindingState, MessageRef, OutboxBatch,
    OutboxEntry, RouteState,
};
use banto_domain::{AccountId, RuleName};
use banto_ports::{Chat, ErrorKind, Mail, Mailer, MemberState, PortError, RouteLease};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

use crate::aggregator::Aggregated;
use crate::capacity::Capacity;
use crate::members::channel_with;
use crate::releases::TableItem;
use crate::requests;
use crate::run::Run;
use crate::sharded::{Paging, Sharded};
use crate::view::Sent;
use crate::world::{State, World};

/// Slack takes one message a second in a channel.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// The table, the aggregator and Slack.
#[derive(Debug, Default)]
pub(crate) struct ComplianceState {
    pub(crate) known: BTreeMap<AccountId, Sharded<FindingState>>,
    /// Items that the newer of two releases wrote.
    pub(crate) of_newer_release: BTreeSet<TableItem>,
    pub(crate) compared: BTreeMap<AccountId, Timestamp>,
    pub(crate) accounts: BTreeMap<AccountId, AccountInfo>,
    pub(crate) routes: BTreeMap<String, RouteItems>,
    pub(crate) registered: BTreeSet<String>,
    pub(crate) said: BTreeMap<String, Timestamp>,
    pub(crate) capacity: Capacity,
    pub(crate) aggregated: Aggregated,
    pub(crate) paging: Paging,
    messages: Vec<SlackMessage>,
    /// The place of each message among all of them.
    places: BTreeMap<MessageRef, usize>,
    /// The time of the last post in each channel.
    last_posts: BTreeMap<String, Timestamp>,
    slack_fails: Option<PortError>,
    slack_answer: SlackAnswer,
}

/// The answer to what Slack is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlackAnswer {
    /// Slack's own, which says whether it took the message.
    #[default]
    Own,
    /// Status 200 with something else: `ok:false`, `no_service`, or a proxy's page. Slack did not
    /// take the message.
    Foreign,
    /// None: Slack took the message, and its answer was lost.
    Lost,
}

/// What is kept of a route.
#[derive(Debug, Default)]
pub(crate) struct RouteItems {
    pub(crate) state: RouteState,
    pub(crate) claim: Option<(String, Timestamp)>,
    pub(crate) due: Option<Timestamp>,
    pub(crate) batches: Sharded<OutboxBatch>,
    pub(crate) groups: Sharded<FindingGroup>,
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
    pub(crate) fn finding(&self, key: &FindingKey) -> Option<&FindingState> {
        self.known.get(&key.account)?.get(&key.id())
    }

    pub(crate) fn save_finding(&mut self, state: &FindingState) {
        let known = self.known.entry(state.key.account.clone()).or_default();
        known.insert(&state.key.id(), state.clone());
    }

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

    /// Fails if Slack refuses everything.
    fn refused(&self) -> Result<(), PortError> {
        match &self.slack_fails {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Changes a message.
    fn update(
        &mut self,
        call: &'static str,
        message: &MessageRef,
        body: &Value,
    ) -> Result<(), PortError> {
        let place = self.places.get(message);
        let found = place.and_then(|place| self.messages.get_mut(*place));
        let missing = || PortError::new(ErrorKind::Missing, call, "message_not_found");
        found.ok_or_else(missing)?.bodies.push(body.clone());
        Ok(())
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
        let last = self.last_posts.get(&channel);
        if last.is_some_and(|last| now.duration_since(*last) < PACE) {
            let again = Some(Duration::from_secs(1));
            return Err(
                PortError::new(ErrorKind::Throttled, CALL, "ratelimited").retry_after(again)
            );
        }
        let message = MessageRef {
            channel,
            ts: format!("{}.{:06}", now.as_second(), self.messages.len()),
        };
        self.last_posts.insert(message.channel.clone(), now);
        self.places.insert(message.clone(), self.messages.len());
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

/// Sends something to Slack, and answers as a test said.
pub(crate) fn answered<T>(
    state: &mut State,
    call: &'static str,
    send: impl FnOnce(&mut State) -> Result<T, PortError>,
) -> Result<T, PortError> {
    match state.compliance.slack_answer {
        SlackAnswer::Own => send(state),
        SlackAnswer::Foreign => {
            let message = "HTTP status 200, but not Slack's own ok";
            Err(PortError::new(ErrorKind::Invalid, call, message))
        }
        SlackAnswer::Lost => {
            send(state)?;
            let message = "the answer was lost";
            Err(PortError::new(ErrorKind::Unavailable, call, message))
        }
    }
}

fn text_of(body: &Value, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Posts a message where its body says: into a channel, or to a member.
fn post(state: &mut State, id: &str, body: &Value) -> Result<MessageRef, PortError> {
    const CALL: &str = "slack:chat.postMessage";
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
        const CALL: &str = "slack:chat.postMessage";
        self.ask_receiver(CALL, id, |state| {
            state.compliance.refused()?;
            answered(state, CALL, |state| post(state, id, body))
        })
        .await
    }

    async fn update(
        &self,
        _token: &SecretString,
        message: &MessageRef,
        body: &Value,
    ) -> Result<(), PortError> {
        const CALL: &str = "slack:chat.update";
        self.ask_receiver(CALL, &message.ts, |state| {
            state.compliance.refused()?;
            answered(state, CALL, |state| {
                state.compliance.update(CALL, message, body)
            })
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
        self.ask_receiver("slack:conversations.history", id, |state| {
            state.compliance.refused()?;
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
        self.ask_receiver("slack:users.info", id, |state| {
            state.compliance.refused()?;
            state.members.state_of(id)
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

    /// Lets Slack's webhooks and the bot's Slack answer like this from now on.
    pub fn slack_answers(&self, answer: SlackAnswer) {
        self.state().compliance.slack_answer = answer;
    }

    /// Every message that the bot posted, in order.
    pub fn slack_messages(&self) -> Vec<SlackMessage> {
        self.state().compliance.messages.clone()
    }

    /// The state of a finding.
    pub fn finding_state(&self, key: &FindingKey) -> Option<FindingState> {
        self.state().compliance.finding(key).cloned()
    }

    /// The time at which an account was last compared with the aggregator to the end.
    pub fn compared_at(&self, account: &AccountId) -> Option<Timestamp> {
        self.state().compliance.compared.get(account).copied()
    }

    /// The routes that are registered.
    pub fn registered_routes(&self) -> BTreeSet<String> {
        self.state().compliance.registered.clone()
    }

    /// The batches that wait on a route, in the order in which they are worked.
    pub fn outbox_batches(&self, route: &str) -> Vec<OutboxBatch> {
        let mut state = self.state();
        let items = state.compliance.route(route);
        items.batches.in_order("").cloned().collect()
    }

    /// The entries that wait on a route, in the order in which they are worked.
    pub fn outbox(&self, route: &str) -> Vec<OutboxEntry> {
        let batches = self.outbox_batches(route).into_iter();
        batches.flat_map(|batch| batch.entries).collect()
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
}

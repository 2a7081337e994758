//! The table of compliance, AWS Config's aggregator, Slack by a bot token, and mail.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::compliance::{
    AccountInfo, Digest, FindingGroup, FindingKey, FindingState, MessageRef, OutboxEntry,
    RouteState,
};
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{
    AccountCache, AggregatedFinding, Aggregator, Chat, DeliveryCommit, DeliverySchedule, ErrorKind,
    FindingChange, FindingStore, Mail, Mailer, MemberState, NotificationLog, Outbox, PortError,
    RouteLease, RouteLock,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

use crate::account_requests;
use crate::members::channel_with;
use crate::run::Run;
use crate::view::Sent;
use crate::world::{State, World};

/// Slack takes one message a second in a channel.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// The table, the aggregator and Slack.
#[derive(Debug, Default)]
pub(crate) struct ComplianceState {
    known: BTreeMap<FindingKey, FindingState>,
    accounts: BTreeMap<AccountId, AccountInfo>,
    routes: BTreeMap<String, RouteItems>,
    said: BTreeMap<String, Timestamp>,
    aggregated: BTreeMap<AccountId, BTreeMap<(Region, RuleName), Vec<AggregatedFinding>>>,
    names: BTreeMap<FindingKey, String>,
    messages: Vec<SlackMessage>,
    slack_fails: Option<PortError>,
}

/// What is kept of a route.
#[derive(Debug, Default)]
struct RouteItems {
    state: RouteState,
    claim: Option<(String, Timestamp)>,
    due: Option<Timestamp>,
    entries: BTreeMap<String, OutboxEntry>,
    groups: BTreeMap<String, FindingGroup>,
    digests: BTreeMap<String, Digest>,
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
    fn route(&mut self, name: &str) -> &mut RouteItems {
        self.routes.entry(name.to_owned()).or_default()
    }

    /// The items of a route that the lease's holder holds; a conflict if another run does.
    fn held_route(
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
        self.step("slack:chat.postMessage", id, |state| post(state, id, body))
            .await
    }

    async fn update(
        &self,
        _token: &SecretString,
        message: &MessageRef,
        body: &Value,
    ) -> Result<(), PortError> {
        const CALL: &str = "slack:chat.update";
        self.step(CALL, &message.ts, |state| {
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
        self.step("slack:conversations.history", id, |state| {
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
        self.step("slack:users.info", id, |state| {
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
        let request = account_requests::mail(mail);
        self.ask("ses:SendEmail", &mail.subject, request, |state| {
            state.sent.push(Sent::Mail(mail.clone()));
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Aggregator for Run {
    async fn rules(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<(Region, RuleName), bool>, PortError> {
        self.step(
            "config:DescribeAggregateComplianceByConfigRules",
            account,
            |state| {
                let rules = state
                    .compliance
                    .aggregated
                    .get(account)
                    .into_iter()
                    .flatten();
                Ok(rules
                    .map(|(rule, found)| (rule.clone(), !found.is_empty()))
                    .collect())
            },
        )
        .await
    }

    async fn findings(
        &self,
        account: &AccountId,
        region: &Region,
        rule: &RuleName,
    ) -> Result<Vec<AggregatedFinding>, PortError> {
        self.step(
            "config:GetAggregateComplianceDetailsByConfigRule",
            rule,
            |state| {
                let rules = state.compliance.aggregated.get(account);
                Ok(rules
                    .and_then(|rules| rules.get(&(region.clone(), rule.clone())))
                    .cloned()
                    .unwrap_or_default())
            },
        )
        .await
    }

    async fn names(&self, keys: &[FindingKey]) -> Result<BTreeMap<FindingKey, String>, PortError> {
        self.step(
            "config:BatchGetAggregateResourceConfig",
            keys.len(),
            |state| {
                let name = |key: &FindingKey| {
                    Some((key.clone(), state.compliance.names.get(key)?.clone()))
                };
                Ok(keys.iter().filter_map(name).collect())
            },
        )
        .await
    }
}

fn conflict(call: &'static str) -> PortError {
    PortError::new(ErrorKind::Conflict, call, "ConditionalCheckFailed")
}

#[async_trait]
impl FindingStore for Run {
    async fn findings(
        &self,
        keys: &[FindingKey],
    ) -> Result<BTreeMap<FindingKey, FindingState>, PortError> {
        self.step("dynamodb:BatchGetItem", keys.len(), |state| {
            let known =
                |key: &FindingKey| Some((key.clone(), state.compliance.known.get(key)?.clone()));
            Ok(keys.iter().filter_map(known).collect())
        })
        .await
    }

    async fn findings_of_account(
        &self,
        account: &AccountId,
    ) -> Result<Vec<FindingState>, PortError> {
        self.step("dynamodb:Query", account, |state| {
            let known = state.compliance.known.values();
            Ok(known
                .filter(|known| known.key.account == *account)
                .cloned()
                .collect())
        })
        .await
    }

    async fn save_change(&self, change: &FindingChange) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:PutItem";
        self.step(CALL, change.after.key.id(), |state| {
            let ComplianceState { known, routes, .. } = &mut state.compliance;
            if known.get(&change.after.key).map(|known| known.recorded_at)
                != change.expected_recorded_at
            {
                return Err(conflict(CALL));
            }
            known.insert(change.after.key.clone(), change.after.clone());
            for (route, entry) in &change.entries {
                routes
                    .entry(route.clone())
                    .or_default()
                    .entries
                    .insert(entry.id(), entry.clone());
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl AccountCache for Run {
    async fn cached_accounts(
        &self,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountInfo>, PortError> {
        self.step("dynamodb:BatchGetItem", accounts.len(), |state| {
            let facts = |account: &AccountId| {
                Some((
                    account.clone(),
                    state.compliance.accounts.get(account)?.clone(),
                ))
            };
            Ok(accounts.iter().filter_map(facts).collect())
        })
        .await
    }

    async fn save_account(&self, facts: &AccountInfo) -> Result<(), PortError> {
        self.step("dynamodb:PutItem", &facts.id, |state| {
            state
                .compliance
                .accounts
                .insert(facts.id.clone(), facts.clone());
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl RouteLock for Run {
    async fn lock_route(
        &self,
        lease: &RouteLease,
        now: Timestamp,
    ) -> Result<RouteState, PortError> {
        const CALL: &str = "dynamodb:UpdateItem";
        self.step(CALL, &lease.route, |state| {
            let items = state.compliance.route(&lease.route);
            if items
                .claim
                .as_ref()
                .is_some_and(|(run, until)| *run != lease.holder && *until > now)
            {
                return Err(conflict(CALL));
            }
            items.claim = Some((lease.holder.clone(), lease.expires_at));
            Ok(items.state.clone())
        })
        .await
    }

    async fn save_route_state(
        &self,
        lease: &RouteLease,
        saved: &RouteState,
    ) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:UpdateItem";
        self.step(CALL, &lease.route, |state| {
            let items = state.compliance.held_route(lease, CALL)?;
            items.claim = Some((lease.holder.clone(), lease.expires_at));
            items.state = saved.clone();
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl DeliverySchedule for Run {
    async fn delivery_due(&self, route: &str) -> Result<Option<Timestamp>, PortError> {
        self.step("dynamodb:GetItem", route, |state| {
            Ok(state
                .compliance
                .routes
                .get(route)
                .and_then(|items| items.due))
        })
        .await
    }

    async fn save_delivery_due(&self, route: &str, at: Timestamp) -> Result<(), PortError> {
        self.step("dynamodb:PutItem", route, |state| {
            state.compliance.route(route).due = Some(at);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Outbox for Run {
    async fn waiting(&self, route: &str, most: usize) -> Result<Vec<OutboxEntry>, PortError> {
        self.step("dynamodb:Query", route, |state| {
            let items = state.compliance.routes.get(route);
            Ok(items
                .map(|items| items.entries.values().take(most).cloned().collect())
                .unwrap_or_default())
        })
        .await
    }

    async fn groups(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, FindingGroup>, PortError> {
        self.step("dynamodb:BatchGetItem", route, |state| {
            let groups = state
                .compliance
                .routes
                .get(route)
                .map(|items| &items.groups);
            let group = |id: &String| Some((id.clone(), groups?.get(id)?.clone()));
            Ok(ids.iter().filter_map(group).collect())
        })
        .await
    }

    async fn digests(
        &self,
        route: &str,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Digest>, PortError> {
        self.step("dynamodb:BatchGetItem", route, |state| {
            let digests = state
                .compliance
                .routes
                .get(route)
                .map(|items| &items.digests);
            let digest = |id: &String| Some((id.clone(), digests?.get(id)?.clone()));
            Ok(ids.iter().filter_map(digest).collect())
        })
        .await
    }

    async fn commit(&self, lease: &RouteLease, commit: &DeliveryCommit) -> Result<(), PortError> {
        const CALL: &str = "dynamodb:DeleteItem";
        self.step(CALL, &lease.route, |state| {
            let count = commit.groups.len() + commit.entries.len();
            if count > DeliveryCommit::MAX_ITEMS {
                return Err(PortError::new(
                    ErrorKind::Invalid,
                    CALL,
                    format!("{count} items at once"),
                ));
            }
            let items = state.compliance.held_route(lease, CALL)?;
            items.groups.extend(
                commit
                    .groups
                    .iter()
                    .map(|group| (group.id(), group.clone())),
            );
            items.digests.extend(
                commit
                    .digest
                    .iter()
                    .map(|digest| (digest.id.clone(), digest.clone())),
            );
            for entry in &commit.entries {
                items.entries.remove(&entry.id());
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl NotificationLog for Run {
    async fn notified_at(&self, notice: &str) -> Result<Option<Timestamp>, PortError> {
        self.step("dynamodb:GetItem", notice, |state| {
            Ok(state.compliance.said.get(notice).copied())
        })
        .await
    }

    async fn save_notified(&self, notice: &str, now: Timestamp) -> Result<(), PortError> {
        self.step("dynamodb:PutItem", notice, |state| {
            state.compliance.said.insert(notice.to_owned(), now);
            Ok(())
        })
        .await
    }
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

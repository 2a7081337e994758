//! Sends notices: to Slack where that is configured, owners directly where they can be, else, or if
//! Slack fails, to SNS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::SecretArn;
use banto_domain::policy::{NoticePolicy, SlackPolicy};
use banto_ports::{Chat, Clock, Delayed, ErrorKind, PortError, Queue, Secrets, Topics, Webhooks};
use tokio::sync::Mutex;

use crate::direct_messages::DirectMessages;
use crate::sending::{ChannelState, Retry, Sender, Undelivered};
use crate::text::joined;
use crate::{Audience, Notice, QueueMessage, SecretCache, slack, sns};

/// A daily run may have hundreds of notices and has 15 minutes: with three attempts and 3 s of
/// pauses a notice can't hold up the others for long, and a Slack that wants to be left alone for
/// more than 10 s leaves it to SNS.
const RETRY: Retry = Retry {
    attempts: 3,
    first_pause: Duration::from_secs(1),
    longest_pause: Duration::from_secs(10),
};
/// Slack may take 10 s, SNS's call after it 25 s with all its attempts, and so may the caller's,
/// who then records that the notice was sent.
const ATTEMPT: Duration = Duration::from_secs(60);
/// A direct message takes two calls of Slack: who the member is, and the message.
const DIRECT_ATTEMPT: Duration = Duration::from_secs(70);

/// Sends notices; made once.
pub struct NoticeSender {
    secrets: Arc<SecretCache>,
    webhooks: Arc<dyn Webhooks>,
    topics: Arc<dyn Topics>,
    policy: NoticePolicy,
    queue: Option<Arc<dyn Queue>>,
    /// The way to owners themselves, where the policy has a bot token.
    direct: Option<DirectMessages>,
    clock: Arc<dyn Clock>,
    /// The channels that this process has sent to, by the secret that holds the webhook. One notice
    /// is sent at a time.
    channels: Mutex<BTreeMap<SecretArn, ChannelState>>,
}

/// The integration that accepted a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveredBy {
    /// To a person in Slack: the one way of which it is known whom it reached.
    DirectMessage {
        /// The person's member id.
        member: String,
    },
    /// To a channel in Slack.
    Slack,
    /// To notify-compliance's queue: it is told at least once from now on, or a dead letter.
    Queue,
    /// To SNS.
    Topic {
        /// The reasons why not to Slack, where that is configured.
        because: Option<String>,
    },
}

impl DeliveredBy {
    /// True if a person has the notice before them. Nobody knows who reads a channel or a topic,
    /// and any proxy can say `ok` for a webhook.
    pub fn is_evidence(&self) -> bool {
        matches!(self, Self::DirectMessage { .. })
    }
}

/// A notice that reached nobody.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Only SNS is configured, and it failed.
    #[error("nobody could be told: {0}")]
    Topic(#[source] PortError),
    /// Every way failed.
    #[error("nobody could be told: {slack}; then {topic}")]
    Both {
        /// Slack's last failure.
        slack: PortError,
        /// SNS's failure.
        topic: PortError,
    },
}

impl NoticeSender {
    /// A sender on these ways.
    pub fn new(
        secrets: Arc<dyn Secrets>,
        webhooks: Arc<dyn Webhooks>,
        topics: Arc<dyn Topics>,
        policy: NoticePolicy,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let secrets = Arc::new(SecretCache::new(secrets));
        Self {
            secrets,
            webhooks,
            topics,
            policy,
            queue: None,
            direct: None,
            clock,
            channels: Mutex::default(),
        }
    }

    /// The same, with what operators are told going through notify-compliance's queue. What owners
    /// of keys are told never does: a key is touched only when its owner's notice was accepted by
    /// Slack or SNS.
    pub fn through(self, queue: Option<Arc<dyn Queue>>) -> Self {
        Self { queue, ..self }
    }

    /// The same, with owners written to directly where the policy has a bot token.
    pub fn writing_by(self, chat: Arc<dyn Chat>) -> Self {
        let token = self
            .policy
            .slack
            .as_ref()
            .and_then(|policy| policy.token.clone());
        let direct = token.map(|token| {
            let (secrets, clock) = (Arc::clone(&self.secrets), Arc::clone(&self.clock));
            DirectMessages::new(chat, token, secrets, clock)
        });
        Self { direct, ..self }
    }

    /// Sends a notice: through the queue where that is meant for it, else to the owner in Slack,
    /// else to their channel, else to SNS. Success means that one of them accepted it. With less
    /// than 70 s left no direct message is tried any more, and with less than 60 s no channel.
    ///
    /// # Errors
    /// If none did; the error names why each did not, without a URL.
    pub async fn send(
        &self,
        notice: &Notice,
        time_left: Duration,
    ) -> Result<DeliveredBy, SendError> {
        if self.was_queued(notice).await {
            return Ok(DeliveredBy::Queue);
        }
        let mut delivery = Delivery::new(self, notice, time_left);
        if let Some(member) = slack::member(&notice.audience)
            && let Some(way) = delivery.write_to_member(member).await
        {
            return Ok(way);
        }
        if let Some(policy) = &self.policy.slack
            && let Some(way) = delivery
                .post_to_channel(webhook(policy, &notice.audience))
                .await
        {
            return Ok(way);
        }
        delivery.publish().await
    }

    /// Sends a notice to every address that is known: to the owner whom the tag names and to the
    /// other member, to the owners' channel and to that of the tag, and to SNS. Whoever holds a
    /// stolen key may change the tag, so that news of such a change must not depend on it.
    ///
    /// Success means that one of them accepted it, besides the member whom the tag names: that may
    /// be the thief. The answer is the strongest, and of two members the other one. A call that is
    /// repeated sends everything again.
    ///
    /// # Errors
    /// As for [`Self::send`].
    pub async fn send_everywhere(
        &self,
        notice: &Notice,
        also: Option<&str>,
        time_left: Duration,
    ) -> Result<DeliveredBy, SendError> {
        let mut delivery = Delivery::new(self, notice, time_left);
        let mut strongest = match also {
            Some(member) => delivery.write_to_member(member).await,
            None => None,
        };
        let tagged = match slack::member(&notice.audience).filter(|tagged| Some(*tagged) != also) {
            Some(member) => delivery.write_to_member(member).await,
            None => None,
        };
        for channel in self.channels_of(&notice.audience) {
            let way = delivery.post_to_channel(channel).await;
            strongest = strongest.or(way);
        }
        let by_topic = delivery.publish().await;
        if let Err(error) = &by_topic
            && strongest.is_some()
        {
            tracing::warn!(notice.id, %error, "notice accepted by Slack alone");
        }
        let besides = match strongest {
            Some(way) => way,
            None => by_topic?,
        };
        match (&besides, tagged) {
            (DeliveredBy::DirectMessage { .. }, _) | (_, None) => Ok(besides),
            (_, Some(tagged)) => Ok(tagged),
        }
    }

    /// The webhooks of every channel that the audience may read.
    fn channels_of(&self, audience: &Audience) -> Vec<&SecretArn> {
        let Some(policy) = &self.policy.slack else {
            return Vec::new();
        };
        let chosen = webhook(policy, audience);
        let usual = match audience {
            Audience::Operators | Audience::Route(_) => &policy.operators,
            Audience::Owner { .. } => &policy.owners,
        };
        let mut channels = vec![usual];
        channels.extend(Some(chosen).filter(|chosen| *chosen != usual));
        channels
    }

    /// True if notify-compliance's queue took the notice. A queue that is away, or a notice that is
    /// too large for it, is no reason to be silent: it is then sent directly.
    async fn was_queued(&self, notice: &Notice) -> bool {
        let Some(queue) = &self.queue else {
            return false;
        };
        if notice.audience != Audience::Operators {
            return false;
        }
        let message = QueueMessage::RelayNotice {
            notice: Box::new(notice.clone()),
        };
        let message = Delayed {
            body: message.body(),
            delay: Duration::ZERO,
            group: message.group().map(str::to_owned),
        };
        match queue.send(&[message]).await {
            Ok(()) => {
                tracing::info!(notice.id, "notice put into notify-compliance's queue");
                true
            }
            Err(error) => {
                tracing::warn!(notice.id, %error, "notice is sent directly, since the queue did not take it");
                false
            }
        }
    }

    async fn to_slack(
        &self,
        secret: &SecretArn,
        notice: &Notice,
        sender: Sender<'_>,
    ) -> Result<(), Undelivered> {
        let mut channels = self.channels.lock().await;
        let channel = channels.entry(secret.clone()).or_default();
        sender
            .send(channel, async || self.post(secret, notice).await)
            .await
    }

    async fn post(&self, secret: &SecretArn, notice: &Notice) -> Result<(), PortError> {
        let url = self.secrets.value(secret).await?;
        let posted = self
            .webhooks
            .post(&url, slack::message(notice).to_string())
            .await;
        self.secrets.forget_refused(secret, &posted).await;
        posted
    }
}

/// One notice on its way, and what stood in it so far.
struct Delivery<'a> {
    notice_sender: &'a NoticeSender,
    notice: &'a Notice,
    /// The sender of direct messages, and that of messages in channels. Both have one deadline.
    direct: Sender<'a>,
    channels: Sender<'a>,
    /// Slack's refusals, the first first.
    refusals: Vec<PortError>,
}

impl<'a> Delivery<'a> {
    fn new(notice_sender: &'a NoticeSender, notice: &'a Notice, time_left: Duration) -> Self {
        let clock = notice_sender.clock.as_ref();
        Self {
            notice_sender,
            notice,
            direct: Sender::new(clock, RETRY, DIRECT_ATTEMPT, time_left),
            channels: Sender::new(clock, RETRY, ATTEMPT, time_left),
            refusals: Vec::new(),
        }
    }

    /// Writes to a member, where there is a bot that can.
    async fn write_to_member(&mut self, member: &str) -> Option<DeliveredBy> {
        let direct = self.notice_sender.direct.as_ref()?;
        let sent = direct.send(member, self.notice, self.direct).await;
        let error = match sent {
            Ok(Ok(())) => {
                tracing::info!(
                    self.notice.id,
                    member,
                    "notice accepted by Slack for a member"
                );
                return Some(DeliveredBy::DirectMessage {
                    member: member.to_owned(),
                });
            }
            Ok(Err(error)) => error,
            Err(undelivered) => reason(undelivered, "slack:chat.postMessage"),
        };
        tracing::warn!(self.notice.id, member, %error, "no direct message; the notice goes elsewhere");
        self.refusals.push(error);
        None
    }

    /// Posts to the channel of a webhook.
    async fn post_to_channel(&mut self, webhook: &SecretArn) -> Option<DeliveredBy> {
        let sent = self
            .notice_sender
            .to_slack(webhook, self.notice, self.channels)
            .await;
        match sent {
            Ok(()) => {
                tracing::info!(self.notice.id, "notice accepted by Slack");
                Some(DeliveredBy::Slack)
            }
            Err(undelivered) => {
                self.refusals.push(reason(undelivered, "slack:post"));
                None
            }
        }
    }

    /// Publishes to the audience's topic.
    async fn publish(mut self) -> Result<DeliveredBy, SendError> {
        let policy = &self.notice_sender.policy;
        let topic = match self.notice.audience {
            Audience::Operators | Audience::Route(_) => &policy.operators_topic,
            Audience::Owner { .. } => &policy.owners_topic,
        };
        let message = sns::message(self.notice);
        match self.notice_sender.topics.publish(topic, &message).await {
            Ok(()) => {
                let because = self.because();
                tracing::info!(
                    self.notice.id,
                    slack.error = because,
                    "notice accepted by SNS"
                );
                Ok(DeliveredBy::Topic { because })
            }
            Err(topic) => match self.refusals.pop() {
                Some(slack) => Err(SendError::Both { slack, topic }),
                None => Err(SendError::Topic(topic)),
            },
        }
    }

    fn because(&self) -> Option<String> {
        let refusals = &self.refusals;
        (!refusals.is_empty()).then(|| joined(refusals, "; then "))
    }
}

/// The reason that Slack did not get a notice by this call.
fn reason(undelivered: Undelivered, call: &'static str) -> PortError {
    match undelivered {
        Undelivered::Failed(error)
        | Undelivered::Later {
            error: Some(error), ..
        } => error,
        Undelivered::Later { after, error: None } => {
            let waits = format!(
                "the channel's turn, in {} s, comes too late for this run",
                after.as_secs()
            );
            PortError::new(ErrorKind::Throttled, call, waits)
        }
        Undelivered::BreakerOpen => PortError::new(
            ErrorKind::Unavailable,
            call,
            "the channel failed again and again, and is tried later",
        ),
    }
}

/// The webhook of the channel that the audience reads.
fn webhook<'a>(policy: &'a SlackPolicy, audience: &Audience) -> &'a SecretArn {
    match audience {
        Audience::Operators | Audience::Route(_) => &policy.operators,
        Audience::Owner { .. } => slack::channel(audience)
            .and_then(|name| policy.channels.get(name))
            .unwrap_or(&policy.owners),
    }
}

impl std::fmt::Debug for NoticeSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NoticeSender")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

//! Sends notices: to Slack where that is configured, else, or if Slack fails, to SNS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::SecretArn;
use banto_domain::policy::{NoticePolicy, SlackPolicy};
use banto_ports::{Clock, Delayed, ErrorKind, PortError, Queue, Secrets, Topics, Webhooks};
use tokio::sync::Mutex;

use crate::sending::{ChannelState, Retry, Sender, Undelivered};
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

/// Sends notices; made once.
pub struct NoticeSender {
    secrets: SecretCache,
    webhooks: Arc<dyn Webhooks>,
    topics: Arc<dyn Topics>,
    policy: NoticePolicy,
    queue: Option<Arc<dyn Queue>>,
    clock: Arc<dyn Clock>,
    /// The channels that this process has sent to, by the secret that holds the webhook. One notice
    /// is sent at a time.
    channels: Mutex<BTreeMap<SecretArn, ChannelState>>,
}

/// The integration that accepted a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveredBy {
    /// To Slack.
    Slack,
    /// To notify-compliance's queue: it is told at least once from now on, or a dead letter.
    Queue,
    /// To SNS.
    Topic {
        /// Why not to Slack, where that is configured.
        because: Option<String>,
    },
}

/// A notice that reached nobody.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Only SNS is configured, and it failed.
    #[error("nobody could be told: {0}")]
    Topic(#[source] PortError),
    /// Both ways failed.
    #[error("nobody could be told: {slack}; then {topic}")]
    Both {
        /// Slack's failure.
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
        let secrets = SecretCache::new(secrets);
        Self {
            secrets,
            webhooks,
            topics,
            policy,
            queue: None,
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

    /// Sends a notice: through the queue where that is meant for it, else to Slack, else to SNS.
    /// Success means that one of them accepted it. With less than 60 s left, Slack is not tried any
    /// more.
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
        let slack_error = match &self.policy.slack {
            None => None,
            Some(policy) => {
                let sender = Sender::new(self.clock.as_ref(), RETRY, ATTEMPT, time_left);
                match self.to_slack(policy, notice, sender).await {
                    Ok(()) => {
                        tracing::info!(notice.id, "notice accepted by Slack");
                        return Ok(DeliveredBy::Slack);
                    }
                    Err(error) => Some(error),
                }
            }
        };
        let topic = match notice.audience {
            Audience::Operators | Audience::Route(_) => &self.policy.operators_topic,
            Audience::Owner { .. } => &self.policy.owners_topic,
        };
        let published = self.topics.publish(topic, &sns::message(notice)).await;
        match (published, slack_error) {
            (Ok(()), slack_error) => {
                let because = slack_error.map(|error| error.to_string());
                tracing::info!(notice.id, slack.error = because, "notice accepted by SNS");
                Ok(DeliveredBy::Topic { because })
            }
            (Err(topic), Some(slack)) => Err(SendError::Both { slack, topic }),
            (Err(topic), None) => Err(SendError::Topic(topic)),
        }
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
        policy: &SlackPolicy,
        notice: &Notice,
        sender: Sender<'_>,
    ) -> Result<(), PortError> {
        let secret = webhook(policy, &notice.audience);
        let mut channels = self.channels.lock().await;
        let channel = channels.entry(secret.clone()).or_default();
        sender
            .send(channel, async || self.post(secret, notice).await)
            .await
            .map_err(reason)
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

/// The reason that Slack did not get a notice.
fn reason(undelivered: Undelivered) -> PortError {
    const CALL: &str = "slack:post";
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
            PortError::new(ErrorKind::Throttled, CALL, waits)
        }
        Undelivered::BreakerOpen => PortError::new(
            ErrorKind::Unavailable,
            CALL,
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

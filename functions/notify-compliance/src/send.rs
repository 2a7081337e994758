//! Sends one letter on its route: the channel's pace, further attempts and the breaker are `banto_notice::sending`'s;
//! a lost post is searched for, and SNS takes what the route does not take.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::SecretArn;
use banto_domain::compliance::{MessageRef, RouteState};
use banto_domain::policy::compliance::{Destination, Route};
use banto_lambda::Invocation;
use banto_notice::sending::{Breaker, ChannelState, RateLimiter, Retry, Sender, Undelivered};
use banto_notice::{KeptSecrets, Notice, mail, slack, sns};
use banto_ports::{Chat, Clock, ErrorKind, Mailer, PortError, Topics, Webhooks};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

use crate::letters::{Letter, Place};

/// Four attempts take 14 s of pauses: a short outage of Slack's passes, and one that lasts costs a run little time.
/// A longer pause than 30 s is waited for on the queue, which costs nothing.
const RETRY: Retry = Retry {
    attempts: 4,
    first_pause: Duration::from_secs(2),
    longest_pause: Duration::from_secs(30),
};
/// The time of a call of AWS's SDK with all its attempts; one of Slack's takes less.
const ATTEMPT: Duration = Duration::from_secs(25);

/// The ways to people.
pub struct RouteSender {
    /// Slack by the bot token.
    pub chat: Arc<dyn Chat>,
    /// Slack by incoming webhooks.
    pub webhooks: Arc<dyn Webhooks>,
    /// SNS.
    pub topics: Arc<dyn Topics>,
    /// Mail.
    pub mailer: Arc<dyn Mailer>,
    /// The token and the webhooks' URLs.
    pub secrets: KeptSecrets,
    /// The secret that holds the bot token.
    pub token: Option<SecretArn>,
    /// Who mails are from.
    pub mail_from: Option<String>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// A message that reached people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The message, where it can be changed later.
    pub(crate) message: Option<MessageRef>,
    /// Whether the fall-back took it.
    pub(crate) fell_back: bool,
}

/// A message that did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// It is to be tried again after this time.
    Later(SignedDuration),
    /// Neither the way nor the fall-back took it.
    Failed(PortError),
}

impl RouteSender {
    /// Sends a letter. `posted` is its message where a run that ended had sent it already: it is corrected, since
    /// more may have come to be told meanwhile.
    pub(crate) async fn send(
        &self,
        letter: &Letter,
        route: &Route,
        lane: &mut RouteState,
        posted: Option<MessageRef>,
        invocation: &Invocation,
    ) -> Result<Sent, Unsent> {
        if let Some(message) = posted
            && self
                .update(&message, &slack::message(&letter.notice))
                .await
                .is_ok()
        {
            return Ok(Sent {
                message: Some(message),
                fell_back: false,
            });
        }
        let mut channel = channel(lane);
        let begun = self.clock.now();
        let sender = self.sender(invocation);
        let sent = sender
            .send(&mut channel, async || {
                self.attempt(letter, route, begun).await
            })
            .await;
        keep(&channel, lane);
        match sent {
            Ok(message) => Ok(Sent {
                message,
                fell_back: false,
            }),
            Err(Undelivered::Later { after, .. }) => Err(Unsent::Later(
                SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX),
            )),
            Err(Undelivered::BreakerOpen) => {
                self.fall_back(
                    letter,
                    route,
                    "it failed again and again, and is tried later",
                )
                .await
            }
            Err(Undelivered::Failed(error)) => {
                tracing::warn!(route = route.name, %error, "a message was not taken");
                if channel.breaker.is_open(self.clock.now()) {
                    tracing::error!(
                        route = route.name,
                        "the route is broken; the fall-back takes its messages for ten minutes"
                    );
                }
                self.fall_back(letter, route, &error.to_string()).await
            }
        }
    }

    fn sender(&self, invocation: &Invocation) -> Sender<'_> {
        Sender::new(self.clock.as_ref(), RETRY, ATTEMPT, invocation.remaining())
    }

    /// Tries once. If the answer was lost, the message may have been posted, and is searched for.
    async fn attempt(
        &self,
        letter: &Letter,
        route: &Route,
        begun: Timestamp,
    ) -> Result<Option<MessageRef>, PortError> {
        let error = match self.try_once(letter, route).await {
            Ok(message) => return Ok(message),
            Err(error) => error,
        };
        if error.kind == ErrorKind::Unavailable
            && let Some(message) = self.find(&letter.id, &letter.place, route, begun).await
        {
            return Ok(Some(message));
        }
        Err(error)
    }

    async fn try_once(
        &self,
        letter: &Letter,
        route: &Route,
    ) -> Result<Option<MessageRef>, PortError> {
        match &route.to {
            Destination::Channel(channel) => {
                let body = addressed(slack::message(&letter.notice), channel, &letter.place);
                self.post(&letter.id, &body).await.map(Some)
            }
            Destination::Webhook(secret) => {
                let url = self.secrets.value(secret).await?;
                let posted = self
                    .webhooks
                    .post(&url, slack::message(&letter.notice).to_string())
                    .await;
                self.secrets.forget_refused(secret, &posted).await;
                posted.map(|()| None)
            }
            Destination::Topic(topic) => self
                .topics
                .publish(topic, &sns::message(&letter.notice))
                .await
                .map(|()| None),
            Destination::Mail(to) => {
                let from = self.mail_from.as_deref().unwrap_or_default();
                self.mailer
                    .send(&mail::message(&letter.notice, from, to))
                    .await
                    .map(|()| None)
            }
        }
    }

    async fn post(&self, id: &str, body: &Value) -> Result<MessageRef, PortError> {
        let (secret, token) = self.token().await?;
        let posted = self.chat.post(&token, id, body).await;
        self.secrets.forget_refused(secret, &posted).await;
        posted
    }

    async fn update(&self, message: &MessageRef, body: &Value) -> Result<(), PortError> {
        let (_, token) = self.token().await?;
        self.chat.update(&token, message, body).await
    }

    async fn token(&self) -> Result<(&SecretArn, SecretString), PortError> {
        let lacking = || {
            PortError::new(
                ErrorKind::Invalid,
                "slack:chat.postMessage",
                "the policy has no `slack_token`",
            )
        };
        let secret = self.token.as_ref().ok_or_else(lacking)?;
        Ok((secret, self.secrets.value(secret).await?))
    }

    /// A message that carries a letter's id, since then. That Slack can't be asked is no reason to wait: the
    /// letter is sent again, and carries the same id.
    pub(crate) async fn find(
        &self,
        id: &str,
        place: &Place,
        route: &Route,
        since: Timestamp,
    ) -> Option<MessageRef> {
        let Destination::Channel(channel) = &route.to else {
            return None;
        };
        let (_, token) = self.token().await.ok()?;
        // Slack's clock is not ours.
        let since = since
            .checked_sub(SignedDuration::from_secs(60))
            .unwrap_or(since);
        match self
            .chat
            .find(&token, channel, place.thread(), id, since)
            .await
        {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(route = route.name, %error, "it can't be seen whether a message was posted before");
                None
            }
        }
    }

    /// Corrects a message. What it says was told already, so that a failure costs its looks only.
    pub(crate) async fn correct(&self, message: &MessageRef, notice: &Notice) {
        let body = slack::message(notice);
        let mut corrected = self.update(message, &body).await;
        // Slack takes some 50 corrections a minute. (Slack's "Rate limits", tier 3.)
        if let Err(error) = &corrected
            && let Some(pause) = error
                .retry_after
                .filter(|pause| *pause <= RETRY.longest_pause)
        {
            self.clock.sleep(pause).await;
            corrected = self.update(message, &body).await;
        }
        if let Err(error) = corrected {
            tracing::warn!(%error, "a message could not be corrected");
        }
    }

    /// Adds the detail of a message to its thread. The message itself has told what matters, so that a failure
    /// holds nothing up.
    pub(crate) async fn add_detail(
        &self,
        id: &str,
        place: &Place,
        notice: &Notice,
        lane: &mut RouteState,
        invocation: &Invocation,
    ) {
        let Some(above) = place.thread() else { return };
        let mut channel = channel(lane);
        let posted = match self.sender(invocation).acquire(&channel.limiter).await {
            Ok(()) => self
                .post(
                    id,
                    &addressed(slack::message(notice), &above.channel, place),
                )
                .await
                .map(drop),
            Err(wait) => {
                let waits = format!("the channel's turn comes in {} s only", wait.as_secs());
                Err(PortError::new(
                    ErrorKind::Throttled,
                    "slack:chat.postMessage",
                    waits,
                ))
            }
        };
        if let Err(error) = posted {
            tracing::warn!(%error, "a thread could not be begun");
        }
        channel.limiter.sent(self.clock.now());
        keep(&channel, lane);
    }

    async fn fall_back(&self, letter: &Letter, route: &Route, why: &str) -> Result<Sent, Unsent> {
        let mut notice = letter.notice.clone();
        notice.sections.extend(
            letter
                .detail
                .iter()
                .flat_map(|detail| detail.sections.clone()),
        );
        notice.paragraphs.push(format!(
            "This was to go another way ({}), which did not take it: {why}",
            route.name
        ));
        match self
            .topics
            .publish(&route.fallback, &sns::message(&notice))
            .await
        {
            Ok(()) => Ok(Sent {
                message: None,
                fell_back: true,
            }),
            Err(error) => Err(Unsent::Failed(error)),
        }
    }
}

/// The pace and the failures of a route's channel, which are kept between two runs.
fn channel(lane: &RouteState) -> ChannelState {
    ChannelState {
        limiter: RateLimiter {
            next_at: lane.next_at,
        },
        breaker: Breaker {
            failures: lane.failures,
            open_until: lane.breaker_open_until,
        },
    }
}

fn keep(channel: &ChannelState, lane: &mut RouteState) {
    lane.next_at = channel.limiter.next_at;
    lane.failures = channel.breaker.failures;
    lane.breaker_open_until = channel.breaker.open_until;
}

/// A message with the place that it goes to.
fn addressed(mut body: Value, channel: &str, place: &Place) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.insert("channel".into(), channel.into());
        if let Place::Thread { message, broadcast } = place {
            fields.insert("channel".into(), message.channel.clone().into());
            fields.insert("thread_ts".into(), message.ts.clone().into());
            fields.insert("reply_broadcast".into(), (*broadcast).into());
        }
    }
    body
}

impl std::fmt::Debug for RouteSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteSender")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

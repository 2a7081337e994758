//! Sends one message on its route. The channel's pace, further attempts and the breaker are
//! `banto_notice::sending`'s; here a lost post is searched for, and SNS takes what the route does
//! not take.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::SecretArn;
use banto_domain::compliance::{MessageRef, RouteState, short_hash};
use banto_domain::policy::compliance::{Destination, Route};
use banto_lambda::Invocation;
use banto_notice::sending::{Breaker, ChannelState, RateLimiter, Retry, Sender, Undelivered};
use banto_notice::{Notice, SecretCache, endpoint, mail, slack, sns};
use banto_ports::{Chat, Clock, Endpoints, ErrorKind, Mailer, PortError, Topics, Webhooks};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

use super::delivery::{Haste, Target, is_channel_id};
use super::notices::{Message, fallback};

/// Four attempts take 14 s of pauses: a short outage of Slack's passes, and one that lasts costs a
/// run little time. A longer pause than 30 s is waited for on the queue, which costs nothing.
const RETRY: Retry = Retry {
    attempts: 4,
    first_pause: Duration::from_secs(2),
    longest_pause: Duration::from_secs(30),
};

/// For what is urgent: a Slack that does not answer takes 10 s for the message and 10 s to be searched
/// for it, each time, and all of it is to be told within two minutes.
const URGENT_RETRY: Retry = Retry {
    attempts: 2,
    ..RETRY
};

/// Least time in which a correction is tried again after a pause: it takes 10 s, and the run must
/// still give the route back.
const CORRECTION_TIME: Duration = Duration::from_secs(20);

/// The time of a call of AWS's SDK with all its attempts; one of Slack's takes less.
const ATTEMPT: Duration = Duration::from_secs(25);

/// Difference that Slack's clock may have to ours: a search begins so much earlier.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The ways to people.
pub struct RouteSender {
    /// Slack by the bot token.
    pub chat: Arc<dyn Chat>,
    /// Slack by incoming webhooks.
    pub webhooks: Arc<dyn Webhooks>,
    pub topics: Arc<dyn Topics>,
    pub mailer: Arc<dyn Mailer>,
    /// Addresses of anybody's, by signed JSON.
    pub endpoints: Arc<dyn Endpoints>,
    /// The token and the webhooks' URLs.
    pub secrets: SecretCache,
    /// The secret that holds the bot token.
    pub token: Option<SecretArn>,
    pub mail_from: Option<String>,
    pub clock: Arc<dyn Clock>,
}

/// A message on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) id: &'a str,
    pub(super) target: &'a Target,
    pub(super) message: &'a Message,
    pub(super) route: &'a Route,
    pub(super) haste: Haste,
}

/// A part of a message's thread.
#[derive(Debug)]
pub(super) struct DetailThread<'a> {
    id: String,
    /// The message above it; `None` by webhook, where it is a message of its own.
    above: Option<MessageRef>,
    detail: &'a Notice,
    route: &'a Route,
}

/// A message that reached people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// The message, where it can be changed later.
    pub(super) message: Option<MessageRef>,
    pub(super) fell_back: bool,
}

/// A message that did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsent {
    /// To be tried again after this time.
    Later(SignedDuration),
    /// Neither the route nor the fall-back took it.
    Failed(PortError),
}

impl<'a> Outgoing<'a> {
    /// All that the message says, as a hash.
    pub(super) fn words(&self) -> String {
        let Message {
            notice, details, ..
        } = self.message;
        let words = serde_json::to_string(&(notice, details)).unwrap_or_default();
        short_hash(&[self.id, &words])
    }

    /// What goes after the message: into its own thread, or into that which it is in; by webhook it
    /// follows the message.
    pub(super) fn detail_threads(&self, sent: &Sent) -> Vec<DetailThread<'a>> {
        let above = self.target.thread().or(sent.message.as_ref());
        let is_webhook = matches!(self.route.to, Destination::Webhook(_));
        if sent.fell_back || (above.is_none() && !is_webhook) {
            return Vec::new();
        }
        let details = self.message.details.iter().enumerate();
        details
            .map(|(number, detail)| DetailThread {
                id: format!("{}-detail-{number}", self.id),
                above: above.cloned(),
                detail,
                route: self.route,
            })
            .collect()
    }
}

impl RouteSender {
    /// Sends a message: corrects `posted`, or else sends on the channel, or else falls back.
    /// `posted` is the same message where a run that ended had sent it already: more may have come
    /// to be told meanwhile.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing<'_>,
        state: &mut RouteState,
        posted: Option<MessageRef>,
        invocation: &Invocation,
    ) -> Result<Sent, Unsent> {
        let body = slack::message(&outgoing.message.notice);
        if let Some(message) = posted
            && self.update(&message, &body).await.is_ok()
        {
            return Ok(Sent::to_route(Some(message)));
        }
        match self.send_to_destination(outgoing, state, invocation).await {
            Ok(message) => Ok(Sent::to_route(message)),
            Err(undelivered) => self.wait_or_fall_back(outgoing, undelivered).await,
        }
    }

    /// Sends at the destination's pace, which is kept in the route's state.
    async fn send_to_destination(
        &self,
        outgoing: &Outgoing<'_>,
        state: &mut RouteState,
        invocation: &Invocation,
    ) -> Result<Option<MessageRef>, Undelivered> {
        let mut channel = channel(state);
        let begun_at = self.clock.now();
        let sent = self
            .sender(outgoing.haste, invocation)
            .send(&mut channel, async || {
                self.attempt(outgoing, begun_at).await
            })
            .await;
        keep_pace(&channel, state);
        if let Err(Undelivered::Failed(error)) = &sent {
            self.log_failure(outgoing.route, &channel, error);
        }
        sent
    }

    async fn wait_or_fall_back(
        &self,
        outgoing: &Outgoing<'_>,
        undelivered: Undelivered,
    ) -> Result<Sent, Unsent> {
        match undelivered {
            Undelivered::Later {
                error: Some(error), ..
            } if outgoing.haste.is_overdue => self.fall_back(outgoing, &error.to_string()).await,
            Undelivered::Later { after, .. } => Err(Unsent::Later(
                SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX),
            )),
            Undelivered::BreakerOpen => self.fall_back(outgoing, fallback::BREAKER_IS_OPEN).await,
            Undelivered::Failed(error) => self.fall_back(outgoing, &error.to_string()).await,
        }
    }

    fn sender(&self, haste: Haste, invocation: &Invocation) -> Sender<'_> {
        let retry = if haste.is_urgent { URGENT_RETRY } else { RETRY };
        Sender::new(self.clock.as_ref(), retry, ATTEMPT, invocation.remaining())
    }

    fn log_failure(&self, route: &Route, channel: &ChannelState, error: &PortError) {
        tracing::warn!(route.name = route.name, %error, "message was not taken by its route");
        if channel.breaker.is_open(self.clock.now()) {
            tracing::error!(
                route.name = route.name,
                "route is broken; the fall-back takes its messages for ten minutes"
            );
        }
    }

    /// Tries once. If the answer was lost, the message may have been posted, and is searched for.
    async fn attempt(
        &self,
        outgoing: &Outgoing<'_>,
        begun_at: Timestamp,
    ) -> Result<Option<MessageRef>, PortError> {
        let error = match self.try_once(outgoing).await {
            Ok(message) => return Ok(message),
            Err(error) => error,
        };
        if error.kind == ErrorKind::Unavailable
            && let Some(message) = self.find(outgoing, begun_at).await
        {
            return Ok(Some(message));
        }
        Err(error)
    }

    async fn try_once(&self, outgoing: &Outgoing<'_>) -> Result<Option<MessageRef>, PortError> {
        let notice = &outgoing.message.notice;
        let known_by_words = &known_by_words(outgoing.id, notice);
        match &outgoing.route.to {
            Destination::Channel(channel) => {
                let body = addressed(slack::message(notice), channel, outgoing.target);
                return self.post(outgoing.id, &body).await.map(Some);
            }
            Destination::Webhook(secret) => self.post_to_webhook(secret, notice).await?,
            Destination::Topic(topic) => {
                let message = sns::message(known_by_words);
                self.topics.publish(topic, &message).await?;
            }
            Destination::Mail(to) => {
                let from = self.mail_from.as_deref().unwrap_or_default();
                self.mailer.send(&mail::message(notice, from, to)).await?;
            }
            Destination::Endpoint(secret) => {
                self.post_to_endpoint(secret, known_by_words).await?;
            }
            Destination::ChannelOf(_) => return Err(no_channel()),
        }
        Ok(None)
    }

    async fn post_to_webhook(&self, secret: &SecretArn, notice: &Notice) -> Result<(), PortError> {
        let url = self.secrets.value(secret).await?;
        let body = slack::message(notice).to_string();
        let posted = self.webhooks.post(&url, body).await;
        self.secrets.forget_refused(secret, &posted).await;
        posted
    }

    async fn post_to_endpoint(&self, secret: &SecretArn, notice: &Notice) -> Result<(), PortError> {
        let value = self.secrets.whole(secret).await?;
        let body = endpoint::message(notice);
        let posted = self.endpoints.post(&value, &notice.id, body).await;
        self.secrets.forget_refused(secret, &posted).await;
        posted
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
        let Some(secret) = &self.token else {
            return Err(PortError::new(
                ErrorKind::Invalid,
                "slack:chat.postMessage",
                "the policy has no `slack_token`",
            ));
        };
        Ok((secret, self.secrets.value(secret).await?))
    }

    /// Searches for a message by its id.
    pub(super) async fn find(
        &self,
        outgoing: &Outgoing<'_>,
        since: Timestamp,
    ) -> Option<MessageRef> {
        let thread = outgoing.target.thread();
        self.find_by_id(outgoing.id, thread, outgoing.route, since)
            .await
    }

    /// Searches for the details of a message by their id.
    pub(super) async fn has_detail(&self, thread: &DetailThread<'_>, since: Timestamp) -> bool {
        let above = thread.above.as_ref();
        let found = self
            .find_by_id(&thread.id, above, thread.route, since)
            .await;
        found.is_some()
    }

    /// That Slack can't be asked is no reason to wait: the message is sent again, and carries the
    /// same id.
    async fn find_by_id(
        &self,
        id: &str,
        thread: Option<&MessageRef>,
        route: &Route,
        since: Timestamp,
    ) -> Option<MessageRef> {
        let Destination::Channel(channel) = &route.to else {
            return None;
        };
        // Slack searches a channel by its id alone, which a message in it tells.
        let channel = thread.map_or(channel, |message| &message.channel);
        if !is_channel_id(channel) {
            return None;
        }
        let (_, token) = self.token().await.ok()?;
        let since = since.checked_sub(CLOCK_SKEW).unwrap_or(since);
        match self.chat.find(&token, channel, thread, id, since).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(route.name = route.name, %error, "channel could not be searched for a message posted before");
                None
            }
        }
    }

    /// Corrects a message. What it says was told already, so that a failure costs its looks only.
    pub(super) async fn correct(
        &self,
        route: &Route,
        message: &MessageRef,
        notice: &Notice,
        invocation: &Invocation,
    ) {
        let body = slack::message(notice);
        let mut corrected = self.update(message, &body).await;
        // Slack takes some 50 corrections a minute. (Slack's "Rate limits", tier 3.)
        if let Err(error) = &corrected
            && let Some(pause) = error.retry_after
            && pause <= RETRY.longest_pause
            && invocation.has_time_for(pause + CORRECTION_TIME)
        {
            self.clock.sleep(pause).await;
            corrected = self.update(message, &body).await;
        }
        if let Err(error) = corrected {
            tracing::warn!(route.name = route.name, notice.id = notice.id, %error, "message could not be corrected");
        }
    }

    /// Adds the details of a message to its thread.
    pub(super) async fn add_detail(
        &self,
        thread: &DetailThread<'_>,
        state: &mut RouteState,
        invocation: &Invocation,
    ) -> Result<(), PortError> {
        let mut channel = channel(state);
        let added = self.try_detail(thread, &channel, invocation).await;
        if let Err(error) = &added {
            tracing::warn!(route.name = thread.route.name, %error, "details were not taken");
        }
        channel.limiter.sent(self.clock.now());
        keep_pace(&channel, state);
        added
    }

    /// Sends the details of a message that its route did take to the fall-back.
    pub(super) async fn fall_back_with_detail(
        &self,
        thread: &DetailThread<'_>,
        why: &PortError,
    ) -> Result<(), Unsent> {
        let DetailThread { detail, route, .. } = thread;
        let notice = fallback::notice(detail, &[], route, &why.to_string());
        let notice = known_by_words(&thread.id, &notice);
        let message = sns::message(&notice);
        let published = self.topics.publish(&route.fallback, &message).await;
        published.map_err(Unsent::Failed)
    }

    async fn try_detail(
        &self,
        thread: &DetailThread<'_>,
        channel: &ChannelState,
        invocation: &Invocation,
    ) -> Result<(), PortError> {
        let sender = self.sender(Haste::default(), invocation);
        if let Err(wait) = sender.acquire(&channel.limiter).await {
            let wait = format!("the channel's turn comes in {} s only", wait.as_secs());
            return Err(PortError::new(
                ErrorKind::Throttled,
                "slack:chat.postMessage",
                wait,
            ));
        }
        let Some(above) = &thread.above else {
            return match &thread.route.to {
                Destination::Webhook(secret) => self.post_to_webhook(secret, thread.detail).await,
                _ => Err(no_channel()),
            };
        };
        let target = Target::Thread {
            message: above.clone(),
            broadcast: false,
        };
        let body = slack::message(thread.detail);
        let body = addressed(body, &above.channel, &target);
        self.post(&thread.id, &body).await.map(drop)
    }

    async fn fall_back(&self, outgoing: &Outgoing<'_>, why: &str) -> Result<Sent, Unsent> {
        let Outgoing { message, route, .. } = outgoing;
        let notice = fallback::notice(&message.notice, &message.details, route, why);
        let message = sns::message(&known_by_words(outgoing.id, &notice));
        match self.topics.publish(&route.fallback, &message).await {
            Ok(()) => Ok(Sent {
                message: None,
                fell_back: true,
            }),
            Err(error) => Err(Unsent::Failed(error)),
        }
    }
}

impl Sent {
    fn to_route(message: Option<MessageRef>) -> Self {
        Self {
            message,
            fell_back: false,
        }
    }
}

/// The notice under an id that tells what it says from all else, for receivers that know a message by
/// its id: what a run that ended had sent may say less than what is sent anew.
fn known_by_words(id: &str, notice: &Notice) -> Notice {
    let words = serde_json::to_string(notice).unwrap_or_default();
    Notice {
        id: format!("{}:{}", notice.id, short_hash(&[id, &words])),
        ..notice.clone()
    }
}

/// A route whose channel is named by tags is known by its channel before anything is sent there.
fn no_channel() -> PortError {
    PortError::new(
        ErrorKind::Invalid,
        "slack:chat.postMessage",
        "the route has no channel of its own",
    )
}

/// The pace and the failures of a route's channel, which outlive a run.
fn channel(state: &RouteState) -> ChannelState {
    ChannelState {
        limiter: RateLimiter {
            next_at: state.next_at,
        },
        breaker: Breaker {
            failures: state.failures,
            open_until: state.breaker_open_until,
        },
    }
}

/// Keeps the channel's pace and failures in the route's state, which is saved before the next
/// message and at the end.
fn keep_pace(channel: &ChannelState, state: &mut RouteState) {
    state.next_at = channel.limiter.next_at;
    state.failures = channel.breaker.failures;
    state.breaker_open_until = channel.breaker.open_until;
}

/// A message with the channel and thread that it goes to.
fn addressed(mut body: Value, channel: &str, target: &Target) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.insert("channel".into(), channel.into());
        if let Target::Thread { message, broadcast } = target {
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

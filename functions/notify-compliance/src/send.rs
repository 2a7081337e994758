//! Sends one letter: at the channel's pace, again where that helps, and by SNS where Slack does not take it.

use std::sync::Arc;
use std::time::Duration;

use banto_domain::SecretArn;
use banto_domain::compliance::{Lane, MessageRef};
use banto_domain::policy::compliance::{Destination, Route};
use banto_notice::{KeptSecrets, Notice, mail, slack, sns};
use banto_ports::{Chat, Clock, ErrorKind, Mailer, PortError, Topics, Webhooks};
use banto_shell::Invocation;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;

use crate::letters::{Letter, Place};

/// Slack takes one message a second in a channel. (Slack's "Rate limits".)
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// How often a message is tried.
const ATTEMPTS: u32 = 4;
/// The longest pause before another try; a longer one is waited for on the queue.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a try may take: a call of AWS's SDK with all its attempts, or one of Slack's.
const TRY: Duration = Duration::from_secs(25);
/// After so many failures in a row a way is not tried for a while.
const BREAKS_AFTER: u32 = 3;
const BROKEN_FOR: SignedDuration = SignedDuration::from_mins(10);

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
        lane: &mut Lane,
        posted: Option<MessageRef>,
        invocation: &Invocation,
    ) -> Result<Sent, Unsent> {
        if let Some(message) = posted
            && self.update(&message, &slack::message(&letter.notice)).await.is_ok()
        {
            return Ok(Sent { message: Some(message), fell_back: false });
        }
        if lane.broken_until.is_some_and(|until| until > self.clock.now()) {
            return self.fall_back(letter, route, "it failed again and again, and is tried later").await;
        }
        let error = match self.try_out(letter, route, lane, invocation).await? {
            Ok(message) => {
                lane.failures = 0;
                return Ok(Sent { message, fell_back: false });
            }
            Err(error) => error,
        };
        tracing::warn!(route = route.name, %error, "a message was not taken");
        lane.failures += 1;
        if lane.failures >= BREAKS_AFTER {
            lane.failures = 0;
            lane.broken_until = Some(self.clock.now() + BROKEN_FOR);
            tracing::error!(
                route = route.name,
                "the route is broken; the fall-back takes its messages for ten minutes"
            );
        }
        self.fall_back(letter, route, &error.to_string()).await
    }

    /// Tries a few times; the last error, if no try went well.
    async fn try_out(
        &self,
        letter: &Letter,
        route: &Route,
        lane: &mut Lane,
        invocation: &Invocation,
    ) -> Result<Result<Option<MessageRef>, PortError>, Unsent> {
        let begun = self.clock.now();
        let mut attempt = 1;
        loop {
            self.turn(lane, invocation).await.map_err(Unsent::Later)?;
            let answer = self.try_once(letter, route).await;
            lane.next_at = Some(self.clock.now() + PACE);
            let error = match answer {
                Ok(message) => return Ok(Ok(message)),
                Err(error) => error,
            };
            if !matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable) {
                return Ok(Err(error));
            }
            // Perhaps it was posted, and only the answer was lost.
            if error.kind == ErrorKind::Unavailable
                && let Some(message) = self.find(&letter.id, &letter.place, route, begun).await
            {
                return Ok(Ok(Some(message)));
            }
            let pause = error.retry_after.unwrap_or(Duration::from_secs(1 << attempt));
            lane.next_at = Some(self.clock.now() + SignedDuration::try_from(pause).unwrap_or(PACE));
            // However long Slack wants to be left alone, it is.
            if attempt == ATTEMPTS && pause <= PATIENCE {
                return Ok(Err(error));
            }
            attempt += 1;
        }
    }

    /// Waits for the channel's turn; how long it would take, if that is too long.
    async fn turn(&self, lane: &Lane, invocation: &Invocation) -> Result<(), SignedDuration> {
        let wait = lane.next_at.map_or(SignedDuration::ZERO, |at| at.duration_since(self.clock.now()));
        let wait = wait.max(SignedDuration::ZERO);
        if wait.unsigned_abs() > PATIENCE || !invocation.has_time_for(wait.unsigned_abs() + TRY) {
            return Err(wait);
        }
        if !wait.is_zero() {
            self.clock.sleep(wait.unsigned_abs()).await;
        }
        Ok(())
    }

    async fn try_once(&self, letter: &Letter, route: &Route) -> Result<Option<MessageRef>, PortError> {
        match &route.to {
            Destination::Channel(channel) => {
                let body = addressed(slack::message(&letter.notice), channel, &letter.place);
                self.post(&letter.id, &body).await.map(Some)
            }
            Destination::Webhook(secret) => {
                let url = self.secrets.value(secret).await?;
                let posted = self.webhooks.post(&url, slack::message(&letter.notice).to_string()).await;
                self.forget_refused(secret, posted.as_ref().err()).await;
                posted.map(|()| None)
            }
            Destination::Topic(topic) => self.topics.publish(topic, &sns::message(&letter.notice)).await.map(|()| None),
            Destination::Mail(to) => {
                let from = self.mail_from.as_deref().unwrap_or_default();
                self.mailer.send(&mail::message(&letter.notice, from, to)).await.map(|()| None)
            }
        }
    }

    async fn post(&self, id: &str, body: &Value) -> Result<MessageRef, PortError> {
        let (secret, token) = self.token().await?;
        let posted = self.chat.post(&token, id, body).await;
        self.forget_refused(secret, posted.as_ref().err()).await;
        posted
    }

    async fn update(&self, message: &MessageRef, body: &Value) -> Result<(), PortError> {
        let (_, token) = self.token().await?;
        self.chat.update(&token, message, body).await
    }

    async fn token(&self) -> Result<(&SecretArn, SecretString), PortError> {
        let lacking =
            || PortError::new(ErrorKind::Invalid, "slack:chat.postMessage", "the policy has no `slack_token`");
        let secret = self.token.as_ref().ok_or_else(lacking)?;
        Ok((secret, self.secrets.value(secret).await?))
    }

    /// A token or webhook that was exchanged is read anew the next time.
    async fn forget_refused(&self, secret: &SecretArn, error: Option<&PortError>) {
        let is_refused = |kind| matches!(kind, ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Missing);
        if error.is_some_and(|error| is_refused(error.kind)) {
            self.secrets.forget(secret).await;
        }
    }

    /// A message that carries a letter's id, since then. That Slack can't be asked is no reason to wait: the
    /// letter is sent again, and carries the same id.
    pub(crate) async fn find(&self, id: &str, place: &Place, route: &Route, since: Timestamp) -> Option<MessageRef> {
        let Destination::Channel(channel) = &route.to else { return None };
        let (_, token) = self.token().await.ok()?;
        // Slack's clock is not ours.
        let since = since.checked_sub(SignedDuration::from_secs(60)).unwrap_or(since);
        match self.chat.find(&token, channel, place.thread(), id, since).await {
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
            && let Some(pause) = error.retry_after.filter(|pause| *pause <= PATIENCE)
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
        lane: &mut Lane,
        invocation: &Invocation,
    ) {
        let Some(above) = place.thread() else { return };
        let posted = match self.turn(lane, invocation).await {
            Ok(()) => self.post(id, &addressed(slack::message(notice), &above.channel, place)).await.map(drop),
            Err(wait) => {
                let waits = format!("the channel's turn comes in {} s only", wait.as_secs());
                Err(PortError::new(ErrorKind::Throttled, "slack:chat.postMessage", waits))
            }
        };
        if let Err(error) = posted {
            tracing::warn!(%error, "a thread could not be begun");
        }
        lane.next_at = Some(self.clock.now() + PACE);
    }

    async fn fall_back(&self, letter: &Letter, route: &Route, why: &str) -> Result<Sent, Unsent> {
        let mut notice = letter.notice.clone();
        notice.sections.extend(letter.detail.iter().flat_map(|detail| detail.sections.clone()));
        notice.paragraphs.push(format!("This was to go another way ({}), which did not take it: {why}", route.name));
        match self.topics.publish(&route.fallback, &sns::message(&notice)).await {
            Ok(()) => Ok(Sent { message: None, fell_back: true }),
            Err(error) => Err(Unsent::Failed(error)),
        }
    }
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
        f.debug_struct("RouteSender").field("token", &self.token).finish_non_exhaustive()
    }
}

//! Direct messages to members of a Slack workspace: the one way by which it is known that a notice
//! is before a person, and before whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::SecretArn;
use banto_ports::{Chat, Clock, ErrorKind, MemberState, PortError};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::sending::{ChannelState, Sender, Undelivered};
use crate::{Notice, SecretCache, slack};

/// Time for which a member who was active is taken to be so still. A daily run asks once for each
/// owner, and nobody who has left counts as reached for longer than this.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Writes to members by the bot token.
pub(crate) struct DirectMessages {
    chat: Arc<dyn Chat>,
    token: SecretArn,
    secrets: Arc<SecretCache>,
    clock: Arc<dyn Clock>,
    /// The state of all direct messages together: Slack's pauses are the bot's.
    channel: Mutex<ChannelState>,
    /// The members who were active, and when Slack said so.
    active: Mutex<BTreeMap<String, Timestamp>>,
}

/// The outcome of an attempt that Slack answered: the message is there, or this member can't have
/// it. The latter says nothing about Slack, so that nobody's wrong tag keeps messages from others.
type Answered = Result<(), PortError>;

impl DirectMessages {
    pub(crate) fn new(
        chat: Arc<dyn Chat>,
        token: SecretArn,
        secrets: Arc<SecretCache>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            chat,
            token,
            secrets,
            clock,
            channel: Mutex::default(),
            active: Mutex::default(),
        }
    }

    /// Writes to a member who is an active person. An attempt whose answer is lost is made again,
    /// so that the member may read the message twice.
    pub(crate) async fn send(
        &self,
        member: &str,
        notice: &Notice,
        sender: Sender<'_>,
    ) -> Result<Answered, Undelivered> {
        let mut channel = self.channel.lock().await;
        sender
            .send(&mut channel, async || self.attempt(member, notice).await)
            .await
    }

    async fn attempt(&self, member: &str, notice: &Notice) -> Result<Answered, PortError> {
        match self.tell(member, notice).await {
            Ok(()) => Ok(Ok(())),
            Err(error) if matches!(error.kind, ErrorKind::Missing | ErrorKind::Invalid) => {
                self.active.lock().await.remove(member);
                Ok(Err(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn tell(&self, member: &str, notice: &Notice) -> Result<(), PortError> {
        let token = self.secrets.value(&self.token).await?;
        let told = self.tell_by(&token, member, notice).await;
        // What is refused for the member's sake says nothing about the token.
        if told
            .as_ref()
            .is_err_and(|error| error.kind == ErrorKind::Denied)
        {
            self.secrets.forget_refused(&self.token, &told).await;
        }
        told
    }

    async fn tell_by(
        &self,
        token: &SecretString,
        member: &str,
        notice: &Notice,
    ) -> Result<(), PortError> {
        self.ensure_active(token, member).await?;
        let body = slack::direct_message(notice, member);
        self.chat.post(token, &notice.id, &body).await.map(drop)
    }

    /// Asks who the member is, unless that is known.
    async fn ensure_active(&self, token: &SecretString, member: &str) -> Result<(), PortError> {
        if self.is_known(member).await {
            return Ok(());
        }
        let why = match self.chat.member(token, member).await? {
            MemberState::Active => {
                let now = self.clock.now();
                self.active.lock().await.insert(member.to_owned(), now);
                return Ok(());
            }
            MemberState::Deactivated => "the member is deactivated",
            MemberState::Outside => "the member is not in the workspace",
            MemberState::Bot => "the member is no person",
        };
        Err(PortError::new(ErrorKind::Missing, "slack:users.info", why))
    }

    async fn is_known(&self, member: &str) -> bool {
        let now = self.clock.now();
        let active = self.active.lock().await;
        active
            .get(member)
            .is_some_and(|at| now.duration_since(*at) < KNOWN_FOR)
    }
}

//! The functions' own libraries, on this machine and with an operator's credentials, as each
//! function's `main.rs` wires them in Lambda.
//!
//! What differs from Lambda: the credentials are the operator's own; in the account that they are
//! of, no role is assumed unless that is asked for; a message that is worked off here is never
//! hidden in its queue; and what people are told is kept, to be shown. To look, nothing that
//! writes can be reached: AWS is [`Aws::reading_only`], and what people would be told goes nowhere.

mod notification;
mod onboarding;
mod receivers;
mod report;
mod rotation;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use banto_aws::Aws;
use banto_domain::AccountId;
use banto_domain::policy::NoticePolicy;
use banto_lambda::SystemClock;
use banto_notice::{NoticeSender, SlackWebhooks};
use banto_ports::{Clock, PortError, Received, ReceivedMessages, Topics, Webhooks};

use crate::session::Session;

pub(crate) use notification::notifier;
pub(crate) use onboarding::onboarder;
pub(crate) use receivers::{Message, Told};
pub(crate) use report::reporter;
pub(crate) use rotation::{accounts, rotator};

use receivers::Kept;

/// The means by which a function's library works here.
#[derive(Clone)]
pub(crate) struct Means {
    aws: Aws,
    /// The account that the credentials are of.
    account: AccountId,
    /// True if roles of identity accounts are assumed in any case.
    assume: bool,
    /// True if what is to be done is done.
    acts: bool,
    pub(crate) clock: Arc<dyn Clock>,
    /// What people were told, or would be.
    pub(crate) told: Told,
}

impl Means {
    /// To look only: nothing can be written, and nobody told.
    pub(crate) fn to_look(session: &Session, assume: bool) -> Result<Self> {
        Self::new(session, session.aws.reading_only(), assume, false)
    }

    /// To act as the function would.
    pub(crate) fn to_act(session: &Session, assume: bool) -> Result<Self> {
        Self::new(session, session.aws.clone(), assume, true)
    }

    fn new(session: &Session, aws: Aws, assume: bool, acts: bool) -> Result<Self> {
        Ok(Self {
            aws,
            account: session.account.clone(),
            assume,
            acts,
            clock: Arc::new(SystemClock::from_env()?),
            told: Told::default(),
        })
    }

    /// A way to people, of which all that goes over it is kept, and sent on only by who acts.
    fn kept<T: ?Sized>(&self, way: Arc<T>) -> Kept<T> {
        Kept::new(self.told.clone(), way, self.acts)
    }

    fn webhooks(&self) -> Arc<dyn Webhooks> {
        Arc::new(self.kept(Arc::new(SlackWebhooks::new(self.aws.trusted_roots()))))
    }

    fn topics(&self) -> Arc<dyn Topics> {
        Arc::new(self.kept(self.aws.topics()))
    }

    /// The sender of notices, without a way to owners themselves and without a queue.
    fn notice_sender(&self, policy: NoticePolicy) -> NoticeSender {
        NoticeSender::new(
            self.aws.secrets(),
            self.webhooks(),
            self.topics(),
            policy,
            Arc::clone(&self.clock),
        )
    }
}

/// The queue of a message that is worked off here: it is not told, since whoever replays a message
/// holds a copy of it.
struct NoQueue;

#[async_trait]
impl ReceivedMessages for NoQueue {
    async fn hide(&self, _: &Received, _: Duration) -> Result<(), PortError> {
        Ok(())
    }
}

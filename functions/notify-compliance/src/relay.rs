//! Sends the notices of other functions, each once.

use std::sync::Arc;

use banto_lambda::Invocation;
use banto_notice::{Notice, NoticeSender};
use banto_ports::{Clock, NotificationLog};
use jiff::SignedDuration;

/// Time in which a notice is not sent again. SQS keeps a message for 14 days at most, so that a
/// repeat of one message comes within it; an account that is ready twice in its life is told twice.
const DEDUPLICATE_FOR: SignedDuration = SignedDuration::from_hours(24 * 15);

/// The way to operators and to the audiences of other functions' notices.
pub struct Relay {
    pub log: Arc<dyn NotificationLog>,
    pub sender: NoticeSender,
    pub clock: Arc<dyn Clock>,
}

impl Relay {
    /// Sends a notice to its audience, unless it was sent lately.
    pub(crate) async fn relay(
        &self,
        notice: &Notice,
        invocation: &Invocation,
    ) -> anyhow::Result<()> {
        if self.was_sent_lately(notice).await? {
            return Ok(());
        }
        self.sender.send(notice, invocation.remaining()).await?;
        self.log.save_notified(&notice.id, self.clock.now()).await?;
        tracing::info!(notice.id = notice.id, "notice relayed");
        Ok(())
    }

    async fn was_sent_lately(&self, notice: &Notice) -> anyhow::Result<bool> {
        let sent_at = self.log.notified_at(&notice.id).await?;
        let now = self.clock.now();
        Ok(sent_at.is_some_and(|at| now.duration_since(at) <= DEDUPLICATE_FOR))
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}

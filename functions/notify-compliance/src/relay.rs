//! Sends the notices of other functions, each once.

use std::sync::Arc;

use banto_domain::compliance::short_hash;
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
        let happening = happening(notice);
        if self.was_sent_lately(&happening).await? {
            return Ok(());
        }
        self.sender.send(notice, invocation.remaining()).await?;
        self.log.save_notified(&happening, self.clock.now()).await?;
        tracing::info!(notice.id = notice.id, "notice relayed");
        Ok(())
    }

    async fn was_sent_lately(&self, happening: &str) -> anyhow::Result<bool> {
        let sent_at = self.log.notified_at(happening).await?;
        let now = self.clock.now();
        Ok(sent_at.is_some_and(|at| now.duration_since(at) <= DEDUPLICATE_FOR))
    }
}

/// Names what a notice tells by its id and its words, so that two happenings under one id are both
/// told.
fn happening(notice: &Notice) -> String {
    let mut words: Vec<&str> = vec![&notice.headline];
    words.extend(notice.paragraphs.iter().map(String::as_str));
    for (label, value) in &notice.facts {
        words.extend([label.as_str(), value.as_str()]);
    }
    for section in &notice.sections {
        words.push(&section.title);
        words.extend(section.lines.iter().map(String::as_str));
    }
    format!("{}#{}", notice.id, short_hash(&words))
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banto_notice::{Audience, Urgency};

    #[test]
    fn two_happenings_under_one_id_are_two_and_a_repeat_is_none() {
        let notice = |fact: &str| {
            let mut notice = Notice::new(
                "onboard-accounts:failed".into(),
                Audience::Operators,
                Urgency::Action,
                "An account could not be created".into(),
            );
            notice.facts = vec![("Reason".into(), fact.into())];
            notice
        };
        let first = happening(&notice("the address is in use"));
        assert_eq!(first, happening(&notice("the address is in use")));
        assert_ne!(first, happening(&notice("the unit is not registered")));
        assert!(first.starts_with("onboard-accounts:failed#"));
    }
}

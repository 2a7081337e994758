//! Words the messages of a plan, each once. The first line alone must be enough on a lock screen.

use banto_domain::compliance::{Compliance, MessageRef};
use banto_domain::policy::compliance::{Destination, Route};
use banto_notice::Notice;

use super::delivery::{Delivery, GroupChange, Subject, Target, latest_entries};
use super::plan::Plan;

mod detail;
mod digest;
pub mod fallback;
mod group;
mod parts;
mod reply;

/// A delivery in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub notice: Notice,
    /// The message above the thread, as it looks from now on.
    pub correction: Option<(MessageRef, Notice)>,
    /// What begins the thread beneath the message.
    pub detail: Option<Notice>,
}

impl Message {
    /// All notices that become messages.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        let correction = self.correction.as_ref().map(|(_, notice)| notice);
        std::iter::once(&self.notice)
            .chain(correction)
            .chain(&self.detail)
    }
}

/// The messages of a plan, in its order.
pub fn render(plan: &Plan, route: &Route) -> Vec<Message> {
    let deliveries = plan.deliveries.iter();
    deliveries
        .map(|delivery| render_delivery(delivery, route))
        .collect()
}

fn render_delivery(delivery: &Delivery, route: &Route) -> Message {
    let message = match &delivery.subject {
        Subject::Group(change) => render_group(change, &delivery.target, route),
        Subject::Digest {
            digest,
            changes,
            texts,
        } => {
            let counts = digest::notice(digest, texts, route);
            let details = detail::notice(&digest.id, changes, route);
            render_digest(counts, details, &delivery.target)
        }
    };
    match route.to {
        Destination::Channel(_) => message,
        Destination::Webhook(_) | Destination::Topic(_) | Destination::Mail(_) => in_one(message),
    }
}

/// In the channel the group as it is now, in a thread what changed.
fn render_group(change: &GroupChange, target: &Target, route: &Route) -> Message {
    let group = group::notice(change, route);
    if let Target::Thread { message, .. } = target {
        return Message {
            notice: reply::notice(change, route),
            correction: Some((message.clone(), group)),
            detail: None,
        };
    }
    let changes = std::slice::from_ref(change);
    Message {
        notice: group,
        correction: None,
        detail: has_hidden(change).then(|| detail::notice(&change.after.id(), changes, route)),
    }
}

/// In the channel the counts, in a thread what changed of each group.
fn render_digest(counts: Notice, details: Notice, target: &Target) -> Message {
    match target {
        Target::New => Message {
            notice: counts,
            correction: None,
            detail: Some(details),
        },
        Target::Thread { message, .. } => Message {
            notice: details,
            correction: Some((message.clone(), counts)),
            detail: None,
        },
    }
}

/// True if the message of a group leaves out a resource that was found.
fn has_hidden(change: &GroupChange) -> bool {
    latest_entries(&change.entries).into_iter().any(|entry| {
        entry.compliance == Compliance::Noncompliant && change.after.shown(&entry.key).is_none()
    })
}

/// Without threads, all there is to say is in the message.
fn in_one(mut message: Message) -> Message {
    if let Some(detail) = message.detail.take() {
        message.notice.sections.extend(detail.sections);
    }
    message
}

//! Words the messages of a plan, each once. The first line alone must be enough on a lock screen.

use banto_domain::compliance::MessageRef;
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::{Destination, Route};
use banto_notice::Notice;

use super::delivery::{Delivery, GroupChange, Subject, Target, latest_entries};
use super::plan::Plan;
use context::Context;

mod context;
mod detail;
mod digest;
pub mod fallback;
mod group;
pub(super) mod links;
pub(super) mod parts;
mod reply;

/// A delivery in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub notice: Notice,
    /// The message above the thread, as it looks from now on.
    pub correction: Option<(MessageRef, Notice)>,
    /// What follows in the thread.
    pub details: Vec<Notice>,
}

impl Message {
    /// All notices that become messages.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        let correction = self.correction.as_ref().map(|(_, notice)| notice);
        std::iter::once(&self.notice)
            .chain(correction)
            .chain(&self.details)
    }
}

/// The messages of a plan, in its order; `None` for what is not told.
pub fn render(plan: &Plan, route: &Route, policy: &CompliancePolicy) -> Vec<Option<Message>> {
    let context = Context { route, policy };
    let deliveries = plan.deliveries.iter();
    deliveries
        .map(|delivery| render_delivery(delivery, context))
        .collect()
}

fn render_delivery(delivery: &Delivery, context: Context<'_>) -> Option<Message> {
    let message = match &delivery.subject {
        Subject::Nothing => return None,
        Subject::Group(change) => render_group(change, &delivery.target, context),
        Subject::Digest(change) => {
            let counts = digest::notice(change, context);
            let details = detail::notices(change, context);
            let mut message = render_digest(counts, details, &delivery.target);
            if change.digest.lane.is_urgent() {
                message.notice = mentioning(message.notice, &change.changes);
            }
            message
        }
    };
    Some(match context.route.to {
        Destination::Channel(_) | Destination::ChannelOf(_) => message,
        // What does not fit one message follows in others.
        Destination::Webhook(_) if message.details.len() > 1 => message,
        Destination::Webhook(_)
        | Destination::Topic(_)
        | Destination::Mail(_)
        | Destination::Endpoint(_) => in_one(message),
    })
}

/// In the channel the group as it is now, in a thread what changed.
fn render_group(change: &GroupChange, target: &Target, context: Context<'_>) -> Message {
    let group = group::notice(change, context);
    if let Target::Thread { message, .. } = target {
        let mut parts = reply::notices(change, context).into_iter();
        let first = parts.next();
        let first = first.unwrap_or_else(|| group.clone());
        return Message {
            notice: mentioning(first, std::slice::from_ref(change)),
            correction: Some((message.clone(), group)),
            details: parts.collect(),
        };
    }
    let mut notice = mentioning(group, std::slice::from_ref(change));
    let mut details = Vec::new();
    if has_hidden(change) {
        details = detail::of_group(change, context);
        notice.links.extend(links::report_link(context.policy));
    }
    Message {
        notice,
        correction: None,
        details,
    }
}

/// A message about something new mentions those who answer for the accounts.
fn mentioning(mut notice: Notice, changes: &[GroupChange]) -> Notice {
    for change in changes {
        if change.found > 0 {
            notice.mentions.extend(change.mentions.iter().cloned());
        }
    }
    notice
}

/// In the channel the counts, in a thread what changed of each group.
fn render_digest(counts: Notice, mut details: Vec<Notice>, target: &Target) -> Message {
    match target {
        Target::Thread { message, .. } if !details.is_empty() => Message {
            notice: details.remove(0),
            correction: Some((message.clone(), counts)),
            details,
        },
        _ => Message {
            notice: counts,
            correction: None,
            details,
        },
    }
}

/// True if the message of a group leaves out a resource that was found.
fn has_hidden(change: &GroupChange) -> bool {
    latest_entries(&change.entries)
        .into_iter()
        .any(|entry| !entry.change.closes() && change.after.shown(&entry.key).is_none())
}

/// Without threads, all there is to say is in the message.
fn in_one(mut message: Message) -> Message {
    for detail in message.details.drain(..) {
        message.notice.sections.extend(detail.sections);
    }
    message
}

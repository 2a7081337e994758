//! A message that its route did not take, as the fall-back topic gets it.

use banto_domain::policy::compliance::{Destination, Route};
use banto_notice::Notice;

/// Why a route is not tried whose breaker is open.
pub const BREAKER_IS_OPEN: &str = "it failed three times in a row, and rests for ten minutes";

/// All that the message and its thread would have said, and why it comes this way.
pub fn notice(message: &Notice, details: &[Notice], route: &Route, why: &str) -> Notice {
    let mut notice = message.clone();
    for detail in details {
        notice.sections.extend(detail.sections.clone());
    }
    notice.paragraphs.push(format!(
        "Sent by SNS: {} route {} failed ({why}).",
        way(&route.to),
        route.name
    ));
    notice
}

fn way(to: &Destination) -> &'static str {
    match to {
        Destination::Channel(_) | Destination::ChannelOf(_) | Destination::Webhook(_) => "Slack",
        Destination::Topic(_) => "SNS",
        Destination::Mail(_) => "mail",
        Destination::Endpoint(_) => "webhook",
    }
}

//! A message that its route did not take, as the fall-back topic gets it.

use banto_domain::policy::compliance::Route;
use banto_notice::Notice;

/// Why a route is not tried whose breaker is open.
pub const BREAKER_IS_OPEN: &str = "it failed again and again, and is tried later";

/// All that the message and its thread would have said, and why it comes this way.
pub fn notice(message: &Notice, detail: Option<&Notice>, route: &Route, why: &str) -> Notice {
    let mut notice = message.clone();
    if let Some(detail) = detail {
        notice.sections.extend(detail.sections.clone());
    }
    notice.paragraphs.push(format!(
        "This was to go another way ({}), which did not take it: {why}",
        route.name
    ));
    notice
}

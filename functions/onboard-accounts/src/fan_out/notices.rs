//! The notice of an account that could not be created, the only one of the fan-out.

use banto_notice::text::fact;
use banto_notice::{Audience, Notice, Step, Urgency};

use crate::event::CreationFailed;

/// An account that could not be created.
pub fn creation_failed(failed: &CreationFailed) -> Notice {
    let CreationFailed { subject, reason } = failed;
    let headline = "An account could not be created".to_owned();
    let mut notice = Notice::new(
        format!("onboard-accounts:{subject}:creation-failed"),
        Audience::Operators,
        Urgency::Alarm,
        headline,
    );
    notice.facts = vec![fact("Request", subject), fact("AWS says", reason)];
    notice.steps = vec![Step {
        text: creation_remedy(reason).to_owned(),
        command: None,
    }];
    notice
}

/// Returns what an operator does about a failed creation. (Organizations API reference,
/// `CreateAccountStatus`.)
fn creation_remedy(reason: &str) -> &'static str {
    match reason {
        "ACCOUNT_LIMIT_EXCEEDED" => "Ask for more accounts in Service Quotas (AWS Organizations).",
        "EMAIL_ALREADY_EXISTS" | "INVALID_EMAIL" => {
            "Create it again with a mail address that no other account has."
        }
        "INVALID_ADDRESS" | "INVALID_PAYMENT_INSTRUMENT" | "MISSING_PAYMENT_INSTRUMENT" => {
            "Correct the management account's address or means of payment, then create it again."
        }
        "CONCURRENT_ACCOUNT_MODIFICATION" | "INTERNAL_FAILURE" => {
            "Create it again in a few minutes."
        }
        _ => "Look at the reason, then create it again; AWS Support helps if it lasts.",
    }
}

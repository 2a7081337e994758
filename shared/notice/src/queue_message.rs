//! The messages on notify-compliance's queue that are Banto's own.

use banto_domain::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Notice;

/// A message on notify-compliance's queue. Other functions hand notices over by it; notify-compliance sends the rest
/// to itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", deny_unknown_fields)]
pub enum QueueMessage {
    /// Tell what waits on a route.
    Tell {
        /// The route's name.
        route: String,
    },
    /// Compare an account with the aggregator.
    Reconcile {
        /// The account.
        account: AccountId,
    },
    /// Carry a notice of another function.
    Notice {
        /// The notice.
        notice: Box<Notice>,
    },
}

impl QueueMessage {
    /// The text that goes to the queue.
    pub fn body(&self) -> String {
        json!(self).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Audience, Urgency};

    #[test]
    fn a_message_is_read_as_it_was_sent() {
        let notice = Notice::new(
            "1".into(),
            Audience::Operators,
            Urgency::Action,
            "Look at alice's key".into(),
        );
        for (message, starts_with) in [
            (
                QueueMessage::Notice {
                    notice: Box::new(notice),
                },
                r#"{"do":"notice","notice":{"attributes":{},"#,
            ),
            (
                QueueMessage::Tell {
                    route: "payments".into(),
                },
                r#"{"do":"tell","route":"payments"}"#,
            ),
            (
                QueueMessage::Reconcile {
                    account: "111122223333".parse().unwrap(),
                },
                r#"{"account":"111122223333","do":"reconcile"}"#,
            ),
        ] {
            let body = message.body();
            assert!(body.starts_with(starts_with), "{body}");
            assert_eq!(
                serde_json::from_str::<QueueMessage>(&body).unwrap(),
                message
            );
        }
    }

    #[test]
    fn an_unknown_message_is_an_error_that_names_it() {
        for (body, says) in [
            (r#"{"do": "dance"}"#, "unknown variant `dance`"),
            (
                r#"{"do": "tell", "routes": ["payments"]}"#,
                "unknown field `routes`",
            ),
            (
                r#"{"do": "notice", "notice": {"id": "1"}}"#,
                "missing field `audience`",
            ),
        ] {
            let error = serde_json::from_str::<QueueMessage>(body)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }
}

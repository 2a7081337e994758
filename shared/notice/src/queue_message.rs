//! The messages on notify-compliance's queue that are Banto's own.

use banto_domain::AccountId;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::Notice;

/// The version of these messages. Another one is refused: what it means is not known here.
const VERSION: u64 = 1;

/// A message on notify-compliance's queue. Other functions hand notices over by it;
/// notify-compliance sends the rest to itself. As JSON it has a `version` besides, which is checked
/// when it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    deny_unknown_fields,
    remote = "Self"
)]
pub enum QueueMessage {
    /// Deliver what waits on a route.
    Deliver {
        /// The route's name.
        route: String,
    },
    /// Compare an account with the aggregator.
    Reconcile {
        /// The account to compare.
        account: AccountId,
    },
    /// Send a notice of another function to its audience.
    RelayNotice {
        /// The notice, as that function worded it.
        notice: Box<Notice>,
    },
}

impl QueueMessage {
    /// The text that goes to the queue.
    pub fn body(&self) -> String {
        let mut body = Self::serialize(self, serde_json::value::Serializer).unwrap_or_default();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("version".to_owned(), json!(VERSION));
        }
        body.to_string()
    }
}

impl<'de> Deserialize<'de> for QueueMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        match fields.remove("version") {
            Some(version) if version == VERSION => {
                Self::deserialize(Value::Object(fields)).map_err(D::Error::custom)
            }
            Some(version) => Err(D::Error::custom(format_args!(
                "the message has version {version}; this Banto knows version {VERSION}"
            ))),
            None => Err(D::Error::custom(format_args!(
                "the message has no version; this Banto knows version {VERSION}"
            ))),
        }
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
                QueueMessage::RelayNotice {
                    notice: Box::new(notice),
                },
                r#"{"kind":"relayNotice","notice":{"attributes":{},"#,
            ),
            (
                QueueMessage::Deliver {
                    route: "payments".into(),
                },
                r#"{"kind":"deliver","route":"payments","version":1}"#,
            ),
            (
                QueueMessage::Reconcile {
                    account: "111122223333".parse().unwrap(),
                },
                r#"{"account":"111122223333","kind":"reconcile","version":1}"#,
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
            (
                r#"{"kind": "dance", "version": 1}"#,
                "unknown variant `dance`",
            ),
            (
                r#"{"kind": "deliver", "version": 1, "routes": ["payments"]}"#,
                "unknown field `routes`",
            ),
            (
                r#"{"kind": "relayNotice", "version": 1, "notice": {"id": "1"}}"#,
                "missing field `audience`",
            ),
        ] {
            let error = serde_json::from_str::<QueueMessage>(body)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }

    #[test]
    fn a_message_of_another_version_or_of_none_is_an_error_that_says_what_came_and_what_is_known() {
        for (body, says) in [
            (
                r#"{"kind": "deliver", "route": "payments", "version": 2}"#,
                "the message has version 2; this Banto knows version 1",
            ),
            (
                r#"{"kind": "deliver", "route": "payments"}"#,
                "the message has no version; this Banto knows version 1",
            ),
        ] {
            let error = serde_json::from_str::<QueueMessage>(body)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }
}

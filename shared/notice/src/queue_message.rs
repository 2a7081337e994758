//! The messages on notify-compliance's queue that are Banto's own.

use banto_domain::{AccountId, RuleName};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::{Audience, Notice};

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
        /// The number of times that it was tried, and failed for a reason that passes.
        #[serde(default, skip_serializing_if = "is_zero")]
        attempts: u32,
    },
    /// Compare an account with the aggregator.
    Reconcile {
        /// The account to compare.
        account: AccountId,
        /// The rule up to which it was compared already, by a run that ran out of time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ComparedUpTo>,
        /// How often it was tried from this place on, without getting on.
        #[serde(default, skip_serializing_if = "is_zero")]
        attempts: u32,
    },
    /// Remind people of what stays open on a route.
    Remind {
        /// The route's name.
        route: String,
    },
    /// Send a notice of another function to its audience.
    RelayNotice {
        /// The notice, as that function worded it.
        notice: Box<Notice>,
    },
}

/// A place in the comparison of an account, which goes by rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComparedUpTo {
    /// The last rule that was compared, by the name that it has whatever deployed it.
    pub rule: RuleName,
    /// True if the account was never compared to the end before.
    pub is_first: bool,
}

/// Most times that a delivery is tried anew: with a minute between two, half an hour. An outage
/// that lasts longer needs people, whom the dead letter tells.
const MAX_ATTEMPTS: u32 = 30;

/// Most times that a comparison is tried anew without getting on: with a minute between two, six
/// hours, since AWS Config throttles the comparisons of thousands of accounts for an hour and more.
/// A rule that can't be compared at all needs people.
const MAX_COMPARISONS: u32 = 360;

/// True of a count that need not be said.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl QueueMessage {
    /// The message for another attempt; `None` if it was tried often enough.
    pub fn tried_again(&self) -> Option<Self> {
        match self {
            Self::Deliver { route, attempts } => {
                (*attempts < MAX_ATTEMPTS).then(|| Self::Deliver {
                    route: route.clone(),
                    attempts: attempts + 1,
                })
            }
            Self::Reconcile {
                account,
                after,
                attempts,
            } => (*attempts < MAX_COMPARISONS).then(|| Self::Reconcile {
                account: account.clone(),
                after: after.clone(),
                attempts: attempts + 1,
            }),
            // The queue brings these again, and the next day makes up for a reminder.
            Self::Remind { .. } | Self::RelayNotice { .. } => None,
        }
    }

    /// The group whose turn the message takes on the queue: an account, or a route.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Deliver { route, .. } | Self::Remind { route } => Some(route),
            Self::Reconcile { account, .. } => Some(account.as_str()),
            Self::RelayNotice { notice } => match &notice.audience {
                Audience::Owner { account, .. } => Some(account.as_str()),
                Audience::Operators | Audience::Route(_) => None,
            },
        }
    }

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
    use crate::Urgency;

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
                    attempts: 0,
                },
                r#"{"kind":"deliver","route":"payments","version":1}"#,
            ),
            (
                QueueMessage::Reconcile {
                    account: "111122223333".parse().unwrap(),
                    after: None,
                    attempts: 0,
                },
                r#"{"account":"111122223333","kind":"reconcile","version":1}"#,
            ),
            (
                QueueMessage::Reconcile {
                    account: "111122223333".parse().unwrap(),
                    after: Some(ComparedUpTo {
                        rule: "iam-user-mfa-enabled".parse().unwrap(),
                        is_first: true,
                    }),
                    attempts: 3,
                },
                r#"{"account":"111122223333","after":{"isFirst":true,"rule":"iam-user-mfa-enabled"},"attempts":3,"kind":"reconcile","version":1}"#,
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
    fn a_comparison_that_does_not_get_on_is_given_up_after_six_hours() {
        let mut message = QueueMessage::Reconcile {
            account: "111122223333".parse().unwrap(),
            after: None,
            attempts: 0,
        };
        let mut tries = 0;
        while let Some(again) = message.tried_again() {
            message = again;
            tries += 1;
        }
        assert_eq!(tries, 6 * 60);
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

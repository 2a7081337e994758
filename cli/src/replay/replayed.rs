//! What a replay is of, and what came of it.

use jiff::Timestamp;
use serde_json::Value;

use crate::functions::Message;

/// What came of a replay.
pub(crate) struct Replayed {
    /// What the function answers, or why it failed.
    pub(crate) answers: Vec<Result<Value, String>>,
    /// What people were told, or would be.
    pub(crate) messages: Vec<Message>,
    /// The plans of the rotator, for people.
    pub(crate) plans: Option<String>,
}

/// The id of a request that came by no message. Each replay is a request of its own, as each
/// invocation in Lambda is: by the same id a second emergency would count as the first, and the keys
/// made since would go on working.
pub(super) fn request_id(now: Timestamp) -> String {
    format!("banto replay {now}")
}

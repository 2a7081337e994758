//! What a replay is of, and what came of it.

use banto_lambda::InvocationError;
use banto_ports::{ErrorKind, PortError};
use jiff::Timestamp;
use serde_json::Value;

use crate::functions::Message;

/// What came of a replay.
pub(crate) struct Replayed {
    /// What the function answers, or why it failed.
    pub(crate) answers: Vec<Result<Value, Failed>>,
    /// What people were told, or would be.
    pub(crate) messages: Vec<Message>,
    /// The plans of the rotator, for people.
    pub(crate) plans: Option<String>,
}

/// Why a function failed.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Its kind of error, and the error and its causes.
    pub(crate) words: String,
    /// True if it could not look: no permission, no connection, or no time.
    pub(crate) is_blind: bool,
}

impl Failed {
    pub(super) fn of(error: &InvocationError) -> Self {
        let mut causes = error.error.chain();
        let of_call = causes.find_map(|cause| cause.downcast_ref::<PortError>());
        let is_blind = match of_call {
            Some(of_call) => matches!(
                of_call.kind,
                ErrorKind::Denied
                    | ErrorKind::NotReady
                    | ErrorKind::Throttled
                    | ErrorKind::Unavailable
                    | ErrorKind::UnknownCaller
            ),
            // onboard-accounts keeps only the words of why an account could not be looked at.
            None => error.kind == "NotPlanned",
        };
        Self {
            words: format!("{}: {error}", error.kind),
            is_blind,
        }
    }
}

/// The id of a request that came by no message. Each replay is a request of its own, as each
/// invocation in Lambda is: by the same id a second emergency would count as the first, and the keys
/// made since would go on working.
pub(super) fn request_id(now: Timestamp) -> String {
    format!("banto replay {now}")
}

//! The reasons that errors of AWS lead to, as a status row has them.

use banto_domain::status::{Reason, ReasonKind};
use banto_ports::{ErrorKind, PortError};

/// The reason why a call failed.
pub(super) fn reason(error: &PortError) -> Reason {
    let kind = match error.kind {
        ErrorKind::Throttled => ReasonKind::Throttled,
        ErrorKind::Denied => ReasonKind::Denied,
        ErrorKind::LimitExceeded => ReasonKind::QuotaExceeded,
        ErrorKind::NotReady => ReasonKind::Initialising,
        ErrorKind::UnknownCaller => ReasonKind::RegionDisabled,
        ErrorKind::Unavailable => ReasonKind::Unavailable,
        // Another caller changed it meanwhile: the next look sees the result.
        ErrorKind::Conflict => ReasonKind::Propagating,
        ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Invalid => ReasonKind::Refused,
    };
    Reason::new(kind, error.to_string())
}

/// The reason why an account's role can't be assumed.
pub(super) fn assume_role_reason(error: &PortError) -> Reason {
    match error.kind {
        ErrorKind::Denied => Reason::new(ReasonKind::NotAssumable, error.to_string()),
        _ => reason(error),
    }
}

/// The reason why an operation on the StackSet could not be started.
pub(super) fn stack_set_reason(error: &PortError) -> Reason {
    match error.kind {
        ErrorKind::NotReady => Reason::new(ReasonKind::StackSetBusy, error.message.clone()),
        _ => reason(error),
    }
}

//! The one error of every port.

use std::time::Duration;

/// A kind of failure, for those who branch on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// Too many requests; later would do.
    Throttled,
    /// The caller may not do this.
    Denied,
    /// The thing does not exist.
    Missing,
    /// Somebody else changed it first.
    Conflict,
    /// A quota is used up, like the two access keys of a user.
    LimitExceeded,
    /// It is being prepared; later would do.
    NotReady,
    /// The service does not know the caller: credentials that work elsewhere do not in a region
    /// that their account has not enabled.
    UnknownCaller,
    /// The service failed or did not answer in time; whether it acted is unknown.
    Unavailable,
    /// What is stored can't be read by this release: it has another version, or is torn.
    Unreadable,
    /// The request or its answer made no sense to the other side.
    Invalid,
}

impl ErrorKind {
    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::LimitExceeded => "limit exceeded",
            Self::NotReady => "not ready",
            Self::UnknownCaller => "unknown caller",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
            Self::Invalid => "invalid",
        }
    }
}

/// A call to the world that failed: which call, how, and in the service's own words.
///
/// Never holds a request, a response body, or a URL, and no cause beneath it: an SDK's error keeps
/// the whole response, which may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {}: {message}", kind.as_str())]
pub struct PortError {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The call, in the words of an IAM policy: `iam:CreateAccessKey`.
    pub call: &'static str,
    /// The service's own words, without secrets.
    pub message: String,
    /// After what time the service wants to be asked again, where it says so.
    pub retry_after: Option<Duration>,
}

impl PortError {
    /// A failure.
    pub fn new(kind: ErrorKind, call: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            call,
            message: message.into(),
            retry_after: None,
        }
    }

    /// The same, with the time after which the service wants to be asked again.
    pub fn retry_after(self, retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..self
        }
    }
}

//! A promise that a plan would break.

use std::fmt;

/// A promise that a plan would break, as a function's `check` finds it.
///
/// A planner that keeps its promises never makes such a plan, so a breach is a defect: the plan is
/// refused as a whole.
///
/// ```
/// use banto_domain::Breach;
/// let breach = Breach::new("R1", "alice", "would be left without a usable key");
/// assert_eq!(breach.to_string(), "R1: alice: would be left without a usable key");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The promise's number in `docs/SEMANTICS.md`, like `R1`.
    pub promise: &'static str,
    /// The subject of the chain: a user, an account, a finding, a route.
    pub subject: String,
    /// The words after the subject, like "would be left without a usable key".
    pub what: String,
}

impl Breach {
    /// A breach of one promise by one subject.
    pub fn new(promise: &'static str, subject: impl ToString, what: impl Into<String>) -> Self {
        Self {
            promise,
            subject: subject.to_string(),
            what: what.into(),
        }
    }

    /// All breaches in one line, for a log or an error.
    pub fn join(breaches: &[Self]) -> String {
        let lines: Vec<String> = breaches.iter().map(Self::to_string).collect();
        lines.join("; ")
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.promise, self.subject, self.what)
    }
}

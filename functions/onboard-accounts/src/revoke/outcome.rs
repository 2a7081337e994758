//! The end of a visit to one account.

use super::plan::Failure;

/// The end of a visit to one account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The number of denials that were written.
    pub written: usize,
    pub failures: Vec<Failure>,
}

impl Outcome {
    /// The outcome of an account in which nothing could be done.
    pub fn of_account(failure: Failure) -> Self {
        Self {
            written: 0,
            failures: vec![failure],
        }
    }
}

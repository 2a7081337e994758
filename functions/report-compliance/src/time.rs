//! The time that a run has.

use std::time::Duration;

use banto_lambda::Invocation;

/// Time that must be left for the next account, or the next mail: an account's snapshots of 200 MB
/// are read in some 10 s, its findings written and read again in a few, one call of S3 takes 25 s
/// with all its attempts, and one of SES 60 s: a mail is claimed, sent after 12 s of pauses, and
/// settled in 122 s. What is begun is finished.
pub const STEP: Duration = Duration::from_secs(130);

/// The time that a run has, and its name.
#[derive(Debug, Clone, Copy)]
pub struct RunTime<'a> {
    invocation: Option<&'a Invocation>,
}

impl<'a> RunTime<'a> {
    /// The time of an invocation of Lambda.
    pub fn of(invocation: &'a Invocation) -> Self {
        Self {
            invocation: Some(invocation),
        }
    }

    /// The time of a local run, which nobody ends.
    pub fn without_end() -> Self {
        Self { invocation: None }
    }

    /// True if another step can be finished.
    pub fn is_enough(&self) -> bool {
        self.invocation
            .is_none_or(|invocation| invocation.has_time_for(STEP))
    }

    /// The time that is left; a long one of a local run.
    pub fn left(&self) -> Duration {
        self.invocation
            .map_or(Duration::from_secs(3_600), Invocation::remaining)
    }

    /// The request that the run serves, which has the same name when it is handed over again;
    /// nobody hands one over to a local run.
    pub fn request(&self) -> Option<&'a str> {
        Some(&self.invocation?.request_id)
    }

    /// The run's name, which tells it from all others; a local run is alone.
    pub fn run(&self) -> &'a str {
        self.invocation
            .map_or("local", |invocation| &invocation.run)
    }
}

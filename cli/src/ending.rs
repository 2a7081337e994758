//! How a command ends.

use std::{error, fmt, io};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It did what it was to do.
    Done,
    /// It did, and has an exit code of its own to say what it found.
    Code(u8),
    /// Ctrl-C.
    Interrupted,
}

impl Ending {
    /// Findings: what was looked at is not as it should be.
    pub const FINDINGS: Self = Self::Code(1);
    /// Wrong use: nothing was tried.
    pub const MISUSED: Self = Self::Code(2);
    /// Nothing could be looked at: no credentials, no permission, no connection.
    pub const BLIND: Self = Self::Code(3);
}

impl Ending {
    /// An error that is only Ctrl-C at a question: whoever pressed it knows.
    ///
    /// # Errors
    /// Any other error, as it is.
    pub fn of_error(error: anyhow::Error) -> anyhow::Result<Self> {
        let is_ctrl_c = |cause: &(dyn std::error::Error + 'static)| {
            let at_question = cause.downcast_ref().map(|dialoguer::Error::IO(io)| io);
            let io = at_question.or_else(|| cause.downcast_ref::<io::Error>());
            io.is_some_and(|io| io.kind() == io::ErrorKind::Interrupted)
        };
        if error.chain().any(is_ctrl_c) {
            return Ok(Self::Interrupted);
        }
        Err(error)
    }

    /// The exit code of an error.
    pub fn code_of(error: &anyhow::Error) -> u8 {
        let why = error.chain().find_map(|cause| cause.downcast_ref());
        match why {
            Some(Told {
                why: Why::Misused, ..
            }) => 2,
            Some(Told {
                why: Why::NotSeen, ..
            }) => 3,
            None => 1,
        }
    }
}

/// Why nothing could be done at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    NotSeen,
    Misused,
}

/// An error that has an exit code of its own. It reads as the error that it is made of.
#[derive(Debug)]
struct Told {
    why: Why,
    error: anyhow::Error,
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl error::Error for Told {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.error.chain().nth(1)
    }
}

/// Nothing could be looked at: no credentials, no permission, no connection. An error that has a
/// code already keeps it.
#[must_use]
pub fn not_seen(error: anyhow::Error) -> anyhow::Error {
    told(Why::NotSeen, error)
}

/// The command was not used as it has to be, and nothing was tried. An error that has a code already
/// keeps it.
#[must_use]
pub fn misused(error: anyhow::Error) -> anyhow::Error {
    told(Why::Misused, error)
}

fn told(why: Why, error: anyhow::Error) -> anyhow::Error {
    let is_told = error.chain().any(|cause| cause.is::<Told>());
    if is_told {
        error
    } else {
        Told { why, error }.into()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_ends_with_the_code_of_its_kind_and_reads_as_before() {
        let refused = || anyhow::anyhow!("refused").context("AWS does not take it");
        for (error, code) in [
            (refused(), 1),
            (not_seen(refused()), 3),
            (misused(refused()), 2),
            (misused(refused()).context("around it"), 2),
            (not_seen(misused(refused()).context("around it")), 2),
            (misused(not_seen(refused())), 3),
        ] {
            assert_eq!(Ending::code_of(&error), code, "{error:#}");
            assert!(format!("{error:#}").ends_with("AWS does not take it: refused"));
        }
    }

    #[test]
    fn ctrl_c_at_a_question_is_an_interrupt_and_no_failure() {
        let pressed = || io::Error::from(io::ErrorKind::Interrupted);
        let asked: Result<(), _> = Err(dialoguer::Error::IO(pressed()));
        let asked = asked.context("nothing was done").unwrap_err();
        assert_eq!(Ending::of_error(asked).unwrap(), Ending::Interrupted);
        let read: Result<(), _> = Err(pressed());
        let read = read.context("can't read").unwrap_err();
        assert_eq!(Ending::of_error(read).unwrap(), Ending::Interrupted);
        let other = io::Error::from(io::ErrorKind::NotFound).into();
        assert!(Ending::of_error(other).is_err());
    }
}

//! The text of a policy, as tests need it: the least that one must say, and what a test is about.

use std::fmt;

use banto_domain::policy::Policy;

const LEAST: &str = r#"[rotation]
[[rotation.accounts]]
id = "111122223333"
role = "arn:aws:iam::111122223333:role/banto"
certificate_bucket = "certificates"
[notices]
operators_topic = "arn:aws:sns:eu-west-1:111122223333:operators"
owners_topic = "arn:aws:sns:eu-west-1:111122223333:owners"
"#;

/// A policy's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText(String);

impl PolicyText {
    /// The least that a policy must say: one identity account, and the topics that notices go to.
    pub fn least() -> Self {
        Self(LEAST.to_owned())
    }

    /// The same with more sections at its end.
    #[must_use]
    pub fn and(self, sections: &str) -> Self {
        Self(format!("{}\n{sections}", self.0))
    }

    /// The same with more lines at the beginning of a section.
    #[must_use]
    pub fn with_lines(self, section: &str, lines: &str) -> Self {
        let header = format!("[{section}]\n");
        self.with(&header, &format!("{header}{lines}\n"))
    }

    /// The same with the first of such pieces replaced. A test whose piece is not there fails.
    #[must_use]
    pub fn with(self, from: &str, to: &str) -> Self {
        assert!(
            self.0.contains(from),
            "the policy lacks {from:?}:\n{}",
            self.0
        );
        Self(self.0.replacen(from, to, 1))
    }

    /// The same with the first of each of such pieces replaced, as [`Self::with`] does.
    #[must_use]
    pub fn with_each(self, pieces: &[(&str, &str)]) -> Self {
        pieces
            .iter()
            .fold(self, |text, (from, to)| text.with(from, to))
    }

    /// What it says. A test whose policy has problems fails.
    #[expect(
        clippy::panic,
        reason = "a test that sets up a wrong policy is to fail at once"
    )]
    pub fn parse(&self) -> Policy {
        Policy::parse(&self.0).unwrap_or_else(|problems| panic!("{problems}\n{}", self.0))
    }
}

impl fmt::Display for PolicyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_policy_is_accepted_and_says_what_a_test_adds() {
        let policy = PolicyText::least()
            .with_lines("rotation", "deadline_days = 14")
            .with("certificates", "others");
        let rotation = policy.parse().rotation;
        assert_eq!(
            rotation.timings.deadline,
            Some(jiff::SignedDuration::from_hours(14 * 24))
        );
        assert_eq!(
            rotation
                .accounts
                .first()
                .map(|account| account.certificate_bucket.as_str()),
            Some("others")
        );
    }

    #[test]
    #[should_panic = "the policy lacks \"nowhere\""]
    fn a_piece_that_is_not_there_is_not_replaced_in_silence() {
        drop(PolicyText::least().with("nowhere", "anywhere"));
    }

    #[test]
    #[should_panic = "`rotation.grace_dais` is unknown"]
    fn a_policy_with_problems_is_not_accepted_in_silence() {
        drop(
            PolicyText::least()
                .with_lines("rotation", "grace_dais = 1")
                .parse(),
        );
    }
}

//! What is shown before and after a registration.

use std::path::Path;

use banto_domain::{Fingerprint, UserName};
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::snapshot::PIN_TAG;

use super::plan::{Counts, Plan, Step, Vouched};
use crate::dates::in_words;
use crate::openpgp::{Candidate, NotUsable};
use crate::terminal::{Screen, Tone};

/// A registration, before and after.
#[derive(Debug)]
pub(super) struct Registration<'a> {
    pub(super) user: &'a UserName,
    /// Where the certificate is stored.
    pub(super) place: &'a str,
    /// The policy's file, which says where that is.
    pub(super) policy: Option<&'a Path>,
    pub(super) fingerprint: &'a Fingerprint,
    pub(super) candidate: Option<&'a Candidate>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) plan: &'a Plan,
    pub(super) vouched: &'a Vouched,
    pub(super) now: Timestamp,
}

/// Columns of the words before each line of what is shown.
const INDENT: usize = 13;

/// A certificate as a choice.
pub(super) fn candidate(candidate: &Candidate) -> String {
    let mut text = format!(
        "{} {}",
        candidate.fingerprint,
        candidate.user_ids.join(", ")
    );
    if candidate.encryption.is_none() {
        text.push_str(" (can only sign)");
    }
    if candidate.card().is_some() {
        text.push_str(" (on a smartcard)");
    }
    text
}

/// A refusal of the rotator, before it comes to that.
pub(super) fn refused(refusal: &NotUsable) -> String {
    format!(
        "The certificate can't be used ({}), and nothing was done. {}\ndocs/openpgp.md lists what \
         works.",
        refusal.code, refusal.words
    )
}

impl Registration<'_> {
    /// What there is, and what will be done.
    pub(super) fn before(&self, screen: &Screen) -> String {
        let mut rows = vec![("Certificate", self.fingerprint.to_string())];
        if let Some(candidate) = self.candidate {
            let of = format!(
                "{}, with {}",
                candidate.user_ids.join(", "),
                candidate.program
            );
            rows.push(("", of));
        }
        rows.push((
            "Expires",
            match self.expires_at {
                Some(at) => in_words(at, self.now),
                None => "never".to_owned(),
            },
        ));
        if let Some(replaces) = &self.plan.replaces {
            rows.push(("Replaces", replaces.to_string()));
        }
        rows.extend(self.plan.steps.iter().map(|step| match step {
            Step::Store => ("Store it", format!("at {}", self.place)),
            Step::Pin => (
                "Pin it",
                format!("by the tag {PIN_TAG} of the IAM user {}", self.user),
            ),
        }));
        rows.extend(
            self.policy
                .map(|file| ("Policy", file.display().to_string())),
        );
        rows.push(("Counts", self.counts()));
        let lines = rows
            .iter()
            .map(|(name, text)| format!("{name:<INDENT$}{}", beside(screen, text)));
        let lines: Vec<String> = lines.collect();
        lines.join("\n")
    }

    /// What was done, and what comes.
    pub(super) fn after(&self, screen: &Screen) -> String {
        let fingerprint = self.fingerprint;
        let done = if self.plan.steps.is_empty() {
            format!("Nothing to do: {fingerprint} is registered.")
        } else {
            format!("{} {fingerprint}.", screen.paint(Tone::Good, "Registered"))
        };
        let mut lines = vec![done, format!("It counts {}.", self.counts())];
        if let Some(hint) = self.approval() {
            lines.push(hint);
        }
        if let Vouched::Not(former, why) = self.vouched {
            let why = why.trim_end_matches('.');
            lines.push(format!(
                "Your former certificate {former} does not vouch for it: {why}."
            ));
        }
        lines.push(match self.plan.counts {
            Counts::Already | Counts::Certified | Counts::First => {
                "`banto keys status` says when a new key comes, and `banto keys fetch` receives it."
                    .to_owned()
            }
            Counts::From(_) | Counts::After(_) => {
                "Until then no key is sealed to it. You and the operators are told of it, so that a \
                 certificate which is not yours can be stopped."
                    .to_owned()
            }
        });
        let lines: Vec<String> = lines.iter().map(|line| screen.wrapped(line, 0)).collect();
        lines.join("\n")
    }

    fn counts(&self) -> String {
        match (&self.plan.counts, self.vouched) {
            (Counts::Already, _) => "already".to_owned(),
            (Counts::Certified, Vouched::By(former)) => {
                format!("at once, since your former certificate {former} signed it")
            }
            (Counts::Certified, Vouched::Will(former)) => {
                format!("at once: your former certificate {former} signs it next")
            }
            (Counts::Certified, _) => "at once".to_owned(),
            (Counts::First, _) => "at once, as you have no active access key".to_owned(),
            (Counts::From(at), _) => format!(
                "{}, unless an operator approves it before",
                in_words(*at, self.now)
            ),
            (Counts::After(grace), _) => format!(
                "{} after Banto has told you of it, unless an operator approves it before",
                days(*grace)
            ),
        }
    }

    /// The command for the operator.
    fn approval(&self) -> Option<String> {
        match self.plan.counts {
            Counts::Already | Counts::Certified | Counts::First => None,
            Counts::From(_) | Counts::After(_) => Some(format!(
                "An operator who has asked you in person lets it count at once: `banto keys approve \
                 {} {}`.",
                self.user, self.fingerprint
            )),
        }
    }
}

/// A text beside the words that begin its row.
fn beside(screen: &Screen, text: &str) -> String {
    let inner = Screen {
        width: screen
            .width
            .saturating_sub(u16::try_from(INDENT).unwrap_or_default()),
        colour: screen.colour,
    };
    let wrapped = inner.wrapped(text, 0);
    wrapped.replace('\n', &format!("\n{:INDENT$}", ""))
}

fn days(time: SignedDuration) -> String {
    format!("{} days", time.as_hours() / 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expected::holds;

    const NEW: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";
    const OLD: &str = "1234567890123456789012345678901234567890";

    #[test]
    fn each_kind_of_registration_is_shown_as_committed() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let (new, old): (Fingerprint, Fingerprint) = (NEW.parse().unwrap(), OLD.parse().unwrap());
        let user = "alice".parse().unwrap();
        let all = vec![Step::Store, Step::Pin];
        let why = "its secret key is not on this machine".to_owned();
        let grace = SignedDuration::from_hours(7 * 24);
        let cases = [
            (all.clone(), None, Counts::First, Vouched::NotNeeded),
            (
                all.clone(),
                Some(old.clone()),
                Counts::Certified,
                Vouched::By(old.clone()),
            ),
            (
                all.clone(),
                Some(old.clone()),
                Counts::Certified,
                Vouched::Will(old.clone()),
            ),
            (
                all,
                Some(old.clone()),
                Counts::After(grace),
                Vouched::Not(old, why),
            ),
            (
                vec![Step::Pin],
                None,
                Counts::After(grace),
                Vouched::NotNeeded,
            ),
            (
                Vec::new(),
                None,
                Counts::From(now + grace),
                Vouched::NotNeeded,
            ),
            (Vec::new(), None, Counts::Already, Vouched::NotNeeded),
        ];
        holds("keys/register", |screen| {
            let mut text = String::new();
            for (steps, replaces, counts, vouched) in &cases {
                let plan = Plan {
                    steps: steps.clone(),
                    replaces: replaces.clone(),
                    counts: counts.clone(),
                };
                let shown = Registration {
                    user: &user,
                    place: "s3://certificates/certs/alice.asc",
                    policy: Some(Path::new("/home/alice/.config/banto/banto.toml")),
                    fingerprint: &new,
                    candidate: None,
                    expires_at: Some("2028-11-26T12:00:00Z".parse().unwrap()),
                    plan: &plan,
                    vouched,
                    now,
                };
                let [before, after] = [shown.before(screen), shown.after(screen)];
                text.push_str(&format!("{before}\n\n{after}\n\n"));
            }
            let refusal = NotUsable {
                code: "no-encryption-subkey",
                words: "Your certificate can only sign.".to_owned(),
            };
            text + &screen.wrapped(&refused(&refusal), 0) + "\n"
        });
    }
}

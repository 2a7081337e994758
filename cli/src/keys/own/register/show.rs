//! What is shown before and after a registration.

use std::path::Path;

use banto_domain::{Fingerprint, UserName};
use jiff::Timestamp;
use rotate_access_keys::notices;
use rotate_access_keys::snapshot::PIN_TAG;

use super::super::counts::Counts;
use super::super::first_key;
use super::super::rows::row;
use super::plan::{Plan, Step, Vouched};
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
    /// Since when it counts, once all is done.
    pub(super) counts: &'a Counts,
    pub(super) known: Known,
    pub(super) now: Timestamp,
}

/// What is known of the user, by which it is explained since when a certificate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Some certificate has counted before.
    Certificate,
    /// None has, and no access key is active.
    Newcomer,
    /// None has, and an access key is active.
    Key,
    /// The same, as far as can be seen: AWS denies the record.
    KeyAndDenied,
}

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
        "The certificate can't be used ({}), and nothing was stored or pinned. {}\ndocs/openpgp.md \
         lists what works.",
        refusal.code, refusal.words
    )
}

impl Registration<'_> {
    /// Shows what there is, and what will be done.
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
        let lines = rows.iter().map(|(name, text)| row(screen, name, text));
        let lines: Vec<String> = lines.collect();
        lines.join("\n")
    }

    /// Shows what was done, and what comes.
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
        if self.known == Known::KeyAndDenied {
            lines.push(
                "No record of yours can be read. That is so where Banto never made you a key, and \
                 what is said here holds for that."
                    .to_owned(),
            );
        }
        lines.push(if *self.counts == Counts::Now && self.known == Known::Newcomer {
            first_key(self.user)
        } else if *self.counts == Counts::Now {
            "`banto keys status` says when a new key comes, and `banto keys fetch` receives it."
                .to_owned()
        } else {
            "Until then no key is sealed to it. You and the operators are told of it, so that a \
             certificate which is not yours can be stopped."
                .to_owned()
        });
        let lines: Vec<String> = lines.iter().map(|line| screen.wrapped(line, 0)).collect();
        lines.join("\n")
    }

    fn counts(&self) -> String {
        match (self.counts, self.vouched, self.known) {
            (_, Vouched::Will(former), _) => {
                format!("at once: your former certificate {former} signs it next")
            }
            (Counts::Now, Vouched::By(former), _) => {
                format!("at once, since your former certificate {former} signed it")
            }
            (Counts::Now, _, Known::Newcomer) => {
                "at once, as you have no active access key".to_owned()
            }
            (counts, ..) => counts.words(),
        }
    }

    /// The command for the operator.
    fn approval(&self) -> Option<String> {
        (*self.counts != Counts::Now).then(|| {
            format!(
                "An operator who has asked you in person lets it count at once: `{}`.",
                notices::approve(self.user, self.fingerprint)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

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
        let by = || Vouched::By(old.clone());
        let not = Vouched::Not(old.clone(), why);
        let from = Counts::From(now + grace);
        let after = Counts::AfterTold(grace);
        let unknown = Counts::Unknown("your access keys can't be listed (denied)".to_owned());
        let no = || Vouched::NotNeeded;
        let replaced = || Some(old.clone());
        let cases = [
            (all.clone(), None, Counts::Now, no(), Known::Newcomer),
            (
                all.clone(),
                replaced(),
                Counts::Now,
                by(),
                Known::Certificate,
            ),
            (
                all.clone(),
                replaced(),
                Counts::Now,
                Vouched::Will(old.clone()),
                Known::Certificate,
            ),
            (all.clone(), replaced(), after, not, Known::Certificate),
            (all, None, from.clone(), no(), Known::KeyAndDenied),
            (vec![Step::Pin], None, from.clone(), no(), Known::Key),
            (Vec::new(), None, from, no(), Known::Key),
            (Vec::new(), None, Counts::Now, no(), Known::Certificate),
            (Vec::new(), None, unknown, no(), Known::Key),
        ];
        holds("keys/register", |screen| {
            let mut text = String::new();
            for (steps, replaces, counts, vouched, known) in &cases {
                let plan = Plan {
                    steps: steps.clone(),
                    replaces: replaces.clone(),
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
                    counts,
                    known: *known,
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

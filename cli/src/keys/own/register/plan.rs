//! Decides what is stored and pinned.

use banto_domain::Fingerprint;

/// Everything that the decision is made from.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) certificate: &'a Fingerprint,
    /// True if what is stored says all that the certificate says.
    pub(super) is_stored: bool,
    /// The tag, as it stands.
    pub(super) tag: Option<&'a str>,
}

/// A step in AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Store,
    Pin,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The other certificate that is pinned until then.
    pub(super) replaces: Option<Fingerprint>,
}

/// Decides.
pub(super) fn plan(seen: &Seen<'_>) -> Plan {
    let pinned = seen.tag.and_then(|tag| Fingerprint::from_human(tag).ok());
    let is_pinned = pinned.as_ref() == Some(seen.certificate);
    let mut steps = Vec::new();
    // The file first: a pin without its file is a refusal that people would be told of, and so is
    // the file of another pin, but that one is over at the next step.
    if !seen.is_stored {
        steps.push(Step::Store);
    }
    if !is_pinned {
        steps.push(Step::Pin);
    }
    Plan {
        replaces: pinned.filter(|_| !is_pinned),
        steps,
    }
}

/// Who vouches for a new certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Vouched {
    /// Nobody need: it is the first, or counts already.
    NotNeeded,
    /// The former one has signed it: just now, or before.
    By(Fingerprint),
    /// The former one will sign it, once the person agrees.
    Will(Fingerprint),
    /// The former one could not; why.
    Not(Fingerprint, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";
    const OLD: &str = "1234567890123456789012345678901234567890";

    fn planned(is_stored: bool, tag: Option<&str>) -> Plan {
        plan(&Seen {
            certificate: &NEW.parse().unwrap(),
            is_stored,
            tag,
        })
    }

    const STORE: Step = Step::Store;

    #[test]
    fn what_is_so_already_is_passed_over() {
        for (is_stored, tag, steps) in [
            (false, None, vec![STORE, Step::Pin]),
            (true, None, vec![Step::Pin]),
            (false, Some(NEW), vec![STORE]),
            (
                true,
                Some("0x d1a6 6e1a 23b1 82c9 980f  788c fbfc c82a 015e 7330"),
                vec![],
            ),
            (true, Some(OLD), vec![Step::Pin]),
            (true, Some("nonsense"), vec![Step::Pin]),
        ] {
            let plan = planned(is_stored, tag);
            assert_eq!(plan.steps, steps, "{is_stored} {tag:?}");
            let replaces = tag
                .filter(|tag| *tag == OLD)
                .map(|tag| tag.parse().unwrap());
            assert_eq!(plan.replaces, replaces);
        }
    }

    #[test]
    fn whoever_dies_after_any_step_is_done_by_the_same_command() {
        // The state after each number of steps; the plan from there is the rest.
        let all = planned(false, None).steps;
        for died_after in 0..=all.len() {
            let tag = (died_after > 1).then_some(NEW);
            assert_eq!(planned(died_after > 0, tag).steps, all[died_after..]);
        }
    }
}

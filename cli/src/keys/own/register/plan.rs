//! Decides what is stored and pinned, and says since when it counts.

use banto_domain::Fingerprint;
use banto_domain::record::{Reason, Record};
use banto_ports::LiveKey;
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::plan::{FindingKind, OwnerNotice};

/// Everything that the decision is made from.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) now: Timestamp,
    /// Time for which a certificate does not count that nobody vouches for.
    pub(super) grace: SignedDuration,
    pub(super) certificate: &'a Fingerprint,
    /// True if the certificate that counts signed it.
    pub(super) is_certified: bool,
    /// True if what is stored says all that the certificate says.
    pub(super) is_stored: bool,
    /// The tag, as it stands.
    pub(super) tag: Option<&'a str>,
    /// `None` if there is no record, or it can't be read.
    pub(super) record: Option<&'a Record>,
    /// `None` if the keys can't be listed.
    pub(super) keys: Option<&'a [LiveKey]>,
}

/// A step in AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Store,
    Pin,
}

/// When a certificate counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Counts {
    /// Keys are sealed to it already.
    Already,
    /// The one that counted vouches for it.
    Certified,
    /// It is the first, and there is no key that somebody could have stolen.
    First,
    /// From a date on; it was told of to its owner.
    From(Timestamp),
    /// So long after the next run has told its owner.
    After(SignedDuration),
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The other certificate that is pinned until then.
    pub(super) replaces: Option<Fingerprint>,
    pub(super) counts: Counts,
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
        counts: counts(seen, is_pinned && seen.is_stored),
        replaces: pinned.filter(|_| !is_pinned),
        steps,
    }
}

/// The rotator's own rule, as far as a user can know what it depends on
/// (functions/rotate-access-keys/src/plan/certificate.rs).
fn counts(seen: &Seen<'_>, is_registered: bool) -> Counts {
    let counted = seen.record.and_then(Record::pinned);
    if counted == Some(seen.certificate) {
        return Counts::Already;
    }
    if seen.is_certified && counted.is_some() {
        return Counts::Certified;
    }
    if counted.is_none() && is_newcomer(seen) {
        return Counts::First;
    }
    let told = seen.record.filter(|_| is_registered).and_then(|record| {
        let at = |prefix: &str| {
            let id = format!("{prefix}{}", seen.certificate);
            record.notified.get(&id).copied()
        };
        let owner = at(OwnerNotice::NEW_CERTIFICATE)?;
        Some(at(FindingKind::NEW_CERTIFICATE).map_or(owner, |operators| owner.max(operators)))
    });
    match told.and_then(|told| told.checked_add(seen.grace).ok()) {
        Some(from) if from <= seen.now => Counts::Already,
        Some(from) => Counts::From(from),
        None => Counts::After(seen.grace),
    }
}

/// True if there is no key that a thief could have.
fn is_newcomer(seen: &Seen<'_>) -> bool {
    let Some(keys) = seen.keys else {
        return false;
    };
    let was_exposed = seen.record.is_some_and(|record| {
        let owed = record.owed.as_ref();
        !record.exposed.is_empty()
            || record.emergency.is_some()
            || owed.is_some_and(|owed| owed.reason == Reason::Emergency)
    });
    keys.iter().all(|key| !key.active) && !was_exposed
}

/// Who vouches for a new certificate.
#[derive(Debug, PartialEq, Eq)]
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

impl Vouched {
    pub(super) fn counts(&self) -> bool {
        matches!(self, Self::By(_) | Self::Will(_))
    }
}

#[cfg(test)]
mod tests {
    use banto_domain::record::{Owed, Pin};

    use super::*;

    const NEW: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";
    const OLD: &str = "1234567890123456789012345678901234567890";

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    fn grace() -> SignedDuration {
        SignedDuration::from_hours(7 * 24)
    }

    fn keys(active: bool) -> Vec<LiveKey> {
        vec![LiveKey {
            id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            active,
            created_at: now(),
        }]
    }

    fn record(pin: Option<&str>) -> Record {
        let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        record.pin = pin.map(|pin| Pin {
            fingerprint: pin.parse().unwrap(),
            certificate: String::new(),
        });
        record
    }

    /// A first registration of somebody who has a key.
    fn with<T>(act: impl FnOnce(Seen<'_>) -> T) -> T {
        let (certificate, keys) = (NEW.parse().unwrap(), keys(true));
        act(Seen {
            now: now(),
            grace: grace(),
            certificate: &certificate,
            is_certified: false,
            is_stored: false,
            tag: None,
            record: None,
            keys: Some(&keys),
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
            let plan = with(|seen| {
                plan(&Seen {
                    is_stored,
                    tag,
                    ..seen
                })
            });
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
        let all = with(|seen| plan(&seen)).steps;
        for died_after in 0..=all.len() {
            let is_stored = died_after > 0;
            let tag = (died_after > 1).then_some(NEW);
            let rest = with(|seen| {
                plan(&Seen {
                    is_stored,
                    tag,
                    ..seen
                })
            })
            .steps;
            assert_eq!(rest, all[died_after..]);
        }
    }

    #[test]
    fn it_is_told_when_a_certificate_counts() {
        let told = |at: Timestamp| {
            let mut record = record(None);
            record.notified.insert(format!("new-certificate:{NEW}"), at);
            record
        };
        let ago = |days: i64| now() - SignedDuration::from_hours(24 * days);
        let mut exposed = record(None);
        exposed
            .exposed
            .insert("AKIAIOSFODNN7EXAMPLE".parse().unwrap());
        let mut owed = record(None);
        owed.owed = Some(Owed {
            reason: Reason::Emergency,
            request: "r".to_owned(),
            asked_at: now(),
        });
        let after = Counts::After(grace());
        let cases = [
            (None, true, false, after.clone()),
            (None, false, false, Counts::First),
            (Some(record(None)), true, true, after.clone()),
            (Some(record(Some(NEW))), true, false, Counts::Already),
            (Some(record(Some(OLD))), true, true, Counts::Certified),
            (Some(record(Some(OLD))), true, false, after.clone()),
            (Some(record(Some(OLD))), false, false, after.clone()),
            (Some(exposed), false, false, after.clone()),
            (Some(owed), false, false, after),
            (Some(told(ago(2))), true, false, Counts::From(ago(-5))),
            (Some(told(ago(8))), true, false, Counts::Already),
        ];
        for (record, has_key, is_certified, counts) in cases {
            let keys = keys(has_key);
            let plan = with(|seen| {
                plan(&Seen {
                    record: record.as_ref(),
                    keys: Some(&keys),
                    is_certified,
                    is_stored: true,
                    tag: Some(NEW),
                    ..seen
                })
            });
            assert_eq!(plan.counts, counts, "{record:?}");
        }
        // What is stored anew now is told of anew.
        let record = told(ago(2));
        let plan = with(|seen| {
            plan(&Seen {
                record: Some(&record),
                ..seen
            })
        });
        assert_eq!(plan.counts, Counts::After(grace()));
    }
}

//! A chain while it is planned.

use banto_domain::policy::onboarding::{Baseline, Item, OnboardingPolicy};
use banto_domain::status::{Condition, Reason, ReasonKind};
use banto_ports::{OrgAccount, RegionState};
use jiff::Timestamp;

use crate::converge::actions::{Action, Chain};
use crate::converge::snapshot::{LiveConfig, LiveRegion, Seen};

/// The account that is planned, and what it must have.
pub(super) struct Target<'a> {
    pub(super) policy: &'a OnboardingPolicy,
    pub(super) baseline: &'a Baseline,
    pub(super) account: &'a OrgAccount,
    pub(super) now: Timestamp,
    /// True if Control Tower may still be making recorders.
    pub(super) waits_for_control_tower: bool,
}

/// A chain while it is planned, with everything that speaks against its place being in place.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) actions: Vec<Action>,
    pub(super) reasons: Vec<Reason>,
    /// What differs and is reported only.
    pub(super) drift: Vec<String>,
    /// Things that another keeps so, in words.
    left_alone: Vec<String>,
}

/// A difference between an account and its baseline, and the action that ends it.
pub(super) struct Difference {
    pub(super) item: Item,
    /// True if nothing of the kind is there yet. What is absent is set up, even if the policy only
    /// reports the item's drift: that is what onboarding means.
    pub(super) is_absent: bool,
    /// The difference in a few words, for what is reported only. Part of a saved mark: a new
    /// wording is notified anew.
    pub(super) summary: String,
    pub(super) action: Action,
}

impl Target<'_> {
    /// True if the policy says to report this item's drift, and not to repair it.
    pub(super) fn reports_only(&self, item: Item) -> bool {
        self.baseline.report_only.contains(&item)
    }
}

impl Draft {
    /// Plans the action that ends a difference, or reports the difference.
    pub(super) fn resolve(&mut self, target: &Target<'_>, difference: Difference) {
        if !difference.is_absent && target.reports_only(difference.item) {
            self.drift.push(difference.summary);
        } else {
            self.actions.push(difference.action);
        }
    }

    /// The value that was seen. A look that failed is a reason, and nothing is done on the word of
    /// it.
    pub(super) fn seen<'a, T>(&mut self, seen: Option<&'a Seen<T>>) -> Option<&'a T> {
        match seen? {
            Ok(value) => Some(value),
            Err(reason) => {
                self.reasons.push(reason.clone());
                None
            }
        }
    }

    /// AWS Config as it was seen in a region that the account can use.
    pub(super) fn config<'a>(&mut self, live: &'a LiveRegion) -> Option<&'a LiveConfig> {
        if live.state == Some(RegionState::Enabling) {
            self.reason(ReasonKind::RegionDisabled, "it is being enabled");
            return None;
        }
        self.seen(live.config.as_ref())
    }

    /// Notes something that another service or the Organization keeps so.
    pub(super) fn leave_alone(&mut self, because: impl Into<String>) {
        self.left_alone.push(because.into());
    }

    /// Adds a reason why the place is not in place.
    pub(super) fn reason(&mut self, kind: ReasonKind, detail: impl Into<String>) {
        self.reasons.push(Reason::new(kind, detail));
    }

    /// The finished chain. A reason that only people can mend counts most, then one that may pass,
    /// then drift.
    pub(super) fn chain(self) -> Chain {
        let worst = self
            .reasons
            .into_iter()
            .min_by_key(|reason| reason.kind.is_transient());
        let condition = match (worst, self.left_alone.is_empty()) {
            (Some(reason), _) => reason.condition(),
            (None, _) if !self.drift.is_empty() => Condition::Drifted { items: self.drift },
            (None, false) => Condition::LeftAlone {
                because: self.left_alone.join("; "),
            },
            (None, true) => Condition::InPlace,
        };
        Chain {
            actions: self.actions,
            condition,
        }
    }
}

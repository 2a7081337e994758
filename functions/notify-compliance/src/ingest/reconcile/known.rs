//! The open findings of an account, as small as a comparison needs them: an account may have
//! 100,000, and a process has 128 MB.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use banto_domain::compliance::{Compliance, FindingKey, FindingState};
use banto_domain::{Region, RuleName};

/// A finding by the number that its id is.
pub(super) type Id = u128;

/// The findings of an account that are not over, some 80 bytes each.
#[derive(Debug, Default)]
pub(super) struct KnownFindings {
    by_id: HashMap<Id, Known>,
    /// The findings of each rule, by its own name.
    by_rule: BTreeMap<RuleName, Vec<Id>>,
    places: Interned<(RuleName, Region)>,
    told: Interned<BTreeSet<String>>,
}

/// A finding.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The number of its rule and region.
    place: u32,
    /// The number of the routes that were told that it is open.
    told: u32,
    /// True if it is open, neither flaps nor is in doubt, and AWS Config can tell.
    is_settled: bool,
    is_global: bool,
    fate: Fate,
}

/// The fate of a finding in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The aggregator has not listed it yet.
    Unseen,
    /// The aggregator has listed it.
    Seen,
    /// The aggregator does not list it.
    Absent,
    /// Nothing is known but that it may belong on other routes.
    AsKnown,
    /// Its account was closed.
    AccountClosed,
}

/// A finding that the aggregator has not listed yet.
#[derive(Debug, Clone)]
pub(super) struct Unseen {
    pub(super) id: Id,
    /// The rule, as it is deployed, and the region; `None` if any deployment may list it.
    pub(super) place: Option<(RuleName, Region)>,
}

impl Unseen {
    /// True if a deployment of its rule, by region and name, may list it.
    pub(super) fn may_be_in(&self, (region, rule): &(Region, RuleName)) -> bool {
        let place = self.place.as_ref();
        place.is_none_or(|(own_rule, own_region)| own_region == region && own_rule == rule)
    }
}

/// The routes that a finding belongs on.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) routes: &'a BTreeSet<String>,
    /// True if a waiver keeps it from those that do not know of it.
    pub(super) is_waived: bool,
}

impl Wanted<'_> {
    fn is_met_by(&self, told: &BTreeSet<String>) -> bool {
        told == self.routes || (self.is_waived && told.is_subset(self.routes))
    }
}

impl KnownFindings {
    pub(super) fn add(&mut self, state: &FindingState) {
        let key = &state.key;
        let known = Known {
            place: self.places.number((key.rule.clone(), key.region.clone())),
            told: self.told.number(state.told.clone()),
            is_settled: state.compliance == Compliance::Noncompliant
                && !state.flapping
                && state.doubted_at.is_none()
                && state.unknown_since.is_none(),
            is_global: FindingKey::is_global(&key.resource_type),
            fate: Fate::Unseen,
        };
        let id = id_of(key);
        self.by_id.insert(id, known);
        self.by_rule.entry(key.rule.own()).or_default().push(id);
    }

    /// Marks all findings of an account that was closed.
    pub(super) fn close_account(&mut self) {
        for known in self.by_id.values_mut() {
            known.fate = Fate::AccountClosed;
        }
    }

    /// Notes that the aggregator lists a finding as open. Returns true if that is known, and so are
    /// the routes that it belongs on.
    pub(super) fn meet(&mut self, id: Id, wanted: &Wanted<'_>) -> bool {
        let Some(known) = self.by_id.get_mut(&id) else {
            return false;
        };
        known.fate = Fate::Seen;
        let told = self.told.value(known.told);
        known.is_settled && told.is_some_and(|told| wanted.is_met_by(told))
    }

    pub(super) fn set_fate(&mut self, id: Id, fate: Fate) {
        if let Some(known) = self.by_id.get_mut(&id) {
            known.fate = fate;
        }
    }

    pub(super) fn fate(&self, key: &FindingKey) -> Option<Fate> {
        self.by_id.get(&id_of(key)).map(|known| known.fate)
    }

    /// True if something is left for the second look at the states.
    pub(super) fn needs_second_look(&self) -> bool {
        let mut known = self.by_id.values();
        known.any(|known| !matches!(known.fate, Fate::Unseen | Fate::Seen))
    }

    /// The findings of a rule, by its own name, that the aggregator has not listed.
    pub(super) fn unseen(&self, rule: &RuleName) -> Vec<Unseen> {
        let mut unseen = Vec::new();
        for id in self.by_rule.get(rule).into_iter().flatten() {
            let known = self.by_id.get(id);
            if let Some(known) = known.filter(|known| known.fate == Fate::Unseen) {
                let place = self.places.value(known.place).cloned();
                unseen.push(Unseen {
                    id: *id,
                    place: place.filter(|_| !known.is_global),
                });
            }
        }
        unseen
    }

    /// The rules of all findings, by their own names.
    pub(super) fn rules(&self) -> BTreeSet<RuleName> {
        self.by_rule.keys().cloned().collect()
    }
}

pub(super) fn id_of(key: &FindingKey) -> Id {
    // An id is 32 hexadecimal digits.
    Id::from_str_radix(&key.id(), 16).unwrap_or_default()
}

/// Values that many findings share, by number.
#[derive(Debug)]
struct Interned<T> {
    numbers: BTreeMap<T, u32>,
    values: Vec<T>,
}

impl<T: Ord + Clone> Interned<T> {
    fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        // An account has fewer findings than numbers.
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    fn value(&self, number: u32) -> Option<&T> {
        self.values.get(usize::try_from(number).ok()?)
    }
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            numbers: BTreeMap::new(),
            values: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_findings_fit_into_sixteen_megabytes() {
        // A map of the standard library is at least 7/16 full, and has a byte of its own an entry.
        let entry = size_of::<(Id, Known)>() + 1;
        // A list that grows is at least half full.
        let listed = 2 * size_of::<Id>();
        assert!(
            (entry * 16 / 7 + listed) * 100_000 < 16_000_000,
            "{entry} bytes an entry"
        );
    }
}

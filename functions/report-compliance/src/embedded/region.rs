//! Reads a snapshot into what it says of an account in a region. No I/O: pieces come in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Region, RuleName};

use super::cut::{Items, Odd};
use super::document::{Document, Unreadable};
use super::item::{Compliance, Item, ItemError, Resource};
use super::json::Members;
use super::names::Names;
use crate::evidence::{Evaluation, Problem, RegionEvidence, Snapshot, Verdict, VerdictCounts};

/// Reads a snapshot that comes in pieces of whatever length.
///
/// Its memory is bounded by the longest item, the names of resources, and what it returns.
#[derive(Debug)]
pub struct SnapshotReader<'a> {
    document: Document<Tally<'a>>,
}

impl<'a> SnapshotReader<'a> {
    /// Begins to read a snapshot. Findings that were open before are told of, be they compliant.
    pub fn new(
        account: &'a AccountId,
        region: &'a Region,
        snapshot: Snapshot,
        previously_open: &'a BTreeSet<FindingKey>,
    ) -> Self {
        Self {
            document: Document::new(Tally::new(account, region, snapshot, previously_open)),
        }
    }

    /// Reads the next piece, as it lies in the archive.
    ///
    /// # Errors
    /// If the snapshot can't be read to its end: what it said so far is nothing then.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        self.document.push(piece)
    }

    /// Returns what the snapshot says, and what of it could not be understood.
    ///
    /// # Errors
    /// As of [`push`](Self::push).
    pub fn finish(self) -> Result<(RegionEvidence, Vec<Problem>), Unreadable> {
        Ok(self.document.finish()?.finish())
    }
}

/// Adds up a snapshot's items.
#[derive(Debug)]
struct Tally<'a> {
    account: &'a AccountId,
    region: &'a Region,
    snapshot: Snapshot,
    previously_open: &'a BTreeSet<FindingKey>,
    /// The resources of those in this region: few compliant ones are worth a closer look.
    open_ids: BTreeSet<&'a str>,
    resources: u64,
    /// Rules by their names as written; `None` for what is no rule's name.
    rules: HashMap<String, Option<(RuleName, VerdictCounts)>>,
    evaluations: Vec<Evaluation>,
    names: Names,
    oddities: BTreeMap<Oddity, u64>,
}

/// Something about an item that is told as a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Oddity {
    Odd(Odd),
    Item(ItemError),
    RuleName,
}

impl<'a> Tally<'a> {
    fn new(
        account: &'a AccountId,
        region: &'a Region,
        snapshot: Snapshot,
        previously_open: &'a BTreeSet<FindingKey>,
    ) -> Self {
        let here = previously_open.iter().filter(|key| key.region == *region);
        Self {
            account,
            region,
            snapshot,
            previously_open,
            open_ids: here.map(|key| key.resource_id.as_str()).collect(),
            resources: 0,
            rules: HashMap::new(),
            evaluations: Vec::new(),
            names: Names::default(),
            oddities: BTreeMap::new(),
        }
    }

    fn note(&mut self, oddity: Oddity) {
        *self.oddities.entry(oddity).or_default() += 1;
    }

    fn resource(&mut self, resource: &Resource<'_>) {
        self.resources += 1;
        self.names.keep(resource);
    }

    fn compliance(&mut self, compliance: &Compliance) {
        let is_global = FindingKey::is_global(&compliance.resource_type);
        for (name, verdict) in &compliance.rules {
            let Some(rule) = self.rule(name, *verdict, is_global) else {
                self.note(Oddity::RuleName);
                continue;
            };
            let counts_alone = matches!(verdict, Verdict::Noncompliant | Verdict::InsufficientData);
            if counts_alone || is_global || self.was_open(&rule, compliance) {
                self.evaluations.push(Evaluation {
                    rule,
                    resource_type: compliance.resource_type.clone(),
                    resource_id: compliance.resource_id.clone(),
                    name: None,
                    arn: None,
                    verdict: *verdict,
                    recorded_at: (compliance.recorded_at).unwrap_or(self.snapshot.taken_at),
                });
            }
        }
    }

    /// Counts a verdict of a rule, unless on a global resource, and returns the rule.
    fn rule(&mut self, name: &str, verdict: Verdict, is_global: bool) -> Option<RuleName> {
        if !self.rules.contains_key(name) {
            let rule = name
                .parse()
                .ok()
                .map(|rule| (rule, VerdictCounts::default()));
            self.rules.insert(name.to_owned(), rule);
        }
        let (rule, counts) = self.rules.get_mut(name)?.as_mut()?;
        if !is_global {
            counts.count(verdict);
        }
        Some(rule.clone())
    }

    fn was_open(&self, rule: &RuleName, compliance: &Compliance) -> bool {
        self.open_ids.contains(compliance.resource_id.as_str())
            && self.previously_open.contains(&FindingKey::new(
                self.account.clone(),
                self.region,
                rule.clone(),
                compliance.resource_type.clone(),
                compliance.resource_id.clone(),
            ))
    }

    fn finish(mut self) -> (RegionEvidence, Vec<Problem>) {
        for evaluation in &mut self.evaluations {
            let names = self
                .names
                .get(&evaluation.resource_type, &evaluation.resource_id);
            (evaluation.name, evaluation.arn) = names;
        }
        let key = &self.snapshot.key;
        let problem = |(oddity, count): (&Oddity, &u64)| Problem {
            key: key.clone(),
            what: oddity.in_words(*count),
        };
        let problems = self.oddities.iter().map(problem).collect();
        let counts = (self.rules.into_values().flatten())
            .filter(|(_, counts)| *counts != VerdictCounts::default());
        let evidence = RegionEvidence {
            counts: counts.collect(),
            snapshot: Some(self.snapshot),
            resources: self.resources,
            evaluations: self.evaluations,
            has_odd_items: !self.oddities.is_empty(),
        };
        (evidence, problems)
    }
}

impl Items for Tally<'_> {
    fn item(&mut self, item: Members<'_>) {
        match Item::new(item) {
            Ok(Item::Resource(resource)) => self.resource(&resource),
            Ok(Item::Compliance(compliance)) => self.compliance(&compliance),
            Ok(Item::Neither) => {}
            Err(error) => self.note(Oddity::Item(error)),
        }
    }

    fn odd(&mut self, what: Odd) {
        self.note(Oddity::Odd(what));
    }
}

impl Oddity {
    fn in_words(self, count: u64) -> String {
        let items = if count == 1 { "item" } else { "items" };
        match self {
            Self::Odd(odd) => format!("{count} {items} {odd}"),
            Self::Item(error) => format!("{count} {items} {error}"),
            Self::RuleName => format!("{count} evaluations by rules without a valid name"),
        }
    }
}

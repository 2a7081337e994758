//! What was seen of one account, as values.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::AccountInfo;
use banto_domain::{Month, Region, RuleName};
use banto_ports::RuleCompliance;

use crate::evidence::{AccountEvidence, Evaluation, Period};
use crate::model::{AccountMonth, FindingRow};

/// Everything that decides what an account is in a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub period: Period,
    /// The account, as Organizations tells it; one that only the archive knows has its id for a
    /// name.
    pub account: AccountInfo,
    pub evidence: AccountEvidence,
    pub previous: Previous,
    /// The rules that any account had as organization rules in the month before, by region and own
    /// name: each account should have them in those regions from which it delivers.
    pub organization_rules: BTreeSet<(Region, RuleName)>,
    pub aggregated: Aggregated,
    /// What onboard-accounts says of the account, where something is not in place.
    pub onboarding: Option<String>,
}

/// The account at the end of the month before.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Previous {
    /// There is no month before for any account.
    #[default]
    NoMonth,
    /// There is one, and the account was not in it.
    NoAccount(Month),
    /// What it was.
    Known {
        month: Month,
        account: Box<AccountMonth>,
        /// Those of its findings that were not over.
        open: Vec<FindingRow>,
    },
}

impl Previous {
    /// The month before, if there is one for any account.
    pub fn month(&self) -> Option<Month> {
        match self {
            Self::NoMonth => None,
            Self::NoAccount(month) | Self::Known { month, .. } => Some(*month),
        }
    }
}

/// What the aggregator says of what the snapshots lack.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Aggregated {
    /// Nobody asked it: the policy names none, nothing is lacking, or the month is long over.
    #[default]
    NotAsked,
    /// It was asked and did not answer.
    Unknown,
    /// Its answer.
    Known {
        /// Every rule of the account, and its compliance there.
        rules: BTreeMap<(Region, RuleName), RuleCompliance>,
        /// The evaluations of regions whose snapshots have no compliance at all.
        evaluations: BTreeMap<Region, Vec<Evaluation>>,
    },
}

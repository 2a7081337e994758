//! The policy of `[report]`: the monthly report and the dashboard.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::compliance::FindingPolicy;
use super::onboarding::{AccountSelector, Dashboard};
use crate::{OuId, Region};

/// The policy of report-compliance.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportPolicy {
    /// The kill switch: `false` reads nothing and tells nobody.
    pub enabled: bool,
    /// The log archive: where AWS Config's `AWSLogs/` lies.
    pub archive: ObjectPlace,
    /// Where the months' models, the dashboard and the claims of mails lie.
    pub store: ObjectPlace,
    /// The engine that reads the archive.
    pub engine: EngineChoice,
    /// True if history files are read too: they say how many items each account recorded, which is
    /// what AWS Config's bill comes from.
    pub history: bool,
    /// The regions from which every account delivers; those seen in it, if empty.
    pub regions: BTreeSet<Region>,
    /// The rules that accounts must have.
    pub expected: Vec<ExpectedRules>,
    /// Age at the month's end from which a snapshot says nothing of it any more: the account has
    /// stopped delivering.
    pub stale_after: SignedDuration,
    /// The Config aggregator that is asked for what snapshots lack; nobody is, without one.
    pub aggregator: Option<String>,
    /// Most months in charts of the trend.
    pub trend_months: usize,
    /// Mail; none is sent without it.
    pub mail: Option<ReportMail>,
    /// The address at which people read what is in the store, with a slash at its end.
    pub address: Option<String>,
    /// Names of organizational units, by id.
    pub units: BTreeMap<OuId, String>,
    /// Where onboard-accounts publishes the status of all accounts: it says why one delivers
    /// nothing.
    pub statuses: Option<Dashboard>,
    /// Words about rules, owners, waivers: those that notify-compliance has.
    pub findings: FindingPolicy,
}

/// A bucket, and what keys in it begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPlace {
    /// The bucket.
    pub bucket: String,
    /// Empty, or with a slash at its end.
    pub prefix: String,
}

/// The engine that reads the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineChoice {
    /// The function reads the objects itself.
    Embedded,
    /// Athena reads them, for archives that outgrow one function.
    Athena(AthenaPolicy),
}

/// Athena, and the most that a report may read with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaPolicy {
    /// The workgroup, which says where results go.
    pub workgroup: String,
    /// The Glue database of the tables and views.
    pub database: String,
    /// Most bytes that the queries of one report may scan.
    pub scan_limit: u64,
}

/// Rules that accounts must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRules {
    /// The rules' own names, without wildcards: what is missing must have a name.
    pub rules: BTreeSet<String>,
    /// The accounts; all, if empty.
    pub accounts: Vec<AccountSelector>,
    /// The regions; all that the account delivers from, if empty.
    pub regions: BTreeSet<Region>,
}

/// The report's mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportMail {
    /// The sender's address, verified with SES.
    pub from: String,
    /// Those who get the mail with everything.
    pub to: Vec<String>,
    /// Those who get the mail of an owner, by what the owner tag says. An owner without an entry
    /// whose tag is a mail address gets it there.
    pub owners: BTreeMap<String, Vec<String>>,
    /// The SES configuration set, by which bounces reach a topic.
    pub configuration_set: Option<String>,
}

impl ReportPolicy {
    /// The organizational unit right above an account, by its name where the policy has one, else
    /// by its id; empty where the path is not known.
    pub fn unit_of(&self, path: &[OuId]) -> String {
        let Some(unit) = path.last() else {
            return String::new();
        };
        let name = self.units.get(unit);
        name.map_or(unit.as_str(), String::as_str).to_owned()
    }
}

impl ReportMail {
    /// The addresses of an owner; none if nobody knows any.
    pub fn addresses_of(&self, owner: &str) -> Vec<String> {
        match self.owners.get(owner) {
            Some(addresses) => addresses.clone(),
            None if owner.contains('@') => vec![owner.to_owned()],
            None => Vec::new(),
        }
    }
}

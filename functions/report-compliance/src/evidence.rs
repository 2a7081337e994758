//! What the archive says of one account at a month's end: the same, whichever engine read it.

use std::collections::BTreeMap;

use banto_domain::{Month, Region, RuleName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A month, and the moment at which it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    pub month: Month,
    /// The first moment that no longer counts: the month's end, or now while it lasts.
    pub end: Timestamp,
}

/// What an engine read, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineUsage {
    /// Objects that were read; 0 where Athena read them.
    pub objects: u64,
    /// Bytes that were read as they lie in the archive, compressed, or that Athena scanned.
    pub bytes: u64,
    /// True if Athena read them, and is paid by the byte.
    pub by_athena: bool,
}

/// What the archive says of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountEvidence {
    /// Every region of which the archive has anything from before the period's end. One that began
    /// to deliver later was not there yet.
    pub regions: BTreeMap<Region, RegionEvidence>,
    /// Configuration items that were recorded in the month, by resource type: what AWS Config's
    /// bill comes from. Empty where history files are not read.
    pub recorded: BTreeMap<String, u64>,
    /// Objects that could not be understood; all others count.
    pub problems: Vec<Problem>,
}

/// What the archive says of an account in a region: what its last readable snapshot at or before
/// the period's end has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegionEvidence {
    /// The snapshot; `None` if there is none that can be read.
    pub snapshot: Option<Snapshot>,
    /// Its items that are resources, rather than their compliance.
    pub resources: u64,
    /// Its evaluations by rule, as deployed, and verdict: of all resources but the global ones
    /// ([`banto_domain::compliance::FindingKey::is_global`]).
    pub counts: BTreeMap<RuleName, VerdictCounts>,
    /// Those evaluations that count one by one: all that are neither compliant nor not applicable,
    /// all of global resources, and all of findings that were [open
    /// before](crate::engine::ReadJob::previously_open). In no order.
    pub evaluations: Vec<Evaluation>,
    /// True if items of it could not be understood. Each may be the compliance of any resource, so
    /// that what is absent may be one of them.
    pub has_odd_items: bool,
}

/// A snapshot of AWS Config.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// When it was taken, as its key says.
    pub taken_at: Timestamp,
    /// Its key.
    pub key: String,
}

/// The numbers of a rule's evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerdictCounts {
    pub compliant: u64,
    pub noncompliant: u64,
    pub insufficient_data: u64,
    pub not_applicable: u64,
}

impl VerdictCounts {
    /// Counts an evaluation.
    pub fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Compliant => self.compliant += 1,
            Verdict::Noncompliant => self.noncompliant += 1,
            Verdict::InsufficientData => self.insufficient_data += 1,
            Verdict::NotApplicable => self.not_applicable += 1,
        }
    }
}

/// One resource under one rule, as a snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evaluation {
    /// The rule, as it is deployed.
    pub rule: RuleName,
    pub resource_type: String,
    /// The resource's id in AWS Config; of IAM users and roles their unique id.
    pub resource_id: String,
    /// The resource's name, where the snapshot has one other than its id.
    pub name: Option<String>,
    /// The resource's ARN, where the snapshot has one.
    pub arn: Option<String>,
    pub verdict: Verdict,
    /// When AWS Config recorded the compliance of this resource last, under whichever rule.
    pub recorded_at: Timestamp,
}

/// The verdict of a rule on a resource. (AWS Config API reference, `EvaluationResult`, field
/// `ComplianceType`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Compliant,
    Noncompliant,
    /// AWS Config can't tell: neither compliant nor not. A verdict that this release does not know
    /// counts as one, too.
    InsufficientData,
    /// The rule says nothing about such a resource.
    NotApplicable,
}

/// An object of the archive that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Its key.
    pub key: String,
    /// What was wrong with it, in words.
    pub what: String,
}

//! Rows of the queries as what the archive says of an account.

use std::collections::BTreeSet;

use banto_domain::compliance::FindingKey;
use banto_domain::{Region, RuleName};
use banto_ports::PortError;
use jiff::Timestamp;

use super::rows::{Row, unreadable};
use crate::engine::ReadJob;
use crate::evidence::{AccountEvidence, Evaluation, Problem, Snapshot, Verdict};

/// The evidence on an account, as its rows come. Rows of snapshots come first.
pub(super) struct Gathered<'a> {
    job: ReadJob<'a>,
    evidence: AccountEvidence,
    problems: BTreeSet<Problem>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(job: ReadJob<'a>) -> Self {
        Self {
            job,
            evidence: AccountEvidence::default(),
            problems: BTreeSet::new(),
        }
    }

    pub(super) fn evidence(self) -> AccountEvidence {
        let problems = self.problems.into_iter().collect();
        AccountEvidence {
            problems,
            ..self.evidence
        }
    }

    /// Adds a row of `snapshots.sql`.
    pub(super) fn add_snapshot(&mut self, row: &Row) -> Result<(), PortError> {
        let region: Region = row.parsed("region")?;
        let key = key_of(row.need("path")?)?;
        let is_readable: bool = row.parsed("is_readable")?;
        let found = self.evidence.regions.entry(region).or_default();
        if is_readable {
            let taken_at = moment(row.need("taken")?)?;
            found.resources = row.parsed("resources")?;
            let odd: u64 = row.parsed("odd")?;
            found.has_odd_items |= odd > 0;
            found.snapshot = Some(Snapshot {
                taken_at,
                key: key.clone(),
            });
            if odd > 0 {
                self.problem(key, "it has items without a resource type or id");
            }
        } else {
            self.problem(key, "it is not JSON");
        }
        Ok(())
    }

    /// Adds a row of `evaluations.sql`.
    pub(super) fn add_evaluation(&mut self, row: &Row) -> Result<(), PortError> {
        let region: Region = row.parsed("region")?;
        let snapshot = self.snapshot_of(&region)?;
        let Some(evaluation) = evaluation(row, snapshot.taken_at) else {
            let key = snapshot.key.clone();
            self.odd_item(region, key);
            return Ok(());
        };
        if self.counts_alone(&region, &evaluation) {
            let found = self.evidence.regions.entry(region).or_default();
            found.evaluations.push(evaluation);
        }
        Ok(())
    }

    /// Notes compliance that can't be understood in a region's snapshot.
    fn odd_item(&mut self, region: Region, key: String) {
        let found = self.evidence.regions.entry(region).or_default();
        found.has_odd_items = true;
        self.problem(key, "it has compliance without a rule or a resource");
    }

    /// Adds a row of `counts.sql`.
    pub(super) fn add_count(&mut self, row: &Row) -> Result<(), PortError> {
        let region: Region = row.parsed("region")?;
        let Ok(rule) = row.parsed::<RuleName>("rule") else {
            let key = self.snapshot_of(&region)?.key.clone();
            self.odd_item(region, key);
            return Ok(());
        };
        let evaluations: u64 = row.parsed("evaluations")?;
        let found = self.evidence.regions.entry(region).or_default();
        let counts = found.counts.entry(rule).or_default();
        let of_verdict = match verdict(row) {
            Verdict::Compliant => &mut counts.compliant,
            Verdict::Noncompliant => &mut counts.noncompliant,
            Verdict::InsufficientData => &mut counts.insufficient_data,
            Verdict::NotApplicable => &mut counts.not_applicable,
        };
        // Several verdicts that this release does not know are one.
        *of_verdict += evaluations;
        Ok(())
    }

    /// Adds a row of `recorded.sql`.
    pub(super) fn add_recorded(&mut self, row: &Row) -> Result<(), PortError> {
        if let Some(path) = row.get("unreadable_path") {
            self.problem(key_of(path)?, "it is not JSON");
        } else if let Some(resource_type) = row.get("resource_type") {
            let items: u64 = row.parsed("items")?;
            let recorded = &mut self.evidence.recorded;
            *recorded.entry(resource_type.to_owned()).or_default() += items;
        }
        Ok(())
    }

    /// True of an evaluation that is one of [`RegionEvidence::evaluations`].
    ///
    /// [`RegionEvidence::evaluations`]: crate::evidence::RegionEvidence::evaluations
    fn counts_alone(&self, region: &Region, evaluation: &Evaluation) -> bool {
        let is_over = matches!(
            evaluation.verdict,
            Verdict::Compliant | Verdict::NotApplicable
        );
        if !is_over || FindingKey::is_global(&evaluation.resource_type) {
            return true;
        }
        let key = FindingKey::new(
            self.job.account.clone(),
            region,
            evaluation.rule.clone(),
            evaluation.resource_type.clone(),
            evaluation.resource_id.clone(),
        );
        self.job.previously_open.contains(&key)
    }

    /// Returns the snapshot that a row of a region is from.
    fn snapshot_of(&self, region: &Region) -> Result<&Snapshot, PortError> {
        let found = self.evidence.regions.get(region);
        let snapshot = found.and_then(|found| found.snapshot.as_ref());
        snapshot.ok_or_else(|| unreadable("a row is of a snapshot that is not there"))
    }

    fn problem(&mut self, key: String, what: &str) {
        let what = what.to_owned();
        self.problems.insert(Problem { key, what });
    }
}

/// The evaluation of a row, if it has all that one needs. One that does not say when it was recorded
/// is as old as its snapshot.
fn evaluation(row: &Row, taken_at: Timestamp) -> Option<Evaluation> {
    let recorded_at = row.get("recorded_at").and_then(|at| at.parse().ok());
    let resource_id = row.get("resource_id")?.to_owned();
    let stated = |column| row.get(column).filter(|value| !value.is_empty());
    let name = stated("name").filter(|name| *name != resource_id);
    Some(Evaluation {
        rule: row.get("rule")?.parse().ok()?,
        resource_type: row.get("resource_type")?.to_owned(),
        name: name.map(str::to_owned),
        arn: stated("arn").map(str::to_owned),
        verdict: verdict(row),
        recorded_at: recorded_at.unwrap_or(taken_at),
        resource_id,
    })
}

fn verdict(row: &Row) -> Verdict {
    match row.get("verdict") {
        Some("COMPLIANT") => Verdict::Compliant,
        Some("NON_COMPLIANT") => Verdict::Noncompliant,
        Some("NOT_APPLICABLE") => Verdict::NotApplicable,
        _ => Verdict::InsufficientData,
    }
}

/// The key of an object whose address is `s3://bucket/key`.
fn key_of(path: &str) -> Result<String, PortError> {
    let key = path
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'));
    let (_, key) = key.ok_or_else(|| unreadable("a row's path is none of S3"))?;
    Ok(key.to_owned())
}

/// The moment in a snapshot's key: `20261031T060000Z`.
fn moment(taken: &str) -> Result<Timestamp, PortError> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", taken);
    let moment = civil.and_then(|civil| jiff::tz::TimeZone::UTC.to_timestamp(civil));
    moment.map_err(|_| unreadable("a snapshot's key has no time"))
}

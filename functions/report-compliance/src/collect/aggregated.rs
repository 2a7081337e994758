//! Asks the aggregator for what an account's snapshots lack.

use std::collections::BTreeMap;

use banto_domain::compliance::Compliance;
use banto_domain::{AccountId, Region};
use banto_ports::{AggregatedRule, Aggregator, PortError, RuleCompliance};
use jiff::{SignedDuration, Timestamp};

use super::plan::{Lacking, lacking};
use super::snapshot::{Aggregated, Snapshot};
use crate::evidence::{Evaluation, Verdict};
use banto_domain::policy::ReportPolicy;

/// Time after a month's end for which the aggregator is asked: it knows the present only, and a
/// week later that says little of the month's end.
const ASKED_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Most evaluations of an account that the aggregator is asked for: 1,000 pages, which take
/// minutes. An account with more stays unknown.
const MAX_EVALUATIONS: usize = 100_000;

/// Asks the aggregator for what a snapshot lacks, if there is one to ask, and if it still knows. An
/// aggregator that does not answer leaves unknown what it was asked.
pub async fn ask(
    aggregator: Option<&dyn Aggregator>,
    snapshot: &Snapshot,
    policy: &ReportPolicy,
    now: Timestamp,
) -> Aggregated {
    let Some(aggregator) = aggregator else {
        return Aggregated::NotAsked;
    };
    let lacking = lacking(snapshot, policy);
    if lacking.is_empty() || now.duration_since(snapshot.period.end) > ASKED_WITHIN {
        return Aggregated::NotAsked;
    }
    let account = &snapshot.account.id;
    match answer(aggregator, account, &lacking).await {
        Ok(known) => known,
        Err(error) => {
            tracing::warn!(account.id = %account, %error, "the aggregator does not answer");
            Aggregated::Unknown
        }
    }
}

async fn answer(
    aggregator: &dyn Aggregator,
    account: &AccountId,
    lacking: &Lacking,
) -> Result<Aggregated, PortError> {
    let rules = aggregator.rules(account).await?;
    let mut evaluations: BTreeMap<Region, Vec<Evaluation>> = BTreeMap::new();
    let mut count = 0;
    for ((region, rule), compliance) in &rules {
        if !lacking.evaluations.contains(region) {
            continue;
        }
        let rule = AggregatedRule {
            account: account.clone(),
            region: region.clone(),
            rule: rule.clone(),
        };
        for asked in asked_of(*compliance) {
            let found = evaluations_of(aggregator, &rule, *asked).await?;
            count += found.len();
            if count > MAX_EVALUATIONS {
                tracing::warn!(account.id = %account, "too many evaluations to ask for");
                return Ok(Aggregated::Unknown);
            }
            evaluations.entry(region.clone()).or_default().extend(found);
        }
    }
    Ok(Aggregated::Known { rules, evaluations })
}

/// The evaluations that there are of a rule with a compliance.
fn asked_of(compliance: RuleCompliance) -> &'static [Compliance] {
    match compliance {
        RuleCompliance::Compliant => &[Compliance::Compliant],
        RuleCompliance::Noncompliant => &[Compliance::Noncompliant, Compliance::Compliant],
        RuleCompliance::NotApplicable | RuleCompliance::InsufficientData => &[],
    }
}

async fn evaluations_of(
    aggregator: &dyn Aggregator,
    rule: &AggregatedRule,
    compliance: Compliance,
) -> Result<Vec<Evaluation>, PortError> {
    let verdict = match compliance {
        Compliance::Compliant => Verdict::Compliant,
        Compliance::Noncompliant => Verdict::Noncompliant,
    };
    let mut evaluations = Vec::new();
    let mut after = None;
    loop {
        let page = aggregator.evaluations(rule, compliance, after).await?;
        for found in page.items {
            evaluations.push(Evaluation {
                rule: rule.rule.clone(),
                resource_type: found.key.resource_type,
                resource_id: found.key.resource_id,
                name: None,
                arn: None,
                verdict,
                recorded_at: found.recorded_at,
            });
        }
        after = page.next;
        if after.is_none() || evaluations.len() > MAX_EVALUATIONS {
            return Ok(evaluations);
        }
    }
}

//! Decides what to do in an account: pure, from the snapshot, the policy and the time.
//!
//! A plan has a chain of actions for the account as a whole and one for each region. Each chain
//! says which condition its place has once the actions are done: what only people can mend, what is
//! reported and not repaired, or that all is in place.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{Baseline, OnboardingPolicy};
use banto_domain::status::{Condition, Reason, ReasonKind};
use banto_domain::{PerPlace, Region};
use banto_ports::StackInstance;
use jiff::Timestamp;

mod draft;
mod recording;
mod roles;
mod settings;
mod stack;

use self::draft::{Draft, Target};
use super::actions::{Chain, Plan};
use super::expected::{expected_baseline, is_new_to_control_tower};
use super::snapshot::{LiveAccount, LiveRegion, Seen, Snapshot, has_recorder};

/// Decides what to do in an account.
pub fn plan(snapshot: &Snapshot, policy: &OnboardingPolicy, now: Timestamp) -> Plan {
    let account = snapshot.job.account().id.clone();
    let chains = match baseline_and_live(snapshot, policy, now) {
        Ok((baseline, live)) => {
            let target = Target {
                policy,
                baseline,
                account: &account,
            };
            chains(&target, live, snapshot.job.instances.as_ref())
        }
        Err(condition) => PerPlace::of_account(Chain {
            actions: Vec::new(),
            condition,
        }),
    };
    Plan { account, chains }
}

/// The baseline of an account and what was seen inside it; or the condition of an account in which
/// nothing is to be done now.
fn baseline_and_live<'a>(
    snapshot: &'a Snapshot,
    policy: &'a OnboardingPolicy,
    now: Timestamp,
) -> Result<(&'a Baseline, &'a LiveAccount), Condition> {
    let job = &snapshot.job;
    let baseline = expected_baseline(job, policy)?;
    if is_new_to_control_tower(job, policy, now) && !is_recorded(snapshot) {
        let detail = "its CreateManagedAccount event is awaited";
        return Err(Reason::new(ReasonKind::ControlTowerSettingUp, detail).condition());
    }
    match &snapshot.live {
        Some(Ok(live)) => Ok((baseline, live)),
        Some(Err(reason)) => Err(reason.clone().condition()),
        None => Err(Reason::new(ReasonKind::Unavailable, "it was not looked at").condition()),
    }
}

/// True if any region of the account has a recorder.
fn is_recorded(snapshot: &Snapshot) -> bool {
    let Some(Ok(live)) = &snapshot.live else {
        return false;
    };
    live.regions
        .iter()
        .flat_map(BTreeMap::values)
        .any(has_recorder)
}

/// The chains of an account that was seen.
fn chains(
    target: &Target<'_>,
    live: &LiveAccount,
    instances: Option<&Seen<BTreeMap<Region, StackInstance>>>,
) -> PerPlace<Chain> {
    let mut account = account_draft(target, live);
    let mut regions = BTreeMap::new();
    match (&live.regions, instances) {
        (Err(reason), _) | (Ok(_), Some(Err(reason))) => account.reasons.push(reason.clone()),
        (Ok(live), Some(Ok(instances))) => {
            for (region, live) in live {
                let draft = stack::stacked_region(target, live, instances.get(region));
                regions.insert(region.clone(), draft.chain());
            }
        }
        (Ok(live), None) => {
            for (region, live) in live {
                regions.insert(region.clone(), direct_region(target, region, live).chain());
            }
        }
    }
    PerPlace {
        account: account.chain(),
        regions,
    }
}

/// The account as a whole: its roles, then its settings.
fn account_draft(target: &Target<'_>, live: &LiveAccount) -> Draft {
    let mut draft = Draft::default();
    roles::plan_roles(&mut draft, target, live);
    settings::plan_account_settings(&mut draft, target, live);
    draft
}

/// A region, the direct way.
fn direct_region(target: &Target<'_>, region: &Region, live: &LiveRegion) -> Draft {
    let mut draft = Draft::default();
    if let Some(config) = draft.config(live) {
        recording::plan_recording(&mut draft, target, region, config);
    }
    settings::plan_region_settings(&mut draft, target, live);
    draft
}

#[cfg(test)]
mod tests;

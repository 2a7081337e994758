//! Decides what to do in an account: pure, from the snapshot, the policy and the time.
//!
//! A plan has a chain of actions for the account as a whole and one for each region. Each chain
//! says which condition its place has once the actions are done: what only people can mend, what is
//! reported and not repaired, or that all is in place. Both ways read the same and repair the same;
//! by StackSet, what a stack has yet to make is left to it.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{Baseline, OnboardingPolicy};
use banto_domain::status::{Condition, Reason, ReasonKind};
use banto_domain::{PerPlace, Region};
use jiff::Timestamp;

mod draft;
mod health;
mod merge;
mod recording;
mod roles;
mod settings;
mod stack;

use self::draft::{Draft, Target};
use self::stack::Stacks;
use super::actions::{Chain, InstanceChanges, Plan};
use super::expected::{expected_baseline, may_be_set_up_by_control_tower};
use super::snapshot::{LiveAccount, LiveRegion, Snapshot};

/// Decides what to do in an account.
pub fn plan(snapshot: &Snapshot, policy: &OnboardingPolicy, now: Timestamp) -> Plan {
    let account = snapshot.job.account();
    match baseline_and_live(snapshot, policy, now) {
        Ok((baseline, live)) => {
            let target = Target {
                policy,
                baseline,
                account,
                now,
                waits_for_control_tower: may_be_set_up_by_control_tower(&snapshot.job, policy, now),
            };
            plan_seen(&target, live)
        }
        Err(condition) => Plan {
            account: account.id.clone(),
            instances: InstanceChanges::default(),
            chains: PerPlace::of_account(Chain {
                actions: Vec::new(),
                condition,
            }),
        },
    }
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
    if may_be_set_up_by_control_tower(job, policy, now) && !is_recorded(snapshot) {
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
    live.configs()
        .any(|(_, config)| config.recorder().is_some())
}

/// The plan of an account that was seen.
fn plan_seen(target: &Target<'_>, live: &LiveAccount) -> Plan {
    let stacks = Stacks::new(target, live);
    let mut account = account_draft(target, live, &stacks);
    let (mut regions, mut instances) = (BTreeMap::new(), InstanceChanges::default());
    match &live.regions {
        Err(reason) => account.reasons.push(reason.clone()),
        Ok(seen) => {
            for (region, region_live) in seen {
                let mut draft = region_draft(target, region, region_live, &stacks);
                settings::plan_region_settings(&mut draft, target, live, region_live);
                regions.insert(region.clone(), draft.chain());
            }
            instances = stacks.changes(seen.keys());
        }
    }
    Plan {
        account: target.account.id.clone(),
        instances,
        chains: PerPlace {
            account: account.chain(),
            regions,
        },
    }
}

/// The account as a whole: its roles, then its settings.
fn account_draft(target: &Target<'_>, live: &LiveAccount, stacks: &Stacks<'_>) -> Draft {
    let mut draft = Draft::default();
    if let Stacks::Unknown(reason) = stacks {
        draft.reasons.push((*reason).clone());
    }
    roles::plan_roles(&mut draft, target, live, stacks);
    settings::plan_account_settings(&mut draft, target, live);
    draft
}

/// A region's recorder and channel, once no stack has anything to make there.
fn region_draft(
    target: &Target<'_>,
    region: &Region,
    live: &LiveRegion,
    stacks: &Stacks<'_>,
) -> Draft {
    let mut draft = Draft::default();
    let config = draft.config(live);
    match stacks.wait(region) {
        Some(reason) => draft.reasons.push(reason),
        None => {
            if let Some(config) = config {
                recording::plan_recording(&mut draft, target, region, config);
            }
        }
    }
    draft
}

#[cfg(test)]
mod tests;

//! An independent second look at a plan: what O1 forbids, derived anew from snapshot and policy, without the
//! planner's code.

use std::collections::BTreeSet;
use std::fmt;

use banto_domain::policy::onboarding::{Baseline, Expected, Item, OnboardingPolicy, Way};
use banto_domain::{Place, RoleName};
use banto_ports::{AccountState, LiveRole, Recorder, RecordingGroup, RoleChange, VpcPart};

use crate::converge::plan::{Action, Plan};
use crate::converge::snapshot::{LiveAccount, LiveRegion, Snapshot};

/// A way in which a plan would reach beyond the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The action.
    pub action: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "O1: {}: {}", self.action, self.what)
    }
}

/// Everything that is wrong with a plan; nothing, unless the planner errs.
pub fn check(snapshot: &Snapshot, plan: &Plan, policy: &OnboardingPolicy) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (place, part) in plan.parts.iter() {
        for action in &part.actions {
            if let Err(what) = allowed(snapshot, plan, policy, place, action) {
                breaches.push(Breach {
                    action: action.name(),
                    what,
                });
            }
        }
    }
    breaches
}

fn allowed(
    snapshot: &Snapshot,
    plan: &Plan,
    policy: &OnboardingPolicy,
    place: Place<'_>,
    action: &Action,
) -> Result<(), String> {
    let account = &snapshot.account;
    must(plan.account == account.id, || {
        "it is about another account".to_owned()
    })?;
    must(policy.enabled, || "the kill switch is off".to_owned())?;
    must(account.state == AccountState::Active, || {
        "the account is not active".to_owned()
    })?;
    let Expected::Baseline(baseline) = policy.of(&account.id, &account.path, &snapshot.tags) else {
        return Err("the account is to be left alone".to_owned());
    };
    let Some(Ok(inside)) = &snapshot.inside else {
        return Err("nothing was seen of the account".to_owned());
    };
    let by_stack_set =
        matches!(policy.way, Way::StackSet(_)) && account.id != policy.management_account;
    match place {
        Place::Account => global(baseline, inside, by_stack_set, action),
        Place::Region(region) => {
            let view = inside
                .regions
                .as_ref()
                .ok()
                .and_then(|regions| regions.get(region));
            let view = view.ok_or_else(|| format!("nothing was seen of {region}"))?;
            let listed = baseline
                .regions
                .as_ref()
                .is_none_or(|regions| regions.contains(region));
            must(listed, || format!("{region} is not in the baseline"))?;
            regional(baseline, view, by_stack_set, action)
        }
    }
}

fn global(
    baseline: &Baseline,
    inside: &LiveAccount,
    by_stack_set: bool,
    action: &Action,
) -> Result<(), String> {
    let settings = &baseline.settings;
    let reported = |item| baseline.report_only.contains(&item);
    match action {
        Action::CreateConfigRole => {
            let is_there = matches!(inside.config_role, Some(Ok(true)));
            must(!is_there, || "it is there".to_owned())
        }
        Action::CreateRole { name, role } => {
            must(!by_stack_set, || "CloudFormation sees to roles".to_owned())?;
            must(baseline.roles.contains_key(name), || {
                format!("{name} is not in the baseline")
            })?;
            must(live(inside, name).is_none(), || format!("{name} exists"))?;
            must(role.tags.contains_key("banto:managed"), || {
                format!("{name} would not be marked as Banto's")
            })
        }
        Action::ChangeRole { name, change } => {
            must(!by_stack_set, || "CloudFormation sees to roles".to_owned())?;
            let is_baseline = baseline
                .roles
                .keys()
                .any(|known| known.as_str().eq_ignore_ascii_case(name.as_str()));
            must(is_baseline, || format!("{name} is not in the baseline"))?;
            // One that is not there is made by this plan; it can only be added to.
            let Some(live) = live(inside, name) else {
                let adds = matches!(
                    change,
                    RoleChange::Attach(_) | RoleChange::PutInline(..) | RoleChange::Tag(_)
                );
                return must(adds, || format!("{name} was not seen"));
            };
            let tag = live.tags.get("banto:managed");
            must(tag.is_some(), || format!("{name} is not Banto's"))?;
            let is_complete = tag.is_some_and(|tag| tag != "being-made");
            must(!(is_complete && reported(Item::Roles)), || {
                "roles are reported only".to_owned()
            })
        }
        Action::SetPasswordPolicy { .. } => {
            let exists = matches!(inside.password_policy, Some(Ok(Some(_))));
            must(settings.password_policy.is_some(), || {
                "the baseline has no password policy".to_owned()
            })?;
            must(!(exists && reported(Item::PasswordPolicy)), || {
                "it is reported only".to_owned()
            })
        }
        Action::BlockPublicAccess { .. } => {
            let exists = matches!(inside.public_access_blocks, Some(Ok(Some(_))));
            must(settings.block_public_access, || {
                "the baseline does not ask for it".to_owned()
            })?;
            must(!(exists && reported(Item::PublicAccessBlock)), || {
                "it is reported only".to_owned()
            })
        }
        Action::SetContact { kind, contact, .. } => {
            let exists = matches!(inside.contacts.get(kind), Some(Ok(Some(_))));
            must(settings.contacts.get(kind) == Some(contact), || {
                "the baseline names another".to_owned()
            })?;
            must(!(exists && reported(Item::Contacts)), || {
                "it is reported only".to_owned()
            })
        }
        Action::PutRecorder { .. }
        | Action::PutChannel { .. }
        | Action::StartRecorder { .. }
        | Action::EncryptEbs
        | Action::DeleteVpcPart(_) => Err("it belongs to a region".to_owned()),
    }
}

fn regional(
    baseline: &Baseline,
    view: &LiveRegion,
    by_stack_set: bool,
    action: &Action,
) -> Result<(), String> {
    let config = view.config.as_ref().and_then(|config| config.as_ref().ok());
    let parts = config.and_then(|config| config.parts.as_ref());
    let existing = parts
        .and_then(|(recorders, _)| recorders.iter().find(|recorder| recorder.service.is_none()));
    let existing = existing.map(|recorder| &recorder.recorder);
    let is_control_tower = |name: &str| name.starts_with("aws-controltower-");
    let reported = baseline.report_only.contains(&Item::Config);
    match action {
        Action::PutRecorder { recorder, .. } => {
            must(!by_stack_set, || "CloudFormation sees to it".to_owned())?;
            must(!is_control_tower(&recorder.name), || {
                "it is Control Tower's".to_owned()
            })?;
            must(parts.is_some(), || "recorders were not seen".to_owned())?;
            let Some(existing) = existing else {
                return Ok(());
            };
            must(!reported, || "it is reported only".to_owned())?;
            must(existing.name == recorder.name, || {
                format!("{} exists", existing.name)
            })?;
            must(
                existing.name == "banto" || existing.role == recorder.role,
                || "its role would change".to_owned(),
            )?;
            must(
                existing.name == "banto" || keeps(existing, recorder),
                || "it would record less".to_owned(),
            )
        }
        Action::PutChannel { channel, .. } => {
            must(!by_stack_set, || "CloudFormation sees to it".to_owned())?;
            must(!is_control_tower(&channel.name), || {
                "it is Control Tower's".to_owned()
            })?;
            let (_, channels) = parts.ok_or("channels were not seen")?;
            let existing = channels.first();
            must(
                existing.is_none_or(|existing| existing.name == channel.name),
                || "another exists".to_owned(),
            )?;
            must(channel.bucket == baseline.config.bucket, || {
                "it goes to another bucket".to_owned()
            })?;
            must(existing.is_none() || !reported, || {
                "it is reported only".to_owned()
            })
        }
        Action::StartRecorder { name } => {
            must(!is_control_tower(name), || {
                "it is Control Tower's".to_owned()
            })?;
            let status = config.and_then(|config| config.statuses.get(name));
            let was_started = status.is_some_and(|status| status.was_started);
            must(!(was_started && reported), || {
                "it is reported only".to_owned()
            })
        }
        Action::EncryptEbs => {
            must(baseline.settings.ebs_encryption, || {
                "the baseline does not ask for it".to_owned()
            })?;
            must(!baseline.report_only.contains(&Item::EbsEncryption), || {
                "it is reported only".to_owned()
            })
        }
        Action::DeleteVpcPart(part) => {
            must(baseline.settings.delete_default_vpc, || {
                "the baseline does not ask for it".to_owned()
            })?;
            let Some(Ok(Some(vpc))) = &view.default_vpc else {
                return Err("no default VPC was seen".to_owned());
            };
            must(vpc.interfaces == 0 && vpc.foreign.is_empty(), || {
                format!("{} is used", vpc.id)
            })?;
            let is_part = match part {
                VpcPart::Subnet(id) => vpc.subnets.contains(id),
                VpcPart::Gateway { id, vpc: of } => vpc.gateways.contains(id) && *of == vpc.id,
                VpcPart::Vpc(id) => *id == vpc.id,
            };
            must(is_part, || format!("it is no part of {}", vpc.id))
        }
        Action::CreateConfigRole
        | Action::CreateRole { .. }
        | Action::ChangeRole { .. }
        | Action::SetPasswordPolicy { .. }
        | Action::BlockPublicAccess { .. }
        | Action::SetContact { .. } => Err("it belongs to the account as a whole".to_owned()),
    }
}

fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn live<'a>(inside: &'a LiveAccount, name: &RoleName) -> Option<&'a LiveRole> {
    let roles = inside.roles.as_ref()?.as_ref().ok()?;
    roles
        .iter()
        .map(|(role, _)| role)
        .find(|role| role.name.as_str().eq_ignore_ascii_case(name.as_str()))
}

/// Whether a recorder still records every type that it recorded, at least as often.
fn keeps(before: &Recorder, after: &Recorder) -> bool {
    // Every type that either names, and one that neither does.
    let mut names: BTreeSet<&str> = [before, after].into_iter().flat_map(named).collect();
    names.extend(["AWS::IAM::Role", "AWS::Any::Other"]);
    names.into_iter().all(|name| {
        let how_often = |recorder: &Recorder| match records(&recorder.group, name) {
            false => 0,
            true if recorder
                .continuous_of
                .get(name)
                .copied()
                .unwrap_or(recorder.continuous) =>
            {
                2
            }
            true => 1,
        };
        how_often(after) >= how_often(before)
    })
}

fn named(recorder: &Recorder) -> impl Iterator<Item = &str> {
    let group = match &recorder.group {
        RecordingGroup::All { .. } => None,
        RecordingGroup::Only(names) | RecordingGroup::AllBut(names) => Some(names),
    };
    let group = group.into_iter().flatten().map(String::as_str);
    group.chain(recorder.continuous_of.keys().map(String::as_str))
}

fn records(group: &RecordingGroup, name: &str) -> bool {
    let is_global = name.starts_with("AWS::IAM::");
    match group {
        RecordingGroup::All { with_global } => *with_global || !is_global,
        RecordingGroup::Only(names) => names.contains(name),
        RecordingGroup::AllBut(names) => !names.contains(name),
    }
}

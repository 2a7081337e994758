//! The repairs of a plan: the changes that bring an account back to its baseline, which people are
//! told of.
//!
//! They are saved, in words, before they are made, and told once they were made. What a crash or a
//! notice that can't be sent leaves untold, the next run tells.

use std::collections::BTreeSet;

use banto_domain::Place;
use banto_domain::status::Condition;
use banto_ports::{AccountRow, RoleChange, VpcPart};
use jiff::Timestamp;

use super::actions::{Action, ChangeCause, Plan};
use super::news::READY;

/// The repairs of a plan, in words. `looked_at` is when the look began that the plan is made of: an
/// account that another run set up since then is not repaired, but finished by both.
pub fn planned(plan: &Plan, row: &AccountRow, looked_at: Timestamp) -> BTreeSet<String> {
    let mut repairs = BTreeSet::new();
    for (place, chain) in plan.chains.iter() {
        for action in chain.actions.iter().filter(|it| !ends_revocation(it)) {
            if changes_others(action) || was_set_up(row, place, looked_at) {
                repairs.insert(line(place, action));
            }
        }
    }
    repairs
}

/// Every action of a plan, in the words of a repair.
pub fn all(plan: &Plan) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (place, chain) in plan.chains.iter() {
        lines.extend(chain.actions.iter().map(|action| line(place, action)));
    }
    lines
}

/// An action as people read it once it was done, with the region if it is in one.
pub fn line(place: Place<'_>, action: &Action) -> String {
    let line = in_words(action);
    match place {
        Place::Region(region) => format!("{region}: {line}"),
        Place::Account => line,
    }
}

fn in_words(action: &Action) -> String {
    match action {
        Action::CreateConfigRole => "AWS Config's service-linked role created".to_owned(),
        Action::CreateRole { name, .. } => format!("role {name} created"),
        Action::ChangeRole { name, change, .. } => format!("role {name}: {}", changed(change)),
        Action::SetPasswordPolicy { .. } => "password policy set".to_owned(),
        Action::BlockPublicAccess { .. } => "public access to S3 blocked".to_owned(),
        Action::SetContact {
            contact_kind,
            contact,
            ..
        } => format!("{} contact set to {}", contact_kind.as_str(), contact.email),
        Action::PutRecorder { recorder, .. } => format!("recorder {} set", recorder.name),
        Action::PutChannel { channel, .. } => format!("delivery channel {} set", channel.name),
        Action::StartRecorder { name } => format!("recorder {name} started"),
        Action::EncryptEbs => "encryption of new EBS volumes turned on".to_owned(),
        Action::DeleteVpcPart { part } => match part {
            VpcPart::Subnet(id) => format!("default subnet {id} deleted"),
            VpcPart::Gateway { id, .. } => format!("internet gateway {id} deleted"),
            VpcPart::Vpc(id) => format!("default VPC {id} deleted"),
        },
    }
}

fn changed(change: &RoleChange) -> String {
    match change {
        RoleChange::Trust(_) => "trust policy reset".to_owned(),
        RoleChange::SessionSeconds(seconds) => {
            format!("longest session reset to {} h", seconds / 3_600)
        }
        RoleChange::Attach(policy) => format!("policy {policy} attached"),
        RoleChange::Detach(policy) => format!("policy {policy} detached"),
        RoleChange::PutInline(name, _) => format!("inline policy {name} reset"),
        RoleChange::DeleteInline(name) => format!("inline policy {name} deleted"),
        RoleChange::SetBoundary(policy) => format!("permissions boundary reset to {policy}"),
        RoleChange::RemoveBoundary => "permissions boundary removed".to_owned(),
        RoleChange::Tag(_) => "tags reset".to_owned(),
    }
}

/// True of the end of a revocation, which was to come.
fn ends_revocation(action: &Action) -> bool {
    matches!(
        action,
        Action::ChangeRole {
            cause: ChangeCause::EndOfRevocation,
            ..
        }
    )
}

/// True if an earlier run found the place in place, or with drift that is only reported: whatever
/// is done there since is a repair. Where that run could not look, the news that people had before
/// say that the account was in order.
fn was_set_up(row: &AccountRow, place: Place<'_>, looked_at: Timestamp) -> bool {
    let earlier = row
        .status
        .as_ref()
        .filter(|status| status.checked_at < looked_at);
    let Some(conditions) = earlier.map(|status| &status.conditions) else {
        return false;
    };
    let told = row.last_notified.as_ref();
    let was_in_order = told.is_some_and(|told| told.mark == READY && told.at < looked_at);
    match conditions.get(place) {
        Some(Condition::InPlace | Condition::LeftAlone { .. } | Condition::Drifted { .. }) => true,
        Some(Condition::NotReady(_) | Condition::Failed(_)) => was_in_order,
        // Nobody could look at any region.
        None => was_in_order && conditions.regions.is_empty(),
    }
}

/// True if an action changes what others had set up.
fn changes_others(action: &Action) -> bool {
    match action {
        Action::ChangeRole { cause, .. } => *cause == ChangeCause::Drift,
        Action::SetPasswordPolicy { replaces, .. } => replaces.is_some(),
        Action::BlockPublicAccess { replaces } => replaces.is_some(),
        Action::SetContact { replaces, .. } => replaces.is_some(),
        Action::PutRecorder { replaces, .. } => replaces.is_some(),
        Action::PutChannel { replaces, .. } => replaces.is_some(),
        Action::CreateConfigRole
        | Action::CreateRole { .. }
        | Action::StartRecorder { .. }
        | Action::EncryptEbs
        | Action::DeleteVpcPart { .. } => false,
    }
}

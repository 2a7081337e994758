//! Plans the roles of an account.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::RoleName;
use banto_domain::policy::onboarding::{Item, Role};
use banto_domain::status::ReasonKind;
use banto_ports::{LiveRole, RoleChange};

use super::draft::{Draft, Target};
use crate::converge::actions::Action;
use crate::converge::snapshot::{LiveAccount, LiveRegion, SeenRole, has_recorder};
use crate::desired::{self, BEING_MADE, CONFIG_ROLE, MANAGED, MANAGED_TAG, normalized};

/// Plans the baseline's roles, and the one that AWS Config itself uses.
pub(super) fn plan_roles(draft: &mut Draft, target: &Target<'_>, live: &LiveAccount) {
    // The direct way: roles were seen.
    if let Some(roles) = draft.seen(live.roles.as_ref()) {
        if needs_config_role(roles, live) {
            draft.actions.push(Action::CreateConfigRole);
        }
        for (name, role) in &target.baseline.roles {
            match LiveAccount::role(roles, name) {
                None => create(draft, target, name, role),
                Some(seen) => repair(draft, target, name, role, seen),
            }
        }
    }
    // By StackSet: only AWS Config's own role was looked for.
    if draft.seen(live.config_role.as_ref()) == Some(&false) {
        draft.actions.push(Action::CreateConfigRole);
    }
}

/// True if a recorder of Banto's will need the role that AWS Config itself uses, and it is not
/// there.
fn needs_config_role(roles: &[SeenRole], live: &LiveAccount) -> bool {
    let is_there = roles
        .iter()
        .any(|seen| seen.role.name.as_str() == CONFIG_ROLE);
    !is_there
        && live
            .regions
            .iter()
            .flat_map(BTreeMap::values)
            .any(lacks_recorder)
}

/// True if recorders were looked at in a region and none is customer-managed.
fn lacks_recorder(region: &LiveRegion) -> bool {
    region.recorders_and_channels().is_some() && !has_recorder(region)
}

/// Makes a role. Its tag says that it is complete only once all else is done, so that a later run
/// finishes what a crash interrupted.
fn create(draft: &mut Draft, target: &Target<'_>, name: &RoleName, role: &Role) {
    draft.actions.push(Action::CreateRole {
        name: name.clone(),
        role: desired::new_role(role, target.policy.home_region.partition()),
    });
    let mut changes = Vec::new();
    for policy in &role.managed_policies {
        changes.push(RoleChange::Attach(policy.to_string()));
    }
    for (id, policy) in &role.inline_policies {
        changes.push(RoleChange::PutInline(id.clone(), policy.clone()));
    }
    let complete = [(MANAGED_TAG.to_owned(), MANAGED.to_owned())];
    changes.push(RoleChange::Tag(complete.into()));
    change(draft, name, changes);
}

fn change(draft: &mut Draft, name: &RoleName, changes: Vec<RoleChange>) {
    for change in changes {
        draft.actions.push(Action::ChangeRole {
            name: name.clone(),
            change,
        });
    }
}

/// Repairs or reports a role that is Banto's; one that is not is a finding.
fn repair(draft: &mut Draft, target: &Target<'_>, name: &RoleName, role: &Role, seen: &SeenRole) {
    let Some(tag) = seen.role.tags.get(MANAGED_TAG) else {
        let detail = format!("the role {name} has no tag {MANAGED_TAG}");
        draft.reason(ReasonKind::ForeignRole, detail);
        return;
    };
    let changes = role_changes(target, role, seen);
    if tag != BEING_MADE && target.reports_only(Item::Roles) {
        for change in &changes {
            draft
                .drift
                .push(format!("role {name}: {}", summary(change)));
        }
    } else {
        change(draft, &seen.role.name, changes);
    }
}

/// Everything in which a role of Banto's differs from the baseline.
fn role_changes(target: &Target<'_>, role: &Role, seen: &SeenRole) -> Vec<RoleChange> {
    let live = &seen.role;
    let mut changes = Vec::new();
    let trust = desired::trust(role, target.policy.home_region.partition());
    if normalized(&trust) != normalized(&live.trust) {
        changes.push(RoleChange::Trust(trust));
    }
    let seconds = desired::session_seconds(role);
    if seen.session_seconds != seconds {
        changes.push(RoleChange::SessionSeconds(seconds));
    }
    changes.extend(boundary_change(role, live));
    changes.extend(managed_policy_changes(role, live));
    changes.extend(inline_policy_changes(role, live));
    // Last: it says that the role is complete.
    changes.extend(tag_change(role, live));
    changes
}

fn boundary_change(role: &Role, live: &LiveRole) -> Option<RoleChange> {
    match (&role.boundary, &live.boundary) {
        (Some(wanted), live) if live.as_deref() != Some(wanted.as_str()) => {
            Some(RoleChange::SetBoundary(wanted.to_string()))
        }
        (None, Some(_)) => Some(RoleChange::RemoveBoundary),
        _ => None,
    }
}

/// Attaches what is missing, then detaches what is too much.
fn managed_policy_changes(role: &Role, live: &LiveRole) -> Vec<RoleChange> {
    let wanted: BTreeSet<String> = role
        .managed_policies
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut changes = Vec::new();
    for policy in wanted.difference(&live.managed_policies) {
        changes.push(RoleChange::Attach(policy.clone()));
    }
    for policy in live.managed_policies.difference(&wanted) {
        changes.push(RoleChange::Detach(policy.clone()));
    }
    changes
}

fn inline_policy_changes(role: &Role, live: &LiveRole) -> Vec<RoleChange> {
    let mut changes = Vec::new();
    for (name, policy) in &role.inline_policies {
        if live.inline_policies.get(name).map(normalized) != Some(normalized(policy)) {
            changes.push(RoleChange::PutInline(name.clone(), policy.clone()));
        }
    }
    for name in live.inline_policies.keys() {
        if !role.inline_policies.contains_key(name) {
            changes.push(RoleChange::DeleteInline(name.clone()));
        }
    }
    changes
}

/// The tags that are missing or differ. Tags of others stay.
fn tag_change(role: &Role, live: &LiveRole) -> Option<RoleChange> {
    let mut tags = desired::tags(role);
    tags.retain(|key, value| live.tags.get(key) != Some(value));
    match tags.is_empty() {
        true => None,
        false => Some(RoleChange::Tag(tags)),
    }
}

/// A change to a role in a few words, as a finding has it. Part of a saved mark: a new wording is
/// notified anew.
fn summary(change: &RoleChange) -> String {
    match change {
        RoleChange::Trust(_) => "its trust policy differs".to_owned(),
        RoleChange::SessionSeconds(_) => "its longest session differs".to_owned(),
        RoleChange::Attach(policy) => format!("lacks {policy}"),
        RoleChange::Detach(policy) => format!("has {policy} besides"),
        RoleChange::PutInline(name, _) => format!("its inline policy {name} differs"),
        RoleChange::DeleteInline(name) => format!("has the inline policy {name} besides"),
        RoleChange::SetBoundary(_) | RoleChange::RemoveBoundary => {
            "its permissions boundary differs".to_owned()
        }
        RoleChange::Tag(_) => "its tags differ".to_owned(),
    }
}

//! Plans the roles of an account.

use std::collections::BTreeSet;

use banto_domain::RoleName;
use banto_domain::policy::onboarding::{Item, Role};
use banto_domain::status::ReasonKind;
use banto_ports::{LiveRole, RoleChange};
use serde_json::{Value, json};

use super::draft::{Draft, Target};
use super::stack::Stacks;
use crate::converge::actions::{Action, ChangeCause};
use crate::converge::snapshot::{LiveAccount, LiveConfig, SeenRole};
use crate::desired::{self, BEING_MADE, CONFIG_ROLE, MANAGED, MANAGED_TAG, normalized};
use crate::revocation;

/// Plans the baseline's roles, and the one that AWS Config itself uses.
pub(super) fn plan_roles(
    draft: &mut Draft,
    target: &Target<'_>,
    live: &LiveAccount,
    stacks: &Stacks<'_>,
) {
    let Some(roles) = draft.seen(Some(&live.roles)) else {
        return;
    };
    if needs_config_role(roles, live) {
        draft.actions.push(Action::CreateConfigRole);
    }
    if stack_has_yet_to_make_roles(target, stacks) {
        return;
    }
    for (name, role) in &target.baseline.roles {
        match LiveAccount::role(roles, name) {
            None => create(draft, target, name, role),
            Some(seen) => repair(draft, target, name, role, seen),
        }
    }
}

/// True if the home region's stack will make the roles. An account whose baseline leaves the home
/// region out has no such stack.
fn stack_has_yet_to_make_roles(target: &Target<'_>, stacks: &Stacks<'_>) -> bool {
    let home = &target.policy.home_region;
    let regions = target.baseline.regions.as_ref();
    regions.is_some_and(|regions| regions.contains(home)) && stacks.wait(home).is_some()
}

/// True if a recorder needs the role that AWS Config itself uses, or will need it, and it is not
/// there.
fn needs_config_role(roles: &[SeenRole], live: &LiveAccount) -> bool {
    let is_there = roles
        .iter()
        .any(|seen| seen.role.name.as_str() == CONFIG_ROLE);
    !is_there && live.configs().any(|(_, config)| uses_config_role(config))
}

/// True if a region has no recorder yet, or has one with the role that AWS Config itself uses.
fn uses_config_role(config: &LiveConfig) -> bool {
    config
        .recorder()
        .is_none_or(|recorder| recorder.role.ends_with(&format!("/{CONFIG_ROLE}")))
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
    for change in changes {
        draft.actions.push(Action::ChangeRole {
            name: name.clone(),
            change,
            replaces: None,
            cause: ChangeCause::Creation,
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
    end_revocations(draft, target, &seen.role);
    let cause = match tag == BEING_MADE {
        true => ChangeCause::Creation,
        false => ChangeCause::Drift,
    };
    for (change, replaces) in role_changes(target, role, seen) {
        if cause == ChangeCause::Drift && target.reports_only(Item::Roles) {
            let summary = summary(&change);
            draft.drift.push(format!("role {name}: {summary}"));
        } else {
            draft.actions.push(Action::ChangeRole {
                name: seen.role.name.clone(),
                change,
                replaces,
                cause,
            });
        }
    }
}

/// Takes off the denials of sessions that have all ended by themselves.
fn end_revocations(draft: &mut Draft, target: &Target<'_>, live: &LiveRole) {
    for (id, policy) in &live.inline_policies {
        let before = revocation::issued_before(id, policy);
        if before.is_some_and(|at| revocation::has_ended(at, target.now)) {
            draft.actions.push(Action::ChangeRole {
                name: live.name.clone(),
                change: RoleChange::DeleteInline(id.clone()),
                replaces: Some(policy.clone()),
                cause: ChangeCause::EndOfRevocation,
            });
        }
    }
}

/// A change of a role, and what was there before, if anything.
type Change = (RoleChange, Option<Value>);

/// Everything in which a role of Banto's differs from the baseline.
fn role_changes(target: &Target<'_>, role: &Role, seen: &SeenRole) -> Vec<Change> {
    let live = &seen.role;
    let mut changes = Vec::new();
    let trust = desired::trust(role, target.policy.home_region.partition());
    if normalized(&trust) != normalized(&live.trust) {
        changes.push((RoleChange::Trust(trust), Some(live.trust.clone())));
    }
    let seconds = desired::session_seconds(role);
    if seen.session_seconds != seconds {
        let before = json!(seen.session_seconds);
        changes.push((RoleChange::SessionSeconds(seconds), Some(before)));
    }
    changes.extend(boundary_change(role, live));
    changes.extend(managed_policy_changes(role, live));
    changes.extend(inline_policy_changes(role, live));
    // Last: it says that the role is complete.
    changes.extend(tag_change(role, live));
    changes
}

fn boundary_change(role: &Role, live: &LiveRole) -> Option<Change> {
    let before = live.boundary.as_ref().map(|before| json!(before));
    match (&role.boundary, &live.boundary) {
        (Some(wanted), live) if live.as_deref() != Some(wanted.as_str()) => {
            Some((RoleChange::SetBoundary(wanted.to_string()), before))
        }
        (None, Some(_)) => Some((RoleChange::RemoveBoundary, before)),
        _ => None,
    }
}

/// Attaches what is missing, then detaches what is too much.
fn managed_policy_changes(role: &Role, live: &LiveRole) -> Vec<Change> {
    let wanted = role.managed_policies.iter().map(ToString::to_string);
    let wanted: BTreeSet<String> = wanted.collect();
    let mut changes = Vec::new();
    for policy in wanted.difference(&live.managed_policies) {
        changes.push((RoleChange::Attach(policy.clone()), None));
    }
    for policy in live.managed_policies.difference(&wanted) {
        changes.push((RoleChange::Detach(policy.clone()), None));
    }
    changes
}

/// The inline policies that are missing, differ or are too much. A denial of sessions is neither:
/// it comes with a revocation, and goes when that ends.
fn inline_policy_changes(role: &Role, live: &LiveRole) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, policy) in &role.inline_policies {
        let before = live.inline_policies.get(name);
        if before.map(normalized) != Some(normalized(policy)) {
            let change = RoleChange::PutInline(name.clone(), policy.clone());
            changes.push((change, before.cloned()));
        }
    }
    for (name, policy) in &live.inline_policies {
        let is_denial = revocation::issued_before(name, policy).is_some();
        if !is_denial && !role.inline_policies.contains_key(name) {
            let change = RoleChange::DeleteInline(name.clone());
            changes.push((change, Some(policy.clone())));
        }
    }
    changes
}

/// The tags that are missing or differ. Tags of others stay.
fn tag_change(role: &Role, live: &LiveRole) -> Option<Change> {
    let mut tags = desired::tags(role);
    tags.retain(|key, value| live.tags.get(key) != Some(value));
    if tags.is_empty() {
        return None;
    }
    let mut before = live.tags.clone();
    before.retain(|key, _| tags.contains_key(key));
    let before = (!before.is_empty()).then(|| json!(before));
    Some((RoleChange::Tag(tags), before))
}

/// A change to a role in a few words, as a finding has it. Part of a saved mark: a new wording is
/// notified anew.
fn summary(change: &RoleChange) -> String {
    match change {
        RoleChange::Trust(_) => "trust policy drifted".to_owned(),
        RoleChange::SessionSeconds(_) => "longest session drifted".to_owned(),
        RoleChange::Attach(policy) => format!("policy {policy} is missing"),
        RoleChange::Detach(policy) => format!("extra policy {policy}"),
        RoleChange::PutInline(name, _) => format!("inline policy {name} drifted"),
        RoleChange::DeleteInline(name) => format!("extra inline policy {name}"),
        RoleChange::SetBoundary(_) | RoleChange::RemoveBoundary => {
            "permissions boundary drifted".to_owned()
        }
        RoleChange::Tag(_) => "tags drifted".to_owned(),
    }
}

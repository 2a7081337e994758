//! Rules for roles: only Banto's own are changed.

use banto_domain::RoleName;
use banto_ports::RoleChange;
use jiff::SignedDuration;

use super::context::{ActionContext, Verdict, must};
use crate::converge::actions::Action;
use crate::revocation;

/// The tag of Banto's roles. Spelled out like its value below, so that a mistake in the planner's
/// constants shows.
const MANAGED_TAG: &str = "banto:managed";
/// The value of the tag while a role is being made.
const BEING_MADE: &str = "being-made";
/// The longest session that IAM allows.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(12);
/// The role that AWS Config itself uses.
const CONFIG_ROLE: &str = "AWSServiceRoleForConfig";

pub(super) fn role_is_in_the_baseline(context: &ActionContext<'_>) -> Verdict {
    let roles = &context.baseline.roles;
    let (name, is_known) = match context.action {
        Action::CreateRole { name, .. } => (name, roles.contains_key(name)),
        Action::ChangeRole { name, .. } => (name, roles.keys().any(|known| is_same(known, name))),
        _ => return Ok(()),
    };
    must(is_known, &format!("{name} is not in the baseline"))
}

/// IAM compares names without regard to case.
fn is_same(known: &RoleName, name: &RoleName) -> bool {
    known.as_str().eq_ignore_ascii_case(name.as_str())
}

pub(super) fn config_role_is_absent(context: &ActionContext<'_>) -> Verdict {
    if !matches!(context.action, Action::CreateConfigRole) {
        return Ok(());
    }
    let Ok(roles) = &context.live.roles else {
        return Err("the roles were not seen".to_owned());
    };
    let is_there = roles.iter().any(|it| it.role.name.as_str() == CONFIG_ROLE);
    must(!is_there, "it is there")
}

pub(super) fn created_role_is_absent(context: &ActionContext<'_>) -> Verdict {
    let Action::CreateRole { name, .. } = context.action else {
        return Ok(());
    };
    let is_absent = context.live_role(name).is_none();
    must(is_absent, &format!("{name} exists"))
}

pub(super) fn created_role_is_tagged(context: &ActionContext<'_>) -> Verdict {
    let Action::CreateRole { name, role } = context.action else {
        return Ok(());
    };
    let is_tagged = role.tags.contains_key(MANAGED_TAG);
    let untagged = format!("{name} would not be marked as Banto's");
    must(is_tagged, &untagged)
}

/// A role that was seen must be Banto's. One that was not seen is made by this plan, and can only
/// be added to.
pub(super) fn changed_role_is_managed(context: &ActionContext<'_>) -> Verdict {
    let Action::ChangeRole { name, change, .. } = context.action else {
        return Ok(());
    };
    let Some(live) = context.live_role(name) else {
        return must(adds(change), &format!("{name} was not seen"));
    };
    let is_managed = live.tags.contains_key(MANAGED_TAG);
    must(is_managed, &format!("{name} is not Banto's"))
}

/// A denial of sessions that may still be in use stays.
pub(super) fn running_denial_stays(context: &ActionContext<'_>) -> Verdict {
    let Action::ChangeRole {
        name,
        change: RoleChange::DeleteInline(id),
        ..
    } = context.action
    else {
        return Ok(());
    };
    let live = context.live_role(name);
    let policy = live.and_then(|role| role.inline_policies.get(id));
    let before = policy.and_then(|policy| revocation::issued_before(id, policy));
    let age = before.map(|before| context.plan.now.duration_since(before));
    let is_running = age.is_some_and(|age| age <= LONGEST_SESSION);
    must(!is_running, &format!("{id} denies sessions that may last"))
}

fn adds(change: &RoleChange) -> bool {
    matches!(
        change,
        RoleChange::Attach(_) | RoleChange::PutInline(..) | RoleChange::Tag(_)
    )
}

/// True if a role of this name is there and complete.
pub(super) fn is_complete(context: &ActionContext<'_>, name: &RoleName) -> bool {
    let tag = context
        .live_role(name)
        .and_then(|role| role.tags.get(MANAGED_TAG));
    tag.is_some_and(|tag| tag != BEING_MADE)
}

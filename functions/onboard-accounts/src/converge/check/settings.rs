//! Rules for settings, for default VPCs, and for what the policy only reports.

use banto_domain::policy::onboarding::Item;
use banto_ports::{DefaultVpc, LivePasswordPolicy, VpcPart};
use jiff::SignedDuration;

use super::context::{ActionContext, Verdict, must};
use super::roles::is_complete;
use crate::converge::actions::{Action, ChangeCause};
use crate::converge::org_policies;
use crate::converge::snapshot::Seen;

/// A thing that exists and is reported only stays as it is.
pub(super) fn reported_items_stay(context: &ActionContext<'_>) -> Verdict {
    let Some((item, exists)) = item_and_existence(context) else {
        return Ok(());
    };
    let is_reported = context.baseline.report_only.contains(&item);
    must(!(exists && is_reported), "it is reported only")
}

/// The item that an action changes, and whether there is something that the change would replace.
fn item_and_existence(context: &ActionContext<'_>) -> Option<(Item, bool)> {
    let live = context.live;
    match context.action {
        Action::CreateConfigRole | Action::CreateRole { .. } | Action::DeleteVpcPart { .. } => None,
        Action::ChangeRole {
            cause: ChangeCause::EndOfRevocation,
            ..
        } => None,
        Action::ChangeRole { name, .. } => Some((Item::Roles, is_complete(context, name))),
        Action::SetPasswordPolicy { .. } => {
            Some((Item::PasswordPolicy, exists(live.password_policy.as_ref())))
        }
        Action::BlockPublicAccess { .. } => Some((
            Item::PublicAccessBlock,
            exists(live.public_access_blocks.as_ref()),
        )),
        Action::SetContact { contact_kind, .. } => {
            Some((Item::Contacts, exists(live.contacts.get(contact_kind))))
        }
        Action::PutRecorder { .. } => Some((Item::Config, context.recorder().is_some())),
        Action::PutChannel { .. } => {
            let channels = context.channels();
            Some((Item::Config, channels.is_some_and(|it| !it.is_empty())))
        }
        Action::StartRecorder { name } => Some((Item::Config, was_started(context, name))),
        Action::EncryptEbs => Some((Item::EbsEncryption, true)),
    }
}

/// True if something was seen to be there.
fn exists<T>(seen: Option<&Seen<Option<T>>>) -> bool {
    matches!(seen, Some(Ok(Some(_))))
}

fn was_started(context: &ActionContext<'_>, recorder: &str) -> bool {
    context
        .config()
        .and_then(|config| config.recorder_statuses.get(recorder))
        .is_some_and(|status| status.started_at.is_some())
}

/// A setting is changed only if the baseline asks for it.
pub(super) fn setting_is_in_the_baseline(context: &ActionContext<'_>) -> Verdict {
    let settings = &context.baseline.settings;
    match context.action {
        Action::SetPasswordPolicy { .. } => must(settings.password_policy.is_some(), NOT_ASKED_FOR),
        Action::SetContact {
            contact_kind,
            contact,
            ..
        } => must(
            settings.contacts.get(contact_kind) == Some(contact),
            "the baseline names another",
        ),
        Action::BlockPublicAccess { .. } => must(settings.block_public_access, NOT_ASKED_FOR),
        Action::EncryptEbs => must(settings.ebs_encryption, NOT_ASKED_FOR),
        Action::DeleteVpcPart { .. } => must(settings.delete_default_vpc, NOT_ASKED_FOR),
        Action::CreateConfigRole
        | Action::CreateRole { .. }
        | Action::ChangeRole { .. }
        | Action::PutRecorder { .. }
        | Action::PutChannel { .. }
        | Action::StartRecorder { .. } => Ok(()),
    }
}

const NOT_ASKED_FOR: &str = "the baseline does not ask for it";

/// A password policy asks for no less than the account's own did.
pub(super) fn passwords_stay_as_strong(context: &ActionContext<'_>) -> Verdict {
    let Action::SetPasswordPolicy { policy, .. } = context.action else {
        return Ok(());
    };
    let Some(Ok(Some(live))) = &context.live.password_policy else {
        return Ok(());
    };
    let kinds = |it: &LivePasswordPolicy| [it.lowercase, it.uppercase, it.numbers, it.symbols];
    let keeps_kinds = kinds(live)
        .iter()
        .zip(kinds(policy))
        .all(|(before, after)| after || !before);
    let ends = |it: &LivePasswordPolicy| it.max_age_days.unwrap_or(i32::MAX);
    let is_as_strong = keeps_kinds
        && policy.minimum_length >= live.minimum_length
        && policy.reuse_prevention >= live.reuse_prevention
        && ends(policy) <= ends(live)
        && policy.hard_expiry == live.hard_expiry
        && policy.users_may_change == live.users_may_change;
    must(is_as_strong, "the account's own policy is stricter")
}

/// A setting that a policy of the Organization holds stays.
pub(super) fn organizations_own_settings_stay(context: &ActionContext<'_>) -> Verdict {
    let is_owned = match context.action {
        Action::BlockPublicAccess { .. } => org_policies::public_access(context.live).is_some(),
        Action::EncryptEbs => org_policies::sets_ebs_encryption(context.live),
        _ => false,
    };
    must(!is_owned, "a policy of the Organization sets it")
}

/// The age of an account up to which its default VPCs are deleted. The planner's own limit is not
/// used here.
const FIRST_DAY: SignedDuration = SignedDuration::from_hours(24);

/// In an account that is older than a day, or that was invited, nobody can tell by a look what a
/// default VPC is used for.
pub(super) fn default_vpc_is_of_a_new_account(context: &ActionContext<'_>) -> Verdict {
    if !matches!(context.action, Action::DeleteVpcPart { .. }) {
        return Ok(());
    }
    let account = context.account;
    let age = account
        .joined_at
        .map(|at| context.plan.now.duration_since(at));
    let is_new = account.was_created && age.is_some_and(|age| age < FIRST_DAY);
    must(is_new, "the account is older than a day")
}

pub(super) fn default_vpc_is_empty(context: &ActionContext<'_>) -> Verdict {
    if !matches!(context.action, Action::DeleteVpcPart { .. }) {
        return Ok(());
    }
    let Some(vpc) = default_vpc(context) else {
        return Err("no default VPC was seen".to_owned());
    };
    let is_empty = vpc.uses.is_empty();
    must(is_empty, &format!("{} is used", vpc.id))
}

pub(super) fn part_belongs_to_the_default_vpc(context: &ActionContext<'_>) -> Verdict {
    let (Action::DeleteVpcPart { part }, Some(vpc)) = (context.action, default_vpc(context)) else {
        return Ok(());
    };
    let is_part = match part {
        VpcPart::Subnet(id) => vpc.subnets.contains(id),
        VpcPart::Gateway { id, vpc: of } => vpc.gateways.contains(id) && *of == vpc.id,
        VpcPart::Vpc(id) => *id == vpc.id,
    };
    must(is_part, &format!("it is no part of {}", vpc.id))
}

fn default_vpc<'a>(context: &ActionContext<'a>) -> Option<&'a DefaultVpc> {
    context
        .region?
        .default_vpc
        .as_ref()?
        .as_ref()
        .ok()?
        .as_ref()
}

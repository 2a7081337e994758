//! Rules for settings, for default VPCs, and for what the policy only reports.

use banto_domain::policy::onboarding::Item;
use banto_ports::{DefaultVpc, VpcPart};

use super::context::{ActionContext, Verdict, must};
use super::roles::is_complete;
use crate::converge::actions::Action;
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
        .is_some_and(|status| status.was_started)
}

/// A setting is changed only if the baseline asks for it.
pub(super) fn setting_is_in_the_baseline(context: &ActionContext<'_>) -> Verdict {
    let settings = &context.baseline.settings;
    match context.action {
        Action::SetPasswordPolicy { policy, .. } => must(
            settings.password_policy.as_ref() == Some(policy),
            "the baseline has no such password policy",
        ),
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

pub(super) fn default_vpc_is_empty(context: &ActionContext<'_>) -> Verdict {
    if !matches!(context.action, Action::DeleteVpcPart { .. }) {
        return Ok(());
    }
    let Some(vpc) = default_vpc(context) else {
        return Err("no default VPC was seen".to_owned());
    };
    let is_empty = vpc.interfaces == 0 && vpc.foreign.is_empty();
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

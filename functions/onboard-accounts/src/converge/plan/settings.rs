//! Plans the settings of an account and of its regions.

use banto_domain::policy::onboarding::Item;
use banto_domain::status::{Reason, ReasonKind};
use banto_ports::{DefaultVpc, VpcPart};
use jiff::SignedDuration;

use super::draft::{Difference, Draft, Target};
use super::merge;
use crate::converge::actions::Action;
use crate::converge::expected::joined_within;
use crate::converge::org_policies::{self, PublicAccess};
use crate::converge::snapshot::{ALL_BLOCKS, LiveAccount, LiveRegion};

/// The time for which a denied look at a default VPC is tried again.
const FIRST_HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Plans the settings of the account as a whole.
pub(super) fn plan_account_settings(draft: &mut Draft, target: &Target<'_>, live: &LiveAccount) {
    password_policy(draft, target, live);
    public_access(draft, target, live);
    contacts(draft, target, live);
}

fn password_policy(draft: &mut Draft, target: &Target<'_>, live: &LiveAccount) {
    let Some(wanted) = &target.baseline.settings.password_policy else {
        return;
    };
    let Some(live) = draft.seen(live.password_policy.as_ref()) else {
        return;
    };
    let wanted = merge::password_policy(wanted, live.as_ref());
    if live.as_ref() != Some(&wanted) {
        let difference = Difference {
            item: Item::PasswordPolicy,
            is_absent: live.is_none(),
            summary: "password policy drifted".to_owned(),
            action: Action::SetPasswordPolicy {
                policy: wanted,
                replaces: live.clone(),
            },
        };
        draft.resolve(target, difference);
    }
}

fn public_access(draft: &mut Draft, target: &Target<'_>, live: &LiveAccount) {
    let Some(blocks) = draft.seen(live.public_access_blocks.as_ref()) else {
        return;
    };
    if *blocks == Some(ALL_BLOCKS) {
        return;
    }
    match org_policies::public_access(live) {
        Some(PublicAccess::Blocked) => {
            return draft.leave_alone("the Organization's S3 policy blocks public access");
        }
        Some(PublicAccess::Otherwise) => {
            let drift = "public access to S3 is left open by the Organization's S3 policy";
            return draft.drift.push(drift.to_owned());
        }
        None => {}
    }
    let difference = Difference {
        item: Item::PublicAccessBlock,
        is_absent: blocks.is_none(),
        summary: "public access to S3 is not blocked".to_owned(),
        action: Action::BlockPublicAccess { replaces: *blocks },
    };
    draft.resolve(target, difference);
}

fn contacts(draft: &mut Draft, target: &Target<'_>, live: &LiveAccount) {
    for (kind, contact) in &target.baseline.settings.contacts {
        let Some(live) = draft.seen(live.contacts.get(kind)) else {
            continue;
        };
        if live.as_ref() != Some(contact) {
            let difference = Difference {
                item: Item::Contacts,
                is_absent: live.is_none(),
                summary: format!("{} contact drifted", kind.as_str()),
                action: Action::SetContact {
                    contact_kind: *kind,
                    contact: contact.clone(),
                    replaces: live.clone(),
                },
            };
            draft.resolve(target, difference);
        }
    }
}

/// Plans the settings of a region.
pub(super) fn plan_region_settings(
    draft: &mut Draft,
    target: &Target<'_>,
    account: &LiveAccount,
    live: &LiveRegion,
) {
    ebs_encryption(draft, target, account, live);
    match &live.default_vpc {
        Some(Ok(Some(vpc))) => default_vpc(draft, vpc),
        Some(Err(reason)) => unseen_vpc(draft, target, reason),
        Some(Ok(None)) | None => {}
    }
}

/// A default VPC that can't be looked at stays. In the account's first hour the look may still
/// succeed: its role's permissions are not known everywhere yet.
fn unseen_vpc(draft: &mut Draft, target: &Target<'_>, reason: &Reason) {
    let is_denied = matches!(reason.kind, ReasonKind::Denied | ReasonKind::Refused);
    if is_denied && !joined_within(target.account, FIRST_HOUR, target.now) {
        draft
            .drift
            .push(format!("the default VPC stays: {}", reason.detail));
    } else {
        draft.reasons.push(reason.clone());
    }
}

fn ebs_encryption(
    draft: &mut Draft,
    target: &Target<'_>,
    account: &LiveAccount,
    live: &LiveRegion,
) {
    if draft.seen(live.ebs_encryption.as_ref()) != Some(&false) {
        return;
    }
    if org_policies::sets_ebs_encryption(account) {
        draft.leave_alone("the Organization's EC2 policy sets encryption of EBS volumes");
    } else {
        let difference = Difference {
            item: Item::EbsEncryption,
            is_absent: false,
            summary: "new EBS volumes are not encrypted".to_owned(),
            action: Action::EncryptEbs,
        };
        draft.resolve(target, difference);
    }
}

/// Deletes the default VPC of a new account, if nothing uses it. One that is used is nobody's
/// mistake, and stays; but people are told if parts of it are gone, since somebody began to use it
/// while it was deleted.
fn default_vpc(draft: &mut Draft, vpc: &DefaultVpc) {
    if !vpc.uses.is_empty() {
        if vpc.subnets.is_empty() {
            let id = &vpc.id;
            draft.drift.push(format!(
                "default VPC {id} is used, and its subnets are gone"
            ));
        }
        return;
    }
    let mut parts = Vec::new();
    for subnet in &vpc.subnets {
        parts.push(VpcPart::Subnet(subnet.clone()));
    }
    for gateway in &vpc.gateways {
        parts.push(VpcPart::Gateway {
            id: gateway.clone(),
            vpc: vpc.id.clone(),
        });
    }
    parts.push(VpcPart::Vpc(vpc.id.clone()));
    for part in parts {
        draft.actions.push(Action::DeleteVpcPart { part });
    }
}

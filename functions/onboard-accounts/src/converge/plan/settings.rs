//! Plans the settings of an account and of its regions.

use banto_domain::policy::onboarding::Item;
use banto_ports::{DefaultVpc, VpcPart};

use super::draft::{Difference, Draft, Target};
use crate::converge::actions::Action;
use crate::converge::snapshot::{LiveAccount, LiveRegion};

/// The number of blocks that "block public access" of S3 has. (S3 API reference,
/// `PublicAccessBlockConfiguration`.)
const ALL_BLOCKS: u8 = 4;

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
    if live.as_ref() != Some(wanted) {
        let difference = Difference {
            item: Item::PasswordPolicy,
            is_absent: live.is_none(),
            summary: "the password policy differs".to_owned(),
            action: Action::SetPasswordPolicy {
                policy: wanted.clone(),
                replaces: live.clone(),
            },
        };
        draft.resolve(target, difference);
    }
}

fn public_access(draft: &mut Draft, target: &Target<'_>, live: &LiveAccount) {
    let Some(live) = draft.seen(live.public_access_blocks.as_ref()) else {
        return;
    };
    if *live != Some(ALL_BLOCKS) {
        let difference = Difference {
            item: Item::PublicAccessBlock,
            is_absent: live.is_none(),
            summary: "public access to S3 is not blocked".to_owned(),
            action: Action::BlockPublicAccess { replaces: *live },
        };
        draft.resolve(target, difference);
    }
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
                summary: format!("the {} contact differs", kind.as_str()),
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
pub(super) fn plan_region_settings(draft: &mut Draft, target: &Target<'_>, live: &LiveRegion) {
    if draft.seen(live.ebs_encryption.as_ref()) == Some(&false) {
        let difference = Difference {
            item: Item::EbsEncryption,
            is_absent: false,
            summary: "new EBS volumes are not encrypted".to_owned(),
            action: Action::EncryptEbs,
        };
        draft.resolve(target, difference);
    }
    if let Some(Some(vpc)) = draft.seen(live.default_vpc.as_ref()) {
        default_vpc(draft, vpc);
    }
}

/// Deletes a default VPC that is empty; one that is used is reported and stays.
fn default_vpc(draft: &mut Draft, vpc: &DefaultVpc) {
    if vpc.interfaces > 0 || !vpc.foreign.is_empty() {
        // Part of a saved mark: a new wording is notified anew.
        let stays = format!("the default VPC {} is used and stays", vpc.id);
        draft.drift.push(stays);
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

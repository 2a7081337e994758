//! Settings of an account whose role a run has assumed, as a whole and in each region.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::Region;
use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_ports::{
    AccountSettings, DefaultVpc, ErrorKind, LivePasswordPolicy, OrgPolicyKind, PortError,
    RegionSettings, RegionState, VpcPart,
};
use serde_json::{Value, json};

use crate::account_ports::{AccountSession, InRegion};
use crate::member_account::{MemberAccount, MemberRegion};
use crate::requests::account as requests;

#[async_trait]
impl AccountSettings for AccountSession {
    async fn regions(&self) -> Result<BTreeMap<Region, RegionState>, PortError> {
        self.member("account:ListRegions", json!({}), |member| {
            let regions = member.regions.iter();
            let states = regions.map(|(region, view)| (region.clone(), view.state));
            Ok(states.collect())
        })
        .await
    }

    async fn password_policy(&self) -> Result<Option<LivePasswordPolicy>, PortError> {
        self.member("iam:GetAccountPasswordPolicy", json!({}), |member| {
            Ok(member.password_policy.clone())
        })
        .await
    }

    async fn set_password_policy(&self, policy: &LivePasswordPolicy) -> Result<(), PortError> {
        let request = requests::password_policy(policy);
        self.member("iam:UpdateAccountPasswordPolicy", request, |member| {
            member.password_policy = Some(policy.clone());
            Ok(())
        })
        .await
    }

    /// Tells the setting that holds, be it the Organization's. (S3 API reference,
    /// `GetPublicAccessBlock`.)
    async fn public_access_blocks(&self) -> Result<Option<u8>, PortError> {
        let request = json!({ "AccountId": self.account });
        self.member(
            "s3:GetAccountPublicAccessBlock",
            request,
            |member| match public_access_policy(member) {
                Some(policy) => Ok(Some(if policy == "all" { 4 } else { 0 })),
                None => Ok(member.public_access_blocks),
            },
        )
        .await
    }

    /// Refused where a policy of the Organization sets them. (S3 API reference,
    /// `PutPublicAccessBlock`: Access Denied, 403.)
    async fn block_public_access(&self) -> Result<(), PortError> {
        const CALL: &str = "s3:PutAccountPublicAccessBlock";
        let request = requests::public_access_blocks(&self.account);
        self.member(CALL, request, |member| {
            if public_access_policy(member).is_some() {
                let message = "AccessDenied: the account's block of public access is set by an S3 \
                               policy of its organization";
                return Err(PortError::new(ErrorKind::Denied, CALL, message));
            }
            member.public_access_blocks = Some(4);
            Ok(())
        })
        .await
    }

    async fn contact(&self, kind: ContactKind) -> Result<Option<Contact>, PortError> {
        let request = json!({ "AlternateContactType": requests::contact_kind(kind) });
        self.member("account:GetAlternateContact", request, |member| {
            Ok(member.contacts.get(&kind).cloned())
        })
        .await
    }

    async fn set_contact(&self, kind: ContactKind, contact: &Contact) -> Result<(), PortError> {
        let request = requests::contact(kind, contact);
        self.member("account:PutAlternateContact", request, |member| {
            member.contacts.insert(kind, contact.clone());
            Ok(())
        })
        .await
    }
}

/// The block of public access that a policy of the Organization sets. (Organizations user guide,
/// "Amazon S3 policy syntax and examples".)
fn public_access_policy(member: &MemberAccount) -> Option<&Value> {
    let policy = member.org_policies.get(&OrgPolicyKind::S3)?;
    policy.pointer("/s3_attributes/public_access_block_configuration")
}

/// True if a policy of the Organization sets the encryption of EBS volumes. The user guide names no
/// such attribute yet, so that any counts that is named so. (Organizations user guide, "Declarative
/// policy syntax and examples".)
fn sets_ebs_encryption(member: &MemberAccount) -> bool {
    let policy = member.org_policies.get(&OrgPolicyKind::Ec2);
    let attributes = policy.and_then(|policy| policy.get("ec2_attributes")?.as_object());
    let mut names = attributes
        .into_iter()
        .flat_map(|attributes| attributes.keys());
    names.any(|name| name.contains("ebs") && name.contains("encryption"))
}

#[async_trait]
impl RegionSettings for AccountSession {
    async fn ebs_encryption(&self, region: &Region) -> Result<bool, PortError> {
        let call = InRegion("ec2:GetEbsEncryptionByDefault", region, json!({}));
        self.region(call, |view| Ok(view.ebs_encryption)).await
    }

    async fn encrypt_ebs(&self, region: &Region) -> Result<(), PortError> {
        const CALL: &str = "ec2:EnableEbsEncryptionByDefault";
        self.ask_in(InRegion(CALL, region, json!({})), |state| {
            if sets_ebs_encryption(state.org.member(CALL, &self.account)?) {
                let message = "This functionality has been disabled by a Declarative Policy";
                return Err(PortError::new(ErrorKind::Denied, CALL, message));
            }
            let view = state.org.region(CALL, &self.account, region)?;
            view.ebs_encryption = true;
            Ok(())
        })
        .await
    }

    async fn default_vpc(&self, region: &Region) -> Result<Option<DefaultVpc>, PortError> {
        let call = InRegion("ec2:DescribeVpcs", region, requests::default_vpc());
        self.region(call, |view| Ok(view.default_vpc.clone())).await
    }

    async fn delete_vpc_part(&self, region: &Region, part: &VpcPart) -> Result<(), PortError> {
        let (call, request) = requests::delete_vpc_part(part);
        self.region(InRegion(call, region, request), |view| {
            view.delete_vpc_part(call, part)
        })
        .await
    }
}

impl MemberRegion {
    /// Deletes a part of the default VPC. What is used blocks its own part only: a VPC may lose its
    /// subnets before AWS refuses to delete it.
    fn delete_vpc_part(&mut self, call: &'static str, part: &VpcPart) -> Result<(), PortError> {
        let missing = || PortError::new(ErrorKind::Missing, call, "NotFound");
        let used = || PortError::new(ErrorKind::Invalid, call, "DependencyViolation");
        let vpc = self.default_vpc.as_mut().ok_or_else(missing)?;
        let has_interfaces = vpc.uses.iter().any(|used| used.contains("interface"));
        let (parts, id) = match part {
            VpcPart::Subnet(id) => (&mut vpc.subnets, id),
            VpcPart::Gateway { id, .. } => (&mut vpc.gateways, id),
            VpcPart::Vpc(id) if *id != vpc.id => return Err(missing()),
            VpcPart::Vpc(_) => {
                let is_empty = vpc.subnets.is_empty() && vpc.gateways.is_empty();
                if !is_empty || !vpc.uses.is_empty() {
                    return Err(used());
                }
                self.default_vpc = None;
                return Ok(());
            }
        };
        if !parts.contains(id) {
            return Err(missing());
        }
        if has_interfaces {
            return Err(used());
        }
        parts.retain(|known| known != id);
        Ok(())
    }
}

//! The settings that a policy of the Organization holds in an account, so that AWS refuses to
//! change them there.

use banto_ports::OrgPolicyKind;
use serde_json::Value;

use super::snapshot::LiveAccount;

/// The word of the Organization's S3 policy on public access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PublicAccess {
    /// It is blocked everywhere.
    Blocked,
    /// Something else, which no account can change.
    Otherwise,
}

/// The Organization's word on public access to S3; `None` if it has none. (Organizations user
/// guide, "S3 policy syntax and examples".)
pub(super) fn public_access(live: &LiveAccount) -> Option<PublicAccess> {
    let policy = live.org_policies.get(&OrgPolicyKind::S3)?;
    let value = policy.pointer("/s3_attributes/public_access_block_configuration")?;
    match value.as_str() {
        Some("all") => Some(PublicAccess::Blocked),
        _ => Some(PublicAccess::Otherwise),
    }
}

/// True if the Organization's declarative policy for EC2 speaks of the encryption of EBS volumes.
/// The user guide names no such attribute yet, so that any is taken that is named so.
/// (Organizations user guide, "Declarative policy syntax and examples".)
pub(super) fn sets_ebs_encryption(live: &LiveAccount) -> bool {
    let policy = live.org_policies.get(&OrgPolicyKind::Ec2);
    let attributes = policy.and_then(|policy| policy.get("ec2_attributes"));
    let attributes = attributes.and_then(Value::as_object);
    let mut names = attributes.into_iter().flat_map(|it| it.keys());
    names.any(|name| name.contains("ebs") && name.contains("encryption"))
}

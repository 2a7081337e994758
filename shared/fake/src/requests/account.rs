//! Requests about one account: its roles and its settings.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_domain::{AccountId, RoleName};
use banto_ports::{LivePasswordPolicy, NewRole, RoleChange, VpcPart};
use serde_json::{Value, json};

pub(crate) fn create_role(name: &RoleName, role: &NewRole) -> Value {
    json!({
        "RoleName": name,
        "Description": role.description,
        "AssumeRolePolicyDocument": role.trust.to_string(),
        "MaxSessionDuration": role.session_seconds,
        "PermissionsBoundary": role.boundary,
        "Tags": tags(&role.tags),
    })
}

pub(crate) fn change_role(name: &RoleName, change: &RoleChange) -> Value {
    match change {
        RoleChange::Trust(trust) => {
            json!({ "RoleName": name, "PolicyDocument": trust.to_string() })
        }
        RoleChange::SessionSeconds(seconds) => {
            json!({ "RoleName": name, "MaxSessionDuration": seconds })
        }
        RoleChange::Attach(policy) | RoleChange::Detach(policy) => {
            json!({ "RoleName": name, "PolicyArn": policy })
        }
        RoleChange::PutInline(id, policy) => {
            let policy = policy.to_string();
            json!({ "RoleName": name, "PolicyName": id, "PolicyDocument": policy })
        }
        RoleChange::DeleteInline(id) => json!({ "RoleName": name, "PolicyName": id }),
        RoleChange::SetBoundary(policy) => {
            json!({ "RoleName": name, "PermissionsBoundary": policy })
        }
        RoleChange::RemoveBoundary => json!({ "RoleName": name }),
        RoleChange::Tag(new) => json!({ "RoleName": name, "Tags": tags(new) }),
    }
}

pub(crate) fn password_policy(policy: &LivePasswordPolicy) -> Value {
    json!({
        "MinimumPasswordLength": policy.minimum_length,
        "RequireSymbols": policy.symbols,
        "RequireNumbers": policy.numbers,
        "RequireUppercaseCharacters": policy.uppercase,
        "RequireLowercaseCharacters": policy.lowercase,
        "MaxPasswordAge": policy.max_age_days,
        "PasswordReusePrevention": policy.reuse_prevention,
        "AllowUsersToChangePassword": policy.users_may_change,
        "HardExpiry": policy.hard_expiry,
    })
}

pub(crate) fn contact(kind: ContactKind, contact: &Contact) -> Value {
    json!({
        "AlternateContactType": contact_kind(kind),
        "Name": contact.name,
        "Title": contact.title,
        "EmailAddress": contact.email,
        "PhoneNumber": contact.phone,
    })
}

/// The kind of a contact, in the words of the API.
pub(crate) fn contact_kind(kind: ContactKind) -> &'static str {
    match kind {
        ContactKind::Billing => "BILLING",
        ContactKind::Operations => "OPERATIONS",
        ContactKind::Security => "SECURITY",
    }
}

pub(crate) fn public_access_blocks(account: &AccountId) -> Value {
    json!({
        "AccountId": account,
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true,
            "IgnorePublicAcls": true,
            "BlockPublicPolicy": true,
            "RestrictPublicBuckets": true,
        },
    })
}

pub(crate) fn assume_role(account: &AccountId) -> Value {
    json!({
        "RoleArn": format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole"),
        "RoleSessionName": "banto",
    })
}

/// The call that deletes a part of a VPC, and its request.
pub(crate) fn delete_vpc_part(part: &VpcPart) -> (&'static str, Value) {
    match part {
        VpcPart::Subnet(id) => ("ec2:DeleteSubnet", json!({ "SubnetId": id })),
        VpcPart::Gateway { id, .. } => {
            let request = json!({ "InternetGatewayId": id });
            ("ec2:DeleteInternetGateway", request)
        }
        VpcPart::Vpc(id) => ("ec2:DeleteVpc", json!({ "VpcId": id })),
    }
}

pub(crate) fn default_vpc() -> Value {
    json!({ "Filters": [{ "Name": "is-default", "Values": ["true"] }] })
}

pub(crate) fn tags(tags: &BTreeMap<String, String>) -> Vec<Value> {
    let tag = |(key, value): (&String, &String)| json!({ "Key": key, "Value": value });
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraints::check;

    #[test]
    fn a_role_and_a_contact_that_aws_would_refuse_are_found() {
        let name = "banto-read".parse().unwrap();
        let tagged = |value: &str| {
            let new = BTreeMap::from([("owner".to_owned(), value.to_owned())]);
            check("iam:TagRole", &change_role(&name, &RoleChange::Tag(new)))
        };
        assert_eq!(tagged("platform team @ example.com"), Ok(()));
        let problem = tagged("platform; team").unwrap_err();
        assert!(
            problem.starts_with("iam:TagRole: Tags.0.Value: \"platform; team\""),
            "{problem}"
        );
        let attach = RoleChange::Attach("short".to_owned());
        let problem = check("iam:AttachRolePolicy", &change_role(&name, &attach)).unwrap_err();
        assert_eq!(
            problem,
            "iam:AttachRolePolicy: PolicyArn: 5 characters, at least 20"
        );
        let whom = |phone: &str| Contact {
            name: "Alice".to_owned(),
            title: "Security".to_owned(),
            email: "security@example.com".to_owned(),
            phone: phone.to_owned(),
        };
        let set = |phone| {
            check(
                "account:PutAlternateContact",
                &contact(ContactKind::Security, &whom(phone)),
            )
        };
        assert_eq!(set("+49 (30) 123-456"), Ok(()));
        assert!(set("030/123456").unwrap_err().contains("PhoneNumber"));
    }

    #[test]
    fn numbers_of_a_password_policy_keep_to_iams_bounds() {
        let policy = |minimum_length| {
            let policy = LivePasswordPolicy {
                minimum_length,
                reuse_prevention: Some(24),
                ..LivePasswordPolicy::default()
            };
            check("iam:UpdateAccountPasswordPolicy", &password_policy(&policy))
        };
        assert_eq!(policy(14), Ok(()));
        assert!(
            policy(129)
                .unwrap_err()
                .contains("MinimumPasswordLength: 129, at most 128")
        );
        assert!(policy(5).unwrap_err().contains("at least 6"));
    }
}

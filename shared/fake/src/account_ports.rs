//! The ports of one account whose role a run has assumed, on the world's state.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use banto_domain::policy::onboarding::{Contact, ContactKind, PasswordPolicy};
use banto_domain::{AccountId, Region, RoleName};
use banto_ports::{
    AccountAccess, AccountClients, AccountSettings, AccountState, Channel, ConfigRecording,
    DefaultVpc, ErrorKind, LiveRecorder, LiveRole, NewRole, PortError, Recorder, RecorderStatus,
    RegionSettings, RegionState, RoleChange, Roles, VpcPart,
};
use serde_json::json;

use crate::account_requests;
use crate::organization::{MemberAccount, MemberRegion};
use crate::run::Run;

/// Access to accounts, for one run.
#[derive(Debug)]
pub struct FakeAccountAccess(pub Arc<Run>);

/// One account whose role a run has assumed.
#[derive(Debug, Clone)]
struct AccountSession {
    run: Arc<Run>,
    account: AccountId,
}

#[async_trait]
impl AccountAccess for FakeAccountAccess {
    async fn assume_role(&self, account: &AccountId) -> Result<AccountClients, PortError> {
        const CALL: &str = "sts:AssumeRole";
        self.0
            .step(CALL, account, |state| {
                let now = state.now;
                state.org.take("sts", CALL, now)?;
                // STS says the same of an account that is closed, has left, or is not there yet.
                let is_assumable = state.org.accounts.get(account).is_some_and(|member| {
                    member.org.state == AccountState::Active
                        && member.reachable_from.is_some_and(|from| from <= now)
                });
                if !is_assumable {
                    return Err(PortError::new(ErrorKind::Denied, CALL, "AccessDenied"));
                }
                state.org.member(CALL, account).map(drop)
            })
            .await?;
        let session = Arc::new(AccountSession {
            run: Arc::clone(&self.0),
            account: account.clone(),
        });
        Ok(AccountClients {
            roles: session.clone(),
            settings: session.clone(),
            config: session.clone(),
            regions: session,
        })
    }
}

impl AccountSession {
    async fn member<T>(
        &self,
        call: &'static str,
        effect: impl FnOnce(&mut MemberAccount) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        self.run
            .step(call, &self.account, |state| {
                effect(state.org.member(call, &self.account)?)
            })
            .await
    }

    async fn region<T>(
        &self,
        call: &'static str,
        region: &Region,
        effect: impl FnOnce(&mut MemberRegion) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let subject = format!("{} {region}", self.account);
        self.run
            .step(call, subject, |state| {
                effect(state.org.region(call, &self.account, region)?)
            })
            .await
    }
}

#[async_trait]
impl Roles for AccountSession {
    async fn all(&self) -> Result<Vec<LiveRole>, PortError> {
        let all = |member: &mut MemberAccount| {
            Ok(member
                .roles
                .values()
                .map(|(role, _)| role.clone())
                .collect())
        };
        self.member("iam:GetAccountAuthorizationDetails", all).await
    }

    async fn session_lengths(&self) -> Result<BTreeMap<RoleName, i32>, PortError> {
        let lengths = |member: &mut MemberAccount| {
            Ok(member
                .roles
                .iter()
                .map(|(name, (_, length))| (name.clone(), *length))
                .collect())
        };
        self.member("iam:ListRoles", lengths).await
    }

    async fn create(&self, name: &RoleName, role: &NewRole) -> Result<(), PortError> {
        const CALL: &str = "iam:CreateRole";
        let request = account_requests::create_role(name, role);
        self.run.constrain(CALL, &request);
        self.member(CALL, |member| {
            if member.roles.contains_key(name) {
                return Err(PortError::new(
                    ErrorKind::Conflict,
                    CALL,
                    "EntityAlreadyExists",
                ));
            }
            let made = LiveRole {
                name: name.clone(),
                path: "/".to_owned(),
                trust: role.trust.clone(),
                managed_policies: Default::default(),
                inline_policies: BTreeMap::new(),
                boundary: role.boundary.clone(),
                tags: role.tags.clone(),
            };
            member
                .roles
                .insert(name.clone(), (made, role.session_seconds));
            Ok(())
        })
        .await
    }

    async fn change(&self, name: &RoleName, change: &RoleChange) -> Result<(), PortError> {
        let call = match change {
            RoleChange::Trust(_) => "iam:UpdateAssumeRolePolicy",
            RoleChange::SessionSeconds(_) => "iam:UpdateRole",
            RoleChange::Attach(_) => "iam:AttachRolePolicy",
            RoleChange::Detach(_) => "iam:DetachRolePolicy",
            RoleChange::PutInline(..) => "iam:PutRolePolicy",
            RoleChange::DeleteInline(_) => "iam:DeleteRolePolicy",
            RoleChange::SetBoundary(_) => "iam:PutRolePermissionsBoundary",
            RoleChange::RemoveBoundary => "iam:DeleteRolePermissionsBoundary",
            RoleChange::Tag(_) => "iam:TagRole",
        };
        let request = account_requests::change_role(name, change);
        self.run.constrain(call, &request);
        self.member(call, |member| {
            let missing = || PortError::new(ErrorKind::Missing, call, "NoSuchEntity");
            let (role, session) = member.roles.get_mut(name).ok_or_else(missing)?;
            match change.clone() {
                RoleChange::Trust(trust) => role.trust = trust,
                RoleChange::SessionSeconds(seconds) => *session = seconds,
                RoleChange::Attach(policy) => drop(role.managed_policies.insert(policy)),
                RoleChange::Detach(policy) => drop(role.managed_policies.remove(&policy)),
                RoleChange::PutInline(id, policy) => drop(role.inline_policies.insert(id, policy)),
                RoleChange::DeleteInline(id) => drop(role.inline_policies.remove(&id)),
                RoleChange::SetBoundary(policy) => role.boundary = Some(policy),
                RoleChange::RemoveBoundary => role.boundary = None,
                RoleChange::Tag(tags) => role.tags.extend(tags),
            }
            Ok(())
        })
        .await
    }

    async fn has_config_role(&self) -> Result<bool, PortError> {
        let has = |member: &mut MemberAccount| {
            Ok(member
                .roles
                .keys()
                .any(|name| name.as_str() == "AWSServiceRoleForConfig"))
        };
        self.member("iam:GetRole", has).await
    }

    async fn create_config_role(&self) -> Result<(), PortError> {
        const CALL: &str = "iam:CreateServiceLinkedRole";
        self.member(CALL, |member| {
            let name: RoleName = crate::world::parsed("AWSServiceRoleForConfig");
            if member.roles.contains_key(&name) {
                return Err(PortError::new(ErrorKind::Conflict, CALL, "has been taken"));
            }
            let made = LiveRole {
                name: name.clone(),
                path: "/aws-service-role/config.amazonaws.com/".to_owned(),
                trust: serde_json::Value::Null,
                managed_policies: Default::default(),
                inline_policies: BTreeMap::new(),
                boundary: None,
                tags: BTreeMap::new(),
            };
            member.roles.insert(name, (made, 3_600));
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl AccountSettings for AccountSession {
    async fn regions(&self) -> Result<BTreeMap<Region, RegionState>, PortError> {
        let states = |member: &mut MemberAccount| {
            Ok(member
                .regions
                .iter()
                .map(|(region, view)| (region.clone(), view.state))
                .collect())
        };
        self.member("account:ListRegions", states).await
    }

    async fn password_policy(&self) -> Result<Option<PasswordPolicy>, PortError> {
        self.member("iam:GetAccountPasswordPolicy", |member| {
            Ok(member.password_policy.clone())
        })
        .await
    }

    async fn set_password_policy(&self, policy: &PasswordPolicy) -> Result<(), PortError> {
        let set = |member: &mut MemberAccount| {
            member.password_policy = Some(policy.clone());
            Ok(())
        };
        const CALL: &str = "iam:UpdateAccountPasswordPolicy";
        let request = account_requests::password_policy(policy);
        self.run.constrain(CALL, &request);
        self.member(CALL, set).await
    }

    async fn public_access_blocks(&self) -> Result<Option<u8>, PortError> {
        self.member("s3:GetAccountPublicAccessBlock", |member| {
            Ok(member.public_access_blocks)
        })
        .await
    }

    async fn block_public_access(&self) -> Result<(), PortError> {
        let set = |member: &mut MemberAccount| {
            member.public_access_blocks = Some(4);
            Ok(())
        };
        self.member("s3:PutAccountPublicAccessBlock", set).await
    }

    async fn contact(&self, kind: ContactKind) -> Result<Option<Contact>, PortError> {
        self.member("account:GetAlternateContact", |member| {
            Ok(member.contacts.get(&kind).cloned())
        })
        .await
    }

    async fn set_contact(&self, kind: ContactKind, contact: &Contact) -> Result<(), PortError> {
        let set = |member: &mut MemberAccount| {
            member.contacts.insert(kind, contact.clone());
            Ok(())
        };
        const CALL: &str = "account:PutAlternateContact";
        let request = account_requests::contact(kind, contact);
        self.run.constrain(CALL, &request);
        self.member(CALL, set).await
    }
}

#[async_trait]
impl ConfigRecording for AccountSession {
    async fn recorders(&self, region: &Region) -> Result<Vec<LiveRecorder>, PortError> {
        let recorders = |view: &mut MemberRegion| Ok(view.recorder.clone().into_iter().collect());
        self.region("config:DescribeConfigurationRecorders", region, recorders)
            .await
    }

    async fn recorder_statuses(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, RecorderStatus>, PortError> {
        self.region(
            "config:DescribeConfigurationRecorderStatus",
            region,
            |view| {
                let name = view
                    .recorder
                    .as_ref()
                    .map(|recorder| recorder.recorder.name.clone());
                Ok(name.into_iter().zip(view.status.clone()).collect())
            },
        )
        .await
    }

    async fn channels(&self, region: &Region) -> Result<Vec<Channel>, PortError> {
        let channels = |view: &mut MemberRegion| Ok(view.channel.clone().into_iter().collect());
        self.region("config:DescribeDeliveryChannels", region, channels)
            .await
    }

    async fn channel_errors(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, Option<String>>, PortError> {
        self.region("config:DescribeDeliveryChannelStatus", region, |view| {
            let name = view.channel.as_ref().map(|channel| channel.name.clone());
            Ok(name
                .into_iter()
                .map(|name| (name, view.channel_error.clone()))
                .collect())
        })
        .await
    }

    async fn put_recorder(&self, region: &Region, recorder: &Recorder) -> Result<(), PortError> {
        const CALL: &str = "config:PutConfigurationRecorder";
        self.region(CALL, region, |view| {
            if let Some(existing) = &view.recorder
                && existing.recorder.name != recorder.name
            {
                let code = "MaxNumberOfConfigurationRecordersExceededException";
                return Err(PortError::new(ErrorKind::LimitExceeded, CALL, code));
            }
            view.recorder = Some(LiveRecorder {
                recorder: recorder.clone(),
                service: None,
            });
            let stopped = RecorderStatus {
                recording: false,
                was_started: false,
                error: None,
            };
            view.status.get_or_insert(stopped);
            Ok(())
        })
        .await
    }

    async fn put_channel(&self, region: &Region, channel: &Channel) -> Result<(), PortError> {
        const CALL: &str = "config:PutDeliveryChannel";
        let request = account_requests::delivery_channel(channel);
        self.run.constrain(CALL, &request);
        self.region(CALL, region, |view| {
            let refused = |kind, code: &str| Err(PortError::new(kind, CALL, code));
            match &view.channel {
                _ if view.recorder.is_none() => refused(
                    ErrorKind::NotReady,
                    "NoAvailableConfigurationRecorderException",
                ),
                Some(existing) if existing.name != channel.name => refused(
                    ErrorKind::LimitExceeded,
                    "MaxNumberOfDeliveryChannelsExceededException",
                ),
                _ => {
                    view.channel = Some(channel.clone());
                    Ok(())
                }
            }
        })
        .await
    }

    async fn start(&self, region: &Region, recorder: &str) -> Result<(), PortError> {
        const CALL: &str = "config:StartConfigurationRecorder";
        let request = json!({ "ConfigurationRecorderName": recorder });
        self.run.constrain(CALL, &request);
        self.region(CALL, region, |view| {
            let refused = |kind, code: &str| Err(PortError::new(kind, CALL, code));
            if view
                .recorder
                .as_ref()
                .is_none_or(|known| known.recorder.name != recorder)
            {
                return refused(ErrorKind::Missing, "NoSuchConfigurationRecorderException");
            }
            if view.channel.is_none() {
                return refused(ErrorKind::NotReady, "NoAvailableDeliveryChannelException");
            }
            view.status = Some(RecorderStatus {
                recording: true,
                was_started: true,
                error: None,
            });
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl RegionSettings for AccountSession {
    async fn ebs_encryption(&self, region: &Region) -> Result<bool, PortError> {
        self.region("ec2:GetEbsEncryptionByDefault", region, |view| {
            Ok(view.ebs_encryption)
        })
        .await
    }

    async fn encrypt_ebs(&self, region: &Region) -> Result<(), PortError> {
        let encrypt = |view: &mut MemberRegion| {
            view.ebs_encryption = true;
            Ok(())
        };
        self.region("ec2:EnableEbsEncryptionByDefault", region, encrypt)
            .await
    }

    async fn default_vpc(&self, region: &Region) -> Result<Option<DefaultVpc>, PortError> {
        self.region("ec2:DescribeVpcs", region, |view| {
            Ok(view.default_vpc.clone())
        })
        .await
    }

    async fn delete_vpc_part(&self, region: &Region, part: &VpcPart) -> Result<(), PortError> {
        let call = match part {
            VpcPart::Subnet(_) => "ec2:DeleteSubnet",
            VpcPart::Gateway { .. } => "ec2:DeleteInternetGateway",
            VpcPart::Vpc(_) => "ec2:DeleteVpc",
        };
        self.region(call, region, |view| {
            let missing = || PortError::new(ErrorKind::Missing, call, "NotFound");
            let vpc = view.default_vpc.as_mut().ok_or_else(missing)?;
            let parts = match part {
                VpcPart::Subnet(_) => &mut vpc.subnets,
                VpcPart::Gateway { .. } => &mut vpc.gateways,
                VpcPart::Vpc(_) if vpc.subnets.is_empty() && vpc.gateways.is_empty() => {
                    view.default_vpc = None;
                    return Ok(());
                }
                VpcPart::Vpc(_) => {
                    return Err(PortError::new(
                        ErrorKind::Invalid,
                        call,
                        "DependencyViolation",
                    ));
                }
            };
            let (VpcPart::Subnet(id) | VpcPart::Gateway { id, .. } | VpcPart::Vpc(id)) = part;
            let before = parts.len();
            parts.retain(|known| known != id);
            if parts.len() < before {
                Ok(())
            } else {
                Err(missing())
            }
        })
        .await
    }
}

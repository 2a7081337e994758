//! Access to accounts: a role is assumed, and every call in the account is made with its session.

use std::sync::Arc;

use async_trait::async_trait;
use banto_domain::AccountId;
use banto_domain::policy::OnboardingPolicy;
use banto_ports::{AccountAccess, AccountClients, PortError};

use crate::caller::Caller;
use crate::config::Aws;
use crate::ec2::Ec2Settings;
use crate::recording::ConfigRecorders;
use crate::role::credentials;
use crate::roles::IamRoles;
use crate::service::Service;
use crate::settings::MemberSettings;
use crate::token_bucket::TokenBucket;

/// STS answers 600 calls a second per account and region, to all who ask there. (IAM user guide,
/// "IAM and AWS STS quotas".)
const ASSUMED_PER_SECOND: u32 = 50;

/// Access to accounts by the role that the policy names.
#[derive(Debug)]
pub struct AssumedRoles {
    aws: Aws,
    sts: Caller,
    policy: OnboardingPolicy,
    session_policy: String,
    calls: TokenBucket,
}

impl AssumedRoles {
    pub(crate) fn new(aws: Aws, policy: &OnboardingPolicy, session_policy: &str) -> Self {
        let sts = aws.caller(Service::Sts);
        let calls = TokenBucket::per_second(ASSUMED_PER_SECOND, ASSUMED_PER_SECOND);
        Self {
            aws,
            sts,
            policy: policy.clone(),
            session_policy: session_policy.to_owned(),
            calls,
        }
    }
}

#[async_trait]
impl AccountAccess for AssumedRoles {
    async fn assume_role(&self, account: &AccountId) -> Result<AccountClients, PortError> {
        let partition = self.policy.home_region.partition();
        let role = format!(
            "arn:{partition}:iam::{account}:role/{}",
            self.policy.reach_role
        );
        self.calls.acquire().await;
        let aws = self
            .aws
            .with_credentials(credentials(&self.sts, &role, Some(&self.session_policy)).await?);
        Ok(AccountClients {
            roles: Arc::new(IamRoles::new(&aws, &self.policy)),
            settings: Arc::new(MemberSettings::new(&aws, account)),
            config: Arc::new(ConfigRecorders::new(aws.clone())),
            regions: Arc::new(Ec2Settings::new(aws)),
        })
    }
}

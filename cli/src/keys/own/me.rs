//! Who calls, and what the policy says of them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use banto_domain::policy::{IdentityAccount, Policy};
use banto_domain::{AccountId, UserName};
use clap::Args;

use super::super::place;
use super::cloud::{Cloud, OnAws};
use crate::policy::PolicyFile;
use crate::session::{Session, Where};

/// Options of every command about one's own keys.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// The policy.
    #[command(flatten)]
    pub policy: PolicyFile,
    /// Credentials and region.
    #[command(flatten)]
    pub place: Where,
}

/// The user who calls.
pub(super) struct Me {
    pub(super) policy: Policy,
    /// The policy's file, if it was not named but found.
    pub(super) policy_file: Option<PathBuf>,
    pub(super) identity: IdentityAccount,
    pub(super) user: UserName,
    pub(super) cloud: Box<dyn Cloud>,
}

impl Me {
    /// Reads the policy, and asks AWS who calls.
    pub(super) async fn find(common: &Common) -> Result<Self> {
        let policy = common.policy.read()?;
        let session = place(&policy, &common.place).connect().await?;
        let user = user_of(&session)?;
        let identity = identity(&policy, &session.account)?.clone();
        let cloud = OnAws {
            aws: session.aws,
            user: user.clone(),
            identity: identity.clone(),
        };
        Ok(Self {
            policy,
            policy_file: policy_file(common),
            identity,
            user,
            cloud: Box::new(cloud),
        })
    }
}

/// The policy's file, where nobody named it: that of whatever folder this is comes first.
pub(super) fn policy_file(common: &Common) -> Option<PathBuf> {
    let is_named = common.policy.policy.is_some();
    (!is_named).then(|| common.policy.path().ok()).flatten()
}

fn user_of(session: &Session) -> Result<UserName> {
    session.user().with_context(|| {
        format!(
            "{} is no IAM user: name the profile of your own access key, or of `aws login`, with \
             --profile",
            session.arn
        )
    })
}

/// The account of the policy in which users live.
pub(super) fn identity<'a>(policy: &'a Policy, account: &AccountId) -> Result<&'a IdentityAccount> {
    let accounts = &policy.rotation.accounts;
    if let Some(found) = accounts.iter().find(|identity| identity.id == *account) {
        return Ok(found);
    }
    let known: Vec<&str> = accounts
        .iter()
        .map(|identity| identity.id.as_str())
        .collect();
    bail!(
        "these credentials are of the account {account}, and users whose keys Banto rotates are in \
         {}: name the profile of your own access key with --profile",
        known.join(" or ")
    )
}

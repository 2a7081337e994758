//! Access to accounts, and the one account whose role a run has assumed.

use std::sync::Arc;

use async_trait::async_trait;
use banto_domain::{AccountId, Region};
use banto_ports::{AccountAccess, AccountClients, AccountState, ErrorKind, PortError};
use serde_json::Value;

use crate::lag::Reader;
use crate::member_account::{MemberAccount, MemberRegion};
use crate::requests;
use crate::run::Run;
use crate::world::State;

/// Access to accounts, for one run.
#[derive(Debug)]
pub struct FakeAccountAccess(pub Arc<Run>);

/// One account whose role a run has assumed.
#[derive(Debug, Clone)]
pub(crate) struct AccountSession {
    pub(crate) run: Arc<Run>,
    pub(crate) account: AccountId,
}

#[async_trait]
impl AccountAccess for FakeAccountAccess {
    async fn assume_role(&self, account: &AccountId) -> Result<AccountClients, PortError> {
        const CALL: &str = "sts:AssumeRole";
        let request = requests::account::assume_role(account);
        self.0
            .ask(CALL, account, request, |state| {
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

/// A call about a region: its name, the region, and the request.
pub(crate) struct InRegion<'a>(
    pub(crate) &'static str,
    pub(crate) &'a Region,
    pub(crate) Value,
);

impl AccountSession {
    /// A call about the account as a whole.
    pub(crate) async fn member<T>(
        &self,
        call: &'static str,
        request: Value,
        effect: impl FnOnce(&mut MemberAccount) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        self.ask(call, request, |state| {
            effect(state.org.member(call, &self.account)?)
        })
        .await
    }

    /// A call about the account, of all the state.
    pub(crate) async fn ask<T>(
        &self,
        call: &'static str,
        request: Value,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let effect = |state: &mut State| {
            state.settle(&self.account);
            effect(state)
        };
        self.run
            .ask_in_account(call, &self.account, request, effect)
            .await
    }

    /// Reads the account as the reader tells it.
    pub(crate) async fn read<T>(
        &self,
        (call, reader): (&'static str, Reader),
        request: Value,
        read: impl FnOnce(&MemberAccount) -> T,
    ) -> Result<T, PortError> {
        self.ask(call, request, |state| {
            state.org.member(call, &self.account)?;
            let told = state.account_as_read_by(reader, &self.account);
            let missing = || PortError::new(ErrorKind::Missing, call, "the account is gone");
            told.map(read).ok_or_else(missing)
        })
        .await
    }

    /// A call about a region.
    pub(crate) async fn region<T>(
        &self,
        call: InRegion<'_>,
        effect: impl FnOnce(&mut MemberRegion) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let InRegion(name, region, _) = call;
        self.ask_in(call, |state| {
            effect(state.org.region(name, &self.account, region)?)
        })
        .await
    }

    /// A call about a region, of all the state.
    pub(crate) async fn ask_in<T>(
        &self,
        InRegion(call, region, request): InRegion<'_>,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let subject = format!("{} {region}", self.account);
        let effect = |state: &mut State| {
            state.settle(&self.account);
            effect(state)
        };
        self.run
            .ask_in_account(call, subject, request, effect)
            .await
    }

    /// Reads a region as the reader tells it.
    pub(crate) async fn read_in<T: Default>(
        &self,
        call: InRegion<'_>,
        reader: Reader,
        read: impl FnOnce(&MemberRegion) -> T,
    ) -> Result<T, PortError> {
        let InRegion(name, region, _) = call;
        self.ask_in(call, |state| {
            state.org.region(name, &self.account, region)?;
            let told = state.account_as_read_by(reader, &self.account);
            let view = told.and_then(|told| told.regions.get(region));
            Ok(view.map(read).unwrap_or_default())
        })
        .await
    }
}

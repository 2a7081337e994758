//! The ports of the Organization, on the world's state.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::status::AccountStatus;
use banto_domain::{AccountId, OuId, Region};
use banto_ports::{
    AccountStatuses, Dashboard, ErrorKind, OrgAccount, Organization, PortError, PreviousStatus,
    StackInstance, StackInstances,
};
use serde_json::json;

use crate::account_requests;
use crate::run::Run;

#[async_trait]
impl Organization for Run {
    async fn accounts(&self) -> Result<Vec<OrgAccount>, PortError> {
        const CALL: &str = "organizations:ListAccounts";
        const PAGE: usize = 20;
        let mut accounts = Vec::new();
        loop {
            let page = self.step(CALL, "", |state| {
                state.org.take("organizations", CALL, state.now)?;
                let page = state.org.accounts.values().skip(accounts.len()).take(PAGE);
                Ok(page.map(|member| member.org.clone()).collect::<Vec<_>>())
            });
            let page = page.await?;
            let is_last = page.len() < PAGE;
            accounts.extend(page);
            if is_last {
                return Ok(accounts);
            }
        }
    }

    async fn account(&self, account: &AccountId) -> Result<OrgAccount, PortError> {
        const CALL: &str = "organizations:DescribeAccount";
        self.ask(CALL, account, json!({ "AccountId": account }), |state| {
            state.org.take("organizations", CALL, state.now)?;
            Ok(state.org.member(CALL, account)?.org.clone())
        })
        .await
    }

    async fn parent(&self, child: &str) -> Result<Option<OuId>, PortError> {
        const CALL: &str = "organizations:ListParents";
        // Organizations refuses a root here, and so it is not asked.
        if child.starts_with("r-") {
            return Ok(None);
        }
        self.ask(CALL, child, json!({ "ChildId": child }), |state| {
            state.org.take("organizations", CALL, state.now)?;
            let missing = || PortError::new(ErrorKind::Missing, CALL, "ChildNotFoundException");
            if let Some(member) = state
                .org
                .accounts
                .values()
                .find(|member| member.org.id.as_str() == child)
            {
                return member
                    .parents
                    .first()
                    .cloned()
                    .map(Some)
                    .ok_or_else(missing);
            }
            let chain = state.org.accounts.values().map(|member| &member.parents);
            let chain = chain
                .into_iter()
                .find(|chain| chain.iter().any(|unit| unit.as_str() == child));
            let chain = chain.ok_or_else(missing)?;
            let place = chain
                .iter()
                .position(|unit| unit.as_str() == child)
                .unwrap_or_default();
            Ok(chain.get(place + 1).cloned())
        })
        .await
    }

    async fn tags(&self, account: &AccountId) -> Result<BTreeMap<String, String>, PortError> {
        const CALL: &str = "organizations:ListTagsForResource";
        self.step(CALL, account, |state| {
            state.org.take("organizations", CALL, state.now)?;
            Ok(state.org.member(CALL, account)?.org_tags.clone())
        })
        .await
    }

    async fn tag(
        &self,
        account: &AccountId,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), PortError> {
        const CALL: &str = "organizations:TagResource";
        let request = json!({ "ResourceId": account, "Tags": account_requests::tags(tags) });
        self.ask(CALL, account, request, |state| {
            state
                .org
                .member(CALL, account)?
                .org_tags
                .extend(tags.clone());
            Ok(())
        })
        .await
    }

    async fn move_to(&self, account: &AccountId, from: &OuId, to: &OuId) -> Result<(), PortError> {
        const CALL: &str = "organizations:MoveAccount";
        let request = json!({
            "AccountId": account,
            "SourceParentId": from,
            "DestinationParentId": to,
        });
        self.ask(CALL, account, request, |state| {
            let member = state.org.member(CALL, account)?;
            match member.parents.first() {
                Some(parent) if parent == to => Err(PortError::new(
                    ErrorKind::Conflict,
                    CALL,
                    "DuplicateAccountException",
                )),
                Some(parent) if parent == from => {
                    let root = member.parents.last().cloned();
                    member.parents = [Some(to.clone()), root.filter(|root| root != to)]
                        .into_iter()
                        .flatten()
                        .collect();
                    member.org.path = member.parents.iter().rev().cloned().collect();
                    Ok(())
                }
                _ => Err(PortError::new(
                    ErrorKind::Missing,
                    CALL,
                    "SourceParentNotFoundException",
                )),
            }
        })
        .await
    }
}

#[async_trait]
impl StackInstances for Run {
    async fn list(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<Region, StackInstance>, PortError> {
        self.step("cloudformation:ListStackInstances", account, |state| {
            let now = state.now;
            state.org.deploy(now);
            let own = state
                .org
                .stack_set
                .instances
                .iter()
                .filter(|((owner, _), _)| owner == account);
            Ok(own
                .map(|((_, region), (instance, _))| (region.clone(), instance.clone()))
                .collect())
        })
        .await
    }

    async fn create(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        const CALL: &str = "cloudformation:CreateStackInstances";
        let request = account_requests::stack_instances(accounts, regions);
        self.ask(CALL, "", request, |state| {
            state
                .org
                .stack_set
                .operate(CALL, accounts, regions, state.now)
        })
        .await
    }

    async fn update(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        const CALL: &str = "cloudformation:UpdateStackInstances";
        let request = account_requests::stack_instances(accounts, regions);
        self.ask(CALL, "", request, |state| {
            state
                .org
                .stack_set
                .operate(CALL, accounts, regions, state.now)
        })
        .await
    }
}

#[async_trait]
impl AccountStatuses for Run {
    async fn save_status(&self, status: &AccountStatus) -> Result<PreviousStatus, PortError> {
        self.step("dynamodb:UpdateItem", &status.account, |state| {
            let item = state
                .org
                .statuses
                .entry(status.account.clone())
                .or_default();
            Ok(PreviousStatus {
                status: item.0.replace(status.clone()),
                last_notified: item.1.clone(),
            })
        })
        .await
    }

    async fn save_last_notified(
        &self,
        account: &AccountId,
        notified: &str,
    ) -> Result<(), PortError> {
        self.step("dynamodb:UpdateItem", account, |state| {
            state.org.statuses.entry(account.clone()).or_default().1 = Some(notified.to_owned());
            Ok(())
        })
        .await
    }

    async fn delete(&self, account: &AccountId) -> Result<(), PortError> {
        self.step("dynamodb:DeleteItem", account, |state| {
            state.org.statuses.remove(account);
            Ok(())
        })
        .await
    }

    async fn all(&self) -> Result<Vec<AccountStatus>, PortError> {
        let all = |(status, _): &(Option<AccountStatus>, Option<String>)| status.clone();
        self.step("dynamodb:Scan", "", |state| {
            Ok(state.org.statuses.values().filter_map(all).collect())
        })
        .await
    }
}

#[async_trait]
impl Dashboard for Run {
    async fn publish(&self, document: &str) -> Result<(), PortError> {
        self.step("s3:PutObject", "", |state| {
            state.org.dashboard = Some(document.to_owned());
            Ok(())
        })
        .await
    }
}

//! The ports of the Organization, on the world's state.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::{AccountId, OuId, Region};
use banto_ports::{
    ErrorKind, OrgAccount, OrgPolicyKind, Organization, PortError, StackInstance, StackInstances,
};
use serde_json::{Value, json};

use crate::organization::Org;
use crate::requests::account as account_requests;
use crate::requests::organization as requests;
use crate::run::{Run, page_of};

#[async_trait]
impl Organization for Run {
    async fn accounts(&self) -> Result<Vec<OrgAccount>, PortError> {
        const CALL: &str = "organizations:ListAccounts";
        const PAGE: usize = 20;
        let mut accounts = Vec::new();
        loop {
            let request = page_of(json!({}), accounts.len() / PAGE);
            let page = self.ask(CALL, "", request, |state| {
                state.org.take("organizations", CALL, state.now)?;
                let shown = state.org.accounts.values();
                let shown = shown.filter(|member| member.is_shown(state.now));
                let page = shown.skip(accounts.len()).take(PAGE);
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
            Ok(state.org.shown(CALL, account, state.now)?.org.clone())
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
            state.org.parent_of(child).ok_or_else(missing)
        })
        .await
    }

    async fn tags(&self, account: &AccountId) -> Result<BTreeMap<String, String>, PortError> {
        const CALL: &str = "organizations:ListTagsForResource";
        self.ask(CALL, account, json!({ "ResourceId": account }), |state| {
            state.org.take("organizations", CALL, state.now)?;
            Ok(state.org.shown(CALL, account, state.now)?.org_tags.clone())
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
            let member = state.org.shown(CALL, account, state.now)?;
            member.org_tags.extend(tags.clone());
            Ok(())
        })
        .await
    }

    async fn move_to(&self, account: &AccountId, from: &OuId, to: &OuId) -> Result<(), PortError> {
        const CALL: &str = "organizations:MoveAccount";
        let request = requests::move_account(account, from, to);
        self.ask(CALL, account, request, |state| {
            let refused = |kind, code| Err(PortError::new(kind, CALL, code));
            let member = state.org.shown(CALL, account, state.now)?;
            match member.parents.first() {
                Some(parent) if parent == to => {
                    refused(ErrorKind::Conflict, "DuplicateAccountException")
                }
                Some(parent) if parent == from => {
                    let root = member.parents.last().filter(|root| *root != to);
                    let path: Vec<OuId> = root.into_iter().chain([to]).cloned().collect();
                    member.move_to(&path);
                    Ok(())
                }
                _ => refused(ErrorKind::Missing, "SourceParentNotFoundException"),
            }
        })
        .await
    }

    async fn effective_policy(
        &self,
        account: &AccountId,
        kind: OrgPolicyKind,
    ) -> Result<Option<Value>, PortError> {
        const CALL: &str = "organizations:DescribeEffectivePolicy";
        let request = requests::effective_policy(account, kind);
        self.ask(CALL, account, request, |state| {
            state.org.take("organizations", CALL, state.now)?;
            let member = state.org.shown(CALL, account, state.now)?;
            Ok(member.org_policies.get(&kind).cloned())
        })
        .await
    }
}

impl Org {
    /// The root or unit that an account or unit is in.
    fn parent_of(&self, child: &str) -> Option<Option<OuId>> {
        let mut members = self.accounts.values();
        let member = members.find(|member| member.org.id.as_str() == child);
        if let Some(member) = member {
            return member.parents.first().cloned().map(Some);
        }
        let mut chains = self.accounts.values().map(|member| &member.parents);
        let place = |chain: &Vec<OuId>| chain.iter().position(|unit| unit.as_str() == child);
        let (chain, place) = chains.find_map(|chain| Some((chain, place(chain)?)))?;
        Some(chain.get(place + 1).cloned())
    }
}

#[async_trait]
impl StackInstances for Run {
    async fn is_operating(&self) -> Result<bool, PortError> {
        const CALL: &str = "cloudformation:ListStackSetOperations";
        self.ask(CALL, "", requests::stack_set_operations(), |state| {
            state.progress();
            Ok(state.org.stack_set.is_operating())
        })
        .await
    }

    async fn list(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<Region, StackInstance>, PortError> {
        const CALL: &str = "cloudformation:ListStackInstances";
        let request = requests::stack_instances_of(account);
        self.ask(CALL, account, request, |state| {
            state.progress();
            Ok(state.org.stack_set.of(account))
        })
        .await
    }

    async fn create(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        const CALL: &str = "cloudformation:CreateStackInstances";
        let request = requests::stack_instances(accounts, regions);
        self.ask(CALL, "", request, |state| {
            state.progress();
            let stack_set = &mut state.org.stack_set;
            stack_set.create(CALL, accounts, regions, state.now)
        })
        .await
    }

    async fn update(&self, accounts: &[AccountId], regions: &[Region]) -> Result<(), PortError> {
        const CALL: &str = "cloudformation:UpdateStackInstances";
        let request = requests::stack_instances(accounts, regions);
        self.ask(CALL, "", request, |state| {
            state.progress();
            let stack_set = &mut state.org.stack_set;
            stack_set.update(CALL, accounts, regions, state.now)
        })
        .await
    }
}

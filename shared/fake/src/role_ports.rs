//! IAM roles of an account whose role a run has assumed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::{AccountId, RoleName};
use banto_ports::{ErrorKind, LiveRole, NewRole, PortError, RoleChange, Roles};
use serde_json::{Value, json};

use crate::account_ports::AccountSession;
use crate::lag::{Effect, Reader};
use crate::requests::account as requests;
use crate::world::{State, parsed};

/// The role that AWS Config makes for itself.
pub(crate) const CONFIG_ROLE: &str = "AWSServiceRoleForConfig";

/// Most characters of a trust policy, of all inline policies of a role together, and managed
/// policies of a role; white space is not counted. (IAM user guide, "IAM and AWS STS quotas".)
const TRUST_CHARS: usize = 2_048;
const INLINE_CHARS: usize = 10_240;
const MANAGED_POLICIES: usize = 10;

#[async_trait]
impl Roles for AccountSession {
    async fn all(&self) -> Result<Vec<LiveRole>, PortError> {
        let call = "iam:GetAccountAuthorizationDetails";
        let reader = Reader::GetAccountAuthorizationDetails;
        let request = json!({ "Filter": ["Role"], "MaxItems": 1_000 });
        self.read((call, reader), request, |member| {
            let roles = member.roles.values();
            roles.map(|(role, _)| role.clone()).collect()
        })
        .await
    }

    async fn session_lengths(&self) -> Result<BTreeMap<RoleName, i32>, PortError> {
        let call = ("iam:ListRoles", Reader::ListRoles);
        self.read(call, json!({ "MaxItems": 1_000 }), |member| {
            let roles = member.roles.iter();
            let lengths = roles.map(|(name, (_, length))| (name.clone(), *length));
            lengths.collect()
        })
        .await
    }

    async fn create(&self, name: &RoleName, role: &NewRole) -> Result<(), PortError> {
        let request = requests::create_role(name, role);
        self.ask("iam:CreateRole", request, |state| {
            create(state, &self.account, name, role)
        })
        .await
    }

    async fn change(&self, name: &RoleName, change: &RoleChange) -> Result<(), PortError> {
        let call = call_of(change);
        let request = requests::change_role(name, change);
        self.ask(call, request, |state| {
            let missing = || PortError::new(ErrorKind::Missing, call, "NoSuchEntity");
            let found = state.org.member(call, &self.account)?.role_like(name);
            let name = found.ok_or_else(missing)?;
            let made_at = (state.org.roles_made).get(&(self.account.clone(), name.clone()));
            if made_at.is_some_and(|at| !state.has_effect(Effect::NewRole, *at)) {
                return Err(missing());
            }
            let member = state.org.member(call, &self.account)?;
            let (role, session) = member.roles.get_mut(&name).ok_or_else(missing)?;
            if let RoleChange::SessionSeconds(seconds) = change {
                *session = *seconds;
            }
            apply(call, role, change.clone())
        })
        .await
    }

    async fn create_config_role(&self) -> Result<(), PortError> {
        const CALL: &str = "iam:CreateServiceLinkedRole";
        let request = json!({ "AWSServiceName": "config.amazonaws.com" });
        self.ask(CALL, request, |state| {
            let member = state.org.member(CALL, &self.account)?;
            let name: RoleName = parsed(CONFIG_ROLE);
            if member.role_like(&name).is_some() {
                return Err(PortError::new(ErrorKind::Conflict, CALL, "has been taken"));
            }
            let path = "/aws-service-role/config.amazonaws.com/";
            let made = live_role(&name, path, Value::Null);
            member.roles.insert(name.clone(), (made, 3_600));
            state.remember_role(&self.account, &name);
            Ok(())
        })
        .await
    }
}

fn call_of(change: &RoleChange) -> &'static str {
    match change {
        RoleChange::Trust(_) => "iam:UpdateAssumeRolePolicy",
        RoleChange::SessionSeconds(_) => "iam:UpdateRole",
        RoleChange::Attach(_) => "iam:AttachRolePolicy",
        RoleChange::Detach(_) => "iam:DetachRolePolicy",
        RoleChange::PutInline(..) => "iam:PutRolePolicy",
        RoleChange::DeleteInline(_) => "iam:DeleteRolePolicy",
        RoleChange::SetBoundary(_) => "iam:PutRolePermissionsBoundary",
        RoleChange::RemoveBoundary => "iam:DeleteRolePermissionsBoundary",
        RoleChange::Tag(_) => "iam:TagRole",
    }
}

fn live_role(name: &RoleName, path: &str, trust: Value) -> LiveRole {
    LiveRole {
        name: name.clone(),
        path: path.to_owned(),
        trust,
        managed_policies: Default::default(),
        inline_policies: BTreeMap::new(),
        boundary: None,
        tags: BTreeMap::new(),
    }
}

fn create(
    state: &mut State,
    account: &AccountId,
    name: &RoleName,
    role: &NewRole,
) -> Result<(), PortError> {
    const CALL: &str = "iam:CreateRole";
    let member = state.org.member(CALL, account)?;
    if member.role_like(name).is_some() {
        let code = "EntityAlreadyExists";
        return Err(PortError::new(ErrorKind::Conflict, CALL, code));
    }
    check_trust(CALL, &role.trust)?;
    let made = LiveRole {
        boundary: role.boundary.clone(),
        tags: role.tags.clone(),
        ..live_role(name, "/", role.trust.clone())
    };
    let made = (made, role.session_seconds);
    member.roles.insert(name.clone(), made);
    state.remember_role(account, name);
    Ok(())
}

/// Makes a change; the session is no part of a role as IAM tells it.
fn apply(call: &'static str, role: &mut LiveRole, change: RoleChange) -> Result<(), PortError> {
    let was_there = |is_there: bool| match is_there {
        true => Ok(()),
        false => Err(PortError::new(ErrorKind::Missing, call, "NoSuchEntity")),
    };
    match change {
        RoleChange::Trust(trust) => {
            check_trust(call, &trust)?;
            role.trust = trust;
        }
        RoleChange::SessionSeconds(_) => {}
        RoleChange::Attach(policy) => {
            let mut policies = role.managed_policies.clone();
            policies.insert(policy);
            if policies.len() > MANAGED_POLICIES {
                return Err(over_quota(call, "PoliciesPerRole"));
            }
            role.managed_policies = policies;
        }
        RoleChange::Detach(policy) => was_there(role.managed_policies.remove(&policy))?,
        RoleChange::PutInline(id, policy) => {
            let mut policies = role.inline_policies.clone();
            policies.insert(id, policy);
            if policies.values().map(chars).sum::<usize>() > INLINE_CHARS {
                return Err(over_quota(call, "maximum policy size"));
            }
            role.inline_policies = policies;
        }
        RoleChange::DeleteInline(id) => was_there(role.inline_policies.remove(&id).is_some())?,
        RoleChange::SetBoundary(policy) => role.boundary = Some(policy),
        RoleChange::RemoveBoundary => was_there(role.boundary.take().is_some())?,
        RoleChange::Tag(tags) => role.tags.extend(tags),
    }
    Ok(())
}

fn check_trust(call: &'static str, trust: &Value) -> Result<(), PortError> {
    match chars(trust) > TRUST_CHARS {
        true => Err(over_quota(call, "ACLSizePerRole")),
        false => Ok(()),
    }
}

fn over_quota(call: &'static str, quota: &str) -> PortError {
    let message = format!("LimitExceeded: cannot exceed quota for {quota}");
    PortError::new(ErrorKind::LimitExceeded, call, message)
}

/// The characters of a policy that count.
fn chars(policy: &Value) -> usize {
    let text = policy.to_string();
    text.chars().filter(|char| !char.is_whitespace()).count()
}

impl State {
    /// Remembers when a role was made.
    fn remember_role(&mut self, account: &AccountId, name: &RoleName) {
        let key = (account.clone(), name.clone());
        self.org.roles_made.insert(key, self.now);
    }
}

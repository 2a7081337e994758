//! Looks at the roles of one account.

use std::collections::BTreeMap;

use banto_domain::RoleName;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::policy::onboarding::{Expected, SessionName};
use banto_ports::{AccountClients, ErrorKind, LiveRole, OrgAccount, PortError, path_of};

use super::plan::{may_have_sessions, role_names};
use super::snapshot::{SeenRole, Snapshot};
use crate::converge::ports::Ports;
use crate::desired::MANAGED_TAG;
use crate::message::RevokeRequest;

/// A snapshot, and the clients of the account.
#[derive(Debug)]
pub struct Observed {
    pub snapshot: Snapshot,
    pub clients: AccountClients,
}

/// Looks at the roles of an account. Returns `None` if nothing is to be done there: it has left the
/// Organization, or is suspended or closed.
///
/// # Errors
/// If Organizations or the account can't be asked.
pub async fn observe(
    ports: &Ports,
    request: &RevokeRequest,
    policy: &OnboardingPolicy,
) -> Result<Option<Observed>, PortError> {
    let Some(account) = current_account(ports, request).await? else {
        return Ok(None);
    };
    let baseline = baseline_roles(ports, &account, policy).await?;
    let clients = ports.account_access.assume_role(&account.id).await?;
    let any_name = role_names(policy, SessionName::Any);
    let mut roles = Vec::new();
    for live in clients.roles.all().await? {
        let is_managed = live.tags.contains_key(MANAGED_TAG);
        if is_managed || baseline.iter().any(|name| is_called(&live, name)) {
            let any_name = any_name.iter().any(|name| is_called(&live, name));
            roles.push(SeenRole { live, any_name });
        }
    }
    let snapshot = Snapshot {
        request: request.clone(),
        roles,
        now: ports.clock.now(),
    };
    Ok(Some(Observed { snapshot, clients }))
}

/// The account as the first message has it, and later as Organizations has it; `None` if nothing
/// can be done in it any more.
async fn current_account(
    ports: &Ports,
    request: &RevokeRequest,
) -> Result<Option<OrgAccount>, PortError> {
    if request.attempt == 0 {
        return Ok(Some(request.account.clone()));
    }
    match ports.organization.account(&request.account.id).await {
        Ok(account) => Ok(Some(account).filter(may_have_sessions)),
        Err(error) if error.kind == ErrorKind::Missing => Ok(None),
        // What was known will do: sessions end sooner than Organizations answers.
        Err(_) => Ok(Some(request.account.clone())),
    }
}

/// The names of the roles of an account's baseline; none if it is left alone.
async fn baseline_roles<'a>(
    ports: &Ports,
    account: &OrgAccount,
    policy: &'a OnboardingPolicy,
) -> Result<Vec<&'a RoleName>, PortError> {
    let organization = ports.organization.as_ref();
    let path = match policy.needs_path() {
        true => path_of(organization, account).await?,
        false => Vec::new(),
    };
    let tags = match policy.needs_tags() {
        true => organization.tags(&account.id).await?,
        false => BTreeMap::new(),
    };
    match policy.expected_for(&account.id, &path, &tags) {
        Expected::Baseline(baseline) => Ok(baseline.roles.keys().collect()),
        Expected::LeftAlone(_) => Ok(Vec::new()),
    }
}

/// True if a role has this name. IAM takes no two that differ in case only. (IAM API reference,
/// `CreateRole`.)
fn is_called(role: &LiveRole, name: &RoleName) -> bool {
    role.name.as_str().eq_ignore_ascii_case(name.as_str())
}

//! Decides which accounts and which roles get a denial.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::RoleName;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::policy::onboarding::{Expected, SessionName};
use banto_ports::{AccountState, ErrorKind, LiveRole, OrgAccount, PortError};
use jiff::Timestamp;
use serde_json::Value;

use super::snapshot::Snapshot;
use crate::desired::MANAGED_TAG;
use crate::message::{Revocation, RevokeRequest};
use crate::revocation::{
    EVERYBODY, has_ended, issued_before, names_users, policy as denial, policy_name,
};

/// The reason why nothing is done while the kill switch is off.
pub const DISABLED: &str = "[onboarding] enabled is false";

/// The denials to write into one account, and the roles in which they don't end all sessions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub denials: Vec<Denial>,
    pub failures: Vec<Failure>,
}

/// An inline policy to write into a role.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    pub role: RoleName,
    pub policy_name: String,
    pub policy: Value,
    /// The way to end the sessions where IAM's quota leaves no room for the denial.
    pub without_room: Remedy,
}

/// Sessions that could not be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The role; `None` stands for the account as a whole.
    pub role: Option<RoleName>,
    pub why: String,
    /// True if time alone won't help.
    pub is_permanent: bool,
    pub remedy: Remedy,
}

/// The way in which an operator ends the sessions of a role: some inline policies are deleted, then
/// one is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Remedy {
    /// The names of the policies to delete.
    pub delete: Vec<String>,
    /// The moment from before which everybody's sessions end; `None` if only the user's end.
    pub everybody: Option<Timestamp>,
}

/// The requests of a revocation, one for each account in which the user may have sessions.
pub fn requests(
    accounts: Vec<OrgAccount>,
    revocation: &Revocation,
    now: Timestamp,
) -> Vec<RevokeRequest> {
    let mut requests = Vec::new();
    for account in accounts {
        if may_have_sessions(&account) {
            requests.push(RevokeRequest {
                account,
                user: revocation.user.clone(),
                before: revocation.before,
                requested_at: now,
                attempt: 0,
                not_before: None,
                told: BTreeSet::new(),
            });
        }
    }
    requests
}

/// True unless it is certain that nobody can do anything in an account. One that is left alone may
/// have roles from before. In one that is not activated yet, nothing was ever done. (Organizations
/// user guide, "Monitor the state of your AWS accounts".)
pub fn may_have_sessions(account: &OrgAccount) -> bool {
    match account.state {
        AccountState::Active | AccountState::Unknown => true,
        AccountState::PendingActivation
        | AccountState::Suspended
        | AccountState::PendingClosure
        | AccountState::Closed => false,
    }
}

/// The names of an account's roles as far as they are known without a call: tags are not.
pub fn known_roles<'a>(policy: &'a OnboardingPolicy, account: &OrgAccount) -> Vec<&'a RoleName> {
    match policy.expected_for(&account.id, &account.path, &BTreeMap::new()) {
        Expected::Baseline(baseline) => baseline.roles.keys().collect(),
        Expected::LeftAlone(_) => Vec::new(),
    }
}

/// The roles of any baseline whose sessions must bear their user's name, or may bear any.
pub fn role_names(policy: &OnboardingPolicy, session_name: SessionName) -> BTreeSet<&RoleName> {
    let mut names = BTreeSet::new();
    for baseline in policy.baselines() {
        for (name, role) in &baseline.roles {
            if role.session_name == session_name {
                names.insert(name);
            }
        }
    }
    names
}

/// Decides which roles of an account get a denial. A denial that is there and reaches as far stays.
pub fn plan(snapshot: &Snapshot) -> Plan {
    let RevokeRequest { user, before, .. } = &snapshot.request;
    let policy_name = policy_name(user);
    let mut plan = Plan::default();
    for role in &snapshot.roles {
        let (live, denied) = (&role.live, denials(&role.live));
        let reaches = |name: &str| denied.get(name).is_some_and(|denied| denied >= before);
        let names_users = names_users(&live.trust);
        if reaches(EVERYBODY) || (names_users && reaches(&policy_name)) {
            continue;
        }
        let is_managed = live.tags.contains_key(MANAGED_TAG);
        let remedy = Remedy {
            delete: Vec::new(),
            everybody: (!names_users).then_some(*before),
        };
        if !is_managed {
            let why = "the role is not Banto's: it has no tag banto:managed";
            plan.failures.push(Failure::of_role(live, why, remedy));
        } else if !names_users && !role.any_name {
            let why = "its trust policy lets sessions bear other names than their user's";
            plan.failures.push(Failure::of_role(live, why, remedy));
        }
        if is_managed && !reaches(&policy_name) {
            plan.denials.push(Denial {
                role: live.name.clone(),
                policy_name: policy_name.clone(),
                policy: denial(user, *before),
                without_room: without_room(&denied, *before, snapshot.now),
            });
        }
    }
    plan
}

/// The denials of a role, and the moments before which their sessions were issued.
fn denials(role: &LiveRole) -> BTreeMap<&str, Timestamp> {
    let mut denials = BTreeMap::new();
    for (name, policy) in &role.inline_policies {
        if let Some(before) = issued_before(name, policy) {
            denials.insert(name.as_str(), before);
        }
    }
    denials
}

/// Makes room for a denial: those of sessions that are over go, or else one for everybody takes the
/// place of all. Where there are none, the policies that take the room are others'.
fn without_room(denied: &BTreeMap<&str, Timestamp>, before: Timestamp, now: Timestamp) -> Remedy {
    if denied.is_empty() {
        return Remedy::default();
    }
    let mut ended = denied.clone();
    ended.retain(|_, before| has_ended(*before, now));
    let latest = denied.values().fold(before, |latest, it| latest.max(*it));
    let (delete, everybody) = match ended.is_empty() {
        false => (&ended, None),
        true => (denied, Some(latest)),
    };
    Remedy {
        delete: delete.keys().map(|&name| name.to_owned()).collect(),
        everybody,
    }
}

impl Plan {
    /// The roles that get a denial.
    pub fn roles(&self) -> Vec<&RoleName> {
        self.denials.iter().map(|denial| &denial.role).collect()
    }
}

impl Failure {
    pub fn of_account(why: &str, is_permanent: bool) -> Self {
        Self {
            role: None,
            why: why.to_owned(),
            is_permanent,
            remedy: Remedy::default(),
        }
    }

    /// A failure of a role that Banto can't mend.
    fn of_role(role: &LiveRole, why: &str, remedy: Remedy) -> Self {
        Self {
            role: Some(role.name.clone()),
            why: why.to_owned(),
            is_permanent: true,
            remedy,
        }
    }

    /// A failure by an error of AWS. A denied call may pass, as it does in a new account.
    pub fn of_error(role: Option<&RoleName>, error: &PortError) -> Self {
        Self {
            role: role.cloned(),
            why: error.to_string(),
            is_permanent: matches!(error.kind, ErrorKind::LimitExceeded | ErrorKind::Invalid),
            remedy: Remedy::default(),
        }
    }
}

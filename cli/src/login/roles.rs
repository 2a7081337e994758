//! The roles that a user may assume, as IAM policies name them.

use std::collections::BTreeSet;

use banto_domain::AccountId;
use serde_json::Value;

/// A role of one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Role {
    pub(super) account: AccountId,
    /// The name, with its path.
    pub(super) name: String,
    pub(super) arn: String,
}

/// What policies let a user assume.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) roles: BTreeSet<Role>,
    /// Resources from which no role's ARN can be made, and roles of every account where no account
    /// was named.
    pub(super) open: BTreeSet<String>,
}

impl Role {
    /// Reads a role's ARN. One with a wildcard names no role.
    pub(super) fn parse(arn: &str) -> Option<Self> {
        let (account, name) = parts(arn)?;
        Some(Self {
            account: account.parse().ok()?,
            name: name.to_owned(),
            arn: arn.to_owned(),
        })
    }

    /// The usual name of the role's profile.
    pub(super) fn profile(&self, account: Option<&str>) -> String {
        let account = account.map_or_else(|| self.account.to_string(), str::to_owned);
        format!("{account}-{}", self.name.replace('/', "-"))
    }
}

impl Granted {
    /// Adds what a resource stands for: one role, or, if its account is a wildcard, one in each
    /// account that is known.
    pub(super) fn add<'a>(
        &mut self,
        resource: &str,
        accounts: impl Iterator<Item = &'a AccountId>,
    ) {
        let Some(("*", name)) = parts(resource) else {
            match Role::parse(resource) {
                Some(role) => drop(self.roles.insert(role)),
                None => drop(self.open.insert(resource.to_owned())),
            }
            return;
        };
        let arns = accounts.map(|account| resource.replacen("::*:", &format!("::{account}:"), 1));
        let roles: Vec<Role> = arns.filter_map(|arn| Role::parse(&arn)).collect();
        if roles.is_empty() {
            self.open.insert(format!("{name} in every account"));
        }
        self.roles.extend(roles);
    }
}

/// The account and the name in a role's ARN, unless the name has a wildcard.
fn parts(arn: &str) -> Option<(&str, &str)> {
    let fields: Vec<&str> = arn.split(':').collect();
    let [arn, _partition, iam, region, account, resource] = fields.as_slice() else {
        return None;
    };
    let name = resource.strip_prefix("role/")?;
    let exact = !name.is_empty() && !name.contains(['*', '?', '$']);
    (*arn == "arn" && *iam == "iam" && region.is_empty() && exact).then_some((account, name))
}

/// The resources to which a policy allows `sts:AssumeRole`. Conditions are AWS's to judge.
pub(super) fn assumable(policy: &Value) -> Vec<String> {
    let allowed = |statement: &&Value| {
        let actions = strings(statement.get("Action"));
        let mut actions = actions.iter().map(|action| action.to_ascii_lowercase());
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && actions.any(|action| matches!(action.as_str(), "sts:assumerole" | "sts:*" | "*"))
    };
    let statements = many(policy.get("Statement"));
    let allowed = statements.iter().copied().filter(allowed);
    allowed
        .flat_map(|statement| strings(statement.get("Resource")))
        .collect()
}

/// One value or a list of them, as IAM takes either. (IAM user guide, "Grammar of the IAM JSON
/// policy language".)
fn many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(values)) => values.iter().collect(),
        value => value.into_iter().collect(),
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let texts = many(value).into_iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

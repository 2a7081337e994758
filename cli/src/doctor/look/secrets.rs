//! Secrets, never their values: are they there, and who else may read them?

use std::collections::{BTreeMap, BTreeSet};

use banto_aws::record_policy;
use banto_domain::SecretArn;
use banto_domain::policy::compliance::Destination;
use banto_domain::policy::{IdentityAccount, Policy};
use serde_json::{Value, json};

use super::check::{Ask, Check, OTHERS, Said, Topic, items, text};
use super::organization::or_fine;
use super::origin::{Named, Origin};
use super::place::Here;
use crate::doctor::value;

/// What the names of rotation's records begin with.
const RECORDS: &str = "banto/access-keys/";
/// Most records whose policies are read: a call each, and Secrets Manager takes some dozens a
/// second.
const MOST_RECORDS: usize = 300;
/// What keys of conditions on the Organization begin with. (IAM user guide, "AWS global condition
/// context keys", "Properties of the principal".)
const OF_ORGANIZATION: &str = "aws:principalorg";

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let named: BTreeMap<&SecretArn, &'static str> = named(here.policy).into_iter().rev().collect();
    let own = named
        .into_iter()
        .filter(|(secret, _)| here.is_here(secret.account(), secret.region()));
    let own = own.map(|(secret, key)| secret_check(here, secret, key));
    let mut checks: Vec<Check> = own.collect();
    checks.extend(here.identity().map(|identity| records(here, identity)));
    checks
}

/// The secrets that messages are sent with, and the policy's keys that name them.
fn named(policy: &Policy) -> Vec<(&SecretArn, &'static str)> {
    let mut secrets = Vec::new();
    if let Some(slack) = &policy.notices.slack {
        secrets.push((&slack.operators, "notices.slack.operators"));
        secrets.push((&slack.owners, "notices.slack.owners"));
        secrets.extend(slack.token.iter().map(|own| (own, "notices.slack.token")));
        let channels = slack.channels.values();
        secrets.extend(channels.map(|own| (own, "notices.slack.channels")));
    }
    if let Some(compliance) = &policy.compliance {
        let token = compliance.slack_token.iter();
        secrets.extend(token.map(|own| (own, "compliance.slack_token")));
        secrets.extend(compliance.routes.iter().filter_map(|route| {
            let (secret, key) = match &route.to {
                Destination::Webhook(secret) => (secret, "compliance.routes[].to.webhook"),
                Destination::Endpoint(secret) => (secret, "compliance.routes[].to.endpoint"),
                _ => return None,
            };
            Some((
                secret,
                route.only.as_ref().map_or("compliance.default", |_| key),
            ))
        }));
    }
    secrets
}

fn secret_check(here: &Here<'_>, secret: &SecretArn, key: &'static str) -> Check {
    let id = json!({"SecretId": secret.as_str()});
    let asks = vec![
        Ask::aws("secretsmanager:DescribeSecret", id.clone()),
        Ask::aws("secretsmanager:GetResourcePolicy", id),
    ];
    let (name, accounts) = (secret.name().to_owned(), here.accounts());
    let what = format!("secret {name}");
    let check = Check::new(Topic::Secrets, what, asks, move |texts| {
        let [described, policy, organization @ ..] = texts else {
            return Vec::new();
        };
        let organization = organization.first().map(String::as_str).unwrap_or_default();
        let own = Own {
            accounts: &accounts,
            organization: value(organization, "/Organization/Id"),
        };
        let put = format!(
            "$ aws secretsmanager put-secret-value --secret-id {name} --secret-string file://value"
        );
        let mut said = Vec::new();
        if value(described, "/DeletedDate").is_some() {
            let restore = format!("$ aws secretsmanager restore-secret --secret-id {name}");
            said.push(Said::error("is about to be deleted", &[&restore]));
        } else if value(described, "/VersionIdsToStages").is_none() {
            let steps = [
                "put one, from a file that nobody else reads, and delete the file",
                &put,
            ];
            said.push(Said::error("has no value", &steps));
        }
        let policy = value(policy, "/ResourcePolicy").unwrap_or_default();
        let Readers { strangers, unknown } = readers(&policy, &own);
        if !strangers.is_empty() {
            let off = format!("$ aws secretsmanager delete-resource-policy --secret-id {name}");
            said.push(Said::error(
                format!("its policy lets others read it: {}", strangers.join(", ")),
                &[
                    "take its policy off; where functions of other accounts read it, apply the \
                     module notices afterwards, which writes the right one",
                    &off,
                    "and exchange the value, which they may have read: have Slack or the receiver \
                     give out another one, and put it from a file",
                    &put,
                ],
            ));
        }
        if unknown {
            said.push(Said::note(
                "its policy lets an Organization read it; if that is this one could not be seen",
                &[
                    "compare its aws:PrincipalOrgID with this",
                    "$ aws organizations describe-organization --query Organization.Id",
                ],
            ));
        }
        or_fine(said, "has a value, and no stranger reads it")
    });
    let check = check.made_by(Origin::new("notices", Named::Policy(key)));
    // Only the Organization itself says what its id is, and few policies name one.
    check.and_then(|texts| {
        let policy = texts.get(1).map(String::as_str).unwrap_or_default();
        let names_one = policy.to_ascii_lowercase().contains(OF_ORGANIZATION);
        let ask = Ask::aws("organizations:DescribeOrganization", json!({})).or_unseen();
        names_one.then_some(ask).into_iter().collect()
    })
}

/// Those who may read.
struct Own<'a> {
    accounts: &'a BTreeSet<String>,
    /// The Organization's id, where it is known.
    organization: Option<String>,
}

/// Whom a resource policy lets read.
#[derive(Default)]
struct Readers {
    /// Principals of other accounts than the policy's.
    strangers: Vec<String>,
    /// True if everybody of an Organization may, and nobody knows whose that is.
    unknown: bool,
}

fn readers(policy: &str, own: &Own<'_>) -> Readers {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = list(policy.get("Statement"));
    let allowing = statements.into_iter().filter(|statement| {
        let actions = list(statement.get("Action"));
        let may_read = actions
            .iter()
            .filter_map(|action| action.as_str())
            .any(reads);
        // An allowance of all but some actions is not looked into: it is one of this, too.
        let is_wide = statement.get("NotAction").is_some();
        text(statement, "/Effect") == "Allow" && (may_read || is_wide)
    });
    let mut found = BTreeSet::new();
    let mut unknown = false;
    for statement in allowing {
        if statement.get("NotPrincipal").is_some() {
            found.insert("everybody but some (NotPrincipal)".to_owned());
        }
        let bound = bound(statement, own);
        for principal in principals(statement) {
            let account = principal.split(':').nth(4).unwrap_or(&principal);
            if principal == "*" {
                match bound {
                    Bound::Own => {}
                    Bound::Unknown => unknown = true,
                    Bound::Free => {
                        found.insert("everybody".to_owned());
                    }
                }
            } else if !own.accounts.contains(account) {
                found.insert(principal);
            }
        }
    }
    Readers {
        strangers: found.into_iter().collect(),
        unknown,
    }
}

fn reads(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let Some((head, _)) = action.split_once('*') else {
        return action == "secretsmanager:getsecretvalue";
    };
    "secretsmanager:getsecretvalue".starts_with(head)
}

/// How far a statement's conditions narrow who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    /// Strangers are let in.
    Free,
    /// To an Organization that may be a stranger's.
    Unknown,
    /// To the policy's accounts or their Organization.
    Own,
}

/// Judges conditions that compare for equality. All must hold, so that the narrowest counts.
fn bound(statement: &Value, own: &Own<'_>) -> Bound {
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let equal = conditions.into_iter().flatten().filter(|(operator, _)| {
        // Keys with several values are compared for any of them; "for all" holds of none, too.
        let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
        ["StringEquals", "StringLike", "ArnEquals", "ArnLike"].contains(&operator)
    });
    let keys = equal.filter_map(|(_, keys)| keys.as_object()).flatten();
    let bounds = keys.map(|(key, values)| by_condition(&key.to_ascii_lowercase(), values, own));
    bounds.max().unwrap_or(Bound::Free)
}

/// One condition: each of its values must be of one's own.
fn by_condition(key: &str, values: &Value, own: &Own<'_>) -> Bound {
    let values = list(Some(values));
    let mut values = values
        .iter()
        .map(|value| value.as_str().unwrap_or_default());
    let are_own = match key {
        "aws:principalaccount" => values.all(|account| own.accounts.contains(account)),
        "aws:principalarn" => values.all(|arn| {
            let account = arn.split(':').nth(4);
            account.is_some_and(|account| own.accounts.contains(account))
        }),
        // A path begins with the Organization's id, as in o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/.
        "aws:principalorgid" | "aws:principalorgpaths" => {
            let ids: BTreeSet<&str> = values
                .map(|value| value.split('/').next().unwrap_or_default())
                .collect();
            let is_one = |id: &&str| id.starts_with("o-") && !id.contains(['*', '?']);
            match &own.organization {
                Some(organization) => ids.iter().all(|id| *id == organization),
                None if ids.iter().all(is_one) => return Bound::Unknown,
                None => false,
            }
        }
        _ => false,
    };
    if are_own { Bound::Own } else { Bound::Free }
}

fn principals(statement: &Value) -> Vec<String> {
    let principal = statement.get("Principal").unwrap_or(&Value::Null);
    let all = match principal.as_object() {
        Some(kinds) => kinds.values().flat_map(|value| list(Some(value))).collect(),
        None => list(Some(principal)),
    };
    let all = all.iter().filter_map(|one| one.as_str());
    all.map(str::to_owned).collect()
}

/// A list, which may be written as the one thing that it has.
fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
    }
}

/// Rotation's records: each has a policy that lets its owner and Banto's role read, and denies it
/// to all others. What is in them is for nobody else, and is not looked at.
fn records(here: &Here<'_>, identity: &IdentityAccount) -> Check {
    let policy = policy_of_record(here, identity);
    let arguments = json!({"Filters": [{"Key": "name", "Values": [RECORDS]}], "MaxResults": 100});
    let ask =
        Ask::aws("secretsmanager:ListSecrets", arguments).all_pages("/NextToken", "NextToken");
    let check = Check::new(
        Topic::Secrets,
        "secrets banto/access-keys/*",
        vec![ask],
        move |texts| {
            let names = names(texts);
            let policies = texts.get(1..).unwrap_or_default();
            let is_open = |policy: &&String| {
                let policy = value(policy, "/ResourcePolicy").unwrap_or_default();
                !policy.contains("Deny")
            };
            let pairs = names.iter().zip(policies);
            let open: Vec<&str> = pairs
                .filter(|(_, policy)| is_open(policy))
                .map(|(name, _)| name.as_str())
                .collect();
            let mut said = Vec::new();
            if let Some(first) = open.first() {
                said.push(unprotected(first, &open, &policy));
            }
            if names.len() > MOST_RECORDS {
                let words = format!("{} of {} were looked at", MOST_RECORDS, names.len());
                said.push(Said::note(words, &[]));
            }
            or_fine(said, format!("{}, each for its owner alone", names.len()))
        },
    );
    check.and_then(|texts| {
        let names = names(texts).into_iter().take(MOST_RECORDS);
        let ask = |name: String| {
            Ask::aws(
                "secretsmanager:GetResourcePolicy",
                json!({"SecretId": name}),
            )
            .or_missing()
        };
        names.map(ask).collect()
    })
}

/// The policy that Banto sets, with the shell's variable `owner` for its user's ARN.
fn policy_of_record(here: &Here<'_>, identity: &IdentityAccount) -> String {
    let partition = here.region.partition();
    let owner = format!("arn:{partition}:iam::{}:user/owner", identity.id);
    let policy = owner
        .parse()
        .ok()
        .map(|arn| record_policy(&identity.readers_of(&arn)));
    policy.unwrap_or_default().replace(&owner, "'$owner'")
}

/// Banto sets a record's policy when a reader changes, and does not look whether it is still there.
/// (docs/SECURITY.md, "Who may read and write records".)
fn unprotected(first: &str, open: &[&str], policy: &str) -> Said {
    let users: Vec<String> = open.iter().map(|name| user_of(name)).collect();
    let user = user_of(first);
    // One line, so that no policy without an owner is put where the first command fails.
    let put = format!(
        "{OTHERS}owner=$(aws iam get-user --user-name {user} --query User.Arn --output text) && \
         aws secretsmanager put-resource-policy --secret-id {first} --resource-policy '{policy}'"
    );
    let others = match open.len() {
        1 => String::new(),
        _ => ", then the same for the others".to_owned(),
    };
    let words = format!("have no policy that keeps others out: {}", users.join(", "));
    let role = format!(
        "somebody took it off, and Banto does not look whether it is there: set it again for \
         {user}, by the role of break glass where an SCP holds others off{others}"
    );
    Said::error(words, &[&role, &put])
}

/// The user whose record a secret is, by its name. (`banto_domain::record::secret_name` writes a
/// comma as `/comma/`.)
fn user_of(name: &str) -> String {
    let user = name.strip_prefix(RECORDS).unwrap_or(name);
    user.replace("/comma/", ",")
}

fn names(texts: &[String]) -> Vec<String> {
    let list = texts
        .first()
        .map(|text| items(text, "/SecretList"))
        .unwrap_or_default();
    let names = list.iter().map(|one| text(one, "/Name").to_owned());
    names.filter(|name| name.starts_with(RECORDS)).collect()
}

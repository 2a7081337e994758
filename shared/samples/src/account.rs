//! The accounts of the Organization.

use banto_domain::AccountId;
use serde_json::{Value, json};

/// An account of the Organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// The root and the organizational units that it is in, the root first.
    pub path: Vec<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// Names of teams, each of which has accounts and owns them.
const TEAMS: [&str; 10] = [
    "payments",
    "search",
    "checkout",
    "identity",
    "logistics",
    "billing",
    "mobile",
    "data",
    "fraud",
    "platform",
];

/// What a team has an account for.
const STAGES: [&str; 3] = ["prod", "staging", "dev"];

/// The root of the made-up Organization.
const ROOT: &str = "r-a1b2";

impl Account {
    /// Makes up so many accounts, of teams with a few each.
    pub fn made_up(accounts: usize) -> Vec<Self> {
        (0..accounts).filter_map(Self::made_up_one).collect()
    }

    fn made_up_one(at: usize) -> Option<Self> {
        let team = TEAMS.get(at % TEAMS.len())?;
        let stage = STAGES.get(at / TEAMS.len() % STAGES.len())?;
        let round = at / (TEAMS.len() * STAGES.len());
        let number = if round > 0 {
            format!("-{}", round + 1)
        } else {
            String::new()
        };
        Some(Self {
            id: format!("{}", 111_122_223_333 + 1_000_003 * at as u64)
                .parse()
                .ok()?,
            name: format!("{team}-{stage}{number}"),
            path: vec![ROOT.to_owned(), format!("ou-a1b2-{stage:0>8}")],
            tags: vec![("owner".to_owned(), format!("{team}@example.com"))],
        })
    }
}

/// The accounts as `aws organizations list-accounts` prints them, with their tags, as
/// `list-tags-for-resource` does. (AWS CLI reference.)
pub(crate) fn listed(accounts: &[Account]) -> Value {
    let account = |account: &Account| {
        let tags: Vec<Value> = account
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        json!({
            "Id": account.id,
            "Arn": format!("arn:aws:organizations::111122223333:account/o-exampleorgid/{}", account.id),
            "Name": account.name,
            "Email": format!("{}@example.com", account.name),
            "Status": "ACTIVE",
            "State": "ACTIVE",
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": "2024-01-15T09:30:00+00:00",
            "Paths": [format!("o-exampleorgid/{}/{}/", account.path.join("/"), account.id)],
            "Tags": tags,
        })
    };
    json!({"Accounts": accounts.iter().map(account).collect::<Vec<_>>()})
}

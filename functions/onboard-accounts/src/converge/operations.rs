//! The operations on the StackSet that a batch of accounts asks for: which instances to make, and
//! which to deploy anew. CloudFormation works on one operation at a time unless it is told to queue
//! them, so that all accounts that ask for the same are in one.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::{AccountId, Region};
use serde::Serialize;

use super::actions::InstanceChanges;

/// One operation on the StackSet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Operation {
    /// Make instances in each of these accounts and regions.
    Create {
        accounts: Vec<AccountId>,
        regions: Vec<Region>,
    },
    /// Deploy existing instances anew in each of these accounts and regions.
    Update {
        accounts: Vec<AccountId>,
        regions: Vec<Region>,
    },
}

impl Operation {
    pub fn accounts(&self) -> &[AccountId] {
        match self {
            Self::Create { accounts, .. } | Self::Update { accounts, .. } => accounts,
        }
    }

    pub fn regions(&self) -> &[Region] {
        match self {
            Self::Create { regions, .. } | Self::Update { regions, .. } => regions,
        }
    }
}

/// Accounts by the regions for which they ask the same.
type ByRegions<'a> = BTreeMap<&'a BTreeSet<Region>, Vec<AccountId>>;

/// The operations that accounts ask for: one for all that ask for the same in the same regions.
pub fn operations<'a>(
    changes: impl IntoIterator<Item = (&'a AccountId, &'a InstanceChanges)>,
) -> Vec<Operation> {
    let (mut created, mut updated) = (ByRegions::new(), ByRegions::new());
    for (account, InstanceChanges { create, update }) in changes {
        for (regions, by_regions) in [(create, &mut created), (update, &mut updated)] {
            if !regions.is_empty() {
                by_regions.entry(regions).or_default().push(account.clone());
            }
        }
    }
    let mut operations = Vec::new();
    for (regions, accounts) in created {
        let regions = regions.iter().cloned().collect();
        operations.push(Operation::Create { accounts, regions });
    }
    for (regions, accounts) in updated {
        let regions = regions.iter().cloned().collect();
        operations.push(Operation::Update { accounts, regions });
    }
    operations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(names: &[&str]) -> BTreeSet<Region> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn accounts_that_ask_for_the_same_share_an_operation_and_no_account_gets_what_it_did_not_ask_for()
     {
        let asks = |create: &[&str], update: &[&str]| InstanceChanges {
            create: regions(create),
            update: regions(update),
        };
        let [one, two, three]: [AccountId; 3] =
            ["111122223333", "444455556666", "777788889999"].map(|id| id.parse().unwrap());
        let asked = [
            (&one, asks(&["eu-west-1", "us-east-1"], &[])),
            (&two, asks(&["eu-west-1"], &["us-east-1"])),
            (&three, asks(&["eu-west-1", "us-east-1"], &[])),
        ];
        let listed = |names: &[&str]| regions(names).into_iter().collect::<Vec<_>>();
        let planned = operations(asked.iter().map(|(account, asked)| (*account, asked)));
        assert_eq!(
            planned,
            [
                Operation::Create {
                    accounts: vec![two.clone()],
                    regions: listed(&["eu-west-1"]),
                },
                Operation::Create {
                    accounts: vec![one.clone(), three.clone()],
                    regions: listed(&["eu-west-1", "us-east-1"]),
                },
                Operation::Update {
                    accounts: vec![two.clone()],
                    regions: listed(&["us-east-1"]),
                },
            ]
        );
    }
}

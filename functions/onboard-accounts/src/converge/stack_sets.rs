//! The StackSet's instances: which to make and which to deploy anew. Pure, and for all waiting accounts at
//! once, since a StackSet does one operation at a time.

use std::collections::BTreeMap;

use banto_domain::{AccountId, Region};
use banto_ports::StackInstance;

/// One operation on the StackSet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Make instances.
    Create {
        /// In these accounts.
        accounts: Vec<AccountId>,
        /// In each of these regions.
        regions: Vec<Region>,
    },
    /// Deploy existing instances anew.
    Update {
        /// In these accounts.
        accounts: Vec<AccountId>,
        /// In each of these regions.
        regions: Vec<Region>,
    },
}

/// An account that waits for its instances.
#[derive(Debug, Clone)]
pub struct Waiting<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The regions of its baseline.
    pub regions: Vec<&'a Region>,
    /// Its instances.
    pub instances: &'a BTreeMap<Region, StackInstance>,
}

/// The operations that the accounts wait for: one for all that lack the same regions.
pub fn operations(waiting: &[Waiting<'_>]) -> Vec<Operation> {
    let (mut missing, mut failed) = (
        BTreeMap::<_, Vec<AccountId>>::new(),
        BTreeMap::<_, Vec<AccountId>>::new(),
    );
    for account in waiting {
        let those = |is: &dyn Fn(Option<&StackInstance>) -> bool| {
            let regions = account
                .regions
                .iter()
                .filter(|region| is(account.instances.get(**region)));
            regions
                .map(|region| (*region).clone())
                .collect::<Vec<Region>>()
        };
        missing
            .entry(those(&|instance| instance.is_none()))
            .or_default()
            .push(account.account.clone());
        let failing = those(&|instance| matches!(instance, Some(StackInstance::Failed(_))));
        failed
            .entry(failing)
            .or_default()
            .push(account.account.clone());
    }
    let some = |(regions, accounts): (Vec<Region>, Vec<AccountId>)| {
        (!regions.is_empty()).then_some((accounts, regions))
    };
    let creates = missing
        .into_iter()
        .filter_map(some)
        .map(|(accounts, regions)| Operation::Create { accounts, regions });
    let updates = failed
        .into_iter()
        .filter_map(some)
        .map(|(accounts, regions)| Operation::Update { accounts, regions });
    creates.chain(updates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_accounts_that_lack_the_same_regions_are_one_operation() {
        let region = |name: &str| name.parse::<Region>().unwrap();
        let regions = [region("eu-west-1"), region("us-east-1")];
        let ids: Vec<AccountId> = (1..=4)
            .map(|id| format!("{id:012}").parse().unwrap())
            .collect();
        let new = BTreeMap::new();
        let half = BTreeMap::from([(region("eu-west-1"), StackInstance::Current)]);
        let broken = BTreeMap::from([
            (
                region("eu-west-1"),
                StackInstance::Failed("ResourceLimitExceeded".into()),
            ),
            (region("us-east-1"), StackInstance::Pending),
        ]);
        let waiting = |id: usize, instances| Waiting {
            account: &ids[id],
            regions: regions.iter().collect(),
            instances,
        };
        let operations = operations(&[
            waiting(0, &new),
            waiting(1, &half),
            waiting(2, &new),
            waiting(3, &broken),
        ]);
        assert_eq!(
            operations,
            [
                Operation::Create {
                    accounts: vec![ids[0].clone(), ids[2].clone()],
                    regions: regions.to_vec()
                },
                Operation::Create {
                    accounts: vec![ids[1].clone()],
                    regions: vec![region("us-east-1")]
                },
                Operation::Update {
                    accounts: vec![ids[3].clone()],
                    regions: vec![region("eu-west-1")]
                },
            ]
        );
    }

    #[test]
    fn accounts_that_have_their_instances_need_no_operation() {
        let region: Region = "eu-west-1".parse().unwrap();
        let id: AccountId = "111122223333".parse().unwrap();
        let instances = BTreeMap::from([(region.clone(), StackInstance::Current)]);
        let waiting = Waiting {
            account: &id,
            regions: vec![&region],
            instances: &instances,
        };
        assert_eq!(operations(&[waiting]), []);
    }
}

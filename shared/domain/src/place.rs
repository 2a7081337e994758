//! The places of an account, and values that each of them has.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Region;

/// The account as a whole, or one of its regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place<'a> {
    /// The account as a whole: whatever IAM and the account's settings have once for all regions.
    Account,
    /// A region of it.
    Region(&'a Region),
}

impl<'a> Place<'a> {
    /// The region, unless it is the account as a whole.
    pub fn region(self) -> Option<&'a Region> {
        match self {
            Self::Account => None,
            Self::Region(region) => Some(region),
        }
    }
}

/// `account`, or the region's code.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.region().map_or("account", Region::as_str))
    }
}

/// A value for the account as a whole, and one for each of its regions.
///
/// ```
/// use banto_domain::{PerPlace, Place};
/// let roles_and_recorders = PerPlace { account: 3, regions: [("eu-west-1".parse().unwrap(), 1)].into() };
/// let lines: Vec<String> = roles_and_recorders.iter().map(|(place, count)| format!("{place}: {count}")).collect();
/// assert_eq!(lines, ["account: 3", "eu-west-1: 1"]);
/// assert_eq!(roles_and_recorders.get(Place::Account), Some(&3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerPlace<T> {
    /// The value of the account as a whole; documents call it `global`, as AWS calls such services.
    #[serde(rename = "global")]
    pub account: T,
    /// The value of each region.
    pub regions: BTreeMap<Region, T>,
}

impl<T> PerPlace<T> {
    /// A value of the account as a whole, where there is nothing to say of any region.
    pub fn of_account(account: T) -> Self {
        Self {
            account,
            regions: BTreeMap::new(),
        }
    }

    /// Every place with its value: the account as a whole, then each region.
    pub fn iter(&self) -> impl Iterator<Item = (Place<'_>, &T)> {
        let regions = self
            .regions
            .iter()
            .map(|(region, value)| (Place::Region(region), value));
        std::iter::once((Place::Account, &self.account)).chain(regions)
    }

    /// Every value, in the order of [`iter`](Self::iter).
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }

    /// The value of a place; `None` of a region that has none.
    pub fn get(&self, place: Place<'_>) -> Option<&T> {
        match place {
            Place::Account => Some(&self.account),
            Place::Region(region) => self.regions.get(region),
        }
    }

    /// The same places with other values.
    pub fn map<U>(&self, mut value_of: impl FnMut(Place<'_>, &T) -> U) -> PerPlace<U> {
        let account = value_of(Place::Account, &self.account);
        let regions = self.regions.iter();
        PerPlace {
            account,
            regions: regions
                .map(|(r, value)| (r.clone(), value_of(Place::Region(r), value)))
                .collect(),
        }
    }
}

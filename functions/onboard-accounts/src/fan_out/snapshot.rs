//! The accounts of a request as Organizations knows them.

use std::collections::BTreeMap;

use banto_domain::{AccountId, OuId};
use banto_ports::OrgAccount;

use crate::event::FanOutRequest;

/// A request, and the accounts that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub request: FanOutRequest,
    /// The accounts that are in the Organization.
    pub accounts: Vec<ListedAccount>,
    /// The accounts of the request that Organizations does not show.
    pub not_found: Vec<AccountId>,
    /// Accounts that have a status and that Organizations, asked for each of them, no longer has.
    pub departed: Vec<AccountId>,
}

/// An account of the Organization, with what the request may edit.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedAccount {
    pub account: OrgAccount,
    /// Its tags; read only if the request asks for tags.
    pub tags: BTreeMap<String, String>,
    /// The root or unit that it is in; read only if the request asks for one.
    pub ou: Option<OuId>,
}

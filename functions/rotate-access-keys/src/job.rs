//! A run's job in one identity account, and the accounts that a request is about.

use banto_domain::AccountId;
use banto_domain::policy::{IdentityAccount, RotationPolicy};

use crate::event::{Request, Scope};
use crate::ports::Account;

/// A run's job in one identity account.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    pub identity: &'a IdentityAccount,
    pub scope: &'a Scope,
    pub policy: &'a RotationPolicy,
}

/// A request about an account that the policy does not have, or does not single out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error("the policy has no account {account}, only {known}")]
    Unknown { account: AccountId, known: String },
    /// The request names users but no account.
    #[error("\"account\" is missing, and the policy has several: {known}")]
    Missing { known: String },
}

/// Returns the identity accounts that a request is about.
pub fn accounts_for<'a>(
    request: &Request,
    accounts: &'a [Account],
) -> Result<Vec<&'a Account>, AccountError> {
    match (&request.account, &request.scope, accounts) {
        (Some(id), _, _) => Ok(vec![find(id, accounts)?]),
        (None, Scope::Everyone, all) => Ok(all.iter().collect()),
        (None, Scope::Users { .. } | Scope::ExposedKeys(_), [only]) => Ok(vec![only]),
        (None, Scope::Users { .. } | Scope::ExposedKeys(_), several) => {
            Err(AccountError::Missing {
                known: list(several),
            })
        }
    }
}

fn find<'a>(id: &AccountId, accounts: &'a [Account]) -> Result<&'a Account, AccountError> {
    let found = accounts.iter().find(|account| account.identity.id == *id);
    found.ok_or_else(|| AccountError::Unknown {
        account: id.clone(),
        known: list(accounts),
    })
}

fn list(accounts: &[Account]) -> String {
    let ids: Vec<&str> = accounts
        .iter()
        .map(|account| account.identity.id.as_str())
        .collect();
    ids.join(", ")
}

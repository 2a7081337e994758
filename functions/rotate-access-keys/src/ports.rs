//! The ways to act in one identity account.
//!
//! Deliberately absent: the adapters behind them, which only `main.rs` names.

use std::fmt;
use std::sync::Arc;

use banto_domain::Region;
use banto_domain::policy::IdentityAccount;
use banto_notice::NoticeSender;
use banto_ports::{AccessKeys, Certificates, Clock, Queue, Records, Signer, Trail, UserSessions};

/// One identity account, and the ways to act in it.
pub struct Account {
    pub identity: IdentityAccount,
    /// The region of the account's records and certificates.
    pub region: Region,
    pub ports: Ports,
}

/// The ways to act in one identity account.
pub struct Ports {
    /// IAM's users and their keys.
    pub keys: Arc<dyn AccessKeys>,
    pub sessions: Arc<dyn UserSessions>,
    /// CloudTrail's history of the account.
    pub trail: Arc<dyn Trail>,
    /// onboard-accounts' queue, where it takes revocations of sessions in roles.
    pub revocations: Option<Arc<dyn Queue>>,
    pub records: Arc<dyn Records>,
    /// The key that signs records; `None` where the policy names none.
    pub signer: Option<Arc<dyn Signer>>,
    pub certificates: Arc<dyn Certificates>,
    pub notice_sender: Arc<NoticeSender>,
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

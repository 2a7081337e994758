//! rotate-access-keys, wired to an operator's credentials.

use std::sync::Arc;

use anyhow::Result;
use banto_domain::policy::{IdentityAccount, Policy};
use banto_notice::{NoticeSender, SlackChat};
use banto_ports::Signer;
use rotate_access_keys::ports::{Account, Ports};
use rotate_access_keys::{Rotator, Told};

use super::{Means, NoQueue};

/// The function.
pub(crate) fn rotator(means: &Means, policy: &Policy) -> Result<Rotator> {
    let notice_sender = notice_sender(means, policy)?;
    Ok(Rotator {
        policy: policy.rotation.clone(),
        accounts: accounts_by(means, policy, &notice_sender),
        notice_sender,
        clock: Arc::clone(&means.clock),
        messages: Arc::new(NoQueue),
        told: Told::default(),
    })
}

/// The identity accounts, and the ways to look at them.
pub(crate) fn accounts(means: &Means, policy: &Policy) -> Result<Vec<Account>> {
    Ok(accounts_by(means, policy, &notice_sender(means, policy)?))
}

fn notice_sender(means: &Means, policy: &Policy) -> Result<Arc<NoticeSender>> {
    let chat = means.kept(Arc::new(SlackChat::from_env(means.aws.trusted_roots())?));
    let sender = means.notice_sender(policy.notices.clone());
    Ok(Arc::new(sender.writing_by(Arc::new(chat))))
}

fn accounts_by(means: &Means, policy: &Policy, sender: &Arc<NoticeSender>) -> Vec<Account> {
    let rotation = &policy.rotation;
    let revocations = rotation.revocations.as_ref();
    let revocations = revocations.map(|url| means.aws.queue(url));
    let signing = rotation.signing.as_ref();
    let mut accounts = Vec::new();
    for identity in &rotation.accounts {
        // The role that the function has is assumed where the caller is of another account.
        let entered = IdentityAccount {
            assume: means.assume || means.account != identity.id,
            ..identity.clone()
        };
        let clients = means
            .aws
            .account(&entered, signing.map(|signing| &signing.key));
        let signer = clients
            .signer
            .map(|signer| Arc::new(signer) as Arc<dyn Signer>);
        accounts.push(Account {
            identity: identity.clone(),
            region: means.aws.region().clone(),
            ports: Ports {
                keys: Arc::new(clients.keys),
                sessions: Arc::new(clients.sessions),
                trail: Arc::new(clients.trail),
                revocations: revocations.clone(),
                records: Arc::new(clients.records),
                signer,
                certificates: Arc::new(clients.certificates),
                notice_sender: Arc::clone(sender),
                clock: Arc::clone(&means.clock),
            },
        });
    }
    accounts
}

//! The records of a batch: which accounts they ask for, and which messages come again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use banto_domain::AccountId;
use banto_lambda::{InvocationError, Metrics, Response};

use crate::message::{ConvergeRequest, RevokeRequest};

/// The records of a batch, after what is not worked off together was handled.
#[derive(Default)]
pub(crate) struct Batch {
    /// One request for each account, with the ids of all messages that ask for it.
    pub(crate) requests: BTreeMap<AccountId, (Vec<String>, ConvergeRequest)>,
    /// The messages that end a user's sessions in one account.
    pub(crate) revocations: Vec<(String, RevokeRequest)>,
    /// The messages that ask for the dashboard.
    pub(crate) publish: Vec<String>,
    /// The messages that SQS gives out again, since they could not be finished.
    pub(crate) comes_again: Vec<String>,
    pub(crate) metrics: Metrics,
}

impl Batch {
    /// Adds a request. Of several on one account, the one whose cause says most does for all, as if
    /// it had waited since the first was sent: the time until people are told does not begin anew.
    /// None of their messages is done before the account is: the one that counts may be given up
    /// first.
    pub(crate) fn add_request(&mut self, id: String, request: ConvergeRequest) {
        match self.requests.entry(request.account.id.clone()) {
            Entry::Vacant(entry) => drop(entry.insert((vec![id], request))),
            Entry::Occupied(mut entry) => {
                let (ids, known) = entry.get_mut();
                ids.push(id);
                let requested_at = request.requested_at.min(known.requested_at);
                let attempt = request.attempt.max(known.attempt);
                if request.cause.precedence() > known.cause.precedence() {
                    *known = request;
                }
                (known.requested_at, known.attempt) = (requested_at, attempt);
            }
        }
    }

    pub(crate) fn add_handled(&mut self, id: String, handled: Result<Response, InvocationError>) {
        match handled {
            Ok(response) => {
                tracing::info!(message.id = id, response = %response.body, "event handled");
                self.metrics.add(response.metrics);
            }
            Err(error) => {
                tracing::error!(message.id = id, error.kind = error.kind, %error, "event not handled; its message comes again");
                self.comes_again.push(id);
            }
        }
    }

    pub(crate) fn requests(&self) -> Vec<ConvergeRequest> {
        self.requests
            .values()
            .map(|(_, request)| request.clone())
            .collect()
    }

    /// Adds the messages of accounts that could not be finished, each once.
    pub(crate) fn add_coming_again(&mut self, mut accounts: Vec<AccountId>) {
        accounts.sort();
        accounts.dedup();
        for account in accounts {
            let request = self.requests.get(&account);
            let ids = request.into_iter().flat_map(|(ids, _)| ids);
            self.comes_again.extend(ids.cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use banto_ports::{AccountState, OrgAccount};

    use super::*;
    use crate::message::Cause;

    fn request(cause: Cause, requested_at: &str, attempt: u32) -> ConvergeRequest {
        ConvergeRequest {
            account: OrgAccount {
                id: "444455556666".parse().unwrap(),
                name: "payments".into(),
                state: AccountState::Active,
                path: Vec::new(),
                joined_at: None,
                was_created: true,
            },
            cause,
            requested_at: requested_at.parse().unwrap(),
            attempt,
        }
    }

    #[test]
    fn messages_that_meet_wait_since_the_first_of_them_was_sent() {
        let waits = request(Cause::Joined, "2026-11-24T01:00:00Z", 3);
        let newer = request(Cause::ControlTower, "2026-11-24T01:30:00Z", 0);
        let merged = request(Cause::ControlTower, "2026-11-24T01:00:00Z", 3);
        for [first, second] in [[&waits, &newer], [&newer, &waits]] {
            let mut batch = Batch::default();
            batch.add_request("1".to_owned(), first.clone());
            batch.add_request("2".to_owned(), second.clone());
            assert_eq!(batch.requests(), std::slice::from_ref(&merged));
        }
    }
}

//! The records of a batch: which accounts they ask for, and which messages come again.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use banto_lambda::{InvocationError, Metrics, Response};

use crate::message::ConvergeRequest;

/// The records of a batch, after what is not worked off together was handled.
#[derive(Default)]
pub(crate) struct Batch {
    /// One request for each account, with the id of its message.
    pub(crate) requests: BTreeMap<AccountId, (String, ConvergeRequest)>,
    /// The messages that ask for the dashboard.
    pub(crate) publish: Vec<String>,
    /// The messages that SQS gives out again, since they could not be finished.
    pub(crate) comes_again: Vec<String>,
    pub(crate) metrics: Metrics,
}

impl Batch {
    /// Adds a request. Of several on one account, the one whose cause says most does for all.
    pub(crate) fn add_request(&mut self, id: String, request: ConvergeRequest) {
        let known = self.requests.get(&request.account.id);
        let precedence = known.map(|(_, known)| known.cause.precedence());
        if precedence.is_none_or(|known| request.cause.precedence() > known) {
            self.requests
                .insert(request.account.id.clone(), (id, request));
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
            self.comes_again.extend(request.map(|(id, _)| id.clone()));
        }
    }
}

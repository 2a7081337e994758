//! From events and the schedule to messages: one for each account.

pub mod edits;

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use banto_domain::AccountId;
use banto_lambda::{InvocationError, Metrics, Response};
use banto_ports::{Delayed, ErrorKind, OrgAccount};
use serde_json::json;

use crate::event::{Cause, ConvergeRequest, Message, Scope};
use crate::fan_out::edits::AccountEdits;
use crate::{Onboarder, answer};

/// When the dashboard's data is published after a survey of all accounts, and after one of a few.
const PUBLISH_AFTER_ALL: Duration = Duration::from_secs(900);
const PUBLISH_AFTER_FEW: Duration = Duration::from_secs(120);

/// Accounts that were looked up.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Those of the Organization.
    pub(crate) accounts: Vec<OrgAccount>,
    /// Those that are not, or no longer, in it.
    pub(crate) gone: Vec<AccountId>,
}

impl Onboarder {
    /// Sends a message for each account.
    ///
    /// Tags and units that were asked for are changed first: whoever asked learns at once if that fails.
    pub(crate) async fn survey(
        &self,
        scope: Scope,
        cause: Cause,
        placement: &AccountEdits,
    ) -> Result<Response, InvocationError> {
        if !self.policy.enabled {
            return Ok(answer(
                json!({ "nothing": "[onboarding] enabled is false" }),
            ));
        }
        let is_all = scope == Scope::Everyone;
        let Found { accounts, gone } = self.find(scope).await?;
        for account in &gone {
            self.statuses
                .delete(account)
                .await
                .map_err(|error| InvocationError::new("StatusLost", error))?;
        }
        if cause == Cause::Asked && !gone.is_empty() {
            let names: Vec<&str> = gone.iter().map(AccountId::as_str).collect();
            return Err(InvocationError::new(
                "UnknownAccount",
                anyhow!("not in the Organization: {}", names.join(", ")),
            ));
        }
        for account in &accounts {
            let organization = self.organization.as_ref();
            let misplaced = |error| InvocationError::new("NotPlaced", anyhow::Error::new(error));
            for change in placement
                .look(organization, account)
                .await
                .map_err(misplaced)?
            {
                change
                    .make(organization, account)
                    .await
                    .map_err(misplaced)?;
                tracing::info!(account = %account.id, change = change.line(), "placed");
            }
        }
        let since = self.clock.now();
        let sent = accounts.len();
        let works = accounts.into_iter().map(|account| {
            (
                Message::Converge(ConvergeRequest {
                    account,
                    cause,
                    since,
                    attempt: 0,
                }),
                Duration::ZERO,
            )
        });
        let publish = (
            Message::Publish,
            if is_all {
                PUBLISH_AFTER_ALL
            } else {
                PUBLISH_AFTER_FEW
            },
        );
        let messages = works
            .chain([publish])
            .map(|(message, delay)| queued(&message, delay));
        let messages: anyhow::Result<Vec<Delayed>> = messages.collect();
        let messages = messages.map_err(|error| InvocationError::new("Message", error))?;
        self.queue
            .send(&messages)
            .await
            .map_err(|error| InvocationError::new("QueueUnreachable", error))?;
        tracing::info!(sent, gone = gone.len(), cause = ?cause, "surveyed");
        let mut metrics = Metrics::default();
        metrics.count("AccountsQueued", sent);
        Ok(Response {
            body: json!({ "queued": sent, "gone": gone }),
            metrics,
        })
    }

    /// Looks accounts up in Organizations.
    pub(crate) async fn find(&self, scope: Scope) -> Result<Found, InvocationError> {
        let unreachable =
            |error| InvocationError::new("OrganizationUnreachable", anyhow::Error::new(error));
        match scope {
            Scope::Everyone => {
                let accounts = self.organization.accounts().await.map_err(unreachable)?;
                Ok(Found {
                    accounts,
                    gone: Vec::new(),
                })
            }
            Scope::Accounts(ids) => {
                let mut found = Found::default();
                for id in ids {
                    match self.organization.account(&id).await {
                        Ok(account) => found.accounts.push(account),
                        Err(error) if error.kind == ErrorKind::Missing => found.gone.push(id),
                        Err(error) => return Err(unreachable(error)),
                    }
                }
                Ok(found)
            }
        }
    }
}

/// A message for the queue.
pub(crate) fn queued(message: &Message, delay: Duration) -> anyhow::Result<Delayed> {
    let body = serde_json::to_string(message).context("a message can't be written as JSON")?;
    Ok(Delayed { body, delay })
}

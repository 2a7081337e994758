//! Brings every account of the Organization to its baseline (AWS Config, roles, settings) and keeps it
//! there.
//!
//! One function, two sides of one queue. Events and the schedule lead to a [`survey`], which sends a message
//! for each account; each message leads to one idempotent convergence ([`converge`](mod@converge)), which is
//! the way of an event, a file each: [`event`] decodes, [`observe`](mod@observe) looks into a [`snapshot`],
//! [`plan`](mod@plan) decides, [`check`](mod@check) looks a second time, [`apply`](mod@apply) acts,
//! [`report`] tells. The promises O1 to O5 are in `docs/ARCHITECTURE.md`.
//!
//! Deliberately absent: AWS SDK types, and any wait: an account that is not ready goes back to the queue.

use std::sync::Arc;

use anyhow::anyhow;
use banto_domain::policy::OnboardingPolicy;
use banto_lambda::event::Invoked;
use banto_lambda::{Invocation, InvocationError, Metrics, Response};
use banto_notice::NoticeSender;
use banto_ports::{
    AccountAccess, AccountStatuses, Clock, Dashboard, Organization, Queue, StackInstances,
};
use serde_json::json;

pub mod converge;
pub mod desired;
pub mod event;
pub mod fan_out;
pub mod template;

use event::Trigger;

/// The function: made once, before the first event.
pub struct Onboarder {
    /// What `banto.toml` says.
    pub policy: OnboardingPolicy,
    /// The accounts of the Organization.
    pub organization: Arc<dyn Organization>,
    /// The way into them.
    pub account_access: Arc<dyn AccountAccess>,
    /// The StackSet's instances; asked for where the policy's way is the StackSet's.
    pub stack_instances: Arc<dyn StackInstances>,
    /// The accounts that wait.
    pub queue: Arc<dyn Queue>,
    /// What is known of each account.
    pub statuses: Arc<dyn AccountStatuses>,
    /// The dashboard's data.
    pub dashboard: Arc<dyn Dashboard>,
    /// The way to people.
    pub notice_sender: NoticeSender,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Onboarder {
    /// Handles one event, from its bytes to the answer.
    ///
    /// A failure that concerns one account stops there. The invocation fails if the event is refused, or if
    /// Organizations or the queue can't be reached, so that nothing that was asked is lost. A record of SQS fails
    /// alone.
    pub async fn handle(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match event::decode(event).map_err(|error| InvocationError::new("UnknownEvent", error))? {
            Invoked::Batch(records) => Ok(self.batch(records, invocation).await),
            Invoked::Direct(trigger) => self.see_to(trigger, invocation).await,
        }
    }

    /// Sees to anything but the messages of the queue, which are worked off together.
    pub(crate) async fn see_to(
        &self,
        trigger: Trigger,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        match trigger {
            Trigger::Survey {
                scope,
                placement,
                dry_run: true,
                ..
            } => self.rehearse(scope, &placement, invocation).await,
            Trigger::Survey {
                scope,
                cause,
                placement,
                dry_run: false,
            } => self.survey(scope, cause, &placement).await,
            Trigger::CreationFailed(failed) => {
                let notice = converge::notices::creation_failed(&failed);
                let sent = self
                    .notice_sender
                    .send(&notice, invocation.remaining())
                    .await;
                sent.map_err(|error| InvocationError::new("NobodyTold", error))?;
                Ok(answer(json!({ "told": notice.headline })))
            }
            Trigger::Nothing { because } => Ok(answer(json!({ "nothing": because }))),
            Trigger::Message(_) => Err(InvocationError::new(
                "UnknownEvent",
                anyhow!(
                    "a message of the queue came without the queue, which takes it back until it is done"
                ),
            )),
        }
    }
}

/// An answer without metrics.
fn answer(response: serde_json::Value) -> Response {
    Response {
        body: response,
        metrics: Metrics::default(),
    }
}

impl std::fmt::Debug for Onboarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Onboarder")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

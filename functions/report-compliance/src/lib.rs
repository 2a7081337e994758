//! Reports the compliance of every account each month, from AWS Config's snapshots: mails, a
//! dashboard, and tables for QuickSight.
//!
//! One function with two halves, a folder each. [`collect`] reads one account after the other and
//! keeps what it says of the month. [`publish`] adds all accounts up, and tells people. Whatever
//! reads the archive is an [`engine::Engine`]. The [`store`] is the only state: each step of a
//! run is skipped if the store has what it makes, so that a run goes on where another one ended.
//! The promises C1 to C6 are in `docs/SEMANTICS.md`.
//!
//! Deliberately absent: AWS SDK types, and any judgement in SQL: an engine says what the archive
//! has, and the planners say what it means.

#![expect(
    missing_docs,
    reason = "a name that says it all needs no echo; what it does not say is documented"
)]

pub mod athena;
pub mod collect;
pub mod embedded;
pub mod engine;
pub mod event;
pub mod evidence;
pub mod failure;
pub mod history;
pub mod model;
pub mod notices;
pub mod ports;
pub mod price;
pub mod publish;
pub mod remake;
pub mod report;
mod run;
pub mod store;
pub mod tell;
pub mod time;

use banto_domain::policy::ReportPolicy;
use banto_lambda::{Invocation, InvocationError, Response};

use event::Request;
use ports::Ports;
use report::Outcome;
use time::RunTime;

/// The function: made once, before the first event.
#[derive(Debug)]
pub struct Reporter {
    pub policy: ReportPolicy,
    pub ports: Ports,
}

impl Reporter {
    /// Handles one event, from its bytes to the response.
    ///
    /// # Errors
    /// If the event is refused, or the report could not be made to its end. Whatever was done stays
    /// done, and the next run goes on with the rest.
    pub async fn handle(
        &self,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let request = event::decode(event);
        let request = request.map_err(|error| InvocationError::new("UnknownEvent", error))?;
        let outcome = self.run(&request, RunTime::of(invocation)).await?;
        Ok(report::response(&outcome))
    }

    /// Makes a report.
    ///
    /// # Errors
    /// As [`Self::handle`].
    pub async fn run(
        &self,
        request: &Request,
        time: RunTime<'_>,
    ) -> Result<Outcome, InvocationError> {
        run::run(&self.ports, &self.policy, request, time).await
    }
}

//! The receiver of a comparison's observations: a real run takes them in, a dry run plans them.

use banto_domain::AccountId;
use banto_domain::policy::CompliancePolicy;
use banto_lambda::Invocation;
use banto_ports::PortError;

use crate::event::Observation;
use crate::ingest::ports::Ports;
use crate::ingest::report::{DryRun, Ingested};
use crate::ingest::{check, ingest, planned};

/// The receiver of observations, with the outcome of those before.
pub(super) enum Sink {
    Ingest(Ingested),
    Plan(DryRun),
}

impl Sink {
    /// Takes observations. Returns false if some of them are held up.
    pub(super) async fn take(
        &mut self,
        ports: &Ports,
        policy: &CompliancePolicy,
        observations: Vec<Observation>,
        invocation: &Invocation,
    ) -> Result<bool, PortError> {
        match self {
            Self::Ingest(ingested) => {
                ingested.add(ingest(ports, policy, observations, invocation).await);
                Ok(ingested.held_up.is_empty())
            }
            Self::Plan(dry_run) => {
                let (snapshot, plan) = planned(ports, policy, &observations).await?;
                let now = ports.clock.now();
                let refused = check::check(&snapshot, &plan, policy, now);
                dry_run.add(&snapshot, plan, refused);
                Ok(true)
            }
        }
    }

    /// Notes an account that could not be looked up.
    pub(super) fn add_unknown(&mut self, account: AccountId) {
        if let Self::Plan(dry_run) = self {
            dry_run.unknown_accounts.insert(account);
        }
    }

    pub(super) fn into_ingested(self) -> Ingested {
        match self {
            Self::Ingest(ingested) => ingested,
            Self::Plan(_) => Ingested::default(),
        }
    }

    pub(super) fn into_dry_run(self) -> DryRun {
        match self {
            Self::Ingest(_) => DryRun::default(),
            Self::Plan(dry_run) => dry_run,
        }
    }
}

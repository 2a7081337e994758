//! report-compliance, wired to an operator's credentials.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use banto_domain::policy::Policy;
use banto_domain::policy::report::{EngineChoice, ReportPolicy};
use banto_ports::{Aggregator, Objects};
use report_compliance::Reporter;
use report_compliance::athena::Athena;
use report_compliance::embedded::Embedded;
use report_compliance::engine::Engine;
use report_compliance::ports::{LoggedProgress, Ports};
use report_compliance::store::Store;

use super::Means;
use crate::ending::misused;

/// The function.
pub(crate) fn reporter(means: &Means, policy: &Policy) -> Result<Reporter> {
    let report = policy.report.clone();
    let report = report.context("the policy has no section [report]");
    let report = report.map_err(misused)?;
    let clients = means.aws.report(&report);
    let queue = policy.notices.queue.as_ref();
    let queue = queue.map(|url| means.aws.queue(url));
    let sender = means.notice_sender(policy.notices.clone()).through(queue);
    let ports = Ports {
        engine: engine(means, &report, Arc::new(clients.archive)),
        store: Store::new(Arc::new(clients.store), report.store.prefix.clone()),
        organization: Some(Arc::new(clients.organization)),
        aggregator: clients
            .aggregator
            .map(|aggregator| Arc::new(aggregator) as Arc<dyn Aggregator>),
        statuses: clients
            .statuses
            .map(|bucket| Arc::new(bucket) as Arc<dyn Objects>),
        mailer: Arc::new(means.kept(Arc::new(clients.mailer))),
        notice_sender: Some(Arc::new(sender)),
        progress: Arc::new(LoggedProgress),
        clock: Arc::clone(&means.clock),
    };
    Ok(Reporter {
        policy: report,
        ports,
    })
}

fn engine(means: &Means, policy: &ReportPolicy, archive: Arc<dyn Objects>) -> Arc<dyn Engine> {
    match &policy.engine {
        EngineChoice::Embedded => Arc::new(Embedded::new(
            archive,
            policy.archive.prefix.clone(),
            policy.history,
        )),
        EngineChoice::Athena(athena) => {
            let queries = Arc::new(means.aws.athena(athena));
            let clock = Arc::clone(&means.clock);
            Arc::new(Athena::new(queries, athena.clone(), clock, policy.history))
        }
    }
}

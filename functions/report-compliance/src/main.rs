//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use banto_aws::Aws;
use banto_domain::policy::NoticePolicy;
use banto_domain::policy::report::{EngineChoice, ReportPolicy};
use banto_notice::{NoticeSender, SlackWebhooks};
use banto_ports::{Aggregator, Clock, Objects};
use report_compliance::Reporter;
use report_compliance::athena::Athena;
use report_compliance::embedded::Embedded;
use report_compliance::engine::Engine;
use report_compliance::ports::{LoggedProgress, Ports};
use report_compliance::store::Store;

fn main() -> ExitCode {
    banto_lambda::run(reporter, async |reporter, event, invocation| {
        reporter.handle(event, invocation).await
    })
}

fn reporter() -> anyhow::Result<Reporter> {
    let policy = banto_lambda::policy()?;
    let report = policy
        .report
        .context("the policy has no section [report]")?;
    let clock: Arc<dyn Clock> = Arc::new(banto_lambda::SystemClock::from_env()?);
    let aws = Aws::from_env()?;
    let clients = aws.report(&report);
    let ports = Ports {
        engine: engine(&aws, &report, Arc::new(clients.archive), &clock),
        store: Store::new(Arc::new(clients.store), report.store.prefix.clone()),
        organization: Some(Arc::new(clients.organization)),
        aggregator: clients
            .aggregator
            .map(|aggregator| Arc::new(aggregator) as Arc<dyn Aggregator>),
        statuses: clients
            .statuses
            .map(|bucket| Arc::new(bucket) as Arc<dyn Objects>),
        mailer: Arc::new(clients.mailer),
        notice_sender: Some(Arc::new(notice_sender(&aws, policy.notices, &clock))),
        progress: Arc::new(LoggedProgress),
        clock,
    };
    Ok(Reporter {
        policy: report,
        ports,
    })
}

fn engine(
    aws: &Aws,
    policy: &ReportPolicy,
    archive: Arc<dyn Objects>,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn Engine> {
    match &policy.engine {
        EngineChoice::Embedded => Arc::new(Embedded::new(
            archive,
            policy.archive.prefix.clone(),
            policy.history,
        )),
        EngineChoice::Athena(athena) => {
            let queries = Arc::new(aws.athena(athena));
            let (athena, clock) = (athena.clone(), Arc::clone(clock));
            Arc::new(Athena::new(queries, athena, clock, policy.history))
        }
    }
}

fn notice_sender(aws: &Aws, policy: NoticePolicy, clock: &Arc<dyn Clock>) -> NoticeSender {
    let queue = policy.queue.as_ref().map(|url| aws.queue(url));
    let webhooks = Arc::new(SlackWebhooks::new(aws.trusted_roots()));
    let sender = NoticeSender::new(
        aws.secrets(),
        webhooks,
        aws.topics(),
        policy,
        Arc::clone(clock),
    );
    sender.through(queue)
}

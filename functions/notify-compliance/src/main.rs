//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use banto_aws::{Aws, ComplianceClients};
use banto_notice::{NoticeSender, SecretCache, SlackChat, SlackWebhooks};
use banto_ports::{Clock, Webhooks};
use notify_compliance::deliver::route_sender::RouteSender;
use notify_compliance::delivery_queue::DeliveryQueue;
use notify_compliance::ingest::AccountMemory;
use notify_compliance::relay::Relay;
use notify_compliance::{Notifier, deliver, ingest};

fn main() -> ExitCode {
    banto_lambda::run(set_up, async |notifier, event, invocation| {
        notifier.handle(event, invocation).await
    })
}

fn set_up() -> anyhow::Result<Notifier> {
    let policy = banto_lambda::policy()?;
    let compliance = policy
        .compliance
        .context("the policy has no section [compliance]")?;
    let clock: Arc<dyn Clock> = Arc::new(banto_lambda::SystemClock::from_env()?);
    let aws = Aws::from_env()?;
    let ComplianceClients {
        organization,
        queue,
        table,
        aggregator,
        mailer,
    } = aws.compliance(&compliance);
    let (table, aggregator) = (Arc::new(table), Arc::new(aggregator));
    let webhooks: Arc<dyn Webhooks> = Arc::new(SlackWebhooks::new(aws.trusted_roots()));
    let delivery_queue = DeliveryQueue {
        queue: Arc::new(queue),
        due_times: table.clone(),
        clock: Arc::clone(&clock),
    };
    let relay = Relay {
        log: table.clone(),
        sender: NoticeSender::new(
            aws.secrets(),
            Arc::clone(&webhooks),
            aws.topics(),
            policy.notices,
            Arc::clone(&clock),
        ),
        clock: Arc::clone(&clock),
    };
    Ok(Notifier {
        ingest_ports: ingest::ports::Ports {
            findings: table.clone(),
            accounts: table.clone(),
            memory: AccountMemory::default(),
            organization: Arc::new(organization),
            aggregator: aggregator.clone(),
            delivery_queue: delivery_queue.clone(),
            clock: Arc::clone(&clock),
        },
        deliver_ports: deliver::ports::Ports {
            outbox: table.clone(),
            lock: table,
            aggregator,
            sender: RouteSender {
                chat: Arc::new(SlackChat::from_env(aws.trusted_roots())?),
                webhooks,
                topics: aws.topics(),
                mailer: Arc::new(mailer),
                secrets: SecretCache::new(aws.secrets()),
                token: compliance.slack_token.clone(),
                mail_from: compliance.mail_from.clone(),
                clock: Arc::clone(&clock),
            },
            clock,
        },
        policy: compliance,
        relay,
        delivery_queue,
    })
}

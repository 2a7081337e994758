//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use banto_aws::{Aws, ComplianceClients};
use banto_domain::policy::CompliancePolicy;
use banto_notice::{HttpsEndpoints, NoticeSender, SecretCache, SlackChat, SlackWebhooks};
use banto_ports::{Clock, Mailer, Webhooks};
use notify_compliance::accounts::{AccountMemory, Accounts};
use notify_compliance::deliver::route_sender::RouteSender;
use notify_compliance::delivery_queue::DeliveryQueue;
use notify_compliance::ingest::ports::Registered;
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
        deliveries,
        table,
        aggregator,
        mailer,
    } = aws.compliance(&compliance);
    let (table, aggregator) = (Arc::new(table), Arc::new(aggregator));
    let webhooks: Arc<dyn Webhooks> = Arc::new(SlackWebhooks::new(aws.trusted_roots()));
    let delivery_queue = DeliveryQueue {
        events: Arc::new(queue),
        deliveries: Arc::new(deliveries),
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
    let accounts = Arc::new(Accounts {
        cache: table.clone(),
        organization: Arc::new(organization),
        clock: Arc::clone(&clock),
        memory: AccountMemory::default(),
        queue: delivery_queue.clone(),
    });
    let sender = route_sender(&aws, &compliance, webhooks, mailer, &clock)?;
    Ok(Notifier {
        ingest_ports: ingest::ports::Ports {
            findings: table.clone(),
            registry: table.clone(),
            registered: Registered::default(),
            accounts: Arc::clone(&accounts),
            aggregator: aggregator.clone(),
            delivery_queue: delivery_queue.clone(),
            clock: Arc::clone(&clock),
        },
        deliver_ports: deliver::ports::Ports {
            outbox: table.clone(),
            findings: table.clone(),
            registry: table.clone(),
            lock: table,
            accounts,
            aggregator,
            sender,
            clock,
        },
        policy: compliance,
        relay,
        delivery_queue,
    })
}

/// The ways to the people of routes.
fn route_sender(
    aws: &Aws,
    policy: &CompliancePolicy,
    webhooks: Arc<dyn Webhooks>,
    mailer: impl Mailer + 'static,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<RouteSender> {
    Ok(RouteSender {
        chat: Arc::new(SlackChat::from_env(aws.trusted_roots())?),
        webhooks,
        topics: aws.topics(),
        mailer: Arc::new(mailer),
        endpoints: Arc::new(HttpsEndpoints::new(aws.trusted_roots())),
        secrets: SecretCache::new(aws.secrets()),
        token: policy.slack_token.clone(),
        mail_from: policy.mail_from.clone(),
        clock: Arc::clone(clock),
    })
}

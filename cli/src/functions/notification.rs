//! notify-compliance, wired to an operator's credentials.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use banto_aws::ComplianceClients;
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_notice::{HttpsEndpoints, SecretCache, SlackChat};
use banto_ports::Mailer;
use notify_compliance::accounts::{AccountMemory, Accounts};
use notify_compliance::deliver::route_sender::RouteSender;
use notify_compliance::delivery_queue::DeliveryQueue;
use notify_compliance::ingest::ports::Registered;
use notify_compliance::relay::Relay;
use notify_compliance::{Notifier, deliver, ingest};

use super::Means;
use crate::ending::misused;

/// The function.
pub(crate) fn notifier(means: &Means, policy: &Policy) -> Result<Notifier> {
    let compliance = policy.compliance.clone();
    let compliance = compliance.context("the policy has no section [compliance]");
    let compliance = compliance.map_err(misused)?;
    let ComplianceClients {
        organization,
        queue,
        deliveries,
        table,
        aggregator,
        mailer,
    } = means.aws.compliance(&compliance);
    let (table, aggregator) = (Arc::new(table), Arc::new(aggregator));
    let clock = &means.clock;
    let delivery_queue = DeliveryQueue {
        events: Arc::new(queue),
        deliveries: Arc::new(deliveries),
        due_times: table.clone(),
        clock: Arc::clone(clock),
    };
    let relay = Relay {
        log: table.clone(),
        sender: means.notice_sender(policy.notices.clone()),
        clock: Arc::clone(clock),
    };
    let accounts = Arc::new(Accounts {
        cache: table.clone(),
        organization: Arc::new(organization),
        clock: Arc::clone(clock),
        memory: AccountMemory::default(),
        queue: delivery_queue.clone(),
    });
    let sender = route_sender(means, &compliance, mailer)?;
    Ok(Notifier {
        ingest_ports: ingest::ports::Ports {
            findings: table.clone(),
            registry: table.clone(),
            registered: Registered::default(),
            accounts: Arc::clone(&accounts),
            aggregator: aggregator.clone(),
            delivery_queue: delivery_queue.clone(),
            clock: Arc::clone(clock),
        },
        deliver_ports: deliver::ports::Ports {
            outbox: table.clone(),
            findings: table.clone(),
            registry: table.clone(),
            lock: table,
            accounts,
            aggregator,
            sender,
            clock: Arc::clone(clock),
        },
        policy: compliance,
        relay,
        delivery_queue,
    })
}

/// The ways to the people of routes.
fn route_sender(
    means: &Means,
    policy: &CompliancePolicy,
    mailer: impl Mailer + 'static,
) -> Result<RouteSender> {
    let roots = means.aws.trusted_roots();
    Ok(RouteSender {
        chat: Arc::new(means.kept(Arc::new(SlackChat::from_env(roots)?))),
        webhooks: means.webhooks(),
        topics: means.topics(),
        mailer: Arc::new(means.kept(Arc::new(mailer))),
        endpoints: Arc::new(means.kept(Arc::new(HttpsEndpoints::new(roots)))),
        secrets: SecretCache::new(means.aws.secrets()),
        token: policy.slack_token.clone(),
        mail_from: policy.mail_from.clone(),
        clock: Arc::clone(&means.clock),
    })
}

//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use banto_aws::Aws;
use banto_notice::{KeptSecrets, NoticeSender, SlackChat, SlackWebhooks};
use banto_ports::{Clock, Webhooks};
use notify_compliance::Notifier;
use notify_compliance::observe::Remembered;
use notify_compliance::send::RouteSender;

fn main() -> ExitCode {
    banto_lambda::run(
        || {
            let policy = banto_lambda::policy()?;
            let compliance = policy
                .compliance
                .context("the policy has no section [compliance]")?;
            let clock: Arc<dyn Clock> = Arc::new(banto_lambda::SystemClock::from_env()?);
            let aws = Aws::from_env()?;
            let webhooks: Arc<dyn Webhooks> = Arc::new(SlackWebhooks::new(aws.trusted_roots()));
            let clients = aws.compliance(&compliance);
            Ok(Notifier {
                ledger: Arc::new(clients.ledger),
                organization: Arc::new(clients.organization),
                aggregator: Arc::new(clients.aggregator),
                queue: Arc::new(clients.queue),
                route_sender: RouteSender {
                    chat: Arc::new(SlackChat::from_env(aws.trusted_roots())?),
                    webhooks: Arc::clone(&webhooks),
                    topics: aws.topics(),
                    mailer: Arc::new(clients.mailer),
                    secrets: KeptSecrets::new(aws.secrets()),
                    token: compliance.slack_token.clone(),
                    mail_from: compliance.mail_from.clone(),
                    clock: Arc::clone(&clock),
                },
                notice_sender: NoticeSender::new(
                    aws.secrets(),
                    webhooks,
                    aws.topics(),
                    policy.notices,
                    Arc::clone(&clock),
                ),
                policy: compliance,
                clock,
                remembered: Remembered::default(),
            })
        },
        async |notifier, event, invocation| notifier.handle(event, invocation).await,
    )
}

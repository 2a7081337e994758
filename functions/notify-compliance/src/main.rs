//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use banto_aws::Aws;
use banto_notice::{KeptSecrets, Messenger, SlackChat, SlackWebhooks};
use banto_ports::{Clock, Webhooks};
use notify_compliance::Notifier;
use notify_compliance::observe::Remembered;
use notify_compliance::send::Courier;

fn main() -> ExitCode {
    banto_shell::run(
        || {
            let policy = banto_shell::policy()?;
            let compliance = policy.compliance.context("the policy has no section [compliance]")?;
            let clock: Arc<dyn Clock> = Arc::new(banto_shell::SystemClock::from_env()?);
            let aws = Aws::from_env()?;
            let webhooks: Arc<dyn Webhooks> = Arc::new(SlackWebhooks::from_env()?);
            let clients = aws.compliance(&compliance);
            Ok(Notifier {
                ledger: Arc::new(clients.ledger),
                organization: Arc::new(clients.organization),
                aggregator: Arc::new(clients.aggregator),
                queue: Arc::new(clients.queue),
                courier: Courier {
                    chat: Arc::new(SlackChat::from_env()?),
                    webhooks: Arc::clone(&webhooks),
                    topics: aws.topics(),
                    mailer: Arc::new(clients.mailer),
                    secrets: KeptSecrets::new(aws.secrets()),
                    token: compliance.slack_token.clone(),
                    mail_from: compliance.mail_from.clone(),
                    clock: Arc::clone(&clock),
                },
                messenger: Messenger::new(aws.secrets(), webhooks, aws.topics(), policy.notices),
                policy: compliance,
                clock,
                remembered: Remembered::default(),
            })
        },
        async |notifier, event, invocation| notifier.handle(event, invocation).await,
    )
}

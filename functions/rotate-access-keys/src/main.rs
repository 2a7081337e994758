//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use banto_aws::Aws;
use banto_notice::{NoticeSender, SlackWebhooks};
use banto_ports::Clock;
use rotate_access_keys::{Account, Rotator};

fn main() -> ExitCode {
    banto_lambda::run(
        || {
            let policy = banto_lambda::policy()?;
            let clock: Arc<dyn Clock> = Arc::new(banto_lambda::SystemClock::from_env()?);
            let aws = Aws::from_env()?;
            let accounts = policy.rotation.accounts.iter().map(|identity| {
                let clients = aws.account(identity);
                Account {
                    identity: identity.clone(),
                    keys: Arc::new(clients.keys),
                    records: Arc::new(clients.records),
                    certificates: Arc::new(clients.certificates),
                }
            });
            let accounts = accounts.collect();
            let webhooks = Arc::new(SlackWebhooks::new(aws.trusted_roots()));
            let notices = policy.notices.clone();
            let notice_sender = NoticeSender::new(
                aws.secrets(),
                webhooks,
                aws.topics(),
                notices,
                Arc::clone(&clock),
            );
            Ok(Rotator {
                policy,
                accounts,
                notice_sender,
                clock,
            })
        },
        async |rotator, event, invocation| rotator.handle(event, invocation).await,
    )
}

//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use banto_aws::Aws;
use banto_notice::{NoticeSender, SlackWebhooks};
use banto_ports::Clock;
use onboard_accounts::Onboarder;

/// What a session in an account may do, in one line: the limit counts white space too.
const SESSION_POLICY: &str = include_str!("../session-policy.json");

fn main() -> ExitCode {
    banto_lambda::run(
        || {
            let policy = banto_lambda::policy()?;
            let onboarding = policy
                .onboarding
                .context("the policy has no section [onboarding]")?;
            let clock: Arc<dyn Clock> = Arc::new(banto_lambda::SystemClock::from_env()?);
            let aws = Aws::from_env()?;
            let queue = policy.notices.queue.as_ref().map(|url| aws.queue(url));
            let webhooks = Arc::new(SlackWebhooks::new(aws.trusted_roots()));
            let notice_sender = NoticeSender::new(
                aws.secrets(),
                webhooks,
                aws.topics(),
                policy.notices,
                Arc::clone(&clock),
            )
            .through(queue);
            let clients = aws.organization(&onboarding, SESSION_POLICY);
            Ok(Onboarder {
                organization: Arc::new(clients.organization),
                account_access: Arc::new(clients.account_access),
                stack_instances: Arc::new(clients.stacks),
                queue: Arc::new(clients.queue),
                statuses: Arc::new(clients.statuses),
                dashboard: Arc::new(clients.dashboard),
                policy: onboarding,
                notice_sender,
                clock,
            })
        },
        async |onboarder, event, invocation| onboarder.handle(event, invocation).await,
    )
}

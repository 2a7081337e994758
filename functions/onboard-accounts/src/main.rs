//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use banto_aws::Aws;
use banto_domain::policy::NoticePolicy;
use banto_notice::{NoticeSender, SlackWebhooks};
use banto_ports::Clock;
use onboard_accounts::{Onboarder, converge, fan_out};

/// What a session in an account may do. STS takes 2,048 characters, and counts white space too.
const SESSION_POLICY: &str = include_str!("../session-policy.json");

fn main() -> ExitCode {
    banto_lambda::run(onboarder, async |onboarder, event, invocation| {
        onboarder.handle(event, invocation).await
    })
}

fn onboarder() -> anyhow::Result<Onboarder> {
    let policy = banto_lambda::policy()?;
    let onboarding = policy
        .onboarding
        .context("the policy has no section [onboarding]")?;
    let clock: Arc<dyn Clock> = Arc::new(banto_lambda::SystemClock::from_env()?);
    let aws = Aws::from_env()?;
    let notice_sender = Arc::new(notice_sender(&aws, policy.notices, Arc::clone(&clock)));
    let clients = aws.organization(&onboarding, SESSION_POLICY);
    let organization = Arc::new(clients.organization);
    let queue = Arc::new(clients.queue);
    let statuses = Arc::new(clients.statuses);
    Ok(Onboarder {
        policy: onboarding,
        fan_out: fan_out::ports::Ports {
            organization: organization.clone(),
            queue: queue.clone(),
            statuses: statuses.clone(),
            notice_sender: notice_sender.clone(),
            clock: clock.clone(),
        },
        converge: converge::ports::Ports {
            organization,
            account_access: Arc::new(clients.account_access),
            stack_instances: Arc::new(clients.stacks),
            queue,
            statuses,
            dashboard: Arc::new(clients.dashboard),
            notice_sender,
            clock,
        },
    })
}

fn notice_sender(aws: &Aws, policy: NoticePolicy, clock: Arc<dyn Clock>) -> NoticeSender {
    let queue = policy.queue.as_ref().map(|url| aws.queue(url));
    let webhooks = Arc::new(SlackWebhooks::new(aws.trusted_roots()));
    NoticeSender::new(aws.secrets(), webhooks, aws.topics(), policy, clock).through(queue)
}

//! onboard-accounts, wired to an operator's credentials: of the management account, or of a
//! delegated administrator.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use banto_domain::policy::Policy;
use onboard_accounts::{Onboarder, converge, fan_out};

use super::Means;
use crate::ending::misused;

/// What a session in an account may do: the function's own limit.
const SESSION_POLICY: &str =
    include_str!("../../../functions/onboard-accounts/session-policy.json");

/// The function.
pub(crate) fn onboarder(means: &Means, policy: &Policy) -> Result<Onboarder> {
    let onboarding = policy.onboarding.clone();
    let onboarding = onboarding.context("the policy has no section [onboarding]");
    let onboarding = onboarding.map_err(misused)?;
    let queue = policy.notices.queue.as_ref();
    let queue = queue.map(|url| means.aws.queue(url));
    let sender = means.notice_sender(policy.notices.clone()).through(queue);
    let notice_sender = Arc::new(sender);
    let clients = means.aws.organization(&onboarding, SESSION_POLICY);
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
            clock: means.clock.clone(),
        },
        converge: converge::ports::Ports {
            organization,
            account_access: Arc::new(clients.account_access),
            stack_instances: Arc::new(clients.stacks),
            queue,
            statuses,
            dashboard: Arc::new(clients.dashboard),
            notice_sender,
            clock: means.clock.clone(),
        },
    })
}

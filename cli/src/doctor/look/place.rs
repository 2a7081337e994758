//! Which of the accounts that the policy names this is, and which others are to be looked at.

use std::collections::BTreeSet;

use banto_domain::QueueUrl;
use banto_domain::policy::onboarding::OnboardingPolicy;
use banto_domain::policy::{CompliancePolicy, IdentityAccount, Policy};
use jiff::Timestamp;

/// The queue of requests to rotate-access-keys. The module's default name: the policy does not
/// have it.
pub(super) const REQUESTS: &str = "banto-rotation";

/// What the looks are about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) policy: &'a Policy,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) now: Timestamp,
}

/// A part of Banto, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) account: String,
    /// Nothing, where the policy does not say.
    pub(super) region: Option<String>,
    pub(super) name: &'static str,
}

impl<'a> Here<'a> {
    fn is_at(&self, account: &str, region: Option<&str>) -> bool {
        account == self.account && region.is_none_or(|region| region == self.region)
    }

    /// Onboarding's policy, where this is the Organization's management account.
    pub(super) fn management(&self) -> Option<&'a OnboardingPolicy> {
        let onboarding = self.policy.onboarding.as_ref()?;
        let home = onboarding.home_region.as_str();
        self.is_at(onboarding.management_account.as_str(), Some(home))
            .then_some(onboarding)
    }

    /// The same, where onboard-accounts runs here.
    pub(super) fn onboarding(&self) -> Option<&'a OnboardingPolicy> {
        let onboarding = self.policy.onboarding.as_ref()?;
        let home = onboarding.home_region.as_str();
        self.is_at(onboarding.queue.account(), Some(home))
            .then_some(onboarding)
    }

    /// Compliance's policy, where notify-compliance runs here.
    pub(super) fn compliance(&self) -> Option<&'a CompliancePolicy> {
        let compliance = self.policy.compliance.as_ref()?;
        self.is_queue_here(&compliance.queue).then_some(compliance)
    }

    /// The identity account that this is.
    pub(super) fn identity(&self) -> Option<&'a IdentityAccount> {
        let accounts = &self.policy.rotation.accounts;
        let own = accounts.iter().find(|own| own.id.as_str() == self.account);
        own.filter(|_| rotation_region(self.policy).is_none_or(|region| region == self.region))
    }

    pub(super) fn is_queue_here(&self, queue: &QueueUrl) -> bool {
        self.is_at(queue.account(), queue.region())
    }

    pub(super) fn is_here(&self, account: &str, region: &str) -> bool {
        self.is_at(account, Some(region))
    }

    /// The functions that run here, by their modules' names.
    pub(super) fn functions(&self) -> Vec<&'static str> {
        let mut functions = Vec::new();
        if self.identity().is_some_and(|identity| !identity.assume) {
            functions.push("banto-rotate-access-keys");
        }
        if self.onboarding().is_some() {
            functions.push("banto-onboard-accounts");
        }
        if self.compliance().is_some() {
            functions.push("banto-notify-compliance");
            if self.policy.report.is_some() {
                functions.push("banto-report-compliance");
            }
        }
        functions
    }

    /// The functions that the policy does not place, and why. They are told in each account that it
    /// names: any of them may be the one.
    pub(super) fn unplaced(&self) -> Vec<(&'static str, &'static str)> {
        let mut unplaced = Vec::new();
        let accounts = &self.policy.rotation.accounts;
        if accounts.iter().all(|identity| identity.assume) {
            let why = "the policy names the accounts whose roles it takes, and not its own";
            unplaced.push(("banto-rotate-access-keys", why));
        }
        if self.policy.report.is_some() && self.policy.compliance.is_none() {
            let why = "the policy says by [compliance] alone where it runs, and has none";
            unplaced.push(("banto-report-compliance", why));
        }
        unplaced.retain(|_| self.accounts().contains(self.account));
        unplaced
    }

    /// All accounts that the policy names.
    pub(super) fn accounts(&self) -> BTreeSet<String> {
        parts(self.policy)
            .into_iter()
            .map(|part| part.account)
            .collect()
    }

    /// The parts that are elsewhere.
    pub(super) fn elsewhere(&self) -> Vec<Part> {
        let mut parts = parts(self.policy);
        parts.retain(|part| !self.is_at(&part.account, part.region.as_deref()));
        parts
    }
}

/// The region that rotation runs in, which the policy names only by its signing key or by the queue
/// of revocations. Without either every region may be it.
fn rotation_region(policy: &Policy) -> Option<&str> {
    let signing = policy.rotation.signing.as_ref();
    let queue = policy.rotation.revocations.as_ref();
    signing
        .map(|signing| signing.key.region())
        .or_else(|| queue.and_then(QueueUrl::region))
}

fn parts(policy: &Policy) -> Vec<Part> {
    let part = |account: &str, region: Option<&str>, name| Part {
        account: account.to_owned(),
        region: region.map(str::to_owned),
        name,
    };
    let mut parts = Vec::new();
    if let Some(onboarding) = &policy.onboarding {
        let home = Some(onboarding.home_region.as_str());
        let management = onboarding.management_account.as_str();
        parts.push(part(management, home, "the Organization and the pipeline"));
        parts.push(part(onboarding.queue.account(), home, "onboard-accounts"));
    }
    if let Some(compliance) = &policy.compliance {
        let queue = &compliance.queue;
        parts.push(part(
            queue.account(),
            queue.region(),
            "compliance and report",
        ));
    }
    for identity in &policy.rotation.accounts {
        let region = rotation_region(policy);
        parts.push(part(identity.id.as_str(), region, "access keys"));
    }
    let topic = &policy.notices.operators_topic;
    parts.push(part(topic.account(), Some(topic.region()), "notices"));
    parts
}

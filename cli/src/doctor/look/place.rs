//! Which of the accounts that the policy names this is, and which others are to be looked at.

use std::collections::BTreeSet;

use banto_domain::policy::onboarding::OnboardingPolicy;
use banto_domain::policy::{CompliancePolicy, IdentityAccount, Policy};
use banto_domain::{QueueUrl, Region};
use jiff::Timestamp;

use super::origin::{NOTIFY, ONBOARD, REPORT, ROTATE};
use crate::policy::PolicyFile;
use crate::session::Where;

/// What the looks are about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) policy: &'a Policy,
    pub(super) account: &'a str,
    pub(super) region: &'a Region,
    pub(super) now: Timestamp,
    /// What was given on the command line, which the commands that are printed need, too.
    pub(super) given: Given<'a>,
}

/// What was given on the command line.
#[derive(Debug, Clone, Copy)]
pub(in crate::doctor) struct Given<'a> {
    pub(in crate::doctor) place: &'a Where,
    pub(in crate::doctor) policy: &'a PolicyFile,
}

/// A part of Banto, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) account: String,
    /// Nothing, where the policy does not say.
    pub(super) region: Option<String>,
    /// In words that whoever operates Banto knows.
    pub(super) name: String,
}

impl<'a> Here<'a> {
    fn is_at(&self, account: &str, region: Option<&str>) -> bool {
        account == self.account && region.is_none_or(|region| region == self.region.as_str())
    }

    /// The ARN of a thing of this account and region.
    pub(super) fn arn(&self, service: &str, thing: &str) -> String {
        let (partition, region, account) = (self.region.partition(), self.region, self.account);
        format!("arn:{partition}:{service}:{region}:{account}:{thing}")
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
        own.filter(|_| {
            rotation_region(self.policy).is_none_or(|region| region == self.region.as_str())
        })
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
            functions.push(ROTATE);
        }
        if self.onboarding().is_some() {
            functions.push(ONBOARD);
        }
        if self.compliance().is_some() {
            functions.push(NOTIFY);
            if self.policy.report.is_some() {
                functions.push(REPORT);
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
            unplaced.push((ROTATE, why));
        }
        if self.policy.report.is_some() && self.policy.compliance.is_none() {
            let why = "the policy says by [compliance] alone where it runs, and has none";
            unplaced.push((REPORT, why));
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

    /// The regions of this account in which the policy has something, this one left out; else those
    /// of other accounts, that of people's topics first, by which the commands of `banto keys` go.
    pub(super) fn other_regions(&self) -> Vec<String> {
        let parts = parts(self.policy);
        let others = |is_own: bool| {
            let parts = parts.iter().rev();
            let parts = parts.filter(move |part| !is_own || part.account == self.account);
            let mut regions: Vec<String> = parts.filter_map(|part| part.region.clone()).collect();
            let mut seen = BTreeSet::from([self.region.to_string()]);
            regions.retain(|region| seen.insert(region.clone()));
            regions
        };
        let own = others(true);
        if own.is_empty() { others(false) } else { own }
    }

    /// True if the policy has something in this account, and all of it in other regions.
    pub(super) fn is_elsewhere(&self) -> bool {
        let mut own = parts(self.policy);
        own.retain(|part| part.account == self.account);
        !own.is_empty()
            && own
                .iter()
                .all(|part| !self.is_at(self.account, part.region.as_deref()))
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
    let part = |account: &str, region: Option<&str>, name: &str| Part {
        account: account.to_owned(),
        region: region.map(str::to_owned),
        name: name.to_owned(),
    };
    let mut parts = Vec::new();
    if let Some(onboarding) = &policy.onboarding {
        let home = Some(onboarding.home_region.as_str());
        let management = onboarding.management_account.as_str();
        parts.push(part(
            management,
            home,
            "the Organization's management account",
        ));
        parts.push(part(onboarding.queue.account(), home, "onboard-accounts"));
    }
    if let Some(compliance) = &policy.compliance {
        let (account, region) = (compliance.queue.account(), compliance.queue.region());
        parts.push(part(account, region, "notify-compliance"));
        if policy.report.is_some() {
            parts.push(part(account, region, "report-compliance"));
        }
    }
    for identity in &policy.rotation.accounts {
        let (account, region) = (identity.id.as_str(), rotation_region(policy));
        parts.push(part(account, region, "the identity account"));
        if !identity.assume {
            parts.push(part(account, region, "rotate-access-keys"));
        }
    }
    let notices = &policy.notices;
    for topic in [&notices.operators_topic, &notices.owners_topic] {
        let name = topic.as_str().rsplit(':').next().unwrap_or_default();
        let name = format!("topic {name}");
        parts.push(part(topic.account(), Some(topic.region()), &name));
    }
    parts
}

impl Here<'_> {
    /// A command as it has to be typed: with the profile, the region and the policy that were given
    /// to this one; without the profile, if `@ ` says that it is for other credentials.
    pub(super) fn typed(&self, command: &str) -> String {
        let Where { profile, region } = self.given.place;
        let (command, profile) = match command.strip_prefix("@ ") {
            Some(command) => (command, None),
            None => (command, profile.clone()),
        };
        let flag = |name: &str, value: Option<String>| {
            let value = value.filter(|_| !command.contains(&format!("--{name} ")));
            value.map_or_else(String::new, |value| format!(" --{name} {}", quoted(&value)))
        };
        let place = flag("profile", profile) + &flag("region", region.clone());
        if let Some(command) = command.strip_prefix("banto ") {
            let policy = self.given.policy.policy.as_ref();
            let policy = flag("policy", policy.map(|path| path.display().to_string()));
            // What is about accounts is asked of onboard-accounts, which may be in another one.
            let is_elsewhere = command.starts_with("accounts ") && self.onboarding().is_none();
            let place = if is_elsewhere { "" } else { &place };
            return format!("banto {command}{policy}{place}");
        }
        let mut typed = command.to_owned();
        for before in ["$(", "&& "] {
            typed = typed.replace(&format!("{before}aws "), &format!("{before}aws{place} "));
        }
        if let Some(rest) = command.strip_prefix("aws ") {
            typed = format!("aws{place} {rest}");
        }
        typed
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

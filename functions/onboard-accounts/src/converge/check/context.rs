//! What a rule is held against.

use banto_domain::policy::onboarding::{Baseline, Expected, OnboardingPolicy, Way};
use banto_domain::{Place, RoleName};
use banto_ports::{Channel, LiveRole, OrgAccount, Recorder};
use jiff::{SignedDuration, Timestamp};

use crate::converge::actions::{Action, Plan};
use crate::converge::snapshot::{LiveAccount, LiveConfig, LiveRegion, Snapshot};
use crate::message::Cause;

/// A rule's answer: nothing, or what is wrong.
pub(super) type Verdict = Result<(), String>;

/// A plan, and what it was made of.
pub(super) struct PlanContext<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) plan: &'a Plan,
    pub(super) policy: &'a OnboardingPolicy,
    pub(super) now: Timestamp,
}

/// An action, and what was seen of the place that it changes.
pub(super) struct ActionContext<'a> {
    pub(super) plan: &'a PlanContext<'a>,
    pub(super) account: &'a OrgAccount,
    pub(super) baseline: &'a Baseline,
    pub(super) live: &'a LiveAccount,
    /// The region, if the action is in one that was seen.
    pub(super) region: Option<&'a LiveRegion>,
    pub(super) place: Place<'a>,
    pub(super) action: &'a Action,
}

/// Turns a condition into a verdict.
pub(super) fn must(holds: bool, otherwise: &str) -> Verdict {
    match holds {
        true => Ok(()),
        false => Err(otherwise.to_owned()),
    }
}

impl<'a> PlanContext<'a> {
    /// The policy's word on the account.
    pub(super) fn expected(&self) -> Expected<'a> {
        let job = &self.snapshot.job;
        let account = &job.request.account;
        self.policy
            .expected_for(&account.id, &account.path, &job.tags)
    }

    /// The baseline and what was seen of the account; `None` if there is neither.
    pub(super) fn baseline_and_live(&self) -> Option<(&'a Baseline, &'a LiveAccount)> {
        match (self.expected(), &self.snapshot.live) {
            (Expected::Baseline(baseline), Some(Ok(live))) => Some((baseline, live)),
            _ => None,
        }
    }

    /// True if a customer-managed recorder was seen in any region.
    pub(super) fn any_recorder(&self) -> bool {
        let Some(Ok(live)) = &self.snapshot.live else {
            return false;
        };
        let mut regions = live.regions.iter().flat_map(|regions| regions.values());
        regions.any(|region| customer_managed(region).is_some())
    }

    /// True while Control Tower may be setting the account up.
    pub(super) fn is_control_towers_turn(&self) -> bool {
        let request = &self.snapshot.job.request;
        let is_young =
            |since: Timestamp| self.now.duration_since(since) < SignedDuration::from_hours(1);
        let began_lately =
            matches!(request.cause, Cause::Joined | Cause::Moved) && is_young(request.requested_at);
        let joined_lately = request.account.joined_at.is_some_and(is_young);
        let is_over = matches!(request.cause, Cause::ControlTower | Cause::Asked);
        self.policy.control_tower && !is_over && (began_lately || joined_lately)
    }

    /// True if the StackSet may have instances in the account: never in the management account.
    pub(super) fn is_reached_by_stack_set(&self) -> bool {
        let account = &self.snapshot.job.request.account.id;
        matches!(self.policy.way, Way::StackSet(_)) && *account != self.policy.management_account
    }
}

impl<'a> ActionContext<'a> {
    /// The context of one action; `None` of an account without a baseline, or that was not seen.
    pub(super) fn new(
        plan: &'a PlanContext<'a>,
        place: Place<'a>,
        action: &'a Action,
    ) -> Option<Self> {
        let (baseline, live) = plan.baseline_and_live()?;
        let region = match (place, &live.regions) {
            (Place::Region(name), Ok(regions)) => regions.get(name),
            (Place::Account | Place::Region(_), _) => None,
        };
        Some(Self {
            plan,
            account: &plan.snapshot.job.request.account,
            baseline,
            live,
            region,
            place,
            action,
        })
    }

    /// A role that was seen; IAM compares names without regard to case.
    pub(super) fn live_role(&self, name: &RoleName) -> Option<&'a LiveRole> {
        let roles = self.live.roles.as_ref().ok()?;
        let mut roles = roles.iter().map(|seen| &seen.role);
        roles.find(|role| role.name.as_str().eq_ignore_ascii_case(name.as_str()))
    }

    /// AWS Config as it was seen in the action's region.
    pub(super) fn config(&self) -> Option<&'a LiveConfig> {
        config(self.region?)
    }

    /// The recorder that was seen in the action's region, but for those that AWS services own.
    pub(super) fn recorder(&self) -> Option<&'a Recorder> {
        customer_managed(self.region?)
    }

    /// The delivery channels that were seen in the action's region.
    pub(super) fn channels(&self) -> Option<&'a Vec<Channel>> {
        Some(&self.config()?.channels)
    }
}

fn config(region: &LiveRegion) -> Option<&LiveConfig> {
    region.config.as_ref()?.as_ref().ok()
}

fn customer_managed(region: &LiveRegion) -> Option<&Recorder> {
    for live in &config(region)?.recorders {
        if live.service.is_none() {
            return Some(&live.recorder);
        }
    }
    None
}

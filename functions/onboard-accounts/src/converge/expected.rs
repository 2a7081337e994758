//! The policy's word on one account: its baseline, the way by which it gets it, and whether it has
//! to wait for Control Tower. The check has rules of its own for the same.

use banto_domain::Region;
use banto_domain::policy::onboarding::{Baseline, Expected, OnboardingPolicy, Way};
use banto_domain::status::{Condition, Reason, ReasonKind};
use banto_ports::{AccountState, OrgAccount, StackInstance};
use jiff::{SignedDuration, Timestamp};

use super::snapshot::{Instances, Job, LiveAccount, LiveConfig, SeenRole};
use crate::desired::{CONFIG_NAME, MANAGED_TAG};
use crate::message::Cause;

/// The time that Control Tower has to set up a new account. Its set-up takes about half an hour,
/// and ends with an event; an account without one after an hour is taken to be unmanaged.
pub const CONTROL_TOWER_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

/// The first day of an account. Hardly anybody builds on its default VPCs yet; later a look can't tell
/// whether nobody does. And what AWS and people have yet to do for it they mostly do on that day.
const FIRST_DAY: SignedDuration = SignedDuration::from_hours(24);

/// The age up to which an account is new, so that people are told when it is ready. One that takes
/// longer was told as stuck, and is then in order again.
const NEW_ACCOUNT_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// True if the StackSet may carry this account's baseline. StackSets never reach the management
/// account.
pub fn uses_stack_set(account: &OrgAccount, policy: &OnboardingPolicy) -> bool {
    matches!(policy.way, Way::StackSet(_)) && account.id != policy.management_account
}

/// The account's baseline, or the condition of an account that is not active or is left alone.
pub fn expected_baseline<'a>(
    job: &Job,
    policy: &'a OnboardingPolicy,
) -> Result<&'a Baseline, Condition> {
    let account = job.account();
    let expected = policy.expected_for(&account.id, &account.path, &job.tags);
    match (account.state, expected) {
        (AccountState::Suspended, _) => Err(left_alone("the account is suspended")),
        (AccountState::PendingClosure, _) => Err(left_alone("the account is being closed")),
        (AccountState::Closed, _) => Err(left_alone("the account is closed")),
        (_, Expected::LeftAlone(because)) => Err(left_alone(because)),
        (AccountState::Unknown, _) => {
            let detail = "AWS Organizations tells a state that this Banto does not know";
            Err(Reason::new(ReasonKind::StateUnknown, detail).condition())
        }
        (AccountState::PendingActivation, _) => {
            Err(Reason::new(ReasonKind::Initialising, "pending activation").condition())
        }
        (AccountState::Active, Expected::Baseline(baseline)) => Ok(baseline),
    }
}

fn left_alone(because: &str) -> Condition {
    Condition::LeftAlone {
        because: because.to_owned(),
    }
}

/// True if Control Tower may still be setting an account up: one that joined or was moved in the
/// last hour, since a move into a registered unit enrols it. Its set-up comes first, since it makes
/// a recorder of its own in each region: where there is one, nothing need wait. Its own event, or
/// a person who asks, ends the wait. (AWS Control Tower user guide, "Move and enroll accounts with
/// auto-enrollment".)
pub fn may_be_set_up_by_control_tower(
    job: &Job,
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> bool {
    let age = now.duration_since(job.request.requested_at);
    let was_asked_lately = age < CONTROL_TOWER_TIMEOUT;
    let may_be = match job.request.cause {
        Cause::ControlTower | Cause::Asked => false,
        Cause::Joined | Cause::Moved if was_asked_lately => true,
        _ => joined_within(job.account(), CONTROL_TOWER_TIMEOUT, now),
    };
    policy.control_tower && may_be
}

/// True if an account became part of the Organization so short a time ago that people wait for it.
pub fn is_new(account: &OrgAccount, now: Timestamp) -> bool {
    joined_within(account, NEW_ACCOUNT_AGE, now)
}

/// True if the account's default VPCs may be deleted: it was created in the last day. An account
/// that was invited may be years old.
pub fn may_lose_default_vpcs(account: &OrgAccount, now: Timestamp) -> bool {
    account.was_created && is_in_its_first_day(account, now)
}

/// True if an account became part of the Organization less than a day ago.
pub fn is_in_its_first_day(account: &OrgAccount, now: Timestamp) -> bool {
    joined_within(account, FIRST_DAY, now)
}

/// True if an account became part of the Organization in the last so many hours.
pub fn joined_within(account: &OrgAccount, age: SignedDuration, now: Timestamp) -> bool {
    let joined = account.joined_at;
    joined.is_some_and(|at| now.duration_since(at) < age)
}

/// True if the StackSet's stacks would fail on what the account has already, or on what has taken
/// the place of what they made. Such an account gets its baseline the direct way, which adopts.
pub fn collides_with_stacks(
    live: &LiveAccount,
    instances: &Instances,
    baseline: &Baseline,
    home: &Region,
) -> bool {
    let recorders = live.configs().any(|(region, config)| {
        let instance = instances.by_region.get(region);
        has_config_in_the_way(config, instance)
    });
    recorders || has_role_in_the_way(live, instances.by_region.get(home), baseline)
}

/// True if a region's stack would fail on a recorder or a channel: on any before there is a stack,
/// and later on one of another name. AWS allows one of each.
fn has_config_in_the_way(config: &LiveConfig, instance: Option<&StackInstance>) -> bool {
    let recorder = config.recorder().map(|it| it.name.as_str());
    let channel = config.channel().map(|it| it.name.as_str());
    let mut names = recorder.into_iter().chain(channel);
    match instance {
        None => names.next().is_some(),
        Some(StackInstance::Current | StackInstance::Failed(_)) => {
            names.any(|name| name != CONFIG_NAME)
        }
        Some(StackInstance::Pending | StackInstance::Inoperable(_)) => false,
    }
}

/// True if the home region's stack would fail on a role: on any of that name before there is a
/// stack, and later on one without the tag that the stack gives.
fn has_role_in_the_way(
    live: &LiveAccount,
    instance: Option<&StackInstance>,
    baseline: &Baseline,
) -> bool {
    let Ok(roles) = &live.roles else {
        return false;
    };
    let mut existing = baseline
        .roles
        .keys()
        .filter_map(|name| LiveAccount::role(roles, name));
    match instance {
        None => existing.next().is_some(),
        Some(StackInstance::Current | StackInstance::Failed(_)) => existing.any(is_foreign),
        Some(StackInstance::Pending | StackInstance::Inoperable(_)) => false,
    }
}

/// True if the account has anything that a stack makes, be it made by one or the direct way.
pub fn has_anything_of_stacks(live: &LiveAccount, baseline: &Baseline) -> bool {
    let mut configs = live.configs();
    let has_config = configs.any(|(_, it)| it.recorder().is_some() || it.channel().is_some());
    let mut names = baseline.roles.keys();
    has_config
        || live
            .roles
            .as_ref()
            .is_ok_and(|roles| names.any(|name| LiveAccount::role(roles, name).is_some()))
}

fn is_foreign(seen: &SeenRole) -> bool {
    !seen.role.tags.contains_key(MANAGED_TAG)
}

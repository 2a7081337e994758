//! Holds a plan against O1, without the planner's code: each rule is derived anew from snapshot and
//! policy.

use banto_domain::policy::onboarding::{Expected, OnboardingPolicy};
use banto_domain::{Breach, Place};
use jiff::Timestamp;

mod context;
mod recording;
mod roles;
mod settings;
mod stack_sets;

use self::context::{ActionContext, PlanContext, Verdict, must};
use super::actions::{Action, Plan};
use super::snapshot::Snapshot;

type PlanRule = fn(&PlanContext<'_>) -> Verdict;
type ActionRule = fn(&ActionContext<'_>) -> Verdict;

/// Rules for a plan as a whole, by the promise that they hold. The rules for actions need what
/// these ask for.
const PLAN_RULES: &[(&str, PlanRule)] = &[
    ("O1", plan_is_about_the_account_that_was_seen),
    ("O1", kill_switch_is_on),
    ("O1", account_is_active),
    ("O1", account_is_not_left_alone),
    ("O1", account_was_looked_at),
    ("O1", control_tower_sets_up_first),
    (
        "O1",
        stack_sets::instances_are_asked_for_where_the_stack_set_reaches,
    ),
    ("O1", stack_sets::instances_are_in_the_baselines_regions),
    ("O1", stack_sets::instances_are_as_the_changes_say),
];

/// Rules for each action, by the promise that they hold.
const ACTION_RULES: &[(&str, ActionRule)] = &[
    ("O1", action_is_in_its_place),
    ("O1", region_is_in_the_baseline),
    ("O1", region_was_seen),
    ("O1", settings::reported_items_stay),
    ("O1", settings::setting_is_in_the_baseline),
    ("O1", settings::passwords_stay_as_strong),
    ("O1", settings::organizations_own_settings_stay),
    ("O1", settings::default_vpc_is_of_a_new_account),
    ("O1", settings::default_vpc_is_empty),
    ("O1", settings::part_belongs_to_the_default_vpc),
    ("O1", stack_sets::stacks_go_first),
    ("O1", roles::role_is_in_the_baseline),
    ("O1", roles::config_role_is_absent),
    ("O1", roles::created_role_is_absent),
    ("O1", roles::created_role_is_tagged),
    ("O1", roles::changed_role_is_managed),
    ("O1", roles::running_denial_stays),
    ("O1", recording::control_tower_keeps_its_recorder),
    ("O1", recording::control_tower_records_first),
    ("O1", recording::recorders_were_seen),
    ("O1", recording::only_recorder_keeps_its_name),
    ("O1", recording::adopted_recorder_keeps_its_role),
    ("O1", recording::adopted_recorder_records_no_less),
    ("O1", recording::only_channel_keeps_its_name),
    ("O1", recording::adopted_channel_keeps_its_topic),
    ("O1", recording::channel_leads_to_the_baselines_bucket),
];

/// Returns the promises that a plan would break; none, unless the planner errs or the kill switch
/// is off.
pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> Vec<Breach> {
    if plan.is_empty() {
        return Vec::new();
    }
    let context = PlanContext {
        snapshot,
        plan,
        policy,
        now,
    };
    let mut breaches = Vec::new();
    for (promise, rule) in PLAN_RULES {
        if let Err(what) = rule(&context) {
            breaches.push(Breach::new(promise, &plan.account, what));
        }
    }
    if breaches.is_empty() {
        check_actions(&context, &mut breaches);
    }
    breaches
}

fn check_actions(context: &PlanContext<'_>, breaches: &mut Vec<Breach>) {
    for (place, chain) in context.plan.chains.iter() {
        for action in &chain.actions {
            let Some(context) = ActionContext::new(context, place, action) else {
                continue;
            };
            check_action(&context, breaches);
        }
    }
}

/// Adds the first rule that an action breaks: later rules build on earlier ones.
fn check_action(context: &ActionContext<'_>, breaches: &mut Vec<Breach>) {
    for (promise, rule) in ACTION_RULES {
        if let Err(what) = rule(context) {
            let what = format!("{} in {}: {what}", context.action.kind(), context.place);
            breaches.push(Breach::new(promise, &context.account.id, what));
            return;
        }
    }
}

fn plan_is_about_the_account_that_was_seen(context: &PlanContext<'_>) -> Verdict {
    let seen = &context.snapshot.job.request.account.id;
    must(context.plan.account == *seen, "it is about another account")
}

fn kill_switch_is_on(context: &PlanContext<'_>) -> Verdict {
    must(context.policy.enabled, "the kill switch is off")
}

fn account_is_active(context: &PlanContext<'_>) -> Verdict {
    let account = &context.snapshot.job.request.account;
    must(account.is_active(), "the account is not active")
}

fn account_is_not_left_alone(context: &PlanContext<'_>) -> Verdict {
    let is_expected = matches!(context.expected(), Expected::Baseline(_));
    must(is_expected, "the account is to be left alone")
}

fn account_was_looked_at(context: &PlanContext<'_>) -> Verdict {
    let was_seen = matches!(context.snapshot.live, Some(Ok(_)));
    must(was_seen, "nothing was seen of the account")
}

/// An account that joined or was moved belongs to Control Tower for an hour, or until it has a
/// recorder.
fn control_tower_sets_up_first(context: &PlanContext<'_>) -> Verdict {
    let is_ahead = context.is_control_towers_turn() && !context.any_recorder();
    must(!is_ahead, "Control Tower has not set the account up yet")
}

fn action_is_in_its_place(context: &ActionContext<'_>) -> Verdict {
    match (context.action, context.place) {
        (
            Action::CreateConfigRole
            | Action::CreateRole { .. }
            | Action::ChangeRole { .. }
            | Action::SetPasswordPolicy { .. }
            | Action::BlockPublicAccess { .. }
            | Action::SetContact { .. },
            Place::Region(_),
        ) => Err("it belongs to the account as a whole".to_owned()),
        (
            Action::PutRecorder { .. }
            | Action::PutChannel { .. }
            | Action::StartRecorder { .. }
            | Action::EncryptEbs
            | Action::DeleteVpcPart { .. },
            Place::Account,
        ) => Err("it belongs to a region".to_owned()),
        (_, Place::Account | Place::Region(_)) => Ok(()),
    }
}

fn region_is_in_the_baseline(context: &ActionContext<'_>) -> Verdict {
    let (Place::Region(region), Some(listed)) = (context.place, &context.baseline.regions) else {
        return Ok(());
    };
    let is_listed = listed.contains(region);
    must(is_listed, "the region is not in the baseline")
}

fn region_was_seen(context: &ActionContext<'_>) -> Verdict {
    match context.place {
        Place::Account => Ok(()),
        Place::Region(_) => must(context.region.is_some(), "nothing was seen of the region"),
    }
}

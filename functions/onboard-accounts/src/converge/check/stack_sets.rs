//! Rules for the StackSet's part: only what is absent is made, only what is not under way is
//! deployed anew, and nothing is written ahead of a stack.

use banto_domain::{Place, Region};
use banto_ports::StackInstance;

use super::context::{ActionContext, PlanContext, Verdict, must};
use crate::converge::actions::Action;
use crate::converge::snapshot::{Instances, LiveAccount};

/// The name of Banto's own recorder and channel, and the tag of its roles. Spelled out as a second
/// opinion on the planner's constants.
const OWN_NAME: &str = "banto";
const MANAGED_TAG: &str = "banto:managed";

pub(super) fn instances_are_asked_for_where_the_stack_set_reaches(
    context: &PlanContext<'_>,
) -> Verdict {
    let is_reached = context.is_reached_by_stack_set();
    let asks = !context.plan.instances.is_empty();
    must(
        is_reached || !asks,
        "the StackSet does not reach the account",
    )
}

pub(super) fn instances_are_in_the_baselines_regions(context: &PlanContext<'_>) -> Verdict {
    let changes = &context.plan.instances;
    let Some((baseline, _)) = context.baseline_and_live() else {
        return must(changes.is_empty(), "the account has no baseline");
    };
    let listed = baseline.regions.as_ref();
    let is_listed = |region: &Region| listed.is_some_and(|listed| listed.contains(region));
    must(
        changes.create.iter().chain(&changes.update).all(is_listed),
        "a region of the StackSet is not in the baseline",
    )
}

/// A new instance is made where there is none. An existing one is deployed anew if it failed, or if
/// it waits while nothing is under way.
pub(super) fn instances_are_as_the_changes_say(context: &PlanContext<'_>) -> Verdict {
    let changes = &context.plan.instances;
    if changes.is_empty() {
        return Ok(());
    }
    let Some(instances) = seen_instances(context) else {
        return Err("the StackSet's instances were not seen".to_owned());
    };
    for region in &changes.create {
        let is_absent = !instances.by_region.contains_key(region);
        must(is_absent, &format!("{region} has a stack instance"))?;
    }
    for region in &changes.update {
        let is_broken = match instances.by_region.get(region) {
            Some(StackInstance::Failed(_)) => true,
            Some(StackInstance::Pending) => !instances.is_operating,
            _ => false,
        };
        must(
            is_broken,
            &format!("the stack instance in {region} is not broken"),
        )?;
    }
    Ok(())
}

fn seen_instances<'a>(context: &PlanContext<'a>) -> Option<&'a Instances> {
    let (_, live) = context.baseline_and_live()?;
    live.instances.as_ref()?.as_ref().ok()
}

/// A thing that a stack makes is written only once the stack is current, or if it can never make
/// it.
pub(super) fn stacks_go_first(context: &ActionContext<'_>) -> Verdict {
    let home = &context.plan.policy.home_region;
    let region = match (context.action, context.place) {
        (
            Action::PutRecorder { .. } | Action::PutChannel { .. } | Action::StartRecorder { .. },
            Place::Region(region),
        ) => region,
        (Action::CreateRole { .. } | Action::ChangeRole { .. }, Place::Account)
            if lists_home(context) =>
        {
            home
        }
        _ => return Ok(()),
    };
    match &context.live.instances {
        None => Ok(()),
        Some(Err(_)) => Err("the StackSet's instances were not seen".to_owned()),
        Some(Ok(instances)) => {
            let is_current = instances.by_region.get(region) == Some(&StackInstance::Current);
            let may_write = is_current || is_in_the_way(context, instances);
            must(may_write, &format!("its stack in {region} comes first"))
        }
    }
}

fn lists_home(context: &ActionContext<'_>) -> bool {
    let regions = context.baseline.regions.as_ref();
    regions.is_some_and(|regions| regions.contains(&context.plan.policy.home_region))
}

/// True if the account has something on which a stack fails.
fn is_in_the_way(context: &ActionContext<'_>, instances: &Instances) -> bool {
    let mut names = Vec::new();
    for (region, config) in context.live.configs() {
        let recorders = config.recorders.iter().filter(|it| it.service.is_none());
        let recorders = recorders.map(|it| it.recorder.name.as_str());
        let channels = config.channels.iter().map(|it| it.name.as_str());
        names.extend(recorders.chain(channels).map(|name| (region, name)));
    }
    let is_foreign = names
        .into_iter()
        .any(|(region, name)| !has_succeeded(instances, region) || name != OWN_NAME);
    is_foreign || has_role_in_the_way(context, instances)
}

fn has_succeeded(instances: &Instances, region: &Region) -> bool {
    instances.by_region.get(region) == Some(&StackInstance::Current)
}

fn has_role_in_the_way(context: &ActionContext<'_>, instances: &Instances) -> bool {
    let Ok(roles) = &context.live.roles else {
        return false;
    };
    let home = &context.plan.policy.home_region;
    let has_home_stack = has_succeeded(instances, home);
    let mut existing = context
        .baseline
        .roles
        .keys()
        .filter_map(|name| LiveAccount::role(roles, name));
    existing.any(|seen| !has_home_stack || !seen.role.tags.contains_key(MANAGED_TAG))
}

//! Holds a fan-out's plan against O1 and O5, without the planner's code: tags and units change on
//! request only, a request that names an unknown account changes nothing, and no account that is in
//! the Organization loses its status.

use banto_domain::policy::OnboardingPolicy;
use banto_domain::{AccountId, Breach};

use super::plan::{Edit, EditChange, Plan};
use super::snapshot::{ListedAccount, Snapshot};
use crate::event::Scope;
use crate::message::Cause;

/// An edit, and what it is held against.
struct Context<'a> {
    snapshot: &'a Snapshot,
    policy: &'a OnboardingPolicy,
    edit: &'a Edit,
}

/// A rule's answer: nothing, or what is wrong.
type Verdict = Result<(), &'static str>;

type Rule = fn(&Context<'_>) -> Verdict;

/// The rules for each edit, by the promise that they hold.
const RULES: &[(&str, Rule)] = &[
    ("O1", kill_switch_is_on),
    ("O1", account_was_asked_for),
    ("O1", tags_are_those_asked_for),
    ("O1", move_is_the_one_asked_for),
    ("O1", move_starts_where_the_account_is),
];

/// Returns the promises that a plan would break; none, unless the planner errs or the kill switch
/// is off.
pub fn check(snapshot: &Snapshot, plan: &Plan, policy: &OnboardingPolicy) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for edit in &plan.edits {
        let context = Context {
            snapshot,
            policy,
            edit,
        };
        for (promise, rule) in RULES {
            if let Err(what) = rule(&context) {
                breaches.push(Breach::new(promise, &edit.account, what));
            }
        }
    }
    for account in &plan.delete_statuses {
        if snapshot.accounts.iter().any(|it| it.account.id == *account) {
            let what = "its status would be deleted while it is in the Organization";
            breaches.push(Breach::new("O5", account, what));
        }
    }
    breaches
}

/// Returns the accounts that a person named and that are not in the Organization. Those that an
/// event names have left it, or are not shown yet.
pub fn unknown_accounts(snapshot: &Snapshot) -> Vec<AccountId> {
    match snapshot.request.cause {
        Cause::Asked => snapshot.not_found.clone(),
        _ => Vec::new(),
    }
}

fn must(holds: bool, otherwise: &'static str) -> Verdict {
    match holds {
        true => Ok(()),
        false => Err(otherwise),
    }
}

fn kill_switch_is_on(context: &Context<'_>) -> Verdict {
    must(context.policy.enabled, "the kill switch is off")
}

fn account_was_asked_for(context: &Context<'_>) -> Verdict {
    let request = &context.snapshot.request;
    let is_named = match &request.scope {
        Scope::AllAccounts => false,
        Scope::Accounts(accounts) => accounts.contains(&context.edit.account),
    };
    must(
        is_named && request.cause == Cause::Asked,
        "nobody asked for its tags or unit to change",
    )
}

fn tags_are_those_asked_for(context: &Context<'_>) -> Verdict {
    let EditChange::Tag(tags) = &context.edit.change else {
        return Ok(());
    };
    let asked = &context.snapshot.request.edits.tags;
    must(
        tags.iter()
            .all(|(key, value)| asked.get(key) == Some(value)),
        "a tag would change that nobody asked for",
    )
}

fn move_is_the_one_asked_for(context: &Context<'_>) -> Verdict {
    let EditChange::Move { to, .. } = &context.edit.change else {
        return Ok(());
    };
    must(
        context.snapshot.request.edits.ou.as_ref() == Some(to),
        "it would move where nobody asked for",
    )
}

fn move_starts_where_the_account_is(context: &Context<'_>) -> Verdict {
    let EditChange::Move { from, .. } = &context.edit.change else {
        return Ok(());
    };
    let is_there = |listed: &ListedAccount| {
        listed.account.id == context.edit.account && listed.ou.as_ref() == Some(from)
    };
    must(
        context.snapshot.accounts.iter().any(is_there),
        "it would move from where it is not",
    )
}

#[cfg(test)]
mod tests;

//! Holds the denials of one account against O1, without the planner's code: only roles of Banto's
//! get one, it denies one user's earlier sessions and nothing else, and it never reaches less far
//! than the one that it replaces.

use banto_domain::Breach;
use banto_domain::policy::OnboardingPolicy;
use banto_ports::LiveRole;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Denial, Plan};
use super::snapshot::Snapshot;
use crate::revocation::CLOCK_SKEW;

/// A denial, and what it is held against.
struct Context<'a> {
    snapshot: &'a Snapshot,
    policy: &'a OnboardingPolicy,
    denial: &'a Denial,
    now: Timestamp,
}

type Rule = fn(&Context<'_>) -> bool;

/// The rules for each denial, and the words for one that breaks it.
const RULES: &[(Rule, &str)] = &[
    (kill_switch_is_on, "the kill switch is off"),
    (role_is_bantos, "a role would change that is not Banto's"),
    (
        is_of_the_user,
        "an inline policy of another name would change",
    ),
    (
        denies_only_the_user,
        "it would deny more than one user's earlier sessions",
    ),
    (
        is_not_of_the_future,
        "it would deny sessions that are yet to be issued",
    ),
    (is_not_weaker, "it would take an end of sessions back"),
];

/// Returns the promises that a plan would break; none, unless the planner errs.
pub fn check(
    snapshot: &Snapshot,
    plan: &Plan,
    policy: &OnboardingPolicy,
    now: Timestamp,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for denial in &plan.denials {
        let context = Context {
            snapshot,
            policy,
            denial,
            now,
        };
        for (rule, otherwise) in RULES {
            if !rule(&context) {
                let account = &snapshot.request.account.id;
                breaches.push(Breach::new("O1", account, *otherwise));
            }
        }
    }
    breaches
}

fn live<'a>(context: &Context<'a>) -> Option<&'a LiveRole> {
    let mut roles = context.snapshot.roles.iter().map(|role| &role.live);
    roles.find(|live| live.name == context.denial.role)
}

fn kill_switch_is_on(context: &Context<'_>) -> bool {
    context.policy.enabled
}

fn role_is_bantos(context: &Context<'_>) -> bool {
    live(context).is_some_and(|live| live.tags.contains_key("banto:managed"))
}

fn is_of_the_user(context: &Context<'_>) -> bool {
    let user = &context.snapshot.request.user;
    context.denial.policy_name == format!("banto-revoked-{user}")
}

fn denies_only_the_user(context: &Context<'_>) -> bool {
    let user = &context.snapshot.request.user;
    let statements = context.denial.policy.get("Statement");
    let Some([statement]) = statements.and_then(Value::as_array).map(Vec::as_slice) else {
        return false;
    };
    let sessions = statement.pointer("/Condition/StringLike/aws:userid");
    statement.get("Effect") == Some(&json!("Deny"))
        && sessions == Some(&json!(format!("*:{user}")))
        && before(&context.denial.policy).is_some()
}

fn is_not_of_the_future(context: &Context<'_>) -> bool {
    before(&context.denial.policy)
        .is_some_and(|before| before.duration_since(context.now) <= CLOCK_SKEW)
}

fn is_not_weaker(context: &Context<'_>) -> bool {
    let inline = live(context).map(|live| &live.inline_policies);
    let known = inline.and_then(|inline| inline.get(&context.denial.policy_name));
    known.and_then(before) <= before(&context.denial.policy)
}

/// The moment before which a denial's sessions were issued.
fn before(policy: &Value) -> Option<Timestamp> {
    let path = "/Statement/0/Condition/DateLessThan/aws:TokenIssueTime";
    policy.pointer(path)?.as_str()?.parse().ok()
}

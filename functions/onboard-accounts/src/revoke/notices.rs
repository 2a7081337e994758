//! The notices of a revocation.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::short_hash;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::policy::onboarding::SessionName;
use banto_domain::{AccountId, RoleName, UserName};
use banto_notice::text::{count, day_and_time, fact, listed, sections};
use banto_notice::{Audience, Notice, Step, Urgency};
use banto_ports::OrgAccount;
use jiff::Timestamp;

use super::plan::{Failure, Remedy, role_names};
use super::report::Visit;
use crate::message::{BegunRevocation, Revocation, RevokeRequest};
use crate::revocation::{EVERYBODY, LONGEST_SESSION, policy, policy_for_everybody, policy_name};

/// A revocation has begun. It names the roles in which one user's sessions can't be told from
/// others', so that no account has to.
pub fn begun(begun: &BegunRevocation, policy: &OnboardingPolicy) -> Notice {
    let BegunRevocation {
        revocation,
        accounts,
    } = begun;
    let (user, before) = (&revocation.user, revocation.before);
    let any_name = role_names(policy, SessionName::Any);
    let urgency = match any_name.is_empty() {
        true => Urgency::Information,
        false => Urgency::Alarm,
    };
    let mut notice = notice(
        id(revocation, "begun"),
        urgency,
        format!("Ending {user}'s sessions in {}", count(accounts, "account")),
    );
    notice.paragraphs.push(format!(
        "Role sessions issued before {} lose all access. Later ones keep working.",
        day_and_time(before)
    ));
    notice.paragraphs.extend(limits(user, policy));
    let account = revocation.account.as_ref();
    notice
        .facts
        .extend(account.map(|account| fact("User's account", account)));
    if !any_name.is_empty() {
        let text = "session_name of these roles is \"any\", so Banto can't tell whose their \
                    sessions are. To end everybody's, with an administrator's credentials of each \
                    account, run:";
        let remedy = for_everybody(before);
        let command = command(&remedy, &any_name, user, before);
        notice.steps = vec![step(text.to_owned(), Some(command))];
        let roles = any_name.iter().map(|role| role.to_string()).collect();
        notice.sections = sections([("Not ended", roles)]);
    }
    notice
}

/// The sentences on what a revocation of sessions by their name does not tell apart.
pub fn limits(user: &UserName, policy: &OnboardingPolicy) -> Vec<String> {
    let mut limits = vec![
        format!(
            "The name counts exactly as written, capitals included: Banto doesn't look whether \
             there is a user {user}."
        ),
        "Sessions that began before a role's trust policy asked for their user's name may bear \
         another one, and go on."
            .to_owned(),
    ];
    let roles = policy.baselines().flat_map(|it| it.roles.values());
    let trusted: BTreeSet<&AccountId> = roles.flat_map(|role| &role.trusted).collect();
    if trusted.len() > 1 {
        limits.push(format!(
            "Roles trust the accounts {}: sessions of a user {user} of any of them end.",
            listed(trusted)
        ));
    }
    limits
}

/// The notice of the failures of a batch's visits; `None` if nothing is due.
pub fn not_ended(
    user: &UserName,
    before: Timestamp,
    visits: &[&Visit],
    policy: &OnboardingPolicy,
) -> Option<Notice> {
    let mut due = Vec::new();
    for visit in visits {
        let account = &visit.request.account;
        due.extend(visit.due.iter().map(|failure| (account, failure)));
    }
    let failing = visits.iter().filter(|visit| !visit.due.is_empty());
    let failing: Vec<&RevokeRequest> = failing.map(|visit| &visit.request).collect();
    let place = match failing.as_slice() {
        [] => return None,
        [only] => named(&only.account),
        several => count(several.len(), "account"),
    };
    let mut notice = notice(
        format!(
            "onboard-accounts:revocation:{user}:{before}:{}",
            failures_id(&failing, &due)
        ),
        Urgency::Alarm,
        format!("Can't end {user}'s sessions in {place}"),
    );
    notice.paragraphs.push(format!(
        "Role sessions issued before {} may still work. Banto keeps trying until {}, when the last \
         of them ends.",
        day_and_time(before),
        over_at(before)
    ));
    let lines = due.iter().map(|(account, failure)| line(account, failure));
    notice.sections = sections([("Not ended", lines.collect())]);
    for ((remedy, roles), accounts) in commands(&due, before, policy) {
        notice.steps.push(step(
            format!(
                "With an administrator's credentials of {}, run this{}:",
                in_words(&accounts),
                effect(&remedy)
            ),
            Some(command(&remedy, &roles, user, before)),
        ));
    }
    notice.steps.push(afterwards(user, before));
    Some(notice)
}

/// Names the failures of a batch by their attempts and roles: a batch of other messages tells other
/// failures, even where some are the same.
fn failures_id(failing: &[&RevokeRequest], due: &[(&OrgAccount, &Failure)]) -> String {
    let mut parts = Vec::new();
    for request in failing {
        parts.push(format!("{}:{}", request.account.id, request.attempt));
    }
    for (account, failure) in due {
        let role = failure.role.as_ref().map_or("", RoleName::as_str);
        parts.push(format!("{}:{role}", account.id));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    short_hash(&parts)
}

/// A way to end sessions, and the roles of an account to which it applies.
type Command<'a> = (Remedy, BTreeSet<&'a RoleName>);

/// The commands for some failures, and the accounts in which each is to be run. A failure of an
/// account as a whole concerns every role of the policy.
fn commands<'a>(
    due: &[(&'a OrgAccount, &'a Failure)],
    before: Timestamp,
    policy: &'a OnboardingPolicy,
) -> BTreeMap<Command<'a>, Vec<&'a AccountId>> {
    let mut by_account: BTreeMap<(&AccountId, Remedy), BTreeSet<&RoleName>> = BTreeMap::new();
    for (account, failure) in due {
        let remedies = match &failure.role {
            Some(role) => vec![(failure.remedy.clone(), BTreeSet::from([role]))],
            None => of_all_roles(before, policy),
        };
        for (remedy, roles) in remedies {
            let known = by_account.entry((&account.id, remedy)).or_default();
            known.extend(roles);
        }
    }
    let mut commands: BTreeMap<Command<'a>, Vec<&AccountId>> = BTreeMap::new();
    for ((account, remedy), roles) in by_account {
        commands.entry((remedy, roles)).or_default().push(account);
    }
    commands
}

/// The ways to end sessions in every role of the policy.
fn of_all_roles(before: Timestamp, policy: &OnboardingPolicy) -> Vec<Command<'_>> {
    let mut commands = vec![
        (Remedy::default(), role_names(policy, SessionName::User)),
        (for_everybody(before), role_names(policy, SessionName::Any)),
    ];
    commands.retain(|(_, roles)| !roles.is_empty());
    commands
}

/// The kill switch is off, so that people must end a user's sessions themselves.
pub fn by_hand(
    revocation: &Revocation,
    requests: &[RevokeRequest],
    policy: &OnboardingPolicy,
) -> Notice {
    let (user, before) = (&revocation.user, revocation.before);
    let mut notice = notice(
        id(revocation, "by-hand"),
        Urgency::Alarm,
        format!("End {user}'s sessions by hand"),
    );
    notice.paragraphs.push(format!(
        "[onboarding] enabled is false, so Banto changes nothing in any account. Role sessions \
         issued before {} work until {} at the latest.",
        day_and_time(before),
        over_at(before)
    ));
    let accounts = requests.iter().map(|request| named(&request.account));
    notice.sections = sections([("Accounts", accounts.collect())]);
    notice.steps = steps_in("In each of these accounts", user, before, policy);
    notice
}

/// The accounts could not be listed for minutes, so that no session has ended.
pub fn not_begun(revocation: &Revocation, why: &str, policy: &OnboardingPolicy) -> Notice {
    let (user, before) = (&revocation.user, revocation.before);
    let mut notice = notice(
        id(revocation, "not-begun"),
        Urgency::Alarm,
        format!("Can't end {user}'s sessions in any account"),
    );
    notice.paragraphs.push(format!(
        "Role sessions issued before {} still work. Banto keeps trying to list the accounts.",
        day_and_time(before)
    ));
    notice.facts.push(fact("AWS says", why));
    let place = "In the accounts that matter most";
    notice.steps = steps_in(place, user, before, policy);
    notice
}

/// The steps that end a user's sessions in every role of the policy.
fn steps_in(
    place: &str,
    user: &UserName,
    before: Timestamp,
    policy: &OnboardingPolicy,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for (remedy, roles) in of_all_roles(before, policy) {
        let effect = effect(&remedy);
        steps.push(step(
            format!("{place}, with an administrator's credentials, run this{effect}:"),
            Some(command(&remedy, &roles, user, before)),
        ));
    }
    steps.push(afterwards(user, before));
    steps
}

/// Names a notice about a revocation as a whole. Users of several accounts may share a name.
fn id(revocation: &Revocation, kind: &str) -> String {
    let Revocation {
        account,
        user,
        before,
        attempt: _,
    } = revocation;
    let account = account.as_ref().map_or("any", AccountId::as_str);
    format!("onboard-accounts:revocation:{account}:{user}:{before}:{kind}")
}

fn notice(id: String, urgency: Urgency, headline: String) -> Notice {
    Notice::new(id, Audience::Operators, urgency, headline)
}

fn step(text: String, command: Option<String>) -> Step {
    Step { text, command }
}

fn named(account: &OrgAccount) -> String {
    format!("{} ({})", account.name, account.id)
}

fn in_words(accounts: &[&AccountId]) -> String {
    match accounts {
        [only] => format!("account {only}"),
        several => format!("each of the accounts {}", listed(several)),
    }
}

/// The moment at which the longest session that was issued before another moment is over.
fn over_at(before: Timestamp) -> String {
    day_and_time(before + LONGEST_SESSION)
}

fn line(account: &OrgAccount, failure: &Failure) -> String {
    match &failure.role {
        Some(role) => format!("{}, {role}: {}", named(account), failure.why),
        None => format!("{}: {}", named(account), failure.why),
    }
}

/// The way that ends all sessions of a role from before a moment.
fn for_everybody(before: Timestamp) -> Remedy {
    Remedy {
        delete: Vec::new(),
        everybody: Some(before),
    }
}

/// The rest of a sentence on a command: an operator is to know who else is signed out.
fn effect(remedy: &Remedy) -> &'static str {
    match (remedy.delete.is_empty(), remedy.everybody) {
        (true, None) => "",
        (false, None) => " (it makes room by deleting denials of sessions that are over)",
        (true, Some(_)) => " (it ends everybody's sessions of these roles, not only the user's)",
        (false, Some(_)) => {
            " (it makes room: one denial, of everybody's sessions, takes the place of all others)"
        }
    }
}

/// The work that is left once all sessions are over. Roles that are in the policy are rid of their
/// denials by the daily run, as long as it may change anything.
fn afterwards(user: &UserName, before: Timestamp) -> Step {
    let text = format!(
        "After {}, delete the policies {} and {EVERYBODY} where they still are. The daily run \
         deletes them from the policy's own roles while [onboarding] enabled is true.",
        over_at(before),
        policy_name(user)
    );
    step(text, None)
}

/// The command that ends sessions in some roles of one account. Names of roles, policies and users
/// have no character that a shell takes for more than itself.
fn command(
    remedy: &Remedy,
    roles: &BTreeSet<&RoleName>,
    user: &UserName,
    before: Timestamp,
) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    match names.as_slice() {
        [only] => command_for(only, remedy, user, before),
        _ => format!(
            "for role in {}; do {}; done",
            names.join(" "),
            command_for("\"$role\"", remedy, user, before)
        ),
    }
}

/// The commands for one role, which a shell runs in order.
fn command_for(role: &str, remedy: &Remedy, user: &UserName, before: Timestamp) -> String {
    let mut commands = Vec::new();
    for name in &remedy.delete {
        commands.push(format!(
            "aws iam delete-role-policy --role-name {role} --policy-name {name}"
        ));
    }
    let (name, document) = match remedy.everybody {
        Some(before) => (EVERYBODY.to_owned(), policy_for_everybody(before)),
        None => (policy_name(user), policy(user, before)),
    };
    let document = document.to_string().replace('\'', r"'\''");
    commands.push(format!(
        "aws iam put-role-policy --role-name {role} --policy-name {name} --policy-document \
         '{document}'"
    ));
    commands.join("; ")
}

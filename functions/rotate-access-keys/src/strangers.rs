//! Things that an event names and that concern no identity account, and their telling.

use std::collections::BTreeSet;

use banto_domain::policy::RotationPolicy;
use banto_domain::{AccountId, CredentialId};
use banto_lambda::{Invocation, InvocationError};
use banto_notice::NoticeSender;
use jiff::Timestamp;

use crate::event::{Asked, Exposure, Mode, Request, Scope};
use crate::messages::Told;
use crate::notices;
use crate::outcome::{AccountOutcome, RunOutcome};
use crate::snapshot::Stranger;

/// Returns what people must see to themselves, since no identity account is concerned, or the
/// policy leaves exposures alone.
pub(crate) fn of_request(
    request: &Request,
    policy: &RotationPolicy,
    is_foreign: bool,
) -> Vec<Stranger> {
    match (&request.scope, &request.account) {
        (Scope::Exposed(exposure), Some(account)) if is_foreign => {
            of_other_account(account, exposure)
        }
        (scope, _) if scope.mode() == Mode::Emergency && !policy.emergencies => {
            let credentials = names(scope);
            vec![Stranger::LeftAlone { credentials }]
        }
        _ => Vec::new(),
    }
}

fn of_other_account(account: &AccountId, exposure: &Exposure) -> Vec<Stranger> {
    let keys = exposure.keys.iter().map(CredentialId::from);
    let sessions = exposure.sessions.iter().map(CredentialId::from);
    let mut strangers = Vec::new();
    for credential in keys.chain(sessions) {
        let account = account.clone();
        strangers.push(Stranger::OtherAccount {
            account,
            credential,
        });
    }
    for what in &exposure.others {
        let (code, what) = (exposure.code.clone(), what.clone());
        strangers.push(Stranger::Unknown { code, what });
    }
    if exposure.is_nameless() {
        let code = exposure.code.clone();
        strangers.push(Stranger::Nameless { code });
    }
    strangers
}

fn names(scope: &Scope) -> BTreeSet<String> {
    match scope {
        Scope::Everyone => BTreeSet::new(),
        Scope::Users { users, .. } => users.iter().map(ToString::to_string).collect(),
        Scope::Exposed(exposure) => {
            let keys = exposure.keys.iter().map(ToString::to_string);
            let sessions = exposure.sessions.iter().map(ToString::to_string);
            let others = exposure.others.iter().cloned();
            keys.chain(sessions).chain(others).collect()
        }
    }
}

/// Tells operators what concerns no user, each thing once a request. A request is not done before
/// they were told.
pub(crate) async fn tell(
    sender: &NoticeSender,
    run: &RunOutcome,
    asked: &Asked,
    told: &Told,
    now: Timestamp,
    invocation: &Invocation,
) -> Result<(), InvocationError> {
    let mut untold = run.strangers.clone();
    untold.extend(
        run.accounts
            .iter()
            .flat_map(AccountOutcome::strangers)
            .cloned(),
    );
    untold.retain(|stranger| !told.knows(&id_of(stranger, asked), now));
    if untold.is_empty() {
        return Ok(());
    }
    let notice = notices::of_strangers(&untold, &on_day(asked, now));
    let sent = sender.send(&notice, invocation.remaining()).await;
    sent.map_err(|error| InvocationError::new("NobodyTold", error))?;
    for stranger in &untold {
        told.add(&id_of(stranger, asked), now);
    }
    Ok(())
}

/// Names a request on one of its days, counted from 0: what is told again after a day is another
/// notice, and what is told again by a retry is the same.
fn on_day(asked: &Asked, now: Timestamp) -> String {
    let day = now.duration_since(asked.at).as_hours() / 24;
    format!("{}:day-{day}", asked.id)
}

fn id_of(stranger: &Stranger, asked: &Asked) -> String {
    format!("{}:{stranger:?}", asked.id)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_request_that_names_more_or_lasts_for_days_is_told_under_another_id_and_a_retry_under_the_same()
     {
        let asked = Asked::by("request", Timestamp::UNIX_EPOCH);
        let missing = |user: &str| Stranger::NoSuchUser {
            user: user.parse().unwrap(),
        };
        let id = |users: &[&str], hours| {
            let strangers: Vec<Stranger> = users.iter().map(|user| missing(user)).collect();
            let now = asked.at + SignedDuration::from_hours(hours);
            notices::of_strangers(&strangers, &on_day(&asked, now)).id
        };
        assert_eq!(id(&["alice"], 0), id(&["alice"], 1));
        assert_ne!(id(&["alice"], 0), id(&["bob"], 1));
        assert_ne!(id(&["alice"], 0), id(&["alice", "bob"], 1));
        assert_ne!(id(&["alice"], 0), id(&["alice"], 24));
    }
}

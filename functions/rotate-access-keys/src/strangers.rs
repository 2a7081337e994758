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
    let notice = notices::of_strangers(&untold, &asked.id);
    let sent = sender.send(&notice, invocation.remaining()).await;
    sent.map_err(|error| InvocationError::new("NobodyTold", error))?;
    for stranger in &untold {
        told.add(&id_of(stranger, asked), now);
    }
    Ok(())
}

fn id_of(stranger: &Stranger, asked: &Asked) -> String {
    format!("{}:{stranger:?}", asked.id)
}

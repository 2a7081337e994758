//! A dry run of the rotator, for whatever event: its own look, plan and check for each request.

use anyhow::{Result, anyhow};
use banto_domain::policy::{IdentityAccount, Policy};
use banto_lambda::event::Invoked;
use jiff::Timestamp;
use rotate_access_keys::event::{self, Asked, Request, Trigger};
use rotate_access_keys::job;
use rotate_access_keys::notices::{self, Place};
use rotate_access_keys::plan::Action;
use rotate_access_keys::ports::Account;
use serde_json::{Value, json};

use super::replayed::{Replayed, request_id};
use crate::ending::misused;
use crate::functions::{Means, accounts};
use crate::keys::look::{self, Looked};
use crate::keys::plan;
use crate::terminal::Screen;

/// What an event asks for: a request and its mark, or why there is none.
type Wanted = Result<(Request, Asked), String>;

/// Looks and plans for each request of an event.
pub(super) async fn looked(event: &Value, means: &Means, policy: &Policy) -> Result<Replayed> {
    let all = accounts(means, policy)?;
    let (mut answers, mut shown) = (Vec::new(), Vec::new());
    for wanted in wanted(event, means.clock.now())? {
        match wanted {
            Err(words) => answers.push(Ok(json!({ "wouldDo": words }))),
            Ok((request, asked)) => {
                let looked = look_for(&request, &asked, &all, policy, means).await?;
                shown.push(plan::shown(&looked, &Screen::of_output()));
                answers.push(Ok(plan::as_json(&looked)));
            }
        }
    }
    Ok(Replayed {
        answers,
        messages: means.told.messages(),
        plans: (!shown.is_empty()).then(|| shown.join("\n\n")),
    })
}

/// The requests of an event. A message's own id and date are its mark, as in the function.
fn wanted(event: &Value, now: Timestamp) -> Result<Vec<Wanted>> {
    let decoded = event::decode(&event.to_string().into_bytes());
    let decoded = decoded.map_err(|error| misused(anyhow!("{error}")))?;
    let mark = |request: Request, id: &str, at: Option<Timestamp>| {
        let exposure = request.scope.exposure();
        let named = exposure.map(|exposure| exposure.event.as_str());
        let id = named.filter(|arn| !arn.is_empty()).unwrap_or(id);
        let asked = Asked::by(id, at.or(request.asked_at).unwrap_or(now).min(now));
        (request, asked)
    };
    let read = |trigger: Trigger, id: &str, at| match trigger {
        Trigger::Rotate(request) => Ok(mark(request, id, at)),
        Trigger::Nothing { reason } => Err(format!("nothing would be done: {reason}")),
    };
    Ok(match decoded {
        Invoked::Direct(trigger) => vec![read(trigger, &request_id(now), None)],
        Invoked::Batch(records) => {
            let mut wanted = Vec::new();
            for record in records {
                let at = record.delivery.sent_at;
                wanted.push(match record.payload {
                    Ok(trigger) => read(trigger, &record.id, at),
                    Err(error) => Err(format!("operators would be told: {error}")),
                });
            }
            wanted
        }
    })
}

async fn look_for(
    request: &Request,
    asked: &Asked,
    all: &[Account],
    policy: &Policy,
    means: &Means,
) -> Result<Vec<Looked>> {
    let mut looked = Vec::new();
    for account in job::accounts_for(request, all)? {
        let one = look::look(account, &policy.rotation, &request.scope, asked).await?;
        tell_owners(means, &one, account, &account.identity);
        looked.push(one);
    }
    Ok(looked)
}

/// Keeps what owners would be told, in the function's own words. A notice of a key that is not made
/// yet can't have its envelope.
fn tell_owners(means: &Means, looked: &Looked, account: &Account, identity: &IdentityAccount) {
    let region = &account.region;
    let place = Place { identity, region };
    for chain in &looked.plan.chains {
        let Some(user) = looked.observed.snapshot.user(&chain.user) else {
            continue;
        };
        for action in &chain.actions {
            if let Action::NotifyOwner(notice) = action {
                let notice = notices::to_owner(notice, user, place, user.record());
                let mut text = vec![notice.headline];
                text.extend(notice.paragraphs);
                means
                    .told
                    .add(format!("the owner of {}'s key", user.name), text.join("\n"));
            }
        }
    }
}

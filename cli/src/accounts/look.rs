//! Looks at accounts by the function's own code: observe, plan and check of a dry run. Nothing is
//! written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, anyhow};
use banto_domain::AccountId;
use banto_lambda::Invocation;
use banto_ports::OrgAccount;
use futures_util::{StreamExt as _, stream};
use onboard_accounts::Onboarder;
use onboard_accounts::converge::account::{NotPlanned, Planned, plan_in_time};
use onboard_accounts::converge::{CONCURRENT_ACCOUNTS, operations};
use onboard_accounts::dry_run::DryRun;
use onboard_accounts::event::{AccountEdits, FanOutRequest, Scope};
use onboard_accounts::fan_out;
use onboard_accounts::message::Cause;

use crate::ending::misused;
use crate::progress;

/// The time for all looks of a command. No account may go without its look for want of time, and
/// whoever has waited for long enough presses Ctrl-C.
const TIME: Duration = Duration::from_hours(24);

/// The accounts that people name, by id or by name; all of them if they name none.
///
/// # Errors
/// If an account is not in the Organization, or several have the name.
pub(super) async fn scope(onboarder: &Onboarder, named: &[String]) -> Result<Scope> {
    if named.is_empty() {
        return Ok(Scope::AllAccounts);
    }
    let ids: Result<BTreeSet<AccountId>, _> = named.iter().map(|one| one.parse()).collect();
    if let Ok(ids) = ids {
        return Ok(Scope::Accounts(ids));
    }
    let listed = onboarder.fan_out.organization.accounts().await?;
    ids_of(named, &listed).map(Scope::Accounts)
}

/// The ids of accounts that are named by id or by name.
pub(crate) fn ids_of(named: &[String], listed: &[OrgAccount]) -> Result<BTreeSet<AccountId>> {
    let mut ids = BTreeSet::new();
    for one in named {
        let found = listed
            .iter()
            .filter(|it| it.name == *one || it.id.as_str() == one);
        match found.collect::<Vec<_>>()[..] {
            [account] => drop(ids.insert(account.id.clone())),
            [] => {
                let why = anyhow!("no account of the Organization has the name or the id {one}");
                return Err(misused(why));
            }
            ref several => {
                let several: Vec<&str> = several.iter().map(|it| it.id.as_str()).collect();
                return Err(misused(anyhow!(
                    "several accounts have the name {one}: name one of {} instead",
                    several.join(", ")
                )));
            }
        }
    }
    Ok(ids)
}

/// Looks at accounts, as many at once as the function does, and plans them.
///
/// # Errors
/// If Organizations can't be asked, or a named account is not in the Organization.
pub(super) async fn look(onboarder: &Onboarder, scope: Scope) -> Result<DryRun> {
    let (policy, ports) = (&onboarder.policy, &onboarder.converge);
    let request = FanOutRequest {
        scope,
        cause: Cause::Asked,
        edits: AccountEdits::default(),
        dry_run: true,
    };
    let fan_out = fan_out::look_and_plan(&onboarder.fan_out, &request, policy).await;
    let fan_out = fan_out.map_err(|error| error.error)?;
    if let [unknown, ..] = &fan_out.unknown[..] {
        let why = anyhow!("{unknown} is not in the Organization");
        return Err(misused(why));
    }
    let requests: Vec<_> = fan_out.plan.converge_requests().cloned().collect();
    let (bar, invocation) = (
        progress::bar(requests.len(), "accounts"),
        Invocation::by_hand("banto accounts", TIME)?,
    );
    let looks = requests.into_iter().map(|request| async {
        let name = request.account.name.clone();
        let planned = plan_in_time(ports, request, policy, &invocation).await;
        bar.inc(1);
        bar.set_message(name);
        planned
    });
    let looks = stream::iter(looks).buffer_unordered(CONCURRENT_ACCOUNTS);
    let mut accounts: Vec<_> = looks.collect().await;
    accounts.sort_by(|one, other| account_of(one).cmp(account_of(other)));
    let asked = accounts
        .iter()
        .flatten()
        .filter(|planned| planned.breaches.is_empty());
    let asked = asked.map(|planned| (&planned.plan.account, &planned.plan.instances));
    let stack_set_operations = operations::operations(asked);
    Ok(DryRun {
        fan_out,
        accounts,
        stack_set_operations,
    })
}

/// The account of a look.
pub(super) fn account_of(planned: &Result<Planned, NotPlanned>) -> &AccountId {
    match planned {
        Ok(planned) => &planned.plan.account,
        Err(not_planned) => &not_planned.account,
    }
}

/// The names of all accounts of a look.
pub(super) fn names(looked: &DryRun) -> BTreeMap<AccountId, String> {
    let requests = looked.fan_out.plan.converge_requests();
    let names = requests.map(|it| (it.account.id.clone(), it.account.name.clone()));
    names.collect()
}

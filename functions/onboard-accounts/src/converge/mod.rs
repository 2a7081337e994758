//! From messages to accounts in place: each account is looked at, brought to its baseline, and looked at
//! again; what became of it is recorded and told, and one that is not ready goes back to the queue.

pub mod apply;
pub mod check;
pub mod diff;
pub mod notices;
pub mod observe;
pub mod plan;
pub mod report;
pub mod snapshot;
pub mod stack_sets;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use banto_domain::policy::onboarding::{Expected, Way};
use banto_domain::status::{AccountStatus, Condition, Reason, ReasonKind};
use banto_domain::{AccountId, PerPlace, Region};
use banto_lambda::event::Record;
use banto_lambda::{Invocation, InvocationError, Metrics, Response};
use banto_ports::{ErrorKind, OrgAccount, PreviousStatus, StackInstance};
use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::SignedDuration;

use crate::Onboarder;
use crate::converge::apply::Outcome;
use crate::converge::observe::{is_active, observe, place, reason, uses_stack_set};
use crate::converge::plan::{Action, Plan};
use crate::converge::snapshot::{Seen, Snapshot};
use crate::converge::stack_sets::{Operation, Waiting};
use crate::event::{Cause, ConvergeRequest, Message, Scope, Trigger};
use crate::fan_out::edits::AccountEdits;

/// How many accounts are worked on at once.
const AT_ONCE: usize = 8;

/// What an account may take: with less time left, it goes back to the queue.
const ACCOUNT_TIME: Duration = Duration::from_secs(150);

/// Age at which what a message says of its account is asked for anew.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// A StackSet's instances of some accounts.
type Stacks = BTreeMap<AccountId, Seen<BTreeMap<Region, StackInstance>>>;

/// An account after it was worked on.
#[derive(Debug)]
pub struct Converged {
    /// The message's id.
    pub id: String,
    /// What was asked, the account as it is now.
    pub work: ConvergeRequest,
    /// Where it stands.
    pub status: AccountStatus,
    /// Its tags, where the policy asks for any.
    pub tags: BTreeMap<String, String>,
    /// What became of the plan in each place.
    pub outcomes: PerPlace<Outcome>,
    /// What was known of it before.
    pub before: PreviousStatus,
}

/// A message whose account was looked up.
struct Visit {
    /// The message's id.
    id: String,
    /// What was asked, the account as it is now.
    work: ConvergeRequest,
    /// Its tags, where the policy asks for any.
    tags: BTreeMap<String, String>,
}

/// An account that was looked at and planned; or why it could not be.
pub(crate) type Rehearsed = Result<(Snapshot, Plan), (AccountId, String)>;

/// What became of a message.
enum Fate {
    /// The account was worked on.
    Converged(Box<Converged>),
    /// The account is gone, and nothing is left to do.
    Gone,
    /// The message goes back to the queue.
    Back(String),
}

impl Onboarder {
    /// Works off a batch of records. Whatever can't be finished goes back to the queue, record by record,
    /// and in the end to the dead letter queue.
    pub(crate) async fn batch(
        &self,
        records: Vec<Record<Trigger>>,
        invocation: &Invocation,
    ) -> Response {
        let (mut back, mut metrics) = (Vec::new(), Metrics::default());
        let mut works: BTreeMap<AccountId, (String, ConvergeRequest)> = BTreeMap::new();
        let mut publish = Vec::new();
        for Record { id, payload } in records {
            match payload {
                Ok(Trigger::Message(Message::Converge(_))) if !self.policy.enabled => {}
                // Of several messages on one account, the one that says most does for all.
                Ok(Trigger::Message(Message::Converge(work))) => {
                    let known = works.get(&work.account.id);
                    if known.is_none_or(|(_, known)| work.cause.weight() > known.cause.weight()) {
                        works.insert(work.account.id.clone(), (id, work));
                    }
                }
                Ok(Trigger::Message(Message::Publish)) => publish.push(id),
                Ok(trigger) => match self.see_to(trigger, invocation).await {
                    Ok(answer) => {
                        tracing::info!(message = id, answer = %answer.body, "a record is done");
                        metrics.add(answer.metrics);
                    }
                    Err(failure) => {
                        tracing::error!(message = id, kind = failure.kind, error = %failure, "a record goes back to the queue");
                        back.push(id);
                    }
                },
                Err(error) => {
                    tracing::error!(message = id, error, "a message can't be read");
                    back.push(id);
                }
            }
        }
        let visits = stream::iter(works.into_values()).map(|(id, work)| self.look_up(id, work));
        let (mut ready, mut fates) = (Vec::new(), Vec::new());
        for visit in visits.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            match visit {
                Ok(visit) => ready.push(visit),
                Err(fate) => fates.push(fate),
            }
        }
        let stacks = self.see_to_stacks(&ready).await;
        let work = ready
            .into_iter()
            .map(|visit| self.work_on(visit, &stacks, invocation));
        fates.extend(
            stream::iter(work)
                .buffer_unordered(AT_ONCE)
                .collect::<Vec<_>>()
                .await,
        );
        let mut converged = Vec::new();
        for fate in fates {
            match fate {
                Fate::Converged(account) => converged.push(*account),
                Fate::Gone => {}
                Fate::Back(id) => back.push(id),
            }
        }
        converged.sort_by(|one, other| one.status.account.cmp(&other.status.account));
        back.extend(self.settle(&converged, invocation).await);
        for id in publish {
            if let Err(error) = self.publish().await {
                tracing::error!(%error, "the dashboard's data was not published");
                back.push(id);
            }
        }
        metrics.add(report::metrics(&converged, back.len()));
        Response::of_batch(back, metrics)
    }

    /// Reads the instances of all accounts that get their baseline by StackSet, and starts the operations
    /// that they wait for, one for all of them.
    async fn see_to_stacks(&self, visits: &[Visit]) -> Stacks {
        let mut stacks = Stacks::new();
        if self.policy.way == Way::Direct {
            return stacks;
        }
        let is_concerned =
            |account: &OrgAccount| is_active(account) && uses_stack_set(&self.policy, account);
        let open: Vec<&Visit> = visits
            .iter()
            .filter(|visit| is_concerned(&visit.work.account))
            .collect();
        let looks = open.iter().map(|visit| async {
            let instances = self.stack_instances.of(&visit.work.account.id).await;
            (
                visit.work.account.id.clone(),
                instances.map_err(|error| reason(&error)),
            )
        });
        stacks.extend(
            stream::iter(looks)
                .buffer_unordered(AT_ONCE)
                .collect::<Vec<_>>()
                .await,
        );
        let waiting: Vec<Waiting<'_>> = open
            .iter()
            .filter_map(|visit| self.waiting(visit, &stacks))
            .collect();
        for operation in stack_sets::operations(&waiting) {
            let (accounts, asked) = match &operation {
                Operation::Create { accounts, regions } => (
                    accounts,
                    self.stack_instances.create(accounts, regions).await,
                ),
                Operation::Update { accounts, regions } => (
                    accounts,
                    self.stack_instances.update(accounts, regions).await,
                ),
            };
            tracing::info!(operation = ?operation, error = asked.as_ref().err().map(ToString::to_string), "asked of the StackSet");
            if let Err(error) = asked {
                let busy = error.kind == ErrorKind::NotReady;
                let reason = if busy {
                    Reason::new(ReasonKind::StackSetBusy, error.message)
                } else {
                    reason(&error)
                };
                stacks.extend(
                    accounts
                        .iter()
                        .map(|account| (account.clone(), Err(reason.clone()))),
                );
            }
        }
        stacks
    }

    fn waiting<'a>(&'a self, visit: &'a Visit, stacks: &'a Stacks) -> Option<Waiting<'a>> {
        let Visit {
            work: ConvergeRequest { account, .. },
            tags,
            ..
        } = visit;
        let Expected::Baseline(baseline) = self.policy.of(&account.id, &account.path, tags) else {
            return None;
        };
        let Some(Ok(instances)) = stacks.get(&account.id) else {
            return None;
        };
        let regions = baseline.regions.iter().flatten().collect();
        Some(Waiting {
            account: &account.id,
            regions,
            instances,
        })
    }

    /// Looks an account up again, where what the message says of it is old, and what the policy asks for
    /// besides.
    async fn look_up(&self, id: String, mut work: ConvergeRequest) -> Result<Visit, Fate> {
        let age = self.clock.now().duration_since(work.since);
        if age >= STALE {
            match self.organization.account(&work.account.id).await {
                Ok(account) => work.account = account,
                // Looking up everybody at once would be throttled for long; old news does until the next turn.
                Err(error) if error.kind == ErrorKind::Throttled => {}
                Err(error) if error.kind == ErrorKind::Missing => {
                    return Err(match self.statuses.delete(&work.account.id).await {
                        Ok(()) => Fate::Gone,
                        Err(error) => back(id, &work, &error),
                    });
                }
                Err(error) => return Err(back(id, &work, &error)),
            }
        }
        match place(
            self.organization.as_ref(),
            &self.policy,
            work.account.clone(),
        )
        .await
        {
            Ok((account, tags)) => Ok(Visit {
                id,
                work: ConvergeRequest { account, ..work },
                tags,
            }),
            Err(error) => Err(back(id, &work, &error)),
        }
    }

    async fn work_on(&self, visit: Visit, stacks: &Stacks, invocation: &Invocation) -> Fate {
        let Visit { id, work, tags } = visit;
        if !invocation.has_time_for(ACCOUNT_TIME) {
            tracing::warn!(account = %work.account.id, "no time is left; the message goes back to the queue");
            return Fate::Back(id);
        }
        let (conditions, outcomes) = self.converge(&work, &tags, stacks, invocation).await;
        let account = &work.account;
        let (of, name) = (account.id.clone(), account.name.clone());
        let status = AccountStatus {
            account: of,
            name,
            checked_at: self.clock.now(),
            conditions,
        };
        match self.statuses.save_status(&status).await {
            Ok(before) => Fate::Converged(Box::new(Converged {
                id,
                work,
                status,
                tags,
                outcomes,
                before,
            })),
            Err(error) => back(id, &work, &error),
        }
    }

    /// Looks, plans and acts, then looks and plans again: an account is where its last plan says that it is.
    async fn converge(
        &self,
        work: &ConvergeRequest,
        tags: &BTreeMap<String, String>,
        stacks: &Stacks,
        invocation: &Invocation,
    ) -> (PerPlace<Condition>, PerPlace<Outcome>) {
        let mut outcomes = PerPlace::default();
        let mut is_first_look = true;
        let stack = stacks.get(&work.account.id).cloned();
        let mut member = None;
        loop {
            let observed = observe(self, work, tags, stack.clone(), member).await;
            let plan = plan::plan(&observed.snapshot, &self.policy, self.clock.now());
            tracing::info!(account = %plan.account, plan = %report::plan_json(&plan), "planned");
            let breaches = check::check(&observed.snapshot, &plan, &self.policy);
            if !breaches.is_empty() {
                let words: Vec<String> = breaches.iter().map(ToString::to_string).collect();
                tracing::error!(account = %plan.account, breaches = words.join("; "), "the plan is refused");
                let reason = Reason::new(
                    ReasonKind::Refused,
                    format!("the plan would break {}", words.join("; ")),
                );
                return (PerPlace::of_account(reason.condition()), outcomes);
            }
            match observed.member {
                Some(entered) if is_first_look && !plan.is_empty() => {
                    is_first_look = false;
                    outcomes = apply::apply(&plan, &entered, invocation).await;
                    for (place, outcome) in outcomes.iter() {
                        if let Some(reason) = &outcome.failed {
                            let region = place.region().map(Region::as_str);
                            tracing::error!(account = %plan.account, region, %reason, "failed");
                        }
                    }
                    // Nothing has changed where nothing was done.
                    if outcomes.values().all(|outcome| outcome.done.is_empty()) {
                        return (stand(&plan, &outcomes), outcomes);
                    }
                    member = Some(entered);
                }
                _ => return (stand(&plan, &outcomes), outcomes),
            }
        }
    }

    /// Plans accounts without touching them, and answers with the plans as a diff.
    pub(crate) async fn rehearse(
        &self,
        scope: Scope,
        placement: &AccountEdits,
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let found = self.find(scope).await?;
        let mut placed = Vec::new();
        for account in &found.accounts {
            let changes = placement.look(self.organization.as_ref(), account).await;
            let changes = changes
                .map_err(|error| InvocationError::new("NotPlanned", anyhow::Error::new(error)))?;
            placed.extend(
                changes
                    .iter()
                    .map(|change| format!("{}: {}", account.id, change.line())),
            );
        }
        let since = self.clock.now();
        let works = found.accounts.into_iter().map(|account| ConvergeRequest {
            account,
            cause: Cause::Asked,
            since,
            attempt: 0,
        });
        let looks = works.map(|work| self.rehearse_one(work, invocation));
        let mut plans: Vec<Rehearsed> = stream::iter(looks)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        plans.sort_by_key(|plan| match plan {
            Ok((snapshot, _)) => snapshot.account.id.clone(),
            Err((account, _)) => account.clone(),
        });
        if let Some((account, why)) = plans
            .iter()
            .find_map(|plan| plan.as_ref().err())
            .filter(|_| plans.len() == 1)
        {
            return Err(InvocationError::new(
                "NotPlanned",
                anyhow!("{account}: {why}"),
            ));
        }
        Ok(report::rehearsal(&plans, &found.gone, &placed))
    }

    async fn rehearse_one(&self, mut work: ConvergeRequest, invocation: &Invocation) -> Rehearsed {
        let id = work.account.id.clone();
        if !invocation.has_time_for(ACCOUNT_TIME) {
            return Err((id, "no time was left".to_owned()));
        }
        let placed = place(
            self.organization.as_ref(),
            &self.policy,
            work.account.clone(),
        )
        .await;
        let (account, tags) = placed.map_err(|error| (id, error.to_string()))?;
        work.account = account;
        let stack = if is_active(&work.account) && uses_stack_set(&self.policy, &work.account) {
            Some(
                self.stack_instances
                    .of(&work.account.id)
                    .await
                    .map_err(|error| observe::reason(&error)),
            )
        } else {
            None
        };
        let observed = observe(self, &work, &tags, stack, None).await;
        let plan = plan::plan(&observed.snapshot, &self.policy, self.clock.now());
        Ok((observed.snapshot, plan))
    }
}

/// Where an account stands after its last plan: a place where something is still to do is there because an
/// action failed, or because what was done does not show yet.
fn stand(plan: &Plan, outcomes: &PerPlace<Outcome>) -> PerPlace<Condition> {
    plan.parts.map(|place, part| {
        if part.actions.is_empty() {
            return part.condition.clone();
        }
        let propagating = || {
            let left: Vec<&str> = part.actions.iter().map(Action::name).collect();
            Reason::new(ReasonKind::Propagating, left.join(", "))
        };
        let failed = outcomes
            .get(place)
            .and_then(|outcome| outcome.failed.clone());
        failed.unwrap_or_else(propagating).condition()
    })
}

fn back(id: String, work: &ConvergeRequest, error: &banto_ports::PortError) -> Fate {
    tracing::error!(account = %work.account.id, %error, "the message goes back to the queue");
    Fate::Back(id)
}

/// How long an account waits before it is looked at again: twice as long each time, 15 minutes at the most,
/// which is the most that SQS allows.
pub fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(15_u64.saturating_mul(1 << attempt.min(6)).min(900))
}

/// How people see the plans: every account's, and what they come to.
pub fn text(plans: &[(Snapshot, Plan)]) -> String {
    let mut counts = diff::Counts::default();
    let mut text = String::new();
    for (snapshot, plan) in plans {
        let (shown, counted) = diff::diff(&snapshot.account, plan);
        text.push_str(&shown);
        counts.add += counted.add;
        counts.change += counted.change;
        counts.delete += counted.delete;
    }
    format!("{text}\n{}\n", diff::summary(counts))
}

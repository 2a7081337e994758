//! O3: an account whose calls take long, or never end, holds no other up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use banto_domain::policy::OnboardingPolicy;
use banto_domain::status::{Condition, ReasonKind};
use banto_domain::{AccountId, RoleName};
use banto_fake::{Driven, FakeAccountAccess, Run, World, drive};
use banto_lambda::{Invocation, Response};
use banto_ports::{
    AccountAccess, AccountClients, Clock, LiveRole, NewRole, PortError, RoleChange, Roles,
};
use jiff::{SignedDuration, Timestamp};

use super::harness::{
    account, both_ways, by_stack_set, created, in_place, is_in_place, named_account, onboarder,
    policy, scheduled, start, status, told, told_with,
};
use super::stack_set::deployed_by;
use crate::harness::{batch, failed, handle, settle, work_off};

const SLOW: &str = "444455556666";

/// The time that each of an account's calls takes at the most: the clients' own limit.
const LIMIT: Duration = Duration::from_secs(30);

/// Longer than Lambda runs.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// Access to accounts, in one of which calls take long.
struct SlowAccess {
    run: Arc<Run>,
    by: Duration,
}

#[async_trait]
impl AccountAccess for SlowAccess {
    async fn assume_role(&self, account: &AccountId) -> Result<AccountClients, PortError> {
        let access = FakeAccountAccess(self.run.clone());
        if account.as_str() != SLOW {
            return access.assume_role(account).await;
        }
        self.run.sleep(self.by).await;
        let clients = access.assume_role(account).await?;
        let roles = Arc::new(SlowRoles {
            run: self.run.clone(),
            by: self.by,
            roles: clients.roles.clone(),
        });
        Ok(AccountClients { roles, ..clients })
    }
}

/// Roles of which each call takes long.
struct SlowRoles {
    run: Arc<Run>,
    by: Duration,
    roles: Arc<dyn Roles>,
}

#[async_trait]
impl Roles for SlowRoles {
    async fn all(&self) -> Result<Vec<LiveRole>, PortError> {
        self.run.sleep(self.by).await;
        self.roles.all().await
    }

    async fn session_lengths(&self) -> Result<BTreeMap<RoleName, i32>, PortError> {
        self.run.sleep(self.by).await;
        self.roles.session_lengths().await
    }

    async fn create(&self, name: &RoleName, role: &NewRole) -> Result<(), PortError> {
        self.run.sleep(self.by).await;
        self.roles.create(name, role).await
    }

    async fn change(&self, name: &RoleName, change: &RoleChange) -> Result<(), PortError> {
        self.run.sleep(self.by).await;
        self.roles.change(name, change).await
    }

    async fn create_config_role(&self) -> Result<(), PortError> {
        self.run.sleep(self.by).await;
        self.roles.create_config_role().await
    }
}

/// Hands the messages that are visible now to one invocation, in which one account is slow.
fn deliver_slowly(world: &Arc<World>, policy: &OnboardingPolicy, by: Duration) -> Response {
    let messages = batch(&world.receive(10)).to_string();
    let run = world.run(None);
    let mut function = onboarder(&run, policy);
    function.converge.account_access = Arc::new(SlowAccess {
        run: run.clone(),
        by,
    });
    let invocation = Invocation::for_tests("run", Duration::from_secs(900));
    match drive(&run, function.handle(messages.as_bytes(), &invocation)) {
        Driven::Done(Ok(response)) => response,
        other => panic!("{other:?}"),
    }
}

/// The slow account and seven others, in the order of their ids.
fn accounts(world: &World) -> (AccountId, Vec<AccountId>) {
    let slow = account(world);
    let mut others = Vec::new();
    for number in 0..7 {
        let (id, name) = (format!("55556666777{number}"), format!("team-{number}"));
        others.push(named_account(world, &id, &name));
    }
    (slow, others)
}

/// The times that passed until each of the others was saved last, and until each notice.
fn times(
    world: &World,
    from: Timestamp,
) -> (BTreeMap<String, SignedDuration>, Vec<SignedDuration>) {
    let (mut saved, mut told) = (BTreeMap::new(), Vec::new());
    for call in world.calls().into_iter().filter(|call| call.at >= from) {
        let after = call.at.duration_since(from);
        match call.name {
            "dynamodb:UpdateItem" if call.subject != SLOW => {
                saved.insert(call.subject, after);
            }
            "sns:Publish" => told.push(after),
            _ => {}
        }
    }
    (saved, told)
}

#[test]
fn the_others_of_a_batch_are_saved_and_told_within_half_a_minute_of_a_slow_account() {
    for by in [LIMIT, FOR_EVER] {
        let world = World::at(start());
        let (_, others) = accounts(&world);
        handle(&world, &policy(), &scheduled());
        let from = world.now();
        deliver_slowly(&world, &policy(), by);
        assert!(world.now().duration_since(from) > SignedDuration::from_secs(60));
        let (saved, told) = times(&world, from);
        assert_eq!(saved.len(), others.len(), "{by:?}");
        let half_a_minute = SignedDuration::from_secs(30);
        for (id, after) in &saved {
            assert!(*after <= half_a_minute, "{by:?}: {id} after {after:?}");
        }
        let mut soon = told;
        soon.retain(|after| *after <= half_a_minute);
        assert_eq!(
            soon.len(),
            others.len(),
            "{by:?}: {:#?}",
            self::told(&world)
        );
        settle(&world, &policy());
        assert!(others.iter().all(|id| is_in_place(&world, id)));
    }
}

#[test]
fn a_repair_is_told_within_half_a_minute_of_a_slow_account_whichever_the_way() {
    for (way, policy) in both_ways(&[]) {
        let world = World::at(start());
        let (_, others) = accounts(&world);
        deployed_by(&world, &policy);
        handle(&world, &policy, &scheduled());
        settle(&world, &policy);
        assert!(others.iter().all(|id| is_in_place(&world, id)), "{way}");
        world.advance(SignedDuration::from_hours(24));
        for id in &others {
            world.open_trust(id, "admin");
        }
        handle(&world, &policy, &scheduled());
        let from = world.now();
        deliver_slowly(&world, &policy, FOR_EVER);
        let (_, told) = times(&world, from);
        let repaired = told_with(&world, "Repaired");
        assert!(!repaired.is_empty(), "{way}: {:#?}", self::told(&world));
        for id in &others {
            let about = repaired.iter().any(|told| told.contains(id.as_str()));
            assert!(about, "{way}: {id}: {repaired:#?}");
        }
        assert!(told[0] <= SignedDuration::from_secs(30), "{way}: {told:?}");
    }
}

#[test]
fn new_accounts_ask_for_their_stacks_and_are_saved_though_another_one_hangs() {
    let policy = by_stack_set();
    let world = World::at(start());
    let (_, others) = accounts(&world);
    deployed_by(&world, &policy);
    handle(&world, &policy, &scheduled());
    let from = world.now();
    deliver_slowly(&world, &policy, FOR_EVER);
    let (saved, _) = times(&world, from);
    for id in &others {
        let after = saved.get(id.as_str()).copied();
        let is_soon = after.is_some_and(|after| after <= SignedDuration::from_secs(30));
        assert!(is_soon, "{id} after {after:?}");
    }
    assert_eq!(world.stack_operations(), 1);
}

#[test]
fn a_look_that_hangs_ends_and_its_account_is_tried_again() {
    for (way, policy) in both_ways(&[]) {
        let world = World::at(start());
        let slow = account(&world);
        deployed_by(&world, &policy);
        handle(&world, &policy, &created());
        let from = world.now();
        deliver_slowly(&world, &policy, FOR_EVER);
        let took = world.now().duration_since(from);
        assert!(took < SignedDuration::from_mins(6), "{way}: {took:?}");
        let condition = status(&world, &slow).conditions.account;
        let kind = condition.reason().map(|reason| reason.kind);
        assert_eq!(kind, Some(ReasonKind::OutOfTime), "{way}");
        let waits = world.next_message_at().unwrap().duration_since(world.now());
        assert!(waits <= SignedDuration::from_mins(1), "{way}: {waits:?}");
        settle(&world, &policy);
        assert!(
            is_in_place(&world, &slow),
            "{way}: {:?}",
            status(&world, &slow)
        );
        assert_eq!(told(&world).len(), 1, "{way}: {:#?}", told(&world));
    }
}

/// Hands the messages that are visible now to an invocation with so much time left, in which a
/// call takes a while of real time.
fn deliver_near_the_deadline(
    world: &Arc<World>,
    policy: &OnboardingPolicy,
    left: Duration,
    slow: Option<&'static str>,
) -> Response {
    let messages = batch(&world.receive(10)).to_string();
    let run = world.run(None);
    if let Some(call) = slow {
        run.interfere_at(call, |_| std::thread::sleep(Duration::from_millis(400)));
    }
    let function = onboarder(&run, policy);
    let invocation = Invocation::for_tests("run", left);
    match drive(&run, function.handle(messages.as_bytes(), &invocation)) {
        Driven::Done(Ok(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn with_too_little_time_for_a_look_nothing_is_begun_and_the_message_comes_again() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        world.open_trust(&id, "admin");
        handle(&world, &policy, &scheduled());
        let (calls, before) = (world.call_count(), world.statuses());
        let response = deliver_near_the_deadline(&world, &policy, Duration::from_secs(120), None);
        assert_eq!(failed(&response.body).len(), 1, "{way}: {}", response.body);
        assert_eq!(world.call_count(), calls, "{way}");
        assert_eq!(world.statuses(), before, "{way}");
    }
}

#[test]
fn what_was_repaired_when_the_time_ran_out_is_told_and_the_rest_taken_up() {
    for (way, policy) in both_ways(&[]) {
        let (world, id) = in_place(&policy);
        world.open_trust(&id, "admin");
        handle(&world, &policy, &scheduled());
        // An account is begun if ten minutes are left, and here they are just not left any more
        // once it was repaired.
        let left = Duration::from_millis(600_300);
        let slow = Some("iam:UpdateAssumeRolePolicy");
        deliver_near_the_deadline(&world, &policy, left, slow);
        let places = status(&world, &id).conditions;
        let Condition::NotReady(_) = places.account else {
            panic!("{way}: nobody looked again, and yet {:?}", places.account)
        };
        while world.next_message_at().is_some() {
            if work_off(&world, &policy) == 0 {
                settle(&world, &policy);
            }
        }
        assert!(is_in_place(&world, &id), "{way}");
        let repaired: BTreeSet<String> =
            told_with(&world, "role admin: trust").into_iter().collect();
        assert_eq!(repaired.len(), 1, "{way}: {:#?}", told(&world));
    }
}

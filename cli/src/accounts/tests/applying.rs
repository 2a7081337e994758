//! What apply sends, and how it is followed.

use super::*;

#[test]
fn apply_sends_just_what_the_functions_fan_out_would_for_accounts_that_are_not_in_order() {
    let world = troubled();
    let looked = looked(&world, &[]);
    let accounts = apply::to_apply(&looked);
    assert_eq!(accounts, [id(SEARCH), id(LEGACY)].into());
    let messages = apply::messages(&looked, &accounts).unwrap();
    let mut asked = BTreeSet::new();
    for message in &messages {
        match event::decode(message.body.as_bytes()).unwrap() {
            Invoked::Direct(Trigger::Message(Message::Converge(request))) => {
                assert_eq!(request.cause, Cause::Asked);
                assert_eq!(message.group.as_deref(), Some(request.account.id.as_str()));
                asked.insert(request.account.id);
            }
            Invoked::Direct(Trigger::Message(Message::PublishDashboard)) => {
                assert!(message.delay >= Duration::from_secs(60));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((asked, messages.len()), (accounts, 3));
}

#[test]
fn what_apply_sends_brings_accounts_to_their_baseline() {
    let world = troubled();
    world.change_account(&id(LEGACY), |legacy| legacy.reachable_from = Some(start()));
    let looked = looked(&world, &[]);
    let accounts = apply::to_apply(&looked);
    let messages = apply::messages(&looked, &accounts).unwrap();
    let before = BTreeMap::new();
    with(&world, async |it| {
        it.fan_out.queue.send(&messages).await.unwrap()
    });
    settle(&world);
    let statuses = with(&world, async |it| it.converge.statuses.all().await.unwrap());
    let progress = apply::progress(&accounts, &before, &statuses);
    assert_eq!(progress.done, accounts, "{progress:?}");
    assert!(
        rows(&world).iter().all(|row| row.state.is_fine()),
        "{:#?}",
        rows(&world)
    );
}

const MINUTES: Wait = Wait {
    wait: true,
    minutes: 30,
};

/// Sends what apply sends for accounts that are not in order, and answers them.
fn send(world: &Arc<World>, policy: &Policy) -> BTreeSet<AccountId> {
    with_policy(world, policy.clone(), async |it| {
        let looked = look::look(it, Scope::AllAccounts).await.unwrap();
        let accounts = apply::to_apply(&looked);
        let messages = apply::messages(&looked, &accounts).unwrap();
        it.fan_out.queue.send(&messages).await.unwrap();
        accounts
    })
}

/// Follows accounts by the clock of the world. Nobody works meanwhile.
fn followed(world: &Arc<World>, policy: &Policy, accounts: &BTreeSet<AccountId>) -> Ending {
    with_policy(world, policy.clone(), async |it| {
        let before = BTreeMap::new();
        apply::follow(it, accounts, &before, &MINUTES)
            .await
            .unwrap()
    })
}

#[test]
fn apply_waits_until_its_accounts_are_in_order_or_the_time_is_up_and_one_look_may_fail() {
    let world = World::at(start());
    add(&world, PAYMENTS, "payments");
    let accounts = send(&world, &policy());
    assert_eq!(accounts, [id(PAYMENTS)].into());
    let begun = world.now();
    assert_eq!(followed(&world, &policy(), &accounts), Ending::FINDINGS);
    let half_an_hour = SignedDuration::from_mins(30);
    assert!(
        world.now().duration_since(begun) >= half_an_hour,
        "nobody worked"
    );

    settle(&world);
    let soon = world.now() + SignedDuration::from_mins(1);
    world.outage("dynamodb:Scan", ErrorKind::Throttled, soon);
    assert_eq!(followed(&world, &policy(), &accounts), Ending::Done);
    assert!(world.now() >= soon, "the looks before that failed");
}

#[test]
fn apply_waits_for_no_look_that_is_denied() {
    let world = World::at(start());
    add(&world, PAYMENTS, "payments");
    let accounts = send(&world, &policy());
    let begun = world.now();
    let later = begun + SignedDuration::from_hours(1);
    world.outage("dynamodb:Scan", ErrorKind::Denied, later);
    let error = with_policy(&world, policy(), async |it| {
        let before = BTreeMap::new();
        let followed = apply::follow(it, &accounts, &before, &MINUTES).await;
        followed.unwrap_err()
    });
    assert_eq!(Ending::code_of(&error), 3, "{error:#}");
    let waited = world.now().duration_since(begun);
    assert!(waited < SignedDuration::from_mins(1), "{waited:#}");
}

/// The policy by StackSet, whose template has all that is deployed in an account.
fn by_stack_set() -> Policy {
    let stack_set = "[onboarding.stack_set]\nname = \"banto-baseline\"\ntargets = [\"r-ab12\"]\n\n[onboarding.config]";
    let baseline = BASELINE
        .replace("way = \"direct\"", "way = \"stackset\"")
        .replace("[onboarding.config]", stack_set);
    PolicyText::least().and(&baseline).parse()
}

#[test]
fn by_stack_set_apply_shows_the_stacks_and_brings_accounts_to_their_baseline() {
    // A stack makes what the direct way has made in the same account.
    let made = world().account(&id(PAYMENTS));
    let world = World::at(start());
    world.deploy_with(Arc::new(move |member, region| {
        member.roles = made.roles.clone();
        let own = made.regions.get(region).cloned();
        member.regions.extend(own.map(|own| (region.clone(), own)));
        Ok(())
    }));
    add(&world, PAYMENTS, "payments");
    let policy = by_stack_set();
    let looked = with_policy(&world, policy.clone(), async |it| {
        look::look(it, Scope::AllAccounts).await.unwrap()
    });
    let shown = plan::show(&looked, false, &Screen::plain(80));
    assert!(shown.contains("stack"), "{shown}");
    let accounts = send(&world, &policy);
    settle_by(&world, &policy);
    assert_eq!(followed(&world, &policy, &accounts), Ending::Done);
    let looked = with_policy(&world, policy, async |it| {
        look::look(it, Scope::AllAccounts).await.unwrap()
    });
    assert!(apply::to_apply(&looked).is_empty());
}

fn seen(account: &str, checked_at: Timestamp, condition: Condition) -> AccountStatus {
    AccountStatus {
        account: id(account),
        name: account.to_owned(),
        checked_at,
        conditions: PerPlace::of_account(condition),
    }
}

#[test]
fn progress_believes_no_status_from_before_it_asked() {
    let (old, new) = (start(), start() + SignedDuration::from_mins(1));
    let accounts: BTreeSet<AccountId> = [PAYMENTS, SEARCH, LEGACY].map(id).into();
    let before = BTreeMap::from([(id(PAYMENTS), old), (id(SEARCH), old)]);
    let denied = Reason::new(ReasonKind::Denied, "iam:CreateRole").condition();
    let foreign = Reason::new(ReasonKind::ForeignRole, "admin").condition();
    let first = [
        seen(PAYMENTS, old, Condition::InPlace),
        seen(SEARCH, new, denied),
    ];
    let progress = apply::progress(&accounts, &before, &first);
    assert_eq!(
        (progress.done.len(), progress.waiting.len()),
        (0, 3),
        "{progress:?}"
    );
    let second = [
        seen(PAYMENTS, new, Condition::InPlace),
        seen(SEARCH, new, foreign),
        seen(
            LEGACY,
            new,
            Condition::LeftAlone {
                because: "closed".to_owned(),
            },
        ),
    ];
    let progress = apply::progress(&accounts, &before, &second);
    assert_eq!(
        (progress.done.len(), progress.failed.len()),
        (2, 1),
        "{progress:?}"
    );
    expected::holds("accounts/apply-ended", |screen| {
        apply::ended(&progress, screen)
    });
}

#[test]
fn an_account_that_is_only_reported_is_not_said_to_be_in_order() {
    let accounts: BTreeSet<AccountId> = [PAYMENTS, SEARCH].map(id).into();
    let drifted = Condition::Drifted {
        items: vec!["admin differs".to_owned()],
    };
    let statuses = [
        seen(PAYMENTS, start(), Condition::InPlace),
        seen(SEARCH, start(), drifted),
    ];
    let progress = apply::progress(&accounts, &BTreeMap::new(), &statuses);
    let ended = apply::ended(&progress, &crate::terminal::Screen::plain(80));
    assert!(ended.starts_with("1 of 2 in order."), "{ended}");
    assert!(ended.contains(SEARCH), "{ended}");
}

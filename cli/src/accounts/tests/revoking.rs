//! The end of a user's sessions.

use super::*;

fn revocation(before: Option<Timestamp>, dry_run: bool) -> RevocationAsked {
    RevocationAsked {
        user: "alice".parse().unwrap(),
        account: None,
        before,
        dry_run,
    }
}

#[test]
fn a_revocation_names_roles_and_accounts_and_sends_the_moment_that_was_shown() {
    let world = world();
    let asked = with(&world, async |it| {
        revoke::ask_first(it, &revocation(None, true))
            .await
            .unwrap()
    });
    expected::holds("accounts/revoke", |screen| revoke::show(&asked, screen));
    assert_eq!(world.waiting_messages(), 0, "a dry run sends nothing");
    world.advance(SignedDuration::from_mins(2));
    with(&world, async |it| {
        revoke::send(it, &asked.revocation).await.unwrap()
    });
    let sent = world.receive(10);
    let [message] = &sent[..] else {
        panic!("{sent:?}")
    };
    let decoded = event::decode(message.body.as_bytes()).unwrap();
    let expected = Message::Revoke(asked.revocation);
    assert_eq!(decoded, Invoked::Direct(Trigger::Message(expected)));
}

#[test]
fn a_moment_in_the_future_is_refused_before_anybody_is_asked() {
    let world = world();
    let future = Some(world.now() + SignedDuration::from_hours(1));
    let refused = with(&world, async |it| {
        revoke::ask_first(it, &revocation(future, true)).await
    });
    assert!(refused.unwrap_err().to_string().contains("before"));
}

#[test]
fn a_revocation_is_followed_until_every_role_denies_the_sessions() {
    let world = world();
    let asked = with(&world, async |it| {
        revoke::ask_first(it, &revocation(None, true))
            .await
            .unwrap()
    });
    let requests = with(&world, async |it| {
        let accounts = it.converge.organization.accounts().await.unwrap();
        onboard_accounts::revoke::plan::requests(accounts, &asked.revocation, world.now())
    });
    let left = with(&world, async |it| revoke::left(it, &requests).await);
    assert_eq!(left.len(), requests.len());
    expected::holds("accounts/revoke-left", |screen| {
        revoke::ended(requests.len(), &left, screen)
    });
    with(&world, async |it| {
        revoke::send(it, &asked.revocation).await.unwrap()
    });
    settle(&world);
    let left = with(&world, async |it| revoke::left(it, &requests).await);
    assert_eq!(left, BTreeMap::new());
    let text = revoke::ended(requests.len(), &left, &Screen::plain(80));
    assert!(text.starts_with("Ended in 2 of 2 accounts"), "{text}");
}

//! Slack's members, and what a bot may write to them.

use banto_ports::{Chat, ErrorKind, MemberState};
use secrecy::SecretString;
use serde_json::json;

use super::{done, kind, world};
use crate::Sent;

#[test]
fn only_an_active_member_gets_a_direct_message_and_it_is_kept_like_all_that_was_sent() {
    let world = world();
    let token = SecretString::from("token");
    let (alice, gone, robot) = ("U024BE7LH", "U0000GONE0", "U00000ROBOT");
    world.set_member(alice, MemberState::Active);
    world.set_member(gone, MemberState::Deactivated);
    world.set_member(robot, MemberState::Bot);
    let run = world.run(None);
    let body = |member: &str| json!({ "channel": member, "text": "hello" });
    let post = |member: &str| done(&run, Chat::post(&*run, &token, "one", &body(member)));

    let message = post(alice).unwrap();
    assert_eq!(message.channel, "D024BE7LH");
    let sent = Sent::Direct(alice.to_owned(), body(alice).to_string());
    assert_eq!(world.view().sent, [sent]);
    assert_eq!(kind(post(alice)), Some(ErrorKind::Throttled), "too soon");
    assert_eq!(kind(post(gone)), Some(ErrorKind::Missing));
    assert_eq!(kind(post("U0NOBODY00")), Some(ErrorKind::Missing));
    assert_eq!(kind(post(robot)), Some(ErrorKind::Invalid));
    assert_eq!(world.view().sent.len(), 1);

    let state = |member: &str| done(&run, run.member(&token, member));
    assert_eq!(state(alice), Ok(MemberState::Active));
    assert_eq!(state(gone), Ok(MemberState::Deactivated));
    assert_eq!(kind(state("U0NOBODY00")), Some(ErrorKind::Missing));
}

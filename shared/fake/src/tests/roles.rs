//! IAM roles of an account: late, in any case of letters, and within IAM's quotas.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::RoleName;
use banto_ports::{ErrorKind, NewRole, PortError, RoleChange, Roles};
use serde_json::{Value, json};

use super::{assumed, done, kind, minutes, with_account};
use crate::{Effect, Reader, Run};

fn name(name: &str) -> RoleName {
    name.parse().unwrap()
}

/// A policy of this many characters.
fn policy(chars: usize) -> Value {
    let bare = json!({ "Sid": "" }).to_string().len();
    json!({ "Sid": "a".repeat(chars - bare) })
}

fn new_role(trust: Value) -> NewRole {
    NewRole {
        description: "Read only".to_owned(),
        trust,
        session_seconds: 3_600,
        boundary: None,
        tags: BTreeMap::new(),
    }
}

struct Session {
    run: Arc<Run>,
    roles: Arc<dyn Roles>,
}

impl Session {
    fn create(&self, role: &str, trust: Value) -> Result<(), PortError> {
        let role = name(role);
        done(&self.run, self.roles.create(&role, &new_role(trust)))
    }

    fn change(&self, role: &str, change: &RoleChange) -> Result<(), PortError> {
        done(&self.run, self.roles.change(&name(role), change))
    }

    fn names(&self) -> Vec<String> {
        let roles = done(&self.run, self.roles.all()).unwrap().into_iter();
        roles.map(|role| role.name.to_string()).collect()
    }

    fn lengths(&self) -> BTreeMap<RoleName, i32> {
        done(&self.run, self.roles.session_lengths()).unwrap()
    }
}

fn session() -> (Arc<crate::World>, banto_domain::AccountId, Session) {
    let (world, id) = with_account();
    let run = world.run(None);
    let roles = assumed(&run, &id).roles;
    (world, id, Session { run, roles })
}

#[test]
fn a_role_that_was_just_made_shows_late_and_is_there_all_the_same() {
    let (world, id, session) = session();
    world.lag(Reader::GetAccountAuthorizationDetails, minutes(2));
    world.lag(Reader::ListRoles, minutes(5));
    session.create("readonly", json!({})).unwrap();
    assert!(session.names().is_empty() && session.lengths().is_empty());
    let again = session.create("readonly", json!({}));
    assert_eq!(kind(again), Some(ErrorKind::Conflict));
    let tags = BTreeMap::from([("team".to_owned(), "platform".to_owned())]);
    session.change("readonly", &RoleChange::Tag(tags)).unwrap();
    assert_eq!(world.account(&id).roles.len(), 1);
    world.advance(minutes(2));
    assert_eq!(session.names(), ["readonly"]);
    assert!(session.lengths().is_empty());
    world.advance(minutes(3));
    assert_eq!(session.lengths().len(), 1);
}

#[test]
fn a_change_of_a_role_and_its_deletion_by_a_person_show_late_too() {
    let (world, id, session) = session();
    session.create("readonly", json!({})).unwrap();
    world.lag(Reader::GetAccountAuthorizationDetails, minutes(2));
    let trust = || {
        let roles = done(&session.run, session.roles.all()).unwrap();
        roles.first().map(|role| role.trust.clone())
    };
    world.advance(minutes(10));
    let changed = RoleChange::Trust(policy(100));
    session.change("readonly", &changed).unwrap();
    world.advance(minutes(1));
    assert_eq!(trust(), Some(json!({})));
    world.delete_role(&id, "readonly");
    world.advance(minutes(1));
    assert_eq!(trust(), Some(policy(100)));
    assert_eq!(
        kind(session.change("readonly", &changed)),
        Some(ErrorKind::Missing)
    );
    world.advance(minutes(1));
    assert_eq!(trust(), None);
}

#[test]
fn changes_to_a_role_that_was_just_made_may_not_find_it_yet() {
    let (world, _, session) = session();
    world.delay(Effect::NewRole, minutes(1));
    session.create("readonly", json!({})).unwrap();
    let attach = RoleChange::Attach("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
    let attached = session.change("readonly", &attach);
    assert_eq!(kind(attached), Some(ErrorKind::Missing));
    world.advance(minutes(1));
    assert_eq!(session.change("readonly", &attach), Ok(()));
}

#[test]
fn names_are_compared_without_their_case() {
    let (world, id, session) = session();
    session.create("ReadOnly", json!({})).unwrap();
    let again = session.create("readonly", json!({}));
    assert_eq!(kind(again), Some(ErrorKind::Conflict));
    let change = RoleChange::SessionSeconds(7_200);
    session.change("READONLY", &change).unwrap();
    assert_eq!(world.account(&id).roles[&name("ReadOnly")].1, 7_200);
}

#[test]
fn policies_keep_to_the_quotas_of_iam() {
    let (world, id, session) = session();
    let over = Some(ErrorKind::LimitExceeded);
    assert_eq!(kind(session.create("large", policy(2_049))), over);
    session.create("large", policy(2_048)).unwrap();
    let trust = RoleChange::Trust(policy(2_049));
    assert_eq!(kind(session.change("large", &trust)), over);
    let inline = |id: &str, chars| RoleChange::PutInline(id.to_owned(), policy(chars));
    session.change("large", &inline("one", 10_000)).unwrap();
    assert_eq!(kind(session.change("large", &inline("two", 241))), over);
    session.change("large", &inline("two", 240)).unwrap();
    session.change("large", &inline("one", 9_000)).unwrap();
    let attach = |number: usize| {
        let policy = format!("arn:aws:iam::aws:policy/Policy{number}");
        session.change("large", &RoleChange::Attach(policy))
    };
    for number in 1..=10 {
        attach(number).unwrap();
    }
    assert_eq!(attach(10), Ok(()), "attached already");
    assert_eq!(kind(attach(11)), over);
    let role = &world.account(&id).roles[&name("large")].0;
    assert_eq!(role.managed_policies.len(), 10);
}

#[test]
fn what_a_role_does_not_have_can_not_be_taken_from_it() {
    let (_, _, session) = session();
    session.create("readonly", json!({})).unwrap();
    for change in [
        RoleChange::Detach("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()),
        RoleChange::DeleteInline("no-secrets".to_owned()),
        RoleChange::RemoveBoundary,
    ] {
        let taken = session.change("readonly", &change);
        assert_eq!(kind(taken), Some(ErrorKind::Missing), "{change:?}");
    }
}

#[test]
fn the_role_of_aws_config_that_shows_late_can_not_be_made_twice() {
    let (world, _, session) = session();
    world.lag(Reader::GetAccountAuthorizationDetails, minutes(1));
    let has = || {
        let roles = done(&session.run, session.roles.all()).unwrap();
        let mut names = roles.iter().map(|role| role.name.as_str());
        names.any(|name| name == "AWSServiceRoleForConfig")
    };
    let create = || done(&session.run, session.roles.create_config_role());
    create().unwrap();
    assert!(!has());
    assert_eq!(kind(create()), Some(ErrorKind::Conflict));
    world.advance(minutes(1));
    assert!(has());
}

//! Organizations: accounts that it shows late, and what it knows of each.

use std::collections::BTreeMap;

use banto_ports::{AccountAccess, AccountState, ErrorKind, OrgPolicyKind, Organization, path_of};
use serde_json::json;

use super::{done, kind, minutes, start, with_account};
use crate::{FakeAccountAccess, MemberAccount, World};

fn other(world: &World) -> banto_domain::AccountId {
    world.add_account(MemberAccount::new("444455556666", "search", &[], start()))
}

#[test]
fn an_account_that_is_not_shown_yet_is_neither_listed_nor_found_by_any_call() {
    let (world, id) = with_account();
    let other = other(&world);
    world.change_account(&id, |member| {
        member.shows_from = Some(start() + minutes(10));
    });
    let run = world.run(None);
    let listed = || {
        let accounts = done(&run, run.accounts()).unwrap().into_iter();
        accounts.map(|account| account.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(), std::slice::from_ref(&other));
    let found = done(&run, run.account(&id));
    assert_eq!(kind(found), Some(ErrorKind::Missing));
    let tags = BTreeMap::from([("team".to_owned(), "payments".to_owned())]);
    for result in [
        done(&run, Organization::tags(&*run, &id)).map(drop),
        done(&run, run.tag(&id, &tags)),
        done(&run, run.effective_policy(&id, OrgPolicyKind::S3)).map(drop),
    ] {
        assert_eq!(kind(result), Some(ErrorKind::Missing));
    }
    world.advance(minutes(10));
    assert_eq!(listed(), [id.clone(), other]);
    assert!(done(&run, run.account(&id)).is_ok());
}

#[test]
fn an_account_that_departed_unheard_is_gone_from_every_list_and_lets_nobody_in() {
    let (world, id) = with_account();
    let run = world.run(None);
    world.remove_account(&id);
    assert_eq!(done(&run, run.accounts()), Ok(Vec::new()));
    let found = done(&run, run.account(&id));
    assert_eq!(kind(found), Some(ErrorKind::Missing));
    let access = FakeAccountAccess(run.clone());
    let assumed = done(&run, access.assume_role(&id));
    assert_eq!(kind(assumed), Some(ErrorKind::Denied));
}

#[test]
fn an_account_of_an_unknown_state_is_listed_with_the_others() {
    let (world, id) = with_account();
    other(&world);
    world.change_account(&id, |member| member.org.state = AccountState::Unknown);
    let run = world.run(None);
    let accounts = done(&run, run.accounts()).unwrap();
    let states: Vec<AccountState> = accounts.iter().map(|account| account.state).collect();
    assert_eq!(states, [AccountState::Unknown, AccountState::Active]);
}

#[test]
fn a_path_that_is_not_told_is_found_by_asking_for_parents() {
    let (world, id) = with_account();
    world.move_account(&id, &["r-ab12", "ou-ab12-cdef3456", "ou-ab12-99999999"]);
    let run = world.run(None);
    let path = || {
        let account = done(&run, run.account(&id)).unwrap();
        done(&run, path_of(&*run, &account)).unwrap()
    };
    let told = path();
    let calls = run.calls();
    world.change_account(&id, |member| member.org.path.clear());
    assert_eq!(path(), told);
    let parents = world.calls().split_off(calls);
    let parents = parents.iter().map(|call| call.name);
    let asked = [
        "organizations:DescribeAccount",
        "organizations:ListParents",
        "organizations:ListParents",
        "organizations:ListParents",
    ];
    assert_eq!(parents.collect::<Vec<_>>(), asked);
}

#[test]
fn a_policy_of_the_organization_is_told_as_json_and_none_where_there_is_none() {
    let (world, id) = with_account();
    let policy = json!({ "s3_attributes": { "public_access_block_configuration": "all" } });
    world.change_account(&id, |member| {
        member
            .org_policies
            .insert(OrgPolicyKind::S3, policy.clone());
    });
    let run = world.run(None);
    let told = |kind| done(&run, run.effective_policy(&id, kind)).unwrap();
    assert_eq!(told(OrgPolicyKind::S3), Some(policy.clone()));
    assert_eq!(told(OrgPolicyKind::Ec2), None);
}

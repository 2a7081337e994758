//! What is looked at and shown: status and plan.

use super::*;

/// A world with someone at each step of a rotation, and some trouble.
fn town() -> Arc<World> {
    let world = world();
    let (used, _) = registered(&world, "alice", 92);
    registered(&world, "bob", 91);
    handle(&world, &json!({ "users": ["alice", "bob"] }));
    let new = looked(&world, &look::scope(std::slice::from_ref(&used)));
    let new = new.observed.snapshot.user(&used).unwrap();
    let new = new.rotation().unwrap().issued.key.clone();
    world.jump(days(1));
    world.use_key(&new);
    world.jump(days(2));
    handle(&world, &json!({ "users": ["alice", "bob"] }));
    registered(&world, "carol", 30);
    registered(&world, "dave", 95);
    let erin = world.add_user("erin");
    world.add_key(&erin, days(120));
    let (frank, _) = registered(&world, "frank", 91);
    world.put_record(&frank, "somebody else's");
    world
}

#[test]
fn a_plan_is_shown_by_user_and_what_is_found_is_marked() {
    let looked = [looked(&town(), &Scope::Everyone)];
    expected::holds("keys/plan", |screen| settled(&plan::shown(&looked, screen)));
    let json = plan::as_json(&looked);
    let chains = json["accounts"][0]["plan"]["chains"].as_array().unwrap();
    assert!(chains.iter().any(|chain| chain["user"] == "dave"));
}

#[test]
fn where_rotations_stand_is_shown_with_what_needs_a_person_first() {
    let looked = looked(&town(), &Scope::Everyone);
    let rows = rows::rows(&looked, &policy().rotation);
    let needs: Vec<rows::Need> = rows.iter().map(|row| row.need).collect();
    assert!(needs.is_sorted(), "{needs:?}");
    assert_eq!(needs[0], rows::Need::Person);
    expected::holds("keys/status-all", |screen| {
        settled(&others::shown(&[(&looked, rows.clone())], screen))
    });
}

#[test]
fn a_switch_that_is_off_is_told_and_the_plan_shown_nonetheless() {
    let off = PolicyText::least().with_lines("rotation", "enabled = false");
    let looked = [looked_by(&town(), &off.parse(), &Scope::Everyone).unwrap()];
    expected::holds("keys/switched-off", |screen| {
        let text = plan::shown(&looked, screen);
        text.lines().take(4).collect::<Vec<_>>().join("\n")
    });
    assert!(!looked[0].plan.chains.is_empty());
}

#[test]
fn a_breach_is_told_loudly() {
    let mut looked = looked(&town(), &Scope::Everyone);
    let why = "would be left without a usable key";
    looked.breaches = vec![banto_domain::Breach::new("R1", "alice", why)];
    expected::holds("keys/refused", |screen| {
        let text = plan::shown(std::slice::from_ref(&looked), screen);
        text.lines().take(5).collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn of_records_that_these_credentials_may_not_read_nothing_is_planned_and_that_is_said() {
    let world = town();
    world.deny_records(true);
    let users = ["bob".parse().unwrap(), "dave".parse().unwrap()];
    let looked = looked(&world, &look::scope(&users));
    assert!(looked.closed.iter().eq(&users[..1]), "{:?}", looked.closed);
    let planned = looked.plan.chains.iter().map(|chain| &chain.user);
    assert!(planned.eq(&users[1..]) && looked.plan.waiting.is_empty());
    let rows = rows::rows(&looked, &policy().rotation);
    expected::holds("keys/closed", |screen| {
        let status = others::shown(&[(&looked, rows.clone())], screen);
        let plan = plan::shown(std::slice::from_ref(&looked), screen);
        settled(&format!("{status}\n\n{plan}"))
    });
}

#[test]
fn what_keeps_an_account_from_being_looked_at_is_an_error_that_names_call_and_account() {
    for kind in [ErrorKind::Denied, ErrorKind::Throttled] {
        let world = town();
        world.outage("iam:GetCredentialReport", kind, world.now() + days(1));
        let error = looked_by(&world, &policy(), &Scope::Everyone).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("111122223333") && text.contains("iam:GetCredentialReport"),
            "{text}"
        );
    }
}

#[test]
fn one_user_who_cannot_be_looked_at_hides_no_other() {
    let world = town();
    let soon = world.now() + days(1);
    world.outage("iam:GetAccessKeyLastUsed", ErrorKind::Throttled, soon);
    let looked = looked(&world, &Scope::Everyone);
    let unseen = &looked.observed.snapshot.not_observed;
    let is_unseen = |name: &str| unseen.iter().any(|one| one.subject == name);
    let rows = rows::rows(&looked, &policy().rotation);
    let is_shown = |name: &str| rows.iter().any(|row| row.user.as_str() == name);
    assert!(!unseen.is_empty(), "the outage hides somebody");
    for name in ["bob", "dave", "erin", "frank"] {
        assert!(is_shown(name) != is_unseen(name), "{name}: {unseen:?}");
    }
    assert!(rows.len() > 1, "{rows:?}");
    let all = [(&looked, rows)];
    assert_eq!(others::ending(&all), Ending::FINDINGS);
    let json = others::as_json(&all);
    assert_eq!(
        json["accounts"][0]["notObserved"].as_array().unwrap().len(),
        unseen.len()
    );
}

#[test]
fn users_of_several_accounts_need_the_account_named() {
    let two = PolicyText::least().with(
        "[[rotation.accounts]]",
        "[[rotation.accounts]]\nid = \"444455556666\"\n\
         role = \"arn:aws:iam::444455556666:role/banto\"\ncertificate_bucket = \"others\"\n\
         [[rotation.accounts]]",
    );
    let policy = two.parse();
    let error = look::account_of(&policy, None).unwrap_err().to_string();
    assert!(
        error.contains("--account 444455556666, 111122223333"),
        "{error}"
    );
    let named = "111122223333".parse().unwrap();
    assert_eq!(look::account_of(&policy, Some(&named)).unwrap(), named);
    let foreign = "999988887777".parse().unwrap();
    assert!(look::account_of(&policy, Some(&foreign)).is_err());
}

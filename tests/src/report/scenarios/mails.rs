//! Who gets which mail.

use serde_json::{Value, json};

use crate::harness::handle;
use crate::report::archive::{BAD, deliver, evaluated};
use crate::report::harness::{
    LEGACY, OWNERS, PAYMENTS, REGION, SEARCH, VERSIONING, hour, mails, notices, policy, receivers,
    scheduled, stored, two_months,
};

/// What became of each mail, as the response has it.
fn states(made: &Value) -> Vec<String> {
    let mails = made["mails"].as_array().unwrap();
    let state = |mail: &Value| {
        format!(
            "{} {}",
            mail["name"].as_str().unwrap(),
            mail["state"].as_str().unwrap()
        )
    };
    mails.iter().map(state).collect()
}

#[test]
fn an_owners_mail_has_only_theirs() {
    let world = two_months();
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(
        receivers(&world),
        [
            "sre@example.com",
            "payments@example.com",
            "search@example.com"
        ]
    );
    assert_eq!(
        states(&made),
        [
            "all sent",
            "legacy noAddress",
            "payments sent",
            "search@example.com sent"
        ]
    );
    let everything = |mail: &banto_ports::Mail| {
        let files = mail.attachments.iter();
        let files: Vec<String> = files
            .map(|file| String::from_utf8(file.body.clone()).unwrap())
            .collect();
        assert_eq!(files.len(), 1, "{}", mail.subject);
        format!(
            "{}\n{}\n{}\n{}",
            mail.subject,
            mail.text,
            mail.html,
            files.join("\n")
        )
    };
    let mails = mails(&world);
    for (mail, own) in [(&mails[1], PAYMENTS), (&mails[2], SEARCH)] {
        let said = everything(mail);
        assert!(said.contains(own));
        for (account, name, _) in OWNERS.iter().filter(|(account, ..)| *account != own) {
            assert!(
                !said.contains(account) && !said.contains(name),
                "{account} in {said}"
            );
        }
    }
    let all = everything(&mails[0]);
    for (account, ..) in OWNERS {
        assert!(all.contains(account), "{account}");
    }
}

#[test]
fn an_owner_without_an_address_is_told_to_operators() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let notices = notices(&world);
    assert_eq!(notices.len(), 1);
    let body = &notices[0].body;
    assert!(body.contains("Owners without an address"), "{body}");
    assert!(body.contains("legacy"), "{body}");
    assert!(
        body.contains("https://reports.example.com/dashboard/2026-10/index.html"),
        "{body}"
    );
}

#[test]
fn a_csv_that_is_too_large_for_a_mail_is_linked() {
    let world = two_months();
    // Some 600 bytes each.
    let names: Vec<&'static str> = (0..14_000)
        .map(|number| {
            let name = format!("bucket-{number:0>200}");
            &*Box::leak(name.into_boxed_str())
        })
        .collect();
    let many: Vec<_> = names
        .iter()
        .map(|name| evaluated(VERSIONING, name, BAD))
        .collect();
    deliver(&world, PAYMENTS, REGION, "2026-10-31T05:00:00Z", &many);
    let mut policy = policy();
    policy.mail.as_mut().unwrap().to.clear();
    handle(&world, &policy, &scheduled());
    let mails = mails(&world);
    assert_eq!(mails[0].to, ["payments@example.com"]);
    assert!(mails[0].attachments.is_empty());
    let key = "dashboard/2026-10/findings-owner-payments.csv";
    let address = format!("https://reports.example.com/{key}");
    assert!(mails[0].text.contains(&address), "{}", mails[0].text);
    let csv = stored(&world, key).unwrap();
    assert_eq!(
        csv.lines().filter(|line| line.contains(",new,")).count(),
        14_000
    );
    // The others' lists fit.
    assert_eq!(mails[1].attachments.len(), 1);
}

#[test]
fn a_month_made_anew_sends_no_mail_again() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    deliver(
        &world,
        PAYMENTS,
        REGION,
        "2026-10-31T05:00:00Z",
        &[evaluated(VERSIONING, "fresh", BAD)],
    );
    let sent = mails(&world).len();
    world.advance(hour());
    let made = handle(&world, &policy(), &json!({ "again": true }));
    assert_eq!(made["totals"]["closed"], 2, "it was read anew");
    assert_eq!(
        states(&made),
        [
            "all sentBefore",
            "legacy noAddress",
            "payments sentBefore",
            "search@example.com sentBefore"
        ]
    );
    assert_eq!(mails(&world).len(), sent);
}

#[test]
fn a_mail_that_is_asked_for_again_is_sent_again_and_no_other() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let before = receivers(&world).len();
    let made = handle(&world, &policy(), &json!({ "resend": ["payments"] }));
    assert_eq!(states(&made), ["payments sent"]);
    assert_eq!(receivers(&world)[before..], ["payments@example.com"]);
    assert_eq!(mails(&world)[1], mails(&world)[before]);
    assert_eq!(made["accountsRead"], 0);
}

#[test]
fn an_owner_whose_address_came_later_gets_the_mail_that_is_asked_for() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let mut policy = policy();
    let owners = &mut policy.mail.as_mut().unwrap().owners;
    owners.insert("legacy".to_owned(), vec!["legacy@example.com".to_owned()]);
    handle(&world, &policy, &json!({ "resend": ["legacy"] }));
    let last = mails(&world).pop().unwrap();
    assert_eq!(last.to, ["legacy@example.com"]);
    assert!(last.text.contains(LEGACY));
}

#[test]
fn a_mail_that_the_month_does_not_have_is_refused_by_name() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let before = receivers(&world);
    let event = json!({ "resend": ["paiments"] });
    let (handled, _) = crate::harness::handle_with(&world, &policy(), &event, None);
    let banto_fake::Driven::Done(Err(error)) = handled else {
        panic!("not refused")
    };
    assert_eq!(error.kind, "UnknownMail");
    assert!(error.to_string().contains("payments"), "{error}");
    assert_eq!(receivers(&world), before);
}

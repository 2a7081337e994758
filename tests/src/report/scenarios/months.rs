//! One month after the other.

use banto_domain::policy::compliance::Waiver;
use serde_json::json;

use crate::harness::handle;
use crate::report::archive::{BAD, Evaluated, GOOD, deliver, evaluated};
use crate::report::harness::{
    LEGACY, OWNERS, PAYMENTS, REGION, SEARCH, VERSIONING, mails, october, organization, policy,
    receivers, scheduled, september, start, statuses, stored, stored_json, two_months,
};

#[test]
fn the_first_month_is_compared_with_the_one_before_where_the_archive_has_it() {
    let world = two_months();
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["month"], "2026-10");
    assert_eq!(made["comparedWith"], "2026-09");
    assert_eq!(made["accounts"], 3);
    let expected = json!({
        "compliant": 6, "new": 3, "open": 3, "waived": 0, "unknown": 0, "fixed": 3, "closed": 0,
    });
    assert_eq!(made["totals"], expected);
    assert_eq!(
        statuses(&world, "2026-10", PAYMENTS),
        ["fresh new", "lasting open", "old fixed"]
    );
    // The month before is not published.
    assert_eq!(stored(&world, "months/2026-09/summary.json"), None);
    assert_eq!(stored(&world, "dashboard/2026-09/index.html"), None);
}

#[test]
fn without_a_month_before_new_is_what_was_recorded_in_the_month() {
    let world = organization();
    october(&world, PAYMENTS);
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["comparedWith"], json!(null));
    assert_eq!(
        statuses(&world, "2026-10", PAYMENTS),
        ["fresh new", "lasting open"]
    );
}

#[test]
fn the_next_month_says_what_became_of_each_finding() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let november = [
        evaluated(VERSIONING, "fresh", BAD),
        evaluated(VERSIONING, "lasting", GOOD),
        Evaluated {
            recorded_at: "2026-11-12T09:00:00Z",
            ..evaluated(VERSIONING, "newest", BAD)
        },
    ];
    for (account, ..) in OWNERS {
        deliver(&world, account, REGION, "2026-11-30T03:00:00Z", &november);
    }
    world.advance_to("2026-12-02T03:00:00Z".parse().unwrap());
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["month"], "2026-11");
    assert_eq!(made["comparedWith"], "2026-10");
    assert_eq!(
        statuses(&world, "2026-11", SEARCH),
        ["fresh open", "lasting fixed", "newest new"]
    );
    let report = stored_json(&world, "months/2026-11/report.json");
    let months: Vec<_> = report["trend"].as_array().unwrap().iter().collect();
    assert_eq!(months.len(), 2);
    assert_eq!(months[0]["month"], "2026-10");
    assert_eq!(months[1]["totals"], made["totals"]);
    let newest = stored(&world, "dashboard/index.html").unwrap();
    assert!(newest.contains("2026-11/index.html"), "{newest}");
    // Last month's page stays.
    assert!(stored(&world, "dashboard/2026-10/index.html").is_some());
}

#[test]
fn a_finding_whose_resource_is_gone_is_closed() {
    let world = organization();
    september(&world, PAYMENTS);
    let rest = [evaluated(VERSIONING, "good", GOOD)];
    deliver(&world, PAYMENTS, REGION, "2026-10-31T03:00:00Z", &rest);
    handle(&world, &policy(), &scheduled());
    assert_eq!(
        statuses(&world, "2026-10", PAYMENTS),
        ["lasting closed", "old closed"]
    );
}

#[test]
fn what_a_waiver_accepts_is_waived_until_the_waiver_ends() {
    let waiver = |bucket: &str, until: &str| Waiver {
        rule: "s3-bucket-versioning-enabled".to_owned(),
        account: None,
        resource: bucket.to_owned(),
        owner: "alice".to_owned(),
        reason: "a cache".to_owned(),
        until: until.parse().unwrap(),
    };
    let mut policy = policy();
    policy.findings.waivers = vec![
        waiver("fresh", "2026-11-20T00:00:00Z"),
        waiver("lasting", "2026-10-20T00:00:00Z"),
    ];
    let world = two_months();
    let made = handle(&world, &policy, &scheduled());
    assert_eq!(
        statuses(&world, "2026-10", PAYMENTS),
        ["fresh waived", "lasting open", "old fixed"]
    );
    assert_eq!(made["totals"]["waived"], 3);
}

#[test]
fn a_suspended_account_that_delivers_nothing_is_left_out_and_named() {
    let world = two_months();
    let suspend = |id: &str| {
        world.change_account(&id.parse().unwrap(), |account| {
            account.org.state = banto_ports::AccountState::Suspended;
        });
    };
    suspend(LEGACY);
    world.delete_object(
        crate::report::archive::ARCHIVE,
        &crate::report::archive::key(LEGACY, REGION, "2026-10-31T03:00:00Z"),
    );
    // One that still delivers is in the report, whatever Organizations says.
    suspend(SEARCH);
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["accounts"], 2);
    assert_eq!(made["accountsLeftOut"], json!([LEGACY]));
}

#[test]
fn an_account_that_joined_after_the_month_is_not_in_its_report() {
    let world = two_months();
    let joined_at = "2026-11-01T00:00:00Z".parse().unwrap();
    for id in [LEGACY, SEARCH] {
        world.change_account(&id.parse().unwrap(), |account| {
            account.org.joined_at = Some(joined_at);
        });
    }
    world.delete_object(
        crate::report::archive::ARCHIVE,
        &crate::report::archive::key(LEGACY, REGION, "2026-10-31T03:00:00Z"),
    );
    // One that delivered before, in another Organization or after an invitation, is.
    let made = handle(&world, &policy(), &scheduled());
    assert_eq!(made["accounts"], 2);
    assert_eq!(made["accountsLeftOut"], json!([LEGACY]));
}

#[test]
fn a_month_that_lasts_has_a_page_and_no_mail() {
    let world = two_months();
    let november = [evaluated(VERSIONING, "fresh", BAD)];
    deliver(&world, PAYMENTS, REGION, "2026-11-01T03:00:00Z", &november);
    let made = handle(&world, &policy(), &json!({ "month": "2026-11" }));
    assert_eq!(made["until"], json!(start()));
    assert!(stored(&world, "dashboard/2026-11/index.html").is_some());
    assert_eq!(stored(&world, "dashboard/index.html"), None);
    assert_eq!(stored(&world, "months/2026-11/summary.json"), None);
    assert!(mails(&world).is_empty());
    // The mails of October come in their time.
    handle(&world, &policy(), &scheduled());
    assert_eq!(receivers(&world).len(), 3);
}

#[test]
fn an_older_month_made_anew_leaves_the_newest_page_alone() {
    let world = two_months();
    handle(&world, &policy(), &scheduled());
    let newest = stored(&world, "dashboard/index.html");
    let made = handle(&world, &policy(), &json!({ "month": "2026-09" }));
    assert_eq!(made["month"], "2026-09");
    assert_eq!(stored(&world, "dashboard/index.html"), newest);
    assert!(stored(&world, "dashboard/2026-09/index.html").is_some());
}

#[test]
fn a_month_that_another_was_compared_with_is_made_anew_for_its_own_report() {
    let world = two_months();
    let older = [evaluated(VERSIONING, "older", BAD)];
    deliver(&world, PAYMENTS, REGION, "2026-08-31T03:00:00Z", &older);
    handle(&world, &policy(), &scheduled());
    let before = statuses(&world, "2026-09", PAYMENTS);
    assert!(!before.contains(&"older closed".to_owned()), "{before:?}");
    handle(&world, &policy(), &json!({ "month": "2026-09" }));
    let own = statuses(&world, "2026-09", PAYMENTS);
    assert!(own.contains(&"older closed".to_owned()), "{own:?}");
}

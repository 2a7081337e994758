//! What waivers accept.

use super::*;
use crate::model::waiver_id;

fn waiver(resource: &str, until: &str) -> Waiver {
    Waiver {
        rule: "bucket-*".to_owned(),
        account: None,
        resource: resource.to_owned(),
        owner: "alice".to_owned(),
        reason: "moves in December".to_owned(),
        until: at(until),
    }
}

/// The status of a bucket with an id and a name, under a waiver.
fn status(waiver: Waiver) -> FindingStatus {
    let mut policy = policy();
    policy.findings.waivers = vec![waiver.clone()];
    let mut seen = snapshot();
    let mut bucket = evaluation(RULE, (BUCKET, "b-123"), Verdict::Noncompliant);
    bucket.name = Some("reports".to_owned());
    seen.evidence.regions = [(ireland(), current(&[bucket]))].into();
    let collected = plan(&seen, &policy);
    let row = &collected.findings[0];
    let is_waived = row.status == FindingStatus::Waived;
    assert_eq!(row.waiver.is_some(), is_waived);
    let counted = collected.account.waived.get(&waiver_id(&waiver));
    assert_eq!(counted.copied(), is_waived.then_some(1));
    row.status
}

#[test]
fn a_waiver_names_its_resource_by_id_or_by_name() {
    let until = "2027-01-01T00:00:00Z";
    assert_eq!(status(waiver("b-123", until)), FindingStatus::Waived);
    assert_eq!(status(waiver("rep*", until)), FindingStatus::Waived);
    assert_eq!(status(waiver("other", until)), FindingStatus::New);
}

#[test]
fn a_waiver_is_for_its_rule_and_account_only() {
    let until = "2027-01-01T00:00:00Z";
    let of_account = |account: &str| Waiver {
        account: Some(account.parse().unwrap()),
        ..waiver("*", until)
    };
    assert_eq!(status(of_account(ACCOUNT)), FindingStatus::Waived);
    assert_eq!(status(of_account("999988887777")), FindingStatus::New);
    let of_rule = Waiver {
        rule: "other".to_owned(),
        ..waiver("*", until)
    };
    assert_eq!(status(of_rule), FindingStatus::New);
}

#[test]
fn a_waiver_counts_if_it_still_holds_when_the_month_has_ended() {
    // The policy's `until = 2026-11-01` and `until = 2026-10-31`.
    let holds = waiver("*", "2026-11-02T00:00:00Z");
    assert_eq!(status(holds), FindingStatus::Waived);
    let ends_with_the_month = waiver("*", "2026-11-01T00:00:00Z");
    assert_eq!(status(ends_with_the_month), FindingStatus::New);
    let has_ended = waiver("*", "2026-10-15T00:00:00Z");
    assert_eq!(status(has_ended), FindingStatus::New);
}

#[test]
fn what_a_waiver_accepted_is_open_once_it_ends_as_old_as_it_is() {
    let bucket = (BUCKET, "b-123");
    let mut seen = snapshot();
    let waived = FindingRow {
        status: FindingStatus::Waived,
        ..row(key(&ireland(), RULE, bucket))
    };
    seen.previous = before(vec![waived]);
    let evaluations = [evaluation(RULE, bucket, Verdict::Noncompliant)];
    seen.evidence.regions = [(ireland(), current(&evaluations))].into();
    let row = &plan(&seen, &policy()).findings[0];
    let since = at("2026-08-01T00:00:00Z");
    assert_eq!((row.status, row.since), (FindingStatus::Open, since));
}

#[test]
fn a_name_that_was_known_before_counts_where_the_snapshot_has_none() {
    let bucket = (BUCKET, "b-123");
    let mut seen = snapshot();
    seen.previous = before(vec![FindingRow {
        name: Some("reports".to_owned()),
        ..row(key(&ireland(), RULE, bucket))
    }]);
    let evaluations = [evaluation(RULE, bucket, Verdict::Noncompliant)];
    seen.evidence.regions = [(ireland(), current(&evaluations))].into();
    let mut policy = policy();
    policy.findings.waivers = vec![waiver("reports", "2027-01-01T00:00:00Z")];
    let row = &plan(&seen, &policy).findings[0];
    assert_eq!(row.status, FindingStatus::Waived);
    assert_eq!(row.name.as_deref(), Some("reports"));
}

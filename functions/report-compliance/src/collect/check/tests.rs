//! Months that break a promise are refused: one test for each check.

use banto_domain::Region;
use banto_domain::policy::compliance::Waiver;

use super::*;
use crate::collect::plan::plan;
use crate::collect::plan::tests::{
    BUCKET, RULE, USER, at, before, current, evaluation, expecting, ireland, key, row, rule,
    snapshot, stale, virginia,
};
use crate::evidence::{RegionEvidence, Verdict};
use crate::model::{Coverage, FindingRow, FindingStatus, RuleMonth, UnknownReason};

const SYDNEY: &str = "ap-southeast-2";

/// An account in which there is one finding of each status, and a region that went silent.
fn seen() -> Snapshot {
    let mut seen = snapshot();
    let bucket = |id: &'static str| (BUCKET, id);
    let open = ["open", "fixed", "closed", "unsure", "gone"];
    let open = open.map(|id| row(key(&ireland(), RULE, bucket(id))));
    seen.previous = before(open.to_vec());
    let evaluations = [
        evaluation(RULE, bucket("open"), Verdict::Noncompliant),
        evaluation(RULE, bucket("young"), Verdict::Noncompliant),
        evaluation(RULE, bucket("waived"), Verdict::Noncompliant),
        evaluation(RULE, bucket("fixed"), Verdict::Compliant),
        evaluation(RULE, bucket("closed"), Verdict::NotApplicable),
        evaluation(RULE, bucket("unsure"), Verdict::InsufficientData),
        evaluation(RULE, bucket("good"), Verdict::Compliant),
        evaluation(
            "iam-user-mfa-enabled",
            (USER, "AIDAALICE"),
            Verdict::Compliant,
        ),
    ];
    let silent = [
        evaluation(RULE, bucket("far"), Verdict::Noncompliant),
        evaluation(RULE, bucket("far-good"), Verdict::Compliant),
    ];
    seen.evidence.regions = [
        (ireland(), current(&evaluations)),
        (sydney(), stale(&silent)),
    ]
    .into();
    seen
}

fn sydney() -> Region {
    SYDNEY.parse().unwrap()
}

fn policy() -> ReportPolicy {
    let mut policy = expecting(&[RULE, "encrypted-volumes"]);
    policy.findings.waivers = vec![Waiver {
        rule: "*".to_owned(),
        account: None,
        resource: "waived".to_owned(),
        owner: "alice".to_owned(),
        reason: "moves in December".to_owned(),
        until: at("2027-01-01T00:00:00Z"),
    }];
    policy
}

/// What the checks say of a month, once something was changed.
fn breaches(change: impl FnOnce(&mut Collected)) -> Vec<String> {
    let (seen, policy) = (seen(), policy());
    let mut collected = plan(&seen, &policy);
    assert_eq!(check(&seen, &collected, &policy), vec![]);
    change(&mut collected);
    let breaches = check(&seen, &collected, &policy);
    breaches.into_iter().map(|breach| breach.what).collect()
}

#[track_caller]
fn assert_refused(words: &str, change: impl FnOnce(&mut Collected)) {
    let breaches = breaches(change);
    let is_found = breaches.iter().any(|what| what.contains(words));
    assert!(is_found, "{breaches:#?}");
}

fn finding<'a>(collected: &'a mut Collected, resource: &str) -> &'a mut FindingRow {
    let mut rows = collected.findings.iter_mut();
    rows.find(|row| row.key.resource_id == resource).unwrap()
}

fn rule_in<'a>(collected: &'a mut Collected, region: &Region, name: &str) -> &'a mut RuleMonth {
    let mut rules = collected.account.rules.iter_mut();
    let found = rules.find(|known| known.region == *region && known.rule == rule(name));
    found.unwrap()
}

#[test]
fn a_finding_that_is_listed_twice_is_refused() {
    assert_refused("open of bucket-public would be listed twice", |collected| {
        let again = finding(collected, "open").clone();
        collected.findings.push(again);
    });
}

#[test]
fn a_finding_of_another_account_is_refused() {
    assert_refused("is of another account", |collected| {
        finding(collected, "open").key.account = "999988887777".parse().unwrap();
    });
}

#[test]
fn an_open_finding_that_nothing_speaks_of_is_refused() {
    assert_refused("nothing says that it is not compliant", |collected| {
        finding(collected, "fixed").status = FindingStatus::Open;
    });
}

#[test]
fn a_finding_that_is_left_out_is_refused() {
    assert_refused("young of bucket-public would not be told", |collected| {
        collected
            .findings
            .retain(|row| row.key.resource_id != "young");
    });
    assert_refused("far of bucket-public would not be told", |collected| {
        collected
            .findings
            .retain(|row| row.key.resource_id != "far");
    });
}

#[test]
fn an_end_that_nothing_speaks_of_is_refused() {
    assert_refused("unsure of bucket-public would be fixed", |collected| {
        finding(collected, "unsure").status = FindingStatus::Fixed;
    });
    assert_refused("far of bucket-public would be closed", |collected| {
        finding(collected, "far").status = FindingStatus::Closed;
    });
}

#[test]
fn an_end_for_the_silence_of_an_expected_rule_is_refused() {
    let bucket = (BUCKET, "reports");
    let mut seen = snapshot();
    seen.previous = before(vec![row(key(&ireland(), RULE, bucket))]);
    let other = [evaluation("other", bucket, Verdict::Compliant)];
    seen.evidence.regions = [(ireland(), current(&other))].into();
    let unexpected = plan(&seen, &expecting(&[]));
    assert_eq!(unexpected.findings[0].status, FindingStatus::Closed);
    let breaches = check(&seen, &unexpected, &expecting(&[RULE]));
    let is_found = |breach: &Breach| breach.what.contains("closed, and nothing says so");
    assert!(breaches.iter().any(is_found), "{breaches:#?}");
}

#[test]
fn an_end_of_a_user_in_the_silence_about_iam_is_refused() {
    let mut seen = snapshot();
    let alice = key(&ireland(), "iam-user-mfa-enabled", (USER, "AIDAALICE"));
    seen.previous = before(vec![row(alice)]);
    seen.evidence.regions = [(virginia(), RegionEvidence::default())].into();
    let mut collected = plan(&seen, &expecting(&[]));
    assert_eq!(check(&seen, &collected, &expecting(&[])), vec![]);
    let alice = finding(&mut collected, "AIDAALICE");
    (alice.status, alice.unknown_because) = (FindingStatus::Closed, None);
    let breaches = check(&seen, &collected, &expecting(&[]));
    let is_found = |breach: &Breach| breach.what.contains("closed, and nothing says so");
    assert!(breaches.iter().any(is_found), "{breaches:#?}");
}

#[test]
fn a_new_finding_that_was_open_before_is_refused() {
    assert_refused("would be new, and was open before", |collected| {
        finding(collected, "open").status = FindingStatus::New;
    });
    assert_refused("would be open, and was not open before", |collected| {
        finding(collected, "young").status = FindingStatus::Open;
    });
}

#[test]
fn a_finding_that_was_open_and_is_not_accounted_for_is_refused() {
    assert_refused("nothing would be said of gone", |collected| {
        collected
            .findings
            .retain(|row| row.key.resource_id != "gone");
    });
}

#[test]
fn another_age_than_before_is_refused() {
    assert_refused("open of bucket-public would be open since", |collected| {
        finding(collected, "open").since = at("2026-10-10T00:00:00Z");
    });
    assert_refused("young of bucket-public would be open since", |collected| {
        finding(collected, "young").since = at("2026-11-01T00:00:01Z");
    });
}

#[test]
fn an_unknown_finding_without_a_reason_is_refused() {
    assert_refused("would be unknown, unknown because None", |collected| {
        finding(collected, "unsure").unknown_because = None;
    });
    assert_refused("would be open, unknown because Some", |collected| {
        finding(collected, "open").unknown_because = Some(UnknownReason::InsufficientData);
    });
}

#[test]
fn a_waived_finding_without_a_waiver_is_refused() {
    assert_refused("open of bucket-public would be waived", |collected| {
        finding(collected, "open").status = FindingStatus::Waived;
    });
    assert_refused("waived of bucket-public would be new", |collected| {
        finding(collected, "waived").status = FindingStatus::New;
    });
    assert_refused("waived of bucket-public would be waived", |collected| {
        let note = finding(collected, "waived").waiver.as_mut().unwrap();
        note.until = at("2099-01-01T00:00:00Z");
    });
}

#[test]
fn a_silent_region_that_counts_is_refused() {
    assert_refused("would be known, and has gone silent", |collected| {
        let region = collected.account.regions.get_mut(&sydney()).unwrap();
        region.unknown_because = None;
    });
    assert_refused("would be compliant, and the region has gone", |collected| {
        rule_in(collected, &sydney(), RULE).tally.compliant += 1;
    });
}

#[test]
fn coverage_without_an_evaluation_is_refused() {
    assert_refused("would be known, and evaluated nothing", |collected| {
        rule_in(collected, &ireland(), "encrypted-volumes").coverage = Coverage::Known;
    });
}

#[test]
fn an_expected_rule_that_is_not_listed_is_refused() {
    assert_refused(
        "encrypted-volumes in ap-southeast-2 is expected",
        |collected| {
            let rules = &mut collected.account.rules;
            rules.retain(|known| known.rule != rule("encrypted-volumes"));
        },
    );
}

#[test]
fn a_number_without_its_rows_is_refused() {
    assert_refused("would have 2 open, and has 1 of them", |collected| {
        rule_in(collected, &ireland(), RULE).tally.open += 1;
    });
    assert_refused("has findings, and would not be listed", |collected| {
        let rules = &mut collected.account.rules;
        rules.retain(|known| known.rule != rule(RULE));
    });
}

#[test]
fn a_compliant_evaluation_that_is_not_there_is_refused() {
    assert_refused(
        "would have 3 compliant and 1 unknown, and has 2",
        |collected| {
            rule_in(collected, &ireland(), RULE).tally.compliant += 1;
        },
    );
    assert_refused(
        "would have 0 compliant and 0 unknown, and has 1",
        |collected| {
            rule_in(collected, &virginia(), "iam-user-mfa-enabled")
                .tally
                .compliant = 0;
        },
    );
}

#[test]
fn other_findings_than_the_worst_are_refused() {
    assert_refused("its worst findings would be others", |collected| {
        collected.account.worst.pop();
    });
    assert_refused("its worst findings would be others", |collected| {
        let fixed = finding(collected, "fixed").clone();
        collected.account.worst[0] = fixed;
    });
    assert_refused("its oldest finding would be of None", |collected| {
        collected.account.oldest = None;
    });
    assert_refused("the oldest finding of bucket-public", |collected| {
        rule_in(collected, &ireland(), RULE).oldest = None;
    });
}

#[test]
fn waivers_that_accept_more_than_is_waived_are_refused() {
    assert_refused(
        "waivers would accept 2 findings, and accept 1",
        |collected| {
            *collected.account.waived.values_mut().next().unwrap() += 1;
        },
    );
}

//! Archives that were made by somebody else, with all that is odd about them.

use banto_domain::RuleName;
use banto_samples::{Oddity, RegionTruth, Shape};

use super::*;
use crate::evidence::Verdict;

/// Every oddity that the archives have; `None` for none.
fn oddities() -> Vec<Option<Oddity>> {
    let all = [
        Oddity::LowerCaseKeys,
        Oddity::ConfigurationAsText,
        Oddity::OversizedNotifications,
        Oddity::Truncated,
        Oddity::Corrupt,
        Oddity::NotJson,
        Oddity::NoItems,
        Oddity::NoComplianceItems,
        Oddity::StoppedIn(october().month),
        Oddity::NeverDelivered,
        Oddity::InsufficientData,
        Oddity::NotApplicable,
        Oddity::UnknownFields,
        Oddity::HugeItem,
        Oddity::GlobalTwice,
        Oddity::PaddedDates,
    ];
    all.into_iter().map(Some).chain([None]).collect()
}

/// Three snapshots a day, below a prefix of one's own and below Control Tower's in turn.
fn made(oddity: Option<Oddity>) -> banto_samples::Archive {
    banto_samples::Archive::new(Shape {
        roots: vec!["x/".to_owned(), "x/o-abc1234567/".to_owned()],
        snapshots_a_day: 3,
        oddities: oddity.map(|oddity| (0, oddity)).into_iter().collect(),
        ..Shape::default()
    })
}

fn engine(made: &banto_samples::Archive) -> Embedded {
    let objects = made.objects().map(|object| (object.key, object.bytes));
    let archive = Archive {
        objects: objects.collect(),
        ..Archive::default()
    };
    Embedded::new(Arc::new(archive), String::new(), true)
}

/// The findings with a verdict, and since when AWS Config has it.
fn with_verdict(
    account: &AccountId,
    region: &Region,
    evidence: &RegionEvidence,
    verdict: Verdict,
) -> BTreeMap<FindingKey, Timestamp> {
    let evaluations = evidence.evaluations.iter();
    let found = evaluations.filter(|evaluation| evaluation.verdict == verdict);
    let finding = |evaluation: &Evaluation| {
        let key = FindingKey::new(
            account.clone(),
            region,
            evaluation.rule.clone(),
            evaluation.resource_type.clone(),
            evaluation.resource_id.clone(),
        );
        (key, evaluation.recorded_at)
    };
    found.map(finding).collect()
}

/// The numbers of compliant evaluations by rule, those of global resources among them.
fn compliant(evidence: &RegionEvidence) -> BTreeMap<RuleName, u64> {
    let counts = evidence.counts.iter();
    let mut numbers: BTreeMap<RuleName, u64> = counts
        .map(|(rule, counts)| (rule.clone(), counts.compliant))
        .filter(|(_, number)| *number > 0)
        .collect();
    let evaluations = evidence.evaluations.iter();
    for evaluation in evaluations.filter(|one| one.verdict == Verdict::Compliant) {
        *numbers.entry(evaluation.rule.clone()).or_default() += 1;
    }
    numbers
}

fn assert_is_true(
    account: &AccountId,
    region: &Region,
    read: &RegionEvidence,
    truth: &RegionTruth,
) {
    let key = read.snapshot.as_ref().map(|snapshot| &snapshot.key);
    assert_eq!(key, truth.key.as_ref());
    assert_eq!(compliant(read), truth.compliant);
    let open = with_verdict(account, region, read, Verdict::Noncompliant);
    assert_eq!(open, truth.open);
    let insufficient = with_verdict(account, region, read, Verdict::InsufficientData);
    let insufficient: BTreeSet<FindingKey> = insufficient.into_keys().collect();
    assert_eq!(insufficient, truth.insufficient_data);
}

#[tokio::test]
async fn whatever_is_odd_about_an_archive_what_is_read_is_what_was_put_into_it() {
    for oddity in oddities() {
        let made = made(oddity);
        let engine = engine(&made);
        for number in 0..2 {
            let truth = made.truth(number, october().month).unwrap();
            let job = ReadJob {
                account: &truth.account,
                period: october(),
                previously_open: &BTreeSet::new(),
                before: "",
            };
            let read = engine.read(job).await.unwrap();
            let regions: Vec<&Region> = read.regions.keys().collect();
            assert_eq!(
                regions,
                truth.regions.keys().collect::<Vec<_>>(),
                "{oddity:?}"
            );
            assert_eq!(read.recorded, truth.recorded, "{oddity:?}");
            for (region, truth) in &truth.regions {
                let evidence = &read.regions[region];
                // An item above 4 MB is passed over and told.
                let is_huge = number == 0 && oddity == Some(Oddity::HugeItem);
                let passed_over = u64::from(is_huge);
                assert_eq!(evidence.resources + passed_over, truth.resources);
                assert_is_true(job.account, region, evidence, truth);
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_of_an_archive_is_named() {
    for (oddity, expected) in [
        (Oddity::Truncated, "its gzip data ends in the middle"),
        (Oddity::NotJson, "it is not JSON"),
        (Oddity::HugeItem, "1 item above 4 MB"),
    ] {
        let made = made(Some(oddity));
        let engine = engine(&made);
        let job = ReadJob {
            account: &made.shape().accounts[0].id,
            period: october(),
            previously_open: &BTreeSet::new(),
            before: "",
        };
        let problems = engine.read(job).await.unwrap().problems;
        assert_eq!(words(&problems), [expected; 2], "{oddity:?}");
    }
}

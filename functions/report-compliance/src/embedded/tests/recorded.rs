//! Objects as AWS documents them; `tests/recorded/README.md` has their sources.

use super::super::document::Document;
use super::super::history::Recorded;
use super::*;
use crate::evidence::Verdict;

fn read(text: &str) -> RegionEvidence {
    let read = read_pieces(text.as_bytes(), 100, &BTreeSet::new());
    let (evidence, problems) = read.unwrap();
    assert_eq!(problems, []);
    evidence
}

#[test]
fn the_documented_snapshot_has_two_resources() {
    let evidence = read(include_str!("../../../tests/recorded/snapshot.json"));
    assert_eq!((evidence.resources, evidence.evaluations.len()), (2, 0));
}

#[test]
fn the_documented_history_has_three_items_of_one_type() {
    let mut document = Document::new(Recorded::default());
    let text = include_str!("../../../tests/recorded/history.json");
    document.push(text.as_bytes()).unwrap();
    let recorded = document.finish().unwrap();
    assert_eq!(
        recorded.by_type,
        BTreeMap::from([("AWS::EC2::Volume".to_owned(), 3)])
    );
}

#[test]
fn the_documented_compliance_is_the_same_in_snapshots_and_in_the_apis_answers() {
    let snapshot = read(include_str!(
        "../../../tests/recorded/compliance-snapshot.json"
    ));
    let answer = read(include_str!(
        "../../../tests/recorded/compliance-history.json"
    ));
    let expected = Evaluation {
        rule: "s3-bucket-logging-enabled".parse().unwrap(),
        resource_type: "AWS::S3::Bucket".to_owned(),
        resource_id: "payments-archive".to_owned(),
        name: None,
        arn: None,
        verdict: Verdict::Noncompliant,
        recorded_at: time("2026-09-30T20:26:06.921Z"),
    };
    assert_eq!(snapshot.evaluations, [expected]);
    assert_eq!(told(&answer), told(&snapshot));
    assert_eq!(snapshot.counts.len(), 2);
}

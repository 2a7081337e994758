//! Configuration items.

use super::*;
use crate::evidence::VerdictCounts;

#[test]
fn verdicts_are_counted_by_rule_as_deployed() {
    let evidence = evidence_of(&[
        bucket("a"),
        compliance(
            "AWS::S3::Bucket",
            "a",
            &[("rule-1", "COMPLIANT"), ("rule-2", "NON_COMPLIANT")],
        ),
        compliance(
            "AWS::S3::Bucket",
            "b",
            &[("rule-1", "NOT_APPLICABLE"), ("rule-2", "COMPLIANT")],
        ),
        compliance("AWS::S3::Bucket", "c", &[("rule-1", "INSUFFICIENT_DATA")]),
    ]);
    let first = VerdictCounts {
        compliant: 1,
        not_applicable: 1,
        insufficient_data: 1,
        noncompliant: 0,
    };
    let second = VerdictCounts {
        compliant: 1,
        noncompliant: 1,
        ..VerdictCounts::default()
    };
    let rules = [
        ("rule-1".parse().unwrap(), first),
        ("rule-2".parse().unwrap(), second),
    ];
    assert_eq!(evidence.counts, BTreeMap::from(rules));
    assert_eq!(evidence.resources, 1);
    assert_eq!(evidence.snapshot, Some(snapshot()));
    assert_eq!(
        told(&evidence),
        ["rule-1 c InsufficientData", "rule-2 a Noncompliant"]
    );
}

#[test]
fn both_spellings_of_compliance_keys_and_a_configuration_in_a_string_mean_the_same() {
    let item = compliance("AWS::S3::Bucket", "a\"b", &[("rule-1", "NON_COMPLIANT")]);
    let plain = evidence_of(std::slice::from_ref(&item));
    assert_eq!(told(&plain), ["rule-1 a\"b Noncompliant"]);
    let folded = Value::folded(&item["configuration"]);
    for configuration in [
        folded.clone(),
        Value::String(item["configuration"].to_string()),
        Value::String(folded.to_string()),
    ] {
        let mut other = item.clone();
        other["configuration"] = configuration;
        assert_eq!(evidence_of(&[other]), plain);
    }
}

/// Folds keys to small letters, as case-insensitive tools do.
trait Folded {
    fn folded(value: &Value) -> Value;
}

impl Folded for Value {
    fn folded(value: &Value) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (key.to_lowercase(), Self::folded(value)))
                .collect(),
            Value::Array(values) => values.iter().map(Self::folded).collect(),
            other => other.clone(),
        }
    }
}

#[test]
fn an_item_of_compliance_without_a_configuration_counts_nothing() {
    for configuration in [
        Value::Null,
        json!(""),
        json!({}),
        json!({"configRuleList": null}),
    ] {
        let mut item = compliance("AWS::S3::Bucket", "a", &[]);
        item["configuration"] = configuration;
        let expected = RegionEvidence {
            snapshot: Some(snapshot()),
            ..RegionEvidence::default()
        };
        assert_eq!(evidence_of(&[item]), expected);
    }
}

#[test]
fn the_target_is_in_the_items_own_id_where_the_configuration_lacks_it() {
    let mut item = compliance("AWS::S3::Bucket", "a/b", &[("rule-1", "NON_COMPLIANT")]);
    let configuration = item["configuration"].as_object_mut().unwrap();
    configuration.remove("targetResourceType");
    configuration.remove("targetResourceId");
    let evidence = evidence_of(&[item]);
    assert_eq!(evidence.evaluations[0].resource_type, "AWS::S3::Bucket");
    assert_eq!(evidence.evaluations[0].resource_id, "a/b");
}

#[test]
fn a_verdict_that_nobody_knows_says_that_config_cant_tell() {
    let mut item = compliance(
        "AWS::S3::Bucket",
        "a",
        &[("r-1", "PARTLY"), ("r-2", "compliant")],
    );
    let rules = item["configuration"]["configRuleList"]
        .as_array_mut()
        .unwrap();
    rules.push(json!({"configRuleName": "r-3"}));
    let expected = [
        "r-1 a InsufficientData",
        "r-2 a InsufficientData",
        "r-3 a InsufficientData",
    ];
    assert_eq!(told(&evidence_of(&[item])), expected);
}

#[test]
fn what_is_deleted_counts_neither_as_resource_nor_as_compliance() {
    for status in ["ResourceDeleted", "ResourceDeletedNotRecorded"] {
        let mut items = [
            bucket("a"),
            compliance("AWS::S3::Bucket", "a", &[("rule-1", "NON_COMPLIANT")]),
        ];
        for item in &mut items {
            item["configurationItemStatus"] = json!(status);
        }
        let evidence = evidence_of(&items);
        assert_eq!((evidence.resources, evidence.evaluations.len()), (0, 0));
        assert_eq!(evidence.counts, BTreeMap::new());
    }
}

#[test]
fn a_conformance_packs_own_compliance_counts_nothing() {
    let mut item = compliance("AWS::S3::Bucket", "a", &[("rule-1", "NON_COMPLIANT")]);
    item["resourceType"] = json!("AWS::Config::ConformancePackCompliance");
    let evidence = evidence_of(&[item]);
    assert_eq!((evidence.resources, evidence.counts.len()), (0, 0));
}

#[test]
fn global_resources_are_told_one_by_one_and_not_counted() {
    let verdicts = [("rule-1", "COMPLIANT"), ("rule-2", "NOT_APPLICABLE")];
    let evidence = evidence_of(&[compliance(
        "AWS::IAM::User",
        "AIDACKCEVSQ6C2EXAMPLE",
        &verdicts,
    )]);
    let id = "AIDACKCEVSQ6C2EXAMPLE";
    assert_eq!(
        told(&evidence),
        [
            format!("rule-1 {id} Compliant"),
            format!("rule-2 {id} NotApplicable")
        ]
    );
    assert_eq!(evidence.counts, BTreeMap::new());
}

#[test]
fn what_became_of_findings_that_were_open_is_told_and_of_nothing_else() {
    let key = |rule: &str, id: &str, region: &str| {
        FindingKey::new(
            account(),
            &region.parse().unwrap(),
            rule.parse().unwrap(),
            "AWS::S3::Bucket".to_owned(),
            id.to_owned(),
        )
    };
    let open = BTreeSet::from([
        key("rule-1", "a", "eu-west-1"),
        key("rule-2", "b", "eu-west-1"),
        key("rule-1", "c", "us-east-1"),
    ]);
    let verdicts = [("rule-1", "COMPLIANT"), ("rule-2", "NOT_APPLICABLE")];
    let items = ["a", "b", "c"].map(|id| compliance("AWS::S3::Bucket", id, &verdicts));
    let (evidence, _) = read_pieces(&gz(document(&items)), 64, &open).unwrap();
    assert_eq!(
        told(&evidence),
        ["rule-1 a Compliant", "rule-2 b NotApplicable"]
    );
}

#[test]
fn names_and_arns_come_from_the_resource_be_it_before_or_behind_its_finding() {
    let finding = |id: &str| compliance("AWS::EC2::Volume", id, &[("rule-1", "NON_COMPLIANT")]);
    let volume = |id: &str, name: Value, arn: &str| json!({"resourceType": "AWS::EC2::Volume", "resourceId": id, "resourceName": name, arn: format!("arn:{id}")});
    let evidence = evidence_of(&[
        volume("before", json!("Data \u{e4} \"1\""), "ARN"),
        finding("before"),
        finding("behind"),
        finding("same"),
        finding("nothing"),
        volume("behind", json!("Data 2"), "arn"),
        volume("same", json!("same"), "ARN"),
        json!({"resourceType": "AWS::S3::Bucket", "resourceId": "nothing", "ARN": "another's"}),
    ]);
    let mut named: Vec<(&str, Option<&str>, Option<&str>)> = (evidence.evaluations.iter())
        .map(|e| (e.resource_id.as_str(), e.name.as_deref(), e.arn.as_deref()))
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            ("before", Some("Data \u{e4} \"1\""), Some("arn:before")),
            ("behind", Some("Data 2"), Some("arn:behind")),
            ("nothing", None, None),
            ("same", None, Some("arn:same")),
        ]
    );
}

#[test]
fn a_finding_without_a_time_was_recorded_when_the_snapshot_was_taken() {
    let read = |recorded_at: Value| {
        let mut item = compliance("AWS::S3::Bucket", "a", &[("rule-1", "NON_COMPLIANT")]);
        item["configurationItemCaptureTime"] = recorded_at;
        evidence_of(&[item]).evaluations[0].recorded_at
    };
    assert_eq!(
        read(json!("2026-10-06T01:02:03.004Z")),
        time("2026-10-06T01:02:03.004Z")
    );
    assert_eq!(read(json!(1_790_799_966.5)), time("2026-09-30T20:26:06.5Z"));
    for unknown in [json!("yesterday"), Value::Null, json!({}), json!(1e300)] {
        assert_eq!(read(unknown), snapshot().taken_at);
    }
}

#[test]
fn unknown_members_are_tolerated_wherever_they_are() {
    let plain = compliance("AWS::S3::Bucket", "a", &[("rule-1", "NON_COMPLIANT")]);
    let mut item = plain.clone();
    let unknown = json!({"resourceType": "AWS::X::Y", "deep": [[{"configRuleList": [1, null]}]]});
    item["unknown"] = unknown.clone();
    item["configuration"]["unknown"] = unknown.clone();
    item["configuration"]["configRuleList"][0]["unknown"] = unknown;
    assert_eq!(evidence_of(&[item]), evidence_of(&[plain]));
}

#[test]
fn items_that_cant_be_understood_are_told_and_the_rest_still_counts() {
    let mut broken = compliance("AWS::S3::Bucket", "a", &[("rule-1", "NON_COMPLIANT")]);
    broken["configuration"]["configRuleList"] = json!("none");
    let mut nothing = compliance("AWS::S3::Bucket", "a", &[("rule-1", "NON_COMPLIANT")]);
    nothing["configuration"] = json!({});
    nothing["resourceId"] = json!("no type");
    let (evidence, problems) = read_items(&[
        json!({"resourceId": "x"}),
        json!({"resourceId": "x", "resourceType": ""}),
        json!({"resourceType": "AWS::X::Y"}),
        broken,
        nothing,
        json!(7),
        json!(null),
        json!([{"resourceType": "AWS::X::Y"}]),
        compliance(
            "AWS::S3::Bucket",
            "b",
            &[(" ", "COMPLIANT"), ("rule-1", "NON_COMPLIANT")],
        ),
    ]);
    assert_eq!(told(&evidence), ["rule-1 b Noncompliant"]);
    assert_eq!(
        words(&problems),
        [
            "3 items that are no JSON objects",
            "2 items without a resource type",
            "1 item without a resource id",
            "1 item of compliance whose configuration is no JSON of AWS Config",
            "1 item of compliance that name no resource",
            "1 evaluations by rules without a valid name",
        ]
    );
    assert!(problems.iter().all(|problem| problem.key == "key"));
}

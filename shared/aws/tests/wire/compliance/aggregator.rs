//! AWS Config's aggregator.

use std::collections::BTreeMap;

use banto_ports::{
    AggregatedEvaluation, AggregatedRule, Aggregator, ResourceFacts, RuleCompliance,
};
use serde_json::{Value, json};

use super::*;
use crate::service::{Asked, Canned, Service, json_answer, json_error};

#[tokio::test]
async fn an_accounts_rules_are_read_through_empty_pages_with_what_each_says_of_itself() {
    let result = |rule: &str, compliance: &str| {
        json!({
            "ConfigRuleName": rule, "AccountId": "444455556666", "AwsRegion": "eu-west-1",
            "Compliance": { "ComplianceType": compliance },
        })
    };
    let page = |results: &[Value], token: Option<&str>| {
        json_answer(&json!({ "AggregateComplianceByConfigRules": results, "NextToken": token }))
    };
    let silent = with(result("f", ""), json!({ "Compliance": null }));
    let service = Service::answering([
        page(&[], Some("one")),
        page(
            &[result("a", "COMPLIANT"), result("b", "NON_COMPLIANT")],
            Some("two"),
        ),
        page(
            &[
                result("c", "INSUFFICIENT_DATA"),
                result("d", "NOT_APPLICABLE"),
                result("e", "ANYTHING_NEW"),
                silent,
            ],
            None,
        ),
    ]);
    let rules = service
        .compliance()
        .aggregator
        .rules(&account())
        .await
        .unwrap();
    let expected = [
        ("a", RuleCompliance::Compliant),
        ("b", RuleCompliance::Noncompliant),
        ("c", RuleCompliance::InsufficientData),
        ("d", RuleCompliance::NotApplicable),
        ("e", RuleCompliance::InsufficientData),
        ("f", RuleCompliance::InsufficientData),
    ];
    let expected = expected
        .map(|(rule, compliance)| ((region(), rule.parse::<RuleName>().unwrap()), compliance));
    assert_eq!(rules, BTreeMap::from(expected));
    let asked = service.asked();
    let first = json!({ "ConfigurationAggregatorName": "banto", "Filters": { "AccountId": "444455556666" } });
    assert_eq!(asked[0].json(), first);
    assert_eq!(asked[2].json()["NextToken"], "two");
}

fn evaluated(resource: &str) -> Value {
    json!({
        "EvaluationResultIdentifier": { "EvaluationResultQualifier": {
            "ConfigRuleName": rule(), "ResourceType": "AWS::IAM::User", "ResourceId": resource,
        }, "OrderingTimestamp": 1_795_400_000 },
        "ComplianceType": "NON_COMPLIANT", "ResultRecordedTime": 1_795_482_000.25, "Annotation": "no MFA",
        "AccountId": "444455556666", "AwsRegion": "eu-west-1",
    })
}

fn aggregated_rule() -> AggregatedRule {
    AggregatedRule {
        account: account(),
        region: region(),
        rule: rule(),
    }
}

fn results(results: &[Value], token: Option<&str>) -> Canned {
    json_answer(&json!({ "AggregateEvaluationResults": results, "NextToken": token }))
}

#[tokio::test]
async fn what_a_rule_finds_is_read_a_page_at_a_time_and_an_empty_page_is_not_the_end() {
    let bare = with(evaluated("AIDA2"), json!({ "Annotation": null }));
    let service = Service::answering([
        results(&[], Some("one")),
        results(&[evaluated("AIDA1"), bare], None),
    ]);
    let (aggregator, rule) = (service.compliance().aggregator, aggregated_rule());
    let first = aggregator.evaluations(&rule, Compliance::Noncompliant, None);
    let first = first.await.unwrap();
    assert_eq!(first.items, []);
    let second = aggregator.evaluations(&rule, Compliance::Noncompliant, first.next);
    let second = second.await.unwrap();
    let found = |resource: &str, annotation: Option<&str>| AggregatedEvaluation {
        key: key(resource),
        evaluated_in: region(),
        recorded_at: at(0),
        annotation: annotation.map(str::to_owned),
    };
    assert_eq!(
        second.items,
        [found("AIDA1", Some("no MFA")), found("AIDA2", None)]
    );
    assert_eq!(second.next, None);
    let expected = json!({
        "ConfigurationAggregatorName": "banto", "ConfigRuleName": "iam-user-mfa-enabled", "AccountId": "444455556666",
        "AwsRegion": "eu-west-1", "ComplianceType": "NON_COMPLIANT", "Limit": 100, "NextToken": "one",
    });
    assert_eq!(service.asked()[1].json(), expected);
}

#[tokio::test]
async fn compliant_resources_are_asked_for_and_an_answer_of_others_is_none() {
    let compliant = with(
        evaluated("AIDA1"),
        json!({ "ComplianceType": "COMPLIANT", "Annotation": "x".repeat(400) }),
    );
    let service = Service::answering([
        results(&[compliant], None),
        results(&[evaluated("AIDA1")], None),
    ]);
    let (aggregator, rule) = (service.compliance().aggregator, aggregated_rule());
    let page = aggregator.evaluations(&rule, Compliance::Compliant, None);
    let page = page.await.unwrap();
    assert_eq!(page.items[0].key, key("AIDA1"));
    let annotation = page.items[0].annotation.as_deref();
    assert_eq!(annotation.map(str::len), Some(300));
    assert_eq!(service.asked()[0].json()["ComplianceType"], "COMPLIANT");
    // A finding that is open must not be taken for compliant.
    let page = aggregator.evaluations(&rule, Compliance::Compliant, None);
    assert_eq!(failed(page.await).0, ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_answer_of_the_aggregator_that_lacks_something_is_an_error_and_no_silence() {
    let rule_result = |more: Value| {
        let result =
            json!({ "ConfigRuleName": "a", "AccountId": "444455556666", "AwsRegion": "eu-west-1" });
        json_answer(&json!({ "AggregateComplianceByConfigRules": [with(result, more)] }))
    };
    for (more, lack) in [
        (json!({ "AccountId": null }), "the account"),
        (json!({ "AccountId": "555566667777" }), "the account"),
        (json!({ "AwsRegion": null }), "region"),
        (json!({ "ConfigRuleName": "" }), "name"),
    ] {
        let error = Service::answering([rule_result(more)])
            .compliance()
            .aggregator
            .rules(&account())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.call),
            (
                ErrorKind::Unavailable,
                "config:DescribeAggregateComplianceByConfigRules"
            )
        );
        assert!(error.message.contains(lack), "{error}");
    }
    let qualifier =
        |of: Value| json!({ "EvaluationResultIdentifier": { "EvaluationResultQualifier": of } });
    for more in [
        json!({ "AccountId": null }),
        json!({ "AwsRegion": "us-east-1" }),
        json!({ "EvaluationResultIdentifier": null }),
        qualifier(
            json!({ "ConfigRuleName": "another", "ResourceType": "AWS::IAM::User", "ResourceId": "AIDA1" }),
        ),
        qualifier(json!({ "ConfigRuleName": rule(), "ResourceType": "AWS::IAM::User" })),
        json!({ "ResultRecordedTime": null }),
        json!({ "ComplianceType": null }),
    ] {
        let result = with(evaluated("AIDA1"), more.clone());
        let service = Service::answering([results(&[result], None)]);
        let found = service
            .compliance()
            .aggregator
            .evaluations(&aggregated_rule(), Compliance::Noncompliant, None)
            .await;
        assert_eq!(failed(found).0, ErrorKind::Unavailable, "{more}");
    }
}

/// An item of AWS Config's.
fn config_item(region: &str, resource_type: &str, id: &str, more: Value) -> Value {
    let item = json!({
        "accountId": "444455556666", "awsRegion": region, "resourceType": resource_type, "resourceId": id,
    });
    with(item, more)
}

fn config_items(items: &[Value], left: &[Value]) -> Canned {
    json_answer(&json!({
        "BaseConfigurationItems": items, "UnprocessedResourceIdentifiers": left,
    }))
}

fn identifiers(asked: &Asked) -> Vec<Value> {
    let body = asked.json();
    body["ResourceIdentifiers"].as_array().unwrap().clone()
}

fn resource_facts(name: Option<&str>, arn: Option<&str>) -> ResourceFacts {
    ResourceFacts {
        name: name.map(str::to_owned),
        arn: arn.map(str::to_owned),
    }
}

#[tokio::test]
async fn facts_are_asked_for_a_hundred_at_a_time_each_resource_once_and_only_of_types_that_have_any()
 {
    let service = Service::answering([config_items(&[], &[]), config_items(&[], &[])]);
    let mut wanted: Vec<(FindingKey, Region)> = (0..101)
        .map(|index| (key(&format!("AIDA{index}")), region()))
        .collect();
    let by_another_rule = FindingKey {
        rule: "iam-user-unused-credentials-check".parse().unwrap(),
        ..key("AIDA1")
    };
    wanted.push((by_another_rule, region()));
    let account_itself = FindingKey {
        resource_type: "AWS::::Account".into(),
        ..key("444455556666")
    };
    wanted.push((account_itself, region()));
    let facts = service.compliance().aggregator.resources(&wanted).await;
    assert_eq!(facts.unwrap(), BTreeMap::new());
    let asked: Vec<Vec<Value>> = service.asked().iter().map(identifiers).collect();
    assert_eq!((asked[0].len(), asked[1].len()), (100, 1));
    // IAM's own region is that of the finding; AWS Config looks where the rule looked.
    let expected = json!({
        "SourceAccountId": "444455556666", "SourceRegion": "eu-west-1",
        "ResourceType": "AWS::IAM::User", "ResourceId": "AIDA4",
    });
    assert!(asked[0].contains(&expected), "{:?}", asked[0]);
    let all = serde_json::to_string(&asked).unwrap();
    assert!(!all.contains("AWS::::Account"), "{all}");
}

#[tokio::test]
async fn a_user_is_known_by_name_and_arn_wherever_config_has_the_item() {
    let arn = "arn:aws:iam::444455556666:user/alice";
    let user =
        |region: &str, id: &str, more: Value| config_item(region, "AWS::IAM::User", id, more);
    let service = Service::answering([config_items(
        &[
            user(
                "global",
                "AIDA1",
                json!({ "resourceName": "alice", "arn": arn }),
            ),
            user(
                "eu-west-1",
                "AIDA2",
                json!({ "resourceName": "AIDA2", "arn": "" }),
            ),
            user("us-east-1", "AIDA3", json!({ "resourceName": "bob" })),
        ],
        &[],
    )]);
    let by_another_rule = FindingKey {
        rule: "iam-user-unused-credentials-check".parse().unwrap(),
        ..key("AIDA1")
    };
    let keys = [
        key("AIDA1"),
        by_another_rule,
        key("AIDA2"),
        key("AIDA3"),
        key("AIDA4"),
    ];
    let wanted = keys.clone().map(|key| (key, region()));
    let facts = service.compliance().aggregator.resources(&wanted).await;
    let alice = resource_facts(Some("alice"), Some(arn));
    let expected = BTreeMap::from([
        (keys[0].clone(), alice.clone()),
        (keys[1].clone(), alice),
        (keys[2].clone(), resource_facts(None, None)),
        (keys[3].clone(), resource_facts(Some("bob"), None)),
    ]);
    assert_eq!(facts.unwrap(), expected);
}

#[tokio::test]
async fn resources_of_one_id_in_two_regions_keep_their_own_arns() {
    let regions: [Region; 2] = ["eu-west-1", "us-east-1"].map(|region| region.parse().unwrap());
    let arn = |region: &Region| format!("arn:aws:lambda:{region}:444455556666:function:send");
    let items = regions.clone().map(|region| {
        let arn = json!({ "arn": arn(&region) });
        config_item(region.as_str(), "AWS::Lambda::Function", "send", arn)
    });
    let service = Service::answering([config_items(&items, &[])]);
    let wanted = regions.clone().map(|region| {
        let key = FindingKey::new(
            account(),
            &region,
            rule(),
            "AWS::Lambda::Function".into(),
            "send".into(),
        );
        (key, region)
    });
    let facts = service.compliance().aggregator.resources(&wanted).await;
    let facts = facts.unwrap();
    for (key, region) in &wanted {
        assert_eq!(facts[key].arn, Some(arn(region)));
    }
}

#[tokio::test]
async fn resources_that_config_did_not_come_to_are_asked_for_once_again() {
    let left = json!({
        "SourceAccountId": "444455556666", "SourceRegion": "eu-west-1",
        "ResourceType": "AWS::IAM::User", "ResourceId": "AIDA2",
    });
    let user = |id: &str, name: &str| {
        config_item(
            "global",
            "AWS::IAM::User",
            id,
            json!({ "resourceName": name }),
        )
    };
    let service = Service::answering([
        config_items(&[user("AIDA1", "alice")], std::slice::from_ref(&left)),
        config_items(&[], std::slice::from_ref(&left)),
        config_items(&[user("AIDA1", "alice")], std::slice::from_ref(&left)),
        config_items(&[user("AIDA2", "bob")], &[]),
    ]);
    let aggregator = service.compliance().aggregator;
    let wanted = [(key("AIDA1"), region()), (key("AIDA2"), region())];
    let facts = aggregator.resources(&wanted).await.unwrap();
    assert_eq!(facts.len(), 1);
    let facts = aggregator.resources(&wanted).await.unwrap();
    assert_eq!(facts[&key("AIDA2")], resource_facts(Some("bob"), None));
    let asked: Vec<Vec<Value>> = service.asked().iter().map(identifiers).collect();
    assert_eq!(
        (asked.len(), &asked[1], &asked[3]),
        (4, &vec![left.clone()], &vec![left])
    );
}

#[tokio::test]
async fn an_aggregator_that_is_missing_is_told_as_such_and_throttling_is_tried_again() {
    let service = Service::answering([
        json_error(400, "ThrottlingException"),
        json_error(400, "NoSuchConfigurationAggregatorException"),
    ]);
    let aggregator = service.compliance().aggregator;
    let call = "config:DescribeAggregateComplianceByConfigRules";
    assert_eq!(
        failed(aggregator.rules(&account()).await),
        (ErrorKind::Missing, call)
    );
    assert_eq!(service.asked().len(), 2);
}

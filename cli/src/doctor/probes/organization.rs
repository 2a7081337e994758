//! Probes that look at AWS Config, StackSets and policies of an Organization.

use serde_json::{Value, json};

use super::super::probe::{Account, Answers, Probe, Step, Verdict, elements, step};
use super::look::{items, look};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        look(
            "config-recorders-listed",
            Account::Recorded,
            recorders(),
            listed,
        ),
        look(
            "config-status-spelling",
            Account::Recorded,
            statuses(),
            spelling,
        ),
        look(
            "config-last-snapshot",
            Account::Recorded,
            statuses(),
            last_snapshot,
        ),
        look(
            "stackset-operations-order",
            Account::Delegated,
            operations(),
            order,
        ),
        look(
            "effective-policy-ebs",
            Account::Member,
            vec![
                step(
                    "policy",
                    "organizations:DescribeEffectivePolicy",
                    json!({"PolicyType": "DECLARATIVE_POLICY_EC2"}),
                )
                .refusable(),
            ],
            ebs,
        ),
        look(
            "config-organization-frequency",
            Account::Delegated,
            vec![step(
                "rules",
                "config:DescribeOrganizationConfigRules",
                json!({"Limit": 100}),
            )],
            frequency,
        ),
    ]
}

fn recorders() -> Vec<Step> {
    vec![
        step(
            "described",
            "config:DescribeConfigurationRecorders",
            json!({}),
        ),
        step("listed", "config:ListConfigurationRecorders", json!({})),
    ]
}

fn listed(answers: &Answers) -> Verdict {
    let owned = |step: &str, list: &str| {
        let all = items(&answers.json(step), list);
        all.iter()
            .filter(|r| r.get("servicePrincipal").is_some())
            .count()
    };
    let described = owned("described", "ConfigurationRecorders");
    let listed = owned("listed", "ConfigurationRecorderSummaries");
    let evidence =
        format!("services own {listed} recorders, and {described} of them are described");
    match (described, listed) {
        (0, 0) => Verdict::Unclear(
            "no AWS service has a recorder here: turn on Security Hub CSPM".to_owned(),
        ),
        _ => Verdict::of(described == 0, evidence),
    }
}

fn statuses() -> Vec<Step> {
    vec![
        step(
            "recorder",
            "config:DescribeConfigurationRecorderStatus",
            json!({}),
        ),
        step("channel", "config:DescribeDeliveryChannelStatus", json!({})),
    ]
}

fn spelling(answers: &Answers) -> Verdict {
    let texts = format!("{} {}", answers.text("recorder"), answers.text("channel"));
    match (texts.contains("\"FAILURE\""), texts.contains("\"Failure\"")) {
        (false, false) => Verdict::Unclear(
            "nothing fails here: deny the bucket to AWS Config, and run again".to_owned(),
        ),
        (capitals, small) => Verdict::of(
            capitals && !small,
            format!("FAILURE: {capitals}, Failure: {small}"),
        ),
    }
}

fn last_snapshot(answers: &Answers) -> Verdict {
    let channels = items(&answers.json("channel"), "DeliveryChannelsStatus");
    let Some(info) = channels
        .iter()
        .find_map(|c| c.get("configSnapshotDeliveryInfo"))
    else {
        return Verdict::Unclear("no delivery channel has a status of its snapshots".to_owned());
    };
    let status = info
        .get("lastStatus")
        .and_then(Value::as_str)
        .unwrap_or("none");
    let evidence = format!(
        "lastStatus {status}, lastSuccessfulTime {}",
        info.get("lastSuccessfulTime").unwrap_or(&Value::Null)
    );
    let has_time = info
        .get("lastSuccessfulTime")
        .is_some_and(|time| !time.is_null());
    match (status.to_ascii_uppercase().as_str(), has_time) {
        ("FAILURE", true) => Verdict::Proven(evidence),
        ("SUCCESS", false) => Verdict::Disproven(evidence),
        _ => Verdict::Unclear(format!(
            "{evidence}: deny the bucket to AWS Config for two days"
        )),
    }
}

fn operations() -> Vec<Step> {
    vec![
        step(
            "sets",
            "cloudformation:ListStackSets",
            json!({"Status": "ACTIVE"}),
        ),
        step(
            "operations",
            "cloudformation:ListStackSetOperations",
            json!({"StackSetName": "<<sets:StackSetName>>"}),
        ),
    ]
}

fn order(answers: &Answers) -> Verdict {
    let times = elements(answers.text("operations"), "CreationTimestamp");
    if times.len() < 2 {
        return Verdict::Unclear("the first StackSet has fewer than two operations".to_owned());
    }
    let newest_first = times.is_sorted_by(|a, b| a >= b);
    let evidence = format!(
        "{} operations, the first of {}",
        times.len(),
        times.join(", ")
    );
    Verdict::of(newest_first, evidence)
}

fn ebs(answers: &Answers) -> Verdict {
    let json = answers.json("policy");
    let content = json
        .pointer("/EffectivePolicy/PolicyContent")
        .and_then(Value::as_str);
    let Some(content) = content else {
        return Verdict::Unclear(format!("no effective policy: {}", answers.code("policy")));
    };
    let content = content.to_ascii_lowercase();
    let keys: Vec<&str> = content
        .split('"')
        .filter(|key| key.contains("encrypt"))
        .collect();
    if keys.is_empty() {
        return Verdict::Unclear("the policy here sets no encryption".to_owned());
    }
    Verdict::of(
        keys.iter().any(|key| key.contains("ebs")),
        format!("attributes: {}", keys.join(", ")),
    )
}

fn frequency(answers: &Answers) -> Verdict {
    let rules = items(&answers.json("rules"), "OrganizationConfigRules");
    let set: Vec<String> = rules
        .iter()
        .filter_map(|rule| {
            let metadata = rule.get("OrganizationManagedRuleMetadata")?;
            let often = metadata.get("MaximumExecutionFrequency")?;
            Some(format!(
                "{} has {often}",
                rule.get("OrganizationConfigRuleName")?
            ))
        })
        .collect();
    match (rules.len(), set.is_empty()) {
        (0, _) => {
            Verdict::Unclear("no rule of an Organization is here: apply the module".to_owned())
        }
        (n, true) if answers.json("rules").get("NextToken").is_some() => Verdict::Unclear(format!(
            "none of the first {n} rules has a frequency, and there are more: look at them by hand"
        )),
        (n, true) => Verdict::Proven(format!("none of {n} rules has a frequency")),
        (_, false) => Verdict::Disproven(format!("unless set by hand: {}", set.join(", "))),
    }
}

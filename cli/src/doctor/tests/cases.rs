//! Answers as AWS could give them, and what each probe makes of them.

mod made;

use serde_json::{Value, json};

use super::super::probe::{Answer, Refused};
use super::refused;
use made::*;

/// Answers, and the verdict's word.
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) verdict: &'static str,
    pub(super) answers: Vec<(&'static str, Vec<Answer>)>,
}

fn yes() -> Answer {
    Ok(String::new())
}

fn no(code: &str) -> Answer {
    Err(refused(code))
}

/// No answer, or the wish to be asked later.
fn silent(code: &str) -> Answer {
    let why = refused(code);
    Err(Refused {
        is_silent: true,
        ..why
    })
}

fn of(json: Value) -> Answer {
    Ok(json.to_string())
}

fn xml(text: &str) -> Answer {
    Ok(text.to_owned())
}

fn case<const N: usize>(
    id: &'static str,
    verdict: &'static str,
    answers: [(&'static str, Answer); N],
) -> Case {
    let answers = answers
        .into_iter()
        .map(|(step, answer)| (step, vec![answer]));
    Case {
        id,
        verdict,
        answers: answers.collect(),
    }
}

pub(super) fn cases() -> Vec<Case> {
    let tables = [
        services(),
        organization(),
        events(),
        simulator(),
        recorders(),
        channels(),
        frequencies(),
        sessions(),
        denials(),
        users(),
        reports(),
        secret_versions(),
        secret_lists(),
        objects(),
        null_versions(),
        version_dates(),
        databases(),
        messaging(),
    ];
    tables.into_iter().flatten().collect()
}

fn decision(text: &str) -> Answer {
    Ok(format!("<EvalDecision>{text}</EvalDecision>"))
}

fn services() -> Vec<Case> {
    let arn = |role: &str| {
        xml(&format!(
            "<Arn>arn:aws:sts::111122223333:assumed-role/{role}/x</Arn>"
        ))
    };
    vec![
        case(
            "calls-without-sdk",
            "proven",
            [("sqs", yes()), ("sns", no("AuthorizationError"))],
        ),
        case(
            "calls-without-sdk",
            "disproven",
            [("sqs", yes()), ("sns", no("SignatureDoesNotMatch"))],
        ),
        case(
            "calls-without-sdk",
            "unclear",
            [("sqs", silent("unavailable"))],
        ),
        case(
            "s3-control-endpoint",
            "proven",
            [
                ("who", arn("OrganizationAccountAccessRole")),
                ("control", no("NoSuchPublicAccessBlockConfiguration")),
            ],
        ),
        case(
            "s3-control-endpoint",
            "disproven",
            [
                ("who", arn("OrganizationAccountAccessRole")),
                ("control", no("SignatureDoesNotMatch")),
            ],
        ),
        case(
            "s3-control-endpoint",
            "unclear",
            [("who", arn("other")), ("control", yes())],
        ),
    ]
}

fn organization() -> Vec<Case> {
    let policy = |attribute: &str| {
        of(json!({"EffectivePolicy": {"PolicyContent": format!(r#"{{"{attribute}": "on"}}"#)}}))
    };
    let operations = |first: &str, second: &str| {
        xml(&format!(
            "<CreationTimestamp>{first}</CreationTimestamp><CreationTimestamp>{second}</CreationTimestamp>"
        ))
    };
    vec![
        case(
            "stackset-operations-order",
            "proven",
            [("operations", operations("2026-02", "2026-01"))],
        ),
        case(
            "stackset-operations-order",
            "disproven",
            [("operations", operations("2026-01", "2026-02"))],
        ),
        case(
            "stackset-operations-order",
            "unclear",
            [("operations", xml("<x/>"))],
        ),
        case(
            "effective-policy-ebs",
            "proven",
            [("policy", policy("ebs_encryption_by_default"))],
        ),
        case(
            "effective-policy-ebs",
            "disproven",
            [("policy", policy("volume_encryption"))],
        ),
        case(
            "effective-policy-ebs",
            "unclear",
            [("policy", no("EffectivePolicyNotFoundException"))],
        ),
    ]
}

fn events() -> Vec<Case> {
    let result = |yes: bool| of(json!({"Result": yes}));
    let event = |detail: Value| {
        let event = json!({"userIdentity": {"type": "AssumedRole",
            "sessionContext": {"sessionIssuer": {"arn": "arn"}}}, "responseElements": detail});
        of(json!({"Events": [{"CloudTrailEvent": event.to_string()}]}))
    };
    let key = json!({"accessKey": {"accessKeyId": "AKIA", "userName": "alice"}});
    vec![
        case(
            "event-pattern-or",
            "proven",
            [
                ("loud", result(true)),
                ("quiet", result(false)),
                ("missing", result(true)),
                ("empty", result(true)),
                ("user", result(false)),
            ],
        ),
        case(
            "event-pattern-or",
            "disproven",
            [
                ("loud", result(true)),
                ("quiet", result(false)),
                ("missing", result(true)),
                ("empty", result(false)),
                ("user", result(false)),
            ],
        ),
        case("trail-lookup-events", "proven", [("events", event(key))]),
        case(
            "trail-lookup-events",
            "disproven",
            [("events", event(json!({"accessKey": {}})))],
        ),
        case(
            "trail-lookup-events",
            "unclear",
            [("events", of(json!({"Events": []})))],
        ),
    ]
}

fn simulator() -> Vec<Case> {
    vec![
        case(
            "simulator-username-default",
            "proven",
            [
                ("own", decision("allowed")),
                ("other", decision("explicitDeny")),
                ("nameless", decision("explicitDeny")),
            ],
        ),
        case(
            "simulator-username-default",
            "disproven",
            [
                ("own", decision("allowed")),
                ("other", decision("explicitDeny")),
                ("nameless", decision("allowed")),
            ],
        ),
        case(
            "simulator-tag-keys",
            "proven",
            [
                ("small", decision("explicitDeny")),
                ("capital", decision("explicitDeny")),
                ("other", decision("allowed")),
            ],
        ),
        case(
            "simulator-tag-keys",
            "disproven",
            [
                ("small", decision("explicitDeny")),
                ("capital", decision("allowed")),
                ("other", decision("allowed")),
            ],
        ),
    ]
}

fn recorders() -> Vec<Case> {
    let owned = json!({"name": "x", "servicePrincipal": "securityhub.amazonaws.com"});
    let recorders = |list: &str, all: Value| of(json!({ list: all }));
    let described = |all| recorders("ConfigurationRecorders", all);
    let listed = |all| recorders("ConfigurationRecorderSummaries", all);
    vec![
        case(
            "config-recorders-listed",
            "proven",
            [
                ("described", described(json!([{"name": "default"}]))),
                ("listed", listed(json!([owned]))),
            ],
        ),
        case(
            "config-recorders-listed",
            "disproven",
            [
                ("described", described(json!([owned]))),
                ("listed", listed(json!([owned]))),
            ],
        ),
        case(
            "config-recorders-listed",
            "unclear",
            [
                ("described", described(json!([]))),
                ("listed", listed(json!([]))),
            ],
        ),
    ]
}

fn channels() -> Vec<Case> {
    let channel =
        |info: Value| of(json!({"DeliveryChannelsStatus": [{"configSnapshotDeliveryInfo": info}]}));
    let failed = json!({"lastStatus": "FAILURE", "lastSuccessfulTime": 1.0});
    vec![
        case(
            "config-status-spelling",
            "proven",
            [("channel", channel(failed.clone()))],
        ),
        case(
            "config-status-spelling",
            "disproven",
            [("channel", channel(json!({"lastStatus": "Failure"})))],
        ),
        case(
            "config-status-spelling",
            "unclear",
            [("channel", channel(json!({"lastStatus": "SUCCESS"})))],
        ),
        case(
            "config-last-snapshot",
            "proven",
            [("channel", channel(failed))],
        ),
        case(
            "config-last-snapshot",
            "disproven",
            [("channel", channel(json!({"lastStatus": "SUCCESS"})))],
        ),
        case(
            "config-last-snapshot",
            "unclear",
            [(
                "channel",
                channel(json!({"lastStatus": "SUCCESS", "lastSuccessfulTime": 1.0})),
            )],
        ),
    ]
}

fn frequencies() -> Vec<Case> {
    let rules = |metadata: Value| {
        of(json!({"OrganizationConfigRules": [
            {"OrganizationConfigRuleName": "x", "OrganizationManagedRuleMetadata": metadata}]}))
    };
    vec![
        case(
            "config-organization-frequency",
            "proven",
            [("rules", rules(json!({})))],
        ),
        case(
            "config-organization-frequency",
            "disproven",
            [(
                "rules",
                rules(json!({"MaximumExecutionFrequency": "TwentyFour_Hours"})),
            )],
        ),
        case(
            "config-organization-frequency",
            "unclear",
            [("rules", of(json!({})))],
        ),
        case(
            "config-organization-frequency",
            "unclear",
            [(
                "rules",
                of(json!({"OrganizationConfigRules": [{}], "NextToken": "more"})),
            )],
        ),
    ]
}

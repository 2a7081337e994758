//! Probes that only look: nothing is made.

use serde_json::{Value, json};

use super::super::probe::{Account, Answers, Cost, Probe, Step, Verdict, step, value};

/// A free probe that makes nothing.
pub(super) fn look(
    id: &'static str,
    account: Account,
    steps: Vec<Step>,
    judge: fn(&Answers) -> Verdict,
) -> Probe {
    Probe {
        id,
        account,
        cost: Cost::Free,
        steps,
        judge,
    }
}

pub(super) fn probes() -> Vec<Probe> {
    vec![
        look("event-pattern-or", Account::Any, patterns(), matched),
        look("calls-without-sdk", Account::Any, services(), unsigned),
        look(
            "s3-control-endpoint",
            Account::Member,
            s3_control(),
            s3_control_answer,
        ),
        look(
            "trail-lookup-events",
            Account::Any,
            vec![trail()],
            created_keys,
        ),
        look(
            "simulator-username-default",
            Account::Any,
            own_user(),
            spared,
        ),
        look("simulator-tag-keys", Account::Any, tag_keys(), any_case),
    ]
}

fn services() -> Vec<Step> {
    let paged = json!({"path": "/"});
    [
        ("ec2", "ec2:DescribeRegions", json!({})),
        ("s3", "s3:ListAllMyBuckets", paged),
        (
            "ses",
            "ses:GetAccount",
            json!({"path": "/v2/email/account"}),
        ),
        ("sns", "sns:ListTopics", json!({})),
        ("sqs", "sqs:ListQueues", json!({})),
        ("sts", "sts:GetCallerIdentity", json!({})),
        ("stacks", "cloudformation:DescribeStacks", json!({})),
        ("trail", "cloudtrail:DescribeTrails", json!({})),
        ("kms", "kms:ListAliases", json!({"Limit": 1})),
        ("athena", "athena:ListWorkGroups", json!({})),
        (
            "autoscaling",
            "autoscaling:DescribeAutoScalingGroups",
            json!({}),
        ),
        (
            "elasticache",
            "elasticache:DescribeCacheSubnetGroups",
            json!({}),
        ),
        ("rds", "rds:DescribeDBSubnetGroups", json!({})),
        (
            "redshift",
            "redshift:DescribeClusterSubnetGroups",
            json!({}),
        ),
    ]
    .into_iter()
    .map(|(name, call, arguments)| step(name, call, arguments).deniable())
    .chain([control_step().deniable()])
    .collect()
}

fn control_step() -> Step {
    let arguments = json!({
        "bucket": "<<account>>",
        "path": "/v20180820/configuration/publicAccessBlock",
        "headers": {"x-amz-account-id": "<<account>>"},
    });
    step("control", "s3-control:GetPublicAccessBlock", arguments)
}

/// True of a refusal that comes after the signature was taken and the request was read.
fn is_understood(code: &str) -> bool {
    code == "yes"
        || code.starts_with("AccessDenied")
        || code.starts_with("AuthorizationError")
        || matches!(
            code,
            "UnauthorizedOperation" | "NoSuchPublicAccessBlockConfiguration" | "OptInRequired"
        )
}

fn unsigned(answers: &Answers) -> Verdict {
    let names: Vec<&str> = answers.0.keys().copied().collect();
    let odd: Vec<String> = names
        .iter()
        .filter(|name| !is_understood(answers.code(name)))
        .map(|name| format!("{name}: {}", answers.code(name)))
        .collect();
    if odd.is_empty() {
        return Verdict::Proven(format!("{} services took the requests", names.len()));
    }
    Verdict::Disproven(odd.join(", "))
}

fn s3_control() -> Vec<Step> {
    vec![
        step("who", "sts:GetCallerIdentity", json!({})),
        control_step().deniable(),
    ]
}

fn s3_control_answer(answers: &Answers) -> Verdict {
    let code = answers.code("control");
    let arn = value(answers.text("who"), "Arn").unwrap_or_default();
    let answered = code == "yes" || code == "NoSuchPublicAccessBlockConfiguration";
    let is_role = arn.contains(":assumed-role/OrganizationAccountAccessRole/");
    match (answered, answers.is_denied("control"), is_role) {
        (true, _, true) => Verdict::Proven(format!("answered: {code}")),
        (_, true, false) => Verdict::Unclear(format!("denied: {code}")),
        (false, _, _) => Verdict::Disproven(format!("answered: {code}")),
        (true, _, false) => Verdict::Unclear(
            "answered, but not to a session of OrganizationAccountAccessRole: assume it first"
                .to_owned(),
        ),
    }
}

pub(super) fn items(json: &Value, list: &str) -> Vec<Value> {
    json.get(list)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// Events for a pattern as the module watch makes them; who made the call is behind `$or`.
fn patterns() -> Vec<Step> {
    let pattern = json!({"detail": {
        "userIdentity": {
            "type": [{"anything-but": ["IAMUser"]}],
            "$or": [
                {"sessionContext": {"sessionIssuer": {"arn": [{"anything-but": ["quiet"]}]}}},
                {"sessionContext": {"sessionIssuer": {"arn": [{"exists": false}]}}},
            ],
        },
    }});
    let role = |arn: &str| json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": arn}}});
    [
        ("loud", role("loud")),
        ("quiet", role("quiet")),
        ("missing", json!({"type": "Root"})),
        ("empty", json!({"type": "Root", "sessionContext": {}})),
        ("user", json!({"type": "IAMUser"})),
    ]
    .into_iter()
    .map(|(name, identity)| {
        let event = json!({
            "id": "1", "account": "<<account>>", "source": "aws.iam", "region": "<<region>>",
            "time": "2026-11-01T00:00:00Z", "resources": [], "detail-type": "x",
            "detail": {"userIdentity": identity},
        });
        let arguments = json!({"EventPattern": pattern.to_string(), "Event": event.to_string()});
        step(name, "events:TestEventPattern", arguments)
    })
    .collect()
}

fn matched(answers: &Answers) -> Verdict {
    let wanted = [
        ("loud", true),
        ("quiet", false),
        ("missing", true),
        ("empty", true),
        ("user", false),
    ];
    let is = |name: &str| answers.json(name).get("Result").and_then(Value::as_bool);
    let odd: Vec<String> = wanted
        .iter()
        .filter(|(name, result)| is(name) != Some(*result))
        .map(|(name, result)| format!("{name}: {:?}, expected {result}", is(name)))
        .collect();
    let evidence = if odd.is_empty() {
        "five events match as expected".to_owned()
    } else {
        odd.join("; ")
    };
    Verdict::of(odd.is_empty(), evidence)
}

/// IAM's events are in us-east-1.
fn trail() -> Step {
    let by_name = json!([{"AttributeKey": "EventName", "AttributeValue": "CreateAccessKey"}]);
    Step {
        region: Some("us-east-1"),
        ..step(
            "events",
            "cloudtrail:LookupEvents",
            json!({"LookupAttributes": by_name, "MaxResults": 50}),
        )
    }
}

fn created_keys(answers: &Answers) -> Verdict {
    let events = items(&answers.json("events"), "Events");
    let details: Vec<Value> = events
        .iter()
        .filter_map(|event| serde_json::from_str(event.get("CloudTrailEvent")?.as_str()?).ok())
        // A refused call has no answer, and a user's own no role.
        .filter(|event: &Value| {
            event.get("errorCode").is_none()
                && event
                    .pointer("/userIdentity/type")
                    .is_some_and(|kind| kind == "AssumedRole")
        })
        .collect();
    let has = |event: &Value, place: &str| event.pointer(place).is_some_and(Value::is_string);
    let holds = details.iter().all(|event| {
        [
            "/responseElements/accessKey/accessKeyId",
            "/responseElements/accessKey/userName",
            "/userIdentity/sessionContext/sessionIssuer/arn",
        ]
        .iter()
        .all(|place| has(event, place))
    });
    if details.is_empty() {
        return Verdict::Unclear(
            "no key was made in a role's session in 90 days: make one, and wait 15 minutes"
                .to_owned(),
        );
    }
    Verdict::of(
        holds,
        format!(
            "{} events; all named key, user and role: {holds}",
            details.len()
        ),
    )
}

fn simulate(
    name: &'static str,
    deny: &Value,
    target: &str,
    context: &[(&str, &str, &str)],
) -> Step {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}, deny,
    ]});
    let mut arguments = json!({
        "PolicyInputList.member.1": policy.to_string(),
        "ActionNames.member.1": "iam:TagUser",
        "ResourceArns.member.1": target,
    });
    for (n, (key, kind, value)) in (1..).zip(context) {
        let entry = format!("ContextEntries.member.{n}");
        let fields = [
            ("ContextKeyName", key),
            ("ContextKeyType", kind),
            ("ContextKeyValues.member.1", value),
        ];
        for (field, value) in fields {
            if let Some(arguments) = arguments.as_object_mut() {
                arguments.insert(format!("{entry}.{field}"), json!(value));
            }
        }
    }
    step(name, "iam:SimulateCustomPolicy", arguments)
}

fn own_user() -> Vec<Step> {
    let user = |name: &str| format!("arn:aws:iam::<<account>>:user/{name}");
    let deny = json!({"Effect": "Deny", "Action": "iam:TagUser",
        "NotResource": "arn:aws:iam::*:user/${aws:username, '-'}"});
    let alice: [(&str, &str, &str); 1] = [("aws:username", "string", "alice")];
    vec![
        simulate("own", &deny, &user("alice"), &alice),
        simulate("other", &deny, &user("bob"), &alice),
        simulate("nameless", &deny, &user("alice"), &[]),
    ]
}

/// The simulator's decision: allowed, explicitDeny or implicitDeny.
fn decision(answers: &Answers, step: &str) -> String {
    value(answers.text(step), "EvalDecision").unwrap_or_default()
}

fn decisions(answers: &Answers, wanted: &[(&str, &str)]) -> Verdict {
    let got: Vec<String> = wanted
        .iter()
        .map(|(step, _)| format!("{step}: {}", decision(answers, step)))
        .collect();
    let holds = wanted
        .iter()
        .all(|(step, wanted)| decision(answers, step) == *wanted);
    Verdict::of(holds, got.join(", "))
}

fn spared(answers: &Answers) -> Verdict {
    decisions(
        answers,
        &[
            ("own", "allowed"),
            ("other", "explicitDeny"),
            ("nameless", "explicitDeny"),
        ],
    )
}

fn tag_keys() -> Vec<Step> {
    let deny = json!({"Effect": "Deny", "Action": "iam:TagUser", "Resource": "*", "Condition": {
        "ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": ["banto:openpgp"]},
    }});
    let target = "arn:aws:iam::<<account>>:user/alice";
    let tagged = |name, key| simulate(name, &deny, target, &[("aws:TagKeys", "stringList", key)]);
    vec![
        tagged("small", "banto:openpgp"),
        tagged("capital", "BANTO:OpenPGP"),
        tagged("other", "team"),
    ]
}

fn any_case(answers: &Answers) -> Verdict {
    decisions(
        answers,
        &[
            ("small", "explicitDeny"),
            ("capital", "explicitDeny"),
            ("other", "allowed"),
        ],
    )
}

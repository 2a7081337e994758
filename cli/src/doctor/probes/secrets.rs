//! Probes about Secrets Manager. A secret that is deleted within hours costs a fraction of a cent.

use serde_json::{Value, json};

use super::super::probe::{Answers, Kind, Probe, Step, Verdict, Wait, step};

/// Ids of versions, which are tokens of 32 characters at least. (Secrets Manager API reference.)
const FIRST: &str = "00000000-0000-4000-8000-000000000001";
const SECOND: &str = "00000000-0000-4000-8000-000000000002";
const THIRD: &str = "00000000-0000-4000-8000-000000000003";

pub(super) fn probes() -> Vec<Probe> {
    vec![
        Probe::of("secrets-token-conflict", conflict(), conflict_holds),
        Probe::of("secrets-deletion-refuses", deletion(), deletion_refuses),
        Probe::of("secrets-version-by-id", version(), version_is_there),
        Probe::of("secrets-version-lag", lag(), version_is_listed),
        Probe::of("secrets-tag-filter", filter(), filter_finds),
        Probe::of("secrets-user-comma", comma(), comma_is_taken),
    ]
}

/// A secret whose value is none.
pub(super) fn secret(user: &str) -> Step {
    let tags =
        json!([{"Key": "banto-probe", "Value": "<<name>>"}, {"Key": "banto:user", "Value": user}]);
    let arguments = json!({
        "Name": "<<name>>", "ClientRequestToken": FIRST, "SecretString": "nothing", "Tags": tags,
    });
    step("secret", "secretsmanager:CreateSecret", arguments).making(Kind::Secret, "<<name>>")
}

fn put(name: &'static str, token: &str, value: &str) -> Step {
    step(
        name,
        "secretsmanager:PutSecretValue",
        json!({"SecretId": "<<name>>", "ClientRequestToken": token, "SecretString": value}),
    )
}

fn of_secret(name: &'static str, call: &'static str) -> Step {
    step(name, call, json!({"SecretId": "<<name>>"}))
}

fn conflict() -> Vec<Step> {
    vec![
        secret("alice"),
        put("first", SECOND, "one"),
        put("again", SECOND, "one").refusable(),
        put("other", SECOND, "two").refusable(),
    ]
}

fn conflict_holds(answers: &Answers) -> Verdict {
    let (again, other) = (answers.code("again"), answers.code("other"));
    Verdict::of(
        again == "yes" && other == "ResourceExistsException",
        format!("the same value: {again}, another one: {other}"),
    )
}

fn deletion() -> Vec<Step> {
    let window = json!({"SecretId": "<<name>>", "RecoveryWindowInDays": 7});
    let tag = json!({"SecretId": "<<name>>", "Tags": [{"Key": "banto-probe", "Value": "again"}]});
    vec![
        secret("alice"),
        step("deleted", "secretsmanager:DeleteSecret", window),
        of_secret("get", "secretsmanager:GetSecretValue")
            .wait(Wait::Refused)
            .refusable(),
        put("put", SECOND, "two").refusable(),
        step("tag", "secretsmanager:TagResource", tag).refusable(),
    ]
}

fn deletion_refuses(answers: &Answers) -> Verdict {
    let steps = ["get", "put", "tag"];
    let codes: Vec<String> = steps
        .iter()
        .map(|step| format!("{step}: {}", answers.code(step)))
        .collect();
    let all = steps
        .iter()
        .all(|step| answers.code(step) == "InvalidRequestException");
    Verdict::of(all, codes.join(", "))
}

fn version() -> Vec<Step> {
    let by_id = json!({"SecretId": "<<name>>", "VersionId": FIRST});
    vec![
        secret("alice"),
        put("second", SECOND, "two"),
        put("third", THIRD, "three"),
        step("read", "secretsmanager:GetSecretValue", by_id).refusable(),
    ]
}

fn version_is_there(answers: &Answers) -> Verdict {
    let read = answers.json("read");
    let is = |field: &str, wanted: &str| read.get(field).is_some_and(|value| value == wanted);
    let labels = read
        .get("VersionStages")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let holds = is("VersionId", FIRST) && is("SecretString", "nothing") && labels == 0;
    let dated = read.get("CreatedDate").is_some_and(Value::is_number);
    Verdict::of(
        holds && dated,
        format!(
            "read by id: {}, labels: {labels}, dated: {dated}",
            answers.code("read")
        ),
    )
}

fn lag() -> Vec<Step> {
    let arguments = json!({"SecretId": "<<name>>", "IncludeDeprecated": true});
    vec![
        secret("alice"),
        put("second", SECOND, "two"),
        step("listed", "secretsmanager:ListSecretVersionIds", arguments)
            .wait(Wait::Until(|text| text.contains(SECOND))),
    ]
}

/// The row allows twenty minutes; this waits for little more than one.
fn version_is_listed(answers: &Answers) -> Verdict {
    if answers.text("listed").contains(SECOND) {
        return Verdict::Proven("the version was listed while the probe waited".to_owned());
    }
    let versions = answers.json("listed");
    if !versions.get("Versions").is_some_and(Value::is_array) {
        return Verdict::Disproven("the answer has no list of versions".to_owned());
    }
    Verdict::Unclear("not listed within 80 seconds: ask for twenty minutes".to_owned())
}

fn filter() -> Vec<Step> {
    let filters = json!([
        {"Key": "tag-key", "Values": ["banto-probe"]}, {"Key": "name", "Values": ["<<name>>"]},
    ]);
    let other = json!([
        {"Key": "tag-key", "Values": ["no-such-tag"]}, {"Key": "name", "Values": ["<<name>>"]},
    ]);
    vec![
        secret("alice"),
        step(
            "found",
            "secretsmanager:ListSecrets",
            json!({"Filters": filters}),
        )
        .wait(Wait::Until(|text| text.contains("\"ARN\""))),
        step(
            "other",
            "secretsmanager:ListSecrets",
            json!({"Filters": other}),
        ),
    ]
}

fn filter_finds(answers: &Answers) -> Verdict {
    let count = |step: &str| {
        let listing = answers.json(step);
        listing
            .get("SecretList")
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    let (found, other) = (count("found"), count("other"));
    let evidence = format!("by its tag and name: {found}, by another tag and its name: {other}");
    Verdict::of(found == 1 && other == 0, evidence)
}

fn comma() -> Vec<Step> {
    vec![secret("a,b").refusable()]
}

fn comma_is_taken(answers: &Answers) -> Verdict {
    Verdict::of(
        answers.is_yes("secret"),
        format!("CreateSecret: {}", answers.code("secret")),
    )
}

//! Cases of the probes that make something.

use super::*;

pub(super) fn sessions() -> Vec<Case> {
    let denied = || no("AccessDenied");
    vec![
        case(
            "sts-session-name",
            "proven",
            [("own", yes()), ("other", denied()), ("own-again", yes())],
        ),
        case(
            "sts-session-name",
            "disproven",
            [("own", yes()), ("other", yes()), ("own-again", yes())],
        ),
        case(
            "sts-session-name",
            "unclear",
            [("own", denied()), ("other", denied())],
        ),
        case(
            "sts-session-name",
            "unclear",
            [("own", yes()), ("other", denied()), ("own-again", denied())],
        ),
        case(
            "sts-session-name",
            "unclear",
            [("own", yes()), ("other", silent("Throttling"))],
        ),
        case(
            "sts-resource-org-id",
            "proven",
            [("own", yes()), ("other", denied())],
        ),
        case(
            "sts-resource-org-id",
            "disproven",
            [("own", yes()), ("other", yes())],
        ),
        case(
            "kms-resource-aliases",
            "proven",
            [
                ("with-alias", yes()),
                ("without", no("AccessDeniedException")),
                ("with-again", yes()),
            ],
        ),
        case(
            "kms-resource-aliases",
            "disproven",
            [("with-alias", yes()), ("without", yes())],
        ),
    ]
}

pub(super) fn denials() -> Vec<Case> {
    let denied = || no("AccessDenied");
    vec![
        case(
            "session-denial",
            "proven",
            [
                ("alice-after", denied()),
                ("bob-after", yes()),
                ("alice-later", yes()),
            ],
        ),
        case(
            "session-denial",
            "disproven",
            [
                ("alice-after", yes()),
                ("bob-after", yes()),
                ("alice-later", yes()),
            ],
        ),
        case(
            "session-denial",
            "disproven",
            [
                ("alice-after", denied()),
                ("bob-after", denied()),
                ("alice-later", yes()),
            ],
        ),
        case(
            "sts-session-policy",
            "proven",
            [
                ("both", yes()),
                ("both-again", yes()),
                ("role-only", denied()),
                ("policy-only", denied()),
            ],
        ),
        case(
            "sts-session-policy",
            "disproven",
            [
                ("both", yes()),
                ("both-again", yes()),
                ("role-only", denied()),
                ("policy-only", yes()),
            ],
        ),
    ]
}

pub(super) fn users() -> Vec<Case> {
    let denied = || no("AccessDenied");
    let tags = |keys: &[&str]| -> Answer {
        Ok(keys.iter().map(|key| format!("<Key>{key}</Key>")).collect())
    };
    vec![
        case("iam-two-keys", "proven", [("third", no("LimitExceeded"))]),
        case("iam-two-keys", "disproven", [("third", yes())]),
        case("iam-two-keys", "unclear", [("third", silent("throttled"))]),
        case("iam-two-keys", "unclear", [("third", no("AccessDenied"))]),
        case(
            "iam-tag-case",
            "proven",
            [("tags", tags(&["banto-probe", "BANTO:OPENPGP"]))],
        ),
        case(
            "iam-tag-case",
            "disproven",
            [("tags", tags(&["banto:openpgp", "BANTO:OPENPGP"]))],
        ),
        case("iam-key-gone", "proven", [("gone", no("NoSuchEntity"))]),
        case("iam-key-gone", "disproven", [("gone", denied())]),
    ]
}

pub(super) fn reports() -> Vec<Case> {
    use base64::Engine as _;
    let report = |row: &str| -> Answer {
        let text = format!("user,arn\n{row}\n");
        let content = base64::engine::general_purpose::STANDARD.encode(text);
        Ok(format!("<Content>{content}</Content>"))
    };
    vec![
        case(
            "credential-report-comma",
            "proven",
            [("report", report("\"banto-probe-1,b\",arn:aws:x"))],
        ),
        case(
            "credential-report-comma",
            "proven",
            [("report", report("banto-probe-1,b,arn:aws:x"))],
        ),
        case(
            "credential-report-comma",
            "disproven",
            [("report", report("banto-probe-1\\,b,arn:aws:x"))],
        ),
        case(
            "credential-report-comma",
            "unclear",
            [("report", report("alice,arn:aws:x"))],
        ),
    ]
}

pub(super) fn secret_versions() -> Vec<Case> {
    let invalid = || no("InvalidRequestException");
    let first = "00000000-0000-4000-8000-000000000001";
    let read = json!({"VersionId": first, "SecretString": "nothing", "CreatedDate": 1.5});
    vec![
        case(
            "secrets-token-conflict",
            "proven",
            [("again", yes()), ("other", no("ResourceExistsException"))],
        ),
        case(
            "secrets-token-conflict",
            "disproven",
            [("again", yes()), ("other", yes())],
        ),
        case(
            "secrets-deletion-refuses",
            "proven",
            [("get", invalid()), ("put", invalid()), ("tag", invalid())],
        ),
        case(
            "secrets-deletion-refuses",
            "disproven",
            [("get", invalid()), ("put", yes()), ("tag", invalid())],
        ),
        case("secrets-version-by-id", "proven", [("read", of(read))]),
        case(
            "secrets-version-by-id",
            "disproven",
            [("read", no("ResourceNotFoundException"))],
        ),
    ]
}

pub(super) fn secret_lists() -> Vec<Case> {
    let list = |n: usize| of(json!({"SecretList": vec![json!({"ARN": "x"}); n]}));
    let first = "00000000-0000-4000-8000-000000000001";
    let second = "00000000-0000-4000-8000-000000000002";
    let versions = |id: &str| of(json!({"Versions": [{"VersionId": id}]}));
    vec![
        case(
            "secrets-version-lag",
            "proven",
            [("listed", versions(second))],
        ),
        case(
            "secrets-version-lag",
            "disproven",
            [("listed", of(json!({})))],
        ),
        case(
            "secrets-version-lag",
            "unclear",
            [("listed", versions(first))],
        ),
        case(
            "secrets-tag-filter",
            "proven",
            [("found", list(1)), ("other", list(0))],
        ),
        case(
            "secrets-tag-filter",
            "disproven",
            [("found", list(1)), ("other", list(1))],
        ),
        case("secrets-user-comma", "proven", [("secret", yes())]),
        case(
            "secrets-user-comma",
            "disproven",
            [("secret", no("ValidationException"))],
        ),
        case(
            "secrets-user-comma",
            "unclear",
            [("secret", no("AccessDeniedException"))],
        ),
    ]
}

/// Conditional writes, of which eight came at once.
fn conditional(verdict: &'static str, again: Answer, at_once: Vec<Answer>) -> Case {
    Case {
        id: "s3-conditional-put",
        verdict,
        answers: vec![
            ("once", vec![yes()]),
            ("again", vec![again]),
            ("at-once", at_once),
        ],
    }
}

pub(super) fn objects() -> Vec<Case> {
    let (met, conflict) = (
        || no("PreconditionFailed"),
        || no("ConditionalRequestConflict"),
    );
    vec![
        conditional("proven", met(), vec![yes(), conflict(), met()]),
        conditional("disproven", yes(), vec![yes(), conflict(), met()]),
        conditional("disproven", met(), vec![yes(), yes(), met()]),
        conditional("disproven", met(), vec![yes(), no("InvalidRequest")]),
        conditional("unclear", met(), vec![yes(), silent("SlowDown")]),
        conditional("unclear", met(), vec![yes(), met()]),
        case(
            "s3-encoding-url",
            "proven",
            [("listed", xml("<Key>a+b%2B%C3%BC.txt</Key>"))],
        ),
        case(
            "s3-encoding-url",
            "disproven",
            [("listed", xml("<Key>a%20b%2B%C3%BC.txt</Key>"))],
        ),
    ]
}

pub(super) fn null_versions() -> Vec<Case> {
    vec![
        case(
            "s3-null-version",
            "proven",
            [
                ("plain", yes()),
                ("without", no("AccessDenied")),
                ("plain-again", yes()),
                ("with", yes()),
            ],
        ),
        case(
            "s3-null-version",
            "disproven",
            [
                ("plain", yes()),
                ("without", yes()),
                ("plain-again", yes()),
                ("with", yes()),
            ],
        ),
        case(
            "s3-null-version",
            "unclear",
            [
                ("plain", no("AccessDenied")),
                ("without", no("AccessDenied")),
                ("with", no("AccessDenied")),
            ],
        ),
    ]
}

pub(super) fn version_dates() -> Vec<Case> {
    let kinds = |all: [&str; 3], dates: [&str; 3]| -> Answer {
        let latest = ["true", "false", "false"];
        let of = |((kind, date), latest): ((&str, &str), &str)| {
            format!(
                "<{kind}><IsLatest>{latest}</IsLatest><LastModified>{date}</LastModified></{kind}>"
            )
        };
        Ok(all.into_iter().zip(dates).zip(latest).map(of).collect())
    };
    let order = ["Version", "DeleteMarker", "Version"];
    vec![
        case(
            "s3-version-dates",
            "proven",
            [("listed", kinds(order, ["3", "3", "2"]))],
        ),
        case(
            "s3-version-dates",
            "disproven",
            [("listed", kinds(order, ["2", "3", "3"]))],
        ),
        case(
            "s3-version-dates",
            "disproven",
            [(
                "listed",
                kinds(["Version", "Version", "DeleteMarker"], ["3", "3", "3"]),
            )],
        ),
    ]
}

pub(super) fn databases() -> Vec<Case> {
    let execution = |id: &str| of(json!({"QueryExecutionId": id}));
    let failed = || of(json!({"QueryExecution": {"Status": {"State": "FAILED"}}}));
    let cancelled = || -> Answer {
        let mut why = refused("TransactionCanceledException");
        why.words = "[None, ConditionalCheckFailed]".to_owned();
        Err(why)
    };
    vec![
        case(
            "dynamodb-transaction",
            "proven",
            [("write", cancelled()), ("read", of(json!({})))],
        ),
        case(
            "dynamodb-transaction",
            "disproven",
            [("write", cancelled()), ("read", of(json!({"Item": {}})))],
        ),
        case(
            "dynamodb-transaction",
            "unclear",
            [("write", silent("ProvisionedThroughputExceeded"))],
        ),
        case(
            "athena-token",
            "proven",
            [
                ("first", execution("1")),
                ("again", execution("1")),
                ("failing", execution("2")),
                ("ended", failed()),
                ("failed-again", execution("2")),
            ],
        ),
        case(
            "athena-token",
            "disproven",
            [
                ("first", execution("1")),
                ("again", execution("1")),
                ("failing", execution("2")),
                ("ended", failed()),
                ("failed-again", execution("3")),
            ],
        ),
    ]
}

pub(super) fn messaging() -> Vec<Case> {
    let received = |group: &str| {
        of(json!({"Messages": [{"Body": "probe", "Attributes": {"MessageGroupId": group}}]}))
    };
    let policies = |verdict, on_key: Answer| {
        case(
            "policy-before-role",
            verdict,
            [
                ("on-secret", yes()),
                ("on-queue", yes()),
                ("on-topic", yes()),
                ("on-key", on_key),
            ],
        )
    };
    vec![
        case(
            "sqs-group-delay",
            "proven",
            [("sent", yes()), ("received", received("group"))],
        ),
        case(
            "sqs-group-delay",
            "disproven",
            [("sent", no("InvalidParameterValue"))],
        ),
        case("sqs-group-delay", "unclear", [("sent", no("AccessDenied"))]),
        case(
            "sqs-group-delay",
            "unclear",
            [("sent", no("AWS.SimpleQueueService.NonExistentQueue"))],
        ),
        case(
            "sqs-group-delay",
            "disproven",
            [("sent", yes()), ("received", received("other"))],
        ),
        case(
            "sqs-group-delay",
            "unclear",
            [("sent", yes()), ("received", of(json!({})))],
        ),
        policies("proven", yes()),
        policies("disproven", no("MalformedPolicyDocumentException")),
        policies("unclear", no("AccessDeniedException")),
    ]
}

//! Probes about S3, DynamoDB and Athena.

use serde_json::{Value, json};

use super::super::probe::{Answers, Kind, Probe, Step, Verdict, Wait, elements, step, value};
use super::access::user;

pub(super) fn probes() -> Vec<Probe> {
    vec![
        Probe::of("s3-conditional-put", conditional(), conditional_holds),
        Probe::of("s3-encoding-url", encoding(), encoding_holds),
        Probe::of("s3-null-version", null_version(), null_version_holds),
        Probe::of("s3-version-dates", versions(), versions_hold),
        Probe::of("dynamodb-transaction", transaction(), transaction_holds),
        Probe::of("athena-token", athena(), athena_holds),
    ]
}

fn bucket() -> Step {
    let arguments =
        json!({"method": "PUT", "bucket": "<<name>>", "path": "/", "body": "<<location>>"});
    step("bucket", "s3:CreateBucket", arguments).making(Kind::Bucket, "<<name>>")
}

fn put(name: &'static str, key: &str) -> Step {
    let arguments =
        json!({"method": "PUT", "bucket": "<<name>>", "path": format!("/{key}"), "body": "probe"});
    step(name, "s3:PutObject", arguments)
}

fn listing(name: &'static str, call: &'static str, query: Value) -> Step {
    step(
        name,
        call,
        json!({"bucket": "<<name>>", "path": "/", "query": query}),
    )
}

/// Eight at once: some meet an object, and some, it is to be hoped, one that is being written.
fn conditional() -> Vec<Step> {
    let mut steps = vec![bucket()];
    let mut statement = json!([{"Effect": "Allow", "Action": "s3:PutObject"}]);
    if let Some(statement) = statement.get_mut(0).and_then(Value::as_object_mut) {
        statement.insert("Resource".to_owned(), json!("arn:aws:s3:::<<name>>/*"));
    }
    steps.extend(user(statement));
    let mut once = put("once", "once").by("key").refusable();
    if let Some(arguments) = once.arguments.as_object_mut() {
        arguments.insert("headers".to_owned(), json!({"if-none-match": "*"}));
    }
    let again = Step {
        name: "again",
        arguments: once.arguments.clone(),
        ..put("again", "once").by("key").refusable()
    };
    let mut at_once = Step {
        copies: 8,
        ..put("at-once", "at-once").by("key").refusable()
    };
    if let Some(arguments) = at_once.arguments.as_object_mut() {
        arguments.insert("headers".to_owned(), json!({"if-none-match": "*"}));
    }
    steps.extend([once.wait(Wait::Answered), again, at_once]);
    steps
}

fn conditional_holds(answers: &Answers) -> Verdict {
    let all = answers.all("at-once");
    let written = all.iter().filter(|answer| answer.is_ok()).count();
    let codes: Vec<&str> = all
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .map(|refused| refused.code.as_str())
        .collect();
    let known = ["PreconditionFailed", "ConditionalRequestConflict"];
    let (once, again) = (answers.code("once"), answers.code("again"));
    let evidence = format!(
        "first: {once}, second: {again}; of 8 at once {written} wrote, others: {}",
        codes.join(", ")
    );
    if answers.is_denied("once") {
        return Verdict::Unclear(format!(
            "{evidence}: the user's rights did not come in time"
        ));
    }
    let holds = once == "yes" && again == "PreconditionFailed" && written == 1;
    if !holds || !codes.iter().all(|code| known.contains(code)) {
        return Verdict::Disproven(evidence);
    }
    if codes.contains(&"ConditionalRequestConflict") {
        return Verdict::Proven(evidence);
    }
    Verdict::Unclear(format!(
        "{evidence}: no two met in the middle (409); run again"
    ))
}

fn encoding() -> Vec<Step> {
    let query = json!({"list-type": "2", "encoding-type": "url"});
    vec![
        bucket(),
        put("object", "a b+ü.txt"),
        listing("listed", "s3:ListBucket", query),
    ]
}

fn encoding_holds(answers: &Answers) -> Verdict {
    let keys = elements(answers.text("listed"), "Key").join(", ");
    Verdict::of(
        keys == "a+b%2B%C3%BC.txt",
        format!("the key is listed as {keys}"),
    )
}

fn null_version() -> Vec<Step> {
    let may = |action: &str| json!([{"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::<<name>>/*"}]);
    let read = |name, query: Value| {
        let arguments = json!({"bucket": "<<name>>", "path": "/object", "query": query});
        step(name, "s3:GetObject", arguments).by("key").refusable()
    };
    let document = json!({"Version": "2012-10-17", "Statement": may("s3:GetObjectVersion")});
    let change = json!({"UserName": "<<name>>", "PolicyName": "probe",
        "PolicyDocument": document.to_string()});
    let mut steps = vec![bucket(), put("object", "object")];
    steps.extend(user(may("s3:GetObject")));
    steps.extend([
        read("plain", json!({})).wait(Wait::Answered),
        read("without", json!({"versionId": "null"})).wait(Wait::StillRefused),
        read("plain-again", json!({})),
        step("change", "iam:PutUserPolicy", change),
        read("with", json!({"versionId": "null"})).wait(Wait::Answered),
    ]);
    steps
}

fn null_version_holds(answers: &Answers) -> Verdict {
    let evidence = format!(
        "with s3:GetObject: {}, with s3:GetObjectVersion: {}",
        answers.code("without"),
        answers.code("with")
    );
    for step in ["plain", "plain-again"] {
        if !answers.is_yes(step) {
            let code = answers.code(step);
            return Verdict::Unclear(format!("{step}: the user could not read at all: {code}"));
        }
    }
    if answers.is_yes("with") && answers.is_denied("without") {
        return Verdict::Proven(evidence);
    }
    if answers.is_yes("without") || answers.is_denied("with") {
        return Verdict::Disproven(evidence);
    }
    Verdict::Unclear(evidence)
}

fn versions() -> Vec<Step> {
    let body = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <Status>Enabled</Status></VersioningConfiguration>";
    let versioning = json!({"method": "PUT", "bucket": "<<name>>", "path": "/",
        "query": {"versioning": ""}, "body": body});
    let delete = json!({"method": "DELETE", "bucket": "<<name>>", "path": "/object"});
    vec![
        bucket(),
        step("versioning", "s3:PutBucketVersioning", versioning),
        put("first", "object"),
        step("deleted", "s3:DeleteObject", delete),
        put("second", "object"),
        listing(
            "listed",
            "s3:ListBucketVersions",
            json!({"versions": "", "prefix": "object"}),
        ),
    ]
}

fn versions_hold(answers: &Answers) -> Verdict {
    let text = answers.text("listed");
    let dates = elements(text, "LastModified");
    // The order of both kinds among each other, by where they stand in the answer.
    let mut kinds: Vec<(usize, &str)> = text.match_indices("<Version>").collect();
    kinds.extend(text.match_indices("<DeleteMarker>"));
    kinds.sort_unstable();
    let kinds: Vec<&str> = kinds.into_iter().map(|(_, kind)| kind).collect();
    let evidence = format!("{} at {}", kinds.join(" "), dates.join(", "));
    if kinds.len() != 3 || dates.len() != 3 {
        return Verdict::Disproven(evidence);
    }
    let holds = kinds == ["<Version>", "<DeleteMarker>", "<Version>"]
        && dates.is_sorted_by(|a, b| a >= b)
        && elements(text, "IsLatest") == ["true", "false", "false"];
    Verdict::of(holds, evidence)
}

fn transaction() -> Vec<Step> {
    let table = json!({
        "TableName": "<<name>>", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "Tags": [{"Key": "banto-probe", "Value": "<<name>>"}],
    });
    let of_table = |name, call| step(name, call, json!({"TableName": "<<name>>"}));
    let item = |id: &str| json!({"id": {"S": id}});
    let write = json!({"TransactItems": [
        {"Put": {"TableName": "<<name>>", "Item": item("new")}},
        {"Put": {"TableName": "<<name>>", "Item": item("old"),
            "ConditionExpression": "attribute_exists(id)"}},
    ]});
    let read = json!({"TableName": "<<name>>", "Key": item("new"), "ConsistentRead": true});
    vec![
        step("table", "dynamodb:CreateTable", table).making(Kind::Table, "<<name>>"),
        of_table("ready", "dynamodb:DescribeTable")
            .wait(Wait::Until(|text| text.contains("\"ACTIVE\""))),
        step("write", "dynamodb:TransactWriteItems", write).refusable(),
        step("read", "dynamodb:GetItem", read),
    ]
}

fn transaction_holds(answers: &Answers) -> Verdict {
    let refused = answers.refusal("write");
    let words = refused.map_or("", |refused| refused.words.as_str());
    let holds = answers.code("write") == "TransactionCanceledException"
        && words.contains("ConditionalCheckFailed");
    let wrote = answers.json("read").get("Item").is_some();
    let evidence = format!(
        "{}: {words}; the other item is there: {wrote}",
        answers.code("write")
    );
    Verdict::of(holds && !wrote, evidence)
}

fn athena() -> Vec<Step> {
    let start = |name, query: &str, token: &str| {
        let arguments = json!({
            "QueryString": query, "ClientRequestToken": format!("<<name>>-{token}-0123456789"),
            "ResultConfiguration": {"OutputLocation": "s3://<<name>>/"},
        });
        step(name, "athena:StartQueryExecution", arguments)
    };
    let missing = "SELECT * FROM banto_probe_no_such_table";
    let ended = json!({"QueryExecutionId": "<<failing:/QueryExecutionId>>"});
    vec![
        bucket(),
        start("first", "SELECT 1", "good"),
        start("again", "SELECT 1", "good").refusable(),
        start("failing", missing, "bad"),
        step("ended", "athena:GetQueryExecution", ended)
            .wait(Wait::Until(|text| text.contains("\"FAILED\""))),
        start("failed-again", missing, "bad").refusable(),
    ]
}

fn athena_holds(answers: &Answers) -> Verdict {
    let id = |step: &str| value(answers.text(step), "/QueryExecutionId");
    let same = id("first") == id("again");
    let same_failed = id("failing") == id("failed-again");
    let evidence = format!("the same id at once: {same}, after a failure: {same_failed}");
    if !answers.text("ended").contains("\"FAILED\"") {
        return Verdict::Unclear(format!("{evidence}; the second query did not fail in time"));
    }
    Verdict::of(same && same_failed, evidence)
}

//! Objects with what the generator of archives never makes: items that lack something, and a
//! history file that is none.

use banto_samples::Account;
use serde_json::{Value, json};

use crate::archive::gz;

/// The place of the account that has nothing but these.
pub(crate) const ACCOUNT: usize = 5;

const NO_JSON: &str = "<Error><Code>SlowDown</Code></Error>";

/// The last day of October, in folders and in files.
const FOLDER: &str = "2026/10/31";
const DAY: &str = "20261031";

/// The objects, each with its key: those of a region at the end of October, and of another region
/// of which there is no snapshot that can be read.
pub(crate) fn objects() -> Vec<(String, Vec<u8>)> {
    let account = &Account::made_up(ACCOUNT + 1)[ACCOUNT].id;
    let folder = format!("AWSLogs/{account}/Config/eu-central-1/{FOLDER}");
    let elsewhere = format!("AWSLogs/{account}/Config/us-east-1/{FOLDER}");
    let file = format!("{account}_Config_eu-central-1");
    let uuid = "0a1b2c3d-84a7-4cca-a179-76a199ddd11a";
    let snapshot = |time| {
        let file = format!("{file}_ConfigSnapshot_{DAY}T{time}Z_{uuid}.json.gz");
        format!("{folder}/ConfigSnapshot/{file}")
    };
    let history =
        format!("{file}_ConfigHistory_AWS::S3::Bucket_{DAY}T000000Z_{DAY}T060000Z_1.json.gz");
    let torn = format!("{account}_Config_us-east-1_ConfigSnapshot_{DAY}T023000Z_{uuid}.json.gz");
    vec![
        // What an earlier snapshot of the day says is over.
        (snapshot("003000"), gz(&document(&items()[5..6]))),
        (snapshot("023000"), gz(&document(&items()))),
        (format!("{folder}/ConfigHistory/{history}"), gz(NO_JSON)),
        (format!("{elsewhere}/ConfigSnapshot/{torn}"), gz(NO_JSON)),
    ]
}

fn document(items: &[Value]) -> String {
    json!({
        "fileVersion": "1.0", "configSnapshotId": "a-snapshot", "configurationItems": items,
    })
    .to_string()
}

fn items() -> Vec<Value> {
    let small_arn = json!({
        "resourceType": "AWS::S3::Bucket", "resourceId": "logs", "resourceName": "all-logs",
        "arn": "arn:aws:s3:::logs", "configurationItemStatus": "OK",
    });
    let gone = json!({
        "resourceType": "AWS::S3::Bucket", "resourceId": "gone", "ARN": "arn:aws:s3:::gone",
        "configurationItemStatus": "ResourceDeleted",
    });
    let typeless = json!({ "resourceId": "typeless" });
    let idless = json!({ "resourceType": "AWS::S3::Bucket" });
    let pack = json!({
        "resourceType": "AWS::Config::ConformancePackCompliance", "resourceId": "pack",
        "configuration": { "complianceType": "NON_COMPLIANT" },
    });
    // The target is only in the item's own id, and nothing says when it was recorded.
    let no_target = compliance(
        "AWS::S3::Bucket/logs",
        json!({ "configRuleList": [rule("logging-enabled", "NON_COMPLIANT")] }),
    );
    let nameless = json!({ "complianceType": "NON_COMPLIANT" });
    let no_name = compliance(
        "AWS::EC2::Volume/vol-1",
        json!({
            "targetResourceType": "AWS::EC2::Volume", "targetResourceId": "vol-1",
            "configRuleList": [nameless, rule("encrypted-volumes", "COMPLIANT")],
        }),
    );
    let mut is_gone = compliance(
        "AWS::S3::Bucket/gone",
        json!({ "configRuleList": [rule("logging-enabled", "NON_COMPLIANT")] }),
    );
    is_gone["configurationItemStatus"] = "ResourceDeletedNotRecorded".into();
    let of_nothing = compliance(
        "nothing",
        json!({ "configRuleList": [rule("logging-enabled", "COMPLIANT")] }),
    );
    let a_new_verdict = compliance(
        "AWS::S3::Bucket/logs",
        json!({ "configRuleList": [rule("versioning-enabled", "A_NEW_ONE")] }),
    );
    vec![
        small_arn,
        gone,
        typeless,
        idless,
        pack,
        no_target,
        no_name,
        is_gone,
        of_nothing,
        a_new_verdict,
    ]
}

fn compliance(id: &str, configuration: Value) -> Value {
    json!({
        "resourceType": "AWS::Config::ResourceCompliance", "resourceId": id,
        "configuration": configuration,
    })
}

fn rule(name: &str, verdict: &str) -> Value {
    json!({ "configRuleName": name, "complianceType": verdict })
}

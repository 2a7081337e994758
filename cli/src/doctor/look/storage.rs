//! Tables and buckets.

use serde_json::json;

use super::check::{Ask, Check, Said, Topic};
use super::place::Here;
use crate::doctor::value;

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(onboarding) = here.onboarding() {
        checks.push(table(&onboarding.table));
    }
    if let Some(compliance) = here.compliance() {
        checks.push(table(&compliance.table));
        if let Some(report) = &here.policy.report {
            checks.push(bucket(&report.archive.bucket));
            checks.push(bucket(&report.store.bucket));
        }
    }
    if let Some(identity) = here.identity() {
        checks.push(bucket(&identity.certificate_bucket));
    }
    checks
}

fn table(name: &str) -> Check {
    let ask = Ask::aws("dynamodb:DescribeTable", json!({"TableName": name}));
    Check::new(
        Topic::Storage,
        format!("table {name}"),
        vec![ask],
        |texts| {
            let text = texts.first().map(String::as_str).unwrap_or_default();
            vec![match value(text, "/Table/TableStatus").as_deref() {
                Some("ACTIVE" | "UPDATING") => Said::fine("active"),
                other => Said::error(
                    format!("is {}", other.unwrap_or("in no known state")),
                    &["docs/BREAK-GLASS.md says how to have it back"],
                ),
            }]
        },
    )
}

fn bucket(name: &str) -> Check {
    let query = json!({"list-type": "2", "max-keys": "1"});
    let ask = Ask::aws(
        "s3:ListBucket",
        json!({"bucket": name, "path": "/", "query": query}),
    );
    Check::new(Topic::Storage, format!("bucket {name}"), vec![ask], |_| {
        vec![Said::fine("is there")]
    })
}

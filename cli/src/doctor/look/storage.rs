//! Tables and buckets.

use serde_json::json;

use super::check::{Ask, Check, Said, Topic};
use super::origin::{Named, Origin};
use super::place::Here;
use crate::doctor::value;

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(onboarding) = here.onboarding() {
        checks.push(table(
            &onboarding.table,
            "onboard-accounts",
            "onboarding.table",
        ));
    }
    if let Some(compliance) = here.compliance() {
        checks.push(table(
            &compliance.table,
            "notify-compliance",
            "compliance.table",
        ));
        if let Some(report) = &here.policy.report {
            let (archive, store) = (&report.archive.bucket, &report.store.bucket);
            checks.push(bucket(archive, "log-archive", "report.archive.bucket"));
            checks.push(bucket(store, "report-compliance", "report.store.bucket"));
        }
    }
    if let Some(identity) = here.identity() {
        let name = &identity.certificate_bucket;
        checks.push(bucket(
            name,
            "identity",
            "rotation.accounts[].certificate_bucket",
        ));
    }
    checks
}

fn table(name: &str, module: &'static str, key: &'static str) -> Check {
    let ask = Ask::aws("dynamodb:DescribeTable", json!({"TableName": name}));
    let own = name.to_owned();
    let check = Check::new(
        Topic::Storage,
        format!("table {name}"),
        vec![ask],
        move |texts| {
            let text = texts.first().map(String::as_str).unwrap_or_default();
            vec![match value(text, "/Table/TableStatus").as_deref() {
                Some("ACTIVE" | "UPDATING") => Said::fine("active"),
                other => {
                    let backups = format!("$ aws dynamodb list-backups --table-name {own}");
                    Said::error(
                        format!("is {}", other.unwrap_or("in no known state")),
                        &[
                            "docs/BREAK-GLASS.md says how to have it back; its backups are",
                            &backups,
                        ],
                    )
                }
            }]
        },
    );
    check.made_by(Origin::new(module, Named::Policy(key)))
}

fn bucket(name: &str, module: &'static str, key: &'static str) -> Check {
    let query = json!({"list-type": "2", "max-keys": "1"});
    let ask = Ask::aws(
        "s3:ListBucket",
        json!({"bucket": name, "path": "/", "query": query}),
    );
    let check = Check::new(Topic::Storage, format!("bucket {name}"), vec![ask], |_| {
        vec![Said::fine("is there")]
    });
    let origin = Origin::new(module, Named::Policy(key));
    check.made_by(origin).everywhere()
}

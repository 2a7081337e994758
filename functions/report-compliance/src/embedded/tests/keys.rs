//! Keys of the archive.

use super::super::keys;
use super::{account, region, time};

#[test]
fn a_snapshots_time_comes_from_its_key() {
    let told = [
        (
            "111122223333_Config_eu-west-1_ConfigSnapshot_20261031T023000Z_0a1b.json.gz",
            Some("2026-10-31T02:30:00Z"),
        ),
        // Unzipped by hand.
        (
            "111122223333_Config_eu-west-1_ConfigSnapshot_20260109T235959Z_0a1b.json",
            Some("2026-01-09T23:59:59Z"),
        ),
        (
            "111122223333_Config_eu-west-1_ConfigSnapshot_20261331T023000Z_0a1b.json.gz",
            None,
        ),
        (
            "111122223333_Config_eu-west-1_ConfigSnapshot_yesterday_0a1b.json.gz",
            None,
        ),
        (
            "111122223333_Config_eu-west-1_ConfigSnapshot_20261031T023000Z.json.gz",
            None,
        ),
        (
            "111122223333_Config_eu-west-1_ConfigSnapshot_20261031T023000Z_0a1b.json.gz.tmp",
            None,
        ),
        (
            "111122223333_Config_eu-west-1_ConfigHistory_AWS::S3::Bucket_20261031T023000Z_20261031T083000Z_1.json.gz",
            None,
        ),
        ("ConfigWritabilityCheckFile", None),
        ("", None),
    ];
    for (name, expected) in told {
        let key = format!("AWSLogs/111122223333/Config/eu-west-1/2026/10/31/ConfigSnapshot/{name}");
        let found = keys::snapshot(&key);
        assert_eq!(
            found.as_ref().map(|found| found.taken_at),
            expected.map(time),
            "{name}"
        );
        assert!(found.is_none_or(|found| found.key == key));
    }
}

#[test]
fn only_history_files_are_history() {
    let day = "AWSLogs/111122223333/Config/eu-west-1/2026/10/31";
    let is_history = |rest: &str| keys::is_history(&format!("{day}/{rest}"));
    assert!(is_history(
        "ConfigHistory/111122223333_Config_eu-west-1_ConfigHistory_AWS::S3::Bucket_a_b_1.json.gz"
    ));
    assert!(!is_history("ConfigHistory/"));
    assert!(!is_history(
        "ConfigSnapshot/111122223333_Config_eu-west-1_ConfigSnapshot_a_b.json.gz"
    ));
    assert!(!is_history(
        "OversizedChangeNotification/AWS::S3::Bucket/b/111122223333_Config_x.json.gz"
    ));
}

#[test]
fn a_months_folders_are_the_one_of_aws_and_the_padded_one() {
    let folder = keys::region("config/o-abc/AWSLogs/", &account(), &region());
    assert_eq!(
        keys::months(&folder, "2026-01".parse().unwrap()),
        [
            "config/o-abc/AWSLogs/111122223333/Config/eu-west-1/2026/1/",
            "config/o-abc/AWSLogs/111122223333/Config/eu-west-1/2026/01/",
        ]
    );
    assert_eq!(keys::months("", "2026-11".parse().unwrap()), ["2026/11/"]);
}

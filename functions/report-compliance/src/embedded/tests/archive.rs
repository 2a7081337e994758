//! The way through the archive.

use super::*;

/// A snapshot with one resource by this id, which tells which snapshot was read.
fn with(id: &str) -> Vec<u8> {
    gz(document(&[compliance(
        "AWS::S3::Bucket",
        id,
        &[("rule-1", "NON_COMPLIANT")],
    )]))
}

async fn ids_read(archive: Archive) -> (Vec<String>, Vec<Problem>) {
    let (evidence, _) = read_account(archive, false).await;
    let regions = evidence.regions.into_values();
    let evaluations = regions.flat_map(|region| region.evaluations);
    (
        evaluations.map(|found| found.resource_id).collect(),
        evidence.problems,
    )
}

#[tokio::test]
async fn the_day_is_a_number_and_the_tenth_comes_after_the_ninth() {
    let archive = Archive::default()
        .with(
            snapshot_key("", "2026/9/30", "20260930T020000Z"),
            with("september"),
        )
        .with(
            snapshot_key("", "2026/10/9", "20261009T020000Z"),
            with("ninth"),
        )
        .with(
            snapshot_key("", "2026/10/10", "20261010T020000Z"),
            with("tenth"),
        );
    assert_eq!(ids_read(archive).await.0, ["tenth"]);
}

#[tokio::test]
async fn padded_dates_are_read_too() {
    let archive = Archive::default()
        .with(
            snapshot_key("", "2026/09/30", "20260930T020000Z"),
            with("september"),
        )
        .with(
            snapshot_key("", "2026/10/08", "20261008T020000Z"),
            with("eighth"),
        )
        .with(
            snapshot_key("", "2026/10/9", "20261009T020000Z"),
            with("ninth"),
        );
    assert_eq!(ids_read(archive).await.0, ["ninth"]);
}

#[tokio::test]
async fn the_last_snapshot_of_a_day_wins() {
    let archive = Archive::default()
        .with(
            snapshot_key("", "2026/10/31", "20261031T080000Z"),
            with("morning"),
        )
        .with(
            snapshot_key("", "2026/10/31", "20261031T200000Z"),
            with("evening"),
        )
        .with(
            snapshot_key("", "2026/10/31", "20261031T140000Z"),
            with("noon"),
        );
    assert_eq!(ids_read(archive).await.0, ["evening"]);
}

#[tokio::test]
async fn a_snapshot_from_the_months_end_on_does_not_count() {
    let archive = Archive::default()
        .with(
            snapshot_key("", "2026/10/31", "20261031T235959Z"),
            with("last"),
        )
        .with(
            snapshot_key("", "2026/10/31", "20261101T000000Z"),
            with("midnight"),
        )
        .with(
            snapshot_key("", "2026/11/1", "20261101T020000Z"),
            with("november"),
        )
        .with(
            snapshot_key("", "2027/1/1", "20270101T020000Z"),
            with("next year"),
        );
    assert_eq!(ids_read(archive).await.0, ["last"]);
}

#[tokio::test]
async fn the_newest_snapshot_of_all_prefixes_wins_and_a_broken_one_falls_back_across_them() {
    let archive = Archive::default()
        .with(
            snapshot_key("o-abc1234567/", "2026/10/30", "20261030T020000Z"),
            with("tower"),
        )
        .with(
            snapshot_key("config/o-abc1234567/", "2026/10/31", "20261031T020000Z"),
            gz("{"),
        )
        .with(
            snapshot_key("", "2026/10/29", "20261029T020000Z"),
            with("plain"),
        );
    let (ids, problems) = ids_read(archive).await;
    assert_eq!(ids, ["tower"]);
    assert_eq!(words(&problems), ["it ends in the middle"]);
    assert!(problems[0].key.starts_with("config/o-abc1234567/AWSLogs/"));
}

#[tokio::test]
async fn accounts_are_found_below_every_prefix_and_nothing_else_is_one() {
    let archive = Archive::default()
        .with(snapshot_key("", "2026/10/31", "20261031T020000Z"), "")
        .with("AWSLogs/o-abc1234567/444455556666/CloudTrail/x", "")
        .with(
            "o-abc1234567/AWSLogs/444455556666/Config/ConfigWritabilityCheckFile",
            "",
        )
        .with(
            "config/o-abc1234567/AWSLogs/777788889999/Config/ConfigWritabilityCheckFile",
            "",
        )
        .with("other/AWSLogs-old/123456789012/x", "")
        .with("a/b/c/AWSLogs/000000000000/Config/x", "");
    let engine = Embedded::new(Arc::new(archive), String::new(), false);
    let accounts = engine.accounts(october()).await.unwrap();
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    assert_eq!(accounts, ["111122223333", "444455556666", "777788889999"]);
}

#[tokio::test]
async fn a_prefix_may_end_in_aws_logs() {
    let archive = Archive::default()
        .with(
            "logs/AWSLogs/444455556666/Config/ConfigWritabilityCheckFile",
            "",
        )
        .with("AWSLogs/111122223333/Config/ConfigWritabilityCheckFile", "");
    let engine = Embedded::new(Arc::new(archive), "logs/AWSLogs/".to_owned(), false);
    let accounts = engine.accounts(october()).await.unwrap();
    assert_eq!(accounts, BTreeSet::from(["444455556666".parse().unwrap()]));
}

#[tokio::test]
async fn a_bucket_full_of_other_folders_is_an_error_rather_than_an_empty_archive() {
    let mut archive = Archive::default();
    for number in 0..1001 {
        archive = archive.with(format!("folder-{number}/x"), "");
    }
    let engine = Embedded::new(Arc::new(archive), String::new(), false);
    let error = engine.accounts(october()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_region_with_nothing_but_the_check_file_or_history_has_no_snapshot() {
    let config = "AWSLogs/111122223333/Config";
    let history =
        "ConfigHistory/111122223333_Config_us-east-1_ConfigHistory_AWS::S3::Bucket_a_b_1.json.gz";
    let archive = Archive::default()
        .with(format!("{config}/ConfigWritabilityCheckFile"), "")
        .with(
            format!("{config}/us-east-1/2026/10/31/{history}"),
            with("x"),
        )
        .with(format!("{config}/eu-west-1/2026/11/2/{history}"), with("x"));
    let (evidence, _) = read_account(archive, false).await;
    let regions: Vec<&str> = evidence.regions.keys().map(Region::as_str).collect();
    // What began to deliver after the month was not there yet.
    assert_eq!(regions, ["us-east-1"]);
    assert!(
        evidence
            .regions
            .values()
            .all(|region| *region == RegionEvidence::default())
    );
    assert_eq!(evidence.problems, []);
}

#[tokio::test]
async fn an_account_that_the_archive_does_not_know_has_no_regions() {
    let (evidence, _) = read_account(Archive::default(), true).await;
    assert_eq!(evidence, AccountEvidence::default());
}

#[tokio::test]
async fn broken_snapshots_are_named_and_the_one_before_them_is_taken() {
    let good = with("good");
    let broken = [
        (
            "20261031T200000Z",
            good[..good.len() / 2].to_vec(),
            "its gzip data ends in the middle",
        ),
        ("20261031T140000Z", Vec::new(), "it is empty"),
        ("20261031T080000Z", gz("<html>"), "it is not JSON"),
        ("20261031T020000Z", gz("{}"), "it has no configurationItems"),
    ];
    let mut archive =
        Archive::default().with(snapshot_key("", "2026/10/30", "20261030T020000Z"), good);
    for (time, body, _) in &broken {
        archive = archive.with(snapshot_key("", "2026/10/31", time), body.clone());
    }
    let (ids, problems) = ids_read(archive).await;
    assert_eq!(ids, ["good"]);
    assert_eq!(words(&problems), broken.map(|(_, _, what)| what));
    assert!(problems[0].key.contains("20261031T200000Z"));
}

#[tokio::test]
async fn a_region_is_given_up_after_five_broken_snapshots() {
    let mut archive = Archive::default().with(
        snapshot_key("", "2026/10/1", "20261001T020000Z"),
        with("old"),
    );
    for hour in 10..15 {
        let key = snapshot_key("", "2026/10/31", &format!("20261031T{hour}0000Z"));
        archive = archive.with(key, "");
    }
    let (evidence, _) = read_account(archive, false).await;
    assert_eq!(evidence.regions[&region()], RegionEvidence::default());
    assert_eq!(evidence.problems.len(), 5);
}

#[tokio::test]
async fn a_current_region_costs_four_listings_and_one_read_however_long_it_has_delivered() {
    let mut archive = Archive::default();
    for (year, month, day) in (2020..=2026).flat_map(|year| {
        (1..=12).flat_map(move |month| (1..=28).map(move |day| (year, month, day)))
    }) {
        let time = format!("{year}{month:02}{day:02}T020000Z");
        archive = archive.with(
            snapshot_key("", &format!("{year}/{month}/{day}"), &time),
            "",
        );
    }
    let archive = archive.with(
        snapshot_key("", "2026/10/31", "20261031T020000Z"),
        with("last"),
    );
    let (evidence, archive) = read_account(archive, false).await;
    assert_eq!(evidence.problems, []);
    assert_eq!(
        archive.calls("folders AWSLogs/111122223333/Config/eu-west-1/"),
        3
    );
    assert_eq!(
        archive.calls("list AWSLogs/111122223333/Config/eu-west-1/2026/10/31/"),
        1
    );
    assert_eq!((archive.calls("list"), archive.calls("read")), (1, 1));
}

#[tokio::test]
async fn a_region_without_snapshots_costs_no_listing_for_each_day_of_years() {
    let mut archive = Archive::default().with(
        snapshot_key("", "2025/1/1", "20250101T020000Z"),
        with("old"),
    );
    for (month, day) in (1..=10).flat_map(|month| (1..=28).map(move |day| (month, day))) {
        let folder = format!("AWSLogs/111122223333/Config/eu-west-1/2026/{month}/{day}");
        archive = archive.with(format!("{folder}/ConfigHistory/x.json.gz"), "");
    }
    let (evidence, archive) = read_account(archive, false).await;
    assert_eq!(evidence.regions[&region()].snapshot, None);
    assert_eq!(archive.calls("list"), 62);
}

#[tokio::test]
async fn an_archive_that_fails_is_an_error_and_a_snapshot_that_is_gone_or_refused_is_a_problem() {
    let key = snapshot_key("", "2026/10/31", "20261031T020000Z");
    let before = snapshot_key("", "2026/10/30", "20261030T020000Z");
    for kind in [
        ErrorKind::Denied,
        ErrorKind::Unavailable,
        ErrorKind::Missing,
    ] {
        let mut archive = Archive::default()
            .with(&key, with("new"))
            .with(&before, with("old"));
        archive.failing = Some((key.clone(), kind));
        let engine = Embedded::new(Arc::new(archive), String::new(), false);
        let job = ReadJob {
            account: &account(),
            period: october(),
            previously_open: &BTreeSet::new(),
            before: "",
        };
        let read = engine.read(job).await;
        if kind != ErrorKind::Unavailable {
            let evidence = read.unwrap();
            assert_eq!(
                told(&evidence.regions[&region()]),
                ["rule-1 old Noncompliant"]
            );
            let what = match kind {
                ErrorKind::Missing => Unreadable::Gone,
                _ => Unreadable::Refused,
            };
            assert_eq!(words(&evidence.problems), [what.to_string()]);
        } else {
            assert_eq!(read.unwrap_err().kind, kind);
        }
    }
}

#[tokio::test]
async fn an_archive_of_which_nothing_can_be_read_is_an_error_and_one_object_in_glacier_is_not() {
    for (message, is_error) in [
        ("AccessDenied: no", true),
        ("InvalidObjectState: it is archived", false),
    ] {
        let key = snapshot_key("", "2026/10/31", "20261031T020000Z");
        let mut archive = Archive::default().with(&key, with("new"));
        archive.failing = Some((key, ErrorKind::Denied));
        archive.words = message;
        let engine = Embedded::new(Arc::new(archive), String::new(), false);
        let job = ReadJob {
            account: &account(),
            period: october(),
            previously_open: &BTreeSet::new(),
            before: "",
        };
        let read = engine.read(job).await;
        assert_eq!(read.is_err(), is_error, "{message}");
    }
}

#[tokio::test]
async fn history_files_of_the_month_are_counted_by_type_and_a_broken_one_is_named() {
    let day = "AWSLogs/111122223333/Config/eu-west-1/2026/10/7/ConfigHistory/111122223333_Config_eu-west-1_ConfigHistory";
    let items = [
        bucket("a"),
        bucket("b"),
        compliance("AWS::S3::Bucket", "a", &[]),
    ];
    let archive = Archive::default()
        .with(
            format!("{day}_AWS::S3::Bucket_a_b_1.json.gz"),
            gz(document(&items)),
        )
        .with(
            format!("{day}_AWS::S3::Bucket_a_b_2.json.gz"),
            gz(document(&items[..1])),
        )
        .with(
            format!("{day}_AWS::S3::Bucket_a_b_3.json.gz"),
            gz("{\"configurationItems\":[{"),
        )
        .with(
            format!("{day}_AWS::S3::Bucket_a_b_4.json.gz"),
            gz(document(&[json!({})])),
        )
        .with(
            format!("{day}_AWS::S3::Bucket_a_b_5.json.gz").replace("/10/", "/11/"),
            gz(document(&items)),
        )
        .with(snapshot_key("", "2026/10/7", "20261007T020000Z"), with("x"));
    let (evidence, archive) = read_account(archive, true).await;
    let expected = [
        ("AWS::Config::ResourceCompliance", 1),
        ("AWS::S3::Bucket", 3),
    ];
    assert_eq!(
        evidence.recorded,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );
    let mut told = words(&evidence.problems);
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "1 items above 4 MB or without a resource type",
            "it ends in the middle"
        ]
    );
    assert_eq!(
        archive.calls("list AWSLogs/111122223333/Config/eu-west-1/2026/10/7/ConfigHistory"),
        0
    );
}

#[tokio::test]
async fn history_is_not_read_unless_the_policy_wants_it() {
    let day = "AWSLogs/111122223333/Config/eu-west-1/2026/10/7/ConfigHistory/111122223333_Config_eu-west-1_ConfigHistory";
    let archive =
        Archive::default().with(format!("{day}_AWS::S3::Bucket_a_b_1.json.gz"), with("x"));
    let (evidence, archive) = read_account(archive, false).await;
    assert_eq!(evidence.recorded, BTreeMap::new());
    assert_eq!(archive.calls("read"), 0);
}

#[tokio::test]
async fn usage_tells_objects_and_bytes_as_they_lie_in_the_archive() {
    // More than one piece: what does not compress is as long in the archive.
    let noise: String = (0..1_200_000u32)
        .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 26))
        .collect();
    let body = document(&[json!({"resourceType": "AWS::X::Y", "resourceId": noise})]).into_bytes();
    let length = body.len() as u64;
    let archive = Archive::default().with(snapshot_key("", "2026/10/31", "20261031T020000Z"), body);
    let engine = Embedded::new(Arc::new(archive), String::new(), false);
    let job = ReadJob {
        account: &account(),
        period: october(),
        previously_open: &BTreeSet::new(),
        before: "",
    };
    let evidence = engine.read(job).await.unwrap();
    assert_eq!(evidence.regions[&region()].resources, 1);
    let usage = engine.usage();
    assert_eq!(
        (usage.objects, usage.bytes, usage.by_athena),
        (1, length, false)
    );
}

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::{Account, Archive, Object, Oddity, Shape};

fn archive(change: impl FnOnce(&mut Shape)) -> Archive {
    let mut shape = Shape::default();
    change(&mut shape);
    Archive::new(shape)
}

fn with(oddity: Oddity) -> Archive {
    archive(|shape| shape.oddities = vec![(0, oddity)])
}

fn unzipped(object: &Object) -> std::io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(object.bytes.as_slice()).read_to_string(&mut text)?;
    Ok(text)
}

fn json(object: &Object) -> Value {
    serde_json::from_str(&unzipped(object).unwrap()).unwrap()
}

fn snapshots(archive: &Archive) -> Vec<Object> {
    let is_snapshot = |object: &Object| object.key.contains("/ConfigSnapshot/");
    archive.objects().filter(is_snapshot).collect()
}

fn items(object: &Object) -> Vec<Value> {
    json(object)["configurationItems"]
        .as_array()
        .unwrap()
        .clone()
}

fn is_compliance(item: &Value) -> bool {
    item["resourceType"] == "AWS::Config::ResourceCompliance"
}

#[test]
fn the_same_shape_makes_the_same_bytes_and_another_seed_makes_others() {
    let made: Vec<Object> = archive(|_| ()).objects().collect();
    assert_eq!(made, archive(|_| ()).objects().collect::<Vec<_>>());
    let other: Vec<Object> = archive(|shape| shape.seed = 2).objects().collect();
    assert_ne!(made, other);
}

#[test]
fn keys_are_those_that_aws_config_documents() {
    let snapshot =
        fits("AWSLogs/N/Config/R/Y/M/M/ConfigSnapshot/N_Config_R_ConfigSnapshot_T_U.json.gz");
    let history = fits(
        "AWSLogs/N/Config/R/Y/M/M/ConfigHistory/N_Config_R_ConfigHistory_AWS::Q::Q_T_T_M.json.gz",
    );
    let check = fits("AWSLogs/N/Config/ConfigWritabilityCheckFile");
    let mut seen = BTreeSet::new();
    for object in archive(|_| ()).objects() {
        assert!(seen.insert(object.key.clone()), "twice: {}", object.key);
        let known = [&snapshot, &history, &check].map(|is_one| is_one(&object.key));
        assert!(known.contains(&true), "{}", object.key);
    }
    assert!(seen.iter().any(|key| key.contains("/2026/9/29/")));
}

/// Compares a key with a pattern in which capitals stand for parts.
fn fits(pattern: &'static str) -> impl Fn(&str) -> bool {
    move |key| {
        let parts =
            |text: &str| -> Vec<String> { text.split(['/', '_']).map(str::to_owned).collect() };
        let (key, pattern) = (parts(key), parts(pattern));
        key.len() == pattern.len() && pattern.iter().zip(&key).all(|(p, k)| part_fits(p, k))
    }
}

fn part_fits(pattern: &str, part: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let time = |text: &str| {
        text.len() == 16 && text.ends_with('Z') && text.as_bytes().get(8) == Some(&b'T')
    };
    match pattern {
        "N" => part.len() == 12 && digits(part),
        "R" => part.split('-').count() == 3,
        "Y" => part.len() == 4 && digits(part),
        "M" => digits(part) && !part.starts_with('0'),
        "T" => time(part),
        "U.json.gz" => part.len() == 36 + 8 && part.ends_with(".json.gz"),
        "M.json.gz" => part.strip_suffix(".json.gz").is_some_and(digits),
        "AWS::Q::Q" => part.split("::").count() == 3,
        literal => literal == part,
    }
}

#[test]
fn a_snapshot_has_about_as_many_items_as_asked_and_the_asked_share_is_compliance() {
    let large = archive(|shape| {
        shape.accounts = Account::made_up(1);
        shape.regions.truncate(1);
        (shape.items, shape.months, shape.days) = (2_000, 1, 1);
    });
    let found = items(&snapshots(&large)[0]);
    assert!((1_800..=2_100).contains(&found.len()), "{}", found.len());
    let compliance = found.iter().filter(|item| is_compliance(item)).count();
    let percent = compliance * 100 / found.len();
    assert!((22..=28).contains(&percent), "{percent}");
}

#[test]
fn every_item_has_the_fields_of_a_configuration_item() {
    for snapshot in snapshots(&archive(|shape| shape.items = 300)) {
        for item in items(&snapshot) {
            for field in [
                "configurationItemVersion",
                "configurationItemCaptureTime",
                "configurationStateId",
                "awsAccountId",
                "configurationItemStatus",
                "resourceType",
                "resourceId",
                "awsRegion",
                "relatedEvents",
                "relationships",
                "configuration",
                "supplementaryConfiguration",
                "tags",
            ] {
                assert!(item.get(field).is_some(), "{field} in {item}");
            }
            assert!(
                snapshot
                    .key
                    .contains(item["awsAccountId"].as_str().unwrap())
            );
            assert!(!item.to_string().contains("${"), "a gap in {item}");
        }
    }
}

#[test]
fn compliance_items_say_what_the_truth_says() {
    let archive = archive(|shape| {
        shape.items = 300;
        shape.oddities = vec![(0, Oddity::InsufficientData), (0, Oddity::NotApplicable)];
    });
    let months: Vec<_> = archive.shape().all_months().collect();
    let objects: BTreeMap<String, Object> = snapshots(&archive)
        .into_iter()
        .map(|object| (object.key.clone(), object))
        .collect();
    let mut verdicts = BTreeMap::new();
    for month in months {
        let truth = archive.truth(0, month).unwrap();
        for region in truth.regions.values() {
            let snapshot = &objects[region.key.as_ref().unwrap()];
            let mut counted: BTreeMap<String, u64> = BTreeMap::new();
            for item in items(snapshot).iter().filter(|item| is_compliance(item)) {
                let rules = item["configuration"]["configRuleList"].as_array().unwrap();
                for rule in rules {
                    let verdict = rule["complianceType"].as_str().unwrap().to_owned();
                    *counted.entry(verdict).or_default() += 1;
                }
            }
            let said = |verdict: &str| counted.get(verdict).copied().unwrap_or(0);
            assert_eq!(said("COMPLIANT"), region.compliant.values().sum::<u64>());
            assert_eq!(said("NON_COMPLIANT"), region.open.len() as u64);
            assert_eq!(
                said("INSUFFICIENT_DATA"),
                region.insufficient_data.len() as u64
            );
            assert_eq!(said("NOT_APPLICABLE"), region.not_applicable.len() as u64);
            for (verdict, count) in counted {
                *verdicts.entry(verdict).or_insert(0) += count;
            }
        }
    }
    assert_eq!(verdicts.len(), 4, "{verdicts:?}");
}

#[test]
fn over_the_months_findings_appear_are_resolved_and_stay() {
    let archive = archive(|shape| (shape.items, shape.months) = (1_000, 3));
    let months: Vec<_> = archive.shape().all_months().collect();
    let open = |at: usize| -> BTreeSet<_> {
        let truth = archive.truth(0, months[at]).unwrap();
        let regions = truth.regions.into_values();
        regions.flat_map(|region| region.open.into_keys()).collect()
    };
    let (first, last) = (open(0), open(2));
    assert!(
        first.difference(&last).next().is_some(),
        "nothing is resolved"
    );
    assert!(last.difference(&first).next().is_some(), "nothing is new");
    assert!(first.intersection(&last).next().is_some(), "nothing stays");
}

#[test]
fn history_files_have_as_many_items_as_the_truth_says() {
    let archive = archive(|shape| shape.items = 300);
    let mut counted: BTreeMap<(String, String), u64> = BTreeMap::new();
    for object in archive.objects_of(0) {
        if !object.key.contains("/ConfigHistory/") {
            continue;
        }
        let month = object.key.split('/').nth(5).unwrap().to_owned();
        for item in items(&object) {
            let type_name = item["resourceType"].as_str().unwrap().to_owned();
            assert!(object.key.contains(&format!("_{type_name}_")));
            *counted.entry((month.clone(), type_name)).or_default() += 1;
        }
    }
    for month in archive.shape().all_months() {
        let truth = archive.truth(0, month).unwrap();
        assert!(truth.recorded.len() > 3);
        for (type_name, count) in truth.recorded {
            assert_eq!(counted[&(month.month().to_string(), type_name)], count);
        }
    }
}

#[test]
fn faulty_snapshots_are_not_the_truth_and_others_can_be_read() {
    for oddity in [Oddity::Truncated, Oddity::Corrupt, Oddity::NotJson] {
        let archive = with(oddity);
        let truth = archive.truth(0, archive.shape().first).unwrap();
        let account = truth.account.as_str();
        let keys: Vec<&String> = truth
            .regions
            .values()
            .filter_map(|r| r.key.as_ref())
            .collect();
        assert_eq!(keys.len(), 2);
        for snapshot in snapshots(&archive) {
            let is_readable =
                unzipped(&snapshot).is_ok_and(|text| serde_json::from_str::<Value>(&text).is_ok());
            let is_last = snapshot.key.contains("/9/30/") || snapshot.key.contains("/10/31/");
            let is_faulty = is_last && snapshot.key.contains(account);
            assert_eq!(is_readable, !is_faulty, "{oddity:?} {}", snapshot.key);
            assert!(is_readable || !keys.contains(&&snapshot.key));
        }
    }
}

#[test]
fn an_account_that_stops_delivers_nothing_more_and_the_truth_is_its_last_snapshot() {
    let october = Shape::default().first.next();
    let archive = with(Oddity::StoppedIn(october));
    let late = archive
        .objects_of(0)
        .any(|object| object.key.contains("/2026/10/"));
    assert!(!late);
    assert_eq!(
        archive.truth(0, october).unwrap().regions,
        archive.truth(0, october.previous()).unwrap().regions
    );
    assert!(archive.truth(0, october).unwrap().recorded.is_empty());
}

#[test]
fn an_account_that_never_delivered_is_only_in_the_list_of_accounts() {
    let archive = with(Oddity::NeverDelivered);
    let account = archive.shape().accounts[0].id.clone();
    assert_eq!(archive.objects_of(0).count(), 0);
    assert!(archive.accounts().contains(account.as_str()));
    assert!(
        archive
            .truth(0, archive.shape().first)
            .unwrap()
            .regions
            .is_empty()
    );
}

/// Sees an oddity among objects.
type Sign = fn(&[Object]) -> bool;

#[test]
fn each_oddity_is_there_if_it_is_asked_for_and_only_then() {
    let signs: [(Oddity, Sign); 8] = [
        (Oddity::LowerCaseKeys, |found| {
            text_has(found, "configrulelist")
        }),
        (Oddity::ConfigurationAsText, |found| {
            text_has(found, "\\\"configRuleList")
        }),
        (Oddity::OversizedNotifications, |found| {
            key_has(found, "/Config/global/")
        }),
        (Oddity::UnknownFields, |found| {
            text_has(found, "evaluationContext")
        }),
        (Oddity::HugeItem, |found| {
            found
                .iter()
                .any(|object| unzipped(object).is_ok_and(|text| text.len() > 5_000_000))
        }),
        (Oddity::PaddedDates, |found| key_has(found, "/2026/09/")),
        (Oddity::NoItems, |found| {
            text_has(found, "\"configurationItems\":[]")
        }),
        (Oddity::GlobalTwice, |found| {
            let has_role = |object: &Object| unzipped(object).is_ok_and(|t| t.contains("AROA"));
            found
                .iter()
                .any(|object| object.key.contains("us-east-1") && has_role(object))
        }),
    ];
    let usual: Vec<Object> = archive(|_| ()).objects_of(0).collect();
    for (oddity, is_there) in signs {
        assert!(!is_there(&usual), "{oddity:?} without being asked for");
        let odd: Vec<Object> = with(oddity).objects_of(0).collect();
        assert!(is_there(&odd), "{oddity:?}");
        let others: Vec<Object> = with(oddity).objects_of(1).collect();
        assert!(!is_there(&others), "{oddity:?} in another account");
    }
}

fn text_has(objects: &[Object], part: &str) -> bool {
    objects
        .iter()
        .any(|object| unzipped(object).is_ok_and(|text| text.contains(part)))
}

fn key_has(objects: &[Object], part: &str) -> bool {
    objects.iter().any(|object| object.key.contains(part))
}

#[test]
fn a_region_without_compliance_items_has_resources() {
    let archive = with(Oddity::NoComplianceItems);
    let truth = archive.truth(0, archive.shape().first).unwrap();
    let of = |region: &str| &truth.regions[&region.parse().unwrap()];
    assert!(of("us-east-1").resources > 0);
    assert!(of("us-east-1").rules.is_empty());
    assert!(!of("eu-central-1").rules.is_empty());
}

#[test]
fn several_roots_share_the_snapshots_of_a_day() {
    let archive = archive(|shape| {
        shape.roots = vec!["audit/".to_owned(), "o-exampleorgid/".to_owned()];
        shape.snapshots_a_day = 2;
    });
    let under = |root: &str| {
        let snapshots = snapshots(&archive);
        snapshots
            .iter()
            .filter(|object| object.key.starts_with(root))
            .count()
    };
    assert_eq!((under("audit/"), under("o-exampleorgid/")), (16, 16));
}

#[test]
fn a_planted_finding_is_open_from_its_beginning_to_its_end() {
    let plain = archive(|_| ());
    let planted = crate::Planted {
        finding: banto_domain::compliance::FindingKey::new(
            plain.shape().accounts[0].id.clone(),
            &"eu-central-1".parse().unwrap(),
            "s3-bucket-public-read-prohibited".parse().unwrap(),
            "AWS::S3::Bucket".to_owned(),
            "payments-website".to_owned(),
        ),
        from: "2026-09-20T10:00:00Z".parse().unwrap(),
        until: Some("2026-10-12T10:00:00Z".parse().unwrap()),
    };
    let archive = archive(|shape| shape.planted = vec![planted.clone()]);
    let open = |month| {
        let truth = archive.truth(0, month).unwrap();
        let mut regions = truth.regions.into_values();
        regions.find_map(|region| region.open.get(&planted.finding).copied())
    };
    let september = archive.shape().first;
    assert_eq!(open(september), Some(planted.from));
    assert_eq!(open(september.next()), None);
}

#[test]
fn the_archive_as_files_is_the_archive() {
    let directory = std::env::temp_dir().join(format!("banto-samples-{}", std::process::id()));
    let archive = archive(|_| ());
    let written = archive.write_to(&directory).unwrap();
    let mut objects = 0;
    for object in archive.objects() {
        assert_eq!(
            std::fs::read(directory.join(&object.key)).unwrap(),
            object.bytes
        );
        objects += 1;
    }
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(written.objects, objects);
}

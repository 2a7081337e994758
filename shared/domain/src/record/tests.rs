//! The record is read as it was written, and nothing else is taken for one.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn key(number: u32) -> AccessKeyId {
    format!("AKIA{number:016}").parse().unwrap()
}

prop_compose! {
    fn any_rotation()(
        reason in prop_oneof![Just(Reason::Due), Just(Reason::Forced), Just(Reason::Emergency)],
        intended in 0i64..9_999_999,
        existing_keys in proptest::collection::btree_set(0u32..9, 0..3),
        issued in proptest::option::of(0u32..9),
        delivered in proptest::option::of(0i64..9_999_999),
        version_6 in any::<bool>(),
    ) -> Rotation {
        Rotation {
            reason,
            intended_at: at(intended),
            existing_keys: existing_keys.into_iter().map(key).collect(),
            recipient: "A0".repeat(if version_6 { 32 } else { 20 }).parse().unwrap(),
            issued: issued.map(|number| Issued { key: key(number), created_at: at(intended + 1) }),
            delivered_at: delivered.map(at),
        }
    }
}

prop_compose! {
    fn any_record()(
        rotation in proptest::option::of(any_rotation()),
        sequence in any::<u64>(),
        run in "[0-9a-f]{32}",
        readers in proptest::option::of("\\PC{0,40}"),
        disabled in proptest::collection::btree_map(0u32..9, 0i64..9_999_999, 0..3),
        others in proptest::collection::btree_set(0u32..9, 0..3),
        notified in proptest::collection::btree_map("\\PC{1,30}", 0i64..9_999_999, 0..4),
        envelope in proptest::option::of("[A-Za-z0-9+/=\n]{0,200}"),
    ) -> Record {
        Record {
            user_id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            readers,
            sequence,
            run,
            rotation,
            disabled: disabled.into_iter().map(|(number, seconds)| (key(number), at(seconds))).collect(),
            restored: others.iter().copied().map(key).collect(),
            exposed: others.into_iter().map(key).collect(),
            notified: notified.into_iter().map(|(id, seconds)| (id, at(seconds))).collect(),
            envelope: envelope.map(|body| StoredEnvelope {
                key: key(1),
                armored: format!("{ARMOR}\n\n{body}\n-----END PGP MESSAGE-----\n"),
            }),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(record in any_record()) {
        prop_assert_eq!(Record::from_text(&record.to_text()), Ok(record));
    }

    #[test]
    fn the_first_line_is_json_and_the_rest_an_openpgp_message(record in any_record()) {
        let text = record.to_text();
        let (first, rest) = text.split_once("\n\n").unwrap();
        prop_assert!(serde_json::from_str::<serde_json::Value>(first).is_ok() && !first.contains('\n'));
        prop_assert!(rest.is_empty() || rest.starts_with(ARMOR));
    }

    #[test]
    fn each_version_has_a_token_of_its_own_of_the_length_that_aws_asks_for(record in any_record()) {
        prop_assert!((32..=64).contains(&record.write_token().len()));
        if record.sequence < u64::MAX {
            prop_assert_ne!(record.next("run").write_token(), record.write_token());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        prop_assert!(Record::from_text(&text).is_err());
    }
}

#[test]
fn two_runs_never_write_the_same_bytes() {
    let record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
    assert_eq!(
        record.next("one").write_token(),
        record.next("other").write_token()
    );
    assert_ne!(record.next("one").to_text(), record.next("other").to_text());
}

#[test]
fn a_text_that_is_no_record_is_refused_without_repeating_it() {
    let record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap()).to_text();
    for (text, says) in [
        ("confidential".to_owned(), "line 1 column 1"),
        (record.replace("\"sequence\"", "\"confidential\""), "line 1"),
        (
            format!("{record}{ARMOR}confidential"),
            "names no sealed key",
        ),
        (
            record.replace("\"run\"", "\"sealedKey\":\"AKIAIOSFODNN7EXAMPLE\",\"run\""),
            "holds no envelope",
        ),
    ] {
        let error = Record::from_text(&text).unwrap_err().to_string();
        assert!(
            error.contains(says) && !error.contains("confidential"),
            "{error}"
        );
    }
}

#[test]
fn an_intent_belongs_to_its_run_for_twenty_minutes() {
    let intent = Rotation {
        reason: Reason::Due,
        intended_at: at(0),
        existing_keys: BTreeSet::new(),
        recipient: "A0".repeat(20).parse().unwrap(),
        issued: None,
        delivered_at: None,
    };
    assert!(intent.may_be_under_way(at(20 * 60 - 1)));
    assert!(!intent.may_be_under_way(at(20 * 60)));
    let issued = Rotation {
        issued: Some(Issued {
            key: key(1),
            created_at: at(1),
        }),
        ..intent.clone()
    };
    assert!(!issued.may_be_under_way(at(1)));
    assert!(intent.window_contains(at(-5 * 60)) && intent.window_contains(at(25 * 60)));
    assert!(!intent.window_contains(at(-5 * 60 - 1)) && !intent.window_contains(at(25 * 60 + 1)));
    assert_eq!(
        lease_left(at(0), at(19 * 60)),
        Some(Duration::from_secs(60))
    );
    assert_eq!(lease_left(at(0), at(20 * 60)), None);
}

#[test]
fn a_record_of_another_version_or_of_none_is_refused_and_says_which() {
    let record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap()).to_text();
    assert!(record.contains("\"version\":1"), "{record}");
    for (version, says) in [
        (
            "\"version\":2,\"fieldOfThatVersion\":3",
            "it has version 2,",
        ),
        ("\"format\":1", "it has no version,"),
        (
            "\"version\":\"confidential\"",
            "it has a version that is no number,",
        ),
    ] {
        let text = record.replace("\"version\":1", version);
        let error = Record::from_text(&text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(
            error.contains("but this Banto knows version 1 only"),
            "{error}"
        );
        assert!(!error.contains("confidential"), "{error}");
    }
}

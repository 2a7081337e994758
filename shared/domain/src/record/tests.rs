//! The record is read as it was written, one of the previous version says the same, and nothing
//! else is taken for one.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::text::{ARMOR, MAX_SEQUENCE};
use super::*;
use crate::{AccessKeyId, AccountId, Fingerprint, UserId, UserName};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn key(number: u32) -> AccessKeyId {
    format!("AKIA{number:016}").parse().unwrap()
}

fn user_id() -> UserId {
    "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap()
}

fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

fn user() -> UserName {
    "alice".parse().unwrap()
}

fn any_at() -> impl Strategy<Value = Timestamp> {
    (0i64..9_999_999).prop_map(at)
}

fn any_key() -> impl Strategy<Value = AccessKeyId> {
    (0u32..9).prop_map(key)
}

fn any_keys() -> impl Strategy<Value = BTreeSet<AccessKeyId>> {
    proptest::collection::btree_set(any_key(), 0..3)
}

fn any_reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::Due),
        Just(Reason::Forced),
        Just(Reason::Emergency)
    ]
}

prop_compose! {
    fn any_intent()(
        reason in any_reason(),
        request in proptest::option::of("[a-z0-9-]{1,40}"),
        intended_at in any_at(),
        existing_keys in any_keys(),
        version_6 in any::<bool>(),
    ) -> Intent {
        Intent {
            reason,
            request,
            intended_at,
            existing_keys,
            recipient: "A0".repeat(if version_6 { 32 } else { 20 }).parse().unwrap(),
        }
    }
}

prop_compose! {
    fn any_rotation()(
        intent in any_intent(),
        key in any_key(),
        created_at in any_at(),
        delivered_at in proptest::option::of(any_at()),
        proven_at in proptest::option::of(any_at()),
    ) -> Rotation {
        Rotation { intent, issued: Issued { key, created_at }, delivered_at, proven_at, withdrawn_at: proven_at }
    }
}

prop_compose! {
    fn any_owed()(reason in any_reason(), request in "[a-z0-9-]{1,40}", asked_at in any_at()) -> Owed {
        Owed { reason, request, asked_at }
    }
}

prop_compose! {
    fn any_emergency()(
        request in "[a-z0-9-]{1,40}",
        asked_at in any_at(),
        since in any_at(),
        contained_at in any_at(),
        sessions_denied_at in proptest::option::of(any_at()),
        looked_at in proptest::option::of(any_at()),
    ) -> Emergency {
        Emergency { request, asked_at, since, contained_at, sessions_denied_at, revoked_at: looked_at, looked_at }
    }
}

prop_compose! {
    fn any_left()(
        at in any_at(),
        worked in any_keys(),
        inactive in any_keys(),
        sessions_denied_at in proptest::option::of(any_at()),
        revoked_at in proptest::option::of(any_at()),
        is_pinned in any::<bool>(),
    ) -> Left {
        let certificate = is_pinned.then(|| "A0".repeat(20).parse().unwrap());
        Left { worked, inactive, sessions_denied_at, revoked_at, ..Left::new(at, certificate) }
    }
}

prop_compose! {
    /// What the previous version has a place for, too: no intent and no rotation.
    fn any_old_record()(
        sequence in 0..=MAX_SEQUENCE,
        run in "[0-9a-f]{32}",
        readers in proptest::option::of("\\PC{0,40}"),
        disabled in proptest::collection::btree_map(any_key(), any_at(), 0..3),
        restored in any_keys(),
        exposed in any_keys(),
        notified in proptest::collection::btree_map("\\PC{1,30}", any_at(), 0..4),
        envelope in proptest::option::of((any_key(), "[A-Za-z0-9+/=\n]{0,200}")),
    ) -> Record {
        Record {
            sequence,
            run,
            readers,
            disabled,
            restored,
            exposed,
            notified,
            envelope: envelope.map(|(key, body)| StoredEnvelope {
                key,
                armored: format!("{ARMOR}\n\n{body}\n-----END PGP MESSAGE-----\n"),
            }),
            ..Record::first(user_id())
        }
    }
}

prop_compose! {
    fn any_record()(
        old in any_old_record(),
        open in any::<bool>(),
        intent in proptest::option::of(any_intent()),
        rotation in proptest::option::of(any_rotation()),
        owed in proptest::option::of(any_owed()),
        emergency in proptest::option::of(any_emergency()),
        left in proptest::option::of(any_left()),
        certificate in proptest::option::of("[A-Za-z0-9+/=]{0,40}"),
        reached_by in proptest::option::of("U[A-Z0-9]{8}"),
    ) -> Record {
        let fingerprint: Fingerprint = "A0".repeat(20).parse().unwrap();
        let pin = certificate.map(|certificate| Pin { fingerprint, certificate });
        Record { open, intent, rotation, owed, emergency, left, pin, reached_by, ..old }
    }
}

/// A record without an intent or a rotation, as the previous release wrote it, with its rotation.
fn version_1_text(record: &Record, rotation: &Value) -> String {
    let envelope = record.envelope.as_ref();
    let header = json!({
        "version": 1,
        "userId": record.user_id,
        "readers": record.readers,
        "sequence": record.sequence,
        "run": record.run,
        "rotation": rotation,
        "disabled": record.disabled,
        "restored": record.restored,
        "exposed": record.exposed,
        "notified": record.notified,
        "sealedKey": envelope.map(|envelope| &envelope.key),
    });
    format!(
        "{header}\n\n{}",
        envelope.map_or("", |envelope| &envelope.armored)
    )
}

/// The rotation of a text of the previous version: an intent, and what became of it.
fn version_1_rotation(intent: &Intent, rotation: Option<&Rotation>) -> Value {
    json!({
        "reason": intent.reason,
        "intendedAt": intent.intended_at,
        "existingKeys": intent.existing_keys,
        "recipient": intent.recipient,
        "issued": rotation.map(|rotation| &rotation.issued),
        "deliveredAt": rotation.and_then(|rotation| rotation.delivered_at),
    })
}

proptest! {
    #[test]
    fn a_signature_changes_nothing_of_what_is_read_and_gives_back_what_was_signed(
        record in any_record(),
        signature in proptest::collection::vec(any::<u8>(), 1..80),
    ) {
        let text = record.to_text(&account(), &user());
        let signed = banto_receipt::with_signature(&text, &signature);
        prop_assert_eq!(KeptRecord::from_text(&signed), KeptRecord::from_text(&text));
        prop_assert_eq!(banto_receipt::without_signature(&signed).0, text);
        let second = signed.lines().nth(1).unwrap();
        prop_assert!(serde_json::from_str::<Value>(second).is_ok());
    }

    #[test]
    fn a_token_tells_the_number_that_it_was_made_for(sequence in 0..=MAX_SEQUENCE, step in 0u32..9) {
        let record = Record { sequence, ..Record::first(user_id()) };
        let token = record.write_token(step);
        prop_assert_eq!(Record::sequence_of_token(&token), Some(sequence));
    }

    #[test]
    fn what_is_written_is_read_again(record in any_record()) {
        prop_assert_eq!(Record::from_text(&record.to_text(&account(), &user())), Ok(record));
    }

    #[test]
    fn the_first_line_is_json_and_the_rest_an_openpgp_message(record in any_record()) {
        let text = record.to_text(&account(), &user());
        let (first, rest) = text.split_once("\n\n").unwrap();
        prop_assert!(serde_json::from_str::<Value>(first).is_ok() && !first.contains('\n'));
        prop_assert!(rest.is_empty() || rest.starts_with(ARMOR));
    }

    #[test]
    fn a_record_of_the_previous_version_without_a_rotation_says_the_same(record in any_old_record()) {
        let text = version_1_text(&record, &Value::Null);
        prop_assert_eq!(Record::from_text(&text), Ok(record));
    }

    #[test]
    fn an_intent_of_the_previous_version_is_an_intent(record in any_old_record(), intent in any_intent()) {
        let intent = Intent { request: None, ..intent };
        let text = version_1_text(&record, &version_1_rotation(&intent, None));
        let expected = Record { intent: Some(intent), ..record };
        prop_assert_eq!(Record::from_text(&text), Ok(expected));
    }

    #[test]
    fn a_rotation_of_the_previous_version_is_one_that_nobody_proved(
        record in any_old_record(),
        rotation in any_rotation(),
    ) {
        let intent = Intent { request: None, ..rotation.intent.clone() };
        let rotation = Rotation { intent, proven_at: None, withdrawn_at: None, ..rotation };
        let text = version_1_text(&record, &version_1_rotation(&rotation.intent, Some(&rotation)));
        let expected = Record { rotation: Some(rotation), ..record };
        prop_assert_eq!(Record::from_text(&text), Ok(expected));
    }

    #[test]
    fn a_record_of_the_previous_version_is_written_as_this_one(record in any_old_record()) {
        let read = Record::from_text(&version_1_text(&record, &Value::Null)).unwrap();
        let text = read.next("run").to_text(&account(), &user());
        prop_assert!(text.contains("\"version\":2"));
        prop_assert_eq!(Record::from_text(&text), Ok(record.next("run")));
    }

    #[test]
    fn each_token_has_the_length_that_aws_asks_for_and_is_no_other_records(
        sequence in prop_oneof![any::<u64>(), Just(u64::MAX), Just(MAX_SEQUENCE)],
        steps in proptest::collection::btree_set(prop_oneof![0u32..20, any::<u32>(), Just(u32::MAX)], 1..9),
    ) {
        let record = Record { sequence, ..Record::first(user_id()) };
        let next = record.next("run");
        let mut tokens = BTreeSet::new();
        for step in &steps {
            for record in [&record, &next] {
                let token = record.write_token(*step);
                prop_assert!((32..=64).contains(&token.len()), "{}", token);
                tokens.insert(token);
            }
        }
        let sequences = if sequence == u64::MAX { 1 } else { 2 };
        prop_assert_eq!(tokens.len(), steps.len() * sequences);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        prop_assert!(Record::from_text(&text).is_err());
    }

    #[test]
    fn no_header_makes_it_panic(
        record in any_record(),
        field in any::<prop::sample::Index>(),
        value in prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
            Just(Value::Null),
            Just(json!([])),
            Just(json!({})),
        ],
    ) {
        let text = record.to_text(&account(), &user());
        let (header, armored) = text.split_once("\n\n").unwrap();
        let mut header: serde_json::Map<String, Value> = serde_json::from_str(header).unwrap();
        let names: Vec<String> = header.keys().cloned().collect();
        header.insert(field.get(&names).clone(), value);
        let text = format!("{}\n\n{armored}", Value::from(header));
        // What is read can be counted with, and written again.
        if let Ok(read) = Record::from_text(&text) {
            prop_assert!(read.sequence <= MAX_SEQUENCE);
            prop_assert_eq!(Record::from_text(&read.to_text(&account(), &user())), Ok(read));
        }
    }
}

#[test]
fn a_record_says_whose_it_is_and_one_that_does_not_is_nobody_elses() {
    let kept = KeptRecord::from_text(&full().to_text(&account(), &user())).unwrap();
    let bob = "bob".parse().unwrap();
    let other = "444455556666".parse().unwrap();
    assert!(!kept.is_of_another(&account(), &user()) && kept.is_of(&account(), &user()));
    assert!(kept.is_of_another(&account(), &bob));
    assert!(kept.is_of_another(&other, &user()));
    let old = version_1_text(&Record::first(user_id()), &Value::Null);
    let old = KeptRecord::from_text(&old).unwrap();
    assert!(!old.is_of_another(&other, &bob) && !old.is_of(&other, &bob));
    assert_eq!((old.account, old.user), (None, None));
}

#[test]
fn a_token_of_somebody_else_has_no_number() {
    for token in [
        "",
        "put",
        "00000000-0000-4000-8000-00000000abcd",
        "banto-record-version-",
        "banto-record-version-x",
        "banto-record-version-99999999999999999999999999999999",
    ] {
        assert_eq!(Record::sequence_of_token(token), None, "{token}");
    }
}

#[test]
fn the_readers_of_a_record_are_its_owner_the_role_and_break_glass() {
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}").parse();
    let mut readers = Readers {
        owner: "arn:aws:iam::111122223333:user/alice".parse().unwrap(),
        role: role("banto").unwrap(),
        break_glass: None,
    };
    let without = readers.to_string();
    let Readers {
        owner,
        role: of_banto,
        ..
    } = &readers;
    assert_eq!(without, format!("v2 {owner} {of_banto}"));
    assert_eq!(readers.writers(), [&readers.role]);
    readers.break_glass = Some(role("break-glass").unwrap());
    let arn = "arn:aws:iam::111122223333:role/break-glass";
    assert_eq!(readers.to_string(), format!("{without} {arn}"));
    assert_eq!(readers.writers().len(), 2);
}

#[test]
fn two_runs_never_write_the_same_bytes() {
    let record = Record::first(user_id());
    assert_eq!(
        record.next("one").write_token(0),
        record.next("other").write_token(0)
    );
    assert_ne!(
        record.next("one").to_text(&account(), &user()),
        record.next("other").to_text(&account(), &user())
    );
}

#[test]
fn a_text_that_is_no_record_is_refused_without_repeating_it() {
    let record = Record::first(user_id()).to_text(&account(), &user());
    for (text, says) in [
        ("confidential".to_owned(), "line 1 column 1"),
        (record.replace("\"sequence\"", "\"confidential\""), "line 1"),
        (
            format!("{record}{ARMOR}\n-----END PGP MESSAGE-----\n"),
            "names no sealed key",
        ),
        (
            format!("{record}{ARMOR}confidential"),
            "no end, or text after it",
        ),
        (
            format!("{record}{ARMOR}\n-----END PGP MESSAGE-----\nconfidential"),
            "no end, or text after it",
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

/// A record with something in every field.
fn full() -> Record {
    let intent = Intent {
        reason: Reason::Due,
        request: Some("a-request".to_owned()),
        intended_at: at(0),
        existing_keys: [key(0)].into(),
        recipient: "A0".repeat(20).parse().unwrap(),
    };
    let issued = Issued {
        key: key(1),
        created_at: at(1),
    };
    Record {
        readers: Some("readers".to_owned()),
        open: true,
        intent: Some(intent.clone()),
        rotation: Some(Rotation {
            intent,
            issued,
            delivered_at: Some(at(2)),
            proven_at: Some(at(3)),
            withdrawn_at: Some(at(3)),
        }),
        owed: Some(Owed {
            reason: Reason::Emergency,
            request: "a-request".to_owned(),
            asked_at: at(4),
        }),
        disabled: [(key(0), at(5))].into(),
        restored: [key(2)].into(),
        exposed: [key(0)].into(),
        emergency: Some(Emergency {
            request: "a-request".to_owned(),
            asked_at: at(6),
            since: at(7),
            contained_at: at(8),
            sessions_denied_at: Some(at(9)),
            revoked_at: Some(at(5)),
            looked_at: Some(at(10)),
        }),
        left: Some(Left {
            worked: [key(0)].into(),
            inactive: [key(3)].into(),
            sessions_denied_at: Some(at(10)),
            revoked_at: Some(at(10)),
            ..Left::new(at(9), Some("A0".repeat(20).parse().unwrap()))
        }),
        notified: [("a notice".to_owned(), at(11))].into(),
        pin: Some(Pin {
            fingerprint: "A0".repeat(20).parse().unwrap(),
            certificate: "xjMEY6".to_owned(),
        }),
        reached_by: Some("U024BE7LH".to_owned()),
        ..Record::first(user_id()).next("run")
    }
}

/// A record's text with the value at one place replaced.
fn with(record: &Record, pointer: &str, value: Value) -> String {
    let mut header: Value = serde_json::from_str(&record.to_text(&account(), &user())).unwrap();
    *header.pointer_mut(pointer).expect(pointer) = value;
    format!("{header}\n\n")
}

/// Every place of the full record that holds a date.
fn places_of_dates() -> Vec<String> {
    let dates = [
        "/intent/intendedAt",
        "/rotation/intent/intendedAt",
        "/rotation/issued/createdAt",
        "/rotation/deliveredAt",
        "/rotation/provenAt",
        "/rotation/withdrawnAt",
        "/owed/askedAt",
        "/emergency/askedAt",
        "/emergency/since",
        "/emergency/containedAt",
        "/emergency/sessionsDeniedAt",
        "/emergency/revokedAt",
        "/emergency/lookedAt",
        "/left/at",
        "/left/sessionsDeniedAt",
        "/left/revokedAt",
        "/notified/a notice",
    ];
    let mut places: Vec<String> = dates.map(str::to_owned).into();
    places.push(format!("/disabled/{}", key(0)));
    places
}

#[test]
fn the_full_record_is_read_as_it_was_written() {
    assert_eq!(
        Record::from_text(&full().to_text(&account(), &user())),
        Ok(full())
    );
    let dates = full().to_text(&account(), &user()).matches("2026-").count();
    assert_eq!(places_of_dates().len(), dates, "no date is left out here");
}

/// A Banto that does not know a field reads nothing of the record, so that none from before leaves
/// were recorded takes a leaver for somebody who is owed a key.
#[test]
fn a_field_that_is_not_known_makes_the_record_unreadable_and_a_record_without_a_leave_is_of_nobody_who_left()
 {
    let text = full().to_text(&account(), &user());
    assert!(text.contains(r#""left":{"#));
    assert!(Record::from_text(&text.replace(r#""left":{"#, r#""gone":{"#)).is_err());
    let mut header: Value = serde_json::from_str(&text).unwrap();
    header.as_object_mut().unwrap().remove("left");
    let read = Record::from_text(&format!("{header}\n\n")).unwrap();
    assert_eq!(read.left, None);
}

#[test]
fn a_sequence_that_no_run_reaches_is_refused() {
    for sequence in [MAX_SEQUENCE + 1, u64::MAX] {
        let error = Record::from_text(&with(&full(), "/sequence", sequence.into()));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("sequence number is too large"), "{error}");
    }
    for sequence in [json!(-1), json!(1.5), json!("1"), Value::Null] {
        let text = with(&full(), "/sequence", sequence);
        assert!(Record::from_text(&text).is_err(), "{text}");
    }
    let last = with(&full(), "/sequence", MAX_SEQUENCE.into());
    let last = Record::from_text(&last).unwrap();
    assert_eq!(last.next("run").sequence, MAX_SEQUENCE + 1);
    let counted = Record {
        sequence: u64::MAX,
        ..full()
    };
    assert_eq!(counted.next("run").sequence, u64::MAX, "nothing overflows");
}

#[test]
fn a_date_before_aws_itself_is_refused_wherever_it_is() {
    for place in places_of_dates() {
        for date in [
            "-000001-01-01T00:00:00Z",
            "-009999-01-02T01:59:59Z",
            "2005-12-31T23:59:59Z",
        ] {
            let error = Record::from_text(&with(&full(), &place, date.into()));
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains("a date is before 2006"),
                "{place} {date}: {error}"
            );
        }
        for date in ["+010000-01-01T00:00:00Z", "yesterday", ""] {
            let text = with(&full(), &place, date.into());
            assert!(Record::from_text(&text).is_err(), "{place} {date}");
        }
    }
}

#[test]
fn a_date_far_ahead_is_read_and_told() {
    let far: Timestamp = "9999-12-30T22:00:00Z".parse().unwrap();
    for place in places_of_dates() {
        let record = Record::from_text(&with(&full(), &place, far.to_string().into())).unwrap();
        assert_eq!(record.latest_date(), Some(far), "{place}");
        assert_eq!(
            Record::from_text(&record.to_text(&account(), &user())),
            Ok(record)
        );
    }
    let intent = Intent {
        intended_at: far,
        ..full().intent.unwrap()
    };
    assert!(intent.may_be_under_way(at(0)) && !intent.window_contains(at(0)));
    assert!(lease_left(far, at(0)) > lease_left(at(0), at(0)));
    assert_eq!(full().latest_date(), Some(at(11)));
    assert_eq!(Record::first(user_id()).latest_date(), None);
}

#[test]
fn a_list_that_no_run_writes_is_refused() {
    let keys = |count: u32| (0..count).map(key);
    let lists = |count: u32| {
        [
            Record {
                disabled: keys(count).map(|key| (key, at(0))).collect(),
                ..full()
            },
            Record {
                restored: keys(count).collect(),
                ..full()
            },
            Record {
                exposed: keys(count).collect(),
                ..full()
            },
            Record {
                left: Some(Left {
                    worked: keys(count).collect(),
                    ..Left::new(at(0), None)
                }),
                ..full()
            },
            Record {
                notified: (0..count)
                    .map(|number| (number.to_string(), at(0)))
                    .collect(),
                ..full()
            },
        ]
    };
    for record in lists(1_000) {
        assert!(Record::from_text(&record.to_text(&account(), &user())).is_ok());
    }
    for record in lists(1_001) {
        let error = Record::from_text(&record.to_text(&account(), &user()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("over 1000 entries"), "{error}");
    }
}

#[test]
fn a_text_that_leaves_no_room_in_its_secret_is_refused() {
    let of_length = |length: usize| {
        let text = full().to_text(&account(), &user());
        let padding = " ".repeat(length - text.len());
        text.replacen("{\"", &format!("{{{padding}\""), 1)
    };
    assert!(Record::from_text(&of_length(49_152)).is_ok());
    let error = Record::from_text(&of_length(49_153)).unwrap_err();
    assert!(
        error.to_string().contains("longer than 49152 bytes"),
        "{error}"
    );
}

#[test]
fn wild_values_of_the_previous_version_are_refused_as_well() {
    let intent = full().intent.unwrap();
    let text = version_1_text(&full(), &version_1_rotation(&intent, None));
    assert!(Record::from_text(&text).is_ok());
    for (from, to) in [
        ("\"sequence\":1", "\"sequence\":18446744073709551615"),
        (&at(0).to_string(), "-000001-01-01T00:00:00Z"),
        (&at(5).to_string(), "-000001-01-01T00:00:00Z"),
        ("\"run\"", "\"confidential\""),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Record::from_text(&text.replace(from, to)).unwrap_err();
        assert!(!error.to_string().contains("confidential"), "{error}");
    }
}

#[test]
fn an_intent_belongs_to_its_run_for_twenty_minutes() {
    let intent = Intent {
        intended_at: at(0),
        ..full().intent.unwrap()
    };
    assert!(intent.may_be_under_way(at(20 * 60 - 1)));
    assert!(!intent.may_be_under_way(at(20 * 60)));
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
    let record = Record::first(user_id()).to_text(&account(), &user());
    assert!(record.contains("\"version\":2"), "{record}");
    for (version, says) in [
        (
            "\"version\":3,\"fieldOfThatVersion\":3",
            "it has version 3,",
        ),
        ("\"format\":1", "it has no version,"),
        (
            "\"version\":\"confidential\"",
            "it has a version that is no number,",
        ),
    ] {
        let text = record.replace("\"version\":2", version);
        let error = Record::from_text(&text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(
            error.contains("but this Banto knows the versions 1 and 2 only"),
            "{error}"
        );
        assert!(!error.contains("confidential"), "{error}");
    }
}

#[test]
fn a_certificate_too_large_to_keep_makes_the_record_unreadable() {
    for (length, is_read) in [(16_384, true), (16_385, false)] {
        let text = with(&full(), "/pin/certificate", "A".repeat(length).into());
        assert_eq!(Record::from_text(&text).is_ok(), is_read, "{length}");
    }
}

#[test]
fn a_record_from_before_pins_were_kept_counts_on_the_certificate_that_it_sealed_to() {
    let sealed_to: Fingerprint = "A0".repeat(20).parse().unwrap();
    let before = Record {
        pin: None,
        ..full()
    };
    assert_eq!(before.pinned(), Some(&sealed_to));
    let mut after = full();
    let later: Fingerprint = "B1".repeat(20).parse().unwrap();
    after.pin = after.pin.map(|pin| Pin {
        fingerprint: later.clone(),
        ..pin
    });
    assert_eq!(after.pinned(), Some(&later));
    assert_eq!(Record::first(user_id()).pinned(), None);
}

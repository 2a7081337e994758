//! Objects of the archive, as bytes.

use super::*;
use crate::embedded::{Damaged, Malformed};

fn read(bytes: &[u8]) -> Result<RegionEvidence, Unreadable> {
    // Small objects in many pieces, large ones in some.
    let length = (bytes.len() / 50).max(7);
    let read = read_pieces(bytes, length, &BTreeSet::new());
    read.map(|(evidence, problems)| {
        assert_eq!(problems, []);
        evidence
    })
}

fn items() -> Vec<Value> {
    vec![
        bucket("a"),
        compliance("AWS::S3::Bucket", "a", &[("rule-1", "NON_COMPLIANT")]),
    ]
}

#[test]
fn a_snapshot_without_items_is_read_and_says_nothing() {
    let expected = RegionEvidence {
        snapshot: Some(snapshot()),
        ..RegionEvidence::default()
    };
    assert_eq!(read(&gz(document(&[]))), Ok(expected));
}

#[test]
fn an_object_that_is_not_compressed_is_read_too() {
    let plain = document(&items());
    assert_eq!(read(plain.as_bytes()), read(&gz(&plain)));
    assert_eq!(
        read(format!("\u{feff} {plain}\n").as_bytes()),
        read(&gz(&plain))
    );
}

#[test]
fn members_of_a_gzip_file_follow_one_another_and_garbage_behind_them_is_ignored() {
    let plain = document(&items());
    let (head, tail) = plain.split_at(plain.len() / 2);
    let several = [gz(head), gz(""), gz(tail)].concat();
    assert_eq!(read(&several), read(&gz(&plain)));
    let padded = [several, vec![0; 512]].concat();
    assert_eq!(read(&padded), read(&gz(&plain)));
}

#[test]
fn a_gzip_file_whose_checksum_is_wrong_is_not_believed() {
    let mut bytes = gz(document(&items()));
    let checksum = bytes.len() - 6;
    bytes[checksum] ^= 1;
    assert_eq!(read(&bytes), Err(Unreadable::Damaged(Damaged::Corrupt)));
}

#[test]
fn only_the_documents_own_items_count_wherever_its_other_members_are() {
    let items = items();
    let fake = json!([{"resourceType": "AWS::Fake::Item", "resourceId": "f"}]);
    let before = json!({"configurationItems": fake});
    let text = format!(
        r#"{{"a": {before}, "b": [{before}], "c": "\"configurationItems\":[", "d": -1.5e3, "e": true,
        "configurationItems" : [ {} , {} ] , "f": {before}, "g": null}}"#,
        items[0], items[1]
    );
    assert_eq!(read(text.as_bytes()), read(&gz(document(&items))));
}

#[test]
fn what_is_not_the_json_of_config_is_not_believed() {
    let told = [
        ("", Unreadable::Empty),
        ("<html></html>", Malformed::NotJson.into()),
        ("[]", Malformed::NotJson.into()),
        ("\u{1f}\u{8b}", Damaged::Corrupt.into()),
        ("{}", Malformed::NoItems.into()),
        (r#"{"items": []}"#, Malformed::NoItems.into()),
        (
            r#"{"configurationItems": null}"#,
            Malformed::ItemsAreNoArray.into(),
        ),
        (
            r#"{"configurationItems": [], "configurationItems": []}"#,
            Malformed::ItemsTwice.into(),
        ),
        (r#"{"configurationItems": []"#, Malformed::Truncated.into()),
        (
            r#"{"configurationItems": [{"a": "#,
            Malformed::Truncated.into(),
        ),
        (
            r#"{"configurationItems": []}{}"#,
            Malformed::Trailing.into(),
        ),
        (r#"{"configurationItems": [}"#, Malformed::NotJson.into()),
        (
            r#"{"configurationItems": [{},]}"#,
            Malformed::NotJson.into(),
        ),
        (
            r#"{"configurationItems": [{} {}]}"#,
            Malformed::NotJson.into(),
        ),
        (
            r#"{"configurationItems": [{"a" 1}]}"#,
            Malformed::NotJson.into(),
        ),
        (
            r#"{"configurationItems": [{"a": [1}}]}"#,
            Malformed::NotJson.into(),
        ),
        (
            r#"{"configurationItems": [{"a": 1,}]}"#,
            Malformed::NotJson.into(),
        ),
        (
            r#"{"configurationItems": [{1: 1}]}"#,
            Malformed::NotJson.into(),
        ),
        (r#"{"configurationItems": [], }"#, Malformed::NotJson.into()),
        (
            r#"{"configurationItems": [] "a": 1}"#,
            Malformed::NotJson.into(),
        ),
    ];
    for (text, expected) in told {
        assert_eq!(read(text.as_bytes()), Err(expected), "{text}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"a": {open}{close}, "configurationItems": []}}"#)
    };
    assert!(read(deep(127).as_bytes()).is_ok());
    assert_eq!(read(deep(128).as_bytes()), Err(Malformed::TooDeep.into()));
}

/// A bucket of some length.
fn large(length: usize) -> Value {
    let mut item = bucket("large");
    item["configuration"] = json!({"policy": "\\\" } ] ".repeat(length / 9)});
    item
}

#[test]
fn an_item_above_four_megabytes_is_told_and_the_rest_still_counts() {
    for place in 0..3 {
        let mut items = items();
        items.insert(place, large(5 << 20));
        let zipped = gz(document(&items));
        let plain = document(&items).into_bytes();
        let bytes = if place == 1 { plain } else { zipped };
        let (evidence, problems) = read_pieces(&bytes, bytes.len(), &BTreeSet::new()).unwrap();
        assert_eq!(words(&problems), ["1 item above 4 MB"]);
        assert_eq!(evidence.resources, 1);
        assert_eq!(told(&evidence), ["rule-1 a Noncompliant"]);
    }
}

#[test]
fn an_item_just_below_four_megabytes_is_read() {
    let mut items = items();
    items.push(large(3 << 20));
    assert_eq!(read(&gz(document(&items))).unwrap().resources, 2);
}

#[test]
fn a_member_of_the_document_above_four_megabytes_is_passed_over() {
    let text = format!(
        r#"{{"a": "{}", "configurationItems": [{}]}}"#,
        "\\\"x".repeat(2 << 20),
        bucket("a")
    );
    assert_eq!(read(&gz(text)).unwrap().resources, 1);
}

#[test]
fn megabytes_of_white_space_are_passed_over_and_of_a_number_are_refused() {
    let space = " ".repeat(5 << 20);
    let text = format!(
        r#"{{"configurationItems": [{space}{}{space}]}}"#,
        bucket("a")
    );
    assert_eq!(read(&gz(text)).unwrap().resources, 1);
    let text = format!(
        r#"{{"a": {}, "configurationItems": []}}"#,
        "1".repeat(5 << 20)
    );
    assert_eq!(read(&gz(text)), Err(Malformed::NotJson.into()));
}

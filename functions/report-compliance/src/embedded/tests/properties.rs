//! Whatever the object looks like and however it comes, the evidence is the document's.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::evidence::Verdict;

/// JSON whose members have an order, and which is written with white space or without.
#[derive(Debug, Clone)]
enum Written {
    Scalar(Value),
    Array(Vec<Written>),
    Object(Vec<(String, Written)>),
}

impl Written {
    fn new(value: &Value, random: &mut impl FnMut() -> usize) -> Self {
        match value {
            Value::Object(members) => {
                let mut members: Vec<(String, Self)> = (members.iter())
                    .map(|(key, value)| (key.clone(), Self::new(value, random)))
                    .collect();
                for last in (1..members.len()).rev() {
                    members.swap(last, random() % (last + 1));
                }
                Self::Object(members)
            }
            Value::Array(values) => Self::Array(
                values
                    .iter()
                    .map(|value| Self::new(value, random))
                    .collect(),
            ),
            scalar => Self::Scalar(scalar.clone()),
        }
    }

    fn write(&self, space: &str, text: &mut String) {
        let mut separator = space;
        match self {
            Self::Scalar(value) => text.push_str(&value.to_string()),
            Self::Array(values) => {
                text.push('[');
                for value in values {
                    text.push_str(separator);
                    value.write(space, text);
                    separator = if space.is_empty() { "," } else { "\r\n,\t" };
                }
                text.push_str(space);
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (key, value) in members {
                    text.push_str(separator);
                    text.push_str(&Value::String(key.clone()).to_string());
                    text.push_str(space);
                    text.push(':');
                    text.push_str(space);
                    value.write(space, text);
                    separator = if space.is_empty() { "," } else { " , " };
                }
                text.push_str(space);
                text.push('}');
            }
        }
    }
}

/// Resources, counts and evaluations of a snapshot, by `serde_json` and the plainest code.
fn plainly(document: &Value) -> (u64, BTreeMap<String, [u64; 4]>, Vec<String>) {
    let (mut resources, mut counts, mut told) = (0, BTreeMap::new(), Vec::new());
    for item in document["configurationItems"].as_array().unwrap() {
        if item["configurationItemStatus"] == "ResourceDeleted" {
            continue;
        }
        if item["resourceType"] != "AWS::Config::ResourceCompliance" {
            resources += 1;
            continue;
        }
        let mut configuration = item["configuration"].clone();
        if let Value::String(text) = &configuration {
            configuration = serde_json::from_str(text).unwrap();
        }
        let id = configuration["targetResourceId"].as_str().unwrap();
        let is_global = configuration["targetResourceType"]
            .as_str()
            .unwrap()
            .contains("::IAM::");
        for rule in configuration["configRuleList"].as_array().unwrap() {
            let name = rule["configRuleName"].as_str().unwrap();
            let verdict = match rule["complianceType"].as_str().unwrap() {
                "COMPLIANT" => Verdict::Compliant,
                "NON_COMPLIANT" => Verdict::Noncompliant,
                "NOT_APPLICABLE" => Verdict::NotApplicable,
                _ => Verdict::InsufficientData,
            };
            if !is_global {
                counts.entry(name.to_owned()).or_insert([0; 4])[verdict as usize] += 1;
            }
            if is_global || matches!(verdict, Verdict::Noncompliant | Verdict::InsufficientData) {
                told.push(format!("{name} {id} {verdict:?}"));
            }
        }
    }
    told.sort();
    (resources, counts, told)
}

fn read_the_same(evidence: &RegionEvidence) -> (u64, BTreeMap<String, [u64; 4]>, Vec<String>) {
    let counts = evidence.counts.iter().map(|(rule, counts)| {
        let counts = [
            counts.compliant,
            counts.noncompliant,
            counts.insufficient_data,
            counts.not_applicable,
        ];
        (rule.to_string(), counts)
    });
    (evidence.resources, counts.collect(), told(evidence))
}

/// Ids with all that JSON must escape, and that looks like JSON.
fn any_text() -> impl Strategy<Value = String> {
    select(vec![
        "a",
        "b",
        "\"",
        "\\",
        "\\\"",
        "{[",
        "]}",
        "\u{e4}\n",
        "\u{1f600}",
        "i-1",
    ])
    .prop_map(|text| format!("x{text}"))
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_text().prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(3, 12, 3, |inner| {
        let key = select(vec![
            "resourceType",
            "configurationItems",
            "a",
            "\"",
            "\u{e4}",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..3).prop_map(|members| {
                let members = members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(members.collect())
            }),
        ]
    })
}

fn any_resource() -> impl Strategy<Value = Value> {
    let status = select(vec!["OK", "ResourceDiscovered", "ResourceDeleted"]);
    (any_text(), any_text(), status, any_json()).prop_map(|(id, name, status, configuration)| {
        json!({
            "resourceType": "AWS::S3::Bucket", "resourceId": id, "resourceName": name,
            "configurationItemStatus": status, "configuration": configuration,
        })
    })
}

fn any_compliance() -> impl Strategy<Value = Value> {
    let resource_type = select(vec!["AWS::S3::Bucket", "AWS::IAM::User"]);
    let verdict = select(vec![
        "COMPLIANT",
        "NON_COMPLIANT",
        "NOT_APPLICABLE",
        "INSUFFICIENT_DATA",
    ]);
    let rule = (select(vec!["rule-1", "rule-2", "r\"3"]), verdict);
    let rules = proptest::collection::vec(rule, 0..4);
    (resource_type, any_text(), rules, any::<bool>(), any_json()).prop_map(
        |(resource_type, id, rules, is_text, other)| {
            let mut item = compliance(resource_type, &id, &rules);
            item["other"] = other;
            if is_text {
                item["configuration"] = Value::String(item["configuration"].to_string());
            }
            item
        },
    )
}

fn any_document() -> impl Strategy<Value = Value> {
    let item = prop_oneof![any_resource(), any_compliance()];
    (proptest::collection::vec(item, 0..8), any_json()).prop_map(|(items, other)| {
        json!({"fileVersion": "1.0", "a": other, "configurationItems": items, "z": 1})
    })
}

/// A document, the text that it is written as, and numbers to choose by.
fn any_text_of_document() -> impl Strategy<Value = (Value, String)> {
    let space = select(vec!["", " ", "\n\t "]);
    (
        any_document(),
        proptest::collection::vec(any::<u16>(), 64),
        space,
    )
        .prop_map(|(document, numbers, space)| {
            let mut numbers = numbers.into_iter().cycle();
            let mut random = || usize::from(numbers.next().unwrap_or_default());
            let mut text = String::new();
            Written::new(&document, &mut random).write(space, &mut text);
            (document, text)
        })
}

proptest! {
    #[test]
    fn evidence_is_that_of_the_whole_document_whatever_pieces_it_comes_in_and_however_it_is_written(
        (document, text) in any_text_of_document(),
        length in 1..200usize,
        is_zipped in any::<bool>(),
        split in any::<Index>(),
    ) {
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &document);
        let bytes = text.as_bytes();
        let (head, tail) = bytes.split_at(split.index(bytes.len()));
        let bytes = if is_zipped { [gz(head), gz(tail)].concat() } else { bytes.to_vec() };
        let (evidence, problems) = read_pieces(&bytes, length, &BTreeSet::new()).unwrap();
        prop_assert_eq!(problems, []);
        prop_assert_eq!(read_the_same(&evidence), plainly(&document));
    }

    #[test]
    fn a_truncated_object_is_never_believed(
        (_, text) in any_text_of_document(),
        is_zipped in any::<bool>(),
        end in any::<Index>(),
    ) {
        let bytes = if is_zipped { gz(&text) } else { text.into_bytes() };
        let bytes = &bytes[..end.index(bytes.len())];
        prop_assert!(read_pieces(bytes, 50, &BTreeSet::new()).is_err());
    }

    #[test]
    fn a_damaged_object_is_not_believed_unless_it_says_the_same(
        (_, text) in any_text_of_document(),
        place in any::<Index>(),
        bits in 1..=255u8,
    ) {
        let mut bytes = gz(&text);
        let whole = read_pieces(&bytes, 50, &BTreeSet::new()).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= bits;
        if let Ok(damaged) = read_pieces(&bytes, 50, &BTreeSet::new()) {
            prop_assert_eq!(damaged, whole);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        (_, text) in any_text_of_document(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        length in 1..100usize,
    ) {
        let mut bytes = text.into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // The answer may be anything, but it is the same for all pieces.
        let read = read_pieces(&bytes, length, &BTreeSet::new());
        prop_assert_eq!(read, read_pieces(&bytes, bytes.len(), &BTreeSet::new()));
    }
}

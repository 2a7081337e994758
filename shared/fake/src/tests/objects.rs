//! Buckets.

use std::sync::Arc;

use banto_ports::{ErrorKind, NewObject, Object, Objects, ReportStore};

use super::{done, kind, world};
use crate::{FakeBucket, Run};

fn object(key: &str, body: &str) -> NewObject {
    NewObject {
        key: key.to_owned(),
        media_type: "text/plain",
        encoding: None,
        body: body.as_bytes().to_vec(),
    }
}

fn bucket() -> (Arc<Run>, FakeBucket) {
    let run = world().run(None);
    let bucket = FakeBucket::new(run.clone(), "config-logs");
    (run, bucket)
}

#[test]
fn an_object_is_created_once_and_replaced_whole() {
    let (run, bucket) = bucket();
    assert_eq!(done(&run, bucket.create(object("a", "first"))), Ok(()));
    let again = done(&run, bucket.create(object("a", "second")));
    assert_eq!(kind(again), Some(ErrorKind::Conflict));
    assert_eq!(done(&run, bucket.read("a", 0, 100)), Ok(b"first".to_vec()));
    assert_eq!(done(&run, bucket.put(object("a", "third"))), Ok(()));
    assert_eq!(done(&run, bucket.read("a", 2, 2)), Ok(b"ir".to_vec()));
    assert_eq!(done(&run, bucket.read("a", 5, 2)), Ok(Vec::new()));
    let missing = done(&run, bucket.read("b", 0, 100));
    assert_eq!(kind(missing), Some(ErrorKind::Missing));
}

#[test]
fn folders_end_at_the_next_slash_and_a_listing_does_not() {
    let (run, bucket) = bucket();
    for key in ["a/1/x", "a/1/y", "a/2/x", "a/z", "b"] {
        done(&run, bucket.put(object(key, key))).unwrap();
    }
    let folders = done(&run, bucket.folders("a/")).unwrap();
    assert_eq!(folders, ["a/1/", "a/2/"]);
    let listed = done(&run, bucket.list("a/1/")).unwrap();
    let expected = ["a/1/x", "a/1/y"].map(|key| Object {
        key: key.to_owned(),
        size: 5,
    });
    assert_eq!(listed, expected);
}

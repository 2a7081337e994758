//! What report-compliance asks of S3.

use banto_aws::{ReportClients, S3Objects};
use banto_domain::policy::Policy;
use banto_ports::{ErrorKind, NewObject, Object, Objects, PortError, ReportStore};

use crate::service::{Canned, Service, xml_error};

const POLICY: &str = include_str!("../../../../examples/banto.toml");

impl Service {
    fn report(&self) -> ReportClients {
        let policy = Policy::parse(POLICY).unwrap().report.unwrap();
        self.aws().report(&policy)
    }

    fn archive(&self) -> S3Objects {
        self.report().archive
    }
}

/// A page of a listing. (S3 API reference, `ListObjectsV2`.)
fn listing(entries: &str, next: Option<&str>) -> Canned {
    let next = next.map_or_else(String::new, |token| {
        format!("<NextContinuationToken>{token}</NextContinuationToken>")
    });
    let is_truncated = !next.is_empty();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>archive</Name>\
         <Prefix/>{next}<IsTruncated>{is_truncated}</IsTruncated><EncodingType>url</EncodingType>\
         {entries}</ListBucketResult>"
    );
    (200, body)
}

fn contents(key: &str, size: u64) -> String {
    format!(
        "<Contents><Key>{key}</Key><LastModified>2026-10-31T01:02:03.000Z</LastModified>\
         <ETag>&quot;x&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )
}

fn folder(prefix: &str) -> String {
    format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>")
}

/// S3's own form of an error, which has no envelope.
fn refusal(status: u16, code: &str) -> Canned {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>in words</Message></Error>"
    );
    (status, body)
}

fn object(key: &str, size: u64) -> Object {
    Object {
        key: key.into(),
        size,
    }
}

fn page() -> NewObject {
    NewObject {
        key: "dashboard/2026-10/index.html".into(),
        media_type: "text/html; charset=utf-8",
        encoding: None,
        body: b"<html>".to_vec(),
    }
}

#[tokio::test]
async fn a_listing_goes_on_until_its_last_page() {
    let service = Service::answering([
        listing(&contents("a/2", 7), Some("next/+=")),
        listing(&contents("a/1", 0), None),
    ]);
    let found = service.archive().list("a/ä b+").await;
    assert_eq!(found, Ok(vec![object("a/1", 0), object("a/2", 7)]));
    let lines: Vec<String> = service
        .asked()
        .into_iter()
        .map(|asked| asked.line)
        .collect();
    let bucket = "/banto-log-archive-444455556666/";
    assert_eq!(
        lines,
        [
            format!("GET {bucket}?list-type=2&encoding-type=url&prefix=a%2F%C3%A4%20b%2B HTTP/1.1"),
            format!(
                "GET {bucket}?list-type=2&continuation-token=next%2F%2B%3D&encoding-type=url&prefix=a%2F%C3%A4%20b%2B HTTP/1.1"
            ),
        ]
    );
}

#[tokio::test]
async fn folders_end_at_the_next_slash_and_come_from_every_page() {
    let service = Service::answering([
        listing(&folder("AWSLogs/444455556666/"), Some("t")),
        listing(
            &(contents("AWSLogs/file", 1) + &folder("AWSLogs/111122223333/")),
            None,
        ),
    ]);
    let found = service.archive().folders("AWSLogs/").await;
    let expected = ["AWSLogs/111122223333/", "AWSLogs/444455556666/"];
    assert_eq!(found, Ok(expected.map(str::to_owned).to_vec()));
    let line = &service.asked()[0].line;
    assert!(
        line.contains("?list-type=2&delimiter=%2F&encoding-type=url&prefix=AWSLogs%2F "),
        "{line}"
    );
}

#[tokio::test]
async fn keys_come_back_as_they_are_whatever_characters_they_have() {
    let entries = contents("a%2Bb+c%25%3Cd%3E", 1) + &contents("%E7%95%AA%0A%01", 2);
    let service = Service::answering([listing(&entries, None)]);
    let found = service.archive().list("").await.unwrap();
    assert_eq!(found, [object("a+b c%<d>", 1), object("番\n\u{1}", 2)]);
    let service = Service::answering([(200, "bytes".to_owned())]);
    let read = service.archive().read("../a+b c%<d>?番", 0, 5).await;
    assert_eq!(read, Ok(b"bytes".to_vec()));
    let line = &service.asked()[0].line;
    assert!(
        line.contains("/../a%2Bb%20c%25%3Cd%3E%3F%E7%95%AA "),
        "{line}"
    );
}

#[tokio::test]
async fn a_listing_that_breaks_off_or_makes_no_sense_is_no_end_of_it() {
    let truncated = listing("", Some("t"));
    let no_token = truncated.1.replace("NextContinuationToken", "Other");
    for body in [
        no_token,
        listing("<Contents><Key>a</Key></Contents>", None).1,
        listing("<Contents><Size>1</Size></Contents>", None).1,
        listing(&contents("%FF", 1), None).1,
        truncated.1[..80].to_owned(),
    ] {
        let service = Service::answering([(200, body)]);
        let error = service.archive().list("").await.unwrap_err();
        assert_eq!(
            (error.kind, error.call),
            (ErrorKind::Unavailable, "s3:ListBucket")
        );
    }
}

#[tokio::test]
async fn a_range_of_an_object_is_asked_for_and_behind_its_end_is_nothing() {
    let service = Service::answering([
        (206, "part".to_owned()),
        refusal(416, "InvalidRange"),
        refusal(404, "NoSuchKey"),
        refusal(403, "AccessDenied"),
    ]);
    let archive = service.archive();
    let megabyte = 1024 * 1024;
    let mebi = megabyte as u64;
    assert_eq!(
        archive.read("k", mebi, megabyte).await,
        Ok(b"part".to_vec())
    );
    assert_eq!(archive.read("k", 2 * mebi, megabyte).await, Ok(Vec::new()));
    for kind in [ErrorKind::Missing, ErrorKind::Denied] {
        assert_eq!(archive.read("k", 0, 1).await.unwrap_err().kind, kind);
    }
    let ranges: Vec<String> = service
        .asked()
        .iter()
        .map(|asked| asked.header("range").to_owned())
        .collect();
    assert_eq!(
        ranges,
        [
            "bytes=1048576-2097151",
            "bytes=2097152-3145727",
            "bytes=0-0",
            "bytes=0-0"
        ]
    );
}

#[tokio::test]
async fn an_object_is_written_with_its_type_and_over_whatever_was_there() {
    let service = Service::answering([(200, String::new()), (200, String::new())]);
    let store = service.report().store;
    store.put(page()).await.unwrap();
    let compressed = NewObject {
        encoding: Some("gzip"),
        ..page()
    };
    store.put(compressed).await.unwrap();
    let asked = service.asked();
    assert!(
        asked[0]
            .line
            .starts_with("PUT /banto-reports-999988887777/dashboard/2026-10/index.html "),
        "{}",
        asked[0].line
    );
    assert_eq!(asked[0].body, "<html>");
    assert_eq!(asked[0].header("content-type"), "text/html; charset=utf-8");
    assert_eq!(asked[0].header("content-encoding"), "");
    assert_eq!(asked[0].header("if-none-match"), "");
    assert_eq!(asked[1].header("content-encoding"), "gzip");
    // What signs a request signs these, too.
    let signed = asked[1].header("authorization");
    assert!(
        signed.contains("content-encoding;content-length;content-type"),
        "{signed}"
    );
}

#[tokio::test]
async fn an_object_is_created_once_and_a_conflict_is_told_as_one() {
    for (status, code) in [
        (412, "PreconditionFailed"),
        (409, "ConditionalRequestConflict"),
    ] {
        let service = Service::answering([(200, String::new()), refusal(status, code)]);
        let store = service.report().store;
        store.create(page()).await.unwrap();
        let error = store.create(page()).await.unwrap_err();
        let expected = PortError::new(
            ErrorKind::Conflict,
            "s3:PutObject",
            format!("{code}: in words"),
        );
        assert_eq!(error, expected);
        let asked = service.asked();
        assert_eq!(asked.len(), 2);
        assert!(
            asked
                .iter()
                .all(|asked| asked.header("if-none-match") == "*")
        );
    }
}

#[tokio::test]
async fn a_pause_that_s3_asks_for_is_kept_and_the_call_made_again() {
    let service =
        Service::answering([xml_error(503, "SlowDown"), listing(&contents("a", 1), None)]);
    assert_eq!(service.archive().list("").await, Ok(vec![object("a", 1)]));
}

#[tokio::test]
async fn the_clients_are_those_that_the_policy_names() {
    let service = Service::answering([]);
    let clients = service.report();
    assert!(clients.aggregator.is_some() && clients.statuses.is_some());
    let mut policy = Policy::parse(POLICY).unwrap().report.unwrap();
    (policy.aggregator, policy.statuses) = (None, None);
    let clients = service.aws().report(&policy);
    assert!(clients.aggregator.is_none() && clients.statuses.is_none());
}

//! What rotate-access-keys asks.

use std::collections::BTreeSet;

use banto_aws::{Account, Aws, record_policy};
use banto_domain::policy::IdentityAccount;
use banto_domain::record::Readers;
use banto_domain::{AccessKeyId, UserName};
use banto_ports::{
    AccessKeys, CertificateVersion, Certificates, ErrorKind, KeyOwner, PortError, Records,
    ReportState, TopicMessage,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::service::{Canned, SECRET, Service, json_error, xml, xml_error};

impl Service {
    pub(crate) fn account(&self) -> Account {
        self.aws().account(&identity(false), None)
    }
}

pub(crate) fn identity(assume: bool) -> IdentityAccount {
    IdentityAccount {
        id: "111122223333".parse().unwrap(),
        role: "arn:aws:iam::111122223333:role/banto".parse().unwrap(),
        assume,
        break_glass: None,
        certificate_bucket: "certificates".into(),
        certificate_prefix: "certs/".into(),
    }
}

pub(crate) fn alice() -> UserName {
    "alice".parse().unwrap()
}

fn key() -> AccessKeyId {
    "AKIAI44QH8DHBEXAMPLE".parse().unwrap()
}

fn created() -> Canned {
    let key = format!(
        "<AccessKey><UserName>alice</UserName><AccessKeyId>AKIAI44QH8DHBEXAMPLE</AccessKeyId><Status>Active</Status>\
         <SecretAccessKey>{SECRET}</SecretAccessKey><CreateDate>2026-11-24T01:00:00Z</CreateDate></AccessKey>"
    );
    xml("CreateAccessKey", &key)
}

fn member(id: &str, status: &str) -> String {
    format!(
        "<member><UserName>alice</UserName><AccessKeyId>{id}</AccessKeyId><Status>{status}</Status>\
         <CreateDate>2026-08-01T09:30:00Z</CreateDate></member>"
    )
}

#[tokio::test]
async fn a_user_is_read_with_name_id_path_and_tags() {
    let user = "<User><UserName>Alice</UserName><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Path>/developers/</Path>\
        <Arn>arn:aws:iam::111122223333:user/developers/alice</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
        <Tags><member><Key>banto:slack</Key><Value>U024BE7LH</Value></member></Tags></User>";
    let service = Service::answering([xml("GetUser", user)]);
    let user = service.account().keys.user(&alice()).await.unwrap();
    assert_eq!(
        (user.id.as_str(), user.path.as_str()),
        ("AIDACKCEVSQ6C2EXAMPLE", "/developers/")
    );
    assert_eq!(user.name.as_str(), "Alice", "as IAM writes it");
    assert_eq!(user.tags["banto:slack"], "U024BE7LH");
    let asked = &service.asked()[0];
    assert!(asked.body.contains("Action=GetUser") && asked.body.contains("UserName=alice"));
    assert!(
        asked.header("user-agent").contains("app/banto"),
        "{}",
        asked.header("user-agent")
    );
}

#[tokio::test]
async fn keys_are_read_page_by_page() {
    let page = |id, status, more: &str| {
        let result = format!(
            "<AccessKeyMetadata>{}</AccessKeyMetadata>{more}",
            member(id, status)
        );
        xml("ListAccessKeys", &result)
    };
    let service = Service::answering([
        page(
            "AKIAIOSFODNN7EXAMPLE",
            "Active",
            "<IsTruncated>true</IsTruncated><Marker>next</Marker>",
        ),
        page(
            "AKIAI44QH8DHBEXAMPLE",
            "Inactive",
            "<IsTruncated>false</IsTruncated>",
        ),
    ]);
    let keys = service.account().keys.keys(&alice()).await.unwrap();
    let seen: Vec<_> = keys
        .iter()
        .map(|key| (key.id.as_str(), key.active))
        .collect();
    assert_eq!(
        seen,
        [
            ("AKIAIOSFODNN7EXAMPLE", true),
            ("AKIAI44QH8DHBEXAMPLE", false)
        ]
    );
    assert!(service.asked()[1].body.contains("Marker=next"));
}

#[tokio::test]
async fn members_of_a_group_are_read_page_by_page() {
    let page = |name: &str, more: &str| {
        let result = format!(
            "<Group><GroupName>parked</GroupName><GroupId>AGPACKCEVSQ6C2EXAMPLE</GroupId><Path>/</Path>\
             <Arn>arn:aws:iam::111122223333:group/parked</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Group>\
             <Users><member><UserName>{name}</UserName><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Path>/</Path>\
             <Arn>arn:aws:iam::111122223333:user/{name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member></Users>{more}"
        );
        xml("GetGroup", &result)
    };
    let service = Service::answering([
        page(
            "alice",
            "<IsTruncated>true</IsTruncated><Marker>next</Marker>",
        ),
        page("bob", "<IsTruncated>false</IsTruncated>"),
    ]);
    let members = service
        .account()
        .keys
        .members(&"parked".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        members,
        BTreeSet::from(["alice".parse().unwrap(), "bob".parse().unwrap()])
    );
}

#[tokio::test]
async fn the_report_is_asked_for_and_decoded() {
    let content = "dXNlcixhcm4="; // "user,arn"
    let service = Service::answering([
        xml("GenerateCredentialReport", "<State>STARTED</State>"),
        xml("GenerateCredentialReport", "<State>INPROGRESS</State>"),
        xml("GenerateCredentialReport", "<State>COMPLETE</State>"),
        xml(
            "GetCredentialReport",
            &format!("<Content>{content}</Content><ReportFormat>text/csv</ReportFormat>"),
        ),
    ]);
    let keys = service.account().keys;
    for expected in [
        ReportState::InProgress,
        ReportState::InProgress,
        ReportState::Complete,
    ] {
        assert_eq!(keys.request_report().await, Ok(expected));
    }
    assert_eq!(keys.report().await.unwrap(), b"user,arn");
}

#[tokio::test]
async fn each_state_of_a_report_that_is_not_there_is_told_apart() {
    for (status, code, kind) in [
        (410, "ReportExpired", ErrorKind::Missing),
        (410, "ReportNotPresent", ErrorKind::Missing),
        (404, "ReportInProgress", ErrorKind::NotReady),
    ] {
        let service = Service::answering([xml_error(status, code)]);
        assert_eq!(
            service.account().keys.report().await.unwrap_err().kind,
            kind,
            "{code}"
        );
    }
}

#[tokio::test]
async fn use_and_never_used_are_told_apart_and_an_answer_without_either_is_no_never() {
    let usage = |used: &str| {
        xml(
            "GetAccessKeyLastUsed",
            &format!("<UserName>alice</UserName>{used}"),
        )
    };
    let service = Service::answering([
        usage(
            "<AccessKeyLastUsed><LastUsedDate>2026-11-20T10:00:00Z</LastUsedDate><ServiceName>s3</ServiceName><Region>eu-west-1</Region></AccessKeyLastUsed>",
        ),
        usage(
            "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>",
        ),
        usage(""),
    ]);
    let keys = service.account().keys;
    assert_eq!(
        keys.usage(&key()).await.unwrap().last.unwrap().service,
        "s3"
    );
    assert_eq!(keys.usage(&key()).await.unwrap().last, None);
    assert!(keys.usage(&key()).await.is_err());
}

#[tokio::test]
async fn a_key_without_a_user_is_the_root_users() {
    let used =
        "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>";
    let owned = |name: &str| xml("GetAccessKeyLastUsed", &format!("{name}{used}"));
    let service = Service::answering([
        owned("<UserName>alice</UserName>"),
        owned("<UserName>&lt;root_account&gt;</UserName>"),
        owned("<UserName></UserName>"),
        owned(""),
        owned("<UserName>no user's name</UserName>"),
    ]);
    let keys = service.account().keys;
    let owner = keys.usage(&key()).await.unwrap().owner;
    assert_eq!(owner, KeyOwner::User(alice()));
    for _ in 0..3 {
        assert_eq!(keys.usage(&key()).await.unwrap().owner, KeyOwner::Root);
    }
    let error = keys.usage(&key()).await.unwrap_err();
    assert!(error.message.contains("the user's name"), "{error}");
}

#[tokio::test]
async fn a_key_is_created_with_its_secret() {
    let service = Service::answering([created()]);
    let created = service.account().keys.create(&alice()).await.unwrap();
    assert_eq!(created.id, key());
    assert_eq!(created.secret.expose_secret(), SECRET);
    assert!(!format!("{created:?}").contains(&SECRET[..8]));
}

#[tokio::test]
async fn create_access_key_is_sent_once_however_it_fails() {
    for failure in [
        (500, String::new()),
        (503, String::new()),
        (0, String::new()),
        xml_error(400, "Throttling"),
    ] {
        let service = Service::answering([failure.clone(), created()]);
        let error = service.account().keys.create(&alice()).await.unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Throttled),
            "{failure:?}: {error}"
        );
        assert_eq!(service.operations(), ["CreateAccessKey"], "{failure:?}");
    }
}

#[tokio::test]
async fn every_other_call_is_tried_again() {
    for failure in [
        (500, String::new()),
        (0, String::new()),
        xml_error(400, "Throttling"),
    ] {
        let service =
            Service::answering([failure.clone(), failure.clone(), xml("UpdateAccessKey", "")]);
        service
            .account()
            .keys
            .set_active(&alice(), &key(), false)
            .await
            .unwrap();
        assert_eq!(service.asked().len(), 3, "{failure:?}");
        assert!(service.asked()[2].body.contains("Status=Inactive"));
    }
}

#[tokio::test]
async fn errors_are_classified_and_speak_the_services_own_words() {
    for (status, code, kind) in [
        (404, "NoSuchEntity", ErrorKind::Missing),
        (403, "AccessDenied", ErrorKind::Denied),
        (409, "LimitExceeded", ErrorKind::LimitExceeded),
        (409, "EntityTemporarilyUnmodifiable", ErrorKind::NotReady),
        (409, "ConcurrentModification", ErrorKind::Conflict),
        (400, "ValidationError", ErrorKind::Invalid),
        (418, "Unheard", ErrorKind::Invalid),
    ] {
        let service = Service::answering([xml_error(status, code)]);
        let error = service
            .account()
            .keys
            .delete(&alice(), &key())
            .await
            .unwrap_err();
        let expected = PortError::new(kind, "iam:DeleteAccessKey", format!("{code}: in words"));
        assert_eq!(error, expected, "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_is_an_error_without_what_it_held() {
    let torn = format!("<CreateAccessKeyResponse><SecretAccessKey>{SECRET}</SecretAccessKey>");
    let service = Service::answering([
        (200, torn),
        (200, format!("{{\"SecretString\": \"{SECRET}\"")),
    ]);
    let account = service.account();
    let one = format!("{:?}", account.keys.create(&alice()).await.unwrap_err());
    let other = format!("{:?}", account.records.read(&alice()).await.unwrap_err());
    assert!(
        !one.contains(&SECRET[..8]) && !other.contains(&SECRET[..8]),
        "{one} {other}"
    );
}

fn readers(break_glass: Option<&str>) -> Readers {
    Readers {
        owner: "arn:aws:iam::111122223333:user/developers/alice"
            .parse()
            .unwrap(),
        role: identity(false).role,
        break_glass: break_glass.map(|arn| arn.parse().unwrap()),
    }
}

#[tokio::test]
async fn a_record_is_protected_by_a_policy_that_denies_everyone_else() {
    let service = Service::answering([(200, "{}".to_owned())]);
    let records = service.account().records;
    records.protect(&alice(), &readers(None)).await.unwrap();
    let asked = service.asked()[0].json();
    assert_eq!(asked["BlockPublicPolicy"], true);
    let policy: Value = serde_json::from_str(asked["ResourcePolicy"].as_str().unwrap()).unwrap();
    assert_eq!(policy.to_string(), record_policy(&readers(None)));
    let owner = readers(None).owner;
    let [owners, readers, writers] = &policy["Statement"].as_array().unwrap()[..] else {
        panic!("{policy}")
    };
    assert_eq!(owners["Principal"]["AWS"], owner.as_str());
    for denied in [readers, writers] {
        assert_eq!(
            (&denied["Effect"], &denied["Principal"]),
            (&json!("Deny"), &json!("*"))
        );
    }
    let but = |denied: &Value| denied["Condition"]["StringNotEquals"]["aws:PrincipalArn"].clone();
    assert_eq!(but(readers), json!([owner, identity(false).role]));
    assert_eq!(but(writers), json!([identity(false).role]));
    assert_eq!(readers["Action"], "secretsmanager:GetSecretValue");
}

/// A policy that only the role in it may change would lock out the next one for ever.
#[test]
fn the_policy_of_a_record_denies_every_write_but_that_of_the_policy_itself() {
    let policy: Value = serde_json::from_str(&record_policy(&readers(None))).unwrap();
    let denied = policy["Statement"][2]["Action"].as_array().unwrap();
    let names = |name: &str| denied.contains(&json!(format!("secretsmanager:{name}")));
    for call in [
        "PutSecretValue",
        "UpdateSecretVersionStage",
        "DeleteSecret",
        "TagResource",
    ] {
        assert!(names(call), "{call}");
    }
    for call in ["PutResourcePolicy", "DeleteResourcePolicy", "*"] {
        assert!(!names(call), "{call}");
    }
    assert!(
        record_policy(&readers(None)).len() <= 20_480,
        "PutResourcePolicy's limit"
    );
}

#[test]
fn the_role_for_break_glass_reads_and_writes_as_bantos_own_does() {
    let arn = "arn:aws:iam::111122223333:role/break-glass";
    let policy: Value = serde_json::from_str(&record_policy(&readers(Some(arn)))).unwrap();
    for (statement, but_for) in [(1, 3), (2, 2)] {
        let but = &policy["Statement"][statement]["Condition"]["StringNotEquals"];
        let but = but["aws:PrincipalArn"].as_array().unwrap();
        assert!(but.contains(&json!(arn)) && but.len() == but_for, "{but:?}");
    }
}

/// The evaluator of infra/tests asks this file who may read a record, so that it must be ours.
#[test]
fn the_policy_that_an_evaluator_is_asked_about_is_that_of_the_code() {
    let asked: Value = serde_json::from_str(include_str!(
        "../../../../infra/tests/expected/record-policy.json"
    ))
    .unwrap();
    let readers = Readers {
        role: "arn:aws:iam::111122223333:role/banto/rotate-access-keys"
            .parse()
            .unwrap(),
        ..readers(Some("arn:aws:iam::111122223333:role/break-glass"))
    };
    let ours: Value = serde_json::from_str(&record_policy(&readers)).unwrap();
    assert_eq!(ours, asked);
}

#[tokio::test]
async fn a_certificate_is_read_and_its_absence_is_no_error() {
    let missing = "<Error><Code>NoSuchKey</Code><Message>in words</Message></Error>".to_owned();
    let service = Service::answering([(200, "a certificate".to_owned()), (404, missing)]);
    let certificates = service.account().certificates;
    assert_eq!(
        certificates.read_version(&alice(), "one").await,
        Ok(Some(b"a certificate".to_vec()))
    );
    assert_eq!(
        certificates
            .read_version(&"bob+smith@example.com".parse().unwrap(), "one")
            .await,
        Ok(None)
    );
    let asked = service.asked();
    assert_eq!(
        asked[0].line,
        "GET /certificates/certs/alice.asc?versionId=one HTTP/1.1"
    );
    assert_eq!(asked[0].header("range"), "bytes=0-262144");
    assert_eq!(asked[0].header("x-amz-content-sha256").len(), 64);
    assert!(
        asked[0].header("authorization").contains("/eu-west-1/s3/"),
        "{}",
        asked[0].header("authorization")
    );
    assert_eq!(
        asked[1].line,
        "GET /certificates/certs/bob%2Bsmith%40example.com.asc?versionId=one HTTP/1.1"
    );
}

#[tokio::test]
async fn a_certificates_versions_are_listed_the_latest_first_with_its_deletions() {
    let listed = "<ListVersionsResult><Version><Key>certs/alice.asc</Key><VersionId>new/1</VersionId>\
        <LastModified>2026-11-20T10:00:00.000Z</LastModified></Version>\
        <Version><Key>certs/alice.asc</Key><VersionId>null</VersionId>\
        <LastModified>2026-10-01T10:00:00.000Z</LastModified></Version>\
        <Version><Key>certs/alice.asc.bak</Key><VersionId>other</VersionId>\
        <LastModified>2026-11-21T10:00:00.000Z</LastModified></Version>\
        <DeleteMarker><Key>certs/alice.asc</Key><VersionId>gone</VersionId>\
        <LastModified>2026-11-01T10:00:00.000Z</LastModified></DeleteMarker></ListVersionsResult>";
    let service = Service::answering([
        (200, listed.to_owned()),
        (200, "a certificate".to_owned()),
        (404, "<Error><Code>NoSuchVersion</Code></Error>".to_owned()),
    ]);
    let certificates = service.account().certificates;
    let version = |id: Option<&str>, at: &str| CertificateVersion {
        id: id.map(str::to_owned),
        stored_at: at.parse().unwrap(),
    };
    assert_eq!(
        certificates.versions(&alice()).await.unwrap(),
        [
            version(Some("new/1"), "2026-11-20T10:00:00Z"),
            version(None, "2026-11-01T10:00:00Z"),
            version(Some("null"), "2026-10-01T10:00:00Z"),
        ]
    );
    let read = certificates.read_version(&alice(), "new/1").await;
    assert_eq!(read, Ok(Some(b"a certificate".to_vec())));
    let gone = certificates.read_version(&alice(), "null").await;
    assert_eq!(gone, Ok(None));
    let asked = service.asked();
    assert_eq!(
        asked[0].line,
        "GET /certificates/?prefix=certs%2Falice.asc&versions= HTTP/1.1"
    );
    assert_eq!(
        asked[1].line,
        "GET /certificates/certs/alice.asc?versionId=new%2F1 HTTP/1.1"
    );
    assert_eq!(asked[1].header("range"), "bytes=0-262144");
}

/// S3 has no range of an object without bytes. (S3 API reference, "Error responses".)
#[tokio::test]
async fn an_empty_object_is_read_as_one_without_bytes() {
    let empty = "<Error><Code>InvalidRange</Code><Message>The requested range is not satisfiable\
        </Message><RangeRequested>bytes=0-262144</RangeRequested><ActualObjectSize>0\
        </ActualObjectSize></Error>";
    let service = Service::answering([(); 3].map(|()| (416, empty.to_owned())));
    let certificates = service.account().certificates;
    let version = certificates.read_version(&alice(), "new/1").await;
    assert_eq!(version, Ok(Some(Vec::new())));
    let acknowledgement = certificates.acknowledgement(&alice()).await;
    assert_eq!(acknowledgement, Ok(Some(Vec::new())));
    let bucket = service.aws().bucket("certificates");
    let dated = bucket.read_dated("certs/alice.asc", 10).await;
    assert_eq!(dated, Ok((Vec::new(), None)));
}

#[tokio::test]
async fn an_acknowledgement_is_beside_the_certificate_and_its_absence_is_no_error() {
    let missing = "<Error><Code>NoSuchKey</Code></Error>".to_owned();
    let service = Service::answering([(200, "signed".to_owned()), (404, missing)]);
    let certificates = service.account().certificates;
    let read = certificates.acknowledgement(&alice()).await;
    assert_eq!(read, Ok(Some(b"signed".to_vec())));
    assert_eq!(certificates.acknowledgement(&alice()).await, Ok(None));
    assert_eq!(
        service.asked()[0].line,
        "GET /certificates/certs/alice.acknowledged HTTP/1.1"
    );
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_a_denial_of_that_call() {
    let service = Service::answering([xml_error(403, "AccessDenied")]);
    let keys = service.aws().account(&identity(true), None).keys;
    let error = keys.delete(&alice(), &key()).await.unwrap_err();
    assert_eq!(service.operations(), ["AssumeRole"]);
    assert_eq!(
        (error.kind, error.call),
        (ErrorKind::Denied, "sts:AssumeRole")
    );
    assert!(error.message.contains("AccessDenied"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_is_forbidden_or_too_large_or_in_no_bucket_is_an_error_that_helps() {
    let denied = "<Error><Code>AccessDenied</Code><Message>in words</Message></Error>".to_owned();
    let no_bucket =
        "<Error><Code>NoSuchBucket</Code><Message>in words</Message></Error>".to_owned();
    let service = Service::answering([
        (403, denied),
        (404, no_bucket),
        (200, "x".repeat(300 * 1024)),
        (200, "x".repeat(9 << 20)),
    ]);
    let certificates = service.account().certificates;
    let error = certificates
        .read_version(&alice(), "one")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains("s3:ListBucket"), "{error}");
    assert_eq!(
        certificates
            .read_version(&alice(), "one")
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Missing
    );
    assert_eq!(
        certificates
            .read_version(&alice(), "one")
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Invalid
    );
    let error = certificates
        .read_version(&alice(), "one")
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Invalid, "ResponseTooLarge: 9437184 bytes")
    );
}

#[tokio::test]
async fn a_secret_and_a_topic_are_asked_for_in_their_own_region() {
    let value = json!({ "SecretString": "https://hooks.slack.com/services/x" }).to_string();
    let service = Service::answering([(200, value), xml("Publish", "<MessageId>x</MessageId>")]);
    let aws = service.aws();
    let secret = "arn:aws:secretsmanager:us-west-2:111122223333:secret:banto/slack/owners-AbCdEf"
        .parse()
        .unwrap();
    let url = aws.secrets().value(&secret).await.unwrap();
    assert_eq!(url.expose_secret(), "https://hooks.slack.com/services/x");
    let topic = "arn:aws:sns:ap-south-1:111122223333:owners"
        .parse()
        .unwrap();
    let message = TopicMessage {
        subject: "a subject".into(),
        body: "a body".into(),
        attributes: [("user".to_owned(), "alice".to_owned())].into(),
    };
    aws.topics().publish(&topic, &message).await.unwrap();
    let asked = service.asked();
    assert!(
        asked[0]
            .header("authorization")
            .contains("/us-west-2/secretsmanager/")
    );
    assert!(
        asked[1]
            .header("authorization")
            .contains("/ap-south-1/sns/")
    );
    assert!(
        asked[1]
            .body
            .contains("MessageAttributes.entry.1.Name=user"),
        "{}",
        asked[1].body
    );
    assert!(
        asked[1]
            .body
            .contains("&Subject=a%20subject&Message=a%20body&"),
        "{}",
        asked[1].body
    );
}

#[tokio::test]
async fn a_topic_that_is_throttled_is_tried_again_and_one_that_is_forbidden_is_not() {
    let topic = "arn:aws:sns:eu-west-1:111122223333:owners".parse().unwrap();
    let message = TopicMessage {
        subject: "a".into(),
        body: "b".into(),
        attributes: [].into(),
    };
    let service = Service::answering([
        xml_error(400, "Throttling"),
        (0, String::new()),
        xml("Publish", "<MessageId>x</MessageId>"),
    ]);
    service
        .aws()
        .topics()
        .publish(&topic, &message)
        .await
        .unwrap();
    assert_eq!(service.operations(), ["Publish", "Publish", "Publish"]);
    let service = Service::answering([xml_error(403, "AuthorizationError")]);
    let error = service
        .aws()
        .topics()
        .publish(&topic, &message)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        PortError::new(
            ErrorKind::Denied,
            "sns:Publish",
            "AuthorizationError: in words"
        )
    );
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test]
async fn a_role_is_assumed_once_and_its_credentials_sign_every_call() {
    let assumed = xml(
        "AssumeRole",
        "<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey>\
         <SessionToken>a-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
    );
    let nobody = || json_error(400, "ResourceNotFoundException");
    let service = Service::answering([assumed, xml("UpdateAccessKey", ""), nobody(), nobody()]);
    let account = service.aws().account(&identity(true), None);
    assert!(
        service.asked().is_empty(),
        "nothing is asked before it is needed"
    );
    account
        .keys
        .set_active(&alice(), &key(), true)
        .await
        .unwrap();
    account.records.read(&alice()).await.unwrap();
    account.records.read(&alice()).await.unwrap();
    let asked = service.asked();
    assert_eq!(
        service.operations(),
        [
            "AssumeRole",
            "UpdateAccessKey",
            "GetSecretValue",
            "GetSecretValue"
        ]
    );
    assert!(
        asked[0]
            .header("authorization")
            .contains("Credential=AKIAIOSFODNN7EXAMPLE/")
    );
    for asked in &asked[1..] {
        assert!(
            asked
                .header("authorization")
                .contains("Credential=ASIAIOSFODNN7EXAMPLE/")
        );
        assert_eq!(asked.header("x-amz-security-token"), "a-token");
    }
}

#[test]
fn every_missing_variable_is_named_at_once() {
    let error = Aws::from_vars(|_| None).unwrap_err().to_string();
    assert_eq!(
        error,
        "the environment lacks AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
    );
}

#[test]
fn a_region_that_can_not_be_one_is_told_at_the_start() {
    let error = Aws::from_vars(|_| Some("somewhere".to_owned())).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("AWS_REGION: \"somewhere\" is not a region"),
        "{error}"
    );
}

#[test]
fn a_bundle_of_certificates_that_cannot_be_read_is_told_at_the_start() {
    let error = Aws::from_vars(|name| {
        let value = match name {
            "AWS_CA_BUNDLE" => "/nowhere.pem",
            "AWS_REGION" => "eu-west-1",
            _ => "x",
        };
        Some(value.to_owned())
    });
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("AWS_CA_BUNDLE must name a PEM file"),
        "{error}"
    );
    assert!(error.contains("/nowhere.pem can't be read"), "{error}");
}

#[tokio::test]
async fn one_services_endpoint_wins_over_the_common_one_unless_endpoints_are_ignored() {
    let (common, own) = (
        Service::answering([]),
        Service::answering([xml("DeleteAccessKey", "")]),
    );
    let vars = |ignore: bool| {
        let (common, own) = (common.port, own.port);
        move |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some(format!("http://127.0.0.1:{common}")),
            "AWS_ENDPOINT_URL_IAM" => Some(format!("http://127.0.0.1:{own}")),
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" => ignore.then(|| "true".to_owned()),
            "AWS_CA_BUNDLE" => None,
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            _ => Some("x".to_owned()),
        }
    };
    let account = Aws::from_vars(vars(false))
        .unwrap()
        .account(&identity(false), None);
    account.keys.delete(&alice(), &key()).await.unwrap();
    assert_eq!((common.asked().len(), own.asked().len()), (0, 1));
    assert!(!format!("{:?}", Aws::from_vars(vars(true)).unwrap()).contains("127.0.0.1"));
}

//! How records are kept, marked and found.

use banto_domain::record::Record;
use banto_ports::{ErrorKind, OpenRecords, PortError, Records, Signer, StoredText};
use serde_json::{Value, json};

use crate::identity::{alice, identity};
use crate::service::{Canned, Service, json_answer, json_error};

const TOKEN: &str = "banto-record-version-00000000000000000000000000000001";

const FIRST: &str = "{\"sequence\":1}\n\n";

fn record() -> Record {
    Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap()).next("run")
}

/// An answer with a version of a record.
fn current() -> Value {
    json!({ "SecretString": "a record", "VersionId": "a-token", "CreatedDate": 1_780_000_000 })
}

/// A secret of the list, tagged with a user's name and as open.
fn secret(name: &str, user: &str) -> Value {
    json!({
        "ARN": format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}-AbCdEf"),
        "Name": name,
        "Tags": [{ "Key": "banto:user", "Value": user }, { "Key": "banto:open", "Value": "true" }],
    })
}

fn page(secrets: &[Value], next: Option<&str>) -> Canned {
    let mut page = json!({ "SecretList": secrets });
    if let Some(next) = next {
        page["NextToken"] = next.into();
    }
    json_answer(&page)
}

/// The error of a secret that waits for its deletion, in Secrets Manager's own words.
fn marked_for_deletion() -> Canned {
    let words =
        "You can't perform this operation on the secret because it was marked for deletion.";
    let body = json!({ "__type": "InvalidRequestException", "Message": words });
    (400, body.to_string())
}

#[tokio::test]
async fn a_record_is_read_and_its_absence_is_no_error() {
    let current = current();
    let service = Service::answering([
        json_answer(&current),
        json_error(400, "ResourceNotFoundException"),
    ]);
    let records = service.account().records;
    let stored = StoredText {
        text: "a record".to_owned(),
        token: "a-token".to_owned(),
        written_at: "2026-05-28T20:26:40Z".parse().unwrap(),
    };
    assert_eq!(records.read(&alice()).await, Ok(Some(stored)));
    assert_eq!(records.read(&"bob,smith".parse().unwrap()).await, Ok(None));
    let names: Vec<Value> = service
        .asked()
        .iter()
        .map(|asked| asked.json()["SecretId"].clone())
        .collect();
    assert_eq!(
        names,
        [
            "banto/access-keys/alice",
            "banto/access-keys/bob/comma/smith"
        ]
    );
}

#[tokio::test]
async fn a_record_is_created_and_written_under_its_versions_token() {
    let service = Service::answering([(200, "{}".to_owned()), (200, "{}".to_owned())]);
    let records = service.account().records;
    let token = record().write_token(0);
    records.create(&alice(), FIRST, &token).await.unwrap();
    let next = record().next("run");
    records
        .write(&alice(), "later", &next.write_token(3))
        .await
        .unwrap();
    let asked = service.asked();
    assert_eq!(asked[0].operation(), "CreateSecret");
    assert_eq!(
        asked[0].json()["ClientRequestToken"],
        record().write_token(0)
    );
    assert_eq!(asked[0].json()["SecretString"], FIRST);
    assert_eq!(
        asked[0].json()["Tags"],
        json!([
            { "Key": "banto:user", "Value": "alice" },
            { "Key": "banto:open", "Value": "true" },
        ])
    );
    assert!(
        asked[0].json()["Description"]
            .as_str()
            .unwrap()
            .contains("| gpg --decrypt")
    );
    assert_eq!(asked[1].operation(), "PutSecretValue");
    assert_eq!(asked[1].json()["ClientRequestToken"], next.write_token(3));
    assert_eq!(asked[1].json()["SecretString"], "later");
}

#[tokio::test]
async fn a_version_that_someone_else_wrote_is_a_conflict() {
    let service = Service::answering([
        json_error(400, "ResourceExistsException"),
        json_error(400, "ResourceExistsException"),
    ]);
    let records = service.account().records;
    assert_eq!(
        records
            .create(&alice(), FIRST, TOKEN)
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Conflict
    );
    assert_eq!(
        records
            .write(&alice(), FIRST, TOKEN)
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Conflict
    );
}

#[tokio::test]
async fn a_record_without_its_token_its_date_or_a_text_is_an_error() {
    for (lacks, says) in [
        ("VersionId", "the version's id"),
        ("CreatedDate", "the version's date"),
        ("SecretString", "a text"),
    ] {
        let mut answer = current();
        answer.as_object_mut().unwrap().remove(lacks);
        let service = Service::answering([json_answer(&answer)]);
        let error = service.account().records.read(&alice()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_version_is_read_by_its_token_and_its_absence_is_no_error() {
    let service = Service::answering([
        json_answer(&current()),
        json_error(400, "ResourceNotFoundException"),
    ]);
    let records = service.account().records;
    let version = records.read_version(&alice(), TOKEN).await.unwrap();
    assert_eq!(version.unwrap().text, "a record");
    assert_eq!(records.read_version(&alice(), TOKEN).await, Ok(None));
    let asked = service.asked();
    assert_eq!(asked[0].operation(), "GetSecretValue");
    assert_eq!(
        asked[0].json(),
        json!({ "SecretId": "banto/access-keys/alice", "VersionId": TOKEN })
    );
}

/// An account of a policy that has records signed by a key in Frankfurt.
fn signing(service: &Service) -> impl Signer {
    let key = "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let key = key.parse().unwrap();
    service
        .aws()
        .account(&identity(false), Some(&key))
        .signer
        .unwrap()
}

#[tokio::test]
async fn a_digest_is_signed_by_the_key_in_its_own_region() {
    let service = Service::answering([json_answer(&json!({
        "KeyId": "whatever", "Signature": "MAA=", "SigningAlgorithm": "ECDSA_SHA_256",
    }))]);
    assert_eq!(signing(&service).sign([7; 32]).await, Ok(vec![48, 0]));
    let asked = &service.asked()[0];
    assert_eq!(asked.header("x-amz-target"), "TrentService.Sign");
    assert_eq!(asked.header("content-type"), "application/x-amz-json-1.1");
    let scope = asked.header("authorization");
    assert!(scope.contains("/eu-central-1/kms/aws4_request"), "{scope}");
    assert_eq!(
        asked.json(),
        json!({
            "KeyId": "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "Message": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        })
    );
}

#[tokio::test]
async fn a_key_that_may_not_be_used_or_an_answer_without_a_signature_is_an_error() {
    for (answer, kind) in [
        (json_error(400, "AccessDeniedException"), ErrorKind::Denied),
        (json_error(400, "NotFoundException"), ErrorKind::Missing),
        (json_error(400, "DisabledException"), ErrorKind::Invalid),
        (
            json_error(400, "KMSInvalidStateException"),
            ErrorKind::Invalid,
        ),
        (json_answer(&json!({})), ErrorKind::Unavailable),
        (
            json_answer(&json!({ "Signature": "no base64" })),
            ErrorKind::Unavailable,
        ),
    ] {
        let service = Service::answering([answer]);
        let error = signing(&service).sign([7; 32]).await.unwrap_err();
        assert_eq!((error.kind, error.call), (kind, "kms:Sign"), "{error}");
    }
}

#[tokio::test]
async fn a_policy_without_a_signing_key_has_no_signer() {
    let service = Service::answering([]);
    assert!(service.account().signer.is_none());
}

#[tokio::test]
async fn a_secret_that_is_scheduled_for_deletion_is_an_error_that_says_so() {
    let service = Service::answering((0..3).map(|_| marked_for_deletion()));
    let records = service.account().records;
    let says = "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(
        records.read(&alice()).await.unwrap_err(),
        PortError::new(ErrorKind::Invalid, "secretsmanager:GetSecretValue", says)
    );
    assert_eq!(
        records.write(&alice(), FIRST, TOKEN).await.unwrap_err(),
        PortError::new(ErrorKind::Invalid, "secretsmanager:PutSecretValue", says)
    );
    let error = records.mark_closed(&alice()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn the_versions_of_a_record_are_read_page_by_page_those_without_a_label_too() {
    let version = |token: &str, at: i64| json!({ "VersionId": token, "CreatedDate": at });
    let service = Service::answering([
        json_answer(&json!({ "Versions": [version("one", 1_780_000_000)], "NextToken": "next" })),
        json_answer(&json!({ "Versions": [version("two", 1_780_000_100)] })),
    ]);
    let versions = service.account().records.versions(&alice()).await.unwrap();
    let seen: Vec<_> = versions
        .iter()
        .map(|(token, at)| (token.as_str(), at.as_second()))
        .collect();
    assert_eq!(seen, [("one", 1_780_000_000), ("two", 1_780_000_100)]);
    let asked = service.asked();
    assert_eq!(asked[0].operation(), "ListSecretVersionIds");
    assert_eq!(
        asked[0].json(),
        json!({ "SecretId": "banto/access-keys/alice", "IncludeDeprecated": true, "MaxResults": 100 })
    );
    assert_eq!(asked[1].json()["NextToken"], "next");
}

#[tokio::test]
async fn a_version_without_a_date_is_an_error_and_so_are_versions_of_no_secret() {
    let service = Service::answering([
        json_answer(&json!({ "Versions": [{ "VersionId": "one" }] })),
        json_error(400, "ResourceNotFoundException"),
    ]);
    let records = service.account().records;
    let error = records.versions(&alice()).await.unwrap_err();
    assert!(error.message.contains("a version's date"), "{error}");
    let error = records.versions(&alice()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}

#[tokio::test]
async fn open_records_are_found_by_their_tag_page_by_page() {
    let service = Service::answering([
        page(&[secret("banto/access-keys/alice", "alice")], Some("next")),
        page(&[], Some("last")),
        page(
            &[secret("banto/access-keys/bob/comma/smith", "bob,smith")],
            None,
        ),
    ]);
    let open = service.account().records.open().await.unwrap();
    let expected = OpenRecords {
        users: [alice(), "bob,smith".parse().unwrap()].into(),
        strangers: [].into(),
    };
    assert_eq!(open, expected);
    let asked = service.asked();
    assert_eq!(service.operations(), ["ListSecrets"; 3]);
    assert_eq!(
        asked[0].json(),
        json!({
            "MaxResults": 100,
            "Filters": [
                { "Key": "name", "Values": ["banto/access-keys/"] },
                { "Key": "tag-key", "Values": ["banto:open"] },
            ],
        })
    );
    assert_eq!(asked[2].json()["NextToken"], "last");
}

#[tokio::test]
async fn a_mark_whose_user_can_not_be_read_is_a_stranger_and_costs_nobody_else() {
    let mut untagged = secret("banto/access-keys/untagged", "x");
    untagged["Tags"] = json!([{ "Key": "banto:open", "Value": "" }]);
    let mut valueless = secret("banto/access-keys/valueless", "x");
    valueless["Tags"][0] = json!({ "Key": "banto:user" });
    let service = Service::answering([page(
        &[
            untagged,
            valueless,
            secret("banto/access-keys/nobody", "no user's name"),
            secret("banto/access-keys/mallory", "alice"),
            secret("banto/access-keys/alice", "alice"),
        ],
        None,
    )]);
    let open = service.account().records.open().await.unwrap();
    assert_eq!(open.users, [alice()].into());
    let strangers: Vec<_> = open.strangers.iter().map(String::as_str).collect();
    assert_eq!(
        strangers,
        ["mallory", "nobody", "untagged", "valueless"]
            .map(|name| format!("banto/access-keys/{name}"))
    );
}

#[tokio::test]
async fn a_secret_that_a_filter_lets_through_without_the_mark_is_not_open() {
    let mut other_tag = secret("banto/access-keys/bob", "bob");
    other_tag["Tags"][1]["Key"] = json!("banto:opened-by");
    let other_place = secret("banto/slack/alice", "alice");
    let service = Service::answering([page(&[other_tag, other_place], None)]);
    let open = service.account().records.open().await;
    assert_eq!(open, Ok(OpenRecords::default()));
}

#[tokio::test]
async fn a_list_that_fails_is_an_error_and_not_an_empty_one() {
    let service = Service::answering([
        page(&[secret("banto/access-keys/alice", "alice")], Some("next")),
        json_error(400, "AccessDeniedException"),
    ]);
    let error = service.account().records.open().await.unwrap_err();
    assert_eq!(
        error,
        PortError::new(
            ErrorKind::Denied,
            "secretsmanager:ListSecrets",
            "AccessDeniedException: in words"
        )
    );
}

#[tokio::test]
async fn a_record_is_marked_as_open_and_the_mark_is_taken_off() {
    let service = Service::answering([(200, String::new()), (200, String::new())]);
    let records = service.account().records;
    records.mark_open(&alice()).await.unwrap();
    records.mark_closed(&alice()).await.unwrap();
    let asked = service.asked();
    assert_eq!(service.operations(), ["TagResource", "UntagResource"]);
    assert_eq!(
        asked[0].json(),
        json!({ "SecretId": "banto/access-keys/alice", "Tags": [{ "Key": "banto:open", "Value": "true" }] })
    );
    assert_eq!(
        asked[1].json(),
        json!({ "SecretId": "banto/access-keys/alice", "TagKeys": ["banto:open"] })
    );
}

#[tokio::test]
async fn a_mark_goes_with_its_secret_and_none_is_set_without_one() {
    let gone = || json_error(400, "ResourceNotFoundException");
    let service = Service::answering([gone(), gone()]);
    let records = service.account().records;
    assert_eq!(records.mark_closed(&alice()).await, Ok(()));
    let error = records.mark_open(&alice()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}

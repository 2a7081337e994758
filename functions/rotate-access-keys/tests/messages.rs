//! Every message that an owner can get: it fits Slack and SNS, and reads as it did in
//! `messages.txt`, where a person last looked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::AccessKeyId;
use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Issued, Reason, Record, Rotation, StoredEnvelope};
use banto_fake::Book;
use banto_notice::{Notice, slack, sns};
use jiff::Timestamp;
use rotate_access_keys::notices;
use rotate_access_keys::plan::{DisableReason, OwnerNotice};
use rotate_access_keys::snapshot::{Certificate, SLACK_TAG, StoredRecord, User};

const ENVELOPE: &str = "-----BEGIN PGP MESSAGE-----\n\nwV4DmVt0zd3sWAoSAQdA5c4JdH3mYw0v0W1q\n=aB3d\n-----END PGP MESSAGE-----\n";

fn old() -> AccessKeyId {
    "AKIAIOSFODNN7EXAMPLE".parse().unwrap()
}

fn new() -> AccessKeyId {
    "AKIAI44QH8DHBEXAMPLE".parse().unwrap()
}

fn at() -> Timestamp {
    "2026-12-04T01:00:00Z".parse().unwrap()
}

fn alice() -> User {
    User {
        name: "alice".parse().unwrap(),
        id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
        arn: "arn:aws:iam::111122223333:user/alice".parse().unwrap(),
        path: "/".into(),
        tags: BTreeMap::from([(SLACK_TAG.to_owned(), "U024BE7LH".to_owned())]),
        groups: BTreeSet::new(),
        keys: Vec::new(),
        record: StoredRecord::Absent,
        certificate: Certificate::NotAsked,
    }
}

fn record() -> Record {
    let rotation = Rotation {
        reason: Reason::Due,
        intended_at: at(),
        existing_keys: BTreeSet::from([old()]),
        recipient: "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse().unwrap(),
        issued: Some(Issued {
            key: new(),
            created_at: at(),
        }),
        delivered_at: None,
    };
    Record {
        rotation: Some(rotation),
        envelope: Some(StoredEnvelope {
            key: new(),
            armored: ENVELOPE.into(),
        }),
        ..Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap())
    }
}

const PROBLEM: &str = "the certificate expired on 2026-10-09T00:00:00Z; extend it with `gpg --quick-set-expire FINGERPRINT 2y` \
    and register it again";

fn warning(
    certificate_problem: Option<&str>,
    certificate_expires_at: Option<Timestamp>,
) -> OwnerNotice {
    OwnerNotice::Warning {
        key: old(),
        rotates_at: at(),
        certificate_problem: certificate_problem.map(str::to_owned),
        certificate_expires_at,
    }
}

fn certificate_problem(key: Option<AccessKeyId>) -> OwnerNotice {
    OwnerNotice::CertificateProblem {
        key,
        code: "expired".into(),
        reason: PROBLEM.into(),
    }
}

fn issued(reason: Reason, old: BTreeSet<AccessKeyId>, carry_envelope: bool) -> OwnerNotice {
    OwnerNotice::Issued {
        reason,
        old,
        carry_envelope,
    }
}

fn disabling(reason: DisableReason) -> OwnerNotice {
    OwnerNotice::Disabling {
        key: old(),
        reason,
        restorable_until: at(),
    }
}

fn messages() -> Vec<(&'static str, OwnerNotice)> {
    let keys = BTreeSet::from([old()]);
    let (key, at) = (old(), at());
    vec![
        ("warning", warning(None, None)),
        ("warning, certificate expires soon", warning(None, Some(at))),
        ("warning, certificate refused", warning(Some(PROBLEM), None)),
        ("certificate problem", certificate_problem(Some(old()))),
        ("certificate problem, no key", certificate_problem(None)),
        ("issued", issued(Reason::Due, keys.clone(), false)),
        (
            "issued after an emergency",
            issued(Reason::Emergency, BTreeSet::new(), true),
        ),
        (
            "issued, forced",
            issued(Reason::Forced, keys.clone(), false),
        ),
        (
            "will be disabled",
            OwnerNotice::WillBeDisabled {
                key: key.clone(),
                at,
            },
        ),
        (
            "disabling, new key used",
            disabling(DisableReason::NewKeyUsed),
        ),
        (
            "disabling, new key acknowledged",
            disabling(DisableReason::Acknowledged),
        ),
        ("disabling by deadline", disabling(DisableReason::Deadline)),
        (
            "exposed",
            OwnerNotice::Exposed {
                keys: keys.clone(),
                has_other: false,
            },
        ),
        (
            "exposed, another key works",
            OwnerNotice::Exposed {
                keys,
                has_other: true,
            },
        ),
        (
            "will be deleted",
            OwnerNotice::WillBeDeleted {
                key: key.clone(),
                at,
            },
        ),
        ("deleting", OwnerNotice::Deleting { key }),
    ]
}

fn notice(message: &OwnerNotice) -> Notice {
    notice_to(&alice(), message)
}

fn notice_to(user: &User, message: &OwnerNotice) -> Notice {
    let account = IdentityAccount {
        id: "111122223333".parse().unwrap(),
        role: "arn:aws:iam::111122223333:role/banto".parse().unwrap(),
        assume: false,
        certificate_bucket: "certificates".into(),
        certificate_prefix: "certs/".into(),
    };
    notices::to_owner(message, user, &account, Some(&record()))
}

#[test]
fn every_message_fits_and_reads_as_it_did() {
    let mut book = Book::of(env!("CARGO_MANIFEST_DIR"));
    for (name, message) in messages() {
        let notice = notice(&message);
        let in_slack = slack::message(&notice);
        assert_eq!(slack::check(&in_slack), Vec::<String>::new(), "{name}");
        let by_topic = sns::message(&notice);
        let reads = format!(
            "Subject: {}

{}",
            by_topic.subject, by_topic.body
        );
        book.add(name, &reads, &[("json", &in_slack.to_string())]);
    }
    book.assert_as_committed();
}

#[test]
fn whoever_has_no_working_key_gets_the_envelope_itself_and_nobody_else_does() {
    for (name, message) in messages() {
        let expected = name == "issued after an emergency" || name == "disabling by deadline";
        assert_eq!(notice(&message).envelope.is_some(), expected, "{name}");
    }
}

/// A secret's name can't hold a comma, so the name of the record differs from the user's.
#[test]
fn the_command_names_the_secret_in_which_the_envelope_is() {
    let user = User {
        name: "a,b".parse().unwrap(),
        ..alice()
    };
    let reads = sns::message(&notice_to(
        &user,
        &issued(Reason::Due, BTreeSet::from([old()]), false),
    ));
    assert!(
        reads
            .body
            .contains("--secret-id banto/access-keys/a/comma/b "),
        "{}",
        reads.body
    );
}

#[test]
fn each_message_has_an_id_of_its_own() {
    let ids: BTreeSet<String> = messages()
        .iter()
        .map(|(_, message)| notice(message).id)
        .collect();
    // Messages about one key have one id, whatever they say: three warnings, three reasons to issue
    // the key that replaces it, three to disable it, and two that it was exposed.
    assert_eq!(ids.len(), messages().len() - 7, "{ids:#?}");
}

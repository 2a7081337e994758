//! Every message that people can get: it fits Slack and SNS, and reads as it did in `messages.txt`,
//! where a person last looked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "messages/operators.rs"]
mod operators;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use banto_domain::policy::IdentityAccount;
use banto_domain::record::{Intent, Issued, Reason, Record, Rotation, StoredEnvelope};
use banto_domain::{AccessKeyId, Fingerprint, Region};
use banto_fake::Book;
use banto_notice::{Notice, slack, sns};
use banto_ports::LastUse;
use jiff::Timestamp;
use rotate_access_keys::notices;
use rotate_access_keys::plan::{DisableReason, OtherKey, OwnerNotice};
use rotate_access_keys::snapshot::{SLACK_TAG, User};

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
        tags: BTreeMap::from([(SLACK_TAG.to_owned(), "U024BE7LH".to_owned())]),
        ..User::new(
            "alice".parse().unwrap(),
            "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            "arn:aws:iam::111122223333:user/alice".parse().unwrap(),
            "/",
        )
    }
}

fn last_use() -> Option<LastUse> {
    Some(LastUse {
        at: at(),
        service: "s3".into(),
        region: "eu-west-1".into(),
    })
}

fn record() -> Record {
    let rotation = Rotation {
        intent: Intent {
            reason: Reason::Due,
            request: None,
            intended_at: at(),
            existing_keys: BTreeSet::from([old()]),
            recipient: "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse().unwrap(),
        },
        issued: Issued {
            key: new(),
            created_at: at(),
        },
        delivered_at: None,
        proven_at: None,
        withdrawn_at: None,
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

const PROBLEM: &str = "Extend the certificate with `gpg --quick-set-expire FINGERPRINT 2y`. It expired on 9 October 2026.";

/// Alice's certificate.
fn certificate() -> Fingerprint {
    "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse().unwrap()
}

/// One that was pinned instead.
fn another() -> Fingerprint {
    "0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap()
}

fn warning(
    certificate_problem: Option<&str>,
    certificate_expires_at: Option<Timestamp>,
) -> OwnerNotice {
    OwnerNotice::Warning {
        key: old(),
        rotates_at: at(),
        certificate: certificate_problem.is_none().then(certificate),
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
        deadline_days: Some(30),
    }
}

fn disabling(reason: DisableReason) -> OwnerNotice {
    OwnerNotice::Disabling {
        key: old(),
        reason,
        restorable_until: at(),
        last_use: last_use(),
    }
}

fn exposed(other: OtherKey) -> OwnerNotice {
    let keys = BTreeSet::from([old()]);
    OwnerNotice::Exposed { keys, other }
}

type Named = (&'static str, OwnerNotice);

fn keys() -> BTreeSet<AccessKeyId> {
    BTreeSet::from([old()])
}

/// Every notice to owners.
fn messages() -> Vec<Named> {
    let mut messages = warnings();
    messages.extend(certificates());
    messages.extend(new_keys());
    messages.extend(ends());
    messages.extend(exposures());
    messages
}

/// Warnings.
fn warnings() -> Vec<Named> {
    vec![
        ("warning", warning(None, None)),
        (
            "warning, certificate expires soon",
            warning(None, Some(at())),
        ),
        ("warning, certificate refused", warning(Some(PROBLEM), None)),
    ]
}

/// News of new keys.
fn new_keys() -> Vec<Named> {
    vec![
        ("issued", issued(Reason::Due, keys(), false)),
        (
            "issued after an emergency",
            issued(Reason::Emergency, BTreeSet::new(), true),
        ),
        ("issued, forced", issued(Reason::Forced, keys(), false)),
        (
            "still waits",
            OwnerNotice::NotFetched {
                key: new(),
                old: keys(),
            },
        ),
        (
            "still waits, no other key",
            OwnerNotice::NotFetched {
                key: new(),
                old: BTreeSet::new(),
            },
        ),
    ]
}

/// Needs of certificates, and news of them.
fn certificates() -> Vec<Named> {
    vec![
        ("certificate problem", certificate_problem(Some(old()))),
        ("certificate problem, no key", certificate_problem(None)),
        (
            "a new certificate",
            OwnerNotice::NewCertificate {
                certificate: another(),
                replaces: Some(certificate()),
                counts_from: at(),
            },
        ),
        (
            "a first certificate",
            OwnerNotice::NewCertificate {
                certificate: certificate(),
                replaces: None,
                counts_from: at(),
            },
        ),
        (
            "a certificate approved",
            OwnerNotice::CertificateApproved {
                certificate: another(),
            },
        ),
    ]
}

/// Ends of keys, and reminders of them.
fn ends() -> Vec<Named> {
    vec![
        (
            "will be disabled",
            OwnerNotice::WillBeDisabled {
                key: old(),
                at: at(),
                days: 7,
                last_use: last_use(),
            },
        ),
        (
            "will end unregistered",
            OwnerNotice::WillEndUnregistered {
                key: old(),
                at: at(),
                days: 3,
                reason: PROBLEM.into(),
            },
        ),
        (
            "will be retired",
            OwnerNotice::WillBeRetired {
                key: old(),
                at: at(),
                days: 1,
                last_use: None,
            },
        ),
        ("disabling, unused", disabling(DisableReason::Unused)),
        (
            "withdrawn",
            OwnerNotice::Disabling {
                key: new(),
                reason: DisableReason::Replaced,
                restorable_until: at(),
                last_use: None,
            },
        ),
        (
            "disabling, unregistered",
            disabling(DisableReason::Unregistered),
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
            "will be deleted",
            OwnerNotice::WillBeDeleted {
                key: old(),
                at: at(),
                days: 3,
            },
        ),
        ("deleting", OwnerNotice::Deleting { key: old() }),
    ]
}

/// Exposures, and keys that are back.
fn exposures() -> Vec<Named> {
    vec![
        ("exposed", exposed(OtherKey::None)),
        ("exposed, another key works", exposed(OtherKey::InUse)),
        ("exposed, the new key is left", exposed(OtherKey::Sealed)),
        (
            "exposed, two keys",
            OwnerNotice::Exposed {
                keys: BTreeSet::from([old(), new()]),
                other: OtherKey::None,
            },
        ),
        (
            "a session exposed",
            OwnerNotice::SessionExposed {
                request: "request".into(),
            },
        ),
        ("restored", OwnerNotice::Restored { key: old() }),
    ]
}

fn notice(message: &OwnerNotice) -> Notice {
    notice_to(&alice(), message)
}

fn notice_to(user: &User, message: &OwnerNotice) -> Notice {
    notices::to_owner(message, user, place(), Some(&record()))
}

static ACCOUNT: LazyLock<IdentityAccount> = LazyLock::new(account);
static REGION: LazyLock<Region> = LazyLock::new(|| "eu-west-1".parse().unwrap());

fn place() -> notices::Place<'static> {
    notices::Place {
        identity: &ACCOUNT,
        region: &REGION,
    }
}

fn account() -> IdentityAccount {
    IdentityAccount {
        id: "111122223333".parse().unwrap(),
        role: "arn:aws:iam::111122223333:role/banto".parse().unwrap(),
        assume: false,
        break_glass: None,
        certificate_bucket: "certificates".into(),
        certificate_prefix: "certs/".into(),
    }
}

/// The reminder that an exposed key is deleted.
fn exposed_and_deleted() -> Option<(&'static str, Notice)> {
    let notice = notices::to_owner(
        &OwnerNotice::WillBeDeleted {
            key: old(),
            at: at(),
            days: 3,
        },
        &alice(),
        place(),
        Some(&Record {
            exposed: BTreeSet::from([old()]),
            ..record()
        }),
    );
    Some(("will be deleted, exposed", notice))
}

#[test]
fn every_message_fits_and_reads_as_it_did() {
    let mut book = Book::of(env!("CARGO_MANIFEST_DIR"));
    let to_owners = messages()
        .into_iter()
        .map(|(name, message)| (name, notice(&message)));
    for (name, notice) in to_owners
        .chain(exposed_and_deleted())
        .chain(operators::messages())
    {
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
        let expected = [
            "issued after an emergency",
            "still waits, no other key",
            "disabling by deadline",
            "exposed, the new key is left",
        ]
        .contains(&name);
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
    // the key that replaces it, two that it waits, five to disable it, and three that it was
    // exposed.
    assert_eq!(ids.len(), messages().len() - 11, "{ids:#?}");
}

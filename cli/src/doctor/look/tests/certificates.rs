//! Certificates: how many are told, and what a record says of a new one.

use banto_domain::record::Pin;
use banto_seal::Certificate;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use serde_json::json;

use super::healthy::{arguments, listing, record};
use super::*;
use crate::doctor::look::check::OTHERS;

#[test]
fn many_certificates_of_a_kind_are_counted_and_one_that_is_denied_hides_no_other() {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    let users = [
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
    ];
    let one = |user: &&str| {
        let at = "2026-09-01T00:00:00Z";
        format!("<Key>certs/{user}.asc</Key><LastModified>{at}</LastModified>")
    };
    let listing: String = users.iter().map(one).collect();
    let findings = found(&here, |ask| match ask.call {
        "s3:ListBucket" => Ok(listing.clone()),
        "s3:GetObject" if format!("{:?}", ask.whom).contains("bob") => {
            Err(faults::refused(ask.call, "AccessDenied"))
        }
        "s3:GetObject" => Ok("no certificate".to_owned()),
        _ => Ok(healthy(ask)),
    });
    let of = |level| {
        let own = findings.iter().filter(move |own| own.said.level == level);
        own.map(|own| own.said.words.as_str()).collect::<Vec<_>>()
    };
    let warnings = of(Level::Warning);
    assert_eq!(warnings.len(), 6, "{warnings:#?}");
    assert_eq!(warnings[5], "2 more like these");
    assert_eq!(
        of(Level::Blind),
        ["s3:GetObject was refused (AccessDenied) for bob"]
    );
}

/// A person's certificate, made some weeks ago.
fn holder(name: &str) -> Holder {
    let from = now() - SignedDuration::from_hours(24 * 30);
    let lifetime = Lifetime { from, until: None };
    Holder::generate(name, Kind::Curve25519, lifetime).unwrap()
}

fn pin(of: &Holder) -> Option<Pin> {
    let armored = of.certificate().unwrap();
    let certificate = Certificate::read(armored.as_bytes()).unwrap().to_kept();
    Some(Pin {
        fingerprint: of.fingerprint().clone(),
        certificate,
    })
}

/// What is said of a certificate that was stored yesterday, by what answers for the record.
fn said_of(stored: &str, record: Answer) -> Vec<Finding> {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    let findings = found(&here, |ask| match ask.call {
        "s3:ListBucket" => Ok(listing("2026-11-26T12:00:00Z")),
        "s3:GetObject" => Ok(stored.to_owned()),
        "secretsmanager:GetSecretValue" => record.clone(),
        _ => Ok(healthy(ask)),
    });
    assert_eq!(code(&findings), 0);
    let own = findings
        .into_iter()
        .filter(|one| one.topic == Topic::Certificates);
    own.collect()
}

#[test]
fn a_certificate_that_an_operator_approved_is_in_its_grace_no_more() {
    let (old, new) = (holder("Alice"), holder("Alice"));
    let armored = new.certificate().unwrap();
    let signed_by = |pin, by: &KeyPair| Ok(record(pin, by).to_string());
    let kms = KeyPair::of_kms();
    // An approval makes it the record's pin.
    for (stored, record) in [
        (&armored, signed_by(pin(&new), &kms)),
        (&old.certify(&new).unwrap(), signed_by(pin(&old), &kms)),
    ] {
        let said = said_of(stored, record);
        assert_eq!(said[0].said.level, Level::Fine, "{said:#?}");
    }
    let refused = |code| Err(faults::refused("secretsmanager:GetSecretValue", code));
    for (record, words, is_known, may_be_first) in [
        (
            signed_by(pin(&old), &kms),
            "nobody vouches for it",
            true,
            false,
        ),
        (signed_by(None, &kms), "nobody vouches for it", true, true),
        (
            refused("ResourceNotFoundException"),
            "nobody vouches for it",
            true,
            true,
        ),
        (
            refused("AccessDeniedException"),
            "has approved it already",
            false,
            true,
        ),
        (
            signed_by(pin(&new), &KeyPair::of_somebody()),
            "is not believed",
            false,
            true,
        ),
    ] {
        let said = said_of(&armored, record);
        let [note] = &said[..] else {
            panic!("{said:#?}")
        };
        assert_eq!(note.said.level, Level::Note);
        assert!(note.said.words.contains(words), "{note:#?}");
        let approve = format!("$ banto keys approve alice {}", new.fingerprint());
        assert_eq!(note.said.to_do.last(), Some(&approve));
        // Without an active key the first certificate counts at once.
        let no_key = "alice has no active access key, so that it counts at once";
        assert_eq!(note.said.words.contains(no_key), may_be_first, "{note:#?}");
        let status = format!("{OTHERS}banto keys status alice");
        assert_eq!(note.said.to_do.contains(&status), !is_known, "{note:#?}");
    }
}

#[test]
fn where_the_record_is_denied_an_approval_may_have_come_already() {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    let findings = found(&here, |ask| match ask.call {
        "s3:ListBucket" => Ok(listing("2026-11-26T12:00:00Z")),
        "secretsmanager:GetSecretValue" => Err(faults::refused(ask.call, "AccessDeniedException")),
        _ => Ok(healthy(ask)),
    });
    holds_screen("pin-in-grace-or-not", &here, &findings);
}

#[test]
fn the_record_of_a_name_with_a_comma_is_looked_for_by_its_secrets_name() {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    let at = "2026-11-26T12:00:00Z";
    let listing = format!("<Key>certs/a,b.asc</Key><LastModified>{at}</LastModified>");
    let findings = found(&here, |ask| match ask.call {
        "s3:ListBucket" => Ok(listing.clone()),
        "secretsmanager:GetSecretValue" => {
            assert_eq!(arguments(ask)["SecretId"], "banto/access-keys/a/comma/b");
            Err(faults::refused(ask.call, "ResourceNotFoundException"))
        }
        _ => Ok(healthy(ask)),
    });
    let is_first = |one: &Finding| one.said.words.starts_with("a,b: stored");
    assert!(findings.iter().any(is_first), "{findings:#?}");
}

#[test]
fn an_open_record_of_a_name_with_a_comma_is_closed_for_its_user_in_one_line() {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    let name = "banto/access-keys/a/comma/b";
    let findings = found(&here, |ask| match ask.call {
        "secretsmanager:ListSecrets" => Ok(json!({"SecretList": [{"Name": name}]}).to_string()),
        "secretsmanager:GetResourcePolicy" if arguments(ask)["SecretId"] == name => {
            Ok("{}".to_owned())
        }
        _ => Ok(healthy(ask)),
    });
    let open = |one: &&Finding| one.said.words.ends_with("keeps others out: a,b");
    let open = findings.iter().find(open).unwrap();
    let command = open.said.to_do.last().unwrap();
    for part in [
        "owner=$(aws iam get-user --user-name a,b --query User.Arn --output text) && aws ",
        "--secret-id banto/access-keys/a/comma/b ",
    ] {
        assert!(command.contains(part), "{command}");
    }
}

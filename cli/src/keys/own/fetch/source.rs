//! Envelopes that come from a file or from standard input, as out of a notice: the old key may be
//! dead, so that AWS is asked nothing with it.

use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use banto_domain::policy::Policy;
use banto_domain::record::KeptRecord;
use banto_domain::{AccessKeyId, AccountId, UserName};

use super::super::record::Signature;

/// Most bytes that are read: a record has 64 KiB at most (Secrets Manager user guide, "Quotas"), and
/// a mail around an envelope some more.
const LARGEST: u64 = 1024 * 1024;

const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
const END: &str = "-----END PGP MESSAGE-----";

/// An envelope, and what is known of it before it is opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) armored: String,
    pub(super) key: Option<AccessKeyId>,
    pub(super) user: Option<UserName>,
    pub(super) account: Option<AccountId>,
    /// `None` where the text is no whole record, so that nobody can have signed it.
    pub(super) signature: Option<Signature>,
}

/// Reads a file, or standard input for `-`.
pub(super) fn text(file: &str) -> Result<String> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin()
            .lock()
            .take(LARGEST + 1)
            .read_to_string(&mut text)
    } else {
        let opened = std::fs::File::open(file);
        opened.and_then(|opened| opened.take(LARGEST + 1).read_to_string(&mut text))
    };
    read.with_context(|| format!("can't read the envelope in {file}"))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        bail!("{file} has over a mebibyte: give the notice or the record alone");
    }
    Ok(text)
}

/// Finds the envelope in a record, in a notice, or alone.
pub(super) fn sealed(text: &str, policy: &Policy) -> Result<Sealed> {
    if text.trim_start().starts_with('{') {
        return of_record(text, policy);
    }
    // A mail may have lines of Windows.
    let text = text.replace("\r\n", "\n");
    let begin = text.find(BEGIN).context(
        "there is no envelope (-----BEGIN PGP MESSAGE-----) in it: give the whole notice, or the \
         record as `aws secretsmanager get-secret-value --query SecretString --output text` prints it",
    )?;
    let rest = text.get(begin..).unwrap_or_default();
    let end = rest
        .find(END)
        .context("the envelope has no end (-----END PGP MESSAGE-----): copy the notice whole")?;
    let armored = rest.get(..end).unwrap_or_default();
    Ok(Sealed {
        armored: format!("{armored}{END}\n"),
        key: None,
        user: None,
        account: None,
        signature: None,
    })
}

fn of_record(text: &str, policy: &Policy) -> Result<Sealed> {
    // The AWS CLI ends what it prints with a line end of its own.
    let shorter = text.strip_suffix('\n').unwrap_or(text);
    let signature = match &policy.rotation.signing {
        None => Signature::NotAsked,
        Some(signing) => {
            let verified = [text, shorter].map(|text| signing.verifier.verify(text));
            match verified {
                [Ok(_), _] | [_, Ok(_)] => Signature::Checked,
                [_, Err(error)] => bail!(
                    "the record is not believed: {error}. If it was written before records were \
                     signed, fetch it without --envelope; else tell the security team"
                ),
            }
        }
    };
    let kept = KeptRecord::from_text(text).or_else(|_| KeptRecord::from_text(shorter))?;
    let envelope = kept
        .record
        .envelope
        .context("the record holds no envelope")?;
    Ok(Sealed {
        armored: envelope.armored,
        key: Some(envelope.key),
        user: kept.user,
        account: kept.account,
        signature: Some(signature),
    })
}

#[cfg(test)]
mod tests {
    use banto_domain::record::{Record, StoredEnvelope};
    use banto_fake::{KeyPair, PolicyText};

    use super::*;

    const ARMORED: &str = "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n";

    fn policy() -> Policy {
        PolicyText::least().parse()
    }

    #[test]
    fn an_envelope_is_found_in_a_notice_a_record_or_alone() {
        let notice = format!(
            "Your key was exposed.\r\n\r\n{}\r\nThe end\r\n",
            ARMORED.replace('\n', "\r\n")
        );
        for text in [ARMORED, &notice] {
            let sealed = sealed(text, &policy()).unwrap();
            assert_eq!((sealed.armored.as_str(), sealed.signature), (ARMORED, None));
        }
        let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        record.envelope = Some(StoredEnvelope {
            key: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            armored: ARMORED.to_owned(),
        });
        let text = record.to_text(&"111122223333".parse().unwrap(), &"alice".parse().unwrap());
        for text in [text.clone(), format!("{text}\n")] {
            let sealed = sealed(&text, &policy()).unwrap();
            assert_eq!(sealed.user.unwrap().as_str(), "alice");
            assert_eq!(sealed.key.unwrap().as_str(), "AKIAIOSFODNN7EXAMPLE");
            assert_eq!(sealed.signature, Some(Signature::NotAsked));
        }
    }

    #[test]
    fn what_is_cut_or_empty_is_refused() {
        for (text, why) in [
            ("", "no envelope"),
            ("-----BEGIN PGP MESSAGE-----\nabc", "no end"),
            ("{}", "can't be read"),
        ] {
            let error = format!("{:#}", sealed(text, &policy()).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_record_in_a_file_must_be_signed_where_records_are() {
        let policy = PolicyText::least().with_lines("rotation", &KeyPair::policy_lines());
        let policy = policy.parse();
        let mut record = Record::first("AIDACKCEVSQ6C2EXAMPLE".parse().unwrap());
        record.envelope = Some(StoredEnvelope {
            key: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            armored: ARMORED.to_owned(),
        });
        let text = record.to_text(&"111122223333".parse().unwrap(), &"alice".parse().unwrap());
        let signed = KeyPair::of_kms().signed(&text);
        // As it is, and as the AWS CLI prints it.
        for text in [signed.clone(), format!("{signed}\n")] {
            let sealed = sealed(&text, &policy).unwrap();
            assert_eq!(sealed.signature, Some(Signature::Checked));
        }
        let tampered = signed.replacen("AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", 1);
        for text in [text, tampered] {
            let error = sealed(&text, &policy).unwrap_err().to_string();
            assert!(error.contains("not believed"), "{error}");
        }
    }
}

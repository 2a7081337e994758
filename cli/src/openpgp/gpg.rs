//! GnuPG: its arguments, its listings and the status lines by which it says what happened.

use banto_domain::Fingerprint;
use banto_seal::Certificate;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::error::CardTrouble;
use super::run::{Call, Ended, complaint};
use super::{Candidate, NotUsable, OpenPgpError, Program, Secret};

/// What every call has. Status lines come on standard error, since there is no other pipe. Without
/// `--batch` gpg would ask on the terminal; passphrases are asked by the agent's pinentry, all the
/// same. `--quiet` would keep the reason of a failed decryption to itself (2.2.40 does).
const ALWAYS: [&str; 5] = ["--batch", "--status-fd", "2", "--display-charset", "utf-8"];

pub(super) async fn own(program: &Program) -> Result<Vec<Candidate>, OpenPgpError> {
    let ended = call(program, LIST, &["--with-colons", "--list-secret-keys"])
        .run()
        .await?;
    if !ended.status.success() {
        return Err(no_agent_or_failed(program, LIST, &ended));
    }
    Ok(listed(&ended.text(), program))
}

const LIST: &str = "list the secret keys";

pub(super) async fn export(
    program: &Program,
    fingerprint: &Fingerprint,
) -> Result<Vec<u8>, OpenPgpError> {
    // A person's own configuration may have `export-minimal`, which drops what the old key signed.
    let options = [
        "--export-options",
        "no-export-minimal",
        "--armor",
        "--export",
    ];
    let arguments = [&options[..], &[fingerprint.as_str()]].concat();
    let what = "export the certificate";
    let ended = call(program, what, &arguments).run().await?;
    if !ended.status.success() {
        return Err(program.failed(what, &ended));
    }
    if ended.output.is_empty() {
        return Err(OpenPgpError::NoCertificate {
            program: program.clone(),
            fingerprint: fingerprint.clone(),
        });
    }
    Ok(ended.output.to_vec())
}

pub(super) async fn generate(
    program: &Program,
    user_id: &str,
) -> Result<Fingerprint, OpenPgpError> {
    // Without `--yes` a second key of the same user id is refused.
    let arguments = [
        "--yes",
        "--quick-gen-key",
        user_id,
        "default",
        "default",
        "2y",
    ];
    let what = "make a key";
    let ended = asking(call(program, what, &arguments)).await?;
    created(&ended.errors).ok_or_else(|| program.failed(what, &ended))
}

pub(super) async fn certify(
    program: &Program,
    new: &[u8],
    by: &Fingerprint,
) -> Result<Vec<u8>, OpenPgpError> {
    let new_fingerprint = fingerprint_of(new)?;
    let what = "import the new certificate";
    let import = Call {
        input: new,
        ..call(program, what, &["--import"])
    };
    let ended = import.run().await?;
    if !ended.status.success() {
        return Err(program.failed(what, &ended));
    }
    // With `--default-key` another key would sign where this one's secret part is not here.
    let arguments = [
        "--yes",
        "--local-user",
        by.as_str(),
        "--quick-sign-key",
        new_fingerprint.as_str(),
    ];
    asking(call(program, "sign the new certificate", &arguments)).await?;
    export(program, &new_fingerprint).await
}

pub(super) async fn clearsign(
    program: &Program,
    text: &str,
    by: &Fingerprint,
) -> Result<Vec<u8>, OpenPgpError> {
    let sign = Call {
        input: text.as_bytes(),
        ..call(
            program,
            "sign",
            &["--local-user", by.as_str(), "--clearsign"],
        )
    };
    Ok(asking(sign).await?.output.to_vec())
}

pub(super) async fn decrypt(
    program: &Program,
    envelope: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenPgpError> {
    let what = "decrypt the envelope";
    let decrypt = Call {
        input: envelope,
        ..call(program, what, &["--decrypt"])
    };
    let ended = asking(decrypt).await?;
    // GOODMDC or an authenticated mode: gpg says so only of what nobody changed.
    if status(&ended.errors).any(|words| words.first() == Some(&"DECRYPTION_OKAY")) {
        return Ok(ended.output);
    }
    Err(program.failed(what, &ended))
}

/// Reads what gpg knows of the card in the reader, in lines of fields; `None` without a card.
pub(super) async fn card_status(program: &Program) -> Result<Option<String>, OpenPgpError> {
    let arguments = ["--with-colons", "--card-status"];
    let ended = call(program, "look at the smartcard", &arguments)
        .run()
        .await?;
    Ok(ended.status.success().then(|| ended.text()))
}

fn call<'a>(program: &'a Program, what: &'static str, arguments: &[&str]) -> Call<'a> {
    program.call(what, ALWAYS.iter().chain(arguments))
}

/// Runs a call that may ask for a passphrase, and says why it failed.
async fn asking(call: Call<'_>) -> Result<Ended, OpenPgpError> {
    let (program, what) = (call.program, call.what);
    let asking = Call {
        asks_nobody: false,
        ..call
    };
    let ended = asking.run().await?;
    if ended.status.success() {
        return Ok(ended);
    }
    if let Some(why) = why(program, &ended.errors) {
        // Without an agent gpg knows of no secret key.
        if matches!(why, OpenPgpError::NoKey { .. }) {
            own(program).await?;
        }
        return Err(why);
    }
    Err(program.failed(what, &ended))
}

/// The reason of a failure, as far as gpg's status lines name one.
pub(super) fn why(program: &Program, errors: &str) -> Option<OpenPgpError> {
    let no_key = || OpenPgpError::NoKey {
        program: program.clone(),
    };
    let mut codes = status(errors).filter_map(|words| match *words {
        // The last line of all failures has a code that says nothing.
        ["FAILURE", "gpg-exit", ..] => None,
        ["ERROR" | "FAILURE", _, code, ..] => code.parse().ok(),
        _ => None,
    });
    let named = codes.find_map(|code| by_code(code, &no_key, errors));
    // With `quiet` in a person's configuration, gpg says no more than that it failed.
    let has = |names: &[&str]| {
        status(errors).any(|words| names.iter().any(|name| words.first() == Some(name)))
    };
    // The agent hands the question to gpg in the mode `loopback` only, and gpg can ask nobody. It
    // may refuse that mode, too. (GnuPG's doc/DETAILS, `INQUIRE_MAXLEN`.)
    let mut lines = status(errors);
    let is_loopback = lines.any(|words| {
        matches!(
            *words,
            ["INQUIRE_MAXLEN", ..] | ["ERROR", "set_pinentry_mode", ..]
        )
    });
    let named = named.or_else(|| is_loopback.then_some(OpenPgpError::Loopback));
    named.or_else(|| {
        let lacks = has(&["NO_SECKEY", "INV_SGNR", "DECRYPTION_FAILED"]);
        (lacks && !has(&["DECRYPTION_KEY", "PINENTRY_LAUNCHED"])).then(no_key)
    })
}

/// The reason that a code of libgpg-error names (its gpg-error.h). The upper byte says who failed: 6
/// is the smartcard's daemon.
fn by_code(code: u32, no_key: &dyn Fn() -> OpenPgpError, errors: &str) -> Option<OpenPgpError> {
    let (source, code) = ((code >> 24) & 0x7F, code & 0xFFFF);
    let error = match code {
        11 | 87 => OpenPgpError::BadPassphrase,
        17 => no_key(),
        62 => OpenPgpError::TimedOut,
        77 => OpenPgpError::NoAgent {
            complaint: complaint(errors),
        },
        85 => OpenPgpError::NoPinentry,
        99 | 198 => OpenPgpError::Cancelled,
        109 | 110 | 112 => OpenPgpError::Card(CardTrouble::Absent),
        119 => OpenPgpError::Card(CardTrouble::NoDaemon),
        130 => OpenPgpError::Card(CardTrouble::Blocked),
        // ENOTTY: the pinentry has no terminal.
        32_870 => OpenPgpError::NoTerminal,
        120 | 122 | 123 => OpenPgpError::Card(CardTrouble::Other(code)),
        _ if source == 6 => OpenPgpError::Card(CardTrouble::Other(code)),
        _ => return None,
    };
    Some(error)
}

/// The words of each status line.
fn status(errors: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = errors
        .lines()
        .filter_map(|line| line.strip_prefix("[GNUPG:] "));
    lines.map(|line| line.split_whitespace().collect())
}

/// The fingerprint of a key that was made.
fn created(errors: &str) -> Option<Fingerprint> {
    status(errors).find_map(|words| match *words {
        ["KEY_CREATED", _, fingerprint, ..] => fingerprint.parse().ok(),
        _ => None,
    })
}

fn no_agent_or_failed(program: &Program, what: &'static str, ended: &Ended) -> OpenPgpError {
    // A listing of secret keys fails for want of an agent, and hardly for anything else.
    if ended.output.is_empty() {
        return OpenPgpError::NoAgent {
            complaint: complaint(&ended.errors),
        };
    }
    program.failed(what, ended)
}

/// The fingerprint of a certificate that is about to be signed.
pub(super) fn fingerprint_of(certificate: &[u8]) -> Result<Fingerprint, OpenPgpError> {
    let refused = |refusal: banto_seal::Refusal| {
        OpenPgpError::Refused(NotUsable {
            code: refusal.code(),
            words: refusal.to_string(),
        })
    };
    let read = Certificate::read(certificate).map_err(refused)?;
    let fingerprint = read.fingerprint().parse();
    fingerprint.map_err(|_| refused(banto_seal::Refusal::NotACertificate))
}

/// The certificates of a listing in colons (GnuPG's doc/DETAILS). Those of a version that has
/// another kind of fingerprint are passed over.
pub(super) fn listed(text: &str, program: &Program) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut newest_encryption = None;
    let mut primary = None;
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        match field(0) {
            "sec" => {
                newest_encryption = None;
                primary = Some(Key::of(&field));
            }
            // The first one after `sec` is the primary key's.
            "fpr" => {
                if let Some((key, fingerprint)) = primary.take().zip(field(9).parse().ok()) {
                    newest_encryption = key.encrypts.then_some(key.created_at);
                    candidates.push(key.candidate(fingerprint, program));
                }
            }
            "uid" if field(1) != "r" => {
                if let Some(candidate) = candidates.last_mut() {
                    candidate.user_ids.push(unescaped(field(9)));
                }
            }
            "ssb" => {
                let key = Key::of(&field);
                // The primary key comes last, as it does for the rotator.
                let is_newer = newest_encryption.is_none_or(|newest| key.created_at >= newest);
                if let Some(candidate) = candidates.last_mut().filter(|_| key.encrypts && is_newer)
                {
                    newest_encryption = Some(key.created_at);
                    candidate.encryption = Some(key.secret);
                }
            }
            _ => {}
        }
    }
    candidates
}

/// A line of a key.
struct Key {
    created_at: Timestamp,
    secret: Secret,
    /// True if it may encrypt, and is neither revoked nor expired.
    encrypts: bool,
}

impl Key {
    fn of<'a>(field: &dyn Fn(usize) -> &'a str) -> Self {
        let moment = |text: &str| Timestamp::from_second(text.parse().ok()?).ok();
        Self {
            created_at: moment(field(5)).unwrap_or(Timestamp::UNIX_EPOCH),
            secret: match field(14) {
                "" | "+" => Secret::Here,
                "#" => Secret::Elsewhere,
                serial => Secret::Card {
                    serial: serial.to_owned(),
                },
            },
            encrypts: field(11).contains('e') && !matches!(field(1), "r" | "e" | "i"),
        }
    }

    fn candidate(self, fingerprint: Fingerprint, program: &Program) -> Candidate {
        Candidate {
            fingerprint,
            user_ids: Vec::new(),
            created_at: self.created_at,
            encryption: self.encrypts.then(|| self.secret.clone()),
            primary: self.secret,
            program: program.clone(),
        }
    }
}

/// A user id as it was before gpg wrote colons and control characters as `\x3a`, without the
/// latter.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.bytes());
        let hex = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.extend(hex.as_slice());
        rest = hex.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    bytes.extend(rest.bytes());
    super::shown(&String::from_utf8_lossy(&bytes))
}

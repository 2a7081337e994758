//! Sequoia's `sq`: the arguments of 1.x and of 0.27, and what it says when it fails.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use banto_domain::Fingerprint;
use banto_seal::Certificate;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::gpg::fingerprint_of;
use super::run::{Call, Ended};
use super::store::{Listed, listed};
use super::{Candidate, Kind, OpenPgpError, Program, Secret, judge, shown};

/// Most certificates that are asked of a key store, one call for each: nobody has as many.
const MOST_KEYS: usize = 50;

pub(super) async fn own(program: &Program) -> Result<Vec<Candidate>, OpenPgpError> {
    if program
        .key_file()
        .is_some_and(|file| !file.exists() || is_empty(file))
    {
        // A key is to be made there.
        return Ok(Vec::new());
    }
    if program.key_file().is_some() || program.kind() == Kind::SqOfFiles {
        let bytes = certificate_of_file(program).await?;
        let fingerprint = fingerprint_of(&bytes)?;
        let can_only_sign = judge(&bytes, &[], &fingerprint, Timestamp::now())
            .is_err_and(|refused| refused.code == "no-encryption-subkey");
        let listed = Listed {
            fingerprint,
            primary: Some(Secret::Here),
            encryption: (!can_only_sign).then_some(Secret::Here),
        };
        return Ok(candidate(program, listed, &bytes).into_iter().collect());
    }
    let mut candidates = Vec::new();
    for key in in_store(program).await?.into_iter().take(MOST_KEYS) {
        // A key whose certificate was removed from the store is no candidate.
        if let Ok(bytes) = export(program, &key.fingerprint).await {
            candidates.extend(candidate(program, key, &bytes));
        }
    }
    Ok(candidates)
}

fn candidate(program: &Program, key: Listed, bytes: &[u8]) -> Option<Candidate> {
    let certificate = Certificate::read(bytes).ok()?;
    Some(Candidate {
        fingerprint: key.fingerprint,
        user_ids: certificate.user_ids().iter().map(|id| shown(id)).collect(),
        created_at: certificate.created_at(),
        primary: key.primary.unwrap_or(Secret::Elsewhere),
        encryption: key.encryption,
        program: program.clone(),
    })
}

/// The keys of the key store.
async fn in_store(program: &Program) -> Result<Vec<Listed>, OpenPgpError> {
    let ended = program
        .call("list the secret keys", ["--batch", "key", "list"])
        .succeeded()
        .await?;
    Ok(listed(&ended.text()))
}

pub(super) async fn export(
    program: &Program,
    fingerprint: &Fingerprint,
) -> Result<Vec<u8>, OpenPgpError> {
    let unknown = || OpenPgpError::NoCertificate {
        program: program.clone(),
        fingerprint: fingerprint.clone(),
    };
    if program.key_file().is_some() || program.kind() == Kind::SqOfFiles {
        let bytes = certificate_of_file(program).await?;
        let is_it = fingerprint_of(&bytes)? == *fingerprint;
        return is_it.then_some(bytes).ok_or_else(unknown);
    }
    let arguments = ["--batch", "cert", "export", "--cert", fingerprint.as_str()];
    let ended = program
        .call("export the certificate", arguments)
        .run()
        .await?;
    if !ended.status.success() || ended.output.is_empty() {
        return Err(unknown());
    }
    Ok(ended.output.to_vec())
}

/// The certificate of the key in the file that the person named. Only `sq` reads the file.
async fn certificate_of_file(program: &Program) -> Result<Vec<u8>, OpenPgpError> {
    let file = needed_file(program)?.as_os_str();
    let arguments = match program.kind() {
        Kind::SqOfFiles => words(["key", "extract-cert"])
            .chain([file.into()])
            .collect(),
        // It deletes nothing from the file: what is left without secret keys goes to the output.
        _ => words(["--batch", "key", "delete", "--cert-file"])
            .chain([file.into()])
            .chain(words(["--output", "-"]))
            .collect::<Vec<OsString>>(),
    };
    let what = "read the certificate from the key file";
    Ok(program
        .call(what, arguments)
        .succeeded()
        .await?
        .output
        .to_vec())
}

pub(super) async fn generate(
    program: &Program,
    user_id: &str,
) -> Result<Fingerprint, OpenPgpError> {
    match program.key_file() {
        None if program.kind() == Kind::SqOfFiles => Err(needs_file(program)),
        None => generate_in_store(program, user_id).await,
        Some(file) => generate_in_file(program, user_id, file).await,
    }
}

const MAKE: &str = "make a key";

async fn generate_in_store(program: &Program, user_id: &str) -> Result<Fingerprint, OpenPgpError> {
    let before = in_store(program).await?;
    let arguments = [
        "key",
        "generate",
        "--own-key",
        "--userid",
        user_id,
        "--expiration",
        "2y",
    ];
    let ended = asking(program.call(MAKE, arguments)).await?;
    let made = in_store(program)
        .await?
        .into_iter()
        .find(|key| !before.contains(key));
    made.map(|key| key.fingerprint)
        .ok_or_else(|| program.failed(MAKE, &ended))
}

async fn generate_in_file(
    program: &Program,
    user_id: &str,
    file: &Path,
) -> Result<Fingerprint, OpenPgpError> {
    let mut revocation = file.as_os_str().to_owned();
    revocation.push(".rev");
    let revocation = PathBuf::from(revocation);
    // Ctrl-C would end this process at once, and what is made below would stay.
    let mut interrupts =
        signal(SignalKind::interrupt()).map_err(|source| OpenPgpError::NotRun {
            path: program.path().to_owned(),
            source,
        })?;
    let made = write_key(program, user_id, file, &revocation).await;
    // From here on it ends this process again.
    tokio::spawn(async move {
        if interrupts.recv().await.is_some() {
            std::process::exit(INTERRUPTED);
        }
    });
    made?;
    fingerprint_of(&certificate_of_file(program).await?)
}

/// The exit code after Ctrl-C, as a shell has it: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Has a key written to a file, and its revocation to another; to neither if it could not be made.
async fn write_key(
    program: &Program,
    user_id: &str,
    file: &Path,
    revocation: &Path,
) -> Result<(), OpenPgpError> {
    // `sq` 0.27 makes files that everybody can read. It leaves the mode of one that is there.
    let files = [private_file(file)?, private_file(revocation)?];
    let ends: &[&str] = match program.kind() {
        Kind::SqOfFiles => &[
            "--force",
            "key",
            "generate",
            "--with-password",
            "--expires-in",
            "2y",
        ],
        _ => &[
            "--overwrite",
            "key",
            "generate",
            "--own-key",
            "--expiration",
            "2y",
        ],
    };
    let to = if program.kind() == Kind::SqOfFiles {
        "--export"
    } else {
        "--output"
    };
    let arguments = words(ends.iter().copied())
        .chain(words(["--userid", user_id, to]))
        .chain([file.into()])
        .chain(words(["--rev-cert"]))
        .chain([revocation.into()]);
    asking(program.call(MAKE, arguments)).await?;
    for file in files {
        file.keep();
    }
    Ok(())
}

/// True of a file with nothing in it: a process left it that was killed while a key was made there.
fn is_empty(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0)
}

/// An empty file that only its owner can read, and that goes unless it is kept.
fn private_file(path: &Path) -> Result<Made, OpenPgpError> {
    if is_empty(path) {
        drop(std::fs::remove_file(path));
    }
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(Made(Some(path.to_owned()))),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(OpenPgpError::FileExists(path.to_owned()))
        }
        Err(source) => Err(OpenPgpError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A file that was made for the program, and is removed if nothing came of it.
struct Made(Option<PathBuf>);

impl Made {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            drop(std::fs::remove_file(path));
        }
    }
}

pub(super) async fn certify(
    program: &Program,
    new: &[u8],
    by: &Fingerprint,
) -> Result<Vec<u8>, OpenPgpError> {
    fingerprint_of(new)?;
    let user_ids = Certificate::read(new)
        .map(|read| read.user_ids())
        .unwrap_or_default();
    let user_id = user_ids.first().map(String::as_str).unwrap_or_default();
    let at = |source| OpenPgpError::File {
        path: std::env::temp_dir(),
        source,
    };
    // A certificate is public: it may be in a file for a moment.
    let mut file = tempfile::NamedTempFile::new().map_err(at)?;
    file.write_all(new).map_err(at)?;
    let new = file.path().as_os_str();
    let arguments: Vec<OsString> = match program.kind() {
        Kind::SqOfFiles => words(["certify"])
            .chain([needed_file(program)?.into(), new.into(), user_id.into()])
            .collect(),
        _ => words(["pki", "vouch", "add"])
            .chain(own_key(program, "--certifier", by))
            .chain(words(["--cert-file"]))
            .chain([new.into()])
            .chain(words(["--userid", user_id, "--output", "-"]))
            .collect(),
    };
    let ended = asking(program.call("sign the new certificate", arguments)).await?;
    Ok(ended.output.to_vec())
}

pub(super) async fn clearsign(
    program: &Program,
    text: &str,
    by: &Fingerprint,
) -> Result<Vec<u8>, OpenPgpError> {
    let arguments: Vec<OsString> = match program.kind() {
        Kind::SqOfFiles => words(["sign", "--cleartext-signature", "--signer-key"])
            .chain([needed_file(program)?.into()])
            .collect(),
        _ => words(["sign", "--cleartext"])
            .chain(own_key(program, "--signer", by))
            .collect(),
    };
    let sign = Call {
        input: text.as_bytes(),
        ..program.call("sign", arguments)
    };
    Ok(asking(sign).await?.output.to_vec())
}

pub(super) async fn decrypt(
    program: &Program,
    envelope: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenPgpError> {
    let option = match program.kind() {
        Kind::SqOfFiles => "--recipient-key",
        _ => "--recipient-file",
    };
    let file = match program.kind() {
        Kind::SqOfFiles => Some(needed_file(program)?),
        _ => program.key_file(),
    };
    let key = file.map(|file| [option.into(), file.into()]);
    let decrypt = Call {
        input: envelope,
        ..program.call(
            "decrypt the envelope",
            words(["decrypt"]).chain(key.into_iter().flatten()),
        )
    };
    Ok(asking(decrypt).await?.output)
}

/// The option that names the person's key: in the key store, or in a file.
fn own_key(program: &Program, option: &str, fingerprint: &Fingerprint) -> [OsString; 2] {
    match program.key_file() {
        Some(file) => [format!("{option}-file").into(), file.into()],
        None => [option.into(), fingerprint.as_str().into()],
    }
}

fn needed_file(program: &Program) -> Result<&Path, OpenPgpError> {
    program.key_file().ok_or_else(|| needs_file(program))
}

fn needs_file(program: &Program) -> OpenPgpError {
    OpenPgpError::NeedsKeyFile {
        program: program.clone(),
    }
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = OsString> {
    words.into_iter().map(Into::into)
}

/// Runs a call that may ask for a passphrase.
async fn asking(call: Call<'_>) -> Result<Ended, OpenPgpError> {
    let asking = Call {
        asks_nobody: false,
        ..call
    };
    asking.succeeded().await
}

impl Call<'_> {
    /// Runs it, and says why it failed.
    async fn succeeded(self) -> Result<Ended, OpenPgpError> {
        let (program, what) = (self.program, self.what);
        let ended = self.run().await?;
        if ended.status.success() {
            return Ok(ended);
        }
        Err(why(program, &ended.errors).unwrap_or_else(|| program.failed(what, &ended)))
    }
}

/// The reason of a failure, as far as `sq` names one. It has no codes: these are its sentences, each
/// in English whatever the locale.
pub(super) fn why(program: &Program, errors: &str) -> Option<OpenPgpError> {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| errors.contains(phrase));
    // Ctrl-D at the question; Ctrl-C ends the program.
    if says(&["unexpected end of file"]) {
        return Some(OpenPgpError::Cancelled);
    }
    // ENXIO of /dev/tty, where it asks.
    if says(&["(os error 6)"]) {
        return Some(OpenPgpError::NoTerminal);
    }
    // It asks again and again, until somebody passes over the key.
    if says(&["Incorrect password", "Could not unlock key"]) {
        return Some(OpenPgpError::BadPassphrase);
    }
    says(&["No key to decrypt message", "No secret key material"]).then(|| OpenPgpError::NoKey {
        program: program.clone(),
    })
}

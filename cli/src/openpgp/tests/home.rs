//! A person's home: GnuPG's folder with a pinentry that types what a file says, and Sequoia's.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use banto_domain::Fingerprint;
use banto_seal::{Credential, Recipient};
use jiff::{SignedDuration, Timestamp};

use crate::openpgp::{OpenPgpError, Program};

pub(super) type Tried<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The secret of the key in every envelope here: no error may have it.
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A program that asks for passphrases: it types the content of the file `answer`, or fails with
/// the error that stands there, as libgpg-error numbers them.
const PINENTRY: &str = r#"#!/bin/sh
echo "OK at your service"
while read -r line; do
    case "$line" in
    GETPIN*)
        answer=$(cat HOME/answer)
        case "$answer" in
        ERR*) echo "$answer" ;;
        *) echo "D $answer"; echo OK ;;
        esac ;;
    BYE*) echo OK; exit ;;
    *) echo OK ;;
    esac
done
"#;

/// A home below the temporary directory, since the path of a socket is short. Agents that were
/// started in it end with it.
pub(super) struct Home(tempfile::TempDir);

impl Home {
    pub(super) fn new() -> Tried<Self> {
        let folder = tempfile::Builder::new().prefix("o").tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))?;
        let home = Self(folder);
        let script = PINENTRY.replace("HOME", &home.path("").display().to_string());
        let pinentry = home.script("pinentry", &script)?;
        home.agent(&format!("pinentry-program {}\n", pinentry.display()))?;
        home.answer("a passphrase")?;
        Ok(home)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The answer to the next question for a passphrase.
    pub(super) fn answer(&self, answer: &str) -> Tried {
        Ok(fs::write(self.path("answer"), answer)?)
    }

    /// The agent's configuration.
    pub(super) fn agent(&self, lines: &str) -> Tried {
        Ok(fs::write(self.path("gpg-agent.conf"), lines)?)
    }

    /// A program of the test's own. It is moved into place, so that nobody has it open for writing.
    pub(super) fn script(&self, name: &str, text: &str) -> Tried<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let home = self.0.path();
        vec![
            ("GNUPGHOME".into(), home.into()),
            ("SEQUOIA_HOME".into(), home.join("sequoia").into()),
            ("RUST_BACKTRACE".into(), "0".into()),
        ]
    }

    pub(super) async fn program(&self, path: impl AsRef<Path>) -> Tried<Program> {
        Ok(Program::at(path.as_ref(), self.environment()).await?)
    }

    /// gpg with this home; `None` where it is absent and need not be there.
    pub(super) async fn gpg(&self) -> Tried<Option<Program>> {
        match in_path("gpg") {
            Some(path) => Ok(Some(self.program(path).await?)),
            None => Ok(None),
        }
    }

    /// gpg as the tests call it: without questions, and without passphrases.
    pub(super) fn quietly(&self, arguments: &[&str]) -> Tried<Vec<u8>> {
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--quiet", "--pinentry-mode", "loopback"])
            .args(["--passphrase", "", "--yes"])
            .args(arguments)
            .envs(self.environment());
        let output = gpg.output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        Ok(output.stdout)
    }

    /// Makes a certificate without a passphrase and with these kinds of keys.
    pub(super) async fn make(
        &self,
        gpg: &Program,
        mail: &str,
        primary: &str,
        subkey: Option<&str>,
    ) -> Tried<Fingerprint> {
        self.quietly(&["--quick-gen-key", mail, primary, "cert,sign", "2y"])?;
        let own = gpg.own().await?;
        let made = own.into_iter().find(|made| made.user_ids == [mail]);
        let fingerprint = made.ok_or("it is not listed")?.fingerprint;
        if let Some(subkey) = subkey {
            self.quietly(&[
                "--quick-add-key",
                fingerprint.as_str(),
                subkey,
                "encr",
                "2y",
            ])?;
        }
        Ok(fingerprint)
    }

    pub(super) fn kill_agents(&self) {
        let mut gpgconf = Command::new("gpgconf");
        gpgconf.args(["--kill", "all"]).envs(self.environment());
        drop(gpgconf.status());
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.kill_agents();
    }
}

/// Has a program make a key for Alice.
pub(super) async fn make(program: &Program, mail: &str) -> Result<Fingerprint, OpenPgpError> {
    program.generate(&"Alice".parse()?, &mail.parse()?).await
}

/// The program's path; `None` where it is absent and need not be there.
pub(super) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = files.find(|file| file.is_file());
    assert!(
        found.is_some() || std::env::var_os("BANTO_INTEROP").is_none(),
        "{name} is not installed"
    );
    found
}

/// A little after now, so that what was made this second is alive.
pub(super) fn soon() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(5)
}

/// The record for the owner of a certificate: a line of JSON, and the envelope.
pub(super) fn stored(certificate: &[u8], pin: &Fingerprint) -> Tried<Vec<u8>> {
    let recipient = Recipient::parse(certificate, pin, soon())?;
    let envelope = recipient.seal(&Credential {
        account: &"111122223333".parse()?,
        user: &"alice".parse()?,
        key: &"AKIAIOSFODNN7EXAMPLE".parse()?,
        secret: &SECRET.into(),
        created_at: Timestamp::now(),
    })?;
    Ok(format!("{{\"version\":1}}\n\n{}", envelope.as_str()).into_bytes())
}

/// True if it is the content of such an envelope.
pub(super) fn is_credential(plaintext: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(plaintext)
        .is_ok_and(|value| value["SecretAccessKey"] == SECRET)
}

//! The programs that are in PATH, and what each can be asked.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use banto_domain::Fingerprint;
use banto_seal::Certificate;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::run::{Call, Ended};
use super::{Candidate, OpenPgpError, gpg, sq};

/// A program of the person's that has OpenPGP keys, or uses those in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(Arc<Details>);

/// Shared, since every error names its program.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    kind: Kind,
    path: PathBuf,
    version: Version,
    key_file: Option<PathBuf>,
    /// Variables that its calls get beside those of this process.
    environment: Vec<(OsString, OsString)>,
}

/// A family of command lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GnuPG, 2.2 and later: keys are with its agent or on a smartcard.
    Gpg,
    /// Sequoia's `sq`, 1.0 and later: keys are in its key store, or in a file that is named.
    Sq,
    /// Sequoia's `sq` 0.27, as Debian 12 has it: keys are in a file that is named.
    SqOfFiles,
}

/// A version, as far as command lines depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32, pub(super) u32);

impl Program {
    /// The usable programs in PATH: gpg, then sq. They take their homes from `GNUPGHOME` and
    /// `SEQUOIA_HOME`, as they always do.
    ///
    /// # Errors
    /// [`OpenPgpError::NoProgram`] if none is usable.
    pub async fn found() -> Result<Vec<Self>, OpenPgpError> {
        Self::found_in(&std::env::var_os("PATH").unwrap_or_default(), &[]).await
    }

    /// The usable programs in these folders.
    pub(super) async fn found_in(
        path: &OsStr,
        environment: &[(OsString, OsString)],
    ) -> Result<Vec<Self>, OpenPgpError> {
        let mut programs = Vec::new();
        let mut passed_over = Vec::new();
        for name in ["gpg", "sq"] {
            let Some(path) = in_path(path, name) else {
                continue;
            };
            match Self::at(&path, environment.to_vec()).await {
                Ok(program) => programs.push(program),
                Err(why) => passed_over.push(why),
            }
        }
        if programs.is_empty() {
            return Err(OpenPgpError::NoProgram { passed_over });
        }
        Ok(programs)
    }

    /// The program at a path, asked for its version; else why it can't be used.
    pub(super) async fn at(
        path: &Path,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Self, String> {
        let mut program = Self(Arc::new(Details {
            kind: Kind::Gpg,
            path: path.to_owned(),
            version: Version(0, 0, 0),
            key_file: None,
            environment,
        }));
        // `sq` 1.x has a subcommand for it, and 0.x an option.
        for argument in ["--version", "version"] {
            let Ok(ended) = program.call("tell its version", [argument]).run().await else {
                continue;
            };
            let said = format!("{}{}", ended.text(), ended.errors);
            if let Some((name, version)) = Version::said(&said) {
                let details = Arc::make_mut(&mut program.0);
                details.kind = Kind::of(&name, version)?;
                details.version = version;
                return Ok(program);
            }
        }
        Err(format!("{} does not tell its version", path.display()))
    }

    /// A gpg that is not there.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self(Arc::new(Details {
            kind: Kind::Gpg,
            path: PathBuf::from("/nonexistent/gpg"),
            version: Version(2, 2, 40),
            key_file: None,
            environment: Vec::new(),
        }))
    }

    /// The family of the program's command lines.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The file of the program.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The same `sq` with the secret key in a file that the person names. gpg is left as it is: it
    /// uses no keys of files.
    #[must_use]
    pub fn with_key_file(mut self, file: PathBuf) -> Self {
        if self.0.kind != Kind::Gpg {
            Arc::make_mut(&mut self.0).key_file = Some(file);
        }
        self
    }

    /// The certificates whose secret keys it has, in its own order.
    ///
    /// # Errors
    /// An [`OpenPgpError`]; [`OpenPgpError::NeedsKeyFile`] if it keeps no keys and no file is named.
    pub async fn own(&self) -> Result<Vec<Candidate>, OpenPgpError> {
        match self.0.kind {
            Kind::Gpg => gpg::own(self).await,
            Kind::Sq | Kind::SqOfFiles => sq::own(self).await,
        }
    }

    /// A whole certificate, armored: with what others signed, and without secret keys.
    ///
    /// # Errors
    /// An [`OpenPgpError`]; [`OpenPgpError::NoCertificate`] if the program does not know it.
    pub async fn export(&self, fingerprint: &Fingerprint) -> Result<Vec<u8>, OpenPgpError> {
        match self.0.kind {
            Kind::Gpg => gpg::export(self, fingerprint).await,
            Kind::Sq | Kind::SqOfFiles => sq::export(self, fingerprint).await,
        }
    }

    /// Has the program make a key with an encryption subkey, which ends in two years, and answers
    /// its fingerprint. The program asks the person for a passphrase. An `sq` with a key file writes
    /// the key there, and the revocation beside it, in `.rev`.
    ///
    /// # Errors
    /// An [`OpenPgpError`]; [`OpenPgpError::Cancelled`] if the person cancels.
    pub async fn generate(&self, name: &Name, mail: &Address) -> Result<Fingerprint, OpenPgpError> {
        let user_id = format!("{name} <{mail}>");
        match self.0.kind {
            Kind::Gpg => gpg::generate(self, &user_id).await,
            Kind::Sq | Kind::SqOfFiles => sq::generate(self, &user_id).await,
        }
    }

    /// The new certificate, armored, with a user id that the old key signed. It is made sure that
    /// the rotator will take the new one at once for it. gpg keeps the new certificate in its
    /// keyring, signed.
    ///
    /// # Errors
    /// An [`OpenPgpError`]; [`OpenPgpError::NoKey`] if the secret part of the old primary key is not
    /// here.
    pub async fn certify(
        &self,
        new: &[u8],
        by: &Fingerprint,
        now: Timestamp,
    ) -> Result<Vec<u8>, OpenPgpError> {
        let certified = match self.0.kind {
            Kind::Gpg => gpg::certify(self, new, by).await?,
            Kind::Sq | Kind::SqOfFiles => sq::certify(self, new, by).await?,
        };
        let old = self.export(by).await?;
        let counts = match (Certificate::read(&certified), Certificate::read(&old)) {
            (Ok(certified), Ok(old)) => certified.is_certified_by(&old, now),
            _ => false,
        };
        if counts {
            Ok(certified)
        } else {
            Err(OpenPgpError::CertificationDoesNotCount { by: by.clone() })
        }
    }

    /// The text and a signature by a signing key of the certificate, which is in the text: what an
    /// acknowledgement is.
    ///
    /// # Errors
    /// An [`OpenPgpError`].
    pub async fn clearsign(&self, text: &str, by: &Fingerprint) -> Result<Vec<u8>, OpenPgpError> {
        match self.0.kind {
            Kind::Gpg => gpg::clearsign(self, text, by).await,
            Kind::Sq | Kind::SqOfFiles => sq::clearsign(self, text, by).await,
        }
    }

    /// What an envelope holds, with or without the lines before its armor. It is wiped from memory
    /// when it is dropped. Integrity is checked: what was changed is not decrypted.
    ///
    /// # Errors
    /// An [`OpenPgpError`]; [`OpenPgpError::NoKey`] if the envelope is for nobody here.
    pub async fn decrypt(&self, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenPgpError> {
        match self.0.kind {
            Kind::Gpg => gpg::decrypt(self, envelope).await,
            Kind::Sq | Kind::SqOfFiles => sq::decrypt(self, envelope).await,
        }
    }

    pub(super) fn environment(&self) -> &[(OsString, OsString)] {
        &self.0.environment
    }

    pub(super) fn key_file(&self) -> Option<&Path> {
        self.0.key_file.as_deref()
    }

    /// The command by which a person lists secret keys.
    pub(super) fn listing(&self) -> String {
        match (&self.0.key_file, self.0.kind) {
            (Some(file), _) => format!("`sq inspect {}`", file.display()),
            (None, Kind::Gpg) => "`gpg --list-secret-keys`".to_owned(),
            (None, Kind::Sq | Kind::SqOfFiles) => "`sq key list`".to_owned(),
        }
    }

    /// The other cause of what `sq` 1.x says, word for word, of a key in a file whose password
    /// nobody typed.
    pub(super) fn or_no_password(&self) -> &'static str {
        match (self.0.kind, &self.0.key_file) {
            (Kind::Sq, Some(_)) => ", or the password of the one in the file was not typed",
            _ => "",
        }
    }

    /// A call that asks nobody and reads nothing.
    pub(super) fn call<A: AsRef<OsStr>>(
        &self,
        what: &'static str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Call<'_> {
        Call {
            program: self,
            what,
            arguments: arguments
                .into_iter()
                .map(|one| one.as_ref().to_owned())
                .collect(),
            input: b"",
            asks_nobody: true,
        }
    }

    /// The error of a call that failed for none of the reasons that have a name.
    pub(super) fn failed(&self, what: &'static str, ended: &Ended) -> OpenPgpError {
        OpenPgpError::Failed {
            program: self.clone(),
            what,
            status: ended.status.to_string(),
            complaint: super::run::complaint(&ended.errors),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0.kind {
            Kind::Gpg => "gpg",
            Kind::Sq | Kind::SqOfFiles => "sq",
        };
        let Version(major, minor, patch) = self.0.version;
        write!(f, "{name} {major}.{minor}.{patch}")
    }
}

impl Kind {
    /// The family of a version, else why it can't be used.
    pub(super) fn of(name: &str, version: Version) -> Result<Self, String> {
        let Version(major, minor, patch) = version;
        match (name, version) {
            ("gpg", Version(2, 2.., _) | Version(3.., _, _)) => Ok(Self::Gpg),
            ("gpg", _) => Err(format!(
                "gpg {major}.{minor}.{patch} (2.2 or later is needed)"
            )),
            (_, Version(1.., _, _)) => Ok(Self::Sq),
            (_, Version(0, 27, _)) => Ok(Self::SqOfFiles),
            // Between them each release renamed options and subcommands.
            _ => Err(format!(
                "sq {major}.{minor}.{patch} (0.27, or 1.0 and later, is needed)"
            )),
        }
    }
}

impl Version {
    /// The program and the version that it says on its first line that has one: `gpg (GnuPG)
    /// 2.2.40`, `sq 1.3.1 (…)`.
    pub(super) fn said(text: &str) -> Option<(String, Self)> {
        text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().filter(|name| matches!(*name, "gpg" | "sq"))?;
            let version = words.find_map(Self::read)?;
            Some((name.to_owned(), version))
        })
    }

    fn read(word: &str) -> Option<Self> {
        let mut numbers = word.split(['.', '-']).map(str::parse);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
        Some(Self(major, minor, patch))
    }
}

/// The first file of this name in PATH.
pub(crate) fn in_path(path: &OsStr, name: &str) -> Option<PathBuf> {
    let files = std::env::split_paths(path).map(|folder| folder.join(name));
    files.into_iter().find(|file| file.is_file())
}

/// A person's name, as every program takes it in a user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// A person's mail address, as every program takes it in a user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl FromStr for Name {
    type Err = OpenPgpError;

    fn from_str(text: &str) -> Result<Self, OpenPgpError> {
        let name = text.trim();
        if name.is_empty() || !is_plain(name) || name.starts_with('-') {
            return Err(OpenPgpError::UserId(
                "Give your name as it is written, without brackets, as in `Alice Example`.",
            ));
        }
        Ok(Self(name.to_owned()))
    }
}

impl FromStr for Address {
    type Err = OpenPgpError;

    fn from_str(text: &str) -> Result<Self, OpenPgpError> {
        let mail = text.trim();
        let is_address = mail
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if !is_address || !is_plain(mail) || mail.contains(char::is_whitespace) {
            return Err(OpenPgpError::UserId(
                "Give your mail address, as in `alice@example.com`.",
            ));
        }
        Ok(Self(mail.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// True if nothing in a text would end its part of a user id.
fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || "<>()".contains(c))
}

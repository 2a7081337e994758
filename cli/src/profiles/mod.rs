//! The AWS profile files, `~/.aws/config` and `~/.aws/credentials`: read as botocore reads them,
//! and edited without touching what isn't meant.

mod document;
mod keys;
mod names;
mod reading;
mod replace;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use secrecy::ExposeSecret as _;

pub use document::Document;
pub use keys::Keys;
pub use names::Kind;
pub use reading::Refused;
pub use replace::{Replaced, check_writable, replace, replace_again};

/// Where the two files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `AWS_CONFIG_FILE`, or `~/.aws/config`.
    pub config: PathBuf,
    /// `AWS_SHARED_CREDENTIALS_FILE`, or `~/.aws/credentials`.
    pub credentials: PathBuf,
}

impl Paths {
    /// The files of this process's user.
    ///
    /// # Errors
    /// If nothing says where the user's home is.
    pub fn here() -> Result<Self> {
        Self::of(|name| env::var_os(name), env::home_dir().as_deref())
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>, home: Option<&Path>) -> Result<Self> {
        let path = |name: &str, usual: &str| {
            let named = variable(name).filter(|path| !path.is_empty());
            let path = named.map_or_else(|| PathBuf::from(usual), PathBuf::from);
            // A shell does this itself, but not what reads variables from a file.
            let Ok(below_home) = path.strip_prefix("~") else {
                return Ok(path);
            };
            let home = home.context("nothing says where your home is: set HOME")?;
            Ok::<_, anyhow::Error>(home.join(below_home))
        };
        Ok(Self {
            config: path("AWS_CONFIG_FILE", "~/.aws/config")?,
            credentials: path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")?,
        })
    }

    /// Reads both files. One that isn't there is empty.
    ///
    /// # Errors
    /// If one can't be read, with its line.
    pub fn read(&self) -> Result<Profiles> {
        Ok(Profiles {
            paths: self.clone(),
            config: read(&self.config)?,
            credentials: read(&self.credentials)?,
        })
    }
}

/// Reads one file. One that isn't there is empty.
///
/// # Errors
/// If it can't be read, with its line.
pub fn read(path: &Path) -> Result<Document> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.with_context(|| format!("can't read {}", path.display()))?,
    };
    let text = zeroize::Zeroizing::new(text);
    Document::parse(&text)
        .map_err(|refused| anyhow!("{}:{}: {}", path.display(), refused.line, refused.why))
}

/// Both files, as they were read.
#[derive(Debug)]
pub struct Profiles {
    /// Where they are.
    pub paths: Paths,
    config: Document,
    credentials: Document,
}

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// The name that botocore began with, and comes first, and the one of all AWS tools.
const TOKENS: [&str; 2] = ["aws_security_token", "aws_session_token"];

/// Keys by which botocore asks somebody else for credentials before it looks for an access key in
/// the credentials file (botocore, `create_credential_resolver`).
const BEFORE_CREDENTIALS: [&str; 4] = [
    "role_arn",
    "web_identity_token_file",
    "sso_account_id",
    "sso_role_name",
];

/// Those before it looks for one in the config file.
const BEFORE_CONFIG: [&str; 2] = ["login_session", "credential_process"];

impl Profiles {
    /// The config file.
    #[must_use]
    pub fn config(&self) -> &Document {
        &self.config
    }

    /// The credentials file.
    #[must_use]
    pub fn credentials(&self) -> &Document {
        &self.credentials
    }

    /// The names of all profiles.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let config = self.config.names();
        let config = config.filter_map(|section| Kind::Config.profile(section));
        config
            .chain(self.credentials.names().map(str::to_owned))
            .collect()
    }

    /// Returns what a profile says for a key. The credentials file comes first.
    #[must_use]
    pub fn get(&self, profile: &str, key: &str) -> Option<&str> {
        self.in_credentials(profile, key)
            .or_else(|| self.in_config(profile, key))
    }

    /// The region of a profile.
    #[must_use]
    pub fn region(&self, profile: &str) -> Option<&str> {
        self.get(profile, "region")
    }

    /// Returns the access key that a profile holds itself, if botocore would take it and ask nobody
    /// else.
    ///
    /// # Errors
    /// If a key's id has no secret.
    pub fn static_credentials(&self, profile: &str) -> Result<Option<Keys>> {
        if self.hides_keys(profile).is_some() {
            return Ok(None);
        }
        let asks = self.hidden_by_keys(profile).is_some();
        let (path, document, section) = if self.in_credentials(profile, ID).is_some() {
            (&self.paths.credentials, &self.credentials, Some(profile))
        } else if asks {
            return Ok(None);
        } else {
            let section = Kind::Config.section(&self.config, profile);
            (&self.paths.config, &self.config, section)
        };
        let in_file = |key| document.get(section?, key);
        let Some(id) = in_file(ID) else {
            return Ok(None);
        };
        let secret = in_file(SECRET).with_context(|| {
            let path = path.display();
            format!("the profile {profile} in {path} has {ID} and no {SECRET}")
        })?;
        let token = TOKENS.into_iter().find_map(in_file);
        Ok(Some(Keys {
            id: id.to_owned(),
            secret: secret.into(),
            token: token.map(Into::into),
        }))
    }

    /// Returns the key of a profile because of which an access key in the credentials file would
    /// not be used, as `role_arn`.
    #[must_use]
    pub fn hides_keys(&self, profile: &str) -> Option<&'static str> {
        let found = |key: &&'static str| self.get(profile, key).is_some();
        BEFORE_CREDENTIALS.into_iter().find(found)
    }

    /// Returns the key of a profile that has its credentials from elsewhere, as `login_session`, and
    /// would not if there were an access key in the credentials file.
    #[must_use]
    pub fn hidden_by_keys(&self, profile: &str) -> Option<&'static str> {
        let found = |key: &&'static str| self.get(profile, key).is_some();
        BEFORE_CONFIG.into_iter().find(found)
    }

    fn in_credentials(&self, profile: &str, key: &str) -> Option<&str> {
        self.credentials.get(profile, key)
    }

    fn in_config(&self, profile: &str, key: &str) -> Option<&str> {
        let section = Kind::Config.section(&self.config, profile)?;
        self.config.get(section, key)
    }
}

/// Puts an access key into a profile of the credentials file.
///
/// The token of a former session goes: AWS refuses a key of a user that comes with one.
///
/// # Errors
/// If the text can't be edited safely.
pub fn put_key(document: &mut Document, profile: &str, keys: &Keys) -> Result<(), Refused> {
    let section = Kind::Credentials.to_edit(document, profile)?;
    document.set(&section, ID, &keys.id)?;
    let secret = keys.secret.expose_secret();
    document.set(&section, SECRET, secret)?;
    for token in TOKENS {
        document.remove(&section, token)?;
    }
    match &keys.token {
        Some(token) => document.set(&section, "aws_session_token", token.expose_secret()),
        None => Ok(()),
    }
}

//! Where a new key is put. It is plain nowhere else.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use secrecy::ExposeSecret as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::opened::Opened;
use crate::openpgp::{in_path, without_credentials};
use crate::output;
use crate::profiles::{self, Paths};
use crate::session::cut;

/// A kind of place for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum To {
    /// A profile of the AWS credentials file.
    Credentials,
    /// Standard output, as `credential_process` has it.
    Process,
    /// The password store, `pass`.
    Pass,
    /// Standard output, as a shell's exports.
    Shell,
}

/// A place for a key that was found fit before anything was asked.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A profile of a credentials file, and the id of the key that it holds, whatever kind it is.
    Profile {
        file: PathBuf,
        name: String,
        holds: Option<String>,
    },
    Process,
    /// An entry of the password store, and whether something is there.
    Pass {
        entry: String,
        is_there: bool,
    },
    Shell,
}

impl Target {
    /// Looks whether the key can be put there, and changes nothing.
    pub(super) fn find(to: To, profile: &str, is_named: bool) -> Result<Self> {
        match to {
            To::Process => Ok(Self::Process),
            To::Shell => Ok(Self::Shell),
            To::Pass => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                if in_path(&path, "pass").is_none() {
                    bail!("there is no `pass` in PATH: install it, or choose another --to");
                }
                let entry = format!("aws/{profile}");
                let is_there = store().is_some_and(|store| is_in(&store, &entry));
                Ok(Self::Pass { entry, is_there })
            }
            To::Credentials => profile_of(Paths::here()?, profile, is_named),
        }
    }

    /// Puts the key there, and says where it is.
    pub(super) async fn put(&self, opened: &Opened) -> Result<String> {
        match self {
            Self::Profile { file, name, .. } => {
                let replaced = profiles::replace(file, |mut document| {
                    profiles::put_key(&mut document, name, &opened.keys).map_err(|refused| {
                        anyhow::anyhow!("line {}: {}", refused.line, refused.why)
                    })?;
                    Ok(document)
                })?;
                if let Some(warning) = replaced.warning {
                    output::complain(&warning);
                }
                let before = replaced.backup.map_or(String::new(), |backup| {
                    format!(" What was there before is in {}.", backup.display())
                });
                Ok(format!("the profile {name} of {}.{before}", file.display()))
            }
            Self::Process => {
                print(&process(opened))?;
                Ok("standard output.".to_owned())
            }
            Self::Shell => {
                print(&exports(opened))?;
                Ok("this shell, if it reads what this prints.".to_owned())
            }
            Self::Pass { entry, .. } => {
                insert(entry, &process(opened)).await?;
                Ok(format!("the entry {entry} of pass."))
            }
        }
    }

    /// The key that is there already.
    pub(super) fn holds(&self) -> Option<&str> {
        match self {
            Self::Profile { holds, .. } => holds.as_deref(),
            Self::Process | Self::Pass { .. } | Self::Shell => None,
        }
    }
}

fn profile_of(paths: Paths, name: &str, is_named: bool) -> Result<Target> {
    profiles::check_writable(&paths.credentials)?;
    let found = paths.read()?;
    if let Some(key) = found.hides_keys(name) {
        bail!(
            "the profile {name} has {key}, so that AWS tools would not use a key in {}: name \
             another with --profile-name",
            paths.credentials.display()
        );
    }
    if let Some(other) = found.hidden_by_keys(name).filter(|_| !is_named) {
        bail!(
            "the profile {name} has its credentials by {other}, which a key in {} would hide: name \
             the profile for the new key with --profile-name",
            paths.credentials.display()
        );
    }
    let keys = found.static_credentials(name)?;
    Ok(Target::Profile {
        holds: keys.map(|keys| keys.id),
        name: name.to_owned(),
        file: paths.credentials,
    })
}

/// Where `pass` has its entries. (pass(1), "ENVIRONMENT VARIABLES".)
fn store() -> Option<PathBuf> {
    let set = std::env::var_os("PASSWORD_STORE_DIR").filter(|folder| !folder.is_empty());
    let usual = || Some(std::env::home_dir()?.join(".password-store"));
    set.map(PathBuf::from).or_else(usual)
}

fn is_in(store: &Path, entry: &str) -> bool {
    store.join(format!("{entry}.gpg")).exists()
}

/// Prints a key for a program. Unlike other lines it may not be lost.
fn print(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    let printed = writeln!(output, "{text}").and_then(|()| output.flush());
    printed.context("standard output takes nothing")
}

/// The form of `credential_process`. (AWS SDKs and Tools reference guide, "Process credential
/// provider".)
fn process(opened: &Opened) -> Zeroizing<String> {
    // Strings of JSON, so that no value of its own keeps a copy of the secret.
    let secret = Zeroizing::new(quoted(opened.keys.secret.expose_secret()));
    let id = quoted(&opened.keys.id);
    Zeroizing::new(format!(
        r#"{{"Version": 1, "AccessKeyId": {id}, "SecretAccessKey": {}}}"#,
        &*secret
    ))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Exports for a POSIX shell. A token of another session would be sent along, and AWS would refuse
/// the key.
fn exports(opened: &Opened) -> Zeroizing<String> {
    let keys = &opened.keys;
    let secret = keys.secret.expose_secret().replace('\'', r"'\''");
    Zeroizing::new(format!(
        "export AWS_ACCESS_KEY_ID='{}'\nexport AWS_SECRET_ACCESS_KEY='{secret}'\nunset AWS_SESSION_TOKEN",
        keys.id
    ))
}

/// Hands a text to `pass`, by a pipe.
async fn insert(entry: &str, text: &str) -> Result<()> {
    let mut command = Command::new("pass");
    command.args(["insert", "--multiline", "--force", entry]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    without_credentials(&mut command);
    let mut child = command
        .kill_on_drop(true)
        .spawn()
        .context("pass can't be started")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pass that ends early says why.
        let _read = stdin.write_all(text.as_bytes()).await.is_ok();
    }
    let ended = child.wait_with_output().await.context("pass did not end")?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let said = said.trim().lines().last().unwrap_or_default();
    bail!(
        "pass did not take the key ({}): {}. Run `pass init` first if you never did",
        ended.status,
        cut(said)
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;

    use super::*;

    fn opened(secret: &str) -> Opened {
        let sealed = json!({
            "Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": secret,
            "UserName": "alice", "AccountId": "111122223333",
        });
        Opened::read(sealed.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_shell_reads_the_exports_whatever_is_in_the_secret() {
        let secret = "a'b\"c$d`e\\f/+";
        let script = format!(
            "{}\nprintf %s \"$AWS_SECRET_ACCESS_KEY\"",
            &*exports(&opened(secret))
        );
        let ended = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ended.stdout), secret);
    }

    #[test]
    fn what_credential_process_is_handed_is_json_whatever_is_in_the_secret() {
        let secret = "a'b\"c\\d";
        let read: serde_json::Value = serde_json::from_str(&process(&opened(secret))).unwrap();
        assert_eq!(read["SecretAccessKey"], secret);
        assert_eq!(read["Version"], 1);
    }

    #[test]
    fn a_profile_that_would_not_use_the_key_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths {
            config: home.path().join("config"),
            credentials: home.path().join("credentials"),
        };
        let config =
            "[profile admin]\nrole_arn = arn:aws:iam::1:role/a\n[profile dev]\nlogin_session = s\n";
        std::fs::write(&paths.config, config).unwrap();
        let error = profile_of(paths.clone(), "dev", false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("login_session") && error.contains("--profile-name"),
            "{error}"
        );
        assert!(profile_of(paths.clone(), "dev", true).is_ok());
        let error = profile_of(paths.clone(), "admin", true)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("has role_arn") && error.contains("--profile-name"),
            "{error}"
        );
        let text =
            "[default]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = old\n";
        std::fs::write(&paths.credentials, text).unwrap();
        let found = profile_of(paths, "default", false).unwrap();
        assert_eq!(found.holds(), Some("AKIAI44QH8DHBEXAMPLE"));
    }

    #[test]
    fn a_temporary_key_in_a_profile_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths {
            config: home.path().join("config"),
            credentials: home.path().join("credentials"),
        };
        let text = "[default]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\n\
                    aws_secret_access_key = s\naws_session_token = t\n";
        std::fs::write(&paths.credentials, text).unwrap();
        let found = profile_of(paths, "default", false).unwrap();
        assert_eq!(found.holds(), Some("ASIAIOSFODNN7EXAMPLE"));
    }

    #[test]
    fn an_entry_of_the_password_store_is_seen() {
        let store = tempfile::tempdir().unwrap();
        assert!(!is_in(store.path(), "aws/work"));
        std::fs::create_dir(store.path().join("aws")).unwrap();
        std::fs::write(store.path().join("aws/work.gpg"), "").unwrap();
        assert!(is_in(store.path(), "aws/work"));
    }
}

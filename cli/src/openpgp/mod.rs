//! OpenPGP through the programs that a person has: GnuPG (`gpg`) and Sequoia (`sq`).
//!
//! Whatever needs a secret key is done by them, with their agents, smartcards and questions for
//! passphrases. Deliberately absent: every secret key. Nothing here reads one, holds one or makes
//! one. What is decrypted comes through a pipe into memory that is wiped, and touches no file.
//!
//! A call that may ask the person something has no time-out. Ctrl-C reaches the program, too, and a
//! call that is dropped ends it.

mod card;
mod error;
mod gpg;
mod judge;
mod program;
mod run;
mod sq;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use banto_domain::Fingerprint;
use jiff::Timestamp;
use zeroize::Zeroizing;

pub use card::Card;
pub use error::{CardTrouble, OpenPgpError};
pub use judge::{Judged, NotUsable, judge};
pub(crate) use program::in_path;
pub use program::{Address, Kind, Name, Program};
pub(crate) use run::without_credentials;

/// A certificate whose secret key is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The fingerprint of its primary key.
    pub fingerprint: Fingerprint,
    /// Its user ids that are not revoked, without control characters.
    pub user_ids: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where the secret part of its primary key is, which signs other certificates.
    pub primary: Secret,
    /// Where the secret part of its newest encryption key is; `None` if it can only sign.
    pub encryption: Option<Secret>,
    /// The program that has it.
    pub program: Program,
}

/// The place of a secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// With the program, on this machine.
    Here,
    /// On a smartcard.
    Card {
        /// The card's serial number, as gpg writes it.
        serial: String,
    },
    /// Elsewhere: this machine has a stub at most.
    Elsewhere,
}

impl Candidate {
    /// The serial number of the smartcard that decrypts, if one does.
    pub fn card(&self) -> Option<&str> {
        match &self.encryption {
            Some(Secret::Card { serial }) => Some(serial),
            _ => None,
        }
    }
}

/// The certificates whose secret keys the programs have, the newest first.
///
/// # Errors
/// The first program's that can't be asked, if no other has any. An `sq` that needs a key file and
/// has none is passed over.
pub async fn own(programs: &[Program]) -> Result<Vec<Candidate>, OpenPgpError> {
    let mut candidates = Vec::new();
    let mut failed = None;
    for program in programs {
        match program.own().await {
            Ok(own) => candidates.extend(own),
            Err(OpenPgpError::NeedsKeyFile { .. }) => {}
            Err(error @ (OpenPgpError::Cancelled | OpenPgpError::Interrupted(_))) => {
                return Err(error);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let Some(error) = failed
        && candidates.is_empty()
    {
        return Err(error);
    }
    // `sq` lists what gpg's agent has, too.
    let mut seen = BTreeSet::new();
    candidates.retain(|candidate: &Candidate| seen.insert(candidate.fingerprint.clone()));
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.created_at));
    Ok(candidates)
}

/// Decrypts an envelope by the first of the programs that has a key for it.
///
/// # Errors
/// If the person ended it, that; else the first program's that has a key and fails; if none has
/// one, the first one's that keeps keys.
pub async fn decrypt(
    programs: &[Program],
    envelope: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenPgpError> {
    let (mut missing, mut needs_file, mut failed) = (None, None, None);
    for program in programs {
        match program.decrypt(envelope).await {
            Ok(plaintext) => return Ok(plaintext),
            Err(error @ OpenPgpError::NoKey { .. }) => missing = missing.or(Some(error)),
            Err(error @ OpenPgpError::NeedsKeyFile { .. }) => needs_file = Some(error),
            Err(error @ (OpenPgpError::Cancelled | OpenPgpError::Interrupted(_))) => {
                return Err(error);
            }
            // Another program may have the key, too.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let told = failed.or(missing).or(needs_file);
    Err(told.unwrap_or(OpenPgpError::NoProgram {
        passed_over: Vec::new(),
    }))
}

/// A text of somebody's without what moves a terminal's cursor.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

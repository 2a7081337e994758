//! Why a program of the person's could not do what was asked of it.

use std::path::PathBuf;

use banto_domain::Fingerprint;

use super::{NotUsable, Program};

/// Why nothing came of a call. Its text says what is wrong and what to do; it never has what was
/// decrypted.
#[derive(Debug, thiserror::Error)]
pub enum OpenPgpError {
    /// Neither gpg nor sq can be used.
    #[error(
        "Install GnuPG 2.2 or later (`gpg`), or Sequoia 1.0 or later (`sq`), and try again. {}",
        passed_over_words(.passed_over)
    )]
    NoProgram {
        /// Those that were found and are too old, each with its version and what would be right.
        passed_over: Vec<String>,
    },
    /// None of the program's secret keys fits: it opens nothing of this envelope, or can't sign.
    #[error(
        "{program} has no secret key for this{}. Try again on the machine that has the key, or insert its smartcard. {} \
         shows the secret keys here.",
        program.or_no_password(),
        program.listing()
    )]
    NoKey {
        /// The program that was asked.
        program: Program,
    },
    /// The program does not know the certificate.
    #[error("{program} has no certificate {fingerprint}. {} shows those that it has.", program.listing())]
    NoCertificate {
        /// The program that was asked.
        program: Program,
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// Ctrl-C ended the program.
    #[error("Ctrl-C was pressed.")]
    Interrupted(#[source] std::io::Error),
    /// The person cancelled the question for the passphrase or the PIN.
    #[error("Nothing was done: the question for the passphrase was cancelled.")]
    Cancelled,
    /// The passphrase or the PIN was wrong, as often as it may be.
    #[error("Try again: the passphrase, or the card's PIN, was wrong.")]
    BadPassphrase,
    /// The question for the passphrase was left open for too long.
    #[error(
        "Try again: nobody answered the question for the passphrase, until the program gave up."
    )]
    TimedOut,
    /// Gpg's agent can't be reached and could not be started.
    #[error(
        "`gpgconf --kill gpg-agent` ends an agent that does not answer, and the next call starts another. gpg can't reach \
         its agent.{}", appended(.complaint)
    )]
    NoAgent {
        /// The last lines of what the program said.
        complaint: String,
    },
    /// There is nowhere to ask for the passphrase.
    #[error(
        "Run this in a terminal, or unlock the key before. Nobody can be asked for its passphrase here: there is no \
         terminal."
    )]
    NoTerminal,
    /// Gpg's agent has no program that asks for passphrases.
    #[error(
        "Install a pinentry (the package `pinentry-curses`, or `pinentry-mac`), then run `gpgconf --kill gpg-agent`. \
         gpg's agent has none to ask for the passphrase with."
    )]
    NoPinentry,
    /// gpg is to ask for passphrases by itself, and not by its pinentry.
    #[error(
        "Take the line `pinentry-mode loopback` out of gpg.conf, and try again: gpg's pinentry asks for the passphrase then. \
         With that line gpg asks by itself, which it can't do for another program."
    )]
    Loopback,
    /// The smartcard does not do its part.
    #[error("{}", .0.what_to_do())]
    Card(CardTrouble),
    /// This sq keeps no keys of its own.
    #[error(
        "Name the file that has your secret key with --key-file FILE, or install sq 1.0 or later, or gpg. {program} keeps \
         no keys of its own."
    )]
    NeedsKeyFile {
        /// The program.
        program: Program,
    },
    /// A new key was to be written to a file that exists.
    #[error("Name a file that does not exist yet. The new key is not written over {}.", .0.display())]
    FileExists(PathBuf),
    /// No user id can be made of the name and the address.
    #[error("{0}")]
    UserId(&'static str),
    /// The old key has signed, and yet the rotator would not take the new certificate at once.
    #[error(
        "Register the new certificate without it, and wait for an operator's approval or the days of grace. The signature \
         by {by} would not count: that certificate is revoked, or was not alive."
    )]
    CertificationDoesNotCount {
        /// The certificate that certified.
        by: Fingerprint,
    },
    /// The certificate can't be used.
    #[error(transparent)]
    Refused(#[from] NotUsable),
    /// The program wrote more than it may.
    #[error("{program} wrote more than {limit} bytes, and was stopped.")]
    TooMuch {
        /// The program.
        program: Program,
        /// The limit.
        limit: usize,
    },
    /// A call that asks nobody did not end.
    #[error("{program} did not answer within {seconds} seconds, and was stopped.")]
    Silent {
        /// The program.
        program: Program,
        /// How long it had.
        seconds: u64,
    },
    /// The program could not be started, or its pipes broke.
    #[error("{} could not be run: {source}", .path.display())]
    NotRun {
        /// The program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file for the program could not be made.
    #[error("{} could not be written: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else: the program's own words.
    #[error("{program} could not {what} ({status}).{}", appended(.complaint))]
    Failed {
        /// The program.
        program: Program,
        /// What it was to do, as a verb and its object.
        what: &'static str,
        /// The program's end: an exit status, or a signal.
        status: String,
        /// The last lines of what the program said.
        complaint: String,
    },
}

/// What is wrong with a smartcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardTrouble {
    /// It is not in the reader, or another program holds it.
    Absent,
    /// Its PIN was wrong too often.
    Blocked,
    /// Its daemon is not installed.
    NoDaemon,
    /// Anything else, by libgpg-error's code.
    Other(u32),
}

impl CardTrouble {
    fn what_to_do(self) -> String {
        match self {
            Self::Absent => {
                "Insert the smartcard and try again; `gpg --card-status` shows it. If another program holds it, \
                 `gpgconf --kill scdaemon` frees it."
                    .to_owned()
            }
            Self::Blocked => {
                "Unblock the smartcard's PIN with its admin PIN or reset code (`gpg --card-edit`, `admin`, `passwd`), and \
                 try again. It was wrong too often."
                    .to_owned()
            }
            Self::NoDaemon => {
                "Install gpg's smartcard daemon (the package `scdaemon`) and try again. The key is on a smartcard."
                    .to_owned()
            }
            Self::Other(code) => format!(
                "Look at `gpg --card-status`, insert the smartcard anew and try again. If the card wants a touch, it blinks \
                 until it is touched. (libgpg-error's code is {code}.)"
            ),
        }
    }
}

fn passed_over_words(passed_over: &[String]) -> String {
    if passed_over.is_empty() {
        return "Neither is in PATH.".to_owned();
    }
    format!("Found, but not usable: {}.", passed_over.join("; "))
}

/// A program's own words, if there are any, below a sentence.
fn appended(complaint: &str) -> String {
    if complaint.is_empty() {
        return String::new();
    }
    format!(" It said:\n{complaint}")
}

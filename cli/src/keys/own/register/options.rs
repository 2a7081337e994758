//! What is registered, as it is asked for.

use std::path::PathBuf;

use clap::Args;

use super::super::me::Common;
use super::super::mfa::Mfa;
use crate::openpgp::{Address, Name};

/// Options.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Where your certificate is: `gpg`, `sq`, or a file that holds it. Left out: wherever it is.
    #[arg(long, value_name = "PROGRAM|FILE")]
    pub(super) from: Option<String>,
    /// The certificate, if you have several.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(super) fingerprint: Option<String>,
    /// Have gpg or sq make a new certificate, whose passphrase it asks you for.
    #[arg(long)]
    pub(super) make: bool,
    /// Your name in the new certificate.
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<Name>,
    /// Your mail address in the new certificate.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) mail: Option<Address>,
    /// The file that has your OpenPGP secret key, for an `sq` that keeps no keys of its own.
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// Register it without asking.
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) mfa: Mfa,
    #[command(flatten)]
    pub(super) common: Common,
}

const EXAMPLES: &str = "\
Examples:
  banto keys register                        the certificate that gpg or sq has
  banto keys register --make --name 'Alice' --mail alice@example.com
  banto keys register --from alice.asc       one from a file
  banto keys register --fingerprint D1A6...  one of several
  banto keys register --mfa-code 123456 --yes";

//! Programs that make keys and open what is sealed to them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use sequoia_openpgp as openpgp;

use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::serialize::SerializeInto;

use crate::gnupg::{GnuPg, piped};

/// A key pair, as the program that made it writes it.
pub(crate) struct Pair {
    pub(crate) maker: String,
    pub(crate) secret: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
    /// The version of the certificate is 6, which half of the programs don't know.
    pub(crate) is_version_6: bool,
}

/// The program that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    GnuPg,
    OpenPgpJs,
    RPgp,
    Sqop,
    Gosop,
    PgPy,
}

pub(crate) const PEERS: [Peer; 6] = [
    Peer::GnuPg,
    Peer::OpenPgpJs,
    Peer::RPgp,
    Peer::Sqop,
    Peer::Gosop,
    Peer::PgPy,
];

/// True if every program and every kind of key is asked for.
fn is_thorough() -> bool {
    std::env::var("BANTO_INTEROP").is_ok_and(|wanted| wanted == "all")
}

/// Pairs of every program that is there, made once.
pub(crate) static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let mut pairs = of_sequoia();
    for peer in PEERS.into_iter().filter(|peer| peer.is_there()) {
        pairs.extend(peer.kinds().into_iter().map(|kind| peer.make(kind)));
    }
    pairs
});

/// Pairs as `sq key generate` makes them of version 4. The certificates say of themselves that
/// their owner reads RFC 9580.
fn of_sequoia() -> Vec<Pair> {
    let suites = [CipherSuite::Cv25519, CipherSuite::RSA2k];
    let made = suites.map(|suite| {
        let builder = CertBuilder::general_purpose(Some("Alice <alice@example.com>"))
            .set_profile(openpgp::Profile::RFC4880)
            .unwrap();
        let (cert, _) = builder.set_cipher_suite(suite).generate().unwrap();
        Pair {
            maker: format!("sequoia, {suite:?}"),
            secret: cert.as_tsk().armored().to_vec().unwrap(),
            certificate: cert.armored().to_vec().unwrap(),
            is_version_6: false,
        }
    });
    made.into()
}

impl Peer {
    /// The command that speaks Stateless OpenPGP; GnuPG has none.
    fn command(self) -> Option<Command> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let mut command = match self {
            Self::GnuPg => return None,
            Self::OpenPgpJs => Command::new("node"),
            Self::RPgp => Command::new(std::env::var_os("BANTO_RPGP")?),
            Self::Sqop => Command::new("sqop"),
            Self::Gosop => Command::new("gosop"),
            Self::PgPy => Command::new(std::env::var_os("BANTO_PGPY")?),
        };
        match self {
            Self::OpenPgpJs => {
                let folder = tests.join("openpgpjs");
                folder.join("node_modules/openpgp").exists().then_some(())?;
                command.arg("interop.mjs").current_dir(folder);
            }
            Self::PgPy => {
                command.arg(tests.join("pgpy/peer.py"));
            }
            _ => {}
        }
        Some(command)
    }

    /// True if the program is there. If it is not, says so, or fails if it must be.
    pub(crate) fn is_there(self) -> bool {
        if self == Self::GnuPg {
            return GnuPg::new().is_some();
        }
        let runs = |mut command: Command| command.arg("--help").output().is_ok();
        let is_there = self.command().is_some_and(runs);
        let is_usual = self == Self::OpenPgpJs && std::env::var_os("BANTO_INTEROP").is_some();
        assert!(
            is_there || !(is_usual || is_thorough()),
            "{self:?} is required, but absent"
        );
        if !is_there {
            eprintln!("skipped: {self:?} is absent");
        }
        is_there
    }

    /// The kinds of key that the program makes; the first two take no time.
    fn kinds(self) -> Vec<&'static str> {
        let all: &[&str] = match self {
            Self::GnuPg => &[
                "ed25519", "rsa2048", "nistp256", "nistp384", "nistp521", "rsa3072", "rsa4096",
            ],
            Self::OpenPgpJs | Self::RPgp => &[
                "curve25519",
                "curve25519-v6",
                "rsa2048",
                "nist-p256",
                "nist-p384",
                "nist-p521",
                "rsa3072",
                "rsa4096",
            ],
            Self::PgPy => &["curve25519", "nist-p256", "rsa2048"],
            // These make what they think best.
            Self::Sqop | Self::Gosop => &["Alice <alice@example.com>"],
        };
        let few = if is_thorough() { all.len() } else { 2 };
        all.iter().copied().take(few).collect()
    }

    fn make(self, kind: &str) -> Pair {
        let (secret, certificate) = if self == Self::GnuPg {
            made_by_gnupg(kind)
        } else {
            let secret = self.run(&["generate-key", kind], b"").unwrap();
            let certificate = self.run(&["extract-cert"], &secret).unwrap();
            (secret, certificate)
        };
        Pair {
            maker: format!("{self:?}, {kind}"),
            secret,
            certificate,
            is_version_6: kind.ends_with("-v6"),
        }
    }

    /// True if the program can import the pair. None of what it can't is about envelopes:
    /// openpgp.js does not read rPGP's signatures of version 6, PGPy none that prefer SHA-3 as
    /// openpgp.js does, and the others nothing of version 6.
    pub(crate) fn knows(self, pair: &Pair) -> bool {
        match self {
            Self::RPgp => true,
            Self::OpenPgpJs => !(pair.is_version_6 && pair.maker.starts_with("RPgp")),
            Self::PgPy => !(pair.is_version_6 || pair.maker.starts_with("OpenPgpJs")),
            Self::GnuPg | Self::Sqop | Self::Gosop => !pair.is_version_6,
        }
    }

    /// Opens a message with a secret key.
    pub(crate) fn open(self, pair: &Pair, message: &[u8]) -> Result<Vec<u8>, String> {
        if self == Self::GnuPg {
            let gpg = GnuPg::new().unwrap();
            gpg.run(&["--import"], &pair.secret);
            return Ok(gpg.run(&["--decrypt"], message));
        }
        let folder = tempfile::tempdir().unwrap();
        let file: PathBuf = folder.path().join("key.asc");
        std::fs::write(&file, &pair.secret).unwrap();
        self.run(&["decrypt", file.to_str().unwrap()], message)
    }

    fn run(self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let output = piped(self.command().unwrap().args(arguments), input);
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

fn made_by_gnupg(primary: &str) -> (Vec<u8>, Vec<u8>) {
    let gpg = GnuPg::new().unwrap();
    let subkey = if primary == "ed25519" {
        "cv25519"
    } else {
        primary
    };
    let fingerprint = gpg.make("Alice <alice@example.com>", primary, subkey);
    let secret = gpg.run(&["--armor", "--export-secret-keys", &fingerprint], b"");
    (secret, gpg.export(&fingerprint, &[]))
}

//! Envelopes opened by other implementations of OpenPGP: GnuPG, openpgp.js and rPGP.
//!
//! Where a program is absent the test says so and passes; with `BANTO_INTEROP=required` it fails.
//! rPGP is asked where `BANTO_RPGP` names the program that is built in `rpgp`: building it takes
//! minutes, so only `.ci/nightly` does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use banto_domain::Fingerprint;
use banto_seal::{Credential, Recipient};
use jiff::Timestamp;
use secrecy::SecretString;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Seals a key to a fresh certificate, as Banto stores it: a line of JSON, then the envelope.
fn stored(certificate: &[u8], fingerprint: &str) -> String {
    let fingerprint = Fingerprint::from_human(fingerprint).unwrap();
    // Other programs make certificates by their own clock, which may be a second ahead.
    let now = Timestamp::now() + jiff::SignedDuration::from_secs(5);
    let recipient = Recipient::parse(certificate, &fingerprint, now).unwrap();
    let credential = Credential {
        account: &"111122223333".parse().unwrap(),
        user: &"alice".parse().unwrap(),
        key: &"AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret: &SecretString::from(SECRET),
        created_at: now,
    };
    let envelope = recipient.seal(&credential).unwrap();
    format!(
        "{{\"version\":1,\"sealedKey\":\"AKIAIOSFODNN7EXAMPLE\"}}\n\n{}",
        envelope.as_str()
    )
}

fn assert_opened(payload: &str, kind: &str) {
    let payload: serde_json::Value =
        serde_json::from_str(payload).unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(payload["SecretAccessKey"], SECRET, "{kind}");
}

/// Says that a program is absent, or fails if it must not be.
fn absent(program: &str) {
    assert!(
        std::env::var_os("BANTO_INTEROP").is_none(),
        "{program} is required, but not installed"
    );
    eprintln!("skipped: {program} is not installed");
}

/// A throw-away GnuPG home; its agent ends with it.
struct GnuPg(tempfile::TempDir);

impl GnuPg {
    /// Unix sockets have short paths, so the home is right below the temporary directory.
    fn new() -> Self {
        let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        std::fs::set_permissions(
            home.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
        Self(home)
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("gpg")
            .arg("--homedir")
            .arg(self.0.path())
            .args([
                "--batch",
                "--quiet",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn fingerprint(&self) -> String {
        let listing =
            String::from_utf8(self.run(&["--with-colons", "--list-keys"], b"").stdout).unwrap();
        let line = listing
            .lines()
            .find(|line| line.starts_with("fpr:"))
            .unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }
}

impl Drop for GnuPg {
    fn drop(&mut self) {
        let _ended = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--kill", "all"])
            .status()
            .is_ok();
    }
}

#[test]
fn gpg_opens_what_is_stored_line_before_the_armor_and_all() {
    if Command::new("gpg").arg("--version").output().is_err() {
        return absent("gpg");
    }
    let kinds = [
        ("ed25519", "cv25519"),
        ("nistp256", "nistp256"),
        ("nistp384", "nistp384"),
        ("nistp521", "nistp521"),
        ("rsa2048", "rsa2048"),
        ("rsa3072", "rsa3072"),
        ("rsa4096", "rsa4096"),
    ];
    for (primary, subkey) in kinds {
        let gpg = GnuPg::new();
        gpg.run(
            &[
                "--quick-gen-key",
                "Alice <alice@example.com>",
                primary,
                "cert,sign",
                "2y",
            ],
            b"",
        );
        let fingerprint = gpg.fingerprint();
        gpg.run(
            &["--quick-add-key", &fingerprint, subkey, "encr", "2y"],
            b"",
        );
        let certificate = gpg.run(&["--armor", "--export", &fingerprint], b"").stdout;
        let opened = gpg
            .run(
                &["--decrypt"],
                stored(&certificate, &fingerprint).as_bytes(),
            )
            .stdout;
        assert_opened(std::str::from_utf8(&opened).unwrap(), subkey);
    }
}

/// The kinds of key that openpgp.js and rPGP make.
const KINDS: [&str; 8] = [
    "curve25519",
    "curve25519-v6",
    "nist-p256",
    "nist-p384",
    "nist-p521",
    "rsa2048",
    "rsa3072",
    "rsa4096",
];

/// A process that holds a key. It prints the certificate, reads an envelope, and prints what was
/// inside, each as one line of JSON.
struct Peer(Child);

impl Peer {
    fn start(command: &mut Command, kind: &str) -> Self {
        Self(
            command
                .arg(kind)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    fn opens_what_is_stored(&mut self, kind: &str) {
        let mut lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let made: serde_json::Value =
            serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let certificate = made["certificate"].as_str().unwrap();
        let stored = stored(
            certificate.as_bytes(),
            made["fingerprint"].as_str().unwrap(),
        );
        writeln!(
            self.0.stdin.take().unwrap(),
            "{}",
            serde_json::Value::from(stored)
        )
        .unwrap();
        let opened: String = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_opened(&opened, kind);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait()).is_ok();
    }
}

#[test]
fn openpgpjs_opens_what_is_stored_line_before_the_armor_and_all() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openpgpjs");
    if !folder.join("node_modules/openpgp").exists()
        || Command::new("node").arg("--version").output().is_err()
    {
        return absent("openpgp.js (npm ci in shared/seal/tests/openpgpjs)");
    }
    for kind in KINDS {
        let mut node = Command::new("node");
        Peer::start(node.arg("interop.mjs").current_dir(&folder), kind).opens_what_is_stored(kind);
    }
}

#[test]
fn rpgp_opens_what_is_stored_line_before_the_armor_and_all() {
    let Some(program) = std::env::var_os("BANTO_RPGP") else {
        eprintln!(
            "skipped: BANTO_RPGP does not name the program of shared/seal/tests/rpgp (.ci/nightly builds it)"
        );
        return;
    };
    assert!(
        Path::new(&program).is_file(),
        "BANTO_RPGP names no program: {}",
        program.display()
    );
    for kind in KINDS {
        Peer::start(&mut Command::new(&program), kind).opens_what_is_stored(kind);
    }
}

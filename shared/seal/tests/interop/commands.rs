//! The commands of docs/openpgp.md and of the refusals, run as they stand.

use std::path::{Path, PathBuf};
use std::process::Command;

use banto_domain::AccessKeyId;
use banto_seal::{AcknowledgementError, AcknowledgementProblem, Certificate, Recipient};
use jiff::Timestamp;

use crate::envelopes::{assert_opened, stored};
use crate::gnupg::{GnuPg, piped};
use crate::samples;

/// Stands in for the AWS CLI: a copy to S3 lands in a folder, a secret is a file, a tag is written
/// down.
const AWS: &str = r#"#!/bin/sh
case "$1 $2" in
"s3 cp") cp "$3" "$HOME/bucket/$(basename "$4")" ;;
"iam tag-user") echo "$6" >> "$HOME/tags" ;;
"secretsmanager get-secret-value") cat "$HOME/secret" ;;
*) exit 1 ;;
esac
"#;

/// Nobody is there to type a passphrase. The rest is GnuPG as it comes.
const CONFIGURATION: &str = "batch\npinentry-mode loopback\npassphrase-file /dev/null\n";

/// A person's machine.
struct Desk {
    home: GnuPg,
    gnupg: PathBuf,
}

impl Desk {
    fn new() -> Option<Self> {
        let home = GnuPg::new()?;
        let gnupg = home.home().join(".gnupg");
        for folder in [
            &gnupg,
            &home.home().join("bucket"),
            &home.home().join("bin"),
        ] {
            std::fs::create_dir(folder).unwrap();
        }
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&gnupg, private).unwrap();
        std::fs::write(gnupg.join("gpg.conf"), CONFIGURATION).unwrap();
        let aws = home.home().join("bin/aws");
        std::fs::write(&aws, AWS).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&aws, executable).unwrap();
        Some(Self { home, gnupg })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.home().join(name)
    }

    /// Runs a line of shell, and returns what it printed.
    fn run(&self, line: &str) -> Vec<u8> {
        let path = std::env::var("PATH").unwrap();
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", line])
            .current_dir(self.home.home())
            .env("HOME", self.home.home())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env_remove("GNUPGHOME");
        let output = piped(&mut shell, b"");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {complaint}");
        output.stdout
    }

    /// The fingerprints of this kind of key, the oldest first.
    fn fingerprints(&self, kind: &str) -> Vec<String> {
        let listing = self.run("gpg --with-colons --list-keys");
        let listing = String::from_utf8(listing).unwrap();
        let mut lines = listing.lines();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            if line.starts_with(kind) {
                found.extend(lines.next().and_then(|line| line.split(':').nth(9)));
            }
        }
        found.into_iter().map(str::to_owned).collect()
    }

    fn stored_certificate(&self) -> Certificate {
        let file = std::fs::read(self.path("bucket/alice.asc"));
        Certificate::read(&file.unwrap()).unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let mut gpgconf = Command::new("gpgconf");
        gpgconf.arg("--homedir").arg(&self.gnupg);
        let _ended = gpgconf.args(["--kill", "all"]).status().is_ok();
    }
}

/// The lines of the page's blocks of shell, those that go on in the next line joined.
fn lines_of_page() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openpgp.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let text = blocks.collect::<String>().replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn now() -> Timestamp {
    Timestamp::now() + jiff::SignedDuration::from_secs(5)
}

#[test]
fn every_command_of_the_page_does_what_the_page_says() {
    let Some(desk) = Desk::new() else { return };
    let mut old = None;
    for line in lines_of_page() {
        let made = desk_fingerprints(&desk, &line);
        let first = made.first().cloned().unwrap_or_default();
        let last = made.last().cloned().unwrap_or_default();
        let command = line
            .replace("OLD-FINGERPRINT", &first)
            .replace("NEW-FINGERPRINT", &last)
            .replace("FINGERPRINT", &first);
        if line.contains("get-secret-value") {
            let sealed = stored(&std::fs::read(desk.path("bucket/alice.asc")).unwrap());
            std::fs::write(desk.path("secret"), sealed).unwrap();
            assert_opened(&desk.run(&command), &line);
            continue;
        }
        desk.run(&command);
        if line.contains("s3 cp alice.asc") {
            let certificate = desk.stored_certificate();
            let pin = certificate.fingerprint().parse().unwrap();
            assert!(Recipient::judge(&certificate, &pin, now()).is_ok());
            old.get_or_insert(certificate);
        }
    }
    let old = old.unwrap();
    let new = desk.stored_certificate();
    assert_ne!(new.fingerprint(), old.fingerprint());
    assert!(new.is_certified_by(&old, now()));
    let key: AccessKeyId = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
    let acknowledged = std::fs::read(desk.path("bucket/alice.acknowledged")).unwrap();
    assert_eq!(
        old.check_acknowledgement(&acknowledged, &key, now()),
        Ok(())
    );
    let exported = desk.run(&format!("gpg --export {}", old.fingerprint()));
    let revoked = Certificate::read(&exported).unwrap();
    let pin = revoked.fingerprint().parse().unwrap();
    let refusal = Recipient::judge(&revoked, &pin, now()).unwrap_err();
    assert_eq!(refusal.code(), "revoked");
    let tags = std::fs::read_to_string(desk.path("tags")).unwrap();
    assert_eq!(tags.lines().count(), 3, "{tags}");
}

/// The fingerprints of the certificates, where a command asks for one.
fn desk_fingerprints(desk: &Desk, line: &str) -> Vec<String> {
    if line.contains("FINGERPRINT") {
        desk.fingerprints("pub")
    } else {
        Vec::new()
    }
}

/// The commands in a text: what stands between backticks.
fn commands_in(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_command_of_a_refusal_runs_as_it_stands() {
    let Some(desk) = Desk::new() else { return };
    desk.run("gpg --quick-gen-key 'Alice Example <alice@example.com>' default default 2y");
    let fingerprint = desk.fingerprints("pub").remove(0);
    let subkey = desk.fingerprints("sub").remove(0);
    let pin = fingerprint.parse().unwrap();
    let mut texts: Vec<String> = samples::refusals(&pin, &subkey)
        .iter()
        .map(ToString::to_string)
        .collect();
    let error = AcknowledgementError {
        problem: AcknowledgementProblem::NotSigned,
        key: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        certificate: fingerprint.clone(),
    };
    texts.push(error.to_string());
    let mut commands: Vec<&str> = texts.iter().flat_map(|text| commands_in(text)).collect();
    commands.sort_unstable();
    commands.dedup();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        let printed = desk.run(&command.replace("FINGERPRINT", &fingerprint));
        if command.contains("--export --armor") {
            let printed = Certificate::read(&printed).unwrap();
            assert_eq!(printed.fingerprint(), fingerprint, "{command}");
        }
    }
}

#[test]
fn a_certificate_that_relies_on_sha1_is_accepted_after_what_its_refusal_says() {
    let Some(desk) = Desk::new() else { return };
    let sha1 = "gpg --cert-digest-algo SHA1";
    desk.run(&format!(
        "{sha1} --quick-gen-key 'Alice <alice@example.com>' rsa2048 cert,sign never"
    ));
    let fingerprint = desk.fingerprints("pub").remove(0);
    desk.run(&format!(
        "{sha1} --quick-add-key {fingerprint} rsa2048 encr never"
    ));
    assert_mended_by_its_refusal(&desk, &fingerprint, now());
}

#[test]
fn an_expired_certificate_is_accepted_after_what_its_refusal_says() {
    let Some(desk) = Desk::new() else { return };
    let past = "gpg --faked-system-time 20240101T000000";
    desk.run(&format!(
        "{past} --quick-gen-key 'Alice <alice@example.com>' ed25519 cert,sign 1y"
    ));
    let fingerprint = desk.fingerprints("pub").remove(0);
    desk.run(&format!(
        "{past} --quick-add-key {fingerprint} cv25519 encr 1y"
    ));
    assert_mended_by_its_refusal(&desk, &fingerprint, now());
}

/// Runs the commands of a certificate's refusal, in the order in which they stand.
fn assert_mended_by_its_refusal(desk: &Desk, fingerprint: &str, now: Timestamp) {
    let pin = fingerprint.parse().unwrap();
    let judged = |certificate: &[u8]| Recipient::parse(certificate, &pin, now);
    let exported = desk.run(&format!("gpg --export --armor {fingerprint}"));
    let refusal = judged(&exported).unwrap_err().to_string();
    let commands = commands_in(&refusal).into_iter();
    let mut printed: Vec<Vec<u8>> = commands.map(|command| desk.run(command)).collect();
    let certificate = printed.pop().unwrap();
    assert!(judged(&certificate).is_ok(), "{refusal}");
}

//! GnuPG with a home of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A throw-away GnuPG home; its agent ends with it.
pub(crate) struct GnuPg(tempfile::TempDir);

impl GnuPg {
    /// `None` where GnuPG is absent, and need not be there.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            assert!(std::env::var_os("BANTO_INTEROP").is_none());
            eprintln!("skipped: gpg is not installed");
            return None;
        }
        // Unix sockets have short paths, so the home is right below the temporary directory.
        let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(home.path(), private).unwrap();
        Some(Self(home))
    }

    pub(crate) fn home(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn try_run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--quiet", "--pinentry-mode", "loopback"])
            .args(["--passphrase", ""])
            .args(arguments)
            .env("GNUPGHOME", self.home());
        piped(&mut gpg, input)
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.try_run(arguments, input);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        output.stdout
    }

    /// Makes a certificate with an encryption subkey, and returns its fingerprint.
    pub(crate) fn make(&self, user_id: &str, primary: &str, subkey: &str) -> String {
        let before = self.fingerprints();
        let arguments = ["--quick-gen-key", user_id, primary, "cert,sign", "2y"];
        self.run(&arguments, b"");
        let mut made = self.fingerprints();
        made.retain(|fingerprint| !before.contains(fingerprint));
        let made = made.remove(0);
        self.run(&["--quick-add-key", &made, subkey, "encr", "2y"], b"");
        made
    }

    /// The fingerprints of the primary keys.
    pub(crate) fn fingerprints(&self) -> Vec<String> {
        self.listed("pub")
    }

    /// The fingerprints that follow lines of this kind.
    pub(crate) fn listed(&self, kind: &str) -> Vec<String> {
        let listing = self.run(&["--with-colons", "--list-keys"], b"");
        let listing = String::from_utf8(listing).unwrap();
        let mut found = Vec::new();
        let mut last = "";
        for line in listing.lines() {
            match line.split(':').next() {
                Some("fpr") if last == kind => found.extend(line.split(':').nth(9)),
                Some(name @ ("pub" | "sub")) => last = name,
                _ => {}
            }
        }
        found.into_iter().map(str::to_owned).collect()
    }

    pub(crate) fn export(&self, fingerprint: &str, options: &[&str]) -> Vec<u8> {
        let arguments = [&["--armor", "--export"], options, &[fingerprint]].concat();
        self.run(&arguments, b"")
    }
}

impl Drop for GnuPg {
    fn drop(&mut self) {
        let mut gpgconf = Command::new("gpgconf");
        gpgconf.arg("--homedir").arg(self.home());
        let _ended = gpgconf.args(["--kill", "all"]).status().is_ok();
    }
}

/// Runs a command on an input, whether or not it reads that.
pub(crate) fn piped(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _unread = child.stdin.take().unwrap().write_all(input).is_ok();
    child.wait_with_output().unwrap()
}

//! A person's machine: a shell, GnuPG with a home of its own, and the AWS CLI before a local AWS.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use banto::local::venv::Venv;
use serde_json::Value;
use tempfile::TempDir;

use super::super::local::Local;

/// Nobody is there to type a passphrase. The rest is GnuPG as it comes.
const GNUPG: &str = "batch\npinentry-mode loopback\npassphrase-file /dev/null\n";

/// Another region than that of the policy, so that a command which needs one must name it.
const REGION: &str = "us-east-1";

pub struct Desk {
    home: TempDir,
    endpoint: String,
    /// The fingerprint as its owner writes it.
    pub fingerprint: String,
    /// The region that the AWS CLI takes where a command names none.
    pub region: &'static str,
    /// Other variables of the shell.
    pub variables: Vec<(&'static str, String)>,
}

/// True where a program is absent, and need not be there.
pub fn lacks(program: &str) -> bool {
    let is_absent = Command::new(program).arg("--version").output().is_err();
    if is_absent {
        assert!(std::env::var_os("BANTO_INTEROP").is_none());
        eprintln!("skipped: {program} is not installed");
    }
    is_absent
}

impl Desk {
    pub fn before(local: &Local) -> Self {
        Self::at(local.moto.endpoint(), &local.venv)
    }

    /// A desk before a local AWS at this address.
    pub fn at(endpoint: &str, venv: &Venv) -> Self {
        // Unix sockets have short paths, so the home is right below the temporary directory.
        let home = tempfile::Builder::new().prefix("desk").tempdir().unwrap();
        let desk = Self {
            home,
            endpoint: endpoint.to_owned(),
            fingerprint: String::new(),
            region: REGION,
            variables: Vec::new(),
        };
        for folder in [".gnupg", ".aws", "bin"] {
            fs::create_dir(desk.path(folder)).unwrap();
        }
        fs::set_permissions(desk.path(".gnupg"), Permissions::from_mode(0o700)).unwrap();
        desk.write(".gnupg/gpg.conf", GNUPG);
        let python = venv.python();
        let aws = format!("#!/bin/sh\nexec {} -I -m awscli \"$@\"\n", python.display());
        desk.program("aws", &aws);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Makes a program, which comes before another of its name.
    pub fn program(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        self.write(&path, script);
        fs::set_permissions(self.path(&path), Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts an access key where the AWS CLI looks for it.
    pub fn take_key(&self, id: &str, secret: &str) {
        let profile =
            format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        self.write(".aws/credentials", &profile);
    }

    /// Puts the access key of an opened envelope where the AWS CLI looks for it.
    pub fn take_payload(&self, payload: &Value) {
        let text = |name: &str| payload[name].as_str().unwrap();
        self.take_key(text("AccessKeyId"), text("SecretAccessKey"));
    }

    /// Runs a command, which must succeed, and returns its output.
    pub fn run(&self, command: &str) -> String {
        self.run_on(command, "")
    }

    /// The same with this for its input.
    pub fn run_on(&self, command: &str, input: &str) -> String {
        let output = self.try_run(command, input);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command, and returns its exit code, its output, and its complaints.
    pub fn end(&self, command: &str) -> (Option<i32>, String, String) {
        let output = self.try_run(command, "");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code();
        (code, text(&output.stdout), text(&output.stderr))
    }

    /// Runs a command that may fail.
    pub fn try_run(&self, command: &str, input: &str) -> Output {
        let mut child = self.start(command);
        let mut stdin = child.stdin.take().unwrap();
        let _unread = stdin.write_all(input.as_bytes()).is_ok();
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Starts a command.
    pub fn start(&self, command: &str) -> Child {
        let path = std::env::var("PATH").unwrap();
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", command])
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("PATH", format!("{}:{path}", at(&self.path("bin"))))
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_DEFAULT_REGION", self.region)
            .env("FINGERPRINT", &self.fingerprint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The fingerprints of the certificates, the oldest first.
    pub fn fingerprints(&self) -> Vec<String> {
        let listing = self.run("gpg --with-colons --list-keys");
        let mut lines = listing.lines();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            if line.starts_with("pub") {
                found.extend(lines.next().and_then(|line| line.split(':').nth(9)));
            }
        }
        found.into_iter().map(str::to_owned).collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let mut gpgconf = Command::new("gpgconf");
        gpgconf.arg("--homedir").arg(self.path(".gnupg"));
        let _ended = gpgconf.args(["--kill", "all"]).status().is_ok();
    }
}

fn at(path: &Path) -> String {
    path.display().to_string()
}

//! The command's program before a local AWS, as an operator runs it, on a terminal or without one.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;

use banto::local::function_binary;
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::super::local::{Local, REGION};

/// What drives a program on a terminal of its own.
pub const TERMINAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/tests/pty/terminal.py");

/// The command, with a home and a policy of its own.
pub struct Program {
    binary: PathBuf,
    home: TempDir,
}

/// How the command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub output: String,
    pub complaint: String,
}

impl Program {
    pub async fn with(policy: &str) -> Self {
        let binary = function_binary("banto", &|_: &str| {}).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let program = Self { binary, home };
        std::fs::write(program.policy(), policy).unwrap();
        program
    }

    /// The policy's file.
    pub fn policy(&self) -> PathBuf {
        self.home.path().join("banto.toml")
    }

    /// Runs the command to its end.
    pub async fn run(&self, local: &Local, arguments: &[&str]) -> Ended {
        Self::ended(self.start(local, arguments)).await
    }

    /// Starts the command where nobody can be asked.
    pub fn start(&self, local: &Local, arguments: &[&str]) -> Child {
        let mut command = self.command(local, &self.binary);
        command.args(arguments).spawn().unwrap()
    }

    /// Starts the command on a terminal of 80 columns. A step is what is waited for, and what is
    /// typed then.
    pub fn start_on_terminal(
        &self,
        local: &Local,
        arguments: &[&str],
        steps: &[(&str, &str)],
    ) -> Child {
        let mut command = self.command(local, "python3");
        command
            .args([TERMINAL, "80"])
            .arg(json!(steps).to_string())
            .arg(&self.binary)
            .args(arguments)
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TERM", "xterm-256color");
        command.spawn().unwrap()
    }

    /// A program with credentials of the function's account.
    fn command(&self, local: &Local, program: impl AsRef<OsStr>) -> Command {
        let offset = local.now.duration_since(Timestamp::now()).as_secs();
        let credentials = &local.credentials;
        let mut command = Command::new(program);
        command
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &*credentials.secret_access_key)
            .env(
                "AWS_SESSION_TOKEN",
                credentials.session_token.clone().unwrap(),
            )
            .env("AWS_ENDPOINT_URL", local.moto.endpoint())
            .env("BANTO_CLOCK_OFFSET_SECONDS", offset.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub async fn ended(child: Child) -> Ended {
        let ended = child.wait_with_output().await.unwrap();
        Ended {
            code: ended.status.code().unwrap(),
            output: String::from_utf8(ended.stdout).unwrap(),
            complaint: String::from_utf8(ended.stderr).unwrap(),
        }
    }
}

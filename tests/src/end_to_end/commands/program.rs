//! The command's program before a local AWS, as an operator runs it without a terminal.

use std::path::PathBuf;
use std::process::Stdio;

use banto::local::function_binary;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::super::local::{Local, REGION};

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

    /// Starts the command, with credentials of the function's account.
    pub fn start(&self, local: &Local, arguments: &[&str]) -> Child {
        let offset = local.now.duration_since(Timestamp::now()).as_secs();
        let credentials = &local.credentials;
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
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
        command.spawn().unwrap()
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

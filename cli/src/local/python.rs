//! A server in Python that ends with this program.

use std::ffi::OsStr;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::venv::{Venv, last_lines};

/// Longest time until a server listens; importing its Python modules from a cold disk takes most of
/// it.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A server's process, until it is dropped. It also ends when the process that started it does.
#[derive(Debug)]
pub(super) struct PythonServer {
    port: u16,
    log: NamedTempFile,
    child: Child,
    /// The server ends when this closes.
    _lifeline: ChildStdin,
}

impl PythonServer {
    /// Starts a program that prints `{"port": …}` once it listens, and ends with its standard
    /// input. `name` is what errors call it.
    pub(super) async fn start<A: AsRef<OsStr>>(
        name: &str,
        venv: &Venv,
        program: &str,
        arguments: &[A],
        env: &[(&str, &str)],
    ) -> Result<Self> {
        let log = NamedTempFile::with_prefix("banto-").context("can't write a log file")?;
        let mut child = Command::new(venv.python())
            .args(["-I", "-c", program])
            .args(arguments)
            // Nothing of the user's own AWS configuration reaches it.
            .env_clear()
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.reopen()?)
            // Ctrl-C goes to the whole group of a terminal's processes, but a server is ended in
            // order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("can't start {name}"))?;
        let (Some(lifeline), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{name} has no pipes");
        };
        let mut first_line = String::new();
        let greeting = tokio::time::timeout(
            START_TIMEOUT,
            BufReader::new(stdout).read_line(&mut first_line),
        )
        .await;
        let port = serde_json::from_str::<Value>(&first_line)
            .ok()
            .and_then(|line| line.get("port")?.as_u64());
        let (Ok(Ok(_)), Some(port)) = (greeting, port.and_then(|port| port.try_into().ok())) else {
            bail!(
                "{name} did not start:\n{}",
                last_lines(&fs::read_to_string(log.path()).unwrap_or_default())
            );
        };
        Ok(Self {
            port,
            log,
            child,
            _lifeline: lifeline,
        })
    }

    /// The port of the loopback interface that it listens on.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The id of the process.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything that it has printed to standard error.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap_or_default()
    }
}

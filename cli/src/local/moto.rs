//! The local AWS: moto's server on a free loopback port, with a clock that can be set.
//!
//! Where moto falls short of the real AWS matters to whoever reads a test or a demo:
//! - it checks neither signatures nor permissions, and a disabled key still works, unless
//!   [`Moto::check_credentials`] is on; then signatures are checked, but not a key's status, and of a
//!   policy neither resources nor conditions count;
//! - a credential report is made the moment it is read, never four hours old, and has no row for the
//!   root user;
//! - `UpdateSecretVersionStage` moves labels wrongly.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use hyper::Request;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::http::Client;
use super::venv::{Venv, last_lines};

/// The program that runs moto.
const SERVER: &str = include_str!("../../local/moto_server.py");

/// Longest time until moto listens; importing its Python modules from a cold disk takes most of it.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A local AWS, until it is dropped. It also ends when the process that started it does.
#[derive(Debug)]
pub struct Moto {
    endpoint: String,
    client: Client,
    log: NamedTempFile,
    child: Child,
    /// moto ends when this closes.
    _lifeline: ChildStdin,
}

impl Moto {
    /// Starts a local AWS that holds nothing yet.
    pub async fn start(venv: &Venv) -> Result<Self> {
        let log = NamedTempFile::with_prefix("banto-moto-").context("can't write a log file")?;
        let mut child = Command::new(venv.python())
            .args(["-I", "-c", SERVER])
            // Nothing of the user's own AWS configuration reaches it.
            .env_clear()
            // AWS's own managed policies exist, as they do in AWS.
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.reopen()?)
            // Ctrl-C goes to the whole group of a terminal's processes, but moto is ended in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("can't start the local AWS")?;
        let (Some(lifeline), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the local AWS has no pipes");
        };
        let mut first_line = String::new();
        let greeting = tokio::time::timeout(START_TIMEOUT, BufReader::new(stdout).read_line(&mut first_line)).await;
        let port = serde_json::from_str::<Value>(&first_line).ok().and_then(|line| line.get("port")?.as_u64());
        let (Ok(Ok(_)), Some(port)) = (greeting, port) else {
            bail!("the local AWS did not start:\n{}", last_lines(&fs::read_to_string(log.path()).unwrap_or_default()));
        };
        let endpoint = format!("http://127.0.0.1:{port}");
        Ok(Self { endpoint, client: Client::new(), log, child, _lifeline: lifeline })
    }

    /// The URL of every service, as `AWS_ENDPOINT_URL` takes it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The id of the process.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sets the clock, which goes on from there.
    pub async fn set_clock(&self, now: Timestamp) -> Result<()> {
        self.send("PUT", "/banto/clock", json!({"now": now}).to_string())
            .await
            .context("can't set the local AWS's clock")
    }

    /// Makes moto check that requests are signed with the secret of an existing key, and allowed by
    /// its owner's policies; or stops that.
    pub async fn check_credentials(&self, check: bool) -> Result<()> {
        let unchecked_requests = if check { "0" } else { "inf" };
        let changed = self.send("POST", "/moto-api/reset-auth", unchecked_requests.to_owned()).await;
        changed.context("can't change whether the local AWS checks credentials")
    }

    /// What moto has logged: one line per request, and what went wrong.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    async fn send(&self, method: &str, path: &str, body: String) -> Result<()> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header("content-type", "application/json")
            .body(Bytes::from(body))?;
        let status = self.client.send(request).await?.status();
        ensure!(status.is_success(), "it answered {status}:\n{}", last_lines(&self.log()));
        Ok(())
    }
}

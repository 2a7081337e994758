//! The local AWS: moto's server on a free loopback port, with a clock that can be set.
//!
//! Where moto falls short of the real AWS matters to whoever reads a test or a demo:
//! - it checks neither signatures nor permissions, unless [`Moto::check_credentials`] is on; even
//!   then, of a policy neither resources nor conditions count. What it always refuses are keys that
//!   are inactive or deleted, and the sessions of users whose temporary credentials a policy denies;
//! - CloudTrail shows events at once, and only those of new keys and new sessions;
//! - a credential report is made the moment it is read, never four hours old, and has no row for
//!   the root user;
//! - `UpdateSecretVersionStage` moves labels wrongly.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use hyper::Request;
use jiff::Timestamp;
use serde_json::json;

use super::http::Client;
use super::python::PythonServer;
use super::venv::{Venv, last_lines};

/// The program that runs moto, with what it leaves out.
const SERVER: &str = concat!(
    include_str!("../../local/credentials.py"),
    include_str!("../../local/moto_server.py")
);

/// A local AWS, until it is dropped. It also ends when the process that started it does.
#[derive(Debug)]
pub struct Moto {
    endpoint: String,
    server: PythonServer,
}

impl Moto {
    /// Starts a local AWS that holds nothing yet.
    pub async fn start(venv: &Venv) -> Result<Self> {
        // AWS's own managed policies exist, as they do in AWS.
        let env = [("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")];
        let server = PythonServer::start::<&str>("the local AWS", venv, SERVER, &[], &env).await?;
        let endpoint = format!("http://127.0.0.1:{}", server.port());
        Ok(Self { endpoint, server })
    }

    /// The URL of every service, as `AWS_ENDPOINT_URL` takes it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The id of the process.
    pub fn process_id(&self) -> Option<u32> {
        self.server.process_id()
    }

    /// Sets the clock, which goes on from there.
    pub async fn set_clock(&self, now: Timestamp) -> Result<()> {
        put_clock(&self.endpoint, now).await
    }

    /// Makes moto check that requests are signed with the secret of an existing key, and allowed by
    /// its owner's policies; or stops that.
    pub async fn check_credentials(&self, check: bool) -> Result<()> {
        let unchecked_requests = if check { "0" } else { "inf" };
        let url = format!("{}/moto-api/reset-auth", self.endpoint);
        let changed = send("POST", &url, unchecked_requests.to_owned()).await;
        changed.context("can't change whether the local AWS checks credentials")
    }

    /// The log of moto: a line for each request, and errors.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

/// Sets a local AWS's clock.
pub(super) async fn put_clock(endpoint: &str, now: Timestamp) -> Result<()> {
    let now = json!({"now": now}).to_string();
    send("PUT", &format!("{endpoint}/banto/clock"), now)
        .await
        .context("can't set the local AWS's clock")
}

/// By a connection of its own: the clock is set after pauses in which an idle one is closed, perhaps
/// just as it is used again.
async fn send(method: &str, url: &str, body: String) -> Result<()> {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .body(Bytes::from(body))?;
    let answer = Client::new().send(request).await?;
    let status = answer.status();
    ensure!(
        status.is_success(),
        "it answered {status}:\n{}",
        last_lines(&String::from_utf8_lossy(answer.body()))
    );
    Ok(())
}

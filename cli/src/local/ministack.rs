//! A local AWS that enforces IAM: ministack in its enforcement mode, on a free loopback port, with a
//! clock that can be set.
//!
//! A request is checked as AWS checks it: its signature, its session, then the caller's policies
//! with their resources and conditions. A caller whose access key id is an account's id is that
//! account's root user, and is not checked. It keeps nothing on disk.
//!
//! Filled in by `cli/local/ministack_server.py`, from the Service Authorization Reference, since
//! without it right policies are refused or wrong ones pass:
//! - the resource of a call about a user or group has its path, and that of `GetAccessKeyLastUsed`
//!   is the key's owner (seen in `iam_actions.extract_resource_arn`: `user/alice`, and `*`);
//! - the resource of a call of Organizations is the account or unit that it names (seen there:
//!   `organization/*`, always);
//! - the resource of SES's `SendEmail` is the sender's identity (seen there: `*`);
//! - a batch of SQS needs the action of a single message (seen in `iam_actions.extract_iam_action`:
//!   `sqs:SendMessageBatch`, which does not exist);
//! - `aws:PrincipalArn` of a session is its role's ARN, so that a record's own policy lets the role
//!   in that it names (seen in `iam_evaluator._resolve_condition_key`: the session's ARN);
//! - the condition keys `kms:MessageType`, `kms:SigningAlgorithm`, `iam:PolicyARN` and
//!   `aws:ResourceOrgID` exist (seen in `app.handle_request`: services have keys of their own for
//!   DynamoDB, S3 and Logs alone);
//! - a client's time is right by the machine's clock or by this one (an SDK signs by the former
//!   until the date of an answer corrects it).
//!
//! Where it falls short of the real AWS all the same:
//! - a secret's own KMS key is never asked for, so nobody needs `kms:Decrypt` (seen in
//!   `services/secretsmanager.py`, which keeps `KmsKeyId` as a text; the scenarios of
//!   `tests/src/evaluator` end without that permission as they do with it);
//! - it has no aggregate calls of AWS Config, and no event source mapping that calls a program
//!   outside of it;
//! - the limit of two access keys is not enforced, `GetAccessKeyLastUsed` never shows a use, and
//!   of two versions of a secret under one `ClientRequestToken` the second is not refused;
//! - CloudTrail shows events at once, without `responseElements`, and names whoever called
//!   `IAMUser`;
//! - an Organization is whatever account first asks for it, and no SCP is evaluated.

use anyhow::Result;
use jiff::Timestamp;

use super::moto::put_clock;
use super::python::PythonServer;
use super::venv::Venv;

/// The program that runs ministack, with what it leaves out.
const SERVER: &str = include_str!("../../local/ministack_server.py");

/// A local AWS that enforces IAM, until it is dropped. It also ends when the process that started
/// it does.
#[derive(Debug)]
pub struct Ministack {
    endpoint: String,
    server: PythonServer,
}

impl Ministack {
    /// Starts a local AWS that holds nothing yet, whose accounts are all of one Organization, as in
    /// `o-exampleorgid`. The environment is that of [`Venv::ensure_enforcing`].
    pub async fn start(venv: &Venv, organization: &str) -> Result<Self> {
        let name = "the local AWS that enforces IAM";
        let env = [("BANTO_ORGANIZATION", organization)];
        let server = PythonServer::start::<&str>(name, venv, SERVER, &[], &env).await?;
        let endpoint = format!("http://127.0.0.1:{}", server.port());
        Ok(Self { endpoint, server })
    }

    /// The URL of every service, as `AWS_ENDPOINT_URL` takes it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sets the clock, which goes on from there. Sessions that began before may then be over.
    pub async fn set_clock(&self, now: Timestamp) -> Result<()> {
        put_clock(&self.endpoint, now).await
    }

    /// Its warnings and errors.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

//! The AWS CLI, which signs people in.

use std::io::ErrorKind;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::show::{Missing, NEEDED};

/// Looks whether the AWS CLI is there and has `aws login`.
///
/// # Errors
/// If it can't be started for another reason than that it isn't there.
pub(super) async fn missing() -> Result<Option<Missing>> {
    let mut command = Command::new("aws");
    command.arg("--version").kill_on_drop(true);
    let answer = match command.output().await {
        Ok(answer) => answer,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(Missing::NoAwsCli)),
        Err(error) => return Err(error).context("the AWS CLI can't be started"),
    };
    // Version 1 has said it on standard error, too.
    let said = [answer.stdout, answer.stderr].concat();
    Ok(too_old(&String::from_utf8_lossy(&said)))
}

/// What is missing by what `aws --version` says, as in `aws-cli/2.32.0 Python/3.13.9 Linux/6.1`.
pub(super) fn too_old(said: &str) -> Option<Missing> {
    let version = said.trim().strip_prefix("aws-cli/");
    let version = version.and_then(|rest| rest.split_whitespace().next());
    let Some(version) = version else {
        return Some(Missing::OldAwsCli(
            "another program of that name".to_owned(),
        ));
    };
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let found = (next(), next(), next());
    (found < NEEDED).then(|| Missing::OldAwsCli(version.to_owned()))
}

/// Has the user sign in, in a browser, and says whether that went well. What the AWS CLI asks and
/// says goes to the terminal.
///
/// # Errors
/// If the AWS CLI can't be started.
pub(super) async fn sign_in(profile: &str, region: Option<&str>, remote: bool) -> Result<bool> {
    let mut command = Command::new("aws");
    command.args(["login", "--profile", profile]);
    if let Some(region) = region {
        command.args(["--region", region]);
    }
    if remote {
        command.arg("--remote");
    }
    let status = command.kill_on_drop(true).status().await;
    Ok(status.context("aws login can't be started")?.success())
}

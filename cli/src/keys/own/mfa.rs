//! A second factor, where AWS wants one for a tag.

use anyhow::{Context as _, Result, bail};
use banto_ports::{ErrorKind, PortError};
use clap::Args;

use super::cloud::Cloud;
use crate::ask;

/// The device and its code, instead of questions.
#[derive(Debug, Clone, Default, Args)]
pub struct Mfa {
    /// The code that your MFA device shows, where AWS wants one. It works once.
    #[arg(long, value_name = "CODE", value_parser = six_digits)]
    pub mfa_code: Option<String>,
    /// The device's serial number or ARN, if you have several.
    #[arg(long, value_name = "ARN")]
    pub mfa_serial: Option<String>,
}

/// Reads a code. (STS API reference, `GetSessionToken`: a sequence of six digits.)
fn six_digits(text: &str) -> Result<String, String> {
    let code = text.trim();
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(code.to_owned());
    }
    Err(
        "the code of an MFA device has six digits: wait for the next one, and call again"
            .to_owned(),
    )
}

/// Those of a user's devices that show codes: passkeys and security keys show none, so that no
/// session can be begun with them but by signing in. (IAM user guide, "Assign MFA devices in the
/// AWS CLI or AWS API".)
pub(crate) fn showing_codes(mut devices: Vec<String>) -> Vec<String> {
    devices.retain(|serial| !serial.contains(":u2f/"));
    devices
}

/// What to do where AWS denied a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Device {
    /// Ask for this device's code.
    Of(String),
    /// Ask which one.
    Several(Vec<String>),
    /// None shows codes.
    None,
}

/// Chooses the device.
pub(super) fn device(named: Option<&str>, devices: Vec<String>) -> Device {
    if let Some(named) = named {
        return Device::Of(named.to_owned());
    }
    let mut devices = showing_codes(devices);
    match (devices.pop(), devices.is_empty()) {
        (None, _) => Device::None,
        (Some(only), true) => Device::Of(only),
        (Some(last), false) => {
            devices.push(last);
            Device::Several(devices)
        }
    }
}

/// Sets a tag of the user; if AWS denies it, once more in a session with a second factor.
pub(super) async fn tag(cloud: &dyn Cloud, mfa: &Mfa, key: &str, value: &str) -> Result<()> {
    let denied = match cloud.tag(key, value).await {
        Ok(()) => return Ok(()),
        Err(error) if error.kind == ErrorKind::Denied => error,
        Err(error) => return Err(error).context("the tag was not set: call again"),
    };
    let serial = serial(cloud, mfa, &denied).await?;
    let code = match &mfa.mfa_code {
        Some(code) => code.clone(),
        None => ask::code(&serial, "--mfa-code CODE")?,
    };
    let code = six_digits(&code).map_err(anyhow::Error::msg)?;
    let session = cloud.with_mfa(&serial, &code).await.with_context(|| {
        format!(
            "no session with {serial}: wait for the next code and call again; a session of \
             `get-session-token` can't begin another, so use your access key or `aws login`"
        )
    })?;
    let tagged = session.tag(key, value).await;
    tagged.with_context(|| {
        format!(
            "AWS does not let you set the tag {key} of your own user, even with a second factor"
        )
    })
}

async fn serial(cloud: &dyn Cloud, mfa: &Mfa, denied: &PortError) -> Result<String> {
    let listed = match &mfa.mfa_serial {
        Some(_) => Ok(Vec::new()),
        None => cloud.mfa_devices().await,
    };
    let devices = listed.with_context(|| {
        format!("{denied}; and your MFA devices can't be listed: name one with --mfa-serial")
    })?;
    match device(mfa.mfa_serial.as_deref(), devices) {
        Device::Of(serial) => Ok(serial),
        Device::Several(devices) => {
            let chosen = ask::choose("Which MFA device?", &devices, "--mfa-serial ARN")?;
            devices
                .into_iter()
                .nth(chosen)
                .context("no device was chosen")
        }
        Device::None => bail!(
            "{denied}. Most likely a second factor is wanted, and your user has no device that \
             shows codes. Register one in the AWS console (Security credentials), or sign in with \
             `aws login`, where passkeys work, and call again with --profile"
        ),
    }
}

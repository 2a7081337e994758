//! The proof of a new key: AWS takes it. That is its first use, too, so that Banto retires the old
//! one.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use banto_aws::Aws;
use banto_ports::{ErrorKind, PortError};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::opened::Opened;
use crate::doctor::value;
use crate::output;

/// Pauses between the questions, in seconds. IAM shows a new key within seconds as a rule, and
/// names no bound ("Changes that I make are not always immediately visible", IAM user guide); a
/// minute is what people wait before they look for another cause.
pub(super) const PAUSES: [u64; 9] = [1, 2, 3, 5, 7, 10, 10, 10, 12];

/// The meaning of AWS's answer to a question that was asked with the new key.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It passes: AWS does not know the key yet, or can't be asked.
    Later,
    /// It stays so.
    Never(&'static str),
}

/// Asks AWS who the new key is of, until it says so.
pub(super) async fn prove<F>(
    opened: &Opened,
    pauses: &[u64],
    mut ask: impl FnMut() -> F,
) -> Result<()>
where
    F: Future<Output = Result<String, PortError>>,
{
    let mut pauses = pauses.iter();
    loop {
        let error = match ask().await {
            Ok(answer) => return is_of(opened, &answer),
            Err(error) => error,
        };
        let key = &opened.key;
        if let Answer::Never(why) = meaning(&error) {
            bail!("AWS refuses the new key {key}: {error}. {why} Nothing was changed");
        }
        let Some(seconds) = pauses.next() else {
            let told = if is_unknown(&error) {
                format!(
                    "AWS does not take the new key {key} yet, and nothing was changed: call again \
                     in some minutes. If its notice is older than a day, take that of your newest key: \
                     this one may be deleted"
                )
            } else {
                format!("AWS can't be asked about the new key {key}, and nothing was changed")
            };
            return Err(anyhow!(error).context(told));
        };
        let why = if is_unknown(&error) {
            format!("AWS does not know {key} yet")
        } else {
            format!("AWS can't be asked about {key} ({})", error.message)
        };
        output::complain(&format!("{why}; asking again in {seconds} s"));
        tokio::time::sleep(Duration::from_secs(*seconds)).await;
    }
}

/// True if AWS answered, and knows no such key.
fn is_unknown(error: &PortError) -> bool {
    matches!(error.kind, ErrorKind::Denied | ErrorKind::UnknownCaller)
}

/// AWS with the new key and nothing else, in a region.
pub(super) fn aws_of(opened: &Opened, region: Option<&str>) -> Result<Aws> {
    let aws = Aws::from_vars(|name| match name {
        "AWS_ACCESS_KEY_ID" => Some(opened.keys.id.clone()),
        "AWS_SECRET_ACCESS_KEY" => Some(opened.keys.secret.expose_secret().to_owned()),
        "AWS_SESSION_TOKEN" => None,
        "AWS_REGION" | "AWS_DEFAULT_REGION" => region.map(str::to_owned),
        _ => std::env::var(name).ok().filter(|value| !value.is_empty()),
    });
    Ok(aws?)
}

/// Asks once.
pub(super) async fn caller(aws: &Aws) -> Result<String, PortError> {
    aws.plain("sts:GetCallerIdentity", None, &json!({})).await
}

fn is_of(opened: &Opened, answer: &str) -> Result<()> {
    let account = value(answer, "Account").unwrap_or_default();
    let arn = value(answer, "Arn").unwrap_or_default();
    let name = format!("/{}", opened.user);
    if account == opened.account.as_str() && arn.ends_with(&name) {
        return Ok(());
    }
    bail!(
        "the new key {} is of {arn}, and not of {} in {}: nothing was changed; tell the security \
         team",
        opened.key,
        opened.user,
        opened.account
    )
}

fn meaning(error: &PortError) -> Answer {
    let says = |code: &str| error.message.starts_with(code);
    if says("SignatureDoesNotMatch") && !error.message.contains("xpired") {
        // AWS knows the key and takes no signature of it.
        return Answer::Never("The secret in the envelope is not that key's.");
    }
    if says("SignatureDoesNotMatch") || says("RequestTimeTooSkewed") || says("RequestExpired") {
        return Answer::Never("The clock of this machine is wrong: set it, and call again.");
    }
    match error.kind {
        ErrorKind::Denied
        | ErrorKind::UnknownCaller
        | ErrorKind::Throttled
        | ErrorKind::NotReady
        | ErrorKind::Unavailable => Answer::Later,
        ErrorKind::Missing
        | ErrorKind::Conflict
        | ErrorKind::LimitExceeded
        | ErrorKind::Unreadable
        | ErrorKind::Invalid => {
            Answer::Never("Call again, and tell whoever operates Banto if it stays so.")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn opened() -> Opened {
        let sealed = br#"{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "SecretAccessKey": "s3cret", "UserName": "alice", "AccountId": "111122223333"}"#;
        Opened::read(sealed).unwrap()
    }

    fn alice(name: &str) -> Result<String, PortError> {
        Ok(format!(
            "<Arn>arn:aws:iam::111122223333:user/developers/{name}</Arn><Account>111122223333</Account>"
        ))
    }

    fn refused(message: &str) -> Result<String, PortError> {
        let kind = ErrorKind::Denied;
        Err(PortError::new(kind, "sts:GetCallerIdentity", message))
    }

    /// Asks with these answers, and returns how often it was asked.
    async fn asked(answers: Vec<Result<String, PortError>>) -> (Result<()>, usize) {
        let count = RefCell::new(0);
        let answers = RefCell::new(answers.into_iter());
        let opened = opened();
        let result = prove(&opened, &[0, 0], || {
            *count.borrow_mut() += 1;
            let answer = answers.borrow_mut().next().unwrap();
            async { answer }
        });
        let result = result.await;
        let count = *count.borrow();
        (result, count)
    }

    const UNKNOWN: &str =
        "InvalidClientTokenId: The security token included in the request is invalid.";

    #[tokio::test]
    async fn a_key_that_aws_does_not_know_yet_is_asked_about_until_it_does() {
        let (proven, count) = asked(vec![refused(UNKNOWN), refused(UNKNOWN), alice("alice")]).await;
        proven.unwrap();
        assert_eq!(count, 3);
        let (unproven, count) =
            asked(vec![refused(UNKNOWN), refused(UNKNOWN), refused(UNKNOWN)]).await;
        let error = format!("{:#}", unproven.unwrap_err());
        assert!(
            error.contains("nothing was changed") && !error.contains("s3cret"),
            "{error}"
        );
        assert_eq!(count, 3);
    }

    #[tokio::test]
    async fn what_time_does_not_mend_is_told_at_once() {
        for (message, why) in [
            (
                "SignatureDoesNotMatch: The request signature does not match",
                "not that key's",
            ),
            ("SignatureDoesNotMatch: Signature expired: 2026", "clock"),
            ("RequestTimeTooSkewed: off", "clock"),
        ] {
            let (result, count) = asked(vec![refused(message)]).await;
            let error = result.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert_eq!(count, 1);
        }
        let (result, _) = asked(vec![alice("mallory")]).await;
        assert!(result.unwrap_err().to_string().contains("security team"));
    }

    #[test]
    fn all_pauses_together_are_a_minute() {
        assert_eq!(PAUSES.iter().sum::<u64>(), 60);
    }
}

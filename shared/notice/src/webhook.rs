//! Posts to Slack's incoming webhooks.

use async_trait::async_trait;
use banto_domain::SlackCloud;
use banto_ports::{PortError, Webhooks};
use banto_tls::TrustedRoots;
use http::{Request, Uri};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::http::{Answered, Http, invalid, is_local, kind_of, refused, said};

const CALL: &str = "slack:post";
/// Most bytes of Slack's answer that are read: it is a word, like `ok` or `invalid_blocks`.
const ANSWER_BYTES: usize = 1024;
/// Where webhooks may be, besides this machine. (Slack's documentation of incoming webhooks.)
const HOSTS: [&str; 2] = [
    SlackCloud::Commercial.webhook_host(),
    SlackCloud::Gov.webhook_host(),
];
/// Paths of webhooks that begin a workflow. (Slack's help, "Build a workflow: Create a workflow that
/// starts outside of Slack".)
const WORKFLOWS: [&str; 2] = ["/triggers/", "/workflows/"];
/// A workflow's webhook answers with status 200 to whatever it takes no variable from.
const WORKFLOW: &str =
    "the URL is a workflow's webhook, which takes only its own variables; make an incoming webhook";

/// Posts to Slack's incoming webhooks. The client is made when it is first needed.
#[derive(Debug)]
pub struct SlackWebhooks(Http);

impl SlackWebhooks {
    /// Webhooks of a Slack whose certificate these authorities vouch for.
    pub fn new(roots: &TrustedRoots) -> Self {
        Self(Http::new(roots))
    }
}

#[async_trait]
impl Webhooks for SlackWebhooks {
    async fn post(&self, url: &SecretString, body: String) -> Result<(), PortError> {
        let uri = checked(url.expose_secret())?;
        let request = Request::post(uri)
            .header("content-type", "application/json")
            .body(Full::from(body));
        let request = request.map_err(|_| invalid(CALL, "the webhook's URL can't be used"))?;
        let answered = self.0.ask(CALL, request, ANSWER_BYTES).await?;
        told(&answered)
    }
}

/// Success if Slack itself took the message: its whole answer is then `ok`. A status of 2xx alone
/// says nothing, for a proxy's page has it, too. (Slack's documentation of incoming webhooks.)
fn told(answered: &Answered) -> Result<(), PortError> {
    let body = std::str::from_utf8(&answered.body)
        .unwrap_or_default()
        .trim();
    if !answered.status.is_success() {
        return Err(refused(CALL, kind_of(answered.status), answered, body));
    }
    if body == "ok" {
        return Ok(());
    }
    let answer: Option<Value> = serde_json::from_str(body).ok();
    let word = answer
        .as_ref()
        .and_then(|answer| answer.get("error")?.as_str())
        .unwrap_or(body);
    let status = answered.status.as_u16();
    let why = format!("HTTP status {status} without Slack's ok{}", said(word));
    Err(invalid(CALL, &why))
}

/// The URL, if an incoming webhook may be there. The error does not repeat it: whoever has it may
/// post.
fn checked(url: &str) -> Result<Uri, PortError> {
    let uri: Uri = url
        .trim()
        .parse()
        .map_err(|_| invalid(CALL, "the webhook's secret is not a URL"))?;
    let host = uri.host().unwrap_or_default();
    let is_slack = match uri.scheme_str() {
        Some("https") => HOSTS.contains(&host) || is_local(host),
        Some("http") => is_local(host),
        _ => false,
    };
    if !is_slack {
        let why = "the webhook's URL is not https://hooks.slack.com/…";
        return Err(invalid(CALL, why));
    }
    if WORKFLOWS.iter().any(|path| uri.path().starts_with(path)) {
        return Err(invalid(CALL, WORKFLOW));
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::{Duration, SystemTime};

    use banto_ports::ErrorKind;

    use super::*;

    /// A server that gives one answer, and the URL of a webhook there.
    fn answering(answer: impl Into<String>) -> String {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/services/confidential",
            listener.local_addr().unwrap()
        );
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"POST /services/confidential HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        url
    }

    async fn post(url: &str) -> Result<(), PortError> {
        SlackWebhooks::new(&TrustedRoots::default())
            .post(&SecretString::from(url), "{\"text\":\"hello\"}".to_owned())
            .await
    }

    #[tokio::test]
    async fn only_slacks_own_ok_is_told() {
        for ok in ["ok", "ok\n"] {
            let length = ok.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{ok}");
            post(&answering(answer)).await.unwrap();
        }
        for (body, says) in [
            (r#"{"ok":true}"#, "HTTP status 200 without Slack's ok"),
            (
                r#"{"ok":false,"error":"channel_not_found"}"#,
                "HTTP status 200 without Slack's ok (channel_not_found)",
            ),
            (
                "no_service",
                "HTTP status 200 without Slack's ok (no_service)",
            ),
            (
                "<html>Please sign in.</html>",
                "HTTP status 200 without Slack's ok",
            ),
            ("OK", "HTTP status 200 without Slack's ok"),
            ("", "HTTP status 200 without Slack's ok"),
        ] {
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            let error = post(&answering(answer)).await.unwrap_err();
            assert_eq!(error, PortError::new(ErrorKind::Invalid, CALL, says));
        }
    }

    #[tokio::test]
    async fn a_pause_that_is_asked_for_by_a_date_is_kept_to() {
        let at = SystemTime::now() + Duration::from_secs(90);
        let answer = format!(
            "HTTP/1.1 429 X\r\nretry-after: {}\r\ncontent-length: 12\r\n\r\nrate_limited",
            httpdate::fmt_http_date(at)
        );
        let error = post(&answering(answer)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Throttled);
        let pause = error.retry_after.unwrap().as_secs();
        assert!((60..=90).contains(&pause), "{pause}");
    }

    #[tokio::test]
    async fn a_workflows_webhook_is_refused_before_anything_is_posted_and_what_is_right_is_said() {
        for url in [
            "https://hooks.slack.com/triggers/T0/1/confidential",
            "https://hooks.slack.com/workflows/T0/A0/1/confidential",
            "https://hooks.slack-gov.com/triggers/T0/1/confidential",
            // Nothing listens there, so that posting would be another error.
            "http://127.0.0.1:1/workflows/T0/A0/1/confidential",
        ] {
            let error = post(url).await.unwrap_err();
            assert_eq!(error, PortError::new(ErrorKind::Invalid, CALL, WORKFLOW));
        }
    }

    #[test]
    fn webhooks_of_both_of_slacks_clouds_are_taken() {
        for host in HOSTS {
            checked(&format!("https://{host}/services/T0/B0/x")).unwrap();
        }
    }

    #[tokio::test]
    async fn what_slack_refuses_is_an_error_of_its_kind() {
        for (answer, kind, says) in [
            (
                "HTTP/1.1 429 X\r\nretry-after: 30\r\ncontent-length: 12\r\n\r\nrate_limited",
                ErrorKind::Throttled,
                "HTTP status 429 (rate_limited), to be tried again after 30 s",
            ),
            (
                "HTTP/1.1 400 X\r\ncontent-length: 14\r\n\r\ninvalid_blocks",
                ErrorKind::Invalid,
                "HTTP status 400 (invalid_blocks)",
            ),
            (
                "HTTP/1.1 404 X\r\ncontent-length: 13\r\n\r\n<html>no</htm",
                ErrorKind::Invalid,
                "HTTP status 404",
            ),
            (
                "HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n",
                ErrorKind::Unavailable,
                "HTTP status 500",
            ),
            (
                "HTTP/1.1 302 X\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
                ErrorKind::Unavailable,
                "HTTP status 302",
            ),
            ("", ErrorKind::Unavailable, "the connection failed"),
        ] {
            let error = post(&answering(answer)).await.unwrap_err();
            let retry_after = (kind == ErrorKind::Throttled).then_some(Duration::from_secs(30));
            assert_eq!(
                error,
                PortError::new(kind, CALL, says).retry_after(retry_after)
            );
        }
    }

    #[tokio::test]
    async fn only_slack_is_posted_to_and_no_error_repeats_the_url() {
        for url in [
            "https://example.com/services/confidential",
            "http://hooks.slack.com/services/confidential",
            "https://hooks.slack.com.example.com/confidential",
            "https://hooks.slack.com@example.com/confidential",
            "not a url, confidential",
        ] {
            let error = post(url).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{url}");
            assert!(!format!("{error:?}").contains("confidential"), "{error}");
        }
    }
}

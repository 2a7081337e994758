//! Posts to Slack's incoming webhooks.

use async_trait::async_trait;
use banto_domain::SlackCloud;
use banto_ports::{PortError, Webhooks};
use banto_tls::TrustedRoots;
use http::{Request, Uri};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};

use crate::http::{Http, invalid, is_local, kind_of, refused};

const CALL: &str = "slack:post";
/// Most bytes of Slack's answer that are read: it is a word, like `ok` or `invalid_blocks`.
const ANSWER_BYTES: usize = 1024;
/// Where webhooks may be, besides this machine. (Slack's documentation of incoming webhooks.)
const HOSTS: [&str; 2] = [
    SlackCloud::Commercial.webhook_host(),
    SlackCloud::Gov.webhook_host(),
];

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
        if answered.status.is_success() {
            return Ok(());
        }
        let word = std::str::from_utf8(&answered.body).unwrap_or_default();
        Err(refused(CALL, kind_of(answered.status), &answered, word))
    }
}

/// The URL, if a webhook may be there. The error does not repeat it: whoever has it may post.
fn checked(url: &str) -> Result<Uri, PortError> {
    let uri: Uri = url
        .trim()
        .parse()
        .map_err(|_| invalid(CALL, "the webhook's secret is not a URL"))?;
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") if HOSTS.contains(&host) || is_local(host) => Ok(uri),
        Some("http") if is_local(host) => Ok(uri),
        _ => Err(invalid(
            CALL,
            "the webhook's URL is not https://hooks.slack.com/…",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    use banto_ports::ErrorKind;

    use super::*;

    /// A server that gives one answer, and the URL of a webhook there.
    fn answering(answer: &'static str) -> String {
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
    async fn only_a_2xx_answer_is_success() {
        post(&answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"))
            .await
            .unwrap();
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

//! Mail.

use async_trait::async_trait;
use banto_ports::{Mail, Mailer, PortError};
use serde_json::json;

use crate::caller::{Caller, Request};

/// Amazon SES, in the function's region. (SES API v2 reference, `SendEmail`.)
#[derive(Debug)]
pub struct Ses {
    caller: Caller,
}

impl Ses {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }
}

#[async_trait]
impl Mailer for Ses {
    /// SES knows no token: a mail whose acceptance was not heard of is sent again.
    async fn send(&self, mail: &Mail) -> Result<(), PortError> {
        let content = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
        let body = json!({
            "FromEmailAddress": mail.from,
            "Destination": { "ToAddresses": mail.to },
            "Content": { "Simple": {
                "Subject": content(&mail.subject),
                "Body": { "Text": content(&mail.text), "Html": content(&mail.html) },
            }},
        });
        self.caller
            .ask(Request::post_json(
                "ses:SendEmail",
                "/v2/email/outbound-emails",
                &body,
            ))
            .await
            .map(drop)
    }
}

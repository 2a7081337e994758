//! Mail.

use std::time::Duration;

use async_trait::async_trait;
use banto_ports::{Attachment, Mail, Mailer, PortError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::caller::{Caller, Request};

/// Amazon SES, in the function's region. (SES API v2 reference, `SendEmail`, `Attachment`.)
#[derive(Debug)]
pub struct Ses {
    caller: Caller,
}

impl Ses {
    /// Mail that takes at most so long to hand over. Each is handed over once: SES knows no token,
    /// and a mail whose acceptance was not heard of would go out again. Whoever sends it knows
    /// whether it may.
    pub(crate) fn new(caller: Caller, timeout: Duration) -> Self {
        Self {
            caller: caller.once(timeout),
        }
    }
}

#[async_trait]
impl Mailer for Ses {
    async fn send(&self, mail: &Mail) -> Result<(), PortError> {
        self.caller
            .ask(Request::post_json(
                "ses:SendEmail",
                "/v2/email/outbound-emails",
                &body(mail),
            ))
            .await
            .map(drop)
    }
}

fn body(mail: &Mail) -> Value {
    let content = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
    let files: Vec<Value> = mail.attachments.iter().map(attachment).collect();
    let files = (!files.is_empty()).then_some(files);
    given(json!({
        "FromEmailAddress": mail.from,
        "Destination": { "ToAddresses": mail.to },
        "ConfigurationSetName": mail.configuration_set,
        "Content": { "Simple": given(json!({
            "Subject": content(&mail.subject),
            "Body": { "Text": content(&mail.text), "Html": content(&mail.html) },
            "Attachments": files,
        })) },
    }))
}

/// SES's default encoding is for text in short lines of ASCII, which no file promises to be.
fn attachment(file: &Attachment) -> Value {
    let is_shown = file.content_id.is_some();
    given(json!({
        "FileName": file.name,
        "ContentType": file.media_type,
        "ContentDisposition": if is_shown { "INLINE" } else { "ATTACHMENT" },
        "ContentId": file.content_id,
        "ContentTransferEncoding": "BASE64",
        "RawContent": STANDARD.encode(&file.body),
    }))
}

/// The fields that are given.
fn given(mut fields: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    fields
}

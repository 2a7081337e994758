//! Requests as AWS gets them from the adapters, for the world to hold them to AWS's models.

pub(crate) mod account;
pub(crate) mod compliance;
pub(crate) mod objects;
pub(crate) mod organization;
pub(crate) mod recording;
pub(crate) mod table;

use banto_ports::{Attachment, Mail};
use serde_json::{Value, json};

/// A mail; the files' bytes are left out, since they may be many and no rule is about them.
pub(crate) fn mail(mail: &Mail) -> Value {
    let content = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
    let file = |file: &Attachment| {
        json!({
            "FileName": file.name,
            "ContentType": file.media_type,
            "ContentDisposition": if file.content_id.is_some() { "INLINE" } else { "ATTACHMENT" },
            "ContentTransferEncoding": "BASE64",
            "ContentId": file.content_id,
            "RawContent": "",
        })
    };
    let files: Vec<Value> = mail.attachments.iter().map(file).collect();
    json!({
        "FromEmailAddress": mail.from,
        "Destination": { "ToAddresses": mail.to },
        "ConfigurationSetName": mail.configuration_set,
        "Content": { "Simple": {
            "Subject": content(&mail.subject),
            "Body": { "Text": content(&mail.text), "Html": content(&mail.html) },
            "Attachments": Some(files).filter(|files| !files.is_empty()),
        } },
    })
}

/// The object that the dashboard reads; its place is the policy's, which the world does not know.
pub(crate) fn dashboard(document: &str) -> Value {
    json!({
        "Bucket": "banto-dashboard",
        "Key": "accounts.json",
        "ContentType": "application/json",
        "Body": document,
    })
}

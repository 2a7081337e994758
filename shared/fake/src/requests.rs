//! Requests as AWS gets them from the adapters, for the world to hold them to AWS's models.

pub(crate) mod account;
pub(crate) mod compliance;
pub(crate) mod organization;
pub(crate) mod recording;
pub(crate) mod table;

use banto_ports::Mail;
use serde_json::{Value, json};

pub(crate) fn mail(mail: &Mail) -> Value {
    let content = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
    json!({
        "FromEmailAddress": mail.from,
        "Destination": { "ToAddresses": mail.to },
        "Content": { "Simple": {
            "Subject": content(&mail.subject),
            "Body": { "Text": content(&mail.text), "Html": content(&mail.html) },
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

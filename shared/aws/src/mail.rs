//! Mail.

use async_trait::async_trait;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use banto_ports::{Mail, Mailer, PortError};

use crate::errors::{lacking, port_error};

const CALL: &str = "ses:SendEmail";

/// Amazon SES, in the function's region.
#[derive(Debug)]
pub struct Ses {
    client: Client,
}

impl Ses {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Mailer for Ses {
    /// SES knows no token: a mail whose acceptance was not heard of is sent again.
    async fn send(&self, mail: &Mail) -> Result<(), PortError> {
        let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
        let message = Message::builder().subject(content(&mail.subject)?).body(body).build();
        let request = self.client.send_email().from_email_address(&mail.from);
        let request = request.destination(Destination::builder().set_to_addresses(Some(mail.to.clone())).build());
        let request = request.content(EmailContent::builder().simple(message).build());
        request.send().await.map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }
}

fn content(text: &str) -> Result<Content, PortError> {
    Content::builder().data(text).charset("UTF-8").build().map_err(|_| lacking(CALL, "a text"))
}

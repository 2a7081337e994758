//! The clock, and the ports of those who send, on the world's state.

use std::time::Duration;

use async_trait::async_trait;
use banto_domain::{SecretArn, TopicArn};
use banto_ports::{
    Clock, Endpoints, ErrorKind, PortError, Secrets, TopicMessage, Topics, Webhooks,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::compliance::answered;
use crate::run::Run;
use crate::view::Sent;
use crate::world::webhook_url;

#[async_trait]
impl Clock for Run {
    fn now(&self) -> Timestamp {
        self.world.function_clock()
    }

    async fn sleep(&self, duration: Duration) {
        self.world.sleep(duration).await;
    }
}

#[async_trait]
impl Secrets for Run {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        let request = json!({ "SecretId": secret });
        self.ask("secretsmanager:GetSecretValue", secret, request, |state| {
            let text = state.secret_texts.get(secret).cloned();
            let text = text.unwrap_or_else(|| webhook_url(secret));
            Ok(SecretString::from(text))
        })
        .await
    }
}

#[async_trait]
impl Webhooks for Run {
    async fn post(&self, _url: &SecretString, body: String) -> Result<(), PortError> {
        const CALL: &str = "slack:post";
        self.ask_receiver(CALL, "", |state| {
            refused(CALL, state.webhooks_fail)?;
            answered(state, CALL, |state| {
                state.sent.push(Sent::Slack(body));
                Ok(())
            })
        })
        .await
    }
}

#[async_trait]
impl Endpoints for Run {
    async fn post(&self, _secret: &SecretString, id: &str, body: String) -> Result<(), PortError> {
        const CALL: &str = "endpoint:post";
        self.ask_receiver(CALL, id, |state| {
            refused(CALL, state.endpoints_fail)?;
            let id = id.to_owned();
            state.sent.push(Sent::Endpoint { id, body });
            Ok(())
        })
        .await
    }
}

/// Fails if a test lets a receiver refuse everything.
fn refused(call: &'static str, fails: Option<ErrorKind>) -> Result<(), PortError> {
    match fails {
        Some(kind) => Err(PortError::new(kind, call, "refused by the test")),
        None => Ok(()),
    }
}

#[async_trait]
impl Topics for Run {
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError> {
        let request = json!({
            "TopicArn": topic,
            "Subject": message.subject,
            "Message": message.body,
            "MessageAttributes": attributes(message),
        });
        self.ask("sns:Publish", topic, request, |state| {
            refused("sns:Publish", state.topics_fail)?;
            state.sent.push(Sent::Topic(topic.clone(), message.clone()));
            Ok(())
        })
        .await
    }
}

fn attributes(message: &TopicMessage) -> Map<String, Value> {
    let attributes = message.attributes.iter().map(|(name, value)| {
        let attribute = json!({ "DataType": "String", "StringValue": value });
        (name.clone(), attribute)
    });
    attributes.collect()
}

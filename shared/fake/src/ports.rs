//! The clock, and the ports of those who send, on the world's state.

use std::time::Duration;

use async_trait::async_trait;
use banto_domain::{SecretArn, TopicArn};
use banto_ports::{Clock, PortError, Secrets, TopicMessage, Topics, Webhooks};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

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
        self.ask("secretsmanager:GetSecretValue", secret, request, |_| {
            Ok(SecretString::from(webhook_url(secret)))
        })
        .await
    }
}

#[async_trait]
impl Webhooks for Run {
    async fn post(&self, _url: &SecretString, body: String) -> Result<(), PortError> {
        self.ask_slack("slack:post", "", |state| match state.webhooks_fail {
            Some(kind) => Err(PortError::new(kind, "slack:post", "refused by the test")),
            None => {
                state.sent.push(Sent::Slack(body));
                Ok(())
            }
        })
        .await
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
            match state.topics_fail {
                Some(kind) => Err(PortError::new(kind, "sns:Publish", "refused by the test")),
                None => {
                    state.sent.push(Sent::Topic(topic.clone(), message.clone()));
                    Ok(())
                }
            }
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

//! Secrets and topics that the policy names by ARN, in whatever region they are.

use async_trait::async_trait;
use aws_sdk_sns::types::MessageAttributeValue;
use banto_domain::{SecretArn, TopicArn};
use banto_ports::{PortError, Secrets, TopicMessage, Topics};
use secrecy::SecretString;

use crate::config::{Aws, Service};
use crate::errors::{lacking, port_error};

/// Secrets by ARN.
#[derive(Debug)]
pub(crate) struct SecretsManager {
    aws: Aws,
}

/// Topics by ARN.
#[derive(Debug)]
pub(crate) struct Sns {
    aws: Aws,
}

impl SecretsManager {
    pub(crate) fn new(aws: Aws) -> Self {
        Self { aws }
    }
}

impl Sns {
    pub(crate) fn new(aws: Aws) -> Self {
        Self { aws }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        let client = aws_sdk_secretsmanager::Client::new(&self.aws.in_region(Service::SecretsManager, secret.region()));
        let answer = client.get_secret_value().secret_id(secret.as_str()).send().await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        answer.secret_string.map(SecretString::from).ok_or_else(|| lacking(CALL, "a text"))
    }
}

#[async_trait]
impl Topics for Sns {
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError> {
        const CALL: &str = "sns:Publish";
        let client = aws_sdk_sns::Client::new(&self.aws.in_region(Service::Sns, topic.region()));
        let mut request = client.publish().topic_arn(topic.as_str()).subject(&message.subject).message(&message.body);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(name, value.map_err(|_| lacking(CALL, "an attribute's type"))?);
        }
        request.send().await.map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }
}

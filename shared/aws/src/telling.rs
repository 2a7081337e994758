//! Secrets and topics that the policy names by ARN, in whatever region they are.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_types::SdkConfig;
use banto_domain::{SecretArn, TopicArn};
use banto_ports::{PortError, Secrets, TopicMessage, Topics};
use secrecy::SecretString;

use crate::config::{Aws, Service};
use crate::errors::{lacking, port_error};

/// A client for each region, made when it is first needed.
#[derive(Debug)]
struct ByRegion<C> {
    aws: Aws,
    clients: Mutex<BTreeMap<String, C>>,
}

/// Secrets by ARN.
#[derive(Debug)]
pub(crate) struct SecretsManager(ByRegion<aws_sdk_secretsmanager::Client>);

/// Topics by ARN.
#[derive(Debug)]
pub(crate) struct Sns(ByRegion<aws_sdk_sns::Client>);

impl<C: Clone> ByRegion<C> {
    fn new(aws: Aws) -> Self {
        Self { aws, clients: Mutex::default() }
    }

    fn client(&self, service: Service, region: &str, make: impl FnOnce(&SdkConfig) -> C) -> C {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || make(&self.aws.in_region(service, region));
        clients.entry(region.to_owned()).or_insert_with(made).clone()
    }
}

impl SecretsManager {
    pub(crate) fn new(aws: Aws) -> Self {
        Self(ByRegion::new(aws))
    }
}

impl Sns {
    pub(crate) fn new(aws: Aws) -> Self {
        Self(ByRegion::new(aws))
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        let client = self.0.client(Service::SecretsManager, secret.region(), aws_sdk_secretsmanager::Client::new);
        let answer = client.get_secret_value().secret_id(secret.as_str()).send().await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        answer.secret_string.map(SecretString::from).ok_or_else(|| lacking(CALL, "a text"))
    }
}

#[async_trait]
impl Topics for Sns {
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError> {
        const CALL: &str = "sns:Publish";
        let client = self.0.client(Service::Sns, topic.region(), aws_sdk_sns::Client::new);
        let mut request = client.publish().topic_arn(topic.as_str()).subject(&message.subject).message(&message.body);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(name, value.map_err(|_| lacking(CALL, "an attribute's type"))?);
        }
        request.send().await.map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }
}

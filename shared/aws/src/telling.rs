//! Secrets and topics that the policy names by ARN, in whatever region they are.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use banto_domain::{SecretArn, TopicArn};
use banto_ports::{PortError, Secrets, TopicMessage, Topics};
use secrecy::SecretString;

use crate::config::{Aws, Service};
use crate::errors::{lacking, port_error};

/// Secrets by ARN.
#[derive(Debug)]
pub(crate) struct SecretsManager {
    aws: Aws,
    /// A client for each region, made when it is first needed.
    clients: Mutex<BTreeMap<String, aws_sdk_secretsmanager::Client>>,
}

/// Topics by ARN. (SNS API reference, version 2010-03-31.)
#[derive(Debug)]
pub(crate) struct Sns(Aws);

impl SecretsManager {
    pub(crate) fn new(aws: Aws) -> Self {
        Self {
            aws,
            clients: Mutex::default(),
        }
    }

    fn client(&self, region: &str) -> aws_sdk_secretsmanager::Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            aws_sdk_secretsmanager::Client::new(
                &self.aws.in_region(Service::SecretsManager, region),
            )
        };
        clients
            .entry(region.to_owned())
            .or_insert_with(made)
            .clone()
    }
}

impl Sns {
    pub(crate) fn new(aws: Aws) -> Self {
        Self(aws)
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn value(&self, secret: &SecretArn) -> Result<SecretString, PortError> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        let client = self.client(secret.region());
        let answer = client
            .get_secret_value()
            .secret_id(secret.as_str())
            .send()
            .await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        answer
            .secret_string
            .map(SecretString::from)
            .ok_or_else(|| lacking(CALL, "a text"))
    }
}

#[async_trait]
impl Topics for Sns {
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError> {
        let mut fields = vec![
            ("TopicArn".to_owned(), topic.as_str()),
            ("Subject".to_owned(), &message.subject),
            ("Message".to_owned(), &message.body),
        ];
        for (number, (name, value)) in (1..).zip(&message.attributes) {
            let entry = format!("MessageAttributes.entry.{number}");
            fields.push((format!("{entry}.Name"), name));
            fields.push((format!("{entry}.Value.DataType"), "String"));
            fields.push((format!("{entry}.Value.StringValue"), value));
        }
        let caller = self.0.caller_in(Service::Sns, topic.region());
        caller
            .query("sns:Publish", "2010-03-31", &fields)
            .await
            .map(drop)
    }
}

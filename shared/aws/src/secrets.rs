//! Secrets that the policy names by ARN, in whatever region they are.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use banto_domain::SecretArn;
use banto_ports::{PortError, Secrets};
use secrecy::SecretString;

use crate::config::Aws;
use crate::errors::{lacking, port_error};
use crate::service::Service;

/// Secrets by ARN.
#[derive(Debug)]
pub(crate) struct SecretsManager {
    aws: Aws,
    /// A client for each region, made when it is first needed.
    clients: Mutex<BTreeMap<String, aws_sdk_secretsmanager::Client>>,
}

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

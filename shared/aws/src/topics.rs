//! SNS topics that the policy names by ARN, in whatever region they are.

use async_trait::async_trait;
use banto_domain::TopicArn;
use banto_ports::{PortError, TopicMessage, Topics};

use crate::config::Aws;
use crate::service::Service;

/// Topics by ARN. (SNS API reference, version 2010-03-31.)
#[derive(Debug)]
pub(crate) struct Sns(Aws);

impl Sns {
    pub(crate) fn new(aws: Aws) -> Self {
        Self(aws)
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

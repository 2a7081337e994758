//! Any call of a service, as data: what `banto doctor` asks, and no function does.
//!
//! Signatures, retries and time-outs are those of every other call here, so that a probe proves
//! what the functions rely on.

use aws_credential_types::Credentials;
use banto_domain::Partition;
use banto_ports::{ErrorKind, PortError};
use serde_json::Value;

use crate::caller::{Caller, Request, encoded_path, encoded_query};
use crate::config::Aws;
use crate::service::Service;

/// A service's way of being asked. (botocore's `service-2.json`: protocol, version, target prefix.)
enum Protocol {
    Query(&'static str),
    Json(&'static str, &'static str),
    Rest,
}

/// Headers that a plain call may have.
const HEADERS: [&str; 3] = ["if-none-match", "content-type", "x-amz-account-id"];

impl Aws {
    /// The same AWS with other credentials: those of a user or a session that was just made.
    pub fn with_keys(&self, id: &str, secret: &str, token: Option<&str>) -> Self {
        let token = token.map(str::to_owned);
        self.with_credentials(Credentials::new(id, secret, token, None, "a probe"))
    }

    /// Asks `call`, as in `iam:CreateUser`, in a region, or in this one. Services of the query and
    /// of the JSON protocol take their arguments by name, others `method`, `bucket`, `path`,
    /// `query` (names and values), `headers` and `body`.
    ///
    /// # Errors
    /// If AWS refuses the call or can't be asked, or the call is of a service that isn't known.
    pub async fn plain(
        &self,
        call: &'static str,
        region: Option<&str>,
        arguments: &Value,
    ) -> Result<String, PortError> {
        let Some((service, protocol)) = protocol(call) else {
            return Err(PortError::new(
                ErrorKind::Invalid,
                call,
                "no such service is known",
            ));
        };
        let own = self.region().to_string();
        let partition = self.region().partition();
        let region = match service {
            // IAM and Organizations are signed for one region. (AWS General Reference, "Service
            // endpoints and quotas".)
            Service::Organizations if partition == Partition::AwsCn => "cn-northwest-1",
            Service::Iam | Service::Organizations => partition.iam_region(),
            _ => region.unwrap_or(&own),
        };
        let caller = self.caller_in(service, region);
        let request = match protocol {
            Protocol::Query(version) => {
                let fields: Vec<(&String, String)> = arguments
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name, text(value)))
                    .collect();
                let fields: Vec<(&str, &str)> = fields
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                return caller.query(call, version, &fields).await;
            }
            Protocol::Json(version, target) => {
                let operation = call.split_once(':').map_or(call, |(_, name)| name);
                Request::aws_json(call, version, &format!("{target}.{operation}"), arguments)
            }
            Protocol::Rest => rest(call, service, &caller, arguments),
        };
        let body = caller.ask(request).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// A string as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn rest(call: &'static str, service: Service, caller: &Caller, arguments: &Value) -> Request {
    let string = |name: &str| arguments.get(name).map(text).unwrap_or_default();
    let host = string("bucket");
    let mut path = encoded_path(&string("path"));
    let mut host_prefix = (!host.is_empty()).then_some(host);
    if caller.is_elsewhere() {
        let bucket = host_prefix.take().filter(|_| service == Service::S3);
        path = bucket.map_or(path.clone(), |bucket| format!("/{bucket}{path}"));
    }
    let query: Vec<String> = arguments
        .get("query")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", encoded_query(&text(value))))
        .collect();
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let header = |name: &'static str| Some((name, text(arguments.get("headers")?.get(name)?)));
    Request {
        method: match string("method").as_str() {
            "PUT" => "PUT",
            "POST" => "POST",
            "DELETE" => "DELETE",
            _ => "GET",
        },
        host_prefix,
        headers: HEADERS.into_iter().filter_map(header).collect(),
        body: string("body").into_bytes(),
        ..Request::get(call, path)
    }
}

fn protocol(call: &str) -> Option<(Service, Protocol)> {
    use Protocol::{Json, Query, Rest};
    Some(match call.split_once(':')?.0 {
        "athena" => (Service::Athena, Json("1.1", "AmazonAthena")),
        "autoscaling" => (Service::AutoScaling, Query("2011-01-01")),
        "cloudformation" => (Service::CloudFormation, Query("2010-05-15")),
        "cloudtrail" => (
            Service::CloudTrail,
            Json(
                "1.1",
                "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
            ),
        ),
        "cloudwatch" => (Service::CloudWatch, Query("2010-08-01")),
        "config" => (Service::Config, Json("1.1", "StarlingDoveService")),
        "dynamodb" => (Service::DynamoDb, Json("1.0", "DynamoDB_20120810")),
        "ec2" => (Service::Ec2, Query("2016-11-15")),
        "elasticache" => (Service::ElastiCache, Query("2015-02-02")),
        "events" => (Service::Events, Json("1.1", "AWSEvents")),
        "iam" => (Service::Iam, Query("2010-05-08")),
        "kms" => (Service::Kms, Json("1.1", "TrentService")),
        "lambda" => (Service::Lambda, Rest),
        "organizations" => (
            Service::Organizations,
            Json("1.1", "AWSOrganizationsV20161128"),
        ),
        "rds" => (Service::Rds, Query("2014-10-31")),
        "redshift" => (Service::Redshift, Query("2012-12-01")),
        "s3" => (Service::S3, Rest),
        "s3-control" => (Service::S3Control, Rest),
        "scheduler" => (Service::Scheduler, Rest),
        "secretsmanager" => (Service::SecretsManager, Json("1.1", "secretsmanager")),
        "ses" => (Service::SesV2, Rest),
        "sns" => (Service::Sns, Query("2010-03-31")),
        "sqs" => (Service::Sqs, Json("1.0", "AmazonSQS")),
        "sts" => (Service::Sts, Query("2011-06-15")),
        _ => return None,
    })
}

//! An AWS where all is well.

use std::sync::OnceLock;

use banto_domain::QueueUrl;
use banto_domain::record::{Pin, Record};
use banto_fake::KeyPair;
use banto_seal::holder::{Holder, Kind, Lifetime};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::check::{Ask, Whom};
use super::now;

/// The Organization's id.
pub(super) const ORGANIZATION: &str = "o-a1b2c3d4e5";
/// The queues of all functions.
const QUEUES: [&str; 4] = [
    "banto-rotation",
    "banto-accounts",
    "banto-compliance",
    "banto-deliveries",
];

/// A certificate and its fingerprint, made once.
fn alice() -> &'static (String, String) {
    static ALICE: OnceLock<(String, String)> = OnceLock::new();
    ALICE.get_or_init(|| certificate(None))
}

/// A certificate that ends so many days from now.
pub(super) fn certificate(days: Option<i64>) -> (String, String) {
    let lifetime = Lifetime {
        from: now() - SignedDuration::from_hours(24 * 90),
        until: days.map(|days| now() + SignedDuration::from_hours(24 * days)),
    };
    let holder = Holder::generate("Alice <alice@example.com>", Kind::Curve25519, lifetime).unwrap();
    (
        holder.certificate().unwrap(),
        holder.fingerprint().to_string(),
    )
}

pub(super) fn fingerprint() -> &'static str {
    &alice().1
}

/// A listing of the certificates, with the day on which alice's was stored.
pub(super) fn listing(at: &str) -> String {
    format!(
        "<ListBucketResult><Contents><Key>certs/alice.asc</Key><LastModified>{at}</LastModified>\
         </Contents></ListBucketResult>"
    )
}

/// A role of the pipeline that trusts these subjects.
pub(super) fn role(operator: &str, subjects: &Value) -> String {
    let condition = json!({operator: {"token.actions.githubusercontent.com:sub": subjects}});
    let trust = json!({"Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
    }]});
    let trust = percent_encoding::utf8_percent_encode(
        &trust.to_string(),
        percent_encoding::NON_ALPHANUMERIC,
    )
    .to_string();
    format!(
        "<member><RoleName>pipeline-plan-management</RoleName>\
         <AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument></member>"
    )
}

pub(super) fn subjects() -> Value {
    json!([
        "repo:example-org/banto:pull_request",
        "repo:example-org@123/banto@456:pull_request",
    ])
}

/// The datapoints of a metric.
pub(super) fn points(name: &str, value: &str) -> String {
    format!(
        "<Datapoints><member><Timestamp>2026-11-27T03:00:00Z</Timestamp><{name}>{value}</{name}>\
         </member></Datapoints>"
    )
}

/// The answers of AWS and Slack.
pub(super) fn healthy(ask: &Ask) -> String {
    let json = match ask.call {
        "organizations:DescribeOrganization" => {
            json!({"Organization": {"FeatureSet": "ALL", "Id": ORGANIZATION}})
        }
        "organizations:ListAWSServiceAccessForOrganization" => json!({"EnabledServicePrincipals": [
            {"ServicePrincipal": "config.amazonaws.com"},
            {"ServicePrincipal": "config-multiaccountsetup.amazonaws.com"},
            {"ServicePrincipal": "member.org.stacksets.cloudformation.amazonaws.com"},
        ]}),
        "organizations:ListDelegatedAdministrators" => {
            json!({"DelegatedAdministrators": [{"Id": "444455556666"}]})
        }
        "config:ListConfigurationRecorders" => {
            json!({"ConfigurationRecorderSummaries": [{"name": "banto"}]})
        }
        "config:DescribeConfigurationRecorders" => {
            json!({"ConfigurationRecorders": [{"name": "banto"}]})
        }
        "config:DescribeConfigurationRecorderStatus" => json!({"ConfigurationRecordersStatus": [
            {"name": "banto", "recording": true, "lastStatus": "SUCCESS"},
        ]}),
        "config:DescribeDeliveryChannels" => json!({"DeliveryChannels": [
            {"name": "banto", "s3BucketName": "banto-log-archive-444455556666"},
        ]}),
        "config:DescribeDeliveryChannelStatus" => json!({"DeliveryChannelsStatus": [
            {"name": "banto", "configHistoryDeliveryInfo": {"lastStatus": "SUCCESS"}},
        ]}),
        "config:DescribeOrganizationConfigRuleStatuses" => {
            json!({"OrganizationConfigRuleStatuses": [
                {"OrganizationConfigRuleName": "encrypted-volumes", "OrganizationRuleStatus": "CREATE_SUCCESSFUL"},
            ]})
        }
        "sqs:GetQueueAttributes" => queue(ask),
        "lambda:GetFunctionConfiguration" => {
            json!({"State": "Active", "LastUpdateStatus": "Successful"})
        }
        "lambda:ListEventSourceMappings" => mappings(&QUEUES),
        "scheduler:ListSchedules" => json!({"Schedules": [
            {"Name": "daily", "State": "ENABLED", "CreationDate": 1_700_000_000.5},
        ]}),
        "dynamodb:DescribeTable" => json!({"Table": {"TableStatus": "ACTIVE"}}),
        "secretsmanager:DescribeSecret" => {
            json!({"DeletedDate": null, "VersionIdsToStages": {"v": ["AWSCURRENT"]}})
        }
        "secretsmanager:GetResourcePolicy" => json!({"ResourcePolicy": policy_of_record()}),
        "secretsmanager:GetSecretValue" => record(None, &KeyPair::of_kms()),
        "secretsmanager:ListSecrets" => {
            json!({"SecretList": [{"Name": "banto/access-keys/alice"}]})
        }
        "slack:auth.test" => {
            json!({"ok": true, "scopes": "chat:write,channels:history,users:read"})
        }
        "slack:conversations.history" => json!({"ok": true}),
        "ses:GetEmailIdentity" => json!({
            "VerifiedForSendingStatus": true, "DkimAttributes": {"Status": "SUCCESS"},
        }),
        "ses:GetAccount" => json!({"SendingEnabled": true, "ProductionAccessEnabled": true}),
        _ => return in_xml(ask),
    };
    json.to_string()
}

/// An empty queue, and where its dead letters go.
fn queue(ask: &Ask) -> Value {
    let arguments = arguments(ask);
    let url: QueueUrl = arguments["QueueUrl"].as_str().unwrap().parse().unwrap();
    let dead = json!({"deadLetterTargetArn": format!("{}-dead", url.arn().unwrap())});
    json!({"Attributes": {
        "ApproximateNumberOfMessages": "0", "RedrivePolicy": dead.to_string(),
    }})
}

/// Event source mappings of these queues, all of them on.
pub(super) fn mappings(queues: &[&str]) -> Value {
    let on = |name: &&str| {
        let source = format!("arn:aws:sqs:ap-northeast-1:444455556666:{name}");
        json!({"State": "Enabled", "EventSourceArn": source})
    };
    json!({"EventSourceMappings": queues.iter().map(on).collect::<Vec<_>>()})
}

/// Alice's record, in which this certificate counts as hers, as this key has signed it.
pub(super) fn record(pin: Option<Pin>, by: &KeyPair) -> Value {
    let id = "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap();
    let record = Record {
        pin,
        ..Record::first(id)
    };
    let text = record.to_text(&"111122223333".parse().unwrap(), &"alice".parse().unwrap());
    json!({"SecretString": by.signed(&text), "VersionId": "v", "CreatedDate": 1_795_000_000.25})
}

fn policy_of_record() -> String {
    json!({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]}).to_string()
}

fn in_xml(ask: &Ask) -> String {
    match ask.call {
        "cloudformation:DescribeStackSet" => "<DriftStatus>IN_SYNC</DriftStatus>".to_owned(),
        "cloudformation:ListStackInstances" => "<Summaries/>".to_owned(),
        "cloudwatch:DescribeAlarms" => "<MetricAlarms/>".to_owned(),
        "cloudwatch:GetMetricStatistics" => match arguments(ask)["Namespace"].as_str() {
            Some("AWS/Scheduler") => points("Sum", "1.0"),
            _ => "<Datapoints/>".to_owned(),
        },
        "sns:ListSubscriptionsByTopic" => {
            "<Subscriptions><member><SubscriptionArn>arn:aws:sns:a:1:b:c</SubscriptionArn></member></Subscriptions>"
                .to_owned()
        }
        "s3:ListBucket" => listing("2026-09-01T00:00:00Z"),
        "s3:GetObject" => alice().0.clone(),
        "iam:ListRoles" => role("StringEquals", &subjects()),
        call => panic!("{call} has no answer"),
    }
}

pub(super) fn arguments(ask: &Ask) -> Value {
    match &ask.whom {
        Whom::Aws { arguments, .. } => arguments.clone(),
        Whom::Slack(..) => Value::Null,
    }
}

//! A fault for each thing that is looked at: the call that shows it, and what it answers.

use serde_json::{Value, json};

use super::super::check::{Ask, Level, Topic};
use super::healthy::{certificate, listing, mappings as mapped, points, role};
use super::{IDENTITY, LOG_ARCHIVE, MANAGEMENT};
use crate::doctor::probe::{Answer, Refused};

pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) account: &'static str,
    /// The call.
    call: &'static str,
    /// What its arguments hold.
    about: &'static str,
    pub(super) answer: Answer,
    pub(super) topic: Topic,
    pub(super) level: Level,
}

impl Fault {
    pub(super) fn strikes(&self, ask: &Ask) -> bool {
        ask.call == self.call && format!("{:?}", ask.whom).contains(self.about)
    }
}

pub(super) fn refused(call: &'static str, code: &str) -> Refused {
    Refused {
        call,
        code: code.to_owned(),
        words: String::new(),
        is_silent: code == "Throttling",
    }
}

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = of_management();
    faults.extend(of_recorders());
    faults.extend(of_queues());
    faults.extend(of_functions());
    faults.extend(of_secrets());
    faults.extend(of_slack());
    faults.extend(of_mail_and_topics());
    faults.extend(of_identity());
    faults
}

type Seen = (&'static str, &'static str, Result<Value, &'static str>);

fn fault(
    name: &'static str,
    account: &'static str,
    (call, about, answer): Seen,
    topic: Topic,
    level: Level,
) -> Fault {
    // XML comes as a text.
    let text = |answer: Value| {
        answer
            .as_str()
            .map_or_else(|| answer.to_string(), str::to_owned)
    };
    Fault {
        name,
        account,
        call,
        about,
        answer: answer.map(text).map_err(|code| refused(call, code)),
        topic,
        level,
    }
}

fn of_management() -> Vec<Fault> {
    let services = "organizations:ListAWSServiceAccessForOrganization";
    let none_trusted = json!({"EnabledServicePrincipals": [
        {"ServicePrincipal": "config.amazonaws.com"},
        {"ServicePrincipal": "config-multiaccountsetup.amazonaws.com"},
    ]});
    let billing = json!({"Organization": {"FeatureSet": "CONSOLIDATED_BILLING"}});
    let failed = json!(
        "<Summaries><member><Account>444455556666</Account><Region>us-east-1</Region>\
         <StatusReason>Role banto-forward-us-east-1 exists</StatusReason><StackInstanceStatus>\
         <DetailedStatus>FAILED</DetailedStatus></StackInstanceStatus></member></Summaries>"
    );
    let rules = "config:DescribeOrganizationConfigRuleStatuses";
    let not_updated = json!({"OrganizationConfigRuleStatuses": [{
        "OrganizationConfigRuleName": "encrypted-volumes", "OrganizationRuleStatus": "UPDATE_FAILED",
        "ErrorMessage": "Some accounts have no recorder",
    }]});
    let failed_rule = json!({"OrganizationConfigRuleStatuses": [{
        "OrganizationConfigRuleName": "encrypted-volumes", "OrganizationRuleStatus": "CREATE_FAILED",
        "ErrorCode": "OrganizationConfigRuleExecution", "ErrorMessage": "Some accounts have no recorder",
    }]});
    let any = json!("repo:example-org/*");
    let (at, trust, sets) = (MANAGEMENT, Topic::TrustedAccess, Topic::StackSets);
    let instances = "cloudformation:ListStackInstances";
    let delegates = "organizations:ListDelegatedAdministrators";
    let old = json!(["repo:example-org/banto:pull_request"]);
    let new = json!(["repo:example-org@123/banto@456:pull_request"]);
    let roles = |operator, own: &Value| ("iam:ListRoles", "", Ok(json!(role(operator, own))));
    vec![
        fault(
            "untrusted",
            at,
            (services, "", Ok(none_trusted)),
            trust,
            Level::Error,
        ),
        fault(
            "billing-only",
            at,
            ("organizations:DescribeOrganization", "", Ok(billing)),
            trust,
            Level::Error,
        ),
        fault(
            "no-delegate",
            at,
            (delegates, "", Ok(json!({}))),
            trust,
            Level::Error,
        ),
        fault(
            "stacks-failed",
            at,
            (instances, "banto-baseline", Ok(failed.clone())),
            sets,
            Level::Warning,
        ),
        fault(
            "forwarding-failed",
            at,
            (instances, "banto-event-forwarding", Ok(failed)),
            sets,
            Level::Error,
        ),
        fault(
            "stack-set-drifted",
            at,
            (
                "cloudformation:DescribeStackSet",
                "banto-baseline",
                Ok(json!("<DriftStatus>DRIFTED</DriftStatus>")),
            ),
            sets,
            Level::Warning,
        ),
        fault(
            "stack-set-missing",
            at,
            (
                "cloudformation:DescribeStackSet",
                "banto-baseline",
                Err("StackSetNotFoundException"),
            ),
            sets,
            Level::Error,
        ),
        fault(
            "rule-failed",
            at,
            (rules, "us-east-1", Ok(failed_rule)),
            Topic::Rules,
            Level::Error,
        ),
        fault(
            "rule-not-updated",
            at,
            (rules, "us-east-1", Ok(not_updated)),
            Topic::Rules,
            Level::Error,
        ),
        fault(
            "no-rules",
            at,
            (rules, "us-east-1", Ok(json!({}))),
            Topic::Rules,
            Level::Note,
        ),
        fault(
            "any-subject",
            at,
            roles("StringLike", &any),
            Topic::Pipeline,
            Level::Error,
        ),
        fault(
            "no-subject-with-ids",
            at,
            roles("StringEquals", &old),
            Topic::Pipeline,
            Level::Error,
        ),
        fault(
            "no-subject-without-ids",
            at,
            roles("StringEquals", &new),
            Topic::Pipeline,
            Level::Error,
        ),
        fault(
            "no-pipeline",
            at,
            ("iam:ListRoles", "", Ok(json!("<Roles/>"))),
            Topic::Pipeline,
            Level::Note,
        ),
    ]
}

fn of_recorders() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Recorders, Level::Error);
    let status = "config:DescribeConfigurationRecorderStatus";
    let channels = "config:DescribeDeliveryChannels";
    let stopped = json!({"ConfigurationRecordersStatus": [{"name": "banto", "recording": false}]});
    let failing = json!({"ConfigurationRecordersStatus": [{
        "name": "banto", "recording": true, "lastStatus": "FAILURE", "lastErrorCode": "AccessDenied",
        "lastErrorMessage": "the role can't be assumed",
    }]});
    let linked = json!({"ConfigurationRecorders": [
        {"name": "AWSConfigurationRecorderForSecurityHub", "servicePrincipal": "securityhub.amazonaws.com"},
    ]});
    let undelivered = json!({"DeliveryChannelsStatus": [{"configSnapshotDeliveryInfo": {
        "lastStatus": "FAILURE", "lastErrorCode": "InsufficientDeliveryPolicyException",
    }}]});
    let elsewhere = json!({"DeliveryChannels": [{"s3BucketName": "somebody-else"}]});
    vec![
        fault(
            "recorder-stopped",
            at,
            (status, "us-east-1", Ok(stopped)),
            topic,
            error,
        ),
        fault(
            "recorder-fails",
            at,
            (status, "us-east-1", Ok(failing)),
            topic,
            error,
        ),
        fault(
            "recorder-of-a-service",
            at,
            (
                "config:DescribeConfigurationRecorders",
                "us-east-1",
                Ok(linked),
            ),
            topic,
            error,
        ),
        fault(
            "no-channel",
            at,
            (channels, "us-east-1", Ok(json!({}))),
            topic,
            error,
        ),
        fault(
            "channel-elsewhere",
            at,
            (channels, "us-east-1", Ok(elsewhere)),
            topic,
            Level::Warning,
        ),
        fault(
            "not-delivered",
            at,
            (
                "config:DescribeDeliveryChannelStatus",
                "us-east-1",
                Ok(undelivered),
            ),
            topic,
            error,
        ),
    ]
}

fn of_queues() -> Vec<Fault> {
    let attributes = "sqs:GetQueueAttributes";
    let three = json!({"Attributes": {"ApproximateNumberOfMessages": "3"}});
    let one = json!({"Attributes": {"ApproximateNumberOfMessages": "1"}});
    let undying = json!({"Attributes": {"ApproximateNumberOfMessages": "0"}});
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Queues, Level::Error);
    let gone = Err("AWS.SimpleQueueService.NonExistentQueue");
    vec![
        fault(
            "dead-letters",
            at,
            (attributes, "banto-deliveries-dead", Ok(three)),
            topic,
            error,
        ),
        fault(
            "failed-runs",
            at,
            (attributes, "banto-notify-compliance-failed", Ok(one)),
            topic,
            error,
        ),
        fault(
            "no-dead-letter-queue",
            at,
            (attributes, "666/banto-deliveries\"", Ok(undying)),
            topic,
            error,
        ),
        fault(
            "no-queue",
            at,
            (attributes, "666/banto-deliveries\"", gone),
            topic,
            error,
        ),
        fault(
            "queue-denied",
            at,
            (attributes, "666/banto-deliveries\"", Err("AccessDenied")),
            topic,
            Level::Blind,
        ),
    ]
}

fn of_functions() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Functions, Level::Error);
    let name = "banto-notify-compliance";
    let off = json!({"Schedules": [{"Name": "daily", "State": "DISABLED"}]});
    let broken = json!({"State": "Failed", "StateReason": "The key is disabled"});
    let mapping = json!({"EventSourceMappings": [{
        "State": "Disabled", "UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2",
        "EventSourceArn": "arn:aws:sqs:ap-northeast-1:444455556666:banto-compliance",
    }, {
        "State": "Enabled",
        "EventSourceArn": "arn:aws:sqs:ap-northeast-1:444455556666:banto-deliveries",
    }]});
    let (ready, mappings) = (
        "lambda:GetFunctionConfiguration",
        "lambda:ListEventSourceMappings",
    );
    let schedules = "scheduler:ListSchedules";
    let alarm = json!(
        "<MetricAlarms><member><AlarmName>banto-notify-compliance-errors</AlarmName></member></MetricAlarms>"
    );
    let table = json!({"Table": {"TableStatus": "ARCHIVED"}});
    let statistics = "cloudwatch:GetMetricStatistics";
    let bad = |id, answer| fault(id, at, answer, topic, error);
    vec![
        bad("function-failed", (ready, name, Ok(broken))),
        bad(
            "function-missing",
            (ready, name, Err("ResourceNotFoundException")),
        ),
        bad("mapping-off", (mappings, name, Ok(mapping))),
        bad("no-mapping", (mappings, name, Ok(json!({})))),
        bad(
            "mapping-missing",
            (mappings, name, Ok(mapped(&["banto-compliance"]))),
        ),
        bad("schedule-off", (schedules, name, Ok(off))),
        bad(
            "no-schedule",
            (schedules, name, Ok(json!({"Schedules": []}))),
        ),
        fault(
            "schedule-missed",
            at,
            (statistics, name, Ok(json!("<Datapoints/>"))),
            topic,
            Level::Warning,
        ),
        fault(
            "alarm",
            at,
            ("cloudwatch:DescribeAlarms", "", Ok(alarm)),
            Topic::Alarms,
            Level::Warning,
        ),
        fault(
            "table-archived",
            at,
            ("dynamodb:DescribeTable", "", Ok(table)),
            Topic::Storage,
            error,
        ),
    ]
}

fn of_secrets() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Secrets, Level::Error);
    let (describe, policy) = (
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
    );
    let stranger = json!({"ResourcePolicy": json!({"Statement": {
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "secretsmanager:Get*", "Resource": "*",
    }}).to_string()});
    let everybody = json!({"ResourcePolicy": json!({"Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": ["secretsmanager:GetSecretValue"], "Resource": "*",
    }]}).to_string()});
    let bound = |key: &str, to: &str| {
        json!({"ResourcePolicy": json!({"Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue",
            "Resource": "*", "Condition": {"StringEquals": {key: to}},
        }]}).to_string()})
    };
    let other_organization = bound("aws:PrincipalOrgID", "o-someoneelse");
    let other_account = bound("aws:PrincipalAccount", "123456789012");
    let other_role = bound("aws:PrincipalArn", "arn:aws:iam::123456789012:role/any");
    let token = "banto/slack/token";
    let bad = |id, answer| fault(id, at, answer, topic, error);
    vec![
        bad("stranger-reads", (policy, token, Ok(stranger))),
        bad("everybody-reads", (policy, token, Ok(everybody))),
        bad(
            "other-organization-reads",
            (policy, token, Ok(other_organization)),
        ),
        bad("other-account-reads", (policy, token, Ok(other_account))),
        bad("other-role-reads", (policy, token, Ok(other_role))),
        bad("secret-empty", (describe, token, Ok(json!({})))),
        bad(
            "secret-deleted",
            (describe, token, Ok(json!({"DeletedDate": 1.5e9}))),
        ),
        fault(
            "record-open",
            IDENTITY,
            (policy, "banto/access-keys/alice", Ok(json!({}))),
            topic,
            error,
        ),
    ]
}

fn of_slack() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Slack, Level::Error);
    let (test, history) = ("slack:auth.test", "slack:conversations.history");
    let no = |word: &str| Ok(json!({"ok": false, "error": word}));
    let few = json!({"ok": true, "scopes": "chat:write,users:read"});
    vec![
        fault(
            "token-revoked",
            at,
            (test, "", no("token_revoked")),
            topic,
            error,
        ),
        fault("scope-missing", at, (test, "", Ok(few)), topic, error),
        fault(
            "scopes-unknown",
            at,
            (test, "", Ok(json!({"ok": true, "scopes": null}))),
            topic,
            Level::Blind,
        ),
        fault(
            "channel-missing",
            at,
            (history, "C024BE91L", no("channel_not_found")),
            topic,
            error,
        ),
        fault(
            "not-in-channel",
            at,
            (history, "C024BE91L", no("not_in_channel")),
            topic,
            error,
        ),
        fault(
            "channel-archived",
            at,
            (history, "C024BE91L", no("is_archived")),
            topic,
            error,
        ),
    ]
}

fn of_mail_and_topics() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Mail, Level::Error);
    let (identity, account) = ("ses:GetEmailIdentity", "ses:GetAccount");
    let pending = json!({"VerifiedForSendingStatus": false});
    let unsigned = json!({
        "VerifiedForSendingStatus": true, "DkimAttributes": {"Status": "FAILED"},
    });
    let sandbox = json!({"SendingEnabled": true, "ProductionAccessEnabled": false});
    let paused = json!({"SendingEnabled": false, "ProductionAccessEnabled": true});
    let unconfirmed = json!(
        "<Subscriptions><member><SubscriptionArn>PendingConfirmation</SubscriptionArn>\
         <Protocol>email</Protocol><Endpoint>sre@example.com</Endpoint></member></Subscriptions>"
    );
    let hook = json!(
        "<Subscriptions><member><SubscriptionArn>PendingConfirmation</SubscriptionArn>\
         <Protocol>https</Protocol><Endpoint>https://bot:hush@hooks.example.com/hush?key=hush&amp;to=all\
         </Endpoint></member></Subscriptions>"
    );
    let (list, subscriptions) = ("sns:ListSubscriptionsByTopic", Topic::Subscriptions);
    let bad = |id, answer| fault(id, at, answer, topic, error);
    vec![
        bad("sender-unknown", (identity, "", Err("NotFoundException"))),
        bad("sender-unverified", (identity, "", Ok(pending))),
        fault(
            "sender-unsigned",
            at,
            (identity, "", Ok(unsigned)),
            topic,
            Level::Warning,
        ),
        bad("sandbox", (account, "", Ok(sandbox))),
        bad("mail-paused", (account, "", Ok(paused))),
        fault(
            "unconfirmed",
            at,
            (list, "banto-operators", Ok(unconfirmed)),
            subscriptions,
            Level::Warning,
        ),
        fault(
            "unconfirmed-address",
            at,
            (list, "banto-operators", Ok(hook)),
            subscriptions,
            Level::Warning,
        ),
        fault(
            "nobody-subscribed",
            at,
            (list, "banto-operators", Ok(json!("<r/>"))),
            subscriptions,
            Level::Warning,
        ),
        fault(
            "no-alarm-topic",
            at,
            (list, "banto-alarms", Err("NotFound")),
            subscriptions,
            Level::Note,
        ),
    ]
}

fn of_identity() -> Vec<Fault> {
    let (at, topic) = (IDENTITY, Topic::Certificates);
    let (body, list) = ("s3:GetObject", "s3:ListBucket");
    let ends = json!(certificate(Some(12)).0);
    let ended = json!(certificate(Some(-3)).0);
    let young = json!(listing("2026-11-26T12:00:00Z"));
    let old = json!({"Attributes": {"ApproximateNumberOfMessages": "2"}});
    let missing = Err("NoSuchBucket");
    vec![
        fault(
            "certificate-ends",
            at,
            (body, "", Ok(ends)),
            topic,
            Level::Warning,
        ),
        fault(
            "certificate-ended",
            at,
            (body, "", Ok(ended)),
            topic,
            Level::Warning,
        ),
        fault(
            "no-certificate",
            at,
            (body, "", Ok(json!("not a certificate"))),
            topic,
            Level::Warning,
        ),
        fault(
            "certificate-denied",
            at,
            (body, "", Err("AccessDenied")),
            topic,
            Level::Blind,
        ),
        fault(
            "pin-in-grace",
            at,
            (list, "prefix", Ok(young)),
            topic,
            Level::Note,
        ),
        fault(
            "bucket-missing",
            at,
            (list, "max-keys", missing),
            Topic::Storage,
            Level::Error,
        ),
        fault(
            "requests-dead",
            at,
            ("sqs:GetQueueAttributes", "banto-rotation-dead", Ok(old)),
            Topic::Queues,
            Level::Error,
        ),
    ]
}

/// The age of dead letters, which comes from CloudWatch.
#[test]
fn the_oldest_dead_letter_has_its_date() {
    let policy = super::policy();
    let here = super::here(&policy, LOG_ARCHIVE);
    let all = faults();
    let dead = all
        .iter()
        .find(|fault| fault.name == "dead-letters")
        .unwrap();
    let findings = super::found(&here, |ask| {
        let is_age = format!("{:?}", ask.whom).contains("ApproximateAgeOfOldestMessage");
        match ask.call {
            _ if dead.strikes(ask) => dead.answer.clone(),
            "cloudwatch:GetMetricStatistics" if is_age => Ok(points("Maximum", "345600.0")),
            _ => Ok(super::healthy(ask)),
        }
    });
    let told = findings
        .iter()
        .find(|finding| finding.said.level == Level::Error);
    assert_eq!(
        told.unwrap().said.words,
        "3 messages, the oldest of 4 days ago (23 Nov 2026)"
    );
}

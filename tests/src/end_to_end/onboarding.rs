//! onboard-accounts, the real binary behind the real Runtime API, on a local AWS (moto).
//!
//! moto has no account:ListRegions and no StackSets that carry AWS Config: every enabled region,
//! and the way by StackSet, are tested in memory and on the wire only.

use std::collections::BTreeSet;
use std::time::Duration;

use banto::local::organization::{DASHBOARD, Organization, TABLE, config, created};
use banto::local::proxy::{Fault, Rule};
use banto::local::runtime_api::InvocationError;
use banto_fake::PolicyText;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::local::{ACCOUNT as MANAGEMENT, Local, REGION};

/// The timeout of the function. (docs/OPERATIONS.md.)
const TIMEOUT: Duration = Duration::from_mins(15);

const REGIONS: [&str; 2] = [REGION, "us-east-1"];

/// What roles and settings have besides.
const NO_SECRETS: &str = r#"inline_policies = { no-secrets = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}' }"#;
const MORE_SETTINGS: &str = r#"delete_default_vpc = true
contacts = { security = { name = "Alice", title = "Security", email = "security@example.com", phone = "1" } }"#;

struct Harness {
    local: Local,
    organization: Organization,
    policy: PolicyText,
}

impl Harness {
    async fn set() -> Self {
        let local = Local::of("onboard-accounts").await;
        let organization = Organization::create(&local.aws).await.unwrap();
        let webhook = local
            .aws
            .create_secret("banto/slack/operators", &local.slack.webhook("operators"))
            .await
            .unwrap();
        let webhooks =
            format!("[notices.slack]\noperators = \"{webhook}\"\nowners = \"{webhook}\"\n");
        let accounts = organization.policy_section(MANAGEMENT, &REGIONS);
        let policy = local.least_policy().await.and(&webhooks).and(&accounts);
        let policy = policy
            .with_lines("onboarding.roles.readonly", NO_SECRETS)
            .with(
                "{ minimum_length = 16 }",
                "{ minimum_length = 16, max_age_days = 365 }",
            )
            .with_lines("onboarding.settings", MORE_SETTINGS);
        Self {
            local,
            organization,
            policy,
        }
    }

    async fn invoke(&self, event: &Value) -> Result<Value, InvocationError> {
        let mut function = self.local.start(&self.policy).await.unwrap();
        let answer = function.invoke(event, TIMEOUT).await;
        function.stop().await;
        answer
    }

    /// Works the queue off, time passing where messages wait, until it is empty.
    async fn settle(&mut self) {
        for _ in 0..40 {
            let mut function = self.local.start(&self.policy).await.unwrap();
            let worked = self
                .organization
                .queue
                .work_off(&mut function, TIMEOUT)
                .await;
            let log = function.stop().await;
            let worked = worked
                .unwrap_or_else(|error| panic!("{error:#}\n{}", String::from_utf8_lossy(&log)));
            if worked.is_empty() {
                if self.organization.queue.waiting().await.unwrap() == 0 {
                    return;
                }
                self.local.advance(SignedDuration::from_mins(3)).await;
            }
        }
        panic!(
            "the queue does not empty: {:?}",
            self.organization.statuses().await
        );
    }

    async fn status(&self, account: &str) -> (Value, Option<String>) {
        let statuses = self.organization.statuses().await.unwrap();
        statuses
            .into_iter()
            .find(|(status, _)| status["account"] == account)
            .unwrap_or_else(|| panic!("no {account}"))
    }

    async fn is_in_place(&self, account: &str) -> bool {
        let (status, _) = self.status(account).await;
        let rows = status["regions"]
            .as_object()
            .unwrap()
            .values()
            .chain([&status["global"]]);
        rows.into_iter().all(|row| row["condition"] == "inPlace")
    }

    async fn config(&self, account: &str, region: &str, operation: &str, input: &Value) -> Value {
        let inside = self
            .organization
            .inside(account)
            .await
            .unwrap()
            .in_region(region);
        config(&inside, operation, input).await.unwrap()
    }

    async fn ec2(
        &self,
        account: &str,
        region: &str,
        operation: &str,
        input: &[(&str, &str)],
    ) -> String {
        let inside = self.organization.inside(account).await.unwrap();
        let answer = inside
            .in_region(region)
            .query("ec2", "2016-11-15", operation, input)
            .await;
        answer.unwrap()
    }

    fn told(&self) -> String {
        format!("{:?}", self.local.slack.posts())
    }
}

fn scheduled() -> Value {
    serde_json::from_str(include_str!(
        "../../../functions/onboard-accounts/tests/events/scheduled.json"
    ))
    .unwrap()
}

#[tokio::test]
async fn every_account_comes_to_its_baseline_whatever_state_it_is_in() {
    let mut harness = Harness::set().await;
    let fresh = harness
        .organization
        .create_account("payments")
        .await
        .unwrap();
    let recorded = harness.organization.create_account("search").await.unwrap();
    let closed = harness.organization.create_account("former").await.unwrap();
    harness.organization.close_account(&closed).await.unwrap();
    let existing = json!({ "ConfigurationRecorder": {
        "name": "default", "roleARN": format!("arn:aws:iam::{recorded}:role/config"),
        "recordingGroup": { "allSupported": false, "resourceTypes": ["AWS::EC2::Instance"] },
    } });
    harness
        .config(
            &recorded,
            "us-east-1",
            "PutConfigurationRecorder",
            &existing,
        )
        .await;
    // The fresh account's role can't be assumed at first.
    harness.local.proxy.inject(Rule {
        operation: Some("sts:AssumeRole".into()),
        first: 1,
        times: 3,
        fault: Fault::Denied,
    });

    harness.invoke(&scheduled()).await.unwrap();
    harness.settle().await;

    for account in [&fresh, &recorded] {
        assert!(
            harness.is_in_place(account).await,
            "{:#}",
            harness.status(account).await.0
        );
        for region in REGIONS {
            let status = harness
                .config(
                    account,
                    region,
                    "DescribeConfigurationRecorderStatus",
                    &json!({}),
                )
                .await;
            assert_eq!(
                status["ConfigurationRecordersStatus"][0]["recording"], true,
                "{account} {region}"
            );
        }
    }
    assert_eq!(
        harness.status(&closed).await.0["global"]["condition"],
        "leftAlone"
    );
    let recorders = harness
        .config(
            &recorded,
            "us-east-1",
            "DescribeConfigurationRecorders",
            &json!({}),
        )
        .await;
    let recorder = &recorders["ConfigurationRecorders"][0];
    assert_eq!(
        (
            &recorder["name"],
            &recorder["recordingGroup"]["allSupported"]
        ),
        (&json!("default"), &json!(true))
    );
    let inside = harness.organization.inside(&fresh).await.unwrap();
    let roles = inside.iam("ListRoles", &[]).await.unwrap();
    assert!(
        roles.contains("<RoleName>admin</RoleName>")
            && roles.contains("<MaxSessionDuration>14400</MaxSessionDuration>"),
        "{roles}"
    );
    let dashboard: Value = serde_json::from_str(
        &harness
            .local
            .aws
            .object(DASHBOARD, "accounts.json")
            .await
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        dashboard["counts"],
        json!({ "in place": 3, "left alone": 1 }),
        "the management account too"
    );
    assert_eq!(harness.organization.queue.dead().await.unwrap(), 0);

    // A second round writes nothing but the time of the look.
    harness.local.proxy.reset();
    harness.invoke(&scheduled()).await.unwrap();
    harness.settle().await;
    let is_read = |call: &str| {
        ["Describe", "Get", "List", "Scan", "Assume"]
            .iter()
            .any(|verb| call.split(':').nth(1).unwrap().starts_with(verb))
    };
    let writes: BTreeSet<String> = harness
        .local
        .proxy
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .filter(|call| !is_read(call))
        .collect();
    let expected = [
        "dynamodb:UpdateItem",
        "s3:PutObject",
        "sqs:SendMessageBatch",
    ]
    .map(str::to_owned);
    assert_eq!(writes, BTreeSet::from(expected));
}

#[tokio::test]
async fn a_created_account_is_announced_in_slack_through_throttling_and_failures_on_the_wire() {
    for fault in [Fault::Throttled, Fault::InternalError, Fault::LostAnswer] {
        let mut harness = Harness::set().await;
        let account = harness
            .organization
            .create_account("payments")
            .await
            .unwrap();
        for call in [
            "organizations:DescribeAccount",
            "sqs:SendMessageBatch",
            "iam:CreateRole",
            "config:PutConfigurationRecorder",
            "dynamodb:UpdateItem",
            "ec2:EnableEbsEncryptionByDefault",
        ] {
            harness.local.proxy.inject(Rule::nth(call, 1, fault));
        }
        harness
            .invoke(&created(&account, harness.local.now))
            .await
            .unwrap();
        harness.settle().await;
        assert!(
            harness.is_in_place(&account).await,
            "{fault:?}: {:#}",
            harness.status(&account).await.0
        );
        assert!(
            harness.told().contains("is ready"),
            "{fault:?}: {}",
            harness.told()
        );
        assert!(
            harness.told().contains("signin.aws.amazon.com/switchrole"),
            "{fault:?}: {}",
            harness.told()
        );
    }
}

/// The text of the first element of that name.
fn text_of<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!("<{name}>"))?;
    rest.split('<').next()
}

#[tokio::test]
async fn a_new_accounts_default_vpcs_are_deleted_but_not_one_that_is_used() {
    let mut harness = Harness::set().await;
    let organization = &harness.organization;
    let account = organization.create_account("payments").await.unwrap();
    let [unused, used] = REGIONS;
    let default_vpc = [
        ("Filter.1.Name", "is-default"),
        ("Filter.1.Value.1", "true"),
    ];
    let vpcs = harness
        .ec2(&account, used, "DescribeVpcs", &default_vpc)
        .await;
    let vpc = text_of(&vpcs, "vpcId").unwrap();
    let gateway = harness
        .ec2(&account, used, "CreateVpnGateway", &[("Type", "ipsec.1")])
        .await;
    let gateway = text_of(&gateway, "vpnGatewayId").unwrap();
    let attachment = [("VpnGatewayId", gateway), ("VpcId", vpc)];
    harness
        .ec2(&account, used, "AttachVpnGateway", &attachment)
        .await;

    let event = created(&account, harness.local.now);
    harness.invoke(&event).await.unwrap();
    harness.settle().await;
    let (status, _) = harness.status(&account).await;
    assert!(harness.is_in_place(&account).await, "{status:#}");
    for (region, left) in [(unused, None), (used, Some(vpc))] {
        let vpcs = harness
            .ec2(&account, region, "DescribeVpcs", &default_vpc)
            .await;
        assert_eq!(text_of(&vpcs, "vpcId"), left, "{region}");
        let subnets = harness.ec2(&account, region, "DescribeSubnets", &[]).await;
        assert_eq!(text_of(&subnets, "vpcId"), left, "{region}");
    }
}

#[tokio::test]
async fn drift_is_repaired_and_told_and_a_dry_run_shows_it_first() {
    let mut harness = Harness::set().await;
    let account = harness
        .organization
        .create_account("payments")
        .await
        .unwrap();
    harness
        .invoke(&created(&account, harness.local.now))
        .await
        .unwrap();
    harness.settle().await;
    let inside = harness.organization.inside(&account).await.unwrap();
    let extra = [
        ("RoleName", "readonly"),
        ("PolicyArn", "arn:aws:iam::aws:policy/IAMFullAccess"),
    ];
    inside.iam("AttachRolePolicy", &extra).await.unwrap();
    harness
        .config(
            &account,
            "us-east-1",
            "StopConfigurationRecorder",
            &json!({ "ConfigurationRecorderName": "banto" }),
        )
        .await;

    let plan = harness
        .invoke(&json!({ "accounts": [account], "dryRun": true }))
        .await
        .unwrap();
    let diff = plan["diff"].as_str().unwrap();
    assert!(
        diff.contains("- role readonly: policy arn:aws:iam::aws:policy/IAMFullAccess"),
        "{diff}"
    );
    assert!(
        diff.contains("~ recorder banto: stopped → recording"),
        "{diff}"
    );
    assert!(
        diff.contains("Plan: 0 to add, 1 to change, 1 to delete."),
        "{diff}"
    );

    harness
        .invoke(&json!({ "accounts": [account] }))
        .await
        .unwrap();
    harness.settle().await;
    assert!(
        harness.is_in_place(&account).await,
        "{:#}",
        harness.status(&account).await.0
    );
    let attached = inside
        .iam("ListAttachedRolePolicies", &[("RoleName", "readonly")])
        .await
        .unwrap();
    assert!(!attached.contains("IAMFullAccess"), "{attached}");
    assert!(
        harness.told().contains("Repaired") && harness.told().contains("IAMFullAccess"),
        "{}",
        harness.told()
    );
    let items = harness
        .local
        .aws
        .json(
            "dynamodb",
            "DynamoDB_20120810",
            "Scan",
            &json!({ "TableName": TABLE }),
        )
        .await
        .unwrap();
    let untold: Vec<&Value> = items["Items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item.get("repairs").is_some())
        .collect();
    assert!(untold.is_empty(), "{untold:?}");
}

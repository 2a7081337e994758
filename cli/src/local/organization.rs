//! An Organization on the local AWS: its accounts, and the queue, table and bucket of
//! onboard-accounts.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::aws::Aws;
use super::queue::Queue;

const ORGANIZATIONS: &str = "AWSOrganizationsV20161128";
const DYNAMODB: &str = "DynamoDB_20120810";
const CONFIG: &str = "StarlingDoveService";

/// The table of accounts.
pub const TABLE: &str = "banto-accounts";
/// The bucket that the dashboard reads.
pub const DASHBOARD: &str = "banto-dashboard";

/// An Organization, as its management account sees it.
#[derive(Debug, Clone)]
pub struct Organization {
    management: Aws,
    /// The queue of accounts that wait.
    pub queue: Queue,
}

impl Organization {
    /// Makes an Organization of the caller's account, with the queue, table and bucket that the
    /// function needs.
    pub async fn create(management: &Aws) -> Result<Self> {
        management
            .json(
                "organizations",
                ORGANIZATIONS,
                "CreateOrganization",
                &json!({ "FeatureSet": "ALL" }),
            )
            .await?;
        let queue = Queue::create(management, "banto-accounts").await?;
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "account", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "account", "AttributeType": "S" }],
        });
        management
            .json("dynamodb", DYNAMODB, "CreateTable", &table)
            .await?;
        management.create_bucket(DASHBOARD).await?;
        Ok(Self {
            management: management.clone(),
            queue,
        })
    }

    /// A policy's section on accounts: each gets two roles that `trusted` may assume, settings, and
    /// AWS Config in these regions, the first of which is the home region.
    pub fn policy_section(&self, trusted: &str, regions: &[&str]) -> String {
        let home = regions.first().copied().unwrap_or_default();
        format!(
            r#"[onboarding]
way = "direct"
management_account = "{trusted}"
home_region = "{home}"
regions = {regions:?}
queue = "{queue}"
table = "{TABLE}"
dashboard = {{ bucket = "{DASHBOARD}" }}

[onboarding.config]
bucket = "banto-log-archive"

[onboarding.roles.admin]
trusted = ["{trusted}"]
max_session_hours = 4
managed_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]

[onboarding.roles.readonly]
trusted = ["{trusted}"]
managed_policies = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]

[onboarding.settings]
password_policy = {{ minimum_length = 16 }}
block_public_access = true
ebs_encryption = true
"#,
            queue = self.queue.url,
        )
    }

    /// Creates an account; answers its id.
    pub async fn create_account(&self, name: &str) -> Result<String> {
        let account = json!({ "AccountName": name, "Email": format!("{name}@example.com") });
        let answer = self
            .management
            .json("organizations", ORGANIZATIONS, "CreateAccount", &account)
            .await?;
        let id = answer
            .pointer("/CreateAccountStatus/AccountId")
            .and_then(Value::as_str);
        id.map(str::to_owned)
            .context("the local AWS tells no account id")
    }

    /// Closes an account, which is then suspended.
    pub async fn close_account(&self, id: &str) -> Result<()> {
        let account = json!({ "AccountId": id });
        self.management
            .json("organizations", ORGANIZATIONS, "CloseAccount", &account)
            .await
            .map(drop)
    }

    /// The ids and names of the active accounts.
    pub async fn active_accounts(&self) -> Result<Vec<(String, String)>> {
        let nothing = json!({});
        let answer = self
            .management
            .json("organizations", ORGANIZATIONS, "ListAccounts", &nothing)
            .await?;
        let accounts = answer.get("Accounts").and_then(Value::as_array);
        let active = accounts.into_iter().flatten().filter_map(|account| {
            let field = |name: &str| account.get(name)?.as_str().map(str::to_owned);
            Some((field("Id")?, field("Name")?))
                .filter(|_| field("Status").as_deref() == Some("ACTIVE"))
        });
        Ok(active.collect())
    }

    /// Tags an account.
    pub async fn tag_account(&self, id: &str, tags: &[(&str, &str)]) -> Result<()> {
        let tags: Vec<Value> = tags
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        let request = json!({ "ResourceId": id, "Tags": tags });
        self.management
            .json("organizations", ORGANIZATIONS, "TagResource", &request)
            .await
            .map(drop)
    }

    /// A caller inside an account.
    pub async fn inside(&self, id: &str) -> Result<Aws> {
        let role = format!("arn:aws:iam::{id}:role/OrganizationAccountAccessRole");
        let credentials = self.management.assume_role(&role).await?;
        Ok(self.management.with_key(&credentials.access_key_id))
    }

    /// The recorded status of each account, and what people were told of it.
    pub async fn statuses(&self) -> Result<Vec<(Value, Option<String>)>> {
        let answer = self
            .management
            .json("dynamodb", DYNAMODB, "Scan", &json!({ "TableName": TABLE }))
            .await?;
        let items = answer
            .get("Items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let statuses = items.iter().filter_map(|item| {
            let status = serde_json::from_str(item.pointer("/status/S")?.as_str()?).ok()?;
            Some((
                status,
                item.pointer("/lastNotified/S")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            ))
        });
        let mut statuses: Vec<(Value, Option<String>)> = statuses.collect();
        statuses.sort_by_key(|(status, _)| status["account"].to_string());
        Ok(statuses)
    }
}

/// Any operation of AWS Config.
pub async fn config(aws: &Aws, operation: &str, input: &Value) -> Result<Value> {
    aws.json("config", CONFIG, operation, input).await
}

/// An event of EventBridge about a created account, in Organizations' own odd dates and with its
/// name masked.
pub fn created(account: &str, now: Timestamp) -> Value {
    let date = now.strftime("%b %-d, %Y %-I:%M:%S %p").to_string();
    json!({
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS Service Event via CloudTrail",
        "source": "aws.organizations",
        "account": "111122223333",
        "time": now,
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "eventSource": "organizations.amazonaws.com",
            "eventName": "CreateAccountResult",
            "awsRegion": "us-east-1",
            "eventType": "AwsServiceEvent",
            "requestParameters": null,
            "responseElements": null,
            "recipientAccountId": "111122223333",
            "serviceEventDetails": {
                "createAccountStatus": {
                    "id": "car-examplecreateaccountrequestid111",
                    "state": "SUCCEEDED",
                    "accountName": "****",
                    "accountId": account,
                    "requestedTimestamp": date,
                    "completedTimestamp": date,
                },
            },
        },
    })
}

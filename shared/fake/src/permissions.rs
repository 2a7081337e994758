//! The one table of what a call needs in IAM, and what a policy allows of it.
//!
//! A call is named in three ways: as the ports and the world name it, as AWS's models name its
//! operation, and as IAM names the action that it needs. Most have one name. This table has those
//! that differ, and the further actions that an operation needs.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::slice;

use serde_json::Value;

/// What operations need that need something else than the action of their own name. "SAR" is the
/// Service Authorization Reference, which has a page for each service.
const ACTIONS: [(&str, &[&str]); 14] = [
    // SAR knows no action for batches: who may send a message may send a batch. (SQS API reference,
    // `AddPermission`, `ActionName.N`.)
    ("sqs:SendMessageBatch", &["sqs:SendMessage"]),
    // SAR, "Amazon S3": these actions refer to these two operations.
    ("s3:ListObjectsV2", &["s3:ListBucket"]),
    ("s3:ListObjectVersions", &["s3:ListBucketVersions"]),
    // SAR, "Amazon S3": S3 Control's operations on an account are S3's actions.
    (
        "s3control:GetPublicAccessBlock",
        &["s3:GetAccountPublicAccessBlock"],
    ),
    (
        "s3control:PutPublicAccessBlock",
        &["s3:PutAccountPublicAccessBlock"],
    ),
    // SAR knows no action for it: each part needs the permission of a single write, and a check one
    // of its own. (DynamoDB developer guide, "Using IAM with DynamoDB transactions".)
    (TRANSACTION, &[PUT, UPDATE, DELETE, CHECK]),
    // The recorder is handed a role. SAR names no dependent action here, and every service that is
    // handed a role asks for this one. (IAM user guide, "Grant a user permissions to pass a role to
    // an AWS service".)
    (
        "config:PutConfigurationRecorder",
        &["config:PutConfigurationRecorder", "iam:PassRole"],
    ),
    // Tags at a secret's or a role's creation. SAR names no dependent action, the references do.
    // (Secrets Manager API reference, `CreateSecret`, "Required permissions"; IAM user guide, "Tag
    // IAM roles".)
    (
        "secretsmanager:CreateSecret",
        &["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
    ),
    ("iam:CreateRole", &["iam:CreateRole", "iam:TagRole"]),
    // One call of the port, and not one of EC2's: it looks at a default VPC and at everything that
    // may use it, which shared/aws/src/default_vpc/lists.rs lists.
    ("ec2:DescribeVpcs", LOOK_AT_DEFAULT_VPC),
    // Likewise: the adapter detaches a gateway before it deletes it.
    (
        "ec2:DeleteInternetGateway",
        &["ec2:DetachInternetGateway", "ec2:DeleteInternetGateway"],
    ),
    // Webhooks and tokens are encrypted with a customer managed key, for which callers need the
    // permission; records with `aws/secretsmanager`, for which nobody does. (Secrets Manager user
    // guide, "Secret encryption and decryption", "Permissions for the KMS key".)
    (
        WEBHOOK_READ,
        &["secretsmanager:GetSecretValue", "kms:Decrypt"],
    ),
    // An object of a version, and one that is not there: without the second S3 answers 403 where it
    // would answer 404. (S3 API reference, `GetObject`, "Permissions".)
    (VERSION_READ, &["s3:GetObjectVersion"]),
    (MISSING_OBJECT, &["s3:ListBucket"]),
];

const TRANSACTION: &str = "dynamodb:TransactWriteItems";
const PUT: &str = "dynamodb:PutItem";
const UPDATE: &str = "dynamodb:UpdateItem";
const DELETE: &str = "dynamodb:DeleteItem";
const CHECK: &str = "dynamodb:ConditionCheckItem";
const WEBHOOK_READ: &str = "secretsmanager:GetSecretValue of another key";
const VERSION_READ: &str = "s3:GetObject of a version";
/// The answer that there is no such object.
pub(crate) const MISSING_OBJECT: &str = "s3:GetObject of nothing";

/// Everything that may be in a default VPC or use it, as the adapter lists it.
const LOOK_AT_DEFAULT_VPC: &[&str] = &[
    "autoscaling:DescribeAutoScalingGroups",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeEgressOnlyInternetGateways",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTransitGatewayVpcAttachments",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "ec2:DescribeVpnGateways",
    "elasticache:DescribeCacheSubnetGroups",
    "lambda:ListFunctions",
    "rds:DescribeDBSubnetGroups",
    "redshift:DescribeClusterSubnetGroups",
];

/// A statement of a policy, and one of its actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// The policy, as [`Permissions::new`] was told.
    pub policy: &'static str,
    /// The name of the statement; empty where it has none.
    pub sid: &'static str,
    /// The action, as in `iam:GetUser`.
    pub action: &'static str,
}

/// A policy, as far as it allows.
#[derive(Debug)]
pub struct Permissions {
    name: &'static str,
    statements: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    sid: String,
    actions: Vec<String>,
    resources: Vec<String>,
}

/// An action, and the resource that it is needed on, where the request names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    action: String,
    resource: Option<String>,
}

thread_local! {
    static USED: RefCell<BTreeSet<Permission>> = const { RefCell::new(BTreeSet::new()) };
}

/// Everything that this thread's calls have needed since it was asked last.
pub fn take_used_permissions() -> BTreeSet<Permission> {
    USED.take()
}

/// The actions that an operation needs, whatever the request.
pub fn actions_of(operation: &str) -> Vec<&str> {
    let other = ACTIONS.iter().find(|(name, _)| *name == operation);
    other.map_or_else(|| vec![operation], |(_, actions)| actions.to_vec())
}

/// What a call needs.
pub(crate) fn needs_of(operation: &str, requests: &[Value]) -> Vec<Need> {
    if requests.is_empty() {
        return needs(operation, &Value::Null);
    }
    let each = requests
        .iter()
        .flat_map(|request| needs(operation, request));
    each.collect()
}

fn needs(operation: &str, request: &Value) -> Vec<Need> {
    let kind = match operation {
        "secretsmanager:GetSecretValue" if !is_record(request) => WEBHOOK_READ,
        "s3:GetObject" if request["VersionId"].is_string() => VERSION_READ,
        "iam:CreateRole" | "secretsmanager:CreateSecret" if !has_tags(request) => {
            return vec![need(operation, request)];
        }
        TRANSACTION => return parts(request).map(|part| need(part, request)).collect(),
        other => other,
    };
    let actions = actions_of(kind);
    let need = |action: &str| need(action, request);
    actions.into_iter().map(need).collect()
}

/// The writes of a transaction, as single ones.
fn parts(request: &Value) -> impl Iterator<Item = &'static str> {
    let items = request["TransactItems"].as_array().cloned();
    let items = items.unwrap_or_default().into_iter();
    items.filter_map(|item| {
        let (kind, _) = item.as_object()?.iter().next()?;
        let kinds = [("Put", PUT), ("Update", UPDATE), ("Delete", DELETE)];
        let known = kinds.iter().find(|(name, _)| name == kind);
        Some(known.map_or(CHECK, |(_, action)| *action))
    })
}

fn has_tags(request: &Value) -> bool {
    let tags = request["Tags"].as_array();
    tags.is_some_and(|tags| !tags.is_empty())
}

fn is_record(request: &Value) -> bool {
    let id = request["SecretId"].as_str().unwrap_or_default();
    id.starts_with("banto/access-keys/") || id.contains(":secret:banto/access-keys/")
}

fn need(action: &str, request: &Value) -> Need {
    Need {
        action: action.to_owned(),
        resource: resource_of(action, request),
    }
}

/// The ARN that an action is needed on, as far as statements are told apart by it.
fn resource_of(action: &str, request: &Value) -> Option<String> {
    let text = |name: &str| request[name].as_str();
    match action.split_once(':')?.0 {
        "s3" => {
            let bucket = text("Bucket")?;
            let key = text("Key").filter(|_| !action.starts_with("s3:List"));
            Some(match key {
                Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
                None => format!("arn:aws:s3:::{bucket}"),
            })
        }
        "secretsmanager" => {
            let id = text("SecretId").or_else(|| text("Name"))?;
            let is_arn = id.starts_with("arn:");
            Some(match is_arn {
                true => id.to_owned(),
                false => {
                    format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{id}-AbCdEf")
                }
            })
        }
        "kms" => {
            text("SecretId")?;
            Some("arn:aws:kms:eu-west-1:111122223333:key/secrets".to_owned())
        }
        "organizations" => {
            let id = text("ChildId")?;
            let kind = if id.starts_with("ou-") {
                "ou"
            } else {
                "account"
            };
            let organization = "arn:aws:organizations::999988887777";
            Some(format!("{organization}:{kind}/o-exampleorgid/{id}"))
        }
        _ => None,
    }
}

impl Permissions {
    /// Reads a policy's template: each variable has the value given, or any.
    #[expect(
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a policy that can't be read is to fail every test; JSON that lacks a key is null"
    )]
    pub fn new(name: &'static str, template: &str, variables: &[(&str, &str)]) -> Self {
        let mut text = template.to_owned();
        for (variable, value) in variables {
            text = text.replace(&format!("${{{variable}}}"), value);
        }
        let policy: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let statements = several(&policy["Statement"]);
        let allowed = statements.iter().filter(|one| one["Effect"] == "Allow");
        let statement = |one: &Value| Statement {
            sid: one["Sid"].as_str().unwrap_or_default().to_owned(),
            actions: texts(&one["Action"]),
            resources: texts(&one["Resource"]),
        };
        Self {
            name,
            statements: allowed.map(statement).collect(),
        }
    }

    /// The name of the policy, as [`Self::new`] was told.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Everything that the policy allows.
    pub fn all(&'static self) -> BTreeSet<Permission> {
        let statements = self.statements.iter();
        let each =
            statements.flat_map(|one| one.actions.iter().map(|action| self.named(one, action)));
        each.collect()
    }

    /// The permissions that these needs are met by. A need that none meets is a defect.
    #[expect(
        clippy::panic,
        reason = "a call that AWS would deny is a defect of the policy"
    )]
    pub(crate) fn meet(&'static self, call: &str, needs: &[Need]) -> Vec<Permission> {
        let met = needs.iter().map(|need| {
            let found = self.find(need);
            found.unwrap_or_else(|| {
                panic!(
                    "{call} needs {need:?}, and the policy {} lacks it",
                    self.name
                )
            })
        });
        let met: Vec<Permission> = met.collect();
        USED.with_borrow_mut(|used| used.extend(&met));
        met
    }

    /// The actions that an operation needs and the policy does not allow. An answer of 404 is one
    /// that needs a permission, too.
    pub fn lacking(
        &'static self,
        operation: &str,
        request: &Value,
        is_missing: bool,
    ) -> Vec<String> {
        let mut needs = needs_of(operation, slice::from_ref(request));
        if is_missing && operation == "s3:GetObject" {
            needs.extend(needs_of(MISSING_OBJECT, &[Value::Null]));
        }
        needs.retain(|need| self.find(need).is_none());
        needs.into_iter().map(|need| need.action).collect()
    }

    fn find(&'static self, need: &Need) -> Option<Permission> {
        self.statements.iter().find_map(|one| {
            let action = one.actions.iter().find(|action| **action == need.action)?;
            let fits = |pattern: &String| {
                let resource = need.resource.as_deref();
                resource.is_none_or(|resource| is_like(pattern, resource))
            };
            one.resources
                .iter()
                .any(fits)
                .then(|| self.named(one, action))
        })
    }

    fn named(&'static self, statement: &'static Statement, action: &'static str) -> Permission {
        Permission {
            policy: self.name,
            sid: &statement.sid,
            action,
        }
    }
}

fn several(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    }
}

fn texts(value: &Value) -> Vec<String> {
    let texts = several(value).into_iter();
    texts
        .filter_map(|text| Some(text.as_str()?.to_owned()))
        .collect()
}

/// True if a text is like a pattern in which `*` and `${variables}` stand for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let wild = match (pattern.find("${"), pattern.find('*')) {
        (Some(variable), star) if star.is_none_or(|star| variable < star) => {
            let end = pattern[variable..].find('}').map(|end| variable + end + 1);
            Some((variable, end.unwrap_or(pattern.len())))
        }
        (_, star) => star.map(|star| (star, star + 1)),
    };
    let Some((begin, end)) = wild else {
        return pattern == text;
    };
    let (before, after) = (&pattern[..begin], &pattern[end..]);
    let Some(rest) = text.strip_prefix(before) else {
        return false;
    };
    let mut rests = (0..=rest.len()).filter_map(|from| rest.get(from..));
    rests.any(|rest| is_like(after, rest))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::json;

    use super::*;

    static POLICY: LazyLock<Permissions> = LazyLock::new(|| {
        let policy = json!({ "Statement": [
            { "Sid": "Records", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
              "Resource": "arn:aws:secretsmanager:${region}:${account}:secret:banto/access-keys/*" },
            { "Sid": "Webhooks", "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"],
              "Resource": ["arn:aws:secretsmanager:${region}:${account}:secret:banto/slack/*"] },
            { "Sid": "Keys", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "${key}" },
        ] });
        Permissions::new("example", &policy.to_string(), &[("region", "eu-west-1")])
    });

    fn sids(operation: &str, request: Value) -> Vec<&'static str> {
        let met = POLICY.meet(operation, &needs_of(operation, &[request]));
        met.iter().map(|permission| permission.sid).collect()
    }

    #[test]
    fn statements_of_one_action_are_told_apart_by_their_resources() {
        let read = "secretsmanager:GetSecretValue";
        let record = json!({ "SecretId": "banto/access-keys/alice" });
        assert_eq!(sids(read, record), ["Records"]);
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/a-AbCdEf";
        assert_eq!(sids(read, json!({ "SecretId": arn })), ["Webhooks", "Keys"]);
    }

    #[test]
    #[should_panic(expected = "the policy example lacks it")]
    fn a_call_on_another_resource_is_a_defect() {
        let elsewhere = "arn:aws:secretsmanager:us-east-1:111122223333:secret:banto/slack/a";
        sids(
            "secretsmanager:GetSecretValue",
            json!({ "SecretId": elsewhere }),
        );
    }

    #[test]
    fn a_transaction_needs_what_its_parts_need() {
        let request = json!({ "TransactItems": [{ "Put": {} }, { "ConditionCheck": {} }] });
        let needs = needs_of(TRANSACTION, &[request]);
        let actions: Vec<&str> = needs.iter().map(|need| need.action.as_str()).collect();
        assert_eq!(actions, [PUT, CHECK]);
    }
}

//! The StackSet's template as CloudFormation reads it, and the requests that it makes of it, held
//! to AWS's own models: what they refuse would fail every stack.

use std::fs;
use std::path::PathBuf;

use banto_domain::policy::Policy;
use banto_domain::policy::onboarding::{Instead, OnboardingPolicy};
use banto_domain::{AccountId, Region};
use banto_fake::{assert_as_committed, check_request};
use onboard_accounts::template::template;
use serde_json::{Map, Value, json};

use super::harness::{by_stack_set, text};

/// CloudFormation, as far as the template needs it.
struct Stack<'a> {
    template: &'a Value,
    account: &'a AccountId,
    region: &'a Region,
}

impl Stack<'_> {
    fn parameter(&self, name: &str) -> Value {
        match name {
            "AWS::Region" => json!(self.region),
            "AWS::NoValue" => Value::Null,
            _ => self.template["Parameters"][name]["Default"].clone(),
        }
    }

    fn condition(&self, name: &str) -> bool {
        self.value(&self.template["Conditions"][name]) == json!(true)
    }

    /// A value with its intrinsic functions evaluated; fields without a value are left out.
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let function = fields
                    .iter()
                    .next()
                    .filter(|(name, _)| name.starts_with("Fn::") || *name == "Ref");
                match function {
                    Some((name, argument)) => self.function(name, argument),
                    None => {
                        let fields = fields
                            .iter()
                            .map(|(name, value)| (name.clone(), self.value(value)));
                        Value::Object(
                            fields
                                .filter(|(_, value)| !value.is_null())
                                .collect::<Map<_, _>>(),
                        )
                    }
                }
            }
            Value::Array(values) => values.iter().map(|value| self.value(value)).collect(),
            other => other.clone(),
        }
    }

    fn function(&self, name: &str, argument: &Value) -> Value {
        match name {
            "Ref" => self.parameter(argument.as_str().unwrap()),
            "Fn::Equals" => json!(self.value(&argument[0]) == self.value(&argument[1])),
            "Fn::Not" => json!(self.value(&argument[0]) == json!(false)),
            "Fn::If" => {
                let branch = if self.condition(argument[0].as_str().unwrap()) {
                    1
                } else {
                    2
                };
                self.value(&argument[branch])
            }
            "Fn::Sub" => {
                let text = argument
                    .as_str()
                    .unwrap()
                    .replace("${AWS::Partition}", "aws");
                json!(text.replace("${AWS::AccountId}", self.account.as_str()))
            }
            "Fn::FindInMap" => {
                let key = |index: usize| self.value(&argument[index]);
                let [map, first, second] = [0, 1, 2].map(key);
                let text = |key: &Value| key.as_str().unwrap().to_owned();
                let found = &self.template["Mappings"][text(&map)][text(&first)][text(&second)];
                assert!(found.is_string(), "{argument} names no value of a mapping");
                found.clone()
            }
            other => panic!("the template uses {other}, which this test does not know"),
        }
    }
}

/// A resource of a stack.
pub struct Resource {
    pub kind: String,
    pub properties: Value,
}

/// The resources that a stack of the template has in an account and region.
pub fn resources(template: &Value, account: &AccountId, region: &Region) -> Vec<Resource> {
    let stack = Stack {
        template,
        account,
        region,
    };
    let is_there = |resource: &&Value| match resource["Condition"].as_str() {
        Some(name) => stack.condition(name),
        None => true,
    };
    let resources = template["Resources"].as_object().unwrap().values();
    resources
        .filter(is_there)
        .map(|resource| Resource {
            kind: resource["Type"].as_str().unwrap().to_owned(),
            properties: stack.value(&resource["Properties"]),
        })
        .collect()
}

impl Resource {
    /// Checks the requests that CloudFormation makes for the resource.
    pub fn check(&self) -> Result<(), String> {
        let requests = match self.kind.as_str() {
            "AWS::IAM::Role" => role_requests(&self.properties),
            "AWS::Config::ConfigurationRecorder" => vec![(
                "config:PutConfigurationRecorder",
                json!({ "ConfigurationRecorder": members(&self.properties) }),
            )],
            "AWS::Config::DeliveryChannel" => vec![(
                "config:PutDeliveryChannel",
                json!({ "DeliveryChannel": members(&self.properties) }),
            )],
            other => panic!("the template has a {other}, which this test does not know"),
        };
        requests
            .iter()
            .try_for_each(|(operation, request)| check_request(operation, request))
    }
}

fn role_requests(properties: &Value) -> Vec<(&'static str, Value)> {
    let name = &properties["RoleName"];
    let list = |key: &str| properties[key].as_array().into_iter().flatten();
    let create = json!({
        "RoleName": name,
        "Description": properties["Description"],
        "AssumeRolePolicyDocument": properties["AssumeRolePolicyDocument"].to_string(),
        "MaxSessionDuration": properties["MaxSessionDuration"],
        "PermissionsBoundary": properties["PermissionsBoundary"],
        "Tags": properties["Tags"],
    });
    let attached = list("ManagedPolicyArns").map(|arn| {
        let request = json!({ "RoleName": name, "PolicyArn": arn });
        ("iam:AttachRolePolicy", request)
    });
    let inline = list("Policies").map(|policy| {
        let request = json!({
            "RoleName": name,
            "PolicyName": policy["PolicyName"],
            "PolicyDocument": policy["PolicyDocument"].to_string(),
        });
        ("iam:PutRolePolicy", request)
    });
    std::iter::once(("iam:CreateRole", create))
        .chain(attached)
        .chain(inline)
        .collect()
}

/// Properties by the names that AWS Config's API has for them: `S3BucketName` is `s3BucketName`.
fn members(properties: &Value) -> Value {
    match properties {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let (first, rest) = name.split_at(1);
                (first.to_lowercase() + rest, members(value))
            });
            Value::Object(fields.collect())
        }
        Value::Array(values) => values.iter().map(members).collect(),
        other => other.clone(),
    }
}

/// Everything that AWS would refuse of a template, in any region that the policy names.
fn problems(template: &Value, policy: &OnboardingPolicy) -> Vec<String> {
    let account = "444455556666".parse().unwrap();
    let regions = policy.named_regions().into_iter();
    regions
        .flat_map(|region| resources(template, &account, region))
        .filter_map(|resource| resource.check().err())
        .collect()
}

/// The example policies by their names.
fn examples() -> Vec<(String, OnboardingPolicy)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let paths = fs::read_dir(folder).unwrap();
    let example = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, Policy::parse(&text).unwrap().onboarding.unwrap())
    };
    paths.map(|entry| example(entry.unwrap().path())).collect()
}

/// A policy for each baseline of a policy, so that overrides are looked at, too.
fn each_baseline(policy: &OnboardingPolicy) -> Vec<OnboardingPolicy> {
    let others = policy
        .overrides
        .iter()
        .filter_map(|one| match &one.instead {
            Instead::Baseline(baseline) => Some(OnboardingPolicy {
                baseline: baseline.as_ref().clone(),
                ..policy.clone()
            }),
            Instead::LeftAlone { .. } => None,
        });
    std::iter::once(policy.clone()).chain(others).collect()
}

#[test]
fn aws_takes_what_the_examples_ask_for_and_their_templates_are_small_enough() {
    let examples = examples();
    assert!(examples.len() >= 2);
    for (name, policy) in examples {
        for policy in each_baseline(&policy) {
            assert_eq!(problems(&template(&policy), &policy), [""; 0], "{name}");
        }
        let rendered = format!("{:#}\n", template(&policy));
        // CloudFormation user guide, "Understand CloudFormation quotas": 51,200 bytes in a request.
        assert!(rendered.len() <= 51_200, "{name}: {} bytes", rendered.len());
        // They are left there for cfn-lint.
        if let Some(folder) = std::env::var_os("TEMPLATES") {
            fs::write(PathBuf::from(folder).join(name + ".json"), rendered).unwrap();
        }
    }
}

#[test]
fn a_template_with_an_override_for_each_type_is_one_that_aws_refuses() {
    let (_, policy) = examples()
        .into_iter()
        .find(|(name, _)| name == "banto")
        .unwrap();
    let mut template = template(&policy);
    let mode = &mut template["Resources"]["Recorder"]["Properties"]["RecordingMode"];
    let overrides = ["AWS::Config::ResourceCompliance", "AWS::IAM::User"]
        .map(|name| json!({ "RecordingFrequency": "CONTINUOUS", "ResourceTypes": [name] }));
    *mode = json!({ "RecordingFrequency": "DAILY", "RecordingModeOverrides": overrides });
    let problems = problems(&template, &policy);
    assert_eq!(problems.len(), 2, "one in each region");
    for problem in problems {
        assert!(
            problem.ends_with("recordingModeOverrides: 2 entries, at most 1"),
            "{problem}"
        );
    }
}

#[test]
fn whatever_the_parser_accepts_at_its_bounds_aws_accepts() {
    let tags: Vec<String> = (10..59)
        .map(|number| format!("{}{number} = \"{}\"", "k".repeat(126), "ä".repeat(256)))
        .collect();
    let role = format!(
        "description = \"{}\"\nsession_name = \"any\"\ntags = {{ {} }}\n\
         inline_policies = {{ {} = '{{\"Sid\": \"{}\"}}' }}",
        "ÿ".repeat(1_000),
        tags.join(", "),
        "p".repeat(128),
        "ÿ".repeat(8_182),
    );
    let policy = text()
        .with("max_session_hours = 4", "max_session_hours = 12")
        .with_lines("onboarding.roles.admin", &role)
        .with(
            "name = \"Alice\"",
            &format!("name = \"{}\"", "ä".repeat(64)),
        )
        .with(
            "title = \"Security\"",
            &format!("title = \"{}\"", "ä".repeat(50)),
        )
        .with(
            "\"security@",
            &format!("\"{}@", "a+=.#|!&-_".repeat(24) + "a"),
        )
        .with("+81 3 0000 0000", "+(81) 3-0000-0000-0000-00")
        .parse()
        .onboarding
        .unwrap();
    assert_eq!(problems(&template(&policy), &policy), [""; 0]);
    for contact in policy.baseline.settings.contacts.values() {
        let lengths = [
            &contact.name,
            &contact.title,
            &contact.email,
            &contact.phone,
        ];
        assert_eq!(lengths.map(|text| text.chars().count()), [64, 50, 253, 25]);
        let request = json!({
            "AlternateContactType": "SECURITY",
            "Name": contact.name,
            "Title": contact.title,
            "EmailAddress": contact.email,
            "PhoneNumber": contact.phone,
        });
        assert_eq!(
            check_request("account:PutAlternateContact", &request),
            Ok(())
        );
    }
}

#[test]
fn a_region_has_its_own_topic_and_no_other() {
    let topic = "arn:aws:sns:us-east-1:999988887777:config";
    let of = |lines: &str| {
        let scoped = text().with_lines("onboarding.config", lines).parse();
        let baseline = scoped.onboarding.unwrap().baseline;
        let policy = OnboardingPolicy {
            baseline,
            ..by_stack_set()
        };
        let template = template(&policy);
        ["eu-west-1", "us-east-1"].map(|region| {
            let account = "444455556666".parse().unwrap();
            let resources = resources(&template, &account, &region.parse().unwrap());
            let mut channels = resources.into_iter();
            let channel = channels.find(|one| one.kind == "AWS::Config::DeliveryChannel");
            channel.unwrap().properties["SnsTopicARN"].clone()
        })
    };
    assert_eq!(of(""), [Value::Null, Value::Null]);
    assert_eq!(
        of(&format!("topics = [\"{topic}\"]")),
        [Value::Null, json!(topic)]
    );
}

/// Where the template lies that Terraform deploys.
const TEMPLATE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../infra/stacksets/baseline.json"
);

#[test]
fn the_template_in_infra_is_what_the_example_policy_says() {
    let example = include_str!("../../../examples/banto.toml");
    let policy = Policy::parse(example).unwrap().onboarding.unwrap();
    let rendered = format!("{:#}\n", template(&policy));
    // A team renders its own: see docs/onboarding.md.
    assert_as_committed(TEMPLATE, &rendered);
}

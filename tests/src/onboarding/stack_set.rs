//! The StackSet's template against the direct way: both lead to the same account.

use std::collections::BTreeMap;
use std::sync::Arc;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::{AccountId, Region};
use banto_fake::{MemberAccount, World, assert_as_committed};
use banto_ports::{Channel, LiveRecorder, LiveRole, Recorder, RecorderStatus, RecordingGroup};
use onboard_accounts::template::template;
use serde_json::{Map, Value, json};

use super::harness::{
    account, by_stack_set, created, is_in_place, minutes, named_account, policy, recorded,
    scheduled, start, text,
};
use crate::harness::{handle, settle, work_off};

/// Lets the world's StackSet deploy the policy's template.
pub fn deployed_by(world: &World, policy: &OnboardingPolicy) {
    let template = template(policy);
    world.deploy_with(Arc::new(move |member, region| {
        deploy(&template, member, region)
    }));
}

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
            other => panic!("the template uses {other}, which this test does not know"),
        }
    }
}

fn deploy(template: &Value, member: &mut MemberAccount, region: &Region) -> Result<(), String> {
    let account = member.org.id.clone();
    let stack = Stack {
        template,
        account: &account,
        region,
    };
    for resource in template["Resources"].as_object().unwrap().values() {
        if resource
            .get("Condition")
            .is_some_and(|name| !stack.condition(name.as_str().unwrap()))
        {
            continue;
        }
        let properties = stack.value(&resource["Properties"]);
        match resource["Type"].as_str().unwrap() {
            "AWS::IAM::Role" => deploy_role(member, &properties)?,
            "AWS::Config::ConfigurationRecorder" => deploy_recorder(member, region, &properties)?,
            "AWS::Config::DeliveryChannel" => {
                let view = member.regions.get_mut(region).unwrap();
                let field = |name: &str| properties[name].as_str().map(str::to_owned);
                view.channel = Some(Channel {
                    name: field("Name").unwrap(),
                    bucket: field("S3BucketName").unwrap(),
                    prefix: field("S3KeyPrefix"),
                    kms_key: field("S3KmsKeyArn"),
                    topic: field("SnsTopicARN"),
                    snapshots: properties["ConfigSnapshotDeliveryProperties"]["DeliveryFrequency"]
                        .as_str()
                        .map(str::to_owned),
                });
                // CloudFormation starts the recorder once there is a channel.
                view.status = Some(RecorderStatus {
                    recording: true,
                    was_started: true,
                    error: None,
                });
            }
            other => panic!("the template has a {other}, which this test does not know"),
        }
    }
    Ok(())
}

/// CloudFormation makes nothing that is there already.
fn deploy_role(member: &mut MemberAccount, properties: &Value) -> Result<(), String> {
    let name = properties["RoleName"].as_str().unwrap();
    if member
        .roles
        .keys()
        .any(|known| known.as_str().eq_ignore_ascii_case(name))
    {
        return Err(format!(
            "Resource of type 'AWS::IAM::Role' with identifier '{name}' already exists."
        ));
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let role = LiveRole {
        name: name.parse().unwrap(),
        path: "/".into(),
        trust: properties["AssumeRolePolicyDocument"].clone(),
        managed_policies: list(&properties["ManagedPolicyArns"])
            .iter()
            .map(text)
            .collect(),
        inline_policies: list(&properties["Policies"])
            .iter()
            .map(|policy| {
                (
                    text(&policy["PolicyName"]),
                    policy["PolicyDocument"].clone(),
                )
            })
            .collect(),
        boundary: properties["PermissionsBoundary"]
            .as_str()
            .map(str::to_owned),
        tags: list(&properties["Tags"])
            .iter()
            .map(|tag| (text(&tag["Key"]), text(&tag["Value"])))
            .collect(),
    };
    let session = i32::try_from(properties["MaxSessionDuration"].as_i64().unwrap()).unwrap();
    member.roles.insert(name.parse().unwrap(), (role, session));
    Ok(())
}

fn deploy_recorder(
    member: &mut MemberAccount,
    region: &Region,
    properties: &Value,
) -> Result<(), String> {
    if !member
        .roles
        .keys()
        .any(|name| name.as_str() == "AWSServiceRoleForConfig")
    {
        return Err("InvalidRoleException: AWSServiceRoleForConfig does not exist".to_owned());
    }
    if member.regions[region].recorder.is_some() {
        return Err("MaxNumberOfConfigurationRecordersExceededException".to_owned());
    }
    let names = |value: &Value| {
        value
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    let group = &properties["RecordingGroup"];
    let group = match group["RecordingStrategy"]["UseOnly"].as_str().unwrap() {
        "ALL_SUPPORTED_RESOURCE_TYPES" => RecordingGroup::All {
            with_global: group["IncludeGlobalResourceTypes"].as_bool().unwrap(),
        },
        "INCLUSION_BY_RESOURCE_TYPES" => RecordingGroup::Only(names(&group["ResourceTypes"])),
        _ => RecordingGroup::AllBut(names(&group["ExclusionByResourceTypes"]["ResourceTypes"])),
    };
    let mode = &properties["RecordingMode"];
    let is_continuous = |value: &Value| value["RecordingFrequency"] == "CONTINUOUS";
    let overrides = mode["RecordingModeOverrides"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let continuous_of: BTreeMap<String, bool> = overrides
        .iter()
        .flat_map(|own| {
            let types: std::collections::BTreeSet<String> = names(&own["ResourceTypes"]);
            types
                .into_iter()
                .map(move |name| (name, is_continuous(own)))
        })
        .collect();
    let recorder = Recorder {
        name: properties["Name"].as_str().unwrap().to_owned(),
        role: properties["RoleARN"].as_str().unwrap().to_owned(),
        group,
        continuous: is_continuous(mode),
        continuous_of,
    };
    let view = member.regions.get_mut(region).unwrap();
    view.recorder = Some(LiveRecorder {
        recorder,
        service: None,
    });
    Ok(())
}

const SCOPES: [&str; 4] = [
    "",
    "only_types = [\"AWS::EC2::Instance\", \"AWS::IAM::Role\"]\nfrequency = \"daily\"\n",
    "all_but_types = [\"AWS::EC2::NetworkInterface\"]\nprefix = \"config\"\nsnapshot_hours = 6\n",
    "frequency = \"daily\"\nfrequency_of = { \"AWS::Config::ResourceCompliance\" = \"continuous\" }\n\
     kms_key = \"arn:aws:kms:eu-west-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n\
     topic = \"arn:aws:sns:eu-west-1:999988887777:config\"\n",
];

#[test]
fn both_ways_lead_to_the_very_same_account_whatever_the_policy_records() {
    for scope in SCOPES {
        let with_scope = |policy: OnboardingPolicy| {
            let recorded = text()
                .with_lines("onboarding.config", scope)
                .parse()
                .onboarding
                .unwrap();
            OnboardingPolicy {
                baseline: recorded.baseline,
                ..policy
            }
        };
        let (direct, stacked) = (with_scope(policy()), with_scope(by_stack_set()));
        let reached = [direct, stacked].map(|policy| {
            let world = World::at(start());
            let id = account(&world);
            deployed_by(&world, &policy);
            handle(&world, &policy, &created());
            settle(&world, &policy);
            assert!(
                is_in_place(&world, &id),
                "{:?}",
                super::harness::status(&world, &id)
            );
            world.account(&id)
        });
        assert_eq!(reached[0], reached[1], "{scope}");
    }
}

#[test]
fn all_waiting_accounts_get_their_instances_in_one_operation() {
    let (world, policy) = (World::at(start()), by_stack_set());
    deployed_by(&world, &policy);
    let ids: Vec<AccountId> = (0..8)
        .map(|number| {
            named_account(
                &world,
                &format!("44445555000{number}"),
                &format!("team-{number}"),
            )
        })
        .collect();
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    assert!(ids.iter().all(|id| is_in_place(&world, id)));
    assert_eq!(world.stack_operations(), 1);
}

#[test]
fn by_stack_set_too_a_new_account_is_left_to_control_tower_until_its_own_event() {
    let world = World::at(start());
    let id = account(&world);
    let policy = OnboardingPolicy {
        control_tower: true,
        ..by_stack_set()
    };
    deployed_by(&world, &policy);
    handle(&world, &policy, &created());
    work_off(&world, &policy);
    assert_eq!(world.stack_operations(), 0);
    world.advance(minutes(10));
    handle(&world, &policy, &recorded("create-managed-account"));
    settle(&world, &policy);
    assert_eq!(world.stack_operations(), 1);
    assert!(is_in_place(&world, &id));
}

#[test]
fn a_dry_run_shows_and_counts_edits_and_operations_on_the_stack_set() {
    let world = World::at(start());
    let id = account(&world);
    let policy = by_stack_set();
    deployed_by(&world, &policy);
    let dry_run = |tags: Value| {
        let event = json!({ "accounts": [&id], "tags": tags, "dryRun": true });
        let response = handle(&world, &policy, &event);
        response["diff"].as_str().unwrap().to_owned()
    };
    let operation = "+ stack instances in eu-west-1, us-east-1: 444455556666\n";
    let diff = dry_run(json!({ "team": "payments" }));
    assert!(diff.contains(operation), "{diff}");
    assert!(
        diff.contains("444455556666: ~ tags: team = payments\n"),
        "{diff}"
    );
    handle(&world, &policy, &created());
    settle(&world, &policy);
    let diff = dry_run(json!({ "team": "payments" }));
    assert!(
        diff.ends_with("\nPlan: 0 to add, 1 to change, 0 to delete.\n"),
        "{diff}"
    );
    let diff = dry_run(json!({}));
    assert!(diff.ends_with("\nNo changes.\n"), "{diff}");
    // Two instances to deploy anew, and nothing else to do.
    world.fail_deployments(&id, Some("ResourceLimitExceeded: roles"));
    let other = named_account(&world, "555566667777", "search");
    world.fail_deployments(&other, Some("ResourceLimitExceeded: roles"));
    handle(&world, &policy, &scheduled());
    settle(&world, &policy);
    world.advance(minutes(60));
    let event = json!({ "accounts": [&other], "dryRun": true });
    let response = handle(&world, &policy, &event);
    let diff = response["diff"].as_str().unwrap();
    assert!(
        diff.contains("~ stack instances in eu-west-1, us-east-1: 555566667777\n"),
        "{diff}"
    );
    assert!(
        diff.ends_with("\nPlan: 0 to add, 2 to change, 0 to delete.\n"),
        "{diff}"
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
    let policy = banto_domain::policy::Policy::parse(example)
        .unwrap()
        .onboarding
        .unwrap();
    let rendered = format!("{:#}\n", template(&policy));
    // A team renders its own: see docs/onboarding.md.
    assert_as_committed(TEMPLATE, &rendered);
}

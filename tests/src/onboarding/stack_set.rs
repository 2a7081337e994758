//! The StackSet's template against the direct way: both lead to the same account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use banto_domain::policy::OnboardingPolicy;
use banto_domain::{AccountId, Region};
use banto_fake::{MemberAccount, World};
use banto_ports::{Channel, LiveRecorder, LiveRole, Recorder, RecorderStatus, RecordingGroup};
use onboard_accounts::template::template;
use serde_json::{Value, json};

use super::harness::{
    account, by_stack_set, created, is_in_place, minutes, named_account, policy, scheduled, start,
    text,
};
use super::templates::resources;
use crate::harness::{handle, settle};

/// Lets the world's StackSet deploy the policy's template. A stack that fails is rolled back, and
/// one that is deployed anew changes nothing: CloudFormation compares templates, not accounts.
pub fn deployed_by(world: &World, policy: &OnboardingPolicy) {
    let template = template(policy);
    let deployed: Mutex<BTreeSet<(AccountId, Region)>> = Mutex::default();
    world.deploy_with(Arc::new(move |member, region| {
        let mut deployed = deployed.lock().unwrap();
        let stack = (member.org.id.clone(), region.clone());
        if deployed.contains(&stack) {
            return Ok(());
        }
        let mut made = member.clone();
        deploy(&template, &mut made, region)?;
        *member = made;
        deployed.insert(stack);
        Ok(())
    }));
}

fn deploy(template: &Value, member: &mut MemberAccount, region: &Region) -> Result<(), String> {
    for resource in resources(template, &member.org.id.clone(), region) {
        resource.check()?;
        let properties = &resource.properties;
        match resource.kind.as_str() {
            "AWS::IAM::Role" => deploy_role(member, properties)?,
            "AWS::Config::ConfigurationRecorder" => deploy_recorder(member, region, properties)?,
            "AWS::Config::DeliveryChannel" => deploy_channel(member, region, properties),
            other => panic!("the template has a {other}, which this test does not know"),
        }
    }
    Ok(())
}

fn deploy_channel(member: &mut MemberAccount, region: &Region, properties: &Value) {
    let view = member.regions.get_mut(region).unwrap();
    let field = |name: &str| properties[name].as_str().map(str::to_owned);
    let snapshots = &properties["ConfigSnapshotDeliveryProperties"]["DeliveryFrequency"];
    view.channel = Some(Channel {
        name: field("Name").unwrap(),
        bucket: field("S3BucketName").unwrap(),
        prefix: field("S3KeyPrefix"),
        kms_key: field("S3KmsKeyArn"),
        topic: field("SnsTopicARN"),
        snapshots: snapshots.as_str().map(str::to_owned),
    });
    // CloudFormation starts the recorder once there is a channel.
    view.status = Some(RecorderStatus {
        recording: true,
        started_at: Some(start()),
        error: None,
    });
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

const SCOPES: [&str; 5] = [
    "",
    "only_types = [\"AWS::EC2::Instance\", \"AWS::IAM::Role\"]\nfrequency = \"daily\"\n",
    "all_but_types = [\"AWS::EC2::NetworkInterface\"]\nprefix = \"config\"\nsnapshot_hours = 6\n",
    "frequency = \"daily\"\nfrequency_of = { \"AWS::Config::ResourceCompliance\" = \"continuous\" }\n\
     kms_key = \"arn:aws:kms:eu-west-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n\
     topics = [\"arn:aws:sns:eu-west-1:999988887777:config\"]\n",
    "frequency = \"daily\"\nall_but_types = [\"AWS::Config::ResourceCompliance\"]\n\
     frequency_of = { \"AWS::Config::ConformancePackCompliance\" = \"continuous\", \"AWS::IAM::User\" = \"continuous\" }\n\
     topics = [\"arn:aws:sns:us-east-1:999988887777:one\", \"arn:aws:sns:eu-west-1:999988887777:two\"]\n",
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

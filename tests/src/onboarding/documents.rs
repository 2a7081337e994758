//! The table in docs/onboarding.md of what is kept and what is changed is held to the planner: each
//! row is played, and its plan changes just what stands here beside it.

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::policy::OnboardingPolicy;
use banto_domain::policy::onboarding::{Contact, ContactKind, StackSet, Way};
use banto_domain::status::{Condition, Reason, ReasonKind};
use banto_domain::{Partition, Region};
use banto_fake::PolicyText;
use banto_ports::{
    AccountState, Channel, ChannelStatus, DefaultVpc, LivePasswordPolicy, LiveRecorder, LiveRole,
    OrgAccount, OrgPolicyKind, Recorder, RecorderStatus, RecordingGroup, StackInstance,
};
use jiff::{SignedDuration, Timestamp};
use onboard_accounts::converge::actions::{Action, Plan};
use onboard_accounts::converge::check::check;
use onboard_accounts::converge::diff;
use onboard_accounts::converge::expected::may_lose_default_vpcs;
use onboard_accounts::converge::plan::plan;
use onboard_accounts::converge::snapshot::{
    Instances, Job, LiveAccount, LiveConfig, LiveRegion, SeenRole, Snapshot,
};
use onboard_accounts::desired::{self, BEING_MADE, CONFIG_NAME, CONFIG_ROLE, MANAGED_TAG};
use onboard_accounts::event::{AccountEdits, FanOutRequest, Scope};
use onboard_accounts::fan_out;
use onboard_accounts::message::{Cause, ConvergeRequest};
use onboard_accounts::revocation;
use serde_json::json;

const DOCUMENT: &str = include_str!("../../../docs/onboarding.md");

/// The heading of the table's section.
const HEADING: &str = "\n## What is kept and what is changed\n";

const BASELINE: &str = r#"[onboarding]
way = "direct"
management_account = "999988887777"
home_region = "eu-west-1"
regions = ["eu-west-1"]
queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto"
table = "banto"
dashboard = { bucket = "dashboard" }
[onboarding.config]
bucket = "log-archive"
frequency = "daily"
snapshot_hours = 12
[onboarding.roles.admin]
trusted = ["111122223333"]
managed_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]
[onboarding.settings]
password_policy = { minimum_length = 14 }
block_public_access = true
ebs_encryption = true
delete_default_vpc = true
contacts = { security = { name = "Alice", title = "Security", email = "alice@example.com", phone = "+81 3 0000 0000" } }
"#;

/// More that the baseline says of the delivery channel.
const PREFIX_KEY_AND_TOPIC: &str = r#"prefix = "o-example"
kms_key = "arn:aws:kms:eu-west-1:555566667777:key/2"
topics = ["arn:aws:sns:eu-west-1:555566667777:banto"]"#;

const KEY: &str = "arn:aws:kms:eu-west-1:555566667777:key/1";
const TOPIC: &str = "arn:aws:sns:eu-west-1:444455556666:siem";
const CONTROL_TOWERS: &str = "aws-controltower-BaselineConfigRecorder";

/// A row of the table: its first cell, a situation of that kind, and all that its plan changes or
/// says, as people read it.
type Row = (&'static str, Situation, &'static [&'static str]);

/// Something that is found.
enum Situation {
    /// An account in place, but for this.
    Account(fn(&mut Snapshot)),
    /// The same, where the baseline of AWS Config has more lines.
    With(&'static str, fn(&mut Snapshot)),
    /// The same, where a stack has made what the baseline asks for.
    ByStackSet(fn(&mut Snapshot)),
    /// An event or a request about an account whose tags and unit are other ones.
    Request(Cause, fn() -> AccountEdits),
}

use Situation::{Account, ByStackSet, Request, With};

fn recorders() -> Vec<Row> {
    vec![
        (
            "no recorder and no delivery channel",
            Account(|s| *config(s) = nothing()),
            &[
                "+ recorder banto",
                "    role      arn:aws:iam::444455556666:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
                "    types     all, IAM's global ones too",
                "    frequency daily",
                "+ delivery channel banto",
                "    bucket    log-archive",
                "    snapshots Twelve_Hours",
                "~ recorder banto: stopped → recording",
            ],
        ),
        (
            "Banto's own recorder, `banto`",
            Account(|s| {
                recorder(s).role = "arn:aws:iam::444455556666:role/own".to_owned();
                recorder(s).group = only("AWS::S3::Bucket");
                recorder(s).continuous = true;
            }),
            &[
                "~ recorder banto",
                "    role      arn:aws:iam::444455556666:role/own → arn:aws:iam::444455556666:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
                "    types     only AWS::S3::Bucket → all, IAM's global ones too",
                "    frequency continuous → daily",
            ],
        ),
        (
            "a recorder of another name",
            Account(|s| {
                rename_recorder(s, "default");
                recorder(s).role = "arn:aws:iam::444455556666:role/own".to_owned();
                recorder(s).group = only("AWS::EC2::Instance");
                recorder(s).continuous = true;
            }),
            &[
                "~ recorder default",
                "    types     only AWS::EC2::Instance → all, IAM's global ones too",
            ],
        ),
        (
            "a recorder that is stopped",
            Account(|s| {
                rename_recorder(s, "default");
                status(s).recording = false;
            }),
            &["~ recorder default: stopped → recording"],
        ),
        (
            "a recorder or a channel of Control Tower, `aws-controltower-…`",
            Account(|s| {
                rename_recorder(s, CONTROL_TOWERS);
                rename_channel(s, "aws-controltower-BaselineConfigDeliveryChannel");
                recorder(s).group = only("AWS::S3::Bucket");
                channel(s).bucket = "elsewhere".to_owned();
            }),
            &["eu-west-1: left alone: Control Tower records it"],
        ),
        (
            "a recorder of Control Tower that is stopped",
            Account(|s| {
                rename_recorder(s, CONTROL_TOWERS);
                status(s).recording = false;
            }),
            &[
                "eu-west-1: failed: AWS Config reports errors: the recorder aws-controltower-BaselineConfigRecorder is stopped",
            ],
        ),
        (
            "a recorder that an AWS service owns",
            Account(|s| {
                let owned = LiveRecorder {
                    recorder: recorder(s).clone(),
                    service: Some("securityhub.amazonaws.com".to_owned()),
                };
                config(s).recorders.insert(0, owned);
            }),
            &[],
        ),
    ]
}

fn channels() -> Vec<Row> {
    vec![
        (
            "Banto's own channel, `banto`",
            Account(|s| {
                let channel = channel(s);
                channel.bucket = "elsewhere".to_owned();
                channel.prefix = Some("own".to_owned());
                channel.kms_key = Some(KEY.to_owned());
                channel.topic = Some(TOPIC.to_owned());
                channel.snapshots = Some("One_Hour".to_owned());
            }),
            &[
                "~ delivery channel banto",
                "    bucket    elsewhere → log-archive",
                "    snapshots One_Hour → Twelve_Hours",
                "    key       arn:aws:kms:eu-west-1:555566667777:key/1 → none",
                "    prefix    own → none",
                "    topic     arn:aws:sns:eu-west-1:444455556666:siem → none",
            ],
        ),
        (
            "a channel of another name that delivers to another bucket",
            Account(|s| {
                rename_channel(s, "default");
                channel(s).bucket = "elsewhere".to_owned();
                channel(s).prefix = Some("own".to_owned());
                channel(s).kms_key = Some(KEY.to_owned());
                channel(s).topic = Some(TOPIC.to_owned());
            }),
            &[
                "~ delivery channel default",
                "    bucket    elsewhere → log-archive",
                "    key       arn:aws:kms:eu-west-1:555566667777:key/1 → none",
                "    prefix    own → none",
            ],
        ),
        (
            "its prefix, key and topic, where the baseline names none",
            Account(|s| {
                rename_channel(s, "default");
                channel(s).prefix = Some("own".to_owned());
                channel(s).kms_key = Some(KEY.to_owned());
                channel(s).topic = Some(TOPIC.to_owned());
            }),
            &[],
        ),
        (
            "its prefix, key and topic, where the baseline names others",
            With(PREFIX_KEY_AND_TOPIC, |s| {
                rename_channel(s, "default");
                channel(s).prefix = Some("own".to_owned());
                channel(s).kms_key = Some(KEY.to_owned());
                channel(s).topic = Some(TOPIC.to_owned());
            }),
            &[
                "~ delivery channel default",
                "    prefix    own → o-example",
                "    key       arn:aws:kms:eu-west-1:555566667777:key/1 → arn:aws:kms:eu-west-1:555566667777:key/2",
                "    topic     arn:aws:sns:eu-west-1:444455556666:siem → arn:aws:sns:eu-west-1:555566667777:banto",
            ],
        ),
        (
            "its snapshots, more often than the baseline asks for",
            Account(|s| {
                rename_channel(s, "default");
                channel(s).snapshots = Some("One_Hour".to_owned());
            }),
            &[],
        ),
        (
            "its snapshots, less often than the baseline asks for",
            Account(|s| {
                rename_channel(s, "default");
                channel(s).snapshots = Some("TwentyFour_Hours".to_owned());
            }),
            &[
                "~ delivery channel default",
                "    snapshots TwentyFour_Hours → Twelve_Hours",
            ],
        ),
        (
            "a channel to a bucket of Control Tower, `aws-controltower-…`",
            Account(|s| {
                rename_recorder(s, "default");
                rename_channel(s, "default");
                channel(s).bucket = "aws-controltower-config-logs-111122223333".to_owned();
            }),
            &["eu-west-1: left alone: Control Tower records it"],
        ),
    ]
}

fn roles() -> Vec<Row> {
    vec![
        (
            "no role of a baseline's name",
            Account(|s| drop(roles_of(s).remove(0))),
            &[
                "+ role admin",
                "+ role admin: policy arn:aws:iam::aws:policy/AdministratorAccess",
                "~ role admin: tags banto:managed = true",
            ],
        ),
        (
            "a role of that name without the tag `banto:managed`",
            Account(|s| {
                more_of(role(s));
                role(s).role.tags.clear();
            }),
            &[
                "account: failed: a role of this name is not Banto's: the role admin has no tag banto:managed",
            ],
        ),
        (
            "a role with that tag",
            Account(|s| more_of(role(s))),
            &[
                "~ role admin: trust → arn:aws:iam::111122223333:root\n                    if aws:MultiFactorAuthPresent Bool true\n                    if sts:RoleSessionName StringEquals ${aws:username}",
                "~ role admin: session → 1 h",
                "- role admin: boundary",
                "- role admin: policy arn:aws:iam::aws:policy/IAMFullAccess",
                "- role admin: inline policy own",
            ],
        ),
        (
            "a role that is being made, `banto:managed = being-made`",
            Account(|s| {
                let role = &mut role(s).role;
                let tag = (MANAGED_TAG.to_owned(), BEING_MADE.to_owned());
                role.tags.extend([tag]);
                role.managed_policies.clear();
            }),
            &[
                "+ role admin: policy arn:aws:iam::aws:policy/AdministratorAccess",
                "~ role admin: tags banto:managed = true",
            ],
        ),
        (
            "a denial of sessions, `banto-revoked-…`",
            Account(|s| deny(s, 11)),
            &[],
        ),
        (
            "a denial of sessions that are all over",
            Account(|s| deny(s, 13)),
            &["- role admin: inline policy banto-revoked-alice"],
        ),
        (
            "no role of AWS Config (`AWSServiceRoleForConfig`), where a recorder uses it",
            Account(|s| drop(roles_of(s).pop())),
            &["+ role of AWS Config (service-linked)"],
        ),
    ]
}

fn settings() -> Vec<Row> {
    vec![
        (
            "no password policy",
            Account(|s| inside(s).password_policy = Some(Ok(None))),
            &[
                "+ password policy",
                "    length    14",
                "    kinds     a-z A-Z 0-9 symbols",
                "    max age   none",
                "    no reuse  none",
                "    by users  yes",
                "    hard end  no",
            ],
        ),
        (
            "parts of the password policy that are stricter than the baseline",
            Account(|s| {
                let stricter = passwords(s);
                stricter.minimum_length = 20;
                stricter.max_age_days = Some(90);
                stricter.reuse_prevention = Some(24);
            }),
            &[],
        ),
        (
            "parts that are weaker",
            Account(|s| {
                let weaker = passwords(s);
                weaker.minimum_length = 8;
                weaker.lowercase = false;
                weaker.reuse_prevention = Some(24);
            }),
            &[
                "~ password policy",
                "    length    8 → 14",
                "    kinds     A-Z 0-9 symbols → a-z A-Z 0-9 symbols",
            ],
        ),
        (
            "who may change a password, and what happens when it ends",
            Account(|s| {
                passwords(s).users_may_change = false;
                passwords(s).hard_expiry = true;
            }),
            &[],
        ),
        (
            "some of the four blocks of public access to S3",
            Account(|s| inside(s).public_access_blocks = Some(Ok(Some(2)))),
            &["~ block of public access to S3: 2 of 4 → 4 of 4"],
        ),
        (
            "blocks that the Organization's S3 policy turns on",
            Account(|s| set_by_the_organization(s, "all")),
            &["account: left alone: the Organization's S3 policy blocks public access"],
        ),
        (
            "blocks that the Organization's S3 policy leaves off",
            Account(|s| set_by_the_organization(s, "none")),
            &[
                "account: drifted, reported only: public access to S3 is left open by the Organization's S3 policy",
            ],
        ),
        (
            "an alternate contact of a kind that the baseline names",
            Account(|s| set_contact(s, ContactKind::Security)),
            &[
                "~ security contact: Bob <bob@example.com> → Alice <alice@example.com>",
                "    title     Owner → Security",
                "    phone     +1 555 0100 → +81 3 0000 0000",
            ],
        ),
        (
            "an alternate contact of another kind",
            Account(|s| set_contact(s, ContactKind::Billing)),
            &[],
        ),
    ]
}

fn regions() -> Vec<Row> {
    vec![
        (
            "new EBS volumes that are not encrypted",
            Account(|s| view(s).ebs_encryption = Some(Ok(false))),
            &["~ encryption of new EBS volumes: off → on"],
        ),
        (
            "the same, where the Organization's EC2 policy sets it",
            Account(|s| {
                view(s).ebs_encryption = Some(Ok(false));
                let policy = json!({ "ec2_attributes": { "ebs_default_encryption": {} } });
                inside(s).org_policies = [(OrgPolicyKind::Ec2, policy)].into();
            }),
            &[
                "eu-west-1: left alone: the Organization's EC2 policy sets encryption of EBS volumes",
            ],
        ),
        (
            "a default VPC that nothing uses, in an account that was created less than a day ago",
            Account(|s| look_at_vpc(s, &[])),
            &[
                "- default subnet subnet-1",
                "- internet gateway igw-1",
                "- default VPC vpc-1 (unused)",
            ],
        ),
        (
            "a default VPC that is used, or in which anything was changed",
            Account(|s| look_at_vpc(s, &["VPN gateway vgw-1"])),
            &[],
        ),
        (
            "a default VPC that is used, and of which parts are gone",
            Account(|s| {
                look_at_vpc(s, &["VPN gateway vgw-1"]);
                let vpc = view(s).default_vpc.as_mut().unwrap();
                vpc.as_mut().unwrap().as_mut().unwrap().subnets.clear();
            }),
            &[
                "eu-west-1: drifted, reported only: default VPC vpc-1 is used, and its subnets are gone",
            ],
        ),
        (
            "a default VPC of an older account, or of an invited one",
            Account(|s| {
                s.job.request.account.was_created = false;
                look_at_vpc(s, &[]);
            }),
            &[],
        ),
        (
            "a default VPC that Banto may not look at",
            Account(|s| {
                let denied = Reason::new(ReasonKind::Denied, "ec2:DescribeFlowLogs");
                view(s).default_vpc = Some(Err(denied));
            }),
            &["eu-west-1: drifted, reported only: the default VPC stays: ec2:DescribeFlowLogs"],
        ),
    ]
}

fn others() -> Vec<Row> {
    vec![
        (
            "by StackSet: what a stack made, and somebody changed",
            ByStackSet(|s| {
                let more = "arn:aws:iam::aws:policy/IAMFullAccess";
                role(s).role.managed_policies.insert(more.to_owned());
                recorder(s).continuous = true;
            }),
            &[
                "- role admin: policy arn:aws:iam::aws:policy/IAMFullAccess",
                "~ recorder banto",
                "    frequency continuous → daily",
            ],
        ),
        (
            "by StackSet: a recorder, channel or role on which a stack would fail",
            ByStackSet(|s| {
                rename_recorder(s, "default");
                inside(s).instances = Some(Ok(Instances::default()));
            }),
            &[],
        ),
        (
            "an account's tags and organizational unit",
            Request(Cause::Joined, AccountEdits::default),
            &[],
        ),
        (
            "tags, and a unit, for which a request asks",
            Request(Cause::Asked, || AccountEdits {
                tags: [("team".to_owned(), "payments".to_owned())].into(),
                ou: Some("ou-ab12-99999999".parse().unwrap()),
            }),
            &[
                "444455556666: ~ tags: team = payments",
                "444455556666: ~ unit: ou-ab12-cdef3456 → ou-ab12-99999999",
            ],
        ),
        (
            "everything else",
            Account(|s| {
                let mut auditor = role(s).clone();
                auditor.role.name = "auditor".parse().unwrap();
                more_of(&mut auditor);
                roles_of(s).push(auditor);
            }),
            &[],
        ),
    ]
}

fn all() -> Vec<Row> {
    [
        recorders(),
        channels(),
        roles(),
        settings(),
        regions(),
        others(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

fn policy(more_of_config: &str) -> OnboardingPolicy {
    let text = PolicyText::least().and(BASELINE);
    let text = text.with_lines("onboarding.config", more_of_config);
    text.parse().onboarding.unwrap()
}

fn account() -> OrgAccount {
    OrgAccount {
        id: "444455556666".parse().unwrap(),
        name: "payments".to_owned(),
        state: AccountState::Active,
        path: Vec::new(),
        joined_at: Some(now() - SignedDuration::from_hours(2)),
        was_created: true,
    }
}

/// AWS Config where nothing was ever set up.
fn nothing() -> LiveConfig {
    LiveConfig {
        recorders: Vec::new(),
        channels: Vec::new(),
        recorder_statuses: BTreeMap::new(),
        channel_statuses: BTreeMap::new(),
    }
}

fn running() -> RecorderStatus {
    RecorderStatus {
        recording: true,
        started_at: Some(now() - SignedDuration::from_hours(1)),
        error: None,
    }
}

/// AWS Config as the policy says.
fn recording(policy: &OnboardingPolicy) -> LiveConfig {
    let baseline = &policy.baseline;
    LiveConfig {
        recorders: vec![LiveRecorder {
            recorder: desired::recorder(policy, baseline, &account().id, &region()),
            service: None,
        }],
        channels: vec![desired::channel(&baseline.config, &region(), CONFIG_NAME)],
        recorder_statuses: [(CONFIG_NAME.to_owned(), running())].into(),
        channel_statuses: [(CONFIG_NAME.to_owned(), ChannelStatus::default())].into(),
    }
}

/// The baseline's role, and the one of AWS Config.
fn baseline_roles(policy: &OnboardingPolicy) -> Vec<SeenRole> {
    let (name, role) = policy.baseline.roles.first_key_value().unwrap();
    let managed = role.managed_policies.iter().map(ToString::to_string);
    let admin = LiveRole {
        name: name.clone(),
        path: "/".to_owned(),
        trust: desired::trust(role, Partition::Aws),
        managed_policies: managed.collect(),
        inline_policies: BTreeMap::new(),
        boundary: None,
        tags: desired::tags(role),
    };
    let of_config = LiveRole {
        name: CONFIG_ROLE.parse().unwrap(),
        path: "/aws-service-role/config.amazonaws.com/".to_owned(),
        trust: json!({}),
        managed_policies: BTreeSet::new(),
        tags: BTreeMap::new(),
        ..admin.clone()
    };
    let seen = |role| SeenRole {
        role,
        session_seconds: 3_600,
    };
    vec![seen(admin), seen(of_config)]
}

/// An account in which all is as the policy says.
fn in_place(policy: &OnboardingPolicy) -> Snapshot {
    let view = LiveRegion {
        state: None,
        config: Some(Ok(recording(policy))),
        ebs_encryption: Some(Ok(true)),
        default_vpc: Some(Ok(None)),
    };
    let contacts = &policy.baseline.settings.contacts;
    let contacts = contacts
        .iter()
        .map(|(kind, it)| (*kind, Ok(Some(it.clone()))));
    let current = Instances {
        by_region: [(region(), StackInstance::Current)].into(),
        is_operating: false,
    };
    let live = LiveAccount {
        instances: (policy.way != Way::Direct).then_some(Ok(current)),
        roles: Ok(baseline_roles(policy)),
        password_policy: Some(Ok(Some(LivePasswordPolicy {
            minimum_length: 14,
            lowercase: true,
            uppercase: true,
            numbers: true,
            symbols: true,
            users_may_change: true,
            ..LivePasswordPolicy::default()
        }))),
        public_access_blocks: Some(Ok(Some(4))),
        contacts: contacts.collect(),
        org_policies: BTreeMap::new(),
        regions: Ok([(region(), view)].into()),
    };
    Snapshot {
        job: Job {
            request: ConvergeRequest {
                account: account(),
                cause: Cause::Schedule,
                requested_at: now(),
                attempt: 0,
            },
            tags: BTreeMap::new(),
        },
        live: Some(Ok(live)),
    }
}

fn inside(snapshot: &mut Snapshot) -> &mut LiveAccount {
    snapshot.live.as_mut().unwrap().as_mut().unwrap()
}

fn view(snapshot: &mut Snapshot) -> &mut LiveRegion {
    let regions = inside(snapshot).regions.as_mut().unwrap();
    regions.get_mut(&region()).unwrap()
}

fn config(snapshot: &mut Snapshot) -> &mut LiveConfig {
    view(snapshot).config.as_mut().unwrap().as_mut().unwrap()
}

fn recorder(snapshot: &mut Snapshot) -> &mut Recorder {
    &mut config(snapshot).recorders[0].recorder
}

fn channel(snapshot: &mut Snapshot) -> &mut Channel {
    &mut config(snapshot).channels[0]
}

fn status(snapshot: &mut Snapshot) -> &mut RecorderStatus {
    let mut statuses = config(snapshot).recorder_statuses.values_mut();
    statuses.next().unwrap()
}

fn roles_of(snapshot: &mut Snapshot) -> &mut Vec<SeenRole> {
    inside(snapshot).roles.as_mut().unwrap()
}

fn role(snapshot: &mut Snapshot) -> &mut SeenRole {
    &mut roles_of(snapshot)[0]
}

fn passwords(snapshot: &mut Snapshot) -> &mut LivePasswordPolicy {
    let live = inside(snapshot).password_policy.as_mut().unwrap();
    live.as_mut().unwrap().as_mut().unwrap()
}

fn only(name: &str) -> RecordingGroup {
    RecordingGroup::Only([name.to_owned()].into())
}

fn rename_recorder(snapshot: &mut Snapshot, name: &str) {
    recorder(snapshot).name = name.to_owned();
    config(snapshot).recorder_statuses = [(name.to_owned(), running())].into();
}

fn rename_channel(snapshot: &mut Snapshot, name: &str) {
    channel(snapshot).name = name.to_owned();
    config(snapshot).channel_statuses = [(name.to_owned(), ChannelStatus::default())].into();
}

/// Gives a role more than the baseline does, a path and a tag of others among it.
fn more_of(seen: &mut SeenRole) {
    seen.session_seconds = 43_200;
    let role = &mut seen.role;
    role.path = "/own/".to_owned();
    role.trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" }],
    });
    let more = "arn:aws:iam::aws:policy/IAMFullAccess";
    role.managed_policies.insert(more.to_owned());
    role.inline_policies.insert("own".to_owned(), json!({}));
    role.boundary = Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
    role.tags.insert("team".to_owned(), "payments".to_owned());
}

/// Denies the sessions that alice began so many hours ago.
fn deny(snapshot: &mut Snapshot, hours: i64) {
    let alice = "alice".parse().unwrap();
    let denial = revocation::policy(&alice, now() - SignedDuration::from_hours(hours));
    let name = revocation::policy_name(&alice);
    role(snapshot).role.inline_policies.insert(name, denial);
}

fn set_contact(snapshot: &mut Snapshot, kind: ContactKind) {
    let bob = Contact {
        name: "Bob".to_owned(),
        title: "Owner".to_owned(),
        email: "bob@example.com".to_owned(),
        phone: "+1 555 0100".to_owned(),
    };
    inside(snapshot).contacts.insert(kind, Ok(Some(bob)));
}

/// Some of the blocks of public access to S3 are on, and the Organization's S3 policy says this.
fn set_by_the_organization(snapshot: &mut Snapshot, value: &str) {
    inside(snapshot).public_access_blocks = Some(Ok(Some(2)));
    let policy = json!({ "s3_attributes": { "public_access_block_configuration": value } });
    inside(snapshot).org_policies = [(OrgPolicyKind::S3, policy)].into();
}

/// A default VPC with these uses, if the account is one in which the function looks for it.
fn look_at_vpc(snapshot: &mut Snapshot, uses: &[&str]) {
    let vpc = DefaultVpc {
        id: "vpc-1".to_owned(),
        subnets: vec!["subnet-1".to_owned()],
        gateways: vec!["igw-1".to_owned()],
        uses: uses.iter().map(|name| (*name).to_owned()).collect(),
    };
    let is_looked_at = may_lose_default_vpcs(snapshot.job.account(), now());
    view(snapshot).default_vpc = is_looked_at.then_some(Ok(Some(vpc)));
}

/// The end of a situation: true if anything changes, and everything that changes or is said.
type Played = (bool, Vec<String>);

fn play(found: &str, situation: &Situation) -> Played {
    match situation {
        Account(change) => play_account(found, &policy(""), *change),
        With(lines, change) => play_account(found, &policy(lines), *change),
        ByStackSet(change) => {
            let way = Way::StackSet(StackSet {
                name: "banto".to_owned(),
                targets: vec!["r-ab12".parse().unwrap()],
                delegated: false,
            });
            let policy = OnboardingPolicy { way, ..policy("") };
            play_account(found, &policy, *change)
        }
        Request(cause, edits) => play_request(*cause, edits()),
    }
}

fn play_account(found: &str, policy: &OnboardingPolicy, change: fn(&mut Snapshot)) -> Played {
    let mut snapshot = in_place(policy);
    assert!(plan(&snapshot, policy, now()).is_empty(), "{found}");
    change(&mut snapshot);
    let plan = plan(&snapshot, policy, now());
    assert_eq!(check(&snapshot, &plan, policy, now()), [], "{found}");
    (!plan.is_empty(), lines(&plan))
}

fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, chain) in plan.chains.iter() {
        lines.extend(chain.actions.iter().flat_map(shown));
        if chain.condition != Condition::InPlace {
            let condition = diff::condition(&chain.condition);
            lines.push(format!("{place}: {condition}"));
        }
    }
    lines
}

/// An action in lines; of a role's, the first one says it all.
fn shown(action: &Action) -> Vec<String> {
    match action {
        Action::CreateRole { .. } | Action::ChangeRole { .. } => vec![diff::first_line(action)],
        _ => diff::lines(action),
    }
}

fn play_request(cause: Cause, edits: AccountEdits) -> Played {
    let snapshot = fan_out::snapshot::Snapshot {
        request: FanOutRequest {
            scope: Scope::Accounts([account().id].into()),
            cause,
            edits,
            dry_run: false,
        },
        accounts: vec![fan_out::snapshot::ListedAccount {
            account: account(),
            tags: [("team".to_owned(), "search".to_owned())].into(),
            ou: Some("ou-ab12-cdef3456".parse().unwrap()),
        }],
        not_found: Vec::new(),
        departed: Vec::new(),
    };
    let plan = fan_out::plan::plan(&snapshot, now());
    let lines = plan.edits.iter().map(fan_out::diff::edit_line).collect();
    (!plan.edits.is_empty(), lines)
}

/// The table's rows: what is found, and what of it is changed.
fn documented() -> Vec<(&'static str, &'static str)> {
    let (_, section) = DOCUMENT.split_once(HEADING).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let table = section.lines().filter(|line| line.starts_with("| "));
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells.as_slice() {
            [found, _, changed] => (*found, *changed),
            _ => panic!("no row of three cells: {line}"),
        }
    };
    // The first line has the columns' names.
    table.skip(1).map(row).collect()
}

#[test]
fn each_row_on_what_is_kept_is_played_and_nothing_is_played_that_has_no_row() {
    let documented: Vec<&str> = documented().into_iter().map(|(found, _)| found).collect();
    let played: Vec<&str> = all().into_iter().map(|(found, ..)| found).collect();
    assert_eq!(documented, played);
}

#[test]
fn what_an_account_has_is_kept_and_changed_as_the_documentation_says() {
    let documented: BTreeMap<&str, &str> = documented().into_iter().collect();
    for (found, situation, expected) in all() {
        let (is_changed, lines) = play(found, &situation);
        assert_eq!(lines, expected, "{found}");
        let says_nothing = documented.get(found).copied() == Some("nothing");
        assert_eq!(is_changed, !says_nothing, "{found}");
    }
}

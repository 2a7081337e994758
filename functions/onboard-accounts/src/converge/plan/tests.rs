//! Tables of every situation that a region, a role or an account can be in. `tests/expected.txt` is
//! read by people; `BLESS=1` writes it anew. Each plan is held against the independent check.

use banto_domain::policy::onboarding::{Item, Way};
use banto_domain::{AccountId, Breach, Partition, Place, RoleName};
use banto_fake::{PolicyText, assert_as_committed};
use banto_ports::{
    AccountState, Channel, ChannelStatus, DefaultVpc, LivePasswordPolicy, LiveRecorder, LiveRole,
    OrgAccount, OrgPolicyKind, Recorder, RecorderStatus, RecordingGroup, RegionState, RoleChange,
    StackInstance, VpcPart,
};
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::converge::actions::{Action, ChangeCause};
use crate::converge::check::check;
use crate::converge::diff;
use crate::converge::expected::CONTROL_TOWER_TIMEOUT;
use crate::converge::snapshot::{Instances, Job, LiveConfig, SeenRole};
use crate::desired::{self, BEING_MADE, CONFIG_NAME, MANAGED_TAG};
use crate::message::{Cause, ConvergeRequest};
use crate::revocation;

const EXPECTED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/converge/plan/tests/expected.txt"
);

/// What every account must have.
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
[onboarding.roles.admin]
trusted = ["111122223333"]
managed_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]
[onboarding.settings]
password_policy = { minimum_length = 14 }
block_public_access = true
ebs_encryption = true
delete_default_vpc = true
"#;

fn policy(report_only: bool, stack_set: bool) -> OnboardingPolicy {
    let mut policy = PolicyText::least()
        .and(BASELINE)
        .parse()
        .onboarding
        .unwrap();
    if report_only {
        policy.baseline.report_only = Item::ALL.into_iter().map(|(_, item)| item).collect();
    }
    if stack_set {
        let targets = vec!["r-ab12".parse().unwrap()];
        policy.way = Way::StackSet(banto_domain::policy::onboarding::StackSet {
            name: "banto".into(),
            targets,
            delegated: false,
        });
    }
    policy
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

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

fn account() -> AccountId {
    "444455556666".parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

/// An account in which all is as the policy says.
fn in_place(policy: &OnboardingPolicy) -> Snapshot {
    let account = OrgAccount {
        id: "444455556666".parse().unwrap(),
        name: "payments".into(),
        state: AccountState::Active,
        path: Vec::new(),
        joined_at: Some(now() - SignedDuration::from_hours(2)),
        was_created: true,
    };
    let by_stack_set = policy.way != Way::Direct;
    let baseline = &policy.baseline;
    let recorder = desired::recorder(policy, baseline, &account.id, &region());
    let channel = desired::channel(&baseline.config, &region(), CONFIG_NAME);
    let role = &baseline.roles.values().next().unwrap();
    let live = LiveRole {
        name: "admin".parse().unwrap(),
        path: "/".into(),
        trust: desired::trust(role, Partition::Aws),
        managed_policies: role
            .managed_policies
            .iter()
            .map(ToString::to_string)
            .collect(),
        inline_policies: BTreeMap::new(),
        boundary: None,
        tags: desired::tags(role),
    };
    let view = LiveRegion {
        state: None,
        config: Some(Ok(LiveConfig {
            recorders: vec![LiveRecorder {
                recorder,
                service: None,
            }],
            channels: vec![channel],
            recorder_statuses: [(CONFIG_NAME.to_owned(), running())].into(),
            channel_statuses: [(CONFIG_NAME.to_owned(), ChannelStatus::default())].into(),
        })),
        ebs_encryption: Some(Ok(true)),
        default_vpc: Some(Ok(None)),
    };
    let inside = LiveAccount {
        instances: by_stack_set.then(|| Ok(instances(Some(StackInstance::Current), false))),
        roles: Ok(vec![
            SeenRole {
                role: live,
                session_seconds: 3_600,
            },
            config_role(),
        ]),
        password_policy: Some(Ok(Some(passwords(14)))),
        public_access_blocks: Some(Ok(Some(4))),
        contacts: BTreeMap::new(),
        org_policies: BTreeMap::new(),
        regions: Ok([(region(), view)].into()),
    };
    Snapshot {
        job: Job {
            request: ConvergeRequest {
                account,
                cause: Cause::Schedule,
                requested_at: now(),
                attempt: 0,
            },
            tags: BTreeMap::new(),
        },
        live: Some(Ok(inside)),
    }
}

fn running() -> RecorderStatus {
    RecorderStatus {
        recording: true,
        started_at: Some(now() - SignedDuration::from_hours(1)),
        error: None,
    }
}

/// A password policy of the baseline's other parts.
fn passwords(minimum_length: i32) -> LivePasswordPolicy {
    LivePasswordPolicy {
        minimum_length,
        lowercase: true,
        uppercase: true,
        numbers: true,
        symbols: true,
        users_may_change: true,
        ..LivePasswordPolicy::default()
    }
}

/// The role that AWS Config itself uses.
fn config_role() -> SeenRole {
    SeenRole {
        role: LiveRole {
            name: "AWSServiceRoleForConfig".parse().unwrap(),
            path: "/aws-service-role/config.amazonaws.com/".into(),
            trust: json!({}),
            managed_policies: Default::default(),
            inline_policies: BTreeMap::new(),
            boundary: None,
            tags: BTreeMap::new(),
        },
        session_seconds: 3_600,
    }
}

/// The instances of an account: one in its region, or none.
fn instances(instance: Option<StackInstance>, is_operating: bool) -> Instances {
    Instances {
        by_region: instance.map(|it| (region(), it)).into_iter().collect(),
        is_operating,
    }
}

/// A situation: its name, and how it differs from an account in place.
type Situation = (&'static str, fn(&mut Snapshot));

fn inside(snapshot: &mut Snapshot) -> &mut LiveAccount {
    snapshot.live.as_mut().unwrap().as_mut().unwrap()
}

fn view(snapshot: &mut Snapshot) -> &mut LiveRegion {
    inside(snapshot)
        .regions
        .as_mut()
        .unwrap()
        .values_mut()
        .next()
        .unwrap()
}

fn config(snapshot: &mut Snapshot) -> &mut LiveConfig {
    view(snapshot).config.as_mut().unwrap().as_mut().unwrap()
}

fn channel(snapshot: &mut Snapshot) -> &mut Channel {
    &mut config(snapshot).channels[0]
}

fn recorder(snapshot: &mut Snapshot) -> &mut Recorder {
    &mut config(snapshot).recorders[0].recorder
}

fn role(snapshot: &mut Snapshot) -> &mut SeenRole {
    &mut inside(snapshot).roles.as_mut().unwrap()[0]
}

fn status(snapshot: &mut Snapshot) -> &mut RecorderStatus {
    config(snapshot)
        .recorder_statuses
        .values_mut()
        .next()
        .unwrap()
}

fn rename(snapshot: &mut Snapshot, name: &str) {
    recorder(snapshot).name = name.to_owned();
    channel(snapshot).name = name.to_owned();
    let config = config(snapshot);
    config.recorder_statuses = [(name.to_owned(), running())].into();
    config.channel_statuses = [(name.to_owned(), ChannelStatus::default())].into();
}

fn reason(kind: ReasonKind) -> Reason {
    Reason::new(kind, "in words")
}

/// What can be found in either way.
fn common() -> Vec<Situation> {
    let all = [states(), health(), recorders(), settings(), common_roles()];
    all.into_iter().flatten().collect()
}

/// An account, and what of it can be seen.
fn states() -> Vec<Situation> {
    vec![
        ("in place", |_| {}),
        ("suspended", |s| {
            s.job.request.account.state = AccountState::Suspended
        }),
        ("closed", |s| {
            s.job.request.account.state = AccountState::Closed
        }),
        ("pending activation", |s| {
            s.job.request.account.state = AccountState::PendingActivation
        }),
        ("not assumable", |s| {
            s.live = Some(Err(reason(ReasonKind::NotAssumable)))
        }),
        ("not looked at", |s| s.live = None),
        ("regions unknown", |s| {
            inside(s).regions = Err(reason(ReasonKind::Throttled))
        }),
        ("region enabling", |s| {
            view(s).state = Some(RegionState::Enabling)
        }),
        ("region silent", |s| {
            view(s).config = Some(Err(reason(ReasonKind::Unavailable)))
        }),
    ]
}

/// States of recorders and channels that work, or don't.
fn health() -> Vec<Situation> {
    vec![
        ("recorder stopped", |s| status(s).recording = false),
        ("recorder reports an error", |s| {
            status(s).error = Some("AccessDenied".into())
        }),
        ("channel reports an error", |s| {
            let status = config(s).channel_statuses.get_mut("banto").unwrap();
            status.error = Some("NoSuchBucket".to_owned());
        }),
        ("the last snapshot is three days old", |s| {
            status(s).started_at = Some(now() - SignedDuration::from_hours(2_000));
            let status = config(s).channel_statuses.get_mut("banto").unwrap();
            status.last_snapshot = Some(now() - SignedDuration::from_hours(72));
        }),
        ("no snapshot ever, three days after the start", |s| {
            status(s).started_at = Some(now() - SignedDuration::from_hours(72));
        }),
        (
            "no snapshot for three days, started again an hour ago",
            |s| {
                let status = config(s).channel_statuses.get_mut("banto").unwrap();
                status.last_snapshot = Some(now() - SignedDuration::from_hours(72));
            },
        ),
    ]
}

fn recorders() -> Vec<Situation> {
    vec![
        ("records daily", |s| recorder(s).continuous = false),
        ("records one type only", |s| {
            recorder(s).group = RecordingGroup::Only(["AWS::S3::Bucket".to_owned()].into());
        }),
        ("delivers elsewhere", |s| {
            channel(s).bucket = "elsewhere".into()
        }),
        ("delivers to a topic besides", |s| {
            channel(s).topic = Some("arn:aws:sns:eu-west-1:444455556666:siem".into());
        }),
        ("a recorder of another name that records less", |s| {
            rename(s, "default");
            recorder(s).group = RecordingGroup::Only(["AWS::EC2::Instance".to_owned()].into());
        }),
        ("a recorder of another name that records the same", |s| {
            rename(s, "default")
        }),
        ("a channel of another name, with a topic, hourly", |s| {
            rename(s, "default");
            channel(s).topic = Some("arn:aws:sns:eu-west-1:444455556666:siem".into());
            channel(s).snapshots = Some("One_Hour".into());
        }),
        ("Control Tower's recorder", |s| {
            rename(s, "aws-controltower-BaselineConfigRecorder")
        }),
        ("Control Tower's bucket, version 4.0", |s| {
            rename(s, "default");
            channel(s).bucket = "aws-controltower-config-logs-111122223333".into();
        }),
        ("Control Tower's recorder, stopped", |s| {
            rename(s, "aws-controltower-BaselineConfigRecorder");
            status(s).recording = false;
        }),
        ("a service's recorder besides ours", |s| {
            let linked = LiveRecorder {
                service: Some("x.amazonaws.com".into()),
                recorder: recorder(s).clone(),
            };
            config(s).recorders.insert(0, linked);
        }),
    ]
}

fn settings() -> Vec<Situation> {
    vec![
        ("EBS off", |s| view(s).ebs_encryption = Some(Ok(false))),
        ("EBS unknown", |s| {
            view(s).ebs_encryption = Some(Err(reason(ReasonKind::Denied)))
        }),
        ("default VPC, empty", |s| {
            view(s).default_vpc = Some(Ok(Some(vpc(&[]))))
        }),
        ("default VPC, used", |s| {
            view(s).default_vpc = Some(Ok(Some(vpc(&["VPN gateway vgw-1"]))))
        }),
        ("no password policy", |s| {
            inside(s).password_policy = Some(Ok(None))
        }),
        ("a weaker password policy with parts of its own", |s| {
            let other = LivePasswordPolicy {
                minimum_length: 8,
                hard_expiry: true,
                users_may_change: false,
                max_age_days: Some(30),
                ..LivePasswordPolicy::default()
            };
            inside(s).password_policy = Some(Ok(Some(other)));
        }),
        ("a stricter password policy", |s| {
            let stricter = LivePasswordPolicy {
                reuse_prevention: Some(24),
                ..passwords(20)
            };
            inside(s).password_policy = Some(Ok(Some(stricter)));
        }),
        ("public access never blocked", |s| {
            inside(s).public_access_blocks = Some(Ok(None))
        }),
        ("public access half blocked", |s| {
            inside(s).public_access_blocks = Some(Ok(Some(2)))
        }),
        ("public access blocked by the Organization", |s| {
            set_by_the_organization(s, "all")
        }),
        ("public access left open by the Organization", |s| {
            set_by_the_organization(s, "none")
        }),
        ("EBS set by the Organization", |s| {
            view(s).ebs_encryption = Some(Ok(false));
            let policy = json!({ "ec2_attributes": { "ebs_default_encryption": {} } });
            inside(s).org_policies = [(OrgPolicyKind::Ec2, policy)].into();
        }),
    ]
}

fn common_roles() -> Vec<Situation> {
    vec![
        ("state unknown", |s| {
            s.job.request.account.state = AccountState::Unknown
        }),
        ("a role without our tag", |s| {
            drop(role(s).role.tags.remove(MANAGED_TAG))
        }),
        ("a role that trusts everybody", |s| {
            role(s).role.trust = json!({
                "Statement": [{ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" }],
            })
        }),
        ("a role of longer sessions", |s| {
            role(s).session_seconds = 43_200
        }),
        ("a role with more", |s| {
            let role = &mut role(s).role;
            role.managed_policies
                .insert("arn:aws:iam::aws:policy/IAMFullAccess".into());
            role.inline_policies.insert("own".into(), json!({}));
            role.boundary = Some("arn:aws:iam::aws:policy/B".into());
        }),
        ("a role with a user's sessions denied", |s| deny(s, 11)),
        ("a role with sessions denied that have all ended", |s| {
            deny(s, 13)
        }),
        ("roles unknown", |s| {
            inside(s).roles = Err(reason(ReasonKind::Denied))
        }),
        ("no role of AWS Config", |s| {
            drop(inside(s).roles.as_mut().unwrap().pop())
        }),
    ]
}

fn set_by_the_organization(snapshot: &mut Snapshot, value: &str) {
    inside(snapshot).public_access_blocks = Some(Ok(Some(2)));
    let policy = json!({ "s3_attributes": { "public_access_block_configuration": value } });
    inside(snapshot).org_policies = [(OrgPolicyKind::S3, policy)].into();
}

/// Denies the sessions that alice began so many hours ago.
fn deny(snapshot: &mut Snapshot, hours: i64) {
    let alice = "alice".parse().unwrap();
    let policy = revocation::policy(&alice, now() - SignedDuration::from_hours(hours));
    let name = revocation::policy_name(&alice);
    role(snapshot).role.inline_policies.insert(name, policy);
}

fn direct() -> Vec<Situation> {
    vec![
        ("no recorder, no channel", |s| *config(s) = nothing()),
        ("recorder made, channel not (a crash)", |s| {
            config(s).channels.clear();
            config(s).channel_statuses.clear();
            *status(s) = never_started();
        }),
        ("channel made, never started (a crash)", |s| {
            *status(s) = never_started();
        }),
        ("no role", |s| {
            drop(inside(s).roles.as_mut().unwrap().remove(0))
        }),
        ("a role half made (a crash)", |s| {
            role(s)
                .role
                .tags
                .insert(MANAGED_TAG.to_owned(), BEING_MADE.to_owned());
            role(s).role.managed_policies.clear();
        }),
    ]
}

fn never_started() -> RecorderStatus {
    RecorderStatus {
        recording: false,
        started_at: None,
        error: None,
    }
}

fn instance(snapshot: &mut Snapshot, instance: Option<StackInstance>, is_operating: bool) {
    inside(snapshot).instances = Some(Ok(instances(instance, is_operating)));
}

/// Leaves nothing in the account that a stack makes.
fn nothing_made(snapshot: &mut Snapshot) {
    *config(snapshot) = nothing();
    inside(snapshot).roles = Ok(vec![config_role()]);
}

fn by_stack_set() -> Vec<Situation> {
    vec![
        ("no instance, nothing made", |s| {
            nothing_made(s);
            instance(s, None, false);
        }),
        ("no instance, and no role of AWS Config", |s| {
            nothing_made(s);
            inside(s).roles = Ok(Vec::new());
            instance(s, None, false);
        }),
        ("no instance, and a recorder", |s| instance(s, None, false)),
        ("no instance, and a role of the name", |s| {
            *config(s) = nothing();
            instance(s, None, false);
        }),
        ("instance waits, an operation is under way", |s| {
            nothing_made(s);
            instance(s, Some(StackInstance::Pending), true);
        }),
        ("instance waits, nothing is under way", |s| {
            nothing_made(s);
            instance(s, Some(StackInstance::Pending), false);
        }),
        ("instance failed, nothing made", |s| {
            nothing_made(s);
            let why = "ResourceLimitExceeded".into();
            instance(s, Some(StackInstance::Failed(why)), false)
        }),
        ("instance failed, its recorder is there", |s| {
            let why = "ResourceLimitExceeded".into();
            instance(s, Some(StackInstance::Failed(why)), false)
        }),
        ("instance failed on a foreign recorder", |s| {
            rename(s, "default");
            let why = "MaxNumberOfConfigurationRecordersExceeded".into();
            instance(s, Some(StackInstance::Failed(why)), false)
        }),
        ("instance inoperable", |s| {
            let why = "DELETE_FAILED".into();
            instance(s, Some(StackInstance::Inoperable(why)), false)
        }),
        ("instances unknown", |s| {
            inside(s).instances = Some(Err(reason(ReasonKind::StackSetBusy)))
        }),
        ("instance current, recorder deleted", |s| {
            *config(s) = nothing()
        }),
        ("instance current, role deleted", |s| {
            drop(inside(s).roles.as_mut().unwrap().remove(0))
        }),
    ]
}

fn vpc(uses: &[&str]) -> DefaultVpc {
    DefaultVpc {
        id: "vpc-1".into(),
        subnets: vec!["subnet-1".into()],
        gateways: vec!["igw-1".into()],
        uses: uses.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Where everything stands after a plan, and what it does first, in lines.
fn lines(plan: &Plan) -> String {
    let part = |(place, part): (Place<'_>, &Chain)| {
        let actions: Vec<String> = part
            .actions
            .iter()
            .map(|action| {
                format!(
                    "\n      {}",
                    diff::lines(action).first().cloned().unwrap_or_default()
                )
            })
            .collect();
        format!(
            "    {place}: {}{}\n",
            diff::condition(&part.condition),
            actions.concat()
        )
    };
    let instances = [
        ("make", &plan.instances.create),
        ("deploy anew", &plan.instances.update),
    ];
    let mut text = String::new();
    for (what, regions) in instances {
        for region in regions {
            text.push_str(&format!("    stack instance in {region}: {what}\n"));
        }
    }
    text.extend(plan.chains.iter().map(part));
    text
}

#[test]
fn every_situation_has_its_plan_and_each_plan_passes_the_check() {
    let mut text = String::new();
    for (way, stack_set, own) in [
        ("direct", false, direct()),
        ("by StackSet", true, by_stack_set()),
    ] {
        for (name, change) in common().into_iter().chain(own) {
            for (reaction, report_only) in [("repair", false), ("report", true)] {
                let policy = policy(report_only, stack_set);
                let mut snapshot = in_place(&policy);
                change(&mut snapshot);
                let plan = plan(&snapshot, &policy, now());
                assert_eq!(
                    check(&snapshot, &plan, &policy, now()),
                    [],
                    "{way}, {reaction}: {name}"
                );
                text.push_str(&format!("{way}, {reaction}: {name}\n{}", lines(&plan)));
            }
        }
    }
    assert_as_committed(EXPECTED, &text);
}

#[test]
fn an_account_in_place_has_an_empty_plan() {
    for (report_only, stack_set) in [(false, false), (true, false), (false, true), (true, true)] {
        let policy = policy(report_only, stack_set);
        assert!(plan(&in_place(&policy), &policy, now()).is_empty());
    }
}

/// Actions that the check refuses in a region with Control Tower's recorder and a used default VPC.
fn forbidden_in_region(policy: &OnboardingPolicy) -> Vec<Action> {
    let recorder = desired::recorder(policy, &policy.baseline, &account(), &region());
    vec![
        Action::PutRecorder {
            recorder: recorder.clone(),
            replaces: None,
        },
        Action::PutRecorder {
            recorder: Recorder {
                name: "aws-controltower-x".into(),
                ..recorder
            },
            replaces: None,
        },
        Action::PutChannel {
            channel: Channel {
                bucket: "elsewhere".into(),
                ..desired::channel(&policy.baseline.config, &region(), "banto")
            },
            replaces: None,
        },
        Action::StartRecorder {
            name: "aws-controltower-BaselineConfigRecorder".into(),
        },
        Action::DeleteVpcPart {
            part: VpcPart::Vpc("vpc-1".into()),
        },
        Action::BlockPublicAccess { replaces: None },
    ]
}

/// Actions that the check refuses in an account whose role of the same name is not Banto's.
fn forbidden_in_account(policy: &OnboardingPolicy) -> Vec<Action> {
    let name: RoleName = "admin".parse().unwrap();
    vec![
        Action::ChangeRole {
            name: name.clone(),
            change: RoleChange::RemoveBoundary,
            replaces: None,
            cause: ChangeCause::Drift,
        },
        Action::CreateRole {
            name: name.clone(),
            role: desired::new_role(&policy.baseline.roles[&name], Partition::Aws),
        },
        Action::ChangeRole {
            name: "auditor".parse().unwrap(),
            change: RoleChange::SessionSeconds(3_600),
            replaces: None,
            cause: ChangeCause::Drift,
        },
        Action::EncryptEbs,
    ]
}

#[test]
fn the_check_refuses_what_the_planner_would_never_do() {
    let policy = policy(false, false);
    let mut snapshot = in_place(&policy);
    rename(&mut snapshot, "aws-controltower-BaselineConfigRecorder");
    role(&mut snapshot).role.tags.clear();
    view(&mut snapshot).default_vpc = Some(Ok(Some(vpc(&["VPN gateway vgw-1"]))));
    let (regional, global) = (forbidden_in_region(&policy), forbidden_in_account(&policy));
    let part = |actions| Chain {
        actions,
        condition: Condition::InPlace,
    };
    let all = regional.len() + global.len();
    let plan = Plan {
        account: snapshot.job.account().id.clone(),
        instances: InstanceChanges::default(),
        chains: PerPlace {
            account: part(global),
            regions: [(region(), part(regional))].into(),
        },
    };
    let breaches = check(&snapshot, &plan, &policy, now());
    assert_eq!(breaches.len(), all, "{breaches:#?}");
    // The kill switch refuses the plan as a whole.
    let breach = |what: &str| Breach::new("O1", &plan.account, what);
    let off = OnboardingPolicy {
        enabled: false,
        ..policy.clone()
    };
    let off = check(&snapshot, &plan, &off, now());
    assert_eq!(off, [breach("the kill switch is off")]);
    let other = Plan {
        account: "111122223333".parse().unwrap(),
        ..plan
    };
    let other = check(&snapshot, &other, &policy, now());
    assert_eq!(other[0].what, "it is about another account");
}

#[test]
fn the_check_keeps_a_new_account_for_control_tower_until_its_hour_is_over() {
    let policy = OnboardingPolicy {
        control_tower: true,
        ..policy(false, false)
    };
    let mut snapshot = in_place(&policy);
    *config(&mut snapshot) = nothing();
    let eager = plan(&snapshot, &policy, now());
    assert!(!eager.is_empty());
    snapshot.job.request.cause = Cause::Joined;
    assert!(plan(&snapshot, &policy, now()).is_empty());
    let breaches = check(&snapshot, &eager, &policy, now());
    assert_eq!(
        breaches[0].what,
        "Control Tower has not set the account up yet"
    );
    let later = now() + CONTROL_TOWER_TIMEOUT;
    assert_eq!(check(&snapshot, &eager, &policy, later), []);
    assert_eq!(plan(&snapshot, &policy, later), eager);
}

#[test]
fn the_check_refuses_to_make_the_role_of_aws_config_where_it_is_among_the_roles() {
    let policy = policy(false, false);
    let mut snapshot = in_place(&policy);
    *config(&mut snapshot) = nothing();
    inside(&mut snapshot).roles.as_mut().unwrap().pop();
    let plan = plan(&snapshot, &policy, now());
    assert_eq!(plan.chains.account.actions[0], Action::CreateConfigRole);
    assert_eq!(check(&snapshot, &plan, &policy, now()), []);
    inside(&mut snapshot)
        .roles
        .as_mut()
        .unwrap()
        .push(config_role());
    let breaches = check(&snapshot, &plan, &policy, now());
    assert_eq!(breaches[0].what, "CreateConfigRole in account: it is there");
}

#[test]
fn the_check_refuses_to_delete_the_default_vpc_of_an_account_that_is_not_new() {
    let policy = policy(false, false);
    let mut snapshot = in_place(&policy);
    view(&mut snapshot).default_vpc = Some(Ok(Some(vpc(&[]))));
    let plan = plan(&snapshot, &policy, now());
    assert!(!plan.is_empty());
    assert_eq!(check(&snapshot, &plan, &policy, now()), []);
    let days_later = now() + SignedDuration::from_hours(24);
    let breaches = check(&snapshot, &plan, &policy, days_later);
    assert!(
        breaches[0]
            .what
            .ends_with("the account is older than a day")
    );
    snapshot.job.request.account.was_created = false;
    let breaches = check(&snapshot, &plan, &policy, now());
    assert!(
        breaches[0]
            .what
            .ends_with("the account is older than a day")
    );
}

#[test]
fn the_check_refuses_to_write_ahead_of_a_stack_and_to_believe_that_a_running_one_is_broken() {
    let policy = policy(false, true);
    let mut snapshot = in_place(&policy);
    nothing_made(&mut snapshot);
    instance(&mut snapshot, None, false);
    let planned = plan(&snapshot, &policy, now());
    assert_eq!(planned.instances.create, [region()].into());
    instance(&mut snapshot, Some(StackInstance::Pending), false);
    let again = plan(&snapshot, &policy, now());
    assert_eq!(again.instances.update, [region()].into());
    instance(&mut snapshot, Some(StackInstance::Pending), true);
    for plan in [planned, again] {
        assert_eq!(check(&snapshot, &plan, &policy, now()).len(), 1);
    }
    let mut ahead = plan(&snapshot, &policy, now());
    assert!(ahead.is_empty());
    let account = snapshot.job.account().id.clone();
    let recorder = desired::recorder(&policy, &policy.baseline, &account, &region());
    let chain = ahead.chains.regions.get_mut(&region()).unwrap();
    chain.actions.push(Action::PutRecorder {
        recorder,
        replaces: None,
    });
    let breaches = check(&snapshot, &ahead, &policy, now());
    assert!(
        breaches[0]
            .what
            .ends_with("its stack in eu-west-1 comes first")
    );
}

#[test]
fn the_check_refuses_a_weaker_password_policy_and_the_end_of_a_denial_that_still_counts() {
    let policy = policy(false, false);
    let mut snapshot = in_place(&policy);
    deny(&mut snapshot, 11);
    inside(&mut snapshot).password_policy = Some(Ok(Some(passwords(20))));
    let mut eager = plan(&snapshot, &policy, now());
    assert!(eager.is_empty());
    eager.chains.account.actions = vec![
        Action::SetPasswordPolicy {
            policy: passwords(14),
            replaces: Some(passwords(20)),
        },
        Action::ChangeRole {
            name: "admin".parse().unwrap(),
            change: RoleChange::DeleteInline("banto-revoked-alice".into()),
            replaces: None,
            cause: ChangeCause::EndOfRevocation,
        },
    ];
    let breaches = check(&snapshot, &eager, &policy, now());
    let what: Vec<&str> = breaches.iter().map(|breach| breach.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "SetPasswordPolicy in account: the account's own policy is stricter",
            "ChangeRole in account: banto-revoked-alice denies sessions that may last",
        ]
    );
}

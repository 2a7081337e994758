//! Tables of every situation that a region, a role or an account can be in. `tests/expected.txt` is
//! read by people; `BLESS=1` writes it anew. Each plan is held against the independent check.

use banto_domain::policy::onboarding::{Item, PasswordPolicy, Way};
use banto_domain::{AccountId, Breach, Partition, Place, RoleName};
use banto_fake::{PolicyText, assert_as_committed};
use banto_ports::{
    AccountState, Channel, DefaultVpc, LiveRecorder, LiveRole, OrgAccount, Recorder,
    RecorderStatus, RecordingGroup, RegionState, RoleChange, VpcPart,
};

use super::*;
use crate::converge::actions::Action;
use crate::converge::check::check;
use crate::converge::diff;
use crate::converge::expected::CONTROL_TOWER_TIMEOUT;
use crate::converge::snapshot::{Job, LiveConfig, RecordersAndChannels, SeenRole};
use crate::desired::{self, BEING_MADE, CONFIG_NAME, MANAGED_TAG};
use crate::message::{Cause, ConvergeRequest};

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

const NONE: RecordersAndChannels = RecordersAndChannels {
    recorders: Vec::new(),
    channels: Vec::new(),
};

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
        joined_at: None,
    };
    let by_stack_set = policy.way != Way::Direct;
    let baseline = &policy.baseline;
    let recorder = desired::recorder(policy, baseline, &account.id, &region());
    let channel = desired::channel(&baseline.config, CONFIG_NAME);
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
            recorders_and_channels: (!by_stack_set).then(|| RecordersAndChannels {
                recorders: vec![LiveRecorder {
                    recorder,
                    service: None,
                }],
                channels: vec![channel],
            }),
            recorder_statuses: [(CONFIG_NAME.to_owned(), running())].into(),
            channel_errors: [(CONFIG_NAME.to_owned(), None)].into(),
        })),
        ebs_encryption: Some(Ok(true)),
        default_vpc: Some(Ok(None)),
    };
    let inside = LiveAccount {
        roles: (!by_stack_set).then(|| {
            Ok(vec![SeenRole {
                role: live,
                session_seconds: 3_600,
            }])
        }),
        config_role: None,
        password_policy: Some(Ok(baseline.settings.password_policy.clone())),
        public_access_blocks: Some(Ok(Some(4))),
        contacts: BTreeMap::new(),
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
            instances: by_stack_set.then(|| Ok([(region(), StackInstance::Current)].into())),
        },
        live: Some(Ok(inside)),
    }
}

fn running() -> RecorderStatus {
    RecorderStatus {
        recording: true,
        was_started: true,
        error: None,
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

fn recorders_and_channels(snapshot: &mut Snapshot) -> &mut RecordersAndChannels {
    config(snapshot).recorders_and_channels.as_mut().unwrap()
}

fn role(snapshot: &mut Snapshot) -> &mut SeenRole {
    inside(snapshot)
        .roles
        .as_mut()
        .unwrap()
        .as_mut()
        .unwrap()
        .first_mut()
        .unwrap()
}

fn status(snapshot: &mut Snapshot) -> &mut RecorderStatus {
    config(snapshot)
        .recorder_statuses
        .values_mut()
        .next()
        .unwrap()
}

fn rename(snapshot: &mut Snapshot, name: &str) {
    let seen = recorders_and_channels(snapshot);
    seen.recorders[0].recorder.name = name.to_owned();
    seen.channels[0].name = name.to_owned();
    let config = config(snapshot);
    config.recorder_statuses = [(name.to_owned(), running())].into();
    config.channel_errors = [(name.to_owned(), None)].into();
}

fn reason(kind: ReasonKind) -> Reason {
    Reason::new(kind, "in words")
}

/// What can be found in either way.
fn common() -> Vec<Situation> {
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
        ("recorder stopped", |s| status(s).recording = false),
        ("recorder reports an error", |s| {
            status(s).error = Some("AccessDenied".into())
        }),
        ("channel reports an error", |s| {
            config(s).channel_errors =
                [("banto".to_owned(), Some("NoSuchBucket".to_owned()))].into()
        }),
        ("EBS off", |s| view(s).ebs_encryption = Some(Ok(false))),
        ("EBS unknown", |s| {
            view(s).ebs_encryption = Some(Err(reason(ReasonKind::Denied)))
        }),
        ("default VPC, empty", |s| {
            view(s).default_vpc = Some(Ok(Some(vpc(0, &[]))))
        }),
        ("default VPC, used", |s| {
            view(s).default_vpc = Some(Ok(Some(vpc(1, &[]))))
        }),
        ("default VPC, with somebody's subnet", |s| {
            view(s).default_vpc = Some(Ok(Some(vpc(0, &["subnet-2"]))))
        }),
        ("no password policy", |s| {
            inside(s).password_policy = Some(Ok(None))
        }),
        ("another password policy", |s| {
            let other = PasswordPolicy {
                minimum_length: 8,
                all_character_kinds: false,
                max_age_days: None,
                reuse_prevention: None,
            };
            inside(s).password_policy = Some(Ok(Some(other)));
        }),
        ("public access never blocked", |s| {
            inside(s).public_access_blocks = Some(Ok(None))
        }),
        ("public access half blocked", |s| {
            inside(s).public_access_blocks = Some(Ok(Some(2)))
        }),
    ]
}

fn direct() -> Vec<Situation> {
    vec![
        ("no recorder, no channel", |s| {
            *config(s) = LiveConfig {
                recorders_and_channels: Some(NONE),
                recorder_statuses: BTreeMap::new(),
                channel_errors: BTreeMap::new(),
            };
        }),
        ("recorder made, channel not (a crash)", |s| {
            recorders_and_channels(s).channels.clear();
            config(s).channel_errors.clear();
            *status(s) = RecorderStatus {
                recording: false,
                was_started: false,
                error: None,
            };
        }),
        ("channel made, never started (a crash)", |s| {
            *status(s) = RecorderStatus {
                recording: false,
                was_started: false,
                error: None,
            };
        }),
        ("records daily", |s| {
            recorders_and_channels(s).recorders[0].recorder.continuous = false
        }),
        ("delivers elsewhere", |s| {
            recorders_and_channels(s).channels[0].bucket = "elsewhere".into()
        }),
        ("a recorder of another name that records less", |s| {
            rename(s, "default");
            recorders_and_channels(s).recorders[0].recorder.group =
                RecordingGroup::Only(["AWS::EC2::Instance".to_owned()].into());
        }),
        ("a recorder of another name that records the same", |s| {
            rename(s, "default")
        }),
        ("Control Tower's recorder", |s| {
            rename(s, "aws-controltower-BaselineConfigRecorder")
        }),
        ("Control Tower's recorder, stopped", |s| {
            rename(s, "aws-controltower-BaselineConfigRecorder");
            status(s).recording = false;
        }),
        ("a service's recorder besides ours", |s| {
            let linked = recorders_and_channels(s).recorders[0].clone();
            recorders_and_channels(s).recorders.insert(
                0,
                LiveRecorder {
                    service: Some("x.amazonaws.com".into()),
                    ..linked
                },
            );
        }),
    ]
}

fn direct_roles() -> Vec<Situation> {
    vec![
        ("no role", |s| inside(s).roles = Some(Ok(Vec::new()))),
        ("a role without our tag", |s| {
            drop(role(s).role.tags.remove(MANAGED_TAG))
        }),
        ("a role half made (a crash)", |s| {
            role(s)
                .role
                .tags
                .insert(MANAGED_TAG.to_owned(), BEING_MADE.to_owned());
            role(s).role.managed_policies.clear();
        }),
        ("a role of other trust", |s| {
            role(s).role.trust = serde_json::json!({ "Statement": [] })
        }),
        ("a role of longer sessions", |s| {
            role(s).session_seconds = 43_200
        }),
        ("a role with more", |s| {
            role(s)
                .role
                .managed_policies
                .insert("arn:aws:iam::aws:policy/IAMFullAccess".into());
            role(s)
                .role
                .inline_policies
                .insert("own".into(), serde_json::json!({}));
            role(s).role.boundary = Some("arn:aws:iam::aws:policy/B".into());
        }),
        ("roles unknown", |s| {
            inside(s).roles = Some(Err(reason(ReasonKind::Denied)))
        }),
    ]
}

fn by_stack_set() -> Vec<Situation> {
    fn instance(s: &mut Snapshot, instance: StackInstance) {
        s.job.instances = Some(Ok([(region(), instance)].into()));
    }
    vec![
        ("no instance", |s| {
            s.job.instances = Some(Ok(BTreeMap::new()))
        }),
        ("no instance, and no role of AWS Config", |s| {
            s.job.instances = Some(Ok(BTreeMap::new()));
            inside(s).config_role = Some(Ok(false));
        }),
        ("instance pending", |s| instance(s, StackInstance::Pending)),
        ("instance failed", |s| {
            instance(s, StackInstance::Failed("ResourceLimitExceeded".into()))
        }),
        ("instance inoperable", |s| {
            instance(s, StackInstance::Inoperable("DELETE_FAILED".into()))
        }),
        ("instance drifted", |s| instance(s, StackInstance::Drifted)),
        ("instances unknown", |s| {
            s.job.instances = Some(Err(reason(ReasonKind::StackSetBusy)))
        }),
        ("instance current, recorder gone", |s| {
            config(s).recorder_statuses.clear()
        }),
    ]
}

fn vpc(interfaces: usize, foreign: &[&str]) -> DefaultVpc {
    DefaultVpc {
        id: "vpc-1".into(),
        interfaces,
        subnets: vec!["subnet-1".into()],
        gateways: vec!["igw-1".into()],
        foreign: foreign.iter().map(|name| (*name).to_owned()).collect(),
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
    plan.chains.iter().map(part).collect()
}

#[test]
fn every_situation_has_its_plan_and_each_plan_passes_the_check() {
    let mut text = String::new();
    for (way, stack_set, own) in [
        ("direct", false, [direct(), direct_roles()].concat()),
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
                ..desired::channel(&policy.baseline.config, "banto")
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
        },
        Action::CreateRole {
            name: name.clone(),
            role: desired::new_role(&policy.baseline.roles[&name], Partition::Aws),
        },
        Action::ChangeRole {
            name: "auditor".parse().unwrap(),
            change: RoleChange::SessionSeconds(3_600),
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
    view(&mut snapshot).default_vpc = Some(Ok(Some(vpc(1, &[]))));
    let (regional, global) = (forbidden_in_region(&policy), forbidden_in_account(&policy));
    let part = |actions| Chain {
        actions,
        condition: Condition::InPlace,
    };
    let all = regional.len() + global.len();
    let plan = Plan {
        account: snapshot.job.account().id.clone(),
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
    *recorders_and_channels(&mut snapshot) = NONE;
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
    *recorders_and_channels(&mut snapshot) = NONE;
    let plan = plan(&snapshot, &policy, now());
    assert_eq!(plan.chains.account.actions[0], Action::CreateConfigRole);
    assert_eq!(check(&snapshot, &plan, &policy, now()), []);
    let mut own = role(&mut snapshot).clone();
    own.role.name = "AWSServiceRoleForConfig".parse().unwrap();
    inside(&mut snapshot)
        .roles
        .as_mut()
        .unwrap()
        .as_mut()
        .unwrap()
        .push(own);
    let breaches = check(&snapshot, &plan, &policy, now());
    assert_eq!(breaches[0].what, "CreateConfigRole in account: it is there");
}

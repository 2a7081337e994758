//! Plays scenes in kinds of world: what befalls them there, and what is judged after every run and
//! in the end.

use std::sync::Arc;

use banto_domain::policy::OnboardingPolicy;
use banto_domain::policy::onboarding::Way;
use banto_domain::status::Condition;
use banto_domain::{AccountId, Region};
use banto_fake::{Effect, Fault, FaultKind, MemberAccount, MemberRegion, Reader, Run, World};
use banto_ports::{AccountState, ErrorKind, LiveRecorder, LiveRole, Recorder, RecordingGroup};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::harness::{
    account, by_stack_set, created, foreign, is_in_place, minutes, named_account, policy, recorded,
    region, scheduled, start, told,
};
use super::stack_set::deployed_by;
use crate::harness::crash_points::{Played, Scene};
use crate::harness::{Sqs, handle, settle};

/// A world in which a message is about to be worked off.
pub struct Begun {
    name: &'static str,
    policy: fn() -> OnboardingPolicy,
    prepare: fn(&Arc<World>, &AccountId),
    /// The event that leads to the message.
    event: &'static str,
    /// The repairs that the world needs: people are told of all.
    repairs: &'static [Repair],
}

/// A repair of an account that drifted.
struct Repair {
    /// The words in which it is told.
    words: &'static str,
    is_made: fn(&MemberAccount) -> bool,
}

/// Everything that drifts in an account.
const REPAIRS: [Repair; 4] = [
    Repair {
        words: "role admin: trust",
        is_made: |member| is_right_role(member, "admin"),
    },
    Repair {
        words: "role readonly created",
        is_made: |member| is_right_role(member, "readonly"),
    },
    Repair {
        words: "us-east-1: recorder banto started",
        is_made: |member| is_recorded(member, "us-east-1"),
    },
    Repair {
        words: "us-east-1: encryption of new EBS volumes",
        is_made: |member| member.regions[&region("us-east-1")].ebs_encryption,
    },
];

pub fn scenes() -> Vec<Begun> {
    let new = |name, policy, prepare| Begun {
        name,
        policy,
        prepare,
        event: "create-account-result",
        repairs: &[],
    };
    let drift = |name, policy, prepare| Begun {
        repairs: &REPAIRS,
        ..new(name, policy, prepare)
    };
    vec![
        new("new account", policy, |_, _| {}),
        new("by StackSet", by_stack_set, |world, _| {
            deployed_by(world, &by_stack_set());
            world.manage_execution(true);
            // Another account's operation is under way.
            let other = named_account(world, "555566667777", "search");
            handle(world, &by_stack_set(), &json!({ "accounts": [other] }));
        }),
        new("existing recorder", policy, |world, account| {
            world.change_account(account, |member| {
                member.region("eu-west-1").recorder = Some(existing());
                let auditor = (foreign_role("auditor"), 3_600);
                member.roles.insert("auditor".parse().unwrap(), auditor);
            });
        }),
        drift("drift in an old account", policy, |world, account| {
            grow_old(world, account);
            drifted(world, account, &policy());
        }),
        drift("drift by StackSet", by_stack_set, |world, account| {
            deployed_by(world, &by_stack_set());
            drifted(world, account, &by_stack_set());
        }),
        Begun {
            event: "move-account",
            ..new("years old, and moved", policy, |world, account| {
                grow_old(world, account);
            })
        },
    ]
}

/// Lets an account have joined years ago.
fn grow_old(world: &World, account: &AccountId) {
    world.change_account(account, |member| {
        member.org.joined_at = Some(start() - minutes(1_000 * 24 * 60));
    });
}

/// Brings an account to its baseline, and changes it a day later.
fn drifted(world: &Arc<World>, account: &AccountId, policy: &OnboardingPolicy) {
    handle(world, policy, &created());
    settle(world, policy);
    world.advance(minutes(24 * 60));
    world.open_trust(account, "admin");
    world.delete_role(account, "readonly");
    world.stop_recorder(account, "us-east-1");
    world.change_account(account, |member| {
        member.region("us-east-1").ebs_encryption = false;
    });
}

fn existing() -> LiveRecorder {
    let group = RecordingGroup::Only(["AWS::EC2::Instance".to_owned()].into());
    let role = "arn:aws:iam::444455556666:role/config".to_owned();
    let recorder = Recorder {
        name: "default".into(),
        role,
        group,
        continuous: true,
        continuous_of: Default::default(),
    };
    LiveRecorder {
        recorder,
        service: None,
    }
}

/// A role that Banto did not make.
pub fn foreign_role(name: &str) -> LiveRole {
    LiveRole {
        name: name.parse().unwrap(),
        path: "/".into(),
        trust: json!({ "Statement": [] }),
        managed_policies: Default::default(),
        inline_policies: Default::default(),
        boundary: None,
        tags: Default::default(),
    }
}

/// A kind of world that every scene may happen in.
#[derive(Clone, Copy)]
pub struct Scenery {
    begin: fn(&World, &AccountId),
}

/// Nothing is late.
pub const PLAIN: Scenery = Scenery { begin: |_, _| {} };

/// Things that were made show late and have their effect late.
pub const LATE: Scenery = Scenery {
    begin: |world, _| {
        let seconds = SignedDuration::from_secs;
        world.delay(Effect::NewRole, seconds(10));
        world.delay(Effect::ConfigRole, seconds(30));
        world.delay(Effect::BucketPolicy, minutes(20));
        world.lag(Reader::GetAccountAuthorizationDetails, seconds(20));
        world.lag(Reader::ListRoles, seconds(20));
        world.lag(Reader::DescribeConfigurationRecorders, seconds(10));
        world.lag(Reader::DescribeDeliveryChannels, seconds(10));
    },
};

/// Organizations shows the account only after a while.
pub const HIDDEN: Scenery = Scenery {
    begin: |world, account| {
        let from = world.now() + minutes(9);
        world.change_account(account, |member| member.shows_from = Some(from));
    },
};

/// Something that befalls a call of an invocation.
#[derive(Clone, Copy)]
pub enum Blow {
    Fault(FaultKind),
    /// Calls whose name begins so fail for an hour.
    Outage(&'static str),
    /// A person acts.
    Act(Act),
}

/// Every service that the function calls.
pub const SERVICES: [&str; 11] = [
    "account:",
    "cloudformation:",
    "config:",
    "dynamodb:",
    "ec2:",
    "iam:",
    "organizations:",
    "s3:",
    "sns:",
    "sqs:",
    "sts:",
];

/// Something that a person does.
#[derive(Clone, Copy)]
pub struct Act {
    pub name: &'static str,
    act: fn(&World, &AccountId),
    /// How the account is in the end.
    end: End,
}

/// How an account is in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    InPlace,
    LeftAlone,
    Gone,
}

/// Everything that a person may do between two calls.
pub const ACTS: [Act; 10] = [
    act("narrows a recorder", End::InPlace, |world, id| {
        world.narrow_recorder(id, "eu-west-1", &["AWS::S3::Bucket"]);
    }),
    act("points a channel elsewhere", End::InPlace, |world, id| {
        world.point_channel(id, "us-east-1", "elsewhere");
    }),
    act("lets everybody assume a role", End::InPlace, |world, id| {
        world.open_trust(id, "admin");
    }),
    act("stops a recorder", End::InPlace, |world, id| {
        world.stop_recorder(id, "us-east-1");
    }),
    act("deletes a role", End::InPlace, |world, id| {
        world.delete_role(id, "readonly");
    }),
    act("moves the account", End::InPlace, |world, id| {
        world.move_account(id, &["r-ab12", "ou-ab12-sandbox1"]);
    }),
    act("renames the account", End::InPlace, |world, id| {
        world.rename_account(id, "renamed");
    }),
    act("uses the default VPC", End::InPlace, |world, id| {
        world.use_default_vpc(id, "eu-west-1", "network interface eni-1");
    }),
    act("closes the account", End::LeftAlone, |world, id| {
        world.close_account(id);
    }),
    act("removes the account", End::Gone, |world, id| {
        world.remove_account(id);
    }),
];

const fn act(name: &'static str, end: End, act: fn(&World, &AccountId)) -> Act {
    Act { name, act, end }
}

/// A blow to a call, from 1, of an invocation, from 0.
#[derive(Clone, Copy)]
pub struct Hit {
    pub invocation: usize,
    pub call: usize,
    pub blow: Blow,
}

/// A scene in a kind of world.
pub struct Staged {
    pub scene: Begun,
    pub scenery: Scenery,
}

impl Staged {
    /// True if the scene is about an account that is new.
    pub fn is_about_new(&self) -> bool {
        self.scene.event == "create-account-result" && self.scene.repairs.is_empty()
    }

    /// True if the account gets its baseline by StackSet.
    pub fn is_by_stack_set(&self) -> bool {
        (self.scene.policy)().way != Way::Direct
    }

    /// The world, and the account that a message waits for.
    fn begin(&self) -> (Arc<World>, AccountId) {
        let world = World::at(start());
        let account = account(&world);
        // Organizations without any account is taken for one that can't be read.
        let closed = named_account(&world, "666677778888", "closed");
        world.close_account(&closed);
        (self.scene.prepare)(&world, &account);
        (self.scenery.begin)(&world, &account);
        handle(&world, &(self.scene.policy)(), &recorded(self.scene.event));
        (world, account)
    }

    /// Plays the scene until nothing is left to do.
    pub fn play_with(&self, hits: &[Hit]) -> Played {
        let policy = (self.scene.policy)();
        let (world, account) = self.begin();
        let mut watch = Watch::on(&world, &account, self.scene.repairs, hits);
        let mut sqs = Sqs::default();
        while let Some(at) = world.next_message_at() {
            world.advance_to(at);
            let run = run(&world, &account, sqs.calls.len(), hits);
            sqs.deliver_on(&run, &world, &policy);
            watch.run_ended();
            if sqs.calls.len() > 300 {
                watch.broken.push("the queue does not empty".to_owned());
                break;
            }
        }
        for message in &sqs.dead {
            watch.broken.push(format!("given up: {}", message.body));
        }
        watch.settle(&policy);
        Played {
            calls: sqs.calls,
            fired: sqs.fired,
            broken: watch.broken,
        }
    }

    /// Plays the scene, one invocation's messages being handed to two at once.
    pub fn play_with_two(&self, invocation: usize, turns: Vec<bool>) -> Vec<String> {
        let policy = (self.scene.policy)();
        let (world, account) = self.begin();
        let mut watch = Watch::on(&world, &account, self.scene.repairs, &[]);
        Sqs::default().settle_with_two(&world, &policy, invocation, turns);
        watch.run_ended();
        watch.settle(&policy);
        watch.broken
    }
}

impl Scene for Staged {
    fn name(&self) -> &str {
        self.scene.name
    }

    fn play(&self, faults: &[(usize, Fault)]) -> Played {
        let hits = faults.iter().map(|(invocation, fault)| Hit {
            invocation: *invocation,
            call: fault.call,
            blow: Blow::Fault(fault.kind),
        });
        self.play_with(&hits.collect::<Vec<_>>())
    }
}

/// An invocation's view of the world, with what befalls it.
fn run(world: &Arc<World>, account: &AccountId, invocation: usize, hits: &[Hit]) -> Arc<Run> {
    let mut here = hits.to_vec();
    here.retain(|hit| hit.invocation == invocation);
    let fault = here.iter().find_map(|hit| match hit.blow {
        Blow::Fault(kind) => Some(Fault {
            call: hit.call,
            kind,
        }),
        Blow::Outage(_) | Blow::Act(_) => None,
    });
    let run = world.run(fault);
    for hit in here {
        match hit.blow {
            Blow::Fault(_) => {}
            Blow::Outage(calls) => run.interfere(hit.call, move |world| {
                world.outage(calls, ErrorKind::Unavailable, world.now() + minutes(60));
            }),
            Blow::Act(Act { act, .. }) => {
                let account = account.clone();
                run.interfere(hit.call, move |world| act(world, &account));
            }
        }
    }
    run
}

/// The time after which whoever has an unrecorded account was told: organization rules give up
/// after seven hours.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(8);

/// Judges a world after every run, and in the end.
struct Watch<'a> {
    world: &'a Arc<World>,
    account: &'a AccountId,
    /// The repairs that people are told of.
    repairs: &'a [Repair],
    /// The end that a person's act leads to, if a person acts.
    act: Option<End>,
    begun: Timestamp,
    /// The account as it was.
    before: MemberAccount,
    /// The messages to people so far.
    told: usize,
    broken: Vec<String>,
}

impl<'a> Watch<'a> {
    fn on(
        world: &'a Arc<World>,
        account: &'a AccountId,
        repairs: &'a [Repair],
        hits: &[Hit],
    ) -> Self {
        let act = hits.iter().find_map(|hit| match hit.blow {
            Blow::Act(act) => Some(act.end),
            Blow::Fault(_) | Blow::Outage(_) => None,
        });
        Self {
            world,
            account,
            repairs,
            act,
            begun: world.now(),
            before: world.account(account),
            told: told(world).len(),
            broken: Vec::new(),
        }
    }

    /// The account, if it is in the Organization.
    fn member(&self) -> Option<MemberAccount> {
        self.world.accounts().remove(self.account)
    }

    /// O1, O5, and that only what is ready is told as ready: after every run.
    fn run_ended(&mut self) {
        let Some(member) = self.member() else {
            return;
        };
        let news = told(self.world).split_off(self.told);
        self.told += news.len();
        // Whoever acts after the last look makes what is told of it untrue.
        let ready = format!("({}) is ready", self.account);
        let is_ready = news.iter().any(|told| told.contains(&ready));
        if is_ready && self.act.is_none() && !is_baseline(&member) {
            self.broken.push("told as ready, and is not".to_owned());
        }
        for Repair { words, is_made } in self.repairs {
            let is_told = news.iter().any(|told| told.contains(words));
            if is_told && self.act.is_none() && !is_made(&member) {
                self.broken
                    .push(format!("told as made, and is not: {words}"));
            }
        }
        self.untouched(&member);
        self.recorded_or_told(&member);
    }

    /// O1: what the baseline does not speak of is as it was, and so are an old account's VPCs.
    fn untouched(&mut self, member: &MemberAccount) {
        let (before, after) = (foreign(&self.before), foreign(member));
        for part in ["roles", "regions"] {
            if before[part] != after[part] {
                let what = format!("O1: {part} outside of the baseline changed: {after}");
                self.broken.push(what);
            }
        }
        let age = self
            .begun
            .duration_since(self.before.org.joined_at.unwrap());
        let may_go = age < minutes(24 * 60) && self.before.org.was_created;
        let gone = |(name, before): (&Region, &MemberRegion)| {
            before.default_vpc.is_some() && member.regions[name].default_vpc.is_none()
        };
        if !may_go && self.before.regions.iter().any(gone) {
            self.broken
                .push("O1: an old account's default VPC is gone".to_owned());
        }
    }

    /// O5: an account that is not recorded for hours is told.
    fn recorded_or_told(&mut self, member: &MemberAccount) {
        let is_over = self.world.now().duration_since(self.begun) >= TOLD_WITHIN;
        // What a person does right after a look is seen by the next daily run.
        if !is_over || self.act.is_some() || is_baseline(member) {
            return;
        }
        let is_told = told(self.world)
            .iter()
            .any(|told| told.contains(self.account.as_str()));
        if !is_told {
            self.broken.push("O5: not in place, in silence".to_owned());
        }
    }

    /// Lets a day pass, and says what is not true in the end.
    fn settle(&mut self, policy: &OnboardingPolicy) {
        self.world.advance(minutes(24 * 60));
        if let Some(member) = self.member() {
            self.recorded_or_told(&member);
        }
        // What a single failure left for people is taken up by the next day's fan-out.
        handle(self.world, policy, &scheduled());
        settle(self.world, policy);
        self.run_ended();
        self.ended();
        self.repairs_are_told();
        self.again(policy);
    }

    /// The account is as it should be in the end.
    fn ended(&mut self) {
        let row = self.world.statuses().remove(self.account);
        let end = match self.act.unwrap_or(End::InPlace) {
            // A person's act on a call that was the last one's comes to pass all the same.
            End::Gone if self.member().is_none() => row.is_none(),
            End::LeftAlone if self.is_closed() => {
                let status = row.and_then(|row| row.status);
                let condition = status.map(|status| status.conditions.account);
                matches!(condition, Some(Condition::LeftAlone { .. }))
            }
            End::InPlace | End::LeftAlone | End::Gone => {
                is_in_place(self.world, self.account)
                    && self.member().is_some_and(|member| is_baseline(&member))
            }
        };
        if !end {
            let row = self.world.statuses().remove(self.account);
            self.broken.push(format!("not as it should be: {row:?}"));
        }
    }

    fn is_closed(&self) -> bool {
        let member = self.member();
        member.is_some_and(|member| member.org.state == AccountState::Suspended)
    }

    /// Every repair was told in the end.
    fn repairs_are_told(&mut self) {
        let told = told(self.world);
        for Repair { words, .. } in self.repairs {
            if self.act.is_none() && !told.iter().any(|told| told.contains(words)) {
                self.broken.push(format!("never told: {words}"));
            }
        }
    }

    /// O4: a second run changes nothing, and says nothing.
    fn again(&mut self, policy: &OnboardingPolicy) {
        let (writes, messages) = (self.world.writes().len(), told(self.world).len());
        handle(self.world, policy, &scheduled());
        settle(self.world, policy);
        let mut again = self.world.writes().split_off(writes);
        let own = ["dynamodb:UpdateItem", "sqs:SendMessage", "s3:PutObject"];
        again.retain(|call| !own.contains(&call.as_str()));
        if !again.is_empty() {
            self.broken
                .push(format!("O4: the second run wrote {again:?}"));
        }
        if let Some(more) = told(self.world).get(messages) {
            self.broken.push(format!("said again: {more}"));
        }
    }
}

/// True if an account has what the baseline says of recording and of roles, as it is from inside.
fn is_baseline(member: &MemberAccount) -> bool {
    ["eu-west-1", "us-east-1"]
        .into_iter()
        .all(|name| is_recorded(member, name))
        && ["admin", "readonly"]
            .into_iter()
            .all(|name| is_right_role(member, name))
}

/// True if a region records everything, and delivers it to the baseline's bucket.
fn is_recorded(member: &MemberAccount, name: &str) -> bool {
    let view = &member.regions[&region(name)];
    let group = view.recorder.as_ref().map(|it| &it.recorder.group);
    let (status, channel) = (view.status.as_ref(), view.channel.as_ref());
    matches!(group, Some(RecordingGroup::All { .. }))
        && status.is_some_and(|status| status.recording)
        && channel.is_some_and(|channel| channel.bucket == "banto-log-archive")
}

/// True if a role is there and trusts the identity account.
fn is_right_role(member: &MemberAccount, name: &str) -> bool {
    let role = member.roles.get(&name.parse().unwrap());
    let trust = role.map(|(role, _)| role.trust.to_string());
    trust.is_some_and(|trust| trust.contains("arn:aws:iam::111122223333:root"))
}

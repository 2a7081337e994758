//! The main kinds of message, in the functions' own words: example accounts, findings and keys go
//! through what decides and words the real ones.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use banto_domain::compliance::{
    AccountInfo, AskedFor, Change, FindingGroup, FindingKey, Lane, MessageRef, NotifiedIn,
    OutboxBatch, OutboxEntry, RouteState, Source,
};
use banto_domain::policy::compliance::{CompliancePolicy, Destination, Waiver};
use banto_domain::policy::{OnboardingPolicy, Policy};
use banto_domain::record;
use banto_domain::status::{self, AccountStatus, ReasonKind};
use banto_domain::{AccessKeyId, AccountId, PerPlace, Region, RuleName};
use banto_notice::{Notice, slack};
use banto_ports::{AccountState, LastUse, OrgAccount, ResourceFacts};
use jiff::{SignedDuration, Timestamp};
use notify_compliance::deliver::delivery::{Delivery, Target};
use notify_compliance::deliver::notices::render;
use notify_compliance::deliver::plan::plan;
use notify_compliance::deliver::remind;
use notify_compliance::deliver::snapshot::{DeliveryRoute, Snapshot};
use onboard_accounts::converge::actions::Action;
use onboard_accounts::converge::outcome::{AccountNews, NewsKind};
use onboard_accounts::converge::repairs;
use onboard_accounts::converge::snapshot::Job;
use onboard_accounts::message::{Cause, ConvergeRequest};
use rotate_access_keys::notices::Place;
use rotate_access_keys::plan::{OtherKey, OwnerNotice};
use rotate_access_keys::snapshot::{SLACK_TAG, User};

use super::page::{Channel, Shown};
use crate::local::slack::Post;

/// Alice's id in Slack.
pub(super) const ALICE: &str = "U024BE7LH";
const ACCOUNT: &str = "111122223333";
const REGION: &str = "ap-northeast-1";
/// Most rules that the policy has its own words for and are shown.
const OWN: usize = 5;
/// Accounts of the storm.
const STORM: u32 = 9;

/// Every example, by channel. What the policy does not speak of is left out.
pub(super) fn channels(policy: &Policy, now: Timestamp) -> Result<Vec<Channel>> {
    let mut operators = Teller::new("operators", "Those who run Banto", now);
    let mut channels = Vec::new();
    if let Some(compliance) = &policy.compliance {
        channels.push(findings(compliance, now)?);
        operators.waiver(compliance)?;
    }
    if let Some(onboarding) = &policy.onboarding {
        operators.accounts(onboarding)?;
    }
    channels.push(operators.channel);
    channels.push(keys(policy, now)?);
    Ok(channels
        .into_iter()
        .filter(|channel| !channel.messages.is_empty())
        .collect())
}

/// Messages in a channel, one after another.
struct Teller {
    channel: Channel,
    now: Timestamp,
}

impl Teller {
    fn new(name: &str, topic: &str, now: Timestamp) -> Self {
        let channel = Channel {
            name: name.to_owned(),
            topic: topic.to_owned(),
            messages: Vec::new(),
        };
        Self {
            channel,
            now: now - SignedDuration::from_hours(4),
        }
    }

    fn wait(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// Says something in the channel, and names the message.
    fn say(&mut self, about: &str, notice: &Notice) -> MessageRef {
        self.wait(17);
        self.post(Some(about), notice, &Target::New)
    }

    fn post(&mut self, about: Option<&str>, notice: &Notice, target: &Target) -> MessageRef {
        let ts = format!(
            "{}.{:06}",
            self.now.as_second(),
            self.channel.messages.len()
        );
        let post = Post {
            channel: self.channel.name.clone(),
            ts: ts.clone(),
            thread: target.thread().map(|message| message.ts.clone()),
            is_broadcast: matches!(
                target,
                Target::Thread {
                    broadcast: true,
                    ..
                }
            ),
            body: slack::message(notice),
            earlier: Vec::new(),
            at: self.now,
        };
        self.channel.messages.push(Shown {
            about: about.map(str::to_owned),
            post,
        });
        MessageRef {
            channel: self.channel.name.clone(),
            ts,
        }
    }

    fn correct(&mut self, message: &MessageRef, notice: &Notice) {
        let shown = self
            .channel
            .messages
            .iter_mut()
            .find(|shown| shown.post.ts == message.ts);
        if let Some(Shown { post, .. }) = shown {
            post.earlier
                .push(std::mem::replace(&mut post.body, slack::message(notice)));
        }
    }
}

// --- Compliance --------------------------------------------------------------------------------

/// Tells findings as notify-compliance does, in memory.
struct Findings<'a> {
    policy: &'a CompliancePolicy,
    teller: Teller,
    snapshot: Snapshot,
}

fn findings(policy: &CompliancePolicy, now: Timestamp) -> Result<Channel> {
    let is_channel =
        |to: &Destination| matches!(to, Destination::Channel(_) | Destination::ChannelOf(_));
    let mut channels = policy.routes.iter().filter(|route| is_channel(&route.to));
    let by_bot = channels.find(|route| matches!(route.to, Destination::Channel(_)));
    let mut route = by_bot
        .or(policy.routes.first())
        .context("the policy has no route")?
        .clone();
    let way = match &route.to {
        Destination::Channel(_) | Destination::ChannelOf(_) => "by the bot token",
        Destination::Webhook(_) => {
            "by an incoming webhook, which can't correct a message or answer it"
        }
        Destination::Topic(_) => "by SNS; here as Slack would show it",
        Destination::Mail(_) => "by mail; here as Slack would show it",
        Destination::Endpoint(_) => "by signed JSON; here as Slack would show it",
    };
    // Messages are told apart by the channel's name here, not by its id.
    if is_channel(&route.to) {
        route.to = Destination::Channel(route.name.clone());
    }
    let teller = Teller::new(
        &route.name,
        &format!("The route {} of the policy, {way}", route.name),
        now,
    );
    let mut findings = Findings {
        policy,
        teller,
        snapshot: Snapshot::empty(
            &DeliveryRoute {
                route,
                is_dropped: false,
            },
            RouteState::default(),
            Lane::Critical,
        ),
    };
    findings.add_account(ACCOUNT, "payments", "team-payments")?;
    findings.single()?;
    findings.several()?;
    findings.resolved()?;
    findings.storm()?;
    findings.urgent_storm()?;
    let flapping = findings.entry(
        "vpc-flow-logs-enabled",
        "AWS::EC2::VPC",
        "vpc-0f1e2d3c4b5a69788",
        None,
    )?;
    let change = Change::Flapping { was_open: false };
    findings.tell(
        "A resource that flaps",
        vec![OutboxEntry { change, ..flapping }],
    );
    findings.moved()?;
    findings.taken_over()?;
    findings.reminder();
    Ok(findings.teller.channel)
}

impl Findings<'_> {
    fn single(&mut self) -> Result<()> {
        let words = "The S3 bucket policy allows public read access.";
        let entry = self.entry(
            "s3-bucket-public-read-prohibited",
            "AWS::S3::Bucket",
            "invoices-archive",
            Some(words),
        )?;
        self.tell("A new finding", vec![entry]);
        let own: Vec<String> = self
            .policy
            .findings
            .rules
            .keys()
            .take(OWN)
            .cloned()
            .collect();
        for rule in own {
            let (kind, id) = example_resource(&rule);
            let entry = self.entry(&rule, kind, id, None)?;
            self.tell("A rule that the policy has its own words for", vec![entry]);
        }
        Ok(())
    }

    fn several(&mut self) -> Result<()> {
        let group = |this: &Self, id: &str| {
            this.entry("restricted-ssh", "AWS::EC2::SecurityGroup", id, None)
        };
        let groups = [
            "sg-0a1b2c3d4e5f60718",
            "sg-0b7c6d5e4f3a2b1c0",
            "sg-0c9d8e7f6a5b4c3d2",
        ];
        let found: Vec<OutboxEntry> = groups
            .iter()
            .map(|id| group(self, id))
            .collect::<Result<_>>()?;
        self.tell(
            "Several resources, of which one was resolved, and then another was found",
            found.clone(),
        );
        self.tell(
            "",
            found
                .into_iter()
                .take(1)
                .map(|entry| self.resolved_now(entry))
                .collect(),
        );
        let another = group(self, "sg-0d2c3b4a5f6e7d8c9")?;
        self.tell("The channel sees an answer that has news", vec![another]);
        Ok(())
    }

    fn resolved(&mut self) -> Result<()> {
        let user =
            |this: &Self, id: &str| this.entry("iam-user-mfa-enabled", "AWS::IAM::User", id, None);
        let (alice, bob) = (
            user(self, "AIDACKCEVSQ6C2EXAMPLE")?,
            user(self, "AIDAJ72KVP4X5EXAMPLE2")?,
        );
        self.snapshot.facts = [(&alice, "alice"), (&bob, "bob")]
            .map(|(entry, name)| {
                let facts = ResourceFacts {
                    name: Some(name.to_owned()),
                    arn: Some(format!("arn:aws:iam::{ACCOUNT}:user/{name}")),
                };
                (entry.key.clone(), facts)
            })
            .into();
        self.tell("All resolved", vec![alice.clone(), bob.clone()]);
        for entry in [alice, bob] {
            let resolved = self.resolved_now(entry);
            self.tell("", vec![resolved]);
        }
        Ok(())
    }

    fn storm(&mut self) -> Result<()> {
        let mut entries = Vec::new();
        for number in 0..STORM {
            let account = self.shop(number)?;
            for resource in 0..=number % 3 {
                let id = format!("i-0{number:06}{resource:010}");
                let mut entry = self.entry("ec2-imdsv2-check", "AWS::EC2::Instance", &id, None)?;
                entry.key.account = account.clone();
                entries.push(entry);
            }
        }
        self.tell("A storm: many at once become one message", entries.clone());
        self.teller.wait(30);
        let fixed: Vec<OutboxEntry> = entries
            .into_iter()
            .take(4)
            .map(|entry| self.resolved_now(entry))
            .collect();
        self.tell("", fixed);
        Ok(())
    }

    /// An account of many, in which the same is wrong.
    fn shop(&mut self, number: u32) -> Result<AccountId> {
        let id = format!("{}", 444_455_556_600_u64 + u64::from(number));
        let name = format!("shop-{}", char::from(b'a' + u8::try_from(number)?));
        self.add_account(&id, &name, "team-shops")
    }

    fn add_account(&mut self, id: &str, name: &str, owner: &str) -> Result<AccountId> {
        let id: AccountId = id.parse()?;
        let tag = self.policy.findings.owner_tag.iter();
        let info = AccountInfo {
            id: id.clone(),
            name: name.to_owned(),
            path: Vec::new(),
            tags: tag.map(|key| (key.clone(), owner.to_owned())).collect(),
            joined_at: None,
            fetched_at: self.teller.now,
            asked_for: AskedFor::default(),
            is_closed: false,
        };
        self.snapshot.accounts.insert(id.clone(), info);
        Ok(id)
    }

    fn urgent_storm(&mut self) -> Result<()> {
        let mut entries = Vec::new();
        for number in 0..STORM {
            let id = format!("shop-{number}-uploads");
            let rule = "s3-bucket-public-write-prohibited";
            let mut entry = self.entry(rule, "AWS::S3::Bucket", &id, None)?;
            entry.key.account = self.shop(number)?;
            entries.push(entry);
        }
        self.tell("A storm of what is urgent: each by name", entries);
        Ok(())
    }

    fn moved(&mut self) -> Result<()> {
        let rule = "rds-instance-public-access-check";
        let entry = self.entry(rule, "AWS::RDS::DBInstance", "db-payments", None)?;
        self.tell(
            "A finding whose account is another team's later",
            vec![entry.clone()],
        );
        let to = vec!["search".to_owned()];
        let change = Change::Moved { to };
        self.tell("", vec![OutboxEntry { change, ..entry }]);
        Ok(())
    }

    fn taken_over(&mut self) -> Result<()> {
        let mut entries = Vec::new();
        for number in 0..STORM {
            let account = self.shop(number)?;
            for (rule, kind) in [
                ("s3-bucket-logging-enabled", "AWS::S3::Bucket"),
                ("encrypted-volumes", "AWS::EC2::Volume"),
                ("restricted-rdp", "AWS::EC2::SecurityGroup"),
            ] {
                let mut entry = self.entry(rule, kind, &format!("old-{number}"), None)?;
                entry.key.account = account.clone();
                entry.source = Source::Takeover;
                entries.push(entry);
            }
        }
        self.tell("What was open before Banto came", entries);
        Ok(())
    }

    /// What is reminded of after twelve days.
    fn reminder(&mut self) {
        let groups: Vec<FindingGroup> = self.snapshot.groups.values().cloned().collect();
        let now = self.teller.now + SignedDuration::from_hours(12 * 24);
        let route = self.snapshot.route.route.clone();
        let due = remind::plan::plan(&groups, &BTreeMap::new(), &route, self.policy, now);
        for (number, reminder) in due.iter().enumerate() {
            let notice = remind::notice(reminder, &route, self.policy);
            let about = if number == 0 {
                "Reminders of what stays open"
            } else {
                ""
            };
            self.teller.post(Some(about), &notice, &Target::New);
        }
    }

    fn entry(&self, rule: &str, kind: &str, id: &str, words: Option<&str>) -> Result<OutboxEntry> {
        let region = REGION.parse()?;
        let rule: RuleName = rule.parse()?;
        let severity = self.policy.findings.severity_of(&rule);
        let key = FindingKey::new(
            ACCOUNT.parse()?,
            &region,
            rule,
            kind.to_owned(),
            id.to_owned(),
        );
        Ok(OutboxEntry {
            key,
            evaluated_in: region,
            revision: 1,
            recorded_at: self.teller.now,
            change: Change::Found,
            source: Source::Event,
            severity,
            annotation: words.map(str::to_owned),
        })
    }

    fn resolved_now(&self, entry: OutboxEntry) -> OutboxEntry {
        OutboxEntry {
            revision: entry.revision + 1,
            recorded_at: self.teller.now,
            change: Change::Resolved,
            annotation: None,
            ..entry
        }
    }

    /// Tells changes, and saves what was told, as the function does.
    fn tell(&mut self, about: &str, entries: Vec<OutboxEntry>) {
        let Some(lane) = entries.first().map(OutboxEntry::lane) else {
            return;
        };
        self.teller.now += self.policy.window;
        self.snapshot.lane = lane;
        self.snapshot.batches = vec![OutboxBatch::new(lane, entries, self.teller.now)];
        let plan = plan(&self.snapshot, self.policy, self.teller.now);
        let messages = render(&plan, &self.snapshot.route.route, self.policy);
        for (delivery, message) in plan.deliveries.into_iter().zip(messages) {
            let Some(message) = message else { continue };
            let is_seen = match &delivery.target {
                Target::New => true,
                Target::Thread { broadcast, .. } => *broadcast,
                Target::Nowhere => false,
            };
            let posted =
                self.teller
                    .post(is_seen.then_some(about), &message.notice, &delivery.target);
            let above = delivery.target.thread().cloned().unwrap_or(posted.clone());
            for detail in &message.details {
                let thread = Target::Thread {
                    message: above.clone(),
                    broadcast: false,
                };
                self.teller.post(None, detail, &thread);
            }
            if let Some((above, notice)) = &message.correction {
                self.teller.correct(above, notice);
            }
            self.commit(delivery, &posted);
        }
        self.teller.wait(10);
    }

    fn commit(&mut self, delivery: Delivery, message: &MessageRef) {
        let is_new = delivery.target == Target::New
            && matches!(self.snapshot.route.route.to, Destination::Channel(_));
        for piece in delivery.commits {
            let is_digest = piece.digest.is_some();
            for mut group in piece.groups {
                if is_new && !is_digest {
                    group.notified_in = NotifiedIn::Message(message.clone());
                }
                self.snapshot.groups.insert(group.id(), group);
            }
            if let Some(mut digest) = piece.digest {
                if is_new {
                    digest.message = Some(message.clone());
                }
                self.snapshot.digests.insert(digest.id.clone(), digest);
            }
        }
    }
}

/// A resource such as a rule looks at, by the rule's first word.
fn example_resource(rule: &str) -> (&'static str, &'static str) {
    match rule.split('-').next().unwrap_or_default() {
        "s3" => ("AWS::S3::Bucket", "invoices-archive"),
        "iam" | "access" | "mfa" => ("AWS::IAM::User", "alice"),
        "rds" => ("AWS::RDS::DBInstance", "db-payments"),
        "lambda" => ("AWS::Lambda::Function", "payments-webhook"),
        "root" | "account" | "guardduty" | "cloudtrail" => ("AWS::::Account", ACCOUNT),
        _ => ("AWS::EC2::Instance", "i-0123456789abcdef0"),
    }
}

// --- Operators ---------------------------------------------------------------------------------

impl Teller {
    fn waiver(&mut self, policy: &CompliancePolicy) -> Result<()> {
        let until = self.now + SignedDuration::from_hours(7 * 24);
        let waiver = match policy.findings.waivers.first() {
            Some(waiver) => Waiver {
                until,
                ..waiver.clone()
            },
            None => Waiver {
                rule: "s3-bucket-public-read-prohibited".to_owned(),
                account: Some(ACCOUNT.parse()?),
                resource: "website-*".to_owned(),
                owner: "alice".to_owned(),
                reason: "a public website, until it moves to CloudFront".to_owned(),
                until,
            },
        };
        let notice = notify_compliance::notices::waiver_ends("waiver".to_owned(), &waiver);
        self.say("A waiver that ends", &notice);
        Ok(())
    }

    fn accounts(&mut self, policy: &OnboardingPolicy) -> Result<()> {
        use onboard_accounts::converge::notices::{accounts, ready};
        use status::Condition::{Drifted, InPlace};
        let account = |id: &str, name: &str, condition| -> Result<AccountStatus> {
            let regions = policy
                .baseline
                .regions
                .iter()
                .flatten()
                .chain([&policy.home_region]);
            let regions = regions.map(|region| (region.clone(), InPlace)).collect();
            let conditions = PerPlace {
                account: condition,
                regions,
            };
            Ok(AccountStatus {
                account: id.parse()?,
                name: name.to_owned(),
                checked_at: self.now,
                conditions,
            })
        };
        let denied = "iam:CreateRole: denied: AccessDenied: with an explicit deny in a service control policy";
        let denied = status::Reason::new(ReasonKind::Denied, denied).condition();
        let drift = Drifted {
            items: vec![
                "role readonly: extra policy arn:aws:iam::aws:policy/IAMFullAccess".to_owned(),
            ],
        };
        let payments = account(ACCOUNT, "payments", InPlace)?;
        let stuck = account("444455556666", "search", denied)?;
        let drifted = account("777788889999", "web", drift)?;
        let repaired = payments.clone();
        let job = new_account(&payments, self.now);
        let notice = ready(&job, &payments, &BTreeSet::new(), policy);
        self.say("An account is ready", &notice);
        let region: Region = "us-east-1".parse()?;
        let restarted = Action::StartRecorder {
            name: "banto".to_owned(),
        };
        let of = |status, kind| AccountNews {
            status,
            kind: Some(kind),
            repairs: BTreeSet::new(),
        };
        let is_stuck = of(&stuck, NewsKind::Stuck);
        self.say("An account is stuck", &accounts(&[is_stuck], "run"));
        let is_stuck = of(&stuck, NewsKind::Stuck);
        let has_drifted = of(&drifted, NewsKind::Drifted);
        let was_repaired = AccountNews {
            status: &repaired,
            kind: None,
            repairs: [repairs::line(
                banto_domain::Place::Region(&region),
                &restarted,
            )]
            .into(),
        };
        self.say(
            "Operators' summary of a run",
            &accounts(&[is_stuck, has_drifted, was_repaired], "run-2"),
        );
        self.account_events(policy)
    }

    /// The consequences of events about accounts, and of the end of a user's sessions.
    fn account_events(&mut self, policy: &OnboardingPolicy) -> Result<()> {
        use onboard_accounts::fan_out::notices::failed;
        use onboard_accounts::message::{BegunRevocation, FailedRequest, FailedStep, Revocation};
        let update = FailedRequest {
            step: FailedStep::Update,
            event: "event".to_owned(),
            subject: "payments (444455556666)".to_owned(),
            reason: "AWS Control Tower can't update the account: its organizational unit failed."
                .to_owned(),
        };
        self.say(
            "Control Tower could not update an account",
            &failed(&update),
        );
        let begun = BegunRevocation {
            revocation: Revocation {
                account: Some(ACCOUNT.parse()?),
                user: "alice".parse()?,
                before: self.now,
                attempt: 0,
            },
            accounts: 48,
        };
        let begun = onboard_accounts::revoke::notices::begun(&begun, policy);
        self.say("A user's sessions end in every account", &begun);
        Ok(())
    }
}

/// The job of a new account.
fn new_account(status: &AccountStatus, now: Timestamp) -> Job {
    let account = OrgAccount {
        id: status.account.clone(),
        name: status.name.clone(),
        state: AccountState::Active,
        path: Vec::new(),
        joined_at: Some(now),
        was_created: true,
    };
    Job {
        request: ConvergeRequest {
            account,
            cause: Cause::Joined,
            requested_at: now,
            attempt: 0,
        },
        tags: BTreeMap::new(),
    }
}

// --- Keys --------------------------------------------------------------------------------------

fn keys(policy: &Policy, now: Timestamp) -> Result<Channel> {
    let mut teller = Teller::new("developers", "Owners of access keys", now);
    let account = policy
        .rotation
        .accounts
        .first()
        .context("the policy has no identity account")?;
    let timings = &policy.rotation.timings;
    let (old, new) = (
        "AKIAIOSFODNN7EXAMPLE".parse()?,
        "AKIAI44QH8DHBEXAMPLE".parse()?,
    );
    let alice = alice()?;
    let keys = BTreeSet::from([old]);
    let record = record_of_a_rotation(&alice, &keys, new, teller.now)?;
    let region = "eu-west-1".parse()?;
    let place = Place {
        identity: account,
        region: &region,
    };
    let say = |teller: &mut Teller, about, message: &OwnerNotice| {
        teller.say(
            about,
            &rotate_access_keys::notices::to_owner(message, &alice, place, Some(&record)),
        );
    };
    let issued = OwnerNotice::Issued {
        reason: record::Reason::Due,
        old: keys.clone(),
        carry_envelope: false,
        deadline_days: timings.deadline.map(|time| time.as_hours() / 24),
    };
    say(&mut teller, "A new key is issued", &issued);
    let lead = timings.last_reminder();
    let deadline = teller.now + lead;
    let last_use = Some(LastUse {
        at: teller.now,
        service: "s3".to_owned(),
        region: "eu-west-1".to_owned(),
    });
    for key in keys.clone() {
        say(
            &mut teller,
            "The old key is about to be disabled",
            &OwnerNotice::WillBeDisabled {
                key,
                at: deadline,
                days: lead.as_hours() / 24,
                last_use: last_use.clone(),
            },
        );
    }
    let new_certificate = OwnerNotice::NewCertificate {
        certificate: "0123456789ABCDEF0123456789ABCDEF01234567".parse()?,
        replaces: record.pinned().cloned(),
        counts_from: teller.now + policy.rotation.pin_grace,
    };
    say(
        &mut teller,
        "A certificate is pinned that does not count yet",
        &new_certificate,
    );
    let exposed = OwnerNotice::Exposed {
        keys,
        other: OtherKey::None,
    };
    say(&mut teller, "A key was found in public", &exposed);
    Ok(teller.channel)
}

/// The record of a user whose new key was issued just now.
fn record_of_a_rotation(
    user: &User,
    existing_keys: &BTreeSet<AccessKeyId>,
    new: AccessKeyId,
    now: Timestamp,
) -> Result<record::Record> {
    let rotation = record::Rotation {
        intent: record::Intent {
            reason: record::Reason::Due,
            request: None,
            intended_at: now,
            existing_keys: existing_keys.clone(),
            recipient: "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse()?,
        },
        issued: record::Issued {
            key: new,
            created_at: now,
        },
        delivered_at: None,
        proven_at: None,
        withdrawn_at: None,
    };
    Ok(record::Record {
        rotation: Some(rotation),
        ..record::Record::first(user.id.clone())
    })
}

fn alice() -> Result<User> {
    Ok(User {
        tags: BTreeMap::from([(SLACK_TAG.to_owned(), ALICE.to_owned())]),
        ..User::new(
            "alice".parse()?,
            "AIDACKCEVSQ6C2EXAMPLE".parse()?,
            format!("arn:aws:iam::{ACCOUNT}:user/alice").parse()?,
            "/",
        )
    })
}

//! Every kind of message: it fits Slack, SNS and mail, and reads as it did in `messages.txt`, where
//! a person last looked. Whatever waits, each entry is told by one message, and counted once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use banto_domain::compliance::{
    AccountInfo, AskedFor, Change, FindingGroup, FindingKey, Lane, MessageRef, NotifiedIn,
    OpenDigest, OutboxBatch, OutboxEntry, RouteState, Severity, Source,
};
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_fake::Book;
use banto_notice::{Notice, mail, slack, sns};
use banto_ports::{DeliveryCommit, ResourceFacts};
use jiff::{SignedDuration, Timestamp};
use notify_compliance::deliver::check::check;
use notify_compliance::deliver::delivery::{Delivery, Target};
use notify_compliance::deliver::notices::{Message, fallback, render};
use notify_compliance::deliver::plan::{Plan, plan};
use notify_compliance::deliver::remind;
use notify_compliance::deliver::snapshot::{
    DeliveryRoute, Flood, FloodBatch, FloodTally, MAX_NAMED, Snapshot,
};
use notify_compliance::notices::waiver_ends;
use proptest::prelude::*;

/// Read once: most of the time of the property below would go into it.
static POLICY: LazyLock<CompliancePolicy> = LazyLock::new(|| {
    Policy::parse(include_str!("../../../examples/banto.toml"))
        .unwrap()
        .compliance
        .unwrap()
});

fn at(minute: i64) -> Timestamp {
    "2026-06-01T09:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

const PUBLIC: &str = "s3-bucket-public-read-prohibited";
const LOGGING: &str = "s3-bucket-logging-enabled";
const KEYS: &str = "securityhub-access-keys-rotated-1a2b3c4d";

fn account_name(account: u64) -> String {
    if account == 0 {
        "payments".to_owned()
    } else {
        format!("payments-{account}")
    }
}

fn account_id(account: u64) -> banto_domain::AccountId {
    format!("{:012}", 444_455_556_666 + account)
        .parse()
        .unwrap()
}

/// An account that belongs to every route of the example by its tags or unit.
fn account_info(account: u64, route: &str) -> AccountInfo {
    let team = if route == "payments" { "payments" } else { "x" };
    let tags = [("team", team), ("owner", "alice")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let path = if route == "sandboxes" {
        sandboxes()
    } else {
        Vec::new()
    };
    AccountInfo {
        id: account_id(account),
        name: account_name(account),
        path,
        tags: tags.into(),
        joined_at: None,
        fetched_at: at(0),
        asked_for: AskedFor::default(),
        is_closed: false,
    }
}

/// The units of the route "sandboxes".
fn sandboxes() -> Vec<banto_domain::OuId> {
    use banto_domain::policy::onboarding::AccountSelector;
    let route = POLICY.route("sandboxes").unwrap();
    let accounts = route.only.unwrap().accounts.into_iter();
    accounts
        .filter_map(|who| match who {
            AccountSelector::Ou(ou) => Some(ou),
            _ => None,
        })
        .collect()
}

fn entry(account: u64, rule: &str, resource: &str, change: Change, minute: i64) -> OutboxEntry {
    let resource_type = if rule == KEYS {
        "AWS::IAM::User"
    } else {
        "AWS::S3::Bucket"
    };
    let region = "eu-west-1".parse().unwrap();
    let rule: banto_domain::RuleName = rule.parse().unwrap();
    let severity = POLICY.findings.severity_of(&rule);
    OutboxEntry {
        evaluated_in: "eu-west-1".parse().unwrap(),
        key: FindingKey::new(
            account_id(account),
            &region,
            rule,
            resource_type.into(),
            resource.into(),
        ),
        revision: u64::try_from(minute).unwrap() + 1,
        recorded_at: at(minute),
        annotation: (!change.closes()).then(|| "The policy lets everyone read.".to_owned()),
        change,
        source: Source::Event,
        severity,
    }
}

const BAD: Change = Change::Found;
const GOOD: Change = Change::Resolved;

/// People's Slack and what is kept of it, on one route.
struct Channel {
    policy: CompliancePolicy,
    snapshot: Snapshot,
    posted: usize,
}

/// A delivery, and its words.
type Told = (Delivery, Message);

impl Channel {
    fn on(name: &str) -> Self {
        let mut route = POLICY.route(name).unwrap();
        // These tests are about words; that quiet hours hold entries back is asserted elsewhere.
        route.quiet.clear();
        let route = DeliveryRoute {
            route,
            is_dropped: false,
        };
        let mut snapshot = Snapshot::empty(&route, RouteState::default(), Lane::Critical);
        for account in 0..300 {
            let info = account_info(account, name);
            snapshot.accounts.insert(info.id.clone(), info);
        }
        let mut policy = POLICY.clone();
        if name == "default" {
            // What the other routes take does not come here.
            policy.routes.retain(|route| route.name == name);
        }
        Self {
            policy,
            snapshot,
            posted: 0,
        }
    }

    /// The messages that tell these entries, lane by lane; what is kept is as after sending them.
    fn tell(&mut self, entries: impl IntoIterator<Item = OutboxEntry>, minute: i64) -> Vec<Told> {
        let mut lanes: BTreeMap<Lane, Vec<OutboxEntry>> = BTreeMap::new();
        for entry in entries {
            lanes.entry(entry.lane()).or_default().push(entry);
        }
        let mut told = Vec::new();
        for (lane, entries) in lanes {
            let batches = entries.chunks(OutboxBatch::MAX_ENTRIES);
            self.snapshot.lane = lane;
            self.snapshot.batches = batches
                .map(|entries| OutboxBatch::new(lane, entries.to_vec(), at(minute)))
                .collect();
            told.extend(self.deliver(minute));
        }
        told
    }

    fn deliver(&mut self, minute: i64) -> Vec<Told> {
        let plan = plan(&self.snapshot, &self.policy, at(minute));
        let messages = render(&plan, &self.snapshot.route.route, &self.policy);
        let breaches = check(&self.snapshot, &plan, &messages, &self.policy, at(minute));
        assert_eq!(breaches, []);
        for delivery in &plan.deliveries {
            self.keep(delivery, minute);
        }
        let deliveries = plan.deliveries.into_iter().zip(messages);
        deliveries
            .filter_map(|(delivery, message)| Some((delivery, message?)))
            .collect()
    }

    fn keep(&mut self, delivery: &Delivery, minute: i64) {
        self.posted += 1;
        let message = MessageRef {
            channel: "C024BE91L".into(),
            ts: self.posted.to_string(),
        };
        let is_new = delivery.target == Target::New;
        for piece in delivery.commits.iter().cloned() {
            if let (true, Some(digest)) = (is_new, &piece.digest) {
                let lane = self.snapshot.state.lanes.entry(digest.lane).or_default();
                lane.open_digest = Some(OpenDigest {
                    id: digest.id.clone(),
                    opened_at: at(minute),
                });
            }
            self.keep_piece(piece, is_new, &message);
        }
    }

    fn keep_piece(&mut self, piece: DeliveryCommit, is_new: bool, message: &MessageRef) {
        let is_digest = piece.digest.is_some();
        if let Some(mut digest) = piece.digest {
            if is_new {
                digest.message = Some(message.clone());
            }
            self.snapshot.digests.insert(digest.id.clone(), digest);
        }
        for mut group in piece.groups {
            if is_new && !is_digest {
                group.notified_in = NotifiedIn::Message(message.clone());
            }
            self.snapshot.groups.insert(group.id(), group);
        }
    }
}

/// Messages as people see them, each with its name.
fn shown(name: &str, told: &[Told]) -> Vec<(String, Notice)> {
    let mut shown = Vec::new();
    for (delivery, message) in told {
        let place = if delivery.target == Target::New {
            ""
        } else {
            ", in its thread"
        };
        shown.push((format!("{name}{place}"), message.notice.clone()));
        if let Some((_, notice)) = &message.correction {
            shown.push((format!("{name}, corrected"), notice.clone()));
        }
        for (number, notice) in message.details.iter().enumerate() {
            shown.push((
                format!("{name}, part {} of its thread", number + 1),
                notice.clone(),
            ));
        }
    }
    shown
}

/// Every kind of message, by its name.
fn kinds() -> Vec<(String, Notice)> {
    [
        groups(),
        odd_groups(),
        moves(),
        storms(),
        many(),
        reminders(),
        waivers(),
    ]
    .concat()
}

/// A group from its first finding to its end, and the next one.
fn groups() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let mut channel = Channel::on("payments");
    all.extend(shown(
        "a finding",
        &channel.tell([entry(0, PUBLIC, "website-eu", BAD, 0)], 1),
    ));
    let more = [
        entry(0, PUBLIC, "backup", BAD, 5),
        entry(0, PUBLIC, "exports", BAD, 5),
    ];
    all.extend(shown("two more", &channel.tell(more, 6)));
    all.extend(shown(
        "one resolved",
        &channel.tell([entry(0, PUBLIC, "backup", GOOD, 15)], 16),
    ));
    let rest = [
        entry(0, PUBLIC, "website-eu", GOOD, 25),
        entry(0, PUBLIC, "exports", GOOD, 25),
    ];
    all.extend(shown("all resolved", &channel.tell(rest, 26)));

    let user = entry(0, KEYS, "AIDACKCEVSQ6C2EXAMPLE", BAD, 0);
    let facts = ResourceFacts {
        name: Some("alice".to_owned()),
        arn: Some("arn:aws:iam::444455556666:user/alice".to_owned()),
    };
    channel.snapshot.facts = BTreeMap::from([(user.key.clone(), facts)]);
    all.extend(shown("a user by name", &channel.tell([user], 1)));
    let gone = entry(0, KEYS, "AIDACKCEVSQ6C2EXAMPLE", Change::Closed, 9);
    all.extend(shown("deleted", &channel.tell([gone], 10)));
    all
}

fn odd_groups() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let mut channel = Channel::on("payments");
    let change = Change::Flapping { was_open: false };
    let flapping = entry(0, PUBLIC, "website-eu", change, 0);
    all.extend(shown("flapping", &channel.tell([flapping], 1)));
    let change = Change::Flapping { was_open: true };
    channel.tell([entry(0, PUBLIC, "backup", BAD, 5)], 6);
    let flapping = entry(0, PUBLIC, "backup", change, 7);
    all.extend(shown("flapping later", &channel.tell([flapping], 8)));
    let mut channel = Channel::on("payments");
    let missed = OutboxEntry {
        source: Source::DailyCheck,
        ..entry(0, "our-own-rule", "website-eu", BAD, 0)
    };
    all.extend(shown(
        "missed, of a rule without words",
        &channel.tell([missed], 1),
    ));
    let unseen = OutboxEntry {
        source: Source::DailyCheck,
        ..entry(0, "our-own-rule", "website-eu", GOOD, 5)
    };
    all.extend(shown("resolved unseen", &channel.tell([unseen], 6)));
    all.extend(small_changes());
    all.push(fallen_back());
    all
}

/// What one resource changes of a group, and two that change it both ways.
fn small_changes() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let mut channel = Channel::on("payments");
    channel.tell([entry(0, PUBLIC, "website-eu", BAD, 0)], 1);
    let one = entry(0, PUBLIC, "backup", BAD, 5);
    all.extend(shown("one more", &channel.tell([one], 6)));
    let both = [
        entry(0, PUBLIC, "backup", GOOD, 15),
        entry(0, PUBLIC, "exports", BAD, 15),
    ];
    all.extend(shown("found and resolved", &channel.tell(both, 16)));
    all
}

fn fallen_back() -> (String, Notice) {
    let mut channel = Channel::on("payments");
    let told = channel.tell([entry(0, PUBLIC, "website-eu", BAD, 0)], 1);
    let Message {
        notice, details, ..
    } = &told[0].1;
    let route = &channel.snapshot.route.route;
    let why = fallback::BREAKER_IS_OPEN;
    let notice = fallback::notice(notice, details, route, why);
    ("by the fall-back".to_owned(), notice)
}

fn storms() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let mut channel = Channel::on("payments");
    let storm = |rule: &str, change: Change, minute| -> Vec<OutboxEntry> {
        (0..12)
            .map(|account| entry(account, rule, "website", change.clone(), minute))
            .collect()
    };
    all.extend(shown("a storm", &channel.tell(storm(LOGGING, BAD, 0), 1)));
    all.extend(shown(
        "another in it",
        &channel.tell(storm("our-own-rule", BAD, 5).into_iter().map(low), 6),
    ));
    all.extend(shown(
        "a storm resolved",
        &channel.tell(storm(LOGGING, GOOD, 15), 16),
    ));
    let mut channel = Channel::on("payments");
    all.extend(shown(
        "an urgent storm",
        &channel.tell(storm(PUBLIC, BAD, 0), 1),
    ));
    all.extend(shown(
        "an urgent storm goes on",
        &channel.tell(
            [entry(20, PUBLIC, "crown-jewels", BAD, 5)]
                .into_iter()
                .chain(storm(KEYS, BAD, 5)),
            6,
        ),
    ));
    let mut channel = Channel::on("default");
    all.extend(shown(
        "a storm by SNS",
        &channel.tell(storm(PUBLIC, BAD, 0), 1),
    ));
    all
}

/// An entry of the severity of [`LOGGING`].
fn low(entry: OutboxEntry) -> OutboxEntry {
    OutboxEntry {
        severity: POLICY.findings.severity_of(&LOGGING.parse().unwrap()),
        ..entry
    }
}

fn moves() -> Vec<(String, Notice)> {
    let mut channel = Channel::on("payments");
    let found = [
        entry(0, PUBLIC, "website-eu", BAD, 0),
        entry(0, PUBLIC, "backup", BAD, 0),
    ];
    channel.tell(found, 1);
    let moved = Change::Moved {
        to: vec!["search".to_owned()],
    };
    let moved = ["website-eu", "backup"].map(|name| entry(0, PUBLIC, name, moved.clone(), 60));
    shown("moved", &channel.tell(moved, 61))
}

/// More than can be told by group, and what a first check finds.
fn many() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let mut channel = Channel::on("payments");
    let tally = FloodTally {
        severity: Severity::Low,
        found: 41_230,
        resolved: 12,
        closed: 0,
    };
    let rules = [LOGGING, "our-own-rule"].map(|rule| rule.parse().unwrap());
    channel.snapshot.lane = Lane::Low;
    channel.snapshot.flood = Some(Flood {
        batches: vec![FloodBatch {
            id: "3#0001#a".to_owned(),
            entries: 90,
            counts: vec![(0, tally), (1, tally)],
        }],
        rules: rules.to_vec(),
        accounts: (0..300).map(account_id).collect(),
        ..Flood::default()
    });
    all.extend(shown("a flood", &channel.deliver(1)));
    let mut channel = Channel::on("payments");
    let taken_over = |number: u64| OutboxEntry {
        source: Source::Takeover,
        ..entry(
            number % 9,
            if number == 7 { PUBLIC } else { LOGGING },
            &format!("bucket-{number}"),
            BAD,
            0,
        )
    };
    let told = channel.tell((0..60).map(taken_over), 20);
    all.extend(shown("taken over", &told));
    let mut channel = Channel::on("payments");
    let urgent = |number: u64| entry(0, PUBLIC, &format!("bucket-{number}"), BAD, 0);
    let told = channel.tell((0..60).map(urgent), 1);
    all.extend(shown("very many of one account", &told));
    all
}

fn reminders() -> Vec<(String, Notice)> {
    let mut channel = Channel::on("payments");
    let open = [
        entry(0, PUBLIC, "website-eu", BAD, 0),
        entry(1, PUBLIC, "backup", BAD, 60 * 24 * 3),
    ];
    channel.tell(open, 60 * 24 * 3);
    let groups: Vec<FindingGroup> = channel.snapshot.groups.values().cloned().collect();
    let route = &channel.snapshot.route.route;
    let now = at(60 * 24 * 12);
    let due = remind::plan::plan(&groups, &BTreeMap::new(), route, &POLICY, now);
    let worded = |reminder| {
        (
            "a reminder".to_owned(),
            remind::notice(reminder, route, &POLICY),
        )
    };
    due.iter().map(worded).collect()
}

fn waivers() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let notice = waiver_ends("waiver".into(), &POLICY.findings.waivers[0]);
    all.push(("a waiver ends".to_owned(), notice));
    all
}

#[test]
fn every_message_fits_and_reads_as_it_did() {
    let mut book = Book::of(env!("CARGO_MANIFEST_DIR"));
    for (name, notice) in kinds() {
        let in_slack = slack::message(&notice);
        assert_eq!(slack::check(&in_slack), Vec::<String>::new(), "{name}");
        let by_topic = sns::message(&notice);
        assert!(
            by_topic.subject.is_ascii() && by_topic.subject.len() <= 100,
            "{name}"
        );
        let attributes: Vec<String> = by_topic
            .attributes
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let by_mail = mail::message(&notice, "banto@example.com", &[]);
        let reads = format!(
            "Lock screen: {}\nMail: {}\nSubject: {}\nAttributes: {}\n\n{}",
            in_slack["text"].as_str().unwrap(),
            by_mail.subject,
            by_topic.subject,
            attributes.join(" "),
            by_topic.body
        );
        book.add(
            &name,
            &reads,
            &[("json", &in_slack.to_string()), ("html", &by_mail.html)],
        );
    }
    book.assert_as_committed();
}

#[test]
fn a_lock_screen_shows_what_is_wrong_with_what_and_where_within_its_two_lines() {
    for (name, notice) in kinds() {
        assert!(
            notice.headline.chars().count() <= 110,
            "{name}: {}",
            notice.headline
        );
    }
}

#[test]
fn of_a_long_name_the_headline_shows_the_end_and_the_account_is_still_there() {
    let arn = format!(
        "arn:aws:elasticloadbalancing:eu-west-1:444455556666:loadbalancer/app/{}/0123456789abcdef",
        "x".repeat(60)
    );
    let told = Channel::on("payments").tell([entry(0, PUBLIC, &arn, BAD, 0)], 1);
    let headline = &told[0].1.notice.headline;
    assert!(
        headline.contains("/0123456789abcdef in payments") && headline.chars().count() < 110,
        "{headline}"
    );
    assert!(told[0].1.notice.sections[0].lines[0].contains(&arn));
}

#[test]
fn a_reply_and_a_new_case_of_the_same_entries_have_the_same_ids_whenever_they_are_made() {
    let entries = [entry(0, PUBLIC, "a", BAD, 0), entry(1, PUBLIC, "b", BAD, 1)];
    let ids = |entries: &[OutboxEntry], minute| -> Vec<String> {
        let mut channel = Channel::on("payments");
        channel
            .tell(entries.to_vec(), minute)
            .into_iter()
            .map(|(delivery, _)| delivery.id)
            .collect()
    };
    assert_eq!(ids(&entries, 2), ids(&entries, 9));
    // What came meanwhile does not change them.
    let more = [&entries[..], &[entry(0, PUBLIC, "c", BAD, 8)]].concat();
    assert_eq!(ids(&entries, 2), ids(&more, 9));
}

#[test]
fn a_resolution_that_the_comparison_shows_does_not_say_that_something_was_found() {
    let mut channel = Channel::on("default");
    channel.tell([entry(0, PUBLIC, "website", BAD, 0)], 1);
    let unseen = OutboxEntry {
        source: Source::DailyCheck,
        ..entry(0, PUBLIC, "website", GOOD, 5)
    };
    let told = channel.tell([unseen], 6);
    let notice = &told[0].1.notice;
    assert!(notice.headline.starts_with("Resolved"), "{notice:?}");
    assert_eq!(notice.paragraphs, Vec::<String>::new());
}

#[test]
fn each_resource_that_is_found_is_named_also_where_the_group_shows_ten_others() {
    let mut channel = Channel::on("default");
    let found = |names: std::ops::Range<usize>, minute| -> Vec<OutboxEntry> {
        names
            .map(|number| entry(0, PUBLIC, &format!("bucket-{number}."), BAD, minute))
            .collect()
    };
    channel.tell(found(0..10, 0), 1);
    let told = channel.tell(found(10..15, 5), 6);
    let text = sns::message(&told[0].1.notice).body;
    for number in 10..15 {
        assert!(text.contains(&format!("bucket-{number}.")), "{text}");
    }
}

#[test]
fn an_urgent_storm_names_every_finding_until_it_has_named_two_hundred() {
    let mut channel = Channel::on("default");
    let urgent = |range: std::ops::Range<u64>, minute: i64| -> Vec<OutboxEntry> {
        let each = range.map(|number| {
            entry(
                number % 100,
                PUBLIC,
                &format!("bucket-{number}."),
                BAD,
                minute,
            )
        });
        each.collect()
    };
    let told = channel.tell(urgent(0..150, 0), 1);
    let text = sns::message(&told[0].1.notice).body;
    for number in 0..150 {
        assert!(
            text.contains(&format!("bucket-{number}.")),
            "bucket-{number}"
        );
    }
    let told = channel.tell(urgent(1_000..1_500, 5), 6);
    let text = sns::message(&told[0].1.notice).body;
    let named = (1_000..1_500).filter(|number| text.contains(&format!("bucket-{number}.")));
    assert_eq!(named.count(), MAX_NAMED);
    assert!(text.contains("and 300 more"), "{text}");
}

#[test]
fn severities_never_mix_in_a_digest() {
    let mut channel = Channel::on("default");
    let each = (0..20)
        .flat_map(|account| [PUBLIC, LOGGING].map(|rule| entry(account, rule, "website", BAD, 0)));
    for (delivery, _) in channel.tell(each, 1) {
        let digests = delivery
            .commits
            .iter()
            .filter_map(|piece| piece.digest.as_ref());
        for digest in digests {
            let severities: BTreeSet<Severity> =
                digest.rules.values().map(|tally| tally.severity).collect();
            assert_eq!(severities.len(), 1, "{digest:?}");
        }
    }
}

#[test]
fn the_check_finds_an_entry_that_waits_and_would_not_be_told() {
    let mut snapshot = Channel::on("payments").snapshot;
    let entries = vec![entry(0, PUBLIC, "a", BAD, 0), entry(1, PUBLIC, "b", BAD, 1)];
    snapshot.batches = vec![OutboxBatch::new(Lane::Critical, entries, at(1))];
    let mut plan = plan(&snapshot, &POLICY, at(2));
    let breaches = |plan: &Plan| {
        let messages = render(plan, &snapshot.route.route, &POLICY);
        check(&snapshot, plan, &messages, &POLICY, at(2))
    };
    assert_eq!(breaches(&plan), []);
    plan.deliveries.pop();
    let breaches: Vec<String> = breaches(&plan).iter().map(ToString::to_string).collect();
    let waits = breaches
        .iter()
        .find(|breach| breach.ends_with("waits, and would not be told"));
    assert!(
        waits.is_some_and(|breach| breach.starts_with("N1: ")),
        "{breaches:?}"
    );
}

#[test]
fn the_check_finds_a_finding_of_an_account_that_belongs_to_others() {
    let mut snapshot = Channel::on("payments").snapshot;
    let found = entry(0, PUBLIC, "a", BAD, 0);
    snapshot.batches = vec![OutboxBatch::new(Lane::Critical, vec![found], at(1))];
    let other = account_info(0, "other");
    snapshot.accounts.insert(other.id.clone(), other);
    let plan = plan(&snapshot, &POLICY, at(2));
    let messages = render(&plan, &snapshot.route.route, &POLICY);
    let breaches = check(&snapshot, &plan, &messages, &POLICY, at(2));
    let breaches: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(
        breaches.iter().any(|breach| breach.starts_with("N5: ")),
        "{breaches:?}"
    );
}

#[test]
fn when_a_route_moves_to_another_channel_its_cases_are_told_anew_there() {
    let mut channel = Channel::on("payments");
    channel.tell([entry(0, PUBLIC, "a", BAD, 0)], 1);
    channel.snapshot.route.route.to =
        banto_domain::policy::compliance::Destination::Channel("C0ELSEWHERE".into());
    let told = channel.tell([entry(0, PUBLIC, "a", GOOD, 5)], 6);
    assert_eq!(
        told.iter()
            .map(|(delivery, _)| &delivery.target)
            .collect::<Vec<_>>(),
        [&Target::New]
    );
}

prop_compose! {
    fn any_entry()(
        account in 0..9_u64,
        rule in prop_oneof![Just(PUBLIC), Just(LOGGING), Just("our-own-rule")],
        resource in "[a-z<>&*_`]{1,20}",
        change in prop_oneof![
            4 => Just(BAD),
            2 => Just(GOOD),
            1 => Just(Change::Closed),
            1 => any::<bool>().prop_map(|was_open| Change::Flapping { was_open }),
        ],
        minute in 0..500_i64,
        annotation in proptest::option::of("(?s).{0,300}"),
    ) -> OutboxEntry {
        OutboxEntry { annotation, ..entry(account, rule, &resource, change, minute) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_waits_each_entry_is_told_by_one_message_that_fits(
        first in proptest::collection::vec(any_entry(), 0..260),
        second in proptest::collection::vec(any_entry(), 0..60),
        route in prop_oneof![Just("payments"), Just("default")],
    ) {
        let mut channel = Channel::on(route);
        for (entries, minute) in [(first, 501), (second, 520)] {
            // An entry is put into the outbox once.
            let entries: BTreeMap<String, OutboxEntry> = entries.into_iter().map(|entry| (entry.id(), entry)).collect();
            let deliveries = channel.tell(entries.values().cloned(), minute);
            let pieces: Vec<&DeliveryCommit> = deliveries.iter().flat_map(|(delivery, _)| &delivery.commits).collect();
            let left: BTreeMap<&String, usize> = pieces.iter().flat_map(|piece| &piece.batches)
                .map(|batch| (&batch.id, batch.left.as_ref().map_or(0, |left| left.entries.len()))).collect();
            prop_assert!(left.values().all(|left| *left == 0), "{left:?}");
            for piece in pieces {
                prop_assert!(piece.groups.len() + piece.batches.len() <= DeliveryCommit::MAX_ITEMS);
                let ids: BTreeSet<String> = piece.groups.iter().map(FindingGroup::id).collect();
                prop_assert_eq!(ids.len(), piece.groups.len(), "DynamoDB writes an item once in a transaction");
                let ids: BTreeSet<&String> = piece.batches.iter().map(|batch| &batch.id).collect();
                prop_assert_eq!(ids.len(), piece.batches.len(), "DynamoDB writes an item once in a transaction");
            }
            // What is noted in the end is what the message says.
            for (delivery, message) in deliveries.iter().filter(|(delivery, _)| delivery.commits.iter().all(|piece| piece.digest.is_none())) {
                let group = delivery.commits.last().and_then(|piece| piece.groups.last()).unwrap();
                let shown = message.correction.as_ref().map_or(&message.notice, |(_, corrected)| corrected);
                let is_over = shown.headline.starts_with("Resolved") || shown.headline.starts_with("Closed");
                prop_assert_eq!(is_over, group.open == 0, "{}", shown.headline);
                let over = group.resolved + group.closed;
                let counts = format!("{} of {} still open", group.open, group.open + over);
                prop_assert_eq!(shown.headline.contains(&counts), group.open > 0 && over > 0, "{}", shown.headline);
            }
            for (_, message) in &deliveries {
                let body = sns::message(&message.notice);
                prop_assert!(body.subject.len() <= 100 && body.body.len() <= 256 * 1024);
            }
        }
    }
}

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
    Compliance, FindingGroup, FindingKey, MessageRef, NotifiedIn, OpenDigest, OutboxEntry,
    RouteState, Source,
};
use banto_domain::policy::{CompliancePolicy, Policy};
use banto_fake::Book;
use banto_notice::{Notice, mail, slack, sns};
use banto_ports::DeliveryCommit;
use jiff::{SignedDuration, Timestamp};
use notify_compliance::deliver::check::check;
use notify_compliance::deliver::delivery::{Delivery, Target};
use notify_compliance::deliver::notices::{Message, fallback, render};
use notify_compliance::deliver::plan::{Plan, plan};
use notify_compliance::deliver::snapshot::Snapshot;
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
const KEYS: &str = "securityhub-access-keys-rotated-1a2b3c4d";

fn account_name(account: u64) -> String {
    if account == 0 {
        "payments".to_owned()
    } else {
        format!("payments-{account}")
    }
}

fn entry(
    account: u64,
    rule: &str,
    resource: &str,
    compliance: Compliance,
    minute: i64,
) -> OutboxEntry {
    let resource_type = if rule == KEYS {
        "AWS::IAM::User"
    } else {
        "AWS::S3::Bucket"
    };
    let rule = rule.parse().unwrap();
    OutboxEntry {
        key: FindingKey {
            account: format!("{:012}", 444_455_556_666 + account)
                .parse()
                .unwrap(),
            region: "eu-west-1".parse().unwrap(),
            resource_type: resource_type.into(),
            resource_id: resource.into(),
            rule,
        },
        recorded_at: at(minute),
        compliance,
        was_notified: compliance == Compliance::Compliant,
        source: Source::Event,
        severity: POLICY.severity_of(&"s3-bucket-public-read-prohibited".parse().unwrap()),
        account_name: account_name(account),
        owner: Some("alice".into()),
        annotation: (compliance == Compliance::Noncompliant)
            .then(|| "The policy lets everyone read.".to_owned()),
        flapping: false,
    }
}

const BAD: Compliance = Compliance::Noncompliant;
const GOOD: Compliance = Compliance::Compliant;

/// People's Slack and what is kept of it, on one route.
struct Channel {
    snapshot: Snapshot,
    posted: usize,
}

/// A delivery, and its words.
type Told = (Delivery, Message);

impl Channel {
    fn on(route: &str) -> Self {
        let mut route = POLICY.route(route).unwrap().clone();
        // These tests are about words; that quiet hours hold entries back is asserted elsewhere.
        route.quiet.clear();
        Self {
            snapshot: Snapshot::empty(&route, RouteState::default()),
            posted: 0,
        }
    }

    /// The messages that tell these entries; what is kept is as after sending them.
    fn tell(&mut self, entries: impl IntoIterator<Item = OutboxEntry>, minute: i64) -> Vec<Told> {
        self.snapshot.entries = entries.into_iter().collect();
        self.snapshot.entries.sort_by_key(OutboxEntry::id);
        let plan = plan(&self.snapshot, &POLICY, at(minute));
        let messages = render(&plan, &self.snapshot.route);
        let breaches = check(&self.snapshot, &plan, &messages, &POLICY, at(minute));
        assert_eq!(breaches, []);
        for delivery in &plan.deliveries {
            self.keep(delivery, minute);
        }
        plan.deliveries.into_iter().zip(messages).collect()
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
                self.snapshot.state.open_digest = Some(OpenDigest {
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
        if let Some(notice) = &message.detail {
            shown.push((format!("{name}, beginning its thread"), notice.clone()));
        }
    }
    shown
}

/// Every kind of message, by its name.
fn kinds() -> Vec<(String, Notice)> {
    [groups(), odd_groups(), storms(), waivers()].concat()
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
    channel.snapshot.names = BTreeMap::from([(user.key.clone(), "alice".to_owned())]);
    all.extend(shown("a user by name", &channel.tell([user], 1)));
    let gone = entry(0, KEYS, "AIDACKCEVSQ6C2EXAMPLE", GOOD, 9);
    all.extend(shown(
        "deleted",
        &channel.tell(
            [OutboxEntry {
                source: Source::NoLongerEvaluated,
                ..gone
            }],
            10,
        ),
    ));
    all
}

fn odd_groups() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let mut channel = Channel::on("payments");
    let flapping = OutboxEntry {
        flapping: true,
        ..entry(0, PUBLIC, "website-eu", BAD, 0)
    };
    all.extend(shown("flapping", &channel.tell([flapping], 1)));
    let mut channel = Channel::on("payments");
    let missed = OutboxEntry {
        source: Source::Reconciliation,
        ..entry(0, "our-own-rule", "website-eu", BAD, 0)
    };
    all.extend(shown(
        "missed, of a rule without words",
        &channel.tell([missed], 1),
    ));
    let unseen = OutboxEntry {
        source: Source::Reconciliation,
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
    let Message { notice, detail, .. } = &told[0].1;
    let route = &channel.snapshot.route;
    let why = fallback::BREAKER_IS_OPEN;
    let notice = fallback::notice(notice, detail.as_ref(), route, why);
    ("by the fall-back".to_owned(), notice)
}

fn storms() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let mut channel = Channel::on("payments");
    let storm = |rule: &str, compliance, minute| -> Vec<OutboxEntry> {
        (0..12)
            .map(|account| entry(account, rule, "website", compliance, minute))
            .collect()
    };
    all.extend(shown("a storm", &channel.tell(storm(PUBLIC, BAD, 0), 1)));
    all.extend(shown(
        "another in it",
        &channel.tell(storm("s3-bucket-logging-enabled", BAD, 5), 6),
    ));
    all.extend(shown(
        "a storm resolved",
        &channel.tell(storm(PUBLIC, GOOD, 15), 16),
    ));
    let mut channel = Channel::on("default");
    all.extend(shown(
        "a storm by SNS",
        &channel.tell(storm(PUBLIC, BAD, 0), 1),
    ));
    all
}

fn waivers() -> Vec<(String, Notice)> {
    let mut all = Vec::new();
    let ends = POLICY.waivers[0].until;
    for (name, left) in [("a week", 7 * 24), ("a day", 24)] {
        let notice = waiver_ends(
            "waiver".into(),
            &POLICY.waivers[0],
            ends - SignedDuration::from_hours(left),
        );
        all.push((format!("a waiver ends in {name}"), notice));
    }
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
        source: Source::Reconciliation,
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
fn the_check_finds_an_entry_that_waits_and_would_not_be_told() {
    let mut snapshot = Channel::on("payments").snapshot;
    snapshot.entries = vec![entry(0, PUBLIC, "a", BAD, 0), entry(1, PUBLIC, "b", BAD, 1)];
    let mut plan = plan(&snapshot, &POLICY, at(2));
    let breaches = |plan: &Plan| {
        let messages = render(plan, &snapshot.route);
        check(&snapshot, plan, &messages, &POLICY, at(2))
    };
    assert_eq!(breaches(&plan), []);
    plan.deliveries.pop();
    let breaches: Vec<String> = breaches(&plan).iter().map(ToString::to_string).collect();
    assert_eq!(breaches.len(), 1, "{breaches:?}");
    assert!(
        breaches[0].starts_with("N1: ") && breaches[0].ends_with("waits, and would not be told"),
        "{breaches:?}"
    );
}

#[test]
fn when_a_route_moves_to_another_channel_its_cases_are_told_anew_there() {
    let mut channel = Channel::on("payments");
    channel.tell([entry(0, PUBLIC, "a", BAD, 0)], 1);
    channel.snapshot.route.to =
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
        rule in prop_oneof![Just(PUBLIC), Just(KEYS), Just("our-own-rule")],
        resource in "[a-z<>&]{1,20}",
        good in prop::bool::weighted(0.3),
        was_notified in any::<bool>(),
        minute in 0..500_i64,
        annotation in proptest::option::of("(?s).{0,300}"),
    ) -> OutboxEntry {
        let compliance = if good { GOOD } else { BAD };
        OutboxEntry { was_notified: was_notified && good, annotation, ..entry(account, rule, &resource, compliance, minute) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_waits_each_entry_is_told_by_one_message_that_fits(
        first in proptest::collection::vec(any_entry(), 0..260),
        second in proptest::collection::vec(any_entry(), 0..60),
        route in prop_oneof![Just("payments"), Just("sandboxes"), Just("security"), Just("default")],
    ) {
        let mut channel = Channel::on(route);
        for (entries, minute) in [(first, 501), (second, 520)] {
            let waiting: BTreeSet<String> = entries.iter().map(OutboxEntry::id).collect();
            // The table has one item for an entry, however often it was put there.
            let entries: BTreeMap<String, OutboxEntry> = entries.into_iter().map(|entry| (entry.id(), entry)).collect();
            let deliveries = channel.tell(entries.into_values(), minute);
            let pieces: Vec<&DeliveryCommit> = deliveries.iter().flat_map(|(delivery, _)| &delivery.commits).collect();
            let told: Vec<String> = pieces.iter().flat_map(|piece| &piece.entries).map(OutboxEntry::id).collect();
            prop_assert_eq!(told.len(), waiting.len());
            prop_assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), waiting);
            for piece in pieces {
                prop_assert!(piece.groups.len() + piece.entries.len() <= DeliveryCommit::MAX_ITEMS);
                let ids: BTreeSet<String> = piece.groups.iter().map(FindingGroup::id).collect();
                prop_assert_eq!(ids.len(), piece.groups.len(), "DynamoDB writes an item once in a transaction");
            }
            // What is noted in the end is what the message says.
            for (delivery, message) in deliveries.iter().filter(|(delivery, _)| delivery.commits.iter().all(|piece| piece.digest.is_none())) {
                let group = delivery.commits.last().and_then(|piece| piece.groups.last()).unwrap();
                let shown = message.correction.as_ref().map_or(&message.notice, |(_, corrected)| corrected);
                prop_assert_eq!(shown.headline.starts_with("Resolved"), group.open == 0, "{}", shown.headline);
                let counts = format!(": {} of {} resources left", group.open, group.open + group.resolved);
                prop_assert_eq!(shown.headline.contains(&counts), group.open > 0 && group.resolved > 0, "{}", shown.headline);
            }
            for (_, message) in &deliveries {
                let body = sns::message(&message.notice);
                prop_assert!(body.subject.len() <= 100 && body.body.len() <= 256 * 1024);
            }
        }
    }
}

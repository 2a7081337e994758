//! The function on the world in memory.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use banto_domain::policy::NoticePolicy;
use banto_domain::policy::compliance::FindingPolicy;
use banto_domain::policy::report::{EngineChoice, ObjectPlace, ReportMail, ReportPolicy};
use banto_fake::{FakeBucket, MemberAccount, Permissions, Policies, PolicyText, Run, Sent, World};
use banto_lambda::{Invocation, InvocationError, Response};
use banto_notice::NoticeSender;
use banto_ports::{Mail, TopicMessage};
use jiff::{SignedDuration, Timestamp};
use report_compliance::Reporter;
use report_compliance::embedded::Embedded;
use report_compliance::ports::{LoggedProgress, Ports};
use report_compliance::store::Store;
use report_compliance::store::codec::read_findings;
use serde_json::{Value, json};

use super::archive::{ARCHIVE, BAD, Evaluated, GOOD, deliver, evaluated};
use crate::harness::Function;

/// The bucket of the store.
pub const STORE: &str = "banto-reports";

/// Owned by `payments`, whose addresses the policy has.
pub const PAYMENTS: &str = "444455556666";
/// Owned by whom the tag names by a mail address.
pub const SEARCH: &str = "555566667777";
/// Owned by `legacy`, of whom nobody knows an address.
pub const LEGACY: &str = "666677778888";
pub const REGION: &str = "eu-west-1";

/// The account that each owner has.
pub const OWNERS: [(&str, &str, &str); 3] = [
    (PAYMENTS, "payments-prod", "payments"),
    (SEARCH, "search-prod", "search@example.com"),
    (LEGACY, "legacy-prod", "legacy"),
];

/// An organization rule, as it is deployed.
pub const VERSIONING: &str = "OrgConfigRule-s3-bucket-versioning-enabled-abcd1234";
static NOTICES: LazyLock<NoticePolicy> = LazyLock::new(|| PolicyText::least().parse().notices);

/// Three in the morning of the 2nd, when the first run of a month comes.
pub fn start() -> Timestamp {
    "2026-11-02T03:00:00Z".parse().unwrap()
}

pub fn hour() -> SignedDuration {
    SignedDuration::from_hours(1)
}

pub fn policy() -> ReportPolicy {
    let place = |bucket: &str| ObjectPlace {
        bucket: bucket.to_owned(),
        prefix: String::new(),
    };
    ReportPolicy {
        enabled: true,
        archive: place(ARCHIVE),
        store: place(STORE),
        engine: EngineChoice::Embedded,
        history: false,
        regions: BTreeSet::new(),
        expected: Vec::new(),
        stale_after: SignedDuration::from_hours(48),
        aggregator: None,
        trend_months: 13,
        mail: Some(ReportMail {
            from: "banto@example.com".to_owned(),
            to: vec!["sre@example.com".to_owned()],
            owners: [(
                "payments".to_owned(),
                vec!["payments@example.com".to_owned()],
            )]
            .into(),
            configuration_set: None,
        }),
        address: Some("https://reports.example.com/".to_owned()),
        units: [].into(),
        statuses: None,
        findings: FindingPolicy {
            owner_tag: Some("owner".to_owned()),
            ..FindingPolicy::default()
        },
    }
}

/// The three accounts, without anything in the archive.
pub fn organization() -> Arc<World> {
    let world = World::at(start());
    for (id, name, owner) in OWNERS {
        add_account(&world, id, name, owner);
    }
    world
}

pub fn add_account(world: &World, id: &str, name: &str, owner: &str) {
    let joined_at = "2026-08-03T09:00:00Z".parse().unwrap();
    let mut account = MemberAccount::new(id, name, &[REGION], joined_at);
    account.org_tags = [("owner".to_owned(), owner.to_owned())].into();
    world.add_account(account);
}

/// The three accounts, each with one finding and one bucket in order, at the end of September and
/// of October: what was found in September is fixed in October.
pub fn two_months() -> Arc<World> {
    let world = organization();
    for (account, ..) in OWNERS {
        september(&world, account);
        october(&world, account);
    }
    world
}

pub fn september(world: &World, account: &str) {
    let found = |bucket, verdict| Evaluated {
        recorded_at: "2026-09-03T09:00:00Z",
        ..evaluated(VERSIONING, bucket, verdict)
    };
    let evaluated = [
        found("old", BAD),
        found("lasting", BAD),
        found("good", GOOD),
    ];
    deliver(world, account, REGION, "2026-09-30T03:00:00Z", &evaluated);
}

pub fn october(world: &World, account: &str) {
    let evaluated = [
        evaluated(VERSIONING, "old", GOOD),
        Evaluated {
            recorded_at: "2026-09-03T09:00:00Z",
            ..evaluated(VERSIONING, "lasting", BAD)
        },
        evaluated(VERSIONING, "fresh", BAD),
        evaluated(VERSIONING, "good", GOOD),
    ];
    deliver(world, account, REGION, "2026-10-31T03:00:00Z", &evaluated);
}

/// What the function may do in AWS.
pub static PERMISSIONS: LazyLock<Permissions> = LazyLock::new(|| {
    Permissions::new(
        "report-compliance",
        include_str!("../../../functions/report-compliance/iam-policy.json"),
        &[
            ("archive_bucket", ARCHIVE),
            ("store_bucket", STORE),
            ("statuses_bucket", "banto-dashboard"),
            ("results_bucket", "banto-athena-results"),
            (
                "archive_key",
                "arn:aws:kms:eu-west-1:444455556666:key/archive",
            ),
        ],
    )
});

/// The function, on one run's view of the world.
pub fn reporter(run: &Arc<Run>, policy: &ReportPolicy) -> Reporter {
    run.hold_to(Policies {
        own: &PERMISSIONS,
        session: None,
    });
    let bucket = |place: &ObjectPlace| Arc::new(FakeBucket::new(run.clone(), &place.bucket));
    let engine = Embedded::new(
        bucket(&policy.archive),
        policy.archive.prefix.clone(),
        policy.history,
    );
    let notice_sender = NoticeSender::new(
        run.clone(),
        run.clone(),
        run.clone(),
        NOTICES.clone(),
        run.clone(),
    );
    Reporter {
        policy: policy.clone(),
        ports: Ports {
            engine: Arc::new(engine),
            store: Store::new(bucket(&policy.store), policy.store.prefix.clone()),
            organization: Some(run.clone()),
            aggregator: policy.aggregator.is_some().then(|| run.clone() as _),
            statuses: None,
            mailer: run.clone(),
            notice_sender: Some(Arc::new(notice_sender)),
            progress: Arc::new(LoggedProgress),
            clock: run.clone(),
        },
    }
}

impl Function for ReportPolicy {
    /// No queue is in front of the function.
    const HIDDEN: SignedDuration = SignedDuration::ZERO;

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        reporter(run, self).handle(event, invocation).await
    }
}

/// The function, in invocations that Lambda ends after so long.
pub struct Hurried(pub ReportPolicy, pub Duration);

impl Function for Hurried {
    const HIDDEN: SignedDuration = SignedDuration::ZERO;

    async fn handle(
        &self,
        run: &Arc<Run>,
        event: &[u8],
        invocation: &Invocation,
    ) -> Result<Response, InvocationError> {
        let hurried = Invocation::for_tests(&invocation.run, self.1);
        reporter(run, &self.0).handle(event, &hurried).await
    }
}

/// The hourly schedule.
pub fn scheduled() -> Value {
    json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })
}

/// Every mail so far.
pub fn mails(world: &World) -> Vec<Mail> {
    let sent = world.sent().into_iter();
    sent.filter_map(|sent| match sent {
        Sent::Mail(mail) => Some(mail),
        _ => None,
    })
    .collect()
}

/// The receivers of every mail so far, in order.
pub fn receivers(world: &World) -> Vec<String> {
    mails(world).iter().map(|mail| mail.to.join(",")).collect()
}

/// Everything that operators were told so far.
pub fn notices(world: &World) -> Vec<TopicMessage> {
    let sent = world.sent().into_iter();
    sent.filter_map(|sent| match sent {
        Sent::Topic(_, message) => Some(message),
        _ => None,
    })
    .collect()
}

/// An object of the store, as text; uncompressed, if it is compressed.
pub fn stored(world: &World, key: &str) -> Option<String> {
    let object = world.objects(STORE).remove(key)?;
    let plain = match object.encoding {
        Some(_) => report_compliance::store::codec::uncompressed(&object.body).unwrap(),
        None => object.body,
    };
    Some(String::from_utf8(plain).unwrap())
}

/// An object of the store, as JSON.
pub fn stored_json(world: &World, key: &str) -> Value {
    let text = stored(world, key).unwrap_or_else(|| panic!("there is no {key}"));
    serde_json::from_str(&text).unwrap()
}

/// Each finding of an account in a month: the bucket, and its status.
pub fn statuses(world: &World, month: &str, account: &str) -> Vec<String> {
    let key = format!("findings/month={month}/{account}.csv.gz");
    let object = &world.objects(STORE)[&key];
    let rows = read_findings(&object.body).unwrap();
    let line = |row: &report_compliance::model::FindingRow| {
        format!("{} {}", row.key.resource_id, row.status.as_str())
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.sort();
    lines
}

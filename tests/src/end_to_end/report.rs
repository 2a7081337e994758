//! report-compliance's real binary on a local AWS (moto), before an archive of AWS Config.
//!
//! moto has no aggregator and no Athena that reads objects: both are tested in memory and on the
//! wire only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto::local::compliance;
use banto::local::organization::Organization;
use banto::local::proxy::{Fault, Rule};
use banto::local::runtime_api::InvocationError;
use banto::local::slack::TOKEN;
use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Month, RuleName};
use banto_fake::PolicyText;
use banto_samples::{Account, Archive, Planted, Shape};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::local::{Local, REGION};

/// The timeout of the function.
const TIMEOUT: Duration = Duration::from_mins(15);

const ARCHIVE: &str = "log-archive";
const STORE: &str = "reports";

struct Harness {
    local: Local,
    /// The last full month.
    month: Month,
    policy: PolicyText,
    /// The account of each owner.
    accounts: BTreeMap<&'static str, String>,
    archive: Archive,
}

impl Harness {
    /// Accounts of two owners deliver to the archive, and the management account does not.
    async fn set() -> Self {
        let local = Local::of("report-compliance").await;
        let organization = Organization::create(&local.aws).await.unwrap();
        let mut accounts = BTreeMap::new();
        for owner in ["payments", "search@example.com"] {
            let account = organization.create_account(owner).await.unwrap();
            let tags = [("owner", owner)];
            organization.tag_account(&account, &tags).await.unwrap();
            accounts.insert(owner, account);
        }
        let month = Month::of(local.now).previous();
        let archive = archive(month, accounts.values());
        for bucket in [ARCHIVE, STORE] {
            local.aws.create_bucket(bucket).await.unwrap();
        }
        for object in archive.objects() {
            let put = local.aws.put_object(ARCHIVE, &object.key, object.bytes);
            put.await.unwrap();
        }
        let sender = "banto@example.com";
        local.aws.verify_mail_address(sender).await.unwrap();
        let policy = policy(&local).await;
        Self {
            local,
            month,
            policy,
            accounts,
            archive,
        }
    }

    async fn invoke(&self, event: &Value) -> Result<Value, InvocationError> {
        let mut function = self.local.start(&self.policy).await.unwrap();
        let answer = function.invoke(event, TIMEOUT).await;
        let log = function.stop().await;
        if answer.is_err() {
            println!("{}", String::from_utf8_lossy(&log));
        }
        answer
    }

    async fn stored(&self, key: &str) -> String {
        let object = self.local.aws.object(STORE, key).await;
        object.unwrap_or_else(|error| panic!("{key}: {error:#}"))
    }

    /// The text of each mail that SES took, by who gets it, in the order in which it took them.
    fn mails(&self) -> Vec<(String, String)> {
        let mails = self.local.proxy.mails().into_iter();
        mails
            .map(|mail| {
                let simple = &mail["Content"]["Simple"];
                let csv = &simple["Attachments"][0];
                assert_eq!(csv["ContentType"], "text/csv", "{mail:#}");
                assert!(!csv["RawContent"].as_str().unwrap().is_empty());
                let to = mail["Destination"]["ToAddresses"][0].as_str().unwrap();
                let text = simple["Body"]["Text"]["Data"].as_str().unwrap();
                (to.to_owned(), text.to_owned())
            })
            .collect()
    }

    /// The findings that are open at a month's end, and the number of evaluations in order.
    fn truth(&self, month: Month) -> (BTreeSet<FindingKey>, u64) {
        let accounts = 0..self.accounts.len();
        let truths = accounts.map(|account| self.archive.truth(account, month).unwrap());
        let (mut open, mut compliant) = (BTreeSet::new(), 0);
        for region in truths.flat_map(|truth| truth.regions.into_values()) {
            open.extend(region.open.into_keys());
            compliant += region.compliant.values().sum::<u64>();
        }
        (open, compliant)
    }

    fn receivers(&self) -> Vec<String> {
        self.mails().into_iter().map(|(to, _)| to).collect()
    }

    /// What operators were told, in a line each.
    fn told(&self) -> Vec<String> {
        let posts = self.local.slack.posts().into_iter();
        posts
            .map(|post| post.body["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The calls that write or send, among those that were answered.
    fn writes(&self) -> BTreeSet<String> {
        let calls = self.local.proxy.calls().into_iter();
        calls
            .map(|call| call.operation)
            .filter(|call| call.contains(":Put") || call.contains(":Send"))
            .collect()
    }
}

/// What AWS Config delivered for these accounts in this month and in the one before. In each, one
/// finding at least is new.
fn archive<'a>(month: Month, accounts: impl Iterator<Item = &'a String>) -> Archive {
    let mut shape = Shape {
        accounts: Vec::new(),
        regions: vec![REGION.parse().unwrap()],
        first: month.previous(),
        days: 1,
        ..Shape::default()
    };
    for name in accounts {
        let id: AccountId = name.parse().unwrap();
        let rule: RuleName = "s3-bucket-ssl-requests-only".parse().unwrap();
        let (kind, resource) = ("AWS::S3::Bucket".to_owned(), "website".to_owned());
        shape.planted.push(Planted {
            finding: FindingKey::new(id.clone(), &shape.regions[0], rule, kind, resource),
            from: month.start() + SignedDuration::from_hours(240),
            until: None,
        });
        shape.accounts.push(Account {
            id,
            name: name.clone(),
            path: Vec::new(),
            tags: Vec::new(),
        });
    }
    Archive::new(shape)
}

async fn policy(local: &Local) -> PolicyText {
    let Local { aws, slack, .. } = local;
    let queues = compliance::create(aws).await.unwrap();
    let topic = aws.create_topic("compliance").await.unwrap();
    let token = aws.create_secret("banto/slack/token", TOKEN).await.unwrap();
    let hook = aws
        .create_secret("banto/slack/operators", &slack.webhook("operators"))
        .await
        .unwrap();
    let section = compliance::policy_section(&queues, &token, "C0PAYMENTS", &topic);
    local
        .least_policy()
        .await
        .and(&format!(
            "[notices.slack]\noperators = \"{hook}\"\nowners = \"{hook}\"\n"
        ))
        .and(&section)
        .and(&format!(
            r#"[report]
archive = {{ bucket = "{ARCHIVE}" }}
store = {{ bucket = "{STORE}", prefix = "compliance/" }}
address = "https://reports.example.com/compliance/"

[report.mail]
from = "banto@example.com"
to = ["sre@example.com"]
owners = {{ payments = "payments@example.com" }}
"#
        ))
}

fn scheduled() -> Value {
    serde_json::from_str(include_str!(
        "../../../functions/onboard-accounts/tests/events/scheduled.json"
    ))
    .unwrap()
}

#[tokio::test]
async fn the_schedule_makes_the_last_months_report_once_and_mails_each_owner_only_theirs() {
    let harness = Harness::set().await;
    let month = harness.month;
    let answer = harness.invoke(&scheduled()).await.unwrap();
    assert_eq!(answer["month"], month.to_string(), "{answer:#}");
    assert_eq!(
        (&answer["accounts"], &answer["accountsRead"]),
        (&json!(2), &json!(2)),
        "the management account joined after the month, and delivers nothing: {answer:#}"
    );
    let (before, _) = harness.truth(month.previous());
    let (open, compliant) = harness.truth(month);
    let new = open.difference(&before).count();
    assert!(new >= 2, "a finding of each owner's");
    let totals = &answer["totals"];
    assert_eq!(
        [&totals["new"], &totals["open"], &totals["compliant"]],
        [&json!(new), &json!(open.len() - new), &json!(compliant)],
        "{answer:#}"
    );

    let mut receivers = harness.receivers();
    receivers.sort();
    assert_eq!(
        receivers,
        [
            "payments@example.com",
            "search@example.com",
            "sre@example.com"
        ]
    );
    let payments = &harness.accounts["payments"];
    let search = &harness.accounts["search@example.com"];
    for (to, text) in harness.mails() {
        let has = [payments, search].map(|account| text.contains(account.as_str()));
        let expected = match to.as_str() {
            "payments@example.com" => [true, false],
            "search@example.com" => [false, true],
            _ => [true, true],
        };
        assert_eq!(has, expected, "{to}: {text}");
    }
    for name in ["all", "owner-payments", "owner-search@example.com"] {
        let claim = format!("compliance/mails/{month}/{name}");
        harness.stored(&format!("{claim}.claimed")).await;
        let settled = harness.stored(&format!("{claim}.settled")).await;
        assert!(settled.contains("sent"), "{settled}");
    }
    let page = format!("compliance/dashboard/{month}/index.html");
    let page = harness.stored(&page).await;
    assert!(page.contains("<!doctype html>"));
    let newest = harness.stored("compliance/dashboard/index.html").await;
    assert!(newest.contains(&format!("{month}/index.html")), "{newest}");
    let told = harness.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&format!("Compliance of {month}")));

    // The next hour's run writes nothing and sends nothing.
    harness.local.proxy.reset();
    let answer = harness.invoke(&scheduled()).await.unwrap();
    assert!(answer["nothing"].is_string(), "{answer:#}");
    assert_eq!(harness.writes(), BTreeSet::new());
    assert_eq!((harness.mails().len(), harness.told()), (3, told));
}

#[tokio::test]
async fn a_mail_that_an_earlier_run_claimed_is_left_in_doubt_until_somebody_has_it_sent_again() {
    let harness = Harness::set().await;
    let month = harness.month;
    let before = json!({ "run": "an-earlier-one", "at": month.end() });
    let key = format!("compliance/mails/{month}/all.claimed");
    let put = harness
        .local
        .aws
        .put_object(STORE, &key, before.to_string());
    put.await.unwrap();

    let answer = harness.invoke(&scheduled()).await.unwrap();
    let states: BTreeMap<&str, &str> = (answer["mails"].as_array().unwrap().iter())
        .map(|mail| {
            (
                mail["name"].as_str().unwrap(),
                mail["state"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("all", "inDoubt"),
        ("payments", "sent"),
        ("search@example.com", "sent"),
    ];
    assert_eq!(
        states,
        BTreeMap::from(expected),
        "moto honours the condition"
    );
    assert!(!harness.receivers().contains(&"sre@example.com".to_owned()));
    let posts = format!("{:?}", harness.local.slack.posts());
    assert!(posts.contains("Mails in doubt"), "{posts}");
    assert_eq!(harness.stored(&key).await, before.to_string());

    let resend = json!({ "month": month, "resend": ["all"] });
    harness.invoke(&resend).await.unwrap();
    assert_eq!(harness.receivers().last().unwrap(), "sre@example.com");
    assert_eq!(harness.mails().len(), 3);
}

#[tokio::test]
async fn a_report_is_made_through_throttling_and_failures_on_the_wire() {
    for fault in [Fault::Throttled, Fault::InternalError, Fault::LostAnswer] {
        let harness = Harness::set().await;
        for call in [
            "organizations:ListAccounts",
            "s3:ListObjectsV2",
            "s3:GetObject",
            "s3:PutObject",
        ] {
            harness.local.proxy.inject(Rule::nth(call, 1, fault));
        }
        let answer = harness.invoke(&scheduled()).await.unwrap();
        assert_eq!(answer["accounts"], 2, "{fault:?}: {answer:#}");
        assert_eq!(harness.mails().len(), 3, "{fault:?}");
    }
}

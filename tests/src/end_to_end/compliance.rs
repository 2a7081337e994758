//! notify-compliance's real binary on a local AWS, before a local Slack that fails in every way.

use std::collections::BTreeMap;
use std::time::Duration;

use banto::local::compliance::{self, Change, Queues};
use banto::local::organization::Organization;
use banto::local::proxy::{Fault, Rule};
use banto::local::slack::{Post, Refusal, TOKEN};
use banto_fake::PolicyText;
use banto_notice::slack;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::local::{ACCOUNT as MANAGEMENT, Local, REGION};

const CHANNEL: &str = "C0PAYMENTS";

struct Harness {
    local: Local,
    queues: Queues,
    payments: String,
    search: String,
    /// Everything that the function printed.
    log: Vec<u8>,
    policy: PolicyText,
}

impl Harness {
    /// Two accounts, one of each team.
    async fn set() -> Self {
        let local = Local::of("notify-compliance").await;
        let organization = Organization::create(&local.aws).await.unwrap();
        let payments = organization.create_account("payments").await.unwrap();
        organization
            .tag_account(&payments, &[("team", "payments"), ("owner", "alice")])
            .await
            .unwrap();
        let search = organization.create_account("search").await.unwrap();
        organization
            .tag_account(&search, &[("team", "search")])
            .await
            .unwrap();
        let queues = compliance::create(&local.aws).await.unwrap();
        local
            .aws
            .verify_mail_address("banto@example.com")
            .await
            .unwrap();
        let policy = policy(&local, &queues).await;
        Self {
            local,
            queues,
            payments,
            search,
            log: Vec::new(),
            policy,
        }
    }

    async fn invoke(&mut self, event: &Value) -> Value {
        let mut function = self.local.start(&self.policy).await.unwrap();
        let answer = function.invoke(event, Duration::from_secs(300)).await;
        self.log.extend(function.stop().await);
        answer.unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&self.log)))
    }

    async fn advance(&mut self, seconds: i64) {
        self.local.advance(SignedDuration::from_secs(seconds)).await;
    }

    /// Works the queues off, time passing where messages wait, until they are empty.
    async fn settle(&mut self) {
        for _ in 0..60 {
            let mut function = self.local.start(&self.policy).await.unwrap();
            let worked = self
                .queues
                .work_off(&mut function, Duration::from_secs(300))
                .await;
            self.log.extend(function.stop().await);
            let worked = worked.unwrap_or_else(|error| {
                panic!("{error:#}\n{}", String::from_utf8_lossy(&self.log))
            });
            if worked.is_empty() {
                if self.queues.waiting().await.unwrap() == 0 {
                    return;
                }
                self.advance(62).await;
            }
        }
        panic!("the queues do not empty");
    }

    async fn tell(&mut self, events: &[Value]) {
        self.queues.send(events).await.unwrap();
        self.settle().await;
    }

    fn bad<'a>(&'a self, rule: &'a str, resource: &'a str) -> Change<'a> {
        let (account, at) = (self.payments.as_str(), self.local.now);
        Change {
            account,
            rule,
            resource_type: "AWS::S3::Bucket",
            resource,
            compliant: false,
            at,
        }
    }

    /// The messages in a channel, as they look now.
    fn texts(&self, channel: &str) -> Vec<String> {
        let posts = self
            .local
            .slack
            .posts()
            .into_iter()
            .filter(|post| post.channel == channel);
        posts
            .map(|post| post.body["text"].as_str().unwrap().to_owned())
            .collect()
    }

    fn calls(&self, operation: &str) -> usize {
        self.local
            .proxy
            .calls()
            .iter()
            .filter(|call| call.operation == operation && call.status == Some(200))
            .count()
    }

    /// What must be true of Slack whatever happened: its limits are met, and its pace.
    fn check_slack(&self) {
        let posts = self.local.slack.posts();
        for post in &posts {
            for body in post.earlier.iter().chain([&post.body]) {
                assert_eq!(slack::check(body), Vec::<String>::new(), "{body:#}");
            }
        }
        let mut last: BTreeMap<&str, &Post> = BTreeMap::new();
        for post in &posts {
            if let Some(before) = last.insert(&post.channel, post) {
                let gap = post.at.duration_since(before.at);
                assert!(
                    gap >= SignedDuration::from_millis(990),
                    "{gap:?} between {before:?} and {post:?}"
                );
            }
        }
    }
}

async fn policy(local: &Local, queues: &Queues) -> PolicyText {
    let Local { aws, slack, .. } = local;
    let topic = aws.create_topic("compliance").await.unwrap();
    let token = aws.create_secret("banto/slack/token", TOKEN).await.unwrap();
    let hook = aws
        .create_secret("banto/slack/search", &slack.webhook("search"))
        .await
        .unwrap();
    let more = format!(
        r#"[[compliance.routes]]
name = "search"
tag = {{ key = "team", value = "search" }}
to = {{ webhook = "{hook}" }}
[[compliance.routes]]
name = "auditors"
rules = ["root-*"]
to = {{ mail = ["auditors@example.com"] }}
"#
    );
    let section = compliance::policy_section(queues, &token, CHANNEL, &topic);
    local
        .least_policy()
        .await
        .and(&section)
        .with_lines("compliance", "mail_from = \"banto@example.com\"")
        .and(&more)
}

const PUBLIC: &str = "s3-bucket-public-read-prohibited";

#[tokio::test]
async fn changes_reach_slack_mail_and_sns_once_and_a_resolution_updates_the_message() {
    let mut harness = Harness::set().await;
    let found = harness.bad(PUBLIC, "website");
    let elsewhere = Change {
        account: &harness.search,
        ..found
    };
    let unrouted = Change {
        account: MANAGEMENT,
        ..found
    };
    let root = Change {
        rule: "root-account-mfa-enabled",
        ..found
    };
    let events = [found, elsewhere, unrouted, root, found].map(|change| change.event());
    harness.tell(&events).await;
    let texts = harness.texts(CHANNEL);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(
        texts.contains(&"[critical] S3 bucket allows public read: website in payments".to_owned()),
        "{texts:?}"
    );
    assert_eq!(
        harness.texts("search"),
        ["[critical] S3 bucket allows public read: website in search"]
    );
    assert_eq!(
        (harness.calls("sns:Publish"), harness.calls("ses:SendEmail")),
        (1, 1)
    );

    harness.advance(1_800).await;
    let resolved = Change {
        compliant: true,
        at: harness.local.now,
        ..harness.bad(PUBLIC, "website")
    }
    .event();
    harness.tell(&[resolved]).await;
    let posts = harness.local.slack.posts();
    let message = posts
        .iter()
        .find(|post| post.channel == CHANNEL && !post.earlier.is_empty())
        .unwrap();
    assert_eq!(
        message.body["text"],
        "Resolved: website in payments (S3 bucket allows public read)"
    );
    let reply = posts
        .iter()
        .find(|post| post.thread.as_deref() == Some(message.ts.as_str()))
        .unwrap();
    assert!(!reply.is_broadcast);
    assert_eq!(compliance::untold(&harness.local.aws).await.unwrap(), 0);
    assert_eq!(harness.queues.dead().await.unwrap(), 0);
    harness.check_slack();
}

#[tokio::test]
async fn throttling_and_failures_between_the_function_and_aws_lose_and_repeat_nothing() {
    for fault in [Fault::Throttled, Fault::InternalError, Fault::LostAnswer] {
        let mut harness = Harness::set().await;
        for call in [
            "organizations:DescribeAccount",
            "organizations:ListTagsForResource",
            "dynamodb:BatchGetItem",
            "dynamodb:GetItem",
            "dynamodb:TransactWriteItems",
            "dynamodb:UpdateItem",
            "dynamodb:Query",
            "sqs:SendMessageBatch",
            "secretsmanager:GetSecretValue",
        ] {
            harness.local.proxy.inject(Rule::nth(call, 1, fault));
        }
        let events = ["a", "b"].map(|bucket| harness.bad(PUBLIC, bucket).event());
        harness.tell(&events).await;
        assert_eq!(
            harness.texts(CHANNEL),
            ["[critical] S3 bucket allows public read: 2 resources in payments"],
            "{fault:?}: {}",
            String::from_utf8_lossy(&harness.log)
        );
        let struck = harness
            .local
            .proxy
            .calls()
            .iter()
            .filter(|call| call.fault == Some(fault))
            .count();
        assert_eq!(struck, 9, "{fault:?}");
        assert_eq!(compliance::untold(&harness.local.aws).await.unwrap(), 0);
        assert_eq!(harness.queues.dead().await.unwrap(), 0);
    }
}

/// Each way in which Slack fails, once or a few times in a row.
const FAILURES: [(usize, Refusal); 12] = [
    (1, Refusal::RateLimited(2)),
    (1, Refusal::RateLimited(120)),
    (1, Refusal::ServerError),
    (3, Refusal::ServerError),
    (1, Refusal::Unavailable),
    (1, Refusal::Silence),
    (1, Refusal::LostRequest),
    (1, Refusal::LostAnswer),
    (1, Refusal::Word("internal_error")),
    (1, Refusal::Word("channel_not_found")),
    (1, Refusal::Word("token_revoked")),
    (1, Refusal::InvalidBlocks),
];

#[tokio::test]
async fn however_slack_fails_every_transition_is_told_or_is_a_dead_letter() {
    let mut harness = Harness::set().await;
    let rules: Vec<String> = (0..FAILURES.len())
        .map(|number| format!("our-rule-{number}"))
        .collect();
    for (rule, (times, refusal)) in rules.iter().zip(FAILURES) {
        harness.local.slack.refuse(times, refusal);
        let event = harness.bad(rule, "website").event();
        harness.tell(&[event]).await;
        harness.advance(60).await;
    }
    let told = harness.texts(CHANNEL);
    let count = |rule: &str| {
        told.iter()
            .filter(|text| text.contains(&format!("{rule}: website")))
            .count()
    };
    // Those that Slack will never take go by the fall-back, the others to the channel, none of them
    // twice.
    let refused = ["our-rule-9", "our-rule-10", "our-rule-11"];
    for rule in &rules {
        let expected = usize::from(!refused.contains(&rule.as_str()));
        assert_eq!(
            count(rule),
            expected,
            "{rule}: {told:?}\n{}",
            String::from_utf8_lossy(&harness.log)
        );
    }
    assert_eq!(harness.calls("sns:Publish"), refused.len(), "the fall-back");
    assert_eq!(compliance::untold(&harness.local.aws).await.unwrap(), 0);
    let dead = harness.queues.dead().await.unwrap();
    assert_eq!((told.len() + refused.len(), dead), (FAILURES.len(), 0));
    say!(
        "slack fault run: {} transitions, {} in Slack, {} by SNS, {dead} dead letters",
        FAILURES.len(),
        told.len(),
        refused.len()
    );
    harness.check_slack();
}

#[tokio::test]
async fn a_storm_is_one_message_in_the_channel() {
    let mut harness = Harness::set().await;
    let rules: Vec<String> = (0..8).map(|number| format!("our-rule-{number}")).collect();
    let buckets: Vec<String> = (0..6).map(|number| format!("bucket-{number}")).collect();
    let events: Vec<Value> = (rules.iter())
        .flat_map(|rule| buckets.iter().map(move |bucket| (rule, bucket)))
        .map(|(rule, bucket)| harness.bad(rule, bucket).event())
        .collect();
    harness.tell(&events).await;
    let posts = harness.local.slack.posts();
    let seen: Vec<&Post> = posts
        .iter()
        .filter(|post| post.thread.is_none() || post.is_broadcast)
        .collect();
    assert_eq!(seen.len(), 1, "{:?}", harness.texts(CHANNEL));
    assert_eq!(seen[0].body["text"], "[medium] 48 findings across 8 rules");
    assert_eq!(compliance::untold(&harness.local.aws).await.unwrap(), 0);
    harness.check_slack();
}

/// What the aggregator answers, as recorded from its API reference: one rule with one bucket.
fn aggregate(harness: &Harness, account: &str, bucket: &str, compliance: &str) {
    let rule = json!({ "ConfigRuleName": PUBLIC, "AccountId": account, "AwsRegion": REGION,
        "Compliance": { "ComplianceType": compliance } });
    harness.local.proxy.answer(
        "config:DescribeAggregateComplianceByConfigRules",
        json!({ "AggregateComplianceByConfigRules": [rule] }),
    );
    let evaluation = json!({
        "EvaluationResultIdentifier": { "EvaluationResultQualifier":
            { "ConfigRuleName": PUBLIC, "ResourceType": "AWS::S3::Bucket", "ResourceId": bucket } },
        "ComplianceType": compliance, "ResultRecordedTime": harness.local.now.as_second(),
        "AccountId": account, "AwsRegion": REGION,
    });
    harness.local.proxy.answer(
        "config:GetAggregateComplianceDetailsByConfigRule",
        json!({ "AggregateEvaluationResults": [evaluation] }),
    );
    harness.local.proxy.answer(
        "config:BatchGetAggregateResourceConfig",
        json!({ "BaseConfigurationItems": [], "UnprocessedResourceIdentifiers": [] }),
    );
}

#[tokio::test]
async fn the_comparison_tells_what_was_missed_and_what_was_resolved_unseen_by_recorded_answers_of_the_aggregator()
 {
    let mut harness = Harness::set().await;
    let event = harness.bad(PUBLIC, "resolved-unseen").event();
    harness.tell(&[event]).await;
    let payments = harness.payments.clone();
    let request = json!({ "accounts": [payments] });
    for (bucket, compliance) in [
        ("resolved-unseen", "COMPLIANT"),
        ("missed", "NON_COMPLIANT"),
    ] {
        // What is open for less than a day is no reason for a reminder.
        harness.advance(8 * 3_600).await;
        aggregate(&harness, &payments, bucket, compliance);
        let answer = harness.invoke(&request).await;
        assert_eq!(answer, json!({ "accountsQueued": 1 }));
        harness.settle().await;
    }
    let resolved = "Resolved: resolved-unseen in payments (S3 bucket allows public read)";
    assert_eq!(
        harness.texts(CHANNEL),
        [
            resolved,
            resolved,
            "[critical] S3 bucket allows public read: missed in payments"
        ]
    );
    let plan = harness
        .invoke(&json!({ "accounts": [payments], "dryRun": true }))
        .await;
    assert_eq!(
        plan["plan"]["chains"],
        json!([]),
        "nothing is new the second time: {plan:#}"
    );
    assert_eq!(plan["refused"], json!([]));
}

#[tokio::test]
async fn at_the_trace_level_neither_the_token_nor_a_webhook_nor_the_session_is_logged() {
    let mut harness = Harness::set().await;
    harness.local.log_level = "trace";
    harness
        .local
        .slack
        .refuse_next(Refusal::Word("token_revoked"));
    harness.local.slack.refuse(2, Refusal::ServerError);
    let found = harness.bad(PUBLIC, "website");
    let events = [
        found,
        Change {
            account: &harness.search,
            ..found
        },
    ]
    .map(|change| change.event());
    harness.tell(&events).await;
    assert!(
        harness.log.len() > 50_000,
        "the log at TRACE has {} bytes only",
        harness.log.len()
    );
    let secrets = [
        TOKEN.to_owned(),
        harness.local.slack.webhook("search"),
        harness.local.credentials.secret_access_key.to_string(),
    ];
    let log = String::from_utf8_lossy(&harness.log);
    for secret in &secrets[..1] {
        assert!(!log.contains(secret.as_str()), "{secret} is in the log");
    }
    assert!(!log.contains("/services/search"), "a webhook is in the log");
    assert!(
        !log.contains(secrets[2].as_str()),
        "the session is in the log"
    );
}

#[tokio::test]
async fn a_simulated_slack_that_is_elsewhere_is_refused_at_the_start() {
    let harness = Harness::set().await;
    let elsewhere = [("SLACK_API_URL", "https://slack.example.com/api")];
    let error = harness
        .local
        .start_with(&harness.policy, &elsewhere)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("SLACK_API_URL is neither https://slack.com/api, nor "),
        "{error}"
    );
}

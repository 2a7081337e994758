//! `banto compliance` through its program, beside notify-compliance's own.

use std::time::Duration;

use banto::local::compliance::{self, Change, Queues};
use banto::local::organization::Organization;
use banto::local::slack::TOKEN;
use banto_fake::PolicyText;
use jiff::SignedDuration;
use serde_json::Value;

use super::super::local::Local;
use super::program::{Ended, Program};

const CHANNEL: &str = "C0PAYMENTS";
const PUBLIC: &str = "s3-bucket-public-read-prohibited";

struct Harness {
    local: Local,
    queues: Queues,
    policy: PolicyText,
    program: Program,
    payments: String,
}

impl Harness {
    /// An account payments of alice's.
    async fn set() -> Self {
        let local = Local::of("notify-compliance").await;
        let organization = Organization::create(&local.aws).await.unwrap();
        let payments = organization.create_account("payments").await.unwrap();
        let tags = [("team", "payments"), ("owner", "alice")];
        organization.tag_account(&payments, &tags).await.unwrap();
        let queues = compliance::create(&local.aws).await.unwrap();
        let topic = local.aws.create_topic("compliance").await.unwrap();
        let token = local
            .aws
            .create_secret("banto/slack/token", TOKEN)
            .await
            .unwrap();
        let section = compliance::policy_section(&queues, &token, CHANNEL, &topic);
        let policy = local.least_policy().await.and(&section);
        let program = Program::with(&policy.to_string()).await;
        Self {
            local,
            queues,
            policy,
            program,
            payments,
        }
    }

    async fn banto(&self, arguments: &[&str]) -> Ended {
        let arguments = [&["compliance"], arguments].concat();
        self.program.run(&self.local, &arguments).await
    }

    /// A bucket is found to be public, and the function hears of it: with the policy as it is in the
    /// command's file by now.
    async fn find(&mut self, bucket: &str) {
        let change = Change {
            account: &self.payments,
            rule: PUBLIC,
            resource_type: "AWS::S3::Bucket",
            resource: bucket,
            compliant: false,
            at: self.local.now,
        };
        self.queues.send(&[change.event()]).await.unwrap();
        let file = self.program.policy();
        let deployed = [("BANTO_POLICY", file.to_str().unwrap())];
        // More than a few messages need.
        for _ in 0..40 {
            let mut function = self
                .local
                .start_with(&self.policy, &deployed)
                .await
                .unwrap();
            let worked = self
                .queues
                .work_off(&mut function, Duration::from_secs(300))
                .await;
            let log = function.stop().await;
            let log = String::from_utf8_lossy(&log);
            if worked
                .unwrap_or_else(|error| panic!("{error:#}\n{log}"))
                .is_empty()
            {
                if self.queues.waiting().await.unwrap() == 0 {
                    return;
                }
                self.local.advance(SignedDuration::from_secs(62)).await;
            }
        }
        panic!("the queues do not empty");
    }

    /// True if people were told of a bucket.
    fn is_told(&self, bucket: &str) -> bool {
        let mut posts = self.local.slack.posts().into_iter();
        posts.any(|post| post.body.to_string().contains(bucket))
    }
}

#[tokio::test]
async fn what_is_waived_is_silent_until_the_waiver_ends_and_what_is_open_is_listed() {
    let mut harness = Harness::set().await;
    let ended = harness.banto(&["open"]).await;
    assert!(
        ended.code == 0 && ended.output.contains("Nothing is open."),
        "{ended:#?}"
    );
    harness.find("invoices").await;
    assert!(harness.is_told("invoices"));
    let ended = harness.banto(&["open", "--owner", "alice", "--json"]).await;
    assert_eq!(ended.code, 1, "{ended:#?}");
    let open: Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(open["counts"]["critical"], 1, "{open:#}");
    assert_eq!(open["findings"][0]["told"][0], "payments", "{open:#}");

    let tomorrow = (harness.local.now + SignedDuration::from_hours(24))
        .strftime("%F")
        .to_string();
    let waive = [
        "waive",
        PUBLIC,
        "--resource",
        "website-*",
        "--owner",
        "alice",
        "--reason",
        "a website",
        "--until",
        &tomorrow,
    ];
    let before = std::fs::read_to_string(harness.program.policy()).unwrap();
    let ended = harness.banto(&waive).await;
    assert!(
        ended.code == 2 && ended.complaint.contains("--yes"),
        "{ended:#?}"
    );
    assert_eq!(
        std::fs::read_to_string(harness.program.policy()).unwrap(),
        before
    );
    let ended = harness.banto(&[&waive[..], &["--yes"]].concat()).await;
    assert!(
        ended.code == 0 && ended.output.contains("+ [[waivers]]"),
        "{ended:#?}"
    );

    harness.find("website-home").await;
    assert!(!harness.is_told("website-home"));
    let ended = harness.banto(&["open"]).await;
    assert!(
        ended.output.contains("1 open: 1 critical. 1 waived"),
        "{ended:#?}"
    );

    harness.local.advance(SignedDuration::from_hours(49)).await;
    harness.find("website-home").await;
    assert!(harness.is_told("website-home"), "the waiver has ended");
    let ended = harness.banto(&["unwaive", PUBLIC, "--yes"]).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    let after = std::fs::read_to_string(harness.program.policy()).unwrap();
    assert_eq!(after.trim_end(), before.trim_end());
}

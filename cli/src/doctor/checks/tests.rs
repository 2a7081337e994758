//! What is looked at, and what answers mean.

use super::*;

const POLICY: &str = include_str!("../../../../infra/envs/example/banto.toml");

fn named(account: &str) -> Vec<String> {
    let policy = Policy::parse(POLICY).unwrap();
    let all = checks(&policy, account, "ap-northeast-1");
    all.into_iter().map(|check| check.what).collect()
}

#[test]
fn each_account_is_looked_at_for_what_the_policy_has_there() {
    assert_eq!(
        named("999988887777"),
        [
            "queue banto-accounts",
            "queue banto-accounts-dead",
            "function banto-onboard-accounts",
            "schedules of banto-onboard-accounts",
            "queue banto-onboard-accounts-failed",
            "table banto-accounts",
            "alarms",
        ]
    );
    assert!(named("111122223333").contains(&"bucket banto-certificates-111122223333".to_owned()));
    assert!(named("444455556666").contains(&"queue banto-deliveries-dead".to_owned()));
    assert_eq!(named("123456789012"), [""; 0]);
}

/// A check, an answer, and what is made of it.
type Case = (Check, &'static str, Level, &'static str);

fn dead() -> Check {
    of_queue("x-dead", "111122223333", queue_is_empty)
}

fn of_functions_and_queues() -> Vec<Case> {
    let [ready, schedules, failed] = function("banto-x", "111122223333");
    let none = r#"{"Attributes": {"ApproximateNumberOfMessages": "0"}}"#;
    let three = r#"{"Attributes": {"ApproximateNumberOfMessages": "3"}}"#;
    let disabled = r#"{"Schedules": [{"State": "DISABLED"}]}"#;
    let enabled = r#"{"Schedules": [{"State": "ENABLED"}]}"#;
    vec![
        (dead(), none, Level::Fine, "empty"),
        (dead(), three, Level::Found, "3 dead letters"),
        (failed, three, Level::Found, "3 dead letters"),
        (ready, r#"{"State": "Failed"}"#, Level::Found, "is Failed"),
        (schedules.clone(), disabled, Level::Found, "1 disabled"),
        (schedules, enabled, Level::Fine, "1 enabled"),
    ]
}

fn of_secrets_and_topics() -> Vec<Case> {
    let secret: SecretArn =
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:banto/slack/owners"
            .parse()
            .unwrap();
    let topic: TopicArn = "arn:aws:sns:eu-west-1:111122223333:banto-operators"
        .parse()
        .unwrap();
    let has_value = r#"{"VersionIdsToStages": {}}"#;
    let deleted = r#"{"DeletedDate": 1}"#;
    let pending = "<SubscriptionArn>PendingConfirmation</SubscriptionArn>";
    vec![
        (of_secret(&secret), has_value, Level::Fine, "has a value"),
        (
            of_secret(&secret),
            deleted,
            Level::Found,
            "about to be deleted",
        ),
        (of_topic(&topic), "<r/>", Level::Found, "nobody"),
        (of_topic(&topic), pending, Level::Found, "link"),
    ]
}

/// On a function's first day schedule-idle is in ALARM by design, and schedule-missed waits.
fn cases_of_alarms() -> Vec<Case> {
    let first_day = "<CompositeAlarms><member><ActionsSuppressedBy>WaitPeriod</ActionsSuppressedBy>\
        <AlarmActions><member>a</member></AlarmActions>\
        <AlarmName>banto-x-schedule-missed</AlarmName></member></CompositeAlarms>\
        <MetricAlarms><member><AlarmName>banto-x-schedule-idle</AlarmName></member></MetricAlarms>";
    let missed = "<CompositeAlarms><member><AlarmActions><member>a</member></AlarmActions>\
        <AlarmName>banto-x-schedule-missed</AlarmName></member></CompositeAlarms>";
    let errors = "<MetricAlarms><member><AlarmName>banto-x-errors</AlarmName></member>\
        <member><AlarmName>banto-y-errors</AlarmName></member></MetricAlarms>";
    vec![
        (of_alarms(), first_day, Level::Fine, "none"),
        (of_alarms(), missed, Level::Found, "banto-x-schedule-missed"),
        (
            of_alarms(),
            errors,
            Level::Found,
            "banto-x-errors, banto-y-errors",
        ),
    ]
}

#[test]
fn an_answer_is_fine_or_a_finding() {
    let tables = [
        of_functions_and_queues(),
        of_secrets_and_topics(),
        cases_of_alarms(),
    ];
    for (check, text, level, words) in tables.into_iter().flatten() {
        let finding = judged(&check, Ok(text.to_owned()));
        assert_eq!(finding.level, level, "{finding:?}");
        assert!(finding.words.contains(words), "{finding:?}");
    }
}

#[test]
fn a_refusal_says_that_it_is_missing_or_that_it_was_not_seen() {
    let bucket = of_bucket("x");
    for (check, code, level) in [
        (
            &dead(),
            "AWS.SimpleQueueService.NonExistentQueue",
            Level::Found,
        ),
        (&dead(), "AccessDenied", Level::Blind),
        (&bucket, "NoSuchBucket", Level::Found),
        // It is there, in another region.
        (&bucket, "PermanentRedirect", Level::Fine),
    ] {
        let refused = Refused {
            call: "x:Y",
            code: code.into(),
            words: String::new(),
            is_silent: false,
        };
        assert_eq!(judged(check, Err(refused)).level, level, "{code}");
    }
}

#[test]
fn what_another_region_has_is_no_finding_there() {
    let policy = Policy::parse(POLICY).unwrap();
    let here = checks(&policy, "111122223333", "ap-northeast-1");
    assert!(
        here.iter()
            .any(|check| check.what == "function banto-rotate-access-keys")
    );
    assert!(checks(&policy, "111122223333", "us-east-1").is_empty());
}

#[test]
fn routes_topics_and_secrets_are_looked_at() {
    let all = named("444455556666");
    for what in [
        "topic banto-compliance",
        "secret banto/endpoints/pager",
        "secret banto/slack/token",
        "queue banto-notify-compliance-failed",
        "queue banto-report-compliance-failed",
    ] {
        assert!(all.iter().any(|own| own == what), "{what}: {all:?}");
    }
    let all = named("111122223333");
    for what in ["queue banto-rotation", "queue banto-rotation-dead"] {
        assert!(all.iter().any(|own| own == what), "{what}: {all:?}");
    }
}

#[test]
fn findings_are_shown_within_80_columns() {
    let finding = |what: &str, level, words: &str| Finding {
        what: what.into(),
        level,
        words: words.into(),
    };
    assert!(NOT_SEEN.lines().all(|line| line.chars().count() <= 80));
    let screen = shown(&[
        finding("queue banto-accounts", Level::Fine, "0 messages wait"),
        finding(
            "queue banto-accounts-dead",
            Level::Found,
            "3 dead letters: docs/OPERATIONS.md says how to send them again",
        ),
        finding(
            "alarms",
            Level::Blind,
            "cloudwatch:DescribeAlarms: AccessDenied; allow it",
        ),
    ]);
    assert!(
        screen.lines().all(|line| line.chars().count() <= 80),
        "{screen}"
    );
    let screen: Vec<&str> = screen.lines().map(str::trim_end).collect();
    assert_eq!(screen.join("\n") + "\n", include_str!("screen.txt"));
}

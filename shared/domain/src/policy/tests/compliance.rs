//! What `[compliance]` accepts and refuses, and which people each finding reaches.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{EXAMPLE, days};
use crate::compliance::{AccountInfo, AskedFor, FindingKey, Severity};
use crate::policy::Policy;
use crate::policy::compliance::{ChannelSource, CompliancePolicy, Destination};

/// The least that `[compliance]` must say, with the rest of a policy, and with more lines in it.
fn least(lines: &str) -> String {
    format!(
        r#"{}
[compliance]
queue = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto-compliance"
deliveries = "https://sqs.eu-west-1.amazonaws.com/999988887777/banto-deliveries"
table = "banto-compliance"
aggregator = "banto"
default = {{ to = {{ topic = "arn:aws:sns:eu-west-1:111122223333:compliance" }} }}
{lines}
"#,
        super::LEAST
    )
}

fn compliance(lines: &str) -> CompliancePolicy {
    let text = least(lines);
    let policy = Policy::parse(&text);
    policy
        .unwrap_or_else(|problems| panic!("{lines}\n{problems}"))
        .compliance
        .unwrap()
}

/// A policy with one route to a destination.
fn with_route(to: &str) -> String {
    format!(
        "slack_token = \"arn:aws:secretsmanager:eu-west-1:111122223333:secret:token-AbCdEf\"\n\
         [[compliance.routes]]\nname = \"teams\"\nto = {to}"
    )
}

fn account(tags: &[(&str, &str)]) -> AccountInfo {
    AccountInfo {
        id: "111122223333".parse().unwrap(),
        name: "payments".into(),
        path: Vec::new(),
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        joined_at: None,
        fetched_at: Timestamp::UNIX_EPOCH,
        asked_for: AskedFor::default(),
        is_closed: false,
    }
}

/// The problems of `[compliance]` with one line in place of another.
fn compliance_problems(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    Policy::parse(&EXAMPLE.replacen(from, to, 1))
        .unwrap_err()
        .to_string()
}

#[test]
fn what_contradicts_in_a_compliance_policy_is_refused_with_what_would_be_right() {
    for (from, to, expected) in [
        (
            "slack_token = ",
            "mail_to = ",
            "the route \"payments\" goes to a channel, so that `slack_token` must be given",
        ),
        (
            "mail_from = ",
            "mail_for = ",
            "the route \"security\" goes by mail, so that `mail_from` must be given",
        ),
        ("mail_from = ", "mail_for = ", "did you mean `mail_from`?"),
        (
            "name = \"sandboxes\"",
            "name = \"payments\"",
            "two routes are named \"payments\"",
        ),
        (
            "name = \"sandboxes\"",
            "name = \"default\"",
            "is the default route's own name",
        ),
        (
            "channel = \"C024BE91L\"",
            "channel = \"#payments\"",
            "must be a channel's id, as in \"C024BE91L\"",
        ),
        (
            "to = { channel = \"C024BE91L\" }",
            "to = { channel = \"C024BE91L\", mail = [\"alice@example.com\"] }",
            "must have exactly one of `channel`, `channel_tag`, `channel_pattern`, `webhook`, `topic`, `mail`, `endpoint`, but has 2",
        ),
        (
            "tag = { key = \"team\", value = \"payments\" }",
            "",
            "`compliance.routes`: takes everything",
        ),
        (
            "quiet_below = \"critical\"",
            "quiet_below = \"urgent\"",
            "must be one of low, medium, high, critical",
        ),
        (
            "[compliance.default]",
            "[compliance.defaults]",
            "`default` is missing",
        ),
        (
            "security@example.com\"] }",
            "security at example.com\"] }",
            "must be a mail address",
        ),
        (
            "https://wiki.example.com",
            "http://wiki.example.com",
            "must be a link that begins with https://",
        ),
        (
            "until = 2027-03-31",
            "until = \"soon\"",
            "`waivers.until` must be a date",
        ),
    ] {
        let problems = compliance_problems(from, to);
        assert!(problems.contains(expected), "{to}:\n{problems}");
    }
}

#[test]
fn deliveries_and_notices_that_would_wait_behind_events_are_refused() {
    for (from, to, expected) in [
        (
            "/banto-deliveries\"   # another",
            "/banto-compliance\"   # another",
            "`compliance.deliveries` is `queue` too, where deliveries would wait behind events",
        ),
        (
            "deliveries = ",
            "delivery = ",
            "`compliance.deliveries` is missing",
        ),
        (
            "/banto-deliveries\"   # carries",
            "/banto-compliance\"   # carries",
            "`notices` has `compliance.queue` as its `queue`",
        ),
    ] {
        let problems = compliance_problems(from, to);
        assert!(problems.contains(expected), "{to}:\n{problems}");
    }
}

#[test]
fn a_finding_goes_to_every_route_that_fits_and_else_to_the_default() {
    let policy = Policy::parse(EXAMPLE).unwrap().compliance.unwrap();
    let facts = |id: &str, ous: &[&str], team: &str| AccountInfo {
        id: id.parse().unwrap(),
        name: "payments".into(),
        path: ous.iter().map(|ou| ou.parse().unwrap()).collect(),
        tags: [("team".to_owned(), team.to_owned())].into(),
        joined_at: None,
        fetched_at: Timestamp::UNIX_EPOCH,
        asked_for: AskedFor::default(),
        is_closed: false,
    };
    let routes = |rule: &str, facts: &AccountInfo| -> Vec<String> {
        policy
            .routes_of(&rule.parse().unwrap(), facts)
            .into_iter()
            .map(|route| route.name.clone())
            .collect()
    };
    let other = "111122223333";
    assert_eq!(
        routes(
            "iam-user-mfa-enabled",
            &facts("444455556666", &[], "payments")
        ),
        ["payments", "security"]
    );
    // Suffixes of deployments don't matter.
    assert_eq!(
        routes(
            "securityhub-iam-user-mfa-enabled-1a2b3c4d",
            &facts("444455556666", &[], "x")
        ),
        ["security"]
    );
    assert_eq!(
        routes(
            "s3-bucket-public-read-prohibited",
            &facts(other, &["ou-ab12-cdef3456"], "x")
        ),
        ["sandboxes", "pager"]
    );
    // Too little for sandboxes, so that the default route takes it.
    assert_eq!(
        routes(
            "s3-bucket-logging-enabled",
            &facts(other, &["ou-ab12-cdef3456"], "x")
        ),
        ["default"]
    );
}

#[test]
fn a_waiver_covers_what_it_names_until_it_ends() {
    let policy = Policy::parse(EXAMPLE).unwrap().compliance.unwrap();
    let key = |account: &str, rule: &str, id: &str| FindingKey {
        account: account.parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        rule: rule.parse().unwrap(),
        resource_type: "AWS::S3::Bucket".into(),
        resource_id: id.into(),
    };
    let covered = |key: &FindingKey, name, at: &str| {
        policy
            .findings
            .waiver_of(key, name, at.parse().unwrap())
            .is_some()
    };
    let website = key(
        "444455556666",
        "securityhub-s3-bucket-public-read-prohibited-1a2b3c4d",
        "website-eu",
    );
    assert!(covered(&website, None, "2027-03-31T23:59:59Z"));
    assert!(!covered(&website, None, "2027-04-01T00:00:00Z"));
    assert!(!covered(
        &key(
            "111122223333",
            "s3-bucket-public-read-prohibited",
            "website-eu"
        ),
        None,
        "2027-01-01T00:00:00Z"
    ));
    assert!(!covered(
        &key(
            "444455556666",
            "s3-bucket-public-write-prohibited",
            "website-eu"
        ),
        None,
        "2027-01-01T00:00:00Z"
    ));
    let hidden = key("444455556666", "s3-bucket-public-read-prohibited", "AIDA");
    assert!(
        !covered(&hidden, None, "2027-01-01T00:00:00Z")
            && covered(&hidden, Some("website-eu"), "2027-01-01T00:00:00Z")
    );
}

/// The problems of `[compliance]` with more lines in it.
fn refused(lines: &str) -> String {
    match Policy::parse(&least(lines)) {
        Ok(_) => panic!("accepted: {lines}"),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn each_value_that_could_not_do_its_work_is_refused_with_its_key_and_an_example() {
    for (lines, expected) in [
        (
            "owner_tag = \"owner\"\nmentions = { payments = \"@payments\" }",
            "an entry of `compliance.mentions` (\"payments\") must be the Slack id of a member, as in \"U024BE7LH\"",
        ),
        (
            "owner_tag = \"owner\"\nmentions = { payments = \"C024BE91L\" }",
            "or of a user group, as in \"S0614TZR7\", but is \"C024BE91L\"",
        ),
        (
            "mentions = { payments = \"U024BE7LH\" }",
            "`compliance.mentions` goes by what the owner tag says, so that `owner_tag` must be given",
        ),
        (
            "reminders = { critical = 91 }",
            "`compliance.reminders.critical` must be a number of days from 1 to 90, or false for none",
        ),
        (
            "reminders = { high = true }",
            "`compliance.reminders.high` must be a number of days",
        ),
        (
            "reminders = { hihg = 1 }",
            "`compliance.reminders.hihg` is unknown; did you mean `high`?",
        ),
        (
            "console = \"https://example.com/{account}\"",
            "`compliance.console` must contain {url}, as in \"https://",
        ),
        (
            "console = \"https://example.com/{accout}/{url}\"",
            "`compliance.console` has {accout}; known are {account} and {url}",
        ),
        (
            "console = \"https://example.com/{url\"",
            "`compliance.console` has a brace that is not closed",
        ),
        (
            "console = \"https://example.com/url}\"",
            "`compliance.console` has a brace that is not opened",
        ),
        (
            "console = \"http://example.com/{url}\"",
            "`compliance.console` must be a link that begins with https://",
        ),
        (
            "report = \"reports.example.com\"",
            "`compliance.report` must be a link that begins with https://",
        ),
    ] {
        let problems = refused(lines);
        assert!(problems.contains(expected), "{lines}\n{problems}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
}

#[test]
fn each_destination_that_could_reach_nobody_is_refused_with_its_key_and_an_example() {
    for (to, expected) in [
        (
            "{ channel_pattern = \"compliance\" }",
            "`compliance.routes.to.channel_pattern` must name a tag in braces, as in \"compliance-{team}\"",
        ),
        (
            "{ channel_pattern = \"compliance-{team\" }",
            "has a brace that is not closed",
        ),
        (
            "{ channel_pattern = \"compliance-{}\" }",
            "has braces without a name",
        ),
        (
            "{ channel_pattern = \"#Compliance {team}\" }",
            "must be small letters, digits, hyphens and underscores around the braces",
        ),
        (
            "{ channel_tag = \"\" }",
            "`compliance.routes.to.channel_tag` must not be empty",
        ),
        (
            "{ channel = \"team-payments\" }",
            "must be a channel's id, as in \"C024BE91L\"",
        ),
        (
            "{ endpoint = \"https://example.com/hook\" }",
            "`compliance.routes.to.endpoint` is wrong: \"https://example.com/hook\" is not",
        ),
        ("{ }", "`mail`, `endpoint`, but has 0"),
        (
            "{ channel_tag = \"channel\", channel_pattern = \"{team}\" }",
            "`mail`, `endpoint`, but has 2",
        ),
        (
            "{ topic = \"arn:aws:sns:eu-west-1:111122223333:team\" }",
            "`compliance.routes`: takes everything",
        ),
    ] {
        let problems = refused(&with_route(to));
        assert!(problems.contains(expected), "{to}\n{problems}");
    }
    for name in ["pay:ments", "pay#ments"] {
        let problems = refused(
            &with_route("{ channel_tag = \"channel\" }").replace("\"teams\"", &format!("{name:?}")),
        );
        assert!(problems.contains("must not contain # or :"), "{problems}");
    }
}

#[test]
fn a_channel_that_tags_name_needs_the_bot_and_is_never_the_default() {
    for to in [
        "{ channel_tag = \"channel\" }",
        "{ channel_pattern = \"compliance-{team}\" }",
    ] {
        let lines = with_route(to);
        let without_token = lines.split_once('\n').unwrap().1;
        let problems = refused(without_token);
        assert!(
            problems.contains(
                "the route \"teams\" goes to a channel, so that `slack_token` must be given"
            ),
            "{problems}"
        );
        let as_default = least("").replace(
            "{ topic = \"arn:aws:sns:eu-west-1:111122223333:compliance\" }",
            to,
        );
        let problems = Policy::parse(&as_default).unwrap_err().to_string();
        assert!(
            problems.contains("`compliance.default.to` must not go by tags"),
            "{problems}"
        );
    }
}

#[test]
fn reminders_are_daily_for_critical_and_weekly_for_high_unless_the_policy_says_otherwise() {
    for (lines, expected) in [
        ("", vec![(Severity::High, 7), (Severity::Critical, 1)]),
        (
            "reminders = { high = 3 }",
            vec![(Severity::High, 3), (Severity::Critical, 1)],
        ),
        (
            "reminders = { low = 90, critical = false, high = 0 }",
            vec![(Severity::Low, 90)],
        ),
    ] {
        let expected: BTreeMap<_, _> = expected
            .into_iter()
            .map(|(severity, count)| (severity, days(count)))
            .collect();
        assert_eq!(compliance(lines).reminders, expected, "{lines}");
    }
}

#[test]
fn one_route_leads_each_account_to_the_channel_of_its_tags_and_else_to_the_default() {
    let by_tag = compliance(&with_route("{ channel_tag = \"channel\" }"));
    let by_pattern = compliance(&with_route("{ channel_pattern = \"compliance-{team}\" }"));
    let too_long = "x".repeat(81);
    for (policy, tags, expected) in [
        (
            &by_tag,
            vec![("channel", "#team-payments")],
            "teams:team-payments",
        ),
        (
            &by_tag,
            vec![("channel", "Team-Payments")],
            "teams:team-payments",
        ),
        (&by_tag, vec![("channel", "C024BE91L")], "teams:C024BE91L"),
        (&by_tag, vec![("channel", "pay:ments")], "default"),
        (&by_tag, vec![("channel", "two words")], "default"),
        (&by_tag, vec![("channel", "#")], "default"),
        (&by_tag, vec![("channel", &too_long)], "default"),
        (&by_tag, vec![("team", "payments")], "default"),
        (
            &by_pattern,
            vec![("team", "Payments")],
            "teams:compliance-payments",
        ),
        (&by_pattern, vec![("team", "a b")], "default"),
        (&by_pattern, vec![("channel", "payments")], "default"),
    ] {
        let rule = "our-own-rule".parse().unwrap();
        let routes = policy.routes_of(&rule, &account(&tags));
        let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
        assert_eq!(names, [expected], "{tags:?}");
        // The route is found again by its name, with its channel.
        let again = policy.route(expected).unwrap();
        assert_eq!(again, routes[0]);
        assert!(!matches!(again.to, Destination::ChannelOf(_)));
    }
    // Without a channel in its name it leads nowhere.
    assert_eq!(by_tag.route("teams"), None);
    assert_eq!(by_tag.route("default:payments"), None);
    assert!(by_tag.needs_tags() && by_pattern.needs_tags() && !by_tag.needs_path());
    assert_eq!(
        by_pattern.routes[0].to,
        Destination::ChannelOf(ChannelSource::Pattern("compliance-{team}".into()))
    );
}

#[test]
fn tags_are_asked_for_only_where_something_goes_by_them() {
    for (lines, expected) in [
        ("", false),
        ("owner_tag = \"owner\"", true),
        ("mention_tag = \"banto:slack\"", true),
    ] {
        assert_eq!(compliance(lines).needs_tags(), expected, "{lines}");
    }
}

#[test]
fn an_accounts_own_mention_counts_before_that_of_its_owner() {
    let policy = compliance(
        "owner_tag = \"owner\"\nmention_tag = \"slack\"\nmentions = { payments = \"S0614TZR7\" }",
    );
    for (tags, expected) in [
        (vec![("owner", "payments")], Some("S0614TZR7")),
        (
            vec![("owner", "payments"), ("slack", "U024BE7LH")],
            Some("U024BE7LH"),
        ),
        // What is no id would mention nobody, or everybody.
        (
            vec![("owner", "payments"), ("slack", "!channel")],
            Some("S0614TZR7"),
        ),
        (vec![("owner", "search")], None),
        (vec![], None),
    ] {
        assert_eq!(policy.mention_of(&account(&tags)), expected, "{tags:?}");
    }
}

#[test]
fn a_console_link_opens_the_account_of_a_finding_as_people_sign_in_there() {
    let page = "https://eu-west-1.console.aws.amazon.com/config/home?region=eu-west-1#/rules/a b";
    let account = "111122223333".parse().unwrap();
    assert_eq!(compliance("").findings.console_link(&account, page), page);
    let policy = compliance(
        "console = \"https://example.awsapps.com/start/#/console?account_id={account}&destination={url}\"",
    );
    assert_eq!(
        policy.findings.console_link(&account, page),
        "https://example.awsapps.com/start/#/console?account_id=111122223333&destination=\
         https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fconfig%2Fhome%3Fregion%3Deu-west-1%23%2Frules%2Fa%20b"
    );
}

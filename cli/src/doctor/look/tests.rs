//! Seeded faults: for each a whole AWS that is well but for it, the screen that it makes, and the
//! exit code.

mod certificates;
mod faults;
mod healthy;
mod names;
mod place;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use banto_domain::Region;
use banto_fake::KeyPair;

use super::check::{Ask, Topic};
use super::*;
use crate::doctor::probe::Answer;
use crate::expected::holds;
use crate::policy::PolicyFile;
use crate::session::Where;
use faults::{Fault, faults};
use healthy::healthy;

const POLICY: &str = include_str!("../../../../infra/envs/example/banto.toml");
const MANAGEMENT: &str = "999988887777";
const LOG_ARCHIVE: &str = "444455556666";
const IDENTITY: &str = "111122223333";
const REGION: &str = "ap-northeast-1";
/// Nothing was given on the command line.
static PLACE: Where = Where {
    profile: None,
    region: None,
};
static FILE: PolicyFile = PolicyFile { policy: None };
const NOTHING_GIVEN: Given<'static> = Given {
    place: &PLACE,
    policy: &FILE,
};

fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

/// The example's policy, with a key that signs here.
fn text() -> String {
    let own = format!("signing_public_keys = [\"{}\"]", KeyPair::of_kms().public());
    let line = |line: &str| {
        let is_own = line.starts_with("signing_public_keys");
        format!("{}\n", if is_own { own.as_str() } else { line })
    };
    POLICY.lines().map(line).collect()
}

fn policy() -> Policy {
    Policy::parse(&text()).unwrap()
}

fn region() -> &'static Region {
    static HOME: OnceLock<Region> = OnceLock::new();
    HOME.get_or_init(|| REGION.parse().unwrap())
}

fn here<'a>(policy: &'a Policy, account: &'a str) -> Here<'a> {
    Here {
        policy,
        account,
        region: region(),
        now: now(),
        given: NOTHING_GIVEN,
    }
}

/// The findings where AWS answers like this.
fn found(here: &Here<'_>, answer: impl Fn(&Ask) -> Answer) -> Vec<Finding> {
    let checks = checks(here);
    let look = |check: &Check| {
        let mut asks = check.asks.clone();
        let mut answers: Vec<Answer> = asks.iter().map(&answer).collect();
        let more = check.further(&answers);
        answers.extend(more.iter().map(&answer));
        asks.extend(more);
        check.judged(&asks, &answers)
    };
    let looked = checks.iter().map(look).collect();
    absent::explained(here, &checks, looked)
}

/// The findings where all is well but for faults.
fn found_with(here: &Here<'_>, faults: &[&Fault]) -> Vec<Finding> {
    found(here, |ask| {
        let struck = faults.iter().find(|fault| fault.strikes(ask));
        struck.map_or_else(|| Ok(healthy(ask)), |fault| fault.answer.clone())
    })
}

/// Holds the screen, and the exit code below it.
fn holds_screen(name: &str, here: &Here<'_>, findings: &[Finding]) {
    holds(&format!("doctor/{name}"), |screen| {
        let shown = show::screen(here, "assumed-role/admin/alice", findings, false, screen);
        // Made anew for each test.
        let shown = shown.replace(
            healthy::fingerprint(),
            "D1A66E1A23B182C9980F788CFBFCC82A015E7330",
        );
        format!("{shown}\nexit code: {}\n", code(findings))
    });
}

fn code(findings: &[Finding]) -> u8 {
    match ending(findings) {
        Ending::Done => 0,
        Ending::Code(code) => code,
        Ending::Interrupted => 130,
    }
}

#[test]
fn an_organization_that_is_well_has_no_findings_in_any_account() {
    let policy = policy();
    for (account, name) in [
        (MANAGEMENT, "well-management"),
        (LOG_ARCHIVE, "well-log-archive"),
        (IDENTITY, "well-identity"),
    ] {
        let here = here(&policy, account);
        let findings = found_with(&here, &[]);
        let bad: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.said.level != Level::Fine)
            .collect();
        assert!(bad.is_empty(), "{bad:#?}");
        holds_screen(name, &here, &findings);
    }
}

#[test]
fn each_seeded_fault_is_found_alone_and_is_told_with_what_to_do() {
    let policy = policy();
    let mut names = BTreeSet::new();
    for fault in faults() {
        assert!(names.insert(fault.name), "{} twice", fault.name);
        let here = here(&policy, fault.account);
        let findings = found_with(&here, &[&fault]);
        let told: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.said.level != Level::Fine)
            .collect();
        let name = fault.name;
        assert_eq!(told.len(), 1, "{name}: {told:#?}");
        let told = told[0];
        assert_eq!(
            (told.topic, told.said.level),
            (fault.topic, fault.level),
            "{name}: {told:#?}"
        );
        assert!(!told.said.to_do.is_empty(), "{name}");
        let expected = match fault.level {
            Level::Error | Level::Warning => 1,
            Level::Blind => 3,
            Level::Note | Level::Fine => 0,
        };
        assert_eq!(code(&findings), expected, "{name}");
        holds_screen(name, &here, &findings);
    }
}

#[test]
fn an_address_of_http_is_shown_by_its_host_alone() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let all = faults();
    let hook: Vec<&Fault> = all
        .iter()
        .filter(|fault| fault.name == "unconfirmed-address")
        .collect();
    let json = show::as_json(&here, &found_with(&here, &hook)).to_string();
    assert!(json.contains("hooks.example.com"), "{json}");
    assert!(!json.contains("hush"), "{json}");
}

#[test]
fn a_secret_that_the_own_organization_reads_is_fine_and_of_an_unseen_one_is_a_note() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let open = |key: &str, to: String| {
        let statement = serde_json::json!({
            "Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue",
            "Condition": {"ForAnyValue:StringLike": {key: to}},
        });
        let statements = serde_json::json!({"Statement": [statement]});
        serde_json::json!({"ResourcePolicy": statements.to_string()}).to_string()
    };
    let own = healthy::ORGANIZATION;
    for (key, to, is_seen, expected) in [
        ("aws:PrincipalOrgID", own.to_owned(), true, Level::Fine),
        (
            "aws:PrincipalOrgPaths",
            format!("{own}/r-ab12/*"),
            true,
            Level::Fine,
        ),
        ("aws:PrincipalOrgID", own.to_owned(), false, Level::Note),
        ("aws:PrincipalOrgID", "o-*".to_owned(), false, Level::Error),
        (
            "aws:PrincipalAccount",
            IDENTITY.to_owned(),
            true,
            Level::Fine,
        ),
    ] {
        let findings = found(&here, |ask| match ask.call {
            "secretsmanager:GetResourcePolicy" => Ok(open(key, to.clone())),
            "organizations:DescribeOrganization" if !is_seen => {
                Err(faults::refused(ask.call, "AccessDenied"))
            }
            _ => Ok(healthy(ask)),
        });
        let secrets = findings.iter().filter(|own| own.topic == Topic::Secrets);
        let levels: BTreeSet<Level> = secrets.map(|own| own.said.level).collect();
        assert_eq!(levels, BTreeSet::from([expected]), "{key} {to} {is_seen}");
    }
}

#[test]
fn either_scope_of_histories_will_do() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let findings = found(&here, |ask| match ask.call {
        "slack:auth.test" => {
            Ok(r#"{"ok": true, "scopes": "chat:write,groups:history,users:read"}"#.to_owned())
        }
        _ => Ok(healthy(ask)),
    });
    let bad = findings.iter().find(|own| own.said.level != Level::Fine);
    assert!(bad.is_none(), "{bad:#?}");
}

#[test]
fn a_function_that_the_policy_does_not_place_is_a_note() {
    let text = POLICY.replace("assume = false", "assume = true");
    let policy = Policy::parse(&text).unwrap();
    for account in [IDENTITY, LOG_ARCHIVE, MANAGEMENT] {
        let findings = found_with(&here(&policy, account), &[]);
        let told: Vec<&Finding> = findings
            .iter()
            .filter(|own| own.said.level != Level::Fine)
            .collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!(told[0].what, "banto-rotate-access-keys");
        assert_eq!(told[0].said.level, Level::Note);
    }
    let findings = found_with(&here(&policy, "123456789012"), &[]);
    assert_eq!(code(&findings), 1);
}

#[test]
fn without_a_stack_set_no_command_has_empty_targets() {
    let mut policy = policy();
    policy.onboarding.as_mut().unwrap().way = banto_domain::policy::onboarding::Way::Direct;
    let here = here(&policy, MANAGEMENT);
    let all = faults();
    let failed: Vec<&Fault> = all
        .iter()
        .filter(|fault| fault.name == "forwarding-failed")
        .collect();
    let findings = found_with(&here, &failed);
    let told = findings
        .iter()
        .find(|own| own.said.level == Level::Error)
        .unwrap();
    let steps = told.said.to_do.join("\n");
    assert!(steps.contains("apply the module organization:"), "{steps}");
    assert!(!steps.contains("$ aws"), "{steps}");
}

#[test]
fn each_topic_has_a_seeded_fault() {
    let known: BTreeSet<Topic> = faults().iter().map(|fault| fault.topic).collect();
    let policy = policy();
    for account in [MANAGEMENT, LOG_ARCHIVE, IDENTITY] {
        for check in checks(&here(&policy, account)) {
            assert!(known.contains(&check.topic), "{:?}", check.topic);
        }
    }
}

#[test]
fn several_faults_are_told_the_gravest_first() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let all = faults();
    let chosen = [
        "dead-letters",
        "alarm",
        "stranger-reads",
        "scopes-unknown",
        "unconfirmed",
    ];
    let chosen: Vec<&Fault> = all
        .iter()
        .filter(|fault| chosen.contains(&fault.name))
        .collect();
    assert_eq!(chosen.len(), 5);
    holds_screen("several", &here, &found_with(&here, &chosen));
}

#[test]
fn where_nothing_may_be_seen_that_is_said_and_the_code_is_3() {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    let findings = found(&here, |ask| Err(faults::refused(ask.call, "AccessDenied")));
    assert_eq!(code(&findings), 3);
    holds_screen("blind", &here, &findings);
}

#[test]
fn credentials_of_an_account_that_the_policy_does_not_name_are_a_finding() {
    let policy = policy();
    let here = here(&policy, "123456789012");
    let findings = found_with(&here, &[]);
    assert_eq!(code(&findings), 1);
    holds_screen("stranger", &here, &findings);
}

#[test]
fn a_thing_that_is_missing_is_an_error_and_a_bucket_elsewhere_is_none() {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    for (code, level) in [
        ("NoSuchBucket", Level::Error),
        ("PermanentRedirect", Level::Fine),
        ("Throttling", Level::Blind),
    ] {
        let findings = found(&here, |ask| match ask.call {
            "s3:ListBucket" => Err(faults::refused(ask.call, code)),
            _ => Ok(healthy(ask)),
        });
        let bucket = findings
            .iter()
            .find(|finding| finding.topic == Topic::Storage);
        assert_eq!(bucket.unwrap().said.level, level, "{code}");
    }
}

#[test]
fn with_verbose_each_fine_thing_has_its_line() {
    let policy = policy();
    let here = here(&policy, IDENTITY);
    let findings = found_with(&here, &[]);
    holds("doctor/verbose", |screen| {
        show::screen(&here, "user/alice", &findings, true, screen)
    });
}

#[test]
fn json_has_each_finding_with_its_steps_and_where_else_to_look() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let all = faults();
    let chosen: Vec<&Fault> = all
        .iter()
        .filter(|fault| fault.name == "dead-letters")
        .collect();
    let json = show::as_json(&here, &found_with(&here, &chosen));
    let findings = json["findings"].as_array().unwrap();
    let told = findings
        .iter()
        .find(|finding| finding["level"] == "error")
        .unwrap();
    assert_eq!(told["topic"], "Queues and dead letters");
    let steps = told["toDo"].as_array().unwrap();
    assert!(steps.iter().any(|step| {
        let command = step["command"].as_str().unwrap_or_default();
        command.starts_with("aws sqs start-message-move-task ")
    }));
    assert_eq!(json["elsewhere"][0]["account"], MANAGEMENT);
    assert_eq!(json["at"], "2026-11-27T12:00:00Z");
}

#[test]
fn a_command_that_is_longer_than_a_line_goes_on_as_shells_have_it() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let all = faults();
    let chosen: Vec<&Fault> = all
        .iter()
        .filter(|fault| fault.name == "stranger-reads")
        .collect();
    let findings = found_with(&here, &chosen);
    let text = show::screen(&here, "user/alice", &findings, false, &Screen::plain(60));
    let joined = text.replace(" \\\n", " ");
    let words: Vec<&str> = joined.split_whitespace().collect();
    let command = "aws secretsmanager delete-resource-policy --secret-id banto/slack/token";
    assert!(words.join(" ").contains(command), "{text}");
}

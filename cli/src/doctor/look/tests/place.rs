//! The wrong region, the wrong account, other partitions, and what was given on the command line.

use super::*;
use crate::doctor::look::place::Part;

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn missing(ask: &Ask) -> Answer {
    Err(faults::refused(ask.call, "ResourceNotFoundException"))
}

/// An AWS that has nothing of Banto: lists are empty, and what is named is not there.
fn nothing(ask: &Ask) -> Answer {
    match ask.call {
        call if call.starts_with("config:") => Ok(healthy(ask)),
        "ses:GetAccount" => Ok(healthy(ask)),
        "cloudwatch:DescribeAlarms" | "cloudwatch:GetMetricStatistics" => Ok(healthy(ask)),
        "lambda:ListEventSourceMappings" | "scheduler:ListSchedules" => Ok("{}".to_owned()),
        "secretsmanager:ListSecrets" => Ok("{}".to_owned()),
        "s3:ListBucket" => Err(faults::refused(ask.call, "PermanentRedirect")),
        _ => missing(ask),
    }
}

#[test]
fn a_region_that_is_not_the_policys_is_told_once_with_the_right_one() {
    // Nothing says where rotate-access-keys is, so that it is looked for wherever one looks.
    let text = text();
    let is_kept = |line: &&str| !line.starts_with("signing_") && !line.starts_with("revocations");
    let text: String = text
        .lines()
        .filter(is_kept)
        .map(|line| format!("{line}\n"))
        .collect();
    let policy = Policy::parse(&text).unwrap();
    let elsewhere = region("eu-west-1");
    let here = Here {
        region: &elsewhere,
        ..here(&policy, IDENTITY)
    };
    let findings = found(&here, nothing);
    let errors: Vec<&Finding> = findings
        .iter()
        .filter(|one| one.said.level == Level::Error)
        .collect();
    let [one] = &errors[..] else {
        panic!("{errors:#?}")
    };
    assert_eq!(one.what, "account 111122223333 in eu-west-1");
    let again = "$ banto doctor --region ap-northeast-1".to_owned();
    assert_eq!(one.said.to_do.first(), Some(&again));
    assert_eq!(code(&findings), 1);
    holds_screen("wrong-region", &here, &findings);

    // One thing that is there says that the region is right.
    let findings = found(&here, |ask| match ask.call {
        "lambda:GetFunctionConfiguration" => Ok(healthy(ask)),
        _ => nothing(ask),
    });
    let errors = findings.iter().filter(|one| one.said.is_absent);
    assert!(errors.count() > 3, "{findings:#?}");
}

#[test]
fn a_region_in_which_the_policy_has_nothing_is_told_with_those_that_it_has() {
    let policy = policy();
    let elsewhere = region("us-east-1");
    let here = Here {
        region: &elsewhere,
        ..here(&policy, LOG_ARCHIVE)
    };
    let findings = found(&here, |ask| Ok(healthy(ask)));
    assert_eq!(code(&findings), 1);
    let again = "$ banto doctor --region ap-northeast-1".to_owned();
    assert_eq!(findings[0].said.to_do, [again]);
    holds_screen("nothing-in-region", &here, &findings);
}

#[test]
fn an_account_to_which_nothing_was_applied_is_told_once_with_the_modules() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let findings = found(&here, nothing);
    let first = &findings[0];
    assert!(
        first.said.words.contains("nothing of Banto is there"),
        "{first:#?}"
    );
    let steps = first.said.to_do.join("\n");
    for module in ["notices", "notify-compliance", "report-compliance"] {
        assert!(steps.contains(module), "{steps}");
    }
    assert!(
        findings.iter().all(|one| !one.said.is_absent),
        "{findings:#?}"
    );
    holds_screen("nothing-applied", &here, &findings);
}

#[test]
fn a_look_that_is_denied_is_no_sign_of_a_wrong_region() {
    let policy = policy();
    let here = here(&policy, LOG_ARCHIVE);
    let findings = found(&here, |ask| match ask.call {
        "dynamodb:DescribeTable" => Err(faults::refused(ask.call, "AccessDenied")),
        _ => nothing(ask),
    });
    assert!(
        findings.iter().all(|one| one.topic != Topic::Credentials),
        "{findings:#?}"
    );
}

#[test]
fn commands_have_the_profile_the_region_and_the_policy_that_were_given() {
    let policy = policy();
    let place = Where {
        profile: Some("log archive".to_owned()),
        region: Some(REGION.to_owned()),
    };
    let file = PolicyFile {
        policy: Some("ours.toml".into()),
    };
    let given = Given {
        place: &place,
        policy: &file,
    };
    let here = Here {
        given,
        ..here(&policy, LOG_ARCHIVE)
    };
    let own = " --profile 'log archive' --region ap-northeast-1";
    for (command, typed) in [
        ("aws sqs list-queues", format!("aws{own} sqs list-queues")),
        (
            "aws sqs list-queues --region us-east-1",
            "aws --profile 'log archive' sqs list-queues --region us-east-1".to_owned(),
        ),
        (
            "owner=$(aws iam get-user) && aws sqs list-queues",
            format!("owner=$(aws{own} iam get-user) && aws{own} sqs list-queues"),
        ),
        // By other credentials than those of the profile.
        (
            "@ aws sqs list-queues",
            "aws --region ap-northeast-1 sqs list-queues".to_owned(),
        ),
        (
            "@ banto keys status alice",
            "banto keys status alice --policy ours.toml --region ap-northeast-1".to_owned(),
        ),
        (
            "banto replay letter.json --dry-run",
            format!("banto replay letter.json --dry-run --policy ours.toml{own}"),
        ),
        // It is asked with other credentials.
        (
            "banto accounts plan 444455556666",
            "banto accounts plan 444455556666 --policy ours.toml".to_owned(),
        ),
        ("terraform apply", "terraform apply".to_owned()),
    ] {
        assert_eq!(here.typed(command), typed);
    }
    let all = faults();
    let dead: Vec<&Fault> = all
        .iter()
        .filter(|own| own.name == "dead-letters")
        .collect();
    let findings = found_with(&here, &dead);
    let json = show::as_json(&here, &findings).to_string();
    assert!(
        json.contains("aws --profile 'log archive' --region ap-northeast-1 sqs "),
        "{json}"
    );
    // A shell reads what a line's end divides as it was: a quoted word is not divided.
    let text = show::screen(&here, "user/alice", &findings, false, &Screen::plain(60));
    let joined = text.replace(" \\\n", " ");
    assert!(joined.contains("--profile 'log archive'"), "{text}");
}

#[test]
fn other_partitions_have_their_own_addresses_and_arns() {
    for (region, partition, host) in [
        ("cn-north-1", "aws-cn", "sqs.cn-north-1.amazonaws.com.cn"),
        (
            "us-gov-west-1",
            "aws-us-gov",
            "sqs.us-gov-west-1.amazonaws.com",
        ),
    ] {
        let own = text()
            .replace("sqs.ap-northeast-1.amazonaws.com", host)
            .replace("ap-northeast-1", region)
            .replace("us-east-1", region)
            .replace("arn:aws:", &format!("arn:{partition}:"))
            .replace(
                &format!("[\"{region}\", \"{region}\"]"),
                &format!("[\"{region}\"]"),
            );
        let policy = Policy::parse(&own).unwrap();
        let parsed = super::place::region(region);
        let here = Here {
            region: &parsed,
            ..here(&policy, LOG_ARCHIVE)
        };
        let all = faults();
        let dead: Vec<&Fault> = all
            .iter()
            .filter(|own| own.name == "dead-letters")
            .collect();
        let findings = found_with(&here, &dead);
        let told = findings.iter().find(|own| own.said.level == Level::Error);
        let steps = told.unwrap().said.to_do.join("\n");
        let url = format!("--queue-url https://{host}/{LOG_ARCHIVE}/banto-deliveries-dead");
        assert!(steps.contains(&url), "{steps}");
        let arn = format!("arn:{partition}:sqs:{region}:{LOG_ARCHIVE}:banto-deliveries-dead");
        assert!(steps.contains(&arn), "{steps}");
        let asked: Vec<String> = checks(&here)
            .iter()
            .flat_map(|check| &check.asks)
            .map(|ask| format!("{:?}", ask.whom))
            .collect();
        assert!(
            asked.iter().all(|ask| !ask.contains("arn:aws:")),
            "{asked:#?}"
        );
    }
}

#[test]
fn other_accounts_are_named_by_what_they_are_and_have() {
    let policy = policy();
    let here = here(&policy, MANAGEMENT);
    let names = |account: &str| {
        let parts: Vec<Part> = here.elsewhere();
        let own = parts.into_iter().filter(|part| part.account == account);
        own.map(|part| part.name).collect::<Vec<_>>()
    };
    assert_eq!(
        names(IDENTITY),
        ["the identity account", "rotate-access-keys"]
    );
    assert_eq!(
        names(LOG_ARCHIVE),
        [
            "notify-compliance",
            "report-compliance",
            "topic banto-operators",
            "topic banto-owners"
        ]
    );
}

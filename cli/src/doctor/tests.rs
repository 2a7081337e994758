//! What is decided, without AWS; and in `local`, the probes on a local AWS.

mod cases;
mod local;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use banto_aws::Aws;
use serde_json::json;

use super::made::PREFIX;
use super::probe::{Answers, Probe, Refused, Verdict, elements, value};
use super::prove::*;
use super::rows::{row, rows};
use super::runner::Runner;
use super::transcript::Transcript;
use super::*;

#[tokio::test]
async fn credentials_are_hidden_wherever_they_came_from() {
    let aws = Aws::from_vars(|name| {
        let value = match name {
            "AWS_REGION" => "eu-west-1",
            "AWS_ACCESS_KEY_ID" => "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "AWS_SESSION_TOKEN" => "a-token",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let (aws, stop) = (aws.unwrap(), AtomicBool::new(false));
    let runner = Runner::new(&aws, "111122223333", &stop);
    let transcript = proofs(&runner, &[]).await;
    let shown = transcript.clean("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY and a-token");
    assert_eq!(shown, "(secret) and (secret)");
}

#[test]
fn a_row_that_doctor_proves_has_a_probe_and_each_probe_its_row() {
    let in_document: Vec<&str> = rows()
        .iter()
        .filter(|row| row.by_doctor)
        .map(|row| row.id)
        .collect();
    let in_code: Vec<&str> = probes::all().iter().map(|probe| probe.id).collect();
    let set = |ids: &[&'static str]| ids.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(set(&in_document), set(&in_code));
    assert_eq!(in_document.len(), in_code.len());
}

#[test]
fn every_line_of_the_tables_is_a_row_with_an_id_of_its_own() {
    let document = include_str!("../../../docs/UNPROVEN.md");
    let lines = document.lines().filter(|line| line.starts_with("| "));
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("| id |")).collect();
    let rows = rows();
    assert_eq!(lines.len(), rows.len());
    for (line, row) in lines.iter().zip(&rows) {
        let by = line.split(" | ").nth(1);
        assert!(matches!(by, Some("doctor" | "person")), "{line}");
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(row.id.chars().all(is_plain), "{line}");
        assert!(!row.fact.is_empty() && !row.how.is_empty(), "{line}");
    }
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len());
}

#[test]
fn every_probe_is_judged_both_ways() {
    let cases = cases::cases();
    for probe in probes::all() {
        let words: Vec<&str> = cases
            .iter()
            .filter(|case| case.id == probe.id)
            .map(|case| {
                let mut answers = Answers::default();
                for (step, all) in &case.answers {
                    let named = probe.steps.iter().find(|own| own.name == *step);
                    assert!(named.is_some(), "{}: no step {step}", case.id);
                    answers.0.insert(step, all.clone());
                }
                let verdict = runner::verdict(&probe, &answers, false);
                assert_eq!(verdict.word(), case.verdict, "{}: {verdict:?}", case.id);
                assert!(!verdict.evidence().is_empty(), "{}", case.id);
                verdict.word()
            })
            .collect();
        assert!(words.contains(&"proven"), "{} is never proven", probe.id);
        assert!(
            words.contains(&"disproven"),
            "{} is never disproven",
            probe.id
        );
    }
    let known: BTreeSet<&str> = probes::all().iter().map(|probe| probe.id).collect();
    assert!(cases.iter().all(|case| known.contains(case.id)));
}

#[test]
fn whatever_a_probe_makes_has_its_prefix_or_an_id_that_aws_gave() {
    for probe in probes::all() {
        let mut names = BTreeSet::new();
        for step in &probe.steps {
            assert!(
                names.insert(step.name),
                "{}: two steps {}",
                probe.id,
                step.name
            );
            let creates = step.call.split(':').nth(1).unwrap().starts_with("Create");
            let key = step.call == "iam:CreateAccessKey";
            assert_eq!(
                creates && !key,
                step.makes.is_some(),
                "{}: {}",
                probe.id,
                step.call
            );
            if let Some((_, name)) = step.makes {
                assert!(
                    name.contains("<<name>>") || name.starts_with(&format!("<<{}:", step.name))
                );
            }
            assert!(
                step.by.is_none_or(|by| names.contains(by)),
                "{}: {}",
                probe.id,
                step.name
            );
        }
    }
}

fn refused(code: &str) -> Refused {
    Refused {
        call: "x:Y",
        code: code.to_owned(),
        words: "words".to_owned(),
        is_silent: false,
    }
}

#[test]
fn the_answers_of_a_run_that_was_stopped_decide_nothing() {
    let all = probes::all();
    let probe = all.iter().find(|probe| probe.id == "sts-resource-org-id");
    let mut answers = Answers::default();
    for step in ["own", "other"] {
        answers.0.insert(step, vec![Ok(String::new())]);
    }
    let of = |was_stopped| runner::verdict(probe.unwrap(), &answers, was_stopped).word();
    assert_eq!((of(false), of(true)), ("disproven", "unclear"));
}

#[test]
fn a_removal_is_tried_again_while_a_refusal_may_pass() {
    for (code, is_sure, later) in [
        ("NoSuchEntity", true, true),
        ("NoSuchEntity", false, false),
        ("DeleteConflict", false, true),
        ("AccessDenied", true, false),
    ] {
        assert_eq!(made::comes_later(&refused(code), is_sure), later, "{code}");
    }
}

#[test]
fn us_east_1_is_no_location_of_a_bucket() {
    assert_eq!(runner::location("us-east-1"), "");
    assert!(runner::location("eu-west-1").contains("<LocationConstraint>eu-west-1</"));
}

#[test]
fn a_thing_was_left_if_its_name_its_tag_and_its_age_say_so() {
    use left::{Sign, names, sign};
    use probe::Kind;
    let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
    let user = |date: &str, tag: &str| {
        format!("<CreateDate>{date}</CreateDate><member><Key>{tag}</Key></member>")
    };
    let key = |words: &str, state: &str| {
        let key = json!({"Description": words, "CreationDate": 1.5e9, "KeyState": state});
        json!({"KeyMetadata": key}).to_string()
    };
    let queue = |at: i64| {
        format!(
            "{{}}\n{{\"Attributes\": {{\"CreatedTimestamp\": \"{at}\"}}}}\n{{\"Tags\": {{\"banto-probe\": \"\"}}}}"
        )
    };
    let bucket =
        "<Name>banto-probe-0123abcd</Name><CreationDate>2026-11-27T10:00:00.000Z</CreationDate>";
    for (kind, texts, wanted) in [
        (
            Kind::User,
            user("2026-11-27T10:59:00Z", "banto-probe"),
            Some(Sign::Left),
        ),
        (
            Kind::User,
            user("2026-11-27T11:01:00Z", "banto-probe"),
            Some(Sign::Young),
        ),
        (
            Kind::User,
            user("2026-11-27T10:59:00Z", "team"),
            Some(Sign::Foreign),
        ),
        (Kind::Queue, queue(1_500_000_000), Some(Sign::Left)),
        (Kind::Queue, queue(now.as_second() - 60), Some(Sign::Young)),
        (Kind::Bucket, bucket.to_owned(), Some(Sign::Left)),
        (
            Kind::Key,
            key("banto-probe-0123abcd", "Enabled"),
            Some(Sign::Left),
        ),
        (
            Kind::Key,
            key("banto-probe-0123abcd", "PendingDeletion"),
            None,
        ),
        (Kind::Key, key("somebody's", "Enabled"), None),
    ] {
        let name = "banto-probe-0123abcd".to_owned();
        let made = made::Made { kind, name };
        assert_eq!(sign(&made, &texts, now), wanted, "{made}: {texts}");
    }
    let listing = [
        "0123abcd",
        "0123abcd,b",
        "0123abcd-mine",
        "0123abc",
        "of-somebody",
    ]
    .map(|rest| format!("<UserName>{PREFIX}{rest}</UserName>"));
    assert_eq!(names(Kind::User, &listing.concat()).len(), 2);
}

#[test]
fn standard_error_hides_accounts() {
    let text = "arn:aws:iam::111122223333:user/alice, 1111222233334 and 2026";
    let shown = "arn:aws:iam::********3333:user/alice, 1111222233334 and 2026";
    assert_eq!(without_accounts(text), shown);
}

#[test]
fn a_run_that_saw_nothing_ends_as_one_that_could_not_look() {
    let mut transcript = transcript();
    assert_eq!(ending(&transcript, false), Ending::Code(1));
    assert_eq!(ending(&transcript, true), Ending::Interrupted);
    transcript.left.clear();
    transcript.proofs.truncate(1);
    assert_eq!(ending(&transcript, false), Ending::Done);
    transcript.proofs[0].1 = Verdict::Unclear("denied".into());
    assert_eq!(ending(&transcript, false), Ending::BLIND);
}

#[test]
fn the_management_account_is_refused_unless_it_is_asked_for() {
    let of = |master: &str| Ok(json!({"Organization": {"MasterAccountId": master}}).to_string());
    let none = Err(refused("AWSOrganizationsNotInUseException"));
    let denied = Err(refused("AccessDeniedException"));
    let odd = Ok("{}".to_owned());
    for (answer, plain, organization) in [
        (of("111122223333"), false, true),
        (of("999988887777"), true, true),
        (none, true, true),
        (denied, false, true),
        (odd, false, true),
    ] {
        assert_eq!(
            management(&answer, "111122223333", false).is_ok(),
            plain,
            "{answer:?}"
        );
        assert_eq!(
            management(&answer, "111122223333", true).is_ok(),
            organization,
            "{answer:?}"
        );
    }
}

fn transcript() -> Transcript {
    let all = rows();
    let of = |id: &str| *all.iter().find(|row| row.id == id).unwrap();
    Transcript {
        date: "2026-11-27 10:00 UTC".into(),
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        proofs: vec![
            (
                of("iam-two-keys"),
                Verdict::Proven("AKIAIOSFODNN7EXAMPLE of 111122223333: LimitExceeded".into()),
                1.25,
            ),
            (
                of("sts-session-name"),
                Verdict::Disproven("wJalrXUtnFEMI | FQoGZXIvYXdzE".into()),
                2.0,
            ),
        ],
        not_run: vec![of("s3-encoding-url")],
        by_hand: vec![of("gmail-shows-mail")],
        left: vec!["user banto-probe-00112233: iam:DeleteUser AccessDenied wJalrXUtnFEMI".into()],
        secrets: ["wJalrXUtnFEMI", "FQoGZXIvYXdzE"].map(str::to_owned).into(),
    }
}

#[test]
fn no_secret_and_no_account_is_in_a_transcript() {
    let transcript = transcript();
    for text in [transcript.markdown(), transcript.json().to_string()] {
        for secret in [
            "AKIAIOSFODNN7EXAMPLE",
            "111122223333",
            "wJalrXUtnFEMI",
            "FQoGZXIvYXdzE",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(
            text.contains("********3333") && text.contains("(key)"),
            "{text}"
        );
    }
}

#[test]
fn a_transcript_has_a_row_for_each_probe_a_list_for_people_and_counts() {
    let text = transcript().markdown();
    assert!(
        text.contains("| iam-two-keys | proven | IAM refuses"),
        "{text}"
    );
    assert!(text.contains("(secret) \\| (secret)"), "{text}");
    assert!(
        text.contains("- [ ] gmail-shows-mail: Gmail shows"),
        "{text}"
    );
    assert!(text.contains("To prove it: open `banto report`"), "{text}");
    assert!(
        text.contains("## Left behind\n\n- user banto-probe-00112233"),
        "{text}"
    );
    assert!(
        text.ends_with("\n1 proven, 1 disproven, 0 unclear, 1 not run, 1 for a person\n"),
        "{text}"
    );
}

#[test]
fn evidence_is_cut() {
    let shown = transcript().clean(&"word ".repeat(200));
    assert_eq!(shown.chars().count(), 402);
}

#[test]
fn what_is_made_is_said_before_and_fits_80_columns() {
    let all = probes::all();
    let chosen: Vec<&Probe> = all.iter().collect();
    let text = announcement(&chosen, "111122223333").unwrap();
    assert!(
        text.contains("user") && text.contains("key of KMS"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let looking: Vec<&Probe> = all.iter().filter(|probe| !makes(probe)).collect();
    assert_eq!(announcement(&looking, "111122223333"), None);
    assert!(looking.len() >= 10 && all.len() >= 25);
}

#[test]
fn a_line_that_is_no_row_is_none() {
    assert_eq!(
        row("| id | proven by | fact | held by | how to prove it |"),
        None
    );
    assert_eq!(row("|---|---|---|---|---|"), None);
    assert_eq!(row("| a | doctor | b | c | d |").unwrap().how, "d");
}

#[test]
fn values_come_from_xml_and_from_json() {
    assert_eq!(elements("<a><b>1</b><b>2</b></a>", "b"), ["1", "2"]);
    assert_eq!(value("<b>1</b>", "b").as_deref(), Some("1"));
    assert_eq!(value(r#"{"a": {"b": 1}}"#, "/a/b").as_deref(), Some("1"));
    assert_eq!(value("{}", "/a"), None);
}

//! How notices look, and that they fit. `BLESS=1` writes the expected files anew; look at them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use banto_notice::{Audience, Link, Notice, Section, Step, Urgency, slack, sns};
use proptest::prelude::*;

const ENVELOPE: &str = "-----BEGIN PGP MESSAGE-----\n\nwV4DmVt0zd3sWAoSAQdA5c4JdH3mYw0v0W1q\n=aB3d\n-----END PGP MESSAGE-----\n";

fn owner(slack: Option<&str>) -> Audience {
    Audience::Owner {
        account: "111122223333".parse().unwrap(),
        user: "alice".parse().unwrap(),
        slack: slack.map(str::to_owned),
    }
}

fn deadline() -> Notice {
    Notice {
        id: "rotate-access-keys:111122223333:alice:disabling:AKIAIOSFODNN7EXAMPLE".into(),
        audience: owner(Some("U024BE7LH")),
        urgency: Urgency::Alarm,
        headline: "Your old access key AKIAIOSFODNN7EXAMPLE stops working now".into(),
        paragraphs: vec![
            "Nobody has used your new key, and the deadline has passed. The new key is in the message below, which only \
             you can open."
                .into(),
            "It can be restored until 4 Dec 2026.".into(),
        ],
        facts: vec![("Account".into(), "111122223333".into()), ("IAM user".into(), "alice".into())],
        steps: vec![Step {
            text: "Copy the whole message, from BEGIN to END, and open it:".into(),
            command: Some("gpg --decrypt < message > key.json".into()),
        }],
        sections: Vec::new(),
        envelope: Some(ENVELOPE.into()),
        links: Vec::new(),
        attributes: Default::default(),
    }
}

fn summary() -> Notice {
    let list = |title: &str, lines: &[&str]| Section {
        title: title.into(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    Notice {
        id: "rotate-access-keys:111122223333:summary:4f1c".into(),
        audience: Audience::Operators,
        urgency: Urgency::Alarm,
        headline: "Access keys in 111122223333: 2 issued, 1 to look at, 1 failed".into(),
        paragraphs: Vec::new(),
        facts: vec![("Account".into(), "111122223333".into())],
        steps: Vec::new(),
        sections: vec![
            list(
                "Failed",
                &["carol: Issue failed: iam:CreateAccessKey: throttled: Rate exceeded"],
            ),
            list(
                "To look at",
                &[
                    "bob has two active keys (A & B) that Banto did not make; delete the one that is <old>",
                ],
            ),
            list("Done", &["alice: new key issued", "dave: new key issued"]),
        ],
        envelope: None,
        links: vec![Link {
            label: "Runbook".into(),
            url: "https://wiki.example.com/keys?a=1&b=2".into(),
        }],
        attributes: [("severity".to_owned(), "high".to_owned())].into(),
    }
}

/// Compares with a committed file.
fn expect(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/expected")
        .join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), found, "{name}");
}

#[test]
fn messages_look_as_they_did_when_a_person_last_looked() {
    for (name, notice) in [("deadline", deadline()), ("summary", summary())] {
        let message = slack::message(&notice);
        assert_eq!(slack::check(&message), Vec::<String>::new());
        expect(&format!("{name}.slack.json"), &format!("{message:#}\n"));
        let mail = sns::message(&notice);
        let attributes: Vec<String> = mail
            .attributes
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        expect(
            &format!("{name}.mail.txt"),
            &format!(
                "{}Subject: {}\n\n{}",
                attributes.concat(),
                mail.subject,
                mail.body
            ),
        );
    }
}

#[test]
fn a_member_is_mentioned_and_a_channel_is_not() {
    let text = |slack| {
        slack::message(&Notice {
            audience: owner(slack),
            ..deadline()
        })
        .to_string()
    };
    assert!(text(Some("U024BE7LH")).contains("<@U024BE7LH>"));
    for name in ["team-payments", "UPPER", "<!channel>", "U024BE7LH> <!here"] {
        assert!(
            !text(Some(name)).contains("<@") && !text(Some(name)).contains("<!"),
            "{name}"
        );
    }
    assert_eq!(
        slack::channel(&owner(Some("team-payments"))),
        Some("team-payments")
    );
    assert_eq!(slack::channel(&owner(Some("U024BE7LH"))), None);
    assert_eq!(slack::channel(&owner(None)), None);
}

#[test]
fn lines_that_do_not_fit_are_counted() {
    let lines: Vec<String> = (0..5_000)
        .map(|number| format!("user-{number}: new key issued"))
        .collect();
    let notice = Notice {
        sections: vec![Section {
            title: "Done".into(),
            lines,
        }],
        ..summary()
    };
    let message = slack::message(&notice);
    assert_eq!(slack::check(&message), Vec::<String>::new());
    let text = message["blocks"][2]["text"]["text"].as_str().unwrap();
    let shown = text.matches("• user-").count();
    assert!(shown > 50);
    assert!(
        text.ends_with(&format!("… and {} more", 5_000 - shown)),
        "{text}"
    );
    assert!(sns::message(&notice).body.contains("user-4999"));
}

#[test]
fn the_check_finds_what_slack_would_refuse() {
    let long = |count: usize| "x".repeat(count);
    let with = |path: &str, value: serde_json::Value| {
        let mut message = slack::message(&deadline());
        *message.pointer_mut(path).unwrap() = value;
        slack::check(&message).len()
    };
    assert_eq!(with("/blocks/0/text/text", long(151).into()), 1);
    assert_eq!(with("/blocks/2/text/text", long(3_001).into()), 1);
    assert_eq!(with("/blocks/2/text/text", "".into()), 1);
    assert_eq!(with("/blocks/2/type", "carousel".into()), 1);
    assert_eq!(with("/blocks/2/text/type", "plain_text".into()), 1);
    assert_eq!(
        with(
            "/blocks/2/text",
            serde_json::json!({ "type": "mrkdwn", "text": "x", "style": "big" })
        ),
        1
    );
    assert_eq!(with("/blocks/2/text/text", "<!channel>".into()), 1);
    assert_eq!(with("/blocks/2/text/text", "a & b".into()), 1);
    assert_eq!(with("/blocks/2/text/text", "a > b".into()), 1);
    assert_eq!(with("/text", "a < b".into()), 1);
    assert_eq!(with("/blocks", serde_json::json!([])), 1);
    let section =
        serde_json::json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x" } });
    assert_eq!(with("/blocks", vec![section; 51].into()), 1);
    let section =
        serde_json::json!({ "type": "section", "text": { "type": "mrkdwn", "text": long(2_900) } });
    assert_eq!(with("/blocks", vec![section; 5].into()), 1);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,80}",
        "[&<>`*_\n]{0,900}",
        "(?s).{0,1500}",
        Just(String::new()),
        Just("<!channel> & <@U024BE7LH>".to_owned()),
    ]
}

prop_compose! {
    fn any_notice()(
        id in any_text(),
        headline in any_text(),
        slack in proptest::option::of(any_text()),
        paragraphs in proptest::collection::vec(any_text(), 0..8),
        facts in proptest::collection::vec((any_text(), any_text()), 0..14),
        steps in proptest::collection::vec((any_text(), proptest::option::of(any_text())), 0..8),
        sections in proptest::collection::vec((any_text(), proptest::collection::vec(any_text(), 0..40)), 0..7),
        envelope in proptest::option::of("[A-Za-z0-9+/\n]{0,4000}"),
        links in proptest::collection::vec((any_text(), "(https://)?[a-z?&=|<>]{0,800}"), 0..5),
        operators in any::<bool>(),
    ) -> Notice {
        let audience = if operators { Audience::Operators } else { owner(slack.as_deref()) };
        Notice {
            id, audience, urgency: Urgency::Action, headline, paragraphs, facts, envelope,
            steps: steps.into_iter().map(|(text, command)| Step { text, command }).collect(),
            sections: sections.into_iter().map(|(title, lines)| Section { title, lines }).collect(),
            links: links.into_iter().map(|(label, url)| Link { label, url }).collect(),
            attributes: Default::default(),
        }
    }
}

/// The text that a person sees in Slack's code block.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_notice_fits_slack(notice in any_notice()) {
        let message = slack::message(&notice);
        prop_assert_eq!(slack::check(&message), Vec::<String>::new());
    }

    #[test]
    fn nothing_in_a_notice_pings_a_channel_or_another_person(notice in any_notice()) {
        let notice = Notice { audience: Audience::Operators, ..notice };
        for block in slack::message(&notice)["blocks"].as_array().unwrap().iter().skip(1) {
            // Links are the only markup that there is.
            let text = block.to_string().replace("<https://", "").replace("·  <", "");
            prop_assert!(!text.contains('<'), "{}", block);
        }
    }

    #[test]
    fn commands_and_envelopes_are_whole_or_absent(notice in any_notice()) {
        let message = slack::message(&notice);
        let texts: Vec<String> = message["blocks"].as_array().unwrap().iter()
            .filter_map(|block| block["text"]["text"].as_str()).map(unescaped).collect();
        for step in notice.steps.iter().take(5) {
            let Some(command) = &step.command else { continue };
            let whole = texts.iter().any(|text| text.ends_with(&format!("```{command}```")));
            let escaped = command.chars().map(|c| if "&<>".contains(c) { 5 } else { 1 }).sum::<usize>();
            prop_assert!(whole || escaped > 300, "{}", command);
        }
        if let Some(envelope) = &notice.envelope {
            let whole = texts.iter().any(|text| *text == format!("```{}```", envelope.trim_end()));
            prop_assert!(whole || envelope.len() > 2_900);
        }
    }

    #[test]
    fn any_notice_fits_sns(notice in any_notice()) {
        let message = sns::message(&notice);
        prop_assert!((1..=100).contains(&message.subject.len()));
        prop_assert!(message.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        prop_assert!(message.subject.starts_with(|first: char| first.is_ascii_alphanumeric()));
        prop_assert!(message.body.len() <= 256 * 1024);
        prop_assert!(message.attributes.values().all(|value| !value.is_empty()));
        if let Some(envelope) = &notice.envelope {
            prop_assert!(message.body.contains(envelope.trim_end()));
        }
        for command in notice.steps.iter().filter_map(|step| step.command.as_ref()) {
            prop_assert!(message.body.contains(command.as_str()));
        }
    }
}

//! How notices look, and that they fit. `BLESS=1` writes the expected files anew; look at them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use banto_notice::{
    Audience, Link, Notice, Section, Step, Urgency, endpoint, mail, slack, sns, text,
};
use proptest::prelude::*;
use serde_json::{Value, json};

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
        mentions: Vec::new(),
        headline: "Your old access key AKIAIOSFODNN7EXAMPLE stops working now".into(),
        paragraphs: vec![
            "Nobody has used your new key, and the deadline has passed. The new key is in the message below, which only \
             you can open."
                .into(),
            "It can be restored until 4 Dec 2026 09:05 UTC.".into(),
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
        mentions: vec!["S0614TZR7".into()],
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

/// Every element of a message's blocks that has this type.
fn of_type<'a>(value: &'a Value, kind: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    if value["type"] == kind {
        found.push(value);
    }
    for inside in ["blocks", "elements"] {
        let values = value[inside].as_array().into_iter().flatten();
        found.extend(values.flat_map(|value| of_type(value, kind)));
    }
    found
}

/// The words of a line or a preformatted text, as people read them.
fn words(part: &Value) -> String {
    let elements = part["elements"].as_array().unwrap();
    let word = |element: &Value| {
        let of = |name: &str| element[name].as_str().map(str::to_owned);
        of("text").or_else(|| of("fallback")).unwrap_or_default()
    };
    elements.iter().map(word).collect()
}

fn lines(message: &Value) -> Vec<String> {
    let lines = of_type(message, "rich_text_section");
    lines.into_iter().map(words).collect()
}

#[test]
fn a_member_is_mentioned_and_a_channel_is_not() {
    let mentioned = |slack| {
        let message = slack::message(&Notice {
            audience: owner(slack),
            ..deadline()
        });
        let users = of_type(&message, "user");
        let ids = users.iter().map(|user| user["user_id"].as_str().unwrap());
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(mentioned(Some("U024BE7LH")), ["U024BE7LH"]);
    for name in ["team-payments", "UPPER", "<!channel>", "U024BE7LH> <!here"] {
        assert_eq!(mentioned(Some(name)), [""; 0], "{name}");
    }
    assert_eq!(
        slack::channel(&owner(Some("team-payments"))),
        Some("team-payments")
    );
    assert_eq!(slack::channel(&owner(Some("U024BE7LH"))), None);
    assert_eq!(slack::channel(&owner(None)), None);
}

#[test]
fn members_and_groups_are_mentioned_once_in_the_first_line_and_what_is_no_id_never() {
    let ids = [
        "S0614TZR7",
        "U024BE7LH",
        "W9876ABCDE",
        "S0614TZR7",
        "C024BE91L",
        "here",
        "<!channel>",
    ];
    let notice = Notice {
        mentions: ids.map(str::to_owned).into(),
        ..deadline()
    };
    let message = slack::message(&notice);
    assert_eq!(slack::check(&message), Vec::<String>::new());
    let space = json!({ "type": "text", "text": " " });
    assert_eq!(
        message["blocks"][1]["elements"][0]["elements"],
        json!([
            { "type": "user", "user_id": "U024BE7LH" },
            space,
            { "type": "usergroup", "usergroup_id": "S0614TZR7" },
            space,
            { "type": "user", "user_id": "W9876ABCDE" },
        ])
    );
    for text in [
        slack::direct_message(&notice, "U024BE7LH")["blocks"].to_string(),
        sns::message(&notice).body,
        mail::message(&notice, "banto@example.com", &[]).html,
        endpoint::message(&notice),
    ] {
        assert!(!text.contains("U024BE7LH") && !text.contains("S0614TZR7"));
    }
}

#[test]
fn times_are_the_readers_own_in_slack_and_utc_in_a_mail() {
    let message = slack::message(&deadline());
    let dates = of_type(&message, "date");
    assert_eq!(dates.len(), 1);
    assert_eq!(dates[0]["timestamp"], 1_796_375_100);
    assert_eq!(dates[0]["fallback"], "4 Dec 2026 09:05 UTC");
    assert!(
        sns::message(&deadline())
            .body
            .contains("4 Dec 2026 09:05 UTC")
    );
}

#[test]
fn names_and_annotations_are_never_markup() {
    let hostile = "*bold* _it_ ~no~ `code` ```x``` <!channel> <@U024BE7LH> &lt; :key: [a](b) @here";
    let notice = Notice {
        headline: hostile.into(),
        paragraphs: vec![hostile.into()],
        facts: vec![("Resource".into(), hostile.into())],
        sections: vec![Section {
            title: "Open".into(),
            lines: vec![hostile.into()],
        }],
        steps: vec![Step {
            text: hostile.into(),
            command: None,
        }],
        mentions: Vec::new(),
        ..summary()
    };
    let message = slack::message(&notice);
    assert!(!message["blocks"].to_string().contains("\"mrkdwn\""));
    assert_eq!(message["mrkdwn"], false);
    let header = &message["blocks"][0]["text"];
    assert_eq!(
        (&header["type"], &header["emoji"]),
        (&json!("plain_text"), &json!(false))
    );
    let lines = lines(&message);
    assert_eq!(
        lines.iter().filter(|line| line.contains(hostile)).count(),
        4
    );
    assert!(of_type(&message, "user").is_empty());
}

#[test]
fn lines_that_do_not_fit_are_counted() {
    let many: Vec<String> = (0..5_000)
        .map(|number| format!("user-{number}: new key issued"))
        .collect();
    let list = |title: &str, lines: &[String]| Section {
        title: title.into(),
        lines: lines.to_vec(),
    };
    let notice = Notice {
        sections: vec![list("Failed", &many[..3]), list("Done", &many)],
        ..summary()
    };
    let message = slack::message(&notice);
    assert_eq!(slack::check(&message), Vec::<String>::new());
    let lists = of_type(&message, "rich_text_list");
    let shown = |list: usize| lists[list]["elements"].as_array().unwrap().len();
    assert_eq!(shown(0), 3);
    // What the first list did not need is there for the second.
    assert!(shown(1) > 75, "{}", shown(1));
    let rest = format!("… and {} more", text::grouped(5_000 - shown(1)));
    assert!(lines(&message).contains(&rest), "{rest}");
    assert!(sns::message(&notice).body.contains("user-4999"));
}

#[test]
fn of_a_notice_that_is_too_long_what_can_be_acted_on_is_kept() {
    let long = |count: usize| "x".repeat(count);
    let notice = Notice {
        paragraphs: vec![long(500); 4],
        facts: vec![("Fact".into(), long(300)); 10],
        steps: vec![
            Step {
                text: long(150),
                command: Some(long(350))
            };
            5
        ],
        envelope: Some(long(3_000)),
        links: vec![
            Link {
                label: "Runbook".into(),
                url: format!("https://wiki.example.com/{}", long(900)),
            };
            3
        ],
        ..summary()
    };
    let message = slack::message(&notice);
    assert_eq!(slack::check(&message), Vec::<String>::new());
    let codes = of_type(&message, "rich_text_preformatted");
    assert_eq!(codes.len(), 6);
    assert_eq!(of_type(&message, "link").len(), 3);
    let lines = lines(&message);
    let facts = lines.iter().filter(|line| line.starts_with("Fact: "));
    assert!((1..10).contains(&facts.count()));
    assert!(!lines.contains(&long(500)));
}

#[test]
fn no_footer_repeats_the_id_and_a_subscriber_has_it_as_an_attribute() {
    let notice = deadline();
    let in_sns = sns::message(&notice);
    let in_mail = mail::message(&notice, "banto@example.com", &[]);
    for text in [
        slack::message(&notice).to_string(),
        in_sns.body,
        in_mail.text,
        in_mail.html,
    ] {
        assert!(!text.contains(&notice.id), "{text}");
    }
    assert_eq!(in_sns.attributes["id"], notice.id);
}

#[test]
fn the_check_finds_what_slack_would_refuse_or_read_as_markup_in_a_line() {
    for element in [
        json!({ "type": "broadcast", "range": "channel" }),
        json!({ "type": "text", "text": "x", "style": { "big": true } }),
        json!({ "type": "user", "user_id": "C024BE91L" }),
        json!({ "type": "usergroup", "usergroup_id": "here" }),
        json!({ "type": "link", "url": "javascript:alert(1)", "text": "x" }),
        json!({ "type": "date", "timestamp": 0, "format": "{time}", "fallback": "x" }),
    ] {
        let mut message = slack::message(&deadline());
        message["blocks"][2]["elements"][0]["elements"][0] = element.clone();
        assert_eq!(slack::check(&message).len(), 1, "{element}");
    }
}

#[test]
fn the_check_finds_what_slack_would_refuse() {
    let long = |count: usize| "x".repeat(count);
    let with = |path: &str, value: Value| {
        let mut message = slack::message(&deadline());
        *message.pointer_mut(path).unwrap() = value;
        slack::check(&message).len()
    };
    let section = |elements: Value| json!({ "type": "rich_text_section", "elements": elements });
    let block = |part: Value| json!({ "type": "rich_text", "elements": [part] });
    let text = |text: String| json!({ "type": "text", "text": text });
    for (path, value) in [
        ("/blocks/0/text/text", long(151).into()),
        ("/blocks/0/text/type", "mrkdwn".into()),
        ("/blocks/2/type", "carousel".into()),
        ("/blocks/2/elements", json!([])),
        ("/blocks/2/elements/0/type", "rich_text_quote".into()),
        ("/blocks/2/elements/0/elements", json!([])),
        ("/blocks/2/elements/0/elements/0/text", long(3_001).into()),
        ("/blocks/2/elements/0/elements/0/text", "".into()),
        (
            "/blocks/2",
            json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x" } }),
        ),
        (
            "/blocks/2/elements/0",
            json!({ "type": "rich_text_list", "style": "bullet", "elements": [] }),
        ),
        (
            "/blocks/2/elements/0",
            json!({ "type": "rich_text_list", "style": "bullet", "elements": [text(long(1))] }),
        ),
        ("/text", "a < b".into()),
        ("/text", "<!channel>".into()),
        ("/text", "a & b".into()),
        ("/text", "".into()),
        ("/mrkdwn", true.into()),
        ("/blocks", json!([])),
        (
            "/blocks",
            vec![block(section(json!([text(long(1))]))); 51].into(),
        ),
        (
            "/blocks",
            vec![block(section(json!([text(long(2_900))]))); 5].into(),
        ),
    ] {
        assert_eq!(with(path, value.clone()), 1, "{path}: {value}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,80}",
        "[&<>`*_\n]{0,900}",
        "(?s).{0,1500}",
        Just(String::new()),
        Just("<!channel> & <@U024BE7LH>".to_owned()),
        "[a-z ]{0,5}4 Nov 2026 09:05 UTC[a-z0-9 ]{0,5}",
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
        mentions in proptest::collection::vec(prop_oneof!["[USWC][A-Z0-9]{7,22}", any_text()], 0..14),
        operators in any::<bool>(),
    ) -> Notice {
        let audience = if operators { Audience::Operators } else { owner(slack.as_deref()) };
        Notice {
            id, audience, urgency: Urgency::Action, mentions, headline, paragraphs, facts, envelope,
            steps: steps.into_iter().map(|(text, command)| Step { text, command }).collect(),
            sections: sections.into_iter().map(|(title, lines)| Section { title, lines }).collect(),
            links: links.into_iter().map(|(label, url)| Link { label, url }).collect(),
            attributes: Default::default(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_notice_fits_slack(notice in any_notice()) {
        let message = slack::message(&notice);
        prop_assert_eq!(slack::check(&message), Vec::<String>::new());
    }

    #[test]
    fn nothing_in_a_notice_pings_anybody_but_those_whom_it_names(notice in any_notice()) {
        let message = slack::message(&notice);
        let users = of_type(&message, "user").into_iter().map(|user| &user["user_id"]);
        let groups = of_type(&message, "usergroup").into_iter().map(|group| &group["usergroup_id"]);
        for id in users.chain(groups) {
            let id = id.as_str().unwrap();
            prop_assert!(notice.mentions.iter().any(|named| named == id) || notice.audience == owner(Some(id)));
        }
        prop_assert!(of_type(&message, "broadcast").is_empty());
        prop_assert!(!message["text"].as_str().unwrap().contains('<'));
    }

    #[test]
    fn a_text_that_fits_is_shown_letter_by_letter(text in "[ -~]{1,200}|[a-z]{0,9} 4 Nov 2026 09:05 UTC.{0,9}") {
        prop_assume!(!text.trim().is_empty() && !text.contains(char::is_control));
        let notice = Notice { paragraphs: vec![text.clone()], ..summary() };
        let shown = lines(&slack::message(&notice));
        prop_assert!(shown.contains(&text), "{:?}", shown);
    }

    #[test]
    fn of_divided_lines_every_one_is_shown_by_its_message(
        lines in proptest::collection::vec(any_text(), 0..60),
        paragraph in any_text(),
    ) {
        let parts = slack::divided(lines.clone());
        prop_assert_eq!(parts.concat(), lines);
        for part in parts {
            let count = part.len();
            let list = Section { title: "x".repeat(40), lines: part };
            let notice = Notice {
                headline: "\\".repeat(200),
                mentions: (10..20).map(|number| format!("U{}", "0".repeat(18) + &number.to_string())).collect(),
                paragraphs: vec![paragraph.clone()],
                sections: vec![list],
                ..Notice::new("1".into(), Audience::Operators, Urgency::Alarm, String::new())
            };
            let message = slack::message(&notice);
            prop_assert_eq!(slack::check(&message), Vec::<String>::new());
            let shown = of_type(&message, "rich_text_list")[0]["elements"].as_array().unwrap().len();
            prop_assert_eq!(shown, count);
        }
    }

    #[test]
    fn commands_and_envelopes_are_whole_or_absent(notice in any_notice()) {
        let message = slack::message(&notice);
        let codes: Vec<String> = of_type(&message, "rich_text_preformatted").into_iter().map(words).collect();
        let commands = notice.steps.iter().filter_map(|step| step.command.clone());
        let envelope = notice.envelope.as_deref().map(|envelope| envelope.trim_end().to_owned());
        let whole: Vec<String> = commands.chain(envelope.clone()).collect();
        for code in &codes {
            prop_assert!(whole.contains(code), "{}", code);
        }
        if let Some(envelope) = envelope {
            prop_assert!(codes.contains(&envelope) || envelope.is_empty() || envelope.len() > 3_000);
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

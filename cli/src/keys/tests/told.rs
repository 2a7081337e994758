//! What is said before and after a request, and the commands that are named.

use std::path::Path;

use clap::error::ErrorKind;

use super::*;

#[test]
fn what_a_request_waits_for_is_said_with_the_whole_command_that_ends_it() {
    let world = world();
    let alice = in_grace(&world, "alice", 10);
    let request = request(Mode::Force, &alice);
    let looked = looked(&world, &request.scope());
    let follows = request.follows(Some(&looked));
    assert!(!follows.contains("within a minute"), "{follows}");
    assert!(
        follows.contains("No key for alice yet: the new certificate"),
        "{follows}"
    );
    let command = format!("  banto keys approve alice {}", HOLDER.fingerprint());
    for width in [80, 140] {
        let screen = crate::terminal::Screen::plain(width);
        let rows = rows::rows(&looked, &policy().rotation);
        let status = others::shown(&[(&looked, rows)], &screen);
        let plan = plan::shown(std::slice::from_ref(&looked), &screen);
        for shown in [status, plan] {
            assert!(shown.lines().any(|line| line == command), "{shown}");
        }
    }
    // Once it is sent, and nothing more comes of it for now.
    let asked = Asked::by("message-1", world.now());
    hand_over(&world, &request, &asked);
    let standing = standing(&world, &request, &asked);
    assert!(
        matches!(&standing, Standing::Held(text) if text.ends_with(command.trim())),
        "{standing:?}"
    );
}

#[test]
fn a_request_for_several_says_who_gets_a_key_at_once_and_who_waits() {
    let world = world();
    let (alice, _) = registered(&world, "alice", 10);
    let bob = in_grace(&world, "bob", 10);
    let both = Request::new("111122223333".parse().unwrap(), Mode::Force, [alice, bob]);
    let looked = looked(&world, &both.scope());
    let follows = both.follows(Some(&looked));
    assert!(follows.contains("within a minute"), "{follows}");
    assert!(follows.contains("No key for bob yet"), "{follows}");
    assert!(!follows.contains("No key for alice"), "{follows}");
    let off = PolicyText::least().with_lines("rotation", "enabled = false");
    let off = looked_by(&world, &off.parse(), &both.scope()).unwrap();
    let follows = both.follows(Some(&off));
    assert!(
        follows.starts_with("The function does nothing for now: "),
        "{follows}"
    );
}

/// Names as IAM allows them, those that look like options among them.
const NAMES: [&str; 5] = ["alice", "a,b", "bob+smith@example.com", "-x=y", "--yes"];

#[test]
fn the_commands_of_notices_are_read_as_they_stand_whatever_the_name() {
    let key: AccessKeyId = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
    let certificate = HOLDER.fingerprint().clone();
    let at = world().now();
    let policy = policy();
    let identity = &policy.rotation.accounts[0];
    let region = "eu-west-1".parse().unwrap();
    for name in NAMES {
        let user: UserName = name.parse().unwrap();
        let waits = [
            WaitReason::PinGrace {
                certificate: certificate.clone(),
                until: at,
            },
            WaitReason::Left { at },
        ];
        let mut commands: Vec<String> = waits
            .map(|reason| {
                let user = Some(user.clone());
                notices::command(&Waiting { user, reason }).unwrap()
            })
            .into();
        let arn = "arn:aws:iam::111122223333:user/x".parse().unwrap();
        let owner = User::new(
            user.clone(),
            "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            arn,
            "/",
        );
        let deleted = OwnerNotice::WillBeDeleted {
            key: key.clone(),
            at,
            days: 3,
        };
        let place = notices::Place {
            identity,
            region: &region,
        };
        let notice = notices::to_owner(&deleted, &owner, place, None);
        commands.extend(notice.steps.into_iter().filter_map(|step| step.command));
        assert_eq!(commands.len(), 3);
        for command in commands {
            let read = Arguments::try_parse_from(command.split(' '));
            let read = read.unwrap_or_else(|error| panic!("{command}: {error}"));
            assert!(
                format!("{read:?}").contains(&format!("{name:?}")),
                "{read:?}"
            );
        }
    }
}

#[test]
fn every_command_that_a_notice_names_is_one_of_this_program() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let mut messages = Vec::new();
    for function in std::fs::read_dir(functions).unwrap() {
        let file = function.unwrap().path().join("tests/messages.txt");
        messages.push(std::fs::read_to_string(file).unwrap());
    }
    assert_eq!(messages.len(), 4);
    let (mut steps, mut in_sentences) = (0, 0);
    for line in messages.iter().flat_map(|text| text.lines()) {
        let step = line.strip_prefix("    ");
        let step = step.filter(|it| it.starts_with("banto "));
        steps += usize::from(step.is_some());
        // In a sentence a command is between backticks, and in one line.
        let quoted = line.split('`').skip(1).step_by(2);
        let quoted: Vec<&str> = quoted.filter(|it| it.starts_with("banto ")).collect();
        in_sentences += quoted.len();
        for command in step.into_iter().chain(quoted) {
            let whole = command
                .replace("KEY-ID", "AKIAIOSFODNN7EXAMPLE")
                .replace("FINGERPRINT", "D1A66E1A23B182C9980F788CFBFCC82A015E7330");
            let wrong = Arguments::try_parse_from(whole.split(' ')).err();
            // A sentence may say a command's name alone.
            let is_name = |error: &clap::Error| {
                matches!(
                    error.kind(),
                    ErrorKind::MissingRequiredArgument
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                )
            };
            let wrong = wrong.filter(|error| step.is_some() || !is_name(error));
            assert!(wrong.is_none(), "{command}: {wrong:?}");
        }
    }
    assert!(steps > 10 && in_sentences > 5, "{steps} {in_sentences}");
}

#[test]
fn a_request_for_a_user_or_a_key_that_is_not_there_is_refused_before_it_is_sent() {
    let world = world();
    let (alice, key) = registered(&world, "alice", 10);
    let refusals = |request: &Request| request.refusals(&looked(&world, &request.scope()));
    let leave = request(Mode::Leave, &"alise".parse().unwrap());
    let text = "there is no user alise in 111122223333".to_owned();
    assert_eq!(refusals(&leave), std::slice::from_ref(&text));
    let shown = plan::shown(
        &[looked(&world, &leave.scope())],
        &crate::terminal::Screen::plain(120),
    );
    assert!(shown.contains(&text), "{shown}");
    let all = [looked(&world, &leave.scope())];
    assert_eq!(plan::ending(&all), Ending::FINDINGS);
    let discard = |key: &str| Request {
        keys: [key.parse().unwrap()].into(),
        ..request(Mode::Discard, &alice)
    };
    assert!(refusals(&discard(key.as_str())).is_empty());
    let text = "alice has no access key AKIAI44QH8DHBEXAMPLE".to_owned();
    assert_eq!(refusals(&discard("AKIAI44QH8DHBEXAMPLE")), [text]);
}

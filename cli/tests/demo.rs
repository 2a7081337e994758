//! `banto demo` as it is played: what people see, scene by scene.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod pty;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use pty::{Ended, Step, longest, terminal};

/// A terminal that nobody made larger is 80 columns wide, and a scene is at most so many lines.
const COLUMNS: usize = 80;
const LINES: usize = 80;

/// Columns of a terminal that somebody made larger.
const WIDE: u16 = 140;

/// What the end of a scene asks.
const PROMPT: &str = "Enter goes on, q ends";

/// Lines that a pause adds to a scene: an empty one, and the question.
const PAUSE: usize = 2;

/// The demo without a terminal: nobody is there to end a pause.
fn demo(arguments: &[&str]) -> Output {
    // What it keeps is gone with this.
    let temporary = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_banto"))
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn played(arguments: &[&str]) -> String {
    let output = demo(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // What moves on a terminal is a line each here.
    assert!(said.contains("… starting a local AWS\n"), "{said}");
    let story = String::from_utf8(output.stdout).unwrap();
    let is_drawn = |text: &str| text.contains(['\r', '\u{1b}']) || text.contains(PROMPT);
    assert!(!is_drawn(&said) && !is_drawn(&story), "{said}{story}");
    story
}

/// The demo on a wide terminal, with a folder for temporary files.
fn on_terminal(temporary: &Path, arguments: &[&str], steps: &[Step<'_>]) -> Ended {
    let arguments = [&["demo"], arguments].concat();
    // The local AWS's environment is made once, in the cache of whoever runs this.
    let cached = std::env::var("HOME").unwrap();
    let variables = [
        ("HOME", cached.as_str()),
        ("NO_COLOR", "1"),
        ("TMPDIR", temporary.to_str().unwrap()),
    ];
    terminal(temporary, WIDE, &arguments, steps, &variables)
}

/// The demo, left in the middle: it says that nothing is left of it, and nothing is.
fn left(scenario: &str, steps: &[Step<'_>]) -> Ended {
    let temporary = tempfile::tempdir().unwrap();
    let ended = on_terminal(temporary.path(), &["--scenario", scenario], steps);
    let files: Vec<_> = temporary.path().read_dir().unwrap().collect();
    assert!(files.is_empty(), "{files:?}");
    assert!(ended.shown.contains("Ended. Everything"), "{}", ended.shown);
    ended
}

/// The lines as they stand once nothing moves: without what was drawn over.
fn stands(shown: &str) -> String {
    let mut lines = Vec::new();
    for line in shown.split('\n') {
        // A line is taken away by ESC [2K, or drawn anew from its beginning. (ECMA-48, 8.3.41.)
        let line = line.rsplit("\u{1b}[2K").next().unwrap_or(line);
        let line = line.trim_end_matches('\r');
        lines.push(line.rsplit('\r').next().unwrap_or(line));
    }
    lines.join("\n")
}

/// The number of a scene and that of all, if this line opens one.
fn opening(line: &str) -> Option<(usize, usize)> {
    let (numbers, _title) = line.split_once("  ")?;
    let (number, all) = numbers.split_once(" of ")?;
    Some((number.parse().ok()?, all.parse().ok()?))
}

/// What comes before the first scene, and each scene.
fn scenes(story: &str) -> Vec<Vec<&str>> {
    let mut scenes = vec![Vec::new()];
    for line in story.lines() {
        if opening(line).is_some() {
            scenes.push(Vec::new());
        }
        scenes.last_mut().unwrap().push(line);
    }
    scenes
}

/// Rows of a terminal that a line takes.
fn rows(line: &str) -> usize {
    line.chars().count().div_ceil(COLUMNS).max(1)
}

/// True of addresses and commands, which stay whole, so that they can be copied.
fn is_whole(line: &str) -> bool {
    line.contains("://") || line.contains("aws ")
}

fn assert_opens_well(scene: &[&str], number: usize, all: usize) {
    assert_eq!(opening(scene[0]), Some((number, all)), "{scene:?}");
    let opens = scene.iter().position(|line| line.is_empty()).unwrap();
    let said = scene[1..opens].join(" ");
    let (happens, notice) = said.split_once(" Notice: ").unwrap_or_else(|| {
        panic!("scene {number} does not say what to notice: {said}");
    });
    for sentence in [happens, notice] {
        assert!(sentence.ends_with('.'), "scene {number}: {sentence}");
        assert!(!sentence.trim_end_matches('.').contains(". "), "{sentence}");
    }
}

/// The lines of text, each whole: what a paragraph, a table or a message had to break is put
/// together again.
fn texts(story: &str) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in story.lines() {
        if !line.contains(char::is_alphabetic) {
            is_open = false;
            continue;
        }
        let is_cell = line.starts_with("    ") || line.starts_with("  ▌   ");
        let words: Vec<&str> = line.split_whitespace().filter(|it| *it != "▌").collect();
        let words = words.join(" ");
        let is_prose = line.starts_with(|c: char| c.is_alphanumeric() || c == '•');
        match texts.last_mut() {
            Some(text) if is_cell || is_open => *text = format!("{text} {words}"),
            _ => texts.push(words),
        }
        // A paragraph goes on until its last sentence ends.
        is_open = (is_prose || is_open) && !line.ends_with(['.', ':']);
    }
    texts
}

#[test]
fn a_person_can_follow_the_whole_story() {
    let story = played(&[]);
    let scenes = scenes(&story);
    let all = scenes.len() - 1;
    for (number, scene) in scenes.iter().enumerate() {
        let shown: usize = scene.iter().map(|line| rows(line)).sum();
        assert!(shown + PAUSE <= LINES, "scene {number} has {shown} lines");
        if number > 0 {
            assert_opens_well(scene, number, all);
        }
    }
    let mut known = BTreeSet::new();
    for text in texts(&story) {
        // Two messages may be about one account, and say so.
        let is_of_a_message = text.starts_with("Account: ");
        assert!(
            is_of_a_message || known.insert(text.clone()),
            "{text:?} is there twice in\n{story}"
        );
    }
    for line in story.lines() {
        assert!(is_whole(line) || rows(line) == 1, "{line}");
    }
    let parts = ["Onboarding", "Rotation", "A thief", "Compliance", "Report"];
    for part in parts {
        assert!(story.contains(&format!("  {part}: ")), "{part} is missing");
    }
    for code in ["master", "<@", "U0ALICE", "U0HEIDI", "C0PAYMENTS"] {
        assert!(!story.contains(code), "{code} in\n{story}");
    }
}

/// Each on a wide terminal, so that both are seen with as little time as one of them takes.
#[test]
fn each_scenario_plays_alone_and_fills_a_wide_terminal() {
    for (name, part) in [
        ("onboarding", "Onboarding"),
        ("rotation", "Rotation"),
        ("thief", "A thief"),
        ("compliance", "Compliance"),
        ("report", "Report"),
    ] {
        let temporary = tempfile::tempdir().unwrap();
        let ended = on_terminal(temporary.path(), &["--scenario", name, "--no-pause"], &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.shown);
        let story = stands(&ended.shown);
        assert!(!story.contains(PROMPT), "{name}: {story}");
        let scenes = scenes(&story);
        let all = scenes.len() - 1;
        assert!(all > 1, "{name}: {story}");
        for (number, scene) in scenes.iter().enumerate().skip(1) {
            assert_opens_well(scene, number, all);
            let title = format!("{number} of {all}  {part}: ");
            assert!(scene[0].starts_with(&title), "{name}: {}", scene[0]);
        }
        // Addresses and commands stay whole.
        let broken = story.lines().filter(|line| !is_whole(line));
        let broken = broken.collect::<Vec<_>>().join("\n");
        let longest = longest(&broken);
        assert!(longest <= usize::from(WIDE), "{name}, {longest}: {story}");
        assert!(longest > COLUMNS, "{name}, {longest}: {story}");
    }
}

#[test]
fn enter_goes_on_and_q_ends_the_tour_and_all_that_it_started() {
    let ended = left("onboarding", &[(PROMPT, "\r"), (PROMPT, "q\r")]);
    assert_eq!(ended.code, Some(0), "{}", ended.shown);
    // While it is at something, that moves.
    let drawn = ended.shown.matches("\u{1b}[2K").count();
    assert!(drawn > 1, "{drawn}: {:?}", ended.shown);
    let story = stands(&ended.shown);
    assert_eq!(scenes(&story).len(), 2, "{story}");
}

#[test]
fn ctrl_c_at_a_pause_ends_with_130_and_all_that_was_started() {
    let ended = left("thief", &[(PROMPT, "\u{3}")]);
    assert_eq!(ended.code, Some(130), "{}", ended.shown);
}

#[test]
fn an_unknown_scenario_is_refused_with_those_that_there_are() {
    let output = demo(&["--scenario", "theft"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    let names = "onboarding, rotation, thief, compliance, report";
    assert!(said.contains(names), "{said}");
}

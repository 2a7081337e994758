//! The commands of this program that the pages name are commands that it has.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;

use super::Arguments;

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect()
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = markdown(root);
    found.extend(markdown(&root.join("docs")));
    for module in fs::read_dir(root.join("infra/modules")).unwrap() {
        found.extend(markdown(&module.unwrap().path()));
    }
    found
}

/// The command of a line of shell, up to where another one or a file begins.
fn command(line: &str) -> Option<Vec<&str>> {
    let line = line.trim();
    let line = line
        .strip_prefix("cargo run -p banto -- ")
        .map_or_else(|| line.strip_prefix("banto "), Some)?;
    let words = line.split_whitespace();
    let ends = ["|", "&&", ">", "<", "#"];
    let words = words.take_while(|word| !ends.iter().any(|end| word.starts_with(end)));
    Some(std::iter::once("banto").chain(words).collect())
}

fn refused(words: &[&str]) -> Option<ErrorKind> {
    let kind = Arguments::try_parse_from(words).err()?.kind();
    let shown = matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    (!shown).then_some(kind)
}

/// A name within a sentence may leave out what the sentence is not about: a subcommand, or what
/// an option needs.
fn no_name(words: &[&str]) -> Option<ErrorKind> {
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "…").collect();
    let valued = [words.as_slice(), &["X"]].concat();
    let unfinished = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::MissingSubcommand,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    let tries = [refused(&words)?, refused(&valued)?];
    let said = tries.iter().any(|kind| unfinished.contains(kind));
    (!said).then(|| tries[0])
}

/// What is wrong with a page's commands, and how many it has.
fn problems(text: &str) -> (Vec<String>, usize) {
    let (mut found, mut seen, mut fence) = (Vec::new(), 0, None);
    let text = text.replace("\\\n", " ");
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_none() {
                Some(language)
            } else {
                None
            };
            continue;
        }
        let commands: Vec<&str> = match fence {
            Some("sh") => vec![line],
            Some(_) => Vec::new(),
            None => line.split('`').skip(1).step_by(2).collect(),
        };
        for words in commands.into_iter().filter_map(command) {
            seen += 1;
            let kind = if fence.is_some() {
                refused(&words)
            } else {
                no_name(&words)
            };
            found.extend(kind.map(|kind| format!("{}: {kind:?}", words.join(" "))));
        }
    }
    (found, seen)
}

#[test]
fn every_command_of_banto_on_a_page_is_one_that_it_has() {
    let (mut found, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let (wrong, commands) = problems(&fs::read_to_string(&page).unwrap());
        seen += commands;
        found.extend(
            wrong
                .into_iter()
                .map(|one| format!("{}: {one}", page.display())),
        );
    }
    assert_eq!(found, Vec::<String>::new());
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_command_that_banto_does_not_have_is_found() {
    for wrong in [
        "`banto deploy`",
        "`banto report --mont 2026-10`",
        "`banto config exports`",
        "```sh\nbanto config\n```",
        "```sh\nbanto demo --keep now | cat\n```",
    ] {
        let (found, seen) = problems(wrong);
        assert_eq!((found.len(), seen), (1, 1), "{wrong}: {found:?}");
    }
}

//! Every command keeps to the same conventions. Whoever adds one is told here what it lacks.

use clap::{Arg, Command, CommandFactory as _, Parser as _};

use super::Arguments;

/// Columns of the narrowest terminal that help is written for.
const COLUMNS: usize = 80;

/// Every command of the tree with its words, such as `banto config export`.
fn commands() -> Vec<(String, Command)> {
    fn collect(words: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        found.push((words.to_owned(), command.clone()));
        for beneath in command.get_subcommands() {
            if beneath.get_name() != "help" && !beneath.is_hide_set() {
                collect(&format!("{words} {}", beneath.get_name()), beneath, found);
            }
        }
    }
    let mut tree = Arguments::command();
    tree.build();
    let mut found = Vec::new();
    collect("banto", &tree, &mut found);
    found
}

/// What comes after the options.
fn after(command: &Command) -> String {
    let after = command.get_after_long_help().or(command.get_after_help());
    after.map(ToString::to_string).unwrap_or_default()
}

/// The lines of a command's examples: `banto` and its arguments, without what a shell does with
/// them and what is said beside them.
fn examples(command: &Command) -> Vec<String> {
    let after = after(command);
    let lines = after.lines().skip_while(|line| *line != "Examples:");
    let lines = lines.skip(1).take_while(|line| line.starts_with("  "));
    let example = |line: &str| {
        let line = line.trim();
        let line = line.split("  ").next()?;
        let ends = |word: &&str| {
            ["|", ">", "<", "&&", "#"]
                .iter()
                .any(|end| word.starts_with(end))
        };
        let words = line.split(' ').take_while(|word| !ends(word));
        let words: Vec<&str> = words.collect();
        (words.first() == Some(&"banto")).then(|| words.join(" "))
    };
    lines.filter_map(example).collect()
}

/// What is wrong with the name of an argument's value.
fn of_value(argument: &Arg) -> Option<String> {
    let takes_values = argument
        .get_num_args()
        .is_some_and(|range| range.takes_values());
    let names = argument.get_value_names().filter(|_| takes_values)?;
    let is_capital = |name: &str| {
        // A scheme is what is typed, and no name.
        let name = name.replace("s3://", "");
        !name.is_empty() && !name.contains(char::is_lowercase)
    };
    let wrong = names.iter().find(|name| !is_capital(name))?;
    Some(format!(
        "{} has a value called {wrong}, which is to be in capitals",
        argument.get_id()
    ))
}

/// Everything that a command lacks.
fn problems(words: &str, command: &Command) -> Vec<String> {
    let mut found = Vec::new();
    if command.get_about().is_none() {
        found.push("says nothing about itself".to_owned());
    }
    let examples = examples(command);
    if examples.is_empty() {
        found.push(
            "has no Examples: in after_help, with lines that begin with two spaces".to_owned(),
        );
    }
    for example in &examples {
        if !example.starts_with(words) && words != "banto" {
            found.push(format!("has an example of another command: {example}"));
        }
        if let Err(error) = Arguments::try_parse_from(example.split(' '))
            && error.use_stderr()
        {
            found.push(format!("has an example that is refused: {example}"));
        }
    }
    for argument in command.get_arguments() {
        if argument.get_help().is_none() {
            found.push(format!("says nothing about {}", argument.get_id()));
        }
        found.extend(of_value(argument));
    }
    let mut narrow = command.clone().term_width(COLUMNS);
    let helps = [narrow.render_help(), narrow.render_long_help()];
    let helps = helps.map(|help| help.to_string()).join("\n");
    // Wrapped lines of examples would be no examples any more.
    let lines = after(command);
    let wide = helps.lines().chain(lines.lines());
    let wide = wide.filter(|line| line.chars().count() > COLUMNS);
    found.extend(wide.map(|line| format!("has a line of more than {COLUMNS} columns: {line}")));
    found
        .into_iter()
        .map(|why| format!("{words} {why}"))
        .collect()
}

#[test]
fn every_command_teaches_by_examples_that_work_in_eighty_columns() {
    let commands = commands();
    let found: Vec<String> = (commands.iter())
        .flat_map(|(words, command)| problems(words, command))
        .collect();
    assert_eq!(found, Vec::<String>::new());
    let (_, root) = &commands[0];
    assert!(after(root).contains("Exit codes: 0 done, 1 failed or findings"));
}

#[test]
fn a_command_that_breaks_a_convention_is_told_each() {
    let command = Command::new("bad")
        .arg(Arg::new("from").long("from").value_name("file"))
        .after_help(format!("Examples:\n  banto nothing\n{}", "x".repeat(81)));
    let mut command = command;
    command.build();
    let found = problems("banto bad", &command).join("\n");
    for part in [
        "says nothing about itself",
        "an example of another command: banto nothing",
        "an example that is refused: banto nothing",
        "says nothing about from",
        "a value called file",
        "more than 80 columns: xxx",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn a_slip_in_a_command_an_option_or_a_value_is_told_what_was_meant() {
    for (words, meant) in [
        ("banto confg", "config"),
        ("banto config exprot", "export"),
        ("banto config export --polcy x", "--policy"),
        ("banto completions bahs", "bash"),
        ("banto package --release v1.0.0 --arch arm46", "arm64"),
    ] {
        let error = Arguments::try_parse_from(words.split(' ')).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words}");
        let said = error.to_string();
        assert!(
            said.contains("a similar") && said.contains(meant),
            "{words}: {said}"
        );
    }
}

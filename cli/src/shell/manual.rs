//! Man pages, one for each command.

use std::io;

use anyhow::Result;
use clap::Command;
use clap_mangen::Man;

/// The pages with their files' names, that of the whole command first.
pub(super) fn pages(tree: &Command) -> Result<Vec<(String, String)>> {
    let mut tree = tree.clone().disable_help_subcommand(true);
    tree.build();
    let mut pages = Vec::new();
    collect(&tree, &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, pages: &mut Vec<(String, String)>) -> Result<()> {
    if command.is_hide_set() {
        return Ok(());
    }
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    rendered(&man, command, &mut page)?;
    pages.push((man.get_filename(), String::from_utf8(page)?));
    for beneath in command.get_subcommands() {
        collect(beneath, pages)?;
    }
    Ok(())
}

/// All sections. The last is our own: clap_mangen would fill the lines of examples into paragraphs.
fn rendered(man: &Man, command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    if command
        .get_arguments()
        .any(|argument| !argument.is_hide_set())
    {
        man.render_options_section(page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    let after = command.get_after_long_help().or(command.get_after_help());
    page.extend(as_it_is(&after.map(ToString::to_string).unwrap_or_default()).bytes());
    Ok(())
}

/// The text after the options, with its lines as they are.
fn as_it_is(text: &str) -> String {
    let mut page = String::new();
    for (index, block) in text
        .split("\n\n")
        .filter(|block| !block.is_empty())
        .enumerate()
    {
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        let (title, lines) = match first.strip_suffix(':').filter(|_| !rest.is_empty()) {
            Some(title) => (title, rest),
            None if index == 0 => ("Notes", block),
            None => ("", block),
        };
        page += &match title {
            "" => ".PP\n".to_owned(),
            title => format!(".SH {:?}\n", title.to_uppercase()),
        };
        page += ".nf\n";
        for line in lines.lines() {
            page += &format!("{}\n", escaped(line));
        }
        page += ".fi\n";
    }
    page
}

/// A line of text as roff takes it: no letter of it commands. (groff manual, "Escapes", "Requests
/// and macros".)
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) {
        return format!("\\&{line}");
    }
    line
}

//! Questions to whoever sits at the terminal. Without one each fails, and says which option answers
//! it instead.
//!
//! Each is answered by a line: dialoguer's other prompts hide the cursor, and Ctrl-C would leave it
//! hidden.

use std::io::IsTerminal as _;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use dialoguer::Input;
use dialoguer::theme::ColorfulTheme;

use crate::ending::misused;
use crate::output;
use crate::terminal::Screen;

/// True if somebody can be asked: what is asked goes to standard error, so that standard output
/// may be a file.
pub fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks whether to go on, after it was shown what will happen. `yes` is the option that was given
/// instead of an answer.
///
/// # Errors
/// If nobody is there to ask and the option was not given, or Ctrl-C was pressed.
pub fn confirm(question: &str, yes: bool) -> Result<bool> {
    confirm_by(question, yes, "--yes")
}

/// The same, where something else than `--yes` alone answers.
///
/// # Errors
/// If nobody is there to ask and the option was not given, or Ctrl-C was pressed.
pub fn confirm_by(question: &str, given: bool, option: &str) -> Result<bool> {
    if given {
        return Ok(true);
    }
    must_be_there(question, option)?;
    let answer: String = Input::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt(question, "[y/N]"))
        .allow_empty(true)
        .validate_with(|answer: &String| yes_or_no(answer).map(drop))
        .interact_text()?;
    Ok(yes_or_no(&answer) == Ok(true))
}

/// Columns of a prompt's signs and of a short answer.
const BESIDE: usize = 16;

/// The question and how to answer it, if one line holds them; else the question is told above. A
/// prompt of two lines is drawn twice.
fn prompt(question: &str, how: &str) -> String {
    let whole = format!("{question} {how}");
    let screen = Screen::of_questions();
    if console::measure_text_width(&whole) + BESIDE <= usize::from(screen.width) {
        return whole;
    }
    output::complain(&screen.wrapped(question, 0));
    how.to_owned()
}

fn yes_or_no(answer: &str) -> Result<bool, &'static str> {
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "" | "n" | "no" => Ok(false),
        _ => Err("y or n"),
    }
}

/// Asks to type the name of what will end, before something that can't be undone. `given` is the
/// value of the option that stands for it.
///
/// # Errors
/// If nobody is there to ask and the option was not given.
pub fn typed(question: &str, name: &str, given: Option<&str>, option: &str) -> Result<bool> {
    if let Some(given) = given {
        return Ok(given == name);
    }
    must_be_there(question, &format!("{option} {name}"))?;
    let typed: String = Input::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt(question, &format!("Type {name} to go on")))
        .allow_empty(true)
        .interact_text()?;
    Ok(typed.trim() == name)
}

/// Asks which one of several; answers its index.
///
/// # Errors
/// If nobody is there to ask.
pub fn choose(question: &str, items: &[String], option: &str) -> Result<usize> {
    must_be_there(question, option)?;
    for (index, item) in items.iter().enumerate() {
        output::complain(&format!("{:>3}  {item}", index + 1));
    }
    let last = items.len();
    let number: usize = Input::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .default(1)
        .validate_with(|number: &usize| match number {
            number if (1..=last).contains(number) => Ok(()),
            _ => Err(format!("a number from 1 to {last}")),
        })
        .interact_text()?;
    Ok(number.saturating_sub(1))
}

/// Asks for a text, with one that is taken if nothing is typed.
///
/// # Errors
/// If nobody is there to ask.
pub fn text(question: &str, default: &str, option: &str) -> Result<String> {
    must_be_there(question, option)?;
    let asked = Input::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .default(default.to_owned())
        .interact_text();
    Ok(asked?)
}

/// Asks for a value until one is typed that can be read. `option` is what gives it instead.
///
/// # Errors
/// If nobody is there to ask.
pub fn parsed<T>(question: &str, option: &str) -> Result<T>
where
    T: Clone + FromStr + ToString,
    T::Err: ToString,
{
    must_be_there(question, option)?;
    let asked = Input::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .interact_text();
    Ok(asked?)
}

/// Asks for the code that an MFA device shows. It works once and for a minute, so that it may be
/// seen while it is typed.
///
/// # Errors
/// If nobody is there to ask.
pub fn code(device: &str, option: &str) -> Result<String> {
    must_be_there("the code of your MFA device", option)?;
    let asked = Input::with_theme(&ColorfulTheme::default())
        .with_prompt(format!("Code of {device}"))
        .interact_text();
    Ok(asked?)
}

fn must_be_there(question: &str, option: &str) -> Result<()> {
    if somebody_is_there() {
        return Ok(());
    }
    Err(misused(anyhow!(
        "nobody can be asked here, as this is no terminal ({question}): answer with {option}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one_and_what_is_neither_is_asked_again() {
        for (answer, means) in [
            ("y", Ok(true)),
            (" YES ", Ok(true)),
            ("n", Ok(false)),
            ("No", Ok(false)),
            ("", Ok(false)),
            ("maybe", Err("y or n")),
            ("yy", Err("y or n")),
        ] {
            assert_eq!(yes_or_no(answer), means, "{answer:?}");
        }
    }
}

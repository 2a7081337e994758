//! Questions to whoever sits at the terminal. Without one each fails, and says which option answers
//! it instead.

use std::io::IsTerminal as _;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, Select};

use crate::ending::misused;

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
    let asked = Confirm::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .default(false)
        .interact();
    Ok(asked?)
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
        .with_prompt(format!("{question} Type {name} to go on"))
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
    let asked = Select::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .items(items)
        .default(0)
        .interact();
    Ok(asked?)
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

//! `banto completions` and `banto man`: what a shell and `man` know of this command. Both are made
//! of the tree of commands itself.

mod manual;
#[cfg(test)]
mod tests;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Command};
use clap_complete::Shell;

use crate::ending::Ending;
use crate::{files, output};

/// The command's name.
const NAME: &str = "banto";

/// Completions that are asked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto completions --install         for your shell, with the man pages
  banto completions bash --install    for bash, whatever your shell is
  banto completions zsh >_banto       to put them elsewhere

It writes into folders of your own that the shell reads, and edits no file of
yours. Where a shell reads no such folder by itself, it says which line to add.")]
pub struct Completions {
    /// The shell; that of SHELL, if left out.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Option<Shell>,
    /// Installs completions and man pages for you, instead of printing the former.
    #[arg(long)]
    install: bool,
}

/// Man pages that are asked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto man | man -l -                   reads that of banto
  banto man /usr/local/share/man/man1    writes those of all commands

`banto completions --install` writes them into a folder of your own.")]
pub struct Manual {
    /// The folder of the pages. Left out: the page of banto goes to standard output.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints or installs completions.
///
/// # Errors
/// If the shell is not known, or files can't be written.
pub fn completions(options: &Completions, tree: &Command) -> Result<Ending> {
    let shell = options.shell.or_else(Shell::from_env);
    let shell = shell.context(
        "SHELL names no shell that is known here: give one of bash, elvish, fish, powershell, zsh",
    )?;
    let script = script(shell, tree)?;
    if !options.install {
        output::line(script.trim_end());
        return Ok(Ending::Done);
    }
    let folders = Folders::from_vars(|name| env::var(name).ok())?;
    let place = folders.completions(shell)?;
    write(&place.file, script.as_bytes())?;
    output::line(&format!("{} is written.", place.file.display()));
    if let Some(hint) = place.hint {
        output::line(&hint);
    }
    let manual = folders.manual();
    let count = write_pages(&manual, tree)?;
    output::line(&format!("{count} man pages are in {}.", manual.display()));
    output::line("New shells complete banto's commands; try `man banto`.");
    Ok(Ending::Done)
}

/// Prints a man page, or writes all.
///
/// # Errors
/// If files can't be written.
pub fn manual(options: &Manual, tree: &Command) -> Result<Ending> {
    let Some(folder) = &options.folder else {
        if let Some((_, page)) = manual::pages(tree)?.first() {
            output::line(page.trim_end());
        }
        return Ok(Ending::Done);
    };
    let count = write_pages(folder, tree)?;
    output::line(&format!("{count} man pages are in {}.", folder.display()));
    Ok(Ending::Done)
}

/// The completions of a shell.
fn script(shell: Shell, tree: &Command) -> Result<String> {
    // Into memory first: the generator does not expect that a reader goes away.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut tree.clone(), NAME, &mut script);
    Ok(String::from_utf8(script)?)
}

fn write_pages(folder: &Path, tree: &Command) -> Result<usize> {
    let pages = manual::pages(tree)?;
    for (name, page) in &pages {
        write(&folder.join(name), page.as_bytes())?;
    }
    Ok(pages.len())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    files::write(path, bytes).with_context(|| format!("can't write {}", path.display()))
}

/// Where a shell finds completions.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    file: PathBuf,
    /// What is left to do by hand.
    hint: Option<String>,
}

/// The folders of the user's own data and settings. (XDG Base Directory Specification.)
#[derive(Debug)]
struct Folders {
    data: PathBuf,
    config: PathBuf,
    bash: Option<PathBuf>,
}

impl Folders {
    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let var = |name| {
            var(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = var("HOME");
        let folder = |name, usual: &str| {
            let set = var(name).filter(|folder| folder.is_absolute());
            set.or_else(|| Some(home.as_ref()?.join(usual)))
                .with_context(|| format!("neither {name} nor HOME is set"))
        };
        Ok(Self {
            data: folder("XDG_DATA_HOME", ".local/share")?,
            config: folder("XDG_CONFIG_HOME", ".config")?,
            bash: var("BASH_COMPLETION_USER_DIR"),
        })
    }

    /// Where a shell looks by itself, or nearly.
    fn completions(&self, shell: Shell) -> Result<Place> {
        let (file, hint) = match shell {
            // (bash-completion README, "How can I insert my own local completions".)
            Shell::Bash => {
                let own = self.bash.clone();
                let folder = own.unwrap_or_else(|| self.data.join("bash-completion"));
                let hint = "bash reads it with the package bash-completion.";
                (folder.join("completions").join(NAME), Some(hint.to_owned()))
            }
            // (fish documentation, "Where to put completions".)
            Shell::Fish => {
                let folder = self.config.join("fish/completions");
                (folder.join("banto.fish"), None)
            }
            // zsh has no folder of the user's own (zsh manual, "Autoloading Functions": fpath).
            Shell::Zsh => {
                let folder = self.data.join("zsh/site-functions");
                let hint = format!(
                    "zsh reads it if this line is in ~/.zshrc, before compinit is called:\n  fpath=({} $fpath)",
                    folder.display()
                );
                (folder.join("_banto"), Some(hint))
            }
            other => bail!(
                "{other} has no folder for completions: `banto completions {other}` prints them, for its profile"
            ),
        };
        Ok(Place { file, hint })
    }

    /// `man` looks there if ~/.local/bin is in PATH. (manpath(5): beside each folder of PATH.)
    fn manual(&self) -> PathBuf {
        self.data.join("man/man1")
    }
}

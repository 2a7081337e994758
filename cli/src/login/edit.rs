//! The config file edited, or only looked at.

use std::path::Path;

use anyhow::{Result, anyhow};

use super::sections::{Blocked, Change, Changed};
use crate::output;
use crate::profiles::{self, Document};

/// Edits the file, or, in a dry run, what is read of it.
pub(super) fn edit(
    path: &Path,
    dry_run: bool,
    makes_backup: bool,
    edit: impl FnOnce(&mut Document) -> Result<Vec<Changed>, Blocked>,
) -> Result<Vec<Changed>> {
    let shown = path.display();
    let mut changed = Vec::new();
    let edited = |mut document: Document| match edit(&mut document) {
        Ok(done) => {
            changed = done;
            Ok(document)
        }
        Err(Blocked::Refused(refused)) => Err(anyhow!("{shown}:{}: {}", refused.line, refused.why)),
        Err(Blocked::Foreign(foreign)) => Err(anyhow!("{}", foreign.told(&shown.to_string()))),
    };
    if dry_run {
        edited(profiles::read(path)?)?;
        return Ok(changed);
    }
    let replaced = match makes_backup {
        true => profiles::replace(path, edited),
        false => profiles::replace_again(path, edited),
    };
    if let Some(warning) = replaced?.warning {
        output::complain(&format!("banto: {warning}"));
    }
    Ok(changed)
}

/// What two edits changed, one after the other.
pub(super) fn merged(before: Vec<Changed>, after: Vec<Changed>) -> Vec<Changed> {
    let mut after = after;
    for first in before {
        let same = |changed: &&mut Changed| changed.profile == first.profile;
        if let Some(second) = after.iter_mut().find(same)
            && second.change == Change::Same
        {
            *second = first;
        }
    }
    after
}

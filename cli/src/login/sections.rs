//! The sections of `~/.aws/config` that `banto login` keeps, and how they are changed.

use std::fmt::Write as _;

use crate::profiles::{Document, Kind, Refused};

/// The beginning of the comment above each section that is `banto login`'s own.
const MARK: &str = "# banto login:";

/// Keys by which a profile has credentials already. `banto login` sets none of them in the profile
/// that signs in, and the AWS CLI's `login_session` is what it is for.
const CREDENTIALS: [&str; 8] = [
    "aws_access_key_id",
    "credential_process",
    "credential_source",
    "role_arn",
    "source_profile",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
];

const COMMENT: &str = "# banto login: keeps this profile; banto login --remove takes it out";

/// Keys that `banto login` sets in some of its sections. All others in them are their owner's, or
/// the AWS CLI's, which writes `login_session`.
const OWN_KEYS: [&str; 5] = [
    "credential_process",
    "role_arn",
    "source_profile",
    "role_session_name",
    "mfa_serial",
];

/// A profile as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) profile: String,
    pub(super) entries: Vec<(&'static str, String)>,
}

/// What becomes of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Updated,
    Removed,
    Same,
}

impl Change {
    /// The word by which programs know it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Removed => "removed",
            Self::Same => "same",
        }
    }
}

/// A profile, what becomes of it, and the lines that go and come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) profile: String,
    pub(super) change: Change,
    pub(super) lines: Vec<String>,
}

/// The sections with these headers are somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign(pub(super) Vec<(String, usize)>);

/// Why nothing is edited.
#[derive(Debug)]
pub(super) enum Blocked {
    Refused(Refused),
    Foreign(Foreign),
}

impl From<Refused> for Blocked {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// The names of the profiles that are `banto login`'s own, and their sections.
pub(super) fn own(document: &Document) -> Vec<(String, String)> {
    let marked = |section: &&str| is_own(document, section);
    let named = |section: &str| Some((Kind::Config.profile(section)?, section.to_owned()));
    document.names().filter(marked).filter_map(named).collect()
}

fn is_own(document: &Document, section: &str) -> bool {
    let above = document.comment_above(section);
    above.is_some_and(|comment| comment.starts_with(MARK))
}

/// Returns the name of the own profile for a role, if there is one.
pub(super) fn profile_of(document: &Document, role_arn: &str) -> Option<String> {
    let mut own = own(document).into_iter();
    own.find(|(_, section)| document.get(section, "role_arn") == Some(role_arn))
        .map(|(profile, _)| profile)
}

/// The sections of the credentials file because of which tools would use others' credentials than
/// those of the wanted profiles. (botocore reads that file before the config file.)
pub(super) fn foreign_keys(credentials: &Document, wanted: &[Wanted]) -> Option<Foreign> {
    let has_others = |name: &str| {
        let mut keys = CREDENTIALS.iter();
        keys.any(|key| credentials.get(name, key).is_some())
    };
    let names = wanted.iter().map(|wanted| &wanted.profile);
    let names = names.filter(|name| has_others(name));
    let foreign = names.filter_map(|name| Some((format!("[{name}]"), credentials.line(name)?)));
    let foreign: Vec<(String, usize)> = foreign.collect();
    (!foreign.is_empty()).then_some(Foreign(foreign))
}

/// Makes the sections as they should be. Nothing is changed if one of them is somebody else's.
pub(super) fn edit(document: &mut Document, wanted: &[Wanted]) -> Result<Vec<Changed>, Blocked> {
    let mut foreign = Vec::new();
    for Wanted { profile, entries } in wanted {
        let section = Kind::Config.to_edit(document, profile)?;
        let same = |(key, value): &(&str, String)| document.get(&section, key) == Some(value);
        if let Some(line) = document.line(&section)
            && !is_own(document, &section)
            && (!entries.iter().all(same) || has_others(document, &section, entries))
        {
            foreign.push((format!("[profile {profile}]"), line));
        }
    }
    if !foreign.is_empty() {
        return Err(Blocked::Foreign(Foreign(foreign)));
    }
    let edits = wanted.iter().map(|wanted| put(document, wanted));
    Ok(edits.collect::<Result<_, Refused>>()?)
}

/// True if a section has credentials of another kind than those that it is to have.
fn has_others(document: &Document, section: &str, entries: &[(&str, String)]) -> bool {
    let is_wanted = |key: &str| entries.iter().any(|(wanted, _)| *wanted == key);
    let mut others = CREDENTIALS.iter().filter(|key| !is_wanted(key));
    others.any(|key| document.get(section, key).is_some())
}

fn put(document: &mut Document, wanted: &Wanted) -> Result<Changed, Refused> {
    let Wanted { profile, entries } = wanted;
    let section = Kind::Config.to_edit(document, profile)?;
    let mut changed = Changed {
        profile: profile.clone(),
        change: Change::Same,
        lines: Vec::new(),
    };
    if document.line(&section).is_none() {
        let pairs: Vec<(&str, &str)> = entries
            .iter()
            .map(|(key, value)| (*key, &**value))
            .collect();
        document.add(&section, Some(COMMENT), &pairs)?;
        changed.change = Change::Added;
        changed.lines = vec![format!("+ {COMMENT}"), format!("+ [{section}]")];
        let added = pairs
            .iter()
            .map(|(key, value)| format!("+ {key} = {value}"));
        changed.lines.extend(added);
        return Ok(changed);
    }
    let stale = OWN_KEYS
        .iter()
        .filter(|key| entries.iter().all(|(wanted, _)| wanted != *key));
    let stale = stale.map(|key| (*key, None));
    let values = entries
        .iter()
        .map(|(key, value)| (*key, Some(value.as_str())));
    for (key, value) in stale.chain(values) {
        let old = document.get(&section, key).map(str::to_owned);
        if old.as_deref() == value || !is_own(document, &section) {
            continue;
        }
        match value {
            Some(value) => document.set(&section, key, value)?,
            None => document.remove(&section, key)?,
        }
        changed.change = Change::Updated;
        changed
            .lines
            .extend(old.map(|old| format!("- {key} = {old}")));
        changed
            .lines
            .extend(value.map(|value| format!("+ {key} = {value}")));
    }
    if changed.change == Change::Updated {
        changed.lines.insert(0, format!("  [{section}]"));
    }
    Ok(changed)
}

/// Takes all own sections out.
pub(super) fn remove(document: &mut Document) -> Result<Vec<Changed>, Refused> {
    let mut changed = Vec::new();
    for (profile, section) in own(document) {
        let entries = document.entries(&section);
        let lines = entries.map(|(key, value)| format!("- {key} = {value}"));
        let lines = std::iter::once(format!("- [{section}]"))
            .chain(lines)
            .collect();
        document.remove_section(&section)?;
        changed.push(Changed {
            profile,
            change: Change::Removed,
            lines,
        });
    }
    Ok(changed)
}

impl Foreign {
    /// A sentence for each, with what to do.
    pub(super) fn told(&self, file: &str) -> String {
        let mut text = String::from("no profile was changed, for these are not its own:");
        for (header, line) in &self.0 {
            let place = format!("\n{file}:{line}: {header} was not made by banto login");
            text.push_str(&place);
        }
        let _infallible = write!(
            text,
            "\nRename or remove them, or choose other names: --name, --account ID=NAME"
        );
        text
    }
}

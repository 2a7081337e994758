//! `banto login`: access to roles without an access key.
//!
//! The AWS CLI signs the user in. Banto makes the profiles: one of the session, one that hands its
//! credentials to tools which don't know `aws login`, and one for each role.

mod aws_cli;
mod edit;
mod roles;
mod sections;
mod show;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use banto_domain::AccountId;
use clap::Args;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::doctor::{elements, value};
use crate::ending::{Ending, misused};
use crate::keys::own::mfa::showing_codes;
use crate::profiles::{self, Paths, Profiles};
use crate::session::{Session, Where};
use crate::terminal::Screen;
use crate::{ask, files, output, policy};
use edit::{edit, merged};
use roles::{Granted, Role};
use sections::Wanted;
use show::{Missing, Shown};

/// Options.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The profile that you sign in with. That of tools which don't know `aws login` is NAME-process.
    #[arg(long, value_name = "NAME", default_value = "banto", value_parser = plain_name)]
    name: String,
    /// Makes the profiles of roles for the credentials of this profile, and signs nobody in.
    #[arg(long, value_name = "PROFILE")]
    from: Option<String>,
    /// A role that you may assume, besides those that your groups name.
    #[arg(long = "role", value_name = "ARN", value_parser = role)]
    roles: Vec<Role>,
    /// An account: what it is called in profiles, and where you have the roles that your groups have
    /// in every account.
    #[arg(long = "account", value_name = "ID=NAME", value_parser = account)]
    accounts: Vec<(AccountId, String)>,
    /// The region of the profiles.
    #[arg(long, value_name = "REGION", value_parser = plain_name)]
    region: Option<String>,
    /// Signs you in by a link and a code, where there is no browser.
    #[arg(long)]
    remote: bool,
    /// Keeps a copy of this policy, where all commands find it.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Shows what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
    /// Takes the profiles of `banto login` out again.
    #[arg(long, conflicts_with_all = ["from", "roles", "accounts", "remote", "policy"])]
    remove: bool,
}

const EXAMPLES: &str = "\
Examples:
  banto login               sign in, and get a profile for each role
  banto login --dry-run     see what would change in ~/.aws/config
  banto login --remove      take all of it out again
  banto login --account 444455556666=archive  name an account
  banto login --role arn:aws:iam::444455556666:role/readonly

The AWS CLI signs you in (aws login). Terraform and other tools take the roles'
profiles as they are.";

/// Signs the user in and makes the profiles.
///
/// # Errors
/// If something is missing or can't be edited, with what to do.
pub async fn run(options: &Options) -> Result<Ending> {
    let paths = Paths::here()?;
    if !options.dry_run {
        profiles::check_writable(&paths.config)?;
    }
    let mut shown = Shown {
        dry_run: options.dry_run,
        ..Shown::default()
    };
    if options.remove {
        shown.changed = edit(&paths.config, options.dry_run, true, |document| {
            Ok(sections::remove(document)?)
        })?;
        if shown.changed.is_empty() && !options.json {
            output::line("There is no profile of banto login.");
            return Ok(Ending::Done);
        }
    } else {
        set_up(options, &paths, &mut shown).await?;
    }
    if options.json {
        output::line(&format!("{:#}", shown.to_json()));
    } else {
        output::line(&shown.text(&Screen::of_output()));
    }
    let failed = shown.missing.iter().any(Missing::is_failure);
    Ok(if failed {
        Ending::FINDINGS
    } else {
        Ending::Done
    })
}

async fn set_up(options: &Options, paths: &Paths, shown: &mut Shown) -> Result<()> {
    if let Some(file) = &options.policy {
        policy::read(file)?;
        let kept = policy::kept().context("nothing says where your home is: set HOME")?;
        if !options.dry_run {
            keep(file, &kept)?;
        }
        shown.policy = Some(kept.display().to_string());
    }
    if options.from.is_none()
        && let Some(missing) = aws_cli::missing().await?
    {
        bail!(
            "{}; no profile was changed. With a key that you have, `banto login --from default` makes \
             the profiles of your roles",
            missing.told()
        );
    }
    let profiles = paths.read()?;
    let mut wanted = base(options, &profiles);
    if let Some(foreign) = sections::foreign_keys(profiles.credentials(), &wanted) {
        bail!("{}", foreign.told(&paths.credentials.display().to_string()));
    }
    let before = edit(&paths.config, options.dry_run, true, |document| {
        sections::edit(document, &wanted)
    })?;
    shown.changed.clone_from(&before);
    let session = match signed_in(options).await? {
        Ok(session) => session,
        Err(missing) => {
            shown.missing.push(missing);
            return Ok(());
        }
    };
    let user = session
        .user()
        .with_context(|| format!("{} is no IAM user; banto login is for those", session.arn))?;
    shown.who = Some((user.to_string(), session.account.to_string()));
    let device = device(&session, user.as_str(), shown).await;
    let granted = granted(options, &session, user.as_str(), shown).await;
    let profiles = paths.read()?;
    let fixed = Fixed {
        user: user.as_str(),
        device: device.as_deref(),
        region: region(options, &profiles),
    };
    wanted.extend(for_roles(options, &profiles, &granted, &fixed)?);
    // The backup is of the file before this command, whatever it changed already.
    let is_first = before
        .iter()
        .all(|one| one.change == sections::Change::Same);
    let changed = edit(&paths.config, options.dry_run, is_first, |document| {
        sections::edit(document, &wanted)
    })?;
    shown.changed = merged(before, changed);
    shown.example = wanted.last().map(|wanted| wanted.profile.clone());
    Ok(())
}

/// The user's session: the one there is, or a new one.
async fn signed_in(options: &Options) -> Result<Result<Session, Missing>> {
    let profile = options.from.as_ref().unwrap_or(&options.name);
    let source = Where {
        profile: Some(profile.clone()),
        region: options.region.clone(),
    };
    let refused = match source.connect().await {
        Ok(session) => return Ok(Ok(session)),
        Err(error) if options.from.is_some() => return Err(error),
        Err(error) => format!("{error:#}"),
    };
    if options.dry_run {
        return Ok(Err(Missing::NotSignedIn));
    }
    if !options.remote && !ask::somebody_is_there() {
        return Ok(Err(Missing::Nobody { why: refused }));
    }
    output::complain(&format!("Signing in, since there is no session: {refused}"));
    let ended = aws_cli::sign_in(profile, options.region.as_deref(), options.remote).await?;
    Ok(match source.connect().await {
        Ok(session) if ended => Ok(session),
        Err(error) if ended => return Err(error),
        _ => Err(Missing::SignIn),
    })
}

/// The user's MFA device, if it can be read and there is one.
async fn device(session: &Session, user: &str, shown: &mut Shown) -> Option<String> {
    let arguments = json!({ "UserName": user });
    let answer = session
        .aws
        .plain("iam:ListMFADevices", None, &arguments)
        .await;
    let answer = answer.ok()?;
    let devices = elements(&answer, "SerialNumber");
    let devices: Vec<String> = devices.into_iter().map(str::to_owned).collect();
    let has_one = !devices.is_empty();
    let device = showing_codes(devices).into_iter().next();
    if !has_one {
        shown.missing.push(Missing::NoDevice {
            user: user.to_owned(),
        });
    }
    device
}

async fn granted(options: &Options, session: &Session, user: &str, shown: &mut Shown) -> Granted {
    let mut granted = Granted::default();
    granted.roles.extend(options.roles.iter().cloned());
    match resources(session, user).await {
        Ok(resources) => {
            for resource in resources {
                granted.add(
                    &resource,
                    options.accounts.iter().map(|(account, _)| account),
                );
            }
        }
        Err(error) if options.roles.is_empty() => shown.missing.push(Missing::Roles {
            why: format!("{error:#}"),
        }),
        Err(_roles_were_named) => return granted,
    }
    if !granted.open.is_empty() {
        let open = granted.open.iter().cloned().collect();
        shown.missing.push(Missing::Open(open));
    } else if granted.roles.is_empty() && !shown.missing.iter().any(Missing::is_failure) {
        let profile = options.from.as_ref().unwrap_or(&options.name).clone();
        shown.missing.push(Missing::NoRoles { profile });
    }
    granted
}

/// What the inline policies of the user's groups let the user assume. One page has all of them: a
/// user is in ten groups at most, and a group's inline policies have 5,120 characters together (IAM
/// user guide, "IAM and AWS STS quotas").
async fn resources(session: &Session, user: &str) -> Result<Vec<String>> {
    let ask = async |call, arguments: Value| session.aws.plain(call, None, &arguments).await;
    let mut resources = Vec::new();
    let groups = ask("iam:ListGroupsForUser", json!({ "UserName": user })).await?;
    for group in elements(&groups, "GroupName") {
        let names = ask("iam:ListGroupPolicies", json!({ "GroupName": group })).await?;
        for name in elements(&names, "member") {
            let one = json!({ "GroupName": group, "PolicyName": name });
            let answer = ask("iam:GetGroupPolicy", one).await?;
            let text = value(&answer, "PolicyDocument").context("a policy has no text")?;
            let text = percent_decode_str(&text).decode_utf8()?;
            resources.extend(roles::assumable(&serde_json::from_str(&text)?));
        }
    }
    Ok(resources)
}

/// What all profiles of roles have.
struct Fixed<'a> {
    user: &'a str,
    device: Option<&'a str>,
    region: Option<String>,
}

/// The region of the profiles: the one that was named, or that of the profile that is there.
fn region(options: &Options, profiles: &Profiles) -> Option<String> {
    let profile = options.from.as_ref().unwrap_or(&options.name);
    let known = || profiles.region(profile).map(str::to_owned);
    options.region.clone().or_else(known)
}

/// The profile of `aws login`, and the one that hands its credentials on. Go's SDK refuses the first
/// one as the source of a role (aws-sdk-go-v2, issue 3447).
fn base(options: &Options, profiles: &Profiles) -> Vec<Wanted> {
    if options.from.is_some() {
        return Vec::new();
    }
    let region = region(options, profiles).map(|region| ("region", region));
    let name = &options.name;
    let process = format!("aws configure export-credentials --profile {name} --format process");
    let process = std::iter::once(("credential_process", process));
    vec![
        Wanted {
            profile: name.clone(),
            entries: region.clone().into_iter().collect(),
        },
        Wanted {
            profile: format!("{name}-process"),
            entries: process.chain(region).collect(),
        },
    ]
}

fn for_roles(
    options: &Options,
    profiles: &Profiles,
    granted: &Granted,
    fixed: &Fixed<'_>,
) -> Result<Vec<Wanted>> {
    let source = options.from.clone();
    let source = source.unwrap_or_else(|| format!("{}-process", options.name));
    // A session of `aws login` has its second factor from the sign-in; a key alone has none.
    let keys = profiles.static_credentials(&source)?;
    let device = fixed
        .device
        .filter(|_| keys.is_some_and(|keys| keys.token.is_none()));
    let names: BTreeMap<&AccountId, &str> = options
        .accounts
        .iter()
        .map(|(account, name)| (account, name.as_str()))
        .collect();
    let wanted = granted.roles.iter().map(|role| {
        let named = names.get(&role.account).copied();
        let known = || sections::profile_of(profiles.config(), &role.arn);
        let profile = named.is_none().then(known).flatten();
        let entries = [
            Some(("role_arn", role.arn.clone())),
            Some(("source_profile", source.clone())),
            Some(("role_session_name", fixed.user.to_owned())),
            device.map(|device| ("mfa_serial", device.to_owned())),
            fixed.region.clone().map(|region| ("region", region)),
        ];
        Wanted {
            profile: profile.unwrap_or_else(|| role.profile(named)),
            entries: entries.into_iter().flatten().collect(),
        }
    });
    let wanted: Vec<Wanted> = wanted.collect();
    one_each(&wanted)?;
    Ok(wanted)
}

/// Refuses profiles of one name: the second would take the place of the first.
fn one_each(wanted: &[Wanted]) -> Result<()> {
    let mut roles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Wanted { profile, entries } in wanted {
        let arn = entries.iter().find(|(key, _)| *key == "role_arn");
        let arn = arn.map_or("", |(_, arn)| arn.as_str());
        roles.entry(profile).or_default().push(arn);
    }
    let several = roles.iter().filter(|(_, arns)| arns.len() > 1);
    let several = several.map(|(profile, arns)| format!("{profile}: {}", arns.join(" and ")));
    let several: Vec<String> = several.collect();
    if several.is_empty() {
        return Ok(());
    }
    Err(misused(anyhow!(
        "no role's profile was changed, as several roles would have one of the same name; give \
         their accounts different names with --account ID=NAME:\n{}",
        several.join("\n")
    )))
}

fn keep(file: &Path, kept: &Path) -> Result<()> {
    let copied = fs::read(file).and_then(|text| {
        fs::create_dir_all(kept.parent().unwrap_or(kept))?;
        files::write(kept, &text)
    });
    copied.with_context(|| format!("can't copy {} to {}", file.display(), kept.display()))
}

fn role(text: &str) -> Result<Role, String> {
    let likeness = "a role's ARN is like arn:aws:iam::444455556666:role/readonly";
    Role::parse(text).ok_or_else(|| likeness.to_owned())
}

fn account(text: &str) -> Result<(AccountId, String), String> {
    let (id, name) = text.split_once('=').unwrap_or((text, text));
    let id = id.parse::<AccountId>().map_err(|error| error.to_string())?;
    Ok((id, plain_name(name)?))
}

/// A name that needs no quotes, in a profile file and in a command.
fn plain_name(text: &str) -> Result<String, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    match !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        true => Ok(text.to_owned()),
        false => Err("letters, digits and - _ . only".to_owned()),
    }
}

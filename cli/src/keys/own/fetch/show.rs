//! What is said of a key that was fetched.

use banto_domain::AccessKeyId;
use banto_domain::policy::RotationPolicy;

use super::super::counts::days;
use super::super::record::Signature;
use super::opened::Opened;
use super::target::Target;
use crate::terminal::{Screen, Tone};

/// What is known of what comes after.
#[derive(Debug)]
pub(super) struct After<'a> {
    /// The keys that still work beside the new one; none where nobody could ask.
    pub(super) old: Vec<String>,
    pub(super) policy: &'a RotationPolicy,
}

/// Says who wrote the record, as far as that can be known here; nothing where no records are signed.
pub(super) fn signature(signature: Option<Signature>) -> Option<&'static str> {
    match signature {
        Some(Signature::Checked) => Some("Banto's signature of the record holds."),
        Some(Signature::TooOld) => Some(
            "The record is not signed: it was written before records were, and is believed for that.",
        ),
        Some(Signature::NotAsked) => None,
        None => Some(
            "A notice carries no signature, so that nobody can tell here who sealed this envelope. \
             What shows that it is yours: the user and the account inside, and that AWS takes the key.",
        ),
    }
}

/// The question before the key takes a place; none where nothing is replaced.
pub(super) fn question(opened: &Opened, target: &Target) -> Option<String> {
    let Opened {
        key, user, account, ..
    } = opened;
    let place = place(target)?;
    Some(format!(
        "Put the new key {key} of {user} in {account} into the {place}?"
    ))
}

/// The place that the key takes, and what it takes it from; none where a program reads it.
pub(super) fn place(target: &Target) -> Option<String> {
    let (place, instead) = match target {
        Target::Profile { file, name, holds } => {
            let instead = holds.as_ref().map(|old| format!(", in place of {old}"));
            (format!("profile {name} of {}", file.display()), instead)
        }
        Target::Pass { entry, is_there } => {
            let instead = is_there.then(|| ", in place of what is there".to_owned());
            (format!("entry {entry} of pass"), instead)
        }
        Target::Process | Target::Shell => return None,
    };
    Some(format!("{place}{}", instead.unwrap_or_default()))
}

pub(super) fn in_place(key: &AccessKeyId, target: &Target) -> String {
    match target {
        Target::Profile { file, name, .. } => format!(
            "Nothing to do: the new key {key} is in the profile {name} of {}. `banto keys status` \
             says what happens next.",
            file.display()
        ),
        Target::Process | Target::Pass { .. } | Target::Shell => {
            format!("Nothing to do: {key} is there.")
        }
    }
}

pub(super) fn done(screen: &Screen, opened: &Opened, place: &str, after: &After<'_>) -> String {
    let key = &opened.key;
    let works = screen.paint(Tone::Good, "works");
    let mut lines = vec![format!(
        "The new key {key} of {} {works}. It is in {place}",
        opened.user
    )];
    let timings = &after.policy.timings;
    let wait = days(timings.grace.max(timings.rest));
    lines.push(match after.old.as_slice() {
        [] => "You have used it, and need not acknowledge it.".to_owned(),
        [old] => format!(
            "You have used it, and need not acknowledge it. The old key {old} is disabled by itself \
             once nobody uses it for {wait}: put the new one wherever the old one still is."
        ),
        several => format!(
            "You have used it, and need not acknowledge it. The old keys {} are disabled by \
             themselves once nobody uses them for {wait}.",
            several.join(" and ")
        ),
    });
    let lines: Vec<String> = lines.iter().map(|line| screen.wrapped(line, 0)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use banto_fake::PolicyText;

    use super::*;
    use crate::expected::holds;

    #[test]
    fn what_is_said_of_a_fetched_key_is_as_committed() {
        let sealed = br#"{"Version": 1, "AccessKeyId": "AKIAI44QH8DHBEXAMPLE",
            "SecretAccessKey": "s3cret", "UserName": "alice", "AccountId": "111122223333"}"#;
        let opened = Opened::read(sealed).unwrap();
        let policy = PolicyText::least().parse();
        let target = |holds: Option<&str>| Target::Profile {
            file: "/home/alice/.aws/credentials".into(),
            name: "default".to_owned(),
            holds: holds.map(str::to_owned),
        };
        let place = "the profile default of /home/alice/.aws/credentials. What was there before is \
                     in /home/alice/.aws/credentials.banto-backup.";
        holds("keys/fetch", |screen| {
            let old = target(Some("AKIAIOSFODNN7EXAMPLE"));
            let after = |old: &[&str]| After {
                old: old.iter().map(|key| (*key).to_owned()).collect(),
                policy: &policy.rotation,
            };
            let pass = |is_there| Target::Pass {
                entry: "aws/work".to_owned(),
                is_there,
            };
            let asked = [old.clone(), target(None), pass(true), pass(false)];
            let asked = asked.iter().filter_map(|target| question(&opened, target));
            let mut said: Vec<String> = asked.collect();
            said.push(in_place(&opened.key, &old));
            for known in [Some(Signature::Checked), Some(Signature::TooOld), None] {
                said.extend(signature(known).map(str::to_owned));
            }
            let mut shown: Vec<String> = said.iter().map(|line| screen.wrapped(line, 0)).collect();
            for old in [
                &["AKIAIOSFODNN7EXAMPLE"][..],
                &[],
                &["AKIAIOSFODNN7EXAMPLE", "AKIA0000000000000000"],
            ] {
                shown.push(done(screen, &opened, place, &after(old)));
            }
            let text = shown.join("\n\n") + "\n";
            assert!(!text.contains("s3cret"));
            text
        });
    }
}

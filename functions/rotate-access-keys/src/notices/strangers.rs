//! The words for operators about things that concern no user, and of messages that nobody can read.

use std::collections::BTreeSet;

use banto_domain::compliance::short_hash;
use banto_domain::{AccessKeyId, AccountId, CredentialId};
use banto_notice::{Audience, Notice, Section, Urgency};

use super::sentence::sentence;
use crate::snapshot::Stranger;

/// Most characters of an error about a message that are shown: it may quote what somebody wrote.
const SHOWN_CHARS: usize = 500;

/// Returns the notice of what people must see to themselves. Its id names all of that besides the
/// request, which may come upon more things later.
pub fn of_strangers(strangers: &[Stranger], request: &str) -> Notice {
    let headline = match strangers {
        [only] => headline(only),
        several => format!("{} things that people must see to", several.len()),
    };
    let lines: Vec<String> = strangers.iter().map(line).collect();
    let words: Vec<&str> = lines.iter().map(String::as_str).collect();
    let named = short_hash(&words);
    let id = format!("rotate-access-keys:strangers:{request}:{named}");
    let section = Section {
        title: "To look at".to_owned(),
        lines,
    };
    Notice {
        sections: vec![section],
        ..Notice::new(id, Audience::Operators, Urgency::Alarm, headline)
    }
}

/// Returns the notice of a message of the queue that can't be read.
pub fn unreadable(message: &str, error: &str) -> Notice {
    let error: String = error.chars().take(SHOWN_CHARS).collect();
    let id = format!("rotate-access-keys:unreadable:{message}");
    let headline = "A request to rotate access keys can't be read".to_owned();
    let lost = "It was taken off the queue. Send it again as it should be: `banto keys rotate`, `restore`, `discard`, \
                `approve` and `leave` do.";
    Notice {
        paragraphs: vec![sentence(&error), lost.to_owned()],
        facts: vec![("Message".to_owned(), message.to_owned())],
        ..Notice::new(id, Audience::Operators, Urgency::Alarm, headline)
    }
}

fn headline(stranger: &Stranger) -> String {
    match stranger {
        Stranger::OtherAccount {
            account,
            credential,
        } => format!("{credential} of account {account} is exposed"),
        Stranger::RootKey { key } => format!("The root user's access key {key} is exposed"),
        Stranger::NoOwner { key } => format!("{key} is exposed, and no user has it"),
        Stranger::RoleSession { session, .. } | Stranger::UnknownSession { session } => {
            format!("The session {session} is exposed")
        }
        Stranger::Unknown { what, .. } => format!("{what:?} is exposed"),
        Stranger::Nameless { code } => format!("AWS Health says {code} and names nothing"),
        Stranger::LeftAlone { .. } => "An exposure was left alone".to_owned(),
        Stranger::NoSuchUser { user } => format!("There is no user {user}"),
        Stranger::NoRecord { secret } => format!("The secret {secret} is no record"),
    }
}

fn line(stranger: &Stranger) -> String {
    match stranger {
        Stranger::OtherAccount {
            account,
            credential,
        } => of_other_account(account, credential),
        Stranger::RootKey { key } => format!(
            "{key} is the root user's, which Banto can't reach. Sign in as the root user, delete the key, change the \
             password, and look in CloudTrail for what was done with it."
        ),
        Stranger::NoOwner { key } => format!(
            "{key} is exposed, but no user has it: it was deleted, or belongs to another account. Find that out: aws sts \
             get-access-key-info --access-key-id {key}."
        ),
        Stranger::RoleSession { session, role } => format!(
            "{session} is a session of {role}. End the role's sessions: in IAM's console, the role's tab \"Revoke \
             sessions\"."
        ),
        Stranger::UnknownSession { session } => format!(
            "{session} is exposed, but CloudTrail does not show whose session it is. Find out which user or role it \
             belongs to, and end its sessions."
        ),
        Stranger::Unknown { code, what } => format!(
            "AWS Health says {code} of {what:?}, which is no credential that Banto knows. Look at the event."
        ),
        Stranger::Nameless { code } => {
            format!("AWS Health says {code} and names no credential. Look at the event.")
        }
        Stranger::LeftAlone { credentials } => format!(
            "{} exposed, and nothing was done: rotation.emergencies is false in the policy. Disable the keys by hand.",
            are(credentials)
        ),
        Stranger::NoSuchUser { user } => format!(
            "A request names the user {user}, whom the account does not have. Send it again with the right name."
        ),
        Stranger::NoRecord { secret } => format!(
            "The secret {secret} is marked as an open record, but its tag banto:user names no user of that record. \
             Find out who tagged it."
        ),
    }
}

/// A credential of an account that is no identity account, and how it is ended there.
fn of_other_account(account: &AccountId, credential: &CredentialId) -> String {
    let is_key = credential.as_str().parse::<AccessKeyId>().is_ok();
    let end = if is_key {
        format!(
            "Disable it there: aws iam update-access-key --user-name USER --access-key-id {credential} --status \
             Inactive. Then revoke the sessions that were made with it."
        )
    } else {
        "Find out in CloudTrail there which user or role it belongs to, and end its sessions."
            .to_owned()
    };
    format!("{credential} is exposed in {account}, which is no identity account of Banto's. {end}")
}

/// The names, and the verb that goes with their number.
fn are(names: &BTreeSet<String>) -> String {
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let verb = if list.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", list.join(", "))
}

//! One's own status, on one screen or as JSON.

use banto_domain::policy::RotationPolicy;
use banto_domain::record::{Record, secret_name};
use jiff::Timestamp;
use rotate_access_keys::snapshot::{Certificate, Key, StoredRecord, Used, User};
use serde_json::{Value, json};

use super::super::counts::Counts;
use super::super::first_key;
use super::super::record::Kept;
use super::super::rows::row;
use super::look::Looked;
use super::next::{Outlook, outlook};
use crate::dates::{day, distance, in_words};
use crate::terminal::{Screen, Tone};

/// Where one's own key stands.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    looked: &'a Looked,
    outlook: Outlook,
    /// What the user should do, in sentences; the command is in each.
    todo: Vec<String>,
    /// Groups that the policy treats otherwise, and that a user may not ask about.
    groups: Vec<String>,
    now: Timestamp,
}

impl<'a> Standing<'a> {
    pub(super) fn of(looked: &'a Looked, policy: &RotationPolicy, now: Timestamp) -> Self {
        Self {
            outlook: outlook(&looked.identity, &looked.user, policy, now),
            todo: todo(looked, now),
            groups: policy
                .groups()
                .into_iter()
                .map(ToString::to_string)
                .collect(),
            looked,
            now,
        }
    }

    pub(super) fn has_something_to_do(&self) -> bool {
        !self.todo.is_empty()
    }

    pub(super) fn text(&self, screen: &Screen) -> String {
        let user = &self.looked.user;
        let title = format!("{} in {}", user.name, self.looked.identity.id);
        let mut parts = vec![screen.paint(Tone::Strong, &title)];
        if user.keys.is_empty() {
            parts.push("You have no access key.".to_owned());
        } else {
            let mut table = screen.table(&["access key", "state", "made", "last used"]);
            for key in &user.keys {
                table.add_row([
                    key.id.to_string(),
                    state(user, key),
                    distance(key.created_at, self.now),
                    self.last_use(&key.used),
                ]);
            }
            parts.push(table.to_string());
        }
        let rows = [
            ("Rotation", rotation(user, &self.looked.kept, self.now)),
            ("Certificate", self.certificate()),
        ];
        let mut lines: Vec<String> = rows
            .iter()
            .map(|(name, text)| row(screen, name, text))
            .collect();
        for (number, next) in self.outlook.next.iter().enumerate() {
            let name = if number == 0 { "Next" } else { "" };
            lines.push(row(
                screen,
                name,
                &format!("{}: {}", in_words(next.at, self.now), next.what),
            ));
        }
        lines.extend(
            self.outlook
                .waits
                .iter()
                .map(|wait| row(screen, "Waits for", wait)),
        );
        if !self.groups.is_empty() {
            let groups = self.groups.join(", ");
            let text =
                format!("dates may be others if you are in {groups}: you may not list your groups");
            lines.push(row(screen, "Note", &text));
        }
        parts.push(lines.join("\n"));
        parts.push(match self.todo.as_slice() {
            [] => screen.paint(Tone::Good, "Nothing to do."),
            todo => {
                let todo = todo
                    .iter()
                    .map(|todo| screen.wrapped(&format!("- {todo}"), 2));
                let todo: Vec<String> = todo.collect();
                format!(
                    "{}\n{}",
                    screen.paint(Tone::Warning, "To do:"),
                    todo.join("\n")
                )
            }
        });
        parts.join("\n\n")
    }

    pub(super) fn to_json(&self) -> Value {
        let user = &self.looked.user;
        let keys = user.keys.iter().map(|key| {
            let (used, service) = match &key.used {
                Used::Last(last) => (Some(last.at), Some(&last.service)),
                Used::Never | Used::Unknown => (None, None),
            };
            json!({
                "id": key.id, "active": key.active, "state": state(user, key),
                "createdAt": key.created_at, "lastUsedAt": used, "lastUsedService": service,
                "useIsKnown": key.used != Used::Unknown,
            })
        });
        let certificate = match &user.certificate {
            Certificate::Usable { fingerprint, .. } => json!({
                "usable": true, "fingerprint": fingerprint,
                "expiresAt": self.looked.certificate_ends,
                "counts": self.outlook.counts == Counts::Now,
                "countsFrom": match self.outlook.counts {
                    Counts::From(at) => Some(at),
                    _ => None,
                },
                "countsDaysAfterTold": match self.outlook.counts {
                    Counts::AfterTold(grace) => Some(grace.as_hours() / 24),
                    _ => None,
                },
            }),
            Certificate::Refused { code, reason } => {
                json!({ "usable": false, "code": code, "reason": reason })
            }
            Certificate::NotAsked | Certificate::Unknown(_) => Value::Null,
        };
        let latest = user.rotation().map(|rotation| {
            json!({
                "newKey": rotation.issued.key, "issuedAt": rotation.issued.created_at,
                "deliveredAt": rotation.delivered_at, "provenAt": rotation.proven_at,
                "withdrawnAt": rotation.withdrawn_at,
            })
        });
        let next = self.outlook.next.iter();
        let next: Vec<Value> = next
            .map(|next| json!({ "at": next.at, "what": next.what }))
            .collect();
        json!({
            "user": user.name, "account": self.looked.identity.id, "keys": keys.collect::<Vec<_>>(),
            "rotation": latest, "certificate": certificate, "next": next,
            "waits": self.outlook.waits, "todo": self.todo,
        })
    }

    fn last_use(&self, used: &Used) -> String {
        match used {
            Used::Unknown => "you may not ask".to_owned(),
            Used::Never => "never".to_owned(),
            Used::Last(last) => format!("{}, {}", distance(last.at, self.now), last.service),
        }
    }

    fn certificate(&self) -> String {
        match &self.looked.user.certificate {
            Certificate::Usable { fingerprint, .. } => {
                let ends = match self.looked.certificate_ends {
                    Some(at) => format!("expires {}", in_words(at, self.now)),
                    None => "never expires".to_owned(),
                };
                let counts = match &self.outlook.counts {
                    Counts::Now => String::new(),
                    other => format!(" {}", other.words()),
                };
                format!("{fingerprint}, {ends}, counts{counts}")
            }
            Certificate::Refused { code, .. } => format!("can't be used ({code}): see below"),
            Certificate::NotAsked | Certificate::Unknown(_) => "could not be looked at".to_owned(),
        }
    }
}

fn state(user: &User, key: &Key) -> String {
    let record = user.record();
    if record.is_some_and(|record| record.exposed.contains(&key.id)) {
        return "exposed".to_owned();
    }
    if !key.active {
        let disabled = record.and_then(|record| record.disabled.get(&key.id));
        return match disabled {
            Some(at) => format!("disabled by Banto, {}", day(*at)),
            None => "inactive".to_owned(),
        };
    }
    match user.rotation() {
        Some(rotation) if rotation.issued.key == key.id => match arrived(user) {
            Some(true) => "active".to_owned(),
            Some(false) => "new, waits for you".to_owned(),
            None => "new".to_owned(),
        },
        Some(rotation) if rotation.intent.existing_keys.contains(&key.id) => {
            "old, works still".to_owned()
        }
        _ => "active".to_owned(),
    }
}

/// True if the new key arrived: by the record, by a use or by an acknowledgement. `None` if a use
/// may not be asked for.
fn arrived(user: &User) -> Option<bool> {
    let rotation = user.rotation()?;
    let key = &rotation.issued.key;
    if rotation.proven_at.is_some() || user.acknowledged.as_ref() == Some(key) {
        return Some(true);
    }
    match user.key(key).map(|key| &key.used) {
        Some(Used::Last(_)) => Some(true),
        Some(Used::Unknown) => None,
        Some(Used::Never) | None => Some(false),
    }
}

/// Where the rotation stands, in a sentence.
fn rotation(user: &User, kept: &Kept, now: Timestamp) -> String {
    match &user.record {
        StoredRecord::Unreadable(why) => return format!("the record is not believed: {why}"),
        StoredRecord::FormerUser(_) => {
            return "none: the record is of a former user of this name".to_owned();
        }
        _ => {}
    }
    let Some(record) = user.record() else {
        return match kept {
            Kept::Denied(_) => "none, as far as you may see: no record can be read".to_owned(),
            _ => "none so far".to_owned(),
        };
    };
    if let Some(left) = &record.left {
        return format!(
            "you are recorded as having left, {}",
            in_words(left.at, now)
        );
    }
    if let Some(emergency) = &record.emergency {
        let at = in_words(emergency.contained_at, now);
        return format!("an emergency: exposed keys were disabled {at}");
    }
    if let Some(owed) = &record.owed {
        return format!(
            "a new key is owed to you, since {}",
            in_words(owed.asked_at, now)
        );
    }
    latest(user, record, now)
}

fn latest(user: &User, record: &Record, now: Timestamp) -> String {
    let Some(rotation) = &record.rotation else {
        return "none so far".to_owned();
    };
    let (key, made) = (
        &rotation.issued.key,
        in_words(rotation.issued.created_at, now),
    );
    if let Some(at) = rotation.withdrawn_at {
        return format!("the new key {key} was withdrawn {}", in_words(at, now));
    }
    match user.key(key) {
        None => return format!("{key} was made {made}, and is gone"),
        Some(live) if !live.active => return format!("{key} was made {made}, and is inactive"),
        Some(_) => {}
    }
    match arrived(user) {
        Some(true) => {}
        Some(false) => {
            return format!("the new key {key} was made {made}, and nobody has used it yet");
        }
        None => return format!("the new key {key} was made {made}; you may not ask for its use"),
    }
    let is_old = |old: &&Key| rotation.intent.existing_keys.contains(&old.id);
    match user.keys.iter().find(is_old) {
        Some(old) if old.active => format!(
            "the new key {key} arrived; {} is disabled once nobody uses it",
            old.id
        ),
        Some(old) => format!(
            "the new key {key} is in use; {} is disabled, and deleted in the end",
            old.id
        ),
        None => format!("done: {key} was made {made}, and is in use"),
    }
}

/// Sentences about what the user should do now.
fn todo(looked: &Looked, now: Timestamp) -> Vec<String> {
    let user = &looked.user;
    let mut todo = Vec::new();
    if user.record().is_some_and(|record| record.left.is_some()) {
        return vec!["If you did not leave, tell whoever operates Banto.".to_owned()];
    }
    if let StoredRecord::Unreadable(_) = &user.record {
        todo.push(format!(
            "Tell whoever operates Banto that your record ({}) is not believed.",
            secret_name(&user.name)
        ));
    }
    let waits = user
        .rotation()
        .filter(|rotation| rotation.withdrawn_at.is_none());
    let waits = waits.and_then(|rotation| user.key(&rotation.issued.key));
    if arrived(user) == Some(false) && waits.is_some_and(|key| key.active) {
        todo.push("Receive your new key: `banto keys fetch`.".to_owned());
    }
    match &user.certificate {
        Certificate::Refused { code, reason } => todo.push(match code.as_str() {
            "no-pin" | "no-certificate" => {
                "Register the certificate that new keys are sealed to: `banto keys register`."
                    .to_owned()
            }
            _ => format!("Mend your certificate, and call `banto keys register`. {reason}"),
        }),
        Certificate::Usable {
            expires_soon: Some(at),
            fingerprint,
            ..
        } => todo.push(format!(
            "Extend your certificate, which ends {}: `gpg --quick-set-expire {fingerprint} 2y`, \
             `gpg --quick-set-expire {fingerprint} 2y '*'`, `banto keys register`.",
            in_words(*at, now)
        )),
        _ => {}
    }
    if has_no_key(user) && matches!(user.certificate, Certificate::Usable { .. }) {
        todo.push(first_key(&user.name));
    }
    todo
}

/// True if there is no key that works, and none is owed or being made.
fn has_no_key(user: &User) -> bool {
    let comes = user
        .record()
        .is_some_and(|record| record.owed.is_some() || record.intent.is_some());
    !comes && user.keys.iter().all(|key| !key.active)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

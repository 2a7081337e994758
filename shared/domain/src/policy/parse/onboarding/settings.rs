//! Reads `[onboarding.settings]`.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::super::values::{at_most, boolean, integer, words};
use crate::policy::onboarding::{Contact, ContactKind, PasswordPolicy, Settings};
use crate::policy::section::Section;

/// Longest name, title, mail address and phone number of a contact, in characters. (Account
/// Management reference, `PutAlternateContact`.)
const NAME_CHARS: usize = 64;
const TITLE_CHARS: usize = 50;
const EMAIL_CHARS: usize = 254;
const PHONE_CHARS: usize = 25;

pub(super) fn settings_of(mut section: Section<'_, '_>, otherwise: Option<&Settings>) -> Settings {
    let mut settings = otherwise.cloned().unwrap_or_default();
    if let Some(value) = section.take("password_policy") {
        settings.password_policy = password_policy(section.of("password_policy", value));
    }
    let mut read = |key, otherwise| section.read(key, boolean).unwrap_or(otherwise);
    settings.block_public_access = read("block_public_access", settings.block_public_access);
    settings.ebs_encryption = read("ebs_encryption", settings.ebs_encryption);
    settings.delete_default_vpc = read("delete_default_vpc", settings.delete_default_vpc);
    if let Some(value) = section.take("contacts") {
        let mut contacts = section.of("contacts", value);
        for (name, kind) in ContactKind::ALL {
            if let Some(value) = contacts.take(name) {
                let contact = contact(contacts.of(name, value));
                settings
                    .contacts
                    .extend(contact.map(|contact| (kind, contact)));
            }
        }
        contacts.finish();
    }
    section.finish();
    settings
}

fn password_policy(mut section: Section<'_, '_>) -> Option<PasswordPolicy> {
    let mut read = |key, range: RangeInclusive<i64>| {
        section
            .read(key, |value| integer(value, range.clone()))
            .and_then(|number| i32::try_from(number).ok())
    };
    let minimum_length = read("minimum_length", 6..=128);
    let max_age_days = read("max_age_days", 1..=1_095);
    let reuse_prevention = read("reuse_prevention", 1..=24);
    let all_character_kinds = section.read("all_character_kinds", boolean).unwrap_or(true);
    section.finish();
    let minimum_length = minimum_length.unwrap_or(14);
    Some(PasswordPolicy {
        minimum_length,
        all_character_kinds,
        max_age_days,
        reuse_prevention,
    })
}

fn contact(mut section: Section<'_, '_>) -> Option<Contact> {
    let name = section.require("name", |value| at_most(NAME_CHARS, words(value)?));
    let title = section.require("title", |value| at_most(TITLE_CHARS, words(value)?));
    let email = section.require("email", email);
    let phone = section.require("phone", phone);
    section.finish();
    Some(Contact {
        name: name?,
        title: title?,
        email: email?,
        phone: phone?,
    })
}

// --- Values ------------------------------------------------------------------------------------

/// A mail address as AWS takes it. (Account Management reference, `PutAlternateContact`:
/// `[\s]*[\w+=.#|!&-]+@[\w.-]+\.[\w]+[\s]*`.)
fn email(value: &DeValue<'_>) -> Result<String, String> {
    let found = at_most(EMAIL_CHARS, words(value)?)?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_local = |byte: u8| is_word(byte) || b"+=.#|!&-".contains(&byte);
    let is_host = |byte: u8| is_word(byte) || b".-".contains(&byte);
    let parts = found.split_once('@');
    let parts = parts.and_then(|(local, host)| Some((local, host.rsplit_once('.')?)));
    let is_address = parts.is_some_and(|(local, (host, top))| {
        let all = |text: &str, is: &dyn Fn(u8) -> bool| !text.is_empty() && text.bytes().all(is);
        all(local, &is_local) && all(host, &is_host) && all(top, &is_word)
    });
    if is_address {
        Ok(found)
    } else {
        Err(format!(
            "must be a mail address of plain letters, digits and any of + = . # | ! & - _, but is {found:?}"
        ))
    }
}

/// A phone number as AWS takes it. (Account Management reference, `PutAlternateContact`:
/// `[\s0-9()+-]+`.)
fn phone(value: &DeValue<'_>) -> Result<String, String> {
    let found = at_most(PHONE_CHARS, words(value)?)?;
    let is_allowed = |byte: u8| byte.is_ascii_digit() || b" ()+-".contains(&byte);
    if found.bytes().all(is_allowed) {
        Ok(found)
    } else {
        Err(format!(
            "must hold digits, spaces, brackets, + and - only, but is {found:?}"
        ))
    }
}

//! What is in the key store of `sq` 1.x, by its listing. It has no form for programs.

use banto_domain::Fingerprint;

use super::Secret;

/// A key of the key store's listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) fingerprint: Fingerprint,
    /// Where the primary key is, if it is at hand.
    pub(super) primary: Option<Secret>,
    /// Where a key that decrypts is, if one is at hand.
    pub(super) encryption: Option<Secret>,
}

/// The certificates of `sq key list`.
pub(super) fn listed(text: &str) -> Vec<Listed> {
    let mut keys: Vec<Listed> = Vec::new();
    let (mut is_primary, mut decrypts) = (true, false);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let item = line.trim_start().strip_prefix("- ").unwrap_or_default();
        if let Ok(fingerprint) = item.parse::<Fingerprint>() {
            is_primary = indent == 1;
            decrypts = false;
            if is_primary {
                keys.push(Listed {
                    fingerprint,
                    primary: None,
                    encryption: None,
                });
            }
        }
        let Some(key) = keys.last_mut() else { continue };
        if item.starts_with("usable ") {
            decrypts = item.contains("decryption");
        }
        let Some(secret) = item.strip_prefix('@').and_then(location) else {
            continue;
        };
        if is_primary {
            key.primary.get_or_insert(secret.clone());
        }
        if decrypts {
            key.encryption = Some(secret);
        }
    }
    keys
}

/// The place in `@backend/device: available, unlocked`.
fn location(text: &str) -> Option<Secret> {
    let (place, state) = text.split_once(": ")?;
    let (backend, device) = place.split_once('/')?;
    if state.starts_with("not available") {
        return Some(Secret::Elsewhere);
    }
    Some(if backend == "openpgp-card" {
        Secret::Card {
            serial: device.to_owned(),
        }
    } else {
        Secret::Here
    })
}

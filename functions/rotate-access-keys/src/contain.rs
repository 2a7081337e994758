//! Ends the keys that AWS named, before anything else is looked at: no record, certificate or
//! notice stands between an exposed key and its end (R9).
//!
//! Deliberately absent: what follows from it (a new key, the owner's notice, sessions), which is
//! planned once the account was looked at.

use crate::event::Exposure;
use crate::ports::Ports;
use crate::snapshot::Contained;

/// Disables each named key, whatever happens to the others. A key that is inactive already is
/// disabled again: whether it is inactive may show late.
pub async fn contain(ports: &Ports, exposure: &Exposure, dry_run: bool) -> Vec<Contained> {
    let mut contained = Vec::new();
    for key in &exposure.keys {
        // GetAccessKeyLastUsed tells a key's owner too.
        let owner = ports.keys.usage(key).await.map(|usage| usage.owner);
        let mut sighted = Contained {
            key: key.clone(),
            owner,
            disabled: None,
        };
        if let Some(user) = sighted.user()
            && !dry_run
        {
            sighted.disabled = Some(ports.keys.set_active(user, key, false).await);
        }
        log(&sighted);
        contained.push(sighted);
    }
    contained
}

fn log(sighted: &Contained) {
    let Contained {
        key,
        owner,
        disabled,
    } = sighted;
    match (owner, disabled) {
        (Err(error), _) => {
            tracing::error!(key.id = %key, %error, "the owner of an exposed key could not be found");
        }
        (Ok(_), Some(Err(error))) => {
            tracing::error!(key.id = %key, %error, "an exposed key could not be disabled");
        }
        (Ok(_), Some(Ok(()))) => tracing::info!(key.id = %key, "exposed access key disabled"),
        (Ok(_), None) => {}
    }
}

//! An open record whose user is not found under its name: the user was renamed, or is gone.
//!
//! A user is who has the unique id. The keys that the record names lead to the present name.

use banto_domain::UserName;
use banto_domain::record::Record;
use banto_ports::{ErrorKind, KeyOwner, LiveUser, PortError};

use crate::ports::Ports;

/// The user whose record is kept under this name, if there still is one.
pub(super) async fn find(
    ports: &Ports,
    name: &UserName,
) -> Result<Option<(LiveUser, Record)>, PortError> {
    let Some(stored) = ports.records.read(name).await? else {
        return Ok(None);
    };
    let Ok(record) = Record::from_text(&stored.text) else {
        return Ok(None);
    };
    let keys = record.keys();
    for key in &keys {
        let owner = match ports.keys.usage(key).await {
            Ok(usage) => usage.owner,
            Err(error) if error.kind == ErrorKind::Missing => continue,
            Err(error) => return Err(error),
        };
        if let KeyOwner::User(present) = owner {
            let live = ports.keys.user(&present).await?;
            if live.id == record.user_id {
                return Ok(Some((live, record)));
            }
        }
    }
    Ok(None)
}

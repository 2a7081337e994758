//! An open record whose user is not found under its name: the user was renamed, or is gone.
//!
//! A user is who has the unique id. The keys that the record names lead to the present name.

use banto_domain::UserName;
use banto_domain::record::Record;
use banto_ports::{ErrorKind, KeyOwner, LiveUser, PortError};

use super::look::Look;
use super::stored::{self, Kept};

/// The call that reads a record.
const READ: &str = "secretsmanager:GetSecretValue";

/// The result of the search for the user of an open record.
pub(super) enum Found {
    /// The user has another name now.
    User(Box<(LiveUser, Record)>),
    /// The record is believed, and none of its keys leads to its user.
    Gone,
    /// The record itself is not there (any more).
    NoRecord,
}

/// Finds the user whose record is kept under this name.
///
/// # Errors
/// A failure of a call; or the record can't be read or is not believed, which tells nothing about
/// its user.
pub(super) async fn find(look: &Look<'_>, name: &UserName) -> Result<Found, PortError> {
    let record = match stored::read_kept(look, name, None).await? {
        Kept::Believed(record) => record,
        Kept::Refused(why) => return Err(PortError::new(ErrorKind::Invalid, READ, why)),
        Kept::Nothing => return Ok(Found::NoRecord),
    };
    let keys = record.keys();
    for key in &keys {
        let owner = match look.ports.keys.usage(key).await {
            Ok(usage) => usage.owner,
            Err(error) if error.kind == ErrorKind::Missing => continue,
            Err(error) => return Err(error),
        };
        if let KeyOwner::User(present) = owner {
            let live = look.ports.keys.user(&present).await?;
            if live.id == record.user_id {
                return Ok(Found::User(Box::new((live, *record))));
            }
        }
    }
    Ok(Found::Gone)
}

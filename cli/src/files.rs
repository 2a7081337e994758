//! Files that are there whole or not at all.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

/// Returns a new file in a folder, to be moved to its place when all of it is written, so that
/// nobody finds half of it.
///
/// Temporary files are for their owner alone; what a command leaves is for whoever may read the
/// folder.
///
/// # Errors
/// If the folder takes no file.
pub(crate) fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    let file = NamedTempFile::new_in(folder)?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    Ok(file)
}

/// Writes a file, in place of an earlier one if there is one.
///
/// # Errors
/// If it can't be written. The earlier one is still there then.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = unfinished(path.parent().unwrap_or(path))?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

//! A profile file replaced as a whole, so that nobody ever finds half of it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::document::Document;

/// Longest wait for another run that edits the same file. An edit takes milliseconds, so that who
/// holds the lock for this long has stopped.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Time between two looks at the lock. People don't notice it.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The bits of a file's mode by which others than its owner may read or change it.
const OTHERS: u32 = 0o077;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The file's bytes are other ones than before.
    pub changed: bool,
    /// Where the former ones are, if there were any and they were changed.
    pub backup: Option<PathBuf>,
    /// A sentence for the user, if others could read secrets in the former file.
    pub warning: Option<String>,
}

/// Looks whether a file can be replaced, and changes nothing.
///
/// # Errors
/// If it can't, with what would be right.
pub fn check_writable(path: &Path) -> Result<()> {
    let place = Place::of(path)?;
    match &place.found {
        Some(_) => place.check(),
        None => place.check_folder().map(drop),
    }
}

/// Replaces a file by an edited one. The file and its folder are made if they aren't there.
///
/// Runs that edit the same file wait for each other, so `edit` should be quick. The new file is
/// complete on disk before it takes the place of the old one, in one step.
///
/// # Errors
/// If the file can't be read, edited or written. The old one is still there then.
pub fn replace(path: &Path, edit: impl FnOnce(Document) -> Result<Document>) -> Result<Replaced> {
    replace_with(path, true, edit)
}

/// The same for the second edit of one run: the backup of the first one stays.
///
/// # Errors
/// As for [`replace`].
pub fn replace_again(
    path: &Path,
    edit: impl FnOnce(Document) -> Result<Document>,
) -> Result<Replaced> {
    replace_with(path, false, edit)
}

fn replace_with(
    path: &Path,
    makes_backup: bool,
    edit: impl FnOnce(Document) -> Result<Document>,
) -> Result<Replaced> {
    let place = Place::of(path)?;
    if place.found.is_none() {
        place.make_folder()?;
    }
    let _lock = place.lock()?;
    // Another run may have made or replaced the file meanwhile.
    let place = Place::of(path)?;
    place.check()?;
    place.clear()?;
    let old = place.read()?;
    let text = std::str::from_utf8(&old).map_err(|error| {
        let before = old.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        anyhow!(
            "{path}:{line}: not UTF-8: save the file as UTF-8",
            path = path.display()
        )
    })?;
    let document = Document::parse(text)
        .map_err(|refused| anyhow!("{}:{}: {}", path.display(), refused.line, refused.why))?;
    let new = edit(document).with_context(|| format!("{} stays as it is", path.display()))?;
    let mut done = Replaced {
        changed: new.text().as_bytes() != old.as_slice(),
        backup: None,
        warning: place.warning(text),
    };
    if !done.changed {
        return Ok(done);
    }
    if place.found.is_some() && makes_backup {
        let backup = beside(&place.named, "banto-backup");
        write(&old, &backup)?;
        done.backup = Some(backup);
    }
    // Another program, such as `aws configure`, knows nothing of the lock.
    if *place.read()? != *old {
        bail!(
            "{} was changed by another program at the same moment: call again",
            path.display()
        );
    }
    write(new.text().as_bytes(), &place.file)?;
    Ok(done)
}

/// Where a file really is, and what is there.
struct Place {
    /// As it was named, which may be a link. The backup lies beside it: a link may lead into a
    /// folder that is shared, as a repository, and what is in a backup is secret.
    named: PathBuf,
    file: PathBuf,
    folder: PathBuf,
    found: Option<fs::Metadata>,
}

impl Place {
    /// Follows links, so that what they lead to is replaced and not they.
    fn of(path: &Path) -> Result<Self> {
        let shown = path.display();
        let (file, found) = match fs::canonicalize(path) {
            Ok(file) => {
                let found =
                    fs::metadata(&file).with_context(|| format!("can't look at {shown}"))?;
                (file, Some(found))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    bail!(
                        "{shown} is a link to a file that isn't there: make that file, or remove \
                         the link"
                    );
                }
                (path.to_owned(), None)
            }
            Err(error) => return Err(error).with_context(|| format!("can't look at {shown}")),
        };
        let folder = folder_of(&file);
        Ok(Self {
            named: path.to_owned(),
            file,
            folder,
            found,
        })
    }

    /// Refuses whatever would fail later, or would be gone by being replaced.
    fn check(&self) -> Result<()> {
        let shown = self.file.display();
        let owner = self.check_folder()?;
        let Some(found) = &self.found else {
            return Ok(());
        };
        if !found.is_file() {
            bail!("{shown} is no file");
        }
        if owner.is_some_and(|owner| owner != found.uid()) {
            bail!("{shown} belongs to another user: take it over, for example by `sudo chown`");
        }
        // The superuser may write what is read-only, but its owner did not mean that either.
        if found.mode() & 0o200 == 0 {
            bail!("{shown} is read-only: call `chmod u+w` for it, and again");
        }
        if found.nlink() > 1 {
            bail!(
                "{shown} has a second name (a hard link), which would keep the old text: use a \
                 symbolic link instead"
            );
        }
        let folder = folder_of(&self.named);
        if folder != self.folder {
            takes_files(&folder)?;
        }
        let writable = OpenOptions::new().append(true).open(&self.file);
        writable
            .map(drop)
            .with_context(|| format!("{shown} can't be written"))
    }

    /// Returns who owns what this process makes, having made a file in the folder and taken it
    /// away again. Nobody knows where there is no folder yet.
    fn check_folder(&self) -> Result<Option<u32>> {
        let shown = self.folder.display();
        let folder = match fs::metadata(&self.folder) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("can't look at {shown}")),
        };
        if folder.mode() & 0o200 == 0 {
            bail!("the folder {shown} is read-only: call `chmod u+w` for it, and again");
        }
        takes_files(&self.folder).map(Some)
    }

    fn make_folder(&self) -> Result<()> {
        let missing = !self.folder.exists();
        let made = fs::create_dir_all(&self.folder).and_then(|()| match missing {
            true => fs::set_permissions(&self.folder, Permissions::from_mode(0o700)),
            false => Ok(()),
        });
        made.with_context(|| format!("can't make the folder {}", self.folder.display()))
    }

    /// Waits for other runs. The file of the lock stays: to remove it is to let two of them in.
    fn lock(&self) -> Result<File> {
        let path = beside(&self.file, "banto-lock");
        let shown = path.display();
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).mode(0o600);
        let file = options.open(&path);
        let file = file.with_context(|| format!("can't write {shown}"))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => {
                    sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => bail!(
                    "another run has held {shown} for {} seconds: end it, and call again",
                    LOCK_TIMEOUT.as_secs()
                ),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("can't lock {shown}"));
                }
            }
        }
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>> {
        match fs::read(&self.file) {
            Ok(bytes) => Ok(Zeroizing::new(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Zeroizing::default()),
            Err(error) => Err(error).with_context(|| format!("can't read {}", self.file.display())),
        }
    }

    /// Removes what a run left that was ended while it wrote: the lock says that it is nobody's any
    /// more, and there may be a secret in it.
    fn clear(&self) -> Result<()> {
        for written in [self.file.clone(), beside(&self.named, "banto-backup")] {
            let left = beside(&written, "banto-new");
            match fs::remove_file(&left) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("can't remove {}", left.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn warning(&self, text: &str) -> Option<String> {
        let mode = self.found.as_ref()?.mode();
        let secret = text.contains("aws_secret_access_key") || text.contains("aws_session_token");
        (secret && mode & OTHERS != 0).then(|| {
            format!(
                "others could read the secrets in {} (mode {:03o}); the new file is for you alone",
                self.file.display(),
                mode & 0o777
            )
        })
    }
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Makes a file in a folder, takes it away again, and returns whose it was.
fn takes_files(folder: &Path) -> Result<u32> {
    let tried = NamedTempFile::with_prefix_in(".banto-", folder);
    let tried =
        tried.with_context(|| format!("the folder {} takes no new file", folder.display()))?;
    Ok(tried.as_file().metadata()?.uid())
}

/// Writes a file beside the place of another, and then puts it there.
fn write(bytes: &[u8], to: &Path) -> Result<()> {
    let new = beside(to, "banto-new");
    let written = (|| {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, to)?;
        File::open(folder_of(to))?.sync_all()
    })();
    written.with_context(|| format!("can't write {}", to.display()))
}

/// A path in the same folder, where a file can be renamed in one step.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file.file_name().unwrap_or_default());
    name.push(".");
    name.push(suffix);
    folder_of(file).join(name)
}

//! How a file is replaced, and what stands in the way of that.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use tempfile::TempDir;

use super::super::{Document, Replaced, check_writable, replace, replace_again};

const FILE: &str = "[a]\naws_secret_access_key = old\n";

fn file() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("credentials");
    fs::write(&path, FILE).unwrap();
    chmod(&path, 0o600);
    (folder, path)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn set(path: &Path, key: &str, value: &str) -> Result<Replaced> {
    replace(path, |mut document| {
        document.set("a", key, value)?;
        Ok(document)
    })
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

/// Asserts that a file is refused by both, and that nothing at all was made or changed.
fn refused(folder: &Path, path: &Path, why: &str) {
    let before = names(folder);
    let looked = format!("{:#}", check_writable(path).unwrap_err());
    assert!(looked.contains(why), "{looked}");
    assert_eq!(names(folder), before);
    let replaced = format!("{:#}", set(path, "region", "eu-west-1").unwrap_err());
    assert!(replaced.contains(why), "{replaced}");
}

#[test]
fn a_replaced_file_is_for_its_owner_and_has_a_backup() {
    let (folder, path) = file();
    check_writable(&path).unwrap();
    let done = set(&path, "aws_secret_access_key", "new").unwrap();
    let backup = folder.path().join("credentials.banto-backup");
    assert_eq!(
        done,
        Replaced {
            changed: true,
            backup: Some(backup.clone()),
            warning: None
        }
    );
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        FILE.replace("old", "new")
    );
    assert_eq!(fs::read_to_string(&backup).unwrap(), FILE);
    assert_eq!((mode(&path), mode(&backup)), (0o600, 0o600));
    assert_eq!(
        names(folder.path()),
        [
            "credentials",
            "credentials.banto-backup",
            "credentials.banto-lock"
        ]
    );
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing() {
    let (folder, path) = file();
    let before = fs::metadata(&path).unwrap().ino();
    let done = set(&path, "aws_secret_access_key", "old").unwrap();
    assert!(!done.changed && done.backup.is_none());
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
    assert_eq!(
        names(folder.path()),
        ["credentials", "credentials.banto-lock"]
    );
}

#[test]
fn a_file_that_is_not_there_is_made_with_its_folder() {
    let home = TempDir::new().unwrap();
    let path = home.path().join(".aws").join("credentials");
    check_writable(&path).unwrap();
    assert!(names(home.path()).is_empty());
    let done = set(&path, "region", "eu-west-1").unwrap();
    assert!(done.changed && done.backup.is_none());
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "[a]\nregion = eu-west-1\n"
    );
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let (folder, path) = file();
    let link = folder.path().join("link");
    symlink("credentials", &link).unwrap();
    set(&link, "region", "eu-west-1").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&path).unwrap().contains("eu-west-1"));
    // Two names of one file have one lock.
    assert!(!folder.path().join("link.banto-lock").exists());

    fs::remove_file(&path).unwrap();
    refused(folder.path(), &link, "a link to a file that isn't there");
}

#[test]
fn what_is_secret_stays_out_of_the_folder_that_a_link_leads_to() {
    let (repository, path) = file();
    let home = TempDir::new().unwrap();
    let link = home.path().join("credentials");
    symlink(&path, &link).unwrap();
    let done = set(&link, "aws_secret_access_key", "new").unwrap();
    let backup = home.path().join("credentials.banto-backup");
    assert_eq!(done.backup.as_ref(), Some(&backup));
    assert_eq!(fs::read_to_string(&backup).unwrap(), FILE);
    assert_eq!(mode(&backup), 0o600);
    let new = FILE.replace("old", "new");
    assert_eq!(fs::read_to_string(&path).unwrap(), new);
    assert_eq!(
        names(repository.path()),
        ["credentials", "credentials.banto-lock"]
    );
    // What a run left that was ended in the middle of its backup.
    let left = home.path().join("credentials.banto-backup.banto-new");
    fs::write(&left, FILE).unwrap();
    set(&link, "region", "eu-west-1").unwrap();
    assert_eq!(
        names(home.path()),
        ["credentials", "credentials.banto-backup"]
    );
}

#[test]
fn the_second_edit_of_a_run_keeps_the_backup_of_the_first() {
    let (folder, path) = file();
    set(&path, "region", "eu-west-1").unwrap();
    let again = replace_again(&path, |mut document| {
        document.set("a", "region", "eu-west-2")?;
        Ok(document)
    });
    assert_eq!(again.unwrap().backup, None);
    assert!(fs::read_to_string(&path).unwrap().contains("eu-west-2"));
    let backup = folder.path().join("credentials.banto-backup");
    assert_eq!(fs::read_to_string(backup).unwrap(), FILE);
}

#[test]
fn a_read_only_file_is_refused() {
    let (folder, path) = file();
    chmod(&path, 0o400);
    refused(folder.path(), &path, "is read-only");
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
}

#[test]
fn a_read_only_folder_is_refused() {
    let (folder, path) = file();
    chmod(folder.path(), 0o500);
    let before = names(folder.path());
    let error = format!("{:#}", check_writable(&path).unwrap_err());
    assert!(error.contains("is read-only"), "{error}");
    assert_eq!(names(folder.path()), before);
    chmod(folder.path(), 0o700);
}

#[test]
fn what_is_no_file_or_has_two_names_is_refused() {
    let (folder, path) = file();
    refused(folder.path(), folder.path(), "is no file");
    fs::hard_link(&path, folder.path().join("second")).unwrap();
    refused(folder.path(), &path, "has a second name");
}

#[test]
fn another_users_file_is_refused() {
    let (folder, path) = file();
    // Only the superuser can give a file away, so that nobody else can be shown this.
    if chown(&path, Some(65_534), None).is_ok() {
        refused(folder.path(), &path, "belongs to another user");
    }
}

#[test]
fn secrets_that_others_could_read_are_told_and_no_longer_readable() {
    let (_folder, path) = file();
    chmod(&path, 0o644);
    let done = set(&path, "region", "eu-west-1").unwrap();
    let warning = done.warning.unwrap();
    assert!(
        warning.contains("others could read the secrets"),
        "{warning}"
    );
    assert!(warning.contains("mode 644"), "{warning}");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(set(&path, "region", "eu-west-2").unwrap().warning, None);
}

#[test]
fn an_edit_that_fails_leaves_the_file() {
    let (folder, path) = file();
    let error = replace(&path, |_document| anyhow::bail!("no")).unwrap_err();
    assert!(format!("{error:#}").ends_with("credentials stays as it is: no"));
    assert_eq!(
        names(folder.path()),
        ["credentials", "credentials.banto-lock"]
    );

    fs::write(&path, b"[a]\n\nx = \xff\n").unwrap();
    let error = set(&path, "region", "eu-west-1").unwrap_err();
    assert!(
        error.to_string().contains("credentials:3: not UTF-8"),
        "{error}"
    );
}

#[test]
fn what_another_program_wrote_at_the_same_moment_is_not_overwritten() {
    let (_folder, path) = file();
    let theirs = "[a]\nregion = eu-west-9\n";
    let error = replace(&path, |mut document: Document| {
        fs::write(&path, theirs)?;
        document.set("a", "region", "eu-west-1")?;
        Ok(document)
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("changed by another program"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
}

/// The variable by which a test that starts itself as another process knows that it is that one.
const EDIT: &str = "BANTO_TEST_EDITS";

fn start(test: &str, path: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", &format!("profiles::tests::files::{test}")])
        .env(EDIT, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn processes_that_edit_one_file_wait_for_each_other() {
    const PROCESSES: usize = 4;
    const EDITS: usize = 25;
    if let Some(path) = env::var_os(EDIT) {
        for number in 0..EDITS {
            let key = format!("k{}_{number}", std::process::id());
            set(Path::new(&path), &key, "v").unwrap();
        }
        return;
    }
    let (_folder, path) = file();
    let test = "processes_that_edit_one_file_wait_for_each_other";
    let children = (0..PROCESSES).map(|_| start(test, &path).spawn().unwrap());
    for mut child in children.collect::<Vec<_>>() {
        assert!(child.wait().unwrap().success());
    }
    let document = Document::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(document.entries("a").count(), 1 + PROCESSES * EDITS);
}

#[test]
fn a_process_that_is_killed_leaves_the_old_file_or_the_new_one() {
    const KILLS: u64 = 25;
    let value = |number: usize| format!("{number}-{}", "x".repeat(200_000));
    if let Some(path) = env::var_os(EDIT) {
        for number in 0.. {
            set(Path::new(&path), "aws_secret_access_key", &value(number)).unwrap();
        }
    }
    let (folder, path) = file();
    let is_whole = || {
        let document = Document::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        let found = document.get("a", "aws_secret_access_key").unwrap();
        let number = found.split('-').next().unwrap().parse();
        assert!(
            found == "old" || number.is_ok_and(|number| found == value(number)),
            "{} bytes",
            found.len()
        );
    };
    let test = "a_process_that_is_killed_leaves_the_old_file_or_the_new_one";
    for round in 0..KILLS {
        let mut child = start(test, &path).spawn().unwrap();
        // Some are killed before their first edit, most in the middle of one.
        let end = Instant::now() + Duration::from_millis(round * 8);
        while Instant::now() < end {
            is_whole();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        is_whole();
        // Nobody holds the lock any more, and what was left is in nobody's way.
        set(&path, "aws_secret_access_key", "old").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
        assert!(!folder.path().join("credentials.banto-new").exists());
    }
}

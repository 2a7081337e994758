//! Sequoia's `sq`: the one in PATH, and a second one if `BANTO_SQ` names it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use banto_seal::Certificate;

use super::home::{Home, Tried, in_path, is_credential, make, soon, stored};
use crate::openpgp::{Kind, OpenPgpError, Program, Secret, judge};

/// Runs a program on a terminal of its own.
const WITH_TERMINAL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/openpgp/tests/with_terminal.py"
);

/// The programs that are there.
fn paths() -> Vec<PathBuf> {
    let second = std::env::var_os("BANTO_SQ").map(PathBuf::from);
    in_path("sq").into_iter().chain(second).collect()
}

/// The program on a terminal of its own, where this is typed whenever it asks.
async fn typing(home: &Home, sq: &Program, answer: &str) -> Tried<Program> {
    let script = format!(
        "#!/bin/sh\nexec python3 '{WITH_TERMINAL}' '{answer}' '{}' \"$@\"\n",
        sq.path().display()
    );
    let typing = home.program(home.script("typing", &script)?).await?;
    Ok(match sq.key_file() {
        Some(file) => typing.with_key_file(file.to_owned()),
        None => typing,
    })
}

/// Makes a key, in a file or in the key store, lists it, seals to it, opens that, and acknowledges.
async fn all_the_way(home: &Home, sq: &Program) -> Tried {
    let typist = typing(home, sq, "a passphrase\n").await?;
    let made = make(&typist, "alice@example.com").await?;
    let own = sq.own().await?;
    let candidate = own.iter().find(|own| own.fingerprint == made).unwrap();
    assert_eq!(candidate.user_ids, ["Alice <alice@example.com>"]);
    assert_eq!(
        (&candidate.primary, &candidate.encryption),
        (&Secret::Here, &Some(Secret::Here))
    );
    let certificate = sq.export(&made).await?;
    let judged = judge(&certificate, &[], &made, soon())?;
    assert_eq!(judged.expires_soon, None);
    assert!(
        judged
            .expires_at
            .is_some_and(|at| at < soon() + jiff::SignedDuration::from_hours(24 * 732))
    );
    let envelope = stored(&certificate, &made)?;
    assert!(is_credential(&typist.decrypt(&envelope).await?));
    let signed = typist.clearsign("AKIAIOSFODNN7EXAMPLE\n", &made).await?;
    let key = "AKIAIOSFODNN7EXAMPLE".parse()?;
    judged
        .certificate
        .check_acknowledgement(&signed, &key, soon())?;

    // Another key, which this one vouches for.
    let other = Home::new()?;
    let newer = other.program(sq.path()).await?;
    let newer = match sq.key_file() {
        Some(_) => newer.with_key_file(other.path("key.pgp")),
        None => newer,
    };
    let fingerprint = typing(&other, &newer, "another\n").await?;
    let fingerprint = make(&fingerprint, "alice@example.org").await?;
    let new = newer.export(&fingerprint).await?;
    let certified = typist.certify(&new, &made, soon()).await?;
    assert!(Certificate::read(&certified)?.is_certified_by(&judged.certificate, soon()));

    let failed = newer.decrypt(&envelope).await;
    assert!(
        matches!(failed, Err(OpenPgpError::NoKey { .. })),
        "{failed:?}"
    );
    let cancelling = typing(home, sq, "\u{4}").await?;
    match cancelling.decrypt(&envelope).await {
        Err(OpenPgpError::Cancelled) => {}
        // It does not tell one from the other, so both are told.
        Err(error @ OpenPgpError::NoKey { .. }) if sq.kind() == Kind::Sq => {
            assert!(sq.key_file().is_some());
            assert!(
                error
                    .to_string()
                    .contains("the password of the one in the file was not typed")
            );
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn a_key_in_a_file_does_all_that_the_rotator_wants_and_the_file_is_private() -> Tried {
    for path in paths() {
        let home = Home::new()?;
        let file = home.path("key.pgp");
        let sq = home.program(&path).await?.with_key_file(file.clone());
        assert_eq!(sq.own().await?, []);
        all_the_way(&home, &sq).await?;
        for name in ["key.pgp", "key.pgp.rev"] {
            let mode = std::fs::metadata(home.path(name))?.permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name} by {sq}");
        }
        let before = std::fs::read(&file)?;
        let failed = make(&sq, "alice@example.com").await;
        assert!(matches!(failed, Err(OpenPgpError::FileExists(_))));
        assert_eq!(std::fs::read(&file)?, before);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_in_the_key_store_does_all_that_the_rotator_wants() -> Tried {
    for path in paths() {
        let home = Home::new()?;
        let sq = home.program(&path).await?;
        if sq.kind() == Kind::Sq {
            all_the_way(&home, &sq).await?;
        } else {
            let failed = sq.own().await;
            assert!(matches!(failed, Err(OpenPgpError::NeedsKeyFile { .. })));
            let failed = make(&sq, "alice@example.com").await;
            assert!(matches!(failed, Err(OpenPgpError::NeedsKeyFile { .. })));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_could_not_be_made_leaves_no_file() -> Tried {
    for path in paths() {
        let home = Home::new()?;
        let file = home.path("key.pgp");
        let sq = home.program(&path).await?.with_key_file(file.clone());
        let failed = make(&typing(&home, &sq, "\u{4}").await?, "alice@example.com").await;
        assert!(failed.is_err());
        assert!(!file.exists() && !home.path("key.pgp.rev").exists());
    }
    Ok(())
}

/// The variable by which the test below, which starts itself on a terminal of its own, knows that it
/// is there: the home, and the program.
const ON_A_TERMINAL: [&str; 2] = ["BANTO_TEST_HOME", "BANTO_TEST_SQ"];

#[tokio::test]
async fn ctrl_c_at_the_question_for_a_password_leaves_no_file() -> Tried {
    let [home, path] = ON_A_TERMINAL.map(std::env::var_os);
    if let (Some(home), Some(path)) = (home, path) {
        let file = PathBuf::from(&home).join("key.pgp");
        let sq = Program::at(path.as_ref(), vec![("SEQUOIA_HOME".into(), home)]).await?;
        let error = make(&sq.with_key_file(file), "alice@example.com")
            .await
            .unwrap_err();
        assert!(matches!(error, OpenPgpError::Interrupted(_)), "{error}");
        return Ok(());
    }
    for path in paths() {
        let home = Home::new()?;
        let ended = std::process::Command::new("python3")
            .args([WITH_TERMINAL, "\u{3}"])
            .arg(std::env::current_exe()?)
            .args([
                "--exact",
                "openpgp::tests::sq::ctrl_c_at_the_question_for_a_password_leaves_no_file",
            ])
            .env(ON_A_TERMINAL[0], home.path(""))
            .env(ON_A_TERMINAL[1], &path)
            .output()?;
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(
            ended.status.success() && said.contains("1 passed"),
            "{said}"
        );
        for name in ["key.pgp", "key.pgp.rev"] {
            assert!(!home.path(name).exists(), "{name} by {}", path.display());
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_file_that_a_killed_process_left_is_in_nobodys_way() -> Tried {
    for path in paths() {
        let home = Home::new()?;
        let file = home.path("key.pgp");
        std::fs::write(&file, "")?;
        std::fs::write(home.path("key.pgp.rev"), "")?;
        let sq = home.program(&path).await?.with_key_file(file);
        // No key is there yet, as without the file.
        let programs = [sq.clone()];
        assert_eq!(crate::openpgp::own(&programs).await?, []);
        let typist = typing(&home, &sq, "a passphrase\n").await?;
        make(&typist, "alice@example.com").await?;
    }
    Ok(())
}

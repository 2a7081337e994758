//! Programs that misbehave, and programs that are too old: scripts stand in for them.

use std::time::{Duration, Instant};

use super::home::{Home, SECRET, Tried};
use crate::openpgp::{OpenPgpError, Program};

/// A script that says that it is gpg 2.2.40, and does something else when it is called.
async fn acting(home: &Home, lines: &str) -> Tried<Program> {
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'gpg (GnuPG) 2.2.40'; exit; fi\n{lines}\n"
    );
    home.program(home.script("gpg", &script)?).await
}

#[tokio::test]
async fn a_program_that_dies_midway_leaves_an_error_without_what_was_decrypted() -> Tried {
    let home = Home::new()?;
    let lines = format!("echo 'half of {SECRET}'; echo 'gpg: fatal: out of luck' >&2; kill -9 $$");
    let failed = acting(&home, &lines).await?.decrypt(b"").await.unwrap_err();
    let told = failed.to_string();
    assert!(
        told.contains("could not decrypt the envelope (signal: 9 (SIGKILL))"),
        "{told}"
    );
    assert!(
        told.ends_with("It said:\ngpg: fatal: out of luck"),
        "{told}"
    );
    assert!(!format!("{failed:?}").contains(SECRET));
    Ok(())
}

#[tokio::test]
async fn a_program_that_fails_after_it_wrote_all_has_decrypted_nothing() -> Tried {
    let home = Home::new()?;
    let gpg = acting(
        &home,
        "echo '{}'; echo '[GNUPG:] DECRYPTION_OKAY' >&2; exit 2",
    )
    .await?;
    assert!(matches!(
        gpg.decrypt(b"").await,
        Err(OpenPgpError::Failed { .. })
    ));
    let gpg = acting(&home, "echo '{}'; exit 0").await?;
    assert!(
        gpg.decrypt(b"").await.is_err(),
        "it did not say that all was right"
    );
    Ok(())
}

#[tokio::test]
async fn a_program_gets_its_homes_and_no_access_key() -> Tried {
    let home = Home::new()?;
    let gpg = home.script(
        "gpg",
        "#!/bin/sh\necho 'gpg (GnuPG) 2.2.40'; env >&2; exit 2\n",
    )?;
    let mut environment = home.environment();
    environment.push(("AWS_SECRET_ACCESS_KEY".into(), SECRET.into()));
    environment.push(("PLAIN".into(), "is kept".into()));
    let program = Program::at(&gpg, environment).await?;
    let ended = program.call("say", ["its variables"]).run().await?;
    assert!(ended.errors.contains("GNUPGHOME=") && ended.errors.contains("PLAIN=is kept"));
    assert!(!ended.errors.contains("AWS_") && !ended.errors.contains(SECRET));
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_interrupted_says_so() -> Tried {
    let home = Home::new()?;
    // Who starts tests in the background has them ignore the signal, and a shell can't undo that.
    let interrupted =
        "import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), 2)";
    let gpg = acting(&home, &format!("exec python3 -c '{interrupted}'")).await?;
    assert!(matches!(
        gpg.decrypt(b"").await,
        Err(OpenPgpError::Interrupted(_))
    ));
    Ok(())
}

#[tokio::test]
async fn a_program_that_writes_without_end_is_stopped() -> Tried {
    let home = Home::new()?;
    let failed = acting(&home, "exec yes")
        .await?
        .decrypt(b"")
        .await
        .unwrap_err();
    assert!(
        matches!(failed, OpenPgpError::TooMuch { limit: 262_144, .. }),
        "{failed}"
    );
    // Its complaints are cut to their end, and it is heard out.
    let gpg = acting(&home, "seq 100000 >&2; echo 'the last' >&2; exit 2").await?;
    let told = gpg.decrypt(b"").await.unwrap_err().to_string();
    assert!(told.lines().count() <= 7 && told.len() < 500, "{told}");
    Ok(())
}

#[tokio::test]
async fn a_daemon_that_keeps_the_pipes_open_holds_nothing_up() -> Tried {
    let home = Home::new()?;
    let pid = home.path("pid").display().to_string();
    let lines =
        format!("sleep 300 & echo $! > {pid}; echo '{{}}'; echo '[GNUPG:] DECRYPTION_OKAY' >&2");
    let gpg = acting(&home, &lines).await?;
    let started = Instant::now();
    let plaintext = gpg.decrypt(b"").await?;
    std::process::Command::new("kill")
        .arg(std::fs::read_to_string(&pid)?.trim())
        .status()?;
    assert_eq!(plaintext.as_slice(), b"{}\n");
    assert!(started.elapsed() < Duration::from_secs(200));
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_program() -> Tried {
    let home = Home::new()?;
    let pid = home.path("pid");
    let gpg = acting(
        &home,
        &format!("echo $$ > {}; exec sleep 300", pid.display()),
    )
    .await?;
    let started = async {
        loop {
            let written = std::fs::read_to_string(&pid).unwrap_or_default();
            if written.ends_with('\n') {
                break written;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let process = tokio::select! {
        _ = gpg.decrypt(b"") => panic!("it ended by itself"),
        process = started => process,
    };
    let state = std::path::Path::new("/proc").join(process.trim());
    while std::fs::read_to_string(state.join("stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

#[tokio::test]
async fn programs_that_are_too_old_are_named_and_without_any_it_is_said_what_to_install() -> Tried {
    let home = Home::new()?;
    let folder = home.path("").into_os_string();
    let told = Program::found_in(&folder, &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("Install GnuPG 2.2 or later") && told.ends_with("Neither is in PATH."));
    home.script("gpg", "#!/bin/sh\necho 'gpg (GnuPG) 1.4.23'\n")?;
    home.script(
        "sq",
        "#!/bin/sh\necho 'sq 0.33.0 (sequoia-openpgp 1.21.1, using Nettle)'\n",
    )?;
    let told = Program::found_in(&folder, &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("gpg 1.4.23 (2.2 or later is needed)"),
        "{told}"
    );
    assert!(
        told.contains("sq 0.33.0 (0.27, or 1.0 and later, is needed)"),
        "{told}"
    );
    home.script("gpg", "#!/bin/sh\necho 'gpg (GnuPG/MacGPG2) 2.4.7'\n")?;
    let found = Program::found_in(&folder, &[]).await?;
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["gpg 2.4.7"]);
    Ok(())
}

//! GnuPG, as a person has it: an agent, a pinentry, keys of several kinds.

use banto_seal::Certificate;

use super::home::{Home, SECRET, Tried, is_credential, make, soon, stored};
use crate::openpgp::{OpenPgpError, Secret, decrypt, judge, own};

#[tokio::test]
async fn a_key_that_gpg_makes_is_listed_judged_sealed_to_and_acknowledged_with() -> Tried {
    let home = Home::new()?;
    let Some(gpg) = home.gpg().await? else {
        return Ok(());
    };
    let made = gpg
        .generate(&"Alice: Example".parse()?, &"alice@example.com".parse()?)
        .await?;
    let [candidate] = &own(std::slice::from_ref(&gpg)).await?[..] else {
        panic!("it is not the only one")
    };
    assert_eq!(candidate.fingerprint, made);
    assert_eq!(candidate.user_ids, ["Alice: Example <alice@example.com>"]);
    assert_eq!(
        (&candidate.primary, &candidate.encryption),
        (&Secret::Here, &Some(Secret::Here))
    );
    let certificate = gpg.export(&made).await?;
    let judged = judge(&certificate, &[], &made, soon())?;
    assert_eq!(judged.expires_soon, None);
    let lifetime = judged.expires_at.unwrap().duration_since(soon());
    assert!((729..=732).contains(&(lifetime.as_hours() / 24)));
    // The passphrase that was just typed is still known to the agent.
    home.kill_agents();
    let plaintext = decrypt(std::slice::from_ref(&gpg), &stored(&certificate, &made)?).await?;
    assert!(is_credential(&plaintext));
    let signed = gpg.clearsign("AKIAIOSFODNN7EXAMPLE\n", &made).await?;
    let key = "AKIAIOSFODNN7EXAMPLE".parse()?;
    judged
        .certificate
        .check_acknowledgement(&signed, &key, soon())?;
    Ok(())
}

#[tokio::test]
async fn envelopes_for_rsa_curve25519_and_p256_are_opened_by_the_right_one_of_several_keys() -> Tried
{
    let home = Home::new()?;
    let Some(gpg) = home.gpg().await? else {
        return Ok(());
    };
    for kinds in [
        ("rsa2048", "rsa2048"),
        ("ed25519", "cv25519"),
        ("nistp256", "nistp256"),
    ] {
        let mail = format!("{}@example.com", kinds.0);
        let made = home.make(&gpg, &mail, kinds.0, Some(kinds.1)).await?;
        let certificate = gpg.export(&made).await?;
        let plaintext = gpg.decrypt(&stored(&certificate, &made)?).await?;
        assert!(is_credential(&plaintext), "{kinds:?}");
    }
    let own = own(&[gpg.clone(), gpg]).await?;
    assert_eq!(
        own.len(),
        3,
        "two programs with the same keys are no more keys"
    );
    assert!(own.is_sorted_by(|one, next| one.created_at >= next.created_at));
    Ok(())
}

#[tokio::test]
async fn what_the_rotator_refuses_is_refused_with_its_code_and_words() -> Tried {
    let home = Home::new()?;
    let Some(gpg) = home.gpg().await? else {
        return Ok(());
    };
    let sign_only = home.make(&gpg, "sign@example.com", "ed25519", None).await?;
    let refused = judge(&gpg.export(&sign_only).await?, &[], &sign_only, soon()).unwrap_err();
    assert_eq!(refused.code, "no-encryption-subkey");
    assert!(
        refused
            .words
            .contains(&format!("gpg --quick-add-key {sign_only}")),
        "{refused}"
    );
    let candidates = gpg.own().await?;
    assert_eq!(candidates[0].encryption, None);
    assert_eq!(gpg.card().await?, None, "no card is no error");

    let old = home
        .make(&gpg, "old@example.com", "ed25519", Some("cv25519"))
        .await?;
    let long_after = soon() + jiff::SignedDuration::from_hours(24 * 800);
    let refused = judge(&gpg.export(&old).await?, &[], &old, long_after).unwrap_err();
    assert_eq!(refused.code, "expired");

    let file = home.path(&format!("openpgp-revocs.d/{old}.rev"));
    let revocation = std::fs::read_to_string(&file)?.replace(":-----BEGIN", "-----BEGIN");
    std::fs::write(&file, revocation)?;
    home.quietly(&["--import", &file.display().to_string()])?;
    let refused = judge(&gpg.export(&old).await?, &[], &old, soon()).unwrap_err();
    assert_eq!(refused.code, "revoked");
    let refused = judge(&gpg.export(&old).await?, &[], &sign_only, soon()).unwrap_err();
    assert_eq!(refused.code, "wrong-fingerprint");
    Ok(())
}

#[tokio::test]
async fn each_end_of_the_question_for_a_passphrase_has_its_own_error() -> Tried {
    let home = Home::new()?;
    let Some(gpg) = home.gpg().await? else {
        return Ok(());
    };
    let made = make(&gpg, "alice@example.com").await?;
    let envelope = stored(&gpg.export(&made).await?, &made)?;
    // The agent forgets the passphrase by being ended.
    let decrypt = async |answer: &str| {
        home.kill_agents();
        home.answer(answer).unwrap();
        gpg.decrypt(&envelope).await.unwrap_err()
    };
    let cancelled = "ERR 83886179 Operation cancelled <Pinentry>";
    assert!(matches!(decrypt(cancelled).await, OpenPgpError::Cancelled));
    assert!(matches!(
        decrypt("wrong").await,
        OpenPgpError::BadPassphrase
    ));
    let timed_out = decrypt("ERR 83886142 Timeout <Pinentry>").await;
    assert!(matches!(timed_out, OpenPgpError::TimedOut));
    let no_terminal = decrypt("ERR 83918950 Inappropriate ioctl for device <Pinentry>").await;
    assert!(matches!(no_terminal, OpenPgpError::NoTerminal));
    home.answer(cancelled)?;
    let signed = gpg.clearsign("AKIAIOSFODNN7EXAMPLE", &made).await;
    assert!(matches!(signed, Err(OpenPgpError::Cancelled)));
    let second = make(&gpg, "alice@example.com").await;
    assert!(matches!(second, Err(OpenPgpError::Cancelled)));
    home.agent("pinentry-program /nonexistent\n")?;
    assert!(matches!(decrypt("").await, OpenPgpError::NoPinentry));
    let made = make(&gpg, "alice@example.org");
    assert!(matches!(made.await, Err(OpenPgpError::NoPinentry)));
    std::fs::write(home.path("gpg.conf"), "pinentry-mode loopback\n")?;
    let made = make(&gpg, "alice@example.org");
    let error = made.await.unwrap_err();
    assert!(error.to_string().contains("out of gpg.conf"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_was_killed_is_started_again_and_one_that_cannot_start_is_told() -> Tried {
    let home = Home::new()?;
    let Some(gpg) = home.gpg().await? else {
        return Ok(());
    };
    let made = home
        .make(&gpg, "alice@example.com", "ed25519", Some("cv25519"))
        .await?;
    let envelope = stored(&gpg.export(&made).await?, &made)?;
    home.kill_agents();
    assert!(is_credential(&gpg.decrypt(&envelope).await?));
    home.kill_agents();
    std::fs::write(home.path("gpg.conf"), "agent-program /nonexistent\n")?;
    for failed in [
        gpg.decrypt(&envelope).await.map(drop),
        gpg.own().await.map(drop),
        gpg.clearsign("AKIAIOSFODNN7EXAMPLE", &made).await.map(drop),
    ] {
        assert!(
            matches!(failed, Err(OpenPgpError::NoAgent { .. })),
            "{failed:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_envelope_for_somebody_else_or_one_that_was_changed_is_not_opened() -> Tried {
    let (home, other) = (Home::new()?, Home::new()?);
    let (Some(gpg), Some(others)) = (home.gpg().await?, other.gpg().await?) else {
        return Ok(());
    };
    let made = home
        .make(&gpg, "alice@example.com", "ed25519", Some("cv25519"))
        .await?;
    let envelope = stored(&gpg.export(&made).await?, &made)?;
    let failed = others.decrypt(&envelope).await;
    assert!(
        matches!(failed, Err(OpenPgpError::NoKey { .. })),
        "{failed:?}"
    );
    std::fs::write(other.path("gpg.conf"), "quiet\n")?;
    let failed = others.decrypt(&envelope).await;
    assert!(
        matches!(failed, Err(OpenPgpError::NoKey { .. })),
        "{failed:?}"
    );
    // Whoever has a program without the key, and one with it, need not know which is which.
    assert!(is_credential(
        &decrypt(&[others, gpg.clone()], &envelope).await?
    ));

    let changed = home.path("changed");
    std::fs::write(&changed, &envelope)?;
    let mut binary =
        home.quietly(&["--dearmor", "--output", "-", &changed.display().to_string()])?;
    let last = binary.len() - 30;
    binary[last] ^= 1;
    let failed = gpg.decrypt(&binary).await.unwrap_err();
    assert!(matches!(failed, OpenPgpError::Failed { .. }), "{failed:?}");
    let failed = gpg.decrypt(b"no envelope").await.unwrap_err();
    assert!(
        failed.to_string().contains("no valid OpenPGP data found"),
        "{failed}"
    );
    assert!(!failed.to_string().contains(SECRET));
    Ok(())
}

#[tokio::test]
async fn a_new_certificate_that_the_old_key_signed_counts_at_once() -> Tried {
    let (home, other) = (Home::new()?, Home::new()?);
    let (Some(gpg), Some(others)) = (home.gpg().await?, other.gpg().await?) else {
        return Ok(());
    };
    let old = home
        .make(&gpg, "old@example.com", "ed25519", Some("cv25519"))
        .await?;
    // The new one may be with another program, and reaches this keyring as a certificate.
    let new = other
        .make(&others, "new@example.com", "ed25519", Some("cv25519"))
        .await?;
    let new = others.export(&new).await?;
    let old_certificate = Certificate::read(&gpg.export(&old).await?)?;
    assert!(!Certificate::read(&new)?.is_certified_by(&old_certificate, soon()));
    let certified = gpg.certify(&new, &old, soon()).await?;
    assert!(Certificate::read(&certified)?.is_certified_by(&old_certificate, soon()));
    // Once more is no error.
    gpg.certify(&new, &old, soon()).await?;
    let failed = others.certify(&new, &old, soon()).await;
    assert!(
        matches!(failed, Err(OpenPgpError::NoKey { .. })),
        "{failed:?}"
    );
    let failed = others.export(&old).await;
    assert!(
        matches!(failed, Err(OpenPgpError::NoCertificate { .. })),
        "{failed:?}"
    );
    Ok(())
}

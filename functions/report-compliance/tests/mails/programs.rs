//! The HTML of each mail against caniemail's data: which mail program shows what. Differences that
//! are accepted are listed in `caniemail/lint.mjs`, each with its reason.
//!
//! Skipped where the npm package is absent, and required with `BANTO_INTEROP=required`.

use std::path::Path;
use std::process::Command;

#[test]
fn gmail_outlook_and_apple_mail_show_every_mail_as_it_is_meant() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let folder = tests.join("caniemail");
    if !folder.join("node_modules/caniemail").exists() {
        assert!(
            std::env::var_os("BANTO_INTEROP").is_none(),
            "caniemail is required, but absent: npm ci in {}",
            folder.display()
        );
        eprintln!("skipped: caniemail is absent");
        return;
    }
    let output = Command::new("node")
        .arg("lint.mjs")
        .arg(tests.join("expected"))
        .current_dir(&folder)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("mails"), "{told}");
}

//! Where the files are, and what is found in them.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::super::{Paths, Profiles};

fn paths(variables: &[(&str, &str)]) -> Paths {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    let variable = |name: &str| variables.get(name).map(OsString::from);
    Paths::of(variable, Some(Path::new("/home/alice"))).unwrap()
}

fn read(config: &str, credentials: &str) -> Profiles {
    let folder = TempDir::new().unwrap();
    let paths = Paths {
        config: folder.path().join("config"),
        credentials: folder.path().join("credentials"),
    };
    fs::write(&paths.config, config).unwrap();
    fs::write(&paths.credentials, credentials).unwrap();
    paths.read().unwrap()
}

#[test]
fn the_variables_of_the_aws_cli_say_where_the_files_are() {
    let usual = paths(&[("AWS_CONFIG_FILE", "")]);
    assert_eq!(usual.config, Path::new("/home/alice/.aws/config"));
    assert_eq!(usual.credentials, Path::new("/home/alice/.aws/credentials"));

    let named = paths(&[
        ("AWS_CONFIG_FILE", "/etc/aws"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/keys"),
    ]);
    assert_eq!(named.config, Path::new("/etc/aws"));
    assert_eq!(named.credentials, Path::new("/home/alice/keys"));
}

#[test]
fn files_that_are_not_there_have_no_profiles() {
    let folder = TempDir::new().unwrap();
    let paths = Paths {
        config: folder.path().join("config"),
        credentials: folder.path().join("credentials"),
    };
    assert!(paths.read().unwrap().names().is_empty());
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_line() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("config");
    fs::write(&config, "[a]\n\nhello\n").unwrap();
    let paths = Paths {
        credentials: folder.path().join("credentials"),
        config,
    };
    let error = paths.read().unwrap_err().to_string();
    assert!(error.contains("/config:3: this line is neither"), "{error}");
}

#[test]
fn an_access_key_is_found_unless_botocore_would_ask_somebody_else() {
    let key = "aws_access_key_id = AKIA1\naws_secret_access_key = s\n";
    let id = |config: &str, credentials: &str| {
        let keys = read(config, credentials).static_credentials("a").unwrap();
        keys.map(|keys| (keys.id, keys.secret.expose_secret().to_owned()))
    };
    let found = Some(("AKIA1".to_owned(), "s".to_owned()));
    assert_eq!(id("", &format!("[a]\n{key}")), found);
    assert_eq!(id(&format!("[profile a]\n{key}"), ""), found);
    let role = "[profile a]\nrole_arn = r\nsource_profile = b\n";
    assert_eq!(id(role, &format!("[a]\n{key}")), None);
    let login = format!("[profile a]\nlogin_session = arn\n{key}");
    assert_eq!(id(&login, ""), None);
    assert_eq!(id(&login, &format!("[a]\n{key}")), found);

    let hidden = read(role, &format!("[a]\n{key}"));
    assert_eq!(hidden.hides_keys("a"), Some("role_arn"));
}

#[test]
fn half_a_key_is_told() {
    let profiles = read("", "[a]\naws_access_key_id = AKIA1\n");
    let error = profiles.static_credentials("a").unwrap_err().to_string();
    assert!(error.contains("no aws_secret_access_key"), "{error}");
}

#[test]
fn a_region_is_read_from_either_file() {
    let profiles = read(
        "[profile a]\nregion = eu-west-1\n",
        "[b]\nregion = eu-west-3\n",
    );
    assert_eq!(profiles.region("a"), Some("eu-west-1"));
    assert_eq!(profiles.region("b"), Some("eu-west-3"));
    assert_eq!(profiles.region("c"), None);
    assert!(profiles.names().iter().eq(["a", "b"]));
}

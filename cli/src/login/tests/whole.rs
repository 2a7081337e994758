//! The command from end to end: a local AWS has the user, and botocore reads what was made.
//!
//! Nobody can sign in here. A program of the AWS CLI's name stands for `aws login`: it writes the
//! session into the profile as the AWS CLI does, and from then on it has credentials.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use banto_aws::Aws;
use clap::Parser as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::{self, Arguments};
use crate::doctor::value;
use crate::ending::Ending;
use crate::local::moto::Moto;
use crate::local::venv::Venv;

const STAND_IN: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/calls"
case "$*" in
--version) echo "aws-cli/$(cat "$HOME/version") Python/3.13.9 Linux/6.1" ;;
"login --profile banto"*)
    [ -e "$HOME/denied" ] && exit 254
    session="login_session = arn:aws:iam::123456789012:user/alice"
    sed -i "s|^\[profile banto\]$|&\n$session|" "$HOME/.aws/config"
    touch "$HOME/signed-in" ;;
*"--profile banto "*"export-credentials"* | *"export-credentials --profile banto "*)
    [ -e "$HOME/signed-in" ] && exec cat "$HOME/session.json"
    echo "Please reauthenticate using aws login" >&2
    exit 255 ;;
*"configure get region") echo eu-west-1 ;;
*) exit 2 ;;
esac
"#;

const FILE: &str = "# mine\n[default]\nregion = us-east-1\n";

/// By this variable the test knows that it is the command and not the test.
const ARGUMENTS: &str = "BANTO_TEST_LOGIN";

struct Desk {
    home: TempDir,
    moto: Moto,
    python: PathBuf,
}

impl Desk {
    async fn new() -> Self {
        let venv = Venv::ensure(&|_| {}).await.unwrap();
        let moto = Moto::start(&venv).await.unwrap();
        let home = TempDir::new().unwrap();
        let desk = Self {
            home,
            moto,
            python: venv.python(),
        };
        for folder in [".aws", "bin"] {
            fs::create_dir(desk.path(folder)).unwrap();
        }
        fs::write(desk.path(".aws/config"), FILE).unwrap();
        fs::write(desk.path("version"), "2.32.0").unwrap();
        fs::write(desk.path("bin/aws"), STAND_IN).unwrap();
        fs::set_permissions(desk.path("bin/aws"), Permissions::from_mode(0o755)).unwrap();
        desk.user().await;
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn config(&self) -> String {
        fs::read_to_string(self.path(".aws/config")).unwrap()
    }

    /// Makes the user alice, who is in a group that has roles, and her session.
    async fn user(&self) {
        let endpoint = self.moto.endpoint().to_owned();
        let aws = Aws::from_vars(|name| match name {
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            _ => None,
        });
        let aws = aws.unwrap();
        let ask = async |call, arguments: Value| aws.plain(call, None, &arguments).await.unwrap();
        ask("iam:CreateUser", json!({"UserName": "alice"})).await;
        ask("iam:CreateGroup", json!({"GroupName": "developers"})).await;
        let member = json!({"GroupName": "developers", "UserName": "alice"});
        ask("iam:AddUserToGroup", member).await;
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": [
                "arn:aws:iam::444455556666:role/admin",
                "arn:aws:iam::*:role/readonly",
            ],
        }]});
        let put = json!({
            "GroupName": "developers", "PolicyName": "roles", "PolicyDocument": policy.to_string(),
        });
        ask("iam:PutGroupPolicy", put).await;
        let device = json!({"VirtualMFADeviceName": "alice"});
        let device = ask("iam:CreateVirtualMFADevice", device).await;
        let device = value(&device, "SerialNumber").unwrap();
        let enable = json!({
            "UserName": "alice", "SerialNumber": device,
            "AuthenticationCode1": "123456", "AuthenticationCode2": "654321",
        });
        ask("iam:EnableMFADevice", enable).await;
        let key = ask("iam:CreateAccessKey", json!({"UserName": "alice"})).await;
        let session = json!({
            "Version": 1,
            "AccessKeyId": value(&key, "AccessKeyId").unwrap(),
            "SecretAccessKey": value(&key, "SecretAccessKey").unwrap(),
        });
        fs::write(self.path("session.json"), session.to_string()).unwrap();
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let bin = self.path("bin");
        let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", path)
            .env("AWS_ENDPOINT_URL", self.moto.endpoint());
        command
    }

    /// Runs `banto login` with these options.
    fn banto(&self, options: &str) -> (i32, String, String) {
        self.command_line(&format!("banto login {options}"))
    }

    /// Runs the command in a process of its own.
    fn command_line(&self, line: &str) -> (i32, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self
            .command(&env::current_exe().unwrap())
            .args([
                "--nocapture",
                "--exact",
                "login::tests::whole::a_user_gets_a_profile_for_each_role",
            ])
            .env(ARGUMENTS, line)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    /// Takes the user out of the group that has roles.
    async fn without_roles(&self) {
        let endpoint = self.moto.endpoint().to_owned();
        let aws = Aws::from_vars(|name| match name {
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            _ => None,
        });
        let member = json!({"GroupName": "developers", "UserName": "alice"});
        let left = aws.unwrap();
        left.plain("iam:RemoveUserFromGroup", None, &member)
            .await
            .unwrap();
    }

    /// The credentials that botocore makes of a role's profile, up to the call of AssumeRole.
    fn assumed(&self, profile: &str) -> Value {
        let python = self.python.clone();
        let output = self
            .command(&python)
            .args(["-I", "-c", include_str!("assume.py"), profile])
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn session_key(&self) -> Value {
        let session = fs::read(self.path("session.json")).unwrap();
        serde_json::from_slice::<Value>(&session).unwrap()["AccessKeyId"].clone()
    }
}

/// Is the command, where this process was started for that.
async fn be_the_command() {
    let Some(arguments) = env::var_os(ARGUMENTS) else {
        return;
    };
    let arguments = arguments.into_string().unwrap();
    let arguments = Arguments::try_parse_from(arguments.split_whitespace()).unwrap();
    let ended = Box::pin(commands::run(arguments)).await;
    std::process::exit(match ended {
        Ok(Ending::Done) => 0,
        Ok(Ending::Code(code)) => i32::from(code),
        Ok(Ending::Interrupted) => 130,
        Err(error) => {
            crate::output::complain(&format!("banto: {error:#}"));
            i32::from(Ending::code_of(&error))
        }
    });
}

/// The same once more, for programs: nothing changes.
fn assert_json(desk: &Desk) {
    let (code, said, _) = desk.banto("--json");
    assert_eq!(code, 0, "{said}");
    let json = said
        .find('{')
        .map(|begin| &said[begin..=said.rfind('}').unwrap()]);
    let json: Value = serde_json::from_str(json.unwrap()).unwrap();
    assert_eq!(json["user"], "alice");
    assert_eq!(
        json["profiles"][0],
        json!({"name": "banto", "change": "same", "lines": []})
    );
}

#[tokio::test]
async fn a_user_gets_a_profile_for_each_role() {
    Box::pin(be_the_command()).await;
    let desk = Desk::new().await;
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/banto.toml");
    let options = format!(
        "--account 444455556666=archive --policy {}",
        policy.display()
    );

    let (code, said, _) = desk.banto(&format!("{options} --dry-run"));
    assert_eq!((code, desk.config()), (0, FILE.to_owned()), "{said}");
    assert!(said.contains("+ [profile banto-process]"), "{said}");
    assert!(said.contains("You are not signed in"), "{said}");
    assert!(!desk.path(".config").exists());

    let (code, said, _) = desk.banto(&options);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("nobody can sign in here"), "{said}");
    let calls = fs::read_to_string(desk.path("calls")).unwrap();
    assert!(!calls.contains("login --profile"), "{calls}");
    fs::write(desk.path(".aws/config"), FILE).unwrap();

    let (code, said, complaint) = desk.banto(&format!("{options} --remote"));
    assert_eq!(code, 0, "{said}{complaint}");
    assert!(
        said.contains("Signed in as alice in the account 123456789012."),
        "{said}"
    );
    for profile in [
        "banto",
        "banto-process",
        "archive-admin",
        "archive-readonly",
    ] {
        assert!(said.contains(&format!("  {profile} (new)")), "{said}");
    }
    assert!(desk.config().starts_with(FILE));
    // It is edited before the sign-in and after it, and the AWS CLI edits it meanwhile.
    let backup = fs::read_to_string(desk.path(".aws/config.banto-backup")).unwrap();
    assert_eq!(backup, FILE);
    let kept = fs::read(desk.path(".config/banto/banto.toml")).unwrap();
    assert_eq!(kept, fs::read(policy).unwrap());

    let read = desk.assumed("archive-readonly");
    let profiles = &read["profiles"];
    assert_eq!(
        profiles["banto"]["login_session"],
        "arn:aws:iam::123456789012:user/alice"
    );
    assert_eq!(profiles["default"], json!({"region": "us-east-1"}));
    assert_eq!(profiles["archive-readonly"]["mfa_serial"], Value::Null);
    // The bridge was run, and AWS is asked with the user's own session, under the user's name.
    assert_eq!(read["with"], desk.session_key());
    assert_eq!(
        read["asked"],
        json!({
            "RoleArn": "arn:aws:iam::444455556666:role/readonly",
            "RoleSessionName": "alice",
        })
    );

    // Once more, without what was said before: everybody is signed in, and nothing changes.
    let before = desk.config();
    let (code, said, complaint) = desk.banto("");
    assert_eq!((code, desk.config()), (0, before), "{said}{complaint}");
    assert!(said.contains("  archive-admin (as it was)"), "{said}");
    assert!(said.contains("readonly in every account"), "{said}");
    let calls = fs::read_to_string(desk.path("calls")).unwrap();
    assert_eq!(calls.matches("login --profile banto").count(), 1);

    assert_json(&desk);

    let (code, said, _) = desk.banto("--remove");
    assert_eq!((code, desk.config()), (0, FILE.to_owned()), "{said}");
    assert!(said.contains("  archive-readonly (removed)"), "{said}");
}

#[tokio::test]
async fn a_key_as_the_source_asks_for_the_second_factor() {
    let desk = Desk::new().await;
    let key = desk.session_key();
    let key = format!("[work]\naws_access_key_id = {}\n", key.as_str().unwrap());
    fs::write(
        desk.path(".aws/credentials"),
        key + "aws_secret_access_key = s\n",
    )
    .unwrap();
    // The key is in the file, so that no AWS CLI is asked for it.
    fs::remove_file(desk.path("bin/aws")).unwrap();

    let (code, said, complaint) = desk.banto("--from work --region eu-west-1");
    assert_eq!(code, 0, "{said}{complaint}");
    let config = desk.config();
    let device = "mfa_serial = arn:aws:iam::123456789012:mfa/alice\n";
    assert!(config.contains(device), "{config}");
    assert!(config.contains("source_profile = work\n"), "{config}");
    assert!(!config.contains("credential_process"), "{config}");
}

#[tokio::test]
async fn what_is_in_the_way_is_told_and_nothing_is_half_made() {
    let desk = Desk::new().await;
    fs::write(desk.path("version"), "2.15.30").unwrap();
    let (code, _, complaint) = desk.banto("");
    assert_eq!((code, desk.config()), (1, FILE.to_owned()));
    assert!(complaint.contains("here is 2.15.30"), "{complaint}");

    fs::write(desk.path("version"), "2.40.0").unwrap();
    fs::write(desk.path("denied"), "").unwrap();
    let (code, said, _) = desk.banto("--remote");
    assert_eq!(code, 1);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("SignInLocalDevelopmentAccess"), "{said}");

    fs::remove_file(desk.path("denied")).unwrap();
    let hiding = "[banto]\naws_access_key_id = A\naws_secret_access_key = s\n";
    fs::write(desk.path(".aws/credentials"), hiding).unwrap();
    let before = desk.config();
    let (code, _, complaint) = desk.banto("--remote");
    assert_eq!((code, desk.config()), (1, before));
    assert!(
        complaint.contains("credentials:1: [banto] was not made by"),
        "{complaint}"
    );
    fs::remove_file(desk.path(".aws/credentials")).unwrap();

    let theirs = format!("{FILE}[profile 444455556666-admin]\nregion = us-east-1\n");
    fs::write(desk.path(".aws/config"), &theirs).unwrap();
    let (code, _, complaint) = desk.banto("--remote");
    assert_eq!(code, 1);
    assert!(
        complaint.contains("config:4: [profile 444455556666-admin]"),
        "{complaint}"
    );
    assert!(desk.config().starts_with(&theirs));
}

#[tokio::test]
async fn a_newcomer_who_has_no_role_is_told_the_way_to_a_key_and_it_works() {
    let desk = Desk::new().await;
    desk.without_roles().await;
    let (code, said, complaint) = desk.banto("--remote");
    assert_eq!(code, 0, "{said}{complaint}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "banto keys register --profile banto,",
        "banto keys fetch --profile banto --profile-name default.",
    ] {
        assert!(said.contains(told), "{said}");
    }
    // The session of the profile counts for a command about keys, which has no key of its own yet.
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/banto.toml");
    let options = format!("--profile banto --policy {}", policy.display());
    let (code, _, complaint) = desk.command_line(&format!("banto keys status {options}"));
    assert_eq!(code, 1, "{complaint}");
    let met = "these credentials are of the account 123456789012";
    assert!(complaint.contains(met), "{complaint}");
    let without = format!("banto keys status --policy {}", policy.display());
    let (code, _, complaint) = desk.command_line(&without);
    assert_eq!(code, 3, "{complaint}");
}

//! The commands that owners and operators are given. They can be pasted as they stand, but where a
//! policy has several identity accounts: the command then asks for `--account`, and names them.
//! The first is the short one, of `banto`; owners, who may lack it, get one without it, too.

use banto_domain::policy::IdentityAccount;
use banto_domain::record::secret_name;
use banto_domain::{AccessKeyId, Fingerprint, Region, UserName};
use banto_notice::Step;

use crate::snapshot::{PIN_TAG, User};

/// The place where a user's certificate and record are.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub identity: &'a IdentityAccount,
    /// The region of the bucket and of the secrets.
    pub region: &'a Region,
}

/// Returns the steps that fetch and open a new key, and put it in place.
pub(super) fn fetch(user: &User, place: Place<'_>) -> Vec<Step> {
    let secret = secret_name(&user.name);
    let region = place.region;
    vec![
        step(
            "With the key that you have now, open the new one, try it and put it in place (docs/keys.md):",
            "banto keys fetch".to_owned(),
        ),
        step(
            "Without `banto`: open it, put it into ~/.aws/credentials, and use it once (`aws sts get-caller-identity`):",
            format!(
                "aws secretsmanager get-secret-value --region {region} --secret-id {secret} --query SecretString \
                 --output text | gpg --decrypt"
            ),
        ),
    ]
}

/// Returns the step for an owner who has the new key and can't use it yet.
pub(super) fn acknowledge() -> Step {
    step(
        "If it arrived and you can't use it yet, say so. The old one is then retired as if you had used it:",
        "banto keys ack".to_owned(),
    )
}

/// Returns the steps that open an envelope out of the message that holds it.
pub(super) fn open() -> Vec<Step> {
    vec![
        step(
            "Save this message as notice.txt; this opens the key, tries it and puts it in place (docs/keys.md):",
            "banto keys fetch --envelope notice.txt".to_owned(),
        ),
        step(
            "Without `banto`: copy the whole message, from BEGIN to END, and open it:",
            "gpg --decrypt".to_owned(),
        ),
    ]
}

/// Returns the steps that register a certificate.
pub(super) fn register(user: &User, place: Place<'_>) -> Vec<Step> {
    let name = &user.name;
    let object = word(&place.identity.certificate_url(name));
    let region = place.region;
    vec![
        step(
            "Register your certificate; where you have none, this offers to make one (docs/keys.md):",
            "banto keys register".to_owned(),
        ),
        step(
            "Without `banto`: set FINGERPRINT to that of your certificate (docs/openpgp.md says how to mend or make one), \
             and store it:",
            format!(
                "gpg --export --armor \"$FINGERPRINT\" | aws s3 cp --region {region} - {object}"
            ),
        ),
        step(
            "Then pin it:",
            // A name may begin with a hyphen, which the AWS CLI takes for an option unless it
            // follows an equals sign.
            format!(
                "aws iam tag-user --user-name={name} --tags Key={PIN_TAG},Value=\"$FINGERPRINT\""
            ),
        ),
    ]
}

/// Returns the step by which an operator restores a key of a user.
pub(super) fn restore(user: &User, key: &AccessKeyId) -> Step {
    let account = user.arn.account();
    step(
        "If something still needs it, ask an operator to run this:",
        operators(
            &format!("restore --account {account} --key {key}"),
            &user.name,
        ),
    )
}

/// Returns the operators' command about a user's keys. Its options come before the name.
pub fn operators(command: &str, user: &UserName) -> String {
    about(&format!("keys {command}"), user)
}

fn about(command: &str, user: &UserName) -> String {
    // A name may begin with a hyphen, which reads as an option unless it follows two of them.
    let options_end = if user.as_str().starts_with('-') {
        "-- "
    } else {
        ""
    };
    format!("banto {command} {options_end}{user}")
}

/// Returns the operators' command that lets a user's new certificate count.
pub fn approve(user: &UserName, certificate: &Fingerprint) -> String {
    format!("{} {certificate}", operators("approve", user))
}

/// Returns the operators' command that ends a user's sessions in the roles of baselines.
pub(super) fn revoke(user: &UserName) -> String {
    about("accounts revoke", user)
}

/// Returns a text as one word of a shell, in quotes only where it needs them: a policy may name any
/// prefix. A bucket's name, a region and a user's name never need them.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/:".contains(c);
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn step(text: &str, command: String) -> Step {
    Step {
        text: text.to_owned(),
        command: Some(command),
    }
}

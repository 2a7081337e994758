//! The commands that owners are given. They are complete, so that they can be pasted as they stand.

use banto_domain::Region;
use banto_domain::policy::IdentityAccount;
use banto_domain::record::secret_name;
use banto_notice::Step;

use crate::snapshot::{PIN_TAG, User};

/// The place where a user's certificate and record are.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub identity: &'a IdentityAccount,
    /// The region of the bucket and of the secrets.
    pub region: &'a Region,
}

/// Returns the steps that fetch and open a new key, and use it once.
pub(super) fn fetch(user: &User, place: Place<'_>) -> Vec<Step> {
    let secret = secret_name(&user.name);
    let region = place.region;
    vec![
        step(
            "Fetch and open it with the key that you have now:",
            format!(
                "aws secretsmanager get-secret-value --region {region} --secret-id {secret} --query SecretString \
                 --output text | gpg --decrypt"
            ),
        ),
        step(
            "Put the new key into ~/.aws/credentials, and use it once:",
            "aws sts get-caller-identity".to_owned(),
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
            "Set FINGERPRINT to that of your certificate (docs/openpgp.md says how to mend or make one), and store it:",
            format!(
                "gpg --export --armor \"$FINGERPRINT\" | aws s3 cp --region {region} - {object}"
            ),
        ),
        step(
            "Pin it:",
            // A name may begin with a hyphen, which the AWS CLI takes for an option unless it
            // follows an equals sign.
            format!(
                "aws iam tag-user --user-name={name} --tags Key={PIN_TAG},Value=\"$FINGERPRINT\""
            ),
        ),
    ]
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

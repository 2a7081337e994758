//! Names, parsed once at the edge: whoever holds one need not check it again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::compliance::advice;

/// A text that is not the name it was taken for; says what came and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {kind}: expected {expected}")]
pub struct NameError {
    kind: &'static str,
    expected: &'static str,
    found: String,
}

/// Longest part of a rejected text that an error repeats: the whole of a queue's URL, which has
/// 137 characters at most, and of all but the longest ARNs.
const QUOTED_CHARS: usize = 160;

/// A rejected text as an error repeats it; one that is cut says so.
fn quoted(text: &str) -> String {
    let mut found: String = text.chars().take(QUOTED_CHARS).collect();
    if found.len() < text.len() {
        found.push('…');
    }
    found
}

/// Declares a newtype over `String` whose only way in is a check.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $is_valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(NameError { kind: $kind, expected: $expected, found: quoted(text) })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// An AWS account id.
    ///
    /// ```
    /// use banto_domain::AccountId;
    /// assert!("111122223333".parse::<AccountId>().is_ok());
    /// assert!("1111-2222-3333".parse::<AccountId>().is_err());
    /// ```
    AccountId,
    "an AWS account id",
    "12 digits, like 111122223333",
    |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
);

name!(
    /// An IAM user's name: unique in its account, whatever the case of its letters.
    /// (IAM API reference, `CreateUser`: `[\w+=,.@-]+`, at most 64 characters.)
    UserName,
    "an IAM user name",
    "1 to 64 letters, digits or any of + = , . @ _ -",
    is_iam_name
);

name!(
    /// An IAM user's unique id, which a later user of the same name does not get again. An opaque
    /// text (IAM API reference, data type `User`: `[\w]+`, 16 to 128 characters), in AWS itself
    /// `AIDA` and capitals.
    UserId,
    "an IAM user id",
    "16 to 128 letters, digits or underscores, like AIDACKCEVSQ6C2EXAMPLE",
    |text| (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
);

name!(
    /// An IAM group's name.
    GroupName,
    "an IAM group name",
    "1 to 128 letters, digits or any of + = , . @ _ -",
    |text| text.len() <= 128 && !text.is_empty() && text.bytes().all(is_iam_byte)
);

name!(
    /// A long-term access key's id.
    AccessKeyId,
    "an access key id",
    "AKIA and at least 12 more capital letters or digits",
    |text| text.starts_with("AKIA") && is_upper_alphanumeric(text, 16..=128)
);

name!(
    /// The id of a temporary credential: of a user's session, or of a role's. (IAM user guide, "IAM
    /// identifiers", "Unique identifiers": `ASIA`.)
    SessionKeyId,
    "a temporary credential's id",
    "ASIA and at least 12 more capital letters or digits",
    |text| text.starts_with("ASIA") && is_upper_alphanumeric(text, 16..=128)
);

name!(
    /// The id of a credential that requests are signed with, long-term or temporary.
    CredentialId,
    "a credential's id",
    "AKIA or ASIA and at least 12 more capital letters or digits",
    |text| (text.starts_with("AKIA") || text.starts_with("ASIA")) && is_upper_alphanumeric(text, 16..=128)
);

impl From<&AccessKeyId> for CredentialId {
    fn from(key: &AccessKeyId) -> Self {
        Self(key.as_str().to_owned())
    }
}

impl From<&SessionKeyId> for CredentialId {
    fn from(key: &SessionKeyId) -> Self {
        Self(key.as_str().to_owned())
    }
}

name!(
    /// An IAM user's ARN, path included.
    UserArn,
    "an IAM user's ARN",
    "arn:aws:iam::<account>:user/<path and name>",
    |text| is_arn(text, "iam", "user/")
);

name!(
    /// An IAM role's ARN, path included.
    RoleArn,
    "an IAM role's ARN",
    "arn:aws:iam::<account>:role/<path and name>",
    |text| is_arn(text, "iam", "role/")
);

name!(
    /// A Secrets Manager secret's ARN.
    SecretArn,
    "a Secrets Manager ARN",
    "arn:aws:secretsmanager:<region>:<account>:secret:<name>",
    |text| is_arn(text, "secretsmanager", "secret:")
);

name!(
    /// An SNS topic's ARN.
    TopicArn,
    "an SNS topic's ARN",
    "arn:aws:sns:<region>:<account>:<topic>",
    |text| is_arn(text, "sns", "")
);

name!(
    /// A region's code.
    Region,
    "a region",
    "a region's code, like eu-west-1",
    is_region
);

name!(
    /// An IAM role's name. (IAM API reference, `CreateRole`: `[\w+=,.@-]+`, at most 64 characters.)
    RoleName,
    "an IAM role name",
    "1 to 64 letters, digits or any of + = , . @ _ -",
    is_iam_name
);

name!(
    /// An organizational unit's id, or that of the Organization's root. (Organizations API
    /// reference, `ListParents`: `ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}`, `r-[0-9a-z]{4,32}`.)
    OuId,
    "an organizational unit's id",
    "an id like ou-ab12-cdef3456, or a root's like r-ab12",
    |text| (text.starts_with("ou-") || text.starts_with("r-")) && text.len() <= 68
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
);

name!(
    /// A resource type of AWS Config, as in `AWS::EC2::Instance`.
    ResourceType,
    "a resource type",
    "a type like AWS::EC2::Instance",
    |text| text.split("::").count() == 3
        && text.split("::").all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
);

name!(
    /// The name of a rule of AWS Config, as it is deployed.
    /// (AWS Config API reference, data type `ConfigRule`: 1 to 128 characters.)
    RuleName,
    "a Config rule's name",
    "1 to 128 characters, not all of them spaces and none a control character",
    |text| !text.trim().is_empty() && text.chars().count() <= 128 && !text.chars().any(char::is_control)
);

name!(
    /// A managed policy's ARN, AWS's own or an account's.
    PolicyArn,
    "a managed policy's ARN",
    "arn:aws:iam::aws:policy/<name> or arn:aws:iam::<account>:policy/<name>",
    |text| is_arn(text, "iam", "policy/") || is_aws_policy(text)
);

name!(
    /// A KMS key's ARN.
    KeyArn,
    "a KMS key's ARN",
    "arn:aws:kms:<region>:<account>:key/<id>",
    |text| is_arn(text, "kms", "key/")
);

name!(
    /// An SQS queue's URL.
    QueueUrl,
    "a queue's URL",
    "https://sqs.<region>.amazonaws.com/<account>/<queue>",
    is_queue_url
);

name!(
    /// An OpenPGP certificate's fingerprint, in capital hexadecimal digits without spaces.
    /// (RFC 9580, section 5.5.4: 20 octets for version 4, 32 for version 6.)
    Fingerprint,
    "an OpenPGP fingerprint",
    "40 (version 4) or 64 (version 6) capital hexadecimal digits",
    |text| matches!(text.len(), 40 | 64)
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
);

impl Fingerprint {
    /// Reads a fingerprint as people copy it: in groups, with colons, in small letters, with `0x`
    /// before it, or as the address in a QR code.
    ///
    /// ```
    /// use banto_domain::Fingerprint;
    /// let copied = "0x d1a6 6e1a 23b1 82c9 980f  788c fbfc c82a 015e 7330";
    /// assert_eq!(Fingerprint::from_human(copied).unwrap().as_str(), "D1A66E1A23B182C9980F788CFBFCC82A015E7330");
    /// let scanned = "openpgp4fpr:d1a66e1a23b182c9980f788cfbfcc82a015e7330";
    /// assert_eq!(Fingerprint::from_human(scanned), Fingerprint::from_human(copied));
    /// ```
    pub fn from_human(text: &str) -> Result<Self, NameError> {
        let compact: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':')
            .collect();
        let capital = compact.to_ascii_uppercase();
        let digits = capital.strip_prefix("OPENPGP4FPR").unwrap_or(&capital);
        digits.strip_prefix("0X").unwrap_or(digits).parse()
    }
}

/// What conformance packs put behind a rule's name, before a suffix of their own.
const PACK: &str = "-conformance-pack";

/// The way by which a rule was deployed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleSource {
    /// In the account itself, by whomever.
    Account,
    /// As an organization rule, which every account has.
    Organization,
    /// By Security Hub.
    SecurityHub,
    /// By AWS Control Tower.
    ControlTower,
    /// In the conformance pack whose rules' names end so.
    ConformancePack(String),
}

impl fmt::Display for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("account rules"),
            Self::Organization => f.write_str("organization rules"),
            Self::SecurityHub => f.write_str("Security Hub"),
            Self::ControlTower => f.write_str("Control Tower"),
            Self::ConformancePack(suffix) => write!(f, "conformance pack {suffix}"),
        }
    }
}

impl RuleName {
    /// The rule's own name, without what deployments put around it: `s3-bucket-versioning-enabled`
    /// of `securityhub-s3-bucket-versioning-enabled-1a2b3c4d` (Security Hub), of
    /// `OrgConfigRule-s3-bucket-versioning-enabled-abcd1234` (organization rules) and of
    /// `s3-bucket-versioning-enabled-conformance-pack-abcd12345` (conformance packs).
    ///
    /// Some deployments have no suffix, and a name's last word may look like one. So a name that
    /// the catalogue knows is never cut.
    ///
    /// ```
    /// use banto_domain::RuleName;
    /// let deployed: RuleName = "securityhub-s3-bucket-versioning-enabled-1a2b3c4d".parse().unwrap();
    /// assert_eq!(deployed.plain(), "s3-bucket-versioning-enabled");
    /// let bare: RuleName = "securityhub-rds-storage-encrypted".parse().unwrap();
    /// assert_eq!(bare.plain(), "rds-storage-encrypted");
    /// ```
    pub fn plain(&self) -> &str {
        let name = self.as_str();
        let (inner, has_suffix): (_, fn(&str) -> bool) =
            if let Some(inner) = name.strip_prefix("securityhub-") {
                (inner, is_hub_suffix)
            } else if let Some(inner) = name.strip_prefix("OrgConfigRule-") {
                (inner, is_suffix)
            } else {
                (name, |_| false)
            };
        let cut = without_suffix(inner, has_suffix);
        // `securityhub-enabled` is a rule's own name, also in a conformance pack.
        let candidates = [name, inner, cut, without_suffix(name, |_| false)];
        candidates
            .into_iter()
            .find(|candidate| advice(candidate).is_some())
            .unwrap_or(cut)
    }

    /// The way by which the rule was deployed, as far as its name tells.
    ///
    /// ```
    /// use banto_domain::{RuleName, RuleSource};
    /// let rule: RuleName = "encrypted-volumes-conformance-pack-wxyz98765".parse().unwrap();
    /// assert_eq!(rule.source(), RuleSource::ConformancePack("wxyz98765".to_owned()));
    /// ```
    pub fn source(&self) -> RuleSource {
        let name = self.as_str();
        let in_pack = name
            .rsplit_once('-')
            .filter(|(head, suffix)| is_suffix(suffix) && head.ends_with(PACK));
        if let Some((_, suffix)) = in_pack {
            return RuleSource::ConformancePack(suffix.to_owned());
        }
        if name.starts_with("securityhub-") {
            return RuleSource::SecurityHub;
        }
        if name.starts_with("OrgConfigRule-") {
            return RuleSource::Organization;
        }
        if name.starts_with("AWSControlTower_") {
            return RuleSource::ControlTower;
        }
        RuleSource::Account
    }

    /// The rule by its [plain](Self::plain) name.
    pub fn own(&self) -> Self {
        // Part of a name is one, too, unless it is empty.
        self.plain().parse().unwrap_or_else(|_| self.clone())
    }
}

/// A rule's name without the suffix that a deployment made up, and without the conformance pack
/// before it.
fn without_suffix(name: &str, has_suffix: fn(&str) -> bool) -> &str {
    let Some((head, suffix)) = name.rsplit_once('-') else {
        return name;
    };
    match head.strip_suffix(PACK) {
        Some(rule) if is_suffix(suffix) => rule,
        _ if has_suffix(suffix) => head,
        _ => name,
    }
}

/// True for the random end of an organization rule's name or of a conformance pack's.
fn is_suffix(text: &str) -> bool {
    (8..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// True for the random end of a name that Security Hub gave, as names seen deployed have it.
fn is_hub_suffix(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl UserArn {
    /// The account that the user lives in.
    pub fn account(&self) -> &str {
        arn_account(self.as_str())
    }
}

impl RoleArn {
    /// The account that the role lives in.
    pub fn account(&self) -> &str {
        arn_account(self.as_str())
    }

    /// The role's path, with a slash at both ends, and its name.
    ///
    /// ```
    /// use banto_domain::RoleArn;
    /// let role: RoleArn = "arn:aws:iam::111122223333:role/banto/rotate-access-keys".parse().unwrap();
    /// assert_eq!(role.path_and_name(), ("/banto/", "rotate-access-keys"));
    /// ```
    pub fn path_and_name(&self) -> (&str, &str) {
        let resource = arn_part(self.as_str(), 5);
        // The path begins with the slash behind `role`.
        let full = resource.strip_prefix("role").unwrap_or(resource);
        full.rfind('/')
            .map_or(("/", full), |slash| full.split_at(slash + 1))
    }
}

impl TopicArn {
    /// The region that the topic lives in.
    pub fn region(&self) -> &str {
        arn_region(self.as_str())
    }

    /// The account that the topic lives in.
    pub fn account(&self) -> &str {
        arn_account(self.as_str())
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        arn_part(self.as_str(), 5)
    }
}

/// The length of what Secrets Manager puts behind a secret's name in its ARN, besides the hyphen.
/// (Secrets Manager user guide, "What's in a Secrets Manager secret?".)
const SECRET_SUFFIX: usize = 6;

impl SecretArn {
    /// The region that the secret lives in.
    pub fn region(&self) -> &str {
        arn_region(self.as_str())
    }

    /// The account that the secret lives in.
    pub fn account(&self) -> &str {
        arn_account(self.as_str())
    }

    /// The secret's name, without the hyphen and the six letters or digits that Secrets Manager
    /// puts behind it. (Secrets Manager API reference, `CreateSecret`.) Six small letters are taken
    /// for a word of the name's own: by chance, one suffix in 200 has no capital and no digit.
    ///
    /// ```
    /// use banto_domain::SecretArn;
    /// let prefix = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:";
    /// let name_of = |end: &str| {
    ///     let secret: SecretArn = format!("{prefix}{end}").parse().unwrap();
    ///     secret.name().to_owned()
    /// };
    /// assert_eq!(name_of("banto/slack/token"), "banto/slack/token");
    /// assert_eq!(name_of("banto/slack/token-AbCdEf"), "banto/slack/token");
    /// assert_eq!(name_of("banto/slack/team-owners"), "banto/slack/team-owners");
    /// ```
    pub fn name(&self) -> &str {
        let resource = arn_part(self.as_str(), 5);
        let name = resource.strip_prefix("secret:").unwrap_or(resource);
        let is_suffix = |text: &str| {
            text.len() == SECRET_SUFFIX
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && !text.bytes().all(|byte| byte.is_ascii_lowercase())
        };
        match name.rsplit_once('-') {
            Some((name, suffix)) if !name.is_empty() && is_suffix(suffix) => name,
            _ => name,
        }
    }
}

impl KeyArn {
    /// The region that the key lives in.
    pub fn region(&self) -> &str {
        arn_region(self.as_str())
    }
}

impl QueueUrl {
    /// The URL of the queue of this ARN; `None` if it is no queue's.
    ///
    /// ```
    /// use banto_domain::QueueUrl;
    /// let url = QueueUrl::of_arn("arn:aws:sqs:eu-west-1:111122223333:banto-rotation").unwrap();
    /// assert_eq!(url.as_str(), "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-rotation");
    /// ```
    pub fn of_arn(arn: &str) -> Option<Self> {
        let [_, _, "sqs", region, account, name] = arn.split(':').collect::<Vec<_>>()[..] else {
            return None;
        };
        let region: crate::Region = region.parse().ok()?;
        let url = format!("https://{}/{account}/{name}", region.endpoint("sqs"));
        url.parse().ok()
    }

    /// The region that the queue lives in; `None` where the URL is not AWS's own.
    pub fn region(&self) -> Option<&str> {
        let host = self.as_str().split('/').nth(2)?;
        host.strip_prefix("sqs.")?.split('.').next()
    }

    /// The account that the queue lives in.
    pub fn account(&self) -> &str {
        self.as_str().split('/').nth(3).unwrap_or_default()
    }

    /// The queue's name.
    pub fn name(&self) -> &str {
        self.as_str().split('/').nth(4).unwrap_or_default()
    }

    /// The ARN of the queue; `None` where the URL is not AWS's own.
    ///
    /// ```
    /// use banto_domain::QueueUrl;
    /// let arn = "arn:aws:sqs:eu-west-1:111122223333:banto-rotation";
    /// assert_eq!(QueueUrl::of_arn(arn).unwrap().arn().as_deref(), Some(arn));
    /// ```
    pub fn arn(&self) -> Option<String> {
        let region: Region = self.region()?.parse().ok()?;
        let (partition, account, name) = (region.partition(), self.account(), self.name());
        Some(format!("arn:{partition}:sqs:{region}:{account}:{name}"))
    }
}

/// A part of an ARN, the last with its colons; the fourth is the region, the fifth the account.
fn arn_part(arn: &str, index: usize) -> &str {
    arn.splitn(6, ':').nth(index).unwrap_or_default()
}

fn arn_region(arn: &str) -> &str {
    arn_part(arn, 3)
}

fn arn_account(arn: &str) -> &str {
    arn_part(arn, 4)
}

pub(crate) fn is_iam_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte)
}

fn is_iam_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_iam_byte)
}

fn is_upper_alphanumeric(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Letters, then words, then a number, joined by hyphens: `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return false;
    };
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    !middle.is_empty()
        && text.len() <= 32
        && is_word(first)
        && middle.iter().all(|part| is_word(part))
        && !last.is_empty()
        && last.bytes().all(|byte| byte.is_ascii_digit())
}

/// `arn:<partition>:iam::aws:policy/<path and name>`
fn is_aws_policy(text: &str) -> bool {
    let rest = text
        .strip_prefix("arn:aws")
        .and_then(|rest| rest.split_once(":iam::aws:policy/"));
    rest.is_some_and(|(_, name)| !name.is_empty())
        && text.len() <= 2048
        && text.bytes().all(|b| b.is_ascii_graphic())
}

/// `https://<host>/<account>/<queue>`; plain HTTP for a local AWS.
fn is_queue_url(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let [host, account, queue] = parts.as_slice() else {
        return false;
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !host.is_empty()
        && account.parse::<AccountId>().is_ok()
        && (1..=80).contains(&queue.len())
        && queue.bytes().all(is_name)
}

/// `arn:<partition>:<service>:<region>:<account>:<resource>`, the resource starting as told.
fn is_arn(text: &str, service: &str, resource_prefix: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, found_service, _region, account, resource] = parts.as_slice() else {
        return false;
    };
    *arn == "arn"
        && partition.starts_with("aws")
        && *found_service == service
        && account.parse::<AccountId>().is_ok()
        && resource.len() > resource_prefix.len()
        && resource.starts_with(resource_prefix)
        && text.len() <= 2048
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_name_says_what_came_and_what_would_be_right() {
        let error = "alice bob".parse::<UserName>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"alice bob\" is not an IAM user name: expected 1 to 64 letters, digits or any of + = , . @ _ -"
        );
    }

    #[test]
    fn a_rejected_url_is_repeated_whole_and_what_has_no_end_is_cut_visibly() {
        let host = "sqs.ap-northeast-1.amazonaws.com";
        let url = format!("https://{host}/999988887777/{}!", "q".repeat(79));
        let error = url.parse::<QueueUrl>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{url:?} is not")), "{error}");
        let error = "x".repeat(2000).parse::<QueueUrl>().unwrap_err();
        let cut = format!("\"{}…\" is not", "x".repeat(QUOTED_CHARS));
        assert!(error.to_string().starts_with(&cut), "{error}");
    }

    #[test]
    fn a_fingerprint_is_read_in_the_spellings_that_people_have() {
        let plain: Fingerprint = "B19F81D28F1F64647D877B6BE1C4A0BD71510DB7".parse().unwrap();
        for spelling in [
            "openpgp4fpr:b19f81d28f1f64647d877b6be1c4a0bd71510db7",
            "OPENPGP4FPR:B19F81D28F1F64647D877B6BE1C4A0BD71510DB7",
            "0XB19F81D28F1F64647D877B6BE1C4A0BD71510DB7",
            "0xb19f81d28f1f64647d877b6be1c4a0bd71510db7",
            "B1:9F:81:D2:8F:1F:64:64:7D:87:7B:6B:E1:C4:A0:BD:71:51:0D:B7",
            " B19F 81D2 8F1F 6464 7D87  7B6B E1C4 A0BD 7151 0DB7\n",
        ] {
            assert_eq!(Fingerprint::from_human(spelling).as_ref(), Ok(&plain));
        }
        assert!(Fingerprint::from_human("openpgp4fpr:").is_err());
        assert!(Fingerprint::from_human("0x0xB19F81D28F1F64647D877B6BE1C4A0BD71510DB7").is_err());
    }

    #[test]
    fn an_arn_of_another_service_or_kind_is_rejected() {
        assert!(
            "arn:aws:iam::111122223333:role/banto"
                .parse::<RoleArn>()
                .is_ok()
        );
        assert!(
            "arn:aws:iam::111122223333:user/banto"
                .parse::<RoleArn>()
                .is_err()
        );
        assert!(
            "arn:aws:sns:eu-west-1:111122223333:banto"
                .parse::<RoleArn>()
                .is_err()
        );
        assert!("arn:aws:iam::1111:role/banto".parse::<RoleArn>().is_err());
    }

    #[test]
    fn a_credential_is_long_term_or_temporary() {
        let (long_term, temporary) = ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE");
        let key: AccessKeyId = long_term.parse().unwrap();
        let session: SessionKeyId = temporary.parse().unwrap();
        assert!(temporary.parse::<AccessKeyId>().is_err());
        assert!(long_term.parse::<SessionKeyId>().is_err());
        assert_eq!(CredentialId::from(&key), long_term.parse().unwrap());
        assert_eq!(CredentialId::from(&session), temporary.parse().unwrap());
        for wrong in [
            "AROAIDPPEZS35WEXAMPLE",
            "AKIAIOSFODNN7EX",
            "asiaiosfodnn7example",
            "",
        ] {
            assert!(wrong.parse::<CredentialId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_queue_is_found_by_its_arn_in_its_own_partition() {
        for (arn, url) in [
            (
                "arn:aws:sqs:eu-west-1:111122223333:banto-rotation",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-rotation",
            ),
            (
                "arn:aws-cn:sqs:cn-north-1:111122223333:banto",
                "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/banto",
            ),
        ] {
            assert_eq!(QueueUrl::of_arn(arn), Some(url.parse().unwrap()));
        }
        for wrong in [
            "arn:aws:sns:eu-west-1:111122223333:banto",
            "arn:aws:sqs:eu-west-1:111122223333",
            "arn:aws:sqs:eu-west-1:111122223333:banto:more",
            "arn:aws:sqs:elsewhere:111122223333:banto",
            "arn:aws:sqs:eu-west-1:1111:banto",
            "arn:aws:sqs:eu-west-1:111122223333:../other",
            "",
        ] {
            assert_eq!(QueueUrl::of_arn(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_arn_tells_its_account_and_region() {
        let user: UserArn = "arn:aws:iam::111122223333:user/developers/alice"
            .parse()
            .unwrap();
        assert_eq!(user.account(), "111122223333");
        let topic: TopicArn = "arn:aws:sns:eu-west-1:111122223333:banto".parse().unwrap();
        assert_eq!(topic.region(), "eu-west-1");
        assert_eq!((topic.account(), topic.name()), ("111122223333", "banto"));
        let role: RoleArn = "arn:aws:iam::111122223333:role/break-glass"
            .parse()
            .unwrap();
        assert_eq!(role.path_and_name(), ("/", "break-glass"));
    }

    #[test]
    fn a_secrets_name_keeps_its_own_hyphens_and_loses_the_random_end() {
        for (end, name) in [
            ("banto/endpoints/pager", "banto/endpoints/pager"),
            ("team-payments-AbCdEf", "team-payments"),
            ("team-one", "team-one"),
            ("team-AbCdE", "team-AbCdE"),
            ("team-Ab_dEf", "team-Ab_dEf"),
            ("-AbCdEf", "-AbCdEf"),
        ] {
            let arn = format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{end}");
            let secret: SecretArn = arn.parse().unwrap();
            assert_eq!(secret.name(), name);
            assert_eq!(secret.account(), "111122223333");
        }
    }

    #[test]
    fn a_queue_that_is_not_of_aws_has_no_arn() {
        let queue: QueueUrl = "http://127.0.0.1:5000/111122223333/banto".parse().unwrap();
        assert_eq!(queue.arn(), None);
        assert_eq!((queue.account(), queue.name()), ("111122223333", "banto"));
    }

    #[test]
    fn names_of_an_organization_are_checked() {
        assert!("ap-southeast-12".parse::<Region>().is_ok());
        for wrong in ["eu-west", "EU-west-1", "global", "", "eu--1", "1"] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
        assert!(
            "arn:aws:iam::aws:policy/job-function/Billing"
                .parse::<PolicyArn>()
                .is_ok()
        );
        assert!(
            "arn:aws:iam::111122223333:policy/boundary"
                .parse::<PolicyArn>()
                .is_ok()
        );
        assert!("arn:aws:iam::aws:role/x".parse::<PolicyArn>().is_err());
        assert!("AWS::EC2::Instance".parse::<ResourceType>().is_ok());
        assert!("AWS::EC2".parse::<ResourceType>().is_err());
        let queue: QueueUrl = "https://sqs.eu-west-1.amazonaws.com/111122223333/banto-accounts"
            .parse()
            .unwrap();
        assert_eq!(queue.region(), Some("eu-west-1"));
        let local: QueueUrl = "http://127.0.0.1:5000/111122223333/banto-accounts"
            .parse()
            .unwrap();
        assert_eq!(local.region(), None);
        assert!(
            "https://sqs.eu-west-1.amazonaws.com/banto-accounts"
                .parse::<QueueUrl>()
                .is_err()
        );
    }

    #[test]
    fn names_of_every_partition_are_accepted() {
        for (region, domain) in [
            ("eu-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("us-gov-west-1", "amazonaws.com"),
            ("eusc-de-east-1", "amazonaws.eu"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk"),
            ("us-isof-south-1", "csp.hci.ic.gov"),
        ] {
            let partition = region.parse::<Region>().unwrap().partition();
            let arn = |rest: &str| format!("arn:{partition}:{rest}");
            assert!(
                arn("iam::111122223333:user/alice")
                    .parse::<UserArn>()
                    .is_ok(),
                "{partition}"
            );
            assert!(
                arn("iam::111122223333:role/banto")
                    .parse::<RoleArn>()
                    .is_ok(),
                "{partition}"
            );
            assert!(
                arn("iam::aws:policy/ReadOnlyAccess")
                    .parse::<PolicyArn>()
                    .is_ok(),
                "{partition}"
            );
            let key = arn(&format!("kms:{region}:111122223333:key/1234abcd")).parse::<KeyArn>();
            assert!(key.is_ok(), "{partition}");
            let topic: TopicArn = arn(&format!("sns:{region}:111122223333:banto"))
                .parse()
                .unwrap();
            assert_eq!(topic.region(), region);
            let secret: SecretArn = arn(&format!(
                "secretsmanager:{region}:111122223333:secret:banto"
            ))
            .parse()
            .unwrap();
            assert_eq!(secret.region(), region);
            let queue: QueueUrl = format!("https://sqs.{region}.{domain}/111122223333/banto")
                .parse()
                .unwrap();
            assert_eq!(queue.region(), Some(region));
        }
    }

    #[test]
    fn a_fingerprint_has_the_length_of_its_version() {
        assert!("A".repeat(40).parse::<Fingerprint>().is_ok());
        assert!("A".repeat(64).parse::<Fingerprint>().is_ok());
        assert!("A".repeat(32).parse::<Fingerprint>().is_err());
        assert!("a".repeat(40).parse::<Fingerprint>().is_err());
    }
}

//! The rules, as an Organization deploys them in several ways at once.

use banto_domain::RuleName;

use crate::draw::{Draw, HEX, LETTERS};
use crate::resource::Kind;

/// The way by which a rule is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deployment {
    /// As an organization rule: AWS Config adds eight characters, others in each region.
    Organization,
    /// By Security Hub: with eight hexadecimal digits, others in each account and region.
    SecurityHub,
    /// In a conformance pack: with nine characters, which all rules of the pack have.
    Pack,
    /// By AWS Control Tower, or by hand: as it is.
    Plain,
}

use Deployment::{Organization, Pack, Plain, SecurityHub};

/// AWS managed rules, and what they evaluate. (AWS Config developer guide, "List of AWS Config
/// Managed Rules"; AWS Control Tower's names are those of its controls reference.) The first eight
/// evaluate one type each.
const MANAGED: [(&str, Kind, Deployment); 31] = [
    (
        "s3-bucket-public-read-prohibited",
        Kind::Bucket,
        Organization,
    ),
    ("encrypted-volumes", Kind::Volume, Organization),
    ("restricted-ssh", Kind::SecurityGroup, SecurityHub),
    ("iam-user-mfa-enabled", Kind::User, Organization),
    ("ec2-imdsv2-check", Kind::Instance, Organization),
    (
        "lambda-function-public-access-prohibited",
        Kind::Function,
        Organization,
    ),
    ("rds-storage-encrypted", Kind::DbInstance, Organization),
    ("iam-no-inline-policy-check", Kind::Role, Organization),
    ("s3-bucket-ssl-requests-only", Kind::Bucket, SecurityHub),
    ("ebs-in-backup-plan", Kind::Volume, Pack),
    (
        "vpc-sg-open-only-to-authorized-ports",
        Kind::SecurityGroup,
        Organization,
    ),
    ("access-keys-rotated", Kind::User, SecurityHub),
    ("ec2-instance-no-public-ip", Kind::Instance, SecurityHub),
    ("lambda-inside-vpc", Kind::Function, Pack),
    (
        "rds-instance-public-access-check",
        Kind::DbInstance,
        SecurityHub,
    ),
    (
        "AWSControlTower_AWS-GR_ENCRYPTED_VOLUMES",
        Kind::Volume,
        Plain,
    ),
    ("s3-bucket-versioning-enabled", Kind::Bucket, Pack),
    ("restricted-common-ports", Kind::SecurityGroup, Pack),
    ("iam-user-no-policies-check", Kind::User, Pack),
    (
        "ec2-instance-managed-by-systems-manager",
        Kind::Instance,
        Pack,
    ),
    ("lambda-dlq-check", Kind::Function, SecurityHub),
    ("rds-multi-az-support", Kind::DbInstance, Pack),
    (
        "AWSControlTower_AWS-GR_S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
        Kind::Bucket,
        Plain,
    ),
    ("iam-role-managed-policy-check", Kind::Role, Plain),
    (
        "s3-bucket-public-read-prohibited",
        Kind::Bucket,
        SecurityHub,
    ),
    ("ec2-volume-inuse-check", Kind::Volume, SecurityHub),
    (
        "AWSControlTower_AWS-GR_RESTRICTED_SSH",
        Kind::SecurityGroup,
        Plain,
    ),
    (
        "ec2-instance-detailed-monitoring-enabled",
        Kind::Instance,
        Plain,
    ),
    (
        "s3-bucket-server-side-encryption-enabled",
        Kind::Bucket,
        SecurityHub,
    ),
    ("s3-bucket-logging-enabled", Kind::Bucket, Organization),
    (
        "rds-instance-deletion-protection-enabled",
        Kind::DbInstance,
        SecurityHub,
    ),
];

/// A rule in an account and region.
#[derive(Debug, Clone)]
pub(crate) struct Deployed {
    /// Its name there.
    pub(crate) name: RuleName,
    /// The type that it evaluates.
    pub(crate) kind: Kind,
    /// A number that all its deployments have.
    pub(crate) own: u64,
    /// Its id.
    pub(crate) id: String,
    /// The service that deployed it, as its ARN names it.
    pub(crate) service: &'static str,
    /// True if a caller of this crate wants it to be there: it evaluates nothing else.
    pub(crate) planted: bool,
}

/// The rules of an account in a region.
pub(crate) fn deployed(seed: u64, rules: usize, account: usize, region: usize) -> Vec<Deployed> {
    (0..rules)
        .filter_map(|rule| one(seed, rule, account as u64, region as u64))
        .collect()
}

fn one(seed: u64, rule: usize, account: u64, region: u64) -> Option<Deployed> {
    let own_rule = || {
        let kind = Kind::ALL.get(rule % Kind::ALL.len()).copied();
        kind.map(|kind| (format!("acme-{}-standard-{rule}", kind.word()), kind, Plain))
    };
    let managed = MANAGED.get(rule);
    let (own, kind, deployment) = managed
        .map(|(own, kind, deployment)| ((*own).to_owned(), *kind, *deployment))
        .or_else(own_rule)?;
    let name = match deployment {
        Organization => {
            let end = Draw::of(seed, &[10, rule as u64, region]).text(LETTERS, 8);
            format!("OrgConfigRule-{own}-{end}")
        }
        SecurityHub => {
            let end = Draw::of(seed, &[11, rule as u64, account, region]).text(HEX, 8);
            format!("securityhub-{own}-{end}")
        }
        Pack => {
            let end = Draw::of(seed, &[12, account, region]).text(LETTERS, 9);
            format!("{own}-conformance-pack-{end}")
        }
        Plain => own.clone(),
    };
    let service = match deployment {
        Organization => "aws-service-rule/config-multiaccountsetup.amazonaws.com/",
        SecurityHub => "aws-service-rule/securityhub.amazonaws.com/",
        Pack => "aws-service-rule/config-conforms.amazonaws.com/",
        Plain => "",
    };
    Some(Deployed {
        own: hash(&own),
        name: name.parse().ok()?,
        kind,
        id: id(seed, &name, account, region),
        service,
        planted: false,
    })
}

/// A rule that a caller wants to be there.
pub(crate) fn planted(seed: u64, name: &RuleName, account: usize, region: usize) -> Deployed {
    Deployed {
        name: name.clone(),
        kind: Kind::Bucket,
        own: hash(name.as_str()),
        id: id(seed, name.as_str(), account as u64, region as u64),
        service: "",
        planted: true,
    }
}

fn id(seed: u64, name: &str, account: u64, region: u64) -> String {
    let end = Draw::of(seed, &[13, hash(name), account, region]).text(LETTERS, 6);
    format!("config-rule-{end}")
}

fn hash(text: &str) -> u64 {
    let mut hash = Draw::of(0, &text.bytes().map(u64::from).collect::<Vec<_>>());
    hash.next()
}

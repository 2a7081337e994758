//! The services that are called, and the endpoints that the environment names for them.

/// The services that are talked to, as `AWS_ENDPOINT_URL_<SERVICE>` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Account,
    Athena,
    AutoScaling,
    CloudFormation,
    CloudTrail,
    CloudWatch,
    Config,
    DynamoDb,
    Ec2,
    ElastiCache,
    Events,
    Iam,
    Kms,
    Lambda,
    Organizations,
    Rds,
    Redshift,
    S3,
    S3Control,
    Scheduler,
    SecretsManager,
    SesV2,
    Sns,
    Sqs,
    Sts,
}

impl Service {
    /// The part of its endpoint that precedes the region. (AWS general reference, "Service
    /// endpoints and quotas".)
    pub(crate) fn endpoint_prefix(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Athena => "athena",
            Self::AutoScaling => "autoscaling",
            Self::CloudFormation => "cloudformation",
            Self::CloudTrail => "cloudtrail",
            Self::CloudWatch => "monitoring",
            Self::Config => "config",
            Self::DynamoDb => "dynamodb",
            Self::Ec2 => "ec2",
            Self::ElastiCache => "elasticache",
            Self::Events => "events",
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::Organizations => "organizations",
            Self::Rds => "rds",
            Self::Redshift => "redshift",
            Self::S3 => "s3",
            Self::S3Control => "s3-control",
            Self::Scheduler => "scheduler",
            Self::SecretsManager => "secretsmanager",
            Self::SesV2 => "email",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }

    /// The name that a signature is for, where it is another one. (Signature Version 4: the
    /// credential's scope.)
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::S3Control => "s3",
            Self::SesV2 => "ses",
            other => other.endpoint_prefix(),
        }
    }
}

/// Endpoints other than AWS's own. (AWS SDKs and tools reference, "Service-specific endpoints".)
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    all: Option<String>,
    of: Vec<(Service, String)>,
}

impl Endpoints {
    pub(crate) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        if var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return Self::default();
        }
        let services = [
            (Service::Account, "AWS_ENDPOINT_URL_ACCOUNT"),
            (Service::Athena, "AWS_ENDPOINT_URL_ATHENA"),
            (Service::AutoScaling, "AWS_ENDPOINT_URL_AUTO_SCALING"),
            (Service::CloudFormation, "AWS_ENDPOINT_URL_CLOUDFORMATION"),
            (Service::CloudTrail, "AWS_ENDPOINT_URL_CLOUDTRAIL"),
            (Service::CloudWatch, "AWS_ENDPOINT_URL_CLOUDWATCH"),
            (Service::Config, "AWS_ENDPOINT_URL_CONFIG_SERVICE"),
            (Service::DynamoDb, "AWS_ENDPOINT_URL_DYNAMODB"),
            (Service::Ec2, "AWS_ENDPOINT_URL_EC2"),
            (Service::ElastiCache, "AWS_ENDPOINT_URL_ELASTICACHE"),
            (Service::Events, "AWS_ENDPOINT_URL_EVENTBRIDGE"),
            (Service::Iam, "AWS_ENDPOINT_URL_IAM"),
            (Service::Kms, "AWS_ENDPOINT_URL_KMS"),
            (Service::Lambda, "AWS_ENDPOINT_URL_LAMBDA"),
            (Service::Organizations, "AWS_ENDPOINT_URL_ORGANIZATIONS"),
            (Service::Rds, "AWS_ENDPOINT_URL_RDS"),
            (Service::Redshift, "AWS_ENDPOINT_URL_REDSHIFT"),
            (Service::S3, "AWS_ENDPOINT_URL_S3"),
            (Service::S3Control, "AWS_ENDPOINT_URL_S3_CONTROL"),
            (Service::Scheduler, "AWS_ENDPOINT_URL_SCHEDULER"),
            (Service::SecretsManager, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            (Service::SesV2, "AWS_ENDPOINT_URL_SESV2"),
            (Service::Sns, "AWS_ENDPOINT_URL_SNS"),
            (Service::Sqs, "AWS_ENDPOINT_URL_SQS"),
            (Service::Sts, "AWS_ENDPOINT_URL_STS"),
        ];
        let of = services
            .into_iter()
            .filter_map(|(service, name)| Some((service, var(name)?)))
            .collect();
        Self {
            all: var("AWS_ENDPOINT_URL"),
            of,
        }
    }

    pub(crate) fn of(&self, service: Service) -> Option<&str> {
        let own = self
            .of
            .iter()
            .find(|(known, _)| *known == service)
            .map(|(_, url)| url.as_str());
        own.or(self.all.as_deref())
    }
}

//! Where AWS is, who we are there, and how patient we are.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::{AppName, BehaviorVersion, IdentityCache, Region};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::sdk_config::{RequestChecksumCalculation, ResponseChecksumValidation};
use banto_domain::QueueUrl;
use banto_domain::policy::onboarding::Way;
use banto_domain::policy::{CompliancePolicy, IdentityAccount, OnboardingPolicy};
use banto_ports::{Queue, Secrets, Topics};
use banto_tls::{BundleError, TrustedRoots};

use crate::aggregator::ConfigAggregator;
use crate::certificates::S3Certificates;
use crate::http::Http;
use crate::keys::IamKeys;
use crate::ledger::DynamoDbLedger;
use crate::mail::Ses;
use crate::member::AssumedRoles;
use crate::objects::S3;
use crate::organization::Organizations;
use crate::queue::SqsQueue;
use crate::records::SecretsManagerRecords;
use crate::role::AssumedRole;
use crate::stacks::CloudFormationStacks;
use crate::statuses::{DynamoDbStatuses, S3Dashboard};
use crate::telling::{SecretsManager, Sns};

/// How often a call is tried in all, the pauses growing with jitter.
const ATTEMPTS: u32 = 5;

/// How long is waited for a connection, for an answer, and for a call with all its attempts.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_secs(8);
const CALL: Duration = Duration::from_secs(25);

/// The services that are talked to, as `AWS_ENDPOINT_URL_<SERVICE>` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Account,
    CloudFormation,
    Config,
    DynamoDb,
    Ec2,
    Iam,
    Organizations,
    S3,
    S3Control,
    SecretsManager,
    SesV2,
    Sns,
    Sqs,
    Sts,
}

impl Service {
    /// What precedes the region in its endpoint. (AWS general reference, "Service endpoints and quotas".)
    pub(crate) fn endpoint_prefix(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::CloudFormation => "cloudformation",
            Self::Config => "config",
            Self::DynamoDb => "dynamodb",
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Organizations => "organizations",
            Self::S3 => "s3",
            Self::S3Control => "s3-control",
            Self::SecretsManager => "secretsmanager",
            Self::SesV2 => "email",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }

    /// The name that a signature is for, where it is another one. (Signature Version 4: the credential's scope.)
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::S3Control => "s3",
            Self::SesV2 => "ses",
            other => other.endpoint_prefix(),
        }
    }
}

/// AWS, as the environment tells of it; made once, without asking AWS anything.
#[derive(Debug, Clone)]
pub struct Aws {
    roots: TrustedRoots,
    config: SdkConfig,
    endpoints: Arc<Endpoints>,
}

/// Endpoints other than AWS's own. (AWS SDKs and tools reference, "Service-specific endpoints".)
#[derive(Debug, Default)]
struct Endpoints {
    all: Option<String>,
    of: Vec<(Service, String)>,
}

/// An environment that AWS can't be called with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Variables that are missing, all of them.
    #[error("the environment lacks {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A bundle of certificates that can't be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// The ways to act in one identity account.
#[derive(Debug)]
pub struct Account {
    /// Its users and their keys.
    pub keys: IamKeys,
    /// The records of its users.
    pub records: SecretsManagerRecords,
    /// The certificates of its users.
    pub certificates: S3Certificates,
}

/// The ways to act in the Organization.
#[derive(Debug)]
pub struct OrganizationClients {
    /// Its accounts.
    pub organization: Organizations,
    /// The way into them.
    pub account_access: AssumedRoles,
    /// The StackSet's instances.
    pub stacks: CloudFormationStacks,
    /// The accounts that wait.
    pub queue: SqsQueue,
    /// What is known of each account.
    pub statuses: DynamoDbStatuses,
    /// The dashboard's data.
    pub dashboard: S3Dashboard,
}

/// The ways to what people are told of compliance.
#[derive(Debug)]
pub struct ComplianceClients {
    /// The accounts of the Organization.
    pub organization: Organizations,
    /// Events, and messages that wait.
    pub queue: SqsQueue,
    /// What is known and was said.
    pub ledger: DynamoDbLedger,
    /// What AWS Config knows of every account.
    pub aggregator: ConfigAggregator,
    /// Mail.
    pub mailer: Ses,
}

impl Aws {
    /// Reads the environment, as Lambda sets it: region, credentials, and endpoints if there are any.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Reads variables by name.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let region = var("AWS_REGION").or_else(|| var("AWS_DEFAULT_REGION"));
        let (id, secret) = (var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"));
        let needed = [
            ("AWS_REGION", &region),
            ("AWS_ACCESS_KEY_ID", &id),
            ("AWS_SECRET_ACCESS_KEY", &secret),
        ];
        let missing = needed
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| *name)
            .collect();
        let (Some(region), Some(id), Some(secret)) = (region, id, secret) else {
            return Err(ConfigError::Missing(missing));
        };
        let credentials =
            Credentials::new(id, secret, var("AWS_SESSION_TOKEN"), None, "environment");
        let roots = TrustedRoots::from_vars(&var)?;
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .identity_cache(IdentityCache::lazy().build())
            .http_client(Http::new(&roots))
            .sleep_impl(TokioSleep::new())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT)
                    .operation_timeout(CALL)
                    .build(),
            )
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .app_name(app_name())
            .build();
        Ok(Self {
            roots,
            config,
            endpoints: Arc::new(Endpoints::from_vars(var)),
        })
    }

    /// The authorities whose certificates are trusted, for the other connections of the same process.
    pub fn trusted_roots(&self) -> &TrustedRoots {
        &self.roots
    }

    /// The ways to act in an identity account; its role is assumed when it is first needed, once for
    /// all of them.
    pub fn account(&self, identity: &IdentityAccount) -> Account {
        let aws = if identity.assume {
            self.with_role(identity)
        } else {
            self.clone()
        };
        Account {
            keys: IamKeys::new(aws_sdk_iam::Client::from_conf(aws.iam())),
            records: SecretsManagerRecords::new(
                aws_sdk_secretsmanager::Client::new(&aws.of(Service::SecretsManager)),
                identity,
            ),
            certificates: S3Certificates::new(S3::new(&aws), identity),
        }
    }

    /// The ways to act in the Organization. `session_policy` limits what a session in an account may do,
    /// whatever the role that was assumed may: most roles that reach every account are administrators.
    /// (IAM user guide, "Session policies": at most 2,048 characters.)
    pub fn organization(
        &self,
        policy: &OnboardingPolicy,
        session_policy: &str,
    ) -> OrganizationClients {
        let stack_set = match &policy.way {
            Way::StackSet(stack_set) => Some(stack_set.clone()),
            Way::Direct => None,
        };
        OrganizationClients {
            organization: Organizations::new(aws_sdk_organizations::Client::new(
                &self.of(Service::Organizations),
            )),
            account_access: AssumedRoles::new(self.clone(), policy, session_policy),
            stacks: CloudFormationStacks::new(self.caller(Service::CloudFormation), stack_set),
            queue: SqsQueue::new(self, &policy.queue),
            statuses: DynamoDbStatuses::new(
                aws_sdk_dynamodb::Client::new(&self.of(Service::DynamoDb)),
                &policy.table,
            ),
            dashboard: S3Dashboard::new(S3::new(self), &policy.dashboard),
        }
    }

    /// The ways to what people are told of compliance.
    pub fn compliance(&self, policy: &CompliancePolicy) -> ComplianceClients {
        ComplianceClients {
            organization: Organizations::new(aws_sdk_organizations::Client::new(
                &self.of(Service::Organizations),
            )),
            queue: SqsQueue::new(self, &policy.queue),
            ledger: DynamoDbLedger::new(&self.of(Service::DynamoDb), &policy.table),
            aggregator: ConfigAggregator::new(
                aws_sdk_config::Client::new(&self.of(Service::Config)),
                &policy.aggregator,
            ),
            mailer: Ses::new(self.caller(Service::SesV2)),
        }
    }

    /// The same AWS with other credentials.
    pub(crate) fn with_credentials(&self, credentials: Credentials) -> Self {
        let provider = SharedCredentialsProvider::new(credentials);
        // A cache of its own: these credentials are not the function's.
        let config = self
            .config
            .to_builder()
            .credentials_provider(provider)
            .identity_cache(IdentityCache::no_cache());
        self.with_config(config.build())
    }

    fn with_config(&self, config: SdkConfig) -> Self {
        Self {
            roots: self.roots.clone(),
            config,
            endpoints: Arc::clone(&self.endpoints),
        }
    }

    /// Secrets that the policy names.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(SecretsManager::new(self.clone()))
    }

    /// A queue that the policy names.
    pub fn queue(&self, url: &QueueUrl) -> Arc<dyn Queue> {
        Arc::new(SqsQueue::new(self, url))
    }

    /// Topics that the policy names.
    pub fn topics(&self) -> Arc<dyn Topics> {
        Arc::new(Sns::new(self.clone()))
    }

    /// The configuration for one service.
    pub(crate) fn of(&self, service: Service) -> SdkConfig {
        match self.endpoints.of(service) {
            None => self.config.clone(),
            Some(url) => self.config.to_builder().endpoint_url(url).build(),
        }
    }

    /// The configuration for one service in one region.
    pub(crate) fn in_region(&self, service: Service, region: &str) -> SdkConfig {
        self.of(service)
            .into_builder()
            .region(Region::new(region.to_owned()))
            .build()
    }

    fn iam(&self) -> aws_sdk_iam::Config {
        aws_sdk_iam::config::Builder::from(&self.of(Service::Iam)).build()
    }

    fn with_role(&self, identity: &IdentityAccount) -> Self {
        let sts = self.caller(Service::Sts);
        let role = SharedCredentialsProvider::new(AssumedRole::new(sts, identity.role.clone()));
        // A cache of its own: the role's credentials are not the function's.
        let config = self
            .config
            .to_builder()
            .credentials_provider(role)
            .identity_cache(IdentityCache::lazy().build());
        self.with_config(config.build())
    }
}

impl Endpoints {
    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        if var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return Self::default();
        }
        let services = [
            (Service::Account, "AWS_ENDPOINT_URL_ACCOUNT"),
            (Service::CloudFormation, "AWS_ENDPOINT_URL_CLOUDFORMATION"),
            (Service::Config, "AWS_ENDPOINT_URL_CONFIG_SERVICE"),
            (Service::DynamoDb, "AWS_ENDPOINT_URL_DYNAMODB"),
            (Service::Ec2, "AWS_ENDPOINT_URL_EC2"),
            (Service::Iam, "AWS_ENDPOINT_URL_IAM"),
            (Service::Organizations, "AWS_ENDPOINT_URL_ORGANIZATIONS"),
            (Service::S3, "AWS_ENDPOINT_URL_S3"),
            (Service::S3Control, "AWS_ENDPOINT_URL_S3_CONTROL"),
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

    fn of(&self, service: Service) -> Option<&str> {
        let own = self
            .of
            .iter()
            .find(|(known, _)| *known == service)
            .map(|(_, url)| url.as_str());
        own.or(self.all.as_deref())
    }
}

/// What CloudTrail shows of us in `userAgent`.
fn app_name() -> AppName {
    #[expect(
        clippy::expect_used,
        reason = "a constant, and a test sees it on the wire"
    )]
    AppName::new("banto").expect("letters only")
}

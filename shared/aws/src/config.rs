//! How AWS is called: region, credentials, endpoints, attempts and timeouts.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_iam::config::{AppName, BehaviorVersion, IdentityCache, Region};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::sdk_config::{RequestChecksumCalculation, ResponseChecksumValidation};
use banto_tls::{BundleError, TrustedRoots};

use crate::http::Http;
use crate::service::{Endpoints, Service};

/// Attempts of a call in all, with pauses that grow and have jitter. With the SDK's default of
/// three, a burst of throttling that lasts two seconds fails a call.
const ATTEMPTS: u32 = 5;
/// Longest time of one attempt. IAM's slowest calls take some three seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// Longest time of a call with all its attempts: the functions reckon with it when they ask whether
/// the time that is left to them is enough.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// AWS, as the environment tells of it; made once, without asking AWS anything.
#[derive(Debug, Clone)]
pub struct Aws {
    region: banto_domain::Region,
    roots: TrustedRoots,
    config: SdkConfig,
    endpoints: Arc<Endpoints>,
}

/// An environment that AWS can't be called with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Variables that are missing, all of them.
    #[error("the environment lacks {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A region that can't be one.
    #[error("AWS_REGION: {0}")]
    Region(String),
    /// A bundle of certificates that can't be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl Aws {
    /// Reads the environment, as Lambda sets it: region, credentials, and endpoints if there are
    /// any.
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
        let parsed: Result<banto_domain::Region, _> = region.parse();
        let parsed = parsed.map_err(|error| ConfigError::Region(error.to_string()))?;
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
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            )
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .app_name(app_name())
            .build();
        Ok(Self {
            region: parsed,
            roots,
            config,
            endpoints: Arc::new(Endpoints::from_vars(var)),
        })
    }

    /// The same AWS for looking only: whatever would write fails before it is sent. A dry run by
    /// hand has it, so that no mistake of a port or a planner reaches AWS.
    pub fn reading_only(&self) -> Self {
        let http = Http::reading_only(&self.roots);
        Self {
            config: self.config.to_builder().http_client(http).build(),
            ..self.clone()
        }
    }

    /// What must not be shown of the credentials, wherever they came from: the secret access key and
    /// the session token. Nothing, where there are no credentials yet.
    pub async fn secrets_of_credentials(&self) -> Vec<String> {
        let Some(provider) = self.config.credentials_provider() else {
            return Vec::new();
        };
        let Ok(credentials) = provider.provide_credentials().await else {
            return Vec::new();
        };
        let token = credentials.session_token().unwrap_or_default();
        let secrets = [credentials.secret_access_key(), token].into_iter();
        let secrets = secrets.filter(|secret| !secret.is_empty());
        secrets.map(str::to_owned).collect()
    }

    /// The function's own region.
    pub fn region(&self) -> &banto_domain::Region {
        &self.region
    }

    /// The authorities whose certificates are trusted, for the other connections of the same
    /// process.
    pub fn trusted_roots(&self) -> &TrustedRoots {
        &self.roots
    }

    /// The same AWS with credentials that are at hand.
    pub(crate) fn with_credentials(&self, credentials: Credentials) -> Self {
        let provider = SharedCredentialsProvider::new(credentials);
        self.with_identity(provider, IdentityCache::no_cache())
    }

    /// The same AWS with credentials that are asked for when they are first needed, and kept until
    /// they are about to expire.
    pub(crate) fn with_provider(&self, provider: impl ProvideCredentials + 'static) -> Self {
        let provider = SharedCredentialsProvider::new(provider);
        self.with_identity(provider, IdentityCache::lazy().build())
    }

    /// The cache is never shared: the function's own credentials are in its own.
    fn with_identity(
        &self,
        provider: SharedCredentialsProvider,
        cache: SharedIdentityCache,
    ) -> Self {
        let config = self
            .config
            .to_builder()
            .credentials_provider(provider)
            .identity_cache(cache);
        Self {
            region: self.region.clone(),
            roots: self.roots.clone(),
            config: config.build(),
            endpoints: Arc::clone(&self.endpoints),
        }
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
}

/// The name that CloudTrail shows in `userAgent`.
fn app_name() -> AppName {
    #[expect(
        clippy::expect_used,
        reason = "a constant, and a test sees it on the wire"
    )]
    AppName::new("banto").expect("letters only")
}

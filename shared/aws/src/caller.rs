//! Asks a service that has no SDK crate here, on the SDK's own runtime.
//!
//! Signatures, credentials and their cache, retries, timeouts, the user agent and the HTTP client
//! are the same pieces that an SDK crate is generated around. What is written here is only what
//! such a crate adds for one operation: a request, and its answer. docs/decisions/sdk-crates.md
//! says which services are asked so, and why.

use std::fmt;
use std::time::Duration;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::DeserializeResponse;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{ConfigBag, Layer};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use banto_domain::{Partition, Region};
use banto_ports::{ErrorKind, PortError};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::config::Aws;
use crate::errors::port_error;
use crate::service::Service;
use crate::xml;

/// Everything but what RFC 3986, section 2.3, reserves for nothing; Signature Version 4 wants the
/// same.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same within a path, whose parts stay apart.
const RESERVED_IN_PATHS: &AsciiSet = &RESERVED.remove(b'/');

/// Largest answer that is read, in bytes. A page of EC2's or CloudFormation's has some hundred
/// kilobytes, and a function has 128 MB.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Asks one service in one region.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    service: Service,
    config: SdkConfig,
}

/// A request, before it is signed.
#[derive(Clone)]
pub(crate) struct Request {
    /// The permission that it needs, as in `s3:GetObject`; errors name it.
    pub(crate) call: &'static str,
    pub(crate) method: &'static str,
    /// What comes before the service's own host name, as a bucket does.
    pub(crate) host_prefix: Option<String>,
    /// Percent-encoded.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// The body of an answer that says yes.
struct Body {
    bytes: Vec<u8>,
    /// The header `last-modified`, which S3 gives of an object.
    modified: Option<String>,
}

/// Reads answers, and refuses one that is too large before it is read.
#[derive(Debug)]
struct Reader;

impl Aws {
    /// Asks a service in the function's own region.
    pub(crate) fn caller(&self, service: Service) -> Caller {
        Caller::new(service, self.of(service))
    }

    /// Asks a service in a region.
    pub(crate) fn caller_in(&self, service: Service, region: &str) -> Caller {
        Caller::new(service, self.in_region(service, region))
    }
}

impl Caller {
    fn new(service: Service, config: SdkConfig) -> Self {
        Self { service, config }
    }

    /// The same service, asked once and for so long, where a second try might do the same again.
    pub(crate) fn once(self, timeout: Duration) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(timeout)
            .operation_timeout(timeout)
            .build();
        let config = self.config.into_builder();
        let config = config
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self { config, ..self }
    }

    /// True if the environment names an endpoint that is not AWS's own.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.config.endpoint_url().is_some()
    }

    /// Asks, and returns the answer's body.
    pub(crate) async fn ask(&self, request: Request) -> Result<Vec<u8>, PortError> {
        self.answer(request).await.map(|body| body.bytes)
    }

    /// The same, and when it was last changed, if the answer says so in the form of RFC 9110,
    /// section 5.6.7.
    pub(crate) async fn ask_dated(
        &self,
        request: Request,
    ) -> Result<(Vec<u8>, Option<Timestamp>), PortError> {
        let body = self.answer(request).await?;
        let parser = jiff::fmt::rfc2822::DateTimeParser::new();
        let modified = body.modified.as_deref();
        let modified = modified.and_then(|text| parser.parse_timestamp(text).ok());
        Ok((body.bytes, modified))
    }

    async fn answer(&self, request: Request) -> Result<Body, PortError> {
        let call = request.call;
        let unsendable = || {
            PortError::new(
                ErrorKind::Invalid,
                call,
                "the request could not be sent as it was",
            )
        };
        let mut builder = Operation::builder()
            .service_name(self.service.signing_name())
            .operation_name(operation(call))
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.config.http_client().ok_or_else(unsendable)?)
            .endpoint_url(&self.endpoint(request.host_prefix.as_deref()))
            .with_connection_poisoning()
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .runtime_plugin(self.identity());
        if let Some(retry) = self.config.retry_config() {
            builder = builder.standard_retry(retry);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(sleep) = self.config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        let operation = builder
            .serializer(to_http)
            .deserializer_impl::<Body, ErrorMetadata>(Reader)
            .build();
        operation
            .invoke(request)
            .await
            .map_err(|error| port_error(call, &error))
    }

    /// Asks by the query protocol: a form with the action's name, its version and its fields. The
    /// answer is XML.
    pub(crate) async fn query<N: AsRef<str>>(
        &self,
        call: &'static str,
        version: &str,
        fields: &[(N, &str)],
    ) -> Result<String, PortError> {
        let mut form = format!("Action={}&Version={version}", operation(call));
        for (name, value) in fields {
            form.push('&');
            form.push_str(name.as_ref());
            form.push('=');
            form.extend(utf8_percent_encode(value, RESERVED));
        }
        let headers = vec![(
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let request = Request {
            method: "POST",
            headers,
            body: form.into_bytes(),
            ..Request::get(call, "/")
        };
        let body = self.ask(request).await?;
        String::from_utf8(body)
            .map_err(|_| PortError::new(ErrorKind::Unavailable, call, "the answer is not UTF-8"))
    }

    /// The service's endpoint. (AWS general reference, "Service endpoints and quotas".)
    fn endpoint(&self, prefix: Option<&str>) -> String {
        if let Some(url) = self.config.endpoint_url() {
            return url.to_owned();
        }
        let service = self.service.endpoint_prefix();
        let region = self.config.region().map_or("", AsRef::as_ref);
        if self.service == Service::Iam {
            // Asked so by `banto doctor` only; the functions' calls of IAM go by its SDK crate. In
            // other partitions than these the host has the region, as others do. (botocore, endpoint
            // rules of the service `iam`.)
            match region.parse::<Region>().map(|region| region.partition()) {
                Ok(Partition::Aws) => return "https://iam.amazonaws.com".to_owned(),
                Ok(Partition::AwsUsGov) => return "https://iam.us-gov.amazonaws.com".to_owned(),
                _ => {}
            }
        }
        let host = match region.parse::<Region>() {
            Ok(region) => region.endpoint(service),
            // A region whose name nobody knows yet.
            Err(_) => format!("{service}.{region}.amazonaws.com"),
        };
        format!(
            "https://{}{host}",
            prefix.map_or_else(String::new, |prefix| format!("{prefix}."))
        )
    }

    /// The credentials, and the way in which requests are signed with them.
    fn identity(&self) -> StaticRuntimePlugin {
        let is_s3 = matches!(self.service, Service::S3 | Service::S3Control);
        let mut options = SigningOptions::default();
        // S3 signs a path as it is sent, and wants the body's hash in a header. (S3 API reference,
        // "Authenticating requests: using the Authorization header".)
        options.double_uri_encode = !is_s3;
        options.normalize_uri_path = !is_s3;
        options.content_sha256_header = is_s3;
        let signing = SigV4OperationSigningConfig {
            region: self.config.region().cloned().map(SigningRegion::from),
            name: Some(SigningName::from_static(self.service.signing_name())),
            signing_options: options,
            ..SigV4OperationSigningConfig::default()
        };
        let mut layer = Layer::new("identity");
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(signing);
        // No log shows an answer, at whatever level: STS's hold credentials.
        layer.store_put(SensitiveOutput);
        layer.store_put(ApiMetadata::new(
            self.service.signing_name(),
            env!("CARGO_PKG_VERSION"),
        ));
        if let Some(name) = self.config.app_name() {
            layer.store_put(name.clone());
        }
        let components = RuntimeComponentsBuilder::new("identity")
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
                SCHEME_ID,
            ])))
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_identity_cache(self.config.identity_cache())
            .with_interceptor(UserAgentInterceptor::new());
        let components = match self.config.credentials_provider() {
            Some(provider) => components.with_identity_resolver(SCHEME_ID, provider),
            None => components,
        };
        StaticRuntimePlugin::new()
            .with_config(layer.freeze())
            .with_runtime_components(components)
    }
}

impl Request {
    /// A GET of a path, which is percent-encoded already.
    pub(crate) fn get(call: &'static str, path: impl Into<String>) -> Self {
        Self {
            call,
            method: "GET",
            host_prefix: None,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A POST of JSON.
    pub(crate) fn post_json(call: &'static str, path: &str, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self {
            method: "POST",
            headers,
            body: body.to_string().into_bytes(),
            ..Self::get(call, path)
        }
    }

    /// A request in AWS's JSON protocol: `version` is the protocol's, `target` the service and its
    /// operation. (Smithy, "AWS JSON 1.0 protocol" and "AWS JSON 1.1 protocol".)
    pub(crate) fn aws_json(call: &'static str, version: &str, target: &str, body: &Value) -> Self {
        let headers = vec![
            ("content-type", format!("application/x-amz-json-{version}")),
            ("x-amz-target", target.to_owned()),
        ];
        Self {
            headers,
            ..Self::post_json(call, "/", body)
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// The operation that a permission is for.
fn operation(call: &'static str) -> &'static str {
    call.split_once(':')
        .map_or(call, |(_, operation)| operation)
}

/// Encodes the parts of a path (RFC 3986, section 2.1).
pub(crate) fn encoded_path(path: &str) -> String {
    utf8_percent_encode(path, RESERVED_IN_PATHS).to_string()
}

/// Encodes a value of a query (RFC 3986, section 2.1).
pub(crate) fn encoded_query(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

fn to_http(request: Request) -> Result<HttpRequest, BoxError> {
    let mut builder = http::Request::builder()
        .method(request.method)
        .uri(request.path);
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    if request.method != "GET" {
        builder = builder.header("content-length", request.body.len());
    }
    let body = if request.body.is_empty() {
        SdkBody::empty()
    } else {
        SdkBody::from(request.body)
    };
    Ok(HttpRequest::try_from(builder.body(body)?)?)
}

impl DeserializeResponse for Reader {
    fn deserialize_streaming_with_config(
        &self,
        response: &mut HttpResponse,
        _: &ConfigBag,
    ) -> Option<Result<Output, OrchestratorError<Error>>> {
        let length: usize = response.headers().get("content-length")?.parse().ok()?;
        let too_large = ErrorMetadata::builder()
            .code("ResponseTooLarge")
            .message(format!("{length} bytes"));
        (length > LARGEST_ANSWER).then(|| {
            Err(OrchestratorError::operation(Error::erase(
                too_large.build(),
            )))
        })
    }

    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = response.body().bytes().unwrap_or_default();
        if response.status().is_success() {
            let modified = response.headers().get("last-modified");
            return Ok(Output::erase(Body {
                bytes: body.to_vec(),
                modified: modified.map(str::to_owned),
            }));
        }
        let text = String::from_utf8_lossy(body);
        let (code, message) = json_error(&text).unwrap_or_else(|| xml::error(&text));
        let code = response
            .headers()
            .get("x-amzn-errortype")
            .map(str::to_owned)
            .or(code);
        // A name may come with its namespace before it, and where it is documented behind it.
        let code = code
            .as_deref()
            .and_then(|code| code.rsplit('#').next()?.split(':').next());
        let error = ErrorMetadata::builder()
            .code(code.unwrap_or_default())
            .message(message.unwrap_or_default());
        Err(OrchestratorError::operation(Error::erase(error.build())))
    }
}

/// The code and the message of an error in JSON. (Smithy's AWS restJson1 protocol, "Operation error
/// serialization".)
fn json_error(text: &str) -> Option<(Option<String>, Option<String>)> {
    let body: Value = serde_json::from_str(text).ok()?;
    let first = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| body.get(name)?.as_str().map(str::to_owned))
    };
    Some((first(["__type", "code"]), first(["message", "Message"])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(region: &str) -> Aws {
        Aws::from_vars(|name| {
            let value = match name {
                "AWS_REGION" => region,
                "AWS_ACCESS_KEY_ID" => "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY" => "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                _ => return None,
            };
            Some(value.to_owned())
        })
        .unwrap()
    }

    #[test]
    fn each_service_is_asked_where_it_is() {
        let endpoint = |service, region, prefix| aws(region).caller(service).endpoint(prefix);
        assert_eq!(
            endpoint(Service::Ec2, "eu-west-1", None),
            "https://ec2.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            endpoint(Service::SesV2, "eu-west-1", None),
            "https://email.eu-west-1.amazonaws.com"
        );
        for (region, expected) in [
            ("eu-west-1", "https://iam.amazonaws.com"),
            ("us-gov-west-1", "https://iam.us-gov.amazonaws.com"),
            ("cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn"),
        ] {
            assert_eq!(endpoint(Service::Iam, region, None), expected);
        }
        assert_eq!(
            endpoint(Service::S3, "cn-north-1", Some("certificates")),
            "https://certificates.s3.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(
            endpoint(Service::S3Control, "eu-west-1", Some("111122223333")),
            "https://111122223333.s3-control.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            aws("eu-west-1")
                .caller_in(Service::Sns, "us-east-1")
                .endpoint(None),
            "https://sns.us-east-1.amazonaws.com"
        );
    }

    #[test]
    fn a_path_is_encoded_as_signatures_want_it() {
        assert_eq!(
            encoded_path("certs/a+b@c~d_e-f.asc ä"),
            "certs/a%2Bb%40c~d_e-f.asc%20%C3%A4"
        );
    }
}

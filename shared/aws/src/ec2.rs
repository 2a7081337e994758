//! Settings of EC2, in each region of an account.
//!
//! EC2 has an SDK crate of its own, of 1.2 million lines: with it a clean release build took six minutes
//! longer on two cores (docs/decisions/ec2.md). These are its nine calls on the SDK's own runtime:
//! the same signatures, retries, timeouts and HTTP client as every other service's.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use banto_domain::Region;
use banto_ports::{DefaultVpc, ErrorKind, PortError, RegionSettings, VpcPart};
use roxmltree::{Document, Node};
use std::time::SystemTime;

use crate::config::{Aws, Service};
use crate::errors::{lacking, port_error};
use crate::http::Http;
use crate::pace::Pace;

/// The version of the API. (EC2 API reference.)
const VERSION: &str = "2016-11-15";

/// EC2 of an account that was entered.
#[derive(Debug)]
pub(crate) struct Ec2Settings {
    aws: Aws,
    pace: Pace,
}

/// An answer's XML.
#[derive(Debug)]
struct Xml(String);

impl Ec2Settings {
    pub(crate) fn new(aws: Aws) -> Self {
        Self { aws, pace: Pace::per_second(10, 20) }
    }

    /// Asks for an action. `call` is `ec2:` and the action.
    async fn ask(&self, region: &Region, call: &'static str, fields: &[(&str, &str)]) -> Result<Xml, PortError> {
        let action = call.trim_start_matches("ec2:");
        let config = self.aws.in_region(Service::Ec2, region.as_str());
        let unsendable = || PortError::new(ErrorKind::Invalid, call, "the request could not be sent as it was");
        let provider = config.credentials_provider().ok_or_else(unsendable)?;
        let identity: Identity = provider.provide_credentials().await.map_err(|_| unsendable())?.into();
        let domain = if region.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let endpoint = config.endpoint_url().map_or_else(|| format!("https://ec2.{region}.{domain}"), str::to_owned);
        let mut form: Vec<(&str, &str)> = vec![("Action", action), ("Version", VERSION)];
        form.extend(fields);
        let body = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");

        let (url, signed_region) = (format!("{}/", endpoint.trim_end_matches('/')), region.clone());
        let mut operation = Operation::builder()
            .service_name("EC2")
            .operation_name(action.to_owned())
            .behavior_version(BehaviorVersion::latest())
            .http_client(Http::of(&config))
            .endpoint_url(&endpoint)
            .no_auth()
            .with_connection_poisoning()
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(HttpStatusCodeClassifier::default());
        if let Some(retry) = config.retry_config() {
            operation = operation.standard_retry(retry);
        }
        if let Some(timeouts) = config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        if let Some(sleep) = config.sleep_impl() {
            operation = operation.sleep_impl(sleep);
        }
        let operation =
            operation.serializer(move |()| signed(&url, &body, &signed_region, &identity)).deserializer(read).build();
        self.pace.turn().await;
        operation.invoke(()).await.map_err(|error| port_error(call, &error))
    }

    /// The texts of all elements of that name, in all items of an answer.
    async fn list(
        &self,
        region: &Region,
        call: &'static str,
        filter: (&str, &str),
        name: &str,
        is_counted: impl Fn(Node<'_, '_>) -> bool,
    ) -> Result<Vec<String>, PortError> {
        let xml = self.ask(region, call, &[("Filter.1.Name", filter.0), ("Filter.1.Value.1", filter.1)]).await?;
        let document = xml.document(call)?;
        let items = document.root_element().children().filter(|set| set.tag_name().name().ends_with("Set"));
        let items = items.flat_map(|set| set.children()).filter(|item| item.has_tag_name_of("item"));
        Ok(items.filter(|item| is_counted(*item)).filter_map(|item| item.text_of(name).map(str::to_owned)).collect())
    }
}

#[async_trait]
impl RegionSettings for Ec2Settings {
    async fn ebs_encryption(&self, region: &Region) -> Result<bool, PortError> {
        const CALL: &str = "ec2:GetEbsEncryptionByDefault";
        let xml = self.ask(region, CALL, &[]).await?;
        let document = xml.document(CALL)?;
        let is_on = document.root_element().text_of("ebsEncryptionByDefault");
        is_on.map(|text| text == "true").ok_or_else(|| lacking(CALL, "whether it is on"))
    }

    async fn encrypt_ebs(&self, region: &Region) -> Result<(), PortError> {
        self.ask(region, "ec2:EnableEbsEncryptionByDefault", &[]).await.map(drop)
    }

    async fn default_vpc(&self, region: &Region) -> Result<Option<DefaultVpc>, PortError> {
        let any = |_: Node<'_, '_>| true;
        let vpcs = self.list(region, "ec2:DescribeVpcs", ("is-default", "true"), "vpcId", any).await?;
        let Some(id) = vpcs.into_iter().next() else { return Ok(None) };
        let of_vpc = ("vpc-id", id.as_str());
        let interfaces = "ec2:DescribeNetworkInterfaces";
        let interfaces = self.list(region, interfaces, of_vpc, "networkInterfaceId", any).await?.len();
        let is = |name: &'static str, value: &'static str| move |item: Node<'_, '_>| item.text_of(name) == Some(value);
        let subnets = "ec2:DescribeSubnets";
        let own = self.list(region, subnets, of_vpc, "subnetId", is("defaultForAz", "true")).await?;
        let mut foreign = self.list(region, subnets, of_vpc, "subnetId", is("defaultForAz", "false")).await?;
        let gateways = "ec2:DescribeInternetGateways";
        let gateways = self.list(region, gateways, ("attachment.vpc-id", &id), "internetGatewayId", any).await?;
        let named = |item: Node<'_, '_>| item.text_of("groupName") != Some("default");
        foreign.extend(self.list(region, "ec2:DescribeSecurityGroups", of_vpc, "groupId", named).await?);
        let is_own = |item: Node<'_, '_>| !item.descendants().any(|node| node.is("main", "true"));
        foreign.extend(self.list(region, "ec2:DescribeRouteTables", of_vpc, "routeTableId", is_own).await?);
        foreign.extend(self.list(region, "ec2:DescribeVpcEndpoints", of_vpc, "vpcEndpointId", any).await?);
        Ok(Some(DefaultVpc { id, interfaces, subnets: own, gateways, foreign: unique(foreign) }))
    }

    async fn delete_vpc_part(&self, region: &Region, part: &VpcPart) -> Result<(), PortError> {
        match part {
            VpcPart::Subnet(id) => self.ask(region, "ec2:DeleteSubnet", &[("SubnetId", id)]).await.map(drop),
            VpcPart::Gateway { id, vpc } => {
                let fields = [("InternetGatewayId", id.as_str()), ("VpcId", vpc.as_str())];
                match self.ask(region, "ec2:DetachInternetGateway", &fields).await {
                    // Detached by an earlier run that did not come to delete it.
                    Err(error) if error.kind != ErrorKind::Missing => return Err(error),
                    _ => {}
                }
                self.ask(region, "ec2:DeleteInternetGateway", &[("InternetGatewayId", id)]).await.map(drop)
            }
            VpcPart::Vpc(id) => self.ask(region, "ec2:DeleteVpc", &[("VpcId", id)]).await.map(drop),
        }
    }
}

fn unique(names: Vec<String>) -> Vec<String> {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// A POST of a form, signed (AWS Signature Version 4).
fn signed(url: &str, body: &str, region: &Region, identity: &Identity) -> Result<HttpRequest, SendError> {
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(region.as_str())
        .name("ec2")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let signable = SignableRequest::new("POST", url, [FORM].into_iter(), SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let request = http::Request::builder().method("POST").uri("/").header(FORM.0, FORM.1);
    let mut request = request.body(SdkBody::from(body))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(HttpRequest::try_from(request)?)
}

type SendError = Box<dyn std::error::Error + Send + Sync>;

/// What EC2 answers: XML, or an error's code and message. (EC2 API reference, "Error codes".)
fn read(response: &HttpResponse) -> Result<Xml, OrchestratorError<ErrorMetadata>> {
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    if response.status().is_success() {
        return Ok(Xml(body));
    }
    let error = Document::parse(&body).ok().map(|document| {
        let text =
            |name: &str| document.descendants().find(|node| node.has_tag_name_of(name)).and_then(|node| node.text());
        (text("Code").map(str::to_owned), text("Message").map(str::to_owned))
    });
    let (code, message) = error.unwrap_or_default();
    let metadata = ErrorMetadata::builder().code(code.unwrap_or_default()).message(message.unwrap_or_default());
    Err(OrchestratorError::operation(metadata.build()))
}

impl Xml {
    fn document(&self, call: &'static str) -> Result<Document<'_>, PortError> {
        Document::parse(&self.0).map_err(|_| lacking(call, "XML that can be read"))
    }
}

/// Elements by their local names; EC2's have a namespace, which changes with the version.
trait Local<'a> {
    fn has_tag_name_of(&self, name: &str) -> bool;
    fn text_of(&self, child: &str) -> Option<&'a str>;
    fn is(&self, name: &str, text: &str) -> bool;
}

impl<'a> Local<'a> for Node<'a, 'a> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }

    fn text_of(&self, child: &str) -> Option<&'a str> {
        self.children().find(|node| node.tag_name().name() == child)?.text()
    }

    fn is(&self, name: &str, text: &str) -> bool {
        self.tag_name().name() == name && self.text() == Some(text)
    }
}

/// A value of a form (RFC 3986, section 2.1).
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

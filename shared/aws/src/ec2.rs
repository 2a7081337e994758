//! Settings of EC2, in each region of an account.
//!
//! EC2's SDK crate has 1.2 million lines: with it a clean release build took six minutes longer on
//! two cores (docs/decisions/sdk-crates.md).

use std::collections::BTreeSet;

use async_trait::async_trait;
use banto_domain::Region;
use banto_ports::{DefaultVpc, ErrorKind, PortError, RegionSettings, VpcPart};
use roxmltree::Node;

use crate::config::Aws;
use crate::errors::lacking;
use crate::service::Service;
use crate::token_bucket::TokenBucket;
use crate::xml::{self, Element};

/// The version of the API. (EC2 API reference.)
const VERSION: &str = "2016-11-15";

/// Calls a second in one account. AWS publishes no rate for these calls of EC2; what it throttles
/// at this one, the SDK tries again.
const CALLS_PER_SECOND: u32 = 10;
/// Calls that go at once: as many as a look at one account makes.
const BURST: u32 = 20;

/// EC2 of an account whose role was assumed.
#[derive(Debug)]
pub(crate) struct Ec2Settings {
    aws: Aws,
    calls: TokenBucket,
}

impl Ec2Settings {
    pub(crate) fn new(aws: Aws) -> Self {
        Self {
            aws,
            calls: TokenBucket::per_second(CALLS_PER_SECOND, BURST),
        }
    }

    /// Asks for an action. `call` is `ec2:` and the action.
    async fn ask(
        &self,
        region: &Region,
        call: &'static str,
        fields: &[(&str, &str)],
    ) -> Result<String, PortError> {
        self.calls.acquire().await;
        self.aws
            .caller_in(Service::Ec2, region.as_str())
            .query(call, VERSION, fields)
            .await
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
        let text = self
            .ask(
                region,
                call,
                &[("Filter.1.Name", filter.0), ("Filter.1.Value.1", filter.1)],
            )
            .await?;
        let document = xml::document(call, &text)?;
        let items = document
            .root_element()
            .children()
            .filter(|set| set.tag_name().name().ends_with("Set"));
        let items = items
            .flat_map(|set| set.children())
            .filter(|item| item.is_named("item"));
        Ok(items
            .filter(|item| is_counted(*item))
            .filter_map(|item| item.text_of(name).map(str::to_owned))
            .collect())
    }
}

/// The parts of a VPC.
impl Ec2Settings {
    async fn interfaces(&self, region: &Region, vpc: &str) -> Result<usize, PortError> {
        const CALL: &str = "ec2:DescribeNetworkInterfaces";
        let filter = ("vpc-id", vpc);
        let interfaces = self.list(region, CALL, filter, "networkInterfaceId", any);
        Ok(interfaces.await?.len())
    }

    async fn subnets(
        &self,
        region: &Region,
        vpc: &str,
        is_counted: Counts,
    ) -> Result<Vec<String>, PortError> {
        const CALL: &str = "ec2:DescribeSubnets";
        let filter = ("vpc-id", vpc);
        self.list(region, CALL, filter, "subnetId", is_counted)
            .await
    }

    async fn gateways(&self, region: &Region, vpc: &str) -> Result<Vec<String>, PortError> {
        const CALL: &str = "ec2:DescribeInternetGateways";
        let filter = ("attachment.vpc-id", vpc);
        self.list(region, CALL, filter, "internetGatewayId", any)
            .await
    }

    /// Security groups, route tables and endpoints that AWS does not put into a VPC.
    async fn made_by_people(&self, region: &Region, vpc: &str) -> Result<Vec<String>, PortError> {
        let lists: [(&'static str, &str, Counts); 3] = [
            ("ec2:DescribeSecurityGroups", "groupId", is_own_group),
            (
                "ec2:DescribeRouteTables",
                "routeTableId",
                is_own_route_table,
            ),
            ("ec2:DescribeVpcEndpoints", "vpcEndpointId", any),
        ];
        let mut found = Vec::new();
        for (call, name, is_counted) in lists {
            let listed = self.list(region, call, ("vpc-id", vpc), name, is_counted);
            found.extend(listed.await?);
        }
        Ok(found)
    }
}

/// Tells the items of an answer that count.
type Counts = fn(Node<'_, '_>) -> bool;

fn any(_: Node<'_, '_>) -> bool {
    true
}

fn is_default_subnet(item: Node<'_, '_>) -> bool {
    item.text_of("defaultForAz") == Some("true")
}

fn is_own_subnet(item: Node<'_, '_>) -> bool {
    item.text_of("defaultForAz") == Some("false")
}

fn is_own_group(item: Node<'_, '_>) -> bool {
    item.text_of("groupName") != Some("default")
}

/// The VPC's main route table is AWS's own.
fn is_own_route_table(item: Node<'_, '_>) -> bool {
    !item
        .descendants()
        .any(|node| node.is_named("main") && node.text() == Some("true"))
}

#[async_trait]
impl RegionSettings for Ec2Settings {
    async fn ebs_encryption(&self, region: &Region) -> Result<bool, PortError> {
        const CALL: &str = "ec2:GetEbsEncryptionByDefault";
        let text = self.ask(region, CALL, &[]).await?;
        let document = xml::document(CALL, &text)?;
        let is_on = document.root_element().text_of("ebsEncryptionByDefault");
        is_on
            .map(|text| text == "true")
            .ok_or_else(|| lacking(CALL, "whether it is on"))
    }

    async fn encrypt_ebs(&self, region: &Region) -> Result<(), PortError> {
        self.ask(region, "ec2:EnableEbsEncryptionByDefault", &[])
            .await
            .map(drop)
    }

    async fn default_vpc(&self, region: &Region) -> Result<Option<DefaultVpc>, PortError> {
        const CALL: &str = "ec2:DescribeVpcs";
        let is_default = ("is-default", "true");
        let vpcs = self.list(region, CALL, is_default, "vpcId", any).await?;
        let Some(id) = vpcs.into_iter().next() else {
            return Ok(None);
        };
        let interfaces = self.interfaces(region, &id).await?;
        let subnets = self.subnets(region, &id, is_default_subnet).await?;
        let mut foreign = self.subnets(region, &id, is_own_subnet).await?;
        let gateways = self.gateways(region, &id).await?;
        foreign.extend(self.made_by_people(region, &id).await?);
        Ok(Some(DefaultVpc {
            id,
            interfaces,
            subnets,
            gateways,
            foreign: unique(foreign),
        }))
    }

    async fn delete_vpc_part(&self, region: &Region, part: &VpcPart) -> Result<(), PortError> {
        match part {
            VpcPart::Subnet(id) => self
                .ask(region, "ec2:DeleteSubnet", &[("SubnetId", id)])
                .await
                .map(drop),
            VpcPart::Gateway { id, vpc } => {
                let fields = [("InternetGatewayId", id.as_str()), ("VpcId", vpc.as_str())];
                match self.ask(region, "ec2:DetachInternetGateway", &fields).await {
                    // Detached by an earlier run that did not come to delete it.
                    Err(error) if error.kind != ErrorKind::Missing => return Err(error),
                    _ => {}
                }
                self.ask(
                    region,
                    "ec2:DeleteInternetGateway",
                    &[("InternetGatewayId", id)],
                )
                .await
                .map(drop)
            }
            VpcPart::Vpc(id) => self
                .ask(region, "ec2:DeleteVpc", &[("VpcId", id)])
                .await
                .map(drop),
        }
    }
}

fn unique(names: Vec<String>) -> Vec<String> {
    names
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

//! Settings of EC2, in each region of an account.
//!
//! EC2's SDK crate has 1.2 million lines: with it a clean release build took six minutes longer on two cores
//! (docs/decisions/sdk-crates.md).

use std::collections::BTreeSet;

use async_trait::async_trait;
use banto_domain::Region;
use banto_ports::{DefaultVpc, ErrorKind, PortError, RegionSettings, VpcPart};
use roxmltree::Node;

use crate::config::Aws;
use crate::errors::lacking;
use crate::pace::Pace;
use crate::service::Service;
use crate::xml::{self, Element};

/// The version of the API. (EC2 API reference.)
const VERSION: &str = "2016-11-15";

/// EC2 of an account that was entered.
#[derive(Debug)]
pub(crate) struct Ec2Settings {
    aws: Aws,
    pace: Pace,
}

impl Ec2Settings {
    pub(crate) fn new(aws: Aws) -> Self {
        Self {
            aws,
            pace: Pace::per_second(10, 20),
        }
    }

    /// Asks for an action. `call` is `ec2:` and the action.
    async fn ask(
        &self,
        region: &Region,
        call: &'static str,
        fields: &[(&str, &str)],
    ) -> Result<String, PortError> {
        self.pace.turn().await;
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
        let any = |_: Node<'_, '_>| true;
        let vpcs = self
            .list(
                region,
                "ec2:DescribeVpcs",
                ("is-default", "true"),
                "vpcId",
                any,
            )
            .await?;
        let Some(id) = vpcs.into_iter().next() else {
            return Ok(None);
        };
        let of_vpc = ("vpc-id", id.as_str());
        let interfaces = "ec2:DescribeNetworkInterfaces";
        let interfaces = self
            .list(region, interfaces, of_vpc, "networkInterfaceId", any)
            .await?
            .len();
        let is = |name: &'static str, value: &'static str| {
            move |item: Node<'_, '_>| item.text_of(name) == Some(value)
        };
        let subnets = "ec2:DescribeSubnets";
        let own = self
            .list(
                region,
                subnets,
                of_vpc,
                "subnetId",
                is("defaultForAz", "true"),
            )
            .await?;
        let mut foreign = self
            .list(
                region,
                subnets,
                of_vpc,
                "subnetId",
                is("defaultForAz", "false"),
            )
            .await?;
        let gateways = "ec2:DescribeInternetGateways";
        let gateways = self
            .list(
                region,
                gateways,
                ("attachment.vpc-id", &id),
                "internetGatewayId",
                any,
            )
            .await?;
        let named = |item: Node<'_, '_>| item.text_of("groupName") != Some("default");
        foreign.extend(
            self.list(
                region,
                "ec2:DescribeSecurityGroups",
                of_vpc,
                "groupId",
                named,
            )
            .await?,
        );
        let is_own = |item: Node<'_, '_>| {
            !item
                .descendants()
                .any(|node| node.is_named("main") && node.text() == Some("true"))
        };
        foreign.extend(
            self.list(
                region,
                "ec2:DescribeRouteTables",
                of_vpc,
                "routeTableId",
                is_own,
            )
            .await?,
        );
        foreign.extend(
            self.list(
                region,
                "ec2:DescribeVpcEndpoints",
                of_vpc,
                "vpcEndpointId",
                any,
            )
            .await?,
        );
        Ok(Some(DefaultVpc {
            id,
            interfaces,
            subnets: own,
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

//! Settings of EC2, in each region of an account.
//!
//! EC2's SDK crate has 1.2 million lines: with it a clean release build took six minutes longer on
//! two cores (docs/decisions/sdk-crates.md).

use async_trait::async_trait;
use banto_domain::Region;
use banto_ports::{DefaultVpc, ErrorKind, PortError, RegionSettings, VpcPart};

use crate::config::Aws;
use crate::default_vpc;
use crate::errors::lacking;
use crate::regional::{EC2_VERSION, RegionalCallers};
use crate::service::Service;
use crate::xml::{self, Element};

/// EC2 of an account whose role was assumed.
#[derive(Debug)]
pub(crate) struct Ec2Settings {
    callers: RegionalCallers,
}

impl Ec2Settings {
    pub(crate) fn new(aws: Aws) -> Self {
        Self {
            callers: RegionalCallers::new(aws),
        }
    }

    /// Asks for an action. `call` is `ec2:` and the action.
    async fn ask(
        &self,
        region: &Region,
        call: &'static str,
        fields: &[(&str, &str)],
    ) -> Result<String, PortError> {
        let caller = self.callers.caller(Service::Ec2, region).await;
        caller.query(call, EC2_VERSION, fields).await
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
        default_vpc::look(&self.callers, region).await
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

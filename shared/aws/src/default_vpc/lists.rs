//! The lists of everything that may be in a default VPC or use it.

use roxmltree::Node;

use super::uses::{self, Use, Vpc};
use crate::regional::EC2_VERSION;
use crate::service::Service;

/// A list that a service answers in XML, page by page.
pub(super) struct List {
    pub(super) service: Service,
    pub(super) call: &'static str,
    /// The filter that leaves what belongs to the VPC, where there is one.
    pub(super) filter: Option<&'static str>,
    /// The element that holds the items.
    pub(super) set: &'static str,
    /// The element of an item that names it.
    pub(super) id: &'static str,
    /// The kind of an item, in words.
    pub(super) words: &'static str,
    /// Tells the use that an item is of the VPC, if it is one.
    pub(super) use_of: fn(Node<'_, '_>, &Vpc) -> Option<Use>,
}

/// The query protocol of a service: its version, and the names of the token of a next page.
pub(super) struct Protocol {
    pub(super) version: &'static str,
    pub(super) asked: &'static str,
    pub(super) answered: &'static str,
}

pub(super) const VPCS: List = List {
    filter: Some("is-default"),
    ..of_ec2("ec2:DescribeVpcs", "vpcSet", "vpcId", "VPC", uses::tags)
};

pub(super) const SUBNETS: List = of_ec2(
    "ec2:DescribeSubnets",
    "subnetSet",
    "subnetId",
    "subnet",
    uses::subnet,
);

pub(super) const INTERNET_GATEWAYS: List = List {
    filter: Some("attachment.vpc-id"),
    ..of_ec2(
        "ec2:DescribeInternetGateways",
        "internetGatewaySet",
        "internetGatewayId",
        "internet gateway",
        uses::tags,
    )
};

pub(super) const DHCP_OPTIONS: List = List {
    filter: Some("dhcp-options-id"),
    ..of_ec2(
        "ec2:DescribeDhcpOptions",
        "dhcpOptionsSet",
        "dhcpOptionsId",
        "DHCP options",
        uses::dhcp_options,
    )
};

/// Everything that may use a VPC, but its subnets, its internet gateways and its DHCP options.
pub(super) static USERS: [List; 16] = [
    of_ec2(
        "ec2:DescribeNetworkInterfaces",
        "networkInterfaceSet",
        "networkInterfaceId",
        "network interface",
        uses::any,
    ),
    of_ec2(
        "ec2:DescribeSecurityGroups",
        "securityGroupInfo",
        "groupId",
        "security group",
        uses::security_group,
    ),
    of_ec2(
        "ec2:DescribeRouteTables",
        "routeTableSet",
        "routeTableId",
        "route table",
        uses::route_table,
    ),
    of_ec2(
        "ec2:DescribeNetworkAcls",
        "networkAclSet",
        "networkAclId",
        "network ACL",
        uses::network_acl,
    ),
    of_ec2(
        "ec2:DescribeVpcEndpoints",
        "vpcEndpointSet",
        "vpcEndpointId",
        "VPC endpoint",
        uses::unless_ended,
    ),
    of_ec2(
        "ec2:DescribeNatGateways",
        "natGatewaySet",
        "natGatewayId",
        "NAT gateway",
        uses::unless_ended,
    ),
    of_ec2(
        "ec2:DescribeTransitGatewayVpcAttachments",
        "transitGatewayVpcAttachments",
        "transitGatewayAttachmentId",
        "transit gateway attachment",
        uses::unless_ended,
    ),
    List {
        filter: Some("attachment.vpc-id"),
        ..of_ec2(
            "ec2:DescribeVpnGateways",
            "vpnGatewaySet",
            "vpnGatewayId",
            "VPN gateway",
            uses::attachment,
        )
    },
    // No filter knows its attachments.
    List {
        filter: None,
        ..of_ec2(
            "ec2:DescribeEgressOnlyInternetGateways",
            "egressOnlyInternetGatewaySet",
            "egressOnlyInternetGatewayId",
            "egress-only internet gateway",
            uses::attachment,
        )
    },
    List {
        filter: Some("requester-vpc-info.vpc-id"),
        ..PEERING
    },
    List {
        filter: Some("accepter-vpc-info.vpc-id"),
        ..PEERING
    },
    // Those of subnets too.
    List {
        filter: None,
        ..of_ec2(
            "ec2:DescribeFlowLogs",
            "flowLogSet",
            "flowLogId",
            "flow log",
            uses::flow_log,
        )
    },
    List {
        service: Service::AutoScaling,
        call: "autoscaling:DescribeAutoScalingGroups",
        filter: None,
        set: "AutoScalingGroups",
        id: "AutoScalingGroupName",
        words: "Auto Scaling group",
        use_of: uses::auto_scaling_group,
    },
    List {
        service: Service::Rds,
        call: "rds:DescribeDBSubnetGroups",
        filter: None,
        set: "DBSubnetGroups",
        id: "DBSubnetGroupName",
        words: "RDS subnet group",
        use_of: uses::subnet_group,
    },
    List {
        service: Service::ElastiCache,
        call: "elasticache:DescribeCacheSubnetGroups",
        filter: None,
        set: "CacheSubnetGroups",
        id: "CacheSubnetGroupName",
        words: "ElastiCache subnet group",
        use_of: uses::subnet_group,
    },
    List {
        service: Service::Redshift,
        call: "redshift:DescribeClusterSubnetGroups",
        filter: None,
        set: "ClusterSubnetGroups",
        id: "ClusterSubnetGroupName",
        words: "Redshift subnet group",
        use_of: uses::subnet_group,
    },
];

/// Either end of it may be the VPC.
const PEERING: List = of_ec2(
    "ec2:DescribeVpcPeeringConnections",
    "vpcPeeringConnectionSet",
    "vpcPeeringConnectionId",
    "peering connection",
    uses::peering,
);

/// A list of EC2 that can be filtered by the VPC.
const fn of_ec2(
    call: &'static str,
    set: &'static str,
    id: &'static str,
    words: &'static str,
    use_of: fn(Node<'_, '_>, &Vpc) -> Option<Use>,
) -> List {
    List {
        service: Service::Ec2,
        call,
        filter: Some("vpc-id"),
        set,
        id,
        words,
        use_of,
    }
}

/// (The API reference of each.)
pub(super) fn protocol(service: Service) -> Protocol {
    let (version, asked, answered) = match service {
        Service::AutoScaling => ("2011-01-01", "NextToken", "NextToken"),
        Service::Rds => ("2014-10-31", "Marker", "Marker"),
        Service::ElastiCache => ("2015-02-02", "Marker", "Marker"),
        Service::Redshift => ("2012-12-01", "Marker", "Marker"),
        _ => (EC2_VERSION, "NextToken", "nextToken"),
    };
    Protocol {
        version,
        asked,
        answered,
    }
}

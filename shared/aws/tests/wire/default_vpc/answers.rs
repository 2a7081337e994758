//! The answers of EC2 and others about a default VPC, as AWS made it and as people changed it.

/// Each list of EC2 by its operation: the element that holds it, and what a default VPC has in it
/// as AWS made it. (VPC user guide, "Default VPC components".)
pub(super) const UNTOUCHED: [(&str, &str, &str); 15] = [
    (
        "DescribeVpcs",
        "vpcSet",
        "<item><vpcId>vpc-1</vpcId><cidrBlock>172.31.0.0/16</cidrBlock><dhcpOptionsId>dopt-1</dhcpOptionsId><isDefault>true</isDefault>\
         <cidrBlockAssociationSet><item><cidrBlock>172.31.0.0/16</cidrBlock><cidrBlockState><state>associated</state></cidrBlockState></item></cidrBlockAssociationSet></item>",
    ),
    (
        "DescribeSubnets",
        "subnetSet",
        "<item><subnetId>subnet-1</subnetId><defaultForAz>true</defaultForAz></item><item><subnetId>subnet-2</subnetId><defaultForAz>true</defaultForAz></item>",
    ),
    (
        "DescribeInternetGateways",
        "internetGatewaySet",
        "<item><internetGatewayId>igw-1</internetGatewayId></item>",
    ),
    (
        "DescribeDhcpOptions",
        "dhcpOptionsSet",
        "<item><dhcpOptionsId>dopt-1</dhcpOptionsId><dhcpConfigurationSet>\
         <item><key>domain-name</key><valueSet><item><value>ec2.internal</value></item></valueSet></item>\
         <item><key>domain-name-servers</key><valueSet><item><value>AmazonProvidedDNS</value></item></valueSet></item></dhcpConfigurationSet></item>",
    ),
    ("DescribeNetworkInterfaces", "networkInterfaceSet", ""),
    ("DescribeSecurityGroups", "securityGroupInfo", GROUP),
    ("DescribeRouteTables", "routeTableSet", ROUTES),
    ("DescribeNetworkAcls", "networkAclSet", ACL),
    ("DescribeVpcEndpoints", "vpcEndpointSet", ""),
    ("DescribeNatGateways", "natGatewaySet", ""),
    (
        "DescribeTransitGatewayVpcAttachments",
        "transitGatewayVpcAttachments",
        "",
    ),
    ("DescribeVpnGateways", "vpnGatewaySet", ""),
    (
        "DescribeEgressOnlyInternetGateways",
        "egressOnlyInternetGatewaySet",
        "",
    ),
    (
        "DescribeVpcPeeringConnections",
        "vpcPeeringConnectionSet",
        "",
    ),
    ("DescribeFlowLogs", "flowLogSet", ""),
];

pub(super) const GROUP: &str = "<item><groupId>sg-1</groupId><groupName>default</groupName>\
    <ipPermissions><item><ipProtocol>-1</ipProtocol><groups><item><userId>444455556666</userId><groupId>sg-1</groupId></item></groups></item></ipPermissions>\
    <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress></item>";

pub(super) const ROUTES: &str = "<item><routeTableId>rtb-1</routeTableId><associationSet><item><main>true</main></item></associationSet><propagatingVgwSet/>\
    <routeSet><item><destinationCidrBlock>172.31.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>\
    <item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-1</gatewayId></item></routeSet></item>";

pub(super) const ACL: &str = "<item><networkAclId>acl-1</networkAclId><default>true</default><entrySet>\
    <item><ruleNumber>100</ruleNumber><protocol>-1</protocol><ruleAction>allow</ruleAction><egress>true</egress><cidrBlock>0.0.0.0/0</cidrBlock></item>\
    <item><ruleNumber>32767</ruleNumber><protocol>-1</protocol><ruleAction>deny</ruleAction><egress>true</egress><cidrBlock>0.0.0.0/0</cidrBlock></item>\
    <item><ruleNumber>100</ruleNumber><protocol>-1</protocol><ruleAction>allow</ruleAction><egress>false</egress><cidrBlock>0.0.0.0/0</cidrBlock></item>\
    <item><ruleNumber>32767</ruleNumber><protocol>-1</protocol><ruleAction>deny</ruleAction><egress>false</egress><cidrBlock>0.0.0.0/0</cidrBlock></item></entrySet></item>";

/// The lists of services that keep a VPC's subnets, by operation: the element that holds the list,
/// and the one that holds the token of the next page.
pub(super) const KEEPERS: [(&str, &str, &str); 4] = [
    (
        "DescribeAutoScalingGroups",
        "AutoScalingGroups",
        "NextToken",
    ),
    ("DescribeDBSubnetGroups", "DBSubnetGroups", "Marker"),
    ("DescribeCacheSubnetGroups", "CacheSubnetGroups", "Marker"),
    (
        "DescribeClusterSubnetGroups",
        "ClusterSubnetGroups",
        "Marker",
    ),
];

/// The line of Lambda's request, up to its query.
pub(super) const LIST_FUNCTIONS: &str = "GET /2015-03-31/functions/";

/// A list with one item more, or another one, and the use that it is.
pub(super) const USES: [(&str, &str, &str); 20] = [
    (
        "DescribeNetworkInterfaces",
        "<item><networkInterfaceId>eni-1</networkInterfaceId></item>",
        "network interface eni-1",
    ),
    (
        "DescribeSecurityGroups",
        "<item><groupId>sg-2</groupId><groupName>web</groupName></item>",
        "security group sg-2",
    ),
    (
        "DescribeRouteTables",
        "<item><routeTableId>rtb-2</routeTableId><associationSet/></item>",
        "route table rtb-2",
    ),
    (
        "DescribeNetworkAcls",
        "<item><networkAclId>acl-2</networkAclId><default>false</default></item>",
        "network ACL acl-2",
    ),
    (
        "DescribeSubnets",
        "<item><subnetId>subnet-3</subnetId><defaultForAz>false</defaultForAz></item>",
        "subnet subnet-3",
    ),
    (
        "DescribeInternetGateways",
        "<item><internetGatewayId>igw-1</internetGatewayId></item><item><internetGatewayId>igw-2</internetGatewayId></item>",
        "internet gateway igw-2",
    ),
    (
        "DescribeVpcEndpoints",
        "<item><vpcEndpointId>vpce-1</vpcEndpointId><state>available</state></item><item><vpcEndpointId>vpce-0</vpcEndpointId><state>Deleted</state></item>",
        "VPC endpoint vpce-1",
    ),
    (
        "DescribeNatGateways",
        "<item><natGatewayId>nat-1</natGatewayId><state>pending</state></item><item><natGatewayId>nat-0</natGatewayId><state>deleted</state></item>",
        "NAT gateway nat-1",
    ),
    (
        "DescribeTransitGatewayVpcAttachments",
        "<item><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId><state>pendingAcceptance</state></item>\
         <item><transitGatewayAttachmentId>tgw-attach-0</transitGatewayAttachmentId><state>rejected</state></item>",
        "transit gateway attachment tgw-attach-1",
    ),
    (
        "DescribeVpnGateways",
        "<item><vpnGatewayId>vgw-1</vpnGatewayId><attachments><item><vpcId>vpc-1</vpcId><state>attaching</state></item></attachments></item>\
         <item><vpnGatewayId>vgw-0</vpnGatewayId><attachments><item><vpcId>vpc-1</vpcId><state>detached</state></item></attachments></item>",
        "VPN gateway vgw-1",
    ),
    (
        "DescribeEgressOnlyInternetGateways",
        "<item><egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId><attachmentSet><item><vpcId>vpc-1</vpcId><state>attached</state></item></attachmentSet></item>\
         <item><egressOnlyInternetGatewayId>eigw-0</egressOnlyInternetGatewayId><attachmentSet><item><vpcId>vpc-2</vpcId><state>attached</state></item></attachmentSet></item>",
        "egress-only internet gateway eigw-1",
    ),
    (
        "DescribeVpcPeeringConnections",
        "<item><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><status><code>pending-acceptance</code></status></item>\
         <item><vpcPeeringConnectionId>pcx-0</vpcPeeringConnectionId><status><code>expired</code></status></item>",
        "peering connection pcx-1",
    ),
    (
        "DescribeFlowLogs",
        "<item><flowLogId>fl-1</flowLogId><resourceId>subnet-2</resourceId></item><item><flowLogId>fl-0</flowLogId><resourceId>vpc-2</resourceId></item>",
        "flow log fl-1",
    ),
    (
        "DescribeAutoScalingGroups",
        "<member><AutoScalingGroupName>web</AutoScalingGroupName><VPCZoneIdentifier>subnet-9,subnet-2</VPCZoneIdentifier></member>\
         <member><AutoScalingGroupName>elsewhere</AutoScalingGroupName><VPCZoneIdentifier>subnet-9</VPCZoneIdentifier></member>",
        "Auto Scaling group web",
    ),
    (
        "DescribeAutoScalingGroups",
        "<member><AutoScalingGroupName>by-zone</AutoScalingGroupName><VPCZoneIdentifier/></member>",
        "Auto Scaling group by-zone",
    ),
    (
        "DescribeDBSubnetGroups",
        "<DBSubnetGroup><DBSubnetGroupName>db</DBSubnetGroupName><VpcId>vpc-1</VpcId></DBSubnetGroup>\
         <DBSubnetGroup><DBSubnetGroupName>elsewhere</DBSubnetGroupName><VpcId>vpc-2</VpcId></DBSubnetGroup>",
        "RDS subnet group db",
    ),
    (
        "DescribeCacheSubnetGroups",
        "<CacheSubnetGroup><CacheSubnetGroupName>cache</CacheSubnetGroupName><VpcId>vpc-1</VpcId></CacheSubnetGroup>",
        "ElastiCache subnet group cache",
    ),
    (
        "DescribeClusterSubnetGroups",
        "<ClusterSubnetGroup><ClusterSubnetGroupName>facts</ClusterSubnetGroupName><VpcId>vpc-1</VpcId></ClusterSubnetGroup>",
        "Redshift subnet group facts",
    ),
    (
        LIST_FUNCTIONS,
        r#"{"Functions": [{"FunctionName": "resize", "VpcConfig": {"VpcId": "vpc-1"}}, {"FunctionName": "a", "VpcConfig": {"VpcId": ""}}, {"FunctionName": "b"}]}"#,
        "Lambda function resize",
    ),
    (
        "DescribeDhcpOptions",
        "<item><dhcpOptionsId>dopt-2</dhcpOptionsId><dhcpConfigurationSet><item><key>domain-name</key><valueSet><item><value>example.com</value></item></valueSet></item></dhcpConfigurationSet></item>",
        "changed DHCP options dopt-2",
    ),
];

/// Changes to what AWS made: the operation, a text of its untouched answer, what is there instead,
/// and the use that it is.
pub(super) const CHANGES: [(&str, &str, &str, &str); 14] = [
    (
        "DescribeSecurityGroups",
        "<groupId>sg-1</groupId></item></groups>",
        "<groupId>sg-9</groupId></item></groups>",
        "changed security group sg-1",
    ),
    (
        "DescribeSecurityGroups",
        "<groups><item>",
        "<ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges><groups><item>",
        "changed security group sg-1",
    ),
    (
        "DescribeSecurityGroups",
        "<cidrIp>0.0.0.0/0</cidrIp>",
        "<cidrIp>10.0.0.0/8</cidrIp>",
        "changed security group sg-1",
    ),
    (
        "DescribeRouteTables",
        "<gatewayId>igw-1</gatewayId>",
        "<natGatewayId>nat-1</natGatewayId>",
        "changed route table rtb-1",
    ),
    (
        "DescribeRouteTables",
        "0.0.0.0/0",
        "10.0.0.0/8",
        "changed route table rtb-1",
    ),
    (
        "DescribeRouteTables",
        "<propagatingVgwSet/>",
        "<propagatingVgwSet><item><gatewayId>vgw-1</gatewayId></item></propagatingVgwSet>",
        "changed route table rtb-1",
    ),
    (
        "DescribeRouteTables",
        "</associationSet>",
        "<item><main>false</main><subnetId>subnet-1</subnetId></item></associationSet>",
        "changed route table rtb-1",
    ),
    (
        "DescribeNetworkAcls",
        "<ruleAction>allow</ruleAction><egress>false</egress>",
        "<ruleAction>deny</ruleAction><egress>false</egress>",
        "changed network ACL acl-1",
    ),
    (
        "DescribeNetworkAcls",
        "<entrySet>",
        "<entrySet><item><ruleNumber>90</ruleNumber><protocol>6</protocol><ruleAction>deny</ruleAction><egress>false</egress><cidrBlock>192.0.2.0/24</cidrBlock></item>",
        "changed network ACL acl-1",
    ),
    (
        "DescribeVpcs",
        "</cidrBlockAssociationSet>",
        "<item><cidrBlock>10.9.0.0/16</cidrBlock><cidrBlockState><state>associated</state></cidrBlockState></item>\
         <item><cidrBlock>10.8.0.0/16</cidrBlock><cidrBlockState><state>disassociated</state></cidrBlockState></item></cidrBlockAssociationSet>",
        "address block 10.9.0.0/16",
    ),
    (
        "DescribeVpcs",
        "</cidrBlockAssociationSet>",
        "</cidrBlockAssociationSet><ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>2001:db8::/56</ipv6CidrBlock><ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState></item></ipv6CidrBlockAssociationSet>",
        "address block 2001:db8::/56",
    ),
    (
        "DescribeDhcpOptions",
        "AmazonProvidedDNS",
        "192.0.2.53",
        "changed DHCP options dopt-1",
    ),
    (
        "DescribeDhcpOptions",
        "ec2.internal",
        "corp.example.com",
        "changed DHCP options dopt-1",
    ),
    (
        "DescribeSubnets",
        "<subnetId>subnet-2</subnetId><defaultForAz>true</defaultForAz>",
        "<subnetId>subnet-2</subnetId><defaultForAz>false</defaultForAz>",
        "subnet subnet-2",
    ),
];

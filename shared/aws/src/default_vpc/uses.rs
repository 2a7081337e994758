//! An item of a list is AWS's own, or a use of the default VPC.
//!
//! AWS's own parts are those of "Default VPC components", "Default security groups for your VPCs",
//! "Default network ACL for a VPC" and "DHCP option sets in Amazon VPC" (VPC user guide).

use std::collections::BTreeSet;

use banto_domain::Region;
use roxmltree::Node;

use crate::xml::Element;

/// A default VPC, as far as its users are told by it.
#[derive(Debug)]
pub(super) struct Vpc {
    pub(super) region: Region,
    pub(super) id: String,
    pub(super) dhcp_options: Option<String>,
    pub(super) subnets: Vec<String>,
    pub(super) uses: BTreeSet<String>,
}

/// Why an item keeps a VPC from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// People made it.
    Made,
    /// AWS made it, and people changed it.
    Changed,
    /// AWS made it, and people gave it tags: somebody takes it to be theirs.
    Tagged,
}

/// States in which something is there in name only. (EC2 API reference: `VpcEndpoint`,
/// `NatGateway`, `TransitGatewayVpcAttachment`, `VpcPeeringConnectionStateReason`.)
const ENDED: [&str; 4] = ["deleted", "rejected", "expired", "failed"];

/// States of an address block that is no longer the VPC's. (EC2 API reference,
/// `VpcCidrBlockState`.)
const BLOCK_ENDED: [&str; 2] = ["disassociated", "failed"];

/// Everywhere, in the notations of IPv4 and IPv6.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// The members of a list within an item.
fn members<'a>(item: Node<'a, 'a>, set: &str) -> impl Iterator<Item = Node<'a, 'a>> {
    let set = item.child(set);
    set.into_iter()
        .flat_map(|set| set.children())
        .filter(Node::is_element)
}

/// A use of something that AWS made.
fn of_awss(item: Node<'_, '_>, is_changed: bool) -> Option<Use> {
    if is_changed {
        Some(Use::Changed)
    } else {
        is_tagged(item).then_some(Use::Tagged)
    }
}

pub(super) fn is_tagged(item: Node<'_, '_>) -> bool {
    members(item, "tagSet").next().is_some()
}

/// The address blocks that people gave a VPC, in words.
pub(super) fn address_blocks(vpc: Node<'_, '_>) -> BTreeSet<String> {
    let own = vpc.text_of("cidrBlock");
    let lists = [
        ("cidrBlockAssociationSet", "cidrBlock", "cidrBlockState"),
        (
            "ipv6CidrBlockAssociationSet",
            "ipv6CidrBlock",
            "ipv6CidrBlockState",
        ),
    ];
    let mut found = BTreeSet::new();
    for (set, block, state) in lists {
        for member in members(vpc, set) {
            let state = member.child(state).and_then(|state| state.text_of("state"));
            let is_over = state.is_some_and(|state| BLOCK_ENDED.contains(&state));
            let block = member.text_of(block).filter(|block| Some(*block) != own);
            found.extend(
                block
                    .filter(|_| !is_over)
                    .map(|block| format!("address block {block}")),
            );
        }
    }
    found
}

/// A thing that only people make.
pub(super) fn any(_: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    Some(Use::Made)
}

/// A thing that is AWS's own.
pub(super) fn tags(item: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    of_awss(item, false)
}

pub(super) fn unless_ended(item: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    made_unless_ended(item.text_of("state"))
}

pub(super) fn peering(item: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    made_unless_ended(
        item.child("status")
            .and_then(|status| status.text_of("code")),
    )
}

/// (Endpoints' states are documented with a capital letter and answered with a small one.)
fn made_unless_ended(state: Option<&str>) -> Option<Use> {
    let has_ended =
        state.is_some_and(|state| ENDED.iter().any(|ended| ended.eq_ignore_ascii_case(state)));
    (!has_ended).then_some(Use::Made)
}

pub(super) fn subnet(item: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    if item.text_of("defaultForAz") == Some("true") {
        of_awss(item, false)
    } else {
        Some(Use::Made)
    }
}

/// AWS's own lets its members reach each other, and everything outside.
pub(super) fn security_group(item: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    if item.text_of("groupName") != Some("default") {
        return Some(Use::Made);
    }
    let itself = format!("-1 {}", item.text_of("groupId").unwrap_or_default());
    let inbound = rules(item, "ipPermissions");
    let outbound = rules(item, "ipPermissionsEgress");
    let everywhere: BTreeSet<String> = EVERYWHERE.map(|block| format!("-1 {block}")).into();
    // The rule of IPv4 is there always, that of IPv6 where the VPC had such addresses.
    let is_awss = inbound == BTreeSet::from([itself])
        && outbound.contains("-1 0.0.0.0/0")
        && outbound.is_subset(&everywhere);
    of_awss(item, !is_awss)
}

/// Each rule of a security group, as its protocol (-1 is all) and the one that it lets through.
fn rules(group: Node<'_, '_>, set: &str) -> BTreeSet<String> {
    let peers = [
        ("groups", "groupId"),
        ("ipRanges", "cidrIp"),
        ("ipv6Ranges", "cidrIpv6"),
        ("prefixListIds", "prefixListId"),
    ];
    let mut rules = BTreeSet::new();
    for rule in members(group, set) {
        let protocol = rule.text_of("ipProtocol").unwrap_or_default();
        for (list, name) in peers {
            for peer in members(rule, list) {
                let peer = peer.text_of(name).unwrap_or_default();
                rules.insert(format!("{protocol} {peer}"));
            }
        }
    }
    rules
}

/// AWS's own is the main one, which no subnet names, and leads nowhere but to the internet gateway.
pub(super) fn route_table(item: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    let is_main = |association: Node<'_, '_>| association.text_of("main") == Some("true");
    if !members(item, "associationSet").any(is_main) {
        return Some(Use::Made);
    }
    let is_changed = !members(item, "associationSet").all(is_main)
        || members(item, "propagatingVgwSet").next().is_some()
        || !members(item, "routeSet").all(is_awss_route);
    of_awss(item, is_changed)
}

fn is_awss_route(route: Node<'_, '_>) -> bool {
    match route.text_of("gatewayId") {
        Some("local") => true,
        Some(gateway) => {
            gateway.starts_with("igw-")
                && route.text_of("destinationCidrBlock") == Some("0.0.0.0/0")
        }
        None => false,
    }
}

/// AWS's own lets everything through, either way.
pub(super) fn network_acl(item: Node<'_, '_>, _: &Vpc) -> Option<Use> {
    if item.text_of("default") != Some("true") {
        return Some(Use::Made);
    }
    let parts = [
        "egress",
        "ruleNumber",
        "ruleAction",
        "protocol",
        "cidrBlock",
    ];
    let entry =
        |entry: Node<'_, '_>| parts.map(|part| entry.text_of(part).unwrap_or_default().to_owned());
    let awss = ["false", "true"].into_iter().flat_map(|egress| {
        [
            [egress, "100", "allow", "-1", "0.0.0.0/0"],
            [egress, "32767", "deny", "-1", "0.0.0.0/0"],
        ]
    });
    let awss: BTreeSet<[String; 5]> = awss.map(|entry| entry.map(str::to_owned)).collect();
    let entries: BTreeSet<[String; 5]> = members(item, "entrySet").map(entry).collect();
    of_awss(item, entries != awss)
}

/// A gateway that may have been attached to the VPC.
pub(super) fn attachment(item: Node<'_, '_>, vpc: &Vpc) -> Option<Use> {
    // EC2 writes one name for VPN gateways and the other for the rest.
    let mut attachments = members(item, "attachments").chain(members(item, "attachmentSet"));
    let is_attached = attachments.any(|attachment| {
        attachment.text_of("vpcId") == Some(&vpc.id)
            && attachment.text_of("state") != Some("detached")
    });
    is_attached.then_some(Use::Made)
}

pub(super) fn flow_log(item: Node<'_, '_>, vpc: &Vpc) -> Option<Use> {
    let of = item.text_of("resourceId")?;
    let is_used = of == vpc.id || vpc.subnets.iter().any(|subnet| subnet == of);
    is_used.then_some(Use::Made)
}

/// A group that names no subnet launches its instances in the default VPC's. (Auto Scaling user
/// guide, "Provide network connectivity for your Auto Scaling instances using Amazon VPC".)
pub(super) fn auto_scaling_group(item: Node<'_, '_>, vpc: &Vpc) -> Option<Use> {
    let named = item.text_of("VPCZoneIdentifier").unwrap_or_default();
    let is_used = named.is_empty()
        || named
            .split(',')
            .any(|named| vpc.subnets.iter().any(|subnet| subnet == named.trim()));
    is_used.then_some(Use::Made)
}

pub(super) fn subnet_group(item: Node<'_, '_>, vpc: &Vpc) -> Option<Use> {
    (item.text_of("VpcId") == Some(&vpc.id)).then_some(Use::Made)
}

/// AWS's own names its resolver, and a domain that is the region's.
pub(super) fn dhcp_options(item: Node<'_, '_>, vpc: &Vpc) -> Option<Use> {
    let configured = members(item, "dhcpConfigurationSet").flat_map(|option| {
        let key = option.text_of("key").unwrap_or_default();
        members(option, "valueSet")
            .map(move |value| (key, value.text_of("value").unwrap_or_default()))
    });
    let configured: BTreeSet<(&str, &str)> = configured.collect();
    let domain = match vpc.region.as_str() {
        "us-east-1" => "ec2.internal".to_owned(),
        region => format!("{region}.compute.internal"),
    };
    let awss = BTreeSet::from([
        ("domain-name", domain.as_str()),
        ("domain-name-servers", "AmazonProvidedDNS"),
    ]);
    of_awss(item, configured != awss)
}

//! The questions before a default VPC is deleted, and what each answer means.

mod answers;

use std::collections::{BTreeMap, BTreeSet};

use banto_ports::{DefaultVpc, ErrorKind, PortError};

use self::answers::{ACL, CHANGES, GROUP, KEEPERS, LIST_FUNCTIONS, ROUTES, UNTOUCHED, USES};
use crate::organization::{assumed, ec2, ec2_error, region};
use crate::service::{Asked, Canned, Service, xml};

const NO_FUNCTIONS: &str = r#"{"Functions": []}"#;

const TAGS: &str = "<tagSet><item><key>team</key><value>search</value></item></tagSet>";

/// The pages of each operation, by its name.
type Pages = BTreeMap<&'static str, Vec<Canned>>;

/// One page of an operation. `more` follows the list.
fn page(operation: &str, items: &str, more: &str) -> Canned {
    if let Some((_, set, _)) = UNTOUCHED.iter().find(|(known, ..)| *known == operation) {
        return ec2(
            operation,
            &format!("<requestId>x</requestId><{set}>{items}</{set}>{more}"),
        );
    }
    let keeper = KEEPERS.iter().find(|(known, ..)| *known == operation);
    keeper.map_or_else(
        || (200, items.to_owned()),
        |(_, set, _)| xml(operation, &format!("{more}<{set}>{items}</{set}>")),
    )
}

fn untouched() -> Pages {
    let parts = UNTOUCHED
        .iter()
        .map(|(operation, _, items)| (*operation, *items));
    let keepers = KEEPERS.iter().map(|(operation, ..)| (*operation, ""));
    let all = parts.chain(keepers).chain([(LIST_FUNCTIONS, NO_FUNCTIONS)]);
    all.map(|(operation, items)| (operation, vec![page(operation, items, "")]))
        .collect()
}

fn operation_of(asked: &Asked) -> String {
    let operation = asked.operation();
    if operation.starts_with(LIST_FUNCTIONS) {
        LIST_FUNCTIONS.to_owned()
    } else {
        operation
    }
}

/// Looks at a default VPC. The last page of an operation is its answer ever after.
async fn look(mut pages: Pages) -> (Service, Result<Option<DefaultVpc>, PortError>) {
    pages.insert("AssumeRole", vec![assumed()]);
    let service = Service::answering_by(move |asked| {
        let pages = pages.get_mut(operation_of(asked).as_str()).unwrap();
        if pages.len() > 1 {
            pages.remove(0)
        } else {
            pages[0].clone()
        }
    });
    let member = service.enter().await;
    let vpc = member.regions.default_vpc(&region()).await;
    (service, vpc)
}

async fn uses(pages: Pages) -> BTreeSet<String> {
    look(pages).await.1.unwrap().unwrap().uses
}

#[tokio::test]
async fn a_default_vpc_as_aws_made_it_has_no_use() {
    let (service, vpc) = look(untouched()).await;
    let expected = DefaultVpc {
        id: "vpc-1".into(),
        subnets: vec!["subnet-1".into(), "subnet-2".into()],
        gateways: vec!["igw-1".into()],
        uses: BTreeSet::new(),
    };
    assert_eq!(vpc.unwrap(), Some(expected));
    let asked: Vec<String> = service.asked().iter().map(operation_of).collect();
    assert_eq!(asked.len(), 22, "{asked:?}");
    let filters = service.asked().into_iter().filter_map(|asked| {
        let (_, filter) = asked.body.split_once("Filter.1.Name=")?;
        Some((asked.operation(), filter.replace("&Filter.1.Value.1=", " ")))
    });
    let filters: BTreeSet<String> = filters
        .map(|(operation, filter)| format!("{operation} {filter}"))
        .collect();
    for filter in [
        "DescribeVpcs is-default true",
        "DescribeSubnets vpc-id vpc-1",
        "DescribeInternetGateways attachment.vpc-id vpc-1",
        "DescribeDhcpOptions dhcp-options-id dopt-1",
        "DescribeVpnGateways attachment.vpc-id vpc-1",
        "DescribeVpcPeeringConnections requester-vpc-info.vpc-id vpc-1",
        "DescribeVpcPeeringConnections accepter-vpc-info.vpc-id vpc-1",
    ] {
        assert!(filters.contains(filter), "{filter}: {filters:?}");
    }
}

#[tokio::test]
async fn a_region_without_a_default_vpc_is_asked_nothing_more() {
    let mut pages = untouched();
    pages.insert("DescribeVpcs", vec![page("DescribeVpcs", "", "")]);
    let (service, vpc) = look(pages).await;
    assert_eq!(vpc.unwrap(), None);
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test]
async fn everything_that_people_made_or_keep_ready_is_a_use_and_what_has_ended_is_none() {
    for (operation, items, expected) in USES {
        let mut pages = untouched();
        // Added to AWS's own.
        let awss = [GROUP, ROUTES, ACL].into_iter().find(|own| {
            UNTOUCHED
                .iter()
                .any(|(known, _, items)| *known == operation && items == own)
        });
        let items = format!("{}{items}", awss.unwrap_or_default());
        pages.insert(operation, vec![page(operation, &items, "")]);
        assert_eq!(
            uses(pages).await,
            BTreeSet::from([expected.to_owned()]),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn everything_of_awss_own_that_people_changed_is_a_use() {
    for (operation, old, new, expected) in CHANGES {
        let mut pages = untouched();
        let (status, body) = pages[operation][0].clone();
        assert!(body.contains(old), "{operation}: {old}");
        pages.insert(operation, vec![(status, body.replacen(old, new, 1))]);
        assert_eq!(
            uses(pages).await,
            BTreeSet::from([expected.to_owned()]),
            "{operation}: {new}"
        );
    }
}

#[tokio::test]
async fn tags_on_what_aws_made_are_a_use() {
    for (operation, expected) in [
        ("DescribeVpcs", "tags of VPC vpc-1"),
        ("DescribeSubnets", "tags of subnet subnet-1"),
        ("DescribeInternetGateways", "tags of internet gateway igw-1"),
        ("DescribeDhcpOptions", "tags of DHCP options dopt-1"),
        ("DescribeSecurityGroups", "tags of security group sg-1"),
        ("DescribeRouteTables", "tags of route table rtb-1"),
        ("DescribeNetworkAcls", "tags of network ACL acl-1"),
    ] {
        let mut pages = untouched();
        let (status, body) = pages[operation][0].clone();
        let tagged = body.replacen("<item>", &format!("<item>{TAGS}"), 1);
        pages.insert(operation, vec![(status, tagged)]);
        assert_eq!(uses(pages).await, BTreeSet::from([expected.to_owned()]));
    }
}

#[tokio::test]
async fn rules_of_ipv6_and_a_gateway_that_is_gone_already_are_no_uses() {
    let mut pages = untouched();
    let everywhere = "<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges></item></ipPermissionsEgress>";
    let group = GROUP.replace("</item></ipPermissionsEgress>", everywhere);
    let operation = "DescribeSecurityGroups";
    pages.insert(operation, vec![page(operation, &group, "")]);
    // An earlier run deleted all but the VPC itself.
    let operation = "DescribeInternetGateways";
    pages.insert(operation, vec![page(operation, "", "")]);
    let operation = "DescribeSubnets";
    pages.insert(operation, vec![page(operation, "", "")]);
    assert_eq!(uses(pages).await, BTreeSet::new());
}

#[tokio::test]
async fn each_list_is_read_to_its_last_page() {
    for (operation, items, expected) in USES {
        let keeper = KEEPERS.iter().find(|(known, ..)| *known == operation);
        let name = keeper.map_or("nextToken", |(.., name)| *name);
        let first = if operation == LIST_FUNCTIONS {
            (200, r#"{"Functions": [], "NextMarker": "a b"}"#.to_owned())
        } else {
            page(operation, "", &format!("<{name}>a b</{name}>"))
        };
        let mut pages = untouched();
        pages.insert(operation, vec![first, page(operation, items, "")]);
        let (service, vpc) = look(pages).await;
        assert!(vpc.unwrap().unwrap().uses.contains(expected), "{operation}");
        let asked = service.asked().into_iter();
        let mut asked = asked.filter(|asked| operation_of(asked) == operation);
        let tokens = ["NextToken=a%20b", "Marker=a%20b"];
        assert!(
            asked.any(|asked| tokens
                .iter()
                .any(|token| asked.line.contains(token) || asked.body.ends_with(token))),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_list_that_is_denied_or_is_not_in_its_answer_fails_the_look() {
    for operation in untouched().into_keys() {
        let mut pages = untouched();
        pages.insert(operation, vec![ec2_error(403, "UnauthorizedOperation")]);
        let error = look(pages).await.1.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{operation}: {error}");
        let mut pages = untouched();
        pages.insert(operation, vec![(200, "<Answer/>".to_owned())]);
        let error = look(pages).await.1.unwrap_err();
        assert!(
            error.message.contains("the answer lacks"),
            "{operation}: {error}"
        );
    }
}

//! The default VPC of a region, and everything that uses it: things that people made in it, things
//! of AWS's own that they changed, and users that have no network interface in it right now.
//!
//! It is deleted only where nothing uses it, so an answer without its list is an error, and so is
//! any list that can't be read: what was not seen may be there. The lists are those of "Delete your
//! VPC" and "Default VPCs" (VPC user guide), and those of services that keep subnets for later.

mod lists;
mod uses;

use std::collections::BTreeSet;

use banto_domain::Region;
use banto_ports::{DefaultVpc, PortError};
use futures_util::future::{try_join, try_join3};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use roxmltree::Node;
use serde::Deserialize;

use self::lists::{DHCP_OPTIONS, INTERNET_GATEWAYS, List, SUBNETS, USERS, VPCS, protocol};
use self::uses::{Use, Vpc};
use crate::caller::{Request, encoded_query};
use crate::errors::lacking;
use crate::regional::RegionalCallers;
use crate::service::Service;
use crate::xml::{self, Element};

/// Lists that are asked for at once in one region: no call waits for more than five others then,
/// further pages aside. Regions are looked at side by side too, and each list that is under way
/// holds a connection: with all at once, a new account would hold hundreds.
const AT_ONCE: usize = 4;

/// The id that stands for no DHCP options at all. (EC2 API reference, `AssociateDhcpOptions`.)
const NO_DHCP_OPTIONS: &str = "default";

/// An item of a list.
struct Item {
    id: String,
    used: Option<Use>,
}

/// A page of Lambda's functions. (Lambda API reference, `ListFunctions`.)
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Functions {
    functions: Vec<Function>,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Function {
    function_name: String,
    vpc_config: Option<VpcConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VpcConfig {
    vpc_id: Option<String>,
}

/// The default VPC of a region, with everything that uses it; `None` if there is none.
pub(crate) async fn look(
    callers: &RegionalCallers,
    region: &Region,
) -> Result<Option<DefaultVpc>, PortError> {
    let look = Look { callers, region };
    let Some(mut vpc) = look.vpc().await? else {
        return Ok(None);
    };
    let (subnets, gateways, options) = try_join3(
        look.items(&SUBNETS, &vpc.id, &vpc),
        look.items(&INTERNET_GATEWAYS, &vpc.id, &vpc),
        look.dhcp_options(&vpc),
    )
    .await?;
    vpc.subnets = subnets.iter().map(|subnet| subnet.id.clone()).collect();
    let mut uses = words(&SUBNETS, &subnets);
    uses.extend(words(&INTERNET_GATEWAYS, &gateways));
    // AWS made one.
    for more in gateways.iter().skip(1) {
        uses.insert(format!("{} {}", INTERNET_GATEWAYS.words, more.id));
    }
    uses.extend(words(&DHCP_OPTIONS, &options));
    uses.extend(look.users(&vpc).await?);
    uses.append(&mut vpc.uses);
    let is_awss = |subnet: &Item| subnet.used != Some(Use::Made);
    Ok(Some(DefaultVpc {
        id: vpc.id,
        subnets: subnets
            .into_iter()
            .filter(is_awss)
            .map(|subnet| subnet.id)
            .collect(),
        gateways: gateways.into_iter().map(|gateway| gateway.id).collect(),
        uses,
    }))
}

/// A look at one region.
#[derive(Clone, Copy)]
struct Look<'a> {
    callers: &'a RegionalCallers,
    region: &'a Region,
}

impl Look<'_> {
    async fn vpc(self) -> Result<Option<Vpc>, PortError> {
        let read = |item: Node<'_, '_>| {
            let id = item.text_of(VPCS.id)?.to_owned();
            let mut uses = uses::address_blocks(item);
            uses.extend(uses::is_tagged(item).then(|| format!("tags of {} {id}", VPCS.words)));
            let options = item.text_of("dhcpOptionsId");
            let options = options.filter(|options| *options != NO_DHCP_OPTIONS);
            Some(Vpc {
                region: self.region.clone(),
                id,
                dhcp_options: options.map(str::to_owned),
                subnets: Vec::new(),
                uses,
            })
        };
        let vpcs = self.read(&VPCS, "true", read).await?;
        Ok(vpcs.into_iter().next())
    }

    /// The uses of a VPC that lists of other things than its own parts show.
    async fn users(self, vpc: &Vpc) -> Result<BTreeSet<String>, PortError> {
        let lists: Vec<_> = USERS.iter().map(|list| self.used(list, vpc)).collect();
        let lists = stream::iter(lists).buffer_unordered(AT_ONCE);
        let (lists, functions) =
            try_join(lists.try_collect::<Vec<_>>(), self.functions(vpc)).await?;
        Ok(lists.into_iter().flatten().chain(functions).collect())
    }

    async fn used(self, list: &List, vpc: &Vpc) -> Result<BTreeSet<String>, PortError> {
        Ok(words(list, &self.items(list, &vpc.id, vpc).await?))
    }

    async fn dhcp_options(self, vpc: &Vpc) -> Result<Vec<Item>, PortError> {
        match &vpc.dhcp_options {
            Some(options) => self.items(&DHCP_OPTIONS, options, vpc).await,
            None => Ok(Vec::new()),
        }
    }

    /// The items of a list, those that the filter leaves.
    async fn items(self, list: &List, filter: &str, vpc: &Vpc) -> Result<Vec<Item>, PortError> {
        let read = |item: Node<'_, '_>| {
            Some(Item {
                id: item.text_of(list.id)?.to_owned(),
                used: (list.use_of)(item, vpc),
            })
        };
        self.read(list, filter, read).await
    }

    /// Reads each item of a list, page by page.
    async fn read<T>(
        self,
        list: &List,
        filter: &str,
        read: impl Fn(Node<'_, '_>) -> Option<T>,
    ) -> Result<Vec<T>, PortError> {
        let protocol = protocol(list.service);
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut fields = Vec::new();
            if let Some(name) = list.filter {
                fields.extend([("Filter.1.Name", name), ("Filter.1.Value.1", filter)]);
            }
            fields.extend(token.as_deref().map(|token| (protocol.asked, token)));
            let caller = self.callers.caller(list.service, self.region).await;
            let text = caller.query(list.call, protocol.version, &fields).await?;
            let document = xml::document(list.call, &text)?;
            let set = document
                .descendants()
                .find(|node| node.is_named(list.set))
                .ok_or_else(|| lacking(list.call, "its list"))?;
            for item in set.children().filter(Node::is_element) {
                items.push(read(item).ok_or_else(|| lacking(list.call, "the id of an item"))?);
            }
            let next = set
                .parent()
                .and_then(|page| page.text_of(protocol.answered));
            token = next.map(str::to_owned);
            if token.is_none() {
                return Ok(items);
            }
        }
    }

    /// Lambda's functions that have a VPC's subnets, page by page.
    async fn functions(self, vpc: &Vpc) -> Result<BTreeSet<String>, PortError> {
        const CALL: &str = "lambda:ListFunctions";
        let mut found = BTreeSet::new();
        let mut path = "/2015-03-31/functions/".to_owned();
        loop {
            let caller = self.callers.caller(Service::Lambda, self.region).await;
            let answer = caller.ask(Request::get(CALL, path)).await?;
            let page: Functions = serde_json::from_slice(&answer)
                .map_err(|_| lacking(CALL, "functions that can be read"))?;
            for function in page.functions {
                if function
                    .vpc_config
                    .and_then(|config| config.vpc_id)
                    .as_ref()
                    == Some(&vpc.id)
                {
                    found.insert(format!("Lambda function {}", function.function_name));
                }
            }
            let Some(marker) = page.next_marker else {
                return Ok(found);
            };
            path = format!("/2015-03-31/functions/?Marker={}", encoded_query(&marker));
        }
    }
}

/// The uses among the items of a list, in words.
fn words(list: &List, items: &[Item]) -> BTreeSet<String> {
    let words = |item: &Item| {
        let (words, id) = (list.words, &item.id);
        match item.used.as_ref()? {
            Use::Made => Some(format!("{words} {id}")),
            Use::Changed => Some(format!("changed {words} {id}")),
            Use::Tagged => Some(format!("tags of {words} {id}")),
        }
    };
    items.iter().filter_map(words).collect()
}

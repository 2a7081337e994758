//! The objects of the archive, one by one.

use std::io::Write as _;

use banto_domain::Month;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::account;
use crate::channel::Channel;
use crate::draw::Draw;
use crate::history::{self, MOST_ITEMS};
use crate::item::{self, Status};
use crate::keys;
use crate::shape::{Oddity, Shape};
use crate::time::{Calendar, DAY};

/// Bytes of the item that is too large: more than a buffer of 4 MB.
const HUGE: usize = 5_000_000;

/// An archive. It holds nothing but its shape: every object is made when it is asked for.
#[derive(Debug)]
pub struct Archive {
    pub(crate) shape: Shape,
    pub(crate) calendar: Calendar,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A snapshot that is to be made.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) at: i64,
    pub(crate) month: Month,
    root: String,
    fault: Option<Oddity>,
    uuid: String,
}

impl Taken {
    /// True if it can be read.
    pub(crate) fn is_readable(&self) -> bool {
        self.fault.is_none()
    }

    /// Its key.
    pub(crate) fn key(&self, channel: &Channel<'_>) -> String {
        keys::snapshot(&self.root, channel, self.at, &self.uuid)
    }
}

/// What a region has delivered at a time.
enum Delivery {
    Snapshot(Taken),
    History(Month),
    Oversized(Month),
}

impl Archive {
    /// The archive of a shape.
    pub fn new(shape: Shape) -> Self {
        let calendar = Calendar {
            months: shape.all_months().collect(),
        };
        Self { shape, calendar }
    }

    /// The accounts of the Organization, as `aws organizations list-accounts` prints them, and with
    /// their tags; also those that never delivered.
    pub fn accounts(&self) -> String {
        account::listed(&self.shape.accounts).to_string()
    }

    /// The shape that was asked for.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Every object, account by account. One at a time is in memory.
    pub fn objects(&self) -> impl Iterator<Item = Object> {
        (0..self.shape.accounts.len()).flat_map(|account| self.objects_of(account))
    }

    /// The objects of the account at this place in the list.
    pub fn objects_of(&self, account: usize) -> impl Iterator<Item = Object> {
        let delivers = !self.shape.has(account, Oddity::NeverDelivered);
        let regions = 0..if delivers {
            self.shape.regions.len()
        } else {
            0
        };
        let checks = self
            .shape
            .accounts
            .get(account)
            .filter(|_| delivers)
            .into_iter()
            .flat_map(|account| {
                self.shape.roots.iter().map(|root| Object {
                    key: keys::writability_check(root, account.id.as_str()),
                    bytes: Vec::new(),
                })
            });
        let channels = regions.filter_map(move |region| self.channel(account, region));
        checks.chain(channels.flat_map(|channel| self.delivered(channel)))
    }

    pub(crate) fn channel(&self, account: usize, region: usize) -> Option<Channel<'_>> {
        Channel::new(&self.shape, &self.calendar, account, region)
    }

    fn delivered<'a>(&'a self, channel: Channel<'a>) -> impl Iterator<Item = Object> {
        let mut deliveries: Vec<Delivery> = self
            .snapshots(&channel)
            .into_iter()
            .map(Delivery::Snapshot)
            .collect();
        for month in self.delivering_months(&channel) {
            if self.shape.history {
                deliveries.push(Delivery::History(month));
            }
            if channel.has(Oddity::OversizedNotifications) {
                deliveries.push(Delivery::Oversized(month));
            }
        }
        deliveries
            .into_iter()
            .flat_map(move |delivery| match delivery {
                Delivery::Snapshot(taken) => vec![snapshot(&channel, &taken)],
                Delivery::History(month) => self.history(&channel, month),
                Delivery::Oversized(month) => self.oversized(&channel, month),
            })
    }

    /// The months in which a region delivers.
    pub(crate) fn delivering_months(&self, channel: &Channel<'_>) -> Vec<Month> {
        if channel.has(Oddity::NeverDelivered) {
            return Vec::new();
        }
        let stopped = self.shape.stopped_in(channel.account_number);
        let delivers = |month: &Month| stopped.is_none_or(|stopped| *month < stopped);
        self.shape.all_months().filter(delivers).collect()
    }

    /// The snapshots of a region, the first one first.
    pub(crate) fn snapshots(&self, channel: &Channel<'_>) -> Vec<Taken> {
        let mut found: Vec<Taken> = Vec::new();
        for month in self.delivering_months(channel) {
            let mut of_month = self.snapshots_of(channel, month);
            let faults = [Oddity::Truncated, Oddity::Corrupt, Oddity::NotJson];
            if let Some(last) = of_month.last_mut() {
                last.fault = faults.into_iter().find(|fault| channel.has(*fault));
            }
            found.extend(of_month);
        }
        found
    }

    fn snapshots_of(&self, channel: &Channel<'_>, month: Month) -> Vec<Taken> {
        let (start, end) = (month.start().as_second(), month.end().as_second());
        let days = i64::try_from(self.shape.days).unwrap_or(i64::MAX);
        let first = end - DAY * days.min((end - start) / DAY);
        let each = self.shape.snapshots_a_day;
        let mut found = Vec::new();
        for day in (first..end).step_by(86_400) {
            for number in 0..each {
                let parts = [
                    20,
                    channel.account_number as u64,
                    channel.region_number as u64,
                    day.unsigned_abs(),
                    number as u64,
                ];
                let mut draw = Draw::of(self.shape.seed, &parts);
                // The last one of the day is taken between 21:00 and 22:00.
                let hours = i64::try_from((number + 1) * 21 / each.max(1)).unwrap_or(0);
                let seconds = i64::try_from(draw.below(3_600)).unwrap_or(0);
                let mut uuid = String::new();
                draw.write_uuid(&mut uuid);
                let root = self.shape.roots.iter().cycle().nth(number);
                found.push(Taken {
                    at: day + hours * 3_600 + seconds,
                    month,
                    root: root.cloned().unwrap_or_default(),
                    fault: None,
                    uuid,
                });
            }
        }
        found
    }

    fn history(&self, channel: &Channel<'_>, month: Month) -> Vec<Object> {
        let root = self.root();
        let mut found = Vec::new();
        for ((_, type_name), items) in history::recorded(channel, month) {
            for (number, part) in items.chunks(MOST_ITEMS).enumerate() {
                let (Some((from, _)), Some((to, _))) = (part.first(), part.last()) else {
                    continue;
                };
                let texts: Vec<&str> = part.iter().map(|(_, text)| text.as_str()).collect();
                let json = format!(
                    "{{\"fileVersion\":\"1.0\",\"configurationItems\":[{}]}}",
                    texts.join(",")
                );
                found.push(Object {
                    key: keys::history(root, channel, type_name, (*from, *to), number + 1),
                    bytes: zipped(json.as_bytes()),
                });
            }
        }
        found
    }

    fn oversized(&self, channel: &Channel<'_>, month: Month) -> Vec<Object> {
        let at = month.start().as_second() + 10 * DAY;
        let resources = [
            ("AWS::SSM::ManagedInstanceInventory", "i-0123456789abcdef0"),
            ("AWS::IAM::Policy", "ANPAEXAMPLEEXAMPLE123"),
        ];
        let notification = |(type_name, id): (&str, &str)| {
            let json = format!(
                "{{\"configurationItemDiff\":null,\"configurationItem\":{{\"resourceType\":\"{type_name}\",\"resourceId\":\"{id}\",\"configuration\":{{\"document\":\"{}\"}}}},\"messageType\":\"ConfigurationItemChangeNotification\",\"recordVersion\":\"1.3\"}}",
                "x".repeat(300_000)
            );
            Object {
                key: keys::oversized(self.root(), channel, (type_name, id), at),
                bytes: zipped(json.as_bytes()),
            }
        };
        resources.into_iter().map(notification).collect()
    }

    fn root(&self) -> &str {
        self.shape.roots.first().map_or("", String::as_str)
    }
}

fn snapshot(channel: &Channel<'_>, taken: &Taken) -> Object {
    let json = snapshot_json(channel, taken);
    let bytes = match taken.fault {
        Some(Oddity::NotJson) => zipped(b"<Error><Code>SlowDown</Code></Error>"),
        Some(Oddity::Truncated) => {
            let mut bytes = zipped(json.as_bytes());
            bytes.truncate(bytes.len() * 2 / 3);
            bytes
        }
        Some(_) => corrupt(zipped(json.as_bytes())),
        None => zipped(json.as_bytes()),
    };
    Object {
        key: taken.key(channel),
        bytes,
    }
}

/// Bytes in the middle of which are others.
fn corrupt(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(middle).take(64) {
        *byte = !*byte;
    }
    bytes
}

fn snapshot_json(channel: &Channel<'_>, taken: &Taken) -> String {
    let mut out = String::with_capacity(channel.shape.items * 2_000 + 200);
    out.push_str("{\"fileVersion\":\"1.0\",\"configSnapshotId\":\"");
    out.push_str(&taken.uuid);
    out.push_str("\",\"configurationItems\":[");
    let before = out.len();
    if channel.has(Oddity::HugeItem) {
        write_huge(&mut out);
        out.push(',');
    }
    if !(channel.is_last() && channel.has(Oddity::NoItems)) {
        write_items(&mut out, channel, taken.at);
    }
    if out.len() > before {
        // The comma behind the last item.
        out.pop();
    }
    out.push_str("]}");
    out
}

/// Writes every item, each with a comma behind it. Compliance items lie among the others.
fn write_items(out: &mut String, channel: &Channel<'_>, at: i64) {
    for resource in channel.resources().filter(|resource| resource.exists(at)) {
        let recorded = resource.recorded(channel.calendar, at);
        let status = if recorded == resource.born {
            Status::Discovered
        } else {
            Status::Changed
        };
        item::write_resource(out, channel, &resource, status, recorded);
        out.push(',');
        if let Some(evaluations) = channel.evaluations(&resource, at) {
            let when = (Status::Changed, evaluations.recorded);
            item::write_compliance(out, channel, &resource, Some(&evaluations), when);
            out.push(',');
        }
    }
}

/// An inventory of everything that is installed on a machine can be that large.
fn write_huge(out: &mut String) {
    out.push_str("{\"relatedEvents\":[],\"relationships\":[],\"configuration\":{\"AWS:Application\":{\"Content\":{");
    let mut number = 0;
    let enough = out.len() + HUGE;
    while out.len() < enough {
        let entry = format!(
            "\"package-{number}\":{{\"Name\":\"package-{number}\",\"Summary\":\"a \\\"{{\\\" in a text\",\"Version\":\"1.{number}\"}},"
        );
        out.push_str(&entry);
        number += 1;
    }
    out.pop();
    out.push_str("}}},\"supplementaryConfiguration\":{},\"tags\":{},\"configurationItemVersion\":\"1.3\",\"configurationItemCaptureTime\":\"2026-01-09T09:12:33.000Z\",\"configurationItemStatus\":\"OK\",\"resourceType\":\"AWS::SSM::ManagedInstanceInventory\",\"resourceId\":\"i-0123456789abcdef0\",\"resourceName\":null}");
}

/// Bytes as gzip has them: quickly rather than small.
fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory can't fail.
    let _infallible = encoder.write_all(bytes).is_ok();
    encoder.finish().unwrap_or_default()
}

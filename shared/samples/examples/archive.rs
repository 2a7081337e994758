//! Writes an archive to a directory: `archive DIRECTORY [ACCOUNTS] [ITEMS] [MONTHS] [REGIONS]`.
//!
//! With the defaults it has 50 snapshots of 2,000 items each.

use std::io::{Error, Write as _};
use std::path::PathBuf;

use banto_samples::{Account, Archive, Shape};

/// Regions, of which an archive has the first ones.
const REGIONS: [&str; 4] = ["eu-central-1", "us-east-1", "eu-west-1", "ap-southeast-2"];

const USAGE: &str = "usage: archive DIRECTORY [ACCOUNTS] [ITEMS] [MONTHS] [REGIONS]";

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().filter(|name| !name.starts_with('-'));
    let directory = directory.ok_or_else(|| Error::other(USAGE))?;
    let directory = PathBuf::from(directory);
    let mut number = |default: usize| match arguments.next() {
        Some(text) => text.parse().map_err(Error::other),
        None => Ok(default),
    };
    let (accounts, items) = (number(50)?, number(2_000)?);
    let (months, regions) = (number(1)?, number(1)?);
    let archive = Archive::new(Shape {
        accounts: Account::made_up(accounts),
        regions: REGIONS
            .iter()
            .take(regions)
            .filter_map(|region| region.parse().ok())
            .collect(),
        items,
        months,
        days: 1,
        history: false,
        ..Shape::default()
    });
    let written = archive.write_to(&directory)?;
    writeln!(
        std::io::stdout(),
        "{} objects, {} bytes",
        written.objects,
        written.bytes
    )
}

//! README's pictures are of the pages as they are: each is kept with the hash of the page that it
//! was made of. `cargo make pictures` makes them anew, by a browser.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use banto_ports::Clock;
use banto_samples::{Account, Archive, Oddity, Shape};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::browser;
use crate::notices::critical_alone;
use crate::report::{self, Reader, show::Bar, source::Source};

/// A page, and the part of it that a picture shows, in pixels.
struct Picture {
    name: &'static str,
    html: String,
    size: (u32, u32),
}

/// When the pictures' pages say that they were made.
struct Then;

#[async_trait]
impl Clock for Then {
    async fn sleep(&self, _: Duration) {}

    fn now(&self) -> Timestamp {
        "2026-11-02T06:00:00Z".parse().unwrap()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures")
}

/// A dashboard of a small company, of which one account delivers nothing any more.
async fn dashboard() -> String {
    let archive = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let months = ["2026-07", "2026-08", "2026-09", "2026-10"].map(|month| month.parse().unwrap());
    let shape = Shape {
        seed: 7,
        accounts: Account::made_up(8),
        items: 80,
        first: months[0],
        months: months.len(),
        days: 1,
        oddities: vec![(5, Oddity::StoppedIn(months[3]))],
        ..Shape::default()
    };
    Archive::new(shape).write_to(archive.path()).unwrap();
    let mut page = PathBuf::new();
    for month in months {
        let options = report::Options {
            from: Source::Folder(archive.path().to_owned()),
            month: Some(month),
            out: out.path().to_owned(),
            policy: None,
            accounts: Some(archive.path().join("accounts.json")),
            engine: Reader::Embedded,
            no_open: true,
        };
        let made = report::write_at(&options, Arc::new(Bar::new()), Arc::new(Then)).await;
        page = made.unwrap().files.swap_remove(0);
    }
    fs::read_to_string(page).unwrap()
}

async fn pictures() -> Vec<Picture> {
    let message = critical_alone("2026-11-24T09:01:00Z".parse().unwrap());
    vec![
        Picture {
            name: "message.png",
            html: message.unwrap(),
            size: (760, 860),
        },
        Picture {
            name: "dashboard.png",
            html: dashboard().await,
            size: (1_280, 1_000),
        },
    ]
}

/// Makes a picture, in which a page is as sharp as on a screen of its own.
async fn make(picture: &Picture) {
    let folder = folder();
    fs::create_dir_all(&folder).unwrap();
    let page = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    fs::write(page.path(), &picture.html).unwrap();
    let made = browser::picture(page.path(), &folder.join(picture.name), picture.size).await;
    assert!(made, "no browser made {}", picture.name);
}

#[tokio::test]
async fn the_readmes_pictures_are_of_the_pages_as_they_are() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut hashes = BTreeMap::new();
    for picture in pictures().await {
        if bless {
            make(&picture).await;
        }
        let hash = Sha256::digest(picture.html.as_bytes());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        hashes.insert(picture.name, hash);
        let png = fs::read(folder().join(picture.name)).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{}", picture.name);
    }
    let text = serde_json::to_string_pretty(&hashes).unwrap() + "\n";
    banto_fake::assert_as_committed(folder().join("pages.json"), &text);
}

#[test]
fn the_readme_shows_every_picture() {
    let readme = include_str!("../../README.md");
    for picture in ["message.png", "dashboard.png"] {
        assert!(
            readme.contains(&format!("(docs/pictures/{picture})")),
            "{picture}"
        );
    }
}

#[test]
fn the_readme_shows_a_screen_as_it_is() {
    let readme = include_str!("../../README.md");
    let screen = include_str!("../expected/accounts/status.80.txt");
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    let screen = lines.join("\n");
    assert!(
        readme.contains(screen.trim_end()),
        "README.md has not\n{screen}"
    );
}

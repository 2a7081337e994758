//! What the page and the terminal show, and that a real browser shows it whole.

use std::path::{Path, PathBuf};
use std::process::Command;

use banto_notice::slack;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::page::{Channel, Page, Shown, html};
use super::*;
use crate::local::slack::Post;

fn now() -> Timestamp {
    "2026-11-24T13:00:00Z".parse().unwrap()
}

fn examples() -> Page {
    example_page(None, now()).unwrap()
}

fn posts(page: &Page) -> impl Iterator<Item = &Post> {
    page.channels
        .iter()
        .flat_map(|channel| &channel.messages)
        .map(|shown| &shown.post)
}

/// Every text of a message's blocks, as a person reads it.
fn texts(post: &Post) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        let shown = ["text", "fallback"].map(|name| value[name].as_str());
        found.extend(shown.into_iter().flatten().map(str::to_owned));
        for inside in ["text", "blocks", "elements"] {
            match &value[inside] {
                Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
                item @ Value::Object(_) => collect(item, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(&json!({ "blocks": post.body["blocks"] }), &mut found);
    found
}

/// The line of a message on a lock screen, as it was first.
fn first_line(post: &Post) -> String {
    let body = post.earlier.first().unwrap_or(&post.body);
    let text = body["text"].as_str().unwrap();
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// The text that a person reads of a page, without its white space and marks.
fn read(html: &str) -> String {
    let body = html.split("<body>").nth(1).unwrap();
    let text: String = body
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
        .collect();
    bare(
        &text
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}

/// A text without white space and emoji.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && (c.is_ascii() || c.is_alphanumeric()))
        .collect()
}

#[test]
fn every_example_is_one_that_slack_takes() {
    let page = examples();
    assert!(posts(&page).count() >= 18);
    for post in posts(&page) {
        for body in post.earlier.iter().chain([&post.body]) {
            assert_eq!(slack::check(body), Vec::<String>::new(), "{body:#}");
        }
    }
}

#[test]
fn the_page_shows_each_kind_of_message_and_every_text_of_each() {
    let page = examples();
    let shown = html(&page);
    let names: Vec<&str> = page
        .channels
        .iter()
        .map(|channel| channel.name.as_str())
        .collect();
    assert_eq!(names, ["payments", "operators", "developers"]);
    let reads = read(&shown);
    for post in posts(&page) {
        for text in texts(post).into_iter().chain([first_line(post)]) {
            assert!(reads.contains(&bare(&text)), "{text}");
        }
    }
    for words in [
        "2 replies",
        "replied to a thread",
        "href=\"https://wiki.example.com/runbooks/s3-versioning\"",
    ] {
        assert!(shown.contains(words), "{words}");
    }
    assert!(reads.contains("@alice") && !reads.contains("U024BE7LH"));
    assert!(!shown.contains("<script"));
    assert!(
        !shown.contains("src=") && !shown.contains("url(") && !shown.contains("@import"),
        "it asks for nothing"
    );
}

/// A page of one message, which is hostile wherever it can be.
fn hostile() -> Page {
    let text = "<script>alert(1)</script>\"'&";
    let escaped = slack_escaped(text);
    let plain = json!({ "type": "text", "text": text });
    let link = |url: &str| json!({ "type": "link", "url": url, "text": text });
    let line = |elements: Value| json!({ "type": "rich_text_section", "elements": elements });
    let code = json!({ "type": "rich_text_preformatted", "elements": [plain] });
    let list =
        json!({ "type": "rich_text_list", "style": "bullet", "elements": [line(json!([plain]))] });
    let elements = json!([
        plain,
        { "type": "text", "text": text, "style": { "bold": true } },
        link("javascript:alert(1)"),
        link("https://a.example/\"onclick=\"alert(1)"),
        { "type": "date", "timestamp": 1, "format": text, "fallback": text },
        { "type": "user", "user_id": text },
        { "type": "usergroup", "usergroup_id": text },
    ]);
    let body = json!({ "text": escaped, "blocks": [
        { "type": "header", "text": { "type": "plain_text", "text": text } },
        { "type": "rich_text", "elements": [line(elements), list, code] },
    ] });
    let post = Post {
        channel: text.into(),
        ts: "1.000001".into(),
        thread: None,
        is_broadcast: false,
        body,
        earlier: Vec::new(),
        at: now(),
    };
    let reply = Post {
        ts: "1.000002".into(),
        thread: Some("1.000001".into()),
        is_broadcast: true,
        ..post.clone()
    };
    let later = ["1.000003", "1.000004", "1.000005"].map(|ts| Post {
        ts: ts.into(),
        ..post.clone()
    });
    let messages = [post, reply]
        .into_iter()
        .chain(later)
        .map(|post| Shown {
            about: Some(text.to_owned()),
            post,
        })
        .collect();
    let channel = Channel {
        name: text.to_owned(),
        topic: text.to_owned(),
        messages,
    };
    Page {
        note: text.to_owned(),
        channels: vec![channel],
        members: BTreeMap::new(),
    }
}

fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[test]
fn whatever_a_text_holds_it_stays_text() {
    let shown = html(&hostile());
    assert!(
        !shown.contains("<script")
            && !shown.contains("href=\"javascript")
            && !shown.contains("\"onclick"),
        "{shown}"
    );
    let name = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;";
    assert!(shown.matches(name).count() >= 15, "{shown}");

    // The same by way of the functions' own words.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("banto.toml");
    let policy = EXAMPLE
        .replace("website-*", "<script>alert(1)</script>")
        .replace("versioning is off", "<b>&amp;</b>");
    fs::write(&path, policy).unwrap();
    let shown = html(&example_page(Some(&path), now()).unwrap());
    assert!(!shown.contains("<script") && !shown.contains("<b>&amp;</b>"));
    assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt; in 444455556666"));
    assert!(shown.contains("S3 bucket &lt;b&gt;&amp;amp;&lt;/b&gt;: invoices-archive in payments"));
}

#[test]
fn a_policy_without_sections_shows_what_is_left_and_one_with_faults_names_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("banto.toml");
    let (rotation, rest) = EXAMPLE.split_once("[onboarding]").unwrap();
    let (_, notices) = rest.split_once("\n[notices]").unwrap();
    fs::write(&path, format!("{rotation}\n[notices]{notices}")).unwrap();
    let page = example_page(Some(&path), now()).unwrap();
    assert_eq!(
        page.channels
            .iter()
            .map(|channel| channel.name.as_str())
            .collect::<Vec<_>>(),
        ["developers"]
    );
    assert!(
        page.note.contains("no [compliance]") && page.note.contains("no [onboarding]"),
        "{}",
        page.note
    );

    fs::write(
        &path,
        EXAMPLE
            .replacen("grace_days = 1 ", "grace_days = -1 ", 1)
            .replacen("window_seconds", "windows_seconds", 1),
    )
    .unwrap();
    let error = example_page(Some(&path), now()).unwrap_err().to_string();
    assert_eq!(
        error
            .lines()
            .filter(|line| line.starts_with(path.to_str().unwrap()))
            .count(),
        2,
        "{error}"
    );
}

#[tokio::test]
async fn the_page_is_written_where_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("page.html");
    assert_eq!(write(None, Some(out.clone())).unwrap(), out);
    assert!(
        fs::read_to_string(&out)
            .unwrap()
            .starts_with("<!doctype html>")
    );
    write(None, Some(folder.path().join("no/such/folder.html"))).unwrap_err();
    assert!(
        opened(Path::new("/no/such/page.html")).await.is_err(),
        "nothing here opens what does not exist"
    );
}

#[test]
fn every_example_fits_eighty_columns_and_is_coloured_on_a_terminal_only() {
    let page = examples();
    for post in posts(&page) {
        let plain = terminal::lines(post, &BTreeMap::new(), false).join("\n");
        assert!(!plain.contains('\u{1b}'), "{plain}");
        for line in plain.lines() {
            let is_whole = line.contains("https://") || line.starts_with("  ▌ aws ");
            assert!(is_whole || line.chars().count() <= 80, "{line}");
        }
        let reads = bare(&plain.replace('▌', ""));
        for text in texts(post) {
            assert!(reads.contains(&bare(&text)), "{text}\n{plain}");
        }
        let coloured = terminal::lines(post, &BTreeMap::new(), true).join("\n");
        assert!(
            coloured.contains("\u{1b}[1m") && coloured.contains("\u{1b}[31m"),
            "{coloured}"
        );
    }
}

/// The browser that there is.
fn browser() -> Option<PathBuf> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

/// Widths of a phone, an old one first, and of larger screens.
const WIDTHS: [u32; 5] = [320, 400, 768, 1_280, 1_920];

/// Measures width and height of a page in windows of these widths, by a page around it whose script
/// measures it.
fn measured(browser: &Path, page: &str) -> Vec<(u32, u32)> {
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    let frames = WIDTHS.map(|width| {
        format!("<iframe srcdoc=\"{page}\" style=\"width:{width}px;height:900px\"></iframe>\n")
    });
    let around = format!(
        "<!doctype html><title>measuring</title><style>iframe {{ border: 0 }}</style>{}<script>onload = () => {{
            const roots = [...document.querySelectorAll('iframe')].map((frame) => frame.contentDocument.documentElement);
            const sizes = roots.map((root) => root.scrollWidth + ':' + root.scrollHeight);
            document.body.innerHTML = '<p>measured ' + sizes.join(' ') + ' done</p>';
        }};</script>",
        frames.concat()
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("measuring.html");
    fs::write(&path, around).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--hide-scrollbars",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let sizes = dom
        .split_once("<p>measured ")
        .and_then(|(_, rest)| rest.split_once(" done</p>"));
    let (sizes, _) = sizes.unwrap_or_else(|| {
        panic!(
            "nothing was measured: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let size = |size: &str| {
        let (width, height) = size.split_once(':').unwrap();
        (width.parse().unwrap(), height.parse().unwrap())
    };
    sizes.split(' ').map(size).collect()
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "whoever reads the test's output is to know that it looked at nothing"
)]
fn in_a_real_browser_nothing_is_wider_than_the_window() {
    let Some(browser) = browser() else {
        assert_ne!(
            std::env::var("BANTO_BROWSER").as_deref(),
            Ok("required"),
            "there is no browser"
        );
        println!("skipped: there is no Chromium here");
        return;
    };
    for page in [examples(), hostile()] {
        let sizes = measured(&browser, &html(&page));
        assert_eq!(
            sizes.iter().map(|(width, _)| *width).collect::<Vec<_>>(),
            WIDTHS
        );
        assert!(
            sizes.iter().all(|(_, height)| *height > 900),
            "it shows something: {sizes:?}"
        );
    }
    let unwrapped = html(&examples()).replace("white-space: pre-wrap", "white-space: pre");
    assert!(
        measured(&browser, &unwrapped)[1].0 > WIDTHS[1],
        "what is too wide is seen"
    );
}

#[test]
fn the_readme_shows_a_message_as_it_is() {
    let readme = include_str!("../../../README.md");
    let page = examples();
    let critical = posts(&page).find(|post| {
        let text = post.body["text"].as_str();
        text.is_some_and(|text| text.starts_with("[critical]"))
    });
    let lines = terminal::lines(critical.unwrap(), &BTreeMap::new(), false);
    // The link is too long to be read there.
    let shown: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .take_while(|line| !line.contains("Open in"))
        .collect();
    let text = shown.join("\n");
    assert!(
        readme.contains(&text),
        "README.md shows another message than\n{text}"
    );
}

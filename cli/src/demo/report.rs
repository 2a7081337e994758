//! The month ends, and the report of it goes to people.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Month, Region, RuleName};
use banto_ports::{Attachment, Mail};
use banto_samples::{Account, Archive, Oddity, Planted, Shape};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::compliance;
use super::environment::{Environment, PATIENCE, REGION, scheduled};
use super::show;
use super::tour::{Scene, Tour};
use crate::browser;
use crate::local::organization::Organization;
use crate::local::proxy::Proxy;
use crate::report::eml::eml;

/// The log archive.
const ARCHIVE: &str = "banto-log-archive";

/// The bucket of reports.
const STORE: &str = "banto-reports";

/// The account that stops delivering.
const SILENT: &str = "wallet";

/// A mail's picture, in pixels: as wide as mail programs show one, and long enough for most.
const PICTURE: (u32, u32) = (760, 1_600);

/// Scenes of this part.
pub(super) const SCENES: usize = 2;

const MONTH: Scene<'_> = Scene {
    title: "Report: the month ends",
    happens: "report-compliance reads what AWS Config left in the log archive, and mails the month to those who answer for it.",
    notice: "wallet has delivered nothing this month: it is unknown, and not counted as compliant.",
};
const PAGE: Scene<'_> = Scene {
    title: "Report: the dashboard",
    happens: "The month is also one page, which loads nothing from elsewhere; here it is as a file, and so are the mails.",
    notice: "in the page, the storm's rule is among what is new, and wallet is named among the unknown.",
};

/// Plays it, in an Organization whose storm of findings began now.
pub(super) async fn play(
    env: &mut Environment,
    tour: &Tour,
    organization: &Organization,
) -> Result<()> {
    tour.scene(&MONTH).await?;
    let month = Month::of(env.now);
    tour.step("filling a log archive");
    let archive = archive(organization, month, env.now).await?;
    let objects = fill(env, &archive).await?;
    // The schedule begins on the second of a month, when late snapshots are there.
    env.set_now(month.end() + SignedDuration::from_hours(25))
        .await?;
    let proxy = Proxy::start(env.moto.endpoint()).await?;
    env.aws.verify_mail_address("banto@example.com").await?;
    tour.step("reading the archive and making the report");
    let answer = invoke(env, &proxy).await?;
    tour.paragraph(&format!("{month}, from {objects} objects of AWS Config:"));
    tour.line(&show::report(&tour.screen, &answer));
    let mails = proxy.mails();
    ensure!(!mails.is_empty(), "nobody was sent a mail");
    let mails: Vec<Mail> = mails.iter().map(taken).collect::<Result<_>>()?;
    tour.line("");
    tour.line(&show::mails(&tour.screen, &mails));
    invoke(env, &proxy).await?;
    ensure!(
        proxy.mails().len() == mails.len(),
        "a report was sent a second time"
    );
    tour.paragraph("The schedule again: the report is there, and nothing is sent twice.");

    tour.scene(&PAGE).await?;
    let directory = kept_directory()?;
    let name = format!("dashboard/{month}/index.html");
    let page = env.aws.object(STORE, &name).await?;
    let dashboard = directory.join("dashboard.html");
    std::fs::write(&dashboard, page).context("can't write the dashboard")?;
    tour.line(&format!("Open it in a browser:\n  {}", dashboard.display()));
    tour.step("making pictures of the mails");
    let pictures = mails
        .iter()
        .map(|mail| write_mail(&directory, mail, env.now));
    let files = try_join_all(pictures).await?;
    tour.line("The mails, as a mail program opens them, and as pictures if Chromium is here:");
    for file in files.iter().flatten() {
        tour.line(&format!("  {}", file.display()));
    }
    Ok(())
}

/// The archive of the Organization's accounts over two months. What the storm found is in it.
async fn archive(organization: &Organization, month: Month, now: Timestamp) -> Result<Archive> {
    let mut shape = Shape {
        accounts: Vec::new(),
        regions: vec![REGION.parse()?, compliance::FOUND_IN.parse()?],
        items: 60,
        first: month.previous(),
        months: 2,
        days: 1,
        ..Shape::default()
    };
    // The month's last snapshots are of its last evening.
    let found_at = now.min(month.end() - SignedDuration::from_hours(24));
    for (id, name) in organization.active_accounts().await? {
        if name == SILENT {
            let silent = Oddity::StoppedIn(month);
            shape.oddities.push((shape.accounts.len(), silent));
        }
        let id: AccountId = id.parse()?;
        if compliance::ACCOUNTS.contains(&name.as_str()) {
            shape.planted.extend(storm(&id, found_at)?);
        }
        shape.accounts.push(Account {
            id,
            name,
            path: Vec::new(),
            tags: Vec::new(),
        });
    }
    Ok(Archive::new(shape))
}

/// The findings of the storm in an account, none of which is resolved.
fn storm(account: &AccountId, from: Timestamp) -> Result<Vec<Planted>> {
    let region: Region = compliance::FOUND_IN.parse()?;
    let rule: RuleName = compliance::STORM_RULE.parse()?;
    let planted = |bucket: String| {
        let kind = "AWS::S3::Bucket".to_owned();
        Planted {
            finding: FindingKey::new(account.clone(), &region, rule.clone(), kind, bucket),
            from,
            until: None,
        }
    };
    Ok(compliance::buckets().map(planted).collect())
}

/// Puts the archive's objects into the log archive; the number of them.
async fn fill(env: &Environment, archive: &Archive) -> Result<usize> {
    env.aws.create_bucket(ARCHIVE).await?;
    env.aws.create_bucket(STORE).await?;
    let mut objects = 0;
    for object in archive.objects() {
        env.aws
            .put_object(ARCHIVE, &object.key, object.bytes)
            .await?;
        objects += 1;
    }
    Ok(objects)
}

/// Hands the function an event of its schedule.
async fn invoke(env: &Environment, proxy: &Proxy) -> Result<Value> {
    let policy = env.directory.path().join("report.toml");
    std::fs::write(&policy, policy_text(env)?).context("can't write the policy")?;
    let mut function = env
        .start_function(&env.report_compliance, &proxy.endpoint(), &policy)
        .await?;
    let answer = function.invoke(&scheduled(env.now), PATIENCE).await;
    let log = function.stop().await;
    answer.with_context(|| {
        let log = String::from_utf8_lossy(&log);
        format!("the function failed; its log:\n{log}")
    })
}

/// The policy of compliance, and who gets the report.
fn policy_text(env: &Environment) -> Result<String> {
    let compliance = std::fs::read_to_string(env.directory.path().join("compliance.toml"));
    let compliance = compliance.context("can't read the policy")?;
    Ok(format!(
        r#"{compliance}
[report]
archive = {{ bucket = "{ARCHIVE}" }}
store = {{ bucket = "{STORE}" }}

[report.mail]
from = "banto@example.com"
to = ["sre@example.com"]
owners = {{ alice = "alice@example.com" }}
"#
    ))
}

/// A directory that is there when the demo has ended.
fn kept_directory() -> Result<PathBuf> {
    let directory = tempfile::Builder::new().prefix("banto-report-").tempdir();
    Ok(directory.context("can't make a directory")?.keep())
}

/// A mail as SES took it. (SES API v2 reference, `SendEmail`.)
fn taken(mail: &Value) -> Result<Mail> {
    let text = |pointer: &str| {
        let found = mail.pointer(pointer).and_then(Value::as_str);
        let found = found.with_context(|| format!("the mail has no {pointer}"));
        found.map(str::to_owned)
    };
    let files = mail.pointer("/Content/Simple/Attachments");
    let files = files.and_then(Value::as_array).into_iter().flatten();
    Ok(Mail {
        from: text("/FromEmailAddress")?,
        to: vec![text("/Destination/ToAddresses/0")?],
        subject: text("/Content/Simple/Subject/Data")?,
        text: text("/Content/Simple/Body/Text/Data")?,
        html: text("/Content/Simple/Body/Html/Data")?,
        attachments: files.map(attached).collect::<Result<_>>()?,
        configuration_set: None,
    })
}

/// A file that came with a mail: a report's are all CSV.
fn attached(file: &Value) -> Result<Attachment> {
    let text = |name: &str| {
        let found = file.get(name).and_then(Value::as_str);
        found.with_context(|| format!("the attachment has no {name}"))
    };
    let kind = text("ContentType")?;
    ensure!(kind == "text/csv", "a report has an attachment of {kind}");
    Ok(Attachment {
        name: text("FileName")?.to_owned(),
        media_type: "text/csv",
        body: STANDARD.decode(text("RawContent")?)?,
        content_id: None,
    })
}

/// Writes a mail as a mail program opens it, and as a picture if a browser is here.
async fn write_mail(directory: &Path, mail: &Mail, date: Timestamp) -> Result<Vec<PathBuf>> {
    let name = mail.to.concat().replace('@', "-at-");
    let file = directory.join(format!("{name}.eml"));
    let written = std::fs::write(&file, eml(mail, date));
    written.with_context(|| format!("can't write {}", file.display()))?;
    let picture = picture(directory, &name, &mail.html).await?;
    Ok([Some(file), picture].into_iter().flatten().collect())
}

/// Makes a picture of a mail; `None` without a browser that can.
async fn picture(directory: &Path, name: &str, html: &str) -> Result<Option<PathBuf>> {
    let page = directory.join(format!("{name}.html"));
    std::fs::write(&page, html).with_context(|| format!("can't write {}", page.display()))?;
    let picture = directory.join(format!("{name}.png"));
    let made = browser::picture(&page, &picture, PICTURE).await;
    Ok(made.then_some(picture))
}

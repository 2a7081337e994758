//! The policy of a local run: that of a file as far as it means something here, or a default one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::compliance::FindingPolicy;
use banto_domain::policy::report::{EngineChoice, ObjectPlace, ReportMail};
use jiff::SignedDuration;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::policy;

/// The tag that names an account's owner where no policy says another.
const OWNER_TAG: &str = "owner";

/// The age at which a snapshot says nothing any more, as `[report]` has it by default.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(48);

/// The months in charts, as `[report]` has them by default.
const TREND_MONTHS: usize = 13;

/// What a path in a link can't have as it is. (WHATWG URL standard, "path percent-encode set".)
const IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Returns the policy of a run that writes to a folder.
///
/// # Errors
/// If the file can't be read, with everything that is wrong with it.
pub fn local(file: Option<&Path>, out: &Path) -> Result<ReportPolicy> {
    let policy = match file {
        Some(path) => read(path)?,
        None => default_policy(FindingPolicy {
            owner_tag: Some(OWNER_TAG.to_owned()),
            ..FindingPolicy::default()
        }),
    };
    let path = out.display().to_string();
    Ok(ReportPolicy {
        // Whoever asks for a report means it.
        enabled: true,
        store: ObjectPlace {
            bucket: String::new(),
            prefix: String::new(),
        },
        // Neither is asked by a run that needs no credentials.
        aggregator: None,
        statuses: None,
        address: Some(format!("file://{}/", utf8_percent_encode(&path, IN_PATHS))),
        mail: Some(policy.mail.clone().unwrap_or_else(mail)),
        ..policy
    })
}

/// The policy of a file, and the default one with its words and waivers where it has no
/// `[report]`.
fn read(path: &Path) -> Result<ReportPolicy> {
    let policy = policy::read(path)?;
    let findings = policy.compliance.map(|compliance| compliance.findings);
    let findings = findings.unwrap_or_default();
    Ok(policy.report.unwrap_or_else(|| default_policy(findings)))
}

fn default_policy(findings: FindingPolicy) -> ReportPolicy {
    let nowhere = ObjectPlace {
        bucket: String::new(),
        prefix: String::new(),
    };
    ReportPolicy {
        enabled: true,
        archive: nowhere.clone(),
        store: nowhere,
        engine: EngineChoice::Embedded,
        history: true,
        regions: BTreeSet::new(),
        expected: Vec::new(),
        stale_after: STALE_AFTER,
        aggregator: None,
        trend_months: TREND_MONTHS,
        mail: None,
        address: None,
        units: BTreeMap::new(),
        statuses: None,
        findings,
    }
}

/// The receivers of mails that nobody sends.
fn mail() -> ReportMail {
    ReportMail {
        from: "banto@example.com".to_owned(),
        to: vec!["everything@example.com".to_owned()],
        owners: BTreeMap::new(),
        configuration_set: None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../examples/banto.toml");

    fn of_file(text: &str) -> Result<ReportPolicy> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("mine.toml");
        fs::write(&path, text)?;
        local(Some(&path), Path::new("/home/alice/october report"))
    }

    #[test]
    fn a_local_run_has_the_policys_words_and_asks_nothing_of_aws() {
        let switched_off = EXAMPLE.replacen("[report]                     # monthly: mails, a dashboard, tables for QuickSight\nenabled = true", "[report]\nenabled = false", 1);
        let policy = of_file(&switched_off).unwrap();
        assert!(policy.enabled);
        assert_eq!(policy.findings.waivers.len(), 1);
        assert_eq!(policy.mail.unwrap().to, ["sre@example.com"]);
        assert_eq!((policy.aggregator, policy.statuses), (None, None));
        let links = policy.address.unwrap();
        assert_eq!(links, "file:///home/alice/october%20report/");
    }

    #[test]
    fn a_policy_without_the_section_lends_its_words() {
        let start = EXAMPLE.find("[report] ").unwrap();
        let end = EXAMPLE.find("[[waivers]]").unwrap();
        let text = format!("{}{}", &EXAMPLE[..start], &EXAMPLE[end..]);
        let policy = of_file(&text).unwrap();
        assert_eq!(policy.findings.waivers.len(), 1);
        assert_eq!(policy.engine, EngineChoice::Embedded);
    }

    #[test]
    fn owners_are_known_by_their_tag_where_no_policy_is_given() {
        let policy = local(None, Path::new("/out")).unwrap();
        assert_eq!(policy.findings.owner_tag.as_deref(), Some("owner"));
        assert!(policy.mail.is_some());
    }

    #[test]
    fn a_policy_that_is_wrong_is_told_by_its_own_name_and_line() {
        let error = of_file("[rotation").unwrap_err().to_string();
        assert!(error.contains("mine.toml:1: "), "{error}");
    }
}

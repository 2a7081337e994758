//! What `[report]` accepts and refuses, and what it takes from other sections.

use super::{EXAMPLE, LEAST, days, problems};
use crate::policy::Policy;
use crate::policy::onboarding::AccountSelector;
use crate::policy::report::{AthenaPolicy, EngineChoice, ObjectPlace, ReportPolicy};

/// A policy without `[onboarding]` and `[compliance]`, and with these lines.
fn least(lines: &str) -> String {
    format!("{LEAST}\n{lines}")
}

/// The least that `[report]` must say.
const REPORT: &str =
    "[report]\narchive = { bucket = \"archive\" }\nstore = { bucket = \"reports\" }\n";

fn report(text: &str) -> ReportPolicy {
    let policy = Policy::parse(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    policy.report.unwrap()
}

fn place(bucket: &str, prefix: &str) -> ObjectPlace {
    ObjectPlace {
        bucket: bucket.into(),
        prefix: prefix.into(),
    }
}

/// The problems of the example with something in it replaced.
fn example_problems(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    problems(&EXAMPLE.replacen(from, to, 1))
}

#[test]
fn the_example_says_everything_of_the_report() {
    let report = report(EXAMPLE);
    assert!(report.enabled && report.history);
    assert_eq!(
        report.archive,
        place("banto-log-archive-444455556666", "o-exampleorgid/")
    );
    assert_eq!(
        report.store,
        place("banto-reports-999988887777", "compliance/")
    );
    let athena = AthenaPolicy {
        workgroup: "banto".into(),
        database: "banto_config".into(),
        scan_limit: 100_000_000_000,
    };
    assert_eq!(report.engine, EngineChoice::Athena(athena));
    assert_eq!(report.regions.len(), 2);
    assert_eq!(report.expected.len(), 2);
    assert!(report.expected[0].accounts.is_empty());
    assert_eq!(report.expected[0].regions.len(), 1);
    assert_eq!(
        report.expected[1].accounts,
        [
            AccountSelector::Account("444455556666".parse().unwrap()),
            AccountSelector::Ou("ou-ab12-gh789012".parse().unwrap()),
            AccountSelector::Tag {
                key: "team".into(),
                value: "payments".into()
            },
        ]
    );
    let mail = report.mail.unwrap();
    assert_eq!(mail.addresses_of("search"), ["search@example.com"]);
    assert_eq!(mail.addresses_of("payments").len(), 2);
    assert_eq!(mail.configuration_set.as_deref(), Some("banto"));
    assert_eq!(
        report.address.as_deref(),
        Some("https://reports.example.com/compliance/")
    );
    assert_eq!(report.units.len(), 2);
    assert_eq!(
        report.statuses.unwrap().bucket,
        "banto-dashboard-999988887777"
    );
}

#[test]
fn the_report_has_the_words_and_waivers_of_compliance() {
    let policy = Policy::parse(EXAMPLE).unwrap();
    let (report, compliance) = (policy.report.unwrap(), policy.compliance.unwrap());
    assert_eq!(report.findings, compliance.findings);
    assert_eq!(report.findings.waivers.len(), 1);
}

#[test]
fn waivers_hold_in_the_report_where_nobody_is_notified() {
    let waiver = "[[waivers]]\nrule = \"a\"\nowner = \"alice\"\nreason = \"b\"\nuntil = 2027-01-31";
    let report = report(&least(&format!("{REPORT}{waiver}")));
    assert_eq!(report.findings.waivers.len(), 1);
    assert_eq!(report.findings.owner_tag, None);
    assert_eq!(report.statuses, None);
}

#[test]
fn what_is_left_out_of_the_report_has_the_documented_default() {
    let report = report(&least(REPORT));
    assert!(report.enabled && report.history);
    assert_eq!(report.engine, EngineChoice::Embedded);
    assert_eq!(report.stale_after, days(2));
    assert_eq!(report.trend_months, 13);
    assert!(report.regions.is_empty() && report.expected.is_empty() && report.units.is_empty());
    assert_eq!(
        (report.mail, report.aggregator, report.address),
        (None, None, None)
    );
}

#[test]
fn the_archive_is_the_one_that_onboarding_delivers_to_unless_it_is_given() {
    let given = EXAMPLE
        .lines()
        .find(|line| line.starts_with("archive = "))
        .unwrap();
    let inherited = report(&EXAMPLE.replacen(given, "", 1));
    // AWS Config puts the slash after the prefix itself.
    assert_eq!(
        inherited.archive,
        place("banto-log-archive-444455556666", "o-exampleorgid/")
    );
    let own = report(&EXAMPLE.replacen(given, "archive = { bucket = \"other\" }", 1));
    assert_eq!(own.archive, place("other", ""));
}

#[test]
fn an_address_gets_the_slash_that_names_of_objects_follow() {
    let lines = format!("{REPORT}address = \"https://reports.example.com/x\"");
    assert_eq!(
        report(&least(&lines)).address.as_deref(),
        Some("https://reports.example.com/x/")
    );
}

#[test]
fn a_section_with_problems_of_its_own_is_not_blamed_twice() {
    let found = example_problems("table = \"banto-compliance\"", "");
    assert_eq!(found.lines().count(), 1, "{found}");
    let found = example_problems("management_account = \"999988887777\"", "");
    assert!(!found.contains("report"), "{found}");
}

/// Asserts what the example is told with something in it replaced.
fn assert_refused(cases: &[(&str, &str, &str)]) {
    for (from, to, expected) in cases {
        let found = example_problems(from, to);
        assert!(found.contains(expected), "{to}:\n{found}");
    }
}

#[test]
fn an_archive_a_store_or_a_limit_that_can_not_work_is_refused_with_what_would_be_right() {
    assert_refused(&[
        (
            "bucket = \"banto-reports-999988887777\", prefix = \"compliance/\"",
            "bucket = \"banto-log-archive-444455556666\", prefix = \"o-exampleorgid/reports/\"",
            "`report.store` lies within `archive`, which nobody but AWS Config should write to",
        ),
        ("store = { bucket", "shop = { bucket", "`store` is missing"),
        (
            "workgroup = \"banto\", ",
            "",
            "`report.athena.workgroup` is missing",
        ),
        (
            "\"banto_config\"",
            "\"Banto-Config\"",
            "must be a database's name (1 to 255 small letters, digits and underscores)",
        ),
        (
            "scan_limit_gb = 100",
            "scan_limit_gb = 0",
            "must be a whole number from 1 to 100000, but is 0",
        ),
        (
            "stale_after_days = 2",
            "stale_after_days = 0",
            "must be a whole number from 1 to 31",
        ),
        (
            "trend_months = 13",
            "trend_months = 37",
            "must be a whole number from 1 to 36",
        ),
        (
            "compliance/\"   # where people",
            "compliance/?a=b\"   # where people",
            "must be a link that names of objects can follow, without ? and #",
        ),
    ]);
}

#[test]
fn rules_and_units_that_nobody_could_tell_apart_are_refused() {
    assert_refused(&[
        (
            "\"root-account-mfa-enabled\"]\n",
            "\"root-*\"]\n",
            "must be a rule's whole name, since a missing one must have a name, but is \"root-*\"",
        ),
        (
            "\"root-account-mfa-enabled\"]\n",
            "\"securityhub-root-account-mfa-enabled-1a2b3c4d\"]\n",
            "must be a rule's own name, which is \"root-account-mfa-enabled\"",
        ),
        (
            "rules = [\"s3-bucket-public-read-prohibited\"]\n",
            "",
            "`report.expected`: `rules` must name at least one",
        ),
        (
            "enabled\"]\nregions = [\"ap-northeast-1\"]",
            "enabled\"]\nregions = [\"eu-west-1\"]",
            "`report.expected.regions` names eu-west-1, which is not in `report.regions`",
        ),
        (
            "\"ou-ab12-gh789012\" = \"Production\"",
            "\"ou-ab12-gh789012\" = \"Sandboxes\"",
            "has the name \"Sandboxes\", which another one has, too",
        ),
        (
            "\"ou-ab12-gh789012\" = \"Production\"",
            "production = \"Production\"",
            "(\"production\") \"production\" is not an organizational unit",
        ),
    ]);
}

#[test]
fn mails_that_could_reach_nobody_are_refused() {
    assert_refused(&[
        (
            "owner_tag = \"owner\"",
            "",
            "`report.mail.owners` goes by what the owner tag says, so that `compliance.owner_tag` must be given",
        ),
        (
            "to = [\"sre@example.com\"]",
            "to = []",
            "`to` must name at least one address, who gets the mail with everything",
        ),
        (
            "search = \"search@example.com\"",
            "search = \"search\"",
            "an entry of `report.mail.owners` (\"search\") must be a mail address",
        ),
        (
            "search = \"search@example.com\"",
            "search = []",
            "(\"search\") must name at least one address",
        ),
        (
            "configuration_set = \"banto\"",
            "configuration_set = \"banto sets\"",
            "must be a configuration set's name",
        ),
    ]);
}

#[test]
fn a_store_beside_the_archive_in_one_bucket_is_accepted() {
    let lines = "[report]\narchive = { bucket = \"logs\", prefix = \"config/\" }\nstore = { bucket = \"logs\", prefix = \"reports/\" }";
    assert_eq!(report(&least(lines)).store, place("logs", "reports/"));
}

#[test]
fn an_archive_must_be_given_where_nobody_onboards_accounts() {
    let found = problems(&least("[report]\nstore = { bucket = \"reports\" }"));
    assert!(
        found.contains("only with [onboarding] it may be left out"),
        "{found}"
    );
}

#[test]
fn more_receivers_than_ses_allows_are_refused() {
    let addresses = |count: usize| vec!["\"alice@example.com\""; count].join(", ");
    let with = |count: usize| {
        let mail = format!(
            "[report.mail]\nfrom = \"a@example.com\"\nto = [{}]",
            addresses(count)
        );
        least(&format!("{REPORT}{mail}"))
    };
    assert_eq!(report(&with(50)).mail.unwrap().to.len(), 50);
    let found = problems(&with(51));
    assert!(
        found.contains("has 51 addresses, more than the 50 that SES allows"),
        "{found}"
    );
}

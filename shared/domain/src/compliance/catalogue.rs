//! Words about the AWS managed rules in common use: title, severity and remedy, as data in
//! `rules.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::severity::Severity;

/// The data; its first entry says where it comes from.
const RULES: &str = include_str!("rules.json");

/// Words about a rule's findings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// What is wrong, as a sentence's beginning that a resource's name ends: `S3 bucket allows
    /// public read`.
    pub title: String,
    /// The severity of its findings.
    pub severity: Severity,
    /// The remedy, in whole sentences.
    pub remedy: String,
}

#[derive(Deserialize)]
struct Catalogue {
    rules: BTreeMap<String, Advice>,
}

/// Read when it is first needed.
static CATALOGUE: LazyLock<BTreeMap<String, Advice>> = LazyLock::new(|| {
    serde_json::from_str::<Catalogue>(RULES)
        .map(|catalogue| catalogue.rules)
        .unwrap_or_default()
});

/// Returns the words about a rule, by its own name: that of
/// [`RuleName::plain`](crate::RuleName::plain).
///
/// ```
/// use banto_domain::compliance::{Severity, advice};
/// assert_eq!(advice("s3-bucket-public-read-prohibited").unwrap().severity, Severity::Critical);
/// assert!(advice("our-own-rule").is_none());
/// ```
pub fn advice(rule: &str) -> Option<&'static Advice> {
    CATALOGUE.get(rule)
}

/// The own names of all rules that the catalogue knows.
pub fn catalogued() -> impl Iterator<Item = &'static str> {
    CATALOGUE.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleName;

    #[test]
    fn the_catalogue_reads_and_every_text_is_of_use() {
        let parsed: Catalogue = serde_json::from_str(RULES).unwrap();
        assert!(parsed.rules.len() >= 180, "{}", parsed.rules.len());
        for (name, Advice { title, remedy, .. }) in &parsed.rules {
            let own = name
                .strip_prefix("AWSControlTower_AWS-GR_")
                .map(|control| control.to_lowercase().replace('_', "-"));
            let own = own.as_deref().unwrap_or(name);
            assert!(
                own.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            assert!(
                (10..=70).contains(&title.chars().count()) && !title.ends_with('.'),
                "{name}: {title}"
            );
            assert!(
                !title.to_lowercase().replace(' ', "-").starts_with(own),
                "{name}: {title}"
            );
            assert!(
                (20..=420).contains(&remedy.chars().count()) && remedy.ends_with('.'),
                "{name}: {remedy}"
            );
        }
    }

    #[test]
    fn rules_stand_one_a_line_sorted_each_once() {
        let names: Vec<&str> = RULES
            .lines()
            .filter_map(|line| line.strip_prefix("    \"")?.split('"').next())
            .collect();
        assert_eq!(names.len(), CATALOGUE.len());
        for pair in names.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
    }

    #[test]
    fn rules_share_words_only_as_names_of_one_and_the_same() {
        let mut said = BTreeMap::new();
        for (name, advice) in CATALOGUE.iter() {
            for words in [&advice.title, &advice.remedy] {
                let (other, first) = *said.entry(words).or_insert((name, advice));
                assert_eq!(first, advice, "{other} and {name}");
            }
        }
    }

    #[test]
    fn few_rules_are_critical_and_no_severity_is_most_of_them() {
        // A rule counts once, whatever the number of its names.
        let severities: BTreeMap<&str, Severity> = CATALOGUE
            .values()
            .map(|advice| (advice.title.as_str(), advice.severity))
            .collect();
        for severity in Severity::ALL {
            let percent = 100
                * severities
                    .values()
                    .filter(|of_rule| **of_rule == severity)
                    .count()
                / severities.len();
            let most = if severity == Severity::Critical {
                11
            } else {
                65
            };
            assert!(
                (3..=most).contains(&percent),
                "{} of 100 are {}",
                percent,
                severity.as_str()
            );
        }
    }

    #[test]
    fn a_rule_is_found_by_each_of_its_names_and_as_others_deploy_it() {
        for (deployed, name) in [
            ("incoming-ssh-disabled", "restricted-ssh"),
            ("securityhub-restricted-ssh-1399bc40", "restricted-ssh"),
            ("AWSControlTower_AWS-GR_RESTRICTED_SSH", "restricted-ssh"),
            (
                "AWSControlTower_AWS-GR_S3_VERSIONING_ENABLED",
                "s3-bucket-versioning-enabled",
            ),
            (
                "securityhub-multi-region-cloud-trail-enabled-b8841665",
                "multi-region-cloudtrail-enabled",
            ),
            (
                "restricted-common-ports-conformance-pack-abcd12345",
                "restricted-incoming-traffic",
            ),
            (
                "securityhub-ec2-managedinstance-patch-compliance-310ff521",
                "ec2-managedinstance-patch-compliance-status-check",
            ),
            (
                "securityhub-kms-cmk-not-scheduled-for-deletion-2-109ab27f",
                "kms-cmk-not-scheduled-for-deletion",
            ),
            (
                "securityhub-iam-password-policy-recommended-defaults-05398b0d",
                "iam-password-policy",
            ),
        ] {
            let deployed: RuleName = deployed.parse().unwrap();
            assert!(advice(name).is_some(), "{name}");
            assert_eq!(advice(deployed.plain()), advice(name), "{deployed}");
        }
    }

    #[test]
    fn no_wrapping_hides_a_rule_of_the_catalogue() {
        for name in CATALOGUE.keys() {
            for deployed in [
                name.clone(),
                format!("securityhub-{name}"),
                format!("securityhub-{name}-1a2b3c4d"),
                format!("OrgConfigRule-{name}"),
                format!("OrgConfigRule-{name}-x0kqq2oh"),
                format!("{name}-conformance-pack-wxyz98765"),
                format!("securityhub-{name}-conformance-pack-wxyz98765"),
                format!("OrgConfigRule-{name}-conformance-pack-wxyz98765"),
            ] {
                let rule: RuleName = deployed.parse().unwrap();
                assert_eq!(rule.plain(), name, "{deployed}");
            }
        }
    }

    #[test]
    fn a_word_that_looks_like_a_suffix_stays_part_of_a_name_that_no_deployment_made() {
        for (deployed, plain) in [
            ("restricted-ssh-internal", "restricted-ssh-internal"),
            ("securityhub-tables-approved", "tables-approved"),
            ("securityhub-tables-approved-1a2b3c4d", "tables-approved"),
            ("OrgConfigRule-tables-approved-x0kqq2oh", "tables-approved"),
            ("securityhub", "securityhub"),
        ] {
            let rule: RuleName = deployed.parse().unwrap();
            assert_eq!(rule.plain(), plain);
        }
    }
}

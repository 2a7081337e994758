//! What the AWS managed rules in common use mean, how much they matter, and what to do: data in `rules.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Severity;

/// The data; its first entry says where it comes from.
const RULES: &str = include_str!("rules.json");

/// What to say of a rule's findings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// What is wrong, as a sentence's beginning that a resource's name ends: `S3 bucket allows public read`.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// What to do about it.
    pub remedy: String,
}

#[derive(Deserialize)]
struct Catalogue {
    rules: BTreeMap<String, Advice>,
}

/// Read when it is first needed.
static CATALOGUE: LazyLock<BTreeMap<String, Advice>> =
    LazyLock::new(|| serde_json::from_str::<Catalogue>(RULES).map(|catalogue| catalogue.rules).unwrap_or_default());

/// What to say of a rule, by its own name: that of [`RuleName::plain`](crate::RuleName::plain).
///
/// ```
/// use banto_domain::compliance::{Severity, advice};
/// assert_eq!(advice("s3-bucket-public-read-prohibited").unwrap().severity, Severity::Critical);
/// assert!(advice("our-own-rule").is_none());
/// ```
pub fn advice(rule: &str) -> Option<&'static Advice> {
    CATALOGUE.get(rule)
}

/// Every rule that is known, by name.
pub fn all_advice() -> impl Iterator<Item = (&'static str, &'static Advice)> {
    CATALOGUE.iter().map(|(name, advice)| (name.as_str(), advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_reads_and_every_text_is_of_use() {
        let parsed: Catalogue = serde_json::from_str(RULES).unwrap();
        assert!(parsed.rules.len() >= 100, "{}", parsed.rules.len());
        for (name, Advice { title, remedy, .. }) in &parsed.rules {
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            assert!((10..=70).contains(&title.chars().count()) && !title.ends_with('.'), "{name}: {title}");
            assert!((20..=420).contains(&remedy.chars().count()) && remedy.ends_with('.'), "{name}: {remedy}");
        }
    }
}

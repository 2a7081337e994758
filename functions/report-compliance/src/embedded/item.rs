//! What the report needs of a configuration item.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use memchr::memchr;
use serde::Deserialize;

use super::json::Members;
use crate::evidence::Verdict;

/// A configuration item. (AWS Config developer guide, "Components of a Configuration Item".)
#[derive(Debug)]
pub(super) enum Item<'a> {
    Resource(Resource<'a>),
    /// The compliance of a resource.
    Compliance(Compliance),
    /// A resource that is gone, or the compliance of a conformance pack.
    Neither,
}

/// A resource.
#[derive(Debug)]
pub(super) struct Resource<'a> {
    pub(super) resource_type: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) arn: Option<Cow<'a, str>>,
}

/// The compliance of a resource with all rules that evaluate it.
#[derive(Debug)]
pub(super) struct Compliance {
    pub(super) resource_type: String,
    pub(super) resource_id: String,
    /// When it was recorded; `None` if the item does not say so in a way that we understand.
    pub(super) recorded_at: Option<Timestamp>,
    /// Each rule by its name, and its verdict.
    pub(super) rules: Vec<(String, Verdict)>,
}

/// An item that can't be understood, in words that end a sentence on items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum ItemError {
    #[error("without a resource type")]
    NoType,
    #[error("without a resource id")]
    NoId,
    #[error("of compliance whose configuration is no JSON of AWS Config")]
    Configuration,
    #[error("of compliance that name no resource")]
    NoTarget,
}

/// The type of items that tell a resource's compliance.
pub(super) const COMPLIANCE_TYPE: &str = "AWS::Config::ResourceCompliance";

/// The type of items that tell a conformance pack's compliance, which is that of its rules again.
const PACK_TYPE: &str = "AWS::Config::ConformancePackCompliance";

/// Returns an item's resource type.
pub(super) fn resource_type<'a>(item: Members<'a>) -> Option<Cow<'a, str>> {
    let found = item.iter().find(|(key, _)| *key == b"resourceType");
    found.and_then(|(_, value)| text(value))
}

/// The members of an item that somebody needs, as they are written.
#[derive(Debug, Default)]
struct Fields<'a> {
    resource_type: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
    arn: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    captured_at: Option<&'a [u8]>,
    configuration: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn new(item: Members<'a>) -> Self {
        let mut fields = Self::default();
        for (key, value) in item.iter() {
            let field = match key {
                b"resourceType" => &mut fields.resource_type,
                b"resourceId" => &mut fields.id,
                b"resourceName" => &mut fields.name,
                // Capital in the files of today, small in AWS's examples.
                b"ARN" | b"arn" => &mut fields.arn,
                b"configurationItemStatus" => &mut fields.status,
                b"configurationItemCaptureTime" => &mut fields.captured_at,
                b"configuration" => &mut fields.configuration,
                _ => continue,
            };
            *field = Some(value);
        }
        fields
    }
}

impl<'a> Item<'a> {
    pub(super) fn new(item: Members<'a>) -> Result<Self, ItemError> {
        let fields = Fields::new(item);
        let resource_type = fields.resource_type.and_then(text);
        let resource_type = resource_type.ok_or(ItemError::NoType)?;
        // (AWS Config API reference, `ConfigurationItem`, field `configurationItemStatus`.)
        let deleted = b"\"ResourceDeleted";
        if fields
            .status
            .is_some_and(|status| status.starts_with(deleted))
        {
            return Ok(Self::Neither);
        }
        match resource_type.as_ref() {
            COMPLIANCE_TYPE => Compliance::new(&fields).map(Self::Compliance),
            PACK_TYPE => Ok(Self::Neither),
            _ => Ok(Self::Resource(Resource {
                resource_type,
                id: fields.id.and_then(text).ok_or(ItemError::NoId)?,
                name: fields.name.and_then(text),
                arn: fields.arn.and_then(text),
            })),
        }
    }
}

impl Compliance {
    fn new(fields: &Fields<'_>) -> Result<Self, ItemError> {
        let configuration = configuration(fields.configuration)?;
        // The item's own id is the resource's type and id, with a slash between them.
        let id = fields.id.and_then(text).unwrap_or_default();
        let (own_type, own_id) = id.split_once('/').unwrap_or_default();
        let resource_type = configuration.resource_type;
        let resource_type = resource_type.unwrap_or_else(|| own_type.to_owned());
        let resource_id = configuration.resource_id;
        let resource_id = resource_id.unwrap_or_else(|| own_id.to_owned());
        if resource_type.is_empty() || resource_id.is_empty() {
            return Err(ItemError::NoTarget);
        }
        let rules = configuration.rules.unwrap_or_default().into_iter();
        Ok(Self {
            resource_type,
            resource_id,
            recorded_at: fields.captured_at.and_then(captured_at),
            rules: rules.map(RuleVerdict::into_pair).collect(),
        })
    }
}

/// The configuration of an item of compliance. (AWS Config developer guide, "Querying Compliance
/// History for your AWS Resources".) The letters of its keys are all small where something between
/// AWS Config and the archive folded them.
#[derive(Debug, Default, Deserialize)]
struct Configuration {
    #[serde(rename = "targetResourceType", alias = "targetresourcetype")]
    resource_type: Option<String>,
    #[serde(rename = "targetResourceId", alias = "targetresourceid")]
    resource_id: Option<String>,
    #[serde(rename = "configRuleList", alias = "configrulelist")]
    rules: Option<Vec<RuleVerdict>>,
}

#[derive(Debug, Deserialize)]
struct RuleVerdict {
    #[serde(rename = "configRuleName", alias = "configrulename")]
    name: Option<String>,
    #[serde(rename = "complianceType", alias = "compliancetype")]
    verdict: Option<WrittenVerdict>,
}

/// A verdict as AWS Config writes it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum WrittenVerdict {
    Compliant,
    NonCompliant,
    NotApplicable,
    #[serde(other)]
    Other,
}

impl RuleVerdict {
    fn into_pair(self) -> (String, Verdict) {
        let verdict = match self.verdict {
            Some(WrittenVerdict::Compliant) => Verdict::Compliant,
            Some(WrittenVerdict::NonCompliant) => Verdict::Noncompliant,
            Some(WrittenVerdict::NotApplicable) => Verdict::NotApplicable,
            Some(WrittenVerdict::Other) | None => Verdict::InsufficientData,
        };
        (self.name.unwrap_or_default(), verdict)
    }
}

/// Returns the configuration of an item: an object in snapshots and history files, an object in a
/// string in the answers of the API. None at all is one without rules.
fn configuration(written: Option<&[u8]>) -> Result<Configuration, ItemError> {
    let error = |_| ItemError::Configuration;
    match written {
        None | Some(b"null" | b"\"\"") => Ok(Configuration::default()),
        Some(string @ [b'"', ..]) => {
            let inner = text(string).ok_or(ItemError::Configuration)?;
            serde_json::from_str(&inner).map_err(error)
        }
        Some(object) => serde_json::from_slice(object).map_err(error),
    }
}

/// Returns when an item was recorded: a text in files, seconds since 1970 in the API's answers.
fn captured_at(written: &[u8]) -> Option<Timestamp> {
    if written.first() == Some(&b'"') {
        return text(written)?.parse().ok();
    }
    let seconds: f64 = std::str::from_utf8(written).ok()?.parse().ok()?;
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(duration).ok()
}

/// Returns the text that a value is; `None` if it is none, or empty.
fn text(written: &[u8]) -> Option<Cow<'_, str>> {
    let inner = written.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.is_empty() {
        return None;
    }
    if memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice(written).ok().map(Cow::Owned)
}

//! Configuration items, as AWS Config writes them into snapshots and history files. (AWS Config
//! developer guide, "Components of a Configuration Item".)

use crate::channel::{Channel, Evaluations};
use crate::draw::Draw;
use crate::resource::{Kind, Resource};
use crate::shape::Oddity;
use crate::template::{self, Values};
use crate::time::iso;

/// The type of compliance items.
pub(crate) const COMPLIANCE: &str = "AWS::Config::ResourceCompliance";

/// What became of a resource. (AWS Config API reference, `ConfigurationItem`, field
/// `configurationItemStatus`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Discovered,
    Changed,
    Deleted,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Discovered => "ResourceDiscovered",
            Self::Changed => "OK",
            Self::Deleted => "ResourceDeleted",
        }
    }
}

/// The fields that items end with.
struct Envelope<'a> {
    type_name: &'a str,
    id: &'a str,
    name: Option<&'a str>,
    arn: Option<&'a str>,
    zone: &'a str,
    status: Status,
    recorded: i64,
    born: Option<i64>,
    /// True if fields without a value are absent.
    omits_nulls: bool,
}

/// Writes the item of a resource.
pub(crate) fn write_resource(
    out: &mut String,
    channel: &Channel<'_>,
    resource: &Resource,
    status: Status,
    recorded: i64,
) {
    let (account, region) = (channel.account.id.as_str(), channel.region.as_str());
    let (born, changed) = (iso(resource.born), iso(recorded));
    let number = channel.account_number as u64;
    let values = Values {
        shared: Draw::of(channel.shape.seed, &[7, number]).next(),
        id: &resource.id,
        name: resource.name.as_deref().unwrap_or(&resource.id),
        account,
        region,
        born: &born,
        changed: &changed,
    };
    let mut draw = Draw::of(resource.seed, &[6]);
    out.push_str("{\"relatedEvents\":[],");
    if status == Status::Deleted {
        out.push_str(
            "\"relationships\":[],\"configuration\":null,\"supplementaryConfiguration\":{},\"tags\":{}",
        );
    } else if channel.has(Oddity::ConfigurationAsText) {
        let mut fields = String::new();
        template::of(resource.kind).write(&mut fields, &mut draw, &values);
        out.push_str(&with_configuration_as_text(&fields));
    } else {
        template::of(resource.kind).write(out, &mut draw, &values);
    }
    let arn = resource.arn(account, region);
    let envelope = Envelope {
        type_name: resource.kind.type_name(),
        id: &resource.id,
        name: resource.name.as_deref(),
        arn: Some(&arn),
        zone: zone(resource),
        status,
        recorded,
        born: Some(resource.born),
        omits_nulls: resource.seed.is_multiple_of(2),
    };
    envelope.write(out, channel);
}

/// The availability zone's end, where a resource is in one, or what AWS Config has instead.
fn zone(resource: &Resource) -> &'static str {
    match resource.kind {
        Kind::Volume | Kind::Instance | Kind::DbInstance => "a",
        Kind::Bucket => "Regional",
        Kind::User | Kind::Role | Kind::SecurityGroup | Kind::Function => "Not Applicable",
    }
}

/// The fields with `configuration` as a text: what lies between it and the next field of the item.
fn with_configuration_as_text(fields: &str) -> String {
    let parts = fields
        .split_once(",\"configuration\":")
        .and_then(|(before, rest)| {
            let (configuration, after) = rest.split_once(",\"supplementaryConfiguration\":")?;
            Some((before, configuration, after))
        });
    let Some((before, configuration, after)) = parts else {
        return fields.to_owned();
    };
    let mut text = String::with_capacity(fields.len() * 5 / 4);
    text.push_str(before);
    text.push_str(",\"configuration\":");
    write_text(&mut text, configuration);
    text.push_str(",\"supplementaryConfiguration\":");
    text.push_str(after);
    text
}

/// Writes a JSON text into JSON, as a string. It has no control characters.
fn write_text(out: &mut String, json: &str) {
    out.push('"');
    for c in json.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Writes the compliance item of a resource; without evaluations, that of one that is deleted.
pub(crate) fn write_compliance(
    out: &mut String,
    channel: &Channel<'_>,
    resource: &Resource,
    evaluations: Option<&Evaluations<'_>>,
    (status, recorded): (Status, i64),
) {
    let type_name = resource.kind.type_name();
    out.push_str("{\"relatedEvents\":[],\"relationships\":[{\"resourceId\":\"");
    out.push_str(&resource.id);
    out.push_str("\",\"resourceName\":null,\"resourceType\":\"");
    out.push_str(type_name);
    out.push_str("\",\"name\":\"Is associated with \"}],\"configuration\":");
    match evaluations {
        Some(evaluations) if channel.has(Oddity::ConfigurationAsText) => {
            let mut configuration = String::new();
            write_evaluations(&mut configuration, channel, resource, evaluations);
            write_text(out, &configuration);
        }
        Some(evaluations) => write_evaluations(out, channel, resource, evaluations),
        None => out.push_str("null"),
    }
    out.push_str(",\"supplementaryConfiguration\":{},\"tags\":{}");
    let id = format!("{type_name}/{}", resource.id);
    let envelope = Envelope {
        type_name: COMPLIANCE,
        id: &id,
        name: None,
        arn: None,
        zone: "",
        status,
        recorded,
        born: None,
        omits_nulls: resource.seed.is_multiple_of(2),
    };
    envelope.write(out, channel);
}

fn write_evaluations(
    out: &mut String,
    channel: &Channel<'_>,
    resource: &Resource,
    evaluations: &Evaluations<'_>,
) {
    let is_lower = channel.has(Oddity::LowerCaseKeys);
    let field = |out: &mut String, mark: char, key: &str, value: &str| {
        write_key(out, mark, key, is_lower);
        out.push('"');
        out.push_str(value);
        out.push('"');
    };
    let (account, region) = (channel.account.id.as_str(), channel.region.as_str());
    field(out, '{', "targetResourceId", &resource.id);
    field(out, ',', "targetResourceType", resource.kind.type_name());
    write_key(out, ',', "configRuleList", is_lower);
    out.push('[');
    for (number, evaluated) in evaluations.by_rule.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        let rule = evaluated.rule;
        write_key(out, '{', "configRuleArn", is_lower);
        for part in [
            "\"arn:aws:config:",
            region,
            ":",
            account,
            ":config-rule/",
            rule.service,
            &rule.id,
            "\"",
        ] {
            out.push_str(part);
        }
        field(out, ',', "configRuleId", &rule.id);
        field(out, ',', "configRuleName", rule.name.as_str());
        field(out, ',', "complianceType", evaluated.verdict.as_str());
        out.push('}');
    }
    out.push(']');
    field(out, ',', "complianceType", evaluations.overall().as_str());
    out.push('}');
}

fn write_key(out: &mut String, mark: char, key: &str, is_lower: bool) {
    out.push(mark);
    out.push('"');
    if is_lower {
        out.push_str(&key.to_ascii_lowercase());
    } else {
        out.push_str(key);
    }
    out.push_str("\":");
}

impl Envelope<'_> {
    fn write(&self, out: &mut String, channel: &Channel<'_>) {
        let recorded = iso(self.recorded);
        let region = channel.region.as_str();
        let zone = match self.zone {
            "" => None,
            "a" => Some(format!("{region}a")),
            other => Some(other.to_owned()),
        };
        // The region of IAM's items is called so in recorded samples.
        let is_global = self.type_name.starts_with("AWS::IAM::");
        let region = if is_global { "global" } else { region };
        let account = channel.account.id.as_str();
        out.push_str(",\"configurationItemVersion\":\"1.3\"");
        self.field(out, "configurationItemCaptureTime", Some(&recorded));
        out.push_str(",\"configurationStateId\":");
        out.push_str(&(self.recorded * 1000).to_string());
        self.field(out, "awsAccountId", Some(account));
        let status = self.status.as_str();
        self.field(out, "configurationItemStatus", Some(status));
        self.field(out, "resourceType", Some(self.type_name));
        self.field(out, "resourceId", Some(self.id));
        self.field(out, "resourceName", self.name);
        self.field(out, "ARN", self.arn);
        self.field(out, "awsRegion", Some(region));
        self.field(out, "availabilityZone", zone.as_deref());
        // Documented with digits, and empty in recorded samples.
        self.field(out, "configurationStateMd5Hash", Some(""));
        if channel.has(Oddity::UnknownFields) {
            out.push_str(UNKNOWN);
        }
        let born = self.born.map(iso);
        self.field(out, "resourceCreationTime", born.as_deref());
        out.push('}');
    }

    /// Writes a field. One without a value is null in AWS's examples and absent in recorded
    /// samples, so some items have it one way and some the other.
    fn field(&self, out: &mut String, key: &str, value: Option<&str>) {
        if value.is_none() && self.omits_nulls {
            return;
        }
        out.push_str(",\"");
        out.push_str(key);
        out.push_str("\":");
        match value {
            Some(value) => {
                out.push('"');
                out.push_str(value);
                out.push('"');
            }
            None => out.push_str("null"),
        }
    }
}

/// Fields that nobody documents, one of them with what a careless reader takes for a compliance
/// item.
const UNKNOWN: &str = ",\"recordingFrequency\":\"CONTINUOUS\",\"evaluationContext\":\
    {\"configRuleList\":[{\"configRuleName\":\"none\",\"complianceType\":\"NON_COMPLIANT\"}]}";

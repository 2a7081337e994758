//! What a resource's configuration looks like, as JSON with gaps. The shapes are those of AWS
//! Config's resource schemas (github.com/awslabs/aws-config-resource-schema) and examples.

use std::sync::LazyLock;

use crate::draw::{CAPITALS, Draw, HEX};
use crate::resource::{Kind, WORDS};

/// A text with gaps.
#[derive(Debug)]
pub(crate) struct Template {
    pieces: Vec<(String, Option<Gap>)>,
}

#[derive(Debug, Clone, Copy)]
enum Gap {
    Id,
    Name,
    Account,
    Region,
    Zone,
    Born,
    Changed,
    Hex(usize),
    /// Hexadecimal digits that many resources of an account share, as a VPC's id.
    Shared(u64, usize),
    /// The id of a KMS key that many resources of an account share.
    Key,
    Capitals(usize),
    Uuid,
    Number,
    Byte,
    Word,
}

/// What goes into the gaps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'a> {
    /// What the account's resources share is drawn from this.
    pub(crate) shared: u64,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) born: &'a str,
    pub(crate) changed: &'a str,
}

macro_rules! template {
    ($file:literal) => {{
        static TEMPLATE: LazyLock<Template> =
            LazyLock::new(|| Template::read(include_str!(concat!("../templates/", $file))));
        &TEMPLATE
    }};
}

/// The template of a type: relationships, configuration, supplementary configuration and tags.
pub(crate) fn of(kind: Kind) -> &'static Template {
    match kind {
        Kind::Bucket => template!("bucket.json"),
        Kind::Volume => template!("volume.json"),
        Kind::SecurityGroup => template!("security_group.json"),
        Kind::User => template!("user.json"),
        Kind::Instance => template!("instance.json"),
        Kind::Function => template!("function.json"),
        Kind::DbInstance => template!("db_instance.json"),
        Kind::Role => template!("role.json"),
    }
}

impl Template {
    /// Reads a template. Its braces are taken off: what it has are fields of an item.
    fn read(text: &str) -> Self {
        let text = without_spaces(text);
        let text = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
            .unwrap_or(&text);
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            pieces.push((before.to_owned(), gap(name)));
            rest = after;
        }
        pieces.push((rest.to_owned(), None));
        Self { pieces }
    }

    /// Writes it.
    pub(crate) fn write(&self, out: &mut String, draw: &mut Draw, values: &Values<'_>) {
        for (text, gap) in &self.pieces {
            out.push_str(text);
            if let Some(gap) = gap {
                gap.write(out, draw, values);
            }
        }
    }
}

impl Gap {
    fn write(self, out: &mut String, draw: &mut Draw, values: &Values<'_>) {
        match self {
            Self::Id => out.push_str(values.id),
            Self::Name => out.push_str(values.name),
            Self::Account => out.push_str(values.account),
            Self::Region => out.push_str(values.region),
            Self::Zone => {
                out.push_str(values.region);
                out.push('a');
            }
            Self::Born => out.push_str(values.born),
            Self::Changed => out.push_str(values.changed),
            Self::Hex(digits) => draw.write(out, HEX, digits),
            Self::Shared(what, digits) => shared(values, what, draw).write(out, HEX, digits),
            Self::Key => shared(values, 4, draw).write_uuid(out),
            Self::Capitals(letters) => draw.write(out, CAPITALS, letters),
            Self::Uuid => draw.write_uuid(out),
            Self::Number => out.push_str(draw.one_of(&["8", "20", "100", "500"])),
            Self::Byte => out.push_str(&draw.below(256).to_string()),
            Self::Word => out.push_str(draw.one_of(&WORDS)),
        }
    }
}

/// The draws about one of the few things of a sort that an account has.
fn shared(values: &Values<'_>, what: u64, draw: &mut Draw) -> Draw {
    // An account has one canonical user id, and a few of everything else.
    let number = if what == 3 { 0 } else { draw.below(3) };
    Draw::of(values.shared, &[what, number])
}

fn gap(name: &str) -> Option<Gap> {
    Some(match name {
        "id" => Gap::Id,
        "name" => Gap::Name,
        "account" => Gap::Account,
        "region" => Gap::Region,
        "zone" => Gap::Zone,
        "born" => Gap::Born,
        "changed" => Gap::Changed,
        "hex8" => Gap::Hex(8),
        "hex17" => Gap::Hex(17),
        "hex32" => Gap::Hex(32),
        "vpc" => Gap::Shared(0, 17),
        "subnet" => Gap::Shared(1, 17),
        "group" => Gap::Shared(2, 17),
        "owner" => Gap::Shared(3, 64),
        "key" => Gap::Key,
        "capitals17" => Gap::Capitals(17),
        "uuid" => Gap::Uuid,
        "number" => Gap::Number,
        "byte" => Gap::Byte,
        "word" => Gap::Word,
        _ => return None,
    })
}

/// JSON without the spaces between its tokens, as AWS Config delivers it.
fn without_spaces(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for c in json.chars() {
        if in_string || !c.is_ascii_whitespace() {
            compact.push(c);
        }
        in_string ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
    }
    compact
}

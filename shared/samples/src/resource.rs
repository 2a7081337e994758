//! Resources, and what becomes of them over the months.

use crate::draw::{CAPITALS, Draw, HEX, LETTERS};
use crate::time::{Calendar, change_in};

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Bucket,
    Volume,
    SecurityGroup,
    User,
    Instance,
    Function,
    DbInstance,
    Role,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Bucket,
        Self::Volume,
        Self::SecurityGroup,
        Self::User,
        Self::Instance,
        Self::Function,
        Self::DbInstance,
        Self::Role,
    ];

    /// The type of a resource, in the usual mixture.
    fn drawn(draw: &mut Draw) -> Self {
        match draw.below(100) {
            0..15 => Self::Bucket,
            15..40 => Self::Volume,
            40..60 => Self::SecurityGroup,
            60..64 => Self::User,
            64..78 => Self::Instance,
            78..89 => Self::Function,
            89..94 => Self::DbInstance,
            _ => Self::Role,
        }
    }

    /// As AWS Config calls it.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Bucket => "AWS::S3::Bucket",
            Self::Volume => "AWS::EC2::Volume",
            Self::SecurityGroup => "AWS::EC2::SecurityGroup",
            Self::User => "AWS::IAM::User",
            Self::Instance => "AWS::EC2::Instance",
            Self::Function => "AWS::Lambda::Function",
            Self::DbInstance => "AWS::RDS::DBInstance",
            Self::Role => "AWS::IAM::Role",
        }
    }

    /// As people call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Volume => "volume",
            Self::SecurityGroup => "security-group",
            Self::User => "user",
            Self::Instance => "instance",
            Self::Function => "function",
            Self::DbInstance => "database",
            Self::Role => "role",
        }
    }

    /// True if it exists once for all regions.
    pub(crate) fn is_global(self) -> bool {
        matches!(self, Self::User | Self::Role)
    }
}

/// A resource.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) born: i64,
    pub(crate) died: Option<i64>,
    /// Everything else about it is drawn from this.
    pub(crate) seed: u64,
    /// True if rules evaluate it.
    pub(crate) evaluated: bool,
    /// True if a caller of this crate wants it to be there.
    pub(crate) planted: bool,
}

/// Words that names begin with.
pub(crate) const WORDS: [&str; 12] = [
    "cart", "ledger", "invoice", "search", "gateway", "report", "mail", "stock", "price", "login",
    "queue", "archive",
];

/// A share of a thousand.
pub(crate) type PerMille = u64;

impl Resource {
    /// A resource of an account and region, by its number there. Numbers of IAM's resources are
    /// those of the account.
    pub(crate) fn drawn(
        seed: u64,
        calendar: &Calendar,
        at: Slot,
        has_globals: bool,
        evaluated: PerMille,
    ) -> Self {
        let Slot {
            account,
            region,
            number,
        } = at;
        let drawn = Kind::drawn(&mut Draw::of(seed, &[1, account, number]));
        let kind = if drawn.is_global() && !has_globals {
            Kind::Volume
        } else {
            drawn
        };
        let scope = if kind.is_global() { 0 } else { region + 1 };
        let mut draw = Draw::of(seed, &[2, account, scope, number]);
        let born = if draw.percent(92) {
            calendar.before(&mut draw)
        } else {
            calendar.change(&mut draw)
        };
        let died = draw.percent(4).then(|| calendar.change(&mut draw));
        let (id, name) = identity(kind, &mut draw);
        Self {
            kind,
            id,
            name,
            born,
            died: died.filter(|died| *died > born),
            evaluated: draw.below(1000) < evaluated,
            seed: draw.next(),
            planted: false,
        }
    }

    /// True if it exists at a moment.
    pub(crate) fn exists(&self, at: i64) -> bool {
        self.born <= at && self.died.is_none_or(|died| at < died)
    }

    /// When it changed in a month, other than by being made or deleted, if it did.
    pub(crate) fn changed_in(&self, month: banto_domain::Month) -> Option<i64> {
        let start = month.start().as_second();
        let mut draw = Draw::of(self.seed, &[3, start.unsigned_abs()]);
        let changed = draw.percent(10).then(|| change_in(month, &mut draw))?;
        (self.born < changed && self.died.is_none_or(|died| changed < died)).then_some(changed)
    }

    /// When AWS Config recorded it last, as of a moment.
    pub(crate) fn recorded(&self, calendar: &Calendar, at: i64) -> i64 {
        let changes = calendar.months.iter().rev();
        changes
            .filter_map(|month| self.changed_in(*month))
            .find(|changed| *changed <= at)
            .unwrap_or(self.born)
    }

    /// The ARN.
    pub(crate) fn arn(&self, account: &str, region: &str) -> String {
        let id = &self.id;
        let name = self.name.as_deref().unwrap_or(id);
        match self.kind {
            Kind::Bucket => format!("arn:aws:s3:::{id}"),
            Kind::Volume => format!("arn:aws:ec2:{region}:{account}:volume/{id}"),
            Kind::SecurityGroup => format!("arn:aws:ec2:{region}:{account}:security-group/{id}"),
            Kind::User => format!("arn:aws:iam::{account}:user/developers/{name}"),
            Kind::Instance => format!("arn:aws:ec2:{region}:{account}:instance/{id}"),
            Kind::Function => format!("arn:aws:lambda:{region}:{account}:function:{id}"),
            Kind::DbInstance => format!("arn:aws:rds:{region}:{account}:db:{name}"),
            Kind::Role => format!("arn:aws:iam::{account}:role/{name}"),
        }
    }
}

/// The place of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) account: u64,
    pub(crate) region: u64,
    pub(crate) number: u64,
}

/// An id and a name: some types have only ids, and of some the name is the id.
fn identity(kind: Kind, draw: &mut Draw) -> (String, Option<String>) {
    let word = draw.one_of(&WORDS);
    let named = format!("{word}-{}", draw.text(LETTERS, 8));
    match kind {
        Kind::Bucket | Kind::Function => (named.clone(), Some(named)),
        Kind::Volume => (format!("vol-{}", draw.text(HEX, 17)), None),
        Kind::SecurityGroup => (format!("sg-{}", draw.text(HEX, 17)), Some(named)),
        Kind::Instance => (format!("i-{}", draw.text(HEX, 17)), None),
        Kind::User => (format!("AIDA{}", draw.text(CAPITALS, 17)), Some(named)),
        Kind::DbInstance => (format!("db-{}", draw.text(CAPITALS, 26)), Some(named)),
        Kind::Role => (format!("AROA{}", draw.text(CAPITALS, 17)), Some(named)),
    }
}

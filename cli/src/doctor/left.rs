//! What earlier runs left behind. Another's probe may be running, and another's things may have
//! such names: a thing is removed only if its name, its tag and its age all say that it was left.

use banto_aws::Aws;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::made::{self, Made, PREFIX};
use super::probe::{Answer, Kind, Refused, elements, value};
use super::{runner, without_accounts};
use crate::ending::Ending;
use crate::output::{complain, line};

/// A probe takes some minutes: what is as old as this is of none that still runs.
pub(crate) const AGE: SignedDuration = SignedDuration::from_hours(1);
/// Most pages of a list. A sandbox has one or two.
const PAGES: usize = 100;

/// What a look at a thing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Left,
    /// Of a probe that may still run.
    Young,
    /// Without the tag that probes give.
    Foreign,
}

/// Everything whose name is one of a probe's.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) things: Vec<(Made, Sign)>,
    /// Why something could not be looked at.
    pub(crate) unseen: Vec<Refused>,
}

/// A kind, the call that lists it, and how a list goes on: the place of its token, and the argument
/// that takes it.
type List = (Kind, &'static str, Value, Option<[&'static str; 2]>);

/// Keys come before their aliases, by which people find them.
fn lists() -> Vec<List> {
    vec![
        (
            Kind::Key,
            "kms:ListKeys",
            json!({"Limit": 1000}),
            Some(["/NextMarker", "Marker"]),
        ),
        (
            Kind::Alias,
            "kms:ListAliases",
            json!({"Limit": 100}),
            Some(["/NextMarker", "Marker"]),
        ),
        (
            Kind::User,
            "iam:ListUsers",
            json!({"MaxItems": 1000}),
            Some(["Marker", "Marker"]),
        ),
        (
            Kind::Role,
            "iam:ListRoles",
            json!({"MaxItems": 1000}),
            Some(["Marker", "Marker"]),
        ),
        // Without a size it is one page. (S3 API reference, ListBuckets.)
        (
            Kind::Bucket,
            "s3:ListAllMyBuckets",
            json!({"path": "/"}),
            None,
        ),
        (
            Kind::Secret,
            "secretsmanager:ListSecrets",
            json!({"MaxResults": 100, "Filters": [{"Key": "name", "Values": [PREFIX]}]}),
            Some(["/NextToken", "NextToken"]),
        ),
        (
            Kind::Queue,
            "sqs:ListQueues",
            json!({"QueueNamePrefix": PREFIX, "MaxResults": 1000}),
            Some(["/NextToken", "NextToken"]),
        ),
        (
            Kind::Table,
            "dynamodb:ListTables",
            json!({}),
            Some(["/LastEvaluatedTableName", "ExclusiveStartTableName"]),
        ),
        (
            Kind::Topic,
            "sns:ListTopics",
            json!({}),
            Some(["NextToken", "NextToken"]),
        ),
    ]
}

async fn ask(aws: &Aws, call: &'static str, arguments: &Value) -> Answer {
    let answer = aws.plain(call, None, arguments).await;
    answer.map_err(Refused::from)
}

/// All pages of a list.
async fn pages(aws: &Aws, (_, call, arguments, next): &List) -> Result<Vec<String>, Refused> {
    let mut arguments = arguments.clone();
    let mut pages = Vec::new();
    while pages.len() < PAGES {
        let text = ask(aws, call, &arguments).await?;
        let token = next.and_then(|[place, name]| Some((name, value(&text, place)?)));
        pages.push(text);
        let Some((name, token)) = token.filter(|(_, token)| !token.is_empty() && token != "null")
        else {
            return Ok(pages);
        };
        if let Some(arguments) = arguments.as_object_mut() {
            arguments.insert(name.to_owned(), json!(token));
        }
    }
    Err(Refused {
        call,
        code: "cut".to_owned(),
        words: format!("the list has more than {PAGES} pages"),
        is_silent: false,
    })
}

/// Everything in this account and region that is called like a probe's things, and what it is.
pub(crate) async fn left_overs(aws: &Aws, now: Timestamp) -> Found {
    let mut found = Found::default();
    for list in lists() {
        let listed = match pages(aws, &list).await {
            Ok(pages) => pages,
            Err(why) => {
                found.unseen.push(why);
                continue;
            }
        };
        for made in listed.iter().flat_map(|page| names(list.0, page)) {
            match look(aws, &made).await {
                Ok(texts) => {
                    let sign = sign(&made, &texts, now);
                    found.things.extend(sign.map(|sign| (made, sign)));
                }
                // It went since it was listed.
                Err(why) if made::is_gone(&why) => {}
                Err(why) => found.unseen.push(why),
            }
        }
    }
    found
}

/// Lists what was left, and removes it if that is wanted.
pub(super) async fn clean(aws: &Aws, remove: bool, now: Timestamp) -> Ending {
    let found = left_overs(aws, now).await;
    for refused in &found.unseen {
        complain(&without_accounts(&runner::cut_short(refused)));
    }
    let mut failed = !found.unseen.is_empty();
    for (thing, sign) in &found.things {
        let said = match sign {
            Sign::Young => format!("of this hour, so not touched: {thing}"),
            Sign::Foreign => format!("no probe made it, so not touched: {thing}"),
            Sign::Left if !remove => format!("left behind: {thing}"),
            Sign::Left => match made::remove_again(aws, thing, false, runner::PAUSE).await {
                Ok(()) => format!("removed: {thing}"),
                Err(refused) => {
                    failed = true;
                    format!("not removed: {thing}: {}", refused.code)
                }
            },
        };
        line(&without_accounts(&said));
    }
    let is_any = |wanted| found.things.iter().any(|(_, sign)| *sign == wanted);
    if found.things.is_empty() && !failed {
        line(&format!(
            "nothing is called {PREFIX}... in {}",
            aws.region()
        ));
    } else if !remove && is_any(Sign::Left) {
        line("--clean --yes removes what was left behind");
    }
    if failed {
        Ending::BLIND
    } else if is_any(Sign::Young) || is_any(Sign::Left) && !remove {
        Ending::FINDINGS
    } else {
        Ending::Done
    }
}

/// The answers that tell a thing's age and tags.
async fn look(aws: &Aws, made: &Made) -> Result<String, Refused> {
    let name = made.name.as_str();
    let (call, arguments) = match made.kind {
        Kind::User => ("iam:GetUser", json!({"UserName": name})),
        Kind::Role => ("iam:GetRole", json!({"RoleName": name})),
        Kind::Secret => ("secretsmanager:DescribeSecret", json!({"SecretId": name})),
        Kind::Table => ("dynamodb:DescribeTable", json!({"TableName": name})),
        Kind::Topic => ("sns:ListTagsForResource", json!({"ResourceArn": name})),
        Kind::Alias | Kind::Key => ("kms:DescribeKey", json!({"KeyId": name})),
        Kind::Bucket => ("s3:ListAllMyBuckets", json!({"path": "/"})),
        Kind::Queue => ("sqs:GetQueueUrl", json!({"QueueName": name})),
    };
    // Each answer on a line of its own.
    let mut texts = ask(aws, call, &arguments).await?.replace('\n', " ");
    let more = match made.kind {
        Kind::Table => value(&texts, "/Table/TableArn")
            .map(|arn| vec![("dynamodb:ListTagsOfResource", json!({"ResourceArn": arn}))]),
        Kind::Queue => value(&texts, "/QueueUrl").map(|url| {
            let all = json!({"QueueUrl": url, "AttributeNames": ["CreatedTimestamp"]});
            vec![
                ("sqs:GetQueueAttributes", all),
                ("sqs:ListQueueTags", json!({"QueueUrl": url})),
            ]
        }),
        _ => None,
    };
    for (call, arguments) in more.into_iter().flatten() {
        texts += "\n";
        texts += &ask(aws, call, &arguments).await?.replace('\n', " ");
    }
    Ok(texts)
}

/// Decides what a thing is; `None` for a key that is none of a probe's, or is about to be deleted.
pub(crate) fn sign(made: &Made, texts: &str, now: Timestamp) -> Option<Sign> {
    let place = match made.kind {
        Kind::User | Kind::Role => "CreateDate",
        Kind::Bucket => "CreationDate",
        Kind::Secret => "/CreatedDate",
        Kind::Queue => "/Attributes/CreatedTimestamp",
        Kind::Table => "/Table/CreationDateTime",
        Kind::Alias | Kind::Key => "/KeyMetadata/CreationDate",
        Kind::Topic => "none: SNS has no date",
    };
    let texts = match made.kind {
        // The list's own entry of this bucket.
        Kind::Bucket => texts.split_once(&format!("<Name>{}</Name>", made.name))?.1,
        _ => texts,
    };
    let described = || {
        let words = texts
            .lines()
            .find_map(|text| value(text, "/KeyMetadata/Description"));
        words.unwrap_or_default()
    };
    let is_tagged = match made.kind {
        // A bucket gets no tags when it is made; a key has its name as its description.
        Kind::Bucket => true,
        Kind::Alias => made.name == format!("alias/{}", described()),
        Kind::Key if !is_name(&described()) => return None,
        Kind::Key => value(texts, "/KeyMetadata/KeyState").is_some_and(|s| s != "PendingDeletion"),
        _ => texts.contains("<Key>banto-probe</Key>") || texts.contains("\"banto-probe\""),
    };
    let made_at = texts.lines().find_map(|text| when(&value(text, place)?));
    Some(match made_at {
        _ if made.kind == Kind::Key && !is_tagged => return None,
        _ if !is_tagged => Sign::Foreign,
        Some(made_at) if now.duration_since(made_at) < AGE => Sign::Young,
        _ => Sign::Left,
    })
}

/// A moment in seconds since 1970, or as RFC 3339 has it.
fn when(text: &str) -> Option<Timestamp> {
    let whole = text.split('.').next().unwrap_or_default();
    match whole.parse() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => text.parse().ok(),
    }
}

/// True of a name that a probe gives: eight random digits, and `,b` where a comma is what it is
/// about.
fn is_name(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    let random = rest.strip_suffix(",b").unwrap_or(rest);
    random.len() == 8 && random.chars().all(|c| c.is_ascii_hexdigit())
}

/// The things of a listing that are called like a probe's; of keys, which have no names, all.
pub(crate) fn names(kind: Kind, listing: &str) -> Vec<Made> {
    let json: Value = serde_json::from_str(listing).unwrap_or_default();
    let strings = |list: &str, field: &str| -> Vec<String> {
        let items = json.get(list).and_then(Value::as_array);
        let of = |item: &Value| item.get(field).unwrap_or(item).as_str().map(str::to_owned);
        items.into_iter().flatten().filter_map(of).collect()
    };
    let texts = |name: &str| -> Vec<String> {
        let all = elements(listing, name).into_iter();
        all.map(str::to_owned).collect()
    };
    let all = match kind {
        Kind::User => texts("UserName"),
        Kind::Role => texts("RoleName"),
        Kind::Bucket => texts("Name"),
        Kind::Topic => texts("TopicArn"),
        Kind::Secret => strings("SecretList", "Name"),
        Kind::Queue => strings("QueueUrls", "")
            .iter()
            .filter_map(|url| url.rsplit('/').next().map(str::to_owned))
            .collect(),
        Kind::Table => strings("TableNames", ""),
        Kind::Alias => strings("Aliases", "AliasName"),
        Kind::Key => strings("Keys", "KeyId"),
    };
    let is_ours = |name: &String| {
        kind == Kind::Key || is_name(name.rsplit([':', '/']).next().unwrap_or(name))
    };
    let ours = all.into_iter().filter(is_ours);
    ours.map(|name| Made { kind, name }).collect()
}

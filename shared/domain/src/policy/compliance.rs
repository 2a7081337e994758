//! The policy of `[compliance]` and `[[waivers]]`: who hears what of noncompliance, and what is
//! accepted for a while.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use wildmatch::WildMatch;

use super::ChangeWindow;
use super::onboarding::AccountSelector;
use crate::compliance::{AccountInfo, FindingKey, Severity, advice};
use crate::{AccountId, QueueUrl, RuleName, SecretArn, TopicArn, percent_encoded};

/// The policy of notify-compliance.
#[derive(Debug, Clone, PartialEq)]
pub struct CompliancePolicy {
    /// The kill switch: `false` takes changes in, keeps them, and tells nobody.
    pub enabled: bool,
    /// The queue of events, and of accounts to compare.
    pub queue: QueueUrl,
    /// The queue of deliveries and of other functions' notices, which do not wait behind events.
    pub deliveries: QueueUrl,
    /// The DynamoDB table of findings, routes and notices.
    pub table: String,
    /// The Config aggregator that knows every account.
    pub aggregator: String,
    /// Time for which changes are collected before they are told; Alertmanager's `group_wait`. Of
    /// urgent lanes it is a minute at most.
    pub window: SignedDuration,
    /// Most new messages of a route at a time; more become one digest.
    pub collapse_over: usize,
    /// Most changes of a finding in 24 hours; further ones are muted until it is stable for that
    /// long.
    pub flapping_over: usize,
    /// The account's tag with a Slack id of those who are mentioned in messages about it: a
    /// member's (`U024BE7LH`) or a user group's (`S0614TZR7`).
    pub mention_tag: Option<String>,
    /// The Slack ids of owners, by what the owner tag says.
    pub mentions: BTreeMap<String, String>,
    /// How often people are reminded of what stays open, by severity; not of one that is left out.
    pub reminders: BTreeMap<Severity, SignedDuration>,
    /// The address of the list of all findings: the report's dashboard.
    pub report: Option<String>,
    /// The secret that holds Slack's bot token, where a route names a channel.
    pub slack_token: Option<SecretArn>,
    /// The sender of mails, where a route names mail addresses.
    pub mail_from: Option<String>,
    /// The routes; the last is the default route.
    pub routes: Vec<Route>,
    /// Words about rules, owners, waivers: the monthly report has the same.
    pub findings: FindingPolicy,
}

/// The policy of findings, whoever tells of them: notify-compliance, or the monthly report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindingPolicy {
    /// The account's tag that names its owner.
    pub owner_tag: Option<String>,
    /// The link into the right account's console: `{account}` stands for its id, `{url}` for the
    /// page's address, percent-encoded. Without it links lead to the reader's own session.
    pub console: Option<String>,
    /// Words about rules, in place of the catalogue's.
    pub rules: BTreeMap<String, RuleTextOverride>,
    /// Noncompliance that is accepted for a while.
    pub waivers: Vec<Waiver>,
}

/// A way for messages to some people; Alertmanager's route with its receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// The findings that go there; `None` for the default route, which takes what no other does.
    pub only: Option<RouteMatch>,
    /// The destination.
    pub to: Destination,
    /// The topic that takes what the destination does not take; operators read it.
    pub fallback: TopicArn,
    /// Quiet hours, in which messages wait.
    pub quiet: Vec<ChangeWindow>,
    /// The least severity that does not wait for the end of quiet hours.
    pub quiet_below: Severity,
}

/// The findings that go on a route: all that is given must fit; of a list, one entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteMatch {
    /// Accounts, units, tags.
    pub accounts: Vec<AccountSelector>,
    /// Rules by their own names; `*` stands for anything.
    pub rules: BTreeSet<String>,
    /// The least severity.
    pub severity: Option<Severity>,
}

/// The destination of a route; Alertmanager's receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A Slack channel by its id or name, by the bot token.
    Channel(String),
    /// A Slack channel that each account's tags name, by the bot token. An account without it is
    /// not of the route.
    ChannelOf(ChannelSource),
    /// A Slack channel, by the incoming webhook in this secret.
    Webhook(SecretArn),
    /// An SNS topic.
    Topic(TopicArn),
    /// Mail addresses.
    Mail(Vec<String>),
    /// An HTTPS address of anybody's, with its key, in this secret: each message is posted there as
    /// signed JSON.
    Endpoint(SecretArn),
}

/// The way in which an account's tags name a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelSource {
    /// The value of the tag with this key is the channel's id or name.
    Tag(String),
    /// A channel's name in which `{key}` stands for the value of the tag with that key, in small
    /// letters.
    Pattern(String),
}

/// Words about a rule in the policy; what is not given is the catalogue's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleTextOverride {
    /// A few words that say what is wrong.
    pub title: Option<String>,
    /// The severity of the rule's findings.
    pub severity: Option<Severity>,
    /// A sentence that says what to do about it.
    pub remedy: Option<String>,
    /// Where there is more to read.
    pub runbook: Option<String>,
}

/// The words about a rule: the policy's own, else those of the catalogue, else the rule's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleText {
    /// The beginning of a sentence that a resource's name ends: `S3 bucket allows public read`.
    pub title: String,
    /// The severity of the rule's findings.
    pub severity: Severity,
    /// A sentence that says what to do about a finding, where the policy or the catalogue has one.
    pub remedy: Option<String>,
    /// The address of a page with more; only the policy has one.
    pub runbook: Option<String>,
}

/// Noncompliance that somebody accepts for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The rule's own name; `*` stands for anything.
    pub rule: String,
    /// The account; any, if none is given.
    pub account: Option<AccountId>,
    /// The resource's id or name; `*` stands for anything.
    pub resource: String,
    /// The person or team that answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

impl CompliancePolicy {
    /// Returns the routes that hear of a rule's findings in an account: the default one, if no
    /// other does. A route whose channel is named by the account's tags comes with that channel,
    /// and with it in its name.
    pub fn routes_of(&self, rule: &RuleName, account: &AccountInfo) -> Vec<Route> {
        let severity = self.findings.severity_of(rule);
        let mut found = Vec::new();
        for route in &self.routes {
            let fits = |only: &RouteMatch| only.fits(rule, severity, account);
            if route.only.as_ref().is_some_and(fits) {
                found.extend(route.of_account(account));
            }
        }
        if found.is_empty() {
            found.extend(self.default_route().cloned());
        }
        found
    }

    /// True if a rule's findings in an account are told on the route of this name.
    pub fn is_on(&self, route: &str, rule: &RuleName, account: &AccountInfo) -> bool {
        let routes = self.routes_of(rule, account);
        routes.iter().any(|known| known.name == route)
    }

    /// The default route, which takes what no other does. A policy that was read has one.
    pub fn default_route(&self) -> Option<&Route> {
        self.routes.iter().find(|route| route.only.is_none())
    }

    /// A route by its name; `None` if the policy has none of that name. The name of a route whose
    /// channel is named by tags has the channel behind a colon.
    pub fn route(&self, name: &str) -> Option<Route> {
        let (own, channel) = match name.split_once(CHANNEL_MARK) {
            Some((own, channel)) => (own, Some(channel)),
            None => (name, None),
        };
        let route = self.routes.iter().find(|route| route.name == own)?;
        match (channel, &route.to) {
            (Some(channel), Destination::ChannelOf(_)) => Some(route.with_channel(channel)),
            (None, Destination::ChannelOf(_)) | (Some(_), _) => None,
            (None, _) => Some(route.clone()),
        }
    }

    /// Returns the Slack id of those who are mentioned in messages about an account, where its tags
    /// name somebody: by the mention tag, else by what the table has for its owner.
    pub fn mention_of<'a>(&'a self, account: &'a AccountInfo) -> Option<&'a str> {
        let tagged = self
            .mention_tag
            .as_ref()
            .and_then(|tag| account.tags.get(tag));
        if let Some(id) = tagged.filter(|id| is_mention(id)) {
            return Some(id);
        }
        let owner = account.tags.get(self.findings.owner_tag.as_ref()?)?;
        self.mentions.get(owner).map(String::as_str)
    }

    /// True if the tags of accounts need to be known.
    pub fn needs_tags(&self) -> bool {
        let by_tag = |only: &RouteMatch| {
            only.accounts
                .iter()
                .any(|who| matches!(who, AccountSelector::Tag { .. }))
        };
        self.findings.owner_tag.is_some()
            || self.mention_tag.is_some()
            || self
                .routes
                .iter()
                .any(|route| matches!(route.to, Destination::ChannelOf(_)))
            || self
                .routes
                .iter()
                .filter_map(|route| route.only.as_ref())
                .any(by_tag)
    }

    /// True if the organizational units of accounts need to be known.
    pub fn needs_path(&self) -> bool {
        let by_ou = |only: &RouteMatch| {
            only.accounts
                .iter()
                .any(|who| matches!(who, AccountSelector::Ou(_)))
        };
        self.routes
            .iter()
            .filter_map(|route| route.only.as_ref())
            .any(by_ou)
    }
}

impl FindingPolicy {
    /// Returns the words about a rule.
    pub fn rule_text(&self, rule: &RuleName) -> RuleText {
        let own = self.rule_override(rule);
        let managed = advice(rule.plain());
        RuleText {
            title: own
                .and_then(|own| own.title.as_deref())
                .or(managed.map(|managed| managed.title.as_str()))
                .unwrap_or(rule.plain())
                .to_owned(),
            severity: self.severity_of(rule),
            remedy: own
                .and_then(|own| own.remedy.as_deref())
                .or(managed.map(|managed| managed.remedy.as_str()))
                .map(str::to_owned),
            runbook: own.and_then(|own| own.runbook.clone()),
        }
    }

    /// Returns the severity of a rule's findings: medium where neither the policy nor the catalogue
    /// has one.
    pub fn severity_of(&self, rule: &RuleName) -> Severity {
        self.rule_override(rule)
            .and_then(|own| own.severity)
            .or(advice(rule.plain()).map(|managed| managed.severity))
            .unwrap_or(Severity::Medium)
    }

    fn rule_override(&self, rule: &RuleName) -> Option<&RuleTextOverride> {
        self.rules
            .get(rule.plain())
            .or_else(|| self.rules.get(rule.as_str()))
    }

    /// Returns a link to a page of an account's console, as the policy has people sign in.
    pub fn console_link(&self, account: &AccountId, url: &str) -> String {
        let Some(template) = &self.console else {
            return url.to_owned();
        };
        template
            .replace("{account}", account.as_str())
            .replace("{url}", &percent_encoded(url))
    }

    /// Returns the waiver that covers a finding now, if one does; of several, the longest.
    pub fn waiver_of(
        &self,
        key: &FindingKey,
        name: Option<&str>,
        now: Timestamp,
    ) -> Option<&Waiver> {
        let covering = self
            .waivers
            .iter()
            .filter(|waiver| waiver.until > now && waiver.covers(key, name));
        covering.max_by_key(|waiver| waiver.until)
    }

    /// True if a waiver may cover a finding by its resource's name, which then needs to be known.
    pub fn may_be_waived_by_name(&self, key: &FindingKey, now: Timestamp) -> bool {
        let is_about = |waiver: &Waiver| waiver.until > now && waiver.is_about(key);
        self.waiver_of(key, None, now).is_none() && self.waivers.iter().any(is_about)
    }

    /// The owner of an account, where its tags tell.
    pub fn owner_of<'a>(&self, account: &'a AccountInfo) -> Option<&'a String> {
        account.tags.get(self.owner_tag.as_ref()?)
    }
}

impl RouteMatch {
    /// True if a rule's findings in an account go there.
    pub fn fits(&self, rule: &RuleName, severity: Severity, account: &AccountInfo) -> bool {
        let is_one = |who: &AccountSelector| match who {
            AccountSelector::Account(id) => *id == account.id,
            AccountSelector::Ou(ou) => account.path.contains(ou),
            AccountSelector::Tag { key, value } => account.tags.get(key) == Some(value),
        };
        (self.accounts.is_empty() || self.accounts.iter().any(is_one))
            && (self.rules.is_empty()
                || self
                    .rules
                    .iter()
                    .any(|pattern| matches_pattern(pattern, rule.plain())))
            && self.severity.is_none_or(|least| severity >= least)
    }
}

/// The mark between a route's name and the channel that an account's tags name.
const CHANNEL_MARK: char = ':';

impl Route {
    /// The route for an account: itself, or itself with the channel that the account's tags name;
    /// `None` if they name none.
    fn of_account(&self, account: &AccountInfo) -> Option<Self> {
        match &self.to {
            Destination::ChannelOf(source) => {
                let channel = source.channel(account)?;
                Some(self.with_channel(&channel))
            }
            _ => Some(self.clone()),
        }
    }

    fn with_channel(&self, channel: &str) -> Self {
        Self {
            name: format!("{}{CHANNEL_MARK}{channel}", self.name),
            to: Destination::Channel(channel.to_owned()),
            ..self.clone()
        }
    }

    /// True if messages of this severity wait now.
    pub fn is_quiet(&self, severity: Severity, now: Timestamp) -> bool {
        severity < self.quiet_below && self.quiet.iter().any(|window| window.contains(now))
    }
}

impl ChannelSource {
    /// The channel of an account; `None` if its tags name none, or nothing that can be one.
    fn channel(&self, account: &AccountInfo) -> Option<String> {
        let named = match self {
            Self::Tag(key) => account.tags.get(key)?.clone(),
            Self::Pattern(pattern) => filled(pattern, account)?,
        };
        let named = named.trim().trim_start_matches('#');
        // Slack's names of channels have small letters, and its ids capitals.
        let named = if is_slack_id(named, &['C', 'G']) {
            named.to_owned()
        } else {
            named.to_lowercase()
        };
        is_channel(&named).then_some(named)
    }
}

/// A pattern with the values of tags in it; `None` if the account lacks one of them.
fn filled(pattern: &str, account: &AccountInfo) -> Option<String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}')?;
        text.push_str(before);
        text.push_str(&account.tags.get(key)?.to_lowercase());
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// True if a text can be a channel's id or name: at most 80 letters, digits, hyphens and
/// underscores. (Slack help centre, "Channel naming guidelines".)
pub(super) fn is_channel(text: &str) -> bool {
    (1..=80).contains(&text.chars().count())
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

/// True if a text is an id of Slack's that begins with one of these letters. (Slack's own examples
/// have 9 to 11 characters; it promises no length.)
pub(super) fn is_slack_id(text: &str, letters: &[char]) -> bool {
    text.strip_prefix(letters).is_some_and(|rest| {
        (7..=20).contains(&rest.len())
            && rest
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// True if a text is the Slack id of a member or of a user group.
pub(super) fn is_mention(text: &str) -> bool {
    is_slack_id(text, &['U', 'W', 'S'])
}

impl Waiver {
    /// True if it is about a rule.
    pub fn is_about_rule(&self, rule: &RuleName) -> bool {
        matches_pattern(&self.rule, rule.plain())
    }

    /// True if it is about a finding's rule and account.
    fn is_about(&self, key: &FindingKey) -> bool {
        self.is_about_rule(&key.rule)
            && self
                .account
                .as_ref()
                .is_none_or(|account| *account == key.account)
    }

    /// True if it covers a finding, whose resource's name is given where it is known.
    pub fn covers(&self, key: &FindingKey, name: Option<&str>) -> bool {
        self.is_about(key)
            && (matches_pattern(&self.resource, &key.resource_id)
                || name.is_some_and(|name| matches_pattern(&self.resource, name)))
    }
}

fn matches_pattern(pattern: &str, text: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

//! The policy of `[compliance]` and `[[waivers]]`: who hears what of noncompliance, and what is
//! accepted for a while.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use wildmatch::WildMatch;

use super::ChangeWindow;
use super::onboarding::AccountSelector;
use crate::compliance::{AccountInfo, FindingKey, Severity, advice};
use crate::{AccountId, QueueUrl, RuleName, SecretArn, TopicArn};

/// The policy of notify-compliance.
#[derive(Debug, Clone, PartialEq)]
pub struct CompliancePolicy {
    /// The kill switch: `false` takes changes in, and tells nobody.
    pub enabled: bool,
    /// The queue of events, and of messages that wait.
    pub queue: QueueUrl,
    /// The DynamoDB table of findings, routes and notices.
    pub table: String,
    /// The Config aggregator that knows every account.
    pub aggregator: String,
    /// Time for which changes are collected before they are told; Alertmanager's `group_wait`.
    pub window: SignedDuration,
    /// Most new messages of a route at a time; more become one digest.
    pub collapse_over: usize,
    /// Most changes of a finding in 24 hours; more are not told until it keeps still.
    pub flapping_over: usize,
    /// The account's tag that names its owner.
    pub owner_tag: Option<String>,
    /// The secret that holds Slack's bot token, where a route names a channel.
    pub slack_token: Option<SecretArn>,
    /// The sender of mails, where a route names mail addresses.
    pub mail_from: Option<String>,
    /// The routes; the last is the default route.
    pub routes: Vec<Route>,
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
    /// A Slack channel by its id, by the bot token.
    Channel(String),
    /// A Slack channel, by the incoming webhook in this secret.
    Webhook(SecretArn),
    /// An SNS topic.
    Topic(TopicArn),
    /// Mail addresses.
    Mail(Vec<String>),
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

    /// Returns the routes that hear of a rule's findings in an account: the default one, if no
    /// other does.
    pub fn routes_of(&self, rule: &RuleName, account: &AccountInfo) -> Vec<&Route> {
        let severity = self.severity_of(rule);
        let fits = |route: &&Route| {
            route
                .only
                .as_ref()
                .is_some_and(|only| only.fits(rule, severity, account))
        };
        let found: Vec<&Route> = self.routes.iter().filter(fits).collect();
        if found.is_empty() {
            self.default_route().into_iter().collect()
        } else {
            found
        }
    }

    /// The default route, which takes what no other does. A policy that was read has one.
    pub fn default_route(&self) -> Option<&Route> {
        self.routes.iter().find(|route| route.only.is_none())
    }

    /// A route by its name.
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.name == name)
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

    /// True if the tags of accounts need to be known.
    pub fn needs_tags(&self) -> bool {
        let by_tag = |only: &RouteMatch| {
            only.accounts
                .iter()
                .any(|who| matches!(who, AccountSelector::Tag { .. }))
        };
        self.owner_tag.is_some()
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

impl Route {
    /// True if messages of this severity wait now.
    pub fn is_quiet(&self, severity: Severity, now: Timestamp) -> bool {
        severity < self.quiet_below && self.quiet.iter().any(|window| window.contains(now))
    }
}

impl Waiver {
    /// True if it is about a finding's rule and account.
    fn is_about(&self, key: &FindingKey) -> bool {
        matches_pattern(&self.rule, key.rule.plain())
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

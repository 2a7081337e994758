//! Compares what was said with what AWS Config's aggregator knows: events are best effort only.
//! (AWS Config developer guide, "Monitoring AWS Config with Amazon EventBridge".)

use std::collections::{BTreeMap, BTreeSet};

use banto_domain::compliance::{Compliance, FindingKey, FindingState, Source, short_hash};
use banto_domain::{AccountId, Region, RuleName};
use banto_lambda::Invocation;
use banto_notice::QueueMessage;
use banto_ports::{AccountState, AggregatedFinding, Delayed, PortError};
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use crate::event::Observation;
use crate::{Notifier, words};

/// How old a finding must be before the aggregator's silence closes it: it hears of changes later than we do.
const SETTLED: SignedDuration = SignedDuration::from_hours(6);
/// How many rules are asked of at once.
const AT_ONCE: usize = 4;

/// What the aggregator knows of an account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aggregated {
    /// The rules that it knows there, and whether each finds anything.
    pub rules: BTreeMap<(Region, RuleName), bool>,
    /// What they find.
    pub found: Vec<AggregatedFinding>,
}

/// What the comparison of an account shows: what was missed, and what was resolved unseen. Of a region that the
/// aggregator knows no rule in, it knows nothing: findings there are left as they are.
pub fn compare(
    aggregated: &Aggregated,
    known: &[FindingState],
    now: Timestamp,
) -> Vec<Observation> {
    let observation = |key: &FindingKey, compliance, at, annotation| Observation {
        key: key.clone(),
        compliance: Some(compliance),
        was: None,
        at,
        source: Source::Reconciliation,
        annotation,
    };
    let found: BTreeSet<&FindingKey> = aggregated.found.iter().map(|found| &found.key).collect();
    let by_key: BTreeMap<&FindingKey, &FindingState> =
        known.iter().map(|known| (&known.key, known)).collect();
    let missed = aggregated.found.iter().map(|found| {
        // What is known to stand so since later stands so still.
        let since = by_key
            .get(&found.key)
            .filter(|known| known.compliance == Compliance::Noncompliant);
        let at = since.map_or(found.at, |known| known.at.max(found.at));
        observation(
            &found.key,
            Compliance::Noncompliant,
            at,
            found.annotation.clone(),
        )
    });
    let regions: BTreeSet<&Region> = aggregated.rules.keys().map(|(region, _)| region).collect();
    let is_resolved = |known: &&FindingState| {
        let is_open = known.compliance == Compliance::Noncompliant
            || known.last_notified == Compliance::Noncompliant;
        is_open
            && !found.contains(&known.key)
            && regions.contains(&known.key.region)
            && now.duration_since(known.at) >= SETTLED
    };
    let resolved = known.iter().filter(is_resolved).map(|known| {
        // What is known to be resolved, and was not said since it flapped, keeps its time.
        let at = if known.compliance == Compliance::Compliant {
            known.at
        } else {
            now
        };
        observation(&known.key, Compliance::Compliant, at, None)
    });
    missed.chain(resolved).collect()
}

impl Notifier {
    /// Sends a message for each account that is to be compared, and has every route told what may wait there.
    /// Answers how many accounts.
    ///
    /// # Errors
    /// If Organizations or the queue can't be reached.
    pub(crate) async fn reconcile_all(
        &self,
        only: Option<BTreeSet<AccountId>>,
    ) -> Result<usize, PortError> {
        let accounts = match only {
            Some(accounts) => accounts,
            None => self.active_accounts().await?,
        };
        let message = |account: &AccountId| {
            let message = QueueMessage::Reconcile {
                account: account.clone(),
            };
            Delayed {
                body: message.body(),
                delay: std::time::Duration::ZERO,
            }
        };
        let messages: Vec<Delayed> = accounts.iter().map(message).collect();
        self.queue.send(&messages).await?;
        let routes = self
            .policy
            .routes
            .iter()
            .map(|route| route.name.clone())
            .collect();
        self.announce(&routes, self.policy.window).await?;
        Ok(accounts.len())
    }

    pub(crate) async fn active_accounts(&self) -> Result<BTreeSet<AccountId>, PortError> {
        let accounts = self.organization.accounts().await?;
        Ok(accounts
            .into_iter()
            .filter(|account| account.state == AccountState::Active)
            .map(|account| account.id)
            .collect())
    }

    /// What the comparison of one account shows.
    ///
    /// # Errors
    /// If the aggregator or the table can't be read: half a comparison would close what is open.
    pub(crate) async fn compared(
        &self,
        account: &AccountId,
    ) -> Result<Vec<Observation>, PortError> {
        let known = self.ledger.of_account(account).await?;
        let rules = self.aggregator.rules(account).await?;
        let finding = rules.iter().filter(|(_, finds)| **finds);
        let looks =
            finding.map(|((region, rule), _)| self.aggregator.findings(account, region, rule));
        let mut found = Vec::new();
        for answer in stream::iter(looks)
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
        {
            found.extend(answer?);
        }
        Ok(compare(
            &Aggregated { rules, found },
            &known,
            self.clock.now(),
        ))
    }

    /// Warns of waivers that end soon, once a week before and once a day before.
    pub(crate) async fn announce_waivers(&self, invocation: &Invocation) {
        let now = self.clock.now();
        for waiver in &self.policy.waivers {
            let left = waiver.until.duration_since(now);
            let due = words::WAIVER_WARNINGS
                .iter()
                .rfind(|before| left <= **before);
            let Some(before) = due.filter(|_| left > SignedDuration::ZERO) else {
                continue;
            };
            let account = waiver
                .account
                .as_ref()
                .map(AccountId::as_str)
                .unwrap_or_default();
            let (until, before) = (waiver.until.to_string(), before.as_hours().to_string());
            let id = short_hash(&[&waiver.rule, account, &waiver.resource, &until, &before]);
            let notice = words::waiver_ends(format!("notify-compliance:waiver:{id}"), waiver, now);
            if let Err(error) = self.carry(&notice, invocation).await {
                tracing::error!(rule = waiver.rule, %error, "nobody could be told that a waiver ends");
            }
        }
    }
}

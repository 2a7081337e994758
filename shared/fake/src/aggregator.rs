//! AWS Config's aggregator: it lags, loses what it knew, and comes back half filled.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::compliance::{Compliance, FindingKey};
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{
    AggregatedEvaluation, AggregatedRule, Aggregator, Cursor, Page, PortError, ResourceFacts,
    RuleCompliance,
};
use jiff::{SignedDuration, Timestamp};

use crate::requests::recording;
use crate::run::Run;
use crate::sharded::Paging;
use crate::world::World;

/// The aggregator's knowledge of accounts, and facts of resources.
#[derive(Debug, Default)]
pub(crate) struct Aggregated {
    accounts: BTreeMap<AccountId, AccountView>,
    resources: BTreeMap<FindingKey, ResourceFacts>,
}

/// The aggregator's knowledge of an account.
#[derive(Debug, Default)]
struct AccountView {
    rules: Rules,
    /// The rules that it knew before it was rebuilt.
    forgotten: Rules,
    /// The time for which it does not know of a change yet; `None` if it never lagged.
    lag: Option<SignedDuration>,
    /// The rules as they were, each with the moment at which they ceased to be so, the earliest
    /// first.
    past: Vec<(Timestamp, Rules)>,
}

/// The rules of an account.
type Rules = BTreeMap<(Region, RuleName), RuleView>;

/// The aggregator's knowledge of a rule.
#[derive(Debug, Clone, Default)]
struct RuleView {
    /// The compliance that a test said that the rule has.
    said: Option<RuleCompliance>,
    /// The evaluations, by compliance and by the finding's id.
    evaluations: BTreeMap<(Compliance, String), AggregatedEvaluation>,
}

impl RuleView {
    fn compliance(&self) -> RuleCompliance {
        let mut found = self.evaluations.keys();
        match self.said {
            Some(said) => said,
            None if found.any(|(found, _)| *found == Compliance::Noncompliant) => {
                RuleCompliance::Noncompliant
            }
            None => RuleCompliance::Compliant,
        }
    }

    fn add(&mut self, evaluation: AggregatedEvaluation, compliance: Compliance) {
        self.said = None;
        self.remove(&evaluation.key);
        let id = evaluation.key.id();
        self.evaluations.insert((compliance, id), evaluation);
    }

    fn remove(&mut self, key: &FindingKey) {
        let id = key.id();
        for compliance in [Compliance::Compliant, Compliance::Noncompliant] {
            self.evaluations.remove(&(compliance, id.clone()));
        }
    }

    /// A page of the evaluations of one compliance. A rule that has none tells none.
    fn page(
        &self,
        paging: &Paging,
        compliance: Compliance,
        after: Option<&Cursor>,
    ) -> Page<AggregatedEvaluation> {
        use RuleCompliance::{InsufficientData, NotApplicable};
        let is_told = !matches!(self.said, Some(InsufficientData | NotApplicable));
        paging.page(after, |place, size| {
            let from = (compliance, place.unwrap_or_default().to_owned());
            let told = self.evaluations.range(from..);
            let mut told = told
                .take_while(|((found, _), _)| is_told && *found == compliance)
                .filter(|((_, id), _)| place.is_none_or(|place| place != id));
            let page: Vec<_> = told.by_ref().take(size).collect();
            let last = told.next().and(page.last()).map(|((_, id), _)| id.clone());
            (
                page.into_iter().map(|(_, found)| found.clone()).collect(),
                last,
            )
        })
    }
}

impl AccountView {
    /// Changes the rules, and remembers what they were if anybody may ask for that.
    fn change(&mut self, now: Timestamp, change: impl FnOnce(&mut Rules)) {
        if self.lag.is_some() {
            self.past.push((now, self.rules.clone()));
        }
        change(&mut self.rules);
    }

    /// The rules as the aggregator tells them now.
    fn told(&self, now: Timestamp) -> &Rules {
        let at = now - self.lag.unwrap_or_default();
        let then = self.past.iter().find(|(until, _)| *until > at);
        then.map_or(&self.rules, |(_, then)| then)
    }
}

impl Aggregated {
    fn told(&self, account: &AccountId, now: Timestamp) -> Option<&Rules> {
        Some(self.accounts.get(account)?.told(now))
    }
}

#[async_trait]
impl Aggregator for Run {
    async fn rules(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<(Region, RuleName), RuleCompliance>, PortError> {
        const CALL: &str = "config:DescribeAggregateComplianceByConfigRules";
        self.ask(CALL, account, recording::rules_of(account), |state| {
            let told = state.compliance.aggregated.told(account, state.now);
            let rules = told.into_iter().flatten();
            Ok(rules
                .map(|(rule, view)| (rule.clone(), view.compliance()))
                .collect())
        })
        .await
    }

    async fn evaluations(
        &self,
        rule: &AggregatedRule,
        compliance: Compliance,
        after: Option<Cursor>,
    ) -> Result<Page<AggregatedEvaluation>, PortError> {
        const CALL: &str = "config:GetAggregateComplianceDetailsByConfigRule";
        let request = recording::evaluations_of(rule, compliance, after.as_ref());
        self.ask(CALL, &rule.rule, request, |state| {
            let told = state.compliance.aggregated.told(&rule.account, state.now);
            let view = told.and_then(|rules| rules.get(&(rule.region.clone(), rule.rule.clone())));
            let paging = &state.compliance.paging;
            Ok(view.map_or_else(nothing, |view| {
                view.page(paging, compliance, after.as_ref())
            }))
        })
        .await
    }

    async fn resources(
        &self,
        resources: &[(FindingKey, Region)],
    ) -> Result<BTreeMap<FindingKey, ResourceFacts>, PortError> {
        const CALL: &str = "config:BatchGetAggregateResourceConfig";
        let requests = recording::resources_of(resources);
        self.ask_by(CALL, CALL, resources.len(), &requests, |state| {
            let known = &state.compliance.aggregated.resources;
            let asked = resources.iter();
            Ok(asked
                .filter_map(|(key, _)| Some((key.clone(), known.get(key)?.clone())))
                .collect())
        })
        .await
    }
}

/// The page of a rule that the aggregator does not know.
fn nothing() -> Page<AggregatedEvaluation> {
    Page {
        items: Vec::new(),
        next: None,
    }
}

/// The aggregator, as tests see and change it.
impl World {
    /// Lets a rule find this in an account and region, and nothing else: what it finds there may be
    /// nothing, and then it is compliant.
    pub fn aggregate(
        &self,
        account: &AccountId,
        region: &Region,
        rule: &RuleName,
        found: Vec<AggregatedEvaluation>,
    ) {
        let mut view = RuleView::default();
        for evaluation in found {
            view.add(evaluation, Compliance::Noncompliant);
        }
        self.change_aggregated(account, |rules| {
            rules.insert((region.clone(), rule.clone()), view);
        });
    }

    /// Lets a rule evaluate a resource in the resource's own region.
    pub fn evaluate(&self, key: &FindingKey, compliance: Compliance, at: Timestamp) {
        let evaluation = AggregatedEvaluation {
            key: key.clone(),
            evaluated_in: key.region.clone(),
            recorded_at: at,
            annotation: None,
        };
        self.add_evaluation(evaluation, compliance);
    }

    /// Lets a rule evaluate a resource where the evaluation says.
    pub fn add_evaluation(&self, evaluation: AggregatedEvaluation, compliance: Compliance) {
        let key = &evaluation.key;
        let rule = (evaluation.evaluated_in.clone(), key.rule.clone());
        self.change_aggregated(&key.account.clone(), |rules| {
            rules.entry(rule).or_default().add(evaluation, compliance);
        });
    }

    /// Lets no rule evaluate a resource any more, as after its deletion.
    pub fn remove_evaluation(&self, key: &FindingKey) {
        self.change_aggregated(&key.account, |rules| {
            for ((_, rule), view) in rules {
                if *rule == key.rule {
                    view.remove(key);
                }
            }
        });
    }

    /// Lets the aggregator say this of a rule until something is evaluated. While it has
    /// insufficient data, or is not applicable, its evaluations are not told; `None` says what
    /// follows from them.
    pub fn say_of_rule(&self, rule: &AggregatedRule, says: Option<RuleCompliance>) {
        self.change_aggregated(&rule.account, |rules| {
            let key = (rule.region.clone(), rule.rule.clone());
            rules.entry(key).or_default().said = says;
        });
    }

    /// Lets the aggregator know nothing of a rule, as after its deletion.
    pub fn forget_rule(&self, rule: &AggregatedRule) {
        self.change_aggregated(&rule.account, |rules| {
            rules.remove(&(rule.region.clone(), rule.rule.clone()));
        });
    }

    /// Rebuilds the aggregator: it knows nothing of an account any more.
    pub fn forget_aggregated(&self, account: &AccountId) {
        self.change_view(account, |view, now| {
            let mut forgotten = Rules::new();
            view.change(now, |rules| forgotten = std::mem::take(rules));
            view.forgotten.extend(forgotten);
        });
    }

    /// Fills the rebuilt aggregator with those evaluations that it knew before and that a test
    /// chooses, with their old times. Their rules are known again with them.
    pub fn refill_aggregated(&self, account: &AccountId, is_back: impl Fn(&FindingKey) -> bool) {
        self.change_view(account, |view, now| {
            let forgotten = view.forgotten.clone();
            view.change(now, |rules| {
                for (rule, known) in forgotten {
                    let view = rules.entry(rule).or_insert_with(|| RuleView {
                        said: known.said,
                        evaluations: BTreeMap::new(),
                    });
                    let known = known.evaluations.into_iter();
                    view.evaluations
                        .extend(known.filter(|(_, found)| is_back(&found.key)));
                }
            });
        });
    }

    /// Lets the aggregator tell of an account what was true that long ago; zero ends the lag. The
    /// account was always as it is when its first lag begins.
    pub fn lag_aggregator(&self, account: &AccountId, by: SignedDuration) {
        self.change_view(account, |view, _| view.lag = Some(by));
    }

    /// Cuts the listings of the aggregator and of compliance's table into pages of so many items;
    /// a page without items may come before each page but the first.
    pub fn page_by(&self, size: usize, with_empty: bool) {
        self.state().compliance.paging = Paging { size, with_empty };
    }

    /// The name of a resource, as AWS Config knows it.
    pub fn name_resource(&self, key: &FindingKey, name: &str) {
        let resources = &mut self.state().compliance.aggregated.resources;
        resources.entry(key.clone()).or_default().name = Some(name.to_owned());
    }

    /// The facts of a resource, as AWS Config knows them.
    pub fn set_resource(&self, key: &FindingKey, facts: ResourceFacts) {
        let resources = &mut self.state().compliance.aggregated.resources;
        resources.insert(key.clone(), facts);
    }

    fn change_aggregated(&self, account: &AccountId, change: impl FnOnce(&mut Rules)) {
        self.change_view(account, |view, now| view.change(now, change));
    }

    fn change_view(&self, account: &AccountId, change: impl FnOnce(&mut AccountView, Timestamp)) {
        let mut state = self.state();
        let now = state.now;
        let accounts = &mut state.compliance.aggregated.accounts;
        change(accounts.entry(account.clone()).or_default(), now);
    }
}

//! Compares one account, rule by rule.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_domain::compliance::{AccountInfo, Compliance, FindingKey, FindingState, Source};
use banto_domain::policy::CompliancePolicy;
use banto_domain::{AccountId, Region, RuleName};
use banto_lambda::Invocation;
use banto_notice::ComparedUpTo;
use banto_ports::{AggregatedEvaluation, AggregatedRule, ErrorKind, PortError, RuleCompliance};

use super::known::{Fate, Id, KnownFindings, Unseen, Wanted, id_of};
use super::sink::Sink;
use crate::event::{Observation, Verdict};
use crate::ingest::ports::Ports;
use crate::ingest::{CALL_TIME, as_known};

/// Observations that are taken in at once: their states are some 500 KB, and five commits write
/// them.
const OBSERVATIONS_AT_ONCE: usize = 500;

/// Least time in which a page of a rule is asked for: what is found then needs to be saved, and
/// what was not found needs the second look.
const PAGE_TIME: Duration = Duration::from_secs(60);

/// The place that a comparison came to.
#[derive(Debug, PartialEq)]
pub(super) enum Progress {
    ToTheEnd,
    /// To the end of this rule; then there was no more time, or AWS throttled.
    UpTo(ComparedUpTo),
    /// Not to the end of one rule.
    NotAtAll,
    /// The aggregator knows nothing of the account, which says nothing.
    NothingKnown,
}

/// True if a step was done, and false if it has to be done again: there was no time, or findings
/// were held up.
type IsDone = bool;

/// The compliance of one rule, wherever and under whatever name it is deployed.
type Deployments = BTreeMap<(Region, RuleName), RuleCompliance>;

/// The comparison of one account.
pub(super) struct Comparison<'a> {
    ports: &'a Ports,
    policy: &'a CompliancePolicy,
    invocation: &'a Invocation,
    info: &'a AccountInfo,
    source: Source,
    known: KnownFindings,
    sink: Sink,
    /// Observations that are still to be taken in.
    waiting: Vec<Observation>,
}

impl<'a> Comparison<'a> {
    /// Reads which findings of the account are open.
    pub(super) async fn begin(
        ports: &'a Ports,
        policy: &'a CompliancePolicy,
        info: &'a AccountInfo,
        is_first: bool,
        sink: Sink,
        invocation: &'a Invocation,
    ) -> Result<Self, PortError> {
        let mut known = KnownFindings::default();
        let mut after = None;
        loop {
            let page = ports.findings.open_findings(&info.id, after).await?;
            page.items.iter().for_each(|state| known.add(state));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let source = if is_first {
            Source::Takeover
        } else {
            Source::DailyCheck
        };
        Ok(Self {
            ports,
            policy,
            invocation,
            info,
            source,
            known,
            sink,
            waiting: Vec::new(),
        })
    }

    pub(super) fn into_sink(self) -> Sink {
        self.sink
    }

    /// Compares the rules after a place, and then what the aggregator did not list. The second look
    /// needs the states once more, since only their ids were kept. Of a closed account nothing is
    /// asked: Organizations is certain.
    pub(super) async fn run(
        &mut self,
        after: Option<&ComparedUpTo>,
    ) -> Result<Progress, PortError> {
        if self.info.is_closed {
            self.known.close_account();
            let is_done = self.look_again().await?;
            return Ok(if is_done {
                Progress::ToTheEnd
            } else {
                Progress::NotAtAll
            });
        }
        let rules = by_rule(self.ports.aggregator.rules(self.account()).await?);
        if rules.is_empty() {
            return Ok(Progress::NothingKnown);
        }
        let mut place = None;
        let mut is_done = true;
        for (rule, deployments) in &rules {
            if after.is_some_and(|after| *rule <= after.rule) {
                continue;
            }
            match self.compare_rule(rule, deployments).await {
                Ok(true) => place = Some(self.place(rule)),
                Err(error) if place.is_none() || !is_for_now(&error) => return Err(error),
                compared => {
                    tracing::warn!(account.id = %self.account(), rule.name = %rule, ?compared, "comparison goes on later");
                    is_done = false;
                    break;
                }
            }
        }
        if is_done {
            self.miss_rules_that_are_gone(&rules);
        }
        if !self.look_again().await? {
            return Ok(Progress::NotAtAll);
        }
        Ok(match (is_done, place) {
            (true, _) => Progress::ToTheEnd,
            (false, Some(place)) => Progress::UpTo(place),
            (false, None) => Progress::NotAtAll,
        })
    }

    fn account(&self) -> &'a AccountId {
        &self.info.id
    }

    fn place(&self, rule: &RuleName) -> ComparedUpTo {
        ComparedUpTo {
            rule: rule.clone(),
            is_first: self.source == Source::Takeover,
        }
    }

    /// Marks the findings of rules that the aggregator knows nowhere in the account. They are no
    /// longer evaluated, or the aggregator was rebuilt: the next check will tell.
    fn miss_rules_that_are_gone(&mut self, rules: &BTreeMap<RuleName, Deployments>) {
        for rule in self.known.rules() {
            if !rules.contains_key(&rule) {
                for unseen in self.known.unseen(&rule) {
                    self.known.set_fate(unseen.id, Fate::Absent);
                }
            }
        }
    }

    /// Compares all deployments of one rule, since a global resource is absent only if none lists
    /// it.
    async fn compare_rule(
        &mut self,
        rule: &RuleName,
        deployments: &Deployments,
    ) -> Result<IsDone, PortError> {
        for (deployment, compliance) in deployments {
            if *compliance == RuleCompliance::Noncompliant && !self.meet_open(deployment).await? {
                return Ok(false);
            }
        }
        let mut sought = BTreeMap::new();
        for unseen in self.known.unseen(rule) {
            match expectation(&unseen, deployments) {
                Expectation::Nothing => self.known.set_fate(unseen.id, Fate::AsKnown),
                Expectation::Absent => self.known.set_fate(unseen.id, Fate::Absent),
                Expectation::Compliant => {
                    sought.insert(unseen.id, unseen);
                }
            }
        }
        for (deployment, compliance) in deployments {
            if has_compliant_ones(*compliance)
                && !self.find_compliant(deployment, &mut sought).await?
            {
                return Ok(false);
            }
        }
        for id in sought.into_keys() {
            self.known.set_fate(id, Fate::Absent);
        }
        self.take_waiting().await
    }

    /// Notes that a finding is listed as open. Returns true if all is known of it.
    fn is_met(&mut self, key: &FindingKey, routes: &BTreeSet<String>) -> bool {
        let now = self.ports.clock.now();
        let wanted = Wanted {
            routes,
            is_waived: self.policy.findings.waiver_of(key, None, now).is_some(),
        };
        self.known.meet(id_of(key), &wanted)
    }

    fn routes_of(&self, rule: &RuleName) -> BTreeSet<String> {
        let routes = self.policy.routes_of(rule, self.info);
        routes.into_iter().map(|route| route.name).collect()
    }

    /// Observes what the aggregator lists as noncompliant, but for what is known so.
    async fn meet_open(
        &mut self,
        (region, rule): &(Region, RuleName),
    ) -> Result<IsDone, PortError> {
        // Severities and routes of a rule go by its own name, which a user's finding has.
        let routes = [rule.clone(), rule.own()].map(|rule| {
            let routes = self.routes_of(&rule);
            (rule, routes)
        });
        let routes = BTreeMap::from(routes);
        let rule = self.aggregated(rule, region);
        let mut after = None;
        loop {
            if !self.invocation.has_time_for(PAGE_TIME) {
                return Ok(false);
            }
            let page = self
                .ports
                .aggregator
                .evaluations(&rule, Compliance::Noncompliant, after)
                .await?;
            for evaluation in page.items {
                let routes = routes.get(&evaluation.key.rule);
                if !routes.is_some_and(|routes| self.is_met(&evaluation.key, routes)) {
                    self.observe(evaluation, Verdict::Noncompliant);
                }
            }
            if !self.take_many().await? {
                return Ok(false);
            }
            after = page.next;
            if after.is_none() {
                return Ok(true);
            }
        }
    }

    /// Looks for findings among those that the aggregator lists as compliant in a region, and takes
    /// those that it finds out of what is sought.
    async fn find_compliant(
        &mut self,
        deployment: &(Region, RuleName),
        sought: &mut BTreeMap<Id, Unseen>,
    ) -> Result<IsDone, PortError> {
        let rule = self.aggregated(&deployment.1, &deployment.0);
        let mut here: BTreeSet<Id> = sought
            .values()
            .filter(|unseen| unseen.may_be_in(deployment))
            .map(|unseen| unseen.id)
            .collect();
        let mut after = None;
        while !here.is_empty() {
            if !self.invocation.has_time_for(PAGE_TIME) {
                return Ok(false);
            }
            let page = self
                .ports
                .aggregator
                .evaluations(&rule, Compliance::Compliant, after)
                .await?;
            for evaluation in page.items {
                let id = id_of(&evaluation.key);
                if here.remove(&id) {
                    self.known.set_fate(id, Fate::Seen);
                    sought.remove(&id);
                    self.observe(evaluation, Verdict::Compliant);
                }
            }
            if !self.take_many().await? {
                return Ok(false);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(true)
    }

    fn aggregated(&self, rule: &RuleName, region: &Region) -> AggregatedRule {
        AggregatedRule {
            account: self.account().clone(),
            region: region.clone(),
            rule: rule.clone(),
        }
    }

    fn observe(&mut self, evaluation: AggregatedEvaluation, verdict: Verdict) {
        self.waiting.push(Observation {
            key: evaluation.key,
            evaluated_in: evaluation.evaluated_in,
            verdict,
            was: None,
            recorded_at: evaluation.recorded_at,
            source: self.source,
            annotation: evaluation.annotation,
        });
    }

    /// Observes what the aggregator does not list, from a second look at the states.
    async fn look_again(&mut self) -> Result<IsDone, PortError> {
        if !self.known.needs_second_look() {
            return Ok(true);
        }
        let mut after = None;
        loop {
            if !self.invocation.has_time_for(CALL_TIME) {
                return Ok(false);
            }
            let findings = &self.ports.findings;
            let page = findings.open_findings(self.account(), after).await?;
            for state in &page.items {
                self.observe_unseen(state);
            }
            if !self.take_many().await? {
                return Ok(false);
            }
            after = page.next;
            if after.is_none() {
                return self.take_waiting().await;
            }
        }
    }

    fn observe_unseen(&mut self, state: &FindingState) {
        let as_known = as_known(state, Source::DailyCheck);
        let observation = match self.known.fate(&state.key) {
            Some(Fate::AsKnown) => as_known,
            Some(Fate::Absent) => Observation {
                verdict: Verdict::Absent,
                recorded_at: self.ports.clock.now(),
                ..as_known
            },
            Some(Fate::AccountClosed) => Observation {
                verdict: Verdict::NotEvaluated,
                recorded_at: self.ports.clock.now(),
                ..as_known
            },
            Some(Fate::Seen | Fate::Unseen) | None => return,
        };
        self.waiting.push(observation);
    }

    /// Takes waiting observations in, if they are many.
    async fn take_many(&mut self) -> Result<IsDone, PortError> {
        if self.waiting.len() < OBSERVATIONS_AT_ONCE {
            return Ok(true);
        }
        self.take_waiting().await
    }

    async fn take_waiting(&mut self) -> Result<IsDone, PortError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(OBSERVATIONS_AT_ONCE));
            let (ports, policy) = (self.ports, self.policy);
            if !self
                .sink
                .take(ports, policy, waiting, self.invocation)
                .await?
            {
                return Ok(false);
            }
            waiting = rest;
        }
        Ok(true)
    }
}

/// The place of a finding that the aggregator does not list as open.
enum Expectation {
    /// Among those that are compliant, or else nowhere.
    Compliant,
    /// Nowhere.
    Absent,
    /// The rule can't tell.
    Nothing,
}

fn expectation(unseen: &Unseen, deployments: &Deployments) -> Expectation {
    let mut expectation = Expectation::Absent;
    for (deployment, compliance) in deployments {
        if !unseen.may_be_in(deployment) {
            continue;
        }
        if *compliance == RuleCompliance::InsufficientData {
            return Expectation::Nothing;
        }
        if has_compliant_ones(*compliance) {
            expectation = Expectation::Compliant;
        }
    }
    expectation
}

fn has_compliant_ones(compliance: RuleCompliance) -> bool {
    matches!(
        compliance,
        RuleCompliance::Compliant | RuleCompliance::Noncompliant
    )
}

/// The deployments of each rule, by its own name.
fn by_rule(rules: Deployments) -> BTreeMap<RuleName, Deployments> {
    let mut by_rule: BTreeMap<RuleName, Deployments> = BTreeMap::new();
    for (deployment, compliance) in rules {
        let own = deployment.1.own();
        by_rule
            .entry(own)
            .or_default()
            .insert(deployment, compliance);
    }
    by_rule
}

/// True if AWS asks for patience, or does not answer.
fn is_for_now(error: &PortError) -> bool {
    matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_absent_only_if_no_deployment_of_the_rule_may_list_it() {
        let deployment = |region: &str, suffix: &str| -> (Region, RuleName) {
            let rule = format!("securityhub-access-keys-rotated-{suffix}");
            (region.parse().unwrap(), rule.parse().unwrap())
        };
        let here = deployment("eu-west-1", "dcc5e306");
        let there = deployment("us-east-1", "774aa6c9");
        let rules = by_rule(
            [
                (here.clone(), RuleCompliance::NotApplicable),
                (there.clone(), RuleCompliance::Compliant),
            ]
            .into(),
        );
        assert_eq!(rules.len(), 1);
        let deployments = rules.values().next().unwrap();
        let user = Unseen { id: 1, place: None };
        let (region, rule) = here;
        let bucket = Unseen {
            id: 2,
            place: Some((rule, region)),
        };
        assert!(matches!(
            expectation(&user, deployments),
            Expectation::Compliant
        ));
        assert!(matches!(
            expectation(&bucket, deployments),
            Expectation::Absent
        ));
    }
}

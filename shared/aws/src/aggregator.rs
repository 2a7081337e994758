//! AWS Config's aggregator, which knows every account.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_config::Client;
use aws_sdk_config::types::{
    AggregateComplianceByConfigRule, AggregateEvaluationResult, AggregateResourceIdentifier,
    BaseConfigurationItem, ComplianceType, ConfigRuleComplianceFilters, ResourceType,
};
use banto_domain::compliance::{Compliance, FindingKey};
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{
    AggregatedEvaluation, AggregatedRule, Aggregator, Cursor, Page, PortError, ResourceFacts,
    RuleCompliance,
};

use crate::errors::{lacking, port_error};
use crate::keys::timestamp;
use crate::token_bucket::TokenBucket;

const RULES: &str = "config:DescribeAggregateComplianceByConfigRules";
const EVALUATIONS: &str = "config:GetAggregateComplianceDetailsByConfigRule";
const RESOURCES: &str = "config:BatchGetAggregateResourceConfig";

/// AWS publishes no rate for the aggregator. What it throttles at this one, the SDK tries again.
const CALLS_PER_SECOND: u32 = 10;

/// Most results of a page, and resources of a batch. (AWS Config API reference,
/// `GetAggregateComplianceDetailsByConfigRule`, `BatchGetAggregateResourceConfig`.)
const PAGE: i32 = 100;
const BATCH: usize = 100;

/// Most characters of an annotation that are kept: all that AWS Config takes, 256, and some to
/// spare. (AWS Config API reference, `Evaluation`.)
const MAX_ANNOTATION: usize = 300;

/// The region of resources that are in none, in AWS Config's items.
const GLOBAL: &str = "global";

/// An aggregator, by its name.
#[derive(Debug)]
pub struct ConfigAggregator {
    client: Client,
    name: String,
    calls: TokenBucket,
}

impl ConfigAggregator {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
            calls: TokenBucket::per_second(CALLS_PER_SECOND, CALLS_PER_SECOND),
        }
    }
}

#[async_trait]
impl Aggregator for ConfigAggregator {
    async fn rules(
        &self,
        account: &AccountId,
    ) -> Result<BTreeMap<(Region, RuleName), RuleCompliance>, PortError> {
        let filters = ConfigRuleComplianceFilters::builder()
            .account_id(account.as_str())
            .build();
        let mut rules = BTreeMap::new();
        let mut token = None;
        loop {
            self.calls.acquire().await;
            let request = self
                .client
                .describe_aggregate_compliance_by_config_rules()
                .filters(filters.clone());
            let request = request
                .configuration_aggregator_name(&self.name)
                .set_next_token(token);
            let answer = request.send().await;
            let page = answer.map_err(|error| port_error(RULES, &error))?;
            for result in page.aggregate_compliance_by_config_rules() {
                let (rule, compliance) = rule_of(account, result)?;
                rules.insert(rule, compliance);
            }
            // A page may be empty and yet not the last. (AWS Config API reference, of this call and
            // the next.)
            token = page.next_token;
            if token.is_none() {
                return Ok(rules);
            }
        }
    }

    async fn evaluations(
        &self,
        rule: &AggregatedRule,
        compliance: Compliance,
        after: Option<Cursor>,
    ) -> Result<Page<AggregatedEvaluation>, PortError> {
        let compliance = match compliance {
            Compliance::Compliant => ComplianceType::Compliant,
            Compliance::Noncompliant => ComplianceType::NonCompliant,
        };
        self.calls.acquire().await;
        let request = self
            .client
            .get_aggregate_compliance_details_by_config_rule()
            .configuration_aggregator_name(&self.name)
            .account_id(rule.account.as_str())
            .aws_region(rule.region.as_str())
            .config_rule_name(rule.rule.as_str())
            .compliance_type(compliance.clone())
            .limit(PAGE)
            .set_next_token(after.map(|cursor| cursor.0));
        let answer = request.send().await;
        let page = answer.map_err(|error| port_error(EVALUATIONS, &error))?;
        let results = page.aggregate_evaluation_results().iter();
        let items: Result<Vec<AggregatedEvaluation>, PortError> = results
            .map(|result| evaluation(rule, &compliance, result))
            .collect();
        Ok(Page {
            items: items?,
            next: page.next_token.map(Cursor),
        })
    }

    async fn resources(
        &self,
        resources: &[(FindingKey, Region)],
    ) -> Result<BTreeMap<FindingKey, ResourceFacts>, PortError> {
        // Several rules may look at one resource.
        let wanted: BTreeSet<Place> = resources
            .iter()
            .filter(|(key, _)| has_item(key))
            .map(|(key, evaluated_in)| Place::of(key, evaluated_in.as_str()))
            .collect();
        let wanted: Result<Vec<AggregateResourceIdentifier>, PortError> =
            wanted.into_iter().map(Place::identifier).collect();
        let mut facts = BTreeMap::new();
        for batch in wanted?.chunks(BATCH) {
            let left = self.look_up(batch.to_vec(), &mut facts).await?;
            if !left.is_empty() {
                // Those that are left again are as good as not known until the next time.
                self.look_up(left, &mut facts).await?;
            }
        }
        let known = resources.iter().filter_map(|(key, evaluated_in)| {
            let facts = facts
                .get(&Place::of(key, evaluated_in.as_str()))
                .or_else(|| facts.get(&Place::of(key, GLOBAL)))?;
            Some((key.clone(), facts_of(key, facts)))
        });
        Ok(known.collect())
    }
}

impl ConfigAggregator {
    /// Adds what AWS Config knows of some resources, and returns those that it did not come to.
    async fn look_up(
        &self,
        batch: Vec<AggregateResourceIdentifier>,
        facts: &mut BTreeMap<Place, ResourceFacts>,
    ) -> Result<Vec<AggregateResourceIdentifier>, PortError> {
        self.calls.acquire().await;
        let request = self
            .client
            .batch_get_aggregate_resource_config()
            .configuration_aggregator_name(&self.name)
            .set_resource_identifiers(Some(batch));
        let answer = request.send().await;
        let answer = answer.map_err(|error| port_error(RESOURCES, &error))?;
        for item in answer.base_configuration_items() {
            facts.extend(known(item));
        }
        Ok(answer.unprocessed_resource_identifiers.unwrap_or_default())
    }
}

/// A resource as AWS Config knows it: its account, region, type and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place([String; 4]);

impl Place {
    fn of(key: &FindingKey, region: &str) -> Self {
        Self::new(
            key.account.as_str(),
            region,
            &key.resource_type,
            &key.resource_id,
        )
    }

    fn new(account: &str, region: &str, resource_type: &str, id: &str) -> Self {
        Self([account, region, resource_type, id].map(str::to_owned))
    }

    fn identifier(self) -> Result<AggregateResourceIdentifier, PortError> {
        let Self([account, region, resource_type, id]) = self;
        AggregateResourceIdentifier::builder()
            .source_account_id(account)
            .source_region(region)
            .resource_type(ResourceType::from(resource_type.as_str()))
            .resource_id(id)
            .build()
            .map_err(|_| lacking(RESOURCES, "a part of a resource"))
    }
}

/// True if AWS Config may have an item of it. It has none of types that are not in its list, like
/// `AWS::::Account`, and may refuse a batch that holds one.
fn has_item(key: &FindingKey) -> bool {
    ResourceType::try_parse(&key.resource_type).is_ok()
}

/// A resource that AWS Config knows.
fn known(item: &BaseConfigurationItem) -> Option<(Place, ResourceFacts)> {
    let resource_type = item.resource_type()?.as_str();
    // IAM's items are those of `global`, wherever a rule looked at them.
    let region = if FindingKey::is_global(resource_type) {
        GLOBAL
    } else {
        item.aws_region()?
    };
    let place = Place::new(
        item.account_id()?,
        region,
        resource_type,
        item.resource_id()?,
    );
    let facts = ResourceFacts {
        name: item.resource_name().map(str::to_owned),
        arn: item.arn().map(str::to_owned),
    };
    Some((place, facts))
}

/// Facts that say something.
fn facts_of(key: &FindingKey, facts: &ResourceFacts) -> ResourceFacts {
    let name = facts.name.clone();
    let arn = facts.arn.clone();
    ResourceFacts {
        name: name.filter(|name| !name.is_empty() && *name != key.resource_id),
        arn: arn.filter(|arn| !arn.is_empty()),
    }
}

/// A rule of the account that was asked for.
fn rule_of(
    account: &AccountId,
    result: &AggregateComplianceByConfigRule,
) -> Result<((Region, RuleName), RuleCompliance), PortError> {
    if result.account_id() != Some(account.as_str()) {
        return Err(lacking(RULES, "the account that was asked for"));
    }
    let region = result.aws_region().and_then(|region| region.parse().ok());
    let region = region.ok_or_else(|| lacking(RULES, "a rule's region"))?;
    let rule = result.config_rule_name().and_then(|rule| rule.parse().ok());
    let rule = rule.ok_or_else(|| lacking(RULES, "a rule's name"))?;
    let compliance = result.compliance();
    let compliance = match compliance.and_then(|compliance| compliance.compliance_type()) {
        Some(ComplianceType::Compliant) => RuleCompliance::Compliant,
        Some(ComplianceType::NonCompliant) => RuleCompliance::Noncompliant,
        Some(ComplianceType::NotApplicable) => RuleCompliance::NotApplicable,
        // An answer that says nothing does not say that all is well.
        _ => RuleCompliance::InsufficientData,
    };
    Ok(((region, rule), compliance))
}

/// A resource that a rule looked at, if it is of what was asked for.
fn evaluation(
    rule: &AggregatedRule,
    compliance: &ComplianceType,
    result: &AggregateEvaluationResult,
) -> Result<AggregatedEvaluation, PortError> {
    let qualifier = result
        .evaluation_result_identifier()
        .and_then(|id| id.evaluation_result_qualifier());
    let came = (
        result.account_id(),
        result.aws_region(),
        qualifier.and_then(|qualifier| qualifier.config_rule_name()),
        result.compliance_type(),
    );
    let asked = (
        Some(rule.account.as_str()),
        Some(rule.region.as_str()),
        Some(rule.rule.as_str()),
        Some(compliance),
    );
    if came != asked {
        let what = "the account, region, rule and compliance that were asked for";
        return Err(lacking(EVALUATIONS, what));
    }
    let resource = qualifier
        .and_then(|qualifier| Some((qualifier.resource_type()?, qualifier.resource_id()?)));
    let (resource_type, resource_id) =
        resource.ok_or_else(|| lacking(EVALUATIONS, "a resource"))?;
    let at = result
        .result_recorded_time()
        .ok_or_else(|| lacking(EVALUATIONS, "a time"))?;
    let annotation = result.annotation().filter(|words| !words.is_empty());
    Ok(AggregatedEvaluation {
        key: FindingKey::new(
            rule.account.clone(),
            &rule.region,
            rule.rule.clone(),
            resource_type.to_owned(),
            resource_id.to_owned(),
        ),
        evaluated_in: rule.region.clone(),
        recorded_at: timestamp(EVALUATIONS, at)?,
        annotation: annotation.map(|words| words.chars().take(MAX_ANNOTATION).collect()),
    })
}

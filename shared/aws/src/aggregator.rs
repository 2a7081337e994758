//! What AWS Config's aggregator knows of every account.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_config::Client;
use aws_sdk_config::types::{
    AggregateEvaluationResult, AggregateResourceIdentifier, ComplianceType,
    ConfigRuleComplianceFilters, ResourceType,
};
use banto_domain::compliance::FindingKey;
use banto_domain::{AccountId, Region, RuleName};
use banto_ports::{AggregatedFinding, Aggregator, PortError};

use crate::errors::{lacking, port_error};
use crate::keys::timestamp;
use crate::token_bucket::TokenBucket;

/// AWS publishes no rate for the aggregator. What it throttles at this one, the SDK tries again.
const CALLS_PER_SECOND: u32 = 10;

/// Most results of a page, and resources of a batch. (AWS Config API reference,
/// `GetAggregateComplianceDetailsByConfigRule`, `BatchGetAggregateResourceConfig`.)
const PAGE: i32 = 100;
const BATCH: usize = 100;

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
    ) -> Result<BTreeMap<(Region, RuleName), bool>, PortError> {
        const CALL: &str = "config:DescribeAggregateComplianceByConfigRules";
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
            let page = request
                .send()
                .await
                .map_err(|error| port_error(CALL, &error))?;
            for result in page.aggregate_compliance_by_config_rules() {
                if result.account_id() != Some(account.as_str()) {
                    return Err(lacking(CALL, "the account that was asked for"));
                }
                let region = result.aws_region().and_then(|region| region.parse().ok());
                let region = region.ok_or_else(|| lacking(CALL, "a rule's region"))?;
                let rule = result.config_rule_name().and_then(|rule| rule.parse().ok());
                let rule = rule.ok_or_else(|| lacking(CALL, "a rule's name"))?;
                // Whoever says nothing, or that data is insufficient, does not say that nothing was
                // found.
                let compliance = result
                    .compliance()
                    .and_then(|compliance| compliance.compliance_type());
                rules.insert(
                    (region, rule),
                    compliance != Some(&ComplianceType::Compliant),
                );
            }
            // A page may be empty and yet not the last. (AWS Config API reference, of this call and
            // the next.)
            token = page.next_token;
            if token.is_none() {
                return Ok(rules);
            }
        }
    }

    async fn findings(
        &self,
        account: &AccountId,
        region: &Region,
        rule: &RuleName,
    ) -> Result<Vec<AggregatedFinding>, PortError> {
        const CALL: &str = "config:GetAggregateComplianceDetailsByConfigRule";
        let mut findings = Vec::new();
        let mut token = None;
        loop {
            self.calls.acquire().await;
            let request = self
                .client
                .get_aggregate_compliance_details_by_config_rule();
            let request = request
                .configuration_aggregator_name(&self.name)
                .account_id(account.as_str());
            let request = request
                .aws_region(region.as_str())
                .config_rule_name(rule.as_str());
            let request = request
                .compliance_type(ComplianceType::NonCompliant)
                .limit(PAGE)
                .set_next_token(token);
            let page = request
                .send()
                .await
                .map_err(|error| port_error(CALL, &error))?;
            for result in page.aggregate_evaluation_results() {
                findings.push(found(CALL, (account, region, rule), result)?);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(findings);
            }
        }
    }

    async fn names(&self, keys: &[FindingKey]) -> Result<BTreeMap<FindingKey, String>, PortError> {
        const CALL: &str = "config:BatchGetAggregateResourceConfig";
        // Several rules may look at one resource. AWS Config has no items of types that are not in
        // its list, like `AWS::::Account`, and may refuse a batch that holds one.
        let has_items = |key: &&FindingKey| ResourceType::try_parse(&key.resource_type).is_ok();
        let wanted = keys.iter().filter(has_items).map(|key| {
            [
                key.account.as_str(),
                key.region.as_str(),
                key.resource_type.as_str(),
                key.resource_id.as_str(),
            ]
        });
        let wanted: Vec<[&str; 4]> = wanted.collect::<BTreeSet<_>>().into_iter().collect();
        let mut names = BTreeMap::new();
        for batch in wanted.chunks(BATCH) {
            let identifiers = batch.iter().map(|[account, region, of_type, id]| {
                let identifier = AggregateResourceIdentifier::builder().source_account_id(*account);
                identifier
                    .source_region(*region)
                    .resource_type(ResourceType::from(*of_type))
                    .resource_id(*id)
                    .build()
            });
            let identifiers: Result<Vec<AggregateResourceIdentifier>, _> = identifiers.collect();
            let identifiers = identifiers.map_err(|_| lacking(CALL, "a part of a resource"))?;
            self.calls.acquire().await;
            let request = self
                .client
                .batch_get_aggregate_resource_config()
                .configuration_aggregator_name(&self.name);
            let answer = request
                .set_resource_identifiers(Some(identifiers))
                .send()
                .await;
            for item in answer
                .map_err(|error| port_error(CALL, &error))?
                .base_configuration_items()
            {
                let of_type = item.resource_type().map(ResourceType::as_str);
                // The region is left out: IAM's items are those of `global`, wherever a rule looked
                // at them.
                if let (Some(account), Some(of_type), Some(id), Some(name)) = (
                    item.account_id(),
                    of_type,
                    item.resource_id(),
                    item.resource_name(),
                ) {
                    names.insert([account, of_type, id].map(str::to_owned), name.to_owned());
                }
            }
        }
        let named = keys.iter().filter_map(|key| {
            let name = names.get(
                &[key.account.as_str(), &key.resource_type, &key.resource_id].map(str::to_owned),
            )?;
            (!name.is_empty() && *name != key.resource_id).then(|| (key.clone(), name.clone()))
        });
        Ok(named.collect())
    }
}

/// A resource that a rule finds, if it is of what was asked for.
fn found(
    call: &'static str,
    (account, region, rule): (&AccountId, &Region, &RuleName),
    result: &AggregateEvaluationResult,
) -> Result<AggregatedFinding, PortError> {
    let qualifier = result
        .evaluation_result_identifier()
        .and_then(|id| id.evaluation_result_qualifier());
    let of = (
        result.account_id(),
        result.aws_region(),
        qualifier.and_then(|qualifier| qualifier.config_rule_name()),
    );
    if of
        != (
            Some(account.as_str()),
            Some(region.as_str()),
            Some(rule.as_str()),
        )
    {
        return Err(lacking(
            call,
            "the account, region and rule that were asked for",
        ));
    }
    let resource = qualifier
        .and_then(|qualifier| Some((qualifier.resource_type()?, qualifier.resource_id()?)));
    let (resource_type, resource_id) = resource.ok_or_else(|| lacking(call, "a resource"))?;
    let at = result
        .result_recorded_time()
        .ok_or_else(|| lacking(call, "a time"))?;
    Ok(AggregatedFinding {
        key: FindingKey {
            account: account.clone(),
            region: region.clone(),
            rule: rule.clone(),
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
        },
        recorded_at: timestamp(call, at)?,
        annotation: result
            .annotation()
            .filter(|words| !words.is_empty())
            .map(str::to_owned),
    })
}

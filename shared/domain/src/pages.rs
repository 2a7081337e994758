//! Pages of AWS Config's console.

use crate::compliance::FindingKey;
use crate::{Region, RuleName, percent_encoded};

/// The address of a resource's page; `None` of an account as a resource, which rules about accounts
/// find and which has no page.
pub fn resource_page(region: &Region, resource_type: &str, id: &str) -> Option<String> {
    if resource_type.starts_with("AWS::::") {
        return None;
    }
    let (id, resource_type) = (percent_encoded(id), percent_encoded(resource_type));
    Some(format!(
        "{}/resources/timeline?resourceId={id}&resourceType={resource_type}",
        config(region)
    ))
}

/// The address of the page of a rule that finds resources of a type. One that looks at IAM goes by
/// its own name here, by which it may not be deployed: for it there is the list of rules.
pub fn rule_page(region: &Region, rule: &RuleName, resource_type: &str) -> String {
    if FindingKey::is_global(resource_type) {
        return format!("{}/rules", config(region));
    }
    let rule = percent_encoded(rule.as_str());
    format!("{}/rules/details?configRuleName={rule}", config(region))
}

fn config(region: &Region) -> String {
    format!("{}/config/home?region={region}#", region.console())
}

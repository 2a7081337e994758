//! Links into the console of the right account.

use banto_domain::compliance::{FindingGroup, FindingKey, Resource};
use banto_domain::policy::CompliancePolicy;
use banto_domain::{Region, RuleName, percent_encoded};
use banto_notice::Link;

/// The page of AWS Config that shows most of a group: the only resource, or the rule.
pub(super) fn console_link(group: &FindingGroup, policy: &CompliancePolicy) -> Option<Link> {
    let page = match group.resources.as_slice() {
        [only] if has_page(only) => resource_page(only),
        [first, ..] => rule_page(&group.rule, first),
        [] => return None,
    };
    Some(Link {
        label: "Open in AWS Config".to_owned(),
        url: policy.console_link(&group.account, &page),
    })
}

/// The list of all findings, where the policy names one.
pub(crate) fn report_link(policy: &CompliancePolicy) -> Option<Link> {
    let url = policy.report.clone()?;
    Some(Link {
        label: "All open findings".to_owned(),
        url,
    })
}

/// AWS Config has no page of an account as a resource, which rules about accounts find.
fn has_page(resource: &Resource) -> bool {
    !resource.resource_type.starts_with("AWS::::")
}

fn config_page(region: &Region) -> String {
    format!("{}/config/home?region={region}#", region.console())
}

fn resource_page(resource: &Resource) -> String {
    let page = config_page(&resource.evaluated_in);
    let id = percent_encoded(&resource.id);
    let resource_type = percent_encoded(&resource.resource_type);
    format!("{page}/resources/timeline?resourceId={id}&resourceType={resource_type}")
}

/// The rule's page. One that looks at IAM goes by its own name here, by which it may not be deployed:
/// for it there is the list of rules.
fn rule_page(rule: &RuleName, resource: &Resource) -> String {
    let page = config_page(&resource.evaluated_in);
    if FindingKey::is_global(&resource.resource_type) {
        return format!("{page}/rules");
    }
    let rule = percent_encoded(rule.as_str());
    format!("{page}/rules/details?configRuleName={rule}")
}

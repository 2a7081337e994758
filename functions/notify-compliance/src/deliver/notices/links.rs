//! Links into the console of the right account.

use banto_domain::compliance::FindingGroup;
use banto_domain::policy::CompliancePolicy;
use banto_domain::{resource_page, rule_page};
use banto_notice::Link;

/// The page of AWS Config that shows most of a group: the only resource, or the rule.
pub(super) fn console_link(group: &FindingGroup, policy: &CompliancePolicy) -> Option<Link> {
    let (first, others) = group.resources.split_first()?;
    let of_rule = || rule_page(&first.evaluated_in, &group.rule, &first.resource_type);
    let page = resource_page(&first.evaluated_in, &first.resource_type, &first.id)
        .filter(|_| others.is_empty())
        .unwrap_or_else(of_rule);
    Some(Link {
        label: "Open in AWS Config".to_owned(),
        url: policy.findings.console_link(&group.account, &page),
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

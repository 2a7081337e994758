//! Links to the dashboard, and into the console of the right account.

use banto_domain::policy::ReportPolicy;
use banto_domain::{percent_encoded, resource_page, rule_page};

use super::letter::Link;
use super::scope::Scope;
use crate::model::FindingRow;

/// Longest address: Outlook opens none beyond 2,083 characters. (Microsoft support, "Maximum URL
/// length is 2,083 characters in Internet Explorer", whose parts Outlook opens links with.)
const LONGEST: usize = 2_000;

/// The address, if it is one that may stand in a mail. Any other scheme, like `javascript:`, would
/// run in the reader's mail program.
pub(super) fn safe(url: String) -> Option<String> {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && url.starts_with("https://") && url.len() <= LONGEST).then_some(url)
}

/// The month's page, where the policy says at which address people read it: of an owner's mail with
/// their accounts alone.
pub(super) fn dashboard(scope: &Scope<'_>) -> Option<Link> {
    Some(Link {
        label: "Open the dashboard".to_owned(),
        url: page(scope, &[])?,
    })
}

/// The month's page, with what one filter leaves: `account`, `owner` or `rule`.
pub(super) fn filtered(scope: &Scope<'_>, filter: &str, value: &str) -> Option<String> {
    page(scope, &[(filter, value)])
}

fn page(scope: &Scope<'_>, filters: &[(&str, &str)]) -> Option<String> {
    let address = scope.policy.address.as_ref()?;
    let month = scope.report.period.month;
    let owner = scope.report.owner.as_deref().map(|owner| ("owner", owner));
    let mut url = format!("{address}dashboard/{month}/index.html");
    let mut mark = '#';
    for (filter, value) in owner.iter().chain(filters) {
        url.push_str(&format!("{mark}{filter}={}", percent_encoded(value)));
        mark = '&';
    }
    safe(url)
}

/// The page of AWS Config that shows a finding's resource; the rule's, of an account as a resource,
/// which has no page.
pub(super) fn resource(row: &FindingRow, policy: &ReportPolicy) -> Option<String> {
    let key = &row.key;
    let page = resource_page(&key.region, &key.resource_type, &key.resource_id)
        .unwrap_or_else(|| rule_page(&key.region, &key.rule, &key.resource_type));
    safe(policy.findings.console_link(&key.account, &page))
}

//! Decides of what people are reminded: pure.

use std::collections::BTreeMap;

use banto_domain::compliance::{FindingGroup, FindingKey, Severity, short_hash};
use banto_domain::policy::CompliancePolicy;
use banto_domain::policy::compliance::Route;
use jiff::{SignedDuration, Timestamp};

/// Time by which a reminder may come early: the daily schedule that asks for it does not come at
/// the same minute each day, and its queue may take some hours when much waits there.
const EARLY: SignedDuration = SignedDuration::from_hours(4);

/// What people are reminded of in one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminder {
    /// The id that the message carries: the same one on the same day.
    pub id: String,
    pub severity: Severity,
    /// The oldest first.
    pub groups: Vec<FindingGroup>,
    pub now: Timestamp,
}

/// True if people are to be reminded of findings of a severity now.
pub fn is_due(
    severity: Severity,
    reminded: &BTreeMap<Severity, Timestamp>,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> bool {
    let Some(every) = policy.reminders.get(&severity) else {
        return false;
    };
    let last = reminded.get(&severity);
    last.is_none_or(|last| now.duration_since(*last) >= *every - EARLY)
}

/// A group with what no waiver covers of it, as far as it shows its resources.
fn unwaived(group: &FindingGroup, policy: &CompliancePolicy, now: Timestamp) -> FindingGroup {
    let mut unwaived = group.clone();
    unwaived.resources.retain(|resource| {
        let key = FindingKey::new(
            group.account.clone(),
            &resource.region,
            group.rule.clone(),
            resource.resource_type.clone(),
            resource.id.clone(),
        );
        let name = resource.name.as_deref();
        !resource.status.is_open() || policy.findings.waiver_of(&key, name, now).is_none()
    });
    let waived = group.resources.len() - unwaived.resources.len();
    let waived = u32::try_from(waived).unwrap_or(u32::MAX);
    unwaived.open = group.open.saturating_sub(waived);
    unwaived
}

/// The most severe first. What is younger than the time between two reminders is news yet.
pub fn plan(
    groups: &[FindingGroup],
    reminded: &BTreeMap<Severity, Timestamp>,
    route: &Route,
    policy: &CompliancePolicy,
    now: Timestamp,
) -> Vec<Reminder> {
    let mut reminders = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let Some(every) = policy.reminders.get(&severity) else {
            continue;
        };
        let is_old = |group: &&FindingGroup| now.duration_since(group.since) >= *every - EARLY;
        let of_it = groups
            .iter()
            .filter(|group| policy.findings.severity_of(&group.rule) == severity);
        let mut due: Vec<FindingGroup> = of_it
            .filter(is_old)
            .map(|group| unwaived(group, policy, now))
            .filter(|group| group.open > 0)
            .collect();
        if due.is_empty() || !is_due(severity, reminded, policy, now) {
            continue;
        }
        due.sort_by_cached_key(|group| (group.since, group.id()));
        let day = now.strftime("%Y-%m-%d").to_string();
        reminders.push(Reminder {
            id: short_hash(&["reminder", &route.name, severity.as_str(), &day]),
            severity,
            groups: due,
            now,
        });
    }
    reminders
}

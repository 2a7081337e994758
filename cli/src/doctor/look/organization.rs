//! The management account: what the Organization trusts, its StackSets, and its rules.

use banto_domain::policy::onboarding::{OnboardingPolicy, Way};
use serde_json::{Value, json};

use super::check::{Ask, Check, Said, Topic, items, text};
use super::origin::{FORWARDING, Named, Origin};
use super::place::Here;
use super::xml::{element, members};
use crate::doctor::value;

/// What AWS Config needs for an aggregator and for rules of an Organization. (AWS Config developer
/// guide, "Organization rules" and "Aggregators".)
const CONFIG: [&str; 2] = [
    "config.amazonaws.com",
    "config-multiaccountsetup.amazonaws.com",
];
/// StackSets with service-managed permissions. (Organizations user guide, "CloudFormation
/// StackSets and AWS Organizations".)
const STACK_SETS: &str = "member.org.stacksets.cloudformation.amazonaws.com";
/// Most accounts and rules that a finding names: more fill a screen, and one cause has them all.
const NAMED: usize = 5;

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let Some(onboarding) = here.management() else {
        return Vec::new();
    };
    let mut checks = vec![trust(here, onboarding)];
    let mut sets = Vec::new();
    if let Way::StackSet(set) = &onboarding.way {
        sets.push((
            set.name.as_str(),
            set.targets.iter().map(ToString::to_string).collect(),
            Named::Policy("onboarding.stack_set.name"),
        ));
    }
    if here.policy.compliance.is_some() {
        let targets: Vec<String> = match &onboarding.way {
            Way::StackSet(set) => set.targets.iter().map(ToString::to_string).collect(),
            Way::Direct => Vec::new(),
        };
        sets.push((FORWARDING, targets, Named::Module));
        checks.extend(regions(here, onboarding).iter().map(|region| rules(region)));
    }
    checks.extend(
        sets.into_iter()
            .map(|(name, targets, named)| stack_set(name, targets, named)),
    );
    checks
}

/// The regions that the policy names, or this one.
pub(super) fn regions(here: &Here<'_>, onboarding: &OnboardingPolicy) -> Vec<String> {
    let named = onboarding.baseline.regions.iter().flatten();
    let named: Vec<String> = named.map(ToString::to_string).collect();
    if named.is_empty() {
        return vec![here.region.to_string()];
    }
    named
}

fn trust(here: &Here<'_>, onboarding: &OnboardingPolicy) -> Check {
    let mut needed = CONFIG.to_vec();
    if matches!(onboarding.way, Way::StackSet(_)) || here.policy.compliance.is_some() {
        needed.push(STACK_SETS);
    }
    let compliance = here.policy.compliance.as_ref();
    let delegate = compliance.map(|compliance| compliance.queue.account().to_owned());
    let delegate = delegate.filter(|delegate| delegate != here.account);
    let mut asks = vec![
        Ask::aws("organizations:DescribeOrganization", json!({})),
        Ask::aws(
            "organizations:ListAWSServiceAccessForOrganization",
            json!({}),
        )
        .all_pages("/NextToken", "NextToken"),
    ];
    if delegate.is_some() {
        let config = json!({"ServicePrincipal": "config.amazonaws.com"});
        asks.push(
            Ask::aws("organizations:ListDelegatedAdministrators", config)
                .all_pages("/NextToken", "NextToken"),
        );
    }
    Check::new(
        Topic::TrustedAccess,
        "the Organization",
        asks,
        move |texts| {
            let [organization, services, delegates @ ..] = texts else {
                return Vec::new();
            };
            let mut said = Vec::new();
            if value(organization, "/Organization/FeatureSet").as_deref() != Some("ALL") {
                said.push(Said::error(
                "has consolidated billing only, in which AWS Config and StackSets trust nothing",
                &["$ aws organizations enable-all-features"],
            ));
            }
            let trusted = items(services, "/EnabledServicePrincipals");
            let is_trusted = |name: &&str| {
                trusted
                    .iter()
                    .any(|own| text(own, "/ServicePrincipal") == *name)
            };
            said.extend(
                needed
                    .iter()
                    .filter(|name| !is_trusted(name))
                    .map(|name| untrusted(name)),
            );
            let known: Vec<Value> = delegates
                .iter()
                .flat_map(|text| items(text, "/DelegatedAdministrators"))
                .collect();
            if let Some(delegate) = &delegate
                && !known.iter().any(|own| text(own, "/Id") == delegate)
            {
                let command = format!(
                    "$ aws organizations register-delegated-administrator --account-id {delegate} --service-principal config.amazonaws.com"
                );
                said.push(Said::error(
                    format!("account {delegate} is no delegated administrator of AWS Config"),
                    &["register it, as the module organization does", &command],
                ));
            }
            or_fine(
                said,
                format!("trusts {} services that Banto needs", needed.len()),
            )
        },
    )
}

fn untrusted(service: &str) -> Said {
    let command = if service == STACK_SETS {
        "$ aws cloudformation activate-organizations-access".to_owned()
    } else {
        format!("$ aws organizations enable-aws-service-access --service-principal {service}")
    };
    Said::error(format!("does not trust {service}"), &[&command])
}

/// What was said, or that all is well.
pub(super) fn or_fine(said: Vec<Said>, words: impl Into<String>) -> Vec<Said> {
    if said.is_empty() {
        return vec![Said::fine(words)];
    }
    said
}

fn stack_set(name: &str, targets: Vec<String>, named: Named) -> Check {
    let origin = Origin::new("organization", named);
    let set = name.to_owned();
    let asks = vec![
        Ask::aws(
            "cloudformation:DescribeStackSet",
            json!({"StackSetName": name}),
        ),
        Ask::aws(
            "cloudformation:ListStackInstances",
            json!({
                "StackSetName": name,
                "Filters.member.1.Name": "DETAILED_STATUS", "Filters.member.1.Values": "FAILED",
            }),
        )
        .all_pages("NextToken", "NextToken"),
    ];
    let what = format!("StackSet {name}");
    let check = Check::new(Topic::StackSets, what, asks, move |texts| {
        let [described, instances] = texts else {
            return Vec::new();
        };
        let mut said = Vec::new();
        let failed: Vec<Failed> = members(instances, "Summaries")
            .into_iter()
            .filter_map(failed)
            .collect();
        if !failed.is_empty() {
            said.push(failures(&set, &targets, &failed, origin));
        }
        if value(described, "DriftStatus").as_deref() == Some("DRIFTED") {
            let status = "$ banto accounts status";
            let command = format!(
                "$ aws cloudformation list-stack-instances --stack-set-name {set} --filters Name=DRIFT_STATUS,Values=DRIFTED"
            );
            said.push(Said::warning(
                "somebody changed what its stacks made",
                &[
                    "see in which accounts, and what they lack",
                    &command,
                    status,
                ],
            ));
        }
        or_fine(said, "no stack failed")
    });
    check.made_by(origin)
}

struct Failed {
    account: String,
    region: String,
    why: String,
}

fn failed(instance: &str) -> Option<Failed> {
    let is_failed = element(instance, "DetailedStatus") == "FAILED"
        || element(instance, "Status") == "INOPERABLE";
    is_failed.then(|| Failed {
        account: element(instance, "Account").to_owned(),
        region: element(instance, "Region").to_owned(),
        why: element(instance, "StatusReason").to_owned(),
    })
}

fn failures(set: &str, targets: &[String], failed: &[Failed], origin: Origin) -> Said {
    let named = failed.iter().take(NAMED).map(|one| {
        let (account, region) = (&one.account, &one.region);
        match one.why.as_str() {
            "" => format!("{account} in {region}"),
            why => format!("{account} in {region} ({why})"),
        }
    });
    let words = format!(
        "{} failed: {}{}",
        match failed.len() {
            1 => "1 stack".to_owned(),
            n => format!("{n} stacks"),
        },
        named.collect::<Vec<_>>().join(", "),
        rest(failed.len())
    );
    if set != FORWARDING {
        // Expected where an account has a recorder already: docs/onboarding.md, "Something in the
        // way". Such an account goes the direct way.
        let status = "$ banto accounts status";
        return Said::warning(
            words,
            &[
                "see what the baseline lacks there, and what mends it (docs/onboarding.md)",
                status,
            ],
        );
    }
    let why = "changes of compliance come from there a day late; mend what the reasons say, then";
    // Only the module knows the targets, where the policy has no StackSet of its own.
    if targets.is_empty() {
        return Said::error(words, &[why]).applied(origin);
    }
    let list = |of: fn(&Failed) -> &String| {
        let mut all: Vec<&str> = failed.iter().map(|one| of(one).as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let command = format!(
        "$ aws cloudformation update-stack-instances --stack-set-name {set} --regions {} --deployment-targets OrganizationalUnitIds={},Accounts={},AccountFilterType=INTERSECTION",
        list(|one| &one.region).join(" "),
        targets.join(","),
        list(|one| &one.account).join(","),
    );
    Said::error(words, &[why, &command])
}

/// The number of those that are not named.
pub(super) fn rest(count: usize) -> String {
    match count.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

fn rules(region: &str) -> Check {
    let ask = Ask::aws("config:DescribeOrganizationConfigRuleStatuses", json!({}))
        .in_region(region)
        .all_pages("/NextToken", "NextToken");
    let own = region.to_owned();
    let what = format!("organization rules in {region}");
    Check::new(Topic::Rules, what, vec![ask], move |texts| {
        let all: Vec<Value> = texts
            .iter()
            .flat_map(|text| items(text, "/OrganizationConfigRuleStatuses"))
            .collect();
        if all.is_empty() {
            return vec![Said::note(
                "there is none",
                &[
                    "once every account has a recorder, set deploy_rules = true of the module \
                     organization (docs/DEPLOY.md)",
                    "$ banto accounts status",
                ],
            )];
        }
        let failed: Vec<&Value> = all
            .iter()
            .filter(|rule| text(rule, "/OrganizationRuleStatus").ends_with("FAILED"))
            .collect();
        let Some(first) = failed.first() else {
            return vec![Said::fine(format!("{} rules are deployed", all.len()))];
        };
        let name = |rule: &Value| text(rule, "/OrganizationConfigRuleName").to_owned();
        let named: Vec<String> = failed.iter().take(NAMED).map(|rule| name(rule)).collect();
        let command = format!(
            "$ aws configservice get-organization-config-rule-detailed-status --region {own} --filters MemberAccountRuleStatus={} --organization-config-rule-name {}",
            text(first, "/OrganizationRuleStatus"),
            name(first)
        );
        let (words, mend) = (
            format!(
                "{} failed: {}{}: {}",
                failed.len(),
                named.join(", "),
                rest(failed.len()),
                match text(first, "/ErrorMessage") {
                    "" => text(first, "/ErrorCode"),
                    words => words,
                }
            ),
            "mend these accounts, most often by the recorder that they lack (banto accounts apply), \
             then apply as infra/modules/organization/README.md says under \"When an apply fails\"",
        );
        vec![Said::error(
            words,
            &["see in which accounts", &command, mend],
        )]
    })
}

//! Where nothing is found, one cause explains it: the credentials' account or the region is another
//! one than that of the policy.

use super::check::{Check, Finding, Said, Topic};
use super::origin::Origin;
use super::place::Here;

/// Fewest things whose absence is told by one finding: fewer are as short by their names.
const FEWEST: usize = 3;

/// The findings of all looks, or where all that the policy has here is absent, one in place of
/// those that say so.
pub(super) fn explained(
    here: &Here<'_>,
    checks: &[Check],
    looked: Vec<Vec<Finding>>,
) -> Vec<Finding> {
    let mut told = Vec::new();
    if checks.is_empty() {
        told.push(nothing_named(here));
    } else if here.is_elsewhere() {
        told.push(named_elsewhere(here));
    }
    let regional = || {
        checks
            .iter()
            .zip(&looked)
            .filter(|(check, _)| is_regional(check))
    };
    let is_absent = |findings: &Vec<Finding>| findings.iter().any(|one| one.said.is_absent);
    let is_nothing_here =
        regional().count() >= FEWEST && regional().all(|(_, findings)| is_absent(findings));
    if !is_nothing_here || !told.is_empty() {
        told.extend(looked.into_iter().flatten());
        return told;
    }
    let mut origins: Vec<Origin> = regional().filter_map(|(check, _)| check.origin).collect();
    origins.sort_by_key(|origin| origin.module);
    origins.dedup_by_key(|origin| origin.module);
    told.push(nothing_found(here, &origins));
    told.extend(
        looked
            .into_iter()
            .flatten()
            .filter(|one| !one.said.is_absent),
    );
    told
}

/// True of what only its own region knows. Names of buckets are known in all.
fn is_regional(check: &Check) -> bool {
    check.origin.is_some() && check.is_regional
}

fn finding(here: &Here<'_>, said: Said) -> Finding {
    Finding {
        topic: Topic::Credentials,
        what: format!("account {} in {}", here.account, here.region),
        said,
    }
}

/// Commands that look in other regions, with the credentials of this look.
fn again(regions: &[String]) -> Vec<String> {
    let command = |region: &String| format!("$ banto doctor --region {region}");
    regions.iter().map(command).collect()
}

fn refs(steps: &[String]) -> Vec<&str> {
    steps.iter().map(String::as_str).collect()
}

fn nothing_named(here: &Here<'_>) -> Finding {
    let words = "the policy names nothing in this account and region";
    let steps = [
        "take credentials of one of the accounts that it names, which are below",
        "$ banto doctor --profile PROFILE --region REGION",
    ];
    finding(here, Said::error(words, &steps))
}

fn named_elsewhere(here: &Here<'_>) -> Finding {
    let regions = here.other_regions();
    let words = format!(
        "nothing that the policy has in this account is in this region, but in {}",
        regions.join(", ")
    );
    finding(here, Said::error(words, &refs(&again(&regions))))
}

fn nothing_found(here: &Here<'_>, origins: &[Origin]) -> Finding {
    let regions = here.other_regions();
    let modules: Vec<&str> = origins.iter().map(|origin| origin.module).collect();
    let apply = format!(
        "if it is, nothing was applied yet: apply the modules {}, in the folder of this account's \
         root (docs/DEPLOY.md), or by the pipeline",
        modules.join(", ")
    );
    let (words, mut steps) = match regions.as_slice() {
        [] => {
            let is_named =
                "the policy names no other region: see that these are the right credentials";
            (
                "is this the right account?".to_owned(),
                vec![is_named.to_owned()],
            )
        }
        regions => {
            let words = format!(
                "is this the right region? The policy names {}",
                regions.join(", ")
            );
            (words, again(regions))
        }
    };
    steps.extend([apply, "$ terraform apply".to_owned()]);
    let words = format!("nothing of Banto is there: {words}");
    finding(here, Said::error(words, &refs(&steps)))
}

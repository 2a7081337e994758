//! AWS Config in this account, in each region of the baseline: whose recorder it is, whether it
//! records, and whether what it records is delivered.

use std::collections::BTreeSet;

use banto_domain::AccountId;
use banto_domain::policy::onboarding::OnboardingPolicy;
use serde_json::{Value, json};

use super::check::{Ask, Check, OTHERS, Said, Topic, items, text};
use super::organization::{or_fine, regions};
use super::place::Here;

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let Some(onboarding) = &here.policy.onboarding else {
        return Vec::new();
    };
    let own: Option<AccountId> = here.account.parse().ok();
    if own.is_some_and(|own| onboarding.left_alone().contains(&own)) {
        return Vec::new();
    }
    // The account is of the Organization if any part of Banto is in it.
    let is_named = here.accounts().contains(here.account);
    let regions = regions(here, onboarding).into_iter().filter(|_| is_named);
    regions
        .map(|region| recorder(here, onboarding, &region))
        .collect()
}

fn recorder(here: &Here<'_>, onboarding: &OnboardingPolicy, region: &str) -> Check {
    let asks = [
        "config:ListConfigurationRecorders",
        "config:DescribeConfigurationRecorders",
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeDeliveryChannels",
        "config:DescribeDeliveryChannelStatus",
    ];
    let asks = asks.map(|call| Ask::aws(call, json!({})).in_region(region));
    let place = Place {
        account: here.account.to_owned(),
        onboarder: onboarding.queue.account().to_owned(),
        region: region.to_owned(),
        bucket: onboarding.baseline.config.bucket.clone(),
    };
    let what = format!("AWS Config in {region}");
    Check::new(Topic::Recorders, what, asks.to_vec(), move |texts| {
        let [all, own, statuses, channels, deliveries] = texts else {
            return Vec::new();
        };
        let mut known = items(own, "/ConfigurationRecorders");
        let own = known
            .iter()
            .find(|own| text(own, "/servicePrincipal").is_empty());
        let Some(own) = own.cloned() else {
            known.extend(items(all, "/ConfigurationRecorderSummaries"));
            return vec![place.no_recorder(&known)];
        };
        let name = text(&own, "/name");
        let mut said = Vec::new();
        let statuses = items(statuses, "/ConfigurationRecordersStatus");
        let status = statuses.iter().find(|status| text(status, "/name") == name);
        said.extend(place.recording(name, status.unwrap_or(&Value::Null)));
        let channels = items(channels, "/DeliveryChannels");
        match channels.first() {
            None => said.push(Said::error(
                "has no delivery channel: nothing reaches the log archive",
                &place.baseline().each_ref().map(String::as_str),
            )),
            Some(channel) => said.extend(place.bucket(channel)),
        }
        for delivery in items(deliveries, "/DeliveryChannelsStatus") {
            said.extend(place.delivered(&delivery));
        }
        or_fine(said, format!("{} records and delivers", kind(name)))
    })
}

/// The recorder in words.
fn kind(name: &str) -> String {
    if name == "banto" {
        "Banto's recorder".to_owned()
    } else if name.starts_with("aws-controltower") {
        format!("Control Tower's recorder {name}")
    } else {
        format!("the account's own recorder {name}")
    }
}

struct Place {
    account: String,
    /// The account of onboard-accounts.
    onboarder: String,
    region: String,
    bucket: String,
}

impl Place {
    /// What makes the baseline in this account.
    fn baseline(&self) -> [String; 2] {
        [
            format!(
                "have onboard-accounts make it: with credentials of its account, {}",
                self.onboarder
            ),
            format!("$ banto accounts apply {} --wait", self.account),
        ]
    }

    fn no_recorder(&self, all: &[Value]) -> Said {
        let services = all.iter().map(|own| text(own, "/servicePrincipal"));
        let services: BTreeSet<&str> = services.filter(|service| !service.is_empty()).collect();
        let services: Vec<&str> = services.into_iter().collect();
        let words = match services.as_slice() {
            [] => "has no recorder: nothing is recorded".to_owned(),
            services => format!(
                "has only recorders that services own, which record for these alone: {}",
                services.join(", ")
            ),
        };
        Said::error(words, &self.baseline().each_ref().map(String::as_str))
    }

    fn recording(&self, name: &str, status: &Value) -> Option<Said> {
        let region = &self.region;
        if status.get("recording") != Some(&Value::Bool(true)) {
            let start = format!(
                "$ aws configservice start-configuration-recorder --configuration-recorder-name {name} --region {region}"
            );
            let words = format!("{} is stopped", kind(name));
            return Some(Said::error(words, &[&start]));
        }
        (text(status, "/lastStatus").eq_ignore_ascii_case("failure")).then(|| {
            let words = format!("{} fails: {}", kind(name), reason(status));
            let [_, command] = self.baseline();
            let role = format!(
                "its role was changed, most often by hand; have onboard-accounts say what, and mend \
                 what is its own: with credentials of its account, {}",
                self.onboarder
            );
            let plan = format!("$ banto accounts plan {}", self.account);
            Said::error(words, &[&role, &plan, &command])
        })
    }

    fn bucket(&self, channel: &Value) -> Option<Said> {
        let bucket = text(channel, "/s3BucketName");
        (bucket != self.bucket).then(|| {
            let words = format!(
                "delivers to {bucket}, and not to the policy's {}, so that reports leave it out",
                self.bucket
            );
            let plan = format!("$ banto accounts plan {}", self.account);
            let why = format!(
                "see why onboard-accounts leaves it so (docs/onboarding.md says which channels stay as \
                 they are): with credentials of its account, {}",
                self.onboarder
            );
            Said::warning(words, &[&why, &plan])
        })
    }

    /// Snapshots, histories and the topic's messages, each with a status of its own.
    fn delivered(&self, channel: &Value) -> Option<Said> {
        let kinds = [
            ("/configSnapshotDeliveryInfo", "snapshots"),
            ("/configHistoryDeliveryInfo", "histories"),
            ("/configStreamDeliveryInfo", "messages to the topic"),
        ];
        let failed = kinds.iter().find_map(|(place, kind)| {
            let info = channel.pointer(place)?;
            let is_failed = text(info, "/lastStatus").eq_ignore_ascii_case("failure");
            is_failed.then(|| format!("{kind} are not delivered: {}", reason(info)))
        });
        let bucket = &self.bucket;
        let look = format!(
            "with credentials of the account that has the bucket {bucket}: see what its policy \
             refuses, which the module log-archive writes, and its key, if it has one"
        );
        let policy = format!(
            "{OTHERS}aws s3api get-bucket-policy --bucket {bucket} --query Policy --output text"
        );
        let apply = "then apply the module log-archive: in the folder of that account's root \
                     (docs/DEPLOY.md), or by the pipeline";
        failed.map(|words| Said::error(words, &[&look, &policy, apply, "$ terraform apply"]))
    }
}

fn reason(status: &Value) -> String {
    let (code, words) = (
        text(status, "/lastErrorCode"),
        text(status, "/lastErrorMessage"),
    );
    match (code, words) {
        ("", "") => "AWS Config does not say why".to_owned(),
        (code, "") => code.to_owned(),
        (code, words) => format!("{code}: {words}"),
    }
}

//! SES: the sender's identity, its signatures, and the sandbox.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::{Ask, Check, Said, Topic, text};
use super::place::Here;

pub(super) fn checks(here: &Here<'_>) -> Vec<Check> {
    let Some(compliance) = here.compliance() else {
        return Vec::new();
    };
    let report = here.policy.report.as_ref();
    let report = report.and_then(|report| Some(&report.mail.as_ref()?.from));
    let senders: BTreeSet<&String> = compliance.mail_from.iter().chain(report).collect();
    if senders.is_empty() {
        return Vec::new();
    }
    let own = senders.into_iter().map(|address| sender(address));
    own.chain([account(here.region)]).collect()
}

fn identity(name: &str) -> Ask {
    let path = format!("/v2/email/identities/{name}");
    Ask::aws("ses:GetEmailIdentity", json!({"path": path})).or_missing()
}

/// An address may send if it is verified itself, or its domain is. (SES developer guide, "Verified
/// identities".)
fn sender(address: &str) -> Check {
    let domain = address.rsplit('@').next().unwrap_or(address).to_owned();
    let asks = vec![identity(address), identity(&domain)];
    Check::new(
        Topic::Mail,
        format!("sender {address}"),
        asks,
        move |texts| {
            let found: Vec<Value> = texts
                .iter()
                .filter_map(|text| serde_json::from_str(text).ok())
                .collect();
            let is_verified =
                |own: &&Value| own.get("VerifiedForSendingStatus") == Some(&Value::Bool(true));
            let records = format!(
                "put the records of the output dkim_records into the DNS of {domain}: docs/DEPLOY.md, step 6"
            );
            if found.is_empty() {
                let steps = [
                    "apply the module report-compliance, which makes it",
                    &records,
                ];
                return vec![Said::error("SES knows neither it nor its domain", &steps)];
            }
            let Some(own) = found.iter().find(is_verified) else {
                return vec![Said::error(
                    "is not verified: SES sends nothing",
                    &[&records],
                )];
            };
            let dkim = text(own, "/DkimAttributes/Status");
            if dkim != "SUCCESS" {
                let words = format!(
                    "its mails are not signed (DKIM: {}), and land in folders for spam",
                    if dkim.is_empty() { "none" } else { dkim }
                );
                return vec![Said::warning(words, &[&records])];
            }
            vec![Said::fine("verified, and its mails are signed")]
        },
    )
}

fn account(region: &str) -> Check {
    let ask = Ask::aws("ses:GetAccount", json!({"path": "/v2/email/account"}));
    let region = region.to_owned();
    Check::new(
        Topic::Mail,
        format!("SES in {region}"),
        vec![ask],
        move |texts| {
            let text = texts.first().map(String::as_str).unwrap_or_default();
            let answer: Value = serde_json::from_str(text).unwrap_or_default();
            let is = |name: &str| answer.get(name) == Some(&Value::Bool(true));
            if !is("SendingEnabled") {
                return vec![Said::error(
                    "sending is paused: too many mails bounced, or somebody paused it",
                    &[
                        "SES's console says why, under \"Account dashboard\"; clear the cause, and ask AWS",
                    ],
                )];
            }
            if !is("ProductionAccessEnabled") {
                let ask = format!(
                    "$ aws sesv2 put-account-details --region {region} --production-access-enabled --mail-type TRANSACTIONAL --website-url https://example.com"
                );
                return vec![Said::error(
                    "is in the sandbox: mails go to verified addresses alone",
                    &[
                        "ask AWS to let it out, which takes a day, with your own site's address",
                        &ask,
                    ],
                )];
            }
            vec![Said::fine("sends to everybody")]
        },
    )
}

//! SES: the sender's identity, its signatures, and the sandbox.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::{Ask, Check, Said, Topic, text};
use super::origin::{Named, Origin};
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
    own.chain([account(here.region.as_str())]).collect()
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
                "for each of these tokens put a CNAME TOKEN._domainkey.{domain} with the value TOKEN.ZONE \
                 into the DNS of {domain}; the zone is behind them (docs/DEPLOY.md, step 6)"
            );
            let tokens = format!(
                "$ aws sesv2 get-email-identity --email-identity {domain} --query 'DkimAttributes.[Tokens,SigningHostedZone]'"
            );
            if found.is_empty() {
                let origin = Origin::new("report-compliance", Named::Policy("report.mail.from"));
                let said = Said::error("SES knows neither it nor its domain", &[]);
                return vec![said.applied(origin).then(&[&records, &tokens])];
            }
            let Some(own) = found.iter().find(is_verified) else {
                return vec![Said::error(
                    "is not verified: SES sends nothing",
                    &[&records, &tokens],
                )];
            };
            let dkim = text(own, "/DkimAttributes/Status");
            if dkim != "SUCCESS" {
                let words = format!(
                    "its mails are not signed (DKIM: {}), and land in folders for spam",
                    if dkim.is_empty() { "none" } else { dkim }
                );
                return vec![Said::warning(words, &[&records, &tokens])];
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
                let of = |command| format!("$ aws sesv2 {command} --region {region}");
                let why = of("get-account");
                let on = of("put-account-sending-attributes --sending-enabled");
                return vec![Said::error(
                    "sending is paused: too many mails bounced, or somebody paused it",
                    &[
                        "see why: AWS's review, if there is one, is answered by a case in AWS Support; what \
                         somebody paused is switched on again by the last one",
                        &why,
                        &on,
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

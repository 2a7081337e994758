//! Sends the mails of a month: one with everything, and one to each owner with only theirs.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_domain::policy::ReportPolicy;
use banto_domain::policy::report::{ObjectPlace, ReportMail};
use banto_lambda::InvocationError;
use banto_ports::{Clock, ErrorKind, Mail, Mailer, NewObject, PortError};

use super::apply::Publication;
use super::claims::{self, Claimant, Claimed, Settlement};
use super::csv_file::{CsvFile, DoneCsv};
use super::mail::{self, Csv, MailContent};
pub use super::outcome::{MailOutcome, MailState};
use super::reports::Reports;
use crate::failure;
use crate::model::MonthReport;
use crate::store::{MailKeys, csv_key};

/// The name of the mail with everything.
pub const ALL: &str = "all";

/// Pauses before a mail that SES throttled is tried again. The quota is one of mails a second, so
/// that seconds help; one that is used up for the day is an operator's to see to. (SES developer
/// guide, "Managing your Amazon SES sending limits".)
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// Sends the mails of a month.
#[derive(Clone, Copy)]
pub struct Mails<'a> {
    pub publication: Publication<'a>,
    pub mailer: &'a dyn Mailer,
    pub clock: &'a dyn Clock,
    /// The names of the mails that are sent whatever was sent before.
    pub resend: &'a BTreeSet<String>,
    /// True if no other mail is looked at.
    pub just_those: bool,
}

/// A mail to be sent: a report, and who gets it.
#[derive(Debug, Clone)]
struct Letter<'a> {
    /// The owner whose accounts it is about; `None` of the mail with everything.
    owner: Option<&'a str>,
    report: &'a MonthReport,
    to: Vec<String>,
}

impl Letter<'_> {
    fn name(&self) -> &str {
        self.owner.unwrap_or(ALL)
    }

    /// Its name in keys, which an owner who is called like the mail with everything has not.
    fn key_name(&self) -> String {
        match self.owner {
            Some(owner) => format!("owner-{owner}"),
            None => ALL.to_owned(),
        }
    }
}

/// Every mail of a month: the one with everything first.
fn letters<'a>(reports: &'a Reports, policy: &ReportMail) -> Vec<Letter<'a>> {
    let mut letters = Vec::new();
    if !policy.to.is_empty() {
        letters.push(Letter {
            owner: None,
            report: &reports.all,
            to: policy.to.clone(),
        });
    }
    letters.extend(reports.owners.iter().map(|(owner, report)| Letter {
        owner: Some(owner),
        report,
        to: policy.addresses_of(owner),
    }));
    letters
}

/// The names of the mails that a month has, for a request that names another one.
pub fn names<'a>(reports: &'a Reports, policy: &ReportMail) -> Vec<&'a str> {
    let letters = letters(reports, policy).into_iter();
    letters.map(|letter| letter.owner.unwrap_or(ALL)).collect()
}

impl Mails<'_> {
    /// Sends every mail that was not sent yet, and says what became of each.
    ///
    /// # Errors
    /// If the store can't be read or written, or the time is up.
    pub async fn send(
        &self,
        reports: &Reports,
        policy: &ReportMail,
    ) -> Result<Vec<MailOutcome>, InvocationError> {
        let mut outcomes = Vec::new();
        for letter in letters(reports, policy) {
            if self.just_those && !self.resend.contains(letter.name()) {
                continue;
            }
            let state = self.send_one(&letter, reports, policy).await?;
            tracing::info!(mail.name = letter.name(), ?state, "mail gone through");
            outcomes.push(MailOutcome {
                name: letter.name().to_owned(),
                state,
            });
        }
        Ok(outcomes)
    }

    /// Says what would become of each mail.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn dry_run(
        &self,
        reports: &Reports,
        policy: &ReportMail,
    ) -> Result<Vec<MailOutcome>, InvocationError> {
        let mut outcomes = Vec::new();
        for letter in letters(reports, policy) {
            let state = match self.settled(&letter, false).await? {
                Some(settled) => settled,
                None if letter.to.is_empty() => MailState::NoAddress,
                None => MailState::ToBeSent,
            };
            outcomes.push(MailOutcome {
                name: letter.name().to_owned(),
                state,
            });
        }
        Ok(outcomes)
    }

    /// Sends one mail. All that can fail without harm comes before the claim.
    async fn send_one(
        &self,
        letter: &Letter<'_>,
        reports: &Reports,
        policy: &ReportMail,
    ) -> Result<MailState, InvocationError> {
        if letter.to.is_empty() {
            return Ok(MailState::NoAddress);
        }
        let is_resent = self.resend.contains(letter.name());
        if let Some(settled) = self.settled(letter, is_resent).await? {
            return Ok(settled);
        }
        let mail = self.mail(letter, reports, policy).await?;
        if !self.publication.time.is_enough() {
            return Err(failure::out_of_time_to_publish());
        }
        match self.claim(letter, is_resent).await? {
            Claimed::Ours => self.send_claimed(letter, &mail, is_resent).await,
            Claimed::Settled(settlement) => Ok(state_of(settlement)),
            Claimed::UnderWay => Ok(MailState::UnderWay),
            Claimed::InDoubt => Ok(MailState::InDoubt { because: None }),
        }
    }

    /// Claims a mail. One that is sent again is claimed for the request that asks for it, and then
    /// as the month has it.
    async fn claim(
        &self,
        letter: &Letter<'_>,
        is_resent: bool,
    ) -> Result<Claimed, InvocationError> {
        let store = self.publication.store;
        let (name, claimant) = (letter.key_name(), self.claimant());
        let claimed = claims::claim(store, self.keys(&name, is_resent), claimant).await;
        let claimed = claimed.map_err(failure::port)?;
        if is_resent && claimed == Claimed::Ours {
            let taken = claims::take_over(store, self.keys(&name, false), claimant).await;
            taken.map_err(failure::port)?;
        }
        Ok(claimed)
    }

    fn claimant(&self) -> Claimant<'_> {
        Claimant {
            run: self.publication.time.run(),
            now: self.clock.now(),
        }
    }

    fn keys<'k>(&'k self, name: &'k str, is_resent: bool) -> MailKeys<'k> {
        let Publication { period, time, .. } = self.publication;
        MailKeys {
            month: period.month,
            mail: name,
            request: is_resent.then(|| time.request().unwrap_or(time.run())),
        }
    }

    async fn settled(
        &self,
        letter: &Letter<'_>,
        is_resent: bool,
    ) -> Result<Option<MailState>, InvocationError> {
        let name = letter.key_name();
        let key = self.keys(&name, is_resent).settled();
        let settlement = self.publication.store.get_json(&key).await;
        Ok(settlement.map_err(failure::port)?.map(state_of))
    }

    async fn send_claimed(
        &self,
        letter: &Letter<'_>,
        mail: &Mail,
        is_resent: bool,
    ) -> Result<MailState, InvocationError> {
        let sent = self.try_to_send(mail).await;
        let at = self.clock.now();
        let settlement = match sent {
            Ok(()) => Settlement::Sent { at },
            Err(error) if is_refusal(error.kind) => Settlement::Refused {
                at,
                because: error.to_string(),
            },
            Err(error) => {
                let because = Some(error.to_string());
                return Ok(MailState::InDoubt { because });
            }
        };
        let name = letter.key_name();
        self.settle(self.keys(&name, false), &settlement).await?;
        if is_resent {
            self.settle(self.keys(&name, true), &settlement).await?;
        }
        Ok(match settlement {
            Settlement::Sent { .. } => MailState::Sent,
            refused @ Settlement::Refused { .. } => state_of(refused),
        })
    }

    async fn settle(
        &self,
        keys: MailKeys<'_>,
        settlement: &Settlement,
    ) -> Result<(), InvocationError> {
        let settled = claims::settle(self.publication.store, keys, settlement).await;
        settled.map_err(failure::port)
    }

    /// Sends a mail, again after a pause if SES throttles: it has not taken it then.
    async fn try_to_send(&self, mail: &Mail) -> Result<(), PortError> {
        for pause in PAUSES {
            match self.mailer.send(mail).await {
                Err(error) if error.kind == ErrorKind::Throttled => self.clock.sleep(pause).await,
                sent => return sent,
            }
        }
        self.mailer.send(mail).await
    }

    async fn mail(
        &self,
        letter: &Letter<'_>,
        reports: &Reports,
        policy: &ReportMail,
    ) -> Result<Mail, InvocationError> {
        let csv = self.csv(letter, reports).await?;
        let rules = self.publication.policy;
        let content = match letter.owner {
            None => mail::all(letter.report, rules, csv),
            Some(_) => mail::of_owner(letter.report, rules, csv),
        };
        let MailContent {
            subject,
            text,
            html,
            attachments,
        } = content;
        Ok(Mail {
            from: policy.from.clone(),
            to: letter.to.clone(),
            subject,
            text,
            html,
            attachments,
            configuration_set: policy.configuration_set.clone(),
        })
    }

    /// The CSV of the accounts that a mail is about: one that is too large for it is written beside
    /// the month's page.
    async fn csv(&self, letter: &Letter<'_>, reports: &Reports) -> Result<Csv, InvocationError> {
        let Publication {
            store,
            policy,
            period,
            time,
            ..
        } = self.publication;
        let key = csv_key(period.month, &letter.key_name());
        let mut csv = CsvFile::new().map_err(|error| failure::object(&key, error))?;
        for account in reports.accounts_of(letter.owner) {
            if !time.is_enough() {
                return Err(failure::out_of_time_to_publish());
            }
            let findings = store.findings_csv(period.month, account).await;
            let added = csv.add(&findings.map_err(failure::port)?);
            added.map_err(|error| failure::object(account.as_str(), error))?;
        }
        match csv.finish() {
            Ok(DoneCsv::Small(bytes)) => Ok(Csv::Attached(bytes)),
            Ok(DoneCsv::Large(body)) => {
                let link = Csv::Link(address_of(policy, &key));
                let file = NewObject {
                    key,
                    media_type: "text/csv; charset=utf-8",
                    encoding: Some("gzip"),
                    body,
                };
                store.put(file).await.map_err(failure::port)?;
                Ok(link)
            }
            Err(error) => Err(failure::object(&key, error)),
        }
    }
}

impl std::fmt::Debug for Mails<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mails")
            .field("publication", &self.publication)
            .finish_non_exhaustive()
    }
}

/// The address of an object of the store: where the policy names none, its place in S3.
fn address_of(policy: &ReportPolicy, key: &str) -> String {
    let ObjectPlace { bucket, prefix } = &policy.store;
    match &policy.address {
        Some(address) => format!("{address}{key}"),
        None => format!("s3://{bucket}/{prefix}{key}"),
    }
}

fn state_of(settlement: Settlement) -> MailState {
    match settlement {
        Settlement::Sent { .. } => MailState::SentBefore,
        Settlement::Refused { because, .. } => MailState::Refused { because },
    }
}

/// True if SES has not taken a mail, and will not take the same one.
fn is_refusal(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Denied
        | ErrorKind::Missing
        | ErrorKind::LimitExceeded
        | ErrorKind::UnknownCaller
        | ErrorKind::Invalid => true,
        ErrorKind::Throttled
        | ErrorKind::Conflict
        | ErrorKind::NotReady
        | ErrorKind::Unavailable
        | ErrorKind::Unreadable => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::plan::tests::policy;

    #[test]
    fn a_list_too_large_for_a_mail_is_told_where_it_lies_be_there_no_web_address() {
        let mut policy = policy();
        policy.store.prefix = "reports/".to_owned();
        let key = "dashboard/2026-10/findings-all.csv";
        assert_eq!(
            address_of(&policy, key),
            format!("s3://store/reports/{key}")
        );
        policy.address = Some("https://reports.example.com/".to_owned());
        let address = format!("https://reports.example.com/{key}");
        assert_eq!(address_of(&policy, key), address);
    }
}

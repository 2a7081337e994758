//! One run, from the request to the outcome.

use std::collections::BTreeMap;

use anyhow::anyhow;
use banto_domain::policy::ReportPolicy;
use banto_domain::policy::report::ReportMail;
use banto_domain::{AccountId, Breach, Month};
use banto_lambda::InvocationError;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::collect::observe::{MonthBefore, candidates};
use crate::collect::{Accounts, Job, Mode, statuses};
use crate::event::Request;
use crate::evidence::{EngineUsage, Period};
use crate::failure;
use crate::history::History;
use crate::model::{MonthReport, MonthSummary};
use crate::notices;
use crate::ports::Ports;
use crate::publish::apply::Publication;
use crate::publish::check;
use crate::publish::mails::{self, MailOutcome, MailState, Mails};
use crate::publish::reports::{Reports, ReportsBuilder};
use crate::remake::{self, Remake};
use crate::report::{DryRun, Made, Outcome};
use crate::store::{AT_ONCE, json, made_key, report_key, summary_key};
use crate::tell;
use crate::time::RunTime;

/// Makes a report.
///
/// # Errors
/// If it can't be made to its end.
pub(crate) async fn run(
    ports: &Ports,
    policy: &ReportPolicy,
    request: &Request,
    time: RunTime<'_>,
) -> Result<Outcome, InvocationError> {
    if !policy.enabled {
        tracing::warn!("nothing done: [report] enabled is false");
        return Ok(Outcome::Disabled);
    }
    let now = ports.clock.now();
    let period = period(request.month, now)?;
    let remake = remake::begun(&ports.store, request, time.request(), period, now).await;
    let remake = remake.map_err(failure::port)?;
    let run = Run {
        ports,
        policy,
        request,
        time,
        period: remake.as_ref().map_or(period, |remake| remake.period),
        remake: remake.as_ref(),
        now,
    };
    let outcome = run.make().await;
    if let Err(error) = &outcome
        && error.kind == failure::OUT_OF_TIME
        && !request.dry_run
    {
        run.tell_out_of_time().await;
    }
    outcome
}

/// The month that is asked for, and the moment at which it is looked at.
fn period(month: Option<Month>, now: Timestamp) -> Result<Period, InvocationError> {
    let month = month.unwrap_or_else(|| Month::of(now).previous());
    if month.start() >= now {
        let error = anyhow!("{month} has not begun");
        return Err(InvocationError::new("MonthNotBegun", error));
    }
    Ok(Period {
        month,
        end: month.end().min(now),
    })
}

/// A run on a month.
#[derive(Clone, Copy)]
struct Run<'a> {
    ports: &'a Ports,
    policy: &'a ReportPolicy,
    request: &'a Request,
    time: RunTime<'a>,
    period: Period,
    /// How the month is made anew, if it is.
    remake: Option<&'a Remake>,
    now: Timestamp,
}

/// What a run collected.
struct Collection {
    reports: Reports,
    read: usize,
    left_out: Vec<AccountId>,
    refused: Vec<Breach>,
    /// The month before, which a dry run would have collected first.
    baseline: Option<Month>,
}

impl Run<'_> {
    async fn make(&self) -> Result<Outcome, InvocationError> {
        let whole = self.whole().await?;
        if whole.is_some() && self.request.resend.is_empty() {
            let month = self.period.month;
            // The run that made it may have ended before it told anybody.
            self.tell_made().await?;
            return Ok(Outcome::Whole { month });
        }
        // This month's own point of the trend is added when its report is made.
        let months = self.policy.trend_months.saturating_sub(1);
        let history = History::read(&self.ports.store, self.period.month, months).await;
        let history = history.map_err(failure::port)?;
        let made = match whole {
            Some(summary) => Box::pin(self.send_again(&summary, &history)).await?,
            None => Box::pin(self.collect_and_publish(&history)).await?,
        };
        Ok(Outcome::Made(Box::new(made)))
    }

    /// The summary of the month, if it is whole and not to be made anew.
    async fn whole(&self) -> Result<Option<MonthSummary>, InvocationError> {
        let is_over = self.period.end == self.period.month.end();
        if self.remake.is_some() || self.request.dry_run || !is_over {
            return Ok(None);
        }
        let key = summary_key(self.period.month);
        let summary = self.ports.store.get_current(&key).await;
        summary.map_err(failure::port)
    }

    async fn collect_and_publish(&self, history: &History) -> Result<Made, InvocationError> {
        let collection = self.collect(history).await?;
        let publication = self.publication(history);
        let (refused, reports) = (&collection.refused, &collection.reports);
        if self.request.dry_run {
            let mails = match &self.policy.mail {
                Some(policy) if publication.is_over() => {
                    self.mails(publication, false)
                        .dry_run(reports, policy)
                        .await?
                }
                _ => Vec::new(),
            };
            let dry_run = DryRun {
                writes: publication.keys(),
                refused: collection.refused,
                baseline: collection.baseline,
            };
            let made = Made {
                dry_run: Some(dry_run),
                ..self.made(collection.reports.all, mails, publication)
            };
            return Ok(Made {
                read: collection.read,
                left_out: collection.left_out,
                ..made
            });
        }
        if !refused.is_empty() {
            return Err(failure::refused(refused));
        }
        self.assert_mails_exist(reports)?;
        publication.write_pages(reports).await?;
        let mails = self.send(reports, self.mails(publication, false)).await?;
        let summary = publication.is_over().then(|| reports.summary());
        let made = Made {
            read: collection.read,
            left_out: collection.left_out,
            ..self.made(collection.reports.all, mails, publication)
        };
        self.finish(&made, summary, publication).await?;
        Ok(made)
    }

    /// Makes the month whole, and then tells operators: that nobody can be told must not keep it
    /// from being whole, and the next run tells them. A month that lasts is looked at by whoever
    /// asked for it, and comes again.
    async fn finish(
        &self,
        made: &Made,
        summary: Option<MonthSummary>,
        publication: Publication<'_>,
    ) -> Result<(), InvocationError> {
        let store = &self.ports.store;
        if let Some(summary) = &summary {
            let notice = json(made_key(self.period.month), &notices::made(made));
            let notice = notice.map_err(failure::port)?;
            store.put(notice).await.map_err(failure::port)?;
            publication.write_summary(summary).await?;
        }
        if let Some(remake) = self.remake {
            let finished = remake.clone().finish(store).await;
            finished.map_err(failure::port)?;
        }
        match summary {
            Some(_) => self.tell_made().await,
            None => Ok(()),
        }
    }

    /// Tells operators what was made, unless they were told.
    async fn tell_made(&self) -> Result<(), InvocationError> {
        let notice = self
            .ports
            .store
            .get_json(&made_key(self.period.month))
            .await;
        match notice.map_err(failure::port)? {
            Some(notice) => self.tell(&notice).await,
            None => Ok(()),
        }
    }

    /// Sends mails of a whole month again.
    async fn send_again(
        &self,
        summary: &MonthSummary,
        history: &History,
    ) -> Result<Made, InvocationError> {
        let (store, month) = (&self.ports.store, self.period.month);
        let known = store.get_current::<MonthReport>(&report_key(month)).await;
        let known = known.map_err(failure::port)?;
        let compared_with = known.as_ref().and_then(|report| report.compared_with);
        let usage = known.map_or_else(EngineUsage::default, |report| report.engine);
        let mut builder = ReportsBuilder::new(self.policy, self.period, compared_with);
        let reads = summary.accounts.iter();
        let reads = reads.map(|account| store.account(month, account));
        let mut accounts = stream::iter(reads).buffered(AT_ONCE);
        while let Some(account) = accounts.next().await {
            builder.add(&account.map_err(failure::port)?);
            if !self.time.is_enough() {
                return Err(failure::out_of_time_to_publish());
            }
        }
        let reports = builder.finish(|owner| history.trend(owner), self.now, usage);
        self.assert_mails_exist(&reports)?;
        let publication = self.publication(history);
        let mails = self.send(&reports, self.mails(publication, true)).await?;
        let made = self.made(reports.all, mails, publication);
        if notices::needs_action(&made) {
            self.tell(&notices::made(&made)).await?;
        }
        Ok(made)
    }

    /// Collects every account, after those of the month before where there is none to compare with.
    async fn collect(&self, history: &History) -> Result<Collection, InvocationError> {
        let usage_before = self.ports.engine.usage();
        let statuses = self.statuses().await;
        let mut before = history.month_before(self.period.month);
        let mut baseline = None;
        if history.before.is_empty() {
            let month = self.period.month.previous();
            if self.request.dry_run {
                baseline = Some(month);
            } else {
                before = self.baseline(month, &statuses).await?;
            }
        }
        let candidates = candidates(self.ports, self.period, &before).await?;
        let mode = Mode::of(self.request, self.remake.map(|remake| remake.since));
        let mut accounts =
            Accounts::new(self.job(self.period, mode, &before, &statuses), candidates);
        let mut builder = ReportsBuilder::new(self.policy, self.period, before.month);
        while let Some(account) = accounts.next().await? {
            builder.add(&account);
        }
        let usage = since(usage_before, self.ports.engine.usage());
        let reports = builder.finish(|owner| history.trend(owner), self.now, usage);
        let mut refused = accounts.refused;
        refused.extend(check::check(&reports.all, &reports.owners));
        Ok(Collection {
            reports,
            read: accounts.read,
            left_out: accounts.left_out,
            refused,
            baseline,
        })
    }

    /// Collects the month before the first one, so that there is something to compare it with. It
    /// is not published. Where the archive says nothing of its end, there is no month before.
    async fn baseline(
        &self,
        month: Month,
        statuses: &BTreeMap<AccountId, String>,
    ) -> Result<MonthBefore, InvocationError> {
        let period = Period {
            month,
            end: month.end(),
        };
        let none = MonthBefore::default();
        let mut baseline = MonthBefore {
            month: Some(month),
            ..MonthBefore::default()
        };
        let candidates = candidates(self.ports, period, &none).await?;
        let job = self.job(period, Mode::GoOn, &none, statuses);
        let mut accounts = Accounts::new(job, candidates);
        let mut is_known = false;
        while let Some(account) = accounts.next().await? {
            let mut regions = account.regions.values();
            is_known |= regions.any(|region| region.unknown_because.is_none());
            baseline.add(&account);
        }
        if !accounts.refused.is_empty() {
            return Err(failure::refused(&accounts.refused));
        }
        Ok(if is_known { baseline } else { none })
    }

    async fn statuses(&self) -> BTreeMap<AccountId, String> {
        match (&self.ports.statuses, &self.policy.statuses) {
            (Some(objects), Some(place)) => statuses::read(objects.as_ref(), place).await,
            _ => BTreeMap::new(),
        }
    }

    /// Sends the mails of a month that is over.
    async fn send(
        &self,
        reports: &Reports,
        mails: Mails<'_>,
    ) -> Result<Vec<MailOutcome>, InvocationError> {
        let Some(policy) = self.mail_policy(mails.publication) else {
            return Ok(Vec::new());
        };
        let sent = mails.send(reports, policy).await?;
        let is_under_way = |mail: &MailOutcome| mail.state == MailState::UnderWay;
        if let Some(mail) = sent.iter().find(|mail| is_under_way(mail)) {
            let error = anyhow!(
                "another run is sending the mail {:?}; the next run sees what became of it",
                mail.name
            );
            return Err(InvocationError::new("MailsUnderWay", error));
        }
        Ok(sent)
    }

    /// The policy of mails, if the month is over: a month that lasts has none.
    fn mail_policy(&self, publication: Publication<'_>) -> Option<&ReportMail> {
        let policy = self.policy.mail.as_ref();
        policy.filter(|_| publication.is_over())
    }

    /// Fails for a request to send a mail again that the month does not have, before anything is
    /// published.
    fn assert_mails_exist(&self, reports: &Reports) -> Result<(), InvocationError> {
        let known = match &self.policy.mail {
            Some(policy) => mails::names(reports, policy),
            None => Vec::new(),
        };
        let mut asked = self.request.resend.iter();
        match asked.find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let known = known.join(", ");
                let error = anyhow!("there is no mail {name:?}; there are: {known}");
                Err(InvocationError::new("UnknownMail", error))
            }
        }
    }

    async fn tell(&self, notice: &banto_notice::Notice) -> Result<(), InvocationError> {
        tell::send_once(self.ports, self.period.month, notice, self.time).await
    }

    /// Tells operators that the time was up. The run fails for that already, and not for this.
    async fn tell_out_of_time(&self) {
        if let Err(error) = self.tell(&notices::out_of_time(self.period.month)).await {
            tracing::error!(error.kind = error.kind, %error, "operators not told");
        }
    }

    fn job<'b>(
        &'b self,
        period: Period,
        mode: Mode,
        before: &'b MonthBefore,
        statuses: &'b BTreeMap<AccountId, String>,
    ) -> Job<'b> {
        Job {
            ports: self.ports,
            policy: self.policy,
            period,
            before,
            statuses,
            mode,
            time: self.time,
            now: self.now,
        }
    }

    fn publication<'b>(&'b self, history: &'b History) -> Publication<'b> {
        Publication {
            store: &self.ports.store,
            policy: self.policy,
            period: self.period,
            history,
            time: self.time,
        }
    }

    fn mails<'b>(&'b self, publication: Publication<'b>, just_those: bool) -> Mails<'b> {
        Mails {
            publication,
            mailer: self.ports.mailer.as_ref(),
            clock: self.ports.clock.as_ref(),
            resend: &self.request.resend,
            just_those,
        }
    }

    fn made(
        &self,
        report: MonthReport,
        mails: Vec<MailOutcome>,
        publication: Publication<'_>,
    ) -> Made {
        Made {
            report,
            read: 0,
            left_out: Vec::new(),
            mails,
            page: publication.page_address(),
            dry_run: None,
        }
    }
}

/// What an engine has read since.
fn since(before: EngineUsage, now: EngineUsage) -> EngineUsage {
    EngineUsage {
        objects: now.objects.saturating_sub(before.objects),
        bytes: now.bytes.saturating_sub(before.bytes),
        by_athena: now.by_athena,
    }
}

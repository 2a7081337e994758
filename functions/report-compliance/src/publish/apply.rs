//! Writes a month's report and its pages: the page that leads to the newest month last, so that a
//! run that ends on the way leaves last month's whole.

use banto_domain::AccountId;
use banto_domain::policy::ReportPolicy;
use banto_lambda::InvocationError;
use banto_ports::NewObject;
use futures_util::{StreamExt as _, stream};

use super::dashboard::{self, MAX_INLINE_ROWS, Rows};
use super::reports::Reports;
use crate::evidence::Period;
use crate::failure;
use crate::history::History;
use crate::model::{FindingRow, MonthReport, MonthSummary};
use crate::store::{
    AT_ONCE, NEWEST_PAGE, Store, json, made_key, page_key, report_key, summary_key,
};
use crate::time::RunTime;

/// The name of a month's page.
const PAGE: &str = "index.html";

/// The month that is published, and where.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    pub store: &'a Store,
    pub policy: &'a ReportPolicy,
    pub period: Period,
    pub history: &'a History,
    pub time: RunTime<'a>,
}

impl Publication<'_> {
    /// True if the month is over, so that its mails can be sent and later months compared with it.
    pub fn is_over(&self) -> bool {
        self.period.end == self.period.month.end()
    }

    /// The keys that are written besides mails and files of single accounts.
    pub fn keys(&self) -> Vec<String> {
        let month = self.period.month;
        let mut keys = vec![report_key(month), page_key(month, PAGE)];
        if self.is_over() {
            if !self.history.has_newer {
                keys.push(NEWEST_PAGE.to_owned());
            }
            keys.extend([made_key(month), summary_key(month)]);
        }
        keys
    }

    /// The address of the month's page, where the policy says where people find it.
    pub fn page_address(&self) -> Option<String> {
        let address = self.policy.address.as_ref()?;
        Some(format!("{address}{}", page_key(self.period.month, PAGE)))
    }

    /// Writes the report and the pages.
    ///
    /// # Errors
    /// If one of them can't be written, or the time is up.
    pub async fn write_pages(&self, reports: &Reports) -> Result<(), InvocationError> {
        let month = self.period.month;
        let report = json(report_key(month), &reports.all).map_err(failure::port)?;
        self.put(report).await?;
        let before = self.report_before(reports).await?;
        let page = self.page(reports, before.as_ref()).await?;
        self.put(html(page_key(month, PAGE), page)).await?;
        if self.is_over() && !self.history.has_newer {
            let page = leads_to(&format!("{month}/{PAGE}"));
            self.put(html(NEWEST_PAGE.to_owned(), page)).await?;
        }
        Ok(())
    }

    /// Writes the summary, with which the month is whole.
    ///
    /// # Errors
    /// If it can't be written.
    pub async fn write_summary(&self, summary: &MonthSummary) -> Result<(), InvocationError> {
        let summary = json(summary_key(self.period.month), summary);
        self.put(summary.map_err(failure::port)?).await
    }

    /// The report of the month that this one is compared with, if there is one.
    async fn report_before(
        &self,
        reports: &Reports,
    ) -> Result<Option<MonthReport>, InvocationError> {
        let Some(month) = reports.all.compared_with else {
            return Ok(None);
        };
        let before = self.store.get_current(&report_key(month)).await;
        before.map_err(failure::port)
    }

    /// The month's page, after the files that it loads, if the findings are too many for itself.
    async fn page(
        &self,
        reports: &Reports,
        before: Option<&MonthReport>,
    ) -> Result<String, InvocationError> {
        let rows = if most_rows(&reports.all) <= MAX_INLINE_ROWS {
            Some(self.all_rows(reports).await?)
        } else {
            self.write_files(reports).await?;
            None
        };
        let rows = rows.as_deref().map_or(Rows::PerAccount, Rows::Inline);
        Ok(dashboard::render_beside(&reports.all, before, self.policy, rows).page)
    }

    async fn all_rows(&self, reports: &Reports) -> Result<Vec<FindingRow>, InvocationError> {
        let month = self.period.month;
        let reads = reports.accounts_of(None);
        let reads = reads.map(|account| self.store.findings(month, account));
        let mut found = stream::iter(reads).buffered(AT_ONCE);
        let mut rows = Vec::new();
        while let Some(found) = found.next().await {
            rows.extend(found.map_err(failure::port)?);
            self.assert_time()?;
        }
        Ok(rows)
    }

    async fn write_files(&self, reports: &Reports) -> Result<(), InvocationError> {
        let files = reports.accounts_of(None);
        let files = files.map(|account| self.write_file(account));
        let mut written = stream::iter(files).buffered(AT_ONCE);
        while let Some(file) = written.next().await {
            file?;
        }
        Ok(())
    }

    /// Writes the file of an account's findings.
    async fn write_file(&self, account: &AccountId) -> Result<(), InvocationError> {
        self.assert_time()?;
        let month = self.period.month;
        let known = self.store.account(month, account).await;
        let rows = self.store.findings(month, account).await;
        let (known, rows) = (known.map_err(failure::port)?, rows.map_err(failure::port)?);
        let (name, body) = dashboard::account_file(&known, &rows);
        self.put(NewObject {
            key: page_key(month, &name),
            media_type: "text/javascript; charset=utf-8",
            encoding: None,
            body,
        })
        .await
    }

    fn assert_time(&self) -> Result<(), InvocationError> {
        match self.time.is_enough() {
            true => Ok(()),
            false => Err(failure::out_of_time_to_publish()),
        }
    }

    async fn put(&self, object: NewObject) -> Result<(), InvocationError> {
        self.store.put(object).await.map_err(failure::port)
    }
}

/// Most findings that a report may have rows of: each is in one of these numbers, and so are
/// evaluations without a row.
fn most_rows(report: &MonthReport) -> usize {
    let totals = &report.totals;
    let open = totals.new + totals.open + totals.waived + totals.unknown;
    usize::try_from(open + totals.fixed + totals.closed).unwrap_or(usize::MAX)
}

fn html(key: String, page: String) -> NewObject {
    NewObject {
        key,
        media_type: "text/html; charset=utf-8",
        encoding: None,
        body: page.into_bytes(),
    }
}

/// A page that leads to another one beside it. It is small, so that the change from one month to
/// the next is one write.
fn leads_to(page: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <title>Compliance</title>\n\
         <meta http-equiv=\"refresh\" content=\"0; url={page}\">\n\
         <p><a href=\"{page}\">Compliance, newest month</a></p>\n</html>\n"
    )
}

//! What the policy names, looked at where the credentials are: is it there, does it work, and what
//! mends it?

mod absent;
mod alarms;
mod asking;
mod certificates;
mod check;
mod functions;
mod mail;
mod organization;
mod origin;
mod pipeline;
mod place;
mod queues;
mod recorders;
mod secrets;
mod show;
mod slack;
mod storage;
mod subscriptions;
#[cfg(test)]
mod tests;
mod xml;

use banto_domain::policy::Policy;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::ending::Ending;
use crate::output::line;
use crate::progress;
use crate::session::Session;
use crate::terminal::Screen;
use asking::Asker;
use check::{Check, Finding, Level};
pub(in crate::doctor) use place::Given;
use place::Here;

/// So many looks at once, and so many calls of each: a run of some sixty looks takes seconds, and
/// stays below what any service takes of one caller.
const AT_ONCE: usize = 4;

/// How the result is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'a> {
    pub(super) given: Given<'a>,
    pub(super) is_json: bool,
    /// Shows each thing that is fine, too.
    pub(super) is_verbose: bool,
}

/// Looks at all that is of this account and region, and shows it.
pub(super) async fn run(session: &Session, policy: &Policy, form: Form<'_>) -> Ending {
    let region = session.aws.region();
    let here = Here {
        policy,
        account: session.account.as_str(),
        region,
        now: Timestamp::now(),
        given: form.given,
    };
    let findings = findings(&here, session).await;
    let text = if form.is_json {
        format!("{:#}", show::as_json(&here, &findings))
    } else {
        let who = session.arn.rsplit_once(':').map_or("", |(_, who)| who);
        show::screen(&here, who, &findings, form.is_verbose, &Screen::of_output())
    };
    line(text.trim_end());
    ending(&findings)
}

async fn findings(here: &Here<'_>, session: &Session) -> Vec<Finding> {
    let checks = checks(here);
    let bar = progress::bar(checks.len(), "looks");
    let (asker, bar) = (Asker::new(&session.aws), &bar);
    let looks = checks.iter().map(|check| async {
        let findings = asker.look(check).await;
        bar.inc(1);
        findings
    });
    let looked: Vec<Vec<Finding>> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    bar.finish_and_clear();
    absent::explained(here, &checks, looked)
}

/// Everything that is of this account and region.
fn checks(here: &Here<'_>) -> Vec<Check> {
    let topics = [
        organization::checks,
        recorders::checks,
        queues::checks,
        functions::checks,
        alarms::checks,
        storage::checks,
        secrets::checks,
        slack::checks,
        mail::checks,
        subscriptions::checks,
        certificates::checks,
        pipeline::checks,
    ];
    let mut checks: Vec<Check> = topics.into_iter().flat_map(|of| of(here)).collect();
    checks.sort_by_key(|check| check.topic);
    checks
}

/// The exit code by the worst finding.
fn ending(findings: &[Finding]) -> Ending {
    match findings.iter().map(|finding| finding.said.level).max() {
        Some(Level::Error | Level::Warning) => Ending::FINDINGS,
        Some(Level::Blind) => Ending::BLIND,
        Some(Level::Note | Level::Fine) | None => Ending::Done,
    }
}

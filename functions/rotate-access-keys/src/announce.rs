//! Tells operators about a run, and records the findings that they were told, so that they are told
//! once.

use banto_lambda::Invocation;

use crate::job::Job;
use crate::notices;
use crate::outcome::{AccountOutcome, ApplyError, Failures};
use crate::ports::Ports;
use crate::record_writer::RecordWriter;
use crate::snapshot::{StoredRecord, User};

/// Tells operators what was done and found in an account. False if that failed.
pub async fn announce(
    ports: &Ports,
    job: &Job<'_>,
    outcome: &AccountOutcome,
    failures: Failures,
    invocation: &Invocation,
) -> bool {
    let Some(notice) = notices::summary(outcome, failures, &invocation.run) else {
        return true;
    };
    let sent = ports
        .notice_sender
        .send(&notice, invocation.remaining())
        .await;
    match sent {
        // The findings are not recorded, so that the next run tells them again.
        Err(error) => {
            tracing::error!(account.id = %outcome.account, notice.id, %error,
                "operators could not be notified");
            false
        }
        Ok(_) => {
            save_findings(ports, job, outcome, invocation).await;
            true
        }
    }
}

/// Records the new findings of every user as told. After a refused plan nothing is written, so the
/// findings of that run are told again.
async fn save_findings(
    ports: &Ports,
    job: &Job<'_>,
    outcome: &AccountOutcome,
    invocation: &Invocation,
) {
    let Some(observed) = &outcome.observed else {
        return;
    };
    if outcome.is_refused() {
        return;
    }
    for user in &observed.snapshot.users {
        let ids = new_finding_ids(outcome, user);
        if ids.is_empty() {
            continue;
        }
        if let Err(error) = save(ports, job, outcome, user, &ids, invocation).await {
            tracing::warn!(account.id = %outcome.account, user.name = %user.name, %error,
                "the finding could not be recorded and will be told again");
        }
    }
    close_records_of_gone_users(ports, outcome).await;
}

/// Ends the records of users who are gone, now that operators know.
async fn close_records_of_gone_users(ports: &Ports, outcome: &AccountOutcome) {
    for name in outcome.gone() {
        if let Err(error) = ports.records.mark_closed(&name).await {
            tracing::warn!(account.id = %outcome.account, user.name = %name, %error,
                "the record of a user who is gone could not be closed and will be told again");
        }
    }
}

fn new_finding_ids(outcome: &AccountOutcome, user: &User) -> Vec<String> {
    let mut ids = Vec::new();
    for finding in outcome.new_findings() {
        if finding.user == user.name && !finding.kind.is_answer() {
            ids.push(finding.kind.id());
        }
    }
    ids
}

async fn save(
    ports: &Ports,
    job: &Job<'_>,
    outcome: &AccountOutcome,
    user: &User,
    ids: &[String],
    invocation: &Invocation,
) -> Result<(), ApplyError> {
    let chain = outcome.chains.iter().find(|chain| chain.user == user.name);
    let stored: &StoredRecord = chain.map_or(&user.record, |chain| &chain.record);
    let mut writer = RecordWriter::new(ports, job, user, stored.clone(), &invocation.run);
    writer.save_notified(ids, ports.clock.now()).await
}

//! Claims of mails: each is claimed before it is sent, and settled after.
//!
//! A claim is an object that is created on condition that there is none yet, so that of two runs
//! one sends the mail. If a run ends between its claim and its settlement, nobody can say whether
//! the mail was sent: it is not sent again, operators hear of it, and may have it sent again. Such a
//! request has a claim of its own: Lambda hands a request over again that failed on its way, and
//! what it has sent is not sent again for that.

use banto_ports::PortError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::{MailKeys, Store, json};

/// Age up to which the claim of another run is under way: Lambda ends a run after 15 minutes, and
/// clocks differ a little.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(20);

/// A run that wants to send a mail.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    pub run: &'a str,
    pub now: Timestamp,
}

/// The claim of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    /// The run that sends it.
    run: String,
    at: Timestamp,
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Settlement {
    /// SES took it.
    Sent { at: Timestamp },
    /// SES refused it for good.
    Refused { at: Timestamp, because: String },
}

/// What a run that wants to send a mail may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The run sends it.
    Ours,
    /// It is settled.
    Settled(Settlement),
    /// Another run is sending it.
    UnderWay,
    /// A run ended before it settled it.
    InDoubt,
}

/// Claims a mail for a run.
///
/// The claim of a request that sends a mail again is under way for no other run: the request comes
/// again after its run has ended. (Lambda developer guide, "How Lambda handles errors and retries
/// with asynchronous invocation".)
///
/// # Errors
/// If nobody can say who has the claim.
pub async fn claim(
    store: &Store,
    keys: MailKeys<'_>,
    claimant: Claimant<'_>,
) -> Result<Claimed, PortError> {
    let Claimant { run, now } = claimant;
    let created = store.create(json(keys.claim(), &claim_of(claimant))?).await;
    let Err(error) = created else {
        return Ok(Claimed::Ours);
    };
    // A call whose answer is lost may have created it.
    if let Some(settlement) = store.get_json(&keys.settled()).await? {
        return Ok(Claimed::Settled(settlement));
    }
    match store.get_json::<Claim>(&keys.claim()).await? {
        Some(claim) if claim.run == run => Ok(Claimed::Ours),
        Some(_) if keys.request.is_some() => Ok(Claimed::InDoubt),
        Some(claim) if now.duration_since(claim.at) < UNDER_WAY => Ok(Claimed::UnderWay),
        Some(_) => Ok(Claimed::InDoubt),
        None => Err(error),
    }
}

/// Claims a mail as the month has it, whoever has claimed it before, for a request that sends it
/// again.
///
/// # Errors
/// If the claim can't be written.
pub async fn take_over(
    store: &Store,
    keys: MailKeys<'_>,
    claimant: Claimant<'_>,
) -> Result<(), PortError> {
    store.put(json(keys.claim(), &claim_of(claimant))?).await
}

/// Writes down what became of a mail.
///
/// # Errors
/// If it can't be written; the mail is then in doubt.
pub async fn settle(
    store: &Store,
    keys: MailKeys<'_>,
    settlement: &Settlement,
) -> Result<(), PortError> {
    store.put(json(keys.settled(), settlement)?).await
}

fn claim_of(claimant: Claimant<'_>) -> Claim {
    Claim {
        run: claimant.run.to_owned(),
        at: claimant.now,
    }
}

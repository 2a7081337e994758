//! The failures of a run as a whole, by the `errorType` that Lambda reports.

use anyhow::anyhow;
use banto_domain::{AccountId, Breach};
use banto_lambda::InvocationError;
use banto_ports::PortError;

/// The kind of a run whose time was up. Whatever it did stays done, and the next run goes on.
pub const OUT_OF_TIME: &str = "OutOfTime";

/// The time was up with so many accounts left.
pub fn out_of_time(left: usize) -> InvocationError {
    let error = anyhow!("out of time with {left} accounts left; the next run goes on with them");
    InvocationError::new(OUT_OF_TIME, error)
}

/// The time was up while pages were written or mails sent.
pub fn out_of_time_to_publish() -> InvocationError {
    let error = anyhow!("out of time while publishing; the next run does the rest");
    InvocationError::new(OUT_OF_TIME, error)
}

/// Something could not be read or written.
pub fn port(error: PortError) -> InvocationError {
    InvocationError::new("Unreachable", error)
}

/// An account's archive could not be read.
pub fn archive(account: &AccountId) -> impl FnOnce(PortError) -> InvocationError {
    move |error| {
        let error = anyhow::Error::new(error).context(format!("account {account}"));
        InvocationError::new("ArchiveUnreachable", error)
    }
}

/// Organizations could not be read.
pub fn organization(error: PortError) -> InvocationError {
    InvocationError::new("OrganizationUnreachable", error)
}

/// An object of the store could not be made or understood.
pub fn object<E>(key: &str, error: E) -> InvocationError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let error = anyhow::Error::new(error).context(key.to_owned());
    InvocationError::new("ObjectUnreadable", error)
}

/// The check found that a plan would break a promise, and nothing of it is written.
pub fn refused(breaches: &[Breach]) -> InvocationError {
    InvocationError::new("PlanRefused", anyhow!(Breach::join(breaches)))
}

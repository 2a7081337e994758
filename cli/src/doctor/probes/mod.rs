//! All probes.

mod access;
mod look;
mod messaging;
mod organization;
mod secrets;
mod storage;

use super::probe::Probe;

/// All probes: those that only look first, then those about access.
pub(crate) fn all() -> Vec<Probe> {
    let mut all = look::probes();
    all.extend(organization::probes());
    all.extend(access::probes());
    all.extend(secrets::probes());
    all.extend(storage::probes());
    all.extend(messaging::probes());
    all
}

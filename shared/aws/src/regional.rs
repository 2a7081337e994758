//! EC2, and the services that use its networks, in each region of an account.

use banto_domain::Region;

use crate::caller::Caller;
use crate::config::Aws;
use crate::service::Service;
use crate::token_bucket::TokenBucket;

/// The version of EC2's API. (EC2 API reference.)
pub(crate) const EC2_VERSION: &str = "2016-11-15";

/// Calls a second in one account. EC2 answers each API 20 times a second in each region of an
/// account. (EC2 developer guide, "Request throttling for the Amazon EC2 API".) This is for all of
/// them together, so that one function's look takes nothing from those who work in the account.
const CALLS_PER_SECOND: u32 = 20;
/// Calls that go at once: half of what EC2 lets through at once of one API in one region.
const BURST: u32 = 50;

/// Asks services in the regions of an account whose role was assumed, at one pace.
#[derive(Debug)]
pub(crate) struct RegionalCallers {
    aws: Aws,
    calls: TokenBucket,
}

impl RegionalCallers {
    pub(crate) fn new(aws: Aws) -> Self {
        Self {
            aws,
            calls: TokenBucket::per_second(CALLS_PER_SECOND, BURST),
        }
    }

    /// Asks one service in one region, after a turn.
    pub(crate) async fn caller(&self, service: Service, region: &Region) -> Caller {
        self.calls.acquire().await;
        self.aws.caller_in(service, region.as_str())
    }
}

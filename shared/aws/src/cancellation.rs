//! Why DynamoDB cancelled a transaction, and whether that passes. (DynamoDB API reference,
//! `TransactionCanceledException`.)

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use banto_ports::{ErrorKind, PortError};

use crate::errors::{kind_of, port_error};

/// Reasons that pass; the first within milliseconds.
const CONFLICT: &str = "TransactionConflict";
const PASSING: [&str; 3] = [CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded"];

/// Tries a transaction again that was cancelled for reasons that pass, as the SDK does with every
/// other call. Else whoever looks whether a route is free could keep the run that has it from
/// noting what it told.
#[derive(Debug)]
pub(crate) struct CancelledForNow;

impl ClassifyRetry for CancelledForNow {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(|error| error.as_operation_error());
        let reasons = error
            .and_then(|error| error.downcast_ref())
            .map(reasons)
            .unwrap_or_default();
        let codes: BTreeSet<&str> = reasons.iter().filter_map(code_of).collect();
        if codes.is_empty() || !codes.iter().all(|code| PASSING.contains(code)) {
            RetryAction::NoActionIndicated
        } else if codes == BTreeSet::from([CONFLICT]) {
            RetryAction::transient_error()
        } else {
            RetryAction::throttling_error()
        }
    }

    fn name(&self) -> &'static str {
        "transactions that were cancelled for now"
    }
}

/// Says why a transaction failed, and which of its calls, which are in the order of its items. Of
/// several reasons it is the one that says that somebody else was faster.
pub(crate) fn cancelled(
    calls: &[&'static str],
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
) -> PortError {
    let reasons = error.as_service_error().map(reasons).unwrap_or_default();
    let failed = || {
        calls
            .iter()
            .zip(reasons)
            .filter_map(|(call, reason)| Some((*call, code_of(reason)?, reason)))
    };
    let conflict = failed().find(|(_, code, _)| kind_of(code, 400) == ErrorKind::Conflict);
    match conflict.or_else(|| failed().next()) {
        Some((call, code, reason)) => {
            let words = reason.message().unwrap_or("the transaction was cancelled");
            PortError::new(kind_of(code, 400), call, format!("{code}: {words}"))
        }
        None => port_error(calls.first().copied().unwrap_or("dynamodb:PutItem"), error),
    }
}

fn reasons(error: &TransactWriteItemsError) -> &[CancellationReason] {
    match error {
        TransactWriteItemsError::TransactionCanceledException(error) => {
            error.cancellation_reasons()
        }
        _ => &[],
    }
}

/// The code of a reason; `None` of an item that was none.
fn code_of(reason: &CancellationReason) -> Option<&str> {
    reason.code().filter(|code| *code != "None")
}

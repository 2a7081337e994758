//! What kind of failure an SDK error is.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use banto_ports::{ErrorKind, PortError};

use crate::reading::Writes;

/// Most characters of a service's own words that are kept.
const MESSAGE_CHARS: usize = 300;

/// Says what failed, in the service's own words. The SDK's error itself is dropped here: it holds
/// the whole response, and with it perhaps a secret.
pub(crate) fn port_error<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata,
{
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let code = context.err().code().unwrap_or_default();
            let words = context.err().message().unwrap_or_default();
            let kind = kind_of(code, status);
            let message = match (code, words) {
                ("", "") => format!("HTTP status {status}"),
                (code, "") => code.to_owned(),
                (code, words) => format!("{code}: {words}"),
            };
            PortError::new(
                kind,
                call,
                message.chars().take(MESSAGE_CHARS).collect::<String>(),
            )
        }
        SdkError::TimeoutError(_) => {
            PortError::new(ErrorKind::Unavailable, call, "no answer in time")
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            PortError::new(ErrorKind::Unavailable, call, "no connection in time")
        }
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            let cause = failure.as_connector_error().and_then(Error::source);
            let writes = cause.and_then(|cause| cause.downcast_ref::<Writes>());
            let message = writes.map_or_else(
                || "the request could not be sent as it was".to_owned(),
                Writes::to_string,
            );
            PortError::new(ErrorKind::Invalid, call, message)
        }
        // A call that was to get credentials, as sts:AssumeRole, and was refused.
        SdkError::DispatchFailure(failure) => {
            let refusal = failure
                .as_connector_error()
                .and_then(|error| refusal_within(error));
            refusal.unwrap_or_else(|| {
                PortError::new(ErrorKind::Unavailable, call, "the connection failed")
            })
        }
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            PortError::new(
                ErrorKind::Unavailable,
                call,
                format!("an answer that can't be read, HTTP status {status}"),
            )
        }
        _ => PortError::new(ErrorKind::Invalid, call, "the request could not be made"),
    }
}

/// The refusal that an error comes from, if one of our own calls met it.
fn refusal_within(error: &(dyn Error + 'static)) -> Option<PortError> {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    let mut refusals = sources.filter_map(|error| error.downcast_ref::<PortError>());
    refusals.next().cloned()
}

/// An error about an answer that lacks what it must have.
pub(crate) fn lacking(call: &'static str, what: &str) -> PortError {
    PortError::new(
        ErrorKind::Unavailable,
        call,
        format!("the answer lacks {what}"),
    )
}

/// True of a code that says that something is not there. EC2 names what:
/// `InvalidSubnetID.NotFound`.
fn is_missing(code: &str) -> bool {
    code.ends_with(".NotFound")
        || matches!(
            code,
            "NoSuchEntity"
                | "NoSuchEntityException"
                | "ResourceNotFoundException"
                | "NoSuchKey"
                | "NoSuchBucket"
                | "NotFound"
                | "NotFoundException"
                | "AccountNotFoundException"
                | "ChildNotFoundException"
                | "TargetNotFoundException"
                | "NoSuchBucketException"
                | "NoSuchPublicAccessBlockConfiguration"
                | "NoSuchConfigurationAggregatorException"
                | "NoSuchConfigurationRecorderException"
                | "NoSuchDeliveryChannelException"
                | "Gateway.NotAttached"
                | "ReportNotPresent"
                | "ReportExpired"
        )
}

/// The kind of failure that a service's code means, or else its status.
pub(crate) fn kind_of(code: &str, status: u16) -> ErrorKind {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "ProvisionedThroughputExceededException"
        | "ProvisionedThroughputExceeded"
        | "ThrottlingError"
        | "SlowDown" => ErrorKind::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "AccountSuspendedException"
        | "UnauthorizedOperation" => ErrorKind::Denied,
        "UnrecognizedClientException" | "AuthFailure" => ErrorKind::UnknownCaller,
        _ if is_missing(code) => ErrorKind::Missing,
        "EntityAlreadyExists"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "DuplicateAccountException"
        // One is allowed, and somebody has made it since the look.
        | "MaxNumberOfConfigurationRecordersExceededException"
        | "MaxNumberOfDeliveryChannelsExceededException"
        | "ResourceExistsException"
        | "PreconditionFailed"
        // Somebody else writes the object at this moment.
        | "ConditionalRequestConflict"
        | "ConditionalCheckFailedException"
        | "ConditionalCheckFailed"
        | "TransactionConflictException"
        | "TransactionConflict"
        | "TransactionInProgressException"
        | "StaleRequestException" => ErrorKind::Conflict,
        "LimitExceeded" | "LimitExceededException" => ErrorKind::LimitExceeded,
        // A new account, a StackSet at work, a role that was just made.
        "EntityTemporarilyUnmodifiable"
        | "ReportInProgress"
        | "OptInRequired"
        | "SubscriptionRequiredException"
        | "OperationInProgressException"
        | "InvalidRoleException"
        | "NoAvailableConfigurationRecorderException"
        | "NoAvailableDeliveryChannelException" => ErrorKind::NotReady,
        // An operator, or SES itself, pauses what an account sends.
        "SendingPausedException" => ErrorKind::Unavailable,
        _ if status == 429 => ErrorKind::Throttled,
        _ if status == 403 => ErrorKind::Denied,
        _ if status == 404 => ErrorKind::Missing,
        _ if status >= 500 => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}

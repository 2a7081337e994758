//! Objects in S3. Who asks for one names the permission that it needs, as every adapter does.

use banto_ports::PortError;

use crate::caller::{Caller, Request, encoded_path};
use crate::config::Aws;
use crate::service::Service;

/// S3 in the function's region, or in a role's account.
#[derive(Debug, Clone)]
pub(crate) struct S3(Caller);

impl S3 {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self(aws.caller(Service::S3))
    }

    /// The first `most` bytes of an object.
    pub(crate) async fn get(
        &self,
        call: &'static str,
        bucket: &str,
        key: &str,
        most: usize,
    ) -> Result<Vec<u8>, PortError> {
        let range = ("range", format!("bytes=0-{}", most.saturating_sub(1)));
        let request = Request {
            headers: vec![range],
            ..Request::get(call, "")
        };
        self.0
            .ask(addressed(request, self.0.is_elsewhere(), bucket, key))
            .await
    }

    /// Replaces an object.
    pub(crate) async fn put(
        &self,
        call: &'static str,
        bucket: &str,
        key: &str,
        media_type: &str,
        body: &str,
    ) -> Result<(), PortError> {
        let headers = vec![("content-type", media_type.to_owned())];
        let request = Request {
            method: "PUT",
            headers,
            body: body.into(),
            ..Request::get(call, "")
        };
        self.0
            .ask(addressed(request, self.0.is_elsewhere(), bucket, key))
            .await
            .map(drop)
    }
}

/// A bucket is part of the host's name, except where that would not do: a local AWS has no name for
/// each bucket, and no certificate covers one with dots. (S3 user guide, "Virtual hosting of
/// buckets".)
fn addressed(request: Request, is_elsewhere: bool, bucket: &str, key: &str) -> Request {
    let key = encoded_path(key);
    if is_elsewhere || bucket.contains('.') {
        Request {
            path: format!("/{bucket}/{key}"),
            ..request
        }
    } else {
        Request {
            host_prefix: Some(bucket.to_owned()),
            path: format!("/{key}"),
            ..request
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_in_the_hosts_name_where_a_certificate_covers_it() {
        let address = |is_elsewhere, bucket| {
            let request = addressed(
                Request::get("s3:GetObject", ""),
                is_elsewhere,
                bucket,
                "certs/a b.asc",
            );
            (request.host_prefix, request.path)
        };
        assert_eq!(
            address(false, "banto"),
            (Some("banto".to_owned()), "/certs/a%20b.asc".to_owned())
        );
        assert_eq!(
            address(false, "banto.example.com"),
            (None, "/banto.example.com/certs/a%20b.asc".to_owned())
        );
        assert_eq!(
            address(true, "banto"),
            (None, "/banto/certs/a%20b.asc".to_owned())
        );
    }
}

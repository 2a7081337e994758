//! Objects in S3. Who asks for one names the permission that it needs, as every adapter does.

use banto_ports::{ErrorKind, PortError};
use jiff::Timestamp;

use crate::caller::{Caller, Request, encoded_path, encoded_query};
use crate::config::Aws;
use crate::errors::lacking;
use crate::service::Service;

/// S3 in the function's region, or in a role's account.
#[derive(Debug, Clone)]
pub(crate) struct S3(Caller);

/// The code of S3's answer to a range that begins at an object's end or behind it, as each does in an
/// empty object. (S3 API reference, "Error responses".)
const INVALID_RANGE: &str = "InvalidRange";

/// A version of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version<'a> {
    pub(crate) key: &'a str,
    pub(crate) id: &'a str,
}

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
        self.get_from(call, bucket, key, 0, most).await
    }

    /// The bytes of an object from an offset on: `most` of them, or fewer at its end.
    pub(crate) async fn get_from(
        &self,
        call: &'static str,
        bucket: &str,
        key: &str,
        from: u64,
        most: usize,
    ) -> Result<Vec<u8>, PortError> {
        let request = part(call, from, most);
        let request = addressed(request, self.0.is_elsewhere(), bucket, key);
        or_empty(self.0.ask(request).await)
    }

    /// The first `most` bytes of an object, and when it was stored.
    pub(crate) async fn get_dated(
        &self,
        call: &'static str,
        bucket: &str,
        key: &str,
        most: usize,
    ) -> Result<(Vec<u8>, Option<Timestamp>), PortError> {
        let request = part(call, 0, most);
        let request = addressed(request, self.0.is_elsewhere(), bucket, key);
        match self.0.ask_dated(request).await {
            Err(error) if is_behind_the_end(&error) => Ok((Vec::new(), None)),
            answer => answer,
        }
    }

    /// The first `most` bytes of a version of an object.
    pub(crate) async fn get_version(
        &self,
        call: &'static str,
        bucket: &str,
        object: Version<'_>,
        most: usize,
    ) -> Result<Vec<u8>, PortError> {
        let request = part(call, 0, most);
        let mut request = addressed(request, self.0.is_elsewhere(), bucket, object.key);
        request.path = format!("{}?versionId={}", request.path, encoded_query(object.id));
        or_empty(self.0.ask(request).await)
    }

    /// The versions of every object whose key begins so, up to a thousand; XML. (S3 API reference,
    /// `ListObjectVersions`.)
    pub(crate) async fn versions(
        &self,
        call: &'static str,
        bucket: &str,
        prefix: &str,
    ) -> Result<String, PortError> {
        let mut request = addressed(Request::get(call, ""), self.0.is_elsewhere(), bucket, "");
        request.path = format!(
            "{}?prefix={}&versions=",
            request.path,
            encoded_query(prefix)
        );
        let body = self.0.ask(request).await?;
        String::from_utf8(body).map_err(|_| lacking(call, "text in UTF-8"))
    }

    /// A page of a listing; XML. The query is encoded already. (S3 API reference, `ListObjectsV2`.)
    pub(crate) async fn list(
        &self,
        call: &'static str,
        bucket: &str,
        query: &str,
    ) -> Result<String, PortError> {
        let mut request = addressed(Request::get(call, ""), self.0.is_elsewhere(), bucket, "");
        request.path = format!("{}?list-type=2&{query}", request.path);
        let body = self.0.ask(request).await?;
        String::from_utf8(body).map_err(|_| lacking(call, "text in UTF-8"))
    }

    /// Writes an object, with headers that say how.
    pub(crate) async fn put(
        &self,
        call: &'static str,
        bucket: &str,
        key: &str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<(), PortError> {
        let request = Request {
            method: "PUT",
            headers,
            body,
            ..Request::get(call, "")
        };
        self.0
            .ask(addressed(request, self.0.is_elsewhere(), bucket, key))
            .await
            .map(drop)
    }
}

/// The answer to a ranged request: an empty body where the object has no bytes there.
fn or_empty(answer: Result<Vec<u8>, PortError>) -> Result<Vec<u8>, PortError> {
    match answer {
        Err(error) if is_behind_the_end(&error) => Ok(Vec::new()),
        answer => answer,
    }
}

fn is_behind_the_end(error: &PortError) -> bool {
    error.kind == ErrorKind::Invalid && error.message.starts_with(INVALID_RANGE)
}

/// A request for `most` bytes from an offset on.
fn part(call: &'static str, from: u64, most: usize) -> Request {
    let last = from.saturating_add(most as u64).saturating_sub(1);
    let range = ("range", format!("bytes={from}-{last}"));
    Request {
        headers: vec![range],
        ..Request::get(call, "")
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
